//! One plan on several drives.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use extent_image::{
    BytesSource, Content, Data, Digest, DriveJob, DriveOptions, DriveProgress, DriveReport,
    DrivesReport, EndedRun, FileStorage, JobError, Late, Phase, Plan, PlanBuilder, Storage,
    StreamError, StreamOptions, write_drives,
};

use crate::scripted::{Counted, Drive, OLD, Op};

pub(crate) const MIB: u64 = 1 << 20;

/// A disk: a head with a table in it, a volume from 1 MiB on, a table behind it.
pub(crate) fn disk(volume: &Plan, number: u8, tail: u64) -> Plan {
    let mut builder = PlanBuilder::new();
    builder.bytes("table", vec![number; 700]).unwrap();
    builder.zero_to("gap", 8192).unwrap();
    builder.free_to("gap", MIB).unwrap();
    builder.plan(volume).unwrap();
    builder.free_to("room", builder.position() + tail).unwrap();
    builder.bytes("second table", vec![number ^ 0xff; 1024]).unwrap();
    builder.finish()
}

/// A volume of everything there is in a plan; `source` takes most of it.
pub(crate) fn volume(source: Arc<Counted>) -> Plan {
    let mut builder = PlanBuilder::new();
    builder.bytes("boot sector", vec![0x55; 512]).unwrap();
    builder.zero_to("reserved", 300_000).unwrap();
    let small: Arc<dyn extent_image::Source> = Arc::new(BytesSource::new("small", "small file"));
    builder.source("file", Arc::clone(&small)).unwrap();
    builder.zero_to("slack", 300_032).unwrap();
    builder.source("file", source).unwrap();
    let late = Late::new("manifest", 64, move |digests| {
        digests.of(&small).unwrap_or(Digest::of(b"")).to_string().into()
    });
    builder.data("late", &Data::Late(Arc::new(late))).unwrap();
    builder.free_to("free", (builder.position() + 500_000).next_multiple_of(4096)).unwrap();
    builder.bytes("last", vec![7; 4096]).unwrap();
    builder.finish()
}

pub(crate) fn options(volume: &Plan) -> DriveOptions<'static> {
    DriveOptions::default().with_body(MIB..MIB + volume.len()).with_head(MIB)
}

pub(crate) fn write(
    drives: &[Drive],
    plans: &[Plan],
    options: &DriveOptions<'_>,
) -> Result<DrivesReport, EndedRun> {
    let jobs: Vec<_> =
        drives.iter().zip(plans).map(|(drive, plan)| DriveJob::new(drive, plan)).collect();
    write_drives(&jobs, options, &())
}

/// The bytes of a plan, as a file would hold them.
pub(crate) fn image(plan: &Plan) -> Vec<u8> {
    let mut image = Vec::new();
    let _ = plan.write_to(&mut image, &StreamOptions::default(), &mut ()).unwrap();
    image
}

/// Every byte that matters is as in the image; long room is as it was, or wiped.
pub(crate) fn assert_holds(drive: &Drive, plan: &Plan, head: u64) {
    let image = image(plan);
    let bytes = drive.bytes();
    let place = |at: u64| usize::try_from(at).unwrap();
    for extent in plan.extents() {
        let range = place(extent.start())..place(extent.end());
        if *extent.content() != Content::Free {
            assert_eq!(bytes[range.clone()], image[range], "{extent}");
            continue;
        }
        assert!(bytes[range].iter().all(|byte| [0, OLD].contains(byte)), "{extent}");
        let wiped = drive.len().saturating_sub(MIB);
        let kept = extent.start().max(head) + 4096..extent.end().min(wiped).saturating_sub(4096);
        if extent.len() >= 80 * 1024 && extent.start() >= head && kept.start < kept.end {
            let kept = &bytes[place(kept.start)..place(kept.end)];
            assert!(kept.iter().all(|byte| *byte == OLD), "{extent}");
        }
    }
}

pub(crate) fn is_headless(drive: &Drive, head: u64) -> bool {
    drive.bytes().iter().take(usize::try_from(head).unwrap()).all(|byte| *byte == 0)
}

