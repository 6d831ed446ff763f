//! Makes a disc image of a folder with hadris-iso and hadris-udf, or a FAT32 volume of so many KiB
//! with hadris-fat:
//!
//! ```text
//! hadris iso|bridge FOLDER IMAGE
//! hadris fat FOLDER IMAGE KIB
//! ```

use std::env;
use std::error::Error;
use std::fs::File;
use std::process::ExitCode;

use hadris_fat::{FatKind, FatOptions};
use hadris_fs::NoClock;
use hadris_fs::host::{TreeOptions, read_tree};
use hadris_iso::{IsoId, IsoLevel, IsoOptions};
use hadris_storage::host::FileDevice;
use hadris_udf::UdfOptions;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let written = match args.as_slice() {
        ["fat", folder, image, kib] => write_fat(folder, image, kib),
        [kind @ ("iso" | "bridge"), folder, image] => write(*kind == "bridge", folder, image),
        _ => Err("usage: hadris iso|bridge FOLDER IMAGE, or hadris fat FOLDER IMAGE KIB".into()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hadris: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(bridge: bool, folder: &str, image: &str) -> Result<(), Box<dyn Error>> {
    let (tree, _skipped) = read_tree(folder, &TreeOptions::new())?;
    let iso = IsoOptions::default()
        .with_level(IsoLevel::L3)
        .with_id(IsoId::Volume, "CDROM")
        .with_joliet()
        .with_time(NoClock::TIME);
    let file = File::options().read(true).write(true).create_new(true).open(image)?;
    let device = FileDevice::new(file)?;
    if bridge {
        let udf = UdfOptions::new().with_time(NoClock::TIME);
        hadris_udf::sync::write_bridge(device, &tree, &iso, &udf)?;
    } else {
        hadris_iso::sync::write(device, &tree, &iso)?;
    }
    Ok(())
}

fn write_fat(folder: &str, image: &str, kib: &str) -> Result<(), Box<dyn Error>> {
    let (tree, _skipped) = read_tree(folder, &TreeOptions::new())?;
    let file = File::options().read(true).write(true).create_new(true).open(image)?;
    file.set_len(kib.parse::<u64>()? * 1024)?;
    let options = FatOptions::new().with_kind(FatKind::Fat32).with_cluster_size(4096);
    hadris_fat::sync::write(FileDevice::new(file)?, &tree, &options)?;
    Ok(())
}
