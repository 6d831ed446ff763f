//! What is wrong with content.

use std::error::Error;
use std::io;

use extent_image::Digest;
use media_model::{ConfigMgrError, PackageId};

use crate::access::{AccessError, AccessKind};
use crate::path::ContentPath;

/// Content that cannot be had or is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The location does not have the package.
    #[error("{location} does not have package {id}{}", has(.versions))]
    Missing {
        /// The location.
        location: String,
        /// The package.
        id: PackageId,
        /// Versions that it has instead.
        versions: Vec<String>,
    },
    /// The location, or a file of it, cannot be reached or read.
    #[error("{_0}{}", way_out(_0))]
    Access(AccessError),
    /// What describes the package is not what it should be.
    #[error("{location}: {path}: {what}; redistribute the content")]
    Malformed {
        /// The location.
        location: String,
        /// The file in it.
        path: String,
        /// What is wrong, and in which line.
        what: String,
    },
    /// The package is one that media cannot hold, or not as it is asked for.
    #[error("{location}: {id} cannot be used: {what}")]
    Unusable {
        /// The location.
        location: String,
        /// The package.
        id: PackageId,
        /// Why, and what can be done.
        what: String,
    },
    /// The names and bytes of a content are there, but not what tells whether they are right.
    #[error(
        "{location}: {content_id} cannot be verified: the files in DataLib cannot be read; use the \
         share of the distribution point (\\\\server) or give an account that may read them"
    )]
    Unverifiable {
        /// The location.
        location: String,
        /// The content.
        content_id: String,
        /// Which file, and why.
        source: Box<AccessError>,
    },
    /// A folder that is no content location.
    #[error(
        "{folder} holds no content{}; needed are PkgLib, DataLib and FileLib in it or in its \
         SCCMContentLib, or folders named by package ids (PS100005, PS100005.3)",
        lacks(.lacking)
    )]
    NoContent {
        /// The folder.
        folder: String,
        /// What a content library that was begun there lacks; empty when nothing of one is there.
        lacking: Vec<String>,
    },
    /// A web server that shows nothing of a content library.
    #[error(
        "{location} answers, but shows no content library; name a distribution point, or the share of \
         this one (\\\\server)"
    )]
    NoLibrary {
        /// The location.
        location: String,
    },
    /// A folder that is not there, or is none.
    #[error(
        "{folder} is {}; give the folder of a content library or of expanded packages, or a server \
         (http://server, \\\\server)",
        if *.is_there { "no folder" } else { "not there" }
    )]
    NoFolder {
        /// What was given.
        folder: String,
        /// Whether it is something else.
        is_there: bool,
    },
    /// `PkgLib`, `DataLib` or `FileLib` alone.
    #[error("{folder} is a part of a content library; give the folder above it: {above}")]
    PartOfLibrary {
        /// What was given.
        folder: String,
        /// What is to be given.
        above: String,
    },
    /// Files that the package lists are missing there, or cannot be read.
    #[error(
        "{location}: {} of {of} files of {content_id} cannot be had{}; redistribute the content",
        .answers.len(), first(.answers)
    )]
    Files {
        /// The location.
        location: String,
        /// The content id.
        content_id: String,
        /// How many files the package has.
        of: usize,
        /// Which cannot be had, and why.
        answers: Vec<AccessError>,
    },
    /// The package hash that the location declares cannot be read.
    #[error("{location}: {what}; redistribute the content, or give --package-hash warn or off")]
    HashUnknown {
        /// The location.
        location: String,
        /// The content id.
        content_id: String,
        /// In which file, and what is wrong with it.
        what: String,
    },
    /// The file is damaged there.
    #[error(
        "{file} at {location} is damaged: SHA-256 {expected} expected, {found} found; redistribute \
         the content to that distribution point or validate it there"
    )]
    WrongDigest {
        /// The file, with its content id.
        file: String,
        /// The location.
        location: String,
        /// The digest by the content library.
        expected: Digest,
        /// That of what came.
        found: Digest,
    },
    /// The file is damaged there, and another location may have a good copy: whoever starts again
    /// gets that one.
    #[error(
        "{file} at {location} is damaged: SHA-256 {expected} expected, {found} found; run again, \
         which takes it anew or from another location"
    )]
    BadCopy {
        /// The file, with its content id.
        file: String,
        /// The location.
        location: String,
        /// The digest by the content library.
        expected: Digest,
        /// That of what came.
        found: Digest,
    },
    /// The package hash that the location declares is not that of the files it lists.
    #[error(
        "{location} declares package hash {declared} for {content_id}, and its files give \
         {computed}; redistribute the content, or give --package-hash warn or off"
    )]
    PackageHash {
        /// The location.
        location: String,
        /// The content id.
        content_id: String,
        /// The hash in the content library.
        declared: Digest,
        /// The hash that follows from the files' hashes.
        computed: Digest,
    },
    /// No location gives the file.
    #[error("no location gives {file}{}{}", each(.answers), way_out_of_all(.answers))]
    Unreadable {
        /// The file, with its content id.
        file: String,
        /// The byte it had come to.
        at: u64,
        /// What each location said, in the order they were asked.
        answers: Vec<AccessError>,
    },
    /// The package does not hold exactly one boot image.
    #[error(
        "{content_id} holds {} boot images (*.wim){}; give the id of a boot image package",
        .found.len(), listed(.found)
    )]
    BootImage {
        /// The content id.
        content_id: String,
        /// Paths of those it holds.
        found: Vec<String>,
    },
    /// This program was built without what reaches such a location.
    #[error("{location} is of a kind that this build cannot reach; use another kind of address")]
    NotOpened {
        /// The location.
        location: String,
    },
    /// The program asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// No location is known.
    #[error("no distribution point is given; give one with --distribution-point")]
    NoLocation,
    /// The location was given up before: it refused a login.
    #[error("{location} is not asked again: it refused the login")]
    GivenUp {
        /// The location.
        location: String,
    },
}

