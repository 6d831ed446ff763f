//! Locations that are slow, or that give other bytes than before.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dp_content::{AccessKind, Cache, Content, ContentError, ContentEvent, ContentOptions};
use extent_image::ReadAt;

use crate::doubles::{Act, Scripted, bytes, content, id, lost, package};
use crate::flow::{kinds, read, source};

const MIB: usize = 1 << 20;
const BLOCK: usize = 256 * 1024;

fn fetched(location: &Scripted) -> u64 {
    location.opened().iter().map(|range| range.end - range.start).sum()
}

fn bad(content: &Content) -> Vec<String> {
    let bad = content.events().into_iter().filter(|event| event.kind() == "bad-copy");
    bad.map(|event| event.to_string()).collect()
}

#[test]
fn who_gives_a_byte_at_a_time_is_left_for_another() {
    let bytes = bytes(3 * MIB);
    for act in [Act::Cut(1), Act::Stall(1), Act::Early(1)] {
        let slow = Arc::new(Scripted::whole("A", &bytes).then(act));
        let good = Arc::new(Scripted::whole("B", &bytes));
        let (content, _) = content(&[&slow, &good]);
        assert!(read(&*source(&content), 0).unwrap() == bytes);
        assert_eq!(slow.opened().len(), 6);
        assert_eq!(good.opened(), std::slice::from_ref(&(6..3 * MIB as u64)));
    }
}

#[test]
fn who_breaks_off_often_is_left_for_another_if_there_is_one() {
    let bytes = bytes(30 * MIB);
    let often = || Scripted::whole("A", &bytes).then(Act::Cut(300_000));
    let (slow, good) = (Arc::new(often()), Arc::new(Scripted::whole("B", &bytes)));
    let (both, _) = content(&[&slow, &good]);
    assert!(read(&*source(&both), 0).unwrap() == bytes);
    assert_eq!((slow.opened().len(), good.opened().len()), (100, 1));

    // The other one turns out to be of no help.
    let slow = Arc::new(often());
    let none = Scripted::whole("B", &bytes).then(Act::Refuse(AccessKind::NotFound));
    let none = Arc::new(none);
    let (both, _) = content(&[&slow, &none]);
    assert!(read(&*source(&both), 0).unwrap() == bytes);
    assert_eq!(slow.opened().len(), (30 * MIB).div_ceil(300_000));

    let slow = Arc::new(often());
    let (alone, _) = content(&[&slow]);
    assert!(read(&*source(&alone), 0).unwrap() == bytes);
}

#[test]
fn bytes_damaged_on_the_way_are_found_though_the_copy_is_right() {
    let bytes = bytes(6 * MIB);
    let at = 4 * MIB + 5;
    // Short, long, and what lies before a stream that somebody goes on with.
    for (from, count) in [(4 * MIB, 100), (3 * MIB, 3 * MIB), (0, 5 * MIB)] {
        for again in [false, true] {
            let only = Arc::new(Scripted::whole("A", &bytes).acts([Act::Damaged(at)]));
            let (content, _) = content(&[&only]);
            let source = source(&content);
            let part = |count: usize| {
                let mut part = vec![0; count];
                source.open(from as u64).unwrap().read_exact(&mut part).unwrap();
                part == bytes[from..from + count]
            };
            assert!(!part(count));
            if from == 0 {
                // Another reading, from the start.
                assert!(read(&*source, 0).unwrap() == bytes);
            }
            let error = content.settle().unwrap_err();
            assert!(matches!(error, ContentError::BadCopy { .. }), "{error}");
            assert!(content.can_go_on());
            let told = bad(&content);
            assert!(told.len() == 1 && told[0].contains("came right since"), "{told:?}");
            assert_eq!(content.bad_copies(), 1);
            if again {
                only.set(Act::Damaged(at));
                assert!(!part(count));
                only.set(Act::Serve);
                let error = content.settle().unwrap_err();
                assert!(matches!(error, ContentError::WrongDigest { .. }), "{error}");
                assert!(!content.can_go_on());
            } else {
                assert!(part(count));
                content.settle().unwrap();
            }
        }
    }
}

/// A name that stands for several servers, one of which has a damaged copy.
#[test]
fn two_copies_behind_one_name() {
    let bytes = bytes(3 * MIB);
    // The whole comes first, the damaged range later, and again when it is looked at.
    let acts = [Act::Serve, Act::Damaged(MIB), Act::Damaged(MIB)];
    let only = Arc::new(Scripted::whole("A", &bytes).acts(acts));
    let (content, _) = content(&[&only]);
    let source = source(&content);
    assert!(read(&*source, 0).unwrap() == bytes);
    let mut some = [0; 10];
    source.read_exact_at(&mut some, MIB as u64).unwrap();
    assert!(some != bytes[MIB..MIB + 10]);
    let error = content.settle().unwrap_err();
    assert!(matches!(error, ContentError::BadCopy { .. }), "{error}");
    let opened = only.opened().len();
    assert_eq!(opened, 3);
    source.read_exact_at(&mut some, MIB as u64).unwrap();
    assert!(some == bytes[MIB..MIB + 10]);
    // What is held needs no traffic to be looked at.
    content.settle().unwrap();
    assert_eq!(only.opened().len(), opened + 1);
}

#[test]
fn what_is_read_of_a_verified_file_costs_little_to_settle() {
    let bytes = bytes(32 * MIB);
    let only = Arc::new(Scripted::whole("A", &bytes));
    let (content, _) = content(&[&only]);
    let source = source(&content);
    assert!(read(&*source, 0).unwrap() == bytes);
    let mut start = vec![0; 20 * MIB + 7];
    source.open(0).unwrap().read_exact(&mut start).unwrap();
    let before = fetched(&only);
    content.settle().unwrap();
    assert!(fetched(&only) - before <= BLOCK as u64, "{:?}", only.opened());
}

