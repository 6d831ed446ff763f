//! Where everything lies, without looking at data.

use std::sync::Arc;

use extent_image::{BytesSource, Data, Late, NodeId, Source, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{
    BootEntry, BootImage, ImageOptions, Lba, Notice, Platform, TreeKind, plan, sectors_needed,
};

use crate::build::{
    assert_clean, bytes, find, huge, image, medium, meta, notices, options, pattern, tree,
};

fn rows(plan: &iso9660_image::ImagePlan) -> Vec<(u64, u64, &'static str)> {
    let extents = plan.plan().extents().iter();
    extents.map(|e| (e.start() / 2048, e.len(), e.role())).collect()
}

#[test]
fn the_map_of_a_small_image() {
    let tree = tree(&[("a.txt", b"abc"), ("empty", b""), ("sub/b", &[1; 5000])]);
    let boot = BootEntry::new(Platform::Bios, BootImage::File(find(&tree, "sub/b")));
    let plan = plan(&tree, &options().with_boot_entry(boot)).unwrap();
    assert_eq!(
        rows(&plan),
        [
            (0, 32768, "system area"),
            (16, 2048, "volume descriptor"),
            (17, 2048, "volume descriptor"),
            (18, 2048, "volume descriptor"),
            (19, 2048, "volume descriptor"),
            (20, 2048, "path table"),
            (21, 2048, "path table"),
            (22, 2048, "path table"),
            (23, 2048, "path table"),
            (24, 4096, "directory"),
            (26, 4096, "directory"),
            (28, 2048, "boot catalog"),
            (29, 2048, "empty files"),
            (30, 3, "file data"),
            (30, 2045, "slack"),
            (31, 5000, "file data"),
            (33, 1144, "slack"),
            (34, 150 * 2048, "padding"),
        ]
    );
    assert_eq!(plan.sectors(), 184);
    assert_eq!(plan.plan().len(), 184 * 2048);
    assert_eq!(plan.boot_catalog().map(Lba::sector), Some(28));
    let file = plan.file(find(&tree, "sub/b")).unwrap();
    assert_eq!((file.lba.sector(), file.len), (31, 5000));
    assert_eq!(plan.file(find(&tree, "empty")).unwrap().lba.sector(), 29);
    assert_eq!(plan.file(find(&tree, "sub")), None);
    let [entry] = plan.boot_entries() else { panic!() };
    assert_eq!((entry.image, entry.sector_count), (file, 10));
}

#[test]
fn an_empty_tree_is_an_image() {
    let plan = plan(&tree(&[]), &options()).unwrap();
    assert_eq!(plan.boot_catalog(), None);
    assert_eq!(plan.sectors(), 16 + 3 + 4 + 2 + 150);
    assert_clean(&bytes(&plan));
}

#[test]
fn long_files_start_on_4_kib() {
    let tree = tree(&[
        ("1", &[1; 100]),
        ("2", &[2; 65_535]),
        ("3", &[3; 65_536]),
        ("4", &[4; 1]),
        ("5", &[5; 70_000]),
    ]);
    let plan = plan(&tree, &options()).unwrap();
    let lba = |path| plan.file(find(&tree, path)).unwrap().lba.sector();
    assert_eq!(lba("2"), lba("1") + 1);
    assert_eq!((lba("3") % 2, lba("5") % 2), (0, 0));
    assert!(lba("3") - lba("2") <= 33);
    assert_eq!(lba("4"), lba("3") + 32);
    assert_clean(&bytes(&plan));
}

#[test]
fn equal_sources_are_stored_once() {
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("shared", pattern(3000)));
    let mut builder = TreeBuilder::new(meta());
    for name in ["a", "b"] {
        builder.file(NodeId::ROOT, name, meta(), Data::Source(Arc::clone(&source))).unwrap();
    }
    let other = Data::bytes("other", pattern(3000));
    builder.file(NodeId::ROOT, "c", meta(), other).unwrap();
    let tree = builder.finish().unwrap();
    // The same bytes as a hidden boot image still lie there once, before the files.
    let hidden = BootImage::Hidden(Data::Source(source));
    let options = options().with_boot_entry(BootEntry::new(Platform::Efi, hidden));
    let plan = plan(&tree, &options).unwrap();
    let place = |path| plan.file(find(&tree, path)).unwrap();
    assert_eq!(place("a"), place("b"));
    assert_eq!(plan.boot_entries()[0].image, place("a"));
    assert_eq!(place("c").lba.sector(), place("a").lba.sector() + 2);
    assert_clean(&bytes(&plan));
}

