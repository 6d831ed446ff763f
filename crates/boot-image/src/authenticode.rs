//! Who signed a program, and whether it is still what was signed.
//!
//! With Secure Boot on, firmware starts a program only if one of the signatures in its certificate
//! table was made under a certificate that the machine trusts, and the file still has the digest
//! that was signed. [`signatures`] reads all of them ("Windows Authenticode Portable Executable
//! Signature Format", Microsoft 2008): of each the names of the certificates and whether the digest
//! is right. [`Signature::generation`] says whose trust it needs.
//!
//! Names are taken as they stand there, and a certificate is known by its name alone. That the signer's certificate really was issued by the one
//! it names, and that the signature is the signer's, is for the firmware to find out: nothing here
//! knows the public keys of the machines. Also not looked at: the dates of the certificates, as
//! firmware does not; lists of revoked certificates and digests (dbx); and the security version
//! number (SVN) below which newer machines refuse even a well signed boot manager.
//!
//! ```
//! use boot_image::authenticode;
//! use extent_image::BytesSource;
//!
//! # let mut program = vec![0; 0x200];
//! # program[..2].copy_from_slice(b"MZ");
//! # program[0x3C] = 0x40;
//! # program[0x40..0x44].copy_from_slice(b"PE\0\0");
//! # program[0x54] = 0xF0;
//! # program[0x58..0x5A].copy_from_slice(&0x20B_u16.to_le_bytes());
//! # program[0xC4] = 16;
//! let unsigned = BytesSource::new("bootx64.efi", program);
//! assert!(authenticode::signatures(&unsigned)?.found.is_empty());
//! # Ok::<(), authenticode::AuthenticodeError>(())
//! ```

mod digest;
mod error;
mod generation;
mod name;
mod pe;
mod signed_data;
mod values;

use extent_image::ReadAt;

pub use digest::DigestAlgorithm;
pub use error::{AuthenticodeError, SignatureFault};
pub use generation::Generation;
pub use name::Name;
pub use pe::LARGEST_TABLE;
use pe::Program;
use signed_data::SignedData;
use values::{Values, Wrong};

/// Most signatures of a file that are read, nested ones among them. Real files have one or two.
pub const MOST_SIGNATURES: usize = 16;

/// Most certificates of a signature that are read. Real ones have two to five.
pub const MOST_CERTIFICATES: usize = 32;

/// The names in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Certificate {
    /// Whose it is.
    pub subject: Name,
    /// Whose certificate vouches for it.
    pub issuer: Name,
}

/// Whether a file is what was signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Integrity {
    /// Its digest is the one that was signed.
    Intact,
    /// It was changed after signing.
    FileChanged {
        /// The digest that it has now.
        found: Vec<u8>,
    },
    /// The statement in the signature, which holds the digest, is not the one that was signed.
    StatementChanged,
    /// It cannot be told.
    NotChecked {
        /// Why.
        reason: String,
    },
}

/// One signature of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Signature {
    /// Which of the certificate table's entries it is in, from 0; only those that hold a signature
    /// count.
    pub entry: usize,
    /// True for one that another signature carries. Windows reads it; firmware made from EDK II,
    /// which is most, does not.
    pub nested: bool,
    /// The signer's certificate.
    pub signer: Certificate,
    /// The other certificates that the signature carries, in their order there. Roots are left out
    /// mostly.
    pub others: Vec<Certificate>,
    /// What the file's digest is made with.
    pub algorithm: DigestAlgorithm,
    /// The digest of the file that was signed.
    pub digest: Vec<u8>,
    /// Whether the file still has it.
    pub integrity: Integrity,
}

