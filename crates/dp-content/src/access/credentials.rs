//! Accounts, with passwords that nothing prints.

use std::fmt;

/// A password. `Debug` shows that there is one, nothing more; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for a login only.
    #[cfg_attr(
        not(any(feature = "http", feature = "smb")),
        expect(dead_code, reason = "the transports log in with it")
    )]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// An account and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    domain: String,
    user: String,
    password: Password,
}

impl Credentials {
    /// `account` is `DOMAIN\name`, `name@domain` (then there is no domain apart), or a local name.
    pub fn new(account: &str, password: Password) -> Self {
        let (domain, user) = account.split_once('\\').unwrap_or(("", account));
        Self { domain: domain.to_owned(), user: user.to_owned(), password }
    }

    /// The domain; empty where none was given.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name of the user.
    pub fn user(&self) -> &str {
        &self.user
    }

    #[cfg_attr(
        not(any(feature = "http", feature = "smb")),
        expect(dead_code, reason = "the transports log in with it")
    )]
    pub(crate) fn password(&self) -> &Password {
        &self.password
    }
}
