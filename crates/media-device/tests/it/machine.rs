//! A folder that looks like a machine: what the kernel says of drives in /sys, /proc and /dev.
//!
//! Used by the tests of several crates: `#[path = "../../../media-device/tests/it/machine.rs"]`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(dead_code, reason = "each crate's tests use a part")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use media_device::{Drive, System};
use tempfile::TempDir;

/// Where the kernel finds a USB stick, as far as it matters.
pub(crate) const STICK: &str = "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0";
pub(crate) const MIB: u64 = 1 << 20;

pub(crate) struct Machine {
    folder: TempDir,
}

impl Machine {
    /// Without a drive.
    pub(crate) fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["sys/block", "sys/class/block", "sys/devices", "dev", "proc/self"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        fs::write(machine.path("proc/self/mountinfo"), "").unwrap();
        fs::write(machine.path("proc/swaps"), "Filename Type Size Used Priority\n").unwrap();
        machine
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn system(&self) -> System {
        System::at(self.folder.path())
    }

    pub(crate) fn drive(&self, name: &str) -> Drive {
        self.system().drive(&self.path("dev").join(name)).unwrap()
    }

    /// A block device below the device at `way`, of `len` bytes, with facts that differ from those
    /// of any drive.
    pub(crate) fn with_drive(
        self,
        way: &str,
        name: &str,
        number: &str,
        len: u64,
        facts: &[(&str, &str)],
    ) -> Self {
        let device = self.path("sys/devices").join(way);
        let folder = device.join("block").join(name);
        fs::create_dir_all(folder.join("queue")).unwrap();
        fs::create_dir_all(folder.join("holders")).unwrap();
        symlink(&device, folder.join("device")).unwrap();
        symlink(&folder, self.path("sys/block").join(name)).unwrap();
        symlink(&folder, self.path("sys/class/block").join(name)).unwrap();
        fs::write(self.path("dev").join(name), "").unwrap();
        let size = (len / 512).to_string();
        let all = [("dev", number), ("size", &size), ("removable", "0"), ("ro", "0")];
        let blocks = [("queue/logical_block_size", "512"), ("queue/physical_block_size", "512")];
        for (fact, value) in all.iter().chain(&blocks).chain(facts) {
            self.fact(name, fact, format!("{value}\n").as_bytes());
        }
        self
    }

    /// A stick of some make: removable, on USB.
    pub(crate) fn with_stick(
        self,
        name: &str,
        number: &str,
        len: u64,
        serial: Option<&str>,
    ) -> Self {
        // Each in a port of its own.
        let way = STICK.replace("1-2", &format!("1-{}", name.bytes().map(u32::from).sum::<u32>()));
        let facts = [
            ("removable", "1"),
            ("device/vendor", "SanDisk "),
            ("device/model", "Cruzer Blade    "),
        ];
        let machine = self.with_drive(&way, name, number, len, &facts);
        let usb = machine.path("sys/devices").join(way.split("/1-").next().unwrap());
        let usb = usb.join(way.split('/').nth(3).unwrap());
        fs::write(usb.join("idVendor"), "0781\n").unwrap();
        if let Some(serial) = serial {
            fs::write(usb.join("serial"), format!("{serial}\n")).unwrap();
        }
        machine
    }

    pub(crate) fn with_partition(
        self,
        drive: &str,
        name: &str,
        number: &str,
        start: u64,
        len: u64,
    ) -> Self {
        let folder = fs::canonicalize(self.path("sys/block").join(drive)).unwrap().join(name);
        fs::create_dir_all(folder.join("holders")).unwrap();
        symlink(&folder, self.path("sys/class/block").join(name)).unwrap();
        fs::write(self.path("dev").join(name), "").unwrap();
        let which = name.trim_start_matches(drive).trim_start_matches('p');
        let (start, size) = ((start / 512).to_string(), (len / 512).to_string());
        for (fact, value) in
            [("dev", number), ("partition", which), ("start", &start), ("size", &size)]
        {
            self.fact(name, fact, format!("{value}\n").as_bytes());
        }
        self
    }

    /// A device of the device mapper's on others.
    pub(crate) fn with_mapped(
        self,
        name: &str,
        number: &str,
        on: &[&str],
        id: &str,
        title: &str,
    ) -> Self {
        let machine = self.with_drive(&format!("virtual/{name}"), name, number, 64 * MIB, &[]);
        fs::create_dir_all(machine.path("sys/block").join(name).join("dm")).unwrap();
        machine.fact(name, "dm/uuid", id.as_bytes());
        machine.fact(name, "dm/name", title.as_bytes());
        fs::create_dir_all(machine.path("dev/mapper")).unwrap();
        symlink(format!("../{name}"), machine.path("dev/mapper").join(title)).unwrap();
        for below in on {
            symlink(
                "nowhere",
                machine.path("sys/class/block").join(below).join("holders").join(name),
            )
            .unwrap();
        }
        machine
    }

    /// A line of /proc/self/mountinfo; the path as the kernel escapes it.
    pub(crate) fn with_mount(self, number: &str, path: &str, kind: &str, source: &str) -> Self {
        let line =
            format!("36 35 {number} / {path} rw,noatime shared:1 master:2 - {kind} {source} rw\n");
        self.add("proc/self/mountinfo", &line);
        self
    }

    pub(crate) fn with_swap(self, node: &str) -> Self {
        self.add("proc/swaps", &format!("{node} partition 8388604 0 -2\n"));
        self
    }

    /// What the kernel says of a device.
    pub(crate) fn fact(&self, device: &str, fact: &str, value: &[u8]) {
        let path = self.path("sys/class/block").join(device).join(fact);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }

    fn add(&self, path: &str, line: &str) {
        let path = self.path(path);
        let text = fs::read_to_string(&path).unwrap() + line;
        fs::write(path, text).unwrap();
    }
}

/// The names of drives.
pub(crate) fn names(drives: &[Drive]) -> Vec<&str> {
    drives.iter().map(|drive| drive.name.as_str()).collect()
}

/// A link as udev makes them.
pub(crate) fn link(machine: &Machine, name: &str, to: &str) -> PathBuf {
    let folder = machine.path("dev/disk/by-id");
    fs::create_dir_all(&folder).unwrap();
    symlink(Path::new("../..").join(to), folder.join(name)).unwrap();
    folder.join(name)
}
