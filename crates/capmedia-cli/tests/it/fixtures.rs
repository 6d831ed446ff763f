//! Boot images of our own making, with other people's loaders in them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use capmedia::sample;
use extent_image::BytesSource;
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Architecture, Wim};

use crate::winpe::tool;

/// What UEFI starts from media.
pub(crate) const LOADER: &str = r"Windows\Boot\EFI\bootmgfw.efi";
/// What UEFI starts from a disc: a FAT image.
pub(crate) const EFISYS: &str = r"Windows\Boot\DVD\EFI\en-US\efisys.bin";
/// What a BIOS starts from a disc.
pub(crate) const ETFSBOOT: &str = r"Windows\Boot\DVD\PCAT\etfsboot.com";
/// Makes that ask for a key.
pub(crate) const BOOTFIX: &str = r"Windows\Boot\DVD\PCAT\en-US\bootfix.bin";
/// The same as [`EFISYS`] with a loader that does not ask for a key.
pub(crate) const EFISYS_NOPROMPT: &str = r"Windows\Boot\DVD\EFI\en-US\efisys_noprompt.bin";

/// The sample with other files in it: each has new bytes, or is left out.
pub(crate) fn changed_sample(
    architecture: Architecture,
    changes: &[(&str, Option<&[u8]>)],
) -> Vec<u8> {
    let sample = sample::boot_image_for(architecture).unwrap().unwrap();
    let wim = Wim::open(Arc::new(BytesSource::new("sample", sample))).unwrap();
    let mut image = ImageBuilder::new("changed sample", sample::TIME)
        .with_architecture(architecture)
        .with_edition("WindowsPE");
    let same = |path: &str, other: &str| path.trim_start_matches('\\').eq_ignore_ascii_case(other);
    for entry in wim.image(1).unwrap().walk().filter(|entry| !entry.is_folder()) {
        let path = entry.path();
        if !changes.iter().any(|(other, _)| same(&path, other)) {
            let bytes = wim.file(entry).unwrap().read_verified().unwrap();
            image = image.with_bytes(path.trim_start_matches('\\'), bytes).unwrap();
        }
    }
    for (path, bytes) in changes {
        if let Some(bytes) = bytes {
            image = image.with_bytes(path, bytes.to_vec()).unwrap();
        }
    }
    WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap()
}

/// A FAT image with files in `\EFI\BOOT`, as the site's `efisys.bin` is one.
pub(crate) fn efisys(files: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("efisys.bin");
    let kib = files.iter().map(|(_, bytes)| bytes.len() / 1024 + 64).sum::<usize>() + 1024;
    tool(Command::new("mkfs.fat").arg("-C").arg(&image).arg(kib.to_string()));
    tool(Command::new("mmd").arg("-i").arg(&image).args(["::EFI", "::EFI/BOOT"]));
    for (name, bytes) in files {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let mut copy = Command::new("mcopy");
        tool(copy.arg("-i").arg(&image).arg(&file).arg(format!("::EFI/BOOT/{name}")));
    }
    fs::read(image).unwrap()
}

/// A file of a Debian package.
#[track_caller]
pub(crate) fn installed(path: &str, package: &str) -> Vec<u8> {
    fs::read(Path::new(path))
        .unwrap_or_else(|error| panic!("{path} of Debian's package {package}: {error}"))
}
