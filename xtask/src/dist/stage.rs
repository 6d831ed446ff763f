//! A folder with what goes into a package: modes and times as they will be, whatever this machine
//! would make of them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};

use super::{Release, build};

pub(super) struct Stage {
    folder: tempfile::TempDir,
    root: PathBuf,
}

impl Stage {
    pub(super) fn new(release: &Release<'_>) -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, root: release.context.root().to_path_buf() })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The repository's root folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn put(&self, path: &str, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        let path = self.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(set_mode(&path, mode)?)
    }

    pub(super) fn copy(&self, from: &Path, path: &str, mode: u32) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.put(path, bytes, mode)
    }

    /// The files of the guide, by name.
    pub(super) fn docs(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut docs = Vec::new();
        for file in fs::read_dir(self.root.join("docs"))? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "md" || extension == "svg") {
                docs.push((name_of(&path)?, path));
            }
        }
        docs.sort();
        Ok(docs)
    }

    /// All files, sorted, from the folder.
    pub(super) fn files(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        self.walk(self.path(), &mut |path| {
            if path.is_file() {
                let path = path.strip_prefix(self.path())?;
                files.push(path.to_str().context("a name that is no text")?.to_owned());
            }
            Ok(())
        })?;
        files.sort();
        Ok(files)
    }

    /// Everything in the folder, and itself last.
    fn walk(&self, folder: &Path, each: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { self.walk(&path, each)? } else { each(&path)? }
        }
        each(folder)
    }

    /// Gives folders their mode and everything the time of the release, and looks for what must not be
    /// in it.
    pub(super) fn seal(&self, release: &Release<'_>) -> Result<()> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(release.epoch);
        let forbidden = build::forbidden(release.context)?;
        self.walk(self.path(), &mut |path| {
            if path.is_dir() {
                set_mode(path, 0o755)?;
            } else {
                let bytes = fs::read(path)?;
                if let Some(text) = forbidden.iter().find(|text| holds(&bytes, text)) {
                    bail!("{} holds {text:?}, which is of this machine", path.display());
                }
            }
            Ok(File::open(path)?.set_modified(time)?)
        })
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Err(io::Error::other("packages are made on Linux"))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    let Some((first, rest)) = text.split_first() else { return false };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = left.get(at + 1..).unwrap_or_default();
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

/// The name of a file.
pub(super) fn name_of(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has no name", path.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_bytes() {
        assert!(holds(b"ab/root/x", "/root") && holds(b"aab", "ab") && holds(b"x", "x"));
        assert!(!holds(b"/roo", "/root") && !holds(b"", "a") && !holds(b"a", ""));
    }
}
