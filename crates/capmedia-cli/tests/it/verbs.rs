//! What each verb prints and answers.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use extent_image::{Digest, Hasher};

use crate::command::{Bench, create, ended, json};

fn image(kind: &str) -> &'static str {
    if kind == "usb" { "out/capture.img" } else { "out/capture.iso" }
}

#[test]
fn help_and_usage() {
    let bench = Bench::new();
    let help = String::from_utf8(bench.succeed("--help")).unwrap();
    for word in ["create", "plan", "inspect", "verify", "join", "demo", "Exit codes: 0 done"] {
        assert!(help.contains(word), "{help}");
    }
    let help = String::from_utf8(bench.succeed("create --help")).unwrap();
    for option in [
        "--boot-image",
        "--media-type",
        "--path",
        "--label",
        "--include-autorun",
        "--media-size",
        "--split-files",
        "--image-size",
        "--boot-files",
        "--add",
        "--checksum",
        "--force",
        "--json",
        "--quiet",
    ] {
        assert!(help.contains(option), "{option} in {help}");
    }
    assert!(String::from_utf8(bench.succeed("--version")).unwrap().starts_with("capmedia 0"));
    for wrong in ["", "no-such-verb", "create --no-such-option", "verify", "inspect a b"] {
        let ended = bench.run(wrong);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{wrong}: {}", ended.stderr);
        assert!(ended.stderr.contains("Usage"), "{wrong}: {}", ended.stderr);
    }
}

#[test]
fn all_problems_of_a_request_are_told_at_once() {
    let bench = Bench::new();
    let ended = bench.run("create --label Größe --media-type tape --image-size 1 --add x");
    assert_eq!(ended.code, Some(2));
    for says in [
        "error: the request has 6 problems",
        "--boot-image: it is required",
        "--media-type: tape is no media type this version knows\n      give one of: cd-dvd, usb",
        "--path: it is required",
        "--label: 'ö' at byte 2 cannot stand in a media label",
        "--image-size: the number ends at byte 1 without a unit",
        "--add: x has no = between host path and media path",
    ] {
        assert!(ended.stderr.contains(says), "{says}\nis not in\n{}", ended.stderr);
    }
}

#[test]
fn create_prints_what_it_made() {
    let bench = Bench::new();
    for kind in ["cd-dvd", "usb"] {
        let text =
            String::from_utf8(bench.succeed(&format!("{} --checksum", create(kind)))).unwrap();
        let digest = Digest::of(&fs::read(bench.path(image(kind))).unwrap()).to_string();
        for part in [kind, "x64", "Configuration Manager", "BIOS and UEFI", image(kind), &digest] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let verified = bench.succeed(&format!("verify {}", image(kind)));
        let verified = String::from_utf8(verified).unwrap();
        assert!(verified.ends_with("no faults\n"), "{verified}");
        let loader =
            "EFI/Boot/bootx64.efi: not signed: every machine with Secure Boot on refuses it\n";
        assert!(verified.contains(loader), "{verified}");
        let quiet = bench.succeed(&format!("{} --force --quiet", create(kind)));
        assert_eq!(quiet, b"");
        assert_eq!(bench.succeed(&format!("verify --quiet {}", image(kind))), b"");
    }
    assert_eq!(
        bench.out(),
        ["capture.img", "capture.img.sha256", "capture.iso", "capture.iso.sha256"]
    );
}

