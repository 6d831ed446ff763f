//! A folder of boot files on this machine: media that was made elsewhere, the `media` and `fwfiles`
//! folders that the Windows ADK's `copype` makes, or loose files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Finds files by paths written as Windows writes them, ignoring case.
pub(crate) struct Folder<'a> {
    root: &'a Path,
}

impl<'a> Folder<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root }
    }

    pub(crate) fn path(&self) -> &'a Path {
        self.root
    }

    /// The file at `path`, whose names are separated by `\`. Of names that differ only in case the
    /// first in byte order is taken.
    pub(crate) fn find(&self, path: &str) -> io::Result<Option<PathBuf>> {
        Ok(self.resolve(path)?.filter(|found| found.is_file()))
    }

    /// The files in the folder at `path` whose names end in `suffix`, by name. The empty path is this
    /// folder.
    pub(crate) fn files_in(&self, path: &str, suffix: &str) -> io::Result<Vec<PathBuf>> {
        let Some(folder) = self.resolve(path)?.filter(|found| found.is_dir()) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let long_enough = name.len().checked_sub(suffix.len());
            let ends = long_enough.and_then(|at| name.get(at..));
            if ends.is_some_and(|end| end.eq_ignore_ascii_case(suffix)) && path.is_file() {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    fn resolve(&self, path: &str) -> io::Result<Option<PathBuf>> {
        let mut at = self.root.to_path_buf();
        for name in path.split('\\').filter(|name| !name.is_empty()) {
            if !at.is_dir() {
                return Ok(None);
            }
            let mut matching = Vec::new();
            for entry in fs::read_dir(&at)? {
                let entry = entry?.file_name();
                if entry.to_str().is_some_and(|entry| entry.eq_ignore_ascii_case(name)) {
                    matching.push(entry);
                }
            }
            matching.sort();
            match matching.into_iter().next() {
                Some(entry) => at.push(entry),
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_whatever_their_case() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("Media/BOOT/Fonts")).unwrap();
        fs::write(root.path().join("Media/BOOT/BCD"), "x").unwrap();
        for name in ["b.TTF", "a.ttf", "c.txt", "é"] {
            fs::write(root.path().join("Media/BOOT/Fonts").join(name), "x").unwrap();
        }
        let folder = Folder::new(root.path());
        let found = folder.find(r"media\boot\bcd").unwrap().unwrap();
        assert!(found.ends_with("Media/BOOT/BCD"));
        assert_eq!(folder.find(r"media\boot").unwrap(), None);
        assert_eq!(folder.find(r"media\boot\bcd\x").unwrap(), None);
        assert_eq!(folder.find(r"none\boot\bcd").unwrap(), None);
        let fonts = folder.files_in(r"MEDIA\Boot\fonts", ".ttf").unwrap();
        let names: Vec<_> = fonts.iter().map(|p| p.file_name().unwrap()).collect();
        assert_eq!(names, ["a.ttf", "b.TTF"]);
        assert!(folder.files_in(r"nothing", ".ttf").unwrap().is_empty());
        let here = Folder::new(&root.path().join("Media/BOOT")).files_in("", "cd").unwrap();
        assert_eq!(here, [root.path().join("Media/BOOT/BCD")]);
    }
}
