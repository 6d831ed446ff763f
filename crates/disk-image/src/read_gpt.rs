//! A GUID partition table as it stands on disk (UEFI 2.10, section 5.3).

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::fault::{CopyFault, Fault, GptCopy};
use crate::read::{Partition, PartitionKind, ReadError};
use crate::{Guid, SectorSize};

/// A header, without what fills its sector.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    signature: [u8; 8],
    revision: U32,
    size: U32,
    /// Of the header, with these four bytes zero.
    crc: U32,
    reserved: U32,
    lba: U64,
    /// Where the other copy's header is.
    other: U64,
    first_usable: U64,
    /// Inclusive.
    last_usable: U64,
    disk: [u8; 16],
    entries: U64,
    count: U32,
    entry_size: U32,
    entries_crc: U32,
}

const _: () = assert!(size_of::<RawHeader>() == 92);
const _: () = assert!(std::mem::offset_of!(RawHeader, crc) == 16);
const _: () = assert!(std::mem::offset_of!(RawHeader, disk) == 56);
const _: () = assert!(std::mem::offset_of!(RawHeader, entries_crc) == 88);

/// An entry, without what may follow it.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawEntry {
    kind: [u8; 16],
    guid: [u8; 16],
    first: U64,
    /// Inclusive.
    last: U64,
    attributes: U64,
    name: [u8; 72],
}

const _: () = assert!(size_of::<RawEntry>() == 128);
const _: () = assert!(std::mem::offset_of!(RawEntry, name) == 56);

/// Entries that are read: 8192 of the usual length, 64 times as many as there usually are.
const MOST_ENTRY_BYTES: u64 = 1 << 20;

/// A table that could be read.
pub(crate) struct Found {
    pub(crate) size: SectorSize,
    pub(crate) disk: Guid,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) faults: Vec<Fault>,
}

/// A whole copy.
struct Copy {
    lba: u64,
    other: u64,
    usable: [u64; 2],
    disk: Guid,
    /// First sector of the entries, and the one behind them.
    entries: [u64; 2],
    entries_crc: u32,
    count: u32,
    entry_size: u32,
    used: Vec<Entry>,
    /// Something stands in its header where zeros must be.
    is_reserved_used: bool,
}

struct Entry {
    number: u32,
    kind: Guid,
    guid: Guid,
    name: String,
    first: u64,
    last: u64,
}

