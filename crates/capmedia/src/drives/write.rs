//! Media onto drives: plan, open, write, read back, report.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use dp_content::Content;
use extent_image::{
    DriveError, DriveJob, DriveOptions, DriveProgress, DriveReport, EndedRun, FailedDrive, Phase,
    Plan, StreamError, Unsettled, write_drives,
};
use media_device::Drive;
use media_model::CheckedRequest;

use crate::content::access::ContentAccess;
use crate::content::packages::with_other_copies;
use crate::drives::{
    Consent, Device, Devices, DriveFailure, DriveState, DriveStatus, DriveTargets, DrivesError,
    MadeDrive, MadeDrives,
};
use crate::error::{Blame, Error};
use crate::medium::place::MediaPlace;
use crate::plan::stick::{DiskShape, smallest_volume};
use crate::plan::{Again, MediaPlan};
use crate::report::Warning;
use crate::track::FollowingDrives;

impl MediaPlan {
    /// Lays media out for drives: the volume fills the smallest of them. Nothing is written.
    /// `content` is asked for what the request takes from distribution points; without it they are
    /// asked without an account, as [`new`](Self::new) does.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`with_content`](Self::with_content); [`DrivesError::Refused`] names
    /// every drive that is too small.
    pub fn for_drives(
        request: &CheckedRequest,
        content: Option<&Content>,
        drives: &DriveTargets,
    ) -> Result<Self, Error> {
        let shape = DiskShape::of_drives(request, drives.smallest(), drives.sector_size());
        let plan = match (request.content(), content) {
            (None, _) => Self::of_files(request, shape),
            (Some(_), Some(content)) => Self::of_content(request, content, shape),
            (Some(asked), None) => {
                Self::of_content(request, &ContentAccess::new().open(asked)?, shape)
            }
        };
        plan.map_err(|error| match smallest_volume(&error) {
            Some(volume) => drives.too_small(shape.needed(volume)).unwrap_or(error),
            None => error,
        })
    }

    /// Wipes the drives and writes the media to all of them at once, reading its content once; then
    /// reads each drive back. A drive that fails leaves the others alone. Where content turns out to
    /// be damaged and has another copy, all drives are written again with that one.
    ///
    /// The drives of the answer are in the order of the request's paths, and
    /// [`is_whole`](MadeDrives::is_whole) tells whether all of them have the media. `progress` counts
    /// them in the same order.
    ///
    /// Before a drive is unmounted and opened, `progress` is asked with [`Phase::Wipe`] and 0 of 0 bytes:
    /// a run that is stopped then has written nothing.
    ///
    /// # Errors
    /// [`DrivesError::Refused`] before anything is touched; [`DrivesError::Ended`] where content cannot
    /// be read, or the run was cancelled, before any drive had the media; [`DrivesError::Cancelled`]
    /// later; [`DrivesError::AllFailed`]. These three say what each drive was left with.
    pub fn write_drives(
        &self,
        drives: &DriveTargets,
        consent: &Consent,
        progress: &dyn DriveProgress,
    ) -> Result<MadeDrives, Error> {
        self.write_devices(drives, consent, drives.system(), progress)
    }

