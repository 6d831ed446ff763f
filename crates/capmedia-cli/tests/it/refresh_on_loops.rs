//! `--no-format` on drives and partitions of them: loop devices, which take root.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::command::{Bench, create, json, of};
use crate::loops::{Loop, LoopLock, Mounted, run, text};
use crate::stick_tools::{Random, Stick, change_boot_image, spoil_second_fat};

const MIB: u64 = 1 << 20;

fn line(path: &Path) -> String {
    let line = create("usb").replace("--image-size 40MiB", "--no-format --allow-fixed");
    line.replace("out/capture.img", text(path))
}

#[track_caller]
fn refreshed(bench: &Bench, line: &str) -> serde_json::Value {
    let ended = bench.run(&format!("{line} --json"));
    assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
    let made = json(&ended.stdout);
    assert_eq!((&made["verified"], &made["guarantee"]), (&json!(true), &json!("media")));
    made
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_drive_and_a_partition_of_it() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    bench.succeed(&create("usb").replace("40MiB", "60MiB"));
    let drive = Loop::new(&lock, &bench.path("out/capture.img"), 512);
    drive.add_partitions();
    let fixed = bench.run(&line(&drive.path).replace("--allow-fixed", ""));
    assert_eq!(fixed.code, Some(2), "{}", fixed.stderr);
    assert!(fixed.stderr.contains("--allow-fixed"), "{}", fixed.stderr);
    let paths = [&*drive.path, &drive.partition(1), &drive.path];
    for (path, file) in paths.into_iter().zip([&b"1"[..], b"22", b"333"]) {
        change_boot_image(&bench, file);
        let made = refreshed(&bench, &line(path));
        assert_eq!(made["partition"], json!(1), "{made}");
        assert_ne!(made["files-written"], json!(0), "{made}");
        assert_eq!(refreshed(&bench, &line(path))["files-written"], json!(0));
        let verified = bench.json(&format!("verify --json {}", drive.path.display()));
        assert_eq!(verified["faults"], json!([]), "{verified}");
    }
    drop(drive);
    bench.succeed("verify out/capture.img");
}

#[test]
#[ignore = "needs root, loop devices, sfdisk, mkfs.fat and mkfs.ext4"]
fn a_drive_that_is_mounted_is_unmounted_where_that_is_asked_for() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let image = bench.path("drive");
    fs::File::create(&image).and_then(|file| file.set_len(200 * MIB)).unwrap();
    let table = bench.put("table", "size=100MiB, type=0c, bootable\ntype=83\n");
    let table = fs::File::open(table).unwrap();
    let made = Command::new("sfdisk").arg("-q").arg(&image).stdin(table).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let drive = Loop::new(&lock, &image, 512);
    drive.add_partitions();
    run("mkfs.fat", &["-F", "32", "-s", "1", text(&drive.partition(1))]);
    run("mkfs.ext4", &["-q", text(&drive.partition(2))]);
    let folder = bench.path("mounted");
    fs::create_dir(&folder).unwrap();
    let mounted = Mounted::new(&[text(&drive.partition(2))], &folder);
    fs::write(folder.join("letter"), "dear").unwrap();
    for path in [&*drive.path, &drive.partition(1)] {
        let ended = bench.run(&line(path));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("is mounted at"), "{}", ended.stderr);
        // `plan` has no option to unmount.
        let ended = bench.run(&line(path).replace("create", "plan").replace("--allow-fixed", ""));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("as --path, or unmount it"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("--unmount"), "{}", ended.stderr);
    }
    assert!(folder.join("letter").exists());
    let made = refreshed(&bench, &format!("{} --unmount", line(&drive.partition(1))));
    assert_eq!(made["partition"], json!(1), "{made}");
    assert!(!folder.join("letter").exists());
    drop(mounted);
    let mounted = Mounted::new(&[text(&drive.partition(2))], &folder);
    assert_eq!(fs::read_to_string(folder.join("letter")).unwrap(), "dear");
    drop(mounted);
    change_boot_image(&bench, b"1");
    let _ = refreshed(&bench, &line(&drive.path));
}

/// Its bytes, to be compared.
fn digest(file: &Path) -> String {
    run("sha256sum", &[text(file)])
}

