//! The command in a Linux machine of its own, with USB sticks: our static program lists them, writes
//! them and reads them back, and that machine's kernel sees the media.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use capmedia::sample;
use serde_json::Value;

use crate::guest::{Guest, Stick, static_program};
use crate::qemu::{ALL_WELL, Firmware, Medium, Qemu};

const MIB: u64 = 1 << 20;
const SERIAL: &str = "CAPMEDIA0001";
const CREATE: &str = "capmedia create --boot-image /boot.wim --media-type usb \
                      --capture-destination '\\\\server\\share\\image.wim'";

/// A machine with the command and a boot image.
fn guest() -> Guest {
    // Built once for all tests by `cargo xtask oracles`, as that takes minutes.
    let program = std::env::var_os("CAPMEDIA_STATIC").map(PathBuf::from);
    let program = program.unwrap_or_else(|| {
        static_program(env!("CARGO_TARGET_TMPDIR"), "capmedia-cli", ["--bin", "capmedia"])
    });
    Guest::new().with_program(&program).with_file("boot.wim", &sample::boot_image().unwrap())
}

fn image(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    File::create(&path).and_then(|file| file.set_len(264 * MIB)).unwrap();
    path
}

fn stick() -> Stick {
    Stick { serial: Some(SERIAL), ..Stick::default() }
}

/// What was said between two headings `# name`.
#[track_caller]
fn part<'a>(said: &'a str, name: &str) -> &'a str {
    let heading = format!("# {name}\n");
    let (_, behind) = said.split_once(&heading).unwrap_or_else(|| panic!("no {heading:?}: {said}"));
    behind.split("\n# ").next().unwrap()
}

fn first_sector(image: &Path) -> Vec<u8> {
    let mut bytes = fs::read(image).unwrap();
    bytes.truncate(512);
    bytes
}

/// Written as `options` say, the stick is seen by the machine that wrote it, and starts others.
fn write_and_start(options: &str, firmware: &[Firmware]) {
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), "stick");
    let said = guest().with_stick(&image, &stick()).run(&format!(
        "echo '# list'
        capmedia drives --json
        echo '# list for people'
        capmedia drives
        echo '# create'
        {CREATE} {options} --path /dev/sda --yes --drive-serial {SERIAL}
        echo \"ended with $?\"
        echo '# list again'
        capmedia drives --json
        echo '# verify'
        capmedia verify /dev/sda
        echo \"ended with $?\"
        echo '# mount'
        mount -t vfat -o ro /dev/sda1 /mnt
        cd /mnt
        sha256sum -c SHA256SUMS
        echo \"ended with $?\"
        cd /
        umount /mnt
        echo '# mounted is refused'
        mount -t vfat -o ro /dev/sda1 /mnt
        {CREATE} {options} --path /dev/sda --yes --drive-serial {SERIAL}
        echo \"ended with $?\"
        echo '# partition'
        {CREATE} {options} --path /dev/sda1 --yes --drive-serial {SERIAL}
        echo \"ended with $?\"
        "
    ));
    let listed: Value = serde_json::from_str(part(&said, "list")).unwrap();
    let drive = &listed["drives"][0];
    for (key, value) in [("name", "sda"), ("path", "/dev/sda"), ("serial", SERIAL), ("bus", "usb")]
    {
        assert_eq!(drive[key], value, "{listed}");
    }
    assert_eq!((&drive["removable"], &drive["bytes"]), (&true.into(), &(264 * MIB).into()));
    assert!(drive["refusals"].as_array().unwrap().is_empty(), "{listed}");
    assert!(part(&said, "list for people").contains(SERIAL), "{said}");
    let created = part(&said, "create");
    assert!(created.contains("read back and compared: ok\nended with 0"), "{said}");
    assert!(!created.contains("does not see its new partition"), "{said}");
    let again: Value = serde_json::from_str(part(&said, "list again")).unwrap();
    let partition = &again["drives"][0]["partitions"][0];
    assert_eq!((&partition["start"], &partition["label"]), (&MIB.into(), &"CONFIGURATI".into()));
    assert!(part(&said, "verify").contains("no faults\nended with 0"), "{said}");
    let mounted = part(&said, "mount");
    assert!(
        mounted.ends_with("ended with 0") && mounted.contains("sources/boot.wim: OK"),
        "{said}"
    );
    assert!(part(&said, "mounted is refused").contains("is mounted at /mnt"), "{said}");
    let partition = part(&said, "partition");
    assert!(partition.contains("/dev/sda1 is partition 1 of the drive /dev/sda"), "{said}");
    assert!(!partition.contains("ended with 0"), "{said}");

    for firmware in firmware {
        let boot = Qemu::with_only(*firmware, Medium::Stick, &image).run(firmware.limit());
        assert_eq!(boot.code, Some(ALL_WELL), "{firmware:?}: {}", boot.serial);
    }
}

#[test]
#[ignore = "needs QEMU, a Linux kernel and OVMF"]
fn a_stick_with_an_mbr() {
    write_and_start("", &Firmware::ALL);
}

#[test]
#[ignore = "needs QEMU, a Linux kernel and OVMF"]
fn a_stick_with_a_gpt() {
    write_and_start("--partition-table gpt", &[Firmware::Uefi]);
}

