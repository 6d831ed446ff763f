//! Names of the two trees: what each can hold, and what is written where it cannot (ECMA-119 7.5
//! and 7.6, interchange level 2 and up; Joliet 1).
//!
//! Every folder is named for itself: names that need no change are given out first, the others
//! follow in the order of the tree and take a number of three or more digits at the end of the stem
//! where their name is already there. So the result depends on the folder's names alone.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use extent_image::{NodeId, Tree, fold_case};

use crate::error::PlanError;
use crate::options::Joliet;
use crate::report::RecordTree;
use crate::text::{is_d_character, is_refused_by_joliet};

/// Longest file name and extension together, without the dot and the version (ECMA-119 10.2).
const ISO_FILE: usize = 30;
/// Longest folder name (ECMA-119 7.6.3).
const ISO_FOLDER: usize = 31;
/// Digits of the first numbers that tell equal names apart; more are used when these run out.
const DIGITS: usize = 3;
/// No folder has more children than this many digits can number.
const MOST_DIGITS: usize = 10;

/// What names follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    IsoFile,
    IsoFolder,
    Joliet,
}

impl Rules {
    fn of(kind: RecordTree, is_folder: bool) -> Self {
        match (kind, is_folder) {
            (RecordTree::Joliet, _) => Self::Joliet,
            (RecordTree::Primary, true) => Self::IsoFolder,
            (RecordTree::Primary, false) => Self::IsoFile,
        }
    }

    /// Longest stem and extension together, of a Joliet name with its dot.
    fn limit(self, joliet: Joliet) -> usize {
        match self {
            Self::IsoFile => ISO_FILE,
            Self::IsoFolder => ISO_FOLDER,
            Self::Joliet => joliet.longest_name(),
        }
    }

    /// A character as it is written.
    fn map(self, c: char) -> char {
        match self {
            Self::Joliet if is_refused_by_joliet(c) => '_',
            Self::Joliet => c,
            Self::IsoFile | Self::IsoFolder => {
                let upper = c.to_ascii_uppercase();
                if is_d_character(upper) { upper } else { '_' }
            }
        }
    }

    /// The name that is written when nothing has to be changed: what a reader gives back.
    fn unchanged(self, name: &str) -> String {
        match self {
            Self::Joliet => name.to_owned(),
            Self::IsoFolder => name.to_ascii_uppercase(),
            Self::IsoFile => {
                let dot = if name.contains('.') { "" } else { "." };
                format!("{}{dot};1", name.to_ascii_uppercase())
            }
        }
    }

    /// The written name in the form in which no two of a folder may be equal.
    fn key(self, written: &str) -> String {
        match self {
            Self::Joliet => written.chars().map(fold_case).collect(),
            // Readers drop version and bare dot: `A.;1` and the folder `A` would be one.
            Self::IsoFile | Self::IsoFolder => {
                let name = written.split(';').next().unwrap_or(written);
                name.strip_suffix('.').unwrap_or(name).to_owned()
            }
        }
    }
}

/// A name with its characters replaced, split at its last dot; not yet cut.
struct Split {
    rules: Rules,
    /// Longest stem and extension together.
    limit: usize,
    stem: String,
    /// Without the dot. A Joliet name with a bare dot at its end has none.
    extension: String,
}

impl Split {
    fn new(rules: Rules, limit: usize, name: &str) -> Self {
        let map = |text: &str| text.chars().map(|c| rules.map(c)).collect();
        let split = match rules {
            Rules::IsoFolder => None,
            Rules::IsoFile => name.rsplit_once('.'),
            // A dot in front begins a stem, one at the end belongs to it.
            Rules::Joliet => name.rsplit_once('.').filter(|(s, e)| !s.is_empty() && !e.is_empty()),
        };
        match split {
            Some((stem, extension)) => {
                Self { rules, limit, stem: map(stem), extension: map(extension) }
            }
            None => Self { rules, limit, stem: map(name), extension: String::new() },
        }
    }

    /// The stem and extension that leave room for `digits` digits.
    ///
    /// The stem gives way first, down to half of the room; then the extension.
    fn cut(&self, digits: usize) -> (String, String) {
        let dot = usize::from(self.rules == Rules::Joliet && !self.extension.is_empty());
        let room = self.limit.saturating_sub(digits).saturating_sub(dot);
        let (stem, extension) = (self.measure(&self.stem), self.measure(&self.extension));
        let stem = stem.min((room / 2).max(room.saturating_sub(extension)));
        let extension = room.saturating_sub(stem);
        (self.prefix(&self.stem, stem), self.prefix(&self.extension, extension))
    }

