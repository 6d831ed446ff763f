//! One request over one connection, and the login that it may take.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use ureq::http::{HeaderMap, Request, Response, Version, header};
use ureq::{Agent, Body};

use crate::access::AccessKind;

use super::answers;
use super::auth::{Scheme, State};
use super::site::{Ask, Connection, Site};
use super::wire;

/// Why there is no answer.
pub(super) enum Trouble {
    /// Nothing came.
    Silence(ureq::Error),
    /// It is of no use to go on.
    Kind(AccessKind),
    /// As that, and the password has been tried.
    Refused(AccessKind),
    /// The login works, but this may not be read with it.
    NoRead(AccessKind),
}

impl Site {
    /// Asks on one connection; logs in where the server wants it.
    pub(super) fn talk(
        &self,
        connection: &mut Connection,
        ask: &Ask<'_>,
        url: &str,
    ) -> Result<Response<Body>, Trouble> {
        if !connection.logged_in {
            let known = self.login.lock().clone();
            if let State::Works { scheme, opened } = known {
                return self.log_in_again(connection, scheme, &opened, ask, url);
            }
        }
        let response = self.send(connection, ask, url, None)?;
        if response.status().as_u16() != 401 {
            return Ok(response);
        }
        connection.logged_in = false;
        let offered = challenges(response.headers());
        let scheme = Scheme::choose(offered.iter().map(String::as_str));
        self.page(response.into_body().into_reader());
        if self.options().credentials().is_none() {
            return Err(Trouble::Kind(AccessKind::NeedsCredentials));
        }
        let Some(scheme) = scheme else {
            let why = "the server offers neither NTLM nor Negotiate to log in; turn Windows \
                       Authentication on in IIS, or name its share (\\\\server)"
                .to_owned();
            return Err(Trouble::Kind(AccessKind::Denied(why)));
        };
        // The lock is held over the first login of the location: whoever comes meanwhile waits for
        // what comes of it, so a wrong password is sent once.
        let mut state = self.login.lock();
        match &*state {
            State::Fails(kind) => Err(Trouble::Kind(kind.clone())),
            State::Works { scheme, opened } => {
                let (scheme, opened) = (*scheme, opened.clone());
                drop(state);
                self.log_in_again(connection, scheme, &opened, ask, url)
            }
            State::Untried => {
                let result = self.log_in(connection, scheme, false, ask, url);
                let works = match &result {
                    Ok(_) => connection.logged_in,
                    Err(trouble) => matches!(trouble, Trouble::NoRead(_)),
                };
                if works {
                    *state = State::Works { scheme, opened: url.to_owned() };
                } else if let Err(Trouble::Refused(kind)) = &result {
                    *state = State::Fails(kind.clone());
                }
                result
            }
        }
    }

