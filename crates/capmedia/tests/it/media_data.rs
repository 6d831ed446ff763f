//! The media data beside the task sequence: runtime, templates, what starts it.

use std::fs::{self, File};

use capmedia::{Blame, Error, MediaDataError, MediaPlan, ResolveError};
use iso9660_image::TreeKind;
use media_model::CaptureMediaRequest;
use wim_image::Architecture;

use crate::places::media_data;
use crate::support::{
    Files, Workshop, assert_sound, disc_files, made_files, make, noise, pe, small_parts, small_wim,
    told, wim,
};

/// Files below a folder of the media, by the rest of their path.
fn below<'a>(files: &'a Files, folder: &str) -> Vec<(&'a str, &'a [u8])> {
    let files = files
        .iter()
        .filter_map(|(path, content)| Some((path.strip_prefix(folder)?, content.as_deref()?)));
    files.filter(|(_, content)| *content != b"core").collect()
}

fn warnings(request: &CaptureMediaRequest) -> Vec<String> {
    let plan = MediaPlan::new(&request.check().unwrap()).unwrap();
    plan.summary().warnings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn refused(request: &CaptureMediaRequest) -> (MediaDataError, String) {
    let error = make(request).unwrap_err();
    assert_eq!(error.blame(), Blame::Input, "exit code 3");
    let text = told(&error);
    match error {
        Error::Resolve(ResolveError::MediaData(error)) => (error, text),
        other => panic!("{other:?}"),
    }
}

/// What no task sequence runs without.
const CORE: [&str; 5] = [
    "TsBootShell.exe",
    "TsmBootstrap.exe",
    "TsManager.exe",
    "TsCore.dll",
    "OsdCaptureSystemImage.exe",
];

/// A boot image whose runtime has [`CORE`] and tools of the ADK, a folder, and programs.
fn with_runtime(machine: Architecture, folder: &str, files: &[&str]) -> Vec<u8> {
    let mut parts = small_parts(machine);
    parts.retain(|path, _| !path.starts_with("sms"));
    for name in CORE.iter().filter(|_| !files.is_empty()) {
        parts.insert(format!(r"SMS\Bin\{folder}\{name}"), b"core".to_vec());
    }
    for name in files {
        let path = format!(r"SMS\Bin\{folder}\{name}");
        parts.insert(path, format!("{folder} {name}").into_bytes());
    }
    wim(Some(machine), &parts)
}

const FILES: [&str; 9] = [
    "bcdboot.exe",
    "bootfix.bin",
    "bootsect.exe",
    "Oscdimg.exe",
    "TsManager.exe",
    "TSMBAutorun.exe",
    "wimgapi.dll",
    r"00000409\tsres.dll",
    r"00000409\oscdimg.exe",
];

#[test]
fn the_runtime_of_the_boot_image_is_on_the_media_without_what_makes_media() {
    let workshop = Workshop::with_boot_image(&with_runtime(Architecture::Amd64, "X64", &FILES));
    for kind in ["cd-dvd", "usb", "hybrid"] {
        let request = workshop.request(kind).with_force(true);
        assert_eq!(warnings(&request), [] as [&str; 0]);
        if kind == "hybrid" {
            continue;
        }
        let files = made_files(&request);
        let expected = [
            ("00000409/oscdimg.exe", &br"X64 00000409\oscdimg.exe"[..]),
            ("00000409/tsres.dll", br"X64 00000409\tsres.dll"),
            ("TSMBAutorun.exe", b"X64 TSMBAutorun.exe"),
            ("TsManager.exe", b"X64 TsManager.exe"),
            ("wimgapi.dll", b"X64 wimgapi.dll"),
        ];
        assert_eq!(below(&files, "SMS/bin/x64/"), expected);
        for (path, content) in media_data() {
            assert!(files[path].as_ref() == Some(&content), "{path}");
        }
    }
}

#[test]
fn each_architecture_has_its_folders() {
    for (machine, on_media) in [
        (Architecture::X86, &["i386/a.exe"][..]),
        (Architecture::Amd64, &["x64/a.exe"]),
        (Architecture::Arm64, &["arm64/a.exe", "x64/a.exe"]),
    ] {
        let mut parts = small_parts(machine);
        parts.retain(|path, _| !path.starts_with("sms"));
        for folder in ["i386", "x64", "arm64", "ia64"] {
            parts.insert(format!(r"sms\bin\{folder}\a.exe"), pe(machine));
        }
        let workshop = Workshop::with_boot_image(&wim(Some(machine), &parts));
        let files = made_files(&workshop.request("cd-dvd"));
        let found: Vec<_> = below(&files, "SMS/bin/").into_iter().map(|(path, _)| path).collect();
        assert_eq!(found, on_media);
    }
}

#[test]
fn what_the_runtime_lacks_is_one_warning() {
    let none = Workshop::with_boot_image(&with_runtime(Architecture::Amd64, "x64", &[]));
    let request = none.request("cd-dvd");
    let [warning] = &*warnings(&request) else { panic!() };
    assert!(warning.contains("is no Configuration Manager boot image"), "{warning}");
    assert!(warning.contains(r"SMS\bin\x64"), "{warning}");
    // What boots runs no task sequence, whatever lies beside it.
    none.put("site/TSMBAutoRun.exe", "starter");
    let given = request.with_runtime(none.path("site"));
    let [warning] = &*warnings(&given) else { panic!() };
    assert!(warning.contains("is no Configuration Manager boot image"), "{warning}");

    // Windows PE runs what is in it, not what lies beside it.
    let mut parts = small_parts(Architecture::Amd64);
    parts.remove(r"sms\bin\x64\TsManager.exe").unwrap();
    let incomplete = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    incomplete.put("site/TsManager.exe", "manager");
    let given = incomplete.request("cd-dvd").with_runtime(incomplete.path("site"));
    let [warning] = &*warnings(&given) else { panic!() };
    assert!(warning.contains("boot.wim lacks TsManager.exe of the task sequence"), "{warning}");

    let wim = with_runtime(Architecture::Amd64, "x64", &["TsManager.exe"]);
    let workshop = Workshop::with_boot_image(&wim);
    let request = workshop.request("cd-dvd");
    let [warning] = &*warnings(&request) else { panic!() };
    assert!(warning.contains("TSMBAutoRun.exe or OsdCaptureCD.exe"), "{warning}");
    assert!(warning.contains("--runtime"), "{warning}");
    let starter = workshop.put("site/tsmbautorun.exe", "starter");
    let given = request.clone().with_runtime(starter.parent().unwrap());
    assert_eq!(warnings(&given), [] as [&str; 0]);
    // Windows for x64 does not run what is for arm64.
    let elsewhere = workshop.add("site/tsmbautorun.exe", "sms/bin/arm64/TSMBAutoRun.exe");
    assert_eq!(warnings(&request.clone().with_add(elsewhere)).len(), 1);
    let added = workshop.add("site/tsmbautorun.exe", "sms/bin/x64/TSMBAutoRun.exe");
    assert_eq!(warnings(&request.with_add(added)), [] as [&str; 0]);
}

#[test]
fn the_sites_files_lie_over_those_of_the_boot_image() {
    let wim = with_runtime(Architecture::Amd64, "x64", &["TsManager.exe", "TsCore.dll"]);
    let workshop = Workshop::with_boot_image(&wim);
    workshop.put("site/SMS/BIN/X64/tsmanager.EXE", "the site's manager");
    workshop.put("site/SMS/BIN/X64/TSMBAutoRun.exe", "starter");
    workshop.put("site/SMS/BIN/i386/sub/a.dll", "for x86");
    workshop.put("site/SMS/data/Variables.dat", "not taken");
    workshop.put("site/bootmgr", "not taken");
    let request = workshop.request("usb").with_runtime(workshop.path("site"));
    assert_eq!(warnings(&request), [] as [&str; 0]);
    let files = made_files(&request);
    let expected = [
        ("i386/sub/a.dll", &b"for x86"[..]),
        ("x64/TSMBAutoRun.exe", b"starter"),
        ("x64/TsCore.dll", b"x64 TsCore.dll"),
        ("x64/tsmanager.EXE", b"the site's manager"),
    ];
    assert_eq!(below(&files, "SMS/bin/"), expected);
    assert!(!files.contains_key("SMS/data/Variables.dat"));

    fs::create_dir(workshop.path("empty")).unwrap();
    let request = workshop.request("usb").with_force(true);
    let (error, text) = refused(&request.clone().with_runtime(workshop.path("empty")));
    assert!(matches!(error, MediaDataError::NoRuntime { .. }), "{text}");
    let (error, text) = refused(&request.with_runtime(workshop.path("none")));
    assert!(matches!(error, MediaDataError::ReadFolder { option: "runtime", .. }), "{text}");
}

#[test]
fn what_is_added_to_the_runtime_collides_or_joins_it() {
    let wim = with_runtime(Architecture::Amd64, "x64", &["TSMBAutoRun.exe"]);
    let workshop = Workshop::with_boot_image(&wim);
    workshop.put("more/x64/other.exe", "other");
    let request = workshop.request("cd-dvd");
    let files = made_files(&request.clone().with_add(workshop.add("more", r"sms\BIN")));
    let found: Vec<_> = below(&files, "SMS/bin/x64/").into_iter().map(|(path, _)| path).collect();
    assert_eq!(found, ["TSMBAutoRun.exe", "other.exe"]);
    workshop.put("more/x64/TSMBAUTORUN.EXE", "again");
    let request = request.with_force(true).with_add(workshop.add("more", r"SMS\bin"));
    let error = make(&request).unwrap_err();
    assert_eq!(error.blame(), Blame::Request);
    let text = told(&error);
    assert!(text.contains("TSMBAUTORUN.EXE comes from"), "{text}");
    assert!(text.contains(r"boot.wim:\SMS\Bin\x64\TSMBAutoRun.exe"), "{text}");
    // Files that every medium has are refused before anything is opened.
    for name in ["LaunchMedia.cmd", "sms/data/tasksequence.xml", r"SMS\data\TsmBootstrap.ini"] {
        let request = workshop.request("cd-dvd").with_add(format!("x={name}"));
        let [problem] = &*request.check().unwrap_err() else { panic!() };
        assert!(problem.remedy().contains("--template"), "{problem}");
    }
}

#[test]
fn templates_replace_what_is_not_confirmed() {
    let workshop = Workshop::with_boot_image(&small_wim());
    // Byte for byte: neither line ends nor anything else is touched.
    workshop.put("template/sms/DATA/TSMBootstrap.ini", "[MediaInfo]\nMediaType=Other\n");
    workshop.put("template/launchmedia.cmd", b"\xFF\x00not text");
    workshop.put("template/AutoRun.inf", "[autorun]");
    let request = workshop.request("cd-dvd").with_template(workshop.path("template"));
    let [warning] = &*warnings(&request) else { panic!() };
    assert!(warning.contains("AutoRun.inf") && warning.contains("--include-autorun"), "{warning}");
    let request = request.with_include_autorun(true);
    assert_eq!(warnings(&request), [] as [&str; 0]);
    let files = made_files(&request);
    for (path, content) in [
        ("SMS/data/TsmBootstrap.ini", &b"[MediaInfo]\nMediaType=Other\n"[..]),
        ("LaunchMedia.cmd", b"\xFF\x00not text"),
        ("autorun.inf", b"[autorun]"),
    ] {
        assert_eq!(files[path].as_deref(), Some(content), "{path}");
    }
    workshop.put("template/sms/DATA/TaskSequence.xml", "<sequence/>");
    workshop.put("template/MediaLabel.txt", "label=x");
    let (error, text) = refused(&request.with_force(true));
    assert!(matches!(error, MediaDataError::UnknownTemplate { .. }), "{text}");
    for part in ["MediaLabel.txt, sms/DATA/TaskSequence.xml", "--add", "LaunchMedia.cmd"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn all_mistakes_of_the_media_data_are_told_at_once() {
    let workshop = Workshop::with_boot_image(&small_wim());
    workshop.put("template/other.txt", "x");
    workshop.put("bad.xml", "<sequence version=\"3.10\"><step name=\"a\"/></sequence>");
    fs::create_dir(workshop.path("empty")).unwrap();
    let mut request = workshop.request("cd-dvd").with_force(true);
    request.capture_destination = None;
    let request = request
        .with_template(workshop.path("template"))
        .with_runtime(workshop.path("empty"))
        .with_task_sequence(workshop.path("bad.xml"));
    let (error, text) = refused(&request);
    for part in
        ["other.txt", "no capture step", "'a' has no command", "holds no task sequence runtime"]
    {
        assert!(text.contains(part), "{part} not in: {text}");
    }
    assert_eq!(error.problems().len(), 2);
}

#[test]
fn media_data_is_the_same_every_time() {
    let wim = with_runtime(Architecture::Amd64, "x64", &FILES);
    let workshop = Workshop::with_boot_image(&wim);
    workshop.put("site/a.exe", "a");
    workshop.put("template/LaunchMedia.cmd", "rem");
    let request = workshop
        .request("usb")
        .with_runtime(workshop.path("site"))
        .with_template(workshop.path("template"));
    make(&request).unwrap();
    let first = fs::read(workshop.path("out/capture.img")).unwrap();
    make(&request.with_force(true)).unwrap();
    assert!(fs::read(workshop.path("out/capture.img")).unwrap() == first);
}

#[test]
fn of_a_set_the_first_disc_alone_has_it() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for number in 0..4 {
        workshop.put(&format!("more/{number}"), noise(900 << 10, number + 1));
    }
    let request = workshop
        .request("cd-dvd")
        .with_media_size("3MB")
        .with_add(workshop.add("more", r"SMS\pkg\PS100005"));
    let made = make(&request).unwrap();
    assert!(made.images.len() > 1);
    for (number, image) in made.images.iter().enumerate() {
        assert_sound(image.path.as_ref());
        let files = disc_files(File::open(&image.path).unwrap(), TreeKind::Joliet);
        for (path, _) in media_data() {
            assert_eq!(files.contains_key(path), number == 0, "{path} on disc {}", number + 1);
        }
        assert_eq!(files.contains_key("SMS/bin/x64/OsdCaptureCD.exe"), number == 0);
    }
}
