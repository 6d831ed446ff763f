//! Files of packages, whatever happens on the way.

use std::io::{self, Read};
use std::slice;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dp_content::{AccessError, AccessKind, Content, ContentError, ContentEvent, ContentOptions};
use extent_image::{ReadAt, Source};

use crate::doubles::{Act, Scripted, bytes, content, id, lost, package};

const MIB: usize = 1 << 20;

pub(crate) fn source(content: &Content) -> Arc<dyn Source> {
    let found = content.find(&[id()]).unwrap();
    Arc::clone(found[0].files()[0].source())
}

/// Reads as streams do, much at once.
pub(crate) fn read(source: &dyn Source, from: u64) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut reader = source.open(from)?;
    let mut buf = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buf)? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}

fn read_error(source: &dyn Source, from: u64) -> ContentError {
    let error = read(source, from).map(|all| all.len()).unwrap_err();
    ContentError::in_io(&error).unwrap_or_else(|| panic!("{error}")).clone()
}

pub(crate) fn kinds(content: &Content) -> Vec<&'static str> {
    content.events().iter().map(ContentEvent::kind).collect()
}

#[test]
fn twenty_cuts_then_a_dead_location() {
    let bytes = bytes(8 * MIB + 7);
    let cuts = (1..=20).map(|n| Act::Cut(256 * 1024 + n * 7919));
    let first = Arc::new(Scripted::whole("A", &bytes).acts(cuts).then(Act::Refuse(lost())));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, waits) = content(&[&first, &second]);
    assert!(read(&*source(&content), 0).unwrap() == bytes);
    assert_eq!(second.asked(), 0);
    let opened = first.opened();
    // The very next byte each time, and never again from the start.
    let mut at = 0;
    for (n, range) in opened.iter().skip(1).take(20).enumerate() {
        at = if n == 0 { opened[0].start } else { at };
        at += (256 * 1024 + (n + 1) * 7919) as u64;
        assert_eq!(range.start, at, "{n}");
    }
    assert_eq!(second.opened(), slice::from_ref(&(at..bytes.len() as u64)));
    // 20 cuts, and the tries that are allowed in vain.
    assert_eq!(opened.len(), 20 + 5);
    assert_eq!(kinds(&content), [vec!["resumed"; 24], vec!["fell-over"]].concat());
    let waits = waits.lock().unwrap();
    assert_eq!(waits[..20], [Duration::from_millis(500); 20]);
    assert_eq!(waits[20..], [1, 2, 4, 8].map(Duration::from_secs));
    let last = content.events().last().unwrap().to_string();
    assert_eq!(
        last,
        format!(
            "boot.wim of PS100005.3: from byte {at} on from B instead of A: A: the connection broke: reset"
        )
    );
    content.settle().unwrap();
    assert!(!content.can_go_on());
}

#[test]
fn stalls_and_early_ends_are_resumed() {
    let bytes = bytes(3 * MIB);
    let acts = [Act::Stall(MIB), Act::Early(MIB / 2), Act::Early(0), Act::Cut(0)];
    let only = Arc::new(Scripted::whole("A", &bytes).acts(acts));
    let (content, waits) = content(&[&only]);
    let source = source(&content);
    let mut all = vec![0; bytes.len()];
    let mut reader = source.open(0).unwrap();
    reader.read_exact(&mut all).unwrap();
    assert!(all == bytes);
    assert_eq!(reader.read(&mut all).unwrap(), 0);
    let starts: Vec<_> = only.opened().iter().map(|range| range.start as usize).collect();
    assert_eq!(starts, [0, MIB, MIB * 3 / 2, MIB * 3 / 2, MIB * 3 / 2]);
    let waits: Vec<_> = waits.lock().unwrap().iter().map(Duration::as_millis).collect();
    assert_eq!(waits, [500, 500, 1000, 2000]);
}

#[test]
fn one_location_that_stays_dead_is_an_error_with_its_words() {
    let only =
        Arc::new(Scripted::whole("A", &bytes(MIB)).acts([Act::Cut(9)]).then(Act::Refuse(lost())));
    let (content, _) = content(&[&only]);
    let error = read_error(&*source(&content), 0);
    assert_eq!(error, ContentError::Access(AccessError::new("A", lost())));
    assert_eq!(only.opened().len(), 1 + 5);
    assert!(!content.can_go_on());
}