    fn measure(&self, text: &str) -> usize {
        match self.rules {
            Rules::Joliet => text.encode_utf16().count(),
            // Only d-characters are left, one byte each.
            Rules::IsoFile | Rules::IsoFolder => text.len(),
        }
    }

    /// As many whole characters as `limit` holds: a surrogate pair is never split.
    fn prefix(&self, text: &str, limit: usize) -> String {
        let mut left = limit;
        let fits = text.chars().take_while(|c| match left.checked_sub(c.len_utf16()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        });
        fits.collect()
    }

    fn write(&self, stem: &str, number: &str, extension: &str) -> String {
        match self.rules {
            Rules::IsoFile => format!("{stem}{number}.{extension};1"),
            Rules::IsoFolder => format!("{stem}{number}"),
            Rules::Joliet => {
                let dot = if self.extension.is_empty() { "" } else { "." };
                let mut written = format!("{stem}{number}{dot}{extension}");
                // Win32 cannot open a name that ends in one of these.
                if written.ends_with([' ', '.']) {
                    written.pop();
                    written.push('_');
                }
                written
            }
        }
    }
}

/// The names of one tree.
#[derive(Debug)]
pub(crate) struct Names {
    kind: RecordTree,
    joliet: Joliet,
    /// By node. `None`: the name needs no change.
    written: Vec<Option<Box<str>>>,
}

impl Names {
    pub(crate) fn new(kind: RecordTree, joliet: Joliet, tree: &Tree) -> Self {
        Self { kind, joliet, written: vec![None; tree.len()] }
    }

    /// Names the children of one folder. `renamed` is told of those that could not be written as
    /// they are.
    ///
    /// # Errors
    /// [`PlanError::CaseCollision`] for two that need no change and that Windows takes for one.
    pub(crate) fn name_children(
        &mut self,
        tree: &Tree,
        folder: NodeId,
        mut renamed: impl FnMut(NodeId),
    ) -> Result<(), PlanError> {
        let mut taken: HashMap<String, NodeId> = HashMap::new();
        let mut waiting = Vec::new();
        for &child in tree.children(folder) {
            let name = tree.name(child);
            let (rules, _, written) = self.first_choice(tree, child);
            if written != rules.unchanged(name) {
                waiting.push(child);
                continue;
            }
            match taken.entry(rules.key(&written)) {
                Entry::Vacant(free) => {
                    free.insert(child);
                }
                Entry::Occupied(other) if self.kind == RecordTree::Joliet => {
                    return Err(PlanError::CaseCollision {
                        first: tree.path(*other.get()),
                        second: tree.path(child),
                    });
                }
                Entry::Occupied(_) => waiting.push(child),
            }
        }
        // The next number to try, by what stands around it: without this, a thousand names with one
        // beginning would each start from 000.
        let mut next: HashMap<(String, String, usize), u64> = HashMap::new();
        for child in waiting {
            // Once more, for kept they would be most of a large folder's memory.
            let (_, split, plain) = self.first_choice(tree, child);
            let written = match taken.entry(split.rules.key(&plain)) {
                Entry::Vacant(free) => {
                    free.insert(child);
                    plain
                }
                Entry::Occupied(_) => numbered(&split, child, &mut taken, &mut next),
            };
            renamed(child);
            if let Some(slot) = self.written.get_mut(child.index()) {
                *slot = Some(written.into_boxed_str());
            }
        }
        Ok(())
    }

    /// A name that is written if no other takes it, and what it is made of.
    fn first_choice(&self, tree: &Tree, child: NodeId) -> (Rules, Split, String) {
        let rules = Rules::of(self.kind, tree.is_folder(child));
        let split = Split::new(rules, rules.limit(self.joliet), tree.name(child));
        let (stem, extension) = split.cut(0);
        let written = split.write(&stem, "", &extension);
        (rules, split, written)
    }

    /// The name as it is written, with the version of a file of the primary tree.
    pub(crate) fn text<'a>(&'a self, tree: &'a Tree, node: NodeId) -> Cow<'a, str> {
        match (self.written.get(node.index()), self.kind) {
            (Some(Some(written)), _) => Cow::Borrowed(written),
            (_, RecordTree::Joliet) => Cow::Borrowed(tree.name(node)),
            (_, RecordTree::Primary) => {
                let rules = Rules::of(self.kind, tree.is_folder(node));
                Cow::Owned(rules.unchanged(tree.name(node)))
            }
        }
    }

    /// The identifier as it stands in a record. Not for the root, which has its own.
    pub(crate) fn identifier(&self, tree: &Tree, node: NodeId) -> Vec<u8> {
        let text = self.text(tree, node);
        match self.kind {
            RecordTree::Primary => text.as_bytes().to_vec(),
            RecordTree::Joliet => utf16_be(&text),
        }
    }

