//! Drives of a fake Windows: what is listed, what is refused, and how one is taken.

use std::path::Path;

use proptest::prelude::*;

use super::calls::Code;
use super::calls::request::*;
use super::fake::{ARRIVED, Fake, MIB, descriptor, extents, geometry, layout};
use super::file::{self, DriveFile};
use super::{drive, drives, holds, place};
use crate::drive::{Bus, Drive};
use crate::error::{ListError, OpenError, PathError, UnmountError};
use crate::{Permissions, Refusal, System};

pub(super) fn system() -> System {
    System::new().with_labels(true)
}

pub(super) fn list(fake: &Fake) -> Vec<Drive> {
    drives(fake, &system()).unwrap()
}

pub(super) fn at(fake: &Fake, path: &str) -> Drive {
    drive(fake, &system(), Path::new(path)).unwrap()
}

pub(super) fn codes(drive: &Drive, permissions: Permissions) -> Vec<&'static str> {
    drive.refusals(&permissions).iter().map(Refusal::code).collect()
}

pub(super) fn nothing() -> Permissions {
    Permissions::default()
}

pub(super) fn everything() -> Permissions {
    Permissions { allow_fixed: true, unmount: true, needed_len: 0 }
}

pub(super) fn stick() -> Fake {
    Fake::new().with_stick(2, "E:")
}

