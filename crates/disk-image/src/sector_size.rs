//! What a disk counts in.

/// Bytes of a logical block: what partition tables, and the file system in a partition, count in.
///
/// Drives with blocks of 4096 bytes that pretend to have blocks of 512 (512e) count in 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SectorSize {
    /// 512 bytes: nearly every drive, and every image that a PC BIOS is to start.
    #[default]
    B512,
    /// 4096 bytes (4Kn).
    B4096,
}

impl SectorSize {
    /// Bytes of a sector.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::B512 => 512,
            Self::B4096 => 4096,
        }
    }
}

impl TryFrom<u32> for SectorSize {
    type Error = UnknownSectorSize;

    fn try_from(bytes: u32) -> Result<Self, UnknownSectorSize> {
        match bytes {
            512 => Ok(Self::B512),
            4096 => Ok(Self::B4096),
            found => Err(UnknownSectorSize { found }),
        }
    }
}

/// A sector size that no media is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sectors of {found} bytes; 512 and 4096 are supported")]
pub struct UnknownSectorSize {
    /// The size in bytes.
    pub found: u32,
}
