//! A volume as a row of columns of equal length, however many regions it has.

use crate::map::{MapKind, VolumeMap};

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) kind: MapKind,
    /// Whether at least half of its bytes are of that kind. Where they are not, the kind would be
    /// hardly seen or not at all, and the column is wider than what it shows.
    pub(super) is_to_scale: bool,
}

/// The columns of a volume, of which each stands for so many bytes of `span`; `None` behind the end of
/// the image.
///
/// A column shows what most of it is. A kind that would be nowhere gets a column at its largest region,
/// taken from what is nearest and has more, be that a kind or what is not written; padding alone does
/// without. Columns stand in the order of what they show.
pub(super) fn columns(volume: &VolumeMap, span: u64, count: usize) -> Vec<Option<Column>> {
    let grid = Grid { span: span.max(1), count: count.max(1) };
    let mut shares = vec![[0u64; MapKind::ALL.len()]; grid.count];
    for region in &volume.regions {
        let end = region.start.saturating_add(region.bytes);
        let mut at = grid.column(region.start);
        let mut from = region.start;
        // As many rounds as columns that it lies in.
        while from < end {
            let to = grid.start(at.saturating_add(1)).min(end).max(from.saturating_add(1));
            let share = shares.get_mut(at).and_then(|share| share.get_mut(region.kind.index()));
            let Some(share) = share else { break };
            *share = share.saturating_add(to.saturating_sub(from));
            (from, at) = (to, at.saturating_add(1));
        }
    }
    let shown: Vec<_> = (0..).zip(&shares).map(|(at, share)| grid.shown(at, share)).collect();
    let unseen = unseen(volume, &shown);
    let mut columns: Vec<Placed> = (0..)
        .zip(shown)
        .map(|(at, column)| {
            // The image may end in the first half of a column that is not written: before it, all the
            // same, is what it still holds.
            let start = column.map_or(u64::MAX, |column| first(volume, column.kind, grid, at));
            Placed { start, column }
        })
        .collect();
    for (start, kind) in unseen {
        let place = columns.partition_point(|placed| placed.start <= start);
        let Some(taken) = near(&columns, place) else { continue };
        // What stands between both moves by one column.
        columns.remove(taken);
        let place = if taken < place { place.saturating_sub(1) } else { place };
        let column = Some(Column { kind, is_to_scale: false });
        columns.insert(place.min(columns.len()), Placed { start, column });
    }
    columns.into_iter().map(|placed| placed.column).collect()
}

/// A column and the first byte of what it shows.
#[derive(Debug, Clone, Copy)]
struct Placed {
    start: u64,
    column: Option<Column>,
}

/// The first byte of a kind in a column.
fn first(volume: &VolumeMap, kind: MapKind, grid: Grid, at: usize) -> u64 {
    let start = grid.start(at);
    let regions =
        volume.regions.partition_point(|region| region.start.saturating_add(region.bytes) <= start);
    let mut regions = volume.regions.get(regions..).unwrap_or_default().iter();
    let region = regions.find(|region| region.kind == kind);
    region.map_or(start, |region| region.start.max(start))
}

/// Columns over a span of bytes.
#[derive(Debug, Clone, Copy)]
struct Grid {
    span: u64,
    count: usize,
}

impl Grid {
    /// The first byte of a column.
    fn start(self, at: usize) -> u64 {
        // Both are lengths in memory, so they fit.
        let start = u128::from(self.span) * at as u128 / self.count as u128;
        u64::try_from(start).unwrap_or(u64::MAX)
    }

    /// The column that holds a byte.
    fn column(self, byte: u64) -> usize {
        let at = u128::from(byte) * self.count as u128 / u128::from(self.span);
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(self.count - 1);
        // Rounding down twice may end one column too early.
        if self.start(at.saturating_add(1)) <= byte { at + 1 } else { at }
    }

    /// What most of a column is; nothing where the image has ended before its middle.
    fn shown(self, at: usize, share: &[u64; MapKind::ALL.len()]) -> Option<Column> {
        let (kind, most) = MapKind::ALL.into_iter().zip(*share).rev().max_by_key(|(_, n)| *n)?;
        let len = self.start(at.saturating_add(1)).saturating_sub(self.start(at));
        let is_half = |bytes: u64| bytes > 0 && bytes.saturating_mul(2) >= len;
        let all = share.iter().fold(0u64, |sum, bytes| sum.saturating_add(*bytes));
        is_half(all).then_some(Column { kind, is_to_scale: is_half(most) })
    }
}

