//! The wizard, walked as people walk it: what is on the screen, what comes of it, and that nothing does
//! when it is left.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::{Bench, ended};
use crate::terminal::{COLUMNS, CTRL_C, DOWN, ENTER, ESCAPE, ROWS, Terminal};
use crate::walks::Reply::{Accept, Choose, Type};
use crate::walks::{Script, Walk, is_asked, snapshot};

/// From the first page to the summary, for a disc. Each text is typed, so that what stands there
/// before does not matter.
pub(crate) const DISC: &Script = &[
    ("Select the type of media:", Choose("Capture media")),
    ("Media type:", Choose("CD/DVD set")),
    ("Media size:", Choose("650 MB (CD)")),
    ("Cut a file", Choose("No")),
    ("Media file", Type("out/capture.iso")),
    ("Media label:", Type("Lab 7")),
    ("Include autorun.inf", Choose("Yes")),
    ("Cache folder", Type("")),
    ("Boot image:", Choose("A file (.wim)")),
    ("Boot image file", Type("boot.wim")),
    ("Destination", Type(r"\\server\share$\image.wim")),
    ("Account", Type("")),
    ("Created by:", Type("it's me")),
    ("Description:", Type("")),
    ("Version:", Type("7.1")),
];

/// The request that comes of it.
pub(crate) const DISC_TOML: &str = r#"version = 1
boot-image = "boot.wim"
media-type = "cd-dvd"
path = "out/capture.iso"
label = "Lab 7"
include-autorun = true
media-size = "650MB"
capture-destination = '\\server\share$\image.wim'
image-creator = "it's me"
image-version = "7.1"
"#;

pub(crate) const SUMMARY: &str = "What is to be done?";

/// Whether it is cancelled, although no file has the answers.
pub(crate) const LOST: &str = "The answers are lost. Cancel?";

/// From the page of the boot image on, where a request file has the answers.
pub(crate) const REST: &Script = &[
    ("Boot image:", Accept),
    ("Boot image file", Accept),
    ("Destination", Accept),
    ("Account", Accept),
    ("Created by:", Accept),
    ("Description:", Accept),
    ("Version:", Accept),
];

impl Walk {
    /// Saves the request on the summary, and gives the command line that is shown there.
    #[track_caller]
    fn save(&mut self) -> String {
        self.reply(SUMMARY, Choose("Show this job as one command line"));
        self.terminal.wait_for("capmedia create --");
        self.reply(SUMMARY, Choose("Save this job as a request file"));
        self.reply("Request file:", Type("saved.toml"));
        self.terminal.wait_for("Saved.");
        self.asked(SUMMARY);
        let lines = self.terminal.lines();
        let first = lines.iter().rposition(|line| line.starts_with("capmedia create --"));
        let lines = &lines[first.expect("a command line")..];
        let count = lines.iter().take_while(|line| line.ends_with(" \\")).count();
        lines[..=count].join("\n")
    }

    /// Creates the media, and reads images back.
    #[track_caller]
    fn create(mut self) -> String {
        self.reply(SUMMARY, Choose("Create the media"));
        self.reply("Read the image", Choose("Yes"));
        self.terminal.wait_for("LaunchMedia.cmd");
        // Nothing of the result is broken inside a word.
        self.terminal.is_narrow();
        let left = self.end();
        assert_eq!(left.code, Some(0), "{}", left.shown);
        left.shown
    }
}

/// What was made is what `create` makes of the request file, and of the command line.
#[track_caller]
fn is_what_create_makes(bench: &Bench, line: &str) {
    let made = snapshot(&bench.path("out"));
    assert!(!made.is_empty());
    let program = Path::new(bench.command(["x"]).get_program()).parent().unwrap().to_owned();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", line]).env("PATH", program).env_remove("SOURCE_DATE_EPOCH");
    shell.current_dir(bench.path("."));
    for again in [&mut bench.command(["create", "--request", "saved.toml"]), &mut shell] {
        made.keys().for_each(|path| fs::remove_file(path).unwrap());
        let ended = ended(again);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
        let names =
            |made: &std::collections::BTreeMap<String, _>| made.keys().cloned().collect::<Vec<_>>();
        let found = snapshot(&bench.path("out"));
        assert_eq!(names(&found), names(&made));
        assert!(found == made, "other bytes");
    }
}

