//! The trees of one image, two by two: the same files in the same folders.
//!
//! Names are no key, for each tree changes them in its own way. A file is known by its extent and
//! length, a folder by all that it holds. Where a name needs no change it is held against its like
//! in the other tree: two of them that lead to each other's files are swapped.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};
use std::num::NonZeroU8;

use crate::check::fault::{FaultKind, Faults};
use crate::check::listing::{Kind, Listing, Node, ROOT, hash};
use crate::check::medium::{Medium, ReadError};
use crate::check::{name, record, udf_file};
use crate::report::{RecordTree, TreeKind};

/// What a file or folder is known by in every tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    /// First sector and length. Nothing of an empty file is read, so it may be said to lie
    /// anywhere.
    File(u32, u64),
    /// Hash of what it holds.
    Folder(u64),
}

/// One tree of a pair.
struct Side<'a> {
    listing: &'a Listing,
    /// By node; 0 for what is no folder.
    folders: Vec<u64>,
}

impl<'a> Side<'a> {
    fn new(listing: &'a Listing) -> Self {
        let mut side = Self { listing, folders: vec![0; listing.nodes.len()] };
        // Folders come after those that hold them. (But for folders that Rock Ridge moved: those may
        // have another hash, and are found by their names.)
        for at in (0..listing.nodes.len()).rev() {
            // In any order: the sum of hashes.
            let sum = side.children(at).map(|(_, key)| hash(key)).fold(0, u64::wrapping_add);
            if let Some(folder) = side.folders.get_mut(at) {
                *folder = sum;
            }
        }
        side
    }

    fn node(&self, at: usize) -> Option<&'a Node> {
        self.listing.nodes.get(at)
    }

    /// The files and folders in a folder, by number.
    fn children(&self, folder: usize) -> impl Iterator<Item = (usize, Key)> + '_ {
        let key = |at: usize| {
            let node = self.node(at)?;
            match node.kind {
                Kind::File if node.len == 0 => Some((at, Key::File(0, 0))),
                Kind::File => Some((at, Key::File(node.lba, node.len))),
                Kind::Folder if self.listing.is_only_moved(at) => None,
                Kind::Folder => Some((at, Key::Folder(self.folders.get(at).copied()?))),
                Kind::Special | Kind::Placeholder | Kind::Moved => None,
            }
        };
        self.listing.children(folder).filter_map(key)
    }

    fn specials(&self, folder: usize) -> usize {
        let special = |at: &usize| self.node(*at).is_some_and(|node| node.kind == Kind::Special);
        self.listing.children(folder).filter(special).count()
    }
}

/// What it is known by, its name, its number.
type Child = (Key, u32, usize);

/// A child that the other tree does not have there.
#[derive(Clone, Copy)]
struct Left {
    at: usize,
    key: Key,
}

struct Pair<'a> {
    sides: [Side<'a>; 2],
    /// True where names that need no change are the same: neither tree is the primary one.
    same_names: bool,
    /// Folders that stand for each other and wait for their turn.
    waiting: Vec<(usize, usize)>,
    /// First children of folders of the first side that had their turn.
    seen: HashSet<usize>,
    left: [Vec<Left>; 2],
    /// Most units of a name that the other tree has as UDF has it; `None` when the second tree is
    /// not UDF, or the first shortens names in ways of its own.
    longest: Option<u8>,
    /// What stands for each other in the folder whose turn it is.
    paired: Vec<(usize, usize)>,
    /// Names that lead to different files, and files that have different names.
    found: Vec<(usize, usize, Difference)>,
}

enum Difference {
    /// One or both files are in one tree only.
    Other,
    /// Each has the name of another.
    Swapped,
    /// The same file or folder, whose name is another than in UDF.
    Name,
}

