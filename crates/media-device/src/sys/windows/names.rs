//! Paths that name a drive or a volume rather than a file.

use std::path::Path;

/// What a path names, as far as its spelling tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// `\\.\PhysicalDrive2`
    Disk(u32),
    /// `E:` or `\\.\E:`, by the path that opens it.
    Volume(String),
    /// `\\.\Harddisk2Partition1` and others that Windows knows, by the path that opens it.
    Device(String),
}

impl Named {
    /// `None` for files and folders. `E:\` is a folder; `E:`, which for a program is the current
    /// folder there, is the volume.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let text = path.to_str()?.replace('/', r"\");
        if is_letter(&text) {
            return Some(Self::Volume(format!(r"\\.\{text}")));
        }
        let name = text.strip_prefix(r"\\.\").or_else(|| text.strip_prefix(r"\\?\"))?;
        if name.contains('\\') {
            return None;
        }
        let begins = |kind: &str| {
            let (head, rest) = name.split_at_checked(kind.len())?;
            head.eq_ignore_ascii_case(kind).then_some(rest)
        };
        if let Some(number) = begins("PhysicalDrive").and_then(number) {
            return Some(Self::Disk(number));
        }
        if is_letter(name) {
            return Some(Self::Volume(format!(r"\\.\{name}")));
        }
        if begins("Volume{").is_some() {
            return Some(Self::Volume(format!(r"\\?\{name}")));
        }
        ["Harddisk", "CdRom"]
            .into_iter()
            .any(|kind| begins(kind).is_some())
            .then(|| Self::Device(format!(r"\\.\{name}")))
    }
}

/// The number in `PhysicalDrive2`, which Windows lists among other names.
pub(super) fn disk_number(name: &str) -> Option<u32> {
    number(name.strip_prefix("PhysicalDrive")?)
}

/// The path that opens a drive.
pub(super) fn disk_path(number: u32) -> String {
    format!(r"\\.\{}", disk_name(number))
}

pub(super) fn disk_name(number: u32) -> String {
    format!("PhysicalDrive{number}")
}

/// As Windows calls it.
pub(super) fn partition_name(disk: u32, partition: u32) -> String {
    format!("Harddisk{disk}Partition{partition}")
}

/// What opens the volume that is mounted at a folder, where that is the root of a letter:
/// `\\.\E:` of `E:\`.
pub(super) fn letter_device(mount_point: &str) -> Option<String> {
    let name = mount_point.strip_prefix(r"\\?\").unwrap_or(mount_point).strip_suffix('\\')?;
    is_letter(name).then(|| format!(r"\\.\{name}"))
}

fn is_letter(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// Digits only; numbers have other spellings.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_and_volumes_are_told_from_files_and_folders() {
        let volume = |path: &str| Some(Named::Volume(path.to_owned()));
        let device = |path: &str| Some(Named::Device(path.to_owned()));
        for (path, expected) in [
            (r"\\.\PhysicalDrive2", Some(Named::Disk(2))),
            (r"//./physicaldrive12", Some(Named::Disk(12))),
            (r"\\?\PHYSICALDRIVE0", Some(Named::Disk(0))),
            ("E:", volume(r"\\.\E:")),
            ("e:", volume(r"\\.\e:")),
            (r"\\.\E:", volume(r"\\.\E:")),
            (r"\\?\E:", volume(r"\\.\E:")),
            (r"\\?\Volume{8f3c}", volume(r"\\?\Volume{8f3c}")),
            (r"\\.\Harddisk2Partition1", device(r"\\.\Harddisk2Partition1")),
            (r"\\.\CdRom0", device(r"\\.\CdRom0")),
            (r"E:\", None),
            (r"\\.\E:\", None),
            (r"\\?\Volume{8f3c}\", None),
            (r"\\?\C:\a.img", None),
            (r"\\server\share", None),
            (r"\\.\pipe\x", None),
            (r"\\.\NUL", None),
            (r"\\.\COM1", None),
            (r"\\.\PhysicalDrive+2", None),
            (r"\\.\PhysicalDrive", None),
            (r"\\.\PhysicalDrive4294967296", None),
            ("PhysicalDrive2", None),
            ("EE:", None),
            ("ä:", None),
            ("E:x", None),
            (r"\\.\Größe", None),
            ("", None),
        ] {
            assert_eq!(Named::of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn letters_open_without_their_folder() {
        assert_eq!(letter_device(r"C:\").as_deref(), Some(r"\\.\C:"));
        assert_eq!(letter_device(r"\\?\C:\").as_deref(), Some(r"\\.\C:"));
        assert_eq!(letter_device(r"C:\mnt\"), None);
        assert_eq!(letter_device(r"\\server\share\"), None);
    }
}
