//! Boot images as they come: complete, with parts missing, contradicting themselves.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod authenticode;
mod both_sets;
mod drivers;

use std::fs;
use std::sync::Arc;

use boot_image::{Architecture, BootFile, BootImage, BootImageError, Found, Need};
use extent_image::{BytesSource, Timestamp};
use wim_image::write::{ImageBuilder, WimBuilder};

const TIME: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// The head of a program for `machine`.
fn program(architecture: Architecture) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3C] = 0x80;
    bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
    bytes[0x84..0x86].copy_from_slice(&architecture.pe_machine().to_le_bytes());
    bytes
}

fn boot_image(
    xml: Option<Architecture>,
    files: &[(&str, Vec<u8>)],
) -> Result<BootImage, BootImageError> {
    let mut image = ImageBuilder::new("Windows PE", TIME);
    if let Some(xml) = xml {
        image = image.with_architecture(xml);
    }
    for (path, bytes) in files {
        image = image.with_bytes(path, bytes.clone()).unwrap();
    }
    let wim = WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap();
    BootImage::open(Arc::new(BytesSource::new("boot.wim", wim)))
}

fn complete(architecture: Architecture) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (r"Windows\Boot\EFI\bootmgfw.efi", program(architecture)),
        (r"Windows\Boot\PCAT\bootmgr", b"bootmgr".to_vec()),
        (r"Windows\Boot\DVD\PCAT\BCD", b"bios bcd".to_vec()),
        (r"Windows\Boot\DVD\EFI\BCD", b"uefi bcd".to_vec()),
        (r"Windows\Boot\DVD\PCAT\etfsboot.com", b"etfsboot".to_vec()),
        (r"Windows\Boot\DVD\EFI\de-DE\efisys.bin", b"efisys de".to_vec()),
        (r"Windows\Boot\DVD\EFI\en-US\efisys.bin", b"efisys en".to_vec()),
        (r"sms\boot\boot.sdi", b"sdi".to_vec()),
        (r"Windows\Boot\Fonts\wgl4_boot.ttf", b"font".to_vec()),
        (r"Windows\Boot\Fonts\readme.txt", b"no font".to_vec()),
    ]
}

fn content(found: &Found) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut found.source.open(0).unwrap(), &mut bytes).unwrap();
    bytes
}

fn by_media<'a>(found: &'a [Found], media: &str) -> Option<&'a Found> {
    found.iter().find(|found| found.media == media)
}

#[test]
fn a_complete_image_gives_every_file_its_place() {
    let image = boot_image(Some(Architecture::Amd64), &complete(Architecture::Amd64)).unwrap();
    assert_eq!(image.architecture(None).unwrap(), Architecture::Amd64);
    let found = image
        .boot_files(Architecture::Amd64, None)
        .unwrap()
        .require(&[BootFile::Etfsboot, BootFile::Efisys])
        .unwrap();
    for (media, bytes) in [
        ("bootmgr", &b"bootmgr"[..]),
        (r"boot\bcd", b"bios bcd"),
        (r"boot\boot.sdi", b"sdi"),
        (r"boot\etfsboot.com", b"etfsboot"),
        (r"boot\fonts\wgl4_boot.ttf", b"font"),
        (r"EFI\Microsoft\Boot\bcd", b"uefi bcd"),
        (r"EFI\Microsoft\Boot\efisys.bin", b"efisys en"),
        (r"EFI\Microsoft\Boot\fonts\wgl4_boot.ttf", b"font"),
        (r"EFI\Boot\bootx64.efi", &program(Architecture::Amd64)),
    ] {
        let file = by_media(&found, media).unwrap_or_else(|| panic!("{media} not found"));
        assert_eq!(content(file), bytes, "{media}");
        assert_eq!(file.modified, TIME);
    }
    assert_eq!(found.len(), 9);
    let fonts: Vec<_> = found.iter().filter(|f| f.file == BootFile::Font).collect();
    assert!(Arc::ptr_eq(&fonts[0].source, &fonts[1].source), "one font, stored once");
}

