//! `--events json`: what happens, as it happens, for programs; docs/events.md tells every field, and
//! `events.schema.json` says the same for programs.
//!
//! There is one stream for the process, as there is one standard output: what it tells comes from many
//! places, and from a signal too. The last line is `done` or `failed`; nothing comes behind it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use capmedia::media_device::Drive;
use capmedia::{MadeDrive, ReportedEvent};
use extent_image::Stage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::exit::{Code, Report};
use crate::meter::{Figures, name_of};
use crate::signals;

/// Changes when a field changes its meaning; what is added does not count.
const VERSION: u32 = 1;

/// The option that asks for events.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct EventsArgs {
    /// Tell what happens as it happens, one JSON object a line on standard output, and the result in
    /// the last; on standard error when the image goes to standard output
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "json")]
    pub(crate) events: Option<Format>,
}

/// How events are written.
#[derive(clap::ValueEnum, Debug, Clone, Copy)]
pub(crate) enum Format {
    /// One object a line.
    Json,
}

/// Where events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    StandardOutput,
    StandardError,
}

static STREAM: Mutex<Stream> = Mutex::new(Stream::OFF);

struct Stream {
    /// The verb, once events are asked for.
    verb: Option<String>,
    to: To,
    has_begun: bool,
    has_ended: bool,
    /// The result, for the last line.
    report: Option<Box<RawValue>>,
    /// Why nothing more is written: a run does not fail by it before its end.
    failed: Option<io::Error>,
}

/// What is told.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum Event<'a> {
    Begin {
        version: u32,
        capmedia: &'static str,
        verb: &'a str,
        process: u32,
    },
    Phase {
        #[serde(flatten)]
        place: Place<'a>,
    },
    Progress {
        #[serde(flatten)]
        place: Place<'a>,
        done: u64,
        total: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        work_done: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        work_total: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rate: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        eta_seconds: Option<u64>,
        #[serde(flatten)]
        file: Option<File<'a>>,
    },
    Warning {
        text: &'a str,
    },
    Content {
        kind: &'a str,
        text: &'a str,
        warning: bool,
    },
    Drive {
        drive: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        serial: Option<&'a str>,
        bytes: u64,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<capmedia::DriveState>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    Done {
        exit_code: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<Box<RawValue>>,
    },
    Failed {
        #[serde(flatten)]
        failure: Report<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<Box<RawValue>>,
    },
}

/// What a run is doing.
#[derive(Serialize)]
struct Place<'a> {
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drive: Option<&'a str>,
}

/// The file that a run is at.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    file: &'a str,
    file_done: u64,
    file_total: u64,
}

impl<'a> Place<'a> {
    fn new(stage: Option<Stage>, drive: Option<&'a str>) -> Self {
        let volume = stage.and_then(|stage| stage.volume());
        Self {
            // Where nothing else is said, bytes are on their way to where they shall be.
            phase: stage.map_or("write", |stage| name_of(stage.phase())),
            volume: volume.map(|(number, _)| number),
            volumes: volume.map(|(_, of)| of),
            drive,
        }
    }
}

impl Stream {
    const OFF: Self = Self {
        verb: None,
        to: To::StandardOutput,
        has_begun: false,
        has_ended: false,
        report: None,
        failed: None,
    };

    fn tell(&mut self, event: &Event<'_>) {
        let Some(verb) = self.verb.clone() else { return };
        if self.has_ended || self.failed.is_some() {
            return;
        }
        if !self.has_begun {
            self.has_begun = true;
            let (capmedia, process) = (env!("CARGO_PKG_VERSION"), std::process::id());
            let begin = Event::Begin { version: VERSION, capmedia, verb: &verb, process };
            self.failed = self.write(&begin).err();
        }
        if self.failed.is_none() {
            self.failed = self.write(event).err();
        }
    }

    /// In one piece, and at once.
    fn write(&self, event: &Event<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let put = |to: &mut dyn Write| to.write_all(&line).and_then(|()| to.flush());
        match self.to {
            To::StandardOutput => put(&mut io::stdout()),
            To::StandardError => put(&mut io::stderr()),
        }
    }
}

fn stream() -> MutexGuard<'static, Stream> {
    STREAM.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(event: &Event<'_>) {
    stream().tell(event);
}

impl EventsArgs {
    /// Events are told from now on, where they are asked for; on standard output, unless the command
    /// line already says that the image goes there. A signal is told too, from now on.
    pub(crate) fn begin(&self, verb: &str) {
        // Before the first line, and with it before anybody can know whom to signal.
        signals::watch_for_signals();
        if self.events.is_some() {
            open(verb, &arguments());
        }
    }
}

