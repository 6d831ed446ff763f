//! Metadata made by hand.

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32, U64};

use super::*;
use crate::disk::{BlobEntry, ResourceHeader};

const A: Sha1Hash = [0xA; 20];
const B: Sha1Hash = [0xB; 20];
const C: Sha1Hash = [0xC; 20];

/// The blob of hash `n` repeated has `n` bytes.
fn blobs() -> BlobTable {
    let rows = [A, B, C].map(|hash| BlobEntry {
        resource: ResourceHeader::uncompressed(208, u64::from(hash[0]), 0),
        part_number: U16::new(1),
        reference_count: U32::new(1),
        hash,
    });
    BlobTable::parse(rows.as_bytes(), 1)
}

#[derive(Clone, Copy)]
struct Row<'a> {
    name: &'a str,
    short: &'a str,
    attributes: u32,
    subdir: u64,
    hash: Sha1Hash,
    streams: &'a [(&'a str, Sha1Hash)],
}

const ROW: Row<'static> =
    Row { name: "", short: "", attributes: 0x20, subdir: 0, hash: NO_HASH, streams: &[] };

fn file(name: &str) -> Row<'_> {
    Row { name, ..ROW }
}

fn folder(name: &str, subdir: u64) -> Row<'_> {
    Row { name, attributes: DIRECTORY, subdir, ..ROW }
}

