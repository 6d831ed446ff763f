//! A library as the web server of a distribution point shows it.

use std::fs;
use std::sync::Arc;

use dp_content::{
    AccessKind, Content, ContentError, ContentOptions, ContentPath, Library, Location,
};
use tempfile::TempDir;

use crate::libraries::{id, paths, read};
use crate::library_fixture::LibraryFixture;
use crate::scripted::Scripted;

/// A library and, at its root, the files under their names.
fn site() -> (TempDir, LibraryFixture) {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path()).package_with_folders(
        "PS100001",
        2,
        &[("ccmsetup.exe", b"setup"), ("i386/client.msi", b"client")],
        &["none"],
    );
    fixture.expand(dir.path(), str::to_owned);
    (dir, fixture)
}

#[test]
fn names_come_from_the_content() {
    let (dir, _) = site();
    let transport = Arc::new(Scripted::web(dir.path()));
    let library = Library::new(Arc::clone(&transport) as _);
    let package = library.package(&id("PS100001")).unwrap();
    assert_eq!(paths(&package), ["ccmsetup.exe", "i386/client.msi"]);
    assert_eq!(package.declared_hash, package.computed_hash);
    let asked = transport.asked();
    for request in ["list PS100001.2", "list PS100001.2/i386", "list PS100001.2/none"] {
        assert!(asked.contains(&request.to_owned()), "{asked:?}");
    }
    assert!(asked.contains(&"read DataLib/PS100001.2/i386/client.msi.INI".to_owned()));
    assert!(!asked.iter().any(|request| request.starts_with("list DataLib")));

    assert_eq!(read(&library, &package.files[1]), b"client");
    assert_eq!(transport.asked(), ["open PS100001.2/i386/client.msi 0..6"]);
}

#[test]
fn then_by_hash() {
    let (dir, fixture) = site();
    let transport = Arc::new(Scripted::web(dir.path()));
    let library = Library::new(Arc::clone(&transport) as _);
    let package = library.package(&id("PS100001")).unwrap();
    fs::remove_file(dir.path().join("PS100001.2/ccmsetup.exe")).unwrap();
    transport.asked();
    assert_eq!(read(&library, &package.files[0]), b"setup");
    let asked = transport.asked();
    assert_eq!(asked[0], "open PS100001.2/ccmsetup.exe 0..5");
    assert!(asked[1].starts_with("open FileLib/"), "{asked:?}");

    // What is nowhere is missed under the name that people know.
    fixture.remove_stored(b"setup");
    let error = library.open(&package.files[0].id, 0..5).err().unwrap();
    assert_eq!(error.kind(), &AccessKind::NotFound);
    assert!(error.what().ends_with("ccmsetup.exe"), "{error}");

    // Only what is not there is looked for elsewhere.
    let denied = AccessKind::Denied("7".to_owned());
    let refused = Scripted::web(dir.path()).refusing_all("open PS100001.2", denied.clone());
    let refused = Arc::new(refused);
    let library = Library::new(Arc::clone(&refused) as _);
    assert_eq!(library.open(&package.files[1].id, 0..6).err().unwrap().kind(), &denied);
    assert_eq!(refused.asked().len(), 1);
}

#[test]
fn names_from_the_signature() {
    let (dir, _) = site();
    for refusal in [
        AccessKind::NotFound,
        AccessKind::Denied("listing is off".to_owned()),
        AccessKind::Malformed("no listing".to_owned()),
    ] {
        let web = Scripted::web(dir.path()).refusing_all("list PS100001.2", refusal.clone());
        let web = web.with_signature(&["ccmsetup.exe", "i386\\client.msi"]);
        let package = Library::new(Arc::new(web)).package(&id("PS100001")).unwrap();
        assert_eq!(paths(&package), ["ccmsetup.exe", "i386/client.msi"]);
        assert_eq!(package.folders.iter().map(ContentPath::as_str).collect::<Vec<_>>(), ["i386"]);
        assert_eq!(package.warnings.len(), 1);
        assert!(package.warnings[0].contains(&refusal.to_string()), "{:?}", package.warnings);
        // The empty folder is not known.
        assert_ne!(package.declared_hash, package.computed_hash);

        // No listing and no signature: not a stale entry, for the content has an INI.
        let web = Scripted::web(dir.path()).refusing_all("list PS100001.2", refusal.clone());
        let error = Library::new(Arc::new(web)).package(&id("PS100001")).unwrap_err();
        let ContentError::Access(error) = error else { panic!("{error}") };
        assert_eq!((error.what(), error.kind()), ("PS100001.2", &refusal));
    }
    // A folder that is hidden, and a signature that tells of a file in a file.
    let hidden = |signature: &[&str]| {
        let web = Scripted::web(dir.path());
        let web = web.refusing_all("list PS100001.2/i386", AccessKind::NotFound);
        Library::new(Arc::new(web.with_signature(signature))).package(&id("PS100001"))
    };
    let package = hidden(&["ccmsetup.exe", "i386/client.msi"]).unwrap();
    assert_eq!(paths(&package), ["ccmsetup.exe", "i386/client.msi"]);
    let error = hidden(&["a", "A/b"]).unwrap_err().to_string();
    assert!(error.contains("a and A are one name to Windows"), "{error}");

    // What may be otherwise soon is not gone round.
    let busy = AccessKind::Stalled { seconds: 30 };
    let web = Scripted::web(dir.path()).refusing_all("list PS100001.2", busy.clone());
    let web = Arc::new(web.with_signature(&["ccmsetup.exe"]));
    let error = Library::new(Arc::clone(&web) as _).package(&id("PS100001")).unwrap_err();
    assert!(error.to_string().contains("nothing came for 30 s"), "{error}");
    assert!(!web.asked().contains(&"signature PS100001.2".to_owned()));
}

