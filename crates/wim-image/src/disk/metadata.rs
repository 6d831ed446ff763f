//! The records of an image's metadata resource (wim-format 1.6).

use std::mem::{offset_of, size_of};

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Sha1Hash;

/// Begins the metadata resource; the security descriptors follow.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SecurityHead {
    /// Bytes with this head; 0 means 8. The root entry follows at the next multiple of 8.
    pub(crate) total_length: U32,
    pub(crate) count: U32,
}

const _: () = assert!(size_of::<SecurityHead>() == 8);
const _: () = assert!(offset_of!(SecurityHead, count) == 4);

/// A file or folder; names follow.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Dentry {
    /// Bytes with names and tagged items, without extra streams. At most 8: end of the folder.
    pub(crate) length: U64,
    pub(crate) attributes: U32,
    pub(crate) security_id: U32,
    /// Bytes from the start of the metadata resource to the first child, 0 for none.
    pub(crate) subdir_offset: U64,
    pub(crate) reserved: [u8; 16],
    /// FILETIME, as the two after it.
    pub(crate) creation_time: U64,
    pub(crate) access_time: U64,
    pub(crate) write_time: U64,
    /// Of the unnamed stream.
    pub(crate) hash: Sha1Hash,
    pub(crate) unknown: U32,
    /// The tag of a reparse point; otherwise the low half of the hard-link group.
    pub(crate) reparse_tag_or_link: U32,
    pub(crate) link_high: U32,
    pub(crate) stream_count: U16,
    /// Bytes without the NUL, as the next.
    pub(crate) short_name_length: U16,
    pub(crate) name_length: U16,
}

const _: () = assert!(size_of::<Dentry>() == 0x66);
const _: () = assert!(offset_of!(Dentry, attributes) == 0x08);
const _: () = assert!(offset_of!(Dentry, security_id) == 0x0C);
const _: () = assert!(offset_of!(Dentry, subdir_offset) == 0x10);
const _: () = assert!(offset_of!(Dentry, creation_time) == 0x28);
const _: () = assert!(offset_of!(Dentry, access_time) == 0x30);
const _: () = assert!(offset_of!(Dentry, write_time) == 0x38);
const _: () = assert!(offset_of!(Dentry, hash) == 0x40);
const _: () = assert!(offset_of!(Dentry, unknown) == 0x54);
const _: () = assert!(offset_of!(Dentry, reparse_tag_or_link) == 0x58);
const _: () = assert!(offset_of!(Dentry, stream_count) == 0x60);
const _: () = assert!(offset_of!(Dentry, short_name_length) == 0x62);
const _: () = assert!(offset_of!(Dentry, name_length) == 0x64);

/// A further stream of the entry before it; its name follows.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct StreamEntry {
    /// Bytes with the name.
    pub(crate) length: U64,
    pub(crate) reserved: U64,
    pub(crate) hash: Sha1Hash,
    /// Bytes without the NUL; 0 for the unnamed stream.
    pub(crate) name_length: U16,
}

const _: () = assert!(size_of::<StreamEntry>() == 38);
const _: () = assert!(offset_of!(StreamEntry, hash) == 16);
const _: () = assert!(offset_of!(StreamEntry, name_length) == 36);
