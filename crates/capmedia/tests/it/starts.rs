//! What firmware starts from a disc: the boot image's own programs, or ours where it has none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use capmedia::{Blame, verify};
use disk_image::boot_code::EL_TORITO;
use fat32_image::check::Volume;
use iso9660_image::check::Image;
use iso9660_image::{Platform, TreeKind};
use wim_image::Architecture;

use crate::support::{
    Parts, Workshop, assert_sound, disc_files, make, noise, read, small_parts, told, wim,
};

const EFISYS: &str = r"Windows\Boot\DVD\EFI\en-US\efisys.bin";
const NOPROMPT: &str = r"Windows\Boot\DVD\EFI\en-US\efisys_noprompt.bin";
const ETFSBOOT: &str = r"Windows\Boot\DVD\PCAT\etfsboot.com";

/// A boot image like those of the Windows ADK: nothing that discs start by.
fn stock() -> Parts {
    let mut parts = small_parts(Architecture::Amd64);
    parts.remove(EFISYS);
    parts.remove(ETFSBOOT);
    parts.insert(r"Windows\System32\padding.bin".into(), noise(200_000, 3));
    parts
}

fn workshop(parts: &Parts) -> Workshop {
    Workshop::with_boot_image(&wim(Some(Architecture::Amd64), parts))
}

fn lba(path: &Path, platform: Platform) -> (u64, u16) {
    let image = Image::open(File::open(path).unwrap()).unwrap();
    let entry = image.boot_entries().iter().find(|e| e.platform == Some(platform)).unwrap();
    (entry.lba.byte_offset(), entry.sector_count)
}

#[test]
fn a_stock_boot_image_starts_by_our_own_programs() {
    let workshop = workshop(&stock());
    let made = make(&workshop.request("cd-dvd")).unwrap();
    let path = workshop.path("out/capture.iso");
    assert_sound(&path);
    let warnings = made.summary.warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(warnings.iter().any(|w| w.contains("no etfsboot.com")), "{warnings:?}");
    assert!(warnings.iter().any(|w| w.contains("no efisys.bin")), "{warnings:?}");
    assert_eq!(made.summary.volumes[0].boots, ["BIOS", "UEFI"]);

    let bytes = fs::read(&path).unwrap();
    let (start, count) = lba(&path, Platform::Bios);
    let start = usize::try_from(start).unwrap();
    assert_eq!(bytes[start..start + EL_TORITO.len()], EL_TORITO[..]);
    assert_eq!(usize::from(count) * 512, EL_TORITO.len());

    // UEFI's volume holds all that UEFI reads, and the disc leads to the same bytes.
    let (start, count) = lba(&path, Platform::Efi);
    let sector = &bytes[usize::try_from(start).unwrap()..][..512];
    // Total sectors: 16 bits at 19, or 32 bits at 32.
    let short = u64::from(u16::from_le_bytes([sector[19], sector[20]]));
    let long = u64::from(u32::from_le_bytes(sector[32..36].try_into().unwrap()));
    let len = short.max(long) * 512;
    assert!(count == 0 || u64::from(count) * 512 == len, "{count} sectors of {len} bytes");
    let start = usize::try_from(start).unwrap();
    let mut volume = Volume::open(Cursor::new(&bytes[start..]), 0, len).unwrap();
    assert_eq!(volume.check().unwrap(), []);
    let entries = volume.walk().unwrap();
    let on_volume: BTreeMap<_, _> = entries
        .iter()
        .filter(|entry| !entry.is_folder())
        .map(|entry| (entry.path(), read(volume.open_file(entry))))
        .collect();
    let on_disc = disc_files(Cursor::new(&bytes), TreeKind::Udf);
    for path in ["sources/boot.wim", "boot/boot.sdi", "EFI/Boot/bootx64.efi", "bootmgr.efi"] {
        assert_eq!(on_volume.get(path), on_disc[path].as_ref(), "{path}");
    }
    assert!(on_volume.keys().all(|path| on_disc.contains_key(path)), "{:?}", on_volume.keys());
    assert!(!on_volume.contains_key("bootmgr"), "a BIOS reads it from the disc");
    let wim = &on_volume["sources/boot.wim"];
    let copies = bytes.windows(64).filter(|window| *window == &wim[1000..1064]).count();
    assert_eq!(copies, 1, "the boot image is there once");
}

