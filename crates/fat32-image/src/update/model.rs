//! What becomes of every directory that an update touches.

use std::collections::HashSet;
use std::ops::Range;

use extent_image::{Data, Digests, NodeId, Progress, Tree};

use crate::name::upcase;

use super::clusters::clusters_in;
use super::compare::Comparer;
use super::disk::Disk;
use super::error::{Collision, UpdateError};
use super::folder::Listing;
use super::layout::Layout;
use super::request::{Change, ChangeKind, UpdateOptions};
use super::table::Table;

/// Index of the root folder.
pub(super) const ROOT: usize = 0;

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Keep,
    /// It gets the content of a job.
    Replace(usize),
    Remove,
    /// A folder that was looked into.
    Folder(usize),
}

/// A new entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct New {
    pub(super) node: NodeId,
    pub(super) target: Target,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The file of a job.
    File(usize),
    Folder(usize),
}

/// Content to be written.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) node: NodeId,
    pub(super) len: u64,
    /// Its clusters, once they are chosen.
    pub(super) runs: Vec<Range<u32>>,
}

/// A directory.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) parent: usize,
    path: String,
    /// The folder of the tree.
    node: Option<NodeId>,
    /// Index in the listing of the parent; none of a new folder and of the root.
    entry: Option<usize>,
    /// What is on the volume; nothing of a new folder.
    pub(super) listing: Listing,
    /// Of each entry of the listing.
    pub(super) actions: Vec<Action>,
    pub(super) new: Vec<New>,
    pub(super) is_changed: bool,
    pub(super) is_removed: bool,
    /// Its clusters, once they are chosen.
    pub(super) runs: Vec<Range<u32>>,
}

impl Folder {
    fn listed(listing: Listing) -> Self {
        Self { actions: vec![Action::Keep; listing.entries.len()], listing, ..Self::default() }
    }

    /// The folder of the tree, of a new folder.
    pub(super) fn new_node(&self) -> Option<NodeId> {
        self.node.filter(|_| self.entry.is_none())
    }

    /// True when it is written anew: all that changed but the root, which stays where it is.
    pub(super) fn is_written(&self) -> bool {
        self.is_changed && !self.is_removed
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Everything that changes.
pub(super) struct Model {
    pub(super) folders: Vec<Folder>,
    pub(super) jobs: Vec<Job>,
    pub(super) changes: Vec<Change>,
    /// Clusters that are free after the switch.
    pub(super) freed: Vec<Range<u32>>,
    pub(super) digests: Digests,
    pub(super) unchanged_files: u64,
    pub(super) unchanged_bytes: u64,
}

/// Files on both sides.
struct Pair {
    folder: usize,
    entry: usize,
    node: NodeId,
}

/// Works out a [`Model`].
pub(super) struct Survey<'a> {
    pub(super) disk: Disk<'a>,
    pub(super) layout: Layout,
    pub(super) table: &'a Table<'a>,
    pub(super) tree: &'a Tree,
    pub(super) options: &'a UpdateOptions,
}

impl Survey<'_> {
    pub(super) fn model(
        &self,
        root: Vec<Range<u32>>,
        progress: &mut dyn Progress,
    ) -> Result<Model, UpdateError> {
        let mut root = Folder::listed(Listing::read(&self.disk, &self.layout, root)?);
        root.node = Some(NodeId::ROOT);
        let mut model = Model {
            folders: vec![root],
            jobs: Vec::new(),
            changes: Vec::new(),
            freed: Vec::new(),
            digests: Digests::default(),
            unchanged_files: 0,
            unchanged_bytes: 0,
        };
        let mut collisions = Vec::new();
        let pairs = self.pair(&mut model, &mut collisions)?;
        self.compare(&mut model, pairs, &mut collisions, progress)?;
        if !collisions.is_empty() {
            collisions.sort_by(|a, b| a.path().cmp(b.path()));
            return Err(UpdateError::Collisions { collisions });
        }
        self.remove(&mut model)?;
        self.spread(&mut model)?;
        self.free(&mut model)?;
        Ok(model)
    }

