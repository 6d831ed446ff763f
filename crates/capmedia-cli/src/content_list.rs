//! `capmedia content list`.

use std::io::{self, Write};

use anyhow::anyhow;
use capmedia::{ContentListing, LocationListing, list_content};
use media_model::{CheckedContent, PackageId};

use crate::content_args::{Common, looking, open_for_list};
use crate::exit::{Code, Failure};
use crate::log_place::refuse_for_content;
use crate::print::{self, size};
use crate::signals;
use crate::told::Told;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Packages whose files are listed: PS100005, or PS100005.3 for that version; without any, all
    /// packages and their versions.
    #[arg(value_name = "ID")]
    ids: Vec<PackageId>,
    /// Tell how many files and bytes each package has, which takes a question for each file.
    #[arg(long)]
    sizes: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let (content, text) = args.common.locations.check()?;
    let log = args.common.log.open(|path| refuse_for_content(path, &content))?;
    log.begin("content list", &text);
    let told = args.common.told(&log);
    signals::watch(&told, args.common.json, || None);
    told.end(run_told(args, &content, &told))
}

fn run_told(args: &Args, content: &CheckedContent, told: &Told) -> Result<Code, Failure> {
    let content = open_for_list(content, told)?;
    let waiting = looking(&content, args.common.quiet);
    let listing = list_content(&content, &args.ids, args.sizes);
    drop(waiting);
    if signals::is_cancelled() {
        return Err(Failure::new(Code::Cancelled, anyhow!("cancelled")));
    }
    let mut to = io::stdout().lock();
    if args.common.json {
        print::json(&mut to, &listing)?;
    } else {
        listing.locations.iter().try_for_each(|location| show(&mut to, location))?;
    }
    to.flush()?;
    let faults: Vec<String> = faults(&listing).collect();
    if faults.is_empty() {
        return Ok(Code::Done);
    }
    if args.common.json {
        faults.iter().for_each(|fault| told.log.error(fault));
        return Ok(Code::Content);
    }
    // What could be listed is listed.
    Err(Failure::new(Code::Content, anyhow!("{}", faults.join("\n"))))
}

fn faults(listing: &ContentListing) -> impl Iterator<Item = String> {
    listing.locations.iter().flat_map(|location| {
        let of_packages = location.packages.iter().filter_map(|package| package.fault.clone());
        location.fault.clone().into_iter().chain(of_packages)
    })
}

fn show(to: &mut impl Write, location: &LocationListing) -> io::Result<()> {
    print::line(to, &location.location)?;
    for package in &location.packages {
        let sizes = match (package.files, package.bytes) {
            (Some(count), Some(bytes)) => format!(", {}, {}", print::files(count), size(bytes)),
            _ => String::new(),
        };
        let versions = match &*package.versions {
            [] => String::new(),
            versions => format!(": {}", versions.join(", ")),
        };
        print::line(to, format_args!("    {}{versions}{sizes}", package.id))?;
        for file in &package.listed {
            print::line(to, format_args!("        {:>14}  {}", file.bytes, file.path))?;
        }
    }
    Ok(())
}
