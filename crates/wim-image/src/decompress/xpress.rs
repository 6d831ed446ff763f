//! XPRESS with Huffman codes: [MS-XCA] 2.1/2.2 (LZ77 + Huffman), one block per chunk (wim-format 3).
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "positions are below the chunk's length plus a few units and bit counts below 64; the \
              bounds are tested where values come in, and this is the hot loop"
)]

use super::huffman::{Huffman, Space};
use super::{DecodeError, matches};

/// Bytes of code lengths that begin a chunk: 512 of four bits.
const LENGTHS: usize = 256;

/// Decoder of XPRESS chunks of up to 64 KiB.
pub struct Xpress {
    lengths: [u8; 2 * LENGTHS],
    code: Huffman<{ 2 * LENGTHS }, 2048>,
}

impl Xpress {
    /// Largest chunk the format allows, in bytes.
    pub const MAX_CHUNK: usize = 1 << 16;

    /// A decoder; about 6 KiB of tables.
    pub const fn new() -> Self {
        Self { lengths: [0; 2 * LENGTHS], code: Huffman::new() }
    }

    /// Unpacks one chunk so that `out` is full. What `packed` holds after that is not looked at.
    ///
    /// # Errors
    /// The packed bytes are damaged; `out` then holds nothing of use.
    pub fn decode(&mut self, packed: &[u8], out: &mut [u8]) -> Result<(), DecodeError> {
        if out.len() > Self::MAX_CHUNK {
            return Err(DecodeError::Output { len: out.len(), limit: Self::MAX_CHUNK });
        }
        let truncated = DecodeError::Truncated { len: packed.len() };
        let (lengths, input) = packed.split_at_checked(LENGTHS).ok_or(truncated)?;
        for (pair, &byte) in self.lengths.chunks_exact_mut(2).zip(lengths) {
            if let [even, odd] = pair {
                (*even, *odd) = (byte & 15, byte >> 4);
            }
        }
        match self.code.build(&self.lengths) {
            Ok(Space::Full) => {}
            Ok(Space::Empty) | Err(_) => return Err(DecodeError::Code { code: "xpress" }),
        }

        let mut bits = Units { input, at: 0, buffer: 0, count: 0 };
        bits.fetch();
        bits.fetch();
        let mut at = 0;
        while at < out.len() {
            let (symbol, length) = self.code.lookup(bits.buffer);
            bits.consume(length);
            if symbol < 256 {
                if let Some(byte) = out.get_mut(at) {
                    *byte = symbol as u8;
                }
                at += 1;
                continue;
            }
            // The length's extra bytes come before the offset's bits.
            let mut len = symbol & 15;
            if len == 15 {
                len += usize::from(bits.raw_byte());
                if len == 15 + 255 {
                    len = usize::from(bits.raw_unit());
                }
            }
            len += 3;
            let width = (symbol >> 4 & 15) as u32;
            let offset = (1 << width) + bits.take(width);
            if offset > at {
                return Err(DecodeError::Offset { at, offset: offset as u64 });
            }
            if len > out.len() - at {
                return Err(DecodeError::Length { at, len, left: out.len() - at });
            }
            matches::copy(out, at, offset, len);
            at += len;
        }
        if bits.overrun() { Err(truncated) } else { Ok(()) }
    }
}

impl Default for Xpress {
    fn default() -> Self {
        Self::new()
    }
}

/// 16-bit little-endian units taken from the most significant end, with raw bytes between them.
///
/// At least 16 bits are kept buffered, no more than 31: a raw byte is the one after the last fetched
/// unit, so fetching earlier or later than the encoder assumes would read the wrong one. For the
/// same reason the buffer is not filled with more than a unit at a time.
struct Units<'a> {
    input: &'a [u8],
    /// Position of the next unit or raw byte; passes the end of the input, where zeros follow.
    at: usize,
    /// The next bit is the most significant.
    buffer: u64,
    count: u32,
}

