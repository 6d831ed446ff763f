//! Notices as they are kept: a million renamed files are a million notices, and their paths and names
//! are known to the tree and the plan already.

use extent_image::{NodeId, Tree};

use crate::name::Names;
use crate::report::{Notice, RecordTree, Rename};
use crate::units::index;

/// What there is to tell, in the order in which it was found.
#[derive(Debug, Default)]
pub(crate) struct Notices(Vec<Noted>);

#[derive(Debug)]
enum Noted {
    Renamed { tree: RecordTree, node: NodeId },
    Deep { node: NodeId, level: u32 },
    LongPath { tree: RecordTree, node: NodeId, length: u32, allowed: u32 },
    LongName { node: NodeId, allowed: u32 },
    Time { node: NodeId },
    Other(Box<Notice>),
}

const _: () = assert!(size_of::<Noted>() <= 16);

impl Notices {
    pub(crate) fn renamed(&mut self, tree: RecordTree, node: NodeId) {
        self.0.push(Noted::Renamed { tree, node });
    }

    pub(crate) fn deep(&mut self, node: NodeId, level: u32) {
        self.0.push(Noted::Deep { node, level });
    }

    pub(crate) fn long_path(&mut self, tree: RecordTree, node: NodeId, length: u32, allowed: u32) {
        self.0.push(Noted::LongPath { tree, node, length, allowed });
    }

    pub(crate) fn long_name(&mut self, node: NodeId, allowed: u32) {
        self.0.push(Noted::LongName { node, allowed });
    }

    pub(crate) fn time(&mut self, node: NodeId) {
        self.0.push(Noted::Time { node });
    }

    /// One of which there are never many.
    pub(crate) fn push(&mut self, notice: Notice) {
        self.0.push(Noted::Other(Box::new(notice)));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// In full, with what only the tree and its written names know.
    pub(crate) fn iter<'a>(
        &'a self,
        tree: &'a Tree,
        names: AllNames<'a>,
    ) -> impl Iterator<Item = Notice> + 'a {
        self.0.iter().map(move |noted| match noted {
            Noted::Renamed { tree: kind, node } => {
                let path = tree.path(*node);
                let written = names.of(*kind).map(|names| names.text(tree, *node).into_owned());
                let written = written.unwrap_or_default();
                Notice::Renamed(Rename { tree: (*kind).into(), path, written })
            }
            Noted::Deep { node, level } => Notice::Deep { path: tree.path(*node), level: *level },
            Noted::LongPath { tree: kind, node, length, allowed } => Notice::LongPath {
                tree: (*kind).into(),
                path: tree.path(*node),
                length: *length,
                allowed: *allowed,
            },
            Noted::LongName { node, allowed } => Notice::LongName {
                path: tree.path(*node),
                len: tree.name(*node).len(),
                allowed: index(*allowed),
            },
            Noted::Time { node } => Notice::Time { path: tree.path(*node) },
            Noted::Other(notice) => (**notice).clone(),
        })
    }
}

/// The written names of all trees of an image.
#[derive(Clone, Copy)]
pub(crate) struct AllNames<'a> {
    pub(crate) primary: &'a Names,
    pub(crate) joliet: Option<&'a Names>,
}

impl<'a> AllNames<'a> {
    fn of(self, tree: RecordTree) -> Option<&'a Names> {
        match tree {
            RecordTree::Primary => Some(self.primary),
            RecordTree::Joliet => self.joliet,
        }
    }
}
