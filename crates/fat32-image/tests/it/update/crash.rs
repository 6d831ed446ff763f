//! The plug is pulled: at every write, and with any part of what was written since the last flush.

use extent_image::Tree;
use fat32_image::check::FaultKind;
use fat32_image::update::{UpdateError, UpdateOptions};
use fat32_image::{ClusterSize, Label, VolumeOptions, plan};

use super::files::{
    Files, START, check, cluster, differences, fats, files_of, key, put_foreign, read,
    remove_foreign, tree_of, volume_of,
};
use super::memory::{Memory, Op};
use super::{new_tree, old_tree, options, prepared, update};
use crate::model::content;

/// An update, and what a volume must hold before and after it.
struct Scene {
    memory: Memory,
    new: Tree,
    options: UpdateOptions,
    old_files: Files,
    new_files: Files,
    foreign: Files,
    /// Names in the root that change at once.
    witnesses: Vec<String>,
}

impl Scene {
    /// `switch`: the names that must come with everything that changes.
    fn new(memory: Memory, old: &Tree, new: Tree, options: UpdateOptions, switch: &[&str]) -> Self {
        let (old_files, new_files) = (files_of(old), files_of(&new));
        let mut foreign = read(&memory);
        for path in old_files.keys() {
            foreign.remove(path);
        }
        let switch: Vec<String> = switch.iter().map(|name| key(name)).collect();
        let differs = |path: &String| old_files.get(path) != new_files.get(path);
        let is_root = |path: &String| !path.contains('/');
        let is_witness = |path: &&String| {
            is_root(path)
                && differs(path)
                && (switch.contains(path) || old_files.contains_key(*path))
        };
        let witnesses = new_files.keys().filter(is_witness).cloned().collect();
        let options = options.with_switch(switch);
        let memory = memory.snapshot();
        Self { memory, new, options, old_files, new_files, foreign, witnesses }
    }

    /// Every state that a volume can be left in.
    fn play(&self) {
        let _ = update(&self.memory, &self.new, &self.options).unwrap();
        let log = self.memory.log();
        self.judge(&self.memory, "at the end");
        let mut after = self.new_files.clone();
        after.extend(self.foreign.clone());
        assert_eq!(differences(&read(&self.memory), &after), [""; 0]);
        assert_eq!(check(&self.memory), []);

        let mut bits = Bits(0x9E37_79B9_7F4A_7C15);
        let mut durable = self.memory.fork();
        let mut group: Vec<(u64, Vec<u8>)> = Vec::new();
        for (number, op) in log.iter().enumerate() {
            match op {
                Op::Write(at, bytes) => {
                    group.push((*at, bytes.clone()));
                    let state = durable.fork();
                    group.iter().for_each(|(at, bytes)| state.put(*at, bytes));
                    self.judge(&state, &format!("after write {number}"));
                    self.go_on(&state, &format!("after write {number}"));
                }
                Op::Flush => {
                    // Sectors that did and did not reach the medium.
                    for round in 0..2 {
                        let state = durable.fork();
                        let mut sectors: Vec<(u64, &[u8])> = group
                            .iter()
                            .flat_map(|(at, bytes)| (*at..).step_by(512).zip(bytes.chunks(512)))
                            .collect();
                        // The other way round: of a sector written twice the older may stay.
                        if round == 1 {
                            sectors.reverse();
                        }
                        for (at, sector) in sectors {
                            if bits.next() {
                                state.put(at, sector);
                            }
                        }
                        let what = format!("before flush {number}, round {round}");
                        self.judge(&state, &what);
                        self.go_on(&state, &what);
                    }
                    group.iter().for_each(|(at, bytes)| durable.put(*at, bytes));
                    durable = durable.snapshot();
                    group.clear();
                }
            }
        }
        assert!(group.is_empty(), "the last write is not flushed");
    }

    /// One of the two media is complete, what is foreign is there, and nothing is worse than lost
    /// clusters: the marks of use and the counts, which belong to them, and copies of the FAT that
    /// differ, which the next update shows to be in clusters that no name reaches.
    fn judge(&self, state: &Memory, when: &str) {
        self.judge_files(state, when);
        // By the second copy of the FAT: "not kept equal, the second counts".
        let mut flags = [0; 1];
        state.get(START + 0x28, &mut flags);
        state.poke(START + 0x28, &[0x81]);
        self.judge_files(state, &format!("{when}, by the second FAT"));
        state.poke(START + 0x28, &flags);
        for fault in check(state) {
            let tolerable = matches!(
                fault.kind(),
                FaultKind::Dirty { .. }
                    | FaultKind::LostClusters { .. }
                    // The mark of an update that runs.
                    | FaultKind::FsInfoReserved { .. }
                    | FaultKind::FreeCount { .. }
                    | FaultKind::BehindEnd { .. }
            ) || fault.is_half_written();
            assert!(tolerable, "{when}: {fault}");
        }
    }

