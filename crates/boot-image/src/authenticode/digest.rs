//! The digests that signatures use.

use std::fmt;

use der::asn1::ObjectIdentifier;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// What the digests in a signature are made with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// Another, by its object identifier; nothing made with it can be compared.
    Other(String),
}

impl DigestAlgorithm {
    pub(super) fn of(oid: ObjectIdentifier) -> Self {
        let known = KNOWN.iter().find(|(known, _)| *known == oid);
        known.map_or_else(|| Self::Other(oid.to_string()), |(_, algorithm)| algorithm.clone())
    }
}

const KNOWN: [(ObjectIdentifier, DigestAlgorithm); 4] = [
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), DigestAlgorithm::Sha1),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), DigestAlgorithm::Sha512),
];

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Other(oid) => oid,
        })
    }
}

/// A digest in the making.
pub(super) enum Hashing {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hashing {
    /// `None` for an algorithm that is only known by its number.
    pub(super) fn new(algorithm: &DigestAlgorithm) -> Option<Self> {
        Some(match algorithm {
            DigestAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
            DigestAlgorithm::Other(_) => return None,
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hashing) => hashing.update(bytes),
            Self::Sha256(hashing) => hashing.update(bytes),
            Self::Sha384(hashing) => hashing.update(bytes),
            Self::Sha512(hashing) => hashing.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hashing) => hashing.finalize().to_vec(),
            Self::Sha256(hashing) => hashing.finalize().to_vec(),
            Self::Sha384(hashing) => hashing.finalize().to_vec(),
            Self::Sha512(hashing) => hashing.finalize().to_vec(),
        }
    }

    /// The digest of `bytes`; `None` for an algorithm that is only known by its number.
    pub(super) fn of(algorithm: &DigestAlgorithm, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut hashing = Self::new(algorithm)?;
        hashing.update(bytes);
        Some(hashing.finish())
    }
}
