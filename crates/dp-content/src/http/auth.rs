//! Logging in over HTTP (RFC 9110 section 11, RFC 4559): what a scheme must be able to do, and what
//! a location knows of its login.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::access::AccessKind;
use crate::access::credentials::Credentials;

use super::ntlm::Ntlm;

/// One login on one connection: a message, the server's challenge, the answer to it. All tokens are
/// raw; who calls encodes them.
///
/// Kerberos would be another implementation: it needs a ticket cache and a library of the system, so
/// it is left out, and `Negotiate` carries the NTLM messages as they are, which IIS and `mod_auth_gssapi`
/// accept.
pub(super) trait Authenticate {
    /// The first message.
    fn start(&mut self) -> Vec<u8>;

    /// The answer to the server's challenge, which no one has checked.
    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, &'static str>;
}

/// A login that the server offered and we can do: the name of the scheme, for `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Ntlm,
    Negotiate,
}

impl Scheme {
    /// Plain NTLM before Negotiate: it is what Negotiate would come to, without the choice.
    const PREFERRED: [Self; 2] = [Self::Ntlm, Self::Negotiate];

    /// The best one among the `WWW-Authenticate` fields of a 401.
    pub(super) fn choose<'a>(fields: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        Self::PREFERRED.into_iter().find(|scheme| {
            fields.clone().any(|field| field.split(',').any(|one| scheme.token_of(one).is_some()))
        })
    }

    /// The challenge it came with in these fields; `None` where there is none or it is not base64.
    pub(super) fn challenge<'a>(self, fields: impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
        fields
            .flat_map(|field| field.split(','))
            .filter_map(|one| self.token_of(one))
            .find(|token| !token.is_empty())
            .and_then(|token| BASE64_STANDARD.decode(token).ok())
    }

    /// The value of `Authorization` that carries `token`.
    pub(super) fn authorization(self, token: &[u8]) -> String {
        format!("{} {}", self.name(), BASE64_STANDARD.encode(token))
    }

    /// Starts a login.
    pub(super) fn login(self, credentials: &Credentials, random: [u8; 8]) -> Box<dyn Authenticate> {
        match self {
            Self::Ntlm | Self::Negotiate => Box::new(Ntlm::new(credentials, random)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ntlm => "NTLM",
            Self::Negotiate => "Negotiate",
        }
    }

    fn token_of(self, challenge: &str) -> Option<&str> {
        let challenge = challenge.trim();
        let (name, token) = challenge.split_once(' ').unwrap_or((challenge, ""));
        name.eq_ignore_ascii_case(self.name()).then(|| token.trim())
    }
}

/// What all connections of a location know about its login. A password is tried once: the first
/// login is done under the lock, and when it fails nobody tries again.
#[derive(Debug, Default)]
pub(super) struct Login(Mutex<State>);

/// How far the login of a location is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody has tried.
    #[default]
    Untried,
    /// It is known to work; every connection may log in.
    Works {
        scheme: Scheme,
        /// The address that it has opened first.
        opened: String,
    },
    /// It is known to fail, or what came of it is not known; nobody may try.
    Fails(AccessKind),
}

impl Login {
    /// The state, locked: who means to change it keeps the lock over the login.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_found_in_any_form() {
        let choose = |fields: &[&'static str]| Scheme::choose(fields.iter().copied());
        assert_eq!(choose(&["Negotiate", "NTLM"]), Some(Scheme::Ntlm));
        assert_eq!(choose(&["Negotiate, ntlm"]), Some(Scheme::Ntlm));
        assert_eq!(choose(&["negotiate"]), Some(Scheme::Negotiate));
        assert_eq!(choose(&["Basic realm=\"NTLM\""]), None);
        assert_eq!(choose(&[]), None);
        let challenge = |field: &'static str| Scheme::Ntlm.challenge([field].into_iter());
        assert_eq!(challenge("NTLM dGVzdA=="), Some(b"test".to_vec()));
        assert_eq!(challenge("NTLM"), None);
        assert_eq!(challenge("NTLM ?"), None);
        assert_eq!(Scheme::Negotiate.authorization(b"test"), "Negotiate dGVzdA==");
    }
}
