//! What all UDF descriptors are made of (ECMA-167 1/7 and 3/7; UDF 1.02, 2.1 and 2.2.1). All
//! numbers are little-endian.

use std::mem::offset_of;

use zerocopy::little_endian::{I16, U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Descriptor version of NSR02, that is of UDF up to 1.50.
pub(crate) const VERSION_NSR02: u16 = 2;
/// The revision this crate writes: UDF 1.02.
pub(crate) const REVISION: u16 = 0x0102;
/// Information of the character set of every text.
pub(crate) const COMPRESSED_UNICODE: &[u8; 23] = b"OSTA Compressed Unicode";
/// First byte of a text whose characters are one byte each, U+0000 to U+00FF.
pub(crate) const CS0_8: u8 = 8;
/// First byte of a text of big-endian 16-bit units.
pub(crate) const CS0_16: u8 = 16;
/// Most bytes of one allocation descriptor, whole blocks.
pub(crate) const PIECE: u64 = 0x3FFF_F800;

/// What begins every descriptor (ECMA-167 3/7.2).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Tag {
    pub(crate) id: U16,
    /// 2 for NSR02, 3 for NSR03.
    pub(crate) version: U16,
    /// Sum of the other 15 bytes.
    pub(crate) checksum: u8,
    pub(crate) reserved: u8,
    pub(crate) serial: U16,
    /// Of the `crc_len` bytes after the tag.
    pub(crate) crc: U16,
    pub(crate) crc_len: U16,
    /// The descriptor's own sector; inside the partition, its block there.
    pub(crate) location: U32,
}

const _: () = assert!(size_of::<Tag>() == 16);
const _: () = assert!(offset_of!(Tag, checksum) == 4);
const _: () = assert!(offset_of!(Tag, crc) == 8);
const _: () = assert!(offset_of!(Tag, location) == 12);

impl Tag {
    /// The checksum these bytes of a tag must have: the sum of all but the fifth.
    pub(crate) fn sum(bytes: &[u8]) -> u8 {
        let others = bytes.iter().enumerate().take(size_of::<Self>()).filter(|(at, _)| *at != 4);
        others.fold(0, |sum, (_, byte)| sum.wrapping_add(*byte))
    }
}

/// CRC-16 with polynomial 0x1021, starting at 0, high bit first (ECMA-167 3/7.2.6).
pub(crate) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |mut crc, byte| {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x1021;
            }
        }
        crc
    })
}

/// A moment (ECMA-167 1/7.3). All zero: not specified.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Time {
    /// Type in the high 4 bits, 1 for local time; minutes from UTC in the low 12, signed, -2047 for
    /// "not specified".
    pub(crate) zone: U16,
    pub(crate) year: I16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) centiseconds: u8,
    pub(crate) hundred_microseconds: u8,
    pub(crate) microseconds: u8,
}

const _: () = assert!(size_of::<Time>() == 12);
const _: () = assert!(offset_of!(Time, month) == 4);

/// An entity identifier (ECMA-167 1/7.4).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct EntityId {
    pub(crate) flags: u8,
    pub(crate) id: [u8; 23],
    /// What it holds depends on the identifier; a UDF revision in the first two bytes of most.
    pub(crate) suffix: [u8; 8],
}

const _: () = assert!(size_of::<EntityId>() == 32);
const _: () = assert!(offset_of!(EntityId, suffix) == 24);

/// A character set (ECMA-167 1/7.2.1).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct CharacterSet {
    /// 0: CS0.
    pub(crate) kind: u8,
    pub(crate) information: [u8; 63],
}

const _: () = assert!(size_of::<CharacterSet>() == 64);
const _: () = assert!(offset_of!(CharacterSet, information) == 1);

/// A run of sectors of the volume (ECMA-167 3/7.1).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct VolumeExtent {
    /// Bytes.
    pub(crate) len: U32,
    pub(crate) lba: U32,
}

const _: () = assert!(size_of::<VolumeExtent>() == 8);
const _: () = assert!(offset_of!(VolumeExtent, lba) == 4);

/// A run of blocks of the partition that the descriptor is in (ECMA-167 4/14.14.1).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ShortAd {
    /// Bytes in the low 30 bits; the high 2 are 0 for what is recorded.
    pub(crate) len: U32,
    pub(crate) block: U32,
}

const _: () = assert!(size_of::<ShortAd>() == 8);
const _: () = assert!(offset_of!(ShortAd, block) == 4);

/// A run of blocks of any partition (ECMA-167 4/14.14.2).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LongAd {
    /// As in [`ShortAd`].
    pub(crate) len: U32,
    pub(crate) block: U32,
    /// Number of the partition map.
    pub(crate) partition: U16,
    pub(crate) flags: U16,
    /// In a directory: the low half of the unique id of what it leads to.
    pub(crate) unique_id: U32,
}

const _: () = assert!(size_of::<LongAd>() == 16);
const _: () = assert!(offset_of!(LongAd, partition) == 8);
const _: () = assert!(offset_of!(LongAd, unique_id) == 12);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_by_hand() {
        assert_eq!(crc(b"123456789"), 0x31C3);
        assert_eq!(crc(&[0x70, 0x6A, 0x77]), 0x3299);
        assert_eq!(crc(&[]), 0);
        let tag = [2, 0, 2, 0, 99, 0, 0, 0, 0xFF, 0x01, 0xF0, 0x01, 0, 1, 0, 0];
        // 2 + 2 + 0xFF + 1 + 0xF0 + 1 + 1 = 0x1F6; the fifth byte does not count.
        assert_eq!(Tag::sum(&tag), 0xF6);
    }
}
