//! Keys that the wizard must not take for an answer, and Ctrl-Z where somebody can continue it and where
//! nobody can.

use std::process::Command;

use crate::command::Bench;
use crate::terminal::{BACKSPACE, CTRL_C, CTRL_Z, ENTER, Terminal};
use crate::walks::Reply::{Accept, Choose, Type};
use crate::walks::Walk;
use crate::wizard::{DISC, DISC_TOML, REST, SUMMARY};

const CTRL_U: &str = "\x15";

/// A shell that is the leader of the session. `$capmedia` is the program.
fn shell(bench: &Bench, options: &[&str]) -> Walk {
    let program = bench.command(["x"]);
    let mut command = Command::new("/bin/sh");
    command.args(options).current_dir(bench.path(".")).env("capmedia", program.get_program());
    command.env("PS1", "ready ").env_remove("ENV");
    Walk { terminal: Terminal::start(&command) }
}

/// A shell without job control: nobody continues what Ctrl-Z has stopped.
#[test]
fn ctrl_z_where_nobody_continues() {
    let bench = Bench::new();
    let mut walk = shell(&bench, &["-c", "\"$capmedia\" wizard; echo left with $?"]);
    for (question, reply) in &DISC[..6] {
        walk.asked(question);
        let before = walk.terminal.bytes().len();
        walk.terminal.keys(CTRL_Z);
        // Keys in between may be thrown away.
        walk.terminal.wait_for_after(before, "Ctrl-C: cancel]");
        walk.reply(question, *reply);
    }
    walk.asked(DISC[6].0);
    walk.terminal.keys(CTRL_C);
    let left = walk.end();
    assert!(left.shown.contains("left with 130"), "{}", left.shown);
}

/// A shell with job control: what the question drew is gone while it waits, and `fg` draws it again, with
/// what was typed so far. Continued in the background, it stops again.
#[test]
fn ctrl_z_where_a_shell_continues() {
    let bench = Bench::new();
    let mut walk = shell(&bench, &["-im"]);
    walk.terminal.wait_for("ready");
    walk.terminal.keys("\"$capmedia\" wizard\r");
    // Every question of every page.
    for (question, reply) in DISC {
        walk.asked(question);
        stop(&mut walk);
        assert!(!walk.terminal.screen().contains("Ctrl-C: cancel]"), "{}", walk.terminal.screen());
        walk.terminal.keys("clear; fg\r");
        walk.asked(question);
        if *question == "Media file" {
            half_typed(&mut walk);
        }
        walk.reply(question, *reply);
    }
    walk.asked(SUMMARY);
    stop(&mut walk);
    walk.terminal.keys("clear; fg; echo left with $?\r");
    walk.asked(SUMMARY);
    walk.terminal.keys(CTRL_C);
    walk.terminal.wait_for("left with 130");
    assert_eq!(bench.out(), [""; 0]);
}

/// What was typed is there again, and the terminal was meanwhile as it was before.
#[track_caller]
fn half_typed(walk: &mut Walk) {
    walk.terminal.keys("half");
    // Ctrl-Z throws away keys that nobody has read.
    walk.asked("Media file: half");
    stop(walk);
    walk.terminal.keys("clear; stty -a\r");
    walk.terminal.wait_for_words("isig icanon");
    walk.terminal.keys("bg; clear; fg\r");
    walk.asked("Media file: half");
}

/// A shell continues what it is to end, behind itself, where whoever takes the terminal is stopped.
#[test]
fn what_is_stopped_can_be_ended() {
    let bench = Bench::new();
    let mut walk = shell(&bench, &["-im"]);
    walk.terminal.wait_for("ready");
    walk.terminal.keys("\"$capmedia\" wizard\r");
    walk.asked(DISC[0].0);
    stop(&mut walk);
    walk.terminal.keys("clear; kill %1; kill -CONT %1\r");
    walk.terminal.wait_for("cancelled; nothing was changed");
    walk.terminal.keys("clear; stty -a\r");
    walk.terminal.wait_for_words("isig icanon");
}

