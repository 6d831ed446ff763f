//! `verify` and `inspect` on sticks that people use: formatted by others, pulled out, renamed, with
//! files of their owners.

use std::fs;
use std::io::Cursor;

use capmedia::{Inspection, Verification, inspect, verify};
use extent_image::{Data, Digest, Meta, NodeId, Timestamp, TreeBuilder};
use fat32_image::check::Volume;
use fat32_image::{FatType, VolumeOptions, VolumeSize};

use crate::support::{Workshop, make, read, small_wim};

/// Where the volume begins.
const START: usize = 1 << 20;

fn check(bytes: &[u8]) -> Verification {
    verify(Cursor::new(bytes), &mut ()).unwrap()
}

/// There are no faults, and one note that says all of this.
#[track_caller]
fn assert_noted(bytes: &[u8], says: &[&str]) {
    let found = check(bytes);
    assert_eq!(found.faults, [""; 0]);
    let is_it = |note: &&String| says.iter().all(|says| note.contains(says));
    let count = found.notes.iter().filter(is_it).count();
    assert_eq!(count, 1, "{says:?} in {:#?}", found.notes);
}

/// Our stick of a small boot image.
fn ours() -> Vec<u8> {
    let workshop = Workshop::with_boot_image(&small_wim());
    let request = workshop.request("usb");
    make(&request).unwrap();
    fs::read(&request.path[0]).unwrap()
}

/// Bytes of the volume's parts, in the image.
struct Places {
    info: usize,
    fat: usize,
    fat_len: usize,
}

impl Places {
    fn of(stick: &[u8]) -> Self {
        let boot = &stick[START..];
        let reserved = usize::from(u16::from_le_bytes([boot[14], boot[15]]));
        let fat_sectors = u32::from_le_bytes(boot[36..40].try_into().unwrap()) as usize;
        Self { info: START + 512, fat: START + reserved * 512, fat_len: fat_sectors * 512 }
    }

    /// Writes an entry of both FATs.
    fn put(&self, stick: &mut [u8], cluster: usize, value: u32) {
        for fat in [self.fat, self.fat + self.fat_len] {
            stick[fat + cluster * 4..][..4].copy_from_slice(&value.to_le_bytes());
        }
    }
}

/// What Windows and sfdisk make: a partition that is not active, no boot code; with these files, and
/// a digest of each in `SHA256SUMS`.
fn of_others(fat_type: FatType, files: &[(&str, &[u8])]) -> Vec<u8> {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    let mut sums = String::new();
    for (name, content) in files {
        tree.file(NodeId::ROOT, name, meta, Data::bytes("test", content.to_vec())).unwrap();
        sums.push_str(&format!("{}  {}\n", Digest::of(content), name.to_lowercase()));
    }
    tree.file(NodeId::ROOT, "sha256sums", meta, Data::bytes("test", sums)).unwrap();
    let options = VolumeOptions::new()
        .with_size(VolumeSize::Bytes(40 << 20))
        .with_fat_type(fat_type)
        .with_hidden_sectors(2048);
    let plan = fat32_image::plan(&tree.finish().unwrap(), &options).unwrap();
    let volume = read(plan.plan().reader());
    let mut stick = vec![0; START];
    stick[440..444].copy_from_slice(&[1, 2, 3, 4]);
    let sectors = u32::try_from(volume.len() / 512).unwrap();
    stick[446..458].copy_from_slice(&[0, 0, 0, 0, 0x0C, 0, 0, 0, 0, 8, 0, 0]);
    stick[458..462].copy_from_slice(&sectors.to_le_bytes());
    stick[510..512].copy_from_slice(&[0x55, 0xAA]);
    stick.extend(volume);
    stick
}

/// A description without boot code.
const DESCRIPTION: &[u8] = br#"{"format":1,"media":"capture","label":"x","set-id":"x","volume":1,
    "volumes":1,"architecture":"x64"}"#;

