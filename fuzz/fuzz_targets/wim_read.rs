//! Opens any bytes as a WIM, walks every image, reads every file, verifies; and gives the same bytes
//! to the metadata parser and the chunk decoders. Nothing may panic, hang or allocate without limit.
#![no_main]

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use extent_image::{BytesSource, Source, Timestamp};
use libfuzzer_sys::fuzz_target;
use wim_image::decompress::{Lzx, Xpress};
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Limits, Wim, pe};

/// Small, so that a run stays short whatever sizes the input claims.
const LIMIT: u64 = 4 << 20;

fuzz_target!(|data: &[u8]| {
    read(data);
    metadata(data);
    decode(data);
    let _ = pe::machine(data);
});

fn read(data: &[u8]) {
    let limits = Limits::new()
        .with_table(LIMIT)
        .with_xml(LIMIT)
        .with_metadata(LIMIT)
        .with_in_memory(LIMIT)
        .with_entries(2000)
        .with_depth(64);
    let source = Arc::new(BytesSource::new("input", data.to_vec()));
    let Ok(wim) = Wim::open_with_limits(source, limits) else { return };
    read_wim(&wim, data);
}

fn read_wim(wim: &Wim, data: &[u8]) {
    let mut budget = 16 * LIMIT;
    for index in 1..=wim.image_count().min(4) {
        let header = wim.header_with_boot_index(index).expect("the image is there");
        assert_eq!(header[..0x60], data[..0x60]);
        let Ok(image) = wim.image(index) else { continue };
        for entry in image.walk() {
            let found = image.lookup(&entry.path()).expect("a path leads back");
            assert_eq!(found.name(), entry.name());
            let Ok(file) = wim.file(entry) else { continue };
            if file.len() > budget {
                continue;
            }
            budget -= file.len();
            let verified = file.read_verified();
            let mut streamed = Vec::new();
            let stream = file.open(0).and_then(|mut stream| stream.read_to_end(&mut streamed));
            if let Ok(verified) = verified {
                assert!(stream.is_ok() && verified == streamed);
                let middle = file.len() / 2;
                let mut rest = Vec::new();
                file.open(middle).unwrap().read_to_end(&mut rest).unwrap();
                assert!(streamed.ends_with(&rest));
                assert_eq!(rest.len() as u64, file.len() - middle);
            }
        }
    }
    let _ = wim.verify(&mut |done, _| {
        if done < 16 * LIMIT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

/// Metadata is taken apart only when its SHA-1 is right, which no mutation finds by chance. So the
/// input becomes the data of a file, whose hash the writer makes, and then the blob table's first
/// entry, that file's, becomes the metadata of the first image.
fn metadata(data: &[u8]) {
    let image = ImageBuilder::new("fuzz", Timestamp::FAT_EPOCH).with_bytes("file", data.to_vec());
    let wim = image.and_then(|image| WimBuilder::new().with_image(image).to_vec());
    let mut bytes = wim.expect("a WIM can hold any file");
    let table = bytes[0x38..].first_chunk().map_or(0, |offset| u64::from_le_bytes(*offset));
    let flags = usize::try_from(table).expect("the WIM is in memory") + 7;
    bytes[flags] = 0x02;
    let wim = Wim::open(Arc::new(BytesSource::new("metadata", bytes.clone())));
    read_wim(&wim.expect("only the image is of doubt"), &bytes);
}

/// The first three bytes choose the codec, the chunk size and the length of the output.
fn decode(data: &[u8]) {
    let Some((&[codec, low, high], packed)) = data.split_first_chunk() else { return };
    let len = usize::from(u16::from_le_bytes([low, high]));
    let mut out = vec![0; len];
    let _ = match codec % 8 {
        7 => Xpress::new().decode(packed, &mut out),
        order => Lzx::new(1 << (15 + order)).expect("15 to 21").decode(packed, &mut out),
    };
}
