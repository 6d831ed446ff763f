//! Rock Ridge and the forms of Joliet, planned and read back.

use std::io::Cursor;

use extent_image::{Data, NodeId, Timestamp, Tree, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{
    Format, ImageOptions, Joliet, Notice, PlanError, RockRidge, TreeKind, plan, sectors_needed,
};
use proptest::prelude::*;

use crate::build::{
    LONG, NOON, assert_clean, bytes, expected, image, medium, meta, notices, options, pattern,
    read_back, tree, with_a_long_file,
};

/// Every tree of the image holds what it should.
#[track_caller]
fn assert_reads_back(tree: &Tree, options: &ImageOptions, kinds: &[TreeKind]) {
    let plan = plan(tree, options).unwrap();
    assert_eq!(sectors_needed(tree, options).unwrap(), plan.sectors());
    let image = bytes(&plan);
    assert_eq!(image.len() as u64, plan.sectors() * 2048);
    assert_clean(&image);
    for &kind in kinds {
        assert_eq!(read_back(&image, kind), expected(tree, &plan, kind), "{kind}");
    }
}

const ALL: [TreeKind; 4] =
    [TreeKind::Primary, TreeKind::RockRidge, TreeKind::Joliet, TreeKind::Udf];

/// A bridge with Rock Ridge and long Joliet names.
fn everything() -> ImageOptions {
    options()
        .with_format(Format::Bridge)
        .with_rock_ridge(RockRidge::ReadOnly)
        .with_joliet(Joliet::Units103)
}

#[test]
fn a_bootable_medium_reads_back() {
    let (tree, options) = medium();
    let rock_ridge = options.with_rock_ridge(RockRidge::ReadOnly);
    assert_reads_back(&tree, &rock_ridge, &ALL[..3]);
    assert_reads_back(&tree, &rock_ridge.clone().with_format(Format::Bridge), &ALL);
    assert_reads_back(&tree, &rock_ridge.with_joliet(Joliet::Off), &ALL[..2]);
}

#[test]
fn a_disc_without_joliet() {
    let (tree, options) = medium();
    let with = plan(&tree, &options).unwrap();
    let without = plan(&tree, &options.clone().with_joliet(Joliet::Off)).unwrap();
    assert!(without.sectors() < with.sectors());
    assert_eq!(without.joliet_volume_id(), None);
    let opened = Image::open(Cursor::new(bytes(&without))).unwrap();
    assert!(opened.joliet().is_none() && !opened.has_rock_ridge());
    assert!(without.renames(&tree).all(|rename| rename.tree == TreeKind::Primary));
}

#[test]
fn names_that_differ_by_case_are_for_posix_alone() {
    let tree = tree(&[("readme", b"1"), ("README", b"2")]);
    let posix = options().with_joliet(Joliet::Off).with_rock_ridge(RockRidge::ReadOnly);
    assert_reads_back(&tree, &posix, &ALL[..2]);
    for shown in [posix.clone().with_format(Format::Bridge), posix.with_joliet(Joliet::Units64)] {
        let error = plan(&tree, &shown).unwrap_err();
        assert!(matches!(error, PlanError::CaseCollision { .. }), "{error}");
    }
}

#[test]
fn records_say_who_may_what_and_when() {
    let tree = tree(&[("d/e/f", b"x"), ("g", b"y")]);
    let image = image(&tree, &options().with_rock_ridge(RockRidge::ReadOnly));
    let mut image = Image::open(Cursor::new(image)).unwrap();
    assert!(image.has_rock_ridge());
    let noon = Some(Timestamp::from_unix_seconds(NOON));
    let found: Vec<_> = image.walk(TreeKind::RockRidge).unwrap().map(Result::unwrap).collect();
    let row = |it: &iso9660_image::check::Entry| (it.path().to_owned(), it.mode(), it.modified());
    let (folder, file) = (Some(0o040_555), Some(0o100_555));
    assert_eq!(
        found.iter().map(row).collect::<Vec<_>>(),
        [
            ("d".to_owned(), folder, noon),
            ("d/e".to_owned(), folder, noon),
            ("d/e/f".to_owned(), file, noon),
            ("g".to_owned(), file, noon),
        ]
    );
}

#[test]
fn directories_and_areas_of_many_sectors() {
    let mut files = Vec::new();
    for n in 0..300 {
        files.push(format!("{}{n:03}", "långt namn ".repeat(n % 20)));
        files.push(format!("folder {}/{}", n % 7, n.to_string().repeat(1 + n % 80)));
    }
    files.push(format!("{}/x", vec!["deeper than any other folder".to_owned(); 20].join("/")));
    let files: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), &b"z"[..])).collect();
    assert_reads_back(&tree(&files), &everything(), &ALL);
}

