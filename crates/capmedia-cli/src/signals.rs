//! Ctrl-C, and other signals that ask a run to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use anyhow::anyhow;

use crate::exit::{Code, Failure};
use crate::log::Log;
use crate::terminal;
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
/// Whether the run is given up: who was stopped takes the terminal no more.
static ENDS: AtomicBool = AtomicBool::new(false);

/// The run that a signal ends.
struct Run {
    told: Told,
    json: bool,
    /// What is left, in words.
    left: Box<dyn Fn() -> Option<String> + Send>,
    /// Whether that is told also where nothing is being made.
    tells_always: bool,
}

/// The first signal asks the run to stop and clean up, a second one ends it at once; so does the first
/// while nothing is being made. A part file that is left then is taken over by the next run.
fn on_signal() {
    // Nothing looks whether it is cancelled while a question waits for its answer.
    if terminal::is_asked() {
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
fn give_up_with(why: &'static str, is_making: bool) -> ! {
    ENDS.store(true, Ordering::Relaxed);
    let (said, done) = mpsc::channel();
    // A terminal that nobody reads holds up who draws, and who would tell of the end.
    std::thread::spawn(move || {
        let _held = terminal::give_back();
        let run = RUN.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Run { told, json, left, tells_always }) = run {
            let left = if is_making || tells_always { left() } else { None };
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
        // Nobody has the terminal again.
        loop {
            std::thread::park();
        }
    });
    if done.recv_timeout(LAST_WORDS).is_err() {
        terminal::leave_raw_mode();
    }
    std::process::exit(Code::Cancelled as i32)
}

/// A terminal that is gone ends the run as a signal does, while nothing is being made: not every process
/// gets a signal then, and who waits for a key would wait for ever, as fast as it can.
#[cfg(unix)]
pub(crate) fn watch_terminal() {
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd as _;
    std::thread::spawn(|| {
        let input = std::io::stdin();
        let mut looked_at = [PollFd::new(input.as_fd(), PollFlags::empty())];
        loop {
            match poll(&mut looked_at, PollTimeout::NONE) {
                Ok(_) => break,
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
        let found = looked_at.first().and_then(PollFd::revents);
        while found.is_some_and(|found| found.contains(PollFlags::POLLHUP)) {
            if !LOOKS.load(Ordering::Relaxed) {
                on_signal();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}

/// Leaves SIGHUP ignored where whoever starts this had it ignored, as `nohup` does: the handler would have
/// it end the run. To be called before there is another thread.
#[cfg(target_os = "linux")]
pub(crate) fn leave_ignored() {
    use nix::sys::signal::{SigSet, Signal};
    // What is ignored, a bit for each signal from 1 on (proc_pid_status(5)); nothing safe else tells.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    if ignored.is_some_and(|bits| bits & 1 != 0) {
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGHUP);
        let _ = blocked.thread_block();
    }
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

/// Does what only reads and looks at no signal: one ends the run at once, although what is done before
/// and after looks.
pub(crate) fn ended_at_once<T>(work: impl FnOnce() -> T) -> T {
    let looks = LOOKS.swap(false, Ordering::Relaxed);
    let done = work();
    LOOKS.store(looks, Ordering::Relaxed);
    done
}

/// What was being made is made: from now on a signal ends the run at once again.
pub(crate) fn catch_no_signals() {
    LOOKS.store(false, Ordering::Relaxed);
}

/// Whether a signal came.
pub(crate) fn is_cancelled() -> bool {
    CANCELLED.load(Ordering::Relaxed)
}

/// What to say when a signal ends the run, which it does from now on: `left` tells what is left half made then.
pub(crate) fn watch(told: &Told, json: bool, left: impl Fn() -> Option<String> + Send + 'static) {
    let run = Run { told: told.clone(), json, left: Box::new(left), tells_always: false };
    *RUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    watch_for_signals();
}

/// The same while questions are asked and nothing is being made: `left` is told whenever it ends.
pub(crate) fn watch_questions(left: impl Fn() -> Option<String> + Send + 'static) {
    let told = Told::new(&Log::none(), true);
    let run = Run { told, json: false, left: Box::new(left), tells_always: true };
    *RUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    catch_no_signals();
    watch_for_signals();
}

/// Asks on the terminal; a signal ends the run then, at once.
pub(crate) fn ask<T>(question: impl FnOnce() -> T) -> T {
    watch_for_signals();
    terminal::ask(question)
}

/// Whether the run is given up.
#[cfg(unix)]
pub(crate) fn ends() -> bool {
    ENDS.load(Ordering::Relaxed)
}
