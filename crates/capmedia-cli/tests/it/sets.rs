//! Sets of discs, as people make and read them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use extent_image::Digest;
use serde_json::json;

use crate::command::{Bench, create, names_in, slashes};
use crate::winpe::tool;

const DISCS: &str = "out/capture-1.iso out/capture-2.iso out/capture-3.iso";

/// A folder to add of 9 MiB, that discs of 6 MiB do not hold.
fn bench() -> Bench {
    let bench = Bench::new();
    for (name, megabytes) in [("a/one.bin", 3), ("a/two.bin", 1), ("b/three.bin", 5)] {
        let line = format!("{name}: not all the same\n");
        let bytes: Vec<u8> = line.bytes().cycle().take(megabytes << 20).collect();
        bench.put(name, bytes);
    }
    bench
}

fn line() -> String {
    format!("{} --media-size 6MB --add a=Apps --add b=Data", create("cd-dvd"))
}

#[test]
fn plan_create_verify_join() {
    let bench = bench();
    let plan = String::from_utf8(bench.succeed(&line().replacen("create", "plan", 1))).unwrap();
    for says in ["Volume 1 of 3:", "Volume 3 of 3:", " % full)", "CONFIGURATION_MANAGER_2"] {
        assert!(plan.contains(says), "{says} is not in {plan}");
    }
    assert!(bench.out().is_empty());
    let planned = bench.json(&format!("{} --extents --json", line().replacen("create", "plan", 1)));
    let volumes = planned["volumes"].as_array().unwrap();
    assert_eq!(volumes.len(), 3);
    for (number, volume) in (1..).zip(volumes) {
        assert_eq!((&volume["number"], &volume["capacity"]), (&json!(number), &json!(6 << 20)));
        let extents = planned["extents"].as_array().unwrap().iter();
        let mine = extents.filter(|extent| extent["volume"] == json!(number));
        let bytes: u64 = mine.map(|extent| extent["bytes"].as_u64().unwrap()).sum();
        assert_eq!(volume["bytes"], json!(bytes));
    }

    let made = String::from_utf8(bench.succeed(&format!("{} --checksum", line()))).unwrap();
    let sums = bench.out().iter().filter(|name| name.ends_with(".sha256")).count();
    assert_eq!((bench.out().len(), sums), (6, 3));
    let made = slashes(&made);
    for disc in DISCS.split(' ') {
        assert!(made.contains(&format!("Written:      {disc}")), "{made}");
    }
    assert_eq!(made.matches("SHA-256: ").count(), 3);
    let json = bench.json(&format!("{} --force --json", line()));
    assert_eq!(slashes(json["images"][2]["path"].as_str().unwrap()), "out/capture-3.iso");
    assert_eq!((&json["path"], &json["sha256"]), (&json!("out/capture.iso"), &json!(null)));

    let one = String::from_utf8(bench.succeed("verify out/capture-2.iso")).unwrap();
    assert!(one.contains("note: volume 2 of 3 of set ") && one.ends_with("no faults\n"), "{one}");
    let all = String::from_utf8(bench.succeed(&format!("verify {DISCS}"))).unwrap();
    assert!(all.contains("out/capture-3.iso (volume 3 of 3):"), "{all}");
    assert!(all.ends_with("no faults\n"), "{all}");
    assert_eq!(bench.succeed(&format!("verify --quiet {DISCS}")), b"");
    let found = bench.json(&format!("verify --json {DISCS}"));
    assert_eq!((&found["is-set"], &found["faults"]), (&json!(true), &json!([])));
    assert_eq!(found["files"][1]["volume"]["volume"], 2);

    let told = String::from_utf8(bench.succeed(&format!("join {DISCS} --to back"))).unwrap();
    assert!(told.starts_with("back: ") && told.contains("from 3 disc(s)"), "{told}");
    for (from, to) in [("a/one.bin", "Apps/one.bin"), ("b/three.bin", "Data/three.bin")] {
        let joined = fs::read(bench.path("back").join(to)).unwrap();
        assert!(fs::read(bench.path(from)).unwrap() == joined, "{to}");
    }
    let sums = fs::read_to_string(bench.path("back/SHA256SUMS")).unwrap();
    for (digest, path) in sums.lines().map(|line| line.split_once("  ").unwrap()) {
        let content = fs::read(bench.path("back").join(path)).unwrap();
        assert_eq!(Digest::of(&content).to_string(), digest, "{path}");
    }
    assert_eq!(names_in(&bench.path("back/Apps")), ["one.bin", "two.bin"]);

    let here = bench.path("here");
    fs::create_dir(&here).unwrap();
    let discs = DISCS.split(' ').map(|disc| bench.path(disc));
    let mut command = bench.command(["join", "--to", "."]);
    let ended = command.args(discs).current_dir(&here).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(names_in(&here), names_in(&bench.path("back")));
}

