//! A Linux machine in QEMU that runs a script: with drives that the tests' own machine has not,
//! programs of ours, and file systems that its kernel lacks. Takes neither root nor KVM.
//!
//! Used by the tests of several crates:
//! `#[path = "../../../iso9660-image/tests/it/guest.rs"] mod guest;`
//!
//! The kernel and BusyBox are Debian's, unpacked by `cargo xtask test` into the folder that the
//! variable CAPMEDIA_LINUX names.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(dead_code, reason = "each crate's tests use a part")]

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Starting takes about three seconds; on a machine with much else to do, several times that.
const LIMIT: Duration = Duration::from_secs(240);
/// Room for what the machine answers.
const ANSWER: u64 = 64 << 20;
/// For disks on the virtio bus, which every machine has.
const VIRTIO: [&str; 2] = ["virtio_pci", "virtio_blk"];
/// For sticks, and the file systems on them.
const USB: [&str; 7] =
    ["xhci_pci", "usb_storage", "sd_mod", "vfat", "nls_cp437", "nls_ascii", "nls_utf8"];

/// A machine before it starts.
#[must_use]
pub(crate) struct Guest {
    /// Path, mode, content.
    files: Vec<(String, u32, Vec<u8>)>,
    modules: Vec<String>,
    /// Of QEMU, as they are needed.
    arguments: Vec<String>,
    disks: usize,
    sticks: usize,
    /// What the console says before a stick is pulled, and which one.
    pulls: Vec<(String, usize)>,
    memory: u32,
}

/// A removable drive on the machine's USB.
#[derive(Default)]
pub(crate) struct Stick {
    /// Without one, none that the drive says.
    pub(crate) serial: Option<&'static str>,
    /// 512 if 0.
    pub(crate) block_size: u32,
    /// Every write to this byte fails.
    pub(crate) fails_at: Option<u64>,
    /// How many bytes a second it writes at most.
    pub(crate) speed: Option<u64>,
    /// Not removable: a hard disk.
    pub(crate) fixed: bool,
    pub(crate) read_only: bool,
}

impl Guest {
    pub(crate) fn new() -> Self {
        Self {
            files: Vec::new(),
            modules: VIRTIO.map(str::to_owned).to_vec(),
            arguments: Vec::new(),
            disks: 0,
            sticks: 0,
            pulls: Vec::new(),
            memory: 512,
        }
    }

    /// Loads modules and what they need.
    pub(crate) fn with_modules(mut self, modules: &[&str]) -> Self {
        self.modules.extend(modules.iter().map(ToString::to_string));
        self
    }

    /// MiB. Files are in memory, too, twice while it starts.
    pub(crate) fn with_memory(self, memory: u32) -> Self {
        Self { memory, ..self }
    }

    pub(crate) fn with_file(mut self, path: &str, content: &[u8]) -> Self {
        self.files.push((path.trim_start_matches('/').to_owned(), 0o100_644, content.to_vec()));
        self
    }

    /// A static program, which the script finds by its name.
    pub(crate) fn with_program(mut self, program: &Path) -> Self {
        let name = program.file_name().expect("a file").to_str().expect("UTF-8");
        let content = fs::read(program).expect("the program can be read");
        self.files.push((format!("bin/{name}"), 0o100_755, content));
        self
    }

    /// The next of /dev/vda, /dev/vdb, ..
    pub(crate) fn with_disk(mut self, image: &Path, read_only: bool) -> Self {
        let mode = if read_only { "on" } else { "off" };
        let drive = format!("if=virtio,format=raw,readonly={mode},file={}", text(image));
        self.arguments.extend(["-drive".to_owned(), drive]);
        self.disks += 1;
        self
    }

