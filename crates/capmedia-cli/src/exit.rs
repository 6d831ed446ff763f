//! Exit codes, and how a failed run says why.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::process::ExitCode;

use capmedia::{
    Blame, DrivesError, Error, FetchError, FetchedPackage, InspectError, JoinError, MadeDrive,
    MediumError, ReportedEvent, VerifyError,
};
use media_model::{ConfigMgrError, Problem};
use serde::Serialize;

use crate::print;

/// Below every help text.
pub(crate) const HELP: &str = "Exit codes: 0 done; 1 a bug of capmedia; 2 usage or request; \
3 boot image or other input; 4 content of a distribution point; 5 output; 6 verify found faults; \
7 some of several drives failed; 130 cancelled.";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Done = 0,
    Bug = 1,
    Request = 2,
    Input = 3,
    /// Content of a distribution point, or the way to it.
    Content = 4,
    Output = 5,
    Faults = 6,
    /// Some of several drives, and not all.
    Partly = 7,
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
    config_mgr_error: Option<ConfigMgrError>,
    /// What happened to content before.
    events: Vec<ReportedEvent>,
    /// Whether these were shown.
    shown: bool,
}

/// A failure for programs.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    exit_code: u8,
    error: String,
    /// What led to it, each for the one before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_mgr_error: Option<ConfigMgrError>,
    /// Of a request, or of a task sequence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<&'a Problem>,
    /// What happened to content before.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    events: &'a [ReportedEvent],
    /// Packages that were fetched nevertheless.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    packages: &'a [FetchedPackage],
    /// What each drive of the run was left with.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    drives: &'a [MadeDrive],
}

#[derive(Debug)]
enum Cause {
    Problems(Vec<Problem>),
    Error(anyhow::Error),
    /// It was told with the result; for the log, each in a line of its own.
    Told(Vec<String>),
    /// Whoever read our output has seen enough, as `head` has; there is nothing to say.
    ReaderGone,
}

impl Failure {
    pub(crate) fn new(code: Code, error: impl Into<anyhow::Error>) -> Self {
        Self::of(code, Cause::Error(error.into()))
    }

    fn of(code: Code, cause: Cause) -> Self {
        Self { code, cause, config_mgr_error: None, events: Vec::new(), shown: true }
    }

    /// Tells what happened to content before, too; to people only if it was not `shown`.
    pub(crate) fn with_events(self, events: Vec<ReportedEvent>, shown: bool) -> Self {
        Self { events, shown, ..self }
    }

    /// Says first what was being done.
    pub(crate) fn with_context(self, context: String) -> Self {
        match self.cause {
            Cause::Error(error) => Self { cause: Cause::Error(error.context(context)), ..self },
            Cause::Problems(_) | Cause::Told(_) | Cause::ReaderGone => self,
        }
    }

    /// Says this instead.
    pub(crate) fn with_text(self, text: String) -> Self {
        Self { cause: Cause::Error(anyhow::Error::msg(text)), ..self }
    }

    /// What failed was told with the result, and is for the log alone.
    pub(crate) fn told(code: Code, lines: Vec<String>) -> Self {
        Self::of(code, Cause::Told(lines))
    }

    /// The request was wrong; all its problems.
    pub(crate) fn problems(problems: Vec<Problem>) -> Self {
        Self::of(Code::Request, Cause::Problems(problems))
    }

    /// Says on standard error what was wrong and what to do; to programs as one JSON object.
    pub(crate) fn report(self, json: bool) -> ExitCode {
        let mut to = io::stderr().lock();
        // There is no third place to complain when standard error is gone.
        if !json && !self.shown {
            for event in self.events.iter().filter(|event| event.is_warning()) {
                let _ = print::line(&mut to, format_args!("warning: {}", event.text));
            }
        }
        let _ = match &self.cause {
            Cause::Told(_) | Cause::ReaderGone => Ok(()),
            _ if json => print::json(&mut to, &self.for_programs()),
            Cause::Problems(problems) => write_problems(&mut to, problems),
            Cause::Error(error) => write_error(&mut to, error.as_ref(), self.config_mgr_error),
        };
        self.code.into()
    }

