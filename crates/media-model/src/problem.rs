//! What is wrong with a request, as people and programs are told.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    pub(crate) option: &'static str,
    pub(crate) kind: ProblemKind,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// The sort of a [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A required value is not there.
    Missing,
    /// The value cannot be read.
    Malformed,
    /// The value is good, but not for this media type or output.
    NotApplicable,
    /// The value is too small or too large to make media with.
    OutOfRange,
    /// Two values exclude each other.
    Conflict,
    /// The name belongs to `capmedia` or to Windows.
    Reserved,
}

impl Problem {
    /// The long option it concerns, without dashes; also the key in a request file.
    pub fn option(&self) -> &'static str {
        self.option
    }

    /// The sort of problem.
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// What is wrong; no full stop.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it; no full stop.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Problem {
    /// `--option: what; remedy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}: {}; {}", self.option, self.what, self.remedy)
    }
}
