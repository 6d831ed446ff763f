//! What the boot sector of the volume says, as far as an update needs it.

use std::ops::Range;

use zerocopy::FromBytes;

use crate::disk::boot_sector::BootSector32;

use super::disk::Disk;
use super::error::UpdateError;

/// Byte of the state in the boot sector; bit 0 is set while the volume is in use.
pub(super) const STATE: usize = 0x41;
/// Byte of the signature that says whether there is a volume number alone (28h) or a label too (29h).
const EXTENSION: usize = 0x42;
/// Byte of the copy of the label in the boot sector.
pub(super) const BOOT_LABEL: usize = 0x47;
/// Least clusters of FAT32 by Microsoft's rule; below, 16 bits or fewer are meant.
const LEAST_32: u64 = 65_525;
/// Least clusters of FAT16.
const LEAST_16: u64 = 4_085;
/// Most clusters: numbers 2 to 0FFFFFF6h.
const MOST: u64 = 0x0FFF_FFF5;

/// True for a boot sector that has a label.
pub(super) fn has_label(sector: &[u8]) -> bool {
    sector.get(0x1FE..0x200) == Some(&[0x55, 0xAA]) && sector.get(EXTENSION) == Some(&0x29)
}

/// Where the parts of a FAT32 volume lie, in bytes of the volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) sector_size: u32,
    pub(super) cluster_size: u32,
    pub(super) fats: u32,
    pub(super) fat_len: u64,
    pub(super) fat_start: u64,
    pub(super) data_start: u64,
    pub(super) clusters: u32,
    pub(super) root: u32,
    /// Sectors of FSInfo and of the backup of the boot sector, where there are such.
    pub(super) fs_info: Option<u64>,
    pub(super) backup: Option<u64>,
    reserved_len: u64,
}

impl Layout {
    /// Reads and checks the boot sector.
    pub(super) fn read(disk: &Disk<'_>) -> Result<Self, UpdateError> {
        let unknown = |field, found, allowed| Err(UpdateError::Unknown { field, found, allowed });
        if disk.len() < 512 {
            return unknown("the length of its place in bytes", disk.len(), "a boot sector of 512");
        }
        let mut bytes = [0; 512];
        disk.read(0, &mut bytes)?;
        let Ok(boot) = BootSector32::read_from_bytes(&bytes) else {
            return unknown("boot sector", 0, "512 bytes");
        };
        let signature = u16::from_le_bytes(boot.signature);
        if signature != 0xAA55 {
            return unknown("the signature of the boot sector", signature.into(), "AA55h");
        }
        let start = &boot.start;
        let sector_size = u32::from(start.bytes_per_sector.get());
        if !matches!(sector_size, 512 | 1024 | 2048 | 4096) {
            return unknown("bytes per sector", sector_size.into(), "512, 1024, 2048 or 4096");
        }
        let per_cluster = u32::from(start.sectors_per_cluster);
        if !per_cluster.is_power_of_two() {
            return unknown("sectors per cluster", per_cluster.into(), "a power of two");
        }
        let reserved = u64::from(start.reserved_sectors.get());
        let fats = u32::from(start.fats);
        if reserved == 0 || !(1..=4).contains(&fats) {
            let (field, found) = match reserved {
                0 => ("reserved sectors", 0),
                _ => ("number of FATs", fats.into()),
            };
            return unknown(field, found, "1 or more, and not over 4 FATs");
        }
        let sector = u64::from(sector_size);
        let short = u64::from(start.fat_sectors_16.get());
        let total = match u32::from(start.total_sectors_16.get()) {
            0 => u64::from(start.total_sectors.get()),
            total => u64::from(total),
        };
        let fat_sectors = if short == 0 { u64::from(boot.fat_sectors.get()) } else { short };
        let root_len = u64::from(start.root_entries.get()).saturating_mul(32).div_ceil(sector);
        let tables = fat_sectors.saturating_mul(u64::from(fats));
        let before = reserved.saturating_add(tables).saturating_add(root_len);
        let clusters = total.saturating_sub(before).checked_div(per_cluster.into()).unwrap_or(0);
        if fat_sectors == 0 || clusters == 0 {
            return unknown("total sectors", total, "more than reserved sectors and FATs");
        }
        if short != 0 {
            // The width of the entries follows from the number of clusters; only FAT32 has no
            // 16-bit field for the length of its FATs.
            return match clusters {
                ..LEAST_16 => Err(UpdateError::NotFat32 { bits: 12, clusters }),
                LEAST_16..LEAST_32 => Err(UpdateError::NotFat32 { bits: 16, clusters }),
                _ => unknown("16-bit sectors per FAT", short, "0 with so many clusters"),
            };
        }
        let unsupported =
            |field, found, allowed| Err(UpdateError::Unsupported { field, found, allowed });
        let flags = u64::from(boot.ext_flags.get());
        if flags & 0x80 != 0 {
            return unsupported("extension flags (FATs that are not kept equal)", flags, "0");
        }
        let version = u64::from(boot.version.get());
        if version != 0 {
            return unsupported("version", version, "0");
        }
        let fixed_root = u64::from(start.root_entries.get());
        if fixed_root != 0 {
            return unsupported("root entries", fixed_root, "0");
        }
        let block = disk.block_size();
        if sector_size < block {
            return Err(UpdateError::SectorSize { found: sector_size, block });
        }
        if !disk.start().is_multiple_of(block.into()) {
            return Err(UpdateError::Unaligned { start: disk.start(), block });
        }
        let cluster_size = sector_size.saturating_mul(per_cluster);
        if cluster_size > 0x1_0000 {
            return unsupported("a cluster size of", cluster_size.into(), "at most 10000h bytes");
        }
        let claimed = total.saturating_mul(sector);
        if claimed > disk.len() {
            return Err(UpdateError::Truncated { claimed, there: disk.len() });
        }
        let entries = fat_sectors.saturating_mul(sector) / 4;
        if clusters > MOST || entries < clusters.saturating_add(2) {
            return unsupported("sectors per FAT", fat_sectors, "one that holds every cluster");
        }
        let inside = |number: u16| match u64::from(number) {
            0 | 0xFFFF => None,
            number => Some(number).filter(|number| *number < reserved),
        };
        let root = boot.root_cluster.get();
        let clusters = u32::try_from(clusters).unwrap_or(u32::MAX);
        if !(2..clusters.saturating_add(2)).contains(&root) {
            return unknown("root cluster", root.into(), "a cluster of the volume");
        }
        Ok(Self {
            sector_size,
            cluster_size,
            fats,
            fat_len: fat_sectors.saturating_mul(sector),
            fat_start: reserved.saturating_mul(sector),
            data_start: before.saturating_mul(sector),
            clusters,
            root,
            fs_info: inside(boot.fs_info_sector.get()),
            backup: inside(boot.backup_sector.get()),
            reserved_len: reserved.saturating_mul(sector),
        })
    }

