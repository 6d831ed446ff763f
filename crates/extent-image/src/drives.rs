//! One plan written to several drives at once and read back from each.
//! [`write_drives`] says in which order.

mod error;
mod head;
mod layout;
mod stage;
mod verify;
mod wipe;
mod write;

use std::error::Error;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};

pub use error::{DriveError, EndedRun, FailedDrive, HeadState, JobError};

use crate::error::StreamError;
use crate::hashing::join;
use crate::plan::Plan;
use crate::report::Report;
use crate::storage::Storage;

/// A drive and the plan that is to be written to it.
#[derive(Clone, Copy)]
pub struct DriveJob<'a> {
    storage: &'a dyn Storage,
    plan: &'a Plan,
}

impl<'a> DriveJob<'a> {
    /// Writes `plan` to `storage`, which must hold at least as many bytes.
    pub fn new(storage: &'a dyn Storage, plan: &'a Plan) -> Self {
        Self { storage, plan }
    }

    /// The drive.
    pub fn storage(&self) -> &'a dyn Storage {
        self.storage
    }

    /// What is written to it.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }
}

/// What a caller may refuse to settle with.
pub type Unsettled = Box<dyn Error + Send + Sync>;

/// How drives are written. The default: one plan for all, 64 KiB held back, read back.
#[derive(Clone)]
#[must_use]
pub struct DriveOptions<'a> {
    body: Option<Range<u64>>,
    head: u64,
    verify: bool,
    source_digests: bool,
    settle: Option<&'a (dyn Fn() -> Result<(), Unsettled> + 'a)>,
    wiped: Option<&'a Wiped<'a>>,
}

/// What is done with the drive of the job with this index when it was wiped; true when it discarded
/// what the drive holds.
type Wiped<'a> = dyn Fn(usize) -> bool + Sync + 'a;

impl Default for DriveOptions<'_> {
    fn default() -> Self {
        let head = 64 * 1024;
        Self { body: None, head, verify: true, source_digests: false, settle: None, wiped: None }
    }
}

impl<'a> DriveOptions<'a> {
    /// The bytes that are the same in all plans, such as those of the volume, so that they are read
    /// once; by default the whole of the plans. They begin and end between extents and on multiples
    /// of the largest block size of the drives. The rest of a plan, which is written to its drive
    /// alone, holds no sources and nothing late.
    pub fn with_body(mut self, body: Range<u64>) -> Self {
        self.body = Some(body);
        self
    }

    /// The first bytes of every plan that are written last, rounded up to whole blocks; at most
    /// 16 MiB, by default 64 KiB. The partition table belongs in here, and where there is none, the
    /// first sectors of the volume. With 0 nothing is held back, and a drive that fails may look
    /// whole: its state is [`HeadState::MaybeNew`] then.
    pub fn with_head(mut self, len: u64) -> Self {
        self.head = len;
        self
    }

    /// Whether drives are read back and compared; on by default.
    pub fn with_verify(mut self, on: bool) -> Self {
        self.verify = on;
        self
    }

    /// As [`StreamOptions::with_source_digests`](crate::StreamOptions::with_source_digests). There is
    /// no digest of a drive: what is free on it is anything.
    pub fn with_source_digests(mut self, on: bool) -> Self {
        self.source_digests = on;
        self
    }

    /// Asks `settle` when everything but the heads has been written, before drives are read back. Its
    /// refusal is [`StreamError::Unsettled`].
    pub fn with_settle(mut self, settle: &'a (dyn Fn() -> Result<(), Unsettled> + 'a)) -> Self {
        self.settle = Some(settle);
        self
    }

    /// Calls `wiped` with the index of a job when the zeros over its drive are stored, on the thread of
    /// that drive: the system can be told there that the old partitions are gone, and the drive that
    /// nothing on it matters. True when it did the latter: then the zeros are written again, since
    /// what a drive gives back of what was discarded may be anything.
    pub fn with_wiped(mut self, wiped: &'a (dyn Fn(usize) -> bool + Sync + 'a)) -> Self {
        self.wiped = Some(wiped);
        self
    }
}

