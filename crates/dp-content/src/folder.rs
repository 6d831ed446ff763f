//! A folder of this machine: a copied or mounted content library, or expanded packages.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use extent_image::{Timestamp, fold_case};
use media_model::PackageId;

use crate::access::{AccessError, AccessKind, Transport, TransportEntry};
use crate::error::ContentError;
use crate::expanded::Expanded;
use crate::library::Library;
use crate::location::Location;
use crate::path::ContentPath;

/// Entries of one folder.
const MAX_ENTRIES: usize = 250_000;

/// Names that are remembered, over all folders, before they are forgotten.
const MAX_REMEMBERED: usize = 250_000;

/// Opens a folder as a location: the folder that holds `PkgLib`, `DataLib` and `FileLib`, or that
/// has it as `SCCMContentLib`, or else a folder of expanded packages.
///
/// # Errors
/// [`ContentError::NoFolder`] when there is no such folder, [`ContentError::PartOfLibrary`] for
/// `DataLib` and the like, [`ContentError::NoContent`] when it is none of these;
/// [`ContentError::Access`] when it cannot be looked into.
pub fn open_folder(path: &Path) -> Result<Arc<dyn Location>, ContentError> {
    Ok(match look(path)? {
        Found::Library(folder) => Arc::new(Library::new(Arc::new(folder))),
        Found::Expanded(folder) => Arc::new(Expanded::new(Arc::new(folder))),
    })
}

/// The folders of this machine that the location `path` is read from, without links: a content
/// library and those of further drives, or `path` itself.
///
/// Empty where `path` cannot be looked at.
#[must_use]
pub fn content_folders(path: &Path) -> Vec<PathBuf> {
    match look(path) {
        Ok(Found::Library(folder)) => {
            let further = folder.further_drives().into_iter().map(|drive| drive.root);
            further.chain([folder.root.clone()]).collect()
        }
        Ok(Found::Expanded(folder)) => vec![folder.root],
        Err(_) => fs::canonicalize(path).into_iter().collect(),
    }
}

enum Found {
    Library(FolderTransport),
    Expanded(FolderTransport),
}

fn look(path: &Path) -> Result<Found, ContentError> {
    let folder = FolderTransport::new(path).map_err(|error| {
        let given = path.display().to_string();
        match error.kind() {
            AccessKind::NotFound => ContentError::NoFolder { folder: given, is_there: false },
            AccessKind::Malformed(_) => ContentError::NoFolder { folder: given, is_there: true },
            _ => error.into(),
        }
    })?;
    let lacking = folder.lacking_in(&ContentPath::ROOT)?;
    if lacking.is_empty() {
        return Ok(Found::Library(folder));
    }
    let mut least = lacking;
    for name in ["SCCMContentLib", "SCCMContentLib$"] {
        let inside = ContentPath::known(name);
        let lacking = folder.lacking_in(&inside)?;
        if lacking.is_empty() {
            // In the case it has there.
            let found = folder.find_without_case(&inside)?;
            let found = path.join(found.file_name().unwrap_or(name.as_ref()));
            return Ok(Found::Library(FolderTransport::new(&found)?));
        }
        if lacking.len() < least.len() {
            least = lacking;
        }
    }
    // The folders in DataLib have the names of packages, and hold INIs.
    let is_part = |name: &str| LIBRARY.iter().any(|part| part.eq_ignore_ascii_case(name));
    if let (Some(name), Some(above)) = (folder.root.file_name(), folder.root.parent())
        && name.to_str().is_some_and(is_part)
    {
        let above = above.display().to_string();
        return Err(ContentError::PartOfLibrary { folder: folder.describe(), above });
    }
    if folder.has_packages()? {
        return Ok(Found::Expanded(folder));
    }
    if least.len() == LIBRARY.len() {
        least.clear();
    }
    Err(ContentError::NoContent { folder: folder.describe(), lacking: least })
}

/// What a content library consists of.
const LIBRARY: [&str; 3] = ["PkgLib", "DataLib", "FileLib"];

/// A folder of this machine.
///
/// Names are found without regard to case, on systems that tell cases apart too. Symbolic links are
/// followed as long as they stay below the folder: a library that was unpacked from elsewhere must
/// not put other files of this machine on media. The folder itself may be a link.
pub struct FolderTransport {
    /// As it was given.
    given: PathBuf,
    /// The same without links.
    root: PathBuf,
    names: Mutex<Remembered>,
}

