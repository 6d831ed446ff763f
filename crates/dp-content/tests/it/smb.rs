//! Shares: against Samba, through a relay that counts and cuts; and servers that are none.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use dp_content::{
    AccessError, AccessKind, AccessOptions, ContentError, ContentPath, Credentials, FileId,
    Password, SmbTransport, Transport, open_smb,
};
use extent_image::{Digest, Hasher};
use media_model::{ContentLocation, PackageId, SmbLocation};

use crate::peers::Peers;
use crate::relay::Relay;

fn location(port: u16) -> SmbLocation {
    smb_location(&format!("smb://127.0.0.1:{port}"))
}

fn smb_location(url: &str) -> SmbLocation {
    match ContentLocation::new(url).unwrap() {
        ContentLocation::Smb(location) => location,
        other => panic!("{other}"),
    }
}

fn path(text: &str) -> ContentPath {
    ContentPath::new(text).unwrap()
}

fn options() -> AccessOptions {
    AccessOptions::new().with_read_timeout(Duration::from_secs(10))
}

fn logged_in(peers: &Peers) -> AccessOptions {
    options().with_credentials(Credentials::new(&peers.account(), Password::new(peers.password())))
}

/// A share of Samba, and the relay before it.
fn share_with(peers: &Peers, name: &str, options: &AccessOptions) -> (SmbTransport, Relay) {
    let relay = Relay::start(peers.smb_address());
    let share = SmbTransport::new(&location(relay.port()), name, options).unwrap();
    (share, relay)
}

fn share(peers: &Peers, name: &str) -> (SmbTransport, Relay) {
    share_with(peers, name, &logged_in(peers))
}

fn kind<T>(result: Result<T, AccessError>) -> AccessKind {
    match result {
        Ok(_) => panic!("it went well"),
        Err(error) => error.kind().clone(),
    }
}

/// Bytes that show where they are from: `len` of them.
fn bytes(seed: u8, len: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..len).map(|_| next()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest_of(mut reader: impl Read) -> Digest {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    while let len @ 1.. = reader.read(&mut buffer).unwrap() {
        hasher.update(&buffer[..len]);
    }
    hasher.finish()
}

/// A file at the root of the library, for one test only.
fn put(peers: &Peers, name: &str, bytes: &[u8]) -> ContentPath {
    fs::write(peers.library().join(name), bytes).unwrap();
    path(name)
}

fn read_all(share: &SmbTransport, file: &ContentPath, from: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    share.open(file, from..len, len)?.read_to_end(&mut all)?;
    Ok(all)
}

#[test]
#[ignore = "needs samba"]
fn smb_lists_folders() {
    let peers = Peers::require();
    let folder = peers.library().join("smb list");
    fs::create_dir_all(folder.join("Sub")).unwrap();
    fs::write(folder.join("a b#c%.txt"), "hello").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    let (share, _) = share(&peers, "SCCMContentLib$");
    // Names are compared without regard to case, by the server.
    for folder in ["smb list", "SMB LIST"] {
        let mut entries = share.list(&path(folder)).unwrap();
        entries.sort();
        let seen: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.is_folder, e.len)).collect();
        let due = [("Sub", true, None), ("a b#c%.txt", false, Some(5)), ("empty", false, Some(0))];
        assert_eq!(seen, due);
    }
    assert_eq!(share.list(&path("smb list/sub")).unwrap(), []);
    assert_eq!(kind(share.list(&path("smb none"))), AccessKind::NotFound);
    assert_eq!(kind(share.list(&path("smb list/empty"))), AccessKind::NotFound);
    assert!(share.list(&ContentPath::ROOT).unwrap().iter().any(|entry| entry.name == "smb list"));
}

