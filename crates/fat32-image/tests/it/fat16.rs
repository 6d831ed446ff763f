//! FAT16 volumes, tight volumes, and the choice between the FAT types.

use bytes::Bytes;
use extent_image::{Data, Meta, NodeId, StreamOptions, Timestamp, Tree, TreeBuilder};
use fat32_image::check::Volume;
use fat32_image::{
    BootCode, ClusterSize, FatType, Label, VolumeError, VolumeOptions, VolumePlan, VolumeSize,
    plan, smallest_volume,
};
use std::io;
use std::sync::Arc;

use crate::image::Image;
use crate::layout::Long;
use crate::model::sample;

const MIB: u64 = 1 << 20;

fn fat16() -> VolumeOptions {
    VolumeOptions::new().with_fat_type(FatType::Fat16)
}

/// As for a disc: clusters of a disc's sector, and nothing more than needed.
fn tight(options: VolumeOptions) -> VolumeOptions {
    options.with_size(VolumeSize::Tight).with_cluster_size(ClusterSize::KIB2)
}

/// A tree of one file.
fn one_file(len: u64) -> Tree {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    tree.file(NodeId::ROOT, "boot.wim", meta, Arc::new(Long(len))).unwrap();
    tree.finish().unwrap()
}

/// A root folder of so many slots.
fn wide_root(slots: usize) -> Tree {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    for n in 0..slots {
        tree.file(NodeId::ROOT, &format!("{n}"), meta, Data::bytes("x", "")).unwrap();
    }
    tree.finish().unwrap()
}

#[test]
fn boot_sector_by_hand() {
    let options = tight(fat16())
        .with_label(Label::new("WINPE").unwrap())
        .with_volume_id(0x1234_ABCD)
        .with_hidden_sectors(2048);
    let planned = plan(&sample(&[]), &options).unwrap();
    let image = Image::new(planned.plan());
    // 4103 entries in 17 sectors; 1 + 2 * 17 + 32 is 67, so 5 more reserved ones make 72, that is
    // 9 * 4 KiB. 72 + 4 * 4101 is 16,476; 16,480 is the next multiple of 8.
    let expected = [
        0xEB, 0x3C, 0x90, b'M', b'S', b'W', b'I', b'N', b'4', b'.', b'1', // jump, OEM name
        0x00, 0x02, 4, 6, 0, 2, // 512 bytes, 4 sectors, 6 reserved, 2 FATs
        0x00, 0x02, 0x60, 0x40, 0xF8, 17, 0, 63, 0, 255, 0, // 512 slots, 16,480 sectors, FAT
        0x00, 0x08, 0, 0, 0, 0, 0, 0, // 2048 hidden, no long count
        0x80, 0, 0x29, 0xCD, 0xAB, 0x34, 0x12, // drive, state, id
        b'W', b'I', b'N', b'P', b'E', b' ', b' ', b' ', b' ', b' ', b' ', // label
        b'F', b'A', b'T', b'1', b'6', b' ', b' ', b' ', 0xCD, 0x18, 0xF4, 0xEB, 0xFD,
        0, // code
    ];
    let boot = image.part(0, 512);
    assert_eq!(boot[..expected.len()], expected);
    assert!(boot[expected.len()..510].iter().all(|byte| *byte == 0));
    assert_eq!(boot[510..], [0x55, 0xAA]);
    // No FSInfo, no backup: zeros up to the first FAT.
    assert_eq!(image.part(512, 5 * 512), [0; 5 * 512]);
    for fat in [6 * 512, 23 * 512] {
        assert_eq!(image.part(fat, 6), [0xF8, 0xFF, 0xFF, 0xFF, 0, 0]);
    }
    assert_eq!(image.part(40 * 512, 12), *b"WINPE      \x08");
    let geometry = planned.geometry();
    assert_eq!((geometry.fat_type(), geometry.root_entries()), (FatType::Fat16, 512));
    assert_eq!((geometry.data_start(), geometry.cluster_count()), (9 * 4096, 4102));
}

#[test]
fn a_volume_of_65536_sectors_has_the_long_count() {
    for (sectors, short, long) in [(65_535, 65_535, 0), (65_536, 0, 65_536)] {
        let options = fat16().with_size(VolumeSize::Bytes(sectors * 512));
        let image = Image::new(plan(&sample(&[]), &options).unwrap().plan());
        assert_eq!(image.part(0x13, 2), u16::to_le_bytes(short));
        assert_eq!(image.part(0x20, 4), u32::to_le_bytes(long));
    }
}

