//! `capmedia create --no-format`, and `plan`: media onto a stick that is formatted already.

use std::io::{self, Write};
use std::path::Path;

use capmedia::media_device::{Mount, Refusal, System};
use capmedia::{
    Consent, Error, Guarantee, MediaPlan, RefreshError, RefreshPlan, RefreshTarget, Refreshed,
};
use media_model::CheckedRequest;

use crate::content_args::plan_refresh;
use crate::create::Options;
use crate::exit::{Code, Failure};
use crate::log_place::{refuse_for_media, refuse_in_folder};
use crate::print::{self, files, line, size};
use crate::progress::Bar;
use crate::told::Told;

/// Paths of a kind that are named; the JSON object has all.
const NAMED: usize = 10;

pub(crate) fn run(
    options: &Options,
    request: &CheckedRequest,
    text: &str,
) -> Result<Code, Failure> {
    let told = begin(options, request, text)?;
    told.end(plan_and_write(options, request, &told))
}

/// Refuses a log in a place that the run reads or writes.
pub(crate) fn may_log(log: &Path, request: &CheckedRequest) -> Result<(), Failure> {
    request.output().file().map_or(Ok(()), |folder| refuse_in_folder(log, folder))?;
    refuse_for_media(log, request)
}

/// Opens the log, and says what a signal leaves behind.
pub(crate) fn begin(
    options: &Options,
    request: &CheckedRequest,
    text: &str,
) -> Result<Told, Failure> {
    options.begin(
        request,
        text,
        |path| may_log(path, request),
        || (Some("the stick may have to be refreshed again".to_owned()), Vec::new()),
    )
}

fn plan_and_write(
    options: &Options,
    request: &CheckedRequest,
    told: &Told,
) -> Result<Code, Failure> {
    let consent = options.consent.permissions();
    let target = RefreshTarget::open(request, &System::new(), &consent).map_err(Error::from)?;
    let media = plan_refresh(request, &target, told, options.quiet)?;
    options.tell(told, &media)?;
    write(options, request, &target, &media, told)
}

/// Puts a plan whose warnings were told onto the stick, and shows the result.
pub(crate) fn write(
    options: &Options,
    request: &CheckedRequest,
    target: &RefreshTarget,
    media: &MediaPlan,
    told: &Told,
) -> Result<Code, Failure> {
    let log = &told.log;
    log.refuse_inputs(media.inputs())?;
    let told_before = media.summary().warnings.len();
    let mut progress = log.milestones(Bar::new("Refreshing", options.quiet));
    let made = media.refresh(request, target, &mut progress)?;
    drop(progress);
    let others = told.others(made.summary.warnings.get(told_before..).unwrap_or_default());
    log.information(outcome(&made));
    let mut to = io::stdout().lock();
    options.show(&mut to, (&made, &made.summary), &others, |to| show(to, &made))?;
    Ok(Code::Done)
}

/// Why there is no plan. Unlike `create`, which may unmount a drive, `plan` leaves that to the caller.
pub(crate) fn not_planned(error: RefreshError) -> Failure {
    let is_mounted = |refusal: &Refusal| matches!(refusal, Refusal::Mounted { .. });
    match error {
        RefreshError::Drive { refusals } if refusals.iter().any(is_mounted) => {
            let told = refusals.iter().map(|refusal| match refusal {
                Refusal::Mounted { drive, mounts } => {
                    let places: Vec<String> = mounts.iter().map(Mount::place).collect();
                    format!(
                        "{drive} is mounted at {}; give the folder that it is mounted at as --path, \
                         or unmount it",
                        places.join(", ")
                    )
                }
                other => other.to_string(),
            });
            let told = told.collect::<Vec<_>>().join("\n");
            Failure::from(Error::from(RefreshError::Drive { refusals })).with_text(told)
        }
        error => Error::from(error).into(),
    }
}

/// `capmedia plan --no-format`: what would be done. Nothing is written, and nothing unmounted.
pub(crate) fn plan(
    request: &CheckedRequest,
    told: &Told,
    json: bool,
    quiet: bool,
) -> Result<Code, Failure> {
    let consent = Consent::new().with_allow_fixed(true);
    let target = RefreshTarget::open(request, &System::new(), &consent).map_err(not_planned)?;
    let media = plan_refresh(request, &target, told, quiet)?;
    let mut progress = Bar::new("Comparing", quiet);
    let planned = media.plan_refresh(request, &target, &mut progress)?;
    drop(progress);
    let others = told.others(&planned.summary.warnings);
    let mut to = io::stdout().lock();
    if json {
        print::json(&mut to, &planned)?;
        return Ok(Code::Done);
    }
    print::warnings(&mut io::stderr().lock(), &others, quiet)?;
    print::summary(&mut to, &planned.summary)?;
    show_planned(&mut to, &planned)?;
    Ok(Code::Done)
}

/// What would be done to the stick.
pub(crate) fn show_planned(to: &mut dyn Write, planned: &RefreshPlan) -> io::Result<()> {
    let RefreshPlan { path, files_to_write, bytes_to_write, files_unchanged, bytes_saved, .. } =
        planned;
    line(
        to,
        format_args!(
            "Refresh:      {path}: {} to write ({}), {} unchanged ({} saved)",
            files(*files_to_write),
            size(*bytes_to_write),
            files(*files_unchanged),
            size(*bytes_saved)
        ),
    )?;
    named(to, "To remove:", &planned.to_remove)?;
    named(to, "Kept:", &planned.foreign)
}

/// The result in a line.
fn outcome(made: &Refreshed) -> String {
    format!(
        "{}: {} written ({}), {} unchanged ({} saved)",
        made.path,
        files(made.files_written),
        size(made.bytes_written),
        files(made.files_unchanged),
        size(made.bytes_saved)
    )
}

fn show(to: &mut dyn Write, made: &Refreshed) -> io::Result<()> {
    line(to, format_args!("Refreshed:    {}", outcome(made)))?;
    let verified = match made.verified {
        true if made.files_written == 0 => "nothing had to be written",
        true => "what was written reads back as it should",
        false => "nothing was read back",
    };
    writeln!(to, "              {verified}")?;
    if made.guarantee == Guarantee::File {
        writeln!(
            to,
            "              file by file: cut short, it would have left files of old and new media"
        )?;
    }
    named(to, "Removed:", &made.removed)?;
    named(to, "Kept:", &made.foreign)
}

/// Paths of a kind, as far as they fit.
fn named(to: &mut dyn Write, heading: &str, paths: &[String]) -> io::Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = paths.iter().take(NAMED).map(String::as_str).collect();
    let more = match paths.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    line(to, format_args!("{heading:<14}{}{more}", shown.join(", ")))
}
