//! Any bytes as a registry hive and as a boot configuration: reading ends without a panic, what was
//! read can be written, and reads the same again.

#![no_main]

use bcd_store::Store;
use bcd_store::hive::{FileTime, Hive, Key};
use libfuzzer_sys::fuzz_target;

/// Each key is read once, so there are no more of them than cells.
fn walk(key: &Key<'_>, left: &mut usize) {
    *left = left.checked_sub(1).expect("more keys than the file has room for");
    let _ = (key.name(), key.written());
    if let Ok(values) = key.values() {
        for value in values.flatten() {
            let _ = (value.name(), value.text(), value.texts(), value.dword());
            let _ = value.data();
        }
    }
    for subkey in key.subkeys().flatten() {
        walk(&subkey, left);
    }
}

fuzz_target!(|data: &[u8]| {
    // The checksum stands between a mutated header and everything else: it is made right. So that
    // it is tested too, an input with an odd last byte is left alone.
    let mut bytes = data.to_vec();
    if data.last().is_some_and(|last| last % 2 == 0)
        && let Some((covered, rest)) = bytes.split_at_mut_checked(508)
        && let Some(checksum) = rest.first_chunk_mut::<4>()
    {
        let (numbers, _) = covered.as_chunks::<4>();
        *checksum = match numbers.iter().fold(0, |sum, n| sum ^ u32::from_le_bytes(*n)) {
            0 => 1_u32,
            u32::MAX => u32::MAX - 1,
            sum => sum,
        }
        .to_le_bytes();
    }
    let Ok(hive) = Hive::open(&bytes) else { return };
    let _ = (hive.name(), hive.sequences());
    if let Ok(root) = hive.root() {
        walk(&root, &mut (bytes.len() / 8));
    }
    let Ok(store) = Store::read(&bytes) else { return };
    let text = store.to_string();
    let boot = store.ram_disk_boot();
    // Longer values than version 1.3 holds can be read and not be written.
    let Ok(written) = store.to_bytes(FileTime::from_unix_seconds(0)) else { return };
    let again = Store::read(&written).expect("we wrote it");
    if !store.is_dirty() {
        assert_eq!(again.to_string(), text);
        assert_eq!(again.ram_disk_boot(), boot);
        assert_eq!(again, store);
    }
});
