//! Makes a FAT32 volume of so many KiB of a folder with fatfs, behind the buffer that it comes with:
//!
//! ```text
//! fatfs FOLDER IMAGE KIB
//! ```

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use fatfs::{Dir, FatType, FileSystem, FormatVolumeOptions, FsOptions};
use fscommon::BufStream;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let made = match args.as_slice() {
        [folder, image, kib] => make(Path::new(folder), Path::new(image), kib),
        _ => Err("usage: fatfs FOLDER IMAGE KIB".into()),
    };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fatfs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path, image: &Path, kib: &str) -> Result<(), Box<dyn Error>> {
    let file = File::options().read(true).write(true).create_new(true).open(image)?;
    file.set_len(kib.parse::<u64>()? * 1024)?;
    let mut volume = BufStream::new(file);
    let format = FormatVolumeOptions::new().fat_type(FatType::Fat32).bytes_per_cluster(4096);
    fatfs::format_volume(&mut volume, format)?;
    let volume = FileSystem::new(volume, FsOptions::new())?;
    copy(folder, &volume.root_dir())?;
    volume.unmount()?;
    Ok(())
}

fn copy(folder: &Path, into: &Dir<'_, BufStream<File>>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or(io::ErrorKind::InvalidData)?;
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &into.create_dir(name)?)?;
            continue;
        }
        let (mut from, mut to) = (File::open(entry.path())?, into.create_file(name)?);
        loop {
            let count = from.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            to.write_all(&buffer[..count])?;
        }
    }
    Ok(())
}
