//! A folder of expanded packages: a folder named by its id for each package, with the files under
//! their real names, as in the package shares (`SMSPKGC$`) of a distribution point.
//!
//! Nothing here tells hashes, so what comes from it is not verified but where another location
//! knows the hash.

use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use extent_image::Timestamp;
use media_model::PackageId;

use crate::access::patience::Patience;
use crate::access::walk::{WalkedFile, refuse_same_names, walk};
use crate::access::{AccessError, AccessKind, Transport, TransportEntry};
use crate::error::ContentError;
use crate::location::{FileId, Listed, Location, Package, PackageFile};
use crate::path::ContentPath;

/// A folder of expanded packages.
pub struct Expanded {
    transport: Arc<dyn Transport>,
    /// The files of the packages that were looked for, by path.
    files: Mutex<HashMap<ContentPath, Seen>>,
}

/// A file as it was listed.
struct Seen {
    len: u64,
    modified: Option<Timestamp>,
    /// Whether bytes of it were wanted since.
    opened: bool,
}

/// A folder that is named by a package id.
struct Found {
    id: PackageId,
    /// As it is written there.
    name: String,
}

impl Expanded {
    /// The packages in folders at the root of `transport`: `PS100005`, or `PS100005.3` where the
    /// version is known. Asks for nothing yet.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, files: Mutex::default() }
    }

    fn files(&self) -> MutexGuard<'_, HashMap<ContentPath, Seen>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what files are like; of those that were read from already, what they were like then.
    fn remember(&self, root: &ContentPath, listed: &[PackageFile]) {
        let mut files = self.files();
        for PackageFile { id, modified, .. } in listed {
            let path = root.join_path(&id.path);
            if files.get(&path).is_none_or(|seen| !seen.opened) {
                let seen = Seen { len: id.len, modified: *modified, opened: false };
                files.insert(path, seen);
            }
        }
    }

    /// No hash tells whether a file that is opened again, here or there, is still the same: its time
    /// does.
    fn check_same(&self, path: &ContentPath) -> Result<(), AccessError> {
        let known = {
            let mut files = self.files();
            let Some(seen) = files.get_mut(path) else { return Ok(()) };
            if !std::mem::replace(&mut seen.opened, true) {
                return Ok(());
            }
            (Some(seen.len), seen.modified)
        };
        let name = path.name();
        let folder = path.ancestors().next().unwrap_or(ContentPath::ROOT);
        let entries = self.transport.list(&folder)?;
        let same = |entry: &TransportEntry| (entry.len, entry.modified) == known;
        if entries.iter().any(|entry| Some(&*entry.name) == name && same(entry)) {
            return Ok(());
        }
        let what = format!("{path} at {}", self.describe());
        Err(AccessError::new(what, AccessKind::Changed))
    }

    /// Ordered by id, the one that counts first: higher versions, then those without.
    fn found(&self, patience: &Patience<'_>) -> Result<Vec<Found>, ContentError> {
        let entries = patience.ask(|| self.transport.list(&ContentPath::ROOT))??.into_iter();
        let mut found: Vec<_> = entries
            .filter(|entry| entry.is_folder)
            .filter_map(|entry| {
                let id = PackageId::new(&entry.name).ok()?;
                Some(Found { id, name: entry.name })
            })
            .collect();
        found.sort_by(|a, b| {
            a.id.id().cmp(b.id.id()).then_with(|| b.id.version().cmp(&a.id.version()))
        });
        Ok(found)
    }
}

impl Location for Expanded {
    fn describe(&self) -> String {
        self.transport.describe()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        self.packages_with(&Patience::none())
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        self.package_with(id, &Patience::none())
    }

    fn packages_with(&self, patience: &Patience<'_>) -> Result<Vec<Listed>, ContentError> {
        let mut listed = Vec::<Listed>::new();
        for Found { id, name } in self.found(patience)? {
            match listed.last_mut() {
                Some(last) if last.id == id.id() => last.content_ids.push(name),
                _ => listed.push(Listed {
                    id: id.id().to_owned(),
                    content_ids: vec![name],
                    trouble: None,
                }),
            }
        }
        Ok(listed)
    }

    fn package_with(
        &self,
        id: &PackageId,
        patience: &Patience<'_>,
    ) -> Result<Package, ContentError> {
        let found = self.found(patience)?.into_iter().filter(|found| found.id.id() == id.id());
        let (usable, others): (Vec<_>, Vec<_>) =
            found.partition(|found| id.version().is_none() || found.id.version() == id.version());
        let mut usable = usable.into_iter();
        let Some(Found { id, name }) = usable.next() else {
            return Err(ContentError::Missing {
                location: self.describe(),
                id: id.clone(),
                versions: others.into_iter().map(|found| found.name).collect(),
            });
        };
        let also: Vec<_> = usable.map(|found| found.name).collect();
        let mut warnings = vec![format!(
            "is taken from {}: expanded packages have no hashes, so its files are not verified",
            self.describe()
        )];
        if !also.is_empty() {
            warnings.push(format!("{} is used; {} is there too", name, also.join(", ")));
        }

        // A package id, so it is one good name.
        let root = ContentPath::known(&*name);
        let entries = patience.ask(|| self.transport.list(&root))??;
        let walked = walk(&*self.transport, &root, entries, patience)?;
        let mut folders = walked.folders;
        let paths = walked.files.iter().map(|file| &file.path).chain(&folders);
        refuse_same_names(self.describe(), &root, paths)?;
        let mut files = Vec::new();
        for WalkedFile { path, len, modified } in walked.files {
            let Some(len) = len else {
                // A link that cannot be followed has none; asking for it tells why.
                let path = root.join_path(&path);
                patience.ask(|| self.transport.read(&path, 0))??;
                let what = "has no length in the listing";
                return Err(ContentError::malformed(self.describe(), &path, what));
            };
            let id = FileId {
                package_id: id.id().to_owned(),
                content_id: name.clone(),
                path,
                len,
                digest: None,
            };
            files.push(PackageFile { id, listed_len: None, modified, attributes: 0 });
        }
        files.sort_by(|a, b| a.id.path.cmp(&b.id.path));
        self.remember(&root, &files);
        folders.sort();
        Ok(Package {
            id,
            content_id: name,
            files,
            folders,
            declared_hash: None,
            hash_trouble: None,
            computed_hash: None,
            warnings,
        })
    }

    fn check(&self, file: &FileId, _: bool) -> Result<(), AccessError> {
        self.open(file, 0..0).map(drop)
    }

    /// Opens the file by its path, in the folder of its content or of its package.
    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let mut folders = vec![&file.content_id];
        // The folder without a version may hold another one: only a hash can tell.
        if file.digest.is_some() && !file.package_id.eq_ignore_ascii_case(&file.content_id) {
            folders.push(&file.package_id);
        }
        let mut missing = None;
        for folder in folders {
            let Ok(folder) = ContentPath::ROOT.join(folder) else { continue };
            let path = folder.join_path(&file.path);
            match self.transport.open(&path, range.clone(), file.len) {
                Err(error) if *error.kind() == AccessKind::NotFound => {
                    missing.get_or_insert(error);
                }
                Ok(reader) if file.digest.is_none() && !range.is_empty() => {
                    // Once it is open, so that what is read is what was looked at.
                    self.check_same(&path)?;
                    return Ok(reader);
                }
                result => return result,
            }
        }
        Err(missing.unwrap_or_else(|| {
            let what = format!("{}/{} at {}", file.content_id, file.path, self.describe());
            AccessError::new(what, AccessKind::NotFound)
        }))
    }
}
