//! Opening a file that is read from its start and not waited for; or a drive.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek};
use std::path::Path;

/// A file or drive that was opened.
pub(crate) trait Opened: Read + Seek {}

impl<R: Read + Seek> Opened for R {}

/// Opens a file; a pipe, whose other end may never come, is refused before it is opened, and with it
/// all else that is neither a file nor a disk.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Opened>> {
    #[cfg(windows)]
    if media_device::names_drive(path) {
        return open_drive(path).map(|drive| -> Box<dyn Opened> { Box::new(drive) });
    }
    let metadata = fs::metadata(path)?;
    if cfg!(windows) && metadata.is_dir() {
        // Windows would say that it may not be opened.
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.is_file() || metadata.is_dir() || is_disk(&metadata) {
        // A folder is refused when it is read, in the system's own words.
        return File::open(path).map(|file| -> Box<dyn Opened> { Box::new(file) });
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

/// The whole drive, where a path names it or a volume on it.
#[cfg(windows)]
fn open_drive(path: &Path) -> io::Result<crate::medium::whole_blocks::WholeBlocks<File>> {
    use media_device::PathError;

    let no_drive = |error: PathError| {
        io::Error::other(match (&error, std::error::Error::source(&error)) {
            (PathError::NotADrive { .. }, _) => format!("{error}; give a drive or an image file"),
            (_, Some(why)) => format!("{error}: {why}"),
            (_, None) => error.to_string(),
        })
    };
    let drive = media_device::System::new().drive(path).map_err(no_drive)?;
    let file = File::open(&drive.path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => io::Error::new(
            error.kind(),
            "only administrators may read drives: start the console with \"Run as administrator\" \
             and run this again there",
        ),
        _ => error,
    })?;
    Ok(crate::medium::whole_blocks::WholeBlocks::new(file, drive.len))
}
