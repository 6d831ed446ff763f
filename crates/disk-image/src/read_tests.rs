use std::io::Cursor;

use super::*;

/// An empty table with 55 AA, on a disk of 100 sectors.
fn empty() -> Vec<u8> {
    let mut disk = vec![0; 51_200];
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    disk
}

fn put(disk: &mut [u8], index: usize, flag: u8, kind: u8, first: u32, sectors: u32) {
    let at = 446 + 16 * index;
    disk[at] = flag;
    disk[at + 4] = kind;
    disk[at + 8..at + 12].copy_from_slice(&first.to_le_bytes());
    disk[at + 12..at + 16].copy_from_slice(&sectors.to_le_bytes());
}

fn read_bytes(bytes: &[u8]) -> Result<Disk, ReadError> {
    read(&mut Cursor::new(bytes))
}

#[test]
fn an_active_flag_counts_even_in_an_empty_entry() {
    let mut bytes = empty();
    bytes[0] = 0x90;
    put(&mut bytes, 0, 0x80, 0x0C, 10, 80);
    assert!(read_bytes(&bytes).unwrap().active().is_some());
    put(&mut bytes, 2, 0x80, 0, 0, 0);
    let disk = read_bytes(&bytes).unwrap();
    assert!(disk.faults().contains(&Fault::SeveralActive { count: 2 }));
    assert_eq!(disk.active(), None);
}

#[test]
fn a_volume_without_a_table_is_told_from_a_disk() {
    let mut bytes = empty();
    bytes[..3].copy_from_slice(&[0xEB, 0x58, 0x90]);
    bytes[0x0B..0x0D].copy_from_slice(&512_u16.to_le_bytes());
    bytes[0x52..0x5A].copy_from_slice(b"FAT32   ");
    let disk = read_bytes(&bytes).unwrap();
    assert_eq!((disk.table(), disk.partitions().len()), (TableKind::None, 0));
    assert_eq!(disk.volume().unwrap().range(), 0..51_200);
    assert_eq!(disk.faults(), []);
    // Boot code in place of the entries, and larger sectors.
    bytes[446..510].fill(0x90);
    bytes[0x0B..0x0D].copy_from_slice(&4096_u16.to_le_bytes());
    let disk = read_bytes(&bytes).unwrap();
    assert_eq!((disk.table(), disk.sector_size()), (TableKind::None, SectorSize::B4096));
    assert_eq!(disk.volume().unwrap().range(), 0..49_152);
    // Boot code may begin like a volume; the table says what it is.
    bytes[446..510].fill(0);
    put(&mut bytes, 0, 0x80, 0x0C, 10, 80);
    assert_eq!(read_bytes(&bytes).unwrap().table(), TableKind::Mbr);
}

#[test]
fn a_table_is_read_and_its_faults_are_told() {
    let mut bytes = empty();
    bytes[440..444].copy_from_slice(&0xAABB_CCDD_u32.to_le_bytes());
    bytes[0] = 0x90;
    put(&mut bytes, 1, 0x80, 0x0C, 10, 80);
    let disk = read_bytes(&bytes).unwrap();
    assert_eq!((disk.len(), disk.signature(), disk.code()), (51_200, 0xAABB_CCDD, Code::Other));
    let partition = disk.active().unwrap();
    assert_eq!(
        (partition.number(), partition.kind(), partition.may_be_fat32()),
        (2, PartitionKind::Mbr(0x0C), true)
    );
    assert_eq!(partition.range(), 5_120..46_080);
    assert_eq!(disk.faults(), []);

    put(&mut bytes, 0, 0x80, 7, 89, 12);
    put(&mut bytes, 3, 0, 0x83, 0, 0);
    bytes[0] = 0;
    bytes[440..444].fill(0);
    let disk = read_bytes(&bytes).unwrap();
    assert_eq!(disk.active(), None);
    assert_eq!(
        disk.faults(),
        [
            Fault::NoSignature,
            Fault::SeveralActive { count: 2 },
            Fault::NoCode,
            Fault::PastTheEnd { number: 1, end: 51_712, len: 51_200 },
            Fault::Malformed { number: 4, start: 0, end: 0 },
            Fault::Overlap { first: 1, second: 2 },
        ]
    );
    assert_eq!(
        read_bytes(&empty()).unwrap().faults(),
        [Fault::NoSignature, Fault::NoneActive, Fault::NoCode]
    );
}

#[test]
fn the_largest_entry_does_not_overflow() {
    let mut bytes = empty();
    put(&mut bytes, 0, 0x80, 0x0C, u32::MAX, u32::MAX);
    let disk = read_bytes(&bytes).unwrap();
    assert_eq!(disk.partitions()[0].range().end, 2 * 512 * u64::from(u32::MAX));
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(matches!(read_bytes(&[0; 511]), Err(ReadError::TooShort { len: 511 })));
    assert!(matches!(read_bytes(&[7; 512]), Err(ReadError::NoTable { found: [7, 7] })));
    let mut bytes = empty();
    put(&mut bytes, 2, 0x7F, 0x0C, 1, 1);
    let error = read_bytes(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "no partition table: entry 3 begins with 7F, not with 80 or 00");
    let mut bytes = empty();
    put(&mut bytes, 0, 0, 0xEE, 1, 99);
    assert_eq!(
        read_bytes(&bytes).unwrap_err().to_string(),
        "no copy of the GPT can be used: at the start of the disk, no EFI PART at byte 512; at its \
         end, no EFI PART at byte 50688"
    );
}
