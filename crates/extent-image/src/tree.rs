//! The input of a file-system writer: files and folders with times and attributes, each file a
//! [`Data`].

use std::sync::Arc;

use bytes::Bytes;

use crate::digest::Digests;
use crate::share::{ShareError, share_equal};
use crate::source::{BytesSource, Source, SourceId};
use crate::timestamp::Timestamp;

/// Content made when the stream reaches it: its length is fixed by the plan, its bytes follow from
/// the digests of the sources of the same plan. A manifest is one.
pub struct Late {
    name: &'static str,
    len: u64,
    make: Box<dyn Fn(&Digests) -> Bytes + Send + Sync>,
}

impl Late {
    /// `len` bytes that `make` will give; `name` is what error messages call them. A `make` that
    /// gives another length ends the stream with
    /// [`StreamError::LateLength`](crate::StreamError::LateLength).
    pub fn new(
        name: &'static str,
        len: u64,
        make: impl Fn(&Digests) -> Bytes + Send + Sync + 'static,
    ) -> Self {
        Self { name, len, make: Box::new(make) }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True when there is nothing to make.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What error messages call it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The bytes. Where they are not [`len`](Self::len), a source's digest was missing.
    pub fn make(&self, digests: &Digests) -> Bytes {
        (self.make)(digests)
    }
}

/// The content of a file in a [`Tree`].
#[derive(Clone)]
pub enum Data {
    /// Bytes of known length from somewhere.
    Source(Arc<dyn Source>),
    /// Bytes made when the stream reaches them.
    Late(Arc<Late>),
}

impl Data {
    /// Content held in memory; `name` is what error messages call it.
    pub fn bytes(name: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::Source(Arc::new(BytesSource::new(name, bytes)))
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Source(source) => source.len(),
            Self::Late(late) => late.len(),
        }
    }

    /// True when there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The identity of a source, `None` for late content. Files whose sources are the same may be
    /// stored once.
    pub fn source_id(&self) -> Option<SourceId> {
        match self {
            Self::Source(source) => Some(SourceId::of(source)),
            Self::Late(_) => None,
        }
    }

    /// What error messages call it.
    pub fn describe(&self) -> String {
        match self {
            Self::Source(source) => source.describe(),
            Self::Late(late) => late.name().to_owned(),
        }
    }
}

impl<S: Source + 'static> From<Arc<S>> for Data {
    fn from(source: Arc<S>) -> Self {
        Self::Source(source)
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.describe(), self.len())
    }
}

/// The attributes that both FAT and ISO 9660 (hidden only) can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Not to be written.
    pub read_only: bool,
    /// Left out of ordinary listings.
    pub hidden: bool,
    /// Part of an operating system.
    pub system: bool,
}

/// What a file or folder has besides its name and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Time of last modification; the writers use it for every time they must fill.
    pub modified: Timestamp,
    /// Attributes.
    pub attributes: Attributes,
}

impl Meta {
    /// A time and no attributes.
    pub fn at(modified: Timestamp) -> Self {
        Self { modified, attributes: Attributes::default() }
    }
}

/// A file or folder of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The root folder of every tree.
    pub const ROOT: Self = Self(0);

    /// Position in `0..tree.len()`, for tables beside the tree.
    pub fn index(self) -> usize {
        // u32 fits usize on every system with std that we build for.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

struct Node {
    name: Box<str>,
    parent: NodeId,
    /// Place in the data order; see [`TreeBuilder::set_rank`]. Files that [`Tree::set_order`] names
    /// are below what a rank can be.
    rank: i64,
    meta: Meta,
    body: Body,
}

enum Body {
    /// Children are `order[first..first + count]`.
    Folder {
        first: u32,
        count: u32,
    },
    File(Data),
}

/// Why a tree cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A name no file system could hold.
    #[error(
        "{folder}/{name:?}: a name must not be empty, \".\" or \"..\", nor contain \"/\" or NUL"
    )]
    Name {
        /// Path of the folder.
        folder: String,
        /// The refused name.
        name: String,
    },
    /// Two children of one folder with the same name.
    #[error("{path} is there twice; give one of the two another name")]
    Duplicate {
        /// Path of both.
        path: String,
    },
    /// The parent is a file.
    #[error("{path} is a file and cannot hold {name:?}")]
    NotAFolder {
        /// Path of the file.
        path: String,
        /// Name of the child that was to be added.
        name: String,
    },
    /// More files and folders than a tree can number.
    #[error("more than {limit} files and folders", limit = u32::MAX)]
    TooMany,
}

/// Collects files and folders, in any order, and [finishes](TreeBuilder::finish) into a [`Tree`].
pub struct TreeBuilder {
    nodes: Vec<Node>,
}