#[test]
#[ignore = "needs root, loop devices and fsck.fat"]
fn a_volume_whose_fats_differ_is_refused() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    bench.succeed(&create("usb").replace("40MiB", "60MiB"));
    let image = bench.path("out/capture.img");
    spoil_second_fat(&image, MIB);
    let drive = Loop::new(&lock, &image, 512);
    drive.add_partitions();
    change_boot_image(&bench, b"1");
    let before = digest(&image);
    for path in [&*drive.path, &drive.partition(1)] {
        for options in ["", " --force"] {
            let ended = bench.run(&format!("{}{options}", line(path)));
            assert_eq!((ended.code, ended.stdout.len()), (Some(5), 0), "{}", ended.stderr);
            for says in [
                &*format!("{} was not brought up to date", drive.path.display()),
                "FAT 2 differs from FAT 1 in sector",
                "run fsck.fat or chkdsk first",
            ] {
                assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
            }
            assert_eq!(digest(&image), before, "{options}");
        }
    }
    // The way out that it names.
    let repair = Command::new("fsck.fat").arg("-a").arg(drive.partition(1)).output().unwrap();
    assert!(matches!(repair.status.code(), Some(0 | 1)), "{repair:?}");
    let _ = refreshed(&bench, &line(&drive.path));
    bench.succeed(&format!("verify {}", drive.path.display()));
}

/// The drive takes writes up to some point, as failing ones do.
#[test]
#[ignore = "needs root, loop devices, fsck.fat, mtools and sha256sum"]
fn a_write_error_in_the_middle_leaves_the_old_media() {
    let (lock, bench) = (LoopLock::take(), Bench::new());
    let folder = bench.path("small");
    fs::create_dir(&folder).unwrap();
    let size = |mib: u32| format!("size={mib}m");
    let mounted = Mounted::new(&["-t", "tmpfs", "-o", &size(40), "none"], &folder);
    let create = create("usb").replace("40MiB", "300MiB");
    bench.succeed(&create.replace("out/capture.img", "small/drive"));
    let drive = Loop::new(&lock, &folder.join("drive"), 512);
    drive.add_partitions();
    let stick = Stick::on(bench, drive.partition(1));
    let old = stick.whole_media();
    let blocks = fs::metadata(folder.join("drive")).unwrap().blocks();
    // Room for 60 % of what is to be written.
    let big = Random::seeded().bytes(20 * MIB as usize);
    change_boot_image(&stick.bench, &big);
    let room = blocks * 512 + stick.bench.path("boot.wim").metadata().unwrap().len() * 6 / 10;
    let resize = |bytes: u64| {
        run("mount", &["-o", &format!("remount,size={bytes}"), text(&folder)]);
    };
    resize(room);
    let ended = stick.bench.run(&line(&drive.path));
    assert_eq!((ended.code, ended.stdout.len()), (Some(5), 0), "{}", ended.stderr);
    for says in ["was not brought up to date", "cannot write"] {
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
    println!("{}", ended.stderr);
    assert_eq!(stick.complaints(), [""; 0]);
    assert_eq!(stick.whole_media(), old);
    resize(400 * MIB);
    let _ = refreshed(&stick.bench, &line(&drive.path));
    assert_ne!(stick.whole_media(), old);
    assert_eq!(stick.complaints(), [""; 0]);
    drop(drive);
    drop(mounted);
}

/// A drive that changes a byte of what was written to it.
#[test]
#[ignore = "needs root and loop devices"]
fn what_does_not_read_back_is_named_by_file_and_byte() {
    // Behind the old boot image and in the new one.
    const AT: u64 = 100 * MIB + 77;
    let (lock, bench, mut random) = (LoopLock::take(), Bench::new(), Random::seeded());
    change_boot_image(&bench, &random.bytes(64 << 20));
    bench.succeed(&create("usb").replace("40MiB", "300MiB"));
    let image = bench.path("out/capture.img");
    let drive = Loop::new(&lock, &image, 512);
    change_boot_image(&bench, &random.bytes(64 << 20));
    let file = fs::File::options().read(true).write(true).open(&image).unwrap();
    // The mark of use, which goes with the last write.
    let is_in_use = || {
        let mut mark = [0];
        file.read_exact_at(&mut mark, MIB + 0x41).unwrap();
        mark != [0]
    };
    let line = line(&drive.path);
    let mut command = bench.command(line.split_whitespace());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for awaited in [true, false] {
        while is_in_use() != awaited {
            assert_eq!(child.try_wait().unwrap(), None, "ended before it could be caught");
            thread::sleep(Duration::from_micros(200));
        }
    }
    let mut byte = [0];
    file.read_exact_at(&mut byte, AT).unwrap();
    file.write_all_at(&[!byte[0]], AT).unwrap();
    let ended = of(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stdout.len()), (Some(5), 0), "{}", ended.stderr);
    let place = format!("which is byte {AT} of {}", drive.path.display());
    for says in ["sources/boot.wim: differs at byte ", &*place, "the stick may be failing"] {
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
}
