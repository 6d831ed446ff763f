//! LZX as WIM uses it (wim-format 2): every chunk is a stream of its own, without the leading E8
//! bit, with one-bit block sizes, and with the x86 call filter always on.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "positions are at most a chunk (2 MiB), bit counts below 64 and slots below 50; the \
              bounds are tested where values come in, and this is the hot loop"
)]

use super::huffman::{Huffman, Incomplete, Space};
use super::{DecodeError, matches};

/// Offset slots of the largest window, 2 MiB.
const MAX_SLOTS: usize = 50;
const LITERALS: usize = 256;
const MAX_MAIN: usize = LITERALS + 8 * MAX_SLOTS;
const LENGTHS: usize = 249;
const PRETREE: usize = 20;
const ALIGNED: usize = 8;
/// The size a block has when its size bit is set.
const USUAL_BLOCK: usize = 32_768;
/// The "file size" of the x86 call filter, which for WIM is this number whatever the file.
const FILTER_SIZE: i32 = 12_000_000;

/// Extra bits of each offset slot, and what to add to them; the two to subtract, which make room for
/// the three recent offsets, are taken off already. Slots 0 to 2 stand for the recent offsets.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse")]
const SLOTS: [(u32, u32); MAX_SLOTS] = {
    let mut slots = [(0, 0); MAX_SLOTS];
    let mut slot = 0;
    let mut base: u32 = 0;
    while slot < MAX_SLOTS {
        let extra = match slot as u32 / 2 {
            0 | 1 => 0,
            half if half - 1 > 17 => 17,
            half => half - 1,
        };
        slots[slot] = (extra, base.saturating_sub(2));
        base += 1 << extra;
        slot += 1;
    }
    slots
};

/// Decoder of LZX chunks.
pub struct Lzx {
    chunk_size: usize,
    main_symbols: usize,
    main_lengths: [u8; MAX_MAIN],
    length_lengths: [u8; LENGTHS],
    main: Huffman<MAX_MAIN, 2048>,
    length: Huffman<LENGTHS, 1024>,
    aligned: Huffman<ALIGNED, 128>,
    pretree: Huffman<PRETREE, 256>,
}

impl Lzx {
    /// A decoder for resources whose chunk size is `chunk_size` bytes: a power of two from 32 KiB to
    /// 2 MiB, for others `None`. The size decides the alphabet, so it must be the resource's own.
    /// About 10 KiB of tables.
    pub const fn new(chunk_size: u32) -> Option<Self> {
        let slots = match chunk_size {
            0x8000 => 30,
            0x1_0000 => 32,
            0x2_0000 => 34,
            0x4_0000 => 36,
            0x8_0000 => 38,
            0x10_0000 => 42,
            0x20_0000 => MAX_SLOTS,
            _ => return None,
        };
        Some(Self {
            chunk_size: chunk_size as usize,
            main_symbols: LITERALS + 8 * slots,
            main_lengths: [0; MAX_MAIN],
            length_lengths: [0; LENGTHS],
            main: Huffman::new(),
            length: Huffman::new(),
            aligned: Huffman::new(),
            pretree: Huffman::new(),
        })
    }

    /// Unpacks one chunk so that `out` is full. What `packed` holds after that is not looked at.
    ///
    /// # Errors
    /// The packed bytes are damaged; `out` then holds nothing of use.
    pub fn decode(&mut self, packed: &[u8], out: &mut [u8]) -> Result<(), DecodeError> {
        if out.len() > self.chunk_size {
            return Err(DecodeError::Output { len: out.len(), limit: self.chunk_size });
        }
        self.main_lengths.fill(0);
        self.length_lengths.fill(0);
        let mut bits = Bits { input: packed, at: 0, buffer: 0, count: 0 };
        let mut recent = [1_u32; 3];
        let mut has_e8 = false;
        let mut at = 0;
        while at < out.len() {
            let kind = bits.take(3);
            let size = self.block_size(&mut bits);
            let left = out.len() - at;
            if size == 0 || size > left {
                return Err(DecodeError::BlockSize { size, at, left });
            }
            let end = at + size;
            match kind {
                1 | 2 => {
                    let codes = self.read_codes(&mut bits, kind == 2)?;
                    has_e8 |= self.main_lengths.get(0xE8).is_some_and(|&length| length > 0);
                    let block = out.get_mut(..end).unwrap_or_default();
                    // Two copies of the loop, so that the verbatim one has no test for alignment.
                    if kind == 2 {
                        self.decode_block::<true>(&mut bits, block, at, &mut recent, codes)?;
                    } else {
                        self.decode_block::<false>(&mut bits, block, at, &mut recent, codes)?;
                    }
                }
                3 => {
                    let truncated = DecodeError::Truncated { len: packed.len() };
                    bits.align();
                    for recent in &mut recent {
                        *recent = bits
                            .raw(4)
                            .and_then(|four| four.first_chunk().copied())
                            .map(u32::from_le_bytes)
                            .ok_or(truncated)?;
                        if *recent == 0 {
                            return Err(DecodeError::RecentOffset { at });
                        }
                    }
                    let raw = bits.raw(size).ok_or(truncated)?;
                    out.get_mut(at..end).unwrap_or_default().copy_from_slice(raw);
                    // The pad byte of an odd block; its absence at the end of a chunk is harmless.
                    bits.at += size & 1;
                    has_e8 = true;
                }
                found => return Err(DecodeError::BlockType { found, at }),
            }
            if bits.overrun() {
                return Err(DecodeError::Truncated { len: packed.len() });
            }
            at = end;
        }
        if has_e8 {
            undo_call_filter(out);
        }
        Ok(())
    }

