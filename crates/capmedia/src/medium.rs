//! An image read back: a disc, or a disk with a FAT32 volume. Both answer the same questions.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use disk_image::Partition;
use extent_image::Timestamp;
use fat32_image::check as fat;
use iso9660_image::TreeKind;
use iso9660_image::check as iso;

use crate::boot_code;

/// Sector 16 of a disc, where the first volume descriptor's identifier stands.
const DISC_ID_AT: u64 = 16 * 2048 + 1;
/// Where sector 0 of a disk, and a FAT boot sector, are signed.
const SIGNATURE_AT: u64 = 510;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Wim,
    Disc,
    Hive,
    Disk,
    Other,
}

/// Looks at the places where each kind is signed.
pub(crate) fn kind_of(reader: &mut (impl Read + Seek)) -> io::Result<Kind> {
    let signed = |reader: &mut dyn ReadSeek, at: u64, with: &[u8]| -> io::Result<bool> {
        reader.seek(SeekFrom::Start(at))?;
        let mut found = Vec::new();
        let len = u64::try_from(with.len()).unwrap_or(u64::MAX);
        reader.take(len).read_to_end(&mut found)?;
        Ok(found == with)
    };
    // wimlib's pipable WIMs count: the reader has a better refusal for them.
    for (at, with, kind) in [
        (0, &b"MSWIM\0\0\0"[..], Kind::Wim),
        (0, &b"WLPWM\0\0\0"[..], Kind::Wim),
        (DISC_ID_AT, &b"CD001"[..], Kind::Disc),
        // Before disks: what stands at that place in a hive is its checksum.
        (0, &b"regf"[..], Kind::Hive),
        (SIGNATURE_AT, &[0x55, 0xAA][..], Kind::Disk),
    ] {
        if signed(reader, at, with)? {
            return Ok(kind);
        }
    }
    Ok(Kind::Other)
}

trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

/// Why an image cannot be opened as media.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediumError {
    /// Its bytes cannot be read.
    #[error("the image cannot be read")]
    Io(#[from] io::Error),
    /// It is neither a disc nor a disk.
    #[error(
        "neither an ISO 9660 image (no CD001 at byte {DISC_ID_AT}) nor a disk image (no 55 AA at \
         byte {SIGNATURE_AT})"
    )]
    Unknown,
    /// The disc's descriptors are not readable.
    #[error("the disc cannot be read")]
    Disc(#[from] iso::ReadError),
    /// The disk's partition table is not readable.
    #[error("the partition table cannot be read")]
    Disk(#[from] disk_image::ReadError),
    /// No partition holds FAT32.
    #[error("none of the disk's {partitions} partitions is FAT32")]
    NoPartition {
        /// Partitions in the table.
        partitions: usize,
    },
    /// It ends before the FAT32 volume begins.
    #[error("the image ends at byte {len}, before its FAT32 volume at byte {start}: it is cut off")]
    CutOff {
        /// Bytes of the image.
        len: u64,
        /// First byte of the volume.
        start: u64,
    },
    /// It names more than is kept.
    #[error("the paths of its files take more than {limit} bytes; no media of ours is like that")]
    Listing {
        /// Bytes kept at most.
        limit: usize,
    },
    /// The FAT32 volume is not readable.
    #[error("the FAT32 volume at byte {start} cannot be read")]
    Volume {
        /// First byte of the volume in the image.
        start: u64,
        /// Why.
        #[source]
        source: fat::OpenError,
    },
}

/// Bytes of paths that are kept. A small image can name a long path very often; a million files of
/// real media take a tenth of this.
pub(crate) const LONGEST_LISTING: usize = 512 << 20;

/// Whether bytes could be read, and were wrong, or are no longer there.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

pub(crate) fn take(room: usize, path: &str) -> Result<usize, MediumError> {
    // Both the listing and the reader's own entry hold the path.
    room.checked_sub(2 * path.len() + 64).ok_or(MediumError::Listing { limit: LONGEST_LISTING })
}

/// A file or folder of a medium.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) folder: bool,
    handle: Handle,
}

enum Handle {
    Disc(iso::Entry),
    Volume(fat::Entry),
}

/// An opened image.
pub(crate) enum Medium<R> {
    Disc(Box<iso::Image<R>>),
    Disk {
        disk: disk_image::Disk,
        partition: Partition,
        volume: Box<fat::Volume<R>>,
        /// What stands where our boot code does.
        boot_code: Vec<u8>,
    },
}

impl<R: Read + Seek> Medium<R> {
    pub(crate) fn open(mut reader: R) -> Result<Self, MediumError> {
        match kind_of(&mut reader)? {
            Kind::Disc => Ok(Self::Disc(Box::new(iso::Image::open(reader)?))),
            Kind::Disk => Self::open_disk(reader),
            Kind::Wim | Kind::Hive | Kind::Other => Err(MediumError::Unknown),
        }
    }

    /// Opens the image as a disk, whatever else it is.
    pub(crate) fn open_disk(mut reader: R) -> Result<Self, MediumError> {
        let disk = disk_image::read(&mut reader)?;
        let count = disk.partitions().len();
        let partition = disk.partitions().iter().find(|p| p.is_fat32()).cloned();
        let partition = partition.ok_or(MediumError::NoPartition { partitions: count })?;
        let range = partition.range();
        let (start, len) = (range.start, disk.len());
        if start >= len {
            return Err(MediumError::CutOff { len, start });
        }
        let boot_code = boot_code::read_on_stick(&mut reader, start)?;
        // Of what is cut off later, the check tells.
        let volume = fat::Volume::open(reader, start, range.end.min(len).saturating_sub(start))
            .map_err(|source| MediumError::Volume { start: range.start, source })?;
        Ok(Self::Disk { disk, partition, volume: Box::new(volume), boot_code })
    }

