//! `capmedia join`.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::events::{self, EventsArgs};
use crate::exit::{Code, Failure};
use crate::offered::hint;
use crate::print::{self, size};
use crate::progress::Bar;
use crate::usage;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// All discs of a set, in any order.
    #[arg(required = true, value_parser = usage::file())]
    files: Vec<PathBuf>,
    /// The folder to make, new or empty.
    #[arg(long, value_name = "DIR", value_hint = hint("DIR"))]
    to: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    events: EventsArgs,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    args.events.begin("join");
    let joined = capmedia::join(&args.files, &args.to, &mut Bar::new("Joining", args.quiet))?;
    let mut to = io::stdout().lock();
    joined.warnings.iter().for_each(|warning| events::warning(warning.as_str()));
    if args.json || events::is_on() {
        print::json(&mut to, &joined)?;
    } else if !args.quiet {
        print::warnings(&mut io::stderr().lock(), &joined.warnings, args.quiet)?;
        // The set id is read from a disc.
        let what = format_args!(
            "{}: {} files, {}, from {} disc(s) of set {}",
            joined.path,
            joined.files,
            size(joined.bytes),
            joined.volumes,
            joined.set_id
        );
        print::line(&mut to, what)?;
        for path in &joined.joined {
            print::line(&mut to, format_args!("joined: {path}"))?;
        }
    }
    to.flush()?;
    Ok(Code::Done)
}