/// Lists what one of two trees has and the other has not.
pub(super) fn compare<R: Read + Seek>(
    medium: &mut Medium<R>,
    first: &Listing,
    second: &Listing,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let mut pair = Pair {
        sides: [Side::new(first), Side::new(second)],
        same_names: ![first.tree, second.tree].contains(&TreeKind::Primary),
        waiting: vec![(ROOT, ROOT)],
        seen: HashSet::new(),
        left: [Vec::new(), Vec::new()],
        longest: longest(first, second),
        paired: Vec::new(),
        found: Vec::new(),
    };
    while let Some((a, b)) = pair.waiting.pop() {
        let children = first.children(a);
        // What is reached twice is no tree, and was reported.
        if children.is_empty() || pair.seen.insert(children.start) {
            pair.folder(a, b);
        }
    }
    pair.report(medium, faults)
}

impl Pair<'_> {
    fn folder(&mut self, a: usize, b: usize) {
        let [side_a, side_b] = &self.sides;
        let children = [(side_a, a), (side_b, b)].map(|(side, folder)| {
            let mut children: Vec<Child> =
                side.children(folder).map(|(at, key)| (key, self.name(side, at), at)).collect();
            children.sort_unstable();
            children
        });
        self.names(&children);
        let [of_a, of_b] = &children;
        let mut left = [Vec::new(), Vec::new()];
        // Both are in order of their keys: those of one key stand for each other, those of one name
        // among them first.
        let (mut rest_a, mut rest_b) = (of_a.as_slice(), of_b.as_slice());
        while let Some(key) = rest_a.first().into_iter().chain(rest_b.first()).map(|it| it.0).min()
        {
            let same_a = rest_a.partition_point(|it| it.0 == key);
            let same_b = rest_b.partition_point(|it| it.0 == key);
            let (group_a, after_a) = rest_a.split_at_checked(same_a).unwrap_or_default();
            let (group_b, after_b) = rest_b.split_at_checked(same_b).unwrap_or_default();
            (rest_a, rest_b) = (after_a, after_b);
            self.group(key, group_a, group_b, &mut left);
        }
        self.leftovers(a, b, left);
        self.other_names(&children);
    }

    /// What is paired has the name that it has in UDF, unless Joliet cannot hold that.
    fn other_names(&mut self, [of_a, _]: &[Vec<Child>; 2]) {
        let paired = std::mem::take(&mut self.paired);
        let Some(longest) = self.longest else { return };
        let [side_a, side_b] = &self.sides;
        let fits = |node: &Node| node.joliet.is_some_and(|units| units.get() <= longest);
        let is_rock_ridge = side_a.listing.tree == TreeKind::RockRidge;
        let may_differ = |a: &Node, b: &Node| match is_rock_ridge {
            true => (a.replaced == b.replaced && b.joliet.is_some()) || is_cut(a, b),
            false => !fits(b),
        };
        let differs = |(a, b): &(usize, usize)| match (side_a.node(*a), side_b.node(*b)) {
            (Some(a), Some(b)) => a.exact != b.exact && !may_differ(a, b),
            _ => false,
        };
        let mut differ = paired.into_iter().filter(differs).peekable();
        if differ.peek().is_none() {
            return;
        }
        // A name that is there leads elsewhere. It is told of where a circle of names is; else it was
        // taken by another that had to be changed.
        let taken: HashSet<u32> = of_a.iter().map(|child| child.1).collect();
        let is_free =
            |(_, b): &(usize, usize)| side_b.node(*b).is_some_and(|b| !taken.contains(&b.exact));
        let found = differ.filter(is_free).map(|(a, b)| (a, b, Difference::Name));
        self.found.extend(found);
    }

    /// What compares names of the two trees.
    fn name(&self, side: &Side<'_>, at: usize) -> u32 {
        side.node(at).map_or(0, |node| if self.same_names { node.exact } else { node.plain })
    }

    /// Pairs the children of one key.
    fn group(&mut self, key: Key, of_a: &[Child], of_b: &[Child], left: &mut [Vec<Left>; 2]) {
        let (mut others_a, mut others_b) = (Vec::<&Child>::new(), Vec::<&Child>::new());
        let (mut rest_a, mut rest_b) = (of_a.iter().peekable(), of_b.iter().peekable());
        loop {
            match (rest_a.peek(), rest_b.peek()) {
                (Some(a), Some(b)) if a.1 == b.1 => {
                    self.pair(key, a.2, b.2);
                    rest_a.next();
                    rest_b.next();
                }
                (Some(a), Some(b)) if a.1 < b.1 => others_a.extend(rest_a.next()),
                (_, Some(_)) => others_b.extend(rest_b.next()),
                (Some(_), None) => others_a.extend(rest_a.next()),
                (None, None) => break,
            }
        }
        let both = others_a.len().min(others_b.len());
        for (a, b) in others_a.iter().zip(&others_b) {
            self.pair(key, a.2, b.2);
        }
        let [left_a, left_b] = left;
        left_a.extend(others_a.iter().skip(both).map(|it| Left { at: it.2, key }));
        left_b.extend(others_b.iter().skip(both).map(|it| Left { at: it.2, key }));
    }

    fn pair(&mut self, key: Key, a: usize, b: usize) {
        if self.longest.is_some() {
            self.paired.push((a, b));
        }
        if matches!(key, Key::Folder(_)) {
            self.waiting.push((a, b));
        }
    }

    /// Names that lead to another child in each of the trees.
    fn names(&mut self, [of_a, of_b]: &[Vec<Child>; 2]) {
        let (names_a, names_b) = (by_name(of_a), by_name(of_b));
        let mut rest = names_b.as_slice();
        let mut differ: Vec<(Child, Child)> = Vec::new();
        for (name, a) in names_a {
            let before = rest.partition_point(|(other, _)| *other < name);
            rest = rest.get(before..).unwrap_or_default();
            if let Some((other, b)) = rest.first()
                && *other == name
                && let (Some(a), Some(b)) = (of_a.get(a), of_b.get(*b))
                && a.0 != b.0
            {
                differ.push((*a, *b));
            }
        }
        let in_both = |key: &Key| is_once(of_a, key) && is_once(of_b, key);
        let mut leads: HashMap<Key, (Key, usize, usize)> = HashMap::new();
        for (a, b) in &differ {
            if in_both(&a.0) && in_both(&b.0) {
                leads.insert(a.0, (b.0, a.2, b.2));
            } else if self.same_names
                && matches!((a.0, b.0), (Key::File(..), Key::File(..)))
                && (!is_there(of_b, &a.0) || !is_there(of_a, &b.0))
            {
                self.found.push((a.2, b.2, Difference::Other));
            }
        }
        // One name leads from key to key. A chain that ends is one of names that were changed and
        // took the place of others; a circle is not.
        let mut starts: Vec<Key> = leads.keys().copied().collect();
        starts.sort_unstable();
        for start in starts {
            let mut chain = Vec::new();
            let mut at = start;
            while let Some((next, a, b)) = leads.remove(&at) {
                chain.push((a, b));
                at = next;
            }
            if at == start {
                self.found.extend(chain.into_iter().map(|(a, b)| (a, b, Difference::Swapped)));
            }
        }
    }

    /// Of what has no like by its key, folders are found by name, or when they are the only ones.
    fn leftovers(&mut self, a: usize, b: usize, [mut left_a, mut left_b]: [Vec<Left>; 2]) {
        let is_folder = |left: &Left| matches!(left.key, Key::Folder(_));
        let names = |side: &Side<'_>, left: &[Left]| {
            let folders = left.iter().filter(|left| is_folder(left));
            once(folders.map(|left| (self.name(side, left.at), left.at)))
        };
        let [side_a, side_b] = &self.sides;
        let (names_a, names_b) = (names(side_a, &left_a), names(side_b, &left_b));
        let mut pairs: Vec<(usize, usize)> =
            names_a.iter().filter_map(|(name, a)| Some((*a, *names_b.get(name)?))).collect();
        let of_pair = |left: &mut Vec<Left>, places: HashSet<usize>| {
            left.retain(|left| !places.contains(&left.at));
        };
        of_pair(&mut left_a, pairs.iter().map(|pair| pair.0).collect());
        of_pair(&mut left_b, pairs.iter().map(|pair| pair.1).collect());
        let only = |left: &[Left]| {
            let mut folders = left.iter().filter(|left| is_folder(left));
            folders.next().filter(|_| folders.next().is_none()).map(|left| left.at)
        };
        if let (Some(one), Some(other)) = (only(&left_a), only(&left_b)) {
            pairs.push((one, other));
            left_a.retain(|left| left.at != one);
            left_b.retain(|left| left.at != other);
        }
        pairs.sort_unstable();
        if self.longest.is_some() {
            self.paired.extend(&pairs);
        }
        self.waiting.extend(pairs);
        // Links of Rock Ridge may be empty files elsewhere.
        let specials = (side_a.specials(a), side_b.specials(b));
        excuse(&mut left_a, specials.1);
        excuse(&mut left_b, specials.0);
        let [all_a, all_b] = &mut self.left;
        all_a.append(&mut left_a);
        all_b.append(&mut left_b);
    }

    fn report<R: Read + Seek>(
        mut self,
        medium: &mut Medium<R>,
        faults: &mut Faults,
    ) -> Result<(), ReadError> {
        self.found.sort_by_key(|(a, _, _)| *a);
        let [first, second] = &self.sides;
        let (one, two) = (first.listing.tree, second.listing.tree);
        // UDF is the tree that systems look at first, so its name is told.
        let of_second = two == TreeKind::Udf;
        for (a, b, difference) in &self.found {
            let (node, tree, other) =
                if of_second { (second.node(*b), two, one) } else { (first.node(*a), one, two) };
            let Some(node) = node else { continue };
            let name = name_at(medium, tree, node.position, faults)?;
            let kind = match difference {
                Difference::Name => {
                    // The name of UDF, which the trees with more than one of them agree on.
                    let position = first.node(*a).map_or(0, |node| node.position);
                    faults.add(position, FaultKind::OtherName { tree: other, name });
                    continue;
                }
                Difference::Other => FaultKind::OtherFile { tree: other, name },
                Difference::Swapped => FaultKind::NamesSwapped { tree, other, name },
            };
            faults.add(node.position, kind);
        }
        let [left_a, left_b] = &self.left;
        let (keys_a, keys_b) = (keys(left_a), keys(left_b));
        let sizes = if two == TreeKind::Joliet { sizes(left_a, left_b) } else { HashMap::new() };
        for (side, left, elsewhere, tree, other) in
            [(first, left_a, &keys_b, one, two), (second, left_b, &keys_a, two, one)]
        {
            for Left { at, key } in left {
                let Some(node) = side.node(*at) else { continue };
                if let Some((primary, joliet)) = sizes.get(&node.lba).copied()
                    && matches!(key, Key::File(..))
                {
                    if tree == TreeKind::Joliet {
                        let kind = FaultKind::SizesDiffer { lba: node.lba, primary, joliet };
                        faults.add(node.position.saturating_add(10), kind);
                    }
                    continue;
                }
                let name = name_at(medium, tree, node.position, faults)?;
                let kind = match key {
                    Key::Folder(_) => FaultKind::FolderOnlyIn { tree, other, name },
                    key if elsewhere.contains(key) => FaultKind::OtherFolder { tree, other, name },
                    Key::File(lba, len) => {
                        FaultKind::OnlyIn { tree, other, name, lba: *lba, len: *len }
                    }
                };
                faults.add(node.position, kind);
            }
        }
        Ok(())
    }
}

