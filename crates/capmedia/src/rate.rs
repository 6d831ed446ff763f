//! How fast a run is, and how long it will take.

use std::collections::VecDeque;
use std::time::Duration;

/// What the rate is an average over.
const WINDOW: Duration = Duration::from_secs(10);

/// No rate before: the first buffers go into the memory of the system.
const SETTLED: Duration = Duration::from_secs(2);

/// One is kept of all that was counted in this time, so that a window is some forty of them.
const STEP: Duration = Duration::from_millis(250);

/// Longer than anybody waits, and than such an average can tell.
const LONGEST: u64 = 99 * 3600;

/// The bytes per second of work whose progress is told in small steps, over the last ten seconds, and
/// with it the time that is left.
///
/// It asks no clock: every call says what time it is, as the time since any moment that does not change.
///
/// - In the first two seconds it says nothing.
/// - It is told of work alone: what takes none, such as holes of files, is left out of what is counted
///   and of the total ([`Progress::work`](extent_image::Progress::work)).
/// - Counting anew, as every phase of a run does, begins anew.
/// - A pause of more than ten seconds (a machine that slept, a run that was stopped) begins anew; while
///   it lasts, there is no rate.
///
/// ```
/// use std::time::Duration;
/// use capmedia::Rate;
///
/// let mut rate = Rate::new();
/// for second in 0..=4 {
///     rate.advance(Duration::from_secs(second), second * 1_000_000);
/// }
/// let now = Duration::from_secs(4);
/// assert_eq!(rate.bytes_per_second(now), Some(1_000_000));
/// assert_eq!(rate.left(now, 10_000_000), Some(Duration::from_secs(6)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Rate {
    /// Moments and what was done by then.
    samples: VecDeque<(Duration, u64)>,
    /// The last moment, and what was done by then.
    last: Option<(Duration, u64)>,
}

impl Rate {
    /// Nothing done so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many bytes of work are done `now`.
    pub fn advance(&mut self, now: Duration, done: u64) {
        if let Some((at, before)) = self.last
            && (done < before || now.saturating_sub(at) > WINDOW)
        {
            *self = Self::new();
        }
        let now = self.last.map_or(now, |(at, _)| now.max(at));
        self.last = Some((now, done));
        let next = self.samples.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= STEP);
        if next {
            self.samples.push_back((now, done));
        }
        // The one before the window is where it begins.
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// The rate; `None` as long as nobody can tell, and while nothing moves.
    pub fn bytes_per_second(&self, now: Duration) -> Option<u64> {
        let (last, done) = self.last?;
        let (start, before) = *self.samples.front()?;
        if now.saturating_sub(last) > WINDOW {
            return None;
        }
        let time = now.max(last).saturating_sub(start);
        if time < SETTLED {
            return None;
        }
        let worked = done.saturating_sub(before);
        let rate = u128::from(worked) * 1000 / time.as_millis().max(1);
        u64::try_from(rate).ok().filter(|rate| *rate > 0)
    }

