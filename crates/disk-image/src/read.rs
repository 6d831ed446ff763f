//! The partition table of any disk image, and what is wrong with it.
//!
//! Shares no layout code with the planner: tables are taken apart by their offsets here, so that a
//! mistake in one shows in the other.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::fault::{CopyFault, Fault};
use crate::{Guid, SECTOR, SectorSize, Window, boot_code, mbr, read_gpt};

/// Sector 0 of a disk with a partition table.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawSector {
    code: [u8; 440],
    signature: U32,
    reserved: U16,
    entries: [RawEntry; 4],
    boot_signature: [u8; 2],
}

/// A partition's entry.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawEntry {
    /// 80h active, 0 not; nothing else.
    flag: u8,
    first_chs: [u8; 3],
    /// 0: the entry is not used.
    kind: u8,
    last_chs: [u8; 3],
    /// In sectors.
    first: U32,
    /// In sectors.
    sectors: U32,
}

const _: () = assert!(size_of::<RawEntry>() == 16);
const _: () = assert!(std::mem::offset_of!(RawEntry, kind) == 4);
const _: () = assert!(std::mem::offset_of!(RawEntry, first) == 8);
const _: () = assert!(size_of::<RawSector>() == 512);
const _: () = assert!(std::mem::offset_of!(RawSector, signature) == 0x1B8);
const _: () = assert!(std::mem::offset_of!(RawSector, entries) == 0x1BE);
const _: () = assert!(std::mem::offset_of!(RawSector, boot_signature) == 0x1FE);

/// How a disk says where its volumes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableKind {
    /// By a master boot record.
    Mbr,
    /// By a GUID partition table.
    Gpt,
    /// Not at all: the disk is one FAT volume.
    None,
}

impl TableKind {
    /// `mbr`, `gpt` or `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mbr => "mbr",
            Self::Gpt => "gpt",
            Self::None => "none",
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a disk says of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    len: u64,
    table: TableKind,
    sector_size: SectorSize,
    signature: u32,
    guid: Option<Guid>,
    code: Code,
    /// Entries with the active flag, unused ones too: boot code looks at nothing else.
    active_entries: usize,
    partitions: Vec<Partition>,
    volume: Option<Partition>,
    faults: Vec<Fault>,
}

impl Disk {
    /// Length of the disk in bytes, at least the 512 of its first sector.
    #[expect(clippy::len_without_is_empty, reason = "a disk with a table is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The kind of its table.
    pub fn table(&self) -> TableKind {
        self.table
    }

    /// What its table and its volume count in. A GPT shows it by its place, a FAT volume says it;
    /// a disk with neither is taken to count in 512 bytes.
    pub fn sector_size(&self) -> SectorSize {
        self.sector_size
    }

    /// The number by which a master boot record names the disk; 0 when there is none.
    pub fn signature(&self) -> u32 {
        self.signature
    }

    /// The GUID by which a GPT names the disk.
    pub fn guid(&self) -> Option<Guid> {
        self.guid
    }

    /// What starts the disk on a PC BIOS. Without a table it is in the volume, and
    /// [`Code::None`] here.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The used entries of the table: at most four of a master boot record. Logical partitions inside
    /// an extended one are not followed.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The partition a PC BIOS would start: the only active one.
    pub fn active(&self) -> Option<&Partition> {
        let active = self.partitions.iter().find(|p| p.active);
        active.filter(|_| self.active_entries == 1)
    }

    /// Where the FAT volume is: the first partition whose type allows FAT32 and whose first sector
    /// is that of a FAT volume; failing that, the first of such a type; without a table, the whole
    /// disk.
    pub fn volume(&self) -> Option<&Partition> {
        self.volume.as_ref()
    }

    /// What is wrong with the table, all of it. Empty for a disk of ours, but for [`Fault::NoCode`]
    /// when it has a master boot record without boot code. With sectors of 4096 bytes none is missed.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// A partition, or the whole of a disk that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub(crate) number: u32,
    pub(crate) active: bool,
    pub(crate) kind: PartitionKind,
    pub(crate) guid: Option<Guid>,
    pub(crate) name: String,
    pub(crate) size: SectorSize,
    pub(crate) first_sector: u64,
    pub(crate) sectors: u64,
}

