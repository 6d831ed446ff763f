//! Progress as it is told: on a terminal, nothing elsewhere; and as events.

use std::fmt;
use std::io::{self, IsTerminal};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use extent_image::{Progress, Stage};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::events;
use crate::meter::{Meter, percent};
use crate::print;
use crate::signals::{catch_signals, is_cancelled};

/// The bar that stands in the last line of the terminal.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// How often a bar is drawn, and an event of progress told.
const TICK: Duration = Duration::from_millis(250);

/// Columns of a terminal that does not say.
const COLUMNS: usize = 80;

/// Prints a line on standard error, above the bar where there is one.
pub(crate) fn above_bar(text: &str) {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // There is no third place to complain.
    let print = || drop(print::line(&mut io::stderr().lock(), text));
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Has lines printed above a bar while it stands.
pub(crate) struct StandingBar;

impl StandingBar {
    pub(crate) fn new(bar: ProgressBar) -> Self {
        *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
        Self
    }
}

impl Drop for StandingBar {
    fn drop(&mut self) {
        BAR.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// What standard error can show of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Nothing: nobody looks, or wants to.
    Dark,
    /// Lines that follow each other.
    Paper,
    /// Lines that are drawn again in their place.
    Terminal,
}

impl Screen {
    /// As it is, unless nothing is to be shown.
    pub(crate) fn now(quiet: bool) -> Self {
        match () {
            () if quiet || events::is_on() || !io::stderr().is_terminal() => Self::Dark,
            () if console::is_dumb() => Self::Paper,
            () => Self::Terminal,
        }
    }
}

/// Columns that may be written to; the last one is left out, for some terminals go on in the next line
/// behind it.
fn columns() -> usize {
    let size = Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    size.filter(|columns| *columns > 0).unwrap_or(COLUMNS).saturating_sub(1)
}

/// Tells of one line of work: how far it is, at which file, how fast.
pub(crate) struct Teller {
    meter: Arc<Mutex<Meter>>,
    screen: Screen,
    bar: Option<ProgressBar>,
    /// What events call the drive.
    drive: Option<String>,
    /// When the last event was told, in this phase.
    told: Option<Instant>,
    /// Whether there is more to tell.
    more: bool,
    /// Tenths that were said on paper.
    tenths: u64,
}

impl Teller {
    /// Of a run, in two lines.
    pub(crate) fn new(meter: Meter, screen: Screen) -> Self {
        let this = Self::hidden(meter, screen);
        this.drawn(ProgressBar::new(0), "{line}\n{file}", false)
    }

    /// Of one of several drives, in a line of its own.
    pub(crate) fn of_drive(
        meter: Meter,
        drive: String,
        screen: Screen,
        among: &MultiProgress,
    ) -> Self {
        let mut this = Self::hidden(meter, screen);
        this.drive = Some(drive);
        let bar = || among.add(ProgressBar::new(0));
        if screen == Screen::Terminal { this.drawn(bar(), "{line}", true) } else { this }
    }

    fn hidden(meter: Meter, screen: Screen) -> Self {
        let meter = Arc::new(Mutex::new(meter));
        Self { meter, screen, bar: None, drive: None, told: None, more: false, tenths: 0 }
    }

    fn drawn(mut self, bar: ProgressBar, template: &str, with_file: bool) -> Self {
        if self.screen != Screen::Terminal {
            return self;
        }
        let (line, file) = (Arc::clone(&self.meter), Arc::clone(&self.meter));
        let line = move |_: &ProgressState, to: &mut dyn fmt::Write| {
            let _ = to.write_str(&locked(&line).line(columns(), with_file));
        };
        let file = move |_: &ProgressState, to: &mut dyn fmt::Write| {
            let _ = to.write_str(&locked(&file).file_line(columns()));
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("line", line).with_key("file", file));
        }
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
        self
    }

    /// What is drawn.
    pub(crate) fn bar(&self) -> Option<&ProgressBar> {
        self.bar.as_ref()
    }

    pub(crate) fn begin(&mut self, stage: Stage) {
        self.tell_rest();
        locked(&self.meter).begin(stage);
        events::phase(stage, self.drive.as_deref());
        (self.told, self.tenths) = (None, 0);
        // However short it is, it is seen.
        if let Some(bar) = &self.bar {
            bar.force_draw();
        }
    }

    pub(crate) fn file(&mut self, path: &str, place: Range<u64>) {
        locked(&self.meter).file(path, place);
    }

    pub(crate) fn work(&mut self, done: u64, total: u64) {
        locked(&self.meter).work(done, total);
    }

    pub(crate) fn advance(&mut self, done: u64, total: u64) {
        let mut meter = locked(&self.meter);
        if meter.advance(done, total) {
            // A damaged copy, which is read again from elsewhere.
            if let Some(stage) = meter.stage() {
                events::phase(stage, self.drive.as_deref());
            }
            (self.told, self.tenths) = (None, 0);
        }
        let is_due = self.told.is_none_or(|told| told.elapsed() >= TICK) || done == total;
        if is_due && events::is_on() {
            events::progress(&meter.figures(), self.drive.as_deref());
            self.told = Some(Instant::now());
        }
        self.more = !is_due;
        let (worked, of) = meter.worked();
        let tenths = percent(worked, of) / 10;
        if self.screen == Screen::Paper && tenths > self.tenths {
            self.tenths = tenths;
            above_bar(&meter.sentence());
        }
    }

    /// Which file it is at, for a log.
    pub(crate) fn at(&self) -> String {
        let meter = locked(&self.meter);
        meter.figures().file.map(|(path, ..)| format!(", at {path}")).unwrap_or_default()
    }

    /// The last of a phase is told, however soon it comes.
    fn tell_rest(&mut self) {
        if std::mem::take(&mut self.more) {
            events::progress(&locked(&self.meter).figures(), self.drive.as_deref());
        }
    }
}

fn locked(meter: &Mutex<Meter>) -> MutexGuard<'_, Meter> {
    meter.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.tell_rest();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells progress and stops the run on Ctrl-C.
pub(crate) struct Bar {
    standing: Option<StandingBar>,
    teller: Teller,
}

impl Bar {
    /// A bar with a word in front where something is written, or nobody says what is done; hidden when
    /// `quiet` or when nobody looks.
    pub(crate) fn new(word: &'static str, quiet: bool) -> Self {
        catch_signals();
        let teller = Teller::new(Meter::new(word), Screen::now(quiet));
        let standing = teller.bar().map(|bar| StandingBar::new(bar.clone()));
        Self { standing, teller }
    }
}

impl Progress for Bar {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        self.teller.advance(done, total);
        if is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn work(&mut self, done: u64, total: u64) {
        self.teller.work(done, total);
    }

    fn begin(&mut self, stage: Stage) {
        self.teller.begin(stage);
    }

    fn file(&mut self, path: &str, place: Range<u64>) {
        self.teller.file(path, place);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        drop(self.standing.take());
    }
}

/// Shows what is being done, and for how long now, where nobody knows how much there is to do.
pub(crate) struct Waiting {
    standing: Option<StandingBar>,
    bar: Option<ProgressBar>,
}

impl Waiting {
    /// Hidden when `quiet` or when nobody looks.
    pub(crate) fn new(what: String, quiet: bool) -> Self {
        catch_signals();
        match Screen::now(quiet) {
            Screen::Dark => return Self { standing: None, bar: None },
            Screen::Paper => {
                above_bar(&what);
                return Self { standing: None, bar: None };
            }
            Screen::Terminal => {}
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            // Characters that every console has.
            bar.set_style(style.tick_chars("-\\|/ "));
        }
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Self { standing: Some(StandingBar::new(bar.clone())), bar: Some(bar) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.standing.take());
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
