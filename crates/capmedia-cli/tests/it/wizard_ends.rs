//! How the wizard ends when nobody asked it to: signals, a terminal that is gone, a server that does not
//! answer. The terminal is then as it was, and nothing is changed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::Bench;
use crate::pty::pair;
use crate::terminal::{CTRL_C, DOWN, ENTER, ESCAPE, Left, Terminal};
use crate::walks::Reply::{Accept, Choose};
use crate::walks::Walk;
use crate::wizard::{DISC, DISC_TOML, LOST, REST, SUMMARY};
use crate::wizard_keys::is_as_before;

/// A shell that tells how the wizard left the terminal.
fn shell(bench: &Bench, options: &str) -> Walk {
    let script = format!("trap : INT; \"$0\" wizard {options}; echo left with $?; stty -a");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(bench.command(["x"]).get_program());
    Walk { terminal: Terminal::start(command.current_dir(bench.path("."))) }
}

/// Sends SIGTERM to the program that the shell waits for.
fn terminate(walk: &Walk) {
    let id = walk.terminal.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let child = children.split_whitespace().next().unwrap().parse().unwrap();
    kill_process(Pid::from_raw(child).unwrap(), Signal::TERM).unwrap();
}

#[track_caller]
fn is_restored(left: &Left) {
    assert!(left.shown.contains("left with 130"), "{}", left.shown);
    is_as_before(&left.shown);
}

#[test]
fn by_a_signal_at_a_question() {
    let bench = Bench::new();
    for question in ["Media size:", "Media file"] {
        let mut walk = shell(&bench, "");
        let at = DISC.iter().position(|(of, _)| *of == question).unwrap();
        walk.walk(&DISC[..at]);
        walk.asked(question);
        terminate(&walk);
        let left = walk.end();
        is_restored(&left);
        assert!(left.shown.contains("cancelled; nothing was changed"), "{}", left.shown);
    }
}

/// Between two questions, where what is typed is thrown away.
#[test]
fn by_a_signal_while_a_key_is_held() {
    let bench = Bench::new();
    bench.put("request.toml", DISC_TOML);
    let mut walk = shell(&bench, "--request request.toml");
    walk.walk(DISC);
    walk.terminal.hold("x", "Release the key");
    terminate(&walk);
    let start = Instant::now();
    let left = walk.end();
    is_restored(&left);
    assert!(start.elapsed() < Duration::from_secs(8), "it took {:?}", start.elapsed());
}

/// The media is given up, and what was there is as it was.
#[test]
fn while_it_writes() {
    for by in ["SIGTERM", "Ctrl-C"] {
        let bench = Bench::new();
        let large = File::create(bench.path("large.bin")).unwrap();
        large.set_len(2 << 30).unwrap();
        let add = "add = [\"large.bin=large.bin\"]\n";
        let text = DISC_TOML.replace("media-size = \"650MB\"\n", "");
        bench.put("large.toml", format!("{text}{add}"));
        let mut walk = shell(&bench, "--request large.toml");
        walk.walk(&[
            ("Select the type of media:", Accept),
            ("Media type:", Accept),
            ("Media size:", Accept),
        ]);
        walk.walk(&DISC[4..8]);
        walk.walk(REST);
        walk.reply(SUMMARY, Choose("Create the media"));
        walk.terminal.wait_for("Writing.");
        walk.terminal.wait_for("MiB/s");
        match by {
            "SIGTERM" => terminate(&walk),
            _ => walk.terminal.keys(CTRL_C),
        }
        let left = walk.end();
        is_restored(&left);
        assert_eq!(bench.out(), [""; 0], "{by}: {}", left.shown);
    }
}

/// The wizard at its first question, on a terminal that controls nobody, and the end of its user.
fn on_a_bare_terminal(bench: &Bench) -> (Child, File) {
    let (mut terminal, open) = pair();
    let mut command = bench.command(["wizard"]);
    let child = command.stdin(open()).stderr(open()).stdout(Stdio::null()).spawn().unwrap();
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("Select the type") {
        let mut buffer = [0; 4096];
        let count = terminal.read(&mut buffer).unwrap();
        shown.extend_from_slice(&buffer[..count]);
    }
    (child, terminal)
}

