//! Planning a volume of 10,000 files, which opens none of them, and writing such a disc to nowhere.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::io;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use extent_image::StreamOptions;
use fat32_image::VolumeOptions;
use iso9660_image::{Format, ImageOptions};

fn bench(criterion: &mut Criterion) {
    let tree = benches::tree(100, 100, 6 * 1024).unwrap();
    let volume = VolumeOptions::default();
    let disc = |format| ImageOptions::from_label("BENCH").with_format(format);
    let mut group = criterion.benchmark_group("plan/10,000 files");
    group.throughput(Throughput::Elements(10_000)).sample_size(20);
    group.measurement_time(Duration::from_secs(3));
    group.bench_function("tree", |bencher| {
        bencher.iter(|| benches::tree(100, 100, 6 * 1024).unwrap());
    });
    group.bench_function("FAT32", |bencher| {
        bencher.iter(|| fat32_image::plan(&tree, &volume).unwrap());
    });
    for (name, format) in [
        ("ISO 9660 and Joliet", Format::Iso),
        ("bridge", Format::Bridge),
        ("UDF and a stub", Format::UdfStub),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| iso9660_image::plan(&tree, &disc(format)).unwrap());
        });
    }
    // Its metadata is made while it is streamed.
    let plan = iso9660_image::plan(&tree, &disc(Format::Bridge)).unwrap();
    group.throughput(Throughput::Bytes(plan.plan().len()));
    group.bench_function("bridge, streamed", |bencher| {
        let stream = StreamOptions::default();
        bencher.iter(|| plan.plan().write_to(io::sink(), &stream, &mut ()).unwrap());
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
