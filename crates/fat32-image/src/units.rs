//! Sizes, FAT types and cluster numbers, each its own type.

use std::fmt;

/// Bytes per logical sector. It must be that of the drive the volume will lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum SectorSize {
    /// 512 bytes: every image file and nearly every removable drive; the only size BIOS boot code
    /// can start from.
    #[default]
    B512,
    /// 4096 bytes: drives that are called 4K native (4Kn). The smallest cluster is a sector, so
    /// that FAT32 begins at 257 MiB; it ends at 16 TiB.
    B4096,
}

/// A number that is no sector size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sectors of {found} bytes: they have 512 or 4096 bytes")]
pub struct SectorSizeError {
    /// The refused number of bytes.
    pub found: u32,
}

impl SectorSize {
    /// Takes a number of bytes, as a drive says it.
    ///
    /// # Errors
    /// [`SectorSizeError`]: neither 512 nor 4096. FAT could express 1024 and 2048, but there are no
    /// such drives.
    pub const fn new(bytes: u32) -> Result<Self, SectorSizeError> {
        match bytes {
            512 => Ok(Self::B512),
            4096 => Ok(Self::B4096),
            found => Err(SectorSizeError { found }),
        }
    }

    /// Bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::B512 => 512,
            Self::B4096 => 4096,
        }
    }

    /// The smallest and the largest cluster. One cannot be smaller than a sector. One of 64 KiB is
    /// for volumes of more than 8 TiB, which only large sectors can have.
    pub(crate) const fn cluster_sizes(self) -> (ClusterSize, ClusterSize) {
        match self {
            Self::B512 => (ClusterSize::B512, ClusterSize::KIB32),
            Self::B4096 => (ClusterSize::KIB4, ClusterSize::KIB64),
        }
    }
}

/// What the data area of a volume is aligned to, in bytes: a power of two, 4 KiB to 16 MiB.
///
/// Flash erases in blocks of some MiB; a volume whose data begins in the middle of one shares that
/// block with its FATs, which are rewritten often. 16 MiB is what the reserved sectors can always
/// make up for: their number has 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alignment(u32);

/// A number that is no alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an alignment of {found} bytes: it must be a power of two, 4096 to 16777216 bytes")]
pub struct AlignmentError {
    /// The refused number of bytes.
    pub found: u32,
}

impl Alignment {
    /// 1 MiB, where systems of today begin partitions.
    pub const MIB1: Self = Self(1 << 20);
    /// 4 MiB, the erase block of most sticks and cards.
    pub const MIB4: Self = Self(4 << 20);

    /// Checks a number of bytes.
    ///
    /// # Errors
    /// [`AlignmentError`]: not a power of two, or outside 4 KiB to 16 MiB.
    pub const fn new(bytes: u32) -> Result<Self, AlignmentError> {
        if bytes.is_power_of_two() && bytes >= 4096 && bytes <= 16 << 20 {
            Ok(Self(bytes))
        } else {
            Err(AlignmentError { found: bytes })
        }
    }

    /// Bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

/// The width of FAT entries, which follows from the number of clusters (Microsoft's FAT
/// specification, "FAT type determination").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FatType {
    /// 16 bits: 4,085 to 65,524 clusters, and a root directory of fixed length before them.
    Fat16,
    /// 28 bits: 65,525 clusters and more.
    #[default]
    Fat32,
}

impl FatType {
    /// Bytes of a FAT entry.
    pub(crate) const fn entry_len(self) -> u8 {
        match self {
            Self::Fat16 => 2,
            Self::Fat32 => 4,
        }
    }
}

impl fmt::Display for FatType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
        })
    }
}

const GIB: u64 = 1 << 30;

/// Bytes per cluster: a power of two, 512 to 65,536.
///
/// With sectors of 512 bytes it is at most 32 KiB: many readers and the Windows BIOS boot record
/// cannot follow 64 KiB. With sectors of 4096 bytes it is 4 KiB to 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterSize(u32);

/// A number that is no cluster size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cluster of {found} bytes: it must be 512, 1024, 2048, 4096, 8192, 16384, 32768 or 65536 bytes"
)]
pub struct ClusterSizeError {
    /// The refused number of bytes.
    pub found: u32,
}

impl ClusterSize {
    /// 512 bytes, the smallest.
    pub const B512: Self = Self(512);
    /// 2 KiB, a sector of a disc.
    pub const KIB2: Self = Self(2048);
    /// 4 KiB, the default of small volumes and the least at which host file systems share blocks.
    pub const KIB4: Self = Self(4096);
    /// 8 KiB.
    pub const KIB8: Self = Self(8192);
    /// 16 KiB.
    pub const KIB16: Self = Self(16_384);
    /// 32 KiB, the largest with sectors of 512 bytes.
    pub const KIB32: Self = Self(32_768);
    /// 64 KiB, for volumes of more than 8 TiB in sectors of 4096 bytes.
    pub const KIB64: Self = Self(65_536);

