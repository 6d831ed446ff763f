use std::fs::{DirEntry, File, Metadata};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

/// What must stay the same between planning and reading a local file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    pub(crate) len: u64,
    modified: Option<SystemTime>,
}

impl FileIdentity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { len: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Asked of the file itself: what a folder lists of a file that has other names, or is being
/// written, may be old.
pub(crate) fn metadata(entry: &DirEntry) -> io::Result<Metadata> {
    std::fs::metadata(entry.path())
}

pub(crate) fn read_exact_at(file: &File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.seek_read(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                offset += u64::try_from(count).unwrap_or(u64::MAX);
                buf = buf.get_mut(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                offset += u64::try_from(count).unwrap_or(u64::MAX);
                bytes = bytes.get(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Not asked yet: the Windows issue brings it with `windows-sys`.
pub(crate) fn free_space(_path: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// The standard library does not tell file ids here, so a file that was replaced by another of the
/// same name is not seen.
pub(crate) fn is_same_file(_file: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

/// Windows writes a renamed entry through with the file; folders cannot be flushed.
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// The path with everything resolved.
pub(crate) type FileId = std::path::PathBuf;

pub(crate) fn file_id(path: &Path) -> io::Result<FileId> {
    path.canonicalize()
}
