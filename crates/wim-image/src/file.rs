//! A file inside a WIM as a source of bytes.

use std::any::Any;
use std::io::{self, Read, Write};
use std::sync::Arc;

use extent_image::Source;

use crate::disk::{NO_HASH, Sha1Hash};
use crate::error::{ExtractError, FileError, ReadError};
use crate::hash::Sha1;
use crate::image::Entry;
use crate::resource::{Resource, ResourceReader};
use crate::wim::Inner;

/// The data of a file inside a WIM. It keeps the WIM open and can be put into a media tree.
///
/// Opened at some offset it unpacks only the chunks from there on. A stream from the beginning checks
/// the SHA-1 and fails before giving out the last bytes when it is wrong.
#[derive(Clone)]
pub struct FileInWim {
    wim: Arc<Inner>,
    /// `None` for an empty file, which has no blob.
    blob: Option<(Resource, Sha1Hash)>,
    path: String,
}

impl FileInWim {
    pub(crate) fn new(wim: &Arc<Inner>, entry: Entry<'_>) -> Result<Self, FileError> {
        let path = entry.path();
        if entry.is_folder() {
            return Err(FileError::Folder { path });
        }
        if entry.is_encrypted() {
            return Err(FileError::Encrypted { path });
        }
        let hash = entry.sha1().map_or(NO_HASH, |hash| hash.0);
        let blob = if hash == NO_HASH {
            if let Some(tag) = entry.reparse_tag() {
                return Err(FileError::ReparsePoint { path, tag });
            }
            None
        } else {
            let Some(entry) = wim.blobs.find(&hash) else {
                return Err(FileError::MissingBlob { path, hash: Sha1(hash) });
            };
            match Resource::new(&wim.file, &entry.resource) {
                Ok(resource) => Some((resource, hash)),
                Err(source) => return Err(FileError::Blob { path, source }),
            }
        };
        Ok(Self { wim: Arc::clone(wim), blob, path })
    }

    /// The path inside the image, as `\Windows\Boot\PCAT\bootmgr`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// SHA-1 of the data; `None` for an empty file.
    pub fn sha1(&self) -> Option<Sha1> {
        self.blob.map(|(_, hash)| Sha1(hash))
    }

    /// The whole file, its SHA-1 checked. At most
    /// [`Limits::with_in_memory`](crate::Limits::with_in_memory) bytes.
    ///
    /// # Errors
    /// It is larger, cannot be read or is damaged.
    pub fn read_verified(&self) -> Result<Vec<u8>, ReadError> {
        let Some((resource, hash)) = self.blob else { return Ok(Vec::new()) };
        let limit = self.wim.limits.in_memory;
        self.wim.file.read_all(resource, Some(hash), "a file to be read into memory", limit)
    }

    /// The first `len` bytes, fewer if the file is shorter. Only the chunks that hold them are read,
    /// so their SHA-1 is not checked.
    ///
    /// # Errors
    /// They cannot be read or are damaged.
    pub fn read_head(&self, len: usize) -> Result<Vec<u8>, ReadError> {
        let Some((resource, _)) = self.blob else { return Ok(Vec::new()) };
        let mut reader = ResourceReader::new(&self.wim.file, resource, 0, None)?;
        let mut head = vec![0; crate::cast::to_usize(self.len()).min(len)];
        reader.fill(&mut head)?;
        Ok(head)
    }

    /// Writes the whole file, its SHA-1 checked; tells its length.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or cannot be written. What was written until then is of no
    /// use.
    pub fn extract(&self, to: &mut impl Write) -> Result<u64, ExtractError> {
        let Some((resource, hash)) = self.blob else { return Ok(0) };
        let read = |source| ExtractError::Read { path: self.describe(), source };
        let mut reader =
            ResourceReader::new(&self.wim.file, resource, 0, Some(hash)).map_err(read)?;
        let mut buffer = vec![0; EXTRACT_BUFFER];
        loop {
            let count = reader.read_some(&mut buffer).map_err(read)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Ok(resource.original);
            };
            to.write_all(bytes)
                .map_err(|source| ExtractError::Write { path: self.describe(), source })?;
        }
    }
}

/// At least a usual chunk, so that most chunks are unpacked where they are needed.
const EXTRACT_BUFFER: usize = 128 << 10;

impl Source for FileInWim {
    fn len(&self) -> u64 {
        self.blob.map_or(0, |(resource, _)| resource.original)
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let Some((resource, hash)) = self.blob else { return Ok(Box::new(io::empty())) };
        Ok(Box::new(ResourceReader::new(&self.wim.file, resource, from, Some(hash))?))
    }

    /// The name of the WIM, a colon and the path inside.
    fn describe(&self) -> String {
        format!("{}:{}", self.wim.file.source.describe(), self.path)
    }

    /// Equal SHA-1 and equal names.
    fn equals(&self, other: &dyn Source) -> bool {
        let other = other.as_any().and_then(<dyn Any>::downcast_ref::<Self>);
        other.is_some_and(|other| {
            (other.len(), other.sha1()) == (self.len(), self.sha1())
                && other.describe() == self.describe()
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl std::fmt::Debug for FileInWim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileInWim")
            .field("file", &self.describe())
            .field("len", &self.len())
            .field("sha1", &self.sha1())
            .finish()
    }
}
