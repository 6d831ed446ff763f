//! Any bytes as a signature tar, whole and byte by byte: the same names come out, and none leads out
//! of its folder.

#![no_main]

use std::io::{self, Read};

use dp_content::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let names = fuzzing::signature_names(data);
    match &names {
        Ok(names) => {
            for path in names {
                assert!(!path.is_root() && !path.as_str().contains(['\\', ':']));
                assert!(path.names().all(|name| !matches!(name, "" | "." | "..")));
                assert!(!path.as_str().contains(char::is_control));
            }
        }
        Err(error) => assert!(error.len() < 2000, "{error}"),
    }
    assert_eq!(fuzzing::signature_names(OneByOne(data)), names);
});

struct OneByOne<'a>(&'a [u8]);

impl Read for OneByOne<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(1);
        self.0.read(&mut buf[..len])
    }
}
