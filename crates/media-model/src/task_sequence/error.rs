//! Why a sequence, an export or a value for the capture step was refused. As everywhere in this
//! crate an error has two halves ([`Refusal`]), and its `Display` is `what; remedy`.

use std::error::Error;
use std::fmt;

use crate::error::Refusal;
use crate::text::shown;

macro_rules! display_both_halves {
    ($($error:ty),* $(,)?) => {$(
        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}; {}", self.what(), self.remedy())
            }
        }

        impl Error for $error {}
    )*};
}

display_both_halves!(
    SequenceError,
    WriteError,
    ExportError,
    FileError,
    CaptureTextError,
    SecretError,
);

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Offset in the file as it came, a byte-order mark included.
    pub byte: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1, byte: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {} (byte {})", self.line, self.column, self.byte)
    }
}

/// Why XML is no task sequence, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceError {
    position: Position,
    fault: SequenceFault,
}

impl SequenceError {
    pub(super) fn new(position: Position, fault: SequenceFault) -> Self {
        Self { position, fault }
    }

    /// Where the element, attribute or character begins that is wrong.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What is wrong.
    pub fn fault(&self) -> &SequenceFault {
        &self.fault
    }
}

/// What is wrong with a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SequenceFault {
    /// More bytes than are read.
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Bytes that are not of the encoding.
    NotEncoded {
        /// The encoding the file seems to have.
        encoding: &'static str,
    },
    /// A declared encoding that is not read.
    Encoding {
        /// The name in the declaration.
        found: String,
    },
    /// A character XML cannot hold.
    Character {
        /// The character.
        found: char,
    },
    /// The XML is not well-formed.
    Malformed {
        /// In which way. What stands there is never repeated: it may be part of a password.
        problem: &'static str,
    },
    /// A document type declaration.
    DocumentType,
    /// A reference to anything but a character or the five entities of XML.
    Entity,
    /// Elements inside one another beyond the limit.
    Depth {
        /// Elements allowed.
        max: usize,
    },
    /// Too many elements.
    Elements {
        /// Elements allowed.
        max: usize,
    },
    /// Too many attributes in one element.
    Attributes {
        /// Attributes allowed.
        max: usize,
    },
    /// The outermost element is another.
    Root {
        /// Its name; empty when there is none.
        found: String,
        /// The name it must have.
        expected: &'static str,
    },
    /// A required attribute is missing.
    MissingAttribute {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute has a value it cannot have.
    Value {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// What may stand there.
        allowed: &'static str,
    },
    /// A second element where there may be one.
    Repeated {
        /// The element.
        element: &'static str,
    },
    /// Text where only elements may stand.
    Text {
        /// The element it stands in; empty outside the outermost.
        element: &'static str,
    },
}

impl Refusal for SequenceError {
    fn what(&self) -> String {
        let what = match &self.fault {
            SequenceFault::TooLarge { bytes, max } => {
                return format!("the task sequence has {bytes} bytes where {max} are allowed");
            }
            SequenceFault::NotEncoded { encoding } => format!("the bytes are no {encoding}"),
            SequenceFault::Encoding { found } => {
                format!("the encoding '{}' is not read", shown(found))
            }
            SequenceFault::Character { found } => format!("{found:?} cannot stand in XML"),
            SequenceFault::Malformed { problem } => {
                format!("the XML is not well-formed: {problem}")
            }
            SequenceFault::DocumentType => "a document type is declared".to_owned(),
            SequenceFault::Entity => "& begins a reference that is not defined".to_owned(),
            SequenceFault::Depth { max } => {
                format!("more than {max} elements stand inside one another")
            }
            SequenceFault::Elements { max } => format!("there are more than {max} elements"),
            SequenceFault::Attributes { max } => {
                format!("an element has more than {max} attributes")
            }
            SequenceFault::Root { found, expected } if found.is_empty() => {
                format!("there is no <{expected}>")
            }
            SequenceFault::Root { found, expected } => {
                format!("<{}> is not <{expected}>", shown(found))
            }
            SequenceFault::MissingAttribute { element, attribute } => {
                format!("<{element}> has no {attribute}")
            }
            SequenceFault::Value { element, attribute, .. } => {
                format!("what <{element}> has as {attribute} cannot stand there")
            }
            SequenceFault::Repeated { element } => format!("there is a second <{element}>"),
            SequenceFault::Text { element: "" } => {
                "text stands outside the outermost element".to_owned()
            }
            SequenceFault::Text { element } => {
                format!("text stands in <{element}>, where only elements may")
            }
        };
        format!("{}: {what}", self.position)
    }

