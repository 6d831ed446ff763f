//! Where a running plan is: which file lies at a byte of the image.
//!
//! Streams count bytes and know no files. What is told of files is looked up here, once for each buffer.

use std::ops::{ControlFlow, Range};
use std::sync::{Mutex, PoisonError};

use extent_image::{DriveProgress, NodeId, Phase, Progress, Stage};

use crate::plan::MediaPlan;
use crate::plan::laid::Laid;

/// A file and its bytes in an image.
type Found = (NodeId, Range<u64>);

/// The file that has the byte at `offset` of a volume; of several with one content, the first.
fn file_at(volume: &Laid, offset: u64) -> Option<Found> {
    let place = volume.at(offset)?.first()?;
    Some((place.node, place.start..place.end()))
}

/// The bytes of a run that take no work, in order of place.
#[derive(Default)]
struct Holes {
    holes: Vec<Hole>,
    /// Bytes of all of them.
    len: u64,
}

struct Hole {
    place: Range<u64>,
    /// Bytes of those before it.
    before: u64,
}

impl Holes {
    fn add(&mut self, place: Range<u64>) {
        let len = place.end.saturating_sub(place.start);
        self.holes.push(Hole { place, before: self.len });
        self.len = self.len.saturating_add(len);
    }

    /// How many of the first `count` bytes.
    fn among(&self, count: u64) -> u64 {
        let after = self.holes.partition_point(|hole| hole.place.start < count);
        let last = self.holes.get(..after).and_then(<[_]>::last);
        last.map_or(0, |Hole { place, before }| {
            before.saturating_add(count.min(place.end).saturating_sub(place.start))
        })
    }
}

/// Tells which file the images of a run are at, one after the other, and how much of it was work.
pub(crate) struct Following<'a> {
    progress: &'a mut dyn Progress,
    /// Where each image begins among all bytes, and what is in it.
    volumes: Vec<(u64, &'a Laid)>,
    /// What was told last: the image, and the file in it.
    told: (Option<usize>, Option<NodeId>),
    holes: Holes,
}

impl<'a> Following<'a> {
    /// For all volumes of a plan; `leaves_holes` where they become files with holes.
    pub(crate) fn new(
        media: &'a MediaPlan,
        leaves_holes: bool,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let mut holes = Holes::default();
        let mut end = 0u64;
        let volumes = media.volumes().zip(media.laid()).map(|(plan, laid)| {
            let start = end;
            end = end.saturating_add(plan.len());
            let extents = plan.extents().iter().filter(|it| leaves_holes && it.is_hole());
            extents.for_each(|extent| {
                let at = start.saturating_add(extent.start());
                holes.add(at..at.saturating_add(extent.len()));
            });
            (start, laid)
        });
        let volumes = volumes.collect();
        let mut this = Self { progress, volumes, told: (None, None), holes };
        this.volume(0);
        this
    }

    fn volume(&mut self, at: usize) {
        if self.told.0 == Some(at) {
            return;
        }
        self.told = (Some(at), None);
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let stage = Stage::new(Phase::Write);
        self.progress.begin(match self.volumes.len() {
            0 | 1 => stage,
            several => stage.with_volume(number(at.saturating_add(1)), number(several)),
        });
    }
}

impl Progress for Following<'_> {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        // The last byte that has passed tells where it is.
        let last = done.saturating_sub(1);
        let at = self.volumes.partition_point(|(start, _)| *start <= last).saturating_sub(1);
        if let Some((start, laid)) = self.volumes.get(at).copied() {
            self.volume(at);
            let found = file_at(laid, last.saturating_sub(start));
            if let Some((node, place)) = found.filter(|(node, _)| self.told.1 != Some(*node)) {
                let place = start.saturating_add(place.start)..start.saturating_add(place.end);
                self.progress.file(&laid.tree.path(node), place);
                self.told.1 = Some(node);
            }
        }
        if self.holes.len > 0 {
            let work = done.saturating_sub(self.holes.among(done));
            self.progress.work(work, total.saturating_sub(self.holes.len));
        }
        self.progress.advance(done, total)
    }
}

/// Tells which file each drive of a run is at.
pub(crate) struct FollowingDrives<'a> {
    progress: &'a dyn DriveProgress,
    laid: &'a Laid,
    /// The byte of the disk that is written first, and read back first.
    start: u64,
    /// The places of the drives among all of the run.
    drives: Vec<usize>,
    /// What was told last of each.
    told: Vec<Mutex<Option<(Phase, NodeId)>>>,
}

impl<'a> FollowingDrives<'a> {
    /// For drives that progress counts as `drives`.
    pub(crate) fn new(
        laid: &'a Laid,
        start: u64,
        drives: Vec<usize>,
        progress: &'a dyn DriveProgress,
    ) -> Self {
        let told = drives.iter().map(|_| Mutex::default()).collect();
        Self { progress, laid, start, drives, told }
    }

    fn tell_file(&self, job: usize, drive: usize, phase: Phase, done: u64) {
        // Up to the last file nothing is left out, so that what is counted lies side by side.
        let Some(last) = done.checked_sub(1) else { return };
        let Some(told) = self.told.get(job) else { return };
        let Some((node, place)) = file_at(self.laid, self.start.saturating_add(last)) else {
            return;
        };
        let now = Some((phase, node));
        let before =
            std::mem::replace(&mut *told.lock().unwrap_or_else(PoisonError::into_inner), now);
        if before != now {
            let count = |at: u64| at.saturating_sub(self.start);
            let place = count(place.start)..count(place.end);
            self.progress.file(drive, phase, &self.laid.tree.path(node), place);
        }
    }
}

impl DriveProgress for FollowingDrives<'_> {
    fn advance(&self, job: usize, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        let drive = self.drives.get(job).copied().unwrap_or(job);
        if matches!(phase, Phase::Write | Phase::Verify) {
            self.tell_file(job, drive, phase, done);
        }
        self.progress.advance(drive, phase, done, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_holes_are_counted_up_to_any_place() {
        let mut holes = Holes::default();
        assert_eq!(holes.among(5), 0);
        holes.add(10..20);
        holes.add(30..35);
        for (count, expected) in [(0, 0), (10, 0), (11, 1), (20, 10), (30, 10), (33, 13), (99, 15)]
        {
            assert_eq!(holes.among(count), expected, "{count}");
        }
        assert_eq!(holes.len, 15);
    }
}
