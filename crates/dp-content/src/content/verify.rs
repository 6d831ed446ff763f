//! Hashing a file while it is read, and keeping it in the cache, on a thread of its own when it is
//! large.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use extent_image::{Digest, Hasher};

use crate::cache::CacheWriter;
use crate::content::blocks::BLOCK;
use crate::content::origin::{Claim, Origins};
use crate::content::proof::Proof;

/// Bytes handed to the thread at once.
const PIECE: usize = BLOCK;

/// Pieces that may wait for the thread.
const QUEUE: usize = 4;

/// Shorter files are hashed where they are read: starting a thread takes longer.
const LARGE: u64 = 2 * 1024 * 1024;

/// The digest of a run of a file's bytes.
pub(crate) struct Verifier {
    from: u64,
    at: u64,
    large: bool,
    origins: Origins,
    worker: Worker,
    /// Says that a file of the cache is open while nobody reads.
    held: Option<Arc<()>>,
}

enum Worker {
    Here(Tee),
    Thread(Thread),
}

/// Where bytes go.
#[derive(Default)]
struct Tee {
    hasher: Hasher,
    /// What the hasher was at the end of each block.
    steps: Vec<Hasher>,
    /// Bytes since then.
    in_block: usize,
    /// The file's place in the cache, when it is to come there.
    cache: Option<CacheWriter>,
}

impl Tee {
    fn update(&mut self, mut bytes: &[u8]) {
        if let Some(cache) = &mut self.cache {
            cache.write(bytes);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.in_block));
            self.hasher.update(now);
            self.in_block += now.len();
            bytes = later;
            if self.in_block == BLOCK {
                self.steps.push(self.hasher.clone());
                self.in_block = 0;
            }
        }
    }
}

struct Thread {
    /// The piece being filled.
    piece: Vec<u8>,
    /// Pieces made so far.
    pieces: usize,
    full: SyncSender<Vec<u8>>,
    /// Pieces to be filled again.
    used: Receiver<Vec<u8>>,
    handle: JoinHandle<Tee>,
}

impl Verifier {
    /// Of a file of `len` bytes, from its start.
    pub(crate) fn new(len: u64, cache: Option<CacheWriter>) -> Self {
        let worker = Worker::Here(Tee { cache, ..Tee::default() });
        Self {
            from: 0,
            at: 0,
            large: len >= LARGE,
            origins: Origins::default(),
            worker,
            held: None,
        }
    }

    /// Of a part that starts at `from`.
    pub(crate) fn of_part(from: u64) -> Self {
        Self { from, at: from, ..Self::new(u64::MAX, None) }
    }

    /// Offset of the next byte.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Which locations gave its bytes.
    pub(crate) fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The next bytes, and the location that gave them.
    pub(crate) fn update(&mut self, bytes: &[u8], place: usize) {
        if !bytes.is_empty() {
            self.origins.push(self.at, place);
        }
        self.at += u64::try_from(bytes.len()).unwrap_or(0);
        self.held = None;
        if self.large
            && let Worker::Here(tee) = &mut self.worker
        {
            match Thread::start(tee) {
                Some(thread) => self.worker = Worker::Thread(thread),
                None => self.large = false,
            }
        }
        match &mut self.worker {
            Worker::Here(tee) => tee.update(bytes),
            Worker::Thread(thread) => thread.update(bytes),
        }
    }

    /// Ends the thread, for a pause of unknown length.
    pub(crate) fn rest(self) -> Self {
        let worker = Worker::Here(self.worker.finish());
        Self { worker, ..self }
    }

    /// Keeps `held` as long as it has the file's place in the cache and nothing comes.
    pub(crate) fn hold(&mut self, held: Arc<()>) {
        if let Worker::Here(Tee { cache: Some(_), .. }) = &self.worker {
            self.held = Some(held);
        }
    }

    /// Gives up the file's place in the cache.
    pub(crate) fn leave_cache(&mut self) {
        if let Worker::Here(tee) = &mut self.worker {
            tee.cache = None;
            self.held = None;
        }
    }

    /// What can be said of the bytes so far, to be compared later; `None` where there are none.
    pub(crate) fn into_claim(self) -> Option<Claim> {
        let (from, to, origins) = (self.from, self.at, self.origins.clone());
        (from < to).then(|| Claim { from, to, origins, digest: self.finish() })
    }

    /// The digest of all bytes.
    pub(crate) fn finish(self) -> Digest {
        self.into_proof().digest
    }

    /// The digest of all bytes, and on the way to it. The cache keeps the file if it is its own.
    pub(crate) fn into_proof(self) -> Proof {
        let Tee { hasher, steps, cache, .. } = self.worker.finish();
        let digest = hasher.finish();
        if let Some(cache) = cache {
            cache.commit(&digest);
        }
        Proof::new(self.origins, digest, steps)
    }
}

impl Worker {
    fn finish(self) -> Tee {
        match self {
            Self::Here(tee) => tee,
            Self::Thread(Thread { piece, full, handle, .. }) => {
                // The thread takes pieces until nobody can send any.
                let _ = full.send(piece);
                drop(full);
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
        }
    }
}

impl Thread {
    /// Takes `tee` over, unless the system has no thread to spare.
    fn start(tee: &mut Tee) -> Option<Self> {
        let (full, pieces) = sync_channel::<Vec<u8>>(QUEUE);
        let (back, used) = channel();
        let (hand_over, hand_in) = sync_channel(1);
        let run = move || work(hand_in.recv().unwrap_or_default(), &pieces, &back);
        let handle = Builder::new().name("content digest".to_owned()).spawn(run).ok()?;
        // It waits for it.
        let _ = hand_over.send(mem::take(tee));
        Some(Self { piece: Vec::with_capacity(PIECE), pieces: 1, full, used, handle })
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE {
                let next = self.next_piece();
                // Fails only when the thread has panicked, which `finish` passes on.
                let _ = self.full.send(mem::replace(&mut self.piece, next));
            }
        }
    }

    fn next_piece(&mut self) -> Vec<u8> {
        if let Ok(piece) = self.used.try_recv() {
            return piece;
        }
        // One being filled, the queue, and one being hashed.
        if self.pieces < QUEUE + 2 {
            self.pieces += 1;
            return Vec::with_capacity(PIECE);
        }
        self.used.recv().unwrap_or_default()
    }
}

fn work(mut tee: Tee, pieces: &Receiver<Vec<u8>>, back: &Sender<Vec<u8>>) -> Tee {
    for mut piece in pieces {
        tee.update(&piece);
        piece.clear();
        // Nobody may want it any more.
        let _ = back.send(piece);
    }
    tee
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_same_with_and_without_a_thread_and_with_rests() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n >> 3) as u8).collect();
        for len in [0, 1, PIECE, PIECE + 1, bytes.len()] {
            let bytes = &bytes[..len];
            for (step, rest_at) in [(1 << 20, 0), (4099, 700_000), (262_144, 262_144)] {
                let mut verifier = Verifier::new(len as u64, None);
                for piece in bytes.chunks(step) {
                    verifier.update(piece, 0);
                    if rest_at > 0 && verifier.at() % rest_at < step as u64 {
                        verifier = verifier.rest();
                    }
                }
                assert_eq!(verifier.at(), len as u64);
                assert_eq!(verifier.finish(), Digest::of(bytes), "{len} by {step}");
            }
        }
    }
}
