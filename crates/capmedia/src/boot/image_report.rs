//! What a boot image is good for, as values: what it is, whether it can boot, which firmware trusts it,
//! whether it has what capture needs, and its drivers.
//!
//! Each section is found on its own. Where one cannot be told, because a part of the boot image is
//! damaged, its `error` says why and the others stand.

use bcd_store::Firmware;
use boot_image::{BootSet, Need, RuntimeState};
use serde::{Serialize, Serializer};

use crate::boot::certificate::LoaderSignature;
use crate::boot::configuration;
use crate::boot::image_drivers::DriversReport;

/// A boot image, section by section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootImageReport {
    /// Which image of the WIM all of this is about, from 1.
    pub image: u32,
    /// Why that one.
    pub chosen: ImageChoice,
    /// Whether Configuration Manager made it ready: its task sequence runtime is there, or some of it.
    pub configuration_manager: bool,
    /// Windows PE itself.
    pub windows: WindowsReport,
    /// Which computers it is for.
    pub architecture: ArchitectureReport,
    /// Every boot manager for UEFI in it, and who signed it.
    pub boot_managers: Vec<BootManagerReport>,
    /// Optional components of Windows PE.
    pub components: ComponentsReport,
    /// The task sequence runtime.
    pub runtime: RuntimeReport,
    /// Its drivers.
    pub drivers: DriversReport,
    /// What media can be made of it.
    pub media: MediaReport,
}

impl BootImageReport {
    /// Where no image is marked bootable: what to give to `--boot-index`, so that the media's copy of
    /// the WIM boots the image that this report is about.
    pub fn offered_boot_index(&self) -> Option<u32> {
        (self.chosen != ImageChoice::BootIndex).then_some(self.image)
    }
}

/// What a WIM holds, by the image that its report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WimContent {
    /// Windows PE, or another image that is marked bootable.
    BootImage,
    /// A Windows that is to be installed.
    Windows,
    /// Neither; nor are boot files looked for.
    Data,
    /// It cannot be told: the XML is silent and the image is damaged.
    Unknown,
}

/// Why an image of a WIM was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImageChoice {
    /// The WIM says that it boots.
    BootIndex,
    /// There is no other.
    OnlyImage,
    /// No image is marked bootable; it is the last that is Windows PE, as in Microsoft's own WIMs with
    /// several.
    LastWindowsPe,
    /// No image is marked bootable and none says that it is Windows PE.
    First,
}

/// Windows PE itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct WindowsReport {
    /// By the WIM's XML, such as `10.0.26100.1`.
    pub version: Option<String>,
    /// By the manifest of the Windows PE package.
    pub package_version: Option<String>,
    /// `WindowsPE` for boot images.
    pub edition: Option<String>,
    /// `WindowsPE` for boot images.
    pub installation_type: Option<String>,
    /// By the WIM's XML.
    pub languages: Vec<String>,
    /// One of them.
    pub default_language: Option<String>,
}

/// Which computers a boot image is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ArchitectureReport {
    /// By the WIM's XML: `x64`, `x86`, `arm64`, or one for which there is no media.
    pub xml: Option<String>,
    /// By the PE header of the first boot manager that has a good one.
    pub pe: Option<String>,
    /// Whether they are the same; `None` where one is missing.
    pub agree: Option<bool>,
    /// Why media for it cannot be made.
    pub error: Option<String>,
}

/// A boot manager for UEFI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootManagerReport {
    /// Its path in the image.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// `classic`, or `ex` for the set in folders that end in `_EX`.
    #[serde(serialize_with = "set")]
    pub set: BootSet,
    /// True for the one that firmware starts, false for one that older loaders chain to.
    pub started_by_firmware: bool,
    /// By its PE header.
    pub architecture: Option<String>,
    /// Its signatures, in their order.
    pub signatures: Vec<LoaderSignature>,
    /// The same in words, and which machines with Secure Boot on refuse it.
    pub secure_boot: Option<String>,
    /// Why it cannot be used.
    pub error: Option<String>,
}

/// The optional components of Windows PE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ComponentsReport {
    /// Those that are there, the ones that Configuration Manager needs first.
    pub installed: Vec<ComponentReport>,
    /// Those that Configuration Manager needs and that are not there.
    pub missing: Vec<String>,
    /// How it is known.
    pub evidence: ComponentEvidence,
    /// Components beyond those that are listed.
    pub more: usize,
}

