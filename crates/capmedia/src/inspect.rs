//! What a file is and what is in it: a boot image, a disc, a disk image.

pub(crate) mod bcd;
pub(crate) mod sequence;
pub(crate) mod wim;

use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_image::TableKind;
use extent_image::OpenFile;
use serde::Serialize;
use wim_image::Wim;

use crate::boot::configuration::BcdFault;
use crate::medium::regular_file;
use crate::medium::structure::{Claims, Judged};
use crate::medium::{Kind, Medium, MediumError, kind_of};

use self::bcd::{BcdInspection, inspect_bcd};
use self::sequence::{NotRead, SequenceInspection, inspect_sequence};
use self::wim::{WimInspection, inspect_wim};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Inspection {
    /// A WIM.
    Wim(WimInspection),
    /// An ISO 9660 image.
    Disc(DiscInspection),
    /// A disk with a FAT volume.
    Disk(DiskInspection),
    /// A boot configuration.
    Bcd(BcdInspection),
    /// A task sequence.
    TaskSequence(SequenceInspection),
}

/// A disc.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DiscInspection {
    /// The label of ISO 9660.
    pub label: String,
    /// The label of Joliet, which Windows shows.
    pub joliet_label: Option<String>,
    /// The label of UDF, which Windows shows before Joliet's.
    pub udf_label: Option<String>,
    /// Sectors of 2048 bytes.
    pub sectors: u32,
    /// Number in its set.
    pub volume: u16,
    /// Volumes in its set.
    pub volumes: u16,
    /// Boot entries.
    pub boot_entries: Vec<BootEntryInspection>,
    /// Partitions of an image that is a disk too.
    pub partitions: Vec<PartitionInspection>,
    /// Files and folders.
    pub tree: Vec<TreeInspection>,
    /// What is wrong with the structure. Contents are not read; [`verify`](crate::verify()) does.
    pub problems: Vec<String>,
}

/// An entry of the boot catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootEntryInspection {
    /// `BIOS`, `UEFI` or the platform's number.
    pub platform: String,
    /// False for an entry that is switched off.
    pub bootable: bool,
    /// First sector of 2048 bytes.
    pub lba: u32,
    /// Sectors of 512 bytes that are loaded.
    pub sectors: u16,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DiskInspection {
    /// Length in bytes.
    pub bytes: u64,
    /// `mbr`, `gpt` or `none`.
    pub partition_table: String,
    /// Bytes of a sector, 512 or 4096.
    pub sector_size: u64,
    /// Disk signature of a master boot record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// GUID of a disk with a GPT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// What a BIOS starts from sector 0 before the volume: `capmedia`, `none` or `other`.
    pub boot_code: &'static str,
    /// Partitions.
    pub partitions: Vec<PartitionInspection>,
    /// `FAT32` or `FAT16`.
    pub file_system: String,
    /// The label of the volume.
    pub label: Option<String>,
    /// Serial number of the volume.
    pub volume_id: String,
    /// Bytes of a cluster.
    pub cluster_size: u32,
    /// Files and folders.
    pub tree: Vec<TreeInspection>,
    /// What is wrong with the structure. Contents are not read; [`verify`](crate::verify()) does.
    pub problems: Vec<String>,
    /// What a stick that is used is like, and what harms nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PartitionInspection {
    /// From 1; at most 4 in a master boot record.
    pub number: u32,
    /// True for the one that boots.
    pub active: bool,
    /// Type byte, such as `0C`, or the GUID of a type.
    pub r#type: String,
    /// Name in a GPT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub bytes: u64,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TreeInspection {
    /// Path with `/`.
    pub path: String,
    /// Length in bytes; `None` for a folder.
    pub bytes: Option<u64>,
}

/// A file cannot be told about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is none of the kinds that are known.
    #[error(
        "{} is no WIM, ISO 9660 image, disk image, boot configuration or task sequence; name one, \
         whole and not compressed",
        path.display()
    )]
    Unknown {
        /// The path.
        path: PathBuf,
    },
    /// It is a WIM that cannot be read.
    #[error("cannot read the WIM {}", path.display())]
    Wim {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: wim_image::OpenError,
    },
    /// It is a registry hive and no boot configuration that can be read.
    #[error("cannot read the boot configuration {}", path.display())]
    Bcd {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<BcdFault>,
    },
    /// It is XML or a zip, and no task sequence that can be read.
    #[error("cannot read {} as a task sequence", path.display())]
    Sequence {
        /// The path.
        path: PathBuf,
        /// Why, and what to do.
        #[source]
        source: Box<media_model::task_sequence::FileError>,
    },
    /// It is media that cannot be read.
    #[error("cannot read {}", path.display())]
    Medium {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: MediumError,
    },
}

