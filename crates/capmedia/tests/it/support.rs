//! A folder with a boot image in it, the media made of that, and what is on the media.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bcd_store::hive::FileTime;
use bcd_store::{BootStore, Firmware};
use capmedia::{Error, Made, create, sample, verify};
use extent_image::{BytesSource, Digest};
use fat32_image::check::Volume;
use iso9660_image::TreeKind;
use iso9660_image::check::Image;
use media_model::CaptureMediaRequest;
use tempfile::TempDir;
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Architecture, Wim};

use crate::places::{X64, media_data};

/// Where the requests of tests capture to.
pub(crate) const DESTINATION: &str = r"\\server\share\image.wim";

/// What is on a medium: paths with `/`; `None` for a folder.
pub(crate) type Files = BTreeMap<String, Option<Vec<u8>>>;

/// Files of a boot image by their paths with `\`.
pub(crate) type Parts = BTreeMap<String, Vec<u8>>;

/// A folder with `boot.wim`, and `out` for what is made of it.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// With the sample boot image.
    pub(crate) fn new() -> Self {
        Self::with_boot_image(&sample::boot_image().unwrap())
    }

    pub(crate) fn with_boot_image(wim: &[u8]) -> Self {
        let workshop = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(workshop.path("out")).unwrap();
        workshop.put("boot.wim", wim);
        workshop
    }

    /// A path in it, which is given with `/`, as the system writes it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        name.split('/').fold(self.folder.path().to_owned(), |at, name| at.join(name))
    }

    /// Writes a file with the sample's time, in folders made as needed.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        set_time(&path, sample::TIME.unix_seconds());
        path
    }

    /// `out/capture.iso` or a small `out/capture.img` of the boot image.
    pub(crate) fn request(&self, kind: &str) -> CaptureMediaRequest {
        let name = if kind == "usb" { "out/capture.img" } else { "out/capture.iso" };
        let request = CaptureMediaRequest::new(self.path("boot.wim"), kind, self.path(name))
            .with_capture_destination(DESTINATION);
        if kind == "usb" { request.with_image_size("40MiB") } else { request }
    }

    /// What `--add` takes for a file or folder of this one.
    pub(crate) fn add(&self, name: &str, media: &str) -> String {
        format!("{}={media}", self.path(name).display())
    }

    /// Everything in the folder `out`, hidden files too.
    pub(crate) fn out(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("out")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

pub(crate) fn set_time(path: &Path, seconds: i64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap());
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

pub(crate) fn make(request: &CaptureMediaRequest) -> Result<Made, Error> {
    create(&request.check().expect("a request without problems"), &mut ())
}

/// Makes media, has `verify` find nothing wrong, and reads every file back.
#[track_caller]
pub(crate) fn made_files(request: &CaptureMediaRequest) -> Files {
    make(request).unwrap();
    let path = &request.path[0];
    assert_sound(path);
    let mut file = File::open(path).unwrap();
    if request.media_type.as_deref() == Some("usb") {
        stick_files(&mut file)
    } else {
        disc_files(&mut file, TreeKind::Joliet)
    }
}

#[track_caller]
pub(crate) fn assert_sound(path: &Path) {
    let found = verify(File::open(path).unwrap(), &mut ()).unwrap();
    assert_eq!(found.faults, [] as [&str; 0]);
    assert!(found.manifest && found.compared + 1 == found.files, "{found:?}");
    assert_eq!(found.unlisted, [] as [&str; 0]);
}

pub(crate) fn disc_files(image: impl Read + Seek, tree: TreeKind) -> Files {
    let mut image = Image::open(image).unwrap();
    assert_eq!(image.check().unwrap(), []);
    let entries: Vec<_> = image.walk(tree).unwrap().map(Result::unwrap).collect();
    let mut files = Files::new();
    for entry in entries {
        let content = (!entry.is_dir()).then(|| read(image.open_file(&entry)));
        assert_eq!(files.insert(entry.path().to_owned(), content), None);
    }
    files
}

pub(crate) fn stick_files(image: &mut (impl Read + Seek)) -> Files {
    let disk = disk_image::read(image).unwrap();
    let range = disk.volume().unwrap().range();
    let mut volume = Volume::open(image, range.start, range.end - range.start).unwrap();
    assert_eq!(volume.check().unwrap(), []);
    let mut files = Files::new();
    for entry in volume.walk().unwrap() {
        let content = (!entry.is_folder()).then(|| read(volume.open_file(&entry)));
        assert_eq!(files.insert(entry.path(), content), None);
    }
    files
}

pub(crate) fn read(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

/// What media of the x64 sample must hold: boot files, boot image, label, description, manifest.
pub(crate) fn expected(kind: &str, wim: &[u8], label: &str, description: &[u8]) -> Files {
    let parts = parts_of(wim);
    let rows = if kind == "usb" { &X64[2..] } else { &X64[..] };
    let mut files: Files = rows
        .iter()
        .map(|(media, part)| ((*media).to_owned(), Some(parts[*part].clone())))
        .collect();
    files.insert("sources/boot.wim".into(), Some(wim.to_vec()));
    files.insert("MediaLabel.txt".into(), Some(format!("label={label}\r\n").into_bytes()));
    files.insert("media.json".into(), Some(description.to_vec()));
    files.extend(media_data().map(|(path, content)| (path.to_owned(), Some(content))));
    finish(files)
}

/// Adds the manifest and all folders.
pub(crate) fn finish(mut files: Files) -> Files {
    files.insert("SHA256SUMS".into(), Some(sums(&files).into_bytes()));
    let paths: Vec<String> = files.keys().cloned().collect();
    for path in paths {
        for (at, _) in path.match_indices('/') {
            files.insert(path[..at].to_owned(), None);
        }
    }
    files
}

/// The manifest as `sha256sum` would write it: in the order of paths, which is that of the map.
pub(crate) fn sums(files: &Files) -> String {
    let mut text = String::new();
    for (path, content) in files {
        if let (Some(content), true) = (content, path != "SHA256SUMS") {
            text.push_str(&format!("{}  {path}\n", Digest::of(content)));
        }
    }
    text
}

#[track_caller]
pub(crate) fn assert_same(found: &Files, expected: &Files) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, content) in expected {
        assert!(found[path] == *content, "{path} differs");
    }
}