    /// Length of the identifier in bytes, at most 206.
    pub(crate) fn identifier_len(&self, tree: &Tree, node: NodeId) -> usize {
        let text = self.text(tree, node);
        match self.kind {
            RecordTree::Primary => text.len(),
            RecordTree::Joliet => text.encode_utf16().count().saturating_mul(2),
        }
    }

    /// Bytes that sort as the records of a folder must (ECMA-119 9.3).
    ///
    /// Primary: file name, then extension, the shorter filled with spaces; a zero between the two
    /// does that, for both hold d-characters only. (Comparing `NAME.EXT;1` by bytes would not: `;`
    /// lies after the digits.) Joliet: the 16-bit units, the shorter filled with zeros.
    pub(crate) fn sort_key(&self, tree: &Tree, node: NodeId) -> Vec<u8> {
        match self.kind {
            RecordTree::Joliet => self.identifier(tree, node),
            RecordTree::Primary => {
                let text = self.text(tree, node);
                let text = text.split(';').next().unwrap_or(&text);
                text.bytes().map(|byte| if byte == b'.' { 0 } else { byte }).collect()
            }
        }
    }
}

/// Refuses names that Windows takes for one, for a tree that is shown as it is.
pub(crate) fn refuse_case_collisions(tree: &Tree) -> Result<(), PlanError> {
    for folder in tree.walk().filter(|node| tree.is_folder(*node)) {
        let mut taken = HashMap::new();
        for &child in tree.children(folder) {
            if let Some(other) = taken.insert(Rules::Joliet.key(tree.name(child)), child) {
                return Err(PlanError::CaseCollision {
                    first: tree.path(other),
                    second: tree.path(child),
                });
            }
        }
    }
    Ok(())
}

/// The first free name with a number.
fn numbered(
    split: &Split,
    child: NodeId,
    taken: &mut HashMap<String, NodeId>,
    next: &mut HashMap<(String, String, usize), u64>,
) -> String {
    let mut written = String::new();
    for digits in DIGITS..=MOST_DIGITS {
        let (stem, extension) = split.cut(digits);
        let counter = next.entry((stem.clone(), extension.clone(), digits)).or_insert(0);
        loop {
            let number = format!("{counter:0digits$}");
            if number.len() > digits {
                break;
            }
            // At most ten digits: far from the end of 64 bits.
            *counter = counter.saturating_add(1);
            written = split.write(&stem, &number, &extension);
            if let Entry::Vacant(free) = taken.entry(split.rules.key(&written)) {
                free.insert(child);
                return written;
            }
        }
    }
    // A tree has fewer nodes than ten digits have numbers, so a free one was found.
    written
}

