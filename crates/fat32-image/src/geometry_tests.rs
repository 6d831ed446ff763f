use super::*;

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
        let clusters = u64::from(found.clusters);
        assert_eq!(clusters, (total - start.unwrap()) / s);
        assert!(u64::from(found.fat_sectors) * 128 >= clusters + 2);
        assert!(u64::from(found.fat_sectors - 1) * 128 < clusters + 2);

        let align = u64::from(size.bytes());
        let smallest = shape.smallest_total(clusters, align);
        let count = |total| shape.layout(total, align).map(|found| u64::from(found.clusters));
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
        assert!(u64::from(found.clusters) >= clusters);
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
        assert!(u64::from(found.clusters) >= MIN_CLUSTERS);
    }
}

#[test]
fn content_may_need_smaller_clusters() {
    // Many small files: one cluster each, whatever its size.
    let found = choose(&options(VolumeSize::Bytes(64 * GIB)), &|_| 3 << 20).unwrap();
    assert_eq!(found.cluster_size(), 16_384);
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
        let clusters = u64::from(found.clusters);
        assert_eq!(clusters, (total - start.unwrap()) / s);
        assert_eq!(u64::from(found.fat_sectors), (clusters + 2).div_ceil(256));

        let smallest = shape.smallest_total(clusters, align);
        let count = |total| shape.layout(total, align).map(|found| u64::from(found.clusters));
        assert_eq!(count(smallest), Some(clusters));
        assert!(count(smallest - 1).is_none_or(|fewer| fewer < clusters));
    }
}
