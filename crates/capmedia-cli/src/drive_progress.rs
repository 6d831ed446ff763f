//! A line of progress for each drive, and what state the drives are in.

use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capmedia::DriveState;
use extent_image::{DriveProgress, Phase};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::log::Log;
use crate::print::size;
use crate::progress::StandingBar;
use crate::signals::{catch_signals, is_cancelled};

/// Shows how far each drive is, logs every tenth of the way, and stops the run on Ctrl-C.
pub(crate) struct DriveBars {
    drives: Vec<DriveBar>,
    states: DriveStates,
    log: Log,
    standing: Option<StandingBar>,
    shown: MultiProgress,
}

struct DriveBar {
    name: String,
    bar: ProgressBar,
    /// What was logged last.
    logged: Mutex<Option<(Phase, u128)>>,
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
    /// A line for each of the drives; hidden when `quiet` or when nobody looks.
    pub(crate) fn new<'a>(
        names: impl IntoIterator<Item = &'a str>,
        states: &DriveStates,
        log: &Log,
        quiet: bool,
    ) -> Self {
        catch_signals();
        let hidden = quiet || !io::stderr().is_terminal();
        let shown = MultiProgress::new();
        let line = "{prefix:<8} {msg:<9} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        let names: Vec<&str> = names.into_iter().collect();
        let drives = names.iter().map(|name| {
            let bar = if hidden { ProgressBar::hidden() } else { shown.add(ProgressBar::new(0)) };
            if let Ok(style) = ProgressStyle::with_template(line) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix((*name).to_owned());
            bar.set_message("waiting");
            if !hidden {
                bar.enable_steady_tick(Duration::from_millis(250));
            }
            DriveBar { name: (*name).to_owned(), bar, logged: Mutex::default() }
        });
        let drives: Vec<DriveBar> = drives.collect();
        let first = drives.first().filter(|_| !hidden);
        let standing = first.map(|drive| StandingBar::new(drive.bar.clone()));
        let at_start = names.iter().map(|name| State { name: (*name).to_owned(), at: None });
        *states.drives() = at_start.collect();
        let (states, log) = (states.clone(), log.clone());
        Self { drives, states, log, standing, shown }
    }
}

impl Drop for DriveBars {
    fn drop(&mut self) {
        drop(self.standing.take());
        self.drives.iter().for_each(|drive| drive.bar.finish_and_clear());
        let _ = self.shown.clear();
    }
}

impl DriveProgress for DriveBars {
    fn advance(&self, drive: usize, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        if let Some(drive) = self.drives.get(drive) {
            drive.advance(phase, done, total, &self.log);
        }
        self.states.set(drive, phase, done, total);
        if is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl DriveBar {
    fn advance(&self, phase: Phase, done: u64, total: u64, log: &Log) {
        let word = word_of(phase);
        // The others are short.
        let is_long = matches!(phase, Phase::Write | Phase::Verify);
        let tenths = u128::from(done) * 10 / u128::from(total.max(1));
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *logged;
        let is_new_phase = before.is_none_or(|(before, _)| before != phase);
        let last = before.filter(|_| !is_new_phase).map_or(0, |(_, tenths)| tenths);
        if is_new_phase || tenths > last {
            *logged = Some((phase, tenths));
        }
        drop(logged);
        if is_new_phase {
            self.bar.reset();
            self.bar.set_message(word);
        }
        if is_new_phase && !is_long {
            log.information(format!("{} {word}", self.name));
        } else if is_long && tenths > last {
            let (name, done, total) = (&self.name, size(done), size(total));
            log.information(format!("{name} {word} {tenths}0 %: {done} of {total}"));
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

fn word_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Wipe => "erasing",
        Phase::Write => "writing",
        Phase::Verify => "verifying",
        Phase::Head => "finishing",
        _ => "working",
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

    #[test]
    fn a_run_that_ends_tells_of_each_drive() {
        for verify in [true, false] {
            let states = DriveStates::new(verify);
            assert_eq!(states.told(), None);
            let bars = DriveBars::new(["a", "b", "c", "d", "e", "f"], &states, &Log::none(), true);
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
        let bars = DriveBars::new(["sdb", "sdc"], &DriveStates::new(true), &log, true);
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