#[test]
fn ranks_order_the_data_and_late_content_follows() {
    let mut builder = TreeBuilder::new(meta());
    let sums = Late::new("sums", 10, |_| vec![b'x'; 10].into());
    let late = builder.file(NodeId::ROOT, "SHA256SUMS", meta(), Data::Late(Arc::new(sums)));
    let first = builder.file(NodeId::ROOT, "z", meta(), Data::bytes("z", "z")).unwrap();
    let second = builder.file(NodeId::ROOT, "a", meta(), Data::bytes("a", "a")).unwrap();
    let late = late.unwrap();
    builder.set_rank(first, -1);
    builder.set_rank(late, 1);
    let tree = builder.finish().unwrap();
    let plan = plan(&tree, &options()).unwrap();
    let lbas = [first, second, late].map(|id| plan.file(id).unwrap().lba.sector());
    assert_eq!([lbas[0] + 1, lbas[0] + 2], lbas[1..]);
    assert!(plan.plan().has_late());
    assert_clean(&bytes(&plan));
}

#[test]
fn equal_requests_give_equal_plans() {
    let (tree, options) = medium();
    let (a, b) = (plan(&tree, &options).unwrap(), plan(&tree, &options).unwrap());
    assert_eq!(a.plan(), b.plan());
    let (again, _) = medium();
    assert_eq!(bytes(&a), image(&again, &options));
    assert_eq!(sectors_needed(&tree, &options).unwrap(), a.sectors());
}

