//! Questions on the terminal. Esc goes back from each, Ctrl-C ends the wizard.

use std::env;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use inquire::ui::{RenderConfig, Styled};
use inquire::{InquireError, Select};

use crate::exit::{Code, Failure};
use crate::signals;
use crate::wizard::line::{self, Complete};
use crate::wizard::path_text::completed;
use crate::wizard::save;
use crate::wizard::screen::{self, clipped, columns};
#[cfg(unix)]
use crate::wizard::suspend;

/// The last choice of every list.
const BACK: &str = "< Back";

/// Lines of a list: a page has a header and some text above, and help below.
const ROWS: usize = 12;

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
    let look = if plain { RenderConfig::empty() } else { RenderConfig::default_colored() };
    inquire::set_global_render_config(look.with_canceled_prompt_indicator(Styled::new("< back")));
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
    let rows: Vec<Row<T>> = choices.into_iter().map(Row::Choice).chain([Row::Back]).collect();
    let at = at.min(rows.len().saturating_sub(1));
    let help = help("Up, Down and Enter");
    let select = Select::new(question, rows)
        .with_help_message(&help)
        .with_page_size(ROWS)
        .with_starting_cursor(at)
        .without_filtering();
    Ok(match answer(|| select.prompt())? {
        Answer::Given(Row::Choice(choice)) => Answer::Given(choice),
        Answer::Given(Row::Back) | Answer::Back => Answer::Back,
    })
}

enum Row<T> {
    Choice(T),
    Back,
}

impl<T: fmt::Display> fmt::Display for Row<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(choice) => {
                // Behind the mark.
                f.write_str(&clipped(&choice.to_string(), columns().saturating_sub(4)))
            }
            Self::Back => f.write_str(BACK),
        }
    }
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
    let question = line::Question { text, help: &help(about), initial, complete, hidden: false };
    Ok(match answer(|| line::ask(&question))? {
        Answer::Given(text) => Answer::Given(text.trim().to_owned()),
        Answer::Back => Answer::Back,
    })
}

/// A password, which is not shown.
pub(super) fn password(question: &str) -> Result<Answer<String>, Failure> {
    let help = help("not shown, and never stored");
    let question =
        line::Question { text: question, help: &help, initial: "", complete: None, hidden: true };
    answer(|| line::ask(&question))
}

/// Asks, and tells Esc from Ctrl-C.
fn answer<T>(question: impl FnOnce() -> Result<T, InquireError>) -> Result<Answer<T>, Failure> {
    let asked = signals::ask(|| {
        // The question finds the terminal so, and leaves it as it was before.
        #[cfg(unix)]
        let _raw = Raw::new().inspect(|_| suspend::allow());
        question()
    });
    match asked {
        Ok(given) => Ok(Answer::Given(given)),
        Err(InquireError::OperationCanceled) => Ok(Answer::Back),
        Err(InquireError::OperationInterrupted) => Err(cancelled()),
        Err(error) => {
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

/// Throws away what was typed or pasted before a question was there to read: it must confirm nothing.
pub(super) fn discard_input() -> Result<(), Failure> {
    /// A paste comes in pieces, and a key that is held ten times a second or more.
    const QUIET: Duration = Duration::from_millis(120);
    /// Somebody may lie on a key, and wonder.
    const LONG: Duration = Duration::from_secs(2);
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
        terminal::enable_raw_mode().map(|()| Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = terminal::disable_raw_mode();
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
