//! What cells hold, each record from the byte after the cell's size. Names, lists and descriptors
//! that follow a record are apart.

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Where an offset of a cell would be: there is none.
pub(crate) const NONE: u32 = u32::MAX;

/// A key.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct KeyRecord {
    /// `nk`.
    pub(crate) signature: [u8; 2],
    /// Bits of [`key_flag`].
    pub(crate) flags: U16,
    /// 100 ns since 1601.
    pub(crate) written: U64,
    pub(crate) access: U32,
    /// Cell of the key above; anything in the root.
    pub(crate) parent: U32,
    pub(crate) subkeys: U32,
    /// Of the running system only: 0 in files.
    pub(crate) volatile_subkeys: U32,
    pub(crate) subkey_list: U32,
    pub(crate) volatile_subkey_list: U32,
    pub(crate) values: U32,
    pub(crate) value_list: U32,
    pub(crate) security: U32,
    pub(crate) class: U32,
    /// In bytes of UTF-16, as the three that follow; the upper bits hold flags in newer versions.
    pub(crate) longest_subkey: U32,
    pub(crate) longest_subkey_class: U32,
    pub(crate) longest_value_name: U32,
    pub(crate) longest_value: U32,
    pub(crate) work: U32,
    /// Bytes of the name as stored.
    pub(crate) name_len: U16,
    pub(crate) class_len: U16,
}

const _: () = assert!(size_of::<KeyRecord>() == 76);
const _: () = assert!(offset_of!(KeyRecord, flags) == 2);
const _: () = assert!(offset_of!(KeyRecord, written) == 4);
const _: () = assert!(offset_of!(KeyRecord, access) == 12);
const _: () = assert!(offset_of!(KeyRecord, parent) == 16);
const _: () = assert!(offset_of!(KeyRecord, subkeys) == 20);
const _: () = assert!(offset_of!(KeyRecord, volatile_subkeys) == 24);
const _: () = assert!(offset_of!(KeyRecord, subkey_list) == 28);
const _: () = assert!(offset_of!(KeyRecord, volatile_subkey_list) == 32);
const _: () = assert!(offset_of!(KeyRecord, values) == 36);
const _: () = assert!(offset_of!(KeyRecord, value_list) == 40);
const _: () = assert!(offset_of!(KeyRecord, security) == 44);
const _: () = assert!(offset_of!(KeyRecord, class) == 48);
const _: () = assert!(offset_of!(KeyRecord, longest_subkey) == 52);
const _: () = assert!(offset_of!(KeyRecord, longest_subkey_class) == 56);
const _: () = assert!(offset_of!(KeyRecord, longest_value_name) == 60);
const _: () = assert!(offset_of!(KeyRecord, longest_value) == 64);
const _: () = assert!(offset_of!(KeyRecord, work) == 68);
const _: () = assert!(offset_of!(KeyRecord, name_len) == 72);
const _: () = assert!(offset_of!(KeyRecord, class_len) == 74);

impl KeyRecord {
    pub(crate) const SIGNATURE: [u8; 2] = *b"nk";
}

/// Bits of a key's flags.
pub(crate) mod key_flag {
    /// The root of its hive.
    pub(crate) const HIVE_ENTRY: u16 = 0x04;
    /// Must not be deleted.
    pub(crate) const NO_DELETE: u16 = 0x08;
    /// The name is stored in Latin-1.
    pub(crate) const LATIN1: u16 = 0x20;
}

/// A value.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ValueRecord {
    /// `vk`.
    pub(crate) signature: [u8; 2],
    /// Bytes of the name as stored; 0: the key's default value.
    pub(crate) name_len: U16,
    /// Bytes of the data; with [`IN_PLACE`](Self::IN_PLACE) they stand in `data`.
    pub(crate) data_len: U32,
    /// Cell of the data, or up to four bytes of it.
    pub(crate) data: [u8; 4],
    pub(crate) value_type: U32,
    /// [`LATIN1`](Self::LATIN1) or 0.
    pub(crate) flags: U16,
    pub(crate) spare: U16,
}

const _: () = assert!(size_of::<ValueRecord>() == 20);
const _: () = assert!(offset_of!(ValueRecord, name_len) == 2);
const _: () = assert!(offset_of!(ValueRecord, data_len) == 4);
const _: () = assert!(offset_of!(ValueRecord, data) == 8);
const _: () = assert!(offset_of!(ValueRecord, value_type) == 12);
const _: () = assert!(offset_of!(ValueRecord, flags) == 16);
const _: () = assert!(offset_of!(ValueRecord, spare) == 18);

impl ValueRecord {
    pub(crate) const SIGNATURE: [u8; 2] = *b"vk";
    /// Bit of `data_len`.
    pub(crate) const IN_PLACE: u32 = 1 << 31;
    /// Bit of `flags`: the name is stored in Latin-1.
    pub(crate) const LATIN1: u16 = 1;
}

/// The start of a list of subkeys (`lf`, `lh`, `li`) or of such lists (`ri`).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ListHead {
    pub(crate) signature: [u8; 2],
    /// Entries that follow: [`HintedEntry`] in `lf` and `lh`, the cell alone in `li` and `ri`.
    pub(crate) count: U16,
}

const _: () = assert!(size_of::<ListHead>() == 4);
const _: () = assert!(offset_of!(ListHead, count) == 2);

/// A subkey in an `lf` or `lh` list.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct HintedEntry {
    /// Cell of the key.
    pub(crate) key: U32,
    /// First characters of the name (`lf`), or its hash (`lh`).
    pub(crate) hint: [u8; 4],
}

const _: () = assert!(size_of::<HintedEntry>() == 8);
const _: () = assert!(offset_of!(HintedEntry, hint) == 4);

/// Data too long for one cell: versions 1.4 and later, more than [`SEGMENT`] bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BigData {
    /// `db`.
    pub(crate) signature: [u8; 2],
    /// Segments.
    pub(crate) count: U16,
    /// Cell with the cells of all segments.
    pub(crate) list: U32,
}

const _: () = assert!(size_of::<BigData>() == 8);
const _: () = assert!(offset_of!(BigData, count) == 2);
const _: () = assert!(offset_of!(BigData, list) == 4);

impl BigData {
    pub(crate) const SIGNATURE: [u8; 2] = *b"db";
}

/// Most bytes of data in a cell of its own, and bytes of each segment but the last.
pub(crate) const SEGMENT: u32 = 16344;

/// The start of a security descriptor, which keys share.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SecurityHead {
    /// `sk`.
    pub(crate) signature: [u8; 2],
    pub(crate) reserved: U16,
    /// All descriptors form a ring.
    pub(crate) next: U32,
    pub(crate) previous: U32,
    /// Keys that use it.
    pub(crate) uses: U32,
    /// Bytes of the descriptor that follows.
    pub(crate) len: U32,
}

const _: () = assert!(size_of::<SecurityHead>() == 20);
const _: () = assert!(offset_of!(SecurityHead, reserved) == 2);
const _: () = assert!(offset_of!(SecurityHead, next) == 4);
const _: () = assert!(offset_of!(SecurityHead, previous) == 8);
const _: () = assert!(offset_of!(SecurityHead, uses) == 12);
const _: () = assert!(offset_of!(SecurityHead, len) == 16);

impl SecurityHead {
    pub(crate) const SIGNATURE: [u8; 2] = *b"sk";
}
