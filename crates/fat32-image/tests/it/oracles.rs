//! Outside tools read our volumes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use extent_image::{Plan, StreamOptions, Tree};
use fat32_image::{
    Alignment, BootCode, ClusterSize, FatType, Label, SectorSize, VolumeOptions, VolumePlan,
    VolumeSize, plan,
};
use tempfile::TempDir;

use crate::model::{content, sample};

fn write(plan: &Plan, folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("volume.img");
    let file = fs::File::create(&path).unwrap();
    let _ = plan.write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
    path
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?}");
    output
}

/// fsck.fat says what it does and what it found, and not a line more.
pub(crate) fn fsck(image: &Path, files: usize) {
    let output = run(Command::new("fsck.fat").args(["-n", "-v"]).arg(image));
    let text = String::from_utf8(output.stdout).unwrap();
    let known = [
        "fsck.fat ",
        "Checking we can access the last sector of the filesystem",
        "Boot sector contents:",
        "System ID ",
        "Media byte ",
        "FATs, 32 bit entries",
        "FATs, 16 bit entries",
        "bytes per FAT",
        "bytes per logical sector",
        "bytes per cluster",
        "Root directory start at cluster 2 (arbitrary size)",
        "Root directory starts at byte",
        "root directory entries",
        "Data area starts at byte",
        "data clusters (",
        "sectors/track, ",
        "hidden sectors",
        "sectors total",
        "Reclaiming unconnected clusters.",
        "Checking free cluster summary.",
        "Checking for unused clusters.",
        "Checking for bad clusters.",
        "reserved sector",
        "First FAT starts at byte",
    ];
    let end = format!(": {files} files, ");
    for line in text.lines() {
        let is_known = known.iter().any(|known| line.contains(known)) || line.contains(&end);
        assert!(is_known, "fsck.fat: {line}\nin\n{text}");
    }
    assert!(text.contains(&end), "{text}");
}

const PATHS: [(&str, usize); 14] = [
    ("BOOTMGR", 413_738),
    ("bootmgr.efi", 100_000),
    ("Boot/", 0),
    ("Boot/BCD", 20_480),
    ("Boot/Größe 日本.txt", 5),
    ("EFI/", 0),
    ("EFI/Boot/", 0),
    ("EFI/Boot/bootx64.efi", 4096),
    ("empty", 0),
    ("A Long Folder Name/", 0),
    ("A Long Folder Name/a long file name that needs several slots of thirteen units", 4097),
    ("MediaLabel.txt", 12),
    (".hidden", 1),
    ("Mixed.Txt", 511),
];

fn options() -> VolumeOptions {
    VolumeOptions::new().with_label(Label::new("ORACLE").unwrap()).with_hidden_sectors(2048)
}

/// What fsck.fat counts: files, folders and the label, without the root.
fn files_of(tree: &Tree, planned: &VolumePlan) -> usize {
    tree.len() - 1 + usize::from(planned.label().is_some())
}

