//! Our boot code under SeaBIOS, into a stand-in that tells what it was given.

use std::path::Path;
use std::process::Command;

use disk_image::boot_code;
use disk_image::boot_code::standin::{BOOTMGR_LEN, ETFSBOOT, bootmgr};

use crate::image::Image;
use crate::qemu::{ALL_WELL, BIOS_LIMIT, FAULT, Qemu};
use crate::volume::{END, Volume, slot};

const BOOTMGR: &[u8; 11] = b"BOOTMGR    ";

/// Boots a machine and expects the stand-in to be content.
pub(crate) fn expect_boot(name: &str, machine: Qemu, drive: u8, hidden: u32) {
    let boot = machine.run(BIOS_LIMIT);
    let reads = match drive {
        0..0x80 => "a floppy",
        0x80..0xE0 => "the volume",
        0xE0.. => "the disc",
    };
    let expected = format!(
        "capmedia sample: BOOTMGR started CS=2000 SS=0000 SP=7C00 DS=0000 ES=0000 FS=0000 GS=0000 \
         DL={drive:02X} hidden={hidden:08X} BPB drive={drive:02X}, DL reads {reads}, entry ok, sum \
         ok\r\n"
    );
    assert_eq!(boot.serial, expected, "{name}");
    assert_eq!(boot.code, Some(ALL_WELL), "{name}");
    println!("{name}: {} ms", boot.took.as_millis());
}

fn expect_disk_boot(name: &str, volume: &Volume) {
    let image = Image::of(volume);
    expect_boot(name, Qemu::bios().with_disk(&image.path), 0x80, volume.hidden);
}

fn expect_message(image: &Path, message: &str) {
    Qemu::bios().with_disk(image).run_until_screen(message, BIOS_LIMIT);
}

