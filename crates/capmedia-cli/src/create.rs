//! `capmedia create`.

use std::io::{self, IsTerminal, Write};

use anyhow::anyhow;
use capmedia::{MediaPlan, Target};

use crate::exit::{Code, Failure};
use crate::print;
use crate::progress::Bar;
use crate::request::RequestArgs;

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
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let request = args.request.check()?;
    let target = Target::of(&request);
    if target.is_none() && io::stdout().is_terminal() {
        let error = anyhow!(
            "--path - would print the image on this terminal; send it to a file or a program with \
             > or |"
        );
        return Err(Failure::new(Code::Request, error));
    }
    if let Some(target) = &target {
        target.check().map_err(capmedia::Error::from)?;
    }
    let media = MediaPlan::new(&request)?;
    if !args.json {
        print::warnings(&mut io::stderr().lock(), &media.summary().warnings, args.quiet)?;
    }
    let mut bar = Bar::new("Writing", args.quiet);
    let told_before = media.summary().warnings.len();
    let (made, to_file) = match &target {
        Some(target) => {
            let to_file = !target.is_stream();
            (media.publish(target, &mut bar)?, to_file)
        }
        None => (media.write_to(io::stdout().lock(), &mut bar)?, false),
    };
    drop(bar);
    // Standard output may be the pipe that the image went to.
    let to: &mut dyn Write =
        if to_file { &mut io::stdout().lock() } else { &mut io::stderr().lock() };
    if args.json {
        print::json(to, &made)?;
    } else if !args.quiet {
        let new = made.summary.warnings.get(told_before..).unwrap_or_default();
        print::warnings(&mut io::stderr().lock(), new, args.quiet)?;
        print::made(to, &made)?;
    }
    Ok(Code::Done)
}
