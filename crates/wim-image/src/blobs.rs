//! The blob table: every resource of the file by its SHA-1 (wim-format 1.4).

use zerocopy::FromBytes;

use crate::cast::{to_u32, to_usize32};
use crate::disk::{BlobEntry, NO_HASH, ResourceFlags, ResourceHeader, Sha1Hash};

/// All entries in table order, and the file blobs in order of hash.
#[derive(Default)]
pub(crate) struct BlobTable {
    entries: Vec<BlobEntry>,
    by_hash: Vec<u32>,
    metadata: Vec<u32>,
}

impl BlobTable {
    /// Takes the table of a file apart; bytes after the last whole entry are ignored.
    pub(crate) fn parse(bytes: &[u8], part: u16) -> Self {
        let mut table = Self::default();
        table.add(bytes, part, |resource| resource.offset.get());
        table.finish()
    }

    /// Adds the table of one part of a split WIM; `place` tells where a resource of that part lies
    /// in all parts laid end to end.
    pub(crate) fn add(&mut self, bytes: &[u8], part: u16, place: impl Fn(&ResourceHeader) -> u64) {
        let (rows, _) = bytes.as_chunks::<{ size_of::<BlobEntry>() }>();
        self.entries.reserve_exact(rows.len());
        for row in rows {
            let Ok(mut entry) = BlobEntry::read_from_bytes(row) else { continue };
            let index = to_u32(self.entries.len());
            let flags = entry.resource.flags();
            if flags & ResourceFlags::FREE != 0 || entry.part_number.get() != part {
                continue;
            }
            entry.resource.offset.set(place(&entry.resource));
            if flags & ResourceFlags::METADATA != 0 {
                // Image n is the n-th in table order; some boot images of the Windows 7 era keep
                // metadata that no image uses any more. Only the first part has metadata.
                if entry.reference_count.get() != 0 && part == 1 {
                    self.metadata.push(index);
                    self.entries.push(entry);
                }
            } else if entry.hash != NO_HASH && !entry.resource.is_absent() {
                self.by_hash.push(index);
                self.entries.push(entry);
            }
        }
    }

    /// Puts the hashes in order, so that they can be found.
    pub(crate) fn finish(mut self) -> Self {
        let entries = &self.entries;
        // Stable, so the first of two equal hashes stays first and is the one found.
        self.by_hash.sort_by_key(|&index| entries.get(to_usize32(index)).map(|entry| entry.hash));
        self
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

    /// The metadata of all images, in their order.
    pub(crate) fn all_metadata(&self) -> impl Iterator<Item = &BlobEntry> {
        self.metadata.iter().filter_map(|index| self.entries.get(to_usize32(*index)))
    }

    /// Every blob of file data that [`find`](Self::find) finds, in order of hash.
    pub(crate) fn all_data(&self) -> impl Iterator<Item = &BlobEntry> {
        let entries = self.by_hash.iter().filter_map(|index| self.entries.get(to_usize32(*index)));
        let mut last = None;
        entries.filter(move |entry| last.replace(entry.hash) != Some(entry.hash))
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
        let offsets = |entries: Vec<&BlobEntry>| -> Vec<u64> {
            entries.iter().map(|entry| entry.resource.offset.get()).collect()
        };
        assert_eq!(offsets(table.all_metadata().collect()), [3, 9]);
        assert_eq!(offsets(table.all_data().collect()), [4, 1], "by hash, each once");
    }

    #[test]
    fn further_parts_have_no_metadata_and_are_moved() {
        let first = [entry(1, ResourceFlags::METADATA, 1, 1, 1), entry(2, 0, 1, 1, 2)];
        let second = [
            entry(1, ResourceFlags::METADATA, 2, 1, 9),
            entry(2, 0, 2, 1, 3),
            entry(3, 0, 1, 1, 4),
            entry(4, 0, 2, 1, 2),
        ];
        let mut table = BlobTable::default();
        table.add(first.as_bytes(), 1, |resource| resource.offset.get());
        table.add(second.as_bytes(), 2, |resource| resource.offset.get() + 1000);
        let table = table.finish();
        let offset = |hash| table.find(&[hash; 20]).map(|entry| entry.resource.offset.get());
        assert_eq!((offset(2), offset(3), offset(4)), (Some(2), Some(1002), None));
        assert_eq!(table.metadata_count(), 1);
    }
}