#[test]
fn five_thousand_files_in_a_folder() {
    let names: Vec<String> = (0..5000).map(|n| format!("folder/File number {n:05}.dat")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let tree = tree(&files);
    let image = image(&tree, &options());
    assert_clean(&image);
    let mut image = Image::open(std::io::Cursor::new(image)).unwrap();
    for kind in [TreeKind::Primary, TreeKind::Joliet] {
        assert_eq!(image.walk(kind).unwrap().count(), 5001);
    }
}

#[test]
fn deep_folders_are_kept_and_reported() {
    let path = |levels: usize| vec!["folder"; levels].join("/");
    let deep = format!("{}/file.txt", path(40));
    let tree = tree(&[(&deep, b"deep")]);
    let plan = plan(&tree, &options()).unwrap();
    assert_eq!(
        notices(&plan, &tree),
        [
            Notice::Deep { path: path(8), level: 9 },
            Notice::LongPath {
                tree: TreeKind::Primary,
                path: path(37),
                length: 37 * 7 - 1,
                allowed: 255
            },
            Notice::LongPath {
                tree: TreeKind::Joliet,
                path: path(18),
                length: 18 * 7 - 1,
                allowed: 120
            },
        ]
    );
    let image = bytes(&plan);
    assert_clean(&image);
    let found = crate::build::read_back(&image, TreeKind::Joliet);
    assert_eq!(found[&deep].as_deref(), Some(&b"deep"[..]));
}

#[test]
fn files_at_the_limit_and_a_full_disc_without_reading_them() {
    let mut builder = TreeBuilder::new(meta());
    for n in 0..100 {
        builder.file(NodeId::ROOT, &format!("f{n}"), meta(), huge(0xFFFF_FFFF)).unwrap();
    }
    let tree = builder.finish().unwrap();
    let plan = plan(&tree, &options()).unwrap();
    let mut image = Image::open(plan.plan().reader()).unwrap();
    assert_eq!(image.check().unwrap(), []);
    assert_eq!(u64::from(image.volume().sectors), plan.sectors());
    let last = plan.file(find(&tree, "f99")).unwrap();
    assert!(last.lba.byte_offset() > 99 * 0xFFFF_FFFF);
    let sizes: Vec<_> = image.walk(TreeKind::Joliet).unwrap().map(|e| e.unwrap().size()).collect();
    assert_eq!(sizes, [0xFFFF_FFFF; 100]);
}

#[test]
fn a_long_uefi_image_counts_to_the_end_of_the_medium() {
    let options = |len| {
        let image = BootImage::Hidden(huge(len));
        options().with_boot_entry(BootEntry::new(Platform::Efi, image))
    };
    let empty = tree(&[]);
    let most = plan(&empty, &options(65_535 * 512)).unwrap();
    assert_eq!(most.boot_entries()[0].sector_count, 65_535);
    assert_eq!(notices(&most, &empty), []);
    let more = plan(&empty, &options(65_535 * 512 + 1)).unwrap();
    assert_eq!(more.boot_entries()[0].sector_count, 0);
    let len = 65_535 * 512 + 1;
    let image = format!("{len} zeros");
    assert_eq!(notices(&more, &empty), [Notice::SectorCount { image, len }]);
}

#[test]
fn what_the_descriptors_say() {
    let (tree, options) = medium();
    let plan = plan(&tree, &options).unwrap();
    assert_eq!(plan.volume_id().as_str(), "TEST_DISC");
    assert_eq!(plan.joliet_volume_id().unwrap().as_str(), "Test Disc");
    let image = Image::open(plan.plan().reader()).unwrap();
    let (volume, joliet) = (image.volume(), image.joliet().unwrap());
    assert_eq!((volume.label.as_str(), joliet.label.as_str()), ("TEST_DISC", "Test Disc"));
    assert_eq!((volume.sectors, joliet.sectors), (volume.sectors, volume.sectors));
    assert_eq!(volume.modified, Some(tree.newest()));
    assert_eq!((volume.set_size, volume.sequence), (1, 1));
    let found: Vec<_> = image
        .boot_entries()
        .iter()
        .map(|e| (e.platform, e.bootable, e.lba, e.sector_count))
        .collect();
    let place = |path| plan.file(find(&tree, path)).unwrap().lba;
    assert_eq!(
        found,
        [
            (Some(Platform::Bios), true, place("boot/etfsboot.com"), 8),
            (Some(Platform::Efi), true, place("EFI/Microsoft/Boot/efisys.bin"), 40),
        ]
    );
}

#[test]
fn hidden_files_and_times_reach_the_records() {
    let mut hidden = meta();
    hidden.attributes.hidden = true;
    let mut builder = TreeBuilder::new(meta());
    builder.file(NodeId::ROOT, "h", hidden, Data::bytes("t", "x")).unwrap();
    let mut old = meta();
    old.modified = extent_image::Timestamp::from_unix_seconds(-3_000_000_000);
    builder.file(NodeId::ROOT, "old", old, Data::bytes("t", "x")).unwrap();
    let tree = builder.finish().unwrap();
    let plan = plan(&tree, &ImageOptions::from_label("")).unwrap();
    assert_eq!(notices(&plan, &tree), [Notice::Time { path: "old".into() }]);
    let mut image = Image::open(plan.plan().reader()).unwrap();
    assert_eq!(image.check().unwrap(), []);
    let entries: Vec<_> = image.walk(TreeKind::Joliet).unwrap().map(Result::unwrap).collect();
    assert_eq!((entries[0].hidden(), entries[0].modified()), (true, Some(meta().modified)));
    assert_eq!((entries[1].hidden(), entries[1].modified()), (false, None));
}
