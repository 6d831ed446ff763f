use super::*;
use crate::geometry::MIN_CLUSTERS;
use crate::units::Alignment;

const GIB: u64 = 1 << 30;

fn shape(cluster_size: ClusterSize, reserved: u64) -> Shape {
    let (fat_type, sector_size) = (FatType::Fat32, SectorSize::B512);
    Shape { fat_type, sector_size, cluster_size, reserved, root: 0 }
}

/// Content that needs as many clusters in either FAT type.
fn choose(
    options: &VolumeOptions,
    needed: &dyn Fn(ClusterSize) -> u64,
) -> Result<Geometry, VolumeError> {
    super::choose(options, &Needs { clusters: &|_, size| needed(size), root_slots: 1 })
}

/// Deterministic numbers without a dependency.
fn numbers() -> impl FnMut(u64) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    move |below| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 20) % below
    }
}

#[test]
fn fat_size_formula_is_what_counting_finds() {
    let mut random = numbers();
    for round in 0..3000 {
        let size = ClusterSize::new(512 << (round % 7)).unwrap();
        let shape = shape(size, 32 + random(4000));
        let s = shape.sectors_per_cluster();
        let total = shape.reserved + s * 10 + random(1 << 18);
        let covers = |fat: u64| {
            let clusters = total.saturating_sub(shape.reserved + 2 * fat) / s;
            clusters + 2 <= fat * 128
        };
        let counted = (1..).find(|fat| covers(*fat)).unwrap();
        assert_eq!(shape.smallest_fat(total, shape.reserved), counted, "{total} {size:?}");
    }
}

#[test]
fn layouts_are_the_best_and_smallest_totals_exact() {
    let mut random = numbers();
    for round in 0..700 {
        let size = ClusterSize::new(512 << (round % 7)).unwrap();
        let shape = shape(size, 32);
        let s = shape.sectors_per_cluster();
        let align = u64::from(size.bytes()) << (round % 3);
        let total = 5000 + random(1 << 17);
        let found = shape.layout(total, align).unwrap();
        let step = align / 512;
        // Counting up from the first aligned start.
        let start = (0..).map(|n| n * step).find(|start| {
            let fat = ((total - start) / s + 2).div_ceil(128);
            *start >= 32 + 2 * fat
        });
        assert_eq!(found.data_start() / 512, start.unwrap());
        assert_eq!(found.data_start() % align, 0);
        let clusters = u64::from(found.cluster_count());
        assert_eq!(clusters, (total - start.unwrap()) / s);
        assert!(u64::from(found.fat_sectors()) * 128 >= clusters + 2);
        assert!(u64::from(found.fat_sectors() - 1) * 128 < clusters + 2);

        let align = u64::from(size.bytes());
        let smallest = shape.smallest_total(clusters, align);
        let count =
            |total| shape.layout(total, align).map(|found| u64::from(found.cluster_count()));
        assert_eq!(count(smallest), Some(clusters));
        assert!(count(smallest - 1).is_none_or(|fewer| fewer < clusters));
        // With cluster alignment, a larger volume never has fewer clusters.
        let counts: Vec<_> = (smallest..smallest + 300).map(count).collect();
        assert!(counts.is_sorted(), "{size:?} {clusters}");
    }
}

fn options(size: VolumeSize) -> VolumeOptions {
    VolumeOptions::new().with_size(size)
}

#[test]
fn the_smallest_fit() {
    let found = choose(&options(VolumeSize::Fit), &|_| 1).unwrap();
    assert_eq!(found.volume_len(), 258 * MIB);
    assert_eq!(found.data_start(), MIB);
    assert_eq!((found.cluster_size(), found.cluster_count()), (4096, 257 * 256));
    assert_eq!((found.fat_sectors(), found.reserved_sectors()), (515, 2048 - 2 * 515));
    let small = options(VolumeSize::Fit).with_cluster_size(ClusterSize::B512);
    let found = choose(&small, &|_| 1).unwrap();
    assert_eq!((found.volume_len(), found.data_start()), (34 * MIB, MIB));
}

