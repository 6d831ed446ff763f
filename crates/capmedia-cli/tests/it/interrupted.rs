//! Ctrl-C, a pipe with a name, and two runs at once.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Bench, Ended, create, of};
use crate::library_fixture::LibraryFixture;

const LIMIT: Duration = Duration::from_secs(60);

fn start(bench: &Bench, line: &str) -> Child {
    let mut command = bench.command(line.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    send("-INT", child);
}

fn send(signal: &str, child: &Child) {
    let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

fn end(child: Child) -> Ended {
    of(child.wait_with_output().unwrap())
}

/// Gigabytes that take no room: a run that reads them takes long enough to be caught at it.
fn add_gigabytes(bench: &Bench) {
    fs::create_dir_all(bench.path("big")).unwrap();
    // Of different lengths, or they would be compared to be stored once.
    for less in 1..4 {
        let file = File::create(bench.path(&format!("big/{less}"))).unwrap();
        file.set_len((1 << 32) - less).unwrap();
    }
}

#[test]
fn an_interrupted_run_leaves_the_old_image_and_a_second_run_is_refused_meanwhile() {
    let bench = Bench::new();
    add_gigabytes(&bench);
    bench.put("out/capture.iso", "old");
    let line = format!("{} --force --checksum --add big=big", create("cd-dvd"));
    let mut child = start(&bench, &line);
    let part = bench.path("out/.capture.iso.capmedia-part");
    let begun = Instant::now();
    while fs::metadata(&part).map_or(0, |part| part.len()) == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
        assert!(begun.elapsed() < LIMIT);
        thread::sleep(Duration::from_millis(5));
    }
    let second = bench.run(&format!("{} --force", create("cd-dvd")));
    assert_eq!(second.code, Some(5));
    assert!(second.stderr.contains("another run is writing"), "{}", second.stderr);

    interrupt(&child);
    let ended = end(child);
    assert_eq!((ended.code, ended.stdout.len()), (Some(130), 0), "{}", ended.stderr);
    assert!(ended.stderr.contains("cancelled at byte"), "{}", ended.stderr);
    assert_eq!(bench.out(), ["capture.iso"]);
    assert_eq!(fs::read(bench.path("out/capture.iso")).unwrap(), b"old");
}

/// A terminal that is closed ends no run that `nohup` began.
#[test]
#[cfg(target_os = "linux")]
fn what_is_ignored_stays_ignored() {
    let bench = Bench::new();
    add_gigabytes(&bench);
    let line = format!("{} --add big=big", create("cd-dvd"));
    let program = bench.command(line.split_whitespace());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.args(program.get_args()).current_dir(bench.path("."));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let part = bench.path("out/.capture.iso.capmedia-part");
    let len = || fs::metadata(&part).map_or(0, |part| part.len());
    let begun = Instant::now();
    while len() == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
        assert!(begun.elapsed() < LIMIT);
        thread::sleep(Duration::from_millis(5));
    }
    send("-HUP", &child);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().unwrap(), None);
    interrupt(&child);
    assert_eq!(end(child).code, Some(130));
}

/// Planning changes nothing and looks at no signal while it reads here, with packages as without: nobody
/// waits for it.
#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_plan_ends_at_once() {
    use std::os::unix::fs::OpenOptionsExt as _;

    /// `O_NONBLOCK`.
    const NONBLOCK: i32 = 0o4000;

    let bench = Bench::new();
    let password = bench.path("password");
    let boot_image = fs::read(bench.path("boot.wim")).unwrap();
    LibraryFixture::new(bench.path("one").join("SCCMContentLib")).package(
        "PS100005",
        3,
        &[("boot.PS100005.wim", &boot_image)],
    );
    assert!(Command::new("mkfifo").arg(&password).status().unwrap().success());
    let package = create("cd-dvd").replace("boot.wim", "PS100005 --distribution-point one");
    for line in [create("cd-dvd"), &package] {
        let mut child = start(
            &bench,
            &format!(
                "{line} --capture-account a\\b --capture-password-file password --store-password"
            ),
        );
        let begun = Instant::now();
        // Held open, or the reader would see its end; there is none to open before somebody reads.
        let _writer = loop {
            if let Ok(writer) = File::options().write(true).custom_flags(NONBLOCK).open(&password) {
                break writer;
            }
            assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
            assert!(begun.elapsed() < LIMIT);
            thread::sleep(Duration::from_millis(5));
        };
        let begun = Instant::now();
        interrupt(&child);
        let ended = end(child);
        assert!(begun.elapsed() < Duration::from_secs(5), "{line}");
        assert_eq!((ended.code, ended.stdout.len()), (Some(130), 0), "{}", ended.stderr);
        let last = ended.stderr.lines().last().unwrap();
        assert_eq!(last, "error: cancelled", "{}", ended.stderr);
        assert_eq!(bench.out(), [""; 0]);
    }
}

#[test]
fn a_pipe_with_a_name() {
    let bench = Bench::new();
    let fifo = bench.path("out/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for kind in ["cd-dvd", "usb"] {
        bench.succeed(&format!("{} --force", create(kind)));
        let line = create(kind);
        let image = line.split(' ').find(|word| word.starts_with("out/")).unwrap();
        let child = start(&bench, &line.replace(image, "out/fifo"));
        let mut through = Vec::new();
        File::open(&fifo).unwrap().read_to_end(&mut through).unwrap();
        let ended = end(child);
        // It may be what a program behind a pipe of the shell reads: people read elsewhere.
        assert_eq!((ended.code, ended.stdout.len()), (Some(0), 0), "{}", ended.stderr);
        assert!(ended.stderr.contains("Written:      out/fifo"), "{}", ended.stderr);
        assert!(through == fs::read(bench.path(image)).unwrap(), "{kind}");
    }

    add_gigabytes(&bench);
    let line = create("cd-dvd").replace("out/capture.iso", "out/fifo");
    let child = start(&bench, &format!("{line} --add big=big"));
    let mut reader = File::open(&fifo).unwrap();
    let mut buffer = vec![0; 8 << 20];
    reader.read_exact(&mut buffer).unwrap();
    interrupt(&child);
    while reader.read(&mut buffer).unwrap() > 0 {}
    let ended = end(child);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("cancelled at byte"), "{}", ended.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_verify() {
    let bench = Bench::new();
    File::create(bench.path("big")).unwrap().set_len(512 << 20).unwrap();
    let line = create("usb").replace("--image-size 40MiB ", "");
    bench.succeed(&format!("{line} --add big=big"));
    let mut child = start(&bench, "verify out/capture.img");
    // As soon as more was read than the structure.
    let counters = format!("/proc/{}/io", child.id());
    let read = || {
        let text = fs::read_to_string(&counters).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("rchar: "));
        line.and_then(|count| count.parse::<u64>().ok()).unwrap_or(0)
    };
    while read() < 20 << 20 {
        assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
        thread::sleep(Duration::from_millis(1));
    }
    interrupt(&child);
    let ended = end(child);
    assert_eq!((ended.code, ended.stdout.len()), (Some(130), 0), "{}", ended.stderr);
    assert!(ended.stderr.contains("cancelled after"), "{}", ended.stderr);
}
