//! The 41 single defects that nine other judges were tried with (pycdlib, the strictest, found 25),
//! but for the three of Rock Ridge: each is flagged where it is, as what it is. Those of UDF have
//! right checksums around them wherever the defect is not the checksum itself.

use iso9660_image::check::{Fault, FaultKind};
use iso9660_image::{Format, TreeKind};

use crate::build::{assert_clean, faults, image, medium, options, tree};
use crate::defects::{
    BOOT_RECORD, JOLIET, PRIMARY, TERMINATOR, joliet, le32, primary, put_both32, records, swap,
    table_record,
};
use crate::udf::seal;
use crate::unseen::UNSEEN;

/// Bytes of a sector.
pub(crate) const SECTOR: usize = 2048;
/// Sectors of the bridge, by their numbers in the map of `lib.rs`.
pub(crate) const RECOGNITION: usize = 20 * SECTOR;
const PARTITION_DESCRIPTOR: usize = 34 * SECTOR;
const LOGICAL_VOLUME: usize = 35 * SECTOR;
const RESERVE: usize = 16 * SECTOR;
pub(crate) const INTEGRITY: usize = 64 * SECTOR;
const ANCHOR: usize = 256 * SECTOR;
pub(crate) const PARTITION: usize = 257 * SECTOR;

/// Plants a defect and answers where it must be found.
pub(crate) type Plant = fn(&mut Vec<u8>) -> usize;
pub(crate) type Is = fn(&FaultKind) -> bool;

/// Position of the file identifier of a name in the root of UDF, and of its entry.
fn in_udf_root(image: &[u8], name: &[u8]) -> (usize, usize) {
    let entry = |block: usize| PARTITION + block * SECTOR;
    let root = entry(le32(image, PARTITION + 404));
    let mut at = entry(le32(image, root + 180));
    loop {
        let (len, used) = (usize::from(image[at + 19]), usize::from(image[at + 36]));
        let found = &image[at + 38 + used..at + 38 + used + len];
        if found.get(1..) == Some(name) {
            return (at, entry(le32(image, at + 24)));
        }
        at += (38 + used + len).next_multiple_of(4);
    }
}

pub(crate) fn value(kind: &FaultKind, name: &str) -> bool {
    matches!(kind, FaultKind::Value { what, .. } if *what == name)
}

fn flip(image: &mut [u8], at: usize) {
    image[at] ^= 0x55;
}

fn m_table(image: &[u8], descriptor: usize) -> usize {
    u32::from_be_bytes(image[descriptor + 148..descriptor + 152].try_into().unwrap()) as usize
}

const DESCRIPTORS: &[(&str, Plant, Is)] = &[
    (
        "volume size, big-endian half",
        |image| {
            flip(image, PRIMARY + 87);
            PRIMARY + 80
        },
        |kind| matches!(kind, FaultKind::Halves { what: "volume space size", .. }),
    ),
    (
        "volume size too large",
        |image| {
            let sectors = le32(image, PRIMARY + 80) as u32 + 1000;
            put_both32(image, PRIMARY + 80, sectors);
            put_both32(image, JOLIET + 80, sectors);
            PRIMARY + 80
        },
        |kind| matches!(kind, FaultKind::CutOff { .. }),
    ),
    (
        "cut off",
        |image| {
            image.truncate(image.len() - 300 * SECTOR);
            PRIMARY + 80
        },
        |kind| matches!(kind, FaultKind::CutOff { .. }),
    ),
    (
        "terminator missing",
        |image| {
            image[TERMINATOR..TERMINATOR + SECTOR].fill(0);
            TERMINATOR
        },
        |kind| matches!(kind, FaultKind::NoTerminator),
    ),
    (
        "root length of the primary descriptor, big-endian half",
        |image| {
            flip(image, PRIMARY + 173);
            PRIMARY + 166
        },
        |kind| matches!(kind, FaultKind::Halves { what: "length of the root directory", .. }),
    ),
    (
        "root length of the Joliet descriptor, big-endian half",
        |image| {
            flip(image, JOLIET + 173);
            JOLIET + 166
        },
        |kind| matches!(kind, FaultKind::Halves { what: "length of the root directory", .. }),
    ),
];

