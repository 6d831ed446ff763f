//! Packages looked for at locations, before anything is fetched.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dp_content::{
    AccessError, AccessKind, Content, ContentError, ContentEvent, ContentOptions, Library,
    Location, PackageHashCheck, open_folder,
};
use extent_image::Digest;
use media_model::{ConfigMgrError, PackageId};

use crate::doubles::{Scripted, content, id, package};
use crate::library_fixture::LibraryFixture;

fn missing(location: &str) -> ContentError {
    let versions = vec!["PS100005.2".to_owned()];
    ContentError::Missing { location: location.to_owned(), id: id(), versions }
}

fn access(kind: AccessKind) -> ContentError {
    AccessError::new("B", kind).into()
}

#[test]
fn everything_that_is_missing_is_in_one_list() {
    let first = Arc::new(Scripted::without("A", [missing("A")]));
    let second = Arc::new(Scripted::without("B", [access(AccessKind::Denied(String::new()))]));
    let (content, waits) = content(&[&first, &second]);
    let other = PackageId::new("PS1000FF.3").unwrap();
    let preflight = content.find(&[id(), other]).unwrap_err();
    assert_eq!(
        preflight.to_string(),
        "2 packages cannot be had; mend what each line says, or name another distribution point:\n  \
         PS100005: A does not have package PS100005 (it has PS100005.2)\n  \
         PS100005: B: access denied; give an account that may read it with --user\n  \
         PS1000FF.3: A does not have package PS100005 (it has PS100005.2)\n  \
         PS1000FF.3: B: access denied; give an account that may read it with --user"
    );
    assert_eq!(preflight.rows().len(), 4);
    assert_eq!(preflight.rows()[1].location, "B");
    assert_eq!(preflight.config_mgr_error(), None);
    assert!(waits.lock().unwrap().is_empty());
    assert!(first.opened().is_empty() && second.opened().is_empty());

    let (content, _) = crate::doubles::content(&[&first]);
    let preflight = content.find(&[id()]).unwrap_err();
    assert_eq!(preflight.config_mgr_error(), Some(ConfigMgrError::MissingPackage));
    let headline = "1 package cannot be had; distribute the content, or name another distribution \
                    point:\n";
    assert!(preflight.to_string().starts_with(headline), "{preflight}");

    let (content, _) = crate::doubles::content(&[]);
    let preflight = content.find(&[id()]).unwrap_err();
    assert!(preflight.to_string().contains("give one with --distribution-point"));
    assert!(content.find(&[]).unwrap().is_empty());
}

#[test]
fn nothing_is_asked_of_a_second_location_that_the_first_gives() {
    let first = Arc::new(Scripted::whole("A", b"12345"));
    let second = Arc::new(Scripted::whole("B", b"12345"));
    let (content, _) = content(&[&first, &second]);
    let found = content.find(&[id()]).unwrap();
    assert_eq!((found[0].location(), found[0].bytes()), ("A", 5));
    assert_eq!(found[0].package().content_id, "PS100005.3");
    assert_eq!((first.asked(), second.asked()), (1, 0));
    assert!(content.events().is_empty());
}

#[test]
fn what_the_first_does_not_have_is_an_event_when_the_second_has_it() {
    let first = Arc::new(Scripted::without("A", [missing("A")]));
    let second = Arc::new(Scripted::whole("B", b"12345"));
    let (content, _) = content(&[&first, &second]);
    assert_eq!(content.find(&[id()]).unwrap()[0].location(), "B");
    let events = content.events();
    assert_eq!(
        events[0].to_string(),
        "PS100005 is not taken from A: A does not have package PS100005 (it has PS100005.2)"
    );
    assert_eq!(events.len(), 1);
}

#[test]
fn faults_that_may_pass_are_tried_again_and_a_dead_location_once() {
    let busy =
        AccessKind::Server { status: "503".to_owned(), hint: String::new(), transient: true };
    let first = Arc::new(Scripted::without("A", [access(busy), missing("A")]));
    let nobody = AccessKind::Unreachable("refused".to_owned());
    let second = Arc::new(Scripted::without("B", [access(nobody)]));
    let (content, waits) = content(&[&first, &second]);
    content.find(&[id(), id()]).unwrap_err();
    // A second answer, then the second package.
    assert_eq!(first.asked(), 3);
    // Three for the first package; whoever says nothing is not waited for again.
    assert_eq!(second.asked(), 3);
    let waits: Vec<_> = waits.lock().unwrap().iter().map(|wait| wait.as_millis()).collect();
    assert_eq!(waits, [500, 500, 1000]);
}

