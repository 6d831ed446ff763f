//! Places in a text.

use std::fmt;
use std::ops::Range;

use crate::problem::Place;

/// The text of a file, as far as it is text.
#[derive(Clone, Default)]
pub(super) struct Text(String);

impl fmt::Debug for Text {
    /// The length alone: there may be a password in it that does not belong there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Line and character of a byte. Takes as long as the text in front of it is.
    pub(super) fn place(&self, file: &str, at: usize) -> Place {
        let before = self.before(at);
        let (lines, line) = match before.rsplit_once('\n') {
            Some((lines, line)) => (lines.matches('\n').count().saturating_add(1), line),
            None => (0, before),
        };
        Place {
            file: file.to_owned(),
            line: lines.saturating_add(1),
            column: line.trim_start_matches('\u{feff}').chars().count().saturating_add(1),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// The bytes of the line that a byte stands in, without its end.
    pub(super) fn line_range(&self, at: usize) -> Range<usize> {
        let before = self.before(at);
        let start = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
        let rest = self.0.get(before.len()..).unwrap_or_default();
        start..before.len().saturating_add(rest.find('\n').unwrap_or(rest.len()))
    }

    /// The line that a byte stands in.
    pub(super) fn line(&self, at: usize) -> &str {
        self.0.get(self.line_range(at)).unwrap_or_default()
    }

    /// Spaces for whole lines, so that all others stay in their places.
    pub(super) fn blanked(self, lines: &[Range<usize>]) -> Self {
        let mut bytes = self.0.into_bytes();
        for line in lines {
            if let Some(line) = bytes.get_mut(line.clone()) {
                line.fill(b' ');
            }
        }
        // Whole lines were whole characters.
        Self(String::from_utf8(bytes).unwrap_or_default())
    }

    /// What stands before a byte, or before the character that the byte is in.
    fn before(&self, at: usize) -> &str {
        let last = at.min(self.0.len());
        // A character has at most four bytes.
        let start = (last.saturating_sub(3)..=last).rev().find_map(|at| self.0.get(..at));
        start.unwrap_or_default()
    }

    /// Where the first line begins that has as many dots as any.
    pub(super) fn line_of_most_dots(&self) -> usize {
        let mut most = (0, 0);
        let mut at = 0_usize;
        for line in self.0.split_inclusive('\n') {
            let dots = line.matches('.').count();
            if dots > most.0 {
                most = (dots, at);
            }
            at = at.saturating_add(line.len());
        }
        most.1
    }

    /// The first words of all lines.
    pub(super) fn first_words(&self) -> impl Iterator<Item = &str> {
        self.0.lines().map(first_word)
    }
}

/// What could be a key at the start of a line.
pub(super) fn first_word(line: &str) -> &str {
    let line = line.trim_start();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
    line.get(..end.unwrap_or(line.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns() {
        let text = Text::new("a = 1\r\nö = 'x'\n\n");
        let place = |at| {
            let place = text.place("f", at);
            (place.line(), place.column())
        };
        assert_eq!((place(0), place(4), place(7)), ((1, 1), (1, 5), (2, 1)));
        // The ö has two bytes, 7 and 8.
        assert_eq!((place(8), place(9), place(16)), ((2, 1), (2, 2), (3, 1)));
        assert_eq!((place(17), place(999)), ((4, 1), (4, 1)));
        assert_eq!((text.line(0), text.line(9), text.line(999)), ("a = 1\r", "ö = 'x'", ""));
        assert_eq!(Text::default().line(3), "");
        assert_eq!(text.first_words().collect::<Vec<_>>(), ["a", "", ""]);
        assert_eq!(Text::new("a.b\n a..b\nc..d").line_of_most_dots(), 4);
        assert_eq!(Text::default().line_of_most_dots(), 0);
        assert_eq!(first_word("  boot-image\t= 1"), "boot-image");
        assert_eq!(Text::new("\u{feff}x = 1").place("f", 3).column(), 1);
    }
}
