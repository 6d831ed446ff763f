//! The one forward pass: walk the extents, read each source when its turn comes, write.
//!
//! Nothing is decided here. Bytes are gathered into large buffers; with digests on, hashers on their
//! own threads see the same buffers. Where the file system can, a new file shares the blocks of local
//! sources instead of getting copies; for digests they are read all the same.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::buffer::Filling;
use crate::error::StreamError;
use crate::feed::{Feed, digest_missing, make_late};
use crate::hashing::{Hashing, ZEROS};
use crate::plan::{Content, Plan};
use crate::progress::Progress;
use crate::report::{Report, StreamOptions};
use crate::source::Source;
use crate::sys;

/// Bytes gathered before a write. Enough that ten thousand small files do not become ten thousand
/// writes, small enough to stay in the processor's cache; measured, writes of 1 MiB to a file gained
/// nothing and were sometimes several times slower (large folios of the page cache).
const BUFFER: usize = 256 * 1024;
/// Zeros from this length on are skipped in a file; shorter runs are cheaper to write.
pub(crate) const SMALLEST_HOLE: u64 = 64 * 1024;
/// Sources from this length on may share blocks; for shorter ones the calls cost more than the copy.
const SMALLEST_SHARED: u64 = 64 * 1024;
/// Only whole blocks on block boundaries can be shared.
const BLOCK: u64 = 4096;
/// Bytes shared by one call.
const SHARE_STEP: u64 = 1024 * 1024 * 1024;
/// Zeros passed on between two calls of progress.
const ZERO_STEP: u64 = 16 * 1024 * 1024;

impl Plan {
    /// Streams the plan to any writer: a pipe, a socket, a vector. It is flushed at the end.
    ///
    /// # Errors
    /// [`StreamError`]; what was written so far is a true beginning of the image.
    pub fn write_to(
        &self,
        sink: impl Write,
        options: &StreamOptions,
        progress: &mut dyn Progress,
    ) -> Result<Report, StreamError> {
        stream(self, &mut Pipe(sink), options, progress)
    }

    /// Writes the plan into a regular file, whose old content is dropped first, and leaves holes for
    /// [`Content::Zero`] and [`Content::Free`]. On Btrfs, XFS and bcachefs it shares the blocks of
    /// [local sources](crate::Source::open_local) of 64 KiB and more that lie on 4 KiB boundaries. The
    /// file must not be open for appending. Nothing is synced.
    ///
    /// # Errors
    /// [`StreamError`]; the file then holds a part of the image.
    pub fn write_file(
        &self,
        file: &File,
        options: &StreamOptions,
        progress: &mut dyn Progress,
    ) -> Result<Report, StreamError> {
        let total = self.len();
        empty(file).map_err(|source| StreamError::Write { at: 0, total, source })?;
        stream(self, &mut Sparse::new(file), options, progress)
    }
}

/// Drops what is in the file, which would show through the holes.
fn empty(mut file: &File) -> io::Result<()> {
    // An empty one is left alone: ext4 takes a truncated file for one that is being replaced and
    // writes it out when it is closed.
    if file.metadata()?.len() > 0 {
        file.set_len(0)?;
    }
    file.rewind()
}

/// Where bytes go, in order.
trait Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Zeros; answers how many of them were really written.
    fn zeros(&mut self, len: u64) -> io::Result<u64>;
    /// True when [`share`](Self::share) is worth asking.
    fn may_share(&self) -> bool {
        false
    }
    /// Takes the first of `len` bytes of a source over without copying them; answers how many.
    fn share(&mut self, source: &dyn Source, from: u64, len: u64) -> io::Result<u64> {
        let _ = (source, from, len);
        Ok(0)
    }
    /// The image has `len` bytes and all have passed.
    fn finish(&mut self, len: u64) -> io::Result<()>;
}

struct Pipe<W>(W);

impl<W: Write> Target for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn zeros(&mut self, len: u64) -> io::Result<u64> {
        let mut left = len;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
            self.0.write_all(ZEROS.get(..step).unwrap_or_default())?;
            left -= u64::try_from(step).unwrap_or(left);
        }
        Ok(len)
    }

    fn finish(&mut self, _len: u64) -> io::Result<()> {
        self.0.flush()
    }
}

