//! Cluster size, FAT size and alignment: numbers only (fat-format 1 and 3).
//!
//! ```text
//! | reserved R | FAT 1: F | FAT 2: F | root: Q | data: C clusters of S sectors | rest < S |
//! 0            R                               D = R + 2F + Q                           T
//! ```
//!
//! Only FAT16 has a root directory of its own, Q; that of FAT32 is a chain of clusters.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "u64 arithmetic over sector and cluster counts: a sector count has at most 55 bits, \
              divisors are constants or powers of two, and subtractions are guarded where they are"
)]

use crate::disk::dir_entry::SLOT_LEN;
use crate::units::{Cluster, ClusterSize, FatType, SectorSize};

/// Least clusters of a FAT32 volume: the official limit of 65,525 and the 16 that Microsoft advises
/// to stay away from it. Below the limit EDK2 refuses the volume.
pub(crate) const MIN_CLUSTERS: u64 = 65_541;
/// Most clusters: entry values end at 0FFFFFF6h, less the same distance.
pub(crate) const MAX_CLUSTERS: u64 = 0x0FFF_FFF4 - 16;
/// Least clusters of a FAT16 volume: the official limit of 4,085 and the same distance. Below 4,087
/// the FAT driver of Windows NT reads 12-bit entries.
pub(crate) const MIN_CLUSTERS_16: u64 = 4_101;
/// Most clusters of a FAT16 volume: 65,524, less the same distance.
pub(crate) const MAX_CLUSTERS_16: u64 = 65_508;
/// Copies of the FAT.
pub(crate) const FATS: u64 = 2;
/// The sector count of a volume has 32 bits.
pub(crate) const MAX_SECTORS: u64 = 0xFFFF_FFFF;
/// The reserved sector count has 16 bits.
const MAX_RESERVED: u64 = 0xFFFF;

/// Where the parts of a volume lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    fat_type: FatType,
    sector_size: SectorSize,
    cluster_size: ClusterSize,
    reserved: u16,
    fat_sectors: u32,
    root_entries: u16,
    total_sectors: u32,
    clusters: u32,
}

impl Geometry {
    /// Width of the FAT entries.
    pub fn fat_type(&self) -> FatType {
        self.fat_type
    }

    /// Bytes per sector.
    pub fn sector_size(&self) -> u32 {
        self.sector_size.bytes()
    }

    /// Bytes per cluster.
    pub fn cluster_size(&self) -> u32 {
        self.cluster_size.bytes()
    }

    pub(crate) fn size(&self) -> ClusterSize {
        self.cluster_size
    }

    /// Number of clusters; they are numbered from 2.
    pub fn cluster_count(&self) -> u32 {
        self.clusters
    }

    /// Sectors before the first FAT.
    pub fn reserved_sectors(&self) -> u16 {
        self.reserved
    }

    /// Sectors of each of the two FATs.
    pub fn fat_sectors(&self) -> u32 {
        self.fat_sectors
    }

    /// Slots of the root directory of FAT16; 0 for FAT32, whose root is a chain of clusters.
    pub fn root_entries(&self) -> u16 {
        self.root_entries
    }

    /// Sectors of the volume.
    pub fn total_sectors(&self) -> u32 {
        self.total_sectors
    }

    /// Bytes of the volume.
    pub fn volume_len(&self) -> u64 {
        self.bytes(u64::from(self.total_sectors))
    }

    /// Byte at which FAT `index` (0 or 1) begins; for 2, the byte behind the last.
    pub(crate) fn fat_start(&self, index: u64) -> u64 {
        self.bytes(u64::from(self.reserved) + index * u64::from(self.fat_sectors))
    }

    /// Byte at which cluster 2 begins, a multiple of the cluster size.
    pub fn data_start(&self) -> u64 {
        // The slots fill whole sectors.
        self.fat_start(FATS) + u64::from(self.root_entries) * SLOT_LEN
    }

    /// Byte at which the root directory begins.
    pub(crate) fn root_start(&self) -> u64 {
        self.fat_start(FATS)
    }

    /// Byte at which a cluster begins.
    pub(crate) fn offset(&self, cluster: Cluster) -> u64 {
        let index = u64::from(cluster.number().saturating_sub(Cluster::FIRST.number()));
        self.data_start() + index * u64::from(self.cluster_size())
    }

    /// Sectors per cluster, at most 64.
    pub(crate) fn sectors_per_cluster(&self) -> u8 {
        u8::try_from(self.cluster_size() / self.sector_size()).unwrap_or(u8::MAX)
    }

