//! `capmedia create`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::anyhow;
use capmedia::media_device::System;
use capmedia::{
    DriveTargets, Made, MadeImage, MediaPlan, Summary, Target, Warning, refuse_in_library,
};
use media_model::{CheckedContent, CheckedRequest};
use serde::Serialize;

use crate::consent::ConsentArgs;
use crate::content_args;
use crate::create_drives;
use crate::events::{self, EventsArgs};
use crate::exit::{Code, Failure};
use crate::log::LogArgs;
use crate::log_place::refuse_for_media;
use crate::print::{self, Fold, as_it_is};
use crate::progress::Bar;
use crate::refreshed;
use crate::request::RequestArgs;
use crate::told::Told;
use crate::{leftovers, signals};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// All that a run is told beside the request: how it speaks, and what it may erase.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Options {
    /// Print one JSON object instead of text; on standard error when the image goes to standard
    /// output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors, and that a password stands on the media.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
    #[command(flatten)]
    pub(crate) events: EventsArgs,
    /// The page that the result is shown on, for somebody who has seen the plan.
    #[arg(skip)]
    pub(crate) page: Option<Page>,
}

/// A page that a result is shown on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    /// Begins it.
    pub(crate) begin: fn(),
    /// Cuts lines to what fits.
    pub(crate) fold: Fold,
}

impl Options {
    /// Whether the result goes to a program.
    pub(crate) fn for_programs(&self) -> bool {
        self.json || events::is_on()
    }

    /// Whether the plan is shown with the result.
    pub(crate) fn shows_plan(&self) -> bool {
        self.page.is_none()
    }

    /// Begins the page, where there is one.
    pub(crate) fn begin_page(&self) {
        self.page.into_iter().for_each(|page| (page.begin)());
    }

    /// Lines as the page has them, where there is one.
    pub(crate) fn folded(&self, text: Vec<u8>) -> Vec<u8> {
        self.page.map_or(as_it_is as Fold, |page| page.fold)(text)
    }

    /// Opens the log, where `may_log` lets it be, and says what a signal leaves behind: what `left`
    /// tells, in words and as files that are half made, and such files in the cache.
    pub(crate) fn begin(
        &self,
        request: &CheckedRequest,
        text: &str,
        may_log: impl FnOnce(&Path) -> Result<(), Failure>,
        left: impl Fn() -> (Option<String>, Vec<String>) + Send + 'static,
    ) -> Result<Told, Failure> {
        let log = self.log.open(may_log)?;
        log.begin("create", text);
        let told = Told::new(&log, !self.for_programs() && !self.quiet);
        let cache = request.content().and_then(CheckedContent::cache).map(Path::to_path_buf);
        signals::watch(&told, self.json, move || {
            let (words, mut files) = left();
            files.extend(cache.iter().flat_map(|cache| leftovers::parts_in_cache(cache)));
            let left = words.into_iter().chain(leftovers::told(&files));
            Some(left.collect::<Vec<_>>().join("; ")).filter(|left| !left.is_empty())
        });
        Ok(told)
    }

    /// Tells the warnings of a plan that were not told as events.
    pub(crate) fn tell(&self, told: &Told, media: &MediaPlan) -> io::Result<()> {
        let others = told.others(&media.summary().warnings);
        match self.for_programs() {
            true => Ok(()),
            false => print::warnings(&mut io::stderr().lock(), &others, self.quiet),
        }
    }

    /// Shows the result: `made` for programs; else warnings that are new, the plan unless it was seen,
    /// and what `written` prints.
    pub(crate) fn show(
        &self,
        to: &mut dyn Write,
        (made, summary): (&impl Serialize, &Summary),
        others: &[Warning],
        written: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.begin_page();
        if self.for_programs() {
            return print::json(to, made);
        }
        if self.quiet {
            return Ok(());
        }
        let mut text = Vec::new();
        print::warnings(&mut text, others, false)?;
        io::stderr().lock().write_all(&self.folded(text))?;
        let mut text = Vec::new();
        if self.shows_plan() {
            print::summary(&mut text, summary)?;
        }
        written(&mut text)?;
        to.write_all(&self.folded(text))
    }
}

