//! Sets laid out with the real planner, over sources that are only lengths.

use std::io;

use extent_image::{Attributes, Timestamp};
use iso9660_image::{Format, ImageOptions, plan, sectors_needed};
use media_model::MediaLabel;
use proptest::prelude::*;

use super::*;
use crate::tree::compose::compose;

/// Bytes that nobody reads.
struct Blank(u64);

impl Source for Blank {
    fn len(&self) -> u64 {
        self.0
    }

    fn open(&self, _: u64) -> io::Result<Box<dyn io::Read + Send + '_>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn describe(&self) -> String {
        "blank".to_owned()
    }
}

fn blank(len: u64) -> Data {
    Data::Source(Arc::new(Blank(len)))
}

const TIME: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const MIB: u64 = 1 << 20;

/// Media with a boot image of a mebibyte, and `added` as group, path and length (`None`: a folder).
fn facts(added: &[(usize, &str, Option<u64>)]) -> Facts {
    let added = added.iter().map(|(group, path, len)| Added {
        path: MediaPath::new(path).unwrap(),
        modified: TIME,
        data: len.map(blank),
        origin: format!("host of {path}"),
        attributes: Attributes::default(),
        group: *group,
    });
    Facts {
        label: MediaLabel::default(),
        architecture: "x64".into(),
        hybrid: false,
        boot_code: None,
        boot_image: blank(MIB),
        boot_image_modified: TIME,
        boot_files: Vec::new(),
        media_data: Vec::new(),
        added: added.collect(),
        joins: vec![],
        newest_allowed: None,
        known: Vec::new(),
        holds_password: false,
    }
}

fn options() -> ImageOptions {
    ImageOptions::from_label("x").with_format(Format::Bridge).with_strict_joliet(true)
}

fn sectors(composed: &Composed) -> Result<u64, Error> {
    Ok(sectors_needed(&composed.tree, &options())?)
}

fn lay_out(facts: &Facts, capacity: u64, split_files: bool) -> Result<MediaSet, Error> {
    let composed = compose(facts).unwrap();
    let single = sectors(&composed).unwrap();
    let set = SetOptions { capacity, split_files, sectors_per_file: 1, single };
    MediaSet::new(facts.clone(), &composed.added, &set, &mut { sectors })
}

/// Every volume: its paths, after it was held against all that a set promises.
#[track_caller]
fn volumes(set: &MediaSet, capacity: u64) -> Vec<Vec<String>> {
    let mut listed = None;
    let mut found = Vec::new();
    for number in std::iter::once(1).chain(set.numbers_after_first()) {
        let composed = set.compose(number).unwrap();
        let image = plan(&composed.tree, &options().with_capacity_sectors(Some(capacity))).unwrap();
        assert_eq!(image.sectors(), sectors(&composed).unwrap());
        let tree = &composed.tree;
        let mut paths = Vec::new();
        let mut lens = HashMap::new();
        for node in tree.walk().skip(1) {
            let path = tree.path(node);
            match tree.data(node) {
                Some(data) => drop(lens.insert(path.clone(), data.len())),
                None if !tree.children(node).is_empty() => continue,
                None => {}
            }
            paths.push(path);
        }
        let json = tree.walk().find(|node| tree.path(*node) == DESCRIPTION).unwrap();
        let Some(Data::Source(json)) = tree.data(json) else { panic!("no description") };
        let said: Description = serde_json::from_reader(json.open(0).unwrap()).unwrap();
        assert_eq!((said.volume, said.volumes as usize), (number.into(), set.volumes.len()));
        assert_eq!(said, composed.description);
        let here = said.files.iter().filter(|file| file.volume == u32::from(number));
        for file in here.clone() {
            assert_eq!(lens.remove(&file.path), Some(file.size), "{}", file.path);
        }
        let own: Vec<_> = lens.into_keys().filter(|p| p != DESCRIPTION && p != MANIFEST).collect();
        assert!(own.is_empty(), "not listed: {own:?}");
        let all = (said.set_id, said.files, said.joins);
        assert_eq!(*listed.get_or_insert_with(|| all.clone()), all);
        paths.retain(|path| path != DESCRIPTION && path != MANIFEST);
        found.push(paths);
    }
    found
}

/// Sectors of an empty volume, about, and of each mebibyte.
const BARE: u64 = 450;
const SECTORS: u64 = MIB / 2048;

#[test]
fn groups_stay_whole_and_files_fill_what_is_left() {
    let facts = facts(&[
        (0, "Big/a", Some(3 * MIB)),
        (0, "Big/b", Some(3 * MIB)),
        (0, "Big/c", Some(2 * MIB)),
        (1, "Mid/a", Some(2 * MIB)),
        (1, "Mid/b", Some(MIB)),
        (2, "Small/a", Some(MIB)),
        (2, "Small/none", None),
    ]);
    let capacity = BARE + 5 * SECTORS;
    let set = lay_out(&facts, capacity, false).unwrap();
    assert_eq!(
        volumes(&set, capacity),
        [
            vec!["Big/a", "MediaLabel.txt", "Small/a", "Small/none", "sources/boot.wim"],
            vec!["Big/b", "Big/c"],
            vec!["Mid/a", "Mid/b"],
        ]
    );
    assert_eq!(set.id, lay_out(&facts, capacity, false).unwrap().id);
    // The same files laid out otherwise are another set.
    assert_ne!(set.id, lay_out(&facts, capacity + SECTORS, false).unwrap().id);
}

