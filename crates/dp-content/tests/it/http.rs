//! The web server of a distribution point that behaves, and that does not.

use std::io::Read as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dp_content::{
    AccessError, AccessKind, AccessOptions, ContentPath, HttpTransport, Library, Location as _,
    Transport as _,
};
use media_model::{ContentLocation, PackageId};
use tempfile::TempDir;

use crate::fake_dp::{FakeDp, Fault, Options, Rule};
use crate::library_fixture::LibraryFixture;

/// A distribution point, and the file of 100,000 bytes that most tests read.
pub(crate) struct Served {
    _dir: TempDir,
    pub(crate) dp: FakeDp,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) const FILE: &str = "PS100005.3/boot.PS100005.wim";
const LEN: u64 = 100_000;

pub(crate) fn serve() -> Served {
    serve_bytes(pattern(100_000))
}

fn serve_bytes(bytes: Vec<u8>) -> Served {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("SCCMContentLib");
    let _ = LibraryFixture::new(&root)
        .package("PS100005", 3, &[("boot.PS100005.wim", &bytes)])
        .package("PS100001", 2, &[("x64/a b#c%+ä.txt", b"hello"), ("empty.txt", b"")]);
    Served { _dir: dir, dp: FakeDp::new(Options::new(root)), bytes }
}

/// Bytes that tell where they stand.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from((i ^ (i >> 8) ^ (i >> 16)) & 0xff).unwrap()).collect()
}

pub(crate) fn transport(dp: &FakeDp, options: &AccessOptions) -> HttpTransport {
    match ContentLocation::new(&dp.url()).unwrap() {
        ContentLocation::Http(location) => HttpTransport::new(&location, options).unwrap(),
        other => panic!("{other}"),
    }
}

pub(crate) fn path(text: &str) -> ContentPath {
    ContentPath::new(text).unwrap()
}

/// Opens and reads to the end or the first error.
fn get(http: &HttpTransport, range: Range<u64>) -> (Vec<u8>, Option<AccessError>) {
    let mut bytes = Vec::new();
    let mut reader = match http.open(&path(FILE), range, LEN) {
        Ok(reader) => reader,
        Err(error) => return (bytes, Some(error)),
    };
    let end = reader.read_to_end(&mut bytes);
    (bytes, end.err().map(|error| AccessError::of_io("", &error)))
}

fn fault(http: &HttpTransport, range: Range<u64>) -> AccessKind {
    get(http, range).1.unwrap().kind().clone()
}

#[test]
fn files_and_ranges() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    assert_eq!(http.describe(), served.dp.url());
    let odd = path("PS100001.2/x64/a b#c%+ä.txt");
    assert_eq!(http.read(&odd, 5).unwrap(), b"hello");
    assert!(matches!(http.read(&odd, 4).unwrap_err().kind(), AccessKind::Malformed(_)));
    assert_eq!(http.read(&path("PS100001.2/empty.txt"), 0).unwrap(), b"");
    assert_eq!(*http.read(&path("PS100001.2/none"), 9).unwrap_err().kind(), AccessKind::NotFound);

    assert_eq!(get(&http, LEN + 5..LEN + 9), (Vec::new(), None));
    for range in [0..LEN, 0..1, 17..70_000, LEN - 1..LEN, 5..5] {
        let due = &served.bytes[usize::try_from(range.start).unwrap()..]
            [..usize::try_from(range.end - range.start).unwrap()];
        let (bytes, error) = get(&http, range.clone());
        assert_eq!((bytes.as_slice(), error), (due, None), "{range:?}");
    }
    let seen = served.dp.seen();
    assert!(seen.iter().all(|seen| seen.request.header("Accept-Encoding") == Some("identity")));
    let agent = seen[0].request.header("User-Agent").unwrap();
    assert!(agent.starts_with("capmedia/"), "{agent}");
    // One connection served all but the answer that was too long.
    assert!(served.dp.connections() <= 2, "{}", served.dp.connections());
}

