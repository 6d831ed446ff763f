//! What firmware starts from a disc, where that is in no file of it and so in no manifest: the BIOS's
//! program, and the FAT volume that is all UEFI sees.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};

use fat32_image::check as fat;
use iso9660_image::Platform;
use iso9660_image::check::FoundBootEntry;

use crate::boot::code;
use crate::error::chain;
use crate::medium::faults::Faults;
use crate::medium::hybrid::Inner;
use crate::medium::{File, Medium, MediumError, is_damage};
use crate::tree::manifest::{DESCRIPTION, Description};

/// Unit in which the boot catalog counts.
const BLOCK: u64 = 512;

/// The firmware that our media starts on, and no entry of the boot catalog is for. What starts is on
/// the first volume of a set.
pub(crate) fn missing_entries<R: Read + Seek>(
    disc: &Medium<R>,
    files: &[File],
    description: &Description,
) -> Vec<String> {
    let Medium::Disc(image) = disc else { return Vec::new() };
    let bios = (description.architecture != "arm64").then_some(Platform::Bios);
    // Of a boot image for x86 on x64 computers, a BIOS may be all that starts it.
    let loader = |file: &File| {
        let path = file.path.to_ascii_lowercase();
        path.starts_with("efi/boot/boot") && path.ends_with(".efi")
    };
    let uefi = description.architecture != "x86" || files.iter().any(loader);
    let uefi = uefi.then_some(Platform::Efi);
    let wanted = bios.into_iter().chain(uefi).filter(|_| description.volume == 1);
    let missing = wanted.filter(|platform| {
        let starts = |entry: &FoundBootEntry| entry.bootable && entry.platform == Some(*platform);
        !image.boot_entries().iter().any(starts)
    });
    missing.map(|platform| format!("boot catalog: nothing in it starts under {platform}")).collect()
}

/// What a BIOS loads from a disc to start it; empty where it loads a file of the disc, or nothing.
pub(crate) fn hidden_program<R: Read + Seek>(
    disc: &mut Medium<R>,
    files: &[File],
) -> Result<Vec<u8>, MediumError> {
    let Some(entry) = entries(disc, Platform::Bios).into_iter().next() else {
        return Ok(Vec::new());
    };
    let start = entry.lba.byte_offset();
    if is_file(disc, files, start)? {
        return Ok(Vec::new());
    }
    let Medium::Disc(image) = disc else { return Ok(Vec::new()) };
    Ok(code::read(image.get_mut(), start, u64::from(entry.sector_count) * BLOCK)?)
}

/// What is wrong with the FAT volumes that UEFI starts, where they are no files of the disc. Of our
/// media with `ours`: there must be a volume, and it must hold the disc's very files. The volume at
/// byte `stick` is looked at elsewhere.
pub(crate) fn efi_faults<R: Read + Seek>(
    disc: &mut Medium<R>,
    files: &[File],
    stick: Option<u64>,
    ours: bool,
) -> Result<Faults, MediumError> {
    let mut faults = Faults::default();
    let mut seen = BTreeSet::new();
    for entry in entries(disc, Platform::Efi) {
        let start = entry.lba.byte_offset();
        if stick == Some(start) || !seen.insert(start) || is_file(disc, files, start)? {
            continue;
        }
        let Medium::Disc(image) = disc else { return Ok(faults) };
        let image = image.get_mut();
        let len = image.seek(SeekFrom::End(0))?.saturating_sub(start);
        let mut volume = match fat::Volume::open(image, start, len) {
            Ok(volume) => volume,
            Err(fat::OpenError::Read(error)) if !is_damage(&error) => return Err(error.into()),
            Err(error) if ours => {
                faults.add(format!("what UEFI starts, at byte {start}: {}", chain(&error)));
                continue;
            }
            // Others have what they like there, FAT12 mostly.
            Err(_) => continue,
        };
        let (given, facts) = (u64::from(entry.sector_count) * BLOCK, volume.facts());
        let needed = u64::from(facts.total_sectors) * u64::from(facts.sector_size);
        for fault in volume.check()? {
            // UEFI does not ask where on a disk the volume would be.
            if !matches!(fault.kind(), fat::FaultKind::HiddenSectors { .. }) {
                faults.add(format!("UEFI's volume at byte {start}: {fault}"));
            }
        }
        if ours {
            // Of 0 and 1 firmware makes "to the end of the disc".
            if entry.sector_count > 1 && given < needed {
                faults.add(format!(
                    "boot catalog: gives UEFI {given} bytes from byte {start} on, of a volume of \
                     {needed}"
                ));
            }
            let inner = Inner::read("UEFI's volume", &mut volume, start)?;
            drop(volume);
            let differences = inner.differences(disc, files, false)?;
            faults.append(differences.faults);
            let more = differences.more.iter();
            faults
                .extend(more.map(|path| format!("{path}: on UEFI's volume, but not on the disc")));
        }
    }
    Ok(faults)
}

/// Where what starts the media is not what it says of itself.
pub(crate) fn boot_code_fault(found: &[u8], description: &Description) -> Option<String> {
    let expected = description.boot_code.as_ref().filter(|_| description.volume == 1)?;
    let found = extent_image::Digest::of(found).to_string();
    (found != *expected).then(|| {
        format!(
            "boot code, which is in no file: has SHA-256 {found}, {DESCRIPTION} says {expected}: a \
             BIOS may not start it"
        )
    })
}

/// What UEFI may start from a disc.
pub(crate) fn efi_entries<R: Read + Seek>(disc: &Medium<R>) -> Vec<FoundBootEntry> {
    entries(disc, Platform::Efi)
}

/// The entries that firmware may start without making a floppy or hard disk of them.
fn entries<R: Read + Seek>(disc: &Medium<R>, platform: Platform) -> Vec<FoundBootEntry> {
    let Medium::Disc(image) = disc else { return Vec::new() };
    let entries = image.boot_entries().iter();
    let entries = entries.filter(|entry| entry.bootable && entry.media_type == 0);
    entries.filter(|entry| entry.platform == Some(platform)).copied().collect()
}

/// Whether a file of the disc begins at byte `start`.
fn is_file<R: Read + Seek>(
    disc: &mut Medium<R>,
    files: &[File],
    start: u64,
) -> Result<bool, MediumError> {
    for file in files {
        if disc.place(file)? == Some(start) {
            return Ok(true);
        }
    }
    Ok(false)
}