    fn remedy(&self) -> String {
        match &self.fault {
            SequenceFault::TooLarge { .. }
            | SequenceFault::Depth { .. }
            | SequenceFault::Elements { .. }
            | SequenceFault::Attributes { .. } => {
                "give a task sequence within the limits".to_owned()
            }
            SequenceFault::NotEncoded { .. } | SequenceFault::Encoding { .. } => {
                "save the file as UTF-8, or as UTF-16 with a byte-order mark".to_owned()
            }
            SequenceFault::Character { .. } => "take the character out".to_owned(),
            SequenceFault::Malformed { .. } | SequenceFault::Entity => {
                "write & as &amp; and < as &lt; in texts and values, or export the task sequence \
                 again"
                    .to_owned()
            }
            SequenceFault::Repeated { .. } | SequenceFault::Text { .. } => {
                "mend the file there, or export the task sequence again".to_owned()
            }
            SequenceFault::DocumentType => {
                "write the text itself in place of entities; a task sequence has no document type"
                    .to_owned()
            }
            SequenceFault::Root { .. } => {
                "give the XML of a task sequence, or the .zip the console exports".to_owned()
            }
            SequenceFault::MissingAttribute { attribute, .. } => {
                format!("add the attribute {attribute}")
            }
            SequenceFault::Value { allowed, .. } => format!("write {allowed}"),
        }
    }
}

/// Why a [`Sequence`](super::Sequence) cannot be written. What was read can always be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// A character XML cannot hold.
    Character {
        /// The element that holds it.
        element: String,
        /// The character.
        found: char,
    },
    /// Groups or conditions inside one another beyond the limit.
    Depth {
        /// Elements allowed.
        max: usize,
    },
}

impl Refusal for WriteError {
    fn what(&self) -> String {
        match self {
            Self::Character { element, found } => {
                format!("{found:?} in <{}> cannot stand in XML", shown(element))
            }
            Self::Depth { max } => format!("more than {max} elements stand inside one another"),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Character { .. } => "take the character out".to_owned(),
            Self::Depth { .. } => "take groups or conditions out".to_owned(),
        }
    }
}

/// Why a file is no exported task sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportError {
    /// More bytes than are read.
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The file is no zip, or its directory is damaged.
    NotAZip {
        /// What the zip reader says.
        problem: String,
    },
    /// Too many entries.
    Entries {
        /// Entries allowed.
        max: usize,
    },
    /// A name that leads out of the archive or cannot be a name.
    Name {
        /// The name.
        entry: String,
    },
    /// Two entries of one name, case ignored.
    Duplicate {
        /// The name.
        entry: String,
    },
    /// An encrypted entry.
    Encrypted {
        /// Its name.
        entry: String,
    },
    /// A compression that is not read.
    Method {
        /// The entry.
        entry: String,
        /// The number of the method.
        method: u16,
    },
    /// An entry that is larger than is read when unpacked.
    EntrySize {
        /// The entry.
        entry: String,
        /// Bytes allowed.
        max: usize,
    },
    /// An entry that cannot be unpacked or differs from what the directory says.
    Damaged {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No `SMS_TaskSequencePackage/<id>/object.xml`.
    NoObject,
    /// Several, and the manifest does not say which.
    SeveralObjects {
        /// Their package ids.
        ids: Vec<String>,
    },
    /// An entry whose XML cannot be read.
    Xml {
        /// The entry.
        entry: String,
        /// Where and why.
        error: Box<SequenceError>,
    },
    /// An object without the property `Sequence`.
    NoSequence {
        /// The entry.
        entry: String,
    },
    /// The sequence in an object cannot be read; the place counts from the start of the sequence.
    Sequence {
        /// The entry.
        entry: String,
        /// Where and why.
        error: Box<SequenceError>,
    },
}