    /// Looks every file and folder of the tree up on the volume.
    fn pair(
        &self,
        model: &mut Model,
        collisions: &mut Vec<Collision>,
    ) -> Result<Vec<Pair>, UpdateError> {
        let mut pairs = Vec::new();
        let mut queue = vec![(NodeId::ROOT, ROOT)];
        while let Some((parent, at)) = queue.pop() {
            for &node in self.tree.children(parent) {
                let name = self.tree.name(node);
                let is_folder = self.tree.is_folder(node);
                let Some(folder) = model.folders.get(at) else { continue };
                let path = || self.tree.path(node);
                let found = folder.listing.find(name);
                let there = found.and_then(|index| folder.listing.entries.get(index));
                match (found.zip(there), is_folder) {
                    (Some((entry, there)), true) if there.is_folder() => {
                        let child = self.open(model, at, entry, Some(node))?;
                        queue.push((node, child));
                    }
                    (Some(_), true) => collisions.push(Collision::IsFile { path: path() }),
                    (Some((_, there)), false) if there.is_folder() => {
                        collisions.push(Collision::IsFolder { path: path() });
                    }
                    (Some((entry, _)), false) => pairs.push(Pair { folder: at, entry, node }),
                    (None, _) => {
                        if let Some(other) = folder.listing.find_alias(name) {
                            let other = other.name.clone();
                            collisions.push(Collision::ShortName { path: path(), other });
                        } else if is_folder {
                            let child = self.add_folder(model, at, node);
                            queue.push((node, child));
                        } else {
                            self.add_file(model, at, node);
                        }
                    }
                }
            }
        }
        Ok(pairs)
    }

    /// Looks into a folder of the volume.
    fn open(
        &self,
        model: &mut Model,
        parent: usize,
        entry: usize,
        node: Option<NodeId>,
    ) -> Result<usize, UpdateError> {
        let child = model.folders.len();
        let Some(holder) = model.folders.get_mut(parent) else { return Ok(ROOT) };
        let (Some(found), Some(action)) =
            (holder.listing.entries.get(entry), holder.actions.get_mut(entry))
        else {
            return Ok(ROOT);
        };
        if let Action::Folder(known) = action {
            return Ok(*known);
        }
        let runs = self.table.runs(found.cluster)?;
        let mut folder = Folder::listed(Listing::read_used(&self.disk, &self.layout, runs)?);
        *action = Action::Folder(child);
        folder.path = join(&holder.path, &found.name);
        (folder.parent, folder.entry, folder.node) = (parent, Some(entry), node);
        model.folders.push(folder);
        Ok(child)
    }

    fn add_folder(&self, model: &mut Model, parent: usize, node: NodeId) -> usize {
        let child = model.folders.len();
        let path = self.tree.path(node);
        if let Some(holder) = model.folders.get_mut(parent) {
            holder.new.push(New { node, target: Target::Folder(child) });
            holder.is_changed = true;
        }
        model.changes.push(Change { path: path.clone(), kind: ChangeKind::FolderAdded, bytes: 0 });
        let node = Some(node);
        model.folders.push(Folder { parent, path, node, is_changed: true, ..Folder::default() });
        child
    }

    fn add_file(&self, model: &mut Model, parent: usize, node: NodeId) {
        let job = self.job(model, node, ChangeKind::Added);
        if let Some(holder) = model.folders.get_mut(parent) {
            holder.new.push(New { node, target: Target::File(job) });
            holder.is_changed = true;
        }
    }

    fn job(&self, model: &mut Model, node: NodeId, kind: ChangeKind) -> usize {
        let len = self.tree.data(node).map_or(0, Data::len);
        model.changes.push(Change { path: self.tree.path(node), kind, bytes: len });
        model.jobs.push(Job { node, len, runs: Vec::new() });
        model.jobs.len().saturating_sub(1)
    }

