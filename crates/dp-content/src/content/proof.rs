//! What the bytes of a file are, block by block, once all of them had the right digest.

use extent_image::{Digest, Hasher};

use crate::content::blocks::{BLOCK, Block, in_u64};
use crate::content::origin::Origins;

/// A file as it was read whole. Any block of it can be held against its digest without the rest: some
/// 100 bytes for each of 256 KiB.
pub(crate) struct Proof {
    pub(crate) origins: Origins,
    /// The digest of all bytes.
    pub(crate) digest: Digest,
    /// The digest at the end of each whole block.
    steps: Vec<Hasher>,
}

/// A block is not what it was when the file was read whole: digests of all bytes up to its end.
pub(crate) struct Differs {
    pub(crate) expected: Digest,
    pub(crate) found: Digest,
}

impl Proof {
    pub(crate) fn new(origins: Origins, digest: Digest, steps: Vec<Hasher>) -> Self {
        Self { origins, digest, steps }
    }

    /// The digest of what lies before block `number`, to go on with; `None` behind the last one.
    pub(crate) fn before(&self, number: u64) -> Option<Hasher> {
        match number.checked_sub(1) {
            None => Some(Hasher::new()),
            Some(last) => self.steps.get(usize::try_from(last).ok()?).cloned(),
        }
    }

    /// Whether these are the bytes that the digest is of.
    pub(crate) fn check(&self, block: &Block) -> Result<(), Differs> {
        let number = block.start / in_u64(BLOCK);
        let next = self.before(number.saturating_add(1));
        let expected = next.map_or(self.digest, Hasher::finish);
        let mut hasher = self.before(number).unwrap_or_default();
        hasher.update(&block.bytes);
        let found = hasher.finish();
        if found == expected { Ok(()) } else { Err(Differs { expected, found }) }
    }
}
