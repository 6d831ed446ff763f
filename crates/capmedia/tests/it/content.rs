//! What a request puts on media: labels, autorun, files of the operator, boot files, architectures.

use std::fs::{self, File};
use std::io::Read;

use capmedia::{Blame, Error, MediaPlan};
use disk_image::Code;
use iso9660_image::Platform;
use iso9660_image::check::Image;
use wim_image::Architecture;

use crate::places::X64;
use crate::support::{
    Files, Workshop, assert_same, finish, made_files, make, pe, small_parts, small_wim, sums, told,
    wim,
};

#[test]
fn labels_in_every_place() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for (label, iso, joliet, fat) in [
        ("Configuration Manager", "CONFIGURATION_MANAGER", "Configuration Ma", "CONFIGURATI"),
        ("CAPTURE", "CAPTURE", "CAPTURE", "CAPTURE"),
        ("a:b;c d*e", "A_B_C_D_E", "a_b_c d_e", "A_B_C D_E"),
        ("bootmgr", "BOOTMGR", "bootmgr", "BOOTMGR_"),
    ] {
        let disc = workshop.request("cd-dvd").with_label(label).with_force(true);
        let files = made_files(&disc);
        let text = format!("label={label}\r\n");
        assert_eq!(files["MediaLabel.txt"].as_deref(), Some(text.as_bytes()));
        let description = files["media.json"].as_ref().unwrap();
        let description: serde_json::Value = serde_json::from_slice(description).unwrap();
        assert_eq!(description["label"], label);
        let image = Image::open(File::open(workshop.path("out/capture.iso")).unwrap()).unwrap();
        assert_eq!((&*image.volume().label, &*image.joliet().unwrap().label), (iso, joliet));

        let stick = workshop.request("usb").with_label(label).with_force(true);
        assert_eq!(made_files(&stick)["MediaLabel.txt"].as_deref(), Some(text.as_bytes()));
        let made = make(&stick).unwrap();
        let found = &made.summary.volumes[0].labels[0];
        assert_eq!((&*found.label, found.changed), (fat, fat != label));
    }
}

#[test]
fn the_manifest_is_what_sha256sum_would_write() {
    let workshop = Workshop::new();
    workshop.put("tools/Z first.txt", "not sorted by time");
    workshop.put("tools/a/deep/file", "");
    for kind in ["cd-dvd", "usb"] {
        let files = made_files(&workshop.request(kind).with_add(workshop.add("tools", "")));
        let manifest = String::from_utf8(files["SHA256SUMS"].clone().unwrap()).unwrap();
        assert_eq!(manifest, sums(&files));
        let mut lines: Vec<&str> = manifest.lines().map(|line| &line[66..]).collect();
        assert_eq!(lines.len(), files.values().flatten().count() - 1);
        assert!(lines.contains(&"a/deep/file") && lines.contains(&"Z first.txt"));
        let sorted = lines.clone();
        lines.sort_unstable();
        assert_eq!(lines, sorted);
    }
}

#[test]
fn an_autorun_only_on_request() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for kind in ["cd-dvd", "usb"] {
        assert!(!made_files(&workshop.request(kind)).contains_key("autorun.inf"));
        let request = workshop.request(kind).with_include_autorun(true).with_force(true);
        let autorun = made_files(&request).remove("autorun.inf").flatten().unwrap();
        assert_eq!(autorun, b"[autorun]\r\nlabel=Configuration Manager\r\n");
    }
}