    /// Compares files of equal length, and decides about all.
    fn compare(
        &self,
        model: &mut Model,
        pairs: Vec<Pair>,
        collisions: &mut Vec<Collision>,
        progress: &mut dyn Progress,
    ) -> Result<(), UpdateError> {
        let owned: HashSet<String> =
            self.options.owned.iter().map(|path| upcase(&normal(path))).collect();
        let lens = pairs.iter().filter_map(|pair| {
            let len = self.tree.data(pair.node)?.len();
            let entry = model.folders.get(pair.folder)?.listing.entries.get(pair.entry)?;
            (u64::from(entry.size) == len).then_some(len)
        });
        let total = lens.fold(0, u64::saturating_add);
        let mut comparer = Comparer::new(progress, total);
        // Late content follows from all other; it cannot be made before that is known.
        let is_late = |pair: &Pair| matches!(self.tree.data(pair.node), Some(Data::Late(_)));
        let (late, early): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(is_late);
        for pair in early.into_iter().chain(late) {
            let Some(data) = self.tree.data(pair.node) else { continue };
            let folder = model.folders.get(pair.folder);
            let entry = folder.and_then(|folder| folder.listing.entries.get(pair.entry));
            let Some(entry) = entry else { continue };
            // When other content changed, it is not known yet.
            let is_known = match data {
                Data::Late(_) => {
                    let sources = |job: &Job| matches!(self.tree.data(job.node), Some(Data::Source(s)) if !s.is_empty());
                    !model.jobs.iter().any(sources)
                }
                Data::Source(_) => true,
            };
            if u64::from(entry.size) == data.len() && is_known {
                let runs = self.table.runs(entry.cluster)?;
                comparer.file(&self.tree.path(pair.node), data.len());
                if comparer.is_equal(&self.disk, &self.layout, &runs, data)? {
                    model.unchanged_files = model.unchanged_files.saturating_add(1);
                    model.unchanged_bytes = model.unchanged_bytes.saturating_add(data.len());
                    continue;
                }
            }
            let path = self.tree.path(pair.node);
            if !self.options.replace && !owned.contains(&upcase(&path)) {
                collisions.push(Collision::Differs { path });
                continue;
            }
            let job = self.job(model, pair.node, ChangeKind::Replaced);
            if let Some(folder) = model.folders.get_mut(pair.folder) {
                folder.is_changed = true;
                if let Some(action) = folder.actions.get_mut(pair.entry) {
                    *action = Action::Replace(job);
                }
            }
        }
        model.digests = comparer.digests;
        Ok(())
    }

    /// Marks the owned files that the tree lacks, and the folders that they leave empty.
    fn remove(&self, model: &mut Model) -> Result<(), UpdateError> {
        let kept: HashSet<String> =
            self.tree.walk().map(|id| upcase(&self.tree.path(id))).collect();
        for path in self.options.owned.iter().map(|path| normal(path)) {
            if !kept.contains(&upcase(&path)) {
                self.remove_file(model, &path)?;
            }
        }
        // Children come behind their parents.
        for index in (1..model.folders.len()).rev() {
            let Some(folder) = model.folders.get(index) else { continue };
            if folder.node.is_some() || !folder.is_changed {
                continue;
            }
            let is_gone = |(entry, action): (&super::folder::Entry, &Action)| {
                entry.is_dot() || *action == Action::Remove
            };
            if !folder.listing.entries.iter().zip(&folder.actions).all(is_gone) {
                continue;
            }
            let (parent, entry, path) = (folder.parent, folder.entry, folder.path.clone());
            model.changes.push(Change { path, kind: ChangeKind::FolderRemoved, bytes: 0 });
            if let Some(folder) = model.folders.get_mut(index) {
                folder.is_removed = true;
            }
            let holder = model.folders.get_mut(parent);
            if let Some((holder, entry)) = holder.zip(entry) {
                holder.is_changed = true;
                if let Some(action) = holder.actions.get_mut(entry) {
                    *action = Action::Remove;
                }
            }
        }
        Ok(())
    }

