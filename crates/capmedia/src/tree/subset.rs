//! Some files of a tree, with the folders they lie in.

use std::collections::HashMap;

use extent_image::{NodeId, Tree, TreeBuilder, TreeError};

/// A tree of these files alone, in the same order of data, and for each its node in that tree.
pub(crate) fn subset(tree: &Tree, files: &[NodeId]) -> Result<(Tree, Vec<NodeId>), TreeError> {
    let mut builder = TreeBuilder::new(tree.meta(NodeId::ROOT));
    let mut folders = HashMap::from([(NodeId::ROOT, NodeId::ROOT)]);
    let mut ranks: Vec<i32> = vec![0; tree.len()];
    for (rank, file) in (0..).zip(tree.data_order()) {
        if let Some(slot) = ranks.get_mut(file.index()) {
            *slot = rank;
        }
    }
    let mut kept = Vec::with_capacity(files.len());
    for &file in files {
        let Some(data) = tree.data(file) else { continue };
        // From the file up to the first folder that is there already.
        let mut missing = Vec::new();
        let mut at = tree.parent(file);
        while !folders.contains_key(&at) {
            missing.push(at);
            at = tree.parent(at);
        }
        let mut parent = folders.get(&at).copied().unwrap_or(NodeId::ROOT);
        for folder in missing.into_iter().rev() {
            parent = builder.folder(parent, tree.name(folder), tree.meta(folder))?;
            folders.insert(folder, parent);
        }
        let id = builder.file(parent, tree.name(file), tree.meta(file), data.clone())?;
        builder.set_rank(id, ranks.get(file.index()).copied().unwrap_or_default());
        kept.push(id);
    }
    Ok((builder.finish()?, kept))
}

#[cfg(test)]
mod tests {
    use extent_image::{Data, Meta, Timestamp};

    use super::*;

    #[test]
    fn files_keep_folders_times_and_order() {
        let meta = |seconds| Meta::at(Timestamp::from_unix_seconds(seconds));
        let mut builder = TreeBuilder::new(meta(1));
        let boot = builder.folder(NodeId::ROOT, "boot", meta(2)).unwrap();
        let fonts = builder.folder(boot, "fonts", meta(3)).unwrap();
        builder.folder(NodeId::ROOT, "other", meta(4)).unwrap();
        let data = || Data::bytes("t", "x");
        let first = builder.file(fonts, "a.ttf", meta(5), data()).unwrap();
        let left_out = builder.file(boot, "b", meta(6), data()).unwrap();
        let second = builder.file(NodeId::ROOT, "c", meta(7), data()).unwrap();
        for (node, rank) in [(first, 2), (left_out, 1), (second, 0)] {
            builder.set_rank(node, rank);
        }
        let tree = builder.finish().unwrap();
        let (part, kept) = subset(&tree, &[first, second]).unwrap();
        let rows: Vec<_> = part
            .walk()
            .map(|node| (part.path(node), part.meta(node).modified.unix_seconds()))
            .collect();
        let expected = [("", 1), ("boot", 2), ("boot/fonts", 3), ("boot/fonts/a.ttf", 5), ("c", 7)];
        assert_eq!(rows, expected.map(|(path, time)| (path.to_owned(), time)));
        assert_eq!(part.data_order(), [kept[1], kept[0]]);
        assert_eq!(part.path(kept[0]), "boot/fonts/a.ttf");
    }
}