/// The kinds that no column shows, each with the first byte of its largest region, in order of place.
fn unseen(volume: &VolumeMap, columns: &[Option<Column>]) -> Vec<(u64, MapKind)> {
    let is_seen = |kind| columns.iter().flatten().any(|column| column.kind == kind);
    let kinds = volume.kinds.iter().map(|total| total.kind);
    let mut unseen: Vec<_> = kinds
        .filter(|kind| *kind != MapKind::Padding && !is_seen(*kind))
        .filter_map(|kind| {
            let regions = volume.regions.iter().filter(|region| region.kind == kind);
            // The first of those of equal length.
            let largest = regions.rev().max_by_key(|region| region.bytes)?;
            Some((largest.start, kind))
        })
        .collect();
    unseen.sort_unstable();
    unseen
}

/// The column that is taken for one before `place`: the nearest, rather behind than before it, that
/// shows what is to be seen elsewhere too.
fn near(columns: &[Placed], place: usize) -> Option<usize> {
    let spare = |at: &usize| {
        let kind = |placed: &Placed| placed.column.map(|column| column.kind);
        let Some(this) = columns.get(*at).map(kind) else { return false };
        columns.iter().filter(|other| kind(other) == this).count() > 1
    };
    let behind = (place..columns.len()).find(&spare);
    let before = (0..place.min(columns.len())).rev().find(&spare);
    match (before, behind) {
        (Some(before), Some(behind)) if place - before <= behind - place => Some(before),
        (before, behind) => behind.or(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{KindTotal, MapRegion};

    /// A volume of regions that follow each other.
    fn volume(regions: &[(MapKind, u64)]) -> VolumeMap {
        let mut start = 0;
        let regions = regions.iter().map(|&(kind, bytes)| {
            let region = MapRegion {
                kind,
                name: String::new(),
                start,
                bytes,
                content_bytes: None,
                shared_with: 0,
            };
            start += bytes;
            region
        });
        let regions: Vec<MapRegion> = regions.collect();
        let totals = MapKind::ALL.map(|kind| {
            let of_kind = || regions.iter().filter(|region| region.kind == kind);
            let bytes = of_kind().map(|region| region.bytes).sum();
            KindTotal { kind, regions: of_kind().count() as u64, bytes }
        });
        VolumeMap {
            number: 1,
            name: String::new(),
            label: String::new(),
            file_system: String::new(),
            bytes: start,
            capacity: None,
            used: start,
            free: 0,
            fill_permille: 0,
            kinds: totals.into_iter().filter(|total| total.regions > 0).collect(),
            regions,
        }
    }

    #[test]
    fn small_kinds_stand_where_they_lie() {
        use MapKind::*;
        let volume = volume(&[
            (BootStructures, 10),
            (Tables, 20),
            (Directories, 5),
            (BootImage, 965),
            (OtherFiles, 10),
            (Free, 9000),
        ]);
        for count in 7..200 {
            let columns = columns(&volume, volume.bytes, count);
            assert_eq!(columns.len(), count);
            let mut kinds: Vec<_> = columns.iter().flatten().map(|column| column.kind).collect();
            kinds.dedup();
            let expected = [BootStructures, Tables, Directories, BootImage, OtherFiles, Free];
            assert_eq!(kinds, expected, "{count}");
        }
    }

    #[test]
    fn what_is_hardly_anything_of_a_disc_is_shown() {
        use MapKind::*;
        let volume =
            volume(&[(BootStructures, 10), (Tables, 20), (BootImage, 900), (OtherFiles, 10)]);
        for (span, count) in [(1 << 20, 76), (1 << 30, 450), (5000, 16)] {
            let columns = columns(&volume, span, count);
            assert_eq!(columns.len(), count);
            let mut kinds: Vec<_> =
                columns.iter().map(|column| column.map(|column| column.kind)).collect();
            kinds.dedup();
            let expected = [BootStructures, Tables, BootImage, OtherFiles].map(Some);
            // Nothing stands behind what is not written.
            assert_eq!(kinds[..4], expected, "{span}");
            assert_eq!(kinds[4..], [None], "{span}");
        }
    }
}
