//! Content from libraries in folders and behind web servers, with what goes wrong there.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dp_content::{
    AccessOptions, Cache, Content, ContentError, ContentEvent, ContentOptions, Retries,
};
use extent_image::{ReadAt, Source};
use media_model::{ContentLocation, PackageId};
use tempfile::TempDir;

use crate::doubles::bytes;
use crate::fake_dp::{FakeDp, Fault, Options, Rule};
use crate::library_fixture::LibraryFixture;

const WIM: &str = "boot.PS100005.wim";

/// A library with a boot image.
fn library(wim: &[u8]) -> (TempDir, LibraryFixture) {
    let dir = tempfile::tempdir().unwrap();
    let files: &[(&str, &[u8])] = &[("ccmsetup.exe", b"setup"), ("x64/a b#c%.txt", b"hello")];
    let library = LibraryFixture::new(dir.path().join("SCCMContentLib"))
        .package("PS100005", 3, &[(WIM, wim)])
        .package("PS100001", 2, files);
    (dir, library)
}

fn options() -> ContentOptions {
    let access = AccessOptions::new().with_read_timeout(Duration::from_millis(300));
    let waits = Duration::from_millis(1);
    ContentOptions::new()
        .with_access(access)
        .with_retries(Retries::default().with_tries(3).with_waits(waits, waits))
}

/// For servers that never stall: what takes long is the machine.
fn patient() -> ContentOptions {
    options().with_access(AccessOptions::new().with_read_timeout(Duration::from_secs(60)))
}

fn open(locations: &[String], options: ContentOptions) -> Content {
    let locations = locations.iter().map(|text| ContentLocation::new(text).unwrap());
    Content::open(&locations.collect::<Vec<_>>(), options)
}

fn id(text: &str) -> PackageId {
    PackageId::new(text).unwrap()
}

fn wim(content: &Content) -> Arc<dyn Source> {
    let found = content.find(&[id("PS100005")]).unwrap();
    Arc::clone(found[0].boot_image().unwrap().source())
}

/// Looks into it as a WIM is looked into, and then streams it.
fn take(source: &dyn Source, len: usize) -> Result<Vec<u8>, ContentError> {
    let in_content =
        |error| ContentError::in_io(&error).unwrap_or_else(|| panic!("{error}")).clone();
    let mut some = vec![0; 2000.min(len)];
    for at in [0, (len - some.len()) / 2, len - some.len()] {
        source.read_exact_at(&mut some, at as u64).map_err(in_content)?;
    }
    let mut all = Vec::new();
    let mut reader = source.open(0).map_err(in_content)?;
    let mut buf = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buf).map_err(in_content)? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}

fn kinds(content: &Content) -> Vec<&'static str> {
    content.events().iter().map(ContentEvent::kind).collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_folder_a_server_and_the_cache_give_the_same_bytes() {
    let bytes = bytes(3_000_000);
    let (dir, library) = library(&bytes);
    let dp = FakeDp::new(Options::new(library.root()));
    let cache_dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(cache_dir.path(), Cache::DEFAULT_LIMIT).unwrap();
    for location in [text(dir.path()), dp.url(), dp.url()] {
        let content = open(&[location], options().with_cache(cache.clone()));
        let found = content.find(&[id("PS100005"), id("PS100001.2")]).unwrap();
        assert!(take(&**found[0].boot_image().unwrap().source(), bytes.len()).unwrap() == bytes);
        for file in found[1].files() {
            take(&**file.source(), file.file().id.len as usize).unwrap();
        }
        content.settle().unwrap();
        assert!(content.events().is_empty(), "{:?}", content.events());
    }
    // The folder filled the cache before the server was asked.
    assert_eq!(dp.sent(WIM), 0);
}