impl Partition {
    /// Which of the table's entries it is, from 1; 0 where there is no table.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether a PC BIOS is to start it.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// What the table says that it is.
    pub fn kind(&self) -> PartitionKind {
        self.kind
    }

    /// The GUID by which a GPT names it.
    pub fn guid(&self) -> Option<Guid> {
        self.guid
    }

    /// The name that a GPT gives it, of at most 36 UTF-16 units; empty where there is none. What is
    /// no UTF-16 is replaced.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its type allows FAT32: 0B, 0C or EF in a master boot record, basic data or EFI system
    /// in a GPT.
    pub fn may_be_fat32(&self) -> bool {
        match self.kind {
            PartitionKind::Mbr(kind) => matches!(kind, mbr::FAT32_LBA | 0x0B | 0xEF),
            PartitionKind::Gpt(kind) => matches!(kind, Guid::BASIC_DATA | Guid::EFI_SYSTEM),
            PartitionKind::WholeDisk => true,
        }
    }

    /// Its first sector: what the volume inside calls its hidden sectors.
    pub fn first_sector(&self) -> u64 {
        self.first_sector
    }

    /// Its length in sectors.
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Its bytes on the disk.
    pub fn range(&self) -> Range<u64> {
        let bytes = self.size.bytes();
        let start = self.first_sector.saturating_mul(bytes);
        start..self.first_sector.saturating_add(self.sectors).saturating_mul(bytes)
    }

    /// The partition as an image of its own.
    pub fn open<R: Read + Seek>(&self, disk: R) -> Window<R> {
        Window::new(disk, self.range())
    }
}

/// What a table says that a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartitionKind {
    /// The type byte of a master boot record: 0Ch for FAT32.
    Mbr(u8),
    /// The type of a GPT.
    Gpt(Guid),
    /// There is no table: it is the whole disk.
    WholeDisk,
}

impl fmt::Display for PartitionKind {
    /// `0C`, or a GUID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mbr(kind) => write!(f, "{kind:02X}"),
            Self::Gpt(kind) => kind.fmt(f),
            Self::WholeDisk => f.write_str("whole disk"),
        }
    }
}

/// What starts a disk on a PC BIOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// [Our own](crate::boot_code::MBR), of this version.
    Ours,
    /// Nothing: all zeros.
    None,
    /// Somebody else's.
    Other,
}

/// Why no partition table could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The image could not be read.
    #[error("cannot read the partition table of the disk")]
    Io(#[from] io::Error),
    /// There is no room for a table.
    #[error("the disk has {len} bytes, a partition table needs 512")]
    TooShort {
        /// Length in bytes.
        len: u64,
    },
    /// Sector 0 does not end as a table does.
    #[error(
        "no partition table: sector 0 ends in {:02X} {:02X}, not in 55 AA",
        .found[0], .found[1]
    )]
    NoTable {
        /// Its last two bytes.
        found: [u8; 2],
    },
    /// An entry begins with a byte that is neither 80h nor 0: most likely the sector is the boot
    /// sector of a volume that is not FAT, and the disk has no table.
    #[error("no partition table: entry {number} begins with {found:02X}, not with 80 or 00")]
    Flag {
        /// The entry, 1 to 4.
        number: u32,
        /// Its first byte.
        found: u8,
    },
    /// The master boot record guards a GPT, and no copy of that is whole.
    #[error(
        "no copy of the GPT can be used: at the start of the disk, {primary}; at its end, {backup}"
    )]
    Gpt {
        /// What is wrong with the first copy.
        primary: CopyFault,
        /// What is wrong with the other.
        backup: CopyFault,
    },
}

