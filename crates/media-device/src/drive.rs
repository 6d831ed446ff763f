//! What is known of a drive.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::locks::Locks;
use crate::shown::shown;

/// A whole drive, as it was when it was listed.
///
/// Texts that the drive itself says (vendor, model, serial, labels) are cut to a length, without
/// control characters, and otherwise not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Drive {
    /// The kernel's name: `sdb`, `PhysicalDrive2`.
    pub name: String,
    /// Its node: `/dev/sdb`, `\\.\PhysicalDrive2`.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// Who made it, as it says.
    pub vendor: Option<String>,
    /// What it is, as it says.
    pub model: Option<String>,
    /// The serial number, as it says; several drives may say the same.
    pub serial: Option<String>,
    /// Length in bytes; 0 without a medium.
    pub len: u64,
    /// Bytes that are addressed at once: 512, or 4096 on 4Kn drives.
    pub logical_block_size: u32,
    /// Bytes that the medium writes at once.
    pub physical_block_size: u32,
    /// How it is connected.
    pub bus: Bus,
    /// True when the drive or its medium is made to be taken out: USB sticks, cards. USB hard disks
    /// and soldered eMMC say no.
    pub removable: bool,
    /// True when it cannot be written.
    pub read_only: bool,
    /// Those the kernel knows, by where they begin.
    pub partitions: Vec<Partition>,
    /// File system in the drive itself, without partitions. See [`System::with_labels`](crate::System::with_labels).
    pub file_system: Option<FileSystem>,
    /// Where the drive itself is mounted; partitions have their own.
    pub mounts: Vec<Mount>,
    /// True when the drive itself is swap space in use.
    pub swap: bool,
    /// What stands on the drive itself: mapped, joined or encrypted devices.
    pub holders: Vec<Holder>,
    /// What the running system has on it. Not empty: never written.
    pub system: Vec<SystemUse>,
    /// A number that the kernel gives to no other drive or medium until the machine starts again.
    /// Linux before 5.15 has none. On Windows: the microseconds from 1980 until the drive was put in,
    /// plus how often its medium was changed since.
    pub disk_sequence: Option<u64>,
    /// The file behind a loop device. Windows does not tell that of a VHD.
    #[serde(serialize_with = "lossy_option")]
    pub backing_file: Option<PathBuf>,
    /// True when this user may not open it for reading and writing.
    #[serde(skip)]
    pub(crate) denied: bool,
    /// Volumes that may be on it: Windows does not tell their drives. Each with what it says instead.
    #[serde(skip)]
    pub(crate) lost_volumes: Vec<String>,
    /// What is behind a loop device, as far as it is known.
    #[serde(skip)]
    pub(crate) backing: Option<Backing>,
    /// What the node must lead to.
    #[serde(skip)]
    pub(crate) device: DeviceNumber,
    /// The folder that the kernel describes the drive in, without links.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    /// What unmounting locked.
    #[serde(skip)]
    pub(crate) locks: Locks,
}

impl Drive {
    /// True when the running system has something on it.
    pub fn is_system(&self) -> bool {
        !self.system.is_empty()
    }

    /// What tells this drive from others: its serial number, else the number of this connection.
    /// A serial number that looks like the number of a connection is none: a drive may claim to be
    /// another one.
    pub fn identity(&self) -> Identity {
        match (self.own_serial(), self.disk_sequence) {
            (Some(serial), _) => Identity::Serial(serial.to_owned()),
            (None, Some(sequence)) => Identity::DiskSequence(sequence),
            (None, None) => Identity::Unknown,
        }
    }

    /// The same among all drives that are connected, this one or not: the number of the connection
    /// where another one says the same serial number, as the slots of a card reader do. Texts for
    /// [`is_named`](Self::is_named) are made of this.
    pub fn identity_among<'a>(&self, drives: impl IntoIterator<Item = &'a Drive>) -> Identity {
        let mut others = drives.into_iter().filter(|other| other.device != self.device);
        match (self.own_serial(), self.disk_sequence) {
            (Some(serial), number) if others.any(|other| other.own_serial() == Some(serial)) => {
                number.map_or(Identity::Unknown, Identity::DiskSequence)
            }
            _ => self.identity(),
        }
    }

    /// Whether `text` names this drive: its serial number, or `diskseq:` and the number of its
    /// connection, which is taken for drives with a serial number, too. Several drives may have the
    /// name; [`identity_among`](Self::identity_among) gives one that is of no other.
    pub fn is_named(&self, text: &str) -> bool {
        let text = text.trim();
        match text.strip_prefix(Identity::SEQUENCE) {
            Some(number) => {
                let number = number.parse::<u64>().ok();
                number.is_some() && number == self.disk_sequence
            }
            None => self.own_serial() == Some(text),
        }
    }

    fn own_serial(&self) -> Option<&str> {
        self.serial.as_deref().filter(|serial| !serial.starts_with(Identity::SEQUENCE))
    }

    /// True for two views of one medium: the same drive, or loop devices over one file.
    pub fn is_same_medium(&self, other: &Self) -> bool {
        let file = |drive: &Self| match &drive.backing {
            Some(Backing::File { device, inode }) => Some((*device, *inode)),
            _ => None,
        };
        self.device == other.device || file(self).is_some_and(|own| file(other) == Some(own))
    }

    /// Whether a file lies on the drive, or would; or `path` names the drive. On Windows only, where no
    /// number that files tell leads to their drive.
    #[cfg(windows)]
    pub fn holds(&self, path: &Path) -> bool {
        crate::sys::holds(self, path)
    }

    /// Vendor and model, as far as the drive says them.
    pub fn title(&self) -> Option<String> {
        let said: Vec<&str> =
            [&self.vendor, &self.model].into_iter().flatten().map(String::as_str).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// Where the drive and its partitions are mounted, in the order in which they were.
    pub fn all_mounts(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter().chain(self.partitions.iter().flat_map(|partition| &partition.mounts))
    }

    /// What stands on the drive and its partitions.
    pub fn all_holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.iter().chain(self.partitions.iter().flat_map(|partition| &partition.holders))
    }
}