    /// Bytes per sector.
    pub(super) fn sector(&self) -> u64 {
        u64::from(self.sector_size)
    }

    /// Bytes per cluster.
    pub(super) fn cluster(&self) -> u64 {
        u64::from(self.cluster_size)
    }

    /// Slots of 32 bytes in a sector.
    pub(super) fn slots_per_sector(&self) -> usize {
        usize::try_from(self.sector_size / 32).unwrap_or(16)
    }

    /// Slots of 32 bytes in a cluster.
    pub(super) fn slots_per_cluster(&self) -> usize {
        usize::try_from(self.cluster_size / 32).unwrap_or(16)
    }

    /// Clusters that `len` bytes fill.
    pub(super) fn clusters_of(&self, len: u64) -> u64 {
        len.div_ceil(self.cluster().max(1))
    }

    /// The number behind that of the last cluster.
    pub(super) fn end(&self) -> u32 {
        self.clusters.saturating_add(2)
    }

    /// True for the number of a cluster.
    pub(super) fn has(&self, cluster: u32) -> bool {
        (2..self.end()).contains(&cluster)
    }

    /// Byte at which a cluster begins.
    pub(super) fn cluster_start(&self, cluster: u32) -> u64 {
        let index = u64::from(cluster.saturating_sub(2));
        self.data_start.saturating_add(index.saturating_mul(self.cluster()))
    }

    /// The bytes of a run of clusters.
    pub(super) fn bytes_of(&self, run: &Range<u32>) -> Range<u64> {
        self.cluster_start(run.start)..self.cluster_start(run.end)
    }

    /// Byte at which a copy of the FAT begins, counted from 0.
    pub(super) fn fat(&self, copy: u32) -> u64 {
        self.fat_start.saturating_add(self.fat_len.saturating_mul(copy.into()))
    }

    /// Bytes of the places of FSInfo: the one that counts and its copy.
    pub(super) fn fs_infos(&self) -> impl Iterator<Item = u64> {
        let copy = self.fs_info.zip(self.backup).map(|(info, backup)| info.saturating_add(backup));
        let places = [self.fs_info, copy].into_iter().flatten();
        let (sector, end) = (self.sector(), self.reserved_len);
        places.map(move |number| number.saturating_mul(sector)).filter(move |at| *at < end)
    }

    /// Bytes of the boot sector and its backup.
    pub(super) fn boot_sectors(&self) -> impl Iterator<Item = u64> {
        let sector = self.sector();
        let backup = self.backup.map(|number| number.saturating_mul(sector));
        [Some(0), backup].into_iter().flatten()
    }
}
