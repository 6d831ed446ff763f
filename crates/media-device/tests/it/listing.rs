//! Drives as folders that look like machines describe them.

use std::fs;

use media_device::{Bus, Drive, FileSystem, HolderKind, Identity, ListError, PathError};

use crate::loops::run;
use crate::machine::{MIB, Machine, STICK, link, names};

#[test]
fn a_stick_is_described_with_its_partitions_and_mounts() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, Some("4C530001"))
        .with_partition("sdb", "sdb1", "8:17", MIB, 500 * MIB)
        .with_partition("sdb", "sdb10", "8:26", 502 * MIB, MIB)
        .with_partition("sdb", "sdb2", "8:18", 501 * MIB, MIB)
        .with_mount("8:17", r"/media/an\040odd\134\011one\012\043", "vfat", "/dev/sdb1")
        .with_mount("8:16", "/raw", "iso9660", "/dev/sdb");
    machine.fact("sdb", "diskseq", b"42\n");
    let drives = machine.system().drives().unwrap();
    let [drive] = drives.as_slice() else { panic!("{drives:?}") };
    assert_eq!(drive.path, machine.path("dev/sdb"));
    assert_eq!(drive.title().as_deref(), Some("SanDisk Cruzer Blade"));
    assert_eq!((drive.len, drive.bus, drive.removable), (512 * MIB, Bus::Usb, true));
    assert_eq!((drive.logical_block_size, drive.disk_sequence), (512, Some(42)));
    assert_eq!(drive.identity(), Identity::Serial("4C530001".to_owned()));
    assert!(!drive.read_only && !drive.is_system());
    let parts: Vec<_> = drive
        .partitions
        .iter()
        .map(|part| (part.name.as_str(), part.number, part.start, part.len))
        .collect();
    let expected =
        [("sdb1", 1, MIB, 500 * MIB), ("sdb2", 2, 501 * MIB, MIB), ("sdb10", 10, 502 * MIB, MIB)];
    assert_eq!(parts, expected);
    let mounts: Vec<_> = drive.all_mounts().map(|mount| mount.path.to_str().unwrap()).collect();
    assert_eq!(mounts, ["/raw", "/media/an odd\\\tone\n#"]);
    let json = serde_json::to_value(drive).unwrap();
    assert_eq!(json["bus"], "usb");
    assert_eq!(json["partitions"][0]["mounts"][0]["file_system"], "vfat");
    assert!(json.get("folder").is_none() && json.get("device").is_none());
}

