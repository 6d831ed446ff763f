use std::ops::ControlFlow;

use extent_image::{BytesSource, Timestamp, TreeBuilder};

use super::*;
use crate::tree::manifest::manifest;

const DESCRIBED: &str = r#"{"format": 1, "media": "capture", "label": "L", "set-id": "id",
    "volume": 1, "volumes": 1, "architecture": "x64"}"#;

/// The files, with their manifest and description.
fn tree(files: &[(&str, &str)]) -> Tree {
    let meta = Meta::at(Timestamp::from_unix_seconds(1_600_000_000));
    let mut builder = TreeBuilder::new(meta);
    let mut folders = HashMap::from([(String::new(), NodeId::ROOT)]);
    let mut all = Vec::new();
    let described = [(DESCRIPTION, DESCRIBED)];
    for (path, text) in files.iter().copied().chain(described) {
        let data = Data::bytes("file", text.to_owned());
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !folders.contains_key(folder) {
            let id = builder.folder(NodeId::ROOT, folder, meta).unwrap();
            folders.insert(folder.to_owned(), id);
        }
        let id = builder.file(folders[folder], name, meta, data.clone()).unwrap();
        builder.set_rank(id, if path.starts_with("sources/") { 3 } else { 1 });
        if path == DESCRIPTION {
            builder.set_rank(id, 4);
        }
        all.push((path.to_owned(), data));
    }
    let late = Data::Late(Arc::new(manifest(all)));
    let id = builder.file(NodeId::ROOT, MANIFEST, meta, late).unwrap();
    builder.set_rank(id, 5);
    builder.finish().unwrap()
}

struct Stick(tempfile::TempDir);

impl Stick {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn get(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.0.path().join(path)).ok()
    }

    fn prepared(
        &self,
        files: &[(&str, &str)],
        force: bool,
        free: Option<u64>,
    ) -> Result<(Survey, FolderRefresh), RefreshError> {
        let survey = Survey::of(self.0.path())?;
        let old = old_media(&survey);
        let system = free.map(|free| FolderSystem { cluster: 4096, free, len: 1 << 30 });
        let options = FolderOptions { force, no_verify: false };
        let tree = tree(files);
        let refresh = FolderRefresh::new(&survey, old.as_ref(), &tree, system, options, &mut ())?;
        Ok((survey, refresh))
    }

    fn refresh(&self, files: &[(&str, &str)]) -> Result<Changes, RefreshError> {
        let (survey, refresh) = self.prepared(files, false, None)?;
        refresh.apply(&survey, String::new(), &mut ())
    }

    /// All files are as the manifest says.
    fn assert_whole(&self) {
        let manifest = self.get(MANIFEST).unwrap();
        for (path, digest) in crate::tree::manifest::parse_manifest(&manifest).unwrap() {
            let text = self.get(&path).unwrap_or_else(|| panic!("{path} is missing"));
            assert_eq!(Digest::of(text.as_bytes()), digest, "{path}");
        }
    }
}

const OLD: [(&str, &str); 4] =
    [("bootmgr", "manager"), ("boot/bcd", "bcd"), ("sources/boot.wim", "wim 1"), ("Old/a", "a")];
const NEW: [(&str, &str); 4] =
    [("bootmgr", "manager"), ("boot/bcd", "bcd"), ("sources/boot.wim", "wim 22"), ("New/b", "b")];

