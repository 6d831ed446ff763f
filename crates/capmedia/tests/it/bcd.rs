//! The boot configuration of the media: the boot image's own, or one made here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Cursor;

use bcd_store::{BootStore, ElementType, ElementValue, Firmware, ObjectId, Store};
use capmedia::media_model::CaptureMediaRequest;
use capmedia::{BcdInspection, Blame, Inspection, Made, inspect, verify};
use extent_image::{Data, Meta, NodeId, Timestamp, TreeBuilder};
use fat32_image::check::Volume;
use iso9660_image::check::Image;
use iso9660_image::{ImageOptions, JolietVolumeId, Platform, VolumeId};
use wim_image::Architecture;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::support::{
    Files, Parts, Workshop, assert_sound, bcd, hive, made_files, make, read, set_time, small_parts,
    told, wim,
};

const BIOS: &str = r"Windows\Boot\DVD\PCAT\BCD";
const UEFI: &str = r"Windows\Boot\DVD\EFI\BCD";
const MEMTEST: &str = r"Windows\Boot\EFI\memtest.efi";

const PLACES: [(Firmware, &str, &str); 2] =
    [(Firmware::Bios, BIOS, "boot/bcd"), (Firmware::Uefi, UEFI, "EFI/Microsoft/Boot/bcd")];

/// A boot image like those of the Windows ADK, without configurations.
fn stock(machine: Architecture) -> Parts {
    let mut parts = small_parts(machine);
    for (_, part, _) in PLACES {
        assert!(parts.remove(part).is_some());
    }
    parts
}

fn workshop(machine: Architecture, parts: &Parts) -> Workshop {
    Workshop::with_boot_image(&wim(Some(machine), parts))
}

fn store(files: &Files, path: &str) -> Store {
    Store::read(files[path].as_ref().unwrap()).unwrap()
}

fn text(store: &Store, id: ObjectId, element: ElementType) -> Option<ElementValue> {
    store.object(id).unwrap().value(element).unwrap()
}

/// Makes the media again for its report.
fn report(request: &CaptureMediaRequest) -> Made {
    make(&request.clone().with_force(true)).unwrap()
}

/// What was said of boot configurations.
fn warnings(made: &Made) -> Vec<&str> {
    let all = made.summary.warnings.iter().map(|warning| warning.as_str());
    all.filter(|warning| warning.contains("boot configuration")).collect()
}

/// What starts no media of ours, and what is said of it.
fn unfit(firmware: Firmware) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let other = match firmware {
        Firmware::Bios => Firmware::Uefi,
        Firmware::Uefi => Firmware::Bios,
    };
    let mut damaged = bcd(firmware);
    // The signature of the root key.
    damaged[4096 + 32 + 4] ^= 0xFF;
    let mut dirty = bcd(firmware);
    // Its first number, and the checksum.
    dirty[4] ^= 1;
    dirty[508] ^= 1;
    let no_store = bcd_store::hive::KeyTree::new("SYSTEM");
    let time = bcd_store::hive::FileTime::from_ticks(0);
    vec![
        ("no hive", b"stands in for a BCD".to_vec(), "no sound registry hive"),
        ("empty", Vec::new(), "no sound registry hive"),
        ("cut off", bcd(firmware)[..5000].to_vec(), "no sound registry hive"),
        ("damaged", damaged, "no sound registry hive"),
        ("dirty", dirty, "not closed properly"),
        ("hive of another kind", no_store.to_hive(time).unwrap(), "has no Objects"),
        ("no objects", Store::new().to_bytes(time).unwrap(), "{bootmgr}"),
        ("other boot image", hive(&BootStore::new(firmware).with_wim(r"\x.wim")), r"\x.wim"),
        ("other RAM disk", hive(&BootStore::new(firmware).with_sdi(r"\x.sdi")), r"\x.sdi"),
        ("other firmware", bcd(other), "loader"),
        ("too long", vec![0; (Store::MAX_LEN + 1) as usize], "4194305 bytes"),
    ]
}

