//! Any tree, planned and read back by our checker and by the `iso9660` crate.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use extent_image::{Data, NodeId, Tree, TreeBuilder, fold_case};
use iso9660::{DirectoryEntry, ISO9660, ISODirectory};
use iso9660_image::{BootEntry, BootImage, Format, PlanError, Platform, TreeKind, plan};
use proptest::prelude::*;

use crate::build::{
    assert_clean, bytes, expected, format, medium, meta, options, pattern, read_back,
};

type Files = BTreeMap<String, Option<Vec<u8>>>;

/// What the `iso9660` crate finds in the primary tree.
fn foreign(image: &[u8]) -> Files {
    fn folder(at: &ISODirectory<Cursor<&[u8]>>, path: &str, found: &mut Files) {
        for entry in at.contents() {
            let entry = entry.unwrap();
            if matches!(entry.identifier(), "." | "..") {
                continue;
            }
            let path = format!("{path}{}", entry.identifier());
            match entry {
                DirectoryEntry::Directory(directory) => {
                    folder(&directory, &format!("{path}/"), found);
                    found.insert(path, None);
                }
                DirectoryEntry::File(file) => {
                    let mut content = Vec::new();
                    file.read().read_to_end(&mut content).unwrap();
                    found.insert(path, Some(content));
                }
            }
        }
    }
    let iso = ISO9660::new(Cursor::new(image)).unwrap();
    let mut found = Files::new();
    folder(&iso.root, "", &mut found);
    found
}

/// A node: a name, the folder it goes into, and its length if it is a file.
type Row = (String, usize, Option<usize>);

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9_]{1,8}(\\.[a-z]{1,3})?",
        2 => "[ -.0-~]{1,40}",
        1 => "[a-z]{28,32}\\.[a-z]{1,3}",
        1 => "[a-c]{60,70}(\\.[a-c]{1,40})?",
        1 => "[a-zäöüßéñ漢字💿. ]{1,70}",
        1 => any::<String>(),
        // Twins by case, as they are and as Joliet changes them.
        1 => "[aA]b?(\\?|c{70})?",
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let len = prop_oneof![Just(0), 1usize..5000, Just(2048), Just(65_536)];
    prop::collection::vec((names(), any::<usize>(), prop::option::weighted(0.7, len)), 0..40)
}

/// The tree that the rows make; rows that no tree can hold are left out.
fn tree_of(rows: &[Row]) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let mut folders = vec![NodeId::ROOT];
    let mut taken = std::collections::HashSet::new();
    for (name, parent, len) in rows {
        let parent = folders[parent % folders.len()];
        if !taken.insert((parent, name.clone())) {
            continue;
        }
        match len {
            Some(len) => {
                let _ = builder.file(parent, name, meta(), Data::bytes("t", pattern(*len)));
            }
            None => folders.extend(builder.folder(parent, name, meta())),
        }
    }
    builder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_tree_reads_back(rows in rows(), boot in any::<bool>(), udf in any::<bool>()) {
        let tree = tree_of(&rows);
        let mut options = options().with_format(format(udf));
        if boot {
            let image = BootImage::Hidden(Data::bytes("boot", pattern(3000)));
            options = options.with_boot_entry(BootEntry::new(Platform::Bios, image));
        }
        let plan = match plan(&tree, &options) {
            Ok(plan) => plan,
            Err(PlanError::CaseCollision { .. }) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        let image = bytes(&plan);
        prop_assert_eq!(image.len() as u64, plan.sectors() * 2048);
        assert_clean(&image);
        for kind in [TreeKind::Primary, TreeKind::Joliet] {
            prop_assert_eq!(read_back(&image, kind), expected(&tree, &plan, kind));
        }
        if udf {
            let expected = expected(&tree, &plan, TreeKind::Udf);
            let found = read_back(&image, TreeKind::Udf);
            let folded: BTreeSet<String> =
                found.keys().map(|path| path.chars().map(fold_case).collect()).collect();
            prop_assert_eq!(folded.len(), found.len());
            prop_assert_eq!(found, expected);
        }
        prop_assert_eq!(foreign(&image), expected(&tree, &plan, TreeKind::Primary));
    }
}

#[test]
fn a_bootable_medium_reads_back() {
    let (tree, options) = medium();
    let plan = plan(&tree, &options.with_format(Format::Bridge)).unwrap();
    let image = bytes(&plan);
    assert_clean(&image);
    for kind in [TreeKind::Primary, TreeKind::Joliet, TreeKind::Udf] {
        assert_eq!(read_back(&image, kind), expected(&tree, &plan, kind));
    }
    assert_eq!(foreign(&image), expected(&tree, &plan, TreeKind::Primary));
    let renames: Vec<_> = plan.renames(&tree).map(|rename| rename.to_string()).collect();
    assert_eq!(
        renames,
        [
            "ISO 9660: Größe & Länge.txt is named GR__E___L_NGE.TXT;1",
            "ISO 9660: also empty.txt is named ALSO_EMPTY.TXT;1",
            "ISO 9660: empty folder is named EMPTY_FOLDER",
        ]
    );
}
