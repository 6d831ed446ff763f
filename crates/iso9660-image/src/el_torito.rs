//! The boot catalog (El Torito 1.0, section 2; UEFI 2.11, 13.3.2). Size, descriptor, data, like
//! every part.

use std::collections::HashMap;

use extent_image::{Data, NodeId, Tree};
use zerocopy::little_endian::U16;
use zerocopy::{FromZeros, IntoBytes};

use crate::assembly::Assembly;
use crate::boot_info::{BootInfoTable, TABLE_END};
use crate::contents::Contents;
use crate::disk::boot_catalog::{
    BOOTABLE, ENTRY, HEADER_LAST, HEADER_MORE, ImageEntry, KEY, PLATFORM_EFI, PLATFORM_X86,
    SectionHeader, VALIDATION, ValidationEntry,
};
use crate::disk::volume_descriptor::{BOOT_RECORD, BootRecord, EL_TORITO, STANDARD_ID};
use crate::error::{BootInfoTableReason, PlanError};
use crate::notices::Notices;
use crate::options::{BootEntry, BootImage, Platform};
use crate::region::Region;
use crate::report::{FileExtent, Notice, PlacedBootEntry};
use crate::role;
use crate::units::{Cursor, Lba, SECTOR, SECTOR_LEN, SectorCount};

/// What messages call the region.
const REGION: &str = "the region";
/// Bytes of the unit in which an entry counts.
const BOOT_SECTOR: u64 = 512;

/// The boot catalog of an image that boots.
pub(crate) struct BootCatalog {
    /// The default entry first.
    entries: Vec<BootEntry>,
    sector_counts: Vec<u16>,
    /// Bytes of the region; 0 without one.
    region_len: u64,
    lba: Lba,
}

impl BootCatalog {
    /// Orders the entries and checks them; `None` when there is none.
    pub(crate) fn new(
        tree: &Tree,
        entries: &[BootEntry],
        region: Option<&Region>,
        notices: &mut Notices,
    ) -> Result<Option<Self>, PlanError> {
        if entries.is_empty() {
            return Ok(None);
        }
        let mut entries = entries.to_vec();
        // A BIOS reads the default entry alone, UEFI looks through the sections too.
        if let Some(bios) = entries.iter().position(|e| e.platform() == Platform::Bios)
            && let Some(first) = entries.get_mut(..=bios)
        {
            first.rotate_right(1);
        }
        let sector_counts: Result<_, _> =
            entries.iter().map(|entry| sector_count(tree, entry, region, notices)).collect();
        let region_len = region.map_or(0, |region| region.content().len());
        let (sector_counts, lba) = (sector_counts?, Lba::new(0));
        let this = Self { entries, sector_counts, region_len, lba };
        this.check_info_tables(tree, region)?;
        let needed = this.bytes(&[]).len();
        if needed > SECTOR_LEN {
            return Err(PlanError::TooManyBootEntries { needed, allowed: SECTOR_LEN });
        }
        Ok(Some(this))
    }

