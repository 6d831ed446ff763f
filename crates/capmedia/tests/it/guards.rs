//! What must never be lost, and what must come out the same.

use std::fs;
use std::io::Cursor;

use capmedia::{Inspection, MediaPlan, Target, inspect, verify};
use iso9660_image::TreeKind;
use iso9660_image::check::Image;

use crate::support::{Workshop, make, small_wim};

#[test]
#[cfg(unix)]
fn an_image_never_replaces_what_it_is_made_of() {
    use std::os::unix::fs::symlink;

    use capmedia::{Blame, Error};

    let workshop = Workshop::with_boot_image(&small_wim());
    workshop.put("tools/data.bin", "data");
    workshop.put("tools/sums", "sums");
    let wim = fs::read(workshop.path("boot.wim")).unwrap();
    symlink(workshop.path("boot.wim"), workshop.path("out/link.iso")).unwrap();
    fs::hard_link(workshop.path("tools/data.bin"), workshop.path("out/hard.iso")).unwrap();
    symlink(workshop.path("tools/sums"), workshop.path("out/other.iso.sha256")).unwrap();
    let before = workshop.out();
    for kind in ["cd-dvd", "usb"] {
        for (name, input) in
            [("link.iso", "boot.wim"), ("hard.iso", "data.bin"), ("other.iso", "sums")]
        {
            let mut request = workshop
                .request(kind)
                .with_add(workshop.add("tools", "Tools"))
                .with_checksum(true)
                .with_force(true);
            request.path = vec![workshop.path("out").join(name)];
            let error = make(&request).unwrap_err();
            assert!(matches!(error, Error::OutputIsInput { .. }), "{name}: {error}");
            assert!(error.to_string().contains(input), "{name}: {error}");
            assert_eq!(error.blame(), Blame::Request);
        }
    }
    assert_eq!(fs::read(workshop.path("boot.wim")).unwrap(), wim);
    assert_eq!(fs::read(workshop.path("tools/data.bin")).unwrap(), b"data");
    assert_eq!(fs::read(workshop.path("tools/sums")).unwrap(), b"sums");
    assert_eq!(workshop.out(), before);
}

#[test]
fn equal_requests_give_equal_plans() {
    let workshop = Workshop::with_boot_image(&small_wim());
    workshop.put("tools/data.bin", "data");
    for kind in ["cd-dvd", "usb"] {
        let request = workshop.request(kind).with_add(workshop.add("tools", "Tools"));
        let plan = || MediaPlan::new(&request.check().unwrap()).unwrap();
        assert_eq!(plan().plan(), plan().plan(), "{kind}");
        let labelled = request.clone().with_label("Another");
        let other = MediaPlan::new(&labelled.check().unwrap()).unwrap();
        assert_ne!(plan().plan(), other.plan(), "{kind}");
    }
}

#[test]
fn the_order_in_which_names_were_made_does_not_show() {
    // Where names differ by case, so may those of folders that are one on the media.
    let b = if cfg!(windows) { "Sub/b" } else { "sub/b" };
    let names = ["Sub/a", b, "z", "A", "m/n/o"];
    let images = [false, true].map(|backwards| {
        let workshop = Workshop::with_boot_image(&small_wim());
        let order: Vec<_> =
            if backwards { names.iter().rev().collect() } else { names.iter().collect() };
        for name in order {
            workshop.put(&format!("tools/{name}"), *name);
        }
        let request = workshop.request("cd-dvd").with_add(workshop.add("tools", "Tools"));
        let media =
            MediaPlan::new(&request.with_source_date_epoch(Some(1_000_000_000)).check().unwrap());
        let mut image = Vec::new();
        media.unwrap().write_to(&mut image, &mut ()).unwrap();
        image
    });
    assert!(images[0] == images[1]);
}

