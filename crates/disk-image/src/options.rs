//! What is asked of a disk.

use std::num::NonZeroU32;
use std::ops::Range;

use crate::{Guid, SectorSize, gpt, mbr};

/// Where the volume begins unless said otherwise, in bytes: 1 MiB. A FAT volume's *hidden sectors*
/// field must say the same, in sectors. A disk without a table has its volume at 0.
pub const DEFAULT_START: u64 = MIB;

pub(crate) const MIB: u64 = 1 << 20;

/// How a disk says where its volume is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Table {
    /// A master boot record with one active partition.
    Mbr(Mbr),
    /// A GUID partition table with one partition.
    Gpt(Gpt),
    /// Not at all: the volume begins at the disk's first byte, as on a floppy.
    None,
}

/// A master boot record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Mbr {
    pub(crate) signature: NonZeroU32,
    pub(crate) boot_code: bool,
}

impl Mbr {
    /// `signature` names the disk: boot configurations refer to it, so two disks in one machine
    /// must not share it.
    pub fn new(signature: NonZeroU32) -> Self {
        Self { signature, boot_code: true }
    }

    /// Whether sector 0 gets [boot code](crate::boot_code::MBR) that starts the partition on a PC
    /// BIOS; on by default. UEFI firmware does not need it. With sectors of 4096 bytes there is none
    /// in any case: the code, and the BIOS, count in 512.
    pub fn with_boot_code(mut self, on: bool) -> Self {
        self.boot_code = on;
        self
    }
}

/// A GUID partition table (UEFI 2.10, section 5.3), behind a master boot record that guards it and
/// holds no boot code: a PC BIOS does not start this disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Gpt {
    pub(crate) disk: Guid,
    pub(crate) partition: Guid,
    pub(crate) kind: GptType,
    pub(crate) name: String,
}

impl Gpt {
    /// `disk` names the disk, `partition` its partition; no two in one machine may be the same.
    pub fn new(disk: Guid, partition: Guid) -> Self {
        Self { disk, partition, kind: GptType::default(), name: String::new() }
    }

    /// What the partition is said to be; [`GptType::BasicData`] unless said otherwise.
    pub fn with_type(mut self, kind: GptType) -> Self {
        self.kind = kind;
        self
    }

    /// The partition's name, which partitioning tools show: at most 36 UTF-16 units. Empty unless
    /// said otherwise.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// The type of a partition in a GPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GptType {
    /// Data that Windows shows under a drive letter. UEFI starts from it all the same: it looks into
    /// every FAT volume of a removable drive (UEFI 2.10, section 3.5.1.1).
    #[default]
    BasicData,
    /// The partition that UEFI starts from, by name. Windows gives it no drive letter.
    EfiSystem,
}

impl GptType {
    pub(crate) fn guid(self) -> Guid {
        match self {
            Self::BasicData => Guid::BASIC_DATA,
            Self::EfiSystem => Guid::EFI_SYSTEM,
        }
    }
}

/// How [`disk`](crate::disk()) makes the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct DiskOptions {
    pub(crate) table: Table,
    pub(crate) sector_size: SectorSize,
    pub(crate) start: u64,
    pub(crate) disk_len: Option<u64>,
}

impl DiskOptions {
    /// A disk with this table, in sectors of 512 bytes.
    pub fn new(table: Table) -> Self {
        let start = if table == Table::None { 0 } else { DEFAULT_START };
        Self { table, sector_size: SectorSize::B512, start, disk_len: None }
    }

    /// What the disk counts in: that of the drive it goes onto.
    pub fn with_sector_size(mut self, size: SectorSize) -> Self {
        self.sector_size = size;
        self
    }

    /// Where the volume begins, in bytes: a whole number of sectors, behind the table.
    /// [`DEFAULT_START`] unless said otherwise; 4 MiB suits some flash drives better. Without a table
    /// it can only be 0.
    pub fn with_start(mut self, bytes: u64) -> Self {
        self.start = bytes;
        self
    }

    /// Length of the whole disk in bytes. Unless said otherwise it ends at the next MiB after the
    /// volume and what must stand behind it; without a table, where the volume does.
    pub fn with_disk_len(mut self, bytes: u64) -> Self {
        self.disk_len = Some(bytes);
        self
    }

    /// Where the volume begins, in bytes.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// What the disk counts in.
    pub fn sector_size(&self) -> SectorSize {
        self.sector_size
    }

    /// What a FAT volume must give as its *hidden sectors*: those before it.
    pub fn hidden_sectors(&self) -> u32 {
        u32::try_from(self.start / self.sector_size.bytes()).unwrap_or(u32::MAX)
    }

    /// The bytes that the largest volume can have on a disk of `disk_len` bytes: from the
    /// [start](Self::start) to what must stand behind it, the end rounded down to a whole MiB. Empty
    /// where there is no room. The [length](Self::with_disk_len) in these options is not looked at.
    ///
    /// An MBR ends at 2^32 - 1 sectors: what a larger disk has beyond stays unused.
    pub fn volume_room(&self, disk_len: u64) -> Range<u64> {
        let end = match &self.table {
            Table::Mbr(_) => disk_len.min(mbr::limit(self.sector_size)),
            Table::Gpt(_) => disk_len.saturating_sub(gpt::tail_len(self.sector_size)),
            Table::None => disk_len,
        };
        let end = end / MIB * MIB;
        self.start..end.max(self.start)
    }
}
