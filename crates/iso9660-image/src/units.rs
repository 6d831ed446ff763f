//! Sector numbers and counts of sectors are two types; all narrowing of numbers is here.

/// Bytes of a sector, which is also the logical block of every image this crate makes or reads.
pub(crate) const SECTOR: u64 = 2048;
/// The same as a length in memory.
pub(crate) const SECTOR_LEN: usize = 2048;

/// The number of a 2048-byte sector, counted from the start of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lba(u32);

impl Lba {
    /// The sector with this number.
    pub const fn new(sector: u32) -> Self {
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
    /// Sectors that are taken already, from the first to before the last; a part of the image lies
    /// before or behind them, never on both sides.
    hole: (u64, u64),
}

impl Cursor {
    pub(crate) fn at(first: Lba) -> Self {
        Self { next: u64::from(first.0), hole: (0, 0) }
    }

    /// Takes `count` sectors from `first` on out of what will be handed out. Only what was handed
    /// out before may lie there: the caller has looked.
    pub(crate) fn reserve(&mut self, first: Lba, count: SectorCount) {
        let first = u64::from(first.0);
        self.hole = (first, first.saturating_add(count.0));
    }

    /// The next run of `count` sectors that touch.
    pub(crate) fn take(&mut self, count: SectorCount) -> Lba {
        self.take_aligned(count, 1)
    }

    /// The same from an even sector on: 4 KiB.
    pub(crate) fn take_even(&mut self, count: SectorCount) -> Lba {
        self.take_aligned(count, 2)
    }

    fn take_aligned(&mut self, count: SectorCount, unit: u64) -> Lba {
        let align = |next: u64| next.checked_next_multiple_of(unit).unwrap_or(next);
        let (first, end) = self.hole;
        let mut start = align(self.next);
        if start < end && start.saturating_add(count.0) > first {
            start = align(end);
        }
        self.next = start.saturating_add(count.0);
        Lba(u32::try_from(start).unwrap_or(u32::MAX))
    }

    /// Goes on at `lba`, which is not behind.
    pub(crate) fn skip_to(&mut self, lba: Lba) {
        self.next = self.next.max(u64::from(lba.0));
    }

    /// Goes on behind all that was handed out or reserved.
    pub(crate) fn skip_to_end(&mut self) {
        self.next = self.used().0;
    }

    /// All sectors of the image up to here, and those that were reserved.
    pub(crate) fn used(&self) -> SectorCount {
        SectorCount(self.next.max(self.hole.1))
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
        assert_eq!(cursor.take_even(SectorCount::new(u64::from(u32::MAX))), Lba(20));
        assert_eq!(cursor.take(SectorCount::ONE), Lba(u32::MAX));
        assert_eq!(cursor.used().get(), 20 + (1 << 32));
        assert_eq!(Lba(u32::MAX).byte_offset(), 0xFFFF_FFFF * 2048);
    }

    #[test]
    fn no_part_touches_what_is_reserved() {
        let mut cursor = Cursor::at(Lba::new(16));
        cursor.reserve(Lba::new(20), SectorCount::new(5));
        assert_eq!(cursor.used().get(), 25);
        assert_eq!(cursor.take(SectorCount::new(4)), Lba(16));
        // Nothing has room before, and nothing is everywhere.
        assert_eq!(cursor.take(SectorCount::new(0)), Lba(20));
        assert_eq!(cursor.take_even(SectorCount::new(2)), Lba(26));
        assert_eq!(cursor.used().get(), 28);

        let mut cursor = Cursor::at(Lba::new(16));
        cursor.reserve(Lba::new(20), SectorCount::new(5));
        // A run that would reach into it lies behind it as a whole.
        assert_eq!(cursor.take(SectorCount::new(5)), Lba(25));
    }
}
