//! What frames a hive's cells: the base block at the start of the file, and the bins after it.

use std::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of the base block, and the unit of bins.
pub(crate) const BLOCK: usize = 4096;

/// The first 4096 bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BaseBlock {
    /// `regf`.
    pub(crate) signature: [u8; 4],
    /// Counts writes that were begun.
    pub(crate) primary_sequence: U32,
    /// Counts writes that were ended: equal to the first in a clean hive.
    pub(crate) secondary_sequence: U32,
    /// 100 ns since 1601.
    pub(crate) written: U64,
    /// 1.
    pub(crate) major: U32,
    /// 3 to 6.
    pub(crate) minor: U32,
    /// 0: a primary file, not a log.
    pub(crate) file_type: U32,
    /// 1: cells are addressed directly.
    pub(crate) format: U32,
    /// Cell of the root key.
    pub(crate) root: U32,
    /// Bytes of all bins.
    pub(crate) bins_len: U32,
    /// Sectors per 512 bytes: 1.
    pub(crate) clustering: U32,
    /// UTF-16, for show.
    pub(crate) name: [U16; 32],
    /// Identifiers of transactions in newer versions; 0.
    pub(crate) reserved: [u8; 396],
    /// Of the 508 bytes before it.
    pub(crate) checksum: U32,
    /// 0.
    pub(crate) rest: [u8; 3584],
}

const _: () = assert!(size_of::<BaseBlock>() == BLOCK);
const _: () = assert!(offset_of!(BaseBlock, primary_sequence) == 4);
const _: () = assert!(offset_of!(BaseBlock, secondary_sequence) == 8);
const _: () = assert!(offset_of!(BaseBlock, written) == 12);
const _: () = assert!(offset_of!(BaseBlock, major) == 20);
const _: () = assert!(offset_of!(BaseBlock, minor) == 24);
const _: () = assert!(offset_of!(BaseBlock, file_type) == 28);
const _: () = assert!(offset_of!(BaseBlock, format) == 32);
const _: () = assert!(offset_of!(BaseBlock, root) == 36);
const _: () = assert!(offset_of!(BaseBlock, bins_len) == 40);
const _: () = assert!(offset_of!(BaseBlock, clustering) == 44);
const _: () = assert!(offset_of!(BaseBlock, name) == 48);
const _: () = assert!(offset_of!(BaseBlock, reserved) == 112);
const _: () = assert!(offset_of!(BaseBlock, checksum) == 508);
const _: () = assert!(offset_of!(BaseBlock, rest) == 512);

impl BaseBlock {
    pub(crate) const SIGNATURE: [u8; 4] = *b"regf";

    /// The 127 numbers before the checksum, combined by exclusive or; 0 and -1 are not used.
    pub(crate) fn computed_checksum(&self) -> u32 {
        let numbers = <[U32]>::ref_from_prefix_with_elems(self.as_bytes(), 127);
        let numbers = numbers.map_or(&[][..], |(numbers, _)| numbers);
        match numbers.iter().fold(0, |sum, number| sum ^ number.get()) {
            0 => 1,
            u32::MAX => u32::MAX - 1,
            sum => sum,
        }
    }
}

/// The start of a bin: a run of cells, at a multiple of 4096 bytes and of such a length.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BinHeader {
    /// `hbin`.
    pub(crate) signature: [u8; 4],
    /// Of this bin, from the end of the base block.
    pub(crate) offset: U32,
    /// Of this bin, with its header.
    pub(crate) len: U32,
    /// 0.
    pub(crate) reserved: [u8; 8],
    /// 100 ns since 1601; meant in the first bin only.
    pub(crate) written: U64,
    /// 0.
    pub(crate) spare: U32,
}

const _: () = assert!(size_of::<BinHeader>() == 32);
const _: () = assert!(offset_of!(BinHeader, offset) == 4);
const _: () = assert!(offset_of!(BinHeader, len) == 8);
const _: () = assert!(offset_of!(BinHeader, reserved) == 12);
const _: () = assert!(offset_of!(BinHeader, written) == 20);
const _: () = assert!(offset_of!(BinHeader, spare) == 28);

impl BinHeader {
    pub(crate) const SIGNATURE: [u8; 4] = *b"hbin";
}

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;

    #[test]
    fn checksums_of_all_kinds() {
        let mut block = BaseBlock::new_zeroed();
        assert_eq!(block.computed_checksum(), 1);
        block.signature = BaseBlock::SIGNATURE;
        assert_eq!(block.computed_checksum(), 0x6667_6572);
        block.primary_sequence = U32::new(0x6667_6572 ^ u32::MAX);
        assert_eq!(block.computed_checksum(), 0xFFFF_FFFE);
        // The last number that counts, and the checksum itself, which does not.
        block.reserved[395] = 0x80;
        assert_eq!(block.computed_checksum(), 0x7FFF_FFFF);
        block.checksum = U32::new(7);
        block.rest[0] = 7;
        assert_eq!(block.computed_checksum(), 0x7FFF_FFFF);
    }
}
