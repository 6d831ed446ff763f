//! Trees made by proptest, and what a reader must find of them.

use std::collections::{BTreeMap, HashSet};

use extent_image::{Attributes, Data, Meta, NodeId, Timestamp, Tree, TreeBuilder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What is known of a file or folder, by its path.
pub(crate) type Expected = BTreeMap<String, Facts>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `None` for a folder.
    pub(crate) content: Option<Vec<u8>>,
    /// Bits of the attribute byte.
    pub(crate) attributes: u8,
    /// Seconds since 1970, even.
    pub(crate) modified: i64,
}

/// One file or folder before it has a place.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) folder: usize,
    pub(crate) name: String,
    /// `None` for a folder.
    pub(crate) len: Option<usize>,
    pub(crate) bits: u8,
    pub(crate) seconds: i64,
}

pub(crate) fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let draft = (any::<usize>(), name(), prop::option::of(len()), 0u8..8, seconds());
    let draft = draft.prop_map(|(folder, name, len, bits, seconds)| Draft {
        folder,
        name,
        len,
        bits,
        seconds,
    });
    vec(draft, 0..60)
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), select(vec![1, 511, 512, 513, 4095, 4096, 4097, 8192]), 0..20_000usize]
}

/// Years 1980 to 2107.
fn seconds() -> impl Strategy<Value = i64> {
    315_532_800..4_354_819_200i64
}

/// Names that FAT can hold: plain, similar, odd, and long ones.
fn name() -> impl Strategy<Value = String> {
    let chars = "aAbBzZ09 ._-+,;=[]~!#$%&'()@^`{}äÄßſ日é😀Ω\u{7f}";
    let odd = vec(select(chars.chars().collect::<Vec<_>>()), 1..30);
    let odd = odd.prop_map(|chars| chars.into_iter().collect::<String>());
    let long = (1..=255usize).prop_map(|len| "Long ".chars().cycle().take(len).collect());
    let similar = (0..40u32).prop_map(|n| format!("similar name {n}.txt"));
    let short = "[A-Z]{1,8}|[a-z]{1,8}\\.[A-Z]{1,3}|[a-zA-Z]{1,8}\\.[a-z0-9]{1,3}|A~[1-5]";
    let name = prop_oneof![odd, long, similar, short];
    name.prop_map(|name: String| {
        let name = name.trim_end_matches(['.', ' ']);
        if name.is_empty() { "x".to_owned() } else { name.to_owned() }
    })
}

pub(crate) fn content(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| ((at + seed) % 251) as u8 ^ (at / 251) as u8).collect()
}

/// Builds the tree, leaving out names that are taken.
pub(crate) fn tree(drafts: &[Draft]) -> (Tree, Expected) {
    let epoch = Meta::at(Timestamp::FAT_EPOCH);
    let mut builder = TreeBuilder::new(epoch);
    let mut folders = vec![(NodeId::ROOT, String::new())];
    let mut taken = HashSet::new();
    let mut expected = Expected::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (parent, path) = folders[draft.folder % folders.len()].clone();
        if !taken.insert((parent, draft.name.to_uppercase())) {
            continue;
        }
        let attributes = Attributes {
            read_only: draft.bits & 1 != 0,
            hidden: draft.bits & 2 != 0,
            system: draft.bits & 4 != 0,
        };
        let meta = Meta { modified: Timestamp::from_unix_seconds(draft.seconds), attributes };
        let path =
            if path.is_empty() { draft.name.clone() } else { format!("{path}/{}", draft.name) };
        let content = draft.len.map(|len| content(len, index));
        let kind = match &content {
            Some(content) => {
                let data = Data::bytes("test", content.clone());
                builder.file(parent, &draft.name, meta, data).unwrap();
                0x20
            }
            None => {
                let id = builder.folder(parent, &draft.name, meta).unwrap();
                folders.push((id, path.clone()));
                0x10
            }
        };
        let modified = draft.seconds & !1;
        let facts = Facts { content, attributes: draft.bits | kind, modified };
        expected.insert(path, facts);
    }
    (builder.finish().unwrap(), expected)
}

/// A tree of files and folders from paths: folders end with `/`, the others hold their length.
pub(crate) fn sample(paths: &[(&str, usize)]) -> Tree {
    let meta = Meta::at(Timestamp::from_unix_seconds(1_700_000_000));
    let mut builder = TreeBuilder::new(meta);
    let mut folders = BTreeMap::from([(String::new(), NodeId::ROOT)]);
    for (index, (path, len)) in paths.iter().enumerate() {
        let is_folder = path.ends_with('/');
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = folders[parent];
        if is_folder {
            let id = builder.folder(parent, name, meta).unwrap();
            folders.insert(path.to_owned(), id);
        } else {
            let data = Data::bytes("test", content(*len, index));
            builder.file(parent, name, meta, data).unwrap();
        }
    }
    builder.finish().unwrap()
}
