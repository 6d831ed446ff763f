//! Media for computers that are no x64 PC.

use std::path::PathBuf;

use disk_image::boot_code::standin::{BOOTX64, boot_wim_line};
use wim_image::Architecture;

use crate::command::{Bench, create};
use crate::fixtures::{BOOTFIX, EFISYS, EFISYS_NOPROMPT, ETFSBOOT, changed_sample};
use crate::qemu::{ALL_WELL, BIOS_LIMIT, Qemu, UEFI_LIMIT};

/// A sample without what discs start by, and what its UEFI stand-in says when it has read all of it:
/// our own programs start its discs.
fn bench(architecture: Architecture) -> (Bench, String) {
    let bench = Bench::new();
    let changes = [EFISYS, EFISYS_NOPROMPT, ETFSBOOT, BOOTFIX].map(|path| (path, None));
    let boot_image = changed_sample(architecture, &changes);
    bench.put("boot.wim", &boot_image);
    (bench, boot_wim_line(&boot_image[..]).unwrap())
}

fn make(bench: &Bench, kind: &str, options: &str) -> PathBuf {
    let line = create(kind).replace("--image-size 40MiB ", "");
    let ended = bench.run(&format!("{line} --force {options}"));
    assert_eq!(ended.code, Some(0), "{kind}: {}", ended.stderr);
    bench.path(if kind == "usb" { "out/capture.img" } else { "out/capture.iso" })
}

#[test]
#[ignore = "needs qemu-system-aarch64 and qemu-efi-aarch64"]
fn media_for_arm64_starts() {
    let (bench, line) = bench(Architecture::Arm64);
    for kind in ["usb", "cd-dvd", "hybrid"] {
        let image = make(&bench, kind, "");
        let machine = match kind {
            "usb" => Qemu::arm64().with_usb_stick("qemu-xhci", &image),
            "cd-dvd" => Qemu::arm64().with_scsi_disc(&image),
            _ => Qemu::arm64().with_usb_disc("qemu-xhci", &image),
        };
        let boot = machine.run_until_line(&line, UEFI_LIMIT);
        assert!(boot.serial.contains("arm64 EFI program started"), "{kind}: {}", boot.serial);
        println!("arm64, {kind}: {} ms", boot.took.as_millis());
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64 and ovmf-ia32"]
fn media_for_x86_starts() {
    let (bench, line) = bench(Architecture::X86);
    for kind in ["usb", "cd-dvd", "hybrid"] {
        let image = make(&bench, kind, "");
        let on = |machine: Qemu| match kind {
            "usb" => machine.with_usb_stick("qemu-xhci", &image),
            _ => machine.with_disc(&image),
        };
        let uefi = on(Qemu::uefi32()).run(UEFI_LIMIT);
        let bios = on(Qemu::bios()).run(BIOS_LIMIT);
        for (boot, told) in
            [(&uefi, ["x86 EFI program started", &line]), (&bios, ["BOOTMGR started", "sum ok"])]
        {
            for told in told {
                assert!(boot.serial.contains(told), "{kind}: no {told:?} in {}", boot.serial);
            }
            assert_eq!(boot.code, Some(ALL_WELL), "{kind}: {}", boot.serial);
            println!("x86, {kind}: {} ms", boot.took.as_millis());
        }
    }
}

/// What UEFI of 64 bits starts is not in such a boot image.
#[test]
#[ignore = "needs qemu-system-x86_64, OVMF and ovmf-ia32"]
fn media_of_an_x86_boot_image_starts_x64_computers() {
    let (bench, line) = bench(Architecture::X86);
    bench.put("loaders/bootx64.efi", BOOTX64);
    let image = make(&bench, "usb", "--target-arch x64 --boot-files loaders");
    for (machine, told) in [(Qemu::uefi(), "x64"), (Qemu::uefi32(), "x86")] {
        let boot = machine.with_usb_stick("qemu-xhci", &image).run(UEFI_LIMIT);
        for told in [&format!("{told} EFI program started"), &line] {
            assert!(boot.serial.contains(told), "no {told:?} in {}", boot.serial);
        }
        assert_eq!(boot.code, Some(ALL_WELL), "{}", boot.serial);
        println!("x86 boot image, {told} PC: {} ms", boot.took.as_millis());
    }
}