#[test]
fn four_drives_get_the_bytes_of_the_file_from_one_reading() {
    let source = Arc::new(Counted::new(5_000_001));
    let volume = volume(Arc::clone(&source));
    let plans: Vec<_> =
        (0..4u8).map(|number| disk(&volume, number, u64::from(number) * 300_032)).collect();
    for verify in [true, false] {
        let before = source.counts();
        let drives: Vec<_> = plans.iter().map(|plan| Drive::new(plan.len() + 3 * MIB)).collect();
        let options = options(&volume).with_verify(verify).with_source_digests(true);
        let report = write(&drives, &plans, &options).unwrap();
        let after = source.counts();
        assert_eq!((after.0 - before.0, after.1 - before.1), (1, 5_000_001));
        assert_eq!(report.report.source_digests.len(), 2);
        for ((drive, plan), done) in drives.iter().zip(&plans).zip(&report.drives) {
            assert_holds(drive, plan, MIB);
            let done = done.as_ref().unwrap();
            assert_eq!(done.written + done.skipped_free, plan.len().next_multiple_of(512));
            assert_eq!(done.verified, if verify { done.written } else { 0 });
            assert!(done.skipped_free > 900_000);
            let reads = drive.log().iter().any(|op| matches!(op, Op::Read { .. }));
            assert_eq!(reads, verify);
            let last = usize::try_from(drive.len() - MIB).unwrap();
            assert!(drive.bytes()[last..].iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn the_same_bytes_as_write_file() {
    let volume = volume(Arc::new(Counted::new(3_000_000)));
    let plan = disk(&volume, 9, 0);
    let folder = tempfile::tempdir().unwrap();
    let (file, drive) = (folder.path().join("file"), folder.path().join("drive"));
    let out = std::fs::File::create(&file).unwrap();
    let _ = plan.write_file(&out, &StreamOptions::default(), &mut ()).unwrap();
    let empty = std::fs::File::create(&drive).unwrap();
    empty.set_len(plan.len().next_multiple_of(512)).unwrap();
    let storage = FileStorage::open(&drive).unwrap();
    // On a drive of zeros even what is free is the same.
    let report = write_drives(&[DriveJob::new(&storage, &plan)], &options(&volume), &()).unwrap();
    assert_eq!(
        report.drives[0].as_ref().unwrap().verified,
        report.drives[0].as_ref().unwrap().written
    );
    let (file, mut drive) = (std::fs::read(file).unwrap(), std::fs::read(drive).unwrap());
    drive.truncate(file.len());
    assert!(file == drive);
}

#[test]
fn the_head_comes_last_and_the_first_block_after_it() {
    let volume = volume(Arc::new(Counted::new(MIB)));
    let plan = disk(&volume, 1, 0);
    for block in [512u32, 4096] {
        let wide = u64::from(block);
        let drive = Drive::with_block(plan.len().next_multiple_of(MIB) + 2 * MIB, block);
        let jobs = [DriveJob::new(&drive, &plan)];
        let _ = write_drives(&jobs, &options(&volume), &()).unwrap();
        let mut log = drive.log();
        log.dedup();
        let flushes: Vec<_> = (0..log.len()).filter(|at| log[*at] == Op::Flush).collect();
        assert_eq!(flushes.len(), 5);
        // The wiping: head and last MiB.
        assert_eq!(log[0], Op::Write { at: 0, len: MIB });
        assert_eq!(log[1], Op::Write { at: drive.len() - MIB, len: MIB });
        assert_eq!(flushes[0], 2);
        // The volume.
        let volume = MIB..MIB + volume.len();
        let body = &log[3..flushes[1]];
        let inside = |op: &Op| match op {
            Op::Write { at, len } | Op::Read { at, len } => {
                volume.contains(at) && at + len <= volume.end
            }
            _ => false,
        };
        assert!(body.iter().all(inside));
        assert_eq!(log[flushes[1] + 1], Op::Forget);
        let (at, len) = (volume.end, plan.len().next_multiple_of(wide) - volume.end);
        let behind = log.iter().position(|op| *op == Op::Write { at, len }).unwrap();
        assert!(log[flushes[1] + 2..behind].iter().all(inside));
        // What is behind it, and the head, are written and read back after it.
        let end = [
            Op::Write { at, len },
            Op::Flush,
            Op::Forget,
            Op::Read { at, len },
            Op::Write { at: wide, len: 8192 - wide },
            Op::Flush,
            Op::Write { at: 0, len: wide },
            Op::Flush,
            Op::Forget,
            Op::Read { at: 0, len: 8192 },
        ];
        assert_eq!(log[behind..], end);
    }
}

#[test]
fn a_volume_without_a_table_holds_its_own_beginning_back() {
    let source = Arc::new(Counted::new(2_000_000));
    let plan = volume(Arc::clone(&source));
    let drive = Drive::with_block(8 * MIB, 4096);
    // The head ends inside a source, which is opened once all the same.
    let jobs = [DriveJob::new(&drive, &plan)];
    let report = write_drives(&jobs, &DriveOptions::default().with_head(500_000), &()).unwrap();
    assert!(report.drives[0].is_ok());
    assert_eq!(source.counts().0, 1);
    assert_holds(&drive, &plan, 0);
    let writes: Vec<_> =
        drive.log().into_iter().filter(|op| matches!(op, Op::Write { .. })).collect();
    assert_eq!(writes.last(), Some(&Op::Write { at: 0, len: 4096 }));
    let head = 500_000u64.next_multiple_of(4096);
    assert_eq!(writes[writes.len() - 2], Op::Write { at: 4096, len: head - 4096 });
}

#[test]
fn progress_is_told_for_each_drive_and_reaches_its_total() {
    let volume = volume(Arc::new(Counted::new(3_000_000)));
    let plans = [disk(&volume, 1, 0), disk(&volume, 2, 700_000 / 512 * 512)];
    let drives = plans.each_ref().map(|plan| Drive::new(plan.len() + MIB));
    let jobs = [DriveJob::new(&drives[0], &plans[0]), DriveJob::new(&drives[1], &plans[1])];
    let seen = Mutex::new(Vec::new());
    let watch = |drive: usize, phase: Phase, done: u64, total: u64| {
        seen.lock().unwrap().push((drive, phase, done, total));
        ControlFlow::Continue(())
    };
    let report = write_drives(&jobs, &options(&volume), &watch).unwrap();
    let seen = seen.into_inner().unwrap();
    for (drive, done) in report.drives.iter().enumerate() {
        let DriveReport { written, .. } = *done.as_ref().unwrap();
        let held = 8192 + 1024;
        let phases = [
            (Phase::Wipe, 2 * MIB),
            (Phase::Write, written - held),
            (Phase::Verify, written - held),
            (Phase::Head, 2 * held),
        ];
        for (phase, total) in phases {
            let told: Vec<_> =
                seen.iter().filter(|seen| (seen.0, seen.1) == (drive, phase)).collect();
            assert!(told.is_sorted_by_key(|seen| seen.2) && told.len() >= 3, "{phase:?}");
            assert!(told.iter().all(|seen| seen.3 == total), "{phase:?}");
            // Before anything was done, and when all was.
            assert_eq!((told[0].2, told.last().unwrap().2), (0, total), "{phase:?}");
        }
        let order: Vec<_> = seen.iter().filter(|seen| seen.0 == drive).map(|seen| seen.1).collect();
        assert!(order.is_sorted_by_key(|phase| phases.iter().position(|known| known.0 == *phase)));
    }
}

/// Buffers are as many as the queues hold, for one drive and for twelve, however slow they are.
#[test]
fn the_number_of_drives_costs_no_buffers() {
    let mut counts = Vec::new();
    for number in [1, 12] {
        let plan = volume(Arc::new(Counted::new(24 * MIB)));
        let drives: Vec<_> = (0..number)
            .map(|number| {
                let mut drive = Drive::new(28 * MIB);
                drive.slow = Duration::from_millis(number % 3);
                drive
            })
            .collect();
        let plans = vec![plan; drives.len()];
        let report = write(&drives, &plans, &DriveOptions::default()).unwrap();
        assert!(report.drives.iter().all(Result::is_ok));
        let mut buffers = std::collections::BTreeSet::new();
        assert!(drives.iter().all(|drive| drive.misaligned.load(Ordering::Relaxed) == 0));
        drives.iter().for_each(|drive| buffers.extend(drive.buffers()));
        // Each drive has one more for zeros, whose memory is never touched.
        counts.push(buffers.len() - drives.len());
    }
    assert!(counts.iter().all(|count| *count <= 8), "{counts:?}");
}

#[test]
fn settling_comes_after_the_content_and_before_any_head() {
    let volume = volume(Arc::new(Counted::new(3_000_000)));
    let plans = [disk(&volume, 1, 0), disk(&volume, 2, 0)];
    let drives = plans.each_ref().map(|plan| Drive::new(plan.len() + MIB));
    let written = || {
        let last = usize::try_from(MIB + volume.len() - 1).unwrap();
        drives.iter().all(|drive| drive.bytes()[last] == 7 && is_headless(drive, MIB))
    };
    let refuse = || {
        assert!(written());
        Err("not proven".into())
    };
    let error = write(&drives, &plans, &options(&volume).with_settle(&refuse)).unwrap_err();
    assert!(matches!(&error.error, StreamError::Unsettled(why) if why.to_string() == "not proven"));
    assert!(written());
    let asked = AtomicU64::new(0);
    let agree = || {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let report = write(&drives, &plans, &options(&volume).with_settle(&agree)).unwrap();
    assert!(report.drives.iter().all(Result::is_ok));
    assert_eq!(asked.into_inner(), 1);
    drives.iter().zip(&plans).for_each(|(drive, plan)| assert_holds(drive, plan, MIB));
}

fn refused(jobs: &[DriveJob<'_>], options: &DriveOptions<'_>) -> JobError {
    match write_drives(jobs, options, &()).unwrap_err().error {
        StreamError::Jobs(error) => *error,
        other => panic!("{other}"),
    }
}

#[test]
fn jobs_that_do_not_go_together_are_refused_before_anything_is_written() {
    let source = Arc::new(Counted::new(100_000));
    let volume = volume(Arc::clone(&source));
    let (plan, other) = (disk(&volume, 1, 0), disk(&volume, 2, 0));
    let large = || Drive::new(8 * MIB).named("large");
    let drives =
        [large(), Drive::new(MIB).named("small"), Drive::with_block(8 * MIB, 520).named("odd")];
    let job = |drive, plan| DriveJob::new(drive, plan);
    let common = options(&volume);
    assert_eq!(refused(&[], &common), JobError::NoDrives);
    let too_small = refused(&[job(&drives[0], &plan), job(&drives[1], &plan)], &common);
    let needed = plan.len().next_multiple_of(512);
    assert_eq!(too_small, JobError::TooSmall { drive: "small".into(), len: MIB, needed });
    let odd = refused(&[job(&drives[0], &plan), job(&drives[2], &plan)], &common);
    assert_eq!(odd, JobError::BlockSize { drive: "odd".into(), block: 520 });
    let long = refused(&[job(&drives[0], &plan)], &common.clone().with_head(u64::MAX));
    assert!(matches!(long, JobError::HeadTooLong { len: u64::MAX, .. }));
    // Without a common part named, the plans must be the same.
    let both = [job(&drives[0], &plan), job(&drives[0], &other)];
    let differ = refused(&both, &DriveOptions::default());
    assert!(matches!(differ, JobError::Unequal { at: 0, .. }), "{differ}");
    for (body, at) in [(MIB + 1024..2 * MIB, MIB + 1024), (MIB..MIB + 700, MIB + 700)] {
        let cut = refused(&both, &DriveOptions::default().with_body(body));
        assert!(matches!(cut, JobError::Cut { at: cut, .. } if cut == at), "{cut}");
    }
    let backwards = DriveOptions::default().with_body(std::ops::Range { start: MIB, end: 0 });
    assert!(matches!(refused(&both, &backwards), JobError::Cut { .. }));
    let own = refused(&both, &DriveOptions::default().with_body(MIB..MIB));
    assert!(matches!(own, JobError::OwnSource { role: "file", .. }), "{own}");
    assert!(own.to_string().contains("large"), "{own}");
    assert!(drives.iter().all(|drive| drive.log().is_empty()));
    assert_eq!(source.counts(), (0, 0));
}

/// As many sources, one opened after the other, with a hole in between, on drives of both block
/// sizes at once.
#[test]
fn drives_of_different_blocks_go_together() {
    let mut builder = PlanBuilder::new();
    let sources: Vec<_> = (0..40).map(|number| Arc::new(Counted::new(number * 977))).collect();
    for source in &sources {
        builder.source("file", Arc::clone(source) as _).unwrap();
        builder.free_to("room", builder.position() + source.len * 5).unwrap();
    }
    let plan = builder.finish();
    let drives = [Drive::new(8 * MIB), Drive::with_block(8 * MIB, 4096)];
    let plans = [plan.clone(), plan];
    let report = write(&drives, &plans, &DriveOptions::default()).unwrap();
    assert!(report.drives.iter().all(Result::is_ok));
    for source in &sources {
        assert_eq!(source.counts(), (u64::from(source.len > 0), source.len));
    }
    drives.iter().zip(&plans).for_each(|(drive, plan)| assert_holds(drive, plan, 64 << 10));
    let nothing: &dyn DriveProgress = &();
    assert!(nothing.advance(0, Phase::Write, 0, 0).is_continue());
}
