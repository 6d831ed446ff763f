//! `verify` and `inspect` on images that are damaged, cut off, or no media of ours.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use capmedia::{InspectError, Inspection, MediumError, Verification, VerifyError, inspect, verify};
use extent_image::{Data, Digest, Meta, NodeId, Timestamp, TreeBuilder};
use fat32_image::check::Volume;
use iso9660_image::ImageOptions;
use iso9660_image::TreeKind;
use iso9660_image::check::Image;
use proptest::prelude::*;

use crate::support::{Workshop, make, noise, read, small_wim};

/// Where the volume of a stick begins.
const VOLUME: usize = 1 << 20;

/// An image of each kind, with where its content and its structures are.
struct Sample {
    bytes: Vec<u8>,
    /// First byte and name of each file.
    files: Vec<(u64, String)>,
    /// First byte of the folder `EFI`.
    folder: usize,
}

fn bytes_of(workshop: &Workshop, kind: &str) -> Vec<u8> {
    let request = workshop.request(kind).with_force(true);
    make(&request).unwrap();
    fs::read(request.path[0].clone()).unwrap()
}

fn disc() -> Sample {
    let bytes = bytes_of(&Workshop::with_boot_image(&small_wim()), "cd-dvd");
    let mut image = Image::open(Cursor::new(&bytes)).unwrap();
    let entries: Vec<_> = image.walk(TreeKind::Joliet).unwrap().map(Result::unwrap).collect();
    let start = |entry: &iso9660_image::check::Entry| u64::from(entry.lba().sector()) * 2048;
    let files = entries.iter().filter(|entry| !entry.is_dir());
    let files = files.map(|entry| (start(entry), entry.path().to_owned())).collect();
    let folder = entries.iter().find(|entry| entry.path() == "EFI").map(start).unwrap();
    Sample { folder: folder as usize, files, bytes }
}

fn stick() -> Sample {
    let bytes = bytes_of(&Workshop::with_boot_image(&small_wim()), "usb");
    let len = (bytes.len() - VOLUME) as u64;
    let mut volume = Volume::open(Cursor::new(&bytes), VOLUME as u64, len).unwrap();
    let entries = volume.walk().unwrap();
    let cluster_size = u64::from(volume.facts().cluster_size);
    let mut files = Vec::new();
    // Where cluster 0 would be, were there one.
    let mut clusters = 0;
    for entry in entries.iter().filter(|entry| !entry.is_folder()) {
        let start = VOLUME as u64 + volume.extents(entry).unwrap()[0].start;
        clusters = start - u64::from(entry.first_cluster()) * cluster_size;
        files.push((start, entry.path()));
    }
    let folder = entries.iter().find(|entry| entry.path() == "EFI").unwrap().first_cluster();
    let folder = (clusters + u64::from(folder) * cluster_size) as usize;
    Sample { bytes, files, folder }
}

fn check(bytes: &[u8]) -> Result<Verification, VerifyError> {
    verify(Cursor::new(bytes), &mut ())
}

/// Verifies with one byte changed and puts it back.
fn with_change(bytes: &mut [u8], at: usize, bits: u8) -> Result<Verification, VerifyError> {
    bytes[at] ^= bits;
    let found = check(bytes);
    bytes[at] ^= bits;
    found
}

/// There must be a fault that says `says`.
#[track_caller]
fn assert_seen(found: Result<Verification, VerifyError>, says: &str) {
    let found = found.unwrap();
    assert!(!found.is_clean(), "not seen: {says}");
    assert!(found.faults.iter().any(|fault| fault.contains(says)), "{says}: {:#?}", found.faults);
}

#[test]
fn a_changed_byte_in_any_file_is_seen_and_named() {
    for mut sample in [disc(), stick()] {
        for (at, path) in sample.files.clone() {
            let found = with_change(&mut sample.bytes, at as usize, 0x10);
            assert_seen(found, &path);
        }
        assert!(check(&sample.bytes).unwrap().is_clean());
    }
}

