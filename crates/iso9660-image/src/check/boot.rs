//! The boot catalog and what it starts.

use std::io::{BufReader, Read, Seek};

use zerocopy::FromBytes;

use crate::check::extents::Extents;
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::disk::boot_catalog::{
    BOOTABLE, ENTRY, EXTENSION, HEADER_LAST, HEADER_MORE, ImageEntry, KEY, NOT_BOOTABLE,
    PLATFORM_EFI, PLATFORM_X86, SectionHeader, VALIDATION, ValidationEntry,
};
use crate::options::Platform;
use crate::units::{Lba, SECTOR, SECTOR_LEN, len64};

/// Bit 5 of a section entry's media type, and of an extension: another extension follows.
const MORE_EXTENSIONS: u8 = 0x20;
/// Longest image that a boot info table is checked for. Loaders that carry one have 64 KiB; the
/// field could say 4 GiB.
const MAX_BOOT_INFO: u32 = 8 * 1024 * 1024;

/// An entry of a boot catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundBootEntry {
    /// The firmware it is for; `None` for one that is neither BIOS nor UEFI.
    pub platform: Option<Platform>,
    /// The platform's number as found.
    pub platform_id: u8,
    /// False when the firmware may not start it.
    pub bootable: bool,
    /// Media type as found; 0: no emulation.
    pub media_type: u8,
    /// Real-mode segment it is loaded to; 0 means 07C0h.
    pub load_segment: u16,
    /// Number of 512-byte sectors.
    pub sector_count: u16,
    /// First sector of the image.
    pub lba: Lba,
    /// Where the entry is, in bytes from the start of the image.
    pub position: u64,
}

/// Reads the catalog: one sector, as firmware does.
pub(super) fn entries<R: Read + Seek>(
    medium: &mut Medium<R>,
    catalog: u32,
    faults: &mut Faults,
) -> Result<Vec<FoundBootEntry>, ReadError> {
    let Some(sector) = medium.sector(u64::from(catalog))? else {
        // The extent was reported where it was found to lie outside.
        return Ok(Vec::new());
    };
    let start = u64::from(catalog).saturating_mul(SECTOR);
    let mut reader = CatalogReader { sector: &sector, start, at: 0 };
    let mut found = Vec::new();
    read_catalog(&mut reader, &mut found, faults);
    Ok(found)
}

struct CatalogReader<'a> {
    sector: &'a [u8; SECTOR_LEN],
    start: u64,
    at: usize,
}

impl CatalogReader<'_> {
    /// The next entry and where it is, or `None` at the end of the sector.
    fn next(&mut self) -> Option<(u64, [u8; ENTRY])> {
        let end = self.at.saturating_add(ENTRY);
        let bytes = self.sector.get(self.at..end)?.try_into().ok()?;
        let position = self.start.saturating_add(len64(self.at));
        self.at = end;
        Some((position, bytes))
    }
}

fn read_catalog(
    reader: &mut CatalogReader<'_>,
    found: &mut Vec<FoundBootEntry>,
    faults: &mut Faults,
) {
    // A sector holds sixty-four entries, so these two are there.
    let Some((position, validation)) = reader.next() else { return };
    let platform = check_validation(position, &validation, faults);
    let Some((position, default)) = reader.next() else { return };
    found.extend(image_entry(position, &default, platform, false, faults));
    loop {
        let Some((position, header)) = reader.next() else { return };
        let [indicator, ..] = header;
        // Catalogs without sections end here.
        if header.iter().all(|byte| *byte == 0) {
            return;
        }
        if !matches!(indicator, HEADER_MORE | HEADER_LAST) {
            let what = "a section header begins with neither 90 nor 91";
            faults.add(position, FaultKind::BootCatalog { what });
            return;
        }
        let Ok(header) = SectionHeader::read_from_bytes(&header) else { return };
        for _ in 0..header.entries.get() {
            let Some((at, entry)) = reader.next() else {
                let what = "the section has more entries than firmware reads";
                faults.add(position, FaultKind::BootCatalog { what });
                return;
            };
            found.extend(image_entry(at, &entry, header.platform, true, faults));
            let [_, media_type, ..] = entry;
            let mut more = media_type & MORE_EXTENSIONS != 0;
            while more {
                let Some((at, [id, flags, ..])) = reader.next() else { return };
                if id != EXTENSION {
                    let what = "an extension of an entry does not begin with 44";
                    faults.add(at, FaultKind::BootCatalog { what });
                    return;
                }
                more = flags & MORE_EXTENSIONS != 0;
            }
        }
        if indicator == HEADER_LAST {
            return;
        }
    }
}