impl Refusal for ExportError {
    fn what(&self) -> String {
        match self {
            Self::TooLarge { bytes, max } => {
                format!("the exported file has {bytes} bytes where {max} are allowed")
            }
            Self::NotAZip { problem } => format!("the file is no sound zip: {}", shown(problem)),
            Self::Entries { max } => format!("the zip has more than {max} entries"),
            Self::Name { entry } => {
                format!("the zip has an entry named '{}', which is no safe path", shown(entry))
            }
            Self::Duplicate { entry } => {
                format!("the zip has two entries named {}", shown(entry))
            }
            Self::Encrypted { entry } => format!("{} is encrypted", shown(entry)),
            Self::Method { entry, method } => {
                format!("{} is compressed by method {method}", shown(entry))
            }
            Self::EntrySize { entry, max } => {
                format!("{} unpacks to more than {max} bytes", shown(entry))
            }
            Self::Damaged { entry, problem } => {
                format!("{} cannot be unpacked: {}", shown(entry), shown(problem))
            }
            Self::NoObject => "the zip holds no SMS_TaskSequencePackage".to_owned(),
            Self::SeveralObjects { ids } => format!(
                "the zip holds {} task sequences ({}) and no manifest that names one",
                ids.len(),
                shown(&ids.join(", "))
            ),
            Self::Xml { entry, error } => format!("{}: {}", shown(entry), error.what()),
            Self::NoSequence { entry } => {
                format!("{} has no property Sequence", shown(entry))
            }
            Self::Sequence { entry, error } => {
                format!("the sequence in {}: {}", shown(entry), error.what())
            }
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Xml { error, .. } | Self::Sequence { error, .. } => error.remedy(),
            Self::SeveralObjects { .. } => {
                "export the one task sequence, or give its XML".to_owned()
            }
            _ => "export the task sequence from the console again, or give its XML".to_owned(),
        }
    }
}

/// Why a file is neither the XML of a task sequence nor an export of one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// It was read as XML.
    Xml(SequenceError),
    /// It was read as an export.
    Export(ExportError),
}

impl Refusal for FileError {
    fn what(&self) -> String {
        match self {
            Self::Xml(error) => error.what(),
            Self::Export(error) => error.what(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Xml(error) => error.remedy(),
            Self::Export(error) => error.remedy(),
        }
    }
}

/// Why a text is no value of the capture step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureTextError {
    /// What the value is.
    pub(super) value: &'static str,
    pub(super) fault: CaptureTextFault,
}

impl CaptureTextError {
    /// What is wrong with the text.
    pub fn fault(&self) -> &CaptureTextFault {
        &self.fault
    }
}

/// What is wrong with a text for the capture step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureTextFault {
    /// Nothing was given.
    Empty,
    /// More than the step holds.
    TooLong {
        /// UTF-16 units given.
        units: usize,
        /// UTF-16 units allowed.
        max: usize,
    },
    /// A control character, or one XML cannot hold.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
}

impl Refusal for CaptureTextError {
    fn what(&self) -> String {
        let value = self.value;
        match &self.fault {
            CaptureTextFault::Empty => format!("the {value} is empty"),
            CaptureTextFault::TooLong { units, max } => {
                format!("the {value} has {units} UTF-16 units where {max} are allowed")
            }
            CaptureTextFault::Character { position, found } => {
                format!("{found:?} at byte {position} cannot stand in the {value}")
            }
        }
    }

    fn remedy(&self) -> String {
        match &self.fault {
            CaptureTextFault::Empty => "give a value or leave the option out".to_owned(),
            CaptureTextFault::TooLong { .. } => "shorten it".to_owned(),
            CaptureTextFault::Character { .. } => "leave control characters out".to_owned(),
        }
    }
}

/// Why a text is no [`Secret`](super::Secret). The text is never repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// Nothing was given.
    Empty,
    /// More than is taken.
    TooLong {
        /// UTF-16 units given.
        units: usize,
        /// UTF-16 units allowed.
        max: usize,
    },
    /// A control character, or one XML cannot hold.
    Character {
        /// Byte offset of the character.
        position: usize,
    },
}

impl Refusal for SecretError {
    fn what(&self) -> String {
        match self {
            Self::Empty => "the password is empty".to_owned(),
            Self::TooLong { units, max } => {
                format!("the password has {units} UTF-16 units where {max} are allowed")
            }
            Self::Character { position } => {
                format!("the character at byte {position} cannot stand in a password")
            }
        }
    }

    fn remedy(&self) -> String {
        "give a file whose only line is the password".to_owned()
    }
}
