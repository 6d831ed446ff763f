//! The partition table of any disk image, and what is wrong with it.
//!
//! Shares no layout code with the planner: the sector is taken apart by its offsets here, so that a
//! mistake in one shows in the other.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::{SECTOR, Window, boot_code, mbr};

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

/// The partition table of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    len: u64,
    signature: u32,
    code: Code,
    /// Entries with the active flag, unused ones too: boot code looks at nothing else.
    active_entries: usize,
    partitions: Vec<Partition>,
}

impl Disk {
    /// Length of the disk in bytes, at least the 512 of its table.
    #[expect(clippy::len_without_is_empty, reason = "a disk with a table is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The number that names the disk; 0 when it has none.
    pub fn signature(&self) -> u32 {
        self.signature
    }

    /// What starts the disk on a PC BIOS.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The used entries of the table, at most four.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The partition a PC BIOS would start: the only active one.
    pub fn active(&self) -> Option<&Partition> {
        let active = self.partitions.iter().find(|p| p.active);
        active.filter(|_| self.active_entries == 1)
    }

    /// What is wrong with the table, all of it. Empty for a disk of ours, but for
    /// [`Fault::NoCode`] when it was made without boot code.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.signature == 0 {
            faults.push(Fault::NoSignature);
        }
        match self.active_entries {
            0 => faults.push(Fault::NoneActive),
            1 => {}
            count => faults.push(Fault::SeveralActive { count }),
        }
        if self.code == Code::None {
            faults.push(Fault::NoCode);
        }
        for (index, partition) in self.partitions.iter().enumerate() {
            let Range { start, end } = partition.range();
            if start == 0 || start == end {
                faults.push(Fault::Malformed { number: partition.number, start, end });
            }
            if end > self.len {
                faults.push(Fault::PastTheEnd { number: partition.number, end, len: self.len });
            }
            for other in self.partitions.iter().skip(index + 1) {
                if start.max(other.range().start) < end.min(other.range().end) {
                    let numbers = (partition.number, other.number);
                    faults.push(Fault::Overlap { first: numbers.0, second: numbers.1 });
                }
            }
        }
        faults
    }
}

/// An entry of a partition table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    number: u8,
    active: bool,
    kind: u8,
    first_sector: u32,
    sectors: u32,
}

impl Partition {
    /// Which of the table's entries it is, 1 to 4.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Whether a PC BIOS is to start it.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Its type byte: 0Ch for FAT32.
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// Whether its type says FAT32, addressed either way.
    pub fn is_fat32(&self) -> bool {
        matches!(self.kind, mbr::FAT32_LBA | 0x0B)
    }

    /// Its first sector: what the volume inside calls its hidden sectors.
    pub fn first_sector(&self) -> u32 {
        self.first_sector
    }

    /// Its length in sectors of 512 bytes.
    pub fn sectors(&self) -> u32 {
        self.sectors
    }

    /// Its bytes on the disk.
    pub fn range(&self) -> Range<u64> {
        // Two 32-bit numbers: no sum or product here passes 2^42.
        let start = u64::from(self.first_sector) * SECTOR;
        start..start + u64::from(self.sectors) * SECTOR
    }

