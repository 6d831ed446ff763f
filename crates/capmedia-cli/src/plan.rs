//! `capmedia plan`.

use std::io::{self, Write};

use capmedia::{MediaPlan, Summary};
use extent_image::Extent;
use serde::Serialize;

use crate::exit::{Code, Failure};
use crate::print;
use crate::request::RequestArgs;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    /// List every extent: first byte, length, what it is.
    #[arg(long)]
    extents: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Print no warnings.
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
    start: u64,
    bytes: u64,
    what: String,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let media = MediaPlan::new(&args.request.check()?)?;
    let mut to = io::stdout().lock();
    let extents = || media.plan().extents().iter().filter(|_| args.extents);
    if args.json {
        let rows = args.extents.then(|| extents().map(row).collect());
        print::json(&mut to, &Planned { summary: media.summary(), extents: rows })?;
    } else {
        if !args.quiet {
            print::warnings(&mut io::stderr().lock(), &media.summary().warnings)?;
        }
        print::summary(&mut to, media.summary())?;
        for extent in extents() {
            writeln!(to, "{extent}")?;
        }
    }
    Ok(Code::Done)
}

fn row(extent: &Extent) -> Row {
    let (role, content) = (extent.role(), extent.content().to_string());
    let what = if content.is_empty() { role.to_owned() } else { format!("{role}: {content}") };
    Row { start: extent.start(), bytes: extent.len(), what }
}
