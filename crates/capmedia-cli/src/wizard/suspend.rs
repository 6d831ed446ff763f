//! Ctrl-Z at a question: the wizard stops, as other programs do, with the terminal as it was before,
//! and goes on where it was.
//!
//! A question has the terminal give each key as it is pressed, Ctrl-Z too, which would be a letter of
//! the answer. So the terminal is told to make a signal of it.
//!
//! A thread waits for the signal, has the terminal as it was, and then lets the signal do what it does
//! to every program. So the system decides: it stops no process whose group nobody could continue
//! (POSIX.1-2024, section 2.4.3, orphaned process groups), as under a shell without job control.
//!
//! Continued in the background (`bg`), media is written on, and a question stops again: the terminal is the
//! shell's until `fg`.

use std::io;
use std::thread;
use std::time::Duration;

use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, disable_raw_mode, enable_raw_mode, is_raw_mode_enabled,
};
use crossterm::{event, execute};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, raise};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use crate::{signals, terminal};

/// From now on Ctrl-Z stops this process with the terminal as it was. Threads that are there already
/// would stop it without.
pub(super) fn set_up() {
    let mut stop = SigSet::empty();
    stop.add(Signal::SIGTSTP);
    // Without it, Ctrl-Z is what it was. Threads take this over, other programs do not.
    if stop.thread_block().is_err() {
        return;
    }
    thread::spawn(move || {
        loop {
            match stop.wait() {
                Ok(_) => terminal::with_keys_shown(|| suspend(&stop)),
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    });
}

fn suspend(stop: &SigSet) {
    // Until it goes on, what the shell shows is not drawn over.
    let held = terminal::hold();
    let asks = is_raw_mode_enabled().unwrap_or(false);
    if asks {
        // The question is taken away: the shell writes where the cursor is.
        let clear = Clear(ClearType::FromCursorDown);
        let _ = execute!(io::stderr(), Print('\r'), clear, event::DisableBracketedPaste);
        let _ = disable_raw_mode();
    }
    loop {
        let _ = raise(Signal::SIGTSTP);
        // Here it stops, and here it goes on.
        let _ = stop.thread_unblock();
        let _ = stop.thread_block();
        if !asks {
            // What is written goes on, too.
            terminal::comes_to_front(Duration::MAX);
            return;
        }
        // A signal that came meanwhile (`kill %1`) ends it.
        if terminal::comes_to_front(Duration::from_millis(200)) {
            break;
        }
        if signals::ends() {
            return;
        }
    }
    let _ = enable_raw_mode();
    allow();
    let _ = execute!(io::stderr(), event::EnableBracketedPaste);
    drop(held);
    // The question is drawn again, as if the window had another size.
    let _ = raise(Signal::SIGWINCH);
}

/// Has the terminal, which gives each key as it is pressed, make a signal of Ctrl-Z; other keys that
/// make signals stay keys.
pub(super) fn allow() {
    let terminal = io::stdin();
    let Ok(mut modes) = tcgetattr(&terminal) else { return };
    modes.local_modes |= LocalModes::ISIG;
    for other in [SpecialCodeIndex::VINTR, SpecialCodeIndex::VQUIT] {
        modes.special_codes[other] = terminal::NO_KEY;
    }
    let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
}
