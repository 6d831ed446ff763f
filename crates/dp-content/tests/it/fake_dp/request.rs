//! A request, as it came.

use std::io::{self, BufRead, Read};

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Number of its connection, from 0.
    pub(crate) connection: usize,
    pub(crate) method: String,
    /// As it stands in the request line.
    pub(crate) target: String,
    /// Percent-decoded, `/` between names and none at the ends; no query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// `None` when the connection ended before a request began.
    pub(super) fn read(reader: &mut dyn BufRead, connection: usize) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut words = line.split_ascii_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(bad("no request line"));
        };
        let mut request = Self {
            connection,
            method: method.to_owned(),
            target: target.to_owned(),
            path: path_of(target),
            ..Self::default()
        };
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(bad("it ends in the headers"));
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("no header"))?;
            request.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        assert!(request.header("Transfer-Encoding").is_none(), "not made for such bodies");
        if let Some(len) = request.header("Content-Length") {
            let len = len.parse().map_err(|_| bad("no length"))?;
            reader.take(len).read_to_end(&mut request.body)?;
        }
        Ok(Some(request))
    }
}

/// The path of a target, which may have a host before it where a proxy is asked.
fn path_of(target: &str) -> String {
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => target,
    };
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decoded(path).replace('\\', "/");
    path.trim_matches('/').to_owned()
}

fn percent_decoded(text: &str) -> String {
    let hex = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = behind
            .split_at_checked(2)
            .filter(|_| first == b'%')
            .and_then(|(digits, behind)| Some((hex(digits)?, behind)))
            .unwrap_or((first, behind));
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether `path` is `end` or ends with it behind a `/`, in any case.
pub(super) fn suffix_matches(path: &str, end: &str) -> bool {
    let (path, end) = (path.to_lowercase(), end.trim_matches('/').to_lowercase());
    end.is_empty()
        || path.strip_suffix(&*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
