//! Sizes and cluster numbers, each its own type.

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

    /// Clusters that `bytes` bytes fill.
    pub(crate) fn clusters_of(self, bytes: u64) -> u64 {
        bytes.div_ceil(u64::from(self.0))
    }
}

/// The number of a cluster; the first one is 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cluster(u32);

impl Cluster {
    /// Stands for "no cluster": the first cluster of an empty file, and of `..` in a child of the
    /// root.
    pub(crate) const NONE: Self = Self(0);
    /// The first cluster of the data area, where the root directory begins.
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
