//! A stick: its FAT32 volume, the disk around that, and what lies where. Image files and drives are laid
//! out here alike.

use std::num::NonZeroU32;
use std::ops::Range;

use disk_image::{DiskOptions, Gpt, Guid, Mbr, Table};
use extent_image::{Hasher, Plan, Tree};
use fat32_image::{Label, VolumeError, VolumeOptions, VolumePlan, VolumeSize};
use media_model::{CheckedRequest, FatLabel, GptType, MediaLabel, PartitionTable, SectorSize};

use crate::boot::code::{self, StickCode};
use crate::error::Error;
use crate::medium::place::{self, MediaPlace};
use crate::refresh::{LAST, root_order};

const MIB: u64 = 1 << 20;

/// What is written last to a drive without a partition table: the boot sector and what belongs to it.
const HEAD_OF_VOLUME: u64 = 64 << 10;

/// What a GUID partition table calls the partition; at most 36 characters.
const PARTITION_NAME: &str = "Configuration Manager media";

/// What a disk is like before it is known what goes onto it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiskShape {
    table: PartitionTable,
    gpt_type: GptType,
    sector_size: SectorSize,
    /// Its bytes; `None` for an image as small as the content allows.
    len: Option<u64>,
    /// What a BIOS starts a stick by that stays as it is formatted.
    found: Option<FoundStart>,
}

/// What a BIOS makes of a stick that is formatted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundStart {
    /// It starts BOOTMGR by our boot code.
    Ours(StickCode),
    /// It starts BOOTMGR by somebody else's, or nobody can tell.
    Others,
    /// It does not start: why.
    Nothing(&'static str),
}

impl FoundStart {
    /// By the digest of boot code that media claims to be started by.
    pub(crate) fn claimed(digest: Option<&str>) -> Self {
        let ours = [StickCode::Partition, StickCode::Volume].into_iter().find(|code| {
            let known = code::digest(Some(*code), false).map(|digest| digest.to_string());
            known.is_some() && known.as_deref() == digest
        });
        ours.map_or(Self::Others, Self::Ours)
    }
}

impl DiskShape {
    /// Of a stick that stays as it is formatted; what is laid out for it is never written.
    pub(crate) fn of_found(request: &CheckedRequest, found: FoundStart) -> Self {
        Self { found: Some(found), ..Self::new(request, SectorSize::B512, None) }
    }

    /// Of an image file.
    pub(crate) fn of_image(request: &CheckedRequest) -> Self {
        let sector_size = request.sector_size().unwrap_or_default();
        // Whole sectors; what is left over is not worth refusing the size for.
        let sector = u64::from(sector_size.bytes());
        let len = request.image_size().map(|size| size.bytes() / sector * sector);
        Self::new(request, sector_size, len)
    }

    /// Of the smallest of the drives of a run.
    pub(crate) fn of_drives(
        request: &CheckedRequest,
        len: u64,
        sector: Option<SectorSize>,
    ) -> Self {
        // Drives with other sectors are refused elsewhere.
        Self::new(request, sector.unwrap_or_default(), Some(len))
    }

    fn new(request: &CheckedRequest, sector_size: SectorSize, len: Option<u64>) -> Self {
        let table = request.partition_table().unwrap_or(PartitionTable::usual(sector_size));
        let gpt_type = request.gpt_type();
        Self { table, gpt_type, sector_size, len, found: None }
    }

    /// What a BIOS starts the disk by; `None` where none does.
    pub(crate) fn boot_code(&self) -> Option<StickCode> {
        match self.found {
            Some(FoundStart::Ours(code)) => return Some(code),
            Some(_) => return None,
            None => {}
        }
        match (self.sector_size, self.table) {
            (SectorSize::B512, PartitionTable::Mbr) => Some(StickCode::Partition),
            (SectorSize::B512, PartitionTable::None) => Some(StickCode::Volume),
            _ => None,
        }
    }

    /// Why no BIOS starts the disk.
    pub(crate) fn without_bios(&self) -> Option<&'static str> {
        match self.found {
            Some(FoundStart::Nothing(why)) => return Some(why),
            Some(_) => return None,
            None => {}
        }
        match (self.sector_size, self.table) {
            (_, PartitionTable::Gpt) => Some("it has a GUID partition table"),
            (SectorSize::B4096, _) => Some("its sectors have 4096 bytes"),
            _ => None,
        }
    }

    /// Why firmware made from EDK II, as most is, does not start the disk: it takes the numbers of a
    /// master boot record for those of sectors of 512 bytes, whatever the drive has
    /// (MdeModulePkg/Universal/Disk/PartitionDxe/Mbr.c; seen with OVMF).
    pub(crate) fn without_uefi(&self) -> Option<&'static str> {
        match (self.sector_size, self.table) {
            (SectorSize::B4096, PartitionTable::Mbr) => Some(
                "on drives with sectors of 4096 bytes, most UEFI does not look behind a master boot \
                 record; use --partition-table gpt",
            ),
            _ => None,
        }
    }

    /// The disk of media with this identity, which names the disk too.
    fn options(&self, set_id: &[u8; 16], bios: bool) -> DiskOptions {
        let table = match self.table {
            PartitionTable::Gpt => {
                let mut hasher = Hasher::new();
                hasher.update(b"capmedia partition GUID, version 1");
                hasher.update(set_id);
                let partition = hasher.finish();
                let partition = partition.as_bytes().first_chunk().copied().unwrap_or(*set_id);
                let kind = match self.gpt_type {
                    GptType::EfiSystem => disk_image::GptType::EfiSystem,
                    _ => disk_image::GptType::BasicData,
                };
                let disk = Guid::from_digest(*set_id);
                let gpt = Gpt::new(disk, Guid::from_digest(partition)).with_type(kind);
                Table::Gpt(gpt.with_name(PARTITION_NAME))
            }
            PartitionTable::None => Table::None,
            _ => Table::Mbr(master_boot_record(set_id, bios)),
        };
        let sector_size = match self.sector_size {
            SectorSize::B4096 => disk_image::SectorSize::B4096,
            _ => disk_image::SectorSize::B512,
        };
        DiskOptions::new(table).with_sector_size(sector_size)
    }

    /// Bytes of the smallest disk that has room for a volume of `volume` bytes.
    pub(crate) fn needed(&self, volume: u64) -> u64 {
        let options = self.options(&[0; 16], false);
        let least = options.start().saturating_add(volume).next_multiple_of(MIB);
        // What stands behind a volume takes less than a MiB.
        let room = |len| {
            let room: Range<u64> = options.volume_room(len);
            room.end.saturating_sub(room.start)
        };
        if room(least) >= volume { least } else { least.saturating_add(MIB) }
    }
}

