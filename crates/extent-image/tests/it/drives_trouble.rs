//! Drives and sources that fail, each at its worst moment.

use std::error::Error;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use extent_image::{
    BytesSource, DriveError, DriveJob, DriveOptions, FailedDrive, HeadState, Phase, Plan,
    PlanBuilder, Source, StreamError, write_drives,
};

use crate::drives::{MIB, assert_holds, disk, is_headless, options, volume, write};
use crate::scripted::{Counted, Drive, OLD};

/// Three drives, of which the second is made by `spoil`; what becomes of it.
fn second(spoil: impl FnOnce(&mut Drive)) -> (FailedDrive, Plan, Drive) {
    let volume = volume(Arc::new(Counted::new(6_000_000)));
    let plans: Vec<_> = (1..4).map(|number| disk(&volume, number, 0)).collect();
    let mut drives: Vec<_> = plans.iter().map(|plan| Drive::new(plan.len() + 2 * MIB)).collect();
    spoil(&mut drives[1]);
    let mut report = write(&drives, &plans, &options(&volume)).unwrap();
    for good in [0, 2] {
        assert!(report.drives[good].is_ok());
        assert_holds(&drives[good], &plans[good], MIB);
    }
    let error = report.drives.remove(1).unwrap_err();
    (error, plans[1].clone(), drives.remove(1))
}

/// Nothing is found on the drive: neither a head nor a second table behind the volume.
fn is_bare(drive: &Drive, plan: &Plan) -> bool {
    let tail = usize::try_from(plan.len() - 1024).unwrap();
    let second: Vec<u8> = drive.bytes()[tail..tail + 1024].to_vec();
    is_headless(drive, MIB) && second.iter().all(|byte| [0, OLD].contains(byte))
}

fn cause(error: &FailedDrive) -> String {
    error.source().unwrap().to_string()
}

#[test]
fn a_drive_that_refuses_bytes_at_60_per_cent() {
    let (error, _, drive) = second(|drive| drive.fails_write_at = Some(5 * MIB + 100_000));
    // The last MiB, which is wiped first, lies behind that too.
    assert!(matches!(error.error, DriveError::Write { .. }));
    assert!(is_headless(&drive, MIB));
    let (error, _, drive) = second(|drive| drive.fails_forget = true);
    assert!(matches!(error.error, DriveError::Forget(_)));
    assert_eq!(cause(&error), "scripted forget");
    assert!(is_headless(&drive, MIB));
}

#[test]
fn a_drive_that_fails_in_the_middle_leaves_the_others_alone() {
    let volume = volume(Arc::new(Counted::new(6_000_000)));
    let plan = disk(&volume, 1, 0);
    let good = Drive::new(plan.len() + 2 * MIB);
    /// Takes the wiping of its end, and nothing from 60 per cent on afterwards.
    struct Pulled(Drive, std::sync::atomic::AtomicBool);
    impl extent_image::Storage for Pulled {
        fn describe(&self) -> String {
            "pulled".to_owned()
        }
        fn len(&self) -> u64 {
            self.0.len()
        }
        fn block_size(&self) -> u32 {
            512
        }
        fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
            self.0.read_at(at, bytes)
        }
        fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
            if self.1.load(std::sync::atomic::Ordering::Relaxed) && at >= 4 * MIB {
                return Err(io::Error::other("gone"));
            }
            self.0.write_at(at, bytes)
        }
        fn flush(&self) -> io::Result<()> {
            self.1.store(true, std::sync::atomic::Ordering::Relaxed);
            self.0.flush()
        }
    }
    let pulled = Pulled(Drive::new(plan.len() + 2 * MIB), false.into());
    let jobs = [DriveJob::new(&pulled, &plan), DriveJob::new(&good, &plan)];
    let report = write_drives(&jobs, &options(&volume), &()).unwrap();
    let error = report.drives[0].as_ref().unwrap_err();
    assert!(matches!(error.error, DriveError::Write { at, .. } if at == 4 * MIB), "{error}");
    assert_eq!(cause(error), "gone");
    assert!(is_headless(&pulled.0, MIB));
    assert!(report.drives[1].is_ok());
    assert_holds(&good, &plan, MIB);
}

