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
    pub(crate) version: FormatVersion,
    /// The boot image: the path of a WIM, or a package id where there are distribution points (see
    /// [`BootImageSource`](crate::BootImageSource)). Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_image: Option<PathBuf>,
    /// Where packages come from, in order of preference: see
    /// [`ContentLocation`](crate::ContentLocation). Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distribution_point: Vec<String>,
    /// Packages whose files go onto the media: see [`PackageSpec`](crate::PackageSpec). Default
    /// nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub package: Vec<String>,
    /// The account that reads there: see [`AccountName`](crate::AccountName). Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A file whose only line is that account's password. Default it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A PEM file of certificate authorities that HTTPS trusts. Default those of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// A PEM file with the certificate and key that HTTPS shows. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<PathBuf>,
    /// What a wrong package hash leads to: see [`PackageHashCheck`](crate::PackageHashCheck). Default
    /// `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_hash: Option<String>,
    /// A folder that keeps what was fetched. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// How much that folder may hold: a size as [`ImageSize`](crate::ImageSize). Default 20GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_size: Option<String>,
    /// How much may be fetched in a second: a size as [`ImageSize`](crate::ImageSize). Default no
    /// limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth_limit: Option<String>,
    /// The kind of media: see [`MediaType`](crate::MediaType). Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Where the media goes: see [`Output`](crate::Output); several for several drives. Required. In
    /// serde one is a text, several are a list of texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "one_or_several")]
    pub path: Vec<PathBuf>,
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
    /// How a stick is divided: see [`PartitionTable`](crate::PartitionTable). Default `mbr`, or `gpt`
    /// where sectors have 4096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_table: Option<String>,
    /// What a GUID partition table says of the partition: see [`GptType`](crate::GptType). Default
    /// `basic-data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpt_type: Option<String>,
    /// Bytes in a sector of the drive that a USB image is for: see
    /// [`SectorSize`](crate::SectorSize). Default `512`; a drive says its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_size: Option<String>,
    /// Whether what is on the stick stays, and the media is put beside it. Default no.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub no_format: bool,
    /// Whether what was written to a drive is not read back. Default no.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub no_verify: bool,
    /// A folder where boot files are looked for before the boot image. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_files: Option<PathBuf>,
    /// The computer the media is for: see [`TargetArch`](crate::TargetArch). Default the boot
    /// image's own architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_arch: Option<String>,
    /// The certificate of the UEFI boot manager: see
    /// [`BootManagerChoice`](crate::BootManagerChoice). Default `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_manager: Option<String>,
    /// Where the boot configuration comes from: see [`BcdChoice`](crate::BcdChoice). Default `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcd: Option<String>,
    /// The language of a boot configuration of ours: see [`Locale`](crate::Locale). Default the boot
    /// image's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcd_locale: Option<String>,
    /// The resolution of the boot manager under a boot configuration of ours: see
    /// [`BcdResolution`](crate::BcdResolution). Default it chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcd_resolution: Option<String>,
    /// Whether the boot manager shows text alone under a boot configuration of ours. Default no.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub bcd_text_mode: bool,
    /// The image that the media's copy of the boot image starts, from 1. Default the one that the
    /// boot image names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_index: Option<u32>,
    /// Devices that the boot image must have a driver for: see [`HardwareId`](crate::HardwareId).
    /// Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require_hwid: Vec<String>,
    /// A file that lists the devices of the reference computer. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hwids: Option<PathBuf>,
    /// The task sequence of the media, as XML or exported. Default the built-in capture sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_sequence: Option<PathBuf>,
    /// Where the image is captured to: see
    /// [`CaptureDestination`](crate::task_sequence::CaptureDestination). Default it must be set when
    /// the sequence runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_destination: Option<String>,
    /// The account that writes there: see [`CaptureAccount`](crate::task_sequence::CaptureAccount).
    /// Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_account: Option<String>,
    /// A file whose only line is that account's password. Only with `store_password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_password_file: Option<PathBuf>,
    /// Whether passwords may stand on the media, **readable by everybody who holds it**. Default no.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub store_password: bool,
    /// Who made the image: see [`ImageCreator`](crate::task_sequence::ImageCreator). Default empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_creator: Option<String>,
    /// What the image is: see [`ImageDescription`](crate::task_sequence::ImageDescription). Default
    /// empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_description: Option<String>,
    /// The version of the image: see [`ImageVersion`](crate::task_sequence::ImageVersion). Default
    /// empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_version: Option<String>,
    /// A folder of the site's own task sequence runtime. Default what the boot image holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<PathBuf>,
    /// A folder of files that stand in for those whose content is not confirmed. Default ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<PathBuf>,
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
            path: vec![path.into()],
            ..Self::default()
        }
    }

    /// Adds a drive that the same media goes to.
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path.push(path.into());
        self
    }

    /// Sets how a stick is divided. Default `mbr`, or `gpt` where sectors have 4096 bytes.
    pub fn with_partition_table(self, table: impl Into<String>) -> Self {
        Self { partition_table: Some(table.into()), ..self }
    }

    /// Sets what a GUID partition table says of the partition. Default `basic-data`.
    pub fn with_gpt_type(self, gpt_type: impl Into<String>) -> Self {
        Self { gpt_type: Some(gpt_type.into()), ..self }
    }

    /// Sets the bytes in a sector of the drive that a USB image is for. Default `512`.
    pub fn with_sector_size(self, sector_size: impl Into<String>) -> Self {
        Self { sector_size: Some(sector_size.into()), ..self }
    }

    /// Sets whether what is on the stick stays, and the media is put beside it. Default no.
    pub fn with_no_format(self, no_format: bool) -> Self {
        Self { no_format, ..self }
    }

    /// Sets whether what was written to a drive is not read back. Default no.
    pub fn with_no_verify(self, no_verify: bool) -> Self {
        Self { no_verify, ..self }
    }

    /// Adds a place that packages come from, after those before.
    pub fn with_distribution_point(mut self, location: impl Into<String>) -> Self {
        self.distribution_point.push(location.into());
        self
    }

    /// Adds a package whose files go onto the media.
    pub fn with_package(mut self, package: impl Into<String>) -> Self {
        self.package.push(package.into());
        self
    }

    /// Sets the account that reads packages. Default none.
    pub fn with_user(self, user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// Sets the file that holds its password. Default it is asked for.
    pub fn with_password_file(self, password_file: impl Into<PathBuf>) -> Self {
        Self { password_file: Some(password_file.into()), ..self }
    }

    /// Sets the certificate authorities that HTTPS trusts. Default those of this machine.
    pub fn with_ca_file(self, ca_file: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(ca_file.into()), ..self }
    }

    /// Sets the certificate that HTTPS shows. Default none.
    pub fn with_client_certificate(self, client_certificate: impl Into<PathBuf>) -> Self {
        Self { client_certificate: Some(client_certificate.into()), ..self }
    }

    /// Sets what a wrong package hash leads to. Default `error`.
    pub fn with_package_hash(self, package_hash: impl Into<String>) -> Self {
        Self { package_hash: Some(package_hash.into()), ..self }
    }

    /// Sets the folder that keeps what was fetched. Default none.
    pub fn with_cache(self, cache: impl Into<PathBuf>) -> Self {
        Self { cache: Some(cache.into()), ..self }
    }

    /// Sets how much it may hold. Default 20GiB.
    pub fn with_cache_size(self, cache_size: impl Into<String>) -> Self {
        Self { cache_size: Some(cache_size.into()), ..self }
    }

    /// Sets how much may be fetched in a second. Default no limit.
    pub fn with_bandwidth_limit(self, bandwidth_limit: impl Into<String>) -> Self {
        Self { bandwidth_limit: Some(bandwidth_limit.into()), ..self }
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

    /// Sets the computer the media is for. Default the boot image's architecture.
    pub fn with_target_arch(self, target_arch: impl Into<String>) -> Self {
        Self { target_arch: Some(target_arch.into()), ..self }
    }

    /// Sets the certificate of the UEFI boot manager. Default `auto`.
    pub fn with_boot_manager(self, boot_manager: impl Into<String>) -> Self {
        Self { boot_manager: Some(boot_manager.into()), ..self }
    }

    /// Sets where the boot configuration comes from. Default `auto`.
    pub fn with_bcd(self, bcd: impl Into<String>) -> Self {
        Self { bcd: Some(bcd.into()), ..self }
    }

    /// Sets the language of a boot configuration of ours. Default the boot image's.
    pub fn with_bcd_locale(self, bcd_locale: impl Into<String>) -> Self {
        Self { bcd_locale: Some(bcd_locale.into()), ..self }
    }

    /// Sets the boot manager's resolution. Default it chooses.
    pub fn with_bcd_resolution(self, bcd_resolution: impl Into<String>) -> Self {
        Self { bcd_resolution: Some(bcd_resolution.into()), ..self }
    }

    /// Sets whether the boot manager shows text alone. Default no.
    pub fn with_bcd_text_mode(self, bcd_text_mode: bool) -> Self {
        Self { bcd_text_mode, ..self }
    }

    /// Sets the image that the media's copy of the boot image starts, from 1. Default the one that
    /// the boot image names.
    pub fn with_boot_index(self, index: u32) -> Self {
        Self { boot_index: Some(index), ..self }
    }

    /// Adds a device that the boot image must have a driver for.
    pub fn with_require_hwid(mut self, id: impl Into<String>) -> Self {
        self.require_hwid.push(id.into());
        self
    }

    /// Sets the file that lists the reference computer's devices. Default none.
    pub fn with_hwids(self, hwids: impl Into<PathBuf>) -> Self {
        Self { hwids: Some(hwids.into()), ..self }
    }

    /// Sets the task sequence. Default the built-in capture sequence.
    pub fn with_task_sequence(self, task_sequence: impl Into<PathBuf>) -> Self {
        Self { task_sequence: Some(task_sequence.into()), ..self }
    }

    /// Sets where the image is captured to. Default none.
    pub fn with_capture_destination(self, capture_destination: impl Into<String>) -> Self {
        Self { capture_destination: Some(capture_destination.into()), ..self }
    }

    /// Sets the account that writes there. Default none.
    pub fn with_capture_account(self, capture_account: impl Into<String>) -> Self {
        Self { capture_account: Some(capture_account.into()), ..self }
    }

    /// Sets the file that holds its password. Default none.
    pub fn with_capture_password_file(self, capture_password_file: impl Into<PathBuf>) -> Self {
        Self { capture_password_file: Some(capture_password_file.into()), ..self }
    }

    /// Sets whether passwords may stand on the media. Default no.
    pub fn with_store_password(self, store_password: bool) -> Self {
        Self { store_password, ..self }
    }

    /// Sets who made the image. Default empty.
    pub fn with_image_creator(self, image_creator: impl Into<String>) -> Self {
        Self { image_creator: Some(image_creator.into()), ..self }
    }

    /// Sets what the image is. Default empty.
    pub fn with_image_description(self, image_description: impl Into<String>) -> Self {
        Self { image_description: Some(image_description.into()), ..self }
    }

    /// Sets the version of the image. Default empty.
    pub fn with_image_version(self, image_version: impl Into<String>) -> Self {
        Self { image_version: Some(image_version.into()), ..self }
    }

    /// Sets the folder of the site's own task sequence runtime. Default none.
    pub fn with_runtime(self, runtime: impl Into<PathBuf>) -> Self {
        Self { runtime: Some(runtime.into()), ..self }
    }

    /// Sets the folder of files that stand in for unconfirmed ones. Default none.
    pub fn with_template(self, template: impl Into<PathBuf>) -> Self {
        Self { template: Some(template.into()), ..self }
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
pub(crate) struct FormatVersion;

impl FormatVersion {
    pub(crate) const NUMBER: u64 = 1;
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

/// One path as a text, several as a list of texts.
mod one_or_several {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Paths {
        One(PathBuf),
        Several(Vec<PathBuf>),
    }

    pub(super) fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        match paths {
            [one] => one.serialize(to),
            several => several.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        Ok(match Paths::deserialize(from)? {
            Paths::One(path) => vec![path],
            Paths::Several(paths) => paths,
        })
    }
}