/// A stick, laid out.
#[derive(Debug)]
pub(crate) struct Stick {
    volume: VolumePlan,
    options: DiskOptions,
    sector_size: SectorSize,
}

impl Stick {
    /// Lays out `tree` as the shape wants it; a BIOS starts it if `bios`.
    pub(crate) fn new(
        tree: &Tree,
        label: &MediaLabel,
        set_id: &[u8; 16],
        bios: bool,
        shape: DiskShape,
    ) -> Result<Self, Error> {
        let mut options = shape.options(set_id, bios);
        let mut volume =
            volume_options(tree, label, options.hidden_sectors(), shape.sector_size, bios)?;
        if let Some(len) = shape.len {
            let room = options.volume_room(len);
            // FAT32 counts sectors in 32 bits; what a larger disk has beyond stays unused.
            let most = u64::from(u32::MAX) * u64::from(shape.sector_size.bytes()) / MIB * MIB;
            let room = room.end.saturating_sub(room.start).min(most);
            volume = volume.with_size(VolumeSize::Bytes(room));
            options = options.with_disk_len(len);
        }
        let volume = fat32_image::plan(tree, &volume)?;
        Ok(Self { volume, options, sector_size: shape.sector_size })
    }

    pub(crate) fn sector_size(&self) -> SectorSize {
        self.sector_size
    }

    pub(crate) fn volume(&self) -> &VolumePlan {
        &self.volume
    }

    /// The disk: of the length that was asked for, or as small as can be.
    pub(crate) fn disk(&self) -> Result<Plan, Error> {
        Ok(disk_image::disk(self.volume.plan(), &self.options)?)
    }

    /// A disk of `len` bytes around the same volume.
    pub(crate) fn disk_of(&self, len: u64) -> Result<Plan, Error> {
        let options = self.options.clone().with_disk_len(len);
        Ok(disk_image::disk(self.volume.plan(), &options)?)
    }

    /// The bytes of the volume on every disk.
    pub(crate) fn body(&self) -> Range<u64> {
        let start = self.options.start();
        start..start.saturating_add(self.volume.plan().len())
    }

    /// The first bytes of every disk that tell what is on it.
    pub(crate) fn head_len(&self) -> u64 {
        self.options.start().max(HEAD_OF_VOLUME)
    }

    /// What lies at byte `at` of `disk`; `tree` is what was laid out.
    pub(crate) fn place(&self, tree: &Tree, disk: &Plan, at: u64) -> MediaPlace {
        place::find(tree, &self.volume, self.options.start(), disk, at)
    }
}

/// The volume of an image that is a disc too: as small as the content allows, behind a master boot
/// record.
pub(crate) fn volume_in_disc(
    tree: &Tree,
    label: &MediaLabel,
    bios: bool,
) -> Result<VolumePlan, Error> {
    let hidden = u32::try_from(disk_image::DEFAULT_START / disk_image::SECTOR).unwrap_or(u32::MAX);
    Ok(fat32_image::plan(tree, &volume_options(tree, label, hidden, SectorSize::B512, bios)?)?)
}

fn volume_options(
    tree: &Tree,
    label: &MediaLabel,
    hidden_sectors: u32,
    sector_size: SectorSize,
    bios: bool,
) -> Result<VolumeOptions, Error> {
    let label = FatLabel::from_media_label(label);
    let label = Label::new(label.as_str()).map_err(Error::FatLabel)?;
    let sector_size = match sector_size {
        SectorSize::B4096 => fat32_image::SectorSize::B4096,
        _ => fat32_image::SectorSize::B512,
    };
    let options = VolumeOptions::new()
        .with_label(label)
        .with_hidden_sectors(hidden_sectors)
        .with_sector_size(sector_size)
        .with_first_in_root(root_order(tree))
        .with_last_in_root(LAST);
    Ok(match bios {
        true => options.with_boot_code(code::boot_record().map_err(Error::BootCode)?),
        false => options,
    })
}

/// A master boot record whose signature follows from the identity of the media.
pub(crate) fn master_boot_record(set_id: &[u8; 16], bios: bool) -> Mbr {
    let signature = set_id.first_chunk().map_or(1, |id| u32::from_le_bytes(*id));
    let signature = NonZeroU32::new(signature).unwrap_or(NonZeroU32::MIN);
    Mbr::new(signature).with_boot_code(bios)
}

/// Bytes of the smallest volume, where an error says that there is too little room.
pub(crate) fn smallest_volume(error: &Error) -> Option<u64> {
    match error {
        Error::Volume(
            VolumeError::TooSmall { smallest, .. } | VolumeError::TooFewClusters { smallest, .. },
        ) => Some(*smallest),
        _ => None,
    }
}
