//! The files and folders of one image (wim-format 1.6).

use std::collections::HashSet;

use extent_image::{Timestamp, fold_case};
use zerocopy::FromBytes;

use crate::blobs::BlobTable;
use crate::cast::{to_u32, to_u64, to_usize, to_usize32};
use crate::disk::{Dentry, NO_HASH, SecurityHead, Sha1Hash, StreamEntry};
use crate::error::MetadataError;
use crate::hash::Sha1;
use crate::limits::Limits;

/// `FILE_ATTRIBUTE_*` bits.
const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;
const ENCRYPTED: u32 = 0x4000;

/// A name has at most 255 UTF-16 units on NTFS, from where images are captured. Without a limit a
/// small WIM could spell out a great many paths of megabytes.
const MAX_NAME_BYTES: u64 = 2 * 255;
/// A dentry of at most this length ends a folder.
const END_OF_FOLDER: u64 = 8;
const NO_PARENT: u32 = u32::MAX;

/// The tree of an image. About 110 bytes and its name for each entry.
pub struct Image {
    /// The root is the first; the children of a folder lie together.
    nodes: Vec<Node>,
    names: String,
}

struct Node {
    name_start: u32,
    name_len: u32,
    parent: u32,
    first_child: u32,
    child_count: u32,
    attributes: u32,
    /// 0 when it is no reparse point.
    reparse_tag: u32,
    content: Sha1Hash,
    /// Of the content; 0 when the blob is missing.
    size: u64,
    /// Creation, access, write.
    times: [u64; 3],
}

/// A file or folder of an image.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    image: &'a Image,
    node: &'a Node,
    index: u32,
}

/// A folder whose children are still to be read.
struct Pending {
    node: u32,
    /// Position of its entry, for messages.
    at: u64,
    subdir: u64,
    depth: u32,
}

impl Image {
    /// Takes the metadata resource apart. `size` of entries comes from `blobs`.
    pub(crate) fn parse(
        metadata: &[u8],
        blobs: &BlobTable,
        limits: &Limits,
    ) -> Result<Self, MetadataError> {
        let parser = Parser { metadata, blobs };
        let root_at = parser.root()?;
        let mut image = Self { nodes: Vec::new(), names: String::new() };
        let limit = limits.entries;
        // In a tree every byte belongs to one entry. Folders that share children would let a small
        // file grow to any size.
        let mut budget = to_u64(metadata.len());
        // Where each folder's children are, by node, to find cycles.
        let mut subdirs: Vec<u64> = Vec::new();

        let Some((root, subdir, _)) = parser.entry(root_at, &mut image)? else {
            // No root at all is an image of nothing.
            image.nodes.push(Node::empty_root());
            return Ok(image);
        };
        if root.attributes & DIRECTORY == 0 {
            return Err(MetadataError::RootIsFile { at: root_at });
        }
        image.nodes.push(Node { name_len: 0, ..root });
        image.names.clear();
        subdirs.push(subdir);

        // Level by level, so that the children of each folder are neighbours.
        let mut queue = std::collections::VecDeque::new();
        if subdir != 0 {
            queue.push_back(Pending { node: 0, at: root_at, subdir, depth: 1 });
        }
        let mut seen: HashSet<&[u8]> = HashSet::new();
        while let Some(folder) = queue.pop_front() {
            let size = to_u64(metadata.len());
            if folder.depth > limits.depth {
                return Err(MetadataError::TooDeep { limit: limits.depth });
            }
            if folder.subdir % 8 != 0 || folder.subdir >= size {
                let offset = folder.subdir;
                return Err(MetadataError::SubdirOffset { at: folder.at, offset, size });
            }
            if image
                .ancestors(folder.node)
                .any(|node| subdirs.get(to_usize32(node)) == Some(&folder.subdir))
            {
                return Err(MetadataError::Cycle { offset: folder.subdir });
            }
            seen.clear();
            let first_child = to_u32(image.nodes.len());
            let mut at = folder.subdir;
            while let Some((node, subdir, next)) = parser.entry(at, &mut image)? {
                let here = std::mem::replace(&mut at, next);
                budget = budget
                    .checked_sub(next.saturating_sub(here))
                    .ok_or(MetadataError::Shared { at: here })?;
                let index = to_u32(image.nodes.len());
                let name = image.name_of(&node);
                let unusable = matches!(name, "" | "." | "..") || name.contains(['/', '\\']);
                // The first of exact duplicates counts, by the bytes of the file.
                if unusable || !seen.insert(parser.name_bytes(here)) {
                    image.names.truncate(to_usize32(node.name_start));
                    continue;
                }
                if index >= limit {
                    return Err(MetadataError::TooManyEntries { limit });
                }
                // Children of anything but a folder are ignored.
                let is_folder = node.attributes & DIRECTORY != 0;
                if is_folder && subdir != 0 {
                    let depth = folder.depth.saturating_add(1);
                    queue.push_back(Pending { node: index, at: here, subdir, depth });
                }
                subdirs.push(subdir);
                image.nodes.push(Node { parent: folder.node, ..node });
            }
            let child_count = to_u32(image.nodes.len()).saturating_sub(first_child);
            if let Some(node) = image.nodes.get_mut(to_usize32(folder.node)) {
                (node.first_child, node.child_count) = (first_child, child_count);
            }
        }
        image.names.shrink_to_fit();
        image.nodes.shrink_to_fit();
        Ok(image)
    }

