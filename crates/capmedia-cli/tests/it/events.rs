//! `--events json`: every line as docs/events.md has it, from the first to the last.

use std::collections::HashMap;
use std::fs;
#[cfg(unix)]
use std::io::{BufRead as _, BufReader, Read as _};
#[cfg(unix)]
use std::process::Child;
use std::process::Stdio;
#[cfg(unix)]
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::{Bench, create};
use crate::library_fixture::LibraryFixture;

const SCHEMA: &str = include_str!("../../events.schema.json");
const PASSWORD: &str = "Corr3ct-H0rse-Battery";

/// What is wrong with a value; of JSON Schema, only what our schema uses.
fn fault(schema: &Value, value: &Value) -> Option<String> {
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("{other} is not known here"),
    };
    for (key, rule) in schema.as_object().unwrap() {
        let holds = match key.as_str() {
            "$schema" | "title" | "description" => true,
            "type" => is(rule.as_str().unwrap()),
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_u64() >= rule.as_u64(),
            "required" => rule
                .as_array()
                .unwrap()
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some()),
            "items" => value.as_array().unwrap().iter().all(|item| fault(rule, item).is_none()),
            "properties" => {
                let known = |(name, rule): (&String, &Value)| {
                    value.get(name).is_none_or(|value| fault(rule, value).is_none())
                };
                rule.as_object().unwrap().iter().all(known)
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object().unwrap();
                value.as_object().unwrap().keys().all(|name| known.contains_key(name))
            }
            "oneOf" => {
                let all = rule.as_array().unwrap().iter();
                all.filter(|schema| fault(schema, value).is_none()).count() == 1
            }
            other => panic!("{other} is not known here"),
        };
        if !holds {
            return Some(format!("{key} {rule} does not hold for {value}"));
        }
    }
    None
}

/// The events of a run, which are all that they must be.
#[track_caller]
fn events(text: &[u8]) -> Vec<Value> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    assert!(!text.contains(PASSWORD));
    let lines = text.lines().map(|line| serde_json::from_str(line).expect(line));
    let events: Vec<Value> = lines.collect();
    for event in &events {
        assert_eq!(fault(&schema, event), None);
    }
    assert_eq!(events[0]["event"], "begin");
    let is_last = |event: &Value| event["event"] == "done" || event["event"] == "failed";
    assert_eq!(events.iter().position(is_last), Some(events.len() - 1), "{text}");
    assert_eq!(events.iter().filter(|event| event["event"] == "begin").count(), 1);
    assert_progress(&events);
    events
}

/// Progress belongs to the phase that was told last of its drive, and does not go back; files neither.
#[track_caller]
fn assert_progress(events: &[Value]) {
    let mut at: HashMap<String, (String, u64)> = HashMap::new();
    let key = |event: &Value| event.get("drive").map_or(String::new(), Value::to_string);
    for event in events {
        let phase = format!("{} {:?}", event["phase"], event.get("volume"));
        match event["event"].as_str() {
            Some("phase") => drop(at.insert(key(event), (phase, 0))),
            Some("progress") => {
                let (known, before) = at.get_mut(&key(event)).unwrap();
                let (done, total) =
                    (event["done"].as_u64().unwrap(), event["total"].as_u64().unwrap());
                assert_eq!(*known, phase);
                assert!(*before <= done && done <= total, "{event}");
                *before = done;
                let number = |name: &str| event.get(name).and_then(Value::as_u64);
                assert!(number("file-done") <= number("file-total"), "{event}");
                assert!(number("work-done") <= number("work-total"), "{event}");
                assert_eq!(event.get("file").is_some(), number("file-total").is_some());
            }
            _ => {}
        }
    }
}

fn of<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

fn phases(events: &[Value]) -> Vec<&str> {
    of(events, "phase").iter().map(|event| event["phase"].as_str().unwrap()).collect()
}

fn add_files(bench: &Bench) {
    for (name, kilobytes) in [("a/one.bin", 3000), ("a/two.bin", 1000), ("b/three.bin", 5000)] {
        let line = format!("{name}: not all the same\n");
        bench.put(name, line.bytes().cycle().take(kilobytes << 10).collect::<Vec<u8>>());
    }
}

