//! Content with a cache: what is asked of locations, and what when the cache is damaged or cannot
//! keep anything.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use extent_image::{Digest, ReadAt, Source};

use super::*;
use crate::content::Content;
use crate::content::options::ContentOptions;
use crate::location::PackageFile;
use crate::path::ContentPath;

/// One package with one file; counts the bytes that were asked for.
struct OneFile {
    bytes: Vec<u8>,
    given: AtomicU64,
}

impl OneFile {
    fn new(len: usize) -> Arc<Self> {
        let bytes = (0..len).map(|n| (n % 251) as u8).collect();
        Arc::new(Self { bytes, given: AtomicU64::new(0) })
    }

    fn given(&self) -> u64 {
        self.given.swap(0, Ordering::Relaxed)
    }
}

impl Location for OneFile {
    fn describe(&self) -> String {
        "http://dp".to_owned()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        Ok(Vec::new())
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        let file = FileId {
            package_id: id.id().to_owned(),
            content_id: format!("{}.3", id.id()),
            path: ContentPath::new("boot.wim").unwrap(),
            len: self.bytes.len() as u64,
            digest: Some(Digest::of(&self.bytes)),
        };
        Ok(Package {
            id: id.clone(),
            content_id: file.content_id.clone(),
            files: vec![PackageFile { id: file, listed_len: None, modified: None, attributes: 0 }],
            folders: Vec::new(),
            declared_hash: None,
            hash_trouble: None,
            computed_hash: None,
            warnings: Vec::new(),
        })
    }

    fn open(
        &self,
        _: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        self.given.fetch_add(range.end - range.start, Ordering::Relaxed);
        Ok(Box::new(&self.bytes[range.start as usize..range.end as usize]))
    }
}

fn content(location: &Arc<OneFile>, cache: &Cache) -> Content {
    let options = ContentOptions::new().with_cache(cache.clone());
    Content::with_locations(vec![Arc::clone(location) as Arc<dyn Location>], options)
}

fn source(content: &Content) -> Arc<dyn Source> {
    let found = content.find(&[PackageId::new("PS100005").unwrap()]).unwrap();
    Arc::clone(found[0].files()[0].source())
}

fn read(source: &Arc<dyn Source>) -> Result<Vec<u8>, ContentError> {
    let mut bytes = Vec::new();
    let mut reader = source.open(0).unwrap();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(ContentError::in_io(&error).unwrap().clone()),
    }
}

fn cache(folder: &Path, limit: u64) -> Cache {
    let cache = Cache::open(folder, limit).unwrap();
    cache.leave_free(0);
    cache
}

/// The only file of the cache.
fn entry(folder: &Path) -> std::path::PathBuf {
    let prefix = fs::read_dir(folder).unwrap().map(Result::unwrap).find(|it| it.path().is_dir());
    fs::read_dir(prefix.unwrap().path()).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn the_second_run_asks_for_no_bytes() {
    for len in [0, 5, 300_000, 5_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let location = OneFile::new(len);
        let first = content(&location, &cache(folder.path(), 1 << 30));
        // As a boot image is read: its tables first, which nothing checks, then all of it.
        let file = source(&first);
        if len > 1000 {
            file.read_exact_at(&mut [0; 16], len as u64 - 20).unwrap();
            let mut start = vec![0; 200_000];
            file.open(0).unwrap().read_exact(&mut start).unwrap();
        }
        assert!(read(&file).unwrap() == location.bytes);
        assert!(location.given() >= len as u64);

        let second = content(&location, &cache(folder.path(), 1 << 30));
        let file = source(&second);
        if len > 1000 {
            file.read_exact_at(&mut [0; 16], len as u64 - 20).unwrap();
        }
        assert!(read(&file).unwrap() == location.bytes);
        second.settle().unwrap();
        assert_eq!(location.given(), 0, "{len}");
        assert_eq!((first.events(), second.events()), (vec![], vec![]));
    }
}

#[test]
fn a_damaged_entry_is_removed_and_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let location = OneFile::new(3_000_000);
    let cache = cache(folder.path(), 1 << 30);
    read(&source(&content(&location, &cache))).unwrap();
    let entry = entry(folder.path());
    let mut damaged = location.bytes.clone();
    damaged[1_234_567] ^= 1;
    fs::write(&entry, damaged).unwrap();
    location.given();

    let content = content(&location, &cache);
    let file = source(&content);
    let error = read(&file).unwrap_err();
    assert!(matches!(error, ContentError::BadCopy { .. }), "{error}");
    assert!(content.can_go_on());
    assert!(!entry.exists());
    let told = content.events().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(told.len() == 1 && told[0].contains("boot.wim of PS100005.3 at the cache "));
    assert!(told[0].ends_with("it was removed there"), "{told:?}");
    assert!(read(&file).unwrap() == location.bytes);
    assert_eq!(location.given(), 3_000_000);
    assert!(fs::read(&entry).unwrap() == location.bytes);
    // Of another length: nobody reads it.
    fs::write(&entry, "short").unwrap();
    assert!(read(&source(&self::content(&location, &cache))).unwrap() == location.bytes);
    assert!(fs::read(&entry).unwrap() == location.bytes);
}

#[test]
fn a_cache_that_keeps_nothing_is_told_and_ends_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let location = OneFile::new(3_000_000);
    let cache = Cache::open(folder.path(), 1 << 30).unwrap();
    cache.leave_free(u64::MAX);
    let content = content(&location, &cache);
    assert!(read(&source(&content)).unwrap() == location.bytes);
    let events = content.events();
    assert_eq!(events.iter().map(|event| event.kind()).collect::<Vec<_>>(), ["cache"]);
    assert!(events[0].to_string().contains("make room"), "{}", events[0]);
}

/// A file that is cut into parts is read piece by piece, each where the last one ended.
#[test]
fn parts_that_follow_each_other_are_kept_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let location = OneFile::new(3_000_000);
    let cache = cache(folder.path(), 1 << 30);
    let content = content(&location, &cache);
    let file = source(&content);
    for from in (0..3_000_000).step_by(1_000_000) {
        file.open(from).unwrap().read_exact(&mut vec![0; 1_000_000]).unwrap();
    }
    assert!(fs::read(entry(folder.path())).unwrap() == location.bytes);
}
