//! The body of one drive being written, on a thread of its own.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::error::{DriveError, FailedDrive, HeadState};
use super::layout::{own_bytes, pieces};
use super::wipe::wipe;
use super::{Phase, Run};
use crate::buffer::Buffer;

/// Bytes on their way to all drives.
#[derive(Clone)]
pub(super) enum Piece {
    /// As many as are in use.
    Bytes {
        at: u64,
        buffer: Arc<Buffer>,
    },
    Zeros {
        at: u64,
        len: u64,
    },
}

/// What the stream tells a drive. A queue that ends without [`End`](Self::End) is a run that failed.
pub(super) enum Message {
    Piece(Piece),
    End,
}

/// The state of a drive that is being written.
pub(super) struct Writer<'a> {
    run: &'a Run<'a>,
    drive: usize,
    zeros: Buffer,
    /// Bytes written so far.
    done: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(run: &'a Run<'a>, drive: usize) -> Self {
        Self { run, drive, zeros: Buffer::zeros(BUFFER), done: 0 }
    }

    /// Writes everything but what is held back. Comes back early when the run was stopped; a drive
    /// that was not begun by then stays as it was.
    pub(super) fn run(mut self, queue: &Receiver<Message>) -> Result<HeadState, FailedDrive> {
        if self.run.is_stopped() {
            return Ok(HeadState::AsBefore);
        }
        wipe(self.run, self.drive, &self.zeros)
            .map_err(|error| error.leaving(HeadState::MaybeOld))?;
        self.body(queue).map_err(|error| error.leaving(self.run.zeroed()))?;
        Ok(self.run.zeroed())
    }

    fn body(&mut self, queue: &Receiver<Message>) -> Result<(), DriveError> {
        let Some(job) = self.run.jobs.get(self.drive) else { return Ok(()) };
        if self.run.advance(self.drive, Phase::Write, 0) {
            return Ok(());
        }
        loop {
            match queue.recv() {
                Ok(Message::Piece(Piece::Bytes { at, buffer })) => {
                    self.write(at, buffer.used())?;
                }
                Ok(Message::Piece(Piece::Zeros { at, len })) => self.write_zeros(at..at + len)?,
                Ok(Message::End) => break,
                Err(_) => return Ok(()),
            }
            if self.run.is_stopped() {
                return Ok(());
            }
        }
        let mut buffer = Buffer::zeros(BUFFER);
        for piece in self.run.layout.own_runs(job.plan).flat_map(pieces) {
            let bytes = part(buffer.used_mut(), &piece);
            own_bytes(job.plan, piece.start, bytes);
            self.write(piece.start, bytes)?;
        }
        job.storage.flush().map_err(DriveError::Flush)
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), DriveError> {
        let Some(job) = self.run.jobs.get(self.drive) else { return Ok(()) };
        job.storage.write_at(at, bytes).map_err(|source| DriveError::Write { at, source })?;
        self.done += u64::try_from(bytes.len()).unwrap_or(0);
        self.run.advance(self.drive, Phase::Write, self.done);
        Ok(())
    }

    fn write_zeros(&mut self, range: Range<u64>) -> Result<(), DriveError> {
        let Some(job) = self.run.jobs.get(self.drive) else { return Ok(()) };
        for piece in pieces(range) {
            let (at, zeros) = (piece.start, part_of(self.zeros.used(), &piece));
            job.storage.write_at(at, zeros).map_err(|source| DriveError::Write { at, source })?;
            self.done += piece.end - piece.start;
            if self.run.advance(self.drive, Phase::Write, self.done) {
                break;
            }
        }
        Ok(())
    }
}

/// A buffer for a piece.
pub(super) const BUFFER: usize = 1024 * 1024;

/// As much of a buffer as a piece is long.
pub(super) fn part<'b>(buffer: &'b mut [u8], piece: &Range<u64>) -> &'b mut [u8] {
    let len = usize::try_from(piece.end - piece.start).unwrap_or(usize::MAX);
    buffer.get_mut(..len).unwrap_or_default()
}

pub(super) fn part_of<'b>(buffer: &'b [u8], piece: &Range<u64>) -> &'b [u8] {
    let len = usize::try_from(piece.end - piece.start).unwrap_or(usize::MAX);
    buffer.get(..len).unwrap_or_default()
}
