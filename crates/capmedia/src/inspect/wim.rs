//! What is in a WIM.

use serde::Serialize;
use wim_image::Wim;

use crate::boot::image_report::{
    BootFileInspection, BootImageReport, MissingInspection, WimContent,
};
use crate::boot::image_survey::{Surveyed, survey};

/// A WIM as a boot image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct WimInspection {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// `none`, `XPRESS` or `LZX`.
    pub compression: String,
    /// Bytes of a chunk before compression; 0 when nothing is compressed.
    pub chunk_size: u32,
    /// True when the WIM carries checksums of itself.
    pub integrity_table: bool,
    /// The image that boots, from 1.
    pub boot_index: Option<u32>,
    /// What the WIM is: only of a boot image more is told than its images.
    pub content: WimContent,
    /// The images, in order.
    pub images: Vec<WimImageInspection>,
    /// `x64`, `x86` or `arm64`, when XML and boot manager agree.
    pub architecture: Option<String>,
    /// Boot files that media would get.
    pub boot_files: Vec<BootFileInspection>,
    /// Boot files that are not there.
    pub missing: Vec<MissingInspection>,
    /// What keeps it from being a boot image, or should be known.
    pub problems: Vec<String>,
    /// Everything else about a boot image; `None` when it is none or cannot be read.
    pub boot_image: Option<Box<BootImageReport>>,
}

/// One image of a WIM, as its XML tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct WimImageInspection {
    /// From 1.
    pub index: u32,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The architecture by the XML alone.
    pub architecture: Option<String>,
    /// Windows version.
    pub version: Option<String>,
    /// Edition, `WindowsPE` for boot images.
    pub edition: Option<String>,
    /// Installation type, `WindowsPE` for boot images.
    pub installation_type: Option<String>,
    /// Languages.
    pub languages: Vec<String>,
    /// The one of them that Windows starts in.
    pub default_language: Option<String>,
    /// Bytes of all its files.
    pub total_bytes: Option<u64>,
}

/// Tells what is in a WIM.
pub(crate) fn inspect_wim(wim: Wim) -> WimInspection {
    let images = (1..).zip(wim.infos()).map(|(index, info)| WimImageInspection {
        index,
        name: info.name.clone(),
        description: info.description.clone(),
        architecture: info.architecture().map(|architecture| architecture.name().to_owned()),
        version: info.version.map(|version| version.to_string()),
        edition: info.edition.clone(),
        installation_type: info.installation_type.clone(),
        languages: info.languages.clone(),
        default_language: info.default_language.clone(),
        total_bytes: info.total_bytes,
    });
    let mut found = WimInspection {
        bytes: wim.file_len(),
        compression: wim.compression().name().to_owned(),
        chunk_size: wim.chunk_size(),
        integrity_table: wim.has_integrity_table(),
        boot_index: wim.boot_index(),
        content: WimContent::Data,
        images: images.collect(),
        architecture: None,
        boot_files: Vec::new(),
        missing: Vec::new(),
        problems: wim.warnings().iter().map(ToString::to_string).collect(),
        boot_image: None,
    };
    let Surveyed { content, problems, boot_image } = survey(wim);
    found.content = content;
    found.problems.extend(problems);
    if let Some(boot_image) = boot_image {
        found.architecture = boot_image.architecture;
        found.boot_files = boot_image.boot_files;
        found.missing = boot_image.missing;
        found.boot_image = Some(Box::new(boot_image.report));
    }
    found
}
