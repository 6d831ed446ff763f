//! A question with what its answer is made in, on rows of its own until it is answered.
//!
//! The cursor stays on the row of the question, so that all of it is drawn anew from there, whatever
//! happened to the rows below: another size of the window, or a shell that had the terminal meanwhile.

use std::io::{self, Write as _};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::{Color, Print, ResetColor, SetForegroundColor};
use crossterm::terminal::{Clear, ClearType};
use crossterm::{cursor, execute, queue};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::print::steers;
use crate::terminal::hold;
use crate::wizard::ask::{QUIET, is_ctrl, is_plain};
use crate::wizard::screen::{clipped, columns, folded_to};

/// What an answer is made in.
pub(super) trait Field {
    /// Columns that it wants behind the question, however long that is.
    const WANTS: usize;

    /// How it is shown beside and below the question.
    fn shown(&self, room: Room) -> Shown;

    /// What a key does to it; Esc and Ctrl-C do the same everywhere and do not come here.
    fn press(&mut self, key: KeyEvent) -> Option<Done>;

    /// What is pasted.
    fn paste(&mut self, text: &str);

    /// Whether something changes when a key is pressed. Where a password is typed, not even how many
    /// keys were pressed can be seen.
    fn shows_keys(&self) -> bool {
        true
    }

    /// What is left on the screen of the answer.
    fn answer(&self) -> String;
}

/// The answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Done;

/// How large a field can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Behind the question.
    pub(super) columns: usize,
    /// Below it.
    pub(super) rows: usize,
}

#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Behind the question, no wider than there is room.
    pub(super) text: String,
    /// The column of the cursor in it.
    pub(super) cursor: usize,
    /// Below, no more than there is room for; a row is cut to the width.
    pub(super) rows: Vec<ShownRow>,
}

#[derive(Debug)]
pub(super) struct ShownRow {
    pub(super) text: String,
    /// Whether it is the one that counts.
    pub(super) stands_out: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Esc.
    Back,
    /// Ctrl-C.
    Cancelled,
    /// The terminal does not do it.
    Failed(io::Error),
}

impl From<io::Error> for Unanswered {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Asks on the terminal, which gives each key as it is pressed.
pub(super) fn ask<F: Field>(question: &str, help: &str, field: &mut F) -> Result<(), Unanswered> {
    let _pastes = Pastes::new();
    let mut frame = Frame { question, help, wants: F::WANTS, is_apart: false };
    let mut is_changed = true;
    loop {
        // What is pasted may come as many keys.
        if is_changed && !event::poll(Duration::ZERO)? {
            frame.draw(field)?;
            is_changed = false;
        }
        let event = event::read()?;
        is_changed |= field.shows_keys() || matches!(event, Event::Resize(..));
        match event {
            Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => {}
            Event::Key(KeyEvent { code: KeyCode::Esc, .. }) => {
                let why = match is_half_a_sequence()? {
                    true => discard()?.then_some(Unanswered::Cancelled),
                    false => Some(Unanswered::Back),
                };
                if let Some(why) = why {
                    return Err(frame.leave(why));
                }
            }
            Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. })
                if modifiers & !KeyModifiers::SHIFT == KeyModifiers::CONTROL =>
            {
                return Err(frame.leave(Unanswered::Cancelled));
            }
            Event::Key(key) => {
                if let Some(Done) = field.press(key) {
                    frame.end(">", Color::Cyan, &field.answer())?;
                    return Ok(());
                }
            }
            Event::Paste(text) => field.paste(&text),
            // Another size: it is drawn anew.
            _ => {}
        }
    }
}

/// Whether the Esc that came is the first byte of a key or of a paste (ECMA-48, section 5.4) whose rest
/// comes by itself, as a line over a network may cut it. Nobody presses two keys that fast.
fn is_half_a_sequence() -> io::Result<bool> {
    const AT_ONCE: Duration = Duration::from_millis(25);
    // A console of Windows gives keys, not bytes.
    if cfg!(windows) || !event::poll(AT_ONCE)? {
        return Ok(false);
    }
    let next = event::read()?;
    Ok(matches!(next, Event::Key(KeyEvent { code: KeyCode::Char('[' | 'O'), .. })))
}