impl TreeBuilder {
    /// A builder that holds only the root folder.
    pub fn new(root: Meta) -> Self {
        let root = Node {
            name: Box::default(),
            parent: NodeId::ROOT,
            rank: 0,
            meta: root,
            body: Body::Folder { first: 0, count: 0 },
        };
        Self { nodes: vec![root] }
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// [`TreeError`]: the name is refused, the parent is a file, or there are too many.
    pub fn folder(&mut self, parent: NodeId, name: &str, meta: Meta) -> Result<NodeId, TreeError> {
        self.push(parent, name, meta, Body::Folder { first: 0, count: 0 })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// As [`folder`](Self::folder).
    pub fn file(
        &mut self,
        parent: NodeId,
        name: &str,
        meta: Meta,
        data: impl Into<Data>,
    ) -> Result<NodeId, TreeError> {
        self.push(parent, name, meta, Body::File(data.into()))
    }

    /// Sets a file's place in the [data order](Tree::data_order): lower ranks lie nearer the start
    /// of the volume. Every file begins with rank 0.
    pub fn set_rank(&mut self, file: NodeId, rank: i32) {
        if let Some(node) = self.nodes.get_mut(file.index()) {
            node.rank = rank.into();
        }
    }

    fn push(
        &mut self,
        parent: NodeId,
        name: &str,
        meta: Meta,
        body: Body,
    ) -> Result<NodeId, TreeError> {
        let refused = matches!(name, "" | "." | "..") || name.contains(['/', '\0']);
        if refused {
            return Err(TreeError::Name {
                folder: path_of(&self.nodes, parent),
                name: name.into(),
            });
        }
        if !matches!(self.nodes.get(parent.index()), Some(Node { body: Body::Folder { .. }, .. })) {
            let path = path_of(&self.nodes, parent);
            return Err(TreeError::NotAFolder { path, name: name.into() });
        }
        let id = u32::try_from(self.nodes.len()).map_err(|_| TreeError::TooMany)?;
        self.nodes.push(Node { name: name.into(), parent, rank: 0, meta, body });
        Ok(NodeId(id))
    }

    /// Sorts every folder by name (bytes of UTF-8) and refuses duplicates.
    ///
    /// # Errors
    /// [`TreeError::Duplicate`].
    pub fn finish(self) -> Result<Tree, TreeError> {
        let mut nodes = self.nodes;
        let mut order: Vec<NodeId> =
            (1..u32::try_from(nodes.len()).map_err(|_| TreeError::TooMany)?).map(NodeId).collect();
        let key = |id: &NodeId| nodes.get(id.index()).map(|node| (node.parent, &*node.name));
        order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let twice = order.windows(2).find_map(|pair| match pair {
            [a, b] if key(a) == key(b) => Some(*a),
            _ => None,
        });
        if let Some(twice) = twice {
            return Err(TreeError::Duplicate { path: path_of(&nodes, twice) });
        }
        for (position, id) in (0..).zip(&order) {
            let Some(parent) = nodes.get(id.index()).map(|node| node.parent) else { continue };
            if let Some(Node { body: Body::Folder { first, count }, .. }) =
                nodes.get_mut(parent.index())
            {
                if *count == 0 {
                    *first = position;
                }
                *count += 1;
            }
        }
        Ok(Tree { nodes, order })
    }
}

/// Files and folders ready for a file-system writer. Names are exact: whether a format can hold
/// them, and whether it tells `a` from `A`, is the writer's question.
pub struct Tree {
    nodes: Vec<Node>,
    /// Children of each folder in name order, folder by folder.
    order: Vec<NodeId>,
}

impl Tree {
    /// Number of files and folders, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True when there is nothing but the root folder.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }

    /// The name; empty for the root.
    pub fn name(&self, id: NodeId) -> &str {
        self.nodes.get(id.index()).map_or("", |node| &node.name)
    }

    /// The folder that holds `id`; the root holds itself.
    pub fn parent(&self, id: NodeId) -> NodeId {
        self.nodes.get(id.index()).map_or(NodeId::ROOT, |node| node.parent)
    }

    /// Time and attributes.
    pub fn meta(&self, id: NodeId) -> Meta {
        self.nodes.get(id.index()).map_or(Meta::at(Timestamp::FAT_EPOCH), |node| node.meta)
    }

    /// The content of a file; `None` for a folder.
    pub fn data(&self, id: NodeId) -> Option<&Data> {
        match self.nodes.get(id.index()) {
            Some(Node { body: Body::File(data), .. }) => Some(data),
            _ => None,
        }
    }

    /// True for a folder.
    pub fn is_folder(&self, id: NodeId) -> bool {
        self.data(id).is_none()
    }

    /// Children of a folder by name; nothing for a file.
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        let Some(Node { body: Body::Folder { first, count }, .. }) = self.nodes.get(id.index())
        else {
            return &[];
        };
        let first = NodeId(*first).index();
        self.order.get(first..first + NodeId(*count).index()).unwrap_or_default()
    }

    /// Path from the root, with `/` between names and none in front; empty for the root.
    pub fn path(&self, id: NodeId) -> String {
        path_of(&self.nodes, id)
    }

    /// Every file and folder, each folder before its children, children by name.
    pub fn walk(&self) -> impl Iterator<Item = NodeId> + '_ {
        let mut stack = vec![NodeId::ROOT];
        std::iter::from_fn(move || {
            let id = stack.pop()?;
            stack.extend(self.children(id).iter().rev());
            Some(id)
        })
    }

