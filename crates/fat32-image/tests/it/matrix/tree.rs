//! Chains, directories, names and slots.

use fat32_image::check::FaultKind;

use super::{DAMAGE, END, Sound, UNTIDY, for_both};

#[test]
fn chains() {
    for_both(|m| {
        let Sound { fat, last, free, sector, .. } = m.sound;
        let entry = |cluster: u32| fat + u64::from(cluster) * 4;
        let (a, sub) = (m.sound.root(32), m.sound.root(192));
        let path = || "A.TXT".to_owned();
        let lost = |first, count| (entry(first), UNTIDY, FaultKind::LostClusters { first, count });
        let count =
            |counted| (sector + 0x1E8, UNTIDY, FaultKind::FreeCount { found: free, counted });
        let length = |severity, found, needed| {
            (a, severity, FaultKind::ChainLength { path: path(), found, needed })
        };
        let first = |at, path: &str, found| {
            (at, DAMAGE, FaultKind::FirstCluster { path: path.into(), found })
        };
        // One, behind the last, reserved, bad.
        for value in [1, last + 1, 0x0FFF_FFF0, 0x0FFF_FFF6, 0x0FFF_FFF7] {
            let kind = FaultKind::BadLink { path: path(), cluster: 6, value };
            m.row(
                &format!("{kind}"),
                |s| s.link(6, value),
                &[(entry(6), DAMAGE, kind.clone()), lost(7, 1)],
            );
        }
        let kind = FaultKind::BadLink { path: path(), cluster: 6, value: 0 };
        m.row(
            "a free cluster in a chain",
            |s| s.link(6, 0),
            &[(entry(6), DAMAGE, kind), lost(7, 1), count(free + 1)],
        );
        for (rule, cluster) in [("a loop", 5), ("a cluster that leads to itself", 7)] {
            let kind = FaultKind::CrossLink { path: path(), cluster };
            m.row(rule, |s| s.link(7, cluster), &[(entry(cluster), DAMAGE, kind)]);
        }
        let kind = FaultKind::CrossLink { path: "Long name.text".into(), cluster: 8 };
        m.row("two owners", |s| s.link(7, 8), &[length(UNTIDY, 4, 3), (entry(8), DAMAGE, kind)]);
        let kind = FaultKind::CrossLink { path: path(), cluster: 2 };
        m.row(
            "the root as a file",
            |s| s.put(a + 0x1A, &[2]),
            &[(entry(2), DAMAGE, kind), lost(5, 3)],
        );
        m.row("too short", |s| s.link(6, END), &[length(DAMAGE, 2, 3), lost(7, 1)]);
        m.row(
            "too long",
            |s| s.link(7, 40).link(40, END),
            &[length(UNTIDY, 4, 3), count(free - 1)],
        );
        m.row("empty with a chain", |s| s.put(a + 0x1C, &[0; 4]), &[length(UNTIDY, 3, 0)]);
        let empty = m.sound.root(64);
        let kind = FaultKind::FirstCluster { path: "EMPTY".into(), found: 0 };
        m.row("a size and no chain", |s| s.put(empty + 0x1C, &[1]), &[(empty, DAMAGE, kind)]);
        let kind = FaultKind::FirstCluster { path: "EMPTY".into(), found: 1 };
        m.row("empty at cluster 1", |s| s.put(empty + 0x1A, &[1]), &[(empty, DAMAGE, kind)]);
        for found in [0, 1, last + 1] {
            let [low, high] = [found & 0xFFFF, found >> 16].map(|half| (half as u16).to_le_bytes());
            let plant = |at| move |s: Sound| s.put(at + 0x1A, &low).put(at + 0x14, &high);
            m.row("a file's first cluster", plant(a), &[first(a, "A.TXT", found), lost(5, 3)]);
            m.row(
                "a folder's first cluster",
                plant(sub),
                &[first(sub, "sub", found), lost(3, 2), lost(9, 1)],
            );
        }
        // Three folders more than slots: a directory of one cluster too many.
        let more = (2 << 20) / sector as u32;
        let long = |s: Sound| {
            let linked = (100..100 + more).fold(s.link(3, 100), |s, at| s.link(at, at + 1));
            linked.link(100 + more - 1, END)
        };
        let folder = "sub".to_owned();
        let kind = FaultKind::DirectoryLength { folder, found: 65_537, limit: 65_536 };
        let at = m.sound.cluster(100 + more - 1);
        m.row("too many slots", long, &[(at, DAMAGE, kind), count(free - more)]);
    });
}

