//! Nothing is ever written to a content library that packages come from, nor to the cache.
//!
//! Spellings and links hide where a path leads, so folders are compared as the system knows them.
//! What cannot be seen: a library that is reached over the network and is a folder here, too.

use std::fs;
use std::path::{Path, PathBuf};

use dp_content::content_folders;
use extent_image::host::{FileId, file_id};
use media_model::{CheckedContent, ContentLocation};

use crate::error::Error;
use crate::publish::part_file::folder_of;

/// Links that are followed from one path, as Linux does it.
const MAX_LINKS: usize = 40;

/// Refuses a path below a folder that content is read from: the content library that a location
/// leads to, those of further drives beside it, the folder of expanded packages, or the cache.
///
/// The path need not exist; where it is a link, what it leads to counts as well.
///
/// # Errors
/// [`Error::OutputInContent`]
pub fn refuse_in_library(path: &Path, content: &CheckedContent) -> Result<(), Error> {
    ContentFolders::of(content).refuse(path)
}

/// The folders that content is read from.
pub(crate) struct ContentFolders(Vec<ContentFolder>);

struct ContentFolder {
    /// Without links.
    path: PathBuf,
    /// The same folder by another path, or in another case.
    id: Option<FileId>,
    what: &'static str,
}

impl ContentFolders {
    pub(crate) fn of(content: &CheckedContent) -> Self {
        let mut folders = Self::of_locations(content);
        let cache = content.cache().map(|path| ContentFolder::new(resolved(path), "the cache"));
        folders.0.extend(cache);
        folders
    }

    /// Those of locations alone: the cache must not lie there either.
    pub(crate) fn of_locations(content: &CheckedContent) -> Self {
        let locations = content.locations().iter().filter_map(ContentLocation::folder);
        let folders = locations.flat_map(content_folders);
        Self(folders.map(|path| ContentFolder::new(path, "a distribution point")).collect())
    }

    pub(crate) fn refuse(&self, output: &Path) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        for place in places(output) {
            if let Some(folder) = self.0.iter().find(|folder| folder.holds(&place)) {
                return Err(Error::OutputInContent {
                    output: output.to_path_buf(),
                    folder: folder.path.clone(),
                    what: folder.what,
                });
            }
        }
        Ok(())
    }
}

impl ContentFolder {
    fn new(path: PathBuf, what: &'static str) -> Self {
        Self { id: file_id(&path).ok(), path, what }
    }

    fn holds(&self, place: &Path) -> bool {
        // A path alone would miss a folder that is mounted twice, and names without case.
        let is_same = |at: &Path| self.id.is_some() && file_id(at).ok() == self.id;
        place.starts_with(&self.path) || place.ancestors().any(is_same)
    }
}

/// Where a path leads: itself, and as long as that is a link, what it names.
fn places(path: &Path) -> Vec<PathBuf> {
    let mut places = vec![resolved(path)];
    for _ in 0..MAX_LINKS {
        let Some(place) = places.last() else { break };
        let Ok(next) = fs::read_link(place) else { break };
        places.push(resolved(&folder_of(place).join(next)));
    }
    places
}

/// The path without links and `..` in its folder. Of a folder that is not there yet, so much as is.
fn resolved(path: &Path) -> PathBuf {
    let Some(name) = path.file_name() else {
        return fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    };
    let folder = folder_of(path);
    for existing in folder.ancestors() {
        let at = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
        if let Ok(at) = fs::canonicalize(at) {
            let missing = folder.strip_prefix(existing).unwrap_or(Path::new(""));
            return at.join(missing).join(name);
        }
    }
    path.to_path_buf()
}