#[test]
fn a_file_of_two_sections_has_one_name() {
    let mut builder = TreeBuilder::new(meta());
    let name = format!("{}.wim", "long name ".repeat(20));
    let data = with_a_long_file();
    let long = data.walk().find(|node| data.data(*node).is_some_and(|it| it.len() == LONG));
    let long = data.data(long.unwrap()).unwrap().clone();
    builder.file(NodeId::ROOT, &name, meta(), long).unwrap();
    let plan = plan(&builder.finish().unwrap(), &everything()).unwrap();
    let mut image = Image::open(plan.plan().reader()).unwrap();
    assert_eq!(image.check().unwrap(), []);
    let found: Vec<_> = image.walk(TreeKind::RockRidge).unwrap().map(Result::unwrap).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path(), found[0].size()), (name.as_str(), LONG));
}

#[test]
fn long_names_are_kept_told_or_refused() {
    let (kept, told) = ("k".repeat(253), "t".repeat(255));
    let fits = tree(&[(&kept, b""), (&told, b"")]);
    let rock_ridge = options().with_rock_ridge(RockRidge::ReadOnly);
    assert_reads_back(&fits, &rock_ridge, &ALL[..3]);
    let found = notices(&plan(&fits, &rock_ridge).unwrap(), &fits);
    let long = |notice: &&Notice| matches!(notice, Notice::LongName { .. });
    let found: Vec<String> = found.iter().filter(long).map(ToString::to_string).collect();
    let text = format!("Rock Ridge: {told} has a name of 255 bytes, Linux reads 253 and cuts it");
    assert_eq!(found, [text]);
    let long = "漢".repeat(86);
    let error = plan(&tree(&[(&long, b"")]), &rock_ridge).unwrap_err();
    assert_eq!(error, PlanError::RockRidgeName { path: long, found: 258, allowed: 255 });
}

#[test]
fn strict_joliet_is_for_the_longest_name_of_its_form() {
    let name = "n".repeat(100);
    let tree = tree(&[(&name, b"")]);
    let strict = options().with_strict_joliet(true);
    assert!(matches!(plan(&tree, &strict), Err(PlanError::JolietNames { .. })));
    assert_reads_back(&tree, &strict.clone().with_joliet(Joliet::Units103), &[TreeKind::Joliet]);
    assert!(plan(&tree, &strict.with_joliet(Joliet::Off)).is_ok());
}

/// Names of up to 255 bytes.
fn names() -> impl Strategy<Value = String> {
    let any = prop_oneof![
        3 => "[a-zA-Z0-9_]{1,8}(\\.[a-z]{1,3})?",
        2 => "[ -.0-~]{1,255}",
        2 => "[a-b]{100,106}(\\.[a-c]{1,40})?",
        2 => "[a-zäöüßéñ漢字💿. ]{1,250}",
        1 => "[x]{125,255}",
        1 => any::<String>(),
    ];
    any.prop_map(|name: String| {
        let ends = name.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take_while(|end| *end <= 255).last().unwrap_or(0);
        name[..end].to_owned()
    })
}

/// A node: a name, the folder it goes into, and its length if it is a file.
type Row = (String, usize, Option<usize>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = || (names(), any::<usize>(), prop::option::weighted(0.7, 0usize..3000));
    prop_oneof![
        8 => prop::collection::vec(row(), 0..40),
        // Deep rather than wide, or wide rather than deep.
        1 => prop::collection::vec((names(), Just(usize::MAX), Just(None)), 0..30),
        1 => prop::collection::vec((names(), Just(0), Just(Some(1))), 100..300),
    ]
}

fn tree_of(rows: &[Row]) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let mut folders = vec![NodeId::ROOT];
    let mut taken = std::collections::HashSet::new();
    for (name, parent, len) in rows {
        let parent = if *parent == usize::MAX { folders.len() - 1 } else { parent % folders.len() };
        let parent = folders[parent];
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
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_tree_reads_back(
        rows in rows(),
        rock_ridge in any::<bool>(),
        udf in any::<bool>(),
        joliet in prop::sample::select(vec![Joliet::Off, Joliet::Units64, Joliet::Units103]),
    ) {
        let tree = tree_of(&rows);
        let mut options = options().with_joliet(joliet);
        let mut kinds = vec![TreeKind::Primary];
        if rock_ridge {
            options = options.with_rock_ridge(RockRidge::ReadOnly);
            kinds.push(TreeKind::RockRidge);
        }
        if joliet != Joliet::Off {
            kinds.push(TreeKind::Joliet);
        }
        let fits_udf = |node| {
            let name: &str = tree.name(node);
            let narrow = name.chars().all(|c| c <= '\u{FF}');
            if narrow { name.chars().count() <= 254 } else { name.encode_utf16().count() <= 127 }
        };
        if udf && tree.walk().all(fits_udf) {
            options = options.with_format(Format::Bridge);
            kinds.push(TreeKind::Udf);
        }
        if let Err(error) = plan(&tree, &options) {
            prop_assert!(matches!(error, PlanError::CaseCollision { .. }), "{}", error);
            return Ok(());
        }
        assert_reads_back(&tree, &options, &kinds);
    }
}
