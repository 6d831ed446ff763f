//! FAT entries, read through a small cache, and a set of clusters.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "positions inside a FAT, whose length was computed from 32-bit fields in u64; the \
              divisors are constants"
)]

use std::io::{self, Read, Seek};

use super::boot::Facts;
use super::{Disk, u16_at, u32_at};
use crate::FatType;

/// Bytes of a cache line.
const LINE: u64 = 4096;
/// Lines of the cache. A sequential walk needs one, a badly fragmented chain profits from more.
const LINES: u64 = 64;

/// Where an entry of the FAT leads.
pub(super) enum Link {
    Next(u32),
    End,
    /// Free, bad, reserved, or past the last cluster.
    Wrong(u32),
}

/// Recently read parts of the FAT that counts: slot `line % LINES` holds line number and bytes.
pub(super) struct TableCache {
    slots: Vec<(Option<u64>, Vec<u8>)>,
}

impl Default for TableCache {
    fn default() -> Self {
        Self { slots: (0..LINES).map(|_| (None, Vec::new())).collect() }
    }
}

impl TableCache {
    /// The entry of a cluster, of FAT32 its low 28 bits; it must lie in the FAT, otherwise it is 0.
    pub(super) fn entry<R: Read + Seek>(
        &mut self,
        disk: &mut Disk<R>,
        facts: &Facts,
        cluster: u32,
    ) -> io::Result<u32> {
        let position = u64::from(cluster) * u64::from(facts.entry_len());
        let line = position / LINE;
        let slot = usize::try_from(line % LINES).unwrap_or(0);
        let Some((held, bytes)) = self.slots.get_mut(slot) else { return Ok(0) };
        if *held != Some(line) {
            *held = None;
            let start = line * LINE;
            let len = facts.table_len().saturating_sub(start).min(LINE);
            bytes.resize(usize::try_from(len).unwrap_or(0), 0);
            disk.read_at(facts.table_start(facts.active_fat) + start, bytes)?;
            *held = Some(line);
        }
        let within = usize::try_from(position % LINE).unwrap_or(0);
        Ok(match facts.fat_type {
            FatType::Fat16 => u16_at(bytes, within).into(),
            FatType::Fat32 => u32_at(bytes, within) & facts.entry_mask(),
        })
    }

    /// Where a cluster leads.
    pub(super) fn link<R: Read + Seek>(
        &mut self,
        disk: &mut Disk<R>,
        facts: &Facts,
        cluster: u32,
    ) -> io::Result<Link> {
        let value = self.entry(disk, facts, cluster)?;
        Ok(match value {
            _ if value >= facts.entry_mask() - 7 => Link::End,
            2.. if value <= facts.last() => Link::Next(value),
            _ => Link::Wrong(value),
        })
    }
}

/// A set of clusters; one bit for each that is really there.
pub(crate) struct ClusterSet {
    bits: Vec<u64>,
}

impl ClusterSet {
    pub(super) fn new(facts: &Facts) -> Self {
        let words = facts.last() / 64 + 1;
        Self { bits: vec![0; usize::try_from(words).unwrap_or(0)] }
    }

    /// Adds a cluster; false when it was there already.
    pub(super) fn insert(&mut self, cluster: u32) -> bool {
        let word = usize::try_from(cluster / 64).unwrap_or(usize::MAX);
        let Some(word) = self.bits.get_mut(word) else { return false };
        let bit = 1 << (cluster % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub(crate) fn contains(&self, cluster: u32) -> bool {
        let word = usize::try_from(cluster / 64).unwrap_or(usize::MAX);
        self.bits.get(word).is_some_and(|word| word & (1 << (cluster % 64)) != 0)
    }
}
