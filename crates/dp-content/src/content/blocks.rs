//! What was read last of files that are read here and there, as the tables of a WIM are.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use extent_image::Digest;

use crate::content::origin::{Claim, Origins};

/// Bytes of a block; all but a file's last one have as many.
pub(crate) const BLOCK: usize = 256 * 1024;

/// Blocks that are fetched at once when reading goes on from one to the next: 1 MiB.
pub(crate) const AHEAD: u64 = 4;

/// Blocks that are fetched at once at most, for who asks for so much: 2 MiB.
pub(crate) const AT_ONCE: u64 = 8;

/// Blocks that are kept: 16 MiB.
const KEPT: usize = 64;

/// Bytes of a file from a multiple of [`BLOCK`] on, as they came.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The location they came from.
    pub(crate) place: usize,
    /// Where it starts in the file.
    pub(crate) start: u64,
    /// Whether somebody has said that its bytes were given out.
    claimed: AtomicBool,
}

impl Block {
    pub(crate) fn new(start: u64, place: usize, bytes: Vec<u8>) -> Self {
        Self { bytes, place, start, claimed: AtomicBool::new(false) }
    }

    /// Offset in the file behind its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(in_u64(self.bytes.len()))
    }

    /// Whether the byte at offset `at` of the file is in it.
    pub(crate) fn has(&self, at: u64) -> bool {
        (self.start..self.end()).contains(&at)
    }

    /// What it has of the file's bytes `[from, to)`.
    pub(crate) fn bytes_of(&self, from: u64, to: u64) -> &[u8] {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.bytes.get(place(from)..place(to).min(self.bytes.len())).unwrap_or_default()
    }

    /// That these bytes were given out; once, however many short readings they serve.
    pub(crate) fn claim(&self) -> Option<Claim> {
        if self.claimed.swap(true, Ordering::Relaxed) {
            return None;
        }
        let mut origins = Origins::default();
        origins.push(self.start, self.place);
        Some(Claim { from: self.start, to: self.end(), digest: Digest::of(&self.bytes), origins })
    }
}

pub(crate) fn in_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Blocks of all files of a run, the one used last first.
#[derive(Default)]
pub(crate) struct Blocks {
    kept: Mutex<VecDeque<(Key, Arc<Block>)>>,
}

/// The number of the file, and that of the block in it.
pub(crate) type Key = (usize, u64);

impl Blocks {
    pub(crate) fn get(&self, key: Key) -> Option<Arc<Block>> {
        let mut kept = self.lock();
        let index = kept.iter().position(|(other, _)| *other == key)?;
        let found = kept.remove(index)?;
        let block = Arc::clone(&found.1);
        kept.push_front(found);
        Some(block)
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.lock().iter().any(|(other, _)| *other == key)
    }

    pub(crate) fn keep(&self, key: Key, block: Arc<Block>) {
        let mut kept = self.lock();
        kept.retain(|(other, _)| *other != key);
        kept.truncate(KEPT - 1);
        kept.push_front((key, block));
    }

    /// Forgets what came of a file from a location.
    pub(crate) fn forget(&self, file: usize, place: usize) {
        self.lock().retain(|((other, _), block)| *other != file || block.place != place);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(Key, Arc<Block>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
