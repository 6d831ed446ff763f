//! Libraries in order: what they hold, and how it is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::sync::Arc;

use dp_content::{
    AccessKind, ContentPath, FolderTransport, Library, Location, Package, PackageFile, open_folder,
};
use extent_image::Digest;
use media_model::PackageId;
use proptest::prelude::*;

use crate::library_fixture::{FILETIME, LibraryFixture};
use crate::scripted::Scripted;

pub(crate) fn id(text: &str) -> PackageId {
    PackageId::new(text).unwrap()
}

pub(crate) fn read(location: &dyn Location, file: &PackageFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    location.open(&file.id, 0..file.id.len).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn paths(package: &Package) -> Vec<&str> {
    package.files.iter().map(|file| file.id.path.as_str()).collect()
}

pub(crate) fn library(fixture: &LibraryFixture) -> Library {
    Library::new(Arc::new(FolderTransport::new(fixture.root()).unwrap()))
}

#[test]
fn a_package() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path().join("SCCMContentLib")).package_with_folders(
        "PS100001",
        2,
        &[
            ("setup.ini", b"[x]"),
            ("i386/client.msi", b"client"),
            ("x64/a b#c%.txt", b"hello"),
            ("empty.txt", b""),
            ("x64/more/ÄÖ.bin", b"client"),
        ],
        &["none/at/all"],
    );
    let library = library(&fixture);
    let package = library.package(&id("ps100001")).unwrap();
    assert_eq!(package.id.to_string(), "PS100001.2");
    assert_eq!(package.content_id, "PS100001.2");
    assert_eq!(
        paths(&package),
        ["empty.txt", "i386/client.msi", "setup.ini", "x64/a b#c%.txt", "x64/more/ÄÖ.bin"]
    );
    let folders: Vec<_> = package.folders.iter().map(ContentPath::as_str).collect();
    assert_eq!(folders, ["i386", "none", "none/at", "none/at/all", "x64", "x64/more"]);
    assert_eq!(package.bytes(), 3 + 6 + 5 + 6);
    assert!(package.declared_hash.is_some());
    assert_eq!(package.declared_hash, package.computed_hash);
    assert_eq!(package.warnings, [""; 0]);

    let client = &package.files[1];
    assert_eq!((client.attributes, client.modified.unwrap().filetime()), (0x20, FILETIME));
    assert_eq!((&*client.id.package_id, &*client.id.content_id), ("PS100001", "PS100001.2"));
    assert_eq!(client.id.digest, Some(Digest::of(b"client")));
    assert_eq!(read(&library, client), b"client");
    let mut middle = String::new();
    library.open(&client.id, 2..5).unwrap().read_to_string(&mut middle).unwrap();
    assert_eq!(middle, "ien");
    assert_eq!(read(&library, &package.files[0]), b"");

    // The same from digests that came with the bytes, and not from wrong ones.
    assert_eq!(package.hash_from(|file| file.digest), package.declared_hash);
    assert_ne!(package.hash_from(|_| Some(Digest::of(b""))), package.declared_hash);
    assert_eq!(package.hash_from(|_| None), None);
}

#[test]
fn versions() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path())
        .package("PS100005", 9, &[("boot.PS100005.wim", b"nine")])
        .package("PS100005", 10, &[("boot.PS100005.wim", b"ten")]);
    let library = library(&fixture);
    let package = library.package(&id("PS100005")).unwrap();
    assert_eq!(package.content_id, "PS100005.10");
    assert_eq!(
        package.warnings,
        ["PkgLib/PS100005.INI lists PS100005.10, PS100005.9, where a package has one content: \
          stale entries"]
    );
    let nine = library.package(&id("PS100005.9")).unwrap();
    assert_eq!(read(&library, &nine.files[0]), b"nine");

    let ini = fixture.package_ini("PS100005");
    fs::write(&ini, "[Packages]\nPS100005.9=\nPS100005.10=\n[Info]\nVersion=9\n").unwrap();
    assert_eq!(library.package(&id("PS100005")).unwrap().content_id, "PS100005.9");
}

