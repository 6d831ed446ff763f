//! Completions in real shells, and manual pages under the eyes of mandoc and groff.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Bench, Ended, ended, names_in};

/// Writes the script for a shell into the bench's folder.
fn script(bench: &Bench, shell: &str, name: &str) -> PathBuf {
    bench.put(name, bench.succeed(&format!("completions {shell}")))
}

/// What bash offers behind these words, of which the last is being typed.
#[cfg(unix)]
fn bash(bench: &Bench, words: &[&str]) -> Vec<String> {
    let script = script(bench, "bash", "capmedia.bash");
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let run = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; COMPREPLY=(); compopt() {{ :; }}; \
         _capmedia capmedia '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        quoted.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let mut command = Command::new("bash");
    let ended = in_folder(bench, command.args(["--norc", "--noprofile", "-c", &run]));
    lines(&ended)
}

fn in_folder(bench: &Bench, command: &mut Command) -> Ended {
    let ended = ended(command.current_dir(bench.path("")).stdin(Stdio::null()));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{command:?}");
    ended
}

fn lines(ended: &Ended) -> Vec<String> {
    let text = String::from_utf8(ended.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

#[cfg(unix)]
#[test]
fn bash_completes_verbs_options_and_values() {
    let bench = Bench::new();
    assert_eq!(bash(&bench, &["capmedia", "cr"]), ["create"]);
    assert_eq!(bash(&bench, &["capmedia", "content", "fe"]), ["fetch"]);
    assert_eq!(bash(&bench, &["capmedia", "create", "--media-s"]), ["--media-size"]);
    let of = |option: &str| bash(&bench, &["capmedia", "create", option, ""]);
    assert_eq!(of("--media-type"), ["cd-dvd", "usb", "hybrid"]);
    assert_eq!(of("--media-size"), ["650MB", "4GB", "8GB", "unlimited"]);
    assert_eq!(of("--boot-manager"), ["auto", "2011", "2023"]);
    // A file; and behind a switch the next option.
    assert_eq!(bash(&bench, &["capmedia", "create", "--boot-image", "bo"]), ["boot.wim"]);
    assert_eq!(bash(&bench, &["capmedia", "create", "--force", "--media-t"]), ["--media-type"]);
    let topics = bash(&bench, &["capmedia", "help", "me"]);
    assert_eq!(topics, ["media-sizes"]);
    let shells = bash(&bench, &["capmedia", "completions", "p"]);
    assert_eq!(shells, ["powershell"]);
}

#[test]
#[ignore = "needs fish"]
fn fish_completes_values() {
    let bench = Bench::new();
    let script = script(&bench, "fish", "capmedia.fish");
    let of = |line: &str| {
        let run = format!("source {}; complete --do-complete '{line}'", script.display());
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", &run]).env("HOME", bench.path(""));
        let ended = in_folder(&bench, &mut fish);
        // What it is stands behind a tab.
        let words = lines(&ended);
        words.iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("capmedia creat"), ["create"]);
    let mut kinds = of("capmedia create --media-type ");
    kinds.sort();
    assert_eq!(kinds, ["cd-dvd", "hybrid", "usb"]);
    assert_eq!(of("capmedia create --media-size 4"), ["4GB"]);
    assert_eq!(of("capmedia create --boot-image boo"), ["boot.wim"]);
    assert_eq!(of("capmedia help exit"), ["exit-codes"]);
}

/// zsh completes only where somebody types: a terminal of its own, as `zpty` gives one.
#[test]
#[ignore = "needs zsh"]
fn zsh_completes_values() {
    let bench = Bench::new();
    script(&bench, "zsh", "functions/_capmedia");
    bench.put("zpty.zsh", include_str!("zpty.zsh"));
    let of = |line: &str| {
        let mut zsh = Command::new("zsh");
        zsh.args(["-f", "zpty.zsh", "functions", line]).env("HOME", bench.path(""));
        lines(&in_folder(&bench, &mut zsh))
    };
    assert_eq!(of("capmedia creat"), ["create"]);
    assert_eq!(of("capmedia create --media-type "), ["cd-dvd", "hybrid", "usb"]);
    assert_eq!(of("capmedia create --media-size 4"), ["4GB"]);
    assert_eq!(of("capmedia help exit"), ["exit-codes"]);
}

#[test]
fn powershell_gets_a_script() {
    let text = String::from_utf8(Bench::new().succeed("completions powershell")).unwrap();
    assert!(text.contains("Register-ArgumentCompleter") && text.contains("--media-size"));
}

#[test]
fn manual_pages_are_the_same_twice() {
    let bench = Bench::new();
    let said = String::from_utf8(bench.succeed("man pages")).unwrap();
    let pages = names_in(&bench.path("pages"));
    assert_eq!(said, format!("pages: {} manual pages\n", pages.len()));
    bench.succeed("man again");
    for page in &pages {
        let read = |folder: &str| fs::read(bench.path(folder).join(page)).unwrap();
        assert_eq!(read("pages"), read("again"), "{page}");
    }
    // A folder that cannot be made.
    let ended = bench.run("man boot.wim/x");
    assert_eq!(ended.code, Some(5));
    assert!(ended.stderr.contains("cannot make the folder boot.wim"), "{}", ended.stderr);
}

#[test]
#[ignore = "needs mandoc and groff"]
fn manual_pages_are_clean() {
    let bench = Bench::new();
    let mut command = bench.command(["man", "pages"]);
    let ended = ended(command.env("SOURCE_DATE_EPOCH", "1700000000"));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    for page in names_in(&bench.path("pages")) {
        let path = Path::new("pages").join(&page);
        let mut mandoc = Command::new("mandoc");
        let found = in_folder(&bench, mandoc.args(["-T", "lint", "-W", "warning"]).arg(&path));
        assert_eq!(lines(&found), [""; 0], "{page}");
        let mut groff = Command::new("groff");
        in_folder(&bench, groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path));
    }
}
