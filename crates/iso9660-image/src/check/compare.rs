//! The trees of one image name the same files.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::check::fault::{FaultKind, Faults};
use crate::report::TreeKind;

/// A file of a tree.
struct Listed {
    /// Where it is described.
    position: u64,
    /// [`Listing::key`] of its path.
    path: u64,
    /// The beginning of its name, for messages.
    name: String,
    lba: u32,
    len: u64,
}

/// What a tree names. Paths are kept as hashes, so that deep trees take no more memory than flat
/// ones.
#[derive(Default)]
pub(super) struct Listing {
    files: Vec<Listed>,
    folders: u64,
}

impl Listing {
    /// Key of the root.
    pub(super) const ROOT: u64 = 0;

    /// Key of a name in the folder with this key.
    pub(super) fn key(folder: u64, name: &str) -> u64 {
        BuildHasherDefault::<DefaultHasher>::default().hash_one((folder, name))
    }

    pub(super) fn file(&mut self, position: u64, path: u64, name: &str, lba: u32, len: u64) {
        // Nothing of an empty file is read, so it may be said to lie anywhere.
        let lba = if len == 0 { 0 } else { lba };
        let name = name.chars().take(64).collect();
        self.files.push(Listed { position, path, name, lba, len });
    }

    pub(super) fn folder(&mut self) {
        self.folders = self.folders.saturating_add(1);
    }

    fn count(&self) -> HashMap<(u32, u64), u64> {
        let mut count = HashMap::new();
        for file in &self.files {
            let number: &mut u64 = count.entry((file.lba, file.len)).or_default();
            *number = number.saturating_add(1);
        }
        count
    }

    /// Every file of this tree that has no place of its own in `other`: by extent and length, and
    /// for empty ones by number.
    fn missing_in(&self, other: &Self, tree: TreeKind, of: TreeKind, faults: &mut Faults) {
        let mut left = other.count();
        for file in &self.files {
            match left.get_mut(&(file.lba, file.len)).filter(|number| **number > 0) {
                Some(number) => *number = number.saturating_sub(1),
                None => {
                    let (name, lba, len) = (file.name.clone(), file.lba, file.len);
                    let kind = FaultKind::OnlyIn { tree, other: of, name, lba, len };
                    faults.add(file.position, kind);
                }
            }
        }
    }

    /// Holds the UDF tree against another. `same_names`: where both can hold a name, it is the same.
    pub(super) fn compare(
        &self,
        other: &Self,
        tree: TreeKind,
        same_names: bool,
        root: u64,
        faults: &mut Faults,
    ) {
        // Discs made for Windows alone have a single text in the other tree, that asks for a
        // reader of UDF.
        if other.folders == 0 && other.files.len() <= 1 {
            return;
        }
        self.missing_in(other, TreeKind::Udf, tree, faults);
        other.missing_in(self, tree, TreeKind::Udf, faults);
        faults.expect(root, "number of folders in the UDF tree", self.folders, other.folders);
        if !same_names {
            return;
        }
        let mine: HashMap<u64, &Listed> = self.files.iter().map(|file| (file.path, file)).collect();
        for file in &other.files {
            if let Some(same) = mine.get(&file.path)
                && (same.lba, same.len) != (file.lba, file.len)
            {
                let name = same.name.clone();
                faults.add(same.position, FaultKind::OtherFile { tree, name });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(files: &[(&str, u32, u64)]) -> Listing {
        let mut listing = Listing::default();
        for (position, (name, lba, len)) in (0..).zip(files) {
            listing.file(position, Listing::key(Listing::ROOT, name), name, *lba, *len);
        }
        listing
    }

    fn found(udf: &[(&str, u32, u64)], joliet: &[(&str, u32, u64)]) -> Vec<String> {
        let mut faults = Faults::default();
        listing(udf).compare(&listing(joliet), TreeKind::Joliet, true, 0, &mut faults);
        faults.finish().into_iter().map(|fault| fault.kind.to_string()).collect()
    }

    #[test]
    fn differences() {
        let two = [("a", 20, 5), ("b", 30, 0)];
        assert_eq!(found(&two, &two), Vec::<String>::new());
        assert_eq!(found(&two, &[("A", 20, 5), ("B", 31, 0)]), Vec::<String>::new());
        assert_eq!(found(&two, &[("readme", 40, 9)]), Vec::<String>::new());
        assert_eq!(
            found(&two, &[("a", 20, 6), ("b", 30, 0)]),
            [
                "a: LBA 20, 5 bytes: in the UDF tree and not in that of Joliet",
                "a: LBA 20, 6 bytes: in the Joliet tree and not in that of UDF",
                "a: another file in the UDF tree than in that of Joliet",
            ]
        );
        let swapped = [("a", 20, 5), ("b", 40, 7)];
        assert_eq!(found(&swapped, &[("b", 20, 5), ("a", 40, 7)]).len(), 2);
        assert_eq!(found(&[("a", 20, 5)], &[("a", 20, 5), ("b", 20, 5)]).len(), 1);
    }
}
