//! What a tree names, in as few bytes as it takes to compare trees.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::num::NonZeroU8;

use extent_image::fold_case;

use crate::check::name;
use crate::report::TreeKind;
use crate::units::index;

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A link or device of Rock Ridge. Other trees leave it out or have an empty file for it.
    Special,
    /// A record in the place of a folder that Rock Ridge moved to another.
    Placeholder,
    /// A folder that is listed at its placeholder and not here.
    Moved,
}

/// A file or folder. Its name is not kept: the few that end in a message are read again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where it is described.
    pub(super) position: u64,
    /// Bytes of a file; number of children of a folder.
    pub(super) len: u64,
    /// First sector of a file, or of the folder that a placeholder stands for; of a folder, the
    /// number of its first child.
    pub(super) lba: u32,
    /// Hash of the name as it is.
    pub(super) exact: u32,
    /// Hash of the name as a primary tree would have it, as far as that can be known.
    pub(super) plain: u32,
    pub(super) kind: Kind,
    /// UTF-16 units of the name; `None` for one that Joliet cannot hold.
    pub(super) joliet: Option<NonZeroU8>,
    /// Hash of the name with `_` for what Joliet refuses: so genisoimage has it in UDF.
    pub(super) replaced: u16,
}

const _: () = assert!(size_of::<Node>() == 32);

/// The nodes of a tree, 32 bytes each. The children of a folder follow one another.
pub(super) struct Listing {
    pub(super) tree: TreeKind,
    pub(super) nodes: Vec<Node>,
    /// False when folders were left out: what is missing then is no fault of the image.
    pub(super) is_whole: bool,
    /// The folder whose children are being added.
    open: usize,
}

/// Number of the root among the nodes.
pub(super) const ROOT: usize = 0;

impl Listing {
    /// A tree whose root is described at `position`.
    pub(super) fn new(tree: TreeKind, position: u64) -> Self {
        let (kind, joliet, replaced) = (Kind::Folder, None, 0);
        let root = Node { position, len: 0, lba: 0, exact: 0, plain: 0, kind, joliet, replaced };
        Self { tree, nodes: vec![root], is_whole: true, open: ROOT }
    }

    /// The nodes that are added from here on are children of this one.
    pub(super) fn begin(&mut self, folder: usize) {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if let Some(folder) = self.nodes.get_mut(folder) {
            (folder.lba, folder.len) = (next, 0);
        }
        self.open = folder;
    }

    /// Adds a child; returns its number.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        position: u64,
        name: &str,
        (lba, len): (u32, u64),
    ) -> usize {
        let number = self.nodes.len();
        // Children are found by 32-bit numbers. An image with more records has 146 GB of them.
        if u32::try_from(number).is_ok() {
            let (exact, plain, joliet) = (exact(name), plain(name), name::joliet_units(name));
            let replaced = exact_16(&name::replaced(name));
            self.nodes.push(Node { position, len, lba, exact, plain, kind, joliet, replaced });
            if let Some(folder) = self.nodes.get_mut(self.open) {
                folder.len = folder.len.saturating_add(1);
            }
        }
        number
    }

    /// Makes placeholders the folders they stand for. `folders`: first sector and number of each.
    pub(super) fn resolve(&mut self, folders: &[(u32, usize)]) {
        let placeholders = |node: &Node| node.kind == Kind::Placeholder;
        if !self.nodes.iter().any(placeholders) {
            return;
        }
        let mut folders = folders.to_vec();
        folders.sort_unstable();
        let mut taken = vec![false; folders.len()];
        for at in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(at).filter(|node| placeholders(node)) else { continue };
            let found = folders.binary_search_by_key(&node.lba, |(lba, _)| *lba).ok();
            // One folder has one place. With more, an image could make work without end.
            let first_time = found.and_then(|found| taken.get_mut(found));
            let first_time = first_time.is_some_and(|taken| !std::mem::replace(taken, true));
            let target = found.filter(|_| first_time).and_then(|found| folders.get(found));
            let target = target.and_then(|(_, number)| self.nodes.get(*number)).copied();
            let Some(node) = self.nodes.get_mut(at) else { continue };
            let (first, len) = target.map_or((0, 0), |target| (target.lba, target.len));
            (node.kind, node.lba, node.len) = (Kind::Folder, first, len);
        }
    }

    /// The numbers of a folder's children.
    pub(super) fn children(&self, folder: usize) -> std::ops::Range<usize> {
        let Some(folder) = self.nodes.get(folder).filter(|node| node.kind == Kind::Folder) else {
            return 0..0;
        };
        let first = index(folder.lba);
        let count = usize::try_from(folder.len).unwrap_or(usize::MAX);
        first..first.saturating_add(count).min(self.nodes.len())
    }

    /// True for a folder that holds nothing but folders of other places.
    pub(super) fn is_only_moved(&self, folder: usize) -> bool {
        let children = self.nodes.get(self.children(folder)).unwrap_or_default();
        !children.is_empty() && children.iter().all(|node| node.kind == Kind::Moved)
    }

    /// True for a tree that is only there because an image needs one beside UDF: empty, or with a
    /// single file `README.TXT`, which says that this disc is to be read as UDF.
    pub(super) fn is_stub(&self) -> bool {
        match self.nodes.get(self.children(ROOT)).unwrap_or_default() {
            [] => true,
            [one] => one.kind == Kind::File && one.plain == plain("README.TXT"),
            _ => false,
        }
    }

    /// The files, without those that are empty.
    fn files(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.kind == Kind::File && node.len > 0)
    }

    /// Length of the file that begins at `lba`.
    pub(super) fn file_len(&self, lba: u32) -> Option<u64> {
        self.files().find(|file| file.lba == lba).map(|file| file.len)
    }

    /// Where the empty files are described that are said to lie at `lba`.
    pub(super) fn empty_files_at(&self, lba: u32) -> impl Iterator<Item = u64> {
        let empty = |node: &&Node| node.kind == Kind::File && node.len == 0;
        self.nodes
            .iter()
            .filter(empty)
            .filter(move |node| node.lba == lba)
            .map(|node| node.position)
    }
}

