//! A folder that keeps content once it came: the second medium costs no traffic.
//!
//! ```text
//! <folder>/CACHEDIR.TAG               says that the folder is one of these
//! <folder>/<HASH[0:4]>/<HASH>         a file, under its SHA-256 in upper case, as in FileLib
//! <folder>/<HASH[0:4]>/.<HASH>.capmedia-part   one that is coming, locked by the run that writes it
//! ```
//!
//! A file gets its name when all of it came and had its digest; a large one when it was flushed, too.
//! Whoever reads a file holds a shared lock, whoever removes it an exclusive one, so any number of runs may use one folder. When
//! a file was last used is its modification time: many file systems keep no time of access.
//!
//! What goes wrong here ends no run: the content is at its location still. It becomes a warning.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use extent_image::{Digest, host};

/// A cache of content, by digest. Clones are one cache.
#[derive(Debug, Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    limit: u64,
    state: Mutex<State>,
    /// Held by whoever looks at all entries and removes some: one thread at a time is enough.
    looking: Mutex<()>,
}

#[derive(Debug)]
struct State {
    /// Bytes of all entries, by the last look and what this run did since; before the first look
    /// nothing.
    known: Option<u64>,
    /// Bytes that this run is about to add.
    coming: u64,
    /// Bytes that this run added since the last look, in which others may have added some too.
    added: u64,
    /// Bytes that must stay free on the file system.
    leave_free: u64,
    /// Why this run writes nothing more: that was told, and is not told for each of many files.
    off: bool,
    warnings: Vec<String>,
}

