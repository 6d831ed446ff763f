//! Boot images and computers of every architecture: what each firmware finds on the media.

use std::fs::File;
use std::io::{Cursor, Read};

use capmedia::{Blame, Made, MediaPlan, verify};
use disk_image::Code;
use iso9660_image::check::Image;
use iso9660_image::{Platform, TreeKind};
use wim_image::Architecture;

use crate::certificates::efisys_with;
use crate::support::{
    Files, Parts, Workshop, assert_sound, disc_files, made_files, make, pe, stick_files, told, wim,
};

const KINDS: [&str; 3] = ["usb", "cd-dvd", "hybrid"];
const EFISYS: &str = r"Windows\Boot\DVD\EFI\en-US\efisys.bin";
const MANAGER: &str = r"Windows\Boot\EFI\bootmgfw.efi";
const LOADERS: [(Architecture, &str); 3] = [
    (Architecture::Amd64, "EFI/Boot/bootx64.efi"),
    (Architecture::X86, "EFI/Boot/bootia32.efi"),
    (Architecture::Arm64, "EFI/Boot/bootaa64.efi"),
];

fn workshop(architecture: Architecture, parts: &Parts) -> Workshop {
    Workshop::with_boot_image(&wim(Some(architecture), parts))
}

/// A complete boot image of Configuration Manager.
fn small_parts(architecture: Architecture) -> Parts {
    let mut parts = crate::support::small_parts(architecture);
    let folder = if architecture == Architecture::X86 { "i386" } else { architecture.name() };
    for program in ["TsBootShell.exe", "TsmBootstrap.exe", "OsdCaptureCD.exe"] {
        parts.insert(format!(r"sms\bin\{folder}\{program}"), program.as_bytes().to_vec());
    }
    parts
}

fn small(architecture: Architecture) -> Workshop {
    workshop(architecture, &small_parts(architecture))
}

/// The loaders on media, and that each is a program for its architecture.
fn loaders(files: &Files) -> Vec<Architecture> {
    let there = LOADERS.iter().filter(|(_, path)| files.contains_key(*path));
    let there: Vec<_> = there.collect();
    for (architecture, path) in &there {
        assert_eq!(files[*path], Some(pe(*architecture)), "{path}");
    }
    assert_eq!(
        files.keys().filter(|path| path.starts_with("EFI/Boot/")).count(),
        there.len(),
        "nothing else that firmware could start"
    );
    there.iter().map(|(architecture, _)| *architecture).collect()
}

/// What firmware finds on the media of a workshop.
struct Media {
    files: Files,
    /// Entries of the boot catalog; `None` for what is no disc.
    entries: Option<Vec<Platform>>,
    /// Boot code of the partition table; `None` for what is no stick.
    code: Option<Code>,
    boots: Vec<String>,
    warnings: Vec<String>,
}

