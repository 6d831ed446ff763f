//! What kind of media is made, for which machines, and where it goes.

use std::fmt;
use std::path::{Component, Path, PathBuf, Prefix};

use crate::error::{NameError, OutputError};
use crate::path::{control_character, is_of_windows};
use crate::text::text_form;

/// Gives a field-less enum its text form; the words are matched exactly.
macro_rules! words {
    ($type:ident, $kind:literal, $($word:literal => $variant:ident),* $(,)?) => {
        text_form!($type, NameError);

        impl $type {
            /// The text forms.
            pub const ALL: &[&str] = &[$($word),*];

            /// Reads the text form.
            ///
            /// # Errors
            ///
            /// [`NameError`] for any other word.
            pub fn new(text: &str) -> Result<Self, NameError> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    found => Err(NameError {
                        kind: $kind,
                        found: found.to_owned(),
                        allowed: Self::ALL,
                    }),
                }
            }

            /// The text form.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use words;

/// The kind of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaType {
    /// A disc: an ISO image.
    CdDvd,
    /// A stick: a partitioned disk image with one FAT32 volume.
    Usb,
    /// One image that is both: a disc whose files lie in the FAT32 volume of a stick.
    Hybrid,
}

words!(MediaType, "media type", "cd-dvd" => CdDvd, "usb" => Usb, "hybrid" => Hybrid);

impl MediaType {
    /// Whether the image is an ISO image.
    pub fn is_disc(self) -> bool {
        matches!(self, Self::CdDvd | Self::Hybrid)
    }

    /// Whether the image has a FAT32 volume and boots when it is written to a stick.
    pub fn is_stick(self) -> bool {
        matches!(self, Self::Usb | Self::Hybrid)
    }
}

/// The file systems of a disc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FileSystem {
    /// ISO 9660, Joliet and UDF 1.02 over the same files: what every reader can read.
    #[default]
    Bridge,
    /// ISO 9660 and Joliet alone.
    Iso,
    /// UDF 1.02, and in ISO 9660 only a file that says so: the form of Microsoft's own discs.
    UdfStub,
}

words!(FileSystem, "file system", "bridge" => Bridge, "iso" => Iso, "udf-stub" => UdfStub);

/// Whether a disc asks for a key before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BootPrompt {
    /// "Press any key to boot from CD or DVD", as the wizard's discs do.
    #[default]
    Yes,
    /// It starts at once.
    No,
}

words!(BootPrompt, "answer", "yes" => Yes, "no" => No);

/// The processor the boot image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetArch {
    /// 64-bit PC.
    X64,
    /// 32-bit PC.
    X86,
    /// 64-bit ARM; UEFI only.
    Arm64,
}

words!(TargetArch, "architecture", "x64" => X64, "x86" => X86, "arm64" => Arm64);

impl TargetArch {
    /// The name of the boot manager in `\EFI\Boot` that firmware of this architecture starts (UEFI
    /// specification 3.5.1.1).
    pub fn efi_boot_file(self) -> &'static str {
        match self {
            Self::X64 => "bootx64.efi",
            Self::X86 => "bootia32.efi",
            Self::Arm64 => "bootaa64.efi",
        }
    }
}

/// How a stick is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PartitionTable {
    /// A master boot record with one active partition: what every PC starts from.
    #[default]
    Mbr,
    /// A GUID partition table with one partition: UEFI only.
    Gpt,
    /// None: the volume is the whole stick.
    None,
}

words!(PartitionTable, "partition table", "mbr" => Mbr, "gpt" => Gpt, "none" => None);

impl PartitionTable {
    /// What most machines start from a drive with such sectors: with those of 4096 bytes no BIOS
    /// starts anything, and most UEFI nothing behind a master boot record.
    pub const fn usual(sector_size: SectorSize) -> Self {
        match sector_size {
            SectorSize::B512 => Self::Mbr,
            SectorSize::B4096 => Self::Gpt,
        }
    }
}

