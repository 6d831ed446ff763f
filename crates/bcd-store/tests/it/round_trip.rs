//! Any small tree and any store: written, read, the same.

use std::collections::BTreeMap;

use bcd_store::hive::{FileTime, Hive, KeyTree, ValueType};
use bcd_store::{Element, ElementType, Object, ObjectId, ObjectType, Store};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::support::TIME;

/// Names that differ in more than case, in any order.
fn names<V: std::fmt::Debug>(
    values: impl Strategy<Value = V>,
) -> impl Strategy<Value = Vec<(String, V)>> {
    let names = "[A-Z0-9 _é漢𝄞]{1,12}";
    btree_map(names, values, 0..5).prop_map(|map: BTreeMap<_, _>| {
        let upper: BTreeMap<String, (String, V)> =
            map.into_iter().map(|(name, value)| (name.to_uppercase(), (name, value))).collect();
        upper.into_values().collect()
    })
}

/// Names, types and data.
type Values = Vec<(String, (u32, Vec<u8>))>;

fn tree() -> impl Strategy<Value = KeyTree> {
    let data = prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 4000..16344)];
    let values = names((any::<u32>(), data));
    let key = |(values, subkeys): (Values, Vec<(String, KeyTree)>)| {
        let mut tree = KeyTree::new("K");
        for (name, (value_type, data)) in values {
            tree = tree.with_value(name, ValueType(value_type), data);
        }
        for (name, subkey) in subkeys {
            tree = tree.with_subkey(renamed(&subkey, name));
        }
        tree
    };
    let leaf = values.prop_map(move |values| key((values, Vec::new()))).boxed();
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let data = vec(any::<u8>(), 0..40);
        (names((any::<u32>(), data)), names(inner)).prop_map(key)
    })
}

fn renamed(tree: &KeyTree, name: String) -> KeyTree {
    let mut other = KeyTree::new(name);
    for value in tree.values() {
        other = other.with_value(value.name(), value.value_type(), value.data());
    }
    tree.subkeys().iter().cloned().fold(other, KeyTree::with_subkey)
}

/// Subkeys in the order in which hives have them.
fn sorted(tree: &KeyTree) -> KeyTree {
    let bare = tree.values().iter().fold(KeyTree::new(tree.name()), |bare, value| {
        bare.with_value(value.name(), value.value_type(), value.data())
    });
    let mut subkeys: Vec<KeyTree> = tree.subkeys().iter().map(sorted).collect();
    // These names are their own upper case, but for the one small letter.
    let upper = |name: &str| name.replace('é', "É").encode_utf16().collect::<Vec<_>>();
    subkeys.sort_by_key(|key| upper(key.name()));
    subkeys.into_iter().fold(bare, KeyTree::with_subkey)
}

fn store() -> impl Strategy<Value = Store> {
    let element = (any::<u32>(), vec(any::<u8>(), 0..200))
        .prop_map(|(value_type, data)| Element::from_raw(ValueType(value_type), data));
    let object = (any::<u32>(), btree_map(any::<u32>(), element, 0..8));
    btree_map(any::<u128>(), object, 0..6).prop_map(|objects| {
        objects.into_iter().fold(Store::new(), |store, (id, (object_type, elements))| {
            let object = elements
                .into_iter()
                .fold(Object::new(ObjectType(object_type)), |object, (element, raw)| {
                    object.with_raw(ElementType(element), raw)
                });
            store.with_object(ObjectId::new(id), object)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn trees(tree in tree(), ticks in any::<u64>()) {
        let bytes = tree.to_hive(FileTime::from_ticks(ticks)).unwrap();
        prop_assert_eq!(bytes.len() % 4096, 0);
        let hive = Hive::open(&bytes).unwrap();
        prop_assert_eq!(hive.written().ticks(), ticks);
        let root = hive.root().unwrap();
        let read = KeyTree::read(&root).unwrap();
        prop_assert_eq!(&read, &sorted(&tree));
        // What was read gives the same bytes.
        prop_assert_eq!(read.to_hive(FileTime::from_ticks(ticks)).unwrap(), bytes.clone());
        for key in tree.subkeys() {
            let found = root.subkey(&key.name().to_lowercase()).unwrap();
            prop_assert_eq!(found.map(|found| found.name()), Some(key.name().to_owned()));
        }
    }

    #[test]
    fn stores(store in store()) {
        let bytes = store.to_bytes(TIME).unwrap();
        let read = Store::read(&bytes).unwrap();
        prop_assert_eq!(&read, &store);
        prop_assert_eq!(read.to_bytes(TIME).unwrap(), bytes);
        let _ = (read.to_string(), read.ram_disk_boot());
    }

    #[test]
    fn any_bytes_after_a_right_header(mut tail in vec(any::<u8>(), 4096)) {
        let mut bytes = crate::support::RawHive::new().finish(3, 0x20);
        tail[..32].copy_from_slice(&bytes[4096..4096 + 32]);
        bytes.truncate(4096);
        bytes.append(&mut tail);
        let _ = Hive::open(&bytes).unwrap().root().map(|root| KeyTree::read(&root));
        let _ = Store::read(&bytes);
    }
}
