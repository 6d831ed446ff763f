//! A line of progress for each drive, and what state the drives are in.

use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use capmedia::DriveState;
use extent_image::{DriveProgress, Phase, Stage};
use indicatif::MultiProgress;

use crate::log::Log;
use crate::meter::{Meter, percent, word_of};
use crate::print::size;
use crate::progress::{Screen, StandingBar, Teller};
use crate::signals::{catch_signals, is_cancelled};

/// Tells how far each drive is, logs every tenth of the way, and stops the run on Ctrl-C.
pub(crate) struct DriveBars {
    drives: Vec<Mutex<DriveLine>>,
    states: DriveStates,
    log: Log,
    standing: Option<StandingBar>,
    shown: MultiProgress,
}

struct DriveLine {
    name: String,
    teller: Teller,
    phase: Option<Phase>,
    /// What was logged last.
    logged: Option<(Phase, u64)>,
}

/// How far drives are. Clones are one.
#[derive(Clone)]
pub(crate) struct DriveStates {
    drives: Arc<Mutex<Vec<State>>>,
    /// Whether drives are read back.
    verify: bool,
}

struct State {
    name: String,
    /// Nothing before the first byte.
    at: Option<(Phase, u64, u64)>,
}

impl DriveBars {
    /// A line for each of the drives, which have a name and a path; hidden when `quiet` or when nobody
    /// looks.
    pub(crate) fn new<'a>(
        drives: impl IntoIterator<Item = (&'a str, String)>,
        states: &DriveStates,
        log: &Log,
        quiet: bool,
    ) -> Self {
        catch_signals();
        let screen = Screen::now(quiet);
        let shown = MultiProgress::new();
        let drives: Vec<(&str, String)> = drives.into_iter().collect();
        let columns = drives.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let tellers = drives.iter().map(|(name, path)| {
            let meter = Meter::of_drive(name, columns);
            Teller::of_drive(meter, path.clone(), screen, &shown)
        });
        let tellers: Vec<Teller> = tellers.collect();
        let first = tellers.first().and_then(Teller::bar);
        let standing = first.map(|bar| StandingBar::new(bar.clone()));
        let at_start = drives.iter().map(|(name, _)| State { name: (*name).to_owned(), at: None });
        *states.drives() = at_start.collect();
        let lines = drives.iter().zip(tellers).map(|((name, _), teller)| {
            Mutex::new(DriveLine { name: (*name).to_owned(), teller, phase: None, logged: None })
        });
        let (drives, states, log) = (lines.collect(), states.clone(), log.clone());
        Self { drives, states, log, standing, shown }
    }

