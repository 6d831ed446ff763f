//! The report on a boot image: complete ones, ones with parts missing, and damaged ones, of which
//! every other part is still told.

use capmedia::{
    Blame, BootImageReport, BootSet, ComponentEvidence, DeviceRole, DriverOrigin, Firmware,
    ImageChoice, Inspection, Need, RuntimeState, WimContent, WimInspection, inspect, sample,
};
use wim_image::Architecture;
use wim_image::write::WimBuilder;

use crate::boot_image_fixtures::{Fixture, data, manifest, rich, signed, two_images, windows};
use crate::support::{Workshop, make, noise, told};

#[track_caller]
fn look(wim: &[u8]) -> WimInspection {
    let workshop = Workshop::with_boot_image(wim);
    let Inspection::Wim(found) = inspect(&workshop.path("boot.wim")).unwrap() else { panic!() };
    found
}

#[track_caller]
fn report(wim: &[u8]) -> BootImageReport {
    let found = look(wim);
    *found.boot_image.unwrap_or_else(|| panic!("{:?}", found.problems))
}

/// Boot files that media needs and that are not there.
fn needed(found: &WimInspection) -> Vec<&str> {
    let missing = found.missing.iter().filter(|missing| missing.needed == Need::Required);
    missing.map(|missing| &*missing.media).collect()
}

/// What each `--boot-manager` gives: `auto`, `2011`, `2023`.
fn generations(report: &BootImageReport) -> [Option<&str>; 3] {
    let options = &report.media.boot_managers;
    let asked: Vec<_> = options.iter().map(|option| &*option.asked).collect();
    assert_eq!(asked, ["auto", "2011", "2023"]);
    for option in options {
        assert_eq!(option.possible, option.error.is_none());
        assert!(!option.possible || option.generation.is_some());
    }
    [0, 1, 2].map(|at| options[at].generation.as_deref())
}

