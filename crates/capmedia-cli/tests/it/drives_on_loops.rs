//! Drives that are written by the command itself: loop devices, which take root.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Bench, Ended, create, of};
use crate::loops::{Loop, LoopLock, Mounted};
use crate::pty::Session;
use crate::qemu::{ALL_WELL, Firmware, Medium, Qemu};

const MIB: u64 = 1 << 20;
/// The smallest that the default layout fits on.
const LEN: u64 = 264 * MIB;
/// What stood on drives before.
const OLD: &[u8] = &[0x5A; 4096];

/// A drive with something in its first and its last blocks.
fn drive(lock: &LoopLock, bench: &Bench, name: &str) -> (Loop, File) {
    let path = bench.path(name);
    let drive = Loop::with_len(lock, &path, LEN, 512);
    let file = File::options().read(true).write(true).open(path).unwrap();
    file.write_all_at(OLD, 0).unwrap();
    file.write_all_at(OLD, LEN - OLD.len() as u64).unwrap();
    (drive, file)
}

fn serial(drive: &Loop) -> String {
    let number = fs::read_to_string(format!("/sys/block/{}/diskseq", drive.name())).unwrap();
    format!("diskseq:{}", number.trim())
}

/// The command that makes media on drives, without consent.
fn line(drives: &[&Loop]) -> String {
    let paths = drives.iter().map(|drive| format!("--path {}", drive.path.display()));
    let paths = paths.collect::<Vec<_>>().join(" ");
    create("usb").replace("--image-size 40MiB ", "").replace("--path out/capture.img", &paths)
}

/// The same, for a script.
fn with_consent(drives: &[&Loop]) -> String {
    let serials = drives.iter().map(|drive| format!(" --drive-serial {}", serial(drive)));
    format!("{} --allow-fixed --yes{}", line(drives), serials.collect::<String>())
}

fn is_untouched(file: &File) -> bool {
    let mut both = [vec![0; OLD.len()], vec![0; OLD.len()]];
    file.read_exact_at(&mut both[0], 0).unwrap();
    file.read_exact_at(&mut both[1], LEN - OLD.len() as u64).unwrap();
    both.iter().all(|found| found == OLD)
}

fn is_blank(file: &File) -> bool {
    let mut sector = [1; 512];
    file.read_exact_at(&mut sector, 0).unwrap();
    sector == [0; 512]
}

/// Content that takes a while to be written.
fn add_much(bench: &Bench) {
    fs::create_dir(bench.path("big")).unwrap();
    let file = File::create(bench.path("big/file")).unwrap();
    file.set_len(200 * MIB).unwrap();
}