#[test]
fn auto_takes_what_starts_the_media_and_makes_what_does_not() {
    for machine in [Architecture::Amd64, Architecture::X86, Architecture::Arm64] {
        let parts = small_parts(machine);
        let whole = workshop(machine, &parts);
        let stock = workshop(machine, &stock(machine));
        for kind in ["cd-dvd", "usb"] {
            let files = made_files(&whole.request(kind));
            let own = made_files(&stock.request(kind));
            let made = report(&whole.request(kind));
            let made_own = report(&stock.request(kind));
            assert_eq!(warnings(&made), [""; 0]);
            assert_eq!(warnings(&made_own), [""; 0], "none at all is nothing wrong");
            let mut at = 0;
            for (firmware, part, path) in PLACES {
                if machine == Architecture::Arm64 && firmware == Firmware::Bios {
                    assert!(!files.contains_key(path) && !own.contains_key(path));
                    continue;
                }
                assert!(files[path] == Some(parts[part].clone()), "{path} of {machine:?}");
                let boot = store(&own, path).ram_disk_boot().unwrap();
                assert!(boot.starts(r"\sources\boot.wim"));
                assert_eq!((&*boot.sdi, boot.firmware()), (r"\boot\boot.sdi", Some(firmware)));
                let told = &made.summary.boot_configuration[at];
                assert_eq!((&*told.taken, &*told.path), ("image", path));
                assert!(told.found.as_ref().unwrap().ends_with(part), "{told:?}");
                let told = &made_own.summary.boot_configuration[at];
                assert_eq!((&*told.taken, told.found.as_ref()), ("own", None));
                assert_eq!(told.reason.as_deref(), Some("none was found"));
                at += 1;
            }
            assert_eq!(made.summary.boot_configuration.len(), at);
        }
    }
}

#[test]
fn what_does_not_start_the_media_is_told_and_replaced_or_refused() {
    for (firmware, part, path) in PLACES {
        for (name, bytes, says) in unfit(firmware) {
            let mut parts = small_parts(Architecture::Amd64);
            parts.insert(part.to_owned(), bytes);
            let workshop = workshop(Architecture::Amd64, &parts);
            let request = workshop.request("cd-dvd");
            let files = made_files(&request);
            assert!(store(&files, path).ram_disk_boot().is_ok(), "{name}");
            for (_, other, place) in PLACES.iter().filter(|(_, other, _)| *other != part) {
                assert!(files[*place] == Some(parts[*other].clone()), "{name}");
            }
            let made = report(&request);
            let [warning] = &*warnings(&made) else { panic!("{:?}", made.summary) };
            for says in [part, says] {
                assert!(warning.contains(says), "{name}: {warning}");
            }
            let told = made.summary.boot_configuration.iter().find(|told| told.path == path);
            let (taken, reason) = told.map(|told| (&*told.taken, told.reason.clone())).unwrap();
            assert_eq!(taken, "own");
            assert!(reason.unwrap().contains(says), "{name}");

            fs::remove_file(workshop.path("out/capture.iso")).unwrap();
            let error = make(&request.with_bcd("image")).unwrap_err();
            assert_eq!(error.blame(), Blame::Input);
            let text = crate::support::told(&error);
            for says in [part, says, "--bcd own"] {
                assert!(text.contains(says), "{name}: {text}");
            }
            assert!(workshop.out().is_empty());
        }
    }
}

/// A wrong bit in the WIM where the store is: the store's own checks need not see it.
#[test]
fn a_store_whose_digest_is_wrong_is_not_taken() {
    let parts = small_parts(Architecture::Amd64);
    let mut bytes = wim(Some(Architecture::Amd64), &parts);
    let at = bytes.windows(4096).position(|at| at == &parts[BIOS][..4096]).unwrap();
    bytes[at + 60] ^= 1;
    let workshop = Workshop::with_boot_image(&bytes);
    let made = make(&workshop.request("cd-dvd")).unwrap();
    assert_sound(&workshop.path("out/capture.iso"));
    assert!(warnings(&made)[0].contains("cannot be read"), "{:?}", made.summary);
}

