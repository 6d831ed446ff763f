//! Buffers that one thread fills and others write and hash.

use std::ops::Range;
use std::sync::Arc;

use crate::source::{Source, SourceId};

/// Where buffers begin in memory: drives that are written past the page cache need it.
const ALIGN: usize = 4096;

/// Bytes on their way to the sink, and which of them came from which source.
pub(crate) struct Buffer {
    /// `size` bytes from `start` on are for use.
    bytes: Vec<u8>,
    start: usize,
    size: usize,
    filled: usize,
    segments: Vec<Segment>,
}

/// A part of a source in a buffer.
pub(crate) struct Segment {
    pub(crate) source: Arc<dyn Source>,
    /// Offset in the source.
    pub(crate) from: u64,
    /// Place in the bytes that are in use.
    pub(crate) range: Range<usize>,
}

impl Buffer {
    fn new(size: usize) -> Self {
        let bytes = vec![0; size + ALIGN];
        // The answer may be "impossible" by the letter of its contract; that costs speed only.
        let start = bytes.as_ptr().align_offset(ALIGN);
        let start = if start < ALIGN { start } else { 0 };
        Self { bytes, start, size, filled: 0, segments: Vec::new() }
    }

    /// A buffer with `size` zeros in use.
    pub(crate) fn zeros(size: usize) -> Self {
        Self { filled: size, ..Self::new(size) }
    }

    /// The bytes in use.
    pub(crate) fn used(&self) -> &[u8] {
        self.bytes.get(self.start..self.start + self.filled).unwrap_or_default()
    }

    /// The bytes in use, to be written over.
    pub(crate) fn used_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.start + self.filled).unwrap_or_default()
    }

    /// The parts that came from sources, in order.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn room(&mut self) -> &mut [u8] {
        let range = self.start + self.filled..self.start + self.size;
        self.bytes.get_mut(range).unwrap_or_default()
    }

    fn note(&mut self, source: &Arc<dyn Source>, from: u64, count: usize) {
        let range = self.filled..self.filled + count;
        let goes_on = |last: &Segment| {
            let len = u64::try_from(last.range.len()).unwrap_or(u64::MAX);
            last.range.end == range.start
                && last.from.checked_add(len) == Some(from)
                && SourceId::of(&last.source) == SourceId::of(source)
        };
        match self.segments.last_mut() {
            Some(last) if goes_on(last) => last.range.end = range.end,
            _ => self.segments.push(Segment { source: Arc::clone(source), from, range }),
        }
    }
}

/// The buffer being filled, and those that others may still hold. It is never shared itself:
/// [`renew`](Self::renew) puts a fresh one in its place.
pub(crate) struct Filling {
    buffer: Arc<Buffer>,
    size: usize,
    passed: Vec<Arc<Buffer>>,
}

impl Filling {
    /// Fills buffers of `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self { buffer: Arc::new(Buffer::new(size)), size, passed: Vec::new() }
    }

    pub(crate) fn buffer(&self) -> &Arc<Buffer> {
        &self.buffer
    }

    /// Bytes in the buffer.
    pub(crate) fn len(&self) -> usize {
        self.buffer.filled
    }

    /// The free part of the buffer.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        Arc::get_mut(&mut self.buffer).map(Buffer::room).unwrap_or_default()
    }

    /// The first `count` bytes of the room have been filled.
    pub(crate) fn filled(&mut self, count: usize) {
        if let Some(buffer) = Arc::get_mut(&mut self.buffer) {
            buffer.filled += count;
        }
    }

    /// Remembers that the first `count` bytes of the room came from `source`.
    pub(crate) fn note(&mut self, source: &Arc<dyn Source>, from: u64, count: usize) {
        if let Some(buffer) = Arc::get_mut(&mut self.buffer) {
            buffer.note(source, from, count);
        }
    }

    /// A copy of the buffer with all that is noted in it, of which the buffer then knows nothing.
    pub(crate) fn split_notes(&mut self) -> Arc<Buffer> {
        let mut copy = Buffer::new(self.len());
        if let Some(buffer) = Arc::get_mut(&mut self.buffer) {
            copy.filled = buffer.filled;
            copy.used_mut().copy_from_slice(buffer.used());
            copy.segments = std::mem::take(&mut buffer.segments);
        }
        Arc::new(copy)
    }

    /// Puts an empty buffer in place: the same one when nobody else holds it, one that was given
    /// back, or a new one. The queues of those who get buffers bound how many there can be.
    pub(crate) fn renew(&mut self) {
        if Arc::get_mut(&mut self.buffer).is_none() {
            let free = self.passed.iter().position(|buffer| Arc::strong_count(buffer) == 1);
            let next = free.map_or_else(
                || Arc::new(Buffer::new(self.size)),
                |index| self.passed.swap_remove(index),
            );
            self.passed.push(std::mem::replace(&mut self.buffer, next));
        }
        if let Some(buffer) = Arc::get_mut(&mut self.buffer) {
            buffer.filled = 0;
            buffer.segments.clear();
        }
    }
}
