//! What is held back until the body is proven: what lies behind it, and the head.

use super::error::{DriveError, FailedDrive, HeadState};
use super::layout::{own_bytes, pieces};
use super::verify::Reader;
use super::wipe::erase;
use super::write::{BUFFER, part};
use super::{DriveReport, Phase};
use crate::buffer::Buffer;

/// Writes what was held back, the first block of the drive last. Where that fails, all of it is taken
/// back.
pub(super) fn write(reader: &mut Reader<'_>) -> Result<DriveReport, FailedDrive> {
    let (run, drive) = (reader.run, reader.drive);
    if run.advance(drive, Phase::Head, 0) {
        return Err(reader.cancelled().leaving(run.zeroed()));
    }
    let mut held = Held { reader, done: 0 };
    held.write().map_err(|error| error.leaving(erase(run, drive)))
}

struct Held<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// Bytes written and bytes read back.
    done: u64,
}

impl Held<'_, '_> {
    fn write(&mut self) -> Result<DriveReport, DriveError> {
        let (storage, run) = (self.reader.job.storage, self.reader.run);
        self.write_tail()?;
        let block = run.layout.block;
        let width = usize::try_from(block).unwrap_or(usize::MAX);
        let mut first = None;
        self.head(|held, at, bytes| {
            let (now, at) = match bytes.split_at_checked(width).filter(|_| at == 0) {
                Some((block_0, rest)) => {
                    first = Some(block_0.to_vec());
                    (rest, at + block)
                }
                None => (bytes, at),
            };
            if now.is_empty() { Ok(()) } else { held.put(at, now) }
        })?;
        storage.flush().map_err(DriveError::Flush)?;
        if let Some(block_0) = first {
            self.put(0, &block_0)?;
            storage.flush().map_err(DriveError::Flush)?;
        }
        if run.verify {
            storage.forget_cached().map_err(DriveError::Forget)?;
            self.head(|held, at, bytes| held.compare(at, bytes))?;
        }
        let sizes = run.layout.sizes(self.reader.drive);
        let written = sizes.body + sizes.held;
        let needed = self.reader.job.plan.len().next_multiple_of(block);
        let verified = if run.verify { written } else { 0 };
        let head = HeadState::Written;
        Ok(DriveReport { written, skipped_free: needed - written, verified, head })
    }

    /// What lies behind the common part: without a head it is a second partition table at most, and
    /// one that nobody shall start from before it was read back.
    fn write_tail(&mut self) -> Result<(), DriveError> {
        let (job, run) = (self.reader.job, self.reader.run);
        let tail = || run.layout.tail(job.plan).flat_map(pieces);
        if tail().next().is_none() {
            return Ok(());
        }
        let mut buffer = Buffer::zeros(BUFFER);
        for piece in tail() {
            let bytes = part(buffer.used_mut(), &piece);
            own_bytes(job.plan, piece.start, bytes);
            self.put(piece.start, bytes)?;
        }
        job.storage.flush().map_err(DriveError::Flush)?;
        if run.verify {
            job.storage.forget_cached().map_err(DriveError::Forget)?;
            for piece in tail() {
                let bytes = part(buffer.used_mut(), &piece);
                own_bytes(job.plan, piece.start, bytes);
                self.compare(piece.start, bytes)?;
            }
        }
        Ok(())
    }

    /// Goes through the pieces of the head.
    fn head(
        &mut self,
        mut each: impl FnMut(&mut Self, u64, &[u8]) -> Result<(), DriveError>,
    ) -> Result<(), DriveError> {
        let (job, run, streamed) = (self.reader.job, self.reader.run, self.reader.streamed);
        for (at, bytes) in &streamed.head {
            each(self, *at, bytes)?;
        }
        let mut buffer = Buffer::zeros(BUFFER);
        for piece in run.layout.own_head(job.plan).flat_map(pieces) {
            let bytes = part(buffer.used_mut(), &piece);
            own_bytes(job.plan, piece.start, bytes);
            each(self, piece.start, bytes)?;
        }
        Ok(())
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> Result<(), DriveError> {
        let failed = |source| DriveError::Write { at, source };
        self.reader.job.storage.write_at(at, bytes).map_err(failed)?;
        self.advance(bytes);
        Ok(())
    }

    fn compare(&mut self, at: u64, bytes: &[u8]) -> Result<(), DriveError> {
        self.reader.compare(at, bytes, true)?;
        self.advance(bytes);
        Ok(())
    }

    /// Nobody stops it any more: what is half written would have to be taken back.
    fn advance(&mut self, bytes: &[u8]) {
        self.done += u64::try_from(bytes.len()).unwrap_or(0);
        self.reader.run.advance(self.reader.drive, Phase::Head, self.done);
    }
}
