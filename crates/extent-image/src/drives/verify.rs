//! Reading drives back.

use std::collections::HashMap;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::thread::Builder;

use super::error::{DriveError, FailedDrive, HeadState};
use super::layout::{own_bytes, pieces};
use super::stage::{Outcomes, Streamed};
use super::write::{BUFFER, part};
use super::{DriveJob, DriveReport, Phase, Run, head, join};
use crate::buffer::Buffer;
use crate::digest::Digest;
use crate::plan::Plan;

/// As much is read again at a time: a slow source keeps nobody from leaving.
const STEP: usize = 64 * 1024;

/// Reads back all drives that were written, and writes their heads.
pub(super) fn finish(
    run: &Run<'_>,
    plan: &Plan,
    streamed: &Streamed,
    written: Outcomes,
) -> Vec<Result<DriveReport, FailedDrive>> {
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (drive, (job, written)) in run.jobs.iter().zip(written).enumerate() {
            let finish = move || finish_one(run, plan, streamed, drive, *job);
            let thread = Builder::new().name(format!("drive {drive}"));
            let start = |head: HeadState| {
                thread
                    .spawn_scoped(scope, finish)
                    .map_err(|error| DriveError::Thread(error).leaving(head))
            };
            threads.push(written.and_then(start));
        }
        threads.into_iter().map(|thread| thread.and_then(join)).collect()
    })
}

fn finish_one(
    run: &Run<'_>,
    plan: &Plan,
    streamed: &Streamed,
    drive: usize,
    job: DriveJob<'_>,
) -> Result<DriveReport, FailedDrive> {
    let buffer = Buffer::zeros(BUFFER);
    let mut reader = Reader { run, drive, job, plan, streamed, buffer, done: 0 };
    if run.verify {
        reader.read_back().map_err(|error| error.leaving(run.zeroed()))?;
    }
    head::write(&mut reader)
}

/// A drive whose body was written.
pub(super) struct Reader<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) drive: usize,
    pub(super) job: DriveJob<'a>,
    /// The first plan, whose common part was read.
    plan: &'a Plan,
    pub(super) streamed: &'a Streamed,
    buffer: Buffer,
    /// Bytes read back so far.
    done: u64,
}

impl Reader<'_> {
    /// Compares everything but what is held back.
    fn read_back(&mut self) -> Result<(), DriveError> {
        self.advance(0)?;
        self.job.storage.forget_cached().map_err(DriveError::Forget)?;
        for record in &self.streamed.records {
            for piece in pieces(record.at..record.at + record.len) {
                let bytes = read(&self.job, &mut self.buffer, &piece)?;
                let first = match record.digest {
                    Some(digest) if Digest::of(bytes) == digest => None,
                    Some(digest) => Some(self.first_difference(&piece, &digest)),
                    None => bytes.iter().position(|byte| *byte != 0).map(Some),
                };
                if let Some(first) = first {
                    let at = first.and_then(|first| u64::try_from(first).ok()).unwrap_or(0);
                    return Err(self.differs(piece.start + at, piece.end, first.is_some(), false));
                }
                self.advance(piece.end - piece.start)?;
            }
        }
        let mut expected = vec![0; BUFFER];
        for piece in self.run.layout.own_runs(self.job.plan).flat_map(pieces) {
            let expected = part(&mut expected, &piece);
            own_bytes(self.job.plan, piece.start, expected);
            self.compare(piece.start, expected, false)?;
            self.advance(piece.end - piece.start)?;
        }
        Ok(())
    }

    pub(super) fn compare(
        &mut self,
        at: u64,
        expected: &[u8],
        in_head: bool,
    ) -> Result<(), DriveError> {
        let end = at + u64::try_from(expected.len()).unwrap_or(0);
        let bytes = read(&self.job, &mut self.buffer, &(at..end))?;
        match difference(bytes, expected) {
            Some(first) => Err(self.differs(at + first, end, true, in_head)),
            None => Ok(()),
        }
    }

    fn advance(&mut self, by: u64) -> Result<(), DriveError> {
        self.done += by;
        match self.run.advance(self.drive, Phase::Verify, self.done) {
            true => Err(self.cancelled()),
            false => Ok(()),
        }
    }

    pub(super) fn cancelled(&self) -> DriveError {
        let total = self.run.layout.sizes(self.drive).body;
        DriveError::Cancelled { at: self.done, total }
    }

    /// The first byte of what was read back that is not what was written, by reading the sources
    /// again. None when they cannot be read, or give something else now, or nobody wants to know any
    /// more.
    fn first_difference(&self, piece: &Range<u64>, digest: &Digest) -> Option<usize> {
        let len = usize::try_from(piece.end - piece.start).ok()?;
        let mut planned = vec![0; len];
        let mut reader = self.plan.reader_with(HashMap::clone(&self.streamed.late));
        reader.seek(SeekFrom::Start(piece.start)).ok()?;
        let mut at = 0;
        while at < len && !self.run.is_stopped() {
            let end = len.min(at + STEP);
            match reader.read(planned.get_mut(at..end)?) {
                // The plan may end before its last block does.
                Ok(0) => break,
                Ok(count) => at += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        if Digest::of(&planned) != *digest {
            return None;
        }
        let found = self.buffer.used().get(..len)?;
        found.iter().zip(&planned).position(|(found, planned)| found != planned)
    }

    fn differs(&self, at: u64, end: u64, exact: bool, in_head: bool) -> DriveError {
        let extent = self.job.plan.extent_at(at);
        DriveError::Differs { at, len: end - at, extent, exact, in_head }
    }
}

fn read<'b>(
    job: &DriveJob<'_>,
    buffer: &'b mut Buffer,
    piece: &Range<u64>,
) -> Result<&'b [u8], DriveError> {
    let bytes = part(buffer.used_mut(), piece);
    let failed = |source| DriveError::Read { at: piece.start, source };
    job.storage.read_at(piece.start, bytes).map_err(failed)?;
    Ok(bytes)
}

fn difference(a: &[u8], b: &[u8]) -> Option<u64> {
    if a == b {
        return None;
    }
    let first = a.iter().zip(b).position(|(a, b)| a != b)?;
    u64::try_from(first).ok()
}
