//! The strict-check matrix: one defect after the other, planted in a sound volume, and for each all that
//! the checker must say, where, and how bad it is. Everything for sectors of 512 and of 4096 bytes.
//! Volumes that are no volume, cut off, or begin elsewhere, are in `faults`; FAT16 is in `faults_16`.

mod tree;
mod volume;

use fat32_image::check::{Fault, FaultKind, Severity, Volume};
use fat32_image::{ClusterSize, Label, SectorSize, VolumeOptions, plan};

use crate::image::Image;
use crate::model::sample;

const DAMAGE: Severity = Severity::Damage;
const UNTIDY: Severity = Severity::Untidy;
const END: u32 = 0x0FFF_FFFF;

/// A volume whose clusters have one sector:
///
/// | cluster | content |
/// |---|---|
/// | 2 | root: label; `A.TXT` at 32; `EMPTY` at 64; long `Long name.text` at 96, 128, its slot at 160; `sub` at 192 |
/// | 3 | `sub`: `.`, `..`, `b.txt` at 64, `deep` at 96 |
/// | 4 | `deep`: `.`, `..` |
/// | 5-7 | `A.TXT` |
/// | 8 | `Long name.text` |
/// | 9 | `b.txt` |
#[derive(Clone)]
struct Sound {
    image: Image,
    sector: u64,
    fat: u64,
    fat_len: u64,
    data: u64,
    last: u32,
    free: u32,
}

impl Sound {
    fn new(sector_size: SectorSize) -> Self {
        let bytes = sector_size.bytes();
        let tree = sample(&[
            ("A.TXT", 2 * bytes as usize + 7),
            ("EMPTY", 0),
            ("Long name.text", 10),
            ("sub/", 0),
            ("sub/b.txt", bytes as usize),
            ("sub/deep/", 0),
        ]);
        let options = VolumeOptions::new()
            .with_sector_size(sector_size)
            .with_cluster_size(ClusterSize::new(bytes).unwrap())
            .with_label(Label::new("LABEL").unwrap());
        let planned = plan(&tree, &options).unwrap();
        let geometry = planned.geometry();
        let sector = u64::from(bytes);
        let sound = Self {
            image: Image::new(planned.plan()),
            sector,
            fat: u64::from(geometry.reserved_sectors()) * sector,
            fat_len: u64::from(geometry.fat_sectors()) * sector,
            data: geometry.data_start(),
            last: geometry.cluster_count() + 1,
            free: planned.free_clusters(),
        };
        // The table above.
        assert_eq!(sound.image.part(sound.root(32), 11), b"A       TXT");
        assert_eq!(sound.image.part(sound.root(64), 11), b"EMPTY      ");
        assert_eq!(sound.image.part(sound.root(96), 1), [0x42]);
        assert_eq!(sound.image.part(sound.root(192), 11), b"SUB        ");
        assert_eq!(sound.image.part(sound.cluster(3) + 96, 11), b"DEEP       ");
        assert_eq!(sound.free, sound.last - 1 - 8);
        sound
    }

    fn cluster(&self, cluster: u32) -> u64 {
        self.data + u64::from(cluster - 2) * self.sector
    }

    fn root(&self, at: u64) -> u64 {
        self.data + at
    }

    fn entry(&self, cluster: u32) -> u64 {
        self.fat + u64::from(cluster) * 4
    }

    fn put(mut self, at: u64, bytes: &[u8]) -> Self {
        self.image.put(at, bytes);
        self
    }

    /// The boot sector and its backup.
    fn boot(self, at: u64, bytes: &[u8]) -> Self {
        let backup = 6 * self.sector + at;
        self.put(at, bytes).put(backup, bytes)
    }

    /// The entry of a cluster in both FATs.
    fn link(self, cluster: u32, value: u32) -> Self {
        let at = self.entry(cluster);
        let second = at + self.fat_len;
        self.put(at, &value.to_le_bytes()).put(second, &value.to_le_bytes())
    }

    fn check(&self) -> Vec<Fault> {
        let len = self.image.len();
        Volume::open(self.image.clone(), 0, len).unwrap().check().unwrap()
    }
}

type Expected = (u64, Severity, FaultKind);

/// One defect.
struct Row {
    rule: String,
    planted: Sound,
    expected: Vec<Expected>,
    /// More may follow from it.
    more: bool,
}

struct Matrix {
    sound: Sound,
    rows: Vec<Row>,
}

impl Matrix {
    /// All that is found is `expected`.
    fn row(&mut self, rule: &str, plant: impl FnOnce(Sound) -> Sound, expected: &[Expected]) {
        self.add(rule, plant, expected, false);
    }

    /// Other faults follow from it.
    fn among(&mut self, rule: &str, plant: impl FnOnce(Sound) -> Sound, expected: &[Expected]) {
        self.add(rule, plant, expected, true);
    }

    fn add(
        &mut self,
        rule: &str,
        plant: impl FnOnce(Sound) -> Sound,
        expected: &[Expected],
        more: bool,
    ) {
        let planted = plant(self.sound.clone());
        self.rows.push(Row { rule: rule.to_owned(), planted, expected: expected.to_vec(), more });
    }

