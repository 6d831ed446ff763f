//! Which bytes of the volume are in use for what: nothing outside, nothing twice.

use std::collections::HashMap;

use crate::check::fault::{FaultKind, Faults};
use crate::report::RecordTree;
use crate::units::SECTOR;

/// What a run of sectors is used for. The order matters: at one place a structure comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Descriptors, path tables, directories: never shared.
    Structure,
    /// Content: several records may name the same run.
    File,
}

struct Run {
    first: u64,
    /// After the last sector.
    end: u64,
    used_for: Use,
    /// Where it is described.
    position: u64,
}

/// Everything in use, as it is found.
pub(super) struct Extents {
    /// Sectors of the volume.
    sectors: u64,
    runs: Vec<Run>,
    /// Length of files that are not empty, by first LBA.
    primary: HashMap<u32, u64>,
    joliet: HashMap<u32, u64>,
    empty: Vec<(u32, u64, String)>,
    catalog: Option<u32>,
}

impl Extents {
    pub(super) fn new(sectors: u64) -> Self {
        Self {
            sectors,
            runs: Vec::new(),
            primary: HashMap::new(),
            joliet: HashMap::new(),
            empty: Vec::new(),
            catalog: None,
        }
    }

    /// Sectors of the volume that are in the image.
    pub(super) fn sectors(&self) -> u64 {
        self.sectors
    }

    /// System area and descriptors.
    pub(super) fn add_descriptors(&mut self, end: u64) {
        self.runs.push(Run { first: 0, end, used_for: Use::Structure, position: 0 });
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
        self.runs.push(Run { first, end, used_for, position });
        true
    }

    /// A whole file, after its sections were [added](Self::add).
    pub(super) fn add_file(
        &mut self,
        tree: RecordTree,
        position: u64,
        name: &str,
        lba: u32,
        len: u64,
        faults: &mut Faults,
    ) {
        if len == 0 {
            self.empty.push((lba, position, name.to_owned()));
            return;
        }
        match tree {
            RecordTree::Primary => {
                self.primary.entry(lba).or_insert(len);
            }
            RecordTree::Joliet => {
                self.joliet.entry(lba).or_insert(len);
                if let Some(&primary) = self.primary.get(&lba).filter(|primary| **primary != len) {
                    let kind = FaultKind::SizesDiffer { lba, primary, joliet: len };
                    faults.add(position.saturating_add(10), kind);
                }
            }
        }
    }

    /// The sector of the boot catalog. It may also be a file.
    pub(super) fn add_catalog(&mut self, position: u64, lba: u32, faults: &mut Faults) {
        self.catalog = Some(lba);
        self.add(Use::File, position, "boot catalog", lba, SECTOR, faults);
    }

    /// The length of the file that begins at `lba`.
    pub(super) fn file_len(&self, lba: u32) -> Option<u64> {
        self.primary.get(&lba).or_else(|| self.joliet.get(&lba)).copied()
    }

    /// True when a sector belongs to the volume's own structures.
    pub(super) fn is_structure(&self, sector: u64) -> bool {
        self.runs.iter().any(|r| r.used_for == Use::Structure && (r.first..r.end).contains(&sector))
    }

    /// No two runs overlap, but for files that share all of theirs.
    pub(super) fn check(mut self, faults: &mut Faults) {
        for (lba, position, name) in &self.empty {
            if self.catalog == Some(*lba) {
                faults.add(*position, FaultKind::EmptyOnCatalog { name: name.clone() });
            }
        }
        self.runs.sort_by_key(|run| (run.first, run.end, run.used_for, run.position));
        let mut furthest: Option<&Run> = None;
        for run in &self.runs {
            let Some(before) = furthest else {
                furthest = Some(run);
                continue;
            };
            let same = (run.first, run.end) == (before.first, before.end);
            let shared = same && run.used_for == Use::File && before.used_for == Use::File;
            if run.first < before.end && !shared {
                let last = run.end.min(before.end).saturating_sub(1);
                // What is described later is more likely the one that is wrong.
                let position = run.position.max(before.position);
                let other = run.position.min(before.position);
                faults.add(position, FaultKind::Overlap { first: run.first, last, other });
            }
            if run.end > before.end {
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