#[test]
fn a_disc() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    for (number, (question, reply)) in (1..).zip(DISC) {
        walk.asked_narrowly(question);
        walk.terminal.is_screen(&format!("disc-{number:02}"));
        walk.reply(question, *reply);
    }
    walk.asked_narrowly(SUMMARY);
    walk.terminal.is_screen("disc-summary");
    assert_eq!(bench.out(), [""; 0], "nothing is made before it is confirmed");
    let line = walk.save();
    assert_eq!(fs::read_to_string(bench.path("saved.toml")).unwrap(), DISC_TOML);
    walk.create();
    is_what_create_makes(&bench, &line);
}

/// Content that takes several discs, which a request file names.
#[test]
fn a_set_of_discs() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.put(&format!("tools/{name}.bin"), vec![name.as_bytes()[0]; 3 << 20]);
    }
    let add = ["a", "b", "c"].map(|name| format!("\"tools/{name}.bin={name}.bin\"")).join(", ");
    let text = format!(
        "version = 1\nboot-image = \"boot.wim\"\nmedia-type = \"cd-dvd\"\n\
         path = \"out/capture.iso\"\nadd = [{add}]\n"
    );
    bench.put("set.toml", text);
    let mut walk = Walk::start(&bench, "--request set.toml");
    walk.walk(&[
        ("Select the type of media:", Accept),
        ("Media type:", Accept),
        ("Media size:", Choose("Another size")),
        ("Size of one disc", Type("6MB")),
        ("Cut a file", Accept),
        ("Media file", Accept),
        ("Media label:", Accept),
        ("Include autorun.inf", Accept),
        ("Cache folder", Accept),
    ]);
    walk.walk(REST);
    walk.asked(SUMMARY);
    walk.terminal.is_screen("set-summary");
    walk.reply(SUMMARY, Choose("Show the map"));
    walk.asked_narrowly("There is more:");
    walk.terminal.is_screen("set-map");
    walk.reply("There is more:", Accept);
    walk.terminal.wait_for("Disc 2 of 4");
    walk.back("There is more:", SUMMARY);
    let line = walk.save();
    walk.create();
    assert!(bench.out().len() > 1, "{:?}", bench.out());
    is_what_create_makes(&bench, &line);
}

#[test]
fn a_stick_as_an_image() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    walk.walk(&[
        ("Select the type of media:", Accept),
        ("Media type:", Choose("Removable USB drive")),
        ("Format", Choose("Yes")),
        ("Removable USB drive:", Choose("An image file")),
        ("Image file", Type("out/capture.img")),
        ("Image size:", Type("40MiB")),
        ("Media label:", Accept),
        ("Include autorun.inf", Accept),
        ("Cache folder", Accept),
        ("Boot image:", Accept),
        ("Boot image file", Type("boot.wim")),
    ]);
    walk.walk(&REST[2..]);
    let line = walk.save();
    walk.create();
    assert_eq!(bench.out(), ["capture.img"]);
    is_what_create_makes(&bench, &line);
}

/// From a folder of expanded packages.
#[test]
fn a_package() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("packages/PS100005.3")).unwrap();
    fs::rename(bench.path("boot.wim"), bench.path("packages/PS100005.3/boot.wim")).unwrap();
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..8]);
    walk.walk(&[
        ("Boot image:", Choose("A package")),
        ("Distribution point:", Type("packages")),
        ("Distribution point 2", Type("")),
        ("Account", Type("")),
        ("Boot image package:", Choose("Type its package ID")),
        ("Package ID", Type("PS100005")),
    ]);
    walk.asked_narrowly("Destination");
    walk.terminal.is_screen("package");
    walk.walk(&DISC[10..]);
    let line = walk.save();
    walk.create();
    is_what_create_makes(&bench, &line);
}

