//! Entries of Rock Ridge (RRIP 1.12, 4.1) in a system use field.

use std::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::both_endian::Both32;
use super::system_use::Header;

/// POSIX file attributes.
pub(crate) const PX: [u8; 2] = *b"PX";
/// Name.
pub(crate) const NM: [u8; 2] = *b"NM";
/// Times.
pub(crate) const TF: [u8; 2] = *b"TF";
/// In the place of a relocated folder: where it lies.
pub(crate) const CL: [u8; 2] = *b"CL";
/// In the parent record of a relocated folder: where it belongs.
pub(crate) const PL: [u8; 2] = *b"PL";
/// In the record of a relocated folder: not to be listed here.
pub(crate) const RE: [u8; 2] = *b"RE";

/// `NM`: the name goes on in the next.
pub(crate) const NAME_CONTINUES: u8 = 0x01;
/// `NM`: stands for `.`.
pub(crate) const NAME_CURRENT: u8 = 0x02;
/// `NM`: stands for `..`.
pub(crate) const NAME_PARENT: u8 = 0x04;

/// `TF`: time of creation; it comes first.
pub(crate) const TIME_CREATED: u8 = 0x01;
/// `TF`: time of modification.
pub(crate) const TIME_MODIFIED: u8 = 0x02;
/// `TF`: dates of 17 bytes, not 7.
pub(crate) const TIME_LONG: u8 = 0x80;

/// Bits of the mode that say what a file is.
pub(crate) const FORMAT: u32 = 0o170_000;
/// A regular file.
pub(crate) const REGULAR: u32 = 0o100_000;
/// A folder.
pub(crate) const FOLDER: u32 = 0o040_000;

/// The identifier of RRIP 1.12 in `ER`, the text that describes it, and where to ask: the words
/// that the standard gives (RRIP 1.12, 4.3).
pub(crate) const IEEE_P1282: [&[u8]; 3] = [
    b"IEEE_P1282",
    b"THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS.",
    b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 \
      SPECIFICATION.",
];
/// Every identifier that Rock Ridge has had: that of RRIP 1.09 and 1.10, that of 1.12, and one that
/// some tools write for the second.
pub(crate) const IDENTIFIERS: [&[u8]; 3] = [b"RRIP_1991A", b"IEEE_P1282", b"IEEE_1282"];

/// `PX` up to RRIP 1.10 (4.1.1).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PosixAttributes {
    pub(crate) header: Header,
    /// `st_mode`.
    pub(crate) mode: Both32,
    /// `st_nlink`.
    pub(crate) links: Both32,
    pub(crate) user: Both32,
    pub(crate) group: Both32,
}

const _: () = assert!(size_of::<PosixAttributes>() == 36);
const _: () = assert!(offset_of!(PosixAttributes, mode) == 4);
const _: () = assert!(offset_of!(PosixAttributes, links) == 12);
const _: () = assert!(offset_of!(PosixAttributes, user) == 20);
const _: () = assert!(offset_of!(PosixAttributes, group) == 28);

/// `PX` of RRIP 1.12, which has a serial number too.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NumberedAttributes {
    pub(crate) attributes: PosixAttributes,
    /// `st_ino`: records of the same file have the same.
    pub(crate) serial: Both32,
}

const _: () = assert!(size_of::<NumberedAttributes>() == 44);
const _: () = assert!(offset_of!(NumberedAttributes, serial) == 36);

/// `NM` and `TF` before the name or the times.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Flagged {
    pub(crate) header: Header,
    pub(crate) flags: u8,
}

const _: () = assert!(size_of::<Flagged>() == 5);
const _: () = assert!(offset_of!(Flagged, flags) == 4);

/// `CL` and `PL`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Link {
    pub(crate) header: Header,
    /// First logical block of the folder.
    pub(crate) block: Both32,
}

const _: () = assert!(size_of::<Link>() == 12);
const _: () = assert!(offset_of!(Link, block) == 4);
