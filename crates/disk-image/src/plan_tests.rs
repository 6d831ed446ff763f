use std::num::NonZeroU32;

use super::*;
use crate::options::DEFAULT_START;
use crate::{Gpt, GptType, Guid};

fn volume(len: u64) -> Plan {
    let mut plan = PlanBuilder::new();
    plan.bytes("boot sector", vec![0xEB; 512]).unwrap();
    plan.free_to("room", len).unwrap();
    plan.finish()
}

/// With a boot sector that says where it lies.
fn fat_volume(len: u64, sector: u16, hidden: u32) -> Plan {
    let mut boot = vec![0; 512];
    boot[0] = 0xEB;
    boot[0x0B..0x0D].copy_from_slice(&sector.to_le_bytes());
    boot[0x1C..0x20].copy_from_slice(&hidden.to_le_bytes());
    boot[0x52..0x57].copy_from_slice(b"FAT32");
    let mut plan = PlanBuilder::new();
    plan.bytes("boot sector", boot).unwrap();
    plan.free_to("room", len).unwrap();
    plan.finish()
}

fn mbr() -> Mbr {
    Mbr::new(NonZeroU32::new(7).unwrap())
}

fn gpt() -> Gpt {
    Gpt::new(Guid::from_digest([1; 16]), Guid::from_digest([2; 16])).with_name("Media")
}

fn options() -> DiskOptions {
    DiskOptions::new(Table::Mbr(mbr()))
}

fn every_table() -> [DiskOptions; 3] {
    [Table::Mbr(mbr()), Table::Gpt(gpt()), Table::None].map(DiskOptions::new)
}

fn rows(plan: &Plan) -> Vec<(u64, u64, &'static str)> {
    plan.extents().iter().map(|e| (e.start(), e.end(), e.role())).collect()
}

#[test]
fn a_volume_planned_for_another_place_is_refused() {
    let volume = fat_volume(4 * MIB, 512, 2048);
    assert!(disk(&volume, &options()).is_ok());
    let wrong = disk(&volume, &options().with_start(4 * MIB)).unwrap_err();
    assert_eq!(wrong, PlanError::HiddenSectors { found: 2048, start: 8192 });
    let wrong = disk(&volume, &DiskOptions::new(Table::None)).unwrap_err();
    assert_eq!(wrong, PlanError::HiddenSectors { found: 2048, start: 0 });

    let large = options().with_sector_size(SectorSize::B4096);
    assert_eq!(large.hidden_sectors(), 256);
    assert!(disk(&fat_volume(4 * MIB, 4096, 256), &large).is_ok());
    let wrong = disk(&fat_volume(4 * MIB, 512, 256), &large).unwrap_err();
    assert_eq!(wrong, PlanError::VolumeSectors { found: 512, disk: 4096 });
}

#[test]
fn no_old_table_survives_at_the_end_of_the_disk() {
    // The volume fills the disk, and is free where the backup of a GPT may stand.
    let full = disk(&volume(7 * MIB), &options().with_disk_len(8 * MIB)).unwrap();
    let last = full.extents().last().unwrap();
    assert_eq!((last.start(), last.content().to_string()), (7 * MIB, "(zero)".to_owned()));
    let uneven = disk(&volume(MIB), &options().with_disk_len(3 * MIB + 1));
    assert_eq!(uneven.unwrap_err(), PlanError::DiskLength { len: 3 * MIB + 1, sector: 512 });
}

/// One plan goes onto several drives: only their ends may differ.
#[test]
fn disks_of_other_lengths_differ_only_around_the_volume() {
    for options in every_table() {
        let smallest = 9 * MIB + 512;
        let room = options.volume_room(smallest);
        let volume = volume(room.end - room.start);
        let inside = |len| {
            let disk = disk(&volume, &options.clone().with_disk_len(len)).unwrap();
            assert_eq!(disk.len(), len);
            let extents = disk.extents().iter();
            let extents = extents.filter(|e| room.start <= e.start() && e.end() <= room.end);
            extents.cloned().collect::<Vec<_>>()
        };
        let first = inside(smallest);
        assert_eq!(first.iter().map(|extent| extent.len()).sum::<u64>(), volume.len());
        for len in [9 * MIB + 1024, 10 * MIB, 11 * MIB + 512, 64 << 30] {
            assert!(inside(len) == first, "{:?} {len}", options.table);
        }
    }
}

