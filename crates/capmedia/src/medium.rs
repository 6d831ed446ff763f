//! An image read back: a disc, or a disk with a FAT32 volume. Both answer the same questions.

pub(crate) mod faults;
pub(crate) mod hybrid;
pub(crate) mod members;
pub(crate) mod place;
pub(crate) mod regular_file;
pub(crate) mod structure;
#[cfg(any(windows, test))]
mod whole_blocks;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom};

use disk_image::{Guid, Partition, PartitionKind, TableKind};
use extent_image::{Timestamp, fold_case};
use fat32_image::check as fat;
use iso9660_image::TreeKind;
use iso9660_image::check as iso;

use crate::boot::code;
use crate::tree::manifest::{DESCRIPTION, Description};
use crate::verify::read_text;

use self::structure::{DiskStructure, Structure};

/// Sector 16 of a disc, where the first volume descriptor's identifier stands.
const DISC_ID_AT: u64 = 16 * 2048 + 1;
/// Where sector 0 of a disk, and a FAT boot sector, are signed.
const SIGNATURE_AT: u64 = 510;

/// Partition type of a master boot record: what UEFI starts from.
pub(crate) const EFI: u8 = 0xEF;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Wim,
    Disc,
    Hive,
    Disk,
    Other,
}

/// What a file is to be read as.
pub(crate) fn kind_of(reader: &mut (impl Read + Seek)) -> Result<Kind, MediumError> {
    match signed_as(reader)? {
        Kind::Disc if is_formatted_since(reader)? => Ok(Kind::Disk),
        kind => Ok(kind),
    }
}

