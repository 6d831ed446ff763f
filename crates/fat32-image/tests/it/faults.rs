//! Defects planted in good volumes, each found by the checker, and hostile volumes.

use std::io::Read;
use std::mem::discriminant;

use extent_image::{Meta, NodeId, Timestamp, TreeBuilder};
use fat32_image::check::{Fault, FaultKind, OpenError, Volume};
use fat32_image::{ClusterSize, Label, VolumeOptions, plan};
use proptest::prelude::*;

use crate::image::Image;
use crate::model::sample;

/// A volume with clusters of 512 bytes:
///
/// | cluster | content |
/// |---|---|
/// | 2 | root: label; `A.TXT` at 32; long `Long name.text` at 64, 96, its slot at 128; `sub` at 160 |
/// | 3 | `sub`: `.`, `..`, `b.txt` at 64 |
/// | 4-6 | `A.TXT`, 1500 bytes |
/// | 7 | `Long name.text`, 10 bytes |
/// | 8 | `b.txt`, 512 bytes |
struct Planted {
    image: Image,
    fat: u64,
    fat_len: u64,
    data: u64,
    last: u32,
}

impl Planted {
    fn new() -> Self {
        let tree =
            sample(&[("A.TXT", 1500), ("Long name.text", 10), ("sub/", 0), ("sub/b.txt", 512)]);
        let options = VolumeOptions::new()
            .with_cluster_size(ClusterSize::B512)
            .with_label(Label::new("LABEL").unwrap());
        let planned = plan(&tree, &options).unwrap();
        let geometry = planned.geometry();
        Self {
            image: Image::new(planned.plan()),
            fat: u64::from(geometry.reserved_sectors()) * 512,
            fat_len: u64::from(geometry.fat_sectors()) * 512,
            data: geometry.data_start(),
            last: geometry.cluster_count() + 1,
        }
    }

    fn cluster(&self, cluster: u64) -> u64 {
        self.data + (cluster - 2) * 512
    }

    fn root(&self, at: u64) -> u64 {
        self.cluster(2) + at
    }

    /// Both copies of an entry.
    fn link(mut self, cluster: u32, value: u32) -> Self {
        for fat in [self.fat, self.fat + self.fat_len] {
            self.image.put(fat + u64::from(cluster) * 4, &value.to_le_bytes());
        }
        self
    }

    fn put(mut self, at: u64, bytes: &[u8]) -> Self {
        self.image.put(at, bytes);
        self
    }

    /// The same byte in the boot sector and its backup.
    fn boot(self, at: u64, bytes: &[u8]) -> Self {
        self.put(at, bytes).put(6 * 512 + at, bytes)
    }

    fn faults(&self) -> Vec<Fault> {
        let len = self.image.len();
        Volume::open(self.image.clone(), 0, len).unwrap().check().unwrap()
    }

    /// The faults are these, in any order.
    #[track_caller]
    fn expect(self, expected: &[(u64, FaultKind)]) {
        let faults = self.faults();
        let mut found: Vec<_> = faults.iter().map(|f| (f.position(), f.kind().clone())).collect();
        for wanted in expected {
            let Some(at) = found.iter().position(|fault| fault == wanted) else {
                panic!("{wanted:?} is not among {found:#?}");
            };
            found.swap_remove(at);
        }
        assert_eq!(found, []);
    }
}

#[test]
fn the_unharmed_volume_is_clean() {
    Planted::new().expect(&[]);
    // The table in the comment above.
    let planted = Planted::new();
    assert_eq!(planted.image.part(planted.root(32), 11), b"A       TXT");
    assert_eq!(planted.image.part(planted.root(64), 1), [0x42]);
}

