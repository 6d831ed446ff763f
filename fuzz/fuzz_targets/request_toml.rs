//! Reads any bytes as a request file. Every file is a request or has problems, each problem has a way
//! out, and what is printed of it reads the same. Nothing may panic or hang.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use media_model::RequestFile;

fuzz_target!(|data: &[u8]| {
    let file = RequestFile::read("f", data);
    for file in [file.clone(), file.relative_to(Path::new("folder"))] {
        match file.check() {
            Ok(checked) => {
                let again = file.request().check().expect("the file says nothing more");
                assert_eq!(checked, again);
            }
            Err(problems) => {
                assert!(!problems.is_empty() && problems.len() <= RequestFile::LISTED + 1);
                for problem in &problems {
                    assert!(!problem.what().is_empty() && !problem.remedy().is_empty());
                    assert!(!problem.to_string().contains(char::is_control));
                }
            }
        }
        let text = file.request().to_toml().expect("what was text is text");
        let again = RequestFile::read("f", text.as_bytes());
        assert_eq!(again.request(), file.request());
    }
});
