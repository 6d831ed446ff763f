//! Reads every file of the first image of each WIM named, and says how fast that went:
//!
//! ```text
//! cargo run --release -p wim-image --example read_speed -- boot.wim...
//! ```
#![allow(clippy::print_stdout, clippy::as_conversions, reason = "a program for people to look at")]

use std::error::Error;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extent_image::{OpenFile, Source};
use wim_image::Wim;

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args_os().skip(1) {
        let wim = Wim::open(Arc::new(OpenFile::open(path)?))?;
        let image = wim.image(1)?;
        let files: Vec<_> = image.walk().filter_map(|entry| wim.file(entry).ok()).collect();
        let total: u64 = files.iter().map(Source::len).sum();
        let name = format!("{} {}", wim.compression().name(), wim.chunk_size());
        let mut buffer = vec![0; 1 << 20];
        // From byte 1 on nothing is hashed.
        for (what, from) in [("decode", 1), ("decode and SHA-1", 0)] {
            let begin = Instant::now();
            for file in &files {
                let mut stream = file.open(from.min(file.len()))?;
                while stream.read(&mut buffer)? > 0 {}
            }
            report(&name, what, total, begin.elapsed());
        }
        let begin = Instant::now();
        let mut bytes = 0;
        let faults = wim.verify(&mut |_, total| {
            bytes = total;
            ControlFlow::Continue(())
        })?;
        report(&name, &format!("verify ({} faults)", faults.len()), bytes, begin.elapsed());
    }
    Ok(())
}

fn report(name: &str, what: &str, bytes: u64, time: Duration) {
    let megabytes = bytes as f64 / 1e6;
    println!("{name}: {what}: {megabytes:.0} MB, {:.0} MB/s", megabytes / time.as_secs_f64());
}
