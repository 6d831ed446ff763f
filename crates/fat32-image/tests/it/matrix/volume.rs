//! Boot sector, FSInfo, FATs and label.

use fat32_image::check::FaultKind;

use super::{DAMAGE, END, Sound, UNTIDY, for_both};

#[test]
fn boot_sector() {
    let field = |field, found, allowed| FaultKind::BootField { field, found, allowed };
    for_both(|m| {
        let type_name = u64::from_be_bytes(*b"FAT16   ");
        let rows = [
            (0x00, &[0x90][..], DAMAGE, field("jump", 0x90, "E9h or EBh")),
            (0x02, &[0x00], UNTIDY, field("third byte of the jump", 0, "90h behind EBh")),
            (0x11, &[1], DAMAGE, field("root entries", 1, "0")),
            (0x13, &[0, 1], DAMAGE, field("16-bit total sectors", 0x100, "0")),
            (0x18, &[0, 0], UNTIDY, field("sectors per track", 0, "1 to 63")),
            (0x18, &[64, 0], UNTIDY, field("sectors per track", 64, "1 to 63")),
            (0x1A, &[0, 0], UNTIDY, field("heads", 0, "1 to 255")),
            (0x1A, &[0, 1], UNTIDY, field("heads", 256, "1 to 255")),
            // Mirroring off.
            (0x28, &[0x80], DAMAGE, field("extension flags", 0x80, "0")),
            (0x2A, &[1], DAMAGE, field("version", 1, "0")),
            (0x30, &[0xFF, 0x7F], DAMAGE, field("FSInfo sector", 0x7FFF, INSIDE)),
            (0x32, &[0xFF, 0x7F], DAMAGE, field("backup sector", 0x7FFF, INSIDE)),
            (0x34, &[1], DAMAGE, field("reserved bytes", 1, "0")),
            (0x38, &[1], DAMAGE, field("reserved bytes", 1, "0")),
            (0x3C, &[0, 0, 0, 1], DAMAGE, field("reserved bytes", 1 << 24, "0")),
            (0x40, &[1], UNTIDY, field("drive number", 1, "0, or 80h and more")),
            (0x41, &[1], UNTIDY, FaultKind::Dirty { found: 1 }),
            (0x41, &[2], UNTIDY, FaultKind::Dirty { found: 2 }),
            (0x42, &[0], DAMAGE, field("extension signature", 0, "28h or 29h")),
            (
                0x52,
                b"FAT16",
                UNTIDY,
                field("name of the FAT type", type_name, "that of the FAT type"),
            ),
            (0x1FE, &[0, 0], DAMAGE, field("signature", 0, "AA55h")),
        ];
        for (at, bytes, severity, kind) in rows {
            m.row(&format!("{kind}"), |s| s.boot(at, bytes), &[(at, severity, kind.clone())]);
        }
        let (s, fat) = (m.sound.sector, m.sound.fat);
        m.row(
            "media",
            |s| s.boot(0x15, &[0x11]),
            &[
                (0x15, DAMAGE, field("media", 0x11, "F0h or F8h to FFh")),
                (fat, UNTIDY, FaultKind::MediaEntry { found: 0x0FFF_FFF8, expected: 0x0FFF_FF11 }),
            ],
        );
        // The data area, and so every directory, is looked for elsewhere.
        let three = field("number of FATs", 3, "1 or 2");
        m.among("three FATs", |s| s.boot(0x10, &[3]), &[(0x10, DAMAGE, three)]);
        let count = m.sound.last - 1;
        let needed = ((u64::from(count) + 2) * 4).div_ceil(s);
        m.among(
            "a FAT of 40 sectors",
            |s| s.boot(0x24, &[40, 0, 0, 0]).boot(0x20, &(3 * count).to_le_bytes()),
            &[(
                0x24,
                DAMAGE,
                FaultKind::FatLength { found: 40, needed: fat_for(&m.sound, 40, 3 * count) },
            )],
        );
        assert!(needed > 40);
        let total = (m.sound.image.len() / s) as u32;
        let there = m.sound.image.len();
        m.row(
            "more sectors than there are",
            |s| s.boot(0x20, &(total + 1).to_le_bytes()),
            &[(0x20, DAMAGE, FaultKind::Truncated { claimed: there + s, there })],
        );
        let few = (m.sound.data / s) as u32 + 65_524;
        let kind = FaultKind::ClusterCount { found: 65_524, least: 65_525, most: 0x0FFF_FFF5 };
        let (found, counted) = (m.sound.free, 65_524 - 8);
        m.row(
            "a cluster too few for FAT32",
            |s| s.boot(0x20, &few.to_le_bytes()),
            &[(0x20, DAMAGE, kind), (s + 0x1E8, UNTIDY, FaultKind::FreeCount { found, counted })],
        );
        for (rule, root) in [("no root", 0), ("root behind the last cluster", m.sound.last + 1)] {
            let kind = FaultKind::FirstCluster { path: String::new(), found: root };
            let boot = root.to_le_bytes();
            m.among(rule, |s| s.boot(0x2C, &boot), &[(0x2C, DAMAGE, kind)]);
        }
        let at = 6 * s + 0x5A;
        m.row("backup", |s| s.put(at, &[1]), &[(at, UNTIDY, FaultKind::BackupDiffers)]);
        let at = 6 * s + 0x43;
        m.row(
            "backup of the id",
            |s| s.put(at, &[0xEE; 4]),
            &[(at, UNTIDY, FaultKind::BackupDiffers)],
        );
    });
}

