//! Web servers that refuse one thing and not another, trickle, or are waited for in vain.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dp_content::{AccessError, AccessKind, AccessOptions, HttpTransport, Transport as _};
use media_model::ContentLocation;
use tempfile::TempDir;

use crate::fake_dp::{Answer, FakeDp, Fault, Options, Rule};
use crate::fake_tls::Authority;
use crate::http::{FILE, path, serve, transport};
use crate::http_login::{ntlm, options, tried};
use crate::library_fixture::LibraryFixture;

/// A distribution point over HTTPS, and options that trust it.
fn over_tls(options: AccessOptions) -> (TempDir, FakeDp, AccessOptions) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let root = dir.path().join("SCCMContentLib");
    let _ = LibraryFixture::new(&root).package("PS100005", 3, &[("boot.PS100005.wim", b"wim")]);
    let dp = FakeDp::new(Options { tls: Some(authority.server()), ..Options::new(root) });
    (dir, dp, options.with_ca_file(ca_file))
}

fn slow_server(turn: impl Fn() -> Vec<u8> + Send + 'static, start: &'static [u8]) -> HttpTransport {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(start).unwrap();
        // Until the client has enough of it.
        while socket.write_all(&turn()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let ContentLocation::Http(location) = ContentLocation::new(&url).unwrap() else { panic!() };
    let options = AccessOptions::new().with_read_timeout(Duration::from_millis(400));
    HttpTransport::new(&location, &options).unwrap()
}

#[test]
fn a_trickle_is_a_stall() {
    let started = Instant::now();
    // In the head, whose every byte comes in time.
    let http = slow_server(|| b"x".to_vec(), b"HTTP/1.1 200 OK\r\nX: ");
    let error = http.read(&path(FILE), 100).unwrap_err();
    assert!(matches!(error.kind(), AccessKind::Stalled { .. }), "{error}");
    // In a small body, and in a file.
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let http = slow_server(|| b"x".to_vec(), head);
    let error = http.read(&path(FILE), 1 << 20).unwrap_err();
    assert!(matches!(error.kind(), AccessKind::Stalled { .. }), "{error}");
    let http = slow_server(|| b"x".to_vec(), head);
    let mut bytes = Vec::new();
    let mut reader = http.open(&path(FILE), 0..100_000, 100_000).unwrap();
    let error = AccessError::of_io("", &reader.read_to_end(&mut bytes).unwrap_err());
    assert!(matches!(error.kind(), AccessKind::Stalled { .. }), "{error}");
    assert!(error.is_transient() && !bytes.is_empty());
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    // A slow line is none, nor is a slow consumer of it.
    let http = slow_server(|| vec![b'x'; 1000], head);
    let mut reader = http.open(&path(FILE), 0..100_000, 100_000).unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    thread::sleep(Duration::from_secs(1));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), 99_000);
}

#[test]
fn a_list_that_is_forbidden_says_nothing_of_certificates() {
    let (_dir, dp, options) = over_tls(AccessOptions::new());
    dp.options().listing = Err(403);
    // The very first question; PROPFIND opens.
    let http = transport(&dp, &options);
    assert_eq!(http.list(&path("PS100005.3")).unwrap().len(), 1);
    // As long as nothing has opened it may be that.
    dp.options().propfind = Err(405);
    let http = transport(&dp, &options);
    let error = http.list(&path("PS100005.3")).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::NeedsCertificate);
    // But then it is not.
    assert!(http.read(&path("PkgLib/PS100005.INI"), 1000).is_ok());
    let error = http.list(&path("PS100005.3")).unwrap_err();
    assert!(matches!(error.kind(), AccessKind::Denied(_)), "{error}");
    assert_eq!(http.signature_names("PS100005.3").unwrap().len(), 1);
    // Unless it is said.
    let page = Answer { status: 403, headers: Vec::new(), body: b"403.7 - Forbidden".to_vec() };
    dp.on(Rule::path("x"), Fault::Answer(Arc::new(move |_| Some(page.clone()))));
    assert_eq!(*http.read(&path("x"), 9).unwrap_err().kind(), AccessKind::NeedsCertificate);
}