#[test]
fn folders_keep_their_first_case_and_only_empty_ones_are_asked_for() {
    let facts = facts(&[
        (0, "Tools", None),
        (0, "Tools/a", Some(3 * MIB)),
        (1, "TOOLS/b", Some(3 * MIB)),
        (1, "TOOLS/Empty", None),
        (2, "tools/empty", None),
    ]);
    let capacity = BARE + 5 * SECTORS;
    let found = volumes(&lay_out(&facts, capacity, false).unwrap(), capacity);
    assert_eq!(found.concat().iter().filter(|path| *path == "Tools/Empty").count(), 1);
    for path in ["Tools/a", "Tools/b"] {
        assert!(found.iter().any(|volume| volume.iter().any(|p| p == path)), "{found:?}");
    }
}

#[test]
fn a_file_larger_than_a_disc_is_refused_with_the_size_that_would_do() {
    let capacity = BARE + 4 * SECTORS;
    // The last has fewer bytes than the disc, but not than the disc with a file system.
    for size in [9 * MIB + 1, 4 * MIB + MIB / 2, capacity * 2048 - 1000] {
        let facts = facts(&[(0, "Images/data.bin", Some(size)), (1, "x", Some(1))]);
        let error = lay_out(&facts, capacity, false).map(drop).unwrap_err();
        let Error::Span(SpanError::File { path, len, needed, allowed, smallest }) = error else {
            panic!("{error}")
        };
        assert_eq!((&*path, len, allowed), (r"\Images\data.bin", size, capacity));
        assert!(needed > size / 2048);
        let enough = smallest.sectors().unwrap();
        volumes(&lay_out(&facts, enough, false).unwrap(), enough);
        assert!(lay_out(&facts, enough - SECTORS, false).is_err());
    }
}

#[test]
fn split_files_have_parts_that_fill_discs() {
    let facts = facts(&[
        (0, "data.bin", Some(9 * MIB + 1)),
        (0, "more.bin", Some(5 * MIB)),
        (1, "Small/a", Some(MIB)),
    ]);
    let capacity = BARE + 4 * SECTORS;
    let set = lay_out(&facts, capacity, true).unwrap();
    let found = volumes(&set, capacity);
    assert_eq!(found.len(), 4, "{found:?}");
    let joins: Vec<_> = set
        .description
        .joins
        .iter()
        .map(|join| (&*join.path, join.size, join.parts.len()))
        .collect();
    assert_eq!(joins, [("data.bin", 9 * MIB + 1, 3), ("more.bin", 5 * MIB, 2)]);
    assert_eq!(set.description.joins[0].parts[2], "data.bin.003");
    let sizes = |name: &str| -> Vec<u64> {
        let files = set.description.files.iter().filter(|file| file.path.starts_with(name));
        files.map(|file| file.size).collect()
    };
    for (name, len) in [("data.bin.", 9 * MIB + 1), ("more.bin.", 5 * MIB)] {
        let sizes = sizes(name);
        assert_eq!(sizes.iter().sum::<u64>(), len);
        // All but the last fill a disc, and begin where blocks can be shared.
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == sizes[0] && size % 4096 == 0));
    }
    assert_eq!(set.warnings().count(), 2);
}

#[test]
fn a_part_is_not_where_another_file_or_folder_is() {
    let capacity = BARE + 4 * SECTORS;
    for (other, len) in [
        ("data.bin.001", Some(1)),
        ("Data.BIN.003", Some(3 * MIB)),
        ("data.bin.002/below", Some(1)),
        ("data.bin.002", None),
        // Cut too: what its parts are joined to would be one of ours.
        ("data.bin.001", Some(5 * MIB)),
    ] {
        let added = [(0, "data.bin", Some(9 * MIB)), (1, other, len)];
        let error = lay_out(&facts(&added), capacity, true).map(drop).unwrap_err();
        let Error::Compose(ComposeError::Collision(collision)) = &error else { panic!("{error}") };
        let mut origins = [&*collision.first, &*collision.second];
        origins.sort_unstable();
        assert_eq!(origins, ["a part of host of data.bin".to_owned(), format!("host of {other}")]);
    }
    let added = [(0, "data.bin", Some(9 * MIB)), (1, "data.bin.004", Some(1))];
    volumes(&lay_out(&facts(&added), capacity, true).unwrap(), capacity);
}

