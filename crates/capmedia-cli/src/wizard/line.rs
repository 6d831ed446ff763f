//! A line of text that is typed at a question, with the keys that shells have for it; what is longer than
//! its row is shown around the cursor.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::print::steers;
use crate::wizard::prompt::{Done, Field, Room, Shown};

/// Says more of a text, where there is no choice; nothing where there is none to say.
pub(super) type Complete = fn(&str) -> Option<String>;

/// Completes a text, until a key is pressed: a server that does not answer holds nobody up.
fn completed_soon(complete: Complete, text: &str) -> Option<String> {
    /// For one that answers.
    const SOON: Duration = Duration::from_millis(20);
    let (done, result) = mpsc::channel();
    let text = text.to_owned();
    thread::spawn(move || done.send(complete(&text)));
    loop {
        match result.recv_timeout(SOON) {
            Ok(completed) => return completed,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if event::poll(Duration::ZERO).unwrap_or(true) => {
                return None;
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// The text and the cursor in it, which is the number of bytes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    text: String,
    at: usize,
}

/// A line where it is typed.
pub(super) struct Typed {
    line: Line,
    complete: Option<Complete>,
    /// Whether nothing of the answer is shown.
    is_hidden: bool,
}

impl Typed {
    /// `initial` stands there at first.
    pub(super) fn new(initial: &str, complete: Option<Complete>) -> Self {
        Self { line: Line::new(initial), complete, is_hidden: false }
    }

    /// Nothing of it is shown, not even how long it is.
    pub(super) fn hidden() -> Self {
        Self { line: Line::new(""), complete: None, is_hidden: true }
    }

    pub(super) fn into_text(self) -> String {
        self.line.text
    }
}

impl Field for Typed {
    const WANTS: usize = 20;

    fn shown(&self, room: Room) -> Shown {
        if self.is_hidden {
            return Shown::default();
        }
        let (text, cursor) = self.line.window(room.columns);
        Shown { text, cursor, ..Shown::default() }
    }

    fn press(&mut self, key: KeyEvent) -> Option<Done> {
        let complete = self.complete;
        self.line.press(key, |text| completed_soon(complete?, text))
    }

    fn paste(&mut self, text: &str) {
        self.line.paste(text);
    }

    fn shows_keys(&self) -> bool {
        !self.is_hidden
    }

    fn answer(&self) -> String {
        if self.is_hidden { String::new() } else { self.line.text.clone() }
    }
}

impl Line {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), at: text.len() }
    }

    fn before(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    fn behind(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The cursor one letter to the left; what is a letter to the eye may be several characters.
    fn left(&self) -> usize {
        self.at.saturating_sub(self.before().graphemes(true).next_back().map_or(0, str::len))
    }

    fn right(&self) -> usize {
        self.at.saturating_add(self.behind().graphemes(true).next().map_or(0, str::len))
    }

    /// The start of the word before the cursor; the parts of a path are words.
    fn word_left(&self) -> usize {
        let before = self.before();
        let word = before.trim_end_matches(divides);
        word.rfind(divides).map_or(0, |at| {
            let divider = word.get(at..).and_then(|rest| rest.chars().next());
            at.saturating_add(divider.map_or(0, char::len_utf8))
        })
    }

    /// The end of the word behind the cursor.
    fn word_right(&self) -> usize {
        let behind = self.behind();
        let start = behind.find(|c| !divides(c)).unwrap_or(behind.len());
        let word = behind.get(start..).unwrap_or_default();
        let end = word.find(divides).unwrap_or(word.len());
        self.at.saturating_add(start).saturating_add(end)
    }

    fn insert(&mut self, text: &str) {
        self.text.insert_str(self.at, text);
        self.at = self.at.saturating_add(text.len());
    }

    /// Takes out what is between the cursor and `to`, on either side.
    fn delete(&mut self, to: usize) {
        self.text.replace_range(self.at.min(to)..self.at.max(to), "");
        self.at = self.at.min(to);
    }

    /// The first line that is not empty: a line end gives no answer, and what is behind it belongs to
    /// no question that could be read before.
    fn paste(&mut self, text: &str) {
        let first = text.split(['\r', '\n']).find(|line| !line.is_empty()).unwrap_or_default();
        self.insert(&first.replace(char::is_control, ""));
    }

    fn press(
        &mut self,
        key: KeyEvent,
        complete: impl FnOnce(&str) -> Option<String>,
    ) -> Option<Done> {
        let with = key.modifiers & !KeyModifiers::SHIFT;
        // What AltGr types on Windows.
        let alt_gr = cfg!(windows) && with == KeyModifiers::CONTROL | KeyModifiers::ALT;
        let ctrl = with == KeyModifiers::CONTROL;
        match key.code {
            KeyCode::Enter => return Some(Done),
            KeyCode::Char(c) if (with.is_empty() || alt_gr) && !c.is_control() => {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Char('u') if ctrl => *self = Self::new(""),
            KeyCode::Char('k') if ctrl => self.text.truncate(self.at),
            KeyCode::Char('w') if ctrl => self.delete(self.word_left()),
            KeyCode::Backspace if !with.is_empty() => self.delete(self.word_left()),
            KeyCode::Backspace => self.delete(self.left()),
            // What Backspace is on some terminals.
            KeyCode::Char('h') if ctrl => self.delete(self.left()),
            KeyCode::Delete if ctrl => self.delete(self.word_right()),
            KeyCode::Delete => self.delete(self.right()),
            KeyCode::Home => self.at = 0,
            KeyCode::Char('a') if ctrl => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            KeyCode::Char('e') if ctrl => self.at = self.text.len(),
            KeyCode::Left if ctrl => self.at = self.word_left(),
            KeyCode::Left => self.at = self.left(),
            KeyCode::Right if ctrl => self.at = self.word_right(),
            KeyCode::Right => self.at = self.right(),
            KeyCode::Tab => {
                if let Some(text) = complete(&self.text) {
                    *self = Self::new(&text);
                }
            }
            // Other keys, and letters with Ctrl or Alt, are no part of an answer.
            _ => {}
        }
        None
    }

    /// What is shown of the text in so many columns, and the column of the cursor in it.
    fn window(&self, columns: usize) -> (String, usize) {
        let text = |text: &str| -> Vec<Letter> { text.graphemes(true).map(Letter::of).collect() };
        let (before, behind) = (text(self.before()), text(self.behind()));
        let wide = |letters: &[Letter]| -> usize { letters.iter().map(|it| it.columns).sum() };
        // The cursor behind the last letter needs a column, too.
        let columns = columns.max(2);
        let room = columns.saturating_sub(1);
        let right = wide(&behind).min(room / 2);
        let mut left = room.saturating_sub(right);
        let kept =
            before.iter().rev().take_while(|letter| match left.checked_sub(letter.columns) {
                Some(rest) => (left = rest, true).1,
                None => false,
            });
        let first = before.len().saturating_sub(kept.count());
        let shown = before.get(first..).unwrap_or_default();
        let cursor = wide(shown);
        let mut left = columns.saturating_sub(cursor);
        let rest = behind.iter().take_while(|letter| match left.checked_sub(letter.columns) {
            Some(rest) => (left = rest, true).1,
            None => false,
        });
        (shown.iter().chain(rest).map(|letter| &*letter.shown).collect(), cursor)
    }
}

/// Whether it stands between two words, or two parts of a path.
fn divides(c: char) -> bool {
    c.is_whitespace() || matches!(c, '/' | '\\')
}

/// A letter as it is shown.
struct Letter {
    shown: String,
    columns: usize,
}

impl Letter {
    fn of(text: &str) -> Self {
        // A terminal would obey it.
        let shown = if text.contains(steers) { "?" } else { text };
        Self { shown: shown.to_owned(), columns: shown.width() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(line: &mut Line, code: KeyCode, with: KeyModifiers) -> Option<Done> {
        line.press(KeyEvent::new(code, with), |text| Some(format!("{text}/more")))
    }

    fn ctrl(line: &mut Line, letter: char) -> Option<Done> {
        key(line, KeyCode::Char(letter), KeyModifiers::CONTROL)
    }

    fn plain(line: &mut Line, code: KeyCode) -> Option<Done> {
        key(line, code, KeyModifiers::NONE)
    }

    #[test]
    fn letters_with_ctrl_or_alt_are_no_text() {
        for letter in ('a'..='z').filter(|letter| *letter != 'c') {
            let mut line = Line::new("");
            assert_eq!(ctrl(&mut line, letter), None);
            assert_eq!(key(&mut line, KeyCode::Char(letter), KeyModifiers::ALT), None);
            assert_eq!(line.text, "", "{letter}");
        }
        let mut line = Line::new("");
        let _ = plain(&mut line, KeyCode::Char('a'));
        let _ = key(&mut line, KeyCode::Char('B'), KeyModifiers::SHIFT);
        let _ = plain(&mut line, KeyCode::Char('\u{e4}'));
        assert_eq!(line.text, "aB\u{e4}");
        assert_eq!(plain(&mut line, KeyCode::Enter), Some(Done));
    }

    #[test]
    fn keys_of_a_shell() {
        let mut line = Line::new(r"\\server\share\a b.wim");
        let _ = ctrl(&mut line, 'w');
        assert_eq!(line, Line::new(r"\\server\share\a "));
        let _ = ctrl(&mut line, 'w');
        assert_eq!(line, Line::new(r"\\server\share\"));
        let _ = ctrl(&mut line, 'a');
        let _ = key(&mut line, KeyCode::Right, KeyModifiers::CONTROL);
        assert_eq!(line.before(), r"\\server");
        let _ = ctrl(&mut line, 'k');
        assert_eq!(line, Line::new(r"\\server"));
        let _ = key(&mut line, KeyCode::Left, KeyModifiers::CONTROL);
        assert_eq!(line.at, 2);
        let _ = plain(&mut line, KeyCode::Delete);
        let _ = ctrl(&mut line, 'e');
        let _ = plain(&mut line, KeyCode::Backspace);
        assert_eq!(line, Line::new(r"\\erve"));
        let _ = plain(&mut line, KeyCode::Tab);
        assert_eq!(line, Line::new(r"\\erve/more"));
        let _ = plain(&mut line, KeyCode::Left);
        let _ = ctrl(&mut line, 'u');
        assert_eq!(line, Line::new(""));
        for code in [KeyCode::Left, KeyCode::Right, KeyCode::Backspace, KeyCode::Delete] {
            let _ = plain(&mut line, code);
            let _ = key(&mut line, code, KeyModifiers::CONTROL);
        }
        assert_eq!(line, Line::new(""));
    }

    #[test]
    fn a_letter_of_several_characters_is_one() {
        let mut line = Line::new("ae\u{301}\u{30ab}");
        let _ = plain(&mut line, KeyCode::Left);
        let _ = plain(&mut line, KeyCode::Left);
        assert_eq!(line.before(), "a");
        let _ = plain(&mut line, KeyCode::Delete);
        assert_eq!(line.text, "a\u{30ab}");
    }

    #[test]
    fn a_paste_ends_with_its_first_line() {
        let mut line = Line::new("ad");
        let _ = plain(&mut line, KeyCode::Left);
        line.paste("\r\nb\tc\r\nnever\n");
        assert_eq!((&*line.text, line.at), ("abcd", 3));
    }

    #[test]
    fn a_long_line_is_shown_around_its_cursor() {
        let at = |at, columns| Line { text: "0123456789".to_owned(), at }.window(columns);
        assert_eq!(at(10, 11), ("0123456789".to_owned(), 10));
        assert_eq!(at(10, 8), ("3456789".to_owned(), 7));
        assert_eq!(at(0, 8), ("01234567".to_owned(), 0));
        assert_eq!(at(5, 8), ("12345678".to_owned(), 4));
        let wide = |at, columns| Line { text: "\u{30ab}".repeat(9), at }.window(columns);
        assert_eq!(wide(27, 6), ("\u{30ab}".repeat(2), 4));
        assert_eq!(wide(0, 5), ("\u{30ab}".repeat(2), 0));
        assert_eq!(Line::new("a\u{1b}[2Jb\u{202e}").window(20), ("a?[2Jb?".to_owned(), 7));
        for columns in 0..12 {
            for at in 0..=10 {
                let (text, cursor) = Line { text: "0123456789".to_owned(), at }.window(columns);
                assert!(text.len() <= columns.max(2) && cursor < columns.max(2), "{at} {columns}");
            }
        }
    }
}
