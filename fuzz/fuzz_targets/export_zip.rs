//! Reads any bytes as an exported task sequence; and as the object and the manifest inside a sound
//! one, because no mutation finds the check sums of a zip by chance. Nothing may panic or hang.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use media_model::task_sequence::{Export, SequenceFile};
use rawzip::ZipArchiveWriter;

const OBJECT: &str = "SMS_TaskSequencePackage/PS100001/object.xml";

fuzz_target!(|data: &[u8]| {
    read(data);
    let _ = SequenceFile::read(data);
    read(&zip(&[(OBJECT, data)]));
    // Of two objects the manifest names one.
    let other = OBJECT.replace("PS100001", "PS100002");
    read(&zip(&[(OBJECT, b"<INSTANCE/>"), (&other, b""), ("Manifest.xml", data)]));
});

fn read(bytes: &[u8]) {
    if let Ok(export) = Export::read(bytes) {
        assert!(export.sequence().to_xml().is_ok());
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, data) in files {
        let (mut entry, config) = archive.new_file(*name).start().expect("the name is short");
        let mut writer = config.wrap(&mut entry);
        writer.write_all(data).expect("memory can be written");
        let (_, descriptor) = writer.finish().expect("memory can be written");
        entry.finish(descriptor).expect("memory can be written");
    }
    archive.finish().expect("memory can be written")
}