#[test]
fn a_first_disc_that_is_too_small_is_refused_with_the_size_that_would_do() {
    let facts = facts(&[(0, "a", Some(3 * MIB)), (1, "b", Some(5 * MIB))]);
    for (capacity, split) in [(BARE, false), (BARE, true), (10, false), (0, true)] {
        let error = lay_out(&facts, capacity, split).map(drop).unwrap_err();
        let Error::Span(SpanError::FirstVolume { needed, allowed, smallest }) = error else {
            panic!("{error}")
        };
        assert!(needed > SECTORS && allowed == capacity);
        let enough = smallest.sectors().unwrap();
        volumes(&lay_out(&facts, enough, split).unwrap(), enough);
        assert!(lay_out(&facts, enough - SECTORS, split).is_err());
    }
}

#[test]
fn ten_discs_need_two_digits() {
    let paths: Vec<String> = (0..25).map(|n| format!("g{n:02}/f")).collect();
    let added: Vec<_> =
        paths.iter().enumerate().map(|(n, path)| (n, path.as_str(), Some(2 * MIB))).collect();
    let capacity = BARE + 4 * SECTORS;
    let found = volumes(&lay_out(&facts(&added), capacity, false).unwrap(), capacity);
    // Two on each but the first, which holds the boot image: the number has two digits.
    assert_eq!(found.len(), 13);
}

#[test]
fn parts_without_valid_names_and_sets_without_end_are_refused() {
    let long = MediaPath::new(&"x".repeat(252)).unwrap();
    let error = numbered_path(&long, 1).map_err(|e| part_name_error(&long, e)).unwrap_err();
    assert!(matches!(error, Error::Span(SpanError::PartName { .. })), "{error}");
    let error = lay_out(&facts(&[(0, "x", Some(200 << 30))]), BARE + 2 * SECTORS, true).map(drop);
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Span(SpanError::TooManyVolumes { .. })), "{error}");
}

#[test]
fn thousands_of_files_take_few_measurements() {
    let paths: Vec<String> = (0..3000).map(|n| format!("d{}/f{n}", n % 40)).collect();
    let added: Vec<_> = paths
        .iter()
        .enumerate()
        .map(|(n, path)| (0, path.as_str(), Some(1 + (n as u64 * 7919) % 9000)))
        .collect();
    let facts = facts(&added);
    let composed = compose(&facts).unwrap();
    let single = sectors(&composed).unwrap();
    let capacity = BARE + 7 * SECTORS;
    let set = SetOptions { capacity, split_files: false, sectors_per_file: 1, single };
    let mut calls = 0;
    let set = MediaSet::new(facts, &composed.added, &set, &mut |composed: &Composed| {
        calls += 1;
        sectors(composed)
    });
    let set = set.unwrap();
    let found = volumes(&set, capacity);
    assert_eq!(found.len() as u64, (single - BARE).div_ceil(7 * SECTORS), "{} discs", found.len());
    assert!(calls < 60 * found.len(), "{calls} for {} discs", found.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_content_is_laid_out_whole(
        files in prop::collection::vec((0..5usize, 0..4u8, 0..3 * MIB, any::<bool>()), 1..40),
        spare in 0..SECTORS,
        split in any::<bool>(),
    ) {
        let rows: Vec<(usize, String, Option<u64>)> = files
            .iter()
            .enumerate()
            .map(|(at, (group, folder, len, tiny))| {
                let path = format!("{}f{at}", ["", "a/", "a/b/c/", "d/"][usize::from(*folder)]);
                (*group, path, Some(if *tiny { len % 5000 } else { *len }))
            })
            .collect();
        let rows: Vec<_> = rows.iter().map(|(g, path, len)| (*g, path.as_str(), *len)).collect();
        let facts = facts(&rows);
        // Room for the boot image, and for every file or, when they may be split, not quite.
        let capacity = BARE + spare + if split { 2 } else { 3 } * SECTORS;
        let set = match lay_out(&facts, capacity, split) {
            Ok(set) => set,
            Err(Error::Span(SpanError::File { smallest, .. })) if !split => {
                prop_assert!(smallest.sectors().unwrap() > capacity);
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        let found = volumes(&set, capacity);
        let mut all: Vec<&String> = found.iter().flatten().collect();
        all.sort();
        prop_assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
        prop_assert_eq!(all.len(), set.draft.pieces.len() + 2);
        prop_assert_eq!(set.description.joins.is_empty() || split, true);
        for group in 0..5 {
            let members: Vec<usize> = (0..set.draft.pieces.len())
                .filter(|at| set.draft.pieces[*at].added.group == group)
                .collect();
            let alone = set.draft.sectors(OTHER, &members, &mut { sectors }).unwrap();
            let on = |volume: &Vec<usize>| members.iter().filter(|at| volume.contains(at)).count();
            let whole = set.volumes.iter().any(|volume| on(volume) == members.len());
            prop_assert!(whole || alone > capacity, "group {} is divided", group);
        }
        prop_assert_eq!(&set.id, &lay_out(&facts, capacity, split).unwrap().id);
    }
}
