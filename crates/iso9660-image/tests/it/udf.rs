//! UDF beside ISO 9660, and long files: layout, bytes, planted defects, hostile volumes.

use std::io::{Cursor, Read};

use extent_image::{Data, Late, NodeId, Timestamp, TreeBuilder};
use iso9660_image::check::{Fault, FaultKind, Image, ReadError};
use iso9660_image::{
    BootEntry, BootImage, Format, ImageOptions, Platform, TreeKind, plan, sectors_needed,
};
use proptest::prelude::*;

use crate::build::{
    LONG, assert_clean, bytes, faults, find, format, image, medium, meta, options, pattern, tree,
    with_a_long_file,
};

const SECTOR: usize = 2048;
const PARTITION: usize = 257;
const ALL: [TreeKind; 3] = [TreeKind::Primary, TreeKind::Joliet, TreeKind::Udf];

fn bridge() -> ImageOptions {
    options().with_format(Format::Bridge)
}

fn small() -> Vec<u8> {
    image(&tree(&[("a.txt", b"abc"), ("empty", b""), ("sub/b", &[1; 5000])]), &bridge())
}

#[test]
fn the_map_of_a_small_bridge() {
    let tree = tree(&[("a.txt", b"abc"), ("empty", b""), ("sub/b", &[1; 5000])]);
    let plan = plan(&tree, &bridge()).unwrap();
    let extents = plan.plan().extents().iter();
    let rows: Vec<_> = extents.map(|e| (e.start() / 2048, e.len(), e.role())).collect();
    assert_eq!(
        rows,
        [
            (0, 32768, "system area"),
            (16, 2048, "volume descriptor"),
            (17, 2048, "volume descriptor"),
            (18, 2048, "volume descriptor"),
            (19, 3 * 2048, "udf descriptor"),
            (22, 10 * 2048, "slack"),
            (32, 16 * 2048, "udf descriptor"),
            (48, 16 * 2048, "udf descriptor"),
            (64, 2 * 2048, "udf descriptor"),
            (66, 190 * 2048, "slack"),
            (256, 2048, "udf descriptor"),
            (257, 2 * 2048, "udf file set"),
            (259, 5 * 2048, "udf file entry"),
            (264, 2 * 2048, "udf directory"),
            (266, 2048, "path table"),
            (267, 2048, "path table"),
            (268, 2048, "path table"),
            (269, 2048, "path table"),
            (270, 4096, "directory"),
            (272, 4096, "directory"),
            (274, 2048, "empty files"),
            (275, 3, "file data"),
            (275, 2045, "slack"),
            (276, 5000, "file data"),
            (278, 1144, "slack"),
            (279, 150 * 2048, "padding"),
            (429, 2048, "udf descriptor"),
        ]
    );
    assert_eq!(plan.sectors(), 430);
    assert_eq!(sectors_needed(&tree, &bridge()).unwrap(), 430);
    let mut image = Image::open(Cursor::new(bytes(&plan))).unwrap();
    let facts = image.udf().unwrap();
    assert_eq!((facts.label.as_str(), facts.revision), ("Test Disc", 0x0102));
    assert_eq!((facts.partition.sector(), facts.sectors), (257, 429 - 257));
    assert!(facts.set_id.ends_with(" Test Disc") && facts.set_id.len() == 26);
    let entries: Vec<_> = image.walk(TreeKind::Udf).unwrap().map(Result::unwrap).collect();
    for entry in entries.iter().filter(|entry| entry.size() > 0 && !entry.is_dir()) {
        assert_eq!(entry.lba(), plan.file(find(&tree, entry.path())).unwrap().lba);
    }
}

/// The last place that the UDF tree leads to is behind all but zeros, whatever has no content.
#[test]
fn directories_are_last_where_no_file_is() {
    let hidden = BootImage::Hidden(Data::bytes("boot", pattern(3000)));
    let hidden = bridge().with_boot_entry(BootEntry::new(Platform::Bios, hidden));
    let empty: &[(&str, &[u8])] = &[("a", b""), ("sub/b", b"")];
    let stub = options().with_format(Format::UdfStub);
    let last = |files: &[(&str, &[u8])], options: &ImageOptions| {
        let plan = plan(&tree(files), options).unwrap();
        assert_clean(&bytes(&plan));
        let roles = plan.plan().extents().iter().map(|extent| extent.role());
        roles.filter(|role| !["slack", "padding", "udf descriptor"].contains(role)).last().unwrap()
    };
    for options in [&bridge(), &hidden, &stub] {
        assert_eq!(last(&[], options), "udf directory");
        assert_eq!(last(&[("sub/", b"")], options), "udf directory");
        assert_eq!(last(empty, options), "udf directory");
        assert_eq!(last(&[("a", b""), ("b", b"1")], options), "file data");
    }
}