#[test]
fn damage_to_what_starts_a_disc_and_is_in_no_file_is_seen() {
    let workshop = workshop(&stock());
    for kind in ["cd-dvd", "hybrid"] {
        let request = workshop.request(kind).with_force(true);
        make(&request).unwrap();
        let path = request.path[0].clone();
        let bytes = fs::read(&path).unwrap();
        let image = Image::open(Cursor::new(&bytes)).unwrap();
        let catalog = usize::try_from(image.boot_catalog().unwrap().byte_offset()).unwrap();
        let (bios, _) = lba(&path, Platform::Bios);
        let (efi, _) = lba(&path, Platform::Efi);
        let (bios, efi) = (usize::try_from(bios).unwrap(), usize::try_from(efi).unwrap());
        let fat = efi + 512 * usize::from(u16::from_le_bytes([bytes[efi + 14], bytes[efi + 15]]));
        let check = |at: usize, with: &[u8], says: &str| {
            let mut changed = bytes.clone();
            changed[at..at + with.len()].copy_from_slice(with);
            let found = verify(Cursor::new(changed), &mut ()).unwrap().faults;
            assert!(found.iter().any(|fault| fault.contains(says)), "{kind} {says}: {found:#?}");
        };
        check(bios + 3, &[1], "boot code, which is in no file");
        check(bios + 2047, &[0], "boot code, which is in no file");
        check(bios, &[0; 2048], "boot code, which is in no file");
        // The default entry is the BIOS's; UEFI's follows its section's header.
        check(catalog + 32, &[0], "nothing in it starts under BIOS");
        check(catalog + 38, &[3], "boot code, which is in no file");
        check(catalog + 96, &[0], "nothing in it starts under UEFI");
        if kind == "hybrid" {
            check(efi, &[0; 512], "no partition table with a FAT32 volume");
            check(fat, &[0; 4096], "as a stick: ");
            check(catalog + 96 + 8, &[17, 0], "what UEFI starts, at byte 34816: ");
            continue;
        }
        check(efi, &[0; 512], &format!("what UEFI starts, at byte {efi}: not a FAT16 or FAT32"));
        check(fat, &[0; 4096], &format!("UEFI's volume at byte {efi}: "));
        check(catalog + 96 + 6, &[7, 0], "boot catalog: gives UEFI 3584 bytes");
        let slot = bytes.windows(11).position(|at| at == b"BOOTX64 EFI").unwrap();
        check(slot + 28, &[0xFF], "511 on UEFI's volume");
        check(
            slot + 26,
            &[bytes[slot + 26] ^ 1],
            "disc and UEFI's volume do not lead to the same bytes",
        );
    }
}

#[test]
fn one_of_the_two_may_be_there() {
    for missing in [EFISYS, ETFSBOOT] {
        let mut parts = stock();
        let full = small_parts(Architecture::Amd64);
        let there = if missing == EFISYS { ETFSBOOT } else { EFISYS };
        parts.insert(there.into(), full[there].clone());
        let workshop = workshop(&parts);
        let made = make(&workshop.request("cd-dvd")).unwrap();
        assert_sound(&workshop.path("out/capture.iso"));
        let warning = made.summary.warnings[0].to_string();
        assert_eq!(made.summary.warnings.len(), 1);
        let name = missing.rsplit('\\').next().unwrap();
        assert!(warning.contains(name) && warning.contains("searched"), "{warning}");
    }
}

#[test]
fn arm64_has_a_volume_for_uefi_and_no_bios() {
    let mut parts = small_parts(Architecture::Arm64);
    parts.remove(EFISYS);
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Arm64), &parts));
    let made = make(&workshop.request("cd-dvd")).unwrap();
    assert_sound(&workshop.path("out/capture.iso"));
    assert_eq!(made.summary.volumes[0].boots, ["UEFI"]);
}

#[test]
fn our_bios_program_needs_iso_9660() {
    let workshop = workshop(&stock());
    let request = workshop.request("cd-dvd").with_file_system("udf-stub");
    let error = make(&request).unwrap_err();
    assert_eq!(error.blame(), Blame::Input);
    let text = told(&error);
    assert!(text.contains("etfsboot.com") && text.contains("--boot-files"), "{text}");
    assert!(workshop.out().is_empty());
}

#[test]
fn the_prompt_is_what_was_asked_for() {
    let efisys = small_parts(Architecture::Amd64)[EFISYS].clone();
    let silent = [&efisys[..], b"no prompt"].concat();
    let both = || {
        let mut parts = small_parts(Architecture::Amd64);
        parts.insert(NOPROMPT.into(), silent.clone());
        parts
    };
    let start = |parts: &Parts, prompt: Option<&str>| {
        let workshop = workshop(parts);
        let mut request = workshop.request("cd-dvd");
        if let Some(prompt) = prompt {
            request = request.with_boot_prompt(prompt);
        }
        let made = make(&request).map_err(|error| told(&error))?;
        let path = workshop.path("out/capture.iso");
        assert_sound(&path);
        let bytes = fs::read(&path).unwrap();
        let (start, _) = lba(&path, Platform::Efi);
        let at = usize::try_from(start).unwrap();
        let files = disc_files(Cursor::new(&bytes), TreeKind::Udf);
        let asks = files.contains_key("boot/bootfix.bin");
        Ok::<_, String>((bytes[at..].starts_with(&silent), asks, made.summary.warnings.len()))
    };
    assert_eq!(start(&both(), None), Ok((false, true, 0)));
    assert_eq!(start(&both(), Some("yes")), Ok((false, true, 0)));
    assert_eq!(start(&both(), Some("no")), Ok((true, false, 0)));
    // Only one that does not ask: better than none, and told.
    let mut only_silent = both();
    only_silent.remove(EFISYS);
    assert_eq!(start(&only_silent, None), Ok((true, true, 1)));
    // Only one that asks, where nobody is to be asked.
    let error = start(&small_parts(Architecture::Amd64), Some("no")).unwrap_err();
    assert!(error.contains("efisys_noprompt.bin") && error.contains("--boot-files"), "{error}");
}

#[test]
fn a_boot_program_that_is_no_fat_image_is_refused() {
    let mut parts = small_parts(Architecture::Amd64);
    parts.insert(EFISYS.into(), noise(4096, 9));
    let workshop = workshop(&parts);
    let error = make(&workshop.request("cd-dvd")).unwrap_err();
    assert_eq!(error.blame(), Blame::Input);
    let text = told(&error);
    for says in ["efisys.bin", "FAT", "--boot-files"] {
        assert!(text.contains(says), "{text}");
    }
    assert!(workshop.out().is_empty());
    make(&workshop.request("hybrid")).unwrap();
}
