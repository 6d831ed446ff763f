//! What a terminal shows while a run goes on.

use std::fs::{self, File};
use std::process::Command;

use crate::command::{Bench, create};
use crate::pty::Session;

const COLUMNS: usize = 80;

/// Gigabytes that take no room.
fn bench() -> Bench {
    let bench = Bench::new();
    fs::create_dir(bench.path("big")).unwrap();
    for less in 1..4 {
        let file = File::create(bench.path(&format!("big/{less}"))).unwrap();
        file.set_len((1 << 32) - less).unwrap();
    }
    bench
}

/// What stood in the lines of a terminal, whatever was drawn over it later.
fn rows(shown: &str) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut chars = shown.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                assert_eq!(chars.next(), Some('['), "{shown:?}");
                let _ = chars.find(char::is_ascii_alphabetic);
                rows.push(String::new());
            }
            '\r' | '\n' => rows.push(String::new()),
            c => rows.last_mut().unwrap().push(c),
        }
    }
    // Lines are filled with spaces, and the next begins behind the last column.
    let rows = rows.iter().flat_map(|row| {
        let chars: Vec<char> = row.chars().collect();
        let rows = chars.chunks(COLUMNS).map(|row| row.iter().collect::<String>());
        rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>()
    });
    rows.filter(|row| !row.is_empty()).collect()
}

/// Runs until the terminal has shown `text`, and ends the run.
fn shown(bench: &Bench, more: &str, term: &str, text: &str) -> String {
    let line = format!("{} --add big=big {more}", create("cd-dvd"));
    let mut command = bench.command(line.split_whitespace());
    command.env("TERM", term).env("NO_COLOR", "1");
    let mut session = Session::start(&mut command);
    session.wait_for(text);
    let mut kill = Command::new("kill");
    assert!(kill.args(["-INT", &session.id().to_string()]).status().unwrap().success());
    let (code, shown) = session.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(bench.out().is_empty());
    shown
}

#[test]
fn a_bar_has_phase_share_rate_time_and_file_in_eighty_columns() {
    let bench = bench();
    let shown = shown(&bench, "", "xterm", " left");
    let rows = rows(&shown);
    assert!(rows.iter().all(|row| row.chars().count() < COLUMNS), "{rows:#?}");
    let full = rows.iter().find(|row| row.contains(" left")).unwrap();
    for part in ["Writing [", "] ", " % ", "/12.0 GiB ", "/s "] {
        assert!(full.contains(part), "{full}");
    }
    assert!(rows.iter().any(|row| row.starts_with("  big/") && row.ends_with(" %")), "{rows:#?}");
    // No colours.
    assert!(!shown.contains("\u{1b}[3") && !shown.contains("\u{1b}[1m"), "{shown:?}");
}

#[test]
fn a_terminal_that_cannot_draw_gets_sentences() {
    let bench = Bench::new();
    bench.put("big/1", vec![7; 60 << 20]);
    let line = format!("{} --add big=big", create("cd-dvd"));
    let mut command = bench.command(line.split_whitespace());
    let (code, shown) = Session::start(command.env("TERM", "dumb")).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains("Writing: 50 %, ") && shown.contains(", big/1"), "{shown}");
    assert!(shown.lines().filter(|line| line.starts_with("Writing: ")).count() <= 11, "{shown}");
}

#[test]
fn quiet_and_events_show_nothing() {
    let bench = Bench::new();
    for more in ["--quiet", "--events json"] {
        let line = format!("{} --force {more}", create("cd-dvd"));
        let mut command = bench.command(line.split_whitespace());
        let (code, shown) = Session::start(command.env("TERM", "xterm")).end();
        assert_eq!((code, &*shown), (Some(0), ""));
    }
}