    fn remove_file(&self, model: &mut Model, path: &str) -> Result<(), UpdateError> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = ROOT;
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            let Some(folder) = model.folders.get(at) else { return Ok(()) };
            let Some(index) = folder.listing.find(part) else { return Ok(()) };
            match folder.listing.entries.get(index) {
                Some(entry) if entry.is_folder() => at = self.open(model, at, index, None)?,
                _ => return Ok(()),
            }
        }
        let Some(folder) = model.folders.get_mut(at) else { return Ok(()) };
        let Some(index) = folder.listing.find(name) else { return Ok(()) };
        let found = folder.listing.entries.get(index).filter(|entry| !entry.is_folder());
        if let (Some(entry), Some(action)) = (found, folder.actions.get_mut(index))
            && *action == Action::Keep
        {
            *action = Action::Remove;
            folder.is_changed = true;
            let (path, bytes) = (join(&folder.path, &entry.name), entry.size.into());
            model.changes.push(Change { path, kind: ChangeKind::Removed, bytes });
        }
        Ok(())
    }

    /// A folder changes with what is in it; and when one moves, so do all below, for the sake of
    /// their `..` entries.
    fn spread(&self, model: &mut Model) -> Result<(), UpdateError> {
        for index in (1..model.folders.len()).rev() {
            let parent = model.folders.get(index).filter(|f| f.is_changed).map(|f| f.parent);
            if let Some(parent) = parent.and_then(|parent| model.folders.get_mut(parent)) {
                parent.is_changed = true;
            }
        }
        let mut index = 1;
        while let Some(folder) = model.folders.get(index) {
            let parent = folder.parent;
            let moves = parent != ROOT && model.folders.get(parent).is_some_and(Folder::is_written);
            let Some(folder) = model.folders.get_mut(index) else { break };
            folder.is_changed |= moves;
            if folder.is_written() {
                let entries = folder.listing.entries.iter().zip(&folder.actions).enumerate();
                let unseen: Vec<usize> = entries
                    .filter(|(_, (entry, action))| {
                        entry.is_folder() && !entry.is_dot() && **action == Action::Keep
                    })
                    .map(|(index, _)| index)
                    .collect();
                for entry in unseen {
                    self.open(model, index, entry, None)?;
                }
            }
            index = index.saturating_add(1);
        }
        Ok(())
    }

    /// Collects the clusters that no name reaches after the switch.
    fn free(&self, model: &mut Model) -> Result<(), UpdateError> {
        let mut freed = Vec::new();
        for (index, folder) in model.folders.iter().enumerate() {
            if index != ROOT && folder.is_changed {
                freed.extend(folder.listing.runs.iter().cloned());
            }
            for (entry, action) in folder.listing.entries.iter().zip(&folder.actions) {
                if matches!(action, Action::Replace(_)) || *action == Action::Remove {
                    // Removed folders bring their clusters along themselves.
                    if !entry.is_folder() {
                        freed.extend(self.table.runs(entry.cluster)?);
                    }
                }
            }
        }
        model.freed = freed;
        Ok(())
    }
}

impl Model {
    /// Directories that are written anew, by index; the root is not.
    pub(super) fn written(&self) -> impl Iterator<Item = (usize, &Folder)> {
        self.folders.iter().enumerate().skip(1).filter(|(_, folder)| folder.is_written())
    }

    /// Clusters that are free after the switch.
    pub(super) fn freed_clusters(&self) -> u64 {
        clusters_in(&self.freed)
    }
}

/// A path with nothing but its names.
fn normal(path: &str) -> String {
    let names = path.split(['/', '\\']).filter(|name| !name.is_empty());
    names.collect::<Vec<_>>().join("/")
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}
