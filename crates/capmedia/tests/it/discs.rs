//! Discs: what is on them, where, and what firmware finds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Cursor;

use capmedia::sample;
use disk_image::boot_code::standin::ETFSBOOT;
use iso9660::{DirectoryEntry, ISO9660, ISODirectory};
use iso9660_image::check::Image;
use iso9660_image::{Platform, TreeKind};

use crate::places::X64;
use crate::support::{
    Workshop, assert_same, description, disc_files, expected, made_files, make, parts_of, read,
    set_time,
};

const LABEL: &str = "Configuration Manager";

#[test]
fn a_disc_holds_what_the_boot_image_and_the_request_say() {
    let workshop = Workshop::new();
    let request = workshop.request("cd-dvd");
    let made = make(&request).unwrap();
    let files = made_files(&request.clone().with_force(true));
    let description = description(LABEL, "x64", &made.summary.set_id, None);
    let wim = fs::read(workshop.path("boot.wim")).unwrap();
    assert_same(&files, &expected("cd-dvd", &wim, LABEL, &description));

    let volume = &made.summary.volumes[0];
    let contents = files.values().flatten();
    assert_eq!(volume.files as usize, contents.clone().count());
    assert_eq!(volume.content_bytes as usize, contents.map(Vec::len).sum::<usize>());
    assert_eq!(volume.bytes, fs::metadata(workshop.path("out/capture.iso")).unwrap().len());
    assert_eq!(volume.boots, ["BIOS", "UEFI"]);
    assert_eq!(made.summary.architecture, "x64");
    assert!(made.summary.warnings.is_empty(), "{:?}", made.summary.warnings);
}

#[test]
fn firmware_finds_its_boot_programs() {
    let workshop = Workshop::new();
    make(&workshop.request("cd-dvd")).unwrap();
    let bytes = fs::read(workshop.path("out/capture.iso")).unwrap();
    let image = Image::open(Cursor::new(&bytes)).unwrap();
    let efisys = parts_of(&sample::boot_image().unwrap()).remove(X64[1].1).unwrap();
    let wanted: [(Platform, &[u8]); 2] = [(Platform::Bios, ETFSBOOT), (Platform::Efi, &efisys)];
    assert_eq!(image.boot_entries().len(), wanted.len());
    for (entry, (platform, program)) in image.boot_entries().iter().zip(wanted) {
        assert_eq!((entry.platform, entry.bootable), (Some(platform), true));
        let start = entry.lba.sector() as usize * 2048;
        assert!(bytes[start..].starts_with(program), "{platform}");
        assert_eq!(usize::from(entry.sector_count), program.len() / 512);
    }
    assert_eq!(image.volume().label, "CONFIGURATION_MANAGER");
    assert_eq!(image.joliet().unwrap().label, "Configuration Ma");
}

#[test]
fn equal_content_is_stored_once_and_boot_files_come_first() {
    let workshop = Workshop::new();
    let made = make(&workshop.request("cd-dvd")).unwrap();
    let mut image = Image::open(File::open(workshop.path("out/capture.iso")).unwrap()).unwrap();
    let entries: Vec<_> = image.walk(TreeKind::Joliet).unwrap().map(Result::unwrap).collect();
    let files = entries.iter().filter(|entry| !entry.is_dir());
    let place: BTreeMap<_, _> = files.map(|entry| (entry.path(), entry.lba().sector())).collect();
    for name in ["segmono_boot.ttf", "wgl4_boot.ttf"] {
        let (bios, efi) =
            (format!("boot/fonts/{name}"), format!("EFI/Microsoft/Boot/fonts/{name}"));
        assert_eq!(place[&*bios], place[&*efi]);
    }
    assert_ne!(place["boot/fonts/segmono_boot.ttf"], place["boot/fonts/wgl4_boot.ttf"]);
    // The two boot managers of UEFI are one program in the sample.
    assert_eq!(place["EFI/Boot/bootx64.efi"], place["bootmgr.efi"]);
    assert_eq!(made.summary.volumes[0].shared_files, 3);

    // Firmware may not reach beyond the first 4 GiB; only what it does not read may lie there.
    let boot_image = place["sources/boot.wim"];
    for (path, at) in &place {
        let own = ["MediaLabel.txt", "LaunchMedia.cmd", "media.json", "SHA256SUMS"];
        let behind = own.contains(path) || path.starts_with("SMS/");
        assert!(*path == "sources/boot.wim" || (*at > boot_image) == behind, "{path}");
    }
    assert_eq!(place.values().max(), Some(&place["SHA256SUMS"]));
}

#[test]
fn another_reader_finds_every_file() {
    let workshop = Workshop::new();
    let files = made_files(&workshop.request("cd-dvd"));
    let image = fs::read(workshop.path("out/capture.iso")).unwrap();
    let mut found = BTreeMap::new();
    foreign(&ISO9660::new(Cursor::new(&image)).unwrap().root, "", &mut found);
    // The primary tree has names of its own; what is in the files is the same.
    let ours = disc_files(Cursor::new(&image), TreeKind::Primary);
    assert_eq!(ours.iter().filter(|(_, content)| content.is_none()).count(), 12);
    assert_same(&found, &ours.into_iter().filter(|(_, content)| content.is_some()).collect());
    let sorted = |files: Vec<&Vec<u8>>| {
        let mut contents: Vec<Vec<u8>> = files.into_iter().cloned().collect();
        contents.sort();
        contents
    };
    let contents = sorted(files.values().flatten().collect());
    assert!(contents == sorted(found.values().flatten().collect()));
    assert_eq!(found["MEDIALABEL.TXT"].as_deref(), Some(&b"label=Configuration Manager\r\n"[..]));
}

fn foreign(at: &ISODirectory<Cursor<&Vec<u8>>>, path: &str, found: &mut crate::support::Files) {
    for entry in at.contents() {
        let entry = entry.unwrap();
        if matches!(entry.identifier(), "." | "..") {
            continue;
        }
        let path = format!("{path}{}", entry.identifier());
        match entry {
            DirectoryEntry::Directory(folder) => foreign(&folder, &format!("{path}/"), found),
            DirectoryEntry::File(file) => {
                found.insert(path, Some(read(file.read())));
            }
        }
    }
}

#[test]
fn times_come_from_the_sources_and_no_later_than_asked() {
    let workshop = Workshop::new();
    let noon = sample::TIME.unix_seconds() + 12 * 3600;
    workshop.put("tools/early.txt", "early");
    set_time(&workshop.put("tools/late.txt", "late"), noon);
    let request = workshop.request("cd-dvd").with_add(workshop.add("tools", "Tools"));
    let times = |request| {
        make(&request).unwrap();
        let mut image = Image::open(File::open(workshop.path("out/capture.iso")).unwrap()).unwrap();
        let entries: Vec<_> = image.walk(TreeKind::Joliet).unwrap().map(Result::unwrap).collect();
        let time = |path: &str| {
            let entry = entries.iter().find(|entry| entry.path() == path).unwrap();
            entry.modified().unwrap().unix_seconds()
        };
        ["sources/boot.wim", "bootmgr", "Tools/early.txt", "Tools/late.txt"].map(time)
    };
    let made_at = sample::TIME.unix_seconds();
    assert_eq!(times(request.clone()), [made_at, made_at, made_at, noon]);
    let epoch = request.with_force(true).with_source_date_epoch(Some(made_at - 60));
    assert_eq!(times(epoch), [made_at - 60; 4]);
}
