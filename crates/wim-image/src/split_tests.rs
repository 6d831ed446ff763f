//! Parts of a small WIM by hand.

use extent_image::{BytesSource, StreamOptions, Timestamp};

use super::*;
use crate::write::{ImageBuilder, WimBuilder};

/// One file of 1000 and one of 500 bytes, in this order of the file.
fn wim() -> (Vec<u8>, Wim, Arc<dyn Source>) {
    let image = ImageBuilder::new("One", Timestamp::FAT_EPOCH)
        .with_bytes("a", vec![0xAA; 1000])
        .and_then(|image| image.with_bytes("b", vec![0xBB; 500]))
        .unwrap();
    let builder = WimBuilder::new().with_image(image).with_boot_index(1).with_guid([7; 16]);
    let bytes = builder.with_integrity_table().to_vec().unwrap();
    let source = BytesSource::new("a.wim", bytes.clone());
    (bytes, Wim::open(Arc::new(source.clone())).unwrap(), Arc::new(source))
}

fn written(part: &SwmPart) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = part.plan().write_to(&mut bytes, &StreamOptions::default(), &mut ()).unwrap();
    bytes
}

/// Lengths of the metadata and of the XML of [`wim`].
fn lengths(bytes: &[u8]) -> (usize, usize) {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    ((number(0x60) & 0xFF_FFFF) as usize, (number(0x48) & 0xFF_FFFF) as usize)
}

fn resource(size: usize, flags: u8, offset: usize) -> Vec<u8> {
    let size_and_flags = size as u64 | u64::from(flags) << 56;
    [size_and_flags, offset as u64, size as u64].map(u64::to_le_bytes).concat()
}

#[test]
fn both_parts_byte_by_byte() {
    let (whole, wim, source) = wim();
    let (metadata, xml) = lengths(&whole);
    let first_limit = 208 + metadata + 50 + 1000 + 50 + xml;
    let parts = split(&wim, &source, &[first_limit as u64, 2000]).unwrap();
    assert_eq!(parts.iter().map(SwmPart::number).collect::<Vec<_>>(), [1, 2]);
    let names: Vec<_> = parts.iter().map(|part| part.file_name("a b")).collect();
    assert_eq!(names, ["a b.swm", "a b2.swm"]);
    let roles: Vec<Vec<_>> = parts
        .iter()
        .map(|part| part.plan().extents().iter().map(|e| (e.role(), e.len() as usize)).collect())
        .collect();
    let (header, table, tail) = (("WIM header", 208), |n| ("WIM blob table", n), ("WIM XML", xml));
    let data = |n| ("WIM data", n);
    assert_eq!(roles[0], [header, data(1000), ("WIM metadata", metadata), table(100), tail]);
    assert_eq!(roles[1], [header, data(500), table(50), tail]);

    let (one, two) = (written(&parts[0]), written(&parts[1]));
    assert_eq!(one.len(), first_limit);
    let mut head = whole[..208].to_vec();
    head[0x10] |= 0x08;
    head[0x28..0x2C].copy_from_slice(&[1, 0, 2, 0]);
    head[0x30..0x48].copy_from_slice(&resource(100, 2, 1208 + metadata));
    head[0x48..0x60].copy_from_slice(&resource(xml, 2, 1308 + metadata));
    head[0x60..0x78].copy_from_slice(&resource(metadata, 2, 1208));
    head[0x7C..0x94].fill(0);
    assert_eq!(one[..208], head);
    head[0x28] = 2;
    head[0x30..0x48].copy_from_slice(&resource(50, 2, 708));
    head[0x48..0x60].copy_from_slice(&resource(xml, 2, 758));
    head[0x60..0x7C].fill(0);
    assert_eq!(two[..208], head);

    assert_eq!(one[208..1208], [0xAA; 1000]);
    assert_eq!(two[208..708], [0xBB; 500]);
    let entry = |resource: Vec<u8>, part, hash: [u8; 20]| {
        [resource, vec![part, 0, 1, 0, 0, 0], hash.to_vec()].concat()
    };
    let image = &whole[208 + 1500..][..metadata];
    assert_eq!(one[1208..][..metadata], *image);
    let table = [
        entry(resource(metadata, 2, 1208), 1, crate::hash::Hasher::of(image)),
        entry(resource(1000, 0, 208), 1, crate::hash::Hasher::of(&[0xAA; 1000])),
    ];
    assert_eq!(one[1208 + metadata..][..100], table.concat());
    let table = entry(resource(500, 0, 208), 2, crate::hash::Hasher::of(&[0xBB; 500]));
    assert_eq!(two[708..758], table);
    let text = &whole[1708 + metadata + 150..][..xml];
    assert!(one.ends_with(text) && two.ends_with(text));
}

