//! Files in a FAT12 volume: what the UEFI of Windows' own discs starts is the image of a floppy.
//! `fat32_image::check` reads FAT16 and FAT32, which media consist of; here a few files with short
//! names are looked for, and no more.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of a slot.
const SLOT: usize = 32;
/// Clusters from which on a volume is FAT16.
const TOO_MANY: u64 = 4085;
/// Bytes of a table with an entry of 12 bits for each cluster, and the two before the first.
const FAT_LEN: u64 = (TOO_MANY + 2).div_ceil(2) * 3;

/// A volume in a disc or a file. Of it only what is asked for is read.
pub(crate) struct Floppy<'a, R> {
    image: &'a mut R,
    /// The volume's first byte.
    start: u64,
    fat: Vec<u8>,
    root: Vec<u8>,
    /// Where cluster 2 begins, from `start` on.
    data: u64,
    cluster_size: u64,
    clusters: u64,
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u64::from(u16::from_le_bytes(*bytes)))
}

/// The bytes there, fewer where the image ends.
fn read(image: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Vec<u8>> {
    image.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    image.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a boot sector says; places in bytes from it on.
struct Layout {
    fat: u64,
    root: u64,
    root_len: u64,
    data: u64,
    cluster_size: u64,
    clusters: u64,
}

/// `None` for anything but FAT12.
fn layout(sector: &[u8]) -> Option<Layout> {
    let byte = |at: usize| sector.get(at).copied().map(u64::from);
    let (size, per_cluster) = (number(sector, 11)?, byte(13)?);
    let (reserved, fats) = (number(sector, 14)?, byte(16)?);
    let (slots, fat_sectors) = (number(sector, 17)?, number(sector, 22)?);
    let sectors = match number(sector, 19)? {
        0 => u64::from(u32::from_le_bytes(*sector.get(32..)?.first_chunk()?)),
        sectors => sectors,
    };
    let good = size.is_power_of_two()
        && (512..=4096).contains(&size)
        && per_cluster.is_power_of_two()
        && (1..=2).contains(&fats)
        && fat_sectors > 0;
    if !good {
        return None;
    }
    // Sums of products of fields of at most 32 bits with at most 8192.
    let fat = reserved * size;
    let root = fat + fats * fat_sectors * size;
    let root_len = slots * u64::try_from(SLOT).ok()?;
    let data = root + root_len.next_multiple_of(size);
    let cluster_size = per_cluster * size;
    let clusters = (sectors * size).checked_sub(data)? / cluster_size;
    let layout = Layout { fat, root, root_len, data, cluster_size, clusters };
    (clusters < TOO_MANY).then_some(layout)
}

impl<'a, R: Read + Seek> Floppy<'a, R> {
    /// The volume that begins at byte `start`; `None` for anything but FAT12.
    pub(crate) fn open(image: &'a mut R, start: u64) -> io::Result<Option<Self>> {
        let Some(found) = layout(&read(image, start, 512)?) else { return Ok(None) };
        let Layout { fat, root, root_len, data, cluster_size, clusters } = found;
        let fat = read(image, start.saturating_add(fat), FAT_LEN)?;
        let root = read(image, start.saturating_add(root), root_len)?;
        Ok(Some(Self { image, start, fat, root, data, cluster_size, clusters }))
    }

    /// The content of the file at `path`, which is one of short names in any case, separated by `/`.
    ///
    /// # Errors
    /// Where the file, or a folder on the way, cannot be followed to its end or is longer than
    /// `longest`, [`io::ErrorKind::InvalidData`].
    pub(crate) fn read(&mut self, path: &str, longest: u64) -> io::Result<Option<Vec<u8>>> {
        let mut names = path.split('/').peekable();
        let mut folder = self.root.clone();
        while let Some(name) = names.next() {
            let is_folder = names.peek().is_some();
            let Some(slot) = find(&folder, name, is_folder) else { return Ok(None) };
            let [.., c0, c1, l0, l1, l2, l3] = slot;
            let cluster = u64::from(u16::from_le_bytes([c0, c1]));
            if is_folder {
                folder = self.chain(cluster, u64::MAX, longest)?;
            } else {
                let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
                return self.chain(cluster, len, longest).map(Some);
            }
        }
        Ok(None)
    }

    /// At most `len` bytes of the clusters from `cluster` on; fewer only where `len` is that of no
    /// file. Each cluster is there once at most, or the chain runs in a circle.
    fn chain(&mut self, mut cluster: u64, len: u64, longest: u64) -> io::Result<Vec<u8>> {
        let damaged = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut bytes = Vec::new();
        let mut left = len;
        if left == 0 {
            return Ok(bytes);
        }
        for _ in 0..self.clusters {
            let index = cluster.checked_sub(2).filter(|index| *index < self.clusters);
            let index = index.ok_or_else(|| damaged("its chain of clusters leads nowhere"))?;
            let at = self.start.saturating_add(self.data + index * self.cluster_size);
            let wanted = left.min(self.cluster_size);
            let content = read(self.image, at, wanted)?;
            if u64::try_from(content.len()).ok() != Some(wanted) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend(content);
            if u64::try_from(bytes.len()).is_ok_and(|len| len > longest) {
                return Err(damaged("it is longer than any that is read"));
            }
            left -= wanted;
            // Entries of 12 bits, two in three bytes.
            let at = usize::try_from(cluster + cluster / 2).unwrap_or(usize::MAX);
            let pair = number(&self.fat, at).ok_or_else(|| damaged("its table is cut off"))?;
            cluster = if cluster.is_multiple_of(2) { pair & 0xFFF } else { pair >> 4 };
            if left == 0 || (cluster >= 0xFF8 && len == u64::MAX) {
                return Ok(bytes);
            }
        }
        Err(damaged("its chain of clusters does not reach its end"))
    }
}

fn find(folder: &[u8], name: &str, is_folder: bool) -> Option<[u8; SLOT]> {
    let (slots, _) = folder.as_chunks::<SLOT>();
    let matches = |slot: &&[u8; SLOT]| {
        let (base, rest) = slot.split_at(8);
        let (extension, rest) = rest.split_at(3);
        let attributes = rest.first().copied().unwrap_or_default();
        let [base, extension] =
            [base, extension].map(|part| String::from_utf8_lossy(part).trim_end().to_owned());
        let found = if extension.is_empty() { base } else { format!("{base}.{extension}") };
        // Neither a label nor a part of a long name.
        attributes & 0x08 == 0
            && (attributes & 0x10 != 0) == is_folder
            && found.eq_ignore_ascii_case(name)
    };
    slots.iter().take_while(|slot| slot.first() != Some(&0)).find(matches).copied()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use disk_image::boot_code::standin;
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    /// The sample's floppy, as the sample's boot image holds it.
    fn floppy() -> Vec<u8> {
        sample::floppy()
    }

    fn read(image: &[u8], path: &str) -> Option<Option<Vec<u8>>> {
        let mut image = Cursor::new(image);
        let mut floppy = Floppy::open(&mut image, 0).unwrap()?;
        floppy.read(path, 1 << 20).ok()
    }

    #[test]
    fn a_loader_is_found() {
        let image = floppy();
        assert_eq!(read(&image, "efi/boot/BootX64.efi"), Some(Some(standin::BOOTX64.to_vec())));
        for path in ["EFI", "EFI/BOOT", "EFI/BOOT/BOOTIA32.EFI", "EFI/BOOT/BOOTX64.EFI/X", ""] {
            assert_eq!(read(&image, path), Some(None), "{path}");
        }
        assert_eq!(read(&image[..20], "EFI"), None);
        assert_eq!(read(b"", "EFI"), None);
    }

    #[test]
    fn what_cannot_be_followed_is_told() {
        let image = floppy();
        let file = "EFI/BOOT/BOOTX64.EFI";
        let mut at = Cursor::new(&image[..]);
        let error = Floppy::open(&mut at, 0).unwrap().unwrap().read(file, 100).unwrap_err();
        assert!(error.to_string().contains("longer"), "{error}");
        // The last cluster lies behind the end of the image.
        assert_eq!(read(&image[..17_000], file), None);
        let mut nowhere = image.clone();
        nowhere[512..512 + 9 * 512].fill(0);
        assert_eq!(read(&nowhere, file), None);
    }

    #[test]
    fn a_volume_begins_anywhere() {
        let image = [vec![7; 6 << 20], floppy()].concat();
        let mut image = Cursor::new(image);
        let mut floppy = Floppy::open(&mut image, 6 << 20).unwrap().unwrap();
        let found = floppy.read("EFI/BOOT/BOOTX64.EFI", 1 << 20).unwrap();
        assert_eq!(found.unwrap(), standin::BOOTX64);
    }

    proptest! {
        #[test]
        fn damage_does_no_harm(
            at in 0_usize..20_480, byte: u8, len in 0_usize..80_000,
        ) {
            let mut image = floppy();
            image[at] = byte;
            image.truncate(len.max(1));
            let _ = read(&image, "EFI/BOOT/BOOTX64.EFI");
        }
    }
}
