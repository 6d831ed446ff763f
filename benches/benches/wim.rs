//! Reading a file out of a WIM: each codec, its SHA-1 checked as always. The uncompressed WIM shows
//! what of that is the SHA-1.
//!
//! The file is this very program, real machine code; wimlib-imagex packs it, so without wimlib there
//! is nothing to measure.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark stops and says why")]

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use extent_image::OpenFile;
use wim_image::{FileInWim, Wim};

/// Bytes of the program that are packed: enough for hundreds of chunks, little enough to pack soon.
const LEN: usize = 4 << 20;

/// Name of the benchmark, codec and level, chunk size.
const KINDS: &[(&str, &str, Option<&str>)] = &[
    ("uncompressed", "none", None),
    ("XPRESS, 4 KiB chunks", "XPRESS:60", Some("4096")),
    ("XPRESS, 32 KiB chunks", "XPRESS:60", Some("32768")),
    ("LZX, 32 KiB chunks", "LZX:20", Some("32768")),
    ("LZX, 1 MiB chunks", "LZX:20", Some("1048576")),
];

fn capture(tree: &Path, wim: &Path, codec: &str, chunk: Option<&str>) -> FileInWim {
    let mut command = Command::new("wimlib-imagex");
    command.arg("capture").args([tree, wim]).arg("bench").arg(format!("--compress={codec}"));
    command.args(chunk.map(|chunk| format!("--chunk-size={chunk}")));
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "wimlib-imagex cannot pack with {codec}");
    let wim = Wim::open(Arc::new(OpenFile::open(wim).unwrap())).unwrap();
    let image = wim.image(1).unwrap();
    wim.file(image.lookup("program").unwrap()).unwrap()
}

fn bench(criterion: &mut Criterion) {
    if Command::new("wimlib-imagex").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("wim: nothing measured, wimlib-imagex (Debian package wimtools) is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let mut program = fs::read(env::current_exe().unwrap()).unwrap();
    program.truncate(LEN);
    fs::write(tree.join("program"), &program).unwrap();

    let mut group = criterion.benchmark_group("wim/read a program");
    group.throughput(Throughput::Bytes(program.len() as u64)).sample_size(10);
    group.measurement_time(Duration::from_secs(3));
    for (name, codec, chunk) in KINDS {
        let file = capture(&tree, &folder.path().join(format!("{name}.wim")), codec, *chunk);
        assert!(file.read_verified().unwrap() == program, "{name}: other bytes");
        group.bench_function(*name, |bencher| bencher.iter(|| file.read_verified().unwrap()));
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