/// Looks at the places where each kind is signed.
fn signed_as(reader: &mut (impl Read + Seek)) -> io::Result<Kind> {
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
         byte {SIGNATURE_AT}); name an image or a drive, whole and not compressed"
    )]
    Unknown,
    /// The disc's descriptors are not readable.
    #[error("the disc cannot be read")]
    Disc(#[from] iso::ReadError),
    /// The disk's partition table is not readable.
    #[error("the partition table cannot be read")]
    Disk(#[from] disk_image::ReadError),
    /// No partition holds FAT32.
    #[error("none of the disk's {partitions} partitions is of a type that FAT32 has")]
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

/// The key of a path on a FAT volume: names differ by more than case. Names are taken as they are; the
/// separator is `/`.
pub(crate) fn fold_path(path: &str) -> String {
    path.chars().map(fold_case).collect()
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
        disk: Box<disk_image::Disk>,
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
        let partition = disk.volume().cloned();
        let partition = partition.ok_or(MediumError::NoPartition { partitions: count })?;
        let range = partition.range();
        let (start, len) = (range.start, disk.len());
        if start >= len {
            return Err(MediumError::CutOff { len, start });
        }
        let boot_code = code::read_on_stick(&mut reader, start)?;
        // Of what is cut off later, the check tells.
        let volume = fat::Volume::open(reader, start, range.end.min(len).saturating_sub(start))
            .map_err(|source| MediumError::Volume { start: range.start, source })?;
        Ok(Self::Disk { disk: Box::new(disk), partition, volume: Box::new(volume), boot_code })
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
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Disc(image) if image.udf().is_some() => "ISO 9660, Joliet, UDF".to_owned(),
            Self::Disc(image) if image.joliet().is_some() => "ISO 9660, Joliet".to_owned(),
            Self::Disc(_) => "ISO 9660".to_owned(),
            Self::Disk { disk, volume, .. } => {
                let fat = volume.facts().fat_type;
                match disk.table() {
                    TableKind::Gpt => format!("disk with a GPT and a {fat} volume"),
                    TableKind::None => format!("{fat} volume without a partition table"),
                    _ => format!("disk with a {fat} volume"),
                }
            }
        }
    }

    /// What the medium says of itself, where that can be read.
    pub(crate) fn description(&mut self) -> Result<Option<Description>, MediumError> {
        let mut files = self.files(&mut Vec::new())?;
        self.name_as(&mut files, [DESCRIPTION]);
        let file = files.iter().find(|file| !file.folder && file.path == DESCRIPTION);
        let text = file.and_then(|file| read_text(self, file).ok());
        Ok(text.and_then(|text| Description::parse(&text).ok()))
    }

    /// What stands where a stick of ours has its boot code; nothing on a disc.
    pub(crate) fn boot_code(&self) -> &[u8] {
        match self {
            Self::Disc(_) => &[],
            Self::Disk { boot_code, .. } => boot_code,
        }
    }

    /// How a disk says where its volume is.
    pub(crate) fn table(&self) -> Option<TableKind> {
        match self {
            Self::Disc(_) => None,
            Self::Disk { disk, .. } => Some(disk.table()),
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

    /// Everything wrong with the structure.
    pub(crate) fn structure(&mut self) -> Result<Structure, MediumError> {
        match self {
            Self::Disc(image) => {
                Ok(Structure::Disc(image.check()?.iter().map(ToString::to_string).collect()))
            }
            Self::Disk { disk, partition, volume, .. } => {
                let is_bootmgr = |entry: &fat::Entry| {
                    !entry.is_folder() && entry.path().eq_ignore_ascii_case("bootmgr")
                };
                Ok(Structure::Disk(DiskStructure {
                    table: disk.table(),
                    table_faults: disk.faults().to_vec(),
                    start: partition.range().start,
                    first_sector: partition.first_sector(),
                    hidden: volume.facts().hidden_sectors,
                    has_bootmgr: volume.walk()?.iter().any(is_bootmgr),
                    volume_faults: volume.check()?,
                }))
            }
        }
    }

    /// Gives files the names under which they are looked for, where they differ by case alone and the
    /// medium is one on which that is no difference. Of several such files the first is the one that
    /// systems open.
    pub(crate) fn name_as<'a>(&self, files: &mut [File], names: impl IntoIterator<Item = &'a str>) {
        if matches!(self, Self::Disc(_)) {
            return;
        }
        let mut names: HashMap<String, &str> =
            names.into_iter().map(|name| (fold_path(name), name)).collect();
        for file in files.iter_mut().filter(|file| !file.folder) {
            if let Some(name) = names.remove(&fold_path(&file.path)) {
                file.path = name.to_owned();
            }
        }
    }
}

/// Whether a file with the mark of a disc is a disk today: an image was written to the stick once, and
/// the stick formatted since, which leaves that mark between the table and the partition. Ours that
/// are both say so; what others make both is a disc.
fn is_formatted_since<R: Read + Seek>(reader: &mut R) -> Result<bool, MediumError> {
    let mut medium = match Medium::open_disk(&mut *reader) {
        Ok(medium) => medium,
        Err(MediumError::Io(error)) if !is_damage(&error) => return Err(MediumError::Io(error)),
        Err(_) => return Ok(false),
    };
    if let Some(is_hybrid) = is_hybrid(&mut medium)? {
        return Ok(!is_hybrid);
    }
    let Medium::Disk { partition, .. } = medium else { return Ok(false) };
    if matches!(partition.kind(), PartitionKind::Mbr(EFI) | PartitionKind::Gpt(Guid::EFI_SYSTEM)) {
        return Ok(false);
    }
    // The volume's own description may be what is damaged.
    let mut disc = match iso::Image::open(reader) {
        Ok(image) => Medium::Disc(Box::new(image)),
        Err(iso::ReadError::Io { source, .. }) if !is_damage(&source) => return Err(source.into()),
        Err(_) => return Ok(true),
    };
    Ok(is_hybrid(&mut disc)? != Some(true))
}

/// Whether a medium says that it is a disc and a stick; `None` where it says nothing that can be read.
fn is_hybrid<R: Read + Seek>(medium: &mut Medium<R>) -> Result<Option<bool>, MediumError> {
    match medium.description() {
        Ok(description) => Ok(description.map(|description| description.hybrid)),
        Err(
            MediumError::Io(error) | MediumError::Disc(iso::ReadError::Io { source: error, .. }),
        ) if !is_damage(&error) => Err(error.into()),
        Err(_) => Ok(None),
    }
}
