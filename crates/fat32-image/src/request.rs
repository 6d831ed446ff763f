//! What a volume is asked to be.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::label::Label;
use crate::units::{Alignment, ClusterSize, FatType, SectorSize};

/// How long the volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VolumeSize {
    /// The smallest volume with clusters of 4 KiB (or of the size asked for) that holds the tree,
    /// its data area on a multiple of 1 MiB, rounded up to whole MiB. At least 65,541 clusters,
    /// which makes 258 MiB at 4 KiB; as FAT16 at least 4,101, which makes 18 MiB.
    #[default]
    Fit,
    /// As [`Fit`](Self::Fit), but its data area on a multiple of 4 KiB (or of a larger cluster), and
    /// rounded up to 4 KiB only: no more clusters than the tree needs, or the FAT type asks for at
    /// least. For an image that lies in another one and is never written to, as on a disc.
    Tight,
    /// Exactly so many bytes: a multiple of the sector size.
    Bytes(u64),
}

/// Which FAT types may be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FatChoice {
    Only(FatType),
    /// FAT16 where it holds the tree, FAT32 otherwise.
    Smallest,
}

impl Default for FatChoice {
    fn default() -> Self {
        Self::Only(FatType::default())
    }
}

/// Everything about a volume that its tree does not say. The default: FAT32, [`VolumeSize::Fit`],
/// no label, volume id derived from the tree, not partitioned, not bootable by a BIOS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct VolumeOptions {
    pub(crate) size: VolumeSize,
    pub(crate) fat: FatChoice,
    pub(crate) sector_size: SectorSize,
    pub(crate) cluster_size: Option<ClusterSize>,
    pub(crate) alignment: Option<Alignment>,
    pub(crate) label: Option<Label>,
    pub(crate) volume_id: Option<u32>,
    pub(crate) hidden_sectors: u32,
    pub(crate) boot_code: Option<BootCode>,
    pub(crate) first_in_root: Vec<String>,
    pub(crate) last_in_root: Vec<String>,
}

