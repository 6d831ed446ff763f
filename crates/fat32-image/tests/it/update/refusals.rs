//! What is refused, each before the first write; and sources that fail in the middle.

use std::io::{self, Read};
use std::sync::Arc;

use extent_image::{Data, NodeId, Source, Storage, StreamError, Tree, TreeBuilder};
use fat32_image::check::FaultKind;
use fat32_image::update::{Left, UpdateError, UpdateNote, UpdateOptions, prepare};
use fat32_image::{ClusterSize, FatType, SectorSize, VolumeOptions, VolumeSize, plan};

use super::files::{
    START, check, differences, fats, files_of, meta, put_foreign, read, tree_of, volume_of,
};
use super::memory::Memory;
use super::{new_tree, old_tree, options, prepared, update};
use crate::model::content;

fn refused(memory: &Memory, tree: &Tree, options: &UpdateOptions) -> UpdateError {
    let error = prepared(memory, tree, options).map(drop).unwrap_err();
    assert_eq!(error.left(), Left::Untouched);
    assert_eq!(memory.log().len(), 0);
    error
}

#[test]
fn what_is_no_fat32() {
    let tree = new_tree();
    let error = refused(&Memory::empty(START + (8 << 20)), &tree, &UpdateOptions::new());
    assert!(matches!(error, UpdateError::Unknown { found: 0, .. }), "{error}");
    let options = VolumeOptions::new().with_fat_type(FatType::Fat16);
    let volume = plan(&old_tree(), &options).unwrap();
    let error = refused(&Memory::new(START, volume.plan()), &tree, &UpdateOptions::new());
    assert!(matches!(error, UpdateError::NotFat32 { bits: 16, .. }), "{error}");
    // exFAT has zeros where FAT has its fields, NTFS no reserved sectors.
    let memory = volume_of(&old_tree());
    memory.poke(START + 3, b"NTFS    ");
    memory.poke(START + 0x0E, &[0, 0]);
    assert!(matches!(refused(&memory, &tree, &UpdateOptions::new()), UpdateError::Unknown { .. }));
    // Clusters enough for FAT12 only, and a 16-bit length of the FAT.
    let memory = volume_of(&old_tree());
    memory.poke(START + 0x0D, &[128]);
    memory.poke(START + 0x16, &[9, 0]);
    let error = refused(&memory, &tree, &UpdateOptions::new());
    assert!(matches!(error, UpdateError::NotFat32 { bits: 12, .. }), "{error}");
}

#[test]
fn features_that_nobody_uses() {
    for (at, value) in [(0x28, 0x80), (0x2A, 1)] {
        let memory = volume_of(&old_tree());
        memory.poke(START + at, &[value]);
        let error = refused(&memory, &new_tree(), &UpdateOptions::new());
        assert!(matches!(error, UpdateError::Unsupported { .. }), "{error}");
    }
    let memory = volume_of(&old_tree());
    let tree = new_tree();
    let place = START..memory.len() - 512;
    let error = prepare(&memory, place, &tree, &UpdateOptions::new(), &mut ()).unwrap_err();
    assert!(matches!(error, UpdateError::Truncated { .. }), "{error}");
    let memory = volume_of(&old_tree()).with_block_size(4096);
    let error = refused(&memory, &tree, &UpdateOptions::new());
    assert!(matches!(error, UpdateError::SectorSize { found: 512, block: 4096 }), "{error}");
}

/// Bytes moved by one sector.
struct Shifted<'a>(&'a Memory);

