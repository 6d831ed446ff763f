//! Tests of the cache.

use super::*;

fn cache(folder: &Path, limit: u64) -> Cache {
    let cache = Cache::open(folder, limit).unwrap();
    cache.leave_free(0);
    cache
}

fn put(cache: &Cache, bytes: &[u8]) -> bool {
    let digest = Digest::of(bytes);
    let Some(mut writer) = cache.writer(&digest, bytes.len() as u64) else { return false };
    for piece in bytes.chunks(7) {
        writer.write(piece);
    }
    writer.commit(&digest)
}

fn has(cache: &Cache, bytes: &[u8]) -> bool {
    let Some(mut file) = cache.get(&Digest::of(bytes), bytes.len() as u64) else {
        return false;
    };
    let mut found = Vec::new();
    file.read_to_end(&mut found).unwrap();
    assert_eq!(found, bytes);
    true
}

/// All files below, with their lengths.
fn files(folder: &Path) -> Vec<(String, u64)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()));
        } else if entry.file_name() != TAG {
            let name = entry.file_name().into_string().unwrap();
            files.push((name, entry.metadata().unwrap().len()));
        }
    }
    files
}

#[test]
fn what_came_is_there_under_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("new/cache");
    let cache = cache(&root, 1000);
    assert!(!has(&cache, b"hello"));
    assert!(put(&cache, b"hello"));
    assert!(has(&cache, b"hello"));
    assert!(!put(&cache, b"hello"), "it is there");
    let hash = "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824";
    assert_eq!(fs::read(root.join("2CF2").join(hash)).unwrap(), b"hello");
    assert_eq!(cache.get(&Digest::of(b"hello"), 6).map(|_| ()), None, "of another length");
    assert_eq!(files(&root), [], "and so it is no good");
    assert!(put(&cache, b""));
    assert!(has(&cache, b""));
    // A later run finds it.
    assert!(has(&self::cache(&root, 1000), b""));
    assert_eq!(cache.take_warnings(), [""; 0]);
}

#[test]
fn only_what_is_whole_and_right_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1000);
    let digest = Digest::of(b"hello");
    let mut writer = cache.writer(&digest, 5).unwrap();
    writer.write(b"hel");
    assert_eq!(files(folder.path()).len(), 1);
    drop(writer);
    assert_eq!(files(folder.path()), []);
    for (bytes, found) in
        [(&b"hell"[..], digest), (b"hello!", digest), (b"hallo", Digest::of(b"hallo"))]
    {
        let mut writer = cache.writer(&digest, 5).unwrap();
        writer.write(bytes);
        assert!(!writer.commit(&found));
        assert_eq!(files(folder.path()), [], "{bytes:?}");
    }
    assert!(put(&cache, b"hello"));
    assert!(cache.discard(&digest));
    assert!(!has(&cache, b"hello"));
    assert_eq!(cache.inner.state().coming, 0);
}

/// A small file was not flushed, and may be anything after a crash.
#[test]
fn a_damaged_small_file_makes_way() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1000);
    let digest = Digest::of(b"hello");
    assert!(put(&cache, b"hello"));
    let path = cache.inner.path(&digest);
    fs::write(&path, b"\0\0\0\0\0").unwrap();
    let reader = File::open(&path).unwrap();
    reader.lock_shared().unwrap();
    assert!(!put(&cache, b"hello") && !cache.discard(&digest), "in use");
    drop(reader);
    assert!(put(&cache, b"hello") && has(&cache, b"hello"));
    assert!(cache.discard(&digest) && cache.discard(&digest), "gone");
    let warnings = cache.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("was removed"), "{warnings:?}");
}

#[test]
fn what_was_not_used_for_longest_goes_first_and_never_what_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 100);
    let file = |letter: u8| vec![letter; 30];
    for (letter, age) in [(b'a', 300), (b'b', 200), (b'c', 100)] {
        assert!(put(&cache, &file(letter)));
        let path = cache.inner.path(&Digest::of(&file(letter)));
        let time = SystemTime::now() - std::time::Duration::from_secs(age);
        OpenOptions::new().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    let in_use = cache.get(&Digest::of(&file(b'a')), 30).unwrap();
    assert!(put(&cache, &file(b'd')));
    let there = |letters: &[u8]| -> Vec<bool> {
        let path = |letter: &u8| cache.inner.path(&Digest::of(&file(*letter)));
        letters.iter().map(|letter| path(letter).exists()).collect()
    };
    assert_eq!(there(b"abcd"), [true, false, true, true]);
    // The time of its use counts, not that of its coming.
    drop(in_use);
    assert!(put(&cache, &file(b'e')));
    assert_eq!(there(b"abcde"), [true, false, false, true, true]);
    assert!(!put(&cache, &[b'f'; 101]), "too large");
    assert_eq!(there(b"ade"), [true, true, true]);
    // All in use: nothing is added, nothing is lost.
    let hold: Vec<File> =
        b"ade".iter().filter_map(|it| cache.get(&Digest::of(&file(*it)), 30)).collect();
    assert!(!put(&cache, &file(b'g')));
    assert_eq!((there(b"ade"), hold.len()), (vec![true; 3], 3));
    assert_eq!(cache.take_warnings(), [""; 0]);
}

