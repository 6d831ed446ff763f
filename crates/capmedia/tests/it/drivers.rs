//! Boot images with drivers, and the devices that media must have drivers for.

use capmedia::{Blame, Error};
use media_model::CaptureMediaRequest;
use wim_image::Architecture;

use crate::support::{Workshop, make, small_parts, told, wim};

const STORE: &str = r"Windows\System32\DriverStore\FileRepository";
const NET: &str = "{4d36e972-e325-11ce-bfc1-08002be10318}";
const HDC: &str = "{4d36e96a-e325-11ce-bfc1-08002be10318}";
const DISPLAY: &str = "{4d36e968-e325-11ce-bfc1-08002be10318}";

/// A package: INF, driver and catalog.
struct Package<'a> {
    /// `netcard.inf_amd64_01`
    folder: &'a str,
    published: &'a str,
    class: &'a str,
    decoration: &'a str,
    ids: &'a str,
}

const CARD: Package<'_> = Package {
    folder: "netcard.inf_amd64_01",
    published: "oem0.inf",
    class: NET,
    decoration: "NTamd64",
    ids: r"PCI\VEN_8086&DEV_15F3",
};
const ARM_ID: &str = r"PCI\VEN_0001&DEV_0001";
const DISK: Package<'_> = Package {
    folder: "mshdc.inf_amd64_02",
    published: "mshdc.inf",
    class: HDC,
    decoration: "NTamd64",
    ids: r",PCI\CC_0106",
};

fn workshop(packages: &[Package<'_>]) -> Workshop {
    let mut parts = small_parts(Architecture::Amd64);
    for Package { folder, published, class, decoration, ids } in packages {
        let inf = format!(
            "[Version]\nSignature=$Windows NT$\nClassGuid={class}\nCatalogFile=d.cat\n\
             [Manufacturer]\nUs=M,{decoration}\n[M.{decoration}]\nDevice=Install,{ids}\n\
             [SourceDisksFiles]\nd.sys=1\n"
        );
        let units = inf.encode_utf16().flat_map(u16::to_le_bytes);
        let bytes: Vec<u8> = b"\xFF\xFE".iter().copied().chain(units).collect();
        let name = folder.split_at(folder.find(".inf").unwrap() + 4).0;
        parts.insert(format!(r"{STORE}\{folder}\{name}"), bytes.clone());
        parts.insert(format!(r"{STORE}\{folder}\d.sys"), folder.as_bytes().to_vec());
        parts.insert(format!(r"{STORE}\{folder}\d.cat"), name.as_bytes().to_vec());
        parts.insert(format!(r"Windows\INF\{published}"), bytes);
    }
    Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts))
}

fn refused(workshop: &Workshop, request: &CaptureMediaRequest) -> String {
    let error: Error = make(request).unwrap_err();
    assert_eq!(error.blame(), Blame::Input, "{}", told(&error));
    assert!(workshop.out().is_empty());
    told(&error)
}