#[test]
fn folders_by_page_or_propfind() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    let names = |folder: &str| -> Result<Vec<String>, AccessKind> {
        let entries = http.list(&path(folder)).map_err(|error| error.kind().clone())?;
        let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
        names.sort();
        Ok(names)
    };
    assert_eq!(names("PS100001.2").unwrap(), ["empty.txt", "x64"]);
    assert_eq!(names("PS100001.2/x64").unwrap(), ["a b#c%+ä.txt"]);
    assert_eq!(names("PS100009.1"), Err(AccessKind::NotFound));
    assert!(served.dp.seen().iter().all(|seen| seen.request.method == "GET"));

    served.dp.options().listing = Err(403);
    assert_eq!(names("PS100001.2").unwrap(), ["empty.txt", "x64"]);
    served.dp.options().propfind = Err(405);
    assert!(matches!(names("PS100001.2"), Err(AccessKind::Denied(_))));
    served.dp.options().listing = Err(405);
    assert!(matches!(names("PS100001.2"), Err(AccessKind::Server { .. })));

    let signed = http.signature_names("PS100001.2").unwrap();
    assert!(signed.contains(&path("x64/a b#c%+ä.txt")), "{signed:?}");
    assert_eq!(*http.signature_names("PS1.9").unwrap_err().kind(), AccessKind::NotFound);
    assert!(http.signature_names("../x").is_err());
}

#[test]
fn connections_that_break() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    served.dp.on(Rule::path(FILE).nth(0..1), Fault::Cut { after: 30_000 });
    let (bytes, error) = get(&http, 0..LEN);
    assert_eq!(bytes, served.bytes[..bytes.len()]);
    assert!(bytes.len() <= 30_000);
    let error = error.unwrap();
    assert!(matches!(error.kind(), AccessKind::Lost(_)), "{error}");
    assert!(error.is_transient());
    // It goes on where it was.
    let (rest, error) = get(&http, 30_000..LEN);
    assert_eq!((rest.as_slice(), error), (&served.bytes[30_000..], None));

    served.dp.on(Rule::path(FILE).nth(0..2), Fault::Close);
    assert!(matches!(fault(&http, 0..LEN), AccessKind::Lost(_)));
    served.dp.die();
    assert!(matches!(fault(&http, 0..LEN), AccessKind::Unreachable(_) | AccessKind::Lost(_)));
}

#[test]
fn kept_connections_that_were_closed() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    get(&http, 0..10);
    // The server closes the kept connection when the next request comes: that is asked again.
    served.dp.on(Rule::path(FILE).nth(0..1), Fault::Close);
    assert_eq!(get(&http, 0..10), (served.bytes[..10].to_vec(), None));
    served.dp.options().keep_alive = false;
    for _ in 0..3 {
        assert_eq!(get(&http, 0..10).1, None);
    }
}

#[test]
fn silence() {
    let served = serve();
    let options = AccessOptions::new().with_read_timeout(Duration::from_millis(300));
    let http = transport(&served.dp, &options);
    served.dp.on(Rule::path(FILE), Fault::Stall { after: 1000 });
    let (bytes, error) = get(&http, 0..LEN);
    assert_eq!(bytes, served.bytes[..bytes.len()]);
    let error = error.unwrap();
    assert_eq!(*error.kind(), AccessKind::Stalled { seconds: 1 });
    assert!(error.is_transient());
    served.dp.heal();
    served.dp.on(Rule::path(FILE), Fault::StallAtOnce);
    assert_eq!(fault(&http, 0..LEN), AccessKind::Stalled { seconds: 1 });
}

