//! The boot info table: what loaders such as isolinux want to find in their own first bytes.

use std::io::{self, Read};

use crate::report::FileExtent;
use crate::units::len64;

/// Offset of the table in a boot image.
pub(crate) const TABLE: u64 = 8;
/// Offset after the table, where the sum begins.
pub(crate) const TABLE_END: u64 = 64;

/// What a boot info table says that only the content of its image tells. The bytes 8 to 63 of the
/// image become the table: LBA of the primary descriptor, LBA, length and sum of the image, each 32
/// bits, little-endian, and zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootInfoTable {
    checksum: u32,
    len: u64,
}

impl BootInfoTable {
    /// Reads a boot image to its end and adds up its 32-bit words from byte 64 on, the last one
    /// filled with zeros.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn of(mut image: impl Read) -> io::Result<Self> {
        let mut this = Self { checksum: 0, len: 0 };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match image.read(&mut buffer) {
                Ok(0) => return Ok(this),
                Ok(count) => this.add(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The sum.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Length of the image that was read, in bytes. [`plan`](crate::plan) holds it against that of
    /// the image that gets the table.
    #[expect(clippy::len_without_is_empty, reason = "an empty image boots nothing")]
    pub fn len(&self) -> u64 {
        self.len
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.len >= TABLE_END {
                // A sum of words is the sum of their bytes, each where it stands in its word.
                let place = match self.len % 4 {
                    0 => 0,
                    1 => 8,
                    2 => 16,
                    _ => 24,
                };
                let word = u32::from(*byte) << place;
                self.checksum = self.checksum.wrapping_add(word);
            }
            self.len = self.len.saturating_add(1);
        }
    }

    /// Bytes 8 to 63 of the image.
    pub(crate) fn bytes(self, descriptor: u32, image: FileExtent) -> Vec<u8> {
        // Longer images were refused.
        let len = u32::try_from(image.len).unwrap_or(u32::MAX);
        let words = [descriptor, image.lba.sector(), len, self.checksum];
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        let room = usize::try_from(TABLE_END.saturating_sub(TABLE)).unwrap_or_default();
        bytes.resize(room, 0);
        debug_assert_eq!(len64(bytes.len()), TABLE_END.saturating_sub(TABLE));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Lba;

    #[test]
    fn a_sum_by_hand() {
        let mut image = vec![0xEE; 64];
        image.extend([1, 0, 0, 0x80, 2, 0, 0, 0x80, 5, 1]);
        let table = BootInfoTable::of(image.as_slice()).unwrap();
        // 0x80000001 + 0x80000002 + 0x00000105.
        assert_eq!((table.checksum(), table.len()), (0x108, 74));
        let image = FileExtent { lba: Lba::new(0x1234), len: 74 };
        let bytes = table.bytes(16, image);
        assert_eq!(bytes[..16], [16, 0, 0, 0, 0x34, 0x12, 0, 0, 74, 0, 0, 0, 8, 1, 0, 0]);
        assert_eq!(bytes[16..], [0; 40]);
        assert_eq!(BootInfoTable::of(&[1; 64][..]).unwrap().checksum(), 0);
        assert_eq!(BootInfoTable::of(&[][..]).unwrap().len(), 0);
    }
}