/// The names in folders, by their form without case.
#[derive(Default)]
struct Remembered {
    folders: HashMap<PathBuf, Arc<HashMap<String, String>>>,
    count: usize,
}

impl FolderTransport {
    /// Looks at the folder.
    ///
    /// # Errors
    /// [`AccessError`] when it is not there or is no folder.
    pub fn new(path: &Path) -> Result<Self, AccessError> {
        let at = |error| of_io(path, &error);
        let root = fs::canonicalize(path).map_err(at)?;
        if !fs::metadata(&root).map_err(at)?.is_dir() {
            let kind = AccessKind::Malformed("is no folder".to_owned());
            return Err(AccessError::new(path.display().to_string(), kind));
        }
        Ok(Self { given: path.to_owned(), root, names: Mutex::default() })
    }

    /// Which parts of a content library are not in `folder`.
    fn lacking_in(&self, folder: &ContentPath) -> Result<Vec<String>, AccessError> {
        let mut lacking = Vec::new();
        for part in LIBRARY {
            match self.find(&folder.join_path(&ContentPath::known(part))) {
                Ok((_, metadata)) if metadata.is_dir() => {}
                Err(error) if *error.kind() != AccessKind::NotFound => return Err(error),
                _ => lacking.push(part.to_owned()),
            }
        }
        Ok(lacking)
    }

    /// Whether a folder in this one is named by a package id. Not by way of `list`, which wants
    /// every name to be good.
    fn has_packages(&self) -> Result<bool, AccessError> {
        let root = |error| self.error(&ContentPath::ROOT, &error);
        let entries = fs::read_dir(&self.root).map_err(root)?.take(MAX_ENTRIES);
        Ok(entries.flatten().any(|entry| {
            entry.file_name().to_str().is_some_and(|name| PackageId::new(name).is_ok())
                && entry.path().is_dir()
        }))
    }

    /// What messages call something in the folder.
    fn shown(&self, path: &ContentPath) -> PathBuf {
        path.names().fold(self.given.clone(), |at, name| at.join(name))
    }

    fn error(&self, path: &ContentPath, error: &io::Error) -> AccessError {
        of_io(&self.shown(path), error)
    }

    fn malformed(&self, path: &ContentPath, what: impl Into<String>) -> AccessError {
        let kind = AccessKind::Malformed(what.into());
        AccessError::new(self.shown(path).display().to_string(), kind)
    }

    /// The real path, links followed, and what is there.
    fn find(&self, path: &ContentPath) -> Result<(PathBuf, Metadata), AccessError> {
        let straight = path.names().fold(self.root.clone(), |at, name| at.join(name));
        let found = match fs::canonicalize(&straight) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let other_case = self.find_without_case(path)?;
                fs::canonicalize(other_case).map_err(|e| self.error(path, &e))?
            }
            found => found.map_err(|e| self.error(path, &e))?,
        };
        if !found.starts_with(&self.root) {
            let why = "a link that leads out of the folder; copy what it leads to";
            return Err(AccessError::new(
                self.shown(path).display().to_string(),
                AccessKind::Denied(why.to_owned()),
            ));
        }
        let metadata = fs::metadata(&found).map_err(|e| self.error(path, &e))?;
        Ok((found, metadata))
    }

    fn find_without_case(&self, path: &ContentPath) -> Result<PathBuf, AccessError> {
        let mut at = self.root.clone();
        for name in path.names() {
            let exact = at.join(name);
            if exact.symlink_metadata().is_ok() {
                at = exact;
                continue;
            }
            let names = self.names_in(&at).map_err(|e| self.error(path, &e))?;
            match names.get(&folded(name)) {
                Some(name) => at.push(name),
                None => return Err(self.error(path, &io::ErrorKind::NotFound.into())),
            }
        }
        Ok(at)
    }

    fn names_in(&self, folder: &Path) -> io::Result<Arc<HashMap<String, String>>> {
        let lock = || self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = lock().folders.get(folder) {
            return Ok(Arc::clone(names));
        }
        let mut names = HashMap::new();
        for entry in fs::read_dir(folder)?.take(MAX_ENTRIES) {
            if let Ok(name) = entry?.file_name().into_string() {
                names.insert(folded(&name), name);
            }
        }
        let names = Arc::new(names);
        let mut remembered = lock();
        if remembered.count + names.len() > MAX_REMEMBERED {
            *remembered = Remembered::default();
        }
        remembered.count += names.len();
        remembered.folders.insert(folder.to_owned(), Arc::clone(&names));
        Ok(names)
    }

    /// Folders beside this one that are named as the shares of further drives are, or as those
    /// without the `$`: `SCCMContentLibD`, `SCCMContentLibE$`. Other places are not searched.
    fn further_drives(&self) -> Vec<Self> {
        let Some(parent) = self.root.parent() else { return Vec::new() };
        let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
        let mut names: Vec<_> = entries
            .take(MAX_ENTRIES)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_span(name) && self.root.file_name() != Some(name.as_ref()))
            .collect();
        names.sort();
        names.iter().filter_map(|name| Self::new(&parent.join(name)).ok()).collect()
    }

    fn open_file(&self, path: &ContentPath) -> Result<(File, u64), AccessError> {
        let (found, metadata) = self.find(path)?;
        if !metadata.is_file() {
            // Not opened: a pipe would wait for somebody to write to it.
            return Err(self.malformed(path, "is no file"));
        }
        let file = File::open(found).map_err(|e| self.error(path, &e))?;
        Ok((file, metadata.len()))
    }
}

