//! The file entries of a UDF tree, a block each, made as they are read: a million files take two
//! gigabytes of them, and a few dozen bytes each in memory.

use std::any::Any;
use std::io::{self, Read};

use extent_image::{Source, Timestamp};
use zerocopy::{FromZeros, IntoBytes};

use super::fields::{implementation, seal, time};
use crate::disk::udf_basic::{PIECE, ShortAd};
use crate::disk::udf_file::{
    FILE_ENTRY, FLAG_SYSTEM, FileEntry, READ_AND_EXECUTE, TYPE_FILE, TYPE_FOLDER,
};
use crate::units::{SECTOR, SECTOR_LEN, SectorCount, len64};

/// Most pieces of one file: as many allocation descriptors as its block has room for.
pub(crate) const MAX_PIECES: u64 = 234;
const _: () = assert!(size_of::<FileEntry>() + 234 * size_of::<ShortAd>() <= SECTOR_LEN);

/// What an entry says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) is_folder: bool,
    pub(super) system: bool,
    pub(super) links: u16,
    pub(super) modified: Timestamp,
    pub(super) unique_id: u64,
    /// First block of the content in the partition.
    pub(super) block: u32,
    /// Bytes.
    pub(super) len: u64,
}

impl Row {
    /// The entry's block.
    fn sector(&self, location: u32) -> [u8; SECTOR_LEN] {
        let mut entry = FileEntry::new_zeroed();
        let head = &mut entry.head;
        head.strategy = 4.into();
        head.max_entries = 1.into();
        head.file_type = if self.is_folder { TYPE_FOLDER } else { TYPE_FILE };
        head.flags = if self.system { FLAG_SYSTEM } else { 0 }.into();
        // No user, no group.
        (head.uid, head.gid) = (u32::MAX.into(), u32::MAX.into());
        head.permissions = READ_AND_EXECUTE.into();
        head.links = self.links.into();
        head.len = self.len.into();
        entry.blocks = SectorCount::for_bytes(self.len).get().into();
        let modified = time(self.modified);
        (entry.accessed, entry.modified) = (modified, modified);
        entry.attributes_changed = modified;
        entry.checkpoint = 1.into();
        entry.implementation = implementation();
        entry.unique_id = self.unique_id.into();
        let mut ads = Vec::new();
        let (mut block, mut left) = (self.block, self.len);
        while left > 0 {
            let len = left.min(PIECE);
            // A piece has 30 bits.
            let short = u32::try_from(len).unwrap_or(u32::MAX);
            ads.extend_from_slice(ShortAd { len: short.into(), block: block.into() }.as_bytes());
            let blocks = u32::try_from(SectorCount::for_bytes(len).get()).unwrap_or(u32::MAX);
            (block, left) = (block.saturating_add(blocks), left.saturating_sub(len));
        }
        entry.ads_len = u32::try_from(ads.len()).unwrap_or(u32::MAX).into();
        let mut bytes = [entry.as_bytes(), ads.as_slice()].concat();
        seal(FILE_ENTRY, location, &mut bytes);
        let mut sector = [0; SECTOR_LEN];
        for (slot, byte) in sector.iter_mut().zip(bytes) {
            *slot = byte;
        }
        sector
    }
}

/// All entries of a volume, block after block.
#[derive(PartialEq)]
pub(super) struct Entries {
    /// Block of the first in the partition.
    pub(super) first: u32,
    pub(super) rows: Vec<Row>,
}

impl Source for Entries {
    fn len(&self) -> u64 {
        len64(self.rows.len()).saturating_mul(SECTOR)
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Blocks { entries: self, at: from }))
    }

    fn describe(&self) -> String {
        format!("{} UDF file entries", self.rows.len())
    }

    fn equals(&self, other: &dyn Source) -> bool {
        other.as_any().and_then(<dyn Any>::downcast_ref) == Some(self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

struct Blocks<'a> {
    entries: &'a Entries,
    /// Bytes from the start.
    at: u64,
}

impl Read for Blocks<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0usize;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let number = self.at / SECTOR;
            let row = usize::try_from(number).ok().and_then(|n| self.entries.rows.get(n));
            let Some(row) = row else { break };
            // Rows are counted in 32 bits, as nodes are.
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let sector = row.sector(self.entries.first.saturating_add(number));
            let skip = usize::try_from(self.at % SECTOR).unwrap_or_default();
            let mut copied = 0usize;
            for (slot, byte) in rest.iter_mut().zip(sector.iter().skip(skip)) {
                *slot = *byte;
                copied = copied.saturating_add(1);
            }
            done = done.saturating_add(copied);
            self.at = self.at.saturating_add(len64(copied));
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(len: u64) -> Row {
        let modified = Timestamp::from_unix_seconds(951_827_696);
        let (is_folder, system) = (false, false);
        Row { is_folder, system, links: 1, modified, unique_id: 17, block: 0x100, len }
    }

    #[test]
    fn an_entry_by_hand() {
        let sector = row(0x3FFF_F800 + 2049).sector(3);
        assert_eq!(sector[..2], [5, 1]);
        assert_eq!(sector[12..20], [3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(sector[20..36], [4, 0, 0, 0, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(sector[36..44], [0xFF; 8]);
        assert_eq!(sector[44..56], [0xA5, 0x14, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        // 524,287 blocks and two more.
        assert_eq!(sector[56..64], [1, 0, 0, 0x40, 0, 0, 0, 0]);
        assert_eq!(sector[64..72], [1, 0, 8, 0, 0, 0, 0, 0]);
        assert_eq!(sector[84..96], [0, 0x10, 0xD0, 7, 2, 29, 12, 34, 56, 0, 0, 0]);
        assert_eq!(sector[160..176], [17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0]);
        assert_eq!(sector[176..192], [0, 0xF8, 0xFF, 0x3F, 0, 1, 0, 0, 1, 8, 0, 0, 0xFF, 0, 8, 0]);
        assert!(sector[192..].iter().all(|byte| *byte == 0));
        // The CRC ends where the allocation descriptors do.
        assert_eq!(sector[10..12], [176, 0]);
    }

    #[test]
    fn any_part_can_be_read() {
        let rows = vec![row(0), row(1), row(2)];
        let entries = Entries { first: 2, rows };
        let mut whole = Vec::new();
        entries.open(0).unwrap().read_to_end(&mut whole).unwrap();
        assert_eq!(whole.len() as u64, entries.len());
        for from in [0, 1, 2047, 2048, 2049, 6143, 6144] {
            let mut part = Vec::new();
            entries.open(from as u64).unwrap().read_to_end(&mut part).unwrap();
            assert_eq!(part, whole[from..]);
        }
    }
}
