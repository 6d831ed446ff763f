//! What can go wrong while a plan is streamed.

use std::io;

use crate::digest::Digest;
use crate::drives::{JobError, Unsettled};

/// A plan could not be streamed. What the sink got before is a true beginning of the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A source could not be opened or read.
    #[error("cannot read {name} at byte {at}")]
    Read {
        /// The source.
        name: Box<str>,
        /// Offset in the source.
        at: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A source is not what it was when the plan was made.
    #[error(
        "{name} changed while it was being read: {planned} bytes were planned, {found}{more} found; \
         make sure nothing writes to it, and run again",
        more = if found > planned { " or more" } else { "" }
    )]
    SourceChanged {
        /// The source.
        name: Box<str>,
        /// Length when the plan was made.
        planned: u64,
        /// Length found; the least possible one when the source is longer than planned, and equal
        /// to `planned` when another file of the same length has taken its place.
        found: u64,
    },
    /// A source does not have the digest it should have.
    #[error("{} has SHA-256 {}, expected {}; fetch it anew from a trusted place", .0.name, .0.found, .0.expected)]
    DigestMismatch(Box<DigestMismatch>),
    /// Late content came out in another length than planned: a mistake of the program that made the
    /// plan.
    #[error("{name} was planned with {planned} bytes and made with {made}")]
    LateLength {
        /// The content.
        name: &'static str,
        /// Length in the plan.
        planned: u64,
        /// Length made.
        made: u64,
    },
    /// The sink refused bytes.
    #[error("cannot write at byte {at} of {total}")]
    Write {
        /// Offset in the image.
        at: u64,
        /// Length of the image.
        total: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Drives cannot be written as [`write_drives`](crate::write_drives) was asked to.
    #[error(transparent)]
    Jobs(Box<JobError>),
    /// The content of drives was read, and turned out not to be proven; none of them has its head.
    #[error("the content that was written is not proven; no drive has been made bootable")]
    Unsettled(#[source] Unsettled),
    /// The thread that computes digests could not be started.
    #[error("cannot start a thread for digests")]
    Thread(#[source] io::Error),
    /// [`Progress`](crate::Progress) asked to stop.
    #[error("cancelled at byte {at} of {total}")]
    Cancelled {
        /// Bytes that had passed.
        at: u64,
        /// Length of the image.
        total: u64,
    },
}

/// The parts of [`StreamError::DigestMismatch`].
#[derive(Debug)]
pub struct DigestMismatch {
    /// The source.
    pub name: String,
    /// Digest it should have.
    pub expected: Digest,
    /// Digest of the bytes that were read.
    pub found: Digest,
}
