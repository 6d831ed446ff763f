//! The zip around an export, read with distrust: names are checked before anything is unpacked, and
//! nothing is unpacked beyond its limit.

use std::collections::HashMap;

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive, crc32};

use super::error::ExportError;

/// Entries of one archive. Exports seen have eight, and four more for each further object.
const MAX_ENTRIES: usize = 10_000;

pub(super) struct Archive<'a> {
    zip: ZipSliceArchive<&'a [u8]>,
    entries: Vec<Entry>,
}

pub(super) struct Entry {
    /// With `/` between its parts, as it came.
    pub(super) name: String,
    encrypted: bool,
    method: CompressionMethod,
    way: ZipArchiveEntryWayfinder,
    crc: u32,
    size: u64,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ExportError> {
        let not_a_zip = |error: rawzip::Error| ExportError::NotAZip { problem: error.to_string() };
        let zip = ZipArchive::from_slice(bytes).map_err(not_a_zip)?;
        let mut entries = Vec::new();
        // Windows, and the parts of an OPC package, do not tell case apart.
        let mut names: HashMap<String, ()> = HashMap::new();
        let mut headers = zip.entries();
        while let Some(header) = headers.next_entry().map_err(not_a_zip)? {
            if entries.len() == MAX_ENTRIES {
                return Err(ExportError::Entries { max: MAX_ENTRIES });
            }
            let raw = header.file_path();
            let Some(name) = safe_name(raw.as_bytes()) else {
                let entry = String::from_utf8_lossy(raw.as_bytes()).into_owned();
                return Err(ExportError::Name { entry });
            };
            if names.insert(name.to_ascii_lowercase(), ()).is_some() {
                return Err(ExportError::Duplicate { entry: name });
            }
            entries.push(Entry {
                name,
                encrypted: header.flags().is_encrypted(),
                method: header.compression_method(),
                way: header.wayfinder(),
                crc: header.crc32(),
                size: header.uncompressed_size_hint(),
            });
        }
        Ok(Self { zip, entries })
    }

    /// In the order of the archive's directory.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Unpacks an entry of at most `max` bytes.
    pub(super) fn read(&self, entry: &Entry, max: usize) -> Result<Vec<u8>, ExportError> {
        let name = || entry.name.clone();
        if entry.encrypted {
            return Err(ExportError::Encrypted { entry: name() });
        }
        if entry.size > u64::try_from(max).unwrap_or(u64::MAX) {
            return Err(ExportError::EntrySize { entry: name(), max });
        }
        let damaged = |problem: String| ExportError::Damaged { entry: name(), problem };
        let found = self.zip.get_entry(entry.way).map_err(|error| damaged(error.to_string()))?;
        if safe_name(found.local_header().file_path().as_bytes()).as_ref() != Some(&entry.name) {
            return Err(damaged("its own header has another name".to_owned()));
        }
        let bytes = match entry.method {
            CompressionMethod::STORE => found.data().to_vec(),
            CompressionMethod::DEFLATE => match decompress_to_vec_with_limit(found.data(), max) {
                Ok(bytes) => bytes,
                Err(error) if error.status == TINFLStatus::HasMoreOutput => {
                    return Err(ExportError::EntrySize { entry: name(), max });
                }
                Err(error) => return Err(damaged(error.to_string())),
            },
            method => return Err(ExportError::Method { entry: name(), method: method.as_u16() }),
        };
        if u64::try_from(bytes.len()).ok() != Some(entry.size) {
            let problem =
                format!("it has {} bytes and the directory says {}", bytes.len(), entry.size);
            return Err(damaged(problem));
        }
        if crc32(&bytes) != entry.crc {
            return Err(damaged("its check sum is wrong".to_owned()));
        }
        Ok(bytes)
    }
}

/// The name with `/` between its parts, if no part can lead anywhere but into a folder. A `/` at
/// the end marks a folder.
fn safe_name(raw: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(raw).ok()?.replace('\\', "/");
    let parts = name.strip_suffix('/').unwrap_or(&name);
    let good = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(|c: char| c == ':' || c.is_control())
    };
    parts.split('/').all(good).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere() {
        for good in ["[Content_Types].xml", "a/b/c.xml", "a/", "..."] {
            assert_eq!(safe_name(good.as_bytes()).as_deref(), Some(good));
        }
        assert_eq!(safe_name(b"a\\b").as_deref(), Some("a/b"));
        for bad in [
            "", "/", "/a", "a//b", "..", "../a", "a/../b", "..\\a", "\\a", "C:/a", "C:a", "a\nb",
            "./a",
        ] {
            assert_eq!(safe_name(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(safe_name(b"\xFF"), None);
    }
}
