//! Volume descriptors, one sector each (ECMA-119 8; El Torito 1.0 section 2; Joliet 1).

use std::mem::offset_of;

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, big_endian, little_endian,
};

use super::both_endian::{Both16, Both32};
use super::date::LongDate;
use super::directory_record::RootRecord;

/// Type of a boot record.
pub(crate) const BOOT_RECORD: u8 = 0;
/// Type of a primary volume descriptor.
pub(crate) const PRIMARY: u8 = 1;
/// Type of a supplementary (version 1) or enhanced (version 2) volume descriptor.
pub(crate) const SUPPLEMENTARY: u8 = 2;
/// Type of the descriptor that ends the set.
pub(crate) const TERMINATOR: u8 = 255;
/// Bytes 1 to 5 of every descriptor.
pub(crate) const STANDARD_ID: [u8; 5] = *b"CD001";
/// Boot system identifier of an El Torito boot record.
pub(crate) const EL_TORITO: [u8; 32] = *b"EL TORITO SPECIFICATION\0\0\0\0\0\0\0\0\0";
/// Escape sequence of Joliet, UCS-2 level 3.
pub(crate) const JOLIET_LEVEL_3: [u8; 3] = *b"%/E";
/// The escape sequences by which Windows knows Joliet, levels 1 to 3.
pub(crate) const JOLIET_LEVELS: [[u8; 3]; 3] = [*b"%/@", *b"%/C", JOLIET_LEVEL_3];

/// A primary, supplementary or enhanced volume descriptor.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct VolumeDescriptor {
    pub(crate) kind: u8,
    pub(crate) standard_id: [u8; 5],
    /// 1; 2 in an enhanced descriptor.
    pub(crate) version: u8,
    /// Supplementary only; bit 0 clear: every escape sequence is registered.
    pub(crate) volume_flags: u8,
    pub(crate) system_id: [u8; 32],
    pub(crate) volume_id: [u8; 32],
    pub(crate) unused_72: [u8; 8],
    /// Logical blocks of the volume.
    pub(crate) volume_space_size: Both32,
    /// Supplementary only.
    pub(crate) escape_sequences: [u8; 32],
    pub(crate) volume_set_size: Both16,
    pub(crate) volume_sequence_number: Both16,
    /// Bytes; 2048.
    pub(crate) logical_block_size: Both16,
    /// Bytes, exact.
    pub(crate) path_table_size: Both32,
    pub(crate) path_table_l: little_endian::U32,
    /// 0: there is none.
    pub(crate) optional_path_table_l: little_endian::U32,
    pub(crate) path_table_m: big_endian::U32,
    /// 0: there is none.
    pub(crate) optional_path_table_m: big_endian::U32,
    pub(crate) root: RootRecord,
    pub(crate) volume_set_id: [u8; 128],
    pub(crate) publisher_id: [u8; 128],
    pub(crate) preparer_id: [u8; 128],
    pub(crate) application_id: [u8; 128],
    pub(crate) copyright_file_id: [u8; 37],
    pub(crate) abstract_file_id: [u8; 37],
    pub(crate) bibliographic_file_id: [u8; 37],
    pub(crate) created: LongDate,
    pub(crate) modified: LongDate,
    pub(crate) expires: LongDate,
    pub(crate) effective: LongDate,
    /// 1; 2 in an enhanced descriptor.
    pub(crate) file_structure_version: u8,
    pub(crate) reserved_882: u8,
    pub(crate) application_use: [u8; 512],
    pub(crate) reserved_1395: [u8; 653],
}

const _: () = assert!(size_of::<VolumeDescriptor>() == 2048);
const _: () = assert!(offset_of!(VolumeDescriptor, system_id) == 8);
const _: () = assert!(offset_of!(VolumeDescriptor, volume_id) == 40);
const _: () = assert!(offset_of!(VolumeDescriptor, volume_space_size) == 80);
const _: () = assert!(offset_of!(VolumeDescriptor, escape_sequences) == 88);
const _: () = assert!(offset_of!(VolumeDescriptor, volume_set_size) == 120);
const _: () = assert!(offset_of!(VolumeDescriptor, volume_sequence_number) == 124);
const _: () = assert!(offset_of!(VolumeDescriptor, logical_block_size) == 128);
const _: () = assert!(offset_of!(VolumeDescriptor, path_table_size) == 132);
const _: () = assert!(offset_of!(VolumeDescriptor, path_table_l) == 140);
const _: () = assert!(offset_of!(VolumeDescriptor, optional_path_table_l) == 144);
const _: () = assert!(offset_of!(VolumeDescriptor, path_table_m) == 148);
const _: () = assert!(offset_of!(VolumeDescriptor, optional_path_table_m) == 152);
const _: () = assert!(offset_of!(VolumeDescriptor, root) == 156);
const _: () = assert!(offset_of!(VolumeDescriptor, volume_set_id) == 190);
const _: () = assert!(offset_of!(VolumeDescriptor, publisher_id) == 318);
const _: () = assert!(offset_of!(VolumeDescriptor, preparer_id) == 446);
const _: () = assert!(offset_of!(VolumeDescriptor, application_id) == 574);
const _: () = assert!(offset_of!(VolumeDescriptor, copyright_file_id) == 702);
const _: () = assert!(offset_of!(VolumeDescriptor, abstract_file_id) == 739);
const _: () = assert!(offset_of!(VolumeDescriptor, bibliographic_file_id) == 776);
const _: () = assert!(offset_of!(VolumeDescriptor, created) == 813);
const _: () = assert!(offset_of!(VolumeDescriptor, modified) == 830);
const _: () = assert!(offset_of!(VolumeDescriptor, expires) == 847);
const _: () = assert!(offset_of!(VolumeDescriptor, effective) == 864);
const _: () = assert!(offset_of!(VolumeDescriptor, file_structure_version) == 881);
const _: () = assert!(offset_of!(VolumeDescriptor, application_use) == 883);
const _: () = assert!(offset_of!(VolumeDescriptor, reserved_1395) == 1395);

/// The boot record of El Torito, always at LBA 17.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BootRecord {
    pub(crate) kind: u8,
    pub(crate) standard_id: [u8; 5],
    pub(crate) version: u8,
    pub(crate) boot_system_id: [u8; 32],
    pub(crate) boot_id: [u8; 32],
    /// LBA of the boot catalog.
    pub(crate) catalog: little_endian::U32,
    pub(crate) unused_75: [u8; 1973],
}

const _: () = assert!(size_of::<BootRecord>() == 2048);
const _: () = assert!(offset_of!(BootRecord, boot_system_id) == 7);
const _: () = assert!(offset_of!(BootRecord, catalog) == 71);

/// The end of the descriptor set.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Terminator {
    pub(crate) kind: u8,
    pub(crate) standard_id: [u8; 5],
    pub(crate) version: u8,
    pub(crate) reserved: [u8; 2041],
}

const _: () = assert!(size_of::<Terminator>() == 2048);
const _: () = assert!(offset_of!(Terminator, reserved) == 7);
