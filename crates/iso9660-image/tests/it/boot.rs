//! Boot entries: sector counts, many entries, boot info tables.

use std::sync::Arc;

use extent_image::{BytesSource, Data, Late, NodeId, PlanBuilder, Source, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{
    BootEntry, BootImage, BootInfoTable, BootInfoTableReason as Reason, ImageOptions, PlanError,
    Platform, Region, RegionPlace, TreeKind, plan,
};

use crate::build::{assert_clean, bytes, find, huge, meta, options, pattern, read_back, tree};

fn bios(image: BootImage) -> BootEntry {
    BootEntry::new(Platform::Bios, image)
}

#[test]
fn a_bios_loads_what_it_is_told() {
    let tree = tree(&[("loader", &pattern(2049))]);
    let count = |platform, count| {
        let image = BootImage::File(find(&tree, "loader"));
        let entry = BootEntry::new(platform, image).with_sector_count(count);
        plan(&tree, &options().with_boot_entry(entry)).map(|plan| plan.boot_entries()[0])
    };
    // 2049 bytes lie in two sectors of the disc, eight of the firmware.
    for good in [1, 4, 8] {
        assert_eq!(count(Platform::Bios, good).unwrap().sector_count, good);
    }
    for found in [0, 9, u16::MAX] {
        let error = count(Platform::Bios, found).unwrap_err();
        let image = "loader".to_owned();
        assert_eq!(error, PlanError::BootSectorCount { image, found, allowed: 8 });
    }
    // To UEFI, 0 and 1 are "to the end of the medium".
    for found in [0, 1, u16::MAX] {
        assert_eq!(count(Platform::Efi, found).unwrap().sector_count, found);
    }
    assert_eq!(
        count(Platform::Bios, 0).unwrap_err().to_string(),
        "the BIOS boot entry of loader states 0 sectors of 512 bytes, 1 to 8 are allowed; leave the \
         number out to load the whole image"
    );
}

#[test]
fn as_many_entries_as_firmware_reads() {
    let tree = tree(&[("loader", &pattern(4096))]);
    let entries = |count| {
        (0..count).fold(options(), |options, _| {
            let image = BootImage::File(find(&tree, "loader"));
            options.with_boot_entry(BootEntry::new(Platform::Efi, image))
        })
    };
    let plan = plan(&tree, &entries(62)).unwrap();
    let image = bytes(&plan);
    assert_clean(&image);
    assert_eq!(Image::open(std::io::Cursor::new(&image)).unwrap().boot_entries().len(), 62);
    let error = iso9660_image::plan(&tree, &entries(63)).unwrap_err();
    assert_eq!(error, PlanError::TooManyBootEntries { needed: 2080, allowed: 2048 });
}

/// The image as a loader with a table has it in the disc.
fn patched(content: &[u8], lba: u32, checksum: u32) -> Vec<u8> {
    let mut patched = content.to_vec();
    patched[8..64].fill(0);
    patched[8..12].copy_from_slice(&16u32.to_le_bytes());
    patched[12..16].copy_from_slice(&lba.to_le_bytes());
    patched[16..20].copy_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
    patched[20..24].copy_from_slice(&checksum.to_le_bytes());
    patched
}

#[test]
fn a_boot_info_table_is_in_the_disc_and_not_in_other_files() {
    let content = pattern(5001);
    let table = BootInfoTable::of(content.as_slice()).unwrap();
    let padded = [&content[64..], &[0; 3]].concat();
    let sum = padded
        .chunks_exact(4)
        .fold(0u32, |sum, word| sum.wrapping_add(u32::from_le_bytes(word.try_into().unwrap())));
    assert_eq!(table.checksum(), sum);

    let source: Arc<dyn Source> = Arc::new(BytesSource::new("loader", content.clone()));
    let mut builder = TreeBuilder::new(meta());
    let mut file =
        |name| builder.file(NodeId::ROOT, name, meta(), Data::Source(Arc::clone(&source))).unwrap();
    let (loader, copy) = (file("isolinux.bin"), file("copy.bin"));
    let tree = builder.finish().unwrap();
    let entry = bios(BootImage::File(loader)).with_boot_info_table(table);
    // Hidden content with the same table is the same.
    let hidden = BootImage::Hidden(Data::Source(Arc::clone(&source)));
    let hidden = bios(hidden).with_boot_info_table(table);
    let plan = plan(&tree, &options().with_boot_entry(entry).with_boot_entry(hidden)).unwrap();
    let lba = plan.file(loader).unwrap().lba;
    assert_ne!(plan.file(copy).unwrap().lba, lba);
    assert_eq!(plan.boot_entries()[1].image.lba, lba);
    let image = bytes(&plan);
    assert_clean(&image);
    let found = read_back(&image, TreeKind::Joliet);
    assert_eq!(found["copy.bin"].as_ref(), Some(&content));
    let expected = patched(&content, lba.sector(), table.checksum());
    assert_eq!(found["isolinux.bin"].as_ref(), Some(&expected));
}

#[test]
fn tables_that_have_no_place() {
    let refusal = |options: ImageOptions, tree: &extent_image::Tree| {
        let error = plan(tree, &options).unwrap_err();
        let PlanError::BootInfoTable { image, reason } = error else { panic!("{error:?}") };
        (image, reason)
    };
    let of = |len| BootInfoTable::of(pattern(len).as_slice()).unwrap();
    let tree = tree(&[("short", &pattern(63)), ("least", &pattern(64)), ("other", &pattern(99))]);
    let entry = |path| bios(BootImage::File(find(&tree, path)));
    let with =
        |entry: BootEntry, table| options().with_boot_entry(entry.with_boot_info_table(table));

    assert_clean(&bytes(&plan(&tree, &with(entry("least"), of(64))).unwrap()));
    let short = refusal(with(entry("short"), of(63)), &tree);
    assert_eq!(short, ("short".into(), Reason::Length { len: 63 }));
    let other = refusal(with(entry("least"), of(65)), &tree);
    assert_eq!(other, ("least".into(), Reason::OtherImage { len: 64, read: 65 }));
    let long = BootEntry::new(Platform::Efi, BootImage::Hidden(huge(1 << 32)));
    assert_eq!(refusal(with(long, of(64)), &tree).1, Reason::Length { len: 1 << 32 });
    let late = Data::Late(Arc::new(Late::new("late", 100, |_| vec![0; 100].into())));
    assert_eq!(refusal(with(bios(BootImage::Hidden(late)), of(100)), &tree).1, Reason::Late);
    // Same length, other bytes.
    let twice = with(entry("other"), of(99));
    let table = BootInfoTable::of(&[0; 99][..]).unwrap();
    let twice = twice.with_boot_entry(entry("other").with_boot_info_table(table));
    assert_eq!(refusal(twice, &tree), ("other".into(), Reason::TwoTables));

    let mut content = PlanBuilder::new();
    content.data("file data", tree.data(find(&tree, "other")).unwrap()).unwrap();
    let region = Region::new(content.finish(), RegionPlace::BeforeFiles);
    let region = region.with_file(find(&tree, "other"), 0);
    let in_region = with(entry("other"), of(99)).with_region(region.clone());
    assert_eq!(refusal(in_region, &tree), ("other".into(), Reason::InRegion));
    let itself = with(bios(BootImage::Region { offset: 0 }), of(99)).with_region(region);
    assert_eq!(refusal(itself, &tree), ("the region".into(), Reason::InRegion));
}