/// True when the name of UDF was cut to the length that Joliet has room for, as genisoimage does it.
fn is_cut(whole: &Node, cut: &Node) -> bool {
    let Some(units) = cut.joliet.map(NonZeroU8::get) else { return false };
    matches!(units, 64 | 65 | 103 | 104) && whole.joliet.is_none_or(|it| it.get() > units)
}

/// See [`Pair::longest`]. A tree of Joliet with a name of more than 64 units has names of up to 103.
fn longest(first: &Listing, second: &Listing) -> Option<u8> {
    match (first.tree, second.tree) {
        (TreeKind::RockRidge, TreeKind::Udf) => Some(u8::MAX),
        (TreeKind::Joliet, TreeKind::Udf) => {
            let units = first.nodes.iter().filter_map(|node| node.joliet).map(NonZeroU8::get);
            Some(if units.max() > Some(64) { 103 } else { 64 })
        }
        _ => None,
    }
}

/// The names that are there once, in order, and the places of their children.
fn by_name(children: &[Child]) -> Vec<(u32, usize)> {
    let mut names: Vec<_> = children.iter().map(|child| child.1).zip(0..).collect();
    names.sort_unstable();
    let mut found: Vec<(u32, usize)> = Vec::new();
    for group in names.chunk_by(|a, b| a.0 == b.0) {
        if let [one] = group {
            found.push(*one);
        }
    }
    found
}

