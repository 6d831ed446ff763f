//! Bodies that trickle: a byte now and then keeps every time limit of a single reading.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::BodyReader;

use crate::access::{AccessError, AccessKind};

use super::answers::{self, Way};
use super::site::Site;

/// Bytes a second that come over the slowest of lines.
const LOWEST_RATE: u128 = 1 << 10;

/// Sees to it that a body comes at the lowest rate. Only the time that is spent waiting for the
/// server counts: not that of a slow consumer, nor what a bandwidth limit costs.
pub(super) struct Watch {
    window: Duration,
    waited: Duration,
    came: u128,
}

impl Watch {
    /// For the body of a file, which may pause.
    pub(super) fn file(way: &Way) -> Self {
        Self::new(way.options().read_timeout().saturating_mul(2))
    }

    /// For what is small: it has one read time-out, and one more for each as many bytes as come in
    /// that at the lowest rate.
    pub(super) fn small(way: &Way) -> Self {
        Self::new(way.options().read_timeout())
    }

    fn new(window: Duration) -> Self {
        Self { window, waited: Duration::ZERO, came: 0 }
    }

    /// Reads from a body.
    pub(super) fn read(
        &mut self,
        body: &mut impl Read,
        buf: &mut [u8],
        way: &Way,
    ) -> Result<usize, AccessKind> {
        let started = Instant::now();
        let n = body.read(buf).map_err(|error| answers::of_io(&error, way))?;
        self.note(n, started.elapsed()).map(|()| n)
    }

    fn note(&mut self, n: usize, waited: Duration) -> Result<(), AccessKind> {
        self.waited = self.waited.saturating_add(waited);
        self.came += u128::try_from(n).unwrap_or_default();
        if n == 0 || self.waited < self.window {
            return Ok(());
        }
        let due = self.waited.as_millis() * LOWEST_RATE / 1000;
        if self.came < due {
            return Err(answers::stalled(self.waited));
        }
        (self.waited, self.came) = (Duration::ZERO, 0);
        Ok(())
    }
}

/// A body that is read as a file's are: watched, within the bandwidth limit, with errors that are
/// [`AccessError`]s.
pub(super) struct Watched<'a> {
    site: &'a Site,
    url: String,
    body: BodyReader<'static>,
    watch: Watch,
}

impl<'a> Watched<'a> {
    pub(super) fn new(site: &'a Site, url: String, body: BodyReader<'static>) -> Self {
        Self { site, url, body, watch: Watch::file(site.way()) }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let error = |kind| AccessError::new(self.url.as_str(), kind);
        let n = self.watch.read(&mut self.body, buf, self.site.way()).map_err(error)?;
        self.site.options().pay(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_ends_and_a_slow_line_does_not() {
        let second = Duration::from_secs(1);
        let mut trickle = Watch::new(second * 60);
        let last = (1..).find(|_| trickle.note(100, second).is_err());
        assert_eq!(last, Some(60));
        let mut slow = Watch::new(second * 60);
        assert!((0..1000).all(|_| slow.note(1100, second).is_ok()));
        // A pause that one reading may take is none of ours, if enough comes around it.
        let mut pausing = Watch::new(second * 60);
        assert!((0..100).all(|_| pausing.note(64 << 10, second * 29).is_ok()));
        // What came long ago does not count.
        let mut early = Watch::new(second * 60);
        assert!(early.note(1 << 30, second * 61).is_ok());
        assert!((0..59).all(|_| early.note(1, second).is_ok()));
        assert!(early.note(1, second).is_err());
        // The end is the end.
        assert!(early.note(0, second).is_ok());
    }
}
