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
use crate::error::VolumeError;
use crate::request::{FatChoice, VolumeOptions, VolumeSize};
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
/// Slots of a FAT16 root directory, unless more are needed: what every formatter writes.
const ROOT_SLOTS: u64 = 512;
/// Most slots of a FAT16 root directory: their number has 16 bits, and Linux takes only a number
/// that fills whole sectors.
pub(crate) const MAX_ROOT_SLOTS: u64 = 65_520;
/// Copies of the FAT.
pub(crate) const FATS: u64 = 2;
/// The sector count of a volume has 32 bits.
const MAX_SECTORS: u64 = 0xFFFF_FFFF;
/// The reserved sector count has 16 bits.
const MAX_RESERVED: u64 = 0xFFFF;
/// What hosts share blocks by, and what drives of today write at once.
const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;

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

/// What content asks of a volume.
#[derive(Clone, Copy)]
pub(crate) struct Needs<'a> {
    /// Clusters that folders and files fill.
    pub(crate) clusters: &'a dyn Fn(FatType, ClusterSize) -> u64,
    /// Slots of the root folder.
    pub(crate) root_slots: u64,
}

/// What is fixed before the length of a volume is known.
#[derive(Clone, Copy)]
struct Shape {
    fat_type: FatType,
    sector_size: SectorSize,
    cluster_size: ClusterSize,
    /// Least reserved sectors.
    reserved: u64,
    /// Sectors of the root directory of FAT16.
    root: u64,
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
        u64::from(self.sector_size.bytes()) / u64::from(self.fat_type.entry_len())
    }

    /// FAT sectors for `clusters` clusters and the two entries before them.
    fn fat_for(&self, clusters: u64) -> u64 {
        (clusters + 2).div_ceil(self.entries())
    }

    /// Least and most clusters.
    fn limits(&self) -> (u64, u64) {
        match self.fat_type {
            FatType::Fat16 => (MIN_CLUSTERS_16, MAX_CLUSTERS_16),
            FatType::Fat32 => (MIN_CLUSTERS, MAX_CLUSTERS),
        }
    }

    /// The smallest F whose table covers the clusters that remain behind `reserved` sectors (with
    /// the root directory, if that has its own) and both tables. With `E` entries per sector and `S` sectors per cluster:
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
    fn smallest_total(&self, clusters: u64, align: u64) -> u64 {
        let s = self.sectors_per_cluster();
        let start = self.reserved + FATS * self.fat_for(clusters) + self.root;
        start.next_multiple_of(self.sectors(align).max(s)) + clusters * s
    }
}

/// Alignments of the data area, from the best on. 1 MiB suits flash and every host file system;
/// 4 KiB still lets a host share blocks; a cluster is the least, and makes the number of clusters
/// grow with the volume without a step back, so that what fits a volume fits each larger one.
fn alignments(cluster_size: ClusterSize) -> [u64; 3] {
    [MIB, PAGE, u64::from(cluster_size.bytes())]
}

/// The cluster sizes to try, the best first, for a volume of so many bytes or, without one, for any.
fn sizes(options: &VolumeOptions, fat_type: FatType, volume: Option<u64>) -> Vec<ClusterSize> {
    if let Some(size) = options.cluster_size {
        return vec![size];
    }
    match (fat_type, options.fat) {
        (FatType::Fat32, _) => {
            volume.map_or(ClusterSize::KIB32, ClusterSize::by_table).downwards().collect()
        }
        // What needs larger ones is for FAT32.
        (FatType::Fat16, FatChoice::Smallest) => ClusterSize::KIB4.downwards().collect(),
        (FatType::Fat16, _) => UPWARDS.into_iter().chain(ClusterSize::KIB2.downwards()).collect(),
    }
}

/// From the default on.
const UPWARDS: [ClusterSize; 4] =
    [ClusterSize::KIB4, ClusterSize::KIB8, ClusterSize::KIB16, ClusterSize::KIB32];