    /// The images that are in no directory, in the order of their entries: so [`Contents`] numbers
    /// them.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = (&Data, Option<BootInfoTable>)> {
        self.entries.iter().filter_map(|entry| match entry.image() {
            BootImage::Hidden(data) => Some((data, entry.info_table())),
            BootImage::File(_) | BootImage::Region { .. } => None,
        })
    }

    /// The files of the tree that get a boot info table.
    pub(crate) fn info_tables(&self) -> HashMap<NodeId, BootInfoTable> {
        let with_table = |entry: &BootEntry| match entry.image() {
            BootImage::File(node) => entry.info_table().map(|table| (*node, table)),
            BootImage::Hidden(_) | BootImage::Region { .. } => None,
        };
        self.entries.iter().filter_map(with_table).collect()
    }

    /// Refuses boot info tables that have no place in their images.
    fn check_info_tables(&self, tree: &Tree, region: Option<&Region>) -> Result<(), PlanError> {
        use BootInfoTableReason as Reason;
        let tables = self.info_tables();
        for entry in &self.entries {
            let Some(table) = entry.info_table() else { continue };
            let (image, data) = match entry.image() {
                BootImage::Hidden(data) => (data.describe(), Some(data)),
                BootImage::File(node) => (tree.path(*node), tree.data(*node)),
                BootImage::Region { .. } => (REGION.to_owned(), None),
            };
            let reason = match (data, entry.image()) {
                (None, _) => Some(Reason::InRegion),
                (Some(Data::Late(_)), _) => Some(Reason::Late),
                (Some(Data::Source(source)), place) => {
                    let (len, read) = (source.len(), table.len());
                    match place {
                        BootImage::File(node) if region.is_some_and(|r| r.holds(*node)) => {
                            Some(Reason::InRegion)
                        }
                        BootImage::File(node) if tables.get(node) != Some(&table) => {
                            Some(Reason::TwoTables)
                        }
                        _ if !(TABLE_END..=u64::from(u32::MAX)).contains(&len) => {
                            Some(Reason::Length { len })
                        }
                        _ => (len != read).then_some(Reason::OtherImage { len, read }),
                    }
                }
            };
            if let Some(reason) = reason {
                return Err(PlanError::BootInfoTable { image, reason });
            }
        }
        Ok(())
    }

    /// Size: one sector, all that firmware reads.
    pub(crate) fn place(&mut self, cursor: &mut Cursor) {
        self.lba = cursor.take(SectorCount::ONE);
    }

    pub(crate) fn lba(&self) -> Lba {
        self.lba
    }

    /// The descriptor.
    pub(crate) fn descriptor(&self) -> BootRecord {
        BootRecord {
            kind: BOOT_RECORD,
            standard_id: STANDARD_ID,
            version: 1,
            boot_system_id: EL_TORITO,
            boot_id: [0; 32],
            catalog: self.lba.sector().into(),
            unused_75: [0; 1973],
        }
    }

    /// The entries as they are written.
    pub(crate) fn entries(&self, contents: &Contents) -> Vec<PlacedBootEntry> {
        let mut hidden = 0..self.entries.len();
        let places: Vec<FileExtent> = self
            .entries
            .iter()
            .map(|entry| match entry.image() {
                BootImage::File(node) => contents.file(*node),
                BootImage::Hidden(_) => contents.hidden(hidden.next().unwrap_or_default()),
                BootImage::Region { offset } => FileExtent {
                    lba: contents
                        .region()
                        .unwrap_or(Lba::new(0))
                        .after(SectorCount::for_bytes(*offset)),
                    len: self.region_len.saturating_sub(*offset),
                },
            })
            .collect();
        let rows = self.entries.iter().zip(&self.sector_counts).zip(places);
        rows.map(|((entry, sector_count), image)| PlacedBootEntry {
            platform: entry.platform(),
            image,
            load_segment: entry.load_segment(),
            sector_count: *sector_count,
        })
        .collect()
    }

    /// Data.
    pub(crate) fn write(
        &self,
        contents: &Contents,
        out: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        out.seek(self.lba.byte_offset())?;
        let mut bytes = self.bytes(&self.entries(contents));
        bytes.resize(SECTOR_LEN, 0);
        out.bytes(role::BOOT_CATALOG, bytes)?;
        Ok(())
    }

    /// The catalog without the zeros at its end. The number of `placed` entries does not change its
    /// length, so the same description measures it.
    fn bytes(&self, placed: &[PlacedBootEntry]) -> Vec<u8> {
        let image_entry = |at: usize| {
            let mut raw = ImageEntry::new_zeroed();
            if let Some(entry) = placed.get(at) {
                raw.boot_indicator = BOOTABLE;
                raw.load_segment = entry.load_segment.into();
                raw.sector_count = entry.sector_count.into();
                raw.load_rba = entry.image.lba.sector().into();
            }
            raw
        };
        let platforms: Vec<u8> = self.entries.iter().map(|e| platform_id(e.platform())).collect();
        let first = platforms.first().copied().unwrap_or(PLATFORM_X86);
        let mut bytes = validation_entry(first).as_bytes().to_vec();
        bytes.extend_from_slice(image_entry(0).as_bytes());
        // One section for each run of entries of one platform.
        let rest = platforms.get(1..).unwrap_or_default();
        let runs: Vec<&[u8]> = rest.chunk_by(|a, b| a == b).collect();
        let mut at = 0usize;
        for (number, run) in (1..).zip(&runs) {
            let mut header = SectionHeader::new_zeroed();
            header.indicator = if number == runs.len() { HEADER_LAST } else { HEADER_MORE };
            header.platform = run.first().copied().unwrap_or_default();
            // A catalog with more than 64 entries is refused.
            header.entries = u16::try_from(run.len()).unwrap_or(u16::MAX).into();
            bytes.extend_from_slice(header.as_bytes());
            for _ in *run {
                at = at.saturating_add(1);
                bytes.extend_from_slice(image_entry(at).as_bytes());
            }
        }
        debug_assert_eq!(bytes.len() % ENTRY, 0);
        bytes
    }
}

fn platform_id(platform: Platform) -> u8 {
    match platform {
        Platform::Bios => PLATFORM_X86,
        Platform::Efi => PLATFORM_EFI,
    }
}

fn validation_entry(platform: u8) -> ValidationEntry {
    let mut entry = ValidationEntry::new_zeroed();
    entry.header_id = VALIDATION;
    entry.platform = platform;
    entry.key = KEY;
    let words = entry.as_bytes().chunks_exact(2).filter_map(|w| <[u8; 2]>::try_from(w).ok());
    let sum = words.fold(0u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(word)));
    entry.checksum = U16::new(sum.wrapping_neg());
    entry
}