    fn line(&self, drive: usize) -> Option<MutexGuard<'_, DriveLine>> {
        Some(self.drives.get(drive)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for DriveBars {
    fn drop(&mut self) {
        drop(self.standing.take());
        self.drives.clear();
        let _ = self.shown.clear();
    }
}

impl DriveProgress for DriveBars {
    fn advance(&self, drive: usize, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        if let Some(mut line) = self.line(drive) {
            line.advance(phase, done, total, &self.log);
        }
        self.states.set(drive, phase, done, total);
        if is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn file(&self, drive: usize, phase: Phase, path: &str, place: Range<u64>) {
        if let Some(mut line) = self.line(drive) {
            line.begin(phase);
            line.teller.file(path, place);
        }
    }
}

impl DriveLine {
    fn begin(&mut self, phase: Phase) {
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            self.teller.begin(Stage::new(phase));
        }
    }

    fn advance(&mut self, phase: Phase, done: u64, total: u64, log: &Log) {
        self.begin(phase);
        self.teller.advance(done, total);
        // The others are short.
        let is_long = matches!(phase, Phase::Write | Phase::Verify);
        let (name, word, tenths) = (&self.name, word_of(phase), percent(done, total) / 10);
        let before = self.logged.filter(|(before, _)| *before == phase);
        let last = before.map_or(0, |(_, tenths)| tenths);
        if before.is_none() && !is_long {
            log.information(format!("{name} {word}"));
        } else if is_long && tenths > last {
            let (done, total, at) = (size(done), size(total), self.teller.at());
            log.information(format!("{name} {word} {tenths}0 %: {done} of {total}{at}"));
        }
        if before.is_none() || tenths > last {
            self.logged = Some((phase, tenths));
        }
    }
}

impl DriveStates {
    pub(crate) fn new(verify: bool) -> Self {
        Self { drives: Arc::default(), verify }
    }

    fn drives(&self) -> MutexGuard<'_, Vec<State>> {
        self.drives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, drive: usize, phase: Phase, done: u64, total: u64) {
        if let Some(state) = self.drives().get_mut(drive) {
            state.at = Some((phase, done, total));
        }
    }

    /// What a run that ends now leaves behind; nothing where no drive was begun.
    pub(crate) fn told(&self) -> Option<String> {
        let drives = self.drives();
        let told = drives.iter().map(|drive| format!("{} {}", drive.name, drive.left(self.verify)));
        let told: Vec<String> = told.collect();
        let begun = drives.iter().any(|drive| drive.at.is_some());
        begun.then(|| told.join("; "))
    }
}

impl State {
    /// What is on the drive: each phase is told before it begins.
    fn left(&self, verify: bool) -> DriveState {
        match self.at {
            // 0 of 0: it is being unmounted and opened.
            None | Some((Phase::Wipe, _, 0)) => DriveState::Untouched,
            Some((Phase::Wipe, ..)) => DriveState::MaybeOld,
            Some((Phase::Write | Phase::Verify, ..)) => DriveState::Erased,
            // The last bytes of the phase were read back.
            Some((Phase::Head, done, total)) if verify && done >= total => DriveState::Media,
            Some(_) => DriveState::MaybeMedia,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogArgs;

    fn named<'a>(names: &'a [&str]) -> impl Iterator<Item = (&'a str, String)> {
        names.iter().map(|name| (*name, format!("/dev/{name}")))
    }

    #[test]
    fn a_run_that_ends_tells_of_each_drive() {
        for verify in [true, false] {
            let states = DriveStates::new(verify);
            assert_eq!(states.told(), None);
            let bars =
                DriveBars::new(named(&["a", "b", "c", "d", "e", "f"]), &states, &Log::none(), true);
            assert_eq!(states.told(), None);
            assert!(bars.advance(0, Phase::Wipe, 0, 0).is_continue());
            for (drive, phase, done) in [
                (1, Phase::Wipe, 0),
                (2, Phase::Write, 0),
                (3, Phase::Verify, 10),
                (4, Phase::Head, 0),
                (5, Phase::Head, 10),
                // Never a reason to stop writing the others.
                (9, Phase::Write, 1),
            ] {
                assert!(bars.advance(drive, phase, done, 10).is_continue());
            }
            let maybe =
                "may look like whole media and be damaged; write it again before it is used";
            let last = if verify { "has the media" } else { maybe };
            let expected = format!(
                "a is as it was; b may have lost some or all of what was on it; c is erased, and no \
                 computer starts from it; d is erased, and no computer starts from it; e {maybe}; f \
                 {last}"
            );
            assert_eq!(states.told(), Some(expected));
        }
    }

    #[test]
    fn tenths_of_each_drive_and_phase_are_logged_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let log = LogArgs { log: Some(path.clone()) }.open(|_| Ok(())).unwrap();
        let bars = DriveBars::new(named(&["sdb", "sdc"]), &DriveStates::new(true), &log, true);
        for phase in [Phase::Wipe, Phase::Write, Phase::Verify, Phase::Head] {
            for done in 0..=100 {
                for drive in 0..2 {
                    assert!(bars.advance(drive, phase, done, 100).is_continue());
                }
            }
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // And once that a short one begins.
        assert_eq!(text.lines().count(), 44, "{text}");
        for said in ["[sdb erasing]", "[sdc verifying 100 %: 100 bytes of 100 bytes]"] {
            assert_eq!(text.matches(said).count(), 1, "{text}");
        }
        assert!(text.lines().last().unwrap().contains("LOG[sdc finishing]LOG"), "{text}");
    }
}
