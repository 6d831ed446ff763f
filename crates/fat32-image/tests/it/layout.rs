//! Which extent holds what, and refusals.

use bytes::Bytes;
use extent_image::{
    Content, Data, Late, Meta, NodeId, Source, StreamOptions, Timestamp, TreeBuilder,
};
use fat32_image::check::Volume;
use fat32_image::{
    BootCode, ClusterSize, Label, Note, Problem, SectorSize, VolumeError, VolumeOptions,
    VolumeSize, plan,
};
use std::io::{self, Read};
use std::sync::Arc;

use crate::image::Image;
use crate::model::sample;

/// A source with a length and no bytes: nothing may open it.
pub(crate) struct Long(pub(crate) u64);

impl Source for Long {
    fn len(&self) -> u64 {
        self.0
    }

    fn open(&self, _: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        Err(io::Error::other("a planner opened a source"))
    }

    fn describe(&self) -> String {
        "long".to_owned()
    }
}

fn meta() -> Meta {
    Meta::at(Timestamp::from_unix_seconds(1_700_000_000))
}

#[test]
fn extents_in_order() {
    let mut tree = TreeBuilder::new(meta());
    let boot = tree.folder(NodeId::ROOT, "boot", meta()).unwrap();
    tree.file(boot, "boot.sdi", meta(), Arc::new(Long(5000))).unwrap();
    let manager = tree.file(NodeId::ROOT, "bootmgr", meta(), Arc::new(Long(4096))).unwrap();
    tree.set_rank(manager, -1);
    let late = Late::new("manifest", 10, |_| Bytes::from_static(b"0123456789"));
    let sums = tree.file(NodeId::ROOT, "SHA256SUMS", meta(), Data::Late(Arc::new(late))).unwrap();
    tree.set_rank(sums, 1);
    tree.file(NodeId::ROOT, "empty", meta(), Data::bytes("empty", "")).unwrap();
    let tree = tree.finish().unwrap();

    let options = VolumeOptions::new().with_label(Label::new("CONFIGURATI").unwrap());
    let planned = plan(&tree, &options).unwrap();
    let mib = 1 << 20;
    let geometry = planned.geometry();
    assert_eq!(geometry.data_start(), mib);
    let fat = u64::from(geometry.fat_sectors()) * 512;
    let (fat_1, fat_2) = (mib - 2 * fat, mib - fat);
    let rows: Vec<_> =
        planned.plan().extents().iter().map(|e| (e.start(), e.end(), e.role())).collect();
    let expected = [
        (0, 512, "boot sector"),
        (512, 1024, "fsinfo"),
        (1024, 6 * 512, "padding"),
        (6 * 512, 7 * 512, "boot sector"),
        (7 * 512, 8 * 512, "fsinfo"),
        (8 * 512, fat_1, "padding"),
        (fat_1, fat_1 + 512, "fat 1"),
        (fat_1 + 512, fat_2, "fat 1"),
        (fat_2, fat_2 + 512, "fat 2"),
        (fat_2 + 512, mib, "fat 2"),
        // Label, SHA256SUMS with its long name, boot, bootmgr, empty.
        (mib, mib + 32 * 6, "directory"),
        (mib + 32 * 6, mib + 4096, "slack"),
        // The dots and boot.sdi.
        (mib + 4096, mib + 4096 + 96, "directory"),
        (mib + 4096 + 96, mib + 8192, "slack"),
        (mib + 8192, mib + 12_288, "file data"),
        (mib + 12_288, mib + 17_288, "file data"),
        (mib + 17_288, mib + 20_480, "slack"),
        (mib + 20_480, mib + 20_490, "file data"),
        (mib + 20_490, mib + 24_576, "slack"),
        (mib + 24_576, 258 * mib, "free space"),
    ];
    assert_eq!(rows, expected);
    assert!(matches!(planned.plan().extents()[19].content(), Content::Free));
    assert_eq!(planned.placement(manager).unwrap().first_cluster(), 4);
    assert_eq!(planned.placement(manager).unwrap().offset(), mib + 8192);
    assert_eq!(planned.placement(NodeId::ROOT).unwrap().len(), 192);
    assert_eq!(planned.free_clusters(), 257 * 256 - 6);
    assert_eq!(planned.generated_names(), 1);
}

