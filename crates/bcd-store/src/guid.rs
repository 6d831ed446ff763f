//! GUIDs: the names of objects, partitions and disks.

use std::fmt;
use std::str::FromStr;

/// A GUID. It prints as `{9dea862c-5cdd-4e70-acc1-f32b344d4795}`, in lower case as stores have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u128);

impl Guid {
    /// From its digits read as one number: `0x9dea862c_5cdd_4e70_acc1_f32b344d4795`.
    pub const fn new(digits: u128) -> Self {
        Self(digits)
    }

    /// From the 16 bytes as Windows stores them: the first three groups little-endian.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(swapped(bytes)))
    }

    /// The 16 bytes as Windows stores them.
    pub const fn to_bytes(self) -> [u8; 16] {
        swapped(self.0.to_be_bytes())
    }
}

/// Between the order of the digits and that of the stored bytes; its own inverse.
const fn swapped(bytes: [u8; 16]) -> [u8; 16] {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7] = bytes;
    [a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, d2, d3, d4, d5, d6, d7]
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, rest @ ..] = self.0.to_be_bytes();
        let a = u32::from_be_bytes([a0, a1, a2, a3]);
        let [b, c, d] = [[b0, b1], [c0, c1], [d0, d1]].map(u16::from_be_bytes);
        write!(f, "{{{a:08x}-{b:04x}-{c:04x}-{d:04x}-")?;
        rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("}")
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no GUID in braces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no GUID of the form {{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}}")]
pub struct GuidError(pub String);

impl FromStr for Guid {
    type Err = GuidError;

    /// In braces, in any case.
    fn from_str(text: &str) -> Result<Self, GuidError> {
        let parse = || {
            let digits = text.strip_prefix('{')?.strip_suffix('}')?;
            let groups: Vec<&str> = digits.split('-').collect();
            let fits = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
            // Not left to the parser alone: it takes a sign.
            let hex = groups.concat();
            (fits && hex.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(hex)
        };
        let number = parse().and_then(|hex| u128::from_str_radix(&hex, 16).ok());
        number.map(Self).ok_or_else(|| GuidError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes() {
        let guid = Guid::new(0x9dea862c_5cdd_4e70_acc1_f32b344d4795);
        let text = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";
        assert_eq!(guid.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(guid));
        let bytes = *b"\x2C\x86\xEA\x9D\xDD\x5C\x70\x4E\xAC\xC1\xF3\x2B\x34\x4D\x47\x95";
        assert_eq!(guid.to_bytes(), bytes);
        assert_eq!(Guid::from_bytes(bytes), guid);
        assert_eq!(Guid::new(0xA).to_string(), "{00000000-0000-0000-0000-00000000000a}");
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "{9dea862c-5cdd-4e70-acc1-f32b344d47950}";
        let shifted = "{9dea862-c5cdd-4e70-acc1-f32b344d4795}";
        let signed = "{+dea862c-5cdd-4e70-acc1-f32b344d4795}";
        let bare = "9dea862c-5cdd-4e70-acc1-f32b344d4795";
        for text in ["", "{}", long, shifted, signed, bare] {
            assert_eq!(text.parse::<Guid>(), Err(GuidError(text.to_owned())));
        }
    }
}
