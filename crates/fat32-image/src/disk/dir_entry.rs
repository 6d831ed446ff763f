//! The 32-byte slots of a directory (fat-format 6 and 6.2), and dates and times in them.

use std::mem::offset_of;

use extent_image::{Civil, Timestamp};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::units::Cluster;

/// Bytes of a slot.
pub(crate) const SLOT: usize = 32;
/// Bytes of a slot, for sums with sizes.
pub(crate) const SLOT_LEN: u64 = 32;

/// Attribute bits.
pub(crate) mod attribute {
    pub(crate) const READ_ONLY: u8 = 0x01;
    pub(crate) const HIDDEN: u8 = 0x02;
    pub(crate) const SYSTEM: u8 = 0x04;
    pub(crate) const VOLUME: u8 = 0x08;
    pub(crate) const DIRECTORY: u8 = 0x10;
    pub(crate) const ARCHIVE: u8 = 0x20;
    pub(crate) const LONG_NAME: u8 = 0x0F;
}

/// The slot of a file, folder or label.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct DirEntry {
    /// Base and extension, padded with spaces.
    pub(crate) name: [u8; 11],
    /// Bits of [`attribute`].
    pub(crate) attributes: u8,
    /// 08h: base in lower case, 10h: extension in lower case.
    pub(crate) case: u8,
    /// Hundredths of a second, 0 to 199.
    pub(crate) created_hundredths: u8,
    pub(crate) created_time: U16,
    pub(crate) created_date: U16,
    pub(crate) accessed_date: U16,
    pub(crate) cluster_high: U16,
    pub(crate) modified_time: U16,
    pub(crate) modified_date: U16,
    pub(crate) cluster_low: U16,
    /// Bytes; 0 for folders.
    pub(crate) size: U32,
}

const _: () = assert!(size_of::<DirEntry>() == SLOT);
const _: () = assert!(offset_of!(DirEntry, attributes) == 0x0B);
const _: () = assert!(offset_of!(DirEntry, case) == 0x0C);
const _: () = assert!(offset_of!(DirEntry, created_hundredths) == 0x0D);
const _: () = assert!(offset_of!(DirEntry, created_time) == 0x0E);
const _: () = assert!(offset_of!(DirEntry, created_date) == 0x10);
const _: () = assert!(offset_of!(DirEntry, accessed_date) == 0x12);
const _: () = assert!(offset_of!(DirEntry, cluster_high) == 0x14);
const _: () = assert!(offset_of!(DirEntry, modified_time) == 0x16);
const _: () = assert!(offset_of!(DirEntry, modified_date) == 0x18);
const _: () = assert!(offset_of!(DirEntry, cluster_low) == 0x1A);
const _: () = assert!(offset_of!(DirEntry, size) == 0x1C);

impl DirEntry {
    /// A slot whose three times are all `time`.
    pub(crate) fn new(name: [u8; 11], attributes: u8, time: FatTime) -> Self {
        Self {
            name,
            attributes,
            case: 0,
            created_hundredths: 0,
            created_time: U16::new(time.time),
            created_date: U16::new(time.date),
            accessed_date: U16::new(time.date),
            cluster_high: U16::ZERO,
            modified_time: U16::new(time.time),
            modified_date: U16::new(time.date),
            cluster_low: U16::ZERO,
            size: U32::ZERO,
        }
    }

    /// The same with a first cluster.
    pub(crate) fn at(self, first: Cluster) -> Self {
        let [a, b, c, d] = first.number().to_le_bytes();
        let (cluster_low, cluster_high) = (U16::from_bytes([a, b]), U16::from_bytes([c, d]));
        Self { cluster_low, cluster_high, ..self }
    }
}

/// UTF-16 units in a long-name slot.
pub(crate) const UNITS: usize = 13;

/// One part of a long name. The slots of a name stand before its [`DirEntry`], the last part first.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LongEntry {
    /// 1 to 20, and 40h on the last part.
    pub(crate) ordinal: u8,
    pub(crate) units_1: [U16; 5],
    /// [`attribute::LONG_NAME`].
    pub(crate) attributes: u8,
    /// 0.
    pub(crate) kind: u8,
    /// [`checksum`] of the short name.
    pub(crate) checksum: u8,
    pub(crate) units_2: [U16; 6],
    /// 0; Windows ignores the long name otherwise.
    pub(crate) cluster_low: U16,
    pub(crate) units_3: [U16; 2],
}

const _: () = assert!(size_of::<LongEntry>() == SLOT);
const _: () = assert!(offset_of!(LongEntry, units_1) == 0x01);
const _: () = assert!(offset_of!(LongEntry, attributes) == 0x0B);
const _: () = assert!(offset_of!(LongEntry, kind) == 0x0C);
const _: () = assert!(offset_of!(LongEntry, checksum) == 0x0D);
const _: () = assert!(offset_of!(LongEntry, units_2) == 0x0E);
const _: () = assert!(offset_of!(LongEntry, cluster_low) == 0x1A);
const _: () = assert!(offset_of!(LongEntry, units_3) == 0x1C);

impl LongEntry {
    /// Added to the ordinal of the part that holds the end of the name.
    pub(crate) const LAST: u8 = 0x40;

