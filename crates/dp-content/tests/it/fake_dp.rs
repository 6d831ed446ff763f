//! A distribution point in this process, for tests: the content library as its web server shows it
//! (reference 2.2, 2.3), over real sockets, with faults that are told it.
//!
//! Tests of other crates include this file by `#[path]`, so it needs nothing but std.
//!
//! ```text
//! let dp = FakeDp::new(Options::new(library));
//! dp.on(Rule::path("boot.PS100005.wim"), Fault::Cut { after: 20 << 20 });
//! .. dp.url() ..
//! assert_eq!(dp.requests("boot.PS100005.wim"), 20);
//! ```
#![allow(dead_code, reason = "a test that includes this file uses part of it")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "fake_dp/pages.rs"]
mod pages;
#[path = "fake_dp/request.rs"]
mod request;
#[path = "fake_dp/serve.rs"]
mod serve;
#[path = "fake_dp/store.rs"]
mod store;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::RangeBounds;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) use self::request::Request;
use self::request::suffix_matches;

/// What the distribution point holds and how it answers when all is well.
#[derive(Clone)]
pub(crate) struct Options {
    /// The folder that holds `PkgLib`, `DataLib` and `FileLib`.
    pub(crate) library: PathBuf,
    /// The like on other drives, with `FileLib` only: known by path, not by hash.
    pub(crate) drives: Vec<PathBuf>,
    /// How names stand in the links of listings; nobody knows for a real one.
    pub(crate) links: Links,
    /// `SMS_DP_SMSPKG$/DataLib\name` in links, as on the page of `DataLib`; else `/`.
    pub(crate) backslash: bool,
    /// What GET on a folder gives: the listing, or this status.
    pub(crate) listing: Result<(), u16>,
    /// What PROPFIND gives: 207, or this status. 405: WebDAV Publishing is installed.
    pub(crate) propfind: Result<(), u16>,
    /// Whether there are signature tars.
    pub(crate) signatures: bool,
    /// Whether ranges are honoured; if not, every answer is 200 and whole.
    pub(crate) ranges: bool,
    /// Whether files have an ETag.
    pub(crate) etags: bool,
    /// Whether a connection is kept for the next request.
    pub(crate) keep_alive: bool,
    /// Time before every answer.
    pub(crate) delay: Duration,
    /// Bytes a second on each connection.
    pub(crate) rate: Option<u64>,
    /// Puts TLS around an accepted connection.
    pub(crate) tls: Option<Arc<Wrap>>,
}

/// How names stand in links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// `a b#c%.txt`
    Raw,
    /// `a%20b%23c%25.txt`
    Encoded,
}

/// Makes a connection of a socket, by a TLS handshake for example.
pub(crate) type Wrap = dyn Fn(TcpStream) -> std::io::Result<Box<dyn Connection>> + Send + Sync;

/// What a request comes and an answer goes over.
pub(crate) trait Connection: Read + Write + Send {}

impl<C: Read + Write + Send> Connection for C {}

impl Options {
    pub(crate) fn new(library: impl Into<PathBuf>) -> Self {
        Self {
            library: library.into(),
            drives: Vec::new(),
            links: Links::Raw,
            backslash: false,
            listing: Ok(()),
            propfind: Ok(()),
            signatures: true,
            ranges: true,
            etags: true,
            keep_alive: true,
            delay: Duration::ZERO,
            rate: None,
            tls: None,
        }
    }
}

/// What goes wrong with an answer.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The connection breaks after so many bytes of the answer's body: a file of n times as many
    /// bytes that is always resumed is cut n - 1 times, and once more at its end.
    Cut { after: u64 },
    /// The connection breaks when it has carried so many bytes of bodies.
    CutConnection { after: u64 },
    /// The server ends for good after so many bytes of the body: nobody listens any more.
    Die { after: u64 },
    /// The byte at this offset of the file is wrong.
    Flip { offset: u64 },
    /// The file has so many bytes fewer, and all headers agree.
    Shorter { by: u64 },
    /// The file has so many bytes more (zeros), and all headers agree.
    Longer { by: u64 },
    /// The body has so many bytes fewer than `Content-Range` and the request say; `Content-Length`
    /// agrees with the body.
    ShortBody { by: u64 },
    /// The body has so many bytes more than the request and `Content-Range` say.
    LongBody { by: u64 },
    /// 200 and the whole file, whatever range is asked for.
    IgnoreRange,
    /// 206 with bytes from so many bytes further on than asked for, as `Content-Range` says.
    ShiftRange { by: u64 },
    /// Another ETag. `If-Range` with the true one gives 200 and the whole file.
    Etag(String),
    /// No `Content-Length`: the body ends with the connection.
    NoLength,
    /// Nothing more comes after so many bytes of the body; the connection stays.
    Stall { after: u64 },
    /// Not even a status line comes.
    StallAtOnce,
    /// The connection closes without an answer.
    Close,
    /// Waits first.
    Delay(Duration),
    /// A status, with a small page.
    Status(u16),
    /// A status with these headers: `Location`, `WWW-Authenticate`.
    StatusWith(u16, Vec<(String, String)>),
    /// 200 and this page.
    Page(Vec<u8>),
    /// This much HTML behind the last row of a listing.
    Rows(String),
    /// Whatever the function says; `None` for the usual answer.
    Answer(Arc<MakeAnswer>),
}

