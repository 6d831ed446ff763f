//! Sticks as others see them: mtools, fsck.fat and sha256sum.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use wim_image::Architecture;

use crate::command::Bench;
use crate::fixtures::changed_sample;
use crate::winpe::tool;

/// Another boot image with the same boot files.
pub(crate) fn change_boot_image(bench: &Bench, file: &[u8]) {
    let path = r"Windows\System32\winpeshl.ini";
    bench.put("boot.wim", changed_sample(Architecture::Amd64, &[(path, Some(file))]));
}

/// A volume with FAT32: the image of a stick without a partition table, or a partition of a drive.
pub(crate) struct Stick {
    pub(crate) bench: Bench,
    volume: PathBuf,
}

impl Stick {
    /// The image that the bench makes.
    pub(crate) fn new(bench: Bench) -> Self {
        let volume = bench.path("out/capture.img");
        Self { bench, volume }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn on(bench: Bench, volume: PathBuf) -> Self {
        Self { bench, volume }
    }

    pub(crate) fn mtools(&self, tool_name: &str, args: &[&str]) -> Output {
        let mut command = Command::new(tool_name);
        command.arg("-i").arg(&self.volume).args(args);
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{tool_name}: {error}"))
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let host = self.bench.put("foreign.tmp", bytes);
        let out = self.mtools("mcopy", &["-o", host.to_str().unwrap(), &format!("::{name}")]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        let out = self.mtools("mcopy", &[&format!("::{name}"), "-"]);
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    }

    /// Which of the media is on it: its manifest, after each file that it lists was found right.
    pub(crate) fn whole_media(&self) -> String {
        let folder = self.bench.path("unpacked");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let out = self.mtools("mcopy", &["-s", "-Q", "::*", folder.to_str().unwrap()]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let mut check = Command::new("sha256sum");
        tool(check.args(["--check", "--quiet", "--strict", "SHA256SUMS"]).current_dir(&folder));
        fs::read_to_string(folder.join("SHA256SUMS")).unwrap()
    }

    /// What fsck.fat has to say, without what a stick that was pulled may show: the mark of use,
    /// clusters that no file holds, counts that do not know of them, and that only one copy of the FAT
    /// knows of them yet, which FAT cannot avoid.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let out = Command::new("fsck.fat").args(["-n", "-v"]).arg(&self.volume).output();
        let out = out.expect("fsck.fat");
        if out.status.success() {
            return Vec::new();
        }
        let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        complaints_in(&text)
    }
}

fn complaints_in(text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut in_report = false;
    for line in text.lines().map(str::trim) {
        // The report on the layout that -v prints ends with the sectors of the volume.
        if line.ends_with("sectors total") {
            in_report = true;
            continue;
        }
        let harmless = [
            "Dirty bit",
            "Automatically removing dirty bit",
            "Reclaimed",
            "Reclaiming unconnected clusters",
            "Checking for unused clusters",
            "Checking free cluster summary",
            "Checking we can access",
            "Free cluster summary wrong",
            // Unknown while an update runs.
            "Free cluster summary uninitialized",
            // Of clusters that were files, when one copy has been written and the other not.
            "FATs differ but appear to be intact",
            "Using first FAT",
            "Auto-correcting",
            "Correct (-",
            "1) Remove dirty bit",
            "2) No action",
            "1) Correct",
            "2) Don't correct",
            "Leaving filesystem unchanged",
            "There are differences between boot sector and its backup",
            "Differences: (offset:original/backup)",
            "Not automatically fixing this",
            "65:01/00",
            "[y/n]",
            "Boot sector",
        ];
        let summary = line.ends_with("clusters") && line.contains(" files, ");
        if in_report
            && !line.is_empty()
            && !summary
            && !harmless.iter().any(|text| line.starts_with(text))
        {
            complaints.push(line.to_owned());
        }
    }
    complaints
}

/// Has the second copy of the FAT of the volume at byte `volume` tell something else about a cluster
/// than the first.
pub(crate) fn spoil_second_fat(file: &Path, volume: u64) {
    let mut file = File::options().read(true).write(true).open(file).unwrap();
    let mut boot = [0; 512];
    file.seek(SeekFrom::Start(volume)).unwrap();
    file.read_exact(&mut boot).unwrap();
    let sector = u64::from(u16::from_le_bytes([boot[0x0B], boot[0x0C]]));
    let reserved = u64::from(u16::from_le_bytes([boot[0x0E], boot[0x0F]]));
    let fat = u64::from(u32::from_le_bytes(*boot[0x24..].first_chunk().unwrap()));
    assert_eq!(boot[0x10], 2, "copies of the FAT");
    let entry = SeekFrom::Start(volume + (reserved + fat) * sector + 5 * 4);
    let mut byte = [0];
    file.seek(entry).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(entry).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

/// Numbers that look random and can be had again.
#[cfg(target_os = "linux")]
pub(crate) struct Random(u64);

#[cfg(target_os = "linux")]
impl Random {
    /// From `CAPMEDIA_SEED`, or always the same.
    pub(crate) fn seeded() -> Self {
        let seed = std::env::var("CAPMEDIA_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(20_261_123);
        println!("seed {seed}: CAPMEDIA_SEED={seed} gives the same moments");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX generator; its high bits.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            bytes.extend((self.below(1 << 30) as u32).to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}
