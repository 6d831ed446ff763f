//! The FAT of the volume: followed, held against its copies, and changed.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

use crate::check::ClusterSet;
use crate::units::len64;

use super::clusters::Bits;
use super::disk::{Disk, Windows};
use super::error::{Left, UpdateError};
use super::layout::Layout;

/// The bits of an entry that count; the others are kept as they are.
const MASK: u32 = 0x0FFF_FFFF;
/// Lowest entry that ends a chain.
const END: u32 = 0x0FFF_FFF8;
/// What is written to end a chain.
pub(super) const LAST: u32 = 0x0FFF_FFFF;
/// Marks a cluster that cannot be used.
const BAD: u32 = 0x0FFF_FFF7;
/// Bit of the second entry: closed properly.
const CLEAN: u32 = 1 << 27;
/// Bit of the second entry: no read or write error was met.
const NO_ERRORS: u32 = 1 << 26;
/// Bytes of a FAT that are worked on at once.
const PIECE: u64 = 256 * 1024;
/// Bytes of an entry.
const ENTRY: u64 = 4;

/// Chains, followed through a small cache.
pub(super) struct Table<'a> {
    windows: Windows<'a>,
    layout: Layout,
}

impl<'a> Table<'a> {
    pub(super) fn new(disk: Disk<'a>, layout: Layout) -> Self {
        Self { windows: Windows::new(disk), layout }
    }

    fn entry(&self, cluster: u32) -> io::Result<u32> {
        let mut bytes = [0; 4];
        let at = self.layout.fat(0).saturating_add(ENTRY.saturating_mul(cluster.into()));
        // Windows and entries both lie on multiples of four.
        self.windows.read(at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes) & MASK)
    }

    /// The clusters of a chain, touching ones joined; of cluster 0, none.
    pub(super) fn runs(&self, first: u32) -> Result<Vec<Range<u32>>, UpdateError> {
        let broken = |source| UpdateError::Read {
            name: "the FAT".to_owned(),
            at: self.layout.fat(0),
            left: Left::Untouched,
            source,
        };
        let mut runs: Vec<Range<u32>> = Vec::new();
        if first == 0 {
            return Ok(runs);
        }
        let (mut cluster, mut steps) = (first, 0u32);
        while cluster < END {
            steps = steps.saturating_add(1);
            if !self.layout.has(cluster) || steps > self.layout.clusters {
                // The check found every chain whole; something else writes to the volume.
                let what = format!("the chain from cluster {first} on is broken at {cluster}");
                return Err(broken(io::Error::new(io::ErrorKind::InvalidData, what)));
            }
            let after = cluster.saturating_add(1);
            match runs.last_mut() {
                Some(last) if last.end == cluster => last.end = after,
                _ => runs.push(cluster..after),
            }
            cluster = self.entry(cluster).map_err(broken)?;
        }
        Ok(runs)
    }
}

/// What the FATs say.
pub(super) struct Scan {
    /// Clusters whose entry is 0.
    pub(super) free: Bits,
    /// Clusters in use that no name reaches.
    pub(super) lost: Bits,
}

