//! The bytes of hives we write, and the reader on hives put together by hand.

use bcd_store::hive::{FileTime, Hive, HiveWriteError, KeyTree, ValueType};

use crate::support::{NONE, RawHive, TIME};

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn every_byte_of_a_small_hive() {
    let tree = KeyTree::new("R")
        .with_value("", ValueType::DWORD, [1, 2, 3, 4])
        .with_subkey(KeyTree::new("bé").with_value("v", ValueType::BINARY, *b"12345"))
        .with_subkey(KeyTree::new("A漢"));
    let time = FileTime::from_ticks(0x0102_0304_0506_0708);
    let hive = tree.to_hive(time).unwrap();
    assert_eq!(hive.len(), 8192);
    let written = b"\x08\x07\x06\x05\x04\x03\x02\x01";

    let mut base = vec![0; 4096];
    base[..4].copy_from_slice(b"regf");
    base[4] = 1;
    base[8] = 1;
    base[12..20].copy_from_slice(written);
    base[20] = 1;
    base[24] = 3;
    base[32] = 1;
    base[36] = 0x20;
    base[41] = 0x10;
    base[44] = 1;
    crate::support::set_checksum(&mut base);
    assert_eq!(hive[..4096], base);

    let mut bin = Vec::new();
    bin.extend(b"hbin\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0");
    bin.extend(written);
    bin.extend([0; 4]);
    let none = [0xFF; 4];
    // 0x20: the root. 77 bytes and the size make 88.
    bin.extend((-88_i32).to_le_bytes());
    bin.extend(b"nk\x2C\0");
    bin.extend(written);
    bin.extend([0; 4]);
    bin.extend(none);
    bin.extend(b"\x02\0\0\0\0\0\0\0\xC0\x01\0\0");
    bin.extend(none);
    // One value, its list, the descriptor, no class.
    bin.extend(b"\x01\0\0\0\xF8\0\0\0\x78\0\0\0");
    bin.extend(none);
    // Longest subkey name, class, value name, value data.
    bin.extend(b"\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0R");
    bin.resize(0x78, 0);
    // 0x78: the descriptor, used by three keys, alone in its ring.
    bin.extend((-128_i32).to_le_bytes());
    bin.extend(b"sk\0\0\x78\0\0\0\x78\0\0\0\x03\0\0\0\x64\0\0\0");
    bin.extend(b"\x01\0\x04\x80\x48\0\0\0\x58\0\0\0\0\0\0\0\x14\0\0\0");
    bin.extend(b"\x02\0\x34\0\x02\0\0\0");
    let administrators = b"\x01\x02\0\0\0\0\0\x05\x20\0\0\0\x20\x02\0\0";
    let system = b"\x01\x01\0\0\0\0\0\x05\x12\0\0\0";
    bin.extend(b"\0\x02\x18\0\x3F\0\x0F\0");
    bin.extend(administrators);
    bin.extend(b"\0\x02\x14\0\x3F\0\x0F\0");
    bin.extend(system);
    bin.extend(administrators);
    bin.extend(system);
    bin.resize(0xF8, 0);
    // 0xF8: the root's list of values.
    bin.extend((-8_i32).to_le_bytes());
    bin.extend(0x100_u32.to_le_bytes());
    // 0x100: the default value, in place.
    bin.extend((-24_i32).to_le_bytes());
    bin.extend(b"vk\0\0\x04\0\0\x80\x01\x02\x03\x04\x04\0\0\0\x01\0\0\0");
    // 0x118: the first subkey in order, with a UTF-16 name.
    bin.extend((-88_i32).to_le_bytes());
    bin.extend(b"nk\0\0");
    bin.extend(written);
    bin.extend(b"\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0");
    bin.extend([none, none].concat());
    bin.extend([0; 4]);
    bin.extend(none);
    bin.extend(b"\x78\0\0\0");
    bin.extend(none);
    bin.extend([0; 20]);
    bin.extend(b"\x04\0\0\0A\0\x22\x6F");
    bin.resize(0x170, 0);
    // 0x170: the second one, in Latin-1, with one value.
    bin.extend((-88_i32).to_le_bytes());
    bin.extend(b"nk\x20\0");
    bin.extend(written);
    bin.extend(b"\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0");
    bin.extend([none, none].concat());
    bin.extend(b"\x01\0\0\0\xC8\x01\0\0\x78\0\0\0");
    bin.extend(none);
    bin.extend(b"\0\0\0\0\0\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0\x02\0\0\0b\xE9");
    bin.resize(0x1C8, 0);
    // 0x1C8: its list of values; the value; its data.
    bin.extend((-8_i32).to_le_bytes());
    bin.extend(0x1D0_u32.to_le_bytes());
    bin.extend((-32_i32).to_le_bytes());
    bin.extend(b"vk\x01\0\x05\0\0\0\xF0\x01\0\0\x03\0\0\0\x01\0\0\0v");
    bin.resize(0x1F0, 0);
    bin.extend((-16_i32).to_le_bytes());
    bin.extend(b"12345");
    bin.resize(0x200, 0);
    // 0x200: the root's list of subkeys, sorted, with hints; none for a name beyond Latin-1.
    bin.extend((-24_i32).to_le_bytes());
    bin.extend(b"lf\x02\0\x18\x01\0\0\0\0\0\0\x70\x01\0\0b\xE9\0\0");
    // 0x218: free.
    bin.extend((4096_i32 - 0x218).to_le_bytes());
    bin.resize(4096, 0);
    // The list comes last: its place stands in the root.
    bin[0x20 + 4 + 28..][..4].copy_from_slice(&0x200_u32.to_le_bytes());
    assert_eq!(bin.len(), 4096);
    for (at, (ours, by_hand)) in hive[4096..].iter().zip(&bin).enumerate() {
        assert_eq!(ours, by_hand, "at {at:#x}");
    }
}

