//! Boot managers of two generations, on PCs that trust one of them alone.

use disk_image::boot_code::standin::{BOOTX64, boot_wim_line};
use wim_image::Architecture;

use crate::command::{Bench, create};
use crate::fixtures::{EFISYS, EFISYS_NOPROMPT, LOADER, changed_sample, efisys};
use crate::qemu::{ALL_WELL, Qemu, REFUSED, UEFI_LIMIT};
use crate::trust::Authority;

/// A boot image that has both sets, each with a boot manager that says that it runs.
fn boot_image(classic: &[u8], ex: &[u8]) -> Vec<u8> {
    let efisys = [classic, ex].map(|loader| efisys(&[("BOOTX64.EFI", loader)]));
    let font = b"capmedia sample: in place of a font\r\n";
    changed_sample(
        Architecture::Amd64,
        &[
            (LOADER, Some(classic)),
            (EFISYS, Some(&efisys[0])),
            (EFISYS_NOPROMPT, None),
            (r"Windows\Boot\EFI_EX\bootmgfw_EX.efi", Some(ex)),
            (r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin", Some(&efisys[1])),
            (r"Windows\Boot\Fonts_EX\segmono_boot_EX.ttf", Some(font)),
        ],
    )
}

#[test]
#[ignore = "needs qemu-system-x86_64, OVMF, mtools, openssl and osslsigncode"]
fn media_starts_where_its_generation_is_trusted_and_nowhere_else() {
    let years = ["2011", "2023"];
    let authorities = [
        Authority::new("Microsoft Windows Production PCA 2011"),
        Authority::new("Windows UEFI CA 2023"),
    ];
    let pcs = authorities.each_ref().map(Authority::variables);
    let [classic, ex] = authorities.each_ref().map(|authority| authority.sign(BOOTX64));
    let boot_image = boot_image(&classic, &ex);
    let whole = boot_wim_line(&boot_image[..]).unwrap();
    let bench = Bench::new();
    bench.put("boot.wim", &boot_image);
    for kind in ["usb", "cd-dvd"] {
        for (made_for, year) in years.into_iter().enumerate() {
            let line = create(kind).replace("--image-size 40MiB ", "");
            let ended = bench.run(&format!("{line} --boot-manager {year} --force"));
            assert_eq!(ended.code, Some(0), "{kind}, {year}: {}", ended.stderr);
            for (trusted, variables) in pcs.iter().enumerate() {
                let name = format!("{kind} for {year}, PC of {}", years[trusted]);
                let machine = Qemu::secure_boot(variables);
                let machine = match kind {
                    "usb" => machine.with_usb_stick("qemu-xhci", &bench.path("out/capture.img")),
                    _ => machine.with_usb_disc("qemu-xhci", &bench.path("out/capture.iso")),
                };
                let boot = if trusted == made_for {
                    let boot = machine.run(UEFI_LIMIT);
                    // From a disc it sees the FAT image alone.
                    let told = if kind == "usb" { &whole } else { "x64 EFI program started" };
                    assert!(boot.serial.contains(told), "{name}: {}", boot.serial);
                    assert_eq!(boot.code, Some(ALL_WELL), "{name}: {}", boot.serial);
                    boot
                } else {
                    let boot = machine.run_until_line(REFUSED, UEFI_LIMIT);
                    assert!(!boot.serial.contains("capmedia"), "{name}: {}", boot.serial);
                    boot
                };
                println!("{name}: {} ms", boot.took.as_millis());
            }
        }
    }
}

/// Where the boot image has no program for discs, UEFI starts a volume of ours.
#[test]
#[ignore = "needs qemu-system-x86_64, OVMF, openssl and osslsigncode"]
fn a_disc_that_starts_by_our_own_volume_starts_with_secure_boot_on() {
    let authority = Authority::new("Microsoft Windows Production PCA 2011");
    let loader = authority.sign(BOOTX64);
    let changes = [(LOADER, Some(&loader[..])), (EFISYS, None), (EFISYS_NOPROMPT, None)];
    let boot_image = changed_sample(Architecture::Amd64, &changes);
    let bench = Bench::new();
    bench.put("boot.wim", &boot_image);
    let ended = bench.run(&format!("{} --boot-manager 2011", create("cd-dvd")));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let machine = Qemu::secure_boot(&authority.variables());
    let machine = machine.with_usb_disc("qemu-xhci", &bench.path("out/capture.iso"));
    let boot = machine.run_until_line(&boot_wim_line(&boot_image[..]).unwrap(), UEFI_LIMIT);
    println!("our own volume: {} ms", boot.took.as_millis());
}
