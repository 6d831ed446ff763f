//! Blocks shared between files, and what Linux tells of file systems.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::host::FileSystem;

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

pub(crate) fn file_system(path: &Path) -> io::Result<Option<FileSystem>> {
    let facts = rustix::fs::statfs(path)?;
    let device = std::fs::metadata(path)?.dev();
    let above = std::fs::metadata(path.join(".."))?.dev();
    // The fields are signed on some processors and narrow on others; none is negative.
    Ok(Some(FileSystem {
        kind: u64::try_from(facts.f_type).unwrap_or(0),
        block_size: u64::try_from(facts.f_bsize).unwrap_or(0),
        blocks: facts.f_blocks,
        free: facts.f_bavail,
        is_root: device != above,
    }))
}

pub(crate) fn forget_cached(file: &File) {
    // Advice: nothing depends on whether it is followed.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}