#[test]
fn json_objects_have_their_keys() {
    for kind in ["cd-dvd", "usb"] {
        let bench = Bench::new();
        let line = format!("{} --checksum --json", create(kind));
        let plan = bench.json(&line.replacen("create", "plan", 1));
        assert!(bench.out().is_empty(), "plan wrote something");
        let made = bench.json(&line);
        let len = fs::metadata(bench.path(image(kind))).unwrap().len();
        for report in [&plan, &made] {
            assert_eq!(report["media-type"], kind);
            assert_eq!(report["label"], "Configuration Manager");
            assert_eq!(report["architecture"], "x64");
            assert_eq!(report["boot-image"], "boot.wim");
            assert_eq!(report["volumes"][0]["number"], 1);
            assert_eq!(report["volumes"][0]["bytes"], len);
            assert_eq!(report["volumes"][0]["boots"], serde_json::json!(["BIOS", "UEFI"]));
            assert_eq!(report["warnings"], serde_json::json!([]));
            assert_eq!(report["set-id"], plan["set-id"]);
        }
        assert_eq!(made["path"], image(kind));
        let digest = Digest::of(&fs::read(bench.path(image(kind))).unwrap());
        assert_eq!(made["sha256"], digest.to_string());
        let written = made["written-bytes"].as_u64().unwrap();
        assert!(written <= len && written > 1 << 20);

        let verified = bench.json(&format!("verify --json {}", image(kind)));
        assert_eq!(verified["faults"], serde_json::json!([]));
        assert_eq!(verified["manifest"], true);
        let words = "not signed: every machine with Secure Boot on refuses it";
        let loader = serde_json::json!({
            "path": "EFI/Boot/bootx64.efi", "signatures": [], "secure-boot": words,
        });
        assert_eq!(verified["loaders"], serde_json::json!([loader]));
        let [files, compared] = ["files", "compared"].map(|key| verified[key].as_u64().unwrap());
        assert_eq!(files, compared + 1);
    }
}

#[test]
fn inspect_tells_of_each_kind() {
    let bench = Bench::new();
    let wim = bench.json("inspect --json boot.wim");
    assert_eq!((&wim["kind"], &wim["architecture"]), (&"wim".into(), &"x64".into()));
    assert_eq!((&wim["boot-index"], &wim["compression"]), (&1.into(), &"none".into()));
    assert_eq!(wim["images"][0]["edition"], "WindowsPE");
    assert_eq!(wim["boot-files"].as_array().unwrap().len(), 14);
    assert_eq!(wim["problems"], serde_json::json!([]));
    for kind in ["cd-dvd", "usb"] {
        bench.succeed(create(kind));
    }
    let disc = bench.json("inspect --json out/capture.iso");
    assert_eq!(
        (&disc["kind"], &disc["joliet-label"]),
        (&"disc".into(), &"Configuration Ma".into())
    );
    assert_eq!(disc["boot-entries"][1]["platform"], "UEFI");
    let disk = bench.json("inspect --json out/capture.img");
    assert_eq!((&disk["kind"], &disk["boot-code"]), (&"disk".into(), &"capmedia".into()));
    assert_eq!(disk["partitions"][0]["type"], "0C");
    for found in [&disc, &disk] {
        let tree = found["tree"].as_array().unwrap();
        assert!(tree.iter().any(|entry| entry["path"] == "sources/boot.wim"));
    }
    for (file, says) in [
        ("boot.wim", "For x64 computers"),
        ("out/capture.iso", "Boots under UEFI: sector"),
        ("out/capture.img", "boot code: capmedia"),
    ] {
        let text = String::from_utf8(bench.succeed(&format!("inspect {file}"))).unwrap();
        assert!(text.contains(says) && text.contains("bootmgr"), "{text}");
    }
}

#[test]
fn a_plan_lists_every_extent() {
    let bench = Bench::new();
    let line = create("usb").replacen("create", "plan", 1);
    let text = String::from_utf8(bench.succeed(&format!("{line} --extents"))).unwrap();
    assert!(text.contains("boot.wim") && text.contains("fat 1"), "{text}");
    let plan = bench.json(&format!("{line} --extents --json"));
    let extents = plan["extents"].as_array().unwrap();
    let mut at = 0;
    for extent in extents {
        assert_eq!(extent["start"].as_u64(), Some(at));
        assert!(!extent["what"].as_str().unwrap().is_empty());
        at += extent["bytes"].as_u64().unwrap();
    }
    assert_eq!(at, 40 << 20);
    assert!(bench.out().is_empty());
}