#[test]
fn images_sets_and_pipes() {
    let bench = Bench::new();
    add_files(&bench);
    let added = "--add a=Apps --add b=Data";
    for kind in ["cd-dvd", "usb", "hybrid"] {
        let line = format!("{} {added} --force", create(kind)).replace("40MiB", "300MiB");
        let told = events(&bench.succeed(&format!("{line} --events json")));
        assert_eq!((&told[0]["verb"], phases(&told)), (&json!("create"), vec!["plan", "write"]));
        let report = bench.json(&format!("{line} --json"));
        assert_eq!(told.last().unwrap()["report"], report);
        let progress = of(&told, "progress");
        let (first, last) = (progress[0], progress.last().unwrap());
        assert!(first["done"].as_u64().unwrap() <= 256 << 10, "{first}");
        assert_eq!(
            (&last["done"], &last["total"]),
            (&report["volumes"][0]["bytes"], &last["done"])
        );
        // What is free becomes a hole.
        assert!(last["work-total"].as_u64() < last["total"].as_u64(), "{last}");
        assert_eq!(last["work-done"], last["work-total"]);
    }

    let line = format!("{} {added} --media-size 6MB", create("cd-dvd"));
    let told = events(&bench.succeed(&format!("{line} --events=json")));
    let volumes: Vec<_> =
        of(&told, "phase").into_iter().map(|it| it.get("volume").cloned()).collect();
    assert_eq!(volumes, [None, Some(json!(1)), Some(json!(2)), Some(json!(3))]);
    assert_eq!(told.last().unwrap()["report"]["images"].as_array().unwrap().len(), 3);
    assert!(of(&told, "progress").iter().all(|event| event["volumes"] == 3));

    let discs = "out/capture-1.iso out/capture-2.iso out/capture-3.iso";
    let told = events(&bench.succeed(&format!("verify {discs} --events json")));
    assert_eq!(phases(&told), ["verify"; 3]);
    assert!(of(&told, "progress").iter().all(|event| event["phase"] == "verify"));
    let named = of(&told, "progress").iter().filter(|event| event.get("file").is_some()).count();
    assert!(named > 3);
    let told = events(&bench.succeed(&format!("join {discs} --to joined --events json")));
    assert_eq!((&told[0]["verb"], phases(&told)), (&json!("join"), vec!["write"]));
    assert_eq!(told.last().unwrap()["report"]["volumes"], 3);

    let pipe = create("cd-dvd").replace("out/capture.iso", "-");
    let ended = bench.run(&format!("{pipe} --events json"));
    assert_eq!(ended.code, Some(0));
    let told = events(ended.stderr.as_bytes());
    assert_eq!(told.last().unwrap()["report"]["path"], "-");
    assert!(
        ended.stdout == fs::read(bench.path("out/capture.iso")).unwrap()
            || !ended.stdout.is_empty()
    );
    let wrong = pipe.replace("boot.wim", "none.wim");
    let ended = bench.run(&format!("{wrong} --events json"));
    assert_eq!((ended.code, ended.stdout.len()), (Some(3), 0));
    events(ended.stderr.as_bytes());
}

#[test]
fn a_stick_that_is_refreshed() {
    let bench = Bench::new();
    add_files(&bench);
    bench.succeed(&format!("{} --add a=Apps", create("usb").replace("40MiB", "300MiB")));
    let line = create("usb").replace("--image-size 40MiB ", "");
    let line = format!("{line} --no-format --add b=Data --events json");
    let told = events(&bench.succeed(&line));
    let mut phases = phases(&told);
    phases.dedup();
    assert_eq!(phases, ["plan", "compare", "write", "verify"]);
    let of_phase = |phase: &'static str| {
        of(&told, "progress").into_iter().filter(move |event| event["phase"] == phase)
    };
    for phase in ["compare", "write", "verify"] {
        assert!(of_phase(phase).any(|event| event.get("file").is_some()), "{phase}");
        let last = of_phase(phase).next_back().unwrap();
        assert_eq!(last["done"], last["total"], "{phase}");
    }
}

