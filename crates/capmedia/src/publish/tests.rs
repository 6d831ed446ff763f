//! Images put in place, on a file system of this machine.

use std::ops::ControlFlow;

use extent_image::PlanBuilder;

use super::*;

fn plan(text: &'static str) -> Plan {
    let mut builder = PlanBuilder::new();
    builder.bytes("text", text).unwrap();
    builder.zero("pad", 8 << 20).unwrap();
    builder.finish()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn published_whole_and_only_replaced_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    let target = Target::new(&path).with_checksum(true);
    let options = StreamOptions::default();
    let report = target.publish(&plan("one"), &options, &mut ()).unwrap().report;
    assert_eq!(names(folder.path()), ["a.iso", "a.iso.sha256"]);
    let line = fs::read_to_string(folder.path().join("a.iso.sha256")).unwrap();
    assert_eq!(line, format!("{}  a.iso\n", report.image_digest.unwrap()));
    let error = target.publish(&plan("two"), &options, &mut ()).unwrap_err();
    assert!(matches!(error, PublishError::Exists { .. }));
    assert_eq!(&fs::read(&path).unwrap()[..3], b"one");
    let target = target.with_replace(true);
    let published = target.publish(&plan("two"), &options, &mut ()).unwrap();
    assert!(published.warnings.is_empty());
    assert_eq!(&fs::read(&path).unwrap()[..3], b"two");
    let published = target.with_checksum(false).publish(&plan("six"), &options, &mut ()).unwrap();
    assert!(published.warnings[0].as_str().contains("a.iso.sha256"));
    assert_eq!(names(folder.path()), ["a.iso", "a.iso.sha256"]);
}

#[test]
fn a_cancelled_run_leaves_the_old_image_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    fs::write(&path, "old").unwrap();
    let target = Target::new(&path).with_replace(true);
    let mut stop = |_, _| ControlFlow::Break(());
    let error = target.publish(&plan("new"), &StreamOptions::default(), &mut stop).unwrap_err();
    assert!(matches!(error, PublishError::Stream { source: StreamError::Cancelled { .. }, .. }));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["a.iso"]);
}

#[test]
fn a_second_run_is_refused_and_a_dead_ones_part_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    let slot = Slot { path: path.clone(), old: None, replace: false, private: false };
    let running = PartFile::create(slot).unwrap();
    let target = Target::new(&path);
    let options = StreamOptions::default();
    let error = target.publish(&plan("x"), &options, &mut ()).unwrap_err();
    assert!(matches!(error, PublishError::Busy { .. }));
    drop(running);
    fs::write(folder.path().join(".a.iso.capmedia-part"), vec![9; 9 << 20]).unwrap();
    let report = target.publish(&plan("x"), &options, &mut ()).unwrap().report;
    assert_eq!(fs::metadata(&path).unwrap().len(), report.len);
    assert_eq!(names(folder.path()), ["a.iso"]);
}

#[test]
fn a_run_that_died_with_two_names_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    fs::write(&path, "old and whole").unwrap();
    fs::hard_link(&path, folder.path().join(".a.iso.capmedia-part")).unwrap();
    let target = Target::new(&path).with_replace(true);
    let mut stop = |_, _| ControlFlow::Break(());
    target.publish(&plan("new"), &StreamOptions::default(), &mut stop).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"old and whole");
    assert_eq!(names(folder.path()), ["a.iso"]);
}

#[test]
fn impossible_places_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Target::new(folder.path().join("no/a.iso"));
    assert!(matches!(missing.check().unwrap_err(), PublishError::NoFolder { .. }));
    let itself = Target::new(folder.path()).with_replace(true);
    let error = itself.check().unwrap_err();
    assert!(matches!(error, PublishError::NotAFile { what: "a folder", .. }));
    let huge = Target::new(folder.path().join("a.iso"));
    let mut builder = PlanBuilder::new();
    builder.source("data", std::sync::Arc::new(Huge)).unwrap();
    let error = huge.publish(&builder.finish(), &StreamOptions::default(), &mut ());
    assert!(
        matches!(error.unwrap_err(), PublishError::NoSpace { needed, .. } if needed == 1 << 60)
    );
    assert!(names(folder.path()).is_empty());
}