#[test]
fn extents_in_order() {
    let paths = [("BOOTMGR.EFI", 5000), ("EFI/", 0), ("EFI/a", 2048), ("empty", 0)];
    let planned = plan(&sample(&paths), &tight(fat16())).unwrap();
    let rows: Vec<_> =
        planned.plan().extents().iter().map(|e| (e.start(), e.end(), e.role())).collect();
    let data = 9 * 4096;
    let expected = [
        (0, 512, "boot sector"),
        (512, 6 * 512, "padding"),
        (6 * 512, 7 * 512, "fat 1"),
        (7 * 512, 23 * 512, "fat 1"),
        (23 * 512, 24 * 512, "fat 2"),
        (24 * 512, 40 * 512, "fat 2"),
        // BOOTMGR.EFI, EFI, empty
        (40 * 512, 40 * 512 + 96, "directory"),
        (40 * 512 + 96, data, "slack"),
        (data, data + 96, "directory"),
        (data + 96, data + 2048, "slack"),
        (data + 2048, data + 7048, "file data"),
        (data + 7048, data + 8192, "slack"),
        (data + 8192, data + 10_240, "file data"),
        (data + 10_240, 16_480 * 512, "free space"),
    ];
    assert_eq!(rows, expected);
    let root = planned.placement(NodeId::ROOT).unwrap();
    assert_eq!((root.first_cluster(), root.offset(), root.len()), (0, 40 * 512, 96));
    assert_eq!(planned.free_clusters(), 4102 - 5);
    // What lies in a child of the root says so by a zero; cluster 2 is the first of the clusters.
    let image = Image::new(planned.plan());
    assert_eq!(image.part(data, 12), *b".          \x10");
    assert_eq!(
        (image.part(data + 0x1A, 2), image.part(data + 32 + 0x1A, 2)),
        (vec![2, 0], vec![0; 2])
    );
}

/// A change here means that the same request gives another image: say so in the change.
#[test]
fn the_digest_of_a_volume_is_stable() {
    let paths = [
        ("EFI/", 0),
        ("EFI/Boot/", 0),
        ("EFI/Boot/bootx64.efi", 400_000),
        ("EFI/Größe 日本.txt", 5),
        ("empty", 0),
        ("MediaLabel.txt", 12),
    ];
    let options = tight(fat16()).with_label(Label::new("CONFIGURATI").unwrap());
    let planned = plan(&sample(&paths), &options).unwrap();
    let streamed = StreamOptions::default().with_image_digest(true);
    let report = planned.plan().write_to(io::sink(), &streamed, &mut ()).unwrap();
    let digest = report.image_digest.unwrap().to_string();
    assert_eq!(digest, "2dd65656ff2ea415607186e7b4c24ed2796846a1781077388650f302567a01fc");
}

#[test]
fn the_type_follows_the_content() {
    let options = VolumeOptions::new().with_smallest_fat_type().with_size(VolumeSize::Tight);
    let planned = |len, size| {
        let options = options.clone().with_cluster_size(ClusterSize::new(size).unwrap());
        plan(&one_file(len), &options).unwrap()
    };
    for size in [512, 2048, 4096, 32_768] {
        let bytes = u64::from(size);
        // With clusters of 512 bytes the length in 4 KiB ends eight clusters before the limit.
        let most = if size == 512 { 65_504 } else { 65_508 };
        let last = planned(most * bytes, size);
        assert_eq!(last.geometry().fat_type(), FatType::Fat16);
        assert_eq!((u64::from(last.geometry().cluster_count()), last.free_clusters()), (most, 0));
        let first = planned(most * bytes + 1, size);
        assert_eq!(first.geometry().fat_type(), FatType::Fat32);
        let clusters = first.geometry().cluster_count();
        assert!((65_541..65_549).contains(&clusters), "{clusters}");
        // The step from one type to the other costs little beside the content.
        let more = first.plan().len() - last.plan().len();
        assert!(more < 45 * bytes + 300_000, "{more}");
    }
    // The default: 4 KiB, and FAT32 before larger clusters.
    let small = plan(&one_file(200 * MIB), &options).unwrap();
    assert_eq!(
        (small.geometry().fat_type(), small.geometry().cluster_size()),
        (FatType::Fat16, 4096)
    );
    let large = plan(&one_file(300 * MIB), &options).unwrap();
    assert_eq!(
        (large.geometry().fat_type(), large.geometry().cluster_size()),
        (FatType::Fat32, 4096)
    );
    let given = |mib| {
        let options = options.clone().with_size(VolumeSize::Bytes(mib * MIB));
        plan(&one_file(MIB), &options).unwrap().geometry().fat_type()
    };
    assert_eq!(
        (given(30), given(250), given(300)),
        (FatType::Fat16, FatType::Fat16, FatType::Fat32)
    );
}

#[test]
fn fat16_alone_takes_larger_clusters() {
    for (mib, size) in [(10, 4096), (254, 4096), (300, 8192), (900, 16_384), (2000, 32_768)] {
        for tightness in [VolumeSize::Fit, VolumeSize::Tight] {
            let planned = plan(&one_file(mib * MIB), &fat16().with_size(tightness)).unwrap();
            let geometry = planned.geometry();
            assert_eq!((geometry.fat_type(), geometry.cluster_size()), (FatType::Fat16, size));
            assert!((4_101..=65_508).contains(&geometry.cluster_count()));
        }
    }
    // What whole MiB would make too many clusters of.
    let planned = plan(&one_file(65_508 * 4096), &fat16()).unwrap();
    assert_eq!(planned.geometry().cluster_count(), 65_508);
    assert_eq!((planned.geometry().data_start(), planned.plan().len() % 4096), (MIB, 0));
}