    /// The same, with drives that someone else opens.
    pub(crate) fn write_devices(
        &self,
        drives: &DriveTargets,
        consent: &Consent,
        devices: &dyn Devices,
        progress: &dyn DriveProgress,
    ) -> Result<MadeDrives, Error> {
        let inputs: Vec<&Path> = self.inputs().collect();
        drives.check_inputs(consent, &inputs)?;
        let (_, stick) = self.stick().ok_or(Error::OtherDrives)?;
        // Seen before anything is lost.
        let fits = stick.disk_of(drives.smallest()).is_ok();
        if !fits || drives.sector_size() != Some(stick.sector_size()) {
            return Err(Error::OtherDrives);
        }
        let names = drives.names();
        let opened = open_all(drives.drives(), consent, devices, progress);
        let ready = Ready::new(&opened);
        let is_stopped = opened.iter().any(|opened| matches!(opened, Err(NotOpened::Stopped)));
        let written = match self.again() {
            _ if is_stopped => {
                let (at, total) = (0, stick.volume().plan().len());
                Err(DrivesError::Stream(StreamError::Cancelled { at, total }).into())
            }
            None => ready.write(self, progress).map(|cancelled| (None, cancelled)),
            // The drives stay open between the runs.
            Some(Again { content, .. }) => with_other_copies(content, || {
                let again = self.renewed()?;
                let cancelled = ready.write(again.as_ref().unwrap_or(self), progress)?;
                Ok((again, cancelled))
            }),
        };
        let unseen = ready.reread_partitions();
        let outcomes = ready.outcomes.into_inner();
        let begun = !outcomes.is_empty();
        let made = |plan: &Self| plan.made_drives(drives.drives(), names, opened, outcomes, unseen);
        let (again, cancelled) = match written {
            Ok(written) => written,
            Err(error) if !begun && error.blame() == Blame::Bug => return Err(error),
            Err(error) => {
                let (made, source) = (Box::new(made(self)), Box::new(error));
                return Err(DrivesError::Ended { made, source }.into());
            }
        };
        let made = made(again.as_ref().unwrap_or(self));
        if cancelled {
            return Err(DrivesError::Cancelled { made: Box::new(made) }.into());
        }
        if made.failed().count() == made.drives.len() {
            return Err(DrivesError::AllFailed { made: Box::new(made) }.into());
        }
        Ok(made)
    }

    fn made_drives(
        &self,
        drives: &[Drive],
        names: Vec<Option<String>>,
        opened: Vec<Opened>,
        outcomes: Vec<Outcome>,
        mut unseen: BTreeMap<usize, io::Error>,
    ) -> MadeDrives {
        let mut warnings = Vec::new();
        let smallest = drives.iter().map(|drive| drive.len).min().unwrap_or(0);
        let end = self.stick().map_or(0, |(_, stick)| stick.body().end);
        let mut outcomes = outcomes.into_iter();
        let mut made = Vec::new();
        for (at, ((drive, name), device)) in drives.iter().zip(names).zip(opened).enumerate() {
            let outcome = match device {
                Err(NotOpened::Failed(failure)) => Outcome::failed(DriveState::Untouched, failure),
                // A run that ended before anything was written has no outcomes.
                Ok(_) | Err(NotOpened::Stopped) => outcomes.next().unwrap_or_else(|| {
                    let drive = drive.path.display().to_string();
                    let failure = DriveFailure::Ended { drive, source: None };
                    Outcome::failed(DriveState::Untouched, failure)
                }),
            };
            if let Some(error) = unseen.remove(&at).filter(|_| outcome.result.is_ok()) {
                warnings.push(Warning::new(format!(
                    "{} has the media, but the system does not see its new partition yet ({error}); \
                     take the drive out and put it in again",
                    drive.path.display()
                )));
            }
            let drive = made_drive(drive, name, drive.len.saturating_sub(end), outcome);
            warnings.extend(unused(&drive, smallest));
            made.push(drive);
        }
        let mut summary = self.summary_now();
        summary.warnings.extend(warnings);
        MadeDrives { summary, drives: made }
    }
}

/// A drive as it was opened for the run.
type Opened = Result<Box<dyn Device>, NotOpened>;

/// Why a drive was not opened.
enum NotOpened {
    Failed(DriveFailure),
    /// The run was cancelled before.
    Stopped,
}

/// Opens one drive after the other, and none any more when progress asks to stop: nothing has been
/// written then.
fn open_all(
    drives: &[Drive],
    consent: &Consent,
    devices: &dyn Devices,
    progress: &dyn DriveProgress,
) -> Vec<Opened> {
    let mut stopped = false;
    let opened = drives.iter().enumerate().map(|(at, drive)| {
        stopped = stopped || progress.advance(at, Phase::Wipe, 0, 0).is_break();
        match stopped {
            true => Err(NotOpened::Stopped),
            false => open(drive, consent, devices).map_err(NotOpened::Failed),
        }
    });
    opened.collect()
}