/// UTF-16, big-endian.
pub(crate) fn utf16_be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use extent_image::{Data, Meta, Timestamp, TreeBuilder};

    use super::*;

    fn named(kind: RecordTree, folders: &[&str], files: &[&str]) -> Result<Vec<String>, PlanError> {
        named_in(kind, Joliet::Units64, folders, files)
    }

    fn named_in(
        kind: RecordTree,
        joliet: Joliet,
        folders: &[&str],
        files: &[&str],
    ) -> Result<Vec<String>, PlanError> {
        let meta = Meta::at(Timestamp::FAT_EPOCH);
        let mut builder = TreeBuilder::new(meta);
        for name in folders {
            builder.folder(NodeId::ROOT, name, meta).unwrap();
        }
        for name in files {
            builder.file(NodeId::ROOT, name, meta, Data::bytes("t", "")).unwrap();
        }
        let tree = builder.finish().unwrap();
        let mut names = Names::new(kind, joliet, &tree);
        let mut renamed = 0;
        names.name_children(&tree, NodeId::ROOT, |_| renamed += 1)?;
        let mut rows: Vec<_> = tree
            .children(NodeId::ROOT)
            .iter()
            .map(|id| format!("{} -> {}", tree.name(*id), names.text(&tree, *id)))
            .collect();
        rows.push(renamed.to_string());
        Ok(rows)
    }

    #[test]
    fn primary_names() {
        let rows = named(
            RecordTree::Primary,
            &["EFI", "v1.0", "abcdefghijklmnopqrstuvwxyz0123456"],
            &[
                "boot.wim",
                "bootmgr",
                ".profile",
                "a.b.c",
                "trailing.",
                "Größe.txt",
                "abcdefghijklmnopqrstuvwxyz01234.txt",
                "abc.abcdefghijklmnopqrstuvwxyz01234",
            ],
        )
        .unwrap();
        assert_eq!(
            rows,
            [
                ".profile -> .PROFILE;1",
                "EFI -> EFI",
                "Größe.txt -> GR__E.TXT;1",
                "a.b.c -> A_B.C;1",
                "abc.abcdefghijklmnopqrstuvwxyz01234 -> ABC.ABCDEFGHIJKLMNOPQRSTUVWXYZ0;1",
                "abcdefghijklmnopqrstuvwxyz01234.txt -> ABCDEFGHIJKLMNOPQRSTUVWXYZ0.TXT;1",
                "abcdefghijklmnopqrstuvwxyz0123456 -> ABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
                "boot.wim -> BOOT.WIM;1",
                "bootmgr -> BOOTMGR.;1",
                "trailing. -> TRAILING.;1",
                "v1.0 -> V1_0",
                "6",
            ]
        );
    }

    #[test]
    fn primary_collisions_leave_unchanged_names_alone() {
        let rows = named(RecordTree::Primary, &["x"], &["a b.txt", "a+b.txt", "a_b.txt", "x."]);
        assert_eq!(
            rows.unwrap(),
            [
                "a b.txt -> A_B000.TXT;1",
                "a+b.txt -> A_B001.TXT;1",
                "a_b.txt -> A_B.TXT;1",
                "x -> X",
                "x. -> X000.;1",
                "3",
            ]
        );
    }

    #[test]
    fn a_thousand_collisions_take_a_fourth_digit() {
        let names: Vec<String> =
            (0..1003).map(|n| format!("{}{n:04}.txt", "x".repeat(40))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let rows = named(RecordTree::Primary, &[], &names).unwrap();
        let stem = "X".repeat(24);
        assert!(rows[0].ends_with(&format!("> {stem}XXX.TXT;1")), "{}", rows[0]);
        assert!(rows[1].ends_with(&format!("> {stem}000.TXT;1")), "{}", rows[1]);
        assert!(rows[1000].ends_with(&format!("> {stem}999.TXT;1")), "{}", rows[1000]);
        assert!(rows[1001].ends_with(&format!("> {}0000.TXT;1", "X".repeat(23))), "{}", rows[1001]);
    }

    #[test]
    fn joliet_names() {
        let disc = "\u{1F4BF}";
        let pairs = format!("{}.txt", disc.repeat(31));
        let long = format!("{}.configuration", "n".repeat(60));
        let rows = named(
            RecordTree::Joliet,
            &["v1.0"],
            &["a:b", "end.", "space ", &pairs, &long, "Größe.txt", &"z".repeat(64)],
        )
        .unwrap();
        assert_eq!(
            rows,
            [
                "Größe.txt -> Größe.txt".to_owned(),
                "a:b -> a_b".to_owned(),
                "end. -> end_".to_owned(),
                format!("{long} -> {}.configuration", "n".repeat(50)),
                "space  -> space_".to_owned(),
                "v1.0 -> v1.0".to_owned(),
                format!("{0} -> {0}", "z".repeat(64)),
                // 62 units and ".txt" are 66; thirty pairs are the most that fit.
                format!("{pairs} -> {}.txt", disc.repeat(30)),
                "5".to_owned(),
            ]
        );
    }

    #[test]
    fn long_joliet_names() {
        let (fits, long) = ("n".repeat(103), "n".repeat(104));
        let pairs = format!("{}.txt", "\u{1F4BF}".repeat(50));
        let rows =
            named_in(RecordTree::Joliet, Joliet::Units103, &[&fits], &[&long, &pairs]).unwrap();
        assert_eq!(
            rows,
            [
                format!("{fits} -> {fits}"),
                format!("{long} -> {}000", "n".repeat(100)),
                format!("{pairs} -> {}.txt", "\u{1F4BF}".repeat(49)),
                "2".to_owned(),
            ]
        );
    }

    #[test]
    fn joliet_collisions() {
        let rows = named(RecordTree::Joliet, &[], &["A_b", "a:b", "a?b"]).unwrap();
        assert_eq!(rows, ["A_b -> A_b", "a:b -> a_b000", "a?b -> a_b001", "2"]);
        let error = named(RecordTree::Joliet, &["Äa"], &["äA"]).unwrap_err();
        let named = PlanError::CaseCollision { first: "Äa".into(), second: "äA".into() };
        assert_eq!(error, named);
    }

    #[test]
    fn extensions_give_way_after_half_of_the_stem() {
        let split =
            Split::new(Rules::IsoFile, ISO_FILE, &format!("{}.{}", "a".repeat(20), "b".repeat(20)));
        assert_eq!(split.cut(0), ("A".repeat(15), "B".repeat(15)));
        let split = Split::new(Rules::IsoFile, ISO_FILE, &format!("abc.{}", "b".repeat(40)));
        assert_eq!(split.cut(9), ("ABC".to_owned(), "B".repeat(18)));
    }
}
