//! A disk around a volume.

use extent_image::{Content, Plan, PlanBuilder};

use crate::options::MIB;
use crate::{DiskOptions, Mbr, SectorSize, Table, boot_code, gpt, mbr, role};

/// UTF-16 units of a partition's name.
const LONGEST_NAME: usize = 36;

/// Why no disk could be planned around a volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The volume cannot be counted in sectors, or is empty.
    #[error(
        "a volume of {len} bytes cannot be put on a disk: it must be a multiple of {sector} bytes, and \
         not 0"
    )]
    VolumeLength {
        /// Length of the volume in bytes.
        len: u64,
        /// Bytes of a sector.
        sector: u64,
    },
    /// The volume was to begin inside a sector, or where the table is.
    #[error(
        "a volume cannot begin at byte {start}: it must be a multiple of {sector} bytes, and at least \
         {first}"
    )]
    Start {
        /// Where the volume was to begin.
        start: u64,
        /// The first byte that a volume may have.
        first: u64,
        /// Bytes of a sector.
        sector: u64,
    },
    /// There is no table, and the volume was not to begin at the first byte.
    #[error("a volume at byte {start} needs a partition table; without one it begins at byte 0")]
    NoTable {
        /// Where the volume was to begin.
        start: u64,
    },
    /// A master boot record counts sectors in 32 bits.
    #[error(
        "a volume of {len} bytes at byte {start} passes {limit} bytes, the largest disk that a master \
         boot record can describe; make the volume smaller or use a GPT"
    )]
    TooLarge {
        /// Length of the volume in bytes.
        len: u64,
        /// Where it was to begin.
        start: u64,
        /// End of the largest partition in bytes.
        limit: u64,
    },
    /// The volume was planned for another place.
    #[error(
        "the volume says that {found} sectors lie before it, it begins at sector {start}: a PC BIOS \
         would not boot it; plan it for its place"
    )]
    HiddenSectors {
        /// The *hidden sectors* field of the volume.
        found: u32,
        /// First sector of the volume on the disk.
        start: u64,
    },
    /// The volume was planned for another kind of drive.
    #[error(
        "the volume has sectors of {found} bytes, the disk of {disk}: Windows would not read it; plan \
         both for the same"
    )]
    VolumeSectors {
        /// Bytes of a sector of the volume.
        found: u16,
        /// Bytes of a sector of the disk.
        disk: u64,
    },
    /// The disk is no whole number of sectors.
    #[error("a disk of {len} bytes is not a whole number of sectors of {sector} bytes")]
    DiskLength {
        /// Length of the disk in bytes.
        len: u64,
        /// Bytes of a sector.
        sector: u64,
    },
    /// The disk ends before the volume, or before what must stand behind it.
    #[error("the disk has {disk} bytes, {needed} are needed; use a larger one or a smaller volume")]
    DiskTooSmall {
        /// Length of the disk in bytes.
        disk: u64,
        /// Bytes that it must have.
        needed: u64,
    },
    /// The partition's name cannot be stored.
    #[error(
        "the partition name {name:?} has {units} UTF-16 units; at most {LONGEST_NAME} can be stored, \
         and no NUL among them"
    )]
    PartitionName {
        /// The name.
        name: String,
        /// Its length.
        units: usize,
    },
    /// The tables of a GPT cannot be encoded; a mistake in this crate.
    #[error("the GPT cannot be encoded: {why}")]
    Gpt {
        /// What the encoder says.
        why: String,
    },
    /// The extents do not make a plan.
    #[error("the disk cannot be laid out")]
    Layout(#[from] extent_image::PlanError),
}

/// Plans a disk with `volume` on it.
///
/// | table | before the volume | partition | behind the volume |
/// |---|---|---|---|
/// | [MBR](Table::Mbr) | sector 0, zeros | primary, active, type 0C (FAT32, LBA) | free, the last MiB zero |
/// | [GPT](Table::Gpt) | guarding sector 0, header, 128 entries, zeros | basic data or EFI system | free, the last MiB zero but for the copy of the table at its end |
/// | [none](Table::None) | nothing | none | as MBR |
///
/// The volume itself is taken as it is, but for its own last MiB: where that is free it is zero. What
/// is zero there and before the volume is so because on a used drive the tables of an old GPT stand
/// there. So the disks of several lengths around one volume differ only before the volume and behind
/// it.
///
/// A FAT volume must have been planned for the place it gets: its *hidden sectors* field is
/// [`DiskOptions::hidden_sectors`], or a PC BIOS will not boot it, and its sectors are those of the
/// disk; other values are refused. A start that is no multiple of 4 KiB takes the volume's own
/// alignment away.
///
/// # Errors
/// [`PlanError`]: lengths and places the partition table cannot hold.
pub fn disk(volume: &Plan, options: &DiskOptions) -> Result<Plan, PlanError> {
    let size = options.sector_size;
    let start = options.start;
    check_place(volume, options)?;
    let end = start.saturating_add(volume.len());
    let tail = match &options.table {
        Table::Gpt(_) => gpt::tail_len(size),
        _ => 0,
    };
    let needed = end.saturating_add(tail);
    let disk = options.disk_len.unwrap_or(match &options.table {
        Table::None => end,
        _ => needed.checked_next_multiple_of(MIB).unwrap_or(needed),
    });
    if disk < needed {
        return Err(PlanError::DiskTooSmall { disk, needed });
    }
    if !disk.is_multiple_of(size.bytes()) {
        return Err(PlanError::DiskLength { len: disk, sector: size.bytes() });
    }

    let mut plan = PlanBuilder::new();
    let mut backup = None;
    match &options.table {
        Table::Mbr(wanted) => {
            plan.bytes(role::MASTER_BOOT_RECORD, mbr_sector(wanted, volume.len(), options))?;
        }
        Table::Gpt(wanted) => {
            let [sectors, first, len] =
                [disk, start, volume.len()].map(|bytes| bytes / size.bytes());
            let tables = gpt::tables(wanted, size, sectors, first, len)
                .map_err(|error| PlanError::Gpt { why: error.to_string() })?;
            plan.bytes(role::PROTECTIVE_RECORD, mbr::protective(sectors))?;
            plan.zero_to(role::REST_OF_SECTOR_0, size.bytes())?;
            plan.bytes(role::GPT, tables.primary)?;
            backup = Some(tables.backup);
        }
        Table::None => {}
    }
    plan.zero_to(role::GAP, start)?;
    plan.plan(&volume.clone().with_zero_tail(MIB))?;
    plan.free_to(role::UNPARTITIONED, end.max(disk.saturating_sub(MIB)))?;
    plan.zero_to(role::END, disk.saturating_sub(tail))?;
    if let Some(backup) = backup {
        plan.bytes(role::GPT_BACKUP, backup)?;
    }
    Ok(plan.finish())
}

