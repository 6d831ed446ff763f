//! A drive that only this process may use.

use std::io;
use std::ops::Range;

use crate::drive::Drive;
use crate::error::OpenError;
use crate::sys;

/// A drive that was opened for reading and writing, for this process alone.
///
/// Reads and writes go past the system's cache where the drive can do that
/// ([`is_direct`](Self::is_direct)). Offsets and lengths are multiples of
/// [`block_size`](Self::block_size), and no call passes [`len`](Self::len); others are answered with
/// [`InvalidInput`](io::ErrorKind::InvalidInput). Memory may lie anywhere; what begins on a multiple
/// of 4096 bytes is not copied.
#[derive(Debug)]
pub struct OpenDrive {
    drive: Drive,
    file: sys::DriveFile,
}

impl OpenDrive {
    /// Opens a drive, and makes sure that it is still the one that was listed: device number,
    /// length, block size, number of the connection, serial number.
    ///
    /// # Errors
    /// [`OpenError::Busy`] when it is mounted or otherwise in use, [`OpenError::Changed`] when
    /// another drive or medium is there now, [`OpenError::NotAllowed`] without the right to it.
    pub fn open(drive: &Drive) -> Result<Self, OpenError> {
        let file = sys::DriveFile::open(drive)?;
        Ok(Self { drive: drive.clone(), file })
    }

    /// What was listed.
    pub fn drive(&self) -> &Drive {
        &self.drive
    }

    /// What messages call it: `/dev/sdb`.
    pub fn describe(&self) -> String {
        self.drive.path.display().to_string()
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.drive.len
    }

    /// True of none that could be opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are read and written at once: 512 or 4096.
    pub fn block_size(&self) -> u32 {
        self.drive.logical_block_size
    }

    /// True when reads and writes go past the system's cache (O_DIRECT, FILE_FLAG_NO_BUFFERING).
    pub fn is_direct(&self) -> bool {
        self.file.is_direct()
    }

    /// False when the drive, or the card in its reader, was taken out or exchanged since it was
    /// opened: the reason behind an I/O error. It need not be asked before a write: one to a drive
    /// that was taken out fails, and so does reading back from another card.
    pub fn is_present(&self) -> bool {
        self.file.is_present(&self.drive)
    }

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        self.file.read_at(offset, bytes)
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the operating system says; how much was written is then unknown.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        self.file.write_at(offset, bytes)
    }

    /// Comes back when all that was written is on the medium, as far as the drive says so.
    ///
    /// # Errors
    /// What the operating system says; what was written since the last flush may be lost.
    pub fn flush(&self) -> io::Result<()> {
        self.file.flush()
    }

    /// Makes the next reads come from the drive, not from the system's cache.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn forget_cached(&self) -> io::Result<()> {
        self.file.forget_cached()
    }

    /// Tells the drive that these bytes hold nothing any more; what they then read as is up to the
    /// drive. False when it has no use for that, and nothing was done; true when it took all or,
    /// before it refused more, some of them.
    ///
    /// # Errors
    /// What the operating system says, and for a range that is not of whole blocks. What the bytes
    /// read as is then up to the drive, too.
    pub fn discard(&self, range: Range<u64>) -> io::Result<bool> {
        let Some(len) = range.end.checked_sub(range.start) else {
            return Err(self.outside(range.start, 0));
        };
        self.check_range(range.start, len)?;
        self.file.discard(range)
    }

    /// Has the system forget the partitions of a drive whose head was wiped, so that nobody mounts what
    /// is being overwritten. On Windows nothing is done: their volumes are locked.
    ///
    /// # Errors
    /// As [`reread_partitions`](Self::reread_partitions).
    pub fn forget_partitions(&self) -> io::Result<()> {
        self.file.forget_partitions(&self.drive)
    }

    /// Has the kernel read the partition table again. While another program looks at a partition
    /// that cannot be done; it is tried for about two seconds.
    ///
    /// # Errors
    /// What the operating system says. The table on the drive is in order all the same. Of a drive
    /// whose tables the kernel never reads, it has at least forgotten the partitions it knew.
    pub fn reread_partitions(&self) -> io::Result<()> {
        self.file.reread_partitions(&self.drive)
    }

    fn check(&self, offset: u64, len: usize) -> io::Result<()> {
        self.check_range(offset, u64::try_from(len).unwrap_or(u64::MAX))
    }

    /// Whether a call keeps to the blocks and the length.
    fn check_range(&self, offset: u64, len: u64) -> io::Result<()> {
        let block = u64::from(self.block_size());
        let inside = offset.checked_add(len).is_some_and(|end| end <= self.len());
        if inside && offset.is_multiple_of(block) && len.is_multiple_of(block) {
            return Ok(());
        }
        Err(self.outside(offset, len))
    }

    fn outside(&self, offset: u64, len: u64) -> io::Error {
        let (all, block) = (self.len(), self.block_size());
        let what = format!("{len} bytes at {offset} of {all} in blocks of {block}");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    }
}
