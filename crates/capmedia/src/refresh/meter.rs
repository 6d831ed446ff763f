//! How far a run is, and digests of what is on the stick.

use std::io::{self, Read};
use std::ops::ControlFlow;

use extent_image::{Digest, Hasher, Phase, Progress, Stage, StreamError};

/// Bytes read at once.
const BUFFER: usize = 1 << 20;

/// How far a run is.
pub(super) struct Meter<'a> {
    pub(super) done: u64,
    total: u64,
    progress: &'a mut dyn Progress,
    buffer: Vec<u8>,
}

/// Progress asked to stop after so many bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cancelled {
    at: u64,
    total: u64,
}

impl From<Cancelled> for StreamError {
    fn from(Cancelled { at, total }: Cancelled) -> Self {
        Self::Cancelled { at, total }
    }
}

impl<'a> Meter<'a> {
    pub(super) fn new(phase: Phase, total: u64, progress: &'a mut dyn Progress) -> Self {
        let mut this = Self { done: 0, total: 0, progress, buffer: Vec::new() };
        this.begin(phase, total);
        this
    }

    /// Counts anew.
    pub(super) fn begin(&mut self, phase: Phase, total: u64) {
        (self.done, self.total) = (0, total);
        self.progress.begin(Stage::new(phase));
    }

    /// The next `len` bytes are of this file.
    pub(super) fn file(&mut self, path: &str, len: u64) {
        self.progress.file(path, self.done..self.done.saturating_add(len));
    }

    pub(super) fn advance(&mut self, count: usize) -> Result<(), Cancelled> {
        self.done = self.done.saturating_add(count as u64);
        match self.progress.advance(self.done, self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Cancelled { at: self.done, total: self.total }),
        }
    }

    /// The digest of all that `from` gives; inside, the fault that keeps it from being read.
    pub(super) fn digest_of(
        &mut self,
        from: &mut dyn Read,
    ) -> Result<Result<Digest, io::Error>, Cancelled> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(BUFFER, 0);
        let mut hasher = Hasher::new();
        let digest = loop {
            match from.read(&mut buffer) {
                Ok(0) => break Ok(hasher.finish()),
                Ok(count) => {
                    hasher.update(buffer.get(..count).unwrap_or_default());
                    self.advance(count)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.buffer = buffer;
        Ok(digest)
    }
}