#[test]
fn a_fit_holds_exactly_what_was_asked() {
    for clusters in [65_541, 65_793, 131_000, 1 << 20, (1 << 28) - 1024] {
        let found = choose(&options(VolumeSize::Fit), &|_| clusters).unwrap();
        assert!(u64::from(found.cluster_count()) >= clusters);
        assert_eq!((found.volume_len() % MIB, found.data_start() % MIB), (0, 0));
        let smaller = VolumeSize::Bytes(found.volume_len() - MIB);
        let smaller = options(smaller).with_cluster_size(ClusterSize::KIB4);
        if let Ok(smaller) = choose(&smaller, &|_| clusters) {
            // Only by giving up the alignment.
            assert_ne!(smaller.data_start() % MIB, 0);
        }
    }
    // Too much for 4 KiB clusters, enough for 8 KiB; then for none.
    let bytes = 3 << 39;
    let found = choose(&options(VolumeSize::Fit), &|size| size.clusters_of(bytes)).unwrap();
    assert_eq!(found.cluster_size(), 8192);
    let error = choose(&options(VolumeSize::Fit), &|size| size.clusters_of(1 << 41)).unwrap_err();
    assert!(matches!(error, VolumeError::TooLarge { limit: 0xFFFF_FFFF, .. }), "{error}");
    let small = options(VolumeSize::Fit).with_cluster_size(ClusterSize::B512);
    let error = choose(&small, &|_| 1 << 28).unwrap_err();
    assert!(matches!(error, VolumeError::TooManyClusters { cluster_size: 512, .. }), "{error}");
}

#[test]
fn the_table_of_cluster_sizes() {
    for (bytes, size, align) in [
        (33 * MIB, 512, 4096),
        (64 * MIB, 512, MIB),
        (65 * MIB, 1024, 4096),
        (129 * MIB, 2048, 4096),
        (256 * MIB, 2048, MIB),
        (257 * MIB, 4096, 4096),
        (258 * MIB, 4096, MIB),
        (8 * GIB, 4096, MIB),
        (8 * GIB + 512, 8192, MIB),
        (16 * GIB, 8192, MIB),
        (32 * GIB, 16_384, MIB),
        (64 * GIB, 32_768, MIB),
        (MAX_SECTORS * 512, 32_768, MIB),
    ] {
        let found = choose(&options(VolumeSize::Bytes(bytes)), &|_| 1).unwrap();
        assert_eq!(found.cluster_size(), size, "{bytes}");
        assert_eq!(found.volume_len(), bytes);
        assert_eq!(found.data_start() % align, 0, "{bytes}");
        assert!(u64::from(found.cluster_count()) >= MIN_CLUSTERS);
    }
}

#[test]
fn content_may_need_smaller_clusters() {
    // Many small files: one cluster each, whatever its size.
    let found = choose(&options(VolumeSize::Bytes(64 * GIB)), &|_| 3 << 20).unwrap();
    assert_eq!(found.cluster_size(), 16_384);
}

