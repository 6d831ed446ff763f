//! Chunks made by hand with a small bit writer; wimlib's encoder never emits type 3 blocks.

use super::*;

/// Writes bits most significant first into 16-bit little-endian units.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    unit: u16,
    used: u32,
}

impl BitWriter {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            self.unit = self.unit << 1 | (value >> bit & 1) as u16;
            self.used += 1;
            if self.used == 16 {
                self.bytes.extend(self.unit.to_le_bytes());
                (self.unit, self.used) = (0, 0);
            }
        }
    }

    /// To the next unit, over a whole one where a unit just ended.
    fn align(&mut self) {
        let missing = 16 - self.used;
        self.put(0, missing);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.align();
        }
        self.bytes
    }
}

/// Canonical codes of `lengths`.
fn codes(lengths: &[u8]) -> Vec<(u32, u32)> {
    let mut codes = vec![(0, 0); lengths.len()];
    let mut code = 0;
    for length in 1..=16 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
            codes[symbol] = (code, u32::from(length));
            code += 1;
        }
        code <<= 1;
    }
    codes
}

/// Writes one part of an alphabet. The pretree knows "no change", the lengths 1 to 3 where 0 was, and
/// runs of zeros.
fn put_lengths(bits: &mut BitWriter, old: &[u8], new: &[u8]) {
    let pretree = with_lengths(PRETREE, &[(0, 2), (14, 3), (15, 3), (16, 3), (17, 3), (18, 2)]);
    for &length in &pretree {
        bits.put(u32::from(length), 4);
    }
    let codes = codes(&pretree);
    let mut at = 0;
    while at < new.len() {
        let zeros = new[at..].iter().take_while(|length| **length == 0).count();
        if zeros >= 20 {
            let run = zeros.min(51);
            bits.put(codes[18].0, codes[18].1);
            bits.put(run as u32 - 20, 5);
            at += run;
        } else if zeros >= 4 {
            let run = zeros.min(19);
            bits.put(codes[17].0, codes[17].1);
            bits.put(run as u32 - 4, 4);
            at += run;
        } else {
            let (code, length) = codes[usize::from((old[at] + 17 - new[at]) % 17)];
            assert_ne!(length, 0, "the test pretree has no such delta");
            bits.put(code, length);
            at += 1;
        }
    }
}

fn with_lengths(len: usize, of: &[(usize, u8)]) -> Vec<u8> {
    let mut lengths = vec![0; len];
    for &(symbol, length) in of {
        lengths[symbol] = length;
    }
    lengths
}

const MAIN: usize = LITERALS + 8 * 30;

/// A verbatim block's head with codes for the given main and length symbols. Old lengths are zero.
fn put_head(bits: &mut BitWriter, kind: u32, size: u32, main: &[u8], length: &[u8]) {
    bits.put(kind, 3);
    bits.put(0, 1);
    bits.put(size, 16);
    if kind == 2 {
        // Aligned: 0..=5 at three bits, 6 at three, 7 at three: the plain binary code.
        for _ in 0..8 {
            bits.put(3, 3);
        }
    }
    put_lengths(bits, &[0; LITERALS], &main[..LITERALS]);
    put_lengths(bits, &[0; MAIN - LITERALS], &main[LITERALS..]);
    put_lengths(bits, &[0; LENGTHS], length);
}

fn decode(packed: &[u8], len: usize) -> Result<Vec<u8>, DecodeError> {
    let mut out = vec![0xEE; len];
    Lzx::new(32_768).unwrap().decode(packed, &mut out).map(|()| out)
}

/// The main symbol of a match.
fn match_symbol(slot: usize, header: usize) -> usize {
    LITERALS + slot * 8 + header
}