    /// Every row at once, so that one run shows all that is wrong.
    #[track_caller]
    fn check(self) {
        let mut wrong = Vec::new();
        let sound = self.sound.check();
        assert!(sound.is_empty(), "{sound:#?}");
        for Row { rule, planted, expected, more } in self.rows {
            let found = planted.check();
            let mut left: Vec<Expected> =
                found.iter().map(|f| (f.position(), f.severity(), f.kind().clone())).collect();
            for wanted in expected {
                match left.iter().position(|fault| *fault == wanted) {
                    Some(at) => drop(left.swap_remove(at)),
                    None => wrong.push(format!("{rule}: not found: {wanted:?}, but {left:#?}")),
                }
            }
            if !more && !left.is_empty() {
                wrong.push(format!("{rule}: found as well: {left:#?}"));
            }
        }
        assert!(wrong.is_empty(), "sectors of {}:\n{}", self.sound.sector, wrong.join("\n"));
    }
}

fn for_both(fill: impl Fn(&mut Matrix)) {
    for sector_size in [SectorSize::B512, SectorSize::B4096] {
        let mut matrix = Matrix { sound: Sound::new(sector_size), rows: Vec::new() };
        fill(&mut matrix);
        matrix.check();
    }
}

/// What systems leave on a stick that nobody calls damaged, and what formatters do differently.
#[test]
fn what_is_allowed() {
    for_both(|m| {
        let Sound { sector, fat, .. } = m.sound;
        let (label, a, empty) = (m.sound.root(0), m.sound.root(32), m.sound.root(64));
        m.row("E9 jump", |s| s.boot(0, &[0xE9, 0, 0]), &[]);
        m.row("OEM name", |s| s.boot(3, b"MSDOS5.0"), &[]);
        m.row("removable", |s| s.boot(0x15, &[0xF0]).link(0, 0x0FFF_FFF0), &[]);
        m.row("shape of a drive", |s| s.boot(0x18, &[32, 0, 64, 0]), &[]);
        m.row("hidden sectors", |s| s.boot(0x1C, &[0, 8, 0, 0]), &[]);
        m.row("no FSInfo", |s| s.boot(0x30, &[0, 0]), &[]);
        m.row("no backup", |s| s.boot(0x32, &[0xFF, 0xFF]), &[]);
        m.row("drive 0", |s| s.boot(0x40, &[0]), &[]);
        m.row("the state in the backup", |s| s.put(6 * sector + 0x41, &[1]), &[]);
        m.row("only an id", |s| s.boot(0x42, &[0x28]).boot(0x52, &[0; 8]), &[]);
        m.row("boot code", |s| s.boot(0x5A, &[0xFA; 420]), &[]);
        m.row("nothing counted", |s| s.put(sector + 0x1E8, &[0xFF; 8]), &[]);
        m.row("an empty copy of FSInfo", |s| s.put(7 * sector, &[0; 512]), &[]);
        m.row("all bits of FAT[0] and [1]", |s| s.link(0, 0xFFFF_FFF8).link(1, u32::MAX), &[]);
        for end in 0x0FFF_FFF8..=END {
            m.row("end marks", |s| s.link(7, end), &[]);
        }
        assert_eq!(m.sound.image.part(fat, 4), [0xF8, 0xFF, 0xFF, 0x0F]);
        m.row("NO NAME", |s| s.boot(0x47, b"NO NAME    "), &[]);
        m.row("a label with archive bit", |s| s.put(label + 0x0B, &[0x28]), &[]);
        m.row("attributes", |s| s.put(a + 0x0B, &[0x07]), &[]);
        m.row("lower case", |s| s.put(a + 0x0C, &[0x18]), &[]);
        m.row("encrypted by Windows", |s| s.put(a + 0x0C, &[0x03]), &[]);
        m.row("no dates but one", |s| s.put(a + 0x0D, &[0; 7]), &[]);
        m.row("E5 as 05", |s| s.put(a, &[0x05]), &[]);
        m.row("a code page", |s| s.put(a, b"\x8E\x99"), &[]);
        m.row("deleted", |s| s.put(empty, &[0xE5]), &[]);
        m.row(
            "without its long name",
            |s| {
                [96, 128].into_iter().fold(s, |s, at| {
                    let at = s.root(at);
                    s.put(at, &[0xE5])
                })
            },
            &[],
        );
    });
}

/// A drive that was in use when it was pulled out.
#[test]
fn leftovers_are_told_from_other_untidiness() {
    let sound = Sound::new(SectorSize::B512);
    let leftovers = |sound: Sound| {
        let faults = sound.check();
        assert!(!faults.is_empty());
        faults.iter().all(Fault::is_leftover)
    };
    let a = sound.root(32);
    assert!(leftovers(sound.clone().put(0x41, &[1]).link(1, 0x07FF_FFFF).link(30, END)));
    assert!(leftovers(sound.clone().link(7, 40).link(40, END)));
    assert!(leftovers(sound.clone().put(a + 0x1C, &[0; 4])));
    assert!(!leftovers(sound.clone().link(6, END)));
    assert!(!leftovers(sound.clone().put(a + 0x18, &[0, 0])));
    let faults = sound.clone().put(a + 0x18, &[0, 0]).check();
    assert_eq!(faults[0].path(), Some("A.TXT"));
    assert_eq!(sound.put(0x41, &[1]).check()[0].path(), None);
}
