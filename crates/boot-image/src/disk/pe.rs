//! The headers of a PE file, as far as its digest and its signatures need them.

use std::mem::{offset_of, size_of};

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The `PE` signature and the COFF file header behind it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct CoffHeader {
    pub(crate) signature: [u8; 4],
    pub(crate) machine: U16,
    pub(crate) sections: U16,
    pub(crate) time: U32,
    pub(crate) symbols_at: U32,
    pub(crate) symbols: U32,
    /// Bytes of the optional header, which follows; the section table lies behind it.
    pub(crate) optional_size: U16,
    pub(crate) characteristics: U16,
}

const _: () = assert!(size_of::<CoffHeader>() == 24);
const _: () = assert!(offset_of!(CoffHeader, machine) == 4);
const _: () = assert!(offset_of!(CoffHeader, sections) == 6);
const _: () = assert!(offset_of!(CoffHeader, time) == 8);
const _: () = assert!(offset_of!(CoffHeader, symbols_at) == 12);
const _: () = assert!(offset_of!(CoffHeader, symbols) == 16);
const _: () = assert!(offset_of!(CoffHeader, optional_size) == 20);
const _: () = assert!(offset_of!(CoffHeader, characteristics) == 22);

/// The head of the optional header, which PE32 and PE32+ share.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct OptionalHeader {
    /// [`PE32`](Self::PE32) or [`PE32_PLUS`](Self::PE32_PLUS).
    pub(crate) magic: U16,
    /// Versions, sizes and addresses; nothing in it is needed here.
    pub(crate) unread: [u8; 58],
    /// Bytes from the start of the file to the end of the section table, rounded up.
    pub(crate) headers_size: U32,
    pub(crate) checksum: U32,
}

impl OptionalHeader {
    pub(crate) const PE32: u16 = 0x10B;
    pub(crate) const PE32_PLUS: u16 = 0x20B;
}

const _: () = assert!(size_of::<OptionalHeader>() == 68);
const _: () = assert!(offset_of!(OptionalHeader, unread) == 2);
const _: () = assert!(offset_of!(OptionalHeader, headers_size) == 60);
const _: () = assert!(offset_of!(OptionalHeader, checksum) == 64);

/// Where a table is. In the entry of the certificate table, the only one that is read here, the
/// place is counted from the start of the file.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct DataDirectory {
    pub(crate) at: U32,
    pub(crate) size: U32,
}

const _: () = assert!(size_of::<DataDirectory>() == 8);
const _: () = assert!(offset_of!(DataDirectory, size) == 4);

/// An entry of the section table.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Section {
    pub(crate) name: [u8; 8],
    pub(crate) memory_size: U32,
    pub(crate) memory_at: U32,
    /// Bytes of it in the file.
    pub(crate) file_size: U32,
    /// Where they begin.
    pub(crate) file_at: U32,
    /// Relocations, line numbers and flags.
    pub(crate) unread: [u8; 16],
}

const _: () = assert!(size_of::<Section>() == 40);
const _: () = assert!(offset_of!(Section, memory_size) == 8);
const _: () = assert!(offset_of!(Section, memory_at) == 12);
const _: () = assert!(offset_of!(Section, file_size) == 16);
const _: () = assert!(offset_of!(Section, file_at) == 20);
const _: () = assert!(offset_of!(Section, unread) == 24);

/// The head of an entry of the certificate table.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct WinCertificate {
    /// Bytes of the entry, this head among them. The next entry begins at a multiple of eight.
    pub(crate) len: U32,
    pub(crate) revision: U16,
    /// [`PKCS`](Self::PKCS), [`EFI_GUID`](Self::EFI_GUID), or another kind that is not read here.
    pub(crate) kind: U16,
}

impl WinCertificate {
    /// WIN_CERT_TYPE_PKCS_SIGNED_DATA: a PKCS #7 SignedData follows.
    pub(crate) const PKCS: u16 = 2;
    /// WIN_CERT_TYPE_EFI_GUID: the GUID of what follows, and that.
    pub(crate) const EFI_GUID: u16 = 0x0EF1;
}

const _: () = assert!(size_of::<WinCertificate>() == 8);
const _: () = assert!(offset_of!(WinCertificate, revision) == 4);
const _: () = assert!(offset_of!(WinCertificate, kind) == 6);
