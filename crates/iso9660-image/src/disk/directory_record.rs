//! The fixed part of a directory record (ECMA-119 9.1). The identifier follows, then a zero byte
//! when its length is even, then the system use field.

use std::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::both_endian::{Both16, Both32};
use super::date::ShortDate;

/// Not shown in ordinary listings.
pub(crate) const HIDDEN: u8 = 0x01;
/// The record of a directory.
pub(crate) const DIRECTORY: u8 = 0x02;
/// An associated file.
pub(crate) const ASSOCIATED: u8 = 0x04;
/// Another record with a further section of the file follows.
pub(crate) const MULTI_EXTENT: u8 = 0x80;

/// Bytes 0 to 32 of a directory record.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct DirectoryRecord {
    /// Length of the whole record in bytes, even.
    pub(crate) length: u8,
    /// Length of the extended attribute record in logical blocks.
    pub(crate) extended_attribute_length: u8,
    /// First logical block.
    pub(crate) extent: Both32,
    /// Bytes.
    pub(crate) data_length: Both32,
    pub(crate) date: ShortDate,
    pub(crate) flags: u8,
    /// 0: not interleaved.
    pub(crate) file_unit_size: u8,
    pub(crate) interleave_gap_size: u8,
    /// The volume of the set that holds the extent.
    pub(crate) volume_sequence_number: Both16,
    /// Length of the identifier in bytes.
    pub(crate) identifier_length: u8,
}

const _: () = assert!(size_of::<DirectoryRecord>() == 33);
const _: () = assert!(offset_of!(DirectoryRecord, extent) == 2);
const _: () = assert!(offset_of!(DirectoryRecord, data_length) == 10);
const _: () = assert!(offset_of!(DirectoryRecord, date) == 18);
const _: () = assert!(offset_of!(DirectoryRecord, flags) == 25);
const _: () = assert!(offset_of!(DirectoryRecord, file_unit_size) == 26);
const _: () = assert!(offset_of!(DirectoryRecord, interleave_gap_size) == 27);
const _: () = assert!(offset_of!(DirectoryRecord, volume_sequence_number) == 28);
const _: () = assert!(offset_of!(DirectoryRecord, identifier_length) == 32);

/// The record of a root directory inside a volume descriptor: its identifier is one zero byte.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct RootRecord {
    pub(crate) record: DirectoryRecord,
    pub(crate) identifier: u8,
}

const _: () = assert!(size_of::<RootRecord>() == 34);
const _: () = assert!(offset_of!(RootRecord, identifier) == 33);
