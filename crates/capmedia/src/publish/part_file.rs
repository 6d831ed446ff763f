//! The file that an image is written to before it gets its name.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use extent_image::host;

use crate::publish::error::PublishError;
use crate::report::Warning;

/// The name that a finished file gets.
pub(crate) struct Slot {
    pub(crate) path: PathBuf,
    /// The mode of the file that is replaced.
    pub(crate) old: Option<fs::Permissions>,
    pub(crate) replace: bool,
    /// Whether the file is for its owner alone, where the system can say so.
    pub(crate) private: bool,
}

impl Slot {
    /// The mode of a file that takes the place of one with this mode.
    fn kept(&self, old: &fs::Permissions) -> fs::Permissions {
        #[cfg(unix)]
        if self.private {
            use std::os::unix::fs::PermissionsExt;
            // What all could read of the old file, they may not of this one.
            return fs::Permissions::from_mode(old.mode() & 0o700);
        }
        old.clone()
    }
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
        let path = part_of(&slot.path);
        let refused = |source| io_error("create", &path, source);
        let is_denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        let mut patience = 20;
        // Each round lost means that another run has just finished or died.
        for _ in 0..100 {
            let file = match new_file(slot.private).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Another run's, or that of one that died.
                    match remove_stale(&path).map_err(refused)? {
                        Stale::Removed => continue,
                        Stale::Locked => return Err(PublishError::Busy { path: slot.path }),
                        Stale::NotAFile => {
                            let what = "in the way of the temporary file and no file; remove it";
                            return Err(PublishError::NotAFile { path, what });
                        }
                    }
                }
                // On Windows, what was just removed goes when the last one closes it.
                Err(error) if is_denied(&error) && cfg!(windows) && patience > 0 => {
                    patience -= 1;
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
                created => created.map_err(refused)?,
            };
            // Where a file system has no locks, two runs on one target are the operator's affair.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(PublishError::Busy { path: slot.path });
            }
            // Before it was locked, another run may have taken it for one that was left.
            if host::is_same_file(&file, &path).map_err(refused)? {
                return Ok(Self { file, path, slot });
            }
        }
        Err(PublishError::Busy { path: slot.path })
    }

    /// Makes the bytes durable.
    pub(crate) fn seal(&self) -> Result<(), PublishError> {
        if let Some(mode) = &self.slot.old {
            let kept = self.file.set_permissions(self.slot.kept(mode));
            kept.map_err(|source| io_error("set the mode of", &self.path, source))?;
        }
        self.file.sync_all().map_err(|source| io_error("flush", &self.path, source))
    }

    /// Gives the bytes, which are sealed, their name.
    pub(crate) fn commit(&self, warnings: &mut Vec<Warning>) -> Result<(), PublishError> {
        let Slot { path: target, replace, .. } = &self.slot;
        let named = if *replace {
            host::rename(&self.path, target)
        } else {
            // Unlike a rename, a link never replaces what has come there meanwhile.
            match fs::hard_link(&self.path, target) {
                Ok(()) => {
                    // It is in place; that its old name is there too does no harm.
                    if let Err(error) = fs::remove_file(&self.path) {
                        warnings.push(Warning::new(format!(
                            "{} is in place, but its temporary name could not be removed: {error}; \
                             delete {}",
                            target.display(),
                            self.path.display()
                        )));
                    }
                    Ok(())
                }
                Err(_) if target.symlink_metadata().is_ok() => {
                    return Err(PublishError::Exists { path: target.clone() });
                }
                // Not every file system has links.
                Err(_) => host::rename(&self.path, target),
            }
        };
        // So Windows answers when the old file is open.
        let in_use = |error: &io::Error| {
            cfg!(windows) && *replace && error.kind() == io::ErrorKind::PermissionDenied
                || host::check_replaceable(target).is_err()
        };
        named.map_err(|source| match in_use(&source) {
            true => PublishError::InUse { path: target.clone(), source },
            false => io_error("give the finished file the name", target, source),
        })?;
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

    /// Takes a name back that was given where there was none. False when it replaced a file.
    pub(crate) fn take_back(&self) -> bool {
        let target = &self.slot.path;
        let ours =
            self.slot.old.is_none() && host::is_same_file(&self.file, target).unwrap_or(false);
        ours && fs::remove_file(target).is_ok()
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

fn new_file(private: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options
}

/// Behind a dot and the name of a file or folder in the making.
pub(crate) const PART: &str = ".capmedia-part";

/// Where what will be `path` is made.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(PART);
    folder_of(path).join(name)
}

/// The name of what is made under `part`.
pub(crate) fn name_of_part(part: &OsStr) -> Option<&str> {
    part.to_str()?.strip_prefix('.')?.strip_suffix(PART)
}

/// A part file that this run did not make.
pub(crate) enum Stale {
    /// There is none any more.
    Removed,
    /// A run is writing it.
    Locked,
    /// It is none.
    NotAFile,
}

/// Removes the part file of a run that died. Its bytes are left alone: a run that died while it gave
/// the finished file its name leaves two names of one file.
pub(crate) fn remove_stale(part: &Path) -> io::Result<Stale> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs::symlink_metadata(part) {
        Err(error) if gone(&error) => return Ok(Stale::Removed),
        // Never what a link leads to.
        metadata if !metadata.as_ref().is_ok_and(fs::Metadata::is_file) => {
            return metadata.map(|_| Stale::NotAFile);
        }
        _ => {}
    }
    let file = match OpenOptions::new().write(true).open(part) {
        Err(error) if gone(&error) => return Ok(Stale::Removed),
        opened => opened?,
    };
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Ok(Stale::Locked);
    }
    // Between opening and locking, its owner may have given it its name, and another run begun.
    if host::is_same_file(&file, part)? {
        match fs::remove_file(part) {
            Err(error) if gone(&error) => {}
            removed => removed?,
        }
    }
    Ok(Stale::Removed)
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
