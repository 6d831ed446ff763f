//! Boot managers of both generations: the choice, what goes with it, the report and the refusals.

use std::fs;

use capmedia::{Blame, Made, verify_file};
use wim_image::Architecture;

use crate::certificates;
use crate::support::{Files, Parts, Workshop, floppy, made_files, make, small_parts, told, wim};

const CLASSIC: &str = r"Windows\Boot\EFI\bootmgfw.efi";
const EX: &str = r"Windows\Boot\EFI_EX\bootmgfw_EX.efi";
const EX_STL: &str = r"Windows\Boot\EFI_EX\boot.stl";
const EX_NOPROMPT: &str = r"Windows\Boot\DVD_EX\EFI\en-US\efisys_noprompt_EX.bin";
const PCA_2011: &str = "Microsoft Windows Production PCA 2011";
const CA_2023: &str = "Windows UEFI CA 2023";

/// A program of the fixtures, such as `pca-2011`.
fn signed(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../boot-image/tests/fixtures/authenticode");
    fs::read(format!("{folder}/{name}-x64.efi")).unwrap()
}

/// A boot image with a classic set, an `_EX` set, or both, by the programs of the fixtures.
fn parts(classic: Option<&str>, ex: Option<&str>) -> Parts {
    let mut parts = small_parts(Architecture::Amd64);
    parts.remove(CLASSIC);
    if let Some(classic) = classic {
        parts.insert(CLASSIC.into(), signed(classic));
        parts.insert(r"Windows\Boot\EFI\boot.stl".into(), b"classic stl".to_vec());
    }
    if let Some(ex) = ex {
        for (path, bytes) in [
            (EX, signed(ex)),
            (r"Windows\Boot\EFI_EX\bootmgr_EX.efi", b"bootmgr of EX".to_vec()),
            (EX_STL, b"stl of EX".to_vec()),
            (r"Windows\Boot\Fonts_EX\wgl4_boot_EX.ttf", b"font of EX".to_vec()),
            (r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin", efisys("asks")),
            (EX_NOPROMPT, efisys("silent")),
        ] {
            parts.insert(path.into(), bytes);
        }
    }
    parts
}

fn efisys(name: &str) -> Vec<u8> {
    [&floppy()[..], name.as_bytes()].concat()
}

fn workshop(parts: &Parts) -> Workshop {
    Workshop::with_boot_image(&wim(Some(Architecture::Amd64), parts))
}

/// Media for this choice, with the folder `adk` of the workshop as boot files if it is there.
fn choose(workshop: &Workshop, kind: &str, choice: &str) -> Result<(Made, Files), String> {
    let mut request = workshop.request(kind).with_boot_manager(choice).with_force(true);
    if workshop.path("adk").exists() {
        request = request.with_boot_files(workshop.path("adk"));
    }
    let made = make(&request).map_err(|error| {
        assert_eq!(error.blame(), Blame::Input);
        told(&error)
    })?;
    Ok((made, made_files(&request)))
}

fn stick(parts: &Parts, choice: &str) -> Result<(Made, Files), String> {
    choose(&workshop(parts), "usb", choice)
}

/// The generation, what was taken, and the notes.
fn report(made: &Made) -> (&str, &str, &[String]) {
    let chosen = &made.summary.boot_manager;
    let place = chosen.found[0].rsplit(r"Windows\Boot\").next().unwrap();
    assert_eq!(chosen.loaders[0].path, "EFI/Boot/bootx64.efi");
    (&chosen.generation, place, &chosen.notes)
}

fn assert_ex(files: &Files, kind: &str) {
    for (path, expected) in [
        ("EFI/Boot/bootx64.efi", &signed("ca-2023")[..]),
        ("bootmgr.efi", b"bootmgr of EX"),
        ("EFI/Microsoft/Boot/boot.stl", b"stl of EX"),
        ("boot/fonts/wgl4_boot.ttf", b"font of EX"),
        ("EFI/Microsoft/Boot/fonts/wgl4_boot.ttf", b"font of EX"),
        // What both sets have in common.
        ("bootmgr", b"stands in for bootmgr"),
        ("boot/boot.sdi", b"stands in for boot/boot.sdi"),
    ] {
        assert_eq!(files[path].as_deref(), Some(expected), "{path} on {kind}");
    }
    let fonts = files.keys().filter(|path| path.ends_with(".ttf"));
    assert_eq!(fonts.count(), 2, "no font of the other set on {kind}");
    assert!(files.keys().all(|path| !path.to_lowercase().contains("_ex.")), "{:?}", files.keys());
    let efisys_there = files.get("EFI/Microsoft/Boot/efisys.bin").cloned().flatten();
    assert_eq!(efisys_there, (kind == "cd-dvd").then(|| efisys("asks")), "{kind}");
}

#[test]
fn of_both_generations_each_can_be_had() {
    let workshop = workshop(&parts(Some("pca-2011"), Some("ca-2023")));
    for kind in ["usb", "cd-dvd", "hybrid"] {
        for choice in ["auto", "2011"] {
            let (made, files) = choose(&workshop, kind, choice).unwrap();
            let (generation, place, notes) = report(&made);
            assert_eq!((generation, place), ("2011", r"EFI\bootmgfw.efi"));
            assert!(notes[0].contains("--boot-manager 2023"), "{notes:?}");
            assert_eq!(files["EFI/Boot/bootx64.efi"], Some(signed("pca-2011")));
            assert_eq!(files["EFI/Microsoft/Boot/boot.stl"].as_deref(), Some(&b"classic stl"[..]));
            assert!(files.contains_key("boot/fonts/segmono_boot.ttf"));
            assert_ne!(files["bootmgr.efi"].as_deref(), Some(&b"bootmgr of EX"[..]));
            let chosen = &made.summary.boot_manager;
            assert_eq!(chosen.asked, choice);
            assert_eq!(chosen.loaders[0].signatures[0].certificate, PCA_2011);
            assert!(chosen.loaders[0].secure_boot.contains("machines that trust only"));
            assert!(made.summary.warnings.is_empty(), "{:?}", made.summary.warnings);
        }
        let (made, files) = choose(&workshop, kind, "2023").unwrap();
        let (generation, place, notes) = report(&made);
        assert_eq!((generation, place), ("2023", r"EFI_EX\bootmgfw_EX.efi"));
        assert!(notes[0].contains("--boot-manager 2011"), "{notes:?}");
        assert_eq!(made.summary.boot_manager.loaders[0].signatures[0].certificate, CA_2023);
        assert_ex(&files, kind);
    }
}

#[test]
fn of_2011_alone_2023_cannot_be_made() {
    let only = parts(Some("pca-2011"), None);
    for choice in ["auto", "2011"] {
        let (made, _) = stick(&only, choice).unwrap();
        assert_eq!(report(&made), ("2011", r"EFI\bootmgfw.efi", &[][..]));
    }
    let workshop = workshop(&only);
    workshop.put("adk/readme.txt", "nothing of use");
    for kind in ["usb", "cd-dvd"] {
        let text = choose(&workshop, kind, "2023").unwrap_err();
        let in_adk = |name| workshop.path(&format!("adk/{name}")).display().to_string();
        for part in [
            "EFI_EX",
            "Fonts_EX",
            "DVD_EX",
            r"boot.wim:\Windows\Boot\EFI_EX\bootmgfw_EX.efi",
            r"boot.wim:\Windows\Boot\Fonts_EX",
            r"boot.wim:\Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin",
            r"boot.wim:\Windows\Boot\DVD_EX\EFI\en-US\efisys_noprompt_EX.bin",
            &in_adk("bootmgfw_EX.efi"),
            &in_adk("Windows/Boot/Fonts_EX"),
            &in_adk("bootbins/efisys_EX.bin"),
            r"EFI\bootmgfw.efi: signed under Microsoft Windows Production PCA 2011",
            "cumulative update of April 2024",
            "--boot-files",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(workshop.out().is_empty());
    }
}

#[test]
fn a_part_that_is_missing_is_named() {
    for (gone, named, others) in [
        (EX, "EFI_EX (searched", ["\n  Fonts_EX", "\n  DVD_EX"]),
        (
            r"Windows\Boot\Fonts_EX\wgl4_boot_EX.ttf",
            "Fonts_EX (searched",
            ["\n  EFI_EX", "\n  DVD_EX"],
        ),
        ("DVD_EX", "DVD_EX (searched", ["\n  EFI_EX", "\n  Fonts_EX"]),
    ] {
        let mut parts = parts(Some("pca-2011"), Some("ca-2023"));
        parts.retain(|path, _| !path.contains(gone));
        let text = stick(&parts, "2023").unwrap_err();
        assert!(text.contains(named), "{text}");
        assert!(others.iter().all(|other| !text.contains(other)), "{text}");
        // What cannot be had is no advice.
        let (made, _) = stick(&parts, "auto").unwrap();
        assert_eq!(report(&made).2, [""; 0]);
    }
}

#[test]
fn of_2023_alone_2011_cannot_be_made() {
    let only = parts(None, Some("ca-2023"));
    for choice in ["auto", "2023"] {
        let (made, files) = stick(&only, choice).unwrap();
        assert_eq!(report(&made), ("2023", r"EFI_EX\bootmgfw_EX.efi", &[][..]));
        assert_ex(&files, "usb");
    }
    let text = stick(&only, "2011").unwrap_err();
    for part in [r"boot.wim:\Windows\Boot\EFI\bootmgfw.efi", "--boot-manager 2023", "--boot-files"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn without_any_boot_manager_all_places_are_told() {
    let text = stick(&parts(None, None), "auto").unwrap_err();
    for part in [r"EFI\bootmgfw.efi", r"EFI_EX\bootmgfw_EX.efi", "--boot-files"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(stick(&parts(None, None), "2011").unwrap_err().contains("--boot-files"));
    assert!(stick(&parts(None, None), "2023").unwrap_err().contains("EFI_EX"));
}

#[test]
fn the_signature_counts_and_not_the_folder() {
    // As newer boot images have it: the classic program is of 2023, or of both.
    let newer = parts(Some("ca-2023"), None);
    for choice in ["auto", "2023"] {
        let (made, _) = stick(&newer, choice).unwrap();
        assert_eq!(report(&made), ("2023", r"EFI\bootmgfw.efi", &[][..]));
    }
    let text = stick(&newer, "2011").unwrap_err();
    for part in [r"EFI\bootmgfw.efi", "2011", CA_2023, "--boot-files"] {
        assert!(text.contains(part), "{text}");
    }

    let both = parts(Some("two-entries"), None);
    for choice in ["auto", "2011", "2023"] {
        let (made, _) = stick(&both, choice).unwrap();
        assert_eq!(report(&made), ("2011 and 2023", r"EFI\bootmgfw.efi", &[][..]));
    }

    // Most firmware does not look into a signature for another.
    let (made, _) = stick(&parts(Some("nested"), None), "2011").unwrap();
    assert_eq!(report(&made).0, "2011");
    assert!(stick(&parts(Some("nested"), None), "2023").unwrap_err().contains("nested"));

    // Programs of others have certificates of both years too.
    assert_eq!(report(&stick(&parts(Some("uefi-ca-2011"), None), "2011").unwrap().0).0, "2011");
    assert_eq!(report(&stick(&parts(Some("uefi-ca-2023"), None), "2023").unwrap().0).0, "2023");
    assert_eq!(report(&stick(&parts(Some("other"), None), "auto").unwrap().0).0, "other");
    assert!(stick(&parts(Some("other"), None), "2011").unwrap_err().contains("Contoso"));

    // An _EX program of 2011 is none, whatever asks for it.
    let wrong = parts(None, Some("pca-2011"));
    for choice in ["auto", "2023"] {
        let text = stick(&wrong, choice).unwrap_err();
        assert!(
            text.contains("bootmgfw_EX.efi is not signed under a certificate of 2023"),
            "{text}"
        );
        assert!(text.contains(PCA_2011) && text.contains("April 2024"), "{text}");
    }
    // Where the classic one is taken, it is of no interest.
    let (made, _) = stick(&parts(Some("pca-2011"), Some("pca-2011")), "auto").unwrap();
    assert_eq!(report(&made).2, [""; 0]);
}

#[test]
fn what_no_firmware_starts_is_told() {
    let unsigned = parts(Some("unsigned"), Some("unsigned"));
    for choice in ["2011", "2023"] {
        let (made, _) = stick(&unsigned, choice).unwrap();
        assert_eq!(report(&made).0, "none");
        let [warning] = &*made.summary.warnings else { panic!("{:?}", made.summary.warnings) };
        let warning = warning.as_str();
        assert!(warning.contains("not signed") && warning.contains("Secure Boot"), "{warning}");
        assert!(warning.contains(choice) && warning.contains("--boot-files"), "{warning}");
    }
    // Nothing was asked for, so nothing is missed; the report has it.
    let (made, _) = stick(&unsigned, "auto").unwrap();
    assert!(made.summary.warnings.is_empty());
    assert!(made.summary.boot_manager.loaders[0].secure_boot.starts_with("not signed"));

    let changed = parts(Some("changed"), Some("changed"));
    for choice in ["2011", "2023"] {
        let text = stick(&changed, choice).unwrap_err();
        assert!(text.contains("is not intact: changed after it was signed"), "{text}");
        assert!(text.contains("give an intact bootmgfw") && !text.contains("older"), "{text}");
    }
    let made = make(&workshop(&changed).request("usb")).unwrap();
    assert_eq!(report(&made).0, "none");
    let [warning] = &*made.summary.warnings else { panic!("{:?}", made.summary.warnings) };
    assert!(
        warning.as_str().contains("changed after") && warning.as_str().contains("--boot-files")
    );
}

#[test]
fn an_old_list_of_revoked_signatures_does_not_stay() {
    const STL: &str = "EFI/Microsoft/Boot/boot.stl";
    let stl = |parts: &Parts, choice: &str| {
        let workshop = workshop(parts);
        workshop.put("adk/EFI/Microsoft/Boot/boot.stl", "old");
        let (made, files) = choose(&workshop, "usb", choice).unwrap();
        let told = made.summary.boot_manager.notes.iter().any(|note| {
            note.contains("boot.stl") && note.contains("adk") && note.contains("boot.wim:")
        });
        (String::from_utf8(files[STL].clone().unwrap()).unwrap(), told)
    };
    let mut both = parts(Some("pca-2011"), Some("ca-2023"));
    assert_eq!(stl(&both, "2023"), ("stl of EX".into(), true));
    assert_eq!(stl(&both, "2011"), ("old".into(), false));
    both.remove(EX_STL);
    assert_eq!(stl(&both, "2023"), ("classic stl".into(), true));
    assert_eq!(stl(&parts(Some("ca-2023"), None), "auto"), ("classic stl".into(), true));
    both.remove(r"Windows\Boot\EFI\boot.stl");
    assert_eq!(stl(&both, "2023"), ("old".into(), false));

    let mut none = parts(Some("pca-2011"), Some("ca-2023"));
    none.retain(|path, _| !path.ends_with("boot.stl"));
    assert!(!stick(&none, "2023").unwrap().1.contains_key(STL));
}

#[test]
fn a_folder_of_boot_files_may_hold_the_set() {
    let set = parts(None, Some("ca-2023"));
    let only_2011 = || workshop(&parts(Some("pca-2011"), None));
    let as_in_windows = |path: &str| path.replace('\\', "/");
    let loose = |path: &str| path.rsplit('\\').next().unwrap().to_owned();
    for name in [as_in_windows, loose] as [fn(&str) -> String; 2] {
        let workshop = only_2011();
        for (path, bytes) in set.iter().filter(|(path, _)| path.contains("_EX")) {
            workshop.put(&format!("adk/{}", name(path)), bytes);
        }
        for kind in ["usb", "cd-dvd"] {
            let (made, mut files) = choose(&workshop, kind, "2023").unwrap();
            assert_eq!(made.summary.boot_manager.generation, "2023");
            assert!(made.summary.boot_manager.found[0].contains("adk"));
            // The boot image has a list of its own.
            let stl = "EFI/Microsoft/Boot/boot.stl".to_owned();
            let own = files.insert(stl, Some(b"stl of EX".to_vec())).unwrap();
            assert_eq!(own.as_deref(), Some(&b"classic stl"[..]));
            assert_ex(&files, kind);
        }
        let (made, _) = choose(&workshop, "usb", "auto").unwrap();
        assert_eq!(report(&made).0, "2011");
    }
    // A folder may fill the gaps of a boot image, too.
    let mut gap = parts(Some("pca-2011"), Some("ca-2023"));
    let efisys = gap.remove(r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin").unwrap();
    gap.remove(EX_NOPROMPT);
    let workshop = workshop(&gap);
    workshop.put("adk/bootbins/efisys_EX.bin", efisys);
    let (_, files) = choose(&workshop, "cd-dvd", "2023").unwrap();
    assert_ex(&files, "cd-dvd");
}

#[test]
fn a_disc_of_2023_asks_for_a_key_or_does_not() {
    let silent = |parts: &Parts| {
        let workshop = workshop(parts);
        let request = workshop.request("cd-dvd").with_boot_manager("2023").with_boot_prompt("no");
        let made = make(&request).unwrap();
        let warnings = made.summary.warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
        let noprompt = made_files(&request.with_force(true));
        (noprompt.get("EFI/Microsoft/Boot/efisys_noprompt.bin").cloned().flatten(), warnings)
    };
    let mut both = parts(Some("pca-2011"), Some("ca-2023"));
    assert_eq!(silent(&both), (Some(efisys("silent")), vec![]));
    // Without it the program of the other set would start the other boot manager.
    both.remove(EX_NOPROMPT);
    both.insert(r"Windows\Boot\DVD\EFI\en-US\efisys_noprompt.bin".into(), efisys("classic"));
    let (noprompt, warnings) = silent(&both);
    assert_eq!(noprompt, None);
    assert!(warnings[0].contains("DVD_EX") && warnings[0].contains("FAT volume"), "{warnings:?}");
}

const EFISYS: &str = r"Windows\Boot\DVD\EFI\en-US\efisys.bin";
const EX_EFISYS: &str = r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin";
const DISC_PROGRAM: &str = "EFI/Microsoft/Boot/efisys.bin";

fn warnings(made: &Made) -> Vec<&str> {
    made.summary.warnings.iter().map(capmedia::Warning::as_str).collect()
}

/// The loader in `efisys.bin` is what Secure Boot asks about first.
#[test]
fn the_first_loader_of_a_disc_is_of_the_year_too() {
    let disc = |classic: &str, ex: Option<&str>, at: &str, inner: &str, choice: &str| {
        let mut parts = parts(Some(classic), ex);
        parts.insert(at.into(), certificates::efisys(&signed(inner)));
        let workshop = workshop(&parts);
        let (made, files) = choose(&workshop, "cd-dvd", choice).unwrap();
        let found = verify_file(&workshop.path("out/capture.iso"), &mut ()).unwrap();
        assert!(found.is_clean(), "{found:?}");
        let there = files.contains_key(DISC_PROGRAM);
        assert!(there || found.notes.is_empty(), "{found:?}");
        (made, there)
    };
    for (classic, ex, at, inner, choice, year) in [
        ("ca-2023", None, EFISYS, "pca-2011", "2023", "2023"),
        ("ca-2023", None, EFISYS, "pca-2011", "auto", "2023"),
        ("pca-2011", Some("ca-2023"), EX_EFISYS, "pca-2011", "2023", "2023"),
        ("pca-2011", None, EFISYS, "ca-2023", "2011", "2011"),
        ("pca-2011", None, EFISYS, "changed", "auto", "2011"),
        ("two-entries", None, EFISYS, "pca-2011", "auto", "2023"),
        ("ca-2023", None, EFISYS, "unsigned", "2023", "2023"),
        ("two-entries", None, EFISYS, "unsigned", "2011", "2011"),
    ] {
        let (made, there) = disc(classic, ex, at, inner, choice);
        let [warning] = &*warnings(&made) else { panic!("{:?}", made.summary) };
        for part in [
            at,
            &format!("does not start where certificates of {year} are trusted"),
            "does not ask for a key",
            at.rsplit('\\').next().unwrap(),
            "--boot-files",
        ] {
            assert!(warning.contains(part), "{part}: {warning}");
        }
        assert!(!there, "{classic}, {inner}");
        assert_eq!(made.summary.boot_manager.loaders.len(), 1);
    }
    for (classic, inner, choice) in [
        ("pca-2011", "pca-2011", "auto"),
        ("pca-2011", "two-entries", "2011"),
        ("ca-2023", "uefi-ca-2023", "2023"),
        ("ca-2023", "unsigned", "auto"),
        ("unsigned", "pca-2011", "auto"),
    ] {
        let (made, there) = disc(classic, None, EFISYS, inner, choice);
        assert_eq!(warnings(&made), [""; 0], "{classic}, {inner}");
        assert!(there, "{classic}, {inner}");
        let loaders = &made.summary.boot_manager.loaders;
        assert_eq!(loaders[1].path, format!("{DISC_PROGRAM}:/EFI/BOOT/BOOTX64.EFI"));
        assert!(made.summary.boot_manager.found[1].ends_with(EFISYS));
    }
    // A promise of 2011 is kept, and what the manager could beyond that is not promised.
    for (classic, inner, choice, note) in [
        (
            "two-entries",
            "pca-2011",
            "2011",
            format!("machines that trust {PCA_2011}, and not on those that trust only {CA_2023}"),
        ),
        ("ca-2023", "unsigned", "auto", "is not signed, the boot manager is, under".to_owned()),
    ] {
        let (made, there) = disc(classic, None, EFISYS, inner, choice);
        assert!(there && warnings(&made).is_empty(), "{:?}", made.summary);
        let [told] = &*made.summary.boot_manager.notes else { panic!("{:?}", made.summary) };
        assert!(told.contains(EFISYS) && told.contains(&note), "{told}");
    }
    // Where nobody signed either, the year is not kept anyway.
    let (made, there) = disc("unsigned", None, EFISYS, "unsigned", "2011");
    assert!(there && warnings(&made).len() == 1, "{:?}", made.summary);
}

#[test]
fn a_mixed_folder_of_boot_files_makes_no_mixed_disc() {
    let mut parts = parts(Some("pca-2011"), None);
    parts.insert(EFISYS.into(), certificates::efisys(&signed("pca-2011")));
    let workshop = workshop(&parts);
    workshop.put("adk/bootmgfw.efi", signed("ca-2023"));
    for choice in ["auto", "2023"] {
        let (made, files) = choose(&workshop, "cd-dvd", choice).unwrap();
        assert!(warnings(&made)[0].contains("FAT volume"), "{:?}", made.summary);
        assert!(!files.contains_key(DISC_PROGRAM));
    }
    // Where a set for the year is there, one of the folder that is none is passed over, and told.
    let both = self::workshop(&self::parts(Some("pca-2011"), Some("ca-2023")));
    both.put("adk/bootmgfw.efi", signed("ca-2023"));
    let (made, _) = choose(&both, "usb", "2023").unwrap();
    let notes = &made.summary.boot_manager.notes;
    assert!(
        notes.iter().any(|it| it.contains("adk") && it.contains("bootmgfw_EX.efi")),
        "{notes:?}"
    );
}

/// A WIM in which every file is stored as it is, with a byte of this one changed.
fn damaged(parts: &Parts, part: &[u8]) -> Workshop {
    let mut wim = wim(Some(Architecture::Amd64), parts);
    let at = wim.windows(part.len()).position(|bytes| bytes == part).unwrap();
    wim[at + 0x250] ^= 1;
    Workshop::with_boot_image(&wim)
}

#[test]
fn damage_is_no_tampering_and_a_set_that_is_not_taken_may_have_it() {
    let only = parts(Some("pca-2011"), None);
    for choice in ["auto", "2011"] {
        let text = choose(&damaged(&only, &signed("pca-2011")), "usb", choice).unwrap_err();
        assert!(text.contains(r"EFI\bootmgfw.efi") && text.contains("SHA-1"), "{text}");
        assert!(!text.contains("changed after"), "{text}");
    }
    let both = damaged(&parts(Some("pca-2011"), Some("ca-2023")), &signed("pca-2011"));
    let (made, files) = choose(&both, "usb", "2023").unwrap();
    assert_ex(&files, "usb");
    assert!(warnings(&made).is_empty());
    let (made, files) = choose(&both, "usb", "auto").unwrap();
    assert_ex(&files, "usb");
    let [warning] = &*warnings(&made) else { panic!("{:?}", made.summary) };
    assert!(warning.contains("SHA-1") && warning.contains("_EX set"), "{warning}");
    let text = choose(&both, "usb", "2011").unwrap_err();
    assert!(text.contains("--boot-manager 2023 takes the other set"), "{text}");
    assert!(text.contains("SHA-1"), "{text}");

    let both = damaged(&parts(Some("pca-2011"), Some("ca-2023")), &signed("ca-2023"));
    let text = choose(&both, "usb", "2023").unwrap_err();
    assert!(text.contains("--boot-manager 2011 takes the other set"), "{text}");
    assert!(choose(&both, "usb", "auto").unwrap().0.summary.warnings.is_empty());
}

#[test]
fn no_program_in_the_classic_place_does_not_hide_the_other_set() {
    let mut both = parts(Some("pca-2011"), Some("ca-2023"));
    both.insert(CLASSIC.into(), b"no program".to_vec());
    for choice in ["auto", "2023"] {
        assert_ex(&stick(&both, choice).unwrap().1, "usb");
    }
    assert!(stick(&both, "2011").unwrap_err().contains("--boot-manager 2023"));
}

#[test]
fn a_changed_classic_manager_gives_way_to_a_whole_ex_set() {
    let (made, files) = stick(&parts(Some("changed"), Some("ca-2023")), "auto").unwrap();
    assert_ex(&files, "usb");
    assert_eq!(report(&made).0, "2023");
    let [warning] = &*warnings(&made) else { panic!("{:?}", made.summary) };
    assert!(warning.contains("changed after") && warning.contains("_EX set"), "{warning}");
}