fn open(
    drive: &Drive,
    consent: &Consent,
    devices: &dyn Devices,
) -> Result<Box<dyn Device>, DriveFailure> {
    if consent.unmounts() {
        devices.unmount(drive).map_err(|source| {
            let drive = drive.path.display().to_string();
            DriveFailure::Unmount { drive, source }
        })?;
    }
    // At once: what mounts drives by itself may be on its way.
    Ok(devices.open(drive)?)
}

/// The drives that could be opened.
struct Ready<'a> {
    /// With their places among all.
    devices: Vec<(usize, &'a dyn Device)>,
    /// What became of each, as of the last writing; none before the first.
    outcomes: RefCell<Vec<Outcome>>,
}

/// What became of a drive.
struct Outcome {
    state: DriveState,
    result: Result<DriveReport, DriveFailure>,
}

impl Outcome {
    fn failed(state: DriveState, failure: DriveFailure) -> Self {
        Self { state, result: Err(failure) }
    }
}

impl<'a> Ready<'a> {
    fn new(opened: &'a [Opened]) -> Self {
        let devices = opened.iter().enumerate();
        let devices = devices.filter_map(|(at, device)| Some((at, &**device.as_ref().ok()?)));
        Self { devices: devices.collect(), outcomes: RefCell::default() }
    }

    /// Has the system look at the drives as they are now, also those that have nothing on them any
    /// more, and tells where that failed.
    fn reread_partitions(&self) -> BTreeMap<usize, io::Error> {
        let reread = |(at, device): &(usize, &dyn Device)| {
            device.reread_partitions().err().map(|error| (*at, error))
        };
        self.devices.iter().filter_map(reread).collect()
    }

    /// Writes the drives, and tells whether that was cancelled before all were done. What became of
    /// each is kept, also where all fails.
    fn write(&self, media: &MediaPlan, progress: &dyn DriveProgress) -> Result<bool, Error> {
        if self.devices.is_empty() {
            return Ok(false);
        }
        let (tree, stick) = media.stick().ok_or(Error::OtherDrives)?;
        let devices = || self.devices.iter().map(|(_, device)| *device);
        let disks = devices().map(|device| stick.disk_of(device.len()));
        let disks = disks.collect::<Result<Vec<Plan>, _>>()?;
        let jobs = devices().zip(&disks).map(|(device, disk)| DriveJob::new(device, disk));
        let jobs: Vec<DriveJob<'_>> = jobs.collect();
        let settle = || match media.again() {
            Some(Again { content, .. }) => {
                content.settle().map_err(|error| Box::new(error) as Unsettled)
            }
            None => Ok(()),
        };
        let all = &self.devices;
        let wiped = |job: usize| all.get(job).is_some_and(|(_, device)| forget_all(*device));
        let options = DriveOptions::default()
            .with_body(stick.body())
            .with_head(stick.head_len())
            .with_verify(media.reads_back())
            .with_wiped(&wiped)
            .with_settle(&settle);
        let laid = media.laid().first().ok_or(Error::OtherDrives)?;
        // The head is held back, also where it is part of the volume.
        let first = stick.body().start.max(stick.head_len());
        let drives = all.iter().map(|(at, _)| *at).collect();
        let progress = FollowingDrives::new(laid, first, drives, progress);
        let outcome = |(result, (device, disk)): (Result<_, FailedDrive>, (_, &Plan))| match result
        {
            Ok(outcome) => outcome,
            Err(failed) => {
                let place = |at| stick.place(tree, disk, at);
                Outcome::failed(failed.head.into(), failure(device, failed.error, place))
            }
        };
        let of_drives = || devices().zip(&disks);
        let (outcomes, ended) = match write_drives(&jobs, &options, &progress) {
            Ok(written) => {
                let cancelled = written.was_cancelled();
                let done =
                    |report: DriveReport| Outcome { state: report.head.into(), result: Ok(report) };
                let results = written.drives.into_iter().map(|result| result.map(done));
                (results.zip(of_drives()).map(outcome).collect(), Ok(cancelled))
            }
            Err(EndedRun { error, drives, .. }) => {
                let results = drives.into_iter().zip(devices()).map(|(result, device)| {
                    result.map(|head| {
                        let failure =
                            DriveFailure::Ended { drive: device.describe(), source: None };
                        Outcome::failed(head.into(), failure)
                    })
                });
                let outcomes = results.zip(of_drives()).map(outcome).collect();
                (outcomes, Err(DrivesError::from(error).into()))
            }
        };
        self.keep(outcomes);
        ended
    }

