//! Makes an image of a folder with ISO 9660, Joliet and UDF over the same files:
//!
//! ```text
//! mkiso [--label LABEL] [--sha256] FOLDER IMAGE
//! ```
//!
//! IMAGE must not exist; `-` streams to standard output. `--sha256` prints the image's digest on
//! standard error. The image boots nothing.
#![allow(clippy::print_stderr, reason = "a program says what it did")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use extent_image::{StreamOptions, Tree};
use iso9660_image::{ImageOptions, Notice, TreeKind};

const USAGE: &str = "usage: mkiso [--label LABEL] [--sha256] FOLDER IMAGE";

fn main() -> ExitCode {
    let Err(error) = run(env::args_os().skip(1)) else { return ExitCode::SUCCESS };
    eprint!("mkiso: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprint!(": {inner}");
        cause = inner.source();
    }
    eprintln!();
    ExitCode::FAILURE
}

fn run(mut args: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let mut label = "CDROM".to_owned();
    let mut stream = StreamOptions::default();
    let mut paths = Vec::new();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--label") => {
                label = args.next().and_then(|label| label.into_string().ok()).ok_or(USAGE)?;
            }
            Some("--sha256") => stream = stream.with_image_digest(true),
            Some(option) if option.starts_with("--") => return Err(USAGE.into()),
            _ => paths.push(arg),
        }
    }
    let [folder, image] = paths.as_slice() else { return Err(USAGE.into()) };

    let tree = Tree::from_host_folder(Path::new(folder))?;
    let disc = iso9660_image::plan(&tree, &ImageOptions::from_label(&label).with_udf(true))?;
    let mut shortened = 0_u64;
    for notice in disc.notices() {
        match notice {
            // Nearly every name of today is one; most readers show the Joliet tree.
            Notice::Renamed(rename) if rename.tree == TreeKind::Primary => shortened += 1,
            _ => eprintln!("mkiso: {notice}"),
        }
    }
    if shortened > 0 {
        eprintln!("mkiso: {shortened} names are changed in the tree without Joliet");
    }
    let report = if image == "-" {
        disc.plan().write_to(io::stdout().lock(), &stream, &mut ())?
    } else {
        let file = File::create_new(image).map_err(|error| format!("{image:?}: {error}"))?;
        disc.plan().write_file(&file, &stream, &mut ())?
    };
    if let Some(digest) = report.image_digest {
        eprintln!("sha256 {digest}");
    }
    Ok(())
}
