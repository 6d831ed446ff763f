//! What is on a volume, by `fatfs`, and what must be.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use extent_image::{Data, Meta, NodeId, Storage, Timestamp, Tree, TreeBuilder, fold_case};
use fat32_image::check::{Fault, FaultKind, Volume};
use fat32_image::{ClusterSize, Label, VolumeOptions, plan};
use fatfs::{FileSystem, FsOptions};

use super::memory::{Cursor, Memory};

/// Where the volume begins in these tests.
pub(crate) const START: u64 = 1 << 20;

/// Content by path; `None` for a folder. Paths are without case.
pub(crate) type Files = BTreeMap<String, Option<Vec<u8>>>;

pub(crate) fn key(path: &str) -> String {
    path.chars().map(fold_case).collect()
}

pub(crate) fn meta() -> Meta {
    Meta::at(Timestamp::from_unix_seconds(1_700_000_000))
}

/// A tree of paths: a folder where there is no content.
pub(crate) fn tree_of(paths: &[(&str, Option<Vec<u8>>)]) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let mut folders = BTreeMap::from([(String::new(), NodeId::ROOT)]);
    for (path, content) in paths {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = folders[parent];
        match content {
            Some(content) => {
                let data = Data::bytes("test", content.clone());
                builder.file(parent, name, meta(), data).unwrap();
            }
            None => {
                let id = builder.folder(parent, name, meta()).unwrap();
                folders.insert((*path).to_owned(), id);
            }
        }
    }
    builder.finish().unwrap()
}

/// What the tree holds.
pub(crate) fn files_of(tree: &Tree) -> Files {
    let mut files = Files::new();
    for id in tree.walk().skip(1) {
        let content = match tree.data(id) {
            Some(Data::Source(source)) => {
                let mut content = Vec::new();
                source.open(0).unwrap().read_to_end(&mut content).unwrap();
                Some(content)
            }
            Some(Data::Late(_)) => Some(Vec::new()),
            None => None,
        };
        files.insert(key(&tree.path(id)), content);
    }
    files
}

/// A volume of 33 MiB with clusters of 512 bytes, at [`START`].
pub(crate) fn volume_of(tree: &Tree) -> Memory {
    volume_with(tree, ClusterSize::B512)
}

pub(crate) fn volume_with(tree: &Tree, cluster: ClusterSize) -> Memory {
    let options = VolumeOptions::new()
        .with_cluster_size(cluster)
        .with_hidden_sectors((START / 512) as u32)
        .with_label(Label::new("OLD").unwrap());
    Memory::new(START, plan(tree, &options).unwrap().plan())
}

/// Byte of the storage at which the first FAT begins, and bytes of one.
pub(crate) fn fats(memory: &Memory) -> (u64, u64) {
    let mut boot = [0; 512];
    memory.get(START, &mut boot);
    let reserved = u64::from(u16::from_le_bytes([boot[0x0E], boot[0x0F]]));
    let len = u64::from(u32::from_le_bytes([boot[0x24], boot[0x25], boot[0x26], boot[0x27]]));
    (START + reserved * 512, len * 512)
}

/// Byte of the storage at which a cluster of 512 bytes begins, behind two FATs.
pub(crate) fn cluster(memory: &Memory, number: u64) -> u64 {
    let (fat, len) = fats(memory);
    fat + 2 * len + (number - 2) * 512
}

pub(crate) fn open(memory: &Memory) -> FileSystem<Cursor<'_>> {
    FileSystem::new(memory.cursor(START), FsOptions::new()).unwrap()
}

/// Writes a file as another system would.
pub(crate) fn put_foreign(memory: &Memory, path: &str, content: &[u8]) {
    let fs = open(memory);
    if let Some((folder, _)) = path.rsplit_once('/') {
        let mut at = String::new();
        for name in folder.split('/') {
            at = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
            fs.root_dir().create_dir(&at).unwrap();
        }
    }
    let mut file = fs.root_dir().create_file(path).unwrap();
    file.truncate().unwrap();
    file.write_all(content).unwrap();
}

pub(crate) fn remove_foreign(memory: &Memory, path: &str) {
    open(memory).root_dir().remove(path).unwrap();
}

/// Everything on the volume.
pub(crate) fn read(memory: &Memory) -> Files {
    let fs = open(memory);
    let mut found = Files::new();
    read_folder(&fs.root_dir(), "", &mut found);
    found
}

fn read_folder(folder: &fatfs::Dir<'_, Cursor<'_>>, path: &str, found: &mut Files) {
    for entry in folder.iter() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        let content = entry.is_file().then(|| {
            let mut content = Vec::new();
            entry.to_file().read_to_end(&mut content).unwrap();
            assert_eq!(content.len() as u64, entry.len(), "{path}");
            content
        });
        assert!(found.insert(key(&path), content).is_none(), "{path} is there twice");
        if entry.is_dir() {
            read_folder(&entry.to_dir(), &path, found);
        }
    }
}

/// What the checker finds, without what `fatfs` does wrong itself: it gives `.` and `..` long names,
/// and has `..` of a folder in the root lead to cluster 2.
pub(crate) fn check(memory: &Memory) -> Vec<Fault> {
    let len = memory.len() - START;
    let mut faults = Volume::open(memory.cursor(0), START, len).unwrap().check().unwrap();
    let by_fatfs = |fault: &Fault| match fault.kind() {
        FaultKind::DotEntry { found, expected, .. } => (*found, *expected) == (Some(2), Some(0)),
        FaultKind::LongName { name, .. } => name == "." || name == "..",
        _ => false,
    };
    faults.retain(|fault| !by_fatfs(fault));
    faults
}

/// Where two sets of files differ, without their content.
pub(crate) fn differences(found: &Files, expected: &Files) -> Vec<String> {
    let paths = found.keys().chain(expected.keys());
    let mut differing: Vec<String> =
        paths.filter(|path| found.get(*path) != expected.get(*path)).cloned().collect();
    differing.sort_unstable();
    differing.dedup();
    differing
}
