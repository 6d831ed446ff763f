//! Exit codes, and how a failed run says why.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::process::ExitCode;

use capmedia::{Blame, Error, InspectError, MediumError, VerifyError};
use media_model::Problem;

use crate::print;

/// Below every help text.
pub(crate) const HELP: &str = "Exit codes: 0 done; 1 a bug of capmedia; 2 usage or request; \
3 boot image or other input; 5 output; 6 verify found faults; 130 cancelled.";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Done = 0,
    Bug = 1,
    Request = 2,
    Input = 3,
    Output = 5,
    Faults = 6,
    Cancelled = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A run that did not do what it was asked.
#[derive(Debug)]
#[must_use]
pub(crate) struct Failure {
    code: Code,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Problems(Vec<Problem>),
    Error(anyhow::Error),
    /// Whoever read our output has seen enough, as `head` has; there is nothing to say.
    ReaderGone,
}

impl Failure {
    pub(crate) fn new(code: Code, error: impl Into<anyhow::Error>) -> Self {
        Self { code, cause: Cause::Error(error.into()) }
    }

    /// Says first what was being done.
    pub(crate) fn with_context(self, context: String) -> Self {
        match self.cause {
            Cause::Error(error) => Self { cause: Cause::Error(error.context(context)), ..self },
            Cause::Problems(_) | Cause::ReaderGone => self,
        }
    }

    /// The request was wrong; all its problems.
    pub(crate) fn problems(problems: Vec<Problem>) -> Self {
        Self { code: Code::Request, cause: Cause::Problems(problems) }
    }

    /// Says on standard error what was wrong and what to do.
    pub(crate) fn report(self) -> ExitCode {
        let mut to = io::stderr().lock();
        // There is no third place to complain when standard error is gone.
        let _ = match self.cause {
            Cause::Problems(problems) => write_problems(&mut to, &problems),
            Cause::Error(error) => write_error(&mut to, error.as_ref()),
            Cause::ReaderGone => Ok(()),
        };
        self.code.into()
    }
}

fn write_problems(to: &mut impl Write, problems: &[Problem]) -> io::Result<()> {
    match problems {
        [_] => writeln!(to, "error: the request cannot be carried out")?,
        several => writeln!(to, "error: the request has {} problems", several.len())?,
    }
    for problem in problems {
        writeln!(to, "  --{}: {}\n      {}", problem.option(), problem.what(), problem.remedy())?;
    }
    Ok(())
}

fn write_error(to: &mut impl Write, error: &(dyn StdError + 'static)) -> io::Result<()> {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("  because: {error}\n"));
        cause = error.source();
    }
    print::plain(to, &text)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.blame() {
            Blame::Request => Code::Request,
            Blame::Input => Code::Input,
            Blame::Output => Code::Output,
            Blame::Cancelled => Code::Cancelled,
            _ => Code::Bug,
        };
        Self::new(code, error)
    }
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Self::new(Code::Input, error)
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let code = match &error {
            VerifyError::Cancelled { .. } => Code::Cancelled,
            VerifyError::Medium(MediumError::Unknown) => Code::Input,
            // It is media by its first bytes: unreadable because of what it says, or because it
            // ends too early, is a fault of its own; a drive that fails is not.
            _ => match root_io_error(&error) {
                None | Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) => {
                    Code::Faults
                }
                Some(_) => Code::Input,
            },
        };
        Self::new(code, error)
    }
}

/// The kind of the I/O error that an error goes back to, if it does.
fn root_io_error(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut cause = Some(error);
    while let Some(error) = cause {
        kind = error.downcast_ref::<io::Error>().map(io::Error::kind).or(kind);
        cause = error.source();
    }
    kind
}

/// Standard output or standard error refused a line.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: Code::Output, cause: Cause::ReaderGone };
        }
        Self::new(Code::Output, anyhow::Error::from(error).context("cannot print the result"))
    }
}
