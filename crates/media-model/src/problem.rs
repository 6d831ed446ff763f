//! What is wrong with a request, as people and programs are told.

use std::fmt;

use serde::Serialize;

use crate::config_mgr::ConfigMgrError;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Box<Place>>,
    option: &'static str,
    kind: ProblemKind,
    what: String,
    remedy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_mgr_error: Option<ConfigMgrError>,
    /// Which of several values of the option, from 0.
    #[serde(skip)]
    item: Option<usize>,
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
    /// A request file that is not TOML there.
    Syntax,
    /// A key of a request file that is no option.
    UnknownKey,
    /// A password in a request file.
    Secret,
}

/// Where in a request file something stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The file's name, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The character in the line, from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for Place {
    /// `file:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Problem {
    /// What [`option`](Self::option) is when the request file itself is wrong.
    pub(crate) const OF_FILE: &str = "request";

    pub(crate) fn new(
        option: &'static str,
        kind: ProblemKind,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            place: None,
            option,
            kind,
            what: what.into(),
            remedy: remedy.into(),
            config_mgr_error: None,
            item: None,
        }
    }

    pub(crate) fn with_place(self, place: Place) -> Self {
        Self { place: Some(Box::new(place)), ..self }
    }

    pub(crate) fn with_item(self, item: Option<usize>) -> Self {
        Self { item, ..self }
    }

    pub(crate) fn with_config_mgr_error(self, error: ConfigMgrError) -> Self {
        Self { config_mgr_error: Some(error), ..self }
    }

    pub(crate) fn item(&self) -> Option<usize> {
        self.item
    }

    /// The long option it concerns, without dashes; also the key in a request file. `request` when
    /// it is the file itself.
    pub fn option(&self) -> &'static str {
        self.option
    }

    /// Where in a request file it stands; `None` for what is missing and for the command line.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }

    /// The sort of problem.
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// What messages begin with: the option as it is typed, or the place with the key that stands
    /// there.
    pub fn subject(&self) -> impl fmt::Display {
        match &self.place {
            Some(place) if self.option == Self::OF_FILE => place.to_string(),
            Some(place) => format!("{place}: {}", self.option),
            None => format!("--{}", self.option),
        }
    }

    /// What is wrong; no full stop.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it; no full stop.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// What Configuration Manager calls it, where it has a name for it.
    pub fn config_mgr_error(&self) -> Option<ConfigMgrError> {
        self.config_mgr_error
    }
}

impl fmt::Display for Problem {
    /// `--option: what; remedy`, or `file:line:column: option: what; remedy`; at the end the name
    /// that Configuration Manager has for it, in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.subject(), self.what, self.remedy)?;
        match self.config_mgr_error {
            Some(error) => write!(f, " [{error}]"),
            None => Ok(()),
        }
    }
}