struct Sparse<'a> {
    file: &'a File,
    /// Where the next byte goes.
    at: u64,
    shares_blocks: bool,
}

impl<'a> Sparse<'a> {
    fn new(file: &'a File) -> Self {
        Self { file, at: 0, shares_blocks: sys::shares_blocks(file) }
    }

    fn skip_to(&mut self, at: u64) -> io::Result<()> {
        self.at = at;
        self.file.seek(SeekFrom::Start(at)).map(drop)
    }
}

impl Target for Sparse<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += u64::try_from(bytes.len()).unwrap_or(0);
        self.file.write_all(bytes)
    }

    fn zeros(&mut self, len: u64) -> io::Result<u64> {
        self.skip_to(self.at + len)?;
        Ok(0)
    }

    fn may_share(&self) -> bool {
        self.shares_blocks
    }

    fn share(&mut self, source: &dyn Source, from: u64, len: u64) -> io::Result<u64> {
        // Whatever goes wrong with the source here goes wrong again, and is told, when it is read.
        let Ok(Some((input, start))) = source.open_local() else { return Ok(0) };
        let start = start + from;
        if !self.at.is_multiple_of(BLOCK) || !start.is_multiple_of(BLOCK) {
            return Ok(0);
        }
        let wanted = len - len % BLOCK;
        let mut done = 0;
        while done < wanted {
            let step = (wanted - done).min(SHARE_STEP);
            match sys::copy_range(&input, start + done, self.file, self.at + done, step) {
                Ok(0) | Err(_) => break,
                Ok(count) => done += count,
            }
        }
        done -= done % BLOCK;
        self.skip_to(self.at + done)?;
        Ok(done)
    }

    fn finish(&mut self, len: u64) -> io::Result<()> {
        // A hole at the end exists only once the length says so.
        self.file.set_len(len)
    }
}

fn stream(
    plan: &Plan,
    target: &mut dyn Target,
    options: &StreamOptions,
    progress: &mut dyn Progress,
) -> Result<Report, StreamError> {
    std::thread::scope(|scope| {
        let hashing = Hashing::start(scope, options, plan.has_late())?;
        let mut pass = Pass {
            plan,
            target,
            progress,
            hashing,
            filling: Filling::new(BUFFER),
            writes: true,
            done: 0,
            written: 0,
            shared: 0,
        };
        let outcome = pass.run();
        let (len, written, shared) = (plan.len(), pass.written, pass.shared);
        let mut report = Report { len, written, shared, ..Report::default() };
        // A wrong digest is the cause, stopping early its effect.
        pass.hashing.finish(&mut report)?;
        outcome.map(|()| report)
    })
}

struct Pass<'a, 'scope> {
    plan: &'a Plan,
    target: &'a mut dyn Target,
    progress: &'a mut dyn Progress,
    hashing: Hashing<'scope>,
    filling: Filling,
    /// False while bytes are read that are in the target already.
    writes: bool,
    /// Bytes of the image that have passed to the target.
    done: u64,
    written: u64,
    shared: u64,
}

impl Pass<'_, '_> {
    fn run(&mut self) -> Result<(), StreamError> {
        let plan = self.plan;
        for extent in plan.extents() {
            match extent.content() {
                Content::Bytes(bytes) => self.copy(bytes)?,
                Content::Source(source, from) => self.read(source, *from, extent.len())?,
                Content::Late(late) => {
                    self.flush()?;
                    let mut digests = self.hashing.so_far();
                    digest_missing(plan, &mut digests)?;
                    let bytes = make_late(late, &digests)?;
                    self.copy(&bytes)?;
                }
                Content::Zero | Content::Free => self.zeros(extent.len())?,
            }
        }
        self.flush()?;
        let len = plan.len();
        self.target.finish(len).map_err(|error| self.refused(error))
    }

