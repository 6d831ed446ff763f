//! Signatures of small programs, of damaged ones, and of the shim that Debian ships.

use std::path::Path;
use std::process::Command;

use boot_image::authenticode::{
    AuthenticodeError, DigestAlgorithm, Generation, Integrity, LARGEST_TABLE, Signature,
    SignatureFault, Signatures, signatures,
};
use extent_image::{BytesSource, OpenFile};
use proptest::prelude::*;

use Generation::{Other, ProductionPca2011, UefiCa2011, UefiCa2023, WindowsCa2023};

/// Where the programs' headers say where the certificate table is, in 64-bit ones.
const DIRECTORY: usize = 0x40 + 24 + 112 + 4 * 8;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/authenticode");
    std::fs::read(folder.join(name)).unwrap()
}

fn read_all(bytes: Vec<u8>) -> Result<Signatures, AuthenticodeError> {
    signatures(&BytesSource::new("program.efi", bytes))
}

/// The signatures of a program without faults.
#[track_caller]
fn read(bytes: Vec<u8>) -> Result<Vec<Signature>, AuthenticodeError> {
    read_all(bytes).map(|all| {
        assert_eq!(all.faults, []);
        all.found
    })
}

#[track_caller]
fn refusal(bytes: Vec<u8>) -> String {
    read_all(bytes).unwrap_err().to_string()
}

/// The only fault, and how many signatures there are.
#[track_caller]
fn fault(bytes: Vec<u8>) -> (String, usize) {
    let all = read_all(bytes).unwrap();
    let [fault] = &*all.faults else { panic!("{:?}", all.faults) };
    (fault.to_string(), all.found.len())
}

#[test]
fn the_certificate_above_the_signer_is_told() {
    for (name, expected) in [
        ("pca-2011-x64.efi", ProductionPca2011),
        ("pca-2011-ia32.efi", ProductionPca2011),
        ("pca-2011-arm64.efi", ProductionPca2011),
        ("ca-2023-x64.efi", WindowsCa2023),
        ("ca-2023-ia32.efi", WindowsCa2023),
        ("ca-2023-arm64.efi", WindowsCa2023),
        ("uefi-ca-2011-x64.efi", UefiCa2011),
        ("uefi-ca-2023-x64.efi", UefiCa2023),
        ("through-x64.efi", WindowsCa2023),
        ("sha1-x64.efi", ProductionPca2011),
        ("other-x64.efi", Other("Contoso Boot Signing, Inc.".into())),
    ] {
        let found = read(fixture(name)).unwrap();
        let [signature] = &*found else { panic!("{name}: {} signatures", found.len()) };
        assert_eq!(signature.generation(), expected, "{name}");
        assert_eq!(signature.integrity, Integrity::Intact, "{name}");
        assert_eq!((signature.entry, signature.nested, signature.others.len()), (0, false, 1));
    }
    for name in ["unsigned-x64.efi", "unsigned-ia32.efi", "unsigned-arm64.efi"] {
        assert_eq!(read(fixture(name)).unwrap(), [], "{name}");
    }
}

#[test]
fn names_and_digests() {
    let found = read(fixture("other-x64.efi")).unwrap();
    let signer = &found[0].signer;
    assert_eq!(signer.subject.common_name.as_deref(), Some("Contoso"));
    assert_eq!(signer.subject.full, "CN=Contoso, O=capmedia test");
    assert_eq!(signer.issuer.full, r"CN=Contoso Boot Signing\, Inc., O=capmedia test");
    assert_eq!(found[0].others[0].subject, signer.issuer);
    assert_eq!(found[0].algorithm, DigestAlgorithm::Sha256);
    assert_eq!(found[0].digest.len(), 32);
    let found = read(fixture("sha1-x64.efi")).unwrap();
    assert_eq!((found[0].algorithm.clone(), found[0].digest.len()), (DigestAlgorithm::Sha1, 20));
}

