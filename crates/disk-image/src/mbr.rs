//! Sector 0 of a partitioned disk: boot code, disk signature, four entries, 55 AA.

use std::io::Cursor;
use std::num::NonZeroU32;

use mbrman::{BOOT_ACTIVE, CHS, MBRHeader, MBRPartitionEntry};

/// Partition type: FAT32 addressed by LBA.
pub(crate) const FAT32_LBA: u8 = 0x0C;
/// Partition type: the whole disk belongs to a GPT.
pub(crate) const GPT_PROTECTIVE: u8 = 0xEE;

/// The geometry every BIOS with LBA assist makes up, and the one FAT boot sectors are given.
const HEADS: u8 = 255;
const SECTORS_PER_TRACK: u8 = 63;
const CYLINDERS: u16 = 1024;

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
    let mut sector = Cursor::new(Vec::with_capacity(512));
    #[expect(clippy::expect_used, reason = "a valid header of ours, into memory")]
    header.write_into(&mut sector).expect("an MBR header of ours can be encoded");
    sector.into_inner()
}

/// The head, sector and cylinder of a sector; past the last cylinder, the triple FE FF FF that means
/// "use the LBA fields".
fn chs(lba: u32) -> CHS {
    CHS::from_lba_exact(lba, CYLINDERS, HEADS, SECTORS_PER_TRACK)
        .unwrap_or_else(|_| CHS::new(CYLINDERS - 1, HEADS - 1, SECTORS_PER_TRACK))
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