const PATH_TABLES: &[(&str, Plant, Is)] = &[
    (
        "extent in table L",
        |image| {
            let at = table_record(image, le32(image, PRIMARY + 140), 2) + 2;
            flip(image, at);
            at
        },
        |kind| {
            matches!(kind, FaultKind::PathTableExtent { tree: TreeKind::Primary, number: 2, .. })
        },
    ),
    (
        "extent in table M",
        |image| {
            let at = table_record(image, m_table(image, PRIMARY), 2) + 2;
            flip(image, at + 3);
            at
        },
        |kind| {
            matches!(kind, FaultKind::PathTableExtent { tree: TreeKind::Primary, number: 2, .. })
        },
    ),
    (
        "extent in a table of Joliet",
        |image| {
            let at = table_record(image, le32(image, JOLIET + 140), 2) + 2;
            flip(image, at);
            at
        },
        |kind| matches!(kind, FaultKind::PathTableExtent { tree: TreeKind::Joliet, number: 2, .. }),
    ),
    (
        "parent",
        |image| {
            let at = table_record(image, le32(image, PRIMARY + 140), 3) + 6;
            image[at] = 77;
            at
        },
        |kind| matches!(kind, FaultKind::PathTableParent { number: 3, parent: 77, .. }),
    ),
    (
        "size too large",
        |image| {
            let size = le32(image, PRIMARY + 132) as u32;
            put_both32(image, PRIMARY + 132, size + 10);
            PRIMARY + 132
        },
        |kind| matches!(kind, FaultKind::PathTableSize { tree: TreeKind::Primary, .. }),
    ),
    (
        "a copy that differs",
        |image| {
            // A third table: the first one, in a sector of the padding, with another parent.
            let copy = image.len() / SECTOR - 3;
            let table = le32(image, PRIMARY + 140) * SECTOR;
            image.copy_within(table..table + SECTOR, copy * SECTOR);
            image[PRIMARY + 144..PRIMARY + 148].copy_from_slice(&(copy as u32).to_le_bytes());
            assert_clean(image);
            let at = table_record(image, copy, 2) + 2;
            flip(image, at);
            at
        },
        |kind| matches!(kind, FaultKind::PathTableExtent { number: 2, .. }),
    ),
    (
        "bytes behind the last record",
        |image| {
            let at = le32(image, PRIMARY + 140) * SECTOR + le32(image, PRIMARY + 132);
            image[at + 1] = 1;
            at + 1
        },
        |kind| matches!(kind, FaultKind::Reserved { what: "rest of a path table's last sector" }),
    ),
];

