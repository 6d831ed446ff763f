//! The bytes of an image, by position.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use crate::units::{SECTOR, SECTOR_LEN, len64};

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The image's own bytes cannot be read.
    #[error("cannot read the image at byte {position}")]
    Io {
        /// Where.
        position: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no volume descriptor where the first must be.
    #[error(
        "not an ISO 9660 image: no volume descriptor at byte 32768 (the image has {len} bytes)"
    )]
    NotIso {
        /// Length of the image in bytes.
        len: u64,
    },
    /// The descriptors end without a primary one.
    #[error("no primary volume descriptor among the first {searched} descriptors")]
    NoPrimary {
        /// Number of descriptors looked at.
        searched: usize,
    },
    /// Other logical blocks than 2048 bytes are legal and made by nobody.
    #[error("the volume has logical blocks of {found} bytes, only 2048 can be read")]
    BlockSize {
        /// Bytes of a block.
        found: u16,
    },
    /// The image has no such tree.
    #[error("the image has no {tree} tree")]
    NoTree {
        /// The tree asked for.
        tree: crate::TreeKind,
    },
    /// Nothing can be made of the UDF file entry of a file or directory.
    #[error("{path:?}: its UDF file entry at byte {position} cannot be used; check the image")]
    Udf {
        /// Its path in the image, empty for the root.
        path: String,
        /// Where the entry lies.
        position: u64,
    },
    /// A directory is reached twice, directories overlap, or one lies outside the image.
    #[error("{} at byte {position} was read before or lies outside the image", directory(path))]
    Directory {
        /// Its path in the image, empty for the root.
        path: String,
        /// Where it lies.
        position: u64,
    },
    /// A path is longer than this reader follows.
    #[error("{path:?}... is longer than {allowed} bytes")]
    PathTooLong {
        /// Its beginning.
        path: String,
        /// Bytes allowed.
        allowed: usize,
    },
}

/// A directory for messages; the root has no name.
fn directory(path: &str) -> String {
    if path.is_empty() { "the root directory".to_owned() } else { format!("directory {path:?}") }
}

/// A reader that knows its length.
pub(super) struct Medium<R> {
    reader: R,
    len: u64,
}

impl<R: Read + Seek> Medium<R> {
    pub(super) fn new(mut reader: R) -> Result<Self, ReadError> {
        let len = reader
            .seek(SeekFrom::End(0))
            .map_err(|source| ReadError::Io { position: 0, source })?;
        Ok(Self { reader, len })
    }

    /// The reader, to be left at any position.
    pub(super) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Bytes of the image.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buf` from `position`; what lies past the end of the image reads as zero.
    pub(super) fn read_at(&mut self, position: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wrap = |source| ReadError::Io { position, source };
        let there = self.len.saturating_sub(position).min(len64(buf.len()));
        let there = usize::try_from(there).unwrap_or(usize::MAX);
        let Some((inside, outside)) = buf.split_at_mut_checked(there) else { return Ok(()) };
        outside.fill(0);
        if inside.is_empty() {
            return Ok(());
        }
        self.reader.seek(SeekFrom::Start(position)).map_err(wrap)?;
        self.reader.read_exact(inside).map_err(wrap)
    }

    /// One sector, or `None` when the image ends before its end.
    pub(super) fn sector(&mut self, number: u64) -> Result<Option<[u8; SECTOR_LEN]>, ReadError> {
        let position = number.saturating_mul(SECTOR);
        if position.saturating_add(SECTOR) > self.len {
            return Ok(None);
        }
        let mut sector = [0; SECTOR_LEN];
        self.read_at(position, &mut sector)?;
        Ok(Some(sector))
    }

    /// The bytes `[start, start + len)`; an error when the image ends before.
    pub(super) fn part(&mut self, start: u64, len: u64) -> Part<'_, R> {
        Part { medium: self, at: start, left: len }
    }
}

/// A run of bytes of an image.
pub(super) struct Part<'a, R> {
    medium: &'a mut Medium<R>,
    at: u64,
    left: u64,
}

impl<R: Read + Seek> Read for Part<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left.min(len64(buf.len()))).unwrap_or(usize::MAX);
        let Some(buf) = buf.get_mut(..wanted).filter(|buf| !buf.is_empty()) else { return Ok(0) };
        self.medium.reader.seek(SeekFrom::Start(self.at))?;
        let read = self.medium.reader.read(buf)?;
        if read == 0 {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                format!("the image ends at byte {}, {} more are in use", self.at, self.left),
            ));
        }
        self.at = self.at.saturating_add(len64(read));
        self.left = self.left.saturating_sub(len64(read));
        Ok(read)
    }
}