    /// The partition as an image of its own.
    pub fn open<R: Read + Seek>(&self, disk: R) -> Window<R> {
        Window::new(disk, self.range())
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

/// What is wrong with a partition table that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Boot configurations cannot refer to the disk.
    #[error("the disk signature is 0")]
    NoSignature,
    /// A PC BIOS finds nothing to start.
    #[error("no partition is active")]
    NoneActive,
    /// A PC BIOS starts the wrong partition or none.
    #[error("{count} partitions are active, 1 may be")]
    SeveralActive {
        /// How many.
        count: usize,
    },
    /// A PC BIOS finds no program.
    #[error("sector 0 holds no boot code")]
    NoCode,
    /// An entry names no place.
    #[error("partition {number} covers the bytes {start} to {end}")]
    Malformed {
        /// Its number in the table.
        number: u8,
        /// First byte.
        start: u64,
        /// End.
        end: u64,
    },
    /// The disk is shorter than its table says: the image was cut off, or the copy was.
    #[error("partition {number} ends at byte {end}, the disk at {len}")]
    PastTheEnd {
        /// Its number in the table.
        number: u8,
        /// End of the partition in bytes.
        end: u64,
        /// Length of the disk in bytes.
        len: u64,
    },
    /// Two partitions share sectors.
    #[error("partitions {first} and {second} overlap")]
    Overlap {
        /// The number of one.
        first: u8,
        /// The number of the other.
        second: u8,
    },
}

/// Why no partition table could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The image could not be read.
    #[error("cannot read sector 0 of the disk")]
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
    /// Sector 0 is the boot sector of a FAT volume.
    #[error("no partition table: the whole image is one FAT volume, without a disk around it")]
    Volume,
    /// An entry begins with a byte that is neither 80h nor 0: most likely the sector is a volume's
    /// boot sector and the disk has no table.
    #[error("no partition table: entry {number} begins with {found:02X}, not with 80 or 00")]
    Flag {
        /// The entry, 1 to 4.
        number: u8,
        /// Its first byte.
        found: u8,
    },
    /// The table only guards a GPT.
    #[error("the disk has a GPT, which this version does not read")]
    Gpt,
}

/// Reads the partition table of a disk of any kind: an image file, a
/// [plan](extent_image::Plan::reader), a drive. Logical partitions inside an extended one are not
/// followed.
///
/// # Errors
/// [`ReadError`]: no table can be read. What is wrong *with* a table is told by [`Disk::faults`].
pub fn read<R: Read + Seek>(disk: &mut R) -> Result<Disk, ReadError> {
    let len = disk.seek(SeekFrom::End(0))?;
    if len < SECTOR {
        return Err(ReadError::TooShort { len });
    }
    disk.seek(SeekFrom::Start(0))?;
    let mut bytes = [0; 512];
    disk.read_exact(&mut bytes)?;
    let raw: RawSector = zerocopy::transmute!(bytes);

    if raw.boot_signature != [0x55, 0xAA] {
        return Err(ReadError::NoTable { found: raw.boot_signature });
    }
    if is_fat_volume(&bytes) && raw.entries.iter().all(|entry| entry.first.get() == 0) {
        return Err(ReadError::Volume);
    }
    let mut partitions = Vec::new();
    let mut active_entries = 0;
    for (entry, number) in raw.entries.iter().zip(1..) {
        let active = match entry.flag {
            0 => false,
            0x80 => true,
            found => return Err(ReadError::Flag { number, found }),
        };
        active_entries += usize::from(active);
        match entry.kind {
            0 => {}
            mbr::GPT_PROTECTIVE => return Err(ReadError::Gpt),
            kind => partitions.push(Partition {
                number,
                active,
                kind,
                first_sector: entry.first.get(),
                sectors: entry.sectors.get(),
            }),
        }
    }
    let code = if raw.code == *boot_code::MBR {
        Code::Ours
    } else if raw.code == [0; 440] {
        Code::None
    } else {
        Code::Other
    };
    Ok(Disk { len, signature: raw.signature.get(), code, active_entries, partitions })
}

