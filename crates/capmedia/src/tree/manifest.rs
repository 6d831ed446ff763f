//! `SHA256SUMS` and `media.json`: what is on the media, for anyone to check.
//!
//! `SHA256SUMS` has the format of `sha256sum`: 64 lower-case hexadecimal digits, two spaces, the
//! path with `/`, a line feed; sorted by path, itself not listed. Its length is known when the plan
//! is made, its bytes when every source has passed.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Not;
use std::sync::Arc;

use bytes::Bytes;
use extent_image::{Data, Digest, Digests, Late, Source};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Name of the manifest in the root of the media.
pub(crate) const MANIFEST: &str = "SHA256SUMS";
/// Name of the description in the root of the media.
pub(crate) const DESCRIPTION: &str = "media.json";
/// Longest manifest that is read back. A line has 67 bytes and a path: room for a million files.
pub(crate) const LARGEST_MANIFEST: u64 = 256 << 20;
/// Longest description that is written and read back: room for as many files with paths of ordinary
/// length.
pub(crate) const LARGEST_DESCRIPTION: u64 = 64 << 20;
/// Most files of a set, and most split files with their parts, that are read back.
const MOST_LISTED: usize = 2_000_000;
/// Version of the description.
pub(crate) const FORMAT: u32 = 1;
/// Digits and spaces in front of each path.
const PREFIX: usize = 66;

/// The manifest of `files` as content that is made while streaming. Files that are late content
/// themselves are left out: nothing knows their digest in time.
pub(crate) fn manifest(files: impl IntoIterator<Item = (String, Data)>) -> Late {
    let mut listed: Vec<(String, Arc<dyn Source>)> = files
        .into_iter()
        .filter_map(|(path, data)| match data {
            Data::Source(source) => Some((path, source)),
            Data::Late(_) => None,
        })
        .collect();
    listed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let len: usize = listed.iter().map(|(path, _)| PREFIX + path.len() + 1).sum();
    let make = move |digests: &Digests| {
        let mut text = String::with_capacity(len);
        for (path, source) in &listed {
            // Every source of the plan has been digested by now. Were one missing, the text would
            // be too short, and the stream would stop for it.
            if let Some(digest) = digests.of(source) {
                text.push_str(&format!("{digest}  {path}\n"));
            }
        }
        Bytes::from(text)
    };
    Late::new(MANIFEST, u64::try_from(len).unwrap_or(u64::MAX), make)
}

/// Reads a manifest.
///
/// # Errors
/// The number of the first line, from 1, that is not one of a manifest.
pub(crate) fn parse_manifest(text: &str) -> Result<Vec<(String, Digest)>, usize> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let entry = line.split_at_checked(64).and_then(|(digits, rest)| {
            // sha256sum writes a space or, for files read as binary, a star.
            let path = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
            let path = path.strip_prefix("./").unwrap_or(path);
            (!path.is_empty()).then_some(())?;
            Some((path.to_owned(), Digest::from_hex(digits)?))
        });
        entries.push(entry.ok_or(index + 1)?);
    }
    Ok(entries)
}

/// What the media says of itself, in `media.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Description {
    /// Version of this format, 1.
    pub format: u32,
    /// What the media is for: `capture`.
    pub media: String,
    /// The whole media label.
    pub label: String,
    /// The set this volume belongs to; follows from its content.
    pub set_id: String,
    /// Number of this volume in the set, from 1.
    pub volume: u32,
    /// Number of volumes in the set.
    pub volumes: u32,
    /// Architecture of the boot image: `x64`, `x86` or `arm64`.
    pub architecture: String,
    /// The image is a disc and a stick.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub hybrid: bool,
    /// SHA-256 of the boot code that is in no file of the first volume. On media with a FAT32 volume
    /// that a BIOS starts, these are the 440 bytes of the master boot record, the 420 bytes behind the
    /// BPB of the volume, its sectors 2 to 5; and then, on a disc that a BIOS starts by a program that
    /// is no file of it, the sectors that the boot catalog has it load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_code: Option<String>,
    /// On every volume of a set, and on media that holds a file in parts: all files by path, but for
    /// the two that each volume has of its own, this one and `SHA256SUMS`.
    #[serde(default, deserialize_with = "files", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SetFile>,
    /// Files that are there in parts, by path.
    #[serde(default, deserialize_with = "joins", skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinedFile>,
}

/// A file of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetFile {
    /// Its path on the volume, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Number of the volume that holds it, from 1.
    pub volume: u32,
}

/// A file that was larger than a disc, or than FAT32 holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JoinedFile {
    /// Its path, with `/`; no volume has a file there.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// The paths of its parts, first to last; they are among the files of the set.
    #[serde(deserialize_with = "parts")]
    pub parts: Vec<String>,
    /// For a WIM, whose parts imaging tools read as they are: the path of what makes the parts the
    /// WIM again. Without it, the parts one behind the other are the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
}

fn files<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SetFile>, D::Error> {
    from.deserialize_seq(AtMost::new(|_| 1))
}

fn joins<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<JoinedFile>, D::Error> {
    from.deserialize_seq(AtMost::new(|join: &JoinedFile| 1 + join.parts.len()))
}

fn parts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    from.deserialize_seq(AtMost::new(|_| 1))
}

/// Reads a list that holds at most [`MOST_LISTED`]: a few bytes of text become many of memory.
struct AtMost<T> {
    /// What one counts.
    weight: fn(&T) -> usize,
    of: PhantomData<T>,
}

