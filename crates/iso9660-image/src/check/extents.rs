//! Which bytes of the volume are in use for what: nothing outside, nothing twice.

use crate::check::fault::{FaultKind, Faults};
use crate::units::SECTOR;

/// What a run of sectors is used for. The order matters: at one place a structure comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Descriptors, path tables, directories: never shared.
    Structure,
    /// Content: several records may name the same run.
    File,
}

/// 24 bytes; there is one for each record.
struct Run {
    first: u32,
    sectors: u32,
    used_for: Use,
    /// Where it is described.
    position: u64,
}

impl Run {
    /// After the last sector.
    fn end(&self) -> u64 {
        u64::from(self.first).saturating_add(u64::from(self.sectors))
    }
}

/// Everything in use, as it is found.
pub(super) struct Extents {
    /// Sectors of the volume.
    sectors: u64,
    runs: Vec<Run>,
}

impl Extents {
    pub(super) fn new(sectors: u64) -> Self {
        Self { sectors, runs: Vec::new() }
    }

    /// Sectors of the volume that are in the image.
    pub(super) fn sectors(&self) -> u64 {
        self.sectors
    }

    /// System area and descriptors.
    pub(super) fn add_descriptors(&mut self, end: u64) {
        self.push(0, end, Use::Structure, 0);
    }

    /// A run of `len` bytes from `lba` on; false when it is not inside the volume.
    pub(super) fn add(
        &mut self,
        used_for: Use,
        position: u64,
        name: &str,
        lba: u32,
        len: u64,
        faults: &mut Faults,
    ) -> bool {
        let (first, sectors) = (u64::from(lba), len.div_ceil(SECTOR));
        if sectors == 0 {
            // Nothing of it is read, so it may be said to lie anywhere.
            return true;
        }
        let end = first.saturating_add(sectors);
        if end > self.sectors {
            let (name, sectors) = (name.to_owned(), self.sectors);
            faults.add(position, FaultKind::Outside { name, lba: first, len, sectors });
            return false;
        }
        self.push(lba, sectors, used_for, position);
        true
    }

    fn push(&mut self, first: u32, sectors: u64, used_for: Use, position: u64) {
        // Inside a volume, whose sectors have 32-bit numbers.
        let sectors = u32::try_from(sectors).unwrap_or(u32::MAX);
        self.runs.push(Run { first, sectors, used_for, position });
    }

    /// The sector of the boot catalog. It may also be a file.
    pub(super) fn add_catalog(&mut self, position: u64, lba: u32, faults: &mut Faults) {
        self.add(Use::File, position, "boot catalog", lba, SECTOR, faults);
    }

    /// What is in use between two sectors: first and last sector, use, where it is described.
    pub(super) fn between(
        &self,
        first: u64,
        end: u64,
    ) -> impl Iterator<Item = (u64, u64, Use, u64)> + '_ {
        let meets = move |run: &&Run| u64::from(run.first) < end && run.end() > first;
        let runs = self.runs.iter().filter(meets);
        runs.map(|run| (u64::from(run.first), run.end(), run.used_for, run.position))
    }

    /// No two runs overlap, but for files that share all of theirs.
    pub(super) fn check(mut self, faults: &mut Faults) {
        self.runs.sort_unstable_by_key(|run| (run.first, run.sectors, run.used_for, run.position));
        let mut furthest: Option<&Run> = None;
        for run in &self.runs {
            let Some(before) = furthest else {
                furthest = Some(run);
                continue;
            };
            let same = (run.first, run.sectors) == (before.first, before.sectors);
            let shared = same && run.used_for == Use::File && before.used_for == Use::File;
            let first = u64::from(run.first);
            if first < before.end() && !shared {
                let last = run.end().min(before.end()).saturating_sub(1);
                // What is described later is more likely the one that is wrong.
                let position = run.position.max(before.position);
                let other = run.position.min(before.position);
                faults.add(position, FaultKind::Overlap { first, last, other });
            }
            if run.end() > before.end() {
                furthest = Some(run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaps(runs: &[(Use, u32, u64)]) -> Vec<u64> {
        let (mut extents, mut faults) = (Extents::new(100), Faults::default());
        for (position, (used_for, lba, sectors)) in (0..).zip(runs) {
            extents.add(*used_for, position, "x", *lba, sectors * SECTOR, &mut faults);
        }
        extents.check(&mut faults);
        faults.finish().into_iter().map(|fault| fault.position).collect()
    }

    #[test]
    fn sharing_is_for_whole_files() {
        use Use::{File, Structure};
        assert_eq!(overlaps(&[(File, 20, 2), (File, 22, 1), (File, 20, 2)]), []);
        assert_eq!(overlaps(&[(File, 20, 2), (File, 21, 1)]), [1]);
        assert_eq!(overlaps(&[(File, 20, 2), (File, 20, 3)]), [1]);
        assert_eq!(overlaps(&[(Structure, 20, 2), (File, 20, 2)]), [1]);
        assert_eq!(overlaps(&[(Structure, 20, 2), (Structure, 20, 2)]), [1]);
        assert_eq!(overlaps(&[(File, 20, 10), (File, 22, 1), (File, 25, 1)]), [1, 2]);
        assert_eq!(overlaps(&[(File, 99, 1), (File, 99, 2)]), [1]);
    }
}
