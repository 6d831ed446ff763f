//! How full a volume is, in words.

use crate::figures::{percent_text as percent, size_text as size};
use crate::map::VolumeMap;

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
