//! Package ids of a Configuration Manager site.

use std::fmt;

use crate::error::PackageIdError;
use crate::text::text_form;

/// A package id, such as `PS100005`, with the source version when one is given, `PS100005.3` (then
/// the text is also the content id).
///
/// The rule is `^[A-Z0-9]{3}[0-9A-F]{5}(\.\d+)?$` after ASCII upper-casing: Configuration Manager
/// takes ids in either case and stores them in upper case, and so does this type. The version is a
/// number; `Display` writes it without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageId {
    id: String,
    version: Option<u64>,
}

text_form!(PackageId, PackageIdError);

impl PackageId {
    /// The rule as a regular expression (whole text, after ASCII upper-casing).
    pub const RULE: &str = r"[A-Z0-9]{3}[0-9A-F]{5}(\.[0-9]+)?";

    /// Characters of the site code.
    const SITE_CODE: usize = 3;
    /// Characters of an id.
    const LENGTH: usize = 8;

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`PackageIdError`] when the text is not by the rule or the version is above 64 bits.
    pub fn new(text: &str) -> Result<Self, PackageIdError> {
        let (id, version) = match text.split_once('.') {
            Some((id, version)) => (id, Some(version)),
            None => (text, None),
        };
        let length = id.chars().count();
        if length != Self::LENGTH {
            return Err(PackageIdError::Length { length, allowed: Self::LENGTH });
        }
        for (index, (position, found)) in id.char_indices().enumerate() {
            let (good, allowed) = if index < Self::SITE_CODE {
                (found.is_ascii_alphanumeric(), "a letter or digit")
            } else {
                (found.is_ascii_hexdigit(), "a hexadecimal digit")
            };
            if !good {
                return Err(PackageIdError::Character { position, found, allowed });
            }
        }
        // The id is ASCII from here on, so its characters are bytes.
        let version =
            version.map(|version| parse_version(version, Self::LENGTH + 1)).transpose()?;
        Ok(Self { id: id.to_ascii_uppercase(), version })
    }

    /// The eight characters of the id, upper case.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The source version, when one was given.
    pub fn version(&self) -> Option<u64> {
        self.version
    }
}

/// `start` is the byte offset of `version` in the text given.
fn parse_version(version: &str, start: usize) -> Result<u64, PackageIdError> {
    if let Some((at, found)) = version.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        let position = start + at;
        return Err(PackageIdError::Character { position, found, allowed: "a digit" });
    }
    if version.is_empty() {
        return Err(PackageIdError::EmptyVersion { position: start });
    }
    // Only digits and at least one: what is left to fail is the size.
    version.parse().map_err(|_| PackageIdError::VersionTooLarge { position: start, max: u64::MAX })
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        match self.version {
            Some(version) => write!(f, ".{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        let id = PackageId::new("ps1000af.03").unwrap();
        assert_eq!((id.id(), id.version()), ("PS1000AF", Some(3)));
        assert_eq!(id.to_string(), "PS1000AF.3");
        assert_eq!(PackageId::new("RR200004").unwrap().to_string(), "RR200004");
    }

    #[test]
    fn refuses_with_numbers() {
        let character =
            |position, found, allowed| Err(PackageIdError::Character { position, found, allowed });
        for (text, error) in [
            ("", Err(PackageIdError::Length { length: 0, allowed: 8 })),
            ("PS10005", Err(PackageIdError::Length { length: 7, allowed: 8 })),
            ("PS1000055", Err(PackageIdError::Length { length: 9, allowed: 8 })),
            ("PS1OOO05", character(3, 'O', "a hexadecimal digit")),
            ("P-100005", character(1, '-', "a letter or digit")),
            ("éS100005", character(0, 'é', "a letter or digit")),
            ("PS1\u{661}0005", character(3, '\u{661}', "a hexadecimal digit")),
            ("PS100005.", Err(PackageIdError::EmptyVersion { position: 9 })),
            ("PS100005.1.2", character(10, '.', "a digit")),
            ("PS100005.+1", character(9, '+', "a digit")),
            (
                "PS100005.18446744073709551616",
                Err(PackageIdError::VersionTooLarge { position: 9, max: u64::MAX }),
            ),
        ] {
            assert_eq!(PackageId::new(text), error, "{text}");
        }
    }
}