#[test]
fn what_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path()).package("PS100005", 3, &[("x", b"x")]);
    let library = library(&fixture);
    let at = dir.path().display();
    let error = library.package(&id("PS100006")).unwrap_err();
    assert_eq!(error.to_string(), format!("{at} does not have package PS100006"));
    let error = library.package(&id("PS100005.4")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{at} does not have package PS100005.4 (it has PS100005.3)")
    );
}

#[test]
fn lists() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixture = LibraryFixture::new(dir.path())
        .package("PS100005", 3, &[("x", b"x")])
        .content("PS100012", "Content_a.1", &[("y", b"y")], &[])
        .content("PS100012", "Content_b.2", &[("z", b"z")], &[]);
    for number in 0..20 {
        fixture = fixture.package(&format!("PS2000{number:02}"), 1, &[]);
    }
    fs::write(fixture.package_ini("PS100099"), "[Other]\r\n").unwrap();
    let listed = library(&fixture).packages().unwrap();
    assert_eq!(listed.len(), 23);
    let first = |n: usize| (&*listed[n].id, &listed[n].content_ids[..]);
    assert_eq!(first(0), ("PS100005", &["PS100005.3".to_owned()][..]));
    assert_eq!(first(1), ("PS100012", &["Content_b.2".to_owned(), "Content_a.1".to_owned()][..]));
    assert_eq!(first(2), ("PS100099", &[][..]));
    assert!(listed[2].trouble.as_ref().unwrap().contains("no content id in [Packages]"));
    assert!(listed.is_sorted_by_key(|package| &package.id));

    // By the folders in DataLib where PkgLib cannot be listed.
    let refused = Scripted::new(dir.path())
        .refusing_all("list PkgLib", AccessKind::Denied(String::new()))
        .refusing_all("read", AccessKind::NeedsCredentials);
    let listed = Library::new(Arc::new(refused)).packages().unwrap();
    assert_eq!(listed.len(), 23);
    assert_eq!((&*listed[0].id, &*listed[0].content_ids[0]), ("Content_a", "Content_a.1"));
    assert_eq!((&*listed[2].id, &*listed[2].content_ids[0]), ("PS100005", "PS100005.3"));

    // A broken connection is no package that is broken.
    let lost = AccessKind::Lost("reset".to_owned());
    let lost = Scripted::new(dir.path()).refusing_all("read PkgLib/PS2", lost);
    let error = Library::new(Arc::new(lost)).packages().unwrap_err();
    assert!(error.to_string().contains("the connection broke: reset; run again"), "{error}");
}

#[test]
fn applications() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path())
        .content("PS100011", "Content_a.1", &[("x", b"x")], &[])
        .content("PS100012", "Content_a.1", &[("x", b"x")], &[])
        .content("PS100012", "Content_b.2", &[("z", b"z")], &[]);
    let library = library(&fixture);
    let one = library.package(&id("PS100011")).unwrap();
    assert_eq!((&*one.content_id, one.id.to_string()), ("Content_a.1", "PS100011.1".to_owned()));
    let error = library.package(&id("PS100012")).unwrap_err().to_string();
    assert!(error.contains("several contents (Content_b.2, Content_a.1)"), "{error}");
}

/// Describing a package opens no file; opening a file asks for nothing else.
#[test]
fn nothing_needless_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    LibraryFixture::new(dir.path()).package("PS100005", 3, &[("boot.PS100005.wim", b"wim")]);
    let transport = Arc::new(Scripted::new(dir.path()));
    let library = Library::new(Arc::clone(&transport) as _);
    let package = library.package(&id("PS100005")).unwrap();
    assert_eq!(
        transport.asked(),
        [
            "read PkgLib/PS100005.INI",
            "read DataLib/PS100005.3.INI",
            "list DataLib/PS100005.3",
            "read DataLib/PS100005.3/boot.PS100005.wim.INI"
        ]
    );
    drop(library.open(&package.files[0].id, 1..3).unwrap());
    let hash = Digest::of(b"wim").to_string().to_uppercase();
    assert_eq!(transport.asked(), [format!("open FileLib/{}/{hash} 1..3", &hash[..4])]);
}

