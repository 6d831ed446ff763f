//! Trees and images for the tests.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use extent_image::{Data, Meta, NodeId, Source, Timestamp, Tree, TreeBuilder};
use iso9660_image::check::{Fault, Image};
use iso9660_image::{
    BootEntry, BootImage, Format, ImageOptions, ImagePlan, Notice, Platform, TreeKind, plan,
};

/// 2024-02-29 12:00:00.
pub(crate) const NOON: i64 = 1_709_208_000;

pub(crate) fn meta() -> Meta {
    Meta::at(Timestamp::from_unix_seconds(NOON))
}

pub(crate) fn options() -> ImageOptions {
    ImageOptions::from_label("Test Disc")
}

pub(crate) fn format(udf: bool) -> Format {
    if udf { Format::Bridge } else { Format::Iso }
}

/// Files by path; a path that ends in `/` is an empty folder. Folders come into being as needed.
pub(crate) fn tree(files: &[(&str, &[u8])]) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let mut folders = BTreeMap::new();
    for (path, content) in files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = folder_at(&mut builder, &mut folders, folder);
        if !name.is_empty() {
            builder.file(parent, name, meta(), Data::bytes("test", content.to_vec())).unwrap();
        }
    }
    builder.finish().unwrap()
}

fn folder_at(
    builder: &mut TreeBuilder,
    folders: &mut BTreeMap<String, NodeId>,
    path: &str,
) -> NodeId {
    if path.is_empty() {
        return NodeId::ROOT;
    }
    if let Some(id) = folders.get(path) {
        return *id;
    }
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = folder_at(builder, folders, parent);
    let id = builder.folder(parent, name, meta()).unwrap();
    folders.insert(path.to_owned(), id);
    id
}

pub(crate) fn find(tree: &Tree, path: &str) -> NodeId {
    tree.walk().find(|id| tree.path(*id) == path).unwrap_or_else(|| panic!("no {path}"))
}

/// A bootable medium in small: BIOS and UEFI images, nested folders, names of all kinds.
pub(crate) fn medium() -> (Tree, ImageOptions) {
    let big = pattern(70_000);
    let tree = tree(&[
        ("bootmgr", &pattern(5000)),
        ("boot/etfsboot.com", &pattern(4096)),
        ("boot/bcd", &pattern(300)),
        ("boot/fonts/wgl4_boot.ttf", &pattern(2049)),
        ("EFI/Boot/bootx64.efi", &pattern(2047)),
        ("EFI/Microsoft/Boot/efisys.bin", &pattern(20_480)),
        ("sources/boot.wim", &big),
        ("empty.txt", b""),
        ("also empty.txt", b""),
        ("Größe & Länge.txt", b"utf"),
        ("empty folder/", b""),
    ]);
    let bios = BootEntry::new(Platform::Bios, BootImage::File(find(&tree, "boot/etfsboot.com")));
    let efi = find(&tree, "EFI/Microsoft/Boot/efisys.bin");
    let efi = BootEntry::new(Platform::Efi, BootImage::File(efi));
    let options = options().with_boot_entry(efi).with_boot_entry(bios);
    (tree, options)
}

/// Bytes that differ from place to place and from length to length.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * 31 + at / 251 + len) % 251).unwrap()).collect()
}

pub(crate) fn bytes(plan: &ImagePlan) -> Vec<u8> {
    let mut bytes = Vec::new();
    plan.plan().reader().read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn notices(plan: &ImagePlan, tree: &Tree) -> Vec<Notice> {
    let notices: Vec<Notice> = plan.notices(tree).collect();
    assert_eq!(notices.len(), plan.notice_count());
    notices
}

pub(crate) fn image(tree: &Tree, options: &ImageOptions) -> Vec<u8> {
    bytes(&plan(tree, options).unwrap())
}

pub(crate) fn faults(image: &[u8]) -> Vec<Fault> {
    Image::open(Cursor::new(image)).unwrap().check().unwrap()
}

#[track_caller]
pub(crate) fn assert_clean(image: &[u8]) {
    let faults: Vec<String> = faults(image).iter().map(ToString::to_string).collect();
    assert_eq!(faults, Vec::<String>::new());
}

/// Files with their content and folders with `None`, by path, as our reader finds them.
pub(crate) fn read_back(image: &[u8], kind: TreeKind) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut image = Image::open(Cursor::new(image)).unwrap();
    let entries: Vec<_> = image.walk(kind).unwrap().map(Result::unwrap).collect();
    let mut found = BTreeMap::new();
    for entry in entries {
        let content = (!entry.is_dir()).then(|| {
            let mut content = Vec::new();
            image.open_file(&entry).read_to_end(&mut content).unwrap();
            assert_eq!(content.len() as u64, entry.size());
            content
        });
        let twice = found.insert(entry.path().to_owned(), content);
        assert!(twice.is_none(), "{} is there twice", entry.path());
    }
    found
}

/// What [`read_back`] must find: every path of the tree, each name as the plan says it is written.
pub(crate) fn expected(
    tree: &Tree,
    plan: &ImagePlan,
    kind: TreeKind,
) -> BTreeMap<String, Option<Vec<u8>>> {
    let renames: BTreeMap<String, String> = plan
        .renames(tree)
        .filter(|rename| rename.tree == kind)
        .map(|rename| (rename.path, rename.written))
        .collect();
    let shown = |id: NodeId| {
        let path = tree.path(id);
        let name = renames.get(&path).map_or(tree.name(id), String::as_str);
        match kind {
            TreeKind::Primary => {
                let name = name.strip_suffix(";1").unwrap_or(name).to_ascii_uppercase();
                name.strip_suffix('.').map(str::to_owned).unwrap_or(name)
            }
            _ => name.to_owned(),
        }
    };
    let mut all = BTreeMap::new();
    for id in tree.walk().skip(1) {
        let mut names = vec![shown(id)];
        let mut at = tree.parent(id);
        while at != NodeId::ROOT {
            names.push(shown(at));
            at = tree.parent(at);
        }
        names.reverse();
        let content = tree.data(id).map(|data| match data {
            Data::Source(source) => {
                let mut content = Vec::new();
                source.open(0).unwrap().read_to_end(&mut content).unwrap();
                content
            }
            Data::Late(_) => panic!("no late content here"),
        });
        all.insert(names.join("/"), content);
    }
    all
}

/// Zeros of any length that are never read.
pub(crate) struct Huge(pub(crate) u64);

impl Source for Huge {
    fn len(&self) -> u64 {
        self.0
    }

    fn open(&self, from: u64) -> std::io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(std::io::repeat(0).take(self.0 - from)))
    }

    fn describe(&self) -> String {
        format!("{} zeros", self.0)
    }
}

pub(crate) fn huge(len: u64) -> Data {
    Data::from(Arc::new(Huge(len)))
}

/// Length of the file in [`with_a_long_file`]: two sections, six pieces.
pub(crate) const LONG: u64 = 5 * (1 << 30) + 1;

/// A long file between short ones.
pub(crate) fn with_a_long_file() -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let folder = builder.folder(NodeId::ROOT, "sources", meta()).unwrap();
    builder.file(folder, "install.wim", meta(), huge(LONG)).unwrap();
    builder.file(folder, "a", meta(), Data::bytes("a", pattern(5000))).unwrap();
    builder.file(folder, "z", meta(), Data::bytes("z", pattern(5000))).unwrap();
    builder.finish().unwrap()
}
