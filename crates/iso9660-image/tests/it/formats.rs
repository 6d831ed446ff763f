//! The forms of a disc: file systems, sets, and what lies before them.

use std::io::Cursor;

use extent_image::{Data, NodeId, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{
    Format, ImageOptions, JolietVolumeId, Notice, PlanError, SystemArea, SystemAreaError, TreeKind,
    VolumeId, VolumeSet, VolumeSetId, plan,
};

use crate::build::{
    assert_clean, bytes, expected, image, medium, meta, notices, options, read_back, tree,
};

#[test]
fn a_stub_has_its_files_in_udf_only() {
    let (tree, options) = medium();
    let options = options.with_format(Format::UdfStub);
    let plan = plan(&tree, &options).unwrap();
    assert_eq!(plan.joliet_volume_id(), None);
    // No name is written but in UDF, which holds them all.
    assert_eq!(notices(&plan, &tree), []);
    let image = bytes(&plan);
    assert_clean(&image);
    assert_eq!(read_back(&image, TreeKind::Udf), expected(&tree, &plan, TreeKind::Udf));
    let stub = read_back(&image, TreeKind::Primary);
    let (name, text) = stub.first_key_value().unwrap();
    assert_eq!((stub.len(), name.as_str()), (1, "README.TXT"));
    let text = std::str::from_utf8(text.as_deref().unwrap()).unwrap();
    assert!(text.contains("UDF") && text.ends_with("\r\n"), "{text}");
    assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n']));

    let mut opened = Image::open(std::io::Cursor::new(&image)).unwrap();
    assert!(opened.joliet().is_none());
    assert_eq!(opened.boot_entries().len(), 2);
    assert!(opened.walk(TreeKind::Joliet).is_err());
    // Primary, boot record, terminator, then directly the recognition sequence of UDF.
    let ids = (16..22).map(|sector| (image[sector * 2048], &image[sector * 2048 + 1..][..5]));
    let expected: [(u8, &[u8]); 6] = [
        (1, b"CD001"),
        (0, b"CD001"),
        (255, b"CD001"),
        (0, b"BEA01"),
        (0, b"NSR02"),
        (0, b"TEA01"),
    ];
    assert_eq!(ids.collect::<Vec<_>>(), expected);
}

#[test]
fn the_text_of_a_stub_can_be_another() {
    let tree = tree(&[("readme.txt", b"of the disc")]);
    for text in ["Use Windows.\r\n", ""] {
        let options = options().with_format(Format::UdfStub).with_stub_readme(text);
        let image = image(&tree, &options);
        assert_clean(&image);
        let stub = read_back(&image, TreeKind::Primary);
        assert_eq!(stub["README.TXT"].as_deref(), Some(text.as_bytes()));
        let udf = read_back(&image, TreeKind::Udf);
        assert_eq!(udf["readme.txt"].as_deref(), Some(&b"of the disc"[..]));
    }
}

#[test]
fn a_stub_refuses_and_tells_what_udf_cannot_hold() {
    let stub = options().with_format(Format::UdfStub);
    let error = plan(&tree(&[("Readme", b""), ("README", b"")]), &stub).unwrap_err();
    let (first, second) = ("README".into(), "Readme".into());
    assert_eq!(error, PlanError::CaseCollision { first, second });
    // Joliet is not there, so it cannot be what a name does not fit.
    let names = tree(&[("a:b", b""), (&"n".repeat(200), b"")]);
    let strict = stub.clone().with_strict_joliet(true).with_notices_refused(true);
    assert!(plan(&names, &strict).is_ok());
    // UDF has the years 1 to 9999, ISO 9660 1900 to 2155.
    let mut old = meta();
    old.modified = extent_image::Timestamp::from_unix_seconds(-3_000_000_000);
    let mut builder = TreeBuilder::new(meta());
    builder.file(NodeId::ROOT, "old", old, Data::bytes("t", "x")).unwrap();
    let tree = builder.finish().unwrap();
    assert_eq!(notices(&plan(&tree, &stub).unwrap(), &tree), []);
    let bridge = plan(&tree, &options().with_format(Format::Bridge)).unwrap();
    assert_eq!(notices(&bridge, &tree), [Notice::Time { path: "old".into() }]);
}

#[test]
fn refused_notices_are_listed() {
    let tree = tree(&[("a b", b""), ("c?", b""), ("FINE.TXT", b"")]);
    let options = options().with_notices_refused(true);
    let error = plan(&tree, &options).unwrap_err();
    let PlanError::Notices { notices } = &error else { panic!("{error:?}") };
    assert_eq!(notices.len(), 3);
    assert_eq!(
        error.to_string(),
        "3 thing(s) would not be as they are in the tree: ISO 9660: a b is named A_B.;1, ISO 9660: \
         c? is named C_.;1, Joliet: c? is named c_; change them or allow notices"
    );
    let fine = crate::build::tree(&[("FINE.TXT", b""), ("lower.case", b"")]);
    assert!(plan(&fine, &options).is_ok());
}

#[test]
fn every_record_names_its_volume() {
    let (tree, options) = medium();
    let id = VolumeSetId::new("SET_OF_THREE").unwrap();
    let set = VolumeSet::new(id, 2, 3).unwrap();
    for format in [Format::Iso, Format::Bridge, Format::UdfStub] {
        let options = options.clone().with_format(format).with_volume_set(set.clone());
        let plan = plan(&tree, &options).unwrap();
        let image = bytes(&plan);
        assert_clean(&image);
        let opened = Image::open(std::io::Cursor::new(&image)).unwrap();
        assert_eq!((opened.volume().set_size, opened.volume().sequence), (3, 2));
        let sectors: Vec<usize> = if format == Format::UdfStub { vec![16] } else { vec![16, 18] };
        for descriptor in sectors {
            let at = &image[descriptor * 2048..][..2048];
            assert_eq!(at[120..128], [3, 0, 0, 3, 2, 0, 0, 2]);
            let set = if descriptor == 16 { "SET_OF_THREE" } else { "\0S\0E\0T\0_" };
            assert!(at[190..].starts_with(set.as_bytes()));
            // The root as the descriptor has it, then every record of its directory.
            assert_eq!(at[156 + 28..][..4], [2, 0, 0, 2]);
            let lba = u32::from_le_bytes(at[158..162].try_into().unwrap()) as usize;
            let mut record = lba * 2048;
            let mut records = 0;
            while image[record] > 0 {
                assert_eq!(image[record + 28..][..4], [2, 0, 0, 2]);
                record += usize::from(image[record]);
                records += 1;
            }
            assert_eq!(records, if format == Format::UdfStub { 3 } else { 10 });
        }
        if format.has_udf() {
            // Volume 1 of 1 in UDF.
            assert_eq!(image[32 * 2048 + 56..][..4], [1, 0, 1, 0]);
        }
    }
}

#[test]
fn a_system_area_lies_before_the_descriptors() {
    let tree = tree(&[("a", b"x")]);
    // Code, and a partition table without partitions.
    let mbr = [&[0x33; 446][..], &[0; 64], &[0x55, 0xAA]].concat();
    let area = SystemArea::new(mbr.clone()).unwrap();
    let with = image(&tree, &options().with_system_area(area));
    let without = image(&tree, &options());
    assert_eq!(with[..512], mbr);
    assert_eq!(with[512..], without[512..]);
    assert_clean(&with);
    let full = SystemArea::new(vec![1; 32_768]).unwrap();
    assert_clean(&image(&tree, &options().with_system_area(full)));
    let error: SystemAreaError = SystemArea::new(vec![1; 32_769]).unwrap_err();
    assert_eq!((error.found, error.allowed), (32_769, 32_768));
}

/// A label that Joliet would cut is whole in UDF.
#[test]
fn labels_as_long_as_udf_has_room() {
    let label = "Configuration Manager: Größe";
    let tree = tree(&[("a", b"1")]);
    let options = ImageOptions::from_label(label);
    for format in [Format::Bridge, Format::UdfStub] {
        let plan = plan(&tree, &options.clone().with_format(format)).unwrap();
        assert_eq!(plan.udf_label(), Some(label));
        let image = bytes(&plan);
        assert_clean(&image);
        let image = Image::open(Cursor::new(image)).unwrap();
        assert_eq!(image.udf().unwrap().label, label);
    }
    assert_eq!(plan(&tree, &options).unwrap().udf_label(), None);
    let joliet = JolietVolumeId::from_label(label);
    let options = ImageOptions::new(VolumeId::from_label(label), joliet);
    let plan = plan(&tree, &options.with_format(Format::Bridge)).unwrap();
    assert_eq!(plan.udf_label(), Some("Configuration Ma"));
}
