//! Media of a boot image in LZX starts under both kinds of firmware.

use std::fs;

use disk_image::boot_code::standin::boot_wim_line;

use crate::command::create;
use crate::qemu::{ALL_WELL, BIOS_LIMIT, Boot, Firmware, Medium, Qemu, UEFI_LIMIT};
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

/// What each firmware's boot manager tells when all of it, and all of the boot image, was read from
/// where it must be.
fn told(winpe: &WinPe, firmware: Firmware) -> Vec<String> {
    let boot_image = fs::read(winpe.bench.path("boot.wim")).unwrap();
    let told = match firmware {
        Firmware::Bios => vec!["BOOTMGR started CS=2000".to_owned(), "sum ok\r\n".to_owned()],
        Firmware::Uefi => vec![
            "x64 EFI program started\r\n".to_owned(),
            boot_wim_line(&boot_image[..]).expect("a boot image"),
        ],
    };
    told.into_iter().collect()
}

#[test]
#[ignore = "needs wimlib-imagex, qemu-system-x86_64 and OVMF"]
fn a_hybrid_boots_four_ways() {
    let winpe = WinPe::new();
    winpe.make_stock();
    winpe.capture("LZX:20");
    assert_eq!(winpe.bench.run(create("hybrid")).code, Some(0));
    let image = winpe.bench.path("out/capture.iso");
    for firmware in Firmware::ALL {
        for medium in Medium::ALL {
            let boot = Qemu::with_only(firmware, medium, &image).run(firmware.limit());
            let told = told(&winpe, firmware);
            let told: Vec<&str> = told.iter().map(String::as_str).collect();
            assert_well(&format!("{firmware:?}, {medium:?}"), &boot, &told);
        }
    }
}

#[test]
#[ignore = "needs wimlib-imagex, qemu-system-x86_64 and OVMF"]
fn a_disc_of_a_stock_boot_image_boots_by_our_own_programs() {
    let winpe = WinPe::new();
    winpe.make_stock();
    winpe.capture("LZX:20");
    for file_system in ["bridge", "iso"] {
        let line = format!("{} --file-system {file_system} --force", create("cd-dvd"));
        assert_eq!(winpe.bench.run(&line).code, Some(0));
        let image = winpe.bench.path("out/capture.iso");
        for firmware in Firmware::ALL {
            let boot = Qemu::with_only(firmware, Medium::Disc, &image).run(firmware.limit());
            let told = told(&winpe, firmware);
            let told: Vec<&str> = told.iter().map(String::as_str).collect();
            assert_well(&format!("{firmware:?}, {file_system}"), &boot, &told);
        }
    }
}