/// Always the same for the same value.
pub(super) fn hash(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

fn short(hash: u64) -> u32 {
    // Two names of one folder with equal hashes are taken for one that cannot be known.
    u32::try_from(hash >> 32).unwrap_or(0)
}

fn exact(name: &str) -> u32 {
    short(hash(name))
}

fn exact_16(name: &str) -> u16 {
    u16::try_from(exact(name) >> 16).unwrap_or(0)
}

/// Upper case, `_` for all but letters and digits of ASCII and the last dot.
fn plain(name: &str) -> u32 {
    let name = name.strip_suffix('.').unwrap_or(name);
    let dot = name.rfind('.');
    let plain = |(at, c): (usize, char)| match fold_case(c) {
        c if c.is_ascii_alphanumeric() || dot == Some(at) => c,
        _ => '_',
    };
    short(hash(name.char_indices().map(plain).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names() {
        assert_eq!(plain("Boot.Wim"), plain("BOOT.WIM"));
        assert_eq!(plain("bootmgr."), plain("BOOTMGR"));
        assert_eq!(plain("a.tar.gz"), plain("A_TAR.GZ"));
        assert_ne!(plain("a.b"), plain("A_B"));
    }

    #[test]
    fn stubs() {
        let listing = |names: &[&str]| {
            let mut listing = Listing::new(TreeKind::Primary, 0);
            listing.begin(ROOT);
            for name in names {
                listing.add(Kind::File, 0, name, (20, 5));
            }
            listing
        };
        assert!(listing(&[]).is_stub());
        assert!(listing(&["README.TXT"]).is_stub());
        assert!(!listing(&["LIESMICH.TXT"]).is_stub());
        assert!(!listing(&["README.TXT", "SETUP.EXE"]).is_stub());
    }

    #[test]
    fn placeholders_become_folders() {
        let mut listing = Listing::new(TreeKind::Primary, 0);
        listing.begin(ROOT);
        let place = listing.add(Kind::Placeholder, 1, "DEEP", (40, 0));
        let store = listing.add(Kind::Folder, 2, "RR_MOVED", (0, 0));
        listing.begin(store);
        let moved = listing.add(Kind::Moved, 3, "DEEP", (0, 0));
        listing.begin(moved);
        listing.add(Kind::File, 4, "A", (50, 5));
        listing.resolve(&[(30, store), (40, moved)]);
        assert_eq!(listing.children(place), 4..5);
        assert!(listing.is_only_moved(store) && !listing.is_only_moved(place));
    }
}
