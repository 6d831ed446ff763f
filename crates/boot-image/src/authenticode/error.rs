//! Why the signatures of a file cannot be told.

use std::io;

/// The signatures of a file cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticodeError {
    /// Its bytes cannot be read, or it ends within its own headers.
    #[error("the program cannot be read")]
    Read(#[from] io::Error),
    /// It does not begin with `MZ`, its PE header with `PE` and two zeros, or its optional header
    /// with a known number.
    #[error("not a PE file: no {missing} signature at byte {at}")]
    NotPe {
        /// `MZ`, `PE`, or `PE32`.
        missing: &'static str,
        /// Bytes from the start of the file.
        at: u64,
    },
    /// The optional header has no room for what it says it holds.
    #[error("the PE file's optional header has {found} bytes, at least {needed} are needed")]
    OptionalHeader {
        /// By the COFF header.
        found: u32,
        /// For the tables it says it has.
        needed: u32,
    },
    /// The certificate table lies outside the file.
    #[error("the certificate table has {len} bytes from byte {at} on, but the file ends at {end}")]
    TableOutside {
        /// Bytes from the start of the file.
        at: u64,
        /// Bytes of the table.
        len: u64,
        /// Bytes of the file.
        end: u64,
    },
    /// The certificate table is larger than any real one by far.
    #[error("the certificate table has {len} bytes, more than the {allowed} that are read")]
    TableTooLarge {
        /// Bytes of the table.
        len: u64,
        /// [`LARGEST_TABLE`](super::LARGEST_TABLE).
        allowed: u64,
    },
}

/// A part of a certificate table that is not read as a signature. Firmware goes on behind such parts
/// where it can, so others may still start the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// An entry of the certificate table does not fit into it; nothing behind it is read. Firmware
    /// made from EDK II refuses the whole program then.
    #[error("the certificate at byte {at} says that it has {len} bytes; {left} are left there")]
    Entry {
        /// Bytes from the start of the file.
        at: u64,
        /// Bytes of the entry, by itself; at least 8 are needed.
        len: u64,
        /// Bytes from there to the end of the table.
        left: u64,
    },
    /// More signatures than any real file has; those behind are not read.
    #[error("more than the {allowed} signatures that are read")]
    TooMany {
        /// [`MOST_SIGNATURES`](super::MOST_SIGNATURES).
        allowed: usize,
    },
    /// A signature is not what it should be.
    #[error(
        "the {}signature in the certificate at byte {at} cannot be read: {part}: {reason}",
        if *nested { "nested " } else { "" }
    )]
    Signature {
        /// Where the entry of the certificate table begins, bytes from the start of the file.
        at: u64,
        /// Whether another signature carries it.
        nested: bool,
        /// What in it is wrong.
        part: &'static str,
        /// Why.
        reason: String,
    },
}
