//! The least a disc writer must do: every file of a folder read once and written to one file, each
//! up to a whole sector, in writes of 1 MiB.
//!
//! ```text
//! raw-copy FOLDER FILE
//! ```

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;

const SECTOR: usize = 2048;
const BUFFER: usize = 1 << 20;

fn main() -> io::Result<()> {
    let mut args = env::args_os().skip(1);
    let (Some(folder), Some(out)) = (args.next(), args.next()) else {
        return Err(io::Error::other("usage: raw-copy FOLDER FILE"));
    };
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                // Its length, for the layout.
                files.push((entry.path(), entry.metadata()?.len()));
            }
        }
    }
    files.sort_unstable();

    let mut out = File::create_new(out)?;
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    for (path, _) in files.iter().filter(|(_, len)| *len > 0) {
        let mut file = File::open(path)?;
        loop {
            if filled == BUFFER {
                out.write_all(&buffer)?;
                filled = 0;
            }
            let count = file.read(buffer.get_mut(filled..).unwrap_or_default())?;
            filled += count;
            if count == 0 {
                break;
            }
        }
        let end = filled.next_multiple_of(SECTOR);
        buffer.get_mut(filled..end).unwrap_or_default().fill(0);
        filled = end;
    }
    out.write_all(buffer.get(..filled).unwrap_or_default())
}
