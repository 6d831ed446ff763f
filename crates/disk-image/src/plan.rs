//! A partitioned disk around a volume.

use std::num::NonZeroU32;

use extent_image::{Content, Plan, PlanBuilder};

use crate::{SECTOR, boot_code, mbr};

/// Where the volume begins unless said otherwise, in bytes: 1 MiB, so sector 2048. A FAT volume's
/// *hidden sectors* field must say the same.
pub const DEFAULT_START: u64 = MIB;

const MIB: u64 = 1 << 20;

/// How [`mbr_disk`] makes the disk.
#[derive(Debug, Clone)]
#[must_use]
pub struct MbrOptions {
    signature: NonZeroU32,
    start: u64,
    boot_code: bool,
    disk_len: Option<u64>,
}

impl MbrOptions {
    /// `signature` names the disk: boot configurations refer to it, so two disks in one machine
    /// must not share it.
    pub fn new(signature: NonZeroU32) -> Self {
        Self { signature, start: DEFAULT_START, boot_code: true, disk_len: None }
    }

    /// Where the volume begins, in bytes: a multiple of 512, not 0. [`DEFAULT_START`] unless said
    /// otherwise; 4 MiB suits some flash drives better.
    pub fn with_start(mut self, bytes: u64) -> Self {
        self.start = bytes;
        self
    }

    /// Whether sector 0 gets [boot code](boot_code::MBR) that starts the partition on a PC BIOS; on
    /// by default. UEFI firmware does not need it.
    pub fn with_boot_code(mut self, on: bool) -> Self {
        self.boot_code = on;
        self
    }

    /// Length of the whole disk in bytes. Unless said otherwise it ends at the next MiB after the
    /// volume.
    pub fn with_disk_len(mut self, bytes: u64) -> Self {
        self.disk_len = Some(bytes);
        self
    }
}

/// Why no disk could be planned around a volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The volume cannot be counted in sectors, or is empty.
    #[error(
        "a volume of {len} bytes cannot be a partition: it must be a multiple of 512 bytes, and not 0"
    )]
    VolumeLength {
        /// Length of the volume in bytes.
        len: u64,
    },
    /// The volume was to begin inside a sector or on sector 0.
    #[error(
        "a partition cannot begin at byte {start}: it must be a multiple of 512 bytes, and not 0"
    )]
    Start {
        /// Where the volume was to begin.
        start: u64,
    },
    /// The partition table counts sectors in 32 bits.
    #[error(
        "a volume of {len} bytes at byte {start} passes {limit} bytes, the largest disk a \
         partition table of this kind can describe; make the volume smaller"
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
        "the volume says that {found} sectors lie before it, the partition begins at sector {start}: \
         a PC BIOS would not boot it; plan it for its place"
    )]
    HiddenSectors {
        /// The *hidden sectors* field of the volume.
        found: u32,
        /// First sector of the partition.
        start: u32,
    },
    /// The disk is no whole number of sectors.
    #[error("a disk of {len} bytes is not a whole number of 512-byte sectors")]
    DiskLength {
        /// Length of the disk in bytes.
        len: u64,
    },
    /// The disk ends before the volume.
    #[error("the disk has {disk} bytes, {needed} are needed; use a larger one or a smaller volume")]
    DiskTooSmall {
        /// Length of the disk in bytes.
        disk: u64,
        /// End of the volume in bytes.
        needed: u64,
    },
    /// The extents do not make a plan.
    #[error("the disk cannot be laid out")]
    Layout(#[from] extent_image::PlanError),
}

