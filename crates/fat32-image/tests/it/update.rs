//! Updates in place, judged by `fatfs` and the checker.

mod any;
mod broken;
mod crash;
mod files;
mod memory;
mod oracles;
mod refusals;
mod root;
mod shapes;
mod tolerated;

use extent_image::{Storage, Tree};
use fat32_image::Label;
use fat32_image::update::{
    ChangeKind, Collision, Left, Update, UpdateError, UpdateNote, UpdateOptions, UpdateReport,
    prepare,
};

use self::files::{
    START, check, differences, files_of, put_foreign, read, remove_foreign, tree_of, volume_of,
};
use self::memory::Memory;
use crate::model::content;

fn prepared<'a>(
    memory: &'a Memory,
    tree: &'a Tree,
    options: &UpdateOptions,
) -> Result<Update<'a>, UpdateError> {
    prepare(memory, START..memory.len(), tree, options, &mut ())
}

fn update(
    memory: &Memory,
    tree: &Tree,
    options: &UpdateOptions,
) -> Result<UpdateReport, UpdateError> {
    prepared(memory, tree, options)?.apply(&mut ())
}

fn old_tree() -> Tree {
    tree_of(&[
        ("BOOTMGR", Some(content(4000, 1))),
        ("Boot", None),
        ("Boot/BCD", Some(content(2000, 2))),
        ("Boot/boot.sdi", Some(content(30_000, 3))),
        ("EFI", None),
        ("EFI/Boot", None),
        ("EFI/Boot/bootx64.efi", Some(content(9000, 4))),
        ("SUMS", Some(b"old".to_vec())),
        ("sources", None),
        ("sources/boot.wim", Some(content(100_000, 5))),
        ("sources/gone.txt", Some(content(600, 6))),
        ("old folder", None),
        ("old folder/deep", None),
        ("old folder/deep/file", Some(content(10, 7))),
    ])
}

fn new_tree() -> Tree {
    tree_of(&[
        ("BOOTMGR", Some(content(4000, 1))),
        ("Boot", None),
        ("Boot/BCD", Some(content(2000, 20))),
        ("Boot/boot.sdi", Some(content(30_000, 3))),
        ("EFI", None),
        ("EFI/Boot", None),
        ("EFI/Boot/bootx64.efi", Some(content(9000, 4))),
        ("SUMS", Some(b"new".to_vec())),
        ("sources", None),
        ("sources/boot.wim", Some(content(120_000, 50))),
        ("sources/A new folder", None),
        ("sources/A new folder/with a long name.txt", Some(content(700, 8))),
        ("sources/A new folder/empty", Some(Vec::new())),
    ])
}

fn options(old: &Tree) -> UpdateOptions {
    let files = old.walk().filter(|id| !old.is_folder(*id)).map(|id| old.path(id));
    UpdateOptions::new().with_owned(files).with_switch(["SUMS"])
}

#[test]
fn only_what_changed_is_written() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    let update = prepared(&memory, &new, &options(&old)).unwrap();
    let changes: Vec<_> =
        update.changes().iter().map(|c| (c.path(), c.kind(), c.bytes())).collect();
    assert_eq!(
        changes,
        [
            ("Boot/BCD", ChangeKind::Replaced, 2000),
            ("SUMS", ChangeKind::Replaced, 3),
            ("old folder", ChangeKind::FolderRemoved, 0),
            ("old folder/deep", ChangeKind::FolderRemoved, 0),
            ("old folder/deep/file", ChangeKind::Removed, 10),
            ("sources/A new folder", ChangeKind::FolderAdded, 0),
            ("sources/A new folder/empty", ChangeKind::Added, 0),
            ("sources/A new folder/with a long name.txt", ChangeKind::Added, 700),
            ("sources/boot.wim", ChangeKind::Replaced, 120_000),
            ("sources/gone.txt", ChangeKind::Removed, 600),
        ]
    );
    assert_eq!((update.unchanged_files(), update.unchanged_bytes()), (3, 43_000));
    assert!(update.notes().is_empty(), "{:?}", update.notes());
    let report = update.apply(&mut ()).unwrap();
    assert_eq!(report.content_written, 122_703);
    assert!(report.written < 122_703 + 20_000, "{report:?}");
    assert_eq!(report.source_digests.len(), 8);
    assert_eq!(check(&memory), []);
    assert_eq!(differences(&read(&memory), &files_of(&new)), [""; 0]);

    // A second time there is nothing to do, and nothing is written.
    let memory = memory.snapshot();
    let update = prepared(&memory, &new, &options(&old)).unwrap();
    assert_eq!(update.changes(), []);
    let _ = update.apply(&mut ()).unwrap();
    assert_eq!(memory.log().len(), 0);
}

