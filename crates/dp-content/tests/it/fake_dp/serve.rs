//! Connections, answers, and what goes wrong with them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::store::{self, Found};
use super::{Answer, Connection, Fault, Options, Request, Seen, Shared, lock, pages};

/// `Last-Modified` of every file.
const MODIFIED: &str = "Sat, 13 Apr 2024 20:40:00 GMT";

pub(super) fn listen(shared: &Arc<Shared>, listener: &TcpListener) {
    for socket in listener.incoming() {
        if shared.stopped() {
            return;
        }
        let Ok(socket) = socket else { continue };
        let shared = Arc::clone(shared);
        let number = {
            let mut accepted = lock(&shared.accepted);
            *accepted += 1;
            *accepted - 1
        };
        let ours = socket.try_clone().expect("a socket can be cloned");
        lock(&shared.connections).insert(number, ours);
        thread::spawn(move || {
            // The client went away or asked for what is not HTTP; the test sees what it got.
            let _ = connection(&shared, number, socket);
            if let Some(ours) = lock(&shared.connections).remove(&number) {
                let _ = ours.shutdown(Shutdown::Both);
            }
        });
    }
}

/// What becomes of a connection.
enum Then {
    Keep,
    Close,
}

fn connection(shared: &Shared, number: usize, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let wrap = lock(&shared.options).tls.clone();
    let connection: Box<dyn Connection> = match wrap {
        Some(wrap) => wrap(socket)?,
        None => Box::new(socket),
    };
    let mut reader = BufReader::new(connection);
    let mut carried = 0;
    while let Some(request) = Request::read(&mut reader, number)? {
        if shared.stopped() {
            break;
        }
        if let Then::Close = answer(shared, &request, reader.get_mut(), &mut carried)? {
            break;
        }
    }
    // Over TLS, whatever is in its buffers.
    reader.get_mut().flush()
}

/// An answer before it is sent.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

enum Body {
    Bytes(Vec<u8>),
    /// A range of a file, which ends in zeros where it is longer than the file.
    File(PathBuf, Range<u64>),
}

impl Body {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, range) => range.end - range.start,
        }
    }
}

impl Reply {
    fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    fn page(status: u16, page: impl Into<Vec<u8>>) -> Self {
        Self::new(status, Body::Bytes(page.into())).with("Content-Type", "text/html")
    }