#[test]
fn boot_sector_fields() {
    let field = |field, found, allowed| FaultKind::BootField { field, found, allowed };
    for (at, bytes, kind) in [
        (0x00, &[0x90][..], field("jump", 0x90, "E9h or EBh")),
        (0x11, &[1], field("root entries", 1, "0")),
        (0x13, &[0, 1], field("16-bit total sectors", 0x100, "0")),
        (0x28, &[0x80], field("extension flags", 0x80, "0")),
        (0x2A, &[1], field("version", 1, "0")),
        (0x38, &[0, 0, 0, 1], field("reserved bytes", 1 << 24, "0")),
        (0x42, &[0], field("extension signature", 0, "28h or 29h")),
        (0x1FE, &[0, 0], field("signature", 0, "AA55h")),
        (0x30, &[0xFF, 0x7F], field("FSInfo sector", 0x7FFF, "inside the reserved sectors")),
        (0x41, &[1], FaultKind::Dirty { found: 1 }),
    ] {
        Planted::new().boot(at, bytes).expect(&[(at, kind)]);
    }
    Planted::new().boot(0x15, &[0x11]).expect(&[
        (0x15, field("media", 0x11, "F0h or F8h to FFh")),
        (Planted::new().fat, FaultKind::MediaEntry { found: 0x0FFF_FFF8, expected: 0x0FFF_FF11 }),
    ]);
    let found = field("backup sector", 0x7FFF, "inside the reserved sectors");
    Planted::new().boot(0x32, &[0xFF, 0x7F]).expect(&[(0x32, found)]);
    Planted::new().put(6 * 512 + 0x5A, &[1]).expect(&[(6 * 512 + 0x5A, FaultKind::BackupDiffers)]);
}

#[test]
fn sizes_in_the_boot_sector() {
    let planted = Planted::new();
    let total = (planted.image.len() / 512) as u32;
    let claimed = u64::from(total + 10) * 512;
    let faults = planted.boot(0x20, &(total + 10).to_le_bytes()).faults();
    let there = Planted::new().image.len();
    assert_eq!(faults[0].kind(), &FaultKind::Truncated { claimed, there });

    let mut planted = Planted::new();
    let there = planted.cluster(100);
    planted.image = planted.image.cut(there);
    planted.expect(&[(0x20, FaultKind::Truncated { claimed: 34 << 20, there })]);

    // Fewer sectors: too few clusters.
    let planted = Planted::new();
    let sectors = (planted.data / 512) as u32 + 1000;
    let faults = planted.boot(0x20, &sectors.to_le_bytes()).faults();
    let kind = FaultKind::ClusterCount { found: 1000, least: 65_525, most: 0x0FFF_FFF5 };
    assert_eq!((faults[0].position(), faults[0].kind()), (0x20, &kind));

    let image = Planted::new().image.behind(4096);
    let len = image.len() - 4096;
    let faults = Volume::open(image, 4096, len).unwrap().check().unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].kind(), &FaultKind::HiddenSectors { found: 0, start: 8 });
}

#[test]
fn fs_info() {
    let signature = |found, expected| FaultKind::FsInfoSignature { found, expected };
    Planted::new().put(512, &[0]).expect(&[(512, signature(0x4161_5200, 0x4161_5252))]);
    Planted::new()
        .put(7 * 512 + 0x1E4, &[0])
        .expect(&[(7 * 512 + 0x1E4, signature(0x6141_7200, 0x6141_7272))]);
    let counted = Planted::new().last - 1 - 7;
    Planted::new()
        .put(512 + 0x1E8, &[1, 0, 0, 0])
        .expect(&[(512 + 0x1E8, FaultKind::FreeCount { found: 1, counted })]);
    Planted::new().put(512 + 0x1E8, &[0xFF; 8]).expect(&[]);
    let last = Planted::new().last;
    Planted::new()
        .put(512 + 0x1EC, &[1, 0, 0, 0])
        .expect(&[(512 + 0x1EC, FaultKind::NextFree { found: 1, last })]);
}