#[test]
fn only_what_differs_is_written_and_what_is_foreign_stays() {
    let stick = Stick::new();
    stick.put("Private/letter.txt", "dear");
    stick.put("Old/mine.txt", "mine");
    let made = stick.refresh(&OLD).unwrap();
    assert_eq!((made.files_written, made.files_unchanged, made.bytes_saved), (6, 0, 0));
    stick.assert_whole();

    let (survey, refresh) = stick.prepared(&NEW, false, None).unwrap();
    assert_eq!(survey.bytes("OLD/mine.txt", 4).as_deref(), Some(&b"mine"[..]));
    assert_eq!((survey.bytes("Old/mine.txt", 3), survey.bytes("Old", 9)), (None, None));
    assert_eq!(refresh.foreign, ["Old/mine.txt", "Private/letter.txt"]);
    let made = refresh.apply(&survey, String::new(), &mut ()).unwrap();
    // boot.wim, b, and the manifest.
    assert_eq!((made.files_written, made.files_unchanged), (3, 3));
    assert_eq!(made.bytes_saved, 7 + 3 + DESCRIBED.len() as u64);
    assert_eq!(made.removed, ["Old/a"]);
    stick.assert_whole();
    assert_eq!(stick.get("sources/boot.wim").unwrap(), "wim 22");
    assert_eq!(stick.get("Private/letter.txt").unwrap(), "dear");
    assert_eq!(stick.get("Old/mine.txt").unwrap(), "mine");

    fs::remove_file(stick.0.path().join("Old/mine.txt")).unwrap();
    let made = stick.refresh(&NEW).unwrap();
    assert_eq!((made.files_written, made.files_unchanged, made.removed.len()), (0, 6, 0));
    let made = stick.refresh(&OLD).unwrap();
    assert_eq!(made.removed, ["New/b"]);
    assert!(!stick.0.path().join("New").exists());
    stick.assert_whole();
    assert!(Survey::of(stick.0.path()).unwrap().parts.is_empty());
}

#[test]
fn what_is_not_ours_is_not_replaced() {
    let stick = Stick::new();
    stick.put("BOOTMGR", "another");
    stick.put("boot/bcd", "bcd");
    stick.put("SHA256SUMS", "somebody's");
    let refused = stick.refresh(&OLD).unwrap_err();
    let text = refused.to_string();
    let RefreshError::Collisions { paths, ours, .. } = refused else { panic!("{text}") };
    // Equal content is no collision.
    assert_eq!((&*paths, ours), (&["bootmgr".to_owned(), "SHA256SUMS".to_owned()][..], false));
    assert!(text.contains("--force") && text.contains("no SHA256SUMS of ours"), "{text}");
    assert_eq!(stick.get("BOOTMGR").unwrap(), "another");
    assert!(stick.get("sources/boot.wim").is_none());

    let (survey, refresh) = stick.prepared(&OLD, true, None).unwrap();
    let _ = refresh.apply(&survey, String::new(), &mut ()).unwrap();
    // In the case that it has there.
    assert_eq!(stick.get("BOOTMGR").unwrap(), "manager");
    let names = fs::read_dir(stick.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.collect::<Vec<_>>().contains(&"bootmgr".into()));
}

#[test]
fn folders_and_files_do_not_replace_each_other() {
    let stick = Stick::new();
    stick.put("bootmgr/inside", "x");
    let refused = stick.prepared(&OLD, true, None).err().unwrap();
    assert!(matches!(&refused, RefreshError::InTheWay { paths, .. } if *paths == ["bootmgr"]));
    let stick = Stick::new();
    stick.put("New", "a file");
    let refused = stick.prepared(&NEW, true, None).err().unwrap();
    assert!(matches!(&refused, RefreshError::InTheWay { paths, .. } if *paths == ["New"]));
    // One of the old media gives place.
    let stick = Stick::new();
    let _ = stick.refresh(&[("sources/boot.wim", "w"), ("New", "file")]).unwrap();
    let _ = stick.refresh(&NEW).unwrap();
    stick.assert_whole();
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let outside = Stick::new();
    outside.put("boot.wim", "outside");
    let stick = Stick::new();
    std::os::unix::fs::symlink(outside.0.path(), stick.0.path().join("sources")).unwrap();
    let refused = stick.prepared(&OLD, true, None).err().unwrap();
    assert!(matches!(&refused, RefreshError::InTheWay { paths, .. } if paths[0] == "sources"));
    let stick = Stick::new();
    let link = stick.0.path().join("bootmgr");
    std::os::unix::fs::symlink(outside.0.path().join("boot.wim"), &link).unwrap();
    let refused = stick.prepared(&OLD, true, None).err().unwrap();
    assert!(matches!(&refused, RefreshError::InTheWay { paths, .. } if *paths == ["bootmgr"]));
    // Nor is one removed that the old media lists.
    fs::remove_file(link).unwrap();
    let _ = stick.refresh(&OLD).unwrap();
    fs::remove_dir_all(stick.0.path().join("Old")).unwrap();
    outside.put("a", "a");
    std::os::unix::fs::symlink(outside.0.path(), stick.0.path().join("Old")).unwrap();
    let _ = stick.refresh(&NEW).unwrap();
    assert_eq!(outside.get("a").unwrap(), "a");
    assert_eq!(outside.get("boot.wim").unwrap(), "outside");
}

