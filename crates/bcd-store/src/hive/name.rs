//! Names of keys and values: stored in Latin-1 where that can be, else in UTF-16; equal when equal
//! in upper case.

use std::cmp::Ordering;

/// A name as stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredName<'h> {
    pub(super) bytes: &'h [u8],
    pub(super) latin1: bool,
}

impl StoredName<'_> {
    /// The name; what is no Unicode becomes U+FFFD.
    pub(super) fn text(&self) -> String {
        char::decode_utf16(self.units())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.units().map(upper).eq(name.encode_utf16().map(upper))
    }

    fn units(&self) -> impl Iterator<Item = u16> + '_ {
        let width = if self.latin1 { 1 } else { 2 };
        self.bytes.chunks_exact(width).map(|unit| match *unit {
            [low, high] => u16::from_le_bytes([low, high]),
            [low] => u16::from(low),
            _ => 0,
        })
    }
}

/// The name as a hive stores it, and whether that is Latin-1.
pub(super) fn encode(name: &str) -> (Vec<u8>, bool) {
    let latin1: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(c).ok()).collect();
    match latin1 {
        Some(bytes) => (bytes, true),
        None => (name.encode_utf16().flat_map(u16::to_le_bytes).collect(), false),
    }
}

/// Length in UTF-16 units.
pub(super) fn units(name: &str) -> usize {
    name.encode_utf16().count()
}

/// The order of subkeys: readers search lists by halves.
pub(super) fn order(one: &str, other: &str) -> Ordering {
    one.encode_utf16().map(upper).cmp(other.encode_utf16().map(upper))
}

/// The upper case of one UTF-16 unit, as Windows compares names: unit by unit, and only where the
/// upper case is one unit too.
fn upper(unit: u16) -> u16 {
    let Some(c) = char::from_u32(u32::from(unit)) else { return unit };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => u16::try_from(u32::from(upper)).unwrap_or(unit),
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stored_short_where_they_can() {
        assert_eq!(encode("Aé"), (vec![0x41, 0xE9], true));
        assert_eq!(encode("A漢"), (vec![0x41, 0, 0x22, 0x6F], false));
        for name in ["", "Aé", "A漢", "𝄞"] {
            let (bytes, latin1) = encode(name);
            assert_eq!(StoredName { bytes: &bytes, latin1 }.text(), name);
        }
        // Half a surrogate pair, and half a unit.
        let broken = StoredName { bytes: &[0x41, 0, 0x34, 0xD8, 7], latin1: false };
        assert_eq!(broken.text(), "A\u{FFFD}");
    }

    #[test]
    fn case_is_ignored_unit_by_unit() {
        let (bytes, latin1) = encode("Straße");
        let stored = StoredName { bytes: &bytes, latin1 };
        assert!(stored.is("STRAßE"));
        assert!(!stored.is("STRASSE"));
        assert!(!stored.is("Straß"));
        assert_eq!(order("a", "B"), Ordering::Less);
        assert_eq!(order("é", "É"), Ordering::Equal);
        // The underscore stands between upper and lower case.
        assert_eq!(order("_", "a"), Ordering::Greater);
    }
}
