//! The x64 EFI stand-in under OVMF.

use std::path::{Path, PathBuf};
use std::process::Command;

use disk_image::boot_code::standin::BOOTX64;

use crate::qemu::{ALL_WELL, FAULT, Qemu, UEFI_LIMIT};

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
    let cases: [(Option<&[u8]>, _, _); 3] = [
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
        println!("{told}: {} ms", boot.took.as_millis());
    }
}
