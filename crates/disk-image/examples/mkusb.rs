//! Makes the image of a stick from a folder: one active FAT32 partition, with boot code that starts a
//! `bootmgr` in its root on a PC BIOS.
//!
//! ```text
//! mkusb FOLDER IMAGE
//! ```
//!
//! IMAGE must not exist; `-` streams to standard output.
#![allow(clippy::print_stderr, reason = "a program says what it did")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use disk_image::{DEFAULT_START, DiskOptions, Mbr, SECTOR, Table, boot_code};
use extent_image::{StreamOptions, Tree};
use fat32_image::{BootCode, VolumeOptions};

const USAGE: &str = "usage: mkusb FOLDER IMAGE";

fn main() -> ExitCode {
    let paths: Vec<OsString> = env::args_os().skip(1).collect();
    let made = match paths.as_slice() {
        [folder, image] => make(Path::new(folder), image),
        _ => Err(USAGE.into()),
    };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mkusb: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path, image: &OsString) -> Result<(), Box<dyn Error>> {
    let stage2 = boot_code::FAT32_STAGE2.map(|(sector, code)| (sector, Bytes::from_static(code)));
    let boot_code = BootCode::new(&boot_code::FAT32_BOOT_RECORD[..], stage2.to_vec())?;
    let options = VolumeOptions::new()
        // The boot record adds this to every sector it reads.
        .with_hidden_sectors(u32::try_from(DEFAULT_START / SECTOR)?)
        .with_boot_code(boot_code);
    let volume = fat32_image::plan(&Tree::from_host_folder(folder)?, &options)?;
    // An example's name for a disk: it follows from names, sizes and times. A program that makes many
    // disks should take a digest of their content.
    let signature = NonZeroU32::new(volume.volume_id()).unwrap_or(NonZeroU32::MIN);
    let disk = DiskOptions::new(Table::Mbr(Mbr::new(signature)));
    let disk = disk_image::disk(volume.plan(), &disk)?;
    let options = StreamOptions::default();
    let _ = if image == "-" {
        disk.write_to(io::stdout().lock(), &options, &mut ())?
    } else {
        disk.write_file(&File::create_new(image)?, &options, &mut ())?
    };
    Ok(())
}
