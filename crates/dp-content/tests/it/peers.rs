//! The servers that `cargo xtask oracles` starts for the ignored tests: Samba, nginx and Apache on
//! the loopback, one account, folders that tests put their own packages into.
//!
//! `CAPMEDIA_PEERS` names the folder of the run. In it:
//!
//! | path | is |
//! |---|---|
//! | `peers.txt` | lines `key=value`: `nginx`, `https`, `apache`, `smb` (`127.0.0.1:port`), `domain`, `user`, `password` |
//! | `ca.pem`, `client.pem` | the authority that signed nginx's certificate for `127.0.0.1`, and a client's with its key |
//! | `library/` | the share `SCCMContentLib$` (`PkgLib`, `DataLib`, `FileLib`); `Denied$` is the same, closed to the account |
//! | `library-d/` | the share `SCCMContentLibD$`: the second drive's `FileLib` |
//! | `smspkg/` | the share `SMSPKGC$`: expanded packages |
//! | `web/` | the document root of nginx and Apache: `SMS_DP_SMSPKG$/...`, `NOCERT_SMS_DP_SMSPKG$/...` |
//!
//! Tests run at the same time, so each takes package ids that no other has:
//!
//! ```text
//! let peers = Peers::require();
//! peers.add_package("SMB00001", 3, &[("boot.SMB00001.wim", &bytes)]);
//! .. peers.smb_url(), peers.account(), peers.password() ..
//! ```
//!
//! Needs `library_fixture.rs` as a module beside it, and nothing else but std, so that tests of other
//! crates can take both in with `#[path]`.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::library_fixture::{Files, LibraryFixture};

/// The running servers.
pub(crate) struct Peers {
    root: PathBuf,
    facts: BTreeMap<String, String>,
}

impl Peers {
    /// The servers of this run.
    ///
    /// # Panics
    /// When there are none: a test that needs them must not pass without them.
    pub(crate) fn require() -> Self {
        let root = std::env::var_os("CAPMEDIA_PEERS").map(PathBuf::from).expect(
            "CAPMEDIA_PEERS is not set: run `cargo xtask oracles`, which starts the servers",
        );
        let facts = root.join("peers.txt");
        let text = fs::read_to_string(&facts).unwrap_or_else(|error| {
            panic!("{}: {error}: the servers of CAPMEDIA_PEERS have ended", facts.display())
        });
        let facts = text.lines().filter_map(|line| line.split_once('='));
        let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { root, facts }
    }

    fn fact(&self, key: &str) -> &str {
        self.facts.get(key).unwrap_or_else(|| panic!("peers.txt has no {key}"))
    }

    /// nginx: anonymous, lists folders, answers PROPFIND of depth 0 and 1.
    pub(crate) fn nginx_url(&self) -> String {
        format!("http://{}", self.fact("nginx"))
    }

    /// The same files at 5 MiB/s a connection.
    pub(crate) fn nginx_slow_url(&self) -> String {
        self.nginx_url() + "/slow"
    }

    /// The same files for those who log in with Basic; lists, answers PROPFIND.
    pub(crate) fn nginx_basic_url(&self) -> String {
        self.nginx_url() + "/basic"
    }

    /// The same files from a server that knows no ranges: it answers 200 and the whole file.
    pub(crate) fn nginx_no_ranges_url(&self) -> String {
        self.nginx_url() + "/noranges"
    }

    /// nginx over TLS 1.2 and 1.3, certificate for `127.0.0.1` by [`ca_file`](Self::ca_file):
    /// `SMS_DP_SMSPKG$` is for clients that show [`client_certificate`](Self::client_certificate), 403
    /// for others; `NOCERT_SMS_DP_SMSPKG$` has the same files for those who log in with Basic.
    pub(crate) fn https_url(&self) -> String {
        format!("https://{}", self.fact("https"))
    }

    /// The authority, PEM.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.root.join("ca.pem")
    }

    /// Certificate and key, PEM.
    pub(crate) fn client_certificate(&self) -> PathBuf {
        self.root.join("client.pem")
    }

    /// Apache: NTLM and Negotiate with raw NTLM, bound to the connection; lists, PROPFIND.
    pub(crate) fn apache_url(&self) -> String {
        format!("http://{}", self.fact("apache"))
    }

    /// Samba: SMB 2.1 to 3.1.1, signing mandatory, NTLMv2 only.
    pub(crate) fn smb_url(&self) -> String {
        format!("smb://{}", self.fact("smb"))
    }

    /// Samba's `127.0.0.1:port`.
    pub(crate) fn smb_address(&self) -> &str {
        self.fact("smb")
    }

    /// The account's domain.
    pub(crate) fn domain(&self) -> &str {
        self.fact("domain")
    }

    /// The account's name, without its domain.
    pub(crate) fn user(&self) -> &str {
        self.fact("user")
    }

    /// `DOMAIN\name`.
    pub(crate) fn account(&self) -> String {
        format!(r"{}\{}", self.domain(), self.user())
    }

    /// The account's password, another one in each run.
    pub(crate) fn password(&self) -> &str {
        self.fact("password")
    }

    /// The content library: what is put here, Samba serves.
    pub(crate) fn library(&self) -> PathBuf {
        self.root.join("library")
    }

    /// The library on the second drive.
    pub(crate) fn library_d(&self) -> PathBuf {
        self.root.join("library-d")
    }

    /// The share of expanded packages.
    pub(crate) fn smspkg(&self) -> PathBuf {
        self.root.join("smspkg")
    }

    /// What the web servers serve.
    pub(crate) fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// Puts a package where all servers serve it: into the library, and on the web with the library
    /// beside it. Bytes lie once on the disk.
    pub(crate) fn add_package(&self, id: &str, version: u64, files: Files<'_>) {
        let fixture = self.unpublished(id).package(id, version, files);
        self.publish(&fixture);
    }

    /// A library that no server serves yet, on the same file system; `name` is unique.
    pub(crate) fn unpublished(&self, name: &str) -> LibraryFixture {
        LibraryFixture::new(self.root.join("unpublished").join(name))
    }

    /// Serves what a library holds, as it is now, damage included. Other tests do the same with
    /// theirs: equal files are stored once, so damage only bytes that no other test has. What is to be
    /// missing is taken away from the served library, afterwards.
    pub(crate) fn publish(&self, fixture: &LibraryFixture) {
        link_all(fixture.root(), &self.library());
        for name in ["SMS_DP_SMSPKG$", "NOCERT_SMS_DP_SMSPKG$"] {
            let web = self.web().join(name);
            link_all(fixture.root(), &web);
            // What was damaged is so under its name, too.
            fixture.expand(&web, str::to_owned);
        }
    }

    /// Serves the files of a library by their names in the share of expanded packages, a folder
    /// for each package.
    pub(crate) fn publish_expanded(&self, fixture: &LibraryFixture) {
        let package = |id: &str| id.split_once('.').map_or(id, |(package, _)| package).to_owned();
        fixture.expand(&self.smspkg(), package);
    }
}

/// Links every file below `from` to the same place below `to`. One that is there already is the same
/// file: its name is its hash, or belongs to one test.
fn link_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            link_all(&entry.path(), &target);
        } else if let Err(error) = fs::hard_link(entry.path(), &target) {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", target.display());
        }
    }
}
