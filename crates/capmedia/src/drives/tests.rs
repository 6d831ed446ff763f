//! Drives of a machine that is a folder: what the kernel would say of them, and files in their place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use extent_image::{Content, DriveProgress, FileStorage, Phase, Storage};
use media_device::{Drive, OpenError, PathError, Refusal, System, UnmountError};
use media_model::{CaptureMediaRequest, CheckedRequest};
use tempfile::TempDir;

use super::{
    Consent, Device, Devices, DriveFailure, DriveRefusal, DriveState, DriveStatus, DriveTargets,
    DrivesError, MadeDrives,
};
use crate::{Blame, Error, MediaPlan, Target, sample};

mod refused;

const MIB: u64 = 1 << 20;

/// A machine with sticks, and a boot image beside it.
struct Machine {
    root: TempDir,
    faults: BTreeMap<PathBuf, Fault>,
    /// What was done with drives besides reading and writing.
    done: Arc<Mutex<Vec<&'static str>>>,
}

/// What a drive does wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It is in use by someone else.
    Busy,
    /// It refuses bytes from here on.
    WriteFrom(u64),
    /// It was taken out, and refuses bytes from here on.
    GoneFrom(u64),
    /// It forgets a bit here.
    Flips(u64),
    /// The same, once bytes here were written that are not zeros; and these it keeps.
    Sticks(u64),
    /// It gives back anything after it was discarded.
    Discards,
    /// The same, but it fails before all is discarded, and takes no media.
    DiscardsHalf,
    /// The kernel does not look at its table again.
    NoReread,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let machine = Self { root, faults: BTreeMap::new(), done: Arc::default() };
        for folder in ["proc/self", "sys/block", "sys/class/block", "dev", "work"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        machine.mount("");
        fs::write(machine.path("proc/swaps"), "Filename Type Size Used Priority\n").unwrap();
        fs::write(machine.path("work/boot.wim"), sample::boot_image().unwrap()).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn mount(&self, lines: &str) {
        fs::write(self.path("proc/self/mountinfo"), lines).unwrap();
    }

    /// A stick that was used before: there is something everywhere.
    fn stick(&self, name: &str, len: u64) -> PathBuf {
        let number = u32::from(name.as_bytes()[2]);
        let folder = self.path(&format!("sys/devices/usb1/host{number}/block/{name}"));
        fs::create_dir_all(folder.join("queue")).unwrap();
        for (file, text) in [
            ("dev", format!("8:{number}")),
            ("size", (len / 512).to_string()),
            ("removable", "1".to_owned()),
            ("ro", "0".to_owned()),
            ("diskseq", number.to_string()),
            ("serial", format!("SERIAL-{name}")),
            ("queue/logical_block_size", "512".to_owned()),
        ] {
            fs::write(folder.join(file), text).unwrap();
        }
        symlink(&folder, self.path(&format!("sys/block/{name}"))).unwrap();
        symlink(&folder, self.path(&format!("sys/class/block/{name}"))).unwrap();
        let node = self.path(&format!("dev/{name}"));
        let file = File::create(&node).unwrap();
        file.set_len(len).unwrap();
        for at in [0, 512, MIB, len / 2, len - 512] {
            file.write_all_at(&[0xEE; 512], at).unwrap();
        }
        node
    }

    fn system(&self) -> System {
        System::at(self.root.path())
    }

    fn request(&self, paths: &[&Path]) -> CaptureMediaRequest {
        let mut request = CaptureMediaRequest::new(self.path("work/boot.wim"), "usb", paths[0])
            .with_capture_destination(r"\\server\share\image.wim");
        request.path = paths.iter().map(PathBuf::from).collect();
        request
    }

    fn targets(&self, request: &CheckedRequest) -> Result<Option<DriveTargets>, DrivesError> {
        DriveTargets::of(request, &self.system())
    }

    fn fault(&mut self, drive: &Path, fault: Fault) {
        self.faults.insert(drive.to_path_buf(), fault);
    }

    /// Writes to all drives of a request, each of which was confirmed.
    fn write(&self, request: &CaptureMediaRequest) -> Result<MadeDrives, Error> {
        let request = request.check().unwrap();
        let targets = self.targets(&request)?.unwrap();
        let consent = consent(&targets);
        let plan = MediaPlan::for_drives(&request, None, &targets)?;
        plan.write_devices(&targets, &consent, self, &())
    }
}