#[test]
fn foreign_files_stay_and_move_along() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    put_foreign(&memory, "System Volume Information/WPSettings.dat", &content(12, 60));
    put_foreign(&memory, "sources/drivers of mine/network card/driver.inf", &content(1234, 61));
    put_foreign(&memory, "old folder/mine.txt", b"mine");
    put_foreign(&memory, "passing.txt", &content(5000, 62));
    remove_foreign(&memory, "passing.txt");
    let before = read(&memory);
    let _ = update(&memory, &new, &options(&old)).unwrap();
    assert_eq!(check(&memory), []);
    let mut expected = before;
    for gone in ["sources/gone.txt", "old folder/deep", "old folder/deep/file"] {
        assert!(expected.remove(&files::key(gone)).is_some(), "{gone}");
    }
    expected.extend(files_of(&new));
    assert_eq!(differences(&read(&memory), &expected), [""; 0]);
}

#[test]
fn collisions_are_named_together() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    put_foreign(&memory, "a folder/x", b"");
    put_foreign(&memory, "long name.txt", b"x");
    let tree = tree_of(&[
        ("A FOLDER", Some(b"1".to_vec())),
        ("BOOTMGR", None),
        ("LONGNA~1.TXT", Some(b"2".to_vec())),
        ("SUMS", Some(b"3".to_vec())),
    ]);
    let error = prepared(&memory, &tree, &UpdateOptions::new()).map(drop).unwrap_err();
    let UpdateError::Collisions { collisions } = &error else { panic!("{error}") };
    let path = |path: &str| path.to_owned();
    assert_eq!(
        *collisions,
        [
            Collision::IsFolder { path: path("A FOLDER") },
            Collision::IsFile { path: path("BOOTMGR") },
            Collision::ShortName { path: path("LONGNA~1.TXT"), other: path("long name.txt") },
            Collision::Differs { path: path("SUMS") },
        ]
    );
    assert_eq!(error.left(), Left::Untouched);
    assert!(prepared(&memory, &new, &UpdateOptions::new().with_replace(true)).is_ok());
}

#[test]
fn labels() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    let options = options(&old).with_label(Some(Label::new("NEW").unwrap()));
    let _ = update(&memory, &new, &options).unwrap();
    assert_eq!(check(&memory), []);
    let label = files::open(&memory).read_volume_label_from_root_dir().unwrap();
    assert_eq!(label.as_deref(), Some("NEW"));
    assert_eq!(files::open(&memory).volume_label(), "NEW");
    assert!(prepared(&memory, &new, &options).unwrap().changes().is_empty());
}

#[test]
fn a_dirty_volume_that_is_sound_is_updated() {
    let (old, new) = (old_tree(), new_tree());
    let memory = volume_of(&old);
    memory.poke(START + 0x41, &[1]);
    let update = prepared(&memory, &new, &options(&old)).unwrap();
    assert_eq!(update.notes(), [UpdateNote::Dirty]);
    let _ = update.apply(&mut ()).unwrap();
    assert_eq!(check(&memory), []);
}
