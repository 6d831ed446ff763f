//! Cutting into parts, and reading a set of parts back as one WIM.

use std::collections::BTreeSet;
use std::sync::Arc;

use extent_image::{BytesSource, Plan, ReadAt, Source, StreamOptions, Timestamp};
use proptest::prelude::*;
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Fault, OpenError, RestoreError, SetError, SplitError, Wim, frame, restore, split};

use crate::fixtures::ALL;
use crate::support::{contents, fixture, open, sample, verify};

pub(crate) fn written(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = plan.write_to(&mut bytes, &StreamOptions::default(), &mut ()).unwrap();
    assert_eq!(bytes.len() as u64, plan.len());
    bytes
}

/// The parts of a WIM in memory.
fn parts(whole: &[u8], limits: &[u64]) -> Result<Vec<Vec<u8>>, SplitError> {
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("whole.wim", whole.to_vec()));
    let wim = open(whole).unwrap();
    let parts = split(&wim, &source, limits)?;
    assert!(parts == split(&wim, &source, limits).unwrap(), "the same plans every time");
    for (part, k) in parts.iter().zip(1..) {
        assert_eq!(part.number(), k);
        let limit = limits.get(usize::from(k) - 1).or(limits.last());
        assert!(part.plan().len() <= *limit.unwrap_or(&u64::MAX));
    }
    Ok(parts.iter().map(|part| written(part.plan())).collect())
}

fn set(parts: &[Vec<u8>]) -> Result<Wim, SetError> {
    let source = |part: &Vec<u8>| -> Arc<dyn ReadAt> {
        Arc::new(BytesSource::new("part.swm", part.clone()))
    };
    Wim::open_set(parts.iter().map(source).collect())
}

fn frame_of(whole: &[u8]) -> Vec<u8> {
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("whole.wim", whole.to_vec()));
    written(&frame(&open(whole).unwrap(), &source).unwrap())
}

