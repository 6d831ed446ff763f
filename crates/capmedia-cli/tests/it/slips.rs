//! Slips on the command line and in request files: nothing is lost by them, no password is repeated,
//! and programs are told in JSON.

use std::fs;

use serde_json::Value;

use crate::command::{Bench, create, json};

/// What `lspci -nn` prints of a device that needs no driver here.
const DEVICES: &str = "00:1f.3 Audio device [0403]: Intel Corporation [8086:a348]\n";

#[test]
fn an_image_replaces_no_list_of_devices_and_no_request_file() {
    let bench = Bench::new();
    bench.put("hw.txt", DEVICES);
    let here = |name: &str| bench.path(name).display().to_string();
    let base = "create --boot-image boot.wim --media-type cd-dvd --force";
    let mut lines = vec![
        format!("{base} --hwids hw.txt --path {}", here("hw.txt")),
        format!("{base} --hwids {} --path ./hw.txt", here("hw.txt")),
    ];
    let text = "version = 1\nboot-image = 'boot.wim'\nmedia-type = 'cd-dvd'\npath = 'self.toml'\nforce = true\n";
    bench.put("self.toml", text);
    lines.push("create --request self.toml".to_owned());
    lines.push(format!("create --request {}", here("self.toml")));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(bench.path("hw.txt"), bench.path("out/link")).unwrap();
        lines.push(format!("{base} --hwids hw.txt --path out/link"));
        lines.push(format!("{base} --hwids out/link --path hw.txt"));
    }
    for line in lines {
        let ended = bench.run(&line);
        assert_eq!(ended.code, Some(2), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains("that the media is made of"), "{line}: {}", ended.stderr);
    }
    #[cfg(unix)]
    for file in ["-", "/dev/stdin"] {
        let mut command = bench.command(["create", "--request", file]);
        command.stdin(fs::File::open(bench.path("self.toml")).unwrap());
        let ended = crate::command::ended(&mut command);
        assert_eq!(ended.code, Some(2), "{file}: {}", ended.stderr);
        assert!(ended.stderr.contains("that the media is made of"), "{file}: {}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(bench.path("hw.txt")).unwrap(), DEVICES);
    assert_eq!(fs::read_to_string(bench.path("self.toml")).unwrap(), text);
}

/// Their folder is the current one: what `/dev` or `/proc` calls them says nothing.
#[cfg(unix)]
#[test]
fn piped_request_files_start_from_the_current_folder() {
    let bench = Bench::new();
    let text = "version = 1\nboot-image = 'boot.wim'\nmedia-type = 'usb'\npath = 'a.img'\n";
    let file = bench.put("sub/media.toml", text);
    let expected = text.replace('\'', "\"");
    let print = ["plan", "--print-request", "--request"];
    for name in ["-", "/dev/stdin", "/dev/fd/0"] {
        let mut command = bench.command(print.iter().chain([&name]));
        command.stdin(fs::File::open(&file).unwrap());
        let ended = crate::command::ended(&mut command);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{name}");
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), expected, "{name}");
    }
    let script = format!(
        "cat {} | {} plan --print-request --request /dev/stdin",
        file.display(),
        env!("CARGO_BIN_EXE_capmedia")
    );
    let mut shell = std::process::Command::new("sh");
    let ended = crate::command::ended(shell.args(["-c", &script]));
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), expected);
    let relative = bench.succeed("plan --print-request --request sub/media.toml");
    assert!(String::from_utf8(relative).unwrap().contains("sub/boot.wim"));
}

#[cfg(unix)]
#[test]
fn a_list_of_devices_is_a_file() {
    let bench = Bench::new();
    let fifo = bench.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Nobody writes to it: to open it would take for ever.
    let ended = bench.run("plan --boot-image boot.wim --media-type usb --path a --hwids fifo");
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("no regular file; save the list as one"), "{}", ended.stderr);
}

#[test]
fn values_that_are_no_words_or_numbers_are_told_with_the_others() {
    let bench = Bench::new();
    let line = "create --boot-index x --label ü --force=maybe --path= --media-type usb";
    let ended = bench.run(&format!("{line} --json"));
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
    let told: Value = serde_json::from_str(&ended.stderr).unwrap();
    let problems = told["problems"].as_array().unwrap();
    let options: Vec<&str> =
        problems.iter().map(|problem| problem["option"].as_str().unwrap()).collect();
    assert_eq!(options, ["boot-index", "force", "boot-image", "path", "label"]);
    let ended = bench.run(&format!("{line} --boot-image boot.wim"));
    let x = "--boot-index: x stands where a whole number from 1 to 4294967295 is due";
    assert!(ended.stderr.contains(x), "{}", ended.stderr);
    let maybe = "--force: maybe stands where true or false is due";
    assert!(ended.stderr.contains(maybe), "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_told_in_json_too() {
    let bench = Bench::new();
    for (line, says) in [
        ("create --json --pth x", "unexpected argument '--pth' found"),
        ("plan --label --json", "a value is required for '--label <TEXT>'"),
        ("inspect --json", "the following required arguments were not provided: <FILE>"),
        (
            "plan --json --label a --label b",
            "the argument '--label <TEXT>' cannot be used multiple times",
        ),
    ] {
        let ended = bench.run(line);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{line}");
        let told = json(ended.stderr.as_bytes());
        assert_eq!(told["exit-code"], 2);
        let error = told["error"].as_str().unwrap();
        assert!(error.starts_with(says) && !error.contains("Usage"), "{line}: {error}");
    }
    let ended = bench.run("create --pth x");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.starts_with("error: unexpected argument '--pth' found"));
    assert!(ended.stderr.contains("Usage: "));
    let ended = bench.run("--version --json");
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}

