//! Starts a Linux kernel in QEMU and has it mount an image: a judge that needs neither root nor the
//! file systems of the machine's own kernel.
//!
//! Used by the tests of several crates:
//! `#[path = "../../../iso9660-image/tests/it/linux.rs"] mod linux;`
//!
//! The kernel and BusyBox are Debian's, unpacked by `cargo xtask test` into the folder that the
//! variable CAPMEDIA_LINUX names.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Starting takes about three seconds, and hashing ten thousand files five; on a machine with much
/// else to do, several times that.
const LIMIT: Duration = Duration::from_secs(240);
/// Room for what the machine answers.
const ANSWER: u64 = 64 << 20;

/// In the order in which they need each other.
const MODULES: [&str; 11] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
    "cdrom",
    "crc-itu-t",
    "nls_utf8",
    "isofs",
    "udf",
];

/// A file as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// Below the mounted root, `/` between names.
    pub(crate) path: String,
    pub(crate) len: u64,
    /// SHA-256 in hexadecimal digits; of a file over [`WHOLE`], that of its first and last MiB.
    pub(crate) digest: String,
}

/// Longer files are looked at in part: an emulated processor hashes some 30 MiB a second.
pub(crate) const WHOLE: u64 = 64 << 20;
/// What is hashed of them at either end.
pub(crate) const PART: u64 = 1 << 20;

/// Mounts `image` once with each of `mounts`, as in `"iso9660 norock,utf8"`, and gives the files
/// that the kernel then finds, by path.
///
/// Panics, with what the kernel said, when a mount fails.
pub(crate) fn mount_in_linux(image: &Path, mounts: &[&str]) -> Vec<Vec<Seen>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = root();
    let initrd = folder.path().join("initrd");
    fs::write(&initrd, initial_folder(&root, &script(mounts))).expect("the initrd is written");
    let answer = folder.path().join("answer");
    File::create(&answer).and_then(|file| file.set_len(ANSWER)).expect("room for the answer");
    let serial = folder.path().join("serial");

    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-accel", "tcg", "-cpu", "max", "-m", "512", "-display", "none"]);
    command.args(["-no-reboot", "-nic", "none", "-no-user-config", "-nodefaults"]);
    command.arg("-serial").arg(format!("file:{}", text(&serial)));
    command.arg("-kernel").arg(kernel(&root)).arg("-initrd").arg(&initrd);
    command.args(["-append", "console=ttyS0 quiet panic=-1"]);
    let image = format!("if=virtio,format=raw,readonly=on,file={}", text(image));
    let answers = format!("if=virtio,format=raw,file={}", text(&answer));
    command.args(["-drive", &image, "-drive", &answers]);
    run(&mut command, &serial);

    let mut said = Vec::new();
    File::open(&answer).and_then(|file| file.take(ANSWER).read_to_end(&mut said)).expect("read");
    let end = said.iter().position(|byte| *byte == 0).unwrap_or(said.len());
    let said = std::str::from_utf8(&said[..end]).expect("names are UTF-8");
    let seen: Vec<Vec<Seen>> = said.split_terminator("\n--\n").map(parse).collect();
    assert_eq!(seen.len(), mounts.len(), "{}", fs::read_to_string(&serial).unwrap_or_default());
    seen
}

/// What the machine does: `/init`.
fn script(mounts: &[&str]) -> String {
    let mut script = String::from("#!/bin/busybox sh\nset -e\n/bin/busybox --install -s /bin\n");
    script += "export PATH=/bin\nmount -t devtmpfs none /dev\n";
    for module in MODULES {
        script += &format!("insmod /{module}.ko\n");
    }
    // Lines of "digest  length  path". A failure ends the script and with it, by a panic, the
    // kernel.
    script += &format!(
        "list() {{\n\
         cd /mnt\n\
         find . -type f -size -{whole}k -exec sha256sum {{}} + >/sums\n\
         find . -type f -size -{whole}k -exec stat -c '%s' {{}} + >/sizes\n\
         paste -d ' ' /sizes /sums\n\
         find . -type f ! -size -{whole}k | while read -r file; do\n\
         size=$(stat -c %s \"$file\")\n\
         sum=$( {{ head -c {PART} \"$file\"; tail -c {PART} \"$file\"; }} | sha256sum)\n\
         echo \"$size ${{sum%% *}}  $file\"\n\
         done\n\
         cd /\n\
         echo --\n\
         }}\n",
        whole = WHOLE >> 10
    );
    for mount in mounts {
        let (kind, options) = mount.split_once(' ').unwrap_or((mount, "ro"));
        script += &format!("mount -t {kind} -o ro,{options} /dev/vda /mnt\nlist >>/answer\n");
        script += "umount /mnt\n";
    }
    script + "dd if=/answer of=/dev/vdb bs=1M conv=fsync 2>/dev/null\npoweroff -f\n"
}

