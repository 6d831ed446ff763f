//! Each reason not to write a drive, and what permits it.

use std::fs;

use media_device::{Drive, OpenDrive, OpenError, Permissions, UnmountError};

use crate::machine::{MIB, Machine};

fn codes(drive: &Drive, permissions: &Permissions) -> Vec<&'static str> {
    drive.refusals(permissions).iter().map(|refusal| refusal.code()).collect()
}

fn nothing() -> Permissions {
    Permissions::default()
}

fn everything() -> Permissions {
    Permissions { allow_fixed: true, unmount: true, ..Permissions::default() }
}

fn system_uses(drive: &Drive) -> Vec<String> {
    drive.system.iter().map(ToString::to_string).collect()
}

const NVME: &str = "pci0000:00/0000:01:00.0/nvme/nvme0";

#[test]
fn a_stick_that_nobody_uses_is_not_refused() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, Some("A"))
        .with_partition("sdb", "sdb1", "8:17", MIB, 500 * MIB)
        // Of others.
        .with_mount("8:1", "/", "ext4", "/dev/sda1")
        .with_mount("0:5", "/dev", "devtmpfs", "none")
        .with_swap("/dev/sda2");
    assert_eq!(codes(&machine.drive("sdb"), &nothing()), [""; 0]);
}

#[test]
fn the_system_disk_is_found_through_lvm_on_luks() {
    let machine = Machine::new()
        .with_drive(NVME, "nvme0n1", "259:0", 512 * MIB, &[])
        .with_partition("nvme0n1", "nvme0n1p1", "259:1", MIB, 100 * MIB)
        .with_partition("nvme0n1", "nvme0n1p3", "259:3", 200 * MIB, 300 * MIB)
        .with_mapped("dm-0", "253:0", &["nvme0n1p3"], "CRYPT-LUKS2-1", "luks")
        .with_mapped("dm-1", "253:1", &["dm-0"], "LVM-1", "vg0-root")
        .with_mapped("dm-2", "253:2", &["dm-0"], "LVM-2", "vg0-swap")
        .with_mount("253:1", "/", "ext4", "/dev/mapper/vg0-root")
        .with_mount("259:1", "/boot/efi", "vfat", "/dev/nvme0n1p1")
        .with_swap("/dev/mapper/vg0-swap");
    let drive = machine.drive("nvme0n1");
    let expected = [
        "/boot/efi on nvme0n1p1",
        "/ on nvme0n1p3 through dm-1 (vg0-root)",
        "swap space on nvme0n1p3 through dm-2 (vg0-swap)",
    ];
    assert_eq!(system_uses(&drive), expected);
    // Nothing permits it, and no way to unmount or close it is shown.
    assert_eq!(codes(&drive, &everything()), ["system"]);
    assert_eq!(codes(&drive, &nothing()), ["system", "fixed"]);
    let text = drive.refusals(&everything())[0].to_string();
    assert!(text.contains("/ on nvme0n1p3 through dm-1 (vg0-root)"), "{text}");
    let Err(UnmountError::System { .. }) = machine.system().unmount(&drive) else { panic!() };
}

#[test]
fn folders_of_the_system_are_known_and_others_are_only_mounted() {
    let system = [
        "/",
        "/boot",
        "/boot/firmware",
        "/efi",
        "/usr",
        "/usr/local",
        "/var",
        "/home",
        "/etc/hosts",
        "/run/live/medium",
        "/cdrom",
        "/sysroot",
    ];
    let others =
        ["/mnt", "/media/boot", "/run/media/me/USB", "/var/mnt/usb", "/srv/stick", "/bootx"];
    for (path, is_system) in
        system.map(|path| (path, true)).into_iter().chain(others.map(|path| (path, false)))
    {
        let machine = Machine::new()
            .with_stick("sdb", "8:16", 512 * MIB, None)
            .with_partition("sdb", "sdb1", "8:17", MIB, 500 * MIB)
            .with_mount("8:17", path, "vfat", "/dev/sdb1");
        let drive = machine.drive("sdb");
        assert_eq!(drive.is_system(), is_system, "{path}");
        assert_eq!(
            codes(&drive, &nothing()),
            [if is_system { "system" } else { "mounted" }],
            "{path}"
        );
        assert_eq!(codes(&drive, &everything()).is_empty(), !is_system, "{path}");
    }
}

#[test]
fn btrfs_and_others_without_a_device_number_are_found_by_their_source() {
    let two = || {
        Machine::new()
            .with_stick("sdb", "8:16", 512 * MIB, None)
            .with_partition("sdb", "sdb1", "8:17", MIB, 500 * MIB)
            .with_stick("sdc", "8:32", 512 * MIB, None)
    };
    let machine = two().with_mount("0:40", "/data", "btrfs", "/dev/sdb1");
    assert_eq!(codes(&machine.drive("sdb"), &nothing()), ["mounted"]);
    assert_eq!(codes(&machine.drive("sdc"), &nothing()), [""; 0]);
    // Of several devices, the table of mounts names one.
    let devices = machine.path("sys/fs/btrfs/8f3c-uuid/devices");
    fs::create_dir_all(devices.join("sdb1")).unwrap();
    fs::create_dir_all(devices.join("sdc")).unwrap();
    assert_eq!(codes(&machine.drive("sdc"), &nothing()), ["mounted"]);
    let machine = two().with_mount("0:41", "/data", "bcachefs", "/dev/sdb:/dev/sdc");
    assert_eq!(codes(&machine.drive("sdc"), &nothing()), ["mounted"]);
    let machine = two().with_mount("0:42", "/data", "fuse.exfat", "/dev/sdc");
    assert_eq!(codes(&machine.drive("sdc"), &nothing()), ["mounted"]);
}

