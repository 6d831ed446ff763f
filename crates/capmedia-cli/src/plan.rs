//! `capmedia plan`.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::anyhow;
use capmedia::media_device::System;
use capmedia::{DriveTargets, MediaMap, Summary, map_svg, map_text};
use extent_image::Extent;
use serde::Serialize;

use crate::consent::NoConsentArgs;
use crate::content_args;
use crate::drives;
use crate::exit::{Code, Failure};
use crate::log::Log;
use crate::picture;
use crate::print;
use crate::refreshed;
use crate::request::RequestArgs;
use crate::signals;
use crate::told::Told;
use crate::unicode;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    /// List every extent: first byte, length, what it is.
    #[arg(long)]
    extents: bool,
    /// Draw where everything lies: for each volume a bar, and how much takes how much.
    #[arg(long)]
    map: bool,
    /// Draw the same as a picture, in SVG, to a file; - for standard output, and all else goes to
    /// standard error then. --force replaces a file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print the request alone, as a request file that says the same from the current folder.
    #[arg(long, conflicts_with_all = ["extents", "json", "map", "svg"])]
    print_request: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no warnings, but that a password stands on the media.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    _consent: NoConsentArgs,
}

#[derive(Serialize)]
struct Planned<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    extents: Option<Vec<Row>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<&'a MediaMap>,
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
    if args.print_request {
        io::stdout().write_all(args.request.to_toml()?.as_bytes())?;
        return Ok(Code::Done);
    }
    let told = Told::new(&Log::none(), !args.json && !args.quiet);
    signals::watch(&told, args.json, || None);
    let request = args.request.check()?;
    if request.no_format() {
        let of_image =
            [("--extents", args.extents), ("--map", args.map), ("--svg", args.svg.is_some())];
        if let Some((option, _)) = of_image.into_iter().find(|(_, given)| *given) {
            let error = anyhow!("{option} shows an image, and --no-format makes none");
            return Err(Failure::new(Code::Request, error));
        }
        return told.end(refreshed::plan(&request, &told, args.json, args.quiet));
    }
    let system = System::new().with_labels(true);
    let drives = DriveTargets::of(&request, &system).map_err(capmedia::Error::from)?;
    let media = told.end(content_args::plan(&request, drives.as_ref(), &told, args.quiet))?;
    let map = (args.map || args.svg.is_some()).then(|| match &drives {
        Some(drives) => media.map().with_drives(drives),
        None => media.map(),
    });
    let to_stdout = args.svg.as_deref().is_some_and(picture::is_stdout);
    if let (Some(path), Some(map)) = (&args.svg, &map) {
        picture::write(path, map_svg(map), &request, &media)?;
    }
    let map = map.as_ref().filter(|_| args.map);
    let to: &mut dyn Write =
        if to_stdout { &mut io::stderr().lock() } else { &mut io::stdout().lock() };
    let several = media.volumes().count() > 1;
    let volumes = || (1u32..).zip(media.volumes()).filter(|_| args.extents);
    if args.json {
        let rows = volumes().flat_map(|(number, plan)| {
            let number = several.then_some(number);
            plan.extents().iter().map(move |extent| row(number, extent))
        });
        let rows = args.extents.then(|| rows.collect());
        print::json(to, &Planned { summary: media.summary(), extents: rows, map })?;
    } else {
        let others = told.others(&media.summary().warnings);
        print::warnings(&mut io::stderr().lock(), &others, args.quiet)?;
        print::summary(to, media.summary())?;
        let targets = drives.iter().flat_map(|drives| drives.drives());
        let about = targets.flat_map(drives::about);
        { about }.try_for_each(|text| print::line(to, text))?;
        if let Some(map) = map {
            writeln!(to)?;
            let is_unicode = match to_stdout {
                true => unicode::is_shown(&io::stderr()),
                false => unicode::is_shown(&io::stdout()),
            };
            print::plain(to, &map_text(map, print::WIDTH, is_unicode))?;
        }
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
