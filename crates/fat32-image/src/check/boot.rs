//! The boot sector: what must be right to find the parts of a volume, and what should be.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "products and sums of fields of 8, 16 and 32 bits in u64; divisors are checked to be \
              powers of two when the boot sector is read"
)]

use std::io::{self, Read, Seek};

use super::fault::{FaultKind, Faults, Severity};
use super::{Disk, u8_at, u16_at, u32_at};
use crate::FatType;

/// Least clusters of FAT32 by Microsoft's rule.
const LEAST_32: u64 = 65_525;
/// Highest count of clusters whose numbers are FAT32 entry values: 2 to 0FFFFFF6h.
const MOST_32: u64 = 0x0FFF_FFF5;
/// Least clusters of FAT16 by Microsoft's rule.
const LEAST_16: u64 = 4_085;
/// Least clusters that all take for FAT16: the driver of Windows NT reads two counts more as FAT12.
const SURE_16: u64 = 4_087;
/// Bytes of a slot.
const SLOT: u64 = 32;

/// What the boot sector of a volume says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// Width of the FAT entries.
    pub fat_type: FatType,
    /// Bytes per sector.
    pub sector_size: u32,
    /// Bytes per cluster.
    pub cluster_size: u32,
    /// Sectors before the first FAT.
    pub reserved_sectors: u32,
    /// Copies of the FAT.
    pub fats: u32,
    /// Sectors of one FAT.
    pub fat_sectors: u32,
    /// Sectors of the volume.
    pub total_sectors: u32,
    /// Sectors before the volume on its disk.
    pub hidden_sectors: u32,
    /// Clusters that the sectors make.
    pub cluster_count: u32,
    /// Number of the first cluster of the root directory; 0 on FAT16.
    pub root_cluster: u32,
    /// Slots of the root directory of FAT16; 0 on FAT32.
    pub root_entries: u32,
    /// Shown as `HHHH-LLLL`.
    pub volume_id: u32,
    /// The label in the boot sector, without the spaces behind it.
    pub boot_label: String,
    /// The FAT that counts, from 0: another than the first only where the others are not kept equal.
    pub(super) active_fat: u32,
    /// False where the FATs are not kept equal.
    pub(super) mirrored: bool,
    /// The media byte, which the first FAT entry repeats.
    pub(super) media: u8,
    /// Clusters that have both a FAT entry and bytes.
    pub(super) reachable: u32,
}

/// Why bytes cannot be read as a FAT16 or FAT32 volume at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The boot sector cannot be read.
    #[error("the boot sector cannot be read")]
    Read(#[from] io::Error),
    /// A field without which nothing can be found.
    #[error("not a FAT16 or FAT32 volume: {field} is {found}, must be {allowed}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The values that are allowed.
        allowed: &'static str,
    },
    /// So few clusters that the FAT has entries of 12 bits, as on floppies.
    #[error(
        "a FAT12 volume of {clusters} clusters; only FAT16 (from {limit} on) and FAT32 are read"
    )]
    Fat12 {
        /// Clusters of the volume.
        clusters: u64,
        /// Least clusters of FAT16.
        limit: u64,
    },
}

impl Facts {
    /// Byte of a FAT, counted from 0.
    pub(super) fn table_start(&self, index: u32) -> u64 {
        u64::from(self.reserved_sectors) * u64::from(self.sector_size)
            + u64::from(index) * self.table_len()
    }

    /// Bytes of one FAT.
    pub(super) fn table_len(&self) -> u64 {
        u64::from(self.fat_sectors) * u64::from(self.sector_size)
    }

    /// Byte of the label in the boot sector.
    pub(super) fn label_position(&self) -> u64 {
        match self.fat_type {
            FatType::Fat16 => 0x2B,
            FatType::Fat32 => 0x47,
        }
    }

    /// Bytes of a FAT entry.
    pub(super) fn entry_len(&self) -> u32 {
        match self.fat_type {
            FatType::Fat16 => 2,
            FatType::Fat32 => 4,
        }
    }