/// Reads the partition table of a disk of any kind: an image file, a
/// [plan](extent_image::Plan::reader), a drive. Read are the table, a GPT in up to four arrays of entries
/// of at most 1 MiB each, and one sector of each partition; that bounds the memory too.
///
/// # Errors
/// [`ReadError`]: no table can be read. What is wrong *with* a table is told by [`Disk::faults`].
pub fn read<R: Read + Seek>(disk: &mut R) -> Result<Disk, ReadError> {
    let len = disk.seek(SeekFrom::End(0))?;
    let Some(bytes) = sector_at(disk, len, 0)? else {
        return Err(ReadError::TooShort { len });
    };
    let raw: RawSector = zerocopy::transmute!(bytes);
    if raw.boot_signature != [0x55, 0xAA] {
        return Err(ReadError::NoTable { found: raw.boot_signature });
    }
    // Where entries would be, a boot sector has code.
    if let Some(size) = fat_sector_size(&bytes).filter(|_| !has_entries(&raw, len)) {
        return Ok(whole_disk(len, size));
    }
    for (entry, number) in raw.entries.iter().zip(1..) {
        if !matches!(entry.flag, 0 | 0x80) {
            return Err(ReadError::Flag { number, found: entry.flag });
        }
    }
    let guards = |entry: &&RawEntry| entry.kind == mbr::GPT_PROTECTIVE;
    let mut found = match raw.entries.iter().find(guards) {
        Some(guard) => with_gpt(disk, len, &raw, guard)?,
        None => with_mbr(disk, len, &raw)?,
    };
    partition_faults(&found.partitions, len, &mut found.faults);
    found.volume = volume(disk, &found)?;
    Ok(found)
}

/// A disk that is one volume.
fn whole_disk(len: u64, sector_size: SectorSize) -> Disk {
    let volume = Partition {
        number: 0,
        active: false,
        kind: PartitionKind::WholeDisk,
        guid: None,
        name: String::new(),
        size: sector_size,
        first_sector: 0,
        sectors: len / sector_size.bytes(),
    };
    Disk {
        len,
        table: TableKind::None,
        sector_size,
        signature: 0,
        guid: None,
        code: Code::None,
        active_entries: 0,
        partitions: Vec::new(),
        volume: Some(volume),
        faults: Vec::new(),
    }
}

fn with_mbr<R: Read + Seek>(disk: &mut R, len: u64, raw: &RawSector) -> io::Result<Disk> {
    let entries = || raw.entries.iter().zip(1..).filter(|(entry, _)| entry.kind != 0);
    // Only a volume can tell: one that says it has large sectors, where it lies if they are large.
    let mut sector_size = SectorSize::B512;
    for (entry, _) in entries() {
        let first = u64::from(entry.first.get());
        let mut says = |size: SectorSize| -> io::Result<bool> {
            let sector = sector_at(disk, len, first.saturating_mul(size.bytes()))?;
            Ok(first > 0 && sector.is_some_and(|sector| fat_sector_size(&sector) == Some(size)))
        };
        if !says(SectorSize::B512)? && says(SectorSize::B4096)? {
            sector_size = SectorSize::B4096;
            break;
        }
    }
    let partitions = entries().map(|(entry, number)| Partition {
        number,
        active: entry.flag != 0,
        kind: PartitionKind::Mbr(entry.kind),
        guid: None,
        name: String::new(),
        size: sector_size,
        first_sector: u64::from(entry.first.get()),
        sectors: u64::from(entry.sectors.get()),
    });
    let partitions = partitions.collect();
    let active_entries = raw.entries.iter().filter(|entry| entry.flag != 0).count();
    let code = code(raw);
    let mut faults = Vec::new();
    if raw.signature.get() == 0 {
        faults.push(Fault::NoSignature);
    }
    match active_entries {
        0 => faults.push(Fault::NoneActive),
        1 => {}
        count => faults.push(Fault::SeveralActive { count }),
    }
    if code == Code::None && sector_size == SectorSize::B512 {
        faults.push(Fault::NoCode);
    }
    Ok(Disk {
        len,
        table: TableKind::Mbr,
        sector_size,
        signature: raw.signature.get(),
        guid: None,
        code,
        active_entries,
        partitions,
        volume: None,
        faults,
    })
}

fn with_gpt<R: Read + Seek>(
    disk: &mut R,
    len: u64,
    raw: &RawSector,
    guard: &RawEntry,
) -> Result<Disk, ReadError> {
    let found = read_gpt::read(disk, len)?;
    let mut faults = Vec::new();
    let others = raw.entries.iter().filter(|entry| entry.kind != 0).count().saturating_sub(1);
    if others > 0 {
        faults.push(Fault::Unguarded { count: others });
    }
    let (first, sectors) = (guard.first.get(), guard.sectors.get());
    let behind = (len / found.size.bytes()).saturating_sub(1);
    let expected = u32::try_from(behind).unwrap_or(u32::MAX);
    // Windows, and others after it, write the largest length whatever the disk has.
    if first != 1 || (sectors != expected && sectors != u32::MAX) {
        faults.push(Fault::Guard { first, sectors, expected });
    }
    faults.extend(found.faults);
    Ok(Disk {
        len,
        table: TableKind::Gpt,
        sector_size: found.size,
        signature: raw.signature.get(),
        guid: Some(found.disk),
        code: code(raw),
        active_entries: 0,
        partitions: found.partitions,
        volume: None,
        faults,
    })
}