#[test]
fn stale_entries() {
    let (dir, fixture) = site();
    fixture.stale_entry("PS100001", "PS100001.5");
    let package = Library::new(Arc::new(Scripted::web(dir.path()))).package(&id("PS100001"));
    let package = package.unwrap();
    assert_eq!(package.content_id, "PS100001.2");
    assert!(package.warnings[1].contains("PS100001.5, which is not in DataLib"));
}

/// Without the INIs there are names and bytes, but nothing to verify them with.
#[test]
fn inis_that_may_not_be_read() {
    let (dir, _) = site();
    for kind in [AccessKind::NotFound, AccessKind::Denied(String::new())] {
        let web = Scripted::web(dir.path()).refusing_all("read DataLib", kind.clone());
        let error = Library::new(Arc::new(web)).package(&id("PS100001")).unwrap_err();
        let ContentError::Unverifiable { content_id, source, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((&**content_id, source.kind()), ("PS100001.2", &kind));
        assert_eq!(
            error.to_string(),
            "scripted: PS100001.2 cannot be verified: the files in DataLib cannot be read; use the \
             share of the distribution point (\\\\server) or give an account that may read them"
        );
    }
    let kind = AccessKind::NeedsCredentials;
    let web = Scripted::web(dir.path()).refusing_all("read DataLib/PS100001.2/", kind);
    let error = Library::new(Arc::new(web)).package(&id("PS100001")).unwrap_err();
    assert!(error.to_string().contains("--user"), "{error}");
}

/// Where a server shows no PkgLib, the contents in DataLib tell.
#[test]
fn a_package_ini_that_may_not_be_read() {
    let (dir, fixture) = site();
    fixture.package("PS100001", 10, &[("new", b"new")]);
    let closed = || {
        let denied = AccessKind::Denied(String::new());
        Scripted::web(dir.path()).refusing_all("read PkgLib", denied)
    };
    let library = Library::new(Arc::new(
        closed().refusing_all("list PS100001.10", AccessKind::NotFound).with_signature(&["new"]),
    ));
    let package = library.package(&id("PS100001")).unwrap();
    assert_eq!(package.content_id, "PS100001.10");
    let told = "PkgLib/PS100001.INI cannot be read (access denied); the content is the newest that \
                DataLib lists";
    assert!(package.warnings.contains(&told.to_owned()), "{:?}", package.warnings);
    let error = library.package(&id("PS100009")).unwrap_err();
    let told = "PkgLib/PS100009.INI: access denied; give an account that may read it with --user";
    assert_eq!(error.to_string(), told);
    // What is not there is not looked for elsewhere.
    let error = Library::new(Arc::new(Scripted::web(dir.path()))).package(&id("PS100009"));
    assert!(matches!(error, Err(ContentError::Missing { .. })));
}

#[test]
fn a_web_server_of_another_kind() {
    let dir = tempfile::tempdir().unwrap();
    let transport = Arc::new(Scripted::web(dir.path()));
    let library = Library::new(Arc::clone(&transport) as _);
    let told = "scripted answers, but shows no content library; name a distribution point, or the share \
                of this one (\\\\server)";
    assert_eq!(library.package(&id("PS100001")).unwrap_err().to_string(), told);
    assert_eq!(library.package(&id("PS100002")).unwrap_err().to_string(), told);
    assert_eq!(library.packages().unwrap_err().to_string(), told);
    let asked = transport.asked();
    assert_eq!(
        asked[..3],
        ["read PkgLib/PS100001.INI", "list DataLib", "read PkgLib/PS100002.INI"]
    );
}

/// Of two lengths one is wrong: the server is asked for the file.
#[test]
fn lengths_that_differ() {
    let (dir, fixture) = site();
    let ini = fixture.file_ini("PS100001.2", "ccmsetup.exe");
    fixture.edit(&ini, "Size=5", "Size=6");
    let transport = Arc::new(Scripted::web(dir.path()));
    let library = Library::new(Arc::clone(&transport) as _);
    let content = Content::with_locations(vec![Arc::new(library)], ContentOptions::new());
    let told = content.find(&[id("PS100001")]).unwrap_err().to_string();
    assert!(told.contains("1 of 2 files of PS100001.2 cannot be had"), "{told}");
    assert!(told.contains("has 5 bytes where 6 are due"), "{told}");
    let opened = transport.asked().into_iter().filter(|it| it.starts_with("open")).count();
    assert_eq!(opened, 1);
}
