//! What was planned or made, as values to print or to hand on. Nothing here is printed by us.

use dp_content::ContentEvent;
use serde::Serialize;

use crate::boot::manager::BootManagerSummary;
use crate::tree::manifest::JoinedFile;

/// Something the operator should know that does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Warning {
    text: String,
    #[serde(skip)]
    loud: bool,
}

impl Warning {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), loud: false }
    }

    /// One that is told to those too who want to hear none.
    pub(crate) fn loud(text: impl Into<String>) -> Self {
        Self { loud: true, ..Self::new(text) }
    }

    /// The text, what to do last.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is told even where no warnings are wanted: a password stands on the media.
    pub fn is_loud(&self) -> bool {
        self.loud
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
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
    /// Architecture of the computers that the media is for: the same, or `x64` where the boot image
    /// is for `x86`.
    pub target_architecture: String,
    /// What UEFI starts, and why that.
    pub boot_manager: BootManagerSummary,
    /// The boot image's path.
    pub boot_image: String,
    /// The image of it that the media starts, from 1.
    pub boot_index: u32,
    /// What the boot manager reads, for each firmware.
    pub boot_configuration: Vec<BootConfiguration>,
    /// Identity of the media; follows from its content.
    pub set_id: String,
    /// The devices that were named, by `--require-hwid` first, and their drivers in the boot image.
    pub devices: Vec<DeviceSummary>,
    /// The volumes, first to last.
    pub volumes: Vec<VolumeSummary>,
    /// Files that stand on the media in parts, because a disc or a file on FAT32 cannot be so long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<JoinedFile>,
    /// What comes from distribution points, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentSummary>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Content of distribution points that media is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ContentSummary {
    /// The locations, the preferred one first.
    pub locations: Vec<String>,
    /// The packages, that of the boot image first.
    pub packages: Vec<PackageSummary>,
    /// What happened on the way, in order: faults that were got over, damaged copies.
    pub events: Vec<ReportedEvent>,
}

/// A package that media is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PackageSummary {
    /// The package id.
    pub id: String,
    /// The content id: the package id and the version that was found.
    pub content_id: String,
    /// The location that it was found at; its files may have come from others.
    pub location: String,
    /// The locations that its files came from, as far as their hashes tell: more than one where one
    /// took over from another, or the cache. Empty before they are read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub came_from: Vec<String>,
    /// The folder of the media that its files go to, with `/`, empty for the root; `None` for the
    /// package of the boot image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_path: Option<String>,
    /// Files in it.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// Something that happened while content was looked for or fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ReportedEvent {
    /// A word for programs, such as `resumed`, `fell-over`, `bad-copy`.
    pub kind: String,
    /// What happened, for people.
    pub text: String,
}

impl From<&ContentEvent> for ReportedEvent {
    fn from(event: &ContentEvent) -> Self {
        Self { kind: event.kind().to_owned(), text: event.to_string() }
    }
}

impl ReportedEvent {
    /// Whether somebody has to do something about it: then it is among the warnings too.
    pub fn is_warning(&self) -> bool {
        matches!(&*self.kind, "not-there" | "warning" | "bad-copy" | "unusable" | "cache")
    }
}

/// The boot configuration (BCD) of the media for one firmware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootConfiguration {
    /// `BIOS` or `UEFI`.
    pub firmware: String,
    /// Its path on the media, with `/`.
    pub path: String,
    /// `image` for one that was found, `own` for one that was made.
    pub taken: String,
    /// Where it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Language of one that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Why one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A device of the computers that the media is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DeviceSummary {
    /// Its hardware ID, and its name where one was told.
    pub device: String,
    /// `network` or `storage`, where that is known.
    pub role: Option<String>,
    /// False for a device that needs no driver in a boot image.
    pub needed: bool,
    /// The package in the boot image that drives it.
    pub driver: Option<String>,
    /// The ID that device and driver have in common.
    pub matched_id: Option<String>,
    /// What else the device needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
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
    /// Where it boots: `BIOS`, `UEFI`; `UEFI (32-bit)` where x64 computers start a boot image for
    /// x86 by that alone.
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