#[test]
fn fats() {
    let Planted { fat, fat_len, last, .. } = Planted::new();
    let found = 0x07FF_FFFF;
    Planted::new().link(1, found).expect(&[(fat + 4, FaultKind::Dirty { found })]);
    let copy = fat + fat_len + 5 * 4 + 2;
    Planted::new().put(copy, &[1]).expect(&[(copy, FaultKind::FatsDiffer { copy: 2 })]);
    let behind = last + 1;
    let position = fat + u64::from(behind) * 4;
    Planted::new().link(behind, 7).expect(&[(position, FaultKind::FatTail { found: 7 })]);
}

/// What a writer that was stopped wrote in one of two places is told apart from damage beside it.
#[test]
fn half_written() {
    let half = |planted: Planted| -> Vec<(u64, bool)> {
        let faults = planted.faults();
        faults.iter().map(|fault| (fault.position(), fault.is_half_written())).collect()
    };
    let Planted { fat, fat_len, .. } = Planted::new();
    let copy = |cluster: u64| fat + fat_len + cluster * 4;
    let sector = 6 * 512;
    // Clusters that no name reaches, free in one FAT; two that are not free in either.
    let free = Planted::new().put(copy(100), &[1]).put(copy(101), &[1]);
    assert_eq!(half(free), [(copy(100), true)]);
    let both = Planted::new().link(100, 0x0FFF_FFFF).put(copy(100), &[1]);
    assert!(half(both).contains(&(copy(100), false)));
    // A file's, which is free in the second.
    assert_eq!(half(Planted::new().put(copy(5), &[0; 4])), [(copy(5), false)]);
    // The root, which goes on by one FAT; with a file's behind it.
    let root = || Planted::new().put(copy(2), &[100, 0, 0, 0]);
    assert_eq!(half(root()), [(copy(2), true)]);
    assert_eq!(half(root().put(copy(5), &[0; 4])), [(copy(2), true), (copy(5), false)]);
    assert_eq!(half(Planted::new().put(copy(2), &[0; 4])), [(copy(2), false)]);
    // The backup: the label; something behind it; both.
    assert!(half(Planted::new().put(sector + 0x51, &[1])).contains(&(sector + 0x51, true)));
    assert_eq!(half(Planted::new().put(sector + 0x52, &[1])), [(sector + 0x52, false)]);
    let both = Planted::new().put(sector + 0x47, b"X").put(sector + 0x1F0, &[1]);
    assert_eq!(half(both), [(sector + 0x47, true), (sector + 0x1F0, false)]);
}

#[test]
fn chains() {
    let Planted { fat, last, .. } = Planted::new();
    let entry = |cluster: u32| fat + u64::from(cluster) * 4;
    let free = last - 1 - 7;
    let path = || "A.TXT".to_owned();
    let count = |counted| (512 + 0x1E8, FaultKind::FreeCount { found: free, counted });
    let a = Planted::new().root(32);

    let value = last + 1;
    Planted::new().link(5, value).expect(&[
        (entry(5), FaultKind::BadLink { path: path(), cluster: 5, value }),
        (entry(6), FaultKind::LostClusters { first: 6, count: 1 }),
    ]);
    Planted::new().link(5, 0).expect(&[
        (entry(5), FaultKind::BadLink { path: path(), cluster: 5, value: 0 }),
        (entry(6), FaultKind::LostClusters { first: 6, count: 1 }),
        count(free + 1),
    ]);
    Planted::new()
        .link(6, 4)
        .expect(&[(entry(4), FaultKind::CrossLink { path: path(), cluster: 4 })]);
    // A.TXT is the first entry and takes the cluster, the long name loses it.
    let owner = "Long name.text".to_owned();
    Planted::new().link(6, 7).expect(&[
        (a, FaultKind::ChainLength { path: path(), found: 4, needed: 3 }),
        (entry(7), FaultKind::CrossLink { path: owner, cluster: 7 }),
    ]);
    Planted::new().link(5, 0x0FFF_FFF8).expect(&[
        (a, FaultKind::ChainLength { path: path(), found: 2, needed: 3 }),
        (entry(6), FaultKind::LostClusters { first: 6, count: 1 }),
    ]);
    Planted::new().link(9, 10).link(10, 0x0FFF_FFFF).link(20, 21).expect(&[
        (entry(9), FaultKind::LostClusters { first: 9, count: 2 }),
        (entry(20), FaultKind::LostClusters { first: 20, count: 1 }),
        count(free - 3),
    ]);
    // A bad cluster is neither free nor lost.
    Planted::new().link(9, 0x0FFF_FFF7).expect(&[count(free - 1)]);
    Planted::new().put(a + 0x1A, &[1, 0]).expect(&[
        (a, FaultKind::FirstCluster { path: path(), found: 1 }),
        (entry(4), FaultKind::LostClusters { first: 4, count: 3 }),
    ]);
    Planted::new()
        .put(a + 0x1C, &[0, 0, 0, 0])
        .expect(&[(a, FaultKind::ChainLength { path: path(), found: 3, needed: 0 })]);
}

