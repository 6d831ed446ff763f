//! Authorities that vouch for boot managers, and firmware that trusts one of them alone.
//!
//! They carry the names of Microsoft's certificates and are none of them: each is made for one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::qemu::firmware;
use crate::winpe::tool;

/// A certificate authority, with one signer that it vouches for.
pub(crate) struct Authority {
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        let key = ["-newkey", "rsa:2048", "-nodes", "-sha256", "-keyout"];
        let subject = |name: &str| ["-subj".to_owned(), format!("/O=capmedia test/CN={name}")];
        let mut authority = this.openssl("req", &["-x509", "-days", "36500", "-out", "ca.pem"]);
        authority.args(key).arg("ca.key").args(subject(name));
        tool(authority.args(["-addext", "basicConstraints=critical,CA:TRUE"]));
        let mut signer = this.openssl("req", &["-out", "signer.csr"]);
        tool(signer.args(key).arg("signer.key").args(subject("Microsoft Windows")));
        fs::write(this.path("signer.cnf"), "extendedKeyUsage=codeSigning\n").unwrap();
        let by = ["-req", "-sha256", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
        let mut certify = this.openssl("x509", &by);
        certify.args(["-days", "36500", "-in", "signer.csr", "-extfile", "signer.cnf"]);
        tool(certify.args(["-out", "signer.pem"]));
        let chain = [fs::read(this.path("signer.pem")), fs::read(this.path("ca.pem"))];
        fs::write(this.path("chain.pem"), chain.map(Result::unwrap).concat()).unwrap();
        tool(&mut this.openssl("x509", &["-in", "ca.pem", "-outform", "DER", "-out", "ca.der"]));
        this
    }

    /// The program with a signature.
    pub(crate) fn sign(&self, program: &[u8]) -> Vec<u8> {
        let (plain, signed) = (self.path("plain.efi"), self.path("signed.efi"));
        let _ = fs::remove_file(&signed);
        fs::write(&plain, program).unwrap();
        let mut sign = Command::new("osslsigncode");
        sign.args(["sign", "-h", "sha256", "-certs"]).arg(self.path("chain.pem"));
        sign.arg("-key").arg(self.path("signer.key")).arg("-in").arg(plain);
        tool(sign.arg("-out").arg(&signed));
        fs::read(signed).unwrap()
    }

    /// Variables of a PC with Secure Boot on that trusts what this authority vouches for, and nothing
    /// else.
    pub(crate) fn variables(&self) -> PathBuf {
        let certificate = fs::read(self.path("ca.der")).unwrap();
        let store = variables(fs::read(firmware("VARS", "")).unwrap(), &certificate);
        let path = self.path("variables.fd");
        fs::write(&path, store).unwrap();
        path
    }

    fn openssl(&self, verb: &str, args: &[&str]) -> Command {
        let mut openssl = Command::new("openssl");
        openssl.current_dir(self.folder.path()).arg(verb).args(args);
        openssl
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

/// UEFI specification, "EFI_CERT_X509_GUID".
const X509: [u8; 16] = guid(0xA5C0_59A1, 0x94E4, 0x4AA7, 0x87B5_AB15_5C2B_F072);
/// The same, "EFI_GLOBAL_VARIABLE".
const GLOBAL: [u8; 16] = guid(0x8BE4_DF61, 0x93CA, 0x11D2, 0xAA0D_00E0_9803_2B8C);
/// The same, "EFI_IMAGE_SECURITY_DATABASE_GUID".
const SECURITY: [u8; 16] = guid(0xD719_B2CB, 0x3D3A, 0x4596, 0xA3BC_DAD0_0E67_656F);

/// Adds a platform key, which turns Secure Boot on, and the keys that may change and start things,
/// all of them one certificate, to an empty store: a firmware volume of EDK II that begins with
/// its header, that of the variables, and the variables.
fn variables(mut store: Vec<u8>, certificate: &[u8]) -> Vec<u8> {
    const VOLUME_HEADER_LEN_AT: usize = 0x30;
    const STORE_HEADER_LEN: usize = 28;
    const VARIABLE: u16 = 0x55AA;
    const ADDED: u8 = 0x3F;
    // Kept, for boot and run time, and changed with a signature that has a time.
    const ATTRIBUTES: u32 = 0x27;
    let mut keys = X509.to_vec();
    keys.extend(u32::try_from(44 + certificate.len()).unwrap().to_le_bytes());
    keys.extend(0_u32.to_le_bytes());
    keys.extend(u32::try_from(16 + certificate.len()).unwrap().to_le_bytes());
    // Of an owner without a name.
    keys.extend([0; 16]);
    keys.extend(certificate);
    let header = &store[VOLUME_HEADER_LEN_AT..VOLUME_HEADER_LEN_AT + 2];
    let mut at = usize::from(u16::from_le_bytes([header[0], header[1]])) + STORE_HEADER_LEN;
    for (name, space) in [("PK", GLOBAL), ("KEK", GLOBAL), ("db", SECURITY)] {
        let name: Vec<u8> =
            name.encode_utf16().chain([0]).flat_map(|unit| unit.to_le_bytes()).collect();
        let mut variable = VARIABLE.to_le_bytes().to_vec();
        variable.extend([ADDED, 0]);
        variable.extend(ATTRIBUTES.to_le_bytes());
        // A counter, a time and the index of a key, as nobody has changed it yet.
        variable.extend([0; 8 + 16 + 4]);
        variable.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        variable.extend(u32::try_from(keys.len()).unwrap().to_le_bytes());
        variable.extend(space);
        variable.extend(name);
        variable.extend(&keys);
        let place = &mut store[at..at + variable.len()];
        assert!(place.iter().all(|&byte| byte == 0xFF), "the store is not empty at {at:#X}");
        place.copy_from_slice(&variable);
        at += variable.len().next_multiple_of(4);
    }
    store
}

const fn guid(a: u32, b: u16, c: u16, d: u64) -> [u8; 16] {
    let [a0, a1, a2, a3] = a.to_le_bytes();
    let [b0, b1] = b.to_le_bytes();
    let [c0, c1] = c.to_le_bytes();
    let [d0, d1, d2, d3, d4, d5, d6, d7] = d.to_be_bytes();
    [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7]
}