/// One of those that are at two distribution points; a third has none.
#[test]
fn a_package_of_a_list() {
    let bench = Bench::new();
    for folder in ["one/PS100003.1", "one/PS100005.3", "one/PS100005.2", "two/PS100007.1", "none"] {
        fs::create_dir_all(bench.path(folder)).unwrap();
        fs::copy(bench.path("boot.wim"), bench.path(folder).join("boot.wim")).unwrap();
    }
    fs::remove_file(bench.path("none/boot.wim")).unwrap();
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..8]);
    walk.walk(&[
        ("Boot image:", Choose("A package")),
        ("Distribution point:", Type("one")),
        ("Distribution point 2", Type("two")),
        ("Distribution point 3", Type("none")),
        ("Distribution point 4", Type("")),
        ("Account", Type("")),
        ("Boot image package:", Choose("List the packages there")),
    ]);
    walk.asked_narrowly("Package of the boot image:");
    walk.terminal.is_screen("package-list");
    walk.back("Package of the boot image:", "Boot image package:");
    walk.reply("Boot image package:", Accept);
    walk.reply("Package of the boot image:", Choose("PS100005: PS100005.3, PS100005.2"));
    walk.walk(&DISC[10..]);
    let _ = walk.save();
    let saved = fs::read_to_string(bench.path("saved.toml")).unwrap();
    assert!(saved.contains("boot-image = \"PS100005\"\n"), "{saved}");
    walk.reply(SUMMARY, Choose("Cancel"));
    assert_eq!(walk.end().code, Some(130));
}

#[test]
fn a_boot_image_that_cannot_be_used() {
    let bench = Bench::new();
    bench.put("none.wim", "no WIM at all");
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..9]);
    walk.reply("Boot image file", Type("none.wim"));
    let failed = "The boot image cannot be used";
    walk.asked_narrowly(failed);
    walk.terminal.is_screen("boot-image-failed");
    walk.back(failed, "Boot image file");
    walk.walk(&DISC[9..]);
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.reply(LOST, Choose("Yes"));
    assert_eq!(walk.end().code, Some(130));
    assert_eq!(bench.out(), [""; 0]);
}

/// A request is saved over no file that the media is made of, nor over the media; what was saved is
/// told of when the rest is cancelled. A path that is refused can be corrected.
#[test]
fn a_request_replaces_no_other_file() {
    let bench = Bench::new();
    let before = fs::read(bench.path("boot.wim")).unwrap();
    bench.put("notes.txt", "of somebody");
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..4]);
    walk.reply("Media file", Type("no/capture.iso"));
    walk.terminal.wait_for_words("create it first");
    walk.asked("Media file: no/capture.iso");
    walk.walk(&DISC[4..]);
    walk.reply(SUMMARY, Choose("Save this job as a request file"));
    for (file, why) in [
        ("boot.wim", "that the media is made of"),
        ("out/capture.iso", "is also the output"),
        ("notes.txt", "is no request file"),
    ] {
        walk.reply("Request file:", Type(file));
        walk.terminal.wait_for_words(why);
    }
    walk.reply("Request file:", Type("saved.toml"));
    walk.terminal.wait_for("Saved.");
    walk.reply(SUMMARY, Choose("Cancel"));
    let left = walk.end();
    assert_eq!(left.code, Some(130), "{}", left.shown);
    assert!(left.shown.contains("saved.toml stays"), "{}", left.shown);
    assert!(!left.shown.contains("nothing was changed"), "{}", left.shown);
    assert!(fs::read(bench.path("boot.wim")).unwrap() == before, "the boot image was changed");
    assert_eq!(fs::read_to_string(bench.path("notes.txt")).unwrap(), "of somebody");
    assert_eq!(bench.out(), [""; 0]);
}

/// A log that cannot be, and an image that comes while the summary is read: the answers stay.
#[test]
fn a_failure_loses_no_answers() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "--log no/wizard.log");
    walk.walk(DISC);
    walk.asked(SUMMARY);
    walk.terminal.wait_for_words("cannot write the log no/wizard.log");
    fs::create_dir(bench.path("no")).unwrap();
    walk.reply(SUMMARY, Choose("Try again"));
    walk.terminal.wait_for("Create the media");
    assert!(!bench.path("no/wizard.log").exists(), "nothing is made before it is confirmed");
    bench.put("out/capture.iso", "older");
    walk.reply(SUMMARY, Choose("Create the media"));
    walk.reply("out/capture.iso exists", Choose("Yes"));
    walk.terminal.wait_for_words("has come there meanwhile");
    walk.reply(SUMMARY, Choose("Save this job as a request file"));
    walk.reply("Request file:", Type("saved.toml"));
    walk.terminal.wait_for("Saved.");
    // Leave to replace this file is none to replace another one, later.
    assert_eq!(fs::read_to_string(bench.path("saved.toml")).unwrap(), DISC_TOML);
    walk.reply(SUMMARY, Choose("Cancel"));
    assert_eq!(walk.end().code, Some(5));
    assert_eq!(fs::read_to_string(bench.path("out/capture.iso")).unwrap(), "older");
}

