//! Entries of the system use field of a directory record (SUSP 1.12): a signature, a length, a
//! version, then what the signature says.

use std::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::both_endian::Both32;

/// Sharing protocol: the first entry of the root's own record.
pub(crate) const SP: [u8; 2] = *b"SP";
/// Continuation area.
pub(crate) const CE: [u8; 2] = *b"CE";
/// Extension reference: which extensions are in use.
pub(crate) const ER: [u8; 2] = *b"ER";
/// End of the entries of a field or area.
pub(crate) const ST: [u8; 2] = *b"ST";
/// The version of every entry.
pub(crate) const VERSION: u8 = 1;
/// What tells a sharing protocol entry from chance.
pub(crate) const CHECK: [u8; 2] = [0xBE, 0xEF];

/// What every entry begins with.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) signature: [u8; 2],
    /// Bytes of the entry, these four included.
    pub(crate) length: u8,
    pub(crate) version: u8,
}

const _: () = assert!(size_of::<Header>() == 4);
const _: () = assert!(offset_of!(Header, length) == 2);
const _: () = assert!(offset_of!(Header, version) == 3);

impl Header {
    pub(crate) const fn new(signature: [u8; 2], length: u8) -> Self {
        Self { signature, length, version: VERSION }
    }
}

/// `SP` (SUSP 5.3).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SharingProtocol {
    pub(crate) header: Header,
    pub(crate) check: [u8; 2],
    /// Bytes before the first entry in the system use field of every other record.
    pub(crate) skip: u8,
}

const _: () = assert!(size_of::<SharingProtocol>() == 7);
const _: () = assert!(offset_of!(SharingProtocol, check) == 4);
const _: () = assert!(offset_of!(SharingProtocol, skip) == 6);

/// `CE` (SUSP 5.1): where the entries go on.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Continuation {
    pub(crate) header: Header,
    /// Logical block.
    pub(crate) block: Both32,
    /// Bytes from the beginning of the block.
    pub(crate) offset: Both32,
    /// Bytes of the area.
    pub(crate) length: Both32,
}

const _: () = assert!(size_of::<Continuation>() == 28);
const _: () = assert!(offset_of!(Continuation, block) == 4);
const _: () = assert!(offset_of!(Continuation, offset) == 12);
const _: () = assert!(offset_of!(Continuation, length) == 20);

/// `ER` (SUSP 5.5) before its three texts.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ExtensionReference {
    pub(crate) header: Header,
    pub(crate) identifier_length: u8,
    pub(crate) descriptor_length: u8,
    pub(crate) source_length: u8,
    pub(crate) extension_version: u8,
}

const _: () = assert!(size_of::<ExtensionReference>() == 8);
const _: () = assert!(offset_of!(ExtensionReference, identifier_length) == 4);
const _: () = assert!(offset_of!(ExtensionReference, descriptor_length) == 5);
const _: () = assert!(offset_of!(ExtensionReference, source_length) == 6);
const _: () = assert!(offset_of!(ExtensionReference, extension_version) == 7);
