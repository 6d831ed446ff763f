//! A folder of this machine as the input of a writer.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::FileSource;
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
        let entries = fs::read_dir(&folder).map_err(|source| at(&folder, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| at(&folder, source))?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(ScanError::Name { path });
            };
            // Follows links, unlike DirEntry::metadata.
            let metadata = fs::metadata(&path).map_err(|source| at(&path, source))?;
            let modified = metadata.modified().map_err(|source| at(&path, source))?;
            let modified = Timestamp::from_system_time(modified);
            let inside = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if metadata.is_dir() {
                let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                if linked {
                    return Err(ScanError::Special { path, what: "a link to a folder" });
                }
                stack.push((path, inside.clone()));
                found.push(HostEntry { path: inside, modified, file: None });
            } else if metadata.is_file() {
                let file = FileSource::with_metadata(path.clone(), &metadata);
                let file = file.map_err(|source| at(&path, source))?;
                found.push(HostEntry { path: inside, modified, file: Some(Arc::new(file)) });
            } else {
                return Err(ScanError::Special { path, what: "neither file nor folder" });
            }
        }
    }
    // The order in which a file system lists names is its own affair.
    found.sort_by(|a, b| a.path.cmp(&b.path));
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
        let mut folders = HashMap::from([(String::new(), NodeId::ROOT)]);
        for entry in host_folder(folder)? {
            let (parent, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            let parent = folders.get(parent).copied().unwrap_or(NodeId::ROOT);
            let meta = Meta::at(entry.modified);
            match entry.file {
                Some(file) => builder.file(parent, name, meta, file).map_err(ScanError::Tree)?,
                None => {
                    let id = builder.folder(parent, name, meta).map_err(ScanError::Tree)?;
                    folders.insert(entry.path, id);
                    id
                }
            };
        }
        builder.finish().map_err(ScanError::Tree)
    }
}

fn at(path: &Path, source: io::Error) -> ScanError {
    ScanError::Io { path: path.to_path_buf(), source }
}
