//! Packages of distribution points, into folders.
//!
//! Each package gets a folder that is named by its id and version, so that the folder which holds
//! them is itself a place that packages can come from: a folder of expanded packages. It is filled
//! beside its place and gets its name when all of it came.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use dp_content::{Content, ContentError, ContentPath, FileId, FoundFile, FoundPackage, Preflight};
use extent_image::{Digest, Hasher, Phase};
use media_model::{ConfigMgrError, PackageId};
use serde::Serialize;

use crate::content::kept::{is_kept, looks_kept};
use crate::content::packages;
use crate::error::Blame;
use crate::join::{new_file, system_time};
use crate::publish::output_folder::{OutputFolderError, Target};
use crate::publish::part_file::folder_of;
use crate::report::{ReportedEvent, Warning};

/// Packages that were fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Fetched {
    /// The packages, in the order asked for.
    pub packages: Vec<FetchedPackage>,
    /// What happened on the way.
    pub events: Vec<ReportedEvent>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// A package in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct FetchedPackage {
    /// The package id.
    pub id: String,
    /// The content id: the package id and the version.
    pub content_id: String,
    /// The location that it was found at; its files may have come from others.
    pub location: String,
    /// The locations that its files came from, as far as their hashes tell: more than one where one
    /// took over from another, or the cache.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub came_from: Vec<String>,
    /// The folder.
    pub path: String,
    /// Whether it was there already, whole.
    pub kept: bool,
    /// Files in it.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Whether each file had the SHA-256 that the content library says; false where nobody tells.
    pub verified: bool,
    /// The package hash that follows from the bytes that came, in lower case.
    pub package_hash: Option<String>,
}

/// Packages were not fetched, not all of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Packages that no location gives. Nothing was fetched.
    #[error(transparent)]
    Packages(#[from] Preflight),
    /// A file cannot be had, or is damaged.
    #[error("{file} was not fetched")]
    Read {
        /// The file, with its content id.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Two packages would have the same folder.
    #[error("{id} is asked for more than once; name it once")]
    Twice {
        /// The package.
        id: String,
    },
    /// The folder cannot be filled.
    #[error(transparent)]
    Folder(#[from] OutputFolderError),
    /// The operating system refused a step.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// The step.
        step: &'static str,
        /// The file or folder it was refused for.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Some packages have their folders; what ended the run then.
    #[error("{} of {packages} packages were fetched ({})", .fetched.packages.len(), named(.fetched))]
    Partly {
        /// Those.
        fetched: Box<Fetched>,
        /// Packages that were asked for.
        packages: usize,
        /// Why the next was not.
        #[source]
        source: Box<Self>,
    },
    /// Progress asked to stop.
    #[error("cancelled after {done} of {total} bytes")]
    Cancelled {
        /// Bytes fetched.
        done: u64,
        /// Bytes of all packages.
        total: u64,
    },
}

impl FetchError {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Packages(found) if found.is_cancelled() => Blame::Cancelled,
            Self::Packages(_) | Self::Read { .. } => Blame::Content,
            Self::Partly { source, .. } => source.blame(),
            Self::Twice { .. } => Blame::Request,
            Self::Folder(_) | Self::Io { .. } => Blame::Output,
            Self::Cancelled { .. } => Blame::Cancelled,
        }
    }

    /// What Configuration Manager calls it, where it has a name for it.
    pub fn config_mgr_error(&self) -> Option<ConfigMgrError> {
        match self {
            Self::Packages(missing) => missing.config_mgr_error(),
            Self::Read { source, .. } => ContentError::in_io(source)?.config_mgr_error(),
            Self::Partly { source, .. } => source.config_mgr_error(),
            _ => None,
        }
    }
}

fn named(fetched: &Fetched) -> String {
    let names: Vec<&str> = fetched.packages.iter().map(|package| &*package.content_id).collect();
    names.join(", ")
}