    /// The time until all of `total` bytes are done, in whole seconds, rounded up; `None` without a rate,
    /// and where it would be more than 99 hours.
    pub fn left(&self, now: Duration, total: u64) -> Option<Duration> {
        let (_, done) = self.last?;
        let left = total.saturating_sub(done);
        if left == 0 {
            return Some(Duration::ZERO);
        }
        let seconds = left.div_ceil(self.bytes_per_second(now)?);
        (seconds <= LONGEST).then(|| Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Counts `steps` of a MiB, one each `every`, on from what was done; when it ends, and what is done.
    fn run(rate: &mut Rate, from: (u64, u64), steps: u64, every: u64) -> (u64, u64) {
        let (mut now, mut done) = from;
        for _ in 0..steps {
            (now, done) = (now + every, done + MIB);
            rate.advance(ms(now), done);
        }
        (now, done)
    }

    #[test]
    fn the_first_seconds_say_nothing() {
        let mut rate = Rate::new();
        assert_eq!(rate.bytes_per_second(ms(5000)), None);
        assert_eq!(rate.left(ms(5000), 100), None);
        rate.advance(ms(0), 0);
        let (now, done) = run(&mut rate, (0, 0), 19, 100);
        assert_eq!(rate.bytes_per_second(ms(now)), None);
        let (now, done) = run(&mut rate, (now, done), 1, 100);
        assert_eq!(rate.bytes_per_second(ms(now)), Some(10 * MIB));
        assert_eq!(rate.left(ms(now), done + 25 * MIB), Some(Duration::from_secs(3)));
        assert_eq!(rate.left(ms(now), done), Some(Duration::ZERO));
    }

    #[test]
    fn it_is_that_of_the_last_ten_seconds() {
        let mut rate = Rate::new();
        rate.advance(ms(0), 0);
        let from = run(&mut rate, (0, 0), 600, 100);
        let (now, done) = run(&mut rate, from, 30, 1000);
        let found = rate.bytes_per_second(ms(now)).unwrap();
        assert!(found.abs_diff(MIB) < MIB / 10, "{found}");
        // Standing still shows, too, and then is said to be no rate at all.
        let found = rate.bytes_per_second(ms(now + 9000)).unwrap();
        assert!(found < MIB * 6 / 10, "{found}");
        assert_eq!(rate.bytes_per_second(ms(now + 10_001)), None);
        assert_eq!(rate.left(ms(now + 10_001), done + 1), None);
        assert!(rate.samples.len() < 50);
    }

    #[test]
    fn many_small_steps_are_kept_in_little_room() {
        let mut rate = Rate::new();
        for now in 0..100_000 {
            rate.advance(ms(now), now * 1000);
        }
        assert!(rate.samples.len() < 50);
        assert_eq!(rate.bytes_per_second(ms(99_999)), Some(1_000_000));
    }

    #[test]
    fn a_pause_begins_anew() {
        let mut rate = Rate::new();
        rate.advance(ms(0), 0);
        let (now, done) = run(&mut rate, (0, 0), 100, 100);
        let (now, done) = run(&mut rate, (now + 3_600_000, done), 1, 0);
        assert_eq!(rate.bytes_per_second(ms(now)), None);
        assert_eq!(rate.left(ms(now), done * 2), None);
        let (now, done) = run(&mut rate, (now, done), 20, 100);
        assert_eq!(rate.bytes_per_second(ms(now)), Some(10 * MIB));
        assert_eq!(rate.left(ms(now), done + 10 * MIB), Some(Duration::from_secs(1)));
    }

    #[test]
    fn counting_anew_begins_anew() {
        let mut rate = Rate::new();
        rate.advance(ms(0), 0);
        let (now, _) = run(&mut rate, (0, 0), 100, 100);
        rate.advance(ms(now), 0);
        assert_eq!(rate.bytes_per_second(ms(now)), None);
        let (now, _) = run(&mut rate, (now, 0), 40, 500);
        assert_eq!(rate.bytes_per_second(ms(now)), Some(2 * MIB));
    }

    #[test]
    fn nothing_absurd_is_said() {
        let mut rate = Rate::new();
        for second in 0..10 {
            rate.advance(Duration::from_secs(second), second);
        }
        let now = Duration::from_secs(9);
        assert_eq!(rate.bytes_per_second(now), Some(1));
        assert_eq!(rate.left(now, u64::MAX), None);
        assert_eq!(rate.left(now, 9), Some(Duration::ZERO));
        // Less than a byte a second; a clock that goes back.
        let mut rate = Rate::new();
        rate.advance(ms(0), 0);
        rate.advance(ms(9000), 1);
        assert_eq!((rate.bytes_per_second(ms(9000)), rate.left(ms(9000), 10)), (None, None));
        rate.advance(ms(100), u64::MAX);
        assert_eq!(rate.bytes_per_second(ms(0)), Some(u64::MAX / 9));
        assert_eq!(rate.left(ms(0), u64::MAX), Some(Duration::ZERO));
    }
}
