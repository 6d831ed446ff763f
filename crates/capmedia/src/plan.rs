//! Facts become a plan: the media tree in its file system, and that on its disk.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use boot_image::Architecture;
use disk_image::{MbrOptions, mbr_disk};
use extent_image::{Content, Data, Plan, Tree};
use fat32_image::{Label, VolumeOptions, VolumeSize};
use iso9660_image::{
    BootEntry, BootImage, ImageOptions, JolietVolumeId, Notice, Platform, TreeKind, UdfVolumeId,
    VolumeId,
};
use media_model::{CheckedRequest, FatLabel, FileSystem, IsoLabel, JolietLabel, MediaType};

use crate::boot_code;
use crate::compose::{Composed, compose};
use crate::error::Error;
use crate::report::{LabelSummary, Summary, VolumeSummary, Warning};
use crate::resolve::{Resolved, resolve};

/// Media ready to be written: opened, checked, laid out to the last byte.
#[derive(Debug)]
#[must_use]
pub struct MediaPlan {
    plan: Plan,
    summary: Summary,
    boot_image: PathBuf,
}

impl MediaPlan {
    /// Opens what the request names and lays out the media. Nothing is written.
    ///
    /// # Errors
    /// [`Error`]: the boot image, a boot file or something to be added cannot be used, or the media
    /// cannot be laid out as asked.
    pub fn new(request: &CheckedRequest) -> Result<Self, Error> {
        let Resolved { facts, architecture, warnings } = resolve(request)?;
        let composed = compose(&facts)?;
        let mut media = Media { request, architecture, composed, warnings };
        let (plan, mut volume) = match request.media_type() {
            MediaType::CdDvd => media.disc()?,
            MediaType::Usb => media.usb()?,
            other => return Err(Error::MediaType { media_type: other.as_str() }),
        };
        let Media { composed, warnings, .. } = media;
        // FAT cannot store content once for two files.
        if request.media_type() == MediaType::CdDvd {
            volume.shared_files = shared_files(&composed.tree);
        }
        let summary = Summary {
            media_type: request.media_type().as_str().to_owned(),
            label: request.label().as_str().to_owned(),
            architecture: architecture.name().to_owned(),
            boot_image: request.boot_image().display().to_string(),
            set_id: composed.description.set_id,
            volumes: vec![volume],
            warnings,
        };
        Ok(Self { plan, summary, boot_image: request.boot_image().to_path_buf() })
    }

    /// The files of this machine that the media is made of.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        let sources = self.plan.extents().iter().filter_map(|extent| match extent.content() {
            Content::Source(source, _) => source.local_path(),
            _ => None,
        });
        // Boot files come out of it, whether or not its own extent is met.
        std::iter::once(self.boot_image.as_path()).chain(sources)
    }

    /// The image, extent by extent.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What is known of the media before its first byte.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// A folder of long paths gives a notice for each; nobody reads a thousand.
const NOTICES_TOLD: usize = 20;

struct Media<'a> {
    request: &'a CheckedRequest,
    architecture: Architecture,
    composed: Composed,
    warnings: Vec<Warning>,
}

