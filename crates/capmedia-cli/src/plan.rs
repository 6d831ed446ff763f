//! `capmedia plan`.

use std::io::{self, Write};

use capmedia::Summary;
use extent_image::Extent;
use serde::Serialize;

use crate::content_args;
use crate::exit::{Code, Failure};
use crate::log::Log;
use crate::print;
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
    signals::watch(&told, args.json, Vec::new);
    let media = content_args::plan(&args.request.check()?, &told, args.quiet);
    let media = told.end(media)?;
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
