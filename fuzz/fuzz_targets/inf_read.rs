//! Any bytes as an INF: reading ends without a panic and within the limits, and the encoding of a
//! text changes nothing.

#![no_main]

use boot_image::Inf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let inf = Inf::parse(data);
    if let Ok(inf) = &inf {
        let mut ids = inf.models().iter().flat_map(|models| models.ids.iter());
        assert!(ids.all(|id| (1..200).contains(&id.len())));
        for architecture in inf.architectures().iter().copied() {
            assert!(inf.sys_files(architecture).all(|name| name.len() < 256));
            let _ = inf.catalog(architecture);
        }
    }
    // Behind a mark, so that it is not taken for text in UTF-16 without one.
    let Some(text) = data.strip_prefix(b"\xEF\xBB\xBF").and_then(|text| str::from_utf8(text).ok())
    else {
        return;
    };
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = b"\xFF\xFE".iter().copied().chain(units).collect();
    assert_eq!(inf, Inf::parse(&utf16));
});
