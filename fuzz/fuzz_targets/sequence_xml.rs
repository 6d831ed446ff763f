//! Reads any bytes as a task sequence. What is read is looked at in every way, written, and read
//! again: it must come back equal, and with its passwords taken out too. Nothing may panic or hang.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media_model::task_sequence::{CaptureDestination, CaptureOptions, Sequence};

fuzz_target!(|data: &[u8]| {
    let Ok(mut sequence) = Sequence::read(data) else { return };
    goes_round(&sequence);
    let problems = sequence.check();
    assert_eq!(
        sequence.has_capture_step(),
        !problems.iter().any(|problem| problem.what().contains("no capture step"))
    );
    let _ = sequence.notices();
    let _ = sequence.check_references(|reference| reference.package_id().is_some());

    sequence.remove_stored_passwords();
    assert_eq!(sequence.remove_stored_passwords(), 0);
    goes_round(&sequence);

    let destination = CaptureDestination::new("destination").expect("it is short");
    CaptureOptions::new().with_destination(destination).apply_to(&mut sequence);
    for step in sequence.capture_steps() {
        assert_eq!(step.variables.value("OSDCaptureDestination"), Some("destination"));
    }
    goes_round(&sequence);
});

fn goes_round(sequence: &Sequence) {
    let xml = sequence.to_xml().expect("what was read can be written");
    let again = Sequence::read(xml.as_bytes()).expect("what was written can be read");
    assert_eq!(&again, sequence);
    assert_eq!(again.to_xml().expect("it was written before"), xml);
}
