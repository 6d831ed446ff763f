//! A store with a wrong bit in any of its bytes is refused or read, and never more than that.

use bcd_store::hive::{Hive, KeyTree};
use bcd_store::{BootStore, Firmware, Store};

use crate::support::{TIME, set_checksum};

/// Does everything that can be done with bytes.
fn try_all(bytes: &[u8]) -> bool {
    if let Ok(hive) = Hive::open(bytes)
        && let Ok(root) = hive.root()
    {
        let _ = KeyTree::read(&root).map(|tree| tree.to_hive(TIME));
    }
    let Ok(store) = Store::read(bytes) else { return false };
    let _ = (store.to_string(), store.ram_disk_boot());
    true
}

#[test]
fn every_byte_damaged() {
    let bytes = BootStore::new(Firmware::Uefi).build().unwrap().to_bytes(TIME).unwrap();
    assert!(try_all(&bytes));
    let mut damaged = bytes.clone();
    let mut read = 0_u32;
    // Nothing reads the rest of the base block and of the free cell at the end.
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    for at in (0..512).chain(4096..used) {
        // A low bit and a high one in turn.
        damaged[at] ^= if at % 2 == 0 { 1 << (at / 2 % 8) } else { 0x80 >> (at / 2 % 8) };
        // The checksum would hide what lies behind it.
        set_checksum(&mut damaged);
        read += u32::from(try_all(&damaged));
        damaged[at] = bytes[at];
    }
    assert!(read > 0);
    // Without a new checksum, no change of the base block passes that it covers.
    set_checksum(&mut damaged);
    assert_eq!(damaged, bytes);
    for at in 0..512 {
        damaged[at] ^= 0x10;
        assert!(Hive::open(&damaged).is_err(), "{at}");
        damaged[at] = bytes[at];
    }
}

#[test]
fn every_length() {
    let bytes = BootStore::new(Firmware::Bios).build().unwrap().to_bytes(TIME).unwrap();
    for len in (0..bytes.len()).step_by(61) {
        assert!(Store::read(&bytes[..len]).is_err(), "{len}");
    }
    // Bytes after the last bin do not matter.
    let longer = [bytes.as_slice(), b"more"].concat();
    assert_eq!(Store::read(&longer), Store::read(&bytes));
}
