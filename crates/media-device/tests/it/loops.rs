//! Loop devices for tests: as root, one test at a time in the whole machine, detached at the end.
//!
//! Used by the tests of several crates: `#[path = "../../../media-device/tests/it/loops.rs"]`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(dead_code, reason = "each crate's tests use a part")]

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Keeps other tests from taking loop devices meanwhile: there may be as few as eight.
#[must_use]
pub(crate) struct LoopLock(#[allow(dead_code, reason = "the lock is its file")] File);

impl LoopLock {
    /// Waits until no other test has loop devices.
    pub(crate) fn take() -> Self {
        let file = File::create(std::env::temp_dir().join("capmedia-loops.lock")).unwrap();
        #[allow(
            clippy::incompatible_msrv,
            reason = "tests are not built with the oldest compiler"
        )]
        file.lock().unwrap();
        Self(file)
    }
}

/// A file as a drive.
pub(crate) struct Loop {
    pub(crate) path: PathBuf,
}

impl Loop {
    /// Blocks of 512 bytes or 4096.
    pub(crate) fn new(_lock: &LoopLock, file: &Path, block_size: u32) -> Self {
        let block_size = block_size.to_string();
        let path = run("losetup", &["-f", "--show", "-b", &block_size, text(file)]);
        Self { path: PathBuf::from(path.trim()) }
    }

    /// Those bytes of a file alone, such as a partition.
    pub(crate) fn of_part(_lock: &LoopLock, file: &Path, part: Range<u64>) -> Self {
        let (start, len) = (part.start.to_string(), (part.end - part.start).to_string());
        let part = ["--offset", &start, "--sizelimit", &len];
        let path = run("losetup", &[&["-f", "--show"], &part[..], &[text(file)]].concat());
        Self { path: PathBuf::from(path.trim()) }
    }

    /// With a sparse file of `len` bytes at `path`.
    pub(crate) fn with_len(lock: &LoopLock, path: &Path, len: u64, block_size: u32) -> Self {
        File::create(path).and_then(|file| file.set_len(len)).unwrap();
        Self::new(lock, path, block_size)
    }

    /// As the kernel names it: `loop3`.
    pub(crate) fn name(&self) -> &str {
        text(self.path.file_name().unwrap().as_ref())
    }

    /// Has the kernel know the partitions that are in the table: a loop device does not by itself,
    /// and this machine's kernel may know no tables.
    pub(crate) fn add_partitions(&self) {
        run("partx", &["-a", text(&self.path)]);
    }

    /// `/dev/loop3p1`
    pub(crate) fn partition(&self, number: u32) -> PathBuf {
        PathBuf::from(format!("{}p{number}", text(&self.path)))
    }

    /// Another file behind the same device.
    pub(crate) fn change_file(&self, file: &Path) {
        run("losetup", &["-d", text(&self.path)]);
        run("losetup", &[text(&self.path), text(file)]);
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("partx").args(["-d", text(&self.path)]).output();
        let _ = Command::new("losetup").args(["-d", text(&self.path)]).output();
    }
}

/// Something mounted on a folder.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    pub(crate) fn new(arguments: &[&str], folder: &Path) -> Self {
        run("mount", &[arguments, &[text(folder)]].concat());
        Self(folder.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Runs a tool, and gives what it says.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
