//! Identifiers as they are found: shown as text, held against the rules, put in order.

use std::cmp::Ordering;
use std::num::NonZeroU8;

use crate::report::RecordTree;

/// Longest name and extension of a file together (ECMA-119 10.2 and 10.3).
const FILE: usize = 30;
/// Longest identifier of a folder (ECMA-119 7.6.3).
const FOLDER: usize = 31;
/// Longest Joliet name in UTF-16 units. The specification ends at 64; tools write 103 when asked
/// (xorriso 1.5.4 writes 104 then), and Windows reads them.
const JOLIET: usize = 104;

/// The identifier as readers show it: without the version, and without a bare dot before it.
/// Characters that would change the meaning of a path become U+FFFD.
pub(super) fn shown(tree: RecordTree, identifier: &[u8]) -> String {
    let text = text(tree, identifier);
    let name = match text.rsplit_once(';') {
        Some((name, version)) if version.chars().all(|c| c.is_ascii_digit()) => {
            name.strip_suffix('.').unwrap_or(name)
        }
        _ => &text,
    };
    match name {
        "" | "." | ".." => "\u{FFFD}".to_owned(),
        _ => name.replace(['/', '\0'], "\u{FFFD}"),
    }
}

/// The identifier as it stands, for messages.
pub(super) fn text(tree: RecordTree, identifier: &[u8]) -> String {
    match (tree, identifier) {
        (_, [0]) => ".".to_owned(),
        (_, [1]) => "..".to_owned(),
        (RecordTree::Primary, _) => String::from_utf8_lossy(identifier).into_owned(),
        (RecordTree::Joliet, _) => String::from_utf16_lossy(&units(identifier)),
    }
}

/// The 16-bit units of a Joliet identifier.
fn units(identifier: &[u8]) -> Vec<u16> {
    let pairs = identifier.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    pairs.map(u16::from_be_bytes).collect()
}

/// What is wrong with an identifier, if anything is.
pub(super) fn problem(
    tree: RecordTree,
    identifier: &[u8],
    is_folder: bool,
) -> Option<&'static str> {
    match (tree, is_folder) {
        (RecordTree::Joliet, _) => joliet_problem(identifier),
        (RecordTree::Primary, true) => folder_problem(identifier),
        (RecordTree::Primary, false) => file_problem(identifier),
    }
}

fn is_d(byte: &u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')
}

fn folder_problem(identifier: &[u8]) -> Option<&'static str> {
    if identifier.len() > FOLDER {
        return Some("a folder name has at most 31 characters");
    }
    (!identifier.iter().all(is_d)).then_some("a folder name has the characters A-Z 0-9 _ only")
}

fn file_problem(identifier: &[u8]) -> Option<&'static str> {
    let Some((name, version)) = split_at(identifier, b';') else {
        return Some("a file name ends in ; and a version");
    };
    let version =
        std::str::from_utf8(version).ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
    if !version.and_then(|v| v.parse().ok()).is_some_and(|v: u16| (1..=32767).contains(&v)) {
        return Some("the version of a file is 1 to 32767");
    }
    let Some((stem, extension)) = split_at(name, b'.') else {
        return Some("a file name has a dot");
    };
    if stem.is_empty() && extension.is_empty() {
        return Some("a file name is more than a dot");
    }
    if stem.len().saturating_add(extension.len()) > FILE {
        return Some("a file name and its extension have at most 30 characters");
    }
    let legal = stem.iter().chain(extension).all(is_d);
    (!legal).then_some("a file name has the characters A-Z 0-9 _ and one dot only")
}

fn joliet_problem(identifier: &[u8]) -> Option<&'static str> {
    if !identifier.len().is_multiple_of(2) {
        return Some("a Joliet name has whole 16-bit units");
    }
    let units = units(identifier);
    if units.len() > JOLIET {
        return Some("a Joliet name has at most 104 units");
    }
    // Nero writes the version, others leave it out.
    let text = String::from_utf16(&units);
    let Ok(text) = text else { return Some("a Joliet name holds half of a surrogate pair") };
    let name = text.strip_suffix(";1").unwrap_or(&text);
    if name.is_empty() {
        return Some("a Joliet name is not empty");
    }
    name.contains(is_refused)
        .then_some("a Joliet name has no control characters and none of */:;?\\")
}

/// Joliet has no name with such a character.
fn is_refused(c: char) -> bool {
    matches!(c, '\0'..='\x1F' | '*' | '/' | ':' | ';' | '?' | '\\')
}

/// The name with `_` for every character that Joliet refuses.
pub(super) fn replaced(name: &str) -> String {
    name.replace(is_refused, "_")
}

/// UTF-16 units of a name, when Joliet has it as it is. Four more characters are legal, and left out
/// by careful writers for Windows, as are dots and spaces at the end. What stands for a broken
/// character here, U+FFFD, may be something else there.
pub(super) fn joliet_units(name: &str) -> Option<NonZeroU8> {
    let refused =
        |c| is_refused(c) || matches!(c, '"' | '<' | '>' | '|' | char::REPLACEMENT_CHARACTER);
    let units = u8::try_from(name.encode_utf16().count()).ok().and_then(NonZeroU8::new)?;
    (!name.contains(refused) && !name.ends_with(['.', ' '])).then_some(units)
}

fn split_at(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == at)?;
    let (before, rest) = bytes.split_at_checked(position)?;
    Some((before, rest.get(1..)?))
}