/// Who agreed that one file is replaced did not say so of another one, which is chosen later.
#[test]
fn leave_to_replace_is_for_one_file() {
    let bench = Bench::new();
    bench.put("out/other.iso", "other");
    bench.put("out/capture.iso", "older");
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..2]);
    walk.walk(&[
        ("Media size:", Choose("Unlimited")),
        ("Media file", Type("out/other.iso")),
        ("out/other.iso exists", Choose("Yes")),
    ]);
    walk.back("Media label:", "Media file");
    walk.back("Media file", "Media size:");
    walk.walk(&DISC[2..]);
    walk.asked("out/capture.iso exists");
    // No is marked.
    walk.terminal.keys(ENTER);
    walk.asked("Destination");
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

/// Two questions back, two pages back, and forth again with other answers.
#[test]
fn back_twice() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..5]);
    walk.back("Media label:", "Media file");
    walk.back("Media file", "Cut a file");
    walk.walk(&[("Cut a file", Accept), ("Media file", Type("out/other.iso"))]);
    walk.walk(&DISC[5..10]);
    walk.back("Destination", "Boot image:");
    walk.back("Boot image:", "Media type:");
    walk.walk(&DISC[1..]);
    walk.reply(SUMMARY, Choose("< Back"));
    walk.walk(&DISC[10..]);
    let line = walk.save();
    assert_eq!(fs::read_to_string(bench.path("saved.toml")).unwrap(), DISC_TOML);
    walk.create();
    assert_eq!(bench.out(), ["capture.iso"]);
    is_what_create_makes(&bench, &line);
}

#[test]
fn cancelled_on_every_page() {
    let bench = Bench::new();
    bench.put("out/capture.iso", "older");
    let before = snapshot(&bench.path("."));
    // The older one is asked about.
    let more = [("out/capture.iso exists", Choose("Yes")), (SUMMARY, Accept)];
    let script: Vec<_> = DISC.iter().copied().chain(more).collect();
    for at in 0..script.len() {
        let mut walk = Walk::start(&bench, "");
        walk.walk(&script[..at]);
        walk.asked(script[at].0);
        walk.terminal.keys(CTRL_C);
        let left = walk.end();
        assert_eq!(left.code, Some(130), "{}: {}", script[at].0, left.shown);
        assert!(left.shown.contains("nothing was changed"), "{}: {}", script[at].0, left.shown);
        assert!(snapshot(&bench.path(".")) == before, "{}: something changed", script[at].0);
    }
    let mut walk = Walk::start(&bench, "");
    walk.walk(&script[..script.len() - 1]);
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.reply(LOST, Choose("Yes"));
    assert_eq!(walk.end().code, Some(130));
    assert!(snapshot(&bench.path(".")) == before);
}

/// *Cancel* is a key away from the other choices: answers that no file has are not lost by it.
#[test]
fn cancelled_by_mistake() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    walk.walk(DISC);
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.reply(LOST, Accept);
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.back(LOST, SUMMARY);
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.reply(LOST, Choose("Save this job"));
    walk.reply("Request file:", Type("saved.toml"));
    let left = walk.end();
    assert_eq!(left.code, Some(130), "{}", left.shown);
    assert!(left.shown.contains("saved.toml stays"), "{}", left.shown);
    assert_eq!(fs::read_to_string(bench.path("saved.toml")).unwrap(), DISC_TOML);
    // Those that a file has cannot be lost.
    let mut walk = Walk::start(&bench, "--request saved.toml");
    walk.walk(DISC);
    walk.reply(SUMMARY, Choose("Cancel"));
    assert_eq!(walk.end().code, Some(130));
    let mut walk = Walk::start(&bench, "--request saved.toml");
    walk.walk(&DISC[..DISC.len() - 1]);
    walk.reply("Version:", Type("8"));
    walk.reply(SUMMARY, Choose("Cancel"));
    walk.reply(LOST, Choose("Yes"));
    assert_eq!(walk.end().code, Some(130));
}

