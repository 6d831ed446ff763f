//! What an update may do, what it will do, and what it did.

use extent_image::Digests;

use crate::label::Label;

/// What an update may do.
#[derive(Debug, Clone, Default)]
pub struct UpdateOptions {
    pub(super) owned: Vec<String>,
    pub(super) owned_after_cut_off: Vec<String>,
    pub(super) replace: bool,
    pub(super) switch: Vec<String>,
    pub(super) root_order: Vec<String>,
    pub(super) last_in_root: Vec<String>,
    pub(super) label: Option<Label>,
}

impl UpdateOptions {
    /// Adds files and replaces none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Paths of files that the caller put there, such as those that the manifest of the old media
    /// lists: they may be replaced, and are removed where the new tree lacks them. Names are
    /// separated by `/` and compared without case; those that are not there do not matter.
    pub fn with_owned<P: Into<String>>(self, owned: impl IntoIterator<Item = P>) -> Self {
        Self { owned: owned.into_iter().map(Into::into).collect(), ..self }
    }

    /// Paths of files that are owned too where an update was cut off: names of the root folder that it
    /// wrote before the switch are in no list of files.
    pub fn with_owned_after_cut_off<P: Into<String>>(
        self,
        paths: impl IntoIterator<Item = P>,
    ) -> Self {
        Self { owned_after_cut_off: paths.into_iter().map(Into::into).collect(), ..self }
    }

    /// Whether files that are not owned may be replaced too. Default: no.
    pub fn with_replace(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// Names in the root folder that must appear, where they are new, together with everything that
    /// changes: those that tell readers that the rest is there. Other new names of the root folder
    /// may appear before. Compared without case.
    pub fn with_switch<P: Into<String>>(self, names: impl IntoIterator<Item = P>) -> Self {
        Self { switch: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Names in the root folder in the order of how much they matter to later updates: those that will
    /// change together first. New names are put into the sector of the root directory that is the
    /// switch, those of [`with_switch`](Self::with_switch) first, then these, then others as they are in
    /// the tree, as far as it has room; where it may be chosen, it is the one that holds most of them
    /// in this order. Compared without case.
    pub fn with_root_order<P: Into<String>>(self, names: impl IntoIterator<Item = P>) -> Self {
        Self { root_order: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Names in the root folder that later updates never change. Where they are new, they are put into
    /// the sector of the switch only if half of it stays free, so that it has room for names that come
    /// later. Those of [`with_switch`](Self::with_switch) are none of them. Compared without case.
    pub fn with_last_in_root<P: Into<String>>(self, names: impl IntoIterator<Item = P>) -> Self {
        Self { last_in_root: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// The label that the volume is to have; `None`, the default, leaves it as it is.
    pub fn with_label(self, label: Option<Label>) -> Self {
        Self { label, ..self }
    }
}

/// One thing that an update does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub(super) path: String,
    pub(super) kind: ChangeKind,
    pub(super) bytes: u64,
}

impl Change {
    /// Path from the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is done.
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// Length of the new file, or of the one that is removed; 0 for a folder.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What is done to a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A new file.
    Added,
    /// A file gets new content.
    Replaced,
    /// A file is removed.
    Removed,
    /// A new folder.
    FolderAdded,
    /// A folder that removed files leave empty is removed.
    FolderRemoved,
    /// The volume gets another label; the path is empty.
    Label,
}

/// What an update did.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct UpdateReport {
    /// Bytes of file content that were written.
    pub content_written: u64,
    /// All bytes that were written: content, directories, FAT and the rest.
    pub written: u64,
    /// The digest of every source of the tree: all were compared or written.
    pub source_digests: Digests,
}

impl std::fmt::Debug for UpdateReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateReport")
            .field("content_written", &self.content_written)
            .field("written", &self.written)
            .field("source_digests", &self.source_digests.len())
            .finish()
    }
}
