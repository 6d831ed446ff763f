//! A disk with a GPT, changed anywhere in its tables: the reader ends, without a panic, and tells a
//! fault where a partition leaves the disk.

#![no_main]

use std::io::{Cursor, Read};

use disk_image::{DiskOptions, Fault, Gpt, Guid, ReadError, SectorSize, Table};
use extent_image::PlanBuilder;
use libfuzzer_sys::fuzz_target;

/// Bytes of the disk.
const DISK: usize = 2 << 20;

// The first byte: sectors of 4096 bytes, checksums made right again, an end that is cut off. Then
// changes: place in the tables, length, bytes.
fuzz_target!(|data: &[u8]| {
    let Some((flags, changes)) = data.split_first() else { return };
    let size = if flags & 1 == 0 { SectorSize::B512 } else { SectorSize::B4096 };
    let mut bytes = image(size);
    change(&mut bytes, changes);
    if flags & 2 != 0 {
        seal(&mut bytes, size);
    }
    bytes.truncate(DISK >> (flags >> 6));
    check(&bytes);
});

fn image(size: SectorSize) -> Vec<u8> {
    let mut volume = PlanBuilder::new();
    volume.zero("volume", 512 << 10).expect("it is short");
    let table = Gpt::new(Guid::from_digest([1; 16]), Guid::from_digest([2; 16]));
    let options = DiskOptions::new(Table::Gpt(table)).with_sector_size(size);
    let plan = disk_image::disk(&volume.finish(), &options.with_disk_len(DISK as u64));
    let mut bytes = Vec::new();
    let disk = plan.expect("there is room");
    disk.reader().read_to_end(&mut bytes).expect("memory can be read");
    bytes
}

fn change(bytes: &mut [u8], mut changes: &[u8]) {
    while let Some(([low, high, len], rest)) = changes.split_first_chunk() {
        let (new, rest) = rest.split_at(usize::from(len % 17).min(rest.len()));
        // The tables fill 24 KiB at the start, and 20 KiB at the end.
        let place = usize::from(u16::from_le_bytes([*low, *high])) % (44 << 10);
        let at = if place < 24 << 10 { place } else { DISK - (44 << 10) + place };
        let end = bytes.len().min(at + new.len());
        bytes[at..end].copy_from_slice(&new[..end - at]);
        changes = rest;
    }
}

/// Makes the checksums of both copies right, where what they cover is there.
fn seal(bytes: &mut [u8], size: SectorSize) {
    let sector = size.bytes() as usize;
    for header in [sector, DISK - sector] {
        let field = |bytes: &[u8], at| {
            let bytes = bytes[header + at..].first_chunk().expect("a header of 92 bytes");
            u32::from_le_bytes(*bytes) as usize
        };
        let at = field(bytes, 72).saturating_mul(sector);
        let len = field(bytes, 80).saturating_mul(field(bytes, 84));
        if let Some(entries) = bytes.get(at..at.saturating_add(len)) {
            let crc = crc32fast::hash(entries).to_le_bytes();
            bytes[header + 88..header + 92].copy_from_slice(&crc);
        }
        bytes[header + 16..header + 20].fill(0);
        let len = field(bytes, 12);
        if let Some(whole) = bytes.get(header..header.saturating_add(len)) {
            let crc = crc32fast::hash(whole).to_le_bytes();
            bytes[header + 16..header + 20].copy_from_slice(&crc);
        }
    }
}

fn check(bytes: &[u8]) {
    let len = bytes.len() as u64;
    let disk = match disk_image::read(&mut Cursor::new(bytes)) {
        Ok(disk) => disk,
        // All bytes are in memory.
        Err(error @ ReadError::Io(_)) => panic!("{error:?}"),
        Err(error) => return drop(error.to_string()),
    };
    for fault in disk.faults() {
        let _ = fault.to_string();
    }
    assert!(disk.partitions().len() <= 8192);
    for partition in disk.partitions() {
        let (number, end) = (partition.number(), partition.range().end);
        let told = disk.faults().contains(&Fault::PastTheEnd { number, end, len });
        assert_eq!(told, end > len);
        let mut sector = [0; 512];
        let _ = partition.open(Cursor::new(bytes)).read(&mut sector).expect("memory can be read");
    }
}
