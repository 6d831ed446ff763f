//! The file that an image is written to before it gets its name.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use extent_image::host;

use crate::publish::PublishError;
use crate::report::Warning;

/// The name that a finished file gets.
pub(crate) struct Slot {
    pub(crate) path: PathBuf,
    /// The mode of the file that is replaced.
    pub(crate) old: Option<fs::Permissions>,
    pub(crate) replace: bool,
}

/// `.<name>.capmedia-part` beside the target, locked while this value lives, removed with it unless
/// committed.
pub(crate) struct PartFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) slot: Slot,
}

impl PartFile {
    pub(crate) fn create(slot: Slot) -> Result<Self, PublishError> {
        let mut name = OsString::from(".");
        name.push(slot.path.file_name().unwrap_or_default());
        name.push(".capmedia-part");
        let path = folder_of(&slot.path).join(name);
        let refused = |source| io_error("create", &path, source);
        // Each round lost means that another run has just finished or died.
        for _ in 0..100 {
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Another run's, or that of one that died. Never what a link leads to.
                    let regular = fs::symlink_metadata(&path).map(|metadata| metadata.is_file());
                    if matches!(regular, Ok(false)) {
                        let what = "in the way of the temporary file and no file; remove it";
                        return Err(PublishError::NotAFile { path, what });
                    }
                    match OpenOptions::new().write(true).open(&path) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        opened => opened.map_err(refused)?,
                    }
                }
                created => created.map_err(refused)?,
            };
            // Where a file system has no locks, two runs on one target are the operator's affair.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(PublishError::Busy { path: slot.path });
            }
            // Between opening and locking, its owner may have renamed it into place: writing to it
            // now would destroy a finished image.
            if host::is_same_file(&file, &path).map_err(refused)? {
                // A dead run's part gives its room back before anybody asks how much there is.
                if file.metadata().map_err(refused)?.len() > 0 {
                    file.set_len(0).map_err(refused)?;
                }
                return Ok(Self { file, path, slot });
            }
        }
        Err(PublishError::Busy { path: slot.path })
    }

    /// Makes the bytes durable and gives them their name.
    pub(crate) fn commit(self, warnings: &mut Vec<Warning>) -> Result<(), PublishError> {
        let Slot { path: target, old, replace } = &self.slot;
        if let Some(mode) = old {
            let kept = self.file.set_permissions(mode.clone());
            kept.map_err(|source| io_error("set the mode of", &self.path, source))?;
        }
        self.file.sync_all().map_err(|source| io_error("flush", &self.path, source))?;
        let named = if *replace {
            fs::rename(&self.path, target)
        } else {
            // Unlike a rename, a link never replaces what has come there meanwhile.
            match fs::hard_link(&self.path, target) {
                Ok(()) => fs::remove_file(&self.path),
                Err(_) if target.symlink_metadata().is_ok() => {
                    return Err(PublishError::Exists { path: target.clone() });
                }
                // Not every file system has links.
                Err(_) => fs::rename(&self.path, target),
            }
        };
        named.map_err(|source| io_error("give the finished file the name", target, source))?;
        let folder = folder_of(target);
        if let Err(error) = host::sync_folder(folder) {
            warnings.push(Warning::new(format!(
                "{} is whole, but its name could not be made durable in {}: {error}",
                target.display(),
                folder.display()
            )));
        }
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // After a commit the name is gone, or belongs to a run that came later.
        if host::is_same_file(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The folder that holds `path`; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

pub(crate) fn io_error(step: &'static str, path: &Path, source: io::Error) -> PublishError {
    PublishError::Io { step, path: path.to_path_buf(), source }
}