    /// Checks a number of bytes.
    ///
    /// # Errors
    /// [`ClusterSizeError`]: not a power of two, or outside 512 to 65,536.
    pub const fn new(bytes: u32) -> Result<Self, ClusterSizeError> {
        if bytes.is_power_of_two() && bytes >= Self::B512.0 && bytes <= Self::KIB64.0 {
            Ok(Self(bytes))
        } else {
            Err(ClusterSizeError { found: bytes })
        }
    }

    /// Bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }

    /// Half the size; `None` below 512 bytes.
    fn half(self) -> Option<Self> {
        Self::new(self.0 >> 1).ok()
    }

    /// This size and its halves, down to the least of the sector size.
    pub(crate) fn downwards(self, sector_size: SectorSize) -> impl Iterator<Item = Self> {
        let (least, _) = sector_size.cluster_sizes();
        std::iter::successors(Some(self), |size| size.half()).take_while(move |size| *size >= least)
    }

    /// Microsoft's table for FAT32 (KB140365) from 4 KiB on, by the bytes of the volume. Above 8 TiB,
    /// of which the table does not speak, clusters of 32 KiB are more than FAT32 can number.
    pub(crate) fn by_table(volume: u64) -> Self {
        match volume.div_ceil(GIB) {
            0..=8 => Self::KIB4,
            9..=16 => Self::KIB8,
            17..=32 => Self::KIB16,
            33..=8192 => Self::KIB32,
            _ => Self::KIB64,
        }
    }

    /// The least volume, in bytes, for which the table gives this size or more.
    pub(crate) fn table_floor(self) -> u64 {
        let largest_before: u64 = match self {
            Self::KIB8 => 8 * GIB,
            Self::KIB16 => 16 * GIB,
            Self::KIB32 => 32 * GIB,
            Self::KIB64 => 8192 * GIB,
            _ => return 0,
        };
        largest_before.saturating_add(1)
    }

    /// Clusters that `bytes` bytes fill.
    pub(crate) fn clusters_of(self, bytes: u64) -> u64 {
        bytes.div_ceil(u64::from(self.0))
    }
}

/// The number of a cluster; the first one is 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cluster(u32);

impl Cluster {
    /// Stands for "no cluster": the first cluster of an empty file, of `..` in a child of the root,
    /// and of the root of FAT16.
    pub(crate) const NONE: Self = Self(0);
    /// The first cluster of the data area; the root directory of FAT32 begins there.
    pub(crate) const FIRST: Self = Self(2);

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The cluster `count` after this one. Saturates; the geometry keeps numbers below 2^28.
    pub(crate) fn after(self, count: u64) -> Self {
        let sum = u64::from(self.0).saturating_add(count);
        Self(u32::try_from(sum).unwrap_or(u32::MAX))
    }
}

/// A length in memory as a 64-bit number; no system has longer ones.
pub(crate) fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_sizes() {
        for good in [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536] {
            assert_eq!(ClusterSize::new(good).unwrap().bytes(), good);
        }
        for bad in [0, 1, 256, 513, 3000, 131_072, u32::MAX] {
            assert_eq!(ClusterSize::new(bad), Err(ClusterSizeError { found: bad }));
        }
        assert_eq!(ClusterSize::B512.half(), None);
        assert_eq!(ClusterSize::KIB8.half(), Some(ClusterSize::KIB4));
        let down: Vec<u32> = ClusterSize::KIB16.downwards(SectorSize::B4096).map(|c| c.0).collect();
        assert_eq!(down, [16_384, 8192, 4096]);
        assert_eq!(ClusterSize::KIB32.downwards(SectorSize::B512).count(), 7);
    }

    #[test]
    fn sector_sizes_and_alignments() {
        for good in [512, 4096] {
            assert_eq!(SectorSize::new(good).unwrap().bytes(), good);
        }
        for found in [0, 511, 1024, 2048, 8192] {
            assert_eq!(SectorSize::new(found), Err(SectorSizeError { found }));
        }
        for good in [4096, 1 << 20, 4 << 20, 16 << 20] {
            assert_eq!(Alignment::new(good).unwrap().bytes(), good);
        }
        for found in [0, 1, 512, 5000, 3 << 20, 32 << 20] {
            assert_eq!(Alignment::new(found), Err(AlignmentError { found }));
        }
    }
}
