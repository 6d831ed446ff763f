//! The value of a device element (wim-format 4.3): the object with its options, then a record of
//! the device, which for a RAM disk holds a second one.

use std::mem::offset_of;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The start of every record of a device; what follows depends on `kind`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct DeviceHead {
    /// One of [`kind`].
    pub(crate) kind: U32,
    /// 1 for a RAM disk, else 0.
    pub(crate) flags: U32,
    /// Bytes of the record, this head included.
    pub(crate) len: U32,
    /// 0.
    pub(crate) reserved: U32,
}

const _: () = assert!(size_of::<DeviceHead>() == 16);
const _: () = assert!(offset_of!(DeviceHead, flags) == 4);
const _: () = assert!(offset_of!(DeviceHead, len) == 8);
const _: () = assert!(offset_of!(DeviceHead, reserved) == 12);

/// Values of `DeviceHead::kind`.
pub(crate) mod kind {
    /// A block device that `BlockHead` tells more of.
    pub(crate) const BLOCK: u32 = 0;
    /// What the boot manager was started from.
    pub(crate) const BOOT: u32 = 5;
    /// A partition.
    pub(crate) const PARTITION: u32 = 6;
}

/// After the head of a partition.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PartitionBody {
    /// GPT: the partition's GUID. MBR: its first byte on the disk, then eight zeros.
    pub(crate) partition: [u8; 16],
    pub(crate) reserved: U32,
    /// 0: GPT, 1: MBR.
    pub(crate) scheme: U32,
    /// GPT: the disk's GUID. MBR: its signature, then zeros.
    pub(crate) disk: [u8; 16],
    pub(crate) spare: [u8; 16],
}

const _: () = assert!(size_of::<PartitionBody>() == 0x38);
const _: () = assert!(offset_of!(PartitionBody, reserved) == 0x10);
const _: () = assert!(offset_of!(PartitionBody, scheme) == 0x14);
const _: () = assert!(offset_of!(PartitionBody, disk) == 0x18);
const _: () = assert!(offset_of!(PartitionBody, spare) == 0x28);

/// After the head of a RAM disk. The record of the file's device follows, then its path.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct RamDiskBody {
    /// 3: a RAM disk.
    pub(crate) block_kind: U32,
    /// Filled when it starts: 0.
    pub(crate) image_base: U64,
    pub(crate) image_len: U64,
    pub(crate) image_offset: U32,
    /// 1.
    pub(crate) file_version: U32,
    /// Bytes from `file_version` to the end of the path.
    pub(crate) file_len: U32,
    /// 5: a device and a path on it.
    pub(crate) file_kind: U32,
}

const _: () = assert!(size_of::<RamDiskBody>() == 0x24);
const _: () = assert!(offset_of!(RamDiskBody, image_base) == 0x04);
const _: () = assert!(offset_of!(RamDiskBody, image_len) == 0x0C);
const _: () = assert!(offset_of!(RamDiskBody, image_offset) == 0x14);
const _: () = assert!(offset_of!(RamDiskBody, file_version) == 0x18);
const _: () = assert!(offset_of!(RamDiskBody, file_len) == 0x1C);
const _: () = assert!(offset_of!(RamDiskBody, file_kind) == 0x20);

impl RamDiskBody {
    pub(crate) const BLOCK_KIND: u32 = 3;
    pub(crate) const FILE_VERSION: u32 = 1;
    pub(crate) const FILE_KIND: u32 = 5;
    /// Bytes before `file_version`.
    pub(crate) const BEFORE_FILE: usize = offset_of!(Self, file_version);
    /// Bytes from there to the record of the file's device.
    pub(crate) const FILE_HEAD: usize = size_of::<Self>() - Self::BEFORE_FILE;
}

/// Bytes of the record of a RAM disk before that of its file's device.
pub(crate) const RAM_DISK_HEAD: usize = size_of::<DeviceHead>() + size_of::<RamDiskBody>();
/// Bytes of the record of a partition, and of the boot device, which has zeros for a partition.
pub(crate) const VOLUME: usize = size_of::<DeviceHead>() + size_of::<PartitionBody>();