#[test]
fn files_and_folders_are_added_and_folders_merge() {
    let workshop = Workshop::with_boot_image(&small_wim());
    workshop.put("readme.txt", "read me");
    workshop.put("tools/x64/tool.exe", "tool");
    workshop.put("tools/Größe 日本.txt", "names");
    fs::create_dir(workshop.path("tools/empty")).unwrap();
    workshop.put("more/Fonts/extra.ttf", "font");
    for kind in ["cd-dvd", "usb"] {
        let plain = made_files(&workshop.request(kind));
        let request = workshop
            .request(kind)
            .with_force(true)
            .with_add(workshop.add("readme.txt", "Docs/Read Me.txt"))
            .with_add(workshop.add("tools", r"\Tools\Ours"))
            // `boot\fonts` is there in another case.
            .with_add(workshop.add("more", "BOOT"));
        let found = made_files(&request);
        let mut expected: Files =
            plain.into_iter().filter(|(_, content)| content.is_some()).collect();
        // The set id follows from the names and sizes of all files.
        expected.insert("media.json".into(), found["media.json"].clone());
        for (path, text) in [
            ("Docs/Read Me.txt", "read me"),
            ("Tools/Ours/x64/tool.exe", "tool"),
            ("Tools/Ours/Größe 日本.txt", "names"),
            ("boot/fonts/extra.ttf", "font"),
        ] {
            expected.insert(path.into(), Some(text.into()));
        }
        expected.insert("Tools/Ours/empty".into(), None);
        assert_same(&found, &finish(expected));
    }
}

#[test]
fn a_collision_names_both() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let one = workshop.put("one/Read.txt", "1");
    let two = workshop.put("two/READ.TXT", "2");
    let font_path = workshop.put("fonts/wgl4_boot.ttf", "mine");
    for kind in ["cd-dvd", "usb"] {
        let both = workshop
            .request(kind)
            .with_add(workshop.add("one", "x"))
            .with_add(workshop.add("two", "X"));
        let error = make(&both).unwrap_err();
        let text = told(&error);
        assert_eq!(error.blame(), Blame::Request);
        assert!(matches!(error, Error::Compose(_)));
        for part in [&*one.to_string_lossy(), &*two.to_string_lossy(), "leave one of them out"] {
            assert!(text.contains(part), "{text}");
        }
        let font = workshop.request(kind).with_add(workshop.add("fonts", r"boot\fonts"));
        let text = told(&make(&font).unwrap_err());
        let inside = r"boot.wim:\Windows\Boot\Fonts\wgl4_boot.ttf";
        assert!(text.contains(inside) && text.contains(&*font_path.to_string_lossy()), "{text}");
        assert!(workshop.out().is_empty());
    }
}

#[test]
fn boot_files_of_a_folder_fill_gaps_and_come_first() {
    let mut parts = small_parts(Architecture::Amd64);
    for gap in [X64[2].1, X64[6].1] {
        assert!(parts.remove(gap).is_some());
    }
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    let text = told(&make(&workshop.request("cd-dvd")).unwrap_err());
    assert!(text.contains("bootmgr (searched: ") && text.contains("boot.sdi"), "{text}");
    assert!(workshop.out().is_empty());

    // As the ADK lays them out, and loose; in whatever case.
    workshop.put("adk/Media/BootMgr", "bootmgr of the ADK");
    workshop.put("adk/BOOT.SDI", "ram disk of the ADK");
    workshop.put("adk/fwfiles/etfsboot.com", "BIOS program of the ADK");
    for kind in ["cd-dvd", "usb"] {
        let request = workshop.request(kind).with_boot_files(workshop.path("adk"));
        let files = made_files(&request);
        assert_eq!(files["bootmgr"].as_deref(), Some(&b"bootmgr of the ADK"[..]));
        assert_eq!(files["boot/boot.sdi"].as_deref(), Some(&b"ram disk of the ADK"[..]));
        let program = files.get("boot/etfsboot.com").map(|file| file.clone().unwrap());
        let wanted = (kind == "cd-dvd").then(|| b"BIOS program of the ADK".to_vec());
        assert_eq!(program, wanted);
        assert!(files["boot/bcd"] == Some(parts[X64[5].1].clone()), "not the boot image's");
    }
}