#[test]
fn swap_on_a_stick_keeps_it_from_being_written() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, None)
        .with_partition("sdb", "sdb2", "8:18", MIB, 500 * MIB)
        .with_swap("/dev/sdb2");
    let drive = machine.drive("sdb");
    assert!(drive.partitions[0].swap);
    let refusals = drive.refusals(&everything());
    let expected = format!(
        "{} holds the running system: swap space on sdb2; give it up with swapoff, or take another drive",
        drive.path.display()
    );
    assert_eq!(refusals.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn held_drives_are_refused_whatever_is_permitted() {
    let machine = Machine::new().with_stick("sdb", "8:16", 512 * MIB, None).with_mapped(
        "dm-3",
        "253:3",
        &["sdb"],
        "CRYPT-PLAIN-x",
        "secret",
    );
    let drive = machine.drive("sdb");
    assert_eq!(codes(&drive, &everything()), ["in-use"]);
    let text = drive.refusals(&everything())[0].to_string();
    assert!(text.contains("dm-3 (secret)") && text.contains("cryptsetup close"), "{text}");
    assert_eq!(drive.holders[0].to_string(), "dm-3 (secret)");
}

#[test]
fn fixed_locked_empty_and_small_drives_are_refused() {
    let machine = Machine::new().with_drive(NVME, "nvme0n1", "259:0", 512 * MIB, &[]);
    let drive = machine.drive("nvme0n1");
    assert_eq!(codes(&drive, &nothing()), ["fixed"]);
    assert_eq!(codes(&drive, &Permissions { allow_fixed: true, ..nothing() }), [""; 0]);

    let machine = Machine::new().with_stick("sdb", "8:16", 512 * MIB, None);
    machine.fact("sdb", "ro", b"1\n");
    assert_eq!(codes(&machine.drive("sdb"), &everything()), ["read-only"]);

    // A card reader without a card is listed, so that people find it.
    let machine = Machine::new().with_stick("sdb", "8:16", 0, None);
    assert_eq!(machine.system().drives().unwrap().len(), 1);
    let small = Permissions { needed_len: MIB, ..everything() };
    assert_eq!(codes(&machine.drive("sdb"), &small), ["no-medium"]);

    let machine = Machine::new().with_stick("sdb", "8:16", 512 * MIB, None);
    let drive = machine.drive("sdb");
    let needed = |needed_len| Permissions { needed_len, ..nothing() };
    assert_eq!(codes(&drive, &needed(512 * MIB)), [""; 0]);
    let refusals = drive.refusals(&needed(512 * MIB + 1));
    let text = refusals[0].to_string();
    assert_eq!(refusals.len(), 1);
    assert!(text.contains("has 536870912 bytes, and 536870913 are needed"), "{text}");
}

#[test]
fn all_reasons_are_given_at_once() {
    let machine = Machine::new()
        .with_drive(NVME, "nvme0n1", "259:0", 512 * MIB, &[("ro", "1")])
        .with_partition("nvme0n1", "nvme0n1p1", "259:1", MIB, 100 * MIB)
        .with_mapped("dm-0", "253:0", &["nvme0n1p1"], "", "x")
        .with_mount("259:1", "/mnt", "ext4", "/dev/nvme0n1p1");
    let permissions = Permissions { needed_len: 1 << 40, ..nothing() };
    let expected = ["read-only", "fixed", "mounted", "in-use", "too-small"];
    assert_eq!(codes(&machine.drive("nvme0n1"), &permissions), expected);
}

#[test]
fn a_folder_that_looks_like_a_machine_is_never_written_nor_unmounted() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, None)
        .with_mount("8:16", "/proc", "vfat", "/dev/sdb");
    let drive = machine.drive("sdb");
    let Err(OpenError::Changed { what: "kind", .. }) = OpenDrive::open(&drive) else { panic!() };
    let Err(UnmountError::Failed { .. }) = machine.system().unmount(&drive) else { panic!() };
    fs::remove_file(&drive.path).unwrap();
    assert!(matches!(OpenDrive::open(&drive), Err(OpenError::Gone { .. })));
    // Taken out since.
    fs::remove_file(machine.path("sys/block/sdb")).unwrap();
    fs::remove_dir_all(machine.path("sys/devices")).unwrap();
    assert_eq!(machine.system().drives().unwrap(), []);
    assert!(machine.system().unmount(&drive).unwrap().is_empty());
}