fn consent(targets: &DriveTargets) -> Consent {
    targets.drives().iter().fold(Consent::new(), Consent::with_drive)
}

impl Devices for Machine {
    fn unmount(&self, _: &Drive) -> Result<(), UnmountError> {
        self.done.lock().unwrap().push("unmount");
        Ok(())
    }

    fn open(&self, drive: &Drive) -> Result<Box<dyn Device>, OpenError> {
        let fault = self.faults.get(&drive.path).copied();
        if let Some(Fault::Busy) = fault {
            return Err(OpenError::Busy { drive: drive.path.display().to_string() });
        }
        self.done.lock().unwrap().push("open");
        let file = FileStorage::open(&drive.path).unwrap();
        Ok(Box::new(Stick { file, fault, done: Arc::clone(&self.done) }))
    }
}

struct Stick {
    file: FileStorage,
    fault: Option<Fault>,
    done: Arc<Mutex<Vec<&'static str>>>,
}

impl Stick {
    /// Whether the first byte here is none that was there before, or belongs to media.
    fn is_wiped(&self) -> bool {
        let mut head = vec![1; 1 << 20];
        self.file.read_at(0, &mut head).unwrap();
        head.iter().all(|byte| *byte == 0)
    }
}

impl Storage for Stick {
    fn describe(&self) -> String {
        self.file.describe()
    }

    fn len(&self) -> u64 {
        self.file.len()
    }

    fn block_size(&self) -> u32 {
        self.file.block_size()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, bytes)?;
        if let Some(Fault::Flips(at) | Fault::Sticks(at)) = self.fault
            && let Some(byte) =
                at.checked_sub(offset).and_then(|at| bytes.get_mut(usize::try_from(at).ok()?))
        {
            *byte ^= 4;
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.fault {
            // The zeros over the end come first.
            Some(Fault::WriteFrom(from) | Fault::GoneFrom(from))
                if offset + bytes.len() as u64 > from && offset < self.len() - MIB =>
            {
                Err(io::Error::other("the medium does not take it"))
            }
            Some(Fault::DiscardsHalf) if (2 * MIB..self.len() - MIB).contains(&offset) => {
                Err(io::Error::other("the medium does not take it"))
            }
            // It has gone read-only meanwhile.
            Some(Fault::Sticks(at))
                if offset == 0 && at < MIB && bytes.len() == 512 && bytes == [0; 512] =>
            {
                Err(io::Error::other("the medium does not take it"))
            }
            _ => self.file.write_at(offset, bytes),
        }
    }

    fn flush(&self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Device for Stick {
    fn discard(&self) -> io::Result<bool> {
        self.done.lock().unwrap().push(if self.is_wiped() { "discard" } else { "discard early" });
        match self.fault {
            Some(fault @ (Fault::Discards | Fault::DiscardsHalf)) => {
                for at in [0, self.len() - 4096] {
                    self.file.write_at(at, &[0xDD; 4096])?;
                }
                match fault {
                    Fault::Discards => Ok(true),
                    _ => Err(io::Error::other("the drive failed")),
                }
            }
            _ => Ok(false),
        }
    }

    fn is_present(&self) -> bool {
        !matches!(self.fault, Some(Fault::GoneFrom(_)))
    }

    fn reread_partitions(&self) -> io::Result<()> {
        self.done.lock().unwrap().push(if self.is_wiped() { "forget" } else { "reread" });
        match self.fault {
            Some(Fault::NoReread) => Err(io::ErrorKind::ResourceBusy.into()),
            _ => Ok(()),
        }
    }
}

/// Whether nothing at the beginning of the drive tells of media, old or new.
fn is_headless(drive: &Path) -> bool {
    let mut head = vec![1; 1 << 20];
    File::open(drive).unwrap().read_exact_at(&mut head, 0).unwrap();
    head.iter().all(|byte| *byte == 0)
}

/// Compares all that a plan says with what is on a drive or in a file.
#[track_caller]
fn assert_holds(plan: &extent_image::Plan, path: &Path, other: &Path) {
    let (file, other) = (File::open(path).unwrap(), File::open(other).unwrap());
    for extent in plan.extents().iter().filter(|extent| *extent.content() != Content::Free) {
        let [mut one, mut two] = [(); 2].map(|()| vec![0; extent.len() as usize]);
        file.read_exact_at(&mut one, extent.start()).unwrap();
        other.read_exact_at(&mut two, extent.start()).unwrap();
        assert!(one == two, "{} of {} differs: {extent}", path.display(), other_name(&other));
    }
}

fn other_name(file: &File) -> u64 {
    file.metadata().unwrap().len()
}

#[test]
fn drives_get_what_an_image_of_their_length_gets() {
    for table in ["mbr", "gpt", "none"] {
        let machine = Machine::new();
        // Sticks are no whole number of MiB.
        let len = 64 * MIB + 1536;
        let (small, large) = (machine.stick("sdb", len), machine.stick("sdc", 80 * MIB));
        let drives = machine.request(&[&large, &small]).with_partition_table(table);
        let made = machine.write(&drives).unwrap();
        assert!(made.is_whole());
        let rows: Vec<_> = made.drives.iter().map(|d| (d.bytes, d.status)).collect();
        let ok = DriveStatus::Ok;
        assert_eq!(rows, [(80 * MIB, ok), (len, ok)]);
        assert!(made.drives.iter().all(|drive| drive.verified_bytes == drive.written_bytes));
        assert!(made.drives[0].verified_bytes > MIB);
        assert!((16 * MIB..18 * MIB).contains(&made.drives[0].unused_bytes));
        let told: Vec<_> = made.summary.warnings.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|warning| warning.contains("sdc stay unused")), "{told:?}");

        let image = machine.path("image.img");
        let request = machine.request(&[&image]).with_partition_table(table);
        let request = request.with_image_size(format!("{len}B")).check().unwrap();
        let plan = MediaPlan::new(&request).unwrap();
        let _ = plan.publish(&Target::of(&request).unwrap(), &mut ()).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().len(), len);
        assert_holds(plan.plan(), &small, &image);
        for path in [&small, &large, &image] {
            let found = crate::verify_file(path, &mut ()).unwrap();
            assert_eq!(found.faults, [] as [&str; 0], "{table} {}", path.display());
            assert!(found.compared > 20);
        }
    }
}