/// A file that another location listed is found by its hash, whatever its name there.
#[test]
fn files_of_other_locations() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = LibraryFixture::new(one.path()).package("PS100005", 3, &[("a.wim", b"same")]);
    let there = LibraryFixture::new(two.path()).package("XYZ00001", 1, &[("b.wim", b"same")]);
    let package = library(&here).package(&id("PS100005")).unwrap();
    assert_eq!(read(&library(&there), &package.files[0]), b"same");
    let mut unknown = package.files[0].id.clone();
    unknown.digest = None;
    let error = library(&here).open(&unknown, 0..4).err().unwrap();
    assert_eq!(error.kind(), &AccessKind::NotFound);
}

type RandomTree = (BTreeMap<String, Vec<u8>>, BTreeSet<String>);

/// Trees without names that are one to Windows.
fn trees() -> impl Strategy<Value = RandomTree> {
    let folder = prop::sample::select(vec!["", "a/", "a/b/", "a/b/c/", "x y/", "é/", "A.INI/"]);
    let name = "[a-c#%&+ ]{0,2}[a-c](\\.ini|\\.INI|\\.txt)?";
    let file = ((folder, name), prop::collection::vec(any::<u8>(), 0..40));
    let files = prop::collection::vec(file, 0..12);
    let empty = prop::collection::btree_set("(a/b/|q/|)e[f-h]{1,3}", 0..4);
    (files, empty).prop_map(|(files, folders)| {
        let mut unique = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for ((folder, name), bytes) in files {
            let path = format!("{folder}{name}");
            let taken = ["a", "é", "a.ini", "a/b", "a/b/c"].contains(&path.to_lowercase().as_str());
            if !taken && !path.contains("/ ") && seen.insert(path.to_lowercase()) {
                unique.insert(path, bytes);
            }
        }
        (unique, folders)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_put_in_is_what_comes_out((files, folders) in trees()) {
        let dir = tempfile::tempdir().unwrap();
        let listed: Vec<_> = files.iter().map(|(path, bytes)| (&**path, &**bytes)).collect();
        let empty: Vec<_> = folders.iter().map(|folder| &**folder).collect();
        let fixture = LibraryFixture::new(dir.path().join("SCCMContentLib"))
            .package_with_folders("PS100001", 7, &listed, &empty);
        fixture.expand(fixture.root(), str::to_owned);
        let expanded = dir.path().join("SMSPKGC$");
        fixture.expand(&expanded, str::to_owned);

        let library = open_folder(dir.path()).unwrap();
        let package = library.package(&id("PS100001")).unwrap();
        prop_assert_eq!(package.declared_hash, package.computed_hash);
        prop_assert_eq!(&package.warnings, &[""; 0]);
        prop_assert_eq!(paths(&package), files.keys().collect::<Vec<_>>());
        for (file, bytes) in package.files.iter().zip(files.values()) {
            prop_assert_eq!(&read(&*library, file), bytes);
            prop_assert_eq!(file.id.digest, Some(Digest::of(bytes)));
        }

        // Its web face and its package share show the same.
        let web = Library::new(Arc::new(Scripted::web(fixture.root())));
        prop_assert_eq!(&web.package(&id("PS100001")).unwrap(), &package);
        let expanded = open_folder(&expanded).unwrap();
        let share = expanded.package(&id("PS100001")).unwrap();
        prop_assert_eq!(paths(&share), paths(&package));
        prop_assert_eq!(&share.folders, &package.folders);
        for (file, bytes) in share.files.iter().zip(files.values()) {
            prop_assert_eq!(&read(&*expanded, file), bytes);
        }
    }
}
