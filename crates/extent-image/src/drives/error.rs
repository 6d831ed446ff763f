//! What keeps drives from being written, one and all.

use std::error::Error;
use std::{fmt, io};

use crate::error::StreamError;

/// Jobs that no drives can be written with; nothing has been written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// There is no job.
    #[error("no drive was named; name at least one")]
    NoDrives,
    /// A drive's blocks do not divide 1 MiB.
    #[error("{drive} has blocks of {block} bytes; they must divide 1048576, as 512 and 4096 do")]
    BlockSize {
        /// The drive.
        drive: String,
        /// Bytes in one of its blocks.
        block: u32,
    },
    /// A drive is shorter than its plan, in whole blocks.
    #[error("{drive} has {len} bytes and its plan needs {needed}; use a larger drive")]
    TooSmall {
        /// The drive.
        drive: String,
        /// Bytes on it.
        len: u64,
        /// Bytes of the plan, in blocks of the largest block size of the run.
        needed: u64,
    },
    /// The head is longer than can be held in memory.
    #[error("a head of {len} bytes cannot be held back, {limit} are the most; hold back less")]
    HeadTooLong {
        /// Bytes to hold back.
        len: u64,
        /// The most that can be.
        limit: u64,
    },
    /// The common part begins or ends inside a block, or inside an extent of a plan.
    #[error(
        "the common part of the plans, bytes {start} to {end}, is cut at {at} in the plan of {drive}: \
         let it begin and end between extents and on multiples of {block}"
    )]
    Cut {
        /// The drive.
        drive: String,
        /// First byte of the common part.
        start: u64,
        /// Byte after it.
        end: u64,
        /// The end of it that does not fit.
        at: u64,
        /// The largest block size of the run.
        block: u32,
    },
    /// The common part is not the same in two plans.
    #[error(
        "the plans of {first} and {drive} differ at byte {at}, which should be the same in both; \
         plan the common part once"
    )]
    Unequal {
        /// The first drive.
        first: String,
        /// The drive whose plan differs from the first's.
        drive: String,
        /// Where the first extent begins that differs.
        at: u64,
    },
    /// Outside the common part a plan has content that would be read for one drive alone.
    #[error(
        "{role} at byte {at} of the plan of {drive} is read from a source, outside the common part; \
         only bytes, zeros and room may stand there"
    )]
    OwnSource {
        /// The drive.
        drive: String,
        /// What the extent is.
        role: &'static str,
        /// Where it begins.
        at: u64,
    },
}

/// What stands where the head of a drive belongs, and with it, whether anything starts from the drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HeadState {
    /// What stood there before: nothing was written to the drive.
    #[default]
    AsBefore,
    /// What stood there before, or zeros, or some of both: the drive failed while it was wiped, and
    /// may start a computer with what it held.
    MaybeOld,
    /// Zeros, which the drive has stored: no partition table, and nothing to start from.
    Zeroed,
    /// What belongs there, or zeros, or some of both: the drive failed while its head was written,
    /// and the zeros that should have taken the head back failed, too. It may look whole.
    MaybeNew,
    /// What belongs there.
    Written,
}

/// A drive that was left behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedDrive {
    /// Why.
    pub error: DriveError,
    /// What it was left with.
    pub head: HeadState,
}

/// What ended a run for all drives.
#[derive(Debug)]
#[non_exhaustive]
pub struct EndedRun {
    /// Why. Never [`StreamError::Write`].
    pub error: StreamError,
    /// What each drive was left with, in the order of the jobs; those that had failed before say why.
    pub drives: Vec<Result<HeadState, FailedDrive>>,
}

impl EndedRun {
    /// The end of a run of so many drives that has written nothing.
    pub(super) fn not_begun(drives: usize, error: impl Into<StreamError>) -> Self {
        let drives = (0..drives).map(|_| Ok(HeadState::AsBefore)).collect();
        Self { error: error.into(), drives }
    }

    /// True when nothing was written to any drive.
    pub fn is_untouched(&self) -> bool {
        let head = |drive: &Result<HeadState, FailedDrive>| match drive {
            Ok(head) | Err(FailedDrive { head, .. }) => *head,
        };
        self.drives.iter().all(|drive| head(drive) == HeadState::AsBefore)
    }
}

impl fmt::Display for FailedDrive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for FailedDrive {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl fmt::Display for EndedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for EndedRun {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Why one drive of several was left behind. [`FailedDrive`] tells what is on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The drive refused bytes.
    #[error("cannot write at byte {at} of the drive")]
    Write {
        /// Where the write began, on the drive.
        at: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The drive took bytes and could not bring them to the medium.
    #[error("the drive could not store what was written to it")]
    Flush(#[source] io::Error),
    /// Memory that stands for the drive could not be dropped, so reading back would prove nothing.
    #[error("cannot make the system forget what it has in memory of the drive")]
    Forget(#[source] io::Error),
    /// The drive could not be read back.
    #[error("cannot read back at byte {at} of the drive")]
    Read {
        /// Where the read began, on the drive.
        at: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The drive gave other bytes back than were written.
    #[error(
        "the drive gives back other bytes than were written to it, {} byte {at}{}; \
         do not use the drive: it is worn, counterfeit or badly connected",
        if *exact { "from" } else { "somewhere in the piece that begins at" },
        if *in_head { ", in the part that is written last" } else { "" }
    )]
    Differs {
        /// The first byte that differs, on the drive; the first of the piece, where `exact` is false.
        at: u64,
        /// Bytes from `at` to the end of the piece that was compared.
        len: u64,
        /// The index of the extent of the drive's plan that holds `at`.
        extent: usize,
        /// False when the sources could not be read again, or had changed, so that only the piece is
        /// known.
        exact: bool,
        /// True for a byte of what is held back, which had been written by then.
        in_head: bool,
    },
    /// [`DriveProgress`](crate::DriveProgress) asked to stop while the drive was read back, or before
    /// its head was begun.
    #[error("cancelled with {at} of {total} bytes of the drive read back")]
    Cancelled {
        /// Bytes that had been read back.
        at: u64,
        /// Bytes to read back.
        total: u64,
    },
    /// The thread for the drive could not be started.
    #[error("cannot start a thread for the drive")]
    Thread(#[source] io::Error),
}

impl DriveError {
    /// The drive that is left behind so.
    pub(super) fn leaving(self, head: HeadState) -> FailedDrive {
        FailedDrive { error: self, head }
    }
}

impl From<JobError> for StreamError {
    fn from(error: JobError) -> Self {
        Self::Jobs(Box::new(error))
    }
}
