//! Times as hives hold them.

/// A time in a hive: a count of 100 ns since the start of 1601, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(u64);

impl FileTime {
    /// From the number as stored.
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// From seconds since 1970, UTC. Times that the format does not reach (before 1601, after
    /// 60055) become the first or the last one.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        /// From 1601 to 1970.
        const EPOCH: i64 = 11_644_473_600;
        let since_1601 = seconds.saturating_add(EPOCH);
        Self(if since_1601 < 0 { 0 } else { since_1601.unsigned_abs().saturating_mul(10_000_000) })
    }

    /// The number as stored.
    pub const fn ticks(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_ticks() {
        assert_eq!(FileTime::from_unix_seconds(0).ticks(), 116_444_736_000_000_000);
        assert_eq!(FileTime::from_unix_seconds(-11_644_473_600).ticks(), 0);
        assert_eq!(FileTime::from_unix_seconds(i64::MIN).ticks(), 0);
        assert_eq!(FileTime::from_unix_seconds(i64::MAX).ticks(), u64::MAX);
    }
}
