//! Makes a FAT volume of a folder, on standard output:
//!
//! ```text
//! mkfat FOLDER [--label LABEL] [--size SIZE] [--cluster-size BYTES] [--sector-size BYTES]
//!       [--alignment BYTES] [--disc] [--sha256] > volume.img
//! ```
//!
//! Numbers may end in K, M, G or T, powers of 1024. Without `--size` the volume is as small as FAT32
//! with clusters of 4 KiB can be. `--disc` makes the volume for an El Torito entry: without free space,
//! clusters of a disc's sector, FAT16 where that holds the folder. `--sha256` prints the image's digest
//! on standard error, where all that may surprise is told as well.
#![allow(clippy::print_stderr, reason = "a program says what it did")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use extent_image::{StreamOptions, Tree};
use fat32_image::{Alignment, ClusterSize, Label, SectorSize, VolumeOptions, VolumeSize};

const USAGE: &str = "usage: mkfat FOLDER [--label LABEL] [--size SIZE] [--cluster-size BYTES] \
                     [--sector-size BYTES] [--alignment BYTES] [--disc] [--sha256] > volume.img";

fn main() -> ExitCode {
    let Err(error) = run(env::args_os().skip(1)) else { return ExitCode::SUCCESS };
    eprint!("mkfat: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprint!(": {inner}");
        cause = inner.source();
    }
    eprintln!();
    ExitCode::FAILURE
}

fn run(mut args: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let mut options = VolumeOptions::new();
    let mut stream = StreamOptions::default();
    let mut folder = None;
    while let Some(arg) = args.next() {
        let mut value = || {
            let value = args.next().and_then(|value| value.into_string().ok());
            value.ok_or_else(|| format!("{} needs a value; {USAGE}", arg.display()))
        };
        match arg.to_str() {
            Some("--label") => options = options.with_label(Label::new(&value()?)?),
            Some("--size") => options = options.with_size(VolumeSize::Bytes(number(&value()?)?)),
            Some("--cluster-size") => {
                options = options.with_cluster_size(ClusterSize::new(number(&value()?)?)?);
            }
            Some("--sector-size") => {
                options = options.with_sector_size(SectorSize::new(number(&value()?)?)?);
            }
            Some("--alignment") => {
                options = options.with_alignment(Alignment::new(number(&value()?)?)?);
            }
            Some("--disc") => {
                options = options
                    .with_smallest_fat_type()
                    .with_size(VolumeSize::Tight)
                    .with_cluster_size(ClusterSize::KIB2);
            }
            Some("--sha256") => stream = stream.with_image_digest(true),
            Some(option) if option.starts_with('-') => {
                return Err(format!("{option} is no option; {USAGE}").into());
            }
            _ if folder.is_some() => {
                return Err(format!("a second folder, {}; {USAGE}", arg.display()).into());
            }
            _ => folder = Some(arg),
        }
    }
    let folder = folder.ok_or(USAGE)?;
    let mut output = io::stdout().lock();
    if output.is_terminal() {
        return Err(format!("a volume is nothing for a terminal; {USAGE}").into());
    }

    let tree = Tree::from_host_folder(Path::new(&folder))?;
    let volume = fat32_image::plan(&tree, &options)?;
    for note in volume.notes() {
        eprintln!("mkfat: {note}");
    }
    let report = volume.plan().write_to(&mut output, &stream, &mut ())?;
    output.flush()?;
    if let Some(digest) = report.image_digest {
        eprintln!("sha256 {digest}");
    }
    Ok(())
}

/// A number of bytes: `4096`, `4K`, `32G`.
fn number<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']);
    let power = match text.get(digits.len()..).map(str::to_ascii_uppercase).as_deref() {
        Some("") => Some(0),
        Some("K") => Some(10),
        Some("M") => Some(20),
        Some("G") => Some(30),
        Some("T") => Some(40),
        _ => None,
    };
    let bytes = power.and_then(|power| digits.parse::<u64>().ok()?.checked_mul(1 << power));
    bytes
        .and_then(|bytes| N::try_from(bytes).ok())
        .ok_or_else(|| format!("{text:?} is no number of bytes; write 4096, 4K or 32G"))
}
