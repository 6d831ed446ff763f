//! Sector numbers and counts of sectors are two types; all narrowing of numbers is here.

/// Bytes of a sector, which is also the logical block of every image this crate makes or reads.
pub(crate) const SECTOR: u64 = 2048;
/// The same as a length in memory.
pub(crate) const SECTOR_LEN: usize = 2048;

/// The number of a 2048-byte sector, counted from the start of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lba(u32);

impl Lba {
    pub(crate) const fn new(sector: u32) -> Self {
        Self(sector)
    }

    /// The sector number.
    pub const fn sector(self) -> u32 {
        self.0
    }

    /// The sector that many further on; saturates.
    pub(crate) fn after(self, count: SectorCount) -> Self {
        Self(u32::try_from(u64::from(self.0).saturating_add(count.0)).unwrap_or(u32::MAX))
    }

    /// Offset of the sector's first byte in the image.
    pub fn byte_offset(self) -> u64 {
        // At most 2^32 x 2^11: cannot saturate.
        u64::from(self.0).saturating_mul(SECTOR)
    }
}

impl std::fmt::Display for Lba {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A count of 2048-byte sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SectorCount(u64);

impl SectorCount {
    pub(crate) const ONE: Self = Self(1);

    pub(crate) const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The sectors that `bytes` bytes begin.
    pub(crate) const fn for_bytes(bytes: u64) -> Self {
        Self(bytes.div_ceil(SECTOR))
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    pub(crate) fn bytes(self) -> u64 {
        self.0.saturating_mul(SECTOR)
    }
}

/// Hands out sectors one after the other.
///
/// It counts in 64 bits, so that an image that is too large is measured to its end and the error
/// can say how much is too much. The LBAs it gives saturate; [`Cursor::used`] must be held against
/// the limit of 2^32 - 1 sectors before any of them is written down.
pub(crate) struct Cursor {
    next: u64,
}

impl Cursor {
    pub(crate) fn at(first: Lba) -> Self {
        Self { next: u64::from(first.0) }
    }

    pub(crate) fn take(&mut self, count: SectorCount) -> Lba {
        let lba = Lba(u32::try_from(self.next).unwrap_or(u32::MAX));
        self.next = self.next.saturating_add(count.0);
        lba
    }

    /// Skips a sector where that is needed to stand on an even one: 4 KiB.
    pub(crate) fn align_even(&mut self) {
        self.next = self.next.saturating_add(self.next % 2);
    }

    /// Goes on at `lba`, which is not behind.
    pub(crate) fn skip_to(&mut self, lba: Lba) {
        self.next = self.next.max(u64::from(lba.0));
    }

    /// All sectors of the image up to here.
    pub(crate) fn used(&self) -> SectorCount {
        SectorCount(self.next)
    }
}

/// A length in memory as a length on the medium.
pub(crate) fn len64(len: usize) -> u64 {
    // No system has lengths beyond 64 bits.
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A number of nodes, records or folders as a place in memory.
pub(crate) fn index(number: u32) -> usize {
    // u32 fits usize on every system with std that we build for.
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_measures_past_the_limit() {
        let mut cursor = Cursor::at(Lba::new(16));
        assert_eq!(cursor.take(SectorCount::for_bytes(2049)), Lba(16));
        assert_eq!(cursor.take(SectorCount::ONE), Lba(18));
        cursor.align_even();
        assert_eq!(cursor.take(SectorCount::new(u64::from(u32::MAX))), Lba(20));
        assert_eq!(cursor.take(SectorCount::ONE), Lba(u32::MAX));
        assert_eq!(cursor.used().get(), 20 + (1 << 32));
        assert_eq!(Lba(u32::MAX).byte_offset(), 0xFFFF_FFFF * 2048);
    }
}
