//! Digests on threads of their own, beside the one that reads and writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::buffer::Buffer;
use crate::digest::{Digest, Digests, Hasher};
use crate::error::{DigestMismatch, StreamError};
use crate::report::{Report, StreamOptions};
use crate::source::{Source, SourceId};

/// Buffers that may wait for each hasher. A few keep it busy; more would only be memory.
const QUEUE: usize = 4;

/// Zeros to write or to hash, piece by piece.
pub(crate) static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

enum ImagePiece {
    Bytes(Arc<Buffer>),
    Zeros(u64),
}

enum SourcePiece {
    Bytes(Arc<Buffer>),
    /// Send back what is known so far.
    Ask(SyncSender<Digests>),
}

/// The hashers of one stream.
pub(crate) struct Hashing<'scope> {
    image: Option<(SyncSender<ImagePiece>, ScopedJoinHandle<'scope, Digest>)>,
    sources: Option<(SyncSender<SourcePiece>, ScopedJoinHandle<'scope, SourceDigests>)>,
    /// Set by the source hasher when a digest is wrong, so that the stream can stop early.
    mismatch: Arc<AtomicBool>,
}

impl<'scope> Hashing<'scope> {
    pub(crate) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        options: &StreamOptions,
        needs_sources: bool,
    ) -> Result<Self, StreamError> {
        let mismatch = Arc::new(AtomicBool::new(false));
        let spawn = |name: &str| Builder::new().name(name.to_owned());
        let image = if options.image_digest {
            let (sender, receiver) = sync_channel(QUEUE);
            let thread = spawn("image digest")
                .spawn_scoped(scope, move || hash_image(&receiver))
                .map_err(StreamError::Thread)?;
            Some((sender, thread))
        } else {
            None
        };
        let sources = if options.source_digests || needs_sources {
            let (sender, receiver) = sync_channel(QUEUE);
            let flag = Arc::clone(&mismatch);
            let thread = spawn("source digests")
                .spawn_scoped(scope, move || hash_sources(&receiver, &flag))
                .map_err(StreamError::Thread)?;
            Some((sender, thread))
        } else {
            None
        };
        Ok(Self { image, sources, mismatch })
    }

    /// True when bytes must be read even if they need not be written.
    pub(crate) fn wants_bytes(&self) -> bool {
        self.image.is_some() || self.sources.is_some()
    }

    /// True when buffers must say which source their bytes came from.
    pub(crate) fn wants_segments(&self) -> bool {
        self.sources.is_some()
    }

    /// True when some source already turned out wrong.
    pub(crate) fn failed(&self) -> bool {
        self.mismatch.load(Ordering::Relaxed)
    }

    // A send can only fail when the thread is gone, which happens only when it panicked; `finish`
    // then passes the panic on.
    pub(crate) fn bytes(&self, buffer: &Arc<Buffer>) {
        if let Some((image, _)) = &self.image {
            let _ = image.send(ImagePiece::Bytes(Arc::clone(buffer)));
        }
        if let Some((sources, _)) = &self.sources
            && !buffer.segments().is_empty()
        {
            let _ = sources.send(SourcePiece::Bytes(Arc::clone(buffer)));
        }
    }

    pub(crate) fn zeros(&self, len: u64) {
        if let Some((image, _)) = &self.image {
            let _ = image.send(ImagePiece::Zeros(len));
        }
    }

    /// The digests of all sources that have passed whole so far.
    pub(crate) fn so_far(&self) -> Digests {
        let Some((sources, _)) = &self.sources else { return Digests::default() };
        let (reply, answer) = sync_channel(1);
        let _ = sources.send(SourcePiece::Ask(reply));
        answer.recv().unwrap_or_default()
    }

    /// Waits for the hashers and puts what they found into the report.
    pub(crate) fn finish(self, report: &mut Report) -> Result<(), StreamError> {
        if let Some((sender, thread)) = self.image {
            drop(sender);
            report.image_digest = Some(join(thread));
        }
        if let Some((sender, thread)) = self.sources {
            drop(sender);
            let found = join(thread);
            if let Some(mismatch) = found.mismatch {
                return Err(StreamError::DigestMismatch(Box::new(mismatch)));
            }
            report.source_digests = found.digests;
        }
        Ok(())
    }
}

/// What a thread came to; its panic is passed on.
pub(crate) fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn hash_image(pieces: &Receiver<ImagePiece>) -> Digest {
    let mut hasher = Hasher::new();
    for piece in pieces {
        match piece {
            ImagePiece::Bytes(buffer) => hasher.update(buffer.used()),
            ImagePiece::Zeros(mut len) => {
                while len > 0 {
                    let step = usize::try_from(len).unwrap_or(usize::MAX).min(ZEROS.len());
                    hasher.update(ZEROS.get(..step).unwrap_or_default());
                    len -= u64::try_from(step).unwrap_or(len);
                }
            }
        }
    }
    hasher.finish()
}

#[derive(Default)]
struct SourceDigests {
    digests: Digests,
    mismatch: Option<DigestMismatch>,
}

fn hash_sources(pieces: &Receiver<SourcePiece>, failed: &AtomicBool) -> SourceDigests {
    let mut found = SourceDigests::default();
    let mut running: Option<Running> = None;
    for piece in pieces {
        let buffer = match piece {
            SourcePiece::Bytes(buffer) => buffer,
            SourcePiece::Ask(reply) => {
                let _ = reply.send(found.digests.clone());
                continue;
            }
        };
        for segment in buffer.segments() {
            let id = SourceId::of(&segment.source);
            if segment.from == 0 {
                let hasher = known(&*segment.source).is_none().then(Hasher::new);
                running = Some(Running { id, next: 0, hasher });
            }
            // Parts out of order belong to a source that is placed in pieces; whoever needs its
            // digest reads it apart.
            let Some(mut current) = running.take().filter(|r| r.id == id && r.next == segment.from)
            else {
                continue;
            };
            let bytes = buffer.used().get(segment.range.clone()).unwrap_or_default();
            if let Some(hasher) = &mut current.hasher {
                hasher.update(bytes);
            }
            current.next += u64::try_from(bytes.len()).unwrap_or(0);
            if current.next < segment.source.len() {
                running = Some(current);
                continue;
            }
            let digest = match current.hasher {
                Some(hasher) => check(&*segment.source, hasher.finish()).map(Some),
                None => Ok(known(&*segment.source)),
            };
            match digest {
                Ok(Some(digest)) => found.digests.insert(&segment.source, digest),
                Ok(None) => {}
                Err(mismatch) => {
                    failed.store(true, Ordering::Relaxed);
                    found.mismatch.get_or_insert(mismatch);
                }
            }
        }
    }
    found
}

/// A source whose first `next` bytes have been hashed.
struct Running {
    id: SourceId,
    next: u64,
    /// None where the source has looked itself.
    hasher: Option<Hasher>,
}

/// The digest of a source that fails by itself when its bytes do not have it.
pub(crate) fn known(source: &dyn Source) -> Option<Digest> {
    source.verifies_itself().then(|| source.sha256()).flatten().map(Digest::from)
}

/// Compares a digest with the one the source must have, where it knows.
pub(crate) fn check(source: &dyn Source, found: Digest) -> Result<Digest, DigestMismatch> {
    match source.sha256().map(Digest::from) {
        Some(expected) if expected != found => {
            Err(DigestMismatch { name: source.describe(), expected, found })
        }
        _ => Ok(found),
    }
}
