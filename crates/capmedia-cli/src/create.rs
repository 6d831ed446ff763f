//! `capmedia create`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::anyhow;
use capmedia::media_device::System;
use capmedia::{DriveTargets, MadeImage, Target, refuse_in_library};
use media_model::{CheckedContent, CheckedRequest};

use crate::consent::ConsentArgs;
use crate::content_args::plan;
use crate::create_drives;
use crate::exit::{Code, Failure};
use crate::log::LogArgs;
use crate::log_place::refuse_for_media;
use crate::print;
use crate::progress::Bar;
use crate::refreshed;
use crate::request::RequestArgs;
use crate::signals;
use crate::told::Told;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
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
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let (request, text) = args.request.check_and_show()?;
    let no_use = |error| Failure::new(Code::Request, error);
    if request.no_format() {
        args.consent.refuse_without_erasing().map_err(no_use)?;
        return refreshed::run(args, &request, &text);
    }
    // The question that is asked later shows what is on them.
    let system = System::new().with_labels(true);
    if let Some(drives) = DriveTargets::of(&request, &system).map_err(capmedia::Error::from)? {
        return create_drives::run(args, &request, &text, &drives);
    }
    args.consent.refuse_without_drives().map_err(no_use)?;
    let log = args.log.open(|path| refuse_for_media(path, &request))?;
    log.begin("create", &text);
    let told = Told::new(&log, !args.json && !args.quiet);
    let target = Target::of(&request).map(|target| target.path().to_path_buf());
    let cache = request.content().and_then(CheckedContent::cache).map(Path::to_path_buf);
    signals::watch(&told, args.json, move || {
        let mut left: Vec<String> =
            target.iter().flat_map(|path| signals::parts_of(path)).collect();
        left.extend(cache.iter().flat_map(|cache| signals::parts_in_cache(cache)));
        signals::left_behind(&left)
    });
    told.end(make(args, &request, &told))
}

fn make(args: &Args, request: &CheckedRequest, told: &Told) -> Result<Code, Failure> {
    let target = Target::of(request);
    if target.is_none() && io::stdout().is_terminal() {
        let error = anyhow!(
            "--path - would print the image on this terminal; send it to a file or a program with \
             > or |"
        );
        return Err(Failure::new(Code::Request, error));
    }
    if let Some(target) = &target {
        if let Some(content) = request.content() {
            // First: --force would not help.
            refuse_in_library(target.path(), content)?;
        }
        target.check().map_err(capmedia::Error::from)?;
    }
    let log = &told.log;
    let media = plan(request, None, told, args.quiet)?;
    log.refuse_inputs(media.inputs())?;
    let told_before = media.summary().warnings.len();
    let others = told.others(&media.summary().warnings);
    if !args.json {
        print::warnings(&mut io::stderr().lock(), &others, args.quiet)?;
    }
    let mut progress = log.milestones(Bar::new("Writing", args.quiet));
    let (made, to_file) = match &target {
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
    if args.json {
        print::json(to, &made)?;
    } else if !args.quiet {
        print::warnings(&mut io::stderr().lock(), &others, args.quiet)?;
        print::made(to, &made)?;
    }
    Ok(Code::Done)
}

/// For the log.
fn written(image: &MadeImage) -> String {
    let digest = image.sha256.as_ref().map(|sha256| format!(", SHA-256 {sha256}"));
    format!("Written: {}{}", image.path, digest.unwrap_or_default())
}
