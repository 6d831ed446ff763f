//! Chunk decoders: XPRESS with Huffman codes and LZX in the form WIM uses.
//!
//! A chunk of a WIM resource is packed alone, so a decoder takes one packed chunk and fills the
//! caller's buffer, whose length is the chunk's unpacked length. A decoder keeps its tables between
//! calls and allocates nothing after it was made.

mod huffman;
mod lzx;
mod matches;
mod xpress;

pub use lzx::Lzx;
pub use xpress::Xpress;

/// Why a packed chunk cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The packed bytes end before the output is full.
    #[error("the packed data ends after {len} bytes, before its output is complete")]
    Truncated {
        /// Length of the packed chunk in bytes.
        len: usize,
    },
    /// A set of code lengths that does not fill the code space exactly.
    #[error("the {code} code is not a complete prefix code")]
    Code {
        /// Which code: `pretree`, `main`, `length`, `aligned` or `xpress`.
        code: &'static str,
    },
    /// A long match where the block declared that none occurs.
    #[error("a long match at output byte {at}, but the block has no length code")]
    NoLengthCode {
        /// Output position in bytes.
        at: usize,
    },
    /// A run of code lengths passes the end of its part of the alphabet.
    #[error("a run of {run} code lengths where {left} are left")]
    Run {
        /// Length of the run.
        run: usize,
        /// Code lengths left in the part.
        left: usize,
    },
    /// A match that begins before the chunk.
    #[error("a match at output byte {at} reaches back {offset} bytes")]
    Offset {
        /// Output position in bytes.
        at: usize,
        /// Distance in bytes.
        offset: u64,
    },
    /// A match that passes the end of its block or of the chunk.
    #[error("a match of {len} bytes at output byte {at}, where {left} are left")]
    Length {
        /// Output position in bytes.
        at: usize,
        /// Length of the match.
        len: usize,
        /// Bytes left in the block.
        left: usize,
    },
    /// An LZX block type other than 1, 2 and 3.
    #[error("block type {found} at output byte {at} (1, 2 and 3 exist)")]
    BlockType {
        /// The three bits found.
        found: u32,
        /// Output position in bytes.
        at: usize,
    },
    /// An LZX block size of nothing or of more than the chunk has left.
    #[error("a block of {size} bytes at output byte {at}, where {left} are left")]
    BlockSize {
        /// The size found.
        size: usize,
        /// Output position in bytes.
        at: usize,
        /// Bytes left in the chunk.
        left: usize,
    },
    /// An uncompressed LZX block sets a recent offset to zero.
    #[error("a recent offset of zero in the block at output byte {at}")]
    RecentOffset {
        /// Output position in bytes.
        at: usize,
    },
    /// The output buffer is longer than a chunk can be.
    #[error("{len} bytes asked from one chunk (at most {limit})")]
    Output {
        /// Length of the buffer.
        len: usize,
        /// The chunk size the decoder was made for.
        limit: usize,
    },
}
