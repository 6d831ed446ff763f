//! The file allocation table, generated as it is read (fat-format 5).

use std::any::Any;
use std::io::{self, Read};

use extent_image::Source;

use crate::units::{Cluster, FatType, len64};

// The marks of FAT32. Those of FAT16 are their low halves.
/// FAT[0]: the media byte F8h below ones.
const ENTRY_0: u32 = 0x0FFF_FFF8;
/// FAT[1]: closed properly, no errors met.
const ENTRY_1: u32 = 0x0FFF_FFFF;
/// The last cluster of a file or folder.
const END: u32 = 0x0FFF_FFFF;
/// Bytes made at once.
const BLOCK: usize = 16 * 1024;

/// The part of a FAT that has entries in use, in whole sectors. What follows in it is zero.
///
/// Every file and folder is one run of clusters and the runs touch, so the whole table follows from
/// where each run ends: memory grows with the number of files, not with the volume.
#[derive(PartialEq)]
pub(crate) struct Table {
    /// For each run the cluster after its last, ascending.
    ends: Vec<Cluster>,
    fat_type: FatType,
    len: u64,
}

impl Table {
    /// The table of runs that end at `ends`, cut to sectors of `sector_size` bytes.
    pub(crate) fn new(ends: Vec<Cluster>, fat_type: FatType, sector_size: u32) -> Self {
        let entries = ends.last().map_or(Cluster::FIRST.number(), |end| end.number());
        let len = u64::from(entries).saturating_mul(fat_type.entry_len().into());
        let len = len.next_multiple_of(u64::from(sector_size));
        Self { ends, fat_type, len }
    }

    /// The entry that holds a byte of the table, and the bytes of the entry before that.
    fn entry_at(&self, byte: u64) -> (u32, u64) {
        let (entry, within) = match self.fat_type {
            FatType::Fat16 => (byte >> 1, byte & 1),
            FatType::Fat32 => (byte >> 2, byte & 3),
        };
        // The length has at most 34 bits, and such an entry 4 bytes.
        (u32::try_from(entry).unwrap_or(u32::MAX), within)
    }
}

impl Source for Table {
    fn len(&self) -> u64 {
        self.len
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let (entry, split) = self.entry_at(from);
        let run = self.ends.partition_point(|end| end.number() <= entry);
        let ends = self.ends.get(run..).unwrap_or_default();
        let left = self.len.saturating_sub(from.saturating_sub(split));
        let mut reader =
            Reader { ends, fat_type: self.fat_type, entry, left, block: Vec::new(), at: 0 };
        if split > 0 {
            io::copy(&mut (&mut reader).take(split), &mut io::sink())?;
        }
        Ok(Box::new(reader))
    }

    fn describe(&self) -> String {
        "file allocation table".to_owned()
    }

    fn equals(&self, other: &dyn Source) -> bool {
        other.as_any().and_then(<dyn Any>::downcast_ref::<Self>) == Some(self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

struct Reader<'a> {
    /// Ends of the runs that hold `entry` and those behind it.
    ends: &'a [Cluster],
    fat_type: FatType,
    /// The next entry to make.
    entry: u32,
    /// Bytes not yet in `block`.
    left: u64,
    block: Vec<u8>,
    /// Bytes of `block` already read.
    at: usize,
}

impl Reader<'_> {
    fn next_entry(&mut self) -> u32 {
        let entry = self.entry;
        let next = entry.saturating_add(1);
        self.entry = next;
        match (entry, self.ends.split_first()) {
            (0, _) => ENTRY_0,
            (1, _) => ENTRY_1,
            (_, None) => 0,
            (_, Some((end, rest))) if end.number() == next => {
                self.ends = rest;
                END
            }
            _ => next,
        }
    }

    fn refill(&mut self) {
        let len = usize::try_from(self.left).unwrap_or(BLOCK).min(BLOCK);
        let mut block = std::mem::take(&mut self.block);
        block.resize(len, 0);
        match self.fat_type {
            FatType::Fat16 => {
                for bytes in block.as_chunks_mut().0 {
                    let [low, high, ..] = self.next_entry().to_le_bytes();
                    *bytes = [low, high];
                }
            }
            FatType::Fat32 => {
                for bytes in block.as_chunks_mut().0 {
                    *bytes = self.next_entry().to_le_bytes();
                }
            }
        }
        self.left = self.left.saturating_sub(len64(len));
        self.block = block;
        self.at = 0;
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.block.len() {
            self.refill();
        }
        let mut rest = self.block.get(self.at..).unwrap_or_default();
        let count = rest.read(buf)?;
        self.at = self.at.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ends: &[u32]) -> Table {
        table_of(FatType::Fat32, ends)
    }

    fn table_of(fat_type: FatType, ends: &[u32]) -> Table {
        let ends = ends.iter().map(|end| Cluster::NONE.after(u64::from(*end))).collect();
        Table::new(ends, fat_type, 512)
    }

    fn read(table: &Table, from: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        table.open(from).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn entries_by_hand() {
        // Cluster 2 alone, 3 to 5, 6 alone.
        let bytes = read(&table(&[3, 6, 7]), 0);
        let entries: Vec<u32> =
            bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
        let end = 0x0FFF_FFFF;
        assert_eq!(entries[..8], [0x0FFF_FFF8, end, end, 4, 5, end, end, 0]);
        assert_eq!(entries.len(), 128);
        assert!(entries[8..].iter().all(|entry| *entry == 0));
    }

    #[test]
    fn every_start_gives_the_same_bytes() {
        let table = table(&[3, 5, 6, 5000, 5001, 9000]);
        let whole = read(&table, 0);
        assert_eq!(len64(whole.len()), Source::len(&table));
        for from in (0..40).chain(19_990..20_010).chain(35_990..36_010).chain([table.len]) {
            let behind = &whole[usize::try_from(from).unwrap()..];
            assert_eq!(read(&table, from), behind, "{from}");
        }
    }
    #[test]
    fn entries_of_fat16_by_hand() {
        // Cluster 2 alone, 3 to 5, 6 alone.
        let bytes = read(&table_of(FatType::Fat16, &[3, 6, 7]), 0);
        let expected =
            [0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 4, 0, 5, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0];
        assert_eq!(bytes[..16], expected);
        assert_eq!(bytes[16..], [0; 496]);
    }

    #[test]
    fn every_start_of_fat16_gives_the_same_bytes() {
        let table = table_of(FatType::Fat16, &[3, 5, 6, 5000, 5001, 19_000]);
        let whole = read(&table, 0);
        assert_eq!(whole[16_384..16_386], 8193u16.to_le_bytes());
        for from in (0..40).chain(9_990..10_010).chain(16_380..16_390).chain([table.len]) {
            let behind = &whole[usize::try_from(from).unwrap()..];
            assert_eq!(read(&table, from), behind, "{from}");
        }
    }
}
