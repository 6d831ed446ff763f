//! Any tree: a plan is refused, or its image is clean and holds every file of the tree.

#![no_main]

use std::collections::HashSet;
use std::io::{Cursor, Read};

use arbitrary::Arbitrary;
use extent_image::{Data, Meta, NodeId, Timestamp, Tree, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{BootEntry, BootImage, Format, ImageOptions, Platform, TreeKind, plan};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Node {
    name: String,
    parent: u8,
    /// A folder, or a file of this many bytes.
    len: Option<u16>,
    hidden: bool,
    seconds: i64,
}

#[derive(Arbitrary, Debug)]
struct Input {
    label: String,
    nodes: Vec<Node>,
    boot: Vec<bool>,
    /// Bridge or stub; without it no UDF.
    udf: Option<bool>,
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
        meta.attributes.hidden = node.hidden;
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

/// The content of all files, in any order.
fn contents(tree: &Tree) -> Vec<Vec<u8>> {
    let files = tree.walk().filter_map(|id| match tree.data(id)? {
        Data::Source(source) => {
            let mut content = Vec::new();
            source.open(0).and_then(|mut r| r.read_to_end(&mut content)).expect("it is in memory");
            Some(content)
        }
        Data::Late(_) => None,
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

fuzz_target!(|input: Input| {
    let tree = tree(&input.nodes);
    let format = match input.udf {
        None => Format::Iso,
        Some(false) => Format::Bridge,
        Some(true) => Format::UdfStub,
    };
    let mut options = ImageOptions::from_label(&input.label).with_format(format);
    for (number, bios) in input.boot.iter().take(70).enumerate() {
        let platform = if *bios { Platform::Bios } else { Platform::Efi };
        let image = BootImage::Hidden(Data::bytes("boot image", vec![1; number * 100 + 1]));
        options = options.with_boot_entry(BootEntry::new(platform, image));
    }
    let Ok(planned) = plan(&tree, &options) else { return };
    let mut bytes = Vec::new();
    planned.plan().reader().read_to_end(&mut bytes).expect("all sources are in memory");
    assert_eq!(bytes.len() as u64, planned.sectors() * 2048);
    let mut image = Image::open(Cursor::new(&bytes)).expect("it is an image");
    assert_eq!(image.check().expect("bytes in memory can be read"), []);
    assert_eq!(image.boot_entries().len(), planned.boot_entries().len());
    let trees = match input.udf {
        None => &[TreeKind::Primary, TreeKind::Joliet][..],
        Some(false) => &[TreeKind::Primary, TreeKind::Joliet, TreeKind::Udf],
        Some(true) => &[TreeKind::Udf],
    };
    for kind in trees.iter().copied() {
        let walk = image.walk(kind).expect("the tree is there");
        let entries: Vec<_> = walk.collect::<Result<_, _>>().expect("it can be walked");
        assert_eq!(entries.len() + 1, tree.len());
        let paths: HashSet<&str> = entries.iter().map(|entry| entry.path()).collect();
        assert_eq!(paths.len(), entries.len());
        let mut found = Vec::new();
        for entry in entries.iter().filter(|entry| !entry.is_dir()) {
            let mut content = Vec::new();
            image.open_file(entry).read_to_end(&mut content).expect("it can be read");
            found.push(content);
        }
        found.sort();
        assert!(found == contents(&tree), "contents differ");
    }
});