#[test]
fn a_boot_image_of_configuration_manager() {
    let found = look(&rich().wim());
    assert_eq!(
        (found.content, found.architecture.as_deref()),
        (WimContent::BootImage, Some("x64"))
    );
    assert_eq!(found.problems, [] as [&str; 0]);
    assert_eq!(found.images[0].installation_type.as_deref(), Some("WindowsPE"));
    assert_eq!(found.images[0].default_language.as_deref(), Some("en-US"));
    let report = *found.boot_image.unwrap();
    assert!(report.configuration_manager);
    assert_eq!((report.image, report.chosen), (1, ImageChoice::BootIndex));
    assert_eq!(report.offered_boot_index(), None);
    assert_eq!(report.windows.version.as_deref(), Some("10.0.26100.1"));
    assert_eq!(report.windows.package_version.as_deref(), Some("10.0.26100.1"));
    assert_eq!(report.windows.languages, ["en-US", "de-DE"]);
    let architecture = &report.architecture;
    assert_eq!(
        (architecture.xml.as_deref(), architecture.pe.as_deref()),
        (Some("x64"), Some("x64"))
    );
    assert_eq!((architecture.agree, &architecture.error), (Some(true), &None));

    let managers: Vec<_> = report
        .boot_managers
        .iter()
        .map(|it| (&*it.path, it.set, it.started_by_firmware, &*it.signatures[0].certificate))
        .collect();
    let (pca, ca) = ("Microsoft Windows Production PCA 2011", "Windows UEFI CA 2023");
    assert_eq!(
        managers,
        [
            (r"\Windows\Boot\EFI\bootmgfw.efi", BootSet::Classic, true, pca),
            (r"\Windows\Boot\EFI\bootmgr.efi", BootSet::Classic, false, pca),
            (r"\Windows\Boot\EFI_EX\bootmgfw_EX.efi", BootSet::Ex, true, ca),
            (
                r"\Windows\Boot\EFI_EX\bootmgr_EX.efi",
                BootSet::Ex,
                false,
                "Contoso Boot Signing, Inc."
            ),
        ]
    );
    for manager in &report.boot_managers {
        assert_eq!((manager.architecture.as_deref(), &manager.error), (Some("x64"), &None));
        assert_eq!(manager.signatures[0].intact, Some(true));
        assert!(manager.secure_boot.as_ref().unwrap().contains("refused by"));
    }
    assert_eq!(generations(&report), [Some("2011"), Some("2011"), Some("2023")]);
    assert_eq!((report.media.bios, report.media.uefi), (true, true));
    assert_eq!((&*report.media.once_given, &report.media.error), (&[] as _, &None));

    let names: Vec<_> =
        report.components.installed.iter().map(|it| (&*it.name, it.required)).collect();
    assert_eq!(
        names,
        [
            ("WMI", true),
            ("Scripting", true),
            ("WDS-Tools", true),
            ("SecureStartup", true),
            ("HTA", false),
            ("NetFx", false),
        ]
    );
    assert_eq!(
        (report.components.evidence, &*report.components.missing),
        (ComponentEvidence::Packages, &[] as _)
    );
    assert_eq!(report.components.installed[0].languages, ["de-DE", "en-US"]);
    assert_eq!(report.components.installed[0].version.as_deref(), Some("10.0.26100.1"));

    assert_eq!((report.runtime.state, report.runtime.starts), (RuntimeState::Ready, true));
    assert_eq!(report.runtime.folders, [r"\sms\bin\x64"]);
    // By the names that the image has.
    assert!(report.runtime.present.contains(&r"\sms\bin\x64\tsmbootstrap.exe".to_owned()));
    assert_eq!(report.runtime.present.len(), 7);
    assert!(report.runtime.not_found.contains(&"etfsboot.com".to_owned()));
    assert_eq!(report.runtime.boot_shell_ini.as_deref(), Some(r"\sms\bin\x64\TSBootShell.ini"));

    let classes: Vec<_> = report
        .drivers
        .classes
        .iter()
        .map(|it| (&*it.class, it.role, it.packages, it.added))
        .collect();
    assert_eq!(
        classes,
        [
            ("Net", Some(DeviceRole::Network), 2, 1),
            ("Display", None, 1, 1),
            ("SCSIAdapter", Some(DeviceRole::Storage), 1, 0),
        ]
    );
    let added: Vec<_> =
        report.drivers.packages.iter().filter(|it| it.origin == DriverOrigin::Added).collect();
    assert_eq!(added.len(), 2);
    assert_eq!(added[0].published.as_deref(), Some("oem0.inf"));
    assert_eq!(added[0].provider.as_deref(), Some("Intel"));
    assert_eq!(added[0].version.as_deref(), Some("12.19.2.60"));
    let findings: Vec<_> = report.drivers.findings.iter().map(|it| (it.error, &*it.text)).collect();
    assert!(
        matches!(&*findings, [(false, text)] if text.contains("oem1.inf") && text.contains("Display")),
        "{findings:?}"
    );
}

#[test]
fn a_stock_boot_image_of_each_architecture() {
    for (architecture, bios) in
        [(Architecture::Amd64, true), (Architecture::X86, true), (Architecture::Arm64, false)]
    {
        let found = look(&Fixture::adk(architecture).wim());
        assert_eq!(found.architecture.as_deref(), Some(architecture.name()));
        let missing: &[&str] = if bios { &[] } else { &[r"boot\boot.sdi"] };
        assert_eq!(needed(&found), missing, "{architecture}");
        let report = found.boot_image.unwrap();
        // For arm64 the file that is missing has to be given.
        assert_eq!((report.media.bios, report.media.uefi), (bios, bios), "{architecture}");
        let once_given: &[Firmware] = if bios { &[] } else { &[Firmware::Uefi] };
        assert_eq!(report.media.once_given, once_given, "{architecture}");
        assert!(!report.configuration_manager);
        assert_eq!(generations(&report), [Some("2011"), Some("2011"), None], "{architecture}");
        assert_eq!(report.components.missing, ["WMI", "Scripting", "WDS-Tools", "SecureStartup"]);
        assert_eq!(report.components.installed, []);
        assert_eq!((report.runtime.state, report.runtime.starts), (RuntimeState::Absent, false));
        assert!(found.missing.iter().any(|missing| missing.needed == Need::Replaceable));
    }
}