const RECORDS: &[(&str, Plant, Is)] = &[
    (
        "extent, big-endian half",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 2;
            flip(image, at + 7);
            at
        },
        |kind| matches!(kind, FaultKind::Halves { what: "LBA of a directory record", .. }),
    ),
    (
        "length, big-endian half",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 10;
            flip(image, at + 7);
            at
        },
        |kind| matches!(kind, FaultKind::Halves { what: "length in a directory record", .. }),
    ),
    (
        "identifier twice",
        |image| {
            // Eleven characters, and the byte that makes the record even.
            let (mgr, empty) =
                (primary(image, &["BOOTMGR.;1"]), primary(image, &["EMPTY.TXT;1"]) + 33);
            image[empty - 1] = 10;
            image.copy_within(mgr + 33..mgr + 44, empty);
            empty
        },
        |kind| matches!(kind, FaultKind::Duplicate { .. }),
    ),
    (
        "extent behind the volume",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]);
            put_both32(image, at + 2, 1 << 30);
            at
        },
        |kind| matches!(kind, FaultKind::Outside { .. }),
    ),
    (
        "two files that overlap",
        |image| {
            let at = primary(image, &["SOURCES", "BOOT.WIM;1"]);
            let lba = le32(image, at + 2) as u32;
            put_both32(image, at + 2, lba - 2);
            at
        },
        |kind| matches!(kind, FaultKind::Overlap { .. }),
    ),
    (
        "parent of another directory",
        |image| {
            let fonts = primary(image, &["BOOT", "FONTS"]);
            let parent = records(image, le32(image, fonts + 2), SECTOR)[1].0;
            let root = le32(image, PRIMARY + 158) as u32;
            put_both32(image, parent + 2, root);
            parent + 2
        },
        |kind| matches!(kind, FaultKind::Dot { what: "record of the parent directory", .. }),
    ),
    (
        "length in a directory's own record",
        |image| {
            let own = le32(image, primary(image, &["BOOT"]) + 2) * SECTOR;
            put_both32(image, own + 10, 4096);
            own + 2
        },
        |kind| matches!(kind, FaultKind::Dot { what: "record of the directory itself", .. }),
    ),
    (
        "small letter in a primary name",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 33;
            image[at + 6] = b'r';
            at
        },
        |kind| matches!(kind, FaultKind::Name { tree: TreeKind::Primary, .. }),
    ),
    (
        "character that Joliet forbids",
        |image| {
            let at = joliet(image, &["bootmgr"]) + 33;
            image[at + 13] = b':';
            at
        },
        |kind| matches!(kind, FaultKind::Name { tree: TreeKind::Joliet, .. }),
    ),
    (
        "month 13",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 18;
            image[at + 1] = 13;
            at
        },
        |kind| matches!(kind, FaultKind::Date { .. }),
    ),
    (
        "byte after an identifier",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 43;
            image[at] = 7;
            at
        },
        |kind| matches!(kind, FaultKind::Reserved { what: "byte after an identifier" }),
    ),
    (
        "volume sequence number 0",
        |image| {
            let at = primary(image, &["BOOTMGR.;1"]) + 28;
            image[at..at + 4].fill(0);
            at
        },
        |kind| matches!(kind, FaultKind::Sequence { found: 0, expected: 1, .. }),
    ),
    (
        "another length in Joliet",
        |image| {
            let at = joliet(image, &["bootmgr"]) + 10;
            put_both32(image, at, 4999);
            at
        },
        |kind| matches!(kind, FaultKind::SizesDiffer { primary: 5000, joliet: 4999, .. }),
    ),
];

const BOOT: &[(&str, Plant, Is)] = &[
    (
        "checksum",
        |image| {
            let at = le32(image, BOOT_RECORD + 71) * SECTOR + 28;
            flip(image, at);
            at
        },
        |kind| matches!(kind, FaultKind::BootChecksum { .. }),
    ),
    (
        "image behind the end",
        |image| {
            let at = le32(image, BOOT_RECORD + 71) * SECTOR + 40;
            image[at + 3] = 0x7F;
            at
        },
        |kind| matches!(kind, FaultKind::BootImageOutside { .. }),
    ),
    (
        "55 AA missing",
        |image| {
            let at = le32(image, BOOT_RECORD + 71) * SECTOR + 30;
            image[at..at + 2].fill(0);
            at
        },
        |kind| matches!(kind, FaultKind::BootCatalog { .. }),
    ),
];

const UDF: &[(&str, Plant, Is)] = &[
    (
        "checksum of the anchor's tag",
        |image| {
            flip(image, ANCHOR + 4);
            ANCHOR + 4
        },
        |kind| value(kind, "checksum of a UDF tag"),
    ),
    (
        "CRC of the logical volume descriptor",
        |image| {
            flip(image, LOGICAL_VOLUME + 100);
            LOGICAL_VOLUME + 8
        },
        |kind| value(kind, "CRC of a UDF descriptor"),
    ),
    (
        "CRC of the file set descriptor",
        |image| {
            flip(image, PARTITION + 130);
            PARTITION + 8
        },
        |kind| value(kind, "CRC of a UDF descriptor"),
    ),
    (
        "CRC of a file entry",
        |image| {
            let (_, entry) = in_udf_root(image, b"bootmgr");
            flip(image, entry + 44);
            entry + 8
        },
        |kind| value(kind, "CRC of a UDF descriptor"),
    ),
    (
        "length in a file entry",
        |image| {
            let (_, entry) = in_udf_root(image, b"bootmgr");
            image[entry + 56] ^= 1;
            seal(image, entry);
            entry + 56
        },
        |kind| value(kind, "length in a UDF file entry, which its extents must sum up to"),
    ),
    (
        "CRC of a file identifier",
        |image| {
            let (identifier, _) = in_udf_root(image, b"bootmgr");
            flip(image, identifier + 40);
            identifier + 8
        },
        |kind| value(kind, "CRC of a UDF descriptor"),
    ),
    (
        "partition one sector short",
        |image| {
            for at in [PARTITION_DESCRIPTOR, PARTITION_DESCRIPTOR + RESERVE] {
                image[at + 192] -= 1;
                seal(image, at);
            }
            INTEGRITY + 84
        },
        |kind| value(kind, "size in the integrity descriptor"),
    ),
    (
        "NSR02 missing",
        |image| {
            image[RECOGNITION + SECTOR + 1..RECOGNITION + SECTOR + 6].copy_from_slice(b"XXXXX");
            RECOGNITION
        },
        |kind| matches!(kind, FaultKind::Udf { what } if what.starts_with("the recognition")),
    ),
    (
        "integrity open",
        |image| {
            image[INTEGRITY + 28] = 0;
            seal(image, INTEGRITY);
            INTEGRITY + 28
        },
        |kind| value(kind, "state in the integrity descriptor"),
    ),
];

