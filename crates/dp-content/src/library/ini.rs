//! The INI files of a content library, read leniently: what is known is checked, what is not known
//! is passed over.
//!
//! Literal examples exist of the file INI only; the keys of the others are known from scripts that
//! read them, so nothing but what is needed is asked for. Lines end with CRLF or LF; a byte order
//! mark of UTF-8 is passed over. UTF-16 with its mark is read too: libraries get repaired by hand,
//! the editors of Windows save such files, and Windows' own reader of INIs takes them. Bytes that
//! are no UTF-8 become U+FFFD: everything that is needed is ASCII.
//!
//! Sections and the names of known keys compare without case; content ids, which are keys, keep
//! theirs. Where a key stands twice the first counts, as with Windows.

use extent_image::{Digest, Timestamp};

/// Lines in one file: more than ever needed, and few enough that a file of line ends costs nothing.
const MAX_LINES: usize = 20_000;

/// Characters of a value that an error shows.
const SHOWN: usize = 80;

/// `DataLib/<content id>/<path>.INI`: one file of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileIni {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256.
    pub hash: Digest,
    /// Modification time, where it is told as a FILETIME in decimal digits.
    pub modified: Option<Timestamp>,
    /// `FILE_ATTRIBUTE_*`; 0 where they are not told in hexadecimal digits.
    pub attributes: u32,
}

impl FileIni {
    /// Reads `[File]`, of which `Size` and `Hash` are needed.
    ///
    /// # Errors
    /// [`IniError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, IniError> {
        let ini = Ini::parse(bytes)?;
        let size = ini.entry("File", "Size")?;
        let attributes = ini.find("File", "Attributes");
        let modified = ini.find("File", "TimeModified").and_then(|entry| decimal(&entry.value));
        Ok(Self {
            size: decimal(&size.value)
                .ok_or_else(|| size.bad("a number of bytes in decimal digits"))?,
            hash: ini.hash("File")?,
            modified: modified.map(Timestamp::from_filetime),
            attributes: attributes
                .and_then(|entry| u32::from_str_radix(&entry.value, 16).ok())
                .unwrap_or(0),
        })
    }
}

/// `DataLib/<content id>.INI`: a content as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentIni {
    /// The package hash.
    pub hash: Digest,
}

impl ContentIni {
    /// Reads `[Info]`, of which `Hash` is needed. Real ones have 21 bytes more, which may be
    /// `HashAlgorithm=32780` or others: not confirmed, so not asked for.
    ///
    /// # Errors
    /// [`IniError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, IniError> {
        Ok(Self { hash: Ini::parse(bytes)?.hash("Info")? })
    }
}

/// `PkgLib/<package id>.INI`: which contents a package has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackageIni {
    /// The keys of `[Packages]`, as written and in that order.
    pub content_ids: Vec<String>,
    /// `Version` of `[Info]`, where it is there and a number: then the content is
    /// `<package id>.<version>`.
    pub version: Option<u64>,
}

impl PackageIni {
    /// Reads `[Packages]` and `[Info]`, of which one must name a content.
    ///
    /// # Errors
    /// [`IniError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, IniError> {
        let ini = Ini::parse(bytes)?;
        let content_ids = ini.keys("Packages");
        let version = ini.find("Info", "Version").and_then(|entry| decimal(&entry.value));
        if content_ids.is_empty() && version.is_none() {
            return Err(IniError::Missing { section: "Packages", key: "content id" });
        }
        Ok(Self { content_ids, version })
    }
}

/// `FileLib/<4>/<HASH>.INI`: which contents use a stored file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsersIni {
    /// Their ids, as written and in that order.
    pub content_ids: Vec<String>,
}

impl UsersIni {
    /// Reads the keys of all sections: that the one is called `[Users]` is not confirmed.
    ///
    /// # Errors
    /// [`IniError::Lines`]
    pub fn parse(bytes: &[u8]) -> Result<Self, IniError> {
        let ini = Ini::parse(bytes)?;
        Ok(Self { content_ids: ini.entries.into_iter().map(|entry| entry.key).collect() })
    }
}

/// What an INI lacks or has wrong. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IniError {
    /// Too many lines for what it should be.
    #[error("more than {allowed} lines")]
    Lines {
        /// How many may be.
        allowed: usize,
    },
    /// Something that must be there.
    #[error("no {key} in [{section}]")]
    Missing {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value that cannot be.
    #[error("line {line}: {key} is {found:?}, which is not {allowed}")]
    Value {
        /// The line.
        line: usize,
        /// The key as written.
        key: String,
        /// The value, its beginning where it is long.
        found: String,
        /// What it may be.
        allowed: &'static str,
    },
}