    /// The bits of a FAT entry that count.
    pub(super) fn entry_mask(&self) -> u32 {
        match self.fat_type {
            FatType::Fat16 => 0xFFFF,
            FatType::Fat32 => 0x0FFF_FFFF,
        }
    }

    /// The two highest bits of an entry; set in the second entry of a volume that was closed
    /// properly, and met no errors.
    pub(super) fn clean_bits(&self) -> u32 {
        match self.fat_type {
            FatType::Fat16 => 0xC000,
            FatType::Fat32 => 0x0C00_0000,
        }
    }

    /// Byte of the entry of a cluster in the FAT that counts.
    pub(super) fn entry_position(&self, cluster: u32) -> u64 {
        self.table_start(self.active_fat) + u64::from(cluster) * u64::from(self.entry_len())
    }

    /// Byte of the root directory of FAT16.
    pub(super) fn root_start(&self) -> u64 {
        self.table_start(self.fats)
    }

    fn data_start(&self) -> u64 {
        let sector_size = u64::from(self.sector_size);
        self.root_start() + (u64::from(self.root_entries) * SLOT).next_multiple_of(sector_size)
    }

    /// The number of the last cluster that can be used.
    pub(super) fn last(&self) -> u32 {
        self.reachable + 1
    }

    /// Byte of a cluster; `None` when there is no such cluster.
    pub(super) fn cluster_start(&self, cluster: u32) -> Option<u64> {
        let index = cluster.checked_sub(2).filter(|index| *index < self.reachable)?;
        Some(self.data_start() + u64::from(index) * u64::from(self.cluster_size))
    }

    fn volume_len(&self) -> u64 {
        u64::from(self.total_sectors) * u64::from(self.sector_size)
    }
}

pub(super) fn read<R: Read + Seek>(disk: &mut Disk<R>) -> Result<Facts, OpenError> {
    let mut boot = [0; 512];
    disk.read_at(0, &mut boot)?;
    let require = |good: bool, field, found: u64, allowed| match good {
        true => Ok(()),
        false => Err(OpenError::Field { field, found, allowed }),
    };
    let sector_size = u32::from(u16_at(&boot, 0x0B));
    let powers = "512, 1024, 2048 or 4096";
    let good = sector_size.is_power_of_two() && (512..=4096).contains(&sector_size);
    require(good, "bytes per sector", sector_size.into(), powers)?;
    let per_cluster = u32::from(u8_at(&boot, 0x0D));
    require(per_cluster.is_power_of_two(), "sectors per cluster", per_cluster.into(), "1 to 128")?;
    let reserved_sectors = u32::from(u16_at(&boot, 0x0E));
    require(reserved_sectors > 0, "reserved sectors", 0, "1 or more")?;
    let fats = u32::from(u8_at(&boot, 0x10));
    require(fats > 0, "number of FATs", 0, "1 or more")?;
    let layout = layout(&boot);
    let (fat_sectors, total_sectors) = (layout.fat_sectors, layout.total_sectors);
    require(fat_sectors > 0, "sectors per FAT", 0, "1 or more")?;
    let root_len = u64::from(layout.root_entries) * SLOT;
    let data = u64::from(reserved_sectors)
        + u64::from(fat_sectors) * u64::from(fats)
        + root_len.div_ceil(u64::from(sector_size));
    let total = u64::from(total_sectors);
    let clusters = total.saturating_sub(data) / u64::from(per_cluster);
    let before = "more than reserved sectors, FATs and root directory";
    require(clusters > 0, "total sectors", total, before)?;
    if layout.fat_type == FatType::Fat16 {
        // By Microsoft's rule the number of clusters tells the type; here it says FAT32 or FAT12.
        let short = fat_sectors.into();
        require(clusters < LEAST_32, "16-bit sectors per FAT", short, "0 with so many clusters")?;
        if clusters < LEAST_16 {
            return Err(OpenError::Fat12 { clusters, limit: LEAST_16 });
        }
        require(layout.root_entries > 0, "root entries", 0, "1 or more")?;
    }

    let identity = |at: usize| at + layout.identity;
    let mut facts = Facts {
        fat_type: layout.fat_type,
        sector_size,
        // At most 128 sectors of 4096 bytes.
        cluster_size: sector_size * per_cluster,
        reserved_sectors,
        fats,
        fat_sectors,
        total_sectors,
        hidden_sectors: u32_at(&boot, 0x1C),
        cluster_count: u32::try_from(clusters).unwrap_or(u32::MAX),
        root_cluster: layout.root_cluster,
        root_entries: layout.root_entries,
        volume_id: u32_at(&boot, identity(0x03)),
        boot_label: text(boot.get(identity(0x07)..identity(0x12)).unwrap_or_default()),
        // A number past the last FAT is reported with the flags.
        active_fat: if layout.active_fat < fats { layout.active_fat } else { 0 },
        mirrored: layout.mirrored,
        media: u8_at(&boot, 0x15),
        reachable: 0,
    };
    let entries = (facts.table_len() / u64::from(facts.entry_len())).saturating_sub(2);
    let table_there = facts.table_start(facts.active_fat) + facts.table_len() <= disk.len;
    let there = disk.len.saturating_sub(facts.data_start()) / u64::from(facts.cluster_size);
    let reachable = clusters.min(MOST_32).min(entries).min(there);
    require(table_there, "sectors per FAT", fat_sectors.into(), "inside the volume")?;
    facts.reachable = u32::try_from(reachable).unwrap_or(0);
    Ok(facts)
}

