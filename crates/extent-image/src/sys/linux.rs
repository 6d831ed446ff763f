//! Blocks shared between files.

use std::fs::File;
use std::io;

/// File systems that let two files share blocks: Btrfs, XFS, bcachefs (statfs(2), `f_type`). Elsewhere
/// the kernel would copy, no faster than we do.
const SHARING: [u64; 3] = [0x9123_683E, 0x5846_5342, 0xCA45_1A4E];

pub(crate) fn shares_blocks(file: &File) -> bool {
    // The field is signed on some processors and narrow on others.
    let kind = rustix::fs::fstatfs(file).ok().and_then(|facts| u64::try_from(facts.f_type).ok());
    kind.is_some_and(|kind| SHARING.contains(&kind))
}

/// Copies at most `len` bytes; on a file system that can, by sharing their blocks. Neither file's
/// cursor moves.
pub(crate) fn copy_range(
    from: &File,
    mut from_at: u64,
    to: &File,
    mut to_at: u64,
    len: u64,
) -> io::Result<u64> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let copied = rustix::fs::copy_file_range(from, Some(&mut from_at), to, Some(&mut to_at), len)?;
    Ok(u64::try_from(copied).unwrap_or(0))
}
