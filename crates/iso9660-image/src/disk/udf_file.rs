//! UDF descriptors inside the partition: file set, files, directories (ECMA-167 4/14; UDF 1.02, 2.3).

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::udf_basic::{CharacterSet, EntityId, LongAd, Tag, Time};

/// Tag of a file set descriptor.
pub(crate) const FILE_SET: u16 = 256;
/// Tag of a file identifier descriptor.
pub(crate) const FILE_IDENTIFIER: u16 = 257;
/// Tag of a file entry.
pub(crate) const FILE_ENTRY: u16 = 261;
/// Tag of an extended file entry, of UDF 2.00 and later.
pub(crate) const EXTENDED_FILE_ENTRY: u16 = 266;
/// File type of a directory.
pub(crate) const TYPE_FOLDER: u8 = 4;
/// File type of a file.
pub(crate) const TYPE_FILE: u8 = 5;
/// File type of a symbolic link.
pub(crate) const TYPE_LINK: u8 = 12;
/// Bits of the flags of an entry that give the kind of its allocation descriptors: 0 for short, 1
/// for long ones, 3 for content in their place.
pub(crate) const AD_KIND: u16 = 7;
/// Flag of an entry whose file the system's own is.
pub(crate) const FLAG_SYSTEM: u16 = 0x400;
/// Everyone may read and look through, nobody may change.
pub(crate) const READ_AND_EXECUTE: u32 = 0x14A5;
/// Characteristic: left out of ordinary listings.
pub(crate) const HIDDEN: u8 = 1;
/// Characteristic: leads to a directory.
pub(crate) const FOLDER: u8 = 2;
/// Characteristic: no longer there.
pub(crate) const DELETED: u8 = 4;
/// Characteristic: leads to the parent.
pub(crate) const PARENT: u8 = 8;

/// File set descriptor (4/14.1).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct FileSet {
    pub(crate) tag: Tag,
    pub(crate) time: Time,
    pub(crate) interchange: U16,
    pub(crate) max_interchange: U16,
    pub(crate) character_sets: U32,
    pub(crate) max_character_sets: U32,
    pub(crate) number: U32,
    pub(crate) descriptor_number: U32,
    pub(crate) volume_set: CharacterSet,
    pub(crate) logical_volume_id: [u8; 128],
    pub(crate) file_set: CharacterSet,
    pub(crate) file_set_id: [u8; 32],
    pub(crate) copyright_file_id: [u8; 32],
    pub(crate) abstract_file_id: [u8; 32],
    pub(crate) root: LongAd,
    pub(crate) domain: EntityId,
    pub(crate) next: LongAd,
    pub(crate) reserved: [u8; 48],
}

const _: () = assert!(size_of::<FileSet>() == 512);
const _: () = assert!(offset_of!(FileSet, interchange) == 28);
const _: () = assert!(offset_of!(FileSet, volume_set) == 48);
const _: () = assert!(offset_of!(FileSet, logical_volume_id) == 112);
const _: () = assert!(offset_of!(FileSet, file_set) == 240);
const _: () = assert!(offset_of!(FileSet, file_set_id) == 304);
const _: () = assert!(offset_of!(FileSet, root) == 400);
const _: () = assert!(offset_of!(FileSet, next) == 448);

/// What entries of both kinds begin with: tag, ICB tag (4/14.6), and the first fields.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct EntryHead {
    pub(crate) tag: Tag,
    pub(crate) prior_entries: U32,
    /// 4.
    pub(crate) strategy: U16,
    pub(crate) strategy_parameter: U16,
    pub(crate) max_entries: U16,
    pub(crate) reserved: u8,
    pub(crate) file_type: u8,
    pub(crate) parent: [u8; 6],
    pub(crate) flags: U16,
    pub(crate) uid: U32,
    pub(crate) gid: U32,
    pub(crate) permissions: U32,
    /// File identifiers that lead here.
    pub(crate) links: U16,
    pub(crate) record_format: u8,
    pub(crate) record_display: u8,
    pub(crate) record_len: U32,
    /// Bytes of the content.
    pub(crate) len: U64,
}

const _: () = assert!(size_of::<EntryHead>() == 64);
const _: () = assert!(offset_of!(EntryHead, strategy) == 20);
const _: () = assert!(offset_of!(EntryHead, file_type) == 27);
const _: () = assert!(offset_of!(EntryHead, flags) == 34);
const _: () = assert!(offset_of!(EntryHead, permissions) == 44);
const _: () = assert!(offset_of!(EntryHead, links) == 48);
const _: () = assert!(offset_of!(EntryHead, len) == 56);

/// File entry (4/14.9). Extended attributes and allocation descriptors follow.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct FileEntry {
    pub(crate) head: EntryHead,
    pub(crate) blocks: U64,
    pub(crate) accessed: Time,
    pub(crate) modified: Time,
    pub(crate) attributes_changed: Time,
    pub(crate) checkpoint: U32,
    pub(crate) attribute_icb: LongAd,
    pub(crate) implementation: EntityId,
    pub(crate) unique_id: U64,
    /// Bytes of the extended attributes.
    pub(crate) attributes_len: U32,
    /// Bytes of the allocation descriptors.
    pub(crate) ads_len: U32,
}

const _: () = assert!(size_of::<FileEntry>() == 176);
const _: () = assert!(offset_of!(FileEntry, accessed) == 72);
const _: () = assert!(offset_of!(FileEntry, checkpoint) == 108);
const _: () = assert!(offset_of!(FileEntry, implementation) == 128);
const _: () = assert!(offset_of!(FileEntry, unique_id) == 160);

/// Extended file entry (ECMA-167 3rd edition, 4/14.17).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ExtendedFileEntry {
    pub(crate) head: EntryHead,
    pub(crate) object_len: U64,
    pub(crate) blocks: U64,
    pub(crate) accessed: Time,
    pub(crate) modified: Time,
    pub(crate) created: Time,
    pub(crate) attributes_changed: Time,
    pub(crate) checkpoint: U32,
    pub(crate) reserved: U32,
    pub(crate) attribute_icb: LongAd,
    pub(crate) stream_icb: LongAd,
    pub(crate) implementation: EntityId,
    pub(crate) unique_id: U64,
    pub(crate) attributes_len: U32,
    pub(crate) ads_len: U32,
}

const _: () = assert!(size_of::<ExtendedFileEntry>() == 216);
const _: () = assert!(offset_of!(ExtendedFileEntry, blocks) == 72);
const _: () = assert!(offset_of!(ExtendedFileEntry, checkpoint) == 128);
const _: () = assert!(offset_of!(ExtendedFileEntry, unique_id) == 200);

/// File identifier descriptor (4/14.4). Implementation use and the name follow, then zeros up to a
/// multiple of 4.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct FileIdentifier {
    pub(crate) tag: Tag,
    /// 1.
    pub(crate) version: U16,
    pub(crate) characteristics: u8,
    /// Bytes of the name.
    pub(crate) name_len: u8,
    pub(crate) icb: LongAd,
    pub(crate) implementation_use_len: U16,
}

const _: () = assert!(size_of::<FileIdentifier>() == 38);
const _: () = assert!(offset_of!(FileIdentifier, characteristics) == 18);
const _: () = assert!(offset_of!(FileIdentifier, icb) == 20);