#[test]
fn buses_cards_and_serial_numbers_are_known() {
    let disk = "pci0000:00/0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0";
    let machine = Machine::new()
        .with_drive(
            "pci0000:00/mmc_host/mmc0/mmc0:aaaa",
            "mmcblk0",
            "179:0",
            64 * MIB,
            &[("device/type", "SD"), ("device/name", "SC64G"), ("device/serial", "0x1234abcd")],
        )
        .with_drive(
            "pci0000:00/mmc_host/mmc1/mmc1:0001",
            "mmcblk1",
            "179:8",
            64 * MIB,
            &[("device/type", "MMC"), ("device/name", "BJTD4R"), ("device/cid", "13014e")],
        )
        .with_drive("pci0000:00/mmc_host/mmc1/mmc1:0001/x", "mmcblk1boot0", "179:16", MIB, &[])
        .with_drive(
            "pci0000:00/0000:01:00.0/nvme/nvme0",
            "nvme0n1",
            "259:0",
            64 * MIB,
            &[("device/model", "Samsung SSD 980"), ("device/serial", "S64ANX0T")],
        )
        .with_drive(
            disk,
            "sda",
            "8:0",
            64 * MIB,
            &[("device/model", "ST1000"), ("device/vendor", "ATA")],
        )
        .with_drive(
            "pci0000:00/virtio1",
            "vda",
            "254:0",
            64 * MIB,
            &[("serial", "root-disk"), ("device/vendor", "0x1af4")],
        )
        .with_drive("pci0000:00/weird", "cciss!c0d0", "104:0", 64 * MIB, &[("wwid", "naa.5000")])
        .with_drive("pci0000:00/weird", "xd0", "105:0", MIB, &[("wwid", "t10.Generic Flash")]);
    machine.fact("sda", "device/vpd_pg80", b"\0\x80\0\x0c    Z1D0ABCDjunk");
    let drives = machine.system().drives().unwrap();
    let found: Vec<_> = drives
        .iter()
        .map(|drive| {
            (drive.name.as_str(), drive.bus, drive.removable, drive.identity().to_string())
        })
        .collect();
    let expected = [
        ("cciss!c0d0", Bus::Other, false, "naa.5000"),
        ("mmcblk0", Bus::Mmc, true, "0x1234abcd"),
        ("mmcblk1", Bus::Mmc, false, "13014e"),
        ("nvme0n1", Bus::Nvme, false, "S64ANX0T"),
        ("sda", Bus::Sata, false, "Z1D0ABCD"),
        ("vda", Bus::Virtio, false, "root-disk"),
        ("xd0", Bus::Other, false, "unknown"),
    ];
    let found: Vec<_> = found.iter().map(|(a, b, c, d)| (*a, *b, *c, d.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(drives[0].path, machine.path("dev/cciss/c0d0"));
    assert_eq!(drives[5].title(), None, "a number is no name");
}

#[test]
fn what_is_no_drive_is_left_out_and_named_when_asked_for() {
    let machine = Machine::new()
        .with_drive("virtual/zram0", "zram0", "252:0", MIB, &[])
        .with_drive("virtual/ram0", "ram0", "1:0", MIB, &[])
        .with_drive("pci0000:00/ata1/host0/1", "sr0", "11:0", MIB, &[("device/type", "5")])
        .with_drive("platform/floppy.0", "fd0", "2:0", MIB, &[])
        .with_drive("virtual/md0", "md0", "9:0", MIB, &[("md/level", "raid1")])
        .with_drive("virtual/nbd0", "nbd0", "43:0", 0, &[])
        .with_drive("virtual/loop0", "loop0", "7:0", 0, &[])
        .with_drive(
            "virtual/loop1",
            "loop1",
            "7:8",
            4 * MIB,
            &[("loop/backing_file", "/srv/an image")],
        )
        .with_mapped("dm-0", "253:0", &[], "LVM-x", "vg0-root");
    assert_eq!(machine.system().drives().unwrap(), []);
    let loops = machine.system().with_loops(true).drives().unwrap();
    assert_eq!(names(&loops), ["loop1"]);
    assert_eq!(loops[0].backing_file.as_deref(), Some("/srv/an image".as_ref()));
    assert_eq!(loops[0].bus, Bus::Loop);
    let cases = [
        ("zram0", "a memory disk"),
        ("sr0", "an optical drive"),
        ("fd0", "a floppy drive"),
        ("md0", "a RAID device"),
        ("dm-0", "a device-mapper device"),
        ("mapper/vg0-root", "a device-mapper device"),
    ];
    for (name, expected) in cases {
        let found = machine.system().drive(&machine.path("dev").join(name));
        assert!(
            matches!(found, Err(PathError::NotADrive { what, .. }) if what == expected),
            "{name}"
        );
    }
}

#[test]
fn paths_that_lead_to_no_drive_are_named() {
    let machine = Machine::new().with_stick("sdb", "8:16", 512 * MIB, None).with_partition(
        "sdb",
        "sdb1",
        "8:17",
        MIB,
        500 * MIB,
    );
    let system = machine.system();
    let by_id = link(&machine, "usb-SanDisk_Cruzer-0:0", "sdb");
    assert_eq!(system.drive(&by_id).unwrap().name, "sdb");
    let part = link(&machine, "usb-SanDisk_Cruzer-0:0-part1", "sdb1");
    match system.drive(&part) {
        Err(PathError::Partition { path, number, drive }) => {
            assert_eq!((path, number, drive), (part, 1, machine.path("dev/sdb")));
        }
        other => panic!("{other:?}"),
    }
    let broken = link(&machine, "gone", "sdz");
    for missing in [broken, machine.path("dev/sdx")] {
        assert!(matches!(system.drive(&missing), Err(PathError::Missing { .. })));
    }
    let file = machine.path("image.img");
    fs::write(&file, "x").unwrap();
    assert!(matches!(system.drive(&file), Err(PathError::File { .. })));
    assert!(matches!(system.drive(&machine.path("dev")), Err(PathError::Folder { .. })));
    assert!(matches!(system.drive(&file.join("below")), Err(PathError::Read { .. })));
    let null = system.drive("/dev/null".as_ref());
    assert!(matches!(null, Err(PathError::CharacterDevice { .. })));
    let socket = machine.path("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(matches!(system.drive(&socket), Err(PathError::Pipe { .. })));
}

#[test]
fn a_machine_without_sys_says_what_is_missing() {
    let machine = Machine::new();
    fs::remove_dir_all(machine.path("sys/block")).unwrap();
    let Err(ListError::Read { path, .. }) = machine.system().drives() else { panic!() };
    assert_eq!(path, machine.path("sys/block"));
    let machine = Machine::new().with_stick("sdb", "8:16", MIB, None);
    fs::remove_file(machine.path("proc/self/mountinfo")).unwrap();
    let Err(error) = machine.system().drives() else { panic!("nothing is known of mounts") };
    assert!(error.to_string().contains("mountinfo"), "{error}");
    // A kernel without swap has no such file.
    let machine = Machine::new().with_stick("sdb", "8:16", MIB, None);
    fs::remove_file(machine.path("proc/swaps")).unwrap();
    assert_eq!(names(&machine.system().drives().unwrap()), ["sdb"]);
}

#[test]
fn hostile_texts_are_shown_safely_and_still_match() {
    let machine = Machine::new().with_stick("sdb", "8:16", MIB, None);
    let usb = fs::canonicalize(machine.path("sys/block/sdb")).unwrap();
    let usb =
        usb.ancestors().find(|folder| folder.join("idVendor").is_file()).unwrap().to_path_buf();
    let serials: [(&[u8], &str); 6] = [
        (b"\x1b]0;owned\x07\n", "_]0;owned_"),
        (b"\xff\xfe\x80\n", "___"),
        ("\u{202e}0001".as_bytes(), "_0001"),
        (b"a\nb", "a_b"),
        (b"  '; rm -rf / #\n", "'; rm -rf / #"),
        (&[b'9'; 100_000], &"9".repeat(128)),
    ];
    for (said, shown) in serials {
        fs::write(usb.join("serial"), said).unwrap();
        let drive = machine.drive("sdb");
        assert_eq!(drive.serial.as_deref(), Some(shown));
        assert!(drive.is_named(shown) && !drive.is_named("9"));
    }
    // A stick that says the number of another one's connection.
    machine.fact("sdb", "diskseq", b"7");
    fs::write(usb.join("serial"), "diskseq:8\n").unwrap();
    let drive = machine.drive("sdb");
    assert_eq!(drive.identity(), Identity::DiskSequence(7));
    assert!(drive.is_named("diskseq:7") && !drive.is_named("diskseq:8"));
    fs::write(usb.join("serial"), "diskseq:x\n").unwrap();
    assert!(!machine.drive("sdb").is_named("diskseq:x"));
    for (fact, value) in [("size", "99999999999999999999"), ("dev", "x"), ("size", "-1")] {
        let machine = Machine::new().with_stick("sdb", "8:16", MIB, None);
        machine.fact("sdb", fact, value.as_bytes());
        assert_eq!(machine.system().drives().unwrap(), [], "{fact} {value}");
    }
    for size in ["0", "3", "4294967296", "no"] {
        machine.fact("sdb", "queue/logical_block_size", size.as_bytes());
        assert_eq!(machine.drive("sdb").logical_block_size, 512);
    }
}

#[test]
fn sticks_of_one_model_differ_by_serial_or_by_connection() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, Some("A1"))
        .with_stick("sdc", "8:32", 512 * MIB, Some("A2"))
        .with_stick("sdd", "8:48", 512 * MIB, None)
        .with_stick("sde", "8:64", 512 * MIB, None);
    machine.fact("sdd", "diskseq", b"11");
    let drives = machine.system().drives().unwrap();
    assert_eq!(
        drives.iter().map(|drive| drive.title()).collect::<Vec<_>>(),
        vec![drives[0].title(); 4]
    );
    let identities: Vec<_> = drives.iter().map(|drive| drive.identity().to_string()).collect();
    assert_eq!(identities, ["A1", "A2", "diskseq:11", "unknown"]);
    assert!(!drives[3].is_named("unknown") && !drives[3].is_named(""));
}

/// The slots of a card reader say the serial number of the reader.
#[test]
fn a_serial_number_that_several_say_tells_none_of_them() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, Some("A1"))
        .with_stick("sdc", "8:32", 512 * MIB, Some("A1"))
        .with_stick("sdd", "8:48", 512 * MIB, Some("A2"))
        .with_stick("sde", "8:64", 512 * MIB, Some("A1"));
    for (name, number) in [("sdb", "11"), ("sdc", "12"), ("sdd", "13")] {
        machine.fact(name, "diskseq", number.as_bytes());
    }
    let drives = machine.system().drives().unwrap();
    let among = |drive: &Drive| drive.identity_among(&drives).to_string();
    let expected = ["diskseq:11", "diskseq:12", "A2", "unknown"];
    assert_eq!(drives.iter().map(among).collect::<Vec<_>>(), expected);
    assert_eq!(drives[1].identity_among([&drives[2]]).to_string(), "A1");
    for drive in &drives[..3] {
        let named = |other: &&Drive| other.is_named(&among(drive));
        assert_eq!(drives.iter().filter(named).collect::<Vec<_>>(), [drive]);
    }
    // What is accepted is more than what is shown.
    assert!(drives[2].is_named("diskseq:13") && drives[2].is_named(" A2\n"));
    assert!(drives[0].is_named("A1") && drives[1].is_named("A1"));
}

