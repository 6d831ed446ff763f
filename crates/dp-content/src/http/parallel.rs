//! One large range over several connections, in order, in bounded memory.
//!
//! One connection is enough for most networks. It is not where each is held back: by a server that
//! limits the rate of a connection, or by a long way whose delay its window does not fill. So a large
//! file starts on one; when that is slow, the next part is tried over all, and whatever was better
//! goes on and is remembered for the location.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::access::{AccessError, AccessKind};
use crate::path::ContentPath;

use super::fetch::{Bytes, Fetcher, Wanted};

/// One request of a parallel reading.
const CHUNK: u64 = 2 << 20;
/// Chunks that are fetched or wait: 16 MiB.
const WINDOW: u64 = 8;
/// What is read over one connection to see how fast that is.
const PROBE: u64 = 8 << 20;
/// What is read over all connections to see whether that is faster.
const TRIAL: u64 = 32 << 20;
/// Bytes a second that one connection need not be better than: a gigabit network gives no more.
const ENOUGH: u64 = 100 << 20;

/// What is known of a location.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing = 0,
    OneIsBest = 1,
    ManyAreBetter = 2,
}

impl Pace {
    fn get(&self) -> Known {
        match self.0.load(Ordering::Relaxed) {
            1 => Known::OneIsBest,
            2 => Known::ManyAreBetter,
            _ => Known::Nothing,
        }
    }

    fn set(&self, known: Known) {
        self.0.store(known as u8, Ordering::Relaxed);
    }
}

/// A large range of a file.
pub(super) struct Adaptive {
    fetcher: Arc<Fetcher>,
    pace: Arc<Pace>,
    path: ContentPath,
    /// What has not been given yet, what of it has not been asked for, and the length of the file.
    at: u64,
    rest: Range<u64>,
    len: u64,
    stage: Stage,
    /// Of the stage.
    came: u64,
    waited: Duration,
    /// Bytes a second over one connection.
    one: u64,
}

enum Stage {
    /// Over one connection, to see how fast that is.
    Probe(Bytes),
    /// Over all connections, to see whether that is faster.
    Trial(Parallel),
    /// Over one connection to the end.
    One(Bytes),
    /// Over all connections to the end.
    Many(Parallel),
}

impl Adaptive {
    /// Opens a range; small ones are one request.
    pub(super) fn open(
        fetcher: &Arc<Fetcher>,
        pace: &Arc<Pace>,
        path: &ContentPath,
        range: Range<u64>,
        len: u64,
    ) -> Result<Self, AccessError> {
        let started = Instant::now();
        let options = fetcher.site.options();
        // Under a limit there is nothing to win.
        let one = options.connections() == 1 || options.bandwidth().is_some();
        let one = one || range.end - range.start < PROBE + TRIAL;
        let known = if one { Known::OneIsBest } else { pace.get() };
        let Range { start, end } = range;
        let (stage, next) = match known {
            Known::OneIsBest => {
                (Stage::One(fetcher.fetch(path, &Wanted { range, end, len })?), end)
            }
            Known::ManyAreBetter => (Stage::Many(Parallel::new(fetcher, path, range, len)), end),
            Known::Nothing => {
                let probe = range.start..range.start + PROBE;
                let next = probe.end;
                let bytes = fetcher.fetch(path, &Wanted { range: probe, end, len })?;
                if bytes.ranged() {
                    (Stage::Probe(bytes), next)
                } else {
                    // No ranges: nothing to divide.
                    pace.set(Known::OneIsBest);
                    (Stage::One(bytes), end)
                }
            }
        };
        Ok(Self {
            fetcher: Arc::clone(fetcher),
            pace: Arc::clone(pace),
            path: path.clone(),
            at: start,
            rest: next..end,
            len,
            stage,
            came: 0,
            waited: started.elapsed(),
            one: 0,
        })
    }

