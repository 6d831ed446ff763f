//! Content that is kept in a cache.

use std::fs;
use std::io::Read;
use std::sync::Arc;

use dp_content::{Cache, Content, ContentError, ContentOptions, Location};
use extent_image::{Digest, ReadAt, Source};

use crate::doubles::{Act, Scripted, bytes, id};

fn with_cache(locations: &[&Arc<Scripted>], cache: &Cache) -> Content {
    let locations = locations.iter().map(|location| Arc::clone(location) as Arc<dyn Location>);
    let options = ContentOptions::new().with_cache(cache.clone()).with_pause(|_| {});
    Content::with_locations(locations.collect(), options)
}

fn source(content: &Content) -> Arc<dyn Source> {
    let found = content.find(&[id()]).unwrap();
    Arc::clone(found[0].files()[0].source())
}

fn read(source: &dyn Source, from: u64) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    source.open(from)?.read_to_end(&mut all).map(|_| all)
}

#[test]
fn the_second_run_costs_no_traffic() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), Cache::DEFAULT_LIMIT).unwrap();
    for len in [10, 300_000, 5_000_000] {
        let bytes = bytes(len);
        let location = Arc::new(Scripted::whole("A", &bytes).acts([Act::Cut(7)]));
        // A wrapper's reading, and a cut on the way.
        let first = with_cache(&[&location], &cache);
        assert!(read(&*source(&first), 5).unwrap() == bytes[5..]);
        first.settle().unwrap();
        let asked = location.opened().len();
        let second = with_cache(&[&location], &cache);
        let again = source(&second);
        let mut some = [0; 3];
        again.read_exact_at(&mut some, 6).unwrap();
        assert_eq!(some, bytes[6..9]);
        assert!(read(&*again, 0).unwrap() == bytes);
        second.settle().unwrap();
        assert_eq!(location.opened().len(), asked);
        // Two of them have the same bytes, and the cache is no location of its own.
        assert_eq!(second.list().len(), 1);
    }
}

#[test]
fn what_is_not_read_whole_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), Cache::DEFAULT_LIMIT).unwrap();
    let bytes = bytes(5_000_000);
    let location = Arc::new(Scripted::whole("A", &bytes));
    let content = with_cache(&[&location], &cache);
    let mut half = vec![0; 2_500_000];
    source(&content).open(0).unwrap().read_exact(&mut half).unwrap();
    drop(content);
    assert!(cache.get(&Digest::of(&bytes), 5_000_000).is_none());

    // Nor what is damaged.
    let location = Arc::new(Scripted::whole("A", &bytes).flipped(9));
    let content = with_cache(&[&location], &cache);
    read(&*source(&content), 0).map(|all| all.len()).unwrap_err();
    assert!(cache.get(&Digest::of(&bytes), 5_000_000).is_none());

    // In parts it comes whole.
    let location = Arc::new(Scripted::whole("A", &bytes));
    let content = with_cache(&[&location], &cache);
    let source = source(&content);
    for from in [0, 2_500_000] {
        source.open(from).unwrap().read_exact(&mut half).unwrap();
    }
    assert!(cache.get(&Digest::of(&bytes), 5_000_000).is_some());
}

#[test]
fn a_damaged_entry_is_removed_and_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), Cache::DEFAULT_LIMIT).unwrap();
    let bytes = bytes(3_000_000);
    let location = Arc::new(Scripted::whole("A", &bytes));
    read(&*source(&with_cache(&[&location], &cache)), 0).unwrap();
    let hash = Digest::of(&bytes).to_string().to_uppercase();
    let entry = folder.path().join(&hash[..4]).join(&hash);
    let mut damaged = fs::read(&entry).unwrap();
    damaged[2_000_000] ^= 1;
    fs::write(&entry, damaged).unwrap();

    let content = with_cache(&[&location], &cache);
    let source = source(&content);
    let error = read(&*source, 0).map(|all| all.len()).unwrap_err();
    let error = ContentError::in_io(&error).unwrap();
    assert!(matches!(error, ContentError::BadCopy { .. }), "{error}");
    assert!(content.can_go_on());
    let told = content.events().last().unwrap().to_string();
    assert!(told.ends_with("it was removed there"), "{told}");
    assert!(read(&*source, 0).unwrap() == bytes);
    assert_eq!(fs::read(&entry).unwrap(), bytes);
}

#[test]
fn a_cache_that_fails_is_told_of_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), Cache::DEFAULT_LIMIT).unwrap();
    cache.leave_free(u64::MAX);
    let bytes = bytes(1000);
    let location = Arc::new(Scripted::whole("A", &bytes));
    let content = with_cache(&[&location], &cache);
    assert!(read(&*source(&content), 0).unwrap() == bytes);
    let events = content.events();
    assert_eq!(events.iter().map(dp_content::ContentEvent::kind).collect::<Vec<_>>(), ["cache"]);
}

/// What cannot be written again is made of what was looked at first.
#[test]
fn a_damaged_entry_that_is_looked_at_first_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), Cache::DEFAULT_LIMIT).unwrap();
    for (len, first) in [(500_000, false), (3_000_000, true)] {
        let bytes = bytes(len);
        let location = Arc::new(Scripted::whole("A", &bytes));
        read(&*source(&with_cache(&[&location], &cache)), 0).unwrap();
        let hash = Digest::of(&bytes).to_string().to_uppercase();
        let entry = folder.path().join(&hash[..4]).join(&hash);
        let mut damaged = bytes.clone();
        damaged[len / 2] ^= 1;
        fs::write(&entry, damaged).unwrap();

        let options =
            ContentOptions::new().with_cache(cache.clone()).with_cache_checked_first(first);
        let content = Content::with_locations(vec![Arc::clone(&location) as _], options);
        let source = source(&content);
        let mut some = [0; 10];
        source.read_exact_at(&mut some, len as u64 / 2).unwrap();
        assert_eq!(some, bytes[len / 2..len / 2 + 10]);
        assert!(read(&*source, 0).unwrap() == bytes);
        content.settle().unwrap();
        let told: Vec<_> = content.events().iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].contains("removed"), "{told:?}");
        assert_eq!(fs::read(&entry).unwrap(), bytes);
    }
}