#[test]
fn waiting_can_be_cancelled() {
    let only = Arc::new(Scripted::whole("A", &bytes(MIB)).then(Act::Refuse(lost())));
    let naps = Arc::new(Mutex::new(0));
    let (slept, asked) = (Arc::clone(&naps), Arc::clone(&naps));
    let options = ContentOptions::new()
        .with_pause(move |nap| {
            assert_eq!(nap, Duration::from_millis(100));
            *slept.lock().unwrap() += 1;
        })
        .with_cancelled(move || *asked.lock().unwrap() == 7);
    let content = Content::with_locations(vec![Arc::clone(&only) as _], options);
    assert_eq!(read_error(&*source(&content), 0), ContentError::Cancelled);
    assert_eq!(*naps.lock().unwrap(), 7);
    assert_eq!(only.opened().len(), 2);
}

#[test]
fn all_locations_that_fail_are_named() {
    let bytes = bytes(MIB);
    let first = Arc::new(Scripted::whole("A", &bytes).then(Act::Refuse(AccessKind::NotFound)));
    let second =
        Arc::new(Scripted::whole("B", &bytes).then(Act::Refuse(AccessKind::Denied(String::new()))));
    let (content, waits) = content(&[&first, &second]);
    let error = read_error(&*source(&content), 0).to_string();
    assert_eq!(
        error,
        "no location gives boot.wim of PS100005.3; A: not there; B: access denied; mend what one of \
         them says, or name another distribution point"
    );
    assert!(waits.lock().unwrap().is_empty());
}

#[test]
fn a_refused_login_is_final_for_the_location() {
    let bytes = bytes(MIB);
    let first = Arc::new(Scripted::whole("A", &bytes).then(Act::Refuse(AccessKind::WrongPassword)));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, _) = content(&[&first, &second]);
    for _ in 0..3 {
        assert!(read(&*source(&content), 0).unwrap() == bytes);
    }
    assert_eq!(first.opened().len(), 1);
    assert_eq!(kinds(&content)[..2], ["unusable", "fell-over"]);
    // Found before the refusal; not asked after it.
    assert_eq!(first.asked(), 1);
}

#[test]
fn a_flipped_byte_on_the_first_location_is_read_again_from_the_second() {
    let bytes = bytes(4 * MIB);
    let first = Arc::new(Scripted::whole("A", &bytes).flipped(3 * MIB));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, _) = content(&[&first, &second]);
    let source = source(&content);
    let mut all = vec![0; bytes.len()];
    // The last byte is not given.
    let error = source.open(0).unwrap().read_exact(&mut all).unwrap_err();
    let error = ContentError::in_io(&error).unwrap();
    assert!(matches!(error, ContentError::BadCopy { location, .. } if location == "A"), "{error}");
    assert!(content.can_go_on());
    assert_eq!(kinds(&content), ["bad-copy"]);
    assert!(read(&*source, 0).unwrap() == bytes);
    content.settle().unwrap();
    assert_eq!(first.opened().len(), 1);
}

#[test]
fn a_flipped_byte_on_both_ends_it() {
    let bytes = bytes(4 * MIB);
    let first = Arc::new(Scripted::whole("A", &bytes).flipped(0));
    let second = Arc::new(Scripted::whole("B", &bytes).flipped(4 * MIB - 1));
    let (content, _) = content(&[&first, &second]);
    let source = source(&content);
    assert!(matches!(read_error(&*source, 0), ContentError::BadCopy { .. }));
    let error = read_error(&*source, 0);
    assert!(matches!(&error, ContentError::WrongDigest { location, .. } if location == "B"));
    assert!(error.to_string().contains("redistribute"), "{error}");
    assert!(!content.can_go_on());
    let error = read_error(&*source, 0).to_string();
    assert!(error.contains("PS100005.3; none is left to ask"), "{error}");
}

