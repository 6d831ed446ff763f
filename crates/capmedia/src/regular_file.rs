//! Opening a file that is read from its start and not waited for.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// Opens a file; a pipe, whose other end may never come, is refused before it is opened, and with it
/// all else that is neither a file nor a disk.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() || metadata.is_dir() || is_disk(&metadata) {
        // A folder is refused when it is read, in the system's own words.
        return File::open(path);
    }
    let what = "it is not a regular file; save what it gives to a file first";
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cfg(unix)]
fn is_disk(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_disk(_: &Metadata) -> bool {
    false
}