    /// The root folder.
    pub fn root(&self) -> Entry<'_> {
        static NONE: Node = Node::empty_root();
        Entry { image: self, node: self.nodes.first().unwrap_or(&NONE), index: 0 }
    }

    /// The entry at a path such as `Windows\Boot\EFI\bootmgfw.efi`, with either slash; upper and
    /// lower case are the same, but an exact match comes first.
    pub fn lookup(&self, path: &str) -> Option<Entry<'_>> {
        let mut names = path.split(['/', '\\']).filter(|name| !name.is_empty());
        names.try_fold(self.root(), |folder, name| folder.child(name))
    }

    /// Every entry but the root, each folder before what it holds.
    pub fn walk(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut stack = vec![self.root().children_range()];
        std::iter::from_fn(move || {
            loop {
                let range = stack.last_mut()?;
                match range.next().and_then(|index| self.entry(index)) {
                    Some(entry) => {
                        stack.push(entry.children_range());
                        return Some(entry);
                    }
                    None => {
                        stack.pop();
                    }
                }
            }
        })
    }

    /// Number of files and folders, without the root.
    pub fn entry_count(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    fn entry(&self, index: u32) -> Option<Entry<'_>> {
        Some(Entry { image: self, node: self.nodes.get(to_usize32(index))?, index })
    }

    fn name_of(&self, node: &Node) -> &str {
        let start = to_usize32(node.name_start);
        let end = start.saturating_add(to_usize32(node.name_len));
        self.names.get(start..end).unwrap_or_default()
    }

    /// The folders that hold the node, from the inside out.
    fn ancestors(&self, node: u32) -> impl Iterator<Item = u32> {
        let parent = |node: u32| {
            self.nodes.get(to_usize32(node)).map(|node| node.parent).filter(|p| *p != NO_PARENT)
        };
        std::iter::successors(parent(node), move |node| parent(*node))
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image").field("entries", &self.entry_count()).finish_non_exhaustive()
    }
}

impl Node {
    const fn empty_root() -> Self {
        Self {
            name_start: 0,
            name_len: 0,
            parent: NO_PARENT,
            first_child: 0,
            child_count: 0,
            attributes: DIRECTORY,
            reparse_tag: 0,
            content: NO_HASH,
            size: 0,
            times: [0; 3],
        }
    }
}