#[track_caller]
fn media(workshop: &Workshop, kind: &str, target: Option<&str>) -> Media {
    let mut request = workshop.request(kind).with_force(true);
    request.target_arch = target.map(str::to_owned);
    let made = make(&request).unwrap();
    let path = request.path[0].clone();
    assert_sound(&path);
    let open = || File::open(&path).unwrap();
    let mut sector = [0; 512];
    open().read_exact(&mut sector).unwrap();
    let (disc, stick) = (kind != "usb", kind != "cd-dvd");
    let entries = disc.then(|| {
        let image = Image::open(open()).unwrap();
        let entries = image.boot_entries().iter();
        assert!(entries.clone().all(|entry| entry.bootable && entry.media_type == 0));
        entries.map(|entry| entry.platform.unwrap()).collect()
    });
    let code = stick.then(|| disk_image::read(&mut open()).unwrap().code());
    match code {
        Some(Code::Ours) => assert_ne!(sector[..440], [0; 440]),
        // Neither the code of a master boot record, nor anything at all on a plain disc.
        _ => assert_eq!(sector[..440], [0; 440]),
    }
    let files = match disc {
        true => disc_files(open(), TreeKind::Udf),
        false => stick_files(&mut open()),
    };
    let volume = &made.summary.volumes[0];
    Media {
        files,
        entries,
        code,
        boots: volume.boots.clone(),
        warnings: made.summary.warnings.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn each_architecture_has_its_loader_and_its_entries() {
    for (architecture, loader) in LOADERS {
        let workshop = small(architecture);
        let bios = architecture != Architecture::Arm64;
        for kind in KINDS {
            for target in [None, Some(architecture.name())] {
                let media = media(&workshop, kind, target);
                let case = format!("{loader} on {kind}");
                assert_eq!(loaders(&media.files), [architecture], "{case}");
                assert_eq!(media.warnings, [""; 0], "{case}");
                let (names, platforms, code): (&[&str], &[Platform], _) = match bios {
                    true => (&["BIOS", "UEFI"], &[Platform::Bios, Platform::Efi], Code::Ours),
                    false => (&["UEFI"], &[Platform::Efi], Code::None),
                };
                assert_eq!(media.boots, names, "{case}");
                assert!(media.entries.is_none_or(|entries| entries == platforms), "{case}");
                assert!(media.code.is_none_or(|found| found == code), "{case}");
                for path in ["bootmgr", "boot/bcd", "boot/bootfix.bin"] {
                    assert_eq!(media.files.contains_key(path), bios, "{path} in {case}");
                }
                let etfsboot = media.files.contains_key("boot/etfsboot.com");
                assert_eq!(etfsboot, bios && kind != "usb", "{case}");
                for path in ["EFI/Microsoft/Boot/bcd", "boot/boot.sdi", "sources/boot.wim"] {
                    assert!(media.files.contains_key(path), "{path} in {case}");
                }
            }
        }
    }
}

/// Everybody's `efisys.bin` for x64 beside a boot image for others.
#[test]
fn a_disc_is_not_started_by_the_program_of_other_computers() {
    let program = |name| efisys_with(name, &pe(Architecture::Amd64));
    for (architecture, own, wrong) in [
        (Architecture::Arm64, "BOOTAA64.EFI", "BOOTX64.EFI"),
        (Architecture::Amd64, "BOOTX64.EFI", "BOOTIA32.EFI"),
    ] {
        let workshop = small(architecture);
        let request = workshop.request("cd-dvd").with_boot_files(workshop.path("adk"));
        let request = request.with_force(true);
        workshop.put("adk/efisys.bin", program(wrong));
        let made = make(&request).unwrap();
        let [warning] = &*made.summary.warnings else { panic!("{:?}", made.summary.warnings) };
        let warning = warning.as_str();
        for part in ["adk", "holds boot", &own.to_lowercase(), "FAT volume", "--boot-files"] {
            assert!(warning.contains(part), "{part}: {warning}");
        }
        assert!(!made_files(&request).contains_key("EFI/Microsoft/Boot/efisys.bin"));

        workshop.put("adk/efisys.bin", program(own));
        assert_eq!(make(&request).unwrap().summary.warnings, []);
        let files = made_files(&request);
        assert!(files.contains_key("EFI/Microsoft/Boot/efisys.bin"));

        // Where it came onto one of our discs nevertheless.
        let mut disc = std::fs::read(request.path[0].clone()).unwrap();
        let short = |name: &str| format!("{:<8}EFI", name.trim_end_matches(".EFI")).into_bytes();
        let (from, to) = (short(own), short(wrong));
        let at = disc.windows(from.len()).position(|bytes| bytes == from).unwrap();
        disc[at..at + to.len()].copy_from_slice(&to);
        let found = verify(Cursor::new(disc), &mut ()).unwrap();
        let says = format!("UEFI's volume holds {}, and the disc", wrong.to_lowercase());
        assert!(found.faults.iter().any(|fault| fault.starts_with(&says)), "{found:?}");
    }
}

/// What is given for x64 computers must be of the set that is taken, and offered is what is whole.
#[test]
fn the_loader_for_x64_computers_is_asked_for_by_the_name_of_its_set() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../boot-image/tests/fixtures/authenticode");
    let signed = |name: &str| std::fs::read(format!("{folder}/{name}.efi")).unwrap();
    let mut parts = small_parts(Architecture::X86);
    parts.insert(MANAGER.into(), signed("pca-2011-ia32"));
    for (path, bytes) in [
        (r"Windows\Boot\EFI_EX\bootmgfw_EX.efi", signed("ca-2023-ia32")),
        (r"Windows\Boot\Fonts_EX\wgl4_boot_EX.ttf", b"font".to_vec()),
        (r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin", parts[EFISYS].clone()),
    ] {
        parts.insert(path.into(), bytes);
    }
    let workshop = workshop(Architecture::X86, &parts);
    let request = workshop.request("usb").with_target_arch("x64").with_force(true);
    let told = |made: &Made| {
        let warnings = made.summary.warnings.iter().map(ToString::to_string);
        let offers = made.summary.boot_manager.notes.iter().any(|it| it.contains("2023 takes it"));
        (warnings.collect::<Vec<_>>(), offers)
    };
    let (warnings, offers) = told(&make(&request).unwrap());
    assert!(warnings[0].contains("give its bootmgfw.efi with") && offers, "{warnings:?}");
    let (warnings, _) = told(&make(&request.clone().with_boot_manager("2023")).unwrap());
    assert!(warnings[0].contains("give its bootmgfw_EX.efi with"), "{warnings:?}");
    // The other set has none for x64.
    workshop.put("adk/bootmgfw.efi", signed("pca-2011-x64"));
    let (warnings, offers) = told(&make(&request.with_boot_files(workshop.path("adk"))).unwrap());
    assert!(warnings[0].contains("no Windows PE of another") && !offers, "{warnings:?}");
}

#[test]
fn own_programs_start_what_the_architecture_starts() {
    for (architecture, _) in LOADERS {
        let mut parts = small_parts(architecture);
        parts.remove(EFISYS);
        parts.remove(r"Windows\Boot\DVD\PCAT\etfsboot.com");
        let workshop = workshop(architecture, &parts);
        for kind in ["cd-dvd", "hybrid"] {
            let media = media(&workshop, kind, None);
            let bios = architecture != Architecture::Arm64;
            let expected: &[_] =
                if bios { &[Platform::Bios, Platform::Efi] } else { &[Platform::Efi] };
            assert_eq!(media.entries.unwrap(), expected);
            let told = media.warnings.iter().any(|warning| warning.contains("etfsboot.com"));
            assert_eq!(told, bios, "{:?}", media.warnings);
        }
    }
}

#[test]
fn computers_that_do_not_start_the_boot_image_are_refused() {
    for (image, target, says) in [
        (Architecture::Amd64, "x86", ["for x64", "for x86", "start x86 boot", "--target-arch x64"]),
        (Architecture::Amd64, "arm64", ["x64", "arm64", "start arm64 boot", "--target-arch x64"]),
        (Architecture::X86, "arm64", ["x86", "arm64", "start arm64", "--target-arch x86 or x64"]),
        (Architecture::Arm64, "x64", ["arm64", "x64", "start x64 and x86", "--target-arch arm64"]),
        (Architecture::Arm64, "x86", ["arm64", "x86", "start x86 boot", "--target-arch arm64"]),
    ] {
        let workshop = small(image);
        for kind in KINDS {
            let error = make(&workshop.request(kind).with_target_arch(target)).unwrap_err();
            let text = told(&error);
            assert_eq!(error.blame(), Blame::Input);
            assert!(text.contains("boot.wim"), "{text}");
            assert!(says.iter().all(|part| text.contains(part)), "{text}");
            assert!(workshop.out().is_empty());
        }
    }
    // 32-bit ARM is nobody's target.
    let arm = Architecture::Arm;
    let text = told(&make(&small(arm).request("usb")).unwrap_err());
    assert!(text.contains("is for arm computers") && text.contains("x64, x86 and arm64"), "{text}");
}

#[test]
fn an_x86_boot_image_on_x64_computers_starts_by_their_bios() {
    let workshop = small(Architecture::X86);
    for kind in KINDS {
        let media = media(&workshop, kind, Some("x64"));
        assert_eq!(loaders(&media.files), [Architecture::X86], "for UEFI of 32 bits");
        assert_eq!(media.boots, ["BIOS", "UEFI (32-bit)"]);
        assert!(media.entries.is_none_or(|it| it == [Platform::Bios, Platform::Efi]));
        assert!(media.code.is_none_or(|code| code == Code::Ours));
        let [warning] = &*media.warnings else { panic!("{:?}", media.warnings) };
        for part in ["only by their BIOS", "bootia32.efi", r"EFI\bootmgfw.efi", "--boot-files"] {
            assert!(warning.contains(part), "{warning}");
        }
    }
    let request = workshop.request("usb").with_target_arch("x64").with_force(true);
    let plan = MediaPlan::new(&request.check().unwrap()).unwrap();
    let summary = plan.summary();
    assert_eq!((&*summary.architecture, &*summary.target_architecture), ("x86", "x64"));
}

#[test]
fn without_any_loader_a_bios_is_all_that_starts_it() {
    let mut parts = small_parts(Architecture::X86);
    parts.remove(MANAGER);
    let workshop = workshop(Architecture::X86, &parts);
    for kind in KINDS {
        let media = media(&workshop, kind, Some("x64"));
        assert_eq!(loaders(&media.files), []);
        assert_eq!(media.boots, ["BIOS"]);
        assert!(media.entries.is_none_or(|entries| entries == [Platform::Bios]));
        assert_eq!(media.warnings.len(), 1, "{:?}", media.warnings);
        let for_uefi = media.files.keys().filter(|path| path.starts_with("EFI/"));
        assert_eq!(for_uefi.count(), 0, "{:?}", media.files.keys());
        assert!(media.files.contains_key("boot/bcd") && media.files.contains_key("boot/boot.sdi"));
    }
    // x86 computers with UEFI would not start it, and nobody was told.
    let text = told(&make(&workshop.request("usb").with_force(true)).unwrap_err());
    assert!(text.contains(r"EFI\Boot\bootia32.efi"), "{text}");
    for year in ["2011", "2023"] {
        let request = workshop.request("usb").with_target_arch("x64").with_boot_manager(year);
        make(&request.with_force(true)).unwrap_err();
    }
}

#[test]
fn an_x64_loader_beside_an_x86_boot_image_starts_it_under_uefi() {
    let mut parts = small_parts(Architecture::X86);
    parts.insert(EFISYS.replace("efisys", "efisys_noprompt"), parts[EFISYS].clone());
    let workshop = workshop(Architecture::X86, &parts);
    workshop.put("adk/bootmgfw.efi", pe(Architecture::Amd64));
    for kind in KINDS {
        let request = workshop.request(kind).with_boot_files(workshop.path("adk"));
        let request = request.with_target_arch("x64").with_force(true);
        let made = make(&request).unwrap();
        let files = made_files(&request);
        assert_eq!(loaders(&files), [Architecture::Amd64, Architecture::X86]);
        assert_eq!(made.summary.volumes[0].boots, ["BIOS", "UEFI"]);
        let found = &made.summary.boot_manager.found;
        assert!(found.iter().any(|place| place.contains("adk")), "{found:?}");
        // The program in the boot image for discs starts the other loader.
        assert!(!files.contains_key("EFI/Microsoft/Boot/efisys.bin"), "{kind}");
        let warnings = made.summary.warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(warnings[0].contains("no Windows PE of another architecture"), "{warnings:?}");
        assert_eq!(warnings.len(), 1 + usize::from(kind == "cd-dvd"), "{warnings:?}");
    }
    // Only for x64 computers: x86 ones get their own loader or none.
    let request = workshop.request("usb").with_boot_files(workshop.path("adk")).with_force(true);
    let text = told(&make(&request).unwrap_err());
    assert!(text.contains("boot.wim is for x86"), "{text}");

    // One in the boot image itself is found too, and one for neither is none.
    parts.insert(MANAGER.into(), pe(Architecture::Amd64));
    let inside = self::workshop(Architecture::X86, &parts);
    let found = media(&inside, "usb", Some("x64"));
    assert_eq!(
        (loaders(&found.files), &*found.boots),
        (vec![Architecture::Amd64], &["BIOS".to_owned(), "UEFI".to_owned()][..])
    );
    workshop.put("adk/bootmgfw.efi", pe(Architecture::Arm64));
    let request = workshop.request("usb").with_boot_files(workshop.path("adk"));
    let error = make(&request.with_target_arch("x64").with_force(true)).unwrap_err();
    assert!(told(&error).contains("boot manager for arm64"), "{error}");
}
