//! Libraries that are broken: every fault has its message, and none leads anywhere else.

use std::fs;
use std::sync::Arc;

use dp_content::{AccessKind, ContentError, Library, Location};
use tempfile::TempDir;

use crate::libraries::{id, library, read};
use crate::library_fixture::LibraryFixture;
use crate::scripted::{Scripted, file, folder};

const BOOT: &str = "boot.PS100005.wim";

fn broken() -> (TempDir, LibraryFixture) {
    let dir = tempfile::tempdir().unwrap();
    let fixture =
        LibraryFixture::new(dir.path()).package("PS100005", 3, &[(BOOT, b"wim"), ("a/b", b"b")]);
    (dir, fixture)
}

/// The path in the location, and what is wrong with it.
fn malformed(library: &Library) -> (String, String) {
    match library.package(&id("PS100005")) {
        Err(ContentError::Malformed { path, what, .. }) => (path, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn file_inis() {
    let hash = crate::library_fixture::hex(b"wim");
    let short = &hash[..63];
    for (from, to, what) in [
        ("Hash=", "Hush=", "no Hash in [File]".to_owned()),
        (
            &*hash,
            short,
            format!("line 5: Hash is \"{short}\", which is not a SHA-256 in 64 hexadecimal digits"),
        ),
        ("Size=3\r\n", "", "no Size in [File]".to_owned()),
        (
            "Size=3",
            "Size=-3",
            "line 3: Size is \"-3\", which is not a number of bytes in decimal digits".to_owned(),
        ),
    ] {
        let (_dir, fixture) = broken();
        fixture.edit(&fixture.file_ini("PS100005.3", BOOT), from, to);
        let ini = format!("DataLib/PS100005.3/{BOOT}.INI");
        assert_eq!(malformed(&library(&fixture)), (ini, what));
    }

    let (_dir, fixture) = broken();
    fixture.edit(&fixture.file_ini("PS100005.3", BOOT), &hash, &hash.to_lowercase());
    let library = library(&fixture);
    let package = library.package(&id("PS100005")).unwrap();
    assert_eq!(read(&library, &package.files[1]), b"wim");

    fs::write(fixture.file_ini("PS100005.3", BOOT), vec![b'\n'; 70_000]).unwrap();
    let error = library.package(&id("PS100005")).unwrap_err().to_string();
    assert!(error.ends_with("boot.PS100005.wim.INI: has more than 65536 bytes"), "{error}");
}

/// It is believed until the file is opened.
#[test]
fn a_size_that_lies() {
    let (_dir, fixture) = broken();
    fixture.edit(&fixture.file_ini("PS100005.3", BOOT), "Size=3", "Size=18446744073709551615");
    let library = library(&fixture);
    let package = library.package(&id("PS100005")).unwrap();
    assert_eq!(package.bytes(), u64::MAX);
    let error = library.open(&package.files[1].id, 0..1).err().unwrap();
    assert_eq!(error.kind(), &AccessKind::Length { expected: u64::MAX, found: 3 });
}

#[test]
fn content_inis() {
    let (_dir, fixture) = broken();
    let ini = fixture.content_ini("PS100005.3");
    fixture.edit(&ini, "\r\nHash=", "\r\nHash=00");
    let package = library(&fixture).package(&id("PS100005")).unwrap();
    assert_eq!((package.declared_hash, package.computed_hash.is_some()), (None, true));
    let trouble = package.hash_trouble.unwrap();
    assert!(trouble.starts_with("DataLib/PS100005.3.INI: line 3: Hash is \"00"), "{trouble}");
    assert_eq!(package.warnings, [""; 0]);

    fs::remove_file(ini).unwrap();
    let package = library(&fixture).package(&id("PS100005")).unwrap();
    assert_eq!((package.declared_hash, package.hash_trouble), (None, None));
    assert_eq!(package.warnings, ["DataLib/PS100005.3.INI: not there"]);
}

#[test]
fn stale_entries() {
    let (dir, fixture) = broken();
    fixture.stale_entry("PS100005", "PS100005.4");
    fixture.stale_entry("PS100005", "ps100005.3");
    let library = library(&fixture);
    let package = library.package(&id("PS100005")).unwrap();
    assert_eq!(package.content_id, "PS100005.3");
    assert_eq!(
        package.warnings,
        [
            "PkgLib/PS100005.INI lists ps100005.3 twice",
            "PkgLib/PS100005.INI lists PS100005.4, PS100005.3, where a package has one content: \
             stale entries",
            "PkgLib/PS100005.INI lists PS100005.4, which is not in DataLib: a stale entry; \
             redistribute the content"
        ]
    );
    fs::remove_dir_all(dir.path().join("DataLib/PS100005.3")).unwrap();
    assert_eq!(
        malformed(&library),
        (
            "PkgLib/PS100005.INI".to_owned(),
            "lists PS100005.4, PS100005.3, which DataLib does not have".to_owned()
        )
    );
}

#[test]
fn ids_that_lead_elsewhere() {
    let (_dir, fixture) = broken();
    fixture.stale_entry("PS100005", "..\\..\\secret.9");
    let (path, what) = malformed(&library(&fixture));
    assert_eq!(path, "PkgLib/PS100005.INI");
    assert!(what.contains("which no name may"), "{what}");
}

/// A listing is a stranger's word.
#[test]
fn names_that_lead_elsewhere() {
    let (dir, _fixture) = broken();
    for name in ["..", "../x.INI", "a\\b.INI", "C:.INI", "", "x\0.INI", ".INI"] {
        let transport = Scripted::new(dir.path())
            .listing(move |at| (at == "DataLib/PS100005.3").then(|| vec![file(name)]));
        let transport = Arc::new(transport);
        let (path, _) = malformed(&Library::new(Arc::clone(&transport) as _));
        assert!(path.starts_with("DataLib/PS100005.3"), "{path}");
        let asked = transport.asked();
        assert_eq!(asked.len(), 3, "nothing is asked for by such a name: {asked:?}");
    }
}

#[test]
fn one_name_to_windows() {
    let (dir, _fixture) = broken();
    for (one, two) in [("A.txt.INI", "a.TXT.ini"), ("É.INI", "é.INI")] {
        let transport = Scripted::new(dir.path())
            .listing(move |at| (at == "DataLib/PS100005.3").then(|| vec![file(one), file(two)]));
        let (_, what) = malformed(&Library::new(Arc::new(transport)));
        assert!(what.ends_with("are one name to Windows"), "{what}");
    }
    let transport = Scripted::new(dir.path()).listing(|at| match at {
        "DataLib/PS100005.3" => Some(vec![file("x.INI"), folder("X")]),
        "DataLib/PS100005.3/X" => Some(vec![]),
        _ => None,
    });
    assert_eq!(malformed(&Library::new(Arc::new(transport))).1, "x and X are one name to Windows");
}

#[test]
fn trees_without_end() {
    let (dir, _fixture) = broken();
    let deep = Scripted::new(dir.path())
        .listing(|at| at.starts_with("DataLib/PS100005.3").then(|| vec![folder("d")]));
    let (_, what) = malformed(&Library::new(Arc::new(deep)));
    assert_eq!(what, "is 129 folders deep; 128 are allowed");

    let wide = Scripted::new(dir.path()).listing(|at| {
        let names = (0..1000).map(|n: u32| n.to_string());
        match at.strip_prefix("DataLib/PS100005.3")? {
            "" => Some(names.map(|name| folder(&name)).collect()),
            _ => Some(names.map(|name| file(&name)).collect()),
        }
    });
    let (_, what) = malformed(&Library::new(Arc::new(wide)));
    assert_eq!(what, "holds more than 250000 files and folders");
}

/// A few bytes of a listing must not stand for much memory.
#[test]
fn names_and_paths_have_limits() {
    let (dir, _fixture) = broken();
    let long = "d".repeat(60_000);
    let transport = Scripted::new(dir.path())
        .listing(move |at| at.starts_with("DataLib/PS100005.3").then(|| vec![folder(&long)]));
    let (_, what) = malformed(&Library::new(Arc::new(transport)));
    assert!(what.ends_with("has 60000 characters, at most 255 are allowed"), "{what}");

    let name = "d".repeat(255);
    let deep = Scripted::new(dir.path()).listing(move |at| {
        let depth = at.strip_prefix("DataLib/PS100005.3")?.matches('/').count();
        let names = 0..if depth < 20 { 1 } else { 20_000 };
        Some(names.map(|n| if depth < 20 { folder(&name) } else { file(&n.to_string()) }).collect())
    });
    let (_, what) = malformed(&Library::new(Arc::new(deep)));
    assert_eq!(what, "holds paths of more than 16777216 bytes in all");
}

/// What may not be looked into is said so, by name, and is not taken for missing.
#[test]
fn folders_that_may_not_be_read() {
    let (dir, _fixture) = broken();
    let denied = AccessKind::Denied("package access accounts".to_owned());
    for (start, path) in [
        ("read PkgLib", "PkgLib/PS100005.INI"),
        ("read DataLib/PS100005.3.INI", "DataLib/PS100005.3.INI"),
        ("list DataLib", "DataLib/PS100005.3"),
        ("list DataLib/PS100005.3/a", "DataLib/PS100005.3/a"),
        ("read DataLib/PS100005.3/a", "DataLib/PS100005.3/a/b.INI"),
    ] {
        let transport = Scripted::new(dir.path()).refusing_all(start, denied.clone());
        match Library::new(Arc::new(transport)).package(&id("PS100005")) {
            Err(ContentError::Access(error)) => {
                assert_eq!((error.what(), error.kind()), (path, &denied));
            }
            other => panic!("{start}: {other:?}"),
        }
    }
}

#[test]
fn files_that_are_no_ini() {
    let (_dir, fixture) = broken();
    fs::write(fixture.data_lib("PS100005.3", "notes.txt"), "x").unwrap();
    let package = library(&fixture).package(&id("PS100005")).unwrap();
    assert_eq!(package.files.len(), 2);
    assert_eq!(package.warnings, ["DataLib/PS100005.3/notes.txt is no INI; passed over"]);
}

#[test]
fn a_file_that_is_gone() {
    let (_dir, fixture) = broken();
    let library = library(&fixture);
    let package = library.package(&id("PS100005")).unwrap();
    fixture.remove_stored(b"wim");
    let error = library.open(&package.files[1].id, 0..3).err().unwrap();
    assert_eq!(error.kind(), &AccessKind::NotFound);
    assert!(error.what().ends_with(&crate::library_fixture::hex(b"wim")), "{error}");
}

/// Further drives: asked for once, in order, those that do not exist never again.
#[test]
fn further_drives() {
    let (dir, fixture) = broken();
    let (d, e) = (dir.path().join("D"), dir.path().join("E"));
    fixture.move_to_drive(&d, b"wim");
    fixture.move_to_drive(&e, b"b");
    let none = Arc::new(Scripted::new(&d).refusing_all("open", AccessKind::NoShare));
    let closed = Arc::new(
        Scripted::new(&d).refusing_all("open", AccessKind::Denied("the share".to_owned())),
    );
    let (d, e) = (Arc::new(Scripted::new(&d)), Arc::new(Scripted::new(&e)));
    let main = Arc::new(Scripted::new(dir.path()).with_span(&none).with_span(&d).with_span(&e));
    let library = Library::new(Arc::clone(&main) as _);
    let package = library.package(&id("PS100005")).unwrap();
    assert!(!main.asked().contains(&"spans".to_owned()));
    let [b, wim] = &package.files[..] else { panic!() };
    assert_eq!((read(&library, wim), read(&library, b)), (b"wim".to_vec(), b"b".to_vec()));
    assert_eq!((none.asked().len(), d.asked().len(), e.asked().len()), (1, 2, 1));
    assert_eq!(main.asked().iter().filter(|request| *request == "spans").count(), 1);

    // One that may have it is not passed over.
    let lost = AccessKind::Lost("reset".to_owned());
    let broken = Arc::new(Scripted::new(&dir.path().join("D")).refusing_all("open", lost.clone()));
    let main = Arc::new(Scripted::new(dir.path()).with_span(&broken).with_span(&e));
    e.asked();
    let error = Library::new(main).open(&b.id, 0..1).err().unwrap();
    assert_eq!((error.kind(), e.asked().len()), (&lost, 0));

    // A drive that may not be read matters when no other has the file.
    let main = Arc::new(Scripted::new(dir.path()).with_span(&closed).with_span(&e));
    let library = Library::new(main);
    assert_eq!(read(&library, b), b"b");
    let error = library.open(&wim.id, 0..3).err().unwrap();
    assert_eq!(error.kind(), &AccessKind::Denied("the share".to_owned()));
}
