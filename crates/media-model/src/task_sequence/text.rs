//! Bytes to characters: UTF-8, and UTF-16 by its byte-order mark or its first character.

use super::MAX_FILE_BYTES;
use super::error::{Position, SequenceError, SequenceFault};

/// A decoded document that still knows where its characters were.
pub(super) struct Document {
    pub(super) text: String,
    encoding: Encoding,
}

#[derive(Clone, Copy)]
enum Encoding {
    /// With so many bytes of byte-order mark.
    Utf8 {
        mark: usize,
    },
    Utf16 {
        mark: usize,
    },
}

impl Document {
    /// Text from inside another document.
    pub(super) fn inner(text: String) -> Self {
        Self { text, encoding: Encoding::Utf8 { mark: 0 } }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, SequenceError> {
        if bytes.len() > MAX_FILE_BYTES {
            let fault = SequenceFault::TooLarge { bytes: bytes.len(), max: MAX_FILE_BYTES };
            return Err(SequenceError::new(Position::START, fault));
        }
        match bytes {
            [0xFF, 0xFE, rest @ ..] => Self::utf16(rest, 2, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => Self::utf16(rest, 2, u16::from_be_bytes),
            // Without a mark a document begins with "<" (XML 1.0, appendix F).
            [b'<', 0, ..] => Self::utf16(bytes, 0, u16::from_le_bytes),
            [0, b'<', ..] => Self::utf16(bytes, 0, u16::from_be_bytes),
            [0xEF, 0xBB, 0xBF, rest @ ..] => Self::utf8(rest, 3),
            _ => Self::utf8(bytes, 0),
        }
    }

    fn utf8(bytes: &[u8], mark: usize) -> Result<Self, SequenceError> {
        let encoding = Encoding::Utf8 { mark };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text: text.to_owned(), encoding }),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let text = String::from_utf8_lossy(good).into_owned();
                Err(Self { text, encoding }.not_encoded("UTF-8"))
            }
        }
    }

    fn utf16(bytes: &[u8], mark: usize, unit: fn([u8; 2]) -> u16) -> Result<Self, SequenceError> {
        let (units, rest) = bytes.as_chunks::<2>();
        let mut document =
            Self { text: String::with_capacity(units.len()), encoding: Encoding::Utf16 { mark } };
        for c in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
            match c {
                Ok(c) => document.text.push(c),
                Err(_) => return Err(document.not_encoded("UTF-16")),
            }
        }
        if rest.is_empty() { Ok(document) } else { Err(document.not_encoded("UTF-16")) }
    }

    /// The text so far is followed by something that is not `encoding`.
    fn not_encoded(&self, encoding: &'static str) -> SequenceError {
        self.error(self.text.len(), SequenceFault::NotEncoded { encoding })
    }

    /// An error at a byte of the decoded text.
    pub(super) fn error(&self, at: usize, fault: SequenceFault) -> SequenceError {
        SequenceError::new(self.position(at), fault)
    }

    fn position(&self, at: usize) -> Position {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        let byte = match self.encoding {
            Encoding::Utf8 { mark } => mark + before.len(),
            Encoding::Utf16 { mark } => mark + 2 * before.encode_utf16().count(),
        };
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: in_line.chars().count() + 1,
            byte,
        }
    }
}

/// Whether XML 1.0 can hold the character at all (production 2).
pub(super) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether `text` ends in `suffix`, ASCII case ignored.
pub(super) fn ends_with(text: &str, suffix: &str) -> bool {
    let start = text.len().saturating_sub(suffix.len());
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn encodings() {
        let text = "<a>\u{e9}\u{1F600}</a>";
        for bytes in [
            text.as_bytes().to_vec(),
            format!("\u{FEFF}{text}").into_bytes(),
            utf16(text, u16::to_le_bytes),
            utf16(text, u16::to_be_bytes),
            utf16(&format!("\u{FEFF}{text}"), u16::to_le_bytes),
            utf16(&format!("\u{FEFF}{text}"), u16::to_be_bytes),
        ] {
            assert_eq!(Document::decode(&bytes).unwrap().text, text);
        }
    }

    #[test]
    fn errors_have_the_position_in_the_file() {
        let error = |bytes: &[u8]| Document::decode(bytes).err().unwrap();
        let position = |line, column, byte| Position { line, column, byte };
        assert_eq!(error(b"<a>\n\xC3\xA9\xFF").position(), position(2, 2, 6));
        assert_eq!(error(b"\xEF\xBB\xBF<\xFF").position(), position(1, 2, 4));
        let mut bytes = utf16("\u{FEFF}<\n\u{1F600}", u16::to_le_bytes);
        bytes.extend([0x00, 0xDC]);
        assert_eq!(error(&bytes).position(), position(2, 2, 10));
        assert_eq!(error(b"\xFF\xFE<\0a").position(), position(1, 2, 4));
        assert_eq!(
            error(&vec![b' '; MAX_FILE_BYTES + 1]).fault(),
            &SequenceFault::TooLarge { bytes: MAX_FILE_BYTES + 1, max: MAX_FILE_BYTES }
        );
    }
}