    /// A USB stick, whose image is written. The kernel names sticks as it finds them: in the script,
    /// `$(stick 0)` is the node of the first that was added.
    pub(crate) fn with_stick(mut self, image: &Path, stick: &Stick) -> Self {
        let number = self.sticks;
        if number == 0 {
            self.modules.extend(USB.map(str::to_owned));
            self.arguments.extend(["-device", "qemu-xhci,p2=8,p3=8"].map(str::to_owned));
        }
        self.sticks += 1;
        let flag = |is: bool| if is { "on" } else { "off" };
        let mut node = format!("driver=raw,node-name=node{number}");
        node += &format!(",read-only={}", flag(stick.read_only));
        let mut below = "file".to_owned();
        if let Some(byte) = stick.fails_at {
            // Its sectors have 512 bytes each, whatever those of the drive.
            let sector = byte / 512;
            node += ",file.driver=blkdebug,file.inject-error.0.event=none";
            node += ",file.inject-error.0.iotype=write,file.inject-error.0.errno=5";
            node += &format!(",file.inject-error.0.sector={sector}");
            below += ".image";
        }
        node += &format!(",{below}.driver=file,{below}.filename={}", text(image));
        let mut name = format!("node{number}");
        self.arguments.extend(["-blockdev".to_owned(), node]);
        if let Some(speed) = stick.speed {
            let group = format!("throttle-group,id=speed{number},x-bps-write={speed}");
            let slow = format!(
                "driver=throttle,node-name=slow{number},throttle-group=speed{number},file={name}"
            );
            name = format!("slow{number}");
            self.arguments.extend(["-object".to_owned(), group, "-blockdev".to_owned(), slow]);
        }
        let mut bridge = format!("id=stick{number}");
        if let Some(serial) = stick.serial {
            bridge += &format!(",serial={serial}");
        }
        let mut drive = format!("drive={name},removable={}", flag(!stick.fixed));
        let size = stick.block_size;
        let mut add = |device: String| self.arguments.extend(["-device".to_owned(), device]);
        if size == 0 {
            add(format!("usb-storage,{bridge},{drive}"));
        } else {
            // QEMU's "usb-storage" makes a drive of blocks of 512 whatever it is told.
            drive += &format!(",logical_block_size={size},physical_block_size={size}");
            add(format!("usb-bot,{bridge}"));
            add(format!("scsi-hd,bus=stick{number}.0,{drive}"));
        }
        self
    }

    /// Pulls the stick out, 0 being the first, when the script says this on the console:
    /// `echo now >/dev/console`.
    pub(crate) fn with_pull(mut self, when: &str, stick: usize) -> Self {
        self.pulls.push((when.to_owned(), stick));
        self
    }

    /// Starts the machine, runs a script of BusyBox's shell, and gives what it and its programs
    /// said. Drives are there when it begins.
    ///
    /// Panics, with what the kernel said, when the machine does not come to the script's end.
    pub(crate) fn run(mut self, script: &str) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let answer = folder.path().join("answer");
        File::create(&answer).and_then(|file| file.set_len(ANSWER)).expect("room for the answer");
        self = self.with_disk(&answer, false);
        let root = root();
        let initrd = folder.path().join("initrd");
        fs::write(&initrd, self.initial_folder(&root, script)).expect("the initrd is written");
        let serial = folder.path().join("serial");
        let monitor = folder.path().join("monitor");

        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-accel", "tcg", "-cpu", "max", "-display", "none"]);
        command.args(["-m", &self.memory.to_string()]);
        command.args(["-no-reboot", "-nic", "none", "-no-user-config", "-nodefaults"]);
        command.arg("-serial").arg(format!("file:{}", text(&serial)));
        command.arg("-monitor").arg(format!("unix:{},server=on,wait=off", text(&monitor)));
        command.arg("-kernel").arg(kernel(&root)).arg("-initrd").arg(&initrd);
        // On a busy host the guest's timer may not tick while the kernel looks at it, and it would give up.
        command.args(["-append", "console=ttyS0 quiet panic=-1 no_timer_check"]);
        command.args(&self.arguments);
        run(&mut command, &serial, &monitor, &self.pulls);

        let mut said = Vec::new();
        let read = File::open(&answer).and_then(|file| file.take(ANSWER).read_to_end(&mut said));
        read.expect("the answer can be read");
        let end = said.iter().position(|byte| *byte == 0).unwrap_or(said.len());
        let said = String::from_utf8_lossy(&said[..end]).into_owned();
        let whole = said.strip_suffix(END);
        let console = || fs::read(&serial).unwrap_or_default();
        let whole =
            whole.unwrap_or_else(|| panic!("{said}\n{}", String::from_utf8_lossy(&console())));
        whole.to_owned()
    }

    /// BusyBox, modules, files and `/init`, as an archive in the "newc" format of cpio.
    fn initial_folder(&self, root: &Path, script: &str) -> Vec<u8> {
        let mut archive = Archive(Vec::new());
        for folder in ["bin", "dev", "mnt", "proc", "sys", "tmp"] {
            archive.entry(folder, 0o040_755, &[]);
        }
        let busybox = fs::read(root.join("bin/busybox")).expect("BusyBox is there");
        archive.entry("bin/busybox", 0o100_755, &busybox);
        for (path, mode, content) in &self.files {
            archive.entry(path, *mode, content);
        }
        let mut modules = Modules { root, names: Vec::new() };
        let mut init = String::from("#!/bin/busybox sh\nset -e\n/bin/busybox --install -s /bin\n");
        init += "export PATH=/bin\nmount -t devtmpfs none /dev\nmount -t proc none /proc\n";
        init += "mount -t sysfs none /sys\n";
        for module in &self.modules {
            modules.load(module, &mut archive);
        }
        for module in &modules.names {
            init += &format!("insmod /{module}.ko\n");
        }
        // Sticks are looked for a while after their bus is there.
        let letter = |number: usize| char::from(b'a' + u8::try_from(number).expect("few disks"));
        for stick in 0..self.sticks {
            init += &format!("while ! [ -b /dev/sd{} ]; do sleep 0.1; done\n", letter(stick));
        }
        init += "set +e\ncat /sticks /script >/all\nsh /all >/answer 2>&1\n";
        init += &format!("printf '%s' '{END}' >>/answer\n");
        init += &format!(
            "dd if=/answer of=/dev/vd{} bs=1M conv=fsync 2>/dev/null\npoweroff -f\n",
            letter(self.disks - 1)
        );
        archive.entry("sticks", 0o100_644, STICKS.as_bytes());
        archive.entry("script", 0o100_644, script.as_bytes());
        archive.entry("init", 0o100_755, init.as_bytes());
        archive.entry("TRAILER!!!", 0, &[]);
        archive.0
    }
}

