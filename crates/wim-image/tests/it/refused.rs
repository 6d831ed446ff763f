//! Kinds of WIM that are refused by name, and what is said of them.

use std::sync::Arc;

use extent_image::BytesSource;
use wim_image::{Limits, OpenError, Warning, Wim};

use crate::support::{fixture, open, sample};

/// The sample with some bytes of its header replaced.
fn patched(patches: &[(usize, &[u8])]) -> Result<Wim, OpenError> {
    let mut bytes = sample().to_vec().unwrap();
    for (at, patch) in patches {
        bytes[*at..*at + patch.len()].copy_from_slice(patch);
    }
    open(bytes)
}

fn refusal(patches: &[(usize, &[u8])]) -> OpenError {
    patched(patches).unwrap_err()
}

#[test]
fn each_kind_by_name() {
    assert!(matches!(refusal(&[(0, b"WLPWM")]), OpenError::Pipable));
    let zip = refusal(&[(0, b"PK\x03\x04")]);
    assert!(matches!(zip, OpenError::NotWim { .. }));
    assert!(zip.to_string().starts_with(r#"not a WIM: it begins with "PK\x03\x04M\x00\x00\x00""#));
    for version in [0x0001_0900_u32, 0x0001_0A00, 0x0001_0C00] {
        let found = refusal(&[(0x0C, &version.to_le_bytes())]);
        assert!(matches!(found, OpenError::Beta { version: v } if v == version));
    }
    assert!(matches!(
        refusal(&[(0x0C, &0x0002_0D00_u32.to_le_bytes())]),
        OpenError::Version { version: 0x0002_0D00 }
    ));
    let solid = refusal(&[(0x0C, &0x0E00_u32.to_le_bytes())]);
    assert!(matches!(solid, OpenError::Solid { version: 0xE00 }));
    assert!(solid.to_string().contains("export to LZX first"));
    let lzms = refusal(&[(0x10, &0x0008_0082_u32.to_le_bytes())]);
    assert!(matches!(lzms, OpenError::Solid { .. }));
    let split = refusal(&[(0x28, &[2, 0, 3, 0])]);
    assert!(matches!(split, OpenError::Split { part: 2, total: 3 }));
    assert!(split.to_string().starts_with("part 2 of 3 of a split WIM"));
    let spanned = refusal(&[(0x10, &0x88_u32.to_le_bytes())]);
    assert!(matches!(spanned, OpenError::Split { part: 1, total: 1 }));
    for part in [[0, 0, 1, 0], [2, 0, 1, 0], [1, 0, 0, 0]] {
        assert!(matches!(refusal(&[(0x28, &part)]), OpenError::PartNumber { .. }));
    }
    assert!(matches!(refusal(&[(8, &[209])]), OpenError::HeaderSize { found: 209 }));
    for flags in [0x82_u32, 0x0001_0082, 0x0006_0082] {
        let found = refusal(&[(0x10, &flags.to_le_bytes())]);
        assert!(matches!(found, OpenError::Compression { flags: f } if f == flags), "{found}");
    }
    for (flags, chunk) in [
        (0x0002_0082_u32, 0x800_u32),
        (0x0002_0082, 0x2_0000),
        (0x0002_0082, 0x8001),
        (0x0004_0082, 0x4000),
        (0x0004_0082, 0x40_0000),
        (0x0004_0082, 0),
    ] {
        let patch = [flags.to_le_bytes(), chunk.to_le_bytes()].concat();
        let found = refusal(&[(0x10, &patch)]);
        assert!(matches!(found, OpenError::ChunkSize { found: f, .. } if f == chunk), "{found}");
    }
    assert!(matches!(refusal(&[(0x2C, &[2])]), OpenError::ImageCount { header: 2, found: 1 }));
}

#[test]
fn encrypted_esd_of_either_version() {
    // As long as the sample's XML, so that no offset changes.
    let bytes = sample().to_vec().unwrap();
    let at = u64::from_le_bytes(bytes[0x50..0x58].try_into().unwrap()) as usize;
    let len = u64::from_le_bytes(bytes[0x58..0x60].try_into().unwrap()) as usize;
    let mut text = String::from("<WIM><ESD><ENCRYPTED>1</ENCRYPTED></ESD></WIM>");
    text.push_str(&" ".repeat(len / 2 - 1 - text.len()));
    let mut xml = vec![0xFF, 0xFE];
    xml.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    for version in [0x0001_0D00_u32, 0x0E00] {
        let found = refusal(&[(at, &xml), (0x0C, &version.to_le_bytes())]);
        assert!(matches!(found, OpenError::EsdEncrypted), "{found}");
    }
}

#[test]
fn cut_short() {
    let bytes = sample().to_vec().unwrap();
    for len in [0, 7, 8, 100, 207] {
        let found = open(&bytes[..len]).unwrap_err();
        let expected = len as u64;
        assert!(matches!(found, OpenError::Truncated { found, needed: 208 } if found == expected));
    }
    let found = open(&bytes[..208]).unwrap_err();
    assert!(matches!(found, OpenError::BlobTable { .. }));
    let source = std::error::Error::source(&found).unwrap().to_string();
    assert!(source.contains("does not fit a file of 208 bytes"), "{source}");
    assert!(matches!(open(b"#!/bin/sh\n"), Err(OpenError::NotWim { .. })));
}

#[test]
fn limits_come_before_memory() {
    let open = |limits| {
        let source = Arc::new(BytesSource::new("x", fixture("lzx-32k.wim")));
        Wim::open_with_limits(source, limits)
    };
    assert!(matches!(open(Limits::new().with_table(100)), Err(OpenError::BlobTable { .. })));
    assert!(matches!(open(Limits::new().with_xml(100)), Err(OpenError::Xml { .. })));
    let wim = open(Limits::new().with_metadata(100)).unwrap();
    assert!(wim.image(1).is_err());
    let wim = open(Limits::new().with_in_memory(35_999)).unwrap();
    let image = wim.image(1).unwrap();
    let file = wim.file(image.lookup("zeros.bin").unwrap()).unwrap();
    let found = file.read_verified().unwrap_err().to_string();
    assert!(found.contains("36000 bytes (limit 35999)"), "{found}");
    assert_eq!(file.extract(&mut std::io::sink()).unwrap(), 36_000);

    // Sizes that a few bytes cannot unpack to.
    let mut bytes = fixture("lzx-32k.wim");
    bytes[0x30 + 16..0x30 + 24].copy_from_slice(&(1_u64 << 50).to_le_bytes());
    assert!(matches!(crate::support::open(bytes), Err(OpenError::BlobTable { .. })));
}

#[test]
fn warnings() {
    let wim = patched(&[(0x10, &[0xC0])]).unwrap();
    assert_eq!(wim.warnings(), [Warning::WriteInProgress]);
    let wim = patched(&[(0x68, &[1])]).unwrap();
    assert_eq!(wim.warnings(), [Warning::BootMetadata { index: 1 }]);
    let wim = patched(&[(0x2C, &[0])]).unwrap();
    assert_eq!(wim.image_count(), 0);
    assert_eq!(
        wim.warnings(),
        [Warning::BootIndex { index: 1, count: 0 }, Warning::ExtraMetadata { header: 0, found: 1 }]
    );
}
