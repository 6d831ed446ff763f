//! Values of keys, and the texts in them.

use std::borrow::Cow;
use std::fmt;

use super::error::HiveError;
use super::name::StoredName;
use super::read::Hive;
use crate::cast::{to_u64, to_usize};
use crate::disk::cells::ValueRecord;

/// What a value's data means. Any number may stand in a hive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueType(pub u32);

impl ValueType {
    /// Nothing said.
    pub const NONE: Self = Self(0);
    /// Text: UTF-16 with a NUL.
    pub const SZ: Self = Self(1);
    /// Text with names of variables.
    pub const EXPAND_SZ: Self = Self(2);
    /// Bytes.
    pub const BINARY: Self = Self(3);
    /// A 32-bit number.
    pub const DWORD: Self = Self(4);
    /// Texts, each with a NUL, and one more NUL.
    pub const MULTI_SZ: Self = Self(7);
    /// A 64-bit number.
    pub const QWORD: Self = Self(11);
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NONE => "REG_NONE",
            Self::SZ => "REG_SZ",
            Self::EXPAND_SZ => "REG_EXPAND_SZ",
            Self::BINARY => "REG_BINARY",
            Self::DWORD => "REG_DWORD",
            Self::MULTI_SZ => "REG_MULTI_SZ",
            Self::QWORD => "REG_QWORD",
            Self(number) => return write!(f, "REG_{number}"),
        };
        f.write_str(name)
    }
}

/// A value of a key.
#[derive(Clone, Copy)]
pub struct Value<'h> {
    hive: &'h Hive<'h>,
    offset: u32,
    record: &'h ValueRecord,
    name: StoredName<'h>,
}

impl<'h> Value<'h> {
    pub(super) fn read(hive: &'h Hive<'h>, offset: u32) -> Result<Self, HiveError> {
        let (record, after) = hive.record::<ValueRecord>(offset, "a value")?;
        if record.signature != ValueRecord::SIGNATURE {
            let what = "a value, `vk`,";
            return Err(HiveError::Kind { offset, what, found: record.signature });
        }
        let len = u32::from(record.name_len.get());
        let bytes = Hive::entries(offset, "a value's name", after, len)?;
        let latin1 = record.flags.get() & ValueRecord::LATIN1 != 0;
        Ok(Self { hive, offset, record, name: StoredName { bytes, latin1 } })
    }

    /// Its name; what is no Unicode becomes U+FFFD. Empty for the key's default value.
    pub fn name(&self) -> String {
        self.name.text()
    }

    /// Whether that is its name, ignoring case.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.is(name)
    }

    /// What its data means.
    pub fn value_type(&self) -> ValueType {
        ValueType(self.record.value_type.get())
    }

    /// Where its cell is, counted from the end of the base block.
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// Its bytes.
    ///
    /// # Errors
    /// When they are not where the value says, or are too many.
    pub fn data(&self) -> Result<Cow<'h, [u8]>, HiveError> {
        const WHAT: &str = "a value's data";
        let offset = self.offset;
        let len = self.record.data_len.get();
        if len & ValueRecord::IN_PLACE != 0 {
            let len = len & !ValueRecord::IN_PLACE;
            let room: &[u8] = &self.record.data;
            let data = room.get(..to_usize(len)).ok_or_else(|| {
                let (found, limit) = (u64::from(len), to_u64(room.len()));
                HiveError::TooMany { offset, what: "bytes in place", found, limit }
            })?;
            return Ok(Cow::Borrowed(data));
        }
        let limit = self.hive.limits().value_len;
        if len > limit {
            let (found, limit) = (u64::from(len), u64::from(limit));
            return Err(HiveError::TooMany { offset, what: "bytes of data", found, limit });
        }
        if len == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let cell = u32::from_le_bytes(self.record.data);
        if self.hive.is_big(len) {
            return self.hive.big_data(cell, len).map(Cow::Owned);
        }
        Hive::entries(cell, WHAT, self.hive.cell(cell, WHAT)?, len).map(Cow::Borrowed)
    }

    /// The number in a `REG_DWORD`; `None` for anything else.
    pub fn dword(&self) -> Option<u32> {
        if self.value_type() != ValueType::DWORD {
            return None;
        }
        let data = self.data().ok()?;
        data.as_ref().try_into().ok().map(u32::from_le_bytes)
    }

    /// The text in a `REG_SZ` or `REG_EXPAND_SZ`; `None` for anything else and for what is no
    /// UTF-16.
    pub fn text(&self) -> Option<String> {
        if !matches!(self.value_type(), ValueType::SZ | ValueType::EXPAND_SZ) {
            return None;
        }
        decode_text(&self.data().ok()?)
    }

    /// The texts in a `REG_MULTI_SZ`; `None` for anything else and for what is no UTF-16.
    pub fn texts(&self) -> Option<Vec<String>> {
        if self.value_type() != ValueType::MULTI_SZ {
            return None;
        }
        decode_texts(&self.data().ok()?)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, .. } = self;
        f.debug_struct("Value").field("name", &self.name()).field("offset", offset).finish()
    }
}

fn utf16_units(data: &[u8]) -> Option<Vec<u16>> {
    let (units, rest) = data.as_chunks();
    rest.is_empty().then(|| units.iter().map(|unit| u16::from_le_bytes(*unit)).collect())
}

/// UTF-16 up to its NUL, or all of it: a missing NUL is common and harmless.
pub(crate) fn decode_text(data: &[u8]) -> Option<String> {
    let units = utf16_units(data)?;
    String::from_utf16(units.split(|unit| *unit == 0).next()?).ok()
}

/// UTF-16 texts up to the first empty one.
pub(crate) fn decode_texts(data: &[u8]) -> Option<Vec<String>> {
    let units = utf16_units(data)?;
    let texts = units.split(|unit| *unit == 0).take_while(|text| !text.is_empty());
    texts.map(|text| String::from_utf16(text).ok()).collect()
}

/// UTF-16 with a NUL.
pub(crate) fn encode_text(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// UTF-16 texts, each with a NUL, and one more NUL.
pub(crate) fn encode_texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<u8> {
    let mut data: Vec<u8> = texts.into_iter().flat_map(encode_text).collect();
    data.extend([0, 0]);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_their_ends() {
        assert_eq!(decode_text(b"a\0b\0\0\0c\0").as_deref(), Some("ab"));
        assert_eq!(decode_text(b"a\0b\0").as_deref(), Some("ab"));
        assert_eq!(decode_text(b"").as_deref(), Some(""));
        assert_eq!(decode_text(b"a\0b"), None);
        assert_eq!(decode_text(b"\x34\xD8\0\0"), None);
        assert_eq!(decode_texts(b"a\0\0\0b\0\0\0\0\0c\0"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(decode_texts(b"\0\0"), Some(vec![]));
        assert_eq!(encode_text("é"), b"\xE9\0\0\0");
        assert_eq!(encode_texts(["a", "b"]), b"a\0\0\0b\0\0\0\0\0");
        assert_eq!(encode_texts([]), b"\0\0");
    }

    #[test]
    fn types_have_names() {
        assert_eq!(ValueType::MULTI_SZ.to_string(), "REG_MULTI_SZ");
        assert_eq!(ValueType(0x2_0000).to_string(), "REG_131072");
    }
}