impl<T> AtMost<T> {
    fn new(weight: fn(&T) -> usize) -> Self {
        Self { weight, of: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtMost<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST_LISTED}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        let mut count = 0usize;
        while let Some(next) = from.next_element()? {
            count = count.saturating_add((self.weight)(&next));
            if count > MOST_LISTED {
                return Err(A::Error::custom(format_args!("it lists more than {MOST_LISTED}")));
            }
            list.push(next);
        }
        Ok(list)
    }
}

/// Characters of a message about text that may be long.
const SHOWN: usize = 200;

impl Description {
    /// Reads `media.json`.
    ///
    /// # Errors
    /// What is wrong with the file, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let fault = |error: serde_json::Error| {
            let why: String = error.to_string().chars().take(SHOWN).collect();
            format!("{DESCRIPTION}: cannot be read: {why}")
        };
        // What a newer format has may not be read as this one.
        let Head { format } = serde_json::from_str(text).map_err(fault)?;
        match format {
            FORMAT => serde_json::from_str(text).map_err(fault),
            _ if format > FORMAT => Err(format!(
                "{DESCRIPTION}: has format {format}, made by a newer version; this version reads \
                 {FORMAT}"
            )),
            _ => Err(format!("{DESCRIPTION}: has format {format}, which there is not")),
        }
    }

    /// The text of `media.json`: one line for each value, file and joined file.
    pub(crate) fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_text())
    }

    /// The same, with spaces at the end that make it `len` bytes.
    pub(crate) fn to_bytes_of_len(&self, len: usize) -> Bytes {
        let mut text = self.to_text();
        let missing = len.saturating_sub(text.len());
        text.insert_str(text.trim_end().len(), &" ".repeat(missing));
        Bytes::from(text)
    }

    fn to_text(&self) -> String {
        let head = Self { files: Vec::new(), joins: Vec::new(), ..self.clone() };
        // Structs of texts and numbers always have a JSON form.
        let mut text = serde_json::to_string_pretty(&head).unwrap_or_default();
        let mut list = |name: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                text.truncate(text.trim_end_matches(['\n', '}']).len());
                text.push_str(&format!(
                    ",\n  \"{name}\": [\n    {}\n  ]\n}}",
                    lines.join(",\n    ")
                ));
            }
        };
        list(
            "files",
            self.files.iter().filter_map(|file| serde_json::to_string(file).ok()).collect(),
        );
        list(
            "joins",
            self.joins.iter().filter_map(|file| serde_json::to_string(file).ok()).collect(),
        );
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use extent_image::{PlanBuilder, StreamOptions};

    use super::*;

    #[test]
    fn made_sorted_and_read_back() {
        let files = [("b/x", "1"), ("a", "22"), ("empty", "")];
        let files = files.map(|(path, text)| (path.to_owned(), Data::bytes("t", text)));
        let late = Data::Late(Arc::new(manifest(files.clone())));
        let mut builder = PlanBuilder::new();
        for (_, data) in &files {
            builder.data("file data", data).unwrap();
        }
        builder.data("manifest", &late).unwrap();
        let mut image = Vec::new();
        let plan = builder.finish();
        let _ = plan.write_to(&mut image, &StreamOptions::default(), &mut ()).unwrap();
        let text = std::str::from_utf8(&image[3..]).unwrap();
        let entries = parse_manifest(text).unwrap();
        let expected = [("a", "22"), ("b/x", "1"), ("empty", "")];
        let expected = expected.map(|(path, text)| (path.to_owned(), Digest::of(text.as_bytes())));
        assert_eq!(entries, expected);
    }

    #[test]
    fn a_description_is_json_of_the_length_asked_for() {
        let file = |path: &str, volume| SetFile { path: path.to_owned(), size: 1 << 40, volume };
        let mut description = Description {
            format: 1,
            media: "capture".to_owned(),
            label: "}\n}".to_owned(),
            set_id: "id".to_owned(),
            volume: 2,
            volumes: 2,
            architecture: "x64".to_owned(),
            hybrid: false,
            boot_code: None,
            files: Vec::new(),
            joins: Vec::new(),
        };
        let read = |bytes: &[u8]| serde_json::from_slice::<Description>(bytes).unwrap();
        assert_eq!(read(&description.to_bytes()), description);
        description.files = vec![file("a/\"é\"", 1), file("b", 2)];
        assert_eq!(read(&description.to_bytes()), description);
        let parts = vec!["big.001".to_owned(), "big.002".to_owned()];
        description.joins =
            vec![JoinedFile { path: "big".to_owned(), size: 7, parts, frame: None }];
        let bytes = description.to_bytes();
        assert_eq!(read(&bytes), description);
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(
            text.contains("\n    {\"path\":\"b\",\"size\":1099511627776,\"volume\":2}\n"),
            "{text}"
        );
        for longer in [0, 1, 5000] {
            let padded = description.to_bytes_of_len(bytes.len() + longer);
            assert_eq!((padded.len(), read(&padded)), (bytes.len() + longer, description.clone()));
            assert_eq!(padded.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn foreign_lines_are_refused_by_number() {
        let good = format!("{}  a\n{} *./b\n", Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(parse_manifest(&good).unwrap().len(), 2);
        for bad in ["\n", "x", "  a", &format!("{}  \n", Digest::of(b"")), &"é".repeat(70)] {
            assert_eq!(parse_manifest(&format!("{good}{bad}")), Err(3), "{bad:?}");
        }
    }
}
