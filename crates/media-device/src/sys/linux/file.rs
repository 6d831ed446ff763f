//! The open node of a drive.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{Advice, Mode, OFlags};
use rustix::io::Errno;

use super::{attribute, describe, ioctl, usage};
use crate::aligned::Pool;
use crate::drive::Drive;
use crate::error::OpenError;

/// A process that is killed ends only between two requests, so none is longer.
const DISCARD: u64 = 1 << 30;
/// udev and desktops look at a drive for a moment when its last writer closes it.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct DriveFile {
    file: File,
    direct: bool,
    pool: Pool,
}

impl DriveFile {
    pub(crate) fn open(drive: &Drive) -> Result<Self, OpenError> {
        let (file, direct) = open_alone(&drive.path).map_err(|error| refused(drive, error))?;
        let failed = |source| OpenError::Failed { drive: describe(drive), source };
        check_same(drive, &file, failed)?;
        Ok(Self { file, direct, pool: Pool::default() })
    }

    pub(crate) fn is_direct(&self) -> bool {
        self.direct
    }

    pub(crate) fn is_present(&self, drive: &Drive) -> bool {
        let folder = &drive.folder;
        attribute::device_number(folder) == Some(drive.device)
            && attribute::number(folder, "diskseq") == drive.disk_sequence
            && attribute::number(folder, "size").is_some_and(|size| size != 0)
            && !is_leaving(folder)
    }

    pub(crate) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        if !self.direct {
            return self.file.read_exact_at(bytes, offset);
        }
        self.pool.read(offset, bytes, |offset, bytes| self.file.read_exact_at(bytes, offset))
    }

    pub(crate) fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.direct {
            return self.file.write_all_at(bytes, offset);
        }
        self.pool.write(offset, bytes, |offset, bytes| self.file.write_all_at(bytes, offset))
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(crate) fn forget_cached(&self) -> io::Result<()> {
        match ioctl::drop_cache(&self.file) {
            // It takes CAP_SYS_ADMIN, which the owner of a drive need not have.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.file.sync_data()?;
                Ok(rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed)?)
            }
            outcome => outcome,
        }
    }

    pub(crate) fn discard(&self, range: Range<u64>) -> io::Result<bool> {
        let mut start = range.start;
        while start < range.end {
            let end = start.saturating_add(DISCARD).min(range.end);
            match ioctl::discard(&self.file, start..end) {
                Ok(()) => start = end,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Of a drive that refused a piece, the kernel says so from then on.
                Err(error) if is_unknown(&error) => return Ok(start > range.start),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    pub(crate) fn forget_partitions(&self, drive: &Drive) -> io::Result<()> {
        self.reread_partitions(drive)
    }

    pub(crate) fn reread_partitions(&self, drive: &Drive) -> io::Result<()> {
        let reread = || ioctl::reread_partitions(&self.file);
        match patiently(reread) {
            // Loop devices that were made without partitions, and may have been given some.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                for (_, folder) in usage::partitions(&drive.folder) {
                    let number = attribute::number(&folder, "partition").unwrap_or(0);
                    let number = u32::try_from(number).unwrap_or(0);
                    patiently(|| ioctl::forget_partition(&self.file, number))?;
                }
                Err(error)
            }
            outcome => outcome,
        }
    }
}

/// Tries again for a while what cannot be done as long as others look at the drive.
fn patiently(request: impl Fn() -> io::Result<()>) -> io::Result<()> {
    for _ in 1..TRIES {
        match request() {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
    request()
}

/// Opens a node for this process alone, and past the cache where that can be done.
///
/// Without O_EXCL the kernel lets anybody write a drive that is mounted.
fn open_alone(path: &Path) -> io::Result<(File, bool)> {
    let flags = OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags | OFlags::DIRECT, Mode::empty()) {
        Ok(file) => Ok((file.into(), true)),
        Err(Errno::INVAL) => Ok((rustix::fs::open(path, flags, Mode::empty())?.into(), false)),
        Err(error) => Err(error.into()),
    }
}

/// I/O fails a while before the kernel forgets a drive. The first words are those of SCSI, the
/// others those of NVMe; drives of other kinds have no such state.
fn is_leaving(folder: &Path) -> bool {
    let state = attribute::text(folder, "device/state").unwrap_or_default();
    let leaving = ["cancel", "deleted", "offline", "transport-offline", "dead", "deleting"];
    leaving.iter().any(|word| state.starts_with(word))
}

/// What the kernel means by refusing.
fn refused(drive: &Drive, error: io::Error) -> OpenError {
    let name = || describe(drive);
    match Errno::from_io_error(&error) {
        Some(Errno::BUSY) => OpenError::Busy { drive: name() },
        Some(Errno::ROFS) => OpenError::ReadOnly { drive: name() },
        // Said of both.
        Some(Errno::ACCESS | Errno::PERM) if attribute::flag(&drive.folder, "ro") => {
            OpenError::ReadOnly { drive: name() }
        }
        Some(Errno::ACCESS | Errno::PERM) => OpenError::NotAllowed { drive: name() },
        Some(Errno::NOENT | Errno::NXIO | Errno::NODEV | Errno::NOMEDIUM) => {
            OpenError::Gone { drive: name() }
        }
        _ => OpenError::Failed { drive: name(), source: error },
    }
}

/// Once the drive is open its node leads nowhere else: when it is taken out all calls fail. Only a
/// card may still be exchanged for another in its reader, which the number of the connection shows
/// ([`DriveFile::is_present`]).
fn check_same(
    drive: &Drive,
    mut file: &File,
    failed: impl Fn(io::Error) -> OpenError,
) -> Result<(), OpenError> {
    let compare = |what, listed: String, found: String| {
        if listed == found {
            return Ok(());
        }
        Err(OpenError::Changed { drive: describe(drive), what, listed, found })
    };
    let node = file.metadata().map_err(&failed)?;
    let kind = if node.file_type().is_block_device() { "block device" } else { "file" };
    compare("kind", "block device".to_owned(), kind.to_owned())?;
    compare("device number", drive.device.to_string(), usage::number(node.rdev()).to_string())?;
    // The kernel's own numbers; the file system of a node knows no length.
    let len = file.seek(SeekFrom::End(0)).map_err(&failed)?;
    compare("length", drive.len.to_string(), len.to_string())?;
    let block_size = rustix::fs::ioctl_blksszget(file).map_err(|error| failed(error.into()))?;
    compare("block size", drive.logical_block_size.to_string(), block_size.to_string())?;
    let sequence =
        |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    let now = match ioctl::disk_sequence(file) {
        Ok(number) => Some(number),
        Err(_) => attribute::number(&drive.folder, "diskseq"),
    };
    compare("number of the connection", sequence(drive.disk_sequence), sequence(now))?;
    // Newer kernels open, and write, what was made read-only after it was found.
    if attribute::flag(&drive.folder, "ro") {
        return Err(OpenError::ReadOnly { drive: describe(drive) });
    }
    let serial = |serial: Option<String>| serial.unwrap_or_else(|| "none".to_owned());
    let now = describe::serial(&drive.folder);
    compare("serial number", serial(drive.serial.clone()), serial(now))
}

fn describe(drive: &Drive) -> String {
    drive.path.display().to_string()
}

/// The kernel knows that the drive has no such request, and sent none. What the drive itself says,
/// REMOTEIO for an illegal request or EIO, may come after it took a part: the kernel, too, splits.
fn is_unknown(error: &io::Error) -> bool {
    let unknown = [Errno::OPNOTSUPP, Errno::NOTTY, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| unknown.contains(&errno))
}
