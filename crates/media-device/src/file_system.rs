//! A look into the first sectors of a drive or partition: what may be lost when it is written.
//!
//! Only for people to know a stick by. Nothing is checked, nothing is decided by it, and at most a
//! few dozen sectors are read.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::drive::FileSystem;
use crate::text;

/// Of a root directory: an entry for the label is among the first.
const DIRECTORY: u64 = 8192;

/// Where a label may be found.
enum Label {
    None,
    /// This is it.
    Text(Option<String>),
    /// In a directory of FAT that begins at this byte; else this one.
    Fat(u64, Option<String>),
    /// In a directory of exFAT that begins at this byte.
    ExFat(u64),
}

/// `None` for what is not known, empty, or cannot be read: whoever may not read drives, and a drive
/// that fails, are met again when it is opened for writing.
pub(crate) fn look_at(node: &Path, len: u64) -> Option<FileSystem> {
    if len == 0 {
        return None;
    }
    look(&mut File::open(node).ok()?)
}

fn look(file: &mut File) -> Option<FileSystem> {
    let first = read(file, 0, 4096)?;
    let found = fat(&first)
        .or_else(|| by_signature(&first))
        .or_else(|| iso9660(&read(file, 16 * 2048, 2048)?))
        .or_else(|| btrfs(&read(file, 64 << 10, 4096)?));
    let (kind, label) = found?;
    let label = match label {
        Label::None => None,
        Label::Text(text) => text,
        Label::Fat(start, other) => {
            read(file, start, DIRECTORY).and_then(|directory| fat_label(&directory)).or(other)
        }
        Label::ExFat(start) => {
            read(file, start, DIRECTORY).and_then(|directory| exfat_label(&directory))
        }
    };
    Some(FileSystem { kind, label })
}

/// Up to `len` bytes from `start` on.
fn read(file: &mut File, start: u64, len: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start)).ok()?;
    file.take(len).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Microsoft's FAT specification, section 3, and its determination of the FAT type.
fn fat(boot: &[u8]) -> Option<(&'static str, Label)> {
    let sector = u64::from(u16_at(boot, 11)?);
    let cluster = u64::from(*boot.get(13)?);
    let reserved = u64::from(u16_at(boot, 14)?);
    let fats = u64::from(*boot.get(16)?);
    let entries = u64::from(u16_at(boot, 17)?);
    let or =
        |short: u64, long| if short != 0 { Some(short) } else { u32_at(boot, long).map(u64::from) };
    let all = or(u64::from(u16_at(boot, 19)?), 32)?;
    let fat = or(u64::from(u16_at(boot, 22)?), 36)?;
    let plausible = matches!(sector, 512 | 1024 | 2048 | 4096)
        && cluster.is_power_of_two()
        && reserved != 0
        && matches!(fats, 1 | 2)
        && fat != 0
        && boot.get(510..512)? == [0x55, 0xAA];
    if !plausible {
        return None;
    }
    let root = (entries * 32).div_ceil(sector);
    let data = reserved + fats * fat + root;
    let clusters = all.checked_sub(data)? / cluster;
    let (kind, label, start) = match clusters {
        // FAT32 says which cluster is the root's first; the others have it before the data.
        65525.. => {
            let first = u64::from(u32_at(boot, 44)?).checked_sub(2)?;
            ("FAT32", boot.get(71..82)?, data + first * cluster)
        }
        4085.. => ("FAT16", boot.get(43..54)?, data - root),
        _ => ("FAT12", boot.get(43..54)?, data - root),
    };
    let other = dos_text(label).filter(|label| label != "NO NAME");
    Some((kind, Label::Fat(start * sector, other)))
}

/// The entry with the attribute of a label (8), and not of a long name (15).
fn fat_label(directory: &[u8]) -> Option<String> {
    let entries = directory.chunks_exact(32).take_while(|entry| entry.first() != Some(&0));
    let mut labels = entries.filter(|entry| {
        entry.first() != Some(&0xE5) && entry.get(11).is_some_and(|kind| kind & 0x3F & !0x20 == 8)
    });
    dos_text(labels.next()?.get(..11)?)
}

/// The code page is not known: what is not ASCII becomes `_`.
fn dos_text(bytes: &[u8]) -> Option<String> {
    text::ascii(bytes)
}

/// Microsoft's exFAT specification, sections 3.1 and 7.3.
fn exfat(boot: &[u8]) -> Option<Label> {
    let sector = 1u64.checked_shl(u32::from(*boot.get(108)?).min(12))?;
    let cluster = u32::from(*boot.get(109)?).min(25);
    let heap = u64::from(u32_at(boot, 88)?);
    let first = u64::from(u32_at(boot, 96)?).checked_sub(2)?;
    Some(Label::ExFat((heap + (first << cluster)).checked_mul(sector)?))
}

