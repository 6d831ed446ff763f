//! The file header and the resource header found all over the file (wim-format 1.2 and 1.3).

use std::mem::{offset_of, size_of};

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Where a resource lies and how it is stored.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ResourceHeader {
    /// Stored size in bytes in the low 56 bits, [`ResourceFlags`] in the high 8.
    pub(crate) size_and_flags: U64,
    /// Bytes from the start of the file.
    pub(crate) offset: U64,
    /// Uncompressed size in bytes.
    pub(crate) original_size: U64,
}

const _: () = assert!(size_of::<ResourceHeader>() == 24);
const _: () = assert!(offset_of!(ResourceHeader, offset) == 8);
const _: () = assert!(offset_of!(ResourceHeader, original_size) == 16);

impl ResourceHeader {
    const SIZE_MASK: u64 = (1 << 56) - 1;

    /// A resource header of a resource that is not compressed. `size` is below 2^56.
    pub(crate) const fn uncompressed(offset: u64, size: u64, flags: u8) -> Self {
        let mut bytes = size.to_le_bytes();
        bytes[7] = flags;
        Self {
            size_and_flags: U64::from_bytes(bytes),
            offset: U64::new(offset),
            original_size: U64::new(size),
        }
    }

    /// The same resource at another place.
    #[must_use]
    pub(crate) const fn moved_to(mut self, offset: u64) -> Self {
        self.offset = U64::new(offset);
        self
    }

    pub(crate) const fn stored_size(&self) -> u64 {
        self.size_and_flags.get() & Self::SIZE_MASK
    }

    pub(crate) const fn flags(&self) -> u8 {
        let [.., flags] = self.size_and_flags.to_bytes();
        flags
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.stored_size() == 0 && self.original_size.get() == 0
    }
}

/// Bits of [`ResourceHeader::flags`].
pub(crate) struct ResourceFlags;

impl ResourceFlags {
    pub(crate) const FREE: u8 = 0x01;
    pub(crate) const METADATA: u8 = 0x02;
    pub(crate) const COMPRESSED: u8 = 0x04;
    pub(crate) const SPANNED: u8 = 0x08;
    pub(crate) const SOLID: u8 = 0x10;
}

/// The first 208 bytes of a WIM.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    /// `MSWIM`, three zeros.
    pub(crate) magic: [u8; 8],
    /// 208.
    pub(crate) header_size: U32,
    /// 0x10D00.
    pub(crate) version: U32,
    /// [`HeaderFlags`].
    pub(crate) flags: U32,
    /// Bytes; 0 when nothing is compressed.
    pub(crate) chunk_size: U32,
    pub(crate) guid: [u8; 16],
    /// 1-based.
    pub(crate) part_number: U16,
    pub(crate) total_parts: U16,
    pub(crate) image_count: U32,
    pub(crate) blob_table: ResourceHeader,
    pub(crate) xml: ResourceHeader,
    /// Copy of the boot image's metadata resource header, zeros if there is none.
    pub(crate) boot_metadata: ResourceHeader,
    /// 1-based; 0 means no image can be booted.
    pub(crate) boot_index: U32,
    /// Zeros if there is none. Follows at once, although that leaves it aligned to 4 only.
    pub(crate) integrity: ResourceHeader,
    pub(crate) unused: [u8; 60],
}

const _: () = assert!(size_of::<Header>() == 208);
const _: () = assert!(offset_of!(Header, header_size) == 0x08);
const _: () = assert!(offset_of!(Header, version) == 0x0C);
const _: () = assert!(offset_of!(Header, flags) == 0x10);
const _: () = assert!(offset_of!(Header, chunk_size) == 0x14);
const _: () = assert!(offset_of!(Header, guid) == 0x18);
const _: () = assert!(offset_of!(Header, part_number) == 0x28);
const _: () = assert!(offset_of!(Header, total_parts) == 0x2A);
const _: () = assert!(offset_of!(Header, image_count) == 0x2C);
const _: () = assert!(offset_of!(Header, blob_table) == 0x30);
const _: () = assert!(offset_of!(Header, xml) == 0x48);
const _: () = assert!(offset_of!(Header, boot_metadata) == 0x60);
const _: () = assert!(offset_of!(Header, boot_index) == 0x78);
const _: () = assert!(offset_of!(Header, integrity) == 0x7C);
const _: () = assert!(offset_of!(Header, unused) == 0x94);

impl Header {
    pub(crate) const SIZE: u64 = 208;
    pub(crate) const MAGIC: [u8; 8] = *b"MSWIM\0\0\0";
    /// wimlib's private form that is written to a pipe.
    pub(crate) const PIPABLE_MAGIC: [u8; 8] = *b"WLPWM\0\0\0";
    pub(crate) const VERSION: u32 = 0x0001_0D00;
    /// May hold solid resources and LZMS.
    pub(crate) const VERSION_SOLID: u32 = 0x0000_0E00;
}

/// Bits of [`Header::flags`].
pub(crate) struct HeaderFlags;

impl HeaderFlags {
    pub(crate) const COMPRESSED: u32 = 0x0000_0002;
    pub(crate) const SPANNED: u32 = 0x0000_0008;
    pub(crate) const WRITE_IN_PROGRESS: u32 = 0x0000_0040;
    pub(crate) const REPARSE_FIXUPS: u32 = 0x0000_0080;
    pub(crate) const XPRESS: u32 = 0x0002_0000;
    pub(crate) const LZX: u32 = 0x0004_0000;
    pub(crate) const LZMS: u32 = 0x0008_0000;
    /// A second bit for XPRESS, seen with small chunks.
    pub(crate) const XPRESS_2: u32 = 0x0020_0000;
}
