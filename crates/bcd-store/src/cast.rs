//! Conversions between a hive's 32-bit numbers and this machine's sizes, in one place.
#![expect(clippy::as_conversions, reason = "the one widening cast std has no `From` for")]

/// No machine Rust runs on has sizes of more than 64 bits.
pub(crate) const fn to_u64(size: usize) -> u64 {
    size as u64
}

/// The size, or the largest one: a slice of that length does not exist, so a checked access fails.
pub(crate) fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The number, or the largest one; for positions and lengths inside a hive, which has at most 2 GiB.
pub(crate) fn to_u32(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