#[test]
fn whoever_formats_the_stick_need_not_make_it_start_under_a_bios() {
    let files = [("media.json", DESCRIPTION), ("bootmgr", b"1")];
    let mut stick = of_others(FatType::Fat32, &files);
    let says = ["a BIOS may not start it", "no partition is active", "holds no boot code"];
    assert_noted(&stick, &says);
    assert_eq!(check(&stick).compared, 2);
    // Hidden sectors as mkfs.fat leaves them, and a boot sector that somebody wrote to.
    for at in [START + 28, START + 6 * 512 + 28] {
        stick[at..at + 4].fill(0);
    }
    assert_noted(&stick, &["a BIOS may not start it", "0 hidden sectors"]);
    stick[START + 100] ^= 1;
    assert_noted(&stick, &["harms no file of the media", "backup of the boot sector"]);

    let workshop = Workshop::new();
    let Inspection::Disk(disk) = inspect(&workshop.put("stick", &stick)).unwrap() else { panic!() };
    assert_eq!((&*disk.file_system, &*disk.problems, disk.notes.len()), ("FAT32", &[][..], 2));

    // Ours says that a BIOS starts it.
    let mut stick = ours();
    stick[446] = 0;
    let faults = check(&stick).faults;
    assert_eq!(faults, ["partition table: no partition is active"]);
    stick[..440].fill(0);
    let faults = check(&stick).faults.join("\n");
    assert!(faults.contains("sector 0 holds no boot code"), "{faults}");
}

#[test]
fn names_on_fat_differ_by_more_than_case() {
    let files = [("MEDIA.JSON", DESCRIPTION), ("BootMgr", b"1"), ("own.txt", b"2")];
    let mut stick = of_others(FatType::Fat32, &files);
    let found = check(&stick);
    assert_eq!((found.faults, found.unlisted), (vec![], vec![]));
    assert!(found.manifest);
    assert_eq!(found.compared, 3);
    // Content still counts.
    let volume = (stick.len() - START) as u64;
    let mut volume = Volume::open(Cursor::new(&stick), START as u64, volume).unwrap();
    let entries = volume.walk().unwrap();
    let entry = entries.iter().find(|entry| entry.path() == "BootMgr").unwrap();
    let place = START + usize::try_from(volume.extents(entry).unwrap()[0].start).unwrap();
    stick[place] ^= 1;
    let faults = check(&stick).faults;
    assert!(matches!(&*faults, [fault] if fault.starts_with("bootmgr: has SHA-256")), "{faults:?}");
}

#[test]
fn a_fat16_volume_is_called_so() {
    let stick = of_others(FatType::Fat16, &[("media.json", DESCRIPTION)]);
    assert_eq!(check(&stick).kind, "disk with a FAT16 volume");
    let workshop = Workshop::new();
    let Inspection::Disk(disk) = inspect(&workshop.put("stick", stick)).unwrap() else { panic!() };
    assert_eq!(disk.file_system, "FAT16");
}

/// An image of a disc was written to the stick once; formatting leaves its descriptors.
#[test]
fn what_is_left_of_a_disc_does_not_make_one() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for kind in ["cd-dvd", "hybrid"] {
        make(&workshop.request(kind).with_force(true)).unwrap();
        let disc = fs::read(workshop.path("out/capture.iso")).unwrap();
        assert!(check(&disc).kind.starts_with("ISO 9660"), "{kind}");
        for mut stick in [ours(), of_others(FatType::Fat32, &[("some file", b"1")])] {
            stick[512..START].copy_from_slice(&disc[512..START]);
            let found = check(&stick);
            assert_eq!((&*found.kind, &*found.faults), ("disk with a FAT32 volume", &[][..]));
            let found = inspect(&workshop.put("stick", &stick)).unwrap();
            assert!(matches!(found, Inspection::Disk(_)));
        }
    }
}

#[test]
fn a_stick_that_was_pulled_out_is_not_damaged() {
    let stick = ours();
    let places = Places::of(&stick);
    let says = "was in use when the stick was pulled out";
    let noted = |change: &dyn Fn(&mut [u8]), more: &str| {
        let mut changed = stick.clone();
        change(&mut changed);
        assert_noted(&changed, &[says, more]);
    };
    noted(&|stick| stick[START + 0x41] = 1, "marked as in use");
    noted(&|stick| stick[places.fat + 7] &= 0xF7, "marked as in use");
    noted(&|stick| stick[places.info + 488] ^= 8, "free clusters");
    noted(&|stick| places.put(stick, 9000, 0x0FFF_FFFF), "belong to no file");
    // Clusters that differ between the FATs are another matter.
    let mut changed = stick.clone();
    changed[places.fat + 9000 * 4] = 1;
    assert!(!check(&changed).is_clean());
}

