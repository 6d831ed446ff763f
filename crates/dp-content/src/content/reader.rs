//! A file opened at an offset: short reads from blocks, long ones as a stream that checks itself.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use extent_image::Digest;

use crate::content::blocks::{AHEAD, AT_ONCE, BLOCK, Block, in_u64};
use crate::content::file::ContentFile;
use crate::content::origin::Origins;
use crate::content::resume::Resuming;
use crate::content::verify::Verifier;
use crate::error::ContentError;

/// Whoever opens a file so near to where its digest has come to reads on from there: the bytes
/// between are fetched and hashed too. A wrapper that gives another header opens the file behind it.
const REACH: u64 = 4 * BLOCK as u64;

/// Bytes of an opening that come from blocks, before it becomes a stream.
const PEEK: u64 = 2 * BLOCK as u64;

/// The same where the file is not read whole, so that nothing but the last block is held.
const PEEK_IN_PART: u64 = 8 * BLOCK as u64;

/// Whoever asks for so much at once, where the file may be read whole, wants a stream.
const LONG: usize = BLOCK / 2;

pub(crate) struct FileReader<'a> {
    file: &'a ContentFile,
    from: u64,
    at: u64,
    /// Whether reading on to the end reads, with what was read before, the whole file.
    whole: bool,
    mode: Mode<'a>,
}

enum Mode<'a> {
    /// The blocks that bytes were given from so far; only the last one where the file is
    /// not read whole.
    Peek(Vec<Arc<Block>>),
    Stream(Box<Stream<'a>>),
    Failed(ContentError),
}

struct Stream<'a> {
    /// A block of which something is left, from the offset in the file on; it comes first.
    ahead: Option<(Arc<Block>, u64)>,
    rest: Resuming<'a>,
    check: Check,
}

enum Check {
    /// All of the file was seen so far.
    Whole(Verifier),
    /// Bytes of a part, from one location, to be compared later.
    Part(Verifier),
    /// Nobody knows what the file must be, or everything is said.
    None,
}

impl<'a> FileReader<'a> {
    /// Asks nothing yet.
    pub(crate) fn new(file: &'a ContentFile, from: u64) -> Self {
        let whole = file.is_whole_from(from, REACH);
        Self { file, from, at: from, whole, mode: Mode::Peek(Vec::new()) }
    }

    fn try_read(&mut self, buf: &mut [u8]) -> Result<usize, ContentError> {
        if let Mode::Failed(error) = &self.mode {
            return Err(error.clone());
        }
        if self.at == self.file.id.len {
            return self.file.check_empty().map(|()| 0);
        }
        if let Some(count) = self.peek(buf)? {
            return Ok(count);
        }
        self.stream()?;
        let Mode::Stream(stream) = &mut self.mode else { return Ok(0) };
        let count = stream.read(self.file, buf)?;
        self.at += in_u64(count);
        if self.at == self.file.id.len {
            stream.verdict(self.file)?;
        }
        Ok(count)
    }

    /// Becomes `mode`, and keeps what is known of the bytes given out: for whoever reads on from
    /// here, and for [`Content::settle`](crate::Content::settle).
    fn leave(&mut self, mode: Mode<'a>) {
        match std::mem::replace(&mut self.mode, mode) {
            Mode::Peek(given) => self.file.claim(&given),
            Mode::Stream(stream) => match stream.check {
                Check::Whole(verifier) => self.file.park(verifier),
                Check::Part(verifier) => self.file.state.claim(verifier.into_claim()),
                Check::None => {}
            },
            Mode::Failed(_) => {}
        }
    }