/// What a GUID partition table says of the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GptType {
    /// Microsoft basic data: Windows gives it a drive letter.
    #[default]
    BasicData,
    /// EFI system partition: Windows hides it.
    EfiSystem,
}

words!(GptType, "partition type", "basic-data" => BasicData, "efi-system" => EfiSystem);

/// Bytes in a sector of the drive that an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SectorSize {
    /// 512 bytes: nearly every drive.
    #[default]
    B512,
    /// 4096 bytes: 4Kn drives, which no BIOS starts from.
    B4096,
}

words!(SectorSize, "sector size", "512" => B512, "4096" => B4096);

impl SectorSize {
    /// Bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::B512 => 512,
            Self::B4096 => 4096,
        }
    }
}

/// Where the media goes: a file, a drive, a mounted folder, or standard output.
///
/// A path that can only be a folder is refused. What stands at the path is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Output(Option<PathBuf>);

impl Output {
    /// Standard output.
    pub const STDOUT: Self = Self(None);

    /// `-` is standard output, anything else the path of a file; `./-` is a file of that name.
    ///
    /// # Errors
    ///
    /// [`OutputError`] when the path is empty, holds a control character, ends in a separator, `.` or
    /// `..`, or is one of Windows (`\\server\share\media.iso`, `C:\media.iso`) on another system.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, OutputError> {
        let path = path.into();
        if path.as_os_str().is_empty() {
            return Err(OutputError::Empty);
        }
        if path.as_os_str() == "-" {
            return Ok(Self::STDOUT);
        }
        if let Some((position, found)) = control_character(&path.to_string_lossy()) {
            return Err(OutputError::Character { position, found });
        }
        if is_of_windows(&path) {
            return Err(OutputError::OfWindows { path: path.to_string_lossy().into_owned() });
        }
        if !names_a_file(&path) && !is_device(&path) {
            return Err(OutputError::Folder { path: path.to_string_lossy().into_owned() });
        }
        Ok(Self(Some(path)))
    }

    /// What is updated in place: the path of an image file, of a drive, or of the folder that a stick
    /// is mounted at.
    ///
    /// # Errors
    ///
    /// [`OutputError`] when the path is empty, holds a control character, or is one of Windows on
    /// another system.
    pub fn in_place(path: impl Into<PathBuf>) -> Result<Self, OutputError> {
        let path = path.into();
        if path.as_os_str().is_empty() {
            return Err(OutputError::Empty);
        }
        if let Some((position, found)) = control_character(&path.to_string_lossy()) {
            return Err(OutputError::Character { position, found });
        }
        if is_of_windows(&path) {
            return Err(OutputError::OfWindows { path: path.to_string_lossy().into_owned() });
        }
        Ok(Self(Some(path)))
    }

    /// The path; `None` for standard output.
    pub fn file(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// Whether the image goes to standard output.
    pub fn is_stdout(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => path.display().fmt(f),
            None => f.pad("-"),
        }
    }
}

/// Whether the last part of `path` can be the name of a file. `Path::file_name` alone overlooks
/// `media/` and `media/.`, which it takes for `media`.
pub(crate) fn names_a_file(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    // file_name() drops only trailing separators and dots, so a path that names a file ends in it.
    path.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes())
}