#[test]
fn a_stick_without_scsi_names_has_those_of_usb() {
    let machine = Machine::new().with_drive(STICK, "sdb", "8:16", MIB, &[("removable", "1")]);
    let usb = machine.path("sys/devices/pci0000:00/0000:00:14.0/usb1/1-2");
    for (fact, value) in
        [("idVendor", "0781"), ("manufacturer", "Acme"), ("product", "Rocket Stick")]
    {
        fs::write(usb.join(fact), value).unwrap();
    }
    assert_eq!(machine.drive("sdb").title().as_deref(), Some("Acme Rocket Stick"));
}

#[test]
fn holders_are_followed_and_named() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, None)
        .with_partition("sdb", "sdb1", "8:17", MIB, 500 * MIB)
        .with_mapped("dm-0", "253:0", &["sdb1"], "CRYPT-LUKS2-1", "luks")
        .with_mapped("dm-1", "253:1", &["dm-0"], "LVM-abc", "vg-data")
        .with_mount("253:1", "/data", "ext4", "/dev/mapper/vg-data");
    let drive = machine.drive("sdb");
    let holders = &drive.partitions[0].holders;
    let found: Vec<_> = holders.iter().map(|holder| (holder.to_string(), holder.kind)).collect();
    let expected = [
        ("dm-0 (luks)".to_owned(), HolderKind::Crypt),
        ("dm-1 (vg-data)".to_owned(), HolderKind::Lvm),
    ];
    assert_eq!(found, expected);
    assert_eq!(holders[1].mounts[0].path.to_str(), Some("/data"));
    // A ring, which no kernel makes, has an end.
    let machine = machine.with_mapped("dm-2", "253:2", &["dm-1", "dm-2"], "", "ring");
    assert_eq!(machine.drive("sdb").all_holders().count(), 3);
}

