//! A [`Storage`] read at any place, through a buffer.

use std::io::{self, Read, Seek, SeekFrom};

use extent_image::Storage;

/// Bytes read at once; a multiple of every block size.
const BUFFER: u64 = 64 << 10;

pub(super) struct StorageReader<'a> {
    storage: &'a dyn Storage,
    at: u64,
    start: u64,
    buffer: Vec<u8>,
}

impl<'a> StorageReader<'a> {
    pub(super) fn new(storage: &'a dyn Storage) -> Self {
        Self { storage, at: 0, start: 0, buffer: Vec::new() }
    }

    /// The bytes from here on that are in the buffer.
    fn here(&self) -> &[u8] {
        let at = self.at.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.buffer.get(at..)).unwrap_or_default()
    }
}

impl Read for StorageReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.here().is_empty() && self.at < self.storage.len() {
            let start = self.at - self.at % BUFFER;
            // The length is a multiple of the block size.
            let len = BUFFER.min(self.storage.len() - start);
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(usize::try_from(len).unwrap_or(0), 0);
            self.storage.read_at(start, &mut buffer)?;
            (self.buffer, self.start) = (buffer, start);
        }
        let here = self.here();
        let count = here.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), here.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for StorageReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.storage.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use extent_image::FileStorage;

    use super::*;

    #[test]
    fn every_byte_is_read_from_any_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        let bytes: Vec<u8> = (0..70_144u32).map(|at| (at / 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let storage = FileStorage::open(&path).unwrap();
        let mut reader = StorageReader::new(&storage);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == bytes);
        for at in [0, 1, 65_535, 65_536, 70_143] {
            let mut one = [0];
            reader.seek(SeekFrom::Start(at)).unwrap();
            reader.read_exact(&mut one).unwrap();
            assert_eq!(one[0], bytes[at as usize], "{at}");
        }
        reader.seek(SeekFrom::End(5)).unwrap();
        assert_eq!(reader.read(&mut [0; 5]).unwrap(), 0);
        assert!(reader.seek(SeekFrom::End(-80_000)).is_err());
    }
}