#[test]
fn image_needs_what_is_missing() {
    let workshop = workshop(Architecture::Amd64, &stock(Architecture::Amd64));
    let error = make(&workshop.request("usb").with_bcd("image")).unwrap_err();
    let text = told(&error);
    for says in [r"boot\bcd", r"EFI\Microsoft\Boot\bcd", UEFI, "--bcd image"] {
        assert!(text.contains(says), "{text}");
    }
    // A folder of boot files is as good as the boot image, and comes first.
    let folder = hive(&BootStore::new(Firmware::Bios).with_description("of the folder"));
    workshop.put("adk/media/Boot/BCD", &folder);
    workshop.put("adk/media/EFI/Microsoft/Boot/BCD", bcd(Firmware::Uefi));
    let request = workshop.request("usb").with_boot_files(workshop.path("adk"));
    for choice in ["image", "auto"] {
        let files = made_files(&request.clone().with_bcd(choice).with_force(true));
        assert!(files["boot/bcd"] == Some(folder.clone()));
    }
    let files = made_files(&request.with_bcd("own").with_force(true));
    assert!(files["boot/bcd"] != Some(folder));
}

#[test]
fn our_own_has_what_was_asked_for() {
    let mut parts = small_parts(Architecture::Amd64);
    parts.insert(MEMTEST.into(), b"memory test".to_vec());
    let workshop = workshop(Architecture::Amd64, &parts);
    let request = workshop.request("cd-dvd").with_bcd("own").with_label("Rettung 7");
    let files = made_files(&request.clone().with_bcd_locale("de-DE").with_bcd_text_mode(true));
    for (_, _, path) in PLACES {
        let store = store(&files, path);
        let description = text(&store, ObjectId::MEDIA_ENTRY, ElementType::DESCRIPTION);
        assert_eq!(description, Some(ElementValue::Text("Rettung 7".into())));
        for id in [ObjectId::BOOT_MANAGER, ObjectId::MEDIA_ENTRY] {
            let locale = text(&store, id, ElementType::LOCALE);
            assert_eq!(locale, Some(ElementValue::Text("de-DE".into())));
        }
        let settings = ObjectId::GLOBAL_SETTINGS;
        let mode = text(&store, settings, ElementType::GRAPHICS_DISABLED);
        assert_eq!(mode, Some(ElementValue::Boolean(true)));
        // Only where the program is on the media.
        let tool = store.object(ObjectId::MEMORY_TEST).is_some();
        assert_eq!(tool, path.starts_with("EFI"), "{path}");
    }
    assert!(files.contains_key("EFI/Microsoft/Boot/memtest.efi"));
    for (asked, element, value) in [
        ("1024x768", ElementType::GRAPHICS_RESOLUTION, ElementValue::Integer(0)),
        ("800x600", ElementType::GRAPHICS_RESOLUTION, ElementValue::Integer(1)),
        ("1024x600", ElementType::GRAPHICS_RESOLUTION, ElementValue::Integer(2)),
        ("highest", ElementType::HIGHEST_MODE, ElementValue::Boolean(true)),
    ] {
        let files = made_files(&request.clone().with_bcd_resolution(asked).with_force(true));
        let store = store(&files, "boot/bcd");
        assert_eq!(text(&store, ObjectId::GLOBAL_SETTINGS, element), Some(value));
    }
    let made = report(&request);
    assert_eq!(warnings(&made), [""; 0]);
    let told = &made.summary.boot_configuration[1];
    assert_eq!((&*told.firmware, told.reason.as_deref()), ("UEFI", Some("asked for")));
    // Under auto the boot image's own is not changed, and that is said.
    let made = report(&request.with_bcd("auto").with_bcd_locale("de-DE"));
    let [warning] = &*warnings(&made) else { panic!("{:?}", made.summary) };
    assert!(warning.contains("BIOS and UEFI; --bcd own"), "{warning}");
}