#[test]
fn missing_fonts_are_a_warning() {
    let mut parts = small_parts(Architecture::Amd64);
    parts.retain(|path, _| !path.ends_with(".ttf"));
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    let made = make(&workshop.request("cd-dvd")).unwrap();
    let [warning] = &*made.summary.warnings else { panic!("{:?}", made.summary.warnings) };
    assert!(warning.as_str().contains("fonts") && warning.as_str().contains("--boot-files"));
}

// Windows makes no file of such a name.
#[cfg(unix)]
#[test]
fn device_names_below_an_added_folder_are_a_warning() {
    let workshop = Workshop::with_boot_image(&small_wim());
    workshop.put("tools/aux.txt", "x");
    let request = workshop.request("cd-dvd").with_add(workshop.add("tools", "tools"));
    let made = make(&request).unwrap();
    let warnings: Vec<_> = made.summary.warnings.iter().map(|w| w.as_str()).collect();
    assert!(warnings[0].contains(r"\tools\aux.txt") && warnings[0].contains("rename"));
}

#[test]
fn arm64_media_is_for_uefi_alone() {
    let machine = Architecture::Arm64;
    let workshop = Workshop::with_boot_image(&wim(Some(machine), &small_parts(machine)));
    let mut expected: Vec<&str> = vec![
        "EFI/Boot/bootaa64.efi",
        "EFI/Microsoft/Boot/bcd",
        "EFI/Microsoft/Boot/efisys.bin",
        "EFI/Microsoft/Boot/fonts/segmono_boot.ttf",
        "EFI/Microsoft/Boot/fonts/wgl4_boot.ttf",
        "LaunchMedia.cmd",
        "MediaLabel.txt",
        "SHA256SUMS",
        "SMS/bin/x64/OsdCaptureCD.exe",
        "SMS/bin/x64/OsdCaptureSystemImage.exe",
        "SMS/bin/x64/TsBootShell.exe",
        "SMS/bin/x64/TsCore.dll",
        "SMS/bin/x64/TsManager.exe",
        "SMS/bin/x64/TsmBootstrap.exe",
        "SMS/data/TaskSequence.xml",
        "SMS/data/TsmBootstrap.ini",
        "boot/boot.sdi",
        "bootmgr.efi",
        "media.json",
        "sources/boot.wim",
    ];
    for kind in ["cd-dvd", "usb"] {
        let files = made_files(&workshop.request(kind));
        let paths: Vec<_> =
            files.iter().filter(|(_, c)| c.is_some()).map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, expected);
        assert_eq!(files["EFI/Boot/bootaa64.efi"], Some(pe(machine)));
        let request = workshop.request(kind).with_force(true).check().unwrap();
        let plan = MediaPlan::new(&request).unwrap();
        assert_eq!(plan.summary().architecture, "arm64");
        assert_eq!(plan.summary().volumes[0].boots, ["UEFI"]);
        expected.retain(|path| !path.ends_with("efisys.bin"));
    }
    let image = Image::open(File::open(workshop.path("out/capture.iso")).unwrap()).unwrap();
    let platforms: Vec<_> = image.boot_entries().iter().map(|entry| entry.platform).collect();
    assert_eq!(platforms, [Some(Platform::Efi)]);

    let mut file = File::open(workshop.path("out/capture.img")).unwrap();
    assert_eq!(disk_image::read(&mut file).unwrap().code(), Code::None);
    let mut sector = [0; 440];
    File::open(workshop.path("out/capture.img")).unwrap().read_exact(&mut sector).unwrap();
    assert!(sector.iter().all(|byte| *byte == 0), "boot code in the MBR of arm64 media");
}

#[test]
fn x86_media_has_its_own_name_for_the_boot_manager() {
    let machine = Architecture::X86;
    let workshop = Workshop::with_boot_image(&wim(Some(machine), &small_parts(machine)));
    let files = made_files(&workshop.request("cd-dvd"));
    assert_eq!(files["EFI/Boot/bootia32.efi"], Some(pe(machine)));
    assert!(!files.contains_key("EFI/Boot/bootx64.efi") && files.contains_key("bootmgr"));
}
