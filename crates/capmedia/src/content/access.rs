//! The way to distribution points: what a request says of it, and what it must not hold.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use dp_content::{AccessOptions, Cache, Content, ContentEvent, ContentOptions, Credentials};
use media_model::CheckedContent;

use crate::content::guard::ContentFolders;
use crate::error::Error;

/// What it takes to reach content besides the request: an account with its password, and who is told
/// of events as they come.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ContentAccess {
    credentials: Option<Credentials>,
    options: ContentOptions,
}

impl ContentAccess {
    /// No account; nobody is told.
    pub fn new() -> Self {
        Self::default()
    }

    /// The account that reads. Default: none, which many distribution points allow.
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// Calls `observer` with each event, at once and from whatever thread reads. Default: nobody.
    pub fn with_observer(self, observer: impl Fn(&ContentEvent) + Send + Sync + 'static) -> Self {
        Self { options: self.options.with_observer(observer), ..self }
    }

    /// Asks `cancelled` while nothing can be done but wait for a location; true ends the run as
    /// cancelled. Default: nobody is asked.
    pub fn with_cancelled(self, cancelled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { options: self.options.with_cancelled(cancelled), ..self }
    }

    /// Hashes what the cache has before it is used: for an image that goes into a pipe, which cannot
    /// be written again. Default: false.
    pub fn with_cache_checked_first(self, check_cache: bool) -> Self {
        Self { options: self.options.with_cache_checked_first(check_cache), ..self }
    }

    /// The locations of a request as one. Folders are looked at; servers are asked nothing yet. A
    /// location that cannot be used is told of when packages are looked for.
    ///
    /// # Errors
    /// [`Error::AccessFile`], [`Error::Cache`], [`Error::OutputInContent`] where the cache lies in a
    /// location.
    pub fn open(&self, content: &CheckedContent) -> Result<Content, Error> {
        if let Some(cache) = content.cache() {
            ContentFolders::of_locations(content).refuse(cache)?;
        }
        let mut access = AccessOptions::new();
        if let Some(credentials) = &self.credentials {
            access = access.with_credentials(credentials.clone());
        }
        if let Some(file) = content.ca_file() {
            look_at_file("ca-file", file)?;
            access = access.with_ca_file(file);
        }
        if let Some(file) = content.client_certificate() {
            look_at_file("client-certificate", file)?;
            access = access.with_client_certificate(file);
        }
        if let Some(limit) = content.bandwidth_limit() {
            access = access.with_bandwidth_limit(limit);
        }
        let mut options = self.options.clone().with_package_hash(content.package_hash());
        if let Some(folder) = content.cache() {
            options = options.with_cache(Cache::open(folder, content.cache_size())?);
        }
        Ok(Content::open(content.locations(), options.with_access(access)))
    }
}

/// Whether a file can be read at all: it is of this machine, and no location is to blame.
fn look_at_file(option: &'static str, path: &Path) -> Result<(), Error> {
    let read = File::open(path).and_then(|mut file| file.read(&mut [0]));
    let path = path.to_path_buf();
    read.map(drop).map_err(|source| Error::AccessFile { option, path, source })
}
