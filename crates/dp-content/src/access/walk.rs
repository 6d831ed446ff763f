//! All that is below a folder of a transport, within bounds.

use std::collections::HashMap;

use extent_image::{Timestamp, fold_case};

use crate::access::patience::Patience;
use crate::access::{Transport, TransportEntry};
use crate::error::ContentError;
use crate::path::ContentPath;

/// Files and folders in one package. The largest driver packages have some ten thousand.
const MAX_NAMES: usize = 250_000;

/// Folders inside one another. A path of Windows that is not specially asked for has 260 characters.
const MAX_DEPTH: usize = 128;

/// Bytes of all paths in one package, each with the folder it is below: 250,000 of 67. A few bytes of
/// a listing can stand for a long path.
const MAX_TEXT: usize = 16 << 20;

/// What the names of a package may come to.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    names: usize,
    text: usize,
}

impl Budget {
    /// Counts one more path.
    ///
    /// # Errors
    /// What there is too much of.
    pub(crate) fn take(&mut self, root: &ContentPath, path: &ContentPath) -> Result<(), String> {
        self.names += 1;
        self.text = self.text.saturating_add(root.as_str().len() + path.as_str().len());
        if self.names > MAX_NAMES {
            return Err(format!("holds more than {MAX_NAMES} files and folders"));
        }
        if self.text > MAX_TEXT {
            return Err(format!("holds paths of more than {MAX_TEXT} bytes in all"));
        }
        Ok(())
    }
}

/// What is wrong with a name in a listing that is no Unicode where it is stored: it stands there
/// with U+FFFD, and nothing can be asked for by it.
pub(crate) fn no_unicode(name: &str) -> Option<String> {
    name.contains(char::REPLACEMENT_CHARACTER)
        .then(|| format!("the name {name:?} is not Unicode; rename it"))
}

/// What is below a folder, by paths from there.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) files: Vec<WalkedFile>,
    pub(crate) folders: Vec<ContentPath>,
}

/// A file, and what the listing tells of it.
#[derive(Debug)]
pub(crate) struct WalkedFile {
    pub(crate) path: ContentPath,
    pub(crate) len: Option<u64>,
    pub(crate) modified: Option<Timestamp>,
}

/// Walks a folder whose own entries are at hand, so that the caller sees for itself why it cannot be
/// listed.
pub(crate) fn walk(
    transport: &dyn Transport,
    root: &ContentPath,
    entries: Vec<TransportEntry>,
    patience: &Patience<'_>,
) -> Result<Walked, ContentError> {
    let malformed = |path: &ContentPath, what: String| {
        ContentError::malformed(transport.describe(), &root.join_path(path), what)
    };
    let mut walked = Walked::default();
    let mut budget = Budget::default();
    let mut pending = Vec::new();
    let (mut folder, mut entries) = (ContentPath::ROOT, entries);
    loop {
        for entry in entries {
            let path = folder.join(&entry.name).map_err(|e| malformed(&folder, e.to_string()))?;
            if let Some(what) = no_unicode(&entry.name) {
                return Err(malformed(&folder, what));
            }
            budget.take(root, &path).map_err(|what| malformed(&ContentPath::ROOT, what))?;
            if entry.is_folder {
                walked.folders.push(path.clone());
                pending.push(path);
            } else {
                let TransportEntry { len, modified, .. } = entry;
                walked.files.push(WalkedFile { path, len, modified });
            }
        }
        let Some(next) = pending.pop() else { return Ok(walked) };
        let depth = next.names().count();
        if depth > MAX_DEPTH {
            let what = format!("is {depth} folders deep; {MAX_DEPTH} are allowed");
            return Err(malformed(&next, what));
        }
        entries = patience.ask(|| transport.list(&root.join_path(&next)))??;
        folder = next;
    }
}

/// Refuses a content in which Windows takes two paths for the same: there is no saying which is
/// meant.
pub(crate) fn refuse_same_names<'a>(
    location: String,
    root: &ContentPath,
    paths: impl IntoIterator<Item = &'a ContentPath>,
) -> Result<(), ContentError> {
    let mut seen = HashMap::new();
    let same = paths.into_iter().find_map(|path| {
        let folded: String = path.as_str().chars().map(fold_case).collect();
        seen.insert(folded, path).map(|first| (first, path))
    });
    same.map_or(Ok(()), |(one, other)| {
        let what = format!("{one} and {other} are one name to Windows");
        Err(ContentError::malformed(location, root, what))
    })
}
