//! The first walk over a tree: what FAT cannot hold, and how much room the rest needs.

use std::collections::{HashMap, VecDeque};

use extent_image::{NodeId, Tree};

use crate::disk::dir_entry::{FatTime, SLOT_LEN};
use crate::error::{Note, Problem, VolumeError};
use crate::name;
use crate::units::{ClusterSize, FatType, len64};

/// Folders and files of a tree that FAT can hold, in the order of their data.
pub(crate) struct Survey {
    /// Folders with their length in bytes, breadth first, so that all directories lie together at
    /// the start of the volume and those near the root come first.
    pub(crate) folders: Vec<(NodeId, u64)>,
    /// Files in the tree's data order.
    pub(crate) files: Vec<NodeId>,
    pub(crate) notes: Vec<Note>,
}

impl Survey {
    /// `besides`: slots of the root folder that are not those of its names.
    pub(crate) fn new(tree: &Tree, besides: usize) -> Result<Self, VolumeError> {
        let mut findings = Findings::default();
        let mut folders = Vec::new();
        let mut queue = VecDeque::from([NodeId::ROOT]);
        while let Some(folder) = queue.pop_front() {
            let own = match folder {
                NodeId::ROOT => len64(besides),
                _ => 2,
            };
            let slots = own.saturating_add(survey_folder(tree, folder, &mut findings));
            if slots > Problem::MAX_SLOTS {
                let path = tree.path(folder);
                findings.add(Problem::FolderSize { path, found: slots });
            }
            folders.push((folder, slots.saturating_mul(SLOT_LEN)));
            queue.extend(tree.children(folder).iter().filter(|id| tree.is_folder(**id)));
        }
        let notes = findings.finish()?;
        Ok(Self { folders, files: tree.data_order(), notes })
    }

    /// Slots of the root folder.
    pub(crate) fn root_slots(&self) -> u64 {
        self.folders.first().map_or(0, |(_, len)| len.div_ceil(SLOT_LEN))
    }

    /// Clusters that folders and files fill.
    pub(crate) fn clusters(&self, tree: &Tree, fat_type: FatType, size: ClusterSize) -> u64 {
        let folders = self.folders.iter();
        let folders = folders.map(|(id, len)| folder_clusters(*id, *len, fat_type, size));
        let files = self.files.iter().filter_map(|id| tree.data(*id));
        let files = files.map(|data| size.clusters_of(data.len()));
        folders.chain(files).fold(0, u64::saturating_add)
    }
}

/// Clusters of a directory of so many bytes. Even an empty one has a cluster, but the root of FAT16
/// has none.
pub(crate) fn folder_clusters(id: NodeId, len: u64, fat_type: FatType, size: ClusterSize) -> u64 {
    match (id, fat_type) {
        (NodeId::ROOT, FatType::Fat16) => 0,
        _ => size.clusters_of(len).max(1),
    }
}

/// The slots of the children.
fn survey_folder(tree: &Tree, folder: NodeId, findings: &mut Findings) -> u64 {
    let children = tree.children(folder);
    let mut seen: HashMap<String, NodeId> = HashMap::with_capacity(children.len());
    let mut slots = 0u64;
    for &child in children {
        let name = tree.name(child);
        let path = || tree.path(child);
        for problem in name::problems(name, &path) {
            findings.add(problem);
        }
        if let Some(first) = seen.insert(name::upcase(name), child) {
            let (first, second) = (tree.path(first), path());
            findings.add(Problem::SameName { first, second });
        }
        if let Some(found) =
            tree.data(child).map(|data| data.len()).filter(|len| *len > Problem::MAX_FILE)
        {
            findings.add(Problem::FileSize { path: path(), found });
        }
        if name::is_device(name) {
            findings.notes.push(Note::DeviceName { path: path() });
        }
        if FatTime::new(tree.meta(child).modified).1 {
            findings.times_moved = findings.times_moved.saturating_add(1);
            findings.first_moved.get_or_insert_with(path);
        }
        slots = slots.saturating_add(len64(name::slots(name)));
    }
    slots
}

#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    total: usize,
    notes: Vec<Note>,
    times_moved: u64,
    first_moved: Option<String>,
}

impl Findings {
    fn add(&mut self, problem: Problem) {
        self.total = self.total.saturating_add(1);
        if self.problems.len() < Problem::LISTED {
            self.problems.push(problem);
        }
    }

    fn finish(mut self) -> Result<Vec<Note>, VolumeError> {
        if self.total > 0 {
            return Err(VolumeError::Tree { problems: self.problems, total: self.total });
        }
        let count = self.times_moved;
        self.notes.extend(self.first_moved.map(|first| Note::TimesMoved { count, first }));
        Ok(self.notes)
    }
}
