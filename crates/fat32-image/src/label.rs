//! The volume label.

use std::fmt;

/// A volume label: 1 to 11 characters of upper-case ASCII.
///
/// Refused beside lower case and everything outside ASCII (readers would decode it in their own OEM
/// code page): control characters, `" * + , . / : ; < = > ? [ \ ] |`, a space at either end, the
/// label `NO NAME`, which means none, and exactly `BOOTMGR`: the BIOS boot record of Windows
/// compares the eleven bytes of each root slot without looking at its attributes and would take the
/// label for the boot manager.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label([u8; 11]);

/// Why a text is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Empty, or more than 11 bytes.
    #[error("label {label:?} has {found} characters; FAT holds 1 to 11")]
    Length {
        /// The refused text.
        label: String,
        /// Its length.
        found: usize,
    },
    /// A character that a label cannot hold.
    #[error(
        "label {label:?}: {character:?} at position {position} is not allowed in a FAT label; use A-Z, 0-9, space or _"
    )]
    Character {
        /// The refused text.
        label: String,
        /// The refused character.
        character: char,
        /// Its place, in characters from 0.
        position: usize,
    },
    /// A space at the start or the end.
    #[error("label {label:?} begins or ends with a space")]
    OuterSpace {
        /// The refused text.
        label: String,
    },
    /// `BOOTMGR` or `NO NAME`.
    #[error("label {label:?} is reserved: {reason}; choose another")]
    Reserved {
        /// The refused text.
        label: String,
        /// What it would be taken for.
        reason: &'static str,
    },
}

impl Label {
    /// What the boot sector holds when there is no label.
    pub(crate) const NO_NAME: [u8; 11] = *b"NO NAME    ";

    /// Checks a label.
    ///
    /// # Errors
    /// [`LabelError`], by the rules of the type. Nothing is repaired.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let label = || text.to_owned();
        let refused = |c: char| {
            !matches!(c, ' '..='~') || c.is_ascii_lowercase() || "\"*+,./:;<=>?[\\]|".contains(c)
        };
        if let Some((position, character)) = text.chars().enumerate().find(|(_, c)| refused(*c)) {
            return Err(LabelError::Character { label: label(), character, position });
        }
        let mut bytes = [b' '; 11];
        match bytes.get_mut(..text.len()) {
            Some(start) if !text.is_empty() => start.copy_from_slice(text.as_bytes()),
            _ => return Err(LabelError::Length { label: label(), found: text.len() }),
        }
        if text.starts_with(' ') || text.ends_with(' ') {
            return Err(LabelError::OuterSpace { label: label() });
        }
        let reason = match text {
            "BOOTMGR" => "Windows' BIOS boot record would take it for the boot manager",
            "NO NAME" => "it means that the volume has no label",
            _ => return Ok(Self(bytes)),
        };
        Err(LabelError::Reserved { label: label(), reason })
    }

    /// The text, without padding.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches(' ')
    }

    /// The eleven bytes on the volume.
    pub(crate) fn padded(&self) -> [u8; 11] {
        self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_labels() {
        for good in ["A", "CONFIGURATI", "WIN PE 11", "BOOTMGR2", "A_B-C!", "~{}'`^"] {
            assert_eq!(Label::new(good).unwrap().as_str(), good);
        }
        assert_eq!(&Label::new("AB").unwrap().padded(), b"AB         ");
    }

    #[test]
    fn refused_labels() {
        let character = |label: &str, character, position| {
            Err(LabelError::Character { label: label.into(), character, position })
        };
        assert_eq!(Label::new("AbC"), character("AbC", 'b', 1));
        assert_eq!(Label::new("ÄB"), character("ÄB", 'Ä', 0));
        assert_eq!(Label::new("A\tB"), character("A\tB", '\t', 1));
        assert_eq!(Label::new("A.B"), character("A.B", '.', 1));
        let length =
            |label: &str| Err(LabelError::Length { label: label.into(), found: label.len() });
        assert_eq!(Label::new(""), length(""));
        assert_eq!(Label::new("ABCDEFGHIJKL"), length("ABCDEFGHIJKL"));
        assert!(matches!(Label::new(" A"), Err(LabelError::OuterSpace { .. })));
        assert!(matches!(Label::new("A "), Err(LabelError::OuterSpace { .. })));
        assert!(matches!(Label::new("BOOTMGR"), Err(LabelError::Reserved { .. })));
        assert!(matches!(Label::new("NO NAME"), Err(LabelError::Reserved { .. })));
    }
}
