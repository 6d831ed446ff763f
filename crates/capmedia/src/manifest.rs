//! `SHA256SUMS` and `media.json`: what is on the media, for anyone to check.
//!
//! `SHA256SUMS` has the format of `sha256sum`: 64 lower-case hexadecimal digits, two spaces, the
//! path with `/`, a line feed; sorted by path, itself not listed. Its length is known when the plan
//! is made, its bytes when every source has passed.

use std::sync::Arc;

use bytes::Bytes;
use extent_image::{Data, Digest, Digests, Late, Source};
use serde::{Deserialize, Serialize};

/// Name of the manifest in the root of the media.
pub(crate) const MANIFEST: &str = "SHA256SUMS";
/// Name of the description in the root of the media.
pub(crate) const DESCRIPTION: &str = "media.json";
/// Longest manifest that is read back. A line has 67 bytes and a path: room for a million files.
pub(crate) const LARGEST_MANIFEST: u64 = 256 << 20;
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
    /// On a stick that a BIOS starts: SHA-256 of its boot code, which is in no file: the 440 bytes of
    /// the master boot record, the 420 bytes behind the BPB of the volume, its sectors 2 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_code: Option<String>,
}

impl Description {
    pub(crate) fn to_bytes(&self) -> Bytes {
        // A struct of texts and numbers always has a JSON form.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        Bytes::from(text)
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
    fn foreign_lines_are_refused_by_number() {
        let good = format!("{}  a\n{} *./b\n", Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(parse_manifest(&good).unwrap().len(), 2);
        for bad in ["\n", "x", "  a", &format!("{}  \n", Digest::of(b"")), &"é".repeat(70)] {
            assert_eq!(parse_manifest(&format!("{good}{bad}")), Err(3), "{bad:?}");
        }
    }
}