#[cfg(test)]
impl Args {
    /// The request that the command line gives.
    pub(crate) fn request_of_words(&self) -> Result<media_model::CaptureMediaRequest, Failure> {
        self.request.effective().map(|file| file.request().clone())
    }
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let Args { request, options } = args;
    options.events.begin("create");
    let (request, text) = request.check_and_show()?;
    let no_use = |error| Failure::new(Code::Request, error);
    if request.no_format() {
        options.consent.refuse_without_erasing().map_err(no_use)?;
        return refreshed::run(options, &request, &text);
    }
    // The question that is asked later shows what is on them.
    let system = System::new().with_labels(true);
    if let Some(drives) = DriveTargets::of(&request, &system).map_err(capmedia::Error::from)? {
        return create_drives::run(options, &request, &text, &drives);
    }
    if Target::of(&request).is_none_or(|target| target.is_stream()) {
        events::leave_standard_output();
    }
    options.consent.refuse_without_drives().map_err(no_use)?;
    let told = begin(options, &request, &text)?;
    told.end(plan_and_write(options, &request, &told))
}

/// Opens the log, and says what a signal leaves behind.
pub(crate) fn begin(
    options: &Options,
    request: &CheckedRequest,
    text: &str,
) -> Result<Told, Failure> {
    let target = Target::of(request).map(|target| target.path().to_path_buf());
    let may_log = |path: &Path| refuse_for_media(path, request);
    options.begin(request, text, may_log, move || {
        (None, target.iter().flat_map(|path| leftovers::parts_of(path)).collect())
    })
}

fn plan_and_write(
    options: &Options,
    request: &CheckedRequest,
    told: &Told,
) -> Result<Code, Failure> {
    if Target::of(request).is_none() && io::stdout().is_terminal() {
        let error = anyhow!(
            "--path - would print the image on this terminal; send it to a file or a program with \
             > or |"
        );
        return Err(Failure::new(Code::Request, error));
    }
    look_at_target(request)?;
    let media = content_args::plan(request, None, told, options.quiet)?;
    options.tell(told, &media)?;
    write(options, request, &media, told)?;
    Ok(Code::Done)
}

/// Refuses an output file that cannot be, before anything is planned.
pub(crate) fn look_at_target(request: &CheckedRequest) -> Result<(), Failure> {
    let Some(target) = Target::of(request) else { return Ok(()) };
    if let Some(content) = request.content() {
        // First: --force would not help.
        refuse_in_library(target.path(), content)?;
    }
    Ok(target.check().map_err(capmedia::Error::from)?)
}

/// Writes the image or images of a plan whose warnings were told, and shows the result.
pub(crate) fn write(
    options: &Options,
    request: &CheckedRequest,
    media: &MediaPlan,
    told: &Told,
) -> Result<Made, Failure> {
    let log = &told.log;
    log.refuse_inputs(media.inputs())?;
    let told_before = media.summary().warnings.len();
    let mut progress = log.milestones(Bar::new("Writing", options.quiet));
    let (made, to_file) = match &Target::of(request) {
        Some(target) => {
            let to_file = !target.is_stream();
            (media.publish(target, &mut progress)?, to_file)
        }
        None => (media.write_to(io::stdout().lock(), &mut progress)?, false),
    };
    drop(progress);
    let others = told.others(made.summary.warnings.get(told_before..).unwrap_or_default());
    for image in &made.images {
        log.information(written(image));
    }
    // Standard output may be the pipe that the image went to.
    let to: &mut dyn Write =
        if to_file { &mut io::stdout().lock() } else { &mut io::stderr().lock() };
    options.show(to, (&made, &made.summary), &others, |to| print::written(to, &made))?;
    Ok(made)
}

/// For the log.
fn written(image: &MadeImage) -> String {
    let digest = image.sha256.as_ref().map(|sha256| format!(", SHA-256 {sha256}"));
    format!("Written: {}{}", image.path, digest.unwrap_or_default())
}
