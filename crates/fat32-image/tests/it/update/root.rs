//! Where new names of the root folder go.

use extent_image::Tree;
use fat32_image::update::UpdateOptions;

use super::files::{
    check, cluster, differences, files_of, key, put_foreign, read, tree_of, volume_of,
};
use super::memory::Memory;
use super::{prepared, update};
use crate::model::content;

/// Media with more names than a sector of the root has slots; the content of most depends on a seed.
fn media(seed: usize) -> Tree {
    let mut paths: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for name in ["EFI", "Tools of the house", "boot", "sources"] {
        paths.push((name.to_owned(), None));
        paths.push((format!("{name}/file"), Some(content(900, seed))));
    }
    paths.push(("SHA256SUMS".to_owned(), Some(content(80, seed))));
    paths.push(("media.json".to_owned(), Some(content(80, seed))));
    for name in ["MediaLabel.txt", "LaunchMedia.cmd", "autorun.inf"] {
        paths.push((name.to_owned(), Some(content(20, 0))));
    }
    tree_of(&paths.iter().map(|(p, c)| (p.as_str(), c.clone())).collect::<Vec<_>>())
}

fn options(old: &Tree) -> UpdateOptions {
    super::options(old).with_switch(["sha256sums", "media.json", "EFI"]).with_root_order([
        "sources",
        "boot",
        "Tools of the house",
    ])
}

/// Three times, each with other content: what changes lies in one sector from the first time on.
fn again_and_again(memory: &Memory) {
    let foreign = read(memory);
    let mut old = tree_of(&[]);
    for seed in 1..4 {
        let new = media(seed);
        let _ = update(memory, &new, &options(&old)).unwrap_or_else(|e| panic!("{seed}: {e}"));
        let mut expected = files_of(&new);
        expected.extend(foreign.clone());
        assert_eq!(differences(&read(memory), &expected), [""; 0]);
        assert_eq!(check(memory), []);
        old = new;
    }
}

#[test]
fn an_empty_stick_is_updated_again_and_again() {
    again_and_again(&volume_of(&tree_of(&[])));
}

#[test]
fn so_is_a_stick_that_windows_has_seen() {
    let memory = volume_of(&tree_of(&[]));
    put_foreign(&memory, "System Volume Information/WPSettings.dat", &content(12, 60));
    again_and_again(&memory);
}

/// The first sector has room for what must come with the switch, and not for what comes next.
#[test]
fn the_sector_with_room_for_most_is_chosen() {
    let memory = volume_of(&tree_of(&[]));
    put_foreign(&memory, "a file of mine with a name of forty.text", &content(12, 60));
    put_foreign(&memory, "another of them", &content(12, 60));
    put_foreign(&memory, "third", &content(12, 60));
    again_and_again(&memory);
}

#[test]
fn without_an_order_the_rest_of_the_switch_is_filled() {
    let names: Vec<String> = (0..17).map(|n| format!("F{n:02}")).collect();
    let tree = |seed| {
        let paths = names.iter().enumerate().map(|(index, name)| {
            (name.as_str(), Some(content(10, if index < 6 { seed } else { 9 })))
        });
        tree_of(&paths.collect::<Vec<_>>())
    };
    let memory = volume_of(&tree_of(&[]));
    let options = UpdateOptions::new().with_owned(names.clone()).with_switch(["F00", "F01"]);
    for seed in 1..4 {
        let _ = update(&memory, &tree(seed), &options).unwrap();
    }
    assert_eq!(check(&memory), []);
}

/// The sum of a short name that the slots of its long name repeat.
fn checksum(short: &[u8; 11]) -> u8 {
    short.iter().fold(0, |sum: u8, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// Systems without long names delete the short slot alone.
#[test]
fn a_lost_long_name_is_not_given_to_another_file() {
    let memory = volume_of(&tree_of(&[]));
    put_foreign(&memory, "Precious document of mine.doc", b"x");
    put_foreign(&memory, "last", b"y");
    let root = cluster(&memory, 2);
    let mut slots = [0; 512];
    memory.get(root, &mut slots);
    for slot in slots.as_chunks_mut::<32>().0 {
        if slot.starts_with(b"PRECIO") {
            slot[0] = 0xE5;
        } else if slot[0x0B] == 0x0F && slot[0] & 0x1F < 4 {
            // By chance it would fit the new file.
            slot[0x0D] = checksum(b"BOOTMGR    ");
        }
    }
    memory.poke(root, &slots);
    let tree = tree_of(&[("BOOTMGR", Some(content(100, 1))), ("SUMS", Some(b"s".to_vec()))]);
    let options = UpdateOptions::new();
    let _ = update(&memory, &tree, &options).unwrap();
    let found = read(&memory);
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(names, [&key("BOOTMGR"), &key("last"), &key("SUMS")]);
    assert!(prepared(&memory, &tree, &options).unwrap().changes().is_empty());
}
