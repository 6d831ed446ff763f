//! The request as it may be planned.

use std::path::{Path, PathBuf};

use crate::boot::{BcdChoice, BcdResolution, BootManagerChoice};
use crate::capacity::{ImageSize, MediaSize};
use crate::check_content::CheckedContent;
use crate::content::{BootImageSource, PackageSpec};
use crate::identifier::{HardwareId, Locale};
use crate::label::MediaLabel;
use crate::path::AddSpec;
use crate::target::{
    BootPrompt, FileSystem, GptType, MediaType, Output, PartitionTable, SectorSize, TargetArch,
};
use crate::task_sequence::{
    CaptureAccount, CaptureDestination, CaptureOptions, ImageCreator, ImageDescription,
    ImageVersion,
};

/// A request with nothing wrong that could be known without looking at the machine. Only
/// [`CaptureMediaRequest::check`](crate::CaptureMediaRequest::check) makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CheckedRequest {
    pub(crate) boot_image: BootImageSource,
    pub(crate) content: Option<CheckedContent>,
    pub(crate) packages: Vec<PackageSpec>,
    pub(crate) media_type: MediaType,
    pub(crate) outputs: Vec<Output>,
    pub(crate) label: MediaLabel,
    pub(crate) include_autorun: bool,
    pub(crate) media_size: MediaSize,
    pub(crate) split_files: bool,
    pub(crate) file_system: FileSystem,
    pub(crate) boot_prompt: BootPrompt,
    pub(crate) image_size: Option<ImageSize>,
    pub(crate) partition_table: Option<PartitionTable>,
    pub(crate) gpt_type: GptType,
    pub(crate) sector_size: Option<SectorSize>,
    pub(crate) no_format: bool,
    pub(crate) no_verify: bool,
    pub(crate) boot_files: Option<PathBuf>,
    pub(crate) target_arch: Option<TargetArch>,
    pub(crate) boot_manager: BootManagerChoice,
    pub(crate) bcd: BcdChoice,
    pub(crate) bcd_locale: Option<Locale>,
    pub(crate) bcd_resolution: Option<BcdResolution>,
    pub(crate) bcd_text_mode: bool,
    pub(crate) boot_index: Option<u32>,
    pub(crate) require_hwids: Vec<HardwareId>,
    pub(crate) hwids: Option<PathBuf>,
    pub(crate) task_sequence: Option<PathBuf>,
    pub(crate) capture_destination: Option<CaptureDestination>,
    pub(crate) capture_account: Option<CaptureAccount>,
    pub(crate) capture_password_file: Option<PathBuf>,
    pub(crate) store_password: bool,
    pub(crate) image_creator: Option<ImageCreator>,
    pub(crate) image_description: Option<ImageDescription>,
    pub(crate) image_version: Option<ImageVersion>,
    pub(crate) runtime: Option<PathBuf>,
    pub(crate) template: Option<PathBuf>,
    pub(crate) add: Vec<AddSpec>,
    pub(crate) checksum: bool,
    pub(crate) force: bool,
    pub(crate) source_date_epoch: Option<i64>,
    pub(crate) read_files: Vec<PathBuf>,
}

impl CheckedRequest {
    /// Where the boot image comes from.
    pub fn boot_image(&self) -> &BootImageSource {
        &self.boot_image
    }

    /// Where packages come from; there where the boot image is a package or
    /// [`packages`](Self::packages) has any.
    pub fn content(&self) -> Option<&CheckedContent> {
        self.content.as_ref()
    }

    /// Packages whose files go onto the media, in the order given.
    pub fn packages(&self) -> &[PackageSpec] {
        &self.packages
    }

    /// The kind of media.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// Where the media goes; the first where there are several.
    pub fn output(&self) -> &Output {
        self.outputs.first().unwrap_or(&Output::STDOUT)
    }

    /// Where the media goes: one place, or several that are then paths of drives, none twice.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The media label.
    pub fn label(&self) -> &MediaLabel {
        &self.label
    }

    /// Whether the media has an `autorun.inf`.
    pub fn include_autorun(&self) -> bool {
        self.include_autorun
    }

    /// The size of one disc; no limit for USB.
    pub fn media_size(&self) -> MediaSize {
        self.media_size
    }

    /// Whether a file larger than a disc may be cut into numbered parts.
    pub fn split_files(&self) -> bool {
        self.split_files
    }

    /// The file systems of a disc; of no meaning for USB.
    pub fn file_system(&self) -> FileSystem {
        self.file_system
    }

    /// Whether a disc asks for a key before it starts; of no meaning for USB.
    pub fn boot_prompt(&self) -> BootPrompt {
        self.boot_prompt
    }

    /// The size of the USB image; `None`: as small as the content allows.
    pub fn image_size(&self) -> Option<ImageSize> {
        self.image_size
    }

    /// A folder where boot files are looked for before the boot image.
    pub fn boot_files(&self) -> Option<&Path> {
        self.boot_files.as_deref()
    }

