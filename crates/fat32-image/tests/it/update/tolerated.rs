//! Marks and faults on a volume that do not stand in the way of an update.

use fat32_image::Label;
use fat32_image::check::FaultKind;
use fat32_image::update::{UpdateError, UpdateNote, UpdateOptions};

use super::files::{
    START, check, cluster, differences, fats, files_of, put_foreign, read, tree_of, volume_of,
};
use super::memory::{Memory, Op};
use super::{new_tree, old_tree, options, prepared, update};
use crate::model::content;

fn kinds(memory: &Memory) -> Vec<FaultKind> {
    check(memory).iter().map(|fault| fault.kind().clone()).collect()
}

/// Updates; what is wrong then was wrong before.
fn goes_through(memory: &Memory) {
    let (old, new) = (old_tree(), new_tree());
    let options = options(&old);
    let update = prepared(memory, &new, &options).unwrap();
    let told: Vec<FaultKind> =
        update.tolerated().iter().map(|fault| fault.kind().clone()).collect();
    assert!(!told.is_empty());
    let mut expected = read(memory);
    for gone in ["old folder", "old folder/deep", "old folder/deep/file", "sources/gone.txt"] {
        expected.remove(&super::files::key(gone));
    }
    expected.extend(files_of(&new));
    let _ = update.apply(&mut ()).unwrap();
    assert_eq!(differences(&read(memory), &expected), [""; 0]);
    for kind in kinds(memory) {
        assert!(told.contains(&kind), "{kind}");
    }
}

/// Fields that no reader of files looks at.
#[test]
fn fields_of_the_boot_sector() {
    let fields: [(u64, &[u8]); 7] = [
        (0x02, &[0]),
        (0x15, &[0xF7]),
        (0x18, &[0, 1]),
        (0x1A, &[0, 1]),
        (0x34, &[1]),
        (0x40, &[1]),
        (0x52, b"MSDOS5.0"),
    ];
    for (at, value) in fields {
        let memory = volume_of(&old_tree());
        memory.poke(START + at, value);
        let is_field = |kind: &FaultKind| matches!(kind, FaultKind::BootField { .. });
        assert!(kinds(&memory).iter().any(is_field), "{at:#x}");
        goes_through(&memory);
    }
}

#[test]
fn copies_of_the_fat_that_differ_behind_the_last_cluster() {
    let memory = volume_of(&old_tree());
    let (fat, len) = fats(&memory);
    memory.poke(fat + 2 * len - 4, &[1, 2, 3, 4]);
    goes_through(&memory);
}

/// Changes the long-name slots in the first clusters.
fn change_long(memory: &Memory, change: impl Fn(&mut [u8; 32])) {
    for number in 2..700 {
        let at = cluster(memory, number);
        let mut sector = [0; 512];
        memory.get(at, &mut sector);
        let old = sector;
        for slot in sector.as_chunks_mut::<32>().0 {
            if slot[0x0B] == 0x0F && slot[0x0C] == 0 && slot[0x1A] == 0 {
                change(slot);
            }
        }
        if sector != old {
            memory.poke(at, &sector);
        }
    }
}

/// FAT drivers fold other letters than ASCII, or do not.
#[test]
fn names_that_differ_in_the_case_of_an_umlaut() {
    let memory = volume_of(&old_tree());
    put_foreign(&memory, "sources/Ärger.txt", b"x");
    put_foreign(&memory, "Ärger.txt", b"x");
    put_foreign(&memory, "Urger.txt", b"y");
    change_long(&memory, |slot| {
        if slot[1..6] == *b"U\0r\0g" {
            slot[1] = 0xE4;
        }
    });
    let is_twin = |kind: &FaultKind| matches!(kind, FaultKind::DuplicateName { .. });
    assert!(kinds(&memory).iter().any(is_twin));
    let (old, new) = (old_tree(), new_tree());
    let _ = update(&memory, &new, &options(&old)).unwrap();
    assert!(kinds(&memory).iter().all(is_twin));
}

/// No system shows such a long name, and fsck.fat removes it.
#[test]
fn long_names_of_no_file_are_left_out_of_folders_that_move() {
    let memory = volume_of(&old_tree());
    put_foreign(&memory, "sources/My thesis, final.doc", b"x");
    change_long(&memory, |slot| {
        if slot[1..4] == *b"M\0y" || slot[1..4] == *b"f\0i" || slot[3..6] == *b"f\0i" {
            slot[0x0D] ^= 1;
        }
    });
    assert!(!kinds(&memory).is_empty());
    let (old, new) = (old_tree(), new_tree());
    let _ = update(&memory, &new, &options(&old)).unwrap();
    assert_eq!(kinds(&memory), []);
    assert_eq!(read(&memory)[&super::files::key("sources/MYTHES~1.DOC")], Some(b"x".to_vec()));
}

