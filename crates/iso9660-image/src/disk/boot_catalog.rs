//! The 32-byte entries of an El Torito boot catalog (El Torito 1.0, section 2; UEFI 2.11, 13.3.2).
//! All numbers are little-endian.

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Platform of an 80x86 BIOS.
pub(crate) const PLATFORM_X86: u8 = 0x00;
/// Platform of UEFI firmware.
pub(crate) const PLATFORM_EFI: u8 = 0xEF;
/// First byte of a validation entry.
pub(crate) const VALIDATION: u8 = 0x01;
/// First byte of an entry the firmware may start.
pub(crate) const BOOTABLE: u8 = 0x88;
/// First byte of an entry the firmware may not start.
pub(crate) const NOT_BOOTABLE: u8 = 0x00;
/// First byte of a section header that another header follows.
pub(crate) const HEADER_MORE: u8 = 0x90;
/// First byte of the last section header.
pub(crate) const HEADER_LAST: u8 = 0x91;
/// First byte of an extension of a section entry.
pub(crate) const EXTENSION: u8 = 0x44;
/// Last two bytes of a validation entry.
pub(crate) const KEY: [u8; 2] = [0x55, 0xAA];
/// Length of every entry in bytes.
pub(crate) const ENTRY: usize = 32;

/// The first entry of a catalog.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ValidationEntry {
    pub(crate) header_id: u8,
    pub(crate) platform: u8,
    pub(crate) reserved: U16,
    pub(crate) id: [u8; 24],
    /// Makes the sum of the entry's sixteen words zero.
    pub(crate) checksum: U16,
    pub(crate) key: [u8; 2],
}

const _: () = assert!(size_of::<ValidationEntry>() == ENTRY);
const _: () = assert!(offset_of!(ValidationEntry, checksum) == 28);
const _: () = assert!(offset_of!(ValidationEntry, key) == 30);

/// The default entry, and an entry of a section.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ImageEntry {
    pub(crate) boot_indicator: u8,
    /// 0: no emulation.
    pub(crate) media_type: u8,
    /// Segment the image is loaded to; 0 means 0x7C0.
    pub(crate) load_segment: U16,
    pub(crate) system_type: u8,
    pub(crate) unused: u8,
    /// Number of 512-byte sectors to load.
    pub(crate) sector_count: U16,
    /// First logical block of the image.
    pub(crate) load_rba: U32,
    /// Selection criteria in a section entry, zero in the default entry.
    pub(crate) criteria: [u8; 20],
}

const _: () = assert!(size_of::<ImageEntry>() == ENTRY);
const _: () = assert!(offset_of!(ImageEntry, load_segment) == 2);
const _: () = assert!(offset_of!(ImageEntry, sector_count) == 6);
const _: () = assert!(offset_of!(ImageEntry, load_rba) == 8);

/// The header of a section of entries for one platform.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SectionHeader {
    pub(crate) indicator: u8,
    pub(crate) platform: u8,
    /// Number of entries that follow.
    pub(crate) entries: U16,
    pub(crate) id: [u8; 28],
}

const _: () = assert!(size_of::<SectionHeader>() == ENTRY);
const _: () = assert!(offset_of!(SectionHeader, entries) == 2);
