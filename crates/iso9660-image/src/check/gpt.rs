//! GUID partition tables, in front and at the end (UEFI 2.11, 5.3).

use std::io::{Read, Seek};

use zerocopy::FromBytes;

use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::disk::partition_table::{BLOCK, GPT, GPT_REVISION, GptHeader, GptPartition};

/// Bytes of a header that its CRC covers, as every maker has it.
const HEADER: usize = size_of::<GptHeader>();
/// Where a header holds its own CRC.
const OWN_CRC: std::ops::Range<usize> = 16..20;
/// Most bytes of partitions that are read. Usual are 128 of 128 bytes.
const MAX_ENTRIES: u64 = 1 << 20;

/// Checks both tables; false when there is none in front.
pub(super) fn check<R: Read + Seek>(
    medium: &mut Medium<R>,
    blocks: u64,
    faults: &mut Faults,
) -> Result<bool, ReadError> {
    let Some(first) = header(medium, 1, blocks, faults)? else { return Ok(false) };
    let other = first.other.get();
    let second = if other < blocks { header(medium, other, blocks, faults)? } else { None };
    let Some(second) = second else {
        faults.add(
            BLOCK.saturating_add(32),
            FaultKind::SystemArea { what: "no second GUID partition table where the first says" },
        );
        return Ok(true);
    };
    let at = |offset: u64| other.saturating_mul(BLOCK).saturating_add(offset);
    faults.expect(at(32), "block of the other GUID partition table", second.other.get(), 1u8);
    let same = [
        (40, "first usable block", first.first_usable, second.first_usable),
        (48, "last usable block", first.last_usable, second.last_usable),
    ];
    for (offset, what, first, second) in same {
        faults.expect(at(offset), what, second.get(), first.get());
    }
    if first.disk != second.disk {
        let what = "the GUID partition tables have different identifiers of the disk";
        faults.add(at(56), FaultKind::SystemArea { what });
    }
    let what = "CRC of the partitions in the second GUID partition table";
    faults.expect(at(88), what, second.entries_crc.get(), first.entries_crc.get());
    Ok(true)
}

/// The header at a block, with its partitions; `None` when there is none.
fn header<R: Read + Seek>(
    medium: &mut Medium<R>,
    block: u64,
    blocks: u64,
    faults: &mut Faults,
) -> Result<Option<GptHeader>, ReadError> {
    let start = block.saturating_mul(BLOCK);
    let at = |offset: u64| start.saturating_add(offset);
    let mut bytes = [0; 512];
    medium.read_at(start, &mut bytes)?;
    let Ok((header, _)) = GptHeader::read_from_prefix(&bytes) else { return Ok(None) };
    if header.signature != GPT {
        return Ok(None);
    }
    faults.expect(at(8), "revision of a GUID partition table", header.revision.get(), GPT_REVISION);
    let size = usize::try_from(header.size.get()).unwrap_or(usize::MAX);
    let mut covered = bytes;
    covered.get_mut(OWN_CRC).unwrap_or_default().fill(0);
    match covered.get(..size).filter(|_| size >= HEADER) {
        Some(covered) => {
            let crc = !crc32(u32::MAX, covered);
            faults.expect(at(16), "CRC of a GUID partition table", header.crc.get(), crc);
        }
        None => {
            let what = "length of the header of a GUID partition table";
            faults.expect(at(12), what, header.size.get(), 92u8);
        }
    }
    faults.expect(at(24), "own block of a GUID partition table", header.own.get(), block);
    let (first, last) = (header.first_usable.get(), header.last_usable.get());
    if first > last || last >= blocks {
        let what = "the usable blocks of a GUID partition table end behind the image";
        faults.add(at(40), FaultKind::SystemArea { what });
    }
    entries(medium, &header, start, blocks, faults)?;
    Ok(Some(header))
}

fn entries<R: Read + Seek>(
    medium: &mut Medium<R>,
    header: &GptHeader,
    header_start: u64,
    blocks: u64,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let at = |offset: u64| header_start.saturating_add(offset);
    let (size, count) = (u64::from(header.entry_size.get()), u64::from(header.count.get()));
    let len = size.saturating_mul(count);
    let start = header.entries.get().saturating_mul(BLOCK);
    let end = blocks.saturating_mul(BLOCK);
    if size < 128 || !size.is_power_of_two() || len > MAX_ENTRIES {
        let what = "number and size of the partitions in a GUID partition table";
        faults.add(at(80), FaultKind::SystemArea { what });
        return Ok(());
    }
    if start < BLOCK.saturating_mul(2) || start.saturating_add(len) > end {
        let what = "the partitions of a GUID partition table lie outside the image";
        faults.add(at(72), FaultKind::SystemArea { what });
        return Ok(());
    }
    let mut crc = u32::MAX;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(128)];
    for number in 0..count {
        let place = start.saturating_add(number.saturating_mul(size));
        medium.read_at(place, &mut bytes)?;
        crc = crc32(crc, &bytes);
        let Ok((entry, _)) = GptPartition::read_from_prefix(&bytes) else { continue };
        if entry.kind == [0; 16] {
            continue;
        }
        let (first, last) = (entry.first.get(), entry.last.get());
        let usable = header.first_usable.get()..=header.last_usable.get();
        if first > last || !usable.contains(&first) || !usable.contains(&last) || last >= blocks {
            let what = "a partition of a GUID partition table lies outside the usable blocks";
            faults.add(place.saturating_add(32), FaultKind::SystemArea { what });
        }
    }
    let what = "CRC of the partitions in a GUID partition table";
    faults.expect(at(88), what, header.entries_crc.get(), !crc);
    Ok(())
}

/// CRC-32 of zlib, going on from `crc`; it begins with all ones, and all bits are turned at the end.
fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc >>= 1;
            if low != 0 {
                crc ^= 0xEDB8_8320;
            }
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crc_by_hand() {
        assert_eq!(!crc32(u32::MAX, b"123456789"), 0xCBF4_3926);
    }
}