/// 13 raw bytes, then "Z", a filtered call, and matches up to 400 bytes: once from R2 as the raw
/// block set it, then a swap, and a long one over the length code.
fn type_three_chunk() -> (Vec<u8>, Vec<u8>) {
    let raw = b"capture media";
    let mut bits = BitWriter::default();
    bits.put(3, 3);
    bits.put(0, 1);
    bits.put(raw.len() as u32, 16);
    bits.align();
    let mut packed = bits.finish();
    for recent in [1_u32, 5, 13] {
        packed.extend(recent.to_le_bytes());
    }
    packed.extend(raw);
    // The pad byte; 7-Zip takes nothing but zero, wimlib and we take anything.
    packed.push(0);

    let (r1, r2, long) = (match_symbol(1, 2), match_symbol(2, 1), match_symbol(0, 7));
    let main = with_lengths(
        MAIN,
        &[(0, 2), (0x40, 3), (usize::from(b'Z'), 3), (0xE8, 3), (r1, 3), (r2, 3), (long, 3)],
    );
    // Symbols 248 and 200 of the length code.
    let length = with_lengths(LENGTHS, &[(200, 1), (248, 1)]);
    let mut bits = BitWriter::default();
    put_head(&mut bits, 1, 387, &main, &length);
    let main = codes(&main);
    let length = codes(&length);
    let mut put = |(code, width): (u32, u32)| bits.put(code, width);
    put(main[usize::from(b'Z')]);
    put(main[0xE8]);
    // The absolute target 0x4000 at position 14.
    for byte in [0, 0x40, 0, 0] {
        put(main[byte]);
    }
    // Recent offsets are 1, 5, 13. R2: 3 bytes from 13 back, then 13, 5, 1.
    put(main[r2]);
    // R1: 4 bytes from 5 back, then 5, 13, 1.
    put(main[r1]);
    // R0 = 5, 257 bytes; R2 = 1, 3 bytes; then R0 = 1: what is left.
    put(main[long]);
    put(length[248]);
    put(main[r2]);
    for _ in 0..114 / 3 {
        put(main[r2]);
    }
    packed.extend(bits.finish());

    let mut plain = raw.to_vec();
    plain.extend(b"Z\xE8\x00\x40\x00\x00");
    let mut copy = |offset: usize, len: usize| {
        for _ in 0..len {
            plain.push(plain[plain.len() - offset]);
        }
    };
    copy(13, 3);
    copy(5, 4);
    copy(5, 257);
    copy(1, 3);
    // Each further use of R2 swaps 5 and 1.
    for turn in 0..114 / 3 {
        copy(if turn % 2 == 0 { 5 } else { 1 }, 3);
    }
    assert_eq!(plain.len(), 400);
    plain[15..19].copy_from_slice(&(0x4000_i32 - 14).to_le_bytes());
    (packed, plain)
}

#[test]
fn odd_uncompressed_block_then_verbatim_with_a_call() {
    let (packed, plain) = type_three_chunk();
    // The oracle tests give this file to wimlib and 7-Zip.
    assert_eq!(packed, include_bytes!("../../tests/fixtures/lzx-type-3.bin"));
    assert_eq!(decode(&packed, 400).unwrap(), plain);
}

#[test]
fn uncompressed_block_skips_a_whole_unit_when_already_aligned() {
    // A chunk size of 64 KiB has 24-bit sizes: 3 + 1 + 24 = 28 bits, so 4 bits of padding; the
    // usual-size form has 3 + 1. Neither ends on a unit, so a verbatim block is put before.
    let main = with_lengths(MAIN, &[(usize::from(b'a'), 1), (usize::from(b'b'), 1)]);
    for literals in 1..=32 {
        let mut bits = BitWriter::default();
        put_head(&mut bits, 1, literals, &main, &[0; LENGTHS]);
        for _ in 0..literals {
            bits.put(1, 1);
        }
        bits.put(3, 3);
        bits.put(0, 1);
        bits.put(4, 16);
        bits.align();
        let mut packed = bits.finish();
        packed.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
        packed.extend(b"wxyz");
        let mut plain = vec![b'b'; literals as usize];
        plain.extend(b"wxyz");
        assert_eq!(decode(&packed, plain.len()).unwrap(), plain, "{literals}");
    }
}

#[test]
fn aligned_offsets() {
    // Slot 8 has three extra bits, all aligned; base 16, less 2: offsets 14 to 21.
    let aligned = match_symbol(8, 0);
    // Slot 10 has four: one verbatim, then aligned; base 32, less 2.
    let mixed = match_symbol(10, 3);
    let main = with_lengths(MAIN, &[(97, 2), (98, 2), (aligned, 2), (mixed, 2)]);
    let mut bits = BitWriter::default();
    put_head(&mut bits, 2, 40 + 2 + 5, &main, &[0; LENGTHS]);
    let main = codes(&main);
    let mut plain = Vec::new();
    for n in 0..40 {
        let byte = if n % 7 < 3 { 97 } else { 98 };
        bits.put(main[byte].0, 2);
        plain.push(byte as u8);
    }
    bits.put(main[aligned].0, 2);
    bits.put(6, 3);
    bits.put(main[mixed].0, 2);
    bits.put(1, 1);
    bits.put(1, 3);
    for (offset, len) in [(20, 2), (39, 5)] {
        for _ in 0..len {
            plain.push(plain[plain.len() - offset]);
        }
    }
    assert_eq!(decode(&bits.finish(), plain.len()).unwrap(), plain);
}

#[test]
fn slot_table() {
    assert_eq!(SLOTS[3], (0, 1));
    assert_eq!(SLOTS[4], (1, 2));
    assert_eq!(SLOTS[10], (4, 30));
    assert_eq!(SLOTS[29], (13, 24_576 - 2));
    assert_eq!(SLOTS[49], (17, 2_097_152 - 131_072 - 2));
}

