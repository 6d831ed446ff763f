//! Sources read from first byte to last by those who place the bytes themselves.

use std::sync::Arc;

use bytes::Bytes;

use crate::digest::{Digests, Hasher};
use crate::error::StreamError;
use crate::feed::{Feed, make_late};
use crate::hashing::{check, known};
use crate::source::Source;
use crate::tree::Late;

/// A source that is read once, whole, outside of a plan: it must give its planned bytes and not one
/// more, and is hashed on the way.
pub struct WholeSource<'a> {
    source: &'a Arc<dyn Source>,
    feed: Feed<'a>,
    /// None where the source has looked itself.
    hasher: Option<Hasher>,
}

impl<'a> WholeSource<'a> {
    /// Opens the source at its first byte.
    ///
    /// # Errors
    /// [`StreamError::Read`] and [`StreamError::SourceChanged`].
    pub fn open(source: &'a Arc<dyn Source>) -> Result<Self, StreamError> {
        let feed = Feed::open(&**source, 0, source.len())?;
        let hasher = known(&**source).is_none().then(Hasher::new);
        Ok(Self { source, feed, hasher })
    }

    /// Fills `bytes` as far as the source goes, and answers how much that was: less than asked for
    /// only at its end.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, StreamError> {
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.feed.read(room)? {
                0 => break,
                count => filled += count,
            }
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes.get(..filled).unwrap_or_default());
        }
        Ok(filled)
    }

    /// Records the digest of a source that was read to its end; of another, nothing.
    ///
    /// # Errors
    /// [`StreamError::DigestMismatch`]: the source knows another digest.
    pub fn finish(self, digests: &mut Digests) -> Result<(), StreamError> {
        if !self.feed.is_done() {
            return Ok(());
        }
        let found = match self.hasher {
            Some(hasher) => check(&**self.source, hasher.finish())
                .map(Some)
                .map_err(|mismatch| StreamError::DigestMismatch(Box::new(mismatch)))?,
            None => known(&**self.source),
        };
        if let Some(digest) = found {
            digests.insert(self.source, digest);
        }
        Ok(())
    }
}

impl Late {
    /// The bytes, made of the digests of all sources they tell of.
    ///
    /// # Errors
    /// [`StreamError::LateLength`]: they came out in another length than planned.
    pub fn bytes(self: &Arc<Self>, digests: &Digests) -> Result<Bytes, StreamError> {
        make_late(self, digests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::source::BytesSource;

    #[test]
    fn a_source_read_to_its_end_has_a_digest() {
        let source: Arc<dyn Source> = Arc::new(BytesSource::new("t", vec![7; 1000]));
        let mut digests = Digests::default();
        let mut part = WholeSource::open(&source).unwrap();
        assert_eq!(part.fill(&mut [0; 600]).unwrap(), 600);
        part.finish(&mut digests).unwrap();
        assert!(digests.is_empty());
        let mut whole = WholeSource::open(&source).unwrap();
        assert_eq!(whole.fill(&mut [0; 600]).unwrap(), 600);
        assert_eq!(whole.fill(&mut [0; 600]).unwrap(), 400);
        assert_eq!(whole.fill(&mut [0; 600]).unwrap(), 0);
        whole.finish(&mut digests).unwrap();
        assert_eq!(digests.of(&source), Some(Digest::of(&[7; 1000])));
        let late = Arc::new(Late::new("late", 2, |digests| {
            Bytes::from(digests.len().to_string().into_bytes())
        }));
        let error = late.bytes(&digests).unwrap_err();
        assert!(matches!(error, StreamError::LateLength { planned: 2, made: 1, .. }));
    }
}