#[test]
#[ignore = "needs fsck.fat"]
fn fsck_is_silent() {
    let folder = TempDir::new().unwrap();
    let check = |tree: &Tree, options: &VolumeOptions| {
        let planned = plan(tree, options).unwrap();
        fsck(&write(planned.plan(), &folder), files_of(tree, &planned));
    };
    let tree = sample(&PATHS);
    for bytes in [512, 1024, 2048, 4096, 8192, 16_384, 32_768] {
        check(&tree, &options().with_cluster_size(ClusterSize::new(bytes).unwrap()));
    }
    for gib in [1, 9, 20, 64, 256, 1024] {
        check(&tree, &options().with_size(VolumeSize::Bytes(gib << 30)));
    }
    check(&tree, &options().with_size(VolumeSize::Bytes((0xFFFF_FFFF / 64) * 64 * 512)));
    let sectors = (2..6).map(|sector| (sector, vec![0xF4; 512].into())).collect();
    check(&tree, &options().with_boot_code(BootCode::new(vec![0xF4; 420], sectors).unwrap()));
    check(&sample(&[]), &VolumeOptions::new());
    for bytes in [512, 1024, 2048, 4096, 8192, 16_384, 32_768] {
        let options = options().with_cluster_size(ClusterSize::new(bytes).unwrap());
        check(&tree, &options.clone().with_size(VolumeSize::Tight));
        check(&tree, &options.clone().with_fat_type(FatType::Fat16));
        check(&tree, &options.with_fat_type(FatType::Fat16).with_size(VolumeSize::Tight));
    }
    for mib in [3, 30, 255, 300, 1000, 2047] {
        let options = options().with_fat_type(FatType::Fat16);
        check(&tree, &options.with_size(VolumeSize::Bytes(mib << 20)));
    }
    check(&sample(&[]), &VolumeOptions::new().with_fat_type(FatType::Fat16));
    for bytes in [4096, 8192, 16_384, 32_768, 65_536] {
        let options = options().with_cluster_size(ClusterSize::new(bytes).unwrap());
        let options = options.with_sector_size(SectorSize::B4096);
        check(&tree, &options);
        check(&tree, &options.clone().with_size(VolumeSize::Tight));
        check(&tree, &options.with_fat_type(FatType::Fat16));
    }
    for alignment in [Alignment::MIB4, Alignment::new(16 << 20).unwrap()] {
        let options = options().with_hidden_sectors(32_768).with_alignment(alignment);
        check(&tree, &options);
        check(&tree, &options.clone().with_size(VolumeSize::Bytes(9 << 30)));
        check(&tree, &options.with_sector_size(SectorSize::B4096));
    }
    // A directory of many clusters, and similar names.
    let names: Vec<String> = (0..3000).map(|n| format!("similar name {n}.txt")).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 3)).collect();
    check(&sample(&files), &options().with_cluster_size(ClusterSize::B512));
    check(&sample(&files), &options().with_fat_type(FatType::Fat16).with_size(VolumeSize::Tight));
}

#[test]
#[ignore = "needs mtools"]
fn mtools_copies_everything_out() {
    copy_out_with_mtools(&options());
    copy_out_with_mtools(&disc_options());
    copy_out_with_mtools(&options().with_sector_size(SectorSize::B4096));
}

/// What capmedia's own El Torito image is.
fn disc_options() -> VolumeOptions {
    let options = options().with_smallest_fat_type().with_size(VolumeSize::Tight);
    options.with_cluster_size(ClusterSize::KIB2)
}

fn copy_out_with_mtools(options: &VolumeOptions) {
    let folder = TempDir::new().unwrap();
    let planned = plan(&sample(&PATHS), options).unwrap();
    let image = write(planned.plan(), &folder);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    // In a locale without UTF-8 mtools cannot name all files.
    let mut copy = Command::new("mcopy");
    copy.args(["-s", "-i"]).arg(&image).arg("::*").arg(&out).env("LC_ALL", "C.UTF-8");
    run(copy.env("MTOOLSRC", folder.path().join("none")));
    for (index, (path, len)) in PATHS.iter().enumerate() {
        let found = out.join(path);
        if path.ends_with('/') {
            assert!(found.is_dir(), "{path}");
        } else {
            assert!(fs::read(&found).unwrap() == content(*len, index), "{path}");
        }
    }
    assert_eq!(label(&image), "ORACLE");
}

/// The label as mtools reads it, from the root directory.
pub(crate) fn label(image: &Path) -> String {
    let shown = run(Command::new("mlabel").args(["-s", "-i"]).arg(image).arg("::"));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let (_, label) = shown.split_once("Volume label is ").unwrap_or_else(|| panic!("{shown}"));
    label.split_whitespace().next().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs 7z"]
fn seven_zip_extracts_everything() {
    for options in [options(), disc_options(), options().with_sector_size(SectorSize::B4096)] {
        let folder = TempDir::new().unwrap();
        let planned = plan(&sample(&PATHS), &options).unwrap();
        let image = write(planned.plan(), &folder);
        let out = folder.path().join("out");
        let mut target = std::ffi::OsString::from("-o");
        target.push(&out);
        let mut extract = Command::new("7z");
        extract.args(["x", "-y", "-tfat"]).arg(target).arg(&image).env("LC_ALL", "C.UTF-8");
        run(&mut extract);
        for (index, (path, len)) in PATHS.iter().enumerate() {
            let found = out.join(path);
            if path.ends_with('/') {
                assert!(found.is_dir(), "{path}");
            } else {
                assert!(fs::read(&found).unwrap() == content(*len, index), "{path}");
            }
        }
    }
}
