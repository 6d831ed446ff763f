//! A progress bar on a terminal, nothing elsewhere; and Ctrl-C.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use extent_image::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Code;

/// How long a cancelled run may take to stop by itself. One that hangs, because nobody reads its
/// pipe or a network drive does not answer, would never see that it was cancelled.
const PATIENCE: Duration = Duration::from_secs(10);

static CANCELLED: AtomicBool = AtomicBool::new(false);

/// The first signal asks the run to stop and clean up, a second one ends it at once. A part file
/// that is left then is taken over by the next run.
fn on_signal() {
    if CANCELLED.swap(true, Ordering::Relaxed) {
        std::process::exit(Code::Cancelled as i32);
    }
    std::thread::spawn(|| {
        std::thread::sleep(PATIENCE);
        std::process::exit(Code::Cancelled as i32);
    });
}

/// Shows progress on standard error and stops the run on Ctrl-C.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar with a word in front; hidden when `quiet` or when nobody looks.
    pub(crate) fn new(word: &'static str, quiet: bool) -> Self {
        // The second bar of a run finds the handler in place.
        let _ = ctrlc::set_handler(on_signal);
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            let bar = ProgressBar::new(0);
            let line = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            if let Ok(style) = ProgressStyle::with_template(line) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        };
        bar.set_message(word);
        Self { bar }
    }
}

impl Progress for Bar {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if CANCELLED.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