fn restored(frame: &[u8], parts: &[Vec<u8>]) -> Result<Vec<u8>, RestoreError> {
    let source = |name, bytes: &[u8]| -> Arc<dyn Source> {
        Arc::new(BytesSource::new(name, bytes.to_vec()))
    };
    let parts: Vec<_> = parts.iter().map(|part| source("part.swm", part)).collect();
    restore(&source("the frame", frame), &parts).map(|plan| written(&plan))
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// The blob table's rows of one file: whether it is metadata, part number and hash.
fn rows(file: &[u8]) -> Vec<(bool, u16, [u8; 20])> {
    let (at, len) = (number(file, 0x38) as usize, number(file, 0x40) as usize);
    let row = |row: &[u8]| {
        let part = u16::from_le_bytes(row[24..26].try_into().unwrap());
        (row[7] & 2 != 0, part, row[30..50].try_into().unwrap())
    };
    file[at..at + len].chunks_exact(50).map(row).collect()
}

/// Everything that must hold of the parts of a WIM.
fn check_parts(whole: &[u8], parts: &[Vec<u8>]) {
    let total = parts.len() as u16;
    let mut seen = BTreeSet::new();
    let mut metadata = Vec::new();
    for (part, k) in parts.iter().zip(1_u16..) {
        assert_eq!(part[..16], whole[..16]);
        assert_eq!(part[0x14..0x28], whole[0x14..0x28], "chunk size and GUID");
        assert_eq!(part[0x2C..0x30], whole[0x2C..0x30], "image count");
        assert_eq!(part[0x10] & 8 != 0, total > 1);
        assert_eq!(part[0x28..0x2C], [k.to_le_bytes(), total.to_le_bytes()].concat());
        for (is_metadata, of_part, hash) in rows(part) {
            assert_eq!(of_part, k);
            if is_metadata {
                assert_eq!(k, 1);
                metadata.push(hash);
            } else {
                assert!(seen.insert(hash), "in one part only");
            }
        }
        match open(part.clone()) {
            Err(OpenError::Split { part, total: of }) => assert_eq!((part, of), (k, total)),
            found => assert!(found.is_ok() && total == 1),
        }
    }
    let frame = frame_of(whole);
    let reversed: Vec<_> = parts.iter().rev().cloned().collect();
    assert!(restored(&frame, parts).unwrap() == whole);
    assert!(restored(&frame, &reversed).unwrap() == whole);
    let of_whole = |is_metadata| {
        let rows = rows(whole).into_iter().filter(move |row| row.0 == is_metadata);
        rows.map(|(_, _, hash)| hash)
    };
    assert_eq!(seen, of_whole(false).collect());
    // Of equal images it is equal, but there for each.
    assert_eq!(metadata, of_whole(true).collect::<Vec<_>>());

    let (wim, joined) = (open(whole).unwrap(), set(parts).unwrap());
    assert_eq!((joined.part_count(), joined.boot_index()), (total, wim.boot_index()));
    assert_eq!((joined.infos(), joined.warnings()), (wim.infos(), wim.warnings()));
    assert_eq!(verify(&joined).len(), 0);
    for index in 1..=wim.image_count() {
        let (old, new) = (wim.image(index).unwrap(), joined.image(index).unwrap());
        assert_eq!(contents(&wim, &old), contents(&joined, &new));
    }
}

/// A limit for part 1 with `room` bytes beside what it must hold, and one for the others.
fn limits(whole: &[u8], first: u64, others: u64) -> [u64; 2] {
    let Err(SplitError::FirstPart { needed, .. }) = parts(whole, &[0]) else { panic!() };
    let xml = number(whole, 0x48) & 0xFF_FFFF;
    [needed + first, 208 + xml + others]
}

#[test]
fn fixtures_in_parts() {
    for (name, ..) in ALL {
        let whole = fixture(name);
        let Err(SplitError::LargeFile { path, stored, needed, .. }) = ({
            let limits = limits(&whole, 0, 0);
            parts(&whole, &limits)
        }) else {
            panic!("{name}")
        };
        assert!(path.unwrap().starts_with("image 1: \\"), "{name}");
        // As small as it can be, and not smaller.
        let [first, _] = limits(&whole, 0, 0);
        assert!(parts(&whole, &[first, needed - 1]).is_err());
        let small = parts(&whole, &[first, needed]).unwrap();
        assert!(small.len() >= 2);
        check_parts(&whole, &small);
        check_parts(&whole, &parts(&whole, &limits(&whole, stored, stored + 1000)).unwrap());
        check_parts(&whole, &parts(&whole, &[]).unwrap());
    }
}

#[test]
fn equal_images() {
    let image = ImageBuilder::new("equal", Timestamp::FAT_EPOCH);
    let image = image.with_bytes("file", vec![1; 100]).unwrap();
    let whole = WimBuilder::new().with_image(image.clone()).with_image(image).with_boot_index(2);
    let whole = whole.to_vec().unwrap();
    let two = parts(&whole, &limits(&whole, 0, 5000)).unwrap();
    assert_eq!(two.len(), 2);
    check_parts(&whole, &two);
}

#[test]
fn sets_that_are_none() {
    let whole = sample().to_vec().unwrap();
    let three = parts(&whole, &limits(&whole, 0, 5050)).unwrap();
    assert_eq!(three.len(), 3);
    let set_of = |numbers: &[usize]| {
        let parts: Vec<_> = numbers.iter().map(|number| three[number - 1].clone()).collect();
        set(&parts).map(|wim| verify(&wim).len()).map_err(|error| error.to_string())
    };
    assert_eq!(set_of(&[3, 1, 2]), Ok(0));
    assert_eq!(set_of(&[]).unwrap_err(), "no parts to open");
    assert_eq!(set_of(&[2, 3]).unwrap_err(), "part 1 of 3 is missing");
    assert_eq!(set_of(&[1, 3]).unwrap_err(), "part 2 of 3 is missing");
    assert_eq!(set_of(&[1, 2]).unwrap_err(), "part 3 of 3 is missing");
    assert_eq!(set_of(&[1, 2, 3, 2]).unwrap_err(), "part.swm and part.swm are both part 2");

    let mut foreign = three.clone();
    foreign[1][0x18] ^= 1;
    assert!(matches!(set(&foreign), Err(SetError::Foreign { .. })));
    foreign[1] = whole.clone();
    assert!(matches!(set(&foreign), Err(SetError::Foreign { .. })));
    foreign[1] = b"something else".to_vec();
    assert!(matches!(set(&foreign), Err(SetError::Part { source: OpenError::NotWim { .. }, .. })));

    let wim = set(&three).unwrap();
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("x", whole.clone()));
    assert!(matches!(split(&wim, &source, &[]), Err(SplitError::AlreadySplit { parts: 3 })));
    assert_eq!(set(std::slice::from_ref(&whole)).unwrap().part_count(), 1);
}

