//! The bytes of the volume on its storage: read at any place, written in whole sectors.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

use extent_image::Storage;

use crate::units::len64;

use super::error::{Left, UpdateError};

/// Bytes read at once for those who read little.
const WINDOW: u64 = 64 * 1024;
/// Windows that are kept: one for each of several places that are read in turn.
const WINDOWS: usize = 16;

/// A part of a storage.
#[derive(Clone, Copy)]
pub(super) struct Disk<'a> {
    storage: &'a dyn Storage,
    start: u64,
    len: u64,
}

impl<'a> Disk<'a> {
    pub(super) fn new(storage: &'a dyn Storage, start: u64, len: u64) -> Self {
        Self { storage, start, len }
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn block_size(&self) -> u32 {
        self.storage.block_size()
    }

    /// Fills `bytes` from a byte of the volume on.
    pub(super) fn read(&self, at: u64, bytes: &mut [u8]) -> Result<(), UpdateError> {
        self.read_io(at, bytes).map_err(|source| UpdateError::Read {
            name: self.storage.describe(),
            at: self.start.saturating_add(at),
            left: Left::Untouched,
            source,
        })
    }

    fn read_io(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let len = len64(bytes.len());
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let block = u64::from(self.storage.block_size()).max(1);
        let from = self.start.checked_add(at).ok_or(io::ErrorKind::UnexpectedEof)?;
        if from.is_multiple_of(block) && len.is_multiple_of(block) {
            return self.storage.read_at(from, bytes);
        }
        // The blocks around; no block passes the end of the storage.
        let first = from.checked_next_multiple_of(block).unwrap_or(from);
        let first = if first == from { from } else { first.saturating_sub(block) };
        let end = from.saturating_add(len).checked_next_multiple_of(block);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let whole = usize::try_from(end.saturating_sub(first)).unwrap_or(0);
        let mut blocks = vec![0; whole];
        self.storage.read_at(first, &mut blocks)?;
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(0);
        let part = blocks.get(skip..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    /// Writes whole sectors at a byte of the volume.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), UpdateError> {
        let inside = at.checked_add(len64(bytes.len())).is_some_and(|end| end <= self.len);
        let written = match inside {
            true => self.storage.write_at(self.start.saturating_add(at), bytes),
            false => Err(io::ErrorKind::InvalidInput.into()),
        };
        written.map_err(|source| self.refused(at, source))
    }

    pub(super) fn flush(&self) -> Result<(), UpdateError> {
        self.storage.flush().map_err(|source| self.refused(0, source))
    }

    fn refused(&self, at: u64, source: io::Error) -> UpdateError {
        UpdateError::Write {
            name: self.storage.describe(),
            at: self.start.saturating_add(at),
            left: Left::Untouched,
            source,
        }
    }

    /// A reader for many small reads, which counts from the start of the storage.
    pub(super) fn reader(self) -> DiskReader<'a> {
        DiskReader { windows: Windows::new(self), position: 0 }
    }
}

/// What was read lately, in windows.
pub(super) struct Windows<'a> {
    disk: Disk<'a>,
    kept: RefCell<Vec<(u64, Vec<u8>)>>,
}

impl<'a> Windows<'a> {
    pub(super) fn new(disk: Disk<'a>) -> Self {
        Self { disk, kept: RefCell::default() }
    }

    /// Fills the beginning of `bytes` from a byte of the volume on, as far as one window goes, and
    /// answers how far that is: 0 only at the end of the volume.
    pub(super) fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let start = at.checked_div(WINDOW).unwrap_or(0).saturating_mul(WINDOW);
        let len = self.disk.len.saturating_sub(start).min(WINDOW);
        if at >= self.disk.len {
            return Ok(0);
        }
        let mut kept = self.kept.borrow_mut();
        match kept.iter().position(|(held, _)| *held == start) {
            Some(0) => {}
            // The one that was used last stays in front.
            Some(place) => kept.get_mut(..=place).unwrap_or_default().rotate_right(1),
            None => {
                let mut window = match kept.len() < WINDOWS {
                    true => Vec::new(),
                    false => kept.pop().unwrap_or_default().1,
                };
                window.resize(usize::try_from(len).unwrap_or(0), 0);
                self.disk.read_io(start, &mut window)?;
                kept.insert(0, (start, window));
            }
        }
        let skip = usize::try_from(at.saturating_sub(start)).unwrap_or(0);
        let window = kept.first().and_then(|(_, window)| window.get(skip..)).unwrap_or_default();
        let count = window.len().min(bytes.len());
        for (byte, found) in bytes.iter_mut().zip(window) {
            *byte = *found;
        }
        Ok(count)
    }
}

/// See [`Disk::reader`].
pub(super) struct DiskReader<'a> {
    windows: Windows<'a>,
    /// From the start of the storage: the checker compares the start of the volume with its hidden
    /// sectors.
    position: u64,
}

impl Read for DiskReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(at) = self.position.checked_sub(self.windows.disk.start) else { return Ok(0) };
        let count = self.windows.read(at, bytes)?;
        self.position = self.position.saturating_add(len64(count));
        Ok(count)
    }
}

impl Seek for DiskReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.windows.disk.start.saturating_add(self.windows.disk.len);
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => end.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