/// Looks at a request and may answer it.
pub(crate) type MakeAnswer = dyn Fn(&Request) -> Option<Answer> + Send + Sync;

/// A made-up answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Which requests a fault hits.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    path: String,
    method: Option<String>,
    from: usize,
    to: usize,
}

impl Rule {
    /// Requests whose path (decoded, `/` between names) is `end`, or ends with it behind a `/`, in
    /// any case.
    pub(crate) fn path(end: &str) -> Self {
        Self { path: end.to_owned(), method: None, from: 0, to: usize::MAX }
    }

    /// All requests.
    pub(crate) fn all() -> Self {
        Self::path("")
    }

    /// Of those only these: counted from 0.
    pub(crate) fn nth(mut self, range: impl RangeBounds<usize>) -> Self {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        self.from = match range.start_bound() {
            Included(&n) => n,
            Excluded(&n) => n + 1,
            Unbounded => 0,
        };
        self.to = match range.end_bound() {
            Included(&n) => n.saturating_add(1),
            Excluded(&n) => n,
            Unbounded => usize::MAX,
        };
        self
    }

    /// Only requests with this method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }
}

/// What has happened to one request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) request: Request,
    /// 0 when nothing was answered.
    pub(crate) status: u16,
    /// Bytes of the body that were sent.
    pub(crate) sent: u64,
}

/// A distribution point that runs until it is dropped.
pub(crate) struct FakeDp {
    shared: Arc<Shared>,
}

struct Shared {
    port: u16,
    options: Mutex<Options>,
    rules: Mutex<Vec<(Rule, usize, Fault)>>,
    seen: Mutex<Vec<Seen>>,
    /// By their number; a thread takes its own out when it ends.
    connections: Mutex<HashMap<usize, TcpStream>>,
    accepted: Mutex<usize>,
    /// Bytes of bodies until the server dies; negative for never.
    budget: AtomicI64,
    stopped: AtomicBool,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl FakeDp {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn new(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let shared = Arc::new(Shared {
            port: listener.local_addr().expect("it is bound").port(),
            options: Mutex::new(options),
            rules: Mutex::default(),
            seen: Mutex::default(),
            connections: Mutex::default(),
            accepted: Mutex::default(),
            budget: AtomicI64::new(-1),
            stopped: AtomicBool::new(false),
            listening: Mutex::new(None),
        });
        let server = Arc::clone(&shared);
        let thread = thread::spawn(move || serve::listen(&server, &listener));
        *lock(&shared.listening) = Some(thread);
        Self { shared }
    }

    /// `127.0.0.1:port`
    pub(crate) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.shared.port
    }

    /// `http://127.0.0.1:port`, `https` with TLS.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.options().tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// How it answers from the next request on.
    pub(crate) fn options(&self) -> MutexGuard<'_, Options> {
        lock(&self.shared.options)
    }

    /// Every fault whose rule fits a request hits it, in the order they were given.
    pub(crate) fn on(&self, rule: Rule, fault: Fault) {
        lock(&self.shared.rules).push((rule, 0, fault));
    }

    /// All is well again.
    pub(crate) fn heal(&self) {
        lock(&self.shared.rules).clear();
    }

    /// Dies for good when it has sent so many bytes of bodies from now on, whatever they are of.
    pub(crate) fn die_after(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).expect("no test sends so much");
        self.shared.budget.store(bytes, Ordering::SeqCst);
    }

    /// Ends: connections break, and nobody listens any more when this returns.
    pub(crate) fn die(&self) {
        self.shared.die();
    }

    /// All requests until now.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// Forgets the requests until now.
    pub(crate) fn forget(&self) {
        lock(&self.shared.seen).clear();
    }

    /// How many requests there were for a path; which ones, as in [`Rule::path`].
    pub(crate) fn requests(&self, end: &str) -> usize {
        self.of(end).count()
    }

    /// How many bytes of bodies were sent for a path.
    pub(crate) fn sent(&self, end: &str) -> u64 {
        self.of(end).map(|seen| seen.sent).sum()
    }

    fn of(&self, end: &str) -> impl Iterator<Item = Seen> {
        self.seen().into_iter().filter(move |seen| suffix_matches(&seen.request.path, end))
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        *lock(&self.shared.accepted)
    }

    /// What stood in `Authorization` of each request that had it.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        let of = |seen: &Seen| seen.request.header("Authorization").map(str::to_owned);
        self.seen().iter().filter_map(of).collect()
    }
}

impl Drop for FakeDp {
    fn drop(&mut self) {
        self.shared.die();
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn die(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let listening = lock(&self.listening).take();
        if let Some(thread) = listening {
            // It waits for a connection; this is one.
            drop(TcpStream::connect(("127.0.0.1", self.port)));
            // Only a failed test panics there, and it has failed by that.
            let _ = thread.join();
        }
        for connection in lock(&self.connections).values() {
            // It may be closed.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// The faults of a request, which counts as one for each rule that fits it.
    fn faults(&self, request: &Request) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (rule, count, fault) in lock(&self.rules).iter_mut() {
            let method = rule.method.as_ref().is_none_or(|method| *method == request.method);
            if method && suffix_matches(&request.path, &rule.path) {
                if (rule.from..rule.to).contains(count) {
                    faults.push(fault.clone());
                }
                *count += 1;
            }
        }
        faults
    }
}

/// A thread that panicked has failed the test by that; others may look on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