#[test]
fn standard_output_gets_the_same_bytes_and_nothing_else() {
    let bench = Bench::new();
    for kind in ["cd-dvd", "usb"] {
        bench.succeed(create(kind));
        let file = fs::read(bench.path(image(kind))).unwrap();
        let line = create(kind).replace(image(kind), "-");
        for extra in ["", " --quiet", " --json"] {
            let ended = bench.run(&format!("{line}{extra}"));
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            assert!(ended.stdout == file, "{kind}{extra}");
            match extra {
                " --quiet" => assert_eq!(ended.stderr, ""),
                " --json" => assert_eq!(json(ended.stderr.as_bytes())["path"], "-"),
                _ => assert!(ended.stderr.contains("Written:      -"), "{}", ended.stderr),
            }
        }
        // No escape sequence of a progress bar where nobody looks.
        assert!(!bench.run(&line).stderr.contains(['\r', '\u{1b}']));
    }
    for option in ["--checksum", "--force"] {
        let line = create("usb").replace("out/capture.img", "-");
        let ended = bench.run(&format!("{line} {option}"));
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
        assert!(ended.stderr.contains(option), "{}", ended.stderr);
    }
}

#[test]
fn a_pipe_with_a_name_and_a_reader_that_has_seen_enough() {
    let bench = Bench::new();
    let line = create("cd-dvd").replace("out/capture.iso", "-");
    let mut command = bench.command(line.split_whitespace());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut head = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut head).unwrap();
    let ended = crate::command::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("standard output"), "{}", ended.stderr);
}

#[test]
fn source_date_epoch_is_heeded() {
    let bench = Bench::new();
    let sum = |epoch: Option<&str>| {
        let line = create("cd-dvd").replace("out/capture.iso", "-");
        let mut command = bench.command(line.split_whitespace());
        if let Some(epoch) = epoch {
            command.env("SOURCE_DATE_EPOCH", epoch);
        }
        let ended = ended(&mut command);
        let mut hasher = Hasher::new();
        hasher.update(&ended.stdout);
        (ended.code, hasher.finish(), ended.stderr)
    };
    let plain = sum(None);
    assert_eq!(sum(Some("")).1, plain.1);
    // The sample is from 2026: a later limit changes nothing, an earlier one does.
    assert_eq!(sum(Some("4000000000")).1, plain.1);
    let early = sum(Some("1700000000"));
    assert_ne!(early.1, plain.1);
    fs::File::options()
        .write(true)
        .open(bench.path("boot.wim"))
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    assert_ne!(sum(None).1, plain.1);
    assert_eq!(sum(Some("1700000000")).1, early.1);
    let wrong = sum(Some("yesterday"));
    assert_eq!(wrong.0, Some(2));
    assert!(wrong.2.contains("SOURCE_DATE_EPOCH") && wrong.2.contains("unset it"), "{}", wrong.2);
}

#[test]
fn the_demo_makes_both_images_twice() {
    let bench = Bench::new();
    let mut sums = Vec::new();
    for _ in 0..2 {
        let text = String::from_utf8(bench.succeed("demo show")).unwrap();
        for says in ["boot.wim", "capture.iso", "capture.img", "read back: no faults", "-cdrom"] {
            assert!(text.contains(says), "{text}");
        }
        let sum = |name: &str| fs::read_to_string(bench.path(&format!("show/{name}"))).unwrap();
        sums.push((sum("capture.iso.sha256"), sum("capture.img.sha256")));
    }
    assert_eq!(sums[0], sums[1]);
    assert_eq!(
        crate::command::names_in(&bench.path("show")),
        ["boot.wim", "capture.img", "capture.img.sha256", "capture.iso", "capture.iso.sha256"]
    );
    // Wherever and whenever it runs.
    assert!(
        fs::read(bench.path("show/boot.wim")).unwrap() == fs::read(bench.path("boot.wim")).unwrap()
    );
    bench.put("taken", "");
    let ended = bench.run("demo taken");
    assert_eq!(ended.code, Some(5));
    assert!(ended.stderr.contains("cannot make the folder taken"), "{}", ended.stderr);
}
