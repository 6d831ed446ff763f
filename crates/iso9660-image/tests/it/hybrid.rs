//! Images with a region: another plan in the image, with files of the tree in it.

use std::sync::Arc;

use extent_image::{
    BytesSource, Content, Data, Extent, Late, NodeId, Plan, PlanBuilder, Source, SourceId, Tree,
    TreeBuilder,
};
use iso9660_image::check::Image;
use iso9660_image::{
    BootEntry, BootImage, Format, Lba, PlanError, Platform, Region, RegionPlace, TreeKind, plan,
    sectors_needed,
};
use proptest::prelude::*;

use crate::build::{
    assert_clean, bytes, expected, find, huge, meta, notices, options, pattern, read_back, tree,
};

/// A volume as a FAT writer makes it: structures, then each file on a cluster of 4 KiB.
fn volume(tree: &Tree, files: &[&str]) -> (Plan, Vec<(NodeId, u64)>) {
    let mut builder = PlanBuilder::new();
    builder.bytes("boot sector", vec![0xEB; 512]).unwrap();
    builder.free_to("tables", 40_960).unwrap();
    let mut places = Vec::new();
    for path in files {
        let at = builder.position().next_multiple_of(4096);
        builder.zero_to("cluster slack", at).unwrap();
        let file = find(tree, path);
        places.push((file, at));
        builder.data("file data", tree.data(file).unwrap()).unwrap();
    }
    builder.zero_to("cluster slack", builder.position().next_multiple_of(4096)).unwrap();
    (builder.finish(), places)
}

fn region(tree: &Tree, files: &[&str], place: RegionPlace) -> Region {
    let (content, places) = volume(tree, files);
    let region = Region::new(content, place);
    places.into_iter().fold(region, |region, (file, at)| region.with_file(file, at))
}

fn small() -> Tree {
    tree(&[
        ("bootmgr", &pattern(5000)),
        ("boot/etfsboot.com", &pattern(4096)),
        ("sources/boot.wim", &pattern(70_000)),
        ("Größe.txt", b"not in the volume"),
        ("empty", b""),
    ])
}

const IN_VOLUME: [&str; 3] = ["boot/etfsboot.com", "bootmgr", "sources/boot.wim"];

#[test]
fn records_lead_into_the_region() {
    let tree = small();
    for format in [Format::Iso, Format::Bridge, Format::UdfStub] {
        for place in [RegionPlace::At(Lba::new(512)), RegionPlace::BeforeFiles] {
            let region = region(&tree, &IN_VOLUME, place);
            let content = region.content().clone();
            let options = options().with_format(format).with_region(region);
            let plan = plan(&tree, &options).unwrap();
            assert_eq!(sectors_needed(&tree, &options).unwrap(), plan.sectors());
            let at = plan.region().unwrap();
            if place == RegionPlace::BeforeFiles {
                assert_eq!(at.sector() % 2, 0);
            } else {
                assert_eq!(at.sector(), 512);
            }
            let image = bytes(&plan);
            assert_clean(&image);
            let start = usize::try_from(at.byte_offset()).unwrap();
            let mut volume = Vec::new();
            std::io::Read::read_to_end(&mut content.reader(), &mut volume).unwrap();
            assert_eq!(image[start..start + volume.len()], volume);
            // Nothing is there twice.
            for path in IN_VOLUME {
                let id = tree.data(find(&tree, path)).unwrap().source_id();
                let held = |extent: &&Extent| match extent.content() {
                    Content::Source(source, _) => Some(SourceId::of(source)) == id,
                    _ => false,
                };
                assert_eq!(plan.plan().extents().iter().filter(held).count(), 1);
            }
            let first = plan.file(find(&tree, "boot/etfsboot.com")).unwrap();
            assert_eq!(first.lba.sector(), at.sector() + 20);
            let kinds: &[TreeKind] = match format {
                Format::Iso => &[TreeKind::Primary, TreeKind::Joliet],
                Format::Bridge => &[TreeKind::Primary, TreeKind::Joliet, TreeKind::Udf],
                _ => &[TreeKind::Udf],
            };
            for &kind in kinds {
                assert_eq!(read_back(&image, kind), expected(&tree, &plan, kind));
            }
        }
    }
}

