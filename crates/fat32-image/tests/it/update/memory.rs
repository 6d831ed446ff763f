//! A storage in memory that remembers every write and flush, and fails where it is told to.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

use extent_image::{Content, Plan, Storage};

const BLOCK: u64 = 512;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Write(u64, Vec<u8>),
    Flush,
}

#[derive(Default)]
struct State {
    blocks: BTreeMap<u64, [u8; BLOCK as usize]>,
    log: Vec<Op>,
    /// Writes until one fails.
    left: Option<usize>,
}

/// Bytes shared with others until they are written.
pub(crate) struct Memory {
    base: Arc<BTreeMap<u64, [u8; BLOCK as usize]>>,
    len: u64,
    block_size: u32,
    state: Mutex<State>,
}

impl Memory {
    pub(crate) fn new(start: u64, plan: &Plan) -> Self {
        let memory = Self::empty(start + plan.len());
        // Behind the content there are zeros alone.
        let used = match plan.extents().last() {
            Some(extent) if matches!(extent.content(), Content::Free) => extent.start(),
            _ => plan.len(),
        };
        let mut bytes = Vec::new();
        plan.reader().take(used).read_to_end(&mut bytes).unwrap();
        memory.poke(start, &bytes);
        memory
    }

    pub(crate) fn empty(len: u64) -> Self {
        Self { base: Arc::default(), len, block_size: 512, state: Mutex::default() }
    }

    pub(crate) fn with_block_size(self, block_size: u32) -> Self {
        Self { block_size, ..self }
    }

    /// The bytes of now, with an empty log; the first is as quick as the second.
    pub(crate) fn snapshot(&self) -> Self {
        let mut base = (*self.base).clone();
        base.extend(&self.state.lock().unwrap().blocks);
        let (base, state) = (Arc::new(base), Mutex::default());
        Self { base, len: self.len, block_size: self.block_size, state }
    }

    /// The same bytes before all writes.
    pub(crate) fn fork(&self) -> Self {
        let (base, state) = (Arc::clone(&self.base), Mutex::default());
        Self { base, len: self.len, block_size: self.block_size, state }
    }

    pub(crate) fn log(&self) -> Vec<Op> {
        self.state.lock().unwrap().log.clone()
    }

    pub(crate) fn fail_after(&self, writes: usize) {
        self.state.lock().unwrap().left = Some(writes);
    }

    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().left = None;
    }

    pub(crate) fn put(&self, at: u64, bytes: &[u8]) {
        assert_eq!((at % BLOCK, bytes.len() % BLOCK as usize), (0, 0));
        let mut state = self.state.lock().unwrap();
        for (block, bytes) in (at / BLOCK..).zip(bytes.as_chunks().0) {
            state.blocks.insert(block, *bytes);
        }
    }

    pub(crate) fn get(&self, at: u64, bytes: &mut [u8]) {
        let state = self.state.lock().unwrap();
        let mut at = at;
        let mut rest = bytes;
        while !rest.is_empty() {
            let block = at / BLOCK;
            let skip = (at % BLOCK) as usize;
            let count = rest.len().min(BLOCK as usize - skip);
            let (now, behind) = rest.split_at_mut(count);
            match state.blocks.get(&block).or_else(|| self.base.get(&block)) {
                Some(found) => now.copy_from_slice(&found[skip..skip + count]),
                None => now.fill(0),
            }
            at += count as u64;
            rest = behind;
        }
    }

    /// Changes bytes at any place.
    pub(crate) fn poke(&self, at: u64, bytes: &[u8]) {
        let start = at / BLOCK * BLOCK;
        let end = (at + bytes.len() as u64).next_multiple_of(BLOCK);
        let mut blocks = vec![0; (end - start) as usize];
        self.get(start, &mut blocks);
        blocks[(at - start) as usize..][..bytes.len()].copy_from_slice(bytes);
        self.put(start, &blocks);
    }

    /// A reader and writer of the bytes from `start` on.
    pub(crate) fn cursor(&self, start: u64) -> Cursor<'_> {
        Cursor { memory: self, start, position: 0 }
    }
}

impl Storage for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn block_size(&self) -> u32 {
        self.block_size
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let block = u64::from(self.block_size);
        assert_eq!((offset % block, bytes.len() as u64 % block), (0, 0));
        assert!(offset + bytes.len() as u64 <= self.len);
        self.get(offset, bytes);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let block = u64::from(self.block_size);
        assert_eq!((offset % block, bytes.len() as u64 % block), (0, 0));
        assert!(offset + bytes.len() as u64 <= self.len && bytes.len() <= 1 << 20);
        {
            let mut state = self.state.lock().unwrap();
            match &mut state.left {
                Some(0) => return Err(io::Error::other("planted fault")),
                Some(left) => *left -= 1,
                None => {}
            }
            state.log.push(Op::Write(offset, bytes.to_vec()));
        }
        self.put(offset, bytes);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.state.lock().unwrap().log.push(Op::Flush);
        Ok(())
    }
}

pub(crate) struct Cursor<'a> {
    memory: &'a Memory,
    start: u64,
    position: u64,
}

impl Read for Cursor<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = (self.memory.len - self.start).saturating_sub(self.position);
        let count = bytes.len().min(left as usize);
        self.memory.get(self.start + self.position, &mut bytes[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.position.checked_add_signed(by).unwrap(),
            SeekFrom::End(by) => (self.memory.len - self.start).checked_add_signed(by).unwrap(),
        };
        Ok(self.position)
    }
}

impl Write for Cursor<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.memory.poke(self.start + self.position, bytes);
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