#[test]
fn many_subkeys_are_sorted_and_divided() {
    let names: Vec<String> = (0..1200).map(|number| format!("Key {}", number * 7 % 1200)).collect();
    let tree = |names: &mut dyn Iterator<Item = &String>| {
        names.fold(KeyTree::new("Root"), |tree, name| tree.with_subkey(KeyTree::new(name)))
    };
    let bytes = tree(&mut names.iter()).to_hive(TIME).unwrap();
    assert_eq!(bytes, tree(&mut names.iter().rev()).to_hive(TIME).unwrap());
    let list = 4096 + number(&bytes, 4096 + 0x20 + 4 + 28) as usize + 4;
    assert_eq!(bytes[list..list + 4], *b"ri\x03\0");
    let lists = [4, 8, 12].map(|at| 4096 + number(&bytes, list + at) as usize + 4);
    let counts = lists.map(|list| (&bytes[list..list + 2], number(&bytes, list) >> 16));
    assert_eq!(counts, [(&b"lf"[..], 507), (b"lf", 507), (b"lf", 186)]);

    let hive = Hive::open(&bytes).unwrap();
    let read: Vec<String> = hive.root().unwrap().subkeys().map(|key| key.unwrap().name()).collect();
    let mut sorted = names;
    sorted.sort();
    assert_eq!(read, sorted);
}

