//! Folders of this machine.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use dp_content::{
    AccessKind, ContentError, ContentPath, FolderTransport, Transport as _, open_folder,
};

use crate::libraries::{id, read};
use crate::library_fixture::LibraryFixture;

fn path(path: &str) -> ContentPath {
    ContentPath::new(path).unwrap()
}

#[test]
fn which_folder_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["SCCMContentLib", "sccmcontentlib", "SCCMContentLib$"] {
        let drive = dir.path().join(format!("drive of {name}"));
        let library = drive.join(name);
        LibraryFixture::new(&library).package("PS100005", 3, &[("x", b"x")]);
        for given in [&drive, &library] {
            let location = open_folder(given).unwrap();
            let (found, wanted) = (location.describe(), library.display().to_string());
            // Where a system does not tell cases apart, the usual one is found first.
            let same = cfg!(windows) && found.eq_ignore_ascii_case(&wanted);
            assert!(same || found == wanted, "{found}");
            assert!(location.package(&id("PS100005")).unwrap().computed_hash.is_some());
        }
    }
    let packages = dir.path().join("packages");
    fs::create_dir_all(packages.join("ps100005")).unwrap();
    fs::write(packages.join("ps100005/x"), "x").unwrap();
    let location = open_folder(&packages).unwrap();
    assert_eq!(location.package(&id("PS100005")).unwrap().computed_hash, None);
}

#[test]
fn which_folder_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display().to_string();
    let error = open_folder(dir.path()).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "{at} holds no content; needed are PkgLib, DataLib and FileLib in it or in its \
             SCCMContentLib, or folders named by package ids (PS100005, PS100005.3)"
        )
    );
    fs::create_dir_all(dir.path().join("SCCMContentLib/pkglib")).unwrap();
    fs::create_dir_all(dir.path().join("SCCMContentLib/DataLib")).unwrap();
    match open_folder(dir.path()) {
        Err(ContentError::NoContent { lacking, .. }) => assert_eq!(lacking, ["FileLib"]),
        other => panic!("{:?}", other.err()),
    }
    let none = dir.path().join("none");
    let error = open_folder(&none).err().unwrap();
    let way_out = "give the folder of a content library or of expanded packages, or a server \
                   (http://server, \\\\server)";
    assert_eq!(error.to_string(), format!("{} is not there; {way_out}", none.display()));
    fs::write(&none, "").unwrap();
    let error = open_folder(&none).err().unwrap();
    assert_eq!(error.to_string(), format!("{} is no folder; {way_out}", none.display()));

    // Its folders have the names of packages, and hold INIs.
    let library = dir.path().join("library");
    LibraryFixture::new(&library).package("PS100005", 3, &[("x", b"x")]);
    for part in ["PkgLib", "DataLib", "FileLib"] {
        let error = open_folder(&library.join(part)).err().unwrap();
        let above = library.canonicalize().unwrap();
        let above = format!("give the folder above it: {}", above.display());
        assert!(error.to_string().ends_with(&above), "{error}");
    }
}

#[test]
fn names_without_case() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("Datalib/Sub É")).unwrap();
    fs::write(dir.path().join("Datalib/Sub É/File.ini"), "text").unwrap();
    let folder = FolderTransport::new(dir.path()).unwrap();
    for name in ["DataLib/sub é/FILE.INI", "datalib/SUB É/file.ini", "Datalib/Sub É/File.ini"] {
        assert_eq!(folder.read(&path(name), 4).unwrap(), b"text");
        assert_eq!(folder.list(&path(name)).unwrap_err().kind(), &AccessKind::NotFound);
    }
    for name in ["DataLib/sub e/FILE.INI", "DataLib/sub é/FILE.IN", "DataLib/sub é/file.ini/x"] {
        let error = folder.read(&path(name), 4).unwrap_err();
        assert_eq!(error.kind(), &AccessKind::NotFound);
        let shown = name.split('/').fold(dir.path().to_owned(), |at, name| at.join(name));
        assert_eq!(Path::new(error.what()), shown);
    }
}

