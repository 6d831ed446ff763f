//! The fixed records of a PE file, as in Microsoft's "PE Format" and, for the certificate table,
//! "Windows Authenticode Portable Executable Signature Format", 2008.

mod pe;

pub(crate) use pe::{CoffHeader, DataDirectory, OptionalHeader, Section, WinCertificate};