#[test]
fn configuration_manager_puts_the_runtime_where_the_architecture_has_it() {
    for (architecture, folder) in
        [(Architecture::X86, r"\sms\bin\i386"), (Architecture::Arm64, r"\sms\bin\x64")]
    {
        let report = report(&Fixture::configuration_manager(architecture).wim());
        assert_eq!(
            (report.runtime.state, &*report.runtime.folders),
            (RuntimeState::Ready, &[folder.to_owned()][..])
        );
        assert!(report.configuration_manager && report.runtime.starts);
    }
    let half = Fixture::configuration_manager(Architecture::Amd64).without("TsManager");
    let half = report(&half.wim());
    assert_eq!(
        (half.runtime.state, &*half.runtime.missing),
        (RuntimeState::Incomplete, &["TsManager.exe".to_owned()][..])
    );
    assert!(half.configuration_manager);
}

#[test]
fn which_boot_managers_there_are() {
    let ready = || Fixture::configuration_manager(Architecture::Amd64);
    let only_2023 = look(&ready().without(r"Boot\EFI\").wim());
    assert_eq!(needed(&only_2023), [] as [&str; 0]);
    let only_2023 = only_2023.boot_image.unwrap();
    assert_eq!(generations(&only_2023), [Some("2023"), None, Some("2023")]);
    assert!(only_2023.media.uefi, "{:?}", only_2023.media);
    let no_fonts = report(&ready().without("Fonts_EX").wim());
    assert_eq!(generations(&no_fonts), [Some("2011"), Some("2011"), None]);
    let error = no_fonts.media.boot_managers[2].error.as_ref().unwrap();
    assert!(error.contains("Fonts_EX"), "{error}");

    let none = ready().without(r"Boot\EFI");
    let found = look(&none.wim());
    assert_eq!(needed(&found), [r"EFI\Boot\bootx64.efi"]);
    let report = found.boot_image.unwrap();
    assert_eq!((report.media.bios, report.media.uefi), (false, false));
    assert_eq!(report.media.once_given, [Firmware::Bios, Firmware::Uefi]);
    assert_eq!(report.boot_managers, []);
    assert_eq!((report.architecture.pe, report.architecture.agree), (None, None));
    assert_eq!(found.architecture.as_deref(), Some("x64"));
}

/// What `inspect` promises `create` keeps, and what `create` refuses `inspect` says before.
#[test]
fn media_starts_where_create_makes_it() {
    let ready = || Fixture::configuration_manager(Architecture::Amd64);
    let x64 = signed("pca-2011-x64.efi");
    let mut as_arm64 = Fixture::adk(Architecture::Amd64);
    as_arm64.architecture = Architecture::Arm64;
    for (wim, bios, once_given) in [
        (ready(), true, false),
        (ready().without(r"Boot\EFI\"), true, false),
        // Of two architectures.
        (as_arm64, false, false),
        (ready().without("boot.sdi"), false, true),
        (ready().without("PCAT\\bootmgr"), false, true),
        (ready().without(r"Boot\EFI"), false, true),
        // The set for 2023 alone, and not all of it.
        (ready().without(r"Boot\EFI\").without("Fonts_EX"), false, false),
        // One that is not signed for 2023 in its place.
        (
            ready()
                .without(r"Boot\EFI\")
                .without("bootmgfw_EX")
                .with(r"Windows\Boot\EFI_EX\bootmgfw_EX.efi", &x64),
            false,
            false,
        ),
    ] {
        let wim = wim.with_driver("netvsc", None, "Net", "Microsoft").wim();
        let workshop = Workshop::with_boot_image(&wim);
        let made = make(&workshop.request("usb"));
        let Inspection::Wim(found) = inspect(&workshop.path("boot.wim")).unwrap() else { panic!() };
        let media = found.boot_image.unwrap().media;
        let auto = &media.boot_managers[0];
        assert_eq!(media.uefi, made.is_ok(), "{media:?}");
        assert_eq!((media.bios, auto.possible), (bios, made.is_ok()), "{media:?}");
        assert_eq!(!media.once_given.is_empty(), once_given, "{media:?}");
        assert_eq!(media.error.is_some(), made.is_err() && !once_given, "{media:?}");
        if let Err(error) = made {
            assert_eq!(error.blame(), Blame::Input);
            // In the words of `create`; but it also tells of places in the set that was not taken.
            let said = auto.error.as_deref().unwrap();
            let said = said.lines().next().unwrap();
            assert!(told(&error).replace('\n', ": ").contains(said), "{said}");
        }
    }
    // It is said what that set lacks, and not of the other that it is not there.
    let ex = look(&ready().without(r"Boot\EFI\").without("Fonts_EX").wim());
    assert_eq!(needed(&ex), [] as [&str; 0]);
    assert_eq!(ex.boot_image.unwrap().media.boot_managers[0].missing, ["Fonts_EX"]);
}

#[test]
fn without_boot_index_the_windows_pe_is_looked_at_and_offered() {
    let found = look(&two_images());
    assert_eq!((found.boot_index, found.images.len()), (None, 2));
    assert!(found.problems[0].contains("--boot-index"), "{:?}", found.problems);
    let report = found.boot_image.unwrap();
    assert_eq!((report.image, report.chosen), (2, ImageChoice::LastWindowsPe));
    assert_eq!(report.offered_boot_index(), Some(2));
    assert_eq!(found.architecture.as_deref(), Some("x64"));

    let image = Fixture::adk(Architecture::Amd64).image();
    let alone = report_of_unmarked(image);
    assert_eq!((alone.image, alone.chosen), (1, ImageChoice::OnlyImage));
    assert_eq!(alone.offered_boot_index(), Some(1));
}

fn report_of_unmarked(image: wim_image::write::ImageBuilder) -> BootImageReport {
    report(&WimBuilder::new().with_image(image).to_vec().unwrap())
}

#[test]
fn a_wim_that_is_no_boot_image_is_no_trouble() {
    for (wim, content) in [
        (data(), WimContent::Data),
        (windows(), WimContent::Windows),
        (WimBuilder::new().to_vec().unwrap(), WimContent::Data),
    ] {
        let found = look(&wim);
        assert_eq!((found.content, &found.boot_image), (content, &None));
        assert_eq!(found.problems, [] as [&str; 0]);
        assert!(found.boot_files.is_empty() && found.missing.is_empty());
    }
}

#[test]
fn without_manifests_the_files_tell() {
    let bare = Fixture::configuration_manager(Architecture::Amd64).without("servicing");
    let bare = bare
        .with(r"Windows\System32\wbem\WmiPrvSE.exe", b"")
        .with(r"Windows\System32\cscript.exe", b"")
        .with(r"Windows\System32\mshta.exe", b"");
    let report = report(&bare.wim());
    let names: Vec<_> = report.components.installed.iter().map(|it| &*it.name).collect();
    assert_eq!(
        (names, report.components.evidence),
        (vec!["WMI", "Scripting", "HTA"], ComponentEvidence::Files)
    );
    assert_eq!(report.components.missing, ["WDS-Tools", "SecureStartup"]);
    assert_eq!(report.windows.package_version, None);
}

#[test]
fn a_very_long_list_of_packages_is_cut() {
    let mut many = Fixture::adk(Architecture::Amd64);
    for number in 0..300 {
        let package = format!("WinPE-X{number:03}-Package");
        many = many.with(&manifest(&package, Architecture::Amd64, ""), b"");
    }
    let components = report(&many.wim()).components;
    assert_eq!((components.installed.len(), components.more), (256, 44));
}

#[test]
fn its_own_boot_configurations_are_read() {
    let own = report(&sample::boot_image().unwrap()).media.boot_configurations;
    let told: Vec<_> = own.iter().map(|own| (own.firmware, &own.problem)).collect();
    assert_eq!(told, [(Firmware::Bios, &None), (Firmware::Uefi, &None)]);
    let other = Fixture::adk(Architecture::Amd64).with(r"Windows\Boot\DVD\EFI\BCD", b"regf");
    let own = report(&other.wim()).media.boot_configurations;
    assert_eq!(own.len(), 1);
    assert!(own[0].problem.is_some() && own[0].found.ends_with(r"\Windows\Boot\DVD\EFI\BCD"));
}

#[test]
fn a_boot_manager_of_any_length_takes_no_time() {
    let long = Fixture::adk(Architecture::Amd64).without(r"EFI\bootmgfw");
    let mut program = signed("pca-2011-x64.efi");
    program.resize((64 << 20) + 1, 0);
    let report = report(&long.with(r"Windows\Boot\EFI\bootmgfw.efi", &program).wim());
    assert!(report.boot_managers[0].error.as_ref().unwrap().contains("67108865 bytes"));
    assert_eq!(generations(&report), [None; 3]);
    assert_eq!(report.boot_managers[1].error, None);
}

/// Finds bytes in a WIM, all of which is stored as it is, and makes one of them another.
fn damaged(wim: &[u8], part: &[u8]) -> Vec<u8> {
    let mut wim = wim.to_vec();
    let at = wim.windows(part.len()).position(|bytes| bytes == part).unwrap();
    wim[at] ^= 1;
    wim
}

#[test]
fn a_damaged_part_does_not_hide_the_others() {
    let whole = rich();
    // The boot manager is no program, and one of noise has a certificate table somewhere.
    for bytes in [b"no program".to_vec(), noise(5000, 1), {
        let mut bytes = signed("pca-2011-x64.efi");
        let len = bytes.len();
        bytes.truncate(len - 300);
        bytes
    }] {
        let wim =
            whole.clone().without(r"EFI\bootmgfw").with(r"Windows\Boot\EFI\bootmgfw.efi", &bytes);
        let report = report(&wim.wim());
        let manager = &report.boot_managers[0];
        assert_eq!(manager.path, r"\Windows\Boot\EFI\bootmgfw.efi");
        assert!(manager.secure_boot.as_ref().unwrap().contains("no machine starts it"));
        assert_eq!(report.boot_managers.len(), 4);
        assert_eq!(report.boot_managers[2].error, None);
        assert_eq!(report.components.installed.len(), 6);
        assert_eq!((report.runtime.state, report.drivers.packages.len()), (RuntimeState::Ready, 4));
        assert_eq!(report.architecture.xml.as_deref(), Some("x64"));
        assert_eq!(report.architecture.pe.as_deref(), Some("x64"));
    }
    // For another kind of computer than the XML says.
    let other = whole.clone().without(r"EFI\bootmgfw");
    let other = other.with(r"Windows\Boot\EFI\bootmgfw.efi", &signed("pca-2011-arm64.efi"));
    let found = look(&other.wim());
    assert_eq!(found.architecture, None);
    assert!(found.problems[0].contains("belong together"), "{:?}", found.problems);
    assert!(!found.boot_files.is_empty());
    let disagree = found.boot_image.unwrap().architecture;
    assert_eq!((disagree.pe.as_deref(), disagree.agree), (Some("arm64"), Some(false)));

    // Data that is not what its hash says.
    let report_of = |part: &[u8]| report(&damaged(&whole.wim(), part));
    let shell = report_of(b"[LaunchApps]");
    assert!(shell.runtime.error.is_some() && shell.runtime.state == RuntimeState::Ready);
    assert_eq!(shell.drivers.packages.len(), 4);
    let inf =
        report_of(b"Provider=%Maker%\r\nDriverVer=03/21/2024,12.19.2.60\r\nCatalogFile=e2f.cat");
    assert!(inf.drivers.findings.iter().any(|it| it.text.contains("cannot be read")));
    assert_eq!(inf.runtime.state, RuntimeState::Ready);

    // A hive that is none.
    let hive = whole.with(r"Windows\System32\config\DRIVERS", &noise(8192, 2));
    let hive = report(&hive.wim());
    assert!(hive.drivers.findings.iter().any(|it| it.text.contains("DRIVERS")));
    assert_eq!(hive.drivers.packages.len(), 4);
    assert_eq!(hive.components.installed.len(), 6);
}