#[test]
fn lengths_that_do_not_fit() {
    for (fault_given, range, due) in [
        (Fault::Shorter { by: 1 }, 0..LEN, Some(LEN - 1)),
        (Fault::Shorter { by: 1 }, 10..LEN, None),
        (Fault::Shorter { by: 1 }, 10..20, Some(LEN - 1)),
        (Fault::Longer { by: 1 }, 0..LEN, Some(LEN + 1)),
        (Fault::Longer { by: 7 }, 10..20, Some(LEN + 7)),
        (Fault::ShortBody { by: 3 }, 10..LEN, None),
        (Fault::LongBody { by: 3 }, 10..20, None),
        (Fault::ShiftRange { by: 2 }, 10..20, None),
    ] {
        let served = serve();
        let http = transport(&served.dp, &AccessOptions::new());
        served.dp.on(Rule::path(FILE), fault_given);
        let (bytes, error) = get(&http, range.clone());
        let start = usize::try_from(range.start).unwrap();
        assert_eq!(bytes, served.bytes[start..][..bytes.len()], "{range:?}");
        let kind = error.unwrap().kind().clone();
        match due {
            Some(found) => assert_eq!(kind, AccessKind::Length { expected: LEN, found }),
            None => assert!(
                matches!(
                    kind,
                    AccessKind::Malformed(_) | AccessKind::Length { .. } | AccessKind::Lost(_)
                ),
                "{range:?} {kind:?}"
            ),
        }
    }
}

#[test]
fn servers_without_ranges() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    served.dp.options().ranges = false;
    assert_eq!(get(&http, 60_000..60_100), (served.bytes[60_000..60_100].to_vec(), None));
    assert_eq!(get(&http, 0..LEN), (served.bytes.clone(), None));
    served.dp.options().ranges = true;
    served.dp.on(Rule::path(FILE), Fault::IgnoreRange);
    assert_eq!(get(&http, 99_999..LEN), (served.bytes[99_999..].to_vec(), None));
    served.dp.on(Rule::path(FILE), Fault::NoLength);
    assert_eq!(get(&http, 0..LEN), (served.bytes.clone(), None));
    served.dp.on(Rule::path(FILE), Fault::Cut { after: 99_990 });
    assert!(matches!(fault(&http, 0..LEN), AccessKind::Lost(_)));
}

#[test]
fn a_file_that_changes_midway() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    assert_eq!(get(&http, 0..10).1, None);
    served.dp.on(Rule::path(FILE), Fault::Etag("\"other\"".to_owned()));
    let error = get(&http, 10..LEN).1.unwrap();
    assert!(error.is_transient() && error.to_string().contains("changed"), "{error}");
    // The digest judges what is there now.
    assert_eq!(get(&http, 10..LEN), (served.bytes[10..].to_vec(), None));
    let asked: Vec<_> = served
        .dp
        .seen()
        .iter()
        .map(|seen| seen.request.header("If-Range").map(str::to_owned))
        .collect();
    assert_eq!(asked[0], None);
    assert_eq!(asked[2].as_deref(), Some("\"other\""));
    assert!(asked[1].is_some() && asked[1] != asked[2]);
}

#[test]
fn statuses() {
    let served = serve();
    let http = transport(&served.dp, &AccessOptions::new());
    for (status, transient) in [
        (400, false),
        (403, false),
        (404, false),
        (429, true),
        (408, true),
        (500, true),
        (503, true),
    ] {
        served.dp.on(Rule::path(FILE), Fault::Status(status));
        let (bytes, error) = get(&http, 0..LEN);
        let error = error.unwrap();
        assert_eq!((bytes.len(), error.is_transient()), (0, transient), "{status}");
        assert!(error.what().ends_with("/SMS_DP_SMSPKG$/PS100005.3/boot.PS100005.wim"), "{error}");
        served.dp.heal();
    }
    assert_eq!(get(&http, 0..LEN).1, None);
}

#[test]
fn redirects_are_not_followed() {
    let (served, elsewhere) = (serve(), serve());
    let http = transport(&served.dp, &AccessOptions::new());
    let target = format!("{}/SMS_DP_SMSPKG$/{FILE}", elsewhere.dp.url());
    served.dp.on(
        Rule::path(FILE),
        Fault::StatusWith(302, vec![("Location".to_owned(), target.clone())]),
    );
    let error = get(&http, 0..LEN).1.unwrap();
    assert!(error.to_string().contains(&target), "{error}");
    assert_eq!(elsewhere.dp.seen().len(), 0);

    // A folder that wants `/` behind it is the one exception.
    let folder = "PS100001.2";
    let slashed = format!("{}/SMS_DP_SMSPKG$/{folder}/", served.dp.url());
    served.dp.on(
        Rule::path(folder).nth(0..1),
        Fault::StatusWith(301, vec![("Location".to_owned(), slashed)]),
    );
    assert_eq!(http.list(&path(folder)).unwrap().len(), 2);
}

