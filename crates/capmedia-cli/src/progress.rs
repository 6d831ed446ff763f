//! A progress bar on a terminal, nothing elsewhere.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use extent_image::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::print;
use crate::signals::{catch_signals, is_cancelled};

/// The bar that stands in the last line of the terminal.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

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

/// Shows progress on standard error and stops the run on Ctrl-C.
pub(crate) struct Bar {
    bar: ProgressBar,
    standing: Option<StandingBar>,
}

impl Bar {
    /// A bar with a word in front; hidden when `quiet` or when nobody looks.
    pub(crate) fn new(word: &str, quiet: bool) -> Self {
        let line = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Self::with_line(word, quiet, line, || ProgressBar::new(0))
    }

    /// What is being done, and for how long now, where nobody knows how much there is to do.
    pub(crate) fn waiting(what: &str, quiet: bool) -> Self {
        Self::with_line(what, quiet, "{spinner} {wide_msg} {elapsed}", ProgressBar::new_spinner)
    }

    fn with_line(word: &str, quiet: bool, line: &str, bar: impl Fn() -> ProgressBar) -> Self {
        catch_signals();
        let mut standing = None;
        let bar = if quiet || !io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            let bar = bar();
            if let Ok(style) = ProgressStyle::with_template(line) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            standing = Some(StandingBar::new(bar.clone()));
            bar
        };
        bar.set_message(word.to_owned());
        Self { bar, standing }
    }

    /// For telling which file it is at.
    pub(crate) fn label(&self) -> Label {
        Label(self.bar.clone())
    }
}

/// The words in front of a bar.
pub(crate) struct Label(ProgressBar);

impl Label {
    /// The file that is being read, and how far.
    pub(crate) fn file(&self, path: &str, done: u64, len: u64) {
        if self.0.is_hidden() {
            return;
        }
        let percent = u128::from(done) * 100 / u128::from(len.max(1));
        // The end of a path tells more than its start; and it may hold anything.
        let clean: Vec<char> = path.chars().filter(|c| !c.is_control()).collect();
        let shown: String = clean.iter().skip(clean.len().saturating_sub(SHOWN)).collect();
        self.0.set_message(format!("{shown} {percent} %"));
    }
}

/// Characters of a path in front of a bar.
const SHOWN: usize = 24;

impl Progress for Bar {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        drop(self.standing.take());
        self.bar.finish_and_clear();
    }
}