    fn bytes(&self, sectors: u64) -> u64 {
        sectors * u64::from(self.sector_size())
    }
}

/// What is fixed before the length of a volume is known.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) fat_type: FatType,
    pub(crate) sector_size: SectorSize,
    pub(crate) cluster_size: ClusterSize,
    /// Least reserved sectors.
    pub(crate) reserved: u64,
    /// Sectors of the root directory of FAT16.
    pub(crate) root: u64,
}

impl Shape {
    pub(crate) fn sectors_per_cluster(&self) -> u64 {
        self.sectors(u64::from(self.cluster_size.bytes()))
    }

    pub(crate) fn sectors(&self, bytes: u64) -> u64 {
        bytes / u64::from(self.sector_size.bytes())
    }

    /// Entries in a sector of the FAT.
    fn entries(&self) -> u64 {
        u64::from(self.sector_size.bytes()) / u64::from(self.fat_type.entry_len())
    }

    /// FAT sectors for `clusters` clusters and the two entries before them.
    fn fat_for(&self, clusters: u64) -> u64 {
        (clusters + 2).div_ceil(self.entries())
    }

    /// Least and most clusters.
    pub(crate) fn limits(&self) -> (u64, u64) {
        match self.fat_type {
            FatType::Fat16 => (MIN_CLUSTERS_16, MAX_CLUSTERS_16),
            FatType::Fat32 => (MIN_CLUSTERS, MAX_CLUSTERS),
        }
    }

    /// The smallest F whose table covers the clusters that remain behind `reserved` sectors (with
    /// the root directory, if that has its own) and both tables. With `E` entries per sector and `S`
    /// sectors per cluster:
    ///
    /// - clusters `C = floor((T - R - 2F) / S)`, entries needed `C + 2 <= F * E`;
    /// - `C <= F*E - 2` holds just when `T - R - 2F < S * (F*E - 1)`;
    /// - that is `T - R + S < F * (S*E + 2)`, so `F = floor((T - R + S) / (S*E + 2)) + 1`.
    pub(crate) fn smallest_fat(&self, total: u64, reserved: u64) -> u64 {
        let s = self.sectors_per_cluster();
        (total.saturating_sub(reserved) + s) / (s * self.entries() + FATS) + 1
    }

    /// The layout of `total` sectors with the least data start on a multiple of `align` bytes. R
    /// takes up what alignment costs; F is never longer than the clusters need.
    pub(crate) fn layout(&self, total: u64, align: u64) -> Option<Geometry> {
        let s = self.sectors_per_cluster();
        let align = self.sectors(align).max(s);
        // A start is good when what the table needs leaves enough reserved sectors before it. A
        // later start has fewer clusters, hence a shorter table: good starts have no gaps.
        let parts = |start: u64| {
            let clusters = total.checked_sub(start)? / s;
            let fat = self.fat_for(clusters);
            let reserved = start.checked_sub(FATS * fat + self.root)?;
            (reserved >= self.reserved).then_some((reserved, fat, clusters))
        };
        let fixed = self.reserved + self.root;
        let unaligned = fixed + FATS * self.smallest_fat(total, fixed);
        let mut start = unaligned.next_multiple_of(align);
        // `unaligned` may be a few sectors too far: raising R can save a cluster, thus a FAT sector.
        while start.checked_sub(align).is_some_and(|earlier| parts(earlier).is_some()) {
            start -= align;
        }
        let (reserved, fat, clusters) = parts(start)?;
        if reserved > MAX_RESERVED {
            return None;
        }
        let root_entries = self.root * u64::from(self.sector_size.bytes()) / SLOT_LEN;
        Some(Geometry {
            fat_type: self.fat_type,
            sector_size: self.sector_size,
            cluster_size: self.cluster_size,
            reserved: u16::try_from(reserved).ok()?,
            fat_sectors: u32::try_from(fat).ok()?,
            root_entries: u16::try_from(root_entries).ok()?,
            total_sectors: u32::try_from(total).ok()?,
            clusters: u32::try_from(clusters).ok()?,
        })
    }

    /// The fewest sectors whose [`layout`](Self::layout) has `clusters` clusters: with fewer, either
    /// the clusters or the table before them would be missing something.
    pub(crate) fn smallest_total(&self, clusters: u64, align: u64) -> u64 {
        let s = self.sectors_per_cluster();
        let start = self.reserved + FATS * self.fat_for(clusters) + self.root;
        start.next_multiple_of(self.sectors(align).max(s)) + clusters * s
    }
}
