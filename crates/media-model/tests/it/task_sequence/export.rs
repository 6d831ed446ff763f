//! Exports: zips made here byte by byte, so that each can be wrong in one way.

use media_model::Refusal;
use media_model::task_sequence::{Export, ExportError, SequenceFault};

use super::{EXPORT, TOOLKIT, UNKNOWN, read};

/// One entry of a zip; what the directory says of it may be made wrong.
#[derive(Clone)]
struct File {
    name: String,
    local_name: String,
    data: Vec<u8>,
    stored: Vec<u8>,
    method: u16,
    flags: u16,
    size: u32,
    crc: u32,
}

impl File {
    fn new(name: &str, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        Self {
            name: name.to_owned(),
            local_name: name.to_owned(),
            stored: data.clone(),
            method: 0,
            flags: 0,
            size: u32::try_from(data.len()).unwrap(),
            crc: crc32(&data),
            data,
        }
    }

    /// The data as one run of DEFLATE blocks that are stored, or, of zeros, truly compressed.
    fn deflated(mut self) -> Self {
        self.method = 8;
        self.stored = if self.data.iter().all(|byte| *byte == 0) {
            deflate_zeros(self.data.len())
        } else {
            deflate_stored(&self.data)
        };
        self
    }
}

/// CRC-32 of zip, bit by bit.
fn crc32(data: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !data.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

/// RFC 1951 3.2.4.
fn deflate_stored(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in data.chunks(0xFFFF) {
        let len = u16::try_from(chunk.len()).unwrap();
        out.push(0);
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(chunk);
    }
    out.extend([1, 0, 0, 0xFF, 0xFF]);
    out
}

/// RFC 1951 3.2.6: one zero, then runs of 258 at distance 1 (length code 285, distance code 0).
fn deflate_zeros(len: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false];
    let mut code = |value: u32, width: u32| {
        bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
    };
    code(0x30, 8);
    let runs = (len - 1) / 258;
    for _ in 0..runs {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    for _ in 0..(len - 1) % 258 {
        code(0x30, 8);
    }
    code(0, 7);
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |out, (n, bit)| out | u8::from(*bit) << n))
        .collect()
}

/// APPNOTE 4.3.
fn zip(files: &[File]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for file in files {
        let offset = u32::try_from(out.len()).unwrap();
        let mut header = Vec::new();
        for field in [20, file.flags, file.method, 0, 0x21] {
            header.extend(u16::to_le_bytes(field));
        }
        let stored = u32::try_from(file.stored.len()).unwrap();
        for field in [file.crc, stored, file.size] {
            header.extend(u32::to_le_bytes(field));
        }
        let len = |name: &str| u16::try_from(name.len()).unwrap().to_le_bytes();
        out.extend(b"PK\x03\x04");
        out.extend(&header);
        out.extend(len(&file.local_name));
        out.extend([0, 0]);
        out.extend(file.local_name.as_bytes());
        out.extend(&file.stored);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&header);
        directory.extend(len(&file.name));
        directory.extend([0; 12]);
        directory.extend(offset.to_le_bytes());
        directory.extend(file.name.as_bytes());
    }
    let offset = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn property(name: &str, value: &str) -> String {
    format!(
        "<PROPERTY NAME=\"{name}\" CLASSORIGIN=\"SMS_TaskSequencePackage\" TYPE=\"string\">\r\n\
         <QUALIFIER NAME=\"CIMTYPE\" TYPE=\"string\"><VALUE>string</VALUE></QUALIFIER>\r\n\
         <VALUE>{value}</VALUE></PROPERTY>\r\n"
    )
}

fn object_xml(id: &str, sequence: &str) -> String {
    format!(
        "<INSTANCE CLASSNAME=\"SMS_TaskSequencePackage\">\r\n\
         <QUALIFIER NAME=\"dynamic\" TYPE=\"boolean\"><VALUE>TRUE</VALUE></QUALIFIER>\r\n\
         {}{}{}<PROPERTY.OBJECTARRAY NAME=\"References\"><VALUE.OBJECTARRAY/></PROPERTY.OBJECTARRAY>\
         {}{}</INSTANCE>",
        property("BootImageID", "PS100002"),
        property("Name", "Capture &amp; more"),
        property("PackageID", id),
        property("Sequence", &format!("<![CDATA[{sequence}\n]]>")),
        property("Version", ""),
    )
}