impl Media<'_> {
    fn disc(&mut self) -> Result<(Plan, VolumeSummary), Error> {
        let label = self.request.label();
        let iso = IsoLabel::from_media_label(label);
        let joliet = JolietLabel::from_media_label(label);
        let volume_id = VolumeId::new(iso.as_str()).map_err(Error::IsoLabel)?;
        let joliet_id = JolietVolumeId::new(joliet.as_str()).map_err(Error::IsoLabel)?;
        let bridge = self.request.file_system() == FileSystem::Bridge;
        let mut options = ImageOptions::new(volume_id, joliet_id)
            .with_udf(bridge)
            .with_udf_volume_id(UdfVolumeId::new(label.as_str()).map_err(Error::IsoLabel)?)
            // Readers without UDF show the names of Joliet; the manifest lists them, so they must be
            // exact.
            .with_strict_joliet(true)
            .with_capacity_sectors(self.request.media_size().sectors());
        let mut boots = Vec::new();
        for (platform, image) in
            [(Platform::Bios, self.composed.bios_program), (Platform::Efi, self.composed.efi_image)]
        {
            if let Some(image) = image {
                options = options.with_boot_entry(BootEntry::new(platform, BootImage::File(image)));
                boots.push(platform.to_string());
            }
        }
        let image = iso9660_image::plan(&self.composed.tree, &options)?;
        // Names in the primary tree change by rule, and Windows never shows them.
        let told = |notice: &&Notice| !matches!(notice, Notice::Renamed(rename) if rename.tree == TreeKind::Primary);
        let notices: Vec<String> =
            image.notices().iter().filter(told).map(ToString::to_string).collect();
        let more = notices.len().saturating_sub(NOTICES_TOLD);
        self.warnings.extend(notices.into_iter().take(NOTICES_TOLD).map(Warning::new));
        if more > 0 {
            self.warnings.push(Warning::new(format!("and {more} more of this kind")));
        }
        let mut labels = vec![
            label_summary("ISO 9660", iso.as_str(), iso.changed(label)),
            label_summary("Joliet", joliet.as_str(), joliet.changed(label)),
        ];
        let mut file_system = "ISO 9660, Joliet";
        if bridge {
            labels.push(label_summary("UDF", label.as_str(), false));
            file_system = "ISO 9660, Joliet, UDF 1.02";
        }
        let plan = image.into_plan();
        let summary = self.volume(&plan, file_system, labels, boots);
        Ok((plan, summary))
    }

    fn usb(&mut self) -> Result<(Plan, VolumeSummary), Error> {
        let label = self.request.label();
        let fat = FatLabel::from_media_label(label);
        let bios = self.architecture != Architecture::Arm64;
        let start = disk_image::DEFAULT_START;
        let hidden = u32::try_from(start / disk_image::SECTOR).unwrap_or(u32::MAX);
        let mut options = VolumeOptions::new()
            .with_label(Label::new(fat.as_str()).map_err(Error::FatLabel)?)
            .with_hidden_sectors(hidden);
        if bios {
            options = options.with_boot_code(boot_code::boot_record().map_err(Error::BootCode)?);
        }
        if let Some(size) = self.request.image_size() {
            // Whole sectors; what is left over is not worth refusing the size for.
            let volume = size.bytes().saturating_sub(start) / disk_image::SECTOR;
            options = options.with_size(VolumeSize::Bytes(volume * disk_image::SECTOR));
        }
        let volume = fat32_image::plan(&self.composed.tree, &options)?;
        for note in volume.notes() {
            self.warnings.push(Warning::new(note.to_string()));
        }
        let signature = self.composed.set_id.first_chunk().map_or(1, |id| u32::from_le_bytes(*id));
        let signature = NonZeroU32::new(signature).unwrap_or(NonZeroU32::MIN);
        let mut disk = MbrOptions::new(signature).with_boot_code(bios);
        if self.request.image_size().is_some() {
            disk = disk.with_disk_len(start + volume.plan().len());
        }
        let plan = mbr_disk(volume.plan(), &disk)?;
        let labels = vec![label_summary("FAT", fat.as_str(), fat.changed(label))];
        let mut boots = vec!["UEFI".to_owned()];
        if bios {
            boots.insert(0, "BIOS".to_owned());
        }
        let summary = self.volume(&plan, "FAT32", labels, boots);
        Ok((plan, summary))
    }

    fn volume(
        &self,
        plan: &Plan,
        file_system: &str,
        labels: Vec<LabelSummary>,
        boots: Vec<String>,
    ) -> VolumeSummary {
        let tree = &self.composed.tree;
        let files = tree.data_order();
        VolumeSummary {
            number: 1,
            bytes: plan.len(),
            files: files.len() as u64,
            content_bytes: files.iter().filter_map(|id| tree.data(*id)).map(Data::len).sum(),
            shared_files: 0,
            file_system: file_system.to_owned(),
            labels,
            boots,
        }
    }
}

fn label_summary(place: &str, label: &str, changed: bool) -> LabelSummary {
    LabelSummary { place: place.to_owned(), label: label.to_owned(), changed }
}

/// Files that share the content of an earlier one.
fn shared_files(tree: &Tree) -> u64 {
    let mut seen = std::collections::HashSet::new();
    let ids = tree.data_order();
    let sources = ids.iter().filter_map(|id| tree.data(*id)).filter(|data| !data.is_empty());
    sources.filter_map(Data::source_id).filter(|id| !seen.insert(*id)).count() as u64
}

#[cfg(test)]
mod tests {
    use media_model::MediaLabel;

    use super::*;

    #[test]
    fn every_media_label_has_a_form_that_each_writer_takes() {
        for c in ' '..='~' {
            for text in
                [format!("{c}"), format!("a{c}"), format!("{c}b"), format!("Label {c} text")]
            {
                let label = MediaLabel::new(&text).unwrap();
                assert!(
                    VolumeId::new(IsoLabel::from_media_label(&label).as_str()).is_ok(),
                    "{text}"
                );
                let joliet = JolietLabel::from_media_label(&label);
                assert!(JolietVolumeId::new(joliet.as_str()).is_ok(), "{text}");
                assert!(Label::new(FatLabel::from_media_label(&label).as_str()).is_ok(), "{text}");
            }
        }
    }
}
