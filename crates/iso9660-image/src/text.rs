//! Texts of the volume descriptors, as types that cannot hold a bad value.

use std::fmt;

/// Why a text cannot stand in a volume descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing, or too much.
    #[error("{what} has {found} {unit}, 1 to {allowed} are allowed")]
    Length {
        /// Which text.
        what: &'static str,
        /// What is counted.
        unit: &'static str,
        /// Number found.
        found: usize,
        /// Largest number allowed.
        allowed: usize,
    },
    /// A character outside the set.
    #[error("{what}: character {at} is {found:?}, allowed are {allowed}")]
    Character {
        /// Which text.
        what: &'static str,
        /// Position of the character, counted from 0.
        at: usize,
        /// The character.
        found: char,
        /// The set.
        allowed: &'static str,
    },
}

/// True for the d-characters of ECMA-119 7.4.1.
pub(crate) fn is_d_character(c: char) -> bool {
    matches!(c, 'A'..='Z' | '0'..='9' | '_')
}

fn is_a_character(c: char) -> bool {
    is_d_character(c) || matches!(c, ' '..='"' | '%'..='?')
}

/// True for characters that no Joliet name may hold: the control characters and `* / : ; ? \`
/// make Windows call the directory corrupt, the others it shows and cannot open.
pub(crate) fn is_refused_by_joliet(c: char) -> bool {
    matches!(c, '\0'..='\x1F' | '*' | '/' | ':' | ';' | '?' | '\\' | '"' | '<' | '>' | '|')
}

fn check_length(
    what: &'static str,
    unit: &'static str,
    found: usize,
    allowed: usize,
) -> Result<(), TextError> {
    if (1..=allowed).contains(&found) {
        return Ok(());
    }
    Err(TextError::Length { what, unit, found, allowed })
}

/// The logical volume identifier of UDF: 1 to 126 characters up to U+00FF, or 63 others. The volume
/// identifier of the primary descriptor, which has room for 30 or 15, gets as many of them as fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UdfVolumeId(String);