#[test]
fn what_was_given_is_remembered_when_the_rest_fails() {
    let bytes = bytes(8 * MIB);
    let first = Arc::new(Scripted::whole("A", &bytes).flipped(MIB));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, _) = content(&[&first, &second]);
    let source = source(&content);
    let mut start = vec![0; 3 * MIB];
    source.open(0).unwrap().read_exact(&mut start).unwrap();
    assert!(start != bytes[..3 * MIB]);
    first.set(Act::Refuse(lost()));
    second.set(Act::Refuse(lost()));
    let behind = (3 * MIB + 600 * 1024) as u64;
    source.open(behind).unwrap().read_exact(&mut start[..MIB]).unwrap_err();
    first.set(Act::Refuse(AccessKind::NotFound));
    second.set(Act::Serve);
    assert!(matches!(content.settle().unwrap_err(), ContentError::BadCopy { .. }));
}

#[test]
fn the_one_of_several_that_gave_wrong_bytes_is_blamed() {
    let bytes = bytes(6 * MIB);
    let gone = || Act::Refuse(AccessKind::NotFound);
    let first = Scripted::whole("A", &bytes).acts([Act::Early(2 * MIB)]).then(gone());
    let bad = Scripted::whole("B", &bytes).flipped(2 * MIB + 500_000);
    let [first, bad] = [first, bad].map(Arc::new);
    let good = Arc::new(Scripted::whole("C", &bytes));
    let (content, _) = content(&[&first, &bad, &good]);
    let source = source(&content);
    let mut most = vec![0; 4 * MIB];
    // Of A and B, and held open.
    let mut reader = source.open(0).unwrap();
    reader.read_exact(&mut most).unwrap();
    bad.set(gone());
    assert!(read(&*source, 0).unwrap() == bytes);
    first.set(Act::Serve);
    bad.set(Act::Serve);
    drop(reader);
    let error = content.settle().unwrap_err();
    assert!(matches!(&error, ContentError::BadCopy { location, .. } if location == "B"), "{error}");
}

#[test]
fn a_block_that_came_is_given_though_the_next_ones_did_not() {
    let bytes = bytes(4 * MIB);
    let acts = [Act::Serve, Act::Early(BLOCK + 1000)];
    let only = Scripted::whole("A", &bytes).acts(acts).then(Act::Refuse(AccessKind::NotFound));
    let (content, _) = content(&[&Arc::new(only)]);
    let source = source(&content);
    let mut some = [0; 10];
    for at in [2 * MIB, 2 * MIB + BLOCK] {
        source.read_exact_at(&mut some, at as u64).unwrap();
        assert_eq!(some, bytes[at..at + 10]);
    }
}

#[test]
fn bad_copies_are_told_however_much_was_told_before() {
    let bytes = bytes(1 << 16);
    let first = Arc::new(Scripted::whole("A", &bytes).flipped(5).then(Act::Cut(30_000)));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, _) = content(&[&first, &second]);
    let source = source(&content);
    let mut some = [0; 10];
    first.set(Act::Cut(0));
    for _ in 0..3000 {
        // One in vain, then half a block that is not kept.
        let _ = source.read_exact_at(&mut some, 5);
    }
    first.set(Act::Serve);
    let kept = content.events().len();
    let _ = read(&*source, 0);
    let _ = content.settle();
    assert!(kept <= 11_000, "{kept}");
    assert_eq!(bad(&content).len(), content.bad_copies());
}

#[test]
fn reading_can_be_cancelled() {
    let only = Arc::new(Scripted::whole("A", &bytes(4 * MIB)));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let options =
        ContentOptions::new().with_cancelled(move || count.fetch_add(1, Ordering::Relaxed) >= 5);
    let content = Content::with_locations(vec![Arc::clone(&only) as _], options);
    let source = source(&content);
    let error = read(&*source, 0).map(|all| all.len()).unwrap_err();
    assert_eq!(ContentError::in_io(&error), Some(&ContentError::Cancelled));
    assert_eq!(content.settle(), Err(ContentError::Cancelled));
    assert!(content.events().is_empty());
}

#[test]
fn files_left_half_read_do_not_stay_open_in_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
    let data: Vec<Vec<u8>> = (0..100).map(|n| bytes(MIB + n)).collect();
    let list: Vec<_> = names.iter().zip(&data).map(|(n, b)| (n.as_str(), &b[..], true)).collect();
    let mut location = Scripted::new("A", package(&list), data[0].clone());
    for (name, bytes) in names.iter().zip(&data) {
        location = location.file(name, bytes);
    }
    let cache = Cache::open(folder.path(), Cache::DEFAULT_LIMIT).unwrap();
    cache.leave_free(0);
    let options = ContentOptions::new().with_cache(cache);
    let content = Content::with_locations(vec![Arc::new(location)], options);
    let found = content.find(&[id()]).unwrap();
    let mut some = vec![0; BLOCK];
    for file in found[0].files() {
        file.source().open(0).unwrap().read_exact(&mut some).unwrap();
    }
    let coming = walk(folder.path()).iter().filter(|name| name.ends_with("part")).count();
    assert!(coming <= 32, "{coming}");
    content.settle().unwrap();
    assert!(kinds(&content).is_empty(), "{:?}", content.events());
    assert!(content.events().iter().all(|event| !matches!(event, ContentEvent::Cache { .. })));
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .flat_map(|entry| match entry.path().is_dir() {
            true => walk(&entry.path()),
            false => vec![entry.file_name().into_string().unwrap()],
        })
        .collect()
}
