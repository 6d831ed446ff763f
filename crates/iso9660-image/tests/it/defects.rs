//! One defect planted at a time: each must be flagged where it is. The first thirteen are those
//! that no free tool fails on.

use iso9660_image::TreeKind;
use iso9660_image::check::{Fault, FaultKind};

use crate::build::{assert_clean, faults, image, medium, pattern, read_back, tree};

pub(crate) const PRIMARY: usize = 16 * 2048;
pub(crate) const BOOT_RECORD: usize = 17 * 2048;
pub(crate) const JOLIET: usize = 18 * 2048;
pub(crate) const TERMINATOR: usize = 19 * 2048;

pub(crate) fn le32(image: &[u8], at: usize) -> usize {
    u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize
}

pub(crate) fn put_both32(image: &mut [u8], at: usize, value: u32) {
    image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    image[at + 4..at + 8].copy_from_slice(&value.to_be_bytes());
}

/// Where the records of a directory are, in order: offset and identifier.
pub(crate) fn records(image: &[u8], lba: usize, len: usize) -> Vec<(usize, Vec<u8>)> {
    let (mut at, end) = (lba * 2048, lba * 2048 + len);
    let mut found = Vec::new();
    while at < end {
        if image[at] == 0 {
            at = (at / 2048 + 1) * 2048;
            continue;
        }
        let id = image[at + 33..at + 33 + usize::from(image[at + 32])].to_vec();
        found.push((at, id));
        at += usize::from(image[at]);
    }
    found
}

pub(crate) fn root(image: &[u8], descriptor: usize) -> Vec<(usize, Vec<u8>)> {
    records(image, le32(image, descriptor + 158), le32(image, descriptor + 166))
}

pub(crate) fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The record of a path, given as identifiers.
pub(crate) fn record(image: &[u8], descriptor: usize, path: &[&[u8]]) -> usize {
    let mut records_here = root(image, descriptor);
    let mut found = 0;
    for name in path {
        let (at, _) = records_here.iter().find(|(_, id)| id == name).expect("no such record");
        found = *at;
        if image[found + 25] & 2 != 0 {
            records_here = records(image, le32(image, found + 2), le32(image, found + 10));
        }
    }
    found
}

pub(crate) fn primary(image: &[u8], path: &[&str]) -> usize {
    let path: Vec<&[u8]> = path.iter().map(|name| name.as_bytes()).collect();
    record(image, PRIMARY, &path)
}

pub(crate) fn joliet(image: &[u8], path: &[&str]) -> usize {
    let path: Vec<Vec<u8>> = path.iter().map(|name| ucs2(name)).collect();
    let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    record(image, JOLIET, &path)
}

/// Plants a defect into a clean image. The defect answers where the fault must be found; the first
/// fault of a kind that `is` accepts must be there.
#[track_caller]
fn planted(plant: impl FnOnce(&mut Vec<u8>) -> usize, is: impl Fn(&FaultKind) -> bool) {
    let (tree, options) = medium();
    let mut image = image(&tree, &options);
    assert_clean(&image);
    let position = plant(&mut image) as u64;
    let found = faults(&image);
    let hit = |fault: &&Fault| is(&fault.kind);
    match found.iter().find(hit) {
        Some(fault) => assert_eq!(fault.position, position, "{found:#?}"),
        None => panic!("not flagged: {found:#?}"),
    }
}

#[test]
fn path_table_size_too_large() {
    planted(
        |image| {
            let size = le32(image, PRIMARY + 132) as u32;
            put_both32(image, PRIMARY + 132, size + 10);
            PRIMARY + 132
        },
        |kind| matches!(kind, FaultKind::PathTableSize { tree: TreeKind::Primary, .. }),
    );
}

#[test]
fn file_size_big_endian_half() {
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 10;
            image[at + 7] ^= 1;
            at
        },
        |kind| matches!(kind, FaultKind::Halves { .. }),
    );
}

/// Swaps two neighbouring records of equal length.
pub(crate) fn swap(image: &mut [u8], first: usize) -> usize {
    let len = usize::from(image[first]);
    assert_eq!(usize::from(image[first + len]), len, "records differ in length");
    let (a, b) = image[first..first + 2 * len].split_at_mut(len);
    a.swap_with_slice(b);
    first + len + 33
}

