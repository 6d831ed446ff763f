//! The blob table: every resource of the file by its SHA-1 (wim-format 1.4).

use zerocopy::FromBytes;

use crate::cast::{to_u32, to_usize32};
use crate::disk::{BlobEntry, NO_HASH, ResourceFlags, Sha1Hash};

/// All entries in table order, and the file blobs in order of hash.
pub(crate) struct BlobTable {
    entries: Vec<BlobEntry>,
    by_hash: Vec<u32>,
    metadata: Vec<u32>,
}

impl BlobTable {
    /// Takes the table apart; bytes after the last whole entry are ignored.
    pub(crate) fn parse(bytes: &[u8], part: u16) -> Self {
        let (rows, _) = bytes.as_chunks::<{ size_of::<BlobEntry>() }>();
        let mut table = Self { entries: Vec::new(), by_hash: Vec::new(), metadata: Vec::new() };
        table.entries.reserve_exact(rows.len());
        for row in rows {
            let Ok(entry) = BlobEntry::read_from_bytes(row) else { continue };
            let index = to_u32(table.entries.len());
            let flags = entry.resource.flags();
            if flags & ResourceFlags::FREE != 0 || entry.part_number.get() != part {
                continue;
            }
            if flags & ResourceFlags::METADATA != 0 {
                // Image n is the n-th in table order; some boot images of the Windows 7 era keep
                // metadata that no image uses any more.
                if entry.reference_count.get() != 0 {
                    table.metadata.push(index);
                    table.entries.push(entry);
                }
            } else if entry.hash != NO_HASH && !entry.resource.is_absent() {
                table.by_hash.push(index);
                table.entries.push(entry);
            }
        }
        let entries = &table.entries;
        // Stable, so the first of two equal hashes stays first and is the one found.
        table.by_hash.sort_by_key(|&index| entries.get(to_usize32(index)).map(|entry| entry.hash));
        table
    }

    /// The blob of file data with this hash.
    pub(crate) fn find(&self, hash: &Sha1Hash) -> Option<&BlobEntry> {
        let hash_of = |index: &u32| self.entries.get(to_usize32(*index)).map(|entry| entry.hash);
        let place = self.by_hash.partition_point(|index| hash_of(index) < Some(*hash));
        let entry = self.entries.get(to_usize32(*self.by_hash.get(place)?))?;
        (entry.hash == *hash).then_some(entry)
    }

    /// The metadata of an image, counted from 1.
    pub(crate) fn metadata(&self, image: u32) -> Option<&BlobEntry> {
        let place = to_usize32(image.checked_sub(1)?);
        self.entries.get(to_usize32(*self.metadata.get(place)?))
    }

    /// How many images have metadata.
    pub(crate) fn metadata_count(&self) -> u32 {
        to_u32(self.metadata.len())
    }

    /// Every resource that is in use.
    pub(crate) fn entries(&self) -> &[BlobEntry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;
    use zerocopy::little_endian::{U16, U32};

    use super::*;
    use crate::disk::ResourceHeader;

    fn entry(offset: u64, flags: u8, part: u16, references: u32, hash: u8) -> BlobEntry {
        BlobEntry {
            resource: ResourceHeader::uncompressed(offset, 10, flags),
            part_number: U16::new(part),
            reference_count: U32::new(references),
            hash: [hash; 20],
        }
    }

    #[test]
    fn what_counts_and_what_is_ignored() {
        let rows = [
            entry(1, 0, 1, 1, 9),
            entry(2, ResourceFlags::METADATA, 1, 0, 7),
            entry(3, ResourceFlags::METADATA, 1, 1, 8),
            entry(4, 0, 1, 1, 5),
            entry(5, 0, 1, 1, 9),
            entry(6, 0, 2, 1, 6),
            entry(7, ResourceFlags::FREE, 1, 1, 4),
            entry(8, 0, 1, 1, 0),
            entry(9, ResourceFlags::METADATA, 1, 1, 3),
        ];
        let mut bytes = rows.as_bytes().to_vec();
        bytes.extend([1; 49]);
        let table = BlobTable::parse(&bytes, 1);
        let offset = |entry: Option<&BlobEntry>| entry.map(|entry| entry.resource.offset.get());
        assert_eq!(offset(table.find(&[9; 20])), Some(1), "the first of two");
        assert_eq!(offset(table.find(&[5; 20])), Some(4));
        for absent in [0, 3, 4, 6, 7, 8, 10] {
            assert_eq!(offset(table.find(&[absent; 20])), None, "{absent}");
        }
        assert_eq!(table.metadata_count(), 2);
        assert_eq!(offset(table.metadata(0)), None);
        assert_eq!(offset(table.metadata(1)), Some(3));
        assert_eq!(offset(table.metadata(2)), Some(9));
        assert_eq!(offset(table.metadata(3)), None);
        assert_eq!(table.entries().len(), 5);
    }
}
