//! Shares, over SMB 2 and 3.
//!
//! The protocol is the crate `smb2`'s, which is asynchronous: its runtime is a thread of this module,
//! and callers block. A location has one connection, made when it is first needed and made again
//! when it is found broken; its account is tried once, and a refused login is remembered, for
//! accounts get locked. Requests are signed whenever there is an account.
//!
//! | address | what |
//! |---|---|
//! | `\\dp\SCCMContentLib$` | the content library; all but `FileLib` is only here |
//! | `\\dp\SCCMContentLibD$` | its `FileLib` on a further drive |
//! | `\\dp\SMSPKGC$\PS100005` | a package expanded to real files, where the package says so |

mod file;
mod refusal;
mod runtime;
mod session;
mod shares;

use std::fmt;
use std::future::Future;
use std::io::Read;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use extent_image::Timestamp;
use media_model::SmbLocation;
use smb2::Error;

use crate::access::options::AccessOptions;
use crate::access::{AccessError, AccessKind, Transport, TransportEntry};
use crate::path::ContentPath;
use file::SmbRead;
use refusal::Step;
use session::{Server, Share};

pub use shares::open_smb;

/// The share of the content library (Configuration Manager, "The content library").
const LIBRARY_SHARE: &str = "SCCMContentLib$";
/// Direct hosting, MS-SMB2 2.1.
const PORT: u16 = 445;
/// Entries of one folder, at most. In `PkgLib` and `DataLib` that is one or two for each package.
const MOST_ENTRIES: usize = 250_000;
/// Files up to this length come with one request; it is what any server gives at once.
const ONE_READ: usize = 64 << 10;

/// One share of a file server.
pub struct SmbTransport {
    server: Arc<Server>,
    host: String,
    port: Option<u16>,
    share: String,
}

impl SmbTransport {
    /// A share of the location's server. Nothing is connected before something is asked for.
    ///
    /// # Errors
    /// [`AccessKind::Io`] when the system gives no thread.
    pub fn new(
        location: &SmbLocation,
        share: &str,
        options: &AccessOptions,
    ) -> Result<Self, AccessError> {
        let (host, port) = (location.host().to_owned(), location.port());
        let address = format!("{host}:{}", port.unwrap_or(PORT));
        let server = Server::new(address, options)
            .map_err(|error| AccessError::of_io(&location.to_string(), &error))?;
        Ok(Self { server: Arc::new(server), host, port, share: share.to_owned() })
    }

    /// Another share, over the same connection and login.
    fn sibling(&self, share: String) -> Self {
        Self { server: Arc::clone(&self.server), host: self.host.clone(), port: self.port, share }
    }

    /// `\\dp\share\path`, as an administrator would write it; `smb://dp:1445/share/path` with a
    /// port, for which the other has no place.
    fn what(&self, path: &ContentPath) -> String {
        let names = iter::once(self.share.as_str()).chain(path.names());
        match self.port {
            None => names.fold(format!(r"\\{}", self.host), |what, name| what + r"\" + name),
            Some(port) => {
                names.fold(format!("smb://{}:{port}", self.host), |what, name| what + "/" + name)
            }
        }
    }

    /// Runs work on the share.
    fn run<T, W>(
        &self,
        path: &ContentPath,
        work: impl FnOnce(Arc<Server>, Share, String) -> W + Send + 'static,
    ) -> Result<T, AccessError>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, AccessKind>> + Send + 'static,
    {
        let (name, path_text) = (self.share.clone(), path.as_str().to_owned());
        self.server
            .run(move |server| async move {
                let share = server.share(&name).await?;
                let result = work(server, share.clone(), path_text).await;
                if let Err(kind) = &result {
                    share.note(kind);
                }
                result
            })
            .map_err(|kind| AccessError::new(self.what(path), kind))
    }
}

impl fmt::Debug for SmbTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SmbTransport").field(&self.describe()).finish()
    }
}