#[test]
fn directories_and_dots() {
    let Planted { fat, .. } = Planted::new();
    let planted = Planted::new();
    let (sub, slot) = (planted.cluster(3), sub_slot(&planted));
    let dot =
        |name, found, expected| FaultKind::DotEntry { folder: "sub".into(), name, found, expected };
    Planted::new().put(sub + 0x1A, &[4]).expect(&[(sub, dot(".", Some(4), Some(3)))]);
    Planted::new().put(sub + 32 + 0x1A, &[2]).expect(&[(sub + 32, dot("..", Some(2), Some(0)))]);
    Planted::new().put(sub + 33, b"X").expect(&[
        (sub + 32, FaultKind::ShortName { folder: "sub".into(), name: ".X".into() }),
        (sub + 32, FaultKind::FirstCluster { path: "sub/.X".into(), found: 0 }),
        (sub, dot("..", None, Some(0))),
    ]);
    // A folder inside itself: read once, so that its dots are not judged a second time.
    let dot = |name| FaultKind::DotEntry {
        folder: "sub/b.txt".into(),
        name,
        found: None,
        expected: Some(3),
    };
    let file = sub + 64;
    Planted::new()
        .put(file + 0x0B, &[0x10])
        .put(file + 0x1A, &[3])
        .put(file + 0x1C, &[0; 4])
        .expect(&[
            (fat + 12, FaultKind::CrossLink { path: "sub/b.txt".into(), cluster: 3 }),
            (sub, dot(".")),
            (sub, dot("..")),
            (fat + 32, FaultKind::LostClusters { first: 8, count: 1 }),
        ]);
    Planted::new().put(slot + 0x1C, &[1]).expect(&[(
        slot + 0x1C,
        FaultKind::SlotField { path: "sub".into(), field: "size", found: 1 },
    )]);
    Planted::new()
        .put(sub + 300, &[1])
        .expect(&[(sub + 300, FaultKind::BehindEnd { folder: "sub".into() })]);
    let faults = Planted::new().boot(0x2C, &[0, 0, 0, 0]).faults();
    let kind = FaultKind::FirstCluster { path: String::new(), found: 0 };
    assert_eq!((faults[0].position(), faults[0].kind()), (0x2C, &kind));
}

/// The slot of `sub`, which comes last in the root.
fn sub_slot(planted: &Planted) -> u64 {
    let slots = (0..16).map(|slot| planted.root(slot * 32));
    let mut slots = slots.filter(|at| planted.image.part(*at, 4) == b"SUB ");
    slots.next().unwrap()
}

