//! Damaged and hostile WIMs: errors, never panics, and no wrong byte goes unnoticed.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use extent_image::{BytesSource, Source, Timestamp};
use proptest::prelude::*;
use wim_image::decompress::{Lzx, Xpress};
use wim_image::write::ImageBuilder;
use wim_image::{Fault, ImageError, Limits, ReadError, Wim};

use crate::fixtures::ALL;
use crate::support::{fixture, open, sample, verify};

/// Does everything that can be done with a WIM.
fn exercise(bytes: Vec<u8>) {
    let limits = Limits::new().with_metadata(1 << 20).with_in_memory(1 << 20);
    let Ok(wim) = Wim::open_with_limits(Arc::new(BytesSource::new("x", bytes)), limits) else {
        return;
    };
    for index in 0..=wim.image_count().min(3) {
        let _ = wim.header_with_boot_index(index);
        let Ok(image) = wim.image(index) else { continue };
        for entry in image.walk() {
            let path = entry.path();
            assert!(image.lookup(&path).is_some(), "{path}");
            if let Ok(file) = wim.file(entry) {
                let _ = file.read_head(100);
                if let Ok(bytes) = file.read_verified() {
                    assert_eq!(bytes.len() as u64, file.len());
                }
                if let Ok(stream) = file.open(file.len() / 2) {
                    let _ = stream.take(1 << 20).read_to_end(&mut Vec::new());
                }
            }
        }
    }
    let mut budget = 1_000;
    let _ = wim.verify(&mut |_, _| {
        budget -= 1;
        if budget > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

fn any_wim() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![0, 1, 2, 3, 4]).prop_map(|which| match ALL.get(which) {
        Some((name, ..)) => fixture(name),
        None => sample().to_vec().unwrap(),
    })
}

/// Half of the changes go to the header or the tables at the end, where they matter most.
fn change() -> impl Strategy<Value = (prop::sample::Index, u8, u8)> {
    (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn changed_bytes(
        mut bytes in any_wim(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        for (index, value, place) in changes {
            let len = bytes.len();
            let at = match place {
                0 => index.index(208),
                1 => len - 1 - index.index(1500.min(len)),
                _ => index.index(len),
            };
            bytes[at] = value;
        }
        exercise(bytes);
    }

    #[test]
    fn cut_off(bytes in any_wim(), at: prop::sample::Index) {
        let len = at.index(bytes.len());
        exercise(bytes[..len].to_vec());
    }

    #[test]
    fn decoders_take_anything(
        packed in prop::collection::vec(any::<u8>(), 0..2000),
        len in 0..70_000_usize,
        order in 15..22_u32,
    ) {
        let mut out = vec![0; len];
        let _ = Xpress::new().decode(&packed, &mut out);
        let _ = Lzx::new(1 << order).unwrap().decode(&packed, &mut out);
    }
}

/// Every byte of the blobs and the metadata is under a SHA-1: changing one must be seen.
#[test]
fn no_changed_data_byte_goes_unnoticed() {
    let whole = sample().to_vec().unwrap();
    let table = u64::from_le_bytes(whole[0x38..0x40].try_into().unwrap()) as usize;
    for at in (208..table).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let wim = open(bytes).unwrap();
        let faults = verify(&wim);
        assert_eq!(faults.len(), 2, "{at}: {faults:?}");
        assert!(matches!(faults[0], Fault::Integrity { start: 208, .. }));
        let damaged = matches!(&faults[1], Fault::Blob { source: ReadError::Digest { .. }, .. })
            || matches!(
                &faults[1],
                Fault::Image {
                    source: ImageError::Read { source: ReadError::Digest { .. }, .. },
                    ..
                }
            );
        assert!(damaged, "{at}: {faults:?}");
    }
}

#[test]
fn all_faults_are_listed() {
    let mut bytes = sample().to_vec().unwrap();
    // The 5000 bytes that two files share, and the six after them.
    bytes[210] ^= 1;
    bytes[5210] ^= 1;
    // The integrity table's count of hashes.
    let integrity = u64::from_le_bytes(bytes[0x84..0x8C].try_into().unwrap()) as usize;
    bytes[integrity + 4] = 2;
    let wim = open(bytes).unwrap();
    let faults: Vec<String> = verify(&wim).iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("an integrity table of 32 bytes with 2 hashes"), "{faults:?}");
    assert!(faults[1].starts_with("blob ") && faults[2].starts_with("blob "), "{faults:?}");
}

#[test]
fn a_stream_fails_before_its_last_bytes() {
    for (mut bytes, path) in [
        (sample().to_vec().unwrap(), "Windows/Boot/PCAT/bootmgr"),
        (fixture("xpress-4k.wim"), "noise.bin"),
    ] {
        let wim = open(&*bytes).unwrap();
        let image = wim.image(1).unwrap();
        let plain = wim.file(image.lookup(path).unwrap()).unwrap().read_verified().unwrap();
        // Both are stored raw.
        let at = bytes.windows(100).position(|window| window == &plain[..100]).unwrap();
        bytes[at + 50] ^= 1;
        let wim = open(bytes).unwrap();
        let file = wim.file(wim.image(1).unwrap().lookup(path).unwrap()).unwrap();
        assert!(matches!(file.read_verified(), Err(ReadError::Digest { .. })));
        assert!(file.extract(&mut std::io::sink()).is_err());
        let mut stream = file.open(0).unwrap();
        // A reader that knows the length and never asks for the end of the stream.
        let found = stream.read_exact(&mut vec![0; plain.len()]).unwrap_err();
        assert_eq!(found.kind(), std::io::ErrorKind::InvalidData);
        assert!(found.to_string().contains("the WIM is damaged"), "{found}");
        assert!(stream.read(&mut [0]).is_err(), "the stream must not look finished");
        // From the middle nothing can be checked.
        file.open(1).unwrap().read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn data_that_is_not_in_the_wim() {
    let mut bytes = sample().to_vec().unwrap();
    let table = u64::from_le_bytes(bytes[0x38..0x40].try_into().unwrap()) as usize;
    bytes[table + 30] ^= 1;
    let wim = open(bytes).unwrap();
    let image = wim.image(1).unwrap();
    let missing: Vec<String> = image
        .walk()
        .filter_map(|entry| wim.file(entry).err())
        .map(|error| error.to_string())
        .filter(|error| error.contains("is not in the WIM"))
        .collect();
    assert!(!missing.is_empty());
    let faults = verify(&wim);
    assert_eq!(faults.len(), 2 + missing.len(), "integrity, blob, files: {faults:?}");
}

/// Two entries of the blob table for the same bytes of the file: read once and told, or a small WIM
/// could keep `verify` busy for ever.
#[test]
fn blobs_over_one_another_are_told() {
    let mut bytes = sample().to_vec().unwrap();
    let table = u64::from_le_bytes(bytes[0x38..0x40].try_into().unwrap()) as usize;
    let is_blob = |at: &usize| bytes[at + 7] & 0x02 == 0 && bytes[*at..at + 7] != [0; 7];
    let blobs: Vec<usize> = (0..).map(|n| table + 50 * n).take(4).filter(is_blob).collect();
    let (first, second) = (blobs[0], blobs[1]);
    let place: Vec<u8> = bytes[first..first + 24].to_vec();
    bytes[second..second + 24].copy_from_slice(&place);
    let faults = verify(&open(bytes).unwrap());
    assert!(faults.iter().any(|fault| matches!(fault, Fault::Overlap { .. })), "{faults:?}");
}

fn two_images() -> Vec<u8> {
    let second = ImageBuilder::new("Second", Timestamp::FAT_EPOCH);
    let second = second.with_bytes("another", &b"file"[..]).unwrap();
    sample().with_image(second).to_vec().unwrap()
}

#[test]
fn images_that_share_metadata_are_told_and_read_once() {
    let mut bytes = two_images();
    let table = u64::from_le_bytes(bytes[0x38..0x40].try_into().unwrap()) as usize;
    let len = u64::from_le_bytes(bytes[0x40..0x48].try_into().unwrap()) as usize;
    let metadata: Vec<usize> =
        (table..table + len).step_by(50).filter(|at| bytes[at + 7] & 0x02 != 0).collect();
    if let [first, .., last] = metadata[..] {
        let place: Vec<u8> = bytes[first..first + 50].to_vec();
        bytes[last..last + 50].copy_from_slice(&place);
    } else {
        panic!("the sample has {} images", metadata.len());
    }
    let faults = verify(&open(bytes).unwrap());
    assert!(faults.iter().any(|fault| matches!(fault, Fault::SameMetadata { .. })), "{faults:?}");
}

#[test]
fn too_many_images_are_refused_before_anything_is_kept_for_them() {
    let limits = Limits::new().with_images(1);
    let bytes = two_images();
    let opened = Wim::open_with_limits(Arc::new(BytesSource::new("x", bytes)), limits);
    assert!(matches!(opened.err(), Some(wim_image::OpenError::TooManyImages { limit: 1, .. })));
}
