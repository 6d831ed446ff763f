//! Cluster size, FAT size and alignment: numbers only (fat-format 1 and 3).
//!
//! ```text
//! | reserved R | FAT 1: F | FAT 2: F | data: C clusters of S sectors | rest < S |
//! 0            R                     D = R + 2F                              T
//! ```
#![expect(
    clippy::arithmetic_side_effects,
    reason = "u64 arithmetic over sector and cluster counts: a sector count has at most 55 bits, \
              divisors are constants or powers of two, and subtractions are guarded where they are"
)]

use crate::error::VolumeError;
use crate::request::{VolumeOptions, VolumeSize};
use crate::units::{Cluster, ClusterSize, SectorSize};

/// Least clusters of a FAT32 volume: the official limit of 65,525 and the 16 that Microsoft advises
/// to stay away from it. Below the limit EDK2 refuses the volume.
pub(crate) const MIN_CLUSTERS: u64 = 65_541;
/// Most clusters: entry values end at 0FFFFFF6h, less the same distance.
pub(crate) const MAX_CLUSTERS: u64 = 0x0FFF_FFF4 - 16;
/// Copies of the FAT.
pub(crate) const FATS: u64 = 2;
/// The sector count of a volume has 32 bits.
const MAX_SECTORS: u64 = 0xFFFF_FFFF;
/// The reserved sector count has 16 bits.
const MAX_RESERVED: u64 = 0xFFFF;
/// Bytes of a FAT entry.
const ENTRY: u64 = 4;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Where the parts of a volume lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    sector_size: SectorSize,
    cluster_size: ClusterSize,
    reserved: u16,
    fat_sectors: u32,
    total_sectors: u32,
    clusters: u32,
}

impl Geometry {
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
struct Shape {
    sector_size: SectorSize,
    cluster_size: ClusterSize,
    /// Least reserved sectors.
    reserved: u64,
}

impl Shape {
    fn sectors_per_cluster(&self) -> u64 {
        self.sectors(u64::from(self.cluster_size.bytes()))
    }

    fn sectors(&self, bytes: u64) -> u64 {
        bytes / u64::from(self.sector_size.bytes())
    }

    /// Entries in a sector of the FAT.
    fn entries(&self) -> u64 {
        u64::from(self.sector_size.bytes()) / ENTRY
    }

    /// FAT sectors for `clusters` clusters and the two entries before them.
    fn fat_for(&self, clusters: u64) -> u64 {
        (clusters + 2).div_ceil(self.entries())
    }

    /// The smallest F whose table covers the clusters that remain behind `reserved` sectors and
    /// both tables. With `E` entries per sector and `S` sectors per cluster:
    ///
    /// - clusters `C = floor((T - R - 2F) / S)`, entries needed `C + 2 <= F * E`;
    /// - `C <= F*E - 2` holds just when `T - R - 2F < S * (F*E - 1)`;
    /// - that is `T - R + S < F * (S*E + 2)`, so `F = floor((T - R + S) / (S*E + 2)) + 1`.
    fn smallest_fat(&self, total: u64, reserved: u64) -> u64 {
        let s = self.sectors_per_cluster();
        (total.saturating_sub(reserved) + s) / (s * self.entries() + FATS) + 1
    }