impl Transport for SmbTransport {
    fn describe(&self) -> String {
        self.what(&ContentPath::ROOT)
    }

    fn list(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError> {
        self.run(folder, |server, share, folder| async move {
            let opening = share.tree.open_directory_reader(share.connection.clone(), &folder);
            let mut reader = server.bounded(Step::Folder, opening).await?;
            let mut entries = Vec::new();
            while let Some(batch) = server.bounded(Step::Folder, reader.next_batch()).await? {
                for entry in batch {
                    if entry.name == "." || entry.name == ".." {
                        continue;
                    }
                    if entries.len() == MOST_ENTRIES {
                        return Err(AccessKind::Malformed(format!(
                            "the folder has more than {MOST_ENTRIES} entries"
                        )));
                    }
                    let len = (!entry.is_directory).then_some(entry.size);
                    let is_folder = entry.is_directory;
                    // 0 is no time.
                    let modified = Some(entry.modified.0).filter(|&ticks| ticks != 0);
                    let modified = modified.map(Timestamp::from_filetime);
                    entries.push(TransportEntry { name: entry.name, is_folder, len, modified });
                }
            }
            Ok(entries)
        })
    }

    fn read(&self, path: &ContentPath, limit: usize) -> Result<Vec<u8>, AccessError> {
        self.run(path, move |server, share, path| async move {
            let mut connection = share.connection.clone();
            let at_once = u64::try_from(limit.min(ONE_READ)).unwrap_or(u64::MAX);
            let reading = share.tree.read_file_compound_sized(&mut connection, &path, at_once);
            let reading = async {
                match reading.await {
                    // Not a failure of the request: what is due is asked for below.
                    Err(Error::FileTooLargeForSingleRead { size, .. }) => Ok(Err(size)),
                    other => other.map(Ok),
                }
            };
            let len = match server.bounded(Step::File, reading).await? {
                Ok(bytes) if bytes.len() <= limit => return Ok(bytes),
                Ok(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                Err(size) => size,
            };
            if usize::try_from(len).is_ok_and(|len| len <= limit) {
                let opening = share.tree.open_file_reader(share.connection.clone(), &path);
                let file = server.bounded(Step::File, opening).await?;
                let bytes = server.bounded(Step::File, file.read_at(0, len)).await?;
                if bytes.len() <= limit {
                    return Ok(bytes);
                }
            }
            Err(AccessKind::Malformed(format!(
                "has {len} bytes, and no file of its kind has more than {limit}"
            )))
        })
    }

    fn open(
        &self,
        path: &ContentPath,
        range: Range<u64>,
        len: u64,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let (share, file) = self.run(path, |server, share, path| async move {
            let opening = share.tree.open_file_reader(share.connection.clone(), &path);
            let file = server.bounded(Step::File, opening).await?;
            Ok((share, file))
        })?;
        let what = self.what(path);
        if file.info().is_directory {
            return Err(AccessError::new(what, AccessKind::Malformed("is a folder".to_owned())));
        }
        if file.size() != len {
            let kind = AccessKind::Length { expected: len, found: file.size() };
            return Err(AccessError::new(what, kind));
        }
        let range = range.start..range.end.min(len);
        Ok(Box::new(SmbRead::new(Arc::clone(&self.server), share, what, file, range)))
    }

    /// The library's shares on other drives, `SCCMContentLibC$` to `Z$`. They are over the same
    /// login, and which of them are there is asked once.
    fn spans(&self) -> Vec<Arc<dyn Transport>> {
        if !self.share.eq_ignore_ascii_case(LIBRARY_SHARE) {
            return Vec::new();
        }
        drives("SCCMContentLib").map(|name| Arc::new(self.sibling(name)) as _).collect()
    }
}

/// The shares of this name on all drives that a distribution point may use.
fn drives(name: &str) -> impl Iterator<Item = String> {
    ('C'..='Z').map(move |drive| format!("{name}{drive}$"))
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}
