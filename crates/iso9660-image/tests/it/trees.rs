//! Trees held against each other, stubs beside UDF, extended attribute records.

use iso9660_image::check::{Fault, FaultKind, Image, ReadError};
use iso9660_image::{Format, TreeKind};

use crate::build::{assert_clean, faults, image, options, pattern, read_back, tree};
use crate::defects::{
    BOOT_RECORD, PRIMARY, le32, primary, put_both32, record, records, table_record, ucs2,
};
use crate::udf::seal;

const SECTOR: usize = 2048;
/// Without a boot record the Joliet descriptor follows the primary one.
const JOLIET: usize = BOOT_RECORD;

fn bridge() -> Vec<u8> {
    let files: [(&str, &[u8]); 5] = [
        ("aa.txt", &pattern(100)),
        ("bb.txt", &pattern(200)),
        ("one/x.txt", &pattern(300)),
        ("two/y.txt", &pattern(400)),
        ("größe?.txt", &pattern(500)),
    ];
    image(&tree(&files), &options().with_format(Format::Bridge))
}

/// Two records change places in what they say, but for their names.
fn swap_content(image: &mut [u8], a: usize, b: usize) {
    for at in 2..18 {
        image.swap(a + at, b + at);
    }
}

#[test]
fn names_that_are_swapped_in_one_tree() {
    let clean = bridge();
    assert_clean(&clean);
    let swapped = |image: &[u8], of: TreeKind| {
        let found = faults(image);
        let is = |kind: &FaultKind| matches!(kind, FaultKind::NamesSwapped { tree, other, .. } if *tree == of || *other == of);
        // Two names, against each of the other trees.
        assert_eq!(found.iter().filter(|fault| is(&fault.kind)).count(), 4, "{found:#?}");
        assert_eq!(found.len(), 4, "{found:#?}");
    };
    let mut image = clean.clone();
    let (a, b) = (primary(&image, &["AA.TXT;1"]), primary(&image, &["BB.TXT;1"]));
    swap_content(&mut image, a, b);
    swapped(&image, TreeKind::Primary);
    let mut image = clean.clone();
    let [a, b] = ["aa.txt", "bb.txt"].map(|name| record(&image, JOLIET, &[&ucs2(name)]));
    swap_content(&mut image, a, b);
    swapped(&image, TreeKind::Joliet);
}

#[test]
fn a_file_in_another_folder() {
    // The records of x and y in both their folders: each folder has the other's file.
    let mut image = bridge();
    let (x, y) = (primary(&image, &["ONE", "X.TXT;1"]), primary(&image, &["TWO", "Y.TXT;1"]));
    swap_content(&mut image, x, y);
    let found = faults(&image);
    assert!(!found.is_empty());
    let is = |kind: &FaultKind| {
        matches!(kind, FaultKind::OtherFolder { .. } | FaultKind::NamesSwapped { .. })
    };
    assert!(found.iter().all(|fault| is(&fault.kind)), "{found:#?}");
}

/// Makes the root of the primary tree hold `kept` records only, and Joliet an enhanced descriptor.
fn stub(image: &mut [u8], kept: usize) {
    let root = le32(image, PRIMARY + 158) * SECTOR;
    let entries = records(image, root / SECTOR, SECTOR);
    let end = entries.get(2 + kept).map_or(SECTOR, |(at, _)| at - root);
    image[root + end..root + SECTOR].fill(0);
    put_both32(image, PRIMARY + 132, 10);
    let m = u32::from_be_bytes(image[PRIMARY + 148..PRIMARY + 152].try_into().unwrap()) as usize;
    for table in [le32(image, PRIMARY + 140), m] {
        image[table * SECTOR + 10..(table + 1) * SECTOR].fill(0);
    }
    (image[JOLIET + 6], image[JOLIET + 881]) = (2, 2);
}

