//! What is refused before the first byte, with its numbers.

use std::io::Cursor;

use extent_image::{Data, NodeId, PlanBuilder, Tree, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{
    BootEntry, BootImage, Format, Joliet, Lba, PlanError, Platform, Region, RegionPlace, Rename,
    RockRidge, TreeKind, plan, sectors_needed,
};

use crate::build::{assert_clean, find, format, huge, image, meta, options, tree};

fn refusal(tree: &Tree, options: &iso9660_image::ImageOptions) -> PlanError {
    plan(tree, options).expect_err("must be refused")
}

fn with_a_file_of(len: u64) -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let folder = builder.folder(NodeId::ROOT, "sources", meta()).unwrap();
    builder.file(folder, "install.wim", meta(), huge(len)).unwrap();
    builder.finish().unwrap()
}

/// A hundred sections in the trees of records, 234 pieces in UDF.
#[test]
fn the_longest_file() {
    for (udf, allowed) in [(false, 100 * 0xFFFF_F800), (true, 234 * 0x3FFF_F800)] {
        let options = options().with_format(format(udf));
        assert!(plan(&with_a_file_of(allowed), &options).is_ok());
        let error = refusal(&with_a_file_of(allowed + 1), &options);
        let (path, len) = ("sources/install.wim".to_owned(), allowed + 1);
        assert_eq!(error, PlanError::FileTooLarge { path, len, allowed });
    }
    let error = refusal(&with_a_file_of(1 << 50), &options());
    assert_eq!(
        error.to_string(),
        "sources/install.wim: 1125899906842624 bytes, a file of this image may have 429496524800; \
         split it or leave it out"
    );
}

#[test]
fn names_that_udf_cannot_hold() {
    let udf = options().with_format(Format::Bridge);
    for (longest, found) in [("ä".repeat(254), 256), ("漢".repeat(127), 257)] {
        assert!(plan(&tree(&[(&longest, b"")]), &udf).is_ok());
        let path = format!("{longest}x");
        let error = refusal(&tree(&[(&path, b"")]), &udf);
        assert_eq!(error, PlanError::UdfName { path: path.clone(), found, allowed: 255 });
        assert!(plan(&tree(&[(&path, b"")]), &options()).is_ok());
    }
}

#[test]
fn more_folders_in_one_than_links() {
    let folders = |count: u32| {
        let mut builder = TreeBuilder::new(meta());
        for n in 0..count {
            builder.folder(NodeId::ROOT, &format!("{n:05}"), meta()).unwrap();
        }
        builder.finish().unwrap()
    };
    let udf = options().with_format(Format::Bridge);
    assert!(sectors_needed(&folders(65_534), &udf).is_ok());
    let error = sectors_needed(&folders(65_535), &udf).unwrap_err();
    let (path, found, allowed) = (String::new(), 65_535, 65_534);
    assert_eq!(error, PlanError::UdfSubfolders { path, found, allowed });
}

#[test]
fn more_than_the_medium_holds() {
    let tree = tree(&[("a", &[1; 10_000])]);
    let needed = sectors_needed(&tree, &options()).unwrap();
    let exact = options().with_capacity_sectors(Some(needed));
    assert_eq!(plan(&tree, &exact).unwrap().sectors(), needed);
    let error = refusal(&tree, &options().with_capacity_sectors(Some(needed - 3)));
    assert_eq!(error, PlanError::Capacity { needed, allowed: needed - 3, over: 3 });
}

#[test]
fn more_than_the_format_counts() {
    let mut builder = TreeBuilder::new(meta());
    for n in 0..2049 {
        builder.file(NodeId::ROOT, &format!("f{n}"), meta(), huge(0xFFFF_FFFF)).unwrap();
    }
    let error = refusal(&builder.finish().unwrap(), &options());
    let PlanError::TooManySectors { needed, allowed } = error else { panic!("{error:?}") };
    assert_eq!(allowed, 0xFFFF_FFFF);
    assert!(needed > 2049 * (1 << 21));
}

#[test]
fn names_that_differ_by_case() {
    let error = refusal(&tree(&[("sub/Readme", b""), ("sub/README", b"")]), &options());
    assert_eq!(
        error.to_string(),
        "sub/README and sub/Readme differ only by case, Windows would see one; rename one of them"
    );
}

/// Joliet changes these and tells them apart by numbers; UDF, where Windows looks first, does not.
#[test]
fn names_that_differ_by_case_in_udf_alone() {
    let (upper, lower) = ("A".repeat(70) + ".TXT", "a".repeat(70) + ".txt");
    for [first, second] in [[upper.as_str(), lower.as_str()], ["Q?X", "q?x"]] {
        let tree = tree(&[(first, b""), (second, b"")]);
        assert!(plan(&tree, &options()).is_ok());
        for format in [Format::Bridge, Format::UdfStub] {
            for joliet in [Joliet::Off, Joliet::Units64, Joliet::Units103] {
                let error = refusal(&tree, &options().with_format(format).with_joliet(joliet));
                let (first, second) = (first.to_owned(), second.to_owned());
                assert_eq!(error, PlanError::CaseCollision { first, second });
            }
        }
    }
}