fn check_validation(position: u64, bytes: &[u8; ENTRY], faults: &mut Faults) -> u8 {
    let Ok(entry) = ValidationEntry::read_from_bytes(bytes) else { return 0 };
    let at = |offset: u64| position.saturating_add(offset);
    faults.expect(position, "first byte of the boot catalog", entry.header_id, VALIDATION);
    if !matches!(entry.platform, PLATFORM_X86 | 1 | 2 | PLATFORM_EFI) {
        let what = "the platform is none of x86, PowerPC, Mac, EFI";
        faults.add(at(1), FaultKind::BootCatalog { what });
    }
    faults.expect(at(2), "bytes 2 and 3 of the boot catalog", entry.reserved.get(), 0u16);
    if entry.key != KEY {
        let what = "bytes 30 and 31 are not 55 AA";
        faults.add(at(30), FaultKind::BootCatalog { what });
    }
    let words = bytes.chunks_exact(2).filter_map(|word| <[u8; 2]>::try_from(word).ok());
    let sum = words.fold(0u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(word)));
    if sum != 0 {
        faults.add(at(28), FaultKind::BootChecksum { sum });
    }
    entry.platform
}

fn image_entry(
    position: u64,
    bytes: &[u8; ENTRY],
    platform_id: u8,
    in_section: bool,
    faults: &mut Faults,
) -> Option<FoundBootEntry> {
    let raw = ImageEntry::read_from_bytes(bytes).ok()?;
    let mut fault = |offset: u64, what| {
        faults.add(position.saturating_add(offset), FaultKind::BootCatalog { what });
    };
    if !matches!(raw.boot_indicator, BOOTABLE | NOT_BOOTABLE) {
        fault(0, "an entry begins with neither 88 nor 00");
    }
    let emulation = raw.media_type & 0x0F;
    if emulation > 4 || (!in_section && raw.media_type > 4) {
        fault(1, "the media type of an entry is more than 4");
    }
    if raw.unused != 0 {
        fault(5, "byte 5 of an entry is not zero");
    }
    if !in_section && raw.criteria != [0; 20] {
        fault(12, "bytes 12 to 31 of the default entry are not zero");
    }
    let platform = match platform_id {
        PLATFORM_X86 => Some(Platform::Bios),
        PLATFORM_EFI => Some(Platform::Efi),
        _ => None,
    };
    Some(FoundBootEntry {
        platform,
        platform_id,
        bootable: raw.boot_indicator == BOOTABLE,
        media_type: emulation,
        load_segment: raw.load_segment.get(),
        sector_count: raw.sector_count.get(),
        lba: Lba::new(raw.load_rba.get()),
        position,
    })
}

/// The images lie inside the volume and outside its structures; a boot info table is right.
pub(super) fn check_images<R: Read + Seek>(
    medium: &mut Medium<R>,
    entries: &[FoundBootEntry],
    extents: &Extents,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    for entry in entries.iter().filter(|entry| entry.bootable) {
        let (lba, sectors) = (u64::from(entry.lba.sector()), extents.sectors());
        // With emulation the length follows from the kind of medium, not from the count.
        let count = if entry.media_type == 0 { u64::from(entry.sector_count) } else { 1 };
        let len = count.max(1).saturating_mul(512);
        let position = entry.position.saturating_add(8);
        if lba.saturating_add(len.div_ceil(SECTOR)) > sectors {
            faults.add(position, FaultKind::BootImageOutside { lba, len, sectors });
            continue;
        }
        if extents.is_structure(lba) {
            faults.add(position, FaultKind::BootImageOverlap { lba });
            continue;
        }
        check_boot_info(medium, entry.lba, extents.file_len(entry.lba.sector()), faults)?;
    }
    Ok(())
}

/// The table that loaders like isolinux have at byte 8: where the primary descriptor and the image
/// itself are, how long the image is, and the sum of its words from byte 64 on.
///
/// An image has one when the first two numbers are right; others hold code there.
fn check_boot_info<R: Read + Seek>(
    medium: &mut Medium<R>,
    lba: Lba,
    file_len: Option<u64>,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let start = lba.byte_offset();
    let mut head = [0; 24];
    medium.read_at(start, &mut head)?;
    let mut words = head.chunks_exact(4).filter_map(|w| <[u8; 4]>::try_from(w).ok());
    let mut word = |skip: usize| words.nth(skip).map_or(0, u32::from_le_bytes);
    let (descriptor, own, len, sum) = (word(2), word(0), word(0), word(0));
    if (descriptor, own) != (16, lba.sector()) {
        return Ok(());
    }
    let at = |offset: u64| start.saturating_add(offset);
    if let Some(expected) = file_len.and_then(|len| u32::try_from(len).ok())
        && len != expected
    {
        let kind = FaultKind::BootInfo { what: "length", found: len, expected };
        faults.add(at(16), kind);
    }
    let outside = start.saturating_add(u64::from(len)) > medium.len();
    if outside || !(64..=MAX_BOOT_INFO).contains(&len) {
        return Ok(());
    }
    let reader = BufReader::new(medium.part(at(64), u64::from(len).saturating_sub(64)));
    let mut expected = 0u32;
    // Little-endian words, the last one filled with zeros.
    for (byte, shift) in reader.bytes().zip([0, 8, 16, 24].into_iter().cycle()) {
        let byte = byte.map_err(|source| ReadError::Io { position: at(64), source })?;
        expected = expected.wrapping_add(u32::from(byte).wrapping_shl(shift));
    }
    if sum != expected {
        faults.add(at(20), FaultKind::BootInfo { what: "checksum", found: sum, expected });
    }
    Ok(())
}
