//! Blob table entry and integrity table head (wim-format 1.4 and 1.8).

use std::mem::{offset_of, size_of};

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{ResourceHeader, Sha1Hash};

/// One resource of the file: a blob of file data or the metadata of an image.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BlobEntry {
    pub(crate) resource: ResourceHeader,
    /// The part of a split WIM that holds it.
    pub(crate) part_number: U16,
    /// Over all images.
    pub(crate) reference_count: U32,
    /// Of the uncompressed data.
    pub(crate) hash: Sha1Hash,
}

const _: () = assert!(size_of::<BlobEntry>() == 50);
const _: () = assert!(offset_of!(BlobEntry, part_number) == 24);
const _: () = assert!(offset_of!(BlobEntry, reference_count) == 26);
const _: () = assert!(offset_of!(BlobEntry, hash) == 30);

/// Begins the integrity table; `count` hashes follow.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct IntegrityHead {
    /// Bytes of the table: 12 + 20 for each hash.
    pub(crate) size: U32,
    pub(crate) count: U32,
    /// Bytes of the file that each hash covers; the last may cover fewer.
    pub(crate) chunk_size: U32,
}

const _: () = assert!(size_of::<IntegrityHead>() == 12);
const _: () = assert!(offset_of!(IntegrityHead, count) == 4);
const _: () = assert!(offset_of!(IntegrityHead, chunk_size) == 8);
