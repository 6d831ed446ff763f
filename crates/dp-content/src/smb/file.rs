//! Reading a file of a share from an offset on, with several reads on their way.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use smb2::client::stream::FileReader;

use super::refusal::Step;
use super::runtime::Pending;
use super::session::{Server, Share};
use crate::access::{AccessError, AccessKind};

/// Bytes per read. Every server allows more but those of SMB 2.0, for which smb2 divides it.
const CHUNK: u64 = 256 << 10;
/// Bytes that are asked for and not yet given on, at most: what one reader keeps in memory.
const MOST_AHEAD: u64 = 4 << 20;

/// Bytes of an open file, first to last.
pub(super) struct SmbRead {
    server: Arc<Server>,
    share: Share,
    what: String,
    file: Option<Arc<FileReader>>,
    /// What is not asked for yet.
    rest: Range<u64>,
    asked: VecDeque<Asked>,
    /// Bytes in `asked`.
    ahead: u64,
    /// Bytes given on.
    given: u64,
    chunk: io::Cursor<Vec<u8>>,
    failed: Option<AccessError>,
}

struct Asked {
    len: u64,
    answer: Pending<Result<Vec<u8>, smb2::Error>>,
}

impl SmbRead {
    /// Reads `range`, which is in the file.
    pub(super) fn new(
        server: Arc<Server>,
        share: Share,
        what: String,
        file: FileReader,
        range: Range<u64>,
    ) -> Self {
        Self {
            server,
            share,
            what,
            file: Some(Arc::new(file)),
            rest: range,
            asked: VecDeque::new(),
            ahead: 0,
            given: 0,
            chunk: io::Cursor::default(),
            failed: None,
        }
    }

    /// Asks for as much as may be on its way: one chunk at first, for whoever wants a few bytes,
    /// then twice what was read so far.
    fn ask(&mut self) {
        let Some(file) = &self.file else { return };
        let most = self.given.saturating_mul(2).clamp(CHUNK, self.most_ahead());
        while !self.rest.is_empty() && (self.ahead == 0 || self.ahead + CHUNK <= most) {
            let from = self.rest.start;
            let len = CHUNK.min(self.rest.end - from);
            let file = Arc::clone(file);
            let read = async move { file.read_at(from, len).await };
            let answer = self.server.runtime().start_work(read);
            self.asked.push_back(Asked { len, answer });
            self.rest.start += len;
            self.ahead += len;
        }
    }

    /// Under a limit, what a quarter of a second allows, so that it does not come in surges.
    fn most_ahead(&self) -> u64 {
        let rate = self.server.options().bandwidth().map_or(u64::MAX, |limit| limit.rate());
        (rate / 4).clamp(CHUNK, MOST_AHEAD)
    }

    /// The next bytes; none at the end.
    fn next_chunk(&mut self) -> Result<Vec<u8>, AccessKind> {
        self.ask();
        let Some(head) = self.asked.pop_front() else { return Ok(Vec::new()) };
        self.ahead -= head.len;
        let options = self.server.options();
        let answer = head.answer.wait_for(options.read_timeout(), options.cancel());
        let bytes = answer
            .map_err(|why| self.server.no_result(why))?
            .map_err(|error| self.server.kind(&error.into(), Step::File))?;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if len > head.len {
            return Err(AccessKind::Malformed(format!(
                "the server gave {len} bytes where {} were asked for",
                head.len
            )));
        }
        if len < head.len {
            // The file has become shorter.
            self.stop();
        }
        self.given += len;
        // The server works while the caller does.
        self.ask();
        Ok(bytes)
    }

    fn stop(&mut self) {
        self.rest = 0..0;
        self.asked.clear();
        self.ahead = 0;
    }
}

impl Read for SmbRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let step = self.server.options().bandwidth().map_or(usize::MAX, |limit| limit.step());
        let most = buf.len().min(step);
        let buf = buf.get_mut(..most).unwrap_or_default();
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        let mut got = self.chunk.read(buf)?;
        if got == 0 {
            match self.next_chunk() {
                Ok(chunk) => self.chunk = io::Cursor::new(chunk),
                Err(kind) => {
                    self.stop();
                    self.share.note(&kind);
                    let error = AccessError::new(&*self.what, kind);
                    self.failed = Some(error.clone());
                    return Err(error.into());
                }
            }
            got = self.chunk.read(buf)?;
        }
        self.server.options().pay(got);
        Ok(got)
    }
}

impl Drop for SmbRead {
    fn drop(&mut self) {
        // Closing the file is work for the runtime.
        let _inside = self.server.runtime().enter();
        self.file = None;
    }
}
