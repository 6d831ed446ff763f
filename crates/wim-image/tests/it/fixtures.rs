//! Small WIMs that wimlib compressed.

use std::collections::BTreeMap;
use std::io::Read;

use extent_image::{Source, Timestamp};
use wim_image::{Architecture, Compression, Warning, pe};

use crate::support::{contents, fixture, open, verify};

pub(crate) const ALL: [(&str, Compression, u32); 4] = [
    ("lzx-32k.wim", Compression::Lzx, 0x8000),
    ("lzx-128k.wim", Compression::Lzx, 0x2_0000),
    ("xpress-32k.wim", Compression::Xpress, 0x8000),
    ("xpress-4k.wim", Compression::Xpress, 0x1000),
];

/// What make.sh puts into the tree.
fn expected() -> BTreeMap<String, Vec<u8>> {
    let mut pe = vec![0; 512];
    pe[..2].copy_from_slice(b"MZ");
    pe[0x3C] = 0x80;
    pe[0x80..0x86].copy_from_slice(b"PE\0\0\x64\x86");
    let lines: String = (0..400).map(|n| format!("line {n} of the fixture\r\n")).collect();
    let calls = (0..300_i32).flat_map(|n| {
        let target = (0x1000 - n * 9).to_le_bytes();
        [[0x55, 0x8B, 0xEC, 0xE8].as_slice(), &target, &[0xC3]].concat()
    });
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        (state >> 16) as u8
    });
    let manager = [pe.as_slice(), b"boot manager"].concat();
    [
        (r"\Windows\System32\kernel32.dll", pe),
        (r"\Windows\Boot\EFI\bootmgfw.efi", manager),
        (r"\lines.txt", lines.clone().into_bytes()),
        (r"\hard link.txt", lines.into_bytes()),
        (r"\calls.bin", calls.collect()),
        (r"\zeros.bin", vec![0; 36_000]),
        (r"\noise.bin", noise.take(300).collect()),
        (r"\empty.txt", Vec::new()),
    ]
    .map(|(path, bytes)| (path.to_owned(), bytes))
    .into()
}

#[test]
fn every_file_is_what_was_captured() {
    for (name, compression, chunk_size) in ALL {
        let wim = open(fixture(name)).unwrap();
        assert_eq!((wim.compression(), wim.chunk_size()), (compression, chunk_size));
        assert_eq!((wim.image_count(), wim.boot_index()), (1, Some(1)));
        assert!(wim.has_integrity_table());
        let unusual = [Warning::ChunkSize { found: chunk_size }];
        let warnings = if chunk_size == 0x8000 { &[][..] } else { &unusual };
        assert_eq!(wim.warnings(), warnings, "{name}");
        let info = wim.info(1).unwrap();
        assert_eq!(info.architecture(), Some(Architecture::Amd64));
        assert_eq!(info.version.unwrap().build, 26_100);
        assert_eq!(info.description.as_deref(), Some("Made by make.sh"));
        let image = wim.image(1).unwrap();
        assert_eq!(contents(&wim, &image), expected(), "{name}");
        assert_eq!(verify(&wim).len(), 0);
    }
}

#[test]
fn facts_of_entries() {
    let wim = open(fixture("lzx-32k.wim")).unwrap();
    let image = wim.image(1).unwrap();
    let entry = image.lookup("windows/boot/efi/BOOTMGFW.EFI").unwrap();
    assert_eq!(entry.path(), r"\Windows\Boot\EFI\bootmgfw.efi");
    assert_eq!(entry.modified(), Timestamp::from_unix_seconds(1_709_210_096));
    let file = wim.file(entry).unwrap();
    assert_eq!(pe::machine(&file.read_head(pe::HEAD).unwrap()), Ok(Architecture::Amd64));
    assert_eq!(file.describe(), r"test.wim:\Windows\Boot\EFI\bootmgfw.efi");

    let link = image.lookup("link.txt").unwrap();
    assert_eq!(link.reparse_tag(), Some(0xA000_000C));
    assert!(wim.file(link).unwrap_err().to_string().contains("reparse point (tag 0xa000000c)"));
    let folder = image.lookup("empty folder").unwrap();
    assert!(folder.is_folder() && folder.children().next().is_none());
    assert!(wim.file(folder).is_err());
    let names: Vec<&str> = image.root().children().map(|child| child.name()).collect();
    assert_eq!(names.len(), 9, "{names:?}");
}

#[test]
fn from_any_offset_in_pieces_of_any_size() {
    for (name, ..) in ALL {
        let wim = open(fixture(name)).unwrap();
        let image = wim.image(1).unwrap();
        for path in ["zeros.bin", "lines.txt", "calls.bin"] {
            let file = wim.file(image.lookup(path).unwrap()).unwrap();
            let whole = file.read_verified().unwrap();
            for from in [0, 1, 4095, 4096, 4097, 32_767, 32_768, 35_999, 36_000] {
                let Some(expected) = whole.get(from..) else { continue };
                for piece in [1, 7, 4096, 5000, 100_000] {
                    let mut stream = file.open(from as u64).unwrap();
                    let mut found = Vec::new();
                    let mut buffer = vec![0; piece];
                    loop {
                        match stream.read(&mut buffer).unwrap() {
                            0 => break,
                            count => found.extend_from_slice(&buffer[..count]),
                        }
                    }
                    assert!(found == expected, "{name} {path} {from} {piece}");
                }
            }
        }
    }
}
