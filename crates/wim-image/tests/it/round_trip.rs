//! What the writer writes, the reader reads.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use extent_image::{BytesSource, Source, Timestamp};
use proptest::prelude::*;
use wim_image::write::{ImageBuilder, WimBuilder, WriteError};
use wim_image::{Compression, ImageError, Version, Warning, Wim};

use crate::support::{contents, open, sample, verify};

#[test]
fn sample_reads_back() {
    let bytes = sample().to_vec().unwrap();
    let wim = open(bytes).unwrap();
    assert_eq!(wim.compression(), Compression::None);
    assert_eq!(wim.warnings(), []);
    assert_eq!(verify(&wim).len(), 0);
    let info = wim.info(1).unwrap();
    assert_eq!(info.name.as_deref(), Some("Sample <&>"));
    assert_eq!(info.edition.as_deref(), Some("WindowsPE"));
    assert_eq!(info.languages, ["en-US"]);
    assert_eq!((info.folders, info.files), (Some(6), Some(4)));
    assert_eq!(info.total_bytes, Some(10_006));
    assert_eq!(info.created, Some(Timestamp::from_unix_seconds(1_709_164_800)));
    let image = wim.image(1).unwrap();
    let contents = contents(&wim, &image);
    assert_eq!(contents[r"\Windows\Boot\EFI\bootmgfw.efi"], b"MZ efi");
    assert_eq!(contents[r"\Windows\Boot\PCAT\bootmgr"], vec![7; 5000]);
    assert_eq!(contents[r"\Windows\Boot\same"], vec![7; 5000]);
    assert_eq!(contents[r"\empty"], b"");
    assert!(image.lookup("SOURCES/empty folder").unwrap().is_folder());
}

#[test]
fn equal_content_is_stored_once_and_bytes_repeat() {
    let bytes = sample().to_vec().unwrap();
    assert_eq!(bytes, sample().to_vec().unwrap());
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let other = sample().with_guid([1; 16]).to_vec().unwrap();
    assert_eq!(open(&*other).unwrap().guid(), [1; 16]);
    assert_eq!(bytes[0x28..], other[0x28..]);
}

#[test]
fn several_images_and_the_boot_index() {
    let image = |name: &str, data: &'static [u8]| {
        ImageBuilder::new(name, Timestamp::FAT_EPOCH)
            .with_version(Version::new(10, 0, 26_100, 1))
            .with_bytes("file", data)
            .unwrap()
    };
    let two = |boot| {
        let builder = WimBuilder::new().with_image(image("one", b"1"));
        builder.with_image(image("two", b"2")).with_boot_index(boot)
    };
    let mut bytes = two(0).with_integrity_table().to_vec().unwrap();
    let wim = open(&*bytes).unwrap();
    assert_eq!(wim.boot_index(), None);
    for (index, data) in [(1, b"1"), (2, b"2")] {
        let image = wim.image(index).unwrap();
        assert_eq!(contents(&wim, &image)[r"\file"], data);
    }
    for index in [0, 3] {
        let found = wim.image(index);
        assert!(matches!(found, Err(ImageError::NoSuchImage { count: 2, .. })), "{found:?}");
    }
    // A patched header makes the same file as writing it so.
    assert!(wim.header_with_boot_index(3).is_err());
    let patched = wim.header_with_boot_index(2).unwrap();
    bytes[..208].copy_from_slice(&patched);
    let wim = open(&*bytes).unwrap();
    assert_eq!((wim.boot_index(), wim.warnings()), (Some(2), &[][..]));
    assert_eq!(verify(&wim).len(), 0);
    let written = two(2).with_integrity_table().with_guid(wim.guid()).to_vec().unwrap();
    assert_eq!(bytes, written);
    let back = wim.header_with_boot_index(0).unwrap();
    assert_eq!((&back[0x60..0x7C], back[0x7C..0x80] != [0; 4]), (&[0; 28][..], true));

    bytes[0x78] = 9;
    let wim = open(bytes).unwrap();
    assert_eq!(wim.boot_index(), None);
    assert_eq!(wim.warnings(), [Warning::BootIndex { index: 9, count: 2 }]);
    let found = two(3).to_vec();
    assert!(matches!(found, Err(WriteError::BootIndex { index: 3, count: 2 })));
}

