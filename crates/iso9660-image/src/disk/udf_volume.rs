//! UDF descriptors of the volume as a whole, one sector each (ECMA-167 2/9 and 3/10; UDF 1.02, 2.2).

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::udf_basic::{CharacterSet, EntityId, LongAd, Tag, Time, VolumeExtent};

/// Identifiers of the three sectors by which a volume is known (ECMA-167 2/9).
pub(crate) const RECOGNITION: [[u8; 5]; 3] = [*b"BEA01", *b"NSR02", *b"TEA01"];
/// Where readers look for an anchor first.
pub(crate) const ANCHOR_LBA: u32 = 256;
/// Tag of a primary volume descriptor.
pub(crate) const PRIMARY: u16 = 1;
/// Tag of an anchor volume descriptor pointer.
pub(crate) const ANCHOR: u16 = 2;
/// Tag of an implementation use volume descriptor.
pub(crate) const IMPLEMENTATION_USE: u16 = 4;
/// Tag of a partition descriptor.
pub(crate) const PARTITION: u16 = 5;
/// Tag of a logical volume descriptor.
pub(crate) const LOGICAL_VOLUME: u16 = 6;
/// Tag of an unallocated space descriptor.
pub(crate) const UNALLOCATED_SPACE: u16 = 7;
/// Tag of a terminating descriptor.
pub(crate) const TERMINATING: u16 = 8;
/// Tag of a logical volume integrity descriptor.
pub(crate) const INTEGRITY: u16 = 9;
/// Identifier of the domain.
pub(crate) const DOMAIN: &[u8] = b"*OSTA UDF Compliant";
/// Identifier of UDF's implementation use volume descriptor.
pub(crate) const VOLUME_INFO: &[u8] = b"*UDF LV Info";
/// Contents of a partition of NSR02.
pub(crate) const NSR02: &[u8] = b"+NSR02";
/// Access type of a partition that is only read.
pub(crate) const READ_ONLY: u32 = 1;
/// State of a volume that was left in order.
pub(crate) const CLOSED: u32 = 1;

/// A sector of the recognition sequence.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Recognition {
    pub(crate) kind: u8,
    pub(crate) id: [u8; 5],
    pub(crate) version: u8,
    pub(crate) data: [u8; 2041],
}

const _: () = assert!(size_of::<Recognition>() == 2048);
const _: () = assert!(offset_of!(Recognition, version) == 6);

/// Anchor volume descriptor pointer (3/10.2).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Anchor {
    pub(crate) tag: Tag,
    pub(crate) main: VolumeExtent,
    pub(crate) reserve: VolumeExtent,
    pub(crate) reserved: [u8; 480],
}

const _: () = assert!(size_of::<Anchor>() == 512);
const _: () = assert!(offset_of!(Anchor, reserve) == 24);

/// Primary volume descriptor (3/10.1).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Primary {
    pub(crate) tag: Tag,
    pub(crate) sequence: U32,
    pub(crate) number: U32,
    pub(crate) volume_id: [u8; 32],
    pub(crate) volume_sequence: U16,
    pub(crate) max_volume_sequence: U16,
    pub(crate) interchange: U16,
    pub(crate) max_interchange: U16,
    pub(crate) character_sets: U32,
    pub(crate) max_character_sets: U32,
    /// The first 16 characters tell this volume set from all others.
    pub(crate) volume_set_id: [u8; 128],
    pub(crate) descriptor_set: CharacterSet,
    pub(crate) explanatory_set: CharacterSet,
    pub(crate) abstract_extent: VolumeExtent,
    pub(crate) copyright_extent: VolumeExtent,
    pub(crate) application: EntityId,
    pub(crate) time: Time,
    pub(crate) implementation: EntityId,
    pub(crate) implementation_use: [u8; 64],
    pub(crate) predecessor: U32,
    pub(crate) flags: U16,
    pub(crate) reserved: [u8; 22],
}

const _: () = assert!(size_of::<Primary>() == 512);
const _: () = assert!(offset_of!(Primary, volume_id) == 24);
const _: () = assert!(offset_of!(Primary, volume_sequence) == 56);
const _: () = assert!(offset_of!(Primary, volume_set_id) == 72);
const _: () = assert!(offset_of!(Primary, descriptor_set) == 200);
const _: () = assert!(offset_of!(Primary, abstract_extent) == 328);
const _: () = assert!(offset_of!(Primary, application) == 344);
const _: () = assert!(offset_of!(Primary, time) == 376);
const _: () = assert!(offset_of!(Primary, implementation) == 388);
const _: () = assert!(offset_of!(Primary, predecessor) == 484);

/// Implementation use volume descriptor with UDF's logical volume information (UDF 1.02, 2.2.7).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct VolumeInfo {
    pub(crate) tag: Tag,
    pub(crate) sequence: U32,
    pub(crate) id: EntityId,
    pub(crate) character_set: CharacterSet,
    pub(crate) logical_volume_id: [u8; 128],
    pub(crate) info: [[u8; 36]; 3],
    pub(crate) implementation: EntityId,
    pub(crate) implementation_use: [u8; 128],
}