/// The fields that FAT16 and FAT32 have at different places.
struct Layout {
    fat_type: FatType,
    fat_sectors: u32,
    total_sectors: u32,
    root_entries: u32,
    root_cluster: u32,
    active_fat: u32,
    mirrored: bool,
    /// Where drive number, state, signature, volume id and label begin.
    identity: usize,
}

/// Which places these are, every reader tells by the 16-bit sectors per FAT, which are 0 on FAT32
/// only.
fn layout(boot: &[u8]) -> Layout {
    let fat_sectors_16 = u32::from(u16_at(boot, 0x16));
    let total_32 = u32_at(boot, 0x20);
    if fat_sectors_16 == 0 {
        let flags = u32::from(u16_at(boot, 0x28));
        let mirrored = flags & 0x80 == 0;
        return Layout {
            fat_type: FatType::Fat32,
            fat_sectors: u32_at(boot, 0x24),
            total_sectors: total_32,
            root_entries: 0,
            root_cluster: u32_at(boot, 0x2C),
            active_fat: if mirrored { 0 } else { flags & 0x0F },
            mirrored,
            identity: 0x40,
        };
    }
    let total_16 = u32::from(u16_at(boot, 0x13));
    Layout {
        fat_type: FatType::Fat16,
        fat_sectors: fat_sectors_16,
        total_sectors: if total_16 == 0 { total_32 } else { total_16 },
        root_entries: u16_at(boot, 0x11).into(),
        root_cluster: 0,
        active_fat: 0,
        mirrored: true,
        identity: 0x24,
    }
}

/// True for the eleven bytes of a label that Windows would take: no lower case and no character that
/// labels cannot have. Bytes outside ASCII belong to a code page that is not known.
pub(super) fn is_label(bytes: &[u8; 11]) -> bool {
    let refused = |byte: &u8| {
        *byte < b' ' || byte.is_ascii_lowercase() || b"\"*+,./:;<=>?[\\]|\x7f".contains(byte)
    };
    bytes.first() != Some(&b' ') && !bytes.iter().any(refused)
}

/// Bytes of an OEM code page that is not known: those outside ASCII become U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .map(|byte| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER })
        .collect();
    text.trim_end_matches(' ').to_owned()
}