#[test]
fn the_usual_disk() {
    let disk = disk(&volume(3 * MIB - 512), &options()).unwrap();
    assert_eq!(
        rows(&disk),
        [
            (0, 512, "master boot record"),
            (512, MIB, "gap before the partition"),
            (MIB, MIB + 512, "boot sector"),
            (MIB + 512, 3 * MIB - 512, "room"),
            (3 * MIB - 512, 4 * MIB - 512, "room"),
            (4 * MIB - 512, 4 * MIB, "end of the disk"),
        ]
    );
    let Content::Bytes(sector) = disk.extents()[0].content() else { panic!("no bytes") };
    assert_eq!(sector[..440], boot_code::MBR[..]);
    assert!(matches!(disk.extents()[1].content(), Content::Zero));
}

#[test]
fn a_disk_with_a_gpt() {
    for (size, head) in [(SectorSize::B512, 34 * 512), (SectorSize::B4096, 6 * 4096)] {
        let b = size.bytes();
        let options = DiskOptions::new(Table::Gpt(gpt().with_type(GptType::EfiSystem)));
        let options = options.with_sector_size(size);
        let planned = disk(&volume(2 * MIB), &options).unwrap();
        let tail = 4 * MIB - (head - b);
        let mut expected = vec![(0, 512, "protective master boot record")];
        if size == SectorSize::B4096 {
            expected.push((512, b, "rest of sector 0"));
        }
        expected.extend([
            (b, head, "GPT"),
            (head, MIB, "gap before the partition"),
            (MIB, MIB + 512, "boot sector"),
            (MIB + 512, 2 * MIB, "room"),
            (2 * MIB, 3 * MIB, "room"),
            (3 * MIB, tail, "end of the disk"),
            (tail, 4 * MIB, "GPT backup"),
        ]);
        assert_eq!(rows(&planned), expected);
        assert_eq!(disk(&volume(2 * MIB), &options).unwrap(), planned, "nothing is drawn by lot");
        let exact = options.clone().with_disk_len(3 * MIB + head - b);
        assert!(disk(&volume(2 * MIB), &exact).is_ok());
        let short = options.clone().with_disk_len(3 * MIB + head - 2 * b);
        let needed = 3 * MIB + head - b;
        assert_eq!(
            disk(&volume(2 * MIB), &short).unwrap_err(),
            PlanError::DiskTooSmall { disk: needed - b, needed }
        );
        assert_eq!(
            disk(&volume(2 * MIB), &options.clone().with_start(head - b)).unwrap_err(),
            PlanError::Start { start: head - b, first: head, sector: b }
        );
        assert!(disk(&volume(2 * MIB), &options.with_start(head)).is_ok());
    }
    let long =
        |name: &str| disk(&volume(MIB), &DiskOptions::new(Table::Gpt(gpt().with_name(name))));
    assert!(long(&"x".repeat(36)).is_ok());
    for (name, units) in [("x".repeat(37), 37), ("\u{1F4BF}".repeat(19), 38), ("\0".into(), 1)] {
        assert_eq!(long(&name).unwrap_err(), PlanError::PartitionName { name, units });
    }
}

#[test]
fn a_disk_without_a_table_is_the_volume() {
    let options = DiskOptions::new(Table::None);
    let planned = disk(&volume(2 * MIB), &options).unwrap();
    assert_eq!(
        rows(&planned),
        [(0, 512, "boot sector"), (512, MIB, "room"), (MIB, 2 * MIB, "room")]
    );
    let longer = disk(&volume(2 * MIB), &options.clone().with_disk_len(4 * MIB)).unwrap();
    assert_eq!(
        rows(&longer)[3..],
        [(2 * MIB, 3 * MIB, "unpartitioned"), (3 * MIB, 4 * MIB, "end of the disk")]
    );
    let moved = disk(&volume(MIB), &options.with_start(DEFAULT_START)).unwrap_err();
    assert_eq!(moved, PlanError::NoTable { start: MIB });
}

