//! What can be read in whole sectors only, read like a file: so Windows has it with drives.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are read at once, at a multiple of as many: whole sectors of any size that drives have.
const BLOCK: u64 = 64 << 10;

/// A drive whose end cannot be sought, and the part of it that was read last.
pub(crate) struct WholeBlocks<R> {
    drive: R,
    /// Bytes of the drive, whole sectors.
    len: u64,
    at: u64,
    /// Where `bytes` begin.
    start: u64,
    /// Empty before the first read and after one that failed.
    bytes: Vec<u8>,
}

impl<R: Read + Seek> WholeBlocks<R> {
    pub(crate) fn new(drive: R, len: u64) -> Self {
        Self { drive, len, at: 0, start: 0, bytes: Vec::new() }
    }

    /// Has the block in `bytes` that `at` is in, which lies before the end.
    fn fill(&mut self) -> io::Result<()> {
        let start = self.at - self.at % BLOCK;
        if start == self.start && !self.bytes.is_empty() {
            return Ok(());
        }
        let len = usize::try_from((self.len - start).min(BLOCK)).unwrap_or_default();
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.resize(len, 0);
        self.drive.seek(SeekFrom::Start(start))?;
        self.drive.read_exact(&mut bytes)?;
        (self.start, self.bytes) = (start, bytes);
        Ok(())
    }
}

impl<R: Read + Seek> Read for WholeBlocks<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || into.is_empty() {
            return Ok(0);
        }
        self.fill()?;
        let from = usize::try_from(self.at - self.start).unwrap_or(usize::MAX);
        let count = self.bytes.get(from..).unwrap_or_default().read(into)?;
        self.at += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }
}

impl<R> Seek for WholeBlocks<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refuses what a drive of Windows refuses.
    struct Drive {
        bytes: Vec<u8>,
        at: u64,
        reads: usize,
    }

    impl Read for Drive {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            assert!(self.at.is_multiple_of(4096) && into.len().is_multiple_of(4096));
            self.reads += 1;
            let mut rest = &self.bytes[usize::try_from(self.at).unwrap()..];
            let count = rest.read(into)?;
            self.at += count as u64;
            Ok(count)
        }
    }

    impl Seek for Drive {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let SeekFrom::Start(at) = to else { panic!("a drive has no end to start from") };
            self.at = at;
            Ok(at)
        }
    }

    fn drive(len: usize) -> (WholeBlocks<Drive>, Vec<u8>) {
        let bytes: Vec<u8> = (0..len).map(|at| (at / 7 % 251) as u8).collect();
        let drive = Drive { bytes: bytes.clone(), at: 0, reads: 0 };
        (WholeBlocks::new(drive, len as u64), bytes)
    }

    #[test]
    fn any_bytes_come_from_whole_sectors() {
        let (mut file, bytes) = drive((3 << 16) + 4096);
        for (at, len) in [(510, 2), (65_530, 20), (0, 1), (bytes.len() - 1, 1), (100, 180_000)] {
            let mut found = vec![0; len];
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.read_exact(&mut found).unwrap();
            assert!(found == bytes[at..at + len], "{at}");
        }
        file.rewind().unwrap();
        let mut all = Vec::new();
        file.read_to_end(&mut all).unwrap();
        assert!(all == bytes);
        // Small reads beside each other cost one.
        let before = file.drive.reads;
        file.rewind().unwrap();
        (0..100).for_each(|_| file.read_exact(&mut [0; 16]).unwrap());
        assert_eq!(file.drive.reads, before + 1);
    }

    #[test]
    fn there_is_nothing_behind_the_end() {
        let (mut file, bytes) = drive(8192);
        let end = bytes.len() as u64;
        assert_eq!(file.seek(SeekFrom::End(0)).unwrap(), end);
        assert_eq!(file.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(file.seek(SeekFrom::Current(1 << 40)).unwrap(), end + (1 << 40));
        assert_eq!(file.read(&mut [0; 8]).unwrap(), 0);
        assert!(file.seek(SeekFrom::End(-8193)).is_err());
        assert_eq!(file.seek(SeekFrom::End(-2)).unwrap(), end - 2);
        assert_eq!(file.read(&mut [0; 8]).unwrap(), 2);
    }

    #[test]
    fn what_could_not_be_read_is_asked_for_again() {
        let (mut file, _) = drive(8192);
        file.drive.bytes.truncate(4096);
        for _ in 0..2 {
            let error = file.read(&mut [0; 8]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
