//! The fixed records of a WIM file, as in Microsoft's "Windows Imaging File Format (WIM)", 2007.

mod header;
mod metadata;
mod tables;

pub(crate) use header::{Header, HeaderFlags, ResourceFlags, ResourceHeader};
pub(crate) use metadata::{Dentry, SecurityHead, StreamEntry};
pub(crate) use tables::{BlobEntry, IntegrityHead};

/// SHA-1 of uncompressed data; all zero means "none".
pub(crate) type Sha1Hash = [u8; 20];

/// The hash that stands for "no data".
pub(crate) const NO_HASH: Sha1Hash = [0; 20];
