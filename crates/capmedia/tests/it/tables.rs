//! Sticks with every partition table, and what FAT32 cannot hold.

use std::fs::{self, File};

use capmedia::{Blame, Error, Inspection, LargeFiles, MediaPlan, inspect, join, verify_file};
use disk_image::{Guid, PartitionKind, SectorSize, TableKind};

use crate::sets::{in_folder, wim_of};
use crate::support::{
    Workshop, assert_same, assert_sound, made_files, make, sparse, stick_files, told,
};

#[test]
fn every_table_holds_the_same_files_and_is_read_back() {
    let workshop = Workshop::new();
    let usual = made_files(&workshop.request("usb"));
    for (table, gpt_type, kind) in [
        ("mbr", None, PartitionKind::Mbr(0x0C)),
        ("gpt", Some("basic-data"), PartitionKind::Gpt(Guid::BASIC_DATA)),
        ("gpt", Some("efi-system"), PartitionKind::Gpt(Guid::EFI_SYSTEM)),
        ("none", None, PartitionKind::WholeDisk),
    ] {
        let mut request = workshop.request("usb").with_force(true);
        request.partition_table = Some(table.to_owned());
        request.gpt_type = gpt_type.map(str::to_owned);
        let made = make(&request).unwrap();
        let path = workshop.path("out/capture.img");
        let bios = table != "gpt";
        let summary = &made.summary;
        assert_eq!(summary.volumes[0].boots.iter().any(|boots| boots == "BIOS"), bios);
        let without = "no BIOS starts the stick, as it has a GUID partition table";
        let warned = summary.warnings.iter().any(|warning| warning.as_str().starts_with(without));
        assert_eq!(warned, !bios, "{:?}", summary.warnings);

        let mut file = File::open(&path).unwrap();
        let disk = disk_image::read(&mut file).unwrap();
        assert_eq!(disk.faults(), [], "{table}");
        assert_eq!(disk.len(), 40 << 20);
        let volume = disk.volume().unwrap();
        assert_eq!(volume.kind(), kind);
        let end = if table == "gpt" { 39 << 20 } else { 40 << 20 };
        assert_eq!(volume.range().end, end);
        let mut files = stick_files(&mut file);
        // What stands in no file is other code, or none.
        assert!(files.remove("media.json").is_some() && files.remove("SHA256SUMS").is_some());
        for (path, content) in &files {
            assert_eq!(usual.get(path), Some(content), "{path}");
        }
        assert_eq!(files.len() + 2, usual.len());
        // It is replaced, which Windows refuses while it is open.
        drop(file);

        let found = verify_file(&path, &mut ()).unwrap();
        assert_eq!((&*found.faults, found.partition_table.as_deref()), (&[][..], Some(table)));
        let Inspection::Disk(told) = inspect(&path).unwrap() else { panic!("no disk") };
        assert_eq!((&*told.partition_table, told.sector_size), (table, 512));
        assert_eq!(
            (told.guid.is_some(), told.signature.is_some()),
            (table == "gpt", table == "mbr")
        );
        assert_eq!(told.partitions.len(), usize::from(table != "none"));
        assert_eq!(told.problems, [""; 0]);

        // The same request, the same bytes: no GUID is drawn by lot.
        let first = fs::read(&path).unwrap();
        make(&request).unwrap();
        assert!(fs::read(&path).unwrap() == first, "{table}");
    }
}

#[test]
fn large_sectors_are_kept_and_told() {
    let workshop = Workshop::new();
    for table in ["gpt", "none", "mbr"] {
        let mut request = workshop.request("usb").with_force(true);
        request.image_size = None;
        request.partition_table = Some(table.to_owned());
        request.sector_size = Some("4096".to_owned());
        let made = make(&request).unwrap();
        assert!(!made.summary.volumes[0].boots.contains(&"BIOS".to_owned()));
        let path = workshop.path("out/capture.img");
        assert_sound(&path);
        let disk = disk_image::read(&mut File::open(&path).unwrap()).unwrap();
        assert_eq!(disk.sector_size(), SectorSize::B4096);
        assert_eq!(disk.faults(), []);
        let told = "does not look behind a master boot record";
        let warned = made.summary.warnings.iter().any(|warning| warning.as_str().contains(told));
        assert_eq!(warned, disk.table() == TableKind::Mbr);
    }
}

#[test]
fn damage_to_a_gpt_is_told() {
    let workshop = Workshop::new();
    let mut request = workshop.request("usb");
    request.partition_table = Some("gpt".to_owned());
    make(&request).unwrap();
    let path = workshop.path("out/capture.img");
    let mut bytes = fs::read(&path).unwrap();
    bytes[1024 + 60] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let faults = verify_file(&path, &mut ()).unwrap().faults;
    let [fault] = &*faults else { panic!("{faults:?}") };
    assert!(fault.starts_with("partition table: primary GPT: the entries at byte 1024"), "{fault}");
    // What a copy to a longer drive makes of it.
    bytes[1024 + 60] ^= 1;
    bytes.resize(bytes.len() + (1 << 20), 0);
    fs::write(&path, &bytes).unwrap();
    let faults = verify_file(&path, &mut ()).unwrap().faults.join("\n");
    assert!(faults.contains("the backup of the GPT is in sector 81919"), "{faults}");
}