#[test]
fn two_runs_take_one_file_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (cache(folder.path(), 1000), cache(folder.path(), 1000));
    let digest = Digest::of(b"hello");
    let mut first = one.writer(&digest, 5).unwrap();
    assert!(two.writer(&digest, 5).is_none());
    first.write(b"hello");
    assert!(first.commit(&digest));
    assert!(two.writer(&digest, 5).is_none());
    assert!(has(&two, b"hello"));
}

#[test]
fn what_dead_runs_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"hello");
    let name = digest.to_string().to_ascii_uppercase();
    let other = "0".repeat(64);
    cache(folder.path(), 1000);
    for name in [&name, &other] {
        fs::create_dir_all(folder.path().join(&name[..4])).unwrap();
        fs::write(folder.path().join(&name[..4]).join(format!(".{name}{PART}")), "h").unwrap();
    }
    fs::write(folder.path().join("note"), "of somebody").unwrap();
    let cache = cache(folder.path(), 1000);
    assert!(put(&cache, b"hello"));
    let mut left = files(folder.path());
    left.sort();
    assert_eq!(left, [(name, 5), ("note".to_owned(), 11)]);
}

#[test]
fn a_folder_of_somebody_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("2CF2");
    fs::create_dir(&prefix).unwrap();
    let refused = Cache::open(folder.path(), 1).unwrap_err();
    assert!(matches!(refused, CacheError::Occupied { .. }), "{refused}");
    fs::remove_dir(&prefix).unwrap();
    fs::write(folder.path().join(TAG), "Signature: of something else").unwrap();
    let refused = Cache::open(folder.path(), 1).unwrap_err();
    assert!(matches!(refused, CacheError::Occupied { .. }), "{refused}");
    let file = folder.path().join(TAG);
    assert!(matches!(Cache::open(&file, 1), Err(CacheError::Io { .. })));
}

#[test]
fn trouble_is_told_once_and_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1000);
    let prefix = |bytes: &[u8]| Digest::of(bytes).to_string().to_ascii_uppercase()[..4].to_owned();
    for bytes in [b"one", b"two"] {
        // A file is where a folder is to be.
        fs::write(folder.path().join(prefix(bytes)), "").unwrap();
    }
    assert!(!put(&cache, b"one") && !put(&cache, b"two") && !put(&cache, b"three"));
    let warnings = cache.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("goes on without"), "{warnings:?}");

    let cache = Cache::open(folder.path(), 1000).unwrap();
    cache.leave_free(u64::MAX);
    assert!(!put(&cache, b"three"));
    let warnings = cache.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("make room"), "{warnings:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), 1000);
    let digest = Digest::of(b"hello");
    let mut writer = cache.writer(&digest, 5).unwrap();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    writer.part.as_mut().unwrap().file = full;
    writer.write(b"hel");
    writer.write(b"lo");
    assert!(!writer.commit(&digest));
    let warnings = cache.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("space"), "{warnings:?}");
    assert!(cache.writer(&Digest::of(b"x"), 1).is_none(), "no more in this run");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder.path().join("cache"), 1000);
    let outside = folder.path().join("outside");
    fs::write(&outside, "hello").unwrap();
    let digest = Digest::of(b"hello");
    let path = cache.inner.path(&digest);
    fs::create_dir(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    assert!(!has(&cache, b"hello"));
    cache.discard(&digest);
    assert!(outside.exists());
}

/// Each with a cache of its own, as runs have them: locks are of the opening, not of the process.
#[test]
fn many_runs_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = |number: usize| number.to_string().repeat(1000 + number);
    let hits = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for run in 0..8 {
            let (folder, hits) = (folder.path(), &hits);
            scope.spawn(move || {
                // Room for about half of the files.
                let cache = cache(folder, 20_000);
                for step in 0..200 {
                    let bytes = file((run * 7 + step * step) % 20);
                    if has(&cache, bytes.as_bytes()) {
                        hits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    } else {
                        put(&cache, bytes.as_bytes());
                    }
                }
                assert_eq!(cache.take_warnings(), [""; 0]);
            });
        }
    });
    assert!(hits.into_inner() > 0);
    let left = files(folder.path());
    let parts = left.iter().filter(|(name, _)| name.contains(PART)).count();
    assert_eq!(parts, 0, "{left:?}");
    // What each of the runs may have been adding, unseen by the others.
    let bytes: u64 = left.iter().map(|(_, len)| len).sum();
    assert!(bytes <= 20_000 + 8 * (20_000 / 16 + 2 * 1020), "{bytes}");
}
