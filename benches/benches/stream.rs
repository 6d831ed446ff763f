//! Streaming a plan: to nowhere, through a pipe, into a file, and with digests.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use benches::noise_source;
use criterion::{Criterion, Throughput};
use extent_image::{Plan, PlanBuilder, StreamOptions};

const BIG: usize = 64 << 20;
const SMALL: usize = 6 * 1024;

fn one_big() -> Plan {
    let mut builder = PlanBuilder::new();
    builder.bytes("header", vec![1; 2048]).unwrap();
    builder.source("file data", noise_source(BIG)).unwrap();
    builder.finish()
}

/// The same length in many sources, each with a rest of zeros, as on a volume.
fn many_small() -> Plan {
    let mut builder = PlanBuilder::new();
    while builder.position() < BIG as u64 {
        builder.source("file data", noise_source(SMALL)).unwrap();
        let end = builder.position().next_multiple_of(4096);
        builder.zero_to("slack", end).unwrap();
    }
    builder.finish()
}

fn to_pipe(plan: &Plan, options: &StreamOptions) {
    let (mut reader, writer) = io::pipe().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while reader.read(&mut buffer).unwrap() > 0 {}
        });
        let _ = plan.write_to(writer, options, &mut ()).unwrap();
    });
}

fn bench(criterion: &mut Criterion) {
    let bare = StreamOptions::default();
    let image = bare.with_image_digest(true);
    let both = image.with_source_digests(true);
    for (name, plan) in [("one source", one_big()), ("6 KiB sources", many_small())] {
        let mut group = criterion.benchmark_group(format!("stream/{name}"));
        group.throughput(Throughput::Bytes(plan.len())).sample_size(10);
        group.measurement_time(Duration::from_secs(3));
        for (what, options) in [("bare", bare), ("image digest", image), ("both digests", both)] {
            group.bench_function(format!("to nowhere, {what}"), |bencher| {
                bencher.iter(|| plan.write_to(black_box(io::sink()), &options, &mut ()).unwrap());
            });
        }
        group.bench_function("to a pipe", |bencher| bencher.iter(|| to_pipe(&plan, &bare)));
        group.bench_function("to a new file", |bencher| {
            bencher.iter_with_large_drop(|| {
                let file = tempfile::tempfile().unwrap();
                let _ = plan.write_file(&file, &bare, &mut ()).unwrap();
                file
            });
        });
        group.bench_function("read without writing", |bencher| {
            bencher.iter(|| io::copy(&mut plan.reader(), &mut io::sink()).unwrap());
        });
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
