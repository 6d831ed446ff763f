//! Media that firmware starts with Secure Boot on, and media that it refuses.
//!
//! Nobody may give away Microsoft's boot managers. Debian's shim is signed by Microsoft as well, so
//! firmware that trusts Microsoft's keys starts it; it then starts Debian's GRUB, which it finds
//! beside itself.

use std::path::{Path, PathBuf};

use disk_image::boot_code::standin;
use wim_image::Architecture;

use crate::command::{Bench, create};
use crate::fixtures::{EFISYS, EFISYS_NOPROMPT, LOADER, changed_sample, efisys, installed};
use crate::qemu::{Boot, Qemu, REFUSED, UEFI_LIMIT, firmware};

const KINDS: [&str; 3] = ["usb", "cd-dvd", "hybrid"];

/// GRUB is locked down when it finds Secure Boot on.
const GRUB_CFG: &str = "echo \"capmedia test: GRUB started, lockdown=$lockdown.\"\nhalt\n";
const GRUB_STARTED: &str = "capmedia test: GRUB started, lockdown=y.";

fn shim() -> Vec<u8> {
    installed("/usr/lib/shim/shimx64.efi.signed", "shim-signed")
}

fn grub() -> Vec<u8> {
    let path = "/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed";
    installed(path, "grub-efi-amd64-signed")
}

/// A folder with GRUB, and a boot image whose boot manager is `loader`; `efisys.bin` has it too, and
/// GRUB beside it.
fn bench(loader: &[u8]) -> Bench {
    let bench = Bench::new();
    let grub = grub();
    let cfg = GRUB_CFG.as_bytes();
    let efisys = efisys(&[("BOOTX64.EFI", loader), ("grubx64.efi", &grub), ("grub.cfg", cfg)]);
    let changes = [(LOADER, Some(loader)), (EFISYS, Some(&efisys)), (EFISYS_NOPROMPT, None)];
    bench.put("boot.wim", changed_sample(Architecture::Amd64, &changes));
    bench.put("grubx64.efi", &grub);
    bench.put("grub.cfg", GRUB_CFG);
    bench
}

/// Makes media with GRUB beside the boot manager, and what GRUB is to do in its place.
fn make(bench: &Bench, kind: &str) -> PathBuf {
    let line = create(kind).replace("--image-size 40MiB ", "");
    let beside = "--add grubx64.efi=EFI/Boot/grubx64.efi --add grub.cfg=boot/grub/grub.cfg";
    let ended = bench.run(&format!("{line} {beside} --force"));
    assert_eq!(ended.code, Some(0), "{kind}: {}", ended.stderr);
    bench.path(if kind == "usb" { "out/capture.img" } else { "out/capture.iso" })
}

/// A PC with the medium, trusting the keys that most PCs are sold with.
fn pc(kind: &str, image: &Path) -> Qemu {
    let machine = Qemu::secure_boot(&firmware("VARS", ".ms"));
    match kind {
        "usb" => machine.with_usb_stick("qemu-xhci", image),
        _ => machine.with_usb_disc("qemu-xhci", image),
    }
}

fn told(kind: &str, boot: &Boot) {
    println!("{kind}: {} ms", boot.took.as_millis());
}

#[test]
#[ignore = "needs qemu-system-x86_64, OVMF, mtools, shim-signed and grub-efi-amd64-signed"]
fn media_with_a_boot_manager_signed_by_microsoft_starts() {
    let bench = bench(&shim());
    for kind in KINDS {
        let image = make(&bench, kind);
        let boot = pc(kind, &image).run_until_line(GRUB_STARTED, UEFI_LIMIT);
        told(kind, &boot);
    }
}

/// The same media, made in the same way, but for the boot manager.
#[test]
#[ignore = "needs qemu-system-x86_64, OVMF, mtools, shim-signed and grub-efi-amd64-signed"]
fn media_with_an_unsigned_boot_manager_is_refused() {
    let bench = bench(standin::BOOTX64);
    for kind in KINDS {
        let image = make(&bench, kind);
        let boot = pc(kind, &image).run_until_line(REFUSED, UEFI_LIMIT);
        assert!(!boot.serial.contains("capmedia"), "{kind}: {}", boot.serial);
        told(kind, &boot);
    }
}
