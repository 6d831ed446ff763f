//! Names that others gave: devices and languages.

use std::fmt;

use crate::error::{HardwareIdError, LocaleError};
use crate::text::text_form;

/// The hardware ID of a device, such as `PCI\VEN_8086&DEV_15F3`: 1 to 199 printable ASCII characters
/// other than space and comma (Windows: `MAX_DEVICE_ID_LEN` with its NUL, and what divides them in an
/// INF), with a bus and a backslash, or a `*` in front as ACPI has it. Windows knows IDs without
/// either; devices of network and storage have none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HardwareId(String);

text_form!(HardwareId, HardwareIdError);

impl HardwareId {
    /// Most characters.
    pub const MAX: usize = 199;

    /// Takes `text` as it is or not at all.
    ///
    /// # Errors
    ///
    /// [`HardwareIdError`] when it is empty, too long, or has another character.
    pub fn new(text: &str) -> Result<Self, HardwareIdError> {
        if text.is_empty() {
            return Err(HardwareIdError::Empty);
        }
        if let Some((position, found)) =
            text.char_indices().find(|(_, c)| !c.is_ascii_graphic() || *c == ',')
        {
            return Err(HardwareIdError::Character { position, found });
        }
        if text.len() > Self::MAX {
            return Err(HardwareIdError::TooLong { length: text.len(), max: Self::MAX });
        }
        match text.split_once('\\') {
            Some(("", _)) => Err(HardwareIdError::NoBus),
            Some((bus, rest)) if bus.eq_ignore_ascii_case("PCI") && !is_pci(rest) => {
                Err(HardwareIdError::Pci)
            }
            None if !text.starts_with('*') => Err(HardwareIdError::NoBus),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `VEN_8086&DEV_15F3`, `VEN_8086&CC_0200` or `CC_0200`, and what may follow.
fn is_pci(id: &str) -> bool {
    let hex = |part: Option<&str>, name: &str, lengths: &[usize]| {
        let digits = part.and_then(|part| part.get(name.len()..).filter(|_| starts(part, name)));
        digits.is_some_and(|digits| {
            lengths.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    let class = |part| hex(part, "CC_", &[4, 6]);
    // The path of an instance may follow.
    let mut parts = id.split('\\').next().unwrap_or_default().split('&');
    let (first, second) = (parts.next(), parts.next());
    class(first) || (hex(first, "VEN_", &[4]) && (hex(second, "DEV_", &[4]) || class(second)))
}

fn starts(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

impl fmt::Display for HardwareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A language as Windows names it: `en-US`, `de-DE`, `zh-Hant-TW`. At most 84 characters (Windows:
/// `LOCALE_NAME_MAX_LENGTH` with its NUL).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Locale(String);

text_form!(Locale, LocaleError);

impl Locale {
    /// Takes a name of a language, 2 to 8 ASCII letters, and subtags of 1 to 8 ASCII letters and
    /// digits after hyphens.
    ///
    /// # Errors
    ///
    /// [`LocaleError`] for anything else. Whether the boot manager has messages in that language is
    /// another matter: it falls back to English.
    pub fn new(text: &str) -> Result<Self, LocaleError> {
        let mut parts = text.split('-');
        let language = parts.next().is_some_and(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        let subtags = parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if language && subtags && text.len() <= 84 {
            Ok(Self(text.to_owned()))
        } else {
            Err(LocaleError { found: text.to_owned() })
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_ids() {
        for id in [
            r"PCI\VEN_8086&DEV_15F3",
            r"pci\ven_8086&dev_15f3&subsys_00008086&rev_03\3&11583659&0&FE",
            r"PCI\CC_010802",
            r"PCI\VEN_8086&CC_0200",
            "*PNP0A03",
            r"ACPI\VEN_INT&DEV_33A1",
            &format!(r"A\{}", "x".repeat(197)),
        ] {
            assert_eq!(HardwareId::new(id).unwrap().as_str(), id);
        }
        let character = |position, found| HardwareIdError::Character { position, found };
        for (id, error) in [
            ("", HardwareIdError::Empty),
            (r"PCI\VEN_8086, PCI\VEN_8087", character(12, ',')),
            ("a b", character(1, ' ')),
            ("\u{e9}", character(0, '\u{e9}')),
            ("8086:15F3", HardwareIdError::NoBus),
            ("PCIVEN_8086", HardwareIdError::NoBus),
            (r"\VEN_8086", HardwareIdError::NoBus),
            (r"PCI\VEN_8086", HardwareIdError::Pci),
            (r"PCI\VEN_8086:DEV_15F3", HardwareIdError::Pci),
            (r"PCI\VEN_8086&DEV_15G3", HardwareIdError::Pci),
            (r"pci\8086&15F3", HardwareIdError::Pci),
            (&"x".repeat(200), HardwareIdError::TooLong { length: 200, max: 199 }),
        ] {
            assert_eq!(HardwareId::new(id), Err(error));
        }
    }

    #[test]
    fn locales() {
        for name in ["en-US", "de", "zh-Hant-TW", "es-419"] {
            assert_eq!(Locale::new(name).unwrap().as_str(), name);
        }
        for name in ["", "e", "en_US", "en-", "-US", "1a-US"] {
            assert_eq!(Locale::new(name), Err(LocaleError { found: name.to_owned() }));
        }
    }
}