#[test]
#[ignore = "needs samba"]
fn smb_lists_a_folder_of_thousands() {
    let peers = Peers::require();
    let folder = peers.library().join("smb-many");
    fs::create_dir_all(&folder).unwrap();
    for number in 0..3000 {
        fs::write(folder.join(format!("a file with a long name, number {number}")), "").unwrap();
    }
    let (share, _) = share(&peers, "SCCMContentLib$");
    assert_eq!(share.list(&path("smb-many")).unwrap().len(), 3000);
}

#[test]
#[ignore = "needs samba"]
fn smb_reads_small_files() {
    let peers = Peers::require();
    let (share, relay) = share(&peers, "sccmcontentlib$");
    for len in [0, 1, 144, 65_535, 65_536, 65_537, 300_000] {
        let name = format!("smb-small-{len}");
        let content = bytes(1, len);
        let file = put(&peers, &name, &content);
        assert_eq!(share.read(&file, 300_000).unwrap(), content, "{len}");
        assert_eq!(share.read(&file, len).unwrap(), content, "{len}");
        if let Some(less) = len.checked_sub(1) {
            let error = share.read(&file, less).unwrap_err();
            assert!(matches!(error.kind(), AccessKind::Malformed(_)), "{error}");
        }
    }
    assert_eq!(kind(share.read(&path("smb-none"), 10)), AccessKind::NotFound);
    assert_eq!(kind(share.read(&path("smb-none/file"), 10)), AccessKind::NotFound);
    fs::create_dir_all(peers.library().join("smb-small")).unwrap();
    assert!(matches!(kind(share.read(&path("smb-small"), 10)), AccessKind::Malformed(_)));
    assert_eq!((relay.connections(), relay.session_setups()), (1, 2));
}

#[test]
#[ignore = "needs samba"]
fn smb_reads_400_mib_and_every_byte_is_right() {
    let peers = Peers::require();
    // 400 MiB of sparse file but for its ends, and marks on the way.
    let len: u64 = 400 << 20;
    let name = peers.library().join("smb-large");
    {
        let mut file = fs::File::create(&name).unwrap();
        file.set_len(len).unwrap();
        for mark in 0..100 {
            file.seek(SeekFrom::Start(u64::from(mark) * (4 << 20) + 12_345)).unwrap();
            file.write_all(&bytes(mark, 1000)).unwrap();
        }
        file.seek(SeekFrom::End(-7)).unwrap();
        file.write_all(b"the end").unwrap();
    }
    let due = digest_of(fs::File::open(&name).unwrap());
    let (share, _) = share(&peers, "SCCMContentLib$");
    let start = Instant::now();
    let reader = share.open(&path("smb-large"), 0..len, len).unwrap();
    let found = digest_of(reader);
    let rate = 400.0 / start.elapsed().as_secs_f64();
    println!("{rate:.0} MiB/s");
    assert_eq!(found, due);
}

#[test]
#[ignore = "needs samba"]
fn smb_reads_ranges() {
    let peers = Peers::require();
    let content = bytes(2, 9 << 20);
    let len = content.len() as u64;
    let file = put(&peers, "smb-ranges", &content);
    let (share, relay) = share(&peers, "SCCMContentLib$");
    let odd = [0..0, 0..1, 7..8, 262_143..262_145, 5_000_001..5_000_101, len - 1..len, len..len];
    for range in odd.into_iter().chain([3..len, 1_000_003..8_000_001]) {
        let mut got = Vec::new();
        share.open(&file, range.clone(), len).unwrap().read_to_end(&mut got).unwrap();
        let due = &content[range.start as usize..range.end as usize];
        assert!(got == due, "{range:?}");
    }
    // Whoever wants little does not make the server send much.
    let before = relay.to_client();
    let mut few = [0; 100];
    share.open(&file, 4_000_000..len, len).unwrap().read_exact(&mut few).unwrap();
    assert_eq!(few, content[4_000_000..4_000_100]);
    thread::sleep(Duration::from_millis(300));
    let sent = relay.to_client() - before;
    assert!(sent < 1 << 20, "{sent}");

    let wrong = share.open(&file, 0..10, 10);
    assert_eq!(kind(wrong.map(drop)), AccessKind::Length { expected: 10, found: len });
    fs::create_dir_all(peers.library().join("smb-ranges-folder")).unwrap();
    let folder = kind(share.open(&path("smb-ranges-folder"), 0..0, 0).map(drop));
    assert!(matches!(folder, AccessKind::Malformed(_)), "{folder}");
    assert_eq!(relay.connections(), 1);
}

