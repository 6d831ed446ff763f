//! Texts of others on a terminal.

use std::path::Path;

/// A path as it can be shown: without what steers a terminal, is not seen, or turns the direction of
/// writing. Paths may hold anything, and desktops make some from the labels of sticks.
pub fn shown(path: &Path) -> String {
    let clean = |c: char| if steers(c) { char::REPLACEMENT_CHARACTER } else { c };
    path.to_string_lossy().chars().map(clean).collect()
}

/// Whether a character does something else than to be seen. Those beyond control characters are what
/// Unicode calls default ignorable or bidirectional controls (Unicode 15, sections 23.2, 23.3, 23.7
/// and 23.9).
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_without_what_steers() {
        for (path, expected) in [
            ("/media/Größe 大", "/media/Größe 大"),
            ("/media/a\u{202e}gpj.\u{1b}[2J\r", "/media/a\u{fffd}gpj.\u{fffd}[2J\u{fffd}"),
            ("/a\u{2066}b\u{200b}c\u{61c}d\u{e0041}", "/a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"),
        ] {
            assert_eq!(shown(Path::new(path)), expected);
        }
    }
}