#[test]
fn bytes() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "0123456789").unwrap();
    let folder = FolderTransport::new(dir.path()).unwrap();
    let part = |range, len| {
        let mut text = String::new();
        folder.open(&path("file"), range, len).map(|mut reader| {
            reader.read_to_string(&mut text).unwrap();
            text
        })
    };
    assert_eq!(part(0..10, 10).unwrap(), "0123456789");
    assert_eq!(part(3..5, 10).unwrap(), "34");
    assert_eq!(part(10..10, 10).unwrap(), "");
    let length = AccessKind::Length { expected: 11, found: 10 };
    assert_eq!(part(0..1, 11).unwrap_err().kind(), &length);
    let error = folder.read(&path("file"), 9).unwrap_err();
    assert!(error.to_string().ends_with("has more than 9 bytes"), "{error}");
    let error = folder.read(&ContentPath::ROOT, 9).unwrap_err();
    assert!(error.to_string().ends_with("is no file"), "{error}");
}

/// Beside the library, by the names of the shares of further drives.
#[test]
fn further_drives() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path().join("SCCMContentLib")).package(
        "PS100005",
        3,
        &[("one", b"1"), ("two", b"2"), ("three", b"3")],
    );
    fixture.move_to_drive(&dir.path().join("SCCMContentLibD$"), b"1");
    fixture.move_to_drive(&dir.path().join("sccmcontentlibe"), b"2");
    fixture.move_to_drive(&dir.path().join("SCCMContentLibrary"), b"3");
    let library = open_folder(dir.path()).unwrap();
    let package = library.package(&id("PS100005")).unwrap();
    let [one, three, two] = &package.files[..] else { panic!() };
    assert_eq!((read(&*library, one), read(&*library, two)), (b"1".to_vec(), b"2".to_vec()));
    assert_eq!(library.open(&three.id, 0..1).err().unwrap().kind(), &AccessKind::NotFound);
}

#[cfg(unix)]
#[test]
fn links_that_lead_out() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("in"), dir.path().join("out"));
    fs::create_dir_all(inside.join("PS100001/sub")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    fs::write(inside.join("PS100001/sub/file"), "file").unwrap();
    symlink("sub", inside.join("PS100001/good")).unwrap();
    symlink("sub/file", inside.join("PS100001/link")).unwrap();
    let location = open_folder(&inside).unwrap();
    let package = location.package(&id("PS100001")).unwrap();
    let paths: Vec<_> = package.files.iter().map(|file| file.id.path.as_str()).collect();
    assert_eq!(paths, ["good/file", "link", "sub/file"]);

    for (to, name) in [("../../out/secret", "file"), ("../../out", "folder")] {
        let link = inside.join("PS100001").join(name);
        symlink(to, &link).unwrap();
        let error = location.package(&id("PS100001")).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{}: access denied (a link that leads out of the folder; copy what it leads to)",
                link.display()
            )
        );
        let folder = FolderTransport::new(&inside).unwrap();
        for through in ["PS100001/file", "PS100001/folder", "ps100001/folder/secret"] {
            let kind = folder.read(&path(through), 10).err().map(|error| error.kind().clone());
            assert!(!matches!(kind, None | Some(AccessKind::Io { .. })), "{kind:?}");
        }
        fs::remove_file(link).unwrap();
    }
    // The folder that was named may be a link itself.
    symlink(&inside, dir.path().join("link")).unwrap();
    assert!(open_folder(&dir.path().join("link")).unwrap().package(&id("PS100001")).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let dir = tempfile::tempdir().unwrap();
    LibraryFixture::new(dir.path()).package("PS100005", 3, &[("x", b"x")]);
    let library = open_folder(dir.path()).unwrap();
    fs::write(dir.path().join("PkgLib").join(OsStr::from_bytes(b"x\xFF.INI")), "").unwrap();
    fs::write(dir.path().join("PkgLib/a:b.INI"), "").unwrap();
    let listed = library.packages().unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed[0].id == "PS100005" && listed[0].trouble.is_none());
    assert!(listed[1].trouble.as_ref().unwrap().contains("holds ':', which no name may"));
    assert!(listed[2].trouble.as_ref().unwrap().contains("is not Unicode; rename it"));

    let packages = tempfile::tempdir().unwrap();
    fs::create_dir(packages.path().join("PS100001")).unwrap();
    fs::write(packages.path().join(OsStr::from_bytes(b"x\xFF")), "").unwrap();
    let expanded = open_folder(packages.path()).unwrap();
    assert_eq!(expanded.packages().unwrap().len(), 1);
    expanded.package(&id("PS100001")).unwrap();
    fs::write(packages.path().join("PS100001").join(OsStr::from_bytes(b"x\xFF")), "").unwrap();
    let error = expanded.package(&id("PS100001")).unwrap_err().to_string();
    assert!(error.contains("is not Unicode; rename it"), "{error}");
}
