//! Any tree and options: a plan is refused, or its volume is clean and holds every file of the tree
//! with its name, time and attributes.

#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::io::{Cursor, Read, Seek, SeekFrom};

use arbitrary::Arbitrary;
use extent_image::{Content, Data, Meta, NodeId, Plan, Timestamp, Tree, TreeBuilder};
use fat32_image::check::Volume;
use fat32_image::{
    Alignment, ClusterSize, Label, SectorSize, VolumeOptions, VolumeSize, plan, smallest_volume,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Node {
    name: String,
    parent: u8,
    /// A folder, or a file of this many bytes.
    len: Option<u16>,
    read_only: bool,
    hidden: bool,
    system: bool,
    seconds: i64,
}

#[derive(Arbitrary, Debug)]
struct Input {
    label: String,
    nodes: Vec<Node>,
    cluster: Option<u8>,
    large_sectors: bool,
    alignment: Option<u8>,
    hidden_sectors: u32,
    fat16: Option<bool>,
    size: Size,
    first: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Size {
    Fit,
    Tight,
    Smallest,
    Sectors(u32),
}

fn tree(nodes: &[Node]) -> Tree {
    let mut builder = TreeBuilder::new(Meta::at(Timestamp::FAT_EPOCH));
    let mut folders = vec![NodeId::ROOT];
    let mut taken = HashSet::new();
    for node in nodes {
        let parent = folders[usize::from(node.parent) % folders.len()];
        if !taken.insert((parent, &node.name)) {
            continue;
        }
        let mut meta = Meta::at(Timestamp::from_unix_seconds(node.seconds));
        meta.attributes.read_only = node.read_only;
        meta.attributes.hidden = node.hidden;
        meta.attributes.system = node.system;
        match node.len {
            None => folders.extend(builder.folder(parent, &node.name, meta)),
            Some(len) => {
                let content: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
                // Names that no tree holds are left out.
                let _ = builder.file(parent, &node.name, meta, Data::bytes("file", content));
            }
        }
    }
    builder.finish().expect("every name is there once")
}

/// What must be found of a file or folder.
type Facts = (Option<Vec<u8>>, u8, i64);

fn expected(tree: &Tree) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    for id in tree.walk().filter(|id| *id != NodeId::ROOT) {
        let meta = tree.meta(id);
        let content = tree.data(id).map(|data| {
            let mut content = Vec::new();
            if let Data::Source(source) = data {
                source.open(0).and_then(|mut r| r.read_to_end(&mut content)).expect("in memory");
            }
            content
        });
        let attributes = u8::from(meta.attributes.read_only)
            | u8::from(meta.attributes.hidden) << 1
            | u8::from(meta.attributes.system) << 2
            | if content.is_some() { 0x20 } else { 0x10 };
        // 1980 to the last two seconds of 2107.
        let seconds = meta.modified.unix_seconds().clamp(315_532_800, 4_354_819_198) & !1;
        all.insert(tree.path(id), (content, attributes, seconds));
    }
    all
}

/// The volume up to its free space, and zeros.
struct Sparse {
    head: Cursor<Vec<u8>>,
    len: u64,
    at: u64,
}

impl Sparse {
    fn new(plan: &Plan) -> Self {
        let used = match plan.extents().last() {
            Some(extent) if matches!(extent.content(), Content::Free) => extent.start(),
            _ => plan.len(),
        };
        let mut head = Vec::new();
        plan.reader().take(used).read_to_end(&mut head).expect("all sources are in memory");
        Self { head: Cursor::new(head), len: plan.len(), at: 0 }
    }
}

impl Read for Sparse {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = buf.len().min(self.len.saturating_sub(self.at) as usize);
        self.head.set_position(self.at);
        let found = self.head.read(&mut buf[..count])?;
        buf[found..count].fill(0);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if let SeekFrom::Start(at) = to {
            self.at = at;
        }
        Ok(self.at)
    }
}

fuzz_target!(|input: Input| {
    let tree = tree(&input.nodes);
    let mut options = VolumeOptions::new().with_hidden_sectors(input.hidden_sectors);
    options = options.with_first_in_root(input.first.iter().filter_map(|index| {
        input.nodes.get(usize::from(*index)).map(|node| node.name.to_uppercase())
    }));
    if input.large_sectors {
        options = options.with_sector_size(SectorSize::B4096);
    }
    if let Some(power) = input.cluster {
        options =
            options.with_cluster_size(ClusterSize::new(512 << (power % 8)).expect("to 64 KiB"));
    }
    if let Some(power) = input.alignment {
        options = options.with_alignment(Alignment::new(4096 << (power % 13)).expect("to 16 MiB"));
    }
    if let Ok(label) = Label::new(&input.label) {
        options = options.with_label(label);
    }
    match input.fat16 {
        None => {}
        Some(true) => options = options.with_fat_type(fat32_image::FatType::Fat16),
        Some(false) => options = options.with_smallest_fat_type(),
    }
    let smallest = smallest_volume(&tree, &options);
    options = match input.size {
        Size::Fit => options,
        Size::Tight => options.with_size(VolumeSize::Tight),
        Size::Smallest => match smallest {
            Ok(smallest) => options.with_size(VolumeSize::Bytes(smallest)),
            Err(_) => return,
        },
        // A FAT of 256 MiB takes long to check.
        Size::Sectors(sectors) => {
            let sector = if input.large_sectors { 4096 } else { 512 };
            options.with_size(VolumeSize::Bytes(u64::from(sectors % (1 << 25)) * sector))
        }
    };
    let planned = match plan(&tree, &options) {
        Ok(planned) => planned,
        Err(error) => {
            assert!(!matches!(input.size, Size::Smallest), "{error}");
            return;
        }
    };
    let len = planned.plan().len();
    assert_eq!(len, planned.geometry().volume_len());
    let mut volume = Volume::open(Sparse::new(planned.plan()), 0, len).expect("it is a volume");
    assert_eq!(volume.check().expect("bytes in memory can be read"), []);
    let label = volume.label().expect("it can be read");
    assert_eq!(label.as_deref(), planned.label().map(Label::as_str));
    let mut found = BTreeMap::new();
    for entry in volume.walk().expect("it can be walked") {
        let content = (!entry.is_folder()).then(|| {
            let mut content = Vec::new();
            volume.open_file(&entry).read_to_end(&mut content).expect("it can be read");
            content
        });
        let seconds = entry.modified().expect("it has a time").unix_seconds();
        found.insert(entry.path(), (content, entry.attributes(), seconds));
    }
    assert!(found == expected(&tree), "{:?} is not the tree", found.keys());
});