#[test]
fn what_is_wrong_has_its_exit_code() {
    let bench = bench();
    let refused = |line: &str, code: i32, says: &[&str]| {
        let ended = bench.run(line);
        assert_eq!(ended.code, Some(code), "{line}: {}", ended.stderr);
        let text = ended.stderr + &String::from_utf8(ended.stdout).unwrap();
        for says in says {
            assert!(text.contains(says), "{says}\nis not in\n{text}");
        }
    };
    let to_pipe = line().replace("out/capture.iso", "-");
    refused(&to_pipe, 2, &["the media takes 3 discs", "give --path a file"]);
    let small = line().replace("6MB", "5MB");
    let says = [r"\Data\three.bin has 5242880 bytes", "would do is 6MB", "--split-files"];
    refused(&small, 2, &says);
    let tiny = line().replace("6MB", "1MB");
    refused(&tiny, 2, &["the first disc holds the boot files", "and the media size has 512"]);
    let unlimited = format!("{} --split-files", create("cd-dvd"));
    refused(&unlimited, 2, &["--split-files", "limit the discs with --media-size"]);
    assert!(bench.out().is_empty());

    bench.succeed(&line());
    refused(&line(), 5, &["capture-1.iso exists already", "--force"]);
    let two = "out/capture-1.iso out/capture-3.iso";
    refused(&format!("verify {two}"), 6, &["fault: volume 2 of 3 is missing", "1 fault(s)"]);
    refused(&format!("join {two} --to back"), 3, &["volume 2 of 3 is missing"]);
    refused(&format!("verify {DISCS} out/capture-1.iso"), 6, &["all are volume 1 of 3"]);
    bench.succeed(&line().replace("capture.iso", "other.iso").replacen(
        "create",
        "create --label X",
        1,
    ));
    let foreign = DISCS.replace("capture-2", "other-2");
    refused(&format!("verify {foreign}"), 6, &["other-2.iso: is volume 2 of 3 of another set"]);
    refused(&format!("join {foreign} --to back"), 3, &["of another set"]);
    refused(&format!("verify {DISCS} boot.wim"), 6, &["boot.wim: has no media.json"]);
    refused(&format!("join {DISCS} --to a"), 5, &["a is not empty; give a new or an empty folder"]);
    refused(&format!("join {DISCS}"), 2, &["--to"]);
    let says =
        ["cannot verify none.iso", "out/capture-3.iso (volume 3 of 3):", "no faults in what"];
    refused(&format!("verify none.iso {DISCS}"), 3, &says);
    bench.put("short.iso", "");
    let says = ["short.iso:\nfault: neither an ISO", "out/capture-3.iso (volume 3 of 3):"];
    refused(&format!("verify short.iso {DISCS}"), 6, &says);
    fs::write(
        bench.path("cut.iso"),
        &fs::read(bench.path("out/capture-2.iso")).unwrap()[..1 << 20],
    )
    .unwrap();
    refused(&format!("verify {}", DISCS.replace("out/capture-2.iso", "cut.iso")), 6, &["cut.iso"]);
    refused(&format!("join {} --to back", DISCS.replace("out/capture-2.iso", "cut.iso")), 3, &[]);
    assert!(!names_in(&bench.path("")).iter().any(|name| name.contains("back")));
}

#[test]
fn names_on_a_disc_make_no_lines_of_their_own() {
    let bench = bench();
    bench.succeed(&line());
    let disc = bench.path("out/capture-2.iso");
    let mut bytes = fs::read(&disc).unwrap();
    let id = bytes.windows(11).position(|at| at == b"\"set-id\": \"").unwrap() + 11;
    bytes[id..id + 13].copy_from_slice(br"\nno faults\n");
    // The label in the primary descriptor.
    bytes[16 * 2048 + 40..][..9].copy_from_slice(b"A\nforged!");
    fs::write(&disc, bytes).unwrap();
    for line in ["verify out/capture-2.iso".to_owned(), format!("verify {DISCS}")] {
        let ended = bench.run(&line);
        let text = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.code, Some(6), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("no faults")), "{text}");
        assert!(text.contains(r"\u{a}no faults\u{a}"), "{text}");
    }
    let text = String::from_utf8(bench.run("inspect out/capture-2.iso").stdout).unwrap();
    assert!(text.contains(r"Label: A\u{a}forged!"), "{text}");
    let ended = bench.run(&format!("join {DISCS} --to back"));
    assert_eq!(ended.code, Some(3));
    assert!(!ended.stderr.lines().any(|line| line.starts_with("no faults")), "{}", ended.stderr);
}

#[test]
#[ignore = "needs xorriso, isoinfo, 7z and sha256sum"]
fn other_readers_read_each_disc_of_a_set() {
    let bench = bench();
    let line = line().replace("6MB", "5MB");
    let made = bench.run(&format!("{line} --split-files"));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let run = |line: &str| {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        tool(command.args(words).current_dir(bench.path("")))
    };
    let discs: Vec<String> = bench.out();
    assert!(discs.len() > 3);
    let mut unpacked: Vec<PathBuf> = Vec::new();
    for (number, disc) in (1..).zip(&discs) {
        let told = run(&format!("7z t -tudf out/{disc}"));
        assert!(told.contains("Everything is Ok"), "{told}");
        let told = run(&format!("isoinfo -d -i out/{disc}"));
        for says in [
            format!("Volume id: CONFIGURATION_MANAGER_{number}"),
            format!("Volume set size is: {}", discs.len()),
            format!("Volume set sequence number is: {number}"),
        ] {
            assert!(told.contains(&says), "{says} is not in {told}");
        }
        let told = run(&format!("xorriso -indev out/{disc} -check_media --"));
        assert!(!told.contains("FAILURE") && !told.contains("SORRY"), "{told}");
        run(&format!("xorriso -osirrox on -indev out/{disc} -extract / disc{number}"));
        let folder = bench.path(&format!("disc{number}"));
        let checked = tool(
            Command::new("sha256sum").args(["-c", "--strict", "SHA256SUMS"]).current_dir(&folder),
        );
        assert!(!checked.contains("FAILED"), "{checked}");
        unpacked.push(folder);
    }
    // The parts, one behind the other, without us.
    let mut whole = Vec::new();
    for number in 1.. {
        let name = format!("Data/three.bin.{number:03}");
        let Some(part) = unpacked.iter().find_map(|disc| fs::read(disc.join(&name)).ok()) else {
            break;
        };
        whole.extend(part);
    }
    assert!(whole == fs::read(bench.path("b/three.bin")).unwrap());
}