/// Presses Ctrl-Z and waits until the shell has the terminal.
#[track_caller]
fn stop(walk: &mut Walk) {
    walk.terminal.keys(CTRL_Z);
    walk.terminal.wait_until("the shell", |screen| {
        let last = screen.lines().last();
        screen.contains("Stopped") && last.is_some_and(|line| line == "ready")
    });
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

/// A network may cut what a key or a paste sends behind its first byte, which alone is Esc: it is no way back,
/// and the line ends behind it are no answers.
#[test]
fn a_sequence_in_two_pieces_is_no_answer() {
    let bench = Bench::new();
    for _ in 0..5 {
        let mut walk = Walk::start(&bench, "");
        walk.walk(&DISC[..1]);
        walk.asked("Media type:");
        walk.terminal.keys("\x1b");
        walk.terminal.keys("[200~one\rtwo\r\x1b[201~");
        walk.terminal.keys(CTRL_C);
        let left = walk.end();
        assert_eq!(left.code, Some(130));
        let rows = left.shown.lines().filter(|row| row.starts_with("> ")).count();
        assert!(rows == 1 && !left.shown.contains("? Media type: < back"), "{}", left.shown);
    }
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
    let script = "\"$capmedia\" wizard --request large.toml; stty -a; echo the end";
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
    is_as_before(&shown);
    assert!(shown.contains("the end"), "{shown}");
}

/// The terminal shows what is typed line by line, as `stty -a` told last.
#[track_caller]
pub(crate) fn is_as_before(shown: &str) {
    let is_on = |mode| shown.split(|c: char| c.is_whitespace() || c == ';').any(|it| it == mode);
    assert!(is_on("icanon") && is_on("echo") && is_on("isig"), "{shown}");
}

/// Of a password nothing is seen, not even how many keys were pressed; keys do what they do elsewhere.
#[test]
fn a_password_is_not_shown() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..8]);
    walk.walk(&[
        ("Boot image:", Choose("A package")),
        ("Distribution point:", Type("out")),
        ("Distribution point 2", Type("")),
        ("Account", Type(r"LAB\reader")),
    ]);
    let question = r"Password of LAB\reader:";
    // Nothing is left of either: it is asked for again.
    for keys in [&*format!("hunter{CTRL_U}"), &*format!("ab{}", BACKSPACE.repeat(2))] {
        walk.asked(question);
        let before = walk.terminal.bytes().len();
        walk.terminal.keys(keys);
        walk.terminal.keys(ENTER);
        walk.terminal.wait_for_after(before, "Give the password");
        let heard = String::from_utf8_lossy(&walk.terminal.bytes()[before..]).into_owned();
        let (answered, _) = heard.split_once("Give the password").unwrap();
        // The row of the question is drawn once more, when it is answered.
        assert_eq!(answered.matches("Password of").count(), 1, "{answered:?}");
    }
    walk.asked(question);
    let before = walk.terminal.bytes().len();
    walk.terminal.keys("\x1b[200~hunter2\r\nthree\x1b[201~");
    walk.terminal.keys(ENTER);
    walk.reply("Boot image package:", Choose("Type its package ID"));
    walk.reply("Package ID", Type("PS100005"));
    walk.terminal.wait_for_after(before, "FAILED");
    let bytes = String::from_utf8_lossy(walk.terminal.bytes()).into_owned();
    assert!(!bytes.contains("hunter") && !bytes.contains("three"), "{bytes:?}");
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

/// A key that lies down confirms nothing, and is told of.
#[test]
fn a_key_that_is_held() {
    let bench = Bench::new();
    bench.put("out/capture.iso", "older");
    let mut walk = Walk::start(&bench, "");
    walk.walk(DISC);
    for question in ["out/capture.iso exists", SUMMARY] {
        let before = walk.terminal.bytes().len();
        walk.terminal.hold(ENTER, "Release the key");
        walk.asked(question);
        let heard = String::from_utf8_lossy(&walk.terminal.bytes()[before..]).into_owned();
        assert!(!heard.contains("Writing"), "{heard}");
        if question != SUMMARY {
            walk.mark(question, "Yes");
            walk.terminal.keys(ENTER);
        }
    }
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
    assert_eq!(std::fs::read_to_string(bench.path("out/capture.iso")).unwrap(), "older");
}
