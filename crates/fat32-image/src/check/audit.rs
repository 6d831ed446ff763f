//! The walk over a volume: every directory once, and for a check every chain and FAT entry.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read, Seek};
use std::sync::Arc;

use super::chain::{ClusterSet, Link};
use super::fault::{Fault, FaultKind, Faults, Severity};
use super::slots::{self, Item, Slot};
use super::{Entry, Volume, boot};
use crate::FatType;

/// Most slots of a directory.
const MOST_SLOTS: u64 = 65_536;
/// Longest path that is followed. Linux opens no longer ones, and it bounds the memory that nested
/// folders of a hostile volume can ask for.
const LONGEST_PATH: usize = 4096;

/// A folder that is still to be read. Its path is put together only then: a hostile volume can name
/// one folder from a great many places.
struct Pending {
    /// Path of the folder that holds it.
    holder: Arc<str>,
    name: String,
    cluster: u32,
    parent: Option<u32>,
}

struct Folder {
    path: Arc<str>,
    cluster: u32,
    /// What `..` must say, which is 0 in a child of the root; `None` in the root itself.
    parent: Option<u32>,
}

pub(super) struct Audit<'a, R> {
    pub(super) volume: &'a mut Volume<R>,
    /// False for a plain walk, which follows directories only.
    checking: bool,
    pub(super) faults: Faults,
    entries: Vec<Entry>,
    label: Option<(u64, String)>,
    /// Clusters that some chain holds; in a plain walk, those of directories.
    pub(super) claimed: ClusterSet,
    /// Those of the root directory.
    pub(super) root: BTreeSet<u32>,
    queue: VecDeque<Pending>,
}

pub(super) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

impl<'a, R: Read + Seek> Audit<'a, R> {
    pub(super) fn new(volume: &'a mut Volume<R>, checking: bool) -> Self {
        let claimed = ClusterSet::new(&volume.facts);
        let cluster = volume.facts.root_cluster;
        let root = Pending { holder: "".into(), name: String::new(), cluster, parent: None };
        Self {
            volume,
            checking,
            faults: Faults::default(),
            entries: Vec::new(),
            label: None,
            claimed,
            root: BTreeSet::new(),
            queue: VecDeque::from([root]),
        }
    }