/// A reader that nobody reads from has asked for no more than it may keep.
#[test]
#[ignore = "needs samba"]
fn smb_keeps_little_in_memory() {
    let peers = Peers::require();
    let content = bytes(3, 40 << 20);
    let len = content.len() as u64;
    let file = put(&peers, "smb-memory", &content);
    let (share, relay) = share(&peers, "SCCMContentLib$");
    let mut reader = share.open(&file, 0..len, len).unwrap();
    let mut first = vec![0; 16 << 20];
    reader.read_exact(&mut first).unwrap();
    assert!(first == content[..first.len()]);
    thread::sleep(Duration::from_millis(500));
    let ahead = relay.to_client() - first.len() as u64;
    assert!((2 << 20..5 << 20).contains(&ahead), "{ahead}");
}

#[test]
#[ignore = "needs samba"]
fn smb_tries_a_wrong_password_once() {
    let peers = Peers::require();
    let wrong = Credentials::new(&peers.account(), Password::new("not-the-password"));
    let (share, relay) = share_with(&peers, "SCCMContentLib$", &options().with_credentials(wrong));
    for _ in 0..3 {
        let error = share.list(&ContentPath::ROOT).unwrap_err();
        assert_eq!(*error.kind(), AccessKind::WrongPassword);
        assert!(!error.is_transient());
        assert!(!format!("{error} {error:?}").contains("not-the"), "{error:?}");
    }
    for span in share.spans() {
        assert_eq!(kind(span.read(&path("FileLib/x"), 1)), AccessKind::WrongPassword);
    }
    assert_eq!((relay.connections(), relay.session_setups()), (1, 2));
}

#[test]
#[ignore = "needs samba"]
fn smb_wants_an_account() {
    let peers = Peers::require();
    let (share, relay) = share_with(&peers, "SCCMContentLib$", &options());
    for _ in 0..2 {
        assert_eq!(kind(share.list(&ContentPath::ROOT)), AccessKind::NeedsCredentials);
    }
    assert!(relay.session_setups() <= 2);
}

#[test]
#[ignore = "needs samba"]
fn smb_tells_shares_from_folders() {
    let peers = Peers::require();
    let (none, _) = share(&peers, "NoSuchShare$");
    assert_eq!(kind(none.list(&ContentPath::ROOT)), AccessKind::NoShare);
    let (closed, _) = share(&peers, "Denied$");
    let error = closed.list(&ContentPath::ROOT).unwrap_err();
    assert!(matches!(error.kind(), AccessKind::Denied(_)), "{error}");
    assert!(error.to_string().contains("at the share"), "{error}");
}

/// What package access accounts do. The owner is whoever runs the test, not the server's user.
#[cfg(unix)]
#[test]
#[ignore = "needs samba"]
fn smb_tells_of_a_closed_folder() {
    use std::os::unix::fs::PermissionsExt;

    let peers = Peers::require();
    let folder = peers.library().join("smb-denied");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("file"), "hello").unwrap();
    let (open, relay) = share(&peers, "SCCMContentLib$");
    assert_eq!(open.read(&path("smb-denied/file"), 10).unwrap(), b"hello");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    for error in [
        open.list(&path("smb-denied")).unwrap_err(),
        open.read(&path("smb-denied/file"), 10).unwrap_err(),
        open.open(&path("smb-denied/file"), 0..5, 5).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error.kind(), AccessKind::Denied(_)), "{error}");
        assert!(error.to_string().contains("access accounts"), "{error}");
    }
    assert_eq!(relay.connections(), 1);
}

