//! A large boot image, as a file and as package PS100005 of the servers that `cargo xtask bench
//! content` has started.
//!
//! ```text
//! CAPMEDIA_PEERS=... boot-package FOLDER MIB
//! ```
//!
//! FOLDER gets `boot.wim`, which starts a computer as the sample does, with MIB MiB in it besides.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use extent_image::{BytesSource, Digest};
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Architecture, Wim};

#[allow(clippy::indexing_slicing, reason = "written for tests, which stop at the first surprise")]
#[path = "../../../crates/dp-content/tests/it/library_fixture.rs"]
mod library_fixture;
#[path = "../../../crates/dp-content/tests/it/peers.rs"]
mod peers;

use crate::peers::Peers;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let (Some(folder), Some(mib)) = (args.next(), args.next()) else {
        return Err("usage: boot-package FOLDER MIB".into());
    };
    let mib: u32 = mib.to_str().ok_or("MIB is a number")?.parse()?;
    let path = Path::new(&folder).join("boot.wim");
    write(&path, mib)?;
    Peers::require().add_package("PS100005", 3, &[("boot.PS100005.wim", &fs::read(&path)?)]);
    Ok(())
}

/// The sample with a file of so many MiB in it.
fn write(path: &Path, mib: u32) -> Result<(), Box<dyn Error>> {
    let sample = Arc::new(BytesSource::new("sample", capmedia::sample::boot_image()?));
    let wim = Wim::open(sample)?;
    let time = capmedia::sample::TIME;
    let mut image = ImageBuilder::new("large", time).with_architecture(Architecture::Amd64);
    for entry in wim.image(1)?.walk().filter(|entry| !entry.is_folder()) {
        let file = Arc::new(wim.file(entry)?);
        image = image.with_file(&entry.path(), file, entry.modified())?;
    }
    let large = (0..mib).flat_map(|number| {
        // For each MiB the SHA-256 of its number, again and again: no two are equal.
        Digest::of(number.to_string().as_bytes()).as_bytes().repeat(1 << 15)
    });
    let large: Vec<u8> = large.collect();
    let large = Arc::new(BytesSource::new("large", large));
    let image = image.with_file(r"Windows\large.bin", large, time)?;
    let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    WimBuilder::new().with_image(image).with_boot_index(1).write_to(file)?;
    Ok(())
}
