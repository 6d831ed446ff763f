//! A run needs little memory and no temporary disk space, however large the boot image is.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufWriter, Read, repeat};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use extent_image::{BytesSource, Source};
use wim_image::Wim;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::command::{Bench, create, names_in};

const BIG: u64 = 500 << 20;
/// What the project promises.
pub(crate) const LIMIT_KIB: u64 = 64 << 10;

/// Half a gigabyte that costs nothing to keep.
struct Big;

impl Source for Big {
    fn len(&self) -> u64 {
        BIG
    }

    fn open(&self, from: u64) -> std::io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(repeat(0x5A).take(BIG - from)))
    }

    fn describe(&self) -> String {
        "half a gigabyte".to_owned()
    }
}

/// The sample with a file of 500 MiB in it.
fn big_boot_image(bench: &Bench) {
    let bytes = capmedia::sample::boot_image().unwrap();
    let wim = Wim::open(Arc::new(BytesSource::new("sample", bytes))).unwrap();
    let image = wim.image(1).unwrap();
    let mut big = ImageBuilder::new("big", capmedia::sample::TIME)
        .with_architecture(wim_image::Architecture::Amd64);
    for entry in image.walk().filter(|entry| !entry.is_folder()) {
        let file = Arc::new(wim.file(entry).unwrap());
        big = big.with_file(&entry.path(), file, entry.modified()).unwrap();
    }
    let big = big.with_file(r"sources\install.wim", Arc::new(Big), capmedia::sample::TIME).unwrap();
    let file = File::create(bench.path("boot.wim")).unwrap();
    let wim = WimBuilder::new().with_image(big).with_boot_index(1);
    assert!(wim.write_to(BufWriter::with_capacity(1 << 20, file)).unwrap() > BIG);
}

/// Most memory that a process had at once, in KiB, looked at until it ends.
pub(crate) fn most_memory(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(now.unwrap_or(0));
        thread::sleep(Duration::from_millis(2));
    }
    most
}

#[test]
fn media_of_a_large_boot_image_takes_little_memory_and_no_temporary_files() {
    let bench = Bench::new();
    big_boot_image(&bench);
    let temporary = bench.path("temporary");
    fs::create_dir(&temporary).unwrap();
    for kind in ["cd-dvd", "usb"] {
        let line = create(kind).replace("--image-size 40MiB ", "");
        let mut command = bench.command(line.split_whitespace());
        command.env("TMPDIR", &temporary).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let most = most_memory(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(most > 0 && most < LIMIT_KIB, "{kind}: {most} KiB");
        println!("{kind}: {most} KiB at most");
        assert!(names_in(&temporary).is_empty());
        // What is made lies under its name alone, and nothing else was ever needed.
        let image = if kind == "usb" { "capture.img" } else { "capture.iso" };
        assert_eq!(bench.out(), [image]);
        fs::remove_file(bench.path("out").join(image)).unwrap();
    }
}