impl Units<'_> {
    #[inline(always)]
    fn fetch(&mut self) {
        let unit = match self.input.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(unit) => u16::from_le_bytes(*unit),
            None => u16::from(self.input.get(self.at).copied().unwrap_or(0)),
        };
        self.buffer |= u64::from(unit) << (48 - self.count);
        self.count += 16;
        self.at += 2;
    }

    /// `bits` is at most 16.
    #[inline(always)]
    fn consume(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
        if self.count < 16 {
            self.fetch();
        }
    }

    /// `bits` is at most 15.
    #[inline(always)]
    fn take(&mut self, bits: u32) -> usize {
        // Two shifts, because a shift by 64 is none.
        let value = (self.buffer >> 1 >> (63 - bits)) as usize;
        self.consume(bits);
        value
    }

    fn raw_byte(&mut self) -> u8 {
        let byte = self.input.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    fn raw_unit(&mut self) -> u16 {
        u16::from_le_bytes([self.raw_byte(), self.raw_byte()])
    }

    /// More bits were used than are there. The buffer may hold up to 31 bits of zeros that were
    /// fetched ahead.
    fn overrun(&self) -> bool {
        self.at.saturating_sub(self.count as usize / 8) > self.input.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code lengths of four symbols with two bits each; codes are in order of symbol.
    fn packed(symbols: [usize; 4], rest: &[u8]) -> Vec<u8> {
        let mut packed = vec![0; LENGTHS];
        for symbol in symbols {
            packed[symbol / 2] |= 2 << (symbol % 2 * 4);
        }
        packed.extend_from_slice(rest);
        packed
    }

    fn decode(packed: &[u8], len: usize) -> Result<Vec<u8>, DecodeError> {
        let mut out = vec![0xEE; len];
        Xpress::new().decode(packed, &mut out).map(|()| out)
    }

    // Codes: a = 00, b = 01, offset 2..3 with length 3 = 10, offset 1 with a long length = 11.
    const SYMBOLS: [usize; 4] = [0x61, 0x62, 0x110, 0x10F];

    #[test]
    fn literals_and_a_short_match() {
        // Sorted, 0x10F comes before 0x110: a b [11 -> 0x110, offset 2 + 1 bit].
        // 00 01 00 11 1 = a b a, then three bytes from 3 back.
        let unit = 0b0001_0011_1000_0000_u16.to_le_bytes();
        assert_eq!(decode(&packed(SYMBOLS, &unit), 6).unwrap(), b"abaaba");
    }

    #[test]
    fn long_lengths_are_a_byte_or_a_unit() {
        // 00 10: a, then a run; the raw bytes come after two units.
        let mut rest = vec![0, 0b0010_0000, 0, 0, 200];
        assert_eq!(decode(&packed(SYMBOLS, &rest), 1 + 15 + 200 + 3).unwrap(), [b'a'; 219]);
        rest.truncate(4);
        rest.extend([255, 0x10, 0x27]);
        assert_eq!(decode(&packed(SYMBOLS, &rest), 10_004).unwrap(), vec![b'a'; 10_004]);
        assert_eq!(
            decode(&packed(SYMBOLS, &rest), 10_003),
            Err(DecodeError::Length { at: 1, len: 10_003, left: 10_002 })
        );
    }

    #[test]
    fn output_continues_from_buffered_bits_after_the_input_ended() {
        // Sixteen literals in two units: the last eight are all buffered when the input is used up.
        let rest = [0x55, 0x00, 0x00, 0x55];
        assert_eq!(decode(&packed(SYMBOLS, &rest), 16).unwrap(), b"aaaabbbbbbbbaaaa");
    }

    #[test]
    fn damage() {
        assert_eq!(decode(&[0; 100], 1), Err(DecodeError::Truncated { len: 100 }));
        assert_eq!(decode(&[0; 300], 1), Err(DecodeError::Code { code: "xpress" }));
        assert_eq!(
            decode(&packed(SYMBOLS, &[0, 0x80, 0, 0, 0]), 100),
            Err(DecodeError::Offset { at: 0, offset: 1 })
        );
        // Two bytes hold eight literals.
        assert!(decode(&packed(SYMBOLS, &[0, 0]), 8).is_ok());
        assert!(matches!(
            decode(&packed(SYMBOLS, &[0, 0]), 30),
            Err(DecodeError::Truncated { len: 258 })
        ));
        assert!(matches!(decode(&[], 65_537), Err(DecodeError::Output { .. })));
    }
}
