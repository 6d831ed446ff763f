use std::ops::ControlFlow;
use std::sync::Arc;

use extent_image::{Attributes, ReadAt, Timestamp, read_at};
use media_model::MediaLabel;
use wim_image::Wim;
use wim_image::write::{ImageBuilder, WimBuilder};

use super::*;
use crate::medium::members::{content_faults, description_faults};

const TIME: Timestamp = Timestamp::FAT_EPOCH;
const SMALL: Limits = Limits { file: 100_000, part: 90_000 };

/// A WIM of files that do not compress.
fn wim(lens: &[usize]) -> Vec<u8> {
    let mut image = ImageBuilder::new("x", TIME);
    for (at, len) in lens.iter().enumerate() {
        let mut state = at as u32 + 1;
        let bytes: Vec<u8> = (0..*len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        image = image.with_bytes(&format!("file{at}"), bytes).unwrap();
    }
    WimBuilder::new().with_image(image).to_vec().unwrap()
}

fn facts(added: &[(&str, Vec<u8>)]) -> Facts {
    let added = added.iter().map(|(path, bytes)| Added {
        path: MediaPath::new(path).unwrap(),
        modified: TIME,
        data: Some(Data::bytes("added", bytes.clone())),
        origin: format!("/from/{path}"),
        attributes: Attributes::default(),
        group: 0,
    });
    Facts {
        label: MediaLabel::default(),
        architecture: "x64".into(),
        hybrid: false,
        boot_code: None,
        boot_image: Data::bytes("boot.wim", "wim"),
        boot_image_modified: TIME,
        boot_files: Vec::new(),
        media_data: Vec::new(),
        added: added.collect(),
        joins: Vec::new(),
        newest_allowed: None,
        known: Vec::new(),
        holds_password: false,
    }
}

fn fitted(facts: &Facts) -> (Result<Composed, Error>, Vec<String>) {
    let mut warnings = Vec::new();
    let composed = fit_into(facts, compose(facts).unwrap(), SMALL, &mut warnings);
    (composed, warnings.iter().map(|warning| warning.as_str().to_owned()).collect())
}

#[test]
fn what_fits_is_left_alone() {
    let facts = facts(&[(r"a\install.wim", vec![0; 100_000]), ("b", Vec::new())]);
    let before = compose(&facts).unwrap();
    let (after, warnings) = fitted(&facts);
    let after = after.unwrap();
    assert_eq!((after.set_id, after.description), (before.set_id, before.description));
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn a_wim_becomes_parts_that_are_one_wim_and_can_be_joined() {
    let whole = wim(&[40_000, 50_000, 30_000, 60_000]);
    let facts = facts(&[("tools", vec![1]), (r"Images\Install.WIM", whole.clone())]);
    let (composed, warnings) = fitted(&facts);
    let Composed { tree, description, set_id, .. } = composed.unwrap();
    let files: Vec<_> = tree.data_order().into_iter().map(|id| (tree.path(id), id)).collect();
    let in_images: Vec<&str> =
        files.iter().filter_map(|(path, _)| path.strip_prefix("Images/")).collect();
    assert_eq!(in_images, ["Install.WIM.frame", "Install.swm", "Install2.swm", "Install3.swm"]);
    for (path, id) in &files {
        assert!(tree.data(*id).unwrap().len() <= SMALL.file, "{path}");
    }
    let source = |path: &str| {
        let id = files.iter().find(|(found, _)| found == path).unwrap().1;
        let Some(Data::Source(source)) = tree.data(id) else { panic!("{path} is late") };
        Arc::clone(source)
    };

    // The description tells of it, and agrees with itself and the tree.
    let [join] = &*description.joins else { panic!("{:?}", description.joins) };
    assert_eq!((&*join.path, join.size), ("Images/Install.WIM", whole.len() as u64));
    assert_eq!(join.parts, ["", "2", "3"].map(|n| format!("Images/Install{n}.swm")));
    assert_eq!(description_faults(&description).finish(), [""; 0]);
    let sizes = files.iter().map(|(path, id)| (&**path, tree.data(*id).unwrap().len()));
    assert_eq!(content_faults(&description, &sizes.collect()).finish(), [""; 0]);
    let longest = "Images/Install.WIM has ";
    assert!(warnings.len() == 1 && warnings[0].starts_with(longest), "{warnings:?}");
    assert!(warnings[0].contains("split into 3 SWM parts (Images/Install.swm and so on)"));

    // Readers take them for one WIM, and the WIM comes out of them again.
    let parts: Vec<_> = join.parts.iter().map(|part| source(part)).collect();
    let readers = parts.iter().map(read_at).collect::<Vec<Arc<dyn ReadAt>>>();
    let set = Wim::open_set(readers).unwrap();
    assert!(set.verify(&mut |_, _| ControlFlow::Continue(())).unwrap().is_empty());
    let frame = source(join.frame.as_deref().unwrap());
    let restored = wim_image::restore(&frame, &parts).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut restored.reader(), &mut bytes).unwrap();
    assert!(bytes == whole);

    let (again, _) = fitted(&facts);
    assert_eq!(again.unwrap().set_id, set_id);
}

#[test]
fn everything_else_that_is_too_large_is_named_at_once() {
    let mut facts = facts(&[
        ("z.iso", vec![0; 100_001]),
        (r"a\no.wim", vec![0; 100_002]),
        (r"a\boot.wim", wim(&[60_000, 60_000])),
        (r"a\one.wim", wim(&[120_000])),
        (r"a\install.wim", wim(&[60_000, 60_000])),
        (r"a\half.wim", vec![0; 7]),
    ]);
    facts.boot_image = Data::bytes("boot.wim", vec![0; 100_003]);
    let (refused, _) = fitted(&facts);
    let error = refused.unwrap_err();
    assert_eq!(error.blame(), crate::Blame::Input);
    let Error::LargeFiles(LargeFiles { files, allowed: 100_000 }) = &error else {
        panic!("{error:?}")
    };
    let told: Vec<_> = files.iter().map(|file| (&*file.path, file.why.is_some())).collect();
    assert_eq!(
        told,
        [
            ("a/boot.wim", true),
            ("a/no.wim", true),
            ("a/one.wim", true),
            ("sources/boot.wim", false),
            ("z.iso", false),
        ]
    );
    let text = error.to_string();
    assert!(text.contains(", z.iso (100001 bytes); split them or leave them out"), "{text}");
    assert!(text.contains("a/no.wim (100002 bytes, not to be split: it is no WIM"), "{text}");
}

#[test]
fn a_part_in_the_place_of_another_file_is_refused() {
    let whole = wim(&[60_000, 60_000]);
    for name in ["install.swm", "INSTALL2.SWM", "install.wim.frame"] {
        let facts = facts(&[("install.wim", whole.clone()), (name, vec![1])]);
        let (refused, _) = fitted(&facts);
        let text = chain(&refused.unwrap_err());
        assert!(text.contains("a part of /from/install.wim"), "{text}");
    }
}
