//! The fixture itself: sizes and hashes that are known from elsewhere.

use std::fs;

use crate::library_fixture::{LibraryFixture, content_ini_text, file_ini_text, hex, package_hash};

/// The three package hashes that were worked out apart from any code of ours.
#[test]
fn package_hashes() {
    let boot: &[_] = &[("boot.PS100005.wim", &b"hello"[..])];
    let three: &[_] = &[("a.txt", &b"a"[..]), ("B.txt", b"b"), ("Sub/c.txt", b"c")];
    let empty: &[_] = &[("a.txt", &b"a"[..])];
    for (files, folders, hash) in [
        (boot, &[][..], "776022AB8F19F538A54D3336266F6AF1772C84073BDB238C7E88392725792C5C"),
        (three, &[], "D7DFF5DA28494DF2AFCC4523AEBD274524068067C61BC458F65E85C81D89D08C"),
        (empty, &["empty"], "B3A5A327DD731E6BAC9715467A18BDFC276C6E52E1474D0B0A3BD95A2F6438D5"),
    ] {
        assert_eq!(package_hash(files, folders), hash);
    }
}

#[test]
fn sizes_of_real_files() {
    assert_eq!(file_ini_text(&[0; 2263]).len(), 144);
    assert_eq!(content_ini_text(&hex(b"")).len(), 100);
}

#[test]
fn equal_files_are_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = LibraryFixture::new(dir.path().join("SCCMContentLib"))
        .package("PS100001", 2, &[("a/x.bin", b"same"), ("y.bin", b"same")])
        .package("PS100005", 3, &[("boot.PS100005.wim", b"same")]);
    let users = fs::read_to_string(fixture.stored(b"same").with_extension("INI")).unwrap();
    assert_eq!(users, "[Users]\r\nPS100001.2=\r\nPS100005.3=\r\n");
    let ini = fs::read_to_string(fixture.package_ini("PS100005")).unwrap();
    assert_eq!(ini, "[Packages]\r\nPS100005.3=\r\n");
}
