//! Media onto drives: loop devices, which the kernel treats as it does sticks.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use capmedia::media_device::{Refusal, System};
use capmedia::{
    Consent, DriveFailure, DriveRefusal, DriveState, DriveTargets, DrivesError, Error, MadeDrives,
    MediaPlan, verify_file,
};
use dp_content::{Content, ContentOptions, open_folder};
use extent_image::{Phase, Plan};
use media_model::{CaptureMediaRequest, CheckedRequest};

use crate::content_locations::{Counting, Site, content, large_wim};
use crate::loops::{Loops, run};
use crate::support::{Workshop, make, noise, small_wim, told};

const MIB: u64 = 1 << 20;

fn onto(mut request: CaptureMediaRequest, drives: &[&Path]) -> CaptureMediaRequest {
    request.path = drives.iter().map(PathBuf::from).collect();
    request.image_size = None;
    request
}

fn targets(request: &CheckedRequest) -> (DriveTargets, Consent) {
    let targets = DriveTargets::of(request, &System::new()).unwrap().unwrap();
    let consent = Consent::new().with_allow_fixed(true);
    let consent = targets.drives().iter().fold(consent, Consent::with_drive);
    (targets, consent)
}

fn write(request: &CaptureMediaRequest, content: Option<&Content>) -> Result<MadeDrives, Error> {
    let request = request.check().unwrap();
    let (targets, consent) = targets(&request);
    targets.check(&consent)?;
    MediaPlan::for_drives(&request, content, &targets)?.write_drives(&targets, &consent, &())
}