#[test]
fn there_is_room_for_new_beside_old() {
    let stick = Stick::new();
    // Folders: root, boot, sources, Old; files: six; and the note of what is written.
    let needed = (4 + 6 + 1) * 4096;
    let refused = stick.prepared(&OLD, false, Some(needed - 1)).err().unwrap();
    assert!(matches!(refused, RefreshError::NoSpace { needed: 45_056, free: 45_055, .. }));
    assert!(stick.prepared(&OLD, false, Some(needed)).is_ok());
    let _ = stick.refresh(&OLD).unwrap();
    // The place of the old boot image is free again when the others come.
    let needed = 4096 * 6;
    assert!(stick.prepared(&NEW, false, Some(needed - 1)).is_err());
    assert!(stick.prepared(&NEW, false, Some(needed)).is_ok());
}

#[test]
fn a_run_that_died_is_gone_on_with() {
    let stick = Stick::new();
    let _ = stick.refresh(&OLD).unwrap();
    stick.put("New/b", "b");
    stick.put("sources/.boot.wim.capmedia-part", "wi");
    stick.put(".letter.capmedia-part", "foreign");
    let made = stick.refresh(&NEW).unwrap();
    assert_eq!(made.files_unchanged, 4);
    stick.assert_whole();
    assert!(stick.get("sources/.boot.wim.capmedia-part").is_none());
    assert_eq!(stick.get(".letter.capmedia-part").unwrap(), "foreign");
}

