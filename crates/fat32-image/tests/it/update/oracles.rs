//! fsck.fat judges, and volumes of mkfs.fat and mtools are updated.

use std::fs;
use std::path::Path;
use std::process::Command;

use extent_image::{FileStorage, Storage, StreamOptions};
use fat32_image::check::Volume;
use fat32_image::update::{UpdateError, UpdateOptions, prepare};
use fat32_image::{VolumeOptions, VolumeSize, plan};
use tempfile::TempDir;

use super::files::{START, volume_of};
use super::memory::{Memory, Op};
use super::{new_tree, old_tree, options, update};
use crate::model::content;
use crate::oracles::run;

fn write(memory: &Memory, path: &Path) {
    let mut bytes = vec![0; usize::try_from(memory.len() - START).unwrap()];
    memory.get(START, &mut bytes);
    fs::write(path, bytes).unwrap();
}

/// What fsck.fat says beside its greeting and its sums.
fn fsck(path: &Path) -> Vec<String> {
    let output = Command::new("fsck.fat").arg("-n").arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let file = path.display().to_string();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("fsck.fat "))
        .filter(|line| !line.starts_with(&file))
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
#[ignore = "needs fsck.fat"]
fn fsck_has_nothing_worse_than_lost_clusters_to_say() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("volume.img");
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old).snapshot();
    let _ = update(&memory, &new, &options(&old)).unwrap();
    let log = memory.log();
    let state = memory.fork();
    let known = [
        "Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.",
        "Automatically removing dirty bit.",
        "There are differences between boot sector and its backup.",
        "This is mostly harmless. Differences: (offset:original/backup)",
        "65:01/00",
        "Not automatically fixing this.",
        "Reclaimed ",
        "Free cluster summary uninitialized (",
        "Leaving filesystem unchanged.",
        // Between the two writes of a piece of the FAT: it says so and means the same clusters.
        "FATs differ but appear to be intact.",
        "Using first FAT.",
    ];
    let mut differing = 0;
    for op in log {
        if let Op::Write(at, bytes) = op {
            state.put(at, &bytes);
            write(&state, &path);
            let said = fsck(&path);
            for line in &said {
                assert!(known.iter().any(|known| line.starts_with(known)), "{line}\nin {said:#?}");
            }
            differing += u32::from(said.iter().any(|line| line.starts_with("FATs differ")));
        }
    }
    // Once while the new chains are written and once while the old ones are freed.
    assert!(differing <= 4, "{differing}");
    assert_eq!(fsck(&path), [""; 0]);
}

#[test]
#[ignore = "needs mkfs.fat, mtools and fsck.fat"]
fn volumes_of_others_are_updated() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("stick.img");
    let mtools = |program: &str| {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C.UTF-8").env("MTOOLS_SKIP_CHECK", "1");
        command
    };
    // Sectors of 512 and 4096 bytes, clusters of one and several sectors.
    for (mib, sector, cluster) in [(40, "512", "1"), (300, "512", "8"), (600, "4096", "1")] {
        let _ = fs::remove_file(&path);
        fs::File::create(&path).unwrap().set_len(mib << 20).unwrap();
        let mut mkfs = Command::new("mkfs.fat");
        run(mkfs.args(["-F", "32", "-S", sector, "-s", cluster, "-n", "STICK"]).arg(&path));
        let source = folder.path().join("System Volume Information");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("WPSettings.dat"), content(12, 1)).unwrap();
        run(mtools("mcopy").args(["-s", "-i"]).arg(&path).arg(&source).arg("::"));
        run(mtools("mattrib")
            .args(["+h", "+s", "-i"])
            .arg(&path)
            .arg("::System Volume Information"));
        for number in 0..30 {
            let file = folder.path().join(format!("a photograph of mine {number}.jpeg"));
            fs::write(&file, content(3000 + number * 300, number)).unwrap();
            run(mtools("mcopy").arg("-i").arg(&path).arg(&file).arg("::"));
        }
        for number in (0..30).step_by(2) {
            let name = format!("::a photograph of mine {number}.jpeg");
            run(mtools("mdel").arg("-i").arg(&path).arg(name));
        }

        let storage = FileStorage::open(&path).unwrap();
        let (old, new) = (old_tree(), new_tree());
        let switch = UpdateOptions::new().with_switch(["SUMS"]);
        for (tree, options) in [(&old, switch), (&new, options(&old))] {
            let update = prepare(&storage, 0..storage.len(), tree, &options, &mut ()).unwrap();
            let _ = update.apply(&mut ()).unwrap();
            assert_eq!(fsck(&path), [""; 0]);
            let mut volume = Volume::open(fs::File::open(&path).unwrap(), 0, mib << 20).unwrap();
            let faults = volume.check().unwrap();
            assert!(faults.is_empty(), "{faults:#?}");
        }
        let mut volume = Volume::open(fs::File::open(&path).unwrap(), 0, mib << 20).unwrap();
        let entries = volume.walk().unwrap();
        let hidden = entries.iter().find(|e| e.name() == "System Volume Information").unwrap();
        assert_eq!(hidden.attributes() & 0x06, 0x06);
        assert_eq!(entries.iter().filter(|e| e.name().starts_with("a photograph")).count(), 15);
        // mtools reads what was written.
        let copied = folder.path().join("copied.wim");
        let _ = fs::remove_file(&copied);
        run(mtools("mcopy").arg("-i").arg(&path).arg("::sources/boot.wim").arg(&copied));
        assert_eq!(fs::read(&copied).unwrap(), content(120_000, 50));
    }
    let mut mkfs = Command::new("mkfs.fat");
    run(mkfs.args(["-F", "16"]).arg(&path));
    let storage = FileStorage::open(&path).unwrap();
    let tree = new_tree();
    let error = prepare(&storage, 0..storage.len(), &tree, &UpdateOptions::new(), &mut ());
    assert!(matches!(error.unwrap_err(), UpdateError::NotFat32 { bits: 16, .. }));
}

/// The FAT of 2 TB has 256 MiB; it is streamed.
#[test]
#[ignore = "needs fsck.fat, and reads the FATs of a sparse image of 2 TB"]
fn two_terabytes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large.img");
    let (old, new) = (old_tree(), new_tree());
    let size = VolumeSize::Bytes((2 << 40) - (4 << 20));
    let volume = plan(&old, &VolumeOptions::new().with_size(size)).unwrap();
    let file = fs::File::create(&path).unwrap();
    let _ = volume.plan().write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
    let storage = FileStorage::open(&path).unwrap();
    let update = prepare(&storage, 0..storage.len(), &new, &options(&old), &mut ()).unwrap();
    let report = update.apply(&mut ()).unwrap();
    assert!(report.written < 1 << 20);
    assert_eq!(fsck(&path), [""; 0]);
}