/// Lines of `length digest  ./path`, sorted.
fn parse(listing: &str) -> Vec<Seen> {
    let mut seen: Vec<Seen> = listing
        .lines()
        .filter(|line| *line != "--")
        .map(|line| {
            let (len, rest) = line.split_once(' ').expect("a length");
            let (digest, path) = rest.split_once("  ./").expect("a digest and a path");
            let len = len.parse().expect("a number");
            Seen { path: path.to_owned(), len, digest: digest.to_owned() }
        })
        .collect();
    seen.sort();
    seen
}

/// The folder that the kernel starts with: BusyBox, modules and `/init`, as an archive in the
/// "newc" format of cpio.
fn initial_folder(root: &Path, init: &str) -> Vec<u8> {
    let mut archive = Archive(Vec::new());
    for folder in ["bin", "dev", "mnt"] {
        archive.entry(folder, 0o040_755, &[]);
    }
    let busybox = fs::read(root.join("bin/busybox")).expect("BusyBox is there");
    archive.entry("bin/busybox", 0o100_755, &busybox);
    for module in MODULES {
        archive.entry(&format!("{module}.ko"), 0o100_644, &module_of(root, module));
    }
    archive.entry("init", 0o100_755, init.as_bytes());
    archive.entry("TRAILER!!!", 0, &[]);
    archive.0
}

struct Archive(Vec<u8>);

impl Archive {
    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        let [len, name_len] = [content.len(), path.len() + 1];
        // Inode, mode, user, group, links, time, length, four device numbers, length of the path,
        // no checksum; eight hexadecimal digits each.
        self.0.extend(b"070701");
        let fields = [0, mode as usize, 0, 0, 1, 0, len, 0, 0, 0, 0, name_len, 0];
        self.0.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        self.0.extend(path.bytes().chain([0]));
        self.align();
        self.0.extend(content);
        self.align();
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

fn module_of(root: &Path, name: &str) -> Vec<u8> {
    let path = find(&root.join("lib/modules"), &format!("{name}.ko"));
    let path = path.unwrap_or_else(|| panic!("no module {name} in {}", root.display()));
    if path.extension().is_some_and(|extension| extension == "xz") {
        let output = Command::new("xz").arg("-dc").arg(&path).output().expect("xz starts");
        assert!(output.status.success(), "{output:?}");
        return output.stdout;
    }
    fs::read(&path).expect("the module can be read")
}

/// The file `name` or `name.xz` below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).ok()?.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.iter().find_map(|entry| {
        let found = entry.file_name().into_string().ok()?;
        if entry.file_type().ok()?.is_dir() {
            return find(&entry.path(), name);
        }
        (found.strip_suffix(".xz").unwrap_or(&found) == name).then(|| entry.path())
    })
}

fn root() -> PathBuf {
    let root = std::env::var_os("CAPMEDIA_LINUX").map(PathBuf::from);
    root.expect("CAPMEDIA_LINUX names a folder with a kernel: run `cargo xtask oracles`")
}

fn kernel(root: &Path) -> PathBuf {
    let entries = fs::read_dir(root.join("boot")).expect("the kernel's folder can be read");
    let kernel = entries.filter_map(Result::ok).map(|entry| entry.path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
    });
    kernel.unwrap_or_else(|| panic!("no kernel in {}", root.display()))
}

/// Runs QEMU until it ends itself.
fn run(command: &mut Command, serial: &Path) {
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).spawn();
    let mut child = child.expect("qemu-system-x86_64 starts (Debian package qemu-system-x86)");
    loop {
        if let Some(status) = child.try_wait().expect("QEMU can be waited for") {
            assert!(status.success(), "QEMU ended with {status}");
            return;
        }
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            let serial = fs::read(serial).unwrap_or_default();
            panic!("no end after {LIMIT:?}: {}", String::from_utf8_lossy(&serial));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// QEMU's options are text, and a comma would end one.
fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").replace(',', ",,")
}