impl<'a> Entry<'a> {
    /// The name; empty for the root. Half surrogates are replaced by U+FFFD.
    pub fn name(&self) -> &'a str {
        self.image.name_of(self.node)
    }

    /// The path from the root, as `\Windows\Boot`; `\` for the root.
    pub fn path(&self) -> String {
        let mut names: Vec<&str> = self
            .image
            .ancestors(self.index)
            .filter_map(|node| self.image.entry(node))
            .map(|entry| entry.name())
            .collect();
        // The last ancestor is the root, whose empty name makes the leading backslash.
        names.reverse();
        names.push(self.name());
        if self.is_root() { "\\".to_owned() } else { names.join("\\") }
    }

    /// True for the root folder.
    pub fn is_root(&self) -> bool {
        self.node.parent == NO_PARENT
    }

    /// True for folders, also those that are reparse points (junctions).
    pub fn is_folder(&self) -> bool {
        self.node.attributes & DIRECTORY != 0
    }

    /// Bytes of the file's content; 0 for folders, links, and data that is not in the WIM.
    pub fn size(&self) -> u64 {
        self.node.size
    }

    /// Windows file attributes (`FILE_ATTRIBUTE_*`).
    pub fn attributes(&self) -> u32 {
        self.node.attributes
    }

    /// The tag of a reparse point: symbolic link, junction or other.
    pub fn reparse_tag(&self) -> Option<u32> {
        (self.node.attributes & REPARSE_POINT != 0).then_some(self.node.reparse_tag)
    }

    /// True for files encrypted by the file system; their content cannot be used.
    pub fn is_encrypted(&self) -> bool {
        self.node.attributes & ENCRYPTED != 0
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        Timestamp::from_filetime(self.node.times[0])
    }

    /// When it was last read.
    pub fn accessed(&self) -> Timestamp {
        Timestamp::from_filetime(self.node.times[1])
    }

    /// When it was last written.
    pub fn modified(&self) -> Timestamp {
        Timestamp::from_filetime(self.node.times[2])
    }

    /// SHA-1 of the content; `None` for folders and empty files.
    pub fn sha1(&self) -> Option<Sha1> {
        (self.node.content != NO_HASH).then_some(Sha1(self.node.content))
    }

    /// What the folder holds, in the order of the WIM; nothing for files.
    pub fn children(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let image = self.image;
        self.children_range().filter_map(|index| image.entry(index))
    }

    /// A file or folder in this folder; upper and lower case are the same, but an exact match comes
    /// first.
    pub fn child(&self, name: &str) -> Option<Entry<'a>> {
        let exact = self.children().find(|child| child.name() == name);
        exact.or_else(|| self.children().find(|child| same_name(child.name(), name)))
    }

    fn children_range(&self) -> std::ops::Range<u32> {
        let first = self.node.first_child;
        first..first.saturating_add(self.node.child_count)
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("path", &self.path())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Character by character, as NTFS does: no character becomes several.
fn same_name(left: &str, right: &str) -> bool {
    left.chars().map(fold_case).eq(right.chars().map(fold_case))
}

struct Parser<'a> {
    metadata: &'a [u8],
    blobs: &'a BlobTable,
}

impl<'a> Parser<'a> {
    fn size(&self) -> u64 {
        to_u64(self.metadata.len())
    }

    /// Where the root entry is: after the security descriptors.
    fn root(&self) -> Result<u64, MetadataError> {
        let size = self.size();
        let Ok((head, _)) = SecurityHead::read_from_prefix(self.metadata) else {
            return Err(MetadataError::Security { length: 0, size });
        };
        let length = head.total_length.get();
        let at = u64::from(length.max(8)).next_multiple_of(8);
        if at >= size {
            return Err(MetadataError::Security { length, size });
        }
        Ok(at)
    }

