//! Real web servers: nginx and Apache with GSSAPI, started by `cargo xtask oracles`.

use std::io::Read as _;

use dp_content::{AccessKind, AccessOptions, Credentials, HttpTransport, Password, Transport as _};
use media_model::ContentLocation;

use crate::http::path;
use crate::peers::Peers;

fn transport(url: &str, options: &AccessOptions) -> HttpTransport {
    match ContentLocation::new(url).unwrap() {
        ContentLocation::Http(location) => HttpTransport::new(&location, options).unwrap(),
        other => panic!("{other}"),
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from((i ^ (i >> 9)) & 0xff).unwrap()).collect()
}

/// Lists, reads and reads ranges of a package that is put there.
fn behaves(http: &HttpTransport, id: &str, file: &[u8], lists: bool) {
    let content = format!("{id}.1");
    if lists {
        let mut names: Vec<_> =
            http.list(&path(&content)).unwrap().into_iter().map(|entry| entry.name).collect();
        names.sort();
        assert_eq!(names, ["boot.wim", "x64"]);
        let deeper = http.list(&path(&format!("{content}/x64"))).unwrap();
        assert_eq!(deeper[0].name, "a b#c%.txt");
        let missing = http.list(&path(&format!("{content}/none"))).unwrap_err();
        assert_eq!(*missing.kind(), AccessKind::NotFound);
    }
    let odd = path(&format!("{content}/x64/a b#c%.txt"));
    assert_eq!(http.read(&odd, 5).unwrap(), b"hello");
    let len = u64::try_from(file.len()).unwrap();
    let boot = path(&format!("{content}/boot.wim"));
    for (start, end) in [(0, file.len()), (100, 200), (file.len() - 5, file.len())] {
        let range = u64::try_from(start).unwrap()..u64::try_from(end).unwrap();
        let mut got = Vec::new();
        http.open(&boot, range, len).unwrap().read_to_end(&mut got).unwrap();
        assert!(got == file[start..end], "{start}..{end}");
    }
    let longer = http.open(&boot, 0..10, len + 1).err().unwrap();
    assert_eq!(*longer.kind(), AccessKind::Length { expected: len + 1, found: len });
}

#[test]
#[ignore = "needs nginx"]
fn nginx() {
    let peers = Peers::require();
    let file = bytes(3 << 20);
    peers.add_package("HTT00001", 1, &[("boot.wim", &file), ("x64/a b#c%.txt", b"hello")]);
    let options = AccessOptions::new();
    behaves(&transport(&peers.nginx_url(), &options), "HTT00001", &file, true);
    behaves(&transport(&peers.nginx_no_ranges_url(), &options), "HTT00001", &file, false);
    // Basic is not done: it would show the password to everyone on the way.
    let account = Credentials::new(&peers.account(), Password::new(peers.password()));
    let basic = transport(&peers.nginx_basic_url(), &options.with_credentials(account));
    let error = basic.list(&path("HTT00001.1")).unwrap_err();
    assert!(matches!(error.kind(), AccessKind::Denied(_)), "{error}");
}

#[test]
#[ignore = "needs nginx"]
fn nginx_with_certificates() {
    let peers = Peers::require();
    let file = bytes(100_000);
    peers.add_package("HTT00002", 1, &[("boot.wim", &file), ("x64/a b#c%.txt", b"hello")]);
    let trusted = AccessOptions::new().with_ca_file(peers.ca_file());
    let url = peers.https_url();
    let shown = trusted.clone().with_client_certificate(peers.client_certificate());
    behaves(&transport(&url, &shown), "HTT00002", &file, true);
    let odd = path("HTT00002.1/boot.wim");
    let error = transport(&url, &trusted).read(&odd, 1 << 20).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::NeedsCertificate);
    // The door for accounts is tried first; it wants Basic here, so the certificate counts.
    let account = Credentials::new(&peers.account(), Password::new(peers.password()));
    let both = transport(&url, &shown.with_credentials(account));
    assert_eq!(both.read(&odd, 1 << 20).unwrap(), file);
    // Somebody else's authority.
    let error = transport(&url, &AccessOptions::new()).read(&odd, 1 << 20).unwrap_err();
    assert!(matches!(error.kind(), AccessKind::Tls(_)), "{error}");
    assert!(error.to_string().contains("--ca-file"), "{error}");
}

#[test]
#[ignore = "needs apache"]
fn apache_with_ntlm() {
    let peers = Peers::require();
    let file = bytes(3 << 20);
    peers.add_package("HTT00003", 1, &[("boot.wim", &file), ("x64/a b#c%.txt", b"hello")]);
    let url = peers.apache_url();
    let login = |password: &str| {
        let account = Credentials::new(&peers.account(), Password::new(password));
        transport(&url, &AccessOptions::new().with_credentials(account))
    };
    behaves(&login(peers.password()), "HTT00003", &file, true);
    let file = path("HTT00003.1/boot.wim");
    let error = login("wrong").read(&file, 1 << 22).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::WrongPassword);
    let error = transport(&url, &AccessOptions::new()).read(&file, 1 << 22).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::NeedsCredentials);
}
