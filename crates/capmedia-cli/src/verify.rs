//! `capmedia verify`.

use std::io::{self, Write};
use std::path::PathBuf;

use capmedia::Verification;

use crate::exit::{Code, Failure};
use crate::print::{self, size};
use crate::progress::Bar;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An ISO image, a disk image or a WIM.
    file: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Print nothing but faults.
    #[arg(long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let found = capmedia::verify_file(&args.file, &mut Bar::new("Verifying", args.quiet));
    let found = found.map_err(|error| {
        Failure::from(error).with_context(format!("cannot verify {}", args.file.display()))
    })?;
    let mut to = io::stdout().lock();
    if args.json {
        print::json(&mut to, &found)?;
    } else {
        let mut text = Vec::new();
        print_found(&mut text, &found, args.quiet)?;
        print::plain(&mut to, &String::from_utf8_lossy(&text))?;
    }
    Ok(if found.is_clean() { Code::Done } else { Code::Faults })
}

fn print_found(to: &mut impl Write, found: &Verification, quiet: bool) -> io::Result<()> {
    for fault in &found.faults {
        writeln!(to, "fault: {fault}")?;
    }
    if quiet {
        return Ok(());
    }
    for path in &found.unlisted {
        writeln!(to, "note: {path} is not in the manifest")?;
    }
    let structure = format!("{}, {} files", found.kind, found.files);
    if found.manifest {
        writeln!(
            to,
            "{structure}: structure checked, {} files ({}) compared with their digests",
            found.compared,
            size(found.compared_bytes)
        )?;
    } else {
        writeln!(to, "{structure}: no manifest (SHA256SUMS), only the structure was checked")?;
    }
    match found.faults.len() {
        0 => writeln!(to, "no faults"),
        count => writeln!(to, "{count} fault(s)"),
    }
}