/// How far it is: told after every buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchStep<'a> {
    /// [`Phase::Verify`] while a package is read that is there already, [`Phase::Write`] afterwards.
    pub phase: Phase,
    /// The file's path in its package.
    pub file: &'a ContentPath,
    /// Bytes of it that came.
    pub file_done: u64,
    /// Its length.
    pub file_bytes: u64,
    /// Bytes of all files that came.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

impl FetchStep<'_> {
    /// The bytes of the file among all, as [`Progress::file`](extent_image::Progress::file) takes them.
    pub fn place(&self) -> Range<u64> {
        let start = self.done.saturating_sub(self.file_done);
        start..start.saturating_add(self.file_bytes)
    }
}

/// Fetches packages into folders below `to`, which is made if it is not there: `PS100005.3`, with the
/// files under their names, their times, and read-only where the package says so and the host can.
/// A folder that is there must be empty, or hold the package already, to the last bit. What comes is
/// verified; where a copy is damaged, another is taken.
///
/// # Errors
/// [`FetchError`]
pub fn fetch(
    content: &Content,
    ids: &[PackageId],
    to: &Path,
    progress: &mut dyn FnMut(FetchStep<'_>) -> ControlFlow<()>,
) -> Result<Fetched, FetchError> {
    // A wrong path is the quickest thing to say.
    look_at_folder(to)?;
    let packages = content.find(ids)?;
    let made = make_folder(to)?;
    let fetched = fetch_into(content, &packages, to, progress);
    if made && fetched.is_err() {
        // Only when nothing is in it.
        let _ = fs::remove_dir(to);
    }
    fetched
}

fn fetch_into(
    content: &Content,
    packages: &[FoundPackage],
    to: &Path,
    progress: &mut dyn FnMut(FetchStep<'_>) -> ControlFlow<()>,
) -> Result<Fetched, FetchError> {
    for (at, package) in packages.iter().enumerate() {
        if packages.iter().take(at).any(|other| other.package().id == package.package().id) {
            return Err(FetchError::Twice { id: package.package().id.to_string() });
        }
    }
    let total = packages.iter().map(FoundPackage::bytes).fold(0, u64::saturating_add);
    let mut pass = Pass::new(total, progress);
    let mut targets = Vec::new();
    for package in packages {
        targets.push(target(&mut pass, package, &to.join(package.package().id.to_string()))?);
    }
    if let Some(first) = targets.iter().flatten().next() {
        first.check_space(total.saturating_sub(pass.done))?;
    }
    let mut fetched = Fetched { packages: Vec::new(), events: Vec::new(), warnings: Vec::new() };
    let mut outcome = Ok(());
    pass.phase = Phase::Write;
    for (package, target) in packages.iter().zip(&targets) {
        let about = package.package();
        let path = to.join(about.id.to_string());
        match one(&mut pass, package, target.as_ref(), &path, &mut fetched.warnings) {
            Ok(mut package) => {
                package.came_from = content.came_from(&package.content_id);
                fetched.packages.push(package);
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    fetched.events = packages::events(content);
    fetched.warnings.extend(packages::warnings(&fetched.events));
    match outcome {
        Ok(()) => Ok(fetched),
        Err(error) if fetched.packages.is_empty() => Err(error),
        Err(error) => Err(FetchError::Partly {
            fetched: Box::new(fetched),
            packages: packages.len(),
            source: Box::new(error),
        }),
    }
}

/// The folder of a package; `None` when the package is there already.
fn target(
    pass: &mut Pass<'_>,
    package: &FoundPackage,
    folder: &Path,
) -> Result<Option<Target>, FetchError> {
    let occupied = match Target::look(folder) {
        Ok(target) => return Ok(Some(target)),
        Err(error @ OutputFolderError::Occupied { .. }) => error,
        Err(error) => return Err(error.into()),
    };
    if !folder.is_dir() {
        return Err(occupied.into());
    }
    if looks_kept(package, folder)? && is_kept(pass, package, folder)? {
        return Ok(None);
    }
    let what = "not empty and does not hold this package, whole and nothing else";
    Err(OutputFolderError::Occupied { path: folder.to_path_buf(), what }.into())
}

fn one(
    pass: &mut Pass<'_>,
    package: &FoundPackage,
    target: Option<&Target>,
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<FetchedPackage, FetchError> {
    let about = package.package();
    let digests: HashMap<&ContentPath, Digest> = match target {
        Some(target) => {
            let part = target.create()?;
            let digests = write_package(pass, package, &part.content)?;
            warnings.extend(part.commit(target)?);
            digests
        }
        None => about.files.iter().filter_map(|it| Some((&it.id.path, it.id.digest?))).collect(),
    };
    let hash = about.hash_from(|id: &FileId| digests.get(&id.path).copied());
    Ok(FetchedPackage {
        id: about.id.id().to_owned(),
        content_id: about.content_id.clone(),
        location: package.location().to_owned(),
        came_from: Vec::new(),
        path: path.display().to_string(),
        kept: target.is_none(),
        files: about.files.len() as u64,
        bytes: package.bytes(),
        verified: about.files.iter().all(|file| file.id.digest.is_some()),
        package_hash: hash.map(|hash| hash.to_string()),
    })
}

/// Refuses what can be no folder of packages, before anything is fetched.
fn look_at_folder(to: &Path) -> Result<(), FetchError> {
    let path = || to.to_path_buf();
    if to.is_dir() {
        return Ok(());
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(OutputFolderError::Occupied { path: path(), what: "no folder" }.into());
    }
    let folder = folder_of(to);
    if !folder.is_dir() {
        let folder = folder.to_path_buf();
        return Err(OutputFolderError::NoFolder { path: path(), folder }.into());
    }
    Ok(())
}

/// Makes the folder unless it is there; whether it did.
fn make_folder(to: &Path) -> Result<bool, FetchError> {
    match fs::create_dir(to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && to.is_dir() => Ok(false),
        Err(source) => Err(io_error("create the folder", to, source)),
    }
}

/// Writes what is in a package; the digests of what came.
fn write_package<'p>(
    pass: &mut Pass<'_>,
    package: &'p FoundPackage,
    folder: &Path,
) -> Result<HashMap<&'p ContentPath, Digest>, FetchError> {
    for below in &package.package().folders {
        let path = host_path(folder, below);
        fs::create_dir_all(&path).map_err(|source| io_error("create", &path, source))?;
    }
    let mut digests = HashMap::new();
    for found in package.files() {
        let path = host_path(folder, &found.file().id.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| io_error("create", parent, source))?;
        }
        let mut out = new_file(&path).map_err(|source| io_error("create", &path, source))?;
        let in_write = |source| io_error("write", &path, source);
        let digest = pass.file(found, &mut Sink::File(&mut out, &in_write))?;
        finish_file(&out, found).map_err(in_write)?;
        digests.insert(&found.file().id.path, digest);
    }
    Ok(digests)
}

/// Time and attributes, as far as the host keeps them.
fn finish_file(out: &File, found: &FoundFile) -> io::Result<()> {
    /// `FILE_ATTRIBUTE_READONLY` of Windows.
    const READ_ONLY: u32 = 1;
    let file = found.file();
    if let Some(time) = file.modified.and_then(system_time) {
        out.set_modified(time)?;
    }
    if file.attributes & READ_ONLY != 0 {
        let mut permissions = out.metadata()?.permissions();
        permissions.set_readonly(true);
        out.set_permissions(permissions)?;
    }
    out.sync_all()
}

/// Names in it are single names that lead nowhere else, so this stays below `folder`.
pub(crate) fn host_path(folder: &Path, path: &ContentPath) -> PathBuf {
    path.names().fold(folder.to_path_buf(), |path, name| path.join(name))
}

pub(crate) fn io_error(step: &'static str, path: &Path, source: io::Error) -> FetchError {
    FetchError::Io { step, path: path.to_path_buf(), source }
}

const BUFFER: usize = 1 << 20;

/// Where bytes go.
pub(crate) enum Sink<'a> {
    File(&'a mut File, &'a dyn Fn(io::Error) -> FetchError),
    Nowhere,
}

impl Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        match self {
            Self::File(file, in_write) => file.write_all(bytes).map_err(in_write),
            Self::Nowhere => Ok(()),
        }
    }

    fn start_again(&mut self) -> Result<(), FetchError> {
        match self {
            Self::File(file, in_write) => {
                file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(in_write)?;
                Ok(())
            }
            Self::Nowhere => Ok(()),
        }
    }
}