/// The FAT types to try, the best first.
fn types(options: &VolumeOptions, needs: &Needs<'_>) -> Result<&'static [FatType], VolumeError> {
    let fat16 = if needs.root_slots > MAX_ROOT_SLOTS {
        Err(VolumeError::RootSlots { found: needs.root_slots, limit: MAX_ROOT_SLOTS })
    } else if options.boot_code.is_some() {
        Err(VolumeError::BootCode)
    } else {
        Ok(())
    };
    match (options.fat, fat16) {
        (FatChoice::Only(FatType::Fat32), _) | (FatChoice::Smallest, Err(_)) => {
            Ok(&[FatType::Fat32])
        }
        (FatChoice::Only(FatType::Fat16), fat16) => fat16.map(|()| [FatType::Fat16].as_slice()),
        (FatChoice::Smallest, Ok(())) => Ok(&[FatType::Fat16, FatType::Fat32]),
    }
}

/// Finds the geometry for content.
pub(crate) fn choose(options: &VolumeOptions, needs: &Needs<'_>) -> Result<Geometry, VolumeError> {
    match options.size {
        VolumeSize::Fit => fit(options, needs, MIB, &[MIB, PAGE]),
        VolumeSize::Tight => fit(options, needs, PAGE, &[PAGE]),
        VolumeSize::Bytes(bytes) => exactly(options, bytes, needs),
    }
}

fn shape(
    options: &VolumeOptions,
    needs: &Needs<'_>,
    fat_type: FatType,
    cluster_size: ClusterSize,
) -> Shape {
    let sector_size = options.sector_size;
    let (reserved, root) = match fat_type {
        FatType::Fat16 => {
            let bytes = needs.root_slots.max(ROOT_SLOTS) * SLOT_LEN;
            (1, bytes.div_ceil(u64::from(sector_size.bytes())))
        }
        FatType::Fat32 => (u64::from(options.reserved_floor()), 0),
    };
    Shape { fat_type, sector_size, cluster_size, reserved, root }
}

fn fit(
    options: &VolumeOptions,
    needs: &Needs<'_>,
    align: u64,
    steps: &[u64],
) -> Result<Geometry, VolumeError> {
    let types = types(options, needs)?;
    let sizes = options.cluster_size.map_or_else(|| UPWARDS.to_vec(), |size| vec![size]);
    let mut error = None;
    // The size comes first: FAT32 with the default one is better than FAT16 with a larger one.
    for size in sizes {
        for &fat_type in types {
            let needed = (needs.clusters)(fat_type, size);
            match fit_shape(&shape(options, needs, fat_type, size), needed, align, steps) {
                Ok(found) => return Ok(found),
                Err(refused) => error = Some(refused),
            }
        }
    }
    Err(error.unwrap_or(VolumeError::TooLarge { sectors: 0, limit: MAX_SECTORS }))
}

/// The shortest volume whose length is a multiple of the first of `steps`; of the next one where
/// rounding up makes too many clusters.
fn fit_shape(
    shape: &Shape,
    needed: u64,
    align: u64,
    steps: &[u64],
) -> Result<Geometry, VolumeError> {
    let (least, most) = shape.limits();
    let needed = needed.max(least);
    let mut clusters = needed;
    for step in steps {
        let step = shape.sectors(*step);
        let mut total = shape.smallest_total(needed, align).next_multiple_of(step);
        // Rounding up may have added a sector to the table and so moved the data area; one or two
        // steps make up for it.
        let found = loop {
            if total > MAX_SECTORS {
                return Err(VolumeError::TooLarge { sectors: total, limit: MAX_SECTORS });
            }
            match shape.layout(total, align) {
                Some(found) if u64::from(found.clusters) >= needed => break found,
                _ => total += step,
            }
        };
        clusters = found.clusters.into();
        if clusters <= most {
            return Ok(found);
        }
    }
    Err(too_many(clusters, shape))
}

fn exactly(
    options: &VolumeOptions,
    given: u64,
    needs: &Needs<'_>,
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
    let mut error = None;
    for &fat_type in types(options, needs)? {
        match exactly_as(options, fat_type, given, total, needs) {
            Ok(found) => return Ok(found),
            // What is too small for FAT16 is told so; what is too large for it is FAT32's matter.
            Err(refused) => match error {
                None | Some(VolumeError::TooManyClusters { .. }) => error = Some(refused),
                Some(_) => {}
            },
        }
    }
    Err(error.unwrap_or(VolumeError::TooLarge { sectors: total, limit: MAX_SECTORS }))
}

fn exactly_as(
    options: &VolumeOptions,
    fat_type: FatType,
    given: u64,
    total: u64,
    needs: &Needs<'_>,
) -> Result<Geometry, VolumeError> {
    let (mut too_few, mut most_clusters) = (None, None);
    for size in sizes(options, fat_type, Some(given)) {
        let needed = (needs.clusters)(fat_type, size);
        let shape = shape(options, needs, fat_type, size);
        let (least, most) = shape.limits();
        for align in alignments(size) {
            let Some(found) = shape.layout(total, align) else { continue };
            let clusters = u64::from(found.clusters);
            if clusters > most {
                if most_clusters.is_none_or(|(fewest, _)| clusters < fewest) {
                    most_clusters = Some((clusters, shape));
                }
                continue;
            }
            if clusters >= needed.max(least) {
                return Ok(found);
            }
            if clusters >= needed {
                too_few = Some((clusters, size, least));
            }
        }
    }
    let too_many = most_clusters.map(|(clusters, shape)| too_many(clusters, &shape));
    if let (Some(error), Some(_)) = (&too_many, options.cluster_size) {
        return Err(error.clone());
    }
    let smallest = smallest(options, needs)?;
    Err(match (too_few, too_many) {
        (_, Some(error)) if smallest <= given => error,
        (Some((clusters, size, limit)), _) => VolumeError::TooFewClusters {
            fat_type,
            given,
            clusters,
            cluster_size: size.bytes(),
            limit,
            smallest,
        },
        (None, _) => VolumeError::TooSmall { given, smallest },
    })
}

/// The smallest [`VolumeSize::Bytes`] that holds the content, in bytes.
pub(crate) fn smallest(options: &VolumeOptions, needs: &Needs<'_>) -> Result<u64, VolumeError> {
    let sector = u64::from(options.sector_size.bytes());
    let mut best = None;
    let mut error = VolumeError::TooLarge { sectors: u64::MAX, limit: MAX_SECTORS };
    for &fat_type in types(options, needs)? {
        for size in sizes(options, fat_type, None) {
            let shape = shape(options, needs, fat_type, size);
            let (least, most) = shape.limits();
            let clusters = (needs.clusters)(fat_type, size).max(least);
            let total = shape.smallest_total(clusters, 0);
            // Where the size follows from the table, a large cluster needs a volume large enough.
            let tabled = options.cluster_size.is_none() && fat_type == FatType::Fat32;
            let floor = if tabled { size.table_floor() } else { 0 };
            let total = total.max(floor.div_ceil(sector));
            if total > MAX_SECTORS {
                error = VolumeError::TooLarge { sectors: total, limit: MAX_SECTORS };
            } else if clusters > most {
                error = too_many(clusters, &shape);
            } else if best.is_none_or(|best| total < best) {
                best = Some(total);
            }
        }
    }
    best.map(|total| total * sector).ok_or(error)
}

fn too_many(clusters: u64, shape: &Shape) -> VolumeError {
    let (_, limit) = shape.limits();
    let cluster_size = shape.cluster_size.bytes();
    VolumeError::TooManyClusters { fat_type: shape.fat_type, clusters, cluster_size, limit }
}

#[cfg(test)]
#[path = "geometry_tests.rs"]
mod tests;
