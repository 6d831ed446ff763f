//! Images that lie: the checker ends, in proportion to the image, without a panic.

use std::io::{Cursor, Read};

use iso9660_image::check::{Image, ReadError};
use iso9660_image::{RockRidge, TreeKind};
use proptest::prelude::*;

use crate::build::{image, medium};

/// Opens, checks and reads whatever can be.
fn use_all(bytes: &[u8]) {
    let Ok(mut image) = Image::open(Cursor::new(bytes)) else { return };
    let _ = image.check();
    for kind in [TreeKind::Primary, TreeKind::RockRidge, TreeKind::Joliet, TreeKind::Udf] {
        let Ok(walk) = image.walk(kind) else { continue };
        let entries: Vec<_> = walk.take(2000).flatten().collect();
        for entry in entries.iter().filter(|entry| !entry.is_dir()).take(50) {
            let _ = image.open_file(entry).take(1 << 16).read_to_end(&mut Vec::new());
        }
    }
}

#[test]
fn what_is_no_image() {
    let open = |bytes: Vec<u8>| Image::open(Cursor::new(bytes)).err();
    assert!(matches!(open(Vec::new()), Some(ReadError::NotIso { len: 0 })));
    assert!(matches!(open(vec![0; 40_000]), Some(ReadError::NotIso { len: 40_000 })));
    let (tree, options) = medium();
    let good = image(&tree, &options);
    let mut no_primary = good.clone();
    no_primary[32768] = 3;
    assert!(matches!(open(no_primary), Some(ReadError::NoPrimary { searched: 4 })));
    let mut blocks = good.clone();
    blocks[32768 + 128..32768 + 132].copy_from_slice(&[0, 2, 2, 0]);
    assert!(matches!(open(blocks), Some(ReadError::BlockSize { found: 512 })));
    assert!(matches!(open(good[..33_000].to_vec()), Some(ReadError::NotIso { .. })));
}

#[test]
fn a_directory_in_itself_is_read_once() {
    let (tree, options) = medium();
    let mut bytes = image(&tree, &options);
    // The first folder of the root, `BOOT`, becomes the root.
    let le32 = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let root = le32(32768 + 158) as usize;
    let mut at = root * 2048;
    while bytes[at + 25] & 2 == 0 || bytes[at + 32] == 1 {
        at += usize::from(bytes[at]);
    }
    bytes.copy_within(32768 + 158..32768 + 162, at + 2);
    let mut image = Image::open(Cursor::new(&bytes)).unwrap();
    let errors: Vec<_> = image.walk(TreeKind::Primary).unwrap().filter_map(Result::err).collect();
    assert!(matches!(errors.as_slice(), [ReadError::Directory { .. }]), "{errors:?}");
    assert!(!image.check().unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn flipped_bytes(flips in prop::collection::vec((32768usize..32768 + 40 * 2048, any::<u8>()), 1..20)) {
        let (tree, options) = medium();
        let mut bytes = image(&tree, &options.with_rock_ridge(RockRidge::ReadOnly));
        for (at, value) in flips {
            bytes[at] = value;
        }
        use_all(&bytes);
    }

    #[test]
    fn cut_off(len in 0usize..80 * 2048) {
        let (tree, options) = medium();
        let mut bytes = image(&tree, &options);
        bytes.truncate(len);
        use_all(&bytes);
    }
}
