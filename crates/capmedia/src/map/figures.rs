//! How full a volume is, in words.

use crate::figures::{percent_text as percent, size_text as size};
use crate::map::{MediaMap, VolumeMap};

/// How full a volume is; of one that grows with its content there is nothing to tell.
pub(super) fn fill(volume: &VolumeMap) -> String {
    let (used, span, free) = (volume.used, volume.span(), volume.free);
    match (volume.capacity, free) {
        (None, 0) => format!("{} in all", size(used)),
        _ => {
            let part = percent(used, span);
            format!("{} of {} used ({part}), {} free", size(used), size(span), size(free))
        }
    }
}

/// What stays unused of drives that are larger than others of the run, or than can be used.
pub(super) fn unused(map: &MediaMap) -> Option<String> {
    let most = size(map.larger_drives.iter().map(|drive| drive.unused_bytes).max()?);
    Some(match map.larger_drives.len() {
        1 => format!("One drive is larger: {most} of it stay unused."),
        count => format!("{count} drives are larger: up to {most} of each stay unused."),
    })
}

/// So many regions.
pub(super) fn regions(count: u64) -> String {
    if count == 1 { "1 region".to_owned() } else { format!("{count} regions") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!((regions(1), regions(2)), ("1 region".into(), "2 regions".into()));
    }
}
