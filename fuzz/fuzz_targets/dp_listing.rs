//! Any bytes as a page that lists a folder: nothing that comes out leads out of the folder, and what
//! comes out, written as a distribution point does, comes out again.

#![no_main]

use dp_content::{ContentPath, TransportEntry, fuzzing};
use libfuzzer_sys::fuzz_target;

const BASE: &str = "SMS_DP_SMSPKG$";

fuzz_target!(|data: &[u8]| {
    for folder in ["X.1", "CON00123/i386", ""] {
        let folder = ContentPath::new(folder).expect("it is a path");
        match fuzzing::listing(data, BASE, &folder) {
            Ok(entries) => goes_round(&entries, &folder),
            Err(error) => assert!(error.len() < 2000, "{error}"),
        }
    }
});

fn goes_round(entries: &[TransportEntry], folder: &ContentPath) {
    let mut page = String::new();
    for TransportEntry { name, is_folder, len, .. } in entries {
        let path = folder.join(name).expect("a name is one name");
        assert_eq!(path.names().count(), folder.names().count() + 1);
        assert!(!name.contains(char::is_control));
        let mark = match (is_folder, len) {
            (true, None) => "&lt;dir&gt".to_owned(),
            (true, Some(_)) => panic!("a folder has no length"),
            (false, len) => len.map_or_else(String::new, |len| len.to_string()),
        };
        let href: String = path.as_str().bytes().map(encoded).collect();
        page.push_str(&format!("{mark} <a href=\"http://dp/{BASE}/{href}\">{href}</a><br>\r\n"));
    }
    assert_eq!(fuzzing::listing(page.as_bytes(), BASE, folder).as_deref(), Ok(entries));
}

fn encoded(byte: u8) -> String {
    match byte {
        b'/' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    }
}
