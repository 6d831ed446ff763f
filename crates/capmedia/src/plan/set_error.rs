//! Why content cannot be laid out over several discs.

use media_model::{MediaPathError, MediaSize};
use wim_image::SplitError;

/// The content cannot be laid out over discs of the size asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// The first disc cannot hold what must be on it.
    #[error(
        "the first disc holds the boot files, the boot image and the list of the set, which need \
         {needed} sectors of 2048 bytes, and the media size has {allowed}; the smallest media size \
         that would do is {smallest}"
    )]
    FirstVolume {
        /// Sectors needed.
        needed: u64,
        /// Sectors of a disc.
        allowed: u64,
        /// The smallest media size that would do for everything.
        smallest: MediaSize,
    },
    /// A file is larger than a disc.
    #[error(
        "{path} has {len} bytes, and a disc with it alone would need {needed} sectors of 2048 \
         bytes, where the media size has {allowed}; the smallest media size that would do is \
         {smallest}, or have it cut into numbered parts with --split-files"
    )]
    File {
        /// Its path on the media.
        path: String,
        /// Its length in bytes.
        len: u64,
        /// Sectors of a disc that holds nothing else.
        needed: u64,
        /// Sectors of a disc.
        allowed: u64,
        /// The smallest media size that would do for everything.
        smallest: MediaSize,
    },
    /// A WIM is larger than a disc and cannot be split into parts that imaging tools read.
    #[error(
        "{path} has {len} bytes, more than a disc of {allowed} sectors of 2048 bytes holds, and its \
         parts would not fit either; the smallest media size that would do is {smallest}, or have it \
         cut into numbered parts with --split-files"
    )]
    Wim {
        /// Its path on the media.
        path: String,
        /// Its length in bytes.
        len: u64,
        /// Sectors of a disc.
        allowed: u64,
        /// The smallest media size that would do for everything.
        smallest: MediaSize,
        /// Why it cannot be split.
        #[source]
        source: Box<SplitError>,
    },
    /// A file must be split, and its parts would have no valid names.
    #[error("{path} is larger than a disc, and its parts cannot be named; give it a shorter name")]
    PartName {
        /// Its path on the media.
        path: String,
        /// Why.
        #[source]
        source: MediaPathError,
    },
    /// More volumes than a set can number.
    #[error(
        "the set would have {volumes} volumes or more, {allowed} are allowed; use larger media"
    )]
    TooManyVolumes {
        /// Volumes needed at the least.
        volumes: u64,
        /// Volumes allowed.
        allowed: u16,
    },
}