#[test]
fn boot_sector_by_hand() {
    let stage_2 = Bytes::from(vec![0x5A; 512]);
    let code = BootCode::new(vec![0xFA, 0x90], vec![(2, stage_2)]).unwrap();
    let options = VolumeOptions::new()
        .with_label(Label::new("WINPE").unwrap())
        .with_volume_id(0x1234_ABCD)
        .with_hidden_sectors(2048)
        .with_boot_code(code);
    let planned = plan(&sample(&[]), &options).unwrap();
    let image = Image::new(planned.plan());
    let expected = [
        0xEB, 0x58, 0x90, b'M', b'S', b'W', b'I', b'N', b'4', b'.', b'1', // jump, OEM name
        0x00, 0x02, 8, 0xFA, 0x03, 2, // 512 bytes, 8 sectors, 1018 reserved, 2 FATs
        0, 0, 0, 0, 0xF8, 0, 0, 63, 0, 255, 0, // media, geometry
        0x00, 0x08, 0, 0, 0x00, 0x10, 0x08, 0, // 2048 hidden, 528,384 in all
        0x03, 0x02, 0, 0, 0, 0, 0, 0, // 515 per FAT, flags, version
        2, 0, 0, 0, 1, 0, 6, 0, // root, FSInfo, backup
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // reserved
        0x80, 0, 0x29, 0xCD, 0xAB, 0x34, 0x12, // drive, state, id
        b'W', b'I', b'N', b'P', b'E', b' ', b' ', b' ', b' ', b' ', b' ', // label
        b'F', b'A', b'T', b'3', b'2', b' ', b' ', b' ', 0xFA, 0x90, 0, // type, code
    ];
    let boot = image.part(0, 512);
    assert_eq!(boot[..expected.len()], expected);
    assert_eq!(boot[510..], [0x55, 0xAA]);
    assert_eq!(image.part(6 * 512, 512), boot);
    assert_eq!(image.part(1024, 512), [0x5A; 512]);
    assert_eq!(image.part(8 * 512, 512), [0x5A; 512]);
    assert_eq!(image.part(3 * 512, 3 * 512), [0; 1536]);
    // FSInfo: one cluster in use, the next one free; 257 * 256 - 1 = 100FFh.
    assert_eq!(image.part(512 + 0x1E8, 8), [0xFF, 0x00, 0x01, 0x00, 3, 0, 0, 0]);
    assert_eq!(image.part(7 * 512, 512), image.part(512, 512));
}

#[test]
fn directory_by_hand() {
    let planned = plan(&sample(&[("Boot/", 0), ("Boot/BCD", 3)]), &VolumeOptions::new()).unwrap();
    let image = Image::new(planned.plan());
    let root = planned.geometry().data_start();
    // 2023-11-14 22:13:20
    let (date, time) = ([0x6E, 0x57], [0xAA, 0xB1]);
    let slot = |name: &[u8; 11], attributes, cluster, size| {
        let mut slot = name.to_vec();
        slot.extend([attributes, 0, 0]);
        slot.extend([time, date, date, [0, 0], time, date, [cluster, 0]].concat());
        slot.extend([size, 0, 0, 0]);
        slot
    };
    let long = [
        0x41, b'B', 0, b'o', 0, b'o', 0, b't', 0, 0, 0, 0x0F, 0, 0x33, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
    ];
    let found = image.part(root, 96);
    // The checksum byte is judged by fsck.fat and fatfs.
    assert_eq!(found[..13], long[..13]);
    assert_eq!(found[14..32], long[14..32]);
    assert_eq!(found[32..64], slot(b"BOOT       ", 0x10, 3, 0));
    assert_eq!(found[64..], [0; 32]);
    let found = image.part(root + 4096, 128);
    assert_eq!(found[..32], slot(b".          ", 0x10, 3, 0));
    assert_eq!(found[32..64], slot(b"..         ", 0x10, 0, 0));
    assert_eq!(found[64..96], slot(b"BCD        ", 0x20, 4, 3));
    assert_eq!(found[96..], [0; 32]);
}

#[test]
fn names_that_come_first_in_the_root() {
    let paths = [("a.txt", 1), ("Boot/", 0), ("bootmgr", 2), ("sources/", 0), ("sources/a.txt", 3)];
    let first = |names: &[&str]| {
        let options = VolumeOptions::new().with_label(Label::new("STICK").unwrap());
        let options = options.with_first_in_root(names.iter().copied());
        let planned = plan(&sample(&paths), &options).unwrap();
        let len = planned.plan().len();
        let mut volume = Volume::open(Image::new(planned.plan()), 0, len).unwrap();
        assert_eq!(volume.check().unwrap(), []);
        let entries = volume.walk().unwrap();
        let names: Vec<String> = entries.iter().map(fat32_image::check::Entry::path).collect();
        let mut clusters: Vec<(String, u32)> =
            entries.iter().map(|entry| (entry.path(), entry.first_cluster())).collect();
        clusters.sort();
        (names, clusters)
    };
    let (names, clusters) = first(&[]);
    assert_eq!(names, ["Boot", "a.txt", "bootmgr", "sources", "sources/a.txt"]);
    let (names, same) = first(&["SOURCES", "BootMGR", "not there", "sources", "bo"]);
    assert_eq!(names, ["sources", "bootmgr", "Boot", "a.txt", "sources/a.txt"]);
    // Only the slots of the root move.
    assert_eq!(clusters, same);
}