#[test]
fn a_bandwidth_limit_is_for_all() {
    let served = serve();
    let options = AccessOptions::new().with_bandwidth_limit(200_000);
    let (one, two) = (transport(&served.dp, &options), transport(&served.dp, &options));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for http in [&one, &two] {
            scope.spawn(move || assert_eq!(get(http, 0..LEN).1, None));
        }
    });
    // 200,000 bytes at 200,000 a second, less the first burst of 64 KiB.
    assert!(start.elapsed() >= Duration::from_millis(600), "{:?}", start.elapsed());
}

/// A server that holds each connection back is read over four.
#[test]
fn slow_connections_are_joined() {
    let size = 64 << 20;
    let served = serve_bytes(pattern(size));
    let len = u64::try_from(size).unwrap();
    // Far below what a busy machine can read.
    served.dp.options().rate = Some(16 << 20);
    let http = transport(&served.dp, &AccessOptions::new());
    let mut bytes = Vec::new();
    http.open(&path(FILE), 0..len, len).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(bytes == served.bytes);
    assert!(served.dp.connections() > 1, "{}", served.dp.connections());

    // One that is dropped early stops asking.
    let mut reader = http.open(&path(FILE), 3..len, len).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);

    // What goes wrong on one of them is reported in its place, and the next try is over one.
    served.dp.on(Rule::path(FILE).nth(3..), Fault::Status(503));
    let mut got = Vec::new();
    let result = http.open(&path(FILE), 0..len, len).and_then(|mut reader| {
        reader.read_to_end(&mut got).map_err(|error| AccessError::of_io("", &error))
    });
    assert!(result.unwrap_err().is_transient());
    assert!(got == served.bytes[..got.len()]);
    served.dp.heal();
    let before = served.dp.connections();
    let mut rest = Vec::new();
    let at = u64::try_from(got.len()).unwrap();
    http.open(&path(FILE), at..len, len).unwrap().read_to_end(&mut rest).unwrap();
    assert!(rest == served.bytes[got.len()..]);
    assert!(served.dp.connections() <= before + 1);
}

/// One of several servers behind a name that knows no ranges: the rest comes over one connection,
/// not each chunk from the file's start.
#[test]
fn ranges_that_are_ignored_midway() {
    let size = 64 << 20;
    let served = serve_bytes(pattern(size));
    let len = u64::try_from(size).unwrap();
    served.dp.options().rate = Some(48 << 20);
    served.dp.on(Rule::path(FILE).nth(1..), Fault::IgnoreRange);
    let http = transport(&served.dp, &AccessOptions::new());
    let mut bytes = Vec::new();
    http.open(&path(FILE), 0..len, len).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(bytes == served.bytes);
    // The first part, some chunks' starts, and the whole.
    assert!(served.dp.requests(FILE) <= 10, "{}", served.dp.requests(FILE));
}

/// The library behind it, by each source of names.
#[test]
fn a_library_over_http() {
    let served = serve();
    for listed in [Ok(()), Err(403)] {
        served.dp.options().listing = listed;
        served.dp.options().propfind = listed;
        let library = Library::new(Arc::new(transport(&served.dp, &AccessOptions::new())));
        let package = library.package(&PackageId::new("PS100005").unwrap()).unwrap();
        assert_eq!(package.content_id, "PS100005.3");
        assert_eq!(package.declared_hash, package.computed_hash);
        let mut bytes = Vec::new();
        let file = &package.files[0].id;
        library.open(file, 50_000..LEN).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(bytes == served.bytes[50_000..]);
    }
}
