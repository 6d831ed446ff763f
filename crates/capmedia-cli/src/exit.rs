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

use crate::events;
use crate::print;

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

/// What an exit code means.
pub(crate) struct Meaning {
    pub(crate) code: Code,
    /// In a few words.
    pub(crate) short: &'static str,
    /// What belongs to it and what not; empty where the few words say it all.
    pub(crate) more: &'static str,
}

const fn meaning(code: Code, short: &'static str, more: &'static str) -> Meaning {
    Meaning { code, short, more }
}

/// All exit codes, by number. Help texts and manual pages are made from this table.
pub(crate) const CODES: [Meaning; 9] = [
    meaning(Code::Done, "done", ""),
    meaning(Code::Bug, "a bug of capmedia", "Please report it, with what was printed."),
    meaning(
        Code::Request,
        "usage or request",
        "Wrong options, a request file that cannot be read, and a drive that is refused: one that holds \
         the system, is not removable, mounted or not confirmed.",
    ),
    meaning(
        Code::Input,
        "boot image or other input",
        "A boot image, task sequence, list of devices, password file or certificate that cannot be \
         read, or whose content is wrong.",
    ),
    meaning(
        Code::Content,
        "content of a distribution point",
        "A package that no location has, content that is damaged, a login that was refused, a \
         connection that broke for good.",
    ),
    meaning(
        Code::Output,
        "output",
        "An output that exists (see --force); no room, no permission; a cache that cannot be used; a \
         drive that fails, is gone, in use, read-only or too small. What was at --path before is still there, unless it was a drive.",
    ),
    meaning(Code::Faults, "verify found faults", "They are listed on standard output."),
    meaning(
        Code::Partly,
        "some of several drives failed",
        "The others are whole; the report says which are which.",
    ),
    meaning(
        Code::Cancelled,
        "cancelled",
        "Ctrl-C or another signal; an image that was at --path before is still there.",
    ),
];

/// All exit codes in a sentence, for below the help text.
pub(crate) fn in_a_sentence() -> String {
    let codes = CODES.map(|meaning| format!("{} {}", meaning.code as u8, meaning.short));
    format!("Exit codes: {}.", codes.join("; "))
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
pub(crate) struct Report<'a> {
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

impl Report<'_> {
    /// Of a run that says no more.
    pub(crate) fn new(code: Code, error: String) -> Self {
        Self {
            exit_code: code as u8,
            error,
            because: Vec::new(),
            config_mgr_error: None,
            problems: Vec::new(),
            events: &[],
            packages: &[],
            drives: &[],
        }
    }
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

    /// Ends the run with another code.
    pub(crate) fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The error, where it is one.
    pub(crate) fn error(&self) -> Option<&anyhow::Error> {
        match &self.cause {
            Cause::Error(error) => Some(error),
            Cause::Problems(_) | Cause::Told(_) | Cause::ReaderGone => None,
        }
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
        if events::is_on() {
            return events::fail(self.code, self.for_programs());
        }
        let mut to = io::stderr().lock();
        // There is no third place to complain when standard error is gone.
        let _ = match &self.cause {
            Cause::Told(_) | Cause::ReaderGone if json => Ok(()),
            _ if json => print::json(&mut to, &self.for_programs()),
            _ => to.write_all(&self.for_people()),
        };
        self.code.into()
    }

    /// The lines for people; none where it was told with the result.
    pub(crate) fn for_people(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if !self.shown {
            for event in self.events.iter().filter(|event| event.is_warning()) {
                let _ = print::line(&mut text, format_args!("warning: {}", event.text));
            }
        }
        // Into memory: nothing fails.
        let _ = match &self.cause {
            Cause::Told(_) | Cause::ReaderGone => Ok(()),
            Cause::Problems(problems) => write_problems(&mut text, problems),
            Cause::Error(error) => write_error(&mut text, error.as_ref(), self.config_mgr_error),
        };
        text
    }

    /// How the run ends.
    pub(crate) fn code(&self) -> Code {
        self.code
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
            Cause::Told(_) | Cause::ReaderGone => {
                let mut lines = self.lines().into_iter();
                (lines.next().unwrap_or_default(), lines.collect(), Vec::new())
            }
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
    let mut last = error;
    while let Some(error) = last.source() {
        text.push_str(&format!("  because: {}\n", indented(error)));
        last = error;
    }
    // Our messages name theirs, behind a semicolon; the system's do not.
    let is_address = ["http://", "https://", "smb://"].iter().any(|scheme| text.contains(scheme));
    if let Some(way) = way_out(last, is_address).filter(|_| !text.contains(';')) {
        text.push_str(&format!("      {way}\n"));
    }
    print::plain(to, &text)
}

/// What to do about what the system said.
fn way_out(error: &(dyn StdError + 'static), is_address: bool) -> Option<&'static str> {
    let error = error.downcast_ref::<io::Error>()?;
    // Others are of our making, and say it themselves.
    error.raw_os_error()?;
    Some(match error.kind() {
        io::ErrorKind::NotFound if is_address => {
            "that is an address, and a file of this machine is due; name a file, or fetch a package \
             of a distribution point with `capmedia content fetch`"
        }
        io::ErrorKind::NotFound => {
            "look at the path; a relative one starts from the current folder, or from that of the \
             request file it stands in"
        }
        io::ErrorKind::PermissionDenied => "let this user do that, or run capmedia as one who may",
        io::ErrorKind::IsADirectory => "name a file, not a folder",
        io::ErrorKind::NotADirectory => "name a path that leads through folders alone",
        io::ErrorKind::AlreadyExists => "name another path, or move what is there",
        io::ErrorKind::ReadOnlyFilesystem => "name a place that can be written to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room there, or name another place"
        }
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Only there are they written by hand.
    #[test]
    fn the_guide_has_the_same_codes() {
        let guide = include_str!("../../../docs/exit-codes.md");
        let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        assert_eq!(rows.len(), CODES.len());
        for (row, meaning) in rows.iter().zip(&CODES) {
            let expected = format!("| {} | {} |", meaning.code as u8, meaning.short);
            assert!(row.starts_with(&expected), "{row}: not {expected}");
        }
    }

    #[test]
    fn what_the_system_says_has_a_way_out() {
        let told = |error: anyhow::Error| {
            let mut text = Vec::new();
            write_error(&mut text, error.as_ref(), None).unwrap();
            String::from_utf8(text).unwrap()
        };
        let missing = || anyhow::Error::from(io::Error::from_raw_os_error(2));
        let text = told(missing().context("cannot read x"));
        assert!(text.starts_with("error: cannot read x\n  because: "), "{text}");
        assert!(text.lines().last().unwrap().starts_with("      look at the path; "), "{text}");
        // Once is enough.
        let text = told(missing().context("x is not there; name another"));
        assert_eq!(text.lines().count(), 2, "{text}");
        let ours = anyhow::Error::from(io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(told(ours).lines().count(), 1);
    }

    #[test]
    fn codes_are_in_order() {
        assert!(CODES.is_sorted_by_key(|meaning| meaning.code as u8));
    }
}