/// The sector count of an entry, checked against its image.
fn sector_count(
    tree: &Tree,
    entry: &BootEntry,
    region: Option<&Region>,
    notices: &mut Notices,
) -> Result<u16, PlanError> {
    let platform = entry.platform();
    let (image, len) = match entry.image() {
        BootImage::Hidden(data) => (data.describe(), data.len()),
        BootImage::File(node) => {
            let path = tree.path(*node);
            match tree.data(*node) {
                Some(data) => (path, data.len()),
                None => return Err(PlanError::BootImageNotAFile { platform, path }),
            }
        }
        BootImage::Region { offset } => {
            let (offset, len) = (*offset, region.map_or(0, |region| region.content().len()));
            if offset % SECTOR != 0 || offset >= len {
                return Err(PlanError::BootImageOutsideRegion { platform, offset, len });
            }
            (REGION.to_owned(), len.saturating_sub(offset))
        }
    };
    if len == 0 {
        return Err(PlanError::BootImageEmpty { platform, image });
    }
    if let Some(found) = entry.sector_count() {
        let allowed = len.div_ceil(SECTOR).saturating_mul(SECTOR / BOOT_SECTOR);
        if platform == Platform::Bios && (found == 0 || u64::from(found) > allowed) {
            return Err(PlanError::BootSectorCount { image, found, allowed });
        }
        return Ok(found);
    }
    match (u16::try_from(len.div_ceil(BOOT_SECTOR)), platform) {
        (Ok(count), _) => Ok(count),
        (Err(_), Platform::Efi) => {
            // A volume that firmware is to see as a disk reaches that far by intention.
            if !matches!(entry.image(), BootImage::Region { .. }) {
                notices.push(Notice::SectorCount { image, len });
            }
            Ok(0)
        }
        // A BIOS would load nothing.
        (Err(_), Platform::Bios) => {
            let allowed = BOOT_SECTOR.saturating_mul(u64::from(u16::MAX));
            Err(PlanError::BootImageTooLarge { image, len, allowed })
        }
    }
}

#[cfg(test)]
mod tests {
    use extent_image::{Meta, Timestamp, TreeBuilder};

    use super::*;

    fn catalog(platforms: &[Platform]) -> Result<Option<BootCatalog>, PlanError> {
        let tree = TreeBuilder::new(Meta::at(Timestamp::FAT_EPOCH)).finish().unwrap();
        let entries: Vec<_> = platforms
            .iter()
            .map(|p| BootEntry::new(*p, BootImage::Hidden(Data::bytes("image", vec![0; 2048]))))
            .collect();
        BootCatalog::new(&tree, &entries, None, &mut Notices::default())
    }

    /// The catalog with the images at LBA 0x100, 0x101 and so on.
    fn bytes(platforms: &[Platform]) -> Vec<u8> {
        let catalog = catalog(platforms).unwrap().unwrap();
        let placed: Vec<_> = (0x100..)
            .zip(&catalog.entries)
            .map(|(lba, entry)| PlacedBootEntry {
                platform: entry.platform(),
                image: FileExtent { lba: Lba::new(lba), len: 2048 },
                load_segment: 0,
                sector_count: 4,
            })
            .collect();
        catalog.bytes(&placed)
    }

    fn with_zeros(start: &[u8]) -> Vec<u8> {
        let mut row = start.to_vec();
        row.resize(ENTRY, 0);
        row
    }

    #[test]
    fn bios_before_uefi_by_hand() {
        let mut validation = with_zeros(&[1]);
        validation[28..].copy_from_slice(&[0xAA, 0x55, 0x55, 0xAA]);
        let expected = [
            validation,
            with_zeros(&[0x88, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0]),
            with_zeros(&[0x91, 0xEF, 1, 0]),
            with_zeros(&[0x88, 0, 0, 0, 0, 0, 4, 0, 1, 1, 0, 0]),
        ];
        assert_eq!(bytes(&[Platform::Efi, Platform::Bios]), expected.concat());
    }

    #[test]
    fn uefi_alone_is_the_default() {
        let bytes = bytes(&[Platform::Efi]);
        assert_eq!(bytes.len(), 64);
        assert_eq!(bytes[..2], [1, 0xEF]);
        // 0xEF01 + 0xAA55 + checksum = 0x20000.
        assert_eq!(bytes[28..32], [0xAA, 0x66, 0x55, 0xAA]);
    }

    #[test]
    fn runs_of_one_platform_share_a_header() {
        use Platform::{Bios, Efi};
        let bytes = bytes(&[Bios, Efi, Efi, Bios]);
        let firsts: Vec<_> = bytes.chunks(ENTRY).map(|e| (e[0], e[1], e[2])).collect();
        let expected = [
            (1, 0, 0),
            (0x88, 0, 0),
            (0x90, 0xEF, 2),
            (0x88, 0, 0),
            (0x88, 0, 0),
            (0x91, 0, 1),
            (0x88, 0, 0),
        ];
        assert_eq!(firsts, expected);
    }

    #[test]
    fn firmware_reads_one_sector() {
        // Validation, default, header: 61 further entries fill the 64 places.
        assert!(catalog(&[Platform::Efi; 62]).is_ok());
        let error = catalog(&[Platform::Efi; 63]).err();
        assert_eq!(error, Some(PlanError::TooManyBootEntries { needed: 2080, allowed: 2048 }));
    }
}