fn start(bench: &Bench, line: &str) -> Child {
    let mut command = bench.command(line.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Ended {
    of(child.wait_with_output().unwrap())
}

/// Waits until the drive's file has so many MiB.
fn wait_for(child: &mut Child, file: &File, mib: u64) {
    let start = Instant::now();
    while file.metadata().unwrap().blocks() * 512 < mib * MIB {
        assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
        assert!(start.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "needs root, loop devices and qemu-system-x86_64"]
fn a_drive_is_an_image_of_its_size_and_starts_a_computer() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let (drive, _) = drive(&lock, &bench, "drive");
    let ended = bench.run(&format!("{} --log log.txt", with_consent(&[&drive])));
    let path = drive.path.display().to_string();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let stdout = String::from_utf8(ended.stdout).unwrap();
    let told = stdout.lines().last().unwrap();
    assert!(told.starts_with(&format!("{path}: written ")), "{stdout}");
    assert!(told.ends_with(", read back and compared: ok"), "{stdout}");
    let log = fs::read_to_string(bench.path("log.txt")).unwrap();
    let name = drive.name();
    for part in [
        format!("[Erasing {path} ({}): --yes --drive-serial]", serial(&drive)),
        format!("[{name} writing 100 %: "),
        format!("[{name} verifying 100 %: "),
        format!("[{path}: written "),
    ] {
        assert!(log.contains(&part), "{part}: {log}");
    }

    let verified = bench.json(&format!("verify --json {path}"));
    assert_eq!(verified["faults"], serde_json::json!([]), "{verified}");
    assert!(
        String::from_utf8(bench.succeed(&format!("inspect {path}"))).unwrap().contains("FAT32")
    );
    let all = bench.json("drives --json --all");
    let listed = all["drives"].as_array().unwrap().iter().find(|drive| drive["name"] == *name);
    assert_eq!(listed.unwrap()["drive-serial"], *serial(&drive), "{all}");

    // What was free on the drive, it was allowed to forget, and a file behind it did.
    let image = create("usb").replace("40MiB", "264MiB");
    bench.succeed(&image);
    let both = [bench.path("out/capture.img"), bench.path("drive")];
    let same = Command::new("cmp").args(both).output().unwrap();
    assert!(same.status.success(), "{same:?}");
    drop(drive);
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let machine = Qemu::with_only(firmware, Medium::Stick, &bench.path("drive"));
        let boot = machine.run(firmware.limit());
        assert_eq!(boot.code, Some(ALL_WELL), "{firmware:?}: {}", boot.serial);
    }
}

#[test]
#[ignore = "needs root and loop devices"]
fn without_consent_nothing_is_touched() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let (drive, file) = drive(&lock, &bench, "drive");
    let line = line(&[&drive]);
    let (name, right) = (drive.name(), serial(&drive));
    let way_out = format!("--yes --drive-serial {right}");
    for (options, said) in [
        ("", "does not say that it is removable"),
        ("--yes", "--allow-fixed"),
        ("--allow-fixed", "no terminal on which the name of a drive could be typed"),
        ("--allow-fixed", &*way_out),
        ("--allow-fixed --yes", &*way_out),
        ("--allow-fixed --force", "--force is for files, and erases no drive"),
        ("--allow-fixed --yes --force", "--force is for files, and erases no drive"),
        ("--allow-fixed --yes --drive-serial diskseq:0", "is none of the drives of --path"),
        ("--allow-fixed --yes --drive-serial 4C53", &*right),
        // One without the other.
        (&*format!("--allow-fixed --drive-serial {right}"), "no terminal"),
    ] {
        let ended = bench.run(&format!("{line} {options}"));
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{options}");
        assert!(ended.stderr.contains(said), "{options}: {}", ended.stderr);
        assert!(is_untouched(&file), "{options}");
    }
    std::os::unix::fs::symlink(&drive.path, bench.path("out/link")).unwrap();
    let ended = bench.run(&format!("{} --path out/link", with_consent(&[&drive])));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("is named twice"), "{}", ended.stderr);
    assert!(is_untouched(&file));
    // Another loop device over the same file.
    let twin = Loop::new(&lock, &bench.path("drive"), 512);
    let ended = bench.run(&with_consent(&[&drive, &twin]));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("both are one drive"), "{}", ended.stderr);
    assert!(is_untouched(&file));
    drop(twin);
    // A log on the drive would be lost.
    let ended = bench.run(&format!("{} --log {}", with_consent(&[&drive]), drive.path.display()));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("is also the output"), "{}", ended.stderr);
    assert!(is_untouched(&file));
    // What only image files have.
    for option in ["--checksum", "--image-size 300MiB", "--sector-size 4096"] {
        let ended = bench.run(&format!("{} {option}", with_consent(&[&drive])));
        assert_eq!(ended.code, Some(2), "{option}: {}", ended.stderr);
        assert!(is_untouched(&file), "{option}");
    }
    let planned = bench.run(&line.replace("create", "plan"));
    assert_eq!(planned.code, Some(0), "{}", planned.stderr);
    assert!(String::from_utf8(planned.stdout).unwrap().contains(name));
    assert!(is_untouched(&file));
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_partition_is_no_drive() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    bench.succeed(&create("usb").replace("40MiB", "264MiB"));
    let image = bench.path("out/capture.img");
    let drive = Loop::new(&lock, &image, 512);
    drive.add_partitions();
    let (path, partition) = (drive.path.display().to_string(), drive.partition(1));
    let partition = partition.display().to_string();
    let before = crate::loops::run("sha256sum", &[crate::loops::text(&image)]);
    let line =
        with_consent(&[&drive]).replace(&format!("--path {path}"), &format!("--path {partition}"));
    let ended = bench.run(&line);
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{}", ended.stderr);
    let said = format!("{partition} is partition 1 of the drive {path}; name the drive");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    assert!(crate::loops::run("sha256sum", &[crate::loops::text(&image)]) == before);
}