#[test]
fn cluster_sizes_at_every_border_of_the_table() {
    for (sector_size, border, below, above) in [
        (SectorSize::B512, 8 * GIB, 4096, 8192),
        (SectorSize::B512, 16 * GIB, 8192, 16_384),
        (SectorSize::B512, 32 * GIB, 16_384, 32_768),
        (SectorSize::B4096, 8 * GIB, 4096, 8192),
        (SectorSize::B4096, 16 * GIB, 8192, 16_384),
        (SectorSize::B4096, 32 * GIB, 16_384, 32_768),
        (SectorSize::B4096, 8192 * GIB, 32_768, 65_536),
    ] {
        let sector = u64::from(sector_size.bytes());
        for (bytes, size) in [
            (border - sector, below),
            (border, below),
            (border + sector, above),
            (border + MIB, above),
        ] {
            let options = options(VolumeSize::Bytes(bytes)).with_sector_size(sector_size);
            let found = choose(&options, &|_| 1).unwrap();
            assert_eq!((found.cluster_size(), found.volume_len()), (size, bytes), "{bytes}");
            assert_eq!(found.data_start() % MIB, 0, "{bytes}");
            whole(&found);
        }
    }
    // Below 8 GiB sizes fall with the clusters that the volume makes: the smallest of each, counted
    // from R = 32 and the FATs of section 3 of the format reference.
    for (size, smallest) in [
        (512, 32 + 2 * 513 + 65_541),
        (1024, (32 + 2 * 513) / 2 * 2 + 65_541 * 2),
        (2048, (32 + 2 * 513_u64).next_multiple_of(4) + 65_541 * 4),
        (4096, (32 + 2 * 513_u64).next_multiple_of(8) + 65_541 * 8),
        (8192, (32 + 2 * 513_u64).next_multiple_of(16) + 65_541 * 16),
        (16_384, (32 + 2 * 513_u64).next_multiple_of(32) + 65_541 * 32),
        (32_768, (32 + 2 * 513_u64).next_multiple_of(64) + 65_541 * 64),
    ] {
        let options = |sectors: u64| {
            let size = ClusterSize::new(size).unwrap();
            options(VolumeSize::Bytes(sectors * 512)).with_cluster_size(size)
        };
        let found = choose(&options(smallest), &|_| 1).unwrap();
        assert_eq!(u64::from(found.cluster_count()), MIN_CLUSTERS);
        whole(&found);
        let error = choose(&options(smallest - 1), &|_| 1).unwrap_err();
        assert!(matches!(error, VolumeError::TooFewClusters { .. }), "{error}");
        if size <= 4096 {
            // The table gives that size from there on.
            let free = VolumeOptions { cluster_size: None, ..options(smallest) };
            assert_eq!(choose(&free, &|_| 1).unwrap().cluster_size(), size);
        }
    }
}

/// What every geometry keeps to.
#[track_caller]
fn whole(found: &Geometry) {
    let sector = u64::from(found.sector_size());
    let clusters = u64::from(found.cluster_count());
    let fat = u64::from(found.fat_sectors()) * sector;
    let behind = found.volume_len() - found.data_start();
    assert_eq!(behind / u64::from(found.cluster_size()), clusters);
    assert!(fat >= (clusters + 2) * 4 && fat - sector < (clusters + 2) * 4);
    assert_eq!(found.fat_start(2), found.data_start());
    assert_eq!(found.data_start() % u64::from(found.cluster_size()), 0);
    assert!(found.reserved_sectors() >= 32);
    assert!((MIN_CLUSTERS..=crate::geometry::MAX_CLUSTERS).contains(&clusters));
}

#[test]
fn sectors_of_4096_bytes() {
    let options = |size| options(size).with_sector_size(SectorSize::B4096);
    let found = choose(&options(VolumeSize::Fit), &|_| 1).unwrap();
    assert_eq!((found.cluster_size(), found.data_start()), (4096, MIB));
    // 32 reserved and 2 * 65 for the FATs are 162; 256 sectors to the MiB.
    assert_eq!((found.fat_sectors(), found.reserved_sectors()), (65, 256 - 130));
    assert_eq!((found.volume_len(), found.sectors_per_cluster()), (258 * MIB, 1));
    // The least: R = 32, F = ceil(65,543 / 1024) = 65.
    let least = (32 + 130 + 65_541) * 4096;
    let found = choose(&options(VolumeSize::Bytes(least)), &|_| 1).unwrap();
    assert_eq!((found.cluster_count(), found.reserved_sectors()), (65_541, 32));
    whole(&found);
    let error = choose(&options(VolumeSize::Bytes(least - 4096)), &|_| 1).unwrap_err();
    assert!(
        matches!(error, VolumeError::TooFewClusters { smallest, .. } if smallest == least),
        "{error}"
    );
    let error = choose(&options(VolumeSize::Bytes(GIB + 512)), &|_| 1).unwrap_err();
    assert_eq!(
        error,
        VolumeError::UnevenSize { given: GIB + 512, sector_size: 4096, rounded: GIB }
    );
    // The largest, 16 TiB less a sector, has clusters of 64 KiB.
    let largest = MAX_SECTORS * 4096;
    let found = choose(&options(VolumeSize::Bytes(largest)), &|_| 1).unwrap();
    assert_eq!((found.cluster_size(), found.volume_len()), (65_536, largest));
    whole(&found);
    let error = choose(&options(VolumeSize::Bytes(largest + 4096)), &|_| 1).unwrap_err();
    assert_eq!(error, VolumeError::TooLarge { sectors: 1 << 32, limit: MAX_SECTORS });
    // A tree of 10 TiB fits as well.
    let found = choose(&options(VolumeSize::Fit), &|size| size.clusters_of(10 << 40)).unwrap();
    assert_eq!(found.cluster_size(), 65_536);
    // The root of FAT16 fills whole sectors.
    for (root_slots, entries) in [(0, 512), (513, 640), (65_408, 65_408)] {
        let options = options(VolumeSize::Fit).with_fat_type(FatType::Fat16);
        let found = super::choose(&options, &Needs { clusters: &|_, _| 1, root_slots }).unwrap();
        assert_eq!(found.root_entries(), entries);
    }
    let needs = Needs { clusters: &|_, _| 1, root_slots: 65_409 };
    let error = super::choose(&options(VolumeSize::Fit).with_fat_type(FatType::Fat16), &needs);
    assert_eq!(error, Err(VolumeError::RootSlots { found: 65_409, limit: 65_408 }));
}