#[test]
fn what_does_not_fit_is_told() {
    let error = |len, options: &VolumeOptions| plan(&one_file(len), options).unwrap_err();
    let found = error(200 * MIB, &tight(fat16()));
    let VolumeError::TooManyClusters { fat_type, clusters, cluster_size: 2048, limit } = found
    else {
        panic!("{found}")
    };
    assert_eq!((fat_type, clusters, limit), (FatType::Fat16, 102_400, 65_508));
    assert_eq!(
        found.to_string(),
        "a volume of 102400 clusters of 2048 bytes; FAT16 numbers 65508: choose larger clusters, or FAT32"
    );
    let text = error(3000 * MIB, &fat16()).to_string();
    assert!(text.ends_with("of 32768 bytes; FAT16 numbers 65508: choose FAT32"), "{text}");
    let found = error(1, &fat16().with_size(VolumeSize::Bytes(3 << 30)));
    assert!(matches!(found, VolumeError::TooManyClusters { cluster_size: 32_768, .. }), "{found}");
    let found = error(1 << 32, &fat16());
    assert!(matches!(found, VolumeError::Tree { total: 1, .. }), "{found}");

    let found = error(MIB, &fat16().with_size(VolumeSize::Bytes(MIB)));
    let VolumeError::TooSmall { given: MIB, smallest } = found else { panic!("{found}") };
    assert_eq!(smallest, smallest_volume(&one_file(MIB), &fat16()).unwrap());
    let found = error(1, &fat16().with_size(VolumeSize::Bytes(2_000_384)));
    let VolumeError::TooFewClusters { fat_type, limit: 4_101, smallest, .. } = found else {
        panic!("{found}")
    };
    // 1 + 2 * 17 + 32 + 4101 sectors.
    assert_eq!((fat_type, smallest), (FatType::Fat16, 4_168 * 512));
    // Where either type would do, the smaller one is told.
    let either = VolumeOptions::new().with_smallest_fat_type();
    let found = error(1, &either.with_size(VolumeSize::Bytes(MIB)));
    let VolumeError::TooFewClusters { fat_type, smallest, .. } = found else { panic!("{found}") };
    assert_eq!((fat_type, smallest), (FatType::Fat16, 4_168 * 512));
}

#[test]
fn the_root_grows_up_to_its_limit() {
    let planned = plan(&wide_root(512), &fat16()).unwrap();
    assert_eq!(planned.geometry().root_entries(), 512);
    let labelled = fat16().with_label(Label::new("ONE MORE").unwrap());
    let planned = plan(&wide_root(512), &labelled).unwrap();
    assert_eq!(planned.geometry().root_entries(), 528);
    let tree = wide_root(65_520);
    let planned = plan(&tree, &tight(fat16())).unwrap();
    assert_eq!(planned.geometry().root_entries(), 65_520);
    let image = Image::new(planned.plan());
    let len = image.len();
    let mut volume = Volume::open(image, 0, len).unwrap();
    assert_eq!(volume.check().unwrap(), []);

    // One slot more, for the label.
    let error = plan(&tree, &tight(labelled)).unwrap_err();
    assert_eq!(error, VolumeError::RootSlots { found: 65_521, limit: 65_520 });
}

#[test]
fn boot_code_is_for_fat32() {
    let code = BootCode::new(Bytes::from_static(b"\xF4"), vec![]).unwrap();
    let options = fat16().with_boot_code(code);
    assert_eq!(plan(&sample(&[]), &options).unwrap_err(), VolumeError::BootCode);
    let planned = plan(&sample(&[]), &options.with_smallest_fat_type()).unwrap();
    assert_eq!(planned.geometry().fat_type(), FatType::Fat32);
}

fn is_tight(planned: &VolumePlan) {
    let geometry = planned.geometry();
    assert_eq!((geometry.data_start() % 4096, geometry.volume_len() % 4096), (0, 0));
    let least = match geometry.fat_type() {
        FatType::Fat16 => 4_101,
        _ => 65_541,
    };
    // Rounding the length up to 4 KiB may add less than 4 KiB of clusters.
    let spare = (4096 / geometry.cluster_size()).max(1);
    assert!(planned.free_clusters() < spare || geometry.cluster_count() < least + spare);
}

#[test]
fn tight_volumes_have_no_room() {
    for size in [512, 1024, 2048, 4096, 8192, 32_768] {
        for len in [0, 1, 3 * MIB + 17, 32 * MIB, 100 * MIB + 1, 700 * MIB] {
            let options = VolumeOptions::new()
                .with_smallest_fat_type()
                .with_size(VolumeSize::Tight)
                .with_cluster_size(ClusterSize::new(size).unwrap());
            is_tight(&plan(&one_file(len), &options).unwrap());
            is_tight(&plan(&one_file(len), &options.with_fat_type(FatType::Fat32)).unwrap());
        }
    }
}
