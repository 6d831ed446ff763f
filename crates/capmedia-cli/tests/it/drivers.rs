//! Devices that media must have drivers for, as the command takes and tells them.

use extent_image::Timestamp;
use wim_image::Architecture;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::command::Bench;

const INF: &str = "\
[Version]
Signature = $Windows NT$
Class = Net
Provider = Us
[Manufacturer]
Us = Cards, NTamd64
[Cards.NTamd64]
Card = Install, PCI\\VEN_8086&DEV_15F3
";

/// With `drivers.wim`, which has a driver and no boot files: devices are looked at first.
fn bench() -> Bench {
    let bench = Bench::new();
    let sample = ImageBuilder::new("with a driver", Timestamp::FAT_EPOCH)
        .with_architecture(Architecture::Amd64)
        .with_bytes(
            r"Windows\System32\DriverStore\FileRepository\card.inf_amd64_1\card.inf",
            INF.as_bytes(),
        )
        .and_then(|image| image.with_bytes(r"Windows\INF\card.inf", INF.as_bytes()))
        .unwrap();
    let wim = WimBuilder::new().with_image(sample).with_boot_index(1).to_vec().unwrap();
    bench.put("drivers.wim", wim);
    bench
}

#[test]
fn missing_drivers_are_told_with_code_3() {
    let bench = bench();
    bench.put(
        "devices.txt",
        "00:1f.6 Ethernet controller [0200]: Maker [8086:15f3]\n\
         01:00.0 RAID bus controller [0104]: Maker \u{1b}[31m [8086:9a0b]\n",
    );
    let create = "create --boot-image drivers.wim --media-type cd-dvd --path out/x.iso";
    let ended = bench.run(&format!("{create} --hwids devices.txt --require-hwid USB\\VID_1&PID_2"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    for says in [
        "drivers.wim has no driver for 2 of the devices that are required",
        "USB\\VID_1&PID_2: no driver names it",
        "PCI\\VEN_8086&DEV_9A0B",
        "(Properties, Drivers)",
    ] {
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("15F3") && !ended.stderr.contains('\u{1b}'));
    assert!(bench.out().is_empty());
}

#[test]
fn what_is_no_hardware_id_is_a_mistake_in_the_request() {
    let bench = bench();
    let create = "create --boot-image boot.wim --media-type cd-dvd --path out/x.iso";
    let ended = bench.run(&format!("{create} --require-hwid PCIVEN_8086 --require-hwid 8086:15f3"));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("2 problems"), "{}", ended.stderr);
    assert!(ended.stderr.contains("PCI\\VEN_8086&DEV_15F3', in quotes"), "{}", ended.stderr);
}