/// The arguments of the process, readable where they are not Unicode: paths need not be.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// Events of the arguments, whether or not these can be understood.
pub(crate) fn begin_anyhow(args: &[String]) {
    let is_json = |value: &str| value == "json";
    let pair =
        |pair: &[String]| matches!(pair, [option, value] if option == "--events" && is_json(value));
    let one = |arg: &String| arg.strip_prefix("--events=").is_some_and(is_json);
    if args.iter().any(one) || args.windows(2).any(pair) {
        let words = args.iter().take_while(|arg| !arg.starts_with('-'));
        let verb: Vec<&str> = words.map(String::as_str).take(2).collect();
        open(&verb.join(" "), args);
    }
}

fn open(verb: &str, args: &[String]) {
    let pair =
        |pair: &[String]| matches!(pair, [option, value] if option == "--path" && value == "-");
    let to_pipe = args.iter().any(|arg| arg == "--path=-") || args.windows(2).any(pair);
    let to = if to_pipe { To::StandardError } else { To::StandardOutput };
    *stream() = Stream { verb: Some(verb.to_owned()), to, ..Stream::OFF };
}

/// The image goes to standard output, and what is told to standard error.
pub(crate) fn leave_standard_output() {
    stream().to = To::StandardError;
}

/// Whether events are told, and nothing else.
pub(crate) fn is_on() -> bool {
    stream().verb.is_some()
}

/// A phase begins that has no stage.
pub(crate) fn plan() {
    let place = Place { phase: "plan", volume: None, volumes: None, drive: None };
    tell(&Event::Phase { place });
}

/// A stage begins, of a drive or of all.
pub(crate) fn phase(stage: Stage, drive: Option<&str>) {
    tell(&Event::Phase { place: Place::new(Some(stage), drive) });
}

/// How far a stage is.
pub(crate) fn progress(figures: &Figures<'_>, drive: Option<&str>) {
    let Figures { stage, done, total, work, rate, left, file } = *figures;
    let file = file.map(|(file, file_done, file_total)| File { file, file_done, file_total });
    let eta_seconds = left.map(|left| left.as_secs());
    let place = Place::new(stage, drive);
    // Told where it is not all.
    let work = Some(work).filter(|(_, of)| *of != total);
    let (work_done, work_total) = work.unzip();
    tell(&Event::Progress { place, done, total, work_done, work_total, rate, eta_seconds, file });
}

/// What the operator should know.
pub(crate) fn warning(text: &str) {
    tell(&Event::Warning { text });
}

/// Something that happened to content.
pub(crate) fn content(event: &ReportedEvent) {
    let ReportedEvent { kind, text, .. } = event;
    tell(&Event::Content { kind, text, warning: event.is_warning() });
}

/// A drive that will be written.
pub(crate) fn drive_begins(drive: &Drive) {
    let title = drive.title();
    tell(&Event::Drive {
        drive: &drive.path.display().to_string(),
        model: title.as_deref(),
        serial: drive.serial.as_deref(),
        bytes: drive.len,
        status: "started",
        state: None,
        error: None,
    });
}

/// What became of a drive.
pub(crate) fn drive_ends(made: &MadeDrive) {
    let failure = made.failure.as_ref();
    tell(&Event::Drive {
        drive: &made.path,
        model: made.model.as_deref(),
        serial: made.serial.as_deref(),
        bytes: made.bytes,
        status: if failure.is_none() { "ok" } else { "failed" },
        state: Some(made.state),
        error: failure.map(ToString::to_string),
    });
}

/// Keeps the result for the last line; false where it is to be printed.
pub(crate) fn keep_report(value: &impl Serialize) -> io::Result<bool> {
    let mut stream = stream();
    if stream.verb.is_none() {
        return Ok(false);
    }
    stream.report = Some(serde_json::value::to_raw_value(value)?);
    Ok(true)
}

/// The last line of a run that came to its end.
pub(crate) fn end(code: Code) -> ExitCode {
    let error = match code {
        Code::Done => {
            let mut stream = stream();
            let report = stream.report.take();
            stream.tell(&Event::Done { exit_code: code as u8, report });
            stream.has_ended = true;
            // Whoever reads must know that not all of it was told.
            let failed = stream.verb.is_some() && stream.failed.is_some();
            return if failed { Code::Output.into() } else { code.into() };
        }
        Code::Faults => "faults were found; the report tells them",
        Code::Input => "something could not be read; the report tells what",
        _ => "not all was done; the report tells what",
    };
    fail(code, Report::new(code, error.to_owned()))
}

/// The last line of a run that failed.
pub(crate) fn fail(code: Code, failure: Report<'_>) -> ExitCode {
    let mut stream = stream();
    let report = stream.report.take();
    stream.tell(&Event::Failed { failure, report });
    stream.has_ended = true;
    code.into()
}
