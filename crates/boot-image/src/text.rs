//! Text files of Windows: which encoding, and which lines.

use std::borrow::Cow;

/// What a text without a byte order mark is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmarked {
    /// Windows-1252, as Windows reads INFs on Western machines.
    Ansi,
    /// UTF-8 where it is valid, else Windows-1252.
    Utf8,
}

/// Decodes by the byte order mark. Without one, UTF-16 is recognised by its zero bytes. What is no
/// Unicode becomes U+FFFD.
pub(crate) fn decode(bytes: &[u8], unmarked: Unmarked) -> Cow<'_, str> {
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return Cow::Owned(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return Cow::Owned(utf16(rest, u16::from_be_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return String::from_utf8_lossy(rest);
    }
    match zeros(bytes) {
        (Few::None, Few::Most) => return Cow::Owned(utf16(bytes, u16::from_le_bytes)),
        (Few::Most, Few::None) => return Cow::Owned(utf16(bytes, u16::from_be_bytes)),
        _ => {}
    }
    match str::from_utf8(bytes) {
        Ok(text) if unmarked == Unmarked::Utf8 || text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect()),
    }
}

/// How many of some bytes are zero.
enum Few {
    None,
    Some,
    Most,
}

/// Zero bytes at even and at odd places near the start. Text that is ASCII there has all of one kind
/// in UTF-16, and none in any other encoding.
fn zeros(bytes: &[u8]) -> (Few, Few) {
    const HEAD: usize = 128;
    let (units, _) = bytes.get(..HEAD.min(bytes.len())).unwrap_or_default().as_chunks::<2>();
    let few = |zeros: usize| match zeros {
        0 => Few::None,
        zeros if zeros > units.len() / 2 => Few::Most,
        _ => Few::Some,
    };
    let even = units.iter().filter(|[even, _]| *even == 0).count();
    let odd = units.iter().filter(|[_, odd]| *odd == 0).count();
    (few(even), few(odd))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (units, _) = bytes.as_chunks();
    char::decode_utf16(units.iter().map(|bytes| unit(*bytes)))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// The character of a byte in Windows-1252; the five bytes without one become controls, as Windows
/// does it.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž',
        '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}',
        'ž', 'Ÿ',
    ];
    let high = byte.checked_sub(0x80).and_then(|at| HIGH.get(usize::from(at)));
    high.copied().unwrap_or(char::from(byte))
}

/// The lines of a text, whatever ends them; an empty one between `\r` and `\n`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn marks_tell_the_encoding() {
        let text = "[Version]\r\nProvider=\"Grün & Söhne €\"";
        for unmarked in [Unmarked::Ansi, Unmarked::Utf8] {
            let marked = |mark: &[u8], rest: Vec<u8>| [mark.to_vec(), rest].concat();
            let little = marked(b"\xFF\xFE", units(text, u16::to_le_bytes));
            let big = marked(b"\xFE\xFF", units(text, u16::to_be_bytes));
            let utf8 = marked(b"\xEF\xBB\xBF", text.as_bytes().to_vec());
            for bytes in [little, big, utf8] {
                assert_eq!(decode(&bytes, unmarked), text);
            }
            assert_eq!(decode(&units(text, u16::to_le_bytes), unmarked), text);
            assert_eq!(decode(&units(text, u16::to_be_bytes), unmarked), text);
        }
    }

    #[test]
    fn without_a_mark_it_is_the_old_code_page() {
        assert_eq!(decode(b"Gr\xFCn \x80 \x81", Unmarked::Ansi), "Grün € \u{81}");
        assert_eq!(decode("Grün".as_bytes(), Unmarked::Ansi), "GrÃ¼n");
        assert_eq!(decode("Grün".as_bytes(), Unmarked::Utf8), "Grün");
        assert_eq!(decode(b"Gr\xFCn", Unmarked::Utf8), "Grün");
        assert_eq!(decode(b"", Unmarked::Ansi), "");
        assert_eq!(decode(b"\0", Unmarked::Ansi), "\0");
        assert_eq!(decode(b"\xFF\xFE\x41", Unmarked::Ansi), "");
        assert_eq!(decode(b"\xFF\xFE\x34\xD8", Unmarked::Ansi), "\u{FFFD}");
    }
}
