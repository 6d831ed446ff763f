//! How locations are reached: accounts, certificates, time limits, bandwidth.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::access::bandwidth::Bandwidth;
use crate::access::credentials::Credentials;

/// How locations are reached. The same for all locations of a run.
///
/// `Debug` shows no secret: of an account its name, of certificates their files.
#[derive(Debug, Clone)]
pub struct AccessOptions {
    credentials: Option<Credentials>,
    ca_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    user_agent: String,
    connect_timeout: Duration,
    read_timeout: Duration,
    connections: usize,
    bandwidth: Option<Arc<Bandwidth>>,
    cancel: Cancel,
}

/// Whether the run is to end; asked by whoever waits.
#[derive(Clone, Default)]
pub(crate) struct Cancel(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Cancel {
    /// Whether anybody can cancel, so that it is worth asking.
    pub(crate) fn is_possible(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the run is to end.
    #[cfg(any(feature = "http", feature = "smb"))]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|cancelled| cancelled())
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_possible()).finish()
    }
}

impl Default for AccessOptions {
    fn default() -> Self {
        Self {
            credentials: None,
            ca_file: None,
            client_certificate: None,
            // Our own name, so that who reads a distribution point's log sees who it was. Servers
            // are not known to look at it.
            user_agent: concat!("capmedia/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_secs(30),
            connections: Self::MOST_CONNECTIONS,
            bandwidth: None,
            cancel: Cancel::default(),
        }
    }
}

impl AccessOptions {
    /// No file is read over more connections at once: a distribution point also serves its
    /// clients.
    pub const MOST_CONNECTIONS: usize = 4;

    /// Anonymous, the system's trusted certificates, 15 s to connect, 30 s for each reading, up to
    /// 4 connections, no bandwidth limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// The account for locations that want one. Default: none.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// A PEM file of the certificates to trust *in place of* the system's: who names the authority
    /// of his distribution points wants no other to vouch for them. Default: the system's.
    #[must_use]
    pub fn with_ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// A PEM file with a client certificate, its chain and its private key (unencrypted).
    /// Default: none.
    #[must_use]
    pub fn with_client_certificate(mut self, file: impl Into<PathBuf>) -> Self {
        self.client_certificate = Some(file.into());
        self
    }

    /// What to call ourselves. Default: `capmedia/` and the version; `SMS CCM 5.0 TS` is what a
    /// client in Windows PE says, for networks that let only that pass.
    #[must_use]
    pub fn with_user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// The longest wait for a connection, TLS included. Default 15 s.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest wait for an answer, and for the next bytes of it. In twice this time a file must
    /// come at 1 KiB/s at least, however its bytes are spread. Default 30 s.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Over how many connections one large file may come at once, where that helps. Default and
    /// most: [`MOST_CONNECTIONS`](Self::MOST_CONNECTIONS); 0 counts as 1.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.clamp(1, Self::MOST_CONNECTIONS);
        self
    }

    /// A limit in bytes per second over all locations and connections that are opened with these
    /// options or clones of them. Default: none.
    #[must_use]
    pub fn with_bandwidth_limit(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(Arc::new(Bandwidth::new(bytes_per_second)));
        self
    }

    /// Asked several times a second while a server is waited for, from whatever thread waits: true
    /// ends the waiting with [`AccessKind::Cancelled`](crate::AccessKind::Cancelled). Default:
    /// nobody is asked.
    #[must_use]
    pub fn with_cancelled(self, cancelled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.with_cancel(Arc::new(cancelled))
    }

    /// As [`with_cancelled`](Self::with_cancelled), of what is shared already.
    #[must_use]
    pub(crate) fn with_cancel(mut self, cancelled: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        self.cancel = Cancel(Some(cancelled));
        self
    }

    /// The account.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The file of trusted certificates.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The file of the client certificate.
    pub fn client_certificate(&self) -> Option<&Path> {
        self.client_certificate.as_deref()
    }

    /// What we call ourselves.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// The longest wait for a connection.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The longest wait for the next bytes.
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// The most connections for one file.
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// The shared limit.
    pub fn bandwidth(&self) -> Option<&Arc<Bandwidth>> {
        self.bandwidth.as_ref()
    }

    /// Whether the run is to end.
    #[cfg(any(feature = "http", feature = "smb"))]
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Waits until the bandwidth limit, if there is one, allows more than these bytes that have
    /// come, or until it is cancelled.
    #[cfg(any(feature = "http", feature = "smb"))]
    pub(crate) fn pay(&self, bytes: usize) {
        if let Some(limit) = &self.bandwidth {
            limit.take_unless(bytes, || self.cancel.is_cancelled());
        }
    }
}