/// Fields of the boot sector that hold one of a few values: place, bytes, name, values, and those
/// values in words.
type Rule = (usize, usize, &'static str, &'static [u64], &'static str);
const RULES: [Rule; 3] = [
    (0x10, 1, "number of FATs", &[1, 2], "1 or 2"),
    (
        0x15,
        1,
        "media",
        &[0xF0, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF],
        "F0h or F8h to FFh",
    ),
    (0x1FE, 2, "signature", &[0xAA55], "AA55h"),
];
const STATE: &str = "state";
const JUMP_END: &str = "third byte of the jump";
const SECTORS_PER_TRACK: &str = "sectors per track";
const HEADS: &str = "heads";
const DRIVE: &str = "drive number";
const TYPE_NAME: &str = "name of the FAT type";
/// Fields that no reader of files depends on.
pub(super) const HARMLESS: [&str; 5] = [JUMP_END, SECTORS_PER_TRACK, HEADS, DRIVE, TYPE_NAME];
/// Those of FAT16 only.
const RULES_16: [Rule; 2] =
    [(0x25, 1, STATE, &[0], "0"), (0x26, 1, "extension signature", &[0x28, 0x29], "28h or 29h")];
/// Those of FAT32 only.
const RULES_32: [Rule; 9] = [
    (0x11, 2, "root entries", &[0], "0"),
    (0x13, 2, "16-bit total sectors", &[0], "0"),
    (0x28, 2, "extension flags", &[0], "0"),
    (0x2A, 2, "version", &[0], "0"),
    (0x34, 4, "reserved bytes", &[0], "0"),
    (0x38, 4, "reserved bytes", &[0], "0"),
    (0x3C, 4, "reserved bytes", &[0], "0"),
    (0x41, 1, STATE, &[0], "0"),
    (0x42, 1, "extension signature", &[0x28, 0x29], "28h or 29h"),
];

/// Checks the boot sector, its backup and the signatures of FSInfo.
pub(super) fn check<R: Read + Seek>(
    disk: &mut Disk<R>,
    facts: &Facts,
    faults: &mut Faults,
) -> io::Result<()> {
    let sector_size = u64::from(facts.sector_size);
    let mut boot = vec![0; usize::try_from(facts.sector_size).unwrap_or(512)];
    // A volume of the largest sectors may be cut off inside its first.
    let there = usize::try_from(disk.len).unwrap_or(usize::MAX).min(boot.len());
    boot.truncate(there);
    disk.read_at(0, &mut boot)?;
    let rules_of_type = match facts.fat_type {
        FatType::Fat16 => RULES_16.as_slice(),
        FatType::Fat32 => &RULES_32,
    };
    for &(at, len, field, allowed, words) in RULES.iter().chain(rules_of_type) {
        let found = match len {
            1 => u64::from(u8_at(&boot, at)),
            2 => u64::from(u16_at(&boot, at)),
            _ => u64::from(u32_at(&boot, at)),
        };
        if allowed.contains(&found) {
            continue;
        }
        let position = u64::try_from(at).unwrap_or(0);
        faults.add(
            position,
            match field {
                STATE => FaultKind::Dirty { found: u8_at(&boot, at).into() },
                _ => FaultKind::BootField { field, found, allowed: words },
            },
        );
    }
    check_words(facts, &boot, faults);
    let cluster = facts.cluster_size;
    if cluster > 0x1_0000 {
        let (field, found, allowed) = ("cluster size", cluster.into(), "at most 10000h bytes");
        faults.add(0x0D, FaultKind::BootField { field, found, allowed });
    }
    let clusters = u64::from(facts.cluster_count);
    let (least, most) = match facts.fat_type {
        FatType::Fat16 => (SURE_16, LEAST_32 - 1),
        FatType::Fat32 => (LEAST_32, MOST_32),
    };
    let total_at = match facts.fat_type {
        FatType::Fat16 if u16_at(&boot, 0x13) != 0 => 0x13,
        _ => 0x20,
    };
    if !(least..=most).contains(&clusters) {
        faults.add(total_at, FaultKind::ClusterCount { found: clusters, least, most });
    }
    let needed = ((clusters + 2) * u64::from(facts.entry_len())).div_ceil(sector_size);
    let found = u64::from(facts.fat_sectors);
    if found < needed {
        let position = if facts.fat_type == FatType::Fat16 { 0x16 } else { 0x24 };
        faults.add(position, FaultKind::FatLength { found, needed });
    }
    let start = disk.start / sector_size;
    if start > 0 && u64::from(facts.hidden_sectors) != start {
        faults.add(0x1C, FaultKind::HiddenSectors { found: facts.hidden_sectors, start });
    }
    if facts.volume_len() > disk.len {
        let (claimed, there) = (facts.volume_len(), disk.len);
        faults.add(total_at, FaultKind::Truncated { claimed, there });
    }
    match facts.fat_type {
        FatType::Fat16 => {
            check_lengths_16(facts, &boot, faults);
            Ok(())
        }
        FatType::Fat32 => check_copies(disk, facts, &boot, faults),
    }
}

/// The jump, and what nobody reads a file by: the shape of a drive for old code, the BIOS drive
/// number, and the name of the FAT type, which some boot loaders ask for.
fn check_words(facts: &Facts, boot: &[u8], faults: &mut Faults) {
    let mut field = |at: u64, field, found: u64, allowed| {
        faults.add(at, FaultKind::BootField { field, found, allowed });
    };
    match (u8_at(boot, 0), u8_at(boot, 2)) {
        (0xE9, _) | (0xEB, 0x90) => {}
        // The drivers of Windows and of firmware look at the first byte only.
        (0xEB, found) => field(0x02, JUMP_END, found.into(), "90h behind EBh"),
        (found, _) => field(0x00, "jump", found.into(), "E9h or EBh"),
    }
    let sectors = u16_at(boot, 0x18);
    if !(1..=63).contains(&sectors) {
        field(0x18, SECTORS_PER_TRACK, sectors.into(), "1 to 63");
    }
    let heads = u16_at(boot, 0x1A);
    if !(1..=255).contains(&heads) {
        field(0x1A, HEADS, heads.into(), "1 to 255");
    }
    let (at, names): (_, &[&[u8]]) = match facts.fat_type {
        FatType::Fat16 => (0x24, &[b"FAT16   ", b"FAT     "]),
        FatType::Fat32 => (0x40, &[b"FAT32   "]),
    };
    let drive = u8_at(boot, at);
    let position = u64::try_from(at).unwrap_or(0);
    if (1..0x80).contains(&drive) {
        field(position, DRIVE, drive.into(), "0, or 80h and more");
    }
    // The name is there only with the longer of the two forms of this record.
    let name = boot.get(at.saturating_add(0x12)..at.saturating_add(0x1A)).unwrap_or_default();
    if u8_at(boot, at.saturating_add(2)) == 0x29 && !names.contains(&name) {
        let found = name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        field(position.saturating_add(0x12), TYPE_NAME, found, "that of the FAT type");
    }
}

/// The root directory of FAT16, and the two fields for the sectors of the volume.
fn check_lengths_16(facts: &Facts, boot: &[u8], faults: &mut Faults) {
    let (short, long) = (u32::from(u16_at(boot, 0x13)), u32_at(boot, 0x20));
    if short != 0 && long != 0 && short != long {
        let (field, allowed) = ("32-bit total sectors", "0, or what the 16-bit field says");
        faults.add(0x20, FaultKind::BootField { field, found: long.into(), allowed });
    }
    let root_len = u64::from(facts.root_entries) * SLOT;
    if !root_len.is_multiple_of(u64::from(facts.sector_size)) {
        // Linux refuses such a volume.
        let (found, allowed) = (facts.root_entries.into(), "so many that they fill whole sectors");
        faults.add(0x11, FaultKind::BootField { field: "root entries", found, allowed });
    }
}

/// The backup of the boot sector, and FSInfo twice.
fn check_copies<R: Read + Seek>(
    disk: &mut Disk<R>,
    facts: &Facts,
    boot: &[u8],
    faults: &mut Faults,
) -> io::Result<()> {
    let sector_size = u64::from(facts.sector_size);
    let reserved = u64::from(facts.reserved_sectors);
    // 0 and FFFF mean "none".
    let sector = |at| match u64::from(u16_at(boot, at)) {
        0 | 0xFFFF => None,
        sector => Some(sector),
    };
    let mut check_place = |at: u64, sector: Option<u64>, field| match sector {
        Some(found) if found >= reserved => {
            let allowed = "inside the reserved sectors";
            faults.add(at, FaultKind::BootField { field, found, allowed });
            None
        }
        sector => sector,
    };
    let info = check_place(0x30, sector(0x30), "FSInfo sector");
    let backup = check_place(0x32, sector(0x32), "backup sector");
    let mut bytes = [0; 512];
    if let Some(backup) = backup {
        let position = backup * sector_size;
        disk.read_at(position, &mut bytes)?;
        // The state changes whenever the volume is mounted, and only in the first.
        let pairs = (0u64..).zip(bytes.iter().zip(boot));
        let mut differ = pairs.filter(|(at, (a, b))| a != b && *at != 0x41).map(|(at, _)| at);
        let label = facts.label_position();
        let label = label..label + 11;
        let first = differ.next();
        if let Some(at) = first.filter(|at| label.contains(at)) {
            faults.add_half_written(position + at, FaultKind::BackupDiffers, Severity::Untidy);
        }
        // What lies behind the label is no matter of the label.
        let mut others = first.into_iter().chain(differ).filter(|at| !label.contains(at));
        if let Some(at) = others.next() {
            faults.add(position + at, FaultKind::BackupDiffers);
        }
    }
    let copy = backup.zip(info).map(|(backup, info)| backup + info).filter(|at| *at < reserved);
    for sector in info.into_iter().chain(copy) {
        let position = sector * sector_size;
        disk.read_at(position, &mut bytes)?;
        // Only some formatters write the copy; mtools leaves it empty.
        if Some(sector) == copy && bytes.iter().all(|byte| *byte == 0) {
            continue;
        }
        for (at, expected) in [(0, 0x4161_5252), (0x1E4, 0x6141_7272), (0x1FC, 0xAA55_0000)] {
            let found = u32_at(&bytes, at);
            if found != expected {
                let at = u64::try_from(at).unwrap_or(0);
                faults.add(position + at, FaultKind::FsInfoSignature { found, expected });
            }
        }
        let reserved = (4usize..0x1E4).chain(0x1F0..0x1FC);
        let found = reserved.map(|at| (at, u8_at(&bytes, at))).find(|(_, byte)| *byte != 0);
        if let Some((at, found)) = found {
            let at = u64::try_from(at).unwrap_or(0);
            faults.add(position + at, FaultKind::FsInfoReserved { found });
        }
    }
    Ok(())
}

/// The byte at which FSInfo begins; `None` where there is none, as on FAT16, or not where it may be.
pub(super) fn fs_info<R: Read + Seek>(
    disk: &mut Disk<R>,
    facts: &Facts,
) -> io::Result<Option<u64>> {
    if facts.fat_type == FatType::Fat16 {
        return Ok(None);
    }
    let mut field = [0; 2];
    disk.read_at(0x30, &mut field)?;
    let sector = u32::from(u16::from_le_bytes(field));
    let there = sector != 0 && sector < facts.reserved_sectors;
    Ok(there.then_some(u64::from(sector) * u64::from(facts.sector_size)))
}
