//! Starts QEMU and sees what a boot does: its serial line, its screen, its exit code.
//!
//! Used by the tests of several crates: `#[path = "../../../disk-image/tests/it/qemu.rs"] mod qemu;`

#![allow(dead_code, reason = "each crate that includes this file uses a part of it")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The exit code when a program writes 10h to port F4h: (10h << 1) | 1.
pub(crate) const ALL_WELL: i32 = 33;
/// The same for 11h, which the stand-ins write when they saw a fault.
pub(crate) const FAULT: i32 = 35;

/// Enough for SeaBIOS, which needs under a second, on a machine with much else to do.
pub(crate) const BIOS_LIMIT: Duration = Duration::from_secs(60);
/// The same for OVMF, which needs 7 to 14 seconds.
pub(crate) const UEFI_LIMIT: Duration = Duration::from_secs(180);

/// What OVMF says of a program that is not signed by anyone it trusts.
pub(crate) const REFUSED: &str = "Access Denied";

/// A machine to be started. It has no network, no clock of the host's and no acceleration, so that
/// it does the same everywhere.
pub(crate) struct Qemu {
    command: Command,
    /// Serial output and copies of firmware variables; kept while the machine runs.
    folder: tempfile::TempDir,
}

/// What a machine did until it ended itself.
#[derive(Debug)]
pub(crate) struct Boot {
    /// Everything that came over COM1.
    pub(crate) serial: String,
    /// QEMU's exit code; `None` when the machine was ended from here.
    pub(crate) code: Option<i32>,
    /// From start to end.
    pub(crate) took: Duration,
}

/// What starts a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Firmware {
    Bios,
    Uefi,
}

impl Firmware {
    pub(crate) const ALL: [Self; 2] = [Self::Bios, Self::Uefi];

    /// Enough time for a start on a machine with much else to do.
    pub(crate) fn limit(self) -> Duration {
        match self {
            Self::Bios => BIOS_LIMIT,
            Self::Uefi => UEFI_LIMIT,
        }
    }
}

/// What an image is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// A disc in an IDE drive.
    Disc,
    /// A USB stick.
    Stick,
}

impl Medium {
    pub(crate) const ALL: [Self; 2] = [Self::Disc, Self::Stick];
}

impl Qemu {
    /// A PC that has nothing to start from but the image.
    pub(crate) fn with_only(firmware: Firmware, medium: Medium, image: &Path) -> Self {
        let machine = match firmware {
            Firmware::Bios => Self::bios(),
            Firmware::Uefi => Self::uefi(),
        };
        match medium {
            Medium::Disc => machine.with_disc(image),
            Medium::Stick => machine.with_usb_stick("qemu-xhci", image),
        }
    }

    /// A PC with SeaBIOS.
    pub(crate) fn bios() -> Self {
        Self::pc(64)
    }

    /// A PC with OVMF, the UEFI of QEMU, and fresh variables.
    pub(crate) fn uefi() -> Self {
        Self::pc(256).with_flash(&firmware("CODE", ""), &firmware("VARS", ""))
    }

    /// A PC whose UEFI has 32 bits.
    pub(crate) fn uefi32() -> Self {
        let part = |name| existing(&[format!("/usr/share/OVMF/OVMF32_{name}.fd")], "ovmf-ia32");
        Self::pc(256).guarded().with_flash(&part("CODE_4M.secboot"), &part("VARS_4M"))
    }

    /// A PC with an UEFI that knows Secure Boot, and a copy of the file `variables`, whose keys it
    /// heeds.
    pub(crate) fn secure_boot(variables: &Path) -> Self {
        Self::pc(256).guarded().with_flash(&firmware("CODE", ".secboot"), variables)
    }

    /// A board with a 64-bit ARM processor, UEFI and no screen: the firmware's console is the serial
    /// line. It ends itself for nobody: [`Qemu::run_until_line`].
    pub(crate) fn arm64() -> Self {
        let mut machine = Self::new("qemu-system-aarch64", 256);
        machine.command.args(["-machine", "virt", "-cpu", "cortex-a57"]);
        let part =
            |name| existing(&[format!("/usr/share/AAVMF/AAVMF_{name}.fd")], "qemu-efi-aarch64");
        machine.with_flash(&part("CODE"), &part("VARS"))
    }