    fn judge_files(&self, state: &Memory, when: &str) {
        let found = read(state);
        for (path, content) in &self.foreign {
            assert_eq!(found.get(path), Some(content), "{when}: foreign {path}");
        }
        let holds =
            |files: &Files| files.iter().all(|(path, content)| found.get(path) == Some(content));
        let (is_old, is_new) = (holds(&self.old_files), holds(&self.new_files));
        assert!(is_old || is_new, "{when}: neither old nor new");
        // Those who see one of the names that change at once find all that comes with it.
        for path in &self.witnesses {
            let now = found.get(path);
            if now.is_some() && now == self.new_files.get(path) {
                assert!(is_new, "{when}: {path} is new, and not all is");
            } else {
                assert!(is_old, "{when}: {path} is old, and not all is");
            }
        }
    }

    /// The next update finishes what was cut off, and loses nothing.
    fn go_on(&self, state: &Memory, when: &str) {
        let _ = update(state, &self.new, &self.options).unwrap_or_else(|e| panic!("{when}: {e}"));
        let mut expected = self.new_files.clone();
        expected.extend(self.foreign.clone());
        assert_eq!(differences(&read(state), &expected), [""; 0], "{when}");
        assert_eq!(check(state), [], "{when}");
    }
}

/// Coins that fall the same way each time.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 & 1 == 1
    }
}

#[test]
fn replaced_moved_and_removed() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    put_foreign(&memory, "sources/mine/driver.inf", &content(1234, 61));
    put_foreign(&memory, "passing.txt", &content(5000, 62));
    remove_foreign(&memory, "passing.txt");
    let label = Some(Label::new("NEW").unwrap());
    let options = options(&old).with_label(label);
    Scene::new(memory, &old, new, options, &["SUMS"]).play();
}

/// Onto a stick of somebody's files: the root directory is nearly full and grows.
#[test]
fn all_new_in_a_root_that_grows() {
    let old = tree_of(&[]);
    let memory = volume_of(&old);
    // The label and seven sets of four slots, in two clusters of sixteen.
    for number in 0..7 {
        let path = format!("a file of mine, number {number}.text");
        put_foreign(&memory, &path, &content(300, number));
    }
    let options = UpdateOptions::new();
    Scene::new(memory, &old, new_tree(), options, &["SUMS", "BOOTMGR"]).play();
}

/// Media as ours is, its content from a seed, and a folder that came later.
fn media(seed: usize, folder: Option<&str>) -> Tree {
    let mut paths: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for name in ["sources", "EFI", "boot", "SMS"].into_iter().chain(folder) {
        paths.push((name.to_owned(), None));
        paths.push((format!("{name}/file"), Some(content(900, seed))));
    }
    for name in ["SHA256SUMS", "media.json", "MediaLabel.txt", "bootmgr", "bootmgr.efi"] {
        paths.push((name.to_owned(), Some(content(80, seed))));
    }
    paths.push(("LaunchMedia.cmd".to_owned(), Some(content(600, 0))));
    tree_of(&paths.iter().map(|(p, c)| (p.as_str(), c.clone())).collect::<Vec<_>>())
}

/// The name that does not change stands in the second sector of the root, and one that an update adds
/// finds room in the first, where a later one changes it together with all others.
#[test]
fn a_folder_that_came_later_changes_with_the_rest() {
    const LAST: [&str; 1] = ["LaunchMedia.cmd"];
    let options = |old: &Tree| options(old).with_last_in_root(LAST);
    let switch = ["SHA256SUMS", "media.json"];
    let old = media(1, None);
    let volume = VolumeOptions::new()
        .with_cluster_size(ClusterSize::B512)
        .with_hidden_sectors((START / 512) as u32)
        .with_label(Label::new("OLD").unwrap())
        .with_last_in_root(LAST);
    let formatted = Memory::new(START, plan(&old, &volume).unwrap().plan());
    // Onto a stick of somebody else the first update puts the names in the same way.
    let empty = volume_of(&tree_of(&[]));
    let _ = update(&empty, &old, &options(&tree_of(&[])).with_switch(switch)).unwrap();
    for memory in [formatted, empty] {
        let with_folder = media(2, Some("Tools"));
        let _ = update(&memory, &with_folder, &options(&old)).unwrap();
        let new = media(3, Some("Tools"));
        Scene::new(memory, &with_folder, new, options(&with_folder), &switch).play();
    }
}

