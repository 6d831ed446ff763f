//! Times as the media carry them.

use std::time::SystemTime;

/// A moment, in whole seconds and nanoseconds since 1970-01-01 00:00:00 UTC.
///
/// Nothing in this crate or the writers asks the clock: times come from sources or the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// Date and time of day in UTC, in the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year; may be negative.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// Seconds from 1601-01-01, where FILETIME begins, to 1970-01-01.
const FILETIME_TO_UNIX_SECONDS: i64 = 11_644_473_600;

impl Timestamp {
    /// 1980-01-01 00:00:00, the first moment FAT can hold, and the time of things without one.
    pub const FAT_EPOCH: Self = Self { seconds: 315_532_800, nanos: 0 };

    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// A Windows FILETIME: units of 100 ns since 1601-01-01 UTC.
    pub fn from_filetime(ticks: u64) -> Self {
        let seconds = i64::try_from(ticks / 10_000_000).unwrap_or(i64::MAX);
        let nanos = u32::try_from(ticks % 10_000_000 * 100).unwrap_or(0);
        Self { seconds: seconds.saturating_sub(FILETIME_TO_UNIX_SECONDS), nanos }
    }

    /// The modification time of a local file.
    pub fn from_system_time(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds: -whole, nanos: 0 },
                    nanos => {
                        Self { seconds: (-whole).saturating_sub(1), nanos: 1_000_000_000 - nanos }
                    }
                }
            }
        }
    }

    /// Whole seconds since 1970-01-01 00:00:00 UTC, rounded towards the past.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second, 0 to 999,999,999.
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// As a Windows FILETIME; moments before 1601 become 0.
    pub fn filetime(self) -> u64 {
        let seconds = self.seconds.saturating_add(FILETIME_TO_UNIX_SECONDS);
        let Ok(seconds) = u64::try_from(seconds) else { return 0 };
        seconds.saturating_mul(10_000_000).saturating_add(u64::from(self.nanos / 100))
    }

    /// Date and time of day in UTC.
    pub fn civil(self) -> Civil {
        let days = self.seconds.div_euclid(86_400);
        let second_of_day = self.seconds.rem_euclid(86_400);
        // Years run from 1 March so that the leap day is the last of its year; an era is 400 years
        // of 146,097 days, and 719,468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = days.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Five months of 153 days, March first.
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u8::try_from(value).unwrap_or(0);
        Civil {
            year,
            month: small(month),
            day: small(day),
            hour: small(second_of_day / 3_600),
            minute: small(second_of_day / 60 % 60),
            second: small(second_of_day % 60),
        }
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (315_532_800, "1980-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
            (-11_644_473_600, "1601-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_unix_seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn filetime_round_trip() {
        let ticks = 133_500_000_001_234_567;
        assert_eq!(Timestamp::from_filetime(ticks).filetime(), ticks);
        assert_eq!(Timestamp::from_filetime(0).to_string(), "1601-01-01T00:00:00Z");
        let before = Timestamp { seconds: -FILETIME_TO_UNIX_SECONDS - 1, nanos: 999_999_999 };
        assert_eq!(before.filetime(), 0);
        assert_eq!(Timestamp { seconds: i64::MAX, nanos: 999_999_999 }.filetime(), u64::MAX);
    }

    #[test]
    fn system_time_before_the_epoch_rounds_down() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
        let stamp = Timestamp::from_system_time(time);
        assert_eq!((stamp.unix_seconds(), stamp.nanos()), (-1, 999_000_000));
    }
}