/// Reads all copies of the FAT. `cut_off` tells that an update of ours was: then they may differ in
/// clusters that no name reaches, and where the root directory was being extended.
pub(super) fn scan(
    disk: &Disk<'_>,
    layout: &Layout,
    claimed: &ClusterSet,
    root: &[Range<u32>],
    cut_off: bool,
) -> Result<Scan, UpdateError> {
    let mut scan = Scan { free: Bits::new(layout.end()), lost: Bits::new(layout.end()) };
    let root: BTreeSet<u32> = root.iter().cloned().flatten().collect();
    let (mut first, mut other) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < layout.fat_len {
        let len = usize::try_from(PIECE.min(layout.fat_len.saturating_sub(at))).unwrap_or(0);
        first.resize(len, 0);
        other.resize(len, 0);
        disk.read(layout.fat(0).saturating_add(at), &mut first)?;
        for (cluster, value) in entries(at, &first) {
            if !layout.has(cluster) {
                continue;
            }
            match value & MASK {
                0 => scan.free.insert(cluster),
                BAD => {}
                _ if claimed.contains(cluster) => {}
                _ => scan.lost.insert(cluster),
            }
        }
        for copy in 1..layout.fats {
            let start = layout.fat(copy).saturating_add(at);
            disk.read(start, &mut other)?;
            if first == other {
                continue;
            }
            for ((cluster, one), (_, two)) in entries(at, &first).zip(entries(at, &other)) {
                let explained = match cluster {
                    // The other bits mean nothing.
                    _ if (one ^ two) & MASK == 0 => continue,
                    // The marks of use.
                    1 => true,
                    0 => false,
                    // Behind the last cluster.
                    _ if !layout.has(cluster) => true,
                    _ if !cut_off => false,
                    // It ends here, or in what was hung behind it.
                    _ if root.contains(&cluster) => one & MASK >= END || two & MASK >= END,
                    _ => !claimed.contains(cluster),
                };
                if !explained {
                    let byte =
                        layout.fat(copy).saturating_add(ENTRY.saturating_mul(cluster.into()));
                    let sector = byte.checked_div(layout.sector()).unwrap_or(0);
                    return Err(UpdateError::FatsDiffer { copy: copy.saturating_add(1), sector });
                }
            }
        }
        at = at.saturating_add(PIECE);
    }
    Ok(scan)
}

/// The entries of a part of a FAT, which begins on a multiple of four.
fn entries(at: u64, bytes: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    let first = u32::try_from(at / ENTRY).unwrap_or(u32::MAX);
    let (chunks, _) = bytes.as_chunks::<4>();
    (first..).zip(chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)))
}

/// What becomes of the entries of a run of clusters.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    pub(super) run: Range<u32>,
    /// The entry of its last cluster, each other leading to the next; `None`: all become free.
    pub(super) next: Option<u32>,
}

impl Patch {
    /// The entries of a chain of runs.
    pub(super) fn chain(runs: &[Range<u32>]) -> impl Iterator<Item = Self> {
        let nexts = runs.iter().skip(1).map(|run| run.start).chain(std::iter::once(LAST));
        runs.iter().zip(nexts).map(|(run, next)| Self { run: run.clone(), next: Some(next) })
    }

    /// The same clusters as free ones.
    pub(super) fn freed(runs: &[Range<u32>]) -> impl Iterator<Item = Self> {
        runs.iter().map(|run| Self { run: run.clone(), next: None })
    }

    /// Cluster and entry, one by one.
    fn entries(self) -> impl Iterator<Item = (u32, u32)> {
        let Self { run, next } = self;
        run.clone().map(move |cluster| {
            let after = cluster.saturating_add(1);
            let value = match next {
                None => 0,
                Some(next) if after == run.end => next,
                Some(_) => after,
            };
            (cluster, value)
        })
    }
}

/// Writes entries into every copy of the FAT, whole sectors of up to 256 KiB at a time, each piece
/// into one copy after the other so that they differ for as short as can be. Answers the bytes.
pub(super) fn write(
    disk: &Disk<'_>,
    layout: &Layout,
    mut patches: Vec<Patch>,
) -> Result<u64, UpdateError> {
    patches.sort_unstable_by_key(|patch| patch.run.start);
    let mut entries = patches.into_iter().flat_map(Patch::entries).peekable();
    let sector = layout.sector().max(1);
    let mut written = 0u64;
    let mut piece = Vec::new();
    while let Some((first, _)) = entries.peek() {
        let byte = |cluster: u32| ENTRY.saturating_mul(cluster.into());
        let start = byte(*first).checked_div(sector).unwrap_or(0).saturating_mul(sector);
        let mut end = start.saturating_add(sector);
        let mut changes = Vec::new();
        // As long as they touch the sectors so far, or the one behind.
        while let Some((cluster, value)) =
            entries.next_if(|(cluster, _)| byte(*cluster) < end.saturating_add(sector))
        {
            if byte(cluster) >= end {
                end = end.saturating_add(sector);
            }
            changes.push((cluster, value));
            if end.saturating_sub(start) >= PIECE && byte(cluster.saturating_add(1)) >= end {
                break;
            }
        }
        piece.resize(usize::try_from(end.saturating_sub(start)).unwrap_or(0), 0);
        disk.read(layout.fat(0).saturating_add(start), &mut piece)?;
        for (cluster, value) in changes {
            let at = usize::try_from(byte(cluster).saturating_sub(start)).unwrap_or(usize::MAX);
            if let Some(entry) = piece.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
                let old = u32::from_le_bytes(*entry);
                *entry = (old & !MASK | value & MASK).to_le_bytes();
            }
        }
        for copy in 0..layout.fats {
            disk.write(layout.fat(copy).saturating_add(start), &piece)?;
            written = written.saturating_add(len64(piece.len()));
        }
    }
    Ok(written)
}

