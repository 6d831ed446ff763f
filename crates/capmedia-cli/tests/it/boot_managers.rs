//! What the command tells of boot managers and computers.

use std::fs;

use capmedia::sample;
use wim_image::Architecture;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::command::Bench;

/// A boot image with both sets, signed as real ones are.
fn both() -> Vec<u8> {
    boot_image(Some("pca-2011"), Some("ca-2023"))
}

/// A boot image with these boot managers of the two sets.
fn boot_image(classic: Option<&str>, ex: Option<&str>) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../boot-image/tests/fixtures/authenticode");
    let signed = |name: &str| fs::read(format!("{folder}/{name}-x64.efi")).unwrap();
    let boot = r"Windows\Boot";
    let mut image = ImageBuilder::new("both", sample::TIME).with_architecture(Architecture::Amd64);
    for (path, bytes) in [
        (r"PCAT\bootmgr", b"bootmgr".to_vec()),
        (r"DVD\PCAT\boot.sdi", b"sdi".to_vec()),
        (r"EFI\bootmgr.efi", signed("unsigned")),
        (r"Fonts\a.ttf", b"font".to_vec()),
        (r"Fonts_EX\a_EX.ttf", b"font of EX".to_vec()),
        (r"DVD_EX\EFI\en-US\efisys_EX.bin", b"only for discs".to_vec()),
    ] {
        image = image.with_bytes(&format!(r"{boot}\{path}"), bytes).unwrap();
    }
    for (path, name) in [(r"EFI\bootmgfw.efi", classic), (r"EFI_EX\bootmgfw_EX.efi", ex)] {
        if let Some(name) = name {
            image = image.with_bytes(&format!(r"{boot}\{path}"), signed(name)).unwrap();
        }
    }
    WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap()
}

const PLAN: &str = "plan --boot-image both.wim --media-type usb --path out/a.img --boot-manager";

#[test]
fn the_choice_is_told_to_people_and_programs() {
    let bench = Bench::new();
    bench.put("both.wim", both());
    for (choice, generation, place, other) in [
        ("auto", "2011", r"both.wim:\Windows\Boot\EFI\bootmgfw.efi", "--boot-manager 2023"),
        ("2023", "2023", r"both.wim:\Windows\Boot\EFI_EX\bootmgfw_EX.efi", "--boot-manager 2011"),
    ] {
        let text = bench.run(&format!("{PLAN} {choice}")).stdout;
        let text = String::from_utf8(text).unwrap();
        for part in [
            &format!("Boot manager: {generation} (--boot-manager {choice}: "),
            "for x64 computers\n",
            "Boot image:   both.wim (x64)\n",
            &format!("EFI/Boot/bootx64.efi from {place}"),
            "with Secure Boot on it is refused by machines that trust only",
            other,
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let json = bench.run(&format!("{PLAN} {choice} --json")).stdout;
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["target-architecture"], "x64");
        let told = &json["boot-manager"];
        assert_eq!((&told["asked"], &told["generation"]), (&choice.into(), &generation.into()));
        assert_eq!(told["found"][0], place);
        assert_eq!(told["loaders"][0]["path"], "EFI/Boot/bootx64.efi");
        let certificate = told["loaders"][0]["signatures"][0]["certificate"].as_str().unwrap();
        assert!(certificate.contains(generation), "{certificate}");
        assert!(told["notes"][0].as_str().unwrap().contains(other));
    }
}

#[test]
fn nothing_is_told_twice_nor_refused_in_silence() {
    let bench = Bench::new();
    bench.put("changed.wim", boot_image(Some("changed"), None));
    let create = "create --boot-image changed.wim --media-type usb --force --image-size 40MiB --path out/a.img";
    assert_eq!(bench.run(create).code, Some(0));
    let ended = bench.run("verify out/a.img");
    let text = String::from_utf8(ended.stdout).unwrap();
    assert_eq!((ended.code, text.matches("changed after it was signed").count()), (Some(6), 1));

    bench.put("none.wim", boot_image(None, None));
    assert_eq!(bench.run(&create.replace("changed.wim", "none.wim")).code, Some(3));
    let text = String::from_utf8(bench.run("inspect none.wim").stdout).unwrap();
    assert!(text.contains("auto  refused: there is none"), "{text}");
}

#[test]
fn what_cannot_be_had_is_an_input_error() {
    let bench = Bench::new();
    let create = "create --boot-image boot.wim --media-type usb --path out/a.img";
    for (option, says) in [
        ("--boot-manager 2023", ["EFI_EX", "--boot-files"]),
        ("--target-arch arm64", ["for x64", "--target-arch x64"]),
    ] {
        let ended = bench.run(&format!("{create} {option}"));
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(says.iter().all(|part| ended.stderr.contains(part)), "{}", ended.stderr);
        assert!(bench.out().is_empty());
    }
}
