//! Who signed what UEFI starts, and which machines refuse it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use boot_image::authenticode::{
    self, AuthenticodeError, Generation, Integrity, Signature, SignatureFault, Signatures,
};
use extent_image::{ReadAt, Source, read_at};
use serde::Serialize;

use crate::error::chain;

/// A program that UEFI starts from media, and who signed it.
///
/// Names are read from the signatures and digests are computed. A certificate is known by its name
/// alone, and that a signature is really its signer's is left to firmware. Not looked at are lists of revoked programs (dbx) and the security
/// version number (SVN) below which newer machines refuse an older boot manager: a machine may
/// refuse what [`secure_boot`](Self::secure_boot) does not speak of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct UefiLoader {
    /// Its path, names separated by `/`. Before media is made, the path of a file that is a volume, a
    /// colon and the path in it, for one that UEFI starts from there.
    pub path: String,
    /// Where in a disc the volume begins that holds it and that is all UEFI sees, in bytes; `None`
    /// for a file of the medium itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<u64>,
    /// Its signatures, in their order.
    pub signatures: Vec<LoaderSignature>,
    /// The same in words, by the names of the certificates, and which machines with Secure Boot on
    /// refuse it.
    pub secure_boot: String,
}

/// A signature of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LoaderSignature {
    /// The certificate that a machine must trust, by its name: one of Microsoft's, or what issued the
    /// signer's.
    pub certificate: String,
    /// The whole name of the signer.
    pub signer: String,
    /// The whole name of what issued the signer's certificate.
    pub issuer: String,
    /// The names of the other certificates in the signature.
    pub others: Vec<String>,
    /// What the digest is made with.
    pub digest_algorithm: String,
    /// The digest of the program that was signed, in hexadecimal.
    pub digest: String,
    /// True for one inside another signature, where firmware made from EDK II does not look.
    pub nested: bool,
    /// Whether the program is what was signed; `None` where that cannot be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
}

impl LoaderSignature {
    fn of(signature: &Signature) -> Self {
        Self {
            certificate: signature.generation().to_string(),
            signer: signature.signer.subject.full.clone(),
            issuer: signature.signer.issuer.full.clone(),
            others: signature.others.iter().map(|other| other.subject.full.clone()).collect(),
            digest_algorithm: signature.algorithm.to_string(),
            digest: signature.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            nested: signature.nested,
            intact: match signature.integrity {
                Integrity::Intact => Some(true),
                Integrity::FileChanged { .. } | Integrity::StatementChanged => Some(false),
                _ => None,
            },
        }
    }
}

/// What looking at a program has shown.
pub(crate) struct Looked {
    pub(crate) loader: UefiLoader,
    /// The certificates under which firmware starts it.
    pub(crate) generations: Vec<Generation>,
    /// What keeps it from starting on every machine with Secure Boot on, although somebody signed
    /// it.
    pub(crate) fault: Option<String>,
    /// Whether it is certain that nobody has signed it.
    pub(crate) unsigned: bool,
    /// Whether it may have been changed since it was signed, or its signatures were not read.
    pub(crate) unchecked: bool,
}

impl Looked {
    /// Whether somebody has put a name to it, for better or worse.
    pub(crate) fn is_signed(&self) -> bool {
        !self.loader.signatures.is_empty() || self.fault.is_some()
    }
}

