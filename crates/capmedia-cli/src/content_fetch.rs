//! `capmedia content fetch`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use capmedia::{FetchError, FetchedPackage, fetch, refuse_in_library};
use extent_image::{Progress as _, Stage};
use media_model::{CheckedContent, PackageId};

use crate::content_args::{Common, looking, open};
use crate::events::{self, EventsArgs};
use crate::exit::{Code, Failure};
use crate::log_place::refuse_for_content;
use crate::offered::hint;
use crate::print::{self, files, size};
use crate::progress::Bar;
use crate::told::Told;
use crate::{leftovers, signals};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Packages: PS100005, or PS100005.3 for that version.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PackageId>,
    /// The folder that gets a folder for each package, such as PS100005.3; made if it is not there.
    /// It can be given as --distribution-point.
    #[arg(long, value_name = "DIR", value_hint = hint("DIR"))]
    to: PathBuf,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    events: EventsArgs,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    args.events.begin("content fetch");
    let (content, text) = args.common.locations.check()?;
    refuse_in_library(&args.to, &content)?;
    let log = args.common.log.open(|path| refuse_for_content(path, &content))?;
    log.begin("content fetch", &text);
    for id in &args.ids {
        log.information(format!("{id} to {}", args.to.display()));
    }
    let told = args.common.told(&log);
    let (to, cache) = (args.to.clone(), content.cache().map(Path::to_path_buf));
    signals::watch(&told, args.common.json, move || {
        let mut left = leftovers::parts_in(&to, "");
        left.extend(cache.iter().flat_map(|cache| leftovers::parts_in_cache(cache)));
        leftovers::told(&left)
    });
    told.end(run_told(args, &content, &told))
}

fn run_told(args: &Args, content: &CheckedContent, told: &Told) -> Result<Code, Failure> {
    let Common { quiet, .. } = args.common;
    let json = args.common.for_programs();
    events::plan();
    let content = open(content, told)?;
    let mut waiting = Some(looking(&content, quiet));
    let (mut bar, mut phase) = (None, None);
    let log = &told.log;
    let fetched = fetch(&content, &args.ids, &args.to, &mut |step| {
        waiting.take();
        let bar = bar.get_or_insert_with(|| log.milestones(Bar::new("Fetching", quiet)));
        if phase.replace(step.phase) != Some(step.phase) {
            bar.begin(Stage::new(step.phase));
        }
        bar.file(step.file.as_str(), step.place());
        bar.advance(step.done, step.total)
    });
    drop((waiting, bar));
    let mut to = io::stdout().lock();
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(error) => {
            if let FetchError::Partly { fetched, .. } = &error {
                show(&mut to, &fetched.packages, told, json || quiet)?;
            }
            return Err(error.into());
        }
    };
    let others = told.others(&fetched.warnings);
    if json {
        print::json(&mut to, &fetched)?;
    } else {
        print::warnings(&mut io::stderr().lock(), &others, quiet)?;
    }
    show(&mut to, &fetched.packages, told, json || quiet)?;
    to.flush()?;
    Ok(Code::Done)
}

fn show(
    to: &mut impl Write,
    packages: &[FetchedPackage],
    told: &Told,
    quiet: bool,
) -> io::Result<()> {
    for package in packages {
        let verified = match (package.kept, package.verified) {
            (true, _) => "there already, verified",
            (false, true) => "verified",
            (false, false) => "without hashes to verify it by",
        };
        let line = format!(
            "{}: {} from {}, {}, {}, {verified}",
            package.path,
            package.content_id,
            print::locations(&package.location, &package.came_from),
            files(package.files),
            size(package.bytes)
        );
        told.log.information(&line);
        if !quiet {
            print::line(to, line)?;
        }
    }
    Ok(())
}
