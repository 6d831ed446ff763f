//! Partition tables in the system area, and the first sector of a FAT volume: what firmware sees
//! that takes the image for a disk (UEFI 2.11, 5.2 and 5.3). All numbers are little-endian.

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Bytes of a block of the disk. Images are disks of such blocks, whatever the sectors of a disc.
pub(crate) const BLOCK: u64 = 512;
/// Last two bytes of a master boot record and of the first sector of a FAT volume.
pub(crate) const SIGNATURE: [u8; 2] = [0x55, 0xAA];
/// Where the four partitions of a master boot record are.
pub(crate) const PARTITIONS: usize = 446;
/// Type of the partition that keeps others away from a GUID partition table.
pub(crate) const PROTECTIVE: u8 = 0xEE;
/// First bytes of the header of a GUID partition table.
pub(crate) const GPT: [u8; 8] = *b"EFI PART";
/// Revision 1.0, the only one.
pub(crate) const GPT_REVISION: u32 = 0x0001_0000;

/// A partition of a master boot record.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct MbrPartition {
    /// 80: active.
    pub(crate) status: u8,
    pub(crate) first_chs: [u8; 3],
    pub(crate) kind: u8,
    pub(crate) last_chs: [u8; 3],
    pub(crate) first: U32,
    pub(crate) blocks: U32,
}

const _: () = assert!(size_of::<MbrPartition>() == 16);
const _: () = assert!(offset_of!(MbrPartition, kind) == 4);
const _: () = assert!(offset_of!(MbrPartition, blocks) == 12);

/// Header of a GUID partition table.
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct GptHeader {
    pub(crate) signature: [u8; 8],
    pub(crate) revision: U32,
    /// Bytes of the header that its CRC covers.
    pub(crate) size: U32,
    /// With zero in its own place.
    pub(crate) crc: U32,
    pub(crate) reserved: U32,
    pub(crate) own: U64,
    pub(crate) other: U64,
    pub(crate) first_usable: U64,
    pub(crate) last_usable: U64,
    pub(crate) disk: [u8; 16],
    pub(crate) entries: U64,
    pub(crate) count: U32,
    pub(crate) entry_size: U32,
    pub(crate) entries_crc: U32,
}

const _: () = assert!(size_of::<GptHeader>() == 92);
const _: () = assert!(offset_of!(GptHeader, crc) == 16);
const _: () = assert!(offset_of!(GptHeader, own) == 24);
const _: () = assert!(offset_of!(GptHeader, disk) == 56);
const _: () = assert!(offset_of!(GptHeader, entries_crc) == 88);

/// What all partitions of a GUID partition table begin with.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct GptPartition {
    /// All zero: not in use.
    pub(crate) kind: [u8; 16],
    pub(crate) id: [u8; 16],
    pub(crate) first: U64,
    /// Belongs to the partition.
    pub(crate) last: U64,
}

const _: () = assert!(size_of::<GptPartition>() == 48);
const _: () = assert!(offset_of!(GptPartition, first) == 32);

/// What is needed of the first sector of a FAT volume.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct FatHead {
    pub(crate) jump: [u8; 3],
    pub(crate) oem: [u8; 8],
    pub(crate) bytes_per_sector: U16,
    pub(crate) sectors_per_cluster: u8,
    pub(crate) reserved: U16,
    pub(crate) fats: u8,
    pub(crate) root_entries: U16,
    /// 0: see `more_sectors`.
    pub(crate) sectors: U16,
    pub(crate) media: u8,
    pub(crate) sectors_per_fat: U16,
    pub(crate) geometry: [u8; 8],
    pub(crate) more_sectors: U32,
}

const _: () = assert!(size_of::<FatHead>() == 36);
const _: () = assert!(offset_of!(FatHead, bytes_per_sector) == 11);
const _: () = assert!(offset_of!(FatHead, sectors) == 19);
const _: () = assert!(offset_of!(FatHead, more_sectors) == 32);