fn exfat_label(directory: &[u8]) -> Option<String> {
    let mut entries = directory.chunks_exact(32).take_while(|entry| entry.first() != Some(&0));
    let entry = entries.find(|entry| entry.first() == Some(&0x83))?;
    let len = usize::from(*entry.get(1)?).min(11);
    let units = entry.get(2..2 + 2 * len)?.chunks_exact(2);
    let units: Vec<u16> = units.filter_map(|unit| u16_at(unit, 0)).collect();
    text::label(&String::from_utf16_lossy(&units))
}

fn by_signature(first: &[u8]) -> Option<(&'static str, Label)> {
    let at = |start: usize, bytes: &[u8]| {
        first.get(start..).is_some_and(|behind| behind.starts_with(bytes))
    };
    let text = |start: usize, len: usize| Label::Text(utf8(first.get(start..start + len)));
    Some(match () {
        () if at(3, b"EXFAT   ") => ("exFAT", exfat(first).unwrap_or(Label::None)),
        () if at(3, b"NTFS    ") => ("NTFS", Label::None),
        () if at(3, b"-FVE-FS-") => ("BitLocker", Label::None),
        () if at(1024 + 56, &[0x53, 0xEF]) => (ext(first), text(1024 + 120, 16)),
        () if at(0, b"XFSB") => ("XFS", text(108, 12)),
        () if at(0, b"LUKS\xBA\xBE") => ("LUKS", Label::None),
        () if at(512, b"LABELONE") => ("LVM", Label::None),
        () if at(1024, &[0x10, 0x20, 0xF5, 0xF2]) => ("F2FS", Label::None),
        () if at(4086, b"SWAPSPACE2") => ("swap", text(1024 + 28, 16)),
        () => return None,
    })
}

/// By the features in the superblock: extents make ext4, a journal ext3.
fn ext(first: &[u8]) -> &'static str {
    let feature = |offset: usize| u32_at(first, 1024 + offset).unwrap_or(0);
    match () {
        () if feature(96) & 0x40 != 0 => "ext4",
        () if feature(92) & 4 != 0 => "ext3",
        () => "ext2",
    }
}

/// ECMA-119, section 8.4: the volume's name is in bytes 40 to 71.
fn iso9660(descriptor: &[u8]) -> Option<(&'static str, Label)> {
    let found = descriptor.get(1..6)? == b"CD001";
    found
        .then(|| ("ISO 9660", Label::Text(text::ascii(descriptor.get(40..72).unwrap_or_default()))))
}

fn btrfs(superblock: &[u8]) -> Option<(&'static str, Label)> {
    let found = superblock.get(64..72)? == b"_BHRfS_M";
    found.then(|| ("btrfs", Label::Text(utf8(superblock.get(299..299 + 256)))))
}

fn utf8(bytes: Option<&[u8]>) -> Option<String> {
    text::label(&String::from_utf8_lossy(bytes?))
}