/// The first byte of each slot of the root.
fn root_slots(paths: &[(&str, usize)], options: VolumeOptions) -> Vec<u8> {
    let options = options.with_label(Label::new("STICK").unwrap());
    let planned = plan(&sample(paths), &options).unwrap();
    let (root, len) = (planned.geometry().data_start(), planned.plan().len());
    let image = Image::new(planned.plan());
    let slots = image.part(root, 1024);
    let mut volume = Volume::open(image, 0, len).unwrap();
    assert_eq!(volume.check().unwrap(), []);
    assert_eq!(volume.walk().unwrap().len(), paths.len());
    slots.chunks(32).map(|slot| slot[0]).collect()
}

#[test]
fn names_that_come_last_in_the_root() {
    // Two slots each, and one for the label.
    let paths = [("Aa", 1), ("Bb", 1), ("Cc", 1), ("Dd", 1)];
    let options = VolumeOptions::new().with_first_in_root(["bb"]).with_last_in_root(["AA", "bb"]);
    let found = root_slots(&paths, options.clone());
    // More than half of the sector is in use: the last begin the second sector.
    let mut expected = b"S\x41C\x41D".to_vec();
    expected.resize(16, 0xE5);
    expected.extend(b"\x41B\x41A");
    expected.resize(32, 0);
    assert_eq!(found, expected);
    let half = root_slots(&paths[1..], options.clone());
    assert_eq!(half[..8], *b"S\x41C\x41D\x41B\0");
    // In a sector of 4096 bytes there is room for much more.
    let large = options.with_sector_size(SectorSize::B4096);
    assert_eq!(root_slots(&paths, large)[..10], *b"S\x41C\x41D\x41B\x41A\0");
    // Behind a first sector that is full they simply come last.
    let many: Vec<String> = (0..9).map(|n| format!("Name {n}")).collect();
    let mut paths: Vec<(&str, usize)> = many.iter().map(|name| (&**name, 1)).collect();
    paths.push(("A", 1));
    let found = root_slots(&paths, VolumeOptions::new().with_last_in_root(["A"]));
    assert_eq!((found[19], found[20]), (b'A', 0));
    assert!(!found[..19].contains(&0xE5));
}

#[test]
fn a_volume_of_large_sectors_by_hand() {
    let options = VolumeOptions::new()
        .with_sector_size(SectorSize::B4096)
        .with_label(Label::new("BIG").unwrap())
        .with_volume_id(1)
        .with_hidden_sectors(256);
    let planned = plan(&sample(&[("x", 5000)]), &options).unwrap();
    let image = Image::new(planned.plan());
    let boot = image.part(0, 4096);
    let expected = [
        0x00, 0x10, 1, 126, 0, 2, // 4096 bytes, 1 sector, 126 reserved, 2 FATs
        0, 0, 0, 0, 0xF8, 0, 0, 63, 0, 255, 0, // media, geometry
        0x00, 0x01, 0, 0, 0x00, 0x02, 0x01, 0, // 256 hidden, 66,048 in all
        65, 0, 0, 0, 0, 0, 0, 0, // 65 per FAT, flags, version
        2, 0, 0, 0, 1, 0, 6, 0, // root, FSInfo, backup
    ];
    assert_eq!(boot[0x0B..0x34], expected);
    // The signature is where the first 512 bytes end, and the rest of the sector is empty.
    assert_eq!(boot[0x1FE..0x200], [0x55, 0xAA]);
    assert_eq!(boot[0x200..], [0; 4096 - 512]);
    assert_eq!(image.part(6 * 4096, 4096), boot);
    let info = image.part(4096, 4096);
    assert_eq!((&info[..4], &info[0x1E4..0x1E8]), (&b"RRaA"[..], &b"rrAa"[..]));
    // 65,792 clusters; root and two for the file are in use.
    assert_eq!(info[0x1E8..0x1F0], [0xFD, 0x00, 0x01, 0x00, 5, 0, 0, 0]);
    assert_eq!(info[0x1FC..0x200], [0, 0, 0x55, 0xAA]);
    assert_eq!(info[0x200..], [0; 4096 - 512]);
    assert_eq!(image.part(7 * 4096, 4096), info);
    let entries = [0x0FFF_FFF8, 0x0FFF_FFFF, 0x0FFF_FFFF, 4, 0x0FFF_FFFF, 0];
    let entries: Vec<u8> = entries.into_iter().flat_map(u32::to_le_bytes).collect();
    for fat in [126, 126 + 65] {
        assert_eq!(image.part(fat * 4096, 24), entries);
    }
    assert_eq!(image.part(1 << 20, 4), b"BIG ");
    let mut volume = Volume::open(image, 0, planned.plan().len()).unwrap();
    assert_eq!(volume.check().unwrap(), []);
    assert_eq!(volume.facts().sector_size, 4096);
}

