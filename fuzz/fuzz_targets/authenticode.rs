//! Any bytes as a program: reading its signatures ends without a panic, within the limits, and what
//! is told of them stands on one line.

#![no_main]

use boot_image::authenticode::{self, Certificate, Integrity};
use extent_image::BytesSource;
use libfuzzer_sys::fuzz_target;

fn on_one_line(certificate: &Certificate) {
    for name in [&certificate.subject, &certificate.issuer] {
        assert!(!name.full.contains(char::is_control), "{:?}", name.full);
        assert!(!name.text().contains(char::is_control), "{:?}", name.text());
    }
}

fuzz_target!(|data: &[u8]| {
    let program = BytesSource::new("program", data.to_vec());
    let Ok(signatures) = authenticode::signatures(&program) else { return };
    assert!(signatures.found.len() <= authenticode::MOST_SIGNATURES);
    // What is beyond the limit, and the end of the table, are told once each.
    assert!(signatures.faults.len() <= authenticode::MOST_SIGNATURES + 2);
    for signature in &signatures.found {
        assert!(signature.others.len() < authenticode::MOST_CERTIFICATES);
        signature.others.iter().chain([&signature.signer]).for_each(on_one_line);
        let _ = signature.generation().to_string();
        if signature.integrity == Integrity::Intact {
            assert!(!signature.digest.is_empty());
        }
    }
});