/// Looks at the signatures of a program. Whatever is wrong with it is part of the answer.
pub(crate) fn look(path: &str, volume: Option<u64>, program: &dyn ReadAt) -> Looked {
    let found = authenticode::signatures(program);
    let nobody = |error: &dyn std::error::Error| {
        format!("with Secure Boot on, no machine starts it: {}", chain(error))
    };
    let (secure_boot, is_fault) = match &found {
        Ok(signatures) => in_words(signatures),
        // Nobody has signed what is no program.
        Err(
            error @ (AuthenticodeError::NotPe { .. } | AuthenticodeError::OptionalHeader { .. }),
        ) => (nobody(error), false),
        Err(error @ AuthenticodeError::TableOutside { .. }) => (nobody(error), true),
        // That it cannot be read, or goes beyond the limits here, says nothing of firmware.
        Err(error) => (format!("who signed it cannot be told: {}", chain(error)), false),
    };
    let unchecked = match &found {
        Ok(signatures) => signatures.found.iter().any(|it| !it.nested && is_unchecked(it)),
        Err(error) => matches!(error, AuthenticodeError::TableTooLarge { .. }),
    };
    let unsigned = match &found {
        Ok(signatures) => signatures.found.is_empty() && signatures.faults.is_empty(),
        Err(error) => matches!(
            error,
            AuthenticodeError::NotPe { .. } | AuthenticodeError::OptionalHeader { .. }
        ),
    };
    let signatures = found.unwrap_or_default().found;
    let place = match volume {
        Some(volume) => format!("{path} in UEFI's volume at byte {volume}"),
        None => path.to_owned(),
    };
    let fault = is_fault.then(|| format!("{place}: {secure_boot}"));
    let generations = trusted(&signatures);
    let signatures = signatures.iter().map(LoaderSignature::of).collect();
    let loader = UefiLoader { path: path.to_owned(), volume, signatures, secure_boot };
    Looked { loader, generations, fault, unsigned, unchecked }
}

fn is_unchecked(signature: &Signature) -> bool {
    matches!(signature.integrity, Integrity::NotChecked { .. })
}

/// Largest program that is looked at, 64 MiB: each is read whole. Boot managers have about 3 MB.
pub(crate) const LARGEST: u64 = 64 << 20;

/// Looks at a program where it comes from. Where no signature holds, or one is damaged, it is read to
/// its end: of damage in a WIM its checksum tells, and what is damaged was not tampered with.
///
/// # Errors
/// It is too long for a program, cannot be read, or is damaged where it comes from.
pub(crate) fn look_at_source(path: &str, source: &Arc<dyn Source>) -> io::Result<Looked> {
    let len = Source::len(&**source);
    if len > LARGEST {
        return Err(io::Error::other(format!("{len} bytes; no boot manager has that many")));
    }
    let looked = look(path, None, &*read_at(source));
    if looked.generations.is_empty() || looked.fault.is_some() || looked.unchecked {
        io::copy(&mut source.open(0)?, &mut io::sink())?;
    }
    Ok(looked)
}

/// The certificates of which one must be trusted, each once; none where nothing can be started.
fn trusted(signatures: &[Signature]) -> Vec<Generation> {
    let mut found = Vec::new();
    for signature in signatures {
        let changed = matches!(
            signature.integrity,
            Integrity::FileChanged { .. } | Integrity::StatementChanged
        );
        let generation = signature.generation();
        if !signature.nested && !changed && !found.contains(&generation) {
            found.push(generation);
        }
    }
    found
}

