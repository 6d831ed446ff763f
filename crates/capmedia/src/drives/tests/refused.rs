//! Drives that are not written, and what is none.

use super::*;

/// The refusals of a check in words.
#[track_caller]
fn refusals(checked: Result<(), DrivesError>) -> Vec<DriveRefusal> {
    match checked {
        Err(DrivesError::Refused { refusals }) => refusals,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_refusal_of_every_drive_is_told_at_once() {
    let machine = Machine::new();
    let paths = ["sdb", "sdc", "sdd"].map(|name| machine.stick(name, 64 * MIB));
    let sys = |drive: &str, file: &str, text: &str| {
        fs::write(machine.path(&format!("sys/block/{drive}/{file}")), text).unwrap();
    };
    sys("sdb", "removable", "0");
    sys("sdc", "ro", "1");
    sys("sdd", "queue/logical_block_size", "4096");
    let link = machine.path("dev/link");
    symlink(&paths[0], &link).unwrap();
    let request = machine.request(&[&paths[0], &paths[1], &paths[2], &link]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    assert_eq!(targets.drives().len(), 3);
    let found = refusals(targets.check(&consent(&targets)));
    assert!(
        matches!(
            &found[..],
            [
                DriveRefusal::Twice { .. },
                DriveRefusal::Drive(Refusal::Fixed { .. }),
                DriveRefusal::Drive(Refusal::ReadOnly { .. }),
                DriveRefusal::OtherSectorSize { found: 4096, expected: 512, .. },
            ]
        ),
        "{found:?}"
    );
    let consent = consent(&targets).with_allow_fixed(true);
    assert_eq!(refusals(targets.check(&consent)).len(), 3);
}

#[test]
fn options_or_another_drive_are_of_the_request_and_the_rest_is_not() {
    let machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    let request = machine.request(&[&path]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let sys = |file: &str, text: &str| {
        fs::write(machine.path(&format!("sys/block/sdb/{file}")), text).unwrap();
    };
    let blame = |consent: &Consent| Error::from(targets.check(consent).unwrap_err()).blame();
    assert_eq!(blame(&Consent::new()), Blame::Request);
    sys("removable", "0");
    assert_eq!(blame(&consent(&targets)), Blame::Request);
    sys("removable", "1");
    machine.mount("30 1 8:98 / /media/a rw - vfat /dev/sdb rw\n");
    assert_eq!(blame(&consent(&targets)), Blame::Request);
    sys("ro", "1");
    assert_eq!(blame(&consent(&targets)), Blame::Output);
    machine.mount("");
    assert_eq!(blame(&consent(&targets)), Blame::Output);
    sys("ro", "0");
    sys("size", "0");
    assert_eq!(
        blame(&consent(&targets).with_drive(&machine.system().drive(&path).unwrap())),
        Blame::Output
    );
    let not_allowed = DriveRefusal::Drive(Refusal::NotAllowed { drive: "sdb".to_owned() });
    let refused = DrivesError::Refused { refusals: vec![not_allowed] };
    assert_eq!(Error::from(refused).blame(), Blame::Output);
}

#[test]
fn only_the_drive_that_was_confirmed_is_wiped() {
    let machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    let request = machine.request(&[&path]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    targets.check_unconfirmed(&Consent::new()).unwrap();
    let found = refusals(targets.check(&Consent::new()));
    assert!(matches!(&found[..], [DriveRefusal::NotConfirmed { .. }]), "{found:?}");
    assert!(found[0].to_string().contains("(SERIAL-sdb) was not confirmed"), "{}", found[0]);
    let consent = consent(&targets);
    targets.check(&consent).unwrap();
    // Another stick at the same path.
    fs::write(machine.path("sys/block/sdb/diskseq"), "99").unwrap();
    let found = refusals(targets.check(&consent));
    assert!(matches!(&found[..], [DriveRefusal::NotConfirmed { .. }]), "{found:?}");
    fs::remove_file(machine.path("sys/block/sdb")).unwrap();
    fs::remove_file(machine.path("sys/class/block/sdb")).unwrap();
    assert!(matches!(targets.check(&consent), Err(DrivesError::Path(_))));
}

#[test]
fn a_drive_that_is_too_small_is_told_what_is_needed() {
    let machine = Machine::new();
    let paths = [machine.stick("sdb", 64 * MIB), machine.stick("sdc", 20 * MIB)];
    let big = machine.path("work/big");
    File::create(&big).unwrap().set_len(50 * MIB).unwrap();
    let request = machine.request(&[&paths[0], &paths[1]]);
    let request = request.with_add(format!("{}=big", big.display())).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let error = MediaPlan::for_drives(&request, None, &targets).unwrap_err();
    assert_eq!(error.blame(), Blame::Output);
    let Error::Drives(DrivesError::Refused { refusals }) = error else { panic!("{error}") };
    let [DriveRefusal::Drive(Refusal::TooSmall { needed, found, .. })] = refusals[..] else {
        panic!("{refusals:?}")
    };
    assert_eq!(found, 20 * MIB);
    // Just that is enough, and less is not.
    for (len, fits) in [(needed, true), (needed - 1024, false)] {
        let path = machine.stick("sde", len - len % 512);
        let request = machine.request(&[&path]);
        let request = request.with_add(format!("{}=big", big.display())).check().unwrap();
        let targets = machine.targets(&request).unwrap().unwrap();
        assert_eq!(MediaPlan::for_drives(&request, None, &targets).is_ok(), fits, "{len}");
        fs::remove_file(machine.path("sys/block/sde")).unwrap();
        fs::remove_file(machine.path("sys/class/block/sde")).unwrap();
    }
}

#[test]
fn what_the_media_is_made_of_may_not_lie_on_the_drive() {
    let machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    let request = machine.request(&[&path]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let consent = consent(&targets).with_unmount(true);
    targets.check(&consent).unwrap();
    let work = machine.path("work");
    machine.mount(&format!("30 1 8:98 / {} rw - vfat /dev/sdb rw\n", work.display()));
    let found = refusals(targets.check(&consent));
    let wim = machine.path("work/boot.wim");
    assert!(
        matches!(&found[..], [DriveRefusal::HoldsInput { path, .. }] if *path == wim),
        "{found:?}"
    );
    let targets = machine.targets(&request).unwrap().unwrap();
    assert!(targets.refuse_on_drives(&machine.path("work/new.log")).is_err());
    assert!(targets.refuse_on_drives(Path::new("/proc/new.log")).is_ok());
}

#[test]
fn only_drives_are_drives() {
    let machine = Machine::new();
    let stick = machine.stick("sdb", 64 * MIB);
    let of = |paths: &[&Path]| machine.targets(&machine.request(paths).check().unwrap());
    assert!(of(&[&machine.path("new.img")]).unwrap().is_none());
    fs::write(machine.path("work/old.img"), "").unwrap();
    assert!(of(&[&machine.path("work/old.img")]).unwrap().is_none());
    assert!(of(&[Path::new("/dev/null")]).unwrap().is_none());
    assert!(of(&[Path::new("-")]).unwrap().is_none());
    let missing = of(&[Path::new("/dev/no-such-drive")]).unwrap_err();
    assert!(matches!(missing, DrivesError::Path(PathError::Missing { .. })), "{missing}");
    let folder = of(&[&machine.path("work")]).unwrap_err();
    assert!(matches!(folder, DrivesError::Folder { .. }), "{folder}");
    for other in ["new.img", "work/old.img"] {
        let other = machine.path(other);
        let mixed = of(&[&stick, &other]).unwrap_err();
        assert!(matches!(mixed, DrivesError::NotADrive { .. }), "{mixed}");
        let mixed = of(&[&other, &stick]).unwrap_err();
        assert!(matches!(mixed, DrivesError::NotADrive { .. }), "{mixed}");
    }
    // A part of it.
    let folder = machine.path("sys/block/sdb/sdb1");
    fs::create_dir(&folder).unwrap();
    for (file, text) in [("dev", "8:17"), ("size", "2048"), ("start", "2048"), ("partition", "1")] {
        fs::write(folder.join(file), text).unwrap();
    }
    symlink(folder.canonicalize().unwrap(), machine.path("sys/class/block/sdb1")).unwrap();
    fs::write(machine.path("dev/sdb1"), "").unwrap();
    let part = of(&[&machine.path("dev/sdb1")]).unwrap_err();
    assert!(part.to_string().contains("partition 1 of the drive"), "{part}");
    assert_eq!(Error::from(part).blame(), Blame::Request);
    let sized = machine.request(&[&stick]).with_image_size("64MiB").check().unwrap();
    let sized = machine.targets(&sized).unwrap_err();
    assert!(matches!(sized, DrivesError::ImageOption { option: "image-size", .. }), "{sized}");
}
