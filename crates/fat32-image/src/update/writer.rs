//! Content on its way to free clusters, gathered into large writes.

use std::ops::Range;

use crate::units::len64;

use super::disk::Disk;
use super::error::UpdateError;

/// Most bytes of one write.
const BUFFER: usize = 1 << 20;
/// Buffers that begin on a multiple of this can be handed to a drive without a copy.
const ALIGNMENT: usize = 4096;

/// Writes to ascending places, joined where they touch.
pub(super) struct Writer<'a> {
    disk: Disk<'a>,
    sector: u64,
    /// The gap behind the end of a file in its last cluster may be filled to join two writes.
    gap: u64,
    memory: Vec<u8>,
    /// Where in `memory` the buffer is.
    buffer: Range<usize>,
    /// Byte of the volume where the buffer belongs.
    start: u64,
    filled: usize,
    pub(super) written: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(disk: Disk<'a>, sector: u64, cluster: u64) -> Self {
        let memory = vec![0; BUFFER.saturating_add(ALIGNMENT)];
        let skip = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        let buffer = skip..skip.saturating_add(BUFFER);
        Self { disk, sector, gap: cluster, memory, buffer, start: 0, filled: 0, written: 0 }
    }

    fn bytes(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.buffer.clone()).unwrap_or_default()
    }

    /// The next bytes belong here; the start of a cluster, or where the last ones ended.
    pub(super) fn go_to(&mut self, at: u64) -> Result<(), UpdateError> {
        let end = self.start.saturating_add(len64(self.filled));
        let gap = at.checked_sub(end).filter(|gap| self.filled > 0 && *gap < self.gap);
        let gap = gap.and_then(|gap| usize::try_from(gap).ok());
        let filled = self.filled;
        let joined = gap.and_then(|gap| filled.checked_add(gap)).filter(|end| *end < BUFFER);
        if let Some(end) = joined {
            self.bytes().get_mut(filled..end).unwrap_or_default().fill(0);
            self.filled = end;
            return Ok(());
        }
        self.flush()?;
        self.start = at;
        Ok(())
    }

    /// Room for the next bytes, never empty.
    pub(super) fn room(&mut self) -> Result<&mut [u8], UpdateError> {
        if self.filled >= BUFFER {
            let next = self.start.saturating_add(len64(self.filled));
            self.flush()?;
            self.start = next;
        }
        let filled = self.filled;
        Ok(self.bytes().get_mut(filled..).unwrap_or_default())
    }

    /// So many bytes of the room are filled.
    pub(super) fn filled(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(BUFFER);
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), UpdateError> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let count = room.len().min(bytes.len());
            let (now, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            for (place, byte) in room.iter_mut().zip(now) {
                *place = *byte;
            }
            self.filled(count);
            bytes = rest;
        }
        Ok(())
    }

    /// Writes what is gathered, filled with zeros to the end of its last sector.
    pub(super) fn flush(&mut self) -> Result<(), UpdateError> {
        if self.filled == 0 {
            return Ok(());
        }
        let whole = len64(self.filled).next_multiple_of(self.sector.max(1));
        let (filled, end) = (self.filled, usize::try_from(whole).unwrap_or(BUFFER).min(BUFFER));
        self.bytes().get_mut(filled..end).unwrap_or_default().fill(0);
        let (disk, start) = (self.disk, self.start);
        disk.write(start, self.bytes().get(..end).unwrap_or_default())?;
        self.written = self.written.saturating_add(whole);
        self.filled = 0;
        Ok(())
    }
}
