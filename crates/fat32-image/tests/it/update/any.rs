//! Any tree onto any volume, several times over, between what other systems do.

use std::collections::HashSet;
use std::io::Read;
use std::sync::LazyLock;

use extent_image::{Data, NodeId, Storage, Timestamp, Tree, TreeBuilder};
use fat32_image::check::Volume;
use fat32_image::update::{UpdateError, UpdateOptions};
use fat32_image::{ClusterSize, Label};
use proptest::collection::vec;
use proptest::prelude::*;

use super::files::{
    Files, START, check, differences, files_of, key, meta, put_foreign, read, remove_foreign,
    volume_of, volume_with,
};
use super::memory::Memory;
use super::{new_tree, old_tree, options, prepared, update};
use crate::model::{Draft, content, drafts};

/// The drafts in two folders of the root, with content that follows from the seed, and some files
/// beside them.
fn tree(drafts: &[Draft], seed: usize) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let mut folders = Vec::new();
    for name in ["Boot", "EFI"] {
        folders.push(builder.folder(NodeId::ROOT, name, meta()).unwrap());
    }
    for name in ["bootmgr", "MediaLabel.txt", "SUMS"] {
        let data = Data::bytes("test", content(700 + seed % 3, seed));
        builder.file(NodeId::ROOT, name, meta(), data).unwrap();
    }
    let mut taken = HashSet::new();
    for (index, draft) in drafts.iter().enumerate() {
        let parent = folders[draft.folder % folders.len()];
        if !taken.insert((parent, key(&draft.name))) {
            continue;
        }
        let meta = extent_image::Meta::at(Timestamp::from_unix_seconds(draft.seconds));
        match draft.len {
            Some(len) => {
                // Every third file changes with the seed.
                let seed = if index % 3 == 0 { seed } else { 0 };
                let data = Data::bytes("test", content(len, index + seed * 7));
                builder.file(parent, &draft.name, meta, data).unwrap();
            }
            None => folders.push(builder.folder(parent, &draft.name, meta).unwrap()),
        }
    }
    builder.finish().unwrap()
}

/// Something another system does.
#[derive(Debug, Clone)]
enum Foreign {
    Put(u8, usize),
    Remove(u8),
}

fn foreign() -> impl Strategy<Value = Foreign> {
    prop_oneof![
        (0u8..9, 0..5000usize).prop_map(|(number, len)| Foreign::Put(number, len)),
        (0u8..9).prop_map(Foreign::Remove),
    ]
}

fn path(number: u8) -> String {
    let folder = ["", "Boot/", "my folder/", "EFI/mine/of mine/"][usize::from(number % 4)];
    format!("{folder}a foreign file {number}.dat")
}

fn act(memory: &Memory, actions: &[Foreign], kept: &mut Files) {
    for action in actions {
        match action {
            Foreign::Put(number, len) => {
                put_foreign(memory, &path(*number), &content(*len, usize::from(*number) + 90));
            }
            Foreign::Remove(number) if kept.contains_key(&key(&path(*number))) => {
                remove_foreign(memory, &path(*number));
            }
            Foreign::Remove(_) => {}
        }
        *kept = read(memory);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_onto_any_volume(
        drafts in drafts(),
        cuts in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        actions in vec(vec(foreign(), 0..6), 3),
    ) {
        let mut old = tree(&drafts[..drafts.len() / 2], 0);
        // `fatfs` does not clear the clusters by which it extends a root directory; there is room in
        // larger ones.
        let memory = volume_with(&old, ClusterSize::KIB4);
        for (round, ((from, to), actions)) in cuts.iter().zip(&actions).enumerate() {
            let mut expected = read(&memory);
            act(&memory, actions, &mut expected);
            let (from, to) = (from.index(drafts.len() + 1), to.index(drafts.len() + 1));
            let new = tree(&drafts[from.min(to)..from.max(to)], round + 1);
            let owned = old.walk().filter(|id| !old.is_folder(*id)).map(|id| old.path(id));
            let options = UpdateOptions::new().with_owned(owned).with_switch(["SUMS"]);
            match update(&memory, &new, &options) {
                Ok(_) => {}
                // A file where there was a folder, or a name that another has for its short one.
                Err(UpdateError::Collisions { .. }) => return Ok(()),
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
            prop_assert_eq!(check(&memory), []);
            let found = read(&memory);
            let wanted = files_of(&new);
            for (path, content) in &files_of(&old) {
                if content.is_some() && !wanted.contains_key(path) {
                    expected.remove(path);
                }
            }
            expected.extend(wanted);
            // Folders that removed files left empty are gone; those that were empty before stay.
            let is_emptied = |path: &String| {
                let inside = format!("{path}/");
                !expected.keys().any(|other| other.starts_with(&inside)) && !found.contains_key(path)
            };
            let emptied: Vec<String> =
                expected.iter().filter(|(p, c)| c.is_none() && is_emptied(p)).map(|(p, _)| p.clone()).collect();
            let emptied_inside = |path: &String| emptied.iter().any(|gone| gone.starts_with(&format!("{path}/")));
            let keep: Files = expected
                .iter()
                .filter(|(path, content)| {
                    content.is_some() || found.contains_key(*path)
                        || !(emptied.contains(path) || emptied_inside(path))
                })
                .map(|(path, content)| (path.clone(), content.clone()))
                .collect();
            prop_assert_eq!(differences(&found, &keep), [""; 0]);
            prop_assert!(prepared(&memory, &new, &options).unwrap().changes().is_empty());
            old = new;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// A volume with bytes changed anywhere is refused, or holds the tree afterwards.
    #[test]
    fn broken_volumes(
        patches in vec((0..5u8, any::<prop::sample::Index>(), any::<u8>()), 1..6),
        replace in any::<bool>(),
    ) {
        static GOOD: LazyLock<Memory> = LazyLock::new(|| volume_of(&old_tree()).snapshot());
        let memory = GOOD.fork();
        let mut boot = [0; 512];
        memory.get(START, &mut boot);
        let reserved = u64::from(u16::from_le_bytes([boot[0x0E], boot[0x0F]])) * 512;
        let fat = u64::from(u16::from_le_bytes([boot[0x24], boot[0x25]])) * 512;
        for (place, at, value) in patches {
            let (start, len) = match place {
                0 => (0, 0x5A),
                1 => (512, 512),
                // The clusters of the old files, in both copies or in one.
                2 | 3 => (reserved, 4 * 300),
                _ => (reserved + 2 * fat, 4096),
            };
            let at = START + start + at.index(len) as u64;
            memory.poke(at, &[value]);
            if place == 3 {
                memory.poke(at + fat, &[value]);
            }
        }
        let new = new_tree();
        let owned = options(&old_tree()).with_replace(replace);
        let owned = owned.with_label(Some(Label::new("NEW").unwrap()));
        let Ok(update) = prepared(&memory, &new, &owned) else { return Ok(()) };
        let _ = update.apply(&mut ()).unwrap();
        let mut volume =
            Volume::open(memory.cursor(0), START, memory.len() - START).unwrap();
        let mut found = Files::new();
        for entry in volume.walk().unwrap() {
            let mut content = Vec::new();
            if !entry.is_folder() {
                // A chain that is broken was refused.
                volume.open_file(&entry).read_to_end(&mut content).unwrap();
            }
            found.insert(key(&entry.path()), (!entry.is_folder()).then_some(content));
        }
        let wanted = files_of(&new);
        found.retain(|path, _| wanted.contains_key(path));
        prop_assert_eq!(differences(&found, &wanted), [""; 0]);
    }
}
