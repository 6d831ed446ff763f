//! What Windows does not tell, or tells of several drives at once, costs no drive its contents.

use std::path::Path;

use super::calls::request::*;
use super::calls::{Access, Calls as _, Code};
use super::fake::{Fake, FakeVolume, MIB, descriptor, extents, layout};
use super::file::{self, DriveFile};
use super::tests::{at, codes, everything, list, stick, system};
use super::{place, scan};
use crate::drive::{Drive, HolderKind};
use crate::error::{OpenError, UnmountError};
use crate::{Permissions, Refusal};

const IO_DEVICE: Code = Code(1117);

/// A volume that tells nothing of where it is.
fn lose(volume: &mut FakeVolume, code: Code) {
    (volume.extents, volume.device) = (Err(code), Err(Code::INVALID_FUNCTION));
}

fn refusal(drive: &Drive) -> String {
    let [refusal] = drive.refusals(&everything()).try_into().unwrap();
    refusal.to_string()
}

#[test]
fn a_volume_that_may_be_on_a_drive_keeps_it_from_being_written() {
    for code in [Code::NOT_READY, Code::ACCESS_DENIED, IO_DEVICE] {
        let fake = stick();
        let listed = at(&fake, "E:");
        let fake = fake.change(|machine| lose(&mut machine.volumes[2], code));
        let drive = at(&fake, r"\\.\PhysicalDrive2");
        assert_eq!(codes(&drive, everything()), ["unknown-volumes"]);
        let message = refusal(&drive);
        assert!(message.starts_with(r"\\.\PhysicalDrive2 may hold E:\ ("), "{message}");
        let unmounted = file::unmount(&fake, &drive).unwrap_err();
        assert!(matches!(&unmounted, UnmountError::Refused(Refusal::LostVolumes { .. })));
        // Also where the drive was listed before.
        let Err(OpenError::Failed { source, .. }) = DriveFile::open_with(fake.clone(), &listed)
        else {
            panic!()
        };
        assert_eq!(source.to_string(), message);
        assert_eq!(fake.machine().disks[&2].writers, 0);
        // The system's own drive is refused for what it is.
        assert_eq!(codes(&list(&fake)[0], everything()), ["system"]);
    }
}