#[test]
fn what_fat32_cannot_hold_is_refused_by_name_all_at_once() {
    let workshop = Workshop::new();
    sparse(&workshop.path("data.iso"), 1 << 32);
    sparse(&workshop.path("fits.iso"), (1 << 32) - 1);
    sparse(&workshop.path("no.wim"), 5 << 30);
    let mut request = workshop.request("usb").with_image_size("20GiB");
    for name in ["data.iso", "fits.iso", "no.wim"] {
        request = request.with_add(workshop.add(name, name));
    }
    let error = MediaPlan::new(&request.check().unwrap()).map(drop).unwrap_err();
    assert_eq!(error.blame(), Blame::Input);
    let Error::LargeFiles(LargeFiles { files, .. }) = &error else { panic!("{}", told(&error)) };
    let names: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    assert_eq!(names, ["data.iso", "no.wim"]);
}

/// Reads and digests nine GiB, so not in every run.
#[test]
#[ignore = "needs wimlib-imagex"]
fn a_wim_of_more_than_4_gib_is_split_and_wimlib_takes_the_parts() {
    use std::io::{Seek, SeekFrom, Write};
    use std::process::Command;

    use std::sync::Arc;

    use extent_image::{FileSource, StreamOptions, Timestamp};
    use wim_image::write::{ImageBuilder, WimBuilder};

    /// A file with holes where zeros were written.
    struct Holes(File);

    impl Write for Holes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if bytes.iter().any(|byte| *byte != 0) {
                return self.0.write(bytes);
            }
            let len = i64::try_from(bytes.len()).unwrap();
            let end = self.0.seek(SeekFrom::Current(len))?;
            if end > self.0.metadata()?.len() {
                self.0.set_len(end)?;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let workshop = Workshop::new();
    let mut image = ImageBuilder::new("large", Timestamp::FAT_EPOCH);
    for (at, len) in [1_500_u64, 1_600, 1_450].into_iter().enumerate() {
        let path = workshop.path(&format!("content{at}"));
        sparse(&path, len << 20);
        let source = Arc::new(FileSource::new(&path).unwrap());
        image = image.with_file(&format!("file{at}"), source, Timestamp::FAT_EPOCH).unwrap();
    }
    let holes = Holes(File::create(workshop.path("install.wim")).unwrap());
    let len = WimBuilder::new().with_image(image).write_to(holes).unwrap();
    assert!(len > 1 << 32, "{len}");

    let mut request = workshop.request("usb");
    request.image_size = None;
    request.partition_table = Some("gpt".to_owned());
    let request = request.with_add(workshop.add("install.wim", r"images\install.wim"));
    let plan = MediaPlan::new(&request.check().unwrap()).unwrap();
    let [join] = &*plan.summary().split else { panic!("{:?}", plan.summary().split) };
    assert_eq!((&*join.path, join.size), ("images/install.wim", len));
    assert_eq!(join.parts, ["images/install.swm", "images/install2.swm"]);
    let stick = workshop.path("stick.img");
    let holes = Holes(File::create(&stick).unwrap());
    let _ = plan.plan().write_to(holes, &StreamOptions::default(), &mut ()).unwrap();
    assert_sound(&stick);

    let mut file = File::open(&stick).unwrap();
    let range = disk_image::read(&mut file).unwrap().volume().unwrap().range();
    let mut volume =
        fat32_image::check::Volume::open(file, range.start, range.end - range.start).unwrap();
    for entry in volume.walk().unwrap() {
        if entry.path().ends_with(".swm") {
            let name = entry.path().replace("images/", "");
            let mut to = Holes(File::create(workshop.path(&name)).unwrap());
            std::io::copy(&mut volume.open_file(&entry), &mut to).unwrap();
        }
    }
    let first = workshop.path("install.swm");
    let parts = format!("--ref={}", workshop.path("install*.swm").display());
    for arguments in [vec!["verify"], vec!["info"]] {
        let mut command = Command::new("wimlib-imagex");
        command.args(&arguments).arg(&first);
        if arguments[0] == "verify" {
            command.arg(&parts);
        }
        let output = command.output().expect("wimlib-imagex starts (Debian package wimtools)");
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn a_small_wim_is_left_whole_on_a_stick() {
    let workshop = Workshop::new();
    workshop.put("install.wim", wim_of(&[1 << 20, 1 << 20]));
    let request =
        workshop.request("usb").with_add(workshop.add("install.wim", r"images\install.wim"));
    let made = make(&request).unwrap();
    assert_eq!(made.summary.split, []);
    // One stick is a set of one.
    let path = workshop.path("out/capture.img");
    join(std::slice::from_ref(&path), &workshop.path("joined"), &mut ()).unwrap();
    let mut on_stick = stick_files(&mut File::open(&path).unwrap());
    let mut joined = in_folder(&workshop.path("joined"));
    for files in [&mut on_stick, &mut joined] {
        files.remove("media.json");
        files.remove("SHA256SUMS");
    }
    assert_same(&joined, &on_stick);
}
