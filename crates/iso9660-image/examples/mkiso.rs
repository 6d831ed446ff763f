//! Makes an image of a folder:
//!
//! ```text
//! mkiso [--format iso|bridge|udf-stub] [--joliet off|64|103] [--rock-ridge] [--label LABEL]
//!       [--order FILE] [--strict] [-b FILE [--boot-info-table]] [-e FILE] [--sha256] FOLDER IMAGE
//! ```
//!
//! `-b` is the boot image for a BIOS, `-e` the one for UEFI, which must be a FAT volume; both are
//! paths in FOLDER. `--order` is a list of such paths, one a line, that lie first on the disc.
//! `--strict` refuses names and times that the image cannot hold as they are; without it they are
//! told on standard error. `bridge`, which has ISO 9660, Joliet and UDF, is the default; `--joliet`
//! is the longest name of Joliet, and `--rock-ridge` adds names for POSIX systems to ISO 9660.
//!
//! IMAGE must not exist, and is removed if it cannot be written whole; `-` streams to standard
//! output. `--sha256` prints the image's digest on standard error.
#![allow(clippy::print_stderr, reason = "a program says what it did")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use extent_image::{Data, NodeId, StreamOptions, Tree};
use iso9660_image::{
    BootEntry, BootImage, BootInfoTable, Format, ImageOptions, Joliet, Notice, Platform, RockRidge,
    TreeKind, check_efi_image,
};

const USAGE: &str = "usage: mkiso [--format iso|bridge|udf-stub] [--joliet off|64|103] \
                     [--rock-ridge] [--label LABEL] [--order FILE] [--strict] [-b FILE [--boot-info-table]] [-e FILE] [--sha256] FOLDER IMAGE";

/// What was asked for.
struct Arguments {
    format: Format,
    joliet: Joliet,
    rock_ridge: RockRidge,
    label: String,
    order: Option<String>,
    strict: bool,
    bios: Option<String>,
    info_table: bool,
    efi: Option<String>,
    sha256: bool,
    paths: Vec<OsString>,
}

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

fn run(args: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let arguments = parse(args)?;
    let [folder, image] = arguments.paths.as_slice() else { return Err(USAGE.into()) };
    let mut tree = Tree::from_host_folder(Path::new(folder))?;
    if let Some(order) = &arguments.order {
        let list = fs::read_to_string(order).map_err(|error| format!("{order}: {error}"))?;
        let lines = list.lines().map(str::trim_end).filter(|line| !line.is_empty());
        tree.set_order(lines).map_err(|error| format!("{order}: {error}"))?;
    }

    let mut options = ImageOptions::from_label(&arguments.label)
        .with_format(arguments.format)
        .with_joliet(arguments.joliet)
        .with_rock_ridge(arguments.rock_ridge)
        .with_notices_refused(arguments.strict);
    if let Some(path) = &arguments.bios {
        let (file, mut content) = open(&tree, path)?;
        let mut entry = BootEntry::new(Platform::Bios, BootImage::File(file));
        if arguments.info_table {
            entry = entry.with_boot_info_table(BootInfoTable::of(&mut content)?);
        }
        options = options.with_boot_entry(entry);
    }
    if let Some(path) = &arguments.efi {
        let (file, content) = open(&tree, path)?;
        let mut first = Vec::new();
        content.take(512).read_to_end(&mut first)?;
        check_efi_image(&first).map_err(|error| format!("{path}: {error}"))?;
        options = options.with_boot_entry(BootEntry::new(Platform::Efi, BootImage::File(file)));
    }

    let disc = iso9660_image::plan(&tree, &options)?;
    let mut shortened = 0_u64;
    for notice in disc.notices(&tree) {
        match notice {
            // Nearly every name of today is one; most readers show the Joliet tree.
            Notice::Renamed(rename) if rename.tree == TreeKind::Primary => shortened += 1,
            _ => eprintln!("mkiso: {notice}"),
        }
    }
    if shortened > 0 {
        eprintln!("mkiso: {shortened} names are changed in the tree without Joliet");
    }
    let stream = StreamOptions::default().with_image_digest(arguments.sha256);
    let report = if image == "-" {
        disc.plan().write_to(io::stdout().lock(), &stream, &mut ())?
    } else {
        let file = File::create_new(image).map_err(|error| format!("{image:?}: {error}"))?;
        disc.plan().write_file(&file, &stream, &mut ()).inspect_err(|_| {
            // Made here, and no image. The first error is the one to tell.
            let _ = fs::remove_file(image);
        })?
    };
    if let Some(digest) = report.image_digest {
        eprintln!("sha256 {digest}");
    }
    Ok(())
}

fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Arguments, Box<dyn Error>> {
    let mut it = Arguments {
        format: Format::Bridge,
        joliet: Joliet::default(),
        rock_ridge: RockRidge::default(),
        label: "CDROM".to_owned(),
        order: None,
        strict: false,
        bios: None,
        info_table: false,
        efi: None,
        sha256: false,
        paths: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().and_then(|value| value.into_string().ok()).ok_or(USAGE);
        match arg.to_str() {
            Some("--format") => {
                it.format = match value()?.as_str() {
                    "iso" => Format::Iso,
                    "bridge" => Format::Bridge,
                    "udf-stub" => Format::UdfStub,
                    _ => return Err(USAGE.into()),
                };
            }
            Some("--joliet") => {
                it.joliet = match value()?.as_str() {
                    "off" => Joliet::Off,
                    "64" => Joliet::Units64,
                    "103" => Joliet::Units103,
                    _ => return Err(USAGE.into()),
                };
            }
            Some("--rock-ridge") => it.rock_ridge = RockRidge::ReadOnly,
            Some("--label") => it.label = value()?,
            Some("--order") => it.order = Some(value()?),
            Some("--strict") => it.strict = true,
            Some("-b") => it.bios = Some(value()?),
            Some("--boot-info-table") => it.info_table = true,
            Some("-e") => it.efi = Some(value()?),
            Some("--sha256") => it.sha256 = true,
            Some(option) if option.starts_with('-') && option != "-" => return Err(USAGE.into()),
            _ => it.paths.push(arg),
        }
    }
    if it.info_table && it.bios.is_none() {
        return Err("--boot-info-table goes with -b".into());
    }
    Ok(it)
}

/// A boot image of the tree, and its bytes.
fn open<'a>(
    tree: &'a Tree,
    path: &str,
) -> Result<(NodeId, Box<dyn Read + Send + 'a>), Box<dyn Error>> {
    let missing = || format!("{path}: not a file of the folder; name one by its path in it");
    let file = tree.find(path).ok_or_else(missing)?;
    match tree.data(file) {
        Some(Data::Source(source)) => Ok((file, source.open(0)?)),
        _ => Err(missing().into()),
    }
}