impl Signature {
    /// The certificate that a machine must trust, by name: the first of Microsoft's four above the
    /// signer, as far as the certificates in the signature lead; else what issued the signer's. A
    /// certificate that only bears such a name is not told from Microsoft's.
    pub fn generation(&self) -> Generation {
        let mut certificate = &self.signer;
        // A ring of certificates ends too.
        for _ in 0..=self.others.len() {
            let name = certificate.issuer.common_name.as_deref();
            if let Some(known) = name.and_then(Generation::from_name) {
                return known;
            }
            let above = self.others.iter().find(|other| other.subject == certificate.issuer);
            match above {
                Some(above) => certificate = above,
                None => break,
            }
        }
        Generation::Other(self.signer.issuer.text().to_owned())
    }
}

/// What the certificate table of a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Signatures {
    /// The signatures in the order of the table, each followed by those nested in it. None, and no
    /// fault, for a file that is not signed.
    pub found: Vec<Signature>,
    /// What could not be read.
    pub faults: Vec<SignatureFault>,
}

/// The signatures of the PE file `file`. What is wrong with one of them is told, and does not keep
/// the others from being found.
///
/// The whole file is read once, a part at a time; of its certificate table at most
/// [`LARGEST_TABLE`] bytes.
///
/// # Errors
/// It is not a PE file, its certificate table is outside the file or too large, or it cannot be read.
pub fn signatures(file: &dyn ReadAt) -> Result<Signatures, AuthenticodeError> {
    let program = Program::open(file)?;
    let (at, table) = program.certificate_table()?;
    let (entries, end) = pe::entries(at, &table);
    let (found, mut faults) = read(&entries);
    faults.extend(end);
    if found.is_empty() {
        return Ok(Signatures { found: Vec::new(), faults });
    }
    let algorithms: Vec<_> = found.iter().map(|(.., signed)| signed.algorithm.clone()).collect();
    let digests = program.digests(&algorithms)?;
    let signatures = found.into_iter().enumerate().map(|(index, (entry, nested, signed))| {
        let digest = digests.as_ref().map(|digests| digests.get(index).cloned().flatten());
        Signature {
            entry,
            nested,
            integrity: integrity(&signed, digest),
            signer: signed.signer,
            others: signed.others,
            algorithm: signed.algorithm,
            digest: signed.digest.to_vec(),
        }
    });
    Ok(Signatures { found: signatures.collect(), faults })
}

/// What can be read of the entries of a certificate table: the number of the entry, whether it is
/// nested, and the signature.
fn read<'a>(
    entries: &[(u64, &'a [u8])],
) -> (Vec<(usize, bool, SignedData<'a>)>, Vec<SignatureFault>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for (entry, (at, content)) in entries.iter().enumerate() {
        // Behind the signature the entry is filled up to a multiple of eight.
        let outermost = Values::of(content).and_then(|mut values| values.required());
        let mut left = vec![(outermost, false)];
        while let Some((content_info, nested)) = left.pop() {
            if found.len() + faults.len() == MOST_SIGNATURES {
                faults.push(SignatureFault::TooMany { allowed: MOST_SIGNATURES });
                return (found, faults);
            }
            match content_info.and_then(SignedData::read) {
                Ok(signed) => {
                    left.extend(signed.nested.iter().rev().map(|inner| (Ok(*inner), true)));
                    found.push((entry, nested, signed));
                }
                Err(Wrong { part, reason }) => {
                    faults.push(SignatureFault::Signature { at: *at, nested, part, reason });
                }
            }
        }
    }
    (found, faults)
}

fn integrity(signed: &SignedData<'_>, digest: Result<Option<Vec<u8>>, &String>) -> Integrity {
    let not_checked = |reason: &str| Integrity::NotChecked { reason: reason.to_owned() };
    match (digest, &signed.statement) {
        (_, Ok(false)) => Integrity::StatementChanged,
        (Err(reason), _) => not_checked(reason),
        (Ok(None), _) => {
            not_checked(&format!("digests made with {} are not known here", signed.algorithm))
        }
        (Ok(Some(found)), _) if found != signed.digest => Integrity::FileChanged { found },
        (Ok(Some(_)), Err(reason)) => not_checked(reason),
        (Ok(Some(_)), Ok(true)) => Integrity::Intact,
    }
}
