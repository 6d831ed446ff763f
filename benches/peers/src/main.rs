//! Makes a disc image of a folder with hadris-iso and hadris-udf:
//!
//! ```text
//! hadris iso|bridge FOLDER IMAGE
//! ```

use std::env;
use std::error::Error;
use std::fs::File;
use std::process::ExitCode;

use hadris_fs::NoClock;
use hadris_fs::host::{TreeOptions, read_tree};
use hadris_iso::{IsoId, IsoLevel, IsoOptions};
use hadris_storage::host::FileDevice;
use hadris_udf::UdfOptions;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [kind, folder, image] = args.as_slice() else {
        eprintln!("usage: hadris iso|bridge FOLDER IMAGE");
        return ExitCode::FAILURE;
    };
    match write(kind == "bridge", folder, image) {
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