#[test]
#[ignore = "needs samba"]
fn smb_finds_further_drives() {
    let peers = Peers::require();
    fs::write(peers.library_d().join("smb-on-d"), "hello").unwrap();
    let (share, relay) = share(&peers, "SCCMContentLib$");
    let file = path("smb-on-d");
    for _ in 0..2 {
        let mut found = Vec::new();
        for span in share.spans() {
            match span.read(&file, 10) {
                Ok(bytes) => found.push((span.describe(), bytes)),
                Err(error) => assert_eq!(*error.kind(), AccessKind::NoShare, "{error}"),
            }
        }
        let name = format!("smb://127.0.0.1:{}/SCCMContentLibD$", relay.port());
        assert_eq!(found, [(name, b"hello".to_vec())]);
    }
    assert_eq!((relay.connections(), relay.session_setups()), (1, 2));
}

#[test]
#[ignore = "needs samba"]
fn smb_goes_on_after_cuts() {
    let peers = Peers::require();
    let content = bytes(4, 30 << 20);
    let len = content.len() as u64;
    let file = put(&peers, "smb-cut", &content);
    let (share, relay) = share(&peers, "SCCMContentLib$");
    let mut got = Vec::new();
    let mut cuts = 0;
    while (got.len() as u64) < len {
        relay.cut_after(3 << 20);
        let from = got.len() as u64;
        let mut reader = share.open(&file, from..len, len).unwrap();
        if let Err(error) = reader.read_to_end(&mut got) {
            let error = AccessError::of_io("", &error);
            assert!(matches!(error.kind(), AccessKind::Lost(_)), "{error}");
            assert!(error.is_transient());
            assert!(error.what().ends_with("/SCCMContentLib$/smb-cut"), "{error}");
            // It does not come to life again.
            assert!(reader.read(&mut [0; 8]).is_err());
            cuts += 1;
        }
    }
    assert!(got == content);
    assert!((5..30).contains(&cuts), "{cuts}");
    relay.never_cut();
    // A server that is away, then back: everything is found again.
    let mut reader = share.open(&file, 0..len, len).unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    relay.down();
    assert!(reader.read_to_end(&mut Vec::new()).is_err());
    let away = share.open(&file, 0..len, len).map(drop).unwrap_err();
    assert!(away.is_transient(), "{away}");
    relay.up();
    assert!(read_all(&share, &file, 1000, len).unwrap() == content[1000..]);
}

