//! One defect of Rock Ridge planted at a time: each must be flagged where it is.

use iso9660_image::check::FaultKind;
use iso9660_image::{Format, RockRidge, TreeKind};

use crate::build::{assert_clean, faults, image, options, pattern, read_back, tree};

/// Names that go on in continuation areas.
fn long(letter: char) -> String {
    letter.to_string().repeat(200)
}

fn disc() -> Vec<u8> {
    let files = [("d/e/f.txt", 10), ("aa", 20), ("bb", 30)];
    let long = ['x', 'y'].map(|letter| (long(letter), 40));
    let all = files.map(|(name, len)| (name.to_owned(), len)).into_iter().chain(long);
    let all: Vec<(String, Vec<u8>)> = all.map(|(name, len)| (name, pattern(len))).collect();
    let all: Vec<_> = all.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    let options = options().with_rock_ridge(RockRidge::ReadOnly).with_format(Format::Bridge);
    image(&tree(&all), &options)
}

/// Where the `number`th of these bytes begins, counted from 0.
#[track_caller]
fn find(image: &[u8], bytes: &[u8], number: usize) -> usize {
    let mut found = image.windows(bytes.len()).enumerate().filter(|(_, at)| *at == bytes);
    found.nth(number).expect("not there").0
}

/// The entry with this signature in the system use field of the record with this identifier.
#[track_caller]
fn entry(image: &[u8], identifier: &[u8], signature: &[u8]) -> usize {
    let record = record(image, identifier);
    let end = record + usize::from(image[record]);
    let mut at = (record + 33 + identifier.len()).next_multiple_of(2);
    while at + 4 <= end {
        if image[at..].starts_with(signature) {
            return at;
        }
        at += usize::from(image[at + 2]);
    }
    panic!("no {signature:?}");
}

/// The first record with this identifier.
#[track_caller]
fn record(image: &[u8], identifier: &[u8]) -> usize {
    let mut id = vec![u8::try_from(identifier.len()).unwrap()];
    id.extend(identifier);
    // A record's length in front tells it from path tables, which have no such byte there.
    let found = (0..).map(|number| find(image, &id, number));
    let mut found = found.map(|at| at - 32).filter(|at| image[at + 28..at + 32] == [1, 0, 0, 1]);
    found.next().unwrap()
}

#[track_caller]
fn planted(plant: impl FnOnce(&mut Vec<u8>) -> usize, is: impl Fn(&FaultKind) -> bool) {
    let mut image = disc();
    assert_clean(&image);
    let position = plant(&mut image) as u64;
    let found = faults(&image);
    match found.iter().find(|fault| is(&fault.kind)) {
        Some(fault) => assert_eq!(fault.position, position, "{found:#?}"),
        None => panic!("not flagged: {found:#?}"),
    }
}

/// The same for a fault that is nothing but a text.
#[track_caller]
fn told(text: &str, plant: impl FnOnce(&mut Vec<u8>) -> usize) {
    planted(plant, |kind| matches!(kind, FaultKind::RockRidge { what } if what.contains(text)));
}

fn put_both(image: &mut [u8], at: usize, value: u32) {
    image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    image[at + 4..at + 8].copy_from_slice(&value.to_be_bytes());
}