    /// The stage has given all it had: what follows? `false` when that was all.
    fn go_on(&mut self) -> Result<bool, AccessError> {
        if let Stage::Trial(parallel) | Stage::Many(parallel) = &self.stage
            && parallel.no_ranges
        {
            self.pace.set(Known::OneIsBest);
            let range = self.at..self.rest.end;
            self.rest = 0..0;
            self.stage = self.one(range)?;
            return Ok(true);
        }
        if self.rest.is_empty() {
            return Ok(false);
        }
        let nanos = self.waited.as_nanos().max(1);
        let rate = u128::from(self.came) * 1_000_000_000 / nanos;
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        (self.came, self.waited) = (0, Duration::ZERO);
        let many = match &self.stage {
            Stage::Probe(_) => {
                self.one = rate;
                let left = self.rest.end - self.rest.start;
                if rate < ENOUGH && left >= TRIAL {
                    let end = self.rest.start + TRIAL;
                    let trial = self.rest.start..end;
                    self.rest.start = end;
                    let parallel = Parallel::new(&self.fetcher, &self.path, trial, self.len);
                    self.stage = Stage::Trial(parallel);
                    return Ok(true);
                }
                if rate >= ENOUGH {
                    self.pace.set(Known::OneIsBest);
                }
                false
            }
            // Half as much again must be won to be worth the server's trouble.
            Stage::Trial(_) => rate > self.one.saturating_add(self.one / 2),
            Stage::One(_) | Stage::Many(_) => return Ok(false),
        };
        if let Stage::Trial(_) = self.stage {
            self.pace.set(if many { Known::ManyAreBetter } else { Known::OneIsBest });
        }
        let range = std::mem::replace(&mut self.rest, 0..0);
        self.stage = if many {
            Stage::Many(Parallel::new(&self.fetcher, &self.path, range, self.len))
        } else {
            self.one(range)?
        };
        Ok(true)
    }

    fn one(&self, range: Range<u64>) -> Result<Stage, AccessError> {
        let end = range.end;
        let wanted = Wanted { range, end, len: self.len };
        Ok(Stage::One(self.fetcher.fetch(&self.path, &wanted)?))
    }
}

impl Read for Adaptive {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let started = Instant::now();
            let result = match &mut self.stage {
                Stage::Probe(bytes) | Stage::One(bytes) => bytes.read(buf),
                Stage::Trial(parallel) | Stage::Many(parallel) => parallel.read(buf),
            };
            self.waited += started.elapsed();
            match result {
                Ok(0) => match self.go_on() {
                    Ok(true) => {}
                    Ok(false) => return Ok(0),
                    Err(error) => {
                        self.rest = 0..0;
                        return Err(error.into());
                    }
                },
                Ok(n) => {
                    let count = u64::try_from(n).unwrap_or_default();
                    self.came += count;
                    self.at += count;
                    return Ok(n);
                }
                Err(error) => {
                    if matches!(self.stage, Stage::Trial(_) | Stage::Many(_)) {
                        // The server may not like many at once: the next try is over one.
                        self.pace.set(Known::OneIsBest);
                    }
                    // Nothing is given behind an error.
                    self.rest = 0..0;
                    return Err(error);
                }
            }
        }
    }
}

/// A range in chunks over several connections. Dropped early, its threads end with the chunk that
/// they are at.
struct Parallel {
    queue: Arc<Queue>,
    /// The chunk that is being given, and how much of it has been.
    chunk: Vec<u8>,
    given: usize,
    /// The server, or one of several behind its name, gives the whole file whatever is asked for.
    /// It ended early then: each chunk would cost all bytes before it.
    no_ranges: bool,
}

