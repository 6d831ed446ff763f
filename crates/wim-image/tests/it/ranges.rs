//! Only what is needed is read, in few reads of bounded size.

use std::sync::Arc;

use extent_image::{BytesSource, Source, Timestamp};
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Wim, pe};

use crate::support::{Counting, bytes_of, fixture};

#[test]
fn boot_files_of_a_large_wim() {
    let noise = |seed: u32, len: usize| -> Vec<u8> {
        let mut state = seed;
        let step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(step).take(len).collect()
    };
    let mut image = ImageBuilder::new("large", Timestamp::FAT_EPOCH);
    for n in 0..300 {
        image = image.with_bytes(&format!("Windows/System32/{n}.dll"), noise(n, 200_000)).unwrap();
    }
    image = image.with_bytes("Windows/Boot/PCAT/bootmgr", noise(1000, 400_000)).unwrap();
    image = image.with_bytes("Windows/Boot/EFI/bootmgfw.efi", noise(1001, 2_000_000)).unwrap();
    let bytes = WimBuilder::new().with_image(image).to_vec().unwrap();
    let len = bytes.len();
    let (counting, reads) = Counting::new(BytesSource::new("large.wim", bytes));
    let wim = Wim::open(Arc::new(counting)).unwrap();
    let opening = reads.take();
    assert_eq!(opening.len(), 3, "header, blob table, XML: {opening:?}");
    let image = wim.image(1).unwrap();
    assert_eq!(reads.take().len(), 1, "the metadata");

    let bootmgr = wim.file(image.lookup("Windows/Boot/PCAT/bootmgr").unwrap()).unwrap();
    let manager = wim.file(image.lookup("Windows/Boot/EFI/bootmgfw.efi").unwrap()).unwrap();
    assert_eq!(reads.take(), [], "looking up reads nothing");
    assert_eq!(manager.read_head(pe::HEAD).unwrap(), noise(1001, pe::HEAD));
    let head = reads.take();
    assert!(head.len() == 1 && bytes_of(&head) <= 64 << 10, "{head:?}");
    assert_eq!(bootmgr.read_verified().unwrap(), noise(1000, 400_000));
    assert_eq!(bytes_of(&reads.take()), 400_000);
    manager.extract(&mut std::io::sink()).unwrap();
    let extracted = reads.take();
    assert_eq!(bytes_of(&extracted), 2_000_000);
    std::io::copy(&mut manager.open(0).unwrap(), &mut std::io::sink()).unwrap();
    let streamed = reads.take();
    assert_eq!(bytes_of(&streamed), 2_000_000);
    assert!(streamed.len() <= 7, "{streamed:?}");
    assert!(streamed.iter().all(|(_, len)| *len <= 1 << 20), "{streamed:?}");
    assert!(len > 60_000_000);
}

#[test]
fn a_packed_file_costs_one_read() {
    let (counting, reads) = Counting::new(BytesSource::new("x", fixture("xpress-4k.wim")));
    let wim = Wim::open(Arc::new(counting)).unwrap();
    let image = wim.image(1).unwrap();
    for path in ["lines.txt", "zeros.bin", "calls.bin"] {
        let file = wim.file(image.lookup(path).unwrap()).unwrap();
        reads.take();
        file.read_verified().unwrap();
        let whole = reads.take();
        assert_eq!(whole.len(), 1, "{path}: {whole:?}");
        // The last bytes alone: the chunk table's entry and the last chunk.
        let mut last = file.open(file.len() - 1).unwrap();
        std::io::Read::read_exact(&mut last, &mut [0]).unwrap();
        assert!(bytes_of(&reads.take()) <= bytes_of(&whole));
    }
}
