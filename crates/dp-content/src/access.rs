//! Reaching files: the one trait behind HTTP, SMB and folders, and what can go wrong on the way.

pub(crate) mod bandwidth;
pub(crate) mod credentials;
pub(crate) mod gather;
pub(crate) mod options;
pub(crate) mod patience;
pub(crate) mod walk;

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use extent_image::Timestamp;

use crate::path::ContentPath;

/// A tree of files that can be listed and read at an offset: a web server, a share, a folder. Knows
/// nothing of packages. Names compare without regard to case where the server does so.
///
/// An implementation tries each request once, but for what its protocol makes it repeat (a login, a
/// connection that was idle too long): whoever calls retries.
pub trait Transport: Send + Sync {
    /// What messages call it: `http://dp`, `\\dp\SCCMContentLib$`, a path. Never holds a secret.
    fn describe(&self) -> String;

    /// What is in a folder, itself and its parent not. A name that is no Unicode has U+FFFD where it
    /// is none; nothing can be asked for by it.
    ///
    /// # Errors
    /// [`AccessError`]; [`AccessKind::NotFound`] when there is no such folder.
    fn list(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError>;

    /// A small file, whole.
    ///
    /// # Errors
    /// [`AccessError`]; [`AccessKind::Malformed`] when it has more than `limit` bytes.
    fn read(&self, path: &ContentPath, limit: usize) -> Result<Vec<u8>, AccessError>;

    /// The bytes `range` of a file that must have `len` bytes. What is read may end early or fail
    /// on the way with an [`io::Error`] that holds an [`AccessError`]; it never gives more.
    ///
    /// # Errors
    /// [`AccessError`]; [`AccessKind::Length`] when the file is known to have another length.
    fn open(
        &self,
        path: &ContentPath,
        range: Range<u64>,
        len: u64,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError>;

    /// Where a [`Library`](crate::Library) over this transport learns the names of a content's
    /// files, and whether files are to be had by these names.
    fn names_by(&self) -> NamesBy {
        NamesBy::DataLib
    }

    /// The names in the signature file of a content, for [`NamesBy::Content`] where the content
    /// cannot be listed.
    ///
    /// # Errors
    /// [`AccessError`]; [`AccessKind::NotFound`], which this method says unless it is written anew,
    /// when there is no such file.
    fn signature_names(&self, content_id: &str) -> Result<Vec<ContentPath>, AccessError> {
        Err(AccessError::new(format!("the signature of {content_id}"), AccessKind::NotFound))
    }

    /// Further drives over which the library may extend: each has a `FileLib` below its root. Asked
    /// for once, when the library's own `FileLib` lacks a file; one that turns out not to exist
    /// ([`AccessKind::NotFound`], [`AccessKind::NoShare`]) is no error, so they need not be tried
    /// before they are given.
    fn spans(&self) -> Vec<Arc<dyn Transport>> {
        Vec::new()
    }
}

/// Where the names of a content's files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamesBy {
    /// From the folders below `DataLib/<content id>`, whose files are `<name>.INI`: shares and
    /// folders. Bytes are in `FileLib` only.
    DataLib,
    /// From the folder `<content id>` at the root, whose files have their own names and bytes: the
    /// web server of a distribution point, which shows what is in `DataLib` but cannot be walked
    /// there.
    Content,
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransportEntry {
    /// Its name, as stored.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Its length in bytes, where the listing tells.
    pub len: Option<u64>,
    /// When it was last modified, where the listing tells in a form that means one moment.
    pub modified: Option<Timestamp>,
}

/// Something could not be reached or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {kind}")]
pub struct AccessError {
    what: String,
    kind: AccessKind,
}

/// Why something could not be reached or read, in an administrator's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessKind {
    /// No such file or folder (HTTP 404, `OBJECT_NAME_NOT_FOUND`).
    #[error("not there")]
    NotFound,
    /// No such share (`BAD_NETWORK_NAME`).
    #[error("there is no such share")]
    NoShare,
    /// The account may not (HTTP 403, `ACCESS_DENIED`).
    #[error("access denied{}", in_brackets(.0))]
    Denied(
        /// Which right is missing; empty when that is not known.
        String,
    ),
    /// It wants an account, and none was given (HTTP 401 without credentials).
    #[error("an account is needed; give one with --user")]
    NeedsCredentials,
    /// Wrong user name or password (`LOGON_FAILURE`, HTTP 401 after the login), or a server that
    /// says so because it does not take the kind of login. Not tried again: accounts get locked.
    #[error(
        "the user name or password is wrong, or the server does not take NTLM (restricted by \
         policy, Extended Protection, Kerberos only)"
    )]
    WrongPassword,
    /// There is no login: the account is locked, disabled or expired; what came of the login is not
    /// known; one that has worked is refused. Not tried again.
    #[error("no login: {0}")]
    Account(
        /// Why.
        String,
    ),
    /// It wants a client certificate (HTTP 403.7).
    #[error("a client certificate is needed; give one with --client-certificate")]
    NeedsCertificate,
    /// The TLS session cannot be had.
    #[error("no TLS session: {0}")]
    Tls(
        /// Why.
        String,
    ),
    /// Nobody answers there.
    #[error("cannot be reached: {0}")]
    Unreachable(
        /// Why.
        String,
    ),
    /// The connection broke on the way.
    #[error("the connection broke: {0}")]
    Lost(
        /// How.
        String,
    ),
    /// Nothing came for too long, or next to nothing.
    #[error("nothing came for {seconds} s, or too little")]
    Stalled {
        /// How long.
        seconds: u64,
    },
    /// The server is busy or broken (HTTP 408, 429, 5xx).
    #[error("the server answers {status}{}", in_brackets(.hint))]
    Server {
        /// HTTP status or NTSTATUS in hexadecimal.
        status: String,
        /// What is known about it; may be empty.
        hint: String,
        /// Whether it may be otherwise soon.
        transient: bool,
    },
    /// The file has another length than it must have.
    #[error("has {found} bytes where {expected} are due")]
    Length {
        /// Its length by the content library.
        expected: u64,
        /// Its length there.
        found: u64,
    },
    /// Another file has come in its place since it was listed, and nothing tells whether what was
    /// read before belongs to it.
    #[error("was changed since it was listed; run again")]
    Changed,
    /// What came is not what it should be.
    #[error("{0}")]
    Malformed(
        /// What is wrong with it, and where.
        String,
    ),
    /// The web server sends on to another address, which is not followed.
    #[error(
        "the server answers {status} and sends on to {target}, which is not followed; if that is \
         the distribution point, name it"
    )]
    Redirected {
        /// HTTP status.
        status: u16,
        /// Where to; as much of it as is worth showing.
        target: String,
    },
    /// Something that was given here is of no use: a file of certificates, a proxy.
    #[error("{0}")]
    Unusable(
        /// What is wrong with it.
        String,
    ),
    /// Whoever wanted it does not want it any more ([`AccessOptions::with_cancelled`]).
    ///
    /// [`AccessOptions::with_cancelled`]: crate::AccessOptions::with_cancelled
    #[error("cancelled")]
    Cancelled,
    /// The operating system says no, in its own words.
    #[error("{message}")]
    Io {
        /// The kind of error.
        kind: io::ErrorKind,
        /// Its text.
        message: String,
    },
}

