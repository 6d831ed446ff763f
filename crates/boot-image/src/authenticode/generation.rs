//! The certificates that Secure Boot of a machine may trust.

use std::fmt;

/// The certificate that vouches for the signer: one of those that firmware comes with, or another. It
/// is told by its name alone, which anybody can give a certificate of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Generation {
    /// Signs Windows boot managers since 2012. Newer machines may not trust it any more.
    ProductionPca2011,
    /// Signs the boot managers that replace those. Older machines may not trust it yet.
    WindowsCa2023,
    /// Signs the programs of others, such as the shim of Linux distributions. Some machines trust
    /// no programs of others.
    UefiCa2011,
    /// Follows that.
    UefiCa2023,
    /// Any other, by its name.
    Other(String),
}

/// The names, as they stand in the certificates.
const NAMES: [(Generation, &str); 4] = [
    (Generation::ProductionPca2011, "Microsoft Windows Production PCA 2011"),
    (Generation::WindowsCa2023, "Windows UEFI CA 2023"),
    (Generation::UefiCa2011, "Microsoft Corporation UEFI CA 2011"),
    (Generation::UefiCa2023, "Microsoft UEFI CA 2023"),
];

impl Generation {
    /// The generation with this common name; `None` for a name that is not one of Microsoft's four.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.into_iter().find_map(|(generation, known)| (known == name).then_some(generation))
    }

    /// The common name of the certificate.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => {
                let mut names = NAMES.iter();
                names.find_map(|(it, name)| (it == known).then_some(*name)).unwrap_or_default()
            }
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (generation, name) in NAMES {
            assert_eq!(generation.to_string(), name);
            assert_eq!(Generation::from_name(name), Some(generation));
        }
        assert_eq!(Generation::from_name("windows uefi ca 2023"), None);
        assert_eq!(Generation::Other("x".into()).to_string(), "x");
    }
}
