//! One of several choices, which Up and Down move between.

use crossterm::event::{KeyCode, KeyEvent};

use crate::wizard::prompt::{Done, Field, Room, Shown, ShownRow};

/// Choices that are seen at once: a page has a header and some text above, and help below.
const ROWS: usize = 12;

/// The choices; there is one at least.
#[derive(Debug)]
pub(super) struct List {
    choices: Vec<String>,
    at: usize,
}

impl List {
    /// `at` is the choice that is marked first.
    pub(super) fn new(choices: Vec<String>, at: usize) -> Self {
        Self { at: at.min(last(&choices)), choices }
    }

    /// The number of the choice that is marked.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

fn last(choices: &[String]) -> usize {
    choices.len().saturating_sub(1)
}

impl Field for List {
    const WANTS: usize = 0;

    fn shown(&self, room: Room) -> Shown {
        let seen = room.rows.clamp(1, ROWS).min(self.choices.len());
        // The mark stands in the middle, but at the ends.
        let first = self.at.saturating_sub(seen / 2).min(self.choices.len().saturating_sub(seen));
        let end = first.saturating_add(seen);
        let choices = self.choices.iter().enumerate().skip(first).take(seen);
        let rows = choices.map(|(number, choice)| {
            let mark = match number {
                _ if number == self.at => '>',
                _ if number == first && first > 0 => '^',
                _ if number.saturating_add(1) == end && end < self.choices.len() => 'v',
                _ => ' ',
            };
            ShownRow { text: format!("{mark} {choice}"), stands_out: number == self.at }
        });
        Shown { rows: rows.collect(), ..Shown::default() }
    }

    fn press(&mut self, key: KeyEvent) -> Option<Done> {
        let last = last(&self.choices);
        match key.code {
            KeyCode::Enter => return Some(Done),
            // The last one is the way back; it is near from the first one.
            KeyCode::Up => self.at = self.at.checked_sub(1).unwrap_or(last),
            KeyCode::Down if self.at == last => self.at = 0,
            KeyCode::Down => self.at = self.at.saturating_add(1),
            KeyCode::PageUp => self.at = self.at.saturating_sub(ROWS),
            KeyCode::PageDown => self.at = self.at.saturating_add(ROWS).min(last),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = last,
            _ => {}
        }
        None
    }

    /// It is no choice.
    fn paste(&mut self, _text: &str) {}

    fn answer(&self) -> String {
        self.choices.get(self.at).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn press(list: &mut List, code: KeyCode) -> usize {
        assert_eq!(list.press(KeyEvent::new(code, KeyModifiers::NONE)), None);
        list.at()
    }

    fn of(count: usize, at: usize) -> List {
        List::new((0..count).map(|number| number.to_string()).collect(), at)
    }

    fn rows(list: &List, rows: usize) -> Vec<String> {
        list.shown(Room { columns: 60, rows }).rows.into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn keys_move_the_mark() {
        let mut list = of(30, 99);
        assert_eq!(list.at(), 29);
        assert_eq!(press(&mut list, KeyCode::Down), 0);
        assert_eq!(press(&mut list, KeyCode::Up), 29);
        assert_eq!(press(&mut list, KeyCode::PageUp), 17);
        assert_eq!(press(&mut list, KeyCode::PageDown), 29);
        assert_eq!(press(&mut list, KeyCode::Home), 0);
        assert_eq!(press(&mut list, KeyCode::PageUp), 0);
        assert_eq!(press(&mut list, KeyCode::Down), 1);
        assert_eq!(press(&mut list, KeyCode::Char('7')), 1);
        list.paste("\n\n");
        assert_eq!(list.press(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), Some(Done));
        assert_eq!(list.answer(), "1");
        assert_eq!(press(&mut list, KeyCode::End), 29);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert_eq!(rows(&of(3, 1), 20), ["  0", "> 1", "  2"]);
        assert_eq!(rows(&of(5, 0), 3), ["> 0", "  1", "v 2"]);
        assert_eq!(rows(&of(5, 2), 3), ["^ 1", "> 2", "v 3"]);
        assert_eq!(rows(&of(5, 4), 3), ["^ 2", "  3", "> 4"]);
        assert_eq!(rows(&of(30, 15), 100).len(), ROWS);
        for at in 0..5 {
            for height in 0..7 {
                let shown = rows(&of(5, at), height);
                assert_eq!(shown.len(), height.clamp(1, 5));
                assert_eq!(shown.iter().filter(|row| **row == format!("> {at}")).count(), 1);
            }
        }
    }
}
