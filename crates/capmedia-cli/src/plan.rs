//! `capmedia plan`.

use std::io::{self, Write};

use anyhow::anyhow;
use capmedia::media_device::System;
use capmedia::{DriveTargets, Summary};
use extent_image::Extent;
use serde::Serialize;

use crate::content_args;
use crate::drives;
use crate::exit::{Code, Failure};
use crate::log::Log;
use crate::print;
use crate::refreshed;
use crate::request::RequestArgs;
use crate::signals;
use crate::told::Told;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    /// List every extent: first byte, length, what it is.
    #[arg(long)]
    extents: bool,
    /// Print the request alone, as a request file that says the same from the current folder.
    #[arg(long, conflicts_with_all = ["extents", "json"])]
    print_request: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no warnings, but that a password stands on the media.
    #[arg(long)]
    quiet: bool,
}

#[derive(Serialize)]
struct Planned<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    extents: Option<Vec<Row>>,
}

#[derive(Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<u32>,
    start: u64,
    bytes: u64,
    what: String,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let mut to = io::stdout().lock();
    if args.print_request {
        to.write_all(args.request.to_toml()?.as_bytes())?;
        return Ok(Code::Done);
    }
    let told = Told::new(&Log::none(), !args.json && !args.quiet);
    signals::watch(&told, args.json, || None);
    let request = args.request.check()?;
    if request.no_format() {
        if args.extents {
            let error = anyhow!("--extents lists an image, and --no-format makes none");
            return Err(Failure::new(Code::Request, error));
        }
        return told.end(refreshed::plan(&request, &told, args.json, args.quiet));
    }
    let system = System::new().with_labels(true);
    let drives = DriveTargets::of(&request, &system).map_err(capmedia::Error::from)?;
    let media = told.end(content_args::plan(&request, drives.as_ref(), &told, args.quiet))?;
    let several = media.volumes().count() > 1;
    let volumes = || (1u32..).zip(media.volumes()).filter(|_| args.extents);
    if args.json {
        let rows = volumes().flat_map(|(number, plan)| {
            let number = several.then_some(number);
            plan.extents().iter().map(move |extent| row(number, extent))
        });
        let rows = args.extents.then(|| rows.collect());
        print::json(&mut to, &Planned { summary: media.summary(), extents: rows })?;
    } else {
        let others = told.others(&media.summary().warnings);
        print::warnings(&mut io::stderr().lock(), &others, args.quiet)?;
        print::summary(&mut to, media.summary())?;
        let drives = drives.iter().flat_map(|drives| drives.drives());
        let about = drives.flat_map(drives::about);
        { about }.try_for_each(|text| print::line(&mut to, text))?;
        for (number, plan) in volumes() {
            if several {
                writeln!(to, "Volume {number}:")?;
            }
            plan.extents().iter().try_for_each(|extent| writeln!(to, "{extent}"))?;
        }
    }
    Ok(Code::Done)
}

fn row(volume: Option<u32>, extent: &Extent) -> Row {
    let (role, content) = (extent.role(), extent.content().to_string());
    let what = if content.is_empty() { role.to_owned() } else { format!("{role}: {content}") };
    Row { volume, start: extent.start(), bytes: extent.len(), what }
}