/// Compares everything but free space.
#[track_caller]
fn assert_same_extents(plan: &Plan, one: &Path, other: &Path) {
    let [mut one, mut other] = [one, other].map(|path| File::open(path).unwrap());
    for extent in plan.extents() {
        if *extent.content() == extent_image::Content::Free {
            continue;
        }
        let bytes = [&mut one, &mut other].map(|file| {
            let mut bytes = vec![0; extent.len() as usize];
            file.seek(SeekFrom::Start(extent.start())).unwrap();
            file.read_exact(&mut bytes).unwrap();
            bytes
        });
        assert!(bytes[0] == bytes[1], "differs: {extent}");
    }
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_drive_gets_what_an_image_gets() {
    let workshop = Workshop::new();
    let mut loops = Loops::new();
    for (table, sector, len) in [
        ("mbr", 512, 64 * MIB),
        ("gpt", 512, 64 * MIB),
        ("none", 512, 64 * MIB),
        ("mbr", 4096, 300 * MIB),
        ("gpt", 4096, 300 * MIB),
    ] {
        let drive = loops.drive(&workshop.path("drive"), len, sector);
        let image = workshop.request("usb").with_force(true).with_partition_table(table);
        let made = write(&onto(image.clone(), &[&drive]), None).unwrap();
        assert!(made.is_whole() && made.drives[0].verified_bytes > MIB, "{made:?}");
        assert_eq!(made.drives[0].sector_size, sector);
        let found = verify_file(&drive, &mut ()).unwrap();
        assert_eq!(found.faults, [] as [&str; 0], "{table} {sector}");

        let image = image.with_image_size(format!("{len}B")).with_sector_size(sector.to_string());
        let plan = MediaPlan::new(&image.check().unwrap()).unwrap();
        make(&image).unwrap();
        assert_same_extents(plan.plan(), &drive, &workshop.path("out/capture.img"));
        loops.free(&drive);
    }
}

#[test]
#[ignore = "needs root and loop devices"]
fn four_drives_cost_one_reading_of_the_content() {
    let site = Site::new(large_wim(24));
    site.library("a");
    let mut loops = Loops::new();
    let drives: Vec<PathBuf> = (0..4)
        .map(|at| loops.drive(&site.workshop.path(&format!("drive{at}")), 80 * MIB, 512))
        .collect();
    let read = |drives: &[&Path]| {
        let bytes = Arc::<AtomicUsize>::default();
        let inner = open_folder(&site.workshop.path("a")).unwrap();
        let counting = Counting { inner, opened: Arc::default(), bytes: Arc::clone(&bytes) };
        let content = Content::with_locations(vec![Arc::new(counting)], ContentOptions::new());
        let made = write(&onto(site.boot_image_alone("usb", &["a"]), drives), Some(&content));
        assert!(made.unwrap().is_whole());
        bytes.load(Ordering::Relaxed)
    };
    let one = read(&[&drives[0]]);
    let four = read(&drives.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert!((24 << 20..40 << 20).contains(&one), "{one} bytes");
    assert_eq!(one, four);
    for drive in &drives {
        assert!(verify_file(drive, &mut ()).unwrap().is_clean());
    }
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_drive_that_fails_in_the_middle_leaves_the_others_alone() {
    let workshop = Workshop::new();
    let data = workshop.put("data", noise(24 << 20, 1));
    let mut loops = Loops::new();
    let small = workshop.path("small");
    // The file behind this drive cannot grow to what is written: an I/O error at about 60 %.
    loops.mount(&["-t", "tmpfs", "-o", "size=16m", "tmpfs"], &small);
    let failing = loops.drive(&small.join("drive"), 64 * MIB, 512);
    let good: Vec<PathBuf> = (0..3)
        .map(|at| loops.drive(&workshop.path(&format!("drive{at}")), 64 * MIB, 512))
        .collect();
    let request = workshop.request("usb").with_add(format!("{}=data", data.display()));
    let request = onto(request, &[&good[0], &failing, &good[1], &good[2]]);
    let made = write(&request, None).unwrap();
    let failed: Vec<_> = made.failed().collect();
    assert!(matches!(failed[..], [(_, DriveFailure::Write { .. })]), "{failed:?}");
    assert_eq!(Path::new(&failed[0].0.path), failing);
    for drive in &good {
        assert!(verify_file(drive, &mut ()).unwrap().is_clean());
    }
    // No table, so nobody takes it for media.
    let mut sector = [1; 512];
    File::open(&failing).unwrap().read_exact(&mut sector).unwrap();
    assert_eq!(sector, [0; 512]);
}

#[test]
#[ignore = "needs root and loop devices"]
fn mounted_drives_and_those_that_hold_the_content_are_refused() {
    let workshop = Workshop::new();
    let mut loops = Loops::new();
    let drive = loops.drive(&workshop.path("drive"), 128 * MIB, 512);
    let node = drive.display().to_string();
    run("mkfs.ext4", &["-q", "-F", &node]);
    let mounted = workshop.path("mounted");
    loops.mount(&[&node], &mounted);
    let kept = fs::read(workshop.path("boot.wim")).unwrap();
    fs::write(mounted.join("boot.wim"), &kept).unwrap();

    let mut request = onto(workshop.request("usb"), &[&drive]);
    let refused = |request: &CaptureMediaRequest, unmount| {
        let request = request.check().unwrap();
        let (targets, consent) = targets(&request);
        match targets.check(&consent.with_unmount(unmount)) {
            Err(DrivesError::Refused { refusals }) => refusals,
            other => panic!("{other:?}"),
        }
    };
    let found = refused(&request, false);
    assert!(matches!(found[..], [DriveRefusal::Drive(Refusal::Mounted { .. })]), "{found:?}");
    // Fixed drives are not written but on request.
    let checked = request.check().unwrap();
    let (targets_of, _) = targets(&checked);
    let fixed = targets_of.check_unconfirmed(&Consent::new().with_unmount(true)).unwrap_err();
    assert!(fixed.to_string().contains("--allow-fixed"), "{fixed}");

    request.boot_image = Some(mounted.join("boot.wim"));
    let found = refused(&request, true);
    assert!(matches!(found[..], [DriveRefusal::HoldsInput { .. }]), "{found:?}");
    assert_eq!(fs::read(mounted.join("boot.wim")).unwrap(), kept);

    request.boot_image = Some(workshop.path("boot.wim"));
    let checked = request.check().unwrap();
    let (targets, consent) = targets(&checked);
    let consent = consent.with_unmount(true);
    // A log in a folder of the drive, say.
    assert!(targets.refuse_on_drives(&mounted.join("new.log")).is_err());
    targets.check(&consent).unwrap();
    let plan = MediaPlan::for_drives(&checked, None, &targets).unwrap();
    assert!(plan.write_drives(&targets, &consent, &()).unwrap().is_whole());
    assert!(!mounted.join("boot.wim").exists());
    assert!(verify_file(&drive, &mut ()).unwrap().is_clean());
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_damaged_copy_has_all_drives_written_again() {
    let site = Site::new(small_wim());
    let middle = site.wim.len() / 2;
    site.library("bad").flip_byte(&site.wim, middle);
    site.library("good");
    let mut loops = Loops::new();
    let drives =
        ["drive0", "drive1"].map(|name| loops.drive(&site.workshop.path(name), 64 * MIB, 512));
    let request =
        |names: &[&str]| onto(site.boot_image_alone("usb", names), &[&drives[0], &drives[1]]);
    let both = request(&["bad", "good"]);
    let made = write(&both, Some(&content(&both))).unwrap();
    assert!(made.is_whole());
    let told_of = made.summary.content.unwrap().events;
    assert!(told_of.iter().any(|event| event.kind == "bad-copy"), "{told_of:?}");
    for drive in &drives {
        assert!(verify_file(drive, &mut ()).unwrap().is_clean());
    }
    let bad = request(&["bad"]);
    let error = write(&bad, Some(&content(&bad))).unwrap_err();
    assert_eq!(error.blame(), capmedia::Blame::Content, "{}", told(&error));
}

/// The drives are erased when the next copy turns out to be gone: that is told, and what was wrong.
#[test]
#[ignore = "needs root and loop devices"]
fn drives_that_were_erased_are_told_when_there_is_no_other_copy_any_more() {
    let site = Site::new(large_wim(24));
    let middle = site.wim.len() / 2;
    site.library("bad").flip_byte(&site.wim, middle);
    site.library("good");
    let mut loops = Loops::new();
    let drive = loops.drive(&site.workshop.path("drive0"), 80 * MIB, 512);
    let request = onto(site.boot_image_alone("usb", &["bad", "good"]), &[&drive]);
    let access = content(&request);
    let request = request.check().unwrap();
    let (targets, consent) = targets(&request);
    let plan = MediaPlan::for_drives(&request, Some(&access), &targets).unwrap();
    let good = site.workshop.path("good");
    let progress = |_: usize, phase: Phase, _: u64, _: u64| {
        if phase == Phase::Write && good.exists() {
            fs::remove_dir_all(&good).unwrap();
        }
        ControlFlow::Continue(())
    };
    let error = plan.write_drives(&targets, &consent, &progress).unwrap_err();
    assert_eq!(error.blame(), capmedia::Blame::Content, "{}", told(&error));
    assert!(error.to_string().contains("is erased, and no computer starts from it"), "{error}");
    let Error::Drives(DrivesError::Ended { made, .. }) = error else { panic!("{error}") };
    assert_eq!(made.drives[0].state, DriveState::Erased);
}
