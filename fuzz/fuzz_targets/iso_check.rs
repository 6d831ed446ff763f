//! Any bytes: opening, checking, walking and reading end without a panic.

#![no_main]

use std::io::{Cursor, Read};

use iso9660_image::TreeKind;
use iso9660_image::check::Image;
use libfuzzer_sys::fuzz_target;

/// The descriptors begin behind the system area. Of that only the partition tables in the first
/// sector are read: inputs leave the other fifteen out.
const HEAD: usize = 2048;
const SYSTEM_AREA: usize = 16 * 2048;

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_at_checked(HEAD) else { return };
    let mut bytes = head.to_vec();
    bytes.resize(SYSTEM_AREA, 0);
    bytes.extend_from_slice(rest);
    let Ok(mut image) = Image::open(Cursor::new(&bytes)) else { return };
    let faults = image.check().expect("bytes in memory can be read");
    for fault in &faults {
        let _ = fault.to_string();
    }
    for tree in [TreeKind::Primary, TreeKind::Joliet, TreeKind::Udf] {
        let Ok(walk) = image.walk(tree) else { continue };
        // An image of n bytes has at most n / 34 records.
        let entries: Vec<_> = walk.flatten().take(1000).collect();
        for entry in &entries {
            let mut file = image.open_file(entry).take(1 << 16);
            let _ = file.read_to_end(&mut Vec::new());
        }
    }
});