#[test]
fn no_password_is_repeated() {
    let bench = Bench::new();
    bench.put(
        "media.toml",
        "version = 1\nstore-password = 'hunter2'\ncapture-password-file = ['hunter2']\n",
    );
    for line in [
        "create --request media.toml",
        "create --store-password=hunter2",
        "create --store-password hunter2",
        "create --capture-password hunter2",
        "create --capture-password=hunter2",
        "create --capture-password-file=a --capture-password-file=hunter2",
    ] {
        for line in [line.to_owned(), format!("{line} --json")] {
            let ended = bench.run(&line);
            assert_eq!(ended.code, Some(2), "{line}");
            assert!(!ended.stderr.contains("hunter2"), "{line}: {}", ended.stderr);
        }
    }
}

#[test]
fn that_a_password_stands_on_the_media_is_said_even_to_the_quiet() {
    let bench = Bench::new();
    bench.put("password", "Corr3ct\n");
    let create = format!(
        "{} --quiet --capture-account LAB\\capture --capture-password-file password --store-password",
        create("cd-dvd")
    );
    for line in [create.replacen("create", "plan", 1), create] {
        let ended = bench.run(&line);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{}", ended.stderr);
        assert!(lines[0].starts_with("warning: a PASSWORD stands in"), "{}", ended.stderr);
    }
}

#[test]
fn a_destination_on_a_drive_is_told() {
    let bench = Bench::new();
    let plan = "plan --boot-image boot.wim --media-type usb --path a --capture-destination";
    let warning = "on a drive of the reference computer itself";
    for (destination, is_told) in
        [(r"D:\image.wim", true), (r"\\server\share\a.wim", false), ("%SHARE%\\a.wim", false)]
    {
        let ended = bench.run(&format!("{plan} {destination}"));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.stderr.contains(warning), is_told, "{destination}: {}", ended.stderr);
    }
}

/// Who knows the cmdlet, or Windows' own programs, is told our words; the way out is read last.
#[test]
fn words_of_other_programs_are_understood() {
    let bench = Bench::new();
    for (line, says, tips) in [
        (
            "create -BootImage boot.wim -MediaType CdDvd -Path a.iso",
            "'-BootImage' found",
            &["--boot-image", "--media-type (cd-dvd, usb, hybrid)", "--path"][..],
        ),
        ("create --bootimage boot.wim", "'--bootimage' found", &["--boot-image"]),
        ("create /?", "'/?' found", &["--help"]),
        ("/?", "'/?'", &["capmedia --help"]),
        ("New-CMCaptureMedia -Path x", "'New-CMCaptureMedia'", &["capmedia create"]),
        ("creat", "'creat'", &["'create'"]),
        ("--boot-image boot.wim", "'--boot-image' found", &["capmedia create --boot-image"]),
        ("content lst", "'lst'", &["'list'"]),
        ("create /password:hunter2", "'/password' found", &["--password-file"]),
        ("create -Password hunter2", "'-Password' found", &["--password-file"]),
    ] {
        let ended = bench.run(line);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{line}");
        let told: Vec<&str> = ended.stderr.lines().collect();
        assert!(told[0].contains(says), "{line}: {}", ended.stderr);
        let last = &told[told.len() - tips.len()..];
        for (tip, last) in tips.iter().zip(last) {
            assert!(last.starts_with("  tip: ") && last.contains(tip), "{line}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("hunter2"), "{line}: {}", ended.stderr);
    }
    let ended = bench.run("plan --boot-image boot.wim --media-type CdDvd --path a.iso");
    let way_out = "give one of cd-dvd, usb, hybrid; cd-dvd is nearest\n";
    assert!(ended.stderr.ends_with(way_out), "{}", ended.stderr);
    // Usage that was put together for another option than the one that is meant.
    let ended = bench.run("create --iso a.iso");
    let told = "error: unexpected argument '--iso' found\n\n  tip: here --iso is called --path\n";
    assert_eq!(ended.stderr, told);
    for line in ["inspect /?", "verify /?", "join /? --to x"] {
        let ended = bench.run(line);
        assert_eq!(ended.code, Some(2), "{line}");
        assert!(ended.stderr.contains("for help write --help"), "{line}: {}", ended.stderr);
    }
}

#[test]
fn help_has_verbs_and_topics() {
    let bench = Bench::new();
    let text = |line: &str| String::from_utf8(bench.succeed(line)).unwrap();
    assert_eq!(text("help"), text("--help"));
    assert_eq!(text("help content fetch"), text("content fetch --help"));
    assert!(text("--help").contains("media-sizes"));
    assert!(text("help media-sizes").contains("4,171,712 sectors"));
    for (line, last) in [
        ("help boot", "try: capmedia help boot-managers"),
        ("help mediasize", "try: capmedia help media-sizes"),
        ("help content ftch", "try: capmedia help content fetch"),
        ("help xyzzy", "try one of these: capmedia help ..."),
    ] {
        let ended = bench.run(line);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{line}");
        assert!(ended.stderr.trim_end().ends_with(last), "{line}: {}", ended.stderr);
    }
}