#[test]
fn unsorted_directories() {
    let tree = tree(&[("aa", b"1"), ("bb", b"2"), ("cc", b"3")]);
    let clean = image(&tree, &crate::build::options());
    // Without a boot record the Joliet descriptor follows the primary one.
    for (descriptor, name) in [(PRIMARY, b"AA.;1".to_vec()), (BOOT_RECORD, ucs2("aa"))] {
        let mut image = clean.clone();
        let first = record(&image, descriptor, &[&name]);
        let position = swap(&mut image, first) as u64;
        let found = faults(&image);
        let kind = |fault: &Fault| matches!(fault.kind, FaultKind::Order { .. });
        assert!(found.iter().any(|fault| fault.position == position && kind(fault)), "{found:#?}");
    }
}

#[test]
fn duplicate_identifiers() {
    planted(
        |image| {
            let (mgr, empty) =
                (primary(image, &["BOOTMGR.;1"]) + 33, primary(image, &["EMPTY.TXT;1"]) + 33);
            assert!(mgr < empty);
            image[mgr..mgr + 10].copy_from_slice(b"EMPTY.TX;1");
            // One character shorter, and the byte that fills the record up.
            image[empty..empty + 11].copy_from_slice(b"EMPTY.TX;1\0");
            image[empty - 1] = 10;
            empty
        },
        |kind| matches!(kind, FaultKind::Duplicate { .. }),
    );
}

#[test]
fn files_that_overlap() {
    planted(
        |image| {
            // 70,000 bytes from a sector before its own reach into the next file.
            let at = primary(image, &["SOURCES", "BOOT.WIM;1"]);
            let lba = le32(image, at + 2) as u32;
            put_both32(image, at + 2, lba - 2);
            at
        },
        |kind| matches!(kind, FaultKind::Overlap { .. }),
    );
}

#[test]
fn parent_record_of_another_directory() {
    planted(
        |image| {
            let boot = primary(image, &["BOOT"]);
            let fonts = primary(image, &["BOOT", "FONTS"]);
            let parent = records(image, le32(image, fonts + 2), 2048)[1].0;
            let root = le32(image, PRIMARY + 158);
            assert_ne!(le32(image, boot + 2), root);
            put_both32(image, parent + 2, root as u32);
            parent + 2
        },
        |kind| matches!(kind, FaultKind::Dot { what: "record of the parent directory", .. }),
    );
}

#[test]
fn own_record_of_another_length() {
    planted(
        |image| {
            let boot = primary(image, &["BOOT"]);
            let own = le32(image, boot + 2) * 2048;
            put_both32(image, own + 10, 4096);
            own + 2
        },
        |kind| matches!(kind, FaultKind::Dot { what: "record of the directory itself", .. }),
    );
}

#[test]
fn lower_case_in_a_primary_name() {
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 33;
            image[at + 6] = b'r';
            at
        },
        |kind| matches!(kind, FaultKind::Name { tree: TreeKind::Primary, .. }),
    );
}

#[test]
fn forbidden_character_in_a_joliet_name() {
    planted(
        |image| {
            let at = joliet(image, &["bootmgr"]) + 33;
            image[at + 13] = b':';
            at
        },
        |kind| matches!(kind, FaultKind::Name { tree: TreeKind::Joliet, .. }),
    );
}

#[test]
fn month_thirteen() {
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 18;
            image[at + 1] = 13;
            at
        },
        |kind| matches!(kind, FaultKind::Date { .. }),
    );
}

#[test]
fn pad_byte_and_volume_sequence() {
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 33 + 10;
            image[at] = 7;
            at
        },
        |kind| matches!(kind, FaultKind::Reserved { what: "byte after an identifier" }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 28;
            image[at..at + 4].fill(0);
            at
        },
        |kind| matches!(kind, FaultKind::Sequence { found: 0, expected: 1, .. }),
    );
}

#[test]
fn joliet_size_differs() {
    planted(
        |image| {
            let at = joliet(image, &["bootmgr"]) + 10;
            put_both32(image, at, 4999);
            at
        },
        |kind| matches!(kind, FaultKind::SizesDiffer { primary: 5000, joliet: 4999, .. }),
    );
}