/// What was not in that matrix.
const MORE: &[(&str, Plant, Is)] = &[
    (
        "terminator twice",
        |image| {
            image.copy_within(TERMINATOR..TERMINATOR + SECTOR, TERMINATOR + SECTOR);
            TERMINATOR + SECTOR
        },
        |kind| matches!(kind, FaultKind::SecondTerminator),
    ),
    (
        "volume set size of Joliet",
        |image| {
            image[JOLIET + 120..JOLIET + 124].copy_from_slice(&[2, 0, 0, 2]);
            JOLIET + 120
        },
        |kind| value(kind, "volume set size beside the primary descriptor"),
    ),
    (
        "volume sequence number of Joliet",
        |image| {
            for at in [PRIMARY, JOLIET] {
                image[at + 120..at + 124].copy_from_slice(&[2, 0, 0, 2]);
            }
            image[JOLIET + 124..JOLIET + 128].copy_from_slice(&[2, 0, 0, 2]);
            JOLIET + 124
        },
        |kind| value(kind, "volume sequence number beside the primary descriptor"),
    ),
    (
        "boot record",
        |image| {
            image[BOOT_RECORD + 200] = 1;
            BOOT_RECORD + 200
        },
        |kind| matches!(kind, FaultKind::Reserved { .. }),
    ),
    (
        "reserve anchor leads elsewhere",
        |image| {
            let at = image.len() - SECTOR;
            image[at + 28] += 1;
            seal(image, at);
            at + 16
        },
        |kind| matches!(kind, FaultKind::Udf { what } if what.starts_with("an anchor leads")),
    ),
    (
        "both partition and integrity too short for the data",
        |image| {
            for at in [PARTITION_DESCRIPTOR, PARTITION_DESCRIPTOR + RESERVE] {
                image[at + 192..at + 194].copy_from_slice(&[60, 0]);
                seal(image, at);
            }
            image[INTEGRITY + 84..INTEGRITY + 86].copy_from_slice(&[60, 0]);
            seal(image, INTEGRITY);
            in_udf_root(image, b"bootmgr").1 + 176
        },
        |kind| matches!(kind, FaultKind::Udf { what: "an extent outside the partition" }),
    ),
    (
        "link count",
        |image| {
            let (_, entry) = in_udf_root(image, b"bootmgr");
            image[entry + 48] = 2;
            seal(image, entry);
            entry + 48
        },
        |kind| value(kind, "link count of a UDF file entry"),
    ),
    (
        "unique id in a file identifier",
        |image| {
            let (identifier, _) = in_udf_root(image, b"bootmgr");
            image[identifier + 32] ^= 1;
            seal(image, identifier);
            identifier + 32
        },
        |kind| value(kind, "unique id in a file identifier"),
    ),
    (
        "unique id that is kept for the root",
        |image| {
            let (identifier, entry) = in_udf_root(image, b"bootmgr");
            image[entry + 160] = 5;
            seal(image, entry);
            image[identifier + 32] = 5;
            seal(image, identifier);
            entry + 160
        },
        |kind| value(kind, "unique id of a file entry"),
    ),
    (
        "CRC over a part of a file entry",
        |image| {
            let (_, entry) = in_udf_root(image, b"bootmgr");
            image[entry + 10] = 100;
            seal(image, entry);
            entry + 10
        },
        |kind| value(kind, "length that the CRC of a UDF descriptor covers"),
    ),
    (
        "month 13 in a file entry's time of access",
        |image| {
            let (_, entry) = in_udf_root(image, b"bootmgr");
            image[entry + 72 + 4] = 13;
            seal(image, entry);
            entry + 72
        },
        |kind| matches!(kind, FaultKind::Date { .. }),
    ),
    (
        "month 13 in the integrity descriptor",
        |image| {
            image[INTEGRITY + 16 + 4] = 13;
            seal(image, INTEGRITY);
            INTEGRITY + 16
        },
        |kind| matches!(kind, FaultKind::Date { .. }),
    ),
    (
        "location of a file identifier",
        |image| {
            let (identifier, _) = in_udf_root(image, b"bootmgr");
            image[identifier + 12] ^= 1;
            seal(image, identifier);
            identifier + 12
        },
        |kind| value(kind, "location in a UDF tag"),
    ),
    (
        "version of a tag",
        |image| {
            image[INTEGRITY + 2] = 7;
            seal(image, INTEGRITY);
            INTEGRITY + 2
        },
        |kind| value(kind, "version of a UDF tag"),
    ),
    (
        "number of files",
        |image| {
            image[INTEGRITY + 120] += 1;
            seal(image, INTEGRITY);
            INTEGRITY + 120
        },
        |kind| value(kind, "number of files in the integrity descriptor"),
    ),
];

