//! SHA-1 as WIM uses it: the name of a blob and the check of its data.

use std::fmt;

use sha1::Digest as _;

use crate::disk::Sha1Hash;

/// A SHA-1 hash; shown as 40 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha1(pub [u8; 20]);

impl fmt::Display for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha1({self})")
    }
}

/// A hash being made.
#[derive(Clone, Default)]
pub(crate) struct Hasher(sha1::Sha1);

impl Hasher {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn of(data: &[u8]) -> Sha1Hash {
        sha1::Sha1::digest(data).into()
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> Sha1Hash {
        self.0.finalize().into()
    }
}
