//! `capmedia verify`.

use std::io::{self, Write};
use std::path::PathBuf;

use capmedia::{SetVerification, Verification};

use crate::events::{self, EventsArgs};
use crate::exit::{Code, Failure};
use crate::print::{self, Fold, as_it_is, line, size};
use crate::progress::Bar;
use crate::usage;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An ISO image, a disk image, a drive or a WIM; or all discs of a set, in any order.
    #[arg(required = true, value_parser = usage::file())]
    files: Vec<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but faults.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    events: EventsArgs,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    args.events.begin("verify");
    files(&args.files, args.json, args.quiet, as_it_is)
}

/// Reads images back and shows what was found, in lines that `fold` cuts.
pub(crate) fn files(
    files: &[PathBuf],
    json: bool,
    quiet: bool,
    fold: Fold,
) -> Result<Code, Failure> {
    let mut bar = Bar::new("Verifying", quiet);
    let found = match files {
        [file] => {
            let found = capmedia::verify_file(file, &mut bar).map_err(|error| {
                Failure::from(error).with_context(format!("cannot verify {}", file.display()))
            })?;
            Found::One(found)
        }
        files => Found::Several(capmedia::verify_set(files, &mut bar)?),
    };
    drop(bar);
    let mut to = io::stdout().lock();
    if json || events::is_on() {
        print::json(&mut to, &found)?;
    } else {
        let mut text = Vec::new();
        match &found {
            Found::One(found) => print_one(&mut text, found, quiet)?,
            Found::Several(found) => print_several(&mut text, found, quiet)?,
        }
        to.write_all(&fold(text))?;
    }
    if let Found::Several(SetVerification { unread, .. }) = &found
        && !unread.is_empty()
    {
        if events::is_on() {
            return Ok(Code::Input);
        }
        let mut text = Vec::new();
        for file in unread {
            line(&mut text, format_args!("error: cannot verify {}: {}", file.path, file.error))?;
        }
        io::stderr().lock().write_all(&fold(text))?;
        return Ok(Code::Input);
    }
    Ok(if found.is_clean() { Code::Done } else { Code::Faults })
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Found {
    One(Verification),
    Several(SetVerification),
}

impl Found {
    fn is_clean(&self) -> bool {
        match self {
            Self::One(found) => found.is_clean(),
            Self::Several(found) => found.is_clean(),
        }
    }
}

fn print_one(to: &mut impl Write, found: &Verification, quiet: bool) -> io::Result<()> {
    print_found(to, found, quiet)?;
    if let (Some(place), false) = (&found.volume, quiet) {
        line(
            to,
            format_args!(
                "note: volume {} of {} of set {}; the other discs were not looked at, give them too",
                place.volume, place.volumes, place.set_id
            ),
        )?;
    }
    print_count(to, found.faults.len(), quiet)
}

fn print_several(to: &mut impl Write, found: &SetVerification, quiet: bool) -> io::Result<()> {
    for file in &found.files {
        let place = match &file.found.volume {
            Some(place) => format!(" (volume {} of {})", place.volume, place.volumes),
            None => String::new(),
        };
        if !quiet || !file.found.is_clean() {
            line(to, format_args!("{}{place}:", file.path))?;
        }
        print_found(to, &file.found, quiet)?;
    }
    if !quiet && found.is_set {
        let places = found.files.iter().filter_map(|file| file.found.volume.as_ref());
        let all = places.map(|place| place.volumes).max().unwrap_or_default();
        match found.files.len() {
            given if all as usize > given => line(to, format_args!("{given} of {all} discs:"))?,
            given => line(to, format_args!("set of {given} discs:"))?,
        }
    }
    for fault in &found.faults {
        line(to, format_args!("fault: {fault}"))?;
    }
    let faults = found.files.iter().map(|file| file.found.faults.len()).sum::<usize>();
    match faults + found.faults.len() {
        0 if !quiet && !found.unread.is_empty() => line(to, "no faults in what could be read"),
        faults => print_count(to, faults, quiet),
    }
}

fn print_count(to: &mut impl Write, faults: usize, quiet: bool) -> io::Result<()> {
    match faults {
        _ if quiet => Ok(()),
        0 => line(to, format_args!("no faults")),
        count => line(to, format_args!("{count} fault(s)")),
    }
}

fn print_found(to: &mut impl Write, found: &Verification, quiet: bool) -> io::Result<()> {
    for fault in &found.faults {
        line(to, format_args!("fault: {fault}"))?;
    }
    if quiet {
        return Ok(());
    }
    for loader in &found.loaders {
        let within = match loader.volume {
            Some(byte) => format!(" in UEFI's volume at byte {byte}"),
            None => String::new(),
        };
        let told = format!("{}{within}: {}", loader.path, loader.secure_boot);
        if !found.faults.contains(&told) {
            line(to, told)?;
        }
    }
    for path in &found.unlisted {
        line(to, format_args!("note: {path} is not in the manifest"))?;
    }
    for note in &found.notes {
        line(to, format_args!("note: {note}"))?;
    }
    if found.files == 0 && !found.is_clean() {
        return line(to, &found.kind);
    }
    let structure = format!("{}, {} files", found.kind, found.files);
    if found.manifest {
        line(
            to,
            format_args!(
                "{structure}: structure checked, {} files ({}) compared with their digests",
                found.compared,
                size(found.compared_bytes)
            ),
        )?;
    } else {
        line(
            to,
            format_args!("{structure}: no manifest (SHA256SUMS), only the structure was checked"),
        )?;
    }
    Ok(())
}