#[test]
fn every_planted_defect_is_flagged_where_it_is() {
    let (tree, options) = medium();
    let clean = image(&tree, &options.with_format(Format::Bridge));
    assert_clean(&clean);
    let mut missed = Vec::new();
    for (name, plant, is) in [DESCRIPTORS, PATH_TABLES, RECORDS, BOOT, UDF, MORE, UNSEEN].concat() {
        let mut image = clean.clone();
        let position = plant(&mut image) as u64;
        let found = faults(&image);
        if !found.iter().any(|fault| fault.position == position && is(&fault.kind)) {
            missed.push(format!("{name}, at byte {position}: {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Those whose names must be of one length: order in both trees and in a path table.
#[test]
fn what_is_out_of_order_is_flagged_where_it_is() {
    let files: [(&str, &[u8]); 4] = [("aa", b"1"), ("bb", b"2"), ("cc/x", b"3"), ("dd/y", b"4")];
    let clean = image(&tree(&files), &options().with_format(Format::Bridge));
    assert_clean(&clean);
    // Without a boot record the Joliet descriptor follows the primary one.
    let joliet = BOOT_RECORD;
    let check = |image: &[u8], position: usize, is: Is| {
        let found = faults(image);
        let hit = |fault: &Fault| fault.position == position as u64 && is(&fault.kind);
        assert!(found.iter().any(hit), "{position}: {found:#?}");
    };
    for (descriptor, name) in [(PRIMARY, b"AA.;1".to_vec()), (joliet, b"\0a\0a".to_vec())] {
        let mut image = clean.clone();
        let first = crate::defects::record(&image, descriptor, &[&name]);
        let position = swap(&mut image, first);
        check(&image, position, |kind| matches!(kind, FaultKind::Order { .. }));
    }
    let mut image = clean.clone();
    // The names of the second and third folder.
    let (second, third) = (
        table_record(&image, le32(&image, PRIMARY + 140), 2),
        table_record(&image, le32(&image, PRIMARY + 140), 3),
    );
    image[second + 8..second + 10].copy_from_slice(b"DD");
    image[third + 8..third + 10].copy_from_slice(b"CC");
    check(&image, third, |kind| matches!(kind, FaultKind::PathTableOrder { number: 3, .. }));
    check(&image, second + 2, |kind| matches!(kind, FaultKind::PathTableExtent { number: 2, .. }));
}
