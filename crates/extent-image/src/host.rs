//! What a program that writes image files must know of the machine, and the standard library does
//! not tell.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::sys;

/// Bytes that an ordinary user may still write to the file system that holds `path`, or `None`
/// where the system does not tell.
///
/// # Errors
/// `path` cannot be looked at.
pub fn free_space(path: &Path) -> io::Result<Option<u64>> {
    sys::free_space(path)
}

/// True when `path` still names the open file. A file that was renamed or replaced since it was
/// opened is another.
///
/// # Errors
/// The file cannot be looked at; a missing `path` is no error but `false`.
pub fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    sys::is_same_file(file, path)
}

/// The file that a path names, links followed: two paths with equal ids name one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId(sys::FileId);

/// The file that `path` names.
///
/// # Errors
/// The file cannot be looked at.
pub fn file_id(path: &Path) -> io::Result<FileId> {
    sys::file_id(path).map(FileId)
}

/// Makes the names in a folder durable, as [`File::sync_all`] does for the bytes of a file.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    sys::sync_folder(folder)
}

/// Renames a file or folder, over a file of that name. On Windows a virus scanner may have what was
/// just written open, and nothing that is open in such a way can be renamed: it is tried again for a
/// second.
///
/// # Errors
/// What the system answers.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    sys::rename(from, to)
}

/// Whether another program has the file open in a way that does not let it be replaced, as only
/// Windows knows.
///
/// # Errors
/// What the system says to that. What else may be in the way of replacing it is not told.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    sys::check_replaceable(path)
}

/// A mounted file system, as statfs(2) describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// Its number in the kernel (`f_type`), such as 4D44h for all kinds of FAT.
    pub kind: u64,
    /// Bytes that are given to files at once: a cluster.
    pub block_size: u64,
    /// How many of these there are.
    pub blocks: u64,
    /// How many an ordinary user may still have.
    pub free: u64,
    /// Whether the path is where it is mounted, and not a folder in it.
    pub is_root: bool,
}

/// The file system that holds the folder `path`, or `None` where the system does not tell: only Linux
/// is asked.
///
/// # Errors
/// `path` cannot be looked at.
pub fn file_system(path: &Path) -> io::Result<Option<FileSystem>> {
    sys::file_system(path)
}

/// Lets the kernel drop what it holds of the file in memory, so that the next reads come from the
/// medium. It need not: what is not flushed stays, and other systems than Linux are not asked.
pub fn forget_cached(file: &File) {
    sys::forget_cached(file);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = File::create(&path).unwrap();
        assert!(is_same_file(&file, &path).unwrap());
        let other = folder.path().join("other");
        File::create(&other).unwrap();
        let indirect = folder.path().join(".").join("a");
        assert_eq!(file_id(&path).unwrap(), file_id(&indirect).unwrap());
        assert_ne!(file_id(&path).unwrap(), file_id(&other).unwrap());
        assert!(file_id(&folder.path().join("missing")).is_err());
        rename(&path, &folder.path().join("b")).unwrap();
        assert!(!is_same_file(&file, &path).unwrap());
        File::create(&path).unwrap();
        assert!(!is_same_file(&file, &path).unwrap());
        std::fs::hard_link(&path, folder.path().join("link")).unwrap();
        assert_eq!(file_id(&path).unwrap(), file_id(&folder.path().join("link")).unwrap());
        check_replaceable(&path).unwrap();
        check_replaceable(&folder.path().join("missing")).unwrap();
        sync_folder(folder.path()).unwrap();
        assert_ne!(free_space(folder.path()).unwrap(), Some(0));
        if let Some(found) = file_system(folder.path()).unwrap() {
            assert!(found.block_size > 0 && found.free <= found.blocks && !found.is_root);
        }
        forget_cached(&file);
    }
}
