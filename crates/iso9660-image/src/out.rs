//! One description of variable-length records, run twice: into a [`Counter`] for the size, then
//! into bytes with the real positions.

use crate::units::{SECTOR, len64};

/// Where a description goes.
pub(crate) trait Out {
    /// Bytes so far.
    fn position(&self) -> u64;

    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Appends zeros up to a multiple of `unit`, which is a power of two of at most a sector.
    fn pad_to_multiple(&mut self, unit: usize) {
        const ZEROS: [u8; 2048] = [0; 2048];
        let unit = len64(unit);
        let used = self.position().checked_rem(unit).unwrap_or(0);
        let missing = if used == 0 { 0 } else { unit.saturating_sub(used) };
        let missing = usize::try_from(missing).unwrap_or(0);
        self.put(ZEROS.get(..missing).unwrap_or(&ZEROS));
    }

    /// Bytes left in the current sector: a whole one at its start.
    fn room_in_sector(&self) -> usize {
        let used = self.position() % SECTOR;
        usize::try_from(SECTOR.saturating_sub(used)).unwrap_or(usize::MAX)
    }
}

/// Counts what passes.
#[derive(Default)]
pub(crate) struct Counter(u64);

impl Out for Counter {
    fn position(&self) -> u64 {
        self.0
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(len64(bytes.len()));
    }
}

impl Out for Vec<u8> {
    fn position(&self) -> u64 {
        len64(self.len())
    }

    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
