//! The boot sector: what must be right to find the parts of a volume, and what should be.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "products and sums of fields of 8, 16 and 32 bits in u64; divisors are checked to be \
              powers of two when the boot sector is read"
)]

use std::io::{self, Read, Seek};

use super::fault::{FaultKind, Faults};
use super::{Disk, u8_at, u16_at, u32_at};

/// Highest count of clusters whose numbers are entry values: 2 to 0FFFFFF6h.
const MOST_CLUSTERS: u64 = 0x0FFF_FFF5;

/// What the boot sector of a volume says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
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
    /// Number of the first cluster of the root directory.
    pub root_cluster: u32,
    /// Shown as `HHHH-LLLL`.
    pub volume_id: u32,
    /// The label in the boot sector, without the spaces behind it.
    pub boot_label: String,
    /// Clusters that have both a FAT entry and bytes.
    pub(super) reachable: u32,
}

/// Why bytes cannot be read as a FAT32 volume at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The boot sector cannot be read.
    #[error("the boot sector cannot be read")]
    Read(#[from] io::Error),
    /// A field without which nothing can be found.
    #[error("not a FAT32 volume: {field} is {found}, must be {allowed}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The values that are allowed.
        allowed: &'static str,
    },
}

impl Facts {
    /// Byte of the first FAT.
    pub(super) fn table_start(&self) -> u64 {
        u64::from(self.reserved_sectors) * u64::from(self.sector_size)
    }

    /// Bytes of one FAT.
    pub(super) fn table_len(&self) -> u64 {
        u64::from(self.fat_sectors) * u64::from(self.sector_size)
    }

    /// Byte of the entry of a cluster in the first FAT.
    pub(super) fn entry_position(&self, cluster: u32) -> u64 {
        self.table_start() + u64::from(cluster) * 4
    }

    fn data_start(&self) -> u64 {
        self.table_start() + self.table_len() * u64::from(self.fats)
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
    let short_fat = u64::from(u16_at(&boot, 0x16));
    require(short_fat == 0, "16-bit sectors per FAT", short_fat, "0")?;
    let fat_sectors = u32_at(&boot, 0x24);
    require(fat_sectors > 0, "sectors per FAT", 0, "1 or more")?;
    let total_sectors = u32_at(&boot, 0x20);
    let data = u64::from(reserved_sectors) + u64::from(fat_sectors) * u64::from(fats);
    let total = u64::from(total_sectors);
    let clusters = total.saturating_sub(data) / u64::from(per_cluster);
    require(clusters > 0, "total sectors", total, "more than reserved sectors and FATs")?;

    let mut facts = Facts {
        sector_size,
        // At most 128 sectors of 4096 bytes.
        cluster_size: sector_size * per_cluster,
        reserved_sectors,
        fats,
        fat_sectors,
        total_sectors,
        hidden_sectors: u32_at(&boot, 0x1C),
        cluster_count: u32::try_from(clusters).unwrap_or(u32::MAX),
        root_cluster: u32_at(&boot, 0x2C),
        volume_id: u32_at(&boot, 0x43),
        boot_label: text(boot.get(0x47..0x52).unwrap_or_default()),
        reachable: 0,
    };
    let entries = (facts.table_len() / 4).saturating_sub(2);
    let table_there = facts.table_start() + facts.table_len() <= disk.len;
    let there = disk.len.saturating_sub(facts.data_start()) / u64::from(facts.cluster_size);
    let reachable = clusters.min(MOST_CLUSTERS).min(entries).min(there);
    require(table_there, "sectors per FAT", fat_sectors.into(), "inside the volume")?;
    facts.reachable = u32::try_from(reachable).unwrap_or(0);
    Ok(facts)
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
const RULES: [Rule; 13] = [
    (0x00, 1, "jump", &[0xE9, 0xEB], "E9h or EBh"),
    (0x10, 1, "number of FATs", &[1, 2], "1 or 2"),
    (0x11, 2, "root entries", &[0], "0"),
    (0x13, 2, "16-bit total sectors", &[0], "0"),
    (
        0x15,
        1,
        "media",
        &[0xF0, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF],
        "F0h or F8h to FFh",
    ),
    (0x28, 2, "extension flags", &[0], "0"),
    (0x2A, 2, "version", &[0], "0"),
    (0x34, 4, "reserved bytes", &[0], "0"),
    (0x38, 4, "reserved bytes", &[0], "0"),
    (0x3C, 4, "reserved bytes", &[0], "0"),
    (0x42, 1, "extension signature", &[0x28, 0x29], "28h or 29h"),
    (0x41, 1, "state", &[0], "0"),
    (0x1FE, 2, "signature", &[0xAA55], "AA55h"),
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
    for (at, len, field, allowed, words) in RULES {
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
            match at {
                0x41 => FaultKind::Dirty { found: u32_at(&boot, at) & 0xFF },
                _ => FaultKind::BootField { field, found, allowed: words },
            },
        );
    }
    let cluster = facts.cluster_size;
    if cluster > 0x1_0000 {
        let (field, found, allowed) = ("cluster size", cluster.into(), "at most 10000h bytes");
        faults.add(0x0D, FaultKind::BootField { field, found, allowed });
    }
    let clusters = u64::from(facts.cluster_count);
    let (least, most) = (65_525, MOST_CLUSTERS);
    if !(least..=most).contains(&clusters) {
        faults.add(0x20, FaultKind::ClusterCount { found: clusters, least, most });
    }
    let needed = ((clusters + 2) * 4).div_ceil(sector_size);
    let found = u64::from(facts.fat_sectors);
    if found < needed {
        faults.add(0x24, FaultKind::FatLength { found, needed });
    }
    let start = disk.start / sector_size;
    if start > 0 && u64::from(facts.hidden_sectors) != start {
        faults.add(0x1C, FaultKind::HiddenSectors { found: facts.hidden_sectors, start });
    }
    if facts.volume_len() > disk.len {
        let (claimed, there) = (facts.volume_len(), disk.len);
        faults.add(0x20, FaultKind::Truncated { claimed, there });
    }
    check_copies(disk, facts, &boot, faults)
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
        let pairs = (0u64..).zip(bytes.iter().zip(boot));
        if let Some((at, _)) = pairs.into_iter().find(|(_, (a, b))| a != b) {
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
    }
    Ok(())
}

/// The byte at which FSInfo begins; `None` where there is none, or not where it may be.
pub(super) fn fs_info<R: Read + Seek>(
    disk: &mut Disk<R>,
    facts: &Facts,
) -> io::Result<Option<u64>> {
    let mut field = [0; 2];
    disk.read_at(0x30, &mut field)?;
    let sector = u32::from(u16::from_le_bytes(field));
    let there = sector != 0 && sector < facts.reserved_sectors;
    Ok(there.then_some(u64::from(sector) * u64::from(facts.sector_size)))
}