    /// The faults, and the clusters that files and folders hold.
    pub(super) fn into_faults_and_claims(self) -> (Vec<Fault>, ClusterSet) {
        (self.faults.finish(), self.claimed)
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub(super) fn into_label(self) -> Option<String> {
        self.label.map(|(_, label)| label)
    }

    /// Boot sector, backup and FSInfo, without the counts.
    pub(super) fn boot_area(&mut self) -> io::Result<()> {
        let Volume { disk, facts, .. } = &mut *self.volume;
        boot::check(disk, facts, &mut self.faults)
    }

    /// The root directory alone.
    pub(super) fn root(&mut self) -> io::Result<()> {
        match self.queue.pop_front() {
            Some(root) => self.pending(root),
            None => Ok(()),
        }
    }

    /// Every directory, breadth first.
    pub(super) fn all(&mut self) -> io::Result<()> {
        while let Some(folder) = self.queue.pop_front() {
            self.pending(folder)?;
        }
        let boot = self.volume.facts.boot_label.clone();
        let (position, root) =
            self.label.clone().unwrap_or((self.volume.facts.label_position(), String::new()));
        // Windows' own format leaves NO NAME beside a label in the root.
        if boot != "NO NAME" && !boot.is_empty() && boot != root {
            let kind = FaultKind::LabelDiffers { boot, root };
            self.faults.add_half_written(position, kind, Severity::Untidy);
        }
        Ok(())
    }

    fn pending(&mut self, pending: Pending) -> io::Result<()> {
        let Pending { holder, name, cluster, parent } = pending;
        let path = if parent.is_none() { holder } else { join(&holder, &name).into() };
        self.folder(Folder { path, cluster, parent })
    }

    fn folder(&mut self, folder: Folder) -> io::Result<()> {
        let slots = self.read_slots(&folder)?;
        let fat_type = self.volume.facts.fat_type;
        let items = slots::decode(&folder.path, fat_type, &slots, &mut self.faults);
        drop(slots);
        let is_root = folder.parent.is_none();
        let mut dots = [None, None];
        for (index, item) in items.iter().enumerate() {
            match dots.get_mut(index) {
                Some(dot) if item.is_dot() && !is_root => *dot = Some(item),
                _ if item.is_dot() => {
                    let kind = FaultKind::DotEntry {
                        folder: folder.path.to_string(),
                        name: if item.short.starts_with(b"..") { ".." } else { "." },
                        found: Some(item.cluster),
                        expected: None,
                    };
                    self.faults.add(item.position, kind);
                }
                _ if item.is_label() => self.label(&folder, item),
                _ => self.item(&folder, item)?,
            }
        }
        if let Some(parent) = folder.parent {
            let fallback = self.volume.facts.cluster_start(folder.cluster).unwrap_or(0);
            let [first, second] = dots;
            for (dot, name, expected) in [(first, ".", folder.cluster), (second, "..", parent)] {
                let padded: &[u8] = if name == "." { b".   " } else { b"..  " };
                let found = dot.filter(|item| item.short.starts_with(padded) && item.is_folder());
                let position = dot.map_or(fallback, |item| item.position);
                let found = found.map(|item| item.cluster);
                if found != Some(expected) {
                    let folder = folder.path.to_string();
                    let kind =
                        FaultKind::DotEntry { folder, name, found, expected: Some(expected) };
                    // The root's own number is wrong there, but leads to the right place.
                    let root = self.volume.facts.root_cluster;
                    let severity = match name == ".." && expected == 0 && found == Some(root) {
                        true => Severity::Untidy,
                        false => Severity::Damage,
                    };
                    self.faults.add_as(position, kind, severity);
                }
            }
        }
        Ok(())
    }

    /// The slots of a directory, as far as its chain can be followed.
    fn read_slots(&mut self, folder: &Folder) -> io::Result<Vec<Slot>> {
        if folder.parent.is_none() && self.volume.facts.fat_type == FatType::Fat16 {
            return self.read_root_16();
        }
        let mut slots = Vec::new();
        let mut buffer = vec![0; usize::try_from(self.volume.facts.cluster_size).unwrap_or(0)];
        let mut cluster = folder.cluster;
        while let Some(start) = self.volume.facts.cluster_start(cluster) {
            if !self.claim(&folder.path, cluster) {
                return Ok(slots);
            }
            if folder.parent.is_none() {
                self.root.insert(cluster);
            }
            let found = u64::try_from(slots.len()).unwrap_or(u64::MAX);
            if found >= MOST_SLOTS {
                let kind = FaultKind::DirectoryLength {
                    folder: folder.path.to_string(),
                    found: found.saturating_add(1),
                    limit: MOST_SLOTS,
                };
                self.faults.add(start, kind);
                return Ok(slots);
            }
            self.volume.disk.read_at(start, &mut buffer)?;
            let (chunks, _) = buffer.as_chunks::<32>();
            for (position, bytes) in (start..).step_by(32).zip(chunks) {
                slots.push(Slot { position, bytes: *bytes });
            }
            match self.link(cluster)? {
                Link::Next(next) => cluster = next,
                Link::End => return Ok(slots),
                Link::Wrong(value) => {
                    self.bad_link(&folder.path, cluster, value);
                    return Ok(slots);
                }
            }
        }
        // Only the first cluster gets here: links lead to clusters that exist.
        let kind = FaultKind::FirstCluster { path: folder.path.to_string(), found: cluster };
        self.faults.add(0x2C, kind);
        Ok(slots)
    }

    /// The slots of the root of FAT16, which has a place of its own; as far as it is there.
    fn read_root_16(&mut self) -> io::Result<Vec<Slot>> {
        let Volume { disk, facts, .. } = &mut *self.volume;
        let start = facts.root_start();
        let Some(there) = disk.len.checked_sub(start) else { return Ok(Vec::new()) };
        let len = u64::from(facts.root_entries).saturating_mul(32).min(there);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        disk.read_at(start, &mut bytes)?;
        let (chunks, _) = bytes.as_chunks::<32>();
        let slots = (start..).step_by(32).zip(chunks);
        Ok(slots.map(|(position, bytes)| Slot { position, bytes: *bytes }).collect())
    }

    fn label(&mut self, folder: &Folder, item: &Item) {
        if folder.parent.is_none() && self.label.is_none() {
            let label = boot::text(&item.short);
            if !boot::is_label(&item.short) {
                self.faults.add(item.position, FaultKind::LabelText { label: label.clone() });
            }
            self.label = Some((item.position, label));
        } else {
            let folder = folder.path.to_string();
            self.faults.add(item.position, FaultKind::StrayLabel { folder });
        }
    }

    /// A file or folder.
    fn item(&mut self, folder: &Folder, item: &Item) -> io::Result<()> {
        if !self.checking {
            self.entries.push(Entry {
                folder: Arc::clone(&folder.path),
                name: item.name.clone(),
                short_name: item.short_name.clone(),
                attributes: item.attributes,
                modified: item.modified,
                first_cluster: item.cluster,
                size: item.size,
            });
        }
        if !item.is_folder() {
            return if self.checking { self.file(folder, item) } else { Ok(()) };
        }
        let len = folder.path.len().saturating_add(item.name.len()).saturating_add(1);
        if self.volume.facts.cluster_start(item.cluster).is_none() {
            let path = join(&folder.path, &item.name);
            let kind = FaultKind::FirstCluster { path, found: item.cluster };
            self.faults.add(item.position, kind);
        } else if len > LONGEST_PATH {
            let path = join(&folder.path, &item.name);
            let kind = FaultKind::PathLength { path, limit: LONGEST_PATH };
            self.faults.add(item.position, kind);
        } else {
            let parent = Some(folder.parent.map_or(0, |_| folder.cluster));
            let (holder, name) = (Arc::clone(&folder.path), item.name.clone());
            self.queue.push_back(Pending { holder, name, cluster: item.cluster, parent });
        }
        Ok(())
    }

    /// Claims the chain of a file and compares its length with the size.
    fn file(&mut self, folder: &Folder, item: &Item) -> io::Result<()> {
        let path = join(&folder.path, &item.name);
        let size = u64::from(item.size);
        let needed = size.div_ceil(u64::from(self.volume.facts.cluster_size));
        if item.cluster == 0 && needed == 0 {
            return Ok(());
        }
        if self.volume.facts.cluster_start(item.cluster).is_none() {
            let kind = FaultKind::FirstCluster { path, found: item.cluster };
            self.faults.add(item.position, kind);
            return Ok(());
        }
        let mut cluster = item.cluster;
        let mut found = 0u64;
        loop {
            if !self.claim(&path, cluster) {
                return Ok(());
            }
            found = found.saturating_add(1);
            match self.link(cluster)? {
                Link::Next(next) => cluster = next,
                Link::End => break,
                Link::Wrong(value) => {
                    self.bad_link(&path, cluster, value);
                    return Ok(());
                }
            }
        }
        if found != needed {
            self.faults.add(item.position, FaultKind::ChainLength { path, found, needed });
        }
        Ok(())
    }

    fn link(&mut self, cluster: u32) -> io::Result<Link> {
        let Volume { disk, facts, cache } = &mut *self.volume;
        cache.link(disk, facts, cluster)
    }

    fn bad_link(&mut self, path: &str, cluster: u32, value: u32) {
        let position = self.volume.facts.entry_position(cluster);
        self.faults.add(position, FaultKind::BadLink { path: path.to_owned(), cluster, value });
    }

    /// Notes that a chain holds a cluster; false, with a fault, when another does already.
    fn claim(&mut self, path: &str, cluster: u32) -> bool {
        let new = self.claimed.insert(cluster);
        if !new {
            let position = self.volume.facts.entry_position(cluster);
            self.faults.add(position, FaultKind::CrossLink { path: path.to_owned(), cluster });
        }
        new
    }
}
