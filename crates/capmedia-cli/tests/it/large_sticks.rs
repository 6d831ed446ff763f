//! Large sticks as images, made by the command: sparse files, a table and a volume of that size.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::command::{Bench, create};
use crate::loops::{Loop, LoopLock, run, text};
use crate::memory::{LIMIT_KIB, most_memory};
use crate::winpe::tool;

/// As drives are sold.
const GB: u64 = 1_000_000_000;
const MIB: u64 = 1 << 20;

/// Makes such a stick and has others judge it.
fn judged(size: &str, len: u64, table: &str) {
    let bench = Bench::new();
    let options = format!("--image-size {size} --partition-table {table} --label Large");
    let line = create("usb").replace("--image-size 40MiB", &options);
    let begun = Instant::now();
    let mut command = bench.command(line.split_whitespace());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let memory = most_memory(&mut child);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let made = begun.elapsed();
    assert!(memory > 0 && memory < LIMIT_KIB, "{memory} KiB");
    let image = bench.path("out/capture.img");
    let found = fs::metadata(&image).unwrap();
    assert_eq!(found.len(), len);

    // On standard error it says of 2 TiB with an MBR that the last sector of all cannot be used.
    let dumped = run("sfdisk", &["--json", text(&image)]);
    let told: Value = serde_json::from_str(&dumped).unwrap();
    let told = &told["partitiontable"];
    let [partition] = &told["partitions"].as_array().unwrap()[..] else { panic!("{told}") };
    let label = if table == "mbr" { "dos" } else { "gpt" };
    assert_eq!((&told["label"], &told["sectorsize"]), (&json!(label), &json!(512)), "{told}");
    let start = partition["start"].as_u64().unwrap() * 512;
    let end = start + partition["size"].as_u64().unwrap() * 512;
    // Nothing of the drive is given away but the ends that do not fill a MiB.
    assert_eq!(start, MIB, "{told}");
    assert!(end <= len && len - end <= 2 * MIB, "{told}");
    match table {
        "mbr" => {
            assert_eq!((&partition["type"], &partition["bootable"]), (&json!("c"), &json!(true)));
            let _ = run("sfdisk", &["--verify", text(&image)]);
        }
        _ => {
            let judged = run("sgdisk", &["--verify", text(&image)]);
            assert!(judged.contains("No problems found"), "{judged}");
        }
    }

    let lock = LoopLock::take();
    let volume = Loop::of_part(&lock, &image, start..end);
    let _ = tool(Command::new("fsck.fat").args(["-n", "-v"]).arg(&volume.path));
    let label = tool(Command::new("mlabel").args(["-s", "-i", text(&volume.path), "::"]));
    assert!(label.contains("LARGE"), "{label}");
    drop(volume);
    drop(lock);
    let begun_to_verify = Instant::now();
    let verified = bench.json("verify --json out/capture.img");
    assert_eq!(verified["faults"], json!([]), "{verified}");
    println!(
        "{size} with {table}: made in {} ms with {memory} KiB at most, {} KiB on disk; \
         verified in {} ms",
        made.as_millis(),
        std::os::unix::fs::MetadataExt::blocks(&found) / 2,
        begun_to_verify.elapsed().as_millis()
    );
}

#[test]
#[ignore = "needs root, loop devices, fsck.fat, mtools, sfdisk and sgdisk"]
fn of_64_and_256_gb() {
    for (size, len) in [("64GB", 64 * GB), ("256GB", 256 * GB)] {
        judged(size, len, "mbr");
        judged(size, len, "gpt");
    }
}

#[test]
#[ignore = "needs root, loop devices, fsck.fat, mtools, sfdisk and sgdisk"]
fn of_2_tb() {
    judged("2000GB", 2000 * GB, "mbr");
    judged("2000GB", 2000 * GB, "gpt");
}

/// Behind a GPT the volume may have all sectors that FAT32 counts; an MBR must reach its end, too.
#[test]
#[ignore = "needs root, loop devices, fsck.fat, mtools, sfdisk and sgdisk"]
fn of_as_much_as_fat32_counts() {
    judged("2048GiB", 2048 << 30, "mbr");
    judged("2097154MiB", 2_097_154 * MIB, "gpt");
}

#[test]
fn more_than_fat32_counts_is_refused() {
    let bench = Bench::new();
    for (size, table) in [("2097154MiB", "mbr"), ("2097155MiB", "gpt"), ("3000GB", "gpt")] {
        let options = format!("--image-size {size} --partition-table {table}");
        let ended = bench.run(&create("usb").replace("--image-size 40MiB", &options));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let said = "a FAT32 volume and its partition end at";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(ended.stderr.contains("give 2048GiB or less"), "{}", ended.stderr);
        assert!(bench.out().is_empty());
    }
}
