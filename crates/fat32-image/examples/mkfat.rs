//! Makes a FAT volume image of a folder:
//!
//! ```text
//! mkfat [--label LABEL] [--disc] [--sha256] FOLDER IMAGE
//! ```
//!
//! IMAGE must not exist; `-` streams to standard output. `--disc` makes the volume for an El Torito
//! entry: without free space, clusters of a disc's sector, FAT16 where that holds the folder.
//! Otherwise it is FAT32, for a drive. `--sha256` prints the image's digest on standard error.
#![allow(clippy::print_stderr, reason = "a program says what it did")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use extent_image::{StreamOptions, Tree};
use fat32_image::{ClusterSize, Label, VolumeOptions, VolumeSize};

const USAGE: &str = "usage: mkfat [--label LABEL] [--disc] [--sha256] FOLDER IMAGE";

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
    let mut options = VolumeOptions::default();
    let mut stream = StreamOptions::default();
    let mut paths = Vec::new();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--label") => {
                let label = args.next().and_then(|label| label.into_string().ok()).ok_or(USAGE)?;
                options = options.with_label(Label::new(&label)?);
            }
            Some("--disc") => {
                options = options
                    .with_smallest_fat_type()
                    .with_size(VolumeSize::Tight)
                    .with_cluster_size(ClusterSize::KIB2);
            }
            Some("--sha256") => stream = stream.with_image_digest(true),
            Some(option) if option.starts_with("--") => return Err(USAGE.into()),
            _ => paths.push(arg),
        }
    }
    let [folder, image] = paths.as_slice() else { return Err(USAGE.into()) };

    let tree = Tree::from_host_folder(Path::new(folder))?;
    let volume = fat32_image::plan(&tree, &options)?;
    for note in volume.notes() {
        eprintln!("mkfat: {note}");
    }
    let report = if image == "-" {
        volume.plan().write_to(io::stdout().lock(), &stream, &mut ())?
    } else {
        let file = File::create_new(image).map_err(|error| format!("{image:?}: {error}"))?;
        volume.plan().write_file(&file, &stream, &mut ())?
    };
    if let Some(digest) = report.image_digest {
        eprintln!("sha256 {digest}");
    }
    Ok(())
}