/// Nor is one asked at all that did not answer, when another has what is wanted; and what takes long
/// to say nothing gets one more try while there are others.
#[test]
fn a_silent_location_does_not_hold_up_the_others() {
    let silence = access(AccessKind::Stalled { seconds: 30 });
    let first = Arc::new(Scripted::without("A", [silence.clone()]));
    let second = Arc::new(Scripted::whole("B", b"12345"));
    let (content, _) = content(&[&first, &second]);
    let ids = vec![id(); 30];
    assert_eq!(content.find(&ids).unwrap().len(), 30);
    assert_eq!((first.asked(), second.asked()), (2, 30));
    let kinds: Vec<_> = content.events().iter().map(ContentEvent::kind).collect();
    assert_eq!(kinds, ["resumed", "not-there"]);

    let alone = Arc::new(Scripted::without("A", [silence]));
    let (content, _) = crate::doubles::content(&[&alone]);
    let preflight = content.find(&ids).unwrap_err();
    assert_eq!((preflight.rows().len(), alone.asked()), (30, 3));
}

/// Many questions make a package; each of them is asked again, not all of them.
#[test]
fn a_fault_costs_one_question() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..400).map(|n| format!("f{n}")).collect();
    let files: Vec<_> = names.iter().map(|name| (&**name, name.as_bytes())).collect();
    LibraryFixture::new(dir.path()).package("PS100005", 3, &files);
    let count = AtomicUsize::new(0);
    let busy =
        AccessKind::Server { status: "503".to_owned(), hint: String::new(), transient: true };
    let flaky = crate::scripted::Scripted::new(dir.path()).refusing(move |_| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        (count % 20 == 19).then(|| busy.clone())
    });
    let flaky = Arc::new(flaky);
    let library = Library::new(Arc::clone(&flaky) as _);
    let options = ContentOptions::new().with_pause(|_| {});
    let content = Content::with_locations(vec![Arc::new(library)], options);
    assert_eq!(content.find(&[id()]).unwrap()[0].files().len(), 400);
    let asked = flaky.asked().len();
    assert!((803..900).contains(&asked), "{asked}");
    assert!(content.events().iter().all(|event| event.kind() == "resumed"));
    assert_eq!(content.list()[0].packages.as_ref().unwrap().len(), 1);
}