#[test]
fn cut_again_and_again_and_then_dead() {
    let bytes = bytes(8_000_000);
    let (dir, library) = library(&bytes);
    let dp = FakeDp::new(Options::new(library.root()));
    let content = open(&[dp.url(), text(dir.path())], options());
    let source = wim(&content);
    dp.on(Rule::path(WIM), Fault::Cut { after: 300_000 });
    dp.die_after(6_000_000);
    assert!(take(&*source, bytes.len()).unwrap() == bytes);
    content.settle().unwrap();
    let kinds = kinds(&content);
    assert!(kinds.iter().filter(|kind| **kind == "resumed").count() >= 18, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "fell-over").count(), 1, "{kinds:?}");
    assert!(!content.can_go_on());
}

#[test]
fn a_flipped_byte_on_one_of_two_and_then_on_both() {
    let bytes = bytes(3_000_000);
    let (_dir, library) = library(&bytes);
    let (first, second) =
        (FakeDp::new(Options::new(library.root())), FakeDp::new(Options::new(library.root())));
    first.on(Rule::path(WIM), Fault::Flip { offset: 2_999_999 });
    let content = open(&[first.url(), second.url()], patient());
    let source = wim(&content);
    let error = take(&*source, bytes.len()).map(|all| all.len()).unwrap_err();
    assert!(matches!(error, ContentError::BadCopy { .. }), "{error}");
    assert!(content.can_go_on());
    assert!(take(&*source, bytes.len()).unwrap() == bytes);
    assert_eq!(kinds(&content), ["bad-copy"]);
    assert!(content.events()[0].to_string().contains(&first.url()), "{:?}", content.events());

    second.on(Rule::path(WIM), Fault::Flip { offset: 5 });
    let content = open(&[first.url(), second.url()], patient());
    let source = wim(&content);
    take(&*source, bytes.len()).map(|all| all.len()).unwrap_err();
    let error = take(&*source, bytes.len()).map(|all| all.len()).unwrap_err();
    assert!(matches!(error, ContentError::WrongDigest { .. }), "{error}");
    assert!(!content.can_go_on());
}

#[test]
fn whatever_a_server_does_the_bytes_are_right_or_there_is_an_error() {
    let bytes = bytes(3_000_000);
    let (_dir, library) = library(&bytes);
    for (name, fault, may_fail) in [
        ("stall", Fault::Stall { after: 1_000_000 }, false),
        ("stall at once", Fault::StallAtOnce, false),
        ("close", Fault::Close, false),
        ("500", Fault::Status(500), false),
        ("503", Fault::Status(503), false),
        ("short", Fault::ShortBody { by: 1000 }, true),
        ("no length", Fault::NoLength, false),
        ("etag", Fault::Etag("\"other\"".to_owned()), false),
        ("no ranges", Fault::IgnoreRange, false),
        ("long", Fault::LongBody { by: 1 }, true),
        ("shifted", Fault::ShiftRange { by: 1 }, true),
        ("longer", Fault::Longer { by: 1 }, true),
        ("shorter", Fault::Shorter { by: 1 }, true),
        ("404", Fault::Status(404), true),
        ("403", Fault::Status(403), true),
        ("401", Fault::Status(401), true),
    ] {
        // On some requests only.
        let dp = FakeDp::new(Options::new(library.root()));
        let content = open(&[dp.url()], options());
        let source = wim(&content);
        dp.on(Rule::path(WIM).nth(1..3), fault.clone());
        dp.on(Rule::path(WIM).nth(3..4), Fault::Cut { after: 1_200_000 });
        match take(&*source, bytes.len()) {
            Ok(all) => assert!(all == bytes, "{name}"),
            Err(error) => assert!(may_fail, "{name}: {error}"),
        }
        // On all of one location, and another is there.
        let bad = FakeDp::new(Options::new(library.root()));
        let good = FakeDp::new(Options::new(library.root()));
        let content = open(&[bad.url(), good.url()], options());
        let source = wim(&content);
        bad.on(Rule::path(WIM), fault);
        match take(&*source, bytes.len()) {
            Ok(all) => assert!(all == bytes, "{name}"),
            Err(error) => {
                assert!(may_fail, "{name}: {error}");
                assert!(take(&*source, bytes.len()).unwrap() == bytes, "{name}");
            }
        }
    }
}
