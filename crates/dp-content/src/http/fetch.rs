//! Bytes of a file: range requests (RFC 9110, sections 13.1.5 and 14) and the bodies that come, each
//! measured against what is due.
//!
//! A file that is another one than when it was first read (its ETag or date has changed) is reported
//! as [`AccessKind::Lost`]: whoever reads goes on from where it was in what is there now, and the
//! digest of the whole tells whether that is still the same content, which it is when a file was
//! only distributed again.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::BodyReader;
use ureq::http::{HeaderMap, HeaderName, header};

use crate::access::{AccessError, AccessKind};
use crate::path::ContentPath;

use super::address::Holds;
use super::site::{Answer, Ask, Connection, Site};
use super::slow::Watch;

/// Files whose validators are remembered; beyond that all are forgotten, which costs nothing but
/// the check.
const MOST_REMEMBERED: usize = 4096;

/// Asks a site for bytes of files and remembers which version of each it has seen.
pub(super) struct Fetcher {
    pub(super) site: Arc<Site>,
    seen: Mutex<HashMap<ContentPath, Validator>>,
}

/// What tells versions of a file apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Validator {
    etag: Option<String>,
    modified: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// These bytes ...
    pub(super) range: Range<u64>,
    /// ... or up to here, when the server gives the whole file anyway.
    pub(super) end: u64,
    /// The length that the file must have.
    pub(super) len: u64,
}

impl Fetcher {
    pub(super) fn new(site: Arc<Site>) -> Self {
        Self { site, seen: Mutex::default() }
    }

    /// Asks for bytes of a file.
    pub(super) fn fetch(&self, path: &ContentPath, wanted: &Wanted) -> Result<Bytes, AccessError> {
        let Wanted { range, end, len } = wanted;
        let whole = *range == (0..*len);
        let before = self.remembered(path);
        let mut headers = Vec::new();
        if !whole {
            headers.push(("Range", format!("bytes={}-{}", range.start, range.end - 1)));
            if let Some(value) = before.as_ref().and_then(Validator::if_range) {
                headers.push(("If-Range", value.to_owned()));
            }
        }
        let mut ask = Ask::get(Holds::Packages, path);
        ask.headers = headers;
        let answer = self.site.ask(&ask)?;
        let error = |kind| AccessError::new(answer.url.clone(), kind);
        let declared = declared(&answer.headers).map_err(error)?;
        let now = Validator::of(&answer.headers);
        let changed = before.as_ref().is_some_and(|before| before.differs(&now));
        self.remember(path, now);
        let (skip, left, part) = match answer.status {
            200 => {
                if let Some(found) = declared.filter(|found| found != len) {
                    return Err(error(AccessKind::Length { expected: *len, found }));
                }
                if changed && !whole {
                    return Err(error(AccessKind::Lost(
                        "the file has changed on the server".to_owned(),
                    )));
                }
                (range.start, end - range.start, *end < *len)
            }
            206 if !whole => {
                check_part(&answer.headers, declared, range, *len).map_err(error)?;
                if changed {
                    return Err(error(AccessKind::Lost(
                        "the file has changed on the server".to_owned(),
                    )));
                }
                (0, range.end - range.start, false)
            }
            206 => {
                let what = "the server answers 206 where no range was asked for";
                return Err(error(AccessKind::Malformed(what.to_owned())));
            }
            416 => {
                let found = ContentRange::of(&answer.headers).and_then(|sent| sent.len);
                return Err(match found.filter(|found| found != len) {
                    Some(found) => error(AccessKind::Length { expected: *len, found }),
                    None => self.site.refuse(&ask, answer),
                });
            }
            _ => return Err(self.site.refuse(&ask, answer)),
        };
        let ranged = answer.status == 206;
        Ok(Bytes::new(Arc::clone(&self.site), answer, Due { skip, left, part, ranged }))
    }

    fn remembered(&self, path: &ContentPath) -> Option<Validator> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn remember(&self, path: &ContentPath, validator: Validator) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_REMEMBERED && !seen.contains_key(path) {
            seen.clear();
        }
        seen.insert(path.clone(), validator);
    }
}

impl Validator {
    fn of(headers: &HeaderMap) -> Self {
        Self { etag: text(headers, header::ETAG), modified: text(headers, header::LAST_MODIFIED) }
    }