#[test]
fn every_signature_of_a_file_is_told() {
    let told = |name| {
        let found = read(fixture(name)).unwrap();
        assert!(found.iter().all(|it| it.integrity == Integrity::Intact), "{name}");
        found.iter().map(|it| (it.entry, it.nested, it.generation())).collect::<Vec<_>>()
    };
    let two = [(0, false, ProductionPca2011), (1, false, WindowsCa2023)];
    assert_eq!(told("two-entries-x64.efi"), two);
    let nested = [(0, false, ProductionPca2011), (0, true, WindowsCa2023)];
    assert_eq!(told("nested-x64.efi"), nested);
}

#[test]
fn entries_with_a_guid_are_read() {
    let one = fixture("pca-2011-x64.efi")[0x400..].to_vec();
    let guid = [
        0x9D, 0xD2, 0xAF, 0x4A, 0xDF, 0x68, 0xEE, 0x49, 0x8A, 0xA9, 0x34, 0x7D, 0x37, 0x56, 0x65,
        0xA7,
    ];
    let table = entry(0x0EF1, &[&guid, &one[8..]].concat());
    assert_eq!(read(with_table(&table)).unwrap()[0].generation(), ProductionPca2011);
    let other = entry(0x0EF1, &[&[1; 16], &one[8..]].concat());
    assert_eq!(read(with_table(&other)).unwrap(), []);
}

#[test]
fn a_signer_without_a_digest_is_not_checked() {
    let mut bytes = fixture("pca-2011-x64.efi");
    let message_digest = [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 4];
    let window = |it: &[u8]| it == message_digest;
    let at = bytes.windows(message_digest.len()).position(window).unwrap();
    bytes[at + 10] = 99;
    let integrity = read(bytes).unwrap().remove(0).integrity;
    let reason = "the signer tells no digest of the statement".to_owned();
    assert_eq!(integrity, Integrity::NotChecked { reason });
}

