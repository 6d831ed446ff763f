//! What was planned or made, as values to print or to hand on. Nothing here is printed by us.

use serde::Serialize;

/// Something the operator should know that does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Warning(String);

impl Warning {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, what to do last.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The media that a request gives: all that is known before the first byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Summary {
    /// `cd-dvd` or `usb`.
    pub media_type: String,
    /// The media label, whole.
    pub label: String,
    /// Architecture of the boot image: `x64`, `x86` or `arm64`.
    pub architecture: String,
    /// The boot image's path.
    pub boot_image: String,
    /// Identity of the media; follows from its content.
    pub set_id: String,
    /// The volumes, first to last.
    pub volumes: Vec<VolumeSummary>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// One volume of the media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct VolumeSummary {
    /// Number in the set, from 1.
    pub number: u32,
    /// Length of the image in bytes.
    pub bytes: u64,
    /// Length that it may have at most, in bytes, where that was limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// Files on it.
    pub files: u64,
    /// Bytes in these files; content that is there twice counts twice.
    pub content_bytes: u64,
    /// Files whose content another file's place holds as well.
    pub shared_files: u64,
    /// The file systems.
    pub file_system: String,
    /// The label as each descriptor holds it.
    pub labels: Vec<LabelSummary>,
    /// Where it boots: `BIOS`, `UEFI`.
    pub boots: Vec<String>,
}

/// The label in one place of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LabelSummary {
    /// `FAT`, `ISO 9660` or `Joliet`.
    pub place: String,
    /// The label there.
    pub label: String,
    /// True when it is not the media label as it was given.
    pub changed: bool,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Made {
    /// What was planned.
    #[serde(flatten)]
    pub summary: Summary,
    /// The path asked for; `-` for standard output. A set of several volumes has no file of that
    /// name: see [`images`](Self::images).
    pub path: String,
    /// Bytes handed to the output; less than the length where a file got holes.
    pub written_bytes: u64,
    /// SHA-256 of the only image, when a checksum was asked for.
    pub sha256: Option<String>,
    /// The image of each volume, first to last.
    pub images: Vec<MadeImage>,
}

/// The image of one volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MadeImage {
    /// Where it is; `-` for standard output.
    pub path: String,
    /// Bytes handed to the output; less than the length where a file got holes.
    pub written_bytes: u64,
    /// SHA-256 of the image, when a checksum was asked for.
    pub sha256: Option<String>,
}
