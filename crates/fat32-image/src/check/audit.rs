//! The walk over a volume: every directory once, and for a check every chain and FAT entry.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use super::chain::{ClusterSet, Link};
use super::fault::{Fault, FaultKind, Faults};
use super::slots::{self, Item, Slot};
use super::{Entry, Volume, boot, u32_at};
use crate::FatType;

/// Most slots of a directory.
const MOST_SLOTS: u64 = 65_536;
/// Longest path that is followed. Linux opens no longer ones, and it bounds the memory that nested
/// folders of a hostile volume can ask for.
const LONGEST_PATH: usize = 4096;
/// Bytes compared at once when FATs are compared.
const BUFFER: u64 = 64 * 1024;

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
    volume: &'a mut Volume<R>,
    /// False for a plain walk, which follows directories only.
    checking: bool,
    faults: Faults,
    entries: Vec<Entry>,
    label: Option<(u64, String)>,
    /// Clusters that some chain holds; in a plain walk, those of directories.
    claimed: ClusterSet,
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
            queue: VecDeque::from([root]),
        }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.finish()
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
            self.faults.add(position, FaultKind::LabelDiffers { boot, root });
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
                    let expected = Some(expected);
                    let kind = FaultKind::DotEntry { folder, name, found, expected };
                    self.faults.add(position, kind);
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
            self.label = Some((item.position, boot::text(&item.short)));
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
        if needed == 0 || self.volume.facts.cluster_start(item.cluster).is_none() {
            let kind = FaultKind::FirstCluster { path: path.clone(), found: item.cluster };
            self.faults.add(item.position, kind);
            // An empty file may hold a chain all the same: it is not lost then.
            if self.volume.facts.cluster_start(item.cluster).is_none() {
                return Ok(());
            }
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
        if found != needed && needed > 0 {
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

    /// What needs the whole FAT: lost clusters, the free count, the reserved entries, the copies.
    pub(super) fn tables(&mut self) -> io::Result<()> {
        let facts = self.volume.facts.clone();
        // The mark of a bad cluster is eight below the highest value.
        let bad = facts.entry_mask().saturating_sub(8);
        let mut free = 0u32;
        let mut lost: Option<(u32, u32)> = None;
        for cluster in 2..=facts.last() {
            let entry = self.entry(cluster)?;
            free = free.saturating_add(u32::from(entry == 0));
            let is_lost = entry != 0 && entry != bad && !self.claimed.contains(cluster);
            match (&mut lost, is_lost) {
                (Some((_, count)), true) => *count = count.saturating_add(1),
                (None, true) => lost = Some((cluster, 1)),
                (_, false) => self.lost(lost.take()),
            }
        }
        self.lost(lost);
        self.reserved_entries()?;
        self.copies()?;
        // With clusters that cannot be seen, the count is not known.
        if facts.reachable == facts.cluster_count {
            self.counts(free)?;
        }
        Ok(())
    }

    fn entry(&mut self, cluster: u32) -> io::Result<u32> {
        let Volume { disk, facts, cache } = &mut *self.volume;
        cache.entry(disk, facts, cluster)
    }

    fn lost(&mut self, run: Option<(u32, u32)>) {
        if let Some((first, count)) = run {
            let position = self.volume.facts.entry_position(first);
            self.faults.add(position, FaultKind::LostClusters { first, count });
        }
    }

    /// FAT[0], FAT[1], and what follows the last cluster in its sector.
    fn reserved_entries(&mut self) -> io::Result<()> {
        let facts = self.volume.facts.clone();
        let mut media = [0];
        self.volume.disk.read_at(0x15, &mut media)?;
        let [media] = media;
        let (found, expected) = (self.entry(0)?, facts.entry_mask() & !0xFF | u32::from(media));
        if found != expected {
            self.faults.add(facts.entry_position(0), FaultKind::MediaEntry { found, expected });
        }
        let found = self.entry(1)?;
        if found & facts.clean_bits() != facts.clean_bits() {
            self.faults.add(facts.entry_position(1), FaultKind::Dirty { found });
        }
        if facts.reachable != facts.cluster_count {
            return Ok(());
        }
        let behind = facts.last().saturating_add(1);
        let per_sector = facts.sector_size.checked_div(facts.entry_len()).unwrap_or(1);
        for cluster in behind..behind.next_multiple_of(per_sector) {
            let found = self.entry(cluster)?;
            if found != 0 {
                self.faults.add(facts.entry_position(cluster), FaultKind::FatTail { found });
            }
        }
        Ok(())
    }

    fn copies(&mut self) -> io::Result<()> {
        // Those that are not kept equal may say anything.
        if !self.volume.facts.mirrored {
            return Ok(());
        }
        let (start, len) = (self.volume.facts.table_start(0), self.volume.facts.table_len());
        let (mut first, mut other) = (Vec::new(), Vec::new());
        let mut copy_start = start;
        for copy in 2..=self.volume.facts.fats {
            copy_start = copy_start.saturating_add(len);
            // A copy that is cut off was reported with the length of the volume.
            if copy_start.saturating_add(len) > self.volume.disk.len {
                return Ok(());
            }
            let mut at = 0;
            while at < len {
                let part = usize::try_from(BUFFER.min(len.saturating_sub(at))).unwrap_or(0);
                first.resize(part, 0);
                other.resize(part, 0);
                self.volume.disk.read_at(start.saturating_add(at), &mut first)?;
                self.volume.disk.read_at(copy_start.saturating_add(at), &mut other)?;
                if first != other {
                    let same = first.iter().zip(&other).take_while(|(a, b)| a == b).count();
                    let same = u64::try_from(same).unwrap_or(0);
                    let position = copy_start.saturating_add(at).saturating_add(same);
                    self.faults.add(position, FaultKind::FatsDiffer { copy });
                    break;
                }
                at = at.saturating_add(BUFFER);
            }
        }
        Ok(())
    }

    /// The two numbers of FSInfo, where they say something.
    fn counts(&mut self, counted: u32) -> io::Result<()> {
        let last = self.volume.facts.last();
        let Some(info) = boot::fs_info(&mut self.volume.disk, &self.volume.facts)? else {
            return Ok(());
        };
        let mut bytes = [0; 8];
        let position = info.saturating_add(0x1E8);
        self.volume.disk.read_at(position, &mut bytes)?;
        let (found, next) = (u32_at(&bytes, 0), u32_at(&bytes, 4));
        if found != counted && found != u32::MAX {
            self.faults.add(position, FaultKind::FreeCount { found, counted });
        }
        if !(2..=last).contains(&next) && next != u32::MAX {
            let position = position.saturating_add(4);
            self.faults.add(position, FaultKind::NextFree { found: next, last });
        }
        Ok(())
    }
}
