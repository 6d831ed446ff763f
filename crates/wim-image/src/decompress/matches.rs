//! Copying of matches, the inner loop that both decoders share.

/// Copies `len` bytes that lie `offset` bytes back to `at`.
///
/// The caller has checked `1 <= offset <= at` and `at + len <= out.len()`; a call that breaks this
/// leaves the output unspecified, but does not panic.
///
/// Short matches dominate, so they are copied in blocks of a fixed size that may write past the end
/// of the match: those bytes are inside `out` and are written again later.
#[inline(always)]
pub(super) fn copy(out: &mut [u8], at: usize, offset: usize, len: usize) {
    let from = at.wrapping_sub(offset);
    let end = at.wrapping_add(len);
    if offset >= 16 && copy_blocks::<16>(out, from, at, end) {
        return;
    }
    if offset >= 8 && copy_blocks::<8>(out, from, at, end) {
        return;
    }
    copy_bytes(out, from, at, end);
}

/// False when the blocks would pass the end of `out`; what was copied until then is right.
#[inline(always)]
fn copy_blocks<const N: usize>(out: &mut [u8], from: usize, at: usize, end: usize) -> bool {
    let (mut from, mut to) = (from, at);
    while to < end {
        let Some(block) = out.get(from..).and_then(|rest| rest.first_chunk::<N>()).copied() else {
            return false;
        };
        let Some(place) = out.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<N>()) else {
            return false;
        };
        *place = block;
        from = from.wrapping_add(N);
        to = to.wrapping_add(N);
    }
    true
}

/// Overlapping and last matches. A distance of one is a run of one byte, and common.
fn copy_bytes(out: &mut [u8], from: usize, at: usize, end: usize) {
    if from.wrapping_add(1) == at {
        let byte = out.get(from).copied().unwrap_or(0);
        if let Some(run) = out.get_mut(at..end) {
            run.fill(byte);
        }
        return;
    }
    for (from, to) in (from..).zip(at..end) {
        let byte = out.get(from).copied().unwrap_or(0);
        if let Some(place) = out.get_mut(to) {
            *place = byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distance_and_length_equals_the_byte_loop() {
        for offset in 1..40 {
            for len in 1..70 {
                for room in [0, 1, 7, 8, 15, 16, 40] {
                    let at = 45;
                    let mut expected: Vec<u8> = (0..at + len + room).map(|n| n as u8).collect();
                    let mut found = expected.clone();
                    for n in at..at + len {
                        expected[n] = expected[n - offset];
                    }
                    copy(&mut found, at, offset, len);
                    assert_eq!(found[..at + len], expected[..at + len], "{offset} {len} {room}");
                }
            }
        }
    }
}