/// What other people's tools write is known, in partitions and in drives without any.
#[test]
#[ignore = "needs mkfs.fat, mkfs.ext4 and genisoimage"]
fn labels_are_read_when_asked_for() {
    let machine = Machine::new()
        .with_stick("sdb", "8:16", 512 * MIB, None)
        .with_partition("sdb", "sdb1", "8:17", MIB, 64 * MIB)
        .with_partition("sdb", "sdb2", "8:18", 65 * MIB, 16 * MIB)
        .with_partition("sdb", "sdb3", "8:19", 81 * MIB, MIB)
        .with_stick("sdc", "8:32", MIB, None)
        .with_stick("sdd", "8:48", 64 * MIB, None);
    let node = |name: &str| machine.path("dev").join(name).to_str().unwrap().to_owned();
    for (name, len) in [("sdb1", 64), ("sdb2", 16), ("sdb3", 1), ("sdd", 64)] {
        fs::File::options().write(true).open(node(name)).unwrap().set_len(len * MIB).unwrap();
    }
    run("mkfs.fat", &["-F", "32", "-n", "HOLIDAY 24", &node("sdb1")]);
    run("mkfs.ext4", &["-q", "-L", "notes", &node("sdb2")]);
    run("mkfs.fat", &["-F", "12", &node("sdb3")]);
    fs::write(machine.path("a file"), "x").unwrap();
    let source = machine.path("a file");
    run("genisoimage", &["-quiet", "-V", "MY_DISC", "-o", &node("sdc"), source.to_str().unwrap()]);
    run("mkfs.fat", &["-F", "16", "-n", "WHOLE", &node("sdd")]);

    let drives = machine.system().with_labels(true).drives().unwrap();
    let seen = |found: &Option<FileSystem>| {
        found.as_ref().map(|found| (found.kind, found.label.clone().unwrap_or_default()))
    };
    let expected = |kind, label: &str| Some((kind, label.to_owned()));
    let parts: Vec<_> = drives[0].partitions.iter().map(|part| seen(&part.file_system)).collect();
    let known = [expected("FAT32", "HOLIDAY 24"), expected("ext4", "notes"), expected("FAT12", "")];
    assert_eq!(parts, known);
    assert_eq!(seen(&drives[0].file_system), None);
    assert_eq!(seen(&drives[1].file_system), expected("ISO 9660", "MY_DISC"));
    assert_eq!(seen(&drives[2].file_system), expected("FAT16", "WHOLE"));
    // And left alone otherwise.
    assert!(machine.system().drives().unwrap().iter().all(|drive| drive.file_system.is_none()));
}