/// Tells what the file at `path` is and what is in it.
///
/// # Errors
/// [`InspectError`]. A WIM that is readable and merely no good as a boot image is not an error.
pub fn inspect(path: &Path) -> Result<Inspection, InspectError> {
    let io_error = |source| InspectError::Io { path: path.to_path_buf(), source };
    let mut file = regular_file::open(path).map_err(io_error)?;
    let unread = |source| match source {
        MediumError::Io(source) => io_error(source),
        source => InspectError::Medium { path: path.to_path_buf(), source },
    };
    match kind_of(&mut file).map_err(unread)? {
        Kind::Wim => {
            let file = Arc::new(OpenFile::open(path).map_err(io_error)?);
            let wim = Wim::open(file)
                .map_err(|source| InspectError::Wim { path: path.to_path_buf(), source })?;
            Ok(Inspection::Wim(inspect_wim(wim)))
        }
        Kind::Hive => inspect_bcd(path, file).map(Inspection::Bcd),
        Kind::Other => inspect_sequence(file).map(Inspection::TaskSequence).map_err(|error| {
            let path = path.to_path_buf();
            match error {
                NotRead::Other => InspectError::Unknown { path },
                NotRead::Io(source) => InspectError::Io { path, source },
                NotRead::Fault(source) => InspectError::Sequence { path, source: Box::new(source) },
            }
        }),
        Kind::Disc | Kind::Disk => inspect_medium(file)
            .map_err(|source| InspectError::Medium { path: path.to_path_buf(), source }),
    }
}

fn inspect_medium(mut file: impl Read + Seek) -> Result<Inspection, MediumError> {
    // Most discs are none.
    let disk = disk_image::read(&mut file).ok();
    let mut medium = Medium::open(file)?;
    let description = medium.description()?;
    let structure = medium.structure()?;
    let claims = Claims::new(description.as_ref(), medium.boot_code());
    let Judged { faults: mut problems, notes } = structure.judge(&claims);
    let tree = medium
        .files(&mut problems)?
        .into_iter()
        .map(|file| TreeInspection { path: file.path, bytes: (!file.folder).then_some(file.size) });
    let tree: Vec<_> = tree.collect();
    Ok(match medium {
        Medium::Disc(image) => Inspection::Disc(DiscInspection {
            label: image.volume().label.clone(),
            joliet_label: image.joliet().map(|joliet| joliet.label.clone()),
            udf_label: image.udf().map(|udf| udf.label.clone()),
            sectors: image.volume().sectors,
            volume: image.volume().sequence,
            volumes: image.volume().set_size,
            boot_entries: image
                .boot_entries()
                .iter()
                .map(|entry| BootEntryInspection {
                    platform: entry.platform.map_or_else(
                        || format!("{:02X}", entry.platform_id),
                        |platform| platform.to_string(),
                    ),
                    bootable: entry.bootable,
                    lba: entry.lba.sector(),
                    sectors: entry.sector_count,
                })
                .collect(),
            partitions: disk.as_ref().map(partitions).unwrap_or_default(),
            tree,
            problems,
        }),
        Medium::Disk { disk, mut volume, .. } => Inspection::Disk(DiskInspection {
            bytes: disk.len(),
            partition_table: disk.table().to_string(),
            sector_size: disk.sector_size().bytes(),
            signature: (disk.table() == TableKind::Mbr)
                .then(|| format!("{:08X}", disk.signature())),
            guid: disk.guid().map(|guid| guid.to_string()),
            boot_code: match disk.code() {
                disk_image::Code::Ours => "capmedia",
                disk_image::Code::None => "none",
                _ => "other",
            },
            partitions: partitions(&disk),
            file_system: volume.facts().fat_type.to_string(),
            label: volume.label()?,
            volume_id: {
                let id = volume.facts().volume_id;
                format!("{:04X}-{:04X}", id >> 16, id & 0xFFFF)
            },
            cluster_size: volume.facts().cluster_size,
            tree,
            problems,
            notes,
        }),
    })
}

fn partitions(disk: &disk_image::Disk) -> Vec<PartitionInspection> {
    let partitions = disk.partitions().iter();
    partitions
        .map(|partition| PartitionInspection {
            number: partition.number(),
            active: partition.is_active(),
            r#type: partition.kind().to_string(),
            name: Some(partition.name().to_owned()).filter(|name| !name.is_empty()),
            start: partition.range().start,
            bytes: partition.range().end.saturating_sub(partition.range().start),
        })
        .collect()
}