const _: () = assert!(size_of::<VolumeInfo>() == 512);
const _: () = assert!(offset_of!(VolumeInfo, character_set) == 52);
const _: () = assert!(offset_of!(VolumeInfo, info) == 244);
const _: () = assert!(offset_of!(VolumeInfo, implementation) == 352);

/// Partition descriptor (3/10.5).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Partition {
    pub(crate) tag: Tag,
    pub(crate) sequence: U32,
    /// 1: allocated.
    pub(crate) flags: U16,
    pub(crate) number: U16,
    pub(crate) contents: EntityId,
    pub(crate) contents_use: [u8; 128],
    pub(crate) access: U32,
    pub(crate) start: U32,
    /// Sectors.
    pub(crate) len: U32,
    pub(crate) implementation: EntityId,
    pub(crate) implementation_use: [u8; 128],
    pub(crate) reserved: [u8; 156],
}

const _: () = assert!(size_of::<Partition>() == 512);
const _: () = assert!(offset_of!(Partition, contents) == 24);
const _: () = assert!(offset_of!(Partition, access) == 184);
const _: () = assert!(offset_of!(Partition, start) == 188);
const _: () = assert!(offset_of!(Partition, len) == 192);

/// Logical volume descriptor (3/10.6) without its partition maps.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LogicalVolume {
    pub(crate) tag: Tag,
    pub(crate) sequence: U32,
    pub(crate) character_set: CharacterSet,
    pub(crate) id: [u8; 128],
    pub(crate) block_size: U32,
    pub(crate) domain: EntityId,
    /// Where the file set descriptor is.
    pub(crate) file_set: LongAd,
    /// Bytes of all maps.
    pub(crate) maps_len: U32,
    pub(crate) maps: U32,
    pub(crate) implementation: EntityId,
    pub(crate) implementation_use: [u8; 128],
    pub(crate) integrity: VolumeExtent,
}

const _: () = assert!(size_of::<LogicalVolume>() == 440);
const _: () = assert!(offset_of!(LogicalVolume, id) == 84);
const _: () = assert!(offset_of!(LogicalVolume, block_size) == 212);
const _: () = assert!(offset_of!(LogicalVolume, file_set) == 248);
const _: () = assert!(offset_of!(LogicalVolume, maps_len) == 264);
const _: () = assert!(offset_of!(LogicalVolume, integrity) == 432);

/// A partition map of type 1 (3/10.7.2): blocks are counted from the start of a partition.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PartitionMap {
    pub(crate) kind: u8,
    pub(crate) len: u8,
    pub(crate) volume_sequence: U16,
    pub(crate) partition: U16,
}

const _: () = assert!(size_of::<PartitionMap>() == 6);
const _: () = assert!(offset_of!(PartitionMap, partition) == 4);

/// Unallocated space descriptor (3/10.8) of a volume without such space.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct UnallocatedSpace {
    pub(crate) tag: Tag,
    pub(crate) sequence: U32,
    pub(crate) extents: U32,
}

const _: () = assert!(size_of::<UnallocatedSpace>() == 24);
const _: () = assert!(offset_of!(UnallocatedSpace, extents) == 20);

/// Terminating descriptor (3/10.9 and 4/14.2).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Terminating {
    pub(crate) tag: Tag,
    pub(crate) reserved: [u8; 496],
}

const _: () = assert!(size_of::<Terminating>() == 512);
const _: () = assert!(offset_of!(Terminating, reserved) == 16);

/// Logical volume integrity descriptor (3/10.10) for one partition, with UDF's implementation use
/// (UDF 1.02, 2.2.6.4).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Integrity {
    pub(crate) tag: Tag,
    pub(crate) time: Time,
    pub(crate) state: U32,
    pub(crate) next: VolumeExtent,
    /// The next that is free.
    pub(crate) unique_id: U64,
    pub(crate) contents_use: [u8; 24],
    pub(crate) partitions: U32,
    pub(crate) implementation_use_len: U32,
    /// Blocks.
    pub(crate) free: U32,
    /// Blocks.
    pub(crate) size: U32,
    pub(crate) implementation: EntityId,
    pub(crate) files: U32,
    pub(crate) folders: U32,
    pub(crate) min_read: U16,
    pub(crate) min_write: U16,
    pub(crate) max_write: U16,
}

const _: () = assert!(size_of::<Integrity>() == 134);
const _: () = assert!(offset_of!(Integrity, state) == 28);
const _: () = assert!(offset_of!(Integrity, unique_id) == 40);
const _: () = assert!(offset_of!(Integrity, partitions) == 72);
const _: () = assert!(offset_of!(Integrity, size) == 84);
const _: () = assert!(offset_of!(Integrity, files) == 120);
