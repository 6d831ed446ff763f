//! The terminal that questions are asked at: how it was before, and whether it is this process's to change.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(unix)]
use std::time::Duration;

use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{cursor, event, execute};

#[cfg(unix)]
use crate::signals::ends;

static QUESTION: Mutex<Option<Question>> = Mutex::new(None);
static HUSHED: Mutex<Option<Question>> = Mutex::new(None);
/// Locked behind [`HUSHED`] where both are.
static HELD: Mutex<()> = Mutex::new(());

/// Asks on the terminal, which is as it was before when the run ends meanwhile.
pub(crate) fn ask<T>(question: impl FnOnce() -> T) -> T {
    *asked() = Some(Question::new());
    let answer = question();
    asked().take();
    answer
}

/// Whether a question waits for its answer.
pub(crate) fn is_asked() -> bool {
    asked().is_some()
}

fn asked() -> MutexGuard<'static, Option<Question>> {
    QUESTION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the terminal as it was before all questions. Nobody takes it again as long as what is given back
/// lives.
pub(crate) fn give_back() -> impl Sized {
    let mut hushed = hushed();
    let held = hold();
    leave_question();
    hushed.take();
    (hushed, held)
}

/// Has the terminal wait for whole lines again, whoever writes to it: this waits for nobody.
pub(crate) fn leave_raw_mode() {
    if is_in_front() {
        let _ = terminal::disable_raw_mode();
    }
}

/// Has the terminal as it was before the question that is asked.
fn leave_question() {
    let question = asked().take();
    let is_raw = terminal::is_raw_mode_enabled().unwrap_or(false) && is_in_front();
    if is_raw {
        // A question of the wizard hides the cursor, and has what is pasted marked.
        let _ = execute!(io::stderr(), cursor::Show, event::DisableBracketedPaste);
        let _ = terminal::disable_raw_mode();
    }
    if is_raw || question.is_some() {
        // The line of the question has not ended.
        let _ = io::Write::write_all(&mut io::stderr(), b"\n");
    }
    if is_raw {
        // What stood below it, choices and help, is of no use any more.
        let _ = execute!(io::stderr(), Clear(ClearType::FromCursorDown));
    }
}

/// A panic leaves the terminal as it was, before it says what it is.
pub(crate) fn restore_on_panic() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        leave_question();
        // Whoever panics may hold it, and gives it back.
        if let Ok(mut hushed) = HUSHED.try_lock() {
            hushed.take();
        }
        tell(panic);
    }));
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

/// No question is drawn as long as this lives, and none takes the terminal.
pub(crate) fn hold() -> MutexGuard<'static, ()> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the terminal is this process's to change. In the background the shell has it as it wants it, and
/// stops whoever changes it (POSIX.1-2024, section 11.1.4), also one that is about to end.
#[cfg(unix)]
fn is_in_front() -> bool {
    use rustix::{process::getpgrp, termios::tcgetpgrp};
    use std::io::IsTerminal as _;
    let input = io::stdin();
    let front = match input.is_terminal() {
        true => tcgetpgrp(&input),
        false => match std::fs::File::open("/dev/tty") {
            Ok(terminal) => tcgetpgrp(&terminal),
            Err(_) => return true,
        },
    };
    // Of a terminal that controls nobody, there is none.
    front.map_or(true, |front| front == getpgrp())
}

/// A console of Windows is of all its processes.
#[cfg(not(unix))]
fn is_in_front() -> bool {
    true
}

/// Waits so long at most until this process, which was stopped, is in front again; false where it is not, or
/// ends.
#[cfg(unix)]
pub(crate) fn comes_to_front(within: Duration) -> bool {
    let start = std::time::Instant::now();
    while !ends() {
        if is_in_front() {
            return true;
        }
        if start.elapsed() > within {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
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
        if let Some((file, modes)) = self.terminal.as_ref().filter(|_| is_in_front()) {
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

    /// Nothing was changed.
    #[cfg(not(unix))]
    fn restore(&self) {}

    #[cfg(unix)]
    fn restore(&self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some((file, modes)) = self.terminal.as_ref().filter(|_| is_in_front()) {
            let _ = tcsetattr(file, OptionalActions::Flush, modes);
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.restore();
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Read as _;

    use pty_process::blocking::{Command, open};
    use rustix::termios::{LocalModes, tcgetattr};

    use super::*;

    /// Set where this test is the program at the terminal.
    const INSIDE: &str = "CAPMEDIA_TEST_PANICS";

    /// A panic at a question: the terminal is as it was, and what it says begins a line of its own.
    #[test]
    fn a_panic_restores_the_terminal() {
        if std::env::var_os(INSIDE).is_some() {
            panic_at_a_question();
        }
        let (mut pty, terminal) = open().unwrap();
        // The modes are those of the terminal, whichever end is asked.
        let before = tcgetattr(&pty).unwrap();
        let name = "terminal::tests::a_panic_restores_the_terminal";
        let command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
        let mut child = command.spawn(terminal).unwrap();
        let (mut shown, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = pty.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..count]);
        }
        assert!(!child.wait().unwrap().success());
        let shown = String::from_utf8_lossy(&shown);
        let (_, shown) = shown.split_once("Name:").expect("the question");
        // Raw modes end lines by themselves alone: behind them it goes on below.
        let (between, said) = shown.split_once("panicked at").expect("what it says");
        assert!(between.contains("\x1b[?2004l"), "pastes are marked no more: {between:?}");
        assert!(between.contains("\r\n"), "{between:?}");
        assert!(said.contains("at a question\r\n"), "{said:?}");
        let after = tcgetattr(&pty).unwrap();
        let canonical = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        assert!(after.local_modes.contains(canonical), "{after:?}");
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
    }

    fn panic_at_a_question() -> ! {
        restore_on_panic();
        let _hush = Hush::new();
        ask(|| {
            terminal::enable_raw_mode().unwrap();
            let _ = execute!(io::stderr(), event::EnableBracketedPaste);
            let _ = io::Write::write_all(&mut io::stderr(), b"Name:");
            panic!("at a question")
        })
    }
}