#[test]
fn files_that_are_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let files: &[(&str, &[u8])] =
        &[("boot.wim", b"wim"), ("a", b"a"), ("b", b"bb"), ("empty", b"")];
    let first = LibraryFixture::new(&one).package("PS100005", 3, files);
    let second = LibraryFixture::new(&two).package("PS100005", 3, files);
    let find = |folders: &[&Path]| {
        let locations = folders.iter().map(|folder| open_folder(folder).unwrap()).collect();
        let content = Content::with_locations(locations, ContentOptions::new());
        let found = content.find(&[id()]);
        let events: Vec<_> = content.events().iter().map(ToString::to_string).collect();
        (found, events)
    };
    assert_eq!(find(&[&one]).1, [""; 0]);
    first.remove_stored(b"wim");
    first.store_instead(b"bb", b"b");
    let (found, _) = find(&[&one]);
    let told = found.unwrap_err().to_string();
    assert!(told.starts_with("1 package cannot be had; distribute the content"), "{told}");
    assert!(told.contains(": 2 of 4 files of PS100005.3 cannot be had; "), "{told}");
    assert!(told.contains(": has 1 bytes where 2 are due; "), "{told}");
    assert!(told.contains(": not there; redistribute"), "{told}");

    // What the one lacks the other has.
    second.remove_stored(b"a");
    let (found, events) = find(&[&one, &two]);
    assert_eq!(found.unwrap()[0].location(), one.display().to_string());
    assert!(events.len() == 1 && events[0].contains("2 of 4 files cannot be had"), "{events:?}");
    first.remove_stored(b"a");
    let preflight = find(&[&one, &two]).0.unwrap_err();
    let of_files: Vec<_> = preflight
        .rows()
        .iter()
        .map(|row| match &row.why {
            ContentError::Files { of: 4, answers, .. } => answers.len(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(of_files, [1, 1]);
}

#[test]
fn a_refused_login_is_tried_once_for_all_packages() {
    let refusal = access(AccessKind::WrongPassword);
    let first = Arc::new(Scripted::without("A", [refusal]));
    let (content, _) = content(&[&first]);
    let preflight = content.find(&[id(), id(), id()]).unwrap_err();
    assert_eq!(preflight.rows().len(), 3);
    assert!(content.list()[0].packages.is_err());
    assert_eq!(first.asked(), 1);
    let kinds: Vec<_> = content.events().iter().map(ContentEvent::kind).collect();
    assert_eq!(kinds, ["unusable"]);
}

#[test]
fn package_hashes_are_compared_as_wanted() {
    let (declared, computed) = (Digest::of(b"1"), Digest::of(b"2"));
    let mut package = package(&[("boot.wim", b"12345", true)]);
    package.declared_hash = Some(declared);
    package.computed_hash = Some(computed);
    package.warnings = vec!["a stale entry".to_owned()];
    let location = Arc::new(Scripted::new("A", package.clone(), b"12345".to_vec()));
    let with = |location: &Arc<Scripted>, check| {
        let locations = vec![Arc::clone(location) as Arc<dyn Location>];
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let options = ContentOptions::new()
            .with_package_hash(check)
            .with_observer(move |event| noted.lock().unwrap().push(event.to_string()));
        let found = Content::with_locations(locations, options).find(&[id()]);
        let seen = seen.lock().unwrap().clone();
        (found, seen)
    };
    let (found, _) = with(&location, PackageHashCheck::Error);
    let preflight = found.unwrap_err();
    assert_eq!(preflight.config_mgr_error(), Some(ConfigMgrError::HashValue));
    assert!(matches!(preflight.rows()[0].why, ContentError::PackageHash { .. }));
    let (found, seen) = with(&location, PackageHashCheck::Warn);
    found.unwrap();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].starts_with("PS100005.3 at A: package hash 6b86b273"), "{seen:?}");
    assert_eq!(seen[1], "PS100005.3 at A: a stale entry");
    let (found, seen) = with(&location, PackageHashCheck::Off);
    found.unwrap();
    assert_eq!(seen.len(), 1);

    // One that is there and cannot be read is not taken for none.
    package.declared_hash = None;
    package.hash_trouble = Some("DataLib/PS100005.3.INI: no Hash in [Info]".to_owned());
    let location = Arc::new(Scripted::new("A", package, b"12345".to_vec()));
    let preflight = with(&location, PackageHashCheck::Error).0.unwrap_err();
    assert_eq!(
        preflight.rows()[0].why.to_string(),
        "A: DataLib/PS100005.3.INI: no Hash in [Info]; redistribute the content, or give \
         --package-hash warn or off"
    );
    assert_eq!(preflight.config_mgr_error(), Some(ConfigMgrError::HashValue));
    let (found, seen) = with(&location, PackageHashCheck::Warn);
    found.unwrap();
    assert_eq!(seen[0], "PS100005.3 at A: DataLib/PS100005.3.INI: no Hash in [Info]");
    with(&location, PackageHashCheck::Off).0.unwrap();
}

#[test]
fn the_boot_image_of_a_package() {
    let boot_image = |files: &[(&str, &[u8], bool)]| {
        let location = Arc::new(Scripted::new("A", package(files), Vec::new()));
        let (content, _) = content(&[&location]);
        let found = content.find(&[id()]).unwrap().remove(0);
        let path = found.boot_image().map(|file| file.file().id.path.to_string());
        path.map_err(|error| error.to_string())
    };
    assert_eq!(boot_image(&[("WinPE.WIM", b"", true), ("a.txt", b"", true)]).unwrap(), "WinPE.WIM");
    let two: [(&str, &[u8], bool); 2] =
        [("other.wim", b"", true), ("Boot.ps100005.wim", b"", true)];
    assert_eq!(boot_image(&two).unwrap(), "Boot.ps100005.wim");
    assert_eq!(
        boot_image(&[("a.wim", b"", true), ("sub/b.wim", b"", true)]).unwrap_err(),
        "PS100005.3 holds 2 boot images (*.wim): a.wim, sub/b.wim; give the id of a boot image \
         package"
    );
    assert_eq!(
        boot_image(&[("a.wim.txt", b"", true)]).unwrap_err(),
        "PS100005.3 holds 0 boot images (*.wim); give the id of a boot image package"
    );
}

#[test]
fn locations_tell_what_they_have() {
    let first = Arc::new(Scripted::whole("A", b""));
    let second = Arc::new(Scripted::without("B", [access(AccessKind::NoShare)]));
    let (content, _) = content(&[&first, &second]);
    let list = content.list();
    assert_eq!(list[0].packages.as_ref().unwrap()[0].content_ids, ["PS100005.3"]);
    assert_eq!(list[1].location, "B");
    let error = list[1].packages.as_ref().unwrap_err();
    assert!(error.to_string().starts_with("B: there is no such share; see "), "{error}");
}