#[test]
fn every_device_finds_its_driver() {
    let workshop = workshop(&[CARD, DISK]);
    let list = "\
00:17.0 SATA controller [0106]: Maker [8086:a352] (rev 10)
00:1f.3 Audio device [0403]: Maker [8086:a348] (rev 10)
00:1f.6 Ethernet controller [0200]: Maker [8086:15f3] (rev 03)
";
    let devices = workshop.put("devices.txt", list);
    let request = workshop
        .request("cd-dvd")
        .with_require_hwid(r"pci\ven_8086&dev_15f3&subsys_00008086&rev_03")
        .with_hwids(devices);
    let made = make(&request).unwrap();
    assert_eq!(made.summary.warnings, []);
    let rows: Vec<_> = made
        .summary
        .devices
        .iter()
        .map(|d| (d.needed, d.role.as_deref(), d.driver.as_deref(), d.matched_id.as_deref()))
        .collect();
    let card = Some("oem0.inf (netcard.inf)");
    let id = Some(CARD.ids);
    let expected = [
        (true, None, card, id),
        (true, Some("storage"), Some("mshdc.inf"), Some(r"PCI\CC_0106")),
        (true, Some("network"), card, id),
        (false, None, None, None),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn all_devices_without_driver_are_told_at_once() {
    let workshop = workshop(&[CARD, DISK]);
    let devices = workshop.put(
        "devices.txt",
        "\
00:0e.0 RAID bus controller [0104]: Maker Management Device [8086:9a0b]
00:1f.6 Ethernet controller [0200]: Maker Card [8086:15f3] (rev 03)
02:00.0 Ethernet controller [0200]: Other Maker [10ec:8125] (rev 05)
03:00.0 Network controller [0280]: Wi-Fi [8086:2723]
",
    );
    let request =
        workshop.request("usb").with_require_hwid(r"VMBUS\{F8615163}").with_hwids(devices);
    let text = refused(&workshop, &request);
    for says in [
        "boot.wim has no driver for 3 of the devices",
        r"VMBUS\{F8615163}: no driver names it",
        r"PCI\VEN_8086&DEV_9A0B (Maker Management Device), storage: no driver",
        r"PCI\VEN_10EC&DEV_8125 (Other Maker), network: no driver",
        "Configuration Manager console (Properties, Drivers)",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert!(!text.contains("15F3") && !text.contains("2723"), "{text}");
    // The stand-in holds no driver at all.
    let empty = self::workshop(&[]);
    let text = refused(&empty, &empty.request("usb").with_require_hwid(CARD.ids));
    assert!(text.contains("no driver for 1 of"), "{text}");
}

#[test]
fn what_is_on_usb_is_not_insisted_on() {
    let workshop = workshop(&[CARD, DISK]);
    // But if it is asked for by its ID.
    let request = workshop.request("usb").with_require_hwid(r"USB\VID_05AC&PID_12A8");
    assert!(refused(&workshop, &request).contains("no driver for 1 of the devices"));
    let devices = workshop.put(
        "devices.txt",
        format!(
            "Instance ID: PCI\\A\\1\nClass GUID: {NET}\nHardware IDs: PCI\\VEN_8086&DEV_15F3\n\
             \x20            PCI\\CC_0200\n\n\
             Instance ID: USB\\VID_05AC&PID_12A8\\1\nClass GUID: {NET}\n\
             Hardware IDs: USB\\VID_05AC&PID_12A8\n"
        ),
    );
    let made = make(&workshop.request("usb").with_hwids(&devices)).unwrap();
    let [warning] = &*made.summary.warnings else { panic!("{:?}", made.summary.warnings) };
    assert!(warning.to_string().contains(r"USB\VID_05AC&PID_12A8, network: no driver names it"));
}

#[test]
fn one_rule_for_hardware_ids() {
    let long = |len: usize| format!(r"A\{}", "x".repeat(len - 2));
    for id in [
        r"PCI\VEN_8086&DEV_15F3",
        r"pci\ven_8086&dev_15f3&subsys_00008086&rev_03\3&11583659&0&FE",
        r"PCI\CC_010802",
        r"PCI\VEN_8086&CC_0200",
        r"PCI\VEN_8086",
        r"PCI\VEN_8086:DEV_15F3",
        r"PCI\VEN_8086&DEV_15G3",
        r"PCI\CC_01080",
        r"pci\8086&15F3",
        "*PNP0A03",
        "*",
        "A*",
        r"*PCI\VEN_1",
        r"A\",
        r"\VEN_8086",
        r"ACPI\VEN_INT&DEV_33A1",
        r" PCI\VEN_8086&DEV_15F3",
        r"PCI\VEN_8086&DEV_15F3 ",
        r"USB\A,B",
        "USB\\\u{e9}",
        "8086:15F3",
        "PCIVEN_8086",
        "hello",
        "",
        &long(199),
        &long(200),
    ] {
        let here = media_model::HardwareId::new(id).is_ok();
        assert_eq!(id.parse::<boot_image::HardwareId>().is_ok(), here, "{id}");
    }
}

#[test]
fn drivers_for_other_computers_are_refused() {
    let arm = Package {
        folder: "arm.inf_arm64_03",
        published: "oem1.inf",
        decoration: "NTarm64",
        ids: ARM_ID,
        ..CARD
    };
    let workshop = workshop(&[CARD, DISK, arm]);
    let text = refused(&workshop, &workshop.request("cd-dvd").with_require_hwid(ARM_ID));
    for says in [
        "oem1.inf (arm.inf) is for arm64, the boot image for x64",
        "oem1.inf (arm.inf) has a driver for it, for arm64",
        "Remove them",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
}

#[test]
fn what_is_odd_is_told_calmly() {
    // No storage; and many graphics drivers.
    let names: Vec<(String, String)> =
        (1..=20).map(|n| (format!("gpu{n:02}.inf_amd64_{n:02}"), format!("oem{n}.inf"))).collect();
    let mut packages = vec![CARD];
    packages.extend(names.iter().map(|(folder, published)| Package {
        folder,
        published,
        class: DISPLAY,
        decoration: "NTamd64",
        ids: r"PCI\VEN_1",
    }));
    let workshop = workshop(&packages);
    let made = make(&workshop.request("cd-dvd")).unwrap();
    let warnings: Vec<_> = made.summary.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert!(warnings[0].contains("boot.wim: there is no driver for a storage controller"));
    assert!(warnings[0].ends_with("(Properties, Drivers)"), "{}", warnings[0]);
    assert!(warnings[1].contains("boot.wim: 20 drivers were added"), "{}", warnings[1]);
    assert!(warnings[1].contains("oem1.inf (gpu01.inf) (class Display)"), "{}", warnings[1]);
    assert!(warnings[1].contains("and 17 more"), "{}", warnings[1]);
}

#[test]
fn lists_that_are_none() {
    let workshop = workshop(&[CARD, DISK]);
    let request = |name: &str| workshop.request("cd-dvd").with_hwids(workshop.path(name));
    assert!(refused(&workshop, &request("none.txt")).contains("cannot read the list of devices"));
    workshop.put("words.txt", "my notebook\n");
    let text = refused(&workshop, &request("words.txt"));
    assert!(text.contains("line 1") && text.contains("is no hardware ID"), "{text}");
    for word in ["hello", "hello\r\n\r\n", "Name\nhello\n"] {
        workshop.put("word.txt", word);
        let text = refused(&workshop, &request("word.txt"));
        assert!(text.contains("cannot use the list of devices"), "{word}: {text}");
    }
    workshop.put("empty.txt", "");
    assert!(
        refused(&workshop, &request("empty.txt")).contains("pnputil /enum-devices /connected /ids")
    );
    workshop.put("sound.txt", "00:1f.3 Audio device [0403]: Maker [8086:a348]\n");
    let made = make(&request("sound.txt")).unwrap();
    let [warning] = &*made.summary.warnings else { panic!("{:?}", made.summary.warnings) };
    assert!(warning.as_str().contains("none of them is for network or storage"), "{warning}");
}
