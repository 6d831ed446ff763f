//! The tree of an image to be written, and its metadata resource (wim-format 1.6).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use extent_image::{Source, Timestamp, fold_case};
use zerocopy::{FromZeros, IntoBytes};

use super::WriteError;
use crate::cast::to_u64;
use crate::disk::{Dentry, NO_HASH, SecurityHead, Sha1Hash};

/// `FILE_ATTRIBUTE_*` bits.
const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;
const NO_SECURITY: u32 = 0xFFFF_FFFF;
/// An entry of no length ends a folder.
const END_OF_FOLDER: [u8; 8] = [0; 8];
const SECURITY: u64 = 8;

/// The children of a folder by upper-case name, which is the order NTFS lists them in.
#[derive(Clone, Default)]
pub(super) struct Folder {
    pub(super) children: BTreeMap<String, Child>,
}

#[derive(Clone)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) node: Node,
}

#[derive(Clone)]
pub(super) enum Node {
    Folder(Folder),
    File { source: Arc<dyn Source>, time: Timestamp },
}

/// The form in which two names are compared.
fn fold(name: &str) -> String {
    name.chars().map(fold_case).collect()
}

impl Folder {
    /// The folder at `path`, made if it is not there.
    pub(super) fn folder(&mut self, path: &str) -> Result<&mut Self, WriteError> {
        self.descend(path, path)
    }

    fn descend(&mut self, full: &str, path: &str) -> Result<&mut Self, WriteError> {
        let mut folder = self;
        for name in path.split(['/', '\\']).filter(|name| !name.is_empty()) {
            check_name(full, name)?;
            let child = folder.children.entry(fold(name)).or_insert_with(|| Child {
                name: name.to_owned(),
                node: Node::Folder(Self::default()),
            });
            folder = match &mut child.node {
                Node::Folder(folder) => folder,
                Node::File { .. } => return Err(WriteError::Collision { path: full.to_owned() }),
            };
        }
        Ok(folder)
    }

    pub(super) fn file(
        &mut self,
        path: &str,
        source: Arc<dyn Source>,
        time: Timestamp,
    ) -> Result<(), WriteError> {
        let (above, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
        check_name(path, name)?;
        let folder = self.descend(path, above)?;
        let child = Child { name: name.to_owned(), node: Node::File { source, time } };
        match folder.children.insert(fold(name), child) {
            None => Ok(()),
            Some(_) => Err(WriteError::Collision { path: path.to_owned() }),
        }
    }

    /// Every file, in the order in which the metadata lists them.
    pub(super) fn files(&self) -> Vec<&Arc<dyn Source>> {
        let mut files = Vec::new();
        self.visit(&mut |child| {
            if let Node::File { source, .. } = &child.node {
                files.push(source);
            }
        });
        files
    }

    /// Number of folders below this one.
    pub(super) fn folder_count(&self) -> usize {
        let mut count = 0_usize;
        self.visit(&mut |child| {
            count = count.saturating_add(usize::from(matches!(child.node, Node::Folder(_))));
        });
        count
    }

    /// Calls `each` for everything below this folder, level by level.
    fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Child)) {
        let mut queue = VecDeque::from([self]);
        while let Some(folder) = queue.pop_front() {
            for child in folder.children.values() {
                each(child);
                if let Node::Folder(inner) = &child.node {
                    queue.push_back(inner);
                }
            }
        }
    }

    /// The metadata resource. `hashes` are those of [`files`](Self::files), in order.
    ///
    /// Folders come level by level, each as a run of its children. Lengths depend on names alone, so
    /// one walk finds where every run begins and the same walk again writes the entries.
    pub(super) fn metadata(&self, hashes: &[Sha1Hash], time: Timestamp) -> Vec<u8> {
        let end = to_u64(END_OF_FOLDER.len());
        let root_length = entry_length("");
        // Where each folder's children begin, in the order of the walk.
        let mut starts = VecDeque::new();
        let mut at = SECURITY.saturating_add(root_length).saturating_add(end);
        let mut queue = VecDeque::from([self]);
        while let Some(folder) = queue.pop_front() {
            starts.push_back(if folder.children.is_empty() { 0 } else { at });
            for child in folder.children.values() {
                at = at.saturating_add(entry_length(&child.name));
                if let Node::Folder(inner) = &child.node {
                    queue.push_back(inner);
                }
            }
            if !folder.children.is_empty() {
                at = at.saturating_add(end);
            }
        }
        let planned = at;

        let mut out = Vec::new();
        let mut security = SecurityHead::new_zeroed();
        security.total_length.set(8);
        out.extend_from_slice(security.as_bytes());
        put_entry(&mut out, "", DIRECTORY, starts.pop_front().unwrap_or(0), NO_HASH, time);
        out.extend_from_slice(&END_OF_FOLDER);
        let mut hashes = hashes.iter().copied();
        let mut queue = VecDeque::from([self]);
        while let Some(folder) = queue.pop_front() {
            for child in folder.children.values() {
                match &child.node {
                    Node::Folder(inner) => {
                        let start = starts.pop_front().unwrap_or(0);
                        put_entry(&mut out, &child.name, DIRECTORY, start, NO_HASH, time);
                        queue.push_back(inner);
                    }
                    Node::File { time, .. } => {
                        let hash = hashes.next().unwrap_or(NO_HASH);
                        put_entry(&mut out, &child.name, ARCHIVE, 0, hash, *time);
                    }
                }
            }
            if !folder.children.is_empty() {
                out.extend_from_slice(&END_OF_FOLDER);
            }
        }
        debug_assert_eq!(to_u64(out.len()), planned);
        out
    }
}

fn check_name(path: &str, name: &str) -> Result<(), WriteError> {
    let forbidden = |c: char| c.is_control() || ":*?\"<>|".contains(c);
    let problem = if name.is_empty() {
        "it ends without a name"
    } else if matches!(name, "." | "..") {
        "a name is \".\" or \"..\""
    } else if name.contains(forbidden) {
        "a name has a control character or one of : * ? \" < > |"
    } else if name.encode_utf16().count() > 255 {
        "a name is longer than 255 UTF-16 units"
    } else {
        return Ok(());
    };
    Err(WriteError::Path { path: path.to_owned(), problem })
}

/// Bytes of an entry with its name, rounded up to 8.
fn entry_length(name: &str) -> u64 {
    let units = match name.encode_utf16().count() {
        0 => 0,
        units => units.saturating_add(1),
    };
    let bytes = units.saturating_mul(2).saturating_add(size_of::<Dentry>());
    to_u64(bytes.next_multiple_of(8))
}

fn put_entry(
    out: &mut Vec<u8>,
    name: &str,
    attributes: u32,
    subdir: u64,
    hash: Sha1Hash,
    time: Timestamp,
) {
    let end = out.len().saturating_add(crate::cast::to_usize(entry_length(name)));
    let mut entry = Dentry::new_zeroed();
    entry.length.set(entry_length(name));
    entry.attributes.set(attributes);
    entry.security_id.set(NO_SECURITY);
    entry.subdir_offset.set(subdir);
    for field in [&mut entry.creation_time, &mut entry.access_time, &mut entry.write_time] {
        field.set(time.filetime());
    }
    entry.hash = hash;
    // At most 255 units.
    let name_bytes = name.encode_utf16().count().saturating_mul(2);
    entry.name_length.set(u16::try_from(name_bytes).unwrap_or(u16::MAX));
    out.extend_from_slice(entry.as_bytes());
    for unit in name.encode_utf16() {
        out.extend_from_slice(&unit.to_le_bytes());
    }
    // The NUL and the padding.
    out.resize(end, 0);
}