#[test]
fn damaged_structures_of_a_disc_are_named_by_their_place() {
    let mut sample = disc();
    let u32_at = |at: usize| u32::from_le_bytes(sample.bytes[at..at + 4].try_into().unwrap());
    let path_table = u32_at(16 * 2048 + 140) as usize * 2048;
    let root = u32_at(16 * 2048 + 158) as usize * 2048;
    let catalog = u32_at(17 * 2048 + 71) as usize * 2048;
    for (at, what) in [
        (16 * 2048 + 80, "volume size"),
        (16 * 2048 + 120, "set size"),
        (17 * 2048 + 71, "boot catalog's place"),
        (18 * 2048 + 80, "volume size in Joliet"),
        (path_table + 2, "path table"),
        (root + 2, "root folder"),
        (root + 40, "root folder, parent"),
        (sample.folder + 68 + 10, "length of an entry in EFI"),
        (catalog + 28, "checksum of the boot catalog"),
        (catalog + 32, "bootable flag"),
        (catalog + 41, "place of a boot image"),
    ] {
        match with_change(&mut sample.bytes, at, 0x08) {
            Ok(found) => {
                assert!(!found.is_clean(), "{what} at byte {at} not seen");
                let placed = found.faults.iter().any(|fault| fault.contains("byte "));
                assert!(placed, "{what} at byte {at}: {:#?}", found.faults);
            }
            Err(VerifyError::Medium(MediumError::Disc(_))) => {}
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
}

#[test]
fn damaged_structures_of_a_stick_are_named_by_their_place() {
    let mut sample = stick();
    let u16_at = |at: usize| u16::from_le_bytes([sample.bytes[at], sample.bytes[at + 1]]) as usize;
    let fat_1 = VOLUME + u16_at(VOLUME + 14) * 512;
    let fat_sectors =
        u32::from_le_bytes(sample.bytes[VOLUME + 36..VOLUME + 40].try_into().unwrap()) as usize;
    let fat_2 = fat_1 + fat_sectors * 512;
    for (at, says) in [
        (446, "partition"),
        (446 + 12, "partition"),
        (VOLUME + 3, "boot sector"),
        (VOLUME + 28, "hidden sectors"),
        (VOLUME + 100, "boot sector"),
        (VOLUME + 6 * 512 + 100, "boot sector"),
        (fat_1 + 12, "byte "),
        (fat_2 + 12, "byte "),
        (sample.folder + 1, "EFI"),
        (sample.folder + 64 + 26, "EFI"),
        (sample.folder + 64 + 28, "EFI"),
    ] {
        match with_change(&mut sample.bytes, at, 0x08) {
            Ok(found) => assert_seen(Ok(found), says),
            Err(VerifyError::Medium(MediumError::Volume { .. } | MediumError::Disk(_))) => {}
            Err(error) => panic!("{says} at {at}: {error:?}"),
        }
    }
    // A free count, and the mark at the end of FAT[1], which no file depends on.
    for at in [VOLUME + 512 + 488, fat_1 + 4] {
        let found = with_change(&mut sample.bytes, at, 0x08).unwrap();
        assert!(found.is_clean() && found.notes.iter().any(|note| note.contains("harms no file")));
    }
}

#[test]
fn images_that_are_cut_off() {
    for sample in [disc(), stick()] {
        let len = sample.bytes.len();
        for len in [0, 1, 511, 512, 2048, 32_768, 34_816, 40_000, len / 2, len - 2048, len - 1] {
            match check(&sample.bytes[..len]) {
                Ok(found) => assert!(!found.is_clean(), "{len} bytes are taken for whole"),
                Err(VerifyError::Medium(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// `verify` and `inspect` take anything.
    #[test]
    fn noise_in_an_image_never_panics(
        stick_or_disc in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        thread_local! {
            static SAMPLES: [Vec<u8>; 2] = [disc().bytes, stick().bytes[..5 << 20].to_vec()];
        }
        let mut bytes = SAMPLES.with(|samples| samples[usize::from(stick_or_disc)].clone());
        // Structures lie in front, most bytes behind.
        let front = if stick_or_disc { 0 } else { 16 * 2048 };
        let len = bytes.len() - front;
        for (at, value) in changes {
            let at = front + at.index(len) % if stick_or_disc { len } else { 40 * 2048 };
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(len) + front);
        }
        let _ = check(&bytes);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        fs::write(&path, &bytes).unwrap();
        let _ = inspect(&path);
    }
}

/// Files as `(name, content)` in the root of a disc.
fn plain_disc(files: &[(&str, &[u8])]) -> Vec<u8> {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    for (name, content) in files {
        tree.file(NodeId::ROOT, name, meta, Data::bytes("test", content.to_vec())).unwrap();
    }
    let options = ImageOptions::from_label("PLAIN");
    let plan = iso9660_image::plan(&tree.finish().unwrap(), &options).unwrap();
    read(plan.plan().reader())
}

#[test]
fn without_a_manifest_only_the_structure_is_checked() {
    let found = check(&plain_disc(&[("a", b"1"), ("b", b"2")])).unwrap();
    assert!(found.is_clean() && !found.manifest, "{found:?}");
    assert_eq!((found.files, found.compared, found.unlisted.len()), (2, 0, 0));
}

#[test]
fn manifests_that_do_not_fit_the_files() {
    let sums = format!("{}  a\n{}  gone\n", Digest::of(b"1"), Digest::of(b"2"));
    let disc = plain_disc(&[("a", b"1"), ("b", b"2"), ("SHA256SUMS", sums.as_bytes())]);
    let found = check(&disc).unwrap();
    assert_eq!(found.faults, ["gone: listed in SHA256SUMS but not there"]);
    assert_eq!(found.unlisted, ["b"]);

    let found = check(&plain_disc(&[("a", b"1"), ("SHA256SUMS", b"no digest\n")])).unwrap();
    assert!(found.faults[0].contains("line 1"), "{:?}", found.faults);
    let found = check(&plain_disc(&[("SHA256SUMS", &[0xFF; 70])])).unwrap();
    assert!(found.faults[0].contains("cannot be read as text"), "{:?}", found.faults);
}

/// A disc with a file `a` and this description, both listed in the manifest as often as said.
fn described(description: &str, times: usize) -> Vec<u8> {
    let line = |path: &str, bytes: &[u8]| format!("{}  {path}\n", Digest::of(bytes)).repeat(times);
    let sums = line("a", b"1") + &line("media.json", description.as_bytes());
    let mut files = vec![("a", &b"1"[..]), ("media.json", description.as_bytes())];
    if times > 0 {
        files.push(("SHA256SUMS", sums.as_bytes()));
    }
    plain_disc(&files)
}

/// The second of two discs, so that nothing starts it; `more` are further fields.
fn json(more: &str) -> String {
    format!(
        r#"{{"format":1,"media":"capture","label":"x","set-id":"x","volume":2,"volumes":2,
        "architecture":"x64"{more}}}"#
    )
}

/// `verify` finds as many faults as there are parts, each of which says its part.
#[track_caller]
fn assert_faults(disc: &[u8], parts: &[&str]) {
    let found = check(disc).unwrap().faults;
    assert_eq!(found.len(), parts.len(), "{found:#?}");
    for (found, part) in found.iter().zip(parts) {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn media_of_ours_is_not_like_that() {
    let says = |json: &str, times, parts: &[&str]| assert_faults(&described(json, times), parts);
    says(&json(""), 1, &[]);
    says(r#"{"format":1}"#, 1, &["media.json: cannot be read: missing field `media`"]);
    says("{", 1, &["media.json: cannot be read: EOF"]);
    says("[]", 1, &["media.json: cannot be read: "]);
    says(r#"{"format":99}"#, 1, &["has format 99, made by a newer version"]);
    says(r#"{"format":0}"#, 1, &["has format 0"]);
    says(&json(""), 0, &["SHA256SUMS: not there, although media.json is"]);
    says("{", 0, &["media.json: cannot be read", "SHA256SUMS: not there"]);
    let twice = ["a: listed twice in SHA256SUMS", "media.json: listed twice in SHA256SUMS"];
    says(&json(""), 2, &twice);
    assert_eq!(check(&described(&json(""), 2)).unwrap().compared, 2);
    // Nothing starts it.
    let first = json("").replace(r#""volume":2,"#, r#""volume":1,"#);
    says(&first, 1, &["starts under BIOS", "starts under UEFI"]);
    says(&first.replace("x64", "arm64"), 1, &["starts under UEFI"]);

    let sums = format!("{}  a\n", Digest::of(b"1"));
    let listed = json(r#","files":[{"path":"b","size":1,"volume":2}]"#);
    let files = [("a", &b"1"[..]), ("b", b"2"), ("c", b"3"), ("media.json", listed.as_bytes())];
    let disc = plain_disc(&[&files[..], &[("SHA256SUMS", sums.as_bytes())]].concat());
    assert_faults(&disc, &["b: has no digest in SHA256SUMS", "media.json: has no digest in"]);
    assert_eq!(check(&disc).unwrap().unlisted, ["c"]);
}

#[test]
fn descriptions_that_contradict_themselves() {
    let says = |json: &str, parts: &[&str]| assert_faults(&described(json, 1), parts);
    let third = json("").replace(r#""volume":2,"#, r#""volume":3,"#);
    says(&third, &["media.json: says that it is volume 3 of 2"]);
    let file = |path: &str, size| format!(r#"{{"path":"{path}","size":{size},"volume":1}}"#);
    for path in ["../up", "/root", "a//b", "", "x/..", r"a\\b"] {
        let listed = json(&format!(r#","files":[{}]"#, file(path, 1)));
        says(&listed, &["is no path of ours: "]);
        let joined = json(&format!(
            r#","files":[{}],"joins":[{{"path":"{path}","size":1,"parts":["p"]}}]"#,
            file("p", 1)
        ));
        says(&joined, &["is no path of ours: "]);
    }
    for path in ["SHA256SUMS", "media.JSON/x"] {
        let listed = json(&format!(r#","files":[{}]"#, file(path, 1)));
        says(&listed, &["which each disc has itself"]);
    }
    let twice = json(&format!(
        r#","files":[{},{}],"joins":[{{"path":"q","size":1,"parts":["p"]}}]"#,
        file("p", 1),
        file("q", 1)
    ));
    says(&twice, &["media.json: lists q twice"]);
    let lie = ["the parts listed for j do not make its"];
    for (size, frame, parts) in [
        (1, "", &[][..]),
        (2, "", &lie),
        (u64::MAX, "", &lie),
        (2, r#","frame":"f""#, &lie),
        (4, r#","frame":"f""#, &[]),
        (5, r#","frame":"f""#, &lie),
    ] {
        let joined = json(&format!(
            r#","files":[{},{}],"joins":[{{"path":"j","size":{size},"parts":["p"]{frame}}}]"#,
            file("p", 1),
            file("f", 3)
        ));
        says(&joined, parts);
    }
    says(&json(r#","joins":[{"path":"j","size":0,"parts":[]}]"#), &lie);
}

#[test]
fn faults_and_descriptions_have_limits() {
    let gone: String = (0..10_050).map(|at| format!("{}  {at}\n", Digest::of(b""))).collect();
    let found = check(&plain_disc(&[("SHA256SUMS", gone.as_bytes())])).unwrap();
    assert_eq!((found.faults.len(), &*found.faults[10_000]), (10_001, "and 50 more"));

    let long = format!("{}{}", json(""), " ".repeat(64 << 20));
    assert_faults(&described(&long, 1), &["more than the 67108864 that are read"]);
    let parts = vec!["\"\""; 1_100_000].join(",");
    let join = format!(r#"{{"path":"j","size":0,"parts":[{parts}]}}"#);
    let many = json(&format!(r#","joins":[{join},{join}]"#));
    assert_faults(&described(&many, 1), &["it lists more than 2000000"]);
}

#[test]
fn what_is_no_media() {
    for bytes in [&b""[..], b"text", &noise(100_000, 1), &small_wim()] {
        assert!(matches!(check(bytes), Err(VerifyError::Medium(MediumError::Unknown))));
    }
    // A partition table without a FAT32 volume, and one whose volume is empty space.
    let mut sector = vec![0; 4 << 20];
    sector[510..512].copy_from_slice(&[0x55, 0xAA]);
    let found = check(&sector);
    assert!(matches!(found, Err(VerifyError::Medium(MediumError::NoPartition { .. }))));
    sector[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0x0C, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0]);
    let found = check(&sector);
    assert!(matches!(
        found,
        Err(VerifyError::Medium(MediumError::Volume { start: 1_048_576, .. }))
    ));
}

#[test]
fn inspect_tells_what_a_file_is() {
    let workshop = Workshop::new();
    for kind in ["cd-dvd", "usb"] {
        make(&workshop.request(kind)).unwrap();
    }
    let mut request = workshop.request("hybrid");
    request.path = vec![workshop.path("out/both.iso")];
    make(&request).unwrap();
    let Inspection::Disc(both) = inspect(&workshop.path("out/both.iso")).unwrap() else { panic!() };
    assert_eq!((both.partitions.len(), both.partitions[0].start), (1, 1 << 20));
    let Inspection::Wim(wim) = inspect(&workshop.path("boot.wim")).unwrap() else { panic!() };
    assert_eq!((wim.architecture.as_deref(), wim.boot_index), (Some("x64"), Some(1)));
    assert_eq!((wim.boot_files.len(), wim.problems.len()), (14, 0));
    let missing: Vec<_> = wim.missing.iter().map(|missing| missing.needed).collect();
    assert!(missing.iter().all(|needed| *needed == capmedia::Need::Optional), "{:?}", wim.missing);
    let Inspection::Disc(disc) = inspect(&workshop.path("out/capture.iso")).unwrap() else {
        panic!()
    };
    assert_eq!((&*disc.label, disc.boot_entries.len()), ("CONFIGURATION_MANAGER", 2));
    assert_eq!(disc.partitions, []);
    assert_eq!((disc.problems.len(), both.problems.len()), (0, 0));
    // Both halves of the volume size must agree.
    let mut bytes = fs::read(workshop.path("out/capture.iso")).unwrap();
    bytes[16 * 2048 + 87] ^= 1;
    let Inspection::Disc(disc) = inspect(&workshop.put("bad.iso", bytes)).unwrap() else {
        panic!()
    };
    assert!(disc.problems[0].contains("volume space size"), "{:?}", disc.problems);
    let Inspection::Disk(disk) = inspect(&workshop.path("out/capture.img")).unwrap() else {
        panic!()
    };
    assert_eq!((disk.boot_code, disk.partitions.len()), ("capmedia", 1));
    assert!(disk.tree.iter().any(|entry| entry.path == "sources/boot.wim"));

    let unknown = inspect(&workshop.put("text", "text")).unwrap_err();
    assert!(matches!(unknown, InspectError::Unknown { .. }));
    assert!(matches!(inspect(Path::new("/no/such")).unwrap_err(), InspectError::Io { .. }));
    let cut = &fs::read(workshop.path("boot.wim")).unwrap()[..1000];
    let error = inspect(&workshop.put("cut.wim", cut)).unwrap_err();
    assert!(matches!(error, InspectError::Wim { .. }));
    assert!(inspect(&workshop.path("out")).is_err());
}