    fn copy(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            // Writing into a slice takes what fits and cannot fail.
            let count = self.room()?.write(bytes).unwrap_or(0);
            self.filling.filled(count);
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    fn read(&mut self, source: &Arc<dyn Source>, from: u64, len: u64) -> Result<(), StreamError> {
        let end = from + len;
        // What is in no local file goes first, and with it the rest of its block.
        let local = match self.target.may_share() {
            true => source.local_from().div_ceil(BLOCK).saturating_mul(BLOCK).clamp(from, end),
            false => from,
        };
        self.feed(source, from, local)?;
        let shared = self.share(source, local, end - local)?;
        self.feed(source, local + shared, end)
    }

    /// Has the target take over what it can without a copy, at the start of a part of a source.
    fn share(&mut self, source: &Arc<dyn Source>, from: u64, len: u64) -> Result<u64, StreamError> {
        if len < SMALLEST_SHARED || !self.target.may_share() {
            return Ok(0);
        }
        self.flush()?;
        let shared = self.target.share(&**source, from, len).map_err(|e| self.refused(e))?;
        if shared == 0 {
            return Ok(0);
        }
        self.shared += shared;
        if self.hashing.wants_bytes() {
            self.writes = false;
            self.feed(source, from, from + shared)?;
            self.flush()?;
            self.writes = true;
        } else {
            self.advance(shared)?;
        }
        // It must still be what it was; reading the rest of it would not tell when there is none.
        Feed::open(&**source, from, from)?;
        Ok(shared)
    }

    fn feed(&mut self, source: &Arc<dyn Source>, from: u64, end: u64) -> Result<(), StreamError> {
        if from == end {
            return Ok(());
        }
        let mut feed = Feed::open(&**source, from, end)?;
        while !feed.is_done() {
            let at = feed.at();
            let count = feed.read(self.room()?)?;
            if self.hashing.wants_segments() {
                self.filling.note(source, at, count);
            }
            self.filling.filled(count);
        }
        Ok(())
    }

    fn zeros(&mut self, len: u64) -> Result<(), StreamError> {
        let mut left = len;
        if len < SMALLEST_HOLE {
            while left > 0 {
                let room = self.room()?;
                let step = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
                room.iter_mut().take(step).for_each(|byte| *byte = 0);
                self.filling.filled(step);
                left -= u64::try_from(step).unwrap_or(left);
            }
            return Ok(());
        }
        self.flush()?;
        while left > 0 {
            let step = left.min(ZERO_STEP);
            self.written += self.target.zeros(step).map_err(|error| self.refused(error))?;
            self.hashing.zeros(step);
            self.advance(step)?;
            left -= step;
        }
        Ok(())
    }

    /// The free part of the buffer, never empty. It ends where the image has a multiple of its size, as
    /// a write that begins inside a page costs the page cache a tenth more.
    fn room(&mut self) -> Result<&mut [u8], StreamError> {
        if self.filling.len() == self.limit() {
            self.flush()?;
        }
        let left = self.limit() - self.filling.len();
        Ok(self.filling.room().get_mut(..left).unwrap_or_default())
    }

    /// Bytes that go into this buffer.
    fn limit(&self) -> usize {
        let size = u64::try_from(BUFFER).unwrap_or(1);
        usize::try_from(size - self.done % size).unwrap_or(BUFFER)
    }

    /// Hands the buffer to the hashers and the target and begins another.
    fn flush(&mut self) -> Result<(), StreamError> {
        if self.filling.len() == 0 {
            return Ok(());
        }
        let buffer = self.filling.buffer();
        self.hashing.bytes(buffer);
        let count = u64::try_from(self.filling.len()).unwrap_or(0);
        if self.writes {
            self.target.write(buffer.used()).map_err(|error| self.refused(error))?;
            self.written += count;
        }
        self.filling.renew();
        self.advance(count)
    }

    fn advance(&mut self, by: u64) -> Result<(), StreamError> {
        self.done += by;
        let total = self.plan.len();
        let cancelled = StreamError::Cancelled { at: self.done, total };
        if self.hashing.failed() {
            return Err(cancelled);
        }
        match self.progress.advance(self.done, total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(cancelled),
        }
    }

    fn refused(&self, source: io::Error) -> StreamError {
        StreamError::Write { at: self.done, total: self.plan.len(), source }
    }
}
