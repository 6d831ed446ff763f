//! Any bytes as a reply to PROPFIND: nothing that comes out leads out of the folder.

#![no_main]

use dp_content::{ContentPath, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for folder in ["X.1", ""] {
        let folder = ContentPath::new(folder).expect("it is a path");
        match fuzzing::multistatus(data, "SMS_DP_SMSPKG$", &folder) {
            Ok(entries) => {
                for entry in entries {
                    let path = folder.join(&entry.name).expect("a name is one name");
                    assert_eq!(path.names().count(), folder.names().count() + 1);
                    assert!(!entry.name.contains(char::is_control));
                    assert!(!entry.is_folder || entry.len.is_none());
                }
            }
            Err(error) => assert!(error.len() < 2000, "{error}"),
        }
    }
});