    fn block_size(&self, bits: &mut Bits<'_>) -> usize {
        if bits.take(1) == 1 {
            return USUAL_BLOCK;
        }
        let size = bits.take(16) as usize;
        // Windows of 64 KiB and more have eight more bits.
        if self.chunk_size > USUAL_BLOCK { size << 8 | bits.take(8) as usize } else { size }
    }

    /// Reads the code lengths of a block and makes its codes; tells whether the length code exists.
    fn read_codes(&mut self, bits: &mut Bits<'_>, aligned: bool) -> Result<Space, DecodeError> {
        if aligned {
            let mut lengths = [0; ALIGNED];
            for length in &mut lengths {
                *length = bits.take(3) as u8;
            }
            full(self.aligned.build(&lengths), "aligned")?;
        }
        let main = self.main_lengths.get_mut(..self.main_symbols).unwrap_or_default();
        let (literals, matches) = main.split_at_mut_checked(LITERALS).unwrap_or_default();
        read_lengths(bits, &mut self.pretree, literals)?;
        read_lengths(bits, &mut self.pretree, matches)?;
        full(self.main.build(main), "main")?;
        read_lengths(bits, &mut self.pretree, &mut self.length_lengths)?;
        self.length.build(&self.length_lengths).map_err(|_| DecodeError::Code { code: "length" })
    }

    /// Decodes into `block` from `at` to its end; the bytes before `at` are the window.
    fn decode_block<const WITH_ALIGNED: bool>(
        &self,
        bits: &mut Bits<'_>,
        block: &mut [u8],
        mut at: usize,
        recent: &mut [u32; 3],
        lengths: Space,
    ) -> Result<(), DecodeError> {
        let end = block.len();
        // Local copies live in registers.
        let mut input = Bits { ..*bits };
        let [mut r0, mut r1, mut r2] = *recent;
        while at < end {
            // 32 bits: enough for a main and a length symbol, or for an offset's extra bits.
            input.refill();
            let (symbol, width) = self.main.lookup(input.buffer);
            input.consume(width);
            if symbol < LITERALS {
                if let Some(byte) = block.get_mut(at) {
                    *byte = symbol as u8;
                }
                at += 1;
                continue;
            }
            let mut len = (symbol - LITERALS) & 7;
            if len == 7 {
                if lengths == Space::Empty {
                    return Err(DecodeError::NoLengthCode { at });
                }
                let (more, width) = self.length.lookup(input.buffer);
                input.consume(width);
                len += more;
            }
            len += 2;
            let slot = (symbol - LITERALS) >> 3;
            let offset = match slot {
                0 => r0,
                // Swapped, not rotated: the other recent offset keeps its place.
                1 => {
                    (r0, r1) = (r1, r0);
                    r0
                }
                2 => {
                    (r0, r2) = (r2, r0);
                    r0
                }
                _ => {
                    let (extra, base) = SLOTS.get(slot).copied().unwrap_or_default();
                    input.refill();
                    let offset = if WITH_ALIGNED && extra >= 3 {
                        let high = input.peek(extra - 3) << 3;
                        input.consume(extra - 3);
                        let (low, width) = self.aligned.lookup(input.buffer);
                        input.consume(width);
                        base + high + low as u32
                    } else {
                        let more = input.peek(extra);
                        input.consume(extra);
                        base + more
                    };
                    (r0, r1, r2) = (offset, r0, r1);
                    offset
                }
            };
            if offset as usize > at || offset == 0 {
                return Err(DecodeError::Offset { at, offset: u64::from(offset) });
            }
            if len > end - at {
                return Err(DecodeError::Length { at, len, left: end - at });
            }
            matches::copy(block, at, offset as usize, len);
            at += len;
        }
        *bits = input;
        *recent = [r0, r1, r2];
        Ok(())
    }
}

