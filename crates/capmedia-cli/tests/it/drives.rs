//! Drives as far as no drive is needed: what is listed, what is refused, and that consent has no
//! other way in than the command line.

#[cfg(target_os = "linux")]
use std::fs;

use crate::command::{Bench, json};

const CREATE: &str = "create --boot-image boot.wim --media-type usb";

#[test]
#[cfg(target_os = "linux")]
fn drives_are_listed() {
    let bench = Bench::new();
    let told = bench.json("drives --json");
    let all = bench.json("drives --json --all");
    let count = |told: &serde_json::Value| told["drives"].as_array().unwrap().len();
    assert_eq!(count(&told) as u64 + told["others"].as_u64().unwrap(), count(&all) as u64);
    assert_eq!(all["others"], 0);
    let removable = |drive: &&serde_json::Value| drive["removable"] == true;
    assert_eq!(all["drives"].as_array().unwrap().iter().filter(removable).count(), count(&told));
    // Whatever there is, something is said.
    assert!(!bench.succeed("drives").is_empty());
}

#[test]
fn consent_options_are_for_drives() {
    let bench = Bench::new();
    for option in ["--yes", "--drive-serial=4C53", "--allow-fixed", "--unmount"] {
        let ended = bench.run(&format!("{CREATE} --path out/a.img {option}"));
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{option}");
        let option = option.split('=').next().unwrap();
        let said = format!("error: {option} is about writing drives, and --path names none");
        assert!(ended.stderr.starts_with(&said), "{}", ended.stderr);
    }
    for option in ["--yes", "--drive-serial=4C53"] {
        let ended = bench.run(&format!("{CREATE} --path out/a.img --no-format {option}"));
        assert_eq!(ended.code, Some(2), "{option}");
        assert!(ended.stderr.contains("--no-format erases none"), "{}", ended.stderr);
    }
    assert!(bench.out().is_empty());
    let ended = bench.run(&format!("{CREATE} --path out/a.img --yes --json"));
    assert_eq!(
        (ended.code, json(ended.stderr.as_bytes())["exit-code"].as_u64()),
        (Some(2), Some(2))
    );
}

/// A line of `create` is planned by another verb alone.
#[test]
fn consent_changes_no_plan() {
    let bench = Bench::new();
    let line = CREATE.replacen("create", "plan", 1);
    let plan = bench.run(&format!("{line} --path out/a.img"));
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    let options = "--yes --drive-serial 4C53 --drive-serial diskseq:7 --allow-fixed --unmount";
    let same = bench.run(&format!("{line} --path out/a.img {options}"));
    assert_eq!((same.code, same.stdout), (plan.code, plan.stdout), "{}", same.stderr);
}

/// A file that is written once and used for years says nothing about what is `sdb` today.
#[test]
fn a_request_file_gives_no_consent() {
    let bench = Bench::new();
    for key in ["yes = true", "drive-serial = ['4C53']", "allow-fixed = true", "unmount = true"] {
        let text = format!("version = 1\nboot-image = 'boot.wim'\nmedia-type = 'usb'\n{key}\n");
        bench.put("media.toml", text);
        let ended = bench.run("create --request media.toml --path out/a.img");
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{key}");
        let name = key.split(' ').next().unwrap();
        let said = format!("{name} is no key of a request file");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
    assert!(bench.out().is_empty());
}

#[test]
fn folders_are_no_drives() {
    let bench = Bench::new();
    let ended = bench.run(&format!("{CREATE} --path out"));
    assert_eq!((ended.code, ended.stdout.len()), (Some(5), 0), "{}", ended.stderr);
    assert!(ended.stderr.contains("out is a folder"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--no-format"), "{}", ended.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_no_drive_is_not_written() {
    let bench = Bench::new();
    // Were it taken for an image file, it would be made in memory, and nobody would miss the stick.
    for (path, code, said) in [
        ("/dev/capmedia-missing", 5, "there is no /dev/capmedia-missing"),
        ("/dev/zero", 2, "is a character device"),
    ] {
        let ended = bench.run(&format!("{CREATE} --path {path}"));
        assert_eq!((ended.code, ended.stdout.len()), (Some(code), 0), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    for (path, code, said) in [
        ("/dev/capmedia-missing", 5, "cannot open /dev/capmedia-missing; --no-format needs"),
        ("/dev/zero", 2, "/dev/zero is neither a drive, nor an image file, nor the folder"),
    ] {
        let ended = bench.run(&format!("{CREATE} --no-format --path {path}"));
        assert_eq!((ended.code, ended.stdout.len()), (Some(code), 0), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    assert!(!fs::exists("/dev/capmedia-missing").unwrap());
}