#[test]
fn of_bytes_from_two_locations_the_bad_ones_are_found() {
    let bytes = bytes(4 * MIB);
    for bad in [0, 1] {
        let locations = ["A", "B"].map(|name| Scripted::whole(name, &bytes));
        let mut locations = locations.into_iter().enumerate().map(|(n, location)| {
            // In the half that it gives.
            if n == bad { location.flipped(MIB + n * 2 * MIB) } else { location }
        });
        let first = locations.next().unwrap().acts([Act::Cut(2 * MIB)]);
        let acts = [Act::Refuse(AccessKind::NotFound)];
        let (first, second) = (Arc::new(first.acts(acts)), Arc::new(locations.next().unwrap()));
        let (content, _) = content(&[&first, &second]);
        let source = source(&content);
        let error = read_error(&*source, 0);
        let name = ["A", "B"][bad];
        assert!(
            matches!(&error, ContentError::BadCopy { location, .. } if location == name),
            "{error}"
        );
        assert!(content.can_go_on());
        assert!(read(&*source, 0).unwrap() == bytes, "{bad}");
    }
}

#[test]
fn a_body_that_is_too_long_is_cut() {
    let bytes = bytes(MIB);
    let only = Arc::new(Scripted::whole("A", &bytes).then(Act::Long));
    let (content, _) = content(&[&only]);
    assert!(read(&*source(&content), 0).unwrap() == bytes);
    content.settle().unwrap();
    assert!(content.events().is_empty());
}

#[test]
fn a_copy_of_another_length_is_passed_over() {
    let bytes = bytes(MIB);
    let first = Scripted::new("A", package(&[("boot.wim", &bytes, true)]), bytes[1..].to_vec());
    let (first, second) = (Arc::new(first), Arc::new(Scripted::whole("B", &bytes)));
    let (content, _) = content(&[&first, &second]);
    assert!(read(&*source(&content), 0).unwrap() == bytes);
    assert_eq!(kinds(&content), ["fell-over"]);
}

#[test]
fn wrappers_and_parts_are_verified_with_what_lies_between() {
    let bytes = bytes(6 * MIB);
    let only = Arc::new(Scripted::whole("A", &bytes));
    let (content, _) = content(&[&only]);
    let source = source(&content);
    // Behind a header that is replaced.
    assert!(read(&*source, 208).unwrap() == bytes[208..]);
    let fetched = |only: &Scripted| only.opened().iter().map(|r| r.end - r.start).sum::<u64>();
    assert_eq!(fetched(&only), bytes.len() as u64);
    content.settle().unwrap();
    assert_eq!(fetched(&only), bytes.len() as u64);

    // Cut into parts, with a gap: each goes on where the other stopped.
    let only = Arc::new(Scripted::whole("A", &bytes));
    let (content, _) = crate::doubles::content(&[&only]);
    let source = self::source(&content);
    for (from, to) in [(0, 2 * MIB + 1), (2 * MIB + 1, 4 * MIB), (4 * MIB + 100_000, 5 * MIB)] {
        let mut part = vec![0; to - from];
        source.open(from as u64).unwrap().read_exact(&mut part).unwrap();
        assert!(part == bytes[from..to]);
    }
    let before = fetched(&only);
    content.settle().unwrap();
    assert_eq!(fetched(&only) - before, MIB as u64);
}

