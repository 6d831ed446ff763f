//! A small boot image with any INFs, hives and files in the places that are looked at: telling what
//! is in it ends without a panic, and what is told is short.

#![no_main]

use std::sync::Arc;

use bcd_store::hive::{FileTime, KeyTree, ValueType};
use boot_image::{Architecture, BootImage, BootImageError, Device, HardwareId};
use extent_image::{BytesSource, Timestamp};
use libfuzzer_sys::fuzz_target;
use wim_image::Version;
use wim_image::write::{ImageBuilder, WimBuilder};

/// Between the parts of an input, so that seeds can be put together of files.
const BETWEEN: &[u8] = b"\n%%\n";

/// The parts in their order. Of those left out or empty there is no file.
struct Content<'a> {
    infs: [&'a [u8]; 2],
    /// Of the hive DRIVERS, one a line: folder, published name, and the value that tells class, day
    /// and version, with `;` between.
    packages: &'a [u8],
    system: &'a [u8],
    /// One a line.
    manifests: &'a [u8],
    startup: &'a [u8],
    id: &'a [u8],
    /// Such as 10.0.26100.
    version: &'a [u8],
}

impl<'a> Content<'a> {
    fn read(mut data: &'a [u8]) -> Self {
        let mut next = || {
            let at = data.windows(BETWEEN.len()).position(|bytes| bytes == BETWEEN);
            let (part, rest) = data.split_at(at.unwrap_or(data.len()));
            data = rest.strip_prefix(BETWEEN).unwrap_or_default();
            part
        };
        Self {
            infs: [next(), next()],
            packages: next(),
            system: next(),
            manifests: next(),
            startup: next(),
            id: next(),
            version: next(),
        }
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

const STORE: &str = r"Windows\System32\DriverStore\FileRepository";

fn hive(packages: &[u8]) -> Option<Vec<u8>> {
    let mut keys = KeyTree::new("DriverPackages");
    for line in packages.split(|byte| *byte == b'\n').take(8) {
        let mut fields = line.splitn(3, |byte| *byte == b';');
        let [folder, published, version] = [(); 3].map(|()| fields.next().unwrap_or_default());
        let name: Vec<u8> = text(published).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let key = KeyTree::new(text(folder))
            .with_value("", ValueType::SZ, name.as_slice())
            .with_value("Provider", ValueType::SZ, name.as_slice())
            .with_value("Version", ValueType::BINARY, version);
        keys = keys.with_subkey(key);
    }
    let database = KeyTree::new("DriverDatabase").with_subkey(keys);
    KeyTree::new("ROOT").with_subkey(database).to_hive(FileTime::from_unix_seconds(0)).ok()
}

fn files(content: &Content<'_>) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (at, inf) in content.infs.iter().enumerate() {
        // Often the fuzzer's INF lacks the head without which it is none.
        let inf = match inf.split_first() {
            Some((b'[', _)) => [b"[Version]\nSignature=$Chicago$\n", *inf].concat(),
            _ => inf.to_vec(),
        };
        files.push((format!(r"{STORE}\a{at}.inf_amd64_0\a{at}.inf"), inf.clone()));
        files.push((format!(r"{STORE}\a{at}.inf_amd64_0\a.sys"), b"driver".to_vec()));
        files.push((format!(r"Windows\INF\oem{at}.inf"), inf));
    }
    let given = |bytes: &[u8]| (!bytes.is_empty()).then(|| bytes.to_vec());
    let drivers = given(content.packages).and_then(|packages| hive(&packages));
    for (name, bytes) in [("DRIVERS", drivers), ("SYSTEM", given(content.system))] {
        let path = format!(r"Windows\System32\config\{name}");
        files.extend(bytes.map(|bytes| (path, bytes)));
    }
    for name in text(content.manifests).lines().take(8) {
        files.push((format!(r"Windows\servicing\Packages\{name}.mum"), b"manifest".to_vec()));
    }
    files.extend(
        given(content.startup).map(|bytes| (r"Windows\System32\winpeshl.ini".to_owned(), bytes)),
    );
    files
}

fn boot_image(content: &Content<'_>) -> Result<BootImage, BootImageError> {
    let mut image = ImageBuilder::new("Windows PE", Timestamp::FAT_EPOCH)
        .with_architecture(Architecture::Amd64);
    let mut numbers = text(content.version).split('.').map(|number| number.trim().parse().ok());
    if let [Some(Some(major)), Some(Some(minor)), Some(Some(build))] =
        [(); 3].map(|()| numbers.next())
    {
        image = image.with_version(Version::new(major, minor, build, 1));
    }
    for (path, bytes) in files(content) {
        // A name that no file can have is left out.
        if let Ok(more) = image.clone().with_bytes(&path, bytes) {
            image = more;
        }
    }
    let wim = WimBuilder::new().with_image(image).with_boot_index(1);
    let wim = wim.to_vec().expect("a small image is written");
    BootImage::open(Arc::new(BytesSource::new("boot.wim", wim)))
}

fuzz_target!(|data: &[u8]| {
    let content = Content::read(data);
    let boot_image = boot_image(&content).expect("we wrote it");
    let drivers = boot_image.drivers(Architecture::Amd64);
    let findings = drivers.findings();
    assert!(findings.len() < 50);
    assert!(findings.iter().all(|finding| finding.to_string().len() < 16 << 10));
    for package in drivers.packages() {
        assert!(package.sys().count() <= 256);
        assert!(!package.name().contains(char::is_control));
    }
    let ids = [text(content.id), r"PCI\VEN_8086&DEV_15F3"].map(str::parse::<HardwareId>);
    let devices: Vec<Device> = ids.iter().flatten().map(Device::from_id).collect();
    for answer in drivers.answers(&devices) {
        if let Err(reason) = answer.driver {
            assert!(reason.to_string().len() < 16 << 10);
        }
    }
    let _ = boot_image.components();
    let _ = boot_image.runtime(Architecture::Amd64);
});