    fn status(status: u16) -> Self {
        Self::page(status, format!("<html><body>{status}</body></html>"))
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

fn answer(
    shared: &Shared,
    request: &Request,
    connection: &mut dyn Connection,
    carried: &mut u64,
) -> io::Result<Then> {
    let faults = shared.faults(request);
    let options = lock(&shared.options).clone();
    let index = {
        let mut seen = lock(&shared.seen);
        seen.push(Seen { request: request.clone(), status: 0, sent: 0 });
        seen.len() - 1
    };
    thread::sleep(options.delay);
    for fault in &faults {
        match fault {
            Fault::Delay(time) => thread::sleep(*time),
            Fault::StallAtOnce => {
                stall(shared);
                return Ok(Then::Close);
            }
            Fault::Close => return Ok(Then::Close),
            _ => {}
        }
    }
    let mut reply = made_up(request, &faults).unwrap_or_else(|| usual(request, &options, &faults));
    if faults.iter().any(|fault| matches!(fault, Fault::NoLength)) {
        reply = reply.with("Connection", "close");
    } else {
        let len = reply.body.len().to_string();
        reply = reply.with("Content-Length", len);
    }
    let keep = options.keep_alive
        && !reply.headers.iter().any(|(name, _)| name == "Connection")
        && request.header("Connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
    if !keep {
        reply.headers.retain(|(name, _)| name != "Connection");
        reply = reply.with("Connection", "close");
    }
    if let Some(seen) = lock(&shared.seen).get_mut(index) {
        seen.status = reply.status;
    }
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    connection.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        connection.flush()?;
        return Ok(if keep { Then::Keep } else { Then::Close });
    }
    let mut sending = Sending { shared, options: &options, index, connection, carried };
    let then = sending.body(reply.body, &faults)?;
    Ok(if keep { then } else { Then::Close })
}

/// An answer that has nothing to do with what is in the library.
fn made_up(request: &Request, faults: &[Fault]) -> Option<Reply> {
    faults.iter().find_map(|fault| match fault {
        Fault::Status(status) => Some(Reply::status(*status)),
        Fault::StatusWith(status, headers) => {
            let mut reply = Reply::status(*status);
            reply.headers.extend(headers.iter().cloned());
            Some(reply)
        }
        Fault::Page(page) => Some(Reply::page(200, page.clone())),
        Fault::Answer(answer) => {
            let Answer { status, headers, body } = answer(request)?;
            Some(Reply { status, headers, body: Body::Bytes(body) })
        }
        _ => None,
    })
}

fn usual(request: &Request, options: &Options, faults: &[Fault]) -> Reply {
    let Some(found) = store::find(options, &request.path) else {
        return Reply::status(404);
    };
    match &*request.method {
        "GET" | "HEAD" => {}
        "PROPFIND" => {
            let depth = request.header("Depth").unwrap_or("infinity");
            return match options.propfind {
                Err(status) => Reply::status(status),
                Ok(()) if depth == "infinity" => Reply::status(403),
                Ok(()) => {
                    let xml = pages::multistatus(&request.path, &found, depth).into_bytes();
                    Reply::new(207, Body::Bytes(xml)).with("Content-Type", "text/xml")
                }
            };
        }
        _ => return Reply::status(405),
    }
    match found {
        Found::File { path, etag } => file(request, options, faults, path, etag),
        Found::Signatures(tar) if options.signatures => Reply::new(200, Body::Bytes(tar)),
        Found::Signatures(_) => Reply::status(404),
        Found::Folder { .. } if request.method == "HEAD" => Reply::page(200, ""),
        Found::Folder { link, entries } => {
            if let Err(status) = options.listing {
                return Reply::status(status);
            }
            let host = request.header("Host").unwrap_or("127.0.0.1");
            let mut page = pages::listing(options, host, &link, &entries);
            for fault in faults {
                if let Fault::Rows(rows) = fault {
                    let end = page.find("</pre>").expect("it has been written so");
                    page.insert_str(end, rows);
                }
            }
            Reply::page(200, page)
        }
    }
}

fn file(
    request: &Request,
    options: &Options,
    faults: &[Fault],
    path: PathBuf,
    mut etag: String,
) -> Reply {
    let mut len = path.metadata().map_or(0, |metadata| metadata.len());
    let (mut ranges, mut shift, mut shorter, mut longer) = (options.ranges, 0, 0, 0);
    for fault in faults {
        match fault {
            Fault::Shorter { by } => len = len.saturating_sub(*by),
            Fault::Longer { by } => len += by,
            Fault::ShortBody { by } => shorter = *by,
            Fault::LongBody { by } => longer = *by,
            Fault::IgnoreRange => ranges = false,
            Fault::ShiftRange { by } => shift = *by,
            Fault::Etag(other) => etag.clone_from(other),
            _ => {}
        }
    }
    let resize = |range: Range<u64>| {
        let end = range.end.saturating_sub(shorter).max(range.start);
        range.start..end + longer
    };
    let unchanged =
        request.header("If-Range").is_none_or(|value| value == etag || value == MODIFIED);
    let wanted = request.header("Range").filter(|_| ranges && unchanged);
    let mut reply = match wanted.and_then(|value| range(value, len)) {
        None => Reply::new(200, Body::File(path, resize(0..len))),
        Some(None) => Reply::status(416).with("Content-Range", format!("bytes */{len}")),
        Some(Some(range)) => {
            let range = (range.start + shift).min(len)..(range.end + shift).min(len);
            let content = format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1));
            Reply::new(206, Body::File(path, resize(range))).with("Content-Range", content)
        }
    };
    if reply.status != 416 {
        reply = reply.with("Content-Type", "application/octet-stream");
        reply = reply.with("Last-Modified", MODIFIED);
    }
    if options.ranges {
        reply = reply.with("Accept-Ranges", "bytes");
    }
    if options.etags {
        reply = reply.with("ETag", etag);
    }
    reply
}