impl Storage for Shifted<'_> {
    fn describe(&self) -> String {
        "shifted".to_owned()
    }

    fn len(&self) -> u64 {
        self.0.len()
    }

    fn block_size(&self) -> u32 {
        4096
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.get(offset - 512, bytes);
        Ok(())
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        unreachable!("nothing is written")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_volume_that_begins_inside_a_block() {
    let options = VolumeOptions::new().with_sector_size(SectorSize::B4096);
    let memory = Memory::new(START, plan(&old_tree(), &options).unwrap().plan());
    let (tree, place) = (new_tree(), START + 512..memory.len());
    let options = UpdateOptions::new().with_replace(true);
    let error = prepare(&Shifted(&memory), place, &tree, &options, &mut ()).unwrap_err();
    let start = START + 512;
    assert!(
        matches!(error, UpdateError::Unaligned { start: found, block: 4096 } if found == start),
        "{error}"
    );
}

#[test]
fn copies_of_the_fat_that_differ() {
    let memory = volume_of(&old_tree());
    let (fat, len) = fats(&memory);
    memory.poke(fat + len + 512 * 7 + 12, &[1]);
    let error = refused(&memory, &new_tree(), &options(&old_tree()));
    let expected = (fat + len - START) / 512 + 7;
    assert!(
        matches!(error, UpdateError::FatsDiffer { copy: 2, sector } if sector == expected),
        "{error}"
    );
}

#[test]
fn damage() {
    let memory = volume_of(&old_tree());
    let (fat, len) = fats(&memory);
    // Cluster 3 leads to itself.
    for copy in [fat, fat + len] {
        memory.poke(copy + 12, &[3, 0, 0, 0]);
    }
    let error = refused(&memory, &new_tree(), &options(&old_tree()));
    let UpdateError::Damaged { faults } = &error else { panic!("{error}") };
    let is_link = |kind: &FaultKind| matches!(kind, FaultKind::CrossLink { .. });
    assert!(faults.list().iter().any(|fault| is_link(fault.kind())), "{error}");
}

#[test]
fn lost_clusters_of_others_are_left_alone() {
    let memory = volume_of(&old_tree());
    let (fat, len) = fats(&memory);
    let far = 4 * 60_000;
    for copy in [fat, fat + len] {
        memory.poke(copy + far, &[0xFF, 0xFF, 0xFF, 0x0F]);
    }
    let (tree, options) = (new_tree(), options(&old_tree()));
    let update = prepared(&memory, &tree, &options).unwrap();
    assert_eq!(update.notes(), [UpdateNote::LostClusters { clusters: 1 }]);
    let _ = update.apply(&mut ()).unwrap();
    let kinds: Vec<_> = check(&memory).into_iter().map(|fault| fault.kind().clone()).collect();
    assert_eq!(kinds, [FaultKind::LostClusters { first: 60_000, count: 1 }]);
}

#[test]
fn a_full_stick() {
    let old = old_tree();
    let memory = volume_of(&old);
    let free = prepared(&memory, &new_tree(), &options(&old)).unwrap().clusters_free();
    let rest = free as usize * 512 - 110_000;
    put_foreign(&memory, "films.bin", &vec![7; rest]);
    let error = refused(&memory, &new_tree(), &options(&old));
    let UpdateError::Full { needed, free, cluster_size } = error else { panic!("{error}") };
    assert!(needed > free && free > 200 && cluster_size == 512, "{needed} {free}");
    assert!(error.to_string().contains(&format!("remove {} bytes", (needed - free) * 512)));
}

#[test]
fn entries_in_two_sectors_of_the_root() {
    let mut paths: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for number in 0..20 {
        paths.push((format!("FILE{number:02}"), Some(content(100, number))));
    }
    let borrow = |paths: &[(String, Option<Vec<u8>>)]| {
        tree_of(&paths.iter().map(|(p, c)| (p.as_str(), c.clone())).collect::<Vec<_>>())
    };
    let old = borrow(&paths);
    let memory = volume_of(&old);
    paths[3].1 = Some(content(100, 50));
    let _ = update(&memory.snapshot(), &borrow(&paths), &options(&old)).unwrap();
    paths[19].1 = Some(content(100, 51));
    let error = refused(&memory, &borrow(&paths), &options(&old));
    let UpdateError::Scattered { entries } = &error else { panic!("{error}") };
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].0.as_str(), entries[1].0.as_str()), ("FILE03", "FILE19"));
    assert_eq!(entries[0].1 + 1, entries[1].1);
    // And a sector that has no room for what must come with the switch.
    paths[19].1 = Some(content(100, 19));
    paths.push(("SUMS".to_owned(), Some(Vec::new())));
    let error = refused(&memory, &borrow(&paths), &options(&old));
    assert!(matches!(error, UpdateError::SwitchRoom { needed: 1, free: 0, .. }), "{error}");
}

