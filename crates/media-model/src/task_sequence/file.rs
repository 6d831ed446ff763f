//! A file that holds a task sequence in either form.

use super::error::FileError;
use super::export::Export;
use super::model::Sequence;
use super::references::{Reference, ReferenceKind};

/// A task sequence as an operator gives it: XML, or an export of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SequenceFile {
    /// The XML itself.
    Xml(Sequence),
    /// An export.
    Export(Export),
}

impl SequenceFile {
    /// Reads a file of at most [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES); a caller need not read
    /// more than one byte beyond that. What begins with the mark of a zip is an export.
    ///
    /// # Errors
    ///
    /// [`FileError`].
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.starts_with(b"PK") {
            Export::read(bytes).map(Self::Export).map_err(FileError::Export)
        } else {
            Sequence::read(bytes).map(Self::Xml).map_err(FileError::Xml)
        }
    }

    /// The task sequence.
    pub fn sequence(&self) -> &Sequence {
        match self {
            Self::Xml(sequence) => sequence,
            Self::Export(export) => export.sequence(),
        }
    }

    /// The task sequence alone.
    pub fn into_sequence(self) -> Sequence {
        match self {
            Self::Xml(sequence) => sequence,
            Self::Export(export) => export.into_sequence(),
        }
    }

    /// [`Sequence::references`], and behind them the boot image an export names.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = self.sequence().references();
        if let Self::Export(export) = self
            && let Some(id) = export.boot_image_id()
        {
            references.push(Reference::new(ReferenceKind::BootImage, id, "the boot image"));
        }
        references
    }
}
