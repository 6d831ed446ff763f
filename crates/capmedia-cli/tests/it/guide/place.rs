//! A folder with what the guide says one has, and a shell in it.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use media_model::task_sequence::{CaptureDestination, CaptureOptions};
use wim_image::Architecture;

use super::page::Command;
use super::proxy;
use crate::command::{Bench, Ended, of};
use crate::fake_dp::{FakeDp, Options};
use crate::fixtures::changed_sample;
use crate::library_fixture::LibraryFixture;
use crate::loops::{Loop, LoopLock};
use crate::pty::Session;

/// A network driver, and a device for it.
const INF: &str = "\
[Version]
Signature = $Windows NT$
Class = Net
Provider = Us
[Manufacturer]
Us = Cards, NTamd64
[Cards.NTamd64]
Card = Install, PCI\\VEN_8086&DEV_15F3
";
const DEVICES: &str = "00:1f.6 Ethernet controller [0200]: Maker [8086:15f3]\n";

pub(super) struct Place {
    pub(super) bench: Bench,
    /// What `dp01` is.
    _dp: FakeDp,
    proxy: String,
    /// As the pages call them.
    drives: Vec<(&'static str, Loop)>,
}

impl Place {
    pub(super) fn new() -> Self {
        let bench = Bench::new();
        let store = r"Windows\System32\DriverStore\FileRepository\card.inf_amd64_1\card.inf";
        let driver = Some(INF.as_bytes());
        let changes = [(store, driver), (r"Windows\INF\card.inf", driver)];
        let boot_image = changed_sample(Architecture::Amd64, &changes);
        bench.put("boot.wim", &boot_image);
        bench.put("devices.txt", DEVICES);
        // Three discs of the stand-in's size.
        for (name, megabytes) in [("office/one.bin", 3), ("office/two.bin", 1), ("driver.bin", 5)] {
            let line = format!("{name}: not all the same\n");
            let bytes: Vec<u8> = line.bytes().cycle().take(megabytes << 20).collect();
            bench.put(&format!("Packages/{name}"), bytes);
        }
        bench.put("tools/setup.cmd", "echo\r\n");
        bench.put("osd/SMS/bin/x64/TSMBAutoRun.exe", "a program");
        let destination = CaptureDestination::new(r"\\server\images\reference.wim").unwrap();
        let sequence = CaptureOptions::new().with_destination(destination).sequence();
        bench.put("capture.xml", sequence.to_xml().unwrap());

        let root = bench.path("dp02/SCCMContentLib");
        let tools: &[(&str, &[u8])] = &[("setup.cmd", b"echo\r\n"), ("x64/tool.exe", b"a program")];
        let library = LibraryFixture::new(root)
            .package("PS100005", 3, &[("boot.PS100005.wim", &boot_image)])
            .package("PS100012", 1, tools);
        let dp = FakeDp::new(Options::new(library.root()));
        let proxy = proxy::to(&dp.url());
        Self { bench, _dp: dp, proxy, drives: Vec::new() }
    }

    /// Loop devices for `/dev/sdb` and `/dev/sdc`.
    pub(super) fn plug_drives_in(&mut self, lock: &LoopLock) {
        for name in ["sdb", "sdc"] {
            let drive = Loop::with_len(lock, &self.bench.path(name), 264 << 20, 512);
            self.drives.push((name, drive));
        }
    }

    /// Runs a command of a page, and holds it to its exit code.
    #[track_caller]
    pub(super) fn run(&self, page: &str, command: &Command) {
        let text = self.with_stand_ins(&command.text);
        // A temporary folder of one's own, so that nothing is left there.
        fs::create_dir_all(self.bench.path("temporary")).unwrap();
        let bin = Path::new(env!("CARGO_BIN_EXE_capmedia")).parent().unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = [bin.to_owned()].into_iter().chain(env::split_paths(&path));
        let mut shell = Process::new("sh");
        shell.args(["-c", &text]).current_dir(self.bench.path(""));
        shell.env("PATH", env::join_paths(path).unwrap()).env_remove("SOURCE_DATE_EPOCH");
        shell.env("http_proxy", &self.proxy).env_remove("no_proxy").env_remove("NO_PROXY");
        shell.env("CAPMEDIA_PASSWORD", "Corr3ct-H0rse-Battery");
        shell.env("TMPDIR", self.bench.path("temporary")).stdin(Stdio::null());
        let ended = match self.asked_for(&command.text) {
            Some(name) => {
                let mut session = Session::start(&mut shell);
                session.wait_for(&format!("Type the name of the drive, {name}, to erase it: "));
                session.write(&format!("{name}\n"));
                let (code, stderr) = session.end();
                Ended { code, stdout: Vec::new(), stderr }
            }
            None => of(shell.output().unwrap()),
        };
        let place = format!("{page}:{}: {text}", command.line);
        assert_eq!(ended.code, Some(command.exit_code), "{place}: {}", ended.stderr);
        assert!(!ended.stderr.contains("error:") || command.exit_code != 0, "{}", ended.stderr);
    }

    /// The drive whose name must be typed.
    fn asked_for(&self, text: &str) -> Option<&str> {
        let erases = text.starts_with("capmedia create ") && text.contains("--path /dev/");
        if !erases || text.contains("--no-format") || text.contains("--yes") {
            return None;
        }
        let named = |(name, _): &&(&str, Loop)| text.contains(&format!("--path /dev/{name}"));
        self.drives.iter().find(named).map(|(_, drive)| drive.name())
    }

    fn with_stand_ins(&self, text: &str) -> String {
        let mut text = text.replace(r"'\\dp02'", "dp02");
        for size in ["650MB", "4GB"] {
            text = text.replace(&format!("--media-size {size}"), "--media-size 6MB");
        }
        // The last first: what stands for the other may begin with it.
        for (serial, (name, drive)) in ["4C530001", "diskseq:17"].iter().zip(&self.drives).rev() {
            let number = format!("/sys/block/{}/diskseq", drive.name());
            let number = fs::read_to_string(number).unwrap();
            let serial_option = format!("--drive-serial {serial}");
            let instead = format!("--drive-serial diskseq:{}", number.trim());
            text = text.replace(&serial_option, &instead);
            let node = format!("/dev/{name}");
            let (node1, partition) = (format!("{node}1"), drive.partition(1));
            if text.contains(&node1) {
                if !partition.exists() {
                    drive.add_partitions();
                }
                text = text.replace(&node1, partition.to_str().unwrap());
            }
            text = text.replace(&node, drive.path.to_str().unwrap());
        }
        // Loop devices are not removable.
        if text.starts_with("capmedia create ") && text.contains("--path /dev/") {
            text.push_str(" --allow-fixed");
        }
        text
    }
}