#[test]
fn names() {
    let root = String::new;
    let planted = Planted::new();
    let (a, long) = (planted.root(32), planted.root(64));
    let short = |name: &str| FaultKind::ShortName { folder: root(), name: name.into() };
    let order = |ordinal| FaultKind::LongOrder { folder: root(), ordinal };
    let slot = |field| FaultKind::LongSlot { folder: root(), field };
    Planted::new().put(a, b"a").expect(&[(a, short("a       TXT"))]);
    Planted::new().put(a, b" ").expect(&[(a, short("        TXT"))]);
    Planted::new().put(a + 1, b"+").expect(&[(a, short("A+      TXT"))]);
    let twice = |name: &str| FaultKind::DuplicateName { folder: root(), name: name.into() };
    Planted::new().put(sub_slot(&planted), b"A       TXT").expect_kinds(&[twice("a.TXT")]);
    Planted::new().put(a, b"SUB        ").expect(&[(sub_slot(&planted), twice("sub"))]);

    Planted::new().put(long, &[0x43]).expect(&[(long, order(0x43)), (long + 32, order(0x01))]);
    Planted::new().put(long + 32, &[0xE5]).expect(&[(long, order(0x42))]);
    Planted::new().put(long + 32 + 0x0D, &[0]).expect_kinds(&[order(0x42), order(0x01)]);
    Planted::new().put(long + 0x0C, &[1]).expect(&[(long + 0x0C, slot("kind"))]);
    Planted::new().put(long + 0x1A, &[1]).expect(&[(long + 0x1A, slot("cluster"))]);
    Planted::new().put(long + 0x1E, &[0]).expect(&[(long, slot("filling"))]);
    // Another short name: both checksums are wrong, and equal.
    let expected = Planted::new().image.part(long + 0x0D, 1)[0];
    let changed = Planted::new().put(long + 64, b"M").faults();
    let [fault] = &changed[..] else { panic!("{changed:?}") };
    assert!(
        matches!(fault.kind(), FaultKind::LongChecksum { found, .. } if *found == expected),
        "{fault}"
    );
    let name = |name: &str| FaultKind::LongName { folder: root(), name: name.into() };
    Planted::new().put(long + 33, b":").expect(&[(long, name(":ong name.text"))]);
    Planted::new().put(long + 1, b".").expect(&[(long, name("Long name.tex."))]);
    Planted::new().put(long + 33, &[0x00, 0xD8]).expect(&[(long, name("\u{FFFD}ong name.text"))]);
}

impl Planted {
    #[track_caller]
    fn expect_kinds(self, expected: &[FaultKind]) {
        let faults = self.faults();
        for kind in expected {
            assert!(
                faults.iter().any(|fault| fault.kind() == kind),
                "{kind:?} is not among {faults:#?}"
            );
        }
    }
}

#[test]
fn fields_and_labels() {
    let planted = Planted::new();
    let (label, a) = (planted.root(0), planted.root(32));
    let field = |field, found| FaultKind::SlotField { path: "A.TXT".into(), field, found };
    let time = |field, found| FaultKind::Time { path: "A.TXT".into(), field, found };
    Planted::new().put(a + 0x0B, &[0x60]).expect(&[(a + 0x0B, field("attribute byte", 0x60))]);
    Planted::new().put(a + 0x0C, &[0x80]).expect(&[(a + 0x0C, field("case byte", 0x80))]);
    Planted::new()
        .put(a + 0x0D, &[200])
        .expect(&[(a + 0x0D, field("hundredths of creation", 200))]);
    Planted::new().put(a + 0x18, &[0, 0]).expect(&[(a + 0x18, time("modification date", 0))]);
    Planted::new()
        .put(a + 0x16, &[0xFF; 2])
        .expect(&[(a + 0x16, time("modification time", 0xFFFF))]);
    Planted::new().put(a + 0x10, &[0; 2]).put(a + 0x12, &[0; 2]).expect(&[]);
    Planted::new().put(a + 0x12, &[1, 0]).expect(&[(a + 0x12, time("access date", 1))]);

    let differs =
        |boot: &str, root: &str| FaultKind::LabelDiffers { boot: boot.into(), root: root.into() };
    Planted::new().put(label, b"OTHER").expect(&[(label, differs("LABEL", "OTHER"))]);
    Planted::new().boot(0x47, b"NO NAME    ").expect(&[]);
    Planted::new().put(label, &[0xE5]).expect(&[(0x47, differs("LABEL", ""))]);
    let sub = planted.cluster(3) + 64;
    Planted::new()
        .put(sub + 0x0B, &[0x08])
        .expect_kinds(&[FaultKind::StrayLabel { folder: "sub".into() }]);
}

