//! `--log`: what CMTrace reads, whatever happens, and nothing secret in it.

use std::fs;

use crate::command::{Bench, create};

const PASSWORD: &str = "Corr3ct-H0rse-Battery";

/// The texts and types of a log's entries; each must be whole.
#[track_caller]
pub(crate) fn entries(bench: &Bench, name: &str) -> Vec<(String, char)> {
    let log = fs::read_to_string(bench.path(name)).unwrap();
    let entry = |line: &str| {
        let (text, behind) = line.strip_prefix("<![LOG[")?.split_once("]LOG]!>")?;
        let fields: Vec<&str> = behind.strip_suffix('>')?.split('"').collect();
        let names: Vec<&str> = fields.iter().step_by(2).copied().collect();
        let expected =
            ["<time=", " date=", " component=", " context=", " type=", " thread=", " file=", ""];
        let digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "9");
        let known = names == expected
            && digits(fields[1]) == "99:99:99.999+999"
            && digits(fields[3]) == "99-99-9999"
            && fields[5] == "capmedia";
        known.then(|| (text.to_owned(), fields[9].chars().next().unwrap()))
    };
    log.split_terminator("\r\n")
        .map(|line| entry(line).unwrap_or_else(|| panic!("{line}")))
        .collect()
}

#[track_caller]
fn has(entries: &[(String, char)], of: char, text: &str) {
    let found = entries.iter().any(|(entry, kind)| *kind == of && entry.contains(text));
    assert!(found, "{text:?} of type {of} is not in {entries:#?}");
}

#[test]
fn a_run_is_logged_from_its_request_to_its_end() {
    let bench = Bench::new();
    bench.put("password", format!("{PASSWORD}\n"));
    let line = format!(
        "{} --log a.log --capture-account LAB\\capture --capture-password-file password \
         --store-password",
        create("cd-dvd")
    );
    let ended = bench.run(&line);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let log = entries(&bench, "a.log");
    has(&log, '1', "create, process");
    has(&log, '1', "boot-image = \"boot.wim\"");
    has(&log, '1', "capture-password-file = \"password\"");
    has(&log, '2', "a PASSWORD stands in the task sequence");
    has(&log, '1', "100 %: ");
    has(&log, '1', "Written: out/capture.iso");
    assert_eq!(log.last().unwrap(), &("Done.".to_owned(), '1'));
    assert!(!fs::read_to_string(bench.path("a.log")).unwrap().contains(PASSWORD));

    // The next run adds to it, and its error has its causes.
    let ended = bench.run(&format!("{} --log a.log", create("cd-dvd")));
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let more = entries(&bench, "a.log");
    assert_eq!(more[..log.len()], log);
    has(&more, '3', "out/capture.iso exists");
    let missing = create("cd-dvd").replace("boot.wim", "none.wim");
    bench.run(&format!("{missing} --log a.log --force"));
    has(&entries(&bench, "a.log"), '3', "because: ");
}

#[test]
fn a_log_takes_the_place_of_nothing() {
    let bench = Bench::new();
    let boot_image = fs::read(bench.path("boot.wim")).unwrap();
    bench.put("add/empty", "");
    bench.put("strange", "text");
    for (log, code, says) in [
        ("boot.wim", 2, "is the file boot.wim that the media is made of"),
        ("strange", 2, "is no log"),
        ("out/capture.iso.sha256", 2, "is also the output"),
        ("out/Capture-12.iso", 2, "is also the output"),
        ("out/capture-1.iso.sha256", 2, "is also the output"),
        ("out/capture.iso", 2, "is also the output"),
        ("out/../out/capture.iso", 2, "is also the output"),
        ("add/empty", 2, "that the media is made of"),
        ("add/new.log", 2, "that the media is made of"),
        ("out", 5, "cannot write the log out"),
        ("none/a.log", 5, "cannot write the log none/a.log"),
    ] {
        let ended = bench.run(&format!(
            "{} --checksum --media-size 4GB --add add=add --log {log}",
            create("cd-dvd")
        ));
        assert_eq!(ended.code, Some(code), "{log}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{log}: {}", ended.stderr);
        assert_eq!(bench.out(), [""; 0], "{log}");
    }
    assert!(fs::read(bench.path("boot.wim")).unwrap() == boot_image);
    assert_eq!(fs::read(bench.path("add/empty")).unwrap(), b"");
    assert!(!bench.path("add/new.log").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_on_a_full_disk_ends_no_run() {
    let bench = Bench::new();
    let ended = bench.run(&format!("{} --log /dev/full", create("cd-dvd")));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("warning: the log /dev/full ends"), "{}", ended.stderr);
    assert_eq!(bench.out(), ["capture.iso"]);
}
