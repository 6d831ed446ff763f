//! What the boot catalog starts: where it lies, what it may share, and the table inside some.

use std::collections::HashSet;
use std::io::{BufReader, Read, Seek};

use zerocopy::FromBytes;

use crate::check::boot::FoundBootEntry;
use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::listing::Listing;
use crate::check::medium::{Medium, ReadError};
use crate::disk::partition_table::{BLOCK, FatHead, SIGNATURE};
use crate::options::Platform;
use crate::units::{Lba, SECTOR};

/// Longest image that a boot info table is checked for. Loaders that carry one have 64 KiB; the
/// file could have 4 GiB.
const MAX_BOOT_INFO: u64 = 8 * 1024 * 1024;

/// The images lie inside the file and outside the volume's structures; a boot info table is right.
///
/// An image may lie behind the volume, as a partition that was appended. It may be a file of the
/// trees, or part of one. Where it is a FAT volume, it may also hold files of the trees as a whole,
/// so that one copy serves the disc and the stick; any other overlap is a fault, such as that of a
/// region for UEFI that is no FAT volume and holds a file.
pub(super) fn check<R: Read + Seek>(
    medium: &mut Medium<R>,
    entries: &[FoundBootEntry],
    extents: &Extents,
    listings: &[Listing],
    faults: &mut Faults,
) -> Result<(), ReadError> {
    for entry in entries.iter().filter(|entry| entry.bootable) {
        let lba = u64::from(entry.lba.sector());
        let position = entry.position.saturating_add(8);
        let sectors = extents.sectors().max(medium.len() / SECTOR);
        let file_len = listings.iter().find_map(|listing| listing.file_len(entry.lba.sector()));
        let fat = fat_len(medium, entry)?;
        let len = match entry.media_type {
            0 => u64::from(entry.sector_count).max(1).saturating_mul(BLOCK),
            // The three sizes of floppy disks.
            1 => 1_228_800,
            2 => 1_474_560,
            3 => 2_949_120,
            _ => BLOCK,
        };
        // A count beyond the end of a file says nothing about what follows.
        let len = file_len.map_or(len, |file_len| len.min(file_len)).max(fat.unwrap_or(0));
        let end = lba.saturating_add(len.div_ceil(SECTOR));
        if end > sectors {
            faults.add(position, FaultKind::BootImageOutside { lba, len, sectors });
            continue;
        }
        let (mut overlaps, mut told) = (false, HashSet::new());
        for (first, last_end, used_for, other) in extents.between(lba, end) {
            let file_in_image = fat.is_some() && first >= lba && last_end <= end;
            let image_in_file = first <= lba && (last_end >= end || first == lba);
            match used_for {
                Use::Structure => {
                    overlaps = true;
                    faults.add(position, FaultKind::BootImageOverlap { lba });
                    break;
                }
                Use::File if file_in_image || image_in_file => {}
                Use::File => {
                    let (first, last) = (first.max(lba), last_end.min(end).saturating_sub(1));
                    // Once, however many trees name the file.
                    if told.insert((first, last)) {
                        faults.add(position, FaultKind::Overlap { first, last, other });
                    }
                }
            }
        }
        // The loaders that read such a table are those of the BIOS.
        if !overlaps && entry.platform == Some(Platform::Bios) && entry.media_type == 0 {
            check_boot_info(medium, entry.lba, file_len, faults)?;
        }
    }
    Ok(())
}

/// Bytes of the FAT volume that a UEFI entry leads to; `None` when it leads to something else.
fn fat_len<R: Read + Seek>(
    medium: &mut Medium<R>,
    entry: &FoundBootEntry,
) -> Result<Option<u64>, ReadError> {
    if entry.platform != Some(Platform::Efi) || entry.media_type != 0 {
        return Ok(None);
    }
    let mut bytes = [0; 512];
    medium.read_at(entry.lba.byte_offset(), &mut bytes)?;
    let Ok((head, _)) = FatHead::read_from_prefix(&bytes) else { return Ok(None) };
    let size = u64::from(head.bytes_per_sector.get());
    let is_fat = bytes.ends_with(&SIGNATURE)
        && matches!(head.jump, [0xEB, _, 0x90] | [0xE9, _, _])
        && matches!(size, 512 | 1024 | 2048 | 4096)
        && head.sectors_per_cluster.is_power_of_two()
        && head.reserved.get() != 0
        && matches!(head.fats, 1 | 2);
    let sectors = match head.sectors.get() {
        0 => u64::from(head.more_sectors.get()),
        sectors => u64::from(sectors),
    };
    Ok((is_fat && sectors > 0).then(|| sectors.saturating_mul(size)))
}

/// The table that loaders like isolinux have at byte 8: where the primary descriptor and the image
/// itself are, how long the image is, and the sum of its words from byte 64 on.
///
/// An image has one when two of the four numbers are right; others hold code there. The 40 bytes
/// behind them are zero. Where the image is no file, its length is what the table says.
///
/// genisoimage writes the table into the source itself, so a table may come of another image, and
/// nobody may have asked for one here. It is a fault all the same in an entry for the BIOS, for a
/// loader with a table goes by it and does not start; what UEFI starts is not looked at.
fn check_boot_info<R: Read + Seek>(
    medium: &mut Medium<R>,
    lba: Lba,
    file_len: Option<u64>,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let start = lba.byte_offset();
    let mut head = [0; 64];
    medium.read_at(start, &mut head)?;
    let mut words = head.chunks_exact(4).filter_map(|w| <[u8; 4]>::try_from(w).ok());
    let mut word = |skip: usize| words.nth(skip).map_or(0, u32::from_le_bytes);
    let (descriptor, own, len, sum) = (word(2), word(0), word(0), word(0));
    let file_len = file_len.unwrap_or(u64::from(len));
    let outside = start.saturating_add(file_len) > medium.len();
    let Some(expected_len) = u32::try_from(file_len).ok().filter(|_| !outside) else {
        return Ok(());
    };
    let places = [descriptor == 16, own == lba.sector()];
    let near = places.contains(&true) || (len == expected_len && len != 0);
    if !near || !(64..=MAX_BOOT_INFO).contains(&file_len) {
        return Ok(());
    }
    let at = |offset: u64| start.saturating_add(offset);
    let expected_sum = sum_of_words(medium, at(64), file_len.saturating_sub(64))?;
    let right = [places[0], places[1], len == expected_len, sum == expected_sum];
    if right.iter().filter(|right| **right).count() < 2 {
        return Ok(());
    }
    for (offset, what, found, expected) in [
        (8, "LBA of the primary volume descriptor", descriptor, 16),
        (12, "LBA of the image", own, lba.sector()),
        (16, "length", len, expected_len),
        (20, "checksum", sum, expected_sum),
    ] {
        if found != expected {
            faults.add(at(offset), FaultKind::BootInfo { what, found, expected });
        }
    }
    let reserved = head.get(24..).unwrap_or_default();
    faults.expect_zero(at(24), "bytes 24 to 63 of a boot info table's image", reserved);
    Ok(())
}

/// The sum of little-endian words, the last one filled up with zeros.
fn sum_of_words<R: Read + Seek>(
    medium: &mut Medium<R>,
    start: u64,
    len: u64,
) -> Result<u32, ReadError> {
    let reader = BufReader::new(medium.part(start, len));
    let mut sum = 0u32;
    for (byte, shift) in reader.bytes().zip([0, 8, 16, 24].into_iter().cycle()) {
        let byte = byte.map_err(|source| ReadError::Io { position: start, source })?;
        sum = sum.wrapping_add(u32::from(byte).wrapping_shl(shift));
    }
    Ok(sum)
}
