//! The boot catalog and what it starts.

use std::io::{Read, Seek};

use zerocopy::FromBytes;

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