#[test]
fn call_filter_boundaries() {
    let filtered = |field: [u8; 4], at: usize, len: usize| {
        let mut bytes = vec![0; len];
        bytes[at] = 0xE8;
        bytes[at + 1..at + 5].copy_from_slice(&field);
        undo_call_filter(&mut bytes);
        i32::from_le_bytes(bytes[at + 1..at + 5].try_into().unwrap())
    };
    assert_eq!(filtered(100_i32.to_le_bytes(), 20, 64), 80);
    assert_eq!(filtered((-20_i32).to_le_bytes(), 20, 64), -20 + FILTER_SIZE);
    assert_eq!(filtered((-21_i32).to_le_bytes(), 20, 64), -21);
    assert_eq!(filtered((FILTER_SIZE - 1).to_le_bytes(), 20, 64), FILTER_SIZE - 21);
    assert_eq!(filtered(FILTER_SIZE.to_le_bytes(), 20, 64), FILTER_SIZE);
    // The last ten bytes are left alone; so is a chunk of ten.
    assert_eq!(filtered(100_i32.to_le_bytes(), 53, 64), 47);
    assert_eq!(filtered(100_i32.to_le_bytes(), 54, 64), 100);
    undo_call_filter(&mut [0xE8; 10]);
    // An E8 inside the field of another is not a call.
    let mut nested = [0; 32];
    nested[0] = 0xE8;
    nested[4] = 0xE8;
    let before = nested;
    undo_call_filter(&mut nested);
    assert_eq!(nested, before);
}

#[test]
fn find_e8_at_every_place() {
    for len in 0..40 {
        assert_eq!(find_e8(&vec![0xE9; len]), None);
        for place in 0..len {
            let mut bytes = vec![0xE9; len];
            bytes[place..].fill(0xE8);
            assert_eq!(find_e8(&bytes), Some(place));
        }
    }
}

#[test]
fn damage() {
    assert!(matches!(decode(&[], 10), Err(DecodeError::BlockSize { size: 0, .. })));
    assert_eq!(
        decode(&[0xFF, 0xFF], 40_000),
        Err(DecodeError::Output { len: 40_000, limit: 32_768 })
    );
    // Type 7, usual size.
    assert_eq!(decode(&[0xFF, 0xFF], 32_768), Err(DecodeError::BlockType { found: 7, at: 0 }));
    let one = |kind, size| {
        let mut bits = BitWriter::default();
        bits.put(kind, 3);
        bits.put(0, 1);
        bits.put(size, 16);
        bits
    };
    assert_eq!(
        decode(&one(1, 11).finish(), 10),
        Err(DecodeError::BlockSize { size: 11, at: 0, left: 10 })
    );
    assert_eq!(decode(&one(1, 10).finish(), 10), Err(DecodeError::Code { code: "pretree" }));
    let mut zero_recent = one(3, 10);
    zero_recent.align();
    let mut packed = zero_recent.finish();
    assert!(matches!(decode(&packed, 10), Err(DecodeError::Truncated { .. })));
    packed.extend([0; 40]);
    assert_eq!(decode(&packed, 10), Err(DecodeError::RecentOffset { at: 0 }));

    // A run of twenty zeros where the literals have 256: thirteen of them are too many.
    let mut bits = one(1, 10);
    for length in with_lengths(PRETREE, &[(17, 1), (18, 1)]) {
        bits.put(u32::from(length), 4);
    }
    for _ in 0..13 {
        bits.put(1, 1);
        bits.put(0, 5);
    }
    assert_eq!(decode(&bits.finish(), 10), Err(DecodeError::Run { run: 20, left: 16 }));

    // Matches that reach before the chunk, past the block, and over a code that is not there.
    let first = match_symbol(0, 0);
    for (len, header, lengths, error) in [
        (10, 0, 0, DecodeError::Offset { at: 0, offset: 1 }),
        (10, 7, 0, DecodeError::NoLengthCode { at: 0 }),
    ] {
        let main = with_lengths(MAIN, &[(97, 1), (first + header, 1)]);
        let mut bits = BitWriter::default();
        put_head(&mut bits, 1, len, &main, &vec![lengths; LENGTHS]);
        bits.put(1, 1);
        assert_eq!(decode(&bits.finish(), len as usize), Err(error));
    }
    let main = with_lengths(MAIN, &[(97, 1), (first, 1)]);
    let mut bits = BitWriter::default();
    put_head(&mut bits, 1, 2, &main, &[0; LENGTHS]);
    bits.put(0b01, 2);
    assert_eq!(decode(&bits.finish(), 2), Err(DecodeError::Length { at: 1, len: 2, left: 1 }));

    // Only a few bytes of input for many bytes of output.
    let mut bits = BitWriter::default();
    put_head(&mut bits, 1, 30_000, &main, &[0; LENGTHS]);
    let packed = bits.finish();
    assert_eq!(decode(&packed, 30_000), Err(DecodeError::Truncated { len: packed.len() }));
}

#[test]
fn chunk_sizes() {
    for order in 0..32 {
        assert_eq!(Lzx::new(1 << order).is_some(), (15..=21).contains(&order), "{order}");
    }
    assert!(Lzx::new(0x8001).is_none());
}