#[test]
fn options_that_contradict_each_other() {
    for (sector_size, cluster_size, least, most) in [
        (SectorSize::B512, ClusterSize::KIB64, 512, 32_768),
        (SectorSize::B4096, ClusterSize::KIB2, 4096, 65_536),
    ] {
        let options = VolumeOptions::new().with_sector_size(sector_size);
        let error = choose(&options.with_cluster_size(cluster_size), &|_| 1).unwrap_err();
        let (cluster_size, sector_size) = (cluster_size.bytes(), sector_size.bytes());
        assert_eq!(error, VolumeError::ClusterSize { cluster_size, sector_size, least, most });
    }
    let code = crate::BootCode::new(vec![0xF4], vec![]).unwrap();
    let options = VolumeOptions::new().with_sector_size(SectorSize::B4096).with_boot_code(code);
    let error = choose(&options, &|_| 1).unwrap_err();
    assert_eq!(error, VolumeError::BootCodeSectors { sector_size: 4096 });
    let options = VolumeOptions::new().with_hidden_sectors(2048);
    let options = options.with_alignment(Alignment::MIB4);
    let error = choose(&options, &|_| 1).unwrap_err();
    assert_eq!(error, VolumeError::Unaligned { start: MIB, alignment: 4 * MIB });
    assert!(error.to_string().contains("begin the partition on one"), "{error}");
    assert!(choose(&options.with_hidden_sectors(8192), &|_| 1).is_ok());
}

