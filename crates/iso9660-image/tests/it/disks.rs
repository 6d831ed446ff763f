//! Images that are disc and disk: what may overlap, what lies behind the volume, partition tables.

use extent_image::Data;
use iso9660_image::check::{FaultKind, Image};
use iso9660_image::{BootEntry, BootImage, Platform};

use crate::build::{assert_clean, faults, image, options, pattern, tree};
use crate::defects::{BOOT_RECORD, PRIMARY, le32};

const SECTOR: usize = 2048;

/// The first sector of a FAT volume of so many blocks of 512 bytes.
fn fat(blocks: u32) -> Vec<u8> {
    let mut sector = vec![0; SECTOR];
    sector[..3].copy_from_slice(&[0xEB, 0x58, 0x90]);
    sector[11..17].copy_from_slice(&[0, 2, 8, 32, 0, 2]);
    sector[32..36].copy_from_slice(&blocks.to_le_bytes());
    sector[510..512].copy_from_slice(&[0x55, 0xAA]);
    sector
}

/// A UEFI image that no directory names, before two files of three sectors.
fn with_hidden_image(content: &[u8], count: u16) -> Vec<u8> {
    let hidden = BootImage::Hidden(Data::bytes("esp", content.to_vec()));
    let entry = BootEntry::new(Platform::Efi, hidden).with_sector_count(count);
    let tree = tree(&[("a.wim", &pattern(5000)), ("b.wim", &pattern(6000))]);
    image(&tree, &options().with_boot_entry(entry))
}

/// Where the LBA of the first boot image is stated, and the LBA.
fn boot_image(image: &[u8]) -> (usize, usize) {
    let at = le32(image, BOOT_RECORD + 71) * SECTOR + 40;
    (at, le32(image, at))
}

#[test]
fn a_fat_volume_holds_files_of_the_trees() {
    // One sector of its own, two files of three; then up to the end of the volume.
    for sectors in [7, 7 + 150] {
        assert_clean(&with_hidden_image(&fat(4 * sectors), 0));
    }
    // It ends inside of the second file.
    let image = with_hidden_image(&fat(4 * 6), 0);
    let (at, lba) = boot_image(&image);
    let [fault] = &faults(&image)[..] else { panic!("{:#?}", faults(&image)) };
    assert_eq!(fault.position, at as u64);
    let (first, last) = (lba as u64 + 4, lba as u64 + 5);
    assert!(
        matches!(fault.kind, FaultKind::Overlap { first: f, last: l, .. } if (f, l) == (first, last)),
        "{fault}"
    );
    // Longer than the file.
    let image = with_hidden_image(&fat(4 * 1000), 0);
    let outside = |kind: &FaultKind| matches!(kind, FaultKind::BootImageOutside { .. });
    assert!(faults(&image).iter().all(|f| f.position == at as u64 && outside(&f.kind)));
    // No FAT volume: what its count covers is its own.
    let image = with_hidden_image(&pattern(SECTOR), 4 * 4);
    let overlap = |kind: &FaultKind| matches!(kind, FaultKind::Overlap { .. });
    let found = faults(&image);
    assert!(found.len() == 1 && found[0].position == at as u64 && overlap(&found[0].kind));
}

#[test]
fn a_fat_volume_holds_no_structures_and_no_overlapping_files() {
    let mut image = with_hidden_image(&fat(4 * 7), 0);
    let (at, lba) = boot_image(&image);
    // It begins ten sectors earlier, over the directories.
    image.copy_within(lba * SECTOR..(lba + 1) * SECTOR, 4 * SECTOR);
    image[at..at + 4].copy_from_slice(&4u32.to_le_bytes());
    image[4 * SECTOR + 32..4 * SECTOR + 34].copy_from_slice(&[128, 0]);
    let found = faults(&image);
    assert!(
        matches!(found[..], [ref f] if matches!(f.kind, FaultKind::BootImageOverlap { lba: 4 }))
    );
    // A file over another is no less a fault for lying inside.
    let mut image = with_hidden_image(&fat(4 * 7), 0);
    let b = crate::defects::primary(&image, &["B.WIM;1"]);
    let moved = le32(&image, b + 2) as u32 - 1;
    crate::defects::put_both32(&mut image, b + 2, moved);
    assert!(faults(&image).iter().any(|f| matches!(f.kind, FaultKind::Overlap { .. })));
}