/// The children with this key. Children are in order of their keys.
fn of_key<'a>(children: &'a [Child], key: &'a Key) -> impl Iterator<Item = &'a Child> {
    let before = children.partition_point(|child| child.0 < *key);
    let rest = children.get(before..).unwrap_or_default();
    rest.iter().take_while(|child| child.0 == *key)
}

fn is_once(children: &[Child], key: &Key) -> bool {
    of_key(children, key).take(2).count() == 1
}

fn is_there(children: &[Child], key: &Key) -> bool {
    of_key(children, key).next().is_some()
}

/// The values whose keys are there once.
fn once<K: Eq + std::hash::Hash, V>(all: impl Iterator<Item = (K, V)>) -> HashMap<K, V> {
    let mut found = HashMap::new();
    for (key, value) in all {
        match found.entry(key) {
            Entry::Vacant(slot) => _ = slot.insert(Some(value)),
            Entry::Occupied(mut slot) => _ = slot.insert(None),
        }
    }
    found.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Leaves out so many empty files.
fn excuse(left: &mut Vec<Left>, mut count: usize) {
    left.retain(|left| {
        let excused = left.key == Key::File(0, 0) && count > 0;
        count = count.saturating_sub(usize::from(excused));
        !excused
    });
}

/// The keys of the files that are not empty.
fn keys(left: &[Left]) -> HashSet<Key> {
    left.iter().map(|left| left.key).filter(|key| matches!(key, Key::File(_, 1..))).collect()
}

/// By first sector, both lengths of files of which the trees say different ones.
fn sizes(first: &[Left], second: &[Left]) -> HashMap<u32, (u64, u64)> {
    let file = |left: &Left| match left.key {
        Key::File(lba, len @ 1..) => Some((lba, len)),
        _ => None,
    };
    let second = once(second.iter().filter_map(file));
    let first = once(first.iter().filter_map(file));
    first.into_iter().filter_map(|(lba, len)| Some((lba, (len, *second.get(&lba)?)))).collect()
}

/// The name in a record or file identifier. Empty when no more faults are kept.
pub(super) fn name_at<R: Read + Seek>(
    medium: &mut Medium<R>,
    tree: TreeKind,
    position: u64,
    faults: &Faults,
) -> Result<String, ReadError> {
    if faults.is_full() {
        return Ok(String::new());
    }
    let mut bytes = [0; 512];
    medium.read_at(position, &mut bytes)?;
    let records = match tree {
        // The identifier leads to the file as well, and is there where a name is broken.
        TreeKind::Primary | TreeKind::RockRidge => RecordTree::Primary,
        TreeKind::Joliet => RecordTree::Joliet,
        TreeKind::Udf => return Ok(udf_file::name_of(&bytes)),
    };
    Ok(name::text(records, record::identifier_of(&bytes)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A folder in names that end in `/`; only one level.
    fn listing(tree: TreeKind, files: &[(&str, u32, u64)]) -> Listing {
        let mut listing = Listing::new(tree, 0);
        listing.begin(ROOT);
        for (position, (name, lba, len)) in (1..).zip(files) {
            listing.add(Kind::File, position, name, (*lba, *len));
        }
        listing
    }

    fn found(first: &Listing, second: &Listing) -> Vec<(u64, String)> {
        let (mut faults, mut medium) =
            (Faults::default(), Medium::new(Cursor::new(Vec::new())).unwrap());
        compare(&mut medium, first, second, &mut faults).unwrap();
        faults.finish().into_iter().map(|fault| (fault.position, fault.kind.to_string())).collect()
    }

    fn joliet_udf(joliet: &[(&str, u32, u64)], udf: &[(&str, u32, u64)]) -> Vec<u64> {
        let (joliet, udf) = (listing(TreeKind::Joliet, joliet), listing(TreeKind::Udf, udf));
        found(&joliet, &udf).into_iter().map(|(position, _)| position).collect()
    }

    #[test]
    fn files_by_extent_and_length() {
        let two = [("a", 20, 5), ("b", 30, 0)];
        assert_eq!(joliet_udf(&two, &two), []);
        assert_eq!(joliet_udf(&two, &[("a?", 20, 5), ("b", 31, 0)]), []);
        // By its name another file; not in UDF; not in Joliet.
        assert_eq!(joliet_udf(&two, &[("a", 20, 6), ("b", 30, 0)]), [1, 1, 1]);
        assert_eq!(joliet_udf(&[("a", 20, 5)], &[("a", 20, 5), ("b", 20, 5)]), [2]);
        let (primary, joliet) = (
            listing(TreeKind::Primary, &[("A", 20, 5)]),
            listing(TreeKind::Joliet, &[("a", 20, 6)]),
        );
        let only = "the file at LBA 20 has 6 bytes in Joliet and 5 in ISO 9660".to_owned();
        assert_eq!(found(&primary, &joliet), [(11, only)]);
    }

    #[test]
    fn names_that_are_swapped() {
        let swapped = [("a", 20, 5), ("b", 40, 7), ("c", 50, 7)];
        assert_eq!(joliet_udf(&[("b", 20, 5), ("a", 40, 7), ("c", 50, 7)], &swapped).len(), 2);
        let primary = listing(TreeKind::Primary, &[("B", 20, 5), ("A", 40, 7), ("C", 50, 7)]);
        assert_eq!(found(&primary, &listing(TreeKind::Joliet, &swapped)).len(), 2);
        assert_eq!(found(&primary, &listing(TreeKind::Udf, &swapped)).len(), 2);
        // `a?b` was named first, so `a_b` had to give way.
        let mangled = listing(TreeKind::Primary, &[("A_B", 20, 5), ("A_B000", 40, 7)]);
        let names = [("a?b", 20, 5), ("a_b", 40, 7)];
        assert_eq!(found(&mangled, &listing(TreeKind::Udf, &names)), []);
    }

    #[test]
    fn folders_by_what_they_hold() {
        let tree = |names: [&str; 2], files: [(&str, u32, u64); 2]| {
            let mut listing = Listing::new(TreeKind::Udf, 0);
            listing.begin(ROOT);
            let folders = names.map(|name| listing.add(Kind::Folder, 100, name, (0, 0)));
            for (folder, (name, lba, len)) in folders.into_iter().zip(files) {
                listing.begin(folder);
                listing.add(Kind::File, u64::from(lba), name, (lba, len));
            }
            listing
        };
        let files = [("a", 20, 5), ("b", 30, 6)];
        let udf = tree(["one", "two"], files);
        let positions = |mut other: Listing| {
            other.tree = TreeKind::Joliet;
            found(&other, &udf).into_iter().map(|(position, _)| position).collect::<Vec<_>>()
        };
        assert_eq!(positions(tree(["one", "two"], files)), []);
        assert_eq!(positions(tree(["o_e", "t_o"], files)), [100, 100]);
        assert_eq!(positions(tree(["two", "one"], files)), [100, 100]);
        // A file in another folder, and one that is longer.
        assert_eq!(
            positions(tree(["one", "t_o"], [("a", 20, 5), ("b", 30, 7)])),
            [100, 30, 30, 30]
        );
        // The one folder that is left stands for the other, whatever its name.
        let mut none = Listing::new(TreeKind::Joliet, 0);
        none.begin(ROOT);
        assert_eq!(found(&none, &udf).len(), 2);
    }
}
