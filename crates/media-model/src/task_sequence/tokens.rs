//! XML as tokens, with every limit and refusal in one place: what comes out is well-formed, has no
//! document type, no unresolved entity, and is within the limits.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use super::error::{SequenceError, SequenceFault};
use super::extra::Attribute;
use super::text::{Document, is_xml_char};
use super::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS};

/// One piece of a document.
pub(super) enum Token {
    Start(Tag),
    End,
    /// A piece of text; the next token may be another.
    Text(String),
    /// The end of the document.
    Eof,
}

/// The start of an element.
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    /// Byte of the decoded text where it begins.
    pub(super) at: usize,
}

pub(super) struct Tokens<'a> {
    document: &'a Document,
    reader: Reader<&'a [u8]>,
    depth: usize,
    elements: usize,
    /// Where the last token began.
    at: usize,
}

impl<'a> Tokens<'a> {
    /// # Errors
    ///
    /// A character that XML cannot hold, wherever it stands.
    pub(super) fn new(document: &'a Document) -> Result<Self, SequenceError> {
        if let Some((at, found)) = document.text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
            return Err(document.error(at, SequenceFault::Character { found }));
        }
        let mut reader = Reader::from_str(&document.text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { document, reader, depth: 0, elements: 0, at: 0 })
    }

    /// An error at a byte of the decoded text.
    pub(super) fn error(&self, at: usize, fault: SequenceFault) -> SequenceError {
        self.document.error(at, fault)
    }

    /// Where the last token began, in bytes of the decoded text.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn next(&mut self) -> Result<Token, SequenceError> {
        loop {
            self.at = offset(self.reader.buffer_position());
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let at = offset(self.reader.error_position());
                    return Err(self.malformed(at, kind(&error)));
                }
            };
            match event {
                Event::Start(start) => {
                    return self.start(&start).map(Token::Start);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(text) => return self.text(text.xml10_content().into_owned()),
                Event::CData(data) => return self.text(data.xml10_content().into_owned()),
                Event::GeneralRef(reference) => {
                    let text = match &*reference {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "apos" => '\'',
                        "quot" => '"',
                        _ => match reference.resolve_char_ref() {
                            Ok(Some(c)) if is_xml_char(c) => c,
                            Ok(Some(found)) => {
                                return Err(self.fail(SequenceFault::Character { found }));
                            }
                            Ok(None) | Err(_) => return Err(self.fail(SequenceFault::Entity)),
                        },
                    };
                    return self.text(text.to_string());
                }
                Event::DocType(_) => return Err(self.fail(SequenceFault::DocumentType)),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose();
                    let encoding = encoding.map_err(|_| self.malformed(self.at, ATTRIBUTE))?;
                    self.declared(encoding.as_deref())?;
                }
                Event::Eof if self.depth > 0 => {
                    return Err(self.malformed(self.at, "it ends inside an element"));
                }
                Event::Eof => return Ok(Token::Eof),
                Event::Comment(_) | Event::PI(_) => {}
                // Empty elements come as two events.
                Event::Empty(_) => {
                    return Err(self.malformed(self.at, "an empty element"));
                }
            }
        }
    }

    fn fail(&self, fault: SequenceFault) -> SequenceError {
        self.error(self.at, fault)
    }

    fn malformed(&self, at: usize, problem: &'static str) -> SequenceError {
        self.error(at, SequenceFault::Malformed { problem })
    }

    /// Only names of what is read; any other is harmless where every character is ASCII.
    fn declared(&self, encoding: Option<&str>) -> Result<(), SequenceError> {
        let known = |name: &str| {
            ["utf-8", "utf8", "utf-16", "us-ascii"].iter().any(|k| name.eq_ignore_ascii_case(k))
        };
        match encoding {
            Some(name) if !known(name) && !self.document.text.is_ascii() => {
                Err(self.fail(SequenceFault::Encoding { found: name.to_owned() }))
            }
            _ => Ok(()),
        }
    }

    fn text(&self, text: String) -> Result<Token, SequenceError> {
        if self.depth == 0 && !is_blank(&text) {
            return Err(self.fail(SequenceFault::Text { element: "" }));
        }
        Ok(Token::Text(text))
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Tag, SequenceError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail(SequenceFault::Depth { max: MAX_DEPTH }));
        }
        if self.elements > MAX_ELEMENTS {
            return Err(self.fail(SequenceFault::Elements { max: MAX_ELEMENTS }));
        }
        let name = self.name(start.name().as_ref())?;
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            // The reader compares each attribute with all before it: no quadratic work for us.
            if attributes.len() == MAX_ATTRIBUTES {
                return Err(self.fail(SequenceFault::Attributes { max: MAX_ATTRIBUTES }));
            }
            let attribute = attribute.map_err(|_| self.malformed(self.at, ATTRIBUTE))?;
            let value = match attribute.normalized_value(XmlVersion::Explicit1_0) {
                Ok(value) => value.into_owned(),
                Err(Error::Escape(_)) => return Err(self.fail(SequenceFault::Entity)),
                Err(_) => return Err(self.malformed(self.at, ATTRIBUTE)),
            };
            if let Some(found) = value.chars().find(|c| !is_xml_char(*c)) {
                return Err(self.fail(SequenceFault::Character { found }));
            }
            attributes.push(Attribute { name: self.name(attribute.key.as_ref())?, value });
        }
        Ok(Tag { name, attributes, at: self.at })
    }

    /// The reader takes nearly anything for a name; a name that is kept must be one when it is
    /// written again.
    fn name(&self, name: &str) -> Result<String, SequenceError> {
        let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii();
        let other = |c: char| first(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
        if name.starts_with(first) && name.chars().all(other) {
            Ok(name.to_owned())
        } else {
            Err(self.malformed(self.at, "a name begins or goes on as none can"))
        }
    }
}

/// What is wrong with attributes that cannot be read.
const ATTRIBUTE: &str = "an attribute is not written as name=\"value\", or stands there twice";

/// What kind of mistake the reader found. Its own words quote the file, where a password with `<` in
/// it looks like an element.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Syntax(_) => "a tag, comment or declaration has no end",
        Error::IllFormed(_) => "an end tag or & is not that of what stands before",
        Error::InvalidAttr(_) => ATTRIBUTE,
        _ => "it cannot be read on",
    }
}

/// Whether there is nothing but the space of XML.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Offsets count bytes that are in memory.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
