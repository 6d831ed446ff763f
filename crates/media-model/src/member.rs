//! Names of the files of a set, and of the parts of a file that was split over it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The file of volume `number` of a set that was asked for at `path`: `<stem>-<number>` and the
/// extension, in the same folder.
///
/// ```
/// # use std::path::Path;
/// # use media_model::set_member;
/// assert_eq!(set_member(Path::new("out/capture.iso"), 2), Path::new("out/capture-2.iso"));
/// assert_eq!(set_member(Path::new("capture"), 10), Path::new("capture-10"));
/// ```
pub fn set_member(path: &Path, number: u16) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The number that [`set_member`] would have to be given for a file of this name; `None` when no
/// number gives it.
///
/// ```
/// # use std::path::Path;
/// # use media_model::set_member_number;
/// let path = Path::new("out/capture.iso");
/// assert_eq!(set_member_number(path, "capture-2.iso".as_ref()), Some(2));
/// assert_eq!(set_member_number(path, "capture-02.iso".as_ref()), None);
/// ```
pub fn set_member_number(path: &Path, name: &std::ffi::OsStr) -> Option<u16> {
    // A name that is not Unicode is compared as a whole; only the digits are read.
    let text = name.to_str()?;
    let digits = match path.extension() {
        Some(extension) => text.strip_suffix(extension.to_str()?)?.strip_suffix('.')?,
        None => text,
    };
    let number = digits.rsplit_once('-')?.1.parse().ok()?;
    (number > 0 && set_member(path, number).file_name() == Some(name)).then_some(number)
}

/// The name of part `number` of a split file, from 1: `<name>.001`, and more digits where three are
/// not enough.
///
/// ```
/// assert_eq!(media_model::part_name("data.bin", 2), "data.bin.002");
/// ```
pub fn part_name(name: &str, number: u32) -> String {
    format!("{name}.{number:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_back() {
        for (path, member) in [
            ("capture.iso", "capture-7.iso"),
            ("a/b.c/capture", "a/b.c/capture-7"),
            ("a.b.iso", "a.b-7.iso"),
            (".hidden", ".hidden-7"),
            ("x-1.iso", "x-1-7.iso"),
        ] {
            let path = Path::new(path);
            assert_eq!(set_member(path, 7), Path::new(member));
            let name = Path::new(member).file_name().unwrap();
            assert_eq!(set_member_number(path, name), Some(7));
        }
        for other in [
            "capture.iso",
            "capture-0.iso",
            "capture-+1.iso",
            "capture-1.img",
            "capture-1",
            "Capture-1.iso",
            "capture-70000.iso",
            "capture-1-1.iso",
        ] {
            assert_eq!(
                set_member_number(Path::new("capture.iso"), other.as_ref()),
                None,
                "{other}"
            );
        }
    }
}
