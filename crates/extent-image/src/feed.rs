//! Reading sources as a plan promised them: every byte, not one more, and unchanged.

use std::error::Error;
use std::io::{self, Read};
use std::sync::Arc;

use crate::digest::{Digests, Hasher};
use crate::error::StreamError;
use crate::hashing::{check, known};
use crate::plan::{Content, Plan};
use crate::source::{Changed, Source};

/// Bytes read at once when a source is only hashed.
const HASH_BUFFER: usize = 256 * 1024;

/// An open source that gives exactly the planned bytes.
pub(crate) struct Feed<'a> {
    source: &'a dyn Source,
    reader: Box<dyn Read + Send + 'a>,
    /// Offset of the next byte in the source.
    at: u64,
    /// Where the planned part ends.
    end: u64,
}

impl<'a> Feed<'a> {
    pub(crate) fn open(source: &'a dyn Source, from: u64, end: u64) -> Result<Self, StreamError> {
        let reader = source.open(from).map_err(|error| failed(source, from, error))?;
        Ok(Self { source, reader, at: from, end })
    }

    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at == self.end
    }

    /// Reads some of what is left; at the end of the source, makes sure that it ends there too.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> Result<usize, StreamError> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let Some(buf) = buf.get_mut(..wanted).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let count = self.read_some(buf)?;
        if count == 0 {
            return Err(self.changed(self.at));
        }
        self.at += u64::try_from(count).unwrap_or(0);
        if self.at == self.source.len() && self.read_some(&mut [0])? > 0 {
            return Err(self.changed(self.at.saturating_add(1)));
        }
        Ok(count)
    }

    fn read_some(&mut self, buf: &mut [u8]) -> Result<usize, StreamError> {
        loop {
            match self.reader.read(buf) {
                Ok(count) => return Ok(count.min(buf.len())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(self.source, self.at, error)),
            }
        }
    }

    fn changed(&self, found: u64) -> StreamError {
        StreamError::SourceChanged {
            name: self.source.describe().into(),
            planned: self.source.len(),
            found,
        }
    }
}

fn failed(source: &dyn Source, at: u64, error: io::Error) -> StreamError {
    let name = source.describe().into();
    match changed(&error) {
        Some(Changed { planned, found }) => StreamError::SourceChanged { name, planned, found },
        None => StreamError::Read { name, at, source: error },
    }
}

/// A source that reads another, as a file inside a WIM does, wraps what that one says.
fn changed(error: &io::Error) -> Option<Changed> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(changed) = error.downcast_ref::<Changed>() {
            return Some(*changed);
        }
        // An I/O error's source is that of the error inside, which is passed over.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

/// Adds the digests of all sources of the plan that are not there yet, by reading them.
pub(crate) fn digest_missing(plan: &Plan, digests: &mut Digests) -> Result<(), StreamError> {
    let mut buf = Vec::new();
    for extent in plan.extents() {
        let Content::Source(source, _) = extent.content() else { continue };
        if digests.contains(source) {
            continue;
        }
        if let Some(digest) = known(&**source) {
            digests.insert(source, digest);
            continue;
        }
        buf.resize(HASH_BUFFER, 0);
        let mut hasher = Hasher::new();
        let mut feed = Feed::open(&**source, 0, source.len())?;
        while !feed.is_done() {
            let count = feed.read(&mut buf)?;
            hasher.update(buf.get(..count).unwrap_or_default());
        }
        let digest = check(&**source, hasher.finish())
            .map_err(|mismatch| StreamError::DigestMismatch(Box::new(mismatch)))?;
        digests.insert(source, digest);
    }
    Ok(())
}

/// Makes late content and checks its length.
pub(crate) fn make_late(
    late: &Arc<crate::tree::Late>,
    digests: &Digests,
) -> Result<bytes::Bytes, StreamError> {
    let bytes = late.make(digests);
    let made = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if made != late.len() {
        return Err(StreamError::LateLength { name: late.name(), planned: late.len(), made });
    }
    Ok(bytes)
}
