//! Sector 0 of a partitioned disk: boot code, disk signature, four entries, 55 AA.

use std::io::Cursor;
use std::num::NonZeroU32;

use mbrman::{BOOT_ACTIVE, BOOT_INACTIVE, CHS, MBRHeader, MBRPartitionEntry};

use crate::SectorSize;

/// Partition type: FAT32 addressed by LBA.
pub(crate) const FAT32_LBA: u8 = 0x0C;
/// Partition type: the whole disk belongs to a GPT.
pub(crate) const GPT_PROTECTIVE: u8 = 0xEE;

/// The geometry every BIOS with LBA assist makes up, and the one FAT boot sectors are given.
const HEADS: u8 = 255;
const SECTORS_PER_TRACK: u8 = 63;
const CYLINDERS: u16 = 1024;

/// End of the largest partition in bytes: every sector of the disk must have a 32-bit number, so that
/// no reader's sum of start and length wraps.
pub(crate) fn limit(size: SectorSize) -> u64 {
    u64::from(u32::MAX) * size.bytes()
}

/// The sector with one active FAT32 partition. `sectors` is not 0, and `first + sectors` is at most
/// 2^32.
pub(crate) fn sector(
    code: Option<&[u8; 440]>,
    signature: NonZeroU32,
    first: u32,
    sectors: u32,
) -> Vec<u8> {
    let mut header = MBRHeader::new(signature.get().to_le_bytes());
    if let Some(code) = code {
        header.bootstrap_code = *code;
    }
    header.partition_1 = MBRPartitionEntry {
        boot: BOOT_ACTIVE,
        first_chs: chs(first),
        sys: FAT32_LBA,
        last_chs: chs(first.saturating_add(sectors.saturating_sub(1))),
        starting_lba: first,
        sectors,
    };
    encode(&header)
}

/// The sector that guards a GPT from tools that know only this kind of table (UEFI 2.10, section
/// 5.2.3): no boot code, no signature, and one entry for all of a disk of `sectors`.
pub(crate) fn protective(sectors: u64) -> Vec<u8> {
    let mut header = MBRHeader::new([0; 4]);
    let len = u32::try_from(sectors.saturating_sub(1)).unwrap_or(u32::MAX);
    header.partition_1 = MBRPartitionEntry {
        boot: BOOT_INACTIVE,
        first_chs: chs(1),
        sys: GPT_PROTECTIVE,
        // What cannot be said is FF FF FF here, not the FE FF FF of other entries.
        last_chs: exact_chs(len).unwrap_or(CHS::new(CYLINDERS - 1, 255, SECTORS_PER_TRACK)),
        starting_lba: 1,
        sectors: len,
    };
    encode(&header)
}

fn encode(header: &MBRHeader) -> Vec<u8> {
    let mut sector = Cursor::new(Vec::with_capacity(512));
    #[expect(clippy::expect_used, reason = "a valid header of ours, into memory")]
    header.write_into(&mut sector).expect("an MBR header of ours can be encoded");
    sector.into_inner()
}

/// The head, sector and cylinder of a sector; past the last cylinder, the triple FE FF FF that means
/// "use the LBA fields".
fn chs(lba: u32) -> CHS {
    exact_chs(lba).unwrap_or(CHS::new(CYLINDERS - 1, HEADS - 1, SECTORS_PER_TRACK))
}

fn exact_chs(lba: u32) -> Option<CHS> {
    CHS::from_lba_exact(lba, CYLINDERS, HEADS, SECTORS_PER_TRACK).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(first: u32, sectors: u32) -> Vec<u8> {
        sector(None, NonZeroU32::new(0x1122_3344).unwrap(), first, sectors)
    }

    #[test]
    fn bytes_of_a_usual_disk() {
        let sector = table(2048, 532_480);
        assert_eq!(sector.len(), 512);
        assert_eq!(sector[..440], [0; 440]);
        assert_eq!(sector[440..446], [0x44, 0x33, 0x22, 0x11, 0, 0]);
        // Sector 2048 is 0/32/33; 534,527 is 33/69/36: 33 * 16,065 + 69 * 63 + 35.
        assert_eq!(
            sector[446..462],
            [0x80, 0x20, 0x21, 0x00, 0x0C, 0x45, 0x24, 0x21, 0, 8, 0, 0, 0, 0x20, 0x08, 0]
        );
        assert_eq!(sector[462..510], [0; 48]);
        assert_eq!(sector[510..], [0x55, 0xAA]);
    }

    #[test]
    fn a_guard_covers_the_whole_disk() {
        let sector = protective(532_480);
        assert_eq!(sector[..446], [0; 446]);
        let entry = &sector[446..462];
        assert_eq!(entry[..5], [0, 0, 2, 0, 0xEE]);
        assert_eq!(entry[8..], [1, 0, 0, 0, 0xFF, 0x1F, 0x08, 0]);
        assert_eq!(sector[462..510], [0; 48]);
        for sectors in [16_450_561, 1 << 32, u64::MAX] {
            assert_eq!(protective(sectors)[451..454], [0xFF; 3], "{sectors}");
        }
        assert_eq!(protective(1 << 32)[458..462], [0xFF; 4]);
        assert_eq!(protective(u64::MAX)[458..462], [0xFF; 4]);
    }

    #[test]
    fn triples_at_the_border() {
        // 1024 * 255 * 63 sectors can be named; the last is 1023/254/63.
        for (last, triple) in [
            (16_450_559_u32, [0xFE, 0xFF, 0xFF]),
            (16_450_558, [0xFE, 0xFE, 0xFF]),
            (16_450_560, [0xFE, 0xFF, 0xFF]),
            (u32::MAX, [0xFE, 0xFF, 0xFF]),
        ] {
            assert_eq!(table(2048, last - 2047)[451..454], triple, "{last}");
        }
    }
}