    /// The layout of `total` sectors with the least data start on a multiple of `align` bytes. R
    /// takes up what alignment costs; F is never longer than the clusters need.
    fn layout(&self, total: u64, align: u64) -> Option<Geometry> {
        let s = self.sectors_per_cluster();
        let align = self.sectors(align).max(s);
        // A start is good when what the table needs leaves enough reserved sectors before it. A
        // later start has fewer clusters, hence a shorter table: good starts have no gaps.
        let parts = |start: u64| {
            let clusters = total.checked_sub(start)? / s;
            let fat = self.fat_for(clusters);
            let reserved = start.checked_sub(FATS * fat)?;
            (reserved >= self.reserved).then_some((reserved, fat, clusters))
        };
        let unaligned = self.reserved + FATS * self.smallest_fat(total, self.reserved);
        let mut start = unaligned.next_multiple_of(align);
        // `unaligned` may be a few sectors too far: raising R can save a cluster, thus a FAT sector.
        while start.checked_sub(align).is_some_and(|earlier| parts(earlier).is_some()) {
            start -= align;
        }
        let (reserved, fat, clusters) = parts(start)?;
        if reserved > MAX_RESERVED {
            return None;
        }
        Some(Geometry {
            sector_size: self.sector_size,
            cluster_size: self.cluster_size,
            reserved: u16::try_from(reserved).ok()?,
            fat_sectors: u32::try_from(fat).ok()?,
            total_sectors: u32::try_from(total).ok()?,
            clusters: u32::try_from(clusters).ok()?,
        })
    }