#[test]
fn paths_that_cannot_be() {
    let image = || ImageBuilder::new("x", Timestamp::FAT_EPOCH).with_bytes("a/b", "1").unwrap();
    let long = "n".repeat(256);
    for path in ["", "a/", "a/../c", ".", "a:b", "tab\t", "what?", &long] {
        let found = image().with_bytes(path, "2").map(|_| ());
        assert!(matches!(found, Err(WriteError::Path { .. })), "{path:?}: {found:?}");
    }
    for path in ["A/B", "a/b/c", "a"] {
        let found = image().with_bytes(path, "2").map(|_| ());
        assert!(matches!(found, Err(WriteError::Collision { .. })), "{path:?}: {found:?}");
    }
    assert!(image().with_folder("A").is_ok());
    assert!(image().with_folder("a/b").is_err());
}

#[test]
fn an_integrity_table_of_several_chunks() {
    let image = ImageBuilder::new("big", Timestamp::FAT_EPOCH)
        .with_bytes("big", vec![1; 10 << 20])
        .and_then(|image| image.with_bytes("more", vec![2; 11 << 20]))
        .unwrap();
    let bytes = WimBuilder::new().with_image(image).with_integrity_table().to_vec().unwrap();
    let wim = open(bytes).unwrap();
    assert_eq!(verify(&wim).len(), 0);
    let mut calls = 0;
    let cancelled = wim.verify(&mut |done, total| {
        calls += 1;
        assert!(done <= total);
        if calls < 5 {
            std::ops::ControlFlow::Continue(())
        } else {
            std::ops::ControlFlow::Break(())
        }
    });
    assert_eq!(cancelled.unwrap_err().done, 5 << 20);
}

/// Says it has four bytes.
struct Liar(&'static [u8]);

impl Source for Liar {
    fn len(&self) -> u64 {
        4
    }

    fn open(&self, _from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.0))
    }

    fn describe(&self) -> String {
        "liar".to_owned()
    }
}

#[test]
fn a_source_that_is_not_as_long_as_it_says() {
    for data in [&b"123"[..], b"12345", b""] {
        let image = ImageBuilder::new("x", Timestamp::FAT_EPOCH)
            .with_file("file", Arc::new(Liar(data)), Timestamp::FAT_EPOCH)
            .unwrap();
        let found = WimBuilder::new().with_image(image).to_vec();
        assert!(matches!(found, Err(WriteError::Changed { .. })), "{found:?}");
    }
}

#[test]
fn files_are_sources_that_outlive_the_wim() {
    let source: Arc<dyn Source> = {
        let wim = open(sample().to_vec().unwrap()).unwrap();
        let image = wim.image(1).unwrap();
        Arc::new(wim.file(image.lookup("Windows/Boot/PCAT/bootmgr").unwrap()).unwrap())
    };
    let mut found = Vec::new();
    source.open(4000).unwrap().read_to_end(&mut found).unwrap();
    assert_eq!((source.len(), found), (5000, vec![7; 1000]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_tree_reads_back(
        files in prop::collection::btree_map(
            "[a-d]{1,2}(/[a-eä]{1,3}){0,3}\\.[xyz]",
            prop::collection::vec(any::<u8>(), 0..3000),
            0..20,
        ),
        integrity: bool,
        boot in 0..2_u32,
    ) {
        let mut image = ImageBuilder::new("any", Timestamp::FAT_EPOCH);
        for (path, data) in &files {
            image = image.with_bytes(path, data.clone()).unwrap();
        }
        let mut builder = WimBuilder::new().with_image(image).with_boot_index(boot);
        if integrity {
            builder = builder.with_integrity_table();
        }
        let mut bytes = Vec::new();
        let len = builder.write_to(&mut bytes).unwrap();
        prop_assert_eq!(len, bytes.len() as u64);
        let wim = Wim::open(Arc::new(BytesSource::new("any.wim", bytes))).unwrap();
        let image = wim.image(1).unwrap();
        let expected: BTreeMap<String, Vec<u8>> = files
            .into_iter()
            .map(|(path, data)| (format!("\\{}", path.replace('/', "\\")), data))
            .collect();
        prop_assert_eq!(contents(&wim, &image), expected);
        prop_assert_eq!(verify(&wim).len(), 0);
        prop_assert_eq!(wim.has_integrity_table(), integrity);
        prop_assert_eq!(wim.boot_index(), Some(boot).filter(|boot| *boot > 0));
    }
}
