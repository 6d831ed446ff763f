//! Hives made to do harm: each is refused with its place and reason.

use bcd_store::hive::{Hive, HiveError, KeyTree, Limits};
use bcd_store::{Store, StoreError};

use crate::support::{NONE, RawHive, set_checksum};

/// Reads everything; what is wrong.
fn fault(bytes: &[u8]) -> HiveError {
    let hive = match Hive::open(bytes) {
        Ok(hive) => hive,
        Err(error) => return error,
    };
    let root = hive.root();
    root.and_then(|root| KeyTree::read(&root)).expect_err("the hive is wrong")
}

fn small() -> Vec<u8> {
    let mut raw = RawHive::new();
    let root = raw.key("Root", NONE, (0, NONE), (0, NONE));
    raw.finish(3, root)
}

#[test]
fn frames() {
    assert_eq!(fault(b""), HiveError::TooShort { found: 0, needed: 4096 });
    assert_eq!(fault(b"MZ\x90\0"), HiveError::NotAHive { found: *b"MZ\x90\0" });
    assert_eq!(
        fault(b"MZ\x90\0").to_string(),
        r"no registry hive: it begins with `MZ\x90\x00` instead of `regf`"
    );
    assert_eq!(fault(&small()[..4095]), HiveError::TooShort { found: 4095, needed: 4096 });
    assert_eq!(fault(&small()[..8191]), HiveError::TooShort { found: 8191, needed: 8192 });
    let limits = Limits::new().with_len(8191);
    let error = Hive::open_with(&small(), limits).unwrap_err();
    assert_eq!(error, HiveError::TooLarge { found: 8192, limit: 8191 });

    let changed = |at: usize, byte: u8| {
        let mut bytes = small();
        bytes[at] = byte;
        set_checksum(&mut bytes);
        fault(&bytes)
    };
    let mut bytes = small();
    bytes[507] ^= 1;
    assert!(
        matches!(fault(&bytes), HiveError::Checksum { found, computed } if found ^ computed == 1 << 24)
    );
    let unsupported = HiveError::Unsupported { major: 1, minor: 2, file_type: 0, format: 1 };
    assert_eq!(changed(24, 2), unsupported);
    let unsupported = HiveError::Unsupported { major: 1, minor: 3, file_type: 6, format: 1 };
    assert_eq!(changed(28, 6), unsupported);
    let bin = |field, found, expected| HiveError::Bin { offset: 0, field, found, expected };
    assert_eq!(changed(4096, b'H'), bin("the signature", 0x4862_696E, 0x6862_696E));
    assert_eq!(changed(4096 + 5, 0x10), bin("its offset", 0x1000, 0));
    assert_eq!(changed(4096 + 9, 0x20), bin("its length", 0x2000, 0x1000));
    assert_eq!(changed(4096 + 9, 0), bin("its length", 0, 0x1000));
    assert_eq!(changed(4096 + 8, 8), bin("its length", 0x1008, 0x1000));

    // A dirty hive is read and says so.
    let mut bytes = small();
    bytes[8] = 8;
    set_checksum(&mut bytes);
    assert!(Hive::open(&bytes).unwrap().is_dirty());
}

#[test]
fn cells() {
    // Where the root is said to be.
    let rooted = |offset: u32| {
        let mut bytes = small();
        bytes[36..40].copy_from_slice(&offset.to_le_bytes());
        set_checksum(&mut bytes);
        fault(&bytes)
    };
    for offset in [0, 24, 0x21, 0x1000, 0xFFFF_FFF8, NONE] {
        assert_eq!(rooted(offset), HiveError::NoCell { what: "a key", offset, len: 0x1000 });
    }
    // The free cell behind it.
    let (found, room) = (0x1000 - 0x78, 0x1000 - 0x78);
    assert_eq!(
        rooted(0x78),
        HiveError::CellSize { offset: 0x78, what: "a key", found, room: room as u32 }
    );
    let sized = |size: i32| {
        let mut bytes = small();
        bytes[4096 + 0x20..][..4].copy_from_slice(&size.to_le_bytes());
        fault(&bytes)
    };
    for found in [0, 8, -4, -0x1000, i32::MIN] {
        assert_eq!(
            sized(found),
            HiveError::CellSize { offset: 0x20, what: "a key", found, room: 0xFE0 }
        );
    }
    let too_small =
        |what, found, needed| HiveError::CellTooSmall { offset: 0x20, what, found, needed };
    assert_eq!(sized(-72), too_small("a key", 68, 76));
    assert_eq!(sized(-80), too_small("a key's name", 0, 4));
    let mut bytes = small();
    bytes[4096 + 0x24] = b'N';
    assert_eq!(
        fault(&bytes),
        HiveError::Kind { offset: 0x20, what: "a key, `nk`,", found: *b"Nk" }
    );
    assert_eq!(fault(&bytes).to_string(), "cell at 0x20: a key, `nk`, begins with `Nk`");
}

