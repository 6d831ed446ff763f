//! The request as it comes: the options of the wizard, still as text.

use std::ops::Not;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A request for capture media, unchecked. [`check`](Self::check) makes it usable.
///
/// Fields have the names of the long options of `capmedia create`; in serde the keys are those
/// options (`boot-image`, `media-type`, ...), an unknown key is an error, and `version = 1` must be
/// there. Paths are not changed: whoever reads a file of requests resolves relative ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[must_use]
pub struct CaptureMediaRequest {
    version: FormatVersion,
    /// The boot image: the path of a WIM. Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_image: Option<PathBuf>,
    /// The kind of media: see [`MediaType`](crate::MediaType). Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Where the image goes: see [`Output`](crate::Output). Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The media label: see [`MediaLabel`](crate::MediaLabel). Default `Configuration Manager`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether the media has an `autorun.inf`. Default no, like the wizard's since 1906.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub include_autorun: bool,
    /// The size of one disc: see [`MediaSize`](crate::MediaSize). Default no limit; discs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_size: Option<String>,
    /// Whether a file larger than a disc may be cut into numbered parts. Default no; discs of a
    /// limited size only.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub split_files: bool,
    /// The file systems of a disc: see [`FileSystem`](crate::FileSystem). Default `bridge`; discs
    /// only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system: Option<String>,
    /// Whether a disc asks for a key before it starts: see [`BootPrompt`](crate::BootPrompt). Default
    /// `yes`, where the boot image has what asks; discs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_prompt: Option<String>,
    /// The size of a USB image: see [`ImageSize`](crate::ImageSize). Default as small as the
    /// content allows; USB only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<String>,
    /// A folder where boot files are looked for before the boot image. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_files: Option<PathBuf>,
    /// What goes onto the media besides: see [`AddSpec`](crate::AddSpec). Default nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Whether `OUT.sha256` is written beside the image. Default no.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub checksum: bool,
    /// Whether an existing output file is replaced. Default no.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub force: bool,
    /// Seconds since 1970-01-01 UTC to which later times are set back. Default none. Comes from the
    /// environment, never from a file.
    #[serde(skip)]
    pub source_date_epoch: Option<i64>,
}

impl CaptureMediaRequest {
    /// The three values without which there is no media. Typed values such as
    /// [`MediaType::Usb`](crate::MediaType::Usb) go in as well as text.
    pub fn new(
        boot_image: impl Into<PathBuf>,
        media_type: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> Self {
        Self {
            boot_image: Some(boot_image.into()),
            media_type: Some(media_type.into()),
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Sets the media label. Default `Configuration Manager`.
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Sets whether the media has an `autorun.inf`. Default no.
    pub fn with_include_autorun(self, include: bool) -> Self {
        Self { include_autorun: include, ..self }
    }

    /// Sets the file systems of a disc. Default `bridge`.
    pub fn with_file_system(self, file_system: impl Into<String>) -> Self {
        Self { file_system: Some(file_system.into()), ..self }
    }

    /// Sets whether a disc asks for a key before it starts. Default `yes`.
    pub fn with_boot_prompt(self, prompt: impl Into<String>) -> Self {
        Self { boot_prompt: Some(prompt.into()), ..self }
    }

    /// Sets the size of one disc. Default no limit.
    pub fn with_media_size(self, size: impl Into<String>) -> Self {
        Self { media_size: Some(size.into()), ..self }
    }

    /// Sets whether a file larger than a disc may be cut into numbered parts. Default no.
    pub fn with_split_files(self, split: bool) -> Self {
        Self { split_files: split, ..self }
    }

    /// Sets the size of a USB image. Default as small as the content allows.
    pub fn with_image_size(self, size: impl Into<String>) -> Self {
        Self { image_size: Some(size.into()), ..self }
    }

    /// Sets the folder to take missing boot files from. Default none.
    pub fn with_boot_files(self, folder: impl Into<PathBuf>) -> Self {
        Self { boot_files: Some(folder.into()), ..self }
    }

    /// Adds one file or folder to those that go onto the media besides.
    pub fn with_add(mut self, add: impl Into<String>) -> Self {
        self.add.push(add.into());
        self
    }

    /// Sets whether `OUT.sha256` is written. Default no.
    pub fn with_checksum(self, checksum: bool) -> Self {
        Self { checksum, ..self }
    }

    /// Sets whether an existing output file is replaced. Default no.
    pub fn with_force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// Sets the time to which later times are set back, in seconds since 1970-01-01 UTC. Default
    /// none.
    pub fn with_source_date_epoch(self, seconds: Option<i64>) -> Self {
        Self { source_date_epoch: seconds, ..self }
    }
}

/// The `version` key: always 1. Another version is refused while reading, not by `check`, because
/// what the other keys mean is then unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct FormatVersion;

impl FormatVersion {
    const NUMBER: u64 = 1;
}

impl Serialize for FormatVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for FormatVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            found => Err(de::Error::custom(format_args!(
                "version {found} of the request format is not known; write version {} or use a \
                 newer capmedia",
                Self::NUMBER
            ))),
        }
    }
}
