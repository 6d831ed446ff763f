//! A folder as a stick, written in place to drives and image files side by side and read back, as
//! `capmedia create` does it to real drives.
//!
//! ```text
//! write-drives [--no-verify] FOLDER TARGET...
//! ```
//!
//! A TARGET is a block device, also a loop device, whose content is lost; or a file, which is made
//! where there is none.
#![allow(clippy::print_stderr, reason = "a program says what it did")]

use std::env;
use std::error::Error;
use std::fs::File;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;

use disk_image::{DEFAULT_START, DiskOptions, Mbr, SECTOR, Table};
use extent_image::{DriveJob, DriveOptions, FileStorage, Storage, Tree, write_drives};
use fat32_image::VolumeOptions;
use media_device::{OpenDrive, System};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("write-drives: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                text.push_str(&format!(": {error}"));
                cause = error.source();
            }
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<_> = env::args_os().skip(1).collect();
    let verify = args.first().is_none_or(|arg| arg != "--no-verify");
    args.drain(..usize::from(!verify));
    let [folder, targets @ ..] = args.as_slice() else {
        return Err("usage: write-drives [--no-verify] FOLDER TARGET...".into());
    };
    let options = VolumeOptions::new().with_hidden_sectors(u32::try_from(DEFAULT_START / SECTOR)?);
    let volume = fat32_image::plan(&Tree::from_host_folder(Path::new(folder))?, &options)?;
    let signature = NonZeroU32::new(volume.volume_id()).unwrap_or(NonZeroU32::MIN);
    let disk = DiskOptions::new(Table::Mbr(Mbr::new(signature)));
    let disk = disk_image::disk(volume.plan(), &disk)?;

    let storages = targets.iter().map(|target| open(Path::new(target), disk.len()));
    let storages = storages.collect::<Result<Vec<_>, _>>()?;
    let jobs: Vec<_> = storages.iter().map(|storage| DriveJob::new(&**storage, &disk)).collect();
    let options = DriveOptions::default().with_head(DEFAULT_START).with_verify(verify);
    let report = write_drives(&jobs, &options, &())?;
    for drive in report.drives {
        drive?;
    }
    Ok(())
}

fn open(path: &Path, len: u64) -> Result<Box<dyn Storage>, Box<dyn Error>> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        let drive = System::new().with_loops(true).drive(path)?;
        return Ok(Box::new(OpenDrive::open(&drive)?));
    }
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() < len {
        file.set_len(len)?;
    }
    Ok(Box::new(FileStorage::new(file, path)?))
}
