//! What is written in place: drives, and image files that are changed where they stand.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::sys;

/// A fixed number of bytes that are read and written in place: a drive, or an image file.
///
/// Offsets and lengths of every call are multiples of [`block_size`](Self::block_size), and no call
/// passes [`len`](Self::len); an implementation answers others with
/// [`InvalidInput`](io::ErrorKind::InvalidInput). Buffers may lie anywhere in memory; one that begins
/// on a multiple of 4096 may spare the implementation a copy.
pub trait Storage: Send + Sync {
    /// What messages call it: `/dev/sdb`, `capture.img`.
    fn describe(&self) -> String;

    /// Length in bytes, a multiple of the block size.
    fn len(&self) -> u64;

    /// True when it holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are written at once: 512, or 4096 on 4Kn drives. A block is never half written.
    fn block_size(&self) -> u32;

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the operating system says; how much was written is then unknown.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Comes back when all that was written is on the medium.
    ///
    /// # Errors
    /// What the operating system says; what was written since the last flush may be lost.
    fn flush(&self) -> io::Result<()>;

    /// Makes the next reads come from the medium, not from memory. A file has no way to be sure.
    ///
    /// # Errors
    /// What the operating system says.
    fn forget_cached(&self) -> io::Result<()> {
        Ok(())
    }
}

/// An image file that is changed where it stands.
#[derive(Debug)]
pub struct FileStorage {
    file: File,
    path: PathBuf,
    len: u64,
    block_size: u32,
}

impl FileStorage {
    /// Opens the file at `path` for reading and writing, in blocks of 512 bytes.
    ///
    /// # Errors
    /// What the operating system says, and for a length that is no multiple of 512.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = File::options().read(true).write(true).open(&path)?;
        Self::new(file, path)
    }

    /// A file that is open for reading and writing already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new(file: File, path: impl Into<PathBuf>) -> io::Result<Self> {
        let (path, len, block_size) = (path.into(), file.metadata()?.len(), 512);
        if !len.is_multiple_of(u64::from(block_size)) {
            let what = format!("{len} bytes are not a whole number of sectors of {block_size}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Self { file, path, len, block_size })
    }

    /// The path it was opened at.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a call keeps to the blocks and the length.
    fn check(&self, offset: u64, len: usize) -> io::Result<()> {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        let block = u64::from(self.block_size);
        let inside = offset.checked_add(len).is_some_and(|end| end <= self.len);
        if inside && offset.is_multiple_of(block) && len.is_multiple_of(block) {
            return Ok(());
        }
        let what = format!("{len} bytes at {offset} of {} in blocks of {block}", self.len);
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

impl Storage for FileStorage {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn block_size(&self) -> u32 {
        self.block_size
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        sys::read_exact_at(&self.file, bytes, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        sys::write_all_at(&self.file, bytes, offset)
    }

    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_written_in_place_and_nothing_passes_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, vec![1; 2048]).unwrap();
        let storage = FileStorage::open(&path).unwrap();
        assert_eq!((storage.len(), storage.block_size()), (2048, 512));
        storage.write_at(512, &[2; 512]).unwrap();
        storage.flush().unwrap();
        let mut read = [0; 1024];
        storage.read_at(512, &mut read).unwrap();
        assert_eq!((read[..512].to_vec(), read[512..].to_vec()), (vec![2; 512], vec![1; 512]));
        for (offset, len) in [(1, 512), (0, 100), (1536, 1024), (u64::MAX - 511, 512)] {
            let refused = storage.write_at(offset, &vec![0; len]).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{offset} {len}");
            assert!(storage.read_at(offset, &mut vec![0; len]).is_err());
        }
        std::fs::write(&path, [0; 100]).unwrap();
        assert!(FileStorage::open(&path).unwrap_err().to_string().contains("100 bytes"));
    }
}
