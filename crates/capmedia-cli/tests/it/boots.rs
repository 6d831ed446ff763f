//! Media of a boot image in LZX starts under both kinds of firmware.

use crate::command::create;
use crate::qemu::{ALL_WELL, BIOS_LIMIT, Boot, Qemu, UEFI_LIMIT};
use crate::winpe::WinPe;

/// The machine must end content, after the stand-in has told all of `told`.
#[track_caller]
fn assert_well(name: &str, boot: &Boot, told: &[&str]) {
    for line in told {
        assert!(boot.serial.contains(line), "{name}: no {line:?} in {:?}", boot.serial);
    }
    assert_eq!(boot.code, Some(ALL_WELL), "{name}: {:?}", boot.serial);
    println!("{name}: {} ms", boot.took.as_millis());
}

#[test]
#[ignore = "needs wimlib-imagex, qemu-system-x86_64 and OVMF"]
fn a_disc_boots_under_bios_and_uefi() {
    let winpe = WinPe::new();
    winpe.capture("LZX:20");
    winpe.bench.succeed(create("cd-dvd"));
    let image = winpe.bench.path("out/capture.iso");
    let boot = Qemu::bios().with_disc(&image).run(BIOS_LIMIT);
    let told = ["capmedia sample: El Torito BIOS boot program started, drive="];
    assert_well("SeaBIOS, disc", &boot, &told);
    let boot = Qemu::uefi().with_disc(&image).run(UEFI_LIMIT);
    assert_well("OVMF, disc", &boot, &["capmedia sample: x64 EFI program started\r\n"]);
}

#[test]
#[ignore = "needs wimlib-imagex, qemu-system-x86_64 and OVMF"]
fn a_stick_boots_under_bios_and_uefi() {
    let winpe = WinPe::new();
    winpe.capture("LZX:20");
    winpe.bench.succeed(&create("usb").replace("--image-size 40MiB ", ""));
    let image = winpe.bench.path("out/capture.img");
    let told = ["capmedia sample: BOOTMGR started CS=2000", "entry ok, sum ok\r\n"];
    let boot = Qemu::bios().with_disk(&image).run(BIOS_LIMIT);
    assert_well("SeaBIOS, disk", &boot, &told);
    let boot = Qemu::bios().with_usb_stick("qemu-xhci", &image).run(BIOS_LIMIT);
    assert_well("SeaBIOS, stick", &boot, &told);
    let boot = Qemu::uefi().with_usb_stick("qemu-xhci", &image).run(UEFI_LIMIT);
    let told = [
        "capmedia sample: x64 EFI program started\r\n",
        "capmedia sample: boot.wim on my device begins with MSWIM\r\n",
    ];
    assert_well("OVMF, stick", &boot, &told);
}