/// Reads one part of an alphabet's code lengths as changes to what `lengths` holds from the block
/// before (wim-format 2.6).
fn read_lengths(
    bits: &mut Bits<'_>,
    pretree: &mut Huffman<PRETREE, 256>,
    lengths: &mut [u8],
) -> Result<(), DecodeError> {
    let mut pretree_lengths = [0; PRETREE];
    for length in &mut pretree_lengths {
        *length = bits.take(4) as u8;
    }
    full(pretree.build(&pretree_lengths), "pretree")?;
    let mut rest = lengths;
    while let Some(&old) = rest.first() {
        let (symbol, width) = pretree.lookup(bits.refilled());
        bits.consume(width);
        let (run, new) = match symbol {
            17 => (4 + bits.take(4) as usize, 0),
            18 => (20 + bits.take(5) as usize, 0),
            19 => {
                let run = 4 + bits.take(1) as usize;
                let (symbol, width) = pretree.lookup(bits.refilled());
                bits.consume(width);
                if symbol > 16 {
                    return Err(DecodeError::Code { code: "pretree" });
                }
                (run, (old + 17 - symbol as u8) % 17)
            }
            symbol => (1, (old + 17 - symbol as u8) % 17),
        };
        let left = rest.len();
        let Some((these, others)) = rest.split_at_mut_checked(run) else {
            return Err(DecodeError::Run { run, left });
        };
        these.fill(new);
        rest = others;
    }
    Ok(())
}

fn full(space: Result<Space, Incomplete>, code: &'static str) -> Result<(), DecodeError> {
    match space {
        Ok(Space::Full) => Ok(()),
        Ok(Space::Empty) | Err(Incomplete) => Err(DecodeError::Code { code }),
    }
}

/// 16-bit little-endian units taken from the most significant end. Past the end of the input come
/// zeros, and [`overrun`](Self::overrun) tells.
struct Bits<'a> {
    input: &'a [u8],
    /// Position of the next unit; passes the end of the input.
    at: usize,
    /// The next bit is the most significant; those after the first `count` are zero.
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Makes at least 32 bits available, two units at a time.
    #[inline(always)]
    fn refill(&mut self) {
        if self.count < 32 {
            let four = match self.input.get(self.at..).and_then(|rest| rest.first_chunk()) {
                Some(four) => *four,
                None => self.last_bytes(),
            };
            let units = u32::from_le_bytes(four).rotate_left(16);
            self.buffer |= u64::from(units) << (32 - self.count);
            self.count += 32;
            self.at += 4;
        }
    }

    #[cold]
    fn last_bytes(&self) -> [u8; 4] {
        let mut four = [0; 4];
        let rest = self.input.get(self.at..).unwrap_or_default();
        for (byte, &last) in four.iter_mut().zip(rest) {
            *byte = last;
        }
        four
    }

    #[inline(always)]
    fn refilled(&mut self) -> u64 {
        self.refill();
        self.buffer
    }

    /// The next `bits`, at most 32, which must be available.
    #[inline(always)]
    fn peek(&self, bits: u32) -> u32 {
        // Two shifts, because a shift by 64 is none.
        (self.buffer >> 1 >> (63 - bits)) as u32
    }

    #[inline(always)]
    fn consume(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// The next `bits`, at most 32.
    fn take(&mut self, bits: u32) -> u32 {
        self.refill();
        let value = self.peek(bits);
        self.consume(bits);
        value
    }

    /// Moves to the next unit, over a whole one where a unit just ended, and forgets the buffer.
    fn align(&mut self) {
        let used = self.at * 8 - self.count as usize;
        self.at = (used / 16 + 1) * 2;
        self.buffer = 0;
        self.count = 0;
    }

    /// Raw bytes at the current unit; the buffer must be empty.
    fn raw(&mut self, len: usize) -> Option<&'a [u8]> {
        let raw = self.input.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(raw)
    }

    /// More was used than is there; a missing pad byte does not count.
    fn overrun(&self) -> bool {
        self.at * 8 - self.count as usize > self.input.len() * 8 + 8
    }
}

/// Turns the targets of x86 calls back from absolute to relative (wim-format 2.9). The encoder did
/// the opposite to all data, code or not.
fn undo_call_filter(out: &mut [u8]) {
    let Some(limit) = out.len().checked_sub(10) else { return };
    let mut at = 0;
    while let Some(skip) = out.get(at..limit).and_then(find_e8) {
        at += skip;
        if let Some(field) = out.get_mut(at + 1..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            let absolute = i32::from_le_bytes(*field);
            let position = at as i32;
            if absolute >= -position && absolute < FILTER_SIZE {
                let relative =
                    if absolute >= 0 { absolute - position } else { absolute + FILTER_SIZE };
                *field = relative.to_le_bytes();
            }
        }
        at += 5;
    }
}

/// Position of the first E8, eight bytes at a time.
fn find_e8(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (words, tail) = bytes.as_chunks::<8>();
    for (word, index) in words.iter().zip(0..) {
        // A byte that is E8 becomes zero; the lowest high bit of the classic zero-byte test is exact.
        let zeroed = u64::from_le_bytes(*word) ^ (ONES * 0xE8);
        let found = zeroed.wrapping_sub(ONES) & !zeroed & HIGHS;
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|&byte| byte == 0xE8).map(|place| words.len() * 8 + place)
}

#[cfg(test)]
#[path = "lzx_tests.rs"]
mod tests;
