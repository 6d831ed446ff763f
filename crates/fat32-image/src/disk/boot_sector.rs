//! Sector 0 and its backup (fat-format 2; Microsoft's FAT specification, "Boot sector and BPB").

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How the boot sector of every FAT type begins.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BootStart {
    /// A short jump to `boot_code`: `EB 58 90` on FAT32, `EB 3C 90` on FAT16, as every reader
    /// expects.
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
    /// Slots of the root directory; 0 on FAT32.
    pub(crate) root_entries: U16,
    /// Sectors of the volume, where 16 bits hold them; 0 on FAT32.
    pub(crate) total_sectors_16: U16,
    /// F8h: a fixed or partitioned drive.
    pub(crate) media: u8,
    /// Sectors of one FAT; 0 on FAT32: readers know it by that.
    pub(crate) fat_sectors_16: U16,
    /// 63.
    pub(crate) sectors_per_track: U16,
    /// 255.
    pub(crate) heads: U16,
    /// Sectors before the volume on its disk.
    pub(crate) hidden_sectors: U32,
    /// Sectors of the volume; 0 where `total_sectors_16` has them.
    pub(crate) total_sectors: U32,
}

const _: () = assert!(size_of::<BootStart>() == 0x24);
const _: () = assert!(offset_of!(BootStart, oem_name) == 0x03);
const _: () = assert!(offset_of!(BootStart, bytes_per_sector) == 0x0B);
const _: () = assert!(offset_of!(BootStart, sectors_per_cluster) == 0x0D);
const _: () = assert!(offset_of!(BootStart, reserved_sectors) == 0x0E);
const _: () = assert!(offset_of!(BootStart, fats) == 0x10);
const _: () = assert!(offset_of!(BootStart, root_entries) == 0x11);
const _: () = assert!(offset_of!(BootStart, total_sectors_16) == 0x13);
const _: () = assert!(offset_of!(BootStart, media) == 0x15);
const _: () = assert!(offset_of!(BootStart, fat_sectors_16) == 0x16);
const _: () = assert!(offset_of!(BootStart, sectors_per_track) == 0x18);
const _: () = assert!(offset_of!(BootStart, heads) == 0x1A);
const _: () = assert!(offset_of!(BootStart, hidden_sectors) == 0x1C);
const _: () = assert!(offset_of!(BootStart, total_sectors) == 0x20);

/// What every FAT type has before the boot code, each at another place.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Identity {
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
    /// `FAT16` or `FAT32`, padded with spaces.
    pub(crate) type_text: [u8; 8],
}

const _: () = assert!(size_of::<Identity>() == 0x1A);
const _: () = assert!(offset_of!(Identity, nt_state) == 0x01);

/// The boot sector of a FAT16 volume.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BootSector16 {
    pub(crate) start: BootStart,
    pub(crate) identity: Identity,
    /// What `jump` leads to.
    pub(crate) boot_code: [u8; 448],
    /// `55 AA`.
    pub(crate) signature: [u8; 2],
}

const _: () = assert!(size_of::<BootSector16>() == 512);
const _: () = assert!(offset_of!(BootSector16, identity.drive) == 0x24);
const _: () = assert!(offset_of!(BootSector16, identity.nt_state) == 0x25);
const _: () = assert!(offset_of!(BootSector16, identity.ext_signature) == 0x26);
const _: () = assert!(offset_of!(BootSector16, identity.volume_id) == 0x27);
const _: () = assert!(offset_of!(BootSector16, identity.label) == 0x2B);
const _: () = assert!(offset_of!(BootSector16, identity.type_text) == 0x36);
const _: () = assert!(offset_of!(BootSector16, boot_code) == 0x3E);
const _: () = assert!(offset_of!(BootSector16, signature) == 0x1FE);

/// The boot sector of a FAT32 volume.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BootSector32 {
    pub(crate) start: BootStart,
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
    pub(crate) identity: Identity,
    /// What `jump` leads to.
    pub(crate) boot_code: [u8; 420],
    /// `55 AA`.
    pub(crate) signature: [u8; 2],
}

const _: () = assert!(size_of::<BootSector32>() == 512);
const _: () = assert!(offset_of!(BootSector32, fat_sectors) == 0x24);
const _: () = assert!(offset_of!(BootSector32, ext_flags) == 0x28);
const _: () = assert!(offset_of!(BootSector32, version) == 0x2A);
const _: () = assert!(offset_of!(BootSector32, root_cluster) == 0x2C);
const _: () = assert!(offset_of!(BootSector32, fs_info_sector) == 0x30);
const _: () = assert!(offset_of!(BootSector32, backup_sector) == 0x32);
const _: () = assert!(offset_of!(BootSector32, reserved) == 0x34);
const _: () = assert!(offset_of!(BootSector32, identity.drive) == 0x40);
const _: () = assert!(offset_of!(BootSector32, identity.nt_state) == 0x41);
const _: () = assert!(offset_of!(BootSector32, identity.ext_signature) == 0x42);
const _: () = assert!(offset_of!(BootSector32, identity.volume_id) == 0x43);
const _: () = assert!(offset_of!(BootSector32, identity.label) == 0x47);
const _: () = assert!(offset_of!(BootSector32, identity.type_text) == 0x52);
const _: () = assert!(offset_of!(BootSector32, boot_code) == 0x5A);
const _: () = assert!(offset_of!(BootSector32, signature) == 0x1FE);