fn object_name(id: &str) -> String {
    format!("SMS_TaskSequencePackage/{id}/object.xml")
}

fn manifest(id: &str) -> File {
    let xml = format!(
        "\u{FEFF}<LibraryDocument xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <Properties><Property Name=\"AUTHORING_SCOPE\" Value=\"x\" /></Properties><Contents />\
         <EntryObjects><Object Path=\"Other.ID='X'\" Type=\"Other\" />\
         <Object Path=\"SMS_TaskSequencePackage.PackageID='{id}'\" \
         Type=\"SMS_TaskSequencePackage\" /></EntryObjects></LibraryDocument>"
    );
    File::new("Manifest.xml", xml)
}

/// The files of an export of the last of these sequences.
fn files(objects: &[(&str, &str)]) -> Vec<File> {
    let mut files = vec![File::new("_rels/.rels", "\u{FEFF}<Relationships/>")];
    for (id, sequence) in objects {
        files.push(File::new(&object_name(id), object_xml(id, sequence)));
        let references = format!("SMS_TaskSequencePackage/{id}/ReferencesInfo.xml");
        files.push(File::new(&references, "\u{FEFF}<ArrayOfString />"));
    }
    files.push(manifest(objects.last().unwrap().0));
    files.push(File::new("[Content_Types].xml", "\u{FEFF}<Types/>"));
    files
}

pub(super) fn of_objects(objects: &[(&str, &str)]) -> Vec<u8> {
    zip(&files(objects))
}

