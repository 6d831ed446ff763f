//! The one reading of the common part: sources into buffers, buffers to the hashers and all drives.

use std::collections::HashMap;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use bytes::Bytes;

use super::error::{DriveError, EndedRun, FailedDrive, HeadState};
use super::layout::{Layout, PIECE, SMALLEST_SKIP};
use super::write::{BUFFER, Message, Piece, Writer};
use super::{DriveOptions, Run, join};
use crate::buffer::Filling;
use crate::digest::Digest;
use crate::error::StreamError;
use crate::feed::{Feed, digest_missing, make_late};
use crate::hashing::Hashing;
use crate::plan::{Content, Plan};
use crate::report::{Report, StreamOptions};
use crate::source::Source;

/// Pieces that may wait for each drive, and for the thread that digests them.
const QUEUE: usize = 3;

/// What reading back must know of the common part.
#[derive(Default)]
pub(super) struct Streamed {
    /// The pieces that were written, in order.
    pub(super) records: Vec<Record>,
    /// The pieces that belong to the head, in order.
    pub(super) head: Vec<(u64, Box<[u8]>)>,
    /// Late content by the index of its extent in the first plan.
    pub(super) late: HashMap<usize, Bytes>,
}

/// A piece that was written.
pub(super) struct Record {
    pub(super) at: u64,
    pub(super) len: u64,
    /// None for zeros.
    pub(super) digest: Option<Digest>,
}

/// Why a stream ends early.
enum Halt {
    Failed(StreamError),
    /// Every drive has failed.
    Alone,
}

impl From<StreamError> for Halt {
    fn from(error: StreamError) -> Self {
        Self::Failed(error)
    }
}

/// What became of each drive.
pub(super) type Outcomes = Vec<Result<HeadState, FailedDrive>>;

/// Writes all drives but what is held back.
pub(super) fn stream(
    run: &Run<'_>,
    plan: &Plan,
    options: &DriveOptions<'_>,
) -> Result<(Report, Streamed, Outcomes), EndedRun> {
    std::thread::scope(|scope| {
        let digests = StreamOptions::default().with_source_digests(options.source_digests);
        let not_begun = |error| run.not_begun(error);
        let hashing = Hashing::start(scope, &digests, plan.has_late()).map_err(not_begun)?;
        let records = run.verify.then(|| Recording::start(scope)).transpose().map_err(not_begun)?;
        let mut queues = Vec::new();
        let mut threads = Vec::new();
        for drive in 0..run.jobs.len() {
            let (sender, receiver) = sync_channel(QUEUE);
            queues.push(Some(sender));
            let thread = Builder::new().name(format!("drive {drive}"));
            let write = move || Writer::new(run, drive).run(&receiver);
            threads.push(thread.spawn_scoped(scope, write));
        }
        let (filling, streamed) = (Filling::new(BUFFER), Streamed::default());
        let (at, passed) = (0, 0);
        let mut stage =
            Stage { run, plan, hashing, records, queues, filling, at, passed, streamed };
        let outcome = stage.run();
        let Stage { hashing, records, queues, at, passed, mut streamed, .. } = stage;
        if outcome.is_ok() {
            for queue in queues.iter().flatten() {
                let _ = queue.send(Message::End);
            }
        }
        drop(queues);
        let drives: Outcomes = threads
            .into_iter()
            .map(|thread| {
                let failed = |error| DriveError::Thread(error).leaving(HeadState::AsBefore);
                thread.map_err(failed).and_then(join)
            })
            .collect();
        streamed.records = records.map(Recording::finish).unwrap_or_default();
        let mut report = Report { len: plan.len(), written: passed, ..Report::default() };
        // A wrong digest is the cause, stopping early its effect.
        let ended = match (hashing.finish(&mut report), outcome) {
            (Err(error), _) | (Ok(()), Err(Halt::Failed(error))) => Some(error),
            (Ok(()), _) => run.is_stopped().then(|| cancelled(at, plan)),
        };
        match ended {
            Some(error) => Err(EndedRun { error, drives }),
            None => Ok((report, streamed, drives)),
        }
    })
}

/// The last block of a plan may reach past its end.
fn cancelled(at: u64, plan: &Plan) -> StreamError {
    let total = plan.len();
    StreamError::Cancelled { at: at.min(total), total }
}

struct Stage<'a, 'scope> {
    run: &'a Run<'a>,
    plan: &'a Plan,
    hashing: Hashing<'scope>,
    records: Option<Recording<'scope>>,
    /// None for drives that have failed.
    queues: Vec<Option<SyncSender<Message>>>,
    filling: Filling,
    /// Where the buffer begins in the plan, in whole blocks.
    at: u64,
    /// Bytes read or made, and zeros.
    passed: u64,
    streamed: Streamed,
}

impl Stage<'_, '_> {
    fn run(&mut self) -> Result<(), Halt> {
        for run in self.layout().body_runs(self.plan) {
            self.at = run.start;
            self.stage(run)?;
        }
        Ok(())
    }

    fn layout(&self) -> &Layout {
        &self.run.layout
    }

    /// Where the next byte goes.
    fn position(&self) -> u64 {
        self.at + u64::try_from(self.filling.len()).unwrap_or(0)
    }

