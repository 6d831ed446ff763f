//! How long the paths of a tree are.

use extent_image::{NodeId, Tree};

use crate::error::PlanError;
use crate::report::TreeKind;

/// Longest path in bytes: 16 KiB with what ends it. Readers keep whole paths, so that folders in each
/// other cost the square of their number; this crate's own stops there.
const MAX_PATH: usize = 16 * 1024 - 1;
/// As much of a path as an error shows.
const SHOWN: usize = 100;

/// Refuses paths that readers do not follow, where names have these lengths in bytes of UTF-8.
pub(crate) fn refuse_long_paths(
    tree: &Tree,
    kind: TreeKind,
    name_len: impl Fn(NodeId) -> usize,
) -> Result<(), PlanError> {
    // By node; the root's is 0. Every folder is walked before what it holds.
    let mut lens = vec![0usize; tree.len()];
    for node in tree.walk().filter(|node| *node != NodeId::ROOT) {
        let parent = tree.parent(node);
        let separator = usize::from(parent != NodeId::ROOT);
        let above = lens.get(parent.index()).copied().unwrap_or_default();
        let found = above.saturating_add(separator).saturating_add(name_len(node));
        if found > MAX_PATH {
            let path = tree.path(node).chars().take(SHOWN).collect();
            return Err(PlanError::PathTooLong { tree: kind, path, found, allowed: MAX_PATH });
        }
        if let Some(slot) = lens.get_mut(node.index()) {
            *slot = found;
        }
    }
    Ok(())
}