/// The progress of a run that is cancelled after so many bytes of writing.
fn cut(after: u64) -> impl FnMut(u64, u64) -> ControlFlow<()> {
    move |done, _| if done > after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

#[test]
fn files_of_a_run_that_was_cut_short_are_known_as_ours() {
    let stick = Stick::new();
    stick.put("letter", "dear");
    let (survey, refresh) = stick.prepared(&OLD, false, None).unwrap();
    let refused = refresh.apply(&survey, String::new(), &mut cut(10)).unwrap_err();
    assert!(matches!(refused, RefreshError::Divided { .. }), "{refused}");
    assert_eq!(stick.get("sources/boot.wim").unwrap(), "wim 1");
    assert!(stick.get(MANIFEST).is_none() && stick.get(JOURNAL).is_some());
    // Other media: what that run wrote is replaced or goes.
    let (survey, refresh) = stick.prepared(&NEW, false, None).unwrap();
    assert_eq!(refresh.foreign, ["letter"]);
    let _ = refresh.apply(&survey, String::new(), &mut ()).unwrap();
    stick.assert_whole();
    assert!(stick.get("Old/a").is_none() && stick.get(JOURNAL).is_none());
    // And where there was media before.
    let (survey, refresh) = stick.prepared(&OLD, false, None).unwrap();
    let mut cut = cut(5);
    let _ = refresh.apply(&survey, String::new(), &mut cut).unwrap_err();
    assert_eq!(stick.get("sources/boot.wim").unwrap(), "wim 1");
    let third = [("bootmgr", "manager"), ("boot/bcd", "bcd"), ("sources/boot.wim", "wim 333")];
    let _ = stick.refresh(&third).unwrap();
    stick.assert_whole();
    assert!(stick.get("Old/a").is_none() && stick.get("New/b").is_none());
    assert!(stick.get(JOURNAL).is_none());
    assert_eq!(stick.get("letter").unwrap(), "dear");
}

#[test]
fn what_only_looks_like_our_note_is_in_the_way() {
    let stick = Stick::new();
    stick.put(JOURNAL, "mine");
    let refused = stick.prepared(&OLD, true, None).err().unwrap();
    assert!(matches!(&refused, RefreshError::InTheWay { paths, .. } if *paths == [JOURNAL]));
}

#[test]
fn files_that_somebody_changed_are_not_lost() {
    let stick = Stick::new();
    let _ = stick.refresh(&OLD).unwrap();
    stick.put("sources/boot.wim", "mine!");
    stick.put("Old/a", "mine");
    let refused = stick.prepared(&NEW, false, None).err().unwrap();
    let text = refused.to_string();
    let RefreshError::Edited { paths, .. } = refused else { panic!("{text}") };
    assert_eq!(paths, ["sources/boot.wim"]);
    assert!(text.contains("--force") && text.contains("changed since"), "{text}");
    let (survey, refresh) = stick.prepared(&NEW, true, None).unwrap();
    let planned = refresh.changes(String::new());
    let made = refresh.apply(&survey, String::new(), &mut ()).unwrap();
    for made in [made, planned] {
        assert_eq!((made.files_written, &*made.foreign), (3, &["Old/a".to_owned()][..]));
        assert!(made.removed.is_empty());
        assert!(made.warnings.iter().any(|told| told.to_string().contains("Old/a")));
    }
    assert_eq!(stick.get("Old/a").unwrap(), "mine");
    stick.assert_whole();
    // What was changed to what the new media has is no loss.
    fs::remove_file(stick.0.path().join("Old/a")).unwrap();
    stick.put("sources/boot.wim", "wim 1");
    let _ = stick.refresh(&OLD).unwrap();
}

#[test]
fn the_manifest_comes_last_and_the_boot_image_first() {
    let tree = tree(&OLD);
    let order: Vec<String> = writing_order(&tree).iter().map(|id| tree.path(*id)).collect();
    assert_eq!(order.len(), 6);
    assert_eq!((&*order[0], &*order[4], &*order[5]), ("sources/boot.wim", DESCRIPTION, MANIFEST));
}

#[test]
fn a_source_that_is_not_what_it_said_ends_the_run() {
    struct Short(BytesSource);
    impl Source for Short {
        fn len(&self) -> u64 {
            self.0.len() + 1
        }
        fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
            self.0.open(from)
        }
        fn describe(&self) -> String {
            "short".to_owned()
        }
    }
    let source: Arc<dyn Source> = Arc::new(Short(BytesSource::new("memory", "text")));
    let Err(Stop::Source(error)) = read_source(&source, &mut Digests::default(), &mut |_| Ok(()))
    else {
        panic!("taken")
    };
    assert!(matches!(error, StreamError::SourceChanged { planned: 5, found: 4, .. }));
}

#[test]
fn a_run_can_be_cancelled() {
    let stick = Stick::new();
    let (survey, refresh) = stick.prepared(&OLD, false, None).unwrap();
    let refused =
        refresh.apply(&survey, String::new(), &mut |_, _| ControlFlow::Break(())).unwrap_err();
    assert!(matches!(refused, RefreshError::Content { source: StreamError::Cancelled { .. }, .. }));
    assert!(Survey::of(stick.0.path()).unwrap().files().next().is_none());
}

#[test]
fn what_has_come_since_is_not_replaced() {
    let stick = Stick::new();
    let (survey, refresh) = stick.prepared(&OLD, false, None).unwrap();
    stick.put("Old/a", "mine");
    let error = refresh.apply(&survey, String::new(), &mut ()).unwrap_err();
    let RefreshError::Divided { source, .. } = error else { panic!("{error}") };
    assert!(
        matches!(&*source, RefreshError::Publish(PublishError::Exists { path }) if path.ends_with("Old/a"))
    );
    assert_eq!(stick.get("Old/a").unwrap(), "mine");
}
