//! Names of people and certificates (X.501), as text.

use std::fmt::Write as _;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Tag, Tagged as _};

use super::values::{Values, Wrong, inside};

/// Longest encoded name that is read. Real ones have about 150 bytes.
pub(super) const LONGEST: usize = 4096;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Short names of attributes (RFC 4514, section 3, and what others write).
const SHORT: [(ObjectIdentifier, &str); 9] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"), "emailAddress"),
];

/// The name of a certificate's subject or issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Name {
    /// The common name (CN), the last where there are several. Characters that would not stand on
    /// one line of text are escaped.
    pub common_name: Option<String>,
    /// All of it as RFC 4514 writes names: most particular first, `CN=..., O=..., C=..` with
    /// escapes.
    pub full: String,
}

impl Name {
    /// What to call it in a sentence: the common name, or all of it where there is none.
    pub fn text(&self) -> &str {
        self.common_name.as_deref().unwrap_or(&self.full)
    }

    /// Reads a Name: a SEQUENCE of SETs of type and value.
    pub(super) fn read(name: AnyRef<'_>) -> Result<Self, Wrong> {
        if name.value().len() > LONGEST {
            let len = name.value().len();
            return Err(Wrong::new(format!("{len} bytes, more than the {LONGEST} that are read")));
        }
        let mut common_name = None;
        let mut parts = Vec::new();
        for relative in inside(name, Tag::Sequence)? {
            let mut text = String::new();
            for pair in inside(relative?, Tag::Set)? {
                let mut pair: Values<'_> = inside(pair?, Tag::Sequence)?;
                let kind = pair.required()?.decode_as::<ObjectIdentifier>()?;
                let value = pair.required()?;
                if !text.is_empty() {
                    text.push('+');
                }
                match SHORT.iter().find(|(oid, _)| *oid == kind) {
                    Some((_, short)) => text.push_str(short),
                    None => {
                        let _ = write!(text, "{kind}");
                    }
                }
                text.push('=');
                match decoded(value) {
                    Some(value) => {
                        escape(&mut text, &value);
                        if kind == COMMON_NAME {
                            common_name = Some(one_line(&value));
                        }
                    }
                    None => {
                        text.push('#');
                        value.value().iter().for_each(|byte| {
                            let _ = write!(text, "{byte:02x}");
                        });
                    }
                }
            }
            parts.push(text);
        }
        parts.reverse();
        Ok(Self { common_name, full: parts.join(", ") })
    }
}

/// The text of a string of one of the usual types.
fn decoded(value: AnyRef<'_>) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            let text = std::str::from_utf8(bytes).ok();
            text.filter(|text| text.is_ascii()).map(str::to_owned)
        }
        // Never T.61 in practice, always Latin 1.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units: Vec<_> = units.iter().copied().map(u16::from_be_bytes).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        }
        _ => None,
    }
}

/// True for what would break a line, turn it round, or not be seen.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
        )
}

fn hex(to: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(to, "\\{byte:02X}");
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if is_unprintable(c) { hex(&mut line, c) } else { line.push(c) }
    }
    line
}

/// RFC 4514, section 2.4.
fn escape(to: &mut String, text: &str) {
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => to.extend(['\\', c]),
            '#' if at == 0 => to.push_str("\\#"),
            ' ' if at == 0 || at == last => to.push_str("\\ "),
            c if is_unprintable(c) => hex(to, c),
            c => to.push(c),
        }
    }
}