#[test]
fn one_object() {
    for deflated in [false, true] {
        let mut files = files(&[("PS100007", EXPORT)]);
        if deflated {
            files = files.into_iter().map(File::deflated).collect();
        }
        let export = Export::read(&zip(&files)).unwrap();
        assert_eq!(export.package_id(), Some("PS100007"));
        assert_eq!(export.name(), Some("Capture & more"));
        assert_eq!(export.boot_image_id(), Some("PS100002"));
        assert_eq!(export.sequence(), &read(EXPORT));
    }
    // In UTF-16, with the sequence as escaped text, in a folder, by a packer that writes "\".
    let escaped = TOOLKIT.replace('&', "&amp;").replace('<', "&lt;");
    let xml = object_xml("PS100007", "").replace("<![CDATA[\n]]>", &escaped);
    let xml: Vec<u8> = format!("\u{FEFF}{xml}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = File::new(r"export\SMS_TaskSequencePackage\PS100007\object.xml", xml);
    assert_eq!(Export::read(&zip(&[file])).unwrap().into_sequence(), read(TOOLKIT));
}

/// Packed by another program, once stored, once compressed and with a second sequence in it.
#[test]
fn fixtures_of_another_packer() {
    let stored = include_bytes!("../../fixtures/task-sequence/export-stored.zip");
    let deflated = include_bytes!("../../fixtures/task-sequence/export-deflated.zip");
    for zip in [&stored[..], deflated] {
        let export = Export::read(zip).unwrap();
        assert_eq!(export.package_id(), Some("PS100007"));
        assert_eq!(export.name(), Some("Fixture & more"));
        assert_eq!(export.sequence(), &read(EXPORT));
    }
}

#[test]
fn cdata_may_be_divided() {
    let divided = UNKNOWN.replace("]]>", "]]]]><![CDATA[>");
    let export = Export::read(&of_objects(&[("PS100008", &divided)])).unwrap();
    assert_eq!(export.sequence(), &read(UNKNOWN));
}

#[test]
fn of_several_objects_the_manifest_names_one() {
    let both = [("PS100001", EXPORT), ("PS100002", TOOLKIT)];
    assert_eq!(Export::read(&of_objects(&both)).unwrap().sequence(), &read(TOOLKIT));
    let mut files = files(&both);
    files.retain(|file| file.name != "Manifest.xml");
    let ids = vec!["PS100001".to_owned(), "PS100002".to_owned()];
    assert_eq!(Export::read(&zip(&files)), Err(ExportError::SeveralObjects { ids: ids.clone() }));
    files.push(manifest("PS100009"));
    assert_eq!(Export::read(&zip(&files)), Err(ExportError::SeveralObjects { ids }));
}

/// What is said of an export in which the object's file was changed.
fn changed(change: impl FnOnce(&mut File)) -> ExportError {
    let mut files = files(&[("PS100007", EXPORT)]);
    change(files.get_mut(1).unwrap());
    Export::read(&zip(&files)).unwrap_err()
}

#[test]
fn hostile_archives() {
    let entry = object_name("PS100007");
    for name in ["../object.xml", "/a", "C:\\a", "a/../../b", "a\\..\\..\\b", "a//b", "a\0b"] {
        let mut files = files(&[("PS100007", EXPORT)]);
        files.push(File::new(name, ""));
        let entry = name.to_owned();
        assert_eq!(Export::read(&zip(&files)), Err(ExportError::Name { entry }));
    }
    let mut twice = files(&[("PS100007", EXPORT)]);
    twice.push(File::new(&entry.to_uppercase(), TOOLKIT));
    let duplicate = ExportError::Duplicate { entry: entry.to_uppercase() };
    assert_eq!(Export::read(&zip(&twice)), Err(duplicate));

    let encrypted = changed(|file| file.flags = 1);
    assert_eq!(encrypted, ExportError::Encrypted { entry: entry.clone() });
    let method = changed(|file| file.method = 12);
    assert_eq!(method, ExportError::Method { entry: entry.clone(), method: 12 });
    for damaged in [
        changed(|file| file.crc ^= 1),
        changed(|file| file.size -= 1),
        changed(|file| file.local_name = file.local_name.to_uppercase()),
        changed(|file| file.method = 8),
    ] {
        let ExportError::Damaged { entry: found, .. } = &damaged else { panic!("{damaged}") };
        assert_eq!(found, &entry);
    }
    let many: Vec<_> = (0..=10_000).map(|n| File::new(&n.to_string(), "")).collect();
    assert_eq!(Export::read(&zip(&many)), Err(ExportError::Entries { max: 10_000 }));
    assert_eq!(Export::read(&zip(&[File::new("a", "")])), Err(ExportError::NoObject));
}

#[test]
fn bombs_are_not_unpacked() {
    let max = 16 << 20;
    let entry = object_name("PS100007");
    let too_large = ExportError::EntrySize { entry: entry.clone(), max };
    let bomb = File::new(&entry, vec![0; max + 1]).deflated();
    assert!(bomb.stored.len() < 200_000);
    assert_eq!(Export::read(&zip(std::slice::from_ref(&bomb))), Err(too_large.clone()));
    // The directory says it is small.
    let liar = File { size: 100, ..bomb };
    assert_eq!(Export::read(&zip(&[liar])), Err(too_large));
}

#[test]
fn faults_inside() {
    let entry = object_name("PS100007");
    let none = changed(|file| {
        *file = File::new(&file.name, object_xml("PS100007", "").replace("Sequence\"", "Sequel\""));
    });
    assert_eq!(none, ExportError::NoSequence { entry: entry.clone() });
    let wrong =
        changed(|file| *file = File::new(&file.name, object_xml("PS100007", "\n <sequence/>")));
    assert_eq!(
        wrong.what(),
        format!("the sequence in {entry}: line 2, column 2 (byte 2): <sequence> has no version")
    );
    let ExportError::Xml { error, .. } = changed(|file| *file = File::new(&file.name, "<CIM/>"))
    else {
        panic!();
    };
    assert_eq!(error.what(), "line 1, column 1 (byte 0): <CIM> is not <INSTANCE>");
    let ExportError::Xml { error, .. } = changed(|file| {
        let twice = object_xml("PS100007", EXPORT).replace("\"Version\"", "\"Sequence\"");
        *file = File::new(&file.name, twice);
    }) else {
        panic!();
    };
    assert_eq!(error.fault(), &SequenceFault::Repeated { element: "PROPERTY" });
}