/// A drive that changes a byte of what was written to it.
#[test]
#[ignore = "needs root and loop devices"]
fn what_does_not_read_back_is_named_by_file_and_byte() {
    const AT: u64 = 200 * MIB + 77;
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let (drive, file) = drive(&lock, &bench, "drive");
    // Once every write has been made, and long before the byte is read back.
    add_much(&bench);
    let name = drive.name();
    let line = format!("{} --add big=big --log log.txt", with_consent(&[&drive]));
    let mut child = start(&bench, &line);
    let begun = Instant::now();
    let is_written = format!("[{name} writing 100 %: ");
    while !fs::read_to_string(bench.path("log.txt")).unwrap_or_default().contains(&is_written) {
        assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
        assert!(begun.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(1));
    }
    file.write_all_at(&[0x5A], AT).unwrap();
    let ended = end(child);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    for said in [
        &*format!(" of big/file does not read back as it was written (byte {AT} of the drive)"),
        "do not use it",
        "is erased, and no computer starts from it",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(is_blank(&file));
}

#[test]
#[ignore = "needs root, loop devices and mkfs.ext4"]
fn a_mounted_drive_is_unmounted_only_when_that_was_allowed() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let drive = Loop::with_len(&lock, &bench.path("drive"), LEN, 512);
    let path = drive.path.to_str().unwrap();
    crate::loops::run("mkfs.ext4", &["-q", path]);
    fs::create_dir(bench.path("mounted")).unwrap();
    let _mounted = Mounted::new(&[path], &bench.path("mounted"));
    fs::write(bench.path("mounted/file"), "of somebody").unwrap();
    let line = with_consent(&[&drive]);
    let ended = bench.run(&line);
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{}", ended.stderr);
    assert!(ended.stderr.contains("is mounted at"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--unmount"), "{}", ended.stderr);
    assert_eq!(fs::read(bench.path("mounted/file")).unwrap(), b"of somebody");
    // The boot image itself lies there.
    fs::copy(bench.path("boot.wim"), bench.path("mounted/boot.wim")).unwrap();
    let ended = bench.run(&format!("{line} --unmount --boot-image mounted/boot.wim").replacen(
        "--boot-image boot.wim ",
        "",
        1,
    ));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("which would be wiped"), "{}", ended.stderr);
    assert!(bench.path("mounted/boot.wim").exists());
    let ended = bench.run(&format!("{line} --unmount"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(fs::read_dir(bench.path("mounted")).unwrap().next().is_none());
}

#[test]
#[ignore = "needs root and loop devices"]
fn the_name_is_typed_on_a_terminal() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let (drive, file) = drive(&lock, &bench, "drive");
    let name = drive.name().to_owned();
    let line = format!("{} --allow-fixed", line(&[&drive]));
    let ask = || {
        let mut session = Session::start(&mut bench.command(line.split_whitespace()));
        session.wait_for(&format!("Type the name of the drive, {name}, to erase it: "));
        session
    };
    for wrong in ["y", "yes", "sdb", "", &format!("{name}1")] {
        let mut session = ask();
        session.write(&format!("{wrong}\n"));
        let (code, shown) = session.end();
        assert_eq!(code, Some(2), "{wrong}: {shown}");
        assert!(shown.contains(&format!("not {name}; nothing was erased")), "{shown}");
        assert!(is_untouched(&file), "{wrong}");
    }
    // The end of the input, and a signal.
    let mut session = ask();
    session.write("\u{4}");
    let (code, shown) = session.end();
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("was not typed; nothing was erased"), "{shown}");
    let session = ask();
    let kill = Command::new("kill").args(["-INT", &session.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let (code, shown) = session.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(is_untouched(&file));

    let mut session = ask();
    for part in ["will be erased", "264.0 MiB", &*serial(&drive), "not removable"] {
        session.wait_for(part);
    }
    session.write(&format!("{name}\n"));
    let (code, shown) = session.end();
    assert_eq!(code, Some(0), "{shown}");
    // A line for the drive, while it was written.
    assert!(shown.contains("writing") || shown.contains("verifying"), "{shown}");
    assert!(!is_blank(&file) && !is_untouched(&file));
    bench.succeed(&format!("verify {}", drive.path.display()));
}

/// A drive that takes 24 MiB, whatever it says.
fn short(lock: &LoopLock, bench: &Bench, name: &str) -> (Mounted, Loop) {
    let folder = bench.path(name);
    fs::create_dir(&folder).unwrap();
    let mounted = Mounted::new(&["-t", "tmpfs", "-o", "size=24m", "none"], &folder);
    (mounted, Loop::with_len(lock, &folder.join("drive"), LEN, 512))
}

fn outcomes(told: &Value) -> Vec<(&str, bool)> {
    let drives = told["drives"].as_array().unwrap().iter();
    drives.map(|drive| (drive["status"].as_str().unwrap(), drive["failure"].is_object())).collect()
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_drive_that_fails_stops_no_other() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    add_much(&bench);
    let good: Vec<(Loop, File)> =
        ["a", "b", "c"].iter().map(|name| drive(&lock, &bench, name)).collect();
    let (_mounted, bad) = short(&lock, &bench, "short");
    let drives = [&good[0].0, &bad, &good[1].0, &good[2].0];
    let line = format!("{} --add big=big", with_consent(&drives));
    let ended = bench.run(&format!("{line} --json"));
    assert_eq!((ended.code, &*ended.stderr), (Some(7), ""));
    let told = crate::command::json(&ended.stdout);
    let expected = [("ok", false), ("failed", true), ("ok", false), ("ok", false)];
    assert_eq!(outcomes(&told), expected, "{told}");
    assert!(is_blank(&File::open(bench.path("short/drive")).unwrap()));
    for (drive, _) in &good {
        bench.succeed(&format!("verify {}", drive.path.display()));
    }

    let ended = bench.run(&format!("{line} --no-verify --log log.txt"));
    assert_eq!(ended.code, Some(7), "{}", ended.stderr);
    let stdout = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(stdout.matches(", not read back").count(), 3, "{stdout}");
    let bad_path = bad.path.display().to_string();
    assert!(
        stdout.contains(&format!(
            "{bad_path}: failed; it is erased, and no computer starts from it\n"
        )),
        "{stdout}"
    );
    assert!(ended.stderr.contains("error: 1 of 4 drives were not done"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&bad_path), "{}", ended.stderr);
    let log = fs::read_to_string(bench.path("log.txt")).unwrap();
    assert!(log.contains("type=\"3\"") && !log.contains("[Done.]"), "{log}");

    // Alone, it is all of them.
    for option in ["--json", "--quiet"] {
        let ended = bench.run(&format!("{} --add big=big {option}", with_consent(&[&bad])));
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        match option {
            "--json" => {
                let told = crate::command::json(&ended.stdout);
                assert_eq!(outcomes(&told), [("failed", true)], "{told}");
            }
            _ => {
                assert!(ended.stdout.is_empty());
                assert!(ended.stderr.contains("the drive was not done"), "{}", ended.stderr);
            }
        }
    }
}

/// Whatever ends a run: a drive that is not whole has no partition table.
#[test]
#[ignore = "needs root and loop devices"]
fn a_run_that_ends_early_leaves_no_partition_table() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    add_much(&bench);
    let (first, file) = drive(&lock, &bench, "a");
    let (second, other) = drive(&lock, &bench, "b");
    let line = format!("{} --add big=big", with_consent(&[&first, &second]));
    for (signal, code, mib) in [("-INT", Some(130), 10), ("-KILL", None, 20), ("-KILL", None, 90)] {
        // As it was before.
        punch(&bench.path("a"));
        punch(&bench.path("b"));
        file.write_all_at(OLD, 0).unwrap();
        other.write_all_at(OLD, 0).unwrap();
        let mut child = start(&bench, &line);
        wait_for(&mut child, &file, mib);
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let ended = end(child);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(is_blank(&file) && is_blank(&other), "{signal}");
        if code.is_some() {
            assert!(ended.stderr.contains("error: no drive has the media"), "{}", ended.stderr);
            for drive in [&first, &second] {
                let said = format!("{} is erased, and no computer", drive.path.display());
                assert!(ended.stderr.contains(&said), "{}", ended.stderr);
            }
            assert!(ended.stderr.contains("cancelled at byte"), "{}", ended.stderr);
        }
    }
    let ended = bench.run(&line);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!is_blank(&file) && !is_blank(&other));
}

/// Gives the room of a file back.
fn punch(path: &Path) {
    let len = LEN.to_string();
    crate::loops::run("fallocate", &["-p", "-l", &len, crate::loops::text(path)]);
}

#[test]
#[ignore = "needs root, loop devices"]
fn text_and_picture_tell_what_larger_drives_do_not_use() {
    let lock = LoopLock::take();
    let bench = Bench::new();
    let (small, small_file) = drive(&lock, &bench, "small");
    let large = Loop::with_len(&lock, &bench.path("large"), LEN + 100 * MIB, 512);
    let about = |drives: &[&Loop], svg: &str| {
        let line = line(drives).replacen("create", "plan", 1);
        let text = String::from_utf8(bench.succeed(&format!("{line} --map --svg {svg}"))).unwrap();
        let map: Value =
            serde_json::from_slice(&bench.succeed(&format!("{line} --map --json"))).unwrap();
        (text, fs::read_to_string(bench.path(svg)).unwrap(), map["map"]["larger-drives"].clone())
    };
    let (text, svg, larger) = about(&[&small, &large], "both.svg");
    let told = "One drive is larger: 100.0 MiB of it stay unused.";
    assert!(text.lines().any(|line| line == told), "{text}");
    assert_eq!(svg.matches(told).count(), 2, "as words, and in the description: {svg}");
    let path = large.path.display().to_string();
    assert_eq!(larger, serde_json::json!([{ "path": path, "unused-bytes": 100 * MIB }]));
    let (text, svg, larger) = about(&[&large], "one.svg");
    assert!(!text.contains("larger") && !svg.contains("larger") && larger.is_null(), "{text}");
    assert!(is_untouched(&small_file));
}
