//! Any bytes as a FAT16 or FAT32 volume: every method of the checker ends, without a panic and, as the bytes
//! are all in memory, without an I/O error where it reports none.

#![no_main]

use std::io::{Cursor, Read};

use fat32_image::check::Volume;
use libfuzzer_sys::fuzz_target;

/// Bytes of file content read per input: chains in a circle may claim 4 GiB each.
const CONTENT: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    // A first byte places the volume inside the input.
    let Some((start, _)) = data.split_first() else { return };
    let start = u64::from(start % 4) * 512;
    let Some(len) = (data.len() as u64).checked_sub(start) else { return };
    let Ok(mut volume) = Volume::open(Cursor::new(data), start, len) else { return };
    let faults = volume.check().unwrap();
    for fault in &faults {
        let _ = fault.to_string();
    }
    volume.label().unwrap();
    let mut left = CONTENT;
    for entry in volume.walk().unwrap() {
        let extents = volume.extents(&entry);
        if let Ok(extents) = &extents {
            let total: u64 = extents.iter().map(|extent| extent.end - extent.start).sum();
            assert_eq!(total, u64::from(entry.size()));
            assert!(extents.iter().all(|extent| extent.end <= len));
        }
        let mut reader = volume.open_file(&entry).take(left);
        match std::io::copy(&mut reader, &mut std::io::sink()) {
            Ok(count) => left -= count,
            Err(_) => assert!(extents.is_err()),
        }
        // A clean volume has no entry that cannot be read.
        assert!(!faults.is_empty() || extents.is_ok());
        if left == 0 {
            break;
        }
    }
});
