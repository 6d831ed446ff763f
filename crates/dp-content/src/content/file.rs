//! A file of a package as a [`Source`].

use std::any::Any;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use extent_image::{Digest, Hasher, Source};

use crate::access::AccessError;
use crate::cache::Cache;
use crate::content::Shared;
use crate::content::blocks::BLOCK;
use crate::content::origin::Claim;
use crate::content::place::{Health, Place};
use crate::content::proof::Proof;
use crate::content::reader::FileReader;
use crate::content::verify::Verifier;
use crate::error::ContentError;
use crate::event::{BadCopy, ContentEvent};
use crate::location::FileId;

/// Shorter files that are left half read are not kept in the cache by whoever goes on.
const WORTH_KEEPING: u64 = 1 << 20;

/// Files that are hashed in the cache before they are taken from there.
const CHECKED_FIRST: u64 = Cache::UNFLUSHED;

/// Files that are left half read with their place in the cache open: each is an open file.
const LEFT_OPEN: usize = 32;

/// A file of a package, at whatever locations have it.
pub(crate) struct ContentFile {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: FileId,
    pub(crate) state: Arc<FileState>,
}

/// What is known of the copies of a file.
pub(crate) struct FileState {
    /// Tells files apart.
    pub(crate) number: usize,
    /// The location it was found at.
    pub(crate) home: usize,
    /// Whether it is read nowhere else.
    only_home: bool,
    known: Mutex<Known>,
    /// Whether the cache has the right bytes, where that was looked at first.
    cache_is_right: OnceLock<bool>,
}

#[derive(Default)]
pub(crate) struct Known {
    /// Locations that have damaged copies, or copies of another length.
    aside: Vec<Aside>,
    /// Locations that gave wrong bytes once although their copy is right.
    pub(crate) unsteady: Vec<usize>,
    /// Bytes that were given out unchecked.
    pub(crate) claims: BTreeSet<Claim>,
    /// It was read whole, with the right digest.
    pub(crate) verified: Option<Arc<Proof>>,
    /// Where reading from the start has stopped.
    pub(crate) parked: Option<Verifier>,
}

struct Aside {
    place: usize,
    damaged: bool,
}

impl FileState {
    pub(crate) fn new(number: usize, home: usize, only_home: bool) -> Self {
        Self { number, home, only_home, known: Mutex::default(), cache_is_right: OnceLock::new() }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_bad_copy(&self) -> bool {
        let known = self.known();
        !known.unsteady.is_empty() || known.aside.iter().any(|aside| aside.damaged)
    }

    /// Remembers bytes that were given out unchecked.
    pub(crate) fn claim(&self, claim: Option<Claim>) {
        self.known().claims.extend(claim);
    }

    /// Keeps how far reading from the start has come. Of two the one that has come farther: the
    /// other has given out its bytes, too. What is known already, it is held against later.
    fn park(&self, verifier: Verifier) {
        let mut known = self.known();
        if known.verified.is_some() {
            known.claims.extend(verifier.into_claim());
            return;
        }
        let (near, far) = match known.parked.take() {
            Some(other) if other.at() > verifier.at() => (Some(verifier), other),
            other => (other, verifier),
        };
        known.claims.extend(near.and_then(Verifier::into_claim));
        known.parked = Some(far);
    }
}

impl ContentFile {
    pub(crate) fn new(shared: Arc<Shared>, id: FileId, state: Arc<FileState>) -> Self {
        Self { shared, id, state }
    }

    /// `boot.PS100005.wim of PS100005.3`.
    pub(crate) fn name(&self) -> String {
        format!("{} of {}", self.id.path, self.id.content_id)
    }

    /// Keeps how far reading from the start has come.
    pub(crate) fn park(&self, verifier: Verifier) {
        if verifier.at() == 0 {
            return;
        }
        let mut verifier = verifier.rest();
        let held = &self.shared.left_open;
        if self.id.len < WORTH_KEEPING || Arc::strong_count(held) > LEFT_OPEN {
            verifier.leave_cache();
        } else {
            verifier.hold(Arc::clone(held));
        }
        self.state.park(verifier);
    }