#[test]
fn a_drive_that_fails_to_flush() {
    let heads = [
        // The wiping.
        HeadState::MaybeOld,
        // The volume, what is behind it, the head without its first block, that block.
        HeadState::Zeroed,
        HeadState::Zeroed,
        HeadState::Zeroed,
        HeadState::Zeroed,
    ];
    for (number, head) in heads.into_iter().enumerate() {
        let (error, plan, drive) = second(|drive| drive.fails_flush = Some(number));
        assert!(matches!(error.error, DriveError::Flush(_)), "{number}");
        assert_eq!(error.head, head, "{number}");
        assert!(is_bare(&drive, &plan), "{number}");
    }
}

#[test]
fn a_drive_that_cannot_be_read_back() {
    let (error, _, drive) = second(|drive| drive.fails_read_at = Some(3 * MIB));
    assert!(matches!(error.error, DriveError::Read { at, .. } if at == 3 * MIB), "{error}");
    assert!(is_headless(&drive, MIB));
}

/// A wrong byte anywhere is found and named, whatever the extent it is in is made of.
#[test]
fn a_byte_that_comes_back_wrong_is_named() {
    let volume = volume(Arc::new(Counted::new(1_500_000)));
    let plan = disk(&volume, 1, 0);
    for (index, extent) in plan.extents().iter().enumerate() {
        if *extent.content() == extent_image::Content::Free {
            continue;
        }
        for wrong in [extent.start(), extent.start() + extent.len() / 2, extent.end() - 1] {
            let mut drive = Drive::new(plan.len() + 2 * MIB);
            drive.flips = Some(wrong);
            let jobs = [DriveJob::new(&drive, &plan)];
            let mut report = write_drives(&jobs, &options(&volume), &()).unwrap();
            let error = report.drives.remove(0).unwrap_err();
            let head = error.head;
            let DriveError::Differs { at, extent, exact, in_head, len, .. } = error.error else {
                panic!("{error}")
            };
            let held = wrong < MIB || wrong >= MIB + volume.len();
            assert_eq!((at, extent, exact, in_head), (wrong, index, true, held));
            assert!(len > 0 && len <= MIB);
            assert_eq!(head, HeadState::Zeroed);
            assert!(is_bare(&drive, &plan));
        }
    }
}

#[test]
fn a_drive_that_drops_a_block() {
    let (error, _, drive) = second(|drive| drive.drops = Some(4_000_000));
    let block = 4_000_000 / 512 * 512;
    assert!(
        matches!(error.error, DriveError::Differs { at, exact: true, .. } if at == block),
        "{error}"
    );
    assert!(is_headless(&drive, MIB));
}

/// A stick that claims more than it has puts the later bytes over the earlier ones.
#[test]
fn a_counterfeit_drive() {
    let (error, ..) = second(|drive| drive.wraps_at = Some(4 * MIB));
    assert!(matches!(error.error, DriveError::Differs { in_head: false, .. }), "{error}");
    assert!(error.to_string().contains("counterfeit"));
}

/// When a source cannot be read a second time, the piece is still known.
#[test]
fn a_difference_that_cannot_be_looked_up() {
    let source = Counted { opens: Some(1), ..Counted::new(3_000_000) };
    let volume = volume(Arc::new(source));
    let plan = disk(&volume, 1, 0);
    let mut drive = Drive::new(plan.len() + 2 * MIB);
    drive.flips = Some(3_000_000);
    let report = write(&[drive], &[plan], &options(&volume)).unwrap();
    let error = report.drives.into_iter().next().unwrap().unwrap_err();
    let DriveError::Differs { at, len, exact: false, .. } = error.error else { panic!("{error}") };
    assert_eq!((at, len), (2 * MIB, MIB));
    assert!(error.to_string().contains("somewhere in the piece"));
}

#[test]
fn all_drives_fail() {
    let source = Arc::new(Counted::new(60_000_000));
    let volume = volume(Arc::clone(&source));
    let plans = vec![disk(&volume, 1, 0); 3];
    let drives: Vec<_> = plans
        .iter()
        .map(|plan| {
            let mut drive = Drive::new(plan.len() + 2 * MIB);
            drive.fails_write_at = Some(MIB);
            drive
        })
        .collect();
    let never = || panic!("there is nothing to settle");
    let report = write(&drives, &plans, &options(&volume).with_settle(&never)).unwrap();
    assert_eq!(report.drives.len(), 3);
    assert!(report.drives.iter().all(|drive| {
        drive.as_ref().is_err_and(|failed| matches!(failed.error, DriveError::Write { .. }))
    }));
    assert!(source.counts().1 < 30_000_000, "read on for nobody");
}

