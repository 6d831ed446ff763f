//! What happened while content was fetched, for reports and logs.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extent_image::Digest;
use media_model::PackageId;

use crate::access::AccessError;
use crate::content::options::Observer;
use crate::error::ContentError;

/// Events that are kept; an observer sees those beyond too.
const KEPT: usize = 10_000;

/// Of these so many of faults that were tried again: the rest must have room.
const RESUMED_KEPT: usize = 1000;

/// A copy of a file whose bytes are not those of its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadCopy {
    /// The file, with its content id: `boot.PS100005.wim of PS100005.3`.
    pub file: String,
    /// The location.
    pub location: String,
    /// SHA-256 by the content library.
    pub expected: Digest,
    /// SHA-256 of what came.
    pub found: Digest,
    /// Whether the location is the cache.
    pub cached: bool,
    /// Whether it was removed from there.
    pub removed: bool,
    /// Whether the copy itself turned out to be right: these bytes were damaged on the way, or the
    /// location has several copies behind one name. It is asked again, once.
    pub unsteady: bool,
}

impl fmt::Display for BadCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, location, expected, found, cached, removed, unsteady } = self;
        write!(f, "{file} at {location} is damaged: SHA-256 {expected} expected, {found} found; ")?;
        f.write_str(match (cached, removed, unsteady) {
            (_, true, _) => "it was removed there",
            (true, false, _) => "it is still there: it is in use, or may not be removed",
            (.., true) => {
                "the whole file came right since, so it was damaged on the way, or that name stands \
                 for several servers, one of which has a bad copy"
            }
            _ => "redistribute the content to that distribution point or validate it there",
        })
    }
}

/// Something that happened while content was looked for or fetched, and that did not stop it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentEvent {
    /// A location did not give a package that a later one gave.
    NotThere {
        /// The package.
        package: PackageId,
        /// The location that did not.
        location: String,
        /// Why.
        why: ContentError,
    },
    /// Something is odd about a package.
    Warning {
        /// Its content id.
        package: String,
        /// The location.
        location: String,
        /// What.
        what: String,
    },
    /// Something is tried again at the same location, a file from the very byte it had come to.
    Resumed {
        /// The file or package.
        what: String,
        /// The location.
        location: String,
        /// The byte; `None` where no file was being read.
        at: Option<u64>,
        /// The fault before.
        error: AccessError,
        /// How long is waited first.
        wait: Duration,
    },
    /// Another location goes on with a file.
    FellOver {
        /// The file.
        file: String,
        /// The location that gave it so far.
        from: String,
        /// The one that goes on.
        to: String,
        /// The byte it goes on from.
        at: u64,
        /// Why the first one could not.
        error: AccessError,
    },
    /// A copy is damaged and is not used again in this run.
    BadCopy(BadCopy),
    /// A location refuses the login and is not asked again in this run: accounts get locked.
    Unusable {
        /// The location.
        location: String,
        /// Its answer.
        error: AccessError,
    },
    /// The cache cannot do something; content comes from its locations as ever.
    Cache {
        /// What, and why.
        what: String,
    },
}

impl ContentEvent {
    /// A word for programs: `not-there`, `warning`, `resumed`, `fell-over`, `bad-copy`, `unusable`,
    /// `cache`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotThere { .. } => "not-there",
            Self::Warning { .. } => "warning",
            Self::Resumed { .. } => "resumed",
            Self::FellOver { .. } => "fell-over",
            Self::BadCopy(_) => "bad-copy",
            Self::Unusable { .. } => "unusable",
            Self::Cache { .. } => "cache",
        }
    }
}

impl fmt::Display for ContentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere { package, location, why } => {
                write!(f, "{package} is not taken from {location}: {why}")
            }
            Self::Warning { package, location, what } => {
                write!(f, "{package} at {location}: {what}")
            }
            Self::Resumed { what, location, at, error, wait } => {
                let wait = wait.as_millis();
                match at {
                    Some(at) => write!(f, "{what} at {location}: resumed at byte {at}")?,
                    None => write!(f, "{what} at {location}: tried again")?,
                }
                write!(f, " after {wait} ms: {error}")
            }
            Self::FellOver { file, from, to, at, error } => {
                write!(f, "{file}: from byte {at} on from {to} instead of {from}: {error}")
            }
            Self::BadCopy(bad) => bad.fmt(f),
            Self::Unusable { location, error } => {
                write!(f, "{location} is not asked again: {error}")
            }
            Self::Cache { what } => f.write_str(what),
        }
    }
}

/// The events of a run.
pub(crate) struct Events {
    kept: Mutex<Kept>,
    observer: Option<Observer>,
}

#[derive(Default)]
struct Kept {
    events: Vec<ContentEvent>,
    resumed: usize,
    bad_copies: usize,
}

impl Events {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self { kept: Mutex::default(), observer }
    }

    pub(crate) fn push(&self, event: ContentEvent) {
        if let Some(observer) = &self.observer {
            observer(&event);
        }
        let mut kept = self.kept();
        let keep = match &event {
            ContentEvent::Resumed { .. } => {
                kept.resumed += 1;
                kept.resumed <= RESUMED_KEPT
            }
            // There are only so many copies.
            ContentEvent::BadCopy(_) => {
                kept.bad_copies += 1;
                true
            }
            _ => kept.events.len() < KEPT,
        };
        if keep {
            kept.events.push(event);
        }
    }

    pub(crate) fn all(&self) -> Vec<ContentEvent> {
        self.kept().events.clone()
    }

    pub(crate) fn bad_copies(&self) -> usize {
        self.kept().bad_copies
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
