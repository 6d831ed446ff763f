//! Keys that the wizard must not take for an answer, and Ctrl-Z where somebody can continue it and where
//! nobody can.

use std::process::Command;

use crate::command::Bench;
use crate::terminal::{CTRL_C, CTRL_Z, ENTER, Terminal};
use crate::walks::Reply::{Accept, Choose};
use crate::walks::Walk;
use crate::wizard::{DISC, DISC_TOML, REST, SUMMARY};

const CTRL_U: &str = "\x15";

/// A shell that is the leader of the session. `$0` is the program.
fn shell(bench: &Bench, options: &[&str]) -> Walk {
    let program = bench.command(["x"]);
    let mut command = Command::new("/bin/sh");
    command.args(options).arg(program.get_program()).current_dir(bench.path("."));
    command.env("PS1", "ready ").env_remove("ENV");
    Walk { terminal: Terminal::start(&command) }
}

/// A shell without job control: nobody continues what Ctrl-Z has stopped.
#[test]
fn ctrl_z_where_nobody_continues() {
    let bench = Bench::new();
    let mut walk = shell(&bench, &["-c", "\"$0\" wizard; echo left with $?"]);
    for (question, reply) in &DISC[..6] {
        walk.asked(question);
        walk.terminal.keys(CTRL_Z);
        walk.reply(question, *reply);
    }
    walk.asked(DISC[6].0);
    walk.terminal.keys(CTRL_C);
    let left = walk.end();
    assert!(left.shown.contains("left with 130"), "{}", left.shown);
}

#[test]
fn letters_with_ctrl_are_no_answer() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..4]);
    walk.asked("Media file");
    walk.terminal.keys(&"x".repeat(200));
    walk.terminal.keys(CTRL_U);
    // Ctrl-K, Ctrl-D, Ctrl-A and Alt-X.
    walk.terminal.keys("capture.iso\x0b\x04\x01out/\x1bx");
    walk.terminal.keys(ENTER);
    walk.asked("Media label");
    assert!(walk.terminal.screen().contains("> Media file: out/capture.iso\n"));
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

#[test]
fn enter_at_the_summary_makes_nothing() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    walk.walk(DISC);
    walk.reply(SUMMARY, Accept);
    walk.terminal.wait_for("capmedia create --");
    walk.asked(SUMMARY);
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
    assert_eq!(bench.out(), [""; 0]);
}

/// What is typed while the media is written is not shown, answers nothing, and no shell gets it; the
/// terminal is then as it was.
#[test]
fn keys_while_it_writes() {
    let bench = Bench::new();
    let large = std::fs::File::create(bench.path("large.bin")).unwrap();
    large.set_len(192 << 20).unwrap();
    bench.put("large.toml", format!("{DISC_TOML}add = [\"large.bin=large.bin\"]\n"));
    let script = "\"$0\" wizard --request large.toml; stty -a; echo the end";
    let mut walk = shell(&bench, &["-c", script]);
    walk.walk(&[
        ("Select the type of media:", Accept),
        ("Media type:", Accept),
        ("Media size:", Accept),
        ("Cut a file", Accept),
    ]);
    walk.walk(&DISC[4..8]);
    walk.walk(REST);
    walk.reply(SUMMARY, Choose("Create the media"));
    walk.terminal.wait_for("Writing");
    walk.terminal.keys("meaningless\r\r");
    walk.asked("Read the image");
    walk.terminal.keys(CTRL_C);
    let shown = walk.end().shown;
    assert!(!shown.contains("meaningless"), "{shown}");
    let is_on = |mode| shown.split(|c: char| c.is_whitespace() || c == ';').any(|it| it == mode);
    assert!(is_on("icanon") && is_on("echo") && is_on("isig"), "{shown}");
    assert!(shown.contains("the end"), "{shown}");
}