/// A source that fails in the middle, or is not what it should be: no drive has a head.
#[test]
fn a_source_that_fails() {
    let broken = Counted { fails_at: Some(2_000_000), ..Counted::new(4_000_000) };
    struct Wrong(BytesSource);
    impl Source for Wrong {
        fn len(&self) -> u64 {
            Source::len(&self.0)
        }
        fn open(&self, from: u64) -> io::Result<Box<dyn io::Read + Send + '_>> {
            self.0.open(from)
        }
        fn describe(&self) -> String {
            "wrong".to_owned()
        }
        fn sha256(&self) -> Option<[u8; 32]> {
            Some([1; 32])
        }
    }
    let wrong = Wrong(BytesSource::new("", vec![1; 3_000_000]));
    let bad: [Arc<dyn Source>; 2] = [Arc::new(broken), Arc::new(wrong)];
    for (number, source) in bad.into_iter().enumerate() {
        let mut builder = PlanBuilder::new();
        builder.bytes("boot", vec![1; 4096]).unwrap();
        builder.source("file", source).unwrap();
        builder.zero_to("slack", builder.position().next_multiple_of(4096)).unwrap();
        let volume = builder.finish();
        let plans = [disk(&volume, 1, 0), disk(&volume, 2, 0)];
        let drives = plans.each_ref().map(|plan| Drive::new(plan.len() + 2 * MIB));
        let options = options(&volume).with_source_digests(true);
        let error = write(&drives, &plans, &options).unwrap_err();
        match number {
            0 => {
                assert!(matches!(error.error, StreamError::Read { at: 2_000_000.., .. }), "{error}")
            }
            _ => assert!(matches!(error.error, StreamError::DigestMismatch(_)), "{error}"),
        }
        assert!(drives.iter().all(|drive| is_headless(drive, MIB)));
    }
}

#[test]
fn a_run_can_be_cancelled_while_writing_and_while_reading_back() {
    let volume = volume(Arc::new(Counted::new(6_000_000)));
    let plans = [disk(&volume, 1, 0), disk(&volume, 2, 0)];
    for phase in [Phase::Write, Phase::Verify] {
        let drives = plans.each_ref().map(|plan| Drive::new(plan.len() + 2 * MIB));
        let jobs = [DriveJob::new(&drives[0], &plans[0]), DriveJob::new(&drives[1], &plans[1])];
        let stop = |drive: usize, now: Phase, done: u64, _: u64| match (drive, now) == (1, phase)
            && done > 2 * MIB
        {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let outcome = write_drives(&jobs, &options(&volume), &stop);
        match phase {
            Phase::Write => {
                let error = outcome.unwrap_err();
                assert!(matches!(error.error, StreamError::Cancelled { .. }), "{error}");
                assert!(drives.iter().all(|drive| is_headless(drive, MIB)));
            }
            _ => {
                let report = outcome.unwrap();
                assert!(report.was_cancelled());
                assert!(
                    matches!(&report.drives[1], Err(failed) if matches!(failed.error, DriveError::Cancelled { .. }))
                );
                assert!(is_headless(&drives[1], MIB));
                assert_eq!(report.drives[0].is_ok(), !is_headless(&drives[0], MIB));
            }
        }
    }
}

/// Cancelled by the very last word of the writing.
#[test]
fn a_late_cancel_writes_no_head() {
    let plan = volume(Arc::new(Counted::new(100_000)));
    let drive = Drive::new(4 * MIB);
    let stop = |_: usize, phase: Phase, done: u64, total: u64| match phase == Phase::Write
        && done == total
    {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let jobs = [DriveJob::new(&drive, &plan)];
    let error = write_drives(&jobs, &DriveOptions::default(), &stop).unwrap_err();
    assert!(matches!(error.error, StreamError::Cancelled { .. }), "{error}");
    assert!(is_headless(&drive, 64 << 10));
}
