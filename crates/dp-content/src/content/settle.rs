//! Whether the bytes that were given out are those of the file.

use std::ops::Range;
use std::sync::Arc;

use extent_image::{Digest, Hasher};

use crate::content::blocks::{BLOCK, Block, in_u64};
use crate::content::file::ContentFile;
use crate::content::origin::{Claim, Origins};
use crate::content::proof::{Differs, Proof};
use crate::content::resume::Resuming;
use crate::content::verify::Verifier;
use crate::error::ContentError;
use crate::event::BadCopy;

/// Bytes read at once when a file is only hashed.
const HASH_BUFFER: usize = BLOCK;

/// What was looked at, unless a copy turned out to be bad.
type Looked<T> = Result<Result<T, BadCopy>, ContentError>;

/// A claim, and the digest of the same bytes as they come now.
struct Watched {
    claim: Claim,
    hasher: Hasher,
}

impl Watched {
    fn update(&mut self, at: u64, bytes: &[u8]) {
        let place = |of: u64| usize::try_from(of.saturating_sub(at)).unwrap_or(usize::MAX);
        let to = place(self.claim.to).min(bytes.len());
        self.hasher.update(bytes.get(place(self.claim.from)..to).unwrap_or_default());
    }
}

impl ContentFile {
    /// Checks all bytes that were given out and that nobody has checked yet: reads what is left to
    /// see of the file, and holds what was given out against that. The copy that is bad, if one is.
    pub(crate) fn check(&self) -> Result<Option<BadCopy>, ContentError> {
        let (parked, mut proof) = {
            let mut known = self.state.known();
            if known.claims.is_empty() && known.parked.is_none() {
                return Ok(None);
            }
            (known.parked.take(), known.verified.clone())
        };
        let mut watched = Vec::new();
        if proof.is_none() {
            let verifier = parked.unwrap_or_else(|| self.new_verifier());
            let known = self.state.known();
            let come = known.claims.iter().filter(|claim| claim.from >= verifier.at()).cloned();
            watched = come.map(|claim| Watched { claim, hasher: Hasher::new() }).collect();
            drop(known);
            match self.read_on(verifier, &mut watched)? {
                Ok(new) => proof = Some(new),
                Err(bad) => return Ok(Some(bad)),
            }
        } else {
            self.state.known().claims.extend(parked.and_then(Verifier::into_claim));
        }
        let Some(proof) = proof else { return Ok(None) };
        let seen: Vec<(Claim, Digest)> =
            watched.into_iter().map(|it| (it.claim, it.hasher.finish())).collect();
        let claims = self.state.known().claims.clone();
        for claim in claims {
            let expected = match seen.iter().find(|(of, _)| *of == claim) {
                Some((_, digest)) => *digest,
                None => match self.right_digest(&claim, &proof)? {
                    Ok(digest) => digest,
                    Err(bad) => return Ok(Some(bad)),
                },
            };
            if expected != claim.digest {
                let differs = Differs { expected, found: claim.digest };
                return self
                    .blame(&claim.origins, claim.from..claim.to, &differs, &proof)
                    .map(Some);
            }
            self.state.known().claims.remove(&claim);
        }
        Ok(None)
    }

    /// Reads the rest of the file.
    fn read_on(&self, mut verifier: Verifier, watched: &mut [Watched]) -> Looked<Arc<Proof>> {
        let watch = |at, bytes: &[u8]| watched.iter_mut().for_each(|it| it.update(at, bytes));
        if let Err(error) = self.feed(&mut verifier, None, watch) {
            self.park(verifier);
            return Err(error);
        }
        self.verdict(verifier)
    }

    /// All bytes have passed. The copy that is bad, if it is.
    pub(crate) fn verdict(&self, verifier: Verifier) -> Looked<Arc<Proof>> {
        let proof = verifier.into_proof();
        self.shared.note_cache();
        match self.id.digest {
            Some(expected) if proof.digest != expected => {
                self.wrong(&proof.origins, expected, proof.digest).map(Err)
            }
            _ => {
                let proof = Arc::new(proof);
                self.state.known().verified = Some(Arc::clone(&proof));
                Ok(Ok(proof))
            }
        }
    }

