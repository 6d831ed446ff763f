//! Defects planted in good FAT16 volumes, and in FAT32 volumes whose FATs are not kept equal; what
//! matters and what does not.

use std::io::Read;

use fat32_image::check::{Fault, FaultKind, OpenError, Severity, Volume};
use fat32_image::{ClusterSize, FatType, Label, VolumeOptions, VolumeSize, plan};
use proptest::prelude::*;

use crate::image::Image;
use crate::model::sample;

/// First and second FAT, root, cluster 2.
const FAT: u64 = 6 * 512;
const FAT_2: u64 = FAT + 17 * 512;
const ROOT: u64 = FAT_2 + 17 * 512;
const DATA: u64 = ROOT + 512 * 32;
/// Clusters; not one more, so that the last entry is followed by others in its sector.
const CLUSTERS: u32 = 4_104;

/// A volume with clusters of 512 bytes:
///
/// | cluster | content |
/// |---|---|
/// | root | label; `A.TXT` at 32; long `Long name.text` at 64, 96, its slot at 128; `sub` at 160 |
/// | 2 | `sub`: `.`, `..`, `b.txt` at 64 |
/// | 3-5 | `A.TXT`, 1500 bytes |
/// | 6 | `Long name.text`, 10 bytes |
/// | 7 | `b.txt`, 512 bytes |
struct Planted {
    image: Image,
}

impl Planted {
    fn new() -> Self {
        let tree =
            sample(&[("A.TXT", 1500), ("Long name.text", 10), ("sub/", 0), ("sub/b.txt", 512)]);
        let options = VolumeOptions::new()
            .with_fat_type(FatType::Fat16)
            .with_size(VolumeSize::Tight)
            .with_cluster_size(ClusterSize::B512)
            .with_label(Label::new("LABEL").unwrap());
        let planned = plan(&tree, &options).unwrap();
        assert_eq!(planned.geometry().data_start(), DATA);
        assert_eq!(planned.geometry().cluster_count(), CLUSTERS);
        Self { image: Image::new(planned.plan()) }
    }

    fn put(mut self, at: u64, bytes: &[u8]) -> Self {
        self.image.put(at, bytes);
        self
    }

    /// Both copies of an entry.
    fn link(self, cluster: u32, value: u16) -> Self {
        let at = u64::from(cluster) * 2;
        self.put(FAT + at, &value.to_le_bytes()).put(FAT_2 + at, &value.to_le_bytes())
    }

    fn open(&self) -> Result<Volume<Image>, OpenError> {
        Volume::open(self.image.clone(), 0, self.image.len())
    }

