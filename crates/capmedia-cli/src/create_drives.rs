//! `capmedia create` onto drives: what is on them is shown, consent is asked for, and then they are
//! written side by side.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::path::Path;

use capmedia::media_device::{Drive, System};
use capmedia::{Consent, DriveFailure, DriveTargets, DrivesError, Error, MadeDrive, MadeDrives};
use media_model::{CheckedContent, CheckedRequest};

use crate::consent::{Connected, Given, Terminal};
use crate::content_args::plan;
use crate::create::Args;
use crate::drive_progress::{DriveBars, DriveStates};
use crate::exit::{Code, Failure};
use crate::log_place::refuse_for_media;
use crate::print::{self, line, size};
use crate::signals;
use crate::told::Told;

pub(crate) fn run(
    args: &Args,
    request: &CheckedRequest,
    text: &str,
    drives: &DriveTargets,
) -> Result<Code, Failure> {
    let log = args.log.open(|path| {
        refuse_for_media(path, request)?;
        Ok(drives.refuse_on_drives(path).map_err(Error::from)?)
    })?;
    log.begin("create", text);
    let told = Told::new(&log, !args.json && !args.quiet);
    let states = DriveStates::new(!request.no_verify());
    let cache = request.content().and_then(CheckedContent::cache).map(Path::to_path_buf);
    signals::watch(&told, args.json, {
        let states = states.clone();
        move || {
            let parts: Vec<String> =
                cache.iter().flat_map(|cache| signals::parts_in_cache(cache)).collect();
            let left = [states.told(), signals::left_behind(&parts)];
            let left: Vec<String> = left.into_iter().flatten().collect();
            Some(left.join("; ")).filter(|left| !left.is_empty())
        }
    });
    told.end(make(args, request, drives, &told, &states))
}

fn make(
    args: &Args,
    request: &CheckedRequest,
    drives: &DriveTargets,
    told: &Told,
    states: &DriveStates,
) -> Result<Code, Failure> {
    let log = &told.log;
    let consent = Consent::new()
        .with_allow_fixed(args.consent.allow_fixed)
        .with_unmount(args.consent.unmount);
    drives.check_unconfirmed(&consent).map_err(Error::from)?;
    let all = System::new().drives();
    let all = all.map_err(|error| Failure::new(Code::Output, anyhow::Error::from(error)))?;
    let connected = Connected { erased: drives.drives(), all: &all };
    let no_consent = |error| Failure::new(Code::Request, error);
    // What can be said of it now should not wait until content was looked for.
    args.consent.look(connected, request.force(), &Terminal).map_err(no_consent)?;

    let media = plan(request, Some(drives), told, args.quiet)?;
    log.refuse_inputs(media.inputs())?;
    let told_before = media.summary().warnings.len();
    let others = told.others(&media.summary().warnings);
    if !args.json {
        print::warnings(&mut io::stderr().lock(), &others, args.quiet)?;
    }

    let given =
        args.consent.obtain(connected, request.force(), &mut Terminal).map_err(no_consent)?;
    drives.drives().iter().for_each(|drive| log.information(erased(drive, given)));
    let consent = drives.drives().iter().fold(consent, Consent::with_drive);
    let names = drives.drives().iter().map(|drive| drive.name.as_str());
    let progress = DriveBars::new(names, states, log, args.quiet);
    let made = media.write_drives(drives, &consent, &progress);
    drop(progress);
    let (made, cancelled) = match made {
        Ok(made) => (made, false),
        Err(Error::Drives(DrivesError::AllFailed { made })) => (*made, false),
        Err(Error::Drives(DrivesError::Cancelled { made })) => (*made, true),
        Err(error) => return Err(error.into()),
    };
    let others = told.others(made.summary.warnings.get(told_before..).unwrap_or_default());
    if args.json {
        print::json(&mut io::stdout().lock(), &made)?;
    } else {
        print::warnings(&mut io::stderr().lock(), &others, args.quiet)?;
        show(&made, args.quiet, cancelled)?;
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
fn show(made: &MadeDrives, quiet: bool, cancelled: bool) -> io::Result<()> {
    if !quiet {
        let mut text = Vec::new();
        print::summary(&mut text, &made.summary)?;
        made.drives.iter().try_for_each(|drive| line(&mut text, outcome(drive)))?;
        io::stdout().lock().write_all(&text)?;
    }
    let failed = made.failed().count();
    if failed == 0 {
        return Ok(());
    }
    let mut to = io::stderr().lock();
    let headline = match (failed, made.drives.len()) {
        (_, 1) => "the drive was not done".to_owned(),
        (failed, all) if failed == all => format!("none of the {all} drives was done"),
        (failed, all) => format!("{failed} of {all} drives were not done"),
    };
    let cancelled = if cancelled { "cancelled; " } else { "" };
    writeln!(to, "error: {cancelled}{headline}")?;
    let lines = made.failed().flat_map(|(drive, failure)| failure_lines(drive, failure));
    { lines }.try_for_each(|text| line(&mut to, format_args!("  {text}")))
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