/// Parts that have no room before a region lie behind it, each in one piece.
#[test]
fn what_has_no_room_before_lies_behind() {
    let names: Vec<String> = (0..400).map(|n| format!("folder {}/file {n:03}", n % 7)).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
    let big = pattern(300_000);
    files.push(("big", &big));
    let tree = tree(&files);
    for format in [Format::Iso, Format::Bridge, Format::UdfStub] {
        let least = match format {
            Format::Iso => 16 + 3,
            _ => 259,
        };
        // Wherever the hole is, all else finds its place.
        for at in (least..least + 60).step_by(7).chain([least + 450, least + 900]) {
            let region = region(&tree, &["big"], RegionPlace::At(Lba::new(at)));
            let options = options().with_format(format).with_region(region);
            let plan = plan(&tree, &options).unwrap();
            assert_eq!(plan.region(), Some(Lba::new(at)));
            let big = plan.file(find(&tree, "big")).unwrap();
            assert_eq!(big.lba.sector(), at + 20);
            let mut image = Image::open(plan.plan().reader()).unwrap();
            assert_eq!(image.check().unwrap(), [], "{format:?} {at}");
        }
        let early = region(&tree, &["big"], RegionPlace::At(Lba::new(least - 1)));
        let error = plan(&tree, &options().with_format(format).with_region(early)).unwrap_err();
        let (found, allowed) = (least - 1, least);
        assert_eq!(error, PlanError::RegionTooEarly { found, allowed });
    }
}

/// A volume of 260 MiB behind the first MiB: the image is hardly larger.
#[test]
fn a_large_region_costs_little() {
    let tree = small();
    let mut builder = PlanBuilder::new();
    let mut region = Vec::new();
    builder.bytes("boot sector", vec![0xEB; 4096]).unwrap();
    for path in IN_VOLUME {
        let at = builder.position().next_multiple_of(4096);
        builder.zero_to("cluster slack", at).unwrap();
        region.push((find(&tree, path), at));
        builder.data("file data", tree.data(find(&tree, path)).unwrap()).unwrap();
    }
    let len = 260 << 20;
    builder.free_to("free clusters", len).unwrap();
    let place = RegionPlace::At(Lba::new(512));
    let region =
        region.into_iter().fold(Region::new(builder.finish(), place), |region, (file, at)| {
            region.with_file(file, at)
        });
    let entry = BootEntry::new(Platform::Efi, BootImage::Region { offset: 0 });
    let loader = BootImage::File(find(&tree, "boot/etfsboot.com"));
    let options = options()
        .with_format(Format::Bridge)
        .with_region(region)
        .with_boot_entry(entry)
        .with_boot_entry(BootEntry::new(Platform::Bios, loader));
    let plan = plan(&tree, &options).unwrap();
    let more = plan.plan().len() - (1 << 20) - len;
    assert!(more <= 400 << 10, "{more}");
    // What is before the region is told by nothing but the tree.
    assert!(notices(&plan, &tree).iter().all(|n| n.to_string().contains("is named")));
    let [bios, efi] = plan.boot_entries() else { panic!() };
    assert_eq!((bios.image.lba.sector(), bios.sector_count), (514, 8));
    assert_eq!((efi.image.lba.sector(), efi.image.len, efi.sector_count), (512, len, 0));
    let udf = Image::open(plan.plan().reader()).unwrap().udf().is_some();
    assert!(udf);
}

#[test]
fn small_regions_state_their_sectors() {
    let tree = small();
    let region = region(&tree, &IN_VOLUME, RegionPlace::BeforeFiles);
    let len = region.content().len();
    let entry = |offset| BootEntry::new(Platform::Efi, BootImage::Region { offset });
    let options = options().with_region(region);
    let with = |offset| plan(&tree, &options.clone().with_boot_entry(entry(offset)));
    let first = with(0).unwrap();
    assert_eq!(u64::from(first.boot_entries()[0].sector_count), len / 512);
    assert_eq!(Some(first.boot_entries()[0].image.lba), first.region());
    let second = with(2048).unwrap();
    assert_eq!(second.boot_entries()[0].image.len, len - 2048);
    for offset in [1, 512, len.next_multiple_of(2048), u64::MAX - 2047] {
        let platform = Platform::Efi;
        let error = with(offset).unwrap_err();
        assert_eq!(error, PlanError::BootImageOutsideRegion { platform, offset, len });
    }
    let without = crate::build::options().with_boot_entry(entry(0));
    let error = plan(&tree, &without).unwrap_err();
    assert!(matches!(error, PlanError::BootImageOutsideRegion { offset: 0, len: 0, .. }));
}

