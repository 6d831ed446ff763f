//! The image of a WIM that the media starts.

use std::fs;
use std::sync::Arc;

use capmedia::Blame;
use extent_image::BytesSource;
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Architecture, Wim};

use crate::boot_image_fixtures::rich;
use crate::support::{Workshop, made_files, make, small_parts, told};

/// Bytes of a WIM's header.
const HEADER: usize = 208;

/// A WIM whose first image boots nothing and whose second is a boot image.
pub(crate) fn two_images(boot_index: Option<u32>) -> Vec<u8> {
    let data = ImageBuilder::new("data", capmedia::sample::TIME)
        .with_bytes(r"Windows\notepad.exe", b"for arm64, by its XML".to_vec())
        .unwrap()
        .with_architecture(Architecture::Arm64);
    let mut boots =
        ImageBuilder::new("boots", capmedia::sample::TIME).with_architecture(Architecture::Amd64);
    for (path, bytes) in small_parts(Architecture::Amd64) {
        boots = boots.with_bytes(&path, bytes).unwrap();
    }
    let wim = WimBuilder::new().with_image(data).with_image(boots);
    let wim = match boot_index {
        Some(index) => wim.with_boot_index(index),
        None => wim,
    };
    wim.to_vec().unwrap()
}

fn boots(wim: &[u8]) -> Option<u32> {
    let wim = Wim::open(Arc::new(BytesSource::new("wim", wim.to_vec()))).unwrap();
    assert_eq!(wim.warnings(), []);
    wim.verify(&mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    wim.boot_index()
}

#[test]
fn the_copy_boots_the_image_asked_for_and_the_file_stays() {
    for now in [None, Some(1)] {
        let wim = two_images(now);
        let workshop = Workshop::with_boot_image(&wim);
        for kind in ["cd-dvd", "usb", "hybrid"] {
            let request = workshop.request(kind).with_boot_index(2).with_force(true);
            let files = made_files(&request);
            let copy = files["sources/boot.wim"].as_ref().unwrap();
            assert!(copy[HEADER..] == wim[HEADER..], "{kind}");
            assert_eq!((boots(&wim), boots(copy)), (now, Some(2)), "{kind}");
            assert!(fs::read(workshop.path("boot.wim")).unwrap() == wim, "the file has changed");
            let made = make(&request).unwrap();
            assert_eq!((made.summary.boot_index, &*made.summary.architecture), (2, "x64"));
        }
    }
}

#[test]
fn what_boots_that_image_already_is_copied_as_it_is() {
    let wim = two_images(Some(2));
    let workshop = Workshop::with_boot_image(&wim);
    let bytes = |request: &capmedia::media_model::CaptureMediaRequest| {
        made_files(request);
        fs::read(&request.path[0]).unwrap()
    };
    let request = workshop.request("cd-dvd").with_force(true);
    assert!(bytes(&request) == bytes(&request.clone().with_boot_index(2)));
}

#[test]
fn what_cannot_boot_is_refused_with_the_way_out() {
    let refused = |workshop: &Workshop, index: Option<u32>, says: &[&str]| {
        let mut request = workshop.request("usb");
        request.boot_index = index;
        let error = make(&request).unwrap_err();
        assert_eq!(error.blame(), Blame::Input);
        let text = told(&error);
        for says in says {
            assert!(text.contains(says), "{text}");
        }
        assert!(workshop.out().is_empty());
    };
    let workshop = Workshop::with_boot_image(&two_images(None));
    let says = ["boot.wim", "boot index 0", "--boot-index 1 to 2"];
    refused(&workshop, None, &says);
    refused(&workshop, Some(3), &["no image 3", "2 image(s)"]);
    refused(&workshop, Some(u32::MAX), &["no image 4294967295"]);
    // It is that image that is looked at.
    refused(&workshop, Some(1), &["boot files are missing", "bootaa64.efi"]);
}

/// Of a header that names an image that is not there, and the warning with it, nothing is left.
#[test]
fn a_boot_index_beyond_the_images_is_set_right() {
    let mut wim = two_images(Some(2));
    wim[0x78] = 9;
    let workshop = Workshop::with_boot_image(&wim);
    assert!(told(&make(&workshop.request("usb")).unwrap_err()).contains("--boot-index"));
    let request = workshop.request("usb").with_boot_index(2);
    let files = made_files(&request);
    assert_eq!(boots(files["sources/boot.wim"].as_ref().unwrap()), Some(2));
    let made = make(&request.with_force(true)).unwrap();
    let said = made.summary.warnings.iter().any(|warning| warning.as_str().contains("boot index"));
    assert!(!said, "{:?}", made.summary.warnings);
}

#[test]
fn equal_requests_give_equal_plans() {
    let workshop = Workshop::with_boot_image(&two_images(None));
    let plan = |index| {
        let request = workshop.request("cd-dvd").with_boot_index(index);
        capmedia::MediaPlan::new(&request.check().unwrap()).unwrap().plan().clone()
    };
    assert!(plan(2) == plan(2));
}

/// Only one byte of the boot image tells the two apart, or as little of a boot configuration.
#[test]
fn media_that_starts_otherwise_has_another_id() {
    let boots = || {
        let boots = ImageBuilder::new("boots", capmedia::sample::TIME);
        let boots = boots.with_architecture(Architecture::Amd64);
        let parts = small_parts(Architecture::Amd64).into_iter();
        parts.fold(boots, |boots, (path, bytes)| boots.with_bytes(&path, bytes).unwrap())
    };
    let wim = WimBuilder::new().with_image(boots()).with_image(boots()).with_boot_index(1);
    let workshop = Workshop::with_boot_image(&wim.to_vec().unwrap());
    for kind in ["cd-dvd", "usb"] {
        let id = |change: &dyn Fn(&mut capmedia::media_model::CaptureMediaRequest)| {
            let mut request = workshop.request(kind);
            change(&mut request);
            let plan = capmedia::MediaPlan::new(&request.check().unwrap()).unwrap();
            plan.summary().set_id.clone()
        };
        let plain = id(&|_| {});
        assert_eq!(plain, id(&|request| request.boot_index = Some(1)));
        let ids = [
            plain,
            id(&|request| request.boot_index = Some(2)),
            id(&|request| request.bcd = Some("own".to_owned())),
            id(&|request| {
                request.bcd = Some("own".to_owned());
                request.bcd_locale = Some("de-DE".to_owned());
            }),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
    }
    // Of the two boot managers all files have the same lengths, but for the programs for discs.
    let workshop = Workshop::with_boot_image(&rich().without("wgl4").wim());
    let [classic, ex] = ["2011", "2023"].map(|year| {
        let request = workshop.request("usb").with_boot_manager(year);
        capmedia::MediaPlan::new(&request.check().unwrap()).unwrap().summary().set_id.clone()
    });
    assert_ne!(classic, ex);
}

/// An image of data is no boot image; another of the WIM may be one.
#[test]
fn an_image_of_data_is_refused_with_the_image_that_is_meant() {
    let data = ImageBuilder::new("data", capmedia::sample::TIME);
    let data = || data.clone().with_bytes("notes.txt", b"notes".to_vec()).unwrap();
    let boots =
        ImageBuilder::new("boots", capmedia::sample::TIME).with_architecture(Architecture::Amd64);
    let two = WimBuilder::new().with_image(data()).with_image(boots).with_boot_index(2);
    let alone = WimBuilder::new().with_image(data()).with_boot_index(1);
    for (wim, says) in [(two, "--boot-index 2"), (alone, "--boot-files DIR")] {
        let workshop = Workshop::with_boot_image(&wim.to_vec().unwrap());
        let text = told(&make(&workshop.request("usb").with_boot_index(1)).unwrap_err());
        assert!(text.contains("image 1 of ") && text.contains("no ARCH"), "{text}");
        assert!(text.ends_with(says), "{text}");
    }
}
