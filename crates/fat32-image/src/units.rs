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
}

impl SectorSize {
    /// Bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::B512 => 512,
        }
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

/// Bytes per cluster: a power of two, 512 to 32,768.
///
/// FAT can express 64 KiB too; many readers and the Windows BIOS boot record cannot follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterSize(u32);

/// A number that is no cluster size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cluster of {found} bytes: it must be 512, 1024, 2048, 4096, 8192, 16384 or 32768 bytes")]
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
    /// 32 KiB, the largest.
    pub const KIB32: Self = Self(32_768);

    /// Checks a number of bytes.
    ///
    /// # Errors
    /// [`ClusterSizeError`]: not a power of two, or outside 512 to 32,768.
    pub const fn new(bytes: u32) -> Result<Self, ClusterSizeError> {
        if bytes.is_power_of_two() && bytes >= Self::B512.0 && bytes <= Self::KIB32.0 {
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
    pub(crate) fn half(self) -> Option<Self> {
        Self::new(self.0 >> 1).ok()
    }

    /// This size and its halves, down to 512 bytes.
    pub(crate) fn downwards(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |size| size.half())
    }

    /// Microsoft's table for FAT32 (KB140365) from 4 KiB on, by the bytes of the volume.
    pub(crate) fn by_table(volume: u64) -> Self {
        match volume.div_ceil(GIB) {
            0..=8 => Self::KIB4,
            9..=16 => Self::KIB8,
            17..=32 => Self::KIB16,
            _ => Self::KIB32,
        }
    }

    /// The least volume, in bytes, for which the table gives this size or more.
    pub(crate) fn table_floor(self) -> u64 {
        let largest_before: u64 = match self {
            Self::KIB8 => 8 * GIB,
            Self::KIB16 => 16 * GIB,
            Self::KIB32 => 32 * GIB,
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
        for good in [512, 1024, 2048, 4096, 8192, 16_384, 32_768] {
            assert_eq!(ClusterSize::new(good).unwrap().bytes(), good);
        }
        for bad in [0, 1, 256, 513, 3000, 65_536, u32::MAX] {
            assert_eq!(ClusterSize::new(bad), Err(ClusterSizeError { found: bad }));
        }
        assert_eq!(ClusterSize::B512.half(), None);
        assert_eq!(ClusterSize::KIB8.half(), Some(ClusterSize::KIB4));
    }
}
