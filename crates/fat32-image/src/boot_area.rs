//! What lies before the first FAT: the boot sector and, on FAT32, FSInfo, further boot code and
//! copies of them all.

use std::collections::BTreeMap;

use bytes::Bytes;
use extent_image::PlanBuilder;
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32};

use crate::disk::boot_sector::{BootSector16, BootSector32, BootStart, Identity};
use crate::disk::fs_info::FsInfo;
use crate::error::VolumeError;
use crate::geometry::Geometry;
use crate::label::Label;
use crate::request::{BACKUP, BOOT_CODE_ROOM, FS_INFO, VolumeOptions};
use crate::role;
use crate::units::{Cluster, FatType};

/// Code for a volume that is not to be booted: int 18h, which hands over to the BIOS's next boot
/// device, then a halt for those that return.
const NO_BOOT: [u8; 5] = [0xCD, 0x18, 0xF4, 0xEB, 0xFD];
/// Ends every boot sector.
const SIGNATURE: [u8; 2] = [0x55, 0xAA];

/// What the reserved sectors say beside the geometry.
pub(crate) struct BootArea<'a> {
    pub(crate) options: &'a VolumeOptions,
    pub(crate) geometry: &'a Geometry,
    pub(crate) volume_id: u32,
    pub(crate) free_clusters: u32,
    pub(crate) first_free: Cluster,
}

impl BootArea<'_> {
    /// Everything up to the first FAT.
    pub(crate) fn put(&self, builder: &mut PlanBuilder) -> Result<(), VolumeError> {
        match self.geometry.fat_type() {
            FatType::Fat16 => {
                builder.bytes(role::BOOT_SECTOR, self.sector_16())?;
            }
            FatType::Fat32 => self.put_sectors_32(builder)?,
        }
        builder.zero_to(role::PADDING, self.geometry.fat_start(0))?;
        Ok(())
    }

    fn put_sectors_32(&self, builder: &mut PlanBuilder) -> Result<(), VolumeError> {
        let mut sectors: BTreeMap<u32, (&'static str, Bytes)> = BTreeMap::new();
        let code = self.options.boot_code.iter().flat_map(|code| code.sectors());
        let code = code.map(|(sector, bytes)| (*sector, role::BOOT_CODE, bytes.clone()));
        let fixed =
            [(0, role::BOOT_SECTOR, self.sector_32()), (FS_INFO, role::FS_INFO, self.fs_info())];
        for (sector, role, bytes) in code.chain(fixed) {
            sectors.insert(sector.saturating_add(BACKUP), (role, bytes.clone()));
            sectors.insert(sector, (role, bytes));
        }
        for (sector, (role, bytes)) in sectors {
            let start = u64::from(sector).saturating_mul(u64::from(self.geometry.sector_size()));
            builder.zero_to(role::PADDING, start)?;
            builder.bytes(role, bytes)?;
        }
        Ok(())
    }

    fn fs_info(&self) -> Bytes {
        let next_free =
            if self.free_clusters > 0 { self.first_free.number() } else { FsInfo::UNKNOWN };
        Bytes::copy_from_slice(FsInfo::new(self.free_clusters, next_free).as_bytes())
    }

    fn sector_16(&self) -> Bytes {
        // At most 256: 65,510 entries of 2 bytes.
        let fat_sectors = u16::try_from(self.geometry.fat_sectors()).unwrap_or(u16::MAX);
        let total = self.geometry.total_sectors();
        // The field of 32 bits is for what does not fit the one of 16.
        let (total_16, total_32) = u16::try_from(total).map_or((0, total), |total| (total, 0));
        let sector = BootSector16 {
            start: BootStart {
                total_sectors_16: U16::new(total_16),
                fat_sectors_16: U16::new(fat_sectors),
                ..self.start([0xEB, 0x3C, 0x90], total_32)
            },
            identity: self.identity(*b"FAT16   "),
            boot_code: filled(&NO_BOOT),
            signature: SIGNATURE,
        };
        Bytes::copy_from_slice(sector.as_bytes())
    }

    fn sector_32(&self) -> Bytes {
        let code = self.options.boot_code.as_ref().map_or(NO_BOOT.as_slice(), |code| code.code());
        let sector = BootSector32 {
            start: self.start([0xEB, 0x58, 0x90], self.geometry.total_sectors()),
            fat_sectors: U32::new(self.geometry.fat_sectors()),
            ext_flags: U16::ZERO,
            version: U16::ZERO,
            root_cluster: U32::new(Cluster::FIRST.number()),
            fs_info_sector: U16::new(1),
            backup_sector: U16::new(6),
            reserved: [0; 12],
            identity: self.identity(*b"FAT32   "),
            boot_code: filled::<BOOT_CODE_ROOM>(code),
            signature: SIGNATURE,
        };
        Bytes::copy_from_slice(sector.as_bytes())
    }

    /// The start of a boot sector, its fields of 16 bits for FAT16 zero.
    fn start(&self, jump: [u8; 3], total_sectors: u32) -> BootStart {
        let sector_size = u16::try_from(self.geometry.sector_size()).unwrap_or(u16::MAX);
        BootStart {
            jump,
            oem_name: *b"MSWIN4.1",
            bytes_per_sector: U16::new(sector_size),
            sectors_per_cluster: self.geometry.sectors_per_cluster(),
            reserved_sectors: U16::new(self.geometry.reserved_sectors()),
            fats: 2,
            root_entries: U16::new(self.geometry.root_entries()),
            total_sectors_16: U16::ZERO,
            media: 0xF8,
            fat_sectors_16: U16::ZERO,
            sectors_per_track: U16::new(63),
            heads: U16::new(255),
            hidden_sectors: U32::new(self.options.hidden_sectors),
            total_sectors: U32::new(total_sectors),
        }
    }

    fn identity(&self, type_text: [u8; 8]) -> Identity {
        Identity {
            drive: 0x80,
            nt_state: 0,
            ext_signature: 0x29,
            volume_id: U32::new(self.volume_id),
            label: self.options.label.map_or(Label::NO_NAME, |label| label.padded()),
            type_text,
        }
    }
}

/// Code at the start, zeros behind it. What is longer than the room was refused.
fn filled<const ROOM: usize>(code: &[u8]) -> [u8; ROOM] {
    let mut room = [0; ROOM];
    for (slot, byte) in room.iter_mut().zip(code) {
        *slot = *byte;
    }
    room
}