/// Whether a path is that of a drive or volume on Windows: `E:`, `\\.\PhysicalDrive2`. `E:\` is not.
fn is_device(path: &Path) -> bool {
    let Some(Component::Prefix(prefix)) = path.components().next() else { return false };
    let is_share = matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..));
    prefix.as_os_str() == path.as_os_str() && !is_share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    #[test]
    fn words() {
        assert_eq!(MediaType::new("usb"), Ok(MediaType::Usb));
        assert_eq!(MediaType::CdDvd.to_string(), "cd-dvd");
        assert_eq!(TargetArch::new("arm64").unwrap().efi_boot_file(), "bootaa64.efi");
        for (word, nearest) in [
            ("floppy", None),
            ("", None),
            ("USB", Some("usb")),
            ("usb ", Some("usb")),
            ("CdDvd", Some("cd-dvd")),
            ("hibrid", Some("hybrid")),
        ] {
            let error = MediaType::new(word).unwrap_err();
            assert_eq!(error.allowed(), ["cd-dvd", "usb", "hybrid"]);
            assert_eq!(error.nearest(), nearest, "{word}");
            let remedy = match nearest {
                Some(nearest) => format!("give one of cd-dvd, usb, hybrid; {nearest} is nearest"),
                None => "give one of: cd-dvd, usb, hybrid".to_owned(),
            };
            assert_eq!(error.remedy(), remedy);
        }
        // Numbers that look alike are not meant for each other.
        assert_eq!(crate::BootManagerChoice::new("2012").unwrap_err().nearest(), None);
        assert_eq!(
            MediaType::new("floppy").unwrap_err().what(),
            "floppy is no media type this version knows"
        );
        assert!(MediaType::Hybrid.is_disc() && MediaType::Hybrid.is_stick());
        assert!(!MediaType::CdDvd.is_stick() && !MediaType::Usb.is_disc());
    }

    #[test]
    fn outputs() {
        assert!(Output::new("-").unwrap().is_stdout());
        assert_eq!(Output::new("./-").unwrap().file(), Some(Path::new("./-")));
        for file in ["a", "a.iso", "/dev/null", "b/...", "b/.a", "b/a.", ".a", "-/-"] {
            assert_eq!(Output::new(file).unwrap().file(), Some(Path::new(file)));
        }
        for (path, on_windows) in
            [(r"\\.\PhysicalDrive2", true), (r"E:\", false), (r"\\.\X\", false), (r"C:\a", true)]
        {
            assert_eq!(Output::new(path).is_ok(), on_windows && cfg!(windows), "{path}");
            assert_eq!(Output::in_place(path).is_ok(), cfg!(windows), "{path}");
        }
        // A file may be called so elsewhere.
        assert_eq!(Output::new("E:").unwrap().file(), Some(Path::new("E:")));
        assert_eq!(Output::new(r"a\b").unwrap().file(), Some(Path::new(r"a\b")));
        assert_eq!(Output::new(""), Err(OutputError::Empty));
        if cfg!(windows) {
            for device in [r"\\.\E:", r"\\.\PhysicalDrive2"] {
                assert_eq!(Output::new(device).unwrap().file(), Some(Path::new(device)));
            }
            for folder in [r"E:\", r"\\.\E:\", r"\\server\share"] {
                let error = Output::new(folder).unwrap_err();
                assert!(matches!(error, OutputError::Folder { .. }), "{folder}");
                assert_eq!(error.remedy().contains("give it as E:"), folder == r"E:\", "{folder}");
            }
        }
        for place in ["stick/", ".", "a.img", "-"] {
            assert_eq!(Output::in_place(place).unwrap().file(), Some(Path::new(place)));
        }
        assert_eq!(Output::in_place(""), Err(OutputError::Empty));
        assert!(Output::in_place("a\tb").is_err());
        if !cfg!(windows) {
            let error = Output::new(r"\\server\share\a.iso").unwrap_err();
            assert!(matches!(error, OutputError::OfWindows { .. }));
            assert!(error.remedy().starts_with("mount the share"), "{}", error.remedy());
        }
        let tab = OutputError::Character { position: 2, found: '\t' };
        assert_eq!(Output::new("C:\temp"), Err(tab));
        for folder in ["/", ".", "..", "a/", "a//", "a/.", "a/..", "a/./", "a/././/."] {
            assert_eq!(
                Output::new(folder),
                Err(OutputError::Folder { path: folder.to_owned() }),
                "{folder}"
            );
        }
    }
}
