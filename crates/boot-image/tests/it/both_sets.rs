//! Boot images with the set signed for the Windows UEFI CA 2023, and loaders of two architectures.

use std::fs;

use boot_image::{Architecture, BootFile, BootFileSearch, BootFiles, BootSet, Found, Need};

use crate::{boot_image, by_media, complete, content, program};

/// What newer boot images have beside the classic set.
fn ex_set() -> Vec<(&'static str, Vec<u8>)> {
    let mut manager = program(Architecture::Amd64);
    manager.extend(b"EX");
    vec![
        (r"Windows\Boot\EFI_EX\bootmgfw_EX.efi", manager),
        (r"Windows\Boot\EFI_EX\bootmgr_EX.efi", b"bootmgr EX".to_vec()),
        (r"Windows\Boot\EFI_EX\boot.stl", b"stl EX".to_vec()),
        (r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin", b"efisys EX".to_vec()),
        (r"Windows\Boot\FONTS_EX\wgl4_boot_EX.ttf", b"font EX".to_vec()),
        (r"Windows\Boot\FONTS_EX\plain.ttf", b"not of the set".to_vec()),
    ]
}

fn both() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = complete(Architecture::Amd64);
    files.push((r"Windows\Boot\EFI\bootmgr.efi", b"bootmgr classic".to_vec()));
    files.push((r"Windows\Boot\EFI\boot.stl", b"stl classic".to_vec()));
    files.push((r"Windows\Boot\EFI\memtest.efi", b"memtest".to_vec()));
    files.extend(ex_set());
    files
}

const EX: BootSet = BootSet::Ex;

fn search(files: &[(&str, Vec<u8>)], search: &BootFileSearch<'_>) -> BootFiles {
    boot_image(Some(search_arch(files)), files).unwrap().search(search).unwrap()
}

/// By the classic boot manager of the fixture.
fn search_arch(files: &[(&str, Vec<u8>)]) -> Architecture {
    let x86 = program(Architecture::X86);
    let is_x86 = files.iter().any(|(path, bytes)| path.ends_with("bootmgfw.efi") && *bytes == x86);
    if is_x86 { Architecture::X86 } else { Architecture::Amd64 }
}

fn bytes(found: &[Found], media: &str) -> Option<Vec<u8>> {
    by_media(found, media).map(content)
}

#[test]
fn the_ex_set_goes_under_the_names_of_the_classic_one() {
    let ex = BootFileSearch::new(Architecture::Amd64).with_set(EX);
    let found = search(&both(), &ex).found;
    assert!(bytes(&found, r"EFI\Boot\bootx64.efi").unwrap().ends_with(b"EX"));
    for (media, expected) in [
        ("bootmgr.efi", &b"bootmgr EX"[..]),
        (r"EFI\Microsoft\Boot\efisys.bin", b"efisys EX"),
        (r"boot\fonts\wgl4_boot.ttf", b"font EX"),
        (r"EFI\Microsoft\Boot\fonts\wgl4_boot.ttf", b"font EX"),
        // What has no other form.
        ("bootmgr", b"bootmgr"),
        (r"boot\bcd", b"bios bcd"),
        (r"EFI\Microsoft\Boot\bcd", b"uefi bcd"),
        (r"boot\boot.sdi", b"sdi"),
        (r"boot\etfsboot.com", b"etfsboot"),
        (r"EFI\Microsoft\Boot\memtest.efi", b"memtest"),
    ] {
        assert_eq!(bytes(&found, media).as_deref(), Some(expected), "{media}");
    }
    assert_eq!(found.iter().filter(|found| found.file == BootFile::Font).count(), 2);
    assert!(found.iter().all(|found| !found.media.to_lowercase().contains("_ex")));

    let classic = search(&both(), &BootFileSearch::new(Architecture::Amd64)).found;
    assert_eq!(bytes(&classic, "bootmgr.efi").unwrap(), b"bootmgr classic");
    assert_eq!(bytes(&classic, r"boot\fonts\wgl4_boot.ttf").unwrap(), b"font");
}

#[test]
fn nothing_of_one_set_stands_in_for_the_other() {
    let mut files = complete(Architecture::Amd64);
    files.push((r"Windows\Boot\EFI\bootmgr.efi", b"bootmgr classic".to_vec()));
    let ex = BootFileSearch::new(Architecture::Amd64).with_set(EX);
    let found = search(&files, &ex);
    for file in [
        BootFile::EfiBootManager,
        BootFile::BootmgrEfi,
        BootFile::Efisys,
        BootFile::EfisysNoprompt,
        BootFile::Font,
    ] {
        assert!(!found.has(file), "{file:?}");
        let missing = found.missing.iter().find(|missing| missing.file == file).unwrap();
        assert!(missing.searched.iter().all(|place| place.contains("_E")), "{missing:?}");
    }
    let found = search(
        &both()[complete(Architecture::Amd64).len() + 3..],
        &BootFileSearch::new(Architecture::Amd64),
    );
    assert_eq!(found.found.len(), 0, "{found:?}");
}

