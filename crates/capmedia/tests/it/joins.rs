//! Discs brought back into a folder: where it is, what dead runs have left, what discs say that no disc
//! of ours would.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;

use capmedia::{Blame, JoinError, OutputFolderError, join};
use extent_image::host::file_id;
use extent_image::{Data, Digest, Meta, NodeId, StreamOptions, TreeBuilder};
use iso9660_image::{Format, ImageOptions};

use crate::sets::{assert_no_trace, discs, in_folder, on_one_disc, request, workshop};
use crate::support::{Workshop, assert_same, make, small_wim};

/// A disc with these files and, in its manifest, these paths: `evil` is in each file.
fn disc(files: &[&str], listed: &[&str], json: &str) -> Vec<u8> {
    let meta = Meta::at(capmedia::sample::TIME);
    let mut builder = TreeBuilder::new(meta);
    let line = |path: &&str| format!("{}  {path}\n", Digest::of(b"evil"));
    let sums: String = listed.iter().map(line).collect();
    let content = files.iter().map(|path| (*path, "evil"));
    for (path, text) in content.chain([("media.json", json), ("SHA256SUMS", &*sums)]) {
        let (mut at, mut name) = (NodeId::ROOT, path);
        if let Some((folder, below)) = path.split_once('/') {
            (at, name) = (builder.folder(at, folder, meta).unwrap(), below);
        }
        builder.file(at, name, meta, Data::bytes("t", text.to_owned())).unwrap();
    }
    let options = ImageOptions::from_label("x").with_format(Format::Bridge);
    let image = iso9660_image::plan(&builder.finish().unwrap(), &options).unwrap();
    let mut bytes = Vec::new();
    let _ = image.plan().write_to(&mut bytes, &StreamOptions::default(), &mut ()).unwrap();
    bytes
}

/// What disc `volume` of so many says, with these lines more.
fn json(volume: usize, volumes: usize, more: &str) -> String {
    format!(
        r#"{{"format":1,"media":"capture","label":"x","set-id":"x","volume":{volume},
        "volumes":{volumes},"architecture":"x64"{more}}}"#
    )
}