    fn pc(mib: u32) -> Self {
        let mut machine = Self::new("qemu-system-x86_64", mib);
        machine.command.args(["-vga", "std", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        machine
    }

    fn new(program: &str, mib: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(program);
        command.args(["-accel", "tcg", "-m", &mib.to_string(), "-display", "none"]);
        command.args(["-no-reboot", "-nic", "none", "-no-user-config", "-nodefaults"]);
        command.arg("-serial").arg(format!("file:{}", text(&folder.path().join("serial"))));
        Self { command, folder }
    }

    /// Only the firmware itself may write its variables: builds with Secure Boot start nowhere else.
    fn guarded(mut self) -> Self {
        self.command.args(["-machine", "q35,smm=on"]);
        self.command.args(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
        self
    }

    /// The firmware's code, and a copy of its variables.
    fn with_flash(mut self, code: &Path, variables: &Path) -> Self {
        let copy = self.folder.path().join("variables.fd");
        fs::copy(variables, &copy).expect("the firmware's variables can be copied");
        let code = format!("if=pflash,format=raw,unit=0,readonly=on,file={}", text(code));
        let variables = format!("if=pflash,format=raw,unit=1,file={}", text(&copy));
        self.command.args(["-drive", &code, "-drive", &variables]);
        self
    }

    /// A hard disk.
    pub(crate) fn with_disk(mut self, image: &Path) -> Self {
        // A snapshot: what the machine writes goes elsewhere.
        let drive = format!("if=ide,format=raw,snapshot=on,file={}", text(image));
        self.command.args(["-drive", &drive]);
        self
    }

    /// A hard disk whose `sector` cannot be read the first `times` times.
    pub(crate) fn with_failing_disk(mut self, image: &Path, sector: u32, times: usize) -> Self {
        let drive = format!("if=ide,format=raw,snapshot=on,{}", failing(image, sector, times));
        self.command.args(["-drive", &drive]);
        self
    }

    /// A USB stick at a controller of QEMU's: `qemu-xhci`, `usb-ehci`.
    pub(crate) fn with_usb_stick(mut self, controller: &str, image: &Path) -> Self {
        let drive = format!("if=none,id=stick,format=raw,snapshot=on,file={}", text(image));
        self.command.args(["-device", controller, "-drive", &drive]);
        self.command.args(["-device", "usb-storage,drive=stick,removable=on,bootindex=0"]);
        self
    }

    /// A drive that counts in sectors of 4096 bytes. No USB stick: on one of those OVMF (2022.11,
    /// under QEMU 7.2) finds no GPT, sgdisk's no more than ours.
    pub(crate) fn with_4096_byte_disk(mut self, image: &Path) -> Self {
        let drive = format!("if=none,id=large,format=raw,snapshot=on,file={}", text(image));
        let sectors = "logical_block_size=4096,physical_block_size=4096";
        let device = format!("virtio-blk-pci,drive=large,bootindex=0,{sectors}");
        self.command.args(["-drive", &drive, "-device", &device]);
        self
    }

    /// A disc in a drive.
    pub(crate) fn with_disc(mut self, image: &Path) -> Self {
        let drive = format!("if=ide,media=cdrom,format=raw,readonly=on,file={}", text(image));
        self.command.args(["-drive", &drive, "-boot", "d"]);
        self
    }

    /// A disc whose `sector` of 2048 bytes cannot be read the first `times` times.
    pub(crate) fn with_failing_disc(mut self, image: &Path, sector: u32, times: usize) -> Self {
        let failing = failing(image, sector * 4, times);
        let drive = format!("if=ide,media=cdrom,format=raw,readonly=on,{failing}");
        self.command.args(["-drive", &drive, "-boot", "d"]);
        self
    }

    /// A disc in a drive at an AHCI controller, before all that is not.
    pub(crate) fn with_ahci_disc(self, image: &Path) -> Self {
        self.with_disc_at("ahci,id=ahci", "ide-cd,bus=ahci.0", image)
    }

    /// A disc in a USB drive at a controller of QEMU's: `qemu-xhci`, `usb-ehci`.
    pub(crate) fn with_usb_disc(self, controller: &str, image: &Path) -> Self {
        self.with_disc_at(controller, "usb-storage", image)
    }

    /// A disc in a drive at a SCSI controller of the kind that virtual machines have.
    pub(crate) fn with_scsi_disc(self, image: &Path) -> Self {
        self.with_disc_at("virtio-scsi-pci,id=scsi", "scsi-cd,bus=scsi.0", image)
    }

    fn with_disc_at(mut self, controller: &str, device: &str, image: &Path) -> Self {
        let drive = "if=none,id=disc,media=cdrom,format=raw,readonly=on";
        let drive = format!("{drive},file={}", text(image));
        let device = format!("{device},drive=disc,bootindex=0");
        self.command.args(["-device", controller, "-drive", &drive, "-device", &device]);
        self
    }

    /// A floppy, the one thing SeaBIOS reads by cylinder, head and sector only.
    pub(crate) fn with_floppy(mut self, image: &Path) -> Self {
        let drive = format!("if=floppy,format=raw,snapshot=on,file={}", text(image));
        self.command.args(["-drive", &drive, "-boot", "a"]);
        self
    }

    /// Runs until the machine ends itself.
    ///
    /// Panics, with what came over COM1, when that takes longer than `limit`.
    pub(crate) fn run(self, limit: Duration) -> Boot {
        self.run_until(limit, "an end", |_| false)
    }

    /// Runs until `line` has come over COM1, or the machine ends itself.
    ///
    /// Panics, with what came over COM1, when it ends without, or none of it happens within `limit`.
    pub(crate) fn run_until_line(self, line: &str, limit: Duration) -> Boot {
        let boot = self.run_until(limit, line, |serial| serial.contains(line));
        assert!(boot.serial.contains(line), "ended without {line:?}; COM1: {}", boot.serial);
        boot
    }

    fn run_until(mut self, limit: Duration, awaited: &str, done: impl Fn(&str) -> bool) -> Boot {
        self.command.args(["-monitor", "none"]).stdin(Stdio::null());
        let start = Instant::now();
        let mut running = Running::start(&mut self.command);
        let code = loop {
            if let Some(status) = running.0.try_wait().expect("QEMU can be waited for") {
                break status.code();
            }
            if done(&self.serial()) {
                break None;
            }
            if start.elapsed() > limit {
                drop(running);
                panic!("no {awaited} after {limit:?}; COM1: {}", self.serial());
            }
            thread::sleep(Duration::from_millis(20));
        };
        drop(running);
        Boot { serial: self.serial(), code, took: start.elapsed() }
    }

    /// Runs until the text screen holds `wanted`, then ends the machine.
    ///
    /// Panics, with the screen, when that takes longer than `limit`.
    pub(crate) fn run_until_screen(self, wanted: &str, limit: Duration) -> String {
        self.monitored().wait_for_screen(wanted, limit)
    }

    /// Starts the machine, and goes on.
    pub(crate) fn monitored(mut self) -> Monitored {
        self.command.args(["-monitor", "stdio"]).stdin(Stdio::piped());
        let start = Instant::now();
        let mut running = Running::start(&mut self.command);
        let input = running.0.stdin.take().expect("QEMU's input is a pipe");
        let mut answers = running.0.stdout.take().expect("QEMU's output is a pipe");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        // Ends with QEMU, whose output then ends.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = answers.read(&mut buffer) {
                hearing.lock().expect("no panic while locked").extend_from_slice(&buffer[..count]);
            }
        });
        Monitored { running, input, heard, start, machine: self }
    }

