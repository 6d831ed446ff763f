//! What is written to a drive and what is not, and whether jobs go together.

use std::ops::Range;

use super::error::JobError;
use super::{DriveJob, DriveOptions};
use crate::plan::{Content, Extent, Plan};
use crate::storage::Storage;

/// Bytes in a write, and in a read back. Drives reach their speed with less; erase blocks of sticks
/// are a few of these.
pub(super) const PIECE: u64 = 1024 * 1024;
/// Room from this length on is skipped, and as many zeros need no buffer of their own; less costs as
/// much time as writing it.
pub(super) const SMALLEST_SKIP: u64 = 64 * 1024;
/// The longest head.
const LONGEST_HEAD: u64 = 16 * 1024 * 1024;

/// The parts of the plans of one run, checked.
pub(super) struct Layout {
    /// The largest block size: everything begins and ends on its multiples.
    pub(super) block: u64,
    /// The part that is the same in all plans; its end is in whole blocks, or the end of the plans.
    pub(super) body: Range<u64>,
    /// Bytes held back at the beginning, in whole blocks.
    pub(super) head: u64,
    /// What is written to each drive.
    sizes: Vec<Sizes>,
}

/// Bytes that are written to a drive, in whole blocks.
#[derive(Clone, Copy, Default)]
pub(super) struct Sizes {
    /// Zeros over what stood there before.
    pub(super) wiped: u64,
    /// What is written at once.
    pub(super) body: u64,
    /// What is held back: the head, and what is behind the common part.
    pub(super) held: u64,
}

impl Layout {
    /// `plan` is that of the first job.
    pub(super) fn new(
        jobs: &[DriveJob<'_>],
        plan: &Plan,
        options: &DriveOptions<'_>,
    ) -> Result<Self, JobError> {
        let block = largest_block(jobs)?;
        if options.head > LONGEST_HEAD {
            return Err(JobError::HeadTooLong { len: options.head, limit: LONGEST_HEAD });
        }
        let head = options.head.next_multiple_of(block);
        let body = options.body.clone().unwrap_or(0..plan.len());
        let mut layout = Self { block, body, head, sizes: Vec::new() };
        for job in jobs {
            layout.check(job, jobs)?;
            let sizes = layout.sizes_of(job);
            layout.sizes.push(sizes);
        }
        Ok(layout)
    }

    /// Bytes that are written to a drive.
    pub(super) fn sizes(&self, drive: usize) -> Sizes {
        self.sizes.get(drive).copied().unwrap_or_default()
    }

    fn sizes_of(&self, job: &DriveJob<'_>) -> Sizes {
        let len = |run: Range<u64>| run.end - run.start;
        let in_head = |run: Range<u64>| run.end.min(self.head) - run.start.min(self.head);
        let body: u64 = self.body_runs(job.plan).map(len).sum();
        let body_head: u64 = self.body_runs(job.plan).map(in_head).sum();
        let own: u64 = self.own_runs(job.plan).map(len).sum();
        let held: u64 = self.own_head(job.plan).chain(self.tail(job.plan)).map(len).sum();
        let wiped = self.wiped(job.storage).into_iter().map(len).sum();
        Sizes { wiped, body: body - body_head + own, held: body_head + held }
    }

    /// What is zeroed before anything else: the head and the last MiB of a drive.
    pub(super) fn wiped(&self, storage: &dyn Storage) -> [Range<u64>; 2] {
        let (len, block) = (storage.len(), u64::from(storage.block_size()));
        let tail = len.saturating_sub(PIECE).next_multiple_of(block).min(len);
        [0..self.head.min(len), tail..len]
    }

    /// What is written of the part that all plans have. Not cut at the head, so that each source is
    /// opened once.
    pub(super) fn body_runs<'p>(&self, plan: &'p Plan) -> Runs<'p> {
        self.runs(plan, self.body.clone())
    }

    /// What is written for one drive alone between its head and the common part.
    pub(super) fn own_runs<'p>(&self, plan: &'p Plan) -> Runs<'p> {
        self.runs(plan, self.head..self.body.start)
    }

    /// What is written behind the common part, which may be a second partition table, so that it is
    /// held back with the head.
    pub(super) fn tail<'p>(&self, plan: &'p Plan) -> Runs<'p> {
        self.runs(plan, self.body.end.max(self.head)..plan.len())
    }

    /// What is written of the head for one drive alone.
    pub(super) fn own_head<'p>(
        &self,
        plan: &'p Plan,
    ) -> impl Iterator<Item = Range<u64>> + use<'p> {
        let (before, behind) = self.own(plan);
        let head = |part: Range<u64>| self.runs(plan, part.start..part.end.min(self.head));
        head(before).chain(head(behind))
    }

    fn own(&self, plan: &Plan) -> (Range<u64>, Range<u64>) {
        (0..self.body.start, self.body.end..plan.len())
    }

    fn runs<'p>(&self, plan: &'p Plan, range: Range<u64>) -> Runs<'p> {
        let extents = plan.extents().get(plan.extent_at(range.start)..).unwrap_or_default();
        Runs { extents, at: range.start, limit: range.end, block: self.block }
    }

    fn check(&self, job: &DriveJob<'_>, jobs: &[DriveJob<'_>]) -> Result<(), JobError> {
        let drive = || job.storage.describe();
        let first = jobs.first().unwrap_or(job);
        let (plan, len) = (job.plan, job.storage.len());
        let needed = plan.len().checked_next_multiple_of(self.block).unwrap_or(u64::MAX);
        if needed > len {
            return Err(JobError::TooSmall { drive: drive(), len, needed });
        }
        let Range { start, end } = self.body;
        for at in [start, end] {
            let index = plan.extent_at(at);
            let begins = plan.extents().get(index).map_or(plan.len(), Extent::start) == at;
            let whole = at.is_multiple_of(self.block) || (at == end && at == plan.len());
            if !begins || !whole || start > end {
                let block = u32::try_from(self.block).unwrap_or(u32::MAX);
                return Err(JobError::Cut { drive: drive(), start, end, at, block });
            }
        }
        let body = |plan: &Plan| plan.extent_at(start)..plan.extent_at(end);
        let own = plan.extents().get(body(plan)).unwrap_or_default();
        let other = first.plan.extents().get(body(first.plan)).unwrap_or_default();
        let same = own.iter().zip(other).take_while(|(own, other)| own == other).count();
        if same < own.len().max(other.len()) {
            let at = own.get(same).or(other.get(same)).map_or(end, Extent::start);
            let first = first.storage.describe();
            return Err(JobError::Unequal { first, drive: drive(), at });
        }
        let outside = |extent: &&Extent| extent.end() <= start || extent.start() >= end;
        let read =
            |extent: &&Extent| matches!(extent.content(), Content::Source(..) | Content::Late(_));
        match plan.extents().iter().filter(outside).find(read) {
            Some(extent) => {
                Err(JobError::OwnSource { drive: drive(), role: extent.role(), at: extent.start() })
            }
            None => Ok(()),
        }
    }
}