/// A volume of 64 MiB with a BOOTMGR of the usual length, one cluster after the other.
pub(crate) fn usual(cluster_sectors: u32) -> Volume {
    let mut volume = Volume::new(64, cluster_sectors);
    volume.file(BOOTMGR, None, bootmgr(BOOTMGR_LEN).unwrap());
    volume
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn every_cluster_size() {
    for cluster_sectors in [1, 2, 4, 8, 16, 32, 64, 128] {
        let name = format!("clusters of {} bytes", cluster_sectors * 512);
        expect_disk_boot(&name, &usual(cluster_sectors));
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn fragments() {
    for cluster_sectors in [1, 8, 64] {
        let count = BOOTMGR_LEN.div_ceil(cluster_sectors as usize * 512) as u32;
        let backwards: Vec<u32> = (0..count).map(|n| 3 + 2 * (count - n)).collect();
        // Runs of 1, 2, 3... clusters with a gap of one.
        let mut next = 3;
        let runs: Vec<u32> = (1..)
            .flat_map(|len| {
                let run = next..next + len;
                next += len + 1;
                run
            })
            .take(count as usize)
            .collect();
        for (order, clusters) in [("backwards", backwards), ("in runs", runs)] {
            let mut volume = Volume::new(64, cluster_sectors);
            volume.file(BOOTMGR, Some(clusters), bootmgr(BOOTMGR_LEN).unwrap());
            expect_disk_boot(&format!("{order}, {cluster_sectors} sectors"), &volume);
        }
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn lengths() {
    // SeaBIOS tells 639 KiB of low memory: the largest that may be loaded is 511 KiB.
    for len in [896, 1024, 32_768, 65_536, 65_537, 511 * 1024 - 511, 511 * 1024] {
        let mut volume = Volume::new(64, 8);
        volume.file(BOOTMGR, None, bootmgr(len).unwrap());
        expect_disk_boot(&format!("BOOTMGR of {len} bytes"), &volume);
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn a_full_root_folder_in_many_clusters() {
    let mut volume = Volume::new(64, 1);
    volume.root = vec![5000, 900, 901, 4000, 2];
    // Behind a label, a folder, a deleted file and a long name, all called BOOTMGR, and 75 others.
    volume.slots.push(slot(BOOTMGR, 0x08, 0, 0));
    volume.slots.push(slot(BOOTMGR, 0x10, 800, 0));
    volume.slots.push(slot(b"\xE5OOTMGR    ", 0x20, 801, 1000));
    volume.slots.push(slot(BOOTMGR, 0x0F, 802, 1000));
    for number in 0..75 {
        let name = format!("FILE{number:04}TXT");
        volume.slots.push(slot(name.as_bytes().first_chunk().unwrap(), 0x20, 803, 1));
    }
    volume.file(BOOTMGR, Some((1000..1809).collect()), bootmgr(BOOTMGR_LEN).unwrap());
    assert_eq!(volume.slots.len(), 5 * 16);
    expect_disk_boot("last slot of a full root folder", &volume);
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn other_tables() {
    let mut volume = usual(8);
    volume.ext_flags = 0x81;
    expect_disk_boot("only the second FAT is kept", &volume);

    let mut volume = usual(8);
    volume.fats = 1;
    volume.hidden = 8192;
    // Read-only, hidden, system and archive do not matter.
    volume.slots[0][11] = 0x27;
    expect_disk_boot("one FAT, partition at 4 MiB", &volume);

    let mut volume = usual(8);
    volume.hidden = 0;
    let image = Image::empty();
    volume.write(&image.path);
    expect_boot("no partition table", Qemu::bios().with_disk(&image.path), 0x80, 0);
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn usb_sticks() {
    let image = Image::of(&usual(8));
    for controller in ["qemu-xhci", "usb-ehci"] {
        let machine = Qemu::bios().with_usb_stick(controller, &image.path);
        expect_boot(controller, machine, 0x80, 2048);
    }
}

/// SeaBIOS has no extensions for floppies, so both records must work by cylinder, head and sector.
#[test]
#[ignore = "needs qemu-system-x86_64"]
fn without_int_13h_extensions() {
    let mut volume = Volume::new(1, 1);
    volume.hidden = 37;
    volume.sectors = 5760 - 37;
    let backwards = (0..809).map(|n| 3 + 2 * (809 - n)).collect();
    volume.file(BOOTMGR, Some(backwards), bootmgr(BOOTMGR_LEN).unwrap());
    let image = Image::of(&volume);
    assert_eq!(std::fs::metadata(&image.path).unwrap().len(), 2880 * 1024);
    expect_boot("floppy", Qemu::bios().with_floppy(&image.path), 0x00, 37);
}

/// Sectors that the master boot record, stage 1 and stage 2 read: five tries each.
#[test]
#[ignore = "needs qemu-system-x86_64"]
fn failing_reads_are_tried_again() {
    let volume = usual(8);
    let image = Image::of(&volume);
    let root = volume.hidden + volume.data_sector();
    for sector in [volume.hidden, volume.hidden + 2, root, root + 8] {
        let machine = Qemu::bios().with_failing_disk(&image.path, sector, 4);
        expect_boot(&format!("sector {sector} fails four times"), machine, 0x80, volume.hidden);
        let machine = Qemu::bios().with_failing_disk(&image.path, sector, 5);
        machine.run_until_screen("Disk read error", BIOS_LIMIT);
    }
}

/// That the stand-in is content means something only if it can be discontent.
#[test]
#[ignore = "needs qemu-system-x86_64"]
fn a_sector_in_the_wrong_place_is_seen() {
    let mut bytes = bootmgr(BOOTMGR_LEN).unwrap();
    let (one, other) = bytes[100_864..].split_at_mut(512);
    one.swap_with_slice(&mut other[..512]);
    let mut volume = Volume::new(64, 8);
    volume.file(BOOTMGR, None, bytes);
    let boot = Qemu::bios().with_disk(&Image::of(&volume).path).run(BIOS_LIMIT);
    assert!(boot.serial.ends_with(", entry ok, sum BAD\r\n"), "{}", boot.serial);
    assert_eq!(boot.code, Some(FAULT));
}

/// On a disc made by xorriso, whole and with only the first half loaded.
#[test]
#[ignore = "needs qemu-system-x86_64 and xorriso"]
fn the_el_torito_stand_in() {
    for (sectors, told, code) in [("8", "ok", ALL_WELL), ("4", "BAD", FAULT)] {
        let image = Image::empty();
        let tree = tempfile::tempdir().unwrap();
        std::fs::write(tree.path().join("boot.com"), ETFSBOOT).unwrap();
        let status = Command::new("xorriso")
            .args(["-report_about", "WARNING", "-as", "mkisofs", "-b", "boot.com", "-no-emul-boot"])
            .args(["-boot-load-size", sectors, "-o"])
            .args([&image.path, tree.path()])
            .status();
        assert!(status.expect("xorriso starts (Debian package xorriso)").success());
        let boot = Qemu::bios().with_disc(&image.path).run(BIOS_LIMIT);
        let line = "capmedia sample: El Torito BIOS boot program started, drive=";
        let drive = boot.serial.strip_prefix(line).expect("the program's line");
        assert_eq!(&drive[2..], format!(" 4096 bytes {told}\r\n"));
        assert_eq!(boot.code, Some(code));
        println!("disc: {} ms", boot.took.as_millis());
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn messages_of_the_master_boot_record() {
    let disk = || Image::of(&usual(8));
    let none = disk();
    none.patch(446, &[0]);
    expect_message(&none.path, "No active partition");

    let two = disk();
    two.patch(446 + 48, &[0x80]);
    expect_message(&two.path, "More than one active partition");

    let flag = disk();
    flag.patch(446 + 16, &[0x01]);
    expect_message(&flag.path, "Invalid partition table");

    // An active entry at sector 0 would start the record itself for ever.
    let itself = disk();
    itself.patch(454, &[0; 4]);
    expect_message(&itself.path, "Invalid partition table");

    let beyond = disk();
    beyond.patch(454, &0x00FF_0000_u32.to_le_bytes());
    expect_message(&beyond.path, "Disk read error");

    let unmarked = disk();
    unmarked.patch((1 << 20) + 510, &[0, 0]);
    expect_message(&unmarked.path, "Active partition is not bootable");
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn messages_of_the_boot_record() {
    const DAMAGED: &str = "The file system of the boot drive is damaged";
    let expect = |volume: &Volume, message: &str| expect_message(&Image::of(volume).path, message);

    let mut volume = usual(8);
    volume.slots[0] = slot(b"BOOTMGR EFI", 0x20, 3, 1000);
    expect(&volume, "BOOTMGR is missing");

    // Nothing counts behind the slot that ends the folder.
    let mut volume = usual(8);
    volume.slots.insert(0, [0; 32]);
    expect(&volume, "BOOTMGR is missing");

    // A root folder without end, and one in a ring.
    let full: Vec<_> = (0..128).map(|_| slot(b"FILE    TXT", 0x20, 3, 1)).collect();
    let mut volume = usual(8);
    volume.slots = full.clone();
    expect(&volume, "BOOTMGR is missing");
    volume.entries.push((2, 2));
    expect(&volume, "BOOTMGR is missing");

    let mut volume = Volume::new(64, 8);
    volume.file(BOOTMGR, None, bootmgr(511 * 1024 + 1).unwrap());
    expect(&volume, "BOOTMGR is too large for the memory of this computer");

    for entry in [END, 0, 1, 0x0FFF_FFF7, 0x00FF_FFFF] {
        let mut volume = usual(8);
        volume.entries.push((50, entry));
        expect(&volume, DAMAGED);
    }
    let mut volume = usual(8);
    volume.slots[0] = slot(BOOTMGR, 0x20, 0, 0);
    expect(&volume, DAMAGED);

    let mut volume = usual(8);
    volume.with_stage2 = false;
    expect(&volume, "Boot code in sectors 2-5 of the volume is missing");

    // BOOTMGR lies past the end of the disk, though not of the volume.
    let mut volume = usual(8);
    volume.slots[0] = slot(BOOTMGR, 0x20, 10_000, 1000);
    let image = Image::of(&volume);
    let file = std::fs::File::options().write(true).open(&image.path).unwrap();
    file.set_len(8 << 20).unwrap();
    expect_message(&image.path, "Disk read error");
}

/// The code is where the records' layout says, whatever the planner of the volume did.
#[test]
fn the_volumes_of_these_tests_hold_the_code() {
    let image = Image::of(&usual(8));
    let bytes = std::fs::read(&image.path).unwrap();
    assert_eq!(bytes[..440], boot_code::MBR[..]);
    let volume = &bytes[1 << 20..];
    assert_eq!(volume[0x5A..0x1FE], boot_code::FAT32_BOOT_RECORD[..]);
    assert_eq!(volume[1024..1536], boot_code::FAT32_STAGE2[0].1[..]);
}