#[test]
fn what_does_not_fit() {
    let (whole, wim, source) = wim();
    let (metadata, xml) = lengths(&whole);
    let (first, other) = (208 + metadata + 50 + xml, 208 + xml);
    let told = |limits: &[usize]| {
        let limits: Vec<u64> = limits.iter().map(|limit| *limit as u64).collect();
        split(&wim, &source, &limits).unwrap_err().to_string()
    };
    let lengths = |limits: &[usize]| -> Vec<usize> {
        let limits: Vec<u64> = limits.iter().map(|limit| *limit as u64).collect();
        let parts = split(&wim, &source, &limits).unwrap();
        parts.iter().map(|part| part.plan().len() as usize).collect()
    };
    // Everything; the later, smaller file first; metadata alone.
    assert_eq!(lengths(&[]), [first + 1600]);
    assert_eq!(lengths(&[first + 1600]), [first + 1600]);
    assert_eq!(lengths(&[first + 1599]), [first + 1050, other + 550]);
    assert_eq!(lengths(&[first + 1049, 5000]), [first + 550, other + 1050]);
    assert_eq!(lengths(&[first, other + 1050]), [first, other + 1050, other + 550]);

    assert_eq!(
        told(&[first - 1, 5000]),
        format!(
            "part 1 may have {} bytes, but holds the metadata of all images and so needs at \
             least {first}",
            first - 1
        )
    );
    let large = format!(
        "the data of image 1: \\a (SHA-1 {}) of 1000 bytes in the WIM does not fit a part of {} \
         bytes, and cannot be cut; allow parts of at least {} bytes",
        Sha1(crate::hash::Hasher::of(&[0xAA; 1000])),
        other + 1049,
        other + 1050
    );
    assert_eq!(told(&[first, other + 1049]), large);
    assert_eq!(
        told(&[first, other + 549, 5000]),
        format!(
            "part 2 may have {} bytes, which is too few for any of the data that is left: at \
             least {} are needed",
            other + 549,
            other + 550
        )
    );
    assert!(told(&[first, 0]).contains("does not fit a part of 0 bytes"));
    assert!(told(&[0]).starts_with("part 1 may have 0 bytes"));
}

#[test]
fn another_source() {
    let (whole, wim, _) = wim();
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("b.wim", whole[1..].to_vec()));
    let found = split(&wim, &source, &[]).unwrap_err();
    assert!(matches!(found, SplitError::OtherSource { .. }), "{found}");
}

#[test]
fn resources_that_cannot_be() {
    let change = |entry: usize, at: usize, byte: u8| {
        let (mut whole, ..) = wim();
        let (metadata, _) = lengths(&whole);
        whole[1708 + metadata + 50 * entry + at] = byte;
        let source = BytesSource::new("a.wim", whole);
        let wim = Wim::open(Arc::new(source.clone())).unwrap();
        let source: Arc<dyn Source> = Arc::new(source);
        split(&wim, &source, &[]).unwrap_err()
    };
    // The second file one byte earlier; the metadata one byte earlier, or far outside; solid.
    let overlap = |found: SplitError| match found {
        SplitError::Overlap { offset, end, .. } => (offset, end),
        other => panic!("{other}"),
    };
    assert_eq!(overlap(change(1, 8, 0xB7)), (1207, 1208));
    assert_eq!(overlap(change(2, 8, 0xAB)), (1707, 1708));
    let damaged = |found| matches!(found, SplitError::Damaged { .. });
    assert!(damaged(change(2, 12, 1)));
    assert!(damaged(change(0, 7, 0x10)));
    assert!(damaged(change(0, 7, 0x04)));
}
