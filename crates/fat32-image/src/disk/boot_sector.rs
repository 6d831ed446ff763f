//! Sector 0 and its backup (fat-format 2).

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The boot sector of a FAT32 volume.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BootSector {
    /// `EB 58 90`: a short jump to `boot_code`, as every reader expects of FAT32.
    pub(crate) jump: [u8; 3],
    /// `MSWIN4.1`, the one that old readers treat best.
    pub(crate) oem_name: [u8; 8],
    /// 512, 1024, 2048 or 4096.
    pub(crate) bytes_per_sector: U16,
    /// A power of two, 1 to 64 here.
    pub(crate) sectors_per_cluster: u8,
    /// Sectors before the first FAT.
    pub(crate) reserved_sectors: U16,
    /// 2.
    pub(crate) fats: u8,
    /// 0 on FAT32.
    pub(crate) root_entries: U16,
    /// 0 on FAT32.
    pub(crate) total_sectors_16: U16,
    /// F8h: a fixed or partitioned drive.
    pub(crate) media: u8,
    /// 0; readers know FAT32 by it.
    pub(crate) fat_sectors_16: U16,
    /// 63.
    pub(crate) sectors_per_track: U16,
    /// 255.
    pub(crate) heads: U16,
    /// Sectors before the volume on its disk.
    pub(crate) hidden_sectors: U32,
    /// Sectors of the volume.
    pub(crate) total_sectors: U32,
    /// Sectors of one FAT.
    pub(crate) fat_sectors: U32,
    /// 0: both FATs are kept equal.
    pub(crate) ext_flags: U16,
    /// 0.
    pub(crate) version: U16,
    /// 2.
    pub(crate) root_cluster: U32,
    /// 1.
    pub(crate) fs_info_sector: U16,
    /// 6.
    pub(crate) backup_sector: U16,
    /// 0.
    pub(crate) reserved: [u8; 12],
    /// 80h; the Windows boot record takes its drive from here.
    pub(crate) drive: u8,
    /// 0: clean.
    pub(crate) nt_state: u8,
    /// 29h: id, label and type follow.
    pub(crate) ext_signature: u8,
    /// Shown as `HHHH-LLLL`.
    pub(crate) volume_id: U32,
    /// Copy of the label slot, or `NO NAME`.
    pub(crate) label: [u8; 11],
    /// `FAT32`, padded with spaces.
    pub(crate) type_text: [u8; 8],
    /// What `jump` leads to.
    pub(crate) boot_code: [u8; 420],
    /// `55 AA`.
    pub(crate) signature: [u8; 2],
}

const _: () = assert!(size_of::<BootSector>() == 512);
const _: () = assert!(offset_of!(BootSector, oem_name) == 0x03);
const _: () = assert!(offset_of!(BootSector, bytes_per_sector) == 0x0B);
const _: () = assert!(offset_of!(BootSector, sectors_per_cluster) == 0x0D);
const _: () = assert!(offset_of!(BootSector, reserved_sectors) == 0x0E);
const _: () = assert!(offset_of!(BootSector, fats) == 0x10);
const _: () = assert!(offset_of!(BootSector, root_entries) == 0x11);
const _: () = assert!(offset_of!(BootSector, total_sectors_16) == 0x13);
const _: () = assert!(offset_of!(BootSector, media) == 0x15);
const _: () = assert!(offset_of!(BootSector, fat_sectors_16) == 0x16);
const _: () = assert!(offset_of!(BootSector, sectors_per_track) == 0x18);
const _: () = assert!(offset_of!(BootSector, heads) == 0x1A);
const _: () = assert!(offset_of!(BootSector, hidden_sectors) == 0x1C);
const _: () = assert!(offset_of!(BootSector, total_sectors) == 0x20);
const _: () = assert!(offset_of!(BootSector, fat_sectors) == 0x24);
const _: () = assert!(offset_of!(BootSector, ext_flags) == 0x28);
const _: () = assert!(offset_of!(BootSector, version) == 0x2A);
const _: () = assert!(offset_of!(BootSector, root_cluster) == 0x2C);
const _: () = assert!(offset_of!(BootSector, fs_info_sector) == 0x30);
const _: () = assert!(offset_of!(BootSector, backup_sector) == 0x32);
const _: () = assert!(offset_of!(BootSector, reserved) == 0x34);
const _: () = assert!(offset_of!(BootSector, drive) == 0x40);
const _: () = assert!(offset_of!(BootSector, nt_state) == 0x41);
const _: () = assert!(offset_of!(BootSector, ext_signature) == 0x42);
const _: () = assert!(offset_of!(BootSector, volume_id) == 0x43);
const _: () = assert!(offset_of!(BootSector, label) == 0x47);
const _: () = assert!(offset_of!(BootSector, type_text) == 0x52);
const _: () = assert!(offset_of!(BootSector, boot_code) == 0x5A);
const _: () = assert!(offset_of!(BootSector, signature) == 0x1FE);