#[test]
fn two_plans_are_equal_and_ids_follow_the_tree() {
    let paths = [("a/", 0), ("a/Some long name.txt", 7000), ("b", 1)];
    let options = VolumeOptions::new();
    let [one, two] = [(); 2].map(|()| plan(&sample(&paths), &options).unwrap());
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
    let (first, second) = (Image::new(one.plan()), Image::new(two.plan()));
    assert_eq!(first.part(0, 2 << 20), second.part(0, 2 << 20));
    let labelled = options.clone().with_label(Label::new("X").unwrap());
    let mut ids = vec![one.volume_id(), plan(&sample(&paths), &labelled).unwrap().volume_id()];
    for other in [
        &[("a/", 0), ("a/Some long name.txt", 7001), ("b", 1)][..],
        &[("a/", 0), ("Some long name.txt", 7000), ("b", 1)],
        &[("a/", 0), ("a/b", 1), ("Some long name.txt", 7000)],
    ] {
        ids.push(plan(&sample(other), &options).unwrap().volume_id());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    // The geometry is no part of it.
    let larger = options.with_size(VolumeSize::Bytes(1 << 30));
    assert_eq!(plan(&sample(&paths), &larger).unwrap().volume_id(), one.volume_id());
}

/// A change here means that the same request gives another image: say so in the change.
#[test]
fn the_digest_of_a_volume_is_stable() {
    let paths = [
        ("BOOTMGR", 400_000),
        ("Boot/", 0),
        ("Boot/BCD", 20_480),
        ("Boot/Größe 日本.txt", 5),
        ("empty", 0),
        ("MediaLabel.txt", 12),
    ];
    let options = VolumeOptions::new()
        .with_cluster_size(ClusterSize::B512)
        .with_label(Label::new("CONFIGURATI").unwrap())
        .with_hidden_sectors(2048);
    let planned = plan(&sample(&paths), &options).unwrap();
    let streamed = StreamOptions::default().with_image_digest(true);
    let report = planned.plan().write_to(io::sink(), &streamed, &mut ()).unwrap();
    let digest = report.image_digest.unwrap().to_string();
    assert_eq!(digest, "13c88a437f8c25cc9d7360e5c8e7a8457b89b998d5866531b8077ecad5e115c4");
    assert_eq!(planned.volume_id(), 0xDD81_07B0);
}

#[test]
fn all_problems_at_once() {
    let mut tree = TreeBuilder::new(meta());
    let sub = tree.folder(NodeId::ROOT, "sub", meta()).unwrap();
    for name in ["a:b", "README", "Readme", "dot.", "ÄRGER", "ärger"] {
        tree.file(sub, name, meta(), Data::bytes("x", "")).unwrap();
    }
    let long = "n".repeat(256);
    tree.file(NodeId::ROOT, &long, meta(), Data::bytes("x", "")).unwrap();
    tree.file(NodeId::ROOT, "big", meta(), Arc::new(Long(1 << 32))).unwrap();
    tree.file(NodeId::ROOT, "fits", meta(), Arc::new(Long((1 << 32) - 1))).unwrap();
    let error = plan(&tree.finish().unwrap(), &VolumeOptions::new()).unwrap_err();
    let VolumeError::Tree { problems, total: 6 } = error else { panic!("{error}") };
    let path = |name: &str| format!("sub/{name}");
    assert_eq!(
        problems,
        [
            Problem::FileSize { path: "big".into(), found: 1 << 32 },
            Problem::NameLength { path: long, found: 256 },
            Problem::SameName { first: path("README"), second: path("Readme") },
            Problem::Character { path: path("a:b"), character: ':', position: 1 },
            Problem::Ending { path: path("dot."), character: '.' },
            Problem::SameName { first: path("ÄRGER"), second: path("ärger") },
        ]
    );
}

#[test]
fn a_folder_holds_65536_slots() {
    let with = |count: usize| {
        let mut tree = TreeBuilder::new(meta());
        for n in 0..count {
            tree.file(NodeId::ROOT, &format!("{n}"), meta(), Data::bytes("x", "")).unwrap();
        }
        plan(&tree.finish().unwrap(), &VolumeOptions::new())
    };
    let planned = with(65_536).unwrap();
    assert_eq!(planned.placement(NodeId::ROOT).unwrap().len(), 2 << 20);
    // In any other folder `.` and `..` take two.
    let below = |count: usize| {
        let mut tree = TreeBuilder::new(meta());
        let folder = tree.folder(NodeId::ROOT, "sub", meta()).unwrap();
        for n in 0..count {
            tree.file(folder, &format!("{n}"), meta(), Data::bytes("x", "")).unwrap();
        }
        plan(&tree.finish().unwrap(), &VolumeOptions::new())
    };
    let planned = below(65_534).unwrap();
    let len = planned.plan().len();
    let mut volume = Volume::open(Image::new(planned.plan()), 0, len).unwrap();
    assert_eq!(volume.check().unwrap(), []);
    assert_eq!(volume.walk().unwrap().len(), 65_535);
    let VolumeError::Tree { problems, .. } = below(65_535).unwrap_err() else { panic!() };
    assert_eq!(problems, [Problem::FolderSize { path: "sub".into(), found: 65_537 }]);
    let VolumeError::Tree { problems, .. } = with(65_537).unwrap_err() else { panic!() };
    assert_eq!(problems, [Problem::FolderSize { path: String::new(), found: 65_537 }]);
}

#[test]
fn sixteen_thousand_similar_names() {
    let mut tree = TreeBuilder::new(meta());
    for n in 0..16_000 {
        let name = format!("a similar name {n:05}.txt");
        tree.file(NodeId::ROOT, &name, meta(), Data::bytes("x", "")).unwrap();
    }
    let tree = tree.finish().unwrap();
    let begun = std::time::Instant::now();
    let planned = plan(&tree, &VolumeOptions::new()).unwrap();
    // 0.1 s in a release build; a debug build on a busy machine gets more.
    assert!(begun.elapsed().as_secs() < 5);
    assert_eq!(planned.generated_names(), 16_000);
}

#[test]
fn notes_on_devices_and_times() {
    let mut tree = TreeBuilder::new(meta());
    let old = Meta::at(Timestamp::from_unix_seconds(0));
    tree.file(NodeId::ROOT, "NUL.txt", old, Data::bytes("x", "")).unwrap();
    tree.file(NodeId::ROOT, "old", old, Data::bytes("x", "")).unwrap();
    let planned = plan(&tree.finish().unwrap(), &VolumeOptions::new()).unwrap();
    assert_eq!(
        planned.notes(),
        [
            Note::DeviceName { path: "NUL.txt".into() },
            Note::TimesMoved { count: 2, first: "NUL.txt".into() },
        ]
    );
}

#[test]
fn content_larger_than_the_volume() {
    let mut tree = TreeBuilder::new(meta());
    for n in 0..10 {
        tree.file(NodeId::ROOT, &format!("{n}"), meta(), Arc::new(Long(4_000_000_000))).unwrap();
    }
    let tree = tree.finish().unwrap();
    let options = VolumeOptions::new().with_size(VolumeSize::Bytes(32 << 30));
    let error = plan(&tree, &options).unwrap_err();
    let VolumeError::TooSmall { given, smallest } = error else { panic!("{error}") };
    assert_eq!(given, 32 << 30);
    let options = VolumeOptions::new().with_size(VolumeSize::Bytes(smallest));
    let planned = plan(&tree, &options).unwrap();
    assert_eq!(planned.plan().len(), smallest);
    // As Fit it keeps 4 KiB clusters and whole MiB.
    let planned = plan(&tree, &VolumeOptions::new()).unwrap();
    assert_eq!(planned.geometry().cluster_size(), 4096);
    assert_eq!(planned.plan().len() % (1 << 20), 0);
    let extents = planned.plan().extents().len();
    assert!(extents < 50, "{extents} extents");
    let small = VolumeOptions::new().with_cluster_size(ClusterSize::KIB32);
    assert_eq!(plan(&tree, &small).unwrap().geometry().cluster_size(), 32_768);
}