/// The whole of it: a package in the library, one on two drives, one that is only expanded.
#[test]
#[ignore = "needs samba"]
fn smb_distribution_point() {
    let peers = Peers::require();
    let wim = bytes(10, 3 << 20);
    let on_d = bytes(11, 700_000);
    let fixture = peers
        .unpublished("smb-dp")
        .package("SMB00001", 3, &[("boot.SMB00001.wim", &wim)])
        .package("SMB00002", 1, &[("sub/a b#c%.bin", &on_d), ("empty.txt", b"")]);
    peers.publish(&fixture);
    let stored = fixture.stored(&on_d);
    let stored = stored.strip_prefix(fixture.root()).unwrap();
    let moved = peers.library_d().join(stored);
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    fs::rename(peers.library().join(stored), moved).unwrap();
    let expanded =
        peers.unpublished("smb-dp-expanded").package("SMB00003", 7, &[("x/setup.exe", b"setup")]);
    peers.publish_expanded(&expanded);

    let relay = Relay::start(peers.smb_address());
    let options = logged_in(&peers);
    let dp = open_smb(&location(relay.port()), &options).unwrap();
    assert_eq!(dp.describe(), format!("smb://127.0.0.1:{}", relay.port()));
    let listed: Vec<_> = dp.packages().unwrap().into_iter().map(|listed| listed.id).collect();
    assert!(listed.contains(&"SMB00001".to_owned()) && listed.contains(&"SMB00002".to_owned()));

    let package = |id: &str| dp.package(&PackageId::new(id).unwrap());
    let read = |file: &FileId| {
        let mut got = Vec::new();
        dp.open(file, 0..file.len).unwrap().read_to_end(&mut got).unwrap();
        got
    };
    let boot = package("SMB00001").unwrap();
    assert_eq!((boot.content_id.as_str(), boot.files.len()), ("SMB00001.3", 1));
    assert!(boot.declared_hash.is_some() && boot.declared_hash == boot.computed_hash);
    assert!(boot.warnings.is_empty(), "{:?}", boot.warnings);
    assert!(read(&boot.files[0].id) == wim);

    let spanned = package("SMB00002").unwrap();
    let file = spanned.files.iter().find(|file| file.id.len > 0).unwrap();
    assert_eq!(file.id.path, path("sub/a b#c%.bin"));
    assert!(read(&file.id) == on_d);

    let shown = package("SMB00003").unwrap();
    assert_eq!(shown.files[0].id.path, path("x/setup.exe"));
    assert!(shown.warnings.iter().any(|w| w.contains("not verified")), "{:?}", shown.warnings);
    assert_eq!(read(&shown.files[0].id), b"setup");

    let none = package("SMB0000F").unwrap_err();
    assert!(matches!(none, ContentError::Missing { .. }), "{none}");
    let other = package("SMB00001.9").unwrap_err();
    assert!(other.to_string().contains("SMB00001.3"), "{other}");
    assert_eq!((relay.connections(), relay.session_setups()), (1, 2));

    // A share by its name.
    let url = format!("smb://127.0.0.1:{}/smspkgc$", relay.port());
    let packages = open_smb(&smb_location(&url), &options).unwrap();
    assert_eq!(packages.package(&PackageId::new("SMB00003").unwrap()).unwrap().files.len(), 1);
    let url = format!("smb://127.0.0.1:{}/SCCMContentLib$", relay.port());
    let library = open_smb(&smb_location(&url), &options).unwrap();
    assert_eq!(library.package(&PackageId::new("SMB00001").unwrap()).unwrap(), boot);
    let url = format!("smb://127.0.0.1:{}/None$", relay.port());
    let none = open_smb(&smb_location(&url), &options).unwrap();
    let Err(ContentError::Access(error)) = none.packages() else { panic!("it is there") };
    assert_eq!(*error.kind(), AccessKind::NoShare);
}

#[test]
#[ignore = "needs samba"]
fn smb_keeps_to_a_bandwidth_limit() {
    let peers = Peers::require();
    let content = bytes(12, 3 << 20);
    let len = content.len() as u64;
    let file = put(&peers, "smb-limited", &content);
    let (share, _) =
        share_with(&peers, "SCCMContentLib$", &logged_in(&peers).with_bandwidth_limit(2 << 20));
    let start = Instant::now();
    assert!(read_all(&share, &file, 0, len).unwrap() == content);
    assert!(start.elapsed() > Duration::from_millis(1200), "{:?}", start.elapsed());
}

/// A server that breaks off during the login may have counted it.
#[test]
#[ignore = "needs samba"]
fn smb_does_not_log_in_for_ever() {
    let peers = Peers::require();
    let (share, relay) = share(&peers, "SCCMContentLib$");
    // The answer to NEGOTIATE is longer than this and passes; the next is cut.
    let mut seen = Vec::new();
    for _ in 0..3 {
        relay.cut_after(300);
        seen.push(kind(share.list(&ContentPath::ROOT)));
    }
    assert!(seen.iter().all(|kind| matches!(kind, AccessKind::Account(_))), "{seen:?}");
    // One login is two of them.
    assert!(relay.session_setups() <= 2, "{}", relay.session_setups());
}