#[test]
fn damage_in_a_later_part_is_found() {
    let whole = sample().to_vec().unwrap();
    let good = parts(&whole, &limits(&whole, 0, 5050)).unwrap();
    let mut bad = good.clone();
    bad[1][300] ^= 1;
    let faults = verify(&set(&bad).unwrap());
    assert!(matches!(faults[..], [Fault::Blob { .. }]), "{faults:?}");

    // A blob that is said to lie behind its part does not reach into the next.
    let mut bad = good;
    let entry = number(&bad[1], 0x38) as usize;
    let past = bad[1].len() as u64 - 10;
    bad[1][entry + 8..entry + 16].copy_from_slice(&past.to_le_bytes());
    let faults = verify(&set(&bad).unwrap());
    assert!(matches!(faults[..], [Fault::Blob { .. }]), "{faults:?}");
    assert!(format!("{:?}", faults[0]).contains("OutsideFile"));
}

#[test]
fn frames() {
    let whole = sample().to_vec().unwrap();
    let three = parts(&whole, &limits(&whole, 0, 5050)).unwrap();
    let frame = frame_of(&whole);
    // Header, blob table of three entries, XML and integrity table.
    let (table, xml) = (number(&whole, 0x38) as usize, number(&whole, 0x50) as usize);
    assert_eq!(frame, [&whole[..208], &whole[table..table + 150], &whole[xml..]].concat());

    // What is in no resource is kept too: an entry out of use, a hole, bytes behind the end.
    let mut odd = whole.clone();
    odd[table + 7] = 1;
    odd.extend_from_slice(b"behind");
    let of_odd = parts(&odd, &limits(&odd, 0, 5050)).unwrap();
    let frame_of_odd = frame_of(&odd);
    let unused = number(&odd, table) as usize & 0xFF_FFFF;
    assert_eq!(frame_of_odd.len(), frame.len() + unused + 6);
    assert!(restored(&frame_of_odd, &of_odd).unwrap() == odd);

    let told = |frame: &[u8], parts: &[Vec<u8>]| {
        restored(frame, parts).map(|wim| wim.len()).unwrap_err().to_string()
    };
    assert_eq!(told(&frame, &three[..2]), "part 3 of 3 is missing");
    assert_eq!(told(&frame[..100], &three), "cannot read the frame as the frame of a WIM");
    assert_eq!(told(&three[0], &three), "cannot read the frame as the frame of a WIM");
    for cut in [358, frame.len() - 1] {
        let found = restored(&frame[..cut], &three);
        assert!(matches!(found, Err(RestoreError::Shape { .. })), "{cut}");
    }
    let mut foreign = frame.clone();
    foreign[0x18] ^= 1;
    let found = restored(&foreign, &three);
    assert!(matches!(found, Err(RestoreError::Foreign { .. })));
    let found = restored(&frame, &of_odd);
    assert!(matches!(found, Err(RestoreError::Missing { .. })));
    let mut bad = frame.clone();
    bad[208 + 50 + 12] = 1;
    assert!(matches!(restored(&bad, &three), Err(RestoreError::Shape { .. })));
    bad[208 + 50 + 12] = 0;
    bad[208 + 50 + 8] ^= 1;
    assert!(matches!(restored(&bad, &three), Err(RestoreError::Shape { .. })));
}

