//! One web server as all its connections see it: where it is, whether its login works, which of
//! its virtual directories opens, and the connections that wait. What goes over one connection is in
//! `talk`.

use std::fmt;
use std::io::Read as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use rustls::crypto::CryptoProvider;
use ureq::http::{HeaderMap, header};
use ureq::{Agent, BodyReader};

use media_model::HttpLocation;

use crate::access::options::AccessOptions;
use crate::access::{AccessError, AccessKind};
use crate::path::ContentPath;

use super::address::{Address, Door, Holds};
use super::answers::Way;
use super::auth::{Login, State};
use super::slow::Watch;
use super::talk::Trouble;
use super::{agent, answers, fetch, proxy, wire};

/// How much of an error page is read: it tells the sub-status, and what is read to its end leaves
/// the connection for the next request.
const PAGE: u64 = 64 << 10;

/// A web server.
pub(super) struct Site {
    name: String,
    address: Address,
    way: Way,
    config: ureq::config::Config,
    pub(super) crypto: Arc<CryptoProvider>,
    doors: &'static [Door],
    /// The door that has opened.
    door: OnceLock<Door>,
    pub(super) login: Login,
    idle: Mutex<Vec<Connection>>,
}

/// An agent with at most one connection, because an NTLM login is one of a connection.
pub(super) struct Connection {
    pub(super) agent: Agent,
    /// Whether its connection has been logged in, and may still be.
    pub(super) logged_in: bool,
    /// Whether it may hold a connection that the server has closed since.
    pub(super) used: bool,
}

/// A request.
pub(super) struct Ask<'a> {
    pub(super) method: &'static str,
    pub(super) holds: Holds,
    pub(super) path: &'a ContentPath,
    /// Whether `/` follows the path.
    pub(super) slash: bool,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(holds: Holds, path: &'a ContentPath) -> Self {
        Self { method: "GET", holds, path, slash: false, headers: Vec::new() }
    }
}

/// An answer whose body has not been read.
pub(super) struct Answer {
    pub(super) url: String,
    /// The path of the virtual directory, as links have it.
    pub(super) base: String,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: BodyReader<'static>,
    pub(super) connection: Connection,
}