impl AccessKind {
    /// What can be done about it, where its text does not say so itself.
    pub(crate) fn way_out(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotFound => "see whether the content is distributed there, or redistribute it",
            Self::NoShare => {
                "see whether the server is a distribution point; name its web server \
                 (http://server), or the share itself if it has another name"
            }
            Self::Denied(why) if why.is_empty() => "give an account that may read it with --user",
            Self::WrongPassword => {
                "correct --user or the password; it is tried once, for accounts get locked"
            }
            Self::Account(_) => "have that put right, or give another account with --user",
            Self::Unreachable(_) => {
                "see whether the name and the port are right, the server runs and no firewall is \
                 between, or name another distribution point"
            }
            Self::Lost(_) | Self::Stalled { .. } => "run again, or name another distribution point",
            Self::Server { transient: true, .. } => {
                "run again later, or name another distribution point"
            }
            Self::Server { .. } => {
                "see the server's logs, or name its share (\\\\server), its web server \
                 (http://server) or another distribution point"
            }
            Self::Length { .. } => "redistribute the content",
            Self::Io { .. } => "see whether that folder can be read here",
            Self::Denied(_)
            | Self::NeedsCredentials
            | Self::NeedsCertificate
            | Self::Tls(_)
            | Self::Changed
            | Self::Malformed(_)
            | Self::Redirected { .. }
            | Self::Unusable(_)
            | Self::Cancelled => return None,
        })
    }
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

impl AccessError {
    /// `what` is the address of the thing as an administrator would write it.
    pub fn new(what: impl Into<String>, kind: AccessKind) -> Self {
        Self { what: what.into(), kind }
    }

    /// What could not be reached or read.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Why.
    pub fn kind(&self) -> &AccessKind {
        &self.kind
    }

    /// Whether it is worth trying again soon. Never for logins, for what is not there or not
    /// allowed, nor for wrong content.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            AccessKind::Unreachable(_) | AccessKind::Lost(_) | AccessKind::Stalled { .. } => true,
            AccessKind::Server { transient, .. } => *transient,
            _ => false,
        }
    }

    /// The error inside an [`io::Error`] that a transport's reader gave; any other becomes
    /// [`AccessKind::Io`], or [`AccessKind::Lost`] where it is of a connection.
    pub fn of_io(what: &str, error: &io::Error) -> Self {
        if let Some(error) = error.get_ref().and_then(|inside| inside.downcast_ref::<Self>()) {
            return error.clone();
        }
        let kind = match error.kind() {
            io::ErrorKind::NotFound => AccessKind::NotFound,
            io::ErrorKind::PermissionDenied => AccessKind::Denied(String::new()),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::TimedOut
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::UnexpectedEof => AccessKind::Lost(error.to_string()),
            _ if is_network_path_gone(error) => AccessKind::Lost(error.to_string()),
            kind => AccessKind::Io { kind, message: error.to_string() },
        };
        Self::new(what, kind)
    }
}

/// What Windows says of a path on a server when the connection breaks: `ERROR_UNEXP_NET_ERR`,
/// `ERROR_NETNAME_DELETED`, `ERROR_SEM_TIMEOUT`.
fn is_network_path_gone(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(59 | 64 | 121))
}

impl From<AccessError> for io::Error {
    fn from(error: AccessError) -> Self {
        Self::other(error)
    }
}