/// Frees lost clusters and makes all copies like the first. Answers the bytes written.
pub(super) fn repair(disk: &Disk<'_>, layout: &Layout, lost: &Bits) -> Result<u64, UpdateError> {
    let (mut first, mut other) = (Vec::new(), Vec::new());
    let mut written = 0u64;
    let mut at = 0;
    while at < layout.fat_len {
        let len = usize::try_from(PIECE.min(layout.fat_len.saturating_sub(at))).unwrap_or(0);
        first.resize(len, 0);
        other.resize(len, 0);
        disk.read(layout.fat(0).saturating_add(at), &mut first)?;
        let from = u32::try_from(at / ENTRY).unwrap_or(u32::MAX);
        let mut changed = false;
        let (chunks, _) = first.as_chunks_mut::<4>();
        for (cluster, entry) in (from..).zip(chunks) {
            let old = u32::from_le_bytes(*entry);
            if lost.contains(cluster) && old & MASK != 0 {
                *entry = (old & !MASK).to_le_bytes();
                changed = true;
            }
        }
        for copy in 0..layout.fats {
            let start = layout.fat(copy).saturating_add(at);
            if copy > 0 {
                disk.read(start, &mut other)?;
                changed = other != first;
            }
            if changed {
                disk.write(start, &first)?;
                written = written.saturating_add(len64(first.len()));
            }
        }
        at = at.saturating_add(PIECE);
    }
    Ok(written)
}

/// What some copy of the FAT says about the volume.
pub(super) struct Marks {
    /// It was not closed properly.
    pub(super) is_dirty: bool,
    /// Reading or writing it failed.
    pub(super) has_errors: bool,
}

/// Reads the marks.
pub(super) fn marks(disk: &Disk<'_>, layout: &Layout) -> Result<Marks, UpdateError> {
    let mut all = u32::MAX;
    for copy in 0..layout.fats {
        let mut entry = [0; 4];
        disk.read(layout.fat(copy).saturating_add(ENTRY), &mut entry)?;
        all &= u32::from_le_bytes(entry);
    }
    Ok(Marks { is_dirty: all & CLEAN == 0, has_errors: all & NO_ERRORS == 0 })
}

/// Marks the volume as in use, or no longer, in all copies. Answers the bytes written.
pub(super) fn set_dirty(disk: &Disk<'_>, layout: &Layout, dirty: bool) -> Result<u64, UpdateError> {
    let mut sector = vec![0; usize::try_from(layout.sector_size).unwrap_or(512)];
    for copy in 0..layout.fats {
        disk.read(layout.fat(copy), &mut sector)?;
        if let Some(entry) = sector.get_mut(4..).and_then(|rest| rest.first_chunk_mut()) {
            let old = u32::from_le_bytes(*entry);
            *entry = (if dirty { old & !CLEAN } else { old | CLEAN }).to_le_bytes();
        }
        disk.write(layout.fat(copy), &sector)?;
    }
    Ok(layout.sector().saturating_mul(layout.fats.into()))
}
