//! What a stream did, and what was asked of it.

use crate::digest::{Digest, Digests};

/// What to compute while a plan is streamed. The default is nothing: copy speed.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct StreamOptions {
    pub(crate) image_digest: bool,
    pub(crate) source_digests: bool,
}

impl StreamOptions {
    /// Computes the SHA-256 of the whole image; off by default.
    pub fn with_image_digest(mut self, on: bool) -> Self {
        self.image_digest = on;
        self
    }

    /// True when the SHA-256 of the whole image is computed.
    pub fn has_image_digest(&self) -> bool {
        self.image_digest
    }

    /// True when the SHA-256 of every source is computed, whatever the plan holds.
    pub fn has_source_digests(&self) -> bool {
        self.source_digests
    }

    /// Computes the SHA-256 of every source that the plan holds whole, and checks it where the
    /// source knows what it must be; off by default, and always on for a plan with late content.
    pub fn with_source_digests(mut self, on: bool) -> Self {
        self.source_digests = on;
        self
    }
}

/// What a finished stream did.
#[derive(Clone, Default)]
#[non_exhaustive]
#[must_use]
pub struct Report {
    /// Length of the image in bytes.
    pub len: u64,
    /// Bytes handed to the sink; less than `len` when a file got holes or shares blocks.
    pub written: u64,
    /// Bytes whose blocks the file shares with their source, so that they were not copied.
    pub shared: u64,
    /// Digest of the image, when it was asked for.
    pub image_digest: Option<Digest>,
    /// Digests of the sources, when they were asked for or needed.
    pub source_digests: Digests,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report")
            .field("len", &self.len)
            .field("written", &self.written)
            .field("shared", &self.shared)
            .field("image_digest", &self.image_digest)
            .field("source_digests", &self.source_digests.len())
            .finish()
    }
}
