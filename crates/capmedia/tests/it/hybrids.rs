//! One image that is a disc and a stick.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use capmedia::{MediaPlan, verify};
use fat32_image::check::Volume;
use iso9660_image::check::Image;
use iso9660_image::{Platform, TreeKind};
use media_model::CaptureMediaRequest;
use wim_image::Architecture;

use crate::support::{
    Workshop, assert_same, assert_sound, disc_files, make, noise, pe, small_parts, stick_files, wim,
};

const MIB: u64 = 1 << 20;

/// Where each file begins in the image, as the stick's volume tells it.
fn places_on_stick(path: &Path) -> BTreeMap<String, u64> {
    let mut file = File::open(path).unwrap();
    let range = disk_image::read(&mut file).unwrap().partitions()[0].range();
    let mut volume = Volume::open(file, range.start, range.end - range.start).unwrap();
    let entries = volume.walk().unwrap();
    let files = entries.iter().filter(|entry| !entry.is_folder() && entry.size() > 0);
    files
        .map(|entry| (entry.path(), range.start + volume.extents(entry).unwrap()[0].start))
        .collect()
}

fn places_on_disc(path: &Path, tree: TreeKind) -> BTreeMap<String, u64> {
    let mut image = Image::open(File::open(path).unwrap()).unwrap();
    let entries: Vec<_> = image.walk(tree).unwrap().map(Result::unwrap).collect();
    let files = entries.iter().filter(|entry| !entry.is_dir() && entry.size() > 0);
    files.map(|entry| (entry.path().to_owned(), entry.lba().byte_offset())).collect()
}

fn hybrid(workshop: &Workshop) -> CaptureMediaRequest {
    workshop.put("tools/deep/er/a long name.txt", "text");
    workshop.put("tools/empty", "");
    workshop.put("tools/big.bin", noise(3 << 20, 1));
    workshop.request("hybrid").with_add(workshop.add("tools", "Tools"))
}

#[test]
fn disc_and_stick_hold_the_same_files_once() {
    let workshop = Workshop::new();
    let request = hybrid(&workshop);
    let made = make(&request).unwrap();
    let path = workshop.path("out/capture.iso");
    assert_sound(&path);
    let stick = stick_files(&mut File::open(&path).unwrap());
    for tree in [TreeKind::Udf, TreeKind::Joliet] {
        assert_same(&disc_files(File::open(&path).unwrap(), tree), &stick);
        assert_eq!(places_on_disc(&path, tree), places_on_stick(&path));
    }
    assert!(stick.contains_key("Tools/deep/er/a long name.txt"));
    assert!(stick.contains_key("boot/etfsboot.com"), "the BIOS starts the disc by it");
    assert!(!stick.contains_key("EFI/Microsoft/Boot/efisys.bin"), "UEFI has no use for it");

    let volume = &made.summary.volumes[0];
    assert_eq!(volume.boots, ["BIOS", "UEFI"]);
    assert_eq!(volume.file_system, "ISO 9660, Joliet, UDF 1.02 and FAT32");
    assert_eq!(volume.labels.last().unwrap().label, "CONFIGURATI");
    assert!(made.summary.warnings.is_empty(), "{:?}", made.summary.warnings);
    // What is not stored is not written.
    assert!(made.written_bytes < 16 * MIB, "{}", made.written_bytes);
}

#[test]
fn each_firmware_finds_its_start_both_ways() {
    let workshop = Workshop::new();
    make(&workshop.request("hybrid")).unwrap();
    let path = workshop.path("out/capture.iso");
    let image = Image::open(File::open(&path).unwrap()).unwrap();
    let entries: Vec<_> =
        image.boot_entries().iter().map(|e| (e.platform, e.lba.sector(), e.sector_count)).collect();
    let place = places_on_stick(&path)["boot/etfsboot.com"];
    let etfsboot = u32::try_from(place / 2048).unwrap();
    assert_eq!(entries[1], (Some(Platform::Efi), 512, 0), "the volume, to its end");
    assert_eq!((entries[0].0, entries[0].1), (Some(Platform::Bios), etfsboot));

    let disk = disk_image::read(&mut File::open(&path).unwrap()).unwrap();
    assert_eq!(disk.faults(), []);
    assert_eq!(disk.partitions().len(), 1);
    let partition = &disk.partitions()[0];
    assert!(partition.is_active() && partition.may_be_fat32());
    assert_eq!(partition.first_sector(), 2048);
}