fn le(image: &[u8], at: usize, len: usize) -> u64 {
    image[at..at + len].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The fields of the map that readers stumble over, by their offsets in the standards.
#[test]
fn descriptors_by_hand() {
    let image = small();
    let at = |lba: usize, offset: usize| lba * SECTOR + offset;
    for (lba, id) in [(19, b"BEA01"), (20, b"NSR02"), (21, b"TEA01")] {
        assert_eq!(image[at(lba, 0)..at(lba, 7)], [&[0], id.as_slice(), &[1]].concat());
    }
    for (base, ids) in [(32, [1, 4, 5, 6, 7, 8]), (48, [1, 4, 5, 6, 7, 8])] {
        for (number, id) in ids.into_iter().enumerate() {
            let lba = base + number;
            assert_eq!(le(&image, at(lba, 0), 2), id);
            assert_eq!(le(&image, at(lba, 2), 2), 2);
            assert_eq!(le(&image, at(lba, 12), 4), lba as u64);
        }
    }
    let crc_lens = [496, 496, 496, 430, 8, 496];
    for (number, len) in crc_lens.into_iter().enumerate() {
        assert_eq!(le(&image, at(32 + number, 10), 2), len);
    }
    assert_eq!(image[at(32, 24)..at(32, 34)], *b"\x08Test Disc");
    assert_eq!(image[at(32, 55)], 10);
    assert_eq!(image[at(34, 24)..at(34, 32)], *b"\x02+NSR02\0");
    assert_eq!([184, 188, 192].map(|offset| le(&image, at(34, offset), 4)), [1, 257, 172]);
    assert_eq!(image[at(35, 216)..at(35, 236)], *b"\0*OSTA UDF Compliant");
    assert_eq!(image[at(35, 240)..at(35, 248)], [2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(image[at(35, 248)..at(35, 264)], [[0, 16].as_slice(), &[0; 14]].concat());
    assert_eq!(image[at(35, 264)..at(35, 272)], [6, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(image[at(35, 432)..at(35, 446)], [0, 16, 0, 0, 64, 0, 0, 0, 1, 6, 1, 0, 0, 0]);
    // Integrity: closed, next unique id, one partition, free and size, files and folders.
    assert_eq!((le(&image, at(64, 0), 2), le(&image, at(65, 0), 2)), (9, 8));
    assert_eq!((le(&image, at(64, 28), 4), le(&image, at(64, 40), 8)), (1, 20));
    let counts = [72, 76, 80, 84, 120, 124].map(|offset| le(&image, at(64, offset), 4));
    assert_eq!(counts, [1, 46, 0, 172, 3, 2]);
    assert_eq!([128, 130, 132].map(|offset| le(&image, at(64, offset), 2)), [0x102; 3]);
    for anchor in [256, 429] {
        assert_eq!((le(&image, at(anchor, 0), 2), le(&image, at(anchor, 10), 2)), (2, 496));
        let extents = [0, 0x80, 0, 0, 32, 0, 0, 0, 0, 0x80, 0, 0, 48, 0, 0, 0];
        assert_eq!(image[at(anchor, 16)..at(anchor, 32)], extents);
    }
    // File set: block 0, the root in block 2.
    assert_eq!((le(&image, at(257, 0), 2), le(&image, at(257, 12), 4)), (256, 0));
    assert_eq!(image[at(257, 400)..at(257, 408)], [0, 8, 0, 0, 2, 0, 0, 0]);
    // The root: two links, 40 bytes of parent, 44 of a.txt and empty each, 44 of sub.
    assert_eq!((le(&image, at(259, 0), 2), le(&image, at(259, 12), 4)), (261, 2));
    assert_eq!((image[at(259, 27)], le(&image, at(259, 48), 2)), (4, 2));
    assert_eq!((le(&image, at(259, 56), 8), le(&image, at(259, 160), 8)), (172, 0));
    assert_eq!(image[at(259, 176)..at(259, 184)], [172, 0, 0, 0, 7, 0, 0, 0]);
    let root = at(264, 0);
    assert_eq!(image[root + 16..root + 20], [1, 0, 10, 0]);
    assert_eq!(image[root + 20..root + 28], [0, 8, 0, 0, 2, 0, 0, 0]);
    assert_eq!(le(&image, root + 12, 4), 7);
    assert_eq!(image[root + 40 + 18..root + 40 + 20], [0, 6]);
    assert_eq!(image[root + 40 + 32..root + 40 + 44], *b"\x10\0\0\0\0\0\x08a.txt");
}

#[test]
fn equal_requests_give_equal_bridges() {
    let (tree, options) = medium();
    let options = options.with_format(Format::Bridge);
    let (a, b) = (plan(&tree, &options).unwrap(), plan(&tree, &options).unwrap());
    assert_eq!(a.plan(), b.plan());
    let (again, _) = medium();
    assert_eq!(bytes(&a), image(&again, &options));
    assert_eq!(sectors_needed(&tree, &options).unwrap(), a.sectors());
    let set = |files: &[(&str, &[u8])]| {
        let image = image(&crate::build::tree(files), &bridge());
        Image::open(Cursor::new(image)).unwrap().udf().unwrap().set_id.clone()
    };
    assert_eq!(set(&[("a", b"1")]), set(&[("a", b"1")]));
    assert_ne!(set(&[("a", b"1")]), set(&[("b", b"1")]));
    assert_ne!(set(&[("a", b"1")]), set(&[("a", b"12")]));
}

#[test]
fn what_the_tree_knows_reaches_udf() {
    let mut builder = TreeBuilder::new(meta());
    let mut hidden = meta();
    (hidden.attributes.hidden, hidden.attributes.system) = (true, true);
    hidden.modified = Timestamp::from_unix_seconds(-3_000_000_000);
    let shared: std::sync::Arc<dyn extent_image::Source> =
        std::sync::Arc::new(extent_image::BytesSource::new("shared", pattern(3000)));
    let data = || Data::Source(std::sync::Arc::clone(&shared));
    builder.file(NodeId::ROOT, "h", hidden, data()).unwrap();
    builder.file(NodeId::ROOT, "same", meta(), data()).unwrap();
    let late = Late::new("late", 10, |_| vec![b'x'; 10].into());
    builder.file(NodeId::ROOT, "z", meta(), Data::Late(std::sync::Arc::new(late))).unwrap();
    let plan = plan(&builder.finish().unwrap(), &bridge()).unwrap();
    let image = bytes(&plan);
    assert_clean(&image);
    // The entries of root and h: the system flag of h.
    assert_eq!(le(&image, (PARTITION + 3) * SECTOR + 34, 2), 0x400);
    let mut image = Image::open(Cursor::new(image)).unwrap();
    let entries: Vec<_> = image.walk(TreeKind::Udf).unwrap().map(Result::unwrap).collect();
    let [h, same, z] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((h.hidden(), same.hidden(), z.hidden()), (true, false, false));
    assert_eq!(h.modified(), Some(hidden.modified));
    assert_eq!((h.lba(), h.size()), (same.lba(), same.size()));
    assert_eq!((z.size(), z.modified()), (10, Some(meta().modified)));
}

/// Planned, streamed and checked without a disk.
#[test]
fn a_long_file_is_several_records_and_one_entry() {
    let tree = with_a_long_file();
    for udf in [false, true] {
        let plan = plan(&tree, &options().with_format(format(udf))).unwrap();
        let mut image = Image::open(plan.plan().reader()).unwrap();
        assert_eq!(image.check().unwrap(), []);
        for kind in ALL.iter().take(if udf { 3 } else { 2 }) {
            let entries: Vec<_> = image.walk(*kind).unwrap().map(Result::unwrap).collect();
            assert_eq!(entries.len(), 4);
            let long = entries.iter().find(|entry| entry.size() == LONG).unwrap();
            assert_eq!(long.lba(), plan.file(find(&tree, "sources/install.wim")).unwrap().lba);
            // What follows it is where it says.
            let last = entries.last().unwrap();
            let mut content = Vec::new();
            image.open_file(last).read_to_end(&mut content).unwrap();
            assert_eq!(content, pattern(5000));
        }
    }
}

/// The lengths around which a record or an entry takes one more piece.
#[test]
fn lengths_around_the_limits() {
    for len in [
        0x3FFF_F800,
        0x3FFF_F801,
        0xFFFF_F800,
        0xFFFF_F801,
        0xFFFF_FFFF,
        0x1_0000_0000,
        0x1_FFFF_F000,
        0x1_FFFF_F001,
        8_600_000_000,
    ] {
        let mut builder = TreeBuilder::new(meta());
        builder.file(NodeId::ROOT, "long", meta(), crate::build::huge(len)).unwrap();
        let tree = builder.finish().unwrap();
        let plan = plan(&tree, &bridge()).unwrap();
        let mut image = Image::open(plan.plan().reader()).unwrap();
        assert_eq!(image.check().unwrap(), [], "{len}");
        for kind in ALL {
            let entry = image.walk(kind).unwrap().next().unwrap().unwrap();
            assert_eq!(entry.size(), len);
        }
    }
}

/// 126 names of 254 bytes: identifiers lie across the ends of blocks.
#[test]
fn identifiers_across_blocks() {
    let names: Vec<String> = (0..126).map(|n| format!("{n:03}{}", "n".repeat(251))).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let tree = tree(&files);
    let plan = plan(&tree, &bridge()).unwrap();
    let image = bytes(&plan);
    assert_clean(&image);
    let found = crate::build::read_back(&image, TreeKind::Udf);
    assert!(found.keys().eq(names.iter()));
}

/// Makes checksum and CRC of a descriptor right again, so that its meaning alone is wrong.
pub(crate) fn seal(image: &mut [u8], at: usize) {
    let len = le(image, at + 10, 2) as usize;
    let mut crc = 0u16;
    for byte in &image[at + 16..at + 16 + len] {
        for bit in (0..8).rev() {
            let carry = (crc >> 15) ^ u16::from(byte >> bit & 1);
            crc = (crc << 1) ^ (0x1021 * carry);
        }
    }
    image[at + 8..at + 10].copy_from_slice(&crc.to_le_bytes());
    let sum = (0..16).filter(|n| *n != 4).fold(0u8, |sum, n| sum.wrapping_add(image[at + n]));
    image[at + 4] = sum;
}

/// Plants a defect, with or without making the descriptor at `at` right again.
#[track_caller]
fn planted(
    (lba, offset): (usize, usize),
    value: &[u8],
    sealed: Option<(usize, usize)>,
    (fault_lba, fault_offset): (usize, usize),
    is: impl Fn(&FaultKind) -> bool,
) {
    let mut image = small();
    let at = lba * SECTOR + offset;
    image[at..at + value.len()].copy_from_slice(value);
    if let Some((lba, offset)) = sealed {
        seal(&mut image, lba * SECTOR + offset);
    }
    let found = faults(&image);
    let position = (fault_lba * SECTOR + fault_offset) as u64;
    let hit = |fault: &Fault| fault.position == position && is(&fault.kind);
    assert!(found.iter().any(hit), "not flagged at {position}: {found:#?}");
}

fn value(what: &'static str) -> impl Fn(&FaultKind) -> bool {
    move |kind| matches!(kind, FaultKind::Value { what: found, .. } if *found == what)
}

fn udf(start: &'static str) -> impl Fn(&FaultKind) -> bool {
    move |kind| matches!(kind, FaultKind::Udf { what } if what.starts_with(start))
}

#[test]
fn planted_in_the_volume() {
    let sum = "checksum of a UDF tag";
    let crc = "CRC of a UDF descriptor";
    planted((20, 1), b"XXXXX", None, (19, 0), udf("the recognition sequence"));
    planted((19, 0), &[0; 3 * SECTOR], None, (19, 0), udf("an anchor without"));
    planted((256, 4), &[0x77], None, (256, 4), value(sum));
    planted((256, 4), &[0x77], None, (256, 0), udf("fewer than two anchors"));
    planted((429, 16), &[9], None, (429, 8), value(crc));
    planted((429, 0), &[0; 16], None, (256, 0), udf("fewer than two anchors"));
    planted((35, 100), &[0x77], None, (35, 8), value(crc));
    planted((35, 12), &[9], Some((35, 0)), (35, 12), value("location in a UDF tag"));
    planted((50, 200), &[7], Some((50, 0)), (50, 0), udf("the reserve"));
    planted((37, 0), &[0; 16], None, (32, 0), udf("a volume descriptor sequence does not end"));
    planted((34, 192), &[171], Some((34, 0)), (64, 84), value("size in the integrity descriptor"));
    let outside = |kind: &FaultKind| matches!(kind, FaultKind::Outside { .. });
    planted((34, 192), &[174], Some((34, 0)), (34, 192), outside);
    // So short that the last file is not inside.
    let short = udf("an extent outside the partition");
    planted((34, 192), &[20], Some((34, 0)), (263, 176), short);
    planted((35, 440), &[2], Some((35, 0)), (32, 0), udf("the logical volume has other"));
    planted((35, 217), b"X", Some((35, 0)), (35, 217), udf("the domain"));
    planted((64, 28), &[0], Some((64, 0)), (64, 28), value("state in the integrity descriptor"));
    let files = value("number of files in the integrity descriptor");
    planted((64, 120), &[4], Some((64, 0)), (64, 120), files);
    let folders = value("number of directories in the integrity descriptor");
    planted((64, 124), &[1], Some((64, 0)), (64, 124), folders);
    let next = value("next unique id in the integrity descriptor");
    planted((64, 40), &[19], Some((64, 0)), (64, 40), next);
    planted((257, 300), &[1], None, (257, 8), value(crc));
    planted((257, 0), &[9], None, (35, 248), udf("no file set descriptor"));
}

#[test]
fn planted_in_the_tree() {
    // Entries: root 259, a.txt 260, empty 261, sub 262, b 263; directories: root 264, sub 265.
    let crc = "CRC of a UDF descriptor";
    planted((260, 100), &[0x77], None, (260, 8), value(crc));
    planted((260, 12), &[9], Some((260, 0)), (260, 12), value("location in a UDF tag"));
    let len = value("length in a UDF file entry, which its extents must sum up to");
    planted((263, 56), &[9], Some((263, 0)), (263, 56), len);
    let blocks = value("blocks in a UDF file entry");
    planted((263, 64), &[9], Some((263, 0)), (263, 64), blocks);
    let links = "link count of a UDF file entry";
    planted((259, 48), &[1], Some((259, 0)), (259, 48), value(links));
    planted((260, 48), &[2], Some((260, 0)), (260, 48), value(links));
    let twice = |kind: &FaultKind| matches!(kind, FaultKind::UdfUniqueId { id: 16, .. });
    planted((263, 160), &[16], Some((263, 0)), (263, 160), twice);
    let date = |kind: &FaultKind| matches!(kind, FaultKind::Date { .. });
    planted((263, 88), &[13], Some((263, 0)), (263, 84), date);
    // Allocation descriptors.
    planted((263, 180), &[0xF0], Some((263, 0)), (263, 176), udf("an extent outside"));
    planted((263, 179), &[0x80], Some((263, 0)), (263, 176), udf("an extent that is not recorded"));
    planted((263, 172), &[0xFF; 4], Some((263, 0)), (263, 176), udf("allocation descriptors over"));
    let overlap = |kind: &FaultKind| matches!(kind, FaultKind::Overlap { .. });
    // One block earlier: over a.txt, and another file than in the other trees.
    planted((263, 180), &[18], Some((263, 0)), (263, 0), overlap);
    let only = |kind: &FaultKind| matches!(kind, FaultKind::OnlyIn { tree: TreeKind::Udf, .. });
    planted((263, 180), &[18], Some((263, 0)), (265, 40), only);
    let other = |kind: &FaultKind| matches!(kind, FaultKind::OtherFile { .. });
    planted((263, 180), &[18], Some((263, 0)), (265, 40), other);
    // Identifiers: root 0, a.txt 40, empty 84, sub 128; in sub 0, b 40.
    planted((264, 60), &[1], None, (264, 48), value(crc));
    planted((264, 52), &[6], Some((264, 40)), (264, 52), value("location in a UDF tag"));
    let unique = value("unique id in a file identifier");
    planted((264, 72), &[19], Some((264, 40)), (264, 72), unique);
    let parent = value("block of the parent in a file identifier");
    planted((265, 24), &[3], Some((265, 0)), (265, 24), parent);
    planted((265, 18), &[4], Some((265, 0)), (262, 0), udf("a directory without an identifier"));
    planted((264, 59), &[255], None, (264, 40), udf("a file identifier over the end"));
    planted((264, 58), &[2], Some((264, 40)), (264, 58), udf("a file identifier and its entry"));
    let name = |kind: &FaultKind| matches!(kind, FaultKind::Name { tree: TreeKind::Udf, .. });
    planted((264, 79), b"a/txt", Some((264, 40)), (264, 78), name);
    let same = |kind: &FaultKind| matches!(kind, FaultKind::Duplicate { .. });
    planted((264, 123), b"a.txt", Some((264, 84)), (264, 122), same);
    let folder = |kind: &FaultKind| matches!(kind, FaultKind::DirectoryTwice { .. });
    planted((264, 152), &[2], Some((264, 128)), (264, 128), folder);
}

/// What others write and we do not: a directory inside of its entry, an extended entry, long
/// allocation descriptors.
#[test]
fn other_forms_are_read() {
    let mut image = small();
    let (sub, b, directory) = (262 * SECTOR, 263 * SECTOR, 265 * SECTOR);
    let inside = sub + 176;
    image.copy_within(directory..directory + 80, inside);
    image[directory..directory + 80].fill(0);
    for at in [inside, inside + 40] {
        image[at + 12] = 5;
        seal(&mut image, at);
    }
    (image[sub + 34], image[sub + 64], image[sub + 172]) = (3, 0, 80);
    image[sub + 10] = 240;
    seal(&mut image, sub);

    let old = image[b..b + 184].to_vec();
    let long = [&old[176..184], &[0; 8]].concat();
    let new = [
        &old[..64],
        &old[56..84],
        &old[84..96],
        &old[84..108],
        &old[108..112],
        &[0; 4],
        &[0; 32],
        &old[128..172],
        &[16, 0, 0, 0],
        &long,
    ];
    let new = new.concat();
    assert_eq!(new.len(), 216 + 16);
    image[b..b + new.len()].copy_from_slice(&new);
    (image[b], image[b + 34], image[b + 10]) = (10, 1, 216);
    seal(&mut image, b);
    assert_clean(&image);
    let tree = tree(&[("a.txt", b"abc"), ("empty", b""), ("sub/b", &[1; 5000])]);
    let plan = plan(&tree, &bridge()).unwrap();
    let expected = crate::build::expected(&tree, &plan, TreeKind::Udf);
    assert_eq!(crate::build::read_back(&image, TreeKind::Udf), expected);
}

#[test]
fn a_directory_in_itself_is_read_once() {
    let mut image = small();
    // The entry of sub is the root's.
    let at = 264 * SECTOR + 128;
    image[at + 24] = 2;
    seal(&mut image, at);
    let mut image = Image::open(Cursor::new(&image)).unwrap();
    let errors: Vec<_> = image.walk(TreeKind::Udf).unwrap().filter_map(Result::err).collect();
    assert!(matches!(errors.as_slice(), [ReadError::Directory { .. }]), "{errors:?}");
    assert!(!image.check().unwrap().is_empty());
}

#[test]
fn an_image_without_udf_has_no_such_tree() {
    let (tree, options) = medium();
    let mut image = Image::open(Cursor::new(image(&tree, &options))).unwrap();
    assert_eq!(image.udf(), None);
    let error = image.walk(TreeKind::Udf).err();
    assert!(matches!(error, Some(ReadError::NoTree { tree: TreeKind::Udf })));
}

/// Opens, checks and reads whatever can be.
fn use_all(bytes: &[u8]) {
    let Ok(mut image) = Image::open(Cursor::new(bytes)) else { return };
    let _ = image.check();
    let Ok(walk) = image.walk(TreeKind::Udf) else { return };
    let entries: Vec<_> = walk.take(2000).flatten().collect();
    for entry in entries.iter().filter(|entry| !entry.is_dir()).take(50) {
        let _ = image.open_file(entry).take(1 << 16).read_to_end(&mut Vec::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Flipped bytes with right checksums: what lies behind them is reached.
    #[test]
    fn flipped_bytes(
        flips in prop::collection::vec((0usize..9, 0usize..512, any::<u8>()), 1..8),
        resealed in any::<bool>(),
    ) {
        let mut bytes = small();
        let (descriptors, directory) = ([34, 35, 64, 256, 257, 259, 262, 263], 264 * SECTOR);
        for (which, at, value) in flips {
            let start = descriptors.get(which).map_or(directory, |lba| lba * SECTOR);
            bytes[start + at] = value;
        }
        if resealed {
            let starts = descriptors.map(|lba| lba * SECTOR).into_iter();
            let identifiers = [0, 40, 84, 128].map(|at| directory + at);
            for at in starts.chain(identifiers) {
                if le(&bytes, at + 10, 2) < 2000 {
                    seal(&mut bytes, at);
                }
            }
        }
        use_all(&bytes);
    }

    #[test]
    fn cut_off(len in 0usize..430 * SECTOR) {
        let mut bytes = small();
        bytes.truncate(len);
        use_all(&bytes);
    }
}