    /// The byte of the image at which a file begins; `None` for an empty file and one in several
    /// runs.
    pub(crate) fn place(&mut self, file: &File) -> io::Result<Option<u64>> {
        match (self, &file.handle) {
            _ if file.size == 0 => Ok(None),
            (Self::Disc(_), Handle::Disc(entry)) => Ok(Some(entry.lba().byte_offset())),
            (Self::Disk { partition, volume, .. }, Handle::Volume(entry)) => {
                Ok(match volume.extents(entry)?.as_slice() {
                    [run] => Some(partition.range().start.saturating_add(run.start)),
                    _ => None,
                })
            }
            _ => Ok(None),
        }
    }

    /// When a file was last modified, where that is known.
    pub(crate) fn modified(&self, file: &File) -> Option<Timestamp> {
        match &file.handle {
            Handle::Disc(entry) => entry.modified(),
            Handle::Volume(entry) => entry.modified(),
        }
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Disc(image) if image.udf().is_some() => "ISO 9660, Joliet, UDF",
            Self::Disc(image) if image.joliet().is_some() => "ISO 9660, Joliet",
            Self::Disc(_) => "ISO 9660",
            Self::Disk { .. } => "disk with a FAT32 volume",
        }
    }

    /// Every file and folder, by the names Windows shows. A folder that cannot be read is a fault
    /// and does not hide the others.
    pub(crate) fn files(&mut self, faults: &mut Vec<String>) -> Result<Vec<File>, MediumError> {
        let mut files = Vec::new();
        let mut room = LONGEST_LISTING;
        match self {
            Self::Disc(image) => {
                let tree = match (image.udf(), image.joliet()) {
                    (Some(_), _) => TreeKind::Udf,
                    (None, Some(_)) => TreeKind::Joliet,
                    (None, None) => TreeKind::Primary,
                };
                for entry in image.walk(tree)? {
                    match entry {
                        Ok(entry) => {
                            room = take(room, entry.path())?;
                            files.push(File {
                                path: entry.path().to_owned(),
                                size: entry.size(),
                                folder: entry.is_dir(),
                                handle: Handle::Disc(entry),
                            });
                        }
                        Err(error) => faults.push(error.to_string()),
                    }
                }
            }
            Self::Disk { volume, .. } => {
                for entry in volume.walk()? {
                    let path = entry.path();
                    room = take(room, &path)?;
                    files.push(File {
                        path,
                        size: u64::from(entry.size()),
                        folder: entry.is_folder(),
                        handle: Handle::Volume(entry),
                    });
                }
            }
        }
        Ok(files)
    }

    /// The content of a file of this medium.
    pub(crate) fn open_file<'a>(&'a mut self, file: &File) -> Box<dyn Read + 'a>
    where
        R: 'a,
    {
        match (self, &file.handle) {
            (Self::Disc(image), Handle::Disc(entry)) => Box::new(image.open_file(entry)),
            (Self::Disk { volume, .. }, Handle::Volume(entry)) => Box::new(volume.open_file(entry)),
            _ => Box::new(io::empty()),
        }
    }

    /// Trees of a disc that do not name the same content as the one that is read. Only ours are known
    /// to name the same in all: others leave files out on purpose.
    pub(crate) fn tree_faults(&mut self) -> Vec<String> {
        let Self::Disc(image) = self else { return Vec::new() };
        if image.udf().is_some() && image.joliet().is_none() {
            // ISO 9660 has only a text for readers without UDF.
            return Vec::new();
        }
        let mut contents = |tree| -> Option<BTreeMap<(u32, u64), u64>> {
            let mut found = BTreeMap::new();
            // What cannot be walked is told elsewhere.
            for entry in image.walk(tree).ok()?.flatten().filter(|entry| !entry.is_dir()) {
                // An empty file lies nowhere.
                let lba = if entry.size() == 0 { 0 } else { entry.lba().sector() };
                *found.entry((lba, entry.size())).or_default() += 1;
            }
            Some(found)
        };
        let mut faults = Vec::new();
        let Some(primary) = contents(TreeKind::Primary) else { return faults };
        for tree in [TreeKind::Joliet, TreeKind::Udf] {
            if contents(tree).is_some_and(|other| other != primary) {
                faults.push(format!(
                    "the ISO 9660 tree and the {tree} tree do not name the same content: one of them \
                     is damaged"
                ));
            }
        }
        faults
    }

    /// Everything wrong with the structure, each with its place in the image.
    pub(crate) fn structure_faults(&mut self) -> Result<Vec<String>, MediumError> {
        match self {
            Self::Disc(image) => Ok(image.check()?.iter().map(ToString::to_string).collect()),
            Self::Disk { disk, partition, volume, .. } => {
                // Media for computers without a BIOS has no boot code and needs none.
                let bios = volume.walk()?.iter().any(|entry| {
                    !entry.is_folder() && entry.path().eq_ignore_ascii_case("bootmgr")
                });
                let matters = |fault: &&disk_image::Fault| {
                    bios || !matches!(fault, disk_image::Fault::NoCode)
                };
                let mut faults: Vec<String> = disk
                    .faults()
                    .iter()
                    .filter(matters)
                    .map(|fault| format!("partition table: {fault}"))
                    .collect();
                let (hidden, first) = (volume.facts().hidden_sectors, partition.first_sector());
                if hidden != first {
                    faults.push(format!(
                        "boot sector at byte {}: {hidden} hidden sectors, but the partition begins \
                         at sector {first}: a BIOS will not start it",
                        partition.range().start
                    ));
                }
                for fault in volume.check()? {
                    faults.push(format!("volume at byte {}: {fault}", partition.range().start));
                }
                Ok(faults)
            }
        }
    }
}