#[test]
fn hardly_larger_than_the_disc() {
    let workshop = Workshop::new();
    let add = workshop.path("big.bin");
    File::create(&add).unwrap().set_len(300 * MIB).unwrap();
    let planned = |kind| {
        let request = workshop.request(kind).with_add(workshop.add("big.bin", "big.bin"));
        MediaPlan::new(&request.check().unwrap()).unwrap().plan().len()
    };
    let (disc, hybrid) = (planned("cd-dvd"), planned("hybrid"));
    assert!(hybrid > disc && hybrid <= disc + disc / 50, "{disc} and {hybrid}");
}

#[test]
fn arm64_starts_by_uefi_alone() {
    let mut parts = small_parts(Architecture::Arm64);
    parts.insert(r"Windows\Boot\EFI\bootmgfw.efi".into(), pe(Architecture::Arm64));
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Arm64), &parts));
    let made = make(&workshop.request("hybrid")).unwrap();
    assert_sound(&workshop.path("out/capture.iso"));
    assert_eq!(made.summary.volumes[0].boots, ["UEFI"]);
    let image = Image::open(File::open(workshop.path("out/capture.iso")).unwrap()).unwrap();
    assert_eq!(image.boot_entries().len(), 1);
    let mut sector = [0; 512];
    File::open(workshop.path("out/capture.iso")).unwrap().read_exact(&mut sector).unwrap();
    assert_eq!(sector[..440], [0; 440], "no boot code");
}

#[test]
fn damage_to_either_side_is_found() {
    let workshop = Workshop::new();
    make(&hybrid(&workshop)).unwrap();
    let path = workshop.path("out/capture.iso");
    let faults = |at: u64, with: &[u8]| {
        let mut file = File::options().read(true).write(true).open(&path).unwrap();
        let mut old = vec![0; with.len()];
        file.seek(SeekFrom::Start(at)).unwrap();
        file.read_exact(&mut old).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(with).unwrap();
        let found = verify(&file, &mut ()).unwrap().faults.join("\n");
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&old).unwrap();
        found
    };
    let mut file = File::open(&path).unwrap();
    let mut boot = [0; 512];
    file.seek(SeekFrom::Start(MIB)).unwrap();
    file.read_exact(&mut boot).unwrap();
    let fat = MIB + 512 * u64::from(u16::from_le_bytes([boot[14], boot[15]]));
    for (at, with, says) in [
        // Boot code of the master boot record.
        (10, &[0xAA, 0xBB][..], "boot code"),
        // The partition's type.
        (446 + 4, &[0x83], "no partition table with a FAT32 volume"),
        (510, &[0, 0], "no partition table with a FAT32 volume"),
        // A FAT entry of the first copy.
        (fat + 40, &[1, 2, 3, 0], "as a stick: "),
    ] {
        let found = faults(at, with);
        assert!(found.contains(says), "{at}: {found}");
    }
    assert_eq!(faults(0, &[]), "");

    // A file that only the stick leads elsewhere with.
    let place = places_on_stick(&path);
    let big = place["Tools/big.bin"];
    let bytes = fs::read(&path).unwrap();
    let start = usize::try_from(big).unwrap();
    assert_eq!(bytes[start..start + 64], noise(64, 1)[..]);
    let found = faults(big + 5, &[0]);
    assert!(found.contains("Tools/big.bin"), "{found}");
}

