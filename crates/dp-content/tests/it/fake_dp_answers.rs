//! The fake distribution point answers as the reference says a real one does (2.2, 2.3), and its
//! faults are the ones asked for. The client here knows nothing but sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use dp_content::{ContentPath, fuzzing};

use crate::fake_dp::{FakeDp, Fault, Links, Options, Rule};
use crate::library_fixture::LibraryFixture;

const CONTENT: &str = "/SMS_DP_SMSPKG$/PS100001.2";

fn fixture(folder: &Path) -> LibraryFixture {
    LibraryFixture::new(folder.join("SCCMContentLib")).package_with_folders(
        "PS100001",
        2,
        &[
            ("ccmsetup.exe", b"0123456789"),
            ("i386/client.msi", b"client"),
            ("x64/a b#c%.txt", b"hello"),
            ("empty.txt", b""),
        ],
        &["none"],
    )
}

struct Got {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Got {
    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    fn has(&self, header: &str) -> bool {
        self.headers.to_lowercase().lines().any(|line| line == header.to_lowercase())
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(dp: &FakeDp) -> Self {
        let socket = TcpStream::connect(dp.authority()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(socket))
    }

    /// `None` when not even a status line comes. A body that ends early is given as far as it came.
    fn ask(&mut self, method: &str, target: &str, headers: &str) -> Option<Got> {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: dp\r\n{headers}\r\n");
        self.0.get_mut().write_all(request.as_bytes()).ok()?;
        let mut status = String::new();
        if self.0.read_line(&mut status).ok()? == 0 {
            return None;
        }
        let mut headers = String::new();
        while self.0.read_line(&mut headers).unwrap() > 2 {}
        let len = headers.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let len = if method == "HEAD" { 0 } else { len.map_or(u64::MAX, |n| n.parse().unwrap()) };
        let mut body = Vec::new();
        // It is cut, then.
        let _ = (&mut self.0).take(len).read_to_end(&mut body);
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Got { status, headers, body })
    }
}

fn get(dp: &FakeDp, target: &str, headers: &str) -> Got {
    Client::new(dp).ask("GET", target, headers).unwrap()
}

#[test]
fn files_by_every_address() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = fixture(folder.path());
    let dp = FakeDp::new(Options::new(fixture.root()));
    let mut client = Client::new(&dp);
    for target in [
        format!("{CONTENT}/ccmsetup.exe"),
        "/sms_dp_smspkg%24/ps100001.2/CCMSETUP.exe".to_owned(),
        "/NOCERT_SMS_DP_SMSPKG$/PS100001/ccmsetup.exe".to_owned(),
        format!("http://other{CONTENT}/ccmsetup.exe?query"),
    ] {
        let got = client.ask("GET", &target, "").unwrap();
        assert_eq!((got.status, got.text()), (200, "0123456789"), "{target}");
    }
    let stored = fixture.stored(b"0123456789");
    let hash = stored.file_name().unwrap().to_str().unwrap();
    let target = format!("/SMS_DP_SMSPKG$/FileLib/{}/{hash}", &hash[..4]);
    assert_eq!(client.ask("GET", &target, "").unwrap().text(), "0123456789");
    let target = format!("{CONTENT}/x64/a%20b%23c%25.txt");
    assert_eq!(client.ask("GET", &target, "").unwrap().text(), "hello");
    let ini = client.ask("GET", "/SMS_DP_SMSPKG$/DataLib/PS100001.2/ccmsetup.exe.INI", "").unwrap();
    assert!(ini.text().starts_with("[File]\r\nAttributes=00000020\r\nSize=10\r\n"));
    let ini = client.ask("GET", "/SMS_DP_SMSPKG$/PkgLib/PS100001.INI", "").unwrap();
    assert_eq!(ini.text(), "[Packages]\r\nPS100001.2=\r\n");
    for target in ["/SMS_DP_SMSPKG$", "/SMS_DP_SMSPKG$/", "/x", "/SMS_DP_SMSPKG$/PS100009"] {
        assert_eq!(client.ask("GET", target, "").unwrap().status, 404, "{target}");
    }
    let head = client.ask("HEAD", &format!("{CONTENT}/ccmsetup.exe"), "").unwrap();
    assert!(head.has("Content-Type: application/octet-stream") && head.has("Content-Length: 10"));
    assert!(client.ask("HEAD", CONTENT, "").unwrap().has("Content-Length: 0"));
    assert_eq!(dp.connections(), 1);
    assert_eq!(dp.requests("ccmsetup.exe"), 5);
    assert_eq!(dp.sent("ccmsetup.exe"), 40);
}

