//! Boot images as other people make them: a folder laid out like Windows PE, captured with wimlib.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use capmedia::sample;
use extent_image::{BytesSource, Digest};
use wim_image::Wim;

use crate::command::Bench;
use crate::places::{X64, media_data};

/// Files by their paths with `/`; `None` for a folder.
pub(crate) type Files = BTreeMap<String, Option<Vec<u8>>>;

/// A bench with the folder `tree`, and as `boot.wim` what was captured from it last.
pub(crate) struct WinPe {
    pub(crate) bench: Bench,
}

impl WinPe {
    /// Our stand-ins in Microsoft's places, a `kernel32.dll` from which wimlib tells the
    /// architecture, and 16 MiB of other files in nested folders.
    pub(crate) fn new() -> Self {
        let bench = Bench::new();
        let bytes = sample::boot_image().unwrap();
        let wim = Wim::open(Arc::new(BytesSource::new("sample", bytes))).unwrap();
        let image = wim.image(1).unwrap();
        let put = |path: &str, bytes: &[u8]| {
            bench.put(&format!("tree{}", path.replace('\\', "/")), bytes);
        };
        for entry in image.walk().filter(|entry| !entry.is_folder()) {
            put(&entry.path(), &wim.file(entry).unwrap().read_verified().unwrap());
        }
        put(r"\Windows\System32\kernel32.dll", &program());
        for number in 0..32_u64 {
            let name = format!(r"\Windows\System32\DriverStore\{}\driver{number}.sys", number % 5);
            put(&name, &half_noise(number << 12 | 512 << 10, number));
        }
        fs::create_dir_all(bench.path("tree/Windows/Temp/empty")).unwrap();
        Self { bench }
    }

    /// Takes away what stock boot images of the Windows ADK have not: what discs start by, and boot
    /// configurations. The ADK has boot.sdi beside them, Configuration Manager puts it in.
    pub(crate) fn make_stock(&self) {
        let at = |path: &str| self.bench.path(&format!("tree/{path}"));
        fs::create_dir_all(at("sms/boot")).unwrap();
        fs::rename(at("Windows/Boot/DVD/PCAT/boot.sdi"), at("sms/boot/boot.sdi")).unwrap();
        fs::remove_dir_all(at("Windows/Boot/DVD")).unwrap();
    }

    /// Captures the folder as `boot.wim`.
    pub(crate) fn capture(&self, compression: &str) {
        let (tree, wim) = (self.bench.path("tree"), self.bench.path("boot.wim"));
        let _ = fs::remove_file(&wim);
        let mut capture = Command::new("wimlib-imagex");
        capture.arg("capture").args([tree, wim]).args(["Windows PE like", "--boot"]);
        tool(capture.arg(format!("--compress={compression}")));
    }

    /// What media must hold, when `found` tells its description, whose set id is not ours to know.
    pub(crate) fn expected(&self, kind: &str, found: &Files) -> Files {
        // What starts discs is on no stick, and UEFI starts a hybrid by its volume.
        let rows = match kind {
            "usb" => X64[2..].to_vec(),
            "hybrid" => [&X64[..1], &X64[2..]].concat(),
            _ => X64.to_vec(),
        };
        let file = |path: &str| Some(fs::read(self.bench.path(path)).unwrap());
        let place = |part: &str| file(&format!("tree/{}", part.replace('\\', "/")));
        let rows = rows.into_iter().map(|(media, part)| (media.to_owned(), place(part)));
        let mut files: Files = rows.collect();
        files.insert("sources/boot.wim".into(), file("boot.wim"));
        files.insert("MediaLabel.txt".into(), Some(b"label=Configuration Manager\r\n".into()));
        files.insert("media.json".into(), found["media.json"].clone());
        files.extend(media_data().map(|(path, content)| (path.to_owned(), Some(content))));
        let sums = files
            .iter()
            .map(|(path, content)| format!("{}  {path}\n", Digest::of(content.as_ref().unwrap())));
        files.insert("SHA256SUMS".into(), Some(sums.collect::<String>().into_bytes()));
        let paths: Vec<String> = files.keys().cloned().collect();
        for path in paths {
            for (at, _) in path.match_indices('/') {
                files.insert(path[..at].to_owned(), None);
            }
        }
        files
    }

    /// A folder into which media was unpacked must hold what the media must.
    #[track_caller]
    pub(crate) fn assert_unpacked(&self, kind: &str, folder: &str) {
        let found = files_in(&self.bench.path(folder));
        let expected = self.expected(kind, &found);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (path, content) in &expected {
            assert!(found[path] == *content, "{path} differs in {folder}");
        }
    }
}

/// As much of a program for x64 as wimlib looks at.
fn program() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3C] = 0x80;
    bytes[0x80..0x82].copy_from_slice(b"PE");
    bytes[0x84..0x86].copy_from_slice(&0x8664_u16.to_le_bytes());
    bytes
}

/// Words of a small vocabulary in no order: about half of it goes when it is compressed.
fn half_noise(len: u64, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words: Vec<[u8; 8]> = (0..2000).map(|_| next().to_le_bytes()).collect();
    let mut bytes = Vec::new();
    while bytes.len() < len as usize {
        let [index, extra, ..] = next().to_le_bytes().map(usize::from);
        bytes.extend_from_slice(&words[(index * 7 + extra) % words.len()][..4 + extra % 5]);
    }
    bytes.truncate(len as usize);
    bytes
}

pub(crate) fn files_in(folder: &Path) -> Files {
    fn add(at: &Path, prefix: &str, found: &mut Files) {
        for entry in fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            let content = if entry.file_type().unwrap().is_dir() {
                add(&entry.path(), &format!("{name}/"), found);
                None
            } else {
                Some(fs::read(entry.path()).unwrap())
            };
            found.insert(name, content);
        }
    }
    let mut found = Files::new();
    add(folder, "", &mut found);
    found
}

/// Runs an outside tool, which must be there and succeed, and gives all that it printed.
#[track_caller]
pub(crate) fn tool(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{}{}", output.status, text[0], text[1]);
    text.concat()
}
