//! Files by path, and a list of them as the beginning of the data order.

use crate::tree::{NodeId, Tree};

/// Paths of an order that name no files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}{}list files of the tree, one path each",
    listed(missing, "not in the tree"),
    listed(folders, "a folder")
)]
#[non_exhaustive]
pub struct OrderError {
    /// Paths that are not there, as they were given.
    pub missing: Vec<String>,
    /// Paths of folders, as they were given.
    pub folders: Vec<String>,
}

/// The first few, for a message of bounded length.
fn listed(paths: &[String], what: &str) -> String {
    const SHOWN: usize = 10;
    let mut text = String::new();
    for path in paths.iter().take(SHOWN) {
        text.push_str(&format!("{path:?} is {what}; "));
    }
    if let Some(more) = paths.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("{more} more: {what}; "));
    }
    text
}

impl Tree {
    /// Puts these files first in the [data order](Self::data_order), in the order given and before
    /// every rank; the rest follows as it did. A file named twice counts where it is named first.
    ///
    /// Paths lead from the root, with `/` or `\\` between names and, if you like, in front. A name
    /// that is not there as it is written is looked for without regard to case, as Windows does; of
    /// several such names the first in name order is meant.
    ///
    /// # Errors
    /// [`OrderError`], with all paths that are not there or are folders; nothing is changed then.
    pub fn set_order<P: AsRef<str>>(
        &mut self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<(), OrderError> {
        let mut error = OrderError { missing: Vec::new(), folders: Vec::new() };
        let mut found = Vec::new();
        for path in paths {
            let path = path.as_ref();
            match self.find(path) {
                Some(id) if self.is_folder(id) => error.folders.push(path.to_owned()),
                Some(id) => found.push(id),
                None => error.missing.push(path.to_owned()),
            }
        }
        if !error.missing.is_empty() || !error.folders.is_empty() {
            return Err(error);
        }
        self.put_first(&found);
        Ok(())
    }

    /// The file or folder of this path; see [`set_order`](Self::set_order) for its form.
    pub fn find(&self, path: &str) -> Option<NodeId> {
        let mut names = path.split(['/', '\\']).filter(|name| !name.is_empty());
        names.try_fold(NodeId::ROOT, |folder, name| self.child(folder, name))
    }

    fn child(&self, folder: NodeId, name: &str) -> Option<NodeId> {
        let children = self.children(folder);
        let exact = children.binary_search_by(|id| self.name(*id).cmp(name));
        let exact = exact.ok().and_then(|at| children.get(at));
        let folded = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
        exact
            .or_else(|| {
                let wanted = folded(name);
                children.iter().find(|id| folded(self.name(**id)) == wanted)
            })
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;
    use crate::tree::{Data, Meta, TreeBuilder};

    fn meta() -> Meta {
        Meta::at(Timestamp::FAT_EPOCH)
    }

    #[test]
    fn an_order_list() {
        let mut builder = TreeBuilder::new(meta());
        let boot = builder.folder(NodeId::ROOT, "Boot", meta()).unwrap();
        let mut file = |parent, name| {
            builder.file(parent, name, meta(), Data::bytes("t", "")).unwrap();
        };
        for name in ["a", "BCD", "bcd", "ÄÖ"] {
            file(boot, name);
        }
        file(NodeId::ROOT, "bootmgr");
        let first = builder.file(NodeId::ROOT, "z", meta(), Data::bytes("t", "")).unwrap();
        builder.set_rank(first, i32::MIN);
        let mut tree = builder.finish().unwrap();
        let order = |tree: &Tree| -> Vec<_> {
            tree.data_order().into_iter().map(|id| tree.path(id)).collect()
        };
        assert_eq!(order(&tree), ["z", "Boot/BCD", "Boot/a", "Boot/bcd", "Boot/ÄÖ", "bootmgr"]);
        let before = order(&tree);
        let error = tree.set_order(["bootmgr", "Boot/x", "boot", "", "z/y"]).unwrap_err();
        let (missing, folders) =
            (vec!["Boot/x".into(), "z/y".into()], vec!["boot".into(), "".into()]);
        assert_eq!(error, OrderError { missing, folders });
        assert_eq!(
            error.to_string(),
            "\"Boot/x\" is not in the tree; \"z/y\" is not in the tree; \"boot\" is a folder; \"\" is \
             a folder; list files of the tree, one path each"
        );
        assert_eq!(order(&tree), before);
        // The exact name goes before the first of those that differ by case.
        tree.set_order(["BOOTMGR", "\\boot\\bcd", "BOOT/äö", "Boot/Bcd", "bootmgr"]).unwrap();
        assert_eq!(order(&tree), ["bootmgr", "Boot/bcd", "Boot/ÄÖ", "Boot/BCD", "z", "Boot/a"]);
        let many: Vec<String> = (0..12).map(|n| format!("x{n}")).collect();
        let text = tree.set_order(&many).unwrap_err().to_string();
        assert!(text.contains("\"x9\" is not in the tree; 2 more: not in the tree;"), "{text}");
    }
}
