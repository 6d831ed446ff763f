//! Dates of records and descriptors as moments.

use extent_image::Timestamp;
use zerocopy::IntoBytes;

use crate::disk::date::{LongDate, ShortDate};

/// What a date field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Known(Timestamp),
    /// The field says so.
    Unspecified,
    /// The field says nothing that can be.
    Wrong,
}

impl Moment {
    pub(super) fn known(self) -> Option<Timestamp> {
        match self {
            Self::Known(time) => Some(time),
            Self::Unspecified | Self::Wrong => None,
        }
    }
}

pub(super) fn short(date: &ShortDate) -> Moment {
    if date.as_bytes().iter().all(|byte| *byte == 0) {
        return Moment::Unspecified;
    }
    let year = i64::from(date.year).saturating_add(1900);
    let rest = [date.month, date.day, date.hour, date.minute, date.second].map(i64::from);
    in_quarters(year, rest, date.zone)
}

pub(super) fn long(date: &LongDate) -> Moment {
    if date.digits == [b'0'; 16] {
        return if date.zone == 0 { Moment::Unspecified } else { Moment::Wrong };
    }
    let mut digits = date.digits.iter().map(|digit| match digit {
        b'0'..=b'9' => Some(i64::from(digit.saturating_sub(b'0'))),
        _ => None,
    });
    let mut number = |count: usize| {
        digits
            .by_ref()
            .take(count)
            .try_fold(0i64, |sum, digit| Some(sum.saturating_mul(10).saturating_add(digit?)))
    };
    let fields = (number(4), [number(2), number(2), number(2), number(2), number(2)], number(2));
    match fields {
        (Some(year), [Some(a), Some(b), Some(c), Some(d), Some(e)], Some(_)) if year > 0 => {
            in_quarters(year, [a, b, c, d, e], date.zone)
        }
        _ => Moment::Wrong,
    }
}

/// With a zone in steps of 15 minutes.
fn in_quarters(year: i64, rest: [i64; 5], zone: i8) -> Moment {
    if !(-48..=52).contains(&zone) {
        return Moment::Wrong;
    }
    moment(year, rest, i64::from(zone).saturating_mul(15))
}

/// A date and time of day so many minutes from UTC.
pub(super) fn moment(year: i64, rest: [i64; 5], minutes: i64) -> Moment {
    let [month, day, hour, minute, second] = rest;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return Moment::Wrong,
    };
    let clock = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    if !(1..=days).contains(&day) || !clock || !(-1440..=1440).contains(&minutes) {
        return Moment::Wrong;
    }
    let days = days_before(year, month).saturating_add(day);
    let seconds = days
        .saturating_mul(24)
        .saturating_add(hour)
        .saturating_mul(60)
        .saturating_add(minute)
        .saturating_sub(minutes)
        .saturating_mul(60)
        .saturating_add(second);
    Moment::Known(Timestamp::from_unix_seconds(seconds))
}

/// Days from 1970-01-01 to the day before the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    // January and February count as months 13 and 14 of the year before, so that the leap day is
    // the last of its year.
    let (year, month) =
        if month > 2 { (year, month) } else { (year.saturating_sub(1), month.saturating_add(12)) };
    let leaps = (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
    // 153 days in five months from March on; 719,469 days from 0000-02-29 to 1970-01-01.
    let months = month.saturating_sub(3).saturating_mul(153).saturating_add(2) / 5;
    year.saturating_mul(365).saturating_add(leaps).saturating_add(months).saturating_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_back() {
        for seconds in [0, 951_827_696, 951_782_400, 1_709_164_800, 4_102_444_799, -2_208_988_800] {
            let time = Timestamp::from_unix_seconds(seconds);
            assert_eq!(short(&ShortDate::of(time).unwrap()), Moment::Known(time));
            assert_eq!(long(&LongDate::of(time).unwrap()), Moment::Known(time));
        }
    }

    #[test]
    fn zones_are_taken_off() {
        let mut date = ShortDate::of(Timestamp::from_unix_seconds(7200)).unwrap();
        date.zone = 8;
        assert_eq!(short(&date), Moment::Known(Timestamp::from_unix_seconds(0)));
    }

    #[test]
    fn what_cannot_be_is_wrong() {
        assert_eq!(short(&ShortDate::NONE), Moment::Unspecified);
        assert_eq!(long(&LongDate::NONE), Moment::Unspecified);
        let good = ShortDate::of(Timestamp::from_unix_seconds(0)).unwrap();
        for bad in [
            ShortDate { month: 13, ..good },
            ShortDate { month: 0, ..good },
            ShortDate { day: 32, ..good },
            ShortDate { month: 2, day: 29, ..good },
            ShortDate { hour: 24, ..good },
            ShortDate { zone: 53, ..good },
        ] {
            assert_eq!(short(&bad), Moment::Wrong);
        }
        let zeros = LongDate { digits: [0; 16], zone: 0 };
        assert_eq!(long(&zeros), Moment::Wrong);
    }
}