    /// The fewest sectors whose [`layout`](Self::layout) has `clusters` clusters: with fewer, either
    /// the clusters or the table before them would be missing something.
    fn smallest_total(&self, clusters: u64, align: u64) -> u64 {
        let s = self.sectors_per_cluster();
        let start = self.reserved + FATS * self.fat_for(clusters);
        start.next_multiple_of(self.sectors(align).max(s)) + clusters * s
    }
}

/// Alignments of the data area, from the best on. 1 MiB suits flash and every host file system;
/// 4 KiB still lets a host share blocks; a cluster is the least, and makes the number of clusters
/// grow with the volume without a step back, so that what fits a volume fits each larger one.
fn alignments(cluster_size: ClusterSize) -> [u64; 3] {
    [MIB, 4096, u64::from(cluster_size.bytes())]
}

/// Microsoft's table (KB140365) from 4 KiB on.
fn table_size(volume: u64) -> ClusterSize {
    match volume.div_ceil(GIB) {
        0..=8 => ClusterSize::KIB4,
        9..=16 => ClusterSize::KIB8,
        17..=32 => ClusterSize::KIB16,
        _ => ClusterSize::KIB32,
    }
}

/// The least volume, in bytes, for which the table gives this size or more.
fn table_floor(cluster_size: ClusterSize) -> u64 {
    match cluster_size {
        ClusterSize::KIB8 => 8 * GIB + 1,
        ClusterSize::KIB16 => 16 * GIB + 1,
        ClusterSize::KIB32 => 32 * GIB + 1,
        _ => 0,
    }
}

/// A size and its halves, down to 512 bytes.
fn halving(from: ClusterSize) -> impl Iterator<Item = ClusterSize> {
    std::iter::successors(Some(from), |size| size.half())
}

/// Finds the geometry for content that fills `needed(size)` clusters of each size.
pub(crate) fn choose(
    options: &VolumeOptions,
    needed: &dyn Fn(ClusterSize) -> u64,
) -> Result<Geometry, VolumeError> {
    match options.size {
        VolumeSize::Fit => fit(options, needed),
        VolumeSize::Bytes(bytes) => exactly(options, bytes, needed),
    }
}

fn shape(options: &VolumeOptions, cluster_size: ClusterSize) -> Shape {
    let reserved = u64::from(options.reserved_floor());
    Shape { sector_size: options.sector_size, cluster_size, reserved }
}

fn fit(
    options: &VolumeOptions,
    needed: &dyn Fn(ClusterSize) -> u64,
) -> Result<Geometry, VolumeError> {
    let sizes = match options.cluster_size {
        Some(size) => vec![size],
        None => vec![ClusterSize::KIB4, ClusterSize::KIB8, ClusterSize::KIB16, ClusterSize::KIB32],
    };
    let mut error = None;
    for size in sizes {
        let shape = shape(options, size);
        let clusters = needed(size).max(MIN_CLUSTERS);
        let step = shape.sectors(MIB);
        let mut total = shape.smallest_total(clusters, MIB).next_multiple_of(step);
        // Rounding up may have added a sector to the table and so moved the data area by 1 MiB;
        // one or two steps make up for it.
        while total <= MAX_SECTORS {
            match shape.layout(total, MIB) {
                Some(found) if u64::from(found.clusters) >= clusters => {
                    if u64::from(found.clusters) <= MAX_CLUSTERS {
                        return Ok(found);
                    }
                    break;
                }
                _ => total += step,
            }
        }
        error = Some(if total > MAX_SECTORS {
            VolumeError::TooLarge { sectors: total, limit: MAX_SECTORS }
        } else {
            too_many(clusters, size)
        });
    }
    Err(error.unwrap_or(VolumeError::TooLarge { sectors: 0, limit: MAX_SECTORS }))
}

fn exactly(
    options: &VolumeOptions,
    given: u64,
    needed: &dyn Fn(ClusterSize) -> u64,
) -> Result<Geometry, VolumeError> {
    let sector_size = options.sector_size.bytes();
    let total = given / u64::from(sector_size);
    let rounded = total * u64::from(sector_size);
    if rounded != given {
        return Err(VolumeError::UnevenSize { given, sector_size, rounded });
    }
    if total > MAX_SECTORS {
        return Err(VolumeError::TooLarge { sectors: total, limit: MAX_SECTORS });
    }
    let sizes: Vec<_> = match options.cluster_size {
        Some(size) => vec![size],
        None => halving(table_size(given)).collect(),
    };
    let (mut too_few, mut too_many_clusters) = (None, None);
    for size in sizes {
        let needed = needed(size);
        for align in alignments(size) {
            let Some(found) = shape(options, size).layout(total, align) else { continue };
            let clusters = u64::from(found.clusters);
            if clusters > MAX_CLUSTERS {
                too_many_clusters = Some(too_many(clusters, size));
                continue;
            }
            if clusters >= needed.max(MIN_CLUSTERS) {
                return Ok(found);
            }
            if clusters >= needed {
                too_few = Some((clusters, size));
            }
        }
    }
    if let (Some(error), Some(_)) = (too_many_clusters, options.cluster_size) {
        return Err(error);
    }
    let smallest = smallest(options, needed)?;
    Err(match too_few {
        Some((clusters, size)) => VolumeError::TooFewClusters {
            given,
            clusters,
            cluster_size: size.bytes(),
            limit: MIN_CLUSTERS,
            smallest,
        },
        None => VolumeError::TooSmall { given, smallest },
    })
}

/// The smallest [`VolumeSize::Bytes`] that holds the content, in bytes.
pub(crate) fn smallest(
    options: &VolumeOptions,
    needed: &dyn Fn(ClusterSize) -> u64,
) -> Result<u64, VolumeError> {
    let sector = u64::from(options.sector_size.bytes());
    let sizes: Vec<_> = match options.cluster_size {
        Some(size) => vec![size],
        None => halving(ClusterSize::KIB32).collect(),
    };
    let mut best = None;
    let mut error = VolumeError::TooLarge { sectors: u64::MAX, limit: MAX_SECTORS };
    for size in sizes {
        let clusters = needed(size).max(MIN_CLUSTERS);
        let total = shape(options, size).smallest_total(clusters, 0);
        // Where the size follows from the table, a large cluster needs a volume large enough.
        let floor = if options.cluster_size.is_some() { 0 } else { table_floor(size) };
        let total = total.max(floor.div_ceil(sector));
        if total > MAX_SECTORS {
            error = VolumeError::TooLarge { sectors: total, limit: MAX_SECTORS };
        } else if clusters > MAX_CLUSTERS {
            error = too_many(clusters, size);
        } else if best.is_none_or(|best| total < best) {
            best = Some(total);
        }
    }
    best.map(|total| total * sector).ok_or(error)
}

fn too_many(clusters: u64, size: ClusterSize) -> VolumeError {
    VolumeError::TooManyClusters { clusters, cluster_size: size.bytes(), limit: MAX_CLUSTERS }
}
#[cfg(test)]
#[path = "geometry_tests.rs"]
mod tests;
