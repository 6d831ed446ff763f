//! `capmedia content check`.

use std::io::{self, Write};

use capmedia::{ContentCheck, check_content};
use extent_image::Progress as _;
use media_model::{CheckedContent, PackageId};

use crate::content_args::{Common, looking, open};
use crate::exit::{Code, Failure};
use crate::log_place::refuse_for_content;
use crate::print::{self, files, size};
use crate::progress::Bar;
use crate::signals;
use crate::told::Told;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Packages: PS100005, or PS100005.3 for that version.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PackageId>,
    /// Read every byte too, and compare the hashes.
    #[arg(long)]
    read: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let (content, text) = args.common.locations.check()?;
    let log = args.common.log.open(|path| refuse_for_content(path, &content))?;
    log.begin("content check", &text);
    let told = args.common.told(&log).with_waiting_warnings();
    signals::watch(&told, args.common.json, || None);
    told.end(run_told(args, &content, &told))
}

fn run_told(args: &Args, content: &CheckedContent, told: &Told) -> Result<Code, Failure> {
    let Common { json, quiet, .. } = args.common;
    let content = open(content, told)?;
    let log = &told.log;
    let mut waiting = Some(looking(&content, quiet));
    let mut bar = None;
    let found = check_content(&content, &args.ids, args.read, &mut |step| {
        waiting.take();
        let bar = bar.get_or_insert_with(|| log.milestones(Bar::new("Reading", quiet)));
        bar.file(step.file.as_str(), step.place());
        bar.advance(step.done, step.total)
    });
    drop((waiting, bar));
    let found = found?;
    let lines = lines(&found);
    for (is_fault, line) in &lines {
        if *is_fault { log.error(line) } else { log.information(line) }
    }
    let mut to = io::stdout().lock();
    if json {
        print::json(&mut to, &found)?;
    } else {
        print::warnings(&mut io::stderr().lock(), &told.others(&found.warnings), quiet)?;
        for (_, line) in lines.iter().filter(|(is_fault, _)| *is_fault || !quiet) {
            print::line(&mut to, line)?;
        }
    }
    to.flush()?;
    Ok(if found.is_clean() { Code::Done } else { Code::Content })
}

/// What was found, and whether it is a fault.
fn lines(found: &ContentCheck) -> Vec<(bool, String)> {
    let how = if found.read { "read and right" } else { "there" };
    let packages = found.packages.iter().map(|package| {
        let id = &package.content_id;
        let location = print::locations(&package.location, &package.came_from);
        let faults = found.faults.iter().filter(|fault| fault.package == *id).count();
        let how = if faults > 0 { "not all of it can be had" } else { how };
        (
            false,
            format!("{id} at {location}: {}, {}, {how}", files(package.files), size(package.bytes)),
        )
    });
    let faults = found.faults.iter().map(|fault| {
        let file = fault.file.as_ref().map(|file| format!("{file} of ")).unwrap_or_default();
        (true, format!("fault: {file}{}: {}", fault.package, fault.what))
    });
    packages.chain(faults).collect()
}