/// Reading of many files, one after the other.
pub(crate) struct Pass<'a> {
    progress: &'a mut dyn FnMut(FetchStep<'_>) -> ControlFlow<()>,
    phase: Phase,
    done: u64,
    total: u64,
    buffer: Vec<u8>,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(
        total: u64,
        progress: &'a mut dyn FnMut(FetchStep<'_>) -> ControlFlow<()>,
    ) -> Self {
        Self { progress, phase: Phase::Verify, done: 0, total, buffer: vec![0; BUFFER] }
    }

    /// Counts bytes of a file that came, and tells.
    pub(crate) fn came(&mut self, id: &FileId, file_done: u64, count: u64) -> ControlFlow<()> {
        self.done += count;
        (self.progress)(FetchStep {
            phase: self.phase,
            file: &id.path,
            file_done,
            file_bytes: id.len,
            done: self.done,
            total: self.total,
        })
    }

    pub(crate) fn cancelled(&self) -> FetchError {
        FetchError::Cancelled { done: self.done, total: self.total }
    }

    /// Reads a file whole, from another copy again where one is damaged; its digest.
    pub(crate) fn file(
        &mut self,
        found: &FoundFile,
        sink: &mut Sink<'_>,
    ) -> Result<Digest, FetchError> {
        let before = self.done;
        loop {
            let error = match self.once(found, sink) {
                Ok(digest) => return Ok(digest),
                Err(error) => error,
            };
            let another = match &error {
                FetchError::Read { source, .. } => {
                    matches!(ContentError::in_io(source), Some(ContentError::BadCopy { .. }))
                }
                _ => false,
            };
            // Another copy of this file is left, and each round puts one aside, so this ends.
            if !another {
                return Err(error);
            }
            sink.start_again()?;
            self.done = before;
        }
    }

    fn once(&mut self, found: &FoundFile, sink: &mut Sink<'_>) -> Result<Digest, FetchError> {
        let (source, id) = (found.source(), &found.file().id);
        let in_read = |error| FetchError::Read { file: source.describe(), source: error };
        let mut reader = source.open(0).map_err(in_read)?;
        // Where the digest is known, the source has compared it when it gives its last byte.
        let mut hasher = id.digest.is_none().then(Hasher::new);
        let mut file_done = 0;
        loop {
            let count = match reader.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error)
                    if matches!(ContentError::in_io(&error), Some(ContentError::Cancelled)) =>
                {
                    return Err(self.cancelled());
                }
                Err(error) => return Err(in_read(error)),
            };
            let bytes = self.buffer.get(..count).unwrap_or_default();
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
            sink.write(bytes)?;
            file_done += count as u64;
            if let ControlFlow::Break(()) = self.came(id, file_done, count as u64) {
                return Err(self.cancelled());
            }
        }
        if file_done != id.len {
            let what = format!("has {file_done} bytes where {} are due", id.len);
            return Err(in_read(io::Error::new(io::ErrorKind::UnexpectedEof, what)));
        }
        let digest = hasher.map(Hasher::finish).or(id.digest);
        Ok(digest.unwrap_or_else(|| Digest::of(&[])))
    }
}
