//! Ctrl-C, and other signals that ask a run to end.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use anyhow::anyhow;
use crossterm::{cursor, event, execute, terminal};

use crate::exit::{Code, Failure};
use crate::told::Told;

/// How long a cancelled run may take to stop by itself. One that hangs, because nobody reads its
/// pipe or a network drive does not answer, would never see that it was cancelled.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last words may take: whoever reads them may hang, too.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Whether the run looks, from time to time, whether it was cancelled, and cleans up.
static LOOKS: AtomicBool = AtomicBool::new(false);
static CANCELLED: AtomicBool = AtomicBool::new(false);
static RUN: Mutex<Option<Run>> = Mutex::new(None);
static QUESTION: Mutex<Option<Question>> = Mutex::new(None);
static HUSHED: Mutex<Option<Question>> = Mutex::new(None);

/// The run that a signal ends.
struct Run {
    told: Told,
    json: bool,
    /// What is left half made, in words.
    left: Box<dyn Fn() -> Option<String> + Send>,
}

/// The first signal asks the run to stop and clean up, a second one ends it at once; so does the first
/// while nothing is being made. A part file that is left then is taken over by the next run.
fn on_signal() {
    // Nothing looks whether it is cancelled while a question waits for its answer.
    if let Some(question) = QUESTION.lock().unwrap_or_else(PoisonError::into_inner).take() {
        drop(question);
        if terminal::is_raw_mode_enabled().unwrap_or(false) {
            // A question of the wizard hides the cursor, and has what is pasted marked.
            let _ = execute!(io::stderr(), cursor::Show, event::DisableBracketedPaste);
        }
        // The line of the question has not ended.
        let _ = io::Write::write_all(&mut io::stderr(), b"\n");
        give_up("cancelled");
    }
    // Planning reads only: there is nothing to clean up, and nothing half made to tell of.
    if !LOOKS.load(Ordering::Relaxed) {
        give_up_with("cancelled", false);
    }
    if CANCELLED.swap(true, Ordering::Relaxed) {
        give_up("cancelled at once, by a second signal");
    }
    std::thread::spawn(|| {
        std::thread::sleep(PATIENCE);
        give_up("cancelled; what it waited for did not answer");
    });
}

/// Says how the run ends, and ends it.
fn give_up(why: &'static str) -> ! {
    give_up_with(why, true)
}

/// The same, with what is left half made or without.
fn give_up_with(why: &'static str, tells_left: bool) -> ! {
    let (said, done) = mpsc::channel();
    std::thread::spawn(move || {
        let run = RUN.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Run { told, json, left }) = run {
            let left = if tells_left { left() } else { None };
            let error = match left {
                None => anyhow!("{why}"),
                Some(left) => anyhow!("{why}; {left}"),
            };
            if let Err(failure) = told.end::<()>(Err(Failure::new(Code::Cancelled, error))) {
                let _ = failure.report(json);
            }
        } else {
            let _ = Failure::new(Code::Cancelled, anyhow!("{why}")).report(false);
        }
        let _ = said.send(());
    });
    let _ = done.recv_timeout(LAST_WORDS);
    hushed().take();
    std::process::exit(Code::Cancelled as i32)
}

/// From now on a signal ends the run at once, with exit code 130 and what there is to say.
pub(crate) fn watch_for_signals() {
    // Whoever comes second finds the handler in place.
    let _ = ctrlc::set_handler(on_signal);
}

/// From now on a signal asks the run to stop, which looks at [`is_cancelled`].
pub(crate) fn catch_signals() {
    LOOKS.store(true, Ordering::Relaxed);
    watch_for_signals();
}

/// Whether a signal came.
pub(crate) fn is_cancelled() -> bool {
    CANCELLED.load(Ordering::Relaxed)
}

/// What to say when a signal ends the run, which it does from now on: `left` tells what is left half made then.
pub(crate) fn watch(told: &Told, json: bool, left: impl Fn() -> Option<String> + Send + 'static) {
    let run = Run { told: told.clone(), json, left: Box::new(left) };
    *RUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    watch_for_signals();
}

