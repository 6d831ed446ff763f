//! Any bytes as each of a content library's INIs. What is read is as it must be, and the same lines
//! in UTF-16 say the same.

#![no_main]

use dp_content::{ContentIni, FileIni, PackageIni, UsersIni};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data);
    // Behind a mark, so that it is not taken for text in UTF-16 without one.
    let Some(text) = data.strip_prefix(b"\xEF\xBB\xBF").and_then(|text| str::from_utf8(text).ok())
    else {
        return;
    };
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = b"\xFF\xFE".iter().copied().chain(units).collect();
    assert_eq!(FileIni::parse(data).ok(), FileIni::parse(&utf16).ok());
    assert_eq!(PackageIni::parse(data).ok(), PackageIni::parse(&utf16).ok());
});

fn read(data: &[u8]) {
    for error in [
        FileIni::parse(data).err(),
        ContentIni::parse(data).err(),
        PackageIni::parse(data).err(),
        UsersIni::parse(data).err(),
    ]
    .into_iter()
    .flatten()
    {
        assert!(error.to_string().len() < 2000);
    }
}
