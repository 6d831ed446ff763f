//! The x64 EFI stand-in under OVMF.

use std::path::{Path, PathBuf};
use std::process::Command;

use disk_image::boot_code::EL_TORITO;
use disk_image::boot_code::standin::{BOOTMGR_LEN, BOOTX64, boot_wim_line, bootmgr};

use crate::qemu::{ALL_WELL, FAULT, Firmware, Medium, Qemu, UEFI_LIMIT};

fn succeed(command: &mut Command) {
    let output = command.output().expect("the tool is installed");
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A FAT16 volume without a partition table, made by other people's tools.
fn volume(folder: &Path, boot_wim: Option<&[u8]>) -> PathBuf {
    let image = folder.join("efi.img");
    let on = |name: &str| format!("::{name}");
    succeed(Command::new("mkfs.fat").args(["-C", "-F", "16"]).arg(&image).arg("65536"));
    for name in ["EFI", "EFI/BOOT", "sources"] {
        succeed(Command::new("mmd").arg("-i").arg(&image).arg(on(name)));
    }
    let put = |name: &str, bytes: &[u8]| {
        let file = folder.join("file");
        std::fs::write(&file, bytes).unwrap();
        succeed(Command::new("mcopy").arg("-i").arg(&image).arg(&file).arg(on(name)));
    };
    put("EFI/BOOT/BOOTX64.EFI", BOOTX64);
    if let Some(bytes) = boot_wim {
        put("sources/boot.wim", bytes);
    }
    image
}

#[test]
#[ignore = "needs qemu-system-x86_64, OVMF, mkfs.fat and mtools"]
fn the_efi_stand_in_looks_at_its_boot_wim() {
    // Several pieces of 1 MiB and a rest.
    let long: Vec<u8> = (0..2_500_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let long = [b"MSWIM\0\0\0".as_slice(), &long].concat();
    let cases: [(Option<&[u8]>, _, _); 4] = [
        (Some(&long), "boot.wim on my device begins with MSWIM", ALL_WELL),
        (Some(b"MSWIM\0\0\0and more"), "boot.wim on my device begins with MSWIM", ALL_WELL),
        (Some(b"MSWIM"), "boot.wim on my device is no WIM", FAULT),
        (None, "no boot.wim on my device", ALL_WELL),
    ];
    for (boot_wim, told, code) in cases {
        let folder = tempfile::tempdir().unwrap();
        let image = volume(folder.path(), boot_wim);
        let boot = Qemu::uefi().with_disk(&image).run(UEFI_LIMIT);
        assert_eq!(boot.code, Some(code), "{}", boot.serial);
        assert!(boot.serial.contains("capmedia sample: x64 EFI program started\r\n"));
        assert!(boot.serial.contains(&format!("capmedia sample: {told}\r\n")), "{}", boot.serial);
        if let (Some(bytes), ALL_WELL) = (boot_wim, code) {
            let line = boot_wim_line(bytes).unwrap();
            assert!(boot.serial.contains(&line), "no {line:?} in {}", boot.serial);
        }
        println!("{told}: {} ms", boot.took.as_millis());
    }
}

/// Our program for a BIOS, a volume with all that UEFI needs beside it.
#[test]
#[ignore = "needs qemu-system-x86_64, OVMF, xorriso, mkfs.fat and mtools"]
fn one_disc_for_both_firmwares() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let boot_wim = [b"MSWIM\0\0\0".as_slice(), &[7; 3 << 20]].concat();
    std::fs::rename(volume(folder.path(), Some(&boot_wim)), tree.join("efi.img")).unwrap();
    std::fs::write(tree.join("program.com"), EL_TORITO).unwrap();
    std::fs::write(tree.join("bootmgr"), bootmgr(BOOTMGR_LEN).unwrap()).unwrap();
    let disc = folder.path().join("disc.iso");
    let bios = ["-b", "program.com", "-no-emul-boot", "-boot-load-size", "4"];
    // A count of 1: to the end of the disc.
    let uefi = ["-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", "-boot-load-size", "1"];
    let mut xorriso = Command::new("xorriso");
    xorriso.args(["-as", "mkisofs"]).args(bios).args(uefi).arg("-o");
    succeed(xorriso.args([&disc, &tree]));

    for firmware in Firmware::ALL {
        let line = match firmware {
            Firmware::Bios => ", DL reads the disc, entry ok, sum ok".to_owned(),
            Firmware::Uefi => boot_wim_line(&boot_wim[..]).unwrap(),
        };
        let machine = Qemu::with_only(firmware, Medium::Disc, &disc);
        let boot = machine.run_until_line(&line, firmware.limit());
        println!("{firmware:?}: {} ms", boot.took.as_millis());
    }
}
