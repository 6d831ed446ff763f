//! SHA-256 digests of the sources of one plan.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::source::{Source, SourceId};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            // from_str_radix would take a sign.
            if !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A running SHA-256. A clone goes on from the same bytes.
#[derive(Default, Clone)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The digests of the sources that a stream has read whole.
#[derive(Default, Clone)]
pub struct Digests {
    /// The source is kept, or another could be made at its address and pass for it.
    by_source: HashMap<SourceId, (Arc<dyn Source>, Digest)>,
}

impl Digests {
    /// The digest of a source, if the stream has read it whole. An empty source has one always.
    pub fn of(&self, source: &Arc<dyn Source>) -> Option<Digest> {
        if source.is_empty() {
            return Some(Digest::of(&[]));
        }
        self.by_source.get(&SourceId::of(source)).map(|(_, digest)| *digest)
    }

    /// Number of sources digested.
    pub fn len(&self) -> usize {
        self.by_source.len()
    }

    /// True when no source was digested.
    pub fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    pub(crate) fn contains(&self, source: &Arc<dyn Source>) -> bool {
        self.by_source.contains_key(&SourceId::of(source))
    }

    /// Adds the digest of a source that was read whole.
    pub fn insert(&mut self, source: &Arc<dyn Source>, digest: Digest) {
        self.by_source.insert(SourceId::of(source), (Arc::clone(source), digest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trip_and_refusals() {
        let digest = Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(Digest::from_hex(&text.to_uppercase()), Some(digest));
        for bad in ["", &text[1..], &format!("+{}", &text[1..]), &"é".repeat(32)] {
            assert_eq!(Digest::from_hex(bad), None);
        }
    }
}