#[test]
fn descriptors() {
    planted(
        |image| {
            image[PRIMARY + 87] ^= 1;
            PRIMARY + 80
        },
        |kind| matches!(kind, FaultKind::Halves { what: "volume space size", .. }),
    );
    planted(
        |image| {
            let sectors = le32(image, PRIMARY + 80) as u32;
            put_both32(image, PRIMARY + 80, sectors + 1000);
            PRIMARY + 80
        },
        |kind| matches!(kind, FaultKind::CutOff { .. }),
    );
    planted(
        |image| {
            image.truncate(image.len() - 100 * 2048);
            PRIMARY + 80
        },
        |kind| matches!(kind, FaultKind::CutOff { .. }),
    );
    planted(
        |image| {
            put_both32(image, JOLIET + 80, 100);
            JOLIET + 80
        },
        |kind| matches!(kind, FaultKind::Value { expected: 200.., .. }),
    );
    planted(
        |image| {
            image[TERMINATOR..TERMINATOR + 2048].fill(0);
            TERMINATOR
        },
        |kind| matches!(kind, FaultKind::NoTerminator),
    );
    planted(
        |image| {
            image[PRIMARY + 813..PRIMARY + 829].fill(0);
            PRIMARY + 813
        },
        |kind| matches!(kind, FaultKind::Date { what: "creation date" }),
    );
    planted(
        |image| {
            image[PRIMARY + 42] = b'x';
            PRIMARY + 42
        },
        |kind| matches!(kind, FaultKind::Text { what: "volume identifier", .. }),
    );
    planted(
        |image| {
            image[PRIMARY + 1500] = 1;
            PRIMARY + 1500
        },
        |kind| matches!(kind, FaultKind::Reserved { .. }),
    );
}

/// Offset of the given record of a path table.
pub(crate) fn table_record(image: &[u8], lba: usize, number: usize) -> usize {
    let mut at = lba * 2048;
    for _ in 1..number {
        at += (8 + usize::from(image[at])).next_multiple_of(2);
    }
    at
}

#[test]
fn path_tables() {
    for descriptor in [PRIMARY, JOLIET] {
        planted(
            |image| {
                let at = table_record(image, le32(image, descriptor + 140), 3) + 2;
                image[at] ^= 1;
                at
            },
            |kind| matches!(kind, FaultKind::PathTableExtent { number: 3, .. }),
        );
        planted(
            |image| {
                let m = image[descriptor + 148..descriptor + 152].try_into().unwrap();
                let at = table_record(image, u32::from_be_bytes(m) as usize, 3) + 2;
                image[at + 3] ^= 1;
                at
            },
            |kind| matches!(kind, FaultKind::PathTableExtent { number: 3, .. }),
        );
        planted(
            |image| {
                let at = table_record(image, le32(image, descriptor + 140), 3) + 6;
                image[at] = 200;
                at
            },
            |kind| matches!(kind, FaultKind::PathTableParent { number: 3, parent: 200, .. }),
        );
        planted(
            |image| {
                image[descriptor + 140] = 0;
                descriptor + 140
            },
            |kind| matches!(kind, FaultKind::Overlap { .. }),
        );
    }
}

#[test]
fn path_table_order() {
    let tree = tree(&[("aa/1", b"1"), ("bb/2", b"2")]);
    let mut image = image(&tree, &crate::build::options());
    let first = table_record(&image, le32(&image, PRIMARY + 140), 2);
    let (a, b) = image[first..first + 20].split_at_mut(10);
    a.swap_with_slice(b);
    let found = faults(&image);
    let order = FaultKind::PathTableOrder { tree: TreeKind::Primary, number: 3 };
    assert!(found.contains(&Fault { position: first as u64 + 10, kind: order }), "{found:#?}");
    let differ = |f: &Fault| matches!(f.kind, FaultKind::PathTablesDiffer { number: 2, .. });
    assert!(found.iter().any(differ), "{found:#?}");
}

#[test]
fn directory_records() {
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 2;
            image[at + 7] ^= 1;
            at
        },
        |kind| matches!(kind, FaultKind::Halves { what: "LBA of a directory record", .. }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]);
            put_both32(image, at + 2, 1 << 30);
            at
        },
        |kind| matches!(kind, FaultKind::Outside { .. }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOT"]);
            put_both32(image, at + 10, 2047);
            at
        },
        |kind| matches!(kind, FaultKind::DirectoryLength { len: 2047, .. }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOT", "FONTS"]);
            let lba = le32(image, primary(image, &["BOOT"]) + 2) as u32;
            put_both32(image, at + 2, lba);
            at
        },
        |kind| matches!(kind, FaultKind::DirectoryTwice { .. }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]);
            image[at] = 200;
            image[at + 32] = 220;
            at
        },
        |kind| matches!(kind, FaultKind::Record { length: 200, identifier: 220 }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 25;
            image[at] |= 0x20;
            at
        },
        |kind| matches!(kind, FaultKind::Reserved { .. }),
    );
    planted(
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]);
            image[at + 25] |= 0x80;
            at
        },
        |kind| matches!(kind, FaultKind::SectionMissing { .. }),
    );
    planted(
        |image| {
            let at = primary(image, &["EMPTY.TXT;1"]);
            let catalog = le32(image, BOOT_RECORD + 71) as u32;
            put_both32(image, at + 2, catalog);
            at
        },
        |kind| matches!(kind, FaultKind::EmptyOnCatalog { .. }),
    );
}