#[test]
fn directories() {
    for_both(|m| {
        let (sub, deep) = (m.sound.cluster(3), m.sound.cluster(4));
        let dot = |folder: &str, name, found, expected| FaultKind::DotEntry {
            folder: folder.into(),
            name,
            found,
            expected: Some(expected),
        };
        let kind = dot("sub", ".", Some(4), 3);
        m.row("`.` of another", |s| s.put(sub + 0x1A, &[4]), &[(sub, DAMAGE, kind)]);
        let kind = dot("sub", "..", Some(2), 0);
        m.row("`..` names the root", |s| s.put(sub + 0x3A, &[2]), &[(sub + 32, UNTIDY, kind)]);
        let kind = dot("sub", "..", Some(5), 0);
        m.row("`..` of another", |s| s.put(sub + 0x3A, &[5]), &[(sub + 32, DAMAGE, kind)]);
        for wrong in [0, 2, 4] {
            let kind = dot("sub/deep", "..", Some(wrong), 3);
            let wrong = [wrong as u8];
            m.row("`..` below", |s| s.put(deep + 0x3A, &wrong), &[(deep + 32, DAMAGE, kind)]);
        }
        m.row(
            "`.` and `..` missing",
            |s| s.put(sub, &[0xE5]).put(sub + 32, &[0xE5]),
            &[(sub, DAMAGE, dot("sub", ".", None, 3)), (sub, DAMAGE, dot("sub", "..", None, 0))],
        );
        m.row(
            "an empty directory without dots",
            |s| s.put(deep, &[0; 64]),
            &[
                (deep, DAMAGE, dot("sub/deep", ".", None, 4)),
                (deep, DAMAGE, dot("sub/deep", "..", None, 3)),
            ],
        );
        let kind = dot("sub", ".", None, 3);
        m.row("`.` is a file", |s| s.put(sub + 0x0B, &[0x20]), &[(sub, DAMAGE, kind)]);
        let kind = FaultKind::DotEntry {
            folder: String::new(),
            name: ".",
            found: Some(0),
            expected: None,
        };
        let empty = m.sound.root(64);
        m.row("`.` in the root", |s| s.put(empty, b".    "), &[(empty, DAMAGE, kind)]);
        let field =
            |path: &str, found| FaultKind::SlotField { path: path.into(), field: "size", found };
        let slot = m.sound.root(192);
        m.row(
            "a folder's size",
            |s| s.put(slot + 0x1C, &[1]),
            &[(slot + 0x1C, UNTIDY, field("sub", 1))],
        );
        m.row(
            "the size of `.`",
            |s| s.put(sub + 0x1D, &[1]),
            &[(sub + 0x1C, UNTIDY, field("sub/.", 256))],
        );
        let behind = |folder: &str| FaultKind::BehindEnd { folder: folder.into() };
        for at in [1, 31, 32, 200] {
            let at = m.sound.root(224 + at);
            m.row("behind the end", |s| s.put(at, &[7]), &[(at, UNTIDY, behind(""))]);
        }
        let at = deep + 64 + 32;
        let slot = [&b"GHOST      \x20"[..], &[0; 20]].concat();
        m.row("a slot behind the end", |s| s.put(at, &slot), &[(at, UNTIDY, behind("sub/deep"))]);
    });
}

