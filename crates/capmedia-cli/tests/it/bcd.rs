//! Boot configurations and the boot index, as the command takes and tells them.

use std::fs;
use std::sync::Arc;

use capmedia::sample;
use extent_image::{BytesSource, Timestamp};
use wim_image::Wim;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::command::{Bench, create};

fn bench_with_bcd() -> Bench {
    let bench = Bench::new();
    let bytes = sample::boot_image().unwrap();
    let wim = Wim::open(Arc::new(BytesSource::new("sample", bytes))).unwrap();
    let image = wim.image(1).unwrap();
    let entry = image.lookup(r"Windows\Boot\DVD\EFI\BCD").unwrap();
    bench.put("BCD", wim.file(entry).unwrap().read_verified().unwrap());
    bench
}

#[test]
fn inspect_prints_a_boot_configuration() {
    let bench = bench_with_bcd();
    let text = String::from_utf8(bench.succeed("inspect BCD")).unwrap();
    for says in [
        r"Starts \sources\boot.wim under UEFI",
        "Windows Boot Manager\n-----",
        r"device                  ramdisk=[boot]\sources\boot.wim,{7619dcc8-",
        "winpe                   Yes",
    ] {
        assert!(text.contains(says), "{says} is not in\n{text}");
    }
    let json = bench.json("inspect BCD --json");
    assert_eq!((&json["kind"], &json["problem"]), (&"bcd".into(), &serde_json::Value::Null));
    assert_eq!(json["starts"]["loader"], r"\windows\system32\boot\winload.efi");

    let mut cut = fs::read(bench.path("BCD")).unwrap();
    cut.truncate(6000);
    bench.put("cut", cut);
    let ended = bench.run("inspect cut");
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("cannot read the boot configuration cut"), "{}", ended.stderr);
}

#[test]
fn create_tells_which_boot_configuration_it_took() {
    let bench = Bench::new();
    let text = String::from_utf8(bench.succeed(create("usb"))).unwrap();
    let says = r"Boot config:  BIOS: boot.wim:\Windows\Boot\DVD\PCAT\BCD";
    assert!(text.contains(says), "{text}");
    let line = format!("{} --force --bcd own --bcd-locale de-DE", create("usb"));
    let text = String::from_utf8(bench.succeed(&line)).unwrap();
    assert!(text.contains("UEFI: made by capmedia, de-DE (asked for)"), "{text}");
    let json = bench.json(&format!("{line} --json"));
    let told = &json["boot-configuration"][0];
    assert_eq!((&told["taken"], &told["path"]), (&"own".into(), &"boot/bcd".into()));
    let ended = bench.run(&format!("{} --force --bcd some", create("usb")));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[test]
fn a_boot_index_can_be_given() {
    let bench = Bench::new();
    let image = ImageBuilder::new("PE", Timestamp::FAT_EPOCH).with_edition("WindowsPE");
    let image = image.with_bytes("a", "a").unwrap();
    let wim = WimBuilder::new().with_image(image).to_vec().unwrap();
    bench.put("none.wim", wim);
    let line = create("usb").replace("boot.wim", "none.wim");
    for (option, code, says) in [
        ("", 3, "give --boot-index 1,"),
        ("--boot-index 2", 3, "no image 2 to boot"),
        ("--boot-index 0", 2, "--boot-index"),
        // It is that image that is looked at.
        ("--boot-index 1", 3, "no boot manager"),
    ] {
        let ended = bench.run(&format!("{line} {option}"));
        assert_eq!(ended.code, Some(code), "{option}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{option}: {}", ended.stderr);
    }
    let text = String::from_utf8(bench.succeed("inspect none.wim")).unwrap();
    assert!(text.contains("is marked bootable") && text.contains("--boot-index 1"), "{text}");
    bench.succeed(&format!("{} --boot-index 1", create("usb")));
}