fn largest_block(jobs: &[DriveJob<'_>]) -> Result<u64, JobError> {
    let mut largest = 1;
    for job in jobs {
        let block = job.storage.block_size();
        // What divides 1 MiB is a power of two, so that all of them divide the largest.
        if block == 0 || !PIECE.is_multiple_of(u64::from(block)) {
            return Err(JobError::BlockSize { drive: job.storage.describe(), block });
        }
        largest = largest.max(u64::from(block));
    }
    Ok(largest)
}

/// The ranges of a part of a plan that are written, in whole blocks: all but long free room.
pub(super) struct Runs<'p> {
    extents: &'p [Extent],
    at: u64,
    limit: u64,
    block: u64,
}

impl Runs<'_> {
    /// The next room that is skipped; what follows the limit when there is none.
    fn skipped(&mut self) -> Range<u64> {
        let free = |extent: &Extent| matches!(extent.content(), Content::Free);
        while let Some((extent, rest)) = self.extents.split_first() {
            if extent.start() >= self.limit {
                break;
            }
            self.extents = rest;
            if !free(extent) {
                continue;
            }
            let mut end = extent.end();
            while let Some((next, rest)) = self.extents.split_first().filter(|(next, _)| free(next))
            {
                (end, self.extents) = (next.end(), rest);
            }
            let start = extent.start().max(self.at).next_multiple_of(self.block);
            let end = end.min(self.limit);
            let end = end - end % self.block;
            if end.saturating_sub(start) >= SMALLEST_SKIP {
                return start..end;
            }
        }
        // Limits are in whole blocks but for the end of a plan, which fits its drive in whole blocks.
        let end = self.limit.next_multiple_of(self.block);
        end..end
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        while self.at < self.limit {
            let skipped = self.skipped();
            let run = self.at..skipped.start;
            self.at = skipped.end;
            if !run.is_empty() {
                return Some(run);
            }
        }
        None
    }
}

/// Cuts a run into pieces that end on multiples of [`PIECE`].
pub(super) fn pieces(run: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = run.start;
    std::iter::from_fn(move || {
        let piece = at..(at - at % PIECE).saturating_add(PIECE).min(run.end);
        at = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Bytes of a part of a plan that reads no source; past the end of the plan, zeros.
pub(super) fn own_bytes(plan: &Plan, at: u64, buf: &mut [u8]) {
    buf.fill(0);
    let end = at.saturating_add(u64::try_from(buf.len()).unwrap_or(u64::MAX));
    let extents = plan.extents().get(plan.extent_at(at)..).unwrap_or_default();
    for extent in extents.iter().take_while(|extent| extent.start() < end) {
        let Content::Bytes(bytes) = extent.content() else { continue };
        let (from, to) = (extent.start().max(at), extent.end().min(end));
        let part = |start: u64| Some(place(from, start)?..place(to, start)?);
        let source = part(extent.start()).and_then(|range| bytes.get(range));
        let target = part(at).and_then(|range| buf.get_mut(range));
        if let (Some(source), Some(target)) = (source, target) {
            target.copy_from_slice(source);
        }
    }
}

fn place(at: u64, start: u64) -> Option<usize> {
    usize::try_from(at.checked_sub(start)?).ok()
}
