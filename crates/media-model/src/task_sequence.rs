//! Task sequences: the typed grammar, reading, writing, checks, and the capture sequence.
//!
//! ```text
//! sequence.xml ─┐                     ┌─► Sequence::to_xml (the 3.10 form)
//! export.zip ───┼─► Sequence ─────────┼─► Sequence::check, notices, references
//! CaptureOptions┘   groups, steps     └─► Sequence::remove_stored_passwords
//! ```
//!
//! The grammar is the one seen in exports of Configuration Manager (`<sequence version="3.10">`)
//! and in the Microsoft Deployment Toolkit (`3.00`): both orders of a step's children are read, and
//! the order of 3.10 is written. The version itself is kept. Elements and attributes that are not
//! known are kept where they stood among groups and steps, and behind the known ones elsewhere, so
//! reading what was written gives an equal [`Sequence`]. Comments, processing instructions and the
//! space between elements are not kept.
//!
//! What is read is not trusted: a document type is refused and so no entity is ever expanded; size,
//! depth, elements and attributes have limits ([`MAX_FILE_BYTES`], [`MAX_DEPTH`],
//! [`MAX_ELEMENTS`], [`MAX_ATTRIBUTES`]); errors have a line, a column and a byte.
//!
//! What nobody could confirm about the product is gathered in [`unconfirmed`].
//!
//! ```
//! use media_model::task_sequence::{CaptureDestination, CaptureOptions, Sequence};
//!
//! let destination = CaptureDestination::new(r"\\server\share\reference.wim")?;
//! let sequence = CaptureOptions::new().with_destination(destination).sequence();
//! assert!(sequence.check().is_empty());
//! let xml = sequence.to_xml()?;
//! assert_eq!(Sequence::read(xml.as_bytes())?, sequence);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assignments;
mod capture;
mod check;
mod condition;
mod doubts;
mod error;
mod export;
mod extra;
mod file;
mod model;
mod passwords;
mod read;
mod references;
mod secret;
mod secret_words;
mod text;
mod tokens;
pub mod unconfirmed;
mod value;
mod word;
mod write;
mod zip;

pub use capture::{Applied, CaptureOptions};
pub use check::Notice;
pub use condition::{Condition, ConditionNode, Expression, Operator, Test};
pub use error::{
    CaptureTextError, CaptureTextFault, ExportError, FileError, Position, SecretError,
    SequenceError, SequenceFault, WriteError,
};
pub use export::Export;
pub use extra::{Attribute, Content, Element, Extra};
pub use file::SequenceFile;
pub use model::{
    Action, Group, Node, PackageReference, ReferenceList, Sequence, Step, Variable, VariableList,
};
pub use references::{Reference, ReferenceKind};
pub use secret::Secret;
pub use value::{CaptureAccount, CaptureDestination, ImageCreator, ImageDescription, ImageVersion};
pub use word::{ExpressionType, OperatorType, RunIn, StepType};

/// Longest sequence or exported file that is read, in bytes: a hundred times the largest export
/// seen, which leaves room for scripts that steps carry.
pub const MAX_FILE_BYTES: usize = 16 << 20;

/// Elements inside one another, the sequence itself counted. Exports seen need 8.
pub const MAX_DEPTH: usize = 64;

/// Elements in one file: some ten thousand steps.
pub const MAX_ELEMENTS: usize = 100_000;

/// Attributes of one element. Steps have at most 11 that are known.
pub const MAX_ATTRIBUTES: usize = 64;
