//! The media label, and the shorter forms of it that file systems hold.
//!
//! Configuration Manager gives the label as it is to `MediaLabel.txt` and to the disc, and its first
//! 11 characters to a stick. Our UDF and `MediaLabel.txt` hold it as it is too; every other place
//! has its own type, made by a named conversion whose result a plan shows.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::LabelError;
use crate::text::text_form;

/// The label the operator gives: 1 to 32 printable ASCII characters (0x20 to 0x7E).
///
/// The default is the wizard's, `Configuration Manager`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaLabel(String);

text_form!(MediaLabel, LabelError);

impl MediaLabel {
    /// The rule as a regular expression (whole text).
    pub const RULE: &str = "[ -~]{1,32}";

    /// Most characters of a label: what an ISO 9660 volume identifier holds (ECMA-119 8.4.7).
    pub const MAX: usize = 32;

    /// Takes `label` as it is or not at all.
    ///
    /// # Errors
    ///
    /// [`LabelError`] when it is empty, too long, or has other characters than printable ASCII.
    pub fn new(label: &str) -> Result<Self, LabelError> {
        if let Some((position, found)) = label.char_indices().find(|(_, c)| !is_printable(*c)) {
            return Err(LabelError::Character { position, found });
        }
        match label.len() {
            0 => Err(LabelError::Empty),
            1..=Self::MAX => Ok(Self(label.to_owned())),
            length => Err(LabelError::TooLong { length, max: Self::MAX }),
        }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The label of one volume of a set: as many characters of the label as leave room for `_` and
    /// the volume's number in `room` characters.
    ///
    /// ```
    /// # use media_model::{JolietLabel, MediaLabel};
    /// let label = MediaLabel::default();
    /// assert_eq!(label.of_volume(2, MediaLabel::MAX).as_str(), "Configuration Manager_2");
    /// assert_eq!(label.of_volume(12, JolietLabel::MAX).as_str(), "Configuration_12");
    /// ```
    #[must_use]
    pub fn of_volume(&self, number: u16, room: usize) -> Self {
        let suffix = format!("_{number}");
        let kept = room.min(Self::MAX).saturating_sub(suffix.len());
        Self(self.0.chars().take(kept).chain(suffix.chars()).collect())
    }

    /// The content of `\MediaLabel.txt`: `label=<label>` and CR LF, ASCII.
    pub fn media_label_txt(&self) -> String {
        format!("label={}\r\n", self.0)
    }
}

impl Default for MediaLabel {
    fn default() -> Self {
        Self("Configuration Manager".to_owned())
    }
}

impl fmt::Display for MediaLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// What the derived labels have in common.
macro_rules! derived_label {
    ($type:ident) => {
        impl $type {
            /// The label, without padding; never empty.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether it reads otherwise than `label`: a plan says so.
            pub fn changed(&self, label: &MediaLabel) -> bool {
                self.0 != label.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

/// A FAT volume label: 1 to 11 ASCII characters that FAT allows, upper case, no space at either
/// end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FatLabel(String);

derived_label!(FatLabel);

impl FatLabel {
    /// Most characters: the name field of a directory slot.
    pub const MAX: usize = 11;

    /// The first 11 characters in ASCII upper case, in this order:
    ///
    /// 1. characters FAT refuses (`" * + , . / : ; < = > ? [ \ ] |`) become `_`, and so does a
    ///    space at the start;
    /// 2. spaces at the end go, as they cannot be told from padding;
    /// 3. `BOOTMGR` becomes `BOOTMGR_`: a Windows boot record compares the 11 bytes of every root
    ///    slot without looking at attributes and would try to load the label. `NO NAME` becomes
    ///    `NO NAME_`, since it stands for no label.
    ///
    /// ```
    /// # use media_model::{FatLabel, MediaLabel};
    /// let label = MediaLabel::default();
    /// assert_eq!(FatLabel::from_media_label(&label).as_str(), "CONFIGURATI");
    /// ```
    pub fn from_media_label(label: &MediaLabel) -> Self {
        let mut text: String = label
            .0
            .chars()
            .take(Self::MAX)
            .enumerate()
            .map(|(index, c)| match c {
                ' ' if index == 0 => '_',
                '"' | '*' | '+' | ',' | '.' | '/' | ':' | ';' | '<' | '=' | '>' | '?' | '['
                | '\\' | ']' | '|' => '_',
                c => c.to_ascii_uppercase(),
            })
            .collect();
        text.truncate(text.trim_end_matches(' ').len());
        if text == "BOOTMGR" || text == "NO NAME" {
            text.push('_');
        }
        Self(text)
    }
}

/// The volume identifier of an ISO 9660 primary volume descriptor: 1 to 32 d-characters (`A-Z`,
/// `0-9`, `_`; ECMA-119 7.4.1 and 8.4.7).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IsoLabel(String);

derived_label!(IsoLabel);

impl IsoLabel {
    /// Letters in upper case, digits as they are, everything else `_`.
    ///
    /// ```
    /// # use media_model::{IsoLabel, MediaLabel};
    /// let label = MediaLabel::default();
    /// assert_eq!(IsoLabel::from_media_label(&label).as_str(), "CONFIGURATION_MANAGER");
    /// ```
    pub fn from_media_label(label: &MediaLabel) -> Self {
        let d_character = |c: char| match c {
            'A'..='Z' | '0'..='9' => c,
            'a'..='z' => c.to_ascii_uppercase(),
            _ => '_',
        };
        Self(label.0.chars().map(d_character).collect())
    }
}

/// The volume identifier of a Joliet supplementary volume descriptor: 1 to 16 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JolietLabel(String);

derived_label!(JolietLabel);

impl JolietLabel {
    /// Most characters: 32 bytes of UCS-2.
    pub const MAX: usize = 16;

    /// The first 16 characters; the code points Joliet excludes everywhere (`* / : ; ? \`) and
    /// those that Windows programs cannot handle (`" < > |`) become `_`, spaces at the end go, and
    /// nothing but spaces becomes `_`.
    ///
    /// ```
    /// # use media_model::{JolietLabel, MediaLabel};
    /// let label = MediaLabel::default();
    /// assert_eq!(JolietLabel::from_media_label(&label).as_str(), "Configuration Ma");
    /// ```
    pub fn from_media_label(label: &MediaLabel) -> Self {
        let mut text: String = label
            .0
            .chars()
            .take(Self::MAX)
            .map(|c| if r#"*/:;?\"<>|"#.contains(c) { '_' } else { c })
            .collect();
        text.truncate(text.trim_end_matches(' ').len());
        if text.is_empty() {
            text.push('_');
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> MediaLabel {
        MediaLabel::new(text).unwrap()
    }

    #[test]
    fn refuses_with_numbers() {
        assert_eq!(MediaLabel::new(""), Err(LabelError::Empty));
        let long = "x".repeat(33);
        assert_eq!(MediaLabel::new(&long), Err(LabelError::TooLong { length: 33, max: 32 }));
        assert_eq!(
            MediaLabel::new("Größe"),
            Err(LabelError::Character { position: 2, found: 'ö' })
        );
        assert_eq!(
            MediaLabel::new("a\r\nb"),
            Err(LabelError::Character { position: 1, found: '\r' })
        );
        assert_eq!(
            MediaLabel::new("a\u{7f}"),
            Err(LabelError::Character { position: 1, found: '\u{7f}' })
        );
        assert!(MediaLabel::new(&"~".repeat(32)).is_ok());
    }

    #[test]
    fn fat() {
        for (from, to) in [
            ("Configuration Manager", "CONFIGURATI"),
            ("WINPE", "WINPE"),
            (" x", "_X"),
            ("   ", "_"),
            ("a  ", "A"),
            ("a.b*c=d", "A_B_C_D"),
            ("bootmgr", "BOOTMGR_"),
            ("BootMgr       tail", "BOOTMGR_"),
            ("bootmgr2", "BOOTMGR2"),
            ("BOOTMGR.", "BOOTMGR_"),
            ("No Name", "NO NAME_"),
            ("!#$%&'()-@^", "!#$%&'()-@^"),
        ] {
            assert_eq!(FatLabel::from_media_label(&label(from)).as_str(), to, "{from}");
        }
        assert!(!FatLabel::from_media_label(&label("WINPE")).changed(&label("WINPE")));
        assert!(FatLabel::from_media_label(&label("WinPE")).changed(&label("WinPE")));
    }

    #[test]
    fn iso_and_joliet() {
        let given = label("24H2 a-z: \"x\" .............end.");
        assert_eq!(IsoLabel::from_media_label(&given).as_str(), "24H2_A_Z___X_______________END_");
        assert_eq!(JolietLabel::from_media_label(&given).as_str(), "24H2 a-z_ _x_ ..");
        assert!(
            !JolietLabel::from_media_label(&label("Sixteen letters!"))
                .changed(&label("Sixteen letters!"))
        );
        assert_eq!(JolietLabel::from_media_label(&label(&" ".repeat(20))).as_str(), "_");
    }

    #[test]
    fn volumes_of_a_set_differ_in_every_form() {
        let long = label(&"x".repeat(32));
        assert_eq!(long.of_volume(10, MediaLabel::MAX).as_str(), format!("{}_10", "x".repeat(29)));
        let joliet = |number| {
            JolietLabel::from_media_label(&long.of_volume(number, JolietLabel::MAX)).to_string()
        };
        assert_eq!(
            (joliet(1), joliet(65_535)),
            (format!("{}_1", "x".repeat(14)), format!("{}_65535", "x".repeat(10)))
        );
        assert_eq!(label("a").of_volume(3, 1).as_str(), "_3");
    }

    #[test]
    fn text_file() {
        assert_eq!(MediaLabel::default().media_label_txt(), "label=Configuration Manager\r\n");
    }
}