#[test]
fn the_list_of_revoked_signatures_is_the_newest_of_the_image() {
    let stl = |files: &[(&str, Vec<u8>)]| {
        let image = boot_image(Some(Architecture::Amd64), files).unwrap();
        image.boot_stl().unwrap().map(|found| content(&found))
    };
    assert_eq!(stl(&both()).unwrap(), b"stl EX");
    let mut files = both();
    files.retain(|(path, _)| *path != r"Windows\Boot\EFI_EX\boot.stl");
    assert_eq!(stl(&files).unwrap(), b"stl classic");
    assert_eq!(stl(&complete(Architecture::Amd64)), None);
}

#[test]
fn a_folder_may_hold_the_ex_set() {
    let fonts = ["Windows/Boot/Fonts_EX", "FONTS_EX", "."];
    let managers =
        ["Windows/Boot/EFI_EX/bootmgfw_EX.efi", "bootbins/bootmgfw_EX.efi", "BOOTMGFW_ex.EFI"];
    let efisys =
        ["Windows/Boot/DVD_EX/EFI/en-US/efisys_EX.bin", "bootbins/efisys_EX.bin", "efisys_EX.bin"];
    for ((fonts, manager), efisys) in fonts.iter().zip(managers).zip(efisys) {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, bytes: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        put(&format!("{fonts}/a_EX.ttf"), b"font of the folder");
        put(manager, &program(Architecture::Amd64));
        put(efisys, b"efisys of the folder");
        // A place on media says nothing of the set, so it is not one of this set's.
        put("EFI/Boot/bootx64.efi", &program(Architecture::X86));
        let ex = BootFileSearch::new(Architecture::Amd64).with_set(EX);
        let found = search(&both(), &ex.with_folder(Some(folder.path()))).found;
        assert_eq!(bytes(&found, r"boot\fonts\a.ttf").unwrap(), b"font of the folder");
        assert!(by_media(&found, r"boot\fonts\wgl4_boot.ttf").is_none());
        assert_eq!(bytes(&found, r"EFI\Boot\bootx64.efi").unwrap(), program(Architecture::Amd64));
        assert_eq!(
            bytes(&found, r"EFI\Microsoft\Boot\efisys.bin").unwrap(),
            b"efisys of the folder"
        );
        assert_eq!(bytes(&found, "bootmgr.efi").unwrap(), b"bootmgr EX", "the rest is the image's");
    }
}

#[test]
fn the_ex_set_alone_tells_the_architecture() {
    let files = [(r"Windows\Boot\EFI_EX\bootmgfw_EX.efi", program(Architecture::Arm64))];
    let image = boot_image(None, &files).unwrap();
    assert_eq!(image.architecture(None).unwrap(), Architecture::Arm64);
}

#[test]
fn an_x64_loader_joins_an_x86_boot_image() {
    let both = BootFileSearch::new(Architecture::X86).with_loader_for(Some(Architecture::Amd64));
    let (x64, ia32) = (r"EFI\Boot\bootx64.efi", r"EFI\Boot\bootia32.efi");

    // The boot image's own program is not one.
    let found = search(&complete(Architecture::X86), &both);
    assert_eq!(bytes(&found.found, ia32).unwrap(), program(Architecture::X86));
    assert!(by_media(&found.found, x64).is_none());
    let missing = found.missing.iter().find(|missing| missing.media == x64).unwrap();
    assert_eq!(missing.need, Need::Optional);
    assert!(missing.searched.iter().any(|place| place.ends_with(r"EFI\bootmgfw.efi")));

    // Whatever it is called in a folder, its header says what it is.
    for name in
        ["bootmgfw.efi", "EFI/Boot/bootx64.efi", "bootx64.efi", "media/efi/boot/BOOTX64.EFI"]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, program(Architecture::Amd64)).unwrap();
        let search_in = both.with_folder(Some(folder.path()));
        let found = search(&complete(Architecture::X86), &search_in).found;
        assert_eq!(bytes(&found, x64).unwrap(), program(Architecture::Amd64), "{name}");
        assert_eq!(bytes(&found, ia32).unwrap(), program(Architecture::X86), "{name}");
        fs::write(&path, program(Architecture::Arm64)).unwrap();
        assert!(by_media(&search(&complete(Architecture::X86), &search_in).found, x64).is_none());
    }

    // An image that starts by a BIOS alone is fine then.
    let mut files = complete(Architecture::X86);
    files.retain(|(path, _)| !path.ends_with("bootmgfw.efi"));
    let image = boot_image(Some(Architecture::X86), &files).unwrap();
    let found = image.search(&both).unwrap();
    assert!(!found.has(BootFile::EfiBootManager));
    found.require(&[]).unwrap();
}