/// Plans a disk with `volume` as its one partition: primary, active, of type 0C (FAT32, LBA).
///
/// The volume itself is taken as it is. A FAT32 volume must have been planned for the place it gets:
/// its *hidden sectors* field is the start of the partition in sectors, or a PC BIOS will not boot
/// it; another value is refused. A start that is no multiple of 4 KiB takes the volume's own
/// alignment away.
///
/// What lies between sector 0 and the volume, and what is free in the last MiB of the disk, is zero:
/// on a used drive the tables of an old GPT stand there.
///
/// # Errors
/// [`PlanError`]: lengths and places the partition table cannot hold.
pub fn mbr_disk(volume: &Plan, options: &MbrOptions) -> Result<Plan, PlanError> {
    let sector = master_boot_record(volume, options)?;
    let MbrOptions { start, disk_len, .. } = *options;
    let len = volume.len();
    let end = start.saturating_add(len);
    let disk = disk_len.unwrap_or(end.next_multiple_of(MIB));
    if disk < end {
        return Err(PlanError::DiskTooSmall { disk, needed: end });
    }
    if !disk.is_multiple_of(SECTOR) {
        return Err(PlanError::DiskLength { len: disk });
    }
    let mut plan = PlanBuilder::new();
    plan.bytes("master boot record", sector)?;
    plan.zero_to("gap before the partition", start)?;
    plan.plan(volume)?;
    plan.free_to("unpartitioned", end.max(disk.saturating_sub(MIB)))?;
    plan.zero_to("end of the disk", disk)?;
    Ok(plan.finish().with_zero_tail(MIB))
}

/// Sector 0 of the disk that [`mbr_disk`] would plan, for a disk whose other bytes someone else
/// lays out. The [length of the disk](MbrOptions::with_disk_len) is not looked at.
///
/// # Errors
/// [`PlanError`], as [`mbr_disk`].
pub fn master_boot_record(volume: &Plan, options: &MbrOptions) -> Result<Vec<u8>, PlanError> {
    let MbrOptions { signature, start, boot_code, .. } = *options;
    let len = volume.len();
    if len == 0 || !len.is_multiple_of(SECTOR) {
        return Err(PlanError::VolumeLength { len });
    }
    if start == 0 || !start.is_multiple_of(SECTOR) {
        return Err(PlanError::Start { start });
    }
    // Every sector of the disk must have a 32-bit number, so that no reader's sum of start and
    // length wraps.
    let limit = u64::from(u32::MAX) * SECTOR;
    let too_large = PlanError::TooLarge { len, start, limit };
    if start.checked_add(len).is_none_or(|end| end > limit) {
        return Err(too_large);
    }
    let (Ok(first), Ok(sectors)) = (u32::try_from(start / SECTOR), u32::try_from(len / SECTOR))
    else {
        return Err(too_large);
    };
    if let Some(found) = hidden_sectors(volume).filter(|found| *found != first) {
        return Err(PlanError::HiddenSectors { found, start: first });
    }

    let code = boot_code.then_some(boot_code::MBR);
    Ok(mbr::sector(code, signature, first, sectors))
}