fn code(raw: &RawSector) -> Code {
    if raw.code == *boot_code::MBR {
        Code::Ours
    } else if raw.code == [0; 440] {
        Code::None
    } else {
        Code::Other
    }
}

/// What is wrong with partitions of either kind.
fn partition_faults(partitions: &[Partition], len: u64, faults: &mut Vec<Fault>) {
    for partition in partitions {
        let (number, Range { start, end }) = (partition.number, partition.range());
        if start == 0 || start >= end {
            faults.push(Fault::Malformed { number, start, end });
        }
        if end > len {
            faults.push(Fault::PastTheEnd { number, end, len });
        }
    }
    let mut by_start: Vec<_> = partitions.iter().filter(|p| p.sectors > 0).collect();
    by_start.sort_by_key(|partition| (partition.first_sector, partition.number));
    // One that reaches further than those behind it overlaps each of them.
    let mut furthest: Option<&Partition> = None;
    for partition in by_start {
        let overlapped = furthest.filter(|before| before.range().end > partition.range().start);
        if let Some(before) = overlapped {
            let first = before.number.min(partition.number);
            let second = before.number.max(partition.number);
            faults.push(Fault::Overlap { first, second });
        }
        if furthest.is_none_or(|before| before.range().end < partition.range().end) {
            furthest = Some(partition);
        }
    }
}

/// Where the FAT volume of a disk with partitions is.
fn volume<R: Read + Seek>(disk: &mut R, found: &Disk) -> io::Result<Option<Partition>> {
    let candidates = || found.partitions.iter().filter(|partition| partition.may_be_fat32());
    for partition in candidates() {
        let sector = sector_at(disk, found.len, partition.range().start)?;
        if sector.is_some_and(|sector| fat_sector_size(&sector).is_some()) {
            return Ok(Some(partition.clone()));
        }
    }
    Ok(candidates().next().cloned())
}

/// The 512 bytes at `at`; `None` where the disk ends before.
fn sector_at<R: Read + Seek>(disk: &mut R, len: u64, at: u64) -> io::Result<Option<[u8; 512]>> {
    if at.checked_add(SECTOR).is_none_or(|end| end > len) {
        return Ok(None);
    }
    disk.seek(SeekFrom::Start(at))?;
    let mut bytes = [0; 512];
    disk.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// What the boot sector of a FAT volume, which ends as a partition table does, says of its sectors
/// (Microsoft's FAT specification, "BPB"): a jump, a sector size, and `FAT` where FAT12 and FAT16, or
/// FAT32, have it. `None` for any other sector. Sectors of 1024 or 2048 bytes, which no drive has,
/// count as 512: so do the tables around such a volume.
fn fat_sector_size(sector: &[u8; 512]) -> Option<SectorSize> {
    let jump = matches!(sector.first(), Some(0xEB | 0xE9));
    let size = sector.get(0x0B..0x0D).and_then(|size| size.first_chunk());
    let size = match u16::from_le_bytes(*size?) {
        512 | 1024 | 2048 => SectorSize::B512,
        4096 => SectorSize::B4096,
        _ => return None,
    };
    let named = |at: usize| sector.get(at..).is_some_and(|rest| rest.starts_with(b"FAT"));
    (jump && (named(0x36) || named(0x52))).then_some(size)
}

/// Whether the entries are those of a table: all flags are possible, and some entry names a place
/// on the disk.
fn has_entries(raw: &RawSector, len: u64) -> bool {
    let used = |entry: &RawEntry| {
        let first = u64::from(entry.first.get());
        entry.kind != 0 && first != 0 && entry.sectors.get() != 0 && first * SECTOR < len
    };
    raw.entries.iter().all(|entry| matches!(entry.flag, 0 | 0x80)) && raw.entries.iter().any(used)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