struct Queue {
    range: Range<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

/// A chunk; `None` where the server ignores ranges.
type Fetched = Result<Option<Vec<u8>>, AccessError>;

#[derive(Default)]
struct State {
    /// Chunks that a thread has taken on.
    taken: u64,
    /// Chunks that the reader has got.
    got: u64,
    done: BTreeMap<u64, Fetched>,
    stopped: bool,
}

impl Parallel {
    fn new(fetcher: &Arc<Fetcher>, path: &ContentPath, range: Range<u64>, len: u64) -> Self {
        let queue = Arc::new(Queue { range, state: Mutex::default(), changed: Condvar::new() });
        let chunks = queue.chunks();
        let threads = u64::try_from(fetcher.site.options().connections()).unwrap_or(1).min(chunks);
        let started = (0..threads).filter(|_| {
            let (fetcher, queue, path) = (Arc::clone(fetcher), Arc::clone(&queue), path.clone());
            let work = move || queue.work(&fetcher, &path, len);
            thread::Builder::new().name("http range".to_owned()).spawn(work).is_ok()
        });
        if started.count() == 0 {
            let what = AccessKind::Lost("the system gives no thread to read with".to_owned());
            queue.deliver(0, Err(AccessError::new(path.as_str(), what)));
        }
        Self { queue, chunk: Vec::new(), given: 0, no_ranges: false }
    }
}

impl Queue {
    fn chunks(&self) -> u64 {
        (self.range.end - self.range.start).div_ceil(CHUNK)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, fetcher: &Fetcher, path: &ContentPath, len: u64) {
        while let Some(number) = self.take() {
            let start = self.range.start + number * CHUNK;
            let range = start..(start + CHUNK).min(self.range.end);
            // Should the HTTP library panic, the reader must not wait for ever.
            let fetched = catch_unwind(AssertUnwindSafe(|| fetch(fetcher, path, range, len)));
            let result = fetched.unwrap_or_else(|_| {
                let what = "a connection's thread failed; this is a fault of capmedia".to_owned();
                Err(AccessError::new(path.as_str(), AccessKind::Malformed(what)))
            });
            self.deliver(number, result);
        }
    }

    fn deliver(&self, number: u64, result: Fetched) {
        let mut state = self.lock();
        state.stopped |= !matches!(result, Ok(Some(_)));
        state.done.insert(number, result);
        drop(state);
        self.changed.notify_all();
    }

    fn take(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.taken >= self.chunks() {
                return None;
            }
            if state.taken < state.got + WINDOW {
                state.taken += 1;
                return Some(state.taken - 1);
            }
            state = self.wait(state);
        }
    }

    /// The next chunk; `None` after the last.
    fn next(&self) -> Option<Fetched> {
        let mut state = self.lock();
        loop {
            if state.got >= self.chunks() {
                return None;
            }
            let number = state.got;
            if let Some(result) = state.done.remove(&number) {
                // Nothing is given behind an error.
                let came = matches!(result, Ok(Some(_)));
                state.got = if came { number + 1 } else { self.chunks() };
                drop(state);
                self.changed.notify_all();
                return Some(result);
            }
            state = self.wait(state);
        }
    }
}

fn fetch(fetcher: &Fetcher, path: &ContentPath, range: Range<u64>, len: u64) -> Fetched {
    let Range { start, end } = range;
    // A chunk is of a size that was chosen here.
    let size = usize::try_from(range.end - range.start).unwrap_or_default();
    let mut bytes = fetcher.fetch(path, &Wanted { range, end, len })?;
    if start > 0 && !bytes.ranged() {
        return Ok(None);
    }
    let mut chunk = vec![0; size];
    bytes.read_exact(&mut chunk).map_err(|error| AccessError::of_io(path.as_str(), &error))?;
    Ok(Some(chunk))
}

impl Read for Parallel {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.chunk.len() {
            match self.queue.next() {
                None => return Ok(0),
                Some(chunk) => match chunk? {
                    Some(chunk) => (self.chunk, self.given) = (chunk, 0),
                    None => {
                        self.no_ranges = true;
                        return Ok(0);
                    }
                },
            }
        }
        let rest = self.chunk.get(self.given..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        Ok(n)
    }
}

impl Drop for Parallel {
    fn drop(&mut self) {
        self.queue.lock().stopped = true;
        self.queue.changed.notify_all();
    }
}
