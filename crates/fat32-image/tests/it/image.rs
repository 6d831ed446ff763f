//! A planned volume in memory: everything up to the free space, zeros behind.

use std::io::{self, Read, Seek, SeekFrom, Write};

use extent_image::{Content, Plan};

#[derive(Clone)]
pub(crate) struct Image {
    head: Vec<u8>,
    len: u64,
    position: u64,
}

impl Image {
    pub(crate) fn new(plan: &Plan) -> Self {
        let used = match plan.extents().last() {
            Some(extent) if matches!(extent.content(), Content::Free) => extent.start(),
            _ => plan.len(),
        };
        let mut head = Vec::new();
        plan.reader().take(used).read_to_end(&mut head).unwrap();
        assert_eq!(head.len() as u64, used);
        Self { head, len: plan.len(), position: 0 }
    }

    /// The same volume that begins `start` bytes inside a longer one.
    pub(crate) fn behind(mut self, start: u64) -> Self {
        self.head.splice(0..0, std::iter::repeat_n(0xEE, start as usize));
        self.len += start;
        self
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn cut(mut self, len: u64) -> Self {
        self.len = len;
        self
    }

    pub(crate) fn part(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let mut reader = self.clone();
        reader.seek(SeekFrom::Start(at)).unwrap();
        reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub(crate) fn put(&mut self, at: u64, bytes: &[u8]) {
        let (at, end) = (at as usize, at as usize + bytes.len());
        if self.head.len() < end {
            self.head.resize(end, 0);
        }
        self.head[at..end].copy_from_slice(bytes);
    }
}

impl Read for Image {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.position);
        let count = buf.len().min(left as usize);
        let buf = &mut buf[..count];
        let head = self.head.get(self.position as usize..).unwrap_or_default();
        let from_head = count.min(head.len());
        buf[..from_head].copy_from_slice(&head[..from_head]);
        buf[from_head..].fill(0);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Image {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.position.checked_add_signed(by).unwrap(),
            SeekFrom::End(by) => self.len.checked_add_signed(by).unwrap(),
        };
        Ok(self.position)
    }
}

/// `fatfs` asks for it; a reader that writes is a failure.
impl Write for Image {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