    /// What was wrong, for a log: each cause in a line of its own.
    pub(crate) fn lines(&self) -> Vec<String> {
        let name = in_brackets(self.config_mgr_error);
        match &self.cause {
            Cause::Problems(problems) => {
                let line = |problem: &Problem| {
                    let (subject, what) = (problem.subject(), problem.what());
                    format!("{subject}: {what}; {}", problem.remedy())
                };
                problems.iter().map(line).collect()
            }
            Cause::Error(error) => {
                let mut chain = error.chain();
                let first = chain.next().map(|error| format!("{error}{name}"));
                // What stands there as an event is not told again.
                let is_told = |text: &String| self.events.iter().any(|event| event.text == *text);
                let others = chain.map(ToString::to_string).filter(|text| !is_told(text));
                let others = others.map(|text| format!("because: {text}"));
                first.into_iter().chain(others).collect()
            }
            Cause::Told(lines) => lines.clone(),
            Cause::ReaderGone => vec!["nobody reads the output any more".to_owned()],
        }
    }

    fn for_programs(&self) -> Report<'_> {
        let exit_code = self.code as u8;
        let config_mgr_error = self.config_mgr_error;
        let (error, because, problems) = match &self.cause {
            Cause::Problems(problems) => {
                (headline(problems), Vec::new(), problems.iter().collect())
            }
            Cause::Error(error) => {
                let because = error.chain().skip(1).map(ToString::to_string).collect();
                let problems = error.downcast_ref::<Error>().map(Error::problems);
                (error.to_string(), because, problems.unwrap_or_default())
            }
            Cause::Told(_) | Cause::ReaderGone => Default::default(),
        };
        let packages = match &self.cause {
            Cause::Error(error) => match error.downcast_ref() {
                Some(FetchError::Partly { fetched, .. }) => &*fetched.packages,
                _ => &[],
            },
            _ => &[],
        };
        let drives = match &self.cause {
            Cause::Error(error) => match error.downcast_ref() {
                Some(Error::Drives(DrivesError::Ended { made, .. })) => &*made.drives,
                _ => &[],
            },
            _ => &[],
        };
        let events = &*self.events;
        Report { exit_code, error, because, config_mgr_error, problems, events, packages, drives }
    }
}

fn headline(problems: &[Problem]) -> String {
    match problems {
        [_] => "the request cannot be carried out".to_owned(),
        several => format!("the request has {} problems", several.len()),
    }
}

fn write_problems(to: &mut impl Write, problems: &[Problem]) -> io::Result<()> {
    writeln!(to, "error: {}", headline(problems))?;
    for problem in problems {
        let name = in_brackets(problem.config_mgr_error());
        print::line(to, format_args!("  {}: {}{name}", problem.subject(), problem.what()))?;
        print::line(to, format_args!("      {}", problem.remedy()))?;
    }
    Ok(())
}

/// What Configuration Manager calls it, behind a space.
fn in_brackets(error: Option<ConfigMgrError>) -> String {
    error.map(|error| format!(" [{error}]")).unwrap_or_default()
}

fn write_error(
    to: &mut impl Write,
    error: &(dyn StdError + 'static),
    name: Option<ConfigMgrError>,
) -> io::Result<()> {
    // What a disc says of itself may be part of a message, and must not pass for another.
    let indented = |error: &(dyn StdError + 'static)| error.to_string().replace('\n', "\n    ");
    let mut text = format!("error: {}{}\n", indented(error), in_brackets(name));
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("  because: {}\n", indented(error)));
        cause = error.source();
    }
    print::plain(to, &text)
}

impl From<Blame> for Code {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::Request => Self::Request,
            Blame::Input => Self::Input,
            Blame::Content => Self::Content,
            Blame::Output => Self::Output,
            Blame::Cancelled => Self::Cancelled,
            _ => Self::Bug,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let config_mgr_error = error.config_mgr_error();
        Self { config_mgr_error, ..Self::new(error.blame().into(), error) }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let config_mgr_error = error.config_mgr_error();
        Self { config_mgr_error, ..Self::new(error.blame().into(), error) }
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self::new(error.blame().into(), error)
    }
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Self::new(Code::Input, error)
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::new(code_of_verify(&error), error)
    }
}

fn code_of_verify(error: &VerifyError) -> Code {
    match error {
        VerifyError::Cancelled { .. } => Code::Cancelled,
        VerifyError::Medium(MediumError::Unknown) => Code::Input,
        // It is media by its first bytes: what it says, or that it ends too early, is a fault of its
        // own; a drive that fails is not.
        error if error.is_unread() => Code::Input,
        _ => Code::Faults,
    }
}

/// Standard output or standard error refused a line.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::of(Code::Output, Cause::ReaderGone);
        }
        Self::new(Code::Output, anyhow::Error::from(error).context("cannot print the result"))
    }
}