/// A root with a list of `count` subkeys, made by `list` from the root's cell.
fn with_list(count: u32, list: impl FnOnce(&mut RawHive, u32) -> u32) -> (u32, HiveError) {
    let mut raw = RawHive::new();
    let root = raw.key("Root", NONE, (count, 0), (0, NONE));
    let list = list(&mut raw, root);
    raw.put(root, 28, &list.to_le_bytes());
    (list, fault(&raw.finish(3, root)))
}

#[test]
fn lists_of_subkeys() {
    let leaf = |raw: &mut RawHive, root| raw.key("Key", root, (0, NONE), (0, NONE));
    // More and fewer than the key says.
    for count in [1, 3] {
        let (_, error) = with_list(count, |raw, root| {
            let keys = [leaf(raw, root), leaf(raw, root)];
            raw.hinted_list(b"lf", &keys)
        });
        assert_eq!(error, HiveError::SubkeyCount { offset: 0x20, found: 2, expected: count });
    }
    let (_, error) = with_list(1 << 24, |raw, root| leaf(raw, root));
    let limit = 0x1000 / 80;
    assert_eq!(error, HiveError::TooMany { offset: 0x20, what: "subkeys", found: 1 << 24, limit });
    // A list longer than its cell, no list, an empty one, a list of lists of lists.
    let (offset, error) = with_list(2, |raw, _| raw.cell(&[b"lh\x02\0", &[0; 8]]));
    let what = "the list of subkeys";
    assert_eq!(error, HiveError::CellTooSmall { offset, what, found: 8, needed: 16 });
    let (offset, error) = with_list(2, leaf);
    let kind = "the list of subkeys, `lf`, `lh`, `li` or once `ri`,";
    assert_eq!(error, HiveError::Kind { offset, what: kind, found: *b"nk" });
    let (offset, error) = with_list(2, |raw, _| raw.plain_list(b"li", &[]));
    assert_eq!(error, HiveError::EmptyList { offset });
    let (_, error) = with_list(2, |raw, _| {
        let itself = raw.next();
        raw.plain_list(b"ri", &[itself, itself])
    });
    assert!(matches!(error, HiveError::Kind { found, .. } if found == *b"ri"));
    let (_, error) = with_list(2, |raw, _| raw.plain_list(b"ri", &[]));
    assert_eq!(error, HiveError::NoCell { what, offset: NONE, len: 0x1000 });
}

#[test]
fn keys_are_in_one_place_only() {
    let (_, error) = with_list(2, |raw, root| {
        let key = raw.key("Key", root, (0, NONE), (0, NONE));
        raw.plain_list(b"li", &[key, key])
    });
    let offset = 0x20 + 88;
    assert_eq!(error, HiveError::Repeated { offset, from: 0x20 });
    // A stranger's key, and the root as its own subkey, whatever it says its parent is.
    let (_, error) = with_list(1, |raw, _| {
        let key = raw.key("Key", 0x4444, (0, NONE), (0, NONE));
        raw.plain_list(b"li", &[key])
    });
    assert_eq!(error, HiveError::Parent { offset, from: 0x20, parent: 0x4444 });
    let (_, error) = with_list(1, |raw, root| {
        raw.put(root, 16, &root.to_le_bytes());
        raw.plain_list(b"li", &[root])
    });
    assert_eq!(error, HiveError::Repeated { offset: 0x20, from: 0x20 });
}

#[test]
fn depth_is_limited() {
    let mut raw = RawHive::new();
    let root = raw.key("K", NONE, (1, 0), (0, NONE));
    let mut parent = root;
    for _ in 0..600 {
        let key = raw.key("K", parent, (1, 0), (0, NONE));
        let list = raw.plain_list(b"li", &[key]);
        raw.put(parent, 28, &list.to_le_bytes());
        parent = key;
    }
    let error = fault(&raw.finish(3, root));
    assert!(matches!(
        error,
        HiveError::TooMany { what: "depth of keys", found: 513, limit: 512, .. }
    ));
}

