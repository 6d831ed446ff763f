//! Volumes and content of other shapes.

use std::sync::Arc;

use bytes::Bytes;
use extent_image::{Data, Late, NodeId, Tree, TreeBuilder};
use fat32_image::update::{ChangeKind, UpdateOptions};
use fat32_image::{ClusterSize, SectorSize, VolumeOptions, plan};

use super::files::{
    START, check, differences, files_of, meta, put_foreign, read, remove_foreign, tree_of,
    volume_of,
};
use super::memory::{Memory, Op};
use super::{new_tree, old_tree, options, prepared, update};
use crate::model::content;

/// A tree with a list that tells the digest of its one file.
fn with_list(seed: usize) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let data = Data::bytes("test", content(5000, seed));
    let Data::Source(source) = data.clone() else { unreachable!() };
    builder.file(NodeId::ROOT, "boot.wim", meta(), data).unwrap();
    let late = Late::new("list", 64, move |digests| {
        let digest = digests.of(&source).unwrap();
        Bytes::from(digest.to_string().into_bytes())
    });
    builder.file(NodeId::ROOT, "SUMS", meta(), Data::Late(Arc::new(late))).unwrap();
    builder.finish().unwrap()
}

#[test]
fn late_content_follows_from_what_is_there_and_what_is_new() {
    let memory = volume_of(&with_list(1));
    let tree = with_list(1);
    let same = prepared(&memory, &tree, &UpdateOptions::new()).unwrap();
    assert_eq!((same.changes().len(), same.unchanged_files()), (0, 2));
    let tree = with_list(2);
    let options = UpdateOptions::new().with_owned(["boot.wim", "sums"]);
    let update = prepared(&memory, &tree, &options).unwrap();
    assert!(update.changes().iter().all(|change| change.kind() == ChangeKind::Replaced));
    let _ = update.apply(&mut ()).unwrap();
    let found = read(&memory);
    let digest = extent_image::Digest::of(&content(5000, 2)).to_string();
    assert_eq!(found["SUMS"].as_deref(), Some(digest.as_bytes()));
    assert_eq!(check(&memory), []);
    assert!(prepared(&memory, &tree, &options).unwrap().changes().is_empty());
}

#[test]
fn sectors_of_4096_bytes() {
    let (old, new) = (old_tree(), new_tree());
    let options_4k = VolumeOptions::new()
        .with_sector_size(SectorSize::B4096)
        .with_hidden_sectors((START / 4096) as u32);
    let memory = Memory::new(START, plan(&old, &options_4k).unwrap().plan()).with_block_size(4096);
    let _ = update(&memory, &new, &options(&old)).unwrap();
    assert_eq!(check(&memory), []);
    assert_eq!(differences(&read(&memory), &files_of(&new)), [""; 0]);
}

#[test]
fn free_space_in_pieces() {
    let old = tree_of(&[]);
    let memory = volume_of(&old);
    for number in 0..40 {
        put_foreign(&memory, &format!("mine/{number}"), &content(2000, number));
    }
    let free = prepared(&memory, &old, &UpdateOptions::new()).unwrap().clusters_free();
    // Nothing but the holes, and a little behind.
    put_foreign(&memory, "mine/rest", &vec![1; (free as usize - 20) * 512]);
    for number in (0..40).step_by(2) {
        remove_foreign(&memory, &format!("mine/{number}"));
    }
    let memory = memory.snapshot();
    let new = tree_of(&[("big", Some(content(40_000, 1))), ("small", Some(content(700, 2)))]);
    let before = read(&memory);
    let _ = update(&memory, &new, &UpdateOptions::new()).unwrap();
    assert_eq!(check(&memory), []);
    let mut expected = before;
    expected.extend(files_of(&new));
    assert_eq!(differences(&read(&memory), &expected), [""; 0]);
}

/// Large files are written 1 MiB at a time, and small ones that lie together at once.
#[test]
fn writes_are_large() {
    let mut paths =
        vec![("folder".to_owned(), None), ("big".to_owned(), Some(content(5 << 20, 1)))];
    paths.extend((0..300).map(|n| (format!("folder/{n}"), Some(content(600 + n, n)))));
    let paths: Vec<_> = paths.iter().map(|(p, c)| (p.as_str(), c.clone())).collect();
    let tree = tree_of(&paths);
    let memory = volume_of(&tree_of(&[]));
    let _ = update(&memory, &tree, &UpdateOptions::new()).unwrap();
    assert_eq!(check(&memory), []);
    let writes = memory.log().into_iter().filter(|op| matches!(op, Op::Write(..))).count();
    // Six of content; the FAT, its marks, boot sector, FSInfo and root directory.
    assert!(writes < 25, "{writes}");
}

#[test]
fn a_large_folder() {
    let names: Vec<String> =
        (0..3000).map(|n| format!("folder/a driver with a name {n}.inf")).collect();
    let mut paths: Vec<(&str, Option<Vec<u8>>)> = vec![("folder", None)];
    paths.extend(names.iter().map(|name| (name.as_str(), Some(vec![1; 10]))));
    let old = tree_of(&paths[..2000]);
    let new = tree_of(&paths);
    let options_4k = VolumeOptions::new()
        .with_cluster_size(ClusterSize::KIB4)
        .with_hidden_sectors((START / 512) as u32);
    let memory = Memory::new(START, plan(&old, &options_4k).unwrap().plan());
    let _ = update(&memory, &new, &options(&old)).unwrap();
    assert_eq!(check(&memory), []);
    assert_eq!(differences(&read(&memory), &files_of(&new)), [""; 0]);
}
