//! The two forms of a date (ECMA-119 8.4.26.1 and 9.1.5).

use std::mem::offset_of;

use extent_image::{Civil, Timestamp};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The date of a directory record: numbers, years counted from 1900.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(crate) struct ShortDate {
    /// Years since 1900.
    pub(crate) year: u8,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    /// 0 to 23.
    pub(crate) hour: u8,
    /// 0 to 59.
    pub(crate) minute: u8,
    /// 0 to 59.
    pub(crate) second: u8,
    /// Offset from UTC in steps of 15 minutes, -48 to 52.
    pub(crate) zone: i8,
}

const _: () = assert!(size_of::<ShortDate>() == 7);
const _: () = assert!(offset_of!(ShortDate, hour) == 3);
const _: () = assert!(offset_of!(ShortDate, zone) == 6);

impl ShortDate {
    /// "Not specified".
    pub(crate) const NONE: Self =
        Self { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, zone: 0 };

    /// The moment in UTC; `None` outside the years 1900 to 2155.
    pub(crate) fn of(time: Timestamp) -> Option<Self> {
        let Civil { year, month, day, hour, minute, second } = time.civil();
        let year = u8::try_from(year.checked_sub(1900)?).ok()?;
        Some(Self { year, month, day, hour, minute, second, zone: 0 })
    }
}

/// The date of a volume descriptor: digits `YYYYMMDDhhmmsscc`, then the offset from UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(crate) struct LongDate {
    pub(crate) digits: [u8; 16],
    /// Offset from UTC in steps of 15 minutes, -48 to 52.
    pub(crate) zone: i8,
}

const _: () = assert!(size_of::<LongDate>() == 17);
const _: () = assert!(offset_of!(LongDate, zone) == 16);

impl LongDate {
    /// "Not specified": the digit 0, not the byte 0.
    pub(crate) const NONE: Self = Self { digits: [b'0'; 16], zone: 0 };

    /// The moment in UTC, to the whole second as in the records; `None` outside the years 1 to
    /// 9999.
    pub(crate) fn of(time: Timestamp) -> Option<Self> {
        let Civil { year, month, day, hour, minute, second } = time.civil();
        if !(1..=9999).contains(&year) {
            return None;
        }
        let text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00");
        Some(Self { digits: text.as_bytes().try_into().ok()?, zone: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_by_hand() {
        let leap_day = Timestamp::from_unix_seconds(951_827_696); // 2000-02-29 12:34:56
        let short = ShortDate::of(leap_day).unwrap();
        assert_eq!(short.as_bytes(), [100, 2, 29, 12, 34, 56, 0]);
        assert_eq!(LongDate::of(leap_day).unwrap().as_bytes(), b"2000022912345600\0");
    }

    #[test]
    fn years_that_do_not_fit() {
        let first_1900 = -2_208_988_800;
        assert!(ShortDate::of(Timestamp::from_unix_seconds(first_1900)).is_some());
        assert_eq!(ShortDate::of(Timestamp::from_unix_seconds(first_1900 - 1)), None);
        let first_2156 = 5_869_584_000;
        assert!(ShortDate::of(Timestamp::from_unix_seconds(first_2156 - 1)).is_some());
        assert_eq!(ShortDate::of(Timestamp::from_unix_seconds(first_2156)), None);
        assert_eq!(LongDate::of(Timestamp::from_unix_seconds(i64::MAX)), None);
    }
}