/// With 28h in byte 42h of the boot sector other things stand where 29h has the label.
#[test]
fn a_boot_sector_without_a_label_gets_none() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    for sector in [0, 6 * 512] {
        memory.poke(START + sector + 0x42, &[0x28]);
        memory.poke(START + sector + 0x47, &[0x90; 11]);
    }
    let options = options(&old).with_label(Some(Label::new("NEW").unwrap()));
    let _ = update(&memory, &new, &options).unwrap();
    let mut found = [0; 11];
    memory.get(START + 0x47, &mut found);
    assert_eq!(found, [0x90; 11]);
    let label = super::files::open(&memory).read_volume_label_from_root_dir().unwrap();
    assert_eq!(label.as_deref(), Some("NEW"));
    assert!(prepared(&memory, &new, &options).unwrap().changes().is_empty());
}

#[test]
fn a_volume_that_met_errors_is_told_and_stays_marked() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    let (fat, _) = fats(&memory);
    memory.poke(fat + 7, &[0x0B]);
    let update = prepared(&memory, &new, &options(&old)).unwrap();
    assert_eq!(update.notes(), [UpdateNote::HardErrors]);
    let _ = update.apply(&mut ()).unwrap();
    let mut entry = [0; 4];
    memory.get(fat + 4, &mut entry);
    assert_eq!(u32::from_le_bytes(entry) & 1 << 26, 0);
}

/// Clusters that no file holds.
fn lost(memory: &Memory) -> u64 {
    let of = |kind: &FaultKind| match kind {
        FaultKind::LostClusters { count, .. } => u64::from(*count),
        _ => 0,
    };
    kinds(memory).iter().map(of).sum()
}

/// A volume whose update was cut off when it had linked its new clusters.
fn cut_off() -> Memory {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old).snapshot();
    let full = memory.fork();
    let _ = update(&full, &new, &options(&old)).unwrap();
    for op in full.log() {
        if let Op::Write(at, bytes) = op {
            memory.put(at, &bytes);
            if lost(&memory) > 0 {
                return memory.snapshot();
            }
        }
    }
    unreachable!("clusters are linked before names");
}

/// Systems keep the reserved bytes of FSInfo; the two numbers they write.
#[test]
fn a_mark_that_is_out_of_date_frees_nothing() {
    let memory = cut_off();
    let (tree, options) = (new_tree(), options(&old_tree()).with_replace(true));
    let note = prepared(&memory, &tree, &options).unwrap().notes().to_vec();
    assert_eq!(note, [UpdateNote::CutOff { clusters: lost(&memory) }]);

    // Another system frees the clusters, counts and closes; then it is pulled out, with a file that
    // no name reached yet.
    let (fat, len) = fats(&memory);
    let (first, old) = (60_000, old_tree());
    let clean = volume_of(&old);
    let mut table = vec![0; len as usize];
    clean.get(fat, &mut table);
    table[first * 4..][..4].copy_from_slice(&0x0FFF_FFFF_u32.to_le_bytes());
    for copy in [fat, fat + len] {
        memory.poke(copy, &table);
        memory.poke(copy + 7, &[0x07]);
    }
    for field in [0x1E8, 0x1EC] {
        let other = memory.snapshot();
        other.poke(START + 512 + field, &[1, 2, 0, 0]);
        let update = prepared(&other, &tree, &options).unwrap();
        assert_eq!(
            update.notes(),
            [UpdateNote::Dirty, UpdateNote::LostClusters { clusters: 1 }],
            "{field:#x}"
        );
        let _ = update.apply(&mut ()).unwrap();
        let mut entry = [0; 4];
        other.get(fat + 4 * first as u64, &mut entry);
        assert_eq!(u32::from_le_bytes(entry), 0x0FFF_FFFF);
    }
    // Nor does it explain copies of the FAT that differ.
    memory.poke(START + 512 + 0x1E8, &[1, 2, 0, 0]);
    memory.poke(fat + len + 4 * first as u64, &[0; 4]);
    let error = prepared(&memory, &tree, &options).map(drop).unwrap_err();
    assert!(matches!(error, UpdateError::FatsDiffer { copy: 2, .. }), "{error}");
}

/// Undone, the count of free clusters is known again.
#[test]
fn what_is_undone_leaves_the_count() {
    let old = old_tree();
    let memory = volume_of(&old);
    let tree = tree_of(&[("SUMS", Some(content(70_000, 1)))]);
    let update = prepared(&memory, &tree, &UpdateOptions::new().with_replace(true)).unwrap();
    let free = update.clusters_free();
    let mut stop = |_: u64, _: u64| std::ops::ControlFlow::Break(());
    let _ = update.apply(&mut stop).unwrap_err();
    let mut count = [0; 4];
    memory.get(START + 512 + 0x1E8, &mut count);
    assert_eq!(u64::from(u32::from_le_bytes(count)), free);
    assert_eq!(kinds(&memory), []);
}
