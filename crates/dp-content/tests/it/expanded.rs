//! Folders of expanded packages.

use std::fs;
use std::io::Read as _;
use std::sync::Arc;

use dp_content::{
    AccessKind, Content, ContentError, ContentOptions, Expanded, FolderTransport, Location as _,
    open_folder,
};
use tempfile::TempDir;

use crate::libraries::{id, library, paths, read};
use crate::library_fixture::LibraryFixture;

fn share(folders: &[&str]) -> (TempDir, Expanded) {
    let dir = tempfile::tempdir().unwrap();
    for folder in folders {
        fs::create_dir_all(dir.path().join(folder).join("sub")).unwrap();
        fs::write(dir.path().join(folder).join("sub/name"), folder).unwrap();
    }
    let expanded = Expanded::new(Arc::new(FolderTransport::new(dir.path()).unwrap()));
    (dir, expanded)
}

#[test]
fn packages() {
    let (dir, share) =
        share(&["PS100005", "PS100001.9", "ps100001.10", "PS100001", "other", "x.1"]);
    fs::write(dir.path().join("PS100007"), "no folder").unwrap();
    let listed = share.packages().unwrap();
    let listed: Vec<_> =
        listed.iter().map(|package| (&*package.id, package.content_ids.join(" "))).collect();
    assert_eq!(
        listed,
        [
            ("PS100001", "ps100001.10 PS100001.9 PS100001".to_owned()),
            ("PS100005", "PS100005".to_owned())
        ]
    );

    let package = share.package(&id("PS100005")).unwrap();
    assert_eq!((package.id.to_string(), &*package.content_id), ("PS100005".into(), "PS100005"));
    assert_eq!((paths(&package), package.folders[0].as_str()), (vec!["sub/name"], "sub"));
    assert_eq!((package.declared_hash, package.computed_hash), (None, None));
    assert_eq!(package.files[0].id.digest, None);
    assert!(package.files[0].modified.is_some());
    assert_eq!(read(&share, &package.files[0]), b"PS100005");

    let highest = share.package(&id("PS100001")).unwrap();
    assert_eq!(highest.id.to_string(), "PS100001.10");
    let unverified = format!(
        "is taken from {}: expanded packages have no hashes, so its files are not verified",
        dir.path().display()
    );
    let also = "ps100001.10 is used; PS100001.9, PS100001 is there too";
    assert_eq!(highest.warnings, [&*unverified, also]);
    assert_eq!(read(&share, &highest.files[0]), b"ps100001.10");
    assert_eq!(share.package(&id("PS100001.9")).unwrap().content_id, "PS100001.9");
}

#[test]
fn what_is_not_there() {
    let (_dir, share) = share(&["PS100005", "PS100001.9"]);
    for (asked, has) in [("PS100001.8", vec!["PS100001.9"]), ("PS100005.1", vec!["PS100005"])] {
        match share.package(&id(asked)) {
            Err(ContentError::Missing { versions, .. }) => assert_eq!(versions, has),
            other => panic!("{other:?}"),
        }
    }
}

/// Where the hash is known, a folder without a version will do; else it might be another's.
#[test]
fn files_of_other_locations() {
    let (_dir, share) = share(&["PS100005"]);
    let dir = tempfile::tempdir().unwrap();
    let fixture =
        LibraryFixture::new(dir.path()).package("PS100005", 3, &[("sub/name", b"PS100005")]);
    let package = library(&fixture).package(&id("PS100005")).unwrap();
    assert_eq!(read(&share, &package.files[0]), b"PS100005");
    let mut unknown = package.files[0].id.clone();
    unknown.digest = None;
    assert_eq!(share.open(&unknown, 0..8).err().unwrap().kind(), &AccessKind::NotFound);
    let mut longer = package.files[0].id.clone();
    longer.len = 9;
    let length = AccessKind::Length { expected: 9, found: 8 };
    assert_eq!(share.open(&longer, 0..8).err().unwrap().kind(), &length);
}

/// No hash tells whether two readings are of one file.
#[test]
fn a_file_that_changed_between_two_readings_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("PS100005")).unwrap();
    let path = dir.path().join("PS100005/x.bin");
    fs::write(&path, vec![1; 4 << 20]).unwrap();
    let folder = open_folder(dir.path()).unwrap();
    let content = Content::with_locations(vec![folder], ContentOptions::new());
    let source = crate::flow::source(&content);
    let mut half = vec![0; 2 << 20];
    for from in [0, 1000] {
        source.open(from).unwrap().read_exact(&mut half).unwrap();
    }
    let new = dir.path().join("new");
    fs::write(&new, vec![2; 4 << 20]).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3);
    fs::File::options().append(true).open(&new).unwrap().set_modified(later).unwrap();
    fs::rename(&new, &path).unwrap();
    let error = source.open(2 << 20).unwrap().read_exact(&mut half).unwrap_err();
    assert!(error.to_string().ends_with("was changed since it was listed; run again"), "{error}");
}