#[test]
fn a_partition_behind_the_volume() {
    let mut image = with_hidden_image(&fat(4), 0);
    let (at, _) = boot_image(&image);
    let volume = image.len() / SECTOR;
    image.extend_from_slice(&fat(4 * 10));
    image.resize((volume + 10) * SECTOR, 0);
    image[at..at + 4].copy_from_slice(&(volume as u32).to_le_bytes());
    assert_clean(&image);
    assert_eq!(le32(&image, PRIMARY + 80), volume);
    let opened = Image::open(std::io::Cursor::new(&image)).unwrap();
    assert_eq!(opened.boot_entries()[0].lba.sector() as usize, volume);
    image.truncate((volume + 9) * SECTOR);
    let found = faults(&image);
    assert!(matches!(found[..], [ref f] if matches!(f.kind, FaultKind::BootImageOutside { .. })));
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// Fits the CRCs of the header at `block`.
fn seal_gpt(image: &mut [u8], block: usize) {
    let header = block * 512;
    let entries = le32(image, header + 72) * 512;
    let crc = crc32(&image[entries..entries + 128 * 128]);
    put(image, header + 88, &crc.to_le_bytes());
    put(image, header + 16, &[0; 4]);
    let crc = crc32(&image[header..header + 92]);
    put(image, header + 16, &crc.to_le_bytes());
}

/// An image with a protective partition, two GUID partition tables, and one partition.
fn with_gpt() -> (Vec<u8>, usize) {
    let mut image = with_hidden_image(&fat(4), 0);
    image.resize(image.len() + 10 * SECTOR, 0);
    let last = image.len() / 512 - 1;
    put(&mut image, 446, &[0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]);
    put(&mut image, 458, &(last as u32).to_le_bytes());
    put(&mut image, 510, &[0x55, 0xAA]);
    for (block, other, entries) in [(1, last, 2), (last, 1, last - 32)] {
        let at = block * 512;
        put(&mut image, at, b"EFI PART\0\0\x01\0\x5C\0\0\0");
        for (offset, value) in [(24, block), (32, other), (40, 34), (48, last - 33), (72, entries)]
        {
            put(&mut image, at + offset, &(value as u64).to_le_bytes());
        }
        put(&mut image, at + 56, &[7; 16]);
        put(&mut image, at + 80, &[128, 0, 0, 0, 128, 0, 0, 0]);
        let entry = entries * 512;
        put(&mut image, entry, &[9; 32]);
        put(&mut image, entry + 32, &100u64.to_le_bytes());
        put(&mut image, entry + 40, &200u64.to_le_bytes());
        seal_gpt(&mut image, block);
    }
    (image, last)
}

#[test]
fn partition_tables() {
    let (clean, last) = with_gpt();
    assert_clean(&clean);
    let second = last * 512;
    // Bytes to change, header to fit the CRCs of, where the fault is.
    let rows: &[(usize, &[u8], Option<usize>, usize)] = &[
        (446, &[1], None, 446),
        (458, &[0xFF, 0xFF, 0xFF, 0x7F], None, 454),
        (458, &[0; 4], None, 458),
        (512, b"X", None, 512),
        (512 + 40, &[35], None, 512 + 16),
        (512 + 24, &[2], Some(1), 512 + 24),
        (512 + 48, &[0xFF; 4], Some(1), 512 + 40),
        (512 + 32, &[9, 0, 0], Some(1), 512 + 32),
        (512 + 72, &[0xFF; 4], None, 512 + 72),
        (512 + 84, &[3], None, 512 + 80),
        (1024 + 5, &[1], None, 512 + 88),
        (1024 + 40, &[1, 0], Some(1), 1024 + 32),
        (1024 + 40, &[0xFF; 4], Some(1), 1024 + 32),
        (second, b"X", None, 512 + 32),
        (second + 56, &[1], Some(last), second + 56),
        (second + 32, &[2], Some(last), second + 32),
        (second - 32 * 512 + 9, &[1], None, second + 88),
    ];
    for (at, bytes, sealed, position) in rows {
        let mut image = clean.clone();
        put(&mut image, *at, bytes);
        if let Some(block) = sealed {
            seal_gpt(&mut image, *block);
        }
        let found = faults(&image);
        let hit = found.iter().any(|fault| fault.position == *position as u64);
        assert!(hit, "changed at {at}: {found:#?}");
    }
    // Code without partitions.
    let mut code = with_hidden_image(&fat(4), 0);
    code[..446].fill(0x90);
    put(&mut code, 510, &[0x55, 0xAA]);
    assert_clean(&code);
}

#[test]
fn a_boot_info_table_with_one_wrong_number() {
    let tree = tree(&[("loader.bin", &pattern(4096))]);
    let entry =
        BootEntry::new(Platform::Bios, BootImage::File(crate::build::find(&tree, "loader.bin")));
    let mut clean = image(&tree, &options().with_boot_entry(entry));
    let (_, lba) = boot_image(&clean);
    let start = lba * SECTOR;
    let words = clean[start + 64..start + 4096].chunks(4);
    let sum = words
        .fold(0u32, |sum, word| sum.wrapping_add(u32::from_le_bytes(word.try_into().unwrap())));
    for (at, value) in [(8, 16), (12, lba as u32), (16, 4096), (20, sum)] {
        put(&mut clean, start + at, &value.to_le_bytes());
    }
    clean[start + 24..start + 64].fill(0);
    assert_clean(&clean);
    let mut image = clean.clone();
    image[start + 63] = 1;
    let found = faults(&image);
    assert!(found.len() == 1 && found[0].position == (start + 63) as u64, "{found:#?}");
    for at in [8, 12, 16, 20] {
        let mut image = clean.clone();
        image[start + at] ^= 1;
        let found = faults(&image);
        let [fault] = &found[..] else { panic!("{found:#?}") };
        assert_eq!(fault.position, (start + at) as u64);
        assert!(matches!(fault.kind, FaultKind::BootInfo { .. }));
    }
}