const INSIDE: &str = "inside the reserved sectors";

/// Sectors of a FAT for the clusters that remain of `total` sectors with two FATs of `fat` sectors.
fn fat_for(sound: &Sound, fat: u64, total: u32) -> u64 {
    let clusters = u64::from(total) - (sound.fat / sound.sector + 2 * fat);
    ((clusters + 2) * 4).div_ceil(sound.sector)
}

#[test]
fn fs_info() {
    for_both(|m| {
        let (s, last, free) = (m.sound.sector, m.sound.last, m.sound.free);
        for sector in [1, 7] {
            for (at, expected) in [(0, 0x4161_5252), (0x1E4, 0x6141_7272), (0x1FC, 0xAA55_0000)] {
                let at = sector * s + at;
                let kind = FaultKind::FsInfoSignature { found: 0x0101_0101, expected };
                m.row(&format!("{kind}"), |s| s.put(at, &[1; 4]), &[(at, UNTIDY, kind.clone())]);
            }
            for at in [4, 0x1E3, 0x1F0, 0x1FB] {
                let at = sector * s + at;
                let kind = FaultKind::FsInfoReserved { found: 9 };
                m.row("reserved", |s| s.put(at, &[9]), &[(at, UNTIDY, kind)]);
            }
        }
        let at = s + 0x1E8;
        let kind = FaultKind::FreeCount { found: free - 1, counted: free };
        m.row("free", |s| s.put(at, &(free - 1).to_le_bytes()), &[(at, UNTIDY, kind)]);
        let at = s + 0x1EC;
        for found in [0, 1, last + 1] {
            let kind = FaultKind::NextFree { found, last };
            m.row("next", |s| s.put(at, &found.to_le_bytes()), &[(at, UNTIDY, kind)]);
        }
    });
}