#[test]
fn listings_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let dp = FakeDp::new(Options::new(fixture(folder.path()).root()));
    let page = get(&dp, "/SMS_DP_SMSPKG$/PS100001", "");
    let row = "4/ 5/2023  8:24 pm               10 <a \
               href=\"http://dp/SMS_DP_SMSPKG$/PS100001.2/ccmsetup.exe\">";
    assert!(page.text().contains(row), "{}", page.text());
    let row = "4/13/2024  8:40 pm            &lt;dir&gt <a \
               href=\"http://dp/SMS_DP_SMSPKG$/PS100001.2/i386\">";
    assert!(page.text().contains(row), "{}", page.text());

    dp.options().backslash = true;
    let page = get(&dp, "/SMS_DP_SMSPKG$/Datalib", "");
    let row = "              100 <a href=\"http://dp/SMS_DP_SMSPKG$/Datalib\\PS100001.2.INI\">";
    assert!(page.text().contains(row), "{}", page.text());
    assert_eq!(get(&dp, "/SMS_DP_SMSPKG$/Datalib/PS100001.2", "").text(), page.text());

    dp.options().links = Links::Encoded;
    let page = get(&dp, &format!("{CONTENT}/x64"), "");
    assert!(page.text().contains(r"PS100001.2/x64\a%20b%23c%25.txt"), "{}", page.text());
    dp.on(Rule::path("x64"), Fault::Rows("a row".to_owned()));
    assert!(get(&dp, &format!("{CONTENT}/x64"), "").text().contains("a row</pre>"));
    dp.options().listing = Err(403);
    assert_eq!(get(&dp, CONTENT, "").status, 403);
}

#[test]
fn multistatus_and_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let dp = FakeDp::new(Options::new(fixture(folder.path()).root()));
    let mut client = Client::new(&dp);
    let got = client.ask("PROPFIND", CONTENT, "Depth: 1\r\n").unwrap();
    assert_eq!(got.status, 207);
    assert_eq!(got.text().matches("<D:response>").count(), 6, "{}", got.text());
    assert!(got.text().contains("<D:getcontentlength>10</D:getcontentlength>"));
    assert_eq!(client.ask("PROPFIND", CONTENT, "Depth: infinity\r\n").unwrap().status, 403);
    dp.options().propfind = Err(405);
    assert_eq!(client.ask("PROPFIND", CONTENT, "Depth: 1\r\n").unwrap().status, 405);

    let tar = client.ask("GET", "/SMS_DP_SMSSIG$/PS100001.2.tar", "").unwrap().body;
    assert_eq!(tar.len(), 4 * 1024 + 1024);
    assert!(tar.starts_with(b"ccmsetup.exe\0"));
    assert!(tar[2048..].starts_with(b"i386\\client.msi\0"));
    dp.options().signatures = false;
    assert_eq!(client.ask("GET", "/SMS_DP_SMSSIG$/PS100001.2.tar", "").unwrap().status, 404);
}

#[test]
fn parsers_read_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let dp = FakeDp::new(Options::new(fixture(folder.path()).root()));
    let entry = |name: &str, len: Option<u64>| (name.to_owned(), len.is_none(), len);
    let top = [
        entry("ccmsetup.exe", Some(10)),
        entry("empty.txt", Some(0)),
        entry("i386", None),
        entry("none", None),
        entry("x64", None),
    ];
    let deep = [entry("a b#c%.txt", Some(5))];
    let data = [entry("PS100001.2", None), entry("PS100001.2.INI", Some(100))];
    for (links, backslash) in
        [(Links::Raw, false), (Links::Raw, true), (Links::Encoded, false), (Links::Encoded, true)]
    {
        dp.options().links = links;
        dp.options().backslash = backslash;
        for (path, expected) in [
            ("PS100001.2", &top[..]),
            ("ps100001.2/x64", &deep),
            ("Datalib", &data),
            ("PS100001.2/none", &[]),
        ] {
            let target = format!("/SMS_DP_SMSPKG$/{path}");
            let path = ContentPath::new(path).unwrap();
            let html = get(&dp, &target, "").body;
            let xml = Client::new(&dp).ask("PROPFIND", &target, "Depth: 1\r\n").unwrap().body;
            for entries in [
                fuzzing::listing(&html, "SMS_DP_SMSPKG$", &path).unwrap(),
                fuzzing::multistatus(&xml, "SMS_DP_SMSPKG$", &path).unwrap(),
            ] {
                let found: Vec<_> =
                    entries.into_iter().map(|e| (e.name, e.is_folder, e.len)).collect();
                assert_eq!(found, expected, "{target}");
            }
        }
    }
    let tar = get(&dp, "/SMS_DP_SMSSIG$/PS100001.2.tar", "").body;
    let names = fuzzing::signature_names(&*tar).unwrap();
    let names: Vec<_> = names.iter().map(ContentPath::as_str).collect();
    assert_eq!(names, ["ccmsetup.exe", "empty.txt", "i386/client.msi", "x64/a b#c%.txt"]);
}