impl UdfVolumeId {
    /// Room in bytes (ECMA-167 3/10.6.4: 128, less the kind and the length).
    pub const MAX: usize = 126;

    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or holds a control character. See
    /// [`from_label`](Self::from_label) for a conversion.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let what = "UDF volume identifier";
        check_characters(what, text, "all but control characters", |c| !c.is_control())?;
        check_length(what, "bytes", Self::measure(text), Self::MAX)?;
        Ok(Self(text.to_owned()))
    }

    /// The nearest identifier to any label: `_` for control characters, as many whole characters as
    /// fit. An empty label becomes `_`.
    pub fn from_label(label: &str) -> Self {
        let mut text = String::new();
        for c in label.chars() {
            text.push(if c.is_control() { '_' } else { c });
            if Self::measure(&text) > Self::MAX {
                text.pop();
                break;
            }
        }
        Self(if text.is_empty() { "_".to_owned() } else { text })
    }

    /// Bytes, without the kind and the length.
    fn measure(text: &str) -> usize {
        let narrow = text.chars().all(|c| c <= '\u{FF}');
        if narrow { text.chars().count() } else { text.encode_utf16().count().saturating_mul(2) }
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UdfVolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_characters(
    what: &'static str,
    text: &str,
    allowed: &'static str,
    is_allowed: impl Fn(char) -> bool,
) -> Result<(), TextError> {
    match text.chars().enumerate().find(|(_, c)| !is_allowed(*c)) {
        None => Ok(()),
        Some((at, found)) => Err(TextError::Character { what, at, found, allowed }),
    }
}

/// The volume identifier of the primary descriptor: 1 to 32 of `A-Z 0-9 _`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeId(String);

impl VolumeId {
    /// Longest identifier, in characters (ECMA-119 8.4.7).
    pub const MAX: usize = 32;

    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or holds another character. See
    /// [`from_label`](Self::from_label) for a conversion.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let what = "volume identifier";
        check_characters(what, text, "A-Z, 0-9 and _", is_d_character)?;
        check_length(what, "characters", text.len(), Self::MAX)?;
        Ok(Self(text.to_owned()))
    }

    /// The nearest identifier to any label: upper case, `_` for what is not allowed, the first 32
    /// characters. An empty label becomes `_`.
    pub fn from_label(label: &str) -> Self {
        let upper = label.chars().map(|c| c.to_ascii_uppercase()).take(Self::MAX);
        let text: String = upper.map(|c| if is_d_character(c) { c } else { '_' }).collect();
        Self(if text.is_empty() { "_".to_owned() } else { text })
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The volume identifier of the Joliet descriptor, the label Windows shows: 1 to 16 UTF-16 units,
/// no control characters and none of `* / : ; ? \ " < > |`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JolietVolumeId(String);

impl JolietVolumeId {
    /// Longest identifier, in UTF-16 units.
    pub const MAX: usize = 16;

    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or holds a refused character. See
    /// [`from_label`](Self::from_label) for a conversion.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let what = "Joliet volume identifier";
        let allowed = "all but control characters and * / : ; ? \\ \" < > |";
        check_characters(what, text, allowed, |c| !is_refused_by_joliet(c))?;
        check_length(what, "UTF-16 units", text.encode_utf16().count(), Self::MAX)?;
        Ok(Self(text.to_owned()))
    }

    /// The nearest identifier to any label: `_` for what is refused, as many whole characters as
    /// fit. An empty label becomes `_`.
    pub fn from_label(label: &str) -> Self {
        let mut units = 0usize;
        let mut text = String::new();
        for c in label.chars() {
            units = units.saturating_add(c.len_utf16());
            if units > Self::MAX {
                break;
            }
            text.push(if is_refused_by_joliet(c) { '_' } else { c });
        }
        Self(if text.is_empty() { "_".to_owned() } else { text })
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JolietVolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identifier of a volume set: 1 to 128 of `A-Z 0-9 _`. The Joliet descriptor has room for the
/// first 64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeSetId(String);

impl VolumeSetId {
    /// Longest identifier, in characters (ECMA-119 8.4.19).
    pub const MAX: usize = 128;
    /// As many of them as the Joliet descriptor has room for.
    const MAX_JOLIET: usize = 64;

    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or holds another character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let what = "volume set identifier";
        check_characters(what, text, "A-Z, 0-9 and _", is_d_character)?;
        check_length(what, "characters", text.len(), Self::MAX)?;
        Ok(Self(text.to_owned()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as the Joliet descriptor holds it.
    pub(crate) fn joliet(&self) -> &str {
        self.0.get(..Self::MAX_JOLIET).unwrap_or(&self.0)
    }
}

impl fmt::Display for VolumeSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A publisher, data preparer or application identifier: 1 to 64 of the a-characters
/// (`A-Z 0-9 _`, space and `! " % & ' ( ) * + , - . / : ; < = > ?`), the first not `_`.
///
/// The primary descriptor has room for 128, the Joliet one for 64; both hold the same text. A
/// leading `_` would make it the name of a file in the root directory (ECMA-119 8.4.20).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InfoText(String);

impl InfoText {
    /// Longest text, in characters.
    pub const MAX: usize = 64;

    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or holds another character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let what = "descriptor text";
        let allowed = "A-Z, 0-9, _ (not first), space and ! \" % & ' ( ) * + , - . / : ; < = > ?";
        check_characters(what, text, allowed, is_a_character)?;
        check_length(what, "characters", text.len(), Self::MAX)?;
        if text.starts_with('_') {
            return Err(TextError::Character { what, at: 0, found: '_', allowed });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_ids() {
        assert_eq!(VolumeId::new("WIN_PE_10").unwrap().as_str(), "WIN_PE_10");
        let long = TextError::Length {
            what: "volume identifier",
            unit: "characters",
            found: 33,
            allowed: 32,
        };
        assert_eq!(VolumeId::new(&"A".repeat(33)).unwrap_err(), long);
        assert!(matches!(VolumeId::new(""), Err(TextError::Length { found: 0, .. })));
        for (text, position, c) in [("Ab", 1, 'b'), ("A-B", 1, '-'), ("Ä", 0, 'Ä')] {
            let error = VolumeId::new(text).unwrap_err();
            assert!(
                matches!(error, TextError::Character { at, found, .. } if (at, found) == (position, c))
            );
        }
        let from = |label| VolumeId::from_label(label).0;
        assert_eq!(from("Configuration Manager"), "CONFIGURATION_MANAGER");
        assert_eq!(from("é"), "_");
        assert_eq!(from(""), "_");
        assert_eq!(from(&"x".repeat(40)).len(), 32);
    }

    #[test]
    fn joliet_volume_ids() {
        assert!(JolietVolumeId::new("Configuration Ma").is_ok());
        assert!(matches!(
            JolietVolumeId::new("Configuration Man"),
            Err(TextError::Length { found: 17, allowed: 16, .. })
        ));
        assert!(matches!(
            JolietVolumeId::new("a:b"),
            Err(TextError::Character { at: 1, found: ':', .. })
        ));
        let from = |label| JolietVolumeId::from_label(label).0;
        assert_eq!(from("Configuration Manager"), "Configuration Ma");
        // Fifteen units, then a pair that would end at seventeen.
        assert_eq!(from("123456789012345\u{1F4BF}x"), "123456789012345");
        assert_eq!(from("a/b"), "a_b");
    }

    #[test]
    fn udf_volume_ids() {
        let from = |label: &str| UdfVolumeId::from_label(label).0;
        assert_eq!(from("Configuration Manager: a/b"), "Configuration Manager: a/b");
        assert_eq!(from("a\tb\u{85}"), "a_b_");
        assert_eq!(from(""), "_");
        assert_eq!(from(&"ä".repeat(127)), "ä".repeat(126));
        assert_eq!(from(&"漢".repeat(64)), "漢".repeat(63));
        assert_eq!(from(&("漢".repeat(62) + "\u{1F4BF}")), "漢".repeat(62));
        // One that is wide makes all wide.
        assert_eq!(from(&("a".repeat(62) + "漢b")), "a".repeat(62) + "漢");
        assert_eq!(from(&("a".repeat(63) + "漢")), "a".repeat(63));
        for label in ["ä".repeat(200), "漢".repeat(200), "a".repeat(100) + "漢"] {
            assert!(UdfVolumeId::new(&from(&label)).is_ok());
        }
    }

    #[test]
    fn info_texts() {
        assert!(InfoText::new("MADE BY (US), 100%").is_ok());
        for bad in ["_README.TXT", "lower", "A#B", "A$B", "A@B", ""] {
            assert!(InfoText::new(bad).is_err(), "{bad}");
        }
    }
}