/// Sequences that are put in order in more than one way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Whole identifiers by 16-bit unit.
    JolietUnits,
    /// Name before extension, as ECMA-119 9.3 orders its own; genisoimage does so in Joliet too.
    JolietParts,
    /// ECMA-119 9.3.
    Primary,
}

/// The rules a tree's directories may follow, one for the whole directory.
pub(super) fn rules(tree: RecordTree) -> &'static [Rule] {
    match tree {
        RecordTree::Primary => &[Rule::Primary],
        RecordTree::Joliet => &[Rule::JolietUnits, Rule::JolietParts],
    }
}

/// The order of two identifiers of one directory.
pub(super) fn compare(rule: Rule, a: &[u8], b: &[u8]) -> Ordering {
    match rule {
        Rule::JolietUnits => padded(&units(a), &units(b), 0),
        Rule::JolietParts => {
            let parts = |id: &[u8]| {
                let units = units(id);
                let dot = units.iter().rposition(|u| *u == u16::from(b'.')).unwrap_or(units.len());
                let (name, extension) = units.split_at_checked(dot).unwrap_or((&units, &[]));
                (name.to_vec(), extension.to_vec())
            };
            let ((a_name, a_ext), (b_name, b_ext)) = (parts(a), parts(b));
            padded(&a_name, &b_name, 0).then_with(|| padded(&a_ext, &b_ext, 0))
        }
        Rule::Primary => {
            let (a_name, a_ext, a_version) = primary_parts(a);
            let (b_name, b_ext, b_version) = primary_parts(b);
            padded(a_name, b_name, b' ')
                .then_with(|| padded(a_ext, b_ext, b' '))
                .then_with(|| number(b_version).cmp(&number(a_version)))
        }
    }
}

/// A version as a number can be compared: by its digits, the longer one first to be greater.
fn number(version: &[u8]) -> (usize, &[u8]) {
    let zeros = version.iter().take_while(|digit| **digit == b'0').count();
    let digits = version.get(zeros..).unwrap_or_default();
    (digits.len(), digits)
}

fn primary_parts(identifier: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (name, version) = split_at(identifier, b';').unwrap_or((identifier, &[]));
    let (stem, extension) = split_at(name, b'.').unwrap_or((name, &[]));
    (stem, extension, version)
}

/// The order of two texts, the shorter filled up.
fn padded<T: Copy + Ord>(a: &[T], b: &[T], filler: T) -> Ordering {
    let len = a.len().max(b.len());
    let fill = |text: &[T], at: usize| text.get(at).copied().unwrap_or(filler);
    (0..len).map(|at| fill(a, at).cmp(&fill(b, at))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joliet(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn primary_rules() {
        for good in ["A.B;1", "A.;1", ".B;1", "BOOT.WIM;32767", "0_9.TXT;1"] {
            assert_eq!(file_problem(good.as_bytes()), None, "{good}");
        }
        for bad in [
            "A.B",
            "A;1",
            ".;1",
            "a.B;1",
            "A.B;0",
            "A.B;32768",
            "A.B;",
            "A.B;+1",
            "A.B.C;1",
            "A-.B;1",
        ] {
            assert!(file_problem(bad.as_bytes()).is_some(), "{bad}");
        }
        assert!(file_problem(format!("{}.BBB;1", "A".repeat(28)).as_bytes()).is_some());
        assert_eq!(folder_problem(b"FONTS_1"), None);
        assert!(folder_problem(b"V1.0").is_some());
        assert!(folder_problem(&[b'A'; 32]).is_some());
    }

    #[test]
    fn joliet_rules() {
        assert_eq!(joliet_problem(&joliet("Größe.txt")), None);
        assert_eq!(joliet_problem(&joliet("a;1")), None);
        for bad in ["a:b", "a\\b", "a;b", "\u{1}", ";1", ""] {
            assert!(joliet_problem(&joliet(bad)).is_some(), "{bad:?}");
        }
        assert!(joliet_problem(&[0xD8, 0x3D]).is_some());
        assert!(joliet_problem(b"\0ab").is_some());
    }

    #[test]
    fn names_as_shown() {
        assert_eq!(shown(RecordTree::Primary, b"BOOT.WIM;1"), "BOOT.WIM");
        assert_eq!(shown(RecordTree::Primary, b"BOOTMGR.;1"), "BOOTMGR");
        assert_eq!(shown(RecordTree::Joliet, &joliet("a;1")), "a");
        assert_eq!(shown(RecordTree::Joliet, &joliet("end.")), "end.");
        assert_eq!(shown(RecordTree::Joliet, &joliet("..")), "\u{FFFD}");
        assert_eq!(shown(RecordTree::Joliet, &joliet("a/b")), "a\u{FFFD}b");
    }

    #[test]
    fn orders() {
        let sorted = ["A.;1", "A.1;1", "A.B;2", "A.B;1", "A.B1;1", "A0.X;1", "AA"];
        for pair in sorted.windows(2) {
            let order = compare(Rule::Primary, pair[0].as_bytes(), pair[1].as_bytes());
            assert_eq!(order, Ordering::Less, "{pair:?}");
        }
        let (a, b) = (joliet("a.txt"), joliet("a b.txt"));
        assert_eq!(compare(Rule::JolietUnits, &a, &b), Ordering::Greater);
        assert_eq!(compare(Rule::JolietParts, &a, &b), Ordering::Less);
    }
}
