//! The partition table as planned, as we read it back, and as sfdisk does.

use std::io::Read;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;

use disk_image::{Code, DiskOptions, Mbr, PartitionKind, Table, disk, read};
use extent_image::{Plan, PlanBuilder, StreamOptions};
use proptest::prelude::*;

fn volume(sectors: u32) -> Plan {
    let mut plan = PlanBuilder::new();
    plan.bytes("first sector", vec![0xA5; 512]).unwrap();
    plan.free_to("rest", u64::from(sectors) * 512).unwrap();
    plan.finish()
}

proptest! {
    /// Whatever the place and length, the disk reads back as it was asked for and is in order.
    #[test]
    fn planned_and_read_back(
        signature in 1_u32..,
        first in 1_u32..1 << 31,
        sectors in 1_u32..1 << 31,
        code: bool,
        more in prop::option::of((0_u64..1 << 24).prop_map(|sectors| sectors * 512)),
    ) {
        let (start, len) = (u64::from(first) * 512, u64::from(sectors) * 512);
        let table = Mbr::new(NonZeroU32::new(signature).unwrap()).with_boot_code(code);
        let mut options = DiskOptions::new(Table::Mbr(table)).with_start(start);
        if let Some(more) = more {
            options = options.with_disk_len(start + len + more);
        }
        let plan = disk(&volume(sectors), &options).unwrap();
        let disk = read(&mut plan.reader()).unwrap();
        match more {
            Some(more) => prop_assert_eq!(disk.len(), start + len + more),
            None => prop_assert_eq!(disk.len(), (start + len).next_multiple_of(1 << 20)),
        }
        prop_assert_eq!(disk.signature(), signature);
        prop_assert_eq!(disk.code(), if code { Code::Ours } else { Code::None });
        prop_assert_eq!(disk.faults().len(), usize::from(!code));
        let partition = disk.active().unwrap();
        prop_assert_eq!((partition.first_sector(), partition.sectors()), (first.into(), sectors.into()));
        prop_assert_eq!((partition.number(), partition.kind()), (1, PartitionKind::Mbr(0x0C)));
        let mut sector = [0; 512];
        partition.open(plan.reader()).read_exact(&mut sector).unwrap();
        prop_assert_eq!(sector, [0xA5; 512]);
    }

    /// Any sector 0 gives a table or an error, and a table's faults can be asked for.
    #[test]
    fn no_sector_is_too_strange(mut bytes in prop::collection::vec(any::<u8>(), 0..1200), flags: [bool; 4]) {
        if let Some(end) = bytes.get_mut(446..512) {
            for (entry, active) in flags.into_iter().enumerate() {
                end[16 * entry] = if active { 0x80 } else { 0 };
            }
            end[64..].copy_from_slice(&[0x55, 0xAA]);
        }
        if let Ok(disk) = read(&mut std::io::Cursor::new(bytes)) {
            let _ = disk.faults();
        }
    }
}

/// What a partitioning tool that must succeed says, and what it warns of.
pub(crate) fn succeed(tool: &str, arguments: &[&str], path: &Path) -> [String; 2] {
    let output = Command::new(tool).args(arguments).arg(path).output();
    let output = output.expect("the tool starts (Debian packages fdisk and gdisk)");
    let both = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{both:?}");
    both
}

#[test]
#[ignore = "needs sfdisk"]
fn sfdisk_reads_what_was_planned() {
    let sfdisk = |arguments: &[&str], path: &Path| succeed("sfdisk", arguments, path);
    for (start, sectors) in [(1_u64 << 20, 532_480_u32), (4 << 20, 8_000_000), (512, 99)] {
        let table = Table::Mbr(Mbr::new(NonZeroU32::new(0x00C0_FFEE).unwrap()));
        let options = DiskOptions::new(table).with_start(start);
        let plan = disk(&volume(sectors), &options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        let file = std::fs::File::create(&path).unwrap();
        let report = plan.write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
        assert!(report.written < 1 << 20, "holes were left");

        let [dump, warnings] = sfdisk(&["-d"], &path);
        assert_eq!(warnings, "");
        assert!(dump.contains("label: dos\nlabel-id: 0x00c0ffee\n"), "{dump}");
        let line = dump.lines().last().unwrap().split_ascii_whitespace().collect::<String>();
        let entry = format!("start={},size={sectors},type=c,bootable", start / 512);
        assert!(line.ends_with(&entry), "{line}, not {entry}");

        let [verdict, warnings] = sfdisk(&["--verify"], &path);
        assert_eq!(warnings, "");
        assert!(verdict.contains("No errors detected."), "{verdict}");
    }
}
