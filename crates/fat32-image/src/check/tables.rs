//! What needs the whole FAT: lost clusters, the free count, the reserved entries, the copies. It is
//! read once, from its start to its end, in pieces.

use std::io::{self, Read, Seek};

use super::audit::Audit;
use super::boot::{self, Facts};
use super::fault::{FaultKind, Severity};
use super::{u16_at, u32_at};
use crate::FatType;

/// Bytes of a FAT read at once.
const PIECE: usize = 64 * 1024;

/// What has been met so far.
#[derive(Default)]
struct Scan {
    /// Number of the next entry.
    next: u32,
    free: u32,
    /// Clusters behind each other that are lost: the first, and how many.
    lost: Option<(u32, u32)>,
    /// Entries behind each other with bits above the 28 that count: the first, and how many.
    marked: Option<(u32, u32)>,
}

/// A FAT behind the first.
struct Copy {
    /// From 2.
    number: u32,
    start: u64,
    /// Whether an entry was told that was written in one FAT alone, and one that is damaged.
    is_half_told: bool,
    is_told: bool,
}

impl<R: Read + Seek> Audit<'_, R> {
    /// Looks at every entry of the FAT that counts, and compares the others with it.
    pub(super) fn tables(&mut self) -> io::Result<()> {
        let facts = self.volume.facts.clone();
        let (start, len) = (facts.table_start(facts.active_fat), facts.table_len());
        let mut copies = self.copies();
        let mut scan = Scan::default();
        let (zeros, mut piece, mut other) = (vec![0; PIECE], vec![0; PIECE], vec![0; PIECE]);
        let mut at = 0u64;
        while at < len {
            let left = usize::try_from(len.saturating_sub(at)).unwrap_or(PIECE);
            piece.truncate(left);
            other.truncate(left);
            self.volume.disk.read_at(start.saturating_add(at), &mut piece)?;
            let is_free = zeros.get(..piece.len()) == Some(&piece);
            self.entries(&facts, &mut scan, &piece, is_free);
            for copy in copies.iter_mut().filter(|copy| !copy.is_told) {
                self.volume.disk.read_at(copy.start.saturating_add(at), &mut other)?;
                self.compare(&facts, copy, at, &piece, &other);
            }
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        self.end_runs(&mut scan);
        // With clusters that cannot be seen, the count is not known.
        if facts.reachable == facts.cluster_count {
            self.counts(scan.free)?;
        }
        Ok(())
    }

    /// Every FAT behind the first; none where they are not kept equal, and may say anything. One that
    /// is cut off was reported with the length of the volume.
    fn copies(&self) -> Vec<Copy> {
        let facts = &self.volume.facts;
        let copies = if facts.mirrored { 1..facts.fats } else { 0..0 };
        copies
            .map(|index| {
                let (number, start) = (index.saturating_add(1), facts.table_start(index));
                Copy { number, start, is_half_told: false, is_told: false }
            })
            .filter(|it| it.start.saturating_add(facts.table_len()) <= self.volume.disk.len)
            .collect()
    }

    /// The entries of a piece of the FAT; `is_free` when it is all zero, as most of a large volume.
    fn entries(&mut self, facts: &Facts, scan: &mut Scan, piece: &[u8], is_free: bool) {
        let width = usize::try_from(facts.entry_len()).unwrap_or(4);
        let count = u32::try_from(piece.len().checked_div(width).unwrap_or(0)).unwrap_or(u32::MAX);
        let (first, last) = (scan.next, facts.last());
        scan.next = first.saturating_add(count);
        if is_free && first >= 2 {
            self.end_runs(scan);
            let behind = scan.next.min(last.saturating_add(1));
            scan.free = scan.free.saturating_add(behind.saturating_sub(first));
            return;
        }
        for (number, bytes) in (first..).zip(piece.chunks_exact(width)) {
            let value = match facts.fat_type {
                FatType::Fat16 => u16_at(bytes, 0).into(),
                FatType::Fat32 => u32_at(bytes, 0),
            };
            let entry = value & facts.entry_mask();
            match number {
                0 => self.media(facts, entry),
                1 => self.state(facts, entry),
                _ if number <= last => self.entry(facts, scan, number, entry),
                _ => self.behind(facts, number, entry),
            }
            // mtools and Windows write the first two entries with all their bits.
            let is_marked = value != entry && (2..=last).contains(&number);
            match (&mut scan.marked, is_marked) {
                (Some((_, count)), true) => *count = count.saturating_add(1),
                (marked @ None, true) => *marked = Some((number, 1)),
                (marked, false) => {
                    let run = marked.take();
                    self.marked(run);
                }
            }
        }
    }

    /// The entry of a cluster.
    fn entry(&mut self, facts: &Facts, scan: &mut Scan, cluster: u32, entry: u32) {
        // The mark of a bad cluster is eight below the highest value.
        let bad = facts.entry_mask().saturating_sub(8);
        scan.free = scan.free.saturating_add(u32::from(entry == 0));
        let is_lost = entry != 0 && entry != bad && !self.claimed.contains(cluster);
        match (&mut scan.lost, is_lost) {
            (Some((_, count)), true) => *count = count.saturating_add(1),
            (lost @ None, true) => *lost = Some((cluster, 1)),
            (lost, false) => {
                let run = lost.take();
                self.lost(run);
            }
        }
    }

    fn end_runs(&mut self, scan: &mut Scan) {
        self.lost(scan.lost.take());
        self.marked(scan.marked.take());
    }

    fn lost(&mut self, run: Option<(u32, u32)>) {
        if let Some((first, count)) = run {
            let position = self.volume.facts.entry_position(first);
            self.faults.add(position, FaultKind::LostClusters { first, count });
        }
    }

    fn marked(&mut self, run: Option<(u32, u32)>) {
        if let Some((first, count)) = run {
            // The byte of the entry that holds the four bits.
            let position = self.volume.facts.entry_position(first).saturating_add(3);
            self.faults.add(position, FaultKind::EntryBits { first, count });
        }
    }

    /// FAT[0].
    fn media(&mut self, facts: &Facts, found: u32) {
        let expected = facts.entry_mask() & !0xFF | u32::from(facts.media);
        if found != expected {
            self.faults.add(facts.entry_position(0), FaultKind::MediaEntry { found, expected });
        }
    }

    /// FAT[1].
    fn state(&mut self, facts: &Facts, found: u32) {
        let position = facts.entry_position(1);
        if found & facts.clean_bits() != facts.clean_bits() {
            self.faults.add(position, FaultKind::Dirty { found });
        }
        if found | facts.clean_bits() < facts.entry_mask().saturating_sub(7) {
            self.faults.add(position, FaultKind::EndEntry { found });
        }
    }

    /// An entry behind that of the last cluster, in its sector.
    fn behind(&mut self, facts: &Facts, number: u32, found: u32) {
        let per_sector = facts.sector_size.checked_div(facts.entry_len()).unwrap_or(1);
        let end = facts.last().saturating_add(1).next_multiple_of(per_sector);
        if found != 0 && number < end && facts.reachable == facts.cluster_count {
            self.faults.add(facts.entry_position(number), FaultKind::FatTail { found });
        }
    }

    /// Compares a piece of a FAT with that of the first one, `at` bytes behind its start, until they
    /// differ in what counts.
    fn compare(&mut self, facts: &Facts, copy: &mut Copy, at: u64, first: &[u8], other: &[u8]) {
        if first == other {
            return;
        }
        let kind = || FaultKind::FatsDiffer { copy: copy.number };
        let width = usize::try_from(facts.entry_len()).unwrap_or(4);
        let entries = first.chunks_exact(width).zip(other.chunks_exact(width));
        let numbers = at.checked_div(facts.entry_len().into()).unwrap_or(0)..;
        let mut is_mark_told = false;
        for (number, (one, two)) in numbers.zip(entries).filter(|(_, (one, two))| one != two) {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let same = one.iter().zip(two).take_while(|(one, two)| one == two).count();
            let same = u64::try_from(same).unwrap_or(0);
            let entry = u64::from(number).saturating_mul(facts.entry_len().into());
            let position = copy.start.saturating_add(entry).saturating_add(same);
            if number < 2 {
                // These two hold marks, which some systems set in one FAT only.
                match number {
                    _ if is_mark_told => {}
                    1 => self.faults.add_half_written(position, kind(), Severity::Untidy),
                    _ => self.faults.add_as(position, kind(), Severity::Untidy),
                }
                is_mark_told = true;
            } else if self.is_half_written(facts, number, one, two) {
                if !copy.is_half_told {
                    self.faults.add_half_written(position, kind(), Severity::Damage);
                }
                copy.is_half_told = true;
            } else {
                self.faults.add(position, kind());
                copy.is_told = true;
                return;
            }
        }
    }

    /// Whether no file is harmed by it that these are the entries of a cluster.
    fn is_half_written(&self, facts: &Facts, cluster: u32, one: &[u8], two: &[u8]) -> bool {
        let [one, two] = [one, two].map(|bytes| match facts.fat_type {
            FatType::Fat16 => u16_at(bytes, 0).into(),
            FatType::Fat32 => u32_at(bytes, 0) & facts.entry_mask(),
        });
        if !self.claimed.contains(cluster) {
            return cluster <= facts.last() && (one == 0) != (two == 0);
        }
        let is_end = |entry| entry >= facts.entry_mask().saturating_sub(7);
        let is_link = |entry| (2..=facts.last()).contains(&entry);
        self.root.contains(&cluster) && (is_end(one) && is_link(two) || is_link(one) && is_end(two))
    }

    /// The two numbers of FSInfo, where they say something.
    fn counts(&mut self, counted: u32) -> io::Result<()> {
        let last = self.volume.facts.last();
        let Some(info) = boot::fs_info(&mut self.volume.disk, &self.volume.facts)? else {
            return Ok(());
        };
        let mut bytes = [0; 8];
        let position = info.saturating_add(0x1E8);
        self.volume.disk.read_at(position, &mut bytes)?;
        let (found, next) = (u32_at(&bytes, 0), u32_at(&bytes, 4));
        if found != counted && found != u32::MAX {
            self.faults.add(position, FaultKind::FreeCount { found, counted });
        }
        if !(2..=last).contains(&next) && next != u32::MAX {
            let position = position.saturating_add(4);
            self.faults.add(position, FaultKind::NextFree { found: next, last });
        }
        Ok(())
    }
}