#[test]
fn files_of_one_source_share_the_place_in_the_region() {
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("shared", pattern(3000)));
    let late = Arc::new(Late::new("sums", 5, |_| b"12345".to_vec().into()));
    let mut builder = TreeBuilder::new(meta());
    let mut file = |name, data| builder.file(NodeId::ROOT, name, meta(), data).unwrap();
    let (first, twin) = (
        file("first", Data::Source(Arc::clone(&source))),
        file("twin", Data::Source(Arc::clone(&source))),
    );
    let sums = file("sums", Data::Late(late));
    let tree = builder.finish().unwrap();
    let (content, places) = volume(&tree, &["first", "sums"]);
    let region = Region::new(content, RegionPlace::At(Lba::new(100)));
    let region = places.iter().fold(region, |region, (file, at)| region.with_file(*file, *at));
    let hidden = BootImage::Hidden(Data::Source(source));
    let options =
        options().with_region(region).with_boot_entry(BootEntry::new(Platform::Bios, hidden));
    let plan = plan(&tree, &options).unwrap();
    let lba = |file| plan.file(file).unwrap().lba.sector();
    assert_eq!([lba(first), lba(twin), lba(sums)], [120, 120, 122]);
    assert_eq!(plan.boot_entries()[0].image.lba.sector(), 120);
    assert!(
        !plan
            .plan()
            .extents()
            .iter()
            .skip_while(|e| e.start() < 124 * 2048)
            .any(|extent| { matches!(extent.content(), Content::Source(..) | Content::Late(_)) })
    );
    assert_clean(&bytes(&plan));
}

#[test]
fn claims_that_are_not_true() {
    let tree = small();
    let (content, places) = volume(&tree, &IN_VOLUME);
    let region = Region::new(content, RegionPlace::BeforeFiles);
    let refusal = |file: NodeId, offset| {
        let region = region.clone().with_file(file, offset);
        plan(&tree, &options().with_region(region)).unwrap_err()
    };
    let (loader, at) = places[0];
    let path = "boot/etfsboot.com".to_owned();
    assert_eq!(
        refusal(loader, at + 512),
        PlanError::RegionFileUnaligned { path: path.clone(), offset: at + 512, allowed: 2048 }
    );
    let offset = at + 2048;
    let found = "file data test".to_owned();
    assert_eq!(
        refusal(loader, offset),
        PlanError::RegionFileElsewhere { path, offset, at: offset, found }
    );
    assert_eq!(
        refusal(find(&tree, "Größe.txt"), 1 << 40).to_string(),
        "Größe.txt: stated to lie at byte 1099511627776 of the region, but at byte 1099511627776 \
         there is: the end of the region; state where the region's plan holds this very source"
    );
    assert_eq!(
        refusal(find(&tree, "boot"), 0),
        PlanError::RegionFileNotAFile { path: "boot".into() }
    );
    // More than the format counts, all of it measured.
    let mut builder = PlanBuilder::new();
    builder.data("file data", &huge(1 << 44)).unwrap();
    let region = Region::new(builder.finish(), RegionPlace::BeforeFiles);
    let error = plan(&tree, &options().with_region(region)).unwrap_err();
    assert!(matches!(error, PlanError::TooManySectors { .. }), "{error:?}");
}

/// A file: its length, the folder it goes into, and whether it lies in the region.
fn rows() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    let len = prop_oneof![Just(0), 1usize..5000, Just(2048), Just(65_536)];
    prop::collection::vec((len, 0usize..4, any::<bool>()), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_tree_with_a_region_reads_back(
        rows in rows(),
        at in prop::option::of(259u32..700),
        format in prop::sample::select(vec![Format::Iso, Format::Bridge, Format::UdfStub]),
    ) {
        let names: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(n, (_, folder, _))| format!("folder {folder}/file {n:02}"))
            .collect();
        let content: Vec<Vec<u8>> = rows.iter().map(|(len, _, _)| pattern(*len)).collect();
        let files: Vec<(&str, &[u8])> =
            names.iter().map(String::as_str).zip(content.iter().map(Vec::as_slice)).collect();
        let tree = tree(&files);
        let placed = rows.iter().zip(&names).filter(|((_, _, placed), _)| *placed);
        let placed: Vec<&str> = placed.map(|(_, name)| name.as_str()).collect();
        let place = at.map_or(RegionPlace::BeforeFiles, |at| RegionPlace::At(Lba::new(at)));
        let region = region(&tree, &placed, place);
        let plan = plan(&tree, &options().with_format(format).with_region(region)).unwrap();
        let image = bytes(&plan);
        prop_assert_eq!(image.len() as u64, plan.sectors() * 2048);
        assert_clean(&image);
        let kinds: &[TreeKind] = match format {
            Format::Iso => &[TreeKind::Primary, TreeKind::Joliet],
            Format::Bridge => &[TreeKind::Primary, TreeKind::Joliet, TreeKind::Udf],
            _ => &[TreeKind::Udf],
        };
        for &kind in kinds {
            prop_assert_eq!(read_back(&image, kind), expected(&tree, &plan, kind));
        }
    }
}