/// How it is known which components are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ComponentEvidence {
    /// By the manifests of packages.
    Packages,
    /// A guess by files: the image has no manifests.
    Files,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ComponentReport {
    /// Such as `WMI`.
    pub name: String,
    /// Whether Configuration Manager needs it.
    pub required: bool,
    /// Such as `10.0.26100.1`.
    pub version: Option<String>,
    /// As the manifest writes it, such as `amd64`.
    pub architecture: Option<String>,
    /// Languages of its language packs.
    pub languages: Vec<String>,
    /// The manifest or the file that tells.
    pub found: String,
}

/// The task sequence runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RuntimeReport {
    /// `absent`, `incomplete` or `ready`: whether a task sequence can start and capture.
    #[serde(serialize_with = "state")]
    pub state: RuntimeState,
    /// Folders of it, such as `\sms\bin\x64`.
    pub folders: Vec<String>,
    /// Its files that are there.
    pub present: Vec<String>,
    /// Files that a task sequence needs and that are not there.
    pub missing: Vec<String>,
    /// Files that Configuration Manager 2403 adds besides and that are not there; other versions
    /// do without some.
    pub not_found: Vec<String>,
    /// Whether Windows PE starts it, by `winpeshl.ini`.
    pub starts: bool,
    /// The programs that `winpeshl.ini` names; empty when Windows PE starts its own shell.
    pub programs: Vec<String>,
    /// `TSBootShell.ini`, where it is.
    pub boot_shell_ini: Option<String>,
    /// Why `winpeshl.ini` cannot be read.
    pub error: Option<String>,
}

/// What media can be made of a boot image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MediaReport {
    /// Whether a BIOS starts media that is made of it and of nothing else.
    pub bios: bool,
    /// Whether UEFI does.
    pub uefi: bool,
    /// What starts such media once the boot files are given that it needs and lacks; nothing where it
    /// lacks none, or has something that no file sets right.
    #[serde(serialize_with = "firmware_names")]
    pub once_given: Vec<Firmware>,
    /// Why no media can be made of it whatever files are given beside it.
    pub error: Option<String>,
    /// What each `--boot-manager` would give.
    pub boot_managers: Vec<BootManagerOption>,
    /// Its own boot configurations, and whether media of it would start with them.
    pub boot_configurations: Vec<OwnBootConfiguration>,
}

/// What one `--boot-manager` would give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootManagerOption {
    /// `auto`, `2011` or `2023`.
    pub asked: String,
    /// Whether media can be made so, of the boot image and nothing else.
    pub possible: bool,
    /// The years of the certificates it is signed under, as in
    /// [`BootManagerSummary::generation`](crate::BootManagerSummary::generation).
    pub generation: Option<String>,
    /// Why it is that one.
    pub reason: Option<String>,
    /// Why media cannot be made so.
    pub error: Option<String>,
    /// Folders that the set of 2023 lacks, where that is why: `EFI_EX`, `Fonts_EX`, `DVD_EX`.
    pub missing: Vec<&'static str>,
}

/// A boot configuration that a boot image holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct OwnBootConfiguration {
    /// `BIOS` or `UEFI`.
    #[serde(serialize_with = "firmware")]
    pub firmware: Firmware,
    /// Where it was found.
    pub found: String,
    /// Why it does not start the media, so that one is made in its place; `None` where it does.
    pub problem: Option<String>,
}

/// A boot file that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootFileInspection {
    /// Path on the media.
    pub media: String,
    /// Where it was found.
    pub found: String,
    /// Length in bytes.
    pub bytes: u64,
}

/// A boot file that was not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MissingInspection {
    /// Path on the media.
    pub media: String,
    /// Whether media can do without: `always`, `discs`, `replaceable` (made where it is missing) or
    /// `optional`.
    #[serde(serialize_with = "need")]
    pub needed: Need,
    /// Places searched.
    pub searched: Vec<String>,
}

// The words of JSON for sets that are told apart elsewhere.

fn need<S: Serializer>(need: &Need, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match need {
        Need::Required => "always",
        Need::StartsDiscs => "discs",
        Need::Replaceable => "replaceable",
        Need::Optional => "optional",
    })
}

fn set<S: Serializer>(set: &BootSet, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match set {
        BootSet::Classic => "classic",
        BootSet::Ex => "ex",
    })
}

fn state<S: Serializer>(state: &RuntimeState, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match state {
        RuntimeState::Ready => "ready",
        RuntimeState::Incomplete => "incomplete",
        _ => "absent",
    })
}

fn firmware<S: Serializer>(firmware: &Firmware, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(configuration::name(*firmware))
}

fn firmware_names<S: Serializer>(firmware: &[Firmware], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(firmware.iter().map(|firmware| configuration::name(*firmware)))
}
