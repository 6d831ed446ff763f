//! The wizard writes drives: loop devices, which take root.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::command::Bench;
use crate::loops::{Loop, LoopLock};
use crate::terminal::{CTRL_C, ENTER};
use crate::walks::Reply::{Accept, Choose, Type};
use crate::walks::{Script, Walk};

/// From behind the drives to the Summary.
const REST: &Script = &[
    ("Media label:", Accept),
    ("Include autorun.inf", Accept),
    ("Cache folder", Accept),
    ("Boot image:", Accept),
    ("Boot image file", Type("boot.wim")),
    ("Destination", Accept),
    ("Account", Accept),
    ("Created by:", Accept),
    ("Description:", Accept),
    ("Version:", Accept),
];

/// The smallest that the default layout fits on.
const LEN: u64 = 264 << 20;
/// What stood on the drive before.
const OLD: &[u8] = &[0x5A; 4096];

/// A drive with something in its first block.
fn drive(lock: &LoopLock, bench: &Bench) -> (Loop, PathBuf) {
    let path = bench.path("drive");
    let drive = Loop::with_len(lock, &path, LEN, 512);
    write_old(&path);
    (drive, path)
}

fn write_old(path: &PathBuf) {
    File::options().write(true).open(path).unwrap().write_all_at(OLD, 0).unwrap();
}

fn is_old(path: &PathBuf) -> bool {
    let mut found = vec![0; OLD.len()];
    File::open(path).unwrap().read_exact_at(&mut found, 0).unwrap();
    found == OLD
}

/// To the summary of media for a drive that is not removable.
fn to_summary(bench: &Bench, drive: &Loop) -> Walk {
    let mut walk = Walk::start(bench, "");
    walk.walk(&[
        ("Select the type of media:", Accept),
        ("Media type:", Choose("Removable USB drive")),
        ("Format", Choose("Yes")),
        ("Removable USB drive:", Choose("Another drive, by its path")),
    ]);
    walk.asked("Path of the drive:");
    walk.fill(drive.path.to_str().unwrap());
    walk.terminal.keys(ENTER);
    walk.walk(&[("Write it, although", Choose("Yes")), ("Write the same media", Choose("No"))]);
    walk.walk(REST);
    walk.asked("What is to be done?");
    walk
}

fn serial(drive: &Loop) -> String {
    let path = format!("/sys/block/{}/diskseq", drive.name());
    format!("diskseq:{}", std::fs::read_to_string(path).unwrap().trim())
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_stick() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let (drive, file) = drive(&lock, &bench);
    let mut walk = to_summary(&bench, &drive);
    walk.reply("What is to be done?", Choose("Save this job as a request file"));
    walk.reply("Request file:", Type("saved.toml"));
    walk.terminal.wait_for_words("capmedia create --request saved.toml --allow-fixed");
    walk.terminal.wait_for_words(&format!("--yes --drive-serial {}", serial(&drive)));
    // Another name than that of the drive is no consent.
    walk.reply("What is to be done?", Choose("Create the media"));
    walk.reply("Type", Type("sda"));
    walk.asked("What is to be done?");
    assert!(is_old(&file));
    walk.reply("What is to be done?", Choose("Create the media"));
    walk.asked("Type");
    walk.fill(drive.name());
    walk.terminal.keys(ENTER);
    let left = walk.end();
    assert_eq!(left.code, Some(0), "{}", left.shown);
    assert!(left.shown.contains("read back and compared: ok"), "{}", left.shown);

    let other = bench.path("other");
    File::create(&other).and_then(|file| file.set_len(LEN)).unwrap();
    write_old(&other);
    drive.change_file(&other);
    let serial = serial(&drive);
    let ended = bench
        .run(&format!("create --request saved.toml --allow-fixed --yes --drive-serial {serial}"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let same = Command::new("cmp").args([&file, &other]).output().unwrap();
    assert!(same.status.success(), "{same:?}");
}

/// A second drive by its path; Esc behind it takes it back, and the first stays.
#[test]
#[ignore = "needs root and two loop devices"]
fn two_sticks() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let files = [bench.path("a"), bench.path("b")];
    let drives = files.each_ref().map(|file| Loop::with_len(&lock, file, LEN, 512));
    let [first, second] = drives.each_ref().map(|drive| drive.path.to_str().unwrap().to_owned());
    let mut walk = Walk::start(&bench, "");
    walk.walk(&[
        ("Select the type of media:", Accept),
        ("Media type:", Choose("Removable USB drive")),
        ("Format", Choose("Yes")),
    ]);
    let name = |walk: &mut Walk, path: &str, asks: bool| {
        walk.reply("Removable USB drive:", Choose("Another drive, by its path"));
        walk.asked("Path of the drive:");
        walk.fill(path);
        walk.terminal.keys(ENTER);
        if asks {
            walk.reply("Write it, although", Choose("Yes"));
        }
        walk.asked("Write the same media");
    };
    name(&mut walk, &first, true);
    walk.reply("Write the same media", Choose("Yes"));
    name(&mut walk, &second, true);
    // It was agreed to.
    walk.back("Write the same media", "Removable USB drive:");
    name(&mut walk, &second, false);
    walk.reply("Write the same media", Choose("No"));
    walk.walk(REST);
    walk.asked("What is to be done?");
    let screen = walk.terminal.screen();
    assert!(screen.contains("All that is on these 2 drives will be erased:"), "{screen}");
    assert!(screen.contains(&first) && screen.contains(&second), "{screen}");
    assert!(screen.contains("Media:        USB drive"), "all of it is on the screen: {screen}");
    walk.reply("What is to be done?", Choose("Save this job as a request file"));
    walk.reply("Request file:", Type("saved.toml"));
    walk.terminal.wait_for("Saved.");
    walk.reply("What is to be done?", Choose("Cancel"));
    assert_eq!(walk.end().code, Some(130));
    let saved = std::fs::read_to_string(bench.path("saved.toml")).unwrap();
    let paths = format!("path = [\n    \"{first}\",\n    \"{second}\",\n]\n");
    assert!(saved.contains(&paths), "{saved}");
    for file in files {
        let mut found = vec![1; OLD.len()];
        File::open(file).unwrap().read_exact_at(&mut found, 0).unwrap();
        assert!(found.iter().all(|byte| *byte == 0), "it was written");
    }
}

/// Another drive comes in the place of the one that was agreed to, and then none.
#[test]
#[ignore = "needs root and loop devices"]
fn a_drive_that_goes_away() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let (drive, file) = drive(&lock, &bench);
    let mut walk = to_summary(&bench, &drive);
    let detached = Command::new("losetup").arg("-d").arg(&drive.path).status().unwrap();
    assert!(detached.success());
    walk.reply("What is to be done?", Choose("Create the media"));
    // What was agreed to for the drive before does not hold for what is at its path now.
    walk.terminal.wait_for_words("Another drive is at");
    walk.reply("Write it, although", Choose("Yes"));
    walk.terminal.wait_until("the question, or why there is none", |screen| {
        screen.contains("Type") || screen.contains('!')
    });
    if walk.terminal.screen().contains("? Type") {
        walk.fill(drive.name());
        walk.terminal.keys(ENTER);
    }
    // Nothing was written: the answers are still there.
    walk.asked("What is to be done?");
    walk.terminal.keys(CTRL_C);
    let left = walk.end();
    assert!(matches!(left.code, Some(2..=7 | 130)), "{:?}: {}", left.code, left.shown);
    assert!(left.shown.contains(drive.path.to_str().unwrap()), "{}", left.shown);
    assert!(is_old(&file), "{}", left.shown);
}