/// Sector 0 of a disk whose volume begins at [`DEFAULT_START`](crate::DEFAULT_START), in sectors of
/// 512 bytes, and whose other bytes someone else lays out.
///
/// # Errors
/// [`PlanError`], as [`disk()`].
pub fn master_boot_record(volume: &Plan, table: &Mbr) -> Result<Vec<u8>, PlanError> {
    let options = DiskOptions::new(Table::Mbr(table.clone()));
    check_place(volume, &options)?;
    Ok(mbr_sector(table, volume.len(), &options))
}

/// Whether the volume can lie where it is to, and was made for that.
fn check_place(volume: &Plan, options: &DiskOptions) -> Result<(), PlanError> {
    let (len, start) = (volume.len(), options.start);
    let sector = options.sector_size.bytes();
    if len == 0 || !len.is_multiple_of(sector) {
        return Err(PlanError::VolumeLength { len, sector });
    }
    let first = match &options.table {
        Table::Mbr(_) => sector,
        Table::Gpt(gpt) => {
            check_name(&gpt.name)?;
            gpt::head_len(options.sector_size)
        }
        Table::None if start != 0 => return Err(PlanError::NoTable { start }),
        Table::None => 0,
    };
    if start < first || !start.is_multiple_of(sector) {
        return Err(PlanError::Start { start, first, sector });
    }
    if matches!(options.table, Table::Mbr(_)) {
        let limit = mbr::limit(options.sector_size);
        if start.checked_add(len).is_none_or(|end| end > limit) {
            return Err(PlanError::TooLarge { len, start, limit });
        }
    }
    let Some(boot) = FatBootSector::of(volume) else { return Ok(()) };
    if u64::from(boot.sector) != sector {
        return Err(PlanError::VolumeSectors { found: boot.sector, disk: sector });
    }
    if u64::from(boot.hidden) != start / sector {
        return Err(PlanError::HiddenSectors { found: boot.hidden, start: start / sector });
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), PlanError> {
    let units = name.encode_utf16().count();
    if units > LONGEST_NAME || name.contains('\0') {
        return Err(PlanError::PartitionName { name: name.to_owned(), units });
    }
    Ok(())
}

/// Sector 0 of a disk whose volume of `len` bytes has been found to have a place.
fn mbr_sector(table: &Mbr, len: u64, options: &DiskOptions) -> Vec<u8> {
    let size = options.sector_size;
    // `check_place` has seen to it that both fit.
    let [first, sectors] =
        [options.start, len].map(|bytes| u32::try_from(bytes / size.bytes()).unwrap_or(u32::MAX));
    // Both the code and a BIOS count in sectors of 512 bytes.
    let code = (table.boot_code && size == SectorSize::B512).then_some(boot_code::MBR);
    mbr::sector(code, table.signature, first, sectors)
}

/// What the boot sector of a FAT32 volume says of its place (Microsoft's FAT specification).
struct FatBootSector {
    /// `BPB_BytsPerSec`.
    sector: u16,
    /// `BPB_HiddSec`.
    hidden: u32,
}

impl FatBootSector {
    /// `None` for any other volume.
    fn of(volume: &Plan) -> Option<Self> {
        let Content::Bytes(boot) = volume.extents().first()?.content() else { return None };
        let is_fat32 =
            matches!(boot.first(), Some(0xEB | 0xE9)) && boot.get(0x52..0x57)? == b"FAT32";
        is_fat32.then_some(())?;
        Some(Self {
            sector: u16::from_le_bytes(*boot.get(0x0B..0x0D)?.first_chunk()?),
            hidden: u32::from_le_bytes(*boot.get(0x1C..0x20)?.first_chunk()?),
        })
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