#[test]
fn what_is_no_volume() {
    let open = |image: Image| {
        let len = image.len();
        Volume::open(image, 0, len).map(drop).unwrap_err()
    };
    for (at, bytes, name) in [
        (0x0B, &[0x00, 0x03][..], "bytes per sector"),
        (0x0D, &[3], "sectors per cluster"),
        (0x0D, &[0], "sectors per cluster"),
        (0x0E, &[0, 0], "reserved sectors"),
        (0x10, &[0], "number of FATs"),
        (0x16, &[1], "16-bit sectors per FAT"),
        (0x24, &[0, 0, 0, 0], "sectors per FAT"),
        (0x24, &[0, 0, 0, 1], "total sectors"),
        (0x20, &[1, 0, 0, 0], "total sectors"),
    ] {
        let error = open(Planted::new().boot(at, bytes).image);
        assert!(matches!(&error, OpenError::Field { field, .. } if *field == name), "{error}");
    }
    let error = open(Planted::new().image.cut(511));
    assert!(matches!(error, OpenError::Read(_)));
    let error = open(Planted::new().image.cut(4096));
    assert!(matches!(error, OpenError::Field { field: "sectors per FAT", .. }));
}

#[test]
fn a_file_whose_chain_is_broken_is_an_error() {
    for planted in [
        Planted::new().link(5, 0),
        Planted::new().link(5, 0x0FFF_FFFF),
        Planted::new().link(5, 0x0FFF_FFF0),
    ] {
        let len = planted.image.len();
        let mut volume = Volume::open(planted.image, 0, len).unwrap();
        let entries = volume.walk().unwrap();
        let entry = entries.iter().find(|entry| entry.name() == "A.TXT").unwrap();
        let mut content = Vec::new();
        let error = volume.open_file(entry).read_to_end(&mut content).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        assert_eq!(content.len(), 1024);
        assert!(volume.extents(entry).is_err());
    }
}

#[test]
fn deep_folders_end() {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    let mut at = NodeId::ROOT;
    for _ in 0..30 {
        at = tree.folder(at, &"d".repeat(200), meta).unwrap();
    }
    let planned = plan(&tree.finish().unwrap(), &VolumeOptions::new()).unwrap();
    let image = Image::new(planned.plan());
    let len = image.len();
    let mut volume = Volume::open(image, 0, len).unwrap();
    assert_eq!(volume.walk().unwrap().len(), 21);
    let faults = volume.check().unwrap();
    let wanted = FaultKind::PathLength { path: String::new(), limit: 0 };
    assert!(faults.iter().any(|fault| discriminant(fault.kind()) == discriminant(&wanted)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Bytes changed anywhere in the used part: every reader method ends, without a panic.
    #[test]
    fn damaged_volumes_are_survived(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..30)
    ) {
        let mut planted = Planted::new();
        // Boot sector, FSInfo, both starts of the FATs, the clusters in use.
        let areas = [
            (0, 512),
            (512, 512),
            (planted.fat, 64),
            (planted.fat + planted.fat_len, 64),
            (planted.data, 7 * 512),
        ];
        let total: u64 = areas.iter().map(|(_, len)| len).sum();
        for (place, value, bits) in places {
            let mut at = place.index(total as usize) as u64;
            for (start, len) in areas {
                if at < len {
                    let old = planted.image.part(start + at, 1)[0];
                    let new = if bits == 0 { value } else { old ^ 1 << (value % 8) };
                    planted.image.put(start + at, &[new]);
                    break;
                }
                at -= len;
            }
        }
        let len = planted.image.len();
        let Ok(mut volume) = Volume::open(planted.image, 0, len) else { return Ok(()) };
        volume.check().unwrap();
        volume.label().unwrap();
        for entry in volume.walk().unwrap().iter().take(50) {
            let _ = volume.extents(entry);
            let mut reader = volume.open_file(entry).take(1 << 20);
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
        }
    }
}
