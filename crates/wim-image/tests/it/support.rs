//! What several tests need.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use extent_image::{BytesSource, ReadAt, Timestamp};
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Architecture, Fault, Image, OpenError, Wim};

pub(crate) fn open(bytes: impl Into<Vec<u8>>) -> Result<Wim, OpenError> {
    Wim::open(Arc::new(BytesSource::new("test.wim", bytes.into())))
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(path).unwrap()
}

pub(crate) fn verify(wim: &Wim) -> Vec<Fault> {
    wim.verify(&mut |_, _| ControlFlow::Continue(())).unwrap()
}

/// Every file that has content, by path.
pub(crate) fn contents(wim: &Wim, image: &Image) -> BTreeMap<String, Vec<u8>> {
    image
        .walk()
        .filter(|entry| !entry.is_folder() && entry.reparse_tag().is_none())
        .map(|entry| (entry.path(), wim.file(entry).unwrap().read_verified().unwrap()))
        .collect()
}

/// An uncompressed WIM with an integrity table.
pub(crate) fn sample() -> WimBuilder {
    let image = ImageBuilder::new("Sample <&>", Timestamp::from_unix_seconds(1_709_164_800))
        .with_description("made by a test")
        .with_architecture(Architecture::Amd64)
        .with_edition("WindowsPE")
        .with_language("en-US")
        .with_bytes(r"Windows\Boot\EFI\bootmgfw.efi", &b"MZ efi"[..])
        .and_then(|image| image.with_bytes("Windows/Boot/PCAT/bootmgr", vec![7; 5000]))
        .and_then(|image| image.with_bytes(r"Windows\Boot\same", vec![7; 5000]))
        .and_then(|image| image.with_bytes(r"empty", Vec::new()))
        .and_then(|image| image.with_folder(r"sources\empty folder"))
        .unwrap();
    WimBuilder::new().with_image(image).with_boot_index(1).with_integrity_table()
}

/// Counts the reads that go through it.
pub(crate) struct Counting<R> {
    inner: R,
    reads: Arc<Mutex<Vec<(u64, usize)>>>,
}

/// Offset and length of every read.
#[derive(Clone)]
pub(crate) struct Reads(Arc<Mutex<Vec<(u64, usize)>>>);

impl<R: ReadAt> Counting<R> {
    pub(crate) fn new(inner: R) -> (Self, Reads) {
        let reads = Arc::new(Mutex::new(Vec::new()));
        (Self { inner, reads: Arc::clone(&reads) }, Reads(reads))
    }
}

impl Reads {
    pub(crate) fn take(&self) -> Vec<(u64, usize)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<R: ReadAt> ReadAt for Counting<R> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.lock().unwrap().push((offset, buf.len()));
        self.inner.read_exact_at(buf, offset)
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

pub(crate) fn bytes_of(reads: &[(u64, usize)]) -> usize {
    reads.iter().map(|(_, len)| len).sum()
}