#[test]
fn room_for_a_volume() {
    let [mbr, gpt, none] = every_table();
    let large = gpt.clone().with_sector_size(SectorSize::B4096);
    for (len, of_mbr, of_gpt, of_none) in [
        (0, MIB, MIB, 0),
        (2 * MIB, 2 * MIB, MIB, 2 * MIB),
        (3 * MIB - 1, 2 * MIB, 2 * MIB, 2 * MIB),
        (2 * MIB + 33 * 512, 2 * MIB, 2 * MIB, 2 * MIB),
        (2 * MIB + 32 * 512, 2 * MIB, MIB, 2 * MIB),
        (3 << 40, (2 << 40) - MIB, (3 << 40) - MIB, 3 << 40),
    ] {
        assert_eq!(mbr.volume_room(len), MIB..of_mbr, "{len}");
        assert_eq!(gpt.volume_room(len), MIB..of_gpt, "{len}");
        assert_eq!(none.volume_room(len), 0..of_none, "{len}");
    }
    assert_eq!(large.volume_room(2 * MIB + 5 * 4096), MIB..2 * MIB);
    assert_eq!(large.volume_room(2 * MIB + 4 * 4096), MIB..MIB);
}

#[test]
fn a_volume_of_whole_mib_ends_the_disk() {
    let options = DiskOptions::new(Table::Mbr(mbr().with_boot_code(false)));
    let disk = disk(&volume(2 * MIB), &options).unwrap();
    assert_eq!(disk.len(), 3 * MIB);
    let Content::Bytes(sector) = disk.extents()[0].content() else { panic!("no bytes") };
    assert_eq!(sector[..440], [0; 440]);
}

#[test]
fn no_boot_code_in_large_sectors() {
    let options = options().with_sector_size(SectorSize::B4096);
    let disk = disk(&volume(2 * MIB), &options).unwrap();
    let Content::Bytes(sector) = disk.extents()[0].content() else { panic!("no bytes") };
    assert_eq!(sector[..440], [0; 440]);
    // 256 and 512 sectors of 4096 bytes.
    assert_eq!(sector[454..462], [0, 1, 0, 0, 0, 2, 0, 0]);
}

#[test]
fn a_longer_disk_ends_in_zeros() {
    let wanted = options().with_start(4 * MIB).with_disk_len(9 * MIB);
    let disk = disk(&volume(2 * MIB), &wanted).unwrap();
    assert_eq!(
        rows(&disk)[5..],
        [(6 * MIB, 8 * MIB, "unpartitioned"), (8 * MIB, 9 * MIB, "end of the disk")]
    );
    assert!(matches!(disk.extents()[5].content(), Content::Free));
    assert!(matches!(disk.extents()[6].content(), Content::Zero));
}

#[test]
fn what_a_table_cannot_hold_is_refused() {
    let limit = u64::from(u32::MAX) * 512;
    let planned = |len, options: DiskOptions| disk(&volume(len), &options).unwrap_err();
    assert_eq!(planned(513, options()), PlanError::VolumeLength { len: 513, sector: 512 });
    assert_eq!(
        disk(&Plan::default(), &options()).unwrap_err(),
        PlanError::VolumeLength { len: 0, sector: 512 }
    );
    for start in [0, 511, 513] {
        let refused = PlanError::Start { start, first: 512, sector: 512 };
        assert_eq!(planned(512, options().with_start(start)), refused);
    }
    for (len, start) in [(limit, 512), (limit - MIB + 512, MIB), (512, u64::MAX - 511)] {
        let error = planned(len, options().with_start(start));
        assert_eq!(error, PlanError::TooLarge { len, start, limit });
    }
    assert!(disk(&volume(limit - MIB), &options()).is_ok());
    assert!(disk(&volume(limit), &DiskOptions::new(Table::Gpt(gpt()))).is_ok());
    assert_eq!(
        planned(MIB, options().with_disk_len(2 * MIB - 1)),
        PlanError::DiskTooSmall { disk: 2 * MIB - 1, needed: 2 * MIB }
    );
}