#[test]
fn ranges_are_settled_and_suspected() {
    let bytes = bytes(6 * MIB);
    let first = Arc::new(Scripted::whole("A", &bytes).flipped(MIB));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, _) = content(&[&first, &second]);
    let source = source(&content);
    content.settle().unwrap();
    assert!(first.opened().is_empty());
    let mut some = [0; 1000];
    // Short reads of tables are one request for a block.
    for n in 0..100 {
        let at = 5 * MIB + n * 1000;
        source.read_exact_at(&mut some, at as u64).unwrap();
        assert_eq!(some, bytes[at..at + 1000]);
    }
    let block = 5 * MIB as u64..5 * MIB as u64 + 256 * 1024;
    assert_eq!(first.opened(), slice::from_ref(&block));
    let bad = content.suspect().unwrap();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].location, "A");
    assert!(content.can_go_on());
    content.settle().unwrap();
    // Again, from the other one.
    source.read_exact_at(&mut some, 5 * MIB as u64).unwrap();
    assert_eq!(second.opened().len(), 1);
    assert!(content.suspect().unwrap().is_empty());
    content.settle().unwrap();
    assert_eq!(second.opened().len(), 2);

    // Tables from one location, and then all of it from another: what the tables said must still
    // hold, and only they are read again.
    for flip in [None, Some(5 * MIB + 17)] {
        let first = Scripted::whole("A", &bytes).acts([Act::Serve]);
        // It was replaced meanwhile.
        let replaced = AccessKind::Length { expected: 6 * MIB as u64, found: 1 };
        let first = first.then(Act::Refuse(replaced));
        let first = Arc::new(match flip {
            Some(at) => first.flipped(at),
            None => first,
        });
        let second = Arc::new(Scripted::whole("B", &bytes));
        let (content, _) = crate::doubles::content(&[&first, &second]);
        let source = self::source(&content);
        source.read_exact_at(&mut some, 5 * MIB as u64).unwrap();
        assert!(read(&*source, 0).unwrap() == bytes);
        let settled = content.settle();
        assert_eq!(second.opened(), [0..6 * MIB as u64, block.clone()]);
        match flip {
            None => settled.unwrap(),
            Some(_) => {
                let error = settled.unwrap_err().to_string();
                let named = "boot.wim of PS100005.3 (bytes 5242880 to 5505024) at A is damaged";
                assert!(error.starts_with(named), "{error}");
                assert!(content.can_go_on());
                content.settle().unwrap();
            }
        }
    }

    let only = Arc::new(Scripted::whole("A", &bytes).flipped(MIB));
    let (content, _) = crate::doubles::content(&[&only]);
    let source = self::source(&content);
    source.read_exact_at(&mut some, 5 * MIB as u64).unwrap();
    let error = content.settle().unwrap_err();
    assert!(matches!(error, ContentError::WrongDigest { .. }), "{error}");
}

#[test]
fn a_table_is_one_request_and_reading_on_a_few() {
    let bytes = bytes(6 * MIB);
    let only = Arc::new(Scripted::whole("A", &bytes));
    let (content, _) = content(&[&only]);
    let source = source(&content);
    let mut table = vec![0; MIB + 5];
    source.read_exact_at(&mut table, 4 * MIB as u64 + 7).unwrap();
    assert!(table == bytes[4 * MIB + 7..][..MIB + 5]);
    assert_eq!(only.opened().len(), 1);
    // As the chunks of a compressed file in a WIM are read.
    let mut chunk = [0; 30_000];
    for at in (2 * MIB..4 * MIB - chunk.len()).step_by(chunk.len()) {
        source.read_exact_at(&mut chunk, at as u64).unwrap();
        assert_eq!(chunk, bytes[at..at + chunk.len()]);
    }
    assert_eq!(only.opened().len(), 1 + 3);
    content.settle().unwrap();
}

#[test]
fn what_could_not_be_settled_is_settled_later_or_never() {
    let bytes = bytes(4 * MIB);
    let only = Arc::new(Scripted::whole("A", &bytes).flipped(9));
    let (content, _) = content(&[&only]);
    let source = source(&content);
    let mut half = vec![0; 2 * MIB];
    source.open(0).unwrap().read_exact(&mut half).unwrap();
    only.set(Act::Refuse(lost()));
    for _ in 0..2 {
        assert!(matches!(content.settle().unwrap_err(), ContentError::Access(_)));
    }
    only.set(Act::Serve);
    assert!(matches!(content.settle().unwrap_err(), ContentError::WrongDigest { .. }));

    // A fault while it is read does not make what was given right.
    let only = Arc::new(Scripted::whole("A", &bytes).flipped(9));
    let (content, _) = crate::doubles::content(&[&only]);
    let source = self::source(&content);
    let mut reader = source.open(0).unwrap();
    reader.read_exact(&mut half[..MIB]).unwrap();
    drop(reader);
    only.set(Act::Refuse(AccessKind::NotFound));
    let mut reader = source.open(MIB as u64).unwrap();
    reader.read_exact(&mut half).unwrap_err();
    drop(reader);
    only.set(Act::Serve);
    assert!(matches!(content.settle().unwrap_err(), ContentError::WrongDigest { .. }));
}