#[test]
fn a_great_many_language_folders_are_told_as_one_place() {
    let names: Vec<_> = (0..20_000).map(|n| format!(r"Windows\Boot\DVD\EFI\x{n}\none")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
    let image = boot_image(Some(Architecture::Amd64), &files).unwrap();
    let files = image.boot_files(Architecture::Amd64, None).unwrap();
    let efisys = files.missing.iter().find(|missing| missing.file == BootFile::Efisys).unwrap();
    let languages = efisys.searched.iter().filter(|place| place.contains(r"\DVD\EFI\"));
    let ends: Vec<_> = languages.map(|place| place.rsplit('\\').nth(1).unwrap()).collect();
    assert_eq!(ends, ["en-US", "*", "EFI"]);
}

#[test]
fn arm64_has_no_bios_files() {
    let image = boot_image(Some(Architecture::Arm64), &complete(Architecture::Arm64)).unwrap();
    let files = image.boot_files(image.architecture(None).unwrap(), None).unwrap();
    let media: Vec<_> = files.found.iter().map(|found| &*found.media).collect();
    assert!(media.contains(&r"EFI\Boot\bootaa64.efi"));
    assert!(!media.contains(&"bootmgr") && !media.contains(&r"boot\bcd"), "{media:?}");
    assert!(files.missing.iter().all(|missing| missing.need != Need::Required));
    assert!(files.found.iter().all(|found| found.for_uefi));
}

#[test]
fn missing_files_are_all_named_with_every_place_searched() {
    let files = [(r"Windows\Boot\EFI\bootmgfw.efi", program(Architecture::Amd64))];
    let image = boot_image(Some(Architecture::Amd64), &files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = image.boot_files(Architecture::Amd64, Some(folder.path())).unwrap();
    let BootImageError::Missing(missing) = files.require(&[]).unwrap_err() else {
        panic!("another error")
    };
    let files = image.boot_files(Architecture::Amd64, None).unwrap();
    assert!(!files.has(BootFile::Efisys) && files.has(BootFile::EfiBootManager));
    let error = files.require(&[BootFile::Etfsboot]).unwrap_err();
    assert!(error.to_string().contains(r"boot\etfsboot.com"), "{error}");
    let names: Vec<_> = missing.iter().map(|missing| &*missing.media).collect();
    assert_eq!(names, ["bootmgr", r"boot\boot.sdi"]);
    let sdi = &missing[1].searched;
    assert!(sdi.iter().any(|place| place == r"boot.wim:\sms\boot\boot.sdi"), "{sdi:?}");
    assert!(sdi.iter().any(|place| place.starts_with(folder.path().to_str().unwrap())), "{sdi:?}");
    let text = BootImageError::Missing(missing).to_string();
    assert!(text.contains("--boot-files"), "{text}");
}

#[test]
fn a_folder_of_boot_files_comes_first_and_fills_gaps() {
    let mut files = complete(Architecture::Amd64);
    files.retain(|(path, _)| !path.contains("etfsboot"));
    let image = boot_image(Some(Architecture::Amd64), &files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("media/Boot/Fonts")).unwrap();
    fs::create_dir_all(folder.path().join("fwfiles")).unwrap();
    fs::write(folder.path().join("media/Boot/BCD"), "folder bcd").unwrap();
    fs::write(folder.path().join("media/Boot/Fonts/x.TTF"), "folder font").unwrap();
    fs::write(folder.path().join("fwfiles/etfsboot.com"), "folder etfsboot").unwrap();
    let found = image.boot_files(Architecture::Amd64, Some(folder.path())).unwrap();
    let found = found.require(&[BootFile::Etfsboot, BootFile::Efisys]).unwrap();
    assert_eq!(content(by_media(&found, r"boot\bcd").unwrap()), b"folder bcd");
    assert_eq!(content(by_media(&found, r"boot\etfsboot.com").unwrap()), b"folder etfsboot");
    assert_eq!(content(by_media(&found, r"EFI\Microsoft\Boot\bcd").unwrap()), b"uefi bcd");
    assert!(by_media(&found, r"boot\fonts\x.TTF").is_some());
    assert!(by_media(&found, r"boot\fonts\wgl4_boot.ttf").is_none());
    let nowhere = folder.path().join("nowhere");
    let error = image.boot_files(Architecture::Amd64, Some(&nowhere)).unwrap_err();
    assert!(matches!(error, BootImageError::Folder { .. }));
}

#[test]
fn xml_and_boot_manager_must_agree() {
    let image = boot_image(Some(Architecture::Arm64), &complete(Architecture::Amd64)).unwrap();
    let error = image.architecture(None).unwrap_err();
    let BootImageError::Disagree { expected, pe, .. } = error else { panic!("{error}") };
    assert_eq!((expected, pe), (Architecture::Arm64, Architecture::Amd64));

    let image = boot_image(None, &complete(Architecture::X86)).unwrap();
    assert_eq!(image.architecture(None).unwrap(), Architecture::X86);

    let image = boot_image(Some(Architecture::X86), &[(r"x", vec![])]).unwrap();
    assert_eq!(image.architecture(None).unwrap(), Architecture::X86);

    let image = boot_image(None, &[(r"x", vec![])]).unwrap();
    let error = image.architecture(None).unwrap_err();
    assert!(matches!(error, BootImageError::NoArchitecture { .. }), "{error}");

    let image = boot_image(Some(Architecture::Ia64), &[(r"x", vec![])]).unwrap();
    let error = image.architecture(None).unwrap_err();
    assert!(matches!(error, BootImageError::Unsupported { .. }), "{error}");

    let files = [(r"Windows\Boot\EFI\bootmgfw.efi", b"text".to_vec())];
    let image = boot_image(Some(Architecture::Amd64), &files).unwrap();
    let error = image.architecture(None).unwrap_err();
    assert!(matches!(error, BootImageError::NotAProgram { .. }), "{error}");

    // The folder's boot manager is the one that goes on the media.
    let image = boot_image(Some(Architecture::Amd64), &complete(Architecture::Amd64)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bootmgfw.efi"), program(Architecture::Arm64)).unwrap();
    let error = image.boot_files(Architecture::Amd64, Some(folder.path())).unwrap_err();
    assert!(matches!(error, BootImageError::Disagree { .. }), "{error}");
}

#[test]
fn a_wim_that_boots_nothing_is_refused_with_the_way_out() {
    let image = ImageBuilder::new("Data", TIME).with_bytes("x", &b"x"[..]).unwrap();
    let wim = WimBuilder::new().with_image(image).to_vec().unwrap();
    let error = BootImage::open(Arc::new(BytesSource::new("data.wim", wim))).err().unwrap();
    assert!(matches!(error, BootImageError::NoBootIndex { images: 1, .. }), "{error}");
    assert!(error.to_string().contains("--boot"), "{error}");
    let error = BootImage::open(Arc::new(BytesSource::new("text", "not a WIM"))).err().unwrap();
    assert!(matches!(error, BootImageError::Open { .. }), "{error}");
}