/// The files of the first image of a WIM.
pub(crate) fn parts_of(wim: &[u8]) -> Parts {
    let wim = Wim::open(Arc::new(BytesSource::new("wim", wim.to_vec()))).unwrap();
    let image = wim.image(1).unwrap();
    let files = image.walk().filter(|entry| !entry.is_folder());
    let part = |entry: wim_image::Entry<'_>| {
        let path = entry.path().trim_start_matches('\\').to_owned();
        (path, wim.file(entry).unwrap().read_verified().unwrap())
    };
    files.map(part).collect()
}

/// A small but complete boot image: every file has a few bytes of its own.
pub(crate) fn small_parts(machine: Architecture) -> Parts {
    let mut parts = Parts::new();
    for (media, part) in X64 {
        let part = match machine {
            Architecture::X86 => part.replace(r"sms\bin\x64", r"sms\bin\i386"),
            _ => part.to_owned(),
        };
        parts.insert(part, format!("stands in for {media}").into_bytes());
    }
    parts.insert(r"Windows\Boot\EFI\bootmgfw.efi".into(), pe(machine));
    parts.insert(r"Windows\Boot\DVD\PCAT\BCD".into(), bcd(Firmware::Bios));
    parts.insert(r"Windows\Boot\DVD\EFI\BCD".into(), bcd(Firmware::Uefi));
    parts.insert(r"Windows\Boot\DVD\EFI\en-US\efisys.bin".into(), floppy());
    parts.insert(r"Windows\System32\winpeshl.ini".into(), b"[LaunchApps]\r\n".to_vec());
    parts
}

/// A boot configuration that starts media, and is none that `create` makes.
pub(crate) fn bcd(firmware: Firmware) -> Vec<u8> {
    hive(&BootStore::new(firmware).with_description("of the boot image"))
}

pub(crate) fn hive(store: &BootStore) -> Vec<u8> {
    store.build().unwrap().to_bytes(FileTime::from_unix_seconds(1_600_000_000)).unwrap()
}

/// As much of a FAT volume as tells that it is one.
pub(crate) fn floppy() -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    bytes[..16].copy_from_slice(b"\xEB\x3C\x90MSDOS5.0\0\x02\x01\x01\0");
    bytes[16..24].copy_from_slice(&[1, 16, 0, 4, 0, 0xF0, 1, 0]);
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    bytes
}

/// As much of a program as tells what it runs on.
pub(crate) fn pe(machine: Architecture) -> Vec<u8> {
    let mut bytes = vec![0; 0x100];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3C] = 0x80;
    bytes[0x80..0x82].copy_from_slice(b"PE");
    bytes[0x84..0x86].copy_from_slice(&machine.pe_machine().to_le_bytes());
    bytes
}

pub(crate) fn wim(architecture: Option<Architecture>, parts: &Parts) -> Vec<u8> {
    let mut image = ImageBuilder::new("test", sample::TIME);
    if let Some(architecture) = architecture {
        image = image.with_architecture(architecture);
    }
    for (path, bytes) in parts {
        image = image.with_bytes(path, bytes.clone()).unwrap();
    }
    WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap()
}

pub(crate) fn small_wim() -> Vec<u8> {
    wim(Some(Architecture::Amd64), &small_parts(Architecture::Amd64))
}

/// An error and all its causes, as the command prints them.
pub(crate) fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}\n{error}");
        cause = error.source();
    }
    text
}

/// Bytes that look like none before.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A file of `len` bytes that takes no room on most file systems.
pub(crate) fn sparse(path: &Path, len: u64) {
    File::create(path).unwrap().set_len(len).unwrap();
}

/// The description the plan tells, as it stands on the media.
pub(crate) fn description(
    label: &str,
    architecture: &str,
    set_id: &str,
    boot_code: Option<Digest>,
) -> Vec<u8> {
    let boot_code = boot_code.map(|digest| format!(",\n  \"boot-code\": \"{digest}\""));
    format!(
        "{{\n  \"format\": 1,\n  \"media\": \"capture\",\n  \"label\": \"{label}\",\n  \
         \"set-id\": \"{set_id}\",\n  \"volume\": 1,\n  \"volumes\": 1,\n  \
         \"architecture\": \"{architecture}\"{}\n}}\n",
        boot_code.unwrap_or_default()
    )
    .into_bytes()
}