enum Unusable {
    Io(io::Error),
    Fault(CopyFault),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<CopyFault> for Unusable {
    fn from(fault: CopyFault) -> Self {
        Self::Fault(fault)
    }
}

type Outcome = Result<Copy, CopyFault>;

/// Reads the table of a disk of `len` bytes that a master boot record guards.
pub(crate) fn read<R: Read + Seek>(disk: &mut R, len: u64) -> Result<Found, ReadError> {
    // Nothing says what the disk counts in but the place where a header is found; an old table may
    // be left at the other.
    let small = copies(disk, len, SectorSize::B512)?;
    let whole = |copies: &[Outcome; 2]| copies.iter().filter(|copy| copy.is_ok()).count();
    let (size, [primary, backup]) = if whole(&small) == 2 {
        (SectorSize::B512, small)
    } else {
        let large = copies(disk, len, SectorSize::B4096)?;
        if whole(&large) > whole(&small) {
            (SectorSize::B4096, large)
        } else {
            (SectorSize::B512, small)
        }
    };
    let last = (len / size.bytes()).saturating_sub(1);
    let mut faults = Vec::new();
    let lost = |copy, fault| Fault::Copy { copy, fault };
    for (name, copy) in [(GptCopy::Primary, &primary), (GptCopy::Backup, &backup)] {
        if let Ok(copy) = copy
            && copy.is_reserved_used
        {
            faults.push(Fault::Reserved { copy: name, sector: copy.lba });
        }
    }
    let used = match (primary, backup) {
        (Ok(primary), Ok(backup)) => {
            place_fault(backup.lba, last, &mut faults);
            compare(&primary, &backup, &mut faults);
            primary
        }
        (Ok(primary), Err(fault)) => {
            place_fault(primary.other, last, &mut faults);
            faults.push(lost(GptCopy::Backup, fault));
            primary
        }
        (Err(fault), Ok(backup)) => {
            faults.push(lost(GptCopy::Primary, fault));
            backup
        }
        (Err(primary), Err(backup)) => return Err(ReadError::Gpt { primary, backup }),
    };
    check(&used, &mut faults);
    let partitions = used.used.iter().map(|entry| Partition {
        number: entry.number,
        active: false,
        kind: PartitionKind::Gpt(entry.kind),
        guid: Some(entry.guid),
        name: entry.name.clone(),
        size,
        first_sector: entry.first,
        // Where the last is before the first, a fault tells.
        sectors: entry.last.saturating_add(1).saturating_sub(entry.first),
    });
    Ok(Found { size, disk: used.disk, partitions: partitions.collect(), faults })
}

fn place_fault(found: u64, last: u64, faults: &mut Vec<Fault>) {
    if found != last {
        faults.push(Fault::BackupPlace { found, last });
    }
}

/// Both copies, the backup where the primary says that it is.
fn copies<R: Read + Seek>(
    disk: &mut R,
    len: u64,
    size: SectorSize,
) -> Result<[Outcome; 2], ReadError> {
    let mut at = |lba| match copy_at(disk, len, size, lba) {
        Ok(copy) => Ok(Ok(copy)),
        Err(Unusable::Fault(fault)) => Ok(Err(fault)),
        Err(Unusable::Io(error)) => Err(error),
    };
    let primary = at(1)?;
    let last = (len / size.bytes()).saturating_sub(1);
    let backup = at(primary.as_ref().map_or(last, |primary| primary.other))?;
    Ok([primary, backup])
}

fn copy_at<R: Read + Seek>(
    disk: &mut R,
    len: u64,
    size: SectorSize,
    lba: u64,
) -> Result<Copy, Unusable> {
    let at = lba.saturating_mul(size.bytes());
    let mut sector = bytes_at(disk, len, at, size.bytes())?;
    let (raw, _) = RawHeader::read_from_prefix(&sector)
        .map_err(|_| CopyFault::PastTheEnd { end: at.saturating_add(92), len })?;
    if raw.signature != *b"EFI PART" {
        return Err(CopyFault::Signature { at }.into());
    }
    if raw.revision.get() != 0x0001_0000 {
        return Err(CopyFault::Revision { at, found: raw.revision.get() }.into());
    }
    let found = raw.size.get();
    let header_len = usize::try_from(found).unwrap_or(usize::MAX);
    if let Some(crc) = sector.get_mut(16..20) {
        crc.fill(0);
    }
    let header = sector.get(..header_len).filter(|header| header.len() >= 92);
    let Some(header) = header else {
        return Err(CopyFault::HeaderSize { at, found, limit: size.bytes() }.into());
    };
    let (found, computed) = (raw.crc.get(), crc32fast::hash(header));
    if found != computed {
        return Err(CopyFault::HeaderCrc { at, found, computed }.into());
    }
    if raw.lba.get() != lba {
        return Err(CopyFault::HeaderPlace { at, found: raw.lba.get(), lba }.into());
    }
    let rest = sector.get(header_len..).unwrap_or_default();
    let is_reserved_used = raw.reserved.get() != 0 || rest.iter().any(|byte| *byte != 0);

    let (count, entry_size) = (raw.count.get(), raw.entry_size.get());
    let bytes = u64::from(count) * u64::from(entry_size);
    let possible = entry_size >= 128 && entry_size.is_power_of_two();
    // Room for 16 KiB must be there (UEFI 2.10, section 5.3.1); fewer entries are in use all the same.
    if !possible || !(1..=MOST_ENTRY_BYTES).contains(&bytes) {
        let limit = MOST_ENTRY_BYTES;
        return Err(CopyFault::EntrySize { at, count, size: entry_size, limit }.into());
    }
    let first = raw.entries.get();
    let at = first.saturating_mul(size.bytes());
    let entries = bytes_at(disk, len, at, bytes)?;
    let (found, computed) = (raw.entries_crc.get(), crc32fast::hash(&entries));
    if found != computed {
        return Err(CopyFault::EntriesCrc { at, found, computed }.into());
    }
    let used = entries
        .chunks_exact(usize::try_from(entry_size).unwrap_or(usize::MAX))
        .zip(1..)
        .filter_map(|(bytes, number)| {
            let (raw, _) = RawEntry::read_from_prefix(bytes).ok()?;
            let kind = Guid::from_disk(raw.kind);
            (!kind.is_nil()).then(|| Entry {
                number,
                kind,
                guid: Guid::from_disk(raw.guid),
                name: name(&raw.name),
                first: raw.first.get(),
                last: raw.last.get(),
            })
        });
    Ok(Copy {
        lba,
        other: raw.other.get(),
        usable: [raw.first_usable.get(), raw.last_usable.get()],
        disk: Guid::from_disk(raw.disk),
        entries: [first, first.saturating_add(bytes.div_ceil(size.bytes()))],
        entries_crc: found,
        count,
        entry_size,
        used: used.collect(),
        is_reserved_used,
    })
}

/// The text before the first NUL.
fn name(raw: &[u8; 72]) -> String {
    let (units, _) = raw.as_chunks();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// `count` bytes, of which there are few.
fn bytes_at<R: Read + Seek>(
    disk: &mut R,
    len: u64,
    at: u64,
    count: u64,
) -> Result<Vec<u8>, Unusable> {
    let end = at.saturating_add(count);
    if end > len {
        return Err(CopyFault::PastTheEnd { end, len }.into());
    }
    disk.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    disk.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What the two copies must say alike.
fn compare(primary: &Copy, backup: &Copy, faults: &mut Vec<Fault>) {
    for (same, what) in [
        (primary.disk == backup.disk, "GUID of the disk"),
        (primary.usable == backup.usable, "sectors for partitions"),
        (
            (primary.count, primary.entry_size, primary.entries_crc)
                == (backup.count, backup.entry_size, backup.entries_crc),
            "entries",
        ),
        (backup.other == primary.lba, "place of the other copy"),
    ] {
        if !same {
            faults.push(Fault::CopiesDiffer { what });
        }
    }
    // The entries of the backup are before its header and behind the partitions.
    let [first, last] = backup.usable;
    let [from, behind] = backup.entries;
    if last >= from || behind > backup.lba {
        let to = from.min(backup.lba).saturating_sub(1);
        let (copy, from) = (GptCopy::Backup, primary.entries[1]);
        faults.push(Fault::Usable { copy, first, last, from, to });
    }
}

/// What one copy says, and its partitions.
fn check(copy: &Copy, faults: &mut Vec<Fault>) {
    if copy.disk.is_nil() {
        faults.push(Fault::NoDiskGuid);
    }
    let [from, to] = copy.usable;
    let (name, between) = if copy.lba == 1 {
        (GptCopy::Primary, [copy.entries[1].max(2), copy.other.saturating_sub(1)])
    } else {
        (GptCopy::Backup, [2, copy.entries[0].saturating_sub(1)])
    };
    if from < between[0] || to > between[1] || from > to.saturating_add(1) {
        let [first, last] = copy.usable;
        let [from, to] = between;
        faults.push(Fault::Usable { copy: name, first, last, from, to });
    }
    let mut names = HashSet::new();
    for &Entry { number, guid, first, last, .. } in &copy.used {
        if first < from || last > to {
            faults.push(Fault::OutsideUsable { number, first, last, from, to });
        }
        if guid.is_nil() || !names.insert(guid) {
            faults.push(Fault::PartitionGuid { number, guid });
        }
    }
}
