use std::fs::{DirEntry, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

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

pub(crate) fn free_space(path: &Path) -> io::Result<Option<u64>> {
    // The system calls behind it want long paths in the form that `canonicalize` gives.
    let found = fs4::available_space(path);
    found.or_else(|_| fs4::available_space(&path.canonicalize()?)).map(Some)
}

pub(crate) fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    match look_at(path, FILE_FLAG_OPEN_REPARSE_POINT) {
        Ok(named) => Ok(id(file)? == id(&named)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // Removed, but somebody has it open: it is neither there nor gone, and nobody can open it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

/// Windows writes a renamed entry through with the file; folders cannot be flushed.
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut pause = Duration::from_millis(10);
    loop {
        match std::fs::rename(from, to) {
            Err(error) if is_in_the_way(&error) && pause < Duration::from_secs(1) => {
                std::thread::sleep(pause);
                // Seven times: 1.27 seconds in all, and what the calls take.
                pause *= 2;
            }
            renamed => return renamed,
        }
    }
}

/// "Access is denied" is said of a file that somebody has open, too.
fn is_in_the_way(error: &io::Error) -> bool {
    const ERROR_ACCESS_DENIED: i32 = 5;
    error.raw_os_error() == Some(ERROR_ACCESS_DENIED) || is_sharing(error)
}

fn is_sharing(error: &io::Error) -> bool {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    const ERROR_LOCK_VIOLATION: i32 = 33;
    const ERROR_USER_MAPPED_FILE: i32 = 1224;
    let sharing = [ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_USER_MAPPED_FILE];
    error.raw_os_error().is_some_and(|code| sharing.contains(&code))
}

pub(crate) fn check_replaceable(path: &Path) -> io::Result<()> {
    /// To remove or rename it.
    const DELETE: u32 = 0x0001_0000;
    match OpenOptions::new().access_mode(DELETE).open(path) {
        Err(error) if is_sharing(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The serial number of the volume, and the file's number on it: of 64 bits, also on ReFS, whose own
/// numbers have 128.
pub(crate) type FileId = (u64, u64);

pub(crate) fn file_id(path: &Path) -> io::Result<FileId> {
    id(&look_at(path, 0)?)
}

fn id(file: &File) -> io::Result<FileId> {
    let found = winapi_util::file::information(file)?;
    Ok((found.volume_serial_number(), found.file_index()))
}

/// What CreateFile needs for folders.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// Opens a link and not what it leads to.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// Opens a file or folder for nothing but its metadata, so that whoever has it open for himself alone
/// is no obstacle.
fn look_at(path: &Path, flags: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | flags).open(path)
}