#[test]
fn protocol_and_reference() {
    told("no valid SP", |image| {
        let at = find(image, b"SP\x07\x01\xBE\xEF", 0);
        image[at + 4] = 0;
        at
    });
    // Whichever byte of the signature it is.
    for byte in 0..2 {
        told("no valid SP", |image| {
            let at = find(image, b"SP\x07\x01\xBE\xEF", 0);
            image[at + byte] ^= 0x20;
            at
        });
    }
    planted(
        |image| {
            let at = entry(image, b"AA.;1", b"NM");
            image[at + 5] = b'j';
            record(image, b"AA.;1")
        },
        |kind| matches!(kind, FaultKind::OtherName { tree: TreeKind::RockRidge, name } if name == "aa"),
    );
    told("ER is there once", |image| {
        let at = find(image, b"ER\xB9\x01", 0);
        image[at] = b'X';
        find(image, b"SP\x07\x01\xBE\xEF", 0) - 34
    });
    told("the lengths in ER", |image| {
        let at = find(image, b"ER\xB9\x01", 0) + 4;
        image[at + 1] += 1;
        at
    });
    told("in the root's own record only", |image| {
        let at = entry(image, b"AA.;1", b"TF");
        image[at..at + 12].copy_from_slice(b"ER\x0C\x01\0\0\0\x01XX\x04\x01");
        at
    });
    planted(
        |image| {
            let at = entry(image, b"AA.;1", b"NM") + 3;
            image[at] = 2;
            at
        },
        |kind| matches!(kind, FaultKind::Value { what: "version of a system use entry", .. }),
    );
    planted(
        |image| {
            let at = entry(image, b"AA.;1", b"NM");
            image[at + 2] = 40;
            at
        },
        |kind| matches!(kind, FaultKind::SystemUse { length: 40, .. }),
    );
}

#[test]
fn attributes() {
    for field in 0..5 {
        planted(
            |image| {
                let at = entry(image, b"AA.;1", b"PX") + 4 + 8 * field;
                image[at + 7] ^= 1;
                at
            },
            |kind| matches!(kind, FaultKind::Halves { what, .. } if what.ends_with("PX")),
        );
    }
    told("agree on what is a folder", |image| {
        let at = entry(image, b"AA.;1", b"PX") + 4;
        put_both(image, at, 0o040_555);
        record(image, b"AA.;1")
    });
    told("one PX entry", |image| {
        let at = entry(image, b"AA.;1", b"PX");
        image[at] = b'Q';
        record(image, b"AA.;1")
    });
}

#[test]
fn names() {
    told("NM has the flags", |image| {
        let at = entry(image, b"AA.;1", b"NM") + 4;
        image[at] = 0x10;
        at
    });
    told("has a next NM entry", |image| {
        let at = entry(image, b"AA.;1", b"NM");
        image[at + 4] = 1;
        at
    });
    told("holds no /", |image| {
        let at = entry(image, b"AA.;1", b"NM") + 5;
        image[at] = b'/';
        at
    });
    planted(
        |image| {
            let at = entry(image, b"BB.;1", b"NM") + 5;
            image[at..at + 2].copy_from_slice(b"aa");
            record(image, b"BB.;1")
        },
        |kind| matches!(kind, FaultKind::Duplicate { .. }),
    );
    planted(
        |image| {
            let [a, b] = [b"AA.;1", b"BB.;1"].map(|id| entry(image, id, b"NM") + 5);
            image[a..a + 2].copy_from_slice(b"bb");
            image[b..b + 2].copy_from_slice(b"aa");
            record(image, b"AA.;1")
        },
        |kind| {
            let pair = (TreeKind::RockRidge, TreeKind::Joliet);
            matches!(kind, FaultKind::NamesSwapped { tree, other, .. } if (*tree, *other) == pair)
        },
    );
}

#[test]
fn times() {
    planted(
        |image| {
            let at = entry(image, b"AA.;1", b"TF") + 6;
            image[at] = 13;
            at - 1
        },
        |kind| matches!(kind, FaultKind::Date { .. }),
    );
    planted(
        |image| {
            let at = entry(image, b"AA.;1", b"TF");
            image[at + 4] = 3;
            at + 2
        },
        |kind| matches!(kind, FaultKind::Value { found: 12, expected: 19, .. }),
    );
}