/// As long as our checker and others follow them, in each tree as it is written there.
#[test]
fn paths_of_sixteen_kibibytes() {
    // Folders of this name, and a file of as many letters as are left.
    let path = |folder: &str, len: usize| {
        let folders = format!("{folder}/").repeat((len - 1) / (folder.len() + 1));
        format!("{folders}{}", "N".repeat(len - folders.len()))
    };
    let off = || options().with_joliet(Joliet::Off);
    let bridge = off().with_format(Format::Bridge);
    let rock_ridge = off().with_rock_ridge(RockRidge::ReadOnly);
    let (long, wide, short) = ("d".repeat(250), "漢".repeat(63), "D".repeat(31));
    let rows = [
        (bridge, TreeKind::Udf, &long, 16_383),
        (rock_ridge, TreeKind::Primary, &long, 16_383),
        // The primary tree has names of 31 bytes for these.
        (options(), TreeKind::Joliet, &wide, 16_383),
        // A file has a dot and a version.
        (off(), TreeKind::Primary, &short, 16_380),
    ];
    for (options, kind, folder, longest) in rows {
        let image = image(&tree(&[(&path(folder, longest), b"x")]), &options);
        assert_clean(&image);
        assert!(Image::open(Cursor::new(image)).unwrap().walk(kind).unwrap().all(|it| it.is_ok()));
        let longer = path(folder, longest + 1);
        let error = refusal(&tree(&[(&longer, b"x")]), &options);
        let path = longer.chars().take(100).collect();
        let (found, allowed) = (16_384, 16_383);
        assert_eq!(error, PlanError::PathTooLong { tree: kind, path, found, allowed });
    }
}

#[test]
fn a_region_of_nothing() {
    for place in [RegionPlace::BeforeFiles, RegionPlace::At(Lba::new(300))] {
        let region = Region::new(PlanBuilder::new().finish(), place);
        let error = refusal(&tree(&[("a", b"1")]), &options().with_region(region));
        assert_eq!(error, PlanError::RegionEmpty { found: 0, allowed: 1 });
    }
}

#[test]
fn strict_joliet_lists_every_name() {
    let tree = tree(&[("a:b", b""), ("fine.txt", b""), ("sub/c?", b"")]);
    assert!(plan(&tree, &options()).is_ok());
    let error = refusal(&tree, &options().with_strict_joliet(true));
    let rename = |path: &str, written: &str| Rename {
        tree: TreeKind::Joliet,
        path: path.into(),
        written: written.into(),
    };
    let renames = vec![rename("a:b", "a_b"), rename("sub/c?", "c_")];
    assert_eq!(error, PlanError::JolietNames { renames });
    assert_eq!(error.to_string(), "2 name(s) do not fit Joliet (a:b, sub/c?); rename them");
}

#[test]
fn boot_images_that_cannot_boot() {
    let tree = tree(&[("sub/empty", b"")]);
    let with = |platform, image| options().with_boot_entry(BootEntry::new(platform, image));
    let folder = BootImage::File(find(&tree, "sub"));
    assert_eq!(
        refusal(&tree, &with(Platform::Bios, folder)),
        PlanError::BootImageNotAFile { platform: Platform::Bios, path: "sub".into() }
    );
    let empty = BootImage::File(find(&tree, "sub/empty"));
    assert_eq!(
        refusal(&tree, &with(Platform::Efi, empty)),
        PlanError::BootImageEmpty { platform: Platform::Efi, image: "sub/empty".into() }
    );
    let (len, allowed) = (65_535 * 512 + 1, 65_535 * 512);
    let large = BootImage::Hidden(huge(len));
    let image = format!("{len} zeros");
    assert_eq!(
        refusal(&tree, &with(Platform::Bios, large.clone())),
        PlanError::BootImageTooLarge { image, len, allowed }
    );
    let part = BootEntry::new(Platform::Bios, large).with_sector_count(4).with_load_segment(0x1000);
    let plan = plan(&tree, &options().with_boot_entry(part)).unwrap();
    assert_eq!(plan.boot_entries()[0].sector_count, 4);
    assert_eq!(plan.boot_entries()[0].load_segment, 0x1000);
}

/// 65,535 folders can hold folders; the path table has no room for the number of another.
#[test]
fn folders_beyond_sixteen_bits() {
    let nested = |at: usize| {
        let mut builder = TreeBuilder::new(meta());
        let mut folder = NodeId::ROOT;
        for n in 0..65_535 {
            let id = builder.folder(NodeId::ROOT, &format!("{n:05}"), meta()).unwrap();
            if n == at {
                folder = id;
            }
        }
        builder.folder(folder, "child", meta()).unwrap();
        builder.file(folder, "file", meta(), Data::bytes("t", "x")).unwrap();
        builder.finish().unwrap()
    };
    // The root is number 1, so this is number 65,535.
    assert!(sectors_needed(&nested(65_533), &options()).is_ok());
    let error = sectors_needed(&nested(65_534), &options()).unwrap_err();
    assert_eq!(
        error,
        PlanError::TooManyFolders {
            tree: TreeKind::Primary,
            path: "65534".into(),
            number: 65_536,
            allowed: 65_535
        }
    );
}
