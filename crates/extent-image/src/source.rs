//! Where bytes come from: [`Source`], its length fixed before the plan is made, and [`ReadAt`],
//! positioned reads for readers of formats that jump.

use std::any::Any;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::sys::FileIdentity;

/// Bytes of known length that can be opened at an offset.
///
/// The length is part of every plan made from the source, so it must not change while a plan that
/// holds the source is alive; a stream that finds another length fails with
/// [`StreamError::SourceChanged`](crate::StreamError::SourceChanged).
pub trait Source: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// True when there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens the bytes `[from, len)`. `from` is at most `len`.
    ///
    /// # Errors
    /// Whatever the place the bytes come from answers.
    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>>;

    /// What an error message calls this source: a path, an address, a path inside a WIM.
    fn describe(&self) -> String;

    /// The same bytes in a local file, and the offset at which they start there, so that the kernel
    /// may copy or share them; all of them, or those from [`local_from`](Self::local_from) on.
    ///
    /// # Errors
    /// The file cannot be opened.
    fn open_local(&self) -> io::Result<Option<(File, u64)>> {
        Ok(None)
    }

    /// Where in the source the bytes begin that [`open_local`](Self::open_local) gives; those before
    /// are only had by [`open`](Self::open).
    fn local_from(&self) -> u64 {
        0
    }

    /// The path of the local file the bytes come from, where they are one.
    fn local_path(&self) -> Option<&Path> {
        None
    }

    /// True when `other` is known to give the same bytes, without reading either. Plans made twice
    /// from one request compare as equal by it; nothing is stored or skipped because of it.
    fn equals(&self, other: &dyn Source) -> bool {
        let _ = other;
        false
    }

    /// The source itself, for [`equals`](Self::equals) to look at another's type.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// The digest the bytes must have, where it is known beforehand. A stream that computes source
    /// digests checks it and fails with
    /// [`StreamError::DigestMismatch`](crate::StreamError::DigestMismatch).
    fn sha256(&self) -> Option<[u8; 32]> {
        None
    }

    /// Whether reading to the end fails when the bytes do not have [`sha256`](Self::sha256), as it
    /// does for sources that must know before anybody else: whoever needs the digest then takes it
    /// as it is, without making it again.
    fn verifies_itself(&self) -> bool {
        false
    }
}

/// Identity of a shared source: two places that hold clones of one [`Arc`] have equal ids.
///
/// Planners store equal sources once where their format can. An id is only meaningful while the
/// source it was made from is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(usize);

impl SourceId {
    /// The identity of `source`.
    pub fn of(source: &Arc<dyn Source>) -> Self {
        // The address of the shared allocation; a fat pointer's metadata may differ between
        // codegen units and must not take part.
        Self(Arc::as_ptr(source).cast::<()>().addr())
    }
}

/// Positioned reads that do not move a cursor, for formats whose parts are found by offset.
pub trait ReadAt: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// True when there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when fewer bytes than `buf` holds are there; otherwise what
    /// the place the bytes come from answers.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// What an error message calls these bytes.
    fn describe(&self) -> String;
}

/// Every source can be read by position: each read opens it at the offset.
impl<S: Source + ?Sized> ReadAt for S {
    fn len(&self) -> u64 {
        Source::len(self)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if offset.checked_add(wanted).is_none_or(|end| end > Source::len(self)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if buf.is_empty() {
            return Ok(());
        }
        self.open(offset)?.read_exact(buf)
    }

    fn describe(&self) -> String {
        Source::describe(self)
    }
}

/// A shared source to be read by position.
pub fn read_at(source: &Arc<dyn Source>) -> Arc<dyn ReadAt> {
    Arc::new(Shared(Arc::clone(source)))
}

struct Shared(Arc<dyn Source>);

impl ReadAt for Shared {
    fn len(&self) -> u64 {
        Source::len(&*self.0)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        (*self.0).read_exact_at(buf, offset)
    }

    fn describe(&self) -> String {
        Source::describe(&*self.0)
    }
}

/// Bytes in memory as a source.
#[derive(Clone)]
pub struct BytesSource {
    bytes: Bytes,
    name: &'static str,
}

impl BytesSource {
    /// A source of `bytes`; `name` is what error messages call it.
    pub fn new(name: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), name }
    }
}

impl Source for BytesSource {
    fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(Box::new(self.bytes.get(from..).unwrap_or_default()))
    }

    fn describe(&self) -> String {
        self.name.to_owned()
    }

    fn equals(&self, other: &dyn Source) -> bool {
        let other = other.as_any().and_then(<dyn Any>::downcast_ref::<Self>);
        other.is_some_and(|other| other.bytes == self.bytes)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// A file of this machine. It is opened when its turn comes and closed after, and must then still
/// be the file it was when the source was made: same length and, where the system tells them, same
/// inode and modification time.
pub struct FileSource {
    path: PathBuf,
    identity: FileIdentity,
}

impl FileSource {
    /// Looks at the file and remembers its length and identity; holds no descriptor.
    ///
    /// # Errors
    /// The file cannot be looked at, or is not a regular file.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let metadata = std::fs::metadata(&path)?;
        Self::with_metadata(path, &metadata)
    }

    /// The same for a file whose metadata is at hand, as in a folder scan.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when it is not a regular file.
    pub fn with_metadata(path: PathBuf, metadata: &std::fs::Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { path, identity: FileIdentity::of(metadata) })
    }

    /// The path the source was made from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_unchanged(&self) -> io::Result<File> {
        let file = File::open(&self.path)?;
        let now = FileIdentity::of(&file.metadata()?);
        if now != self.identity {
            return Err(io::Error::other(Changed { planned: self.identity.len, found: now.len }));
        }
        Ok(file)
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.identity.len
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut file = self.open_unchanged()?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        Ok(Box::new(file))
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn open_local(&self) -> io::Result<Option<(File, u64)>> {
        self.open_unchanged().map(|file| Some((file, 0)))
    }

    fn local_path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn equals(&self, other: &dyn Source) -> bool {
        let other = other.as_any().and_then(<dyn Any>::downcast_ref::<Self>);
        other.is_some_and(|other| (&other.path, other.identity) == (&self.path, self.identity))
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// A local file kept open, for readers that make many small positioned reads.
pub struct OpenFile {
    path: PathBuf,
    len: u64,
    file: File,
}

impl OpenFile {
    /// Opens the file for reading.
    ///
    /// # Errors
    /// It cannot be opened or is not a regular file.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = File::open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { path, len: metadata.len(), file })
    }
}

impl ReadAt for OpenFile {
    fn len(&self) -> u64 {
        self.len
    }

    /// An end before the length that the file had when it was opened is [`Changed`].
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        crate::sys::read_exact_at(&self.file, buf, offset).map_err(|error| {
            match self.file.metadata() {
                Ok(now) if error.kind() == io::ErrorKind::UnexpectedEof && now.len() < self.len => {
                    io::Error::other(Changed { planned: self.len, found: now.len() })
                }
                _ => error,
            }
        })
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

/// Carried inside an [`io::Error`] by a [`Source`] that sees, when it is opened, that its content is
/// no longer what was planned; streams turn it into
/// [`StreamError::SourceChanged`](crate::StreamError::SourceChanged).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("changed since it was planned: {planned} bytes then, {found} bytes now")]
pub struct Changed {
    /// Length when the plan was made.
    pub planned: u64,
    /// Length now; equal to `planned` when only the inode or the modification time differs.
    pub found: u64,
}
