//! Other people's readers, on what is taken out of media that we made.

use std::fs;
use std::path::Path;
use std::process::Command;

use bcd_store::Store;
use wim_image::Architecture;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::support::{Files, Workshop, made_files, small_parts, wim};

/// What a program prints, which must succeed and complain of nothing.
fn printed(command: &mut Command) -> String {
    // The tool's own messages, not translated.
    let output = command.env("LC_ALL", "C").output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{command:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// The stores made for media of each kind, with all that they can have, as files of `workshop`.
fn own_stores(judge: impl Fn(&Path, &Store)) {
    for machine in [Architecture::Amd64, Architecture::X86, Architecture::Arm64] {
        let mut parts = small_parts(machine);
        parts.insert(r"Windows\Boot\EFI\memtest.efi".into(), b"test".to_vec());
        let workshop = Workshop::with_boot_image(&wim(Some(machine), &parts));
        for kind in ["cd-dvd", "usb", "hybrid"] {
            let request = workshop.request(kind).with_bcd("own").with_bcd_locale("zh-Hant-TW");
            let request = request.with_bcd_resolution("highest").with_force(true);
            let files: Files = made_files(&request);
            let stores = files.iter().filter(|(path, _)| path.ends_with("/bcd"));
            let mut count = 0;
            for (_, bytes) in stores {
                let bytes = bytes.as_ref().unwrap();
                let path = workshop.put("BCD", bytes);
                judge(&path, &Store::read(bytes).unwrap());
                count += 1;
            }
            assert_eq!(count, if machine == Architecture::Arm64 { 1 } else { 2 });
        }
    }
}

#[test]
#[ignore = "needs hivexregedit"]
fn hivex_reads_the_stores_of_media() {
    own_stores(|path, store| {
        let text = printed(
            Command::new("hivexregedit").args(["--export", "--prefix", "BCD"]).arg(path).arg(r"\"),
        );
        let elements = store.objects().map(|(_, object)| object.elements().count()).sum::<usize>();
        assert_eq!(text.matches("\"Element\"=").count(), elements);
        for (id, object) in store.objects() {
            for (element, raw) in object.elements() {
                let key = format!("[BCD\\Objects\\{}\\Elements\\{element}]\n", id.guid());
                let (_, value) = text.split_once(&key).unwrap_or_else(|| panic!("no {key}"));
                let bytes: Vec<String> = raw.data().iter().map(|b| format!("{b:02x}")).collect();
                let value = value.lines().next().unwrap();
                assert!(value.ends_with(&format!(":{}", bytes.join(","))), "{key}{value}");
            }
        }
    });
}

#[test]
#[ignore = "needs reglookup"]
fn reglookup_reads_the_stores_of_media() {
    own_stores(|path, store| {
        let text = printed(Command::new("reglookup").args(["-H", "-s"]).arg(path));
        for (id, object) in store.objects() {
            for (element, _) in object.elements() {
                let place = format!("/Objects/{}/Elements/{element}/Element,", id.guid());
                assert!(text.contains(&place), "{place} is not in\n{text}");
            }
        }
    });
}

#[test]
#[ignore = "needs wimlib-imagex"]
fn wimlib_sees_the_boot_index_of_the_copy() {
    let image = |name: &str| {
        let image = ImageBuilder::new(name, capmedia::sample::TIME);
        let image = image.with_architecture(Architecture::Amd64);
        small_parts(Architecture::Amd64)
            .iter()
            .fold(image, |image, (path, bytes)| image.with_bytes(path, bytes.clone()).unwrap())
    };
    let wim = WimBuilder::new().with_image(image("first")).with_image(image("second"));
    let workshop = Workshop::with_boot_image(&wim.to_vec().unwrap());
    // The same with an integrity table, which does not cover the header.
    let mut optimize = Command::new("wimlib-imagex");
    optimize.arg("optimize").arg(workshop.path("boot.wim")).args(["--check", "--quiet"]);
    assert!(optimize.output().unwrap().status.success());
    let info =
        |name: &str| printed(Command::new("wimlib-imagex").arg("info").arg(workshop.path(name)));
    let boot_index = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("Boot Index:")).unwrap();
        line.trim_start_matches("Boot Index:").trim().to_owned()
    };
    assert_eq!(boot_index(&info("boot.wim")), "0");
    for (kind, index) in [("cd-dvd", 1), ("usb", 2)] {
        let files = made_files(&workshop.request(kind).with_boot_index(index));
        workshop.put("copy.wim", files["sources/boot.wim"].as_ref().unwrap());
        let text = info("copy.wim");
        assert_eq!(boot_index(&text), index.to_string());
        assert!(text.contains("Integrity info"), "{text}");
        let mut verify = Command::new("wimlib-imagex");
        verify.arg("verify").arg(workshop.path("copy.wim"));
        assert!(verify.output().unwrap().status.success());
        let _ = fs::remove_file(workshop.path("copy.wim"));
    }
}
