//! The FAT32 volume of a stick, and the disk around it.

use std::num::NonZeroU32;

use disk_image::{DEFAULT_START, MbrOptions, SECTOR};
use extent_image::Tree;
use fat32_image::{Label, VolumeOptions, VolumePlan, VolumeSize};
use media_model::{FatLabel, ImageSize, MediaLabel};

use crate::boot_code;
use crate::error::Error;

/// The volume for a partition at [`DEFAULT_START`] that a BIOS starts if `bios`.
///
/// Without a size it is as small as the content allows.
pub(crate) fn volume(
    tree: &Tree,
    label: &MediaLabel,
    bios: bool,
    image_size: Option<ImageSize>,
) -> Result<VolumePlan, Error> {
    let label = FatLabel::from_media_label(label);
    let hidden = u32::try_from(DEFAULT_START / SECTOR).unwrap_or(u32::MAX);
    let mut options = VolumeOptions::new()
        .with_label(Label::new(label.as_str()).map_err(Error::FatLabel)?)
        .with_hidden_sectors(hidden);
    if bios {
        options = options.with_boot_code(boot_code::boot_record().map_err(Error::BootCode)?);
    }
    if let Some(size) = image_size {
        // Whole sectors; what is left over is not worth refusing the size for.
        let volume = size.bytes().saturating_sub(DEFAULT_START) / SECTOR;
        options = options.with_size(VolumeSize::Bytes(volume * SECTOR));
    }
    Ok(fat32_image::plan(tree, &options)?)
}

/// The disk around the volume; its signature follows from the identity of the media.
pub(crate) fn disk_options(set_id: &[u8; 16], bios: bool) -> MbrOptions {
    let signature = set_id.first_chunk().map_or(1, |id| u32::from_le_bytes(*id));
    let signature = NonZeroU32::new(signature).unwrap_or(NonZeroU32::MIN);
    MbrOptions::new(signature).with_boot_code(bios)
}
