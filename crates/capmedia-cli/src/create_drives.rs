//! `capmedia create` onto drives: what is on them is shown, consent is asked for, and then they are
//! written side by side.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::path::Path;

use capmedia::media_device::{Drive, System};
use capmedia::{
    Consent, DriveFailure, DriveTargets, DrivesError, Error, MadeDrive, MadeDrives, MediaPlan,
};
use media_model::CheckedRequest;

use crate::consent::{Connected, Given, Terminal};
use crate::content_args::plan;
use crate::create::Options;
use crate::drive_progress::{DriveBars, DriveStates};
use crate::events;
use crate::exit::{Code, Failure};
use crate::log_place::refuse_for_media;
use crate::print::{self, line, size};
use crate::told::Told;

pub(crate) fn run(
    options: &Options,
    request: &CheckedRequest,
    text: &str,
    drives: &DriveTargets,
) -> Result<Code, Failure> {
    let (told, states) = begin(options, request, text, drives)?;
    told.end(plan_and_write(options, request, drives, &told, &states))
}

/// Refuses a log in a place that the run reads or writes.
pub(crate) fn may_log(
    log: &Path,
    request: &CheckedRequest,
    drives: &DriveTargets,
) -> Result<(), Failure> {
    refuse_for_media(log, request)?;
    Ok(drives.refuse_on_drives(log).map_err(Error::from)?)
}

/// Opens the log, and says what a signal leaves behind.
pub(crate) fn begin(
    options: &Options,
    request: &CheckedRequest,
    text: &str,
    drives: &DriveTargets,
) -> Result<(Told, DriveStates), Failure> {
    let states = DriveStates::new(!request.no_verify());
    let watched = states.clone();
    let may_log = |path: &Path| may_log(path, request, drives);
    let told = options.begin(request, text, may_log, move || (watched.told(), Vec::new()))?;
    Ok((told, states))
}

fn plan_and_write(
    options: &Options,
    request: &CheckedRequest,
    drives: &DriveTargets,
    told: &Told,
    states: &DriveStates,
) -> Result<Code, Failure> {
    drives.check_unconfirmed(&options.consent.permissions()).map_err(Error::from)?;
    let all = System::new().drives();
    let all = all.map_err(|error| Failure::new(Code::Output, anyhow::Error::from(error)))?;
    let connected = Connected { erased: drives.drives(), all: &all };
    let no_consent = |error| Failure::new(Code::Request, error);
    // What can be said of it now should not wait until content was looked for.
    options.consent.look(connected, request.force(), &Terminal).map_err(no_consent)?;

    let media = plan(request, Some(drives), told, options.quiet)?;
    told.log.refuse_inputs(media.inputs())?;
    options.tell(told, &media)?;
    let given =
        options.consent.obtain(connected, request.force(), &mut Terminal).map_err(no_consent)?;
    write(options, drives, &media, given, told, states)
}

/// Writes a plan whose warnings were told to drives that were agreed to, and shows the result.
pub(crate) fn write(
    options: &Options,
    drives: &DriveTargets,
    media: &MediaPlan,
    given: Given,
    told: &Told,
    states: &DriveStates,
) -> Result<Code, Failure> {
    let log = &told.log;
    log.refuse_inputs(media.inputs())?;
    let told_before = media.summary().warnings.len();
    drives.drives().iter().for_each(|drive| log.information(erased(drive, given)));
    let consent = drives.drives().iter().fold(options.consent.permissions(), Consent::with_drive);
    drives.drives().iter().for_each(events::drive_begins);
    let names = drives.drives().iter();
    let names = names.map(|drive| (&*drive.name, drive.path.display().to_string()));
    let progress = DriveBars::new(names, states, log, options.quiet);
    let made = media.write_drives(drives, &consent, &progress);
    drop(progress);
    let (made, cancelled) = match made {
        Ok(made) => (made, false),
        Err(Error::Drives(DrivesError::AllFailed { made })) => (*made, false),
        Err(Error::Drives(DrivesError::Cancelled { made })) => (*made, true),
        Err(error) => {
            if let Error::Drives(DrivesError::Ended { made, .. }) = &error {
                made.drives.iter().for_each(events::drive_ends);
            }
            return Err(error.into());
        }
    };
    let others = told.others(made.summary.warnings.get(told_before..).unwrap_or_default());
    made.drives.iter().for_each(events::drive_ends);
    options.begin_page();
    if options.for_programs() {
        print::json(&mut io::stdout().lock(), &made)?;
    } else {
        let mut text = Vec::new();
        print::warnings(&mut text, &others, options.quiet)?;
        io::stderr().lock().write_all(&options.folded(text))?;
        show(&made, options, cancelled)?;
    }
    made.drives.iter().filter(|drive| drive.failure.is_none()).for_each(|drive| {
        log.information(outcome(drive));
    });
    ended(&made, cancelled)
}

