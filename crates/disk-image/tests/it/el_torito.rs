//! Our El Torito program under SeaBIOS, on discs put together by hand and by other people's tools.

use std::path::Path;
use std::process::Command;

use disk_image::boot_code::EL_TORITO;
use disk_image::boot_code::standin::{BOOTMGR_LEN, bootmgr};

use crate::boot::{expect_boot, usual};
use crate::disc::{ASSOCIATED, BOOT, Disc, FILE, FOLDER, MORE_EXTENTS, PROGRAM, ROOT, record};
use crate::image::Image;
use crate::qemu::{BIOS_LIMIT, Qemu};

/// The number SeaBIOS gives the disc it starts from.
const DRIVE: u8 = 0xE0;
const PROMPT: &str = "Press any key to start from this disc";

fn standin() -> Vec<u8> {
    bootmgr(BOOTMGR_LEN).unwrap()
}

fn expect_disc_boot(name: &str, disc: &Disc) {
    expect_boot(name, Qemu::bios().with_disc(&disc.image().path), DRIVE, 0);
}

fn expect_message(disc: &Disc, message: &str) {
    Qemu::bios().with_disc(&disc.image().path).run_until_screen(message, BIOS_LIMIT);
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn names_of_the_file() {
    for name in ["BOOTMGR", "BOOTMGR.", "BOOTMGR;1", "BOOTMGR.;1", "bootMgr.;32767"] {
        expect_disc_boot(name, &Disc::with_file(name, standin()));
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn lengths_of_the_file() {
    // SeaBIOS tells 639 KiB of low memory; of the 511 KiB behind 128 KiB, 510 are whole sectors.
    for len in [896, 2048, 2049, 32_768, 65_537, 510 * 1024] {
        let disc = Disc::with_file("BOOTMGR.;1", bootmgr(len).unwrap());
        expect_disc_boot(&format!("BOOTMGR of {len} bytes"), &disc);
    }
    let disc = Disc::with_file("BOOTMGR.;1", bootmgr(510 * 1024 + 1).unwrap());
    expect_message(&disc, "BOOTMGR is too large for the memory of this computer");
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn the_last_record_of_a_root_folder_of_three_sectors() {
    let mut disc = Disc::new();
    disc.primary = 18;
    // Others of nearly the same name, none of which is the file.
    for (name, flags) in [
        ("BOOTMG.;1", 0),
        ("BOOTMGR", FOLDER),
        ("BOOTMGR.;1", ASSOCIATED),
        ("BOOTMGR.EFI;1", 0),
        ("BOOTMGR0.;1", 0),
        ("BOOTNGR.;1", 0),
        ("BOOT", 0),
    ] {
        disc.root.push(record(name.as_bytes(), BOOT, 100, flags));
    }
    let first = 2048 - 2 * 34 - disc.root.iter().map(Vec::len).sum::<usize>();
    // The first sector is full to its last byte, the others have a rest.
    disc.root.push(record(&vec![b'C'; first % 64 + 64 - 33], BOOT, 1, 0));
    let others = first / 64 - 1 + 2 * 31;
    for number in 0..others {
        let name = format!("D{number:028}.;1");
        disc.root.push(record(&name.as_bytes()[..31], BOOT, 1, 0));
    }
    disc.file("BOOTMGR.;1", standin());
    assert_eq!(disc.root_sectors(), 3);
    let image = disc.image();
    let bytes = std::fs::read(&image.path).unwrap();
    assert_ne!(bytes[(ROOT as usize + 1) * 2048 - 4..][..4], [0; 4]);
    expect_disc_boot("last of three sectors", &disc);
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn a_file_behind_an_attribute_record() {
    let mut disc = Disc::new();
    let mut behind = record(b"BOOTMGR.;1", FILE - 2, BOOTMGR_LEN, 0x01);
    behind[1] = 2;
    disc.root.push(behind);
    disc.files.push((FILE, standin()));
    expect_disc_boot("attribute record", &disc);
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn drives_of_other_kinds() {
    let image = Disc::with_file("BOOTMGR.;1", standin()).image();
    expect_boot("AHCI", Qemu::bios().with_ahci_disc(&image.path), DRIVE, 0);
    for controller in ["qemu-xhci", "usb-ehci"] {
        expect_boot(controller, Qemu::bios().with_usb_disc(controller, &image.path), DRIVE, 0);
    }
}

/// Sectors of the descriptor, the root folder, the first and the last of the file: five tries each.
#[test]
#[ignore = "needs qemu-system-x86_64"]
fn failing_reads_are_tried_again() {
    let image = Disc::with_file("BOOTMGR.;1", standin()).image();
    // SeaBIOS itself reads sector 16 once, for the label in its menu. In the file, the sector told is
    // the first of the request.
    let cases = [(16, 1, 16), (ROOT, 0, ROOT), (FILE, 0, FILE), (FILE + 202, 0, FILE + 192)];
    for (sector, before, told) in cases {
        let machine = Qemu::bios().with_failing_disc(&image.path, sector, before + 4);
        expect_boot(&format!("sector {sector} fails four times"), machine, DRIVE, 0);
        let machine = Qemu::bios().with_failing_disc(&image.path, sector, before + 5);
        let screen = machine.run_until_screen(&format!(", sector {told:08X}"), BIOS_LIMIT);
        assert!(screen.contains("Disc read error, status "), "{screen}");
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn messages() {
    const DAMAGED: &str = "The file system of the boot disc is damaged";
    const NO_VOLUME: &str = "No ISO 9660 volume on the boot disc";
    let usual = || Disc::with_file("BOOTMGR.;1", standin());
    let expect_patched = |at: u64, bytes: &[u8], message: &str| {
        let image = usual().image();
        image.patch(at, bytes);
        Qemu::bios().with_disc(&image.path).run_until_screen(message, BIOS_LIMIT);
    };

    expect_message(&Disc::new(), "BOOTMGR is missing");
    let mut disc = usual();
    disc.root[0][25] = FOLDER;
    expect_message(&disc, "BOOTMGR is missing");

    let mut disc = usual();
    disc.root[0][25] = MORE_EXTENTS;
    expect_message(&disc, "BOOTMGR is not in one piece");
    let mut disc = usual();
    disc.root[0][26] = 1;
    expect_message(&disc, "BOOTMGR is not in one piece");

    expect_message(&Disc::with_file("BOOTMGR.;1", vec![]), "BOOTMGR is empty");
    let mut disc = Disc::new();
    disc.root.push(record(b"BOOTMGR.;1", FILE, u32::MAX as usize, 0));
    expect_message(&disc, "BOOTMGR is too large for the memory of this computer");

    // A record that ends in its own name, and one that would end behind its sector.
    for (field, value) in [(0, 42), (0, 20), (0, 254), (32, 12), (32, 255)] {
        let mut disc = Disc::new();
        disc.root = (0..46).map(|_| record(b"A.;1", FILE, 1, 0)).collect();
        disc.file("BOOTMGR.;1", standin());
        disc.root.last_mut().unwrap()[field] = value;
        expect_message(&disc, DAMAGED);
    }

    let mut disc = usual();
    disc.block_len = 512;
    expect_message(&disc, "The blocks of the boot disc's volume are not of 2048 bytes");
    // Another mark, and no primary descriptor at all.
    expect_patched(16 * 2048 + 1, b"CD002", NO_VOLUME);
    expect_patched(16 * 2048, &[2], NO_VOLUME);

    expect_patched(
        u64::from(PROGRAM) * 2048 + 2044,
        &[0],
        "The firmware loaded only a part of the boot program",
    );

    // The file lies past the end of the disc.
    let mut disc = usual();
    disc.root[0] = record(b"BOOTMGR.;1", 0x0012_3456, BOOTMGR_LEN, 0);
    let image = disc.image();
    let machine = Qemu::bios().with_disc(&image.path);
    let screen = machine.run_until_screen(", sector 00123456", BIOS_LIMIT);
    assert!(screen.contains("Disc read error, status "), "{screen}");
}

fn disc_with_prompt() -> Disc {
    let mut disc = Disc::new();
    disc.root.push(record(b"BOOT", BOOT, 2048, FOLDER));
    disc.boot.push(record(b"BCD.;1", FILE, 1, 0));
    disc.boot.push(record(b"BOOTFIX.BIN;1", FILE, 1, 0));
    disc.file("BOOTMGR.;1", standin());
    disc
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn a_key_is_asked_for_when_bootfix_is_there() {
    let disc = disc_with_prompt().image();
    let mut waiting = Qemu::bios().with_disc(&disc.path).monitored();
    waiting.wait_for_screen(PROMPT, BIOS_LIMIT);
    waiting.press("spc");
    let boot = waiting.wait(BIOS_LIMIT);
    assert!(boot.serial.ends_with(", entry ok, sum ok\r\n"), "{}", boot.serial);

    // Not a file of the root folder, not a folder, and not something else in the folder.
    let mut others = disc_with_prompt();
    others.root.push(record(b"BOOTFIX.BIN;1", FILE, 1, 0));
    others.boot[1] = record(b"BOOTFIX.BIN", BOOT, 2048, FOLDER);
    others.boot.push(record(b"BOOTFIX.BIN0;1", FILE, 1, 0));
    expect_disc_boot("no BOOTFIX.BIN", &others);
}

#[test]
#[ignore = "needs qemu-system-x86_64"]
fn without_a_key_the_next_device_starts() {
    let disc = disc_with_prompt().image();
    let volume = usual(8);
    let disk = Image::of(&volume);
    let machine = Qemu::bios().with_ahci_disc(&disc.path).with_disk(&disk.path);
    expect_boot("next device", machine, 0x80, volume.hidden);
}

/// A disc made by another tool from a folder of our files.
fn made_by(tool: &mut Command) -> Image {
    let image = Image::empty();
    let tree = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(tree.path().join(name), bytes).unwrap();
    put("a program.com", EL_TORITO);
    put("bootmgr", &standin());
    put("bootmgr.efi", b"another");
    std::fs::create_dir_all(tree.path().join("boot/fonts")).unwrap();
    tool.args(["-b", "a program.com", "-no-emul-boot", "-boot-load-size", "4", "-o"]);
    let paths: [&Path; 2] = [&image.path, tree.path()];
    let output = tool.args(paths).output().expect("the tool is installed");
    assert!(output.status.success(), "{tool:?}: {}", String::from_utf8_lossy(&output.stderr));
    image
}

#[test]
#[ignore = "needs qemu-system-x86_64, xorriso and genisoimage"]
fn discs_of_other_tools() {
    let genisoimage: [&[&str]; 4] =
        [&[], &["-iso-level", "4"], &["-J", "-r", "-udf"], &["-boot-info-table"]];
    for options in genisoimage {
        let image = made_by(Command::new("genisoimage").arg("-quiet").args(options));
        let name = format!("genisoimage {options:?}");
        expect_boot(&name, Qemu::bios().with_disc(&image.path), DRIVE, 0);
    }
    for options in [&["-J", "-r"][..], &["-iso-level", "3", "-full-iso9660-filenames"]] {
        let image = made_by(Command::new("xorriso").args(["-as", "mkisofs"]).args(options));
        let name = format!("xorriso {options:?}");
        expect_boot(&name, Qemu::bios().with_disc(&image.path), DRIVE, 0);
    }
}