    /// Gives bytes from a block, unless it is time for a stream.
    fn peek(&mut self, buf: &mut [u8]) -> Result<Option<usize>, ContentError> {
        let Mode::Peek(given) = &mut self.mode else { return Ok(None) };
        let file = self.file;
        let number = self.at / in_u64(BLOCK);
        let held = given.last().filter(|block| block.end() > self.at);
        let is_new = held.is_none();
        let block = match held {
            Some(block) => Arc::clone(block),
            None if self.whole && self.at - self.from >= PEEK => return Ok(None),
            None => match file.shared.blocks.get((file.state.number, number)) {
                Some(block) => block,
                None if self.whole && buf.len() >= LONG => return Ok(None),
                None if self.at - self.from >= PEEK_IN_PART => return Ok(None),
                None => file.fetch_blocks(number, in_u64(buf.len()))?,
            },
        };
        if is_new {
            if !self.whole {
                file.claim(given);
                given.clear();
            }
            given.push(Arc::clone(&block));
        }
        // The last bytes of a file are only given with the verdict.
        if self.whole && file.id.digest.is_some() && block.end() == file.id.len {
            return Ok(None);
        }
        let count = copy(&block, self.at, buf);
        self.at += in_u64(count);
        Ok(Some(count))
    }

    /// Becomes a stream, if it is none yet.
    fn stream(&mut self) -> Result<(), ContentError> {
        let Mode::Peek(given) = &mut self.mode else { return Ok(()) };
        let file = self.file;
        let mut blocks = std::mem::take(given);
        let mut verifier = file.verifier(self.from, REACH);
        while let Some(behind) = verifier.as_mut().filter(|verifier| verifier.at() < self.at) {
            // What was given, not what would come now, is to be hashed.
            let at = behind.at();
            let block = match blocks.iter().find(|block| block.has(at)) {
                Some(block) => Ok(Arc::clone(block)),
                None => file.block(at / in_u64(BLOCK), self.at - at),
            };
            match block {
                Ok(block) => {
                    behind.update(block.bytes_of(at, self.at), block.place);
                    blocks.push(block);
                }
                Err(error) => {
                    if let Some(verifier) = verifier {
                        file.park(verifier);
                    }
                    file.claim(&blocks);
                    return Err(error);
                }
            }
        }
        if verifier.is_none() {
            file.claim(&blocks);
        }
        let ahead = blocks.into_iter().find(|block| block.has(self.at));
        let ahead = ahead.map(|block| (block, self.at));
        let rest_from = ahead.as_ref().map_or(self.at, |(block, _)| block.end());
        let rest = Resuming::new(file, rest_from..file.id.len, None);
        let check = match verifier {
            Some(verifier) => Check::Whole(verifier),
            None if file.id.digest.is_some() => Check::Part(Verifier::of_part(self.at)),
            None => Check::None,
        };
        self.mode = Mode::Stream(Box::new(Stream { ahead, rest, check }));
        Ok(())
    }
}

impl Stream<'_> {
    fn read(&mut self, file: &ContentFile, buf: &mut [u8]) -> Result<usize, ContentError> {
        let (count, place) = match &mut self.ahead {
            Some((block, at)) => {
                let (count, place) = (copy(block, *at, buf), block.place);
                *at = at.saturating_add(in_u64(count));
                if *at >= block.end() {
                    self.ahead = None;
                }
                (count, place)
            }
            None => (self.rest.read(buf)?, self.rest.place()),
        };
        let bytes = buf.get(..count).unwrap_or_default();
        match &mut self.check {
            Check::Whole(verifier) => verifier.update(bytes, place),
            Check::Part(verifier) => {
                if verifier.origins().places().first().is_some_and(|first| *first != place) {
                    let next = Verifier::of_part(verifier.at());
                    file.state.claim(std::mem::replace(verifier, next).into_claim());
                }
                verifier.update(bytes, place);
            }
            Check::None => {}
        }
        Ok(count)
    }

    /// All bytes were read.
    fn verdict(&mut self, file: &ContentFile) -> Result<(), ContentError> {
        match std::mem::replace(&mut self.check, Check::None) {
            Check::Whole(verifier) => match file.verdict(verifier)? {
                Ok(_) => Ok(()),
                Err(bad) => Err(file.error_of(bad)),
            },
            part => {
                self.check = part;
                Ok(())
            }
        }
    }
}

impl Read for FileReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.try_read(buf).map_err(|error| {
            self.leave(Mode::Failed(error.clone()));
            error.into()
        })
    }
}

