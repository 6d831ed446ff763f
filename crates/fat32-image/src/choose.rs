//! Which geometry a volume gets: FAT type, cluster size and alignment, by the options and the content.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "u64 arithmetic over sector and cluster counts: a sector count has at most 55 bits, \
              divisors are constants or powers of two, and subtractions are guarded where they are"
)]

use crate::disk::dir_entry::SLOT_LEN;
use crate::error::VolumeError;
use crate::geometry::{Geometry, MAX_SECTORS, Shape};
use crate::request::{FatChoice, VolumeOptions, VolumeSize};
use crate::units::{ClusterSize, FatType, SectorSize};

/// Slots of a FAT16 root directory, unless more are needed: what every formatter writes.
const ROOT_SLOTS: u64 = 512;
/// What hosts share blocks by, and what drives of today write at once.
const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;

/// What content asks of a volume.
#[derive(Clone, Copy)]
pub(crate) struct Needs<'a> {
    /// Clusters that folders and files fill.
    pub(crate) clusters: &'a dyn Fn(FatType, ClusterSize) -> u64,
    /// Slots of the root folder.
    pub(crate) root_slots: u64,
}

/// Alignments of the data area, from the best on. 1 MiB suits flash and every host file system;
/// 4 KiB still lets a host share blocks; a cluster is the least, and makes the number of clusters
/// grow with the volume without a step back, so that what fits a volume fits each larger one.
fn alignments(options: &VolumeOptions, cluster_size: ClusterSize) -> Vec<u64> {
    match wanted(options) {
        Some(align) => vec![align],
        None => vec![MIB, PAGE, u64::from(cluster_size.bytes())],
    }
}

/// The alignment that was asked for, in bytes.
fn wanted(options: &VolumeOptions) -> Option<u64> {
    options.alignment.map(|alignment| alignment.bytes().into())
}

/// The cluster sizes to try, the best first, for a volume of so many bytes or, without one, for any.
fn sizes(options: &VolumeOptions, fat_type: FatType, volume: Option<u64>) -> Vec<ClusterSize> {
    if let Some(size) = options.cluster_size {
        return vec![size];
    }
    let sector_size = options.sector_size;
    let (_, largest) = sector_size.cluster_sizes();
    let down = |size: ClusterSize| size.downwards(sector_size);
    match (fat_type, options.fat) {
        (FatType::Fat32, _) => {
            down(volume.map_or(largest, ClusterSize::by_table).min(largest)).collect()
        }
        // What needs larger ones is for FAT32.
        (FatType::Fat16, FatChoice::Smallest) => down(ClusterSize::KIB4).collect(),
        (FatType::Fat16, _) => UPWARDS.into_iter().take(4).chain(down(ClusterSize::KIB2)).collect(),
    }
}

/// From the default on; the last one is for large sectors only.
const UPWARDS: [ClusterSize; 5] = [
    ClusterSize::KIB4,
    ClusterSize::KIB8,
    ClusterSize::KIB16,
    ClusterSize::KIB32,
    ClusterSize::KIB64,
];

/// Most slots of a FAT16 root directory: their number has 16 bits, and Linux takes only a number
/// that fills whole sectors.
fn most_root_slots(sector_size: SectorSize) -> u64 {
    let per_sector = u64::from(sector_size.bytes()) / SLOT_LEN;
    0xFFFF / per_sector * per_sector
}

/// The FAT types to try, the best first.
fn types(options: &VolumeOptions, needs: &Needs<'_>) -> Result<&'static [FatType], VolumeError> {
    let limit = most_root_slots(options.sector_size);
    let fat16 = if needs.root_slots > limit {
        Err(VolumeError::RootSlots { found: needs.root_slots, limit })
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
    contradictions(options)?;
    match options.size {
        VolumeSize::Fit => fit(options, needs, wanted(options).unwrap_or(MIB), &[MIB, PAGE]),
        VolumeSize::Tight => fit(options, needs, wanted(options).unwrap_or(PAGE), &[PAGE]),
        VolumeSize::Bytes(bytes) => exactly(options, bytes, needs),
    }
}

/// Options that no volume can have together.
fn contradictions(options: &VolumeOptions) -> Result<(), VolumeError> {
    let sector_size = options.sector_size;
    let (least, most) = sector_size.cluster_sizes();
    if let Some(size) = options.cluster_size.filter(|size| !(least..=most).contains(size)) {
        return Err(VolumeError::ClusterSize {
            cluster_size: size.bytes(),
            sector_size: sector_size.bytes(),
            least: least.bytes(),
            most: most.bytes(),
        });
    }
    if options.boot_code.is_some() && sector_size != SectorSize::B512 {
        return Err(VolumeError::BootCodeSectors { sector_size: sector_size.bytes() });
    }
    let start = u64::from(options.hidden_sectors) * u64::from(sector_size.bytes());
    match wanted(options).filter(|alignment| !start.is_multiple_of(*alignment)) {
        Some(alignment) => Err(VolumeError::Unaligned { start, alignment }),
        None => Ok(()),
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
    let (_, largest) = options.sector_size.cluster_sizes();
    let upwards = UPWARDS.into_iter().filter(|size| *size <= largest);
    let sizes = options.cluster_size.map_or_else(|| upwards.collect(), |size| vec![size]);
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
                Some(found) if u64::from(found.cluster_count()) >= needed => break found,
                _ => total += step,
            }
        };
        clusters = found.cluster_count().into();
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
        for align in alignments(options, size) {
            let Some(found) = shape.layout(total, align) else { continue };
            let clusters = u64::from(found.cluster_count());
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
    let smallest = match smallest(options, needs, 0)? {
        // Aligned, a larger volume may hold less: its FAT can move the data area on.
        found if found <= given && wanted(options).is_some() => smallest(options, needs, given)?,
        found => found,
    };
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

/// The smallest [`VolumeSize::Bytes`] of at least so many bytes that holds the content, in bytes.
pub(crate) fn smallest(
    options: &VolumeOptions,
    needs: &Needs<'_>,
    at_least: u64,
) -> Result<u64, VolumeError> {
    contradictions(options)?;
    let align = wanted(options).unwrap_or(0);
    let sector = u64::from(options.sector_size.bytes());
    let mut best = None;
    let mut error = VolumeError::TooLarge { sectors: u64::MAX, limit: MAX_SECTORS };
    for &fat_type in types(options, needs)? {
        for size in sizes(options, fat_type, None) {
            let shape = shape(options, needs, fat_type, size);
            let (least, most) = shape.limits();
            let clusters = (needs.clusters)(fat_type, size).max(least);
            let total = shape.smallest_total(clusters, align);
            // Where the size follows from the table, a large cluster needs a volume large enough.
            let tabled = options.cluster_size.is_none() && fat_type == FatType::Fat32;
            let floor = if tabled { size.table_floor() } else { 0 };
            let mut total = total.max(floor.max(at_least).div_ceil(sector));
            // One step makes up for a data area that moved on, and a second one for what that made
            // the FAT longer; without an alignment asked for none is needed.
            for _ in 0..2 {
                match shape.layout(total, align) {
                    Some(found) if u64::from(found.cluster_count()) >= clusters => break,
                    _ => total += shape.sectors(align),
                }
            }
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
#[path = "choose_tests.rs"]
mod tests;