#[track_caller]
fn ends(mut child: Child) {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it goes on");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// No signal tells of a terminal that is gone, where it does not control the session.
#[test]
fn by_a_terminal_that_is_gone() {
    let bench = Bench::new();
    let (child, terminal) = on_a_bare_terminal(&bench);
    drop(terminal);
    ends(child);
}

/// What is drawn waits for somebody who reads, and a signal does not.
#[test]
fn by_a_signal_while_nobody_reads_the_terminal() {
    let bench = Bench::new();
    let (child, mut terminal) = on_a_bare_terminal(&bench);
    // A pseudoterminal keeps some KiB of what is drawn, and a key draws it anew.
    for _ in 0..2000 {
        terminal.write_all(DOWN.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = child.id();
    kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    ends(child);
    drop(terminal);
}

/// A folder on a server that does not answer: FUSE, with nobody behind it.
struct Silent(Child, PathBuf);

impl Silent {
    fn at(folder: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        let script = "exec 3<>/dev/fuse; mount -i -t fuse -o \
                      fd=3,rootmode=40000,user_id=0,group_id=0 none \"$0\" && echo mounted; read x";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n", "it takes root and FUSE");
        Self(child, folder)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Whoever waits for it is told that it is gone.
        let _ = self.0.stdin.take().map(|mut input| input.write_all(b"\n"));
        let _ = self.0.wait();
        let _ = Command::new("umount").arg("-l").arg(&self.1).status();
    }
}

#[test]
#[ignore = "needs root and FUSE"]
fn a_folder_that_does_not_answer_holds_nobody_up() {
    let bench = Bench::new();
    let _silent = Silent::at(bench.path("silent"));
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..4]);
    walk.asked("Media file");
    // Tab, and a key that ends it.
    walk.terminal.keys("silent/a\tb");
    walk.asked("Media file: silent/ab");
    walk.terminal.keys(ENTER);
    walk.terminal.wait_for("Looking at the path: 1 s (Esc: back");
    walk.terminal.keys(ESCAPE);
    walk.asked("Media file: silent/ab");
    walk.terminal.keys(ENTER);
    walk.terminal.wait_for("Looking at the path: 1 s (Esc: back");
    walk.terminal.keys(CTRL_C);
    let left = walk.end();
    assert_eq!(left.code, Some(130), "{}", left.shown);
}

/// Where a path of the request file, or of the log, is on such a server, each page can be left.
#[test]
#[ignore = "needs root and FUSE"]
fn a_path_of_the_request_that_does_not_answer() {
    let bench = Bench::new();
    let _silent = Silent::at(bench.path("silent"));
    let text = DISC_TOML.replace("out/capture.iso", "silent/capture.iso");
    bench.put("disc.toml", &text);
    let usb = text.replace("\"cd-dvd\"", "\"usb\"").replace("media-size = \"650MB\"\n", "");
    bench.put("usb.toml", usb);
    bench.put("here.toml", DISC_TOML);
    let waits = "Looking at the path: 1 s (Esc: back";
    // The media file, which may be a drive.
    let mut walk = Walk::start(&bench, "--request disc.toml");
    walk.walk(&DISC[..4]);
    walk.terminal.wait_for(waits);
    walk.terminal.keys(ESCAPE);
    walk.asked("Media file: silent/capture.iso");
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
    // The drive, which may be a file.
    let mut walk = Walk::start(&bench, "--request usb.toml");
    walk.walk(&[
        ("Select the type of media:", Accept),
        ("Media type:", Accept),
        ("Format", Accept),
    ]);
    walk.terminal.wait_for(waits);
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
    // The log.
    let mut walk = Walk::start(&bench, "--request here.toml --log silent/wizard.log");
    walk.walk(DISC);
    walk.terminal.wait_for("Looking at the log: 1 s (Esc: back");
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

/// A file system without room, which the summary tells, before anything is written.
#[test]
#[ignore = "needs root, to mount a file system"]
fn no_room_is_told_before_the_summary() {
    let bench = Bench::new();
    let mount = |words: &[&str]| {
        let (program, words) = words.split_first().unwrap();
        let ended = Command::new(program).args(words).arg(bench.path("out")).output().unwrap();
        assert!(ended.status.success(), "it takes root: {ended:?}");
    };
    mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "none"]);
    let mut walk = Walk::start(&bench, "");
    walk.walk(DISC);
    walk.asked(SUMMARY);
    let shown = walk.terminal.all();
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.reply(LOST, Choose("Yes"));
    let left = walk.end();
    let out = bench.out();
    mount(&["umount"]);
    assert!(shown.contains("The media cannot be made like this"), "{shown}");
    assert!(shown.contains("free") || shown.contains("room"), "{shown}");
    assert!(!shown.contains("Create the media"), "{shown}");
    assert_eq!((left.code, out), (Some(130), Vec::new()), "{}", left.shown);
}