#[test]
fn the_last_line_always_comes() {
    let bench = Bench::new();
    let last = |line: &str, code: i32| {
        let ended = bench.run(line);
        assert_eq!((ended.code, &*ended.stderr), (Some(code), ""), "{line}");
        let last = events(&ended.stdout).pop().unwrap();
        assert_eq!(
            (&last["event"], &last["exit-code"]),
            (&json!("failed"), &json!(code)),
            "{line}"
        );
        last
    };
    let failed = last("create --events json --pth x", 2);
    assert!(failed["error"].as_str().unwrap().contains("--path"), "{failed}");
    last("verify --events=json", 2);
    last("create --events json --json", 2);
    let failed = last("create --events json --label \u{f6} --media-type usb", 2);
    assert!(failed["problems"].as_array().unwrap().len() > 1, "{failed}");
    last(&format!("{} --events json", create("cd-dvd").replace("boot.wim", "none.wim")), 3);
    bench.put("out/capture.iso", "somebody's");
    let failed = last(&format!("{} --events json", create("cd-dvd")), 5);
    assert!(failed["error"].as_str().unwrap().contains("--force"), "{failed}");
    last("verify out/none.iso --events json", 3);
    last("join out/none.iso --to x --events json", 3);

    bench.succeed(&format!("{} --force", create("cd-dvd")));
    let mut image = fs::read(bench.path("out/capture.iso")).unwrap();
    let at = image.len() - (400 << 10);
    image[at] ^= 1;
    bench.put("out/bad.iso", image);
    let failed = last("verify out/bad.iso --events json", 6);
    assert_eq!(failed["report"]["faults"].as_array().unwrap().len(), 1, "{failed}");
    let failed = last("verify out/bad.iso out/none.iso --events json", 3);
    assert_eq!(failed["report"]["unread"].as_array().unwrap().len(), 1, "{failed}");

    // Without the option, or with another value, nobody is told so.
    let ended = bench.run("create --events xml --pth x");
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
    assert!(ended.stderr.contains("error: "), "{}", ended.stderr);
}

#[test]
fn warnings_come_as_they_are_found_and_passwords_never() {
    let bench = Bench::new();
    bench.put("password", format!("{PASSWORD}\n"));
    let line = format!(
        "{} --events json --capture-account LAB\\capture --capture-password-file password \
         --store-password",
        create("cd-dvd")
    );
    let told = events(&bench.succeed(&line));
    let warnings = of(&told, "warning");
    assert!(warnings[0]["text"].as_str().unwrap().contains("PASSWORD"), "{warnings:?}");
    let wrong = format!("{} --events json --capture-password={PASSWORD}", create("cd-dvd"));
    events(&bench.run(&wrong).stdout);
}