#[test]
fn a_drive_larger_than_fat32_is_used_as_far_as_that_reaches() {
    let machine = Machine::new();
    let path = machine.stick("sdb", 3 << 40);
    for table in ["mbr", "gpt", "none"] {
        let request = machine.request(&[&path]).with_partition_table(table).check().unwrap();
        let targets = machine.targets(&request).unwrap().unwrap();
        let plan = MediaPlan::for_drives(&request, None, &targets).unwrap();
        let (_, stick) = plan.stick().unwrap();
        let len = stick.volume().plan().len();
        assert!(((2 << 40) - 3 * MIB..2 << 40).contains(&len), "{table} {len}");
    }
}

#[test]
fn a_drive_that_fails_leaves_the_others_alone() {
    let mut machine = Machine::new();
    let paths = ["sdb", "sdc", "sdd", "sde"].map(|name| machine.stick(name, 64 * MIB));
    machine.fault(&paths[0], Fault::Busy);
    machine.fault(&paths[1], Fault::WriteFrom(3 * MIB));
    machine.fault(&paths[2], Fault::GoneFrom(3 * MIB));
    machine.fault(&paths[3], Fault::NoReread);
    let request = machine.request(&[&paths[0], &paths[1], &paths[2], &paths[3]]);
    let made = machine.write(&request).unwrap();
    assert!(!made.is_whole());
    let failures: Vec<_> = made.failed().map(|(_, failure)| failure).collect();
    assert!(
        matches!(
            failures[..],
            [
                DriveFailure::Open(OpenError::Busy { .. }),
                DriveFailure::Write { .. },
                DriveFailure::Gone { .. }
            ]
        ),
        "{failures:?}"
    );
    let states: Vec<_> = made.drives.iter().map(|drive| drive.state).collect();
    let expected =
        [DriveState::Untouched, DriveState::Erased, DriveState::Erased, DriveState::Media];
    assert_eq!(states, expected);
    assert!(!is_headless(&paths[0]) && is_headless(&paths[1]) && is_headless(&paths[2]));
    assert!(crate::verify_file(&paths[3], &mut ()).unwrap().is_clean());
    let told = made.summary.warnings.iter().map(ToString::to_string).collect::<String>();
    assert!(told.contains("sde has the media, but"), "{told}");
    let json = serde_json::to_value(&made).unwrap();
    assert_eq!(json["drives"][1]["status"], "failed");
    let error = json["drives"][1]["failure"]["error"].as_str().unwrap();
    assert!(error.ends_with("sdc failed while it was written or read back"), "{error}");
    assert_eq!(json["drives"][0]["state"], "untouched");
    assert_eq!(json["drives"][1]["state"], "erased");
    assert_eq!(json["drives"][3]["status"], "ok");
    assert_eq!(json["drives"][3].get("failure"), None);
}