/// A folder cannot be the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The folder cannot be made or used.
    #[error("cannot {step} {}, which is to be the cache", path.display())]
    Io {
        /// What could not be done.
        step: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds something else, which would be removed when room is needed.
    #[error(
        "{} is not empty and no cache of capmedia; give a folder that is new, empty or one that \
         capmedia has made",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Two runs could not share it.
    #[error(
        "the file system of {} has no locks, and a cache needs them; give a folder on another",
        path.display()
    )]
    NoLocks {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// In a folder with this file nothing is precious, for backup programs too: bford.info/cachedir.
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
                        # A cache of capmedia. It may be deleted when no run uses it.\n";
const PART: &str = ".capmedia-part";
/// Digits of the digest that name the folder of an entry.
const PREFIX: usize = 4;

impl Cache {
    /// The limit where none is given: 20 GiB, some dozens of boot images.
    pub const DEFAULT_LIMIT: u64 = 20 << 30;

    /// Longest file that is not flushed when it has come, 1 MiB: a flush for each of many small files
    /// takes longer than fetching them.
    pub const UNFLUSHED: u64 = 1 << 20;

    /// What is left free on the file system where nothing is said: 1 GiB.
    pub const DEFAULT_LEAVE_FREE: u64 = 1 << 30;

    /// The cache in `folder`, which is made where it is not there; for its owner alone then, where
    /// the system can say so, because distribution points do not give content to everybody. The files
    /// in it have `limit` bytes at most; several runs at once may each add a sixteenth to that
    /// before they see each other's.
    ///
    /// # Errors
    /// [`CacheError`]
    pub fn open(folder: &Path, limit: u64) -> Result<Self, CacheError> {
        let io_error =
            |step, path: &Path, source| CacheError::Io { step, path: path.to_path_buf(), source };
        create_private(folder).map_err(|source| io_error("create", folder, source))?;
        let tag = folder.join(TAG);
        match fs::read(&tag) {
            Ok(text) if text == TAG_TEXT.as_bytes() => {}
            Ok(_) => return Err(CacheError::Occupied { path: folder.to_path_buf() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_tag(folder, &tag)?;
            }
            Err(source) => return Err(io_error("read", &tag, source)),
        }
        let file = File::open(&tag).map_err(|source| io_error("open", &tag, source))?;
        if let Err(TryLockError::Error(source)) = file.try_lock_shared() {
            return Err(CacheError::NoLocks { path: folder.to_path_buf(), source });
        }
        let state = State {
            known: None,
            coming: 0,
            added: 0,
            leave_free: Self::DEFAULT_LEAVE_FREE,
            off: false,
            warnings: Vec::new(),
        };
        let inner = Inner {
            folder: folder.to_path_buf(),
            limit,
            state: Mutex::new(state),
            looking: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Keeps nothing more where fewer than `bytes` would then be free on the file system: an image may
    /// have to go there too. Default: [`DEFAULT_LEAVE_FREE`](Self::DEFAULT_LEAVE_FREE).
    pub fn leave_free(&self, bytes: u64) {
        self.inner.state().leave_free = bytes;
    }

    /// The file with this digest and length, at its start, if it is there; nobody removes it while
    /// this is open. **It may have been damaged since it came**, and one of at most
    /// [`UNFLUSHED`](Self::UNFLUSHED) bytes by a crash when it came: hash what is read, and
    /// [`discard`](Self::discard) it when it is not what it should be.
    pub fn get(&self, digest: &Digest, len: u64) -> Option<File> {
        let path = self.inner.path(digest);
        let file = open_entry(&path)?;
        // Locked by one who removes it, or has just made it.
        file.try_lock_shared().ok()?;
        if file.metadata().ok()?.len() != len {
            drop(file);
            self.discard(digest);
            return None;
        }
        // That it was used now. Where another's file cannot be marked, it goes a little earlier.
        let _ = file.set_modified(SystemTime::now());
        Some(file)
    }

    /// Removes a file that is not what it should be; not while others read it, who will find out for
    /// themselves. Whether it is gone.
    pub fn discard(&self, digest: &Digest) -> bool {
        let path = self.inner.path(digest);
        match remove_unused(&path) {
            Some(len) => {
                let mut state = self.inner.state();
                state.known = state.known.map(|known| known.saturating_sub(len));
                true
            }
            None => path.symlink_metadata().is_err(),
        }
    }

    /// Takes a file in while it comes. Nothing when it is there already, is too large, there is no
    /// room, or another run is taking it in.
    pub fn writer(&self, digest: &Digest, len: u64) -> Option<CacheWriter> {
        if self.inner.state().off || len > self.inner.limit {
            return None;
        }
        let path = self.inner.path(digest);
        // Of a small one that is damaged nobody may have heard yet: it makes way.
        let hashed = |file: File| digest_of(&file, len).is_ok_and(|found| found == *digest);
        if len <= Self::UNFLUSHED {
            match self.get(digest, len).map(hashed) {
                Some(true) => return None,
                Some(false) if !self.discard(digest) => return None,
                Some(false) => {
                    let text = format!("{} was damaged; it was removed there", path.display());
                    self.inner.state().warnings.push(text);
                }
                None => {}
            }
        } else if is_entry(&path, len) {
            return None;
        }
        if !self.inner.make_room(len) {
            return None;
        }
        let part = match Part::create(&self.inner, &path) {
            Ok(part) => part?,
            Err(error) => {
                self.inner.trouble(&path, &error);
                return None;
            }
        };
        // It may have come between the look and the lock.
        if is_entry(&path, len) {
            return None;
        }
        let mut state = self.inner.state();
        state.coming = state.coming.saturating_add(len);
        drop(state);
        let room = Room { inner: Arc::clone(&self.inner), len };
        Some(CacheWriter { part: Some(part), path, digest: *digest, len, written: 0, room })
    }

    /// What went wrong since this was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.state().warnings)
    }
}

/// A file that comes into the cache. Dropped before [`commit`](Self::commit), it leaves nothing.
#[derive(Debug)]
#[must_use]
pub struct CacheWriter {
    /// Nothing once the cache has failed.
    part: Option<Part>,
    path: PathBuf,
    digest: Digest,
    len: u64,
    written: u64,
    room: Room,
}

/// Room that was set aside.
#[derive(Debug)]
struct Room {
    inner: Arc<Inner>,
    len: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        state.coming = state.coming.saturating_sub(self.len);
    }
}

impl CacheWriter {
    /// The next bytes. Where the cache takes no more, a full disk say, that becomes a warning, and
    /// the file is not kept.
    pub fn write(&mut self, bytes: &[u8]) {
        let Some(part) = &mut self.part else { return };
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(count);
        let written = if self.written > self.len {
            // More than the file has: it cannot be the file, and the room is for that.
            None
        } else {
            match part.file.write_all(bytes) {
                Ok(()) => Some(()),
                Err(error) => {
                    self.room.inner.trouble(&part.path, &error);
                    None
                }
            }
        };
        if written.is_none() {
            self.part = None;
        }
    }

    /// Keeps the file if all of it came and `found`, the digest of what came, is its own. Whether it
    /// is kept.
    pub fn commit(mut self, found: &Digest) -> bool {
        let Some(part) = self.part.take() else { return false };
        if self.written != self.len || *found != self.digest {
            return false;
        }
        // A crash may forget the name, but never leave it to a large file that is not whole.
        let flushed = if self.len > Cache::UNFLUSHED { part.file.sync_data() } else { Ok(()) };
        match flushed.and_then(|()| fs::rename(&part.path, &self.path)) {
            Ok(()) => {
                let mut state = self.room.inner.state();
                state.known = state.known.map(|known| known.saturating_add(self.len));
                state.added = state.added.saturating_add(self.len);
                true
            }
            // Windows does not replace what is open; then it is there.
            Err(_) if is_entry(&self.path, self.len) => true,
            Err(error) => {
                self.room.inner.trouble(&part.path, &error);
                false
            }
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers and texts: none is left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string().to_ascii_uppercase();
        let folder = name.get(..PREFIX).unwrap_or_default();
        self.folder.join(folder).join(&name)
    }

    /// Notes what went wrong and writes nothing more in this run.
    fn trouble(&self, path: &Path, error: &io::Error) {
        let path = path.display();
        self.warn(format!(
            "the cache cannot keep {path}: {error}; this run goes on without adding to it"
        ));
    }

    /// The same where the words are known.
    fn warn(&self, text: String) {
        let mut state = self.state();
        if !state.off {
            state.off = true;
            state.warnings.push(text);
        }
    }

    /// Whether `len` bytes more fit, by what is known.
    fn fits(&self, len: u64) -> bool {
        let state = self.state();
        let fits = state.known.is_some_and(|known| {
            known.saturating_add(state.coming).saturating_add(len) <= self.limit
        });
        fits && state.added <= self.limit / 16
    }

    /// Removes what was not used for longest until `len` bytes more fit. False when they do not.
    fn make_room(&self, len: u64) -> bool {
        if !self.fits(len) {
            let _one_looks = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
            // Another may have made room meanwhile.
            if !self.fits(len) && !self.look_and_remove(len) {
                return false;
            }
        }
        let leave_free = self.state().leave_free;
        match host::free_space(&self.folder) {
            Ok(Some(free)) if free.saturating_sub(len) < leave_free => {
                self.warn(format!(
                    "the cache {} adds nothing more in this run: its file system has {free} bytes \
                     free, of which {leave_free} are left free; make room",
                    self.folder.display()
                ));
                false
            }
            _ => true,
        }
    }

    /// Files come meanwhile: nothing here waits for a disk while it holds the state.
    fn look_and_remove(&self, len: u64) -> bool {
        let added_before = self.state().added;
        let mut entries = match self.entries() {
            Ok(entries) => entries,
            Err(error) => {
                self.trouble(&self.folder, &error);
                return false;
            }
        };
        let mut known = entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.len));
        let needed = self.state().coming.saturating_add(len);
        if known.saturating_add(needed) > self.limit {
            // Some more than is needed, or each of many small files would make us look again.
            let keep = self.limit.saturating_sub(needed).min(self.limit / 16 * 15);
            entries.sort_by_key(|entry| entry.used);
            for entry in entries {
                if known <= keep {
                    break;
                }
                known = known.saturating_sub(remove_unused(&entry.path).unwrap_or(0));
            }
        }
        let mut state = self.state();
        // What came while we looked may be counted twice, but never not at all.
        state.added = state.added.saturating_sub(added_before);
        let known = known.saturating_add(state.added);
        state.known = Some(known);
        known.saturating_add(state.coming).saturating_add(len) <= self.limit
    }

    /// All files of the cache. Those that a run left half written when it died are removed.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            let name = folder.file_name();
            let Some(prefix) = name.to_str().filter(|name| is_hash(name, PREFIX)) else { continue };
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let file = file?;
                let name = file.file_name();
                let Some(name) = name.to_str() else { continue };
                let part = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART));
                let hash = part.unwrap_or(name);
                if !is_hash(hash, 64) || !hash.starts_with(prefix) {
                    continue;
                }
                let path = file.path();
                if part.is_some() {
                    // Of a run that lives, its lock tells.
                    let _ = remove_unused(&path);
                    continue;
                }
                // One that another run has just removed is no entry.
                let Ok(metadata) = file.metadata() else { continue };
                if metadata.is_file() {
                    entries.push(Entry { path, len: metadata.len(), used: used(&metadata) });
                }
            }
        }
        Ok(entries)
    }
}