/// Throws away the rest: the line ends of a paste are no answers. Whether Ctrl-C was pressed.
fn discard() -> io::Result<bool> {
    while event::poll(QUIET)? {
        if is_ctrl(&event::read()?, 'c') {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is pasted comes marked, as long as this lives.
struct Pastes(());

impl Pastes {
    fn new() -> Self {
        // Where it cannot be marked, it comes as keys.
        let _ = execute!(io::stderr(), event::EnableBracketedPaste);
        Self(())
    }
}

impl Drop for Pastes {
    fn drop(&mut self) {
        let _ = execute!(io::stderr(), event::DisableBracketedPaste);
    }
}

/// The rows of a question.
struct Frame<'a> {
    question: &'a str,
    help: &'a str,
    /// Columns that are left to the answer.
    wants: usize,
    /// Whether the question stands above, because it is too long to stand before the answer.
    is_apart: bool,
}

impl Frame<'_> {
    /// The mark and the question, whose columns it gives.
    fn begin(&mut self, to: &mut Vec<u8>, mark: &str) -> io::Result<usize> {
        let columns = width();
        queue!(to, Print('\r'), Clear(ClearType::FromCursorDown))?;
        let shown: String = self.question.replace(steers, "?");
        let is_long = shown.width().saturating_add(3).saturating_add(self.wants) > columns;
        colour(to, Color::Green)?;
        if !is_long {
            queue!(to, Print(mark))?;
            usual(to)?;
            queue!(to, Print(' '), Print(&shown), Print(' '))?;
            return Ok(shown.width().saturating_add(3));
        }
        if !self.is_apart {
            for row in folded_to(columns, &shown, &format!("{mark} "), 2) {
                queue!(to, Print(row), Print("\r\n"))?;
            }
            self.is_apart = true;
        }
        queue!(to, Print("  "))?;
        usual(to)?;
        Ok(2)
    }

    fn draw(&mut self, field: &impl Field) -> io::Result<()> {
        let mut bytes = Vec::new();
        let to = &mut bytes;
        let start = self.begin(to, "?")?;
        // The rows of the question and of the help; what does not fit would move the question.
        let rows = rows().saturating_sub(1);
        let room = Room { columns: width().saturating_sub(start), rows: rows.saturating_sub(1) };
        let shown = field.shown(room);
        queue!(to, Print(shown.text))?;
        let mut below = 0;
        for row in shown.rows.iter().take(room.rows) {
            queue!(to, Print("\r\n"))?;
            if row.stands_out {
                colour(to, Color::Cyan)?;
            }
            queue!(to, Print(clipped(&row.text, width())))?;
            usual(to)?;
            below += 1;
        }
        if rows > 0 {
            queue!(to, Print("\r\n"))?;
            colour(to, Color::Cyan)?;
            queue!(to, Print(start_of(&format!("[{}]", self.help), width())))?;
            usual(to)?;
            below += 1;
        }
        if below > 0 {
            queue!(to, cursor::MoveUp(below))?;
        }
        let column = u16::try_from(start.saturating_add(shown.cursor)).unwrap_or(u16::MAX);
        queue!(to, cursor::MoveToColumn(column), cursor::Show)?;
        put(&bytes)
    }

    /// Leaves the question without an answer.
    fn leave(&mut self, why: Unanswered) -> Unanswered {
        let said = if matches!(why, Unanswered::Back) { "< back" } else { "" };
        self.end("?", Color::DarkRed, said).err().map_or(why, Unanswered::Failed)
    }

    /// Leaves the question with what came of it.
    fn end(&mut self, mark: &str, of_answer: Color, answer: &str) -> io::Result<()> {
        let mut bytes = Vec::new();
        let to = &mut bytes;
        self.begin(to, mark)?;
        colour(to, of_answer)?;
        // Whole, however long: it can be read again.
        queue!(to, Print(answer.replace(steers, "?")))?;
        usual(to)?;
        queue!(to, Print("\r\n"))?;
        put(&bytes)
    }
}

/// The start of a text, cut without a mark.
fn start_of(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |letter: &&str| match left.checked_sub(letter.width()) {
        Some(rest) => (left = rest, true).1,
        None => false,
    };
    text.graphemes(true).take_while(fits).collect()
}

/// Columns of a row: some terminals go on in the next one behind the last column.
fn width() -> usize {
    columns().saturating_sub(1)
}

/// Rows of the terminal.
pub(super) fn rows() -> usize {
    /// What one has that does not know.
    const USUAL: usize = 24;
    let size = crossterm::terminal::size().map(|(_, rows)| usize::from(rows));
    size.ok().filter(|rows| *rows > 0).unwrap_or(USUAL)
}

fn colour(to: &mut Vec<u8>, colour: Color) -> io::Result<()> {
    if is_plain() { Ok(()) } else { queue!(to, SetForegroundColor(colour)) }
}

fn usual(to: &mut Vec<u8>) -> io::Result<()> {
    if is_plain() { Ok(()) } else { queue!(to, ResetColor) }
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let _held = hold();
    let mut to = io::stderr().lock();
    to.write_all(bytes)?;
    to.flush()
}