#[test]
fn the_other_door_says_nothing_where_the_login_worked() {
    let (_dir, dp, options) = over_tls(options());
    let usual = |request: &crate::fake_dp::Request| request.path.starts_with("SMS_DP_SMSPKG$");
    let closed = Fault::Answer(Arc::new(move |request| {
        usual(request).then(|| Answer { status: 503, headers: Vec::new(), body: Vec::new() })
    }));
    dp.on(Rule::path("PkgLib/PS100009.INI"), closed);
    dp.on(Rule::all(), ntlm("NTLM", true));
    let http = transport(&dp, &options);
    for _ in 0..2 {
        let error = http.read(&path("PkgLib/PS100009.INI"), 1000).unwrap_err();
        assert_eq!(*error.kind(), AccessKind::NotFound, "{error}");
        assert!(error.what().contains("NOCERT_"), "{error}");
    }
    assert!(http.read(&path("PkgLib/PS100005.INI"), 1000).is_ok());
    assert_eq!(tried(&dp.authorizations()), 1);
}

#[test]
fn who_waits_is_told_to_stop() {
    for fault in [Fault::StallAtOnce, Fault::Stall { after: 1000 }] {
        let served = serve();
        served.dp.on(Rule::path(FILE), fault);
        let cancelled = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&cancelled);
        let options = AccessOptions::new().with_cancelled(move || asked.load(Ordering::Relaxed));
        let http = transport(&served.dp, &options);
        let started = Instant::now();
        let later = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            cancelled.store(true, Ordering::Relaxed);
        });
        let len = u64::try_from(served.bytes.len()).unwrap();
        let error = match http.open(&path(FILE), 0..len, len) {
            Ok(mut reader) => {
                AccessError::of_io("", &reader.read_to_end(&mut Vec::new()).unwrap_err())
            }
            Err(error) => error,
        };
        assert_eq!(*error.kind(), AccessKind::Cancelled);
        assert!(!error.is_transient());
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        later.join().unwrap();
    }
}

#[test]
fn who_connects_is_told_to_stop() {
    let (_dir, _dp, options) = over_tls(AccessOptions::new());
    // It takes connections and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let ContentLocation::Http(location) = ContentLocation::new(&url).unwrap() else { panic!() };
    let started = Instant::now();
    let options = options.with_cancelled(move || started.elapsed() > Duration::from_millis(200));
    let http = HttpTransport::new(&location, &options).unwrap();
    let error = http.read(&path(FILE), 100).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(silent);
}

#[test]
fn turns_lose_no_bytes() {
    let (_dir, dp, options) = over_tls(AccessOptions::new().with_cancelled(|| false));
    // A stall of several turns in the middle of an answer, by the rate.
    dp.options().rate = Some(4);
    let http = transport(&dp, &options);
    let file = path("PS100005.3/boot.PS100005.wim");
    assert_eq!(http.read(&file, 100).unwrap(), b"wim");
    dp.options().delay = Duration::from_millis(700);
    assert_eq!(http.read(&file, 100).unwrap(), b"wim");
}

#[test]
fn signatures_are_not_unpacked() {
    let served = serve();
    let headers = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
    let answer = Answer { status: 200, headers, body: b"x".to_vec() };
    served
        .dp
        .on(Rule::path("PS100001.2.tar"), Fault::Answer(Arc::new(move |_| Some(answer.clone()))));
    let http = transport(&served.dp, &AccessOptions::new());
    let error = http.signature_names("PS100001.2").unwrap_err();
    assert!(error.to_string().contains("encodes"), "{error}");
}

#[test]
fn files_that_are_no_certificates_are_named_with_their_option() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("pw");
    std::fs::write(&text, "secret").unwrap();
    let ContentLocation::Http(location) = ContentLocation::new("https://dp").unwrap() else {
        panic!()
    };
    for options in [
        AccessOptions::new().with_ca_file(&text),
        AccessOptions::new().with_ca_file(dir.path().join("nosuch")),
        AccessOptions::new().with_client_certificate(&text).with_ca_file({
            let ca_file = dir.path().join("ca.pem");
            std::fs::write(&ca_file, Authority::new().pem()).unwrap();
            ca_file
        }),
    ] {
        let error = HttpTransport::new(&location, &options).unwrap_err();
        assert!(matches!(error.kind(), AccessKind::Unusable(_)), "{error}");
        let option = options.client_certificate().map_or("--ca-file ", |_| "--client-certificate ");
        let text = error.to_string();
        assert!(text.starts_with(option) && !text.contains("secret"), "{text}");
    }
}