#[cfg(unix)]
fn start(bench: &Bench, line: &str) -> Child {
    let mut command = bench.command(line.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Gigabytes that take no room: a run that reads them takes long enough to be caught at it.
#[cfg(unix)]
fn add_gigabytes(bench: &Bench) {
    fs::create_dir_all(bench.path("big")).unwrap();
    for less in 1..4 {
        let file = fs::File::create(bench.path(&format!("big/{less}"))).unwrap();
        file.set_len((1 << 32) - less).unwrap();
    }
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

/// Reads events until one holds this text; what was read.
#[cfg(unix)]
fn read_until(reader: &mut impl std::io::BufRead, text: &str) -> Vec<u8> {
    let mut read = Vec::new();
    loop {
        let before = read.len();
        assert!(reader.read_until(b'\n', &mut read).unwrap() > 0, "ended before {text}");
        if String::from_utf8_lossy(&read[before..]).contains(text) {
            return read;
        }
    }
}

#[test]
#[cfg(unix)]
fn signals_and_the_pace() {
    let bench = Bench::new();
    add_gigabytes(&bench);
    let line = format!("{} --events json --add big=big", create("cd-dvd"));
    let mut child = start(&bench, &line);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let begun = Instant::now();
    let mut text = read_until(&mut reader, r#""rate":"#);
    let took = begun.elapsed();
    interrupt(&child);
    reader.read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let told = events(&text);
    let progress = of(&told, "progress");
    // Four a second, the first and the last.
    let most = took.as_millis() / 250 + 4;
    assert!((4..=most).contains(&(progress.len() as u128)), "{} in {took:?}", progress.len());
    let rated = progress.iter().find(|event| event.get("rate").is_some()).unwrap();
    assert!(rated["eta-seconds"].as_u64().unwrap() < 7200, "{rated}");
    assert!(rated["file"].as_str().unwrap().starts_with("big/"), "{rated}");
    assert_eq!(told.last().unwrap()["exit-code"], 130);
    assert_eq!(bench.out(), [""; 0]);

    // It waits for somebody who reads its pipe, and does not see the first signal.
    let fifo = bench.path("out/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = line.replace("out/capture.iso", "out/fifo");
    let mut child = start(&bench, &line);
    let mut image = fs::File::open(&fifo).unwrap();
    image.read_exact(&mut [0; 4096]).unwrap();
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    let mut text = read_until(&mut reader, r#""phase":"write""#);
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    reader.read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(events(&text).last().unwrap()["error"].as_str().unwrap().contains("cancelled"));
}

#[test]
#[cfg(unix)]
fn a_signal_while_nothing_is_made_yet() {
    let bench = Bench::new();
    // Files of one length are compared before anything is written, which takes seconds.
    for name in ["big/1", "big/2"] {
        bench.put(name, "");
        fs::File::options().write(true).open(bench.path(name)).unwrap().set_len(8 << 30).unwrap();
    }
    let line = format!("{} --events json --add big=big --log a.log", create("cd-dvd"));
    let mut child = start(&bench, &line);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut text = read_until(&mut reader, r#""event":"begin""#);
    interrupt(&child);
    let begun = Instant::now();
    reader.read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(5));
    let last = events(&text).pop().unwrap();
    assert_eq!((&last["exit-code"], &last["error"]), (&json!(130), &json!("cancelled")));
    assert!(fs::read_to_string(bench.path("a.log")).unwrap().contains("[cancelled]"));
    assert_eq!(bench.out(), [""; 0]);
}

/// Packages that are written, that are there already, and that are not to be had.
#[test]
fn packages_that_are_fetched() {
    let bench = Bench::new();
    let files: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7) as u8).collect();
    LibraryFixture::new(bench.path("one").join("SCCMContentLib"))
        .package("PS100001", 2, &[("x/big.bin", &files), ("empty.txt", b"")])
        .package("PS100002", 1, &[("small.txt", b"small")]);
    let line = "content fetch PS100001 PS100002 --distribution-point one --to out";
    let told = events(&bench.succeed(&format!("{line} --events json")));
    assert_eq!((&told[0]["verb"], phases(&told)), (&json!("content fetch"), vec!["plan", "write"]));
    let progress = of(&told, "progress");
    let last = progress.last().unwrap();
    assert_eq!((&last["done"], &last["total"]), (&json!(3_000_005), &json!(3_000_005)));
    assert!(progress.iter().any(|event| event["file"].as_str().unwrap().ends_with("x/big.bin")));
    let packages = &told.last().unwrap()["report"]["packages"];
    assert_eq!(packages.as_array().unwrap().len(), 2, "{packages}");
    assert_eq!((&packages[0]["verified"], &packages[0]["kept"]), (&json!(true), &json!(false)));

    let told = events(&bench.succeed(&format!("{line} --events json")));
    assert_eq!(phases(&told), ["plan", "verify"]);
    assert_eq!(told.last().unwrap()["report"], bench.json(&format!("{line} --json")));

    let ended = bench.run(&format!("{line} --events json").replace("PS100002", "PS1000FF"));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let told = events(&ended.stdout);
    let last = told.last().unwrap();
    assert_eq!((&last["event"], &last["exit-code"]), (&json!("failed"), &json!(4)));
    assert!(last["error"].as_str().unwrap().contains("PS1000FF"), "{last}");
}

#[test]
#[cfg(unix)]
fn names_that_are_not_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let bench = Bench::new();
    bench.succeed(create("cd-dvd"));
    let name = OsStr::from_bytes(b"out/\xff.iso");
    fs::rename(bench.path("out/capture.iso"), bench.path(".").join(name)).unwrap();
    for (line, ends) in [
        ("verify NAME --events json".to_owned(), "done"),
        ("join NAME --to joined --events json".to_owned(), "done"),
        (create("cd-dvd").replace("out/capture.iso", "NAME --events json"), "failed"),
        (create("cd-dvd").replace("out/capture.iso", "NAME --force --events json"), "done"),
    ] {
        let words = line.split_whitespace();
        let args = words.map(|word| if word == "NAME" { name } else { OsStr::new(word) });
        let output = bench.command(args).output().unwrap();
        assert_eq!(events(&output.stdout).last().unwrap()["event"], ends, "{line}");
    }
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_leaves_a_whole_image() {
    let bench = Bench::new();
    let mut child = start(&bench, &format!("{} --events json", create("cd-dvd")));
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(5), 0));
    assert_eq!(bench.out(), ["capture.iso"]);
    bench.succeed("verify --quiet out/capture.iso");
}

const JUDGE: &str = r#"
import json, sys
from jsonschema import Draft202012Validator
work = json.load(sys.stdin)
Draft202012Validator.check_schema(work["schema"])
judge = Draft202012Validator(work["schema"])
print([judge.is_valid(json.loads(line)) for line in work["lines"]].count(False))
"#;

#[test]
#[ignore = "needs python3 with jsonschema"]
fn other_readers_of_the_schema_agree() {
    use std::io::Write as _;

    let bench = Bench::new();
    bench.put("out/capture.iso", "old");
    let mut lines = Vec::new();
    for more in ["", " --force"] {
        let ended = bench.run(&format!("{} --events json{more}", create("cd-dvd")));
        lines.extend(String::from_utf8(ended.stdout).unwrap().lines().map(str::to_owned));
    }
    for wrong in [r#"{"event":"done"}"#, r#"{"event":"phase","phase":"x"}"#, "[]"] {
        lines.push(wrong.to_owned());
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut python = std::process::Command::new("python3");
    python.args(["-c", JUDGE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let work = json!({ "schema": schema, "lines": lines }).to_string();
    python.stdin.take().unwrap().write_all(work.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "3");
}

/// Two drives, one of which stands on a file system that is soon full.
#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs root, loop devices and tmpfs"]
fn drives_of_which_one_fails() {
    use crate::loops::{Loop, LoopLock};

    struct Tmpfs(std::path::PathBuf);

    impl Drop for Tmpfs {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }

    let (lock, bench) = (LoopLock::take(), Bench::new());
    bench.put("big/file", vec![7; 40 << 20]);
    let small = bench.path("small");
    fs::create_dir(&small).unwrap();
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=20m", "none"]).arg(&small);
    assert!(mount.status().unwrap().success());
    let _tmpfs = Tmpfs(small.clone());
    let len = 300 << 20;
    let good = Loop::with_len(&lock, &bench.path("good"), len, 512);
    let bad = Loop::with_len(&lock, &small.join("bad"), len, 512);
    let mut line = create("usb").replace("--image-size 40MiB ", "");
    line = line.replace("--path out/capture.img", "--add big=big --allow-fixed --yes");
    for drive in [&good, &bad] {
        let diskseq = fs::read_to_string(format!("/sys/block/{}/diskseq", drive.name())).unwrap();
        let path = drive.path.display();
        line = format!("{line} --path {path} --drive-serial diskseq:{}", diskseq.trim());
    }
    let ended = bench.run(&format!("{line} --events json"));
    assert_eq!((ended.code, &*ended.stderr), (Some(7), ""));
    let told = events(&ended.stdout);
    let (good, bad) = (good.path.display().to_string(), bad.path.display().to_string());
    let drives = of(&told, "drive");
    let status: Vec<_> = drives.iter().map(|it| (&it["drive"], &it["status"])).collect();
    let both = [&good, &bad];
    let expected: Vec<(Value, Value)> =
        both.iter().map(|it| (json!(it), json!("started"))).collect();
    assert_eq!(status[..2], expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    assert_eq!(status[2..], [(&json!(good), &json!("ok")), (&json!(bad), &json!("failed"))]);
    let phases: Vec<_> = of(&told, "phase").into_iter().filter(|it| it["drive"] == good).collect();
    let phases: Vec<_> = phases.iter().map(|it| it["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["erase", "write", "verify", "finish"]);
    let named = of(&told, "progress").iter().filter(|it| it["file"] == "big/file").count();
    assert!(named > 0);
    let last = told.last().unwrap();
    assert_eq!((&last["event"], &last["exit-code"]), (&json!("failed"), &json!(7)));
    assert_eq!(last["report"]["drives"][1]["status"], "failed");
    assert!(!last["error"].as_str().unwrap().is_empty());
}