    /// Locations whose bytes turned out to be right.
    pub(crate) fn came_from(&self) -> Vec<usize> {
        self.state.known().verified.as_ref().map(|proof| proof.origins.places()).unwrap_or_default()
    }

    pub(crate) fn place_name(&self, place: usize) -> String {
        self.shared.places.get(place).map(|place| place.name.clone()).unwrap_or_default()
    }

    /// The best location to read it from: the cache, then from where it was found on, then those
    /// before, which did not have the package; those that do not answer last.
    pub(crate) fn next_place(&self, tried: &[usize]) -> Option<usize> {
        let FileState { home, only_home, .. } = *self.state;
        let aside: Vec<usize> = self.state.known().aside.iter().map(|a| a.place).collect();
        let is_left = |place: &usize| !tried.contains(place) && !aside.contains(place);
        if let (Some((place, cache)), Some(digest)) = (self.shared.cache(), &self.id.digest)
            && is_left(&place)
            && let Some(entry) = cache.get(digest, self.id.len)
            && self.is_right_in_cache(place, entry, *digest)
        {
            return Some(place);
        }
        let count = self.shared.locations().len();
        let (after, before) = if only_home { (home.saturating_add(1), 0) } else { (count, home) };
        let order = (home..after).chain(0..before).filter(is_left);
        let with = |wanted| {
            let health = |place| self.shared.places.get(place).map(Place::health);
            order.clone().find(|place| health(*place) == Some(wanted))
        };
        with(Health::Good).or_else(|| with(Health::Down))
    }