impl ContentError {
    pub(crate) fn malformed(location: String, path: &ContentPath, what: impl ToString) -> Self {
        Self::Malformed { location, path: path.to_string(), what: what.to_string() }
    }

    /// The content error inside an I/O error, however deep: sources that read others wrap what
    /// those say.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            // An I/O error's source is that of the error inside, which is passed over.
            let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = match inside {
                Some(inside) => Some(inside),
                None => error.source(),
            };
        }
        None
    }

    /// The answer of a server or of the system, where that is what is wrong.
    pub fn access(&self) -> Option<&AccessError> {
        match self {
            Self::Access(error) => Some(error),
            Self::Unverifiable { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether it is the content at the location that is wrong, and not the way there.
    pub fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::Malformed { .. }
                | Self::Files { .. }
                | Self::PackageHash { .. }
                | Self::HashUnknown { .. }
                | Self::WrongDigest { .. }
                | Self::BadCopy { .. }
        )
    }

    /// What Configuration Manager calls it, where it has a name for it.
    pub fn config_mgr_error(&self) -> Option<ConfigMgrError> {
        match self {
            Self::Missing { .. } => Some(ConfigMgrError::MissingPackage),
            Self::WrongDigest { .. }
            | Self::BadCopy { .. }
            | Self::PackageHash { .. }
            | Self::HashUnknown { .. } => Some(ConfigMgrError::HashValue),
            _ => None,
        }
    }
}

impl From<AccessError> for ContentError {
    fn from(error: AccessError) -> Self {
        match error.kind() {
            AccessKind::Cancelled => Self::Cancelled,
            _ => Self::Access(error),
        }
    }
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        Self::other(error)
    }
}

fn way_out(error: &AccessError) -> String {
    error.kind().way_out().map(|way_out| format!("; {way_out}")).unwrap_or_default()
}

/// Where there is one location, that of its answer; several have different ones.
fn way_out_of_all(answers: &[AccessError]) -> String {
    match answers {
        [] => "; redistribute the content, or name another distribution point".to_owned(),
        [answer] => way_out(answer),
        _ => "; mend what one of them says, or name another distribution point".to_owned(),
    }
}

fn each(answers: &[AccessError]) -> String {
    if answers.is_empty() {
        return "; none is left to ask, its copies being damaged or the logins refused".to_owned();
    }
    answers.iter().map(|answer| format!("; {answer}")).collect()
}

/// The first few.
fn first(answers: &[AccessError]) -> String {
    const SHOWN: usize = 8;
    let shown: String = answers.iter().take(SHOWN).map(|answer| format!("; {answer}")).collect();
    match answers.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

fn listed(found: &[String]) -> String {
    if found.is_empty() { String::new() } else { format!(": {}", found.join(", ")) }
}

fn has(versions: &[String]) -> String {
    if versions.is_empty() { String::new() } else { format!(" (it has {})", versions.join(", ")) }
}

fn lacks(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" (of a content library it lacks {})", names.join(", "))
    }
}