/// A part of a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Partition {
    /// The kernel's name: `sdb1`, `Harddisk2Partition1`.
    pub name: String,
    /// Its node: `/dev/sdb1`, `\\.\Harddisk2Partition1`.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// From 1 on, as in the table.
    pub number: u32,
    /// Bytes before it.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
    /// What is in it. See [`System::with_labels`](crate::System::with_labels).
    pub file_system: Option<FileSystem>,
    /// Where it is mounted.
    pub mounts: Vec<Mount>,
    /// True when it is swap space in use.
    pub swap: bool,
    /// What stands on it: mapped, joined or encrypted devices.
    pub holders: Vec<Holder>,
    #[serde(skip)]
    pub(crate) device: DeviceNumber,
}

/// A file system by its first sectors, which were read but not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileSystem {
    /// `FAT32`, `NTFS`, `ext4`, `LUKS`, ..
    pub kind: &'static str,
    /// Its label, if it has one that is found in those sectors.
    pub label: Option<String>,
}

/// A place where something is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mount {
    /// The folder it is seen at.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The kernel's name of the file system: `vfat`.
    pub file_system: String,
    /// The kernel's number of this mount.
    #[serde(skip)]
    pub(crate) id: u64,
}

impl Mount {
    /// The folder as it can be shown: paths may hold anything, and some are made from labels.
    pub fn place(&self) -> String {
        shown(&self.path)
    }
}

/// A device made of a drive or partition: by the device mapper, RAID or such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// The kernel's name: `dm-0`. On Windows what it is, or where it is mounted: `Storage Spaces`, `E:\`.
    pub name: String,
    /// What made it.
    pub kind: HolderKind,
    /// The name that people gave it: `vg0-root`.
    pub title: Option<String>,
    /// Where it is mounted.
    pub mounts: Vec<Mount>,
    /// True when it is swap space in use.
    pub swap: bool,
    #[serde(skip)]
    pub(crate) device: DeviceNumber,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.title {
            Some(title) => write!(f, "{} ({title})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What makes one device of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HolderKind {
    /// dm-crypt: LUKS and such.
    Crypt,
    /// A logical volume.
    Lvm,
    /// Several ways to one drive.
    Multipath,
    /// Something else of the device mapper's.
    DeviceMapper,
    /// RAID of the kernel's.
    Raid,
    /// A storage pool of Windows.
    StorageSpaces,
    /// Windows' Logical Disk Manager, of dynamic disks.
    DynamicDisk,
    /// A volume on several drives, on Windows.
    SpannedVolume,
    /// Unknown to this crate.
    Other,
}

/// How a drive is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Bus {
    /// USB: sticks, card readers, hard disks.
    Usb,
    /// SD cards and eMMC in a slot of their own.
    Mmc,
    /// SATA and ATA.
    Sata,
    /// NVM Express.
    Nvme,
    /// A virtual machine's.
    Virtio,
    /// Other drives that take SCSI commands.
    Scsi,
    /// A file as a drive.
    Loop,
    /// Unknown to this crate.
    Other,
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Usb => "USB",
            Self::Mmc => "MMC",
            Self::Sata => "SATA",
            Self::Nvme => "NVMe",
            Self::Virtio => "virtio",
            Self::Scsi => "SCSI",
            Self::Loop => "loop",
            Self::Other => "other",
        })
    }
}

/// What the running system has on a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SystemUse {
    /// The folder, or `None` for swap space.
    #[serde(serialize_with = "lossy_option")]
    pub path: Option<PathBuf>,
    /// The drive or partition it is on: `sda2`.
    pub on: String,
    /// The device in between: `dm-0 (vg0-root)`.
    pub through: Option<String>,
}

impl fmt::Display for SystemUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => f.write_str(&shown(path))?,
            None => f.write_str("swap space")?,
        }
        write!(f, " on {}", self.on)?;
        match &self.through {
            Some(through) => write!(f, " through {through}"),
            None => Ok(()),
        }
    }
}

/// What tells a drive from others of the same size and make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Identity {
    /// Its own serial number.
    Serial(String),
    /// The number of this connection: see [`Drive::disk_sequence`].
    DiskSequence(u64),
    /// It has no serial number, and the kernel counts no connections.
    Unknown,
}

impl Identity {
    const SEQUENCE: &str = "diskseq:";
}

/// As [`Drive::is_named`] takes it, but for `unknown`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => f.pad(serial),
            Self::DiskSequence(number) => f.pad(&format!("{}{number}", Self::SEQUENCE)),
            Self::Unknown => f.pad("unknown"),
        }
    }
}

/// What is behind a loop device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux tells"))]
pub(crate) enum Backing {
    /// A file, by the number of its file system and its own.
    File { device: u64, inode: u64 },
    /// A block device.
    Device(PathBuf),
}

/// The two halves of a device's number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeviceNumber {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// Paths are bytes on Linux; JSON is text.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn lossy_option<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}
