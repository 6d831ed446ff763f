//! A folder that gets its name, or its content, when all of that is there.
//!
//! A new folder is made in `.<name>.capmedia-part` beside it; one that exists is kept, with its mode
//! and owner, and filled from a `.capmedia-part` inside, which is on its file system whatever is
//! mounted there. The folder in the making holds `content` and a locked `lock`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use extent_image::host;

use crate::publish::part_file::{PART, folder_of, part_of};
use crate::report::Warning;
use crate::windows_name;

/// A folder cannot be filled. It is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputFolderError {
    /// The folder that is to hold the new one is not there.
    #[error("the folder {} for {} does not exist; create it first", folder.display(), path.display())]
    NoFolder {
        /// The new folder.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// There is something already.
    #[error("{} is {what}; give a new or an empty folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Another run writes to the same folder. Where a file system has no locks, it may have died.
    #[error("another run is writing {}; wait for it, or remove this when there is none", path.display())]
    Busy {
        /// The folder in the making.
        path: PathBuf,
    },
    /// The file system of the folder is too small.
    #[error("{} needs {needed} bytes and its file system has {free} free; make room", path.display())]
    NoSpace {
        /// The folder.
        path: PathBuf,
        /// Bytes to be stored.
        needed: u64,
        /// Bytes there are.
        free: u64,
    },
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
}

fn io_error(step: &'static str, path: &Path, source: io::Error) -> OutputFolderError {
    OutputFolderError::Io { step, path: path.to_path_buf(), source }
}

/// The folder that is to be filled.
pub(crate) struct Target {
    path: PathBuf,
    exists: bool,
}

impl Target {
    pub(crate) fn look(to: &Path) -> Result<Self, OutputFolderError> {
        let exists = match fs::symlink_metadata(to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(io_error("look at", to, source)),
            Ok(_) => true,
        };
        if !exists {
            if to.file_name().is_none() {
                return Err(occupied(to, "no name for a folder"));
            }
            if let Some(what) = windows_name::fault(to) {
                return Err(occupied(to, what));
            }
            let folder = folder_of(to);
            if !folder.is_dir() {
                let (path, folder) = (to.to_path_buf(), folder.to_path_buf());
                return Err(OutputFolderError::NoFolder { path, folder });
            }
            return Ok(Self { path: to.to_path_buf(), exists });
        }
        // The folder itself is filled, not a link to it.
        let path = if to.is_symlink() { fs::canonicalize(to) } else { Ok(to.to_path_buf()) };
        let path = path.map_err(|source| io_error("look at", to, source))?;
        if !path.is_dir() {
            return Err(occupied(to, "no folder"));
        }
        let entries = fs::read_dir(&path).map_err(|source| io_error("read", to, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| io_error("read", to, source))?;
            // That of a run that died; of one that does not, its lock tells.
            if entry.file_name() != PART {
                return Err(occupied(to, "not empty"));
            }
        }
        Ok(Self { path, exists })
    }

    /// The name that nothing in the folder may have.
    pub(crate) fn reserved(&self) -> Option<&'static str> {
        self.exists.then_some(PART)
    }

    pub(crate) fn check_space(&self, needed: u64) -> Result<(), OutputFolderError> {
        let folder = if self.exists { &self.path } else { folder_of(&self.path) };
        match host::free_space(folder) {
            Ok(Some(free)) if needed > free => {
                Err(OutputFolderError::NoSpace { path: self.path.clone(), needed, free })
            }
            _ => Ok(()),
        }
    }

    /// The folder in the making, that of a run that died if it is there.
    pub(crate) fn create(&self) -> Result<PartFolder, OutputFolderError> {
        let path = if self.exists { self.path.join(PART) } else { part_of(&self.path) };
        let refused = |source| io_error("create", &path, source);
        // Each round lost means that another run has just finished or died.
        for _ in 0..100 {
            let fresh = match fs::create_dir(&path) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(source) => return Err(refused(source)),
            };
            // Never what a link leads to.
            if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
                return Err(occupied(&path, "in the way of the temporary folder and no folder"));
            }
            let lock = path.join(LOCK);
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
            let file = match file {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(refused)?,
            };
            match file.try_lock() {
                Ok(()) => {}
                // Where a file system has no locks, nothing tells a run from one that died.
                Err(TryLockError::Error(_)) if fresh => {}
                Err(_) => return Err(OutputFolderError::Busy { path }),
            }
            // Between opening and locking, its owner may have finished.
            if !host::is_same_file(&file, &lock).map_err(refused)? {
                continue;
            }
            let (content, lock) = (path.join(CONTENT), Some(file));
            let part = PartFolder { content, path, lock, done: false };
            part.clear().map_err(|source| io_error("remove", &part.content, source))?;
            let created = fs::create_dir(&part.content);
            created.map_err(|source| io_error("create", &part.content, source))?;
            return Ok(part);
        }
        Err(OutputFolderError::Busy { path })
    }
}

const LOCK: &str = "lock";
const CONTENT: &str = "content";

fn occupied(path: &Path, what: &'static str) -> OutputFolderError {
    OutputFolderError::Occupied { path: path.to_path_buf(), what }
}

/// The folder in the making, removed unless committed.
pub(crate) struct PartFolder {
    /// What is to be in the folder.
    pub(crate) content: PathBuf,
    path: PathBuf,
    /// There until the end.
    lock: Option<File>,
    done: bool,
}

impl PartFolder {
    pub(crate) fn commit(mut self, target: &Target) -> Result<Vec<Warning>, OutputFolderError> {
        let path = &target.path;
        if target.exists {
            self.move_up(path)?;
        } else {
            host::rename(&self.content, path)
                .map_err(|source| io_error("give the finished folder the name", path, source))?;
        }
        self.done = true;
        let folder = if target.exists { path } else { folder_of(path) };
        let unsynced = host::sync_folder(folder).err().map(|error| {
            Warning::new(format!(
                "{} is whole, but its names could not be made durable in {}: {error}",
                path.display(),
                folder.display()
            ))
        });
        Ok(unsynced.into_iter().collect())
    }

    /// Moves the content into the folder `to`, all of it or nothing.
    fn move_up(&self, to: &Path) -> Result<(), OutputFolderError> {
        let entries = fs::read_dir(&self.content).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|source| io_error("read", &self.content, source))?;
        let mut moved = Vec::new();
        for entry in entries {
            let place = to.join(entry.file_name());
            // A rename replaces what came there meanwhile.
            let named = match fs::symlink_metadata(&place) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => host::rename(&entry.path(), &place),
            };
            if let Err(source) = named {
                for (from, place) in &moved {
                    let _ = fs::rename(place, from);
                }
                return Err(io_error("give a finished file the name", &place, source));
            }
            moved.push((entry.path(), place));
        }
        Ok(())
    }

    fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.content) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl Drop for PartFolder {
    fn drop(&mut self) {
        let cleared = if self.done { fs::remove_dir(&self.content) } else { self.clear() };
        let _ = cleared;
        // Our lock goes last, and with it the right to anything here.
        let (lock, name) = (self.lock.take(), self.path.join(LOCK));
        if lock.as_ref().is_some_and(|lock| host::is_same_file(lock, &name).unwrap_or(false)) {
            let _ = fs::remove_file(&name);
            // On Windows its name may stay until it is closed. A run that takes the folder over now
            // either keeps it by its own lock or finds it gone, and makes it anew.
            drop(lock);
            let _ = fs::remove_dir(&self.path);
        }
    }
}