#[test]
fn continuation_areas() {
    let first = format!("{}.;1", long('X').split_at(30).0).into_bytes();
    let second = format!("{}.;1", long('Y').split_at(30).0).into_bytes();
    let ce = |image: &[u8], id: &[u8]| entry(image, id, b"CE");
    planted(
        |image| {
            let at = ce(image, &first) + 12;
            image[at + 7] ^= 1;
            at
        },
        |kind| matches!(kind, FaultKind::Halves { what: "offset of a continuation area", .. }),
    );
    told("outside the image", |image| {
        let at = ce(image, &first) + 4;
        put_both(image, at, 1_000_000);
        at
    });
    told("crosses the end of its sector", |image| {
        let at = ce(image, &first) + 12;
        put_both(image, at, 2000);
        at
    });
    told("overlap", |image| {
        let [from, to] = [&first, &second].map(|id| ce(image, id) + 12);
        let offset = u32::from_le_bytes(image[from..from + 4].try_into().unwrap());
        put_both(image, to, offset + 1);
        to - 12
    });
    // Over the content of a file.
    planted(
        |image| {
            let at = ce(image, &first) + 4;
            let file = record(image, b"AA.;1") + 2;
            let lba = u32::from_le_bytes(image[file..file + 4].try_into().unwrap());
            put_both(image, at, lba);
            at - 4
        },
        |kind| matches!(kind, FaultKind::Overlap { .. }),
    );
    told("lead back", |image| {
        // The name gives way to an entry that leads to where it stands.
        let at = ce(image, &first);
        let entry = image[at..at + 28].to_vec();
        let number = |at: usize| u32::from_le_bytes(entry[at..at + 4].try_into().unwrap()) as usize;
        let area = number(4) * 2048 + number(12);
        image[area..area + 28].copy_from_slice(&entry);
        area
    });
}

/// An entry of twelve bytes in the place of the time.
fn in_place_of_time(image: &mut [u8], identifier: &[u8], entry_of: [u8; 2], lba: u32) {
    let at = entry(image, identifier, b"TF");
    image[at..at + 4].copy_from_slice(&[entry_of[0], entry_of[1], 12, 1]);
    put_both(image, at + 4, lba);
}

#[test]
fn moved_folders() {
    told("CL leads to no folder", |image| {
        in_place_of_time(image, b"AA.;1", *b"CL", 20);
        record(image, b"AA.;1")
    });
    told("CL is in a record that is no folder's", |image| {
        in_place_of_time(image, b"D", *b"CL", 20);
        record(image, b"D")
    });
    told("PL is in the record of the parent", |image| {
        in_place_of_time(image, b"AA.;1", *b"PL", 20);
        record(image, b"AA.;1")
    });
    told("that no CL leads to", |image| {
        let at = entry(image, b"E", b"TF");
        image[at..at + 12].copy_from_slice(b"RE\x04\x01PD\x08\x01\0\0\0\0");
        record(image, b"E")
    });
    told("PL is in a folder without RE", |image| {
        in_place_of_time(image, &[1], *b"PL", 20);
        entry(image, &[1], b"PL")
    });
}

#[test]
fn a_moved_folder_is_listed_where_it_belongs() {
    // `e` goes from `d` to where `aa` was: `aa` becomes its place, `e` is marked as moved.
    let mut image = disc();
    let lba = |image: &[u8], id: &[u8]| {
        let at = record(image, id) + 2;
        u32::from_le_bytes(image[at..at + 4].try_into().unwrap())
    };
    let folder = lba(&image, b"E");
    in_place_of_time(&mut image, b"AA.;1", *b"CL", folder);
    let at = entry(&image, b"E", b"TF");
    image[at..at + 12].copy_from_slice(b"RE\x04\x01PD\x08\x01\0\0\0\0");
    let found = read_back(&image, TreeKind::RockRidge);
    assert_eq!(found["aa/f.txt"], Some(pattern(10)));
    assert!(found.contains_key("d") && !found.contains_key("d/e"));
    let back = |fault: &FaultKind| matches!(fault, FaultKind::RockRidge { what } if what.contains("does not lead back"));
    assert!(faults(&image).iter().any(|fault| back(&fault.kind)));
}