#[test]
fn lists_names_and_data_of_every_kind_are_read() {
    let mut raw = RawHive::new();
    // The root's place comes from what lies before it.
    let root = raw.key("Root", NONE, (6, 0), (4, 0));
    let one = raw.key("one", root, (0, NONE), (0, NONE));
    let two = raw.key_named(
        0,
        "zwei漢".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice(),
        root,
        (0, NONE),
        (0, NONE),
    );
    let [three, four, five, six] =
        ["three", "four", "f\u{FC}nf", "six"].map(|name| raw.key(name, root, (0, NONE), (0, NONE)));
    let lists = [
        raw.plain_list(b"li", &[one]),
        raw.hinted_list(b"lf", &[two, three]),
        raw.hinted_list(b"lh", &[four, five, six]),
    ];
    let list = raw.plain_list(b"ri", &lists);
    raw.put(root, 28, &list.to_le_bytes());

    let big: Vec<u8> = (0..40_000_u32).map(|at| (at % 251) as u8).collect();
    let segments: Vec<u32> = big.chunks(16344).map(|part| raw.cell(&[part])).collect();
    let segments = raw.offsets(&segments);
    let divided = raw.cell(&[b"db\x03\0", &segments.to_le_bytes()]);
    let text = raw.cell(&[b"a\0b\0\0\0"]);
    let values = [
        raw.value("Big", 3, 40_000, divided),
        raw.value("Text", 1, 6, text),
        raw.value("Two", 3, 2 | 1 << 31, 0x0403_0201),
        raw.value("", 3, 0, 0x7777_7777),
    ];
    let list = raw.offsets(&values);
    raw.put(root, 40, &list.to_le_bytes());

    let bytes = raw.finish(5, root);
    let hive = Hive::open(&bytes).unwrap();
    assert_eq!((hive.minor_version(), hive.sequences(), hive.is_dirty()), (5, (9, 9), false));
    assert_eq!(hive.name(), "BC");
    let root = hive.root().unwrap();
    let names: Vec<String> = root.subkeys().map(|key| key.unwrap().name()).collect();
    assert_eq!(names, ["one", "zwei漢", "three", "four", "fünf", "six"]);
    assert_eq!(root.find("FÜNF").unwrap().map(|key| key.depth()), Some(1));
    assert_eq!(root.find(r"six\seven").unwrap().map(|key| key.depth()), None);
    assert_eq!(*root.value("big").unwrap().unwrap().data().unwrap(), big);
    assert_eq!(root.value("text").unwrap().unwrap().text().as_deref(), Some("ab"));
    assert_eq!(*root.value("two").unwrap().unwrap().data().unwrap(), [1, 2]);
    assert_eq!(*root.value("").unwrap().unwrap().data().unwrap(), [0; 0]);
    assert_eq!(root.values().unwrap().len(), 4);
}

#[test]
fn what_a_hive_cannot_hold_is_refused() {
    let root = || KeyTree::new("Root");
    let refused = |tree: KeyTree| tree.to_hive(TIME).unwrap_err();
    for name in ["", "a\\b", "a\0", &"x".repeat(256)] {
        let error = refused(root().with_subkey(KeyTree::new("K").with_subkey(KeyTree::new(name))));
        let path = format!(r"Root\K\{name}");
        assert_eq!(error, HiveWriteError::KeyName { path, units: name.len() });
    }
    assert!(root().with_subkey(KeyTree::new("x".repeat(255))).to_hive(TIME).is_ok());
    assert_eq!(
        refused(root().with_value("a\0", ValueType::NONE, [])),
        HiveWriteError::ValueName { path: "Root".into(), units: 2 }
    );
    assert_eq!(
        refused(root().with_subkey(KeyTree::new("Éa")).with_subkey(KeyTree::new("éA"))),
        HiveWriteError::SameKey { path: "Root".into(), name: "éA".into() }
    );
    assert_eq!(
        refused(root().with_value("v", ValueType::NONE, []).with_value("V", ValueType::SZ, [])),
        HiveWriteError::SameValue { path: "Root".into(), name: "V".into() }
    );
    assert!(root().with_value("v", ValueType::BINARY, vec![7; 16344]).to_hive(TIME).is_ok());
    assert_eq!(
        refused(root().with_value("v", ValueType::BINARY, vec![7; 16345])),
        HiveWriteError::ValueTooLong {
            path: "Root".into(),
            name: "v".into(),
            found: 16345,
            limit: 16344
        }
    );
    let deep =
        |levels: u32| (0..levels).fold(root(), |tree, _| KeyTree::new("K").with_subkey(tree));
    let bytes = deep(512).to_hive(TIME).unwrap();
    let hive = Hive::open(&bytes).unwrap();
    assert_eq!(KeyTree::read(&hive.root().unwrap()).unwrap(), deep(512));
    assert_eq!(refused(deep(513)), HiveWriteError::TooDeep { limit: 512 });
}