/// All lines of an INI that say something.
struct Ini {
    entries: Vec<Entry>,
}

struct Entry {
    section: String,
    key: String,
    value: String,
    line: usize,
}

impl Ini {
    fn parse(bytes: &[u8]) -> Result<Self, IniError> {
        let text = decode(bytes);
        let mut entries = Vec::new();
        let mut section = "";
        for (index, line) in text.split('\n').enumerate() {
            if index >= MAX_LINES {
                return Err(IniError::Lines { allowed: MAX_LINES });
            }
            let line = line.trim();
            if line.is_empty() || line.starts_with(';') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                section = name.split(']').next().unwrap_or(name).trim();
                continue;
            }
            // A line without `=` is a key without a value: the scripts that strip the `=` off a
            // list of contents would see no difference.
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            entries.push(Entry {
                section: section.to_owned(),
                key: key.trim_end().to_owned(),
                value: value.trim_start().to_owned(),
                line: index + 1,
            });
        }
        Ok(Self { entries })
    }

    fn in_section(&self, section: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.section.eq_ignore_ascii_case(section))
    }

    fn find(&self, section: &str, key: &str) -> Option<&Entry> {
        self.in_section(section).find(|entry| entry.key.eq_ignore_ascii_case(key))
    }

    fn entry(&self, section: &'static str, key: &'static str) -> Result<&Entry, IniError> {
        self.find(section, key).ok_or(IniError::Missing { section, key })
    }

    fn keys(&self, section: &str) -> Vec<String> {
        let keys = self.in_section(section).map(|entry| entry.key.clone());
        keys.filter(|key| !key.is_empty()).collect()
    }

    /// `Hash`, or a key with more characters after it (the readers that exist allow any up to the
    /// `=`) whose value is a hash; so `HashAlgorithm` is none.
    fn hash(&self, section: &'static str) -> Result<Digest, IniError> {
        let longer = || {
            let mut entries = self.in_section(section).filter(|entry| {
                entry.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("Hash"))
            });
            entries.find(|entry| Digest::from_hex(&entry.value).is_some())
        };
        let entry = self.find(section, "Hash").or_else(longer);
        let entry = entry.ok_or(IniError::Missing { section, key: "Hash" })?;
        Digest::from_hex(&entry.value)
            .ok_or_else(|| entry.bad("a SHA-256 in 64 hexadecimal digits"))
    }
}

impl Entry {
    fn bad(&self, allowed: &'static str) -> IniError {
        let shown = |text: &str| match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        };
        let (key, found) = (shown(&self.key), shown(&self.value));
        IniError::Value { line: self.line, key, found, allowed }
    }
}