#[test]
#[cfg(unix)]
fn links_and_modes_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.iso"), folder.path().join("link.iso"));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let target = Target::new(&link).with_replace(true);
    let _ = target.publish(&plan("new"), &StreamOptions::default(), &mut ()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let nowhere = folder.path().join("nowhere.iso");
    std::os::unix::fs::symlink(folder.path().join("none"), &nowhere).unwrap();
    let error = Target::new(&nowhere).with_replace(true).check().unwrap_err();
    assert!(matches!(error, PublishError::NotAFile { what: "a link to nothing", .. }));
    let part = folder.path().join(".real.iso.capmedia-part");
    std::os::unix::fs::symlink(folder.path().join("victim"), &part).unwrap();
    let target = Target::new(&real).with_replace(true);
    let error = target.publish(&plan("new"), &StreamOptions::default(), &mut ()).unwrap_err();
    assert!(matches!(error, PublishError::NotAFile { .. }));
    assert!(!folder.path().join("victim").exists());
    assert_eq!(&fs::read(&real).unwrap()[..3], b"new");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
#[cfg(unix)]
fn a_private_image_is_its_owners_alone_whatever_it_replaces() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    let publish = |private| {
        let target =
            Target { private, ..Target::new(&path).with_replace(true).with_checksum(true) };
        let _ = target.publish(&plan("new"), &StreamOptions::default(), &mut ()).unwrap();
        fs::metadata(&path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(publish(true), 0o600);
    for (old, private, kept) in
        [(0o644, true, 0o600), (0o755, true, 0o700), (0o400, true, 0o400), (0o644, false, 0o644)]
    {
        fs::set_permissions(&path, fs::Permissions::from_mode(old)).unwrap();
        assert_eq!(publish(private), kept, "{old:o}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_device_is_streamed_to() {
    let target = Target::new("/dev/null");
    assert!(target.is_stream());
    let published = target.publish(&plan("x"), &StreamOptions::default(), &mut ()).unwrap();
    assert_eq!(published.report.written, published.report.len);
    let error = target.with_checksum(true).check().unwrap_err();
    assert!(matches!(error, PublishError::NotAFile { .. }));
}

#[test]
fn what_appears_meanwhile_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    let mut meanwhile = |_, _| {
        fs::write(&path, "mine").unwrap();
        ControlFlow::Continue(())
    };
    let target = Target::new(&path);
    let error = target.publish(&plan("new"), &StreamOptions::default(), &mut meanwhile);
    assert!(matches!(error.unwrap_err(), PublishError::Exists { .. }));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(names(folder.path()), ["a.iso"]);
}

#[test]
fn a_set_is_in_place_when_all_of_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::new(folder.path().join("a.iso")).with_checksum(true);
    let (one, two) = (plan("one"), plan("two"));
    let options = StreamOptions::default();
    let total = one.len() + two.len();
    let mut last = 0;
    let mut advance = |done, all| {
        assert!(done >= last && all == total && names(folder.path()).len() == 2);
        last = done;
        ControlFlow::Continue(())
    };
    let made = target.publish_set(&[&one, &two], &options, &mut advance).unwrap();
    assert_eq!(last, total);
    assert_eq!(made[1].path, folder.path().join("a-2.iso"));
    let expected = ["a-1.iso", "a-1.iso.sha256", "a-2.iso", "a-2.iso.sha256"];
    assert_eq!(names(folder.path()), expected);
    assert_eq!(&fs::read(folder.path().join("a-2.iso")).unwrap()[..3], b"two");
    let line = fs::read_to_string(folder.path().join("a-2.iso.sha256")).unwrap();
    assert_eq!(line, format!("{}  a-2.iso\n", made[1].report.image_digest.unwrap()));
}

#[test]
fn room_for_a_set_is_looked_at_before_its_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = PlanBuilder::new();
    builder.source("data", std::sync::Arc::new(Huge)).unwrap();
    let (small, huge) = (plan("small"), builder.finish());
    let target = Target::new(folder.path().join("a.iso"));
    let mut started = |_, _| panic!("bytes were written");
    let error = target.publish_set(&[&small, &huge], &StreamOptions::default(), &mut started);
    let error = error.unwrap_err();
    assert!(matches!(error, PublishError::NoSpace { needed, .. } if needed > 1 << 60), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
#[cfg(windows)]
fn an_old_image_that_is_opened_meanwhile_stays() {
    use std::os::windows::fs::OpenOptionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.iso");
    fs::write(&path, "old").unwrap();
    let mut held = None;
    let mut open = |_, _| {
        let alone = || OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        held.get_or_insert_with(alone);
        ControlFlow::Continue(())
    };
    let target = Target::new(&path).with_replace(true);
    let error = target.publish(&plan("new"), &StreamOptions::default(), &mut open).unwrap_err();
    assert!(matches!(&error, PublishError::InUse { path: of, .. } if *of == path), "{error}");
    assert!(held.is_some());
    drop(held);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["a.iso"]);
}

#[test]
#[cfg(unix)]
fn a_set_that_is_divided_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a-1.iso", "a-2.iso"] {
        fs::write(folder.path().join(name), "old").unwrap();
    }
    let first = folder.path().join("a-1.iso");
    let mut meanwhile = |done, all| {
        if done == all {
            fs::remove_file(&first).unwrap();
            fs::create_dir(&first).unwrap();
        }
        ControlFlow::Continue(())
    };
    let target = Target::new(folder.path().join("a.iso")).with_replace(true);
    let (one, two) = (plan("one"), plan("two"));
    let options = StreamOptions::default();
    let error = target.publish_set(&[&one, &two], &options, &mut meanwhile).unwrap_err();
    let PublishError::Divided { in_place, .. } = &error else { panic!("{error}") };
    assert_eq!(*in_place, [folder.path().join("a-2.iso")]);
    assert_eq!(names(folder.path()), ["a-1.iso", "a-2.iso"]);
}

/// More than any file system has room for.
struct Huge;
impl extent_image::Source for Huge {
    fn len(&self) -> u64 {
        1 << 60
    }
    fn open(&self, _: u64) -> io::Result<Box<dyn io::Read + Send + '_>> {
        Ok(Box::new(io::repeat(1)))
    }
    fn describe(&self) -> String {
        "huge".into()
    }
}
