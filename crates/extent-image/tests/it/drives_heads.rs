//! What drives are left with: before anything is written, while the head is, and after each failure.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use extent_image::{
    DriveError, DriveJob, DriveOptions, DriveProgress, EndedRun, FailedDrive, HeadState, Phase,
    Plan, PlanBuilder, Source, Storage, StreamError, write_drives,
};

use crate::drives::{MIB, assert_holds, disk, is_headless, options, volume, write};
use crate::scripted::{Counted, Drive, Op};

/// A drive on which what the second says of a call and of those before it fails.
struct Failing<F>(Drive, F);

impl<F: Fn(Op, &[Op]) -> bool + Send + Sync> Failing<F> {
    fn ask(&self, op: Op) -> io::Result<()> {
        match (self.1)(op, &self.0.log()) {
            true => Err(io::Error::other("failing")),
            false => Ok(()),
        }
    }
}

impl<F: Fn(Op, &[Op]) -> bool + Send + Sync> Storage for Failing<F> {
    fn describe(&self) -> String {
        "failing".to_owned()
    }

    fn len(&self) -> u64 {
        self.0.len()
    }

    fn block_size(&self) -> u32 {
        512
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.ask(Op::Read { at, len: bytes.len() as u64 })?;
        self.0.read_at(at, bytes)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.ask(Op::Write { at, len: bytes.len() as u64 })?;
        self.0.write_at(at, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.ask(Op::Flush)?;
        self.0.flush()
    }

    fn forget_cached(&self) -> io::Result<()> {
        self.0.forget_cached()
    }
}

fn a_disk() -> (Plan, Plan) {
    let volume = volume(Arc::new(Counted::new(3_000_000)));
    (disk(&volume, 1, 0), volume)
}

/// A run with one drive that fails so.
fn left(fails: impl Fn(Op, &[Op]) -> bool + Send + Sync) -> (FailedDrive, Drive, Plan) {
    let (plan, volume) = a_disk();
    let drive = Failing(Drive::new(plan.len() + 2 * MIB), fails);
    let jobs = [DriveJob::new(&drive, &plan)];
    let mut report = write_drives(&jobs, &options(&volume), &()).unwrap();
    (report.drives.remove(0).unwrap_err(), drive.0, plan)
}

fn second_table(drive: &Drive, plan: &Plan) -> Vec<u8> {
    let at = usize::try_from(plan.len() - 1024).unwrap();
    drive.bytes()[at..at + 1024].to_vec()
}

/// Block 0 as it is written at the end.
fn is_last(op: Op) -> bool {
    matches!(op, Op::Write { at: 0, len: 512 })
}

#[test]
fn a_drive_that_takes_nothing_is_as_it_was_perhaps() {
    let (failed, drive, plan) = left(|op, _| matches!(op, Op::Write { .. }));
    assert!(matches!(failed.error, DriveError::Write { at: 0, .. }));
    assert_eq!(failed.head, HeadState::MaybeOld);
    assert!(!is_headless(&drive, 512));
    assert_eq!(second_table(&drive, &plan), [crate::scripted::OLD; 1024]);
}

#[test]
fn a_drive_that_turns_read_only_was_wiped() {
    let flushed = |log: &[Op]| log.contains(&Op::Flush);
    let (failed, drive, _) = left(|op, log| matches!(op, Op::Write { .. }) && flushed(log));
    assert_eq!(failed.head, HeadState::Zeroed);
    assert!(is_headless(&drive, MIB));
}

/// A second partition table without the first may start a computer, too.
#[test]
fn what_is_behind_the_volume_waits_until_it_is_proven() {
    let (failed, drive, plan) = left(|op, _| matches!(op, Op::Read { at, .. } if at >= 2 * MIB));
    assert!(matches!(failed.error, DriveError::Read { .. }));
    assert_eq!(failed.head, HeadState::Zeroed);
    assert_eq!(second_table(&drive, &plan), [crate::scripted::OLD; 1024], "never written");
}

#[test]
fn a_head_that_cannot_be_proven_is_taken_back() {
    let written = |log: &[Op]| log.iter().copied().any(is_last);
    let reads = |op, log: &[Op]| matches!(op, Op::Read { at: 0, .. }) && written(log);
    let (failed, drive, plan) = left(reads);
    assert!(matches!(failed.error, DriveError::Read { at: 0, .. }));
    assert_eq!(failed.head, HeadState::Zeroed);
    assert!(is_headless(&drive, MIB));
    assert_eq!(second_table(&drive, &plan), [0; 1024]);
    // Block 0 first, and stored before the rest.
    let log = drive.log();
    let back = log.iter().rposition(|op| is_last(*op)).unwrap();
    let expected =
        [Op::Write { at: 0, len: 512 }, Op::Flush, Op::Write { at: 512, len: MIB - 512 }];
    assert_eq!(log[back..back + 3], expected);
    assert_eq!(log.last(), Some(&Op::Flush));
}

#[test]
fn a_head_that_cannot_be_taken_back_may_be_there() {
    let times = |log: &[Op]| log.iter().filter(|op| is_last(**op)).count();
    let stuck = |op, log: &[Op]| times(log) == 1 && !matches!(op, Op::Read { at: 1.., .. });
    let (failed, drive, _) = left(stuck);
    assert!(matches!(failed.error, DriveError::Flush(_)));
    assert_eq!(failed.head, HeadState::MaybeNew);
    assert!(!is_headless(&drive, 512));
    // Only the zeros behind block 0 fail: something of it is left, too.
    let taken = |op, log: &[Op]| match op {
        Op::Read { at: 0, .. } => times(log) == 1,
        Op::Write { at: 512, .. } => times(log) == 2,
        _ => false,
    };
    let (failed, drive, _) = left(taken);
    assert_eq!(failed.head, HeadState::MaybeNew);
    assert!(is_headless(&drive, 512) && !is_headless(&drive, MIB));
}

#[test]
fn a_whole_drive_says_so() {
    let (plan, volume) = a_disk();
    for verify in [true, false] {
        let drive = Drive::new(plan.len() + 2 * MIB);
        let options = options(&volume).with_verify(verify);
        let report = write(&[drive], std::slice::from_ref(&plan), &options).unwrap();
        assert_eq!(report.drives[0].as_ref().unwrap().head, HeadState::Written);
    }
}

/// Cancels whenever it is asked in the way `when` says.
struct Cancels<F>(F, Mutex<Vec<(usize, Phase, u64)>>);

impl<F: Fn(usize, Phase, u64, u64) -> bool + Sync> DriveProgress for Cancels<F> {
    fn advance(&self, drive: usize, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        self.1.lock().unwrap().push((drive, phase, done));
        match (self.0)(drive, phase, done, total) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

#[test]
fn cancelled_before_anything_is_written_nothing_is() {
    let source = Arc::new(Counted::new(3_000_000));
    let volume = volume(Arc::clone(&source));
    let plans = [disk(&volume, 1, 0), disk(&volume, 2, 0), disk(&volume, 3, 0)];
    let drives = plans.each_ref().map(|plan| Drive::new(plan.len() + MIB));
    let jobs: Vec<_> =
        drives.iter().zip(&plans).map(|(drive, plan)| DriveJob::new(drive, plan)).collect();
    let discards = |_: usize| panic!("not before it was wiped");
    for last in [0, 2] {
        let progress = Cancels(|drive, _, _, _| drive == last, Mutex::default());
        let options = options(&volume).with_wiped(&discards);
        let ended = write_drives(&jobs, &options, &progress).unwrap_err();
        assert!(matches!(ended.error, StreamError::Cancelled { at: 0, .. }), "{ended}");
        assert!(ended.is_untouched() && ended.drives.len() == 3);
        // All were told what comes.
        let asked = [(0, Phase::Wipe, 0), (1, Phase::Wipe, 0), (2, Phase::Wipe, 0)];
        assert_eq!(*progress.1.lock().unwrap(), asked);
    }
    assert!(drives.iter().all(|drive| drive.log().is_empty()));
    assert_eq!(source.counts(), (0, 0));
}

/// The zeros are finished, so that nothing is left half.
#[test]
fn cancelled_while_it_is_wiped_a_drive_is_zeroed() {
    let (plan, volume) = a_disk();
    let drive = Drive::new(plan.len().next_multiple_of(MIB) + MIB);
    let jobs = [DriveJob::new(&drive, &plan)];
    let progress = |_: usize, phase, done, _: u64| match phase == Phase::Wipe && done == MIB {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let ended = write_drives(&jobs, &options(&volume), &progress).unwrap_err();
    assert!(matches!(ended.error, StreamError::Cancelled { .. }) && !ended.is_untouched());
    assert!(matches!(*ended.drives, [Ok(HeadState::Zeroed)]));
    let wiped =
        [Op::Write { at: 0, len: MIB }, Op::Write { at: drive.len() - MIB, len: MIB }, Op::Flush];
    assert_eq!(drive.log()[..3], wiped);
    assert!(is_headless(&drive, MIB));
}

/// The last word before the head, with and without reading back.
#[test]
fn cancelled_before_its_head_a_drive_is_zeroed() {
    let (plan, volume) = a_disk();
    for verify in [true, false] {
        let drive = Drive::new(plan.len() + 2 * MIB);
        let jobs = [DriveJob::new(&drive, &plan)];
        let progress = Cancels(|_, phase, _, _| phase == Phase::Head, Mutex::default());
        let options = options(&volume).with_verify(verify);
        let report = write_drives(&jobs, &options, &progress).unwrap();
        assert!(report.was_cancelled());
        let failed = report.drives[0].as_ref().unwrap_err();
        assert!(matches!(failed.error, DriveError::Cancelled { .. }), "{failed}");
        assert_eq!(failed.head, HeadState::Zeroed);
        assert!(is_headless(&drive, MIB));
        assert_eq!(second_table(&drive, &plan), [crate::scripted::OLD; 1024]);
    }
}

#[test]
fn a_head_that_was_begun_is_finished() {
    let (plan, volume) = a_disk();
    let drive = Drive::new(plan.len() + 2 * MIB);
    let jobs = [DriveJob::new(&drive, &plan)];
    let progress = Cancels(|_, phase, done, _| phase == Phase::Head && done > 0, Mutex::default());
    let report = write_drives(&jobs, &options(&volume), &progress).unwrap();
    assert!(!report.was_cancelled() && report.drives[0].is_ok());
    assert_holds(&drive, &plan, MIB);
}

/// The padding of the last block is nothing that was asked for.
#[test]
fn a_cancelled_stream_never_passes_its_total() {
    let mut builder = PlanBuilder::new();
    builder.bytes("odd", vec![1; 300_100]).unwrap();
    let plan = builder.finish();
    let drive = Drive::new(2 * MIB);
    let jobs = [DriveJob::new(&drive, &plan)];
    let progress =
        Cancels(|_, phase, done, total| phase == Phase::Write && done == total, Mutex::default());
    let ended = write_drives(&jobs, &DriveOptions::default(), &progress).unwrap_err();
    let StreamError::Cancelled { at, total } = ended.error else { panic!("{ended}") };
    assert_eq!((at, total), (300_100, 300_100));
}

/// What failed before the stream did says why all the same.
#[test]
fn an_ended_stream_tells_what_each_drive_was_left_with() {
    let source = Counted { fails_at: Some(5_000_000), ..Counted::new(6_000_000) };
    let volume = volume(Arc::new(source));
    let plans = [disk(&volume, 1, 0), disk(&volume, 2, 0)];
    let mut drives = plans.each_ref().map(|plan| Drive::new(plan.len() + MIB));
    drives[0].fails_write_at = Some(0);
    let ended: EndedRun = write(&drives, &plans, &options(&volume)).unwrap_err();
    assert!(matches!(ended.error, StreamError::Read { .. }), "{ended}");
    let [Err(first), Ok(HeadState::Zeroed)] = &*ended.drives else { panic!("{:?}", ended.drives) };
    assert!(matches!(first.error, DriveError::Write { at: 0, .. }));
    assert_eq!(first.head, HeadState::MaybeOld);
}

#[test]
fn a_drive_that_was_discarded_is_wiped_again() {
    let (plan, volume) = a_disk();
    for discards in [true, false] {
        let len = plan.len().next_multiple_of(MIB) + MIB;
        let drives = [0, 1].map(|_| Drive::new(len));
        let plans = [plan.clone(), plan.clone()];
        let asked = AtomicU64::new(0);
        let wiped = |drive: usize| {
            let wiping = drives[drive].log();
            assert_eq!(wiping.len(), 3, "{wiping:?}");
            assert!(wiping.ends_with(&[Op::Flush]) && is_headless(&drives[drive], MIB));
            // Whatever a drive gives back of what was discarded.
            drives[drive].bytes().fill(0x77);
            asked.fetch_add(1, Ordering::Relaxed);
            discards
        };
        let report = write(&drives, &plans, &options(&volume).with_wiped(&wiped)).unwrap();
        assert!(report.drives.iter().all(Result::is_ok));
        assert_eq!(asked.into_inner(), 2);
        for drive in &drives {
            let log = drive.log();
            assert_eq!(log[3..6] == log[..3], discards, "{:?}", &log[..7]);
            assert_eq!(log.iter().filter(|op| **op == log[0]).count(), 1 + usize::from(discards));
        }
    }
}

/// A source that says something else the second time it is read.
struct Changing(AtomicBool);

impl Source for Changing {
    fn len(&self) -> u64 {
        2_000_000
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn io::Read + Send + '_>> {
        let byte = if self.0.swap(true, Ordering::Relaxed) { 9 } else { 3 };
        Ok(Box::new(io::Read::take(io::repeat(byte), 2_000_000 - from)))
    }

    fn describe(&self) -> String {
        "changing".to_owned()
    }
}

#[test]
fn a_source_that_changed_names_no_byte() {
    let mut builder = PlanBuilder::new();
    builder.bytes("boot", vec![1; 4096]).unwrap();
    builder.source("file", Arc::new(Changing(false.into()))).unwrap();
    builder.zero_to("slack", 2 * MIB).unwrap();
    let plan = builder.finish();
    let mut drive = Drive::new(4 * MIB);
    drive.flips = Some(1_500_000);
    let jobs = [DriveJob::new(&drive, &plan)];
    let report = write_drives(&jobs, &DriveOptions::default(), &()).unwrap();
    let failed = report.drives[0].as_ref().unwrap_err();
    let DriveError::Differs { at, exact, .. } = failed.error else { panic!("{failed}") };
    assert_eq!((at, exact), (MIB, false));
}

/// A source that is slow when it is read again.
#[derive(Default)]
struct Slow {
    opened: AtomicU64,
    read_again: AtomicU64,
    stopped: AtomicBool,
}

struct Slowly<'a>(&'a Slow, bool);

impl Source for Slow {
    fn len(&self) -> u64 {
        2 * MIB
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn io::Read + Send + '_>> {
        let again = self.opened.fetch_add(1, Ordering::Relaxed) > 0;
        Ok(Box::new(io::Read::take(Slowly(self, again), self.len() - from)))
    }

    fn describe(&self) -> String {
        "slow".to_owned()
    }
}

impl io::Read for Slowly<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.1 {
            while !self.0.stopped.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            // Until everybody knows.
            std::thread::sleep(std::time::Duration::from_millis(50));
            self.0.read_again.fetch_add(buf.len() as u64, Ordering::Relaxed);
        }
        buf.fill(5);
        Ok(buf.len())
    }
}

/// Nobody waits for a slow source to learn which byte is wrong.
#[test]
fn looking_up_a_difference_can_be_stopped() {
    let source = Arc::new(Slow::default());
    let mut builder = PlanBuilder::new();
    builder.source("file", Arc::clone(&source) as _).unwrap();
    let plan = builder.finish();
    let mut drives = [Drive::new(4 * MIB), Drive::new(4 * MIB)];
    drives[0].flips = Some(MIB + 5);
    let jobs = drives.each_ref().map(|drive| DriveJob::new(drive, &plan));
    let progress = |drive: usize, phase, _: u64, _: u64| {
        if (drive, phase) != (1, Phase::Verify) {
            return ControlFlow::Continue(());
        }
        while source.opened.load(Ordering::Relaxed) < 2 {
            std::thread::yield_now();
        }
        source.stopped.store(true, Ordering::Relaxed);
        ControlFlow::Break(())
    };
    let report = write_drives(&jobs, &DriveOptions::default(), &progress).unwrap();
    let wrong = report.drives[0].as_ref().unwrap_err();
    let DriveError::Differs { at: MIB, exact: false, .. } = wrong.error else { panic!("{wrong}") };
    assert!(report.was_cancelled());
    assert!(source.read_again.load(Ordering::Relaxed) < MIB / 2);
}
