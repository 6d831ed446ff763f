//! `--no-format` on drives and partitions of them: loop devices, which take root.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::command::{Bench, create, json};
use crate::loops::{Loop, LoopLock, Mounted, run, text};

const MIB: u64 = 1 << 20;

fn line(path: &Path) -> String {
    let line = create("usb").replace("--image-size 40MiB", "--no-format --allow-fixed");
    line.replace("out/capture.img", text(path))
}

/// Another boot image with the same boot files.
fn change_boot_image(bench: &Bench, file: &[u8]) {
    let path = r"Windows\System32\winpeshl.ini";
    let architecture = wim_image::Architecture::Amd64;
    bench.put("boot.wim", crate::fixtures::changed_sample(architecture, &[(path, Some(file))]));
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
