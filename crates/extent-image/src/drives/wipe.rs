//! Zeros over what stood on a drive, and over a head that must not stay.

use super::error::{DriveError, HeadState};
use super::layout::pieces;
use super::write::{BUFFER, part_of};
use super::{Phase, Run};
use crate::buffer::Buffer;

/// Makes the drive one on which nothing is found: once as it is, and once more where the caller
/// discarded what was on it, since a drive may give anything back then.
pub(super) fn wipe(run: &Run<'_>, drive: usize, zeros: &Buffer) -> Result<(), DriveError> {
    write(run, drive, zeros, true)?;
    if run.wiped.is_some_and(|wiped| wiped(drive)) {
        write(run, drive, zeros, false)?;
    }
    Ok(())
}

fn write(run: &Run<'_>, drive: usize, zeros: &Buffer, told: bool) -> Result<(), DriveError> {
    let Some(job) = run.jobs.get(drive) else { return Ok(()) };
    let mut done = 0;
    for piece in run.layout.wiped(job.storage).into_iter().flat_map(pieces) {
        let failed = |source| DriveError::Write { at: piece.start, source };
        job.storage.write_at(piece.start, part_of(zeros.used(), &piece)).map_err(failed)?;
        done += piece.end - piece.start;
        if told {
            // Too short to be left half done.
            run.advance(drive, Phase::Wipe, done);
        }
    }
    job.storage.flush().map_err(DriveError::Flush)
}

/// Takes back what was held back, once it was begun and the drive failed: first block 0, without
/// which the rest is found by nobody, then all of it. Tried once; what the drive holds then.
pub(super) fn erase(run: &Run<'_>, drive: usize) -> HeadState {
    let Some(job) = run.jobs.get(drive) else { return HeadState::MaybeNew };
    let zeros = Buffer::zeros(BUFFER);
    let head = run.layout.head.min(job.storage.len());
    let first = 0..run.layout.block.min(head);
    let erase = |range: std::ops::Range<u64>| {
        let write = |piece: std::ops::Range<u64>| {
            job.storage.write_at(piece.start, part_of(zeros.used(), &piece))
        };
        pieces(range).try_for_each(write)
    };
    let erased = erase(first.clone()).and_then(|()| job.storage.flush()).and_then(|()| {
        erase(first.end..head)?;
        run.layout.tail(job.plan).try_for_each(erase)?;
        job.storage.flush()
    });
    if erased.is_ok() { run.zeroed() } else { HeadState::MaybeNew }
}
