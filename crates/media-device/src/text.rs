//! Texts that a drive says of itself: anybody can put anything there.

#[cfg(target_os = "linux")]
use std::borrow::Cow;

use crate::shown::steers;

/// Longer ones are cut. USB strings have at most 126 characters.
const LIMIT: usize = 128;

/// What the kernel passes on of a drive's vendor, model or serial number: printable ASCII, the rest
/// as `_`, without blanks around it. `None` when nothing is left.
///
/// The outcome depends on nothing but the bytes, so that it can be typed or pasted back.
pub(crate) fn ascii(bytes: &[u8]) -> Option<String> {
    // C programs in firmware leave what is behind a zero.
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
    let text = String::from_utf8_lossy(bytes);
    let clean = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '_' };
    let text: String = text.chars().take(LIMIT).map(clean).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A label of a file system: any script, but nothing that steers a terminal or turns the direction
/// of writing.
pub(crate) fn label(text: &str) -> Option<String> {
    let text = text.split('\0').next().unwrap_or_default().trim();
    let text: String = text.chars().take(LIMIT).map(|c| if steers(c) { '_' } else { c }).collect();
    (!text.is_empty()).then_some(text)
}

/// Undoes the octal escapes of /proc/self/mountinfo and /proc/swaps: blank, tab, line feed,
/// backslash and `#` are `\040` and so on.
#[cfg(target_os = "linux")]
pub(crate) fn unescape(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&b'\\') {
        return Cow::Borrowed(field);
    }
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let escape = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..] => {
                Some(((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), behind))
            }
            _ => None,
        };
        let (byte, behind) = escape.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = behind;
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_drive_says_is_made_printable_and_short() {
        let cases: [(&[u8], Option<&str>); 9] = [
            (b"SanDisk \n", Some("SanDisk")),
            (b"  Cruzer  Blade ", Some("Cruzer  Blade")),
            (b"", None),
            (b" \t\n", None),
            (b"4C53\x1b[2J\x07", Some("4C53_[2J_")),
            (b"\xff\xfe\xfd", Some("___")),
            (b"AB\0junk", Some("AB")),
            ("\u{202e}gpj".as_bytes(), Some("_gpj")),
            (b"$(reboot)`;'\"", Some("$(reboot)`;'\"")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(ascii(bytes).as_deref(), expected, "{bytes:?}");
        }
        assert_eq!(ascii(&[b'x'; 5000]).unwrap().len(), LIMIT);
    }

    #[test]
    fn labels_keep_their_script() {
        assert_eq!(label("Größe 大\u{1b}]0;\0x").as_deref(), Some("Größe 大_]0;"));
        assert_eq!(label("a\u{202e}b").as_deref(), Some("a_b"));
        assert_eq!(label("  "), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn octal_escapes_are_undone_and_others_kept() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"/mnt", b"/mnt"),
            (br"/a\040b\011c\012d\134e\043", b"/a b\tc\nd\\e#"),
            (br"\", br"\"),
            (br"\04", br"\04"),
            (br"\400", br"\400"),
            (br"\377\x41", b"\xff\\x41"),
        ];
        for (field, expected) in cases {
            assert_eq!(unescape(field).as_ref(), expected);
        }
    }
}
