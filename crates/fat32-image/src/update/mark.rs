//! The mark that an update leaves in FSInfo while it runs: bytes that are reserved there, which
//! other systems keep and do not look at.
//!
//! With it go the two numbers of FSInfo, which become unknown (FFFFFFFFh). The mark counts while both
//! still are, and the volume is marked as in use: systems that give out clusters or repair the volume
//! write these numbers, and leave bytes alone that are reserved. It then tells that an update was cut
//! off, and whether every lost cluster is one of its own, as there was none before.

use super::disk::Disk;
use super::error::UpdateError;
use super::layout::Layout;

/// Where the mark begins.
const AT: usize = 4;
const TEXT: [u8; 16] = *b"being updated: ?";
/// In place of the last byte: all lost clusters are the update's own, or some may not be.
const OURS: u8 = b'1';
const MIXED: u8 = b'0';
/// Free clusters, and the first one to try.
const FREE: usize = 0x1E8;
const NEXT: usize = 0x1EC;
/// In place of either: not known.
const UNKNOWN: [u8; 4] = [0xFF; 4];
const SIGNATURES: [(usize, u32); 3] =
    [(0, 0x4161_5252), (0x1E4, 0x6141_7272), (0x1FC, 0xAA55_0000)];

/// What the mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) all_lost_is_ours: bool,
}

fn is_info(sector: &[u8]) -> bool {
    SIGNATURES.iter().all(|(at, expected)| {
        let found = sector.get(*at..).and_then(|rest| rest.first_chunk());
        found.map(|bytes| u32::from_le_bytes(*bytes)) == Some(*expected)
    })
}

/// The mark, if there is one that still counts.
pub(super) fn read(disk: &Disk<'_>, layout: &Layout) -> Result<Option<Mark>, UpdateError> {
    let Some(at) = layout.fs_infos().next() else { return Ok(None) };
    let mut sector = [0; 512];
    disk.read(at, &mut sector)?;
    let mark = sector.get(AT..).and_then(|rest| rest.first_chunk::<{ TEXT.len() }>());
    let Some(([text @ .., kind], [expected @ .., _])) = mark.map(|mark| (mark, &TEXT)) else {
        return Ok(None);
    };
    let is_alone = [FREE, NEXT]
        .iter()
        .all(|at| sector.get(*at..).is_some_and(|rest| rest.starts_with(&UNKNOWN)));
    let known = is_info(&sector) && is_alone && text == expected && matches!(*kind, OURS | MIXED);
    Ok(known.then_some(Mark { all_lost_is_ours: *kind == OURS }))
}

/// Leaves the mark. Answers the bytes written.
pub(super) fn set(disk: &Disk<'_>, layout: &Layout, mark: Mark) -> Result<u64, UpdateError> {
    let mut text = TEXT;
    if let Some(kind) = text.last_mut() {
        *kind = if mark.all_lost_is_ours { OURS } else { MIXED };
    }
    // The copy is nobody's business while the update runs.
    change(disk, layout, 1, |sector| {
        put(sector, AT, &text);
        put(sector, FREE, &UNKNOWN);
        put(sector, NEXT, &UNKNOWN);
    })
}

/// Takes the mark away, and says how many clusters are free and where to look for them. Answers the
/// bytes written.
pub(super) fn clear(
    disk: &Disk<'_>,
    layout: &Layout,
    free: u64,
    next: Option<u32>,
) -> Result<u64, UpdateError> {
    change(disk, layout, 2, |sector| {
        let marked = sector.get(AT..).is_some_and(|rest| rest.starts_with(&TEXT[..15]));
        if marked {
            put(sector, AT, &[0; TEXT.len()]);
        }
        let count = u32::try_from(free).unwrap_or(u32::MAX);
        put(sector, FREE, &count.to_le_bytes());
        put(sector, NEXT, &next.unwrap_or(u32::MAX).to_le_bytes());
    })
}

fn put(sector: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(room) = sector.get_mut(at..at.saturating_add(bytes.len())) {
        room.copy_from_slice(bytes);
    }
}

/// Changes FSInfo and its copy, or the first of them alone, where they are what they should be.
fn change(
    disk: &Disk<'_>,
    layout: &Layout,
    places: usize,
    change: impl Fn(&mut [u8]),
) -> Result<u64, UpdateError> {
    let mut written = 0u64;
    let mut sector = vec![0; usize::try_from(layout.sector_size).unwrap_or(512)];
    for at in layout.fs_infos().take(places) {
        disk.read(at, &mut sector)?;
        if is_info(&sector) {
            let old = sector.clone();
            change(&mut sector);
            if old != sector {
                disk.write(at, &sector)?;
                written = written.saturating_add(layout.sector());
            }
        }
    }
    Ok(written)
}