/// Builds a program of this workspace so that it runs in the machine: `&["--example", "drives"]`.
///
/// `target` is what `env!("CARGO_TARGET_TMPDIR")` says.
pub(crate) fn static_program(target: &str, package: &str, which: [&str; 2]) -> PathBuf {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    let target = Path::new(target).parent().expect("a folder in the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", package, "--target", TARGET]).args(which);
    cargo.arg("--target-dir").arg(target);
    // With a --target of its own, nothing that was built otherwise is built again.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    cargo.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_DEV_STRIP", "true")]);
    // An emulated processor is some thirty times slower.
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "{cargo:?} ended with {status}");
    let folder = if which[0] == "--example" { "examples" } else { "" };
    target.join(TARGET).join("debug").join(folder).join(which[1])
}

/// For the script: the node of a stick. Sticks are in ports 1 and on, in their order.
const STICKS: &str = "stick() {\n\
    for drive in /sys/block/sd*; do\n\
    case $(readlink $drive) in */[0-9]-$(($1 + 1))/*) echo /dev/${drive##*/};; esac\n\
    done\n\
    }\n";

/// Behind all that the script said.
const END: &str = "\n--end--\n";

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

/// In the order in which they need each other.
struct Modules<'a> {
    root: &'a Path,
    names: Vec<String>,
}

impl Modules<'_> {
    /// Puts a module into the archive, after those that it says it needs.
    fn load(&mut self, name: &str, archive: &mut Archive) {
        let name = name.replace('-', "_");
        if self.names.contains(&name) {
            return;
        }
        let module = module_of(self.root, &name);
        for needed in depends(&module) {
            self.load(&needed, archive);
        }
        archive.entry(&format!("{name}.ko"), 0o100_644, &module);
        self.names.push(name);
    }
}

/// The names in a module's entry `depends=a,b`.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let at = module.windows(KEY.len()).position(|window| window == KEY);
    let list = &module[at.expect("every module says what it needs") + KEY.len()..];
    let list = list.split(|byte| *byte == 0).next().unwrap_or_default();
    let names = list.split(|byte| *byte == b',').filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
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

/// The file `name` or `name.xz` below a folder; `-` and `_` are the same to the kernel.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).ok()?.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.iter().find_map(|entry| {
        let found = entry.file_name().into_string().ok()?;
        if entry.file_type().ok()?.is_dir() {
            return find(&entry.path(), name);
        }
        let found = found.replace('-', "_");
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

/// Ends QEMU when a test does.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs QEMU until it ends itself, and pulls sticks meanwhile.
fn run(command: &mut Command, serial: &Path, monitor: &Path, pulls: &[(String, usize)]) {
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).spawn();
    let mut machine = Machine(child.expect("qemu-system-x86_64 starts (package qemu-system-x86)"));
    let console = || String::from_utf8_lossy(&fs::read(serial).unwrap_or_default()).into_owned();
    let mut pulls = pulls.iter().peekable();
    loop {
        if let Some(status) = machine.0.try_wait().expect("QEMU can be waited for") {
            assert!(status.success(), "QEMU ended with {status}: {}", console());
            return;
        }
        if let Some((when, stick)) = pulls.peek()
            && console().contains(when.as_str())
        {
            tell(monitor, &format!("device_del stick{stick}\n"));
            pulls.next();
        }
        assert!(start.elapsed() < LIMIT, "no end after {LIMIT:?}: {}", console());
        thread::sleep(Duration::from_millis(50));
    }
}

/// A command to QEMU itself.
#[cfg(unix)]
fn tell(monitor: &Path, command: &str) {
    use std::io::Write as _;
    let stream = std::os::unix::net::UnixStream::connect(monitor);
    let mut stream = stream.expect("QEMU listens");
    stream.write_all(command.as_bytes()).expect("QEMU reads");
    // It does what it is told when it is told more, or nothing.
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a time");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
}

#[cfg(not(unix))]
fn tell(_: &Path, _: &str) {
    panic!("QEMU's monitor is a socket of Unix");
}

/// QEMU's options are text, and a comma would end one.
fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").replace(',', ",,")
}
