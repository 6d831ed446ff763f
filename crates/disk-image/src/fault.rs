//! What can be wrong with the table of a disk.

use std::fmt;

use crate::Guid;

/// What is wrong with a partition table that can be read. Places are bytes of the disk unless they
/// are said to be sectors.
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
        number: u32,
        /// First byte.
        start: u64,
        /// End.
        end: u64,
    },
    /// The disk is shorter than its table says: the image was cut off, or the copy was.
    #[error("partition {number} ends at byte {end}, the disk at {len}")]
    PastTheEnd {
        /// Its number in the table.
        number: u32,
        /// End of the partition in bytes.
        end: u64,
        /// Length of the disk in bytes.
        len: u64,
    },
    /// Two partitions share sectors.
    #[error("partitions {first} and {second} overlap")]
    Overlap {
        /// The number of one.
        first: u32,
        /// The number of the other.
        second: u32,
    },
    /// The master boot record that guards a GPT has other partitions too: systems without GPT write
    /// into what they take for free.
    #[error(
        "the master boot record guards a GPT and has {count} other partitions; it may have none"
    )]
    Unguarded {
        /// Partitions beside the guarding one.
        count: usize,
    },
    /// The entry that guards a GPT does not cover the disk.
    #[error(
        "the entry that guards the GPT covers {sectors} sectors from sector {first}; it must begin at \
         sector 1 and cover {expected}"
    )]
    Guard {
        /// First sector.
        first: u32,
        /// Sectors covered.
        sectors: u32,
        /// Sectors that it must cover.
        expected: u32,
    },
    /// One of the two copies of a GPT is lost; the other was used.
    #[error("{copy} GPT: {fault}")]
    Copy {
        /// Which.
        copy: GptCopy,
        /// What is wrong with it.
        fault: CopyFault,
    },
    /// What must be zero in the header of a GPT is not.
    #[error("{copy} GPT: reserved bytes of the header in sector {sector} are not zero")]
    Reserved {
        /// Which.
        copy: GptCopy,
        /// The sector of its header.
        sector: u64,
    },
    /// The two copies of a GPT are whole and say different things. The first was used.
    #[error("the two copies of the GPT differ in the {what}")]
    CopiesDiffer {
        /// In what.
        what: &'static str,
    },
    /// The backup of a GPT is not where the disk ends: the disk was made larger, or an image was
    /// written to a larger drive.
    #[error("the backup of the GPT is in sector {found}, the last sector of the disk is {last}")]
    BackupPlace {
        /// Its sector.
        found: u64,
        /// The disk's last.
        last: u64,
    },
    /// The space that a GPT gives to partitions is none, or holds the table itself.
    #[error(
        "{copy} GPT: partitions may use the sectors {first} to {last}; only {from} to {to} are between \
         the two copies of the table"
    )]
    Usable {
        /// Which copy says so.
        copy: GptCopy,
        /// First sector for partitions.
        first: u64,
        /// Last sector for partitions.
        last: u64,
        /// First sector behind the table.
        from: u64,
        /// Last sector before the backup.
        to: u64,
    },
    /// A partition lies where a GPT allows none.
    #[error(
        "partition {number} has the sectors {first} to {last}; {from} to {to} are for partitions"
    )]
    OutsideUsable {
        /// Its number in the table.
        number: u32,
        /// First sector.
        first: u64,
        /// Last sector.
        last: u64,
        /// First sector for partitions.
        from: u64,
        /// Last sector for partitions.
        to: u64,
    },
    /// The GPT does not name the disk.
    #[error("the GUID of the disk is nil")]
    NoDiskGuid,
    /// A partition has no name of its own.
    #[error("partition {number}: its GUID {guid} is nil, or another partition's")]
    PartitionGuid {
        /// Its number in the table.
        number: u32,
        /// What it has.
        guid: Guid,
    },
}

/// One of the two copies of a GPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GptCopy {
    /// At the start of the disk.
    Primary,
    /// At its end.
    Backup,
}

impl fmt::Display for GptCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Backup => "backup",
        })
    }
}

/// Why a copy of a GPT cannot be used (UEFI 2.10, section 5.3.2). Places are bytes of the disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CopyFault {
    /// Its header or its entries would be behind the end of the disk.
    #[error("it ends at byte {end}, the disk at {len}")]
    PastTheEnd {
        /// Where it would end.
        end: u64,
        /// Length of the disk.
        len: u64,
    },
    /// There is no header.
    #[error("no EFI PART at byte {at}")]
    Signature {
        /// Where the header should be.
        at: u64,
    },
    /// The header is of another format.
    #[error("the header at byte {at} has revision {found:08X}; 00010000 is known")]
    Revision {
        /// Where the header is.
        at: u64,
        /// Its revision.
        found: u32,
    },
    /// The header cannot be so long.
    #[error("the header at byte {at} has {found} bytes; 92 to {limit} are possible")]
    HeaderSize {
        /// Where the header is.
        at: u64,
        /// Its length.
        found: u32,
        /// Bytes of a sector.
        limit: u64,
    },
    /// The header is damaged.
    #[error("the header at byte {at} has CRC32 {computed:08X}, it says {found:08X}")]
    HeaderCrc {
        /// Where the header is.
        at: u64,
        /// What it says.
        found: u32,
        /// What it is.
        computed: u32,
    },
    /// The header belongs elsewhere.
    #[error("the header at byte {at} says that it is in sector {found}; it is in sector {lba}")]
    HeaderPlace {
        /// Where the header is.
        at: u64,
        /// The sector that it gives.
        found: u64,
        /// Its sector.
        lba: u64,
    },
    /// Entries of a length, or in a number, that cannot be.
    #[error(
        "the header at byte {at} has {count} entries of {size} bytes; an entry has 128 times a power of \
         two, and all have 128 to {limit}"
    )]
    EntrySize {
        /// Where the header is.
        at: u64,
        /// Entries.
        count: u32,
        /// Bytes of one.
        size: u32,
        /// Most bytes of all that are read.
        limit: u64,
    },
    /// The entries are damaged.
    #[error("the entries at byte {at} have CRC32 {computed:08X}, the header says {found:08X}")]
    EntriesCrc {
        /// Where the entries are.
        at: u64,
        /// What the header says.
        found: u32,
        /// What it is.
        computed: u32,
    },
}
