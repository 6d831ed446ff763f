//! The slots of directories that are written anew, and of new names in the root.

use extent_image::{NodeId, Tree};
use zerocopy::IntoBytes;

use crate::directory::{attributes, put_long};
use crate::disk::dir_entry::{DirEntry, FatTime, SLOT, attribute};
use crate::error::Problem;
use crate::name::{self, ShortNames, Stored};
use crate::units::{Cluster, len64};

use super::error::UpdateError;
use super::folder::{Slot, at_cluster, slot_of};
use super::layout::Layout;
use super::model::{Action, Folder, Job, Model, New, ROOT, Target};

/// Slots of a directory that is written anew.
pub(super) fn slot_count(tree: &Tree, folder: &Folder) -> Result<u64, UpdateError> {
    let kept = folder.listing.entries.iter().zip(&folder.actions);
    let kept = kept.filter(|(_, action)| **action != Action::Remove);
    let kept = kept.map(|(entry, _)| if entry.is_dot() { 1 } else { entry.slots.len() });
    let new = folder.new.iter().map(|new| name::slots(tree.name(new.node)));
    let dots = if folder.new_node().is_some() { 2 } else { 0 };
    let found = len64(kept.chain(new).fold(dots, usize::saturating_add));
    if found > Problem::MAX_SLOTS {
        let (path, limit) = (folder.path().to_owned(), Problem::MAX_SLOTS);
        return Err(UpdateError::FolderSize { path, found, limit });
    }
    Ok(found)
}

/// Clusters of a directory that is written anew.
pub(super) fn cluster_count(
    tree: &Tree,
    layout: &Layout,
    folder: &Folder,
) -> Result<u64, UpdateError> {
    let len = slot_count(tree, folder)?.saturating_mul(len64(SLOT));
    Ok(layout.clusters_of(len).max(1))
}

/// Makes slots, once all clusters are chosen.
pub(super) struct Builder<'a> {
    pub(super) tree: &'a Tree,
    pub(super) model: &'a Model,
}

impl Builder<'_> {
    /// The bytes of a directory that is written anew, without the zeros behind them.
    pub(super) fn directory(&self, index: usize) -> Result<Vec<u8>, UpdateError> {
        let Some(folder) = self.model.folders.get(index) else { return Ok(Vec::new()) };
        let own = first(&folder.runs);
        // Zero in a child of the root, wherever that begins.
        let parent = match folder.parent {
            ROOT => 0,
            parent => self.first_of_folder(parent),
        };
        let mut slots: Vec<Slot> = Vec::new();
        if let Some(node) = folder.new_node() {
            let (time, _) = FatTime::new(self.tree.meta(node).modified);
            for (name, cluster) in [(*b".          ", own), (*b"..         ", parent)] {
                let entry = DirEntry::new(name, attribute::DIRECTORY, time);
                slots.push(at_cluster(&slot_of(&entry), cluster));
            }
        }
        for (entry, action) in folder.listing.entries.iter().zip(&folder.actions) {
            let Some((last, long)) = folder
                .listing
                .slots
                .get(entry.slots.clone())
                .and_then(<[Slot]>::split_last)
                .filter(|_| *action != Action::Remove)
            else {
                continue;
            };
            // Some writers give the dot entries long names.
            if !entry.is_dot() {
                slots.extend_from_slice(long);
            }
            slots.push(match action {
                _ if entry.short == *b".          " => at_cluster(last, own),
                _ if entry.short == *b"..         " => at_cluster(last, parent),
                action => self.changed(last, *action).unwrap_or(*last),
            });
        }
        for set in self.new_names(folder)? {
            slots.extend(set);
        }
        Ok(slots.as_flattened().to_vec())
    }

    /// The short slot of an entry that changes; `None` when it stays.
    pub(super) fn changed(&self, slot: &Slot, action: Action) -> Option<Slot> {
        match action {
            Action::Keep | Action::Remove => None,
            Action::Replace(job) => {
                let job = self.model.jobs.get(job)?;
                Some(self.replaced(slot, job))
            }
            Action::Folder(index) => {
                let folder = self.model.folders.get(index).filter(|folder| folder.is_written())?;
                Some(at_cluster(slot, first(&folder.runs)))
            }
        }
    }

    /// New content under an old name, which keeps its creation time.
    fn replaced(&self, slot: &Slot, job: &Job) -> Slot {
        let fresh = slot_of(&self.file(*b"           ", job));
        let mut changed = *slot;
        // Attributes, and everything from the access date on.
        for range in [0x0B..0x0C, 0x12..0x20] {
            if let (Some(to), Some(from)) = (changed.get_mut(range.clone()), fresh.get(range)) {
                to.copy_from_slice(from);
            }
        }
        changed
    }

    fn file(&self, short: [u8; 11], job: &Job) -> DirEntry {
        let meta = self.tree.meta(job.node);
        let (time, _) = FatTime::new(meta.modified);
        let entry = DirEntry::new(short, attribute::ARCHIVE | attributes(meta), time);
        let mut entry = entry.at(cluster(first(&job.runs)));
        // Files of 4 GiB were refused.
        entry.size = u32::try_from(job.len).unwrap_or(u32::MAX).into();
        entry
    }

    fn first_of_folder(&self, index: usize) -> u32 {
        self.model.folders.get(index).map_or(0, |folder| first(&folder.runs))
    }

    /// The slots of each new name of a folder, in order.
    pub(super) fn new_names(&self, folder: &Folder) -> Result<Vec<Vec<Slot>>, UpdateError> {
        let old = folder.listing.entries.iter().map(|entry| entry.name.as_str());
        let added = folder.new.iter().map(|new| self.tree.name(new.node));
        let mut names = ShortNames::new(old.chain(added));
        folder.listing.entries.iter().for_each(|entry| names.reserve(entry.short));
        folder.new.iter().map(|new| self.new_name(&mut names, new)).collect()
    }

    fn new_name(&self, names: &mut ShortNames, new: &New) -> Result<Vec<Slot>, UpdateError> {
        let name = self.tree.name(new.node);
        let stored = names.store(name).ok_or_else(|| self.no_short_name(new.node))?;
        let mut long = Vec::new();
        let (short, case) = match stored {
            Stored::Short(short, case) => (short, case),
            Stored::Long(short) => {
                put_long(&mut long, name, &short);
                (short, 0)
            }
        };
        let mut entry = match new.target {
            Target::File(job) => match self.model.jobs.get(job) {
                Some(job) => self.file(short, job),
                None => return Ok(Vec::new()),
            },
            Target::Folder(index) => {
                let meta = self.tree.meta(new.node);
                let (time, _) = FatTime::new(meta.modified);
                let kind = attribute::DIRECTORY | attributes(meta);
                DirEntry::new(short, kind, time).at(cluster(self.first_of_folder(index)))
            }
        };
        entry.case = case;
        long.extend_from_slice(entry.as_bytes());
        Ok(long.as_chunks().0.to_vec())
    }

    fn no_short_name(&self, node: NodeId) -> UpdateError {
        let problems = vec![Problem::ShortNames { path: self.tree.path(node) }];
        UpdateError::Tree(crate::error::VolumeError::Tree { problems, total: 1 })
    }
}

/// The first cluster of a chain; 0 for none.
fn first(runs: &[std::ops::Range<u32>]) -> u32 {
    runs.first().map_or(0, |run| run.start)
}

fn cluster(number: u32) -> Cluster {
    match number.checked_sub(Cluster::FIRST.number()) {
        Some(after) => Cluster::FIRST.after(after.into()),
        None => Cluster::NONE,
    }
}
