//! Canonical prefix codes, decoded by table: shorter codes first, equal lengths by symbol, most
//! significant bit first (wim-format 2.7).
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "code lengths are at most 16 and symbols below 4096, so no sum, shift or cast here can \
              lose bits; checked arithmetic in the lookup would cost a tenth of the decoder's speed"
)]

/// Longest code either format allows.
pub(super) const MAX_LENGTH: usize = 16;

/// The lengths fill the code space neither exactly nor not at all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incomplete;

/// Whether a code can be used.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Space {
    /// Every bit string decodes.
    Full,
    /// All lengths are zero: no symbol exists.
    Empty,
}

/// A prefix code over at most `SYMBOLS` symbols (below 4096), looked up by its first
/// `log2(TABLE)` bits. Longer codes are rare and take a search over the lengths.
pub(super) struct Huffman<const SYMBOLS: usize, const TABLE: usize> {
    /// `symbol << 4 | length`, or 0 where the code is longer than the table's index.
    table: [u16; TABLE],
    /// All symbols with a code, in code order.
    sorted: [u16; SYMBOLS],
    /// For each length: the first 16-bit value above its codes, and what to subtract from a code of
    /// that length to find its place in `sorted`.
    long: [(u32, u32); MAX_LENGTH + 1],
}

impl<const SYMBOLS: usize, const TABLE: usize> Huffman<SYMBOLS, TABLE> {
    const TABLE_BITS: u32 = {
        assert!(TABLE.is_power_of_two() && TABLE >= 2 && TABLE <= 1 << 15 && SYMBOLS < 4096);
        TABLE.trailing_zeros()
    };

    pub(super) const fn new() -> Self {
        Self { table: [0; TABLE], sorted: [0; SYMBOLS], long: [(0, 0); MAX_LENGTH + 1] }
    }

    /// Makes the code of `lengths`, one per symbol, each at most [`MAX_LENGTH`].
    pub(super) fn build(&mut self, lengths: &[u8]) -> Result<Space, Incomplete> {
        let mut count = [0_u32; MAX_LENGTH + 1];
        for &length in lengths {
            *count.get_mut(usize::from(length)).ok_or(Incomplete)? += 1;
        }
        self.table.fill(0);
        let mut code = 0_u32;
        let mut place = 0_u32;
        let mut next = [0_u32; MAX_LENGTH + 1];
        let all = self.long.iter_mut().zip(&mut next).zip(count).zip(0_u32..).skip(1);
        for (((long, next), count), length) in all {
            // `code` is the first code of this length as a 16-bit value.
            let first = code >> (16 - length);
            *next = place;
            code += count << (16 - length);
            *long = (code, first.wrapping_sub(place));
            place += count;
        }
        if place == 0 {
            return Ok(Space::Empty);
        }
        if code != 1 << 16 {
            return Err(Incomplete);
        }
        for (&length, symbol) in lengths.iter().zip(0_u16..) {
            if length == 0 {
                continue;
            }
            if let Some(next) = next.get_mut(usize::from(length)) {
                if let Some(sorted) = self.sorted.get_mut(*next as usize) {
                    *sorted = symbol;
                }
                *next += 1;
            }
        }
        // Codes in order fill the table in order.
        let mut rest = self.table.as_mut_slice();
        let mut symbols = self.sorted.iter();
        for (&count, length) in count.iter().zip(0_u32..).skip(1) {
            if length > Self::TABLE_BITS {
                break;
            }
            let width = 1_usize << (Self::TABLE_BITS - length);
            for &symbol in symbols.by_ref().take(count as usize) {
                let Some((these, others)) = rest.split_at_mut_checked(width) else {
                    return Err(Incomplete);
                };
                these.fill(symbol << 4 | length as u16);
                rest = others;
            }
        }
        Ok(Space::Full)
    }

    /// The symbol whose code begins `bits` (most significant bit first) and the length of its code.
    /// Meaningless, but harmless, when the code is empty.
    #[inline(always)]
    pub(super) fn lookup(&self, bits: u64) -> (usize, u32) {
        let index = (bits >> (64 - Self::TABLE_BITS)) as usize;
        let entry = self.table.get(index).copied().unwrap_or(0);
        if entry != 0 {
            return (usize::from(entry >> 4), u32::from(entry & 15));
        }
        self.lookup_long(bits)
    }

    #[cold]
    fn lookup_long(&self, bits: u64) -> (usize, u32) {
        let value = (bits >> 48) as u32;
        let longer = self.long.iter().zip(0_u32..).skip(Self::TABLE_BITS as usize + 1);
        for (&(limit, subtract), length) in longer {
            if value < limit {
                let place = (value >> (16 - length)).wrapping_sub(subtract) as usize;
                return (usize::from(self.sorted.get(place).copied().unwrap_or(0)), length);
            }
        }
        (0, 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_codes() {
        // Codes: 3 = 0, 0 = 100, 1 = 101, 2 = 110, 4 = 1110, 5 = 1111; a table of two bits makes
        // all but the first long.
        let mut code = Huffman::<6, 4>::new();
        assert_eq!(code.build(&[3, 3, 3, 1, 4, 4]), Ok(Space::Full));
        for (bits, symbol, length) in [
            (0b0111_u64, 3, 1),
            (0b1000, 0, 3),
            (0b1011, 1, 3),
            (0b1101, 2, 3),
            (0b1110, 4, 4),
            (0b1111, 5, 4),
        ] {
            assert_eq!(code.lookup(bits << 60), (symbol, length), "{bits:04b}");
        }
    }

    #[test]
    fn sixteen_bits() {
        let mut lengths: Vec<u8> = (1..=16).collect();
        lengths.push(16);
        let mut code = Huffman::<17, 16>::new();
        assert_eq!(code.build(&lengths), Ok(Space::Full));
        assert_eq!(code.lookup(0xFFFE << 48), (15, 16));
        assert_eq!(code.lookup(0xFFFF << 48), (16, 16));
        assert_eq!(code.lookup(0xFFF0 << 48), (12, 13));
    }

    #[test]
    fn space_must_be_full_or_empty() {
        let mut code = Huffman::<4, 4>::new();
        assert_eq!(code.build(&[0, 0, 0, 0]), Ok(Space::Empty));
        assert_eq!(code.build(&[1, 0, 0, 0]), Err(Incomplete));
        assert_eq!(code.build(&[1, 1, 1, 0]), Err(Incomplete));
        assert_eq!(code.build(&[17, 1, 1, 0]), Err(Incomplete));
    }
}