/// A WIM whose blob table and metadata are found behind each other several times over.
fn hostile(entries: usize) -> Vec<u8> {
    let mut image = ImageBuilder::new("x", Timestamp::FAT_EPOCH);
    for n in 0..entries {
        image = image.with_bytes(&format!("{n}"), n.to_le_bytes().to_vec()).unwrap();
    }
    let mut bytes = WimBuilder::new().with_image(image).to_vec().unwrap();
    let (table, len) = (number(&bytes, 0x38) as usize, bytes.len() as u64 - 208);
    for entry in 0..entries {
        let at = table + 50 * entry;
        bytes[at..at + 7].copy_from_slice(&len.to_le_bytes()[..7]);
        bytes[at + 8..at + 16].copy_from_slice(&208_u64.to_le_bytes());
        bytes[at + 16..at + 24].copy_from_slice(&len.to_le_bytes());
    }
    bytes
}

#[test]
fn a_small_file_does_not_become_a_large_set() {
    let found = parts(&hostile(100), &[]).unwrap_err();
    assert!(matches!(found, SplitError::Overlap { .. }), "{found}");
}

/// Images that share files, with data of many lengths.
fn any_whole() -> impl Strategy<Value = Vec<u8>> {
    let files = prop::collection::vec((0..40_u16, 0..6000_usize), 0..25);
    (prop::collection::vec(files, 1..4), 0..4_u32, any::<bool>()).prop_map(
        |(images, boot, integrity)| {
            let count = images.len() as u32;
            let mut builder = WimBuilder::new().with_boot_index(boot.min(count));
            for files in images {
                let mut image = ImageBuilder::new("any", Timestamp::FAT_EPOCH);
                for (n, (value, len)) in files.into_iter().enumerate() {
                    let data = value.to_le_bytes().repeat(len / 2);
                    image = image.with_bytes(&format!("folder/{n}"), data).unwrap();
                }
                builder = builder.with_image(image);
            }
            if integrity { builder.with_integrity_table() } else { builder }.to_vec().unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_wim_in_parts(whole in any_whole(), first in 0..20_000_u64, others in 0..20_000_u64) {
        let limits = limits(&whole, first, others);
        match parts(&whole, &limits) {
            Ok(parts) => check_parts(&whole, &parts),
            Err(SplitError::LargeFile { stored, .. }) => prop_assert!(stored + 50 > others),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn changed_bytes_split_or_fail(
        which in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..2_u8), 1..5),
        limit in 0..200_000_u64,
    ) {
        let mut whole = match ALL.get(which) {
            Some((name, ..)) => fixture(name),
            None => sample().to_vec().unwrap(),
        };
        for (index, value, place) in changes {
            let len = whole.len();
            let at = match place {
                0 => index.index(208),
                _ => len - 1 - index.index(1500.min(len)),
            };
            whole[at] = value;
        }
        let Ok(wim) = open(whole.clone()) else { return Ok(()) };
        let source: Arc<dyn Source> = Arc::new(BytesSource::new("whole.wim", whole.clone()));
        let Ok(plans) = split(&wim, &source, &[limit]) else { return Ok(()) };
        let parts: Vec<_> = plans.iter().map(|part| written(part.plan())).collect();
        // No byte of data twice.
        let length: usize = parts.iter().map(Vec::len).sum();
        prop_assert!(length <= whole.len() * (1 + parts.len()) + 208 * parts.len());
        if let Ok(set) = set(&parts) {
            let _ = verify(&set);
        }
    }

    #[test]
    fn changed_frames_restore_or_fail(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let whole = sample().to_vec().unwrap();
        let three = parts(&whole, &limits(&whole, 0, 5050)).unwrap();
        let mut frame = frame_of(&whole);
        for (index, value) in changes {
            let at = index.index(frame.len());
            frame[at] = value;
        }
        if let Ok(bytes) = restored(&frame, &three) {
            prop_assert!(bytes.len() <= whole.len() + frame.len());
        }
    }

    #[test]
    fn changed_parts_open_or_fail(
        part in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let whole = sample().to_vec().unwrap();
        let mut three = parts(&whole, &limits(&whole, 0, 5050)).unwrap();
        for (index, value) in changes {
            let at = index.index(three[part].len());
            three[part][at] = value;
        }
        if let Ok(set) = set(&three) {
            let _ = verify(&set);
            let _ = set.image(1).map(|image| image.walk().count());
        }
    }
}
