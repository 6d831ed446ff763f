//! Planning a volume of 10,000 files, which opens none of them.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::time::Duration;

use criterion::{Criterion, Throughput};
use fat32_image::VolumeOptions;
use iso9660_image::ImageOptions;

fn bench(criterion: &mut Criterion) {
    let tree = benches::tree(100, 100, 6 * 1024).unwrap();
    let volume = VolumeOptions::default();
    let disc = ImageOptions::from_label("BENCH");
    let mut group = criterion.benchmark_group("plan/10,000 files");
    group.throughput(Throughput::Elements(10_000)).sample_size(20);
    group.measurement_time(Duration::from_secs(3));
    group.bench_function("tree", |bencher| {
        bencher.iter(|| benches::tree(100, 100, 6 * 1024).unwrap());
    });
    group.bench_function("FAT32", |bencher| {
        bencher.iter(|| fat32_image::plan(&tree, &volume).unwrap());
    });
    group.bench_function("ISO 9660 and Joliet", |bencher| {
        bencher.iter(|| iso9660_image::plan(&tree, &disc).unwrap());
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
