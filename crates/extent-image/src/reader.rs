//! The image without writing it.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;

use crate::digest::Digests;
use crate::error::StreamError;
use crate::feed::{Feed, digest_missing, make_late};
use crate::plan::{Content, Plan};
use crate::source::Source;

/// Reads a plan as if it had been written: for tests, for verifying, for serving an image.
///
/// The first touch of late content reads and digests every source of the plan.
pub struct PlanReader<'a> {
    plan: &'a Plan,
    position: u64,
    /// The source that was read last, the index of its extent, and the offset in the plan at which
    /// it goes on.
    open: Option<(usize, u64, Feed<'a>)>,
    late: HashMap<usize, Bytes>,
}

impl Plan {
    /// A reader over the image, at its start.
    pub fn reader(&self) -> PlanReader<'_> {
        self.reader_with(HashMap::new())
    }

    /// The same with late content that was made already, by the index of its extent.
    pub(crate) fn reader_with(&self, late: HashMap<usize, Bytes>) -> PlanReader<'_> {
        PlanReader { plan: self, position: 0, open: None, late }
    }
}

impl<'a> PlanReader<'a> {
    fn read_source(
        &mut self,
        index: usize,
        source: &'a dyn Source,
        from: u64,
        end: u64,
        buf: &mut [u8],
    ) -> Result<usize, StreamError> {
        let mut feed = match self.open.take() {
            Some((open, at, feed)) if open == index && at == self.position => feed,
            _ => Feed::open(source, from, end)?,
        };
        let count = feed.read(buf)?;
        if !feed.is_done() {
            let next = self.position.saturating_add(u64::try_from(count).unwrap_or(0));
            self.open = Some((index, next, feed));
        }
        Ok(count)
    }

    fn late(&mut self, index: usize) -> Result<&Bytes, StreamError> {
        if !self.late.contains_key(&index) {
            let mut digests = Digests::default();
            digest_missing(self.plan, &mut digests)?;
            for (index, extent) in self.plan.extents().iter().enumerate() {
                if let Content::Late(late) = extent.content() {
                    self.late.insert(index, make_late(late, &digests)?);
                }
            }
        }
        Ok(self.late.entry(index).or_default())
    }
}

impl Read for PlanReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let plan = self.plan;
        let index = plan.extent_at(self.position);
        let Some(extent) = plan.extents().get(index) else { return Ok(0) };
        let skip = self.position - extent.start();
        let left = usize::try_from(extent.end() - self.position).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let Some(buf) = buf.get_mut(..wanted).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let count = match extent.content() {
            Content::Bytes(bytes) => copy_from(bytes, skip, buf),
            Content::Late(_) => copy_from(self.late(index).map_err(to_io)?, skip, buf),
            Content::Zero | Content::Free => {
                buf.fill(0);
                buf.len()
            }
            Content::Source(source, from) => {
                let (at, end) = (from.saturating_add(skip), from.saturating_add(extent.len()));
                self.read_source(index, &**source, at, end, buf).map_err(to_io)?
            }
        };
        self.position += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}

impl Seek for PlanReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.plan.len().checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A plan can be a file of another plan, as a boot floppy image is a file of a disc. Its holes and
/// sources are then read through; [`PlanBuilder::plan`](crate::PlanBuilder::plan) flattens instead.
impl Source for Plan {
    fn len(&self) -> u64 {
        Plan::len(self)
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut reader = self.reader();
        reader.seek(SeekFrom::Start(from))?;
        Ok(Box::new(reader))
    }

    fn describe(&self) -> String {
        "embedded plan".to_owned()
    }
}

fn copy_from(bytes: &[u8], skip: u64, buf: &mut [u8]) -> usize {
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let mut rest = bytes.get(skip..).unwrap_or_default();
    // Reading from a slice cannot fail.
    rest.read(buf).unwrap_or(0)
}

fn to_io(error: StreamError) -> io::Error {
    match error {
        StreamError::Read { source, .. } => source,
        other => io::Error::other(other),
    }
}