/// How the run ended, by what became of its drives; what failed has been shown.
fn ended(made: &MadeDrives, cancelled: bool) -> Result<Code, Failure> {
    let failed = made.failed().count();
    let code = match failed {
        0 => return Ok(Code::Done),
        _ if cancelled => Code::Cancelled,
        failed if failed == made.drives.len() => Code::Output,
        _ => Code::Partly,
    };
    let lines = made.failed().flat_map(|(drive, failure)| failure_lines(drive, failure));
    Err(Failure::told(code, lines.collect()))
}

/// For the log: what was erased, and by whose leave.
fn erased(drive: &Drive, given: Given) -> String {
    let leave = match given {
        Given::Typed => "its name was typed",
        Given::Options => "--yes --drive-serial",
    };
    let title = drive.title().map(|title| format!("{title}, ")).unwrap_or_default();
    format!("Erasing {} ({title}{}): {leave}", drive.path.display(), drive.identity())
}

/// The result on standard output, and what failed on standard error.
fn show(made: &MadeDrives, options: &Options, cancelled: bool) -> io::Result<()> {
    if !options.quiet {
        let mut text = Vec::new();
        if options.shows_plan() {
            print::summary(&mut text, &made.summary)?;
        }
        made.drives.iter().try_for_each(|drive| line(&mut text, outcome(drive)))?;
        io::stdout().lock().write_all(&options.folded(text))?;
    }
    let failed = made.failed().count();
    if failed == 0 {
        return Ok(());
    }
    let mut text = Vec::new();
    let headline = match (failed, made.drives.len()) {
        (_, 1) => "the drive was not done".to_owned(),
        (failed, all) if failed == all => format!("none of the {all} drives was done"),
        (failed, all) => format!("{failed} of {all} drives were not done"),
    };
    let cancelled = if cancelled { "cancelled; " } else { "" };
    line(&mut text, format_args!("error: {cancelled}{headline}"))?;
    let lines = made.failed().flat_map(|(drive, failure)| failure_lines(drive, failure));
    { lines }.try_for_each(|told| line(&mut text, format_args!("  {told}")))?;
    io::stderr().lock().write_all(&options.folded(text))
}

/// One line for each drive.
fn outcome(drive: &MadeDrive) -> String {
    let MadeDrive { path, state, .. } = drive;
    if drive.failure.is_some() {
        return format!("{path}: failed; it {state}");
    }
    let written = size(drive.written_bytes);
    let verified = match drive.verified_bytes {
        0 => "not read back",
        _ => "read back and compared: ok",
    };
    format!("{path}: written {written}, {verified}")
}

/// What is wrong with a drive, each cause in a line of its own, and what is on it.
fn failure_lines(drive: &MadeDrive, failure: &DriveFailure) -> Vec<String> {
    let mut lines = vec![failure.to_string()];
    let mut cause = failure.source();
    while let Some(error) = cause {
        lines.push(format!("because: {error}"));
        cause = error.source();
    }
    lines.push(format!("{} {}", drive.path, drive.state));
    lines
}