#[test]
fn ranges() {
    let folder = tempfile::tempdir().unwrap();
    let dp = FakeDp::new(Options::new(fixture(folder.path()).root()));
    let mut client = Client::new(&dp);
    let target = format!("{CONTENT}/ccmsetup.exe");
    let whole = client.ask("GET", &target, "").unwrap();
    let etag = whole.headers.lines().find_map(|line| line.strip_prefix("ETag: ")).unwrap();
    let good = format!("If-Range: {etag}\r\n");
    for (range, headers, status, body) in [
        ("3-5", "", 206, "345"),
        ("7-", "", 206, "789"),
        ("-2", "", 206, "89"),
        ("8-99", "", 206, "89"),
        ("3-5", &*good, 206, "345"),
        ("3-5", "If-Range: \"other\"\r\n", 200, "0123456789"),
        ("0-1,4-5", "", 200, "0123456789"),
    ] {
        let headers = format!("Range: bytes={range}\r\n{headers}");
        let got = client.ask("GET", &target, &headers).unwrap();
        assert_eq!((got.status, got.text()), (status, body), "{headers}");
    }
    let got = client.ask("GET", &target, "Range: bytes=10-\r\n").unwrap();
    assert!(got.status == 416 && got.has("Content-Range: bytes */10"));
    let got = client.ask("GET", &target, "Range: bytes=3-5\r\n").unwrap();
    assert!(got.has("Content-Range: bytes 3-5/10"));
    dp.options().ranges = false;
    assert_eq!(client.ask("GET", &target, "Range: bytes=3-5\r\n").unwrap().status, 200);
    assert_eq!(dp.connections(), 1);
}

#[test]
fn faults_are_those_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let dp = FakeDp::new(Options::new(fixture(folder.path()).root()));
    let target = format!("{CONTENT}/ccmsetup.exe");
    let rule = || Rule::path("CCMSETUP.EXE");
    let range = "Range: bytes=2-7\r\n";
    for (fault, headers, status, body) in [
        (Fault::Cut { after: 4 }, "", 200, "0123"),
        (Fault::Cut { after: 4 }, range, 206, "2345"),
        (Fault::Flip { offset: 3 }, range, 206, "2s4567"),
        (Fault::Shorter { by: 3 }, "", 200, "0123456"),
        (Fault::Longer { by: 2 }, "", 200, "0123456789\0\0"),
        (Fault::ShortBody { by: 1 }, range, 206, "23456"),
        (Fault::LongBody { by: 2 }, range, 206, "23456789"),
        (Fault::IgnoreRange, range, 200, "0123456789"),
        (Fault::ShiftRange { by: 1 }, range, 206, "345678"),
        (Fault::NoLength, "", 200, "0123456789"),
        (Fault::Page(b"page".to_vec()), range, 200, "page"),
        (Fault::Delay(Duration::from_millis(1)), range, 206, "234567"),
    ] {
        dp.heal();
        dp.on(rule(), fault);
        let got = get(&dp, &target, headers);
        assert_eq!((got.status, got.text()), (status, body));
    }
    dp.heal();
    dp.on(rule(), Fault::Etag("\"new\"".to_owned()));
    assert!(get(&dp, &target, "").has("ETag: \"new\""));
    dp.on(rule().nth(1..=2), Fault::Status(500));
    dp.on(rule().method("HEAD"), Fault::Close);
    let statuses = [(); 4].map(|()| get(&dp, &target, "").status);
    assert_eq!(statuses, [200, 500, 500, 200]);
    assert!(Client::new(&dp).ask("HEAD", &target, "").is_none());
    let headers = vec![("WWW-Authenticate".to_owned(), "NTLM".to_owned())];
    dp.on(Rule::all(), Fault::StatusWith(401, headers));
    assert!(get(&dp, &target, "Authorization: NTLM TlRM\r\n").has("WWW-Authenticate: NTLM"));
    assert_eq!(dp.authorizations(), ["NTLM TlRM"]);
}

#[test]
fn connections_and_servers_end() {
    let folder = tempfile::tempdir().unwrap();
    let dp = FakeDp::new(Options::new(fixture(folder.path()).root()));
    let target = format!("{CONTENT}/ccmsetup.exe");
    dp.on(Rule::all(), Fault::CutConnection { after: 25 });
    let mut client = Client::new(&dp);
    let lengths = [(); 3].map(|()| client.ask("GET", &target, "").unwrap().body.len());
    assert_eq!(lengths, [10, 10, 5]);
    dp.heal();

    dp.on(Rule::all(), Fault::Stall { after: 4 });
    let mut client = Client::new(&dp);
    client.0.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(client.ask("GET", &target, "").unwrap().body, b"0123");
    dp.heal();

    dp.die_after(23);
    let lengths = [(); 3].map(|()| get(&dp, &target, "").body.len());
    assert_eq!(lengths, [10, 10, 3]);
    assert!(TcpStream::connect(dp.authority()).is_err());
    dp.die();
}
