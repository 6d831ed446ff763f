//! A folder of this machine as the input of a writer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::FileSource;
use crate::sys;
use crate::timestamp::Timestamp;
use crate::tree::{Meta, NodeId, Tree, TreeBuilder, TreeError};

/// A file or folder found by [`host_folder`].
#[non_exhaustive]
pub struct HostEntry {
    /// Path below the scanned folder, names separated by `/`.
    pub path: String,
    /// Time of last modification.
    pub modified: Timestamp,
    /// The file; `None` for a folder.
    pub file: Option<Arc<FileSource>>,
}

/// A folder could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// It, or something in it, could not be looked at.
    #[error("cannot read {path}")]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A name that is not Unicode.
    #[error("{path:?}: the name is not valid Unicode; rename it")]
    Name {
        /// The path.
        path: PathBuf,
    },
    /// A device, socket, pipe, or a link to a folder.
    #[error("{path} is {what}; only files and folders can be put on media: leave it out")]
    Special {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The tree refused a name.
    #[error("cannot use the folder's content")]
    Tree(#[source] TreeError),
}

/// Everything below `folder`, by path (bytes of UTF-8), so each folder before its content. Links to
/// files are followed; nothing is opened.
///
/// # Errors
/// [`ScanError`], at the first entry that cannot be used.
pub fn host_folder(folder: &Path) -> Result<Vec<HostEntry>, ScanError> {
    let mut found = Vec::new();
    let mut stack = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = stack.pop() {
        for Child { name, path, modified, file } in children(&folder)? {
            let inside = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if file.is_none() {
                stack.push((path, inside.clone()));
            }
            found.push(HostEntry { path: inside, modified, file: file.map(Arc::new) });
        }
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

impl Tree {
    /// The tree of a folder of this machine.
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn from_host_folder(folder: &Path) -> Result<Self, ScanError> {
        let metadata = fs::metadata(folder).map_err(|source| at(folder, source))?;
        let modified = metadata.modified().map_err(|source| at(folder, source))?;
        let mut builder = TreeBuilder::new(Meta::at(Timestamp::from_system_time(modified)));
        // Not by way of `host_folder`: a million full paths would only be taken apart again.
        let mut stack = vec![(folder.to_path_buf(), NodeId::ROOT)];
        while let Some((folder, parent)) = stack.pop() {
            for Child { name, path, modified, file } in children(&folder)? {
                let meta = Meta::at(modified);
                match file {
                    Some(file) => builder.file(parent, &name, meta, Arc::new(file)).map(drop),
                    None => {
                        builder.folder(parent, &name, meta).map(|node| stack.push((path, node)))
                    }
                }
                .map_err(ScanError::Tree)?;
            }
        }
        builder.finish().map_err(ScanError::Tree)
    }
}

/// A file or folder in the folder that is being scanned.
struct Child {
    name: String,
    path: PathBuf,
    modified: Timestamp,
    /// `None` for a folder.
    file: Option<FileSource>,
}

/// What one folder holds, by name: the order in which a file system lists names is its own affair.
fn children(folder: &Path) -> Result<Vec<Child>, ScanError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| at(folder, source))? {
        let entry = entry.map_err(|source| at(folder, source))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(ScanError::Name { path });
        };
        let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let metadata = if linked { fs::metadata(&path) } else { sys::metadata(&entry) };
        let metadata = metadata.map_err(|source| at(&path, source))?;
        let modified = metadata.modified().map_err(|source| at(&path, source))?;
        let modified = Timestamp::from_system_time(modified);
        let file = if metadata.is_dir() {
            if linked {
                return Err(ScanError::Special { path, what: "a link to a folder" });
            }
            None
        } else if metadata.is_file() {
            let file = FileSource::with_metadata(path.clone(), &metadata);
            Some(file.map_err(|source| at(&path, source))?)
        } else {
            return Err(ScanError::Special { path, what: "neither file nor folder" });
        };
        found.push(Child { name, path, modified, file });
    }
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn at(path: &Path, source: io::Error) -> ScanError {
    ScanError::Io { path: path.to_path_buf(), source }
}