#[test]
fn tables() {
    for_both(|m| {
        let Sound { fat, fat_len, last, free, sector, .. } = m.sound;
        let entry = |cluster: u32| fat + u64::from(cluster) * 4;
        let kind = FaultKind::MediaEntry { found: 0x0FFF_FFF0, expected: 0x0FFF_FFF8 };
        m.row("FAT[0]", |s| s.link(0, 0x0FFF_FFF0), &[(fat, UNTIDY, kind)]);
        for found in [0x07FF_FFFF, 0x0BFF_FFFF] {
            let kind = FaultKind::Dirty { found };
            m.row("FAT[1] marks", |s| s.link(1, found), &[(entry(1), UNTIDY, kind)]);
        }
        let kind = FaultKind::EndEntry { found: 0x0C00_0000 };
        m.row("FAT[1]", |s| s.link(1, 0x0C00_0000), &[(entry(1), UNTIDY, kind)]);

        let differ = FaultKind::FatsDiffer { copy: 2 };
        for cluster in [2, 6, 100, last] {
            let at = entry(cluster) + fat_len + 1;
            m.row("FAT 2", |s| s.put(at, &[0x55]), &[(at, DAMAGE, differ.clone())]);
        }
        let at = entry(1) + fat_len;
        m.row("marks of FAT 2", |s| s.put(at, &[0xF8]), &[(at, UNTIDY, differ.clone())]);
        let deep = entry(6) + fat_len;
        m.row(
            "marks and an entry of FAT 2",
            |s| s.put(at, &[0xF8]).put(deep, &[0xEE]),
            &[(at, UNTIDY, differ.clone()), (deep, DAMAGE, differ)],
        );

        for first in [5, 8, 100, last] {
            let kind = FaultKind::EntryBits { first, count: 1 };
            let at = entry(first) + 3;
            let old = m.sound.image.part(at, 1)[0];
            let plant = |s: Sound| s.put(at, &[old | 0xA0]).put(at + fat_len, &[old | 0xA0]);
            m.row("reserved bits", plant, &[(at, UNTIDY, kind)]);
        }
        m.row(
            "reserved bits of two entries",
            |s| s.link(6, 0xF000_0007).link(5, 0x1000_0006),
            &[(entry(5) + 3, UNTIDY, FaultKind::EntryBits { first: 5, count: 2 })],
        );
        let behind = last + 1;
        let kind = FaultKind::FatTail { found: 7 };
        m.row("behind the last", |s| s.link(behind, 7), &[(entry(behind), UNTIDY, kind)]);
        let count =
            |counted| (sector + 0x1E8, UNTIDY, FaultKind::FreeCount { found: free, counted });
        let lost = |first, count| (entry(first), UNTIDY, FaultKind::LostClusters { first, count });
        m.row("a lost cluster", |s| s.link(last, END), &[lost(last, 1), count(free - 1)]);
        m.row(
            "lost chains",
            |s| s.link(20, 21).link(21, END).link(30, 31),
            &[lost(20, 2), lost(30, 1), count(free - 3)],
        );
        // Not lost, and not free.
        m.row("a bad cluster", |s| s.link(50, 0x0FFF_FFF7), &[count(free - 1)]);
    });
}

#[test]
fn labels() {
    for_both(|m| {
        let (label, empty, b) = (m.sound.root(0), m.sound.root(64), m.sound.cluster(3) + 64);
        let differs = |boot: &str, root: &str| FaultKind::LabelDiffers {
            boot: boot.into(),
            root: root.into(),
        };
        let text = |label: &str| FaultKind::LabelText { label: label.into() };
        m.row("another", |s| s.put(label, b"OTHER"), &[(label, UNTIDY, differs("LABEL", "OTHER"))]);
        m.row(
            "none in the root",
            |s| s.put(label, &[0xE5]),
            &[(0x47, UNTIDY, differs("LABEL", ""))],
        );
        for wrong in ["label", " ABEL", "LA*EL", "LA.EL", "L\u{1}BEL"] {
            m.row(
                wrong,
                |s| s.put(label, wrong.as_bytes()),
                &[(label, UNTIDY, text(wrong)), (label, UNTIDY, differs("LABEL", wrong))],
            );
        }
        let stray = |folder: &str| FaultKind::StrayLabel { folder: folder.into() };
        m.row("a second", |s| s.put(empty + 0x0B, &[0x08]), &[(empty, UNTIDY, stray(""))]);
        let none = [0; 2];
        m.row(
            "in a folder",
            |s| s.put(b + 0x0B, &[0x28]).put(b + 0x1A, &none).put(b + 0x1C, &[0; 4]),
            &[
                (b, UNTIDY, stray("sub")),
                (m.sound.entry(9), UNTIDY, FaultKind::LostClusters { first: 9, count: 1 }),
            ],
        );
        let field = |field, found| FaultKind::SlotField { path: "LABEL".into(), field, found };
        m.row(
            "with a cluster",
            |s| s.put(label + 0x1A, &[9]),
            &[(label + 0x1A, UNTIDY, field("first cluster", 9))],
        );
        m.row(
            "with a size",
            |s| s.put(label + 0x1C, &[9]),
            &[(label + 0x1C, UNTIDY, field("size", 9))],
        );
    });
}
