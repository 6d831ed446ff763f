//! Locations in order of preference, as one.

mod blocks;
mod cached;
mod file;
pub(crate) mod options;
mod origin;
mod place;
pub(crate) mod preflight;
mod proof;
mod reader;
mod resume;
mod settle;
mod verify;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use media_model::{ContentLocation, PackageId};

use crate::cache::Cache;
use crate::error::ContentError;
use crate::event::{BadCopy, ContentEvent, Events};
use crate::location::{FileId, Listed, Location, Package};
use crate::open::open;

use self::blocks::Blocks;
use self::cached::Cached;
use self::file::{ContentFile, FileState};
use self::options::ContentOptions;
use self::place::{Asker, Place};
use self::preflight::{FoundPackage, Preflight};

/// Locations in order of preference, as one place that packages and their files come from.
///
/// Clones are the same content: they share what is known of locations and files. Several threads may
/// use it.
///
/// The files of [`find`](Self::find) are sources that look after themselves:
///
/// * A fault that may pass is tried again at the same location, from the very byte the file had come
///   to; then the next location goes on. A location that refuses a login is not asked again.
/// * A file with a digest is the same file at every location. A file without one (a folder of
///   expanded packages) is only read where it was found: nobody could tell whether another copy, or
///   half of one, is the same.
/// * Reading a file from its start to its end hashes it, and the last byte is only given when the
///   digest is right. A copy with a wrong one is put aside for the run, and the error says whether
///   starting again can help ([`ContentError::BadCopy`]) or not ([`ContentError::WrongDigest`]).
/// * What is read in ranges is checked by [`settle`](Self::settle).
#[derive(Clone)]
pub struct Content {
    shared: Arc<Shared>,
}

/// What a location has, by [`Content::list`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocationPackages {
    /// The location.
    pub location: String,
    /// All packages there, by id.
    pub packages: Result<Vec<Listed>, ContentError>,
}

/// What all files and packages of a run have in common.
pub(crate) struct Shared {
    /// The locations, in order of preference; then the cache, if there is one.
    pub(crate) places: Vec<Place>,
    pub(crate) options: ContentOptions,
    pub(crate) events: Events,
    pub(crate) blocks: Blocks,
    /// As many owners more as there are files that are left half read and open in the cache.
    pub(crate) left_open: Arc<()>,
    files: Mutex<HashMap<FileKey, Arc<FileState>>>,
}

/// Files with equal keys share what is known of their copies.
#[derive(PartialEq, Eq, Hash)]
struct FileKey {
    id: FileId,
    /// Where it was found, for a file without a digest.
    only_at: Option<usize>,
}

impl Content {
    /// Content at `locations`, the one preferred first. Looks at folders of this machine; servers
    /// are asked nothing. A location that
    /// cannot be used (a folder that holds no content, a file of certificates that cannot be read)
    /// says why whenever it is asked.
    #[must_use]
    pub fn open(locations: &[ContentLocation], options: ContentOptions) -> Self {
        // Whoever waits for a server asks too whether to go on.
        let access = options.access_cancelled();
        let opened = locations.iter().map(|location| open(location, &access));
        Self::with_locations(opened.collect(), options)
    }

    /// Content at these locations, the one preferred first.
    pub fn with_locations(locations: Vec<Arc<dyn Location>>, options: ContentOptions) -> Self {
        let events = Events::new(options.observer.clone());
        let cache = options.cache.clone().map(|cache| Arc::new(Cached(cache)) as Arc<dyn Location>);
        Self {
            shared: Arc::new(Shared {
                places: locations.into_iter().chain(cache).map(Place::new).collect(),
                options,
                events,
                blocks: Blocks::default(),
                left_open: Arc::default(),
                files: Mutex::default(),
            }),
        }
    }

    /// Looks for packages, all of them: each is taken from the first location that can give it, and
    /// later ones are not asked for it. A package id without a version means the highest version of
    /// that location. Reads what describes the packages, not their files.
    ///
    /// The result has the order of `ids`.
    ///
    /// # Errors
    /// [`Preflight`]: everything that is missing or unreadable, in one list.
    pub fn find(&self, ids: &[PackageId]) -> Result<Vec<FoundPackage>, Preflight> {
        preflight::find(&self.shared, ids)
    }

    /// All packages of each location, in order of preference.
    pub fn list(&self) -> Vec<LocationPackages> {
        let asker = self.shared.asker();
        let locations = self.shared.locations().iter();
        locations
            .map(|place| LocationPackages {
                location: place.name.clone(),
                packages: place.ask("list of packages", asker, |location, patience| {
                    location.packages_with(patience)
                }),
            })
            .collect()
    }