    fn stage(&mut self, run: Range<u64>) -> Result<(), Halt> {
        let plan = self.plan;
        let first = plan.extent_at(run.start);
        for (index, extent) in plan.extents().iter().enumerate().skip(first) {
            let at = self.position();
            if at == run.end {
                break;
            }
            // Only free room is cut by the ends of runs.
            let len = extent.end().min(run.end) - at;
            match extent.content() {
                Content::Bytes(bytes) => self.copy(bytes)?,
                Content::Source(source, from) => self.feed(source, *from, len)?,
                Content::Late(late) => {
                    // A copy, since only whole blocks can go to the drives.
                    self.hashing.bytes(&self.filling.split_notes());
                    let mut digests = self.hashing.so_far();
                    digest_missing(plan, &mut digests)?;
                    let bytes = make_late(late, &digests)?;
                    self.copy(&bytes)?;
                    self.streamed.late.insert(index, bytes);
                }
                Content::Zero | Content::Free => self.zeros(len)?,
            }
        }
        // The last block of a plan.
        self.fill(run.end - self.position())?;
        self.flush()
    }

    fn copy(&mut self, mut bytes: &[u8]) -> Result<(), Halt> {
        while !bytes.is_empty() {
            // Writing into a slice takes what fits and cannot fail.
            let count = self.room()?.write(bytes).unwrap_or(0);
            self.filling.filled(count);
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    fn feed(&mut self, source: &Arc<dyn Source>, from: u64, len: u64) -> Result<(), Halt> {
        let mut feed = Feed::open(&**source, from, from + len)?;
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

    fn zeros(&mut self, len: u64) -> Result<(), Halt> {
        let (at, block, head) = (self.position(), self.layout().block, self.layout().head);
        let end = at + len;
        let first = at.max(head).next_multiple_of(block);
        let last = end - end % block;
        if last.saturating_sub(first) < SMALLEST_SKIP {
            return self.fill(len);
        }
        self.fill(first - at)?;
        self.flush()?;
        let len = last - first;
        self.pass(&Piece::Zeros { at: first, len }, len)?;
        self.at = last;
        self.fill(end - last)
    }

    /// Zeros into the buffer.
    fn fill(&mut self, len: u64) -> Result<(), Halt> {
        let mut left = len;
        while left > 0 {
            let room = self.room()?;
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
            room.iter_mut().take(step).for_each(|byte| *byte = 0);
            self.filling.filled(step);
            left -= u64::try_from(step).unwrap_or(left);
        }
        Ok(())
    }

    /// The free part of the buffer, never empty: pieces end where the head does, and on multiples of
    /// their greatest length.
    fn room(&mut self) -> Result<&mut [u8], Halt> {
        let left = |stage: &Self| {
            let at = stage.position();
            // What is in the buffer may end on a multiple; an empty one begins the next.
            let next = (stage.at - stage.at % PIECE).saturating_add(PIECE);
            let head = stage.layout().head;
            let end = if stage.at < head { next.min(head) } else { next };
            usize::try_from(end - at).unwrap_or(0)
        };
        if left(self) == 0 {
            self.flush()?;
        }
        let left = left(self);
        let room = self.filling.room();
        let len = room.len().min(left);
        Ok(room.get_mut(..len).unwrap_or_default())
    }

    /// Hands the buffer on, which holds whole blocks.
    fn flush(&mut self) -> Result<(), Halt> {
        if self.filling.len() == 0 {
            return Ok(());
        }
        let at = self.at;
        let buffer = Arc::clone(self.filling.buffer());
        self.at = self.position();
        self.hashing.bytes(&buffer);
        if at < self.layout().head {
            self.streamed.head.push((at, buffer.used().into()));
            drop(buffer);
            self.passed += self.at - at;
        } else {
            self.pass(&Piece::Bytes { at, buffer }, self.at - at)?;
        }
        self.filling.renew();
        Ok(())
    }

    /// Hands a piece to all drives that are left.
    fn pass(&mut self, piece: &Piece, len: u64) -> Result<(), Halt> {
        if let Some(records) = &self.records {
            records.add(piece);
        }
        for queue in &mut self.queues {
            // A drive that has failed no longer takes anything.
            queue.take_if(|queue| queue.send(Message::Piece(piece.clone())).is_err());
        }
        self.passed += len;
        if self.hashing.failed() || self.run.is_stopped() {
            return Err(cancelled(self.at, self.plan).into());
        }
        match self.queues.iter().all(Option::is_none) {
            true => Err(Halt::Alone),
            false => Ok(()),
        }
    }
}

/// The digests of pieces, made on a thread of their own.
struct Recording<'scope> {
    queue: SyncSender<Piece>,
    thread: ScopedJoinHandle<'scope, Vec<Record>>,
}

impl<'scope> Recording<'scope> {
    fn start<'env>(scope: &'scope Scope<'scope, 'env>) -> Result<Self, StreamError> {
        let (queue, pieces) = sync_channel(QUEUE);
        let thread = Builder::new()
            .name("piece digests".to_owned())
            .spawn_scoped(scope, move || record(&pieces))
            .map_err(StreamError::Thread)?;
        Ok(Self { queue, thread })
    }

    fn add(&self, piece: &Piece) {
        // This can only fail when the thread has panicked; `finish` passes that on.
        let _ = self.queue.send(piece.clone());
    }

    fn finish(self) -> Vec<Record> {
        drop(self.queue);
        join(self.thread)
    }
}

fn record(pieces: &Receiver<Piece>) -> Vec<Record> {
    let record = |piece| match piece {
        Piece::Zeros { at, len } => Record { at, len, digest: None },
        Piece::Bytes { at, buffer } => {
            let bytes = buffer.used();
            let len = u64::try_from(bytes.len()).unwrap_or(0);
            Record { at, len, digest: Some(Digest::of(bytes)) }
        }
    };
    pieces.iter().map(record).collect()
}
