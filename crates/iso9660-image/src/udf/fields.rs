//! Values of UDF fields: texts, times, identifiers, sealed descriptors.

use extent_image::{Civil, Timestamp};
use zerocopy::{FromZeros, IntoBytes};

use crate::disk::udf_basic::{
    COMPRESSED_UNICODE, CS0_8, CS0_16, CharacterSet, EntityId, REVISION, Tag, Time, VERSION_NSR02,
    crc,
};
use crate::name::utf16_be;

/// By this the crate calls itself in descriptors.
const IMPLEMENTATION: &[u8] = b"*iso9660-image";
/// Type 1, local time, and no minutes from UTC.
const UTC: u16 = 1 << 12;

/// A text with its compression: a byte per character where all are up to U+00FF.
pub(super) fn cs0(text: &str) -> Vec<u8> {
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let (kind, characters) = match latin {
        Some(latin) => (CS0_8, latin),
        None => (CS0_16, utf16_be(text)),
    };
    [&[kind], characters.as_slice()].concat()
}

/// As much of a text as the field has room for; its last byte is the length.
pub(super) fn dstring<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let room = N.saturating_sub(1);
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).rev();
    let mut shorter = ends.map(|end| cs0(text.get(..end).unwrap_or_default()));
    let text = shorter.find(|encoded| encoded.len() <= room).unwrap_or_default();
    if text.len() > 1
        && let Some((len, room)) = field.split_last_mut()
    {
        for (slot, byte) in room.iter_mut().zip(&text) {
            *slot = *byte;
        }
        // No field has more than 128 bytes.
        *len = u8::try_from(text.len()).unwrap_or(u8::MAX);
    }
    field
}

pub(super) fn character_set() -> CharacterSet {
    let mut set = CharacterSet::new_zeroed();
    for (slot, byte) in set.information.iter_mut().zip(COMPRESSED_UNICODE) {
        *slot = *byte;
    }
    set
}

/// An identifier of at most 23 bytes.
pub(super) fn entity(id: &[u8], suffix: [u8; 8]) -> EntityId {
    let mut entity = EntityId { flags: 0, id: [0; 23], suffix };
    for (slot, byte) in entity.id.iter_mut().zip(id) {
        *slot = *byte;
    }
    entity
}

pub(super) fn implementation() -> EntityId {
    entity(IMPLEMENTATION, [0; 8])
}

/// The suffix of identifiers that UDF defines.
pub(super) fn revision() -> [u8; 8] {
    let [low, high] = REVISION.to_le_bytes();
    [low, high, 0, 0, 0, 0, 0, 0]
}

/// The moment in UTC; "not specified" outside the years 1 to 9999.
pub(super) fn time(time: Timestamp) -> Time {
    let Civil { year, month, day, hour, minute, second } = time.civil();
    let micros = time.nanos() / 1000;
    // Each below 100.
    let small = |value: u32| u8::try_from(value % 100).unwrap_or_default();
    match i16::try_from(year) {
        Ok(year @ 1..=9999) => Time {
            zone: UTC.into(),
            year: year.into(),
            month,
            day,
            hour,
            minute,
            second,
            centiseconds: small(micros / 10_000),
            hundred_microseconds: small(micros / 100),
            microseconds: small(micros),
        },
        _ => Time::new_zeroed(),
    }
}

/// Completes a descriptor whose first 16 bytes are its empty tag.
pub(super) fn seal(id: u16, location: u32, descriptor: &mut [u8]) {
    let Some((head, body)) = descriptor.split_at_mut_checked(size_of::<Tag>()) else { return };
    let mut tag = Tag::new_zeroed();
    tag.id = id.into();
    tag.version = VERSION_NSR02.into();
    tag.crc = crc(body).into();
    // Descriptors have at most a sector.
    tag.crc_len = u16::try_from(body.len()).unwrap_or(u16::MAX).into();
    tag.location = location.into();
    tag.checksum = Tag::sum(tag.as_bytes());
    head.copy_from_slice(tag.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_by_hand() {
        assert_eq!(cs0("Aé"), [8, b'A', 0xE9]);
        assert_eq!(cs0("é漢"), [16, 0, 0xE9, 0x6F, 0x22]);
        assert_eq!(dstring::<6>("ab"), [8, b'a', b'b', 0, 0, 3]);
        assert_eq!(dstring::<6>("abcdef"), [8, b'a', b'b', b'c', b'd', 5]);
        assert_eq!(dstring::<6>("漢𝄞"), [16, 0x6F, 0x22, 0, 0, 3]);
        assert_eq!(dstring::<4>(""), [0; 4]);
    }

    #[test]
    fn times_by_hand() {
        let noon = time(Timestamp::from_unix_seconds(951_827_696));
        assert_eq!(noon.as_bytes(), [0, 0x10, 0xD0, 7, 2, 29, 12, 34, 56, 0, 0, 0]);
        let fine = time(Timestamp::from_filetime(116_444_736_001_234_567));
        assert_eq!(fine.as_bytes()[9..], [12, 34, 56]);
        let far = time(Timestamp::from_unix_seconds(i64::MAX / 2));
        assert_eq!(far.as_bytes(), [0; 12]);
    }

    #[test]
    fn a_sealed_descriptor_by_hand() {
        let mut bytes = [[0; 16].as_slice(), b"123456789"].concat();
        seal(2, 0x100, &mut bytes);
        // 2 + 2 + C3 + 31 + 9 + 1 = 102.
        assert_eq!(bytes[..16], [2, 0, 2, 0, 2, 0, 0, 0, 0xC3, 0x31, 9, 0, 0, 1, 0, 0]);
    }
}