    /// Files in the order in which their content should lie on the volume: by rank, then as
    /// [`walk`](Self::walk) meets them.
    pub fn data_order(&self) -> Vec<NodeId> {
        let mut files: Vec<NodeId> = self.walk().filter(|id| !self.is_folder(*id)).collect();
        files.sort_by_key(|id| self.nodes.get(id.index()).map(|node| node.rank));
        files
    }

    /// Puts these files before every other [rank](TreeBuilder::set_rank), the first one first.
    pub(crate) fn put_first(&mut self, files: &[NodeId]) {
        // The last first, so that the first mention of a file is the one that stays.
        let ranks = i64::MIN..i64::from(i32::MIN);
        for (rank, id) in ranks.zip(files).collect::<Vec<_>>().into_iter().rev() {
            if let Some(node) = self.nodes.get_mut(id.index()) {
                node.rank = rank;
            }
        }
    }

    /// Lets files of equal content share one source: [`share_equal`] over the whole tree.
    ///
    /// # Errors
    /// [`ShareError`]: a source could not be read.
    pub fn share_equal(&mut self) -> Result<usize, ShareError> {
        share_equal(self.nodes.iter_mut().filter_map(|node| match &mut node.body {
            Body::File(data) => Some(data),
            Body::Folder { .. } => None,
        }))
    }

    /// The latest modification time of all files and folders.
    pub fn newest(&self) -> Timestamp {
        let times = self.nodes.iter().map(|node| node.meta.modified);
        times.max().unwrap_or(Timestamp::FAT_EPOCH)
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.walk().skip(1).map(|id| (self.path(id), self.data(id)));
        f.debug_map().entries(entries).finish()
    }
}

fn path_of(nodes: &[Node], id: NodeId) -> String {
    let mut names = Vec::new();
    let mut at = id;
    while at != NodeId::ROOT {
        let Some(node) = nodes.get(at.index()) else { break };
        names.push(&*node.name);
        at = node.parent;
    }
    names.reverse();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        Meta::at(Timestamp::FAT_EPOCH)
    }

    #[test]
    fn order_paths_and_ranks() {
        let mut builder = TreeBuilder::new(meta());
        let late = builder.file(NodeId::ROOT, "a", meta(), Data::bytes("t", "1")).unwrap();
        let sub = builder.folder(NodeId::ROOT, "sub", meta()).unwrap();
        builder.file(sub, "z", meta(), Data::bytes("t", "2")).unwrap();
        builder.file(sub, "b", meta(), Data::bytes("t", "3")).unwrap();
        builder.set_rank(late, 1);
        let tree = builder.finish().unwrap();
        let paths: Vec<_> = tree.walk().map(|id| tree.path(id)).collect();
        assert_eq!(paths, ["", "a", "sub", "sub/b", "sub/z"]);
        let data: Vec<_> = tree.data_order().into_iter().map(|id| tree.path(id)).collect();
        assert_eq!(data, ["sub/b", "sub/z", "a"]);
    }

    #[test]
    fn refusals_name_the_place() {
        let mut builder = TreeBuilder::new(meta());
        let sub = builder.folder(NodeId::ROOT, "sub", meta()).unwrap();
        let file = builder.file(sub, "f", meta(), Data::bytes("t", "")).unwrap();
        for bad in ["", ".", "..", "a/b", "a\0"] {
            let error = builder.folder(sub, bad, meta()).unwrap_err();
            assert_eq!(error, TreeError::Name { folder: "sub".into(), name: bad.into() });
        }
        let error = builder.folder(file, "x", meta()).unwrap_err();
        assert_eq!(error, TreeError::NotAFolder { path: "sub/f".into(), name: "x".into() });
        builder.file(sub, "f", meta(), Data::bytes("t", "")).unwrap();
        assert_eq!(builder.finish().unwrap_err(), TreeError::Duplicate { path: "sub/f".into() });
    }
}
