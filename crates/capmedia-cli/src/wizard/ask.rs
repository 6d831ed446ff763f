//! Questions on the terminal. Esc goes back from each, Ctrl-C ends the wizard.

use std::env;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::exit::{Code, Failure};
use crate::signals::{self, is_cancelled};
use crate::terminal;
use crate::wizard::line::{Complete, Typed};
use crate::wizard::list::List;
use crate::wizard::path_text::completed;
use crate::wizard::prompt::{self, Field, Unanswered};
use crate::wizard::save;
use crate::wizard::screen;
#[cfg(unix)]
use crate::wizard::suspend;

/// The last choice of every list.
const BACK: &str = "< Back";

/// Behind every help.
const KEYS: &str = "Esc: back; Ctrl-C: cancel";

fn help(about: &str) -> String {
    format!("{about}; {KEYS}")
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer<T> {
    Given(T),
    Back,
}

/// How questions look: ASCII alone, which every console has; colours where they are wanted.
pub(super) fn set_up() {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|term| term == "dumb");
    PLAIN.store(plain, Ordering::Relaxed);
}

static PLAIN: AtomicBool = AtomicBool::new(false);

/// Whether no colours are wanted, or none can be shown.
pub(super) fn is_plain() -> bool {
    PLAIN.load(Ordering::Relaxed)
}

/// One of several choices; the cursor begins at `at`.
pub(super) fn select<T: fmt::Display>(
    question: &str,
    choices: Vec<T>,
    at: usize,
) -> Result<Answer<T>, Failure> {
    let rows = choices.iter().map(ToString::to_string).chain([BACK.to_owned()]).collect();
    let mut list = List::new(rows, at);
    Ok(match answer(question, "Up, Down and Enter", &mut list)? {
        // Behind the last choice is the way back.
        Answer::Given(()) => choices.into_iter().nth(list.at()).map_or(Answer::Back, Answer::Given),
        Answer::Back => Answer::Back,
    })
}

/// Yes or no, `default` first.
pub(super) fn yes_no(question: &str, default: bool) -> Result<Answer<bool>, Failure> {
    let at = if default { 0 } else { 1 };
    Ok(match select(question, vec!["Yes", "No"], at)? {
        Answer::Given(chosen) => Answer::Given(chosen == "Yes"),
        Answer::Back => Answer::Back,
    })
}

/// A line of text, which begins as `initial`; without the spaces around it. `about` is its help.
pub(super) fn text(question: &str, about: &str, initial: &str) -> Result<Answer<String>, Failure> {
    typed(question, about, initial, None)
}

/// A path or an address, which Tab completes.
pub(super) fn path(question: &str, about: &str, initial: &str) -> Result<Answer<String>, Failure> {
    typed(question, &format!("{about}; Tab completes"), initial, Some(completed))
}

fn typed(
    text: &str,
    about: &str,
    initial: &str,
    complete: Option<Complete>,
) -> Result<Answer<String>, Failure> {
    let mut typed = Typed::new(initial, complete);
    Ok(match answer(text, about, &mut typed)? {
        Answer::Given(()) => Answer::Given(typed.into_text().trim().to_owned()),
        Answer::Back => Answer::Back,
    })
}

/// A password, which is not shown.
pub(super) fn password(question: &str) -> Result<Answer<String>, Failure> {
    let mut typed = Typed::hidden();
    Ok(match answer(question, "not shown, and never stored", &mut typed)? {
        Answer::Given(()) => Answer::Given(typed.into_text()),
        Answer::Back => Answer::Back,
    })
}

/// Asks, and tells Esc from Ctrl-C. `about` is the help.
fn answer(question: &str, about: &str, field: &mut impl Field) -> Result<Answer<()>, Failure> {
    let help = help(about);
    let asked = signals::ask(|| {
        let _raw = Raw::new()?;
        #[cfg(unix)]
        suspend::allow();
        prompt::ask(question, &help, field)
    });
    match asked {
        Ok(()) => Ok(Answer::Given(())),
        Err(Unanswered::Back) => Ok(Answer::Back),
        Err(Unanswered::Cancelled) => Err(cancelled()),
        Err(Unanswered::Failed(error)) => {
            let error = anyhow::Error::from(error).context(
                "cannot ask on this terminal; use capmedia create, which takes all answers as \
                 options",
            );
            Err(Failure::new(Code::Request, error))
        }
    }
}

/// How the wizard ends with Ctrl-C.
pub(super) fn cancelled() -> Failure {
    Failure::new(Code::Cancelled, anyhow!("cancelled; {}", save::unchanged()))
}

/// How long nothing comes behind the last piece of a paste, and behind a key that is held, which comes ten
/// times a second or more.
pub(super) const QUIET: Duration = Duration::from_millis(120);

/// Throws away what was typed or pasted before a question was there to read: it must confirm nothing.
pub(super) fn discard_input() -> Result<(), Failure> {
    /// Somebody may lie on a key, and wonder.
    const LONG: Duration = Duration::from_secs(2);
    if is_cancelled() {
        return Err(cancelled());
    }
    let Ok(raw) = Raw::new() else { return Ok(()) };
    let mut raw = Some(raw);
    let start = Instant::now();
    let mut told = false;
    while event::poll(QUIET).unwrap_or(false) {
        if !told && start.elapsed() > LONG {
            // Lines end as usual.
            drop(raw.take());
            screen::note("Release the key: what is pressed now answers nothing.");
            raw = Raw::new().ok();
            told = true;
        }
        match event::read() {
            Ok(event) if is_ctrl(&event, 'c') => return Err(cancelled()),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

/// The terminal gives each key as it is pressed, as long as this lives.
pub(super) struct Raw(());

impl Raw {
    pub(super) fn new() -> std::io::Result<Self> {
        let _held = terminal::hold();
        enable_raw_mode().map(|()| Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

/// Whether a key was pressed together with Ctrl.
pub(super) fn is_ctrl(event: &Event, key: char) -> bool {
    matches!(event, Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, kind, .. })
        if *c == key && modifiers.contains(KeyModifiers::CONTROL) && *kind != KeyEventKind::Release)
}

/// Whether Esc was pressed.
pub(super) fn is_escape(event: &Event) -> bool {
    matches!(event, Event::Key(KeyEvent { code: KeyCode::Esc, kind, .. })
        if *kind != KeyEventKind::Release)
}
