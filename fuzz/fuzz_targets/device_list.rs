//! Any bytes as a list of devices: reading ends without a panic, and what was read are IDs.

#![no_main]

use boot_image::{DeviceList, HardwareId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(list) = DeviceList::parse(data) else { return };
    let devices = || list.needed().iter().chain(list.others());
    assert!((1..=4096).contains(&devices().count()));
    for device in devices() {
        assert!(!device.ids.is_empty() || device.role.is_none());
        for id in &device.ids {
            assert_eq!(id.as_str().parse::<HardwareId>().as_ref(), Ok(id));
            assert_eq!(id.with_less_specific().first(), Some(id));
        }
    }
});