/// Two volumes share no partition.
#[test]
fn a_broken_volume_elsewhere_leaves_known_drives_alone() {
    let fake = stick().with_stick(3, "F:").with_volume("9", 9, 0, &[r"X:\"], "", "");
    let fake = fake.change(|machine| lose(&mut machine.volumes[4], Code::NOT_READY));
    assert_eq!(codes(&at(&fake, "E:"), everything()), [""; 0]);
    assert_eq!(codes(&at(&fake, "F:"), everything()), [""; 0]);
    // A partition that nothing is known of may hold it.
    let parts = [(MIB, 8 * MIB), (16 * MIB, 8 * MIB)];
    let fake = fake.with_answer(2, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, Ok(layout(&parts)));
    assert_eq!(codes(&at(&fake, "E:"), everything()), ["unknown-volumes"]);
    // So may a drive without any.
    let said = descriptor(7, true, "A", "B", "C");
    let fake = fake.with_disk(4, MIB, said, &[], "x");
    let drive = at(&fake, r"\\.\PhysicalDrive4");
    assert_eq!(codes(&drive, everything()), ["unknown-volumes"]);
    // It is no reason for the other drives.
    assert_eq!(codes(&at(&fake, "F:"), everything()), [""; 0]);
    file::unmount(&fake, &at(&fake, "F:")).unwrap();
}

/// A card reader's letter without a card, an empty optical drive, a volume that was taken out.
#[test]
fn what_is_known_by_its_device_is_not_lost() {
    let said = descriptor(7, true, "A", "Reader", "C");
    let fake = stick().with_disk(4, MIB, said.clone(), &[], "x").with_disk(5, MIB, said, &[], "y");
    let fake = fake.with_answer(4, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, Err(Code::NOT_READY));
    let fake = fake.with_volume("40", 4, 0, &[r"X:\"], "", "");
    let fake = fake.with_volume("90", 9, 0, &[r"R:\"], "", "").with_volume("91", 9, 0, &[], "", "");
    let fake = fake.change(|machine| {
        machine.volumes[3].extents = Err(Code::NOT_READY);
        machine.volumes[4].extents = Err(Code::NOT_READY);
        machine.volumes[4].device = Ok((2, 0));
        lose(&mut machine.volumes[5], Code::DEVICE_NOT_CONNECTED);
    });
    let codes_of: Vec<_> = list(&fake).iter().map(|drive| codes(drive, everything())).collect();
    assert_eq!(codes_of, [vec!["system"], vec![], vec!["no-medium"], vec![]]);
    assert_eq!(place(&fake, &system(), Path::new("X:")).unwrap().0.name, "PhysicalDrive4");
    // Answers that cannot be are none.
    for answer in [Vec::new(), vec![1, 0, 0, 0, 0, 0, 0, 0], vec![2; 32]] {
        let fake = stick().change(|machine| {
            machine.volumes[2].extents = Ok(answer);
            machine.volumes[2].device = Err(Code::INVALID_FUNCTION);
        });
        assert_eq!(scan::extents(&fake, r"\\.\E:"), Err(Code::INVALID_DATA));
        assert_eq!(codes(&list(&fake)[1], everything()), ["unknown-volumes"]);
    }
}

#[test]
fn a_volume_that_may_be_mounted_counts_as_mounted() {
    let fake = stick().change(|machine| machine.volumes[2].no_points = Some(IO_DEVICE));
    let drive = at(&fake, "E:");
    assert_eq!(codes(&drive, Permissions::default()), ["mounted"]);
    let Err(OpenError::Busy { .. }) = DriveFile::open_with(fake.clone(), &drive) else { panic!() };
    assert_eq!(file::unmount(&fake, &drive).unwrap(), [Path::new(r"\\?\Volume{20}\")]);
    DriveFile::open_with(fake, &drive).unwrap();
}

#[test]
fn a_part_of_a_volume_is_in_use() {
    let fake = stick().with_stick(3, "F:");
    let listed = at(&fake, "E:");
    let fake = fake.change(|machine| {
        machine.volumes.remove(3);
        machine.volumes[2].extents = Ok(extents(&[(2, MIB), (3, MIB)]));
    });
    for drive in &list(&fake)[1..] {
        assert_eq!(drive.holders[0].to_string(), r"E:\ (a volume on several drives)");
        assert_eq!(drive.holders[0].kind, HolderKind::SpannedVolume);
        assert_eq!(drive.holders[0].mounts[0].path, Path::new(r"E:\"));
        assert_eq!(codes(drive, everything()), ["in-use"]);
        let unmounted = file::unmount(&fake, drive).unwrap_err();
        assert!(matches!(unmounted, UnmountError::Refused(Refusal::InUse { .. })));
    }
    assert_eq!(fake.log(), [""; 0]);
    let opened = DriveFile::open_with(fake.clone(), &listed);
    assert!(matches!(opened, Err(OpenError::Busy { .. })));
    assert!(fake.machine().volumes.iter().all(|volume| !volume.locked));
}

/// A table with one partition of a type: the GUID as people write it, or a byte of an MBR.
fn typed(kind: Result<&str, u8>) -> Vec<u8> {
    let mut bytes = layout(&[(MIB, 60 * MIB)]);
    match kind {
        Err(kind) => bytes[48 + 32] = kind,
        Ok(guid) => {
            bytes[48] = 1;
            let digits = guid.replace('-', "");
            let byte = |at: usize| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap();
            let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
            bytes[48 + 32..48 + 48].copy_from_slice(&order.map(byte));
        }
    }
    bytes
}

#[test]
fn drives_of_pools_and_dynamic_disks_are_in_use() {
    let (spaces, dynamic) = ("Storage Spaces", "the Logical Disk Manager");
    for (kind, expected) in [
        (Ok("E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D"), Some((spaces, HolderKind::StorageSpaces))),
        (Ok("5808C8AA-7E8F-42E0-85D2-E1E90434CFB3"), Some((dynamic, HolderKind::DynamicDisk))),
        (Ok("AF9B60A0-1431-4F62-BC68-3311714A69AD"), Some((dynamic, HolderKind::DynamicDisk))),
        (Err(0x42), Some((dynamic, HolderKind::DynamicDisk))),
        // Basic data, the EFI system, FAT32.
        (Ok("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"), None),
        (Ok("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"), None),
        (Err(0x0C), None),
    ] {
        let fake = stick();
        let listed = at(&fake, "E:");
        // Windows may have no volume there, and no number for the partition.
        let mut table = typed(kind);
        for numbered in [true, false] {
            table[48 + 24] = u8::from(numbered);
            let answer = Ok(table.clone());
            let fake = fake.clone().with_answer(2, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, answer);
            fake.machine().volume(r"\\.\E:").unwrap().points.clear();
            let drive = at(&fake, r"\\.\PhysicalDrive2");
            let found: Vec<_> =
                drive.holders.iter().map(|holder| (holder.name.as_str(), holder.kind)).collect();
            assert_eq!(found, expected.as_slice(), "{kind:?}");
            let opened = DriveFile::open_with(fake.clone(), &listed);
            match expected {
                Some((name, _)) => {
                    assert_eq!(codes(&drive, everything()), ["in-use"]);
                    assert!(refusal(&drive).contains(&format!("is in use by {name}; ")));
                    assert!(matches!(opened, Err(OpenError::Busy { .. })));
                }
                None => assert!(opened.is_ok()),
            }
        }
    }
}

#[test]
fn what_was_unmounted_stays_so_after_an_error() {
    let fake = stick().with_volume("21", 2, 61 * MIB, &[r"G:\"], "NTFS", "");
    let fake = fake.change(|machine| machine.volumes[3].in_use = true);
    let drive = at(&fake, "E:");
    let locked = || fake.machine().volumes[2..].iter().map(|v| v.locked).collect::<Vec<_>>();
    // Twice: the second try has the locks of the first.
    for _ in 0..2 {
        let error = file::unmount(&fake, &drive).unwrap_err();
        assert!(matches!(error, UnmountError::Failed { mount, .. } if mount == Path::new(r"G:\")));
        assert_eq!(locked(), [true, false]);
    }
    // Somebody writes the drive, or what is left is mounted.
    let writer = fake.open(r"\\.\PhysicalDrive2", Access::Alone).unwrap();
    let Err(OpenError::Busy { .. }) = DriveFile::open_with(fake.clone(), &drive) else { panic!() };
    drop(writer);
    let Err(OpenError::Busy { .. }) = DriveFile::open_with(fake.clone(), &drive) else { panic!() };
    assert_eq!(locked(), [true, false]);
    fake.machine().volumes[3].in_use = false;
    assert_eq!(file::unmount(&fake, &drive).unwrap(), [Path::new(r"G:\")]);
    drop(DriveFile::open_with(fake.clone(), &drive).unwrap());
    assert_eq!(locked(), [false, false]);
}

#[test]
fn waiting_for_volumes_ends_after_five_seconds_in_all() {
    let fake = stick().with_volume("21", 2, 61 * MIB, &[r"G:\"], "NTFS", "");
    // Let go of in the middle of the wait.
    let fake = fake.change(|machine| {
        machine.volumes[2].in_use = true;
        machine.volumes[3].in_use = true;
        machine.let_go = Some((30, r"\\?\Volume{20}".into()));
    });
    assert!(file::unmount(&fake, &at(&fake, "E:")).is_err());
    assert_eq!(fake.machine().pauses, 49);
}

#[test]
fn drives_that_say_no_number_are_told_by_what_they_are() {
    let anonymous = |serial: &str, model: &str, len: u64| {
        let said = descriptor(7, true, "A", model, serial);
        let fake = Fake::new().with_disk(2, len, said, &[(MIB, MIB)], "x");
        let fake = fake.with_volume("20", 2, MIB, &[r"E:\"], "FAT32", "");
        fake.change(|machine| machine.disks.get_mut(&2).unwrap().arrived = None)
    };
    let listed = at(&anonymous("", "Stick", 64 * MIB), "E:");
    assert_eq!((listed.disk_sequence, &listed.serial), (None, &None));
    let unmounts = |fake: Fake| file::unmount(&fake, &listed).unwrap().len();
    assert_eq!(unmounts(anonymous("", "Stick", 32 * MIB)), 0);
    assert_eq!(unmounts(anonymous("", "Disk", 64 * MIB)), 0);
    assert_eq!(unmounts(anonymous("1", "Stick", 64 * MIB)), 0);
    assert_eq!(unmounts(anonymous("", "Stick", 64 * MIB)), 1);
    let other = anonymous("", "Disk", 64 * MIB).change(|machine| machine.volumes[2].points.clear());
    let Err(OpenError::Changed { what, .. }) = DriveFile::open_with(other, &listed) else {
        panic!()
    };
    assert_eq!(what, "model");
}

#[test]
fn no_drive_is_written_where_it_is_not_told_what_windows_starts_from() {
    // Drives are listed, for those who may not ask; all are refused, with what is not told.
    let refused = |fake: &Fake, lost: &str| {
        let drives = list(fake);
        assert_eq!(drives[0].refusals(&everything())[0].code(), "system");
        assert_eq!(codes(&drives[1], everything()), ["unknown-volumes"]);
        let message = refusal(&drives[1]);
        assert!(message.contains(&format!(r"PhysicalDrive2 may hold {lost} (")), "{message}");
        assert!(file::unmount(fake, &drives[1]).is_err());
        let opened = DriveFile::open_with(fake.clone(), &drives[1]);
        assert!(matches!(opened, Err(OpenError::Failed { .. })));
        assert!(fake.machine().volumes.iter().all(|volume| !volume.locked));
    };
    for code in [Code::NOT_READY, Code::ACCESS_DENIED, IO_DEVICE] {
        let fake = stick().change(|machine| lose(&mut machine.volumes[0], code));
        refused(&fake, r"\Device\V1");
    }
    let named = |text: &str| {
        stick().change(|m| drop(m.registry.insert("SystemPartition".into(), text.into())))
    };
    // No name of a device.
    refused(&named("nonsense\0"), "nonsense");
    // Windows PE after its stick was taken out; and without any.
    for text in ["\\Device\\Gone\0", "\0", ""] {
        assert_eq!(codes(&list(&named(text))[1], everything()), [""; 0]);
    }
    let unreadable = stick().change(|machine| machine.no_registry = Some(Code::ACCESS_DENIED));
    assert_eq!(codes(&list(&unreadable)[1], everything()), ["unknown-volumes"]);
    // A page file's drive.
    let fake = stick().with_stick(3, "F:").change(|machine| {
        machine.registry.insert("ExistingPageFiles".into(), "\\??\\F:\\pagefile.sys\0\0".into());
        lose(&mut machine.volumes[3], IO_DEVICE);
    });
    refused(&fake, r"F:\pagefile.sys");
    // By the name of its volume.
    let name = r"\??\Volume{20}\pagefile.sys";
    let fake = stick().change(|machine| {
        machine.volumes[2].points.push(r"\\?\Volume{20}\".into());
        machine.registry.insert("ExistingPageFiles".into(), format!("{name}\0\0"));
    });
    assert!(at(&fake, "E:").is_system());
}

#[test]
fn a_volume_in_several_pieces_of_one_drive_names_it() {
    let fake = stick().change(|machine| {
        machine.volumes[2].extents = Ok(extents(&[(2, MIB), (2, 30 * MIB)]));
    });
    let (drive, partition) = place(&fake, &system(), Path::new("E:")).unwrap();
    assert_eq!((drive.name.as_str(), partition), ("PhysicalDrive2", Some(1)));
    assert!(drive.holders.is_empty());
}