    /// The computer the media is for; `None`: that of the boot image's architecture.
    pub fn target_arch(&self) -> Option<TargetArch> {
        self.target_arch
    }

    /// The certificate of the UEFI boot manager.
    pub fn boot_manager(&self) -> BootManagerChoice {
        self.boot_manager
    }

    /// Where the boot configuration comes from.
    pub fn bcd(&self) -> BcdChoice {
        self.bcd
    }

    /// The language of a boot configuration of ours; `None`: the boot image's.
    pub fn bcd_locale(&self) -> Option<&Locale> {
        self.bcd_locale.as_ref()
    }

    /// The boot manager's resolution under a boot configuration of ours; `None`: it chooses.
    pub fn bcd_resolution(&self) -> Option<BcdResolution> {
        self.bcd_resolution
    }

    /// Whether the boot manager shows text alone under a boot configuration of ours.
    pub fn bcd_text_mode(&self) -> bool {
        self.bcd_text_mode
    }

    /// The image that the media's copy of the boot image starts, from 1; `None`: the one that it
    /// names itself.
    pub fn boot_index(&self) -> Option<u32> {
        self.boot_index
    }

    /// How a stick is divided; `None`: as [`PartitionTable::usual`] for its sectors.
    pub fn partition_table(&self) -> Option<PartitionTable> {
        self.partition_table
    }

    /// What a GUID partition table says of the partition.
    pub fn gpt_type(&self) -> GptType {
        self.gpt_type
    }

    /// Bytes in a sector of the drive that a USB image is for; `None`: 512, or what the drive says.
    pub fn sector_size(&self) -> Option<SectorSize> {
        self.sector_size
    }

    /// Whether what is on the stick stays, and the media is put beside it.
    pub fn no_format(&self) -> bool {
        self.no_format
    }

    /// Whether what was written to a drive is not read back.
    pub fn no_verify(&self) -> bool {
        self.no_verify
    }

    /// Devices that the boot image must have a driver for, in the order given.
    pub fn require_hwids(&self) -> &[HardwareId] {
        &self.require_hwids
    }

    /// A file that lists the devices of the reference computer.
    pub fn hwids(&self) -> Option<&Path> {
        self.hwids.as_deref()
    }

    /// The task sequence; `None`: the built-in one.
    pub fn task_sequence(&self) -> Option<&Path> {
        self.task_sequence.as_deref()
    }

    /// What the capture step is told, without the password.
    pub fn capture(&self) -> CaptureOptions {
        let mut options = CaptureOptions::new();
        if let Some(destination) = &self.capture_destination {
            options = options.with_destination(destination.clone());
        }
        if let Some(account) = &self.capture_account {
            options = options.with_account(account.clone());
        }
        if let Some(creator) = &self.image_creator {
            options = options.with_creator(creator.clone());
        }
        if let Some(description) = &self.image_description {
            options = options.with_description(description.clone());
        }
        if let Some(version) = &self.image_version {
            options = options.with_version(version.clone());
        }
        options
    }

    /// A file whose only line is the password of the capture account; only where
    /// [`store_password`](Self::store_password) is true.
    pub fn capture_password_file(&self) -> Option<&Path> {
        self.capture_password_file.as_deref()
    }

    /// Whether passwords may stand on the media.
    pub fn store_password(&self) -> bool {
        self.store_password
    }

    /// A folder of the site's own task sequence runtime.
    pub fn runtime(&self) -> Option<&Path> {
        self.runtime.as_deref()
    }

    /// A folder of files that stand in for those whose content is not confirmed.
    pub fn template(&self) -> Option<&Path> {
        self.template.as_deref()
    }

    /// What goes onto the media besides, in the order given.
    pub fn add(&self) -> &[AddSpec] {
        &self.add
    }

    /// Whether `OUT.sha256` is written; never with standard output.
    pub fn checksum(&self) -> bool {
        self.checksum
    }

    /// Whether an existing output file is replaced.
    pub fn force(&self) -> bool {
        self.force
    }

    /// Adds a file that the request itself was read from, so that no image replaces it.
    pub fn with_read_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.read_files.push(path.into());
        self
    }

    /// Files that must not be replaced and are none of the options: the request file.
    pub fn read_files(&self) -> &[PathBuf] {
        &self.read_files
    }

    /// Every file and folder of this machine that the media is made of, or that is read while it is
    /// made, but for where content comes from: see [`CheckedContent::read_paths`].
    pub fn read_paths(&self) -> impl Iterator<Item = &Path> {
        let options = [
            self.boot_image().file(),
            self.boot_files(),
            self.hwids(),
            self.task_sequence(),
            self.capture_password_file(),
            self.runtime(),
            self.template(),
        ];
        let added = self.add().iter().map(AddSpec::host);
        let read = self.read_files().iter().map(PathBuf::as_path);
        options.into_iter().flatten().chain(added).chain(read)
    }

    /// Seconds since 1970-01-01 UTC to which later times are set back.
    pub fn source_date_epoch(&self) -> Option<i64> {
        self.source_date_epoch
    }
}
