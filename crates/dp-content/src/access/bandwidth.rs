//! A limit in bytes per second that everything which fetches shares.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// So much may come at once after a pause: a tenth of a second's worth, and at least one buffer, so
/// that the sleeps between stay longer than what the system's clock can tell apart.
const BURST: Duration = Duration::from_millis(100);
const SMALLEST_BURST: u64 = 64 << 10;

/// How soon a pause ends that nobody wants any more.
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// A token bucket. One is shared, as an `Arc`, by all locations and connections of a run:
/// whoever has read bytes takes as many tokens and sleeps off what is missing.
#[derive(Debug)]
pub struct Bandwidth {
    rate: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the bucket will be, or was, full: every byte taken moves it on by its time.
    full_at: Instant,
}

impl Bandwidth {
    /// A limit of `rate` bytes per second; 0 counts as 1.
    pub fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), state: Mutex::new(State { full_at: Instant::now() }) }
    }

    /// Bytes per second.
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// How much to read at once, so that no single reading outruns the limit by more than a burst.
    pub fn step(&self) -> usize {
        let step = (self.rate / 10).max(SMALLEST_BURST);
        usize::try_from(step).unwrap_or(usize::MAX)
    }

    /// Pays for bytes that have come: returns when the limit allows the next.
    pub fn take(&self, bytes: usize) {
        self.take_unless(bytes, || false);
    }

    /// As [`take`](Self::take), but returns soon after `cancelled` says true.
    pub(crate) fn take_unless(&self, bytes: usize, cancelled: impl Fn() -> bool) {
        let mut pause = self.pay(bytes, Instant::now());
        while !pause.is_zero() && !cancelled() {
            let nap = pause.min(LONGEST_NAP);
            thread::sleep(nap);
            pause -= nap;
        }
    }

    /// How long who takes `bytes` at `now` has to wait. Tokens are owed before they are slept for,
    /// so readers that come together share the rate instead of each having it.
    fn pay(&self, bytes: usize, now: Instant) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let burst = self.time_of(SMALLEST_BURST).max(BURST);
        // Nothing that panics happens under the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = state.full_at.max(now) + self.time_of(bytes);
        state.full_at = full_at;
        full_at.saturating_duration_since(now).saturating_sub(burst)
    }

    fn time_of(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        // A day at most: `Instant` additions cannot overflow by what a server sends.
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(Duration::from_hours(24))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_is_paid() {
        let bandwidth = Bandwidth::new(1 << 20);
        let start = Instant::now();
        // 100 ms of the rate are free ...
        assert_eq!(bandwidth.pay(100 << 10, start), Duration::ZERO);
        // ... then a MiB costs a second, whoever asks.
        let pause = bandwidth.pay(1 << 20, start);
        assert!((990..1010).contains(&pause.as_millis()), "{pause:?}");
        let pause = bandwidth.pay(1 << 20, start);
        assert!((1990..2010).contains(&pause.as_millis()), "{pause:?}");
        // After a long pause there is one burst again, not more.
        let later = start + Duration::from_mins(1);
        assert_eq!(bandwidth.pay(100 << 10, later), Duration::ZERO);
        assert!(bandwidth.pay(1 << 20, later).as_millis() >= 990);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let now = Instant::now();
        assert!(Bandwidth::new(0).pay(usize::MAX, now) <= Duration::from_hours(24));
        assert_eq!(Bandwidth::new(u64::MAX).pay(1 << 30, now), Duration::ZERO);
        assert!(Bandwidth::new(1).step() >= 1);
    }

    #[test]
    fn threads_share_the_rate() {
        let bandwidth = Bandwidth::new(4 << 20);
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..4).for_each(|_| bandwidth.take(128 << 10)));
            }
        });
        // 2 MiB at 4 MiB/s, less the burst of 100 ms.
        assert!(start.elapsed() >= Duration::from_millis(350), "{:?}", start.elapsed());
    }
}