impl Transport for FolderTransport {
    fn describe(&self) -> String {
        self.given.display().to_string()
    }

    fn list(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError> {
        let (found, metadata) = self.find(folder)?;
        if !metadata.is_dir() {
            return Err(self.error(folder, &io::ErrorKind::NotFound.into()));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(found).map_err(|e| self.error(folder, &e))? {
            let entry = entry.map_err(|e| self.error(folder, &e))?;
            if entries.len() >= MAX_ENTRIES {
                let what = format!("holds more than {MAX_ENTRIES} files and folders");
                return Err(self.malformed(folder, what));
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let metadata = if linked {
                // A link that cannot be followed is a file of unknown length: opening it tells why.
                let found = folder.join(&name).ok().and_then(|path| self.find(&path).ok());
                found.map(|(_, metadata)| metadata)
            } else {
                Some(entry.metadata().map_err(|e| self.error(folder, &e))?)
            };
            let is_folder = metadata.as_ref().is_some_and(Metadata::is_dir);
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            let modified = modified.map(Timestamp::from_system_time);
            let len = metadata.filter(|_| !is_folder).map(|metadata| metadata.len());
            entries.push(TransportEntry { name, is_folder, len, modified });
        }
        Ok(entries)
    }

    fn read(&self, path: &ContentPath, limit: usize) -> Result<Vec<u8>, AccessError> {
        let (file, _) = self.open_file(path)?;
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map_err(|e| self.error(path, &e))?;
        if bytes.len() > limit {
            return Err(self.malformed(path, format!("has more than {limit} bytes")));
        }
        Ok(bytes)
    }

    fn open(
        &self,
        path: &ContentPath,
        range: Range<u64>,
        len: u64,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let (mut file, found) = self.open_file(path)?;
        if found != len {
            let kind = AccessKind::Length { expected: len, found };
            return Err(AccessError::new(self.shown(path).display().to_string(), kind));
        }
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).map_err(|e| self.error(path, &e))?;
        }
        let count = range.end.saturating_sub(range.start);
        Ok(Box::new(FileRange { file: file.take(count), path: self.shown(path) }))
    }

    fn spans(&self) -> Vec<Arc<dyn Transport>> {
        let drives = self.further_drives().into_iter();
        drives.map(|folder| Arc::new(folder) as Arc<dyn Transport>).collect()
    }
}

/// `SCCMContentLib`, the letter of a drive, and perhaps `$`.
fn is_span(name: &str) -> bool {
    let name = name.strip_suffix('$').unwrap_or(name);
    name.split_at_checked("SCCMContentLib".len()).is_some_and(|(start, drive)| {
        start.eq_ignore_ascii_case("SCCMContentLib")
            && drive.len() == 1
            && drive.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

fn folded(name: &str) -> String {
    name.chars().map(fold_case).collect()
}

/// An error of the file system, which is never one of a connection.
fn of_io(path: &Path, error: &io::Error) -> AccessError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => AccessKind::NotFound,
        // So Windows answers for names that no file has there, and Wine for what is below a file.
        io::ErrorKind::InvalidFilename if cfg!(windows) => AccessKind::NotFound,
        io::ErrorKind::PermissionDenied => AccessKind::Denied(String::new()),
        kind => AccessKind::Io { kind, message: error.to_string() },
    };
    AccessError::new(path.display().to_string(), kind)
}

/// A part of a file, whose errors tell of which file they are.
struct FileRange {
    file: io::Take<File>,
    path: PathBuf,
}

impl Read for FileRange {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => of_io(&self.path, &error).into(),
        })
    }
}
