//! The names of disks, partitions and partition types in a GPT.

use std::fmt;

/// A GUID, as [RFC 9562](https://www.rfc-editor.org/rfc/rfc9562) writes it.
///
/// On disk its first three fields are little-endian (UEFI 2.10, appendix A).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid([u8; 16]);

impl Guid {
    /// Partition type: anything that Windows gives a drive letter, so also FAT32.
    pub const BASIC_DATA: Self =
        Self(*b"\xEB\xD0\xA0\xA2\xB9\xE5\x44\x33\x87\xC0\x68\xB6\xB7\x26\x99\xC7");
    /// Partition type: what UEFI starts programs from (UEFI 2.10, table 5.7).
    pub const EFI_SYSTEM: Self =
        Self(*b"\xC1\x2A\x73\x28\xF8\x1F\x11\xD2\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B");

    /// A GUID of version 8, for bytes of one's own making: a digest of what the disk holds, so that
    /// the same content gives the same disk. Six of the 128 bits become version and variant.
    pub const fn from_digest(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0F | 0x80;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Self(bytes)
    }

    /// The bytes in the order of the text.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// As it stands on disk.
    pub(crate) const fn from_disk(b: [u8; 16]) -> Self {
        Self([
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13],
            b[14], b[15],
        ])
    }

    /// True for the one that names nothing.
    pub(crate) fn is_nil(self) -> bool {
        self.0 == [0; 16]
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_disk_order() {
        assert_eq!(Guid::EFI_SYSTEM.to_string(), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
        assert_eq!(Guid::BASIC_DATA.to_string(), "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
        let on_disk = *b"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B";
        assert_eq!(Guid::from_disk(on_disk), Guid::EFI_SYSTEM);
    }

    #[test]
    fn made_of_a_digest() {
        let text = Guid::from_digest([0xFF; 16]).to_string();
        assert_eq!(text, "FFFFFFFF-FFFF-8FFF-BFFF-FFFFFFFFFFFF");
        assert_eq!(Guid::from_digest([0; 16]).to_string(), "00000000-0000-8000-8000-000000000000");
    }
}