#[test]
fn names() {
    for_both(|m| {
        let (a, empty, long, short) =
            (m.sound.root(32), m.sound.root(64), m.sound.root(96), m.sound.root(160));
        let root = String::new;
        let name = |name: &str| FaultKind::ShortName { folder: root(), name: name.into() };
        for (bytes, text) in [
            (b"a       TXT", "a       TXT"),
            (b"A       tXT", "A       tXT"),
            (b"        TXT", "        TXT"),
            (b" A      TXT", " A      TXT"),
            (b"A B     TXT", "A B     TXT"),
            (b"A       T T", "A       T T"),
            (b"A+      TXT", "A+      TXT"),
            (b"A.      TXT", "A.      TXT"),
            (b"A\x1f      TXT", "A\x1f      TXT"),
            (b"A\x7f      TXT", "A\x7f      TXT"),
        ] {
            m.row(text, |s| s.put(a, bytes), &[(a, DAMAGE, name(text))]);
        }
        for character in b"\"*,/:;<=>?[\\]|" {
            let text = format!("A{}      TXT", char::from(*character));
            let bytes = text.clone();
            m.row(&text, |s| s.put(a, bytes.as_bytes()), &[(a, DAMAGE, name(&text))]);
        }
        let twice = |name: &str| FaultKind::DuplicateName { folder: root(), name: name.into() };
        m.row(
            "two short names",
            |s| s.put(empty, b"A       TXT"),
            &[(empty, DAMAGE, twice("A.TXT"))],
        );
        // The long name's own short name, whose checksum then is another.
        let alias = m.sound.image.part(short, 11);
        m.row(
            "a short name that is another's alias",
            |s| s.put(empty, &alias),
            &[(short, DAMAGE, twice("Long name.text"))],
        );

        let order = |ordinal| FaultKind::LongOrder { folder: root(), ordinal };
        let slot = |field| FaultKind::LongSlot { folder: root(), field };
        m.row(
            "ordinal 3 for 2",
            |s| s.put(long, &[0x43]),
            &[(long, DAMAGE, order(0x43)), (long + 32, DAMAGE, order(0x01))],
        );
        m.row(
            "no last part",
            |s| s.put(long, &[0x02]),
            &[
                (long, UNTIDY, slot("filling")),
                (long, DAMAGE, order(0x02)),
                (long + 32, DAMAGE, order(0x01)),
            ],
        );
        m.row(
            "part 1 twice",
            |s| s.put(long, &[0x41]),
            &[(long, DAMAGE, order(0x41)), (long + 32, DAMAGE, order(0x01))],
        );
        m.row(
            "part 0",
            |s| s.put(long + 32, &[0x20]),
            &[(long, DAMAGE, order(0x42)), (long + 32, DAMAGE, order(0x20))],
        );
        m.row("part 1 deleted", |s| s.put(long + 32, &[0xE5]), &[(long, UNTIDY, order(0x42))]);
        m.row("part 2 deleted", |s| s.put(long, &[0xE5]), &[(long + 32, DAMAGE, order(0x01))]);
        m.row(
            "an orphan: the entry deleted alone",
            |s| s.put(short, &[0xE5]).link(8, 0),
            &[
                (long, UNTIDY, order(0x42)),
                (
                    m.sound.sector + 0x1E8,
                    UNTIDY,
                    FaultKind::FreeCount { found: m.sound.free, counted: m.sound.free + 1 },
                ),
            ],
        );
        let sum = m.sound.image.part(long + 0x0D, 1)[0];
        let checksum =
            |found, expected| FaultKind::LongChecksum { folder: root(), found, expected };
        let other = !sum;
        m.row(
            "checksums of another",
            |s| s.put(long + 0x0D, &[other]).put(long + 0x2D, &[other]),
            &[(long, DAMAGE, checksum(other, sum))],
        );
        m.row(
            "checksums that differ",
            |s| s.put(long + 0x2D, &[other]),
            &[(long, DAMAGE, order(0x42)), (long + 32, DAMAGE, order(0x01))],
        );
        for slot_at in [long, long + 32] {
            m.row(
                "type",
                |s| s.put(slot_at + 0x0C, &[1]),
                &[(slot_at + 0x0C, DAMAGE, slot("kind"))],
            );
            m.row(
                "cluster",
                |s| s.put(slot_at + 0x1A, &[1]),
                &[(slot_at + 0x1A, DAMAGE, slot("cluster"))],
            );
            m.row(
                "cluster",
                |s| s.put(slot_at + 0x1B, &[1]),
                &[(slot_at + 0x1A, DAMAGE, slot("cluster"))],
            );
        }
        m.row("filling", |s| s.put(long + 0x1E, &[0]), &[(long, UNTIDY, slot("filling"))]);
        let name = |name: &str| FaultKind::LongName { folder: root(), name: name.into() };
        for character in "\u{1}\u{1f}\"*/:<>?\\|".chars() {
            let text = format!("{character}ong name.text");
            let byte = [character as u8];
            m.row(&text, |s| s.put(long + 33, &byte), &[(long, DAMAGE, name(&text))]);
        }
        for end in [".", " "] {
            let text = format!("Long name.tex{end}");
            m.row(&text, |s| s.put(long + 1, end.as_bytes()), &[(long, DAMAGE, name(&text))]);
        }
        m.row(
            "half a pair",
            |s| s.put(long + 33, &[0x00, 0xD8]),
            &[(long, DAMAGE, name("\u{FFFD}ong name.text"))],
        );
        m.row(
            "no name at all",
            |s| {
                s.put(long, &[0xE5])
                    .put(long + 32, &[0x41])
                    .put(long + 33, &[0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
                    .put(long + 32 + 0x0E, &[0xFF; 12])
                    .put(long + 32 + 0x1C, &[0xFF; 4])
            },
            &[(long + 32, DAMAGE, name(""))],
        );
    });
}

#[test]
fn fields() {
    for_both(|m| {
        let a = m.sound.root(32);
        let field = |field, found| FaultKind::SlotField { path: "A.TXT".into(), field, found };
        let time = |field, found| FaultKind::Time { path: "A.TXT".into(), field, found };
        for byte in [0x40, 0x80, 0xE0] {
            let kind = field("attribute byte", byte);
            m.row(
                "attribute bits",
                |s| s.put(a + 0x0B, &[byte as u8]),
                &[(a + 0x0B, UNTIDY, kind)],
            );
        }
        for byte in [0x04, 0x20, 0x80] {
            let kind = field("case byte", byte);
            m.row("case bits", |s| s.put(a + 0x0C, &[byte as u8]), &[(a + 0x0C, UNTIDY, kind)]);
        }
        let kind = field("hundredths of creation", 200);
        m.row("hundredths", |s| s.put(a + 0x0D, &[200]), &[(a + 0x0D, UNTIDY, kind)]);
        let day = |month: u16, day: u16| 40 << 9 | month << 5 | day;
        for (at, name) in
            [(0x10, "creation date"), (0x12, "access date"), (0x18, "modification date")]
        {
            for date in [day(0, 1), day(13, 1), day(1, 0), day(2, 30), day(4, 31), 1] {
                m.row(
                    name,
                    |s| s.put(a + at, &date.to_le_bytes()),
                    &[(a + at, UNTIDY, time(name, date))],
                );
            }
        }
        m.row(
            "no date",
            |s| s.put(a + 0x18, &[0, 0]),
            &[(a + 0x18, UNTIDY, time("modification date", 0))],
        );
        for (at, name) in [(0x0E, "creation time"), (0x16, "modification time")] {
            for value in [24 << 11, 60 << 5, 30, 0xFFFF] {
                m.row(
                    name,
                    |s| s.put(a + at, &u16::to_le_bytes(value)),
                    &[(a + at, UNTIDY, time(name, value))],
                );
            }
        }
    });
}