/// Two files made into the two sections of one: clean and read as one, until the first section
/// is no whole number of sectors or the second has another name.
#[test]
fn files_of_several_sections() {
    let tree = tree(&[("a.bin", &pattern(4096)), ("b.bin", &pattern(100))]);
    let mut image = image(&tree, &crate::build::options());
    let clean = |image: &[u8]| faults(image).is_empty();
    // Without a boot record the Joliet descriptor follows the primary one.
    let b = |image: &[u8]| {
        let joliet = ucs2("b.bin");
        [record(image, PRIMARY, &[b"B.BIN;1"]), record(image, BOOT_RECORD, &[&joliet])]
    };
    let [primary_b, joliet_b] = b(&image);
    let (primary_a, joliet_a) =
        (primary(&image, &["A.BIN;1"]), record(&image, BOOT_RECORD, &[&ucs2("a.bin")]));
    for a in [primary_a, joliet_a] {
        image[a + 25] |= 0x80;
    }
    let other_name = faults(&image);
    let missing = |fault: &&Fault| matches!(fault.kind, FaultKind::SectionMissing { .. });
    assert_eq!(other_name.iter().filter(missing).count(), 2, "{other_name:#?}");
    image[primary_b + 33] = b'A';
    image[joliet_b + 34] = b'a';
    assert!(clean(&image));
    for (kind, name) in [(TreeKind::Primary, "A.BIN"), (TreeKind::Joliet, "a.bin")] {
        let content = [pattern(4096), pattern(100)].concat();
        assert_eq!(read_back(&image, kind)[name], Some(content));
    }
    put_both32(&mut image, primary_a + 10, 4095);
    let short = faults(&image);
    let position = primary_a as u64 + 10;
    let is_length = |f: &Fault| matches!(f.kind, FaultKind::SectionLength { len: 4095, .. });
    assert!(short.iter().any(|f| f.position == position && is_length(f)), "{short:#?}");
}

#[test]
fn boot_catalogs() {
    let catalog = |image: &[u8]| le32(image, BOOT_RECORD + 71) * 2048;
    planted(
        |image| {
            let at = catalog(image);
            image[at + 4] ^= 1;
            at + 28
        },
        |kind| matches!(kind, FaultKind::BootChecksum { .. }),
    );
    planted(
        |image| {
            let at = catalog(image) + 30;
            image[at] = 0;
            at
        },
        |kind| matches!(kind, FaultKind::BootCatalog { .. }),
    );
    planted(
        |image| {
            let at = catalog(image) + 32 + 8;
            image[at + 3] = 0x7F;
            at
        },
        |kind| matches!(kind, FaultKind::BootImageOutside { .. }),
    );
    planted(
        |image| {
            let at = catalog(image) + 32 + 8;
            image[at..at + 4].copy_from_slice(&18u32.to_le_bytes());
            at
        },
        |kind| matches!(kind, FaultKind::BootImageOverlap { lba: 18 }),
    );
    planted(
        |image| {
            let at = catalog(image) + 64;
            image[at + 2] = 100;
            at
        },
        |kind| matches!(kind, FaultKind::BootCatalog { .. }),
    );
    planted(
        |image| {
            image[BOOT_RECORD + 71..BOOT_RECORD + 75].fill(0xFF);
            BOOT_RECORD + 71
        },
        |kind| matches!(kind, FaultKind::Outside { .. }),
    );
}

#[test]
fn boot_info_tables() {
    // The medium's BIOS image is at least 64 bytes of pattern; give it a table.
    let plant = |sum_is_right: bool| {
        move |image: &mut Vec<u8>| {
            let file = primary(image, &["BOOT", "ETFSBOOT.COM;1"]);
            let lba = le32(image, file + 2);
            let start = lba * 2048;
            let words = image[start + 64..start + 4096].chunks(4);
            let sum = words.fold(0u32, |sum, word| {
                sum.wrapping_add(u32::from_le_bytes(word.try_into().unwrap()))
            });
            let sum = if sum_is_right { sum } else { sum ^ 1 };
            let len = if sum_is_right { 4095 } else { 4096 };
            for (at, value) in [(8, 16), (12, lba as u32), (16, len), (20, sum)] {
                image[start + at..start + at + 4].copy_from_slice(&value.to_le_bytes());
            }
            if sum_is_right { start + 16 } else { start + 20 }
        }
    };
    planted(plant(false), |kind| matches!(kind, FaultKind::BootInfo { what: "checksum", .. }));
    planted(plant(true), |kind| matches!(kind, FaultKind::BootInfo { what: "length", .. }));
}