#[test]
fn when_all_drives_fail_the_run_does() {
    let mut machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    machine.fault(&path, Fault::Busy);
    let error = machine.write(&machine.request(&[&path])).unwrap_err();
    assert_eq!(error.blame(), Blame::Output);
    assert!(error.to_string().contains("is in use"), "{error}");
    machine.fault(&path, Fault::WriteFrom(2 * MIB));
    let error = machine.write(&machine.request(&[&path])).unwrap_err();
    assert!(error.to_string().contains("does not take it"), "{error}");
    let Error::Drives(DrivesError::AllFailed { made }) = error else { panic!("{error}") };
    assert_eq!(made.drives[0].status, DriveStatus::Failed);
}

#[test]
fn what_does_not_read_back_is_named() {
    let mut machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    let request = machine.request(&[&path]);
    let made = machine.write(&request).unwrap();
    assert!(made.is_whole());
    // Where the boot image lies, another reader says.
    let mut disk = File::open(&path).unwrap();
    let range = disk_image::read(&mut disk).unwrap().partitions()[0].range();
    let (start, len) = (range.start, range.end - range.start);
    let mut volume = fat32_image::check::Volume::open(disk, start, len).unwrap();
    let entries = volume.walk().unwrap();
    let wim = entries.iter().find(|entry| entry.path() == "sources/boot.wim").unwrap();
    let at = start + volume.extents(wim).unwrap()[0].start + 70_001;
    machine.fault(&path, Fault::Flips(at));
    let error = machine.write(&request).unwrap_err();
    let Error::Drives(DrivesError::AllFailed { made }) = &error else { panic!("{error}") };
    let place = made.drives[0].failure.as_ref().and_then(DriveFailure::place).unwrap();
    assert_eq!((&*place.name, place.is_file, place.byte), ("sources/boot.wim", true, 70_001));
    assert!(error.to_string().contains("byte 70001 of sources/boot.wim"), "{error}");
    assert!(is_headless(&path));
    // The partition table, which is written last.
    machine.fault(&path, Fault::Flips(447));
    let error = machine.write(&request).unwrap_err();
    assert!(error.to_string().contains("byte 447 of master boot record"), "{error}");
    assert_eq!(states(&error), [DriveState::Erased]);
    assert!(is_headless(&path));
    // It cannot be taken back.
    machine.fault(&path, Fault::Sticks(447));
    let error = machine.write(&request).unwrap_err();
    assert_eq!(states(&error), [DriveState::MaybeMedia]);
    assert!(!is_headless(&path));
    machine.fault(&path, Fault::Flips(447));
    // Nobody looks.
    let made = machine.write(&request.with_no_verify(true)).unwrap();
    assert_eq!(made.drives[0].verified_bytes, 0);
}