/// What is no file is not replaced when all is whole, and is not said to be.
#[test]
fn a_pipe_is_no_file() {
    let bench = Bench::new();
    assert!(Command::new("mkfifo").arg(bench.path("out/fifo")).status().unwrap().success());
    let mut walk = Walk::start(&bench, "");
    walk.walk(&DISC[..2]);
    walk.reply("Media size:", Choose("Unlimited"));
    walk.reply("Media file", Type("out/fifo"));
    walk.walk(&DISC[5..]);
    walk.asked(SUMMARY);
    walk.terminal.wait_for_words("out/fifo is no file: all goes into it as it is made");
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

/// All of the Summary can be seen on a console that shows nothing again which has left it.
#[test]
fn the_summary_fits() {
    let bench = Bench::new();
    bench.put("out/capture.iso", "older");
    let mut walk = Walk::start(&bench, "");
    walk.walk(DISC);
    walk.reply("out/capture.iso exists", Choose("Yes"));
    walk.asked_narrowly(SUMMARY);
    walk.terminal.is_screen("replace-summary");
    walk.reply(SUMMARY, Choose("Show all of the plan"));
    walk.asked_narrowly("That is all:");
    walk.terminal.is_screen("summary-all");
    walk.reply("That is all:", Accept);
    walk.asked(SUMMARY);
    walk.terminal.wait_for("Boot image:   boot.wim");
    walk.reply(SUMMARY, Choose("Show the map"));
    walk.asked_narrowly("That is all:");
    walk.terminal.is_screen("summary-map");
    walk.back("That is all:", SUMMARY);
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

/// Other sizes of the window, and text of several lines that is pasted, at every question: what is
/// answered counts, and nothing else.
#[test]
fn keys_that_mean_nothing() {
    let bench = Bench::new();
    let mut walk = Walk::start(&bench, "");
    for (question, reply) in DISC {
        walk.asked(question);
        walk.terminal.resize(10, 40);
        walk.terminal.resize(50, 132);
        walk.terminal.resize(ROWS, COLUMNS);
        walk.terminal.keys("\x1b[200~pasted\r\ntwo\r\nthree\x1b[201~");
        if let Type(_) = reply {
            walk.terminal.wait_for("pasted");
        }
        walk.reply(question, *reply);
    }
    walk.asked(SUMMARY);
    walk.terminal.keys("\x1b[200~one\r\ntwo\r\nthree\x1b[201~");
    let _ = walk.save();
    assert_eq!(fs::read_to_string(bench.path("saved.toml")).unwrap(), DISC_TOML);
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
    assert_eq!(bench.out(), [""; 0]);
}

/// A terminal that cannot tell pasted text from typed text, and a hundred ends of lines: they answer
/// questions, and do not confirm the summary.
#[test]
fn a_paste_confirms_nothing() {
    let bench = Bench::new();
    bench.put("request.toml", DISC_TOML);
    let (paste, last) = (ENTER.repeat(100), "Version:");
    for first in ["Select the type of media:", last] {
        let mut walk = Walk::start(&bench, "--request request.toml");
        if first == last {
            walk.walk(&DISC[..DISC.len() - 1]);
        }
        walk.asked(first);
        walk.terminal.keys(&paste);
        // What is typed while the boot image is tested is no answer either.
        walk.terminal.wait_until("the end of the paste", |screen| {
            is_asked(screen, SUMMARY) || (first != last && is_asked(screen, "Destination"))
        });
        if first == last {
            // What came before is gone: the mark moves once.
            walk.terminal.keys(DOWN);
            walk.terminal.wait_for("> Save this job");
        }
        walk.terminal.keys(CTRL_C);
        let left = walk.end();
        assert_eq!(left.code, Some(130), "{}", left.shown);
        assert_eq!(bench.out(), [""; 0]);
    }
}

/// To the package of a distribution point that takes connections and says nothing.
fn to_silence(bench: &Bench, silent: &TcpListener) -> Walk {
    let mut walk = Walk::start(bench, "");
    walk.walk(&DISC[..8]);
    walk.reply("Boot image:", Choose("A package"));
    walk.asked("Distribution point");
    walk.fill(&format!("http://{}", silent.local_addr().unwrap()));
    walk.terminal.keys(ENTER);
    walk.reply("Distribution point 2", Type(""));
    walk.reply("Account", Type(""));
    walk.reply("Boot image package:", Choose("List the packages there"));
    walk.terminal.wait_for("Looking for packages: 1 s (Esc: back, Ctrl-C: cancel)");
    walk.terminal.keys(ESCAPE);
    walk.reply("Boot image package:", Choose("Type its package ID"));
    walk.reply("Package ID", Type("PS100005"));
    walk.terminal.wait_for("Esc: back, Ctrl-C: cancel)");
    walk.terminal.wait_for("access: http://127.0.0.1");
    walk
}

#[test]
fn a_silent_distribution_point_is_left() {
    let (bench, silent) = (Bench::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let before = snapshot(&bench.path("."));
    let mut walk = to_silence(&bench, &silent);
    walk.terminal.keys(ESCAPE);
    walk.reply("Boot image package:", Choose("Type its package ID"));
    walk.reply("Package ID", Accept);
    walk.terminal.wait_for("access: http://127.0.0.1");
    let start = Instant::now();
    walk.terminal.keys(CTRL_C);
    let left = walk.end();
    assert_eq!(left.code, Some(130), "{}", left.shown);
    assert!(start.elapsed() < Duration::from_secs(25), "it took {:?}", start.elapsed());
    assert!(snapshot(&bench.path(".")) == before);
}

#[test]
fn a_silent_distribution_point_is_told() {
    let (bench, silent) = (Bench::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let mut walk = to_silence(&bench, &silent);
    walk.terminal.wait_for_words("nothing came for 30 s");
    walk.terminal.keys(CTRL_C);
    assert_eq!(walk.end().code, Some(130));
}

#[test]
fn a_newer_request_file() {
    let bench = Bench::new();
    bench.put("newer.toml", DISC_TOML.replace("version = 1", "version = 2"));
    let left = Walk::start(&bench, "--request newer.toml").end();
    assert_eq!(left.code, Some(2), "{}", left.shown);
    assert!(left.shown.contains("newer capmedia"), "{}", left.shown);
}

/// No signs but those of ASCII, no colours; the same pages.
#[test]
fn a_plain_terminal() {
    let bench = Bench::new();
    let mut command = bench.command(["wizard"]);
    command.env("TERM", "dumb").env("LC_ALL", "C");
    let mut walk = Walk { terminal: Terminal::start(&command) };
    walk.walk(DISC);
    walk.asked(SUMMARY);
    walk.terminal.is_screen("plain-summary");
    walk.create_plainly();
    let _ = walk.end();
    assert_eq!(bench.out(), ["capture.iso"]);
}

impl Walk {
    /// Creates the media; all that was shown is plain.
    #[track_caller]
    fn create_plainly(&mut self) {
        self.reply(SUMMARY, Choose("Create the media"));
        self.asked("Read the image");
        let bytes = self.terminal.bytes();
        assert!(bytes.is_ascii(), "{}", String::from_utf8_lossy(bytes));
        let text = String::from_utf8_lossy(bytes).into_owned();
        let colours = text.split("\x1b[").skip(1).filter(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';'));
            end.is_some_and(|end| {
                rest[end..].starts_with('m') && !["", "0"].contains(&&rest[..end])
            })
        });
        assert_eq!(colours.count(), 0, "{text:?}");
        self.terminal.keys(CTRL_C);
    }
}

#[test]
fn without_a_terminal() {
    let ended = Bench::new().run("wizard");
    assert_eq!((ended.code, ended.stdout), (Some(2), Vec::new()));
    assert!(ended.stderr.contains("capmedia create"), "{}", ended.stderr);
}