#[test]
fn what_others_do_to_a_stick_is_no_damage() {
    let stick = ours();
    // A label of its owner, in the root alone.
    let at = stick.windows(12).position(|slot| slot == b"CONFIGURATI\x08").unwrap();
    let mut renamed = stick.clone();
    renamed[at..at + 11].copy_from_slice(b"KINGSTON   ");
    assert_noted(&renamed, &["harms no file of the media", "KINGSTON"]);

    let files = [("media.json", DESCRIPTION), ("FSCK0000.REC", b"1")];
    let mut stick = of_others(FatType::Fat32, &files);
    let of = |stick: &[u8], name: &[u8; 11]| stick.windows(11).position(|at| at == name).unwrap();
    // No modification date. What is listed must be as we write it.
    let at = of(&stick, b"FSCK0000REC");
    stick[at + 24..at + 26].fill(0);
    let faults = check(&stick).faults;
    assert!(matches!(&*faults, [fault] if fault.contains("modification date")), "{faults:?}");
    // The manifest no longer lists it; so its own digest does not matter.
    let line = stick.windows(14).position(|at| at == b"  fsck0000.rec").unwrap();
    stick[line..line + 14].copy_from_slice(b"  fsck0001.rec");
    let found = check(&stick);
    assert_eq!(found.faults, ["fsck0001.rec: listed in SHA256SUMS but not there"]);
    assert_eq!(found.unlisted, ["FSCK0000.REC"]);
    assert!(found.notes.iter().any(|note| note.contains("modification date")), "{:?}", found.notes);
    // A name that is none.
    stick[at..at + 4].copy_from_slice(b"FS+K");
    let found = check(&stick);
    assert!(found.notes.iter().any(|note| note.contains("is no short name")), "{:?}", found.notes);
    assert_eq!(found.faults.len(), 1);
}

#[test]
fn an_update_that_was_cut_off_is_told_as_that() {
    let mut stick = ours();
    let places = Places::of(&stick);
    stick[places.info + 4..places.info + 20].copy_from_slice(b"being updated: 1");
    // The volume was closed since; what is left of the mark harms nothing.
    assert_noted(&stick, &["FSInfo"]);
    stick[START + 0x41] = 1;
    stick[places.info + 488] ^= 8;
    places.put(&mut stick, 9000, 0x0FFF_FFFF);
    assert_noted(&stick, &["an update of the media was cut off", "run create --no-format again"]);
    let notes = check(&stick).notes.join("\n");
    assert!(!notes.contains("pulled out"), "{notes}");

    // Written in one of two places: an entry that no name reaches, the label of the backup.
    let (copy, backup) = (places.fat + places.fat_len, START + 6 * 512);
    stick[copy + 9000 * 4..][..4].fill(0);
    stick[backup + 0x47] ^= 1;
    assert_noted(&stick, &["an update of the media was cut off", "run create --no-format again"]);
    // Damage beside it is none of the update's: the backup behind the label, clusters of files.
    let entries = &stick[places.fat..][..9000 * 4];
    let (entries, _) = entries.as_chunks::<4>();
    let used = entries.iter().skip(3).take_while(|entry| **entry != [0; 4]).count();
    assert!(used > 100);
    for (at, says) in [
        (backup + 0x1F0, "the backup of the boot sector differs"),
        (copy + 50 * 4, "FAT 2 differs"),
        (copy + (2 + used) * 4, "FAT 2 differs"),
    ] {
        let mut damaged = stick.clone();
        for byte in &mut damaged[at..at + 4] {
            *byte = if *byte == 0 { 1 } else { 0 };
        }
        let faults = check(&damaged).faults;
        assert!(matches!(&*faults, [fault] if fault.contains(says)), "{at}: {faults:?}");
    }
}

#[test]
fn a_partition_alone_is_told_as_that() {
    let stick = ours();
    let alone = &stick[START..];
    assert_noted(alone, &["begins at sector 2048", "a partition alone", "give the whole drive"]);
    let mut changed = alone.to_vec();
    changed[6 * 512 + 100] ^= 1;
    assert!(!check(&changed).is_clean());

    // The whole of a stick that has no table begins where it is.
    let workshop = Workshop::with_boot_image(&small_wim());
    let mut request = workshop.request("usb");
    request.partition_table = Some("none".to_owned());
    make(&request).unwrap();
    let mut whole = fs::read(&request.path[0]).unwrap();
    assert_eq!(check(&whole).notes, [""; 0]);
    for at in [28, 6 * 512 + 28] {
        whole[at] = 63;
    }
    let faults = check(&whole).faults;
    assert!(matches!(&*faults, [fault] if fault.contains("63 hidden sectors")), "{faults:?}");
}