impl Site {
    pub(super) fn new(
        location: &HttpLocation,
        options: &AccessOptions,
    ) -> Result<Self, AccessError> {
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let address = Address::new(location);
        // A distribution point with HTTPS that wants certificates lets accounts in by another door.
        let doors: &[Door] = if address.tls() && options.credentials().is_some() {
            &[Door::NoCertificate, Door::Usual]
        } else {
            &[Door::Usual]
        };
        let url = address.url(Holds::Packages, Door::Usual, &ContentPath::ROOT);
        let proxy = proxy::of_environment(&url, |name| std::env::var(name).ok())?;
        Ok(Self {
            name: location.to_string(),
            way: Way::new(options.clone(), proxy.as_ref().map(proxy::name)),
            config: agent::config(options, address.tls(), proxy, &crypto)?,
            address,
            crypto,
            doors,
            door: OnceLock::new(),
            login: Login::default(),
            idle: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn options(&self) -> &AccessOptions {
        self.way.options()
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    /// Asks, by each door until one has opened.
    pub(super) fn ask(&self, ask: &Ask<'_>) -> Result<Answer, AccessError> {
        if let Some(&door) = self.door.get() {
            return self.ask_at(door, ask);
        }
        let mut first: Option<Result<Answer, AccessError>> = None;
        for &door in self.doors {
            let answer = self.ask_at(door, ask);
            let (is_last_word, passes) = match &answer {
                // Without a login: the directory is not there or the file, or it wants a
                // certificate. Who got in and finds nothing need not knock at other doors.
                Ok(answer) => {
                    let inside = answer.connection.logged_in;
                    (inside || !matches!(answer.status, 403 | 404), false)
                }
                // The other may open without the login that failed here, by a certificate.
                Err(error) => (false, error.is_transient()),
            };
            if answer.as_ref().is_ok_and(|answer| answer.status < 400) {
                // Another thread may have found one first; both open.
                let _ = self.door.set(door);
            }
            // Where somebody has logged in the first door was there, and what it said counts. So
            // does a login that failed, but for a fault that hides what a certificate may open.
            let counts = match &first {
                None => false,
                Some(Ok(_)) => self.login_works(),
                Some(Err(_)) => !(passes && self.options().client_certificate().is_some()),
            };
            if is_last_word || (passes && !counts) {
                self.put_back_all(first);
                return answer;
            }
            if counts {
                self.put_back_all(Some(answer));
            } else {
                self.put_back_all(first.replace(answer));
            }
        }
        first.unwrap_or_else(|| Err(AccessError::new(self.name(), AccessKind::NotFound)))
    }

    fn login_works(&self) -> bool {
        matches!(*self.login.lock(), State::Works { .. })
    }

    fn put_back_all(&self, answer: Option<Result<Answer, AccessError>>) {
        if let Some(Ok(answer)) = answer {
            self.put_back(answer);
        }
    }

    /// The error that an unwelcome answer stands for. Its page is read, its connection kept.
    pub(super) fn refuse(&self, ask: &Ask<'_>, answer: Answer) -> AccessError {
        let target = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let target = target.map(str::to_owned);
        let (url, status) = (answer.url.clone(), answer.status);
        let page = self.put_back(answer);
        let kind = answers::Refusal {
            status,
            method: ask.method,
            closed: self.address.tls() && self.door.get().is_none() && !self.login_works(),
            certificate: self.options().client_certificate().is_some(),
            page: &page,
            target: target.as_deref(),
            way: &self.way,
        };
        AccessError::new(url, kind.kind())
    }

    /// Lets only answers of these statuses through.
    pub(super) fn expect(
        &self,
        ask: &Ask<'_>,
        answer: Answer,
        statuses: &[u16],
    ) -> Result<Answer, AccessError> {
        if statuses.contains(&answer.status) { Ok(answer) } else { Err(self.refuse(ask, answer)) }
    }

    /// The whole body of an answer, which must not have more than `limit` bytes.
    pub(super) fn small(&self, answer: Answer, limit: usize) -> Result<Vec<u8>, AccessError> {
        let Answer { url, mut body, connection, headers, .. } = answer;
        let error = |kind| AccessError::new(url.clone(), kind);
        let too_long = || {
            error(AccessKind::Malformed(format!(
                "it has more than the {limit} bytes that such a file may have"
            )))
        };
        let declared = fetch::declared(&headers).map_err(error)?;
        let most = u64::try_from(limit).unwrap_or(u64::MAX);
        if declared.is_some_and(|declared| declared > most) {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        let mut buf = [0; 16 << 10];
        let mut watch = Watch::small(&self.way);
        loop {
            let n = watch.read(&mut body, &mut buf, &self.way).map_err(error)?;
            if n == 0 {
                break;
            }
            if bytes.len() + n > limit {
                return Err(too_long());
            }
            bytes.extend_from_slice(buf.get(..n).unwrap_or_default());
            self.options().pay(n);
        }
        self.give_back(connection);
        Ok(bytes)
    }

    /// Reads the rest of an answer that nobody wants.
    pub(super) fn put_back(&self, answer: Answer) -> String {
        let Answer { body, mut connection, .. } = answer;
        let (page, whole) = self.page(body);
        if !whole {
            connection = connection.broken();
        }
        self.give_back(connection);
        page
    }

    /// Takes a connection back. Its last body must have been read to the end, or
    /// [`Connection::broken`] been said.
    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.options().connections() {
            idle.push(connection);
        }
    }

    fn connection(&self) -> Connection {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| self.fresh())
    }

    pub(super) fn fresh(&self) -> Connection {
        let agent = wire::agent(&self.config, self.options().cancel());
        Connection { agent, logged_in: false, used: false }
    }

    fn ask_at(&self, door: Door, ask: &Ask<'_>) -> Result<Answer, AccessError> {
        let mut url = self.address.url(ask.holds, door, ask.path);
        if ask.slash {
            url.push('/');
        }
        let mut connection = self.connection();
        let mut result = self.talk(&mut connection, ask, &url);
        if connection.used
            && matches!(&result, Err(Trouble::Silence(error)) if answers::is_break(error))
        {
            // It was kept too long.
            connection = self.fresh();
            result = self.talk(&mut connection, ask, &url);
        }
        match result {
            Ok(response) => {
                connection.used = true;
                let (head, body) = response.into_parts();
                Ok(Answer {
                    url,
                    base: self.address.base(ask.holds, door),
                    status: head.status.as_u16(),
                    headers: head.headers,
                    body: body.into_reader(),
                    connection,
                })
            }
            Err(Trouble::Silence(error)) => {
                Err(AccessError::new(url, answers::silence(&error, &self.way)))
            }
            Err(Trouble::Kind(kind) | Trouble::Refused(kind) | Trouble::NoRead(kind)) => {
                connection.used = true;
                self.give_back(connection);
                Err(AccessError::new(url, kind))
            }
        }
    }

    /// The start of a page, and whether that is all of it.
    pub(super) fn page(&self, body: BodyReader<'static>) -> (String, bool) {
        let mut page = Vec::new();
        let mut body = body.take(PAGE);
        let until = Instant::now() + self.options().read_timeout();
        let mut buf = [0; 4096];
        let whole = loop {
            match body.read(&mut buf) {
                Ok(0) => break body.limit() > 0,
                Ok(n) => page.extend_from_slice(buf.get(..n).unwrap_or_default()),
                Err(_) => break false,
            }
            if Instant::now() > until {
                break false;
            }
        };
        (String::from_utf8_lossy(&page).into_owned(), whole)
    }
}

impl Connection {
    /// Its body was not read to the end, so its connection is gone.
    pub(super) fn broken(mut self) -> Self {
        self.used = false;
        self.logged_in = false;
        self
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("name", &self.name).finish_non_exhaustive()
    }
}