    /// The cache, if there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.shared.options.cache.as_ref()
    }

    /// What the locations are called, in order of preference.
    pub fn locations(&self) -> Vec<String> {
        self.shared.locations().iter().map(|place| place.name.clone()).collect()
    }

    /// What the location with this number, in order of preference from 0, knows of a package; no other
    /// is asked.
    ///
    /// # Errors
    /// [`ContentError`]
    pub fn package_at(&self, location: usize, id: &PackageId) -> Result<Package, ContentError> {
        let place = self.shared.locations().get(location).ok_or(ContentError::NoLocation)?;
        place.ask(&id.to_string(), self.shared.asker(), |location, patience| {
            location.package_with(id, patience)
        })
    }

    /// What has happened so far, oldest first; of more than 1,000 faults that were tried again and
    /// 10,000 events in all, the first ones. Bad copies are never left out.
    pub fn events(&self) -> Vec<ContentEvent> {
        self.shared.note_cache();
        self.shared.events.all()
    }

    /// Reads whole, and hashes, the files of which bytes were used and that were never read whole:
    /// a medium that holds a part of them must not be published before. What was already hashed of
    /// them is not fetched again.
    ///
    /// # Errors
    /// [`ContentError::BadCopy`], [`ContentError::WrongDigest`], or the file cannot be read.
    pub fn settle(&self) -> Result<(), ContentError> {
        for file in self.in_use() {
            if let Some(bad) = file.check()? {
                return Err(file.error_of(bad));
            }
        }
        Ok(())
    }

    /// Checks as [`settle`](Self::settle) does, and says which copies were bad: to be asked when a
    /// file that was read in ranges makes no sense.
    ///
    /// # Errors
    /// A copy cannot be read.
    pub fn suspect(&self) -> Result<Vec<BadCopy>, ContentError> {
        let mut bad = Vec::new();
        for file in self.in_use() {
            bad.extend(file.check()?);
        }
        Ok(bad)
    }

    /// The locations that the files of a content came from, in order of preference: those that were
    /// read whole so far and are right.
    pub fn came_from(&self, content_id: &str) -> Vec<String> {
        let files = self.in_use().into_iter().filter(|file| file.id.content_id == content_id);
        let places: BTreeSet<usize> = files.flat_map(|file| file.came_from()).collect();
        let names = places.into_iter().filter_map(|place| self.shared.places.get(place));
        names.map(|place| place.name.clone()).collect()
    }

    /// Bad copies that were found so far.
    pub fn bad_copies(&self) -> usize {
        self.shared.events.bad_copies()
    }

    /// Whether starting again can help: a bad copy was found, and each file with one has a location
    /// left that may give it. There are only so many copies, so this ends.
    pub fn can_go_on(&self) -> bool {
        let mut files = self.in_use();
        files.retain(|file| file.state.has_bad_copy());
        !files.is_empty() && files.iter().all(|file| file.next_place(&[]).is_some())
    }

    /// The files handed out so far.
    fn in_use(&self) -> Vec<ContentFile> {
        let files = self.shared.files();
        files
            .iter()
            .map(|(key, state)| {
                ContentFile::new(Arc::clone(&self.shared), key.id.clone(), Arc::clone(state))
            })
            .collect()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.shared.places.iter().map(|place| &place.name).collect();
        f.debug_struct("Content").field("locations", &names).finish_non_exhaustive()
    }
}

impl Shared {
    /// The places without the cache.
    pub(crate) fn locations(&self) -> &[Place] {
        let cache = usize::from(self.options.cache.is_some());
        self.places.get(..self.places.len().saturating_sub(cache)).unwrap_or_default()
    }

    /// Who asks locations for what describes packages.
    pub(crate) fn asker(&self) -> Asker<'_> {
        let others = self.locations().len() > 1;
        Asker { options: &self.options, events: &self.events, others }
    }

    /// The cache, and its number among the places.
    pub(crate) fn cache(&self) -> Option<(usize, &Cache)> {
        self.options.cache.as_ref().map(|cache| (self.places.len().saturating_sub(1), cache))
    }

    /// Makes events of what the cache could not do.
    pub(crate) fn note_cache(&self) {
        for what in self.options.cache.iter().flat_map(Cache::take_warnings) {
            self.events.push(ContentEvent::Cache { what });
        }
    }

    /// The file `id`, found at location `home`.
    pub(crate) fn file(self: &Arc<Self>, id: FileId, home: usize) -> ContentFile {
        let only_at = id.digest.is_none().then_some(home);
        let state = {
            let mut files = self.files();
            // Blocks are found by this number.
            let number = files.len();
            let key = FileKey { id: id.clone(), only_at };
            let new = || Arc::new(FileState::new(number, home, only_at.is_some()));
            Arc::clone(files.entry(key).or_insert_with(new))
        };
        ContentFile::new(Arc::clone(self), id, state)
    }

    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<FileKey, Arc<FileState>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
