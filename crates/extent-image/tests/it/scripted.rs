//! Drives that do as a script says, and sources that count how they are read.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use extent_image::{Source, Storage};

/// What stood on a drive before.
pub(crate) const OLD: u8 = 0xAA;

/// What a drive was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Write { at: u64, len: u64 },
    Flush,
    Forget,
    Read { at: u64, len: u64 },
}

/// A drive in memory, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Drive {
    name: &'static str,
    bytes: Mutex<Vec<u8>>,
    len: u64,
    block: u32,
    log: Mutex<Vec<Op>>,
    buffers: Mutex<BTreeSet<usize>>,
    /// Such buffers that began off multiples of 4096.
    pub(crate) misaligned: AtomicU64,
    /// Writes that reach this byte fail.
    pub(crate) fails_write_at: Option<u64>,
    /// The flush with this number fails, from 0 on.
    pub(crate) fails_flush: Option<usize>,
    pub(crate) fails_forget: bool,
    /// Reads that reach this byte fail.
    pub(crate) fails_read_at: Option<u64>,
    /// This byte is read back with one bit wrong.
    pub(crate) flips: Option<u64>,
    /// A counterfeit: bytes from here on are those from 0 on.
    pub(crate) wraps_at: Option<u64>,
    /// Writes to this byte and the rest of its block are dropped without a word.
    pub(crate) drops: Option<u64>,
    /// Every write takes this long.
    pub(crate) slow: Duration,
}

impl Drive {
    pub(crate) fn new(len: u64) -> Self {
        Self::with_block(len, 512)
    }

    pub(crate) fn with_block(len: u64, block: u32) -> Self {
        let bytes = Mutex::new(vec![OLD; usize::try_from(len).unwrap()]);
        Self { name: "drive", bytes, len, block, ..Self::default() }
    }

    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub(crate) fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap()
    }

    pub(crate) fn log(&self) -> Vec<Op> {
        self.log.lock().unwrap().clone()
    }

    /// Addresses of all buffers of 64 KiB and more that it was written from.
    pub(crate) fn buffers(&self) -> BTreeSet<usize> {
        self.buffers.lock().unwrap().clone()
    }

    fn reaches(limit: Option<u64>, at: u64, len: usize) -> bool {
        limit.is_some_and(|limit| at + len as u64 > limit)
    }

    /// Where the byte at `at` really is.
    fn place(&self, at: u64) -> usize {
        usize::try_from(self.wraps_at.map_or(at, |capacity| at % capacity)).unwrap()
    }

    /// How many bytes lie together from `at` on.
    fn until_wrap(&self, at: u64) -> usize {
        let left = self.wraps_at.map_or(u64::MAX, |capacity| capacity - at % capacity);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    fn check(&self, at: u64, len: usize) {
        let block = u64::from(self.block);
        assert!(at.is_multiple_of(block) && (len as u64).is_multiple_of(block) && len > 0);
        assert!(at + len as u64 <= self.len, "{at} {len}");
    }
}

impl Storage for Drive {
    fn describe(&self) -> String {
        self.name.to_owned()
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn block_size(&self) -> u32 {
        self.block
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.check(at, bytes.len());
        self.log.lock().unwrap().push(Op::Read { at, len: bytes.len() as u64 });
        if Self::reaches(self.fails_read_at, at, bytes.len()) {
            return Err(io::Error::other("scripted read"));
        }
        let stored = self.bytes();
        let mut done = 0;
        while done < bytes.len() {
            let place = self.place(at + done as u64);
            let step = (bytes.len() - done).min(self.until_wrap(at + done as u64));
            bytes[done..done + step].copy_from_slice(&stored[place..place + step]);
            done += step;
        }
        let flipped = self.flips.and_then(|flips| flips.checked_sub(at));
        if let Some(byte) = flipped.and_then(|place| bytes.get_mut(usize::try_from(place).ok()?)) {
            *byte ^= 1;
        }
        Ok(())
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(at, bytes.len());
        self.log.lock().unwrap().push(Op::Write { at, len: bytes.len() as u64 });
        if bytes.len() >= 64 * 1024 {
            let aligned = bytes.as_ptr().addr().is_multiple_of(4096);
            self.misaligned.fetch_add(u64::from(!aligned), Ordering::Relaxed);
            self.buffers.lock().unwrap().insert(bytes.as_ptr().addr());
        }
        std::thread::sleep(self.slow);
        if Self::reaches(self.fails_write_at, at, bytes.len()) {
            return Err(io::Error::other("scripted write"));
        }
        let mut stored = self.bytes();
        for (block, at) in
            bytes.chunks(self.block as usize).zip((at..).step_by(self.block as usize))
        {
            if !self
                .drops
                .is_some_and(|dropped| (at..at + u64::from(self.block)).contains(&dropped))
            {
                let place = self.place(at);
                stored[place..place + block.len()].copy_from_slice(block);
            }
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        let number = log.iter().filter(|op| **op == Op::Flush).count();
        log.push(Op::Flush);
        match self.fails_flush == Some(number) {
            true => Err(io::Error::other("scripted flush")),
            false => Ok(()),
        }
    }

    fn forget_cached(&self) -> io::Result<()> {
        self.log.lock().unwrap().push(Op::Forget);
        match self.fails_forget {
            true => Err(io::Error::other("scripted forget")),
            false => Ok(()),
        }
    }
}

/// A prime, so that no two pieces are the same.
const PERIOD: u64 = 65_521;

static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let byte = |at: u64| u8::try_from((at % PERIOD * 31 + at % PERIOD / 251) % 256).unwrap();
    (0..4 * PERIOD).map(byte).collect()
});

/// Bytes that count how often they are opened and how many of them are read, and may fail.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) len: u64,
    pub(crate) opened: AtomicU64,
    pub(crate) read: AtomicU64,
    /// Reading fails here.
    pub(crate) fails_at: Option<u64>,
    /// Opening fails from this number of times on.
    pub(crate) opens: Option<u64>,
}

impl Counted {
    pub(crate) fn new(len: u64) -> Self {
        Self { len, ..Self::default() }
    }

    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.opened.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }
}

impl Source for Counted {
    fn len(&self) -> u64 {
        self.len
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        if self.opens.is_some_and(|opens| number >= opens) {
            return Err(io::Error::other("scripted open"));
        }
        Ok(Box::new(Reading { source: self, at: from }))
    }

    fn describe(&self) -> String {
        "counted".to_owned()
    }
}

struct Reading<'a> {
    source: &'a Counted,
    at: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.source.fails_at.is_some_and(|at| self.at >= at) {
            return Err(io::Error::other("scripted source"));
        }
        let left = usize::try_from(self.source.len - self.at).unwrap();
        // Uneven steps, as a network gives them.
        let count = left.min(buf.len()).min(100_003);
        let place = usize::try_from(self.at % PERIOD).unwrap();
        buf[..count].copy_from_slice(&CONTENT[place..place + count]);
        self.at += count as u64;
        self.source.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