    /// Keeps what became of the drives, on top of what an earlier writing made of them.
    fn keep(&self, mut outcomes: Vec<Outcome>) {
        let mut kept = self.outcomes.borrow_mut();
        for (before, now) in kept.iter().zip(&mut outcomes) {
            now.state = before.state.then(now.state);
        }
        *kept = outcomes;
    }
}

/// Has the system forget the partitions of a drive that was wiped, so that nobody mounts what is being
/// overwritten; and has the drive forget all it holds, so that flash writes fast and lives longer. A
/// drive that cannot is no worse for it. True where it did the latter, or some of it before it failed.
fn forget_all(device: &dyn Device) -> bool {
    // At the end it is done again, and told where it fails.
    let _ = device.forget_partitions();
    device.discard().unwrap_or(true)
}

/// What went wrong with a drive, in words of the media: `place` tells what lies at a byte.
fn failure(
    device: &dyn Device,
    error: DriveError,
    place: impl FnOnce(u64) -> MediaPlace,
) -> DriveFailure {
    let drive = device.describe();
    match error {
        DriveError::Differs { at, exact, .. } => {
            DriveFailure::Mismatch { drive, at, exact, place: place(at) }
        }
        source @ DriveError::Cancelled { .. } => {
            DriveFailure::Ended { drive, source: Some(source) }
        }
        source if !device.is_present() => DriveFailure::Gone { drive, source },
        source => DriveFailure::Write { drive, source },
    }
}

fn made_drive(
    drive: &Drive,
    drive_serial: Option<String>,
    unused_bytes: u64,
    outcome: Outcome,
) -> MadeDrive {
    let (written_bytes, verified_bytes, failure) = match outcome.result {
        Ok(report) => (report.written, report.verified, None),
        Err(failure) => (0, 0, Some(failure)),
    };
    MadeDrive {
        path: drive.path.display().to_string(),
        model: drive.title(),
        serial: drive.serial.clone(),
        drive_serial,
        bytes: drive.len,
        sector_size: drive.logical_block_size,
        status: if failure.is_none() { DriveStatus::Ok } else { DriveStatus::Failed },
        state: outcome.state,
        written_bytes,
        verified_bytes,
        unused_bytes,
        failure,
    }
}

/// Bytes of a drive that a volume leaves, where they are worth telling: sticks of one size differ by a
/// little, and partition tables leave some.
pub(crate) fn unused_of(drive: u64, used: u64) -> Option<u64> {
    let unused = drive.saturating_sub(used);
    (unused > drive / 100).then_some(unused)
}

/// What a drive is larger than the volume on it.
fn unused(drive: &MadeDrive, smallest: u64) -> Option<Warning> {
    let MadeDrive { path, bytes, unused_bytes, .. } = drive;
    let why = if *bytes > smallest {
        "the volume fills the smallest drive of the run; write the drive in a run of its own to use it \
         all"
    } else {
        "neither FAT32 nor a master boot record reaches further"
    };
    let unused = unused_of(*bytes, bytes.saturating_sub(*unused_bytes));
    unused.filter(|_| drive.failure.is_none()).map(|unused| {
        Warning::new(format!("{unused} bytes of the {bytes} of {path} stay unused: {why}"))
    })
}
