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
            for (copy, begins, differs) in &mut copies {
                if *differs {
                    continue;
                }
                self.volume.disk.read_at(begins.saturating_add(at), &mut other)?;
                *differs = self.compare(*copy, begins.saturating_add(at), at, &piece, &other);
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

    /// Number and start of every FAT behind the first; none where they are not kept equal, and may
    /// say anything. One that is cut off was reported with the length of the volume.
    fn copies(&self) -> Vec<(u32, u64, bool)> {
        let facts = &self.volume.facts;
        let copies = if facts.mirrored { 1..facts.fats } else { 0..0 };
        copies
            .map(|index| (index.saturating_add(1), facts.table_start(index), false))
            .filter(|(_, start, _)| start.saturating_add(facts.table_len()) <= self.volume.disk.len)
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

    /// Compares a piece of a FAT with that of the first one, `at` bytes behind its start; true when
    /// they differ in what counts.
    fn compare(&mut self, copy: u32, position: u64, at: u64, first: &[u8], other: &[u8]) -> bool {
        if first == other {
            return false;
        }
        let reserved = u64::from(self.volume.facts.entry_len()).saturating_mul(2);
        let pairs = (at..).zip(first.iter().zip(other));
        let mut differ = pairs.filter(|(_, (first, other))| first != other).map(|(place, _)| place);
        let Some(place) = differ.next() else { return false };
        let differs = |place: u64| position.saturating_add(place.saturating_sub(at));
        // The two entries before the clusters hold marks, which some systems set in one FAT only.
        let real =
            if place < reserved { differ.find(|place| *place >= reserved) } else { Some(place) };
        if place < reserved {
            let kind = FaultKind::FatsDiffer { copy };
            self.faults.add_as(differs(place), kind, Severity::Untidy);
        }
        if let Some(place) = real {
            self.faults.add(differs(place), FaultKind::FatsDiffer { copy });
        }
        real.is_some()
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