    fn faults(&self) -> Vec<Fault> {
        self.open().unwrap().check().unwrap()
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
    let mut volume = Planted::new().open().unwrap();
    let facts = volume.facts();
    assert_eq!((facts.fat_type, facts.root_entries, facts.root_cluster), (FatType::Fat16, 512, 0));
    assert_eq!((facts.cluster_count, facts.boot_label.as_str()), (CLUSTERS, "LABEL"));
    assert_eq!(volume.label().unwrap().as_deref(), Some("LABEL"));
    assert_eq!(volume.walk().unwrap().len(), 4);
}

#[test]
fn boot_sector_fields() {
    let field = |field, found, allowed| FaultKind::BootField { field, found, allowed };
    for (at, bytes, kind) in [
        (0x00, &[0x90][..], field("jump", 0x90, "E9h or EBh")),
        (0x20, &[1], field("32-bit total sectors", 1, "0, or what the 16-bit field says")),
        (0x26, &[0], field("extension signature", 0, "28h or 29h")),
        (0x1FE, &[0, 0], field("signature", 0, "AA55h")),
        (0x25, &[1], FaultKind::Dirty { found: 1 }),
        (0x2B, b"OTHER", FaultKind::LabelDiffers { boot: "OTHER".into(), root: "LABEL".into() }),
    ] {
        let at_fault = if at == 0x2B { ROOT } else { at };
        Planted::new().put(at, bytes).expect(&[(at_fault, kind)]);
    }
    Planted::new().put(0x15, &[0x11]).expect(&[
        (0x15, field("media", 0x11, "F0h or F8h to FFh")),
        (FAT, FaultKind::MediaEntry { found: 0xFFF8, expected: 0xFF11 }),
    ]);
    // 505 slots in as many sectors: the rest of the volume stays where it was.
    let allowed = "so many that they fill whole sectors";
    Planted::new().put(0x11, &[0xF9, 0x01]).expect(&[(0x11, field("root entries", 505, allowed))]);
}

#[test]
fn sizes_in_the_boot_sector() {
    let total = (Planted::new().image.len() / 512) as u16;
    let there = u64::from(total) * 512;
    // Longer: the FAT still has room for the clusters.
    let longer = Planted::new().put(0x13, &(total + 8).to_le_bytes());
    longer.expect(&[(0x13, FaultKind::Truncated { claimed: there + 4096, there })]);
    // The same number in the field of 32 bits.
    let both = u32::from(total).to_le_bytes();
    Planted::new().put(0x20, &both).expect(&[]);
    Planted::new().put(0x13, &[0, 0]).put(0x20, &both).expect(&[]);
    // 4086 clusters: Windows NT would read FAT12. What lies behind the last entry is zero anyway.
    let sectors = (DATA / 512) as u16 + 4086;
    let kind = FaultKind::ClusterCount { found: 4086, least: 4087, most: 65_524 };
    Planted::new().put(0x13, &sectors.to_le_bytes()).expect(&[(0x13, kind)]);
    let sectors = (DATA / 512) as u16 + 4087;
    Planted::new().put(0x13, &sectors.to_le_bytes()).expect(&[]);
    // Seven sectors less for each FAT, so that everything is found elsewhere.
    let faults = Planted::new().put(0x16, &[10]).faults();
    let kind = FaultKind::FatLength { found: 10, needed: 17 };
    assert!(faults.iter().any(|fault| (fault.position(), fault.kind()) == (0x16, &kind)));
    // Cut off before and inside the root directory: what is there is read.
    let mut cut = Planted::new();
    cut.image = cut.image.cut(FAT_2 + 100);
    let mut volume = cut.open().unwrap();
    assert_eq!(volume.walk().unwrap(), []);
    assert!(!volume.check().unwrap().is_empty());
    let mut cut = Planted::new();
    cut.image = cut.image.cut(ROOT + 96);
    let mut volume = cut.open().unwrap();
    assert_eq!(volume.walk().unwrap()[0].name(), "A.TXT");
    assert!(!volume.check().unwrap().is_empty());
}

#[test]
fn what_is_no_volume() {
    let open = |planted: Planted| planted.open().map(drop).unwrap_err();
    let sectors = (DATA / 512) as u16 + 4084;
    let error = open(Planted::new().put(0x13, &sectors.to_le_bytes()));
    assert!(matches!(error, OpenError::Fat12 { clusters: 4084, limit: 4085 }), "{error}");
    assert_eq!(
        error.to_string(),
        "a FAT12 volume of 4084 clusters; only FAT16 (from 4085 on) and FAT32 are read"
    );
    // By the rule FAT32, by its fields not.
    let many = Planted::new().put(0x13, &[0, 0]).put(0x20, &70_000u32.to_le_bytes());
    let error = open(many);
    assert!(
        matches!(error, OpenError::Field { field: "16-bit sectors per FAT", found: 17, .. }),
        "{error}"
    );
    for (at, bytes, name) in [
        (0x11, &[0, 0][..], "root entries"),
        (0x13, &[0, 0], "total sectors"),
        (0x16, &[0, 0], "sectors per FAT"),
        (0x16, &[0, 1], "total sectors"),
    ] {
        let error = open(Planted::new().put(at, bytes));
        assert!(
            matches!(&error, OpenError::Field { field, .. } if *field == name) || at == 0x16,
            "{error}"
        );
    }
}

#[test]
fn fats() {
    let found = 0x7FFF;
    Planted::new().link(1, found).expect(&[(FAT + 2, FaultKind::Dirty { found: found.into() })]);
    let copy = FAT_2 + 5 * 2 + 1;
    Planted::new().put(copy, &[1]).expect(&[(copy, FaultKind::FatsDiffer { copy: 2 })]);
    let behind = CLUSTERS + 2;
    let position = FAT + u64::from(behind) * 2;
    Planted::new().link(behind, 7).expect(&[(position, FaultKind::FatTail { found: 7 })]);
    // A bad cluster is not a lost one; any of the eight end marks is one.
    Planted::new().link(100, 0xFFF7).expect(&[]);
    Planted::new().link(5, 0xFFF8).expect(&[]);
}

#[test]
fn chains() {
    let entry = |cluster: u32| FAT + u64::from(cluster) * 2;
    let path = || "A.TXT".to_owned();
    for value in [0, 1, CLUSTERS as u16 + 2, 0xFFF7] {
        Planted::new().link(4, value).expect(&[
            (entry(4), FaultKind::BadLink { path: path(), cluster: 4, value: value.into() }),
            (entry(5), FaultKind::LostClusters { first: 5, count: 1 }),
        ]);
    }
    Planted::new()
        .link(5, 3)
        .expect(&[(entry(3), FaultKind::CrossLink { path: path(), cluster: 3 })]);
    Planted::new()
        .link(5, 8)
        .link(8, 0xFFFF)
        .expect(&[(ROOT + 32, FaultKind::ChainLength { path: path(), found: 4, needed: 3 })]);
    Planted::new()
        .link(100, 101)
        .link(101, 0xFFFF)
        .expect(&[(entry(100), FaultKind::LostClusters { first: 100, count: 2 })]);
    let broken = Planted::new().link(4, 0);
    let mut volume = broken.open().unwrap();
    let entries = volume.walk().unwrap();
    let mut content = Vec::new();
    assert!(volume.open_file(&entries[0]).read_to_end(&mut content).is_err());
    assert_eq!(content.len(), 1024);
}

#[test]
fn slots() {
    let field = |field, found| FaultKind::SlotField { path: "A.TXT".into(), field, found };
    Planted::new()
        .put(ROOT + 32 + 0x14, &[5, 0])
        .expect(&[(ROOT + 32 + 0x14, field("high half of the first cluster", 5))]);
    let kind = FaultKind::BehindEnd { folder: String::new() };
    Planted::new().put(DATA - 1, &[1]).expect(&[(DATA - 1, kind)]);
    let dot =
        FaultKind::DotEntry { folder: "sub".into(), name: "..", found: Some(2), expected: Some(0) };
    Planted::new().put(DATA + 32 + 0x1A, &[2]).expect(&[(DATA + 32, dot)]);
}

/// Only the active FAT counts where the flags say that the others are not kept equal.
#[test]
fn a_fat32_without_mirroring_is_judged_by_its_active_fat() {
    let tree = sample(&[("A.TXT", 1500)]);
    let planned = plan(&tree, &VolumeOptions::new().with_cluster_size(ClusterSize::B512)).unwrap();
    let geometry = planned.geometry();
    let fat = u64::from(geometry.reserved_sectors()) * 512;
    let fat_2 = fat + u64::from(geometry.fat_sectors()) * 512;
    let mut image = Image::new(planned.plan());
    for sector in [0, 6 * 512] {
        image.put(sector + 0x28, &[0x81]);
    }
    // The first FAT says that the file ends early, and that it was not closed.
    image.put(fat + 3 * 4, &0x0FFF_FFFFu32.to_le_bytes());
    image.put(fat + 7, &[0x07]);
    let faults = |image: &Image| {
        let len = image.len();
        let mut volume = Volume::open(image.clone(), 0, len).unwrap();
        let entries = volume.walk().unwrap();
        let mut content = Vec::new();
        let read = volume.open_file(&entries[0]).read_to_end(&mut content);
        (read.is_ok(), volume.check().unwrap())
    };
    let flags = FaultKind::BootField { field: "extension flags", found: 0x81, allowed: "0" };
    let (read, found) = faults(&image);
    assert!(read);
    let found: Vec<_> = found.iter().map(|fault| (fault.position(), fault.kind())).collect();
    assert_eq!(found, [(0x28, &flags)]);
    // Now the one that counts.
    image.put(fat_2 + 3 * 4, &[0; 4]);
    let (read, found) = faults(&image);
    assert!(!read);
    let bad = FaultKind::BadLink { path: "A.TXT".into(), cluster: 3, value: 0 };
    assert!(found.iter().any(|fault| (fault.position(), fault.kind()) == (fat_2 + 12, &bad)));
    // A FAT that is not there: the first one.
    for sector in [0, 6 * 512] {
        image.put(sector + 0x28, &[0x82]);
    }
    assert!(!faults(&image).0);
}

#[test]
fn what_a_pulled_stick_shows_is_no_damage() {
    let severities = |planted: Planted| {
        let faults = planted.faults();
        assert!(!faults.is_empty());
        faults.iter().map(Fault::severity).max()
    };
    let untidy = Some(Severity::Untidy);
    let damage = Some(Severity::Damage);
    assert_eq!(severities(Planted::new().put(0x25, &[1]).link(1, 0x7FFF)), untidy);
    assert_eq!(severities(Planted::new().link(100, 0xFFFF)), untidy);
    assert_eq!(severities(Planted::new().put(ROOT + 32 + 0x18, &[0, 0])), untidy);
    assert_eq!(severities(Planted::new().link(5, 8).link(8, 0xFFFF)), untidy);
    assert_eq!(severities(Planted::new().link(4, 0xFFFF)), damage);
    assert_eq!(severities(Planted::new().link(5, 3)), damage);
    assert_eq!(severities(Planted::new().put(ROOT + 32, b"a")), damage);
    // More than are listed: the last fault counts the others, and is as bad as the worst.
    let mut many = Planted::new();
    for cluster in (100..4000).step_by(2) {
        many = many.link(cluster, 0xFFFF);
    }
    let faults = many.faults();
    assert_eq!(faults.len(), Fault::LISTED + 1);
    let last = faults.last().unwrap();
    assert_eq!((last.kind(), last.severity()), (&FaultKind::More { count: 950 }, Severity::Untidy));
    let faults = many.put(FAT_2 + 20, &[1]).faults();
    assert_eq!(faults.last().unwrap().severity(), Severity::Damage);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Bytes changed anywhere in the used part: every reader method ends, without a panic.
    #[test]
    fn damaged_volumes_are_survived(
        places in prop::collection::vec((0..4u8, 0..512u64, any::<u8>(), any::<bool>()), 1..30),
        cut in prop::option::of(FAT..DATA + 4096),
    ) {
        let mut planted = Planted::new();
        for (area, at, value, whole) in places {
            // The boot sector's fields, the start of the FAT, the root, folder and files.
            let at = match area {
                0 => at % 0x40,
                1 => FAT + at % 32,
                2 => ROOT + at % 256,
                _ => DATA + at,
            };
            let old = planted.image.part(at, 1)[0];
            planted.image.put(at, &[if whole { value } else { old ^ 1 << (value % 8) }]);
        }
        if let Some(len) = cut {
            planted.image = planted.image.cut(len);
        }
        let Ok(mut volume) = planted.open() else { return Ok(()) };
        volume.check().unwrap();
        volume.label().unwrap();
        for entry in volume.walk().unwrap().iter().take(50) {
            let _ = volume.extents(entry);
            let mut reader = volume.open_file(entry).take(1 << 20);
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
        }
    }
}