#[test]
fn damaged_content_leaves_no_head() {
    let machine = Machine::new();
    let paths = ["sdb", "sdc"].map(|name| machine.stick(name, 64 * MIB));
    let request = machine.request(&[&paths[0], &paths[1]]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let plan = MediaPlan::for_drives(&request, None, &targets).unwrap();
    let wim = machine.path("work/boot.wim");
    let bytes = fs::read(&wim).unwrap();
    fs::write(&wim, &bytes[..bytes.len() - 1]).unwrap();
    let error = plan.write_devices(&targets, &consent(&targets), &machine, &()).unwrap_err();
    assert_eq!(error.blame(), Blame::Input);
    assert_eq!(states(&error), [DriveState::Erased; 2], "{error}");
    assert!(is_headless(&paths[0]) && is_headless(&paths[1]));
}

#[test]
fn a_run_can_be_cancelled() {
    let machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    let request = machine.request(&[&path]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let plan = MediaPlan::for_drives(&request, None, &targets).unwrap();
    for stop_in in [Phase::Write, Phase::Verify] {
        let progress = |_: usize, phase: Phase, _: u64, _: u64| match phase == stop_in {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let consent = consent(&targets);
        let error = plan.write_devices(&targets, &consent, &machine, &progress).unwrap_err();
        assert_eq!(error.blame(), Blame::Cancelled, "{error}");
        assert_eq!(states(&error), [DriveState::Erased]);
        assert!(is_headless(&path));
    }
}

/// A signal may come while the boot image is looked at, after the drives were confirmed.
#[test]
fn a_run_that_is_cancelled_at_once_touches_nothing() {
    let machine = Machine::new();
    let paths = ["sdb", "sdc"].map(|name| machine.stick(name, 64 * MIB));
    let request = machine.request(&[&paths[0], &paths[1]]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let plan = MediaPlan::for_drives(&request, None, &targets).unwrap();
    let before = paths.each_ref().map(|path| fs::read(path).unwrap());
    let consent = consent(&targets).with_unmount(true);
    // At once; when both drives are open; when the first is.
    for (asked_before, expected) in
        [(0, &[][..]), (2, &["unmount", "open", "unmount", "open"]), (1, &["unmount", "open"])]
    {
        machine.done.lock().unwrap().clear();
        let asked = AtomicUsize::new(0);
        let progress = |_: usize, phase: Phase, done: u64, _: u64| {
            assert_eq!((phase, done), (Phase::Wipe, 0));
            match asked.fetch_add(1, Ordering::Relaxed) < asked_before {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        let error = plan.write_devices(&targets, &consent, &machine, &progress).unwrap_err();
        assert_eq!(error.blame(), Blame::Cancelled, "{error}");
        assert_eq!(states(&error), [DriveState::Untouched; 2]);
        assert!(error.to_string().contains("sdb is as it was"), "{error}");
        let done = machine.done.lock().unwrap();
        assert_eq!(
            done.iter().filter(|done| **done != "reread").collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
        assert!(before == paths.each_ref().map(|path| fs::read(path).unwrap()));
    }
}

#[test]
fn a_run_that_ends_keeps_what_kept_drives_from_being_opened() {
    let mut machine = Machine::new();
    let paths = ["sdb", "sdc"].map(|name| machine.stick(name, 64 * MIB));
    machine.fault(&paths[0], Fault::Busy);
    let request = machine.request(&[&paths[0], &paths[1]]).check().unwrap();
    let targets = machine.targets(&request).unwrap().unwrap();
    let plan = MediaPlan::for_drives(&request, None, &targets).unwrap();
    let progress = |_: usize, phase: Phase, _: u64, _: u64| match phase {
        Phase::Write => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = plan.write_devices(&targets, &consent(&targets), &machine, &progress).unwrap_err();
    assert_eq!(states(&error), [DriveState::Untouched, DriveState::Erased]);
    let text = error.to_string();
    for part in ["sdb is in use", "sdb is as it was", "sdc is erased"] {
        assert!(text.contains(part), "{text}");
    }
    let Error::Drives(DrivesError::Ended { made, .. }) = error else { panic!("{error}") };
    let failures: Vec<_> = made.failed().map(|(_, failure)| failure).collect();
    assert!(
        matches!(failures[..], [DriveFailure::Open(_), DriveFailure::Ended { .. }]),
        "{failures:?}"
    );
}

/// The same names as `capmedia drives` gives: none where there is none, and of several drives with
/// one serial, on this run or not, the number of the connection.
#[test]
fn programs_are_told_the_serial_and_the_name_of_each_drive() {
    let machine = Machine::new();
    let paths = ["sdb", "sdc", "sdd"].map(|name| machine.stick(name, 64 * MIB));
    let _unnamed = machine.stick("sde", 64 * MIB);
    fs::remove_file(machine.path("sys/block/sdc/serial")).unwrap();
    fs::write(machine.path("sys/block/sde/serial"), "SERIAL-sdd").unwrap();
    let made = machine.write(&machine.request(&[&paths[0], &paths[1], &paths[2]])).unwrap();
    let told = serde_json::to_value(&made).unwrap();
    let told = |drive: usize| {
        let drive = &told["drives"][drive];
        [
            drive["serial"].as_str().map(str::to_owned),
            drive["drive-serial"].as_str().map(str::to_owned),
        ]
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(told(0), [text("SERIAL-sdb"), text("SERIAL-sdb")]);
    // The letter's number.
    assert_eq!(told(1), [None, text("diskseq:99")]);
    assert_eq!(told(2), [text("SERIAL-sdd"), text("diskseq:100")]);
}

/// The kernel must not offer partitions that are being overwritten, and nothing is discarded before
/// what tells of the old media is gone.
#[test]
fn a_drive_is_wiped_before_it_is_discarded() {
    let mut machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    machine.fault(&path, Fault::Discards);
    assert!(machine.write(&machine.request(&[&path])).unwrap().is_whole());
    assert_eq!(*machine.done.lock().unwrap(), ["open", "forget", "discard", "reread"]);
    assert!(crate::verify_file(&path, &mut ()).unwrap().is_clean());
}

/// What it gives back then must not be taken for what was erased.
#[test]
fn a_drive_that_fails_while_it_discards_is_wiped_again() {
    let mut machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    machine.fault(&path, Fault::DiscardsHalf);
    let error = machine.write(&machine.request(&[&path])).unwrap_err();
    assert_eq!(*machine.done.lock().unwrap(), ["open", "forget", "discard", "forget"]);
    assert_eq!(states(&error), [DriveState::Erased]);
    assert!(is_headless(&path));
}

#[test]
fn a_drive_that_takes_nothing_keeps_what_it_has() {
    let mut machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    machine.fault(&path, Fault::WriteFrom(0));
    let error = machine.write(&machine.request(&[&path])).unwrap_err();
    assert_eq!(states(&error), [DriveState::MaybeOld]);
    assert!(!is_headless(&path));
}

#[test]
fn a_failed_drive_has_no_second_partition_table_either() {
    let mut machine = Machine::new();
    let path = machine.stick("sdb", 64 * MIB);
    let request = machine.request(&[&path]).with_partition_table("gpt");
    for at in [3 * MIB, 512] {
        machine.fault(&path, Fault::Flips(at));
        let error = machine.write(&request).unwrap_err();
        assert_eq!(states(&error), [DriveState::Erased], "{at}");
        assert!(is_headless(&path));
        let mut last = [1; 512];
        File::open(&path).unwrap().read_exact_at(&mut last, 64 * MIB - 512).unwrap();
        assert_eq!(last, [0; 512], "{at}");
    }
}

/// What drives were left with by a run that has failed.
#[track_caller]
fn states(error: &Error) -> Vec<DriveState> {
    let Error::Drives(
        DrivesError::Ended { made, .. }
        | DrivesError::Cancelled { made }
        | DrivesError::AllFailed { made },
    ) = error
    else {
        panic!("{error}")
    };
    made.drives.iter().map(|drive| drive.state).collect()
}

/// Drive, phase, path and range of a file.
type ToldFile = (usize, Phase, String, Range<u64>);

/// What each drive was told of files.
#[derive(Default)]
struct Told(Mutex<Vec<ToldFile>>);

impl DriveProgress for Told {
    fn file(&self, drive: usize, phase: Phase, path: &str, place: Range<u64>) {
        self.0.lock().unwrap().push((drive, phase, path.to_owned(), place));
    }
}

#[test]
fn each_drive_tells_its_files_where_they_lie() {
    for table in ["mbr", "gpt", "none"] {
        let machine = Machine::new();
        let paths = ["sdb", "sdc"].map(|name| machine.stick(name, 64 * MIB));
        let big = machine.path("work/big.bin");
        fs::write(&big, (0..3_000_000u32).map(|n| (n >> 8) as u8).collect::<Vec<u8>>()).unwrap();
        let request = machine.request(&[&paths[0], &paths[1]]).with_partition_table(table);
        let request = request.with_add(format!("{}=big.bin", big.display())).check().unwrap();
        let targets = machine.targets(&request).unwrap().unwrap();
        let plan = MediaPlan::for_drives(&request, None, &targets).unwrap();
        let told = Told::default();
        assert!(
            plan.write_devices(&targets, &consent(&targets), &machine, &told).unwrap().is_whole()
        );
        let told = told.0.into_inner().unwrap();
        let (_, stick) = plan.stick().unwrap();
        let first = stick.body().start.max(stick.head_len());
        for (drive, path) in paths.iter().enumerate() {
            for phase in [Phase::Write, Phase::Verify] {
                let of = told.iter().filter(|(at, when, ..)| (*at, *when) == (drive, phase));
                let of: Vec<_> = of.filter(|(_, _, path, _)| path == "big.bin").collect();
                let [(.., place)] = &*of else { panic!("{table} {phase:?} {of:?}") };
                let mut found = vec![0; 3_000_000];
                assert_eq!(place.end - place.start, 3_000_000);
                let file = File::open(path).unwrap();
                file.read_exact_at(&mut found, first + place.start).unwrap();
                assert!(found == fs::read(&big).unwrap(), "{table} {phase:?}");
            }
        }
    }
}