impl Drop for FileReader<'_> {
    fn drop(&mut self) {
        self.leave(Mode::Peek(Vec::new()));
    }
}

impl ContentFile {
    /// An empty file has a digest too; nothing has to be asked for to know it.
    fn check_empty(&self) -> Result<(), ContentError> {
        let empty = Digest::of(&[]);
        match self.id.digest {
            Some(expected) if self.id.len == 0 && expected != empty => {
                let bad = self.wrong(&Origins::default(), expected, empty)?;
                Err(self.error_of(bad))
            }
            _ => Ok(()),
        }
    }

    /// Remembers blocks that were given out unchecked.
    fn claim(&self, given: &[Arc<Block>]) {
        // Without a digest there is nothing to hold them against.
        if self.id.digest.is_some() {
            given.iter().for_each(|block| self.state.claim(block.claim()));
        }
    }

    pub(crate) fn block(&self, number: u64, wanted: u64) -> Result<Arc<Block>, ContentError> {
        match self.shared.blocks.get((self.state.number, number)) {
            Some(block) => Ok(block),
            None => self.fetch_blocks(number, wanted),
        }
    }

    /// Fetches a block, and with it those behind that hold what else is `wanted`, or that who reads
    /// one after the other will want next.
    fn fetch_blocks(&self, number: u64, wanted: u64) -> Result<Arc<Block>, ContentError> {
        let size = in_u64(BLOCK);
        let kept = &self.shared.blocks;
        let goes_on = number.checked_sub(1).is_some_and(|last| kept.has((self.state.number, last)));
        let least = if goes_on { AHEAD } else { 1 };
        let count = wanted.div_ceil(size).clamp(least, AT_ONCE);
        let start = number.saturating_mul(size);
        let end = start.saturating_add(count.saturating_mul(size)).min(self.id.len);
        let mut resuming = Resuming::new(self, start..end, None);
        let mut first = None;
        let mut at = start;
        for number in (number..).take_while(|number| number.saturating_mul(size) < end) {
            let start = at;
            at = start.saturating_add(size).min(end);
            let block = match self.fill_block(&mut resuming, start..at) {
                Ok(block) => Arc::new(block),
                // Whoever wants it will ask again.
                Err(_) if first.is_some() => break,
                Err(error) => return Err(error),
            };
            first.get_or_insert_with(|| Arc::clone(&block));
            kept.keep((self.state.number, number), block);
        }
        first.ok_or_else(|| self.unreadable(start, Vec::new()))
    }

    /// A block from one location, so that it can be said who gave it.
    fn fill_block(
        &self,
        resuming: &mut Resuming<'_>,
        range: Range<u64>,
    ) -> Result<Block, ContentError> {
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(BLOCK);
        let mut bytes = vec![0; len];
        let mut changed = fill(resuming, &mut bytes)?;
        let mut place = resuming.place();
        while changed {
            // Whoever went on for another has to give all of it.
            let mut again = Resuming::new(self, range.clone(), Some(place));
            changed = fill(&mut again, &mut bytes)?;
            place = again.place();
        }
        Ok(Block::new(range.start, place, bytes))
    }
}

/// Fills `bytes`; whether they came from several locations.
fn fill(resuming: &mut Resuming<'_>, bytes: &mut [u8]) -> Result<bool, ContentError> {
    let mut filled = 0;
    let mut first = None;
    while let Some(empty) = bytes.get_mut(filled..).filter(|empty| !empty.is_empty()) {
        filled += resuming.read(empty)?;
        first.get_or_insert(resuming.place());
    }
    Ok(first.is_some_and(|first| first != resuming.place()))
}

/// Copies what `block` has from offset `from` of the file on.
fn copy(block: &Block, from: u64, buf: &mut [u8]) -> usize {
    let bytes = block.bytes_of(from, u64::MAX);
    let count = bytes.len().min(buf.len());
    if let (Some(to), Some(bytes)) = (buf.get_mut(..count), bytes.get(..count)) {
        to.copy_from_slice(bytes);
    }
    count
}