#[test]
fn files_without_a_digest_stay_where_they_were_found() {
    let bytes = bytes(MIB);
    let first = Scripted::new("A", package(&[("boot.wim", &bytes, false)]), bytes.clone());
    let first = Arc::new(first.acts([Act::Cut(99)]));
    let second = Arc::new(Scripted::whole("B", &bytes));
    let (content, _) = content(&[&first, &second]);
    let source = source(&content);
    assert!(source.sha256().is_none() && !source.verifies_itself());
    assert!(read(&*source, 0).unwrap() == bytes);
    first.set(Act::Refuse(AccessKind::NotFound));
    assert!(matches!(read_error(&*source, 0), ContentError::Access(_)));
    assert!(second.opened().is_empty());
    content.settle().unwrap();
}

#[test]
fn small_and_empty_files() {
    for len in [0, 1, 300_000] {
        let bytes = bytes(len);
        let only = Arc::new(Scripted::whole("A", &bytes));
        let (content, _) = content(&[&only]);
        let source = source(&content);
        assert!(read(&*source, 0).unwrap() == bytes);
        assert!(read(&*source, len as u64).unwrap().is_empty());
        assert!(source.open(len as u64 + 1).is_err());
        content.settle().unwrap();
        // An empty file whose digest is another's.
        if len == 0 {
            let mut package = package(&[("boot.wim", b"", true)]);
            package.files[0].id.digest = Some(extent_image::Digest::of(b"x"));
            let only = Arc::new(Scripted::new("A", package, Vec::new()));
            let (content, _) = crate::doubles::content(&[&only]);
            let error = read_error(&*self::source(&content), 0);
            assert!(matches!(error, ContentError::WrongDigest { .. }));
        }
    }
    let bytes = bytes(300_000);
    let only = Arc::new(Scripted::whole("A", &bytes).flipped(299_999));
    let (content, _) = content(&[&only]);
    let source = source(&content);
    let mut one = [0; 1];
    let mut reader = source.open(0).unwrap();
    let mut count = 0;
    let error = loop {
        match reader.read(&mut one) {
            Ok(n) => count += n,
            Err(error) => break error,
        }
    };
    // One byte at a time, and the last block only with the verdict.
    assert_eq!(count, 299_999);
    assert!(matches!(ContentError::in_io(&error), Some(ContentError::WrongDigest { .. })));
    // It stays so.
    assert!(reader.read(&mut one).is_err());
}

#[test]
fn equal_requests_give_equal_sources() {
    let bytes = bytes(10);
    let only = Arc::new(Scripted::whole("A", &bytes));
    let (once, _) = content(&[&only]);
    let (twice, _) = content(&[&only]);
    let (a, b) = (source(&once), source(&twice));
    assert!(a.equals(&*b));
    assert_eq!(Source::describe(&*a), "boot.wim of PS100005.3");
    assert_eq!(a.sha256(), Some(*extent_image::Digest::of(&bytes).as_bytes()));
    let other = Arc::new(Scripted::whole("A", b"0123456789"));
    assert!(!a.equals(&*source(&content(&[&other]).0)));
}

#[test]
fn files_are_read_by_several_threads() {
    let data = bytes(3 * MIB);
    let files: Vec<String> = (0..8).map(|n| format!("f{n}")).collect();
    let list: Vec<_> = files.iter().map(|name| (name.as_str(), &data[..], true)).collect();
    let mut first = Scripted::new("A", package(&list), data.clone());
    for name in &files {
        first = first.file(name, &data);
    }
    let first = Arc::new(first.acts((0..20).map(|n| Act::Cut(n * 50_000))));
    let (content, _) = content(&[&first]);
    let found = content.find(&[id()]).unwrap();
    std::thread::scope(|scope| {
        for file in found[0].files() {
            let data = &data;
            scope.spawn(move || assert!(read(&**file.source(), 0).unwrap() == *data));
        }
    });
    content.settle().unwrap();
}