impl VolumeOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the length of the volume. Default: [`VolumeSize::Fit`].
    pub fn with_size(self, size: VolumeSize) -> Self {
        Self { size, ..self }
    }

    /// Sets the FAT type. Default: [`FatType::Fat32`].
    ///
    /// FAT16 holds 65,508 clusters, thus 256 MiB in the 4 KiB ones of the default, at most 2 GiB; up
    /// to 65,520 slots in the root folder; and no [`BootCode`].
    pub fn with_fat_type(self, fat_type: FatType) -> Self {
        Self { fat: FatChoice::Only(fat_type), ..self }
    }

    /// Lets the content decide: FAT16 where clusters of the size asked for (4 KiB by default) hold
    /// it, FAT32 otherwise and with [`BootCode`]. The least clusters of FAT32 are 33 more than the
    /// most of FAT16: there is no content between the two that makes a volume much larger than
    /// itself. [`Geometry::fat_type`](crate::Geometry::fat_type) tells which it became.
    pub fn with_smallest_fat_type(self) -> Self {
        Self { fat: FatChoice::Smallest, ..self }
    }

    /// Sets the sector size. Default: 512 bytes. With 4096 bytes clusters have 4 KiB to 64 KiB,
    /// FAT32 begins at 257 MiB, [hidden sectors](Self::with_hidden_sectors) count 4096 bytes each,
    /// and there is no [`BootCode`].
    pub fn with_sector_size(self, sector_size: SectorSize) -> Self {
        Self { sector_size, ..self }
    }

    /// Sets the cluster size. Default for [`VolumeSize::Fit`] and [`VolumeSize::Tight`]: 4 KiB, or
    /// more where that is too small for a 2 TiB volume or for FAT16. Default for
    /// [`VolumeSize::Bytes`]: Microsoft's table (4 KiB up to 8 GiB, 8 KiB up to 16 GiB, 16 KiB up to
    /// 32 GiB, 32 KiB up to 8 TiB, 64 KiB above), and less where the volume would otherwise have under 65,541 clusters
    /// or not hold the tree; for FAT16 4 KiB, or what the length asks for.
    pub fn with_cluster_size(self, cluster_size: ClusterSize) -> Self {
        Self { cluster_size: Some(cluster_size), ..self }
    }

    /// Asks for a data area on a multiple of so many bytes, counted on the disk: the
    /// [hidden sectors](Self::with_hidden_sectors) must be a multiple of it too, otherwise the plan
    /// is refused. The reserved sectors take up the room.
    ///
    /// Without it, the data area of a [`VolumeSize::Fit`] begins on 1 MiB, of a
    /// [`VolumeSize::Tight`] on 4 KiB, of [`VolumeSize::Bytes`] on the best of 1 MiB, 4 KiB and a
    /// cluster with which the tree still fits; where the volume begins is not looked at.
    pub fn with_alignment(self, alignment: Alignment) -> Self {
        Self { alignment: Some(alignment), ..self }
    }

    /// Sets the label. Default: none.
    pub fn with_label(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Sets the volume id, shown as `HHHH-LLLL`. Default: derived from names, sizes and times of
    /// the tree and the label, so that equal trees have equal ids.
    pub fn with_volume_id(self, volume_id: u32) -> Self {
        Self { volume_id: Some(volume_id), ..self }
    }

    /// Sets the sectors that lie before the volume on its disk. Default: 0, a volume without a
    /// partition table. It must be the start of the partition where there is one: BIOS boot code
    /// adds it to every read.
    pub fn with_hidden_sectors(self, hidden_sectors: u32) -> Self {
        Self { hidden_sectors, ..self }
    }

    /// Sets the boot code, for FAT32 only. Default: code that hands over to the BIOS's next boot
    /// device.
    pub fn with_boot_code(self, boot_code: BootCode) -> Self {
        Self { boot_code: Some(boot_code), ..self }
    }

    /// Names the files and folders that come first in the root directory, in this order, behind the
    /// label. Default: none; the root has the order of the tree.
    ///
    /// An update in place replaces entries by rewriting the sector their slots are in. A sector of
    /// 512 bytes has 16 slots, of which the label takes one: names of the form 8.3 take one each,
    /// others one more for every 13 UTF-16 units. Names are compared ignoring case; those that the
    /// tree does not have are ignored. Where content lies does not depend on it.
    pub fn with_first_in_root(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { first_in_root: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Names the files and folders that come last in the root directory: those that updates in place
    /// never change. Default: none.
    ///
    /// Where they would leave less than half of the first sector of the root free, they begin the
    /// second, and what the other names leave of the first (slots that are marked as deleted) has room
    /// for names that an update adds and that later ones change together with those there. Names are
    /// compared ignoring case; those that the tree does not have are ignored, and where one is among
    /// [the first](Self::with_first_in_root) too, it is last.
    pub fn with_last_in_root(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { last_in_root: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// The least number of reserved sectors of a FAT32 volume.
    pub(crate) fn reserved_floor(&self) -> u32 {
        let sectors = self.boot_code.iter().flat_map(|code| code.sectors());
        let ends = sectors.map(|(sector, _)| sector.saturating_add(BACKUP).saturating_add(1));
        // 32 is what every formatter writes for FAT32, and what old readers were tested with.
        ends.max().unwrap_or(0).max(32)
    }
}

/// Sector of the backup boot sector; what lies in sectors 0, 1, 2 ... is repeated that much later.
pub(crate) const BACKUP: u32 = 6;
/// Sector of FSInfo.
pub(crate) const FS_INFO: u32 = 1;
/// Room for code in the boot sector, between the BPB and the signature.
pub(crate) const BOOT_CODE_ROOM: usize = 420;
/// Reserved sectors that boot code may use lie below this. The limit keeps the reserved area, whose
/// length has 16 bits, far from its end after alignment; known boot code uses sectors up to 14.
const BOOT_SECTOR_LIMIT: u32 = 16_384;

/// Code that a BIOS starts: the end of the boot sector, and further sectors of the reserved area.
/// Each is written twice, the second time in the backup six sectors later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootCode {
    code: Bytes,
    sectors: Vec<(u32, Bytes)>,
}

/// Why boot code does not fit a FAT32 volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootCodeError {
    /// Too long for the boot sector.
    #[error(
        "boot code of {found} bytes; the boot sector has room for {limit}: move the rest to a reserved sector"
    )]
    TooLong {
        /// Length of the code in bytes.
        found: usize,
        /// The room in bytes.
        limit: usize,
    },
    /// A further sector that is not one sector long.
    #[error("boot sector {sector} has {found} bytes, not 512")]
    SectorLength {
        /// Number of the sector.
        sector: u32,
        /// Length of its content in bytes.
        found: usize,
    },
    /// A further sector where another thing must be.
    #[error(
        "boot sector {sector} (copy at {copy}) collides with sector {with}; 0, 1, 6 and 7 are the boot sector, FSInfo and their copies"
    )]
    Collision {
        /// Number of the sector.
        sector: u32,
        /// Number of its copy.
        copy: u32,
        /// The sector that is taken already.
        with: u32,
    },
    /// A further sector too far inside the volume.
    #[error("boot sector {sector} is out of reach; it must be below {limit}")]
    OutOfReach {
        /// Number of the sector.
        sector: u32,
        /// The first number that is refused.
        limit: u32,
    },
}