/// smb2 tells `log` what it does; nobody listens but whoever embeds us.
#[test]
#[ignore = "needs samba"]
fn smb_logs_no_password() {
    struct Kept(Mutex<String>);
    impl log::Log for Kept {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let line = format!("{} {}\n", record.target(), record.args());
            self.0.lock().unwrap().push_str(&line);
        }
        fn flush(&self) {}
    }
    static KEPT: Kept = Kept(Mutex::new(String::new()));
    log::set_logger(&KEPT).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    let peers = Peers::require();
    let (right, _) = share(&peers, "SCCMContentLib$");
    right.list(&ContentPath::ROOT).unwrap();
    let bad = Password::new("not-the-password");
    let bad = options().with_credentials(Credentials::new(&peers.account(), bad));
    let (wrong, _) = share_with(&peers, "SCCMContentLib$", &bad);
    wrong.list(&ContentPath::ROOT).unwrap_err();
    log::set_max_level(log::LevelFilter::Off);

    let kept = KEPT.0.lock().unwrap();
    assert!(kept.contains("smb2::client::session"), "{kept}");
    for password in [peers.password(), "not-the-password"] {
        let utf16: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for form in [password.to_owned(), format!("{:?}", password.as_bytes()), hex(&utf16)] {
            assert!(!kept.to_lowercase().contains(&form.to_lowercase()));
        }
    }
}

#[test]
fn a_server_that_never_answers_is_stalled() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let options = AccessOptions::new().with_read_timeout(Duration::from_millis(700));
    let location = location(listener.local_addr().unwrap().port());
    let share = SmbTransport::new(&location, "SCCMContentLib$", &options).unwrap();
    let start = Instant::now();
    let error = share.list(&ContentPath::ROOT).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::Stalled { seconds: 1 });
    assert!(error.is_transient());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    drop(listener);
    let gone = share.list(&ContentPath::ROOT).unwrap_err();
    assert!(matches!(gone.kind(), AccessKind::Unreachable(_)), "{gone}");
    assert!(gone.is_transient());
}

#[test]
fn who_waits_for_a_share_is_told_to_stop() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let start = Instant::now();
    let cancelled = move || start.elapsed() > Duration::from_millis(200);
    let options = AccessOptions::new().with_cancelled(cancelled);
    let location = location(listener.local_addr().unwrap().port());
    let share = SmbTransport::new(&location, "SCCMContentLib$", &options).unwrap();
    let error = share.list(&ContentPath::ROOT).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::Cancelled);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn other_servers_are_no_file_servers() {
    let answers: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00\x00\x08nonsense",
        // An SMB 2 header and nothing after it.
        b"\x00\x00\x00\x40\xfeSMB\x40\x00\0\0\0\0\0\0\0\0\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
          \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ];
    for answer in answers {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let location = location(listener.local_addr().unwrap().port());
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 1000]).unwrap();
            client.write_all(answer).unwrap();
            // Held open for as long as the client holds it.
            while matches!(client.read(&mut [0; 1000]), Ok(1..)) {}
        });
        let options = AccessOptions::new().with_read_timeout(Duration::from_secs(2));
        let share = SmbTransport::new(&location, "SCCMContentLib$", &options).unwrap();
        let error = share.list(&ContentPath::ROOT).unwrap_err();
        println!("{error}");
        let expected = matches!(
            error.kind(),
            AccessKind::Lost(_) | AccessKind::Malformed(_) | AccessKind::Stalled { .. }
        );
        assert!(expected, "{error}");
        drop(share);
        server.join().unwrap();
    }
}

#[test]
fn nothing_shows_the_password() {
    let secret = "correct horse battery staple";
    let account = Credentials::new(r"CONTOSO\dpread", Password::new(secret));
    let options = AccessOptions::new().with_credentials(account);
    assert!(!format!("{options:?}").contains(secret));
    let share = SmbTransport::new(&location(9), "SCCMContentLib$", &options).unwrap();
    assert!(!format!("{share:?}").contains(secret), "{share:?}");
    assert!(!share.describe().contains(secret));
}