/// What is being done: with a drive by [`write_drives`], or in a [`Stage`](crate::Stage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// What is there is compared with what shall be there: a [`Stage`](crate::Stage) of whoever brings
    /// something up to date in place. [`write_drives`] compares nothing and never tells it.
    Compare,
    /// Zeros are written over what makes something of it.
    Wipe,
    /// All but what is held back is written.
    Write,
    /// That is read back. Left out without verifying.
    Verify,
    /// What was held back is written and, when verifying, read back: the head, and all that is behind
    /// the common part.
    Head,
}

/// Told before every phase of a drive, with 0 bytes done, and after every buffer of it, from several
/// threads at once.
///
/// Implemented for `()`, which does not care, and for closures of the same shape.
pub trait DriveProgress: Sync {
    /// `done` of `total` bytes of a phase have been written to, or read back from, the drive of the job
    /// with this index; [`Phase::Head`] counts both. [`ControlFlow::Break`] ends the run for all drives:
    ///
    /// - As the answer to 0 bytes of [`Phase::Wipe`], which all drives are asked about before the first
    ///   write, with [`StreamError::Cancelled`] and [`EndedRun::is_untouched`].
    /// - Until all drives are written, with [`StreamError::Cancelled`]. Zeros that were begun are
    ///   finished.
    /// - Later with [`DriveError::Cancelled`] for every drive whose head was not begun; a head that
    ///   was begun is finished.
    fn advance(&self, drive: usize, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        let _ = (drive, phase, done, total);
        ControlFlow::Continue(())
    }

    /// The bytes `place` of those that are counted in this phase of the drive are those of the file at
    /// `path`, as [`Progress::file`](crate::Progress::file) says. [`write_drives`] tells no files.
    fn file(&self, drive: usize, phase: Phase, path: &str, place: Range<u64>) {
        let _ = (drive, phase, path, place);
    }
}

impl DriveProgress for () {}

impl<F: Fn(usize, Phase, u64, u64) -> ControlFlow<()> + Sync> DriveProgress for F {
    fn advance(&self, drive: usize, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        self(drive, phase, done, total)
    }
}

/// What was done with one drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DriveReport {
    /// Bytes of the plan that were written, in whole blocks. The zeros that come before are not
    /// counted.
    pub written: u64,
    /// Bytes of free room of the plan that were left as they were.
    pub skipped_free: u64,
    /// Bytes that were read back and found right: `written`, or 0 without verifying.
    pub verified: u64,
    /// What is in the place of the head: [`HeadState::Written`].
    pub head: HeadState,
}

/// What was done with all drives of a run.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct DrivesReport {
    /// The stream: the length of the first plan, the bytes of the common part that were read and
    /// passed on, the digests of the sources. They are not whole when every drive has failed.
    pub report: Report,
    /// One for each job, in their order.
    pub drives: Vec<Result<DriveReport, FailedDrive>>,
}

impl DrivesReport {
    /// True when the run was cancelled before some drive was done.
    pub fn was_cancelled(&self) -> bool {
        let cancelled = |failed: &FailedDrive| matches!(failed.error, DriveError::Cancelled { .. });
        self.drives.iter().any(|drive| drive.as_ref().is_err_and(cancelled))
    }
}

