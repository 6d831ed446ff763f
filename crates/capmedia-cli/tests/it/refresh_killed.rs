//! A refresh that is killed (`kill -9`) at any moment leaves the old media or the new.
//!
//! Moments are counts of writes as the kernel has them for the process (`/proc/PID/io`): spread over
//! those of a whole run, nearly all of them fall between the first write and the last, however fast
//! the machine is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::command::{Bench, create, json};
use crate::loops::{Loop, LoopLock, text};
use crate::stick_tools::{Random, Stick, change_boot_image};

const KILLS: u64 = 20;
/// About as many writes lead from the content to the end: FAT, root directory, FAT, marks.
const LAST_WRITES: u64 = 14;
/// What changes in the boot image.
const CHANGED: usize = 24 << 20;
const PHOTO: &str = "Private/photo with a long name.jpg";

/// Media with a large boot image and a folder.
fn old_media(options: &str, big: &[u8]) -> Bench {
    let bench = Bench::new();
    change_boot_image(&bench, big);
    bench.put("old/tool.txt", "old");
    let options = format!("--image-size 160MiB {options} --add old=Tools");
    let ended = bench.run(&create("usb").replace("--image-size 40MiB", &options));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    bench
}

#[test]
#[ignore = "needs fsck.fat, mtools and sha256sum"]
fn of_an_image() {
    let mut random = Random::seeded();
    let big = random.bytes(CHANGED);
    let bench = old_media("--partition-table none", &big);
    let image = bench.path("out/capture.img");
    kill_at_many_moments(&Stick::new(bench), "out/capture.img", &image, big, random);
}

#[test]
#[ignore = "needs root, loop devices, fsck.fat, mtools and sha256sum"]
fn of_a_drive_with_an_mbr() {
    of_a_drive("mbr", |drive| drive.path.clone());
}

#[test]
#[ignore = "needs root, loop devices, fsck.fat, mtools and sha256sum"]
fn of_a_partition_of_a_gpt() {
    of_a_drive("gpt", |drive| drive.partition(1));
}

/// `path`: what is named to the command.
fn of_a_drive(table: &str, path: impl Fn(&Loop) -> PathBuf) {
    let mut random = Random::seeded();
    let big = random.bytes(CHANGED);
    let bench = old_media(&format!("--partition-table {table}"), &big);
    let bytes = bench.path("out/capture.img");
    let lock = LoopLock::take();
    let drive = Loop::new(&lock, &bytes, 512);
    drive.add_partitions();
    let stick = Stick::on(bench, drive.partition(1));
    kill_at_many_moments(&stick, text(&path(&drive)), &bytes, big, random);
}