    /// A slot of up to 13 units. A shorter part is ended by 0000 and filled with FFFF.
    pub(crate) fn new(ordinal: u8, part: &[u16], checksum: u8) -> Self {
        let mut rest = part.iter().copied().chain(std::iter::once(0));
        let mut next = || U16::new(rest.next().unwrap_or(0xFFFF));
        Self {
            ordinal,
            units_1: std::array::from_fn(|_| next()),
            attributes: attribute::LONG_NAME,
            kind: 0,
            checksum,
            units_2: std::array::from_fn(|_| next()),
            cluster_low: U16::ZERO,
            units_3: std::array::from_fn(|_| next()),
        }
    }
}

/// What ties long-name slots to the short name behind them: for each byte, the sum rotated right by
/// one bit plus the byte.
pub(crate) fn checksum(name: &[u8; 11]) -> u8 {
    name.iter().fold(0, |sum: u8, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// A moment as FAT holds it: years 1980 to 2107, steps of two seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FatTime {
    /// Bits 15-9 year - 1980, 8-5 month, 4-0 day.
    pub(crate) date: u16,
    /// Bits 15-11 hour, 10-5 minute, 4-0 seconds / 2.
    pub(crate) time: u16,
}

impl FatTime {
    const FIRST: Self = Self { date: 0x0021, time: 0 };
    /// 2107-12-31 23:59:58.
    const LAST: Self = Self { date: 0xFF9F, time: 0xBF7D };

    /// The moment in UTC, rounded down to two seconds. A moment that FAT cannot hold becomes the
    /// nearest it can, and the flag is true.
    pub(crate) fn new(moment: Timestamp) -> (Self, bool) {
        let Civil { year, month, day, hour, minute, second } = moment.civil();
        let Some(since) = year.checked_sub(1980).filter(|since| *since >= 0) else {
            return (Self::FIRST, true);
        };
        let Some(since) = u16::try_from(since).ok().filter(|since| *since < 128) else {
            return (Self::LAST, true);
        };
        let date = since << 9 | u16::from(month) << 5 | u16::from(day);
        let time = u16::from(hour) << 11 | u16::from(minute) << 5 | u16::from(second) >> 1;
        (Self { date, time }, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (seconds, date, time, moved) in [
            (315_532_800, 0x0021, 0, false),
            (315_532_799, 0x0021, 0, true),
            (i64::MIN / 2, 0x0021, 0, true),
            // 2024-02-29 13:37:59
            (1_709_213_879, 44 << 9 | 2 << 5 | 29, 13 << 11 | 37 << 5 | 29, false),
            // 2107-12-31 23:59:59 and the second after it
            (4_354_819_199, 0xFF9F, 0xBF7D, false),
            (4_354_819_200, 0xFF9F, 0xBF7D, true),
            (i64::MAX / 2, 0xFF9F, 0xBF7D, true),
        ] {
            let found = FatTime::new(Timestamp::from_unix_seconds(seconds));
            assert_eq!(found, (FatTime { date, time }, moved), "{seconds}");
        }
    }

    #[test]
    fn short_slot_by_hand() {
        let time = FatTime { date: 0x585D, time: 0x6CBD };
        let entry = DirEntry::new(*b"BOOTMGR    ", attribute::ARCHIVE, time);
        let mut entry = entry.at(Cluster::FIRST.after(0x0001_2344));
        entry.size = U32::new(0x0006_5432);
        let expected = [
            b'B', b'O', b'O', b'T', b'M', b'G', b'R', b' ', b' ', b' ', b' ', 0x20, 0, 0, 0xBD,
            0x6C, 0x5D, 0x58, 0x5D, 0x58, 0x01, 0x00, 0xBD, 0x6C, 0x5D, 0x58, 0x46, 0x23, 0x32,
            0x54, 0x06, 0x00,
        ];
        assert_eq!(entry.as_bytes(), expected);
    }

    #[test]
    fn long_slot_by_hand() {
        // Worked by hand: the name "abcdefg", one part, ended and filled.
        let units: Vec<u16> = "abcdefg".encode_utf16().collect();
        let entry = LongEntry::new(1 | LongEntry::LAST, &units, 0x5A);
        let expected = [
            0x41, b'a', 0, b'b', 0, b'c', 0, b'd', 0, b'e', 0, 0x0F, 0, 0x5A, b'f', 0, b'g', 0, 0,
            0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ];
        assert_eq!(entry.as_bytes(), expected);
        // A full part has no end mark.
        let full = LongEntry::new(1, &[0x41; 13], 0);
        assert_eq!(full.units_3, [U16::new(0x41); 2]);
    }

    #[test]
    fn checksum_by_hand() {
        // All zero bytes but the last: the sum is that byte. One 01h before it is rotated to 80h.
        assert_eq!(checksum(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]), 7);
        assert_eq!(checksum(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7]), 0x87);
        // As mkfs.fat and mtools stored it before "Sub folder" and "some file.text".
        assert_eq!(checksum(b"SUBFOL~1   "), 0xA1);
        assert_eq!(checksum(b"SOMEFI~1TEX"), 0xB3);
    }
}