    /// Logs a further connection in, or one again, where the login is known to work: it has opened
    /// `opened`.
    ///
    /// A refusal then may be of this one thing, for packages can have access accounts of their own
    /// and IIS does not show others which it is (401.3), or the password was changed. What the login
    /// has opened before tells: so at most two logins are refused.
    fn log_in_again(
        &self,
        connection: &mut Connection,
        scheme: Scheme,
        opened: &str,
        ask: &Ask<'_>,
        url: &str,
    ) -> Result<Response<Body>, Trouble> {
        let result = self.log_in(connection, scheme, true, ask, url);
        if !matches!(result, Err(Trouble::Refused(_))) {
            return result;
        }
        // Held meanwhile: one of several threads finds out.
        let mut state = self.login.lock();
        if let State::Fails(kind) = &*state {
            return Err(Trouble::Kind(kind.clone()));
        }
        let mut another = self.fresh();
        let head = Ask { method: "HEAD", headers: Vec::new(), ..*ask };
        match self.log_in(&mut another, scheme, true, &head, opened) {
            Ok(response) => {
                self.page(response.into_body().into_reader());
                *connection = another;
                Err(Trouble::NoRead(AccessKind::Denied(
                    "HTTP 401 after the login: no Read here; see the package's access accounts"
                        .to_owned(),
                )))
            }
            Err(Trouble::Refused(kind)) => {
                *state = State::Fails(kind.clone());
                Err(Trouble::Refused(kind))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// The login: the request with our first message, and again with the answer to the server's.
    fn log_in(
        &self,
        connection: &mut Connection,
        scheme: Scheme,
        proven: bool,
        ask: &Ask<'_>,
        url: &str,
    ) -> Result<Response<Body>, Trouble> {
        let malformed = |what: &str| Trouble::Kind(AccessKind::Malformed(what.to_owned()));
        let Some(credentials) = self.options().credentials() else {
            return Err(Trouble::Kind(AccessKind::NeedsCredentials));
        };
        let mut random = [0; 8];
        let filled = self.crypto.secure_random.fill(&mut random);
        filled.map_err(|_| malformed("the system gives no random numbers for the login"))?;
        let mut login = scheme.login(credentials, random);

        let first = scheme.authorization(&login.start());
        let response = self.send(connection, ask, url, Some(first))?;
        if response.status().as_u16() != 401 {
            return Ok(response);
        }
        let challenge = scheme.challenge(challenges(response.headers()).iter().map(String::as_str));
        let closes = closes(&response);
        let (_, whole) = self.page(response.into_body().into_reader());
        let challenge =
            challenge.ok_or_else(|| {
                malformed(
                    "the server offers a login and gives no challenge for it; something before it \
                     may take that out: name the distribution point itself, or its share (\\\\server)",
                )
            })?;
        if closes || !whole {
            return Err(malformed(
                "the server, or a proxy, closes the connection in the middle of the login, which is \
                 one of a connection; list the server in no_proxy, or name its share (\\\\server)",
            ));
        }
        let answer = login.answer(&challenge).map_err(malformed)?;
        let sent = self.send(connection, ask, url, Some(scheme.authorization(&answer)));
        let tried = |what: &str| {
            let why = format!(
                "{what}; it is not tried again, for it may have counted as a wrong password"
            );
            Trouble::Refused(AccessKind::Account(why))
        };
        let response = match sent {
            Ok(response) => response,
            Err(trouble) if proven || self.options().cancel().is_cancelled() => {
                return Err(trouble);
            }
            Err(_) => return Err(tried("the connection broke before the server answered to it")),
        };
        let status = response.status().as_u16();
        if status == 401 {
            let (page, _) = self.page(response.into_body().into_reader());
            if answers::names(&page, "401.3") {
                let why = "HTTP 401.3: the account has no Read here; see the package's access \
                           accounts";
                return Err(Trouble::NoRead(AccessKind::Denied(why.to_owned())));
            }
            return Err(Trouble::Refused(if proven {
                AccessKind::Account("what has worked is refused now".to_owned())
            } else {
                AccessKind::WrongPassword
            }));
        }
        if !proven && tells_nothing(status) {
            self.page(response.into_body().into_reader());
            return Err(tried(&format!("the server answered {status} to it")));
        }
        connection.logged_in = true;
        Ok(response)
    }

    fn send(
        &self,
        connection: &Connection,
        ask: &Ask<'_>,
        url: &str,
        authorization: Option<String>,
    ) -> Result<Response<Body>, Trouble> {
        let mut request = Request::builder().method(ask.method).uri(url);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let bad = |_| {
            // All of it is made here, and encoded.
            Trouble::Kind(AccessKind::Malformed("it cannot be asked for over HTTP".to_owned()))
        };
        let request = request.body(()).map_err(bad)?;
        let result = if connection.used || !self.options().cancel().is_possible() {
            connection.agent.run(request)
        } else {
            self.run_aside(&connection.agent, request)
        };
        result.map_err(Trouble::Silence)
    }

    /// Runs a request that has to connect first on a thread of its own: looking a name up and
    /// connecting cannot be interrupted, only left alone until their time limits end them.
    fn run_aside(
        &self,
        agent: &Agent,
        request: Request<()>,
    ) -> Result<Response<Body>, ureq::Error> {
        let cancel = self.options().cancel();
        let (sender, receiver) = mpsc::sync_channel(1);
        let agent = agent.clone();
        let work = move || {
            // Nobody may be waiting any more.
            let _ = sender.send(agent.run(request));
        };
        thread::Builder::new().name("http connect".to_owned()).spawn(work)?;
        loop {
            if cancel.is_cancelled() {
                return Err(wire::cancelled());
            }
            match receiver.recv_timeout(wire::TURN) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ureq::Error::ConnectionFailed),
            }
        }
    }
}

fn challenges(headers: &HeaderMap) -> Vec<String> {
    let fields = headers.get_all(header::WWW_AUTHENTICATE).iter();
    fields.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
}

/// Whether the connection ends with this answer.
fn closes(response: &Response<Body>) -> bool {
    let says = |word: &str| {
        let fields = response.headers().get_all(header::CONNECTION).iter();
        let mut words = fields.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        words.any(|found| found.trim().eq_ignore_ascii_case(word))
    };
    says("close") || (response.version() < Version::HTTP_11 && !says("keep-alive"))
}

/// Whether an answer to a login leaves open what the server thinks of the password: it is busy or
/// broken, or another has answered in its place.
fn tells_nothing(status: u16) -> bool {
    matches!(status, 400 | 407 | 408 | 421 | 429 | 500..)
}