/// Under which certificates a program is signed, and which machines refuse it; and whether all do
/// although it was signed.
fn in_words(signatures: &Signatures) -> (String, bool) {
    let Signatures { found, faults, .. } = signatures;
    if found.is_empty() {
        return match &**faults {
            [] => ("not signed: every machine with Secure Boot on refuses it".to_owned(), false),
            // Behind those that are read there may be good ones.
            [.., last @ SignatureFault::TooMany { .. }] => {
                (format!("who signed it cannot be told: {}", chain(last)), false)
            }
            [first, ..] => {
                (format!("with Secure Boot on, no machine starts it: {}", chain(first)), true)
            }
        };
    }
    let trusted = trusted(found);
    let mut text = match &*trusted {
        [] => {
            let names: BTreeSet<_> =
                found.iter().map(|signature| signature.generation().to_string()).collect();
            format!(
                "changed after it was signed under {}: every machine with Secure Boot on refuses it",
                list(&names.into_iter().collect::<Vec<_>>())
            )
        }
        [one] => {
            format!("signed under {one}: with Secure Boot on it is refused by {}", refusing(one))
        }
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            let (neither, nor) =
                if names.len() == 2 { ("neither", "nor") } else { ("none of", "and") };
            let refusing = names.join(&format!(" {nor} "));
            format!(
                "signed under {}: with Secure Boot on it is refused by machines that trust {neither} \
                 {refusing}",
                list(&names)
            )
        }
    };
    for signature in found {
        let generation = signature.generation();
        if signature.nested && !trusted.contains(&generation) {
            text.push_str(&format!(
                "; a signature under {generation} is nested in another, where most firmware does not \
                 look"
            ));
        }
        if let Integrity::NotChecked { reason } = &signature.integrity {
            text.push_str(&format!(
                "; not checked is whether it was changed since it was signed under {generation}: \
                 {reason}"
            ));
        }
    }
    let mut is_refused = trusted.is_empty();
    for fault in faults {
        text.push_str(&format!("; {}", chain(fault)));
        if let SignatureFault::Entry { .. } = fault {
            text.push_str(", and firmware made from EDK II refuses all of it for that");
            is_refused = true;
        }
    }
    (text, is_refused)
}