/// A set of discs with these files, all of them in its list, and these lines more in it.
fn forged_set(workshop: &Workshop, discs: &[&[&str]], more: &str) -> Vec<PathBuf> {
    let files = (1..).zip(discs).flat_map(|(volume, files)| {
        files.iter().map(move |path| format!(r#"{{"path":"{path}","size":4,"volume":{volume}}}"#))
    });
    let files: Vec<String> = files.collect();
    let more = format!(r#","files":[{}]{more}"#, files.join(","));
    let make = |(volume, files): (usize, &&[&str])| {
        let bytes = disc(files, files, &json(volume, discs.len(), &more));
        workshop.put(&format!("out/forged-{volume}.iso"), bytes)
    };
    (1..).zip(discs).map(make).collect()
}

/// A disc that says of itself that it is ours and whole, and holds this file.
fn forged(name: &str, listed: &str) -> Vec<u8> {
    disc(&[name], &[listed], &json(1, 1, ""))
}

#[test]
fn no_disc_leads_out_of_the_folder() {
    let workshop = workshop();
    let only = [workshop.put("out/forged.iso", forged("good.txt", "good.txt"))];
    join(&only, &workshop.path("joined"), &mut ()).unwrap();
    assert_eq!(fs::read(workshop.path("joined/good.txt")).unwrap(), b"evil");
    fs::remove_dir_all(workshop.path("joined")).unwrap();
    for name in [r"..\evil.txt", r"a\..\..\evil.txt", "C:evil.txt", "evil.txt ", r"\evil.txt"] {
        workshop.put("out/forged.iso", forged(name, name));
        let error = join(&only, &workshop.path("joined"), &mut ()).unwrap_err();
        let JoinError::Name { path, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!((&**path, error.blame()), (name, Blame::Input));
        assert_no_trace(&workshop);
    }
    for listed in ["../good.txt", "/good.txt", "..", "other.txt", "x/../good.txt"] {
        workshop.put("out/forged.iso", forged("good.txt", listed));
        let error = join(&only, &workshop.path("joined"), &mut ()).unwrap_err();
        assert!(matches!(error, JoinError::Content { .. }), "{listed}: {error}");
        assert_no_trace(&workshop);
    }
    assert!(!workshop.path("evil.txt").exists());
}

#[test]
fn what_no_set_of_ours_says_is_the_discs_fault() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let refused = |discs: &[&[&str]], more: &str, says: &str| {
        let discs = forged_set(&workshop, discs, more);
        let error = join(&discs, &workshop.path("joined"), &mut ()).unwrap_err();
        assert_eq!(error.blame(), Blame::Input, "{error}");
        assert!(error.to_string().contains(says), "{says} is not in {error}");
        assert_no_trace(&workshop);
    };
    let joins = |path: &str, size: u64, more: &str| {
        format!(r#","joins":[{{"path":"{path}","size":{size},"parts":["p"]{more}}}]"#)
    };
    for own in ["SHA256SUMS", "media.json", "sha256sums", "MEDIA.json/x"] {
        refused(&[&["a"], &["p"]], &joins(own, 4, ""), "each disc has this of its own");
    }
    refused(&[&["a"], &["p"]], &joins("a", 4, ""), "a is there twice");
    refused(&[&["a"], &["p"]], &joins("A", 4, ""), "a and A differ only by case");
    refused(&[&["a"], &["A"]], "", "A and a differ only by case");
    refused(&[&["a"], &["a/b"]], "", "a and a/b cannot both be written");
    refused(&[&["a/b"], &["A"]], "", "A and a/b cannot both be written");
    let frame = r#","frame":"f""#;
    let size = joins("x.wim", u64::MAX, frame);
    refused(
        &[&["f"], &["p"]],
        &size,
        "would have 18446744073709551615 bytes, and its parts have 8",
    );
    // Without its digest there is nothing to hold it against.
    let bytes = disc(&["a"], &["a", "b"], &json(1, 1, ""));
    let only = [workshop.put("out/forged.iso", bytes)];
    let error = join(&only, &workshop.path("joined"), &mut ()).unwrap_err();
    assert!(error.to_string().ends_with("b: listed, but not there"), "{error}");
}

#[test]
fn folders_that_differ_by_case_are_one() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let discs = forged_set(&workshop, &[&["A/x"], &["a/y"]], "");
    join(&discs, &workshop.path("joined"), &mut ()).unwrap();
    let found: Vec<String> = in_folder(&workshop.path("joined")).into_keys().collect();
    assert_eq!(found, ["A", "A/x", "A/y", "SHA256SUMS"]);
}

#[test]
fn files_that_were_added_to_discs_come_along_or_are_named() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let more = r#","files":[{"path":"a","size":4,"volume":1},{"path":"b","size":4,"volume":2}]"#;
    let put = |volume: usize, files: &[&str], listed: &[&str]| {
        let bytes = disc(files, listed, &json(volume, 2, more));
        workshop.put(&format!("out/forged-{volume}.iso"), bytes)
    };
    // Both discs have the same read-me.
    let one = put(1, &["a", "readme", "plain"], &["a", "readme"]);
    let two = put(2, &["b", "c/new", "readme"], &["b", "c/new", "readme", "media.json"]);
    // The digest of this media.json is not that of "evil", but nobody reads it here.
    let joined = join(&[two, one], &workshop.path("joined"), &mut ()).unwrap();
    let found: Vec<String> = in_folder(&workshop.path("joined")).into_keys().collect();
    assert_eq!(found, ["SHA256SUMS", "a", "b", "c", "c/new", "readme"]);
    assert_eq!(joined.files, 5);
    let [warning] = &*joined.warnings else { panic!("{:?}", joined.warnings) };
    assert!(warning.as_str().contains("has a digest of it: plain of "), "{warning}");
}

#[test]
fn a_folder_that_exists_is_kept() {
    let workshop = workshop();
    make(&request(&workshop)).unwrap();
    let discs = discs(&workshop, 3);
    let expected = on_one_disc(&request(&workshop), &workshop.path("one.iso"));
    let folder = workshop.path("empty");
    fs::create_dir(&folder).unwrap();
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o2750);
        fs::set_permissions(&folder, mode).unwrap();
    }
    let before = file_id(&folder).unwrap();
    let mode = fs::metadata(&folder).unwrap().permissions();
    // What a run that died has left is no content.
    workshop.put("empty/.capmedia-part/content/half", "half");
    workshop.put("empty/.capmedia-part/lock", "");
    join(&discs, &folder, &mut ()).unwrap();
    assert_same(&in_folder(&folder), &expected);
    assert_eq!(file_id(&folder).unwrap(), before);
    assert_eq!(fs::metadata(&folder).unwrap().permissions(), mode);

    // Nothing of a run that fails stays, and what came meanwhile does.
    let folder = workshop.path("other");
    fs::create_dir(&folder).unwrap();
    let mut stop = |_, _| ControlFlow::Break(());
    assert_eq!(join(&discs, &folder, &mut stop).unwrap_err().blame(), Blame::Cancelled);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let mut meanwhile = |_, _| {
        workshop.put("other/SHA256SUMS", "mine");
        ControlFlow::Continue(())
    };
    let error = join(&discs, &folder, &mut meanwhile).unwrap_err();
    let JoinError::Folder(OutputFolderError::Io { .. }) = error else { panic!("{error}") };
    assert_eq!(in_folder(&folder), [("SHA256SUMS".to_owned(), Some(b"mine".to_vec()))].into());

    // Content of that name has no room beside it.
    let only = [workshop.put("out/forged.iso", forged(".capmedia-part", ".capmedia-part"))];
    fs::remove_file(folder.join("SHA256SUMS")).unwrap();
    let error = join(&only, &folder, &mut ()).unwrap_err();
    assert!(error.to_string().ends_with("give a new folder"), "{error}");
    join(&only, &workshop.path("joined"), &mut ()).unwrap();
}

#[test]
fn a_dead_run_is_taken_over_and_a_running_one_is_not() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let only = [workshop.put("out/forged.iso", forged("a", "a"))];
    fs::create_dir(workshop.path("empty")).unwrap();
    for (to, part) in [("joined", ".joined.capmedia-part"), ("empty", "empty/.capmedia-part")] {
        workshop.put(&format!("{part}/content/a/half"), "half");
        let lock = workshop.put(&format!("{part}/lock"), "");
        let lock = File::open(lock).unwrap();
        lock.lock().unwrap();
        let error = join(&only, &workshop.path(to), &mut ()).unwrap_err();
        assert!(matches!(error, JoinError::Folder(OutputFolderError::Busy { .. })), "{error}");
        assert_eq!(fs::read(workshop.path(part).join("content/a/half")).unwrap(), b"half");
        drop(lock);
        join(&only, &workshop.path(to), &mut ()).unwrap();
        assert!(!workshop.path(part).exists());
        let found: Vec<String> = in_folder(&workshop.path(to)).into_keys().collect();
        assert_eq!(found, ["SHA256SUMS", "a"]);
    }
    workshop.put(".new.capmedia-part", "a file");
    let error = join(&only, &workshop.path("new"), &mut ()).unwrap_err();
    assert!(matches!(error, JoinError::Folder(OutputFolderError::Occupied { .. })), "{error}");
}
