//! Disks with a GPT: as planned, as read back, as others read them, and with every defect.

use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use disk_image::{
    Code, CopyFault, DiskOptions, Fault, Gpt, GptCopy, GptType, Guid, PartitionKind, ReadError,
    SectorSize, Table, TableKind, disk, read,
};
use extent_image::{Plan, PlanBuilder, StreamOptions};
use proptest::prelude::*;

use crate::table::succeed;

const MIB: u64 = 1 << 20;

fn volume(len: u64) -> Plan {
    let mut plan = PlanBuilder::new();
    plan.bytes("first sector", vec![0xA5; 512]).unwrap();
    plan.free_to("rest", len).unwrap();
    plan.finish()
}

fn table() -> Gpt {
    Gpt::new(Guid::from_digest([0x11; 16]), Guid::from_digest([0x22; 16])).with_name("Media é")
}

fn sector_size() -> impl Strategy<Value = SectorSize> {
    prop_oneof![Just(SectorSize::B512), Just(SectorSize::B4096)]
}

proptest! {
    /// Whatever the place and length, the disk reads back as it was asked for and is in order; the
    /// room that was told is enough.
    #[test]
    fn planned_and_read_back(
        size in sector_size(),
        efi: bool,
        name in "[^\0]{0,18}",
        guids: [[u8; 16]; 2],
        first in 34_u64..1 << 40,
        sectors in 1_u64..1 << 40,
        more in prop::option::of(0_u64..1 << 24),
    ) {
        let (start, len) = (first * size.bytes(), sectors * size.bytes());
        let [of_disk, of_partition] = guids.map(Guid::from_digest);
        prop_assume!(of_disk != of_partition);
        let kind = if efi { GptType::EfiSystem } else { GptType::BasicData };
        let table = Gpt::new(of_disk, of_partition).with_type(kind).with_name(name.clone());
        let mut options =
            DiskOptions::new(Table::Gpt(table)).with_sector_size(size).with_start(start);
        if let Some(more) = more {
            options = options.with_disk_len(start + len + 64 * 4096 + more * size.bytes());
        }
        let plan = disk(&volume(len), &options).unwrap();
        let room = options.volume_room(plan.len());
        prop_assert!(more.is_some() || (room.start == start && room.end <= plan.len()));
        let found = read(&mut plan.reader()).unwrap();
        prop_assert_eq!(found.faults(), &[]);
        prop_assert_eq!((found.table(), found.sector_size()), (TableKind::Gpt, size));
        prop_assert_eq!((found.guid(), found.code()), (Some(of_disk), Code::None));
        prop_assert_eq!((found.len(), found.active()), (plan.len(), None));
        let [partition] = found.partitions() else { panic!("{:?}", found.partitions()) };
        prop_assert_eq!((partition.first_sector(), partition.sectors()), (first, sectors));
        prop_assert_eq!((partition.number(), partition.guid()), (1, Some(of_partition)));
        prop_assert_eq!(partition.name(), name);
        let wanted = if efi { Guid::EFI_SYSTEM } else { Guid::BASIC_DATA };
        prop_assert_eq!(partition.kind(), PartitionKind::Gpt(wanted));
        prop_assert_eq!(found.volume(), Some(partition));
        let mut sector = [0; 512];
        partition.open(plan.reader()).read_exact(&mut sector).unwrap();
        prop_assert_eq!(sector, [0xA5; 512]);
    }

    /// Any damage gives a table or an error, and never the wrong place for a volume.
    #[test]
    fn no_damage_is_too_strange(
        size in sector_size(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        sealed: bool,
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = image(size);
        let used = [440..2 * 4096, bytes.len() - 5 * 4096..bytes.len()];
        let places: Vec<usize> = used.into_iter().flatten().collect();
        for (place, value) in changes {
            bytes[*place.get(&places)] = value;
        }
        if sealed {
            seal(&mut bytes, size);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(found) = read(&mut Cursor::new(bytes)) {
            prop_assert!(found.partitions().len() <= 8192);
        }
    }
}

/// A disk of 4 MiB, whose partition has the MiB from 1 MiB on.
fn image(size: SectorSize) -> Vec<u8> {
    let options = DiskOptions::new(Table::Gpt(table())).with_sector_size(size);
    let plan = disk(&volume(MIB), &options.with_disk_len(4 * MIB)).unwrap();
    let mut bytes = Vec::new();
    plan.reader().read_to_end(&mut bytes).unwrap();
    bytes
}

fn put(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..at + with.len()].copy_from_slice(with);
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Makes the checksums of both copies right, as far as they say where their entries are.
fn seal(bytes: &mut [u8], size: SectorSize) {
    let sector = size.bytes() as usize;
    for header in [sector, bytes.len() - sector] {
        let entries = u64_at(bytes, header + 72).saturating_mul(size.bytes());
        let len = u64::from(u32_at(bytes, header + 80)) * u64::from(u32_at(bytes, header + 84));
        let range = usize::try_from(entries).ok().zip(usize::try_from(len).ok());
        let range = range.and_then(|(from, len)| Some(from..from.checked_add(len)?));
        if let Some(entries) = range.and_then(|range| bytes.get(range)) {
            let crc = crc32fast::hash(entries);
            put(bytes, header + 88, &crc.to_le_bytes());
        }
        put(bytes, header + 16, &[0; 4]);
        let len = u32_at(bytes, header + 12) as usize;
        if let Some(whole) = header.checked_add(len).and_then(|end| bytes.get(header..end)) {
            let crc = crc32fast::hash(whole);
            put(bytes, header + 16, &crc.to_le_bytes());
        }
    }
}

const LBA: usize = 512;
const LAST: usize = 4 * MIB as usize - 512;
const ENTRIES: usize = 1024;
const BACKUP_ENTRIES: usize = LAST - 16_384;

fn faults(bytes: &[u8]) -> Vec<Fault> {
    read(&mut Cursor::new(bytes)).unwrap().faults().to_vec()
}

/// What is told of a disk of 512-byte sectors after `damage` that all checksums agree to.
fn after(damage: impl Fn(&mut Vec<u8>)) -> Vec<Fault> {
    let mut bytes = image(SectorSize::B512);
    damage(&mut bytes);
    seal(&mut bytes, SectorSize::B512);
    faults(&bytes)
}

#[test]
fn a_copy_that_is_lost_is_told_and_the_other_used() {
    let lost = |at: usize, with: &[u8], sealed: bool| {
        let mut bytes = image(SectorSize::B512);
        put(&mut bytes, at, with);
        if sealed {
            seal(&mut bytes, SectorSize::B512);
        }
        let found = read(&mut Cursor::new(&bytes)).unwrap();
        assert_eq!(found.partitions()[0].range(), MIB..2 * MIB);
        let [Fault::Copy { copy, fault }] = found.faults() else { panic!("{:?}", found.faults()) };
        (*copy, fault.clone())
    };
    let (at, limit) = (512, MIB);
    let primary = |fault| (GptCopy::Primary, fault);
    assert_eq!(lost(LBA, b"e", false), primary(CopyFault::Signature { at }));
    assert_eq!(lost(LBA + 8, &[1], true), primary(CopyFault::Revision { at, found: 0x0001_0001 }));
    for (size, found) in [(91_u32, 91), (513, 513), (u32::MAX, u32::MAX)] {
        let fault = CopyFault::HeaderSize { at, found, limit: 512 };
        assert_eq!(lost(LBA + 12, &size.to_le_bytes(), true), primary(fault));
    }
    let (_, CopyFault::HeaderCrc { at: 512, found, computed }) = lost(LBA + 60, &[0], false) else {
        panic!("not the checksum");
    };
    assert_ne!(found, computed);
    assert_eq!(
        lost(LBA + 24, &[2], true),
        primary(CopyFault::HeaderPlace { at, found: 2, lba: 1 })
    );
    for (count, size) in [(128_u32, 96_u32), (0, 128), (u32::MAX, u32::MAX), (16_384, 128)] {
        let with = [count.to_le_bytes(), size.to_le_bytes()].concat();
        let fault = CopyFault::EntrySize { at, count, size, limit };
        assert_eq!(lost(LBA + 80, &with, true), primary(fault));
    }
    let end = 8200 * 512 + 16_384;
    assert_eq!(
        lost(LBA + 72, &8200_u64.to_le_bytes(), true),
        primary(CopyFault::PastTheEnd { end, len: 4 * MIB })
    );
    let (_, CopyFault::EntriesCrc { at: 1024, .. }) = lost(ENTRIES + 60, b"x", false) else {
        panic!("not the checksum");
    };

    let at = 4 * MIB - 512;
    assert_eq!(lost(LAST, b"e", false), (GptCopy::Backup, CopyFault::Signature { at }));
    let (GptCopy::Backup, CopyFault::EntriesCrc { .. }) = lost(BACKUP_ENTRIES, &[0], false) else {
        panic!("not the checksum");
    };
}

#[test]
fn without_a_whole_copy_there_is_no_table() {
    let mut bytes = image(SectorSize::B512);
    bytes[LBA] = 0;
    bytes[LAST] = 0;
    let error = read(&mut Cursor::new(&bytes)).unwrap_err();
    assert!(matches!(error, ReadError::Gpt { .. }));
    assert_eq!(
        error.to_string(),
        "no copy of the GPT can be used: at the start of the disk, no EFI PART at byte 512; at its \
         end, no EFI PART at byte 4193792"
    );
}

/// Other tools make room for 16 KiB and use less of it (`sgdisk -S 64`).
#[test]
fn fewer_entries_than_usual() {
    for count in [1_u32, 4, 64, 127] {
        let found = after(|bytes| {
            put(bytes, LBA + 80, &count.to_le_bytes());
            put(bytes, LAST + 80, &count.to_le_bytes());
        });
        assert_eq!(found, [], "{count}");
    }
}

#[test]
fn reserved_bytes_that_are_used_are_told_and_the_copy_used() {
    let reserved = |copy, sector| [Fault::Reserved { copy, sector }];
    for (at, copy, sector) in [
        (LBA + 20, GptCopy::Primary, 1),
        (LBA + 100, GptCopy::Primary, 1),
        (LAST + 100, GptCopy::Backup, 8191),
    ] {
        assert_eq!(after(|bytes| put(bytes, at, &[1])), reserved(copy, sector));
    }
}

#[test]
fn copies_that_differ() {
    let differ = |at, with: &[u8]| after(|bytes| put(bytes, at, with));
    for (at, what) in [
        (LAST + 56, "GUID of the disk"),
        (LAST + 40, "sectors for partitions"),
        (BACKUP_ENTRIES + 16, "entries"),
        (LAST + 32, "place of the other copy"),
    ] {
        assert_eq!(differ(at, &[0x77]), [Fault::CopiesDiffer { what }], "{what}");
    }
}

#[test]
fn a_disk_that_changed_its_length() {
    let image = image(SectorSize::B512);
    let longer = [&*image, &[0; 8192]].concat();
    let (guarded, last) = (8191, 8207);
    assert_eq!(
        faults(&longer),
        [
            Fault::Guard { first: 1, sectors: guarded, expected: last },
            Fault::BackupPlace { found: guarded.into(), last: last.into() }
        ]
    );
    let (end, len) = (4 * MIB, 3 * MIB);
    assert_eq!(
        faults(&image[..3 << 20]),
        [
            Fault::Guard { first: 1, sectors: guarded, expected: 6143 },
            Fault::BackupPlace { found: guarded.into(), last: 6143 },
            Fault::Copy { copy: GptCopy::Backup, fault: CopyFault::PastTheEnd { end, len } },
        ]
    );
    let cut = faults(&image[..3 << 19]);
    let past = Fault::PastTheEnd { number: 1, end: 2 * MIB, len: 3 << 19 };
    assert_eq!(cut.last(), Some(&past));
}

#[test]
fn a_guard_that_does_not_guard() {
    let raw = after(|bytes| put(bytes, 446 + 16 + 4, &[0x0C]));
    assert_eq!(raw, [Fault::Unguarded { count: 1 }]);
    let raw = after(|bytes| put(bytes, 454, &[2, 0, 0, 0, 9, 0, 0, 0]));
    assert_eq!(raw, [Fault::Guard { first: 2, sectors: 9, expected: 8191 }]);
    let raw = after(|bytes| put(bytes, 458, &[0xFF; 4]));
    assert_eq!(raw, []);
}

#[test]
fn places_that_cannot_be() {
    let both = |bytes: &mut Vec<u8>, at: usize, with: &[u8]| {
        put(bytes, LBA + at, with);
        put(bytes, LAST + at, with);
    };
    let (from, to) = (34, 8158);
    let usable = |copy, first, last, from, to| Fault::Usable { copy, first, last, from, to };
    let found = after(|bytes| both(bytes, 40, &33_u64.to_le_bytes()));
    assert_eq!(found, [usable(GptCopy::Primary, 33, to, from, 8190)]);
    let found = after(|bytes| both(bytes, 48, &8159_u64.to_le_bytes()));
    assert_eq!(found, [usable(GptCopy::Backup, from, 8159, from, to)]);
    let found = after(|bytes| both(bytes, 56, &[0; 16]));
    assert_eq!(found, [Fault::NoDiskGuid]);

    let entry = |bytes: &mut Vec<u8>, number: usize, at: usize, with: &[u8]| {
        put(bytes, ENTRIES + (number - 1) * 128 + at, with);
        put(bytes, BACKUP_ENTRIES + (number - 1) * 128 + at, with);
    };
    let place = |first: u64, last: u64| [first.to_le_bytes(), last.to_le_bytes()].concat();
    let of_one = |first, last| after(|bytes| entry(bytes, 1, 32, &place(first, last)));
    let outside = |first, last| Fault::OutsideUsable { number: 1, first, last, from, to };
    assert_eq!(of_one(33, 40), [outside(33, 40)]);
    assert_eq!(of_one(40, 8159), [outside(40, 8159)]);
    let (start, end) = (41 * 512, 41 * 512);
    assert_eq!(of_one(41, 40), [Fault::Malformed { number: 1, start, end }]);
    let past = Fault::PastTheEnd { number: 1, end: u64::MAX, len: 4 * MIB };
    assert_eq!(of_one(40, u64::MAX), [outside(40, u64::MAX), past]);

    let two = |first, last, guid: u8| {
        after(|bytes| {
            entry(bytes, 7, 0, &[9; 16]);
            entry(bytes, 7, 16, &[guid; 16]);
            entry(bytes, 7, 32, &place(first, last));
        })
    };
    assert_eq!(two(4096, 4096, 9), []);
    assert_eq!(two(4095, 4096, 9), [Fault::Overlap { first: 1, second: 7 }]);
    assert_eq!(two(100, 2048, 9), [Fault::Overlap { first: 1, second: 7 }]);
    let nil = Guid::from_digest([0; 16]);
    let [Fault::PartitionGuid { number: 7, guid }] = two(4096, 4096, 0)[..] else { panic!() };
    assert_ne!(guid, nil);
    let mut bytes = image(SectorSize::B512);
    let same = bytes[ENTRIES + 16..ENTRIES + 32].to_vec();
    entry(&mut bytes, 7, 0, &[9; 16]);
    entry(&mut bytes, 7, 16, &same);
    entry(&mut bytes, 7, 32, &place(4096, 4096));
    seal(&mut bytes, SectorSize::B512);
    let guid = Guid::from_digest([0x22; 16]);
    assert_eq!(faults(&bytes), [Fault::PartitionGuid { number: 7, guid }]);
}

/// A drive that counted in 512 bytes once keeps the old header where the new entries are not.
#[test]
fn the_table_of_the_right_sector_size_is_found() {
    let mut bytes = image(SectorSize::B4096);
    let old = image(SectorSize::B512);
    put(&mut bytes, 512, &old[512..1024]);
    let found = read(&mut Cursor::new(&bytes)).unwrap();
    assert_eq!((found.sector_size(), found.faults()), (SectorSize::B4096, &[][..]));
    assert_eq!(found.partitions()[0].range(), MIB..2 * MIB);
}

/// Tools know the sector size of a drive alone, so the image becomes one for a moment. Loop devices
/// are few: one test at a time has some.
fn on_a_drive_of_4096(tool: &str, arguments: &[&str], path: &Path) -> [String; 2] {
    let lock = std::env::temp_dir().join("capmedia-loops.lock");
    let script = r#"
        drive=$(losetup --find --show --read-only --sector-size 4096 "$1") || exit
        trap 'losetup --detach "$drive"' EXIT
        shift
        "$@" "$drive""#;
    let mut command = Command::new("flock");
    command.arg(lock).args(["sh", "-c", script, "sh"]).arg(path).arg(tool).args(arguments);
    let output = command.output();
    let output = output.expect("flock starts (Debian package util-linux)");
    let both = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{both:?}");
    both
}

#[test]
#[ignore = "needs sgdisk, sfdisk, root and a loop device"]
fn sgdisk_and_sfdisk_read_what_was_planned() {
    for (size, start, sectors) in [
        (SectorSize::B512, MIB, 532_480_u64),
        (SectorSize::B512, 4 * MIB, 8_000_000_000),
        (SectorSize::B512, 34 * 512, 99),
        (SectorSize::B4096, MIB, 70_000),
        (SectorSize::B4096, 6 * 4096, 99),
    ] {
        let b = size.bytes();
        let plan = |kind| {
            let options = DiskOptions::new(Table::Gpt(table().with_type(kind).with_name("Media")));
            let options = options.with_sector_size(size).with_start(start);
            disk(&volume(sectors * b), &options).unwrap()
        };
        for (kind, guid) in
            [(GptType::BasicData, Guid::BASIC_DATA), (GptType::EfiSystem, Guid::EFI_SYSTEM)]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("disk.img");
            let file = std::fs::File::create(&path).unwrap();
            let plan = plan(kind);
            let report = plan.write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
            assert!(report.written < 4 * MIB, "holes were left");

            let oracle = |tool: &str, arguments: &[&str]| match size {
                SectorSize::B512 => succeed(tool, arguments, &path),
                SectorSize::B4096 => on_a_drive_of_4096(tool, arguments, &path),
            };
            let [dump, warnings] = oracle("sfdisk", &["-d"]);
            assert_eq!(warnings, "");
            let id = "label-id: 11111111-1111-8111-9111-111111111111\n";
            assert!(dump.contains("label: gpt\n") && dump.contains(id), "{dump}");
            let line = dump.lines().last().unwrap().split_ascii_whitespace().collect::<String>();
            let entry = format!(
                "start={},size={sectors},type={guid},uuid=22222222-2222-8222-A222-222222222222,\
                 name=\"Media\"",
                start / b
            );
            assert!(line.ends_with(&entry), "{line}, not {entry}");
            let [verdict, warnings] = oracle("sfdisk", &["--verify"]);
            assert_eq!(warnings, "");
            assert!(verdict.contains("No errors detected."), "{verdict}");
            let [verdict, _] = oracle("sgdisk", &["-v"]);
            assert!(verdict.contains("No problems found."), "{verdict}");
            let [told, _] = oracle("sgdisk", &["-p"]);
            assert!(told.contains("11111111-1111-8111-9111-111111111111"), "{told}");
            // sgdisk tells of a table it had to mend, and of a guard that is none.
            assert!(!told.to_lowercase().contains("warning"), "{told}");
        }
    }
}

#[test]
#[ignore = "needs sgdisk"]
fn tables_of_sgdisk_with_few_or_many_entries_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.img");
    for count in ["4", "64", "128", "256"] {
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(8 * MIB).unwrap();
        let _ = succeed("sgdisk", &["-S", count, "-n", "1:2048:+2M", "-t", "1:0700"], &path);
        let found = read(&mut std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(found.faults(), [], "{count}");
        assert_eq!(found.partitions()[0].range(), MIB..3 * MIB, "{count}");
    }
}