/// The machines that refuse what is signed under this certificate alone.
fn refusing(generation: &Generation) -> String {
    match generation {
        Generation::ProductionPca2011 => format!(
            "machines that trust only {} (the 2011 certificate was revoked there, or never given)",
            Generation::WindowsCa2023
        ),
        Generation::WindowsCa2023 => format!(
            "machines that trust only {} (the 2023 certificate was never given to them)",
            Generation::ProductionPca2011
        ),
        Generation::UefiCa2011 => format!(
            "machines that trust only programs of Microsoft's own, or {} alone for those of others",
            Generation::UefiCa2023
        ),
        Generation::UefiCa2023 => format!(
            "machines that trust only programs of Microsoft's own, or {} alone for those of others",
            Generation::UefiCa2011
        ),
        _ => "every machine to which this certificate was not given by its owner".to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use extent_image::BytesSource;

    use super::*;

    fn fixture(name: &str) -> Looked {
        looked_with(name, |_| {})
    }

    #[test]
    fn which_machines_refuse_a_loader() {
        for (name, words) in [
            ("unsigned-x64.efi", "not signed: every machine with Secure Boot on refuses it"),
            (
                "pca-2011-x64.efi",
                "signed under Microsoft Windows Production PCA 2011: with Secure Boot on it is \
                 refused by machines that trust only Windows UEFI CA 2023 (the 2011 certificate was \
                 revoked there, or never given)",
            ),
            (
                "ca-2023-x64.efi",
                "signed under Windows UEFI CA 2023: with Secure Boot on it is refused by machines \
                 that trust only Microsoft Windows Production PCA 2011 (the 2023 certificate was \
                 never given to them)",
            ),
            (
                "two-entries-x64.efi",
                "signed under Microsoft Windows Production PCA 2011 and Windows UEFI CA 2023: with \
                 Secure Boot on it is refused by machines that trust neither Microsoft Windows \
                 Production PCA 2011 nor Windows UEFI CA 2023",
            ),
            (
                "nested-x64.efi",
                "signed under Microsoft Windows Production PCA 2011: with Secure Boot on it is \
                 refused by machines that trust only Windows UEFI CA 2023 (the 2011 certificate was \
                 revoked there, or never given); a signature under Windows UEFI CA 2023 is nested in \
                 another, where most firmware does not look",
            ),
            (
                "other-x64.efi",
                "signed under Contoso Boot Signing, Inc.: with Secure Boot on it is refused by every \
                 machine to which this certificate was not given by its owner",
            ),
        ] {
            let found = fixture(name);
            assert_eq!(found.loader.secure_boot, words, "{name}");
            assert_eq!(found.fault, None, "{name}");
        }
        let third = fixture("uefi-ca-2011-x64.efi").loader.secure_boot;
        assert!(third.contains("only programs of Microsoft's own"), "{third}");
    }

    #[test]
    fn a_changed_loader_is_a_fault() {
        let found = fixture("changed-x64.efi");
        assert_eq!(
            found.fault.unwrap(),
            "EFI/Boot/bootx64.efi: changed after it was signed under Microsoft Windows Production \
             PCA 2011: every machine with Secure Boot on refuses it"
        );
        assert_eq!(found.loader.signatures[0].intact, Some(false));
        assert!(found.generations.is_empty());
    }

    fn bytes(name: &str) -> Vec<u8> {
        let folder =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../boot-image/tests/fixtures/authenticode");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    }

    /// What is told of a program that was damaged.
    fn looked_with(name: &str, damage: impl Fn(&mut Vec<u8>)) -> Looked {
        let mut bytes = bytes(name);
        damage(&mut bytes);
        look("EFI/Boot/bootx64.efi", None, &BytesSource::new("loader", bytes))
    }

    /// Makes another type of the last `SignedData` in a program.
    fn break_last(bytes: &mut [u8]) {
        let oid = [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2];
        let at = bytes.windows(oid.len()).rposition(|window| window == oid).unwrap();
        bytes[at + 10] = 3;
    }

    #[test]
    fn one_broken_signature_spoils_no_other() {
        let nested = looked_with("nested-x64.efi", |bytes| break_last(bytes));
        assert_eq!((nested.fault, nested.generations), (None, vec![Generation::ProductionPca2011]));
        let words = nested.loader.secure_boot;
        assert!(
            words.contains("; the nested signature in the certificate at byte 1024"),
            "{words}"
        );
        let second = looked_with("two-entries-x64.efi", |bytes| break_last(bytes));
        assert_eq!((second.fault, second.generations), (None, vec![Generation::ProductionPca2011]));
        let only = looked_with("ca-2023-x64.efi", |bytes| break_last(bytes));
        assert!(only.fault.unwrap().contains("with Secure Boot on, no machine starts it: the sig"));
        // An entry behind the good one that says it is longer than the table.
        let table = |bytes: &mut Vec<u8>| {
            let directory = 0x40 + 24 + 112 + 4 * 8;
            bytes.extend([9, 0, 0, 0, 0, 2, 2, 0]);
            bytes[directory + 4] += 8;
        };
        let entry = looked_with("ca-2023-x64.efi", table);
        assert_eq!(entry.generations, [Generation::WindowsCa2023]);
        assert!(entry.fault.unwrap().contains("firmware made from EDK II refuses all of it"));
    }

    #[test]
    fn our_limits_are_not_the_firmwares() {
        let large = looked_with("ca-2023-x64.efi", |bytes| {
            let directory = 0x40 + 24 + 112 + 4 * 8;
            bytes.resize(bytes.len() + (1 << 20), 0);
            let len = u32::try_from(bytes.len() - 0x400).unwrap();
            bytes[directory + 4..directory + 8].copy_from_slice(&len.to_le_bytes());
        });
        assert_eq!((large.fault, large.unchecked), (None, true));
        assert!(large.loader.secure_boot.starts_with("who signed it cannot be told: the certif"));
    }

    #[test]
    fn what_is_not_checked_is_said() {
        // Another digest than is known.
        let found = looked_with("ca-2023-x64.efi", |bytes| {
            let sha256 = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
            let places = bytes.windows(sha256.len()).enumerate().filter(|(_, it)| *it == sha256);
            for at in places.map(|(at, _)| at).collect::<Vec<_>>() {
                bytes[at + 8] = 4;
            }
        });
        assert!(found.unchecked && found.fault.is_none());
        assert!(found.loader.secure_boot.contains("; not checked is whether it was changed since"));
    }

    #[test]
    fn what_is_no_program_is_nobodys_fault() {
        let found = look("x", None, &BytesSource::new("loader", "text"));
        assert_eq!(found.fault, None);
        assert!(found.loader.secure_boot.starts_with("with Secure Boot on, no machine starts it"));
    }
}
