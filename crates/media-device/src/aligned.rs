//! Memory that drives are read into and written from directly.

use std::io;
use std::sync::{Mutex, PoisonError};

/// What O_DIRECT asks of memory: older kernels the logical block size, newer ones less. Windows asks
/// for whole sectors, too.
const ALIGNMENT: usize = 4096;
/// Calls with memory that lies elsewhere are served in pieces of this many bytes.
const PIECE: usize = 1 << 20;

/// True when bytes can be read and written without being copied.
fn is_aligned(bytes: &[u8]) -> bool {
    bytes.as_ptr().align_offset(ALIGNMENT) == 0
}

/// [`PIECE`] bytes on a multiple of [`ALIGNMENT`].
#[derive(Debug)]
struct Aligned {
    /// Longer than needed, and never moved.
    memory: Vec<u8>,
    start: usize,
}

impl Aligned {
    fn new() -> Self {
        let memory = vec![0; PIECE + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Self { memory, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        let behind = self.memory.get_mut(self.start..).unwrap_or_default();
        let len = behind.len().min(PIECE);
        behind.get_mut(..len).unwrap_or_default()
    }
}

/// Pieces that are used again: one for each thread that reads or writes at a time.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Aligned>>);

impl Pool {
    /// Fills `bytes` by `read`, which gets offsets and memory that can be read into directly.
    pub(crate) fn read(
        &self,
        mut offset: u64,
        bytes: &mut [u8],
        read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if is_aligned(bytes) {
            return read(offset, bytes);
        }
        self.with(|piece| {
            for bytes in bytes.chunks_mut(piece.len().max(1)) {
                let (piece, _) = piece.split_at_mut(bytes.len().min(piece.len()));
                read(offset, piece)?;
                bytes.copy_from_slice(piece);
                offset = offset.saturating_add(len(bytes));
            }
            Ok(())
        })
    }

    /// Hands `bytes` to `write`, with offsets and in memory that can be written from directly.
    pub(crate) fn write(
        &self,
        mut offset: u64,
        bytes: &[u8],
        write: impl Fn(u64, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if is_aligned(bytes) {
            return write(offset, bytes);
        }
        self.with(|piece| {
            for bytes in bytes.chunks(piece.len().max(1)) {
                let (piece, _) = piece.split_at_mut(bytes.len().min(piece.len()));
                piece.copy_from_slice(bytes);
                write(offset, piece)?;
                offset = offset.saturating_add(len(bytes));
            }
            Ok(())
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut [u8]) -> T) -> T {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = taken.unwrap_or_else(Aligned::new);
        let done = work(piece.bytes());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        done
    }
}

pub(crate) fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_aligned_whole_and_used_again() {
        let pool = Pool::default();
        let first = pool.with(|piece| {
            assert!(is_aligned(piece) && piece.len() == PIECE);
            piece.as_ptr().addr()
        });
        assert_eq!(pool.with(|piece| piece.as_ptr().addr()), first);
        pool.with(|outer| {
            pool.with(|inner| assert_ne!(inner.as_ptr(), outer.as_ptr()));
            assert!(!is_aligned(&outer[1..]));
        });
    }
}