    /// Whether an entry of the cache is worth taking: one that is looked at first must be right.
    fn is_right_in_cache(&self, place: usize, mut entry: File, expected: Digest) -> bool {
        let options = &self.shared.options;
        if self.id.len > CHECKED_FIRST && !options.check_cache {
            return true;
        }
        *self.state.cache_is_right.get_or_init(|| {
            let mut hasher = Hasher::new();
            let mut buf = vec![0; usize::try_from(self.id.len).unwrap_or(BLOCK).min(BLOCK)];
            loop {
                match entry.read(&mut buf) {
                    // Whoever reads will hear of it.
                    _ if options.go_on().is_err() => return true,
                    Ok(0) => break,
                    Ok(count) => hasher.update(buf.get(..count).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return false,
                }
            }
            // Nobody removes it while it is open.
            drop(entry);
            let found = hasher.finish();
            if found != expected {
                self.bad_copy(self.name(), place, expected, found);
            }
            found == expected
        })
    }

    /// The copy there has another length than it must have.
    pub(crate) fn wrong_length(&self, place: usize) {
        self.put_aside(place, false);
    }

    fn put_aside(&self, place: usize, damaged: bool) {
        {
            let mut known = self.state.known();
            known.aside.retain(|aside| aside.place != place);
            known.aside.push(Aside { place, damaged });
        }
        if damaged {
            self.take_back(place);
        }
        self.shared.blocks.forget(self.state.number, place);
    }

    /// Whoever got bytes from there is told, and has to start again.
    fn take_back(&self, place: usize) {
        let mut known = self.state.known();
        known.claims.retain(|claim| !claim.origins.places().contains(&place));
        known.parked.take_if(|parked| parked.origins().places().contains(&place));
    }

    /// The copy there is right, and other bytes came of it: damaged on the way, or there are several
    /// copies behind one name. Once; then it is taken for a bad one.
    pub(crate) fn unsteady(
        &self,
        file: String,
        place: usize,
        expected: Digest,
        found: Digest,
    ) -> BadCopy {
        {
            let mut known = self.state.known();
            if known.unsteady.contains(&place) {
                drop(known);
                return self.bad_copy(file, place, expected, found);
            }
            known.unsteady.push(place);
        }
        self.take_back(place);
        self.shared.blocks.forget(self.state.number, place);
        let location = self.place_name(place);
        let (cached, removed) = (false, false);
        let bad = BadCopy { file, location, expected, found, cached, removed, unsteady: true };
        self.shared.events.push(ContentEvent::BadCopy(bad.clone()));
        bad
    }

    pub(crate) fn bad_copy(
        &self,
        file: String,
        place: usize,
        expected: Digest,
        found: Digest,
    ) -> BadCopy {
        self.put_aside(place, true);
        let location = self.place_name(place);
        let in_cache = self.shared.cache().filter(|(number, _)| *number == place);
        let (cached, removed) = match in_cache {
            // By the file's own digest: that of a part of it names no entry.
            Some((_, cache)) => (true, self.id.digest.is_some_and(|it| cache.discard(&it))),
            None => (false, false),
        };
        let bad = BadCopy { file, location, expected, found, cached, removed, unsteady: false };
        self.shared.events.push(ContentEvent::BadCopy(bad.clone()));
        bad
    }

    /// Whether another copy may help.
    pub(crate) fn error_of(&self, bad: BadCopy) -> ContentError {
        let BadCopy { file, location, expected, found, .. } = bad;
        if self.next_place(&[]).is_some() {
            ContentError::BadCopy { file, location, expected, found }
        } else {
            ContentError::WrongDigest { file, location, expected, found }
        }
    }

    /// Whether who reads from `from` to the end has read the whole file with what was read before,
    /// but for at most `reach` bytes.
    pub(crate) fn is_whole_from(&self, from: u64, reach: u64) -> bool {
        let near = |verifier: &Verifier| is_near(verifier, from, reach);
        from <= reach || self.state.known().parked.as_ref().is_some_and(near)
    }

    /// The digest to go on with for whoever reads from `from`.
    pub(crate) fn verifier(&self, from: u64, reach: u64) -> Option<Verifier> {
        self.id.digest?;
        let mut known = self.state.known();
        let parked = known.parked.take_if(|verifier| is_near(verifier, from, reach));
        if parked.is_some() || from > reach {
            return parked;
        }
        // Its place in the cache goes to whoever reads all of the file now.
        if let Some(parked) = &mut known.parked {
            parked.leave_cache();
        }
        drop(known);
        Some(self.new_verifier())
    }

    pub(crate) fn new_verifier(&self) -> Verifier {
        let cache = self.shared.cache().zip(self.id.digest.as_ref());
        let writer = cache.and_then(|((_, cache), digest)| cache.writer(digest, self.id.len));
        Verifier::new(self.id.len, writer)
    }

    /// Every location was asked.
    pub(crate) fn unreadable(&self, at: u64, mut answers: Vec<AccessError>) -> ContentError {
        match (answers.len(), answers.pop()) {
            (1, Some(answer)) => ContentError::Access(answer),
            (_, last) => {
                answers.extend(last);
                ContentError::Unreadable { file: self.name(), at, answers }
            }
        }
    }
}

/// Whether `verifier` has come to at most `reach` bytes before `from`.
fn is_near(verifier: &Verifier, from: u64, reach: u64) -> bool {
    from.checked_sub(verifier.at()).is_some_and(|gap| gap <= reach)
}

impl Source for ContentFile {
    fn len(&self) -> u64 {
        self.id.len
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        if from > self.id.len {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Box::new(FileReader::new(self, from)))
    }

    fn describe(&self) -> String {
        self.name()
    }

    /// Files are the same when their digests are; without one, when they were found at one place.
    fn equals(&self, other: &dyn Source) -> bool {
        let Some(other) = other.as_any().and_then(<dyn Any>::downcast_ref::<Self>) else {
            return false;
        };
        match (self.id.digest, other.id.digest) {
            (Some(_), Some(_)) => (self.id.digest, self.id.len) == (other.id.digest, other.id.len),
            _ => {
                let same_place =
                    || self.place_name(self.state.home) == other.place_name(other.state.home);
                self.id == other.id && same_place()
            }
        }
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn sha256(&self) -> Option<[u8; 32]> {
        self.id.digest.map(|digest| *digest.as_bytes())
    }

    fn verifies_itself(&self) -> bool {
        self.id.digest.is_some()
    }
}