/// Gives fewer bytes than it has, or an error.
struct Failing {
    len: u64,
    good: u64,
    breaks: bool,
}

impl Source for Failing {
    fn len(&self) -> u64 {
        self.len
    }

    fn open(&self, _: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let good = io::repeat(1).take(self.good);
        match self.breaks {
            true => Ok(Box::new(good.chain(Broken))),
            false => Ok(Box::new(good)),
        }
    }

    fn describe(&self) -> String {
        "failing".to_owned()
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("gone"))
    }
}

#[test]
fn sources_that_fail_leave_the_old_files() {
    let old = old_tree();
    for breaks in [true, false] {
        let mut builder = TreeBuilder::new(meta());
        let sources = builder.folder(NodeId::ROOT, "sources", meta()).unwrap();
        let failing = Failing { len: 3 << 20, good: 2 << 20, breaks };
        let failing = Data::from(Arc::new(failing));
        builder.file(sources, "boot.wim", meta(), failing).unwrap();
        builder.file(NodeId::ROOT, "SUMS", meta(), Data::bytes("t", "new")).unwrap();
        let tree = builder.finish().unwrap();
        let memory = volume_of(&old);
        let error = update(&memory, &tree, &options(&old)).unwrap_err();
        let UpdateError::Source { left: Left::Old, source } = &error else { panic!("{error}") };
        match source {
            StreamError::Read { at, .. } => assert_eq!((breaks, *at), (true, 2 << 20)),
            StreamError::SourceChanged { found, .. } => {
                assert_eq!((breaks, *found), (false, 2 << 20))
            }
            other => panic!("{other}"),
        }
        assert_eq!(check(&memory), []);
        assert_eq!(differences(&read(&memory), &files_of(&old)), [""; 0]);
    }
}

#[test]
fn a_cancelled_update_leaves_the_old_files() {
    let old = old_tree();
    let new = new_tree();
    let memory = volume_of(&old);
    let update = prepared(&memory, &new, &options(&old)).unwrap();
    let mut stop = |done: u64, total: u64| match done * 2 > total {
        true => std::ops::ControlFlow::Break(()),
        false => std::ops::ControlFlow::Continue(()),
    };
    let error = update.apply(&mut stop).unwrap_err();
    assert!(matches!(error, UpdateError::Cancelled { left: Left::Old }), "{error}");
    assert_eq!(check(&memory), []);
    assert_eq!(differences(&read(&memory), &files_of(&old)), [""; 0]);
}

#[test]
fn a_volume_that_changed_meanwhile() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    let update = prepared(&memory, &new, &options(&old)).unwrap();
    put_foreign(&memory, "while.txt", b"x");
    let error = update.apply(&mut ()).unwrap_err();
    assert!(matches!(error, UpdateError::Changed { .. }), "{error}");
    assert_eq!(memory.log().len(), 0);
}

/// Few clusters are the doing of other formatters: told, and updated all the same.
#[test]
fn a_small_volume() {
    let options_32 = VolumeOptions::new()
        .with_cluster_size(ClusterSize::B512)
        .with_size(VolumeSize::Bytes(40 << 20));
    let memory = Memory::new(START, plan(&old_tree(), &options_32).unwrap().plan());
    // The boot sector tells of another place on the disk.
    let (tree, options) = (new_tree(), options(&old_tree()));
    let update = prepared(&memory, &tree, &options).unwrap();
    assert_eq!(update.notes(), [UpdateNote::HiddenSectors { found: 0, start: START / 512 }]);
    let _ = update.apply(&mut ()).unwrap();
    assert_eq!(differences(&read(&memory), &files_of(&tree)), [""; 0]);
}
