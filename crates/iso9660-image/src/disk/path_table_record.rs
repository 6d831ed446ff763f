//! The fixed part of a path table record (ECMA-119 9.4), in the byte order of each table. The
//! identifier follows, then a zero byte when its length is odd.

use std::mem::offset_of;

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, big_endian, little_endian,
};

/// Bytes 0 to 7 of a record of the little-endian (type L) table.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PathRecordL {
    /// Length of the identifier in bytes.
    pub(crate) identifier_length: u8,
    /// Length of the extended attribute record in logical blocks.
    pub(crate) extended_attribute_length: u8,
    /// First logical block of the directory.
    pub(crate) extent: little_endian::U32,
    /// Number of the parent's record; the root is 1 and its own parent.
    pub(crate) parent: little_endian::U16,
}

const _: () = assert!(size_of::<PathRecordL>() == 8);
const _: () = assert!(offset_of!(PathRecordL, extent) == 2);
const _: () = assert!(offset_of!(PathRecordL, parent) == 6);

/// Bytes 0 to 7 of a record of the big-endian (type M) table.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PathRecordM {
    /// Length of the identifier in bytes.
    pub(crate) identifier_length: u8,
    /// Length of the extended attribute record in logical blocks.
    pub(crate) extended_attribute_length: u8,
    /// First logical block of the directory.
    pub(crate) extent: big_endian::U32,
    /// Number of the parent's record; the root is 1 and its own parent.
    pub(crate) parent: big_endian::U16,
}

const _: () = assert!(size_of::<PathRecordM>() == 8);
const _: () = assert!(offset_of!(PathRecordM, extent) == 2);
const _: () = assert!(offset_of!(PathRecordM, parent) == 6);
