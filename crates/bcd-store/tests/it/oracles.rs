//! Other people's readers of hives, on the stores we write.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bcd_store::hive::{Hive, KeyTree, ValueType};
use bcd_store::{BootStore, Firmware, Resolution, Store};
use tempfile::TempDir;

use crate::support::TIME;

fn run(program: &str, args: &[&str], file: &Path) -> Output {
    // The tool's own messages, not translated.
    let output = Command::new(program).env("LC_ALL", "C").args(args).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{program}: {complaints}");
    output
}

/// Stores of all kinds, each with its file.
fn stores(folder: &Path) -> Vec<(Store, PathBuf)> {
    let full = BootStore::new(Firmware::Uefi)
        .with_memory_test(true)
        .with_resolution(Resolution::Highest)
        .with_text_mode(true)
        .with_no_vga(true);
    let kinds = [BootStore::new(Firmware::Bios), BootStore::new(Firmware::Uefi), full];
    let kinds = kinds.iter().enumerate().map(|(at, kind)| {
        let store = kind.build().unwrap();
        let file = folder.join(format!("BCD{at}"));
        fs::write(&file, store.to_bytes(TIME).unwrap()).unwrap();
        (store, file)
    });
    kinds.collect()
}

/// What `hivexregedit --export` prints, by key, without the first line and empty ones.
fn exported(file: &Path) -> BTreeMap<String, Vec<String>> {
    let output = Command::new("hivexregedit")
        .args(["--export", "--prefix", "BCD"])
        .arg(file)
        .arg(r"\")
        .output();
    let output = output.unwrap_or_else(|error| panic!("cannot run hivexregedit: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "hivexregedit: {complaints}");
    let mut keys = BTreeMap::new();
    let mut key = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().skip(1) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => {
                key = name.to_owned();
                keys.insert(key.clone(), Vec::new());
            }
            None if line.is_empty() => {}
            None => keys.get_mut(&key).unwrap().push(line.to_owned()),
        }
    }
    keys
}

/// A value as hivexregedit prints it.
fn printed(name: &str, value_type: ValueType, data: &[u8]) -> String {
    if value_type == ValueType::DWORD {
        let number = u32::from_le_bytes(data.try_into().unwrap());
        return format!("\"{name}\"=dword:{number:08x}");
    }
    let bytes: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{name}\"=hex({:x}):{}", value_type.0, bytes.join(","))
}

#[test]
#[ignore = "needs hivexregedit"]
fn hivex_reads_every_element() {
    let folder = TempDir::new().unwrap();
    for (store, file) in stores(folder.path()) {
        let mut expected = BTreeMap::new();
        let mut put = |path: &str, values: Vec<String>| {
            expected.insert(format!(r"BCD\{path}"), values);
        };
        put("", vec![]);
        let name: Vec<u8> = "BCD00000000\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        put("Description", vec![printed("KeyName", ValueType::SZ, &name)]);
        put("Objects", vec![]);
        for (id, object) in store.objects() {
            let path = format!(r"Objects\{}", id.guid());
            put(&path, vec![]);
            let kind = object.object_type().0.to_le_bytes();
            let kind = printed("Type", ValueType::DWORD, &kind);
            put(&format!(r"{path}\Description"), vec![kind]);
            put(&format!(r"{path}\Elements"), vec![]);
            for (element, raw) in object.elements() {
                let value = printed("Element", raw.value_type(), raw.data());
                put(&format!(r"{path}\Elements\{element}"), vec![value]);
            }
        }
        assert_eq!(exported(&file), expected);
    }
}

#[test]
#[ignore = "needs hivexregedit"]
fn hivex_reads_long_lists() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hive");
    let tree = (0..1200).fold(KeyTree::new("Root"), |tree, number| {
        let data = vec![number as u8; number * 13];
        let name = format!("Key {number}");
        tree.with_subkey(KeyTree::new(name).with_value("v", ValueType::BINARY, data))
    });
    fs::write(&file, tree.to_hive(TIME).unwrap()).unwrap();
    let keys = exported(&file);
    assert_eq!(keys.len(), 1201);
    for number in 0..1200 {
        let data = vec![number as u8; number * 13];
        let expected = vec![printed("v", ValueType::BINARY, &data)];
        assert_eq!(keys[&format!(r"BCD\Key {number}")], expected);
    }
}

/// What hivex itself writes, our reader reads: keys and values added to our store.
#[test]
#[ignore = "needs hivexregedit"]
fn we_read_what_hivex_wrote() {
    let folder = TempDir::new().unwrap();
    let (store, file) = stores(folder.path()).swap_remove(0);
    let mut changes = String::from("Windows Registry Editor Version 5.00\n\n");
    for number in 0..50 {
        let _ = write!(
            changes,
            "[BCD\\Objects\\{{7619dcc9-fafe-11d9-b411-000476eba25f}}\\Elements\\5f{number:06x}]\n\"Element\"=hex(3):01,02,03,04,{number:02x}\n\n"
        );
    }
    let reg = folder.path().join("changes.reg");
    fs::write(&reg, changes).unwrap();
    let output = Command::new("hivexregedit")
        .args(["--merge", "--prefix", "BCD"])
        .args([&file, &reg])
        .output()
        .unwrap_or_else(|error| panic!("cannot run hivexregedit: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = fs::read(&file).unwrap();
    let read = Store::read(&bytes).unwrap();
    assert_eq!(read.ram_disk_boot(), store.ram_disk_boot());
    let (id, before) =
        store.objects().find(|(id, _)| read.object(*id) != store.object(*id)).unwrap();
    let after = read.object(id).unwrap();
    assert_eq!(after.elements().count(), before.elements().count() + 50);
    let added = after.elements().filter(|(element, _)| element.0 >> 24 == 0x5F);
    for (number, (_, raw)) in added.enumerate() {
        assert_eq!(raw.data(), [1, 2, 3, 4, number as u8]);
    }
    let hive = Hive::open(&bytes).unwrap();
    assert!(!hive.is_dirty());
}

#[test]
#[ignore = "needs reglookup"]
fn reglookup_reads_every_key() {
    let folder = TempDir::new().unwrap();
    for (store, file) in stores(folder.path()) {
        let output = run("reglookup", &["-H", "-s"], &file);
        let text = String::from_utf8(output.stdout).unwrap();
        for (id, object) in store.objects() {
            let path = format!("/Objects/{}", id.guid());
            // Each key with the owner and the group of the descriptor.
            let key = text.lines().find(|line| line.starts_with(&format!("{path},KEY,")));
            let key = key.unwrap_or_else(|| panic!("{path} is not in\n{text}"));
            assert!(key.contains("S-1-5-32-544") && key.contains("S-1-5-18"), "{key}");
            for (element, _) in object.elements() {
                let path = format!("{path}/Elements/{element}/Element,");
                assert!(text.contains(&path), "{path} is not in\n{text}");
            }
        }
        let keys = text.lines().filter(|line| line.contains(",KEY,")).count();
        let expected = store.objects().map(|(_, object)| 3 + object.elements().count());
        assert_eq!(keys, 3 + expected.sum::<usize>());
    }
}
