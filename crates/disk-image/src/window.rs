//! A part of an image as an image of its own.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// The bytes of a range of something readable, from 0 on: a partition of a disk.
///
/// Where the inner image ends before the range does, reading ends there too.
#[derive(Debug)]
pub struct Window<R> {
    inner: R,
    range: Range<u64>,
    /// In the window.
    position: u64,
}

impl<R: Read + Seek> Window<R> {
    /// The bytes `range` of `inner`; a range that ends before it begins is empty.
    pub fn new(inner: R, range: Range<u64>) -> Self {
        Self { inner, range, position: 0 }
    }

    /// The whole again.
    pub fn into_inner(self) -> R {
        self.inner
    }

    fn len(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }
}

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len().saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let Some(buf) = buf.get_mut(..wanted).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        // Sought anew each time: the position of `inner` is its owner's too, when it is borrowed.
        self.inner.seek(SeekFrom::Start(self.range.start.saturating_add(self.position)))?;
        let count = self.inner.read(buf)?;
        self.position = self.position.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn reads_and_seeks_stay_inside() {
        let mut window = Window::new(Cursor::new(b"0123456789"), 3..7);
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "3456");
        assert_eq!(window.seek(SeekFrom::End(-1)).unwrap(), 3);
        assert_eq!(window.seek(SeekFrom::Current(-2)).unwrap(), 1);
        let mut two = [0; 2];
        window.read_exact(&mut two).unwrap();
        assert_eq!(two, *b"45");
        assert_eq!(window.seek(SeekFrom::Start(9)).unwrap(), 9);
        assert_eq!(window.read(&mut two).unwrap(), 0);
        assert!(window.seek(SeekFrom::Current(-10)).is_err());
        assert_eq!(window.into_inner().into_inner().len(), 10);
    }

    #[test]
    fn an_image_that_ends_early_ends_the_window() {
        let mut window = Window::new(Cursor::new(b"0123"), 2..100);
        let mut bytes = Vec::new();
        assert_eq!(window.read_to_end(&mut bytes).unwrap(), 2);
        let mut backwards = Window::new(Cursor::new(b"0123"), Range { start: 3, end: 1 });
        assert_eq!(backwards.read_to_end(&mut bytes).unwrap(), 0);
    }
}