    /// What `If-Range` takes: a strong ETag, else the date.
    fn if_range(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|etag| etag.starts_with('"'));
        strong.or(self.modified.as_deref())
    }

    /// Whether the two are of different versions; what only one of them tells does not count.
    fn differs(&self, other: &Self) -> bool {
        match (&self.etag, &other.etag) {
            (Some(a), Some(b)) => a != b,
            _ => matches!((&self.modified, &other.modified), (Some(a), Some(b)) if a != b),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The length of the body, where it is declared. An encoding that was not asked for changes it, and
/// everything else.
pub(super) fn declared(headers: &HeaderMap) -> Result<Option<u64>, AccessKind> {
    if let Some(encoding) = text(headers, header::CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        let what = "the server, or a proxy, encodes the file, which it was told not to";
        return Err(AccessKind::Malformed(what.to_owned()));
    }
    Ok(text(headers, header::CONTENT_LENGTH).and_then(|text| text.parse().ok()))
}

/// Whether a 206 holds what was asked for.
fn check_part(
    headers: &HeaderMap,
    declared: Option<u64>,
    range: &Range<u64>,
    len: u64,
) -> Result<(), AccessKind> {
    let malformed = |what: String| Err(AccessKind::Malformed(what));
    let Some(ContentRange { bytes: Some(found), len: total }) = ContentRange::of(headers) else {
        return malformed("the server does not say which range it sends".to_owned());
    };
    if let Some(found) = total.filter(|total| *total != len) {
        return Err(AccessKind::Length { expected: len, found });
    }
    let due = (range.start, range.end - 1);
    if found != due {
        return malformed(format!(
            "the server sends bytes {}-{} where {}-{} were asked for",
            found.0, found.1, due.0, due.1
        ));
    }
    match declared {
        Some(declared) if declared != range.end - range.start => malformed(format!(
            "the server sends {declared} bytes where {} were asked for",
            range.end - range.start
        )),
        _ => Ok(()),
    }
}

/// `Content-Range: bytes 0-9/100` (RFC 9110, section 14.4).
struct ContentRange {
    /// The first and the last byte; `None` for `*`.
    bytes: Option<(u64, u64)>,
    /// The length of the file; `None` for `*`.
    len: Option<u64>,
}

impl ContentRange {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = text(headers, header::CONTENT_RANGE)?;
        let (bytes, len) = value.trim().strip_prefix("bytes ")?.trim().split_once('/')?;
        let bytes = match bytes.split_once('-') {
            Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
            None if bytes == "*" => None,
            None => return None,
        };
        let len = if len == "*" { None } else { Some(len.parse().ok()?) };
        Some(Self { bytes, len })
    }
}

/// What of a body is due.
struct Due {
    /// Bytes before them that nobody wants: the server has sent the whole file.
    skip: u64,
    /// Bytes that are due after those.
    left: u64,
    /// Whether the body goes on behind them.
    part: bool,
    /// Whether the server honours ranges.
    ranged: bool,
}

/// The bytes of a body that are due: never more, and fewer only with an error.
pub(super) struct Bytes {
    site: Arc<Site>,
    what: String,
    /// `None` when all has come, or an error.
    source: Option<(BodyReader<'static>, Connection)>,
    due: Due,
    came: u64,
    watch: Watch,
}

impl Bytes {
    fn new(site: Arc<Site>, answer: Answer, due: Due) -> Self {
        let Answer { url, body, connection, .. } = answer;
        let watch = Watch::file(site.way());
        Self { site, what: url, source: Some((body, connection)), due, came: 0, watch }
    }

    /// Whether the server honoured the range.
    pub(super) fn ranged(&self) -> bool {
        self.due.ranged
    }

    fn fail(&mut self, kind: AccessKind) -> io::Error {
        if let Some((_, connection)) = self.source.take() {
            self.site.give_back(connection.broken());
        }
        AccessError::new(self.what.clone(), kind).into()
    }

    /// Reads from the body, at most `most` bytes; the end is an error.
    fn pull(&mut self, buf: &mut [u8], most: u64) -> io::Result<usize> {
        let Some((body, _)) = &mut self.source else { return Ok(0) };
        let options = self.site.options();
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(buf.len());
        let most = options.bandwidth().map_or(most, |limit| most.min(limit.step()));
        let buf = buf.get_mut(..most).unwrap_or_default();
        match self.watch.read(body, buf, self.site.way()) {
            Ok(0) => {
                let (came, due) = (self.came, self.came + self.due.skip + self.due.left);
                Err(self.fail(AccessKind::Lost(format!("after {came} of {due} bytes"))))
            }
            Ok(n) => {
                self.came += u64::try_from(n).unwrap_or_default();
                options.pay(n);
                Ok(n)
            }
            Err(kind) => Err(self.fail(kind)),
        }
    }

    /// There is no bound to it but the file's length: a server without ranges gives bytes in no
    /// other way.
    fn skip(&mut self) -> io::Result<()> {
        let mut scrap = [0; 16 << 10];
        while self.source.is_some() && self.due.skip > 0 {
            let n = self.pull(&mut scrap, self.due.skip)?;
            self.due.skip -= u64::try_from(n).unwrap_or_default();
        }
        Ok(())
    }

    /// All that is due has come: so must the end, which also frees the connection.
    fn end(&mut self) -> io::Result<()> {
        if self.due.part {
            if let Some((_, connection)) = self.source.take() {
                self.site.give_back(connection.broken());
            }
            return Ok(());
        }
        let Some((mut body, connection)) = self.source.take() else { return Ok(()) };
        match body.read(&mut [0]) {
            Ok(0) => self.site.give_back(connection),
            Ok(_) => {
                let what = format!("the server sends more than the {} bytes due", self.came);
                return Err(self.fail(AccessKind::Malformed(what)));
            }
            // All bytes are there; only the connection is not.
            Err(_) => self.site.give_back(connection.broken()),
        }
        Ok(())
    }
}

impl Read for Bytes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.due.skip > 0 {
            self.skip()?;
        }
        if buf.is_empty() || self.due.left == 0 || self.source.is_none() {
            return Ok(0);
        }
        let n = self.pull(buf, self.due.left)?;
        self.due.left -= u64::try_from(n).unwrap_or_default();
        if self.due.left == 0 {
            self.end()?;
        }
        Ok(n)
    }
}

impl Drop for Bytes {
    /// The connection is gone, but its agent remembers the TLS session.
    fn drop(&mut self) {
        if let Some((_, connection)) = self.source.take() {
            self.site.give_back(connection.broken());
        }
    }
}