#[test]
fn a_changed_file_is_told() {
    let found = read(fixture("changed-x64.efi")).unwrap();
    let Integrity::FileChanged { found: digest } = &found[0].integrity else { panic!() };
    assert_ne!(*digest, found[0].digest);

    // What signing changes itself may differ.
    let mut bytes = fixture("pca-2011-x64.efi");
    bytes[0x40 + 24 + 64] ^= 0xFF;
    assert_eq!(read(bytes).unwrap()[0].integrity, Integrity::Intact);

    // A statement with the digest of another file, to which the signer's digest does not belong.
    let mut bytes = fixture("changed-x64.efi");
    let signed = found[0].digest.clone();
    let at = bytes.windows(signed.len()).position(|window| window == signed).unwrap();
    bytes[at..at + signed.len()].copy_from_slice(digest);
    assert_eq!(read(bytes).unwrap()[0].integrity, Integrity::StatementChanged);

    // Bytes behind the certificate table are covered too.
    let mut bytes = fixture("pca-2011-x64.efi");
    bytes.extend([0; 8]);
    assert!(matches!(read(bytes).unwrap()[0].integrity, Integrity::FileChanged { .. }));
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn put(bytes: &mut [u8], at: usize, number: usize) {
    bytes[at..at + 4].copy_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
}

/// The 64-bit program with this certificate table.
fn with_table(table: &[u8]) -> Vec<u8> {
    let mut bytes = fixture("unsigned-x64.efi");
    put(&mut bytes, DIRECTORY, 0x400);
    put(&mut bytes, DIRECTORY + 4, table.len());
    bytes.extend(table);
    bytes
}

/// An entry of the certificate table.
fn entry(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = (u32::try_from(content.len()).unwrap() + 8).to_le_bytes().to_vec();
    bytes.extend(0x200_u16.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// A value of the type `tag` around others.
fn der(tag: u8, values: &[&[u8]]) -> Vec<u8> {
    let content = values.concat();
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    let len: Vec<u8> = len.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..0x80 => bytes.push(u8::try_from(short).unwrap()),
        _ => bytes.push(0x80 | u8::try_from(len.len()).unwrap()),
    }
    if content.len() >= 0x80 {
        bytes.extend(len);
    }
    bytes.extend(content);
    bytes
}

#[test]
fn what_is_no_program_is_refused() {
    assert_eq!(refusal(Vec::new()), "not a PE file: no MZ signature at byte 0");
    assert_eq!(refusal(b"M".to_vec()), "not a PE file: no MZ signature at byte 0");
    assert!(matches!(read(b"MZ".to_vec()), Err(AuthenticodeError::Read(_))));
    let mut bytes = fixture("unsigned-x64.efi");
    bytes[0x41] = b'F';
    assert_eq!(refusal(bytes), "not a PE file: no PE signature at byte 64");
    let mut bytes = fixture("unsigned-x64.efi");
    bytes[0x58] = 7;
    assert_eq!(refusal(bytes), "not a PE file: no PE32 signature at byte 88");
    let mut bytes = fixture("unsigned-x64.efi");
    bytes[0x54..0x56].copy_from_slice(&[151, 0]);
    assert_eq!(
        refusal(bytes),
        "the PE file's optional header has 151 bytes, at least 152 are needed"
    );
    // Too few data directories for a certificate table: never signed.
    let mut bytes = fixture("pca-2011-x64.efi");
    put(&mut bytes, 0x58 + 108, 4);
    assert_eq!(read(bytes).unwrap(), []);
}

#[test]
fn a_table_that_does_not_fit_is_refused() {
    let mut bytes = fixture("pca-2011-x64.efi");
    bytes.pop();
    let len = number(&bytes, DIRECTORY + 4);
    assert_eq!(
        refusal(bytes.clone()),
        format!(
            "the certificate table has {len} bytes from byte 1024 on, but the file ends at {}",
            bytes.len()
        )
    );
    assert_eq!(
        refusal(with_table(&vec![0; 1 + usize::try_from(LARGEST_TABLE).unwrap()])),
        "the certificate table has 1048577 bytes, more than the 1048576 that are read"
    );
    for (head, len) in [([0_u8, 0, 0, 0], 0), ([7, 0, 0, 0], 7), ([17, 0, 0, 0], 17)] {
        let mut table = vec![0; 16];
        table[..4].copy_from_slice(&head);
        assert_eq!(
            fault(with_table(&table)),
            (
                format!(
                    "the certificate at byte 1024 says that it has {len} bytes; 16 are left there"
                ),
                0
            )
        );
    }
    assert_eq!(read(with_table(&entry(1, &[1; 16]))).unwrap(), []);
    assert_eq!(read(with_table(&[0; 7])).unwrap(), []);
    let rest = read_all(with_table(&[1; 7])).unwrap();
    assert!(matches!(*rest.faults, [SignatureFault::Entry { len: 7, .. }]));
    // What is before it is found.
    let one = fixture("pca-2011-x64.efi")[0x400..].to_vec();
    let (text, found) = fault(with_table(&[&one[..], &[9, 0, 0, 0, 0, 2, 2, 0]].concat()));
    assert!(text.ends_with("says that it has 9 bytes; 8 are left there"), "{text}");
    assert_eq!(found, 1);
}

#[test]
fn what_cannot_be_covered_is_not_compared() {
    let reason = |bytes| match read(bytes).unwrap().remove(0).integrity {
        Integrity::NotChecked { reason } => reason,
        other => panic!("{other:?}"),
    };
    let section = 0x58 + 240;
    for (at, value, words) in [
        (0x58 + 60, 0x10, "its headers cannot end at byte 16"),
        (0x58 + 60, 0x1_0000, "its headers cannot end at byte 65536"),
        (0x46, 97, "97 sections, more than 96"),
        (section + 20, 0x100, "the section from byte 256 to 768 overlaps another or ends behind"),
        (section + 16, 0x10_0000, "the section from byte 512 to 1049088 overlaps another"),
        (section + 16, 0x400, "the certificate table overlaps the sections"),
    ] {
        let mut bytes = fixture("pca-2011-x64.efi");
        bytes[at..at + 2].copy_from_slice(&[0, 0]);
        let len = if at == 0x46 { 2 } else { 4 };
        bytes[at..at + len].copy_from_slice(&u32::to_le_bytes(value)[..len]);
        let found = reason(bytes);
        assert!(found.starts_with(words), "{found}");
    }
    // SHA-224.
    let mut bytes = fixture("pca-2011-x64.efi");
    let sha256 = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    let places = bytes.windows(sha256.len()).enumerate().filter(|(_, it)| *it == sha256);
    for at in places.map(|(at, _)| at).collect::<Vec<_>>() {
        bytes[at + 8] = 4;
    }
    let words = "digests made with 2.16.840.1.101.3.4.2.4 are not known here";
    assert_eq!(reason(bytes), words);
}

#[test]
fn signatures_beyond_the_limits_are_refused() {
    let one = fixture("pca-2011-x64.efi")[0x400..].to_vec();
    assert_eq!(read(with_table(&one.repeat(16))).unwrap().len(), 16);
    let many = fault(with_table(&one.repeat(17)));
    assert_eq!(many, ("more than the 16 signatures that are read".to_owned(), 16));
    let broken = read_all(with_table(&entry(2, &[0x30, 0]).repeat(17))).unwrap();
    assert_eq!((broken.found.len(), broken.faults.len()), (0, 17));

    // Each before a good one.
    let part = |content: &[u8]| {
        let (text, found) = fault(with_table(&[entry(2, content), one.clone()].concat()));
        assert_eq!(found, 1, "{text}");
        text
    };
    assert!(part(&[]).contains("cannot be read: its outermost values: ends too early"));
    // Sequences in sequences: nothing goes down into them.
    let mut deep = Vec::new();
    for _ in 0..5_000 {
        deep = der(0x30, &[&deep]);
    }
    assert!(part(&deep).contains("its outermost values"), "{}", part(&deep));
    // A set of a great many elements in the place of the certificates, and one of signers.
    let oid: &[u8] = &[6, 10, 0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
    let at = one.windows(oid.len()).position(|window| window == oid).unwrap() - 2;
    let statement: &[u8] = &one[at..at + 2 + usize::from(one[at + 1])];
    let signed = |certificates: &[u8], signers: &[u8]| {
        let version: &[u8] = &[2, 1, 1];
        let values = [version, &[0x31, 0], statement, certificates, signers];
        let oid: &[u8] = &[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2];
        part(&der(0x30, &[oid, &der(0xA0, &[&der(0x30, &values)])]))
    };
    let bomb = der(0xA0, &[&[0x30, 0].repeat(400_000)]);
    assert!(signed(&bomb, &[0x31, 0]).contains("its certificates: ends too early"));
    let names = der(0x30, &[&der(0x31, &[&[0x30, 0].repeat(3_000)])]);
    let certificate =
        der(0x30, &[&der(0x30, &[&[2, 1, 1], &[0x30, 0], &names, &[0x30, 0], &names])]);
    let bomb = der(0xA0, &[&certificate]);
    assert!(signed(&bomb, &[0x31, 0]).contains("6004 bytes, more than the 4096 that are read"));
    let name: &[u8] = &[0x30, 0];
    let certificate = der(0x30, &[&der(0x30, &[&[2, 1, 1], name, name, name, name])]);
    let bomb = der(0xA0, &[&certificate.repeat(33)]);
    assert!(signed(&bomb, &[0x31, 0]).contains("its certificates: more than the 32 that are read"));
    let others = der(0xA0, &[&certificate.repeat(32)]);
    assert!(signed(&others, &[0x31, 0]).contains("the signer: ends too early"));
    let signers = der(0x31, &[&[0x30, 0].repeat(2)]);
    assert!(signed(&others, &signers).contains("the signer: there is more than one"));
}

#[test]
fn names_stay_on_their_line() {
    let mut bytes = fixture("other-x64.efi");
    let name = b"Contoso Boot Signing, Inc.";
    let places = bytes.windows(name.len()).enumerate().filter(|(_, it)| it == name);
    for at in places.map(|(at, _)| at).collect::<Vec<_>>() {
        bytes[at + 7] = b'\n';
    }
    let found = read(bytes).unwrap();
    let issuer = &found[0].signer.issuer;
    assert_eq!(issuer.common_name.as_deref(), Some(r"Contoso\0ABoot Signing, Inc."));
    assert_eq!(issuer.full, r"CN=Contoso\0ABoot Signing\, Inc., O=capmedia test");
}

const PROGRAMS: [&str; 5] = [
    "pca-2011-x64.efi",
    "ca-2023-ia32.efi",
    "nested-x64.efi",
    "two-entries-x64.efi",
    "through-x64.efi",
];

proptest! {
    #[test]
    fn damage_does_no_harm(
        which in 0..PROGRAMS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture(PROGRAMS[which]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(all) = read_all(bytes) {
            prop_assert!(all.found.len() <= 16 && all.faults.len() <= 17 + 1);
            for signature in all.found {
                let name = signature.generation().to_string();
                prop_assert!(name.chars().all(|c| !c.is_control()));
            }
        }
    }

    /// Any one byte of the program itself.
    #[test]
    fn any_change_of_the_program_is_told(at in 0x200_usize..0x400, change in 1_u8..) {
        let mut bytes = fixture("ca-2023-x64.efi");
        bytes[at] ^= change;
        let found = read(bytes).unwrap();
        let changed = matches!(found[0].integrity, Integrity::FileChanged { .. });
        prop_assert!(changed);
    }
}

/// What a tool prints, all of it.
fn told(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// osslsigncode's words about a program.
fn osslsigncode(path: &Path, authority: &Path) -> String {
    let mut command = Command::new("osslsigncode");
    told(command.arg("verify").arg("-CAfile").arg(authority).arg("-in").arg(path))
}

#[test]
#[ignore = "needs osslsigncode"]
fn osslsigncode_says_the_same_of_the_fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/authenticode");
    for (name, authority) in [
        ("pca-2011-x64", "pca-2011"),
        ("pca-2011-ia32", "pca-2011"),
        ("pca-2011-arm64", "pca-2011"),
        ("ca-2023-x64", "ca-2023"),
        ("ca-2023-ia32", "ca-2023"),
        ("ca-2023-arm64", "ca-2023"),
        ("sha1-x64", "pca-2011"),
        ("uefi-ca-2011-x64", "uefi-ca-2011"),
        ("uefi-ca-2023-x64", "uefi-ca-2023"),
        ("other-x64", "other"),
        ("nested-x64", "pca-2011"),
        ("through-x64", "ca-2023"),
        ("changed-x64", "pca-2011"),
    ] {
        let path = folder.join(format!("{name}.efi"));
        let text = osslsigncode(&path, &folder.join(format!("{authority}.pem")));
        let found = signatures(&OpenFile::open(&path).unwrap()).unwrap().found;
        for signature in &found {
            let digest = hex(&signature.digest);
            assert!(text.contains(&format!("Current message digest    : {digest}")), "{text}");
            let calculated = match &signature.integrity {
                Integrity::FileChanged { found } => hex(found),
                _ => digest,
            };
            assert!(text.contains(&format!("Calculated message digest : {calculated}")), "{text}");
            let issuer = signature.signer.issuer.common_name.as_deref().unwrap();
            if signature.integrity == Integrity::Intact {
                assert!(text.contains(&format!("CN={issuer}\n")), "{issuer}: {text}");
            }
        }
        let changed = found.iter().any(|it| it.integrity != Integrity::Intact);
        assert_eq!(changed, text.contains("MISMATCH"), "{text}");
        // What it is asked to trust is the root alone, and one chain has an end in between.
        if !changed && name != "through-x64" {
            assert!(text.contains("Signature verification: ok"), "{text}");
        }
    }
}

/// The signed programs of Debian's shim: signed by Microsoft, and by Debian itself.
const SHIM: &str = "/usr/lib/shim/shimx64.efi.signed";
const MOK_MANAGER: &str = "/usr/lib/shim/mmx64.efi.signed";

#[test]
#[ignore = "needs openssl and shim-signed"]
fn openssl_says_the_same_of_the_shim() {
    let bytes = std::fs::read(SHIM).unwrap();
    let found = signatures(&OpenFile::open(SHIM).unwrap()).unwrap().found;
    assert!(!found.is_empty());
    let known = [UefiCa2011, UefiCa2023];
    assert!(found.iter().all(|it| known.contains(&it.generation())), "{found:?}");
    assert!(found.iter().all(|it| it.integrity == Integrity::Intact), "{found:?}");
    // The entries by hand: length, revision, type, and a signature that openssl reads.
    let directory = number(&bytes, 0x3C) + 24 + 112 + 4 * 8;
    let (mut at, end) = (number(&bytes, directory), bytes.len());
    let folder = tempfile::tempdir().unwrap();
    let mut entries = 0;
    while at < end {
        let len = number(&bytes, at);
        let path = folder.path().join("signature.p7");
        std::fs::write(&path, &bytes[at + 8..at + len]).unwrap();
        let mut command = Command::new("openssl");
        command.args(["pkcs7", "-inform", "DER", "-print_certs", "-noout", "-in"]).arg(&path);
        let names = told(&mut command);
        let signature = &found[entries];
        assert_eq!((signature.entry, signature.nested), (entries, false));
        for certificate in signature.others.iter().chain([&signature.signer]) {
            for (label, name) in
                [("subject", &certificate.subject), ("issuer", &certificate.issuer)]
            {
                // Ours has the parts in the order of RFC 4514, the reverse of openssl's.
                let mut parts: Vec<_> =
                    name.full.split(", ").map(|part| part.replacen('=', " = ", 1)).collect();
                parts.reverse();
                let line = format!("{label}={}", parts.join(", "));
                assert!(names.lines().any(|it| it == line), "{line}: {names}");
            }
        }
        assert_eq!(names.matches("subject=").count(), signature.others.len() + 1, "{names}");
        let mut command = Command::new("openssl");
        let values = told(command.args(["asn1parse", "-inform", "DER", "-in"]).arg(&path));
        assert!(values.contains(&hex(&signature.digest)), "{values}");
        entries += 1;
        at += len.next_multiple_of(8);
    }
    assert_eq!(entries, found.len());
}

#[test]
#[ignore = "needs osslsigncode and shim-signed"]
fn osslsigncode_says_the_same_of_debians_own_signature() {
    let path = Path::new(MOK_MANAGER);
    let found = signatures(&OpenFile::open(path).unwrap()).unwrap().found;
    let [signature] = &*found else { panic!("{found:?}") };
    assert_eq!(signature.integrity, Integrity::Intact);
    let text = osslsigncode(path, path);
    let digest = hex(&signature.digest);
    assert!(text.contains(&format!("Current message digest    : {digest}")), "{text}");
    assert!(text.contains(&format!("Calculated message digest : {digest}")), "{text}");
    let Other(issuer) = signature.generation() else { panic!("{signature:?}") };
    assert!(text.contains(&format!("CN={issuer}")), "{issuer}: {text}");
}