fn u16_at(bytes: &[u8], start: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(start..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], start: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(start..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8]) {
        if image.len() < at + bytes.len() {
            image.resize(at + bytes.len(), 0);
        }
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn seen(image: &[u8]) -> Option<(&'static str, Option<String>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(image).unwrap();
        // Drives end with whole sectors.
        file.write_all(&vec![0; image.len().next_multiple_of(4096) - image.len()]).unwrap();
        look_at(file.path(), 1 << 30).map(|found| (found.kind, found.label))
    }

    fn label(kind: &'static str, label: &str) -> Option<(&'static str, Option<String>)> {
        Some((kind, Some(label.to_owned())))
    }

    /// Sectors of 512, one in a cluster.
    fn boot_sector(reserved: u16, entries: u16, all: u32, fat: u32) -> Vec<u8> {
        let mut image = vec![0; 512];
        put(&mut image, 11, &512u16.to_le_bytes());
        image[13] = 1;
        put(&mut image, 14, &reserved.to_le_bytes());
        image[16] = 2;
        put(&mut image, 17, &entries.to_le_bytes());
        put(&mut image, 32, &all.to_le_bytes());
        put(&mut image, if entries == 0 { 36 } else { 22 }, &(fat as u16).to_le_bytes());
        put(&mut image, 510, &[0x55, 0xAA]);
        image
    }

    #[test]
    fn labels_of_fat_are_those_of_the_root_directory() {
        let mut image = boot_sector(32, 0, 80_000, 600);
        put(&mut image, 44, &3u32.to_le_bytes());
        put(&mut image, 71, b"NO NAME    ");
        assert_eq!(seen(&image), Some(("FAT32", None)));
        put(&mut image, 71, b"BOOT RECORD");
        assert_eq!(seen(&image), label("FAT32", "BOOT RECORD"));
        // Cluster 3 is the data's second. A deleted label, a long name, then the label.
        let root = (32 + 1200 + 1) * 512;
        put(&mut image, root, b"\xE5LD LABEL  \x08");
        put(&mut image, root + 32, b"Axxxxxxxxxx\x0F");
        put(&mut image, root + 64, b"HOLIDAY 24 \x08");
        assert_eq!(seen(&image), label("FAT32", "HOLIDAY 24"));
        put(&mut image, root, &[0]);
        assert_eq!(seen(&image), label("FAT32", "BOOT RECORD"), "nothing is behind the end");

        let mut image = boot_sector(1, 512, 30_000, 120);
        put(&mut image, 241 * 512, b"OLD\x1B[2JCARD\x28");
        assert_eq!(seen(&image), label("FAT16", "OLD_[2JCARD"));
        assert_eq!(seen(&boot_sector(1, 512, 3000, 12)), Some(("FAT12", None)));
        // No volume: a boot sector with a table of partitions.
        let mut image = vec![0; 512];
        put(&mut image, 510, &[0x55, 0xAA]);
        assert_eq!(seen(&image), None);
    }

    #[test]
    fn others_are_known_by_their_signatures() {
        let with = |parts: &[(usize, &[u8])]| {
            let mut image = vec![0; 4096];
            parts.iter().for_each(|(at, bytes)| put(&mut image, *at, bytes));
            seen(&image)
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[(3, b"NTFS    ")]), Some(("NTFS", None)));
        assert_eq!(with(&[(3, b"-FVE-FS-")]), Some(("BitLocker", None)));
        assert_eq!(with(&[(0, b"LUKS\xBA\xBE")]), Some(("LUKS", None)));
        assert_eq!(with(&[(512, b"LABELONE")]), Some(("LVM", None)));
        assert_eq!(with(&[(0, b"XFSB"), (108, b"data")]), label("XFS", "data"));
        assert_eq!(
            with(&[(1080, b"\x53\xEF"), (1144, "Größe".as_bytes())]),
            label("ext2", "Größe")
        );
        assert_eq!(with(&[(1080, b"\x53\xEF"), (1116, b"\x04")]), Some(("ext3", None)));
        assert_eq!(with(&[(1080, b"\x53\xEF"), (1120, b"\x40")]), Some(("ext4", None)));
        assert_eq!(with(&[(4086, b"SWAPSPACE2"), (1052, b"sw")]), label("swap", "sw"));
        assert_eq!(
            with(&[(32_769, b"CD001"), (32_808, b"MY_DISC   ")]),
            label("ISO 9660", "MY_DISC")
        );
        let btrfs: [(usize, &[u8]); 2] = [(65_600, b"_BHRfS_M"), (65_835, b"pool")];
        let mut image = vec![0; 70_000];
        btrfs.iter().for_each(|(at, bytes)| put(&mut image, *at, bytes));
        assert_eq!(seen(&image), label("btrfs", "pool"));
        // exFAT: sectors of 512, clusters of eight, the heap at sector 64, the root in cluster 3.
        let name: Vec<u8> = "大切".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let exfat: [(usize, &[u8]); 6] = [
            (3, b"EXFAT   "),
            (88, &64u32.to_le_bytes()),
            (96, &3u32.to_le_bytes()),
            (108, &[9, 3]),
            (72 * 512, &[0x83, 2]),
            (72 * 512 + 2, &name),
        ];
        assert_eq!(with(&exfat), label("exFAT", "大切"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(
            bytes in proptest::collection::vec(any::<u8>(), 0..4096),
            kind in prop::sample::select(vec![&b"EXFAT   "[..], b"MSDOS5.0", b"NTFS    "]),
            numbers in any::<[u32; 4]>(),
        ) {
            let mut image = bytes;
            image.resize(4096, 0);
            put(&mut image, 3, kind);
            put(&mut image, 510, &[0x55, 0xAA]);
            seen(&image);
            // Numbers that pass for those of a volume.
            put(&mut image, 11, &4096u16.to_le_bytes());
            put(&mut image, 13, &[128, 1, 0, 2]);
            put(&mut image, 19, &[0, 0]);
            put(&mut image, 22, &[0, 0]);
            for (at, number) in [32, 36, 44, 88].into_iter().zip(numbers) {
                put(&mut image, at, &number.to_le_bytes());
            }
            seen(&image);
        }
    }
}