#[test]
fn values_and_their_data() {
    let with_value = |minor: u8, value: &dyn Fn(&mut RawHive) -> u32| {
        let mut raw = RawHive::new();
        let root = raw.key("Root", NONE, (0, NONE), (1, 0));
        let value = value(&mut raw);
        let list = raw.offsets(&[value]);
        raw.put(root, 40, &list.to_le_bytes());
        (value, fault(&raw.finish(minor, root)))
    };
    let (offset, error) = with_value(3, &|raw| raw.value("v", 3, 5 | 1 << 31, 0));
    assert_eq!(error, HiveError::TooMany { offset, what: "bytes in place", found: 5, limit: 4 });
    let (offset, error) = with_value(3, &|raw| raw.value("v", 3, 0x7FFF_FFFF, 0x20));
    let limit = 16 << 20;
    assert_eq!(
        error,
        HiveError::TooMany { offset, what: "bytes of data", found: 0x7FFF_FFFF, limit }
    );
    let (_, error) = with_value(3, &|raw| raw.value("v", 3, 500, 0x20));
    let what = "a value's data";
    assert_eq!(error, HiveError::CellTooSmall { offset: 0x20, what, found: 84, needed: 500 });
    let (_, error) = with_value(3, &|raw| raw.value("v", 3, 500, NONE));
    assert!(matches!(error, HiveError::NoCell { offset: NONE, .. }));
    let (_, error) = with_value(3, &|raw| raw.cell(&[b"nk", &[0; 20]]));
    assert!(matches!(error, HiveError::Kind { what: "a value, `vk`,", .. }));
    // Divided data: of another kind, in too many and too few segments.
    let (_, error) = with_value(4, &|raw| raw.value("v", 3, 20_000, 0x20));
    assert_eq!(error, HiveError::Kind { offset: 0x20, what: "divided data, `db`,", found: *b"nk" });
    for count in [1, 3] {
        let (_, error) = with_value(4, &|raw| {
            let segment = raw.cell(&[&[0; 16344]]);
            let list = raw.offsets(&[segment; 3]);
            let head = raw.cell(&[b"db", &[count, 0], &list.to_le_bytes()]);
            raw.value("v", 3, 20_000, head)
        });
        match count {
            1 => assert!(matches!(
                error,
                HiveError::CellTooSmall { found: 16344, needed: 20_000, .. }
            )),
            _ => assert!(matches!(
                error,
                HiveError::TooMany { what: "segments", found: 3, limit: 2, .. }
            )),
        }
    }
    // More values than allowed; a list that is not there.
    let mut raw = RawHive::new();
    let root = raw.key("Root", NONE, (0, NONE), (65_537, 0x20));
    let error = fault(&raw.finish(3, root));
    assert_eq!(
        error,
        HiveError::TooMany { offset: root, what: "values", found: 65_537, limit: 65_536 }
    );
    let mut raw = RawHive::new();
    let root = raw.key("Root", NONE, (0, NONE), (100, 0x20));
    let error = fault(&raw.finish(3, root));
    assert!(matches!(error, HiveError::CellTooSmall { found: 84, needed: 400, .. }));
}

/// Many elements that share one long value would need far more memory than the file has.
#[test]
fn a_store_of_one_value_for_all() {
    let mut raw = RawHive::new();
    let root = raw.key("Root", NONE, (1, 0), (0, NONE));
    let data = raw.cell(&[&[7; 60_000]]);
    let value = raw.value("Element", 3, 60_000, data);
    let value_list = raw.offsets(&[value]);
    let objects = raw.key("Objects", root, (1, 0), (0, NONE));
    let object = raw.key("{9dea862c-5cdd-4e70-acc1-f32b344d4795}", objects, (2, 0), (0, NONE));
    let kind = raw.value("Type", 4, 4 | 1 << 31, 0x1010_0002);
    let kind_list = raw.offsets(&[kind]);
    let description = raw.key("Description", object, (0, NONE), (1, kind_list));
    let elements = raw.key("Elements", object, (1000, 0), (0, NONE));
    let keys: Vec<u32> = (0..1000)
        .map(|n| raw.key(&format!("{:08x}", 0x1200_0000 + n), elements, (0, NONE), (1, value_list)))
        .collect();
    for (parent, children) in [
        (root, &[objects][..]),
        (objects, &[object]),
        (object, &[description, elements]),
        (elements, &keys),
    ] {
        let list = raw.plain_list(b"li", children);
        raw.put(parent, 28, &list.to_le_bytes());
    }
    let bytes = raw.finish(3, root);
    let limit = bytes.len() as u64 - 4096;
    assert_eq!(fault(&bytes), HiveError::Overlap { limit });
    assert_eq!(Store::read(&bytes), Err(StoreError::Hive(HiveError::Overlap { limit })));
}