struct Entry {
    path: PathBuf,
    len: u64,
    used: SystemTime,
}

fn used(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn is_hash(name: &str, digits: usize) -> bool {
    name.len() == digits && name.bytes().all(|c| matches!(c, b'0'..=b'9' | b'A'..=b'F'))
}

/// A file that is coming: locked, and removed unless it got its name.
#[derive(Debug)]
struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    /// `None` when another run has it.
    fn create(inner: &Inner, entry: &Path) -> io::Result<Option<Self>> {
        let (Some(folder), Some(name)) = (entry.parent(), entry.file_name()) else {
            return Ok(None);
        };
        let path = folder.join(format!(".{}{PART}", name.to_string_lossy()));
        // Each round lost means that another run has just finished or died.
        for _ in 0..16 {
            let created = OpenOptions::new().write(true).create_new(true).open(&path);
            let file = match created {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&inner.folder)?;
                    match fs::create_dir(folder) {
                        // Made by another run. Where it is a file, Windows calls what is below it not
                        // found as well.
                        Err(error) if !folder.is_dir() => return Err(error),
                        _ => continue,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if remove_unused(&path).is_none() && path.symlink_metadata().is_ok() {
                        return Ok(None);
                    }
                    continue;
                }
                created => created?,
            };
            match file.try_lock() {
                Ok(()) => {}
                // Taken for one that was left, before it was locked.
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if host::is_same_file(&file, &path)? {
                return Ok(Some(Self { file, path }));
            }
        }
        Ok(None)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After a commit the name is gone, or belongs to a run that came later.
        if host::is_same_file(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a file of this length is there; never what a link leads to.
fn is_entry(path: &Path, len: u64) -> bool {
    path.symlink_metadata().is_ok_and(|there| there.is_file() && there.len() == len)
}

/// The digest of a file of `len` bytes.
fn digest_of(file: &File, len: u64) -> io::Result<Digest> {
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(Digest::of(&bytes))
}

/// Opens a file for reading; also for its time to be set, where that is allowed. Never what a link
/// leads to.
fn open_entry(path: &Path) -> Option<File> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let for_both = OpenOptions::new().read(true).write(true).open(path);
    for_both.or_else(|_| File::open(path)).ok()
}

/// Removes a file that no run holds a lock on; its length, or `None` when it is still there or was
/// gone before.
fn remove_unused(path: &Path) -> Option<u64> {
    let file = open_entry(path)?;
    file.try_lock().ok()?;
    let len = file.metadata().ok()?.len();
    // Between opening and locking it may have got another name, and another come in its place.
    if !host::is_same_file(&file, path).ok()? {
        return None;
    }
    fs::remove_file(path).ok().map(|()| len)
}

fn create_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty folder a cache.
fn make_tag(folder: &Path, tag: &Path) -> Result<(), CacheError> {
    let io_error =
        |step, path: &Path, source| CacheError::Io { step, path: path.to_path_buf(), source };
    let mut entries = fs::read_dir(folder).map_err(|source| io_error("read", folder, source))?;
    // A second run may make the same folder a cache at the same time, and have the tag already.
    let strange = entries.find_map(|entry| match entry {
        Ok(entry) => (!entry.file_name().to_string_lossy().contains(TAG)).then_some(Ok(())),
        Err(error) => Some(Err(error)),
    });
    match strange {
        None => {}
        // A run that made it a cache since we looked may have put content there, too.
        Some(Ok(())) if has_tag(tag) => return Ok(()),
        Some(Ok(())) => return Err(CacheError::Occupied { path: folder.to_path_buf() }),
        Some(Err(source)) => return Err(io_error("read", folder, source)),
    }
    // Never a tag that is half written: another run would refuse the folder.
    let part = folder.join(format!(".{TAG}.{}", std::process::id()));
    let made = fs::write(&part, TAG_TEXT).and_then(|()| fs::rename(&part, tag));
    if let Err(source) = made {
        let _ = fs::remove_file(&part);
        // A run beside this one may have been first, where nothing replaces an open file.
        if !has_tag(tag) {
            return Err(io_error("create", tag, source));
        }
    }
    Ok(())
}

fn has_tag(tag: &Path) -> bool {
    fs::read(tag).is_ok_and(|text| text == TAG_TEXT.as_bytes())
}

#[cfg(test)]
mod tests;