#[test]
fn an_alignment_is_kept_or_refused() {
    for sector_size in [SectorSize::B512, SectorSize::B4096] {
        for alignment in [4096, 65_536, 1 << 20, 4 << 20, 16 << 20] {
            let align = u64::from(alignment);
            let options = |size| {
                let alignment = Alignment::new(alignment).unwrap();
                options(size).with_sector_size(sector_size).with_alignment(alignment)
            };
            let mut sizes = vec![VolumeSize::Fit, VolumeSize::Tight];
            sizes.extend([300 * MIB, GIB, 9 * GIB, 2047 * GIB].map(VolumeSize::Bytes));
            for size in sizes {
                let found = choose(&options(size), &|_| 3000).unwrap();
                assert_eq!(found.data_start() % align, 0);
                whole(&found);
            }
            // Content that leaves no room: the refusal names a length that will do.
            let needed = |size: ClusterSize| size.clusters_of(700 * MIB);
            for given in (700 * MIB..740 * MIB).step_by(512 * 1024) {
                let size = VolumeSize::Bytes(given);
                match choose(&options(size), &needed) {
                    Ok(found) => assert_eq!(found.data_start() % align, 0),
                    Err(VolumeError::TooSmall { smallest, .. }) => {
                        assert!(smallest > given, "{given} {alignment}");
                        choose(&options(VolumeSize::Bytes(smallest)), &needed).unwrap();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn refusals_name_the_smallest_that_would_do() {
    let given = |bytes| options(VolumeSize::Bytes(bytes));
    let error = choose(&given(1000), &|_| 1).unwrap_err();
    assert_eq!(error, VolumeError::UnevenSize { given: 1000, sector_size: 512, rounded: 512 });
    let error = choose(&given(1 << 41), &|_| 1).unwrap_err();
    assert_eq!(error, VolumeError::TooLarge { sectors: 1 << 32, limit: (1 << 32) - 1 });
    let error = choose(&given(32 * MIB), &|_| 1).unwrap_err();
    let VolumeError::TooFewClusters { smallest, cluster_size: 512, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(smallest, (32 + 2 * 513 + 65_541) * 512);
    assert!(choose(&given(smallest), &|_| 1).is_ok());
    assert!(choose(&given(smallest - 512), &|_| 1).is_err());
    let needed = |size: ClusterSize| size.clusters_of(20 * GIB);
    let error = choose(&given(GIB), &needed).unwrap_err();
    let VolumeError::TooSmall { given: GIB, smallest } = error else { panic!("{error}") };
    assert!(choose(&given(smallest), &needed).is_ok());
    assert!(choose(&given(smallest - 512), &needed).is_err());
    assert!(choose(&given(smallest + 512), &needed).is_ok());
    let error = choose(&given(0), &|_| 1).unwrap_err();
    assert!(matches!(error, VolumeError::TooSmall { .. }), "{error}");
    let explicit = given(256 * GIB).with_cluster_size(ClusterSize::B512);
    let error = choose(&explicit, &|_| 1).unwrap_err();
    assert!(matches!(error, VolumeError::TooManyClusters { .. }), "{error}");
}

#[test]
fn a_root_too_wide_for_fat16_is_for_fat32() {
    let options = VolumeOptions::new().with_smallest_fat_type();
    for (root_slots, fat_type, root_entries) in [
        (0, FatType::Fat16, 512),
        (513, FatType::Fat16, 528),
        (65_520, FatType::Fat16, 65_520),
        (65_521, FatType::Fat32, 0),
    ] {
        let found = super::choose(&options, &Needs { clusters: &|_, _| 1, root_slots }).unwrap();
        assert_eq!((found.fat_type(), found.root_entries()), (fat_type, root_entries));
    }
}

#[test]
fn layouts_of_fat16_are_the_best_and_smallest_totals_exact() {
    let mut random = numbers();
    for round in 0..700 {
        let cluster_size = ClusterSize::new(512 << (round % 7)).unwrap();
        let root = 32 + random(4064);
        let shape = Shape { fat_type: FatType::Fat16, root, ..shape(cluster_size, 1) };
        let s = shape.sectors_per_cluster();
        let align = u64::from(cluster_size.bytes()) << (round % 3);
        let total = 5000 + random(s << 16);
        let found = shape.layout(total, align).unwrap();
        // Counting up from the first aligned start.
        let start = (0..).map(|n| n * (align / 512)).find(|start| {
            let clusters = total.saturating_sub(*start) / s;
            *start > 2 * (clusters + 2).div_ceil(256) + root
        });
        assert_eq!(found.data_start() / 512, start.unwrap());
        assert_eq!(found.root_start() + root * 512, found.data_start());
        let clusters = u64::from(found.cluster_count());
        assert_eq!(clusters, (total - start.unwrap()) / s);
        assert_eq!(u64::from(found.fat_sectors()), (clusters + 2).div_ceil(256));

        let smallest = shape.smallest_total(clusters, align);
        let count =
            |total| shape.layout(total, align).map(|found| u64::from(found.cluster_count()));
        assert_eq!(count(smallest), Some(clusters));
        assert!(count(smallest - 1).is_none_or(|fewer| fewer < clusters));
    }
}