/// Tells of files that are left half made.
pub(crate) fn left_behind(files: &[String]) -> Option<String> {
    let files = Some(files.join(", ")).filter(|files| !files.is_empty())?;
    Some(format!("left behind, for the next run to remove: {files}"))
}

/// What is being made in a folder: the names that begin with `.` and `stem`.
pub(crate) fn parts_in(folder: &Path, stem: &str) -> Vec<String> {
    /// Behind the name of everything that is being made.
    const PART: &str = ".capmedia-part";
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let parts = names.filter(|name| {
        let begins = name.strip_prefix('.').is_some_and(|name| name.starts_with(stem));
        name.ends_with(PART) && begins
    });
    parts.map(|name| folder.join(name).display().to_string()).collect()
}

/// What is being made beside the image `path`: of a set, each disc.
pub(crate) fn parts_of(path: &Path) -> Vec<String> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    parts_in(path.parent().unwrap_or(Path::new("")), &stem)
}

/// What is coming into a cache.
pub(crate) fn parts_in_cache(cache: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(cache).into_iter().flatten().flatten();
    folders.flat_map(|folder| parts_in(&folder.path(), "")).collect()
}

/// Asks on the terminal; a signal ends the run then, at once.
pub(crate) fn ask<T>(question: impl FnOnce() -> T) -> T {
    *QUESTION.lock().unwrap_or_else(PoisonError::into_inner) = Some(Question::new());
    watch_for_signals();
    let answer = question();
    QUESTION.lock().unwrap_or_else(PoisonError::into_inner).take();
    answer
}

/// Nothing that is typed is shown, as long as this lives; then it is thrown away. Ctrl-C and Ctrl-Z
/// are what they are.
pub(crate) struct Hush(());

impl Hush {
    pub(crate) fn new() -> Self {
        let terminal = Question::new();
        terminal.hush();
        *hushed() = Some(terminal);
        Self(())
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        hushed().take();
    }
}

fn hushed() -> MutexGuard<'static, Option<Question>> {
    HUSHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something while keys are shown again, for this process stops.
#[cfg(unix)]
pub(crate) fn with_keys_shown(stop: impl FnOnce()) {
    // Nobody ends the hush meanwhile.
    let hushed = hushed();
    hushed.iter().for_each(Question::restore);
    stop();
    hushed.iter().for_each(Question::hush);
}

/// A key that there is not (`_POSIX_VDISABLE` of Linux).
#[cfg(target_os = "linux")]
pub(crate) const NO_KEY: u8 = 0;
/// The same of the systems from BSD.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) const NO_KEY: u8 = 0xff;

/// How the terminal was before the question, which turns the echo off; dropped, it is so again.
struct Question {
    #[cfg(unix)]
    terminal: Option<(std::fs::File, rustix::termios::Termios)>,
}

impl Question {
    #[cfg(unix)]
    fn new() -> Self {
        let terminal = std::fs::File::open("/dev/tty").ok();
        let terminal = terminal.and_then(|file| {
            let modes = rustix::termios::tcgetattr(&file).ok()?;
            Some((file, modes))
        });
        Self { terminal }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    /// Has the terminal show nothing that is typed, and wait for no end of a line.
    #[cfg(unix)]
    fn hush(&self) {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr};
        if let Some((file, modes)) = &self.terminal {
            let mut modes = modes.clone();
            modes.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON);
            // It would leave the terminal so.
            modes.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
            let _ = tcsetattr(file, OptionalActions::Now, &modes);
        }
    }

    /// A console of Windows shows what is typed when it is read, and not before.
    #[cfg(not(unix))]
    fn hush(&self) {}

    #[cfg(unix)]
    fn restore(&self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some((file, modes)) = &self.terminal {
            let _ = tcsetattr(file, OptionalActions::Flush, modes);
        }
    }
}

#[cfg(unix)]
impl Drop for Question {
    fn drop(&mut self) {
        self.restore();
    }
}