#[test]
fn a_stub_is_not_held_against_udf() {
    let mut image = bridge();
    stub(&mut image, 0);
    assert_clean(&image);
    assert!(Image::open(std::io::Cursor::new(&image)).unwrap().joliet().is_none());
    assert_eq!(read_back(&image, TreeKind::Primary).len(), 0);
    assert_eq!(read_back(&image, TreeKind::Udf).len(), 7);
    // One file that is not README.TXT is a tree that lacks the others.
    let mut image = bridge();
    stub(&mut image, 1);
    let only = |kind: &FaultKind| {
        matches!(
            kind,
            FaultKind::OnlyIn { tree: TreeKind::Udf, .. } | FaultKind::FolderOnlyIn { .. }
        )
    };
    let found = faults(&image);
    assert!(found.len() == 4 && found.iter().all(|fault| only(&fault.kind)), "{found:#?}");
    // As our planner makes it.
    let plain = tree(&[("setup.exe", b"1"), ("sources/install.wim", b"2")]);
    assert_clean(&crate::build::image(&plain, &options().with_format(Format::UdfStub)));
    // README.TXT is a stub, with or without a like in UDF.
    let files: [(&str, &[u8]); 3] =
        [("readme.txt", &pattern(100)), ("setup.exe", &pattern(200)), ("z/x", &pattern(300))];
    let mut image = crate::build::image(&tree(&files), &options().with_format(Format::Bridge));
    stub(&mut image, 1);
    assert_clean(&image);
}

/// Moves a folder of the primary tree into the padding, behind a sector of extended attributes.
#[test]
fn the_records_of_a_directory_begin_behind_its_extended_attributes() {
    let clean = bridge();
    let mut image = clean.clone();
    let place = image.len() / SECTOR - 20;
    let one = primary(&image, &["ONE"]);
    let old = le32(&image, one + 2) * SECTOR;
    image.copy_within(old..old + SECTOR, (place + 1) * SECTOR);
    for at in [one, (place + 1) * SECTOR] {
        put_both32(&mut image, at + 2, place as u32);
        image[at + 1] = 1;
    }
    let l = table_record(&image, le32(&image, PRIMARY + 140), 2);
    let m = u32::from_be_bytes(image[PRIMARY + 148..PRIMARY + 152].try_into().unwrap()) as usize;
    let m = table_record(&image, m, 2);
    image[l + 2..l + 6].copy_from_slice(&(place as u32).to_le_bytes());
    image[m + 2..m + 6].copy_from_slice(&(place as u32).to_be_bytes());
    (image[l + 1], image[m + 1]) = (1, 1);
    assert_clean(&image);
    assert_eq!(read_back(&image, TreeKind::Primary), read_back(&clean, TreeKind::Primary));
    image[m + 1] = 0;
    let found = faults(&image);
    assert!(found.len() == 1 && found[0].position == m as u64 + 1, "{found:#?}");
}

/// A path of 16 KiB and more is left out, and said to be. Our planner makes none: two shorter ones
/// are put together.
#[test]
fn a_path_that_is_too_long_is_a_fault() {
    let half = format!("{}/", "d".repeat(250)).repeat(40);
    let (first, second) = (format!("{half}inner/f"), format!("outer/{half}f"));
    let files: [(&str, &[u8]); 2] = [(&first, b"x"), (&second, b"y")];
    let mut image = image(&tree(&files), &options().with_format(Format::Bridge));
    // The name is behind 38 bytes and the one that tells its encoding.
    let identifier =
        |name: &[u8]| image.windows(name.len()).position(|it| it == name).unwrap() - 38;
    let (inner, outer) = (identifier(b"\x08inner"), identifier(b"\x08outer"));
    for at in 20..36 {
        image.swap(inner + at, outer + at);
    }
    seal(&mut image, inner);
    seal(&mut image, outer);
    let found = faults(&image);
    // The two folders moved without their records of their parents. Nothing that only follows from a
    // folder that is left out, counts above all.
    let of_the_swap = |fault: &Fault| {
        let parent = "block of the parent in a file identifier";
        matches!(fault.kind, FaultKind::Value { what, .. } if what == parent)
    };
    let long = |fault: &Fault| matches!(fault.kind, FaultKind::PathTooLong { .. });
    assert_eq!(found.iter().filter(|fault| of_the_swap(fault)).count(), 2, "{found:#?}");
    assert_eq!(found.iter().filter(|fault| long(fault)).count(), found.len() - 2, "{found:#?}");
    assert!(found.len() > 2);
    let mut image = Image::open(std::io::Cursor::new(image)).unwrap();
    let long = |entry: &Result<_, ReadError>| matches!(entry, Err(ReadError::PathTooLong { .. }));
    assert!(image.walk(TreeKind::Udf).unwrap().any(|entry| long(&entry)));
}