fn name_bytes(name: &str) -> Vec<u8> {
    let units = name.encode_utf16().chain((!name.is_empty()).then_some(0));
    units.flat_map(u16::to_le_bytes).collect()
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

fn put(out: &mut Vec<u8>, row: Row<'_>) {
    let names = [name_bytes(row.name), name_bytes(row.short)].concat();
    let length = |name: &str| U16::new(name.encode_utf16().count() as u16 * 2);
    let dentry = Dentry {
        length: U64::new((size_of::<Dentry>() + names.len()) as u64),
        attributes: U32::new(row.attributes),
        security_id: U32::new(u32::MAX),
        subdir_offset: U64::new(row.subdir),
        reserved: [0; 16],
        creation_time: U64::new(1),
        access_time: U64::new(2),
        write_time: U64::new(3),
        hash: row.hash,
        unknown: U32::new(0),
        reparse_tag_or_link: U32::new(0xA000_000C),
        link_high: U32::new(0),
        stream_count: U16::new(row.streams.len() as u16),
        short_name_length: length(row.short),
        name_length: length(row.name),
    };
    out.extend(dentry.as_bytes());
    out.extend(names);
    pad(out);
    for (name, hash) in row.streams {
        let bytes = name_bytes(name);
        let stream = StreamEntry {
            length: U64::new(38 + bytes.len() as u64),
            reserved: U64::new(0),
            hash: *hash,
            name_length: length(name),
        };
        out.extend(stream.as_bytes());
        out.extend(bytes);
        pad(out);
    }
}

/// Where the first folder of [`tree`] begins: after the security block, root and its end.
const FIRST: u64 = 8 + 104 + 8;

fn tree(folders: &[&[Row<'_>]]) -> Vec<u8> {
    let mut out = vec![8, 0, 0, 0, 0, 0, 0, 0];
    put(&mut out, folder("", FIRST));
    out.extend([0; 8]);
    assert_eq!(out.len() as u64, FIRST);
    for rows in folders {
        for row in *rows {
            put(&mut out, *row);
        }
        out.extend([0; 8]);
    }
    out
}

fn parse(metadata: &[u8]) -> Result<Image, MetadataError> {
    Image::parse(metadata, &blobs(), &Limits::new())
}

fn paths(image: &Image) -> Vec<String> {
    image.walk().map(|entry| entry.path()).collect()
}

#[test]
fn which_stream_is_the_content() {
    let reparse = 0x400 | 0x20;
    type Streams<'a> = &'a [(&'a str, Sha1Hash)];
    let cases: &[(&str, u32, Sha1Hash, Streams<'_>, u64)] = &[
        ("own", 0x20, A, &[("", B)], 0xA),
        ("unnamed", 0x20, NO_HASH, &[("ads", C), ("", B), ("", A)], 0xB),
        ("named only", 0x20, NO_HASH, &[("ads", C)], 0),
        ("own and named", 0x20, A, &[("ads", C)], 0xA),
        ("link", reparse, A, &[("ads", C)], 0),
        ("link 2", reparse, NO_HASH, &[("", A)], 0),
        ("reparse and data", reparse, NO_HASH, &[("", A), ("ads", C), ("", B)], 0xB),
        ("own is reparse", reparse, A, &[("", B)], 0xB),
        ("missing", 0x20, [0xD; 20], &[], 0),
    ];
    let rows: Vec<Row<'_>> = cases
        .iter()
        .map(|&(name, attributes, hash, streams, _)| Row { name, attributes, hash, streams, ..ROW })
        .collect();
    let image = parse(&tree(&[&rows])).unwrap();
    for (name, attributes, _, _, size) in cases {
        let entry = image.lookup(name).unwrap();
        assert_eq!(entry.size(), *size, "{name}");
        let tag = (attributes & 0x400 != 0).then_some(0xA000_000C);
        assert_eq!(entry.reparse_tag(), tag, "{name}");
    }
    assert!(image.lookup("missing").unwrap().sha1().is_some());
    assert!(image.lookup("named only").unwrap().sha1().is_none());
}

#[test]
fn names_that_are_ignored() {
    let rows = [
        file("a"),
        file(""),
        file("."),
        file(".."),
        file("x/y"),
        file("x\\y"),
        Row { hash: A, ..file("A") },
        Row { hash: B, ..file("a") },
        Row { short: "LONGNA~1.TXT", ..file("long name.text") },
        file("Grüße"),
    ];
    let image = parse(&tree(&[&rows])).unwrap();
    assert_eq!(paths(&image), ["\\a", "\\A", "\\long name.text", "\\Grüße"]);
    assert_eq!(image.lookup("a").unwrap().size(), 0, "the first of exact duplicates");
    assert_eq!(image.lookup("A").unwrap().size(), 0xA, "an exact match comes first");
    assert!(image.lookup("\\GRÜßE").is_some());
    assert!(image.lookup("LONGNA~1.TXT").is_none());
    assert!(image.lookup("").unwrap().is_root());
    assert!(image.lookup("a/b").is_none());
}

#[test]
fn folders_and_times() {
    // "ab" is one entry of 112 bytes: 102 + 6, rounded up.
    let second = FIRST + 112 + 112 + 8;
    let third = second + 112 + 8;
    let metadata = tree(&[
        &[folder("ab", second), Row { subdir: 0x7777, ..file("cd") }],
        &[folder("ef", third)],
        &[Row { hash: C, ..file("gh") }],
    ]);
    let image = parse(&metadata).unwrap();
    assert_eq!(paths(&image), ["\\ab", "\\ab\\ef", "\\ab\\ef\\gh", "\\cd"]);
    assert_eq!(image.root().path(), "\\");
    let entry = image.lookup("/AB//eF\\GH").unwrap();
    assert_eq!(entry.size(), 0xC);
    assert_eq!(entry.created().filetime(), 1);
    assert_eq!(entry.accessed().filetime(), 2);
    assert_eq!(entry.modified().filetime(), 3);
    let limits = Limits::new().with_depth(2);
    let found = Image::parse(&metadata, &blobs(), &limits).map(|_| ());
    assert_eq!(found, Err(MetadataError::TooDeep { limit: 2 }));
    let limits = Limits::new().with_entries(4);
    let found = Image::parse(&metadata, &blobs(), &limits).map(|_| ());
    assert_eq!(found, Err(MetadataError::TooManyEntries { limit: 4 }));
}

#[test]
fn damage() {
    let error = |metadata: &[u8]| parse(metadata).map(|_| ()).unwrap_err();
    assert_eq!(error(&[]), MetadataError::Security { length: 0, size: 0 });
    assert_eq!(error(&[8, 0, 0, 0, 0, 0, 0, 0]), MetadataError::Security { length: 8, size: 8 });
    assert_eq!(error(&[0xFF; 64]), MetadataError::Security { length: u32::MAX, size: 64 });

    let whole = tree(&[&[file("ab")]]);
    let size = whole.len() as u64 - 8;
    assert_eq!(
        error(&whole[..whole.len() - 8]),
        MetadataError::Entry { at: size, length: 0, size },
        "no end of folder"
    );
    let mut long = whole.clone();
    long[FIRST as usize..][..8].fill(0xFF);
    assert!(matches!(error(&long), MetadataError::Entry { at: FIRST, length: u64::MAX, .. }));
    let mut names = whole.clone();
    names[FIRST as usize + 0x64] = 200;
    assert_eq!(error(&names), MetadataError::Names { at: FIRST, length: 108, names: 202 });
    names[FIRST as usize + 0x64] = 3;
    assert_eq!(error(&names), MetadataError::Names { at: FIRST, length: 108, names: 5 });
    let mut streams = whole.clone();
    streams[FIRST as usize + 0x60] = 1;
    assert!(matches!(error(&streams), MetadataError::Entry { .. }));

    for offset in [FIRST + 4, 1 << 40] {
        assert!(matches!(
            error(&tree(&[&[folder("ab", offset)]])),
            MetadataError::SubdirOffset { at: FIRST, .. }
        ));
    }
    assert_eq!(error(&tree(&[&[folder("ab", FIRST)]])), MetadataError::Cycle { offset: FIRST });
    let mut root_is_file = whole;
    root_is_file[8 + 8] = 0x20;
    assert_eq!(error(&root_is_file), MetadataError::RootIsFile { at: 8 });
}

#[test]
fn folders_that_share_children_do_not_multiply() {
    // Sixteen levels of four folders, all four with the same children: 4^16 entries.
    let level = 4 * 112 + 8;
    let names = ["a", "b", "c", "d"];
    let mut rows = Vec::new();
    for depth in 1..=16 {
        rows.push(names.map(|name| folder(name, FIRST + depth * level)));
    }
    let mut levels: Vec<&[Row<'_>]> = rows.iter().map(|rows| rows.as_slice()).collect();
    levels.push(&[]);
    assert!(matches!(parse(&tree(&levels)), Err(MetadataError::Shared { .. })));
    // An empty run has no entries to share.
    let end = FIRST + level;
    let image = parse(&tree(&[&names.map(|name| folder(name, end)), &[]])).unwrap();
    assert_eq!(image.entry_count(), 4);
}

#[test]
fn an_image_of_nothing() {
    let image = parse(&[8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(image.entry_count(), 0);
    assert!(image.root().is_folder());
    assert!(image.lookup("x").is_none());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3000))]
    #[test]
    fn changed_bytes_are_errors_or_other_trees(
        changes in proptest::collection::vec((0..700_usize, proptest::prelude::any::<u8>()), 1..6),
    ) {
        let second = FIRST + 112 + 112 + 8;
        let third = second + 112 + 8;
        let mut metadata = tree(&[
            &[folder("ab", second), Row { streams: &[("ads", A), ("", B)], ..file("cd") }],
            &[folder("ef", third)],
            &[Row { hash: C, short: "GH~1", ..file("gh") }],
        ]);
        let len = metadata.len();
        for (at, value) in changes {
            metadata[at % len] = value;
        }
        if let Ok(image) = parse(&metadata) {
            for entry in image.walk() {
                proptest::prop_assert_eq!(image.lookup(&entry.path()).map(|e| e.index), Some(entry.index));
            }
        }
    }
}