/// The ways in which stick and disc may differ while both are sound.
#[test]
fn where_stick_and_disc_differ_is_told() {
    let workshop = Workshop::new();
    workshop.put("tools/ONE.BIN", noise(5000, 1));
    workshop.put("tools/TWO.BIN", noise(5000, 2));
    make(&workshop.request("hybrid").with_add(workshop.add("tools", "Tools"))).unwrap();
    let bytes = fs::read(workshop.path("out/capture.iso")).unwrap();
    let slot = |name: &[u8; 11]| bytes.windows(11).position(|at| at == name).unwrap();
    let (one, two) = (slot(b"ONE     BIN"), slot(b"TWO     BIN"));
    let found = |change: &dyn Fn(&mut [u8])| {
        let mut changed = bytes.clone();
        change(&mut changed);
        let found = verify(Cursor::new(changed), &mut ()).unwrap();
        (found.faults, found.unlisted)
    };
    let faults = |change: &dyn Fn(&mut [u8])| found(change).0;
    assert_eq!(found(&|_| ()), (vec![], vec![]));
    let swapped = faults(&|image| {
        // Low half of the first cluster, at 26 of a slot.
        image.swap(one + 26, two + 26);
        image.swap(one + 27, two + 27);
    });
    assert_eq!(
        swapped,
        [
            "Tools/ONE.BIN: disc and the stick do not lead to the same bytes",
            "Tools/TWO.BIN: disc and the stick do not lead to the same bytes",
        ]
    );
    let shorter =
        faults(&|image| image[one + 28..one + 30].copy_from_slice(&4999u16.to_le_bytes()));
    assert_eq!(shorter, ["Tools/ONE.BIN: 5000 bytes on the disc, 4999 on the stick"]);
    let renamed = found(&|image| image[one..one + 3].copy_from_slice(b"UNO"));
    assert_eq!(renamed.0, ["Tools/ONE.BIN: on the disc, but not on the stick"]);
    // Whoever uses it as a stick may put files there.
    assert_eq!(renamed.1, ["Tools/UNO.BIN"]);
}

#[test]
fn an_image_cut_off_before_its_volume_says_so() {
    let workshop = Workshop::new();
    make(&workshop.request("hybrid")).unwrap();
    make(&workshop.request("usb")).unwrap();
    for (name, stick) in [("out/capture.iso", false), ("out/capture.img", true)] {
        let bytes = fs::read(workshop.path(name)).unwrap();
        for len in [40 << 10, 600_000, 1 << 20, (1 << 20) + 1, (1 << 20) + 600, 2 << 20] {
            let told = match verify(Cursor::new(&bytes[..len]), &mut ()) {
                Ok(found) => found.faults.join("\n"),
                Err(error) => {
                    assert!(!error.is_unread(), "{error:?}");
                    error.to_string()
                }
            };
            assert!(!told.is_empty() && !told.starts_with(':'), "{len}: {told}");
            assert!(!told.starts_with("failed to fill"), "{len}: {told}");
            let before = stick && len <= 1 << 20;
            assert!(!before || told.contains("it is cut off"), "{len}: {told}");
        }
    }
}

#[test]
fn hybrids_take_what_discs_take() {
    let workshop = Workshop::new();
    for file_system in ["iso", "bridge", "udf-stub"] {
        let request = workshop.request("hybrid").with_file_system(file_system).with_force(true);
        let made = make(&request).unwrap();
        assert_sound(&workshop.path("out/capture.iso"));
        let udf = file_system != "iso";
        assert_eq!(made.summary.volumes[0].file_system.contains("UDF"), udf);
    }
    let request = workshop.request("hybrid").with_image_size("1GB");
    let problems = request.check().unwrap_err();
    assert_eq!(problems[0].option(), "image-size");
    let request = workshop.request("hybrid").with_media_size("100MB").with_force(true);
    let error = make(&request).unwrap_err();
    assert!(crate::support::told(&error).contains("sectors"), "{error}");
}