    /// The digest of the bytes of a claim as they must be. Blocks that are held cost no traffic.
    fn right_digest(&self, claim: &Claim, proof: &Proof) -> Looked<Digest> {
        let size = in_u64(BLOCK);
        let whole = claim.to / size;
        let (mut number, mut hasher) = match proof.before(whole).filter(|_| claim.from == 0) {
            // All but the last, broken block is in the proof.
            Some(hasher) => (whole, hasher),
            None => (claim.from / size, Hasher::new()),
        };
        while number.saturating_mul(size) < claim.to {
            let wanted = claim.to.saturating_sub(number.saturating_mul(size));
            match self.right_block(number, wanted, proof)? {
                Ok(block) => hasher.update(block.bytes_of(claim.from, claim.to)),
                Err(bad) => return Ok(Err(bad)),
            }
            number += 1;
        }
        Ok(Ok(hasher.finish()))
    }

    fn right_block(&self, number: u64, wanted: u64, proof: &Proof) -> Looked<Arc<Block>> {
        let block = self.block(number, wanted)?;
        if proof.check(&block).is_ok() {
            return Ok(Ok(block));
        }
        // It may have been held; what comes now may be right.
        self.shared.blocks.forget(self.state.number, block.place);
        let block = self.block(number, wanted)?;
        let Err(differs) = proof.check(&block) else { return Ok(Ok(block)) };
        let mut origins = Origins::default();
        origins.push(block.start, block.place);
        self.blame(&origins, 0..block.end(), &differs, proof).map(Err)
    }

    /// Bytes that came are not those of the file, which was read whole and right: finds out which
    /// copy is bad.
    fn blame(
        &self,
        origins: &Origins,
        range: Range<u64>,
        differs: &Differs,
        proof: &Proof,
    ) -> Result<BadCopy, ContentError> {
        let Differs { expected, found } = *differs;
        let file = format!("{} (bytes {} to {})", self.name(), range.start, range.end);
        let places = origins.places();
        let mut silent = None;
        for place in &places {
            // Where all of the file came from, it is right.
            if proof.origins.places() == [*place] {
                continue;
            }
            match self.digest_at(*place)? {
                Some(found) if found != proof.digest => {
                    return Ok(self.bad_copy(self.name(), *place, proof.digest, found));
                }
                Some(_) => {}
                None => silent = silent.or(Some(*place)),
            }
        }
        Ok(match silent {
            Some(place) => self.bad_copy(file, place, expected, found),
            None => {
                let first = places.first().copied().unwrap_or(self.state.home);
                self.unsteady(file, first, expected, found)
            }
        })
    }

    /// All bytes came and have digest `found`: finds out whose are wrong, and puts that copy aside.
    pub(crate) fn wrong(
        &self,
        origins: &Origins,
        expected: Digest,
        found: Digest,
    ) -> Result<BadCopy, ContentError> {
        let places = origins.places();
        let mut bad = None;
        if places.len() > 1 {
            for place in &places {
                // One that cannot be read now is not known to be bad.
                if let Some(found) = self.digest_at(*place)?
                    && found != expected
                {
                    bad = Some(self.bad_copy(self.name(), *place, expected, found));
                }
            }
        }
        // Damaged on the way, or by a location that does not answer any more: the one that was
        // first is then the one not to ask again, so that starting again cannot go on for ever.
        let first = places.first().copied().unwrap_or(self.state.home);
        Ok(bad.unwrap_or_else(|| self.bad_copy(self.name(), first, expected, found)))
    }

    /// The digest of all of the file there, if it can be read.
    fn digest_at(&self, place: usize) -> Result<Option<Digest>, ContentError> {
        let mut verifier = Verifier::new(self.id.len, None);
        match self.feed(&mut verifier, Some(place), |_, _| {}) {
            Ok(()) => Ok(Some(verifier.finish())),
            Err(ContentError::Cancelled) => Err(ContentError::Cancelled),
            Err(_) => Ok(None),
        }
    }

    /// Reads on to the end.
    fn feed(
        &self,
        verifier: &mut Verifier,
        only: Option<usize>,
        mut watch: impl FnMut(u64, &[u8]),
    ) -> Result<(), ContentError> {
        let mut resuming = Resuming::new(self, verifier.at()..self.id.len, only);
        let mut buf = vec![0; HASH_BUFFER];
        loop {
            let count = resuming.read(&mut buf)?;
            if count == 0 {
                return Ok(());
            }
            let bytes = buf.get(..count).unwrap_or_default();
            watch(verifier.at(), bytes);
            verifier.update(bytes, resuming.place());
        }
    }
}
