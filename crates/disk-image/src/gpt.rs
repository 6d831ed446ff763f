//! The two copies of a GPT (UEFI 2.10, section 5.3), encoded by the crate `gpt`.
//!
//! That crate writes to a whole device and draws random GUIDs where it is given none. Here it gets
//! memory that stands for the two ends of the disk, and every GUID: the same disk has the same bytes.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use ::gpt::disk::LogicalBlockSize;
use ::gpt::header::{HeaderBuilder, HeaderError};
use ::gpt::partition::Partition;
use ::gpt::partition_types::{OperatingSystem, Type};
use uuid::Uuid;

use crate::{Gpt, SectorSize};

/// Bytes of an entry, and how many there are: the fewest that UEFI allows, 16 KiB in all.
const ENTRY: u32 = 128;
const ENTRIES: u64 = 128;

/// The table as bytes: at the start of the disk behind sector 0, and at its very end.
pub(crate) struct Tables {
    /// From sector 1 on: header, entries.
    pub(crate) primary: Vec<u8>,
    /// Entries, header.
    pub(crate) backup: Vec<u8>,
}

/// Bytes of the entries in whole sectors.
fn entries_len(size: SectorSize) -> u64 {
    (ENTRIES * u64::from(ENTRY)).next_multiple_of(size.bytes())
}

/// Bytes before the first byte that a partition may have.
pub(crate) fn head_len(size: SectorSize) -> u64 {
    2 * size.bytes() + entries_len(size)
}

/// Bytes behind the last that a partition may have.
pub(crate) fn tail_len(size: SectorSize) -> u64 {
    size.bytes() + entries_len(size)
}

/// The tables of a disk of `sectors`, whose one partition has `len` sectors from `first` on. All of
/// it has been checked: the partition lies between both copies.
pub(crate) fn tables(
    gpt: &Gpt,
    size: SectorSize,
    sectors: u64,
    first: u64,
    len: u64,
) -> Result<Tables, HeaderError> {
    let block = match size {
        SectorSize::B512 => LogicalBlockSize::Lb512,
        SectorSize::B4096 => LogicalBlockSize::Lb4096,
    };
    let partition = Partition {
        // The name of the system is for people; only the GUID is written.
        part_type_guid: Type {
            guid: Uuid::from_bytes(gpt.kind.guid().to_bytes()),
            os: OperatingSystem::None,
        },
        part_guid: Uuid::from_bytes(gpt.partition.to_bytes()),
        first_lba: first,
        last_lba: first.saturating_add(len.saturating_sub(1)),
        flags: 0,
        name: gpt.name.clone(),
    };
    let mut header = HeaderBuilder::new();
    let header = header
        .disk_guid(Uuid::from_bytes(gpt.disk.to_bytes()))
        .backup_lba(sectors.saturating_sub(1));

    let mut primary = Part::new(size.bytes(), head_len(size) - size.bytes());
    let mut copy = header.primary(true).build(block)?;
    partition.write_to_device(&mut primary, 0, copy.part_start, block, ENTRY)?;
    copy.write_primary(&mut primary, block)?;

    let tail = tail_len(size);
    let disk_len = sectors.saturating_mul(size.bytes());
    let mut backup = Part::new(disk_len.saturating_sub(tail), tail);
    let mut copy = header.primary(false).build(block)?;
    partition.write_to_device(&mut backup, 0, copy.part_start, block, ENTRY)?;
    copy.write_backup(&mut backup, block)?;

    Ok(Tables { primary: primary.bytes.into_inner(), backup: backup.bytes.into_inner() })
}

/// Memory that stands for some bytes of a disk.
#[derive(Debug)]
struct Part {
    /// Offset of the first on the disk.
    start: u64,
    bytes: Cursor<Vec<u8>>,
}

impl Part {
    fn new(start: u64, len: u64) -> Self {
        // At most 17 KiB and two sectors.
        Self { start, bytes: Cursor::new(vec![0; usize::try_from(len).unwrap_or(0)]) }
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        let at_part = at.checked_sub(self.start).ok_or(io::ErrorKind::InvalidInput)?;
        self.bytes.seek(SeekFrom::Start(at_part))?;
        Ok(at)
    }
}

impl Read for Part {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buf)
    }
}

impl Write for Part {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.bytes.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