/// `path`: the stick as the command gets it; `bytes`: the file that has its bytes.
fn kill_at_many_moments(
    stick: &Stick,
    path: &str,
    bytes: &Path,
    mut big: Vec<u8>,
    mut random: Random,
) {
    let bench = &stick.bench;
    stick.put("letter.txt", b"dear");
    assert!(stick.mtools("mmd", &["::Private"]).status.success());
    let photo = random.bytes(3 << 20);
    stick.put(PHOTO, &photo);
    let before = bench.path("before.img");
    fs::copy(bytes, &before).unwrap();
    let old = stick.whole_media();

    big.reverse();
    change_boot_image(bench, &big);
    bench.put("new/other.txt", "new");
    let options = "--no-format --allow-fixed --add new=Other --label Refreshed";
    let line = create("usb").replace("--image-size 40MiB", options);
    let line = line.replace("out/capture.img", path);
    let line = match path.starts_with("/dev/") {
        true => line,
        false => line.replace("--allow-fixed ", ""),
    };
    let told = bench.run(&format!("{line} --json"));
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let report = json(&told.stdout);
    assert_eq!(report["removed"], json!(["Tools/tool.txt"]), "{report}");
    assert_eq!(report["foreign"], json!([PHOTO, "letter.txt"]), "{report}");
    let new = stick.whole_media();
    assert_ne!(old, new);
    // Without a word, which would be writes too.
    let line = format!("{line} --quiet");
    put_back(&before, bytes);
    let begun = Instant::now();
    let writes = writes_to_its_end(start(bench, &line));
    println!("a whole run has {writes} writes and takes {} ms", begun.elapsed().as_millis());

    let mut ends = BTreeMap::<&str, usize>::new();
    let (mut kill, mut tries) = (0, 0);
    while kill < KILLS {
        tries += 1;
        assert!(tries <= 3 * KILLS, "too few runs could be killed: {ends:?}");
        put_back(&before, bytes);
        // Every other one among the last writes, all others spread over all: most writes are content.
        let moment = match kill % 2 {
            0 => (kill * writes + random.below(2 * writes)) / KILLS + 1,
            _ => writes.saturating_sub(random.below(LAST_WRITES)),
        };
        let mut child = start(bench, &line);
        let was_running = wait_for_write(&mut child, moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let when = format!("kill {kill}, at write {moment}");
        let changed = !same(bytes, &before);
        let found = stick.whole_media();
        assert!(found == old || found == new, "{when}: neither of the media");
        let mut complaints = stick.complaints();
        if found == new {
            complaints.retain(|line| !is_of_the_label(line));
        }
        assert_eq!(complaints, [""; 0], "{when}");
        let end = match (was_running, changed, found == new) {
            (false, ..) => "ran to its end",
            (_, false, _) => "nothing written yet",
            (_, _, false) => "old media, writing",
            (_, _, true) => "new media, writing",
        };
        *ends.entry(end).or_default() += 1;
        println!("{when}: {end}");
        if !was_running {
            continue;
        }
        kill += 1;
        assert_eq!(stick.get("letter.txt"), b"dear", "{when}");
        assert!(stick.get(PHOTO) == photo, "{when}");
        let verified = bench.run(&format!("verify --json {path}"));
        assert_eq!(json(&verified.stdout)["faults"], json!([]), "{when}");

        let again = bench.run(&line);
        assert_eq!(again.code, Some(0), "{when}: {}", again.stderr);
        assert_eq!(stick.whole_media(), new, "{when}");
        assert_eq!(stick.complaints(), [""; 0], "{when}");
    }
    println!("{ends:?}");
    let writing = ends.iter().filter(|(end, _)| end.ends_with("writing")).map(|(_, n)| n);
    assert!(writing.sum::<usize>() >= 15, "too few moments fell into the writing: {ends:?}");
}

fn start(bench: &Bench, line: &str) -> Child {
    let mut command = bench.command(line.split_whitespace());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Writes of a process so far; none of one that has ended.
fn writes_of(child: &Child) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{}/io", child.id())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("syscw: "))?.parse().ok()
}

/// How many writes a run has.
fn writes_to_its_end(mut child: Child) -> u64 {
    let mut writes = 0;
    loop {
        writes = writes_of(&child).unwrap_or(0).max(writes);
        match child.try_wait().unwrap() {
            Some(status) if status.success() => return writes,
            Some(status) => panic!("{status}"),
            None => thread::sleep(Duration::from_micros(100)),
        }
    }
}

/// Whether it was running still.
fn wait_for_write(child: &mut Child, moment: u64) -> bool {
    while child.try_wait().unwrap().is_none() {
        match writes_of(child) {
            Some(writes) if writes >= moment => return child.try_wait().unwrap().is_none(),
            // It compares, and will for a while.
            Some(0) => thread::sleep(Duration::from_micros(500)),
            _ => thread::yield_now(),
        }
    }
    false
}

/// Writes what differs, so that it takes no longer than it must.
fn put_back(from: &Path, to: &Path) {
    let from = File::open(from).unwrap();
    let to = File::options().read(true).write(true).open(to).unwrap();
    let len = from.metadata().unwrap().len();
    let (mut wanted, mut found) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    for at in (0..len).step_by(1 << 20) {
        let part = (len - at).min(1 << 20) as usize;
        from.read_exact_at(&mut wanted[..part], at).unwrap();
        to.read_exact_at(&mut found[..part], at).unwrap();
        if wanted[..part] != found[..part] {
            to.write_all_at(&wanted[..part], at).unwrap();
        }
    }
}

fn same(a: &Path, b: &Path) -> bool {
    let status = Command::new("cmp").arg("--silent").args([a, b]).status();
    status.expect("cmp").success()
}

/// Whether fsck.fat finds that the label is new in the root folder, as the media is, and not yet in the boot
/// sector or the copy of that: three sectors. It says so of any two of them that differ, also where the boot
/// sector has no label, so that no order of writes avoids it.
fn is_of_the_label(complaint: &str) -> bool {
    // The label in the boot sector (Microsoft's FAT specification, section 3.3).
    const BYTES: RangeInclusive<u32> = 71..=81;
    let differs = |entry: &str| {
        let offset = entry.trim().split(':').next().and_then(|offset| offset.parse().ok());
        offset.is_some_and(|offset| BYTES.contains(&offset))
    };
    let of_two = "Volume label 'REFRESHED' stored in root directory and label 'CONFIGURATI' stored in \
                  boot sector and different.";
    complaint == of_two
        || complaint == "Auto-copying volume label from root directory to boot sector."
        || complaint.trim_end_matches(',').split(',').all(differs)
}
