//! Files of the tree held against files of the volume, byte by byte.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use extent_image::{Data, Digests, Progress, Source, WholeSource};

use crate::units::len64;

use super::disk::Disk;
use super::error::{Left, UpdateError};
use super::layout::Layout;

/// Bytes compared at once.
const PIECE: usize = 1 << 20;

/// Compares, and keeps the digests of what it has read whole.
pub(super) struct Comparer<'p> {
    pub(super) digests: Digests,
    progress: &'p mut dyn Progress,
    done: u64,
    total: u64,
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

impl<'p> Comparer<'p> {
    /// `total` bytes are to be compared.
    pub(super) fn new(progress: &'p mut dyn Progress, total: u64) -> Self {
        let digests = Digests::default();
        Self { digests, progress, done: 0, total, ours: Vec::new(), theirs: Vec::new() }
    }

    /// What is compared next.
    pub(super) fn file(&mut self, path: &str, len: u64) {
        self.progress.file(path, self.done..self.done.saturating_add(len));
    }

    /// True when the clusters hold these bytes, which are as many as the file has.
    pub(super) fn is_equal(
        &mut self,
        disk: &Disk<'_>,
        layout: &Layout,
        runs: &[Range<u32>],
        data: &Data,
    ) -> Result<bool, UpdateError> {
        let end = self.done.saturating_add(data.len());
        let equal = match data {
            Data::Source(source) => self.source(disk, layout, runs, source)?,
            Data::Late(late) => {
                let bytes = late.bytes(&self.digests).map_err(untouched)?;
                self.late(disk, layout, runs, &bytes)?
            }
        };
        // What was left out counts as done.
        self.done = end;
        Ok(equal)
    }

    fn source(
        &mut self,
        disk: &Disk<'_>,
        layout: &Layout,
        runs: &[Range<u32>],
        source: &Arc<dyn Source>,
    ) -> Result<bool, UpdateError> {
        let mut whole = WholeSource::open(source).map_err(untouched)?;
        let mut ours = std::mem::take(&mut self.ours);
        ours.resize(PIECE, 0);
        let mut left = source.len();
        for piece in pieces(layout, runs, source.len()) {
            let len = usize::try_from(left.min(piece.end.saturating_sub(piece.start)));
            let Some(room) = ours.get_mut(..len.unwrap_or(0)) else { break };
            let count = whole.fill(room).map_err(untouched)?;
            left = left.saturating_sub(len64(count));
            let given = room.get(..count).unwrap_or_default();
            if !self.piece(disk, layout, piece.start, given)? {
                self.ours = ours;
                return Ok(false);
            }
        }
        self.ours = ours;
        // A chain that is too short for its file was refused; nothing is left here then.
        whole.finish(&mut self.digests).map_err(untouched)?;
        Ok(left == 0)
    }

    fn late(
        &mut self,
        disk: &Disk<'_>,
        layout: &Layout,
        runs: &[Range<u32>],
        mut bytes: &[u8],
    ) -> Result<bool, UpdateError> {
        for piece in pieces(layout, runs, len64(bytes.len())) {
            let len = usize::try_from(piece.end.saturating_sub(piece.start)).unwrap_or(0);
            let (part, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
            if !self.piece(disk, layout, piece.start, part)? {
                return Ok(false);
            }
            bytes = rest;
        }
        Ok(bytes.is_empty())
    }

    fn piece(
        &mut self,
        disk: &Disk<'_>,
        layout: &Layout,
        at: u64,
        ours: &[u8],
    ) -> Result<bool, UpdateError> {
        let whole = len64(ours.len()).next_multiple_of(layout.sector().max(1));
        self.theirs.resize(usize::try_from(whole).unwrap_or(0), 0);
        disk.read(at, &mut self.theirs)?;
        self.done = self.done.saturating_add(len64(ours.len()));
        match self.progress.advance(self.done.min(self.total), self.total) {
            ControlFlow::Continue(()) => Ok(self.theirs.get(..ours.len()) == Some(ours)),
            ControlFlow::Break(()) => Err(UpdateError::Cancelled { left: Left::Untouched }),
        }
    }
}

fn untouched(source: extent_image::StreamError) -> UpdateError {
    UpdateError::Source { left: Left::Untouched, source }
}

/// The first `len` bytes of a file in its clusters, in pieces of at most 1 MiB, each within a run.
pub(super) fn pieces<'a>(
    layout: &'a Layout,
    runs: &'a [Range<u32>],
    len: u64,
) -> impl Iterator<Item = Range<u64>> + 'a {
    let mut left = len;
    let mut runs = runs.iter();
    let mut run = 0..0;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        if run.is_empty() {
            run = layout.bytes_of(runs.next()?);
        }
        let most = u64::try_from(PIECE).unwrap_or(u64::MAX).min(left);
        let end = run.end.min(run.start.saturating_add(most));
        let piece = run.start..end;
        left = left.saturating_sub(end.saturating_sub(run.start));
        run.start = end;
        Some(piece)
    })
}