/// Digits only: `parse` alone would take a sign.
fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn decode(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(unit));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the reference, 144 bytes.
    const REAL: &str = "[File]\r\nAttributes=00000020\r\nSize=2263\r\n\
        TimeModified=133672811237132153\r\n\
        Hash=7CEEA6CCA359BD79DE86CDC2F6603E81F979F55BD8796775D0D92C91DB6E7FE3\r\n";
    const HASH: &str = "7ceea6cca359bd79de86cdc2f6603e81f979f55bd8796775d0d92c91db6e7fe3";

    fn with(from: &str, to: &str) -> Result<FileIni, IniError> {
        assert!(REAL.contains(from));
        FileIni::parse(REAL.replace(from, to).as_bytes())
    }

    #[test]
    fn a_real_file() {
        assert_eq!(REAL.len(), 144);
        let ini = FileIni::parse(REAL.as_bytes()).unwrap();
        assert_eq!((ini.size, ini.attributes), (2263, 0x20));
        assert_eq!(ini.hash.to_string(), HASH);
        assert_eq!(ini.modified.unwrap().to_string(), "2024-08-04T21:38:43Z");
        assert_eq!(ini.modified.unwrap().filetime(), 133_672_811_237_132_153);
    }

    #[test]
    fn what_is_let_pass() {
        let real = FileIni::parse(REAL.as_bytes());
        for (from, to) in [
            ("\r\n", "\n"),
            ("Hash=7C", "Hash =7C"),
            ("Hash=7C", "Hash.4=7C"),
            ("Hash=7C", "HashAlgorithm=32780\r\nHASH\t= 7C"),
            ("[File]", "\u{FEFF}[FILE]"),
            ("[File]", "; hello\r\n\r\n[Other]\r\nSize=1\r\n[file] ;\r\nUnknown=1\r\nnoise"),
            ("E3\r\n", "E3"),
            ("E3\r\n", "E3\r\nHash=00\r\nSize=-1\r\n"),
            ("CEEA6CCA", "ceea6cCA"),
            ("Size=2263", "size= 2263 "),
        ] {
            assert_eq!(with(from, to), real, "{from:?} {to:?}");
        }
        let wide = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{FEFF}".encode_utf16().chain(REAL.encode_utf16()).flat_map(unit).collect()
        };
        assert_eq!(FileIni::parse(&wide(u16::to_le_bytes)), real);
        assert_eq!(FileIni::parse(&wide(u16::to_be_bytes)), real);
        let odd =
            with("Attributes=00000020\r\nSize=2263\r\nTimeModified=1", "Size=2263\r\nTime=-1");
        let odd = odd.unwrap();
        assert_eq!((odd.attributes, odd.modified), (0, None));
    }

    #[test]
    fn what_is_not() {
        let missing = |key| Err(IniError::Missing { section: "File", key });
        let value = |line, key: &str, found: &str, allowed| {
            Err(IniError::Value { line, key: key.to_owned(), found: found.to_owned(), allowed })
        };
        let sha256 = "a SHA-256 in 64 hexadecimal digits";
        let bytes = "a number of bytes in decimal digits";
        assert_eq!(FileIni::parse(b""), missing("Size"));
        assert_eq!(with("[File]", "[Fil]"), missing("Size"));
        assert_eq!(with("Size", "Sice"), missing("Size"));
        assert_eq!(with("Hash", "Hasch"), missing("Hash"));
        assert_eq!(with("Hash=", "HashAlgorithm=32780\r\n="), missing("Hash"));
        for size in ["", "-1", "+1", "0x10", "1,024", "18446744073709551616"] {
            assert_eq!(with("2263", size), value(3, "Size", size, bytes));
        }
        let short = &HASH.to_uppercase()[..63];
        assert_eq!(with("E3", "E"), value(5, "Hash", short, sha256));
        assert_eq!(with("7CEE", "7CEEE").unwrap_err().to_string().matches("7CEEE").count(), 1);
        let long = "x".repeat(100);
        let shown = format!("{}...", "x".repeat(80));
        assert_eq!(with("2263", &long), value(3, "Size", &shown, bytes));
        let lines = "\n".repeat(MAX_LINES);
        assert_eq!(FileIni::parse(lines.as_bytes()), Err(IniError::Lines { allowed: MAX_LINES }));
    }

    #[test]
    fn others() {
        let content = format!("[Info]\r\nHashAlgorithm=32780\r\nHash={HASH}\r\n");
        assert_eq!(ContentIni::parse(content.as_bytes()).unwrap().hash.to_string(), HASH);
        let content = format!("[Info]\r\nHash={HASH}\r\nVersion=1\r\nRelated=\r\n");
        assert_eq!(ContentIni::parse(content.as_bytes()).unwrap().hash.to_string(), HASH);

        let package = b"[Packages]\r\nPS100005.3=\r\nContent_aB.1\r\n=x\r\n[Info]\r\nVersion=3\r\n";
        let package = PackageIni::parse(package).unwrap();
        assert_eq!(package.content_ids, ["PS100005.3", "Content_aB.1"]);
        assert_eq!(package.version, Some(3));
        let none = PackageIni::parse(b"[Packages]\r\n").unwrap_err();
        assert_eq!(none.to_string(), "no content id in [Packages]");

        let users = UsersIni::parse(b"[Users]\r\nPS100001.2=\r\nPS100005.3=\r\n").unwrap();
        assert_eq!(users.content_ids, ["PS100001.2", "PS100005.3"]);
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, text in "[\\[\\]=;\r\n\u{FEFF}HashSizeFil0-9é ]{0,200}") {
            for bytes in [&bytes[..], text.as_bytes()] {
                let _ = FileIni::parse(bytes);
                let _ = ContentIni::parse(bytes);
                let _ = PackageIni::parse(bytes);
                let _ = UsersIni::parse(bytes);
            }
        }
    }
}