#[test]
#[ignore = "needs QEMU and a Linux kernel"]
fn a_stick_that_cannot_be_written_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (image(folder.path(), "good"), image(folder.path(), "bad"));
    let add = vec![7; 20 << 20];
    let failing = Stick { serial: Some("BAD"), fails_at: Some(15 * MIB), ..Stick::default() };
    let said = guest()
        .with_file("content", &add)
        .with_stick(&good, &stick())
        .with_stick(&bad, &failing)
        .run(&format!(
            "good=$(stick 0)
            bad=$(stick 1)
            alone=\"{CREATE} --add /content=add/content --path $bad --yes --drive-serial BAD\"
            echo '# alone'
            eval \"$alone\"
            echo \"ended with $?\"
            echo '# both'
            eval \"$alone --path $good --drive-serial {SERIAL}\"
            echo \"ended with $?\"
            echo '# good'
            capmedia verify $good
            echo \"ended with $?\"
            "
        ));
    let alone = part(&said, "alone");
    assert!(alone.contains("error: the drive was not done"), "{said}");
    assert!(alone.contains("Input/output error"), "{said}");
    assert!(alone.ends_with("ended with 5"), "{said}");
    let both = part(&said, "both");
    assert!(both.contains("error: 1 of 2 drives were not done"), "{said}");
    assert!(both.contains("read back and compared: ok"), "{said}");
    assert!(both.ends_with("ended with 7"), "{said}");
    assert!(part(&said, "good").trim_end().ends_with("ended with 0"), "{said}");
    assert_eq!(first_sector(&bad), [0; 512]);
}

#[test]
#[ignore = "needs QEMU and a Linux kernel"]
fn a_stick_that_is_pulled_out_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), "stick");
    let slow = Stick { speed: Some(2 * MIB), ..stick() };
    let said = guest()
        .with_file("content", &vec![7; 20 << 20])
        .with_stick(&image, &slow)
        .with_pull("pull it now", 0)
        .run(&format!(
            "echo '# create'
            (sleep 4; echo 'pull it now' >/dev/console) &
            {CREATE} --add /content=add/content --path /dev/sda --yes --drive-serial {SERIAL}
            echo \"ended with $?\"
            "
        ));
    let created = part(&said, "create");
    assert!(created.contains("error: the drive was not done"), "{said}");
    assert!(created.trim_end().ends_with("ended with 5"), "{said}");
    assert_eq!(first_sector(&image), [0; 512]);
}

/// Mounted in the machine, a stick with Windows' boot code or none gets media file by file.
#[test]
#[ignore = "needs QEMU, a Linux kernel, mkfs.fat and OVMF"]
fn a_stick_that_is_mounted_gets_media_and_is_refreshed() {
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), "stick");
    let made = Command::new("mkfs.fat").args(["-F", "32", "-s", "1"]).arg(&image).output();
    assert!(made.expect("mkfs.fat").status.success());
    let path = r"Windows\System32\winpeshl.ini";
    let other = crate::fixtures::changed_sample(
        wim_image::Architecture::Amd64,
        &[(path, Some(b"[LaunchApp]\r\n"))],
    );
    let again = CREATE.replace("boot.wim", "other.wim");
    let said = guest().with_file("other.wim", &other).with_stick(&image, &stick()).run(&format!(
        "mount -t vfat /dev/sda /mnt
        echo dear >/mnt/letter.txt
        mkdir -p /mnt/EFI/BOOT
        echo '# create'
        {CREATE} --no-format --path /mnt
        echo \"ended with $?\"
        ls -a /mnt
        echo '# plan'
        {} --no-format --path /mnt --json
        echo '# refresh'
        {again} --no-format --path /mnt --json
        echo '# check'
        umount /mnt
        mount -t vfat -o ro /dev/sda /mnt
        cd /mnt
        sha256sum -c SHA256SUMS
        echo \"ended with $?\"
        cat letter.txt
        cd /
        umount /mnt
        capmedia verify /dev/sda
        echo '# mounted'
        mount -t vfat /dev/sda /mnt
        {CREATE} --no-format --path /dev/sda
        echo \"ended with $?\"
        {CREATE} --no-format --path /dev/sda --unmount
        echo \"ended with $?\"
        ",
        again.replace("create", "plan")
    ));
    let created = part(&said, "create");
    assert!(created.contains("ended with 0") && created.contains("letter.txt"), "{said}");
    assert!(!created.contains("capmedia-"), "{said}");
    let json = |name| serde_json::from_str::<Value>(part(&said, name).trim()).unwrap();
    let (planned, made) = (json("plan"), json("refresh"));
    assert_eq!(planned["files-to-write"], made["files-written"], "{said}");
    assert_eq!((&made["guarantee"], &made["verified"]), (&"file".into(), &true.into()));
    assert_ne!(made["bytes-saved"], 0, "{said}");
    assert_eq!(made["foreign"], serde_json::json!(["letter.txt"]), "{said}");
    let checked = part(&said, "check");
    assert!(checked.contains("sources/boot.wim: OK\n") && !checked.contains("FAILED"), "{said}");
    assert!(checked.contains("ended with 0\ndear\n"), "{said}");
    let mounted = part(&said, "mounted");
    assert!(mounted.contains("is mounted at /mnt"), "{said}");
    // Unmounted it is looked at; but Linux has put the names into several sectors of the root.
    assert!(mounted.contains("cannot be brought up to date in one step"), "{said}");
    assert!(mounted.trim_end().ends_with("ended with 5"), "{said}");
    let boot = Qemu::with_only(Firmware::Uefi, Medium::Stick, &image).run(Firmware::Uefi.limit());
    assert_eq!(boot.code, Some(ALL_WELL), "{}", boot.serial);
}