/// What the boot sector of a FAT32 volume says of the sectors before it (Microsoft's FAT
/// specification, `BPB_HiddSec`); `None` for any other volume.
fn hidden_sectors(volume: &Plan) -> Option<u32> {
    let Content::Bytes(boot) = volume.extents().first()?.content() else { return None };
    let is_fat32 = matches!(boot.first(), Some(0xEB | 0xE9)) && boot.get(0x52..0x57)? == b"FAT32";
    let field = boot.get(0x1C..0x20)?.first_chunk()?;
    is_fat32.then(|| u32::from_le_bytes(*field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(len: u64) -> Plan {
        let mut plan = PlanBuilder::new();
        plan.bytes("boot sector", vec![0xEB; 512]).unwrap();
        plan.free_to("room", len).unwrap();
        plan.finish()
    }

    fn options() -> MbrOptions {
        MbrOptions::new(NonZeroU32::new(7).unwrap())
    }

    fn rows(plan: &Plan) -> Vec<(u64, u64, &'static str)> {
        plan.extents().iter().map(|e| (e.start(), e.end(), e.role())).collect()
    }

    #[test]
    fn a_volume_planned_for_another_place_is_refused() {
        let mut boot = vec![0; 512];
        boot[0] = 0xEB;
        boot[0x1C..0x20].copy_from_slice(&2048_u32.to_le_bytes());
        boot[0x52..0x57].copy_from_slice(b"FAT32");
        let mut plan = PlanBuilder::new();
        plan.bytes("boot sector", boot).unwrap();
        plan.free_to("room", 4 * MIB).unwrap();
        let volume = plan.finish();
        assert!(mbr_disk(&volume, &options()).is_ok());
        let wrong = mbr_disk(&volume, &options().with_start(4 * MIB)).unwrap_err();
        assert_eq!(wrong, PlanError::HiddenSectors { found: 2048, start: 8192 });
    }

    #[test]
    fn no_old_table_survives_at_the_end_of_the_disk() {
        // The volume fills the disk, and is free where the backup of a GPT may stand.
        let disk = mbr_disk(&volume(7 * MIB), &options().with_disk_len(8 * MIB)).unwrap();
        let last = disk.extents().last().unwrap();
        assert_eq!((last.start(), last.content().to_string()), (7 * MIB, "(zero)".to_owned()));
        let uneven = mbr_disk(&volume(MIB), &options().with_disk_len(3 * MIB + 1));
        assert_eq!(uneven.unwrap_err(), PlanError::DiskLength { len: 3 * MIB + 1 });
    }

    #[test]
    fn the_usual_disk() {
        let disk = mbr_disk(&volume(3 * MIB - 512), &options()).unwrap();
        assert_eq!(
            rows(&disk),
            [
                (0, 512, "master boot record"),
                (512, MIB, "gap before the partition"),
                (MIB, MIB + 512, "boot sector"),
                (MIB + 512, 4 * MIB - 512, "room"),
                (4 * MIB - 512, 4 * MIB, "end of the disk"),
            ]
        );
        let Content::Bytes(sector) = disk.extents()[0].content() else { panic!("no bytes") };
        assert_eq!(sector[..440], boot_code::MBR[..]);
        assert!(matches!(disk.extents()[1].content(), Content::Zero));
    }

    #[test]
    fn a_volume_of_whole_mib_ends_the_disk() {
        let disk = mbr_disk(&volume(2 * MIB), &options().with_boot_code(false)).unwrap();
        assert_eq!(disk.len(), 3 * MIB);
        let Content::Bytes(sector) = disk.extents()[0].content() else { panic!("no bytes") };
        assert_eq!(sector[..440], [0; 440]);
    }

    #[test]
    fn a_longer_disk_ends_in_zeros() {
        let wanted = options().with_start(4 * MIB).with_disk_len(9 * MIB);
        let disk = mbr_disk(&volume(2 * MIB), &wanted).unwrap();
        assert_eq!(
            rows(&disk)[4..],
            [(6 * MIB, 8 * MIB, "unpartitioned"), (8 * MIB, 9 * MIB, "end of the disk")]
        );
        assert!(matches!(disk.extents()[4].content(), Content::Free));
        assert!(matches!(disk.extents()[5].content(), Content::Zero));
    }

    #[test]
    fn what_a_table_cannot_hold_is_refused() {
        let limit = u64::from(u32::MAX) * 512;
        let planned = |len, options: MbrOptions| mbr_disk(&volume(len), &options).unwrap_err();
        assert_eq!(planned(513, options()), PlanError::VolumeLength { len: 513 });
        assert_eq!(
            mbr_disk(&Plan::default(), &options()).unwrap_err(),
            PlanError::VolumeLength { len: 0 }
        );
        for start in [0, 511, 513] {
            assert_eq!(planned(512, options().with_start(start)), PlanError::Start { start });
        }
        for (len, start) in [(limit, 512), (limit - MIB + 512, MIB), (512, u64::MAX - 511)] {
            let error = planned(len, options().with_start(start));
            assert_eq!(error, PlanError::TooLarge { len, start, limit });
        }
        assert!(mbr_disk(&volume(limit - MIB), &options()).is_ok());
        assert_eq!(
            planned(MIB, options().with_disk_len(2 * MIB - 1)),
            PlanError::DiskTooSmall { disk: 2 * MIB - 1, needed: 2 * MIB }
        );
    }
}