    fn serial(&self) -> String {
        let bytes = fs::read(self.folder.path().join("serial")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A machine that runs, with its screen and keyboard at hand. It ends when this is dropped.
pub(crate) struct Monitored {
    running: Running,
    input: ChildStdin,
    heard: Arc<Mutex<Vec<u8>>>,
    start: Instant,
    machine: Qemu,
}

impl Monitored {
    /// Waits until the text screen holds `wanted`, and gives the screen.
    ///
    /// Panics, with the screen, when that takes longer than `limit`.
    pub(crate) fn wait_for_screen(&mut self, wanted: &str, limit: Duration) -> String {
        let start = Instant::now();
        loop {
            self.still_running(wanted);
            self.heard.lock().expect("no panic while locked").clear();
            // The text screen: 80 x 25 cells of a character and a colour.
            self.tell("xp /2000hx 0xb8000");
            thread::sleep(Duration::from_millis(150));
            let screen = screen_of(&self.heard.lock().expect("no panic while locked"));
            if screen.contains(wanted) {
                return screen;
            }
            let serial = self.machine.serial();
            assert!(
                start.elapsed() <= limit,
                "no {wanted:?} after {limit:?}; COM1: {serial}, screen:\n{screen}"
            );
        }
    }

    /// Presses a key, by QEMU's name for it: `ret`, `spc`, `a`.
    pub(crate) fn press(&mut self, key: &str) {
        self.tell(&format!("sendkey {key}"));
    }

    /// Waits until the machine ends itself.
    ///
    /// Panics, with what came over COM1, when that takes longer than `limit`.
    pub(crate) fn wait(mut self, limit: Duration) -> Boot {
        let start = Instant::now();
        loop {
            let ended = self.running.0.try_wait().expect("QEMU can be waited for");
            let serial = self.machine.serial();
            if let Some(status) = ended {
                return Boot { serial, code: status.code(), took: self.start.elapsed() };
            }
            assert!(start.elapsed() <= limit, "no end after {limit:?}; COM1: {serial}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn still_running(&mut self, wanted: &str) {
        if let Some(status) = self.running.0.try_wait().expect("QEMU can be waited for") {
            panic!("ended ({status}) without {wanted:?}; COM1: {}", self.machine.serial());
        }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("QEMU's monitor takes a line");
    }
}

/// Ends QEMU whatever happens to the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).spawn();
        Self(child.unwrap_or_else(|error| {
            let program = command.get_program();
            panic!("{program:?}, of the Debian packages qemu-system-x86 and -arm: {error}")
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The characters of the monitor's answer: lines like `00000000000b8000: 0x0753 0x0765`.
fn screen_of(answer: &[u8]) -> String {
    let answer = String::from_utf8_lossy(answer);
    let mut cells = Vec::new();
    for line in answer.lines() {
        let Some((address, values)) = line.split_once(':') else { continue };
        if !address.trim_end().ends_with(|c: char| c.is_ascii_hexdigit()) {
            continue;
        }
        for value in values.split_ascii_whitespace() {
            let cell = value.strip_prefix("0x").and_then(|hex| u16::from_str_radix(hex, 16).ok());
            cells.extend(cell.map(|cell| match (cell & 0xFF) as u8 {
                byte @ b' '..=b'~' => char::from(byte),
                _ => ' ',
            }));
        }
    }
    let rows = cells.chunks(80).map(|row| row.iter().collect::<String>().trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// The parts of OVMF where distributions put them: `CODE` or `VARS`, of a build like `.secboot`.
pub(crate) fn firmware(part: &str, build: &str) -> PathBuf {
    let names = [
        // First, because Debian's of 2 MiB with Secure Boot starts nothing.
        format!("/usr/share/OVMF/OVMF_{part}_4M{build}.fd"),
        format!("/usr/share/OVMF/OVMF_{part}{build}.fd"),
        format!("/usr/share/edk2/ovmf/OVMF_{part}{build}.fd"),
        format!("/usr/share/edk2/x64/OVMF_{part}{build}.4m.fd"),
    ];
    existing(&names, "ovmf")
}

fn existing(names: &[String], package: &str) -> PathBuf {
    let found = names.iter().map(PathBuf::from).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("none of {names:?} (Debian package {package})"))
}

/// The part of a drive that says where its bytes are, when `sector` of 512 bytes cannot be read the
/// first `times` times.
fn failing(image: &Path, sector: u32, times: usize) -> String {
    let file = "file.driver=blkdebug,file.image.driver=file,file.image.filename";
    let mut drive = format!("{file}={}", text(image));
    for rule in 0..times {
        let rule = format!("file.inject-error.{rule}");
        drive += &format!(",{rule}.event=read_aio,{rule}.once=on,{rule}.sector={sector}");
    }
    drive
}

/// QEMU's options are text, and a comma would end one.
fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").replace(',', ",,")
}
