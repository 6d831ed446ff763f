//! Copies of content that turn out to be damaged, or go away, while media are made of them; and those
//! that were fetched.

use std::io::Read;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use boot_image::BootImageError;
use capmedia::{Blame, Error, MediaPlan, ResolveError, Target, fetch};
use dp_content::{
    AccessError, AccessKind, Content, ContentError, ContentOptions, FileId, Listed, Location,
    Package, open_folder,
};
use media_model::PackageId;

use crate::boot_index::two_images;
use crate::content_locations::{BOOT, Counting, Site, TOOLS, content, images, large_wim};
use crate::support::{make as make_local, small_wim, told};

#[test]
fn a_plan_that_holds_damaged_bytes_is_made_anew_each_time() {
    let site = Site::new(two_images(Some(1)));
    // The plan copies the header, and nothing tells that a byte of the GUID is wrong.
    site.library("bad").flip_byte(&site.wim, 30);
    site.library("good");
    let from_file = site.workshop.request("cd-dvd").with_force(true).with_boot_index(2);
    let expected = images(&make_local(&from_file).unwrap());
    let request = site.boot_image_alone("cd-dvd", &["bad", "good"]).with_boot_index(2);
    let checked = request.check().unwrap();
    let target = Target::of(&checked).unwrap();
    let plan = MediaPlan::with_content(&checked, &content(&request)).unwrap();
    for _ in 0..2 {
        assert!(images(&plan.publish(&target, &mut ()).unwrap()) == expected);
        let mut out = Vec::new();
        plan.write_to(&mut out, &mut ()).unwrap();
        assert!(out == expected[0]);
    }
}

/// A location that gives ranges, and dies when a file is read whole.
struct Dying(Arc<dyn Location>);

impl Location for Dying {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        self.0.packages()
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        self.0.package(id)
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        if range.end - range.start > 1 << 20 {
            return Err(AccessError::new("here", AccessKind::Denied("it died".to_owned())));
        }
        self.0.open(file, range)
    }
}

#[test]
fn what_was_wrong_first_is_told_when_a_location_dies() {
    let site = Site::new(large_wim(8));
    let xml = u64::from_le_bytes(site.wim[80..88].try_into().unwrap()) as usize;
    site.library("a").flip_byte(&site.wim, xml + 20);
    let dying = Dying(open_folder(&site.workshop.path("a")).unwrap());
    let content = Content::with_locations(vec![Arc::new(dying)], ContentOptions::new());
    let request = site.boot_image_alone("cd-dvd", &["a"]).check().unwrap();
    let error = MediaPlan::with_content(&request, &content).unwrap_err();
    assert!(matches!(error, Error::Resolve(ResolveError::BootImage(_))), "{}", told(&error));
    assert!(!told(&error).contains("it died"), "{}", told(&error));
}

#[test]
fn a_wrong_boot_index_is_told_at_once() {
    let site = Site::new(large_wim(24));
    site.library("a");
    let (opened, bytes) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let inner = open_folder(&site.workshop.path("a")).unwrap();
    let counting = Counting { inner, opened, bytes: Arc::clone(&bytes) };
    let content = Content::with_locations(vec![Arc::new(counting)], ContentOptions::new());
    let request = site.boot_image_alone("cd-dvd", &["a"]).with_boot_index(9).check().unwrap();
    let error = MediaPlan::with_content(&request, &content).unwrap_err();
    let no_such = |error: &_| {
        matches!(error, Error::Resolve(ResolveError::BootImage(BootImageError::NoSuchImage { .. })))
    };
    assert!(no_such(&error), "{}", told(&error));
    assert_eq!(error.blame(), Blame::Input);
    let fetched = bytes.load(Ordering::Relaxed);
    assert!(fetched <= 4 << 20, "{fetched} bytes");
}

#[test]
fn media_of_fetched_packages_are_the_same() {
    let site = Site::new(small_wim());
    site.library("a");
    let of_library = site.of_libraries("cd-dvd", &["a"]);
    let checked = of_library.check().unwrap();
    let publish = |content: &Content, request: &_| {
        let target = Target::of(request).unwrap();
        images(
            &MediaPlan::with_content(request, content).unwrap().publish(&target, &mut ()).unwrap(),
        )
    };
    let expected = publish(&content(&of_library), &checked);
    let ids = [BOOT, TOOLS].map(|id| PackageId::new(id).unwrap());
    let to = site.workshop.path("fetched");
    let _ = fetch(&content(&of_library), &ids, &to, &mut |_| ControlFlow::Continue(())).unwrap();
    let of_fetched = site.of_libraries("cd-dvd", &["fetched"]);
    assert_eq!(of_fetched.distribution_point.iter().map(Path::new).next(), Some(&*to));
    let made = publish(&content(&of_fetched), &of_fetched.check().unwrap());
    assert!(made == expected);
}
