//! What `inspect` prints of boot images, and who signed the shim that Debian ships.

use std::fs;

use serde_json::Value;
use wim_image::Architecture;

use crate::boot_image_fixtures::{Fixture, data, rich, two_images, windows};
use crate::command::Bench;

fn text(wim: &[u8]) -> String {
    let bench = Bench::new();
    bench.put("boot.wim", wim);
    String::from_utf8(bench.succeed("inspect boot.wim")).unwrap()
}

/// The whole text, so that a change of it is seen as an administrator would see it.
#[test]
fn a_boot_image_with_everything_in_words() {
    let found = text(&rich().wim());
    let expected = include_str!("inspect_rich.txt");
    assert!(found == expected, "it is now:\n{found}");
    for line in found.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn what_is_missing_is_told_with_the_way_out() {
    let found = text(&Fixture::adk(Architecture::Arm64).wim());
    for says in [
        "Windows PE 10.0.26100.1, not made ready by Configuration Manager",
        "For arm64 computers, by the XML and the boot manager",
        "Media of it lacks files that are needed (below); once these are given, it can",
        "    start under UEFI only\n",
        "Missing and needed; give with --boot-files:\n    boot\\boot.sdi\n",
        "2023  refused; its set lacks EFI_EX, Fonts_EX, DVD_EX",
        "missing: WMI, Scripting, WDS-Tools, SecureStartup",
        "Task sequence runtime: not there; give the site's own with --runtime",
        "Drivers: none; there is no driver store",
    ] {
        assert!(found.contains(says), "{says}\nis not in\n{found}");
    }
    let found = text(&two_images()).replace("\n    ", " ");
    assert!(found.contains("; image 2, the last Windows PE"), "{found}");
    assert!(found.contains("give create --boot-index 2"), "{found}");
    assert!(text(&data()).ends_with("No boot image: no Windows PE and no boot manager in it\n"));
    assert!(text(&windows()).ends_with("No boot image: a Windows that is to be installed\n"));
}

#[test]
fn what_create_refuses_is_not_praised() {
    let mut disagrees = Fixture::adk(Architecture::Amd64);
    disagrees.architecture = Architecture::Arm64;
    let found = text(&disagrees.wim()).replace("\n    ", " ");
    assert!(found.contains("No media can be made of it: see the problem below"), "{found}");
    assert!(found.contains("use a boot image and boot files that belong together"), "{found}");
    assert!(!found.contains("can start") && !found.contains("by --boot-manager"), "{found}");
    let ready = Fixture::configuration_manager(Architecture::Amd64);
    let found = text(&ready.without(r"Boot\EFI\").without("Fonts_EX").wim()).replace("\n    ", " ");
    assert!(found.contains("for Windows UEFI CA 2023, the only one, lacks Fonts_EX;"), "{found}");
    assert!(!found.contains("bootx64.efi,") && !found.contains("Missing and needed"), "{found}");
}

/// The lengths stand below each other, however long a path is.
#[test]
fn lengths_are_in_one_column() {
    let image = Fixture::adk(Architecture::Amd64)
        .with(r"Windows\Boot\DVD\EFI\en-US\efisys_noprompt.bin", b"efisys");
    let found = text(&image.wim());
    let from = found.split_once("as media gets them:\n").unwrap().1;
    let rows: Vec<_> = from
        .lines()
        .take_while(|row| row.starts_with("    "))
        .filter_map(|row| row.find(" bytes").or_else(|| row.find(" KiB").map(|at| at - 2)))
        .collect();
    assert!(rows.len() > 5 && rows.iter().all(|column| *column == rows[0]), "{from}");
}

/// Thirty of one kind take a few lines, and no other kind is behind them.
#[test]
fn findings_about_drivers_are_told_by_kind() {
    let names: Vec<_> =
        (0..40).map(|number| (format!("gpu{number}"), format!("oem{number}.inf"))).collect();
    let many = names.iter().fold(rich(), |image, (stem, published)| {
        image.with_driver(stem, Some(published), "Display", "Contoso")
    });
    let found = text(&many.with(r"Windows\System32\config\DRIVERS", b"no hive").wim());
    let findings: Vec<_> = found.lines().filter(|row| row.starts_with("    Warning: ")).collect();
    let [hive, displays] = &*findings else { panic!("{found}") };
    assert!(hive.contains("DRIVERS"), "{hive}");
    assert!(displays.starts_with("    Warning: 39 drivers were added"), "{displays}");
}

/// Programs read these; a key that goes away breaks them.
#[test]
fn json_has_its_keys() {
    let bench = Bench::new();
    bench.put("boot.wim", rich().wim());
    let wim = bench.json("inspect --json boot.wim");
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let mut words: Vec<String> = Vec::new();
    let report = &wim["boot-image"];
    for (name, value) in [
        ("wim", &wim),
        ("image", &wim["images"][0]),
        ("boot-image", report),
        ("windows", &report["windows"]),
        ("architecture", &report["architecture"]),
        ("boot-manager", &report["boot-managers"][0]),
        ("signature", &report["boot-managers"][0]["signatures"][0]),
        ("components", &report["components"]),
        ("component", &report["components"]["installed"][0]),
        ("runtime", &report["runtime"]),
        ("drivers", &report["drivers"]),
        ("class", &report["drivers"]["classes"][0]),
        ("driver", &report["drivers"]["packages"][0]),
        ("finding", &report["drivers"]["findings"][0]),
        ("media", &report["media"]),
        ("option", &report["media"]["boot-managers"][0]),
    ] {
        let mut keys = keys(value);
        keys.sort();
        words.push(format!("{name}: {}", keys.join(" ")));
    }
    let expected = include_str!("inspect_keys.txt");
    let found = words.join("\n") + "\n";
    assert!(found == expected, "they are now:\n{found}");
    assert_eq!((&wim["architecture"], &wim["content"]), (&"x64".into(), &"boot-image".into()));
    let choices: Vec<_> = report["media"]["boot-managers"].as_array().unwrap().iter().collect();
    assert_eq!(choices[2]["generation"], "2023");
    // And the words.
    let drivers = &report["drivers"];
    for (found, word) in [
        (&report["boot-managers"][0]["set"], "classic"),
        (&report["boot-managers"][2]["set"], "ex"),
        (&report["components"]["evidence"], "packages"),
        (&report["runtime"]["state"], "ready"),
        (&drivers["classes"][0]["role"], "network"),
        (&drivers["findings"][0]["kind"], "other-class"),
        (&wim["missing"][0]["needed"], "discs"),
    ] {
        assert_eq!(found, word);
    }
    let origins: Vec<_> =
        drivers["packages"].as_array().unwrap().iter().map(|it| &it["origin"]).collect();
    assert!(origins.iter().all(|origin| *origin == "added" || *origin == "inbox"), "{origins:?}");
}

/// The shim of Debian is signed by Microsoft, under the certificate for the programs of others.
#[test]
#[ignore = "needs shim-signed"]
fn the_issuer_of_a_real_signature_is_named() {
    let shim = fs::read("/usr/lib/shim/shimx64.efi.signed").expect("package shim-signed");
    let image = Fixture::adk(Architecture::Amd64)
        .without(r"EFI\bootmgfw")
        .with(r"Windows\Boot\EFI\bootmgfw.efi", &shim);
    let bench = Bench::new();
    bench.put("boot.wim", image.wim());
    let found = String::from_utf8(bench.succeed("inspect boot.wim")).unwrap();
    assert!(found.contains("issuer: CN=Microsoft"), "{found}");
    let manager = &bench.json("inspect --json boot.wim")["boot-image"]["boot-managers"][0];
    assert_eq!(manager["path"], r"\Windows\Boot\EFI\bootmgfw.efi");
    assert_eq!(manager["architecture"], "x64");
    let signatures = manager["signatures"].as_array().unwrap();
    assert!(!signatures.is_empty());
    for signature in signatures {
        let issuer = signature["issuer"].as_str().unwrap();
        // A newer shim is signed under both, or under the newer one.
        let known = ["CN=Microsoft Corporation UEFI CA 2011", "CN=Microsoft UEFI CA 2023"];
        assert!(known.iter().any(|known| issuer.starts_with(known)), "{issuer}");
        assert_eq!(signature["intact"], true, "{signature}");
    }
}