/// Only those that must come with the switch are in its sector; others lie before and behind it.
#[test]
fn more_new_names_than_a_sector_holds() {
    let old =
        tree_of(&[("SUMS", Some(b"old".to_vec())), ("going soon, with a long name", Some(vec![]))]);
    let memory = volume_of(&old);
    put_foreign(&memory, "a file of mine with a name of fifty characters.text", b"mine");
    put_foreign(&memory, "another", b"mine too");
    remove_foreign(&memory, "another");
    let names: Vec<String> = (0..9).map(|n| format!("A new file with a name {n}.bin")).collect();
    let mut paths = vec![("SUMS", Some(b"new".to_vec())), ("media.json", Some(b"{}".to_vec()))];
    paths.extend(names.iter().map(|name| (name.as_str(), Some(content(600, name.len())))));
    let new = tree_of(&paths);
    let options = options(&old);
    Scene::new(memory, &old, new, options, &["SUMS", "media.json"]).play();
}

/// Gaps of three slots and of two: in the order of the tree the first new name would take the larger
/// one, and leave the other none.
#[test]
fn new_names_in_gaps_between_others() {
    let old = tree_of(&[]);
    let memory = volume_of(&old);
    let (three, two) = ("a name of 3 slots.txt", "of 2 slots");
    for name in [three, "ONE", two, "TWO", "a name of 44 characters, which fill the rest"] {
        put_foreign(&memory, name, b"mine");
    }
    remove_foreign(&memory, three);
    remove_foreign(&memory, two);
    let (first, second) = ("b of 2", "new, of 3 slots");
    let new = tree_of(&[(first, Some(content(600, 1))), (second, Some(content(700, 2)))]);
    let options = UpdateOptions::new().with_root_order([second]);
    Scene::new(memory, &old, new, options, &[first, second]).play();
}

/// What is behind the end of the root must not come to light when the end moves.
#[test]
fn garbage_behind_the_end_of_a_root_that_grows() {
    let old = tree_of(&[]);
    let memory = volume_of(&old);
    for number in 0..5 {
        let path = format!("a file of mine, number {number}.text");
        put_foreign(&memory, &path, &content(300, number));
    }
    // The label and five sets of four slots; in the second cluster the end, and then what looks like
    // files.
    let (fat, _) = fats(&memory);
    let mut next = [0; 4];
    memory.get(fat + 2 * 4, &mut next);
    let second = cluster(&memory, u32::from_le_bytes(next).into());
    let mut slots = [0; 512];
    memory.get(second, &mut slots);
    let all = slots.as_chunks_mut::<32>().0;
    let end = all.iter().position(|slot| slot[0] == 0).unwrap();
    assert_eq!(end, 5);
    for (slot, letter) in all[end + 1..].iter_mut().zip(b'A'..) {
        slot[..12].copy_from_slice(b"GARBAGEADAT\x20");
        (slot[7], slot[0x1A], slot[0x1C]) = (letter, 5, 1);
    }
    memory.poke(second, &slots);
    assert!(check(&memory).iter().any(|f| matches!(f.kind(), FaultKind::BehindEnd { .. })));
    let names: Vec<String> = (0..7).map(|n| format!("New file with a long name {n}.bin")).collect();
    let mut paths = vec![("SUMS", Some(b"new".to_vec())), ("BOOTMGR", Some(content(900, 3)))];
    paths.extend(names.iter().map(|name| (name.as_str(), Some(content(600, name.len())))));
    let new = tree_of(&paths);
    Scene::new(memory, &old, new, UpdateOptions::new(), &["SUMS", "BOOTMGR"]).play();
}

#[test]
fn faults_of_the_storage_leave_one_of_the_two() {
    let (old, new) = (old_tree(), new_tree());
    let options = options(&old);
    let scene = Scene::new(volume_of(&old), &old, new, options.clone(), &["SUMS"]);
    let writes = {
        let memory = scene.memory.fork();
        let _ = update(&memory, &scene.new, &options).unwrap();
        memory.log().iter().filter(|op| matches!(op, Op::Write(..))).count()
    };
    for count in 0..writes {
        let memory = scene.memory.fork();
        memory.fail_after(count);
        let error = update(&memory, &scene.new, &options).unwrap_err();
        assert!(matches!(error, UpdateError::Write { .. }), "{error}");
        memory.heal();
        scene.judge(&memory, &format!("write {count} failed"));
        assert!(prepared(&memory, &scene.new, &options).is_ok(), "{count}");
    }
}