impl BootCode {
    /// `code` goes to offset 5Ah of the boot sector, at most 420 bytes of it; each of `sectors`, 512
    /// bytes, to the sector of that number and to the one six later. The reserved area grows to
    /// cover them.
    ///
    /// # Errors
    /// [`BootCodeError`]: too long, or in the way of each other, of the boot sector, of FSInfo or
    /// of a copy.
    pub fn new(
        code: impl Into<Bytes>,
        mut sectors: Vec<(u32, Bytes)>,
    ) -> Result<Self, BootCodeError> {
        let code = code.into();
        if code.len() > BOOT_CODE_ROOM {
            return Err(BootCodeError::TooLong { found: code.len(), limit: BOOT_CODE_ROOM });
        }
        sectors.sort_by_key(|(sector, _)| *sector);
        let mut taken = BTreeSet::from([0, FS_INFO, BACKUP, BACKUP.saturating_add(FS_INFO)]);
        for (sector, bytes) in &sectors {
            let (sector, found) = (*sector, bytes.len());
            if sector >= BOOT_SECTOR_LIMIT {
                return Err(BootCodeError::OutOfReach { sector, limit: BOOT_SECTOR_LIMIT });
            }
            if bytes.len() != 512 {
                return Err(BootCodeError::SectorLength { sector, found });
            }
            let copy = sector.saturating_add(BACKUP);
            if let Some(with) = [sector, copy].into_iter().find(|place| !taken.insert(*place)) {
                return Err(BootCodeError::Collision { sector, copy, with });
            }
        }
        Ok(Self { code, sectors })
    }

    pub(crate) fn code(&self) -> &[u8] {
        &self.code
    }

    /// Sectors in order of their number.
    pub(crate) fn sectors(&self) -> &[(u32, Bytes)] {
        &self.sectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(number: u32) -> (u32, Bytes) {
        (number, Bytes::from(vec![0; 512]))
    }

    #[test]
    fn boot_code_limits() {
        assert!(BootCode::new(vec![0; 420], vec![]).is_ok());
        assert_eq!(
            BootCode::new(vec![0; 421], vec![]),
            Err(BootCodeError::TooLong { found: 421, limit: 420 })
        );
        assert!(BootCode::new(vec![], (2..6).map(sector).collect()).is_ok());
        for (sectors, sector, with) in [
            (vec![sector(0)], 0, 0),
            (vec![sector(1)], 1, 1),
            (vec![sector(6)], 6, 6),
            (vec![sector(7)], 7, 7),
            (vec![sector(8), sector(2)], 8, 8),
            (vec![sector(3), sector(3)], 3, 3),
        ] {
            let error = BootCode::new(vec![], sectors).unwrap_err();
            assert_eq!(error, BootCodeError::Collision { sector, copy: sector + 6, with });
        }
        assert_eq!(
            BootCode::new(vec![], vec![(2, Bytes::from_static(b"x"))]),
            Err(BootCodeError::SectorLength { sector: 2, found: 1 })
        );
        assert_eq!(
            BootCode::new(vec![], vec![sector(u32::MAX)]),
            Err(BootCodeError::OutOfReach { sector: u32::MAX, limit: 16_384 })
        );
    }

    #[test]
    fn the_reserved_area_covers_the_copies() {
        let options = VolumeOptions::new();
        assert_eq!(options.reserved_floor(), 32);
        let code = BootCode::new(vec![], vec![sector(40)]).unwrap();
        assert_eq!(options.with_boot_code(code).reserved_floor(), 47);
    }
}