/// The one range of `Range` (RFC 9110, 14.1.2): `None` when the header is to be ignored, `Some(None)`
/// when the file has no such bytes.
fn range(value: &str, len: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first, last) {
        ("", last) => len.saturating_sub(last.parse().ok()?)..len,
        (first, "") => first.parse().ok()?..len,
        (first, last) => first.parse().ok()?..last.parse::<u64>().ok()?.saturating_add(1).min(len),
    };
    Some((range.start < range.end).then_some(range))
}

/// Until the server ends; a client that waits longer than this has no time-out.
fn stall(shared: &Shared) {
    let start = Instant::now();
    while !shared.stopped() && start.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(10));
    }
}

struct Sending<'a> {
    shared: &'a Shared,
    options: &'a Options,
    /// Of the request in what was seen.
    index: usize,
    connection: &'a mut dyn Connection,
    /// Bytes of bodies on this connection.
    carried: &'a mut u64,
}

/// What ends a body before its end.
#[derive(Clone, Copy)]
enum End {
    Break,
    Stall,
    Die,
}

impl Sending<'_> {
    fn body(&mut self, body: Body, faults: &[Fault]) -> io::Result<Then> {
        let len = body.len();
        let start = match &body {
            Body::Bytes(_) => 0,
            Body::File(_, range) => range.start,
        };
        let mut from: Box<dyn Read> = match body {
            Body::Bytes(bytes) => Box::new(io::Cursor::new(bytes)),
            Body::File(path, range) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(range.start))?;
                Box::new(file.chain(io::repeat(0)).take(len))
            }
        };
        let ends = faults.iter().filter_map(|fault| match *fault {
            Fault::Cut { after } => Some((after, End::Break)),
            Fault::CutConnection { after } => {
                Some((after.saturating_sub(*self.carried), End::Break))
            }
            Fault::Stall { after } => Some((after, End::Stall)),
            Fault::Die { after } => Some((after, End::Die)),
            _ => None,
        });
        let (end, why) = ends
            .min_by_key(|(after, _)| *after)
            .filter(|(after, _)| *after <= len)
            .map_or((len, None), |(after, why)| (after, Some(why)));
        let mut buffer = vec![0; 64 << 10];
        let mut sent = 0;
        let began = Instant::now();
        while sent < end {
            let wanted = usize::try_from(end - sent).map_or(buffer.len(), |n| n.min(buffer.len()));
            let mut chunk = &mut buffer[..wanted];
            from.read_exact(chunk)?;
            for fault in faults {
                if let Fault::Flip { offset } = fault
                    && let Some(at) = offset.checked_sub(start + sent)
                    && let Some(byte) = usize::try_from(at).ok().and_then(|at| chunk.get_mut(at))
                {
                    *byte ^= 0x40;
                }
            }
            let left = self.spend(chunk.len());
            if let Some(left) = left {
                chunk = &mut chunk[..left];
            }
            self.connection.write_all(chunk)?;
            sent += chunk.len() as u64;
            *self.carried += chunk.len() as u64;
            if let Some(seen) = lock(&self.shared.seen).get_mut(self.index) {
                seen.sent = sent;
            }
            if left.is_some() {
                return self.end(End::Die);
            }
            if let Some(rate) = self.options.rate {
                let due = Duration::from_secs_f64(sent as f64 / rate as f64);
                thread::sleep(due.saturating_sub(began.elapsed()));
            }
        }
        match why {
            Some(why) => self.end(why),
            None => {
                self.connection.flush()?;
                Ok(Then::Keep)
            }
        }
    }

    /// Takes so many bytes of what may be sent before the server dies; how many are left where it
    /// dies now.
    fn spend(&self, bytes: usize) -> Option<usize> {
        let bytes = i64::try_from(bytes).expect("a buffer is small");
        let budget = &self.shared.budget;
        let update = |left: i64| (left >= 0).then(|| (left - bytes).max(0));
        let before = budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, update).ok()?;
        (before <= bytes).then(|| usize::try_from(before).expect("it is not negative"))
    }

    fn end(&mut self, why: End) -> io::Result<Then> {
        self.connection.flush()?;
        match why {
            End::Break => {}
            End::Stall => stall(self.shared),
            End::Die => self.shared.die(),
        }
        Ok(Then::Close)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        207 => "Multi-Status",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