    /// Reads the entry at `at` and puts its name behind the image's names. Tells its subdirectory
    /// offset and where the next entry is; `None` at the end of the folder.
    fn entry(&self, at: u64, image: &mut Image) -> Result<Option<(Node, u64, u64)>, MetadataError> {
        let size = self.size();
        let rest = self.metadata.get(to_usize(at)..).unwrap_or_default();
        let Some(length) = rest.first_chunk().map(|length| u64::from_le_bytes(*length)) else {
            return Err(MetadataError::Entry { at, length: 0, size });
        };
        if length <= END_OF_FOLDER {
            return Ok(None);
        }
        let outside = MetadataError::Entry { at, length, size };
        let whole = rest.get(..to_usize(length)).ok_or(outside)?;
        let (dentry, names) = Dentry::read_from_prefix(whole).map_err(|_| outside)?;

        let name_bytes = u64::from(dentry.name_length.get());
        let short_bytes = u64::from(dentry.short_name_length.get());
        let with_nul = |bytes: u64| if bytes == 0 { 0 } else { bytes.saturating_add(2) };
        let both = with_nul(name_bytes).saturating_add(with_nul(short_bytes));
        if both > to_u64(names.len()) || name_bytes % 2 != 0 {
            return Err(MetadataError::Names { at, length, names: both });
        }
        if name_bytes > MAX_NAME_BYTES {
            let (units, limit) = (name_bytes / 2, MAX_NAME_BYTES / 2);
            return Err(MetadataError::NameLength { at, units, limit });
        }
        let (units, _) = names.get(..to_usize(name_bytes)).unwrap_or_default().as_chunks::<2>();
        let name_start = image.names.len();
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
        let characters = char::decode_utf16(units);
        image.names.extend(characters.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        let name_len = image.names.len().saturating_sub(name_start);

        // Aligned, and at most a little more than the length of the metadata.
        let after = at.saturating_add(length).next_multiple_of(8);
        let (streams, next) = self.streams(after, dentry.stream_count.get())?;
        let attributes = dentry.attributes.get();
        let is_reparse = attributes & REPARSE_POINT != 0;
        let content = if attributes & DIRECTORY != 0 {
            NO_HASH
        } else {
            content_of(dentry.hash, &streams, is_reparse)
        };
        let node = Node {
            name_start: to_u32(name_start),
            name_len: to_u32(name_len),
            parent: NO_PARENT,
            first_child: 0,
            child_count: 0,
            attributes,
            reparse_tag: if is_reparse { dentry.reparse_tag_or_link.get() } else { 0 },
            content,
            size: self.blobs.find(&content).map_or(0, |blob| blob.resource.original_size.get()),
            times: [dentry.creation_time.get(), dentry.access_time.get(), dentry.write_time.get()],
        };
        Ok(Some((node, dentry.subdir_offset.get(), next)))
    }

    /// The hashes of the unnamed streams among the extra ones, at most two, and where the streams
    /// end.
    fn streams(&self, at: u64, count: u16) -> Result<([Option<Sha1Hash>; 2], u64), MetadataError> {
        let size = self.size();
        let mut unnamed = [None; 2];
        let mut at = at;
        for _ in 0..count {
            let rest = self.metadata.get(to_usize(at)..).unwrap_or_default();
            let Ok((stream, _)) = StreamEntry::read_from_prefix(rest) else {
                return Err(MetadataError::Entry { at, length: 0, size });
            };
            let length = stream.length.get();
            if length < to_u64(size_of::<StreamEntry>()) || length > to_u64(rest.len()) {
                return Err(MetadataError::Entry { at, length, size });
            }
            if stream.name_length.get() == 0
                && let Some(place) = unnamed.iter_mut().find(|place| place.is_none())
            {
                *place = Some(stream.hash);
            }
            at = at.saturating_add(length).next_multiple_of(8);
        }
        Ok((unnamed, at))
    }

    /// The name of the entry at `at`, which was read without error.
    fn name_bytes(&self, at: u64) -> &'a [u8] {
        let entry = self.metadata.get(to_usize(at)..).unwrap_or_default();
        match Dentry::ref_from_prefix(entry) {
            Ok((dentry, names)) => {
                names.get(..usize::from(dentry.name_length.get())).unwrap_or_default()
            }
            Err(_) => &[],
        }
    }
}

/// Which hash is the content: the entry's own, unless it is zero and an unnamed stream follows, and
/// then the unnamed streams. Of a reparse point, the first of these is the reparse data.
fn content_of(own: Sha1Hash, streams: &[Option<Sha1Hash>; 2], is_reparse: bool) -> Sha1Hash {
    let own = Some(own).filter(|own| *own != NO_HASH || streams[0].is_none());
    let mut candidates = own.into_iter().chain(streams.iter().flatten().copied());
    let reparse_data = usize::from(is_reparse);
    candidates.nth(reparse_data).unwrap_or(NO_HASH)
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