#[test]
fn one_damaged_folder_does_not_hide_the_rest() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let request = workshop.request("cd-dvd").with_file_system("iso");
    make(&request).unwrap();
    let path = request.path[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    let mut image = Image::open(Cursor::new(&bytes)).unwrap();
    let entries: Vec<_> = image.walk(TreeKind::Joliet).unwrap().map(Result::unwrap).collect();
    let folder = entries.iter().find(|entry| entry.path() == "EFI/Microsoft").unwrap();
    // Its identifier is UCS-2; the record's extent stands 31 bytes before it.
    let name: Vec<u8> = "Microsoft".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let lba = folder.lba().sector().to_le_bytes();
    let places = bytes.windows(name.len()).enumerate().filter(|(_, window)| *window == name);
    let mut records = places.map(|(at, _)| at - 31).filter(|at| bytes[*at..*at + 4] == lba);
    let at = records.next().unwrap();
    bytes[at..at + 4].copy_from_slice(&0x00FF_FFFFu32.to_le_bytes());
    bytes[at + 4..at + 8].copy_from_slice(&0x00FF_FFFFu32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();

    let found = verify(Cursor::new(&bytes), &mut ()).unwrap();
    assert!(found.faults.len() > 2, "{:?}", found.faults);
    assert!(found.faults.iter().any(|fault| fault.contains("EFI/Microsoft/Boot/bcd: listed")));
    assert!(found.compared > 3, "{found:?}");
    let Inspection::Disc(disc) = inspect(&path).unwrap() else { panic!("not a disc") };
    assert!(!disc.problems.is_empty());
    assert!(disc.tree.iter().any(|entry| entry.path == "sources/boot.wim"));
}

#[test]
fn damaged_boot_code_is_seen() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let request = workshop.request("usb");
    make(&request).unwrap();
    let mut bytes = fs::read(request.path[0].clone()).unwrap();
    let volume = 1 << 20;
    // The first and last bytes of each piece.
    for at in [0, 439, volume + 0x5A, volume + 0x1FD, volume + 2 * 512, volume + 6 * 512 - 1] {
        bytes[at] ^= 0x10;
        let found = verify(Cursor::new(&bytes), &mut ()).unwrap();
        bytes[at] ^= 0x10;
        let seen = found.faults.iter().any(|fault| fault.starts_with("boot code"));
        assert!(seen, "byte {at}: {:?}", found.faults);
    }
    assert!(verify(Cursor::new(&bytes), &mut ()).unwrap().is_clean());
}

#[test]
fn a_damaged_primary_tree_is_seen() {
    for file_system in ["bridge", "iso"] {
        let workshop = Workshop::with_boot_image(&small_wim());
        let request = workshop.request("cd-dvd").with_file_system(file_system);
        make(&request).unwrap();
        let mut bytes = fs::read(request.path[0].clone()).unwrap();
        assert!(verify(Cursor::new(&bytes), &mut ()).unwrap().is_clean());
        // The record's length, both halves, 23 bytes before the identifier.
        let at = bytes.windows(10).position(|window| window == b"BOOTMGR.;1").unwrap() - 23;
        bytes[at..at + 8].fill(0);
        let found = verify(Cursor::new(&bytes), &mut ()).unwrap();
        assert!(!found.is_clean(), "{file_system}");
    }
}

#[test]
fn a_wim_is_verified_too() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let path = workshop.path("boot.wim");
    let found = capmedia::verify_file(&path, &mut ()).unwrap();
    assert!(found.is_clean() && found.compared > 0, "{found:?}");
    let mut bytes = fs::read(&path).unwrap();
    bytes[300] ^= 1;
    fs::write(&path, bytes).unwrap();
    let found = capmedia::verify_file(&path, &mut ()).unwrap();
    assert!(!found.is_clean(), "{found:?}");
}

#[test]
fn a_target_knows_what_a_request_says() {
    let workshop = Workshop::new();
    let mut request = workshop.request("cd-dvd");
    let target = Target::of(&request.check().unwrap()).unwrap();
    assert_eq!(target.path(), workshop.path("out/capture.iso"));
    assert!(!target.is_stream());
    request.path = vec!["-".into()];
    assert!(Target::of(&request.check().unwrap()).is_none());
}