#[test]
fn drives_are_listed_with_their_volumes() {
    let drives = list(&stick());
    let names: Vec<&str> = drives.iter().map(|drive| drive.name.as_str()).collect();
    assert_eq!(names, ["PhysicalDrive0", "PhysicalDrive2"]);
    let disk = &drives[0];
    assert_eq!((disk.bus, disk.removable, disk.vendor.as_deref()), (Bus::Nvme, false, None));
    assert_eq!(disk.serial.as_deref(), Some("S6XP"));
    let stick = &drives[1];
    assert_eq!(stick.path, Path::new(r"\\.\PhysicalDrive2"));
    assert_eq!(stick.title().as_deref(), Some("SanDisk Cruzer Blade"));
    assert_eq!((stick.bus, stick.removable, stick.len), (Bus::Usb, true, 64 * MIB));
    // The stick's own number, not that of its bridge.
    assert_eq!(stick.serial.as_deref(), Some("4C530002"));
    // Microseconds since 1980, and one change of the medium.
    let since = ARRIVED / 10 + 2_000_000 - 11_960_006_400_000_000 + 1;
    assert_eq!(stick.disk_sequence, Some(since));
    assert!(since < 1 << 53);
    let [part] = stick.partitions.as_slice() else { panic!() };
    assert_eq!((part.name.as_str(), part.number), ("Harddisk2Partition1", 1));
    assert_eq!((part.start, part.len), (MIB, 60 * MIB));
    let found = part.file_system.as_ref().unwrap();
    assert_eq!((found.kind, found.label.as_deref()), ("FAT32", Some("HOLIDAY")));
    assert_eq!(part.mounts[0].path, Path::new(r"E:\"));
    assert_eq!(part.mounts[0].file_system, "FAT32");
    assert_eq!(codes(stick, nothing()), ["mounted"]);
    assert_eq!(codes(stick, everything()), [""; 0]);
}

#[test]
fn the_systems_drives_are_never_written() {
    let fake = Fake::new().with_stick(2, "E:").with_stick(3, "F:").with_stick(4, "G:");
    let fake = fake.change(|machine| {
        machine.registry.insert(
            "ExistingPageFiles".into(),
            "\\??\\C:\\pagefile.sys\0\\??\\E:\\pagefile.sys\0\0".into(),
        );
        machine.folders = vec![r"F:\ProgramData".into(), r"Z:\gone".into()];
    });
    let drives = list(&fake);
    let uses: Vec<Vec<String>> =
        drives.iter().map(|drive| drive.system.iter().map(ToString::to_string).collect()).collect();
    let system = [
        r"C:\Windows on Harddisk0Partition2",
        r"\Device\V1 on Harddisk0Partition1",
        r"C:\pagefile.sys on Harddisk0Partition2",
    ];
    assert_eq!(uses[0], system);
    assert_eq!(uses[1], [r"E:\pagefile.sys on Harddisk2Partition1"]);
    assert_eq!(uses[2], [r"F:\ProgramData on Harddisk3Partition1"]);
    assert_eq!(uses[3], [""; 0]);
    for drive in &drives[..3] {
        assert_eq!(codes(drive, everything()), ["system"]);
        let Err(UnmountError::System { .. }) = file::unmount(&fake, drive) else { panic!() };
    }
    assert_eq!(fake.log(), [""; 0]);
}

/// A mirror, for one.
#[test]
fn windows_on_several_drives_keeps_all_of_them() {
    let fake = Fake::new().with_disk(1, 500 * MIB, descriptor(11, false, "", "", ""), &[], "x");
    let fake = fake.change(|machine| {
        machine.volumes[1].extents = Ok(extents(&[(0, 200 * MIB), (1, 0)]));
    });
    let drives = list(&fake);
    assert_eq!(drives[1].system[0].to_string(), r"C:\Windows on PhysicalDrive1");
    assert!(drives.iter().all(Drive::is_system));
    let Err(PathError::NotADrive { what: "a volume on several drives", .. }) =
        drive(&fake, &system(), Path::new("C:"))
    else {
        panic!()
    };
}

#[test]
fn no_drive_is_offered_where_windows_is_not_found() {
    for code in [Code::ACCESS_DENIED, Code::NOT_READY] {
        let fake = stick().change(|machine| {
            (machine.volumes[1].extents, machine.volumes[1].device) = (Err(code), Err(code));
        });
        let error = drives(&fake, &system()).unwrap_err();
        assert!(matches!(error, ListError::Ask { what: "the drive that Windows is on", .. }));
    }
    let fake = stick().change(|machine| machine.windows = Some(Code::NOT_SUPPORTED));
    assert!(drives(&fake, &system()).is_err());
    // Windows PE: a memory disk.
    let fake = stick().change(|machine| {
        machine.volumes[1].extents = Err(Code::INVALID_FUNCTION);
        machine.registry.clear();
    });
    assert!(list(&fake).iter().all(|drive| !drive.is_system()));
}

#[test]
fn what_keeps_a_drive_from_being_written_is_told() {
    let said = |bus, removable| descriptor(bus, removable, "A", "B", "C");
    for (bus, removable, expected) in [
        (7, true, None),
        // A hard disk on USB.
        (7, false, Some("fixed")),
        (12, false, None),
        // Soldered.
        (13, false, Some("fixed")),
        (11, false, Some("fixed")),
        (11, true, None),
        (99, false, Some("fixed")),
    ] {
        let fake = Fake::new().with_disk(2, MIB, said(bus, removable), &[], "x");
        let found = codes(&at(&fake, r"\\.\PhysicalDrive2"), nothing());
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{bus} {removable}");
    }
    let protected = stick().with_answer(2, IOCTL_DISK_IS_WRITABLE, Err(Code::WRITE_PROTECT));
    assert_eq!(codes(&list(&protected)[1], everything()), ["read-only"]);
    let small = Permissions { needed_len: 64 * MIB + 1, ..everything() };
    assert_eq!(codes(&list(&stick())[1], small), ["too-small"]);
    // Listed all the same.
    let denied = stick().change(|machine| machine.denied = true);
    let drives = list(&denied);
    assert_eq!(codes(&drives[0], everything()), ["system"]);
    assert_eq!(codes(&drives[1], everything()), ["not-allowed"]);

    // An empty reader, whose letter opens nothing.
    let empty = stick()
        .with_answer(2, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, Err(Code::NOT_READY))
        .with_answer(2, IOCTL_STORAGE_CHECK_VERIFY2, Err(Code::NOT_READY))
        .change(|machine| machine.volumes[2].extents = Err(Code::NOT_READY));
    let drives = list(&empty);
    assert_eq!((drives[1].len, drives[1].partitions.len()), (0, 0));
    assert_eq!(codes(&drives[1], everything()), ["no-medium"]);
}

#[test]
fn a_letter_without_a_file_system_is_no_mount() {
    let fake = stick().change(|machine| {
        machine.volumes[2].information = Err(Code::UNRECOGNIZED_VOLUME);
    });
    assert_eq!(codes(&list(&fake)[1], nothing()), [""; 0]);
    // One that cannot be looked into may be mounted: encrypted, or locked by somebody.
    let fake = stick().change(|machine| machine.volumes[2].information = Err(Code::ACCESS_DENIED));
    assert_eq!(codes(&list(&fake)[1], nothing()), ["mounted"]);
    // Mounted at folders only.
    let fake = stick().change(|machine| machine.volumes[2].points = vec![r"C:\mnt\usb\".into()]);
    let drive = &list(&fake)[1];
    assert_eq!(codes(drive, nothing()), ["mounted"]);
    assert_eq!(drive.partitions[0].mounts[0].place(), r"C:\mnt\usb\");
}

#[test]
fn a_volume_without_partitions_is_the_drives_own() {
    let fake = stick().with_answer(2, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, Ok(layout(&[(0, 64 * MIB)])));
    let fake = fake.change(|machine| machine.volumes[2].extents = Ok(extents(&[(2, 0)])));
    let drive = &list(&fake)[1];
    assert!(drive.partitions.is_empty());
    assert_eq!(drive.file_system.as_ref().unwrap().kind, "FAT32");
    assert_eq!(drive.mounts[0].path, Path::new(r"E:\"));
    assert_eq!(place(&fake, &system(), Path::new("E:")).unwrap().1, None);
}

#[test]
fn volumes_name_their_drive() {
    let fake = stick().with_volume("9", 9, 0, &[r"R:\"], "CDFS", "SETUP");
    let fake = fake.with_volume("8", 8, 0, &[r"N:\"], "NTFS", "").change(|machine| {
        let optical = machine.volume(r"\\.\R:").unwrap();
        (optical.extents, optical.device) = (Err(Code::INVALID_FUNCTION), Ok((2, 0)));
        machine.volume(r"\\.\N:").unwrap().extents = Err(Code::ACCESS_DENIED);
        machine.volume(r"\\.\N:").unwrap().device = Ok((20, 0));
        machine.volumes[2].names.push(r"\\.\Harddisk2Partition1".into());
    });
    for path in ["E:", r"\\.\E:", r"\\?\E:", r"\\?\Volume{20}"] {
        let (drive, partition) = place(&fake, &system(), Path::new(path)).unwrap();
        assert_eq!((drive.name.as_str(), partition), ("PhysicalDrive2", Some(1)), "{path}");
        assert_eq!(at(&fake, path), drive);
    }
    assert_eq!(at(&fake, r"//./physicaldrive2").name, "PhysicalDrive2");
    assert_eq!(place(&fake, &system(), Path::new(r"\\.\PhysicalDrive2")).unwrap().1, None);
    let error = |path: &str| drive(&fake, &system(), Path::new(path)).unwrap_err();
    assert!(matches!(error("Q:"), PathError::Missing { .. }));
    assert!(matches!(error(r"\\.\PhysicalDrive7"), PathError::Missing { .. }));
    assert!(matches!(error("R:"), PathError::NotADrive { what: "an optical drive", .. }));
    assert!(error("N:").to_string().contains("a letter for a share"));
    // Files and folders are looked for as such.
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(error(folder.path().to_str().unwrap()), PathError::Folder { .. }));
    assert!(matches!(error("no such file"), PathError::Missing { .. }));
}

#[test]
fn a_partition_is_no_name_for_its_drive() {
    let fake = stick().change(|machine| {
        // Whole devices of the same kind, as the names of partitions open.
        let name = r"\\.\Harddisk0Partition1";
        machine.volumes[0].names.push(name.into());
    });
    let path = Path::new(r"\\.\Harddisk0Partition1");
    let Err(PathError::Partition { number: 1, drive: whole, .. }) = drive(&fake, &system(), path)
    else {
        panic!()
    };
    assert_eq!(whole, Path::new(r"\\.\PhysicalDrive0"));
    assert_eq!(place(&fake, &system(), path).unwrap().1, Some(1));
}

#[test]
fn files_are_known_to_lie_on_a_drive() {
    let fake = stick().change(|machine| {
        machine.volumes[2].points.push(r"C:\mnt\usb\".into());
    });
    let drive = at(&fake, "E:");
    for (path, expected) in [
        (r"E:\boot.wim", true),
        (r"C:\mnt\usb\new\file", true),
        (r"C:\boot.wim", false),
        ("E:", true),
        ("C:", false),
        (r"\\.\PhysicalDrive2", true),
        (r"\\.\PhysicalDrive0", false),
        (r"\\server\share\boot.wim", false),
    ] {
        assert_eq!(holds(&fake, &drive, Path::new(path)), expected, "{path}");
    }
}

#[test]
fn volumes_stay_locked_from_unmounting_to_closing() {
    let fake = stick().with_volume("21", 2, 61 * MIB, &[], "NTFS", "");
    let drive = at(&fake, "E:");
    assert_eq!(file::unmount(&fake, &drive).unwrap(), [Path::new(r"E:\")]);
    let lock = |volume: &str| {
        let request = |request: Request| format!(r"{:#x} \\?\Volume{{{volume}}}", request.number());
        [request(FSCTL_LOCK_VOLUME), request(FSCTL_DISMOUNT_VOLUME)]
    };
    assert_eq!(fake.log(), [lock("20"), lock("21")].concat());
    // Once more, as a run may that was interrupted: there is nothing left to do.
    assert!(file::unmount(&fake, &drive).unwrap().is_empty());
    assert_eq!(fake.log(), [""; 0]);
    // A copy has the same locks.
    let open = DriveFile::open_with(fake.clone(), &drive.clone()).unwrap();
    drop(drive);
    open.write_at(2 * MIB, &[7; 8192]).unwrap();
    open.flush().unwrap();
    open.reread_partitions(&at(&fake, "E:")).unwrap();
    open.forget_partitions(&at(&fake, "E:")).unwrap();
    assert!(fake.machine().volumes[2..].iter().all(|volume| volume.locked));
    fake.log();
    drop(open);
    assert!(fake.machine().volumes.iter().all(|volume| !volume.locked));
    assert_eq!(fake.machine().disks[&2].writers, 0);
    assert_eq!(fake.log(), [r"unlock \\?\Volume{20}", r"unlock \\?\Volume{21}"]);
    // Unmounted and never opened.
    let drive = at(&fake, "E:");
    file::unmount(&fake, &drive).unwrap();
    drop(drive);
    assert!(fake.machine().volumes.iter().all(|volume| !volume.locked));
}

#[test]
fn what_is_mounted_is_not_opened_and_the_rest_is_locked() {
    let fake = stick();
    let drive = at(&fake, "E:");
    let Err(OpenError::Busy { .. }) = DriveFile::open_with(fake.clone(), &drive) else { panic!() };
    assert_eq!(fake.machine().disks[&2].writers, 0);
    let fake = fake.change(|machine| machine.volumes[2].points.clear());
    let open = DriveFile::open_with(fake.clone(), &drive).unwrap();
    assert!(fake.machine().volumes[2].locked);
    open.write_at(2 * MIB, &[7; 512]).unwrap();
    // Another program, or run, has it.
    let Err(OpenError::Busy { .. }) = DriveFile::open_with(fake.clone(), &drive) else { panic!() };
    assert_eq!(fake.machine().pauses, 49);
}

#[test]
fn a_volume_with_open_files_is_left_alone() {
    let fake = stick().change(|machine| machine.volumes[2].in_use = true);
    let drive = at(&fake, "E:");
    let error = file::unmount(&fake, &drive).unwrap_err();
    let UnmountError::Failed { mount, .. } = &error else { panic!("{error}") };
    assert_eq!(mount, Path::new(r"E:\"));
    assert_eq!(fake.machine().pauses, 49);
    let dismount = format!("{:#x}", FSCTL_DISMOUNT_VOLUME.number());
    assert!(!fake.log().iter().any(|line| line.starts_with(&dismount)));
    // One that is seen nowhere.
    let fake = fake.change(|machine| machine.volumes[2].points.clear());
    let Err(OpenError::Busy { .. }) = DriveFile::open_with(fake.clone(), &drive) else { panic!() };
}

#[test]
fn another_drive_at_the_same_name_is_not_taken() {
    let other = |change: fn(Fake) -> Fake| {
        let fake = stick().change(|machine| machine.volumes[2].points.clear());
        let drive = at(&fake, "E:");
        let fake = change(fake);
        assert!(file::unmount(&fake, &drive).is_ok());
        let drive = Drive { locks: Default::default(), ..drive };
        DriveFile::open_with(fake, &drive).unwrap_err()
    };
    let changed = |error: OpenError| match error {
        OpenError::Changed { what, .. } => what,
        error => panic!("{error}"),
    };
    let arrived =
        |fake: Fake| fake.change(|m| m.disks.get_mut(&2).unwrap().arrived = Some(ARRIVED));
    assert_eq!(changed(other(arrived)), "number of the connection");
    let card = |fake: Fake| fake.with_answer(2, IOCTL_STORAGE_CHECK_VERIFY2, Ok(vec![2, 0, 0, 0]));
    assert_eq!(changed(other(card)), "number of the connection");
    let serial = |fake: Fake| {
        fake.change(|m| m.disks.get_mut(&2).unwrap().instance = r"USBSTOR\D\9&0".into())
    };
    assert_eq!(changed(other(serial)), "serial number");
    let len = |fake: Fake| {
        fake.with_answer(2, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, Ok(geometry(32 * MIB, 512)))
    };
    assert_eq!(changed(other(len)), "length");
    let sector = |fake: Fake| {
        fake.with_answer(2, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, Ok(geometry(64 * MIB, 4096)))
    };
    assert_eq!(changed(other(sector)), "block size");
    let number = |fake: Fake| {
        fake.with_answer(2, IOCTL_STORAGE_GET_DEVICE_NUMBER, Ok([7u8, 0, 0, 0].repeat(3)))
    };
    assert_eq!(changed(other(number)), "device number");
    let gone = |fake: Fake| fake.change(|machine| drop(machine.disks.remove(&2)));
    assert!(matches!(other(gone), OpenError::Gone { .. }));
    let empty =
        |fake: Fake| fake.with_answer(2, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, Err(Code::NOT_READY));
    assert!(matches!(other(empty), OpenError::Gone { .. }));
    let protected =
        |fake: Fake| fake.with_answer(2, IOCTL_DISK_IS_WRITABLE, Err(Code::WRITE_PROTECT));
    assert!(matches!(other(protected), OpenError::ReadOnly { .. }));
}

#[test]
fn without_the_right_a_drive_is_not_opened() {
    let fake = stick().change(|machine| {
        machine.volumes[2].points.clear();
        machine.denied = true;
    });
    let error = DriveFile::open_with(fake.clone(), &at(&fake, "E:")).unwrap_err();
    assert!(matches!(error, OpenError::NotAllowed { .. }), "{error}");
    assert_eq!(fake.machine().pauses, 0);
}

#[test]
fn what_was_written_is_read_back_from_any_memory() {
    let fake = stick();
    let drive = at(&fake, "E:");
    file::unmount(&fake, &drive).unwrap();
    let open = DriveFile::open_with(fake.clone(), &drive).unwrap();
    assert!(open.is_direct() && open.is_present(&drive));
    // Longer than a piece, and at every kind of place in memory.
    let pattern: Vec<u8> = (0..(1 << 20) + 12_288 + 1).map(|at: u32| (at % 251) as u8).collect();
    for shift in [0, 1] {
        let wanted = &pattern[shift..shift + (1 << 20) + 12_288];
        open.write_at(512, wanted).unwrap();
        open.forget_cached().unwrap();
        let mut found = vec![0; wanted.len() + 1];
        open.read_at(512, &mut found[shift..shift + wanted.len()]).unwrap();
        assert!(found[shift..shift + wanted.len()] == *wanted);
    }
    let fake = fake.with_answer(2, IOCTL_STORAGE_CHECK_VERIFY2, Ok(vec![2, 0, 0, 0]));
    assert!(!open.is_present(&drive));
    let fake = fake.change(|machine| drop(machine.disks.remove(&2)));
    assert!(!open.is_present(&drive));
    assert!(open.read_at(0, &mut [0; 512]).is_err());
    drop((open, fake));
}

#[test]
fn drives_that_know_trim_are_told_what_holds_nothing() {
    let fake = stick().change(|machine| machine.volumes[2].points.clear());
    let open = DriveFile::open_with(fake.clone(), &at(&fake, "E:")).unwrap();
    assert!(!open.discard(0..64 * MIB).unwrap());
    assert!(fake.machine().disks[&2].bytes.is_empty());
    let fake = fake.with_answer(2, 8u32, Ok(vec![0, 0, 0, 0, 0, 0, 0, 0, 1]));
    assert!(open.discard(MIB..64 * MIB).unwrap());
    let sent = fake.machine().disks[&2].bytes[&u64::MAX].clone();
    let head: Vec<u32> =
        sent[..32].chunks_exact(4).map(|n| u32::from_le_bytes(n.try_into().unwrap())).collect();
    assert_eq!(head, [28, 1, 0x8000_0000, 0, 0, 32, 16, 0]);
    assert_eq!(sent[32..40], MIB.to_le_bytes());
    assert_eq!(sent[40..], (63 * MIB).to_le_bytes());
    let request = IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES;
    let fake = fake.with_answer(2, request, Err(Code::NOT_SUPPORTED));
    assert!(!open.discard(0..MIB).unwrap());
    let _fake = fake.with_answer(2, request, Err(Code::DEVICE_NOT_CONNECTED));
    assert!(open.discard(0..MIB).is_err());
}

#[test]
fn made_up_serial_numbers_are_none() {
    let serial = |instance: &str| {
        let fake = stick().change(|m| m.disks.get_mut(&2).unwrap().instance = instance.into());
        at(&fake, r"\\.\PhysicalDrive2").serial
    };
    assert_eq!(serial(r"USBSTOR\Disk&Ven_A\0123&1").as_deref(), Some("0123"));
    // What the driver said.
    for instance in
        [r"USBSTOR\Disk\7&2a3b4c&0", r"SCSI\Disk\0123&0", r"USBSTOR\Disk\0123", "", r"\"]
    {
        assert_eq!(serial(instance).as_deref(), Some("bridge"), "{instance}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_drivers_say_drives_are_listed(
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 8),
        texts in proptest::collection::vec("[\\\\?.:A-Z{}\\x00\u{202e}\u{1b}é]{0,12}", 5),
        keep in any::<[bool; 8]>(),
    ) {
        let requests = [
            0,
            6,
            IOCTL_STORAGE_GET_DEVICE_NUMBER.into(),
            IOCTL_DISK_GET_DRIVE_GEOMETRY_EX.into(),
            IOCTL_DISK_GET_DRIVE_LAYOUT_EX.into(),
            IOCTL_STORAGE_CHECK_VERIFY2.into(),
        ];
        let mut fake = stick();
        for ((request, answer), keep) in requests.into_iter().zip(&answers).zip(keep) {
            if !keep {
                fake = fake.with_answer(2, request, Ok(answer.clone()));
            }
        }
        let fake = fake.change(|machine| {
            machine.volumes[2].extents = Ok(answers[6].clone());
            machine.volumes[2].points = texts[..2].to_vec();
            let information = machine.volumes[2].information.as_mut().unwrap();
            (information.label, information.file_system) = (texts[2].clone(), texts[3].clone());
            if !keep[7] {
                machine.registry.insert("SystemPartition".into(), texts[4].clone());
            }
            machine.disks.get_mut(&2).unwrap().instance = texts[0].clone();
        });
        for drive in list(&fake) {
            drive.refusals(&nothing());
            serde_json::to_string(&drive).unwrap();
            if !drive.is_system() {
                let _ = file::unmount(&fake, &drive);
                let _ = DriveFile::open_with(fake.clone(), &drive);
            }
        }
    }
}