/// Writes plans that are the same but for their ends to several drives at once, and reads the drives
/// back.
///
/// In this order:
///
/// 1. The jobs are checked against each other and their drives: [`JobError`], nothing written.
///    Progress is asked about every drive: still nothing written.
/// 2. Zeros go over the head of every drive and over its last MiB, flushed: old partition tables and
///    signatures are gone, and nobody mounts a drive that is half written. The caller may discard
///    what else is on it ([`with_wiped`](DriveOptions::with_wiped)), and the zeros are written again.
/// 3. The common part of the plans is read once and written to all drives, then what each plan has
///    for its drive alone before it. [`Free`](crate::Content::Free) room is skipped. Flushed. Held
///    back are the head and all that is behind the common part, as a second partition table is.
/// 4. The caller is asked whether the content that was read is proven
///    ([`with_settle`](DriveOptions::with_settle)).
/// 5. Each drive is read back past the memory of the system, where its [`Storage`] can, and compared
///    with what was written to it.
/// 6. What is behind the common part is written, flushed and read back.
/// 7. The head is written: first all of it but its first block, flushed, then the first block,
///    flushed, then it is read back too.
///
/// A drive that fails in steps 6 and 7 is wiped again where it can be, so that it does not look
/// whole: its first block first. [`HeadState`] tells what came of that.
///
/// Reading, hashing and writing overlap: each drive has a thread and a queue of a few buffers. All
/// drives go at the pace of the slowest, which is ahead of nobody and behind by no more than its
/// queue. A drive that fails leaves the group with its [`DriveError`], and the others go on. A drive
/// that never answers holds all others up; giving it up is the business of its [`Storage`].
///
/// A source that fails, a wrong digest, a refusal to settle and a cancelled stream end the whole run
/// with a [`StreamError`]. No drive has a new head then.
///
/// Memory is some ten buffers of 1 MiB whatever the number of drives, up to 2 MiB for each drive while
/// it is read back, the head, and 56 bytes for each MiB that is written.
///
/// Discarding, unmounting and telling the kernel of partitions are the caller's.
///
/// # Errors
/// What ends the run for all drives, with what it left them with: [`StreamError::Jobs`] before anything
/// is written, and every other [`StreamError`] but [`Write`](StreamError::Write). What is wrong with
/// one drive is in the report.
pub fn write_drives(
    jobs: &[DriveJob<'_>],
    options: &DriveOptions<'_>,
    progress: &dyn DriveProgress,
) -> Result<DrivesReport, EndedRun> {
    let refused = |error: JobError| EndedRun::not_begun(jobs.len(), error);
    let plan = jobs.first().ok_or(JobError::NoDrives).map_err(refused)?.plan;
    let layout = layout::Layout::new(jobs, plan, options).map_err(refused)?;
    let (verify, wiped, stop) = (options.verify, options.wiped, AtomicBool::new(false));
    let run = Run { jobs, layout, progress, verify, wiped, stop };
    // All are asked, so that all are told.
    for drive in 0..jobs.len() {
        run.advance(drive, Phase::Wipe, 0);
    }
    if run.is_stopped() {
        return Err(run.not_begun(StreamError::Cancelled { at: 0, total: plan.len() }));
    }
    let (report, streamed, written) = stage::stream(&run, plan, options)?;
    if let Some(settle) = options.settle
        && written.iter().any(Result::is_ok)
        && let Err(why) = settle()
    {
        return Err(EndedRun { error: StreamError::Unsettled(why), drives: written });
    }
    let drives = verify::finish(&run, plan, &streamed, written);
    Ok(DrivesReport { report, drives })
}

/// What all threads of a run look at.
struct Run<'a> {
    jobs: &'a [DriveJob<'a>],
    layout: layout::Layout,
    progress: &'a dyn DriveProgress,
    verify: bool,
    wiped: Option<&'a Wiped<'a>>,
    /// Set when progress asks to stop.
    stop: AtomicBool,
}

impl Run<'_> {
    /// Tells how far a drive is; true to stop.
    fn advance(&self, drive: usize, phase: Phase, done: u64) -> bool {
        let sizes = self.layout.sizes(drive);
        let total = match phase {
            Phase::Wipe => sizes.wiped,
            Phase::Write | Phase::Verify | Phase::Compare => sizes.body,
            Phase::Head => sizes.held * if self.verify { 2 } else { 1 },
        };
        if self.progress.advance(drive, phase, done, total).is_break() {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.is_stopped()
    }

    /// The end of a run that has written nothing yet.
    fn not_begun(&self, error: StreamError) -> EndedRun {
        EndedRun::not_begun(self.jobs.len(), error)
    }

    /// What a drive holds whose head was held back.
    fn zeroed(&self) -> HeadState {
        if self.layout.head == 0 { HeadState::MaybeNew } else { HeadState::Zeroed }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