#[test]
fn the_language_is_the_boot_images_if_it_is_one() {
    for (language, expected) in [
        (Some("fr-FR"), "fr-FR"),
        (Some("zh-Hant-TW"), "zh-Hant-TW"),
        (Some("no language\u{1b}[2J"), "en-US"),
        (None, "en-US"),
    ] {
        let mut image =
            ImageBuilder::new("PE", capmedia::sample::TIME).with_architecture(Architecture::Amd64);
        if let Some(language) = language {
            image = image.with_language(language);
        }
        for (path, bytes) in stock(Architecture::Amd64) {
            image = image.with_bytes(&path, bytes).unwrap();
        }
        let wim = WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap();
        let workshop = Workshop::with_boot_image(&wim);
        let made = make(&workshop.request("usb")).unwrap();
        for told in &made.summary.boot_configuration {
            assert_eq!(told.locale.as_deref(), Some(expected));
        }
        let request = workshop.request("usb").with_bcd_locale("nb-NO").with_force(true);
        let made = make(&request).unwrap();
        assert_eq!(made.summary.boot_configuration[0].locale.as_deref(), Some("nb-NO"));
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let workshop = workshop(Architecture::Amd64, &stock(Architecture::Amd64));
    let wim = workshop.path("boot.wim");
    for kind in ["cd-dvd", "hybrid"] {
        let clamped =
            workshop.request(kind).with_force(true).with_source_date_epoch(Some(1_500_000_000));
        let bytes = |request: &CaptureMediaRequest| {
            make(request).unwrap();
            fs::read(&request.path[0]).unwrap()
        };
        set_time(&wim, 1_600_000_000);
        let first = bytes(&clamped);
        assert!(first == bytes(&clamped), "{kind}");
        set_time(&wim, 1_700_000_000);
        assert!(first == bytes(&clamped), "{kind}: SOURCE_DATE_EPOCH does not hold");
        let files = made_files(&workshop.request(kind).with_force(true));
        let time = bcd_store::hive::FileTime::from_unix_seconds(1_700_000_000).ticks();
        for (_, _, path) in PLACES {
            let hive = files[path].as_ref().unwrap();
            assert_eq!(hive[12..20], time.to_le_bytes(), "{path}");
        }
    }
}

/// What UEFI starts from a disc without efisys.bin sees its own volume alone.
#[test]
fn our_own_is_in_the_volume_of_uefi() {
    let mut parts = stock(Architecture::Amd64);
    parts.retain(|path, _| !path.ends_with("efisys.bin"));
    let workshop = workshop(Architecture::Amd64, &parts);
    let files = made_files(&workshop.request("cd-dvd"));
    let bytes = fs::read(workshop.path("out/capture.iso")).unwrap();
    let image = Image::open(Cursor::new(&bytes)).unwrap();
    let entry = image.boot_entries().iter().find(|e| e.platform == Some(Platform::Efi)).unwrap();
    let start = usize::try_from(entry.lba.byte_offset()).unwrap();
    let rest = &bytes[start..];
    let mut volume = Volume::open(Cursor::new(rest), 0, rest.len() as u64).unwrap();
    let entries = volume.walk().unwrap();
    let found: BTreeMap<String, Vec<u8>> = entries
        .iter()
        .filter(|entry| !entry.is_folder())
        .map(|entry| (entry.path(), read(volume.open_file(entry))))
        .collect();
    let uefi = &found["EFI/Microsoft/Boot/bcd"];
    assert!(Some(uefi) == files["EFI/Microsoft/Boot/bcd"].as_ref());
    assert!(!found.contains_key("boot/bcd"));
}

fn disc(files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    let mut folders = BTreeMap::new();
    for (folder, name, bytes) in files {
        let folder = *folders
            .entry(*folder)
            .or_insert_with(|| tree.folder(NodeId::ROOT, folder, meta).unwrap());
        tree.file(folder, name, meta, Data::bytes("t", bytes.to_vec())).unwrap();
    }
    let tree = tree.finish().unwrap();
    let options = ImageOptions::new(VolumeId::new("A").unwrap(), JolietVolumeId::new("a").unwrap());
    let mut bytes = Vec::new();
    let plan = iso9660_image::plan(&tree, &options).unwrap().into_plan();
    let report = plan.write_to(&mut bytes, &Default::default(), &mut ()).unwrap();
    assert_eq!(report.len, bytes.len() as u64);
    bytes
}

#[test]
fn verify_looks_at_what_media_of_others_starts() {
    let good = bcd(Firmware::Bios);
    let (wim, sdi) = (("Sources", "BOOT.WIM", &b"wim"[..]), ("Boot", "boot.sdi", &b"sdi"[..]));
    let found = |files: &[(&str, &str, &[u8])]| {
        let found = verify(Cursor::new(disc(files)), &mut ()).unwrap();
        (found.faults, found.notes)
    };
    let none: [&str; 0] = [];
    let (faults, notes) = found(&[("Boot", "BCD", &good), sdi, wim]);
    assert!(faults == none && notes == none, "{faults:?} {notes:?}");
    // Nobody's medium can do that.
    let (faults, notes) = found(&[("Boot", "BCD", &good), sdi]);
    assert_eq!(faults, [r"Boot/BCD: it needs \sources\boot.wim, which is not on the media"]);
    assert!(notes.is_empty());
    // What others have there may be meant so.
    for (name, bytes, says) in unfit(Firmware::Bios) {
        if name == "other boot image" || name == "other RAM disk" {
            continue;
        }
        let (faults, notes) = found(&[("Boot", "BCD", &bytes), sdi, wim]);
        assert_eq!(faults, none, "{name}");
        let [note] = &*notes else { panic!("{name}: {notes:?}") };
        assert!(note.starts_with("Boot/BCD: ") && note.contains(says), "{note}");
    }
}

#[test]
fn verify_wants_our_media_to_start() {
    let workshop = workshop(Architecture::Amd64, &stock(Architecture::Amd64));
    let request = workshop.request("cd-dvd");
    let files = made_files(&request);
    let path = request.path[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    let store = files["boot/bcd"].as_ref().unwrap();
    let at = bytes.windows(store.len()).position(|at| at == store).unwrap();
    bytes[at + 4] ^= 1;
    let found = verify(Cursor::new(&bytes), &mut ()).unwrap();
    assert!(found.notes.is_empty());
    let faults = found.faults.iter().filter(|fault| fault.starts_with("boot/bcd: "));
    assert_eq!(faults.count(), 2, "its digest and what it starts: {:?}", found.faults);
}

/// Our first versions put a text in the place of a configuration that they did not find, and had no
/// task sequence.
#[test]
fn verify_does_not_want_it_of_media_of_our_first_versions() {
    let workshop = workshop(Architecture::Amd64, &stock(Architecture::Amd64));
    let request = workshop.request("cd-dvd");
    let files = made_files(&request);
    let mut bytes = fs::read(request.path[0].clone()).unwrap();
    let store = files["boot/bcd"].as_ref().unwrap();
    let at = bytes.windows(store.len()).position(|at| at == store).unwrap();
    bytes[at + 4] ^= 1;
    // Its names, in each tree.
    for name in ["TASKSEQUENCE.XML", "TaskSequence.xml"] {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for name in [name.as_bytes(), &wide] {
            while let Some(at) = bytes.windows(name.len()).position(|at| at == name) {
                bytes[at + name.len() - 1] = b'k';
            }
        }
    }
    let found = verify(Cursor::new(&bytes), &mut ()).unwrap();
    let about = |texts: &[String]| texts.iter().filter(|it| it.starts_with("boot/bcd: ")).count();
    assert_eq!((about(&found.faults), about(&found.notes)), (1, 1), "{found:?}");
}

#[test]
fn inspect_tells_a_boot_configuration() {
    let workshop = Workshop::new();
    let path = workshop.put("BCD", bcd(Firmware::Uefi));
    let Inspection::Bcd(found) = inspect(&path).unwrap() else { panic!("another kind") };
    let BcdInspection { starts, problem, objects, text, .. } = &found;
    assert_eq!(starts.as_ref().unwrap().firmware.as_deref(), Some("UEFI"));
    assert!(problem.is_none() && objects.len() == 4 && text.contains("winload.efi"));
    let json = serde_json::to_value(Inspection::Bcd(found.clone())).unwrap();
    assert_eq!(json["kind"], "bcd");
    assert_eq!(json["starts"]["boot-image"], r"\sources\boot.wim");
    // A hive of another kind, and what is none.
    for (name, bytes, _) in unfit(Firmware::Uefi) {
        let path = workshop.put("BCD", bytes);
        match inspect(&path) {
            Ok(Inspection::Bcd(found)) => {
                let readable = ["dirty", "no objects", "other boot image", "other RAM disk"];
                assert!([&readable[..], &["other firmware"]].concat().contains(&name), "{name}");
                assert_eq!(found.starts.is_none(), found.problem.is_some());
            }
            Ok(other) => panic!("{name}: {other:?}"),
            Err(error) => assert!(error.to_string().contains("BCD"), "{name}: {error}"),
        }
    }
    assert!(verify(File::open(&path).unwrap(), &mut ()).is_err(), "no media");
}
