//! What /sys says, one small file per fact.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::drive::DeviceNumber;
use crate::text;

/// The kernel gives no more than a page.
const LIMIT: u64 = 4096;

/// The bytes of an attribute; `None` when the kernel has none, or the drive is just going away.
pub(super) fn bytes(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(folder.join(name)).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A text that the drive said.
pub(super) fn text(folder: &Path, name: &str) -> Option<String> {
    text::ascii(&bytes(folder, name)?)
}

/// A path, whole: it ends with the line.
pub(super) fn path(folder: &Path, name: &str) -> Option<PathBuf> {
    let bytes = bytes(folder, name)?;
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    (!bytes.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(bytes)))
}

pub(super) fn number(folder: &Path, name: &str) -> Option<u64> {
    text(folder, name)?.parse().ok()
}

pub(super) fn flag(folder: &Path, name: &str) -> bool {
    number(folder, name) == Some(1)
}

/// `8:16`
pub(super) fn device_number(folder: &Path) -> Option<DeviceNumber> {
    parse_device_number(&text(folder, "dev")?)
}

pub(super) fn parse_device_number(text: &str) -> Option<DeviceNumber> {
    let (major, minor) = text.split_once(':')?;
    Some(DeviceNumber { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

/// The names in a folder, sorted; those that are not UTF-8 are not the kernel's.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}
