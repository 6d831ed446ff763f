//! What begins every UDF descriptor, and the texts and times inside.

use zerocopy::FromBytes;

use crate::check::date::{self, Moment};
use crate::check::fault::Faults;
use crate::disk::udf_basic::{CS0_8, CS0_16, Tag, Time, crc};
use crate::units::len64;

/// What belongs to all descriptors of a volume: version 2 (NSR02) or 3 (NSR03) in every tag.
///
/// The CRC covers a descriptor as a whole (UDF 1.02, 2.2.1.2): `least` bytes, or more where texts
/// or reserved bytes follow.
pub(super) fn check_form(bytes: &[u8], least: usize, position: u64, faults: &mut Faults) {
    let Ok((tag, _)) = Tag::read_from_prefix(bytes) else { return };
    let least = len64(least.saturating_sub(size_of::<Tag>()));
    if u64::from(tag.crc_len.get()) < least {
        let what = "length that the CRC of a UDF descriptor covers";
        faults.expect(position.saturating_add(10), what, tag.crc_len.get(), least);
    }
    if !matches!(tag.version.get(), 2 | 3) {
        let what = "version of a UDF tag";
        faults.expect(position.saturating_add(2), what, tag.version.get(), 2u8);
    }
}

/// Checks the tag of a descriptor at `position`, of which `bytes` hold all that may belong to it.
/// True when it is of that kind, whatever else is wrong.
pub(super) fn check(
    bytes: &[u8],
    id: u16,
    location: u64,
    position: u64,
    faults: &mut Faults,
) -> bool {
    let at = |offset: u64| position.saturating_add(offset);
    let Ok((tag, body)) = Tag::read_from_prefix(bytes) else { return false };
    if tag.id.get() != id {
        faults.expect(position, "identifier of a UDF descriptor", tag.id.get(), id);
        return false;
    }
    faults.expect(at(4), "checksum of a UDF tag", tag.checksum, Tag::sum(bytes));
    faults.expect_zero(at(5), "byte 5 of a UDF tag", &[tag.reserved]);
    let covered = usize::from(tag.crc_len.get());
    match body.get(..covered) {
        Some(covered) => {
            faults.expect(at(8), "CRC of a UDF descriptor", tag.crc.get(), crc(covered));
        }
        None => {
            let what = "length that the CRC of a UDF descriptor covers";
            faults.expect(at(10), what, tag.crc_len.get(), len64(body.len()));
        }
    }
    faults.expect(at(12), "location in a UDF tag", tag.location.get(), location);
    true
}

/// The characters of a text after the byte that tells their form; `None` when there is no such
/// form.
pub(super) fn characters(bytes: &[u8]) -> Option<String> {
    match bytes.split_first()? {
        (&CS0_8, text) => Some(text.iter().copied().map(char::from).collect()),
        (&CS0_16, text) => {
            let units: Vec<u16> = units(text).collect();
            Some(String::from_utf16_lossy(&units))
        }
        _ => None,
    }
}

fn units(text: &[u8]) -> impl Iterator<Item = u16> {
    let pairs = text.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    pairs.map(u16::from_be_bytes)
}

/// True for a text of 16-bit units that holds half of a surrogate pair.
pub(super) fn is_torn(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((&CS0_16, text)) => char::decode_utf16(units(text)).any(|unit| unit.is_err()),
        _ => false,
    }
}

/// The text of a field whose last byte is its length; `None` when it makes no sense.
pub(super) fn dstring(field: &[u8]) -> Option<String> {
    let (len, room) = field.split_last()?;
    if *len == 0 {
        return Some(String::new());
    }
    characters(room.get(..usize::from(*len))?)
}

/// A time as a moment.
pub(super) fn moment(time: &Time) -> Moment {
    let fields = [time.month, time.day, time.hour, time.minute, time.second].map(i64::from);
    let year = i64::from(time.year.get());
    if year == 0 && fields == [0; 5] {
        return Moment::Unspecified;
    }
    let zone = time.zone.get();
    // Twelve bits with a sign; -2047 is "not specified", of which readers make UTC.
    let minutes = i64::from(zone & 0x0FFF);
    let minutes = if minutes >= 0x800 { minutes.saturating_sub(0x1000) } else { minutes };
    let minutes = if minutes == -2047 { 0 } else { minutes };
    let parts = [time.centiseconds, time.hundred_microseconds, time.microseconds];
    if zone >> 12 > 1 || parts.iter().any(|part| *part > 99) {
        return Moment::Wrong;
    }
    date::moment(year, fields, minutes)
}

#[cfg(test)]
mod tests {
    use extent_image::Timestamp;
    use zerocopy::FromBytes;

    use super::*;

    #[test]
    fn texts() {
        assert_eq!(characters(&[8, b'a', 0xE9]).as_deref(), Some("aé"));
        assert_eq!(characters(&[16, 0x6F, 0x22]).as_deref(), Some("漢"));
        assert_eq!(characters(&[9, b'a']), None);
        assert_eq!(dstring(&[8, b'a', 0, 0, 2]).as_deref(), Some("a"));
        assert_eq!(dstring(&[8, b'a', 0, 0, 5]), None);
        assert_eq!(dstring(&[0; 5]).as_deref(), Some(""));
    }

    #[test]
    fn times() {
        let read = |bytes: [u8; 12]| moment(&Time::read_from_bytes(&bytes).unwrap());
        let noon = Timestamp::from_unix_seconds(951_827_696);
        assert_eq!(read([0, 0x10, 0xD0, 7, 2, 29, 12, 34, 56, 0, 0, 0]), Moment::Known(noon));
        // An hour east of UTC, and nobody knows where.
        assert_eq!(read([60, 0x10, 0xD0, 7, 2, 29, 13, 34, 56, 9, 9, 9]), Moment::Known(noon));
        assert_eq!(read([1, 0x18, 0xD0, 7, 2, 29, 12, 34, 56, 0, 0, 0]), Moment::Known(noon));
        assert_eq!(read([0; 12]), Moment::Unspecified);
        assert_eq!(read([0, 0x10, 0xD0, 7, 13, 29, 12, 34, 56, 0, 0, 0]), Moment::Wrong);
        assert_eq!(read([0, 0x10, 0xD0, 7, 2, 29, 12, 34, 56, 100, 0, 0]), Moment::Wrong);
    }
}