/// True for the boot sector of a FAT volume, which ends as a partition table does (Microsoft's FAT
/// specification, "BPB"): a jump, a sector size, and `FAT` where FAT12 and FAT16, or FAT32, have it.
fn is_fat_volume(sector: &[u8; 512]) -> bool {
    let jump = matches!(sector.first(), Some(0xEB | 0xE9));
    let size = sector.get(0x0B..0x0D).and_then(|size| size.first_chunk());
    let size = size.map_or(0, |size| u16::from_le_bytes(*size));
    let named = |at: usize| sector.get(at..).is_some_and(|rest| rest.starts_with(b"FAT"));
    jump && matches!(size, 512 | 1024 | 2048 | 4096) && (named(0x36) || named(0x52))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// An empty table with 55 AA, on a disk of 100 sectors.
    fn empty() -> Vec<u8> {
        let mut disk = vec![0; 51_200];
        disk[510..512].copy_from_slice(&[0x55, 0xAA]);
        disk
    }

    fn put(disk: &mut [u8], index: usize, flag: u8, kind: u8, first: u32, sectors: u32) {
        let at = 446 + 16 * index;
        disk[at] = flag;
        disk[at + 4] = kind;
        disk[at + 8..at + 12].copy_from_slice(&first.to_le_bytes());
        disk[at + 12..at + 16].copy_from_slice(&sectors.to_le_bytes());
    }

    fn read_bytes(bytes: &[u8]) -> Result<Disk, ReadError> {
        read(&mut Cursor::new(bytes))
    }

    #[test]
    fn an_active_flag_counts_even_in_an_empty_entry() {
        let mut bytes = empty();
        bytes[0] = 0x90;
        put(&mut bytes, 0, 0x80, 0x0C, 10, 80);
        assert!(read_bytes(&bytes).unwrap().active().is_some());
        put(&mut bytes, 2, 0x80, 0, 0, 0);
        let disk = read_bytes(&bytes).unwrap();
        assert!(disk.faults().contains(&Fault::SeveralActive { count: 2 }));
        assert_eq!(disk.active(), None);
    }

    #[test]
    fn a_volume_without_a_table_is_told_from_a_disk() {
        let mut bytes = empty();
        bytes[..3].copy_from_slice(&[0xEB, 0x58, 0x90]);
        bytes[0x0B..0x0D].copy_from_slice(&512_u16.to_le_bytes());
        bytes[0x52..0x5A].copy_from_slice(b"FAT32   ");
        assert!(matches!(read_bytes(&bytes), Err(ReadError::Volume)));
        // Boot code may begin like a volume; the table says what it is.
        put(&mut bytes, 0, 0x80, 0x0C, 10, 80);
        assert!(read_bytes(&bytes).is_ok());
    }

    #[test]
    fn a_table_is_read_and_its_faults_are_told() {
        let mut bytes = empty();
        bytes[440..444].copy_from_slice(&0xAABB_CCDD_u32.to_le_bytes());
        bytes[0] = 0x90;
        put(&mut bytes, 1, 0x80, 0x0C, 10, 80);
        let disk = read_bytes(&bytes).unwrap();
        assert_eq!((disk.len(), disk.signature(), disk.code()), (51_200, 0xAABB_CCDD, Code::Other));
        let partition = disk.active().unwrap();
        assert_eq!((partition.number(), partition.kind(), partition.is_fat32()), (2, 0x0C, true));
        assert_eq!(partition.range(), 5_120..46_080);
        assert_eq!(disk.faults(), []);

        put(&mut bytes, 0, 0x80, 7, 89, 12);
        put(&mut bytes, 3, 0, 0x83, 0, 0);
        bytes[0] = 0;
        bytes[440..444].fill(0);
        let disk = read_bytes(&bytes).unwrap();
        assert_eq!(disk.active(), None);
        assert_eq!(
            disk.faults(),
            [
                Fault::NoSignature,
                Fault::SeveralActive { count: 2 },
                Fault::NoCode,
                Fault::PastTheEnd { number: 1, end: 51_712, len: 51_200 },
                Fault::Overlap { first: 1, second: 2 },
                Fault::Malformed { number: 4, start: 0, end: 0 },
            ]
        );
        assert_eq!(
            read_bytes(&empty()).unwrap().faults(),
            [Fault::NoSignature, Fault::NoneActive, Fault::NoCode]
        );
    }

    #[test]
    fn the_largest_entry_does_not_overflow() {
        let mut bytes = empty();
        put(&mut bytes, 0, 0x80, 0x0C, u32::MAX, u32::MAX);
        let disk = read_bytes(&bytes).unwrap();
        assert_eq!(disk.partitions()[0].range().end, 2 * 512 * u64::from(u32::MAX));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(matches!(read_bytes(&[0; 511]), Err(ReadError::TooShort { len: 511 })));
        assert!(matches!(read_bytes(&[7; 512]), Err(ReadError::NoTable { found: [7, 7] })));
        let mut bytes = empty();
        put(&mut bytes, 2, 0x7F, 0x0C, 1, 1);
        let error = read_bytes(&bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no partition table: entry 3 begins with 7F, not with 80 or 00"
        );
        let mut bytes = empty();
        put(&mut bytes, 0, 0, 0xEE, 1, 99);
        assert!(matches!(read_bytes(&bytes), Err(ReadError::Gpt)));
    }
}
