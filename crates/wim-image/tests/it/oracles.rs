//! wimlib and 7-Zip as judges.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use extent_image::{OpenFile, Source, Timestamp};
use wim_image::decompress::Lzx;
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Compression, OpenError, Sha1, Wim, pe};

use crate::support::{Counting, bytes_of, contents, sample, verify};

/// Runs a tool, which must be there and succeed, and returns what it printed.
pub(crate) fn run(tool: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let mut command = Command::new(tool);
    for argument in arguments {
        command.arg(argument.as_ref());
    }
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {tool}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}{errors}", output.status);
    text
}

pub(crate) fn open(path: &Path) -> Result<Wim, OpenError> {
    Wim::open(Arc::new(OpenFile::open(path).unwrap()))
}

/// Machine code of a real program: this one.
fn program() -> Vec<u8> {
    fs::read(std::env::current_exe().unwrap()).unwrap()
}

/// A tree with data of many kinds; returns its files by path in an image.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let code = program();
    let code: Vec<u8> = code.into_iter().take(6 << 20).collect();
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let mut kernel = vec![0; 512];
    kernel[..2].copy_from_slice(b"MZ");
    kernel[0x3C] = 0x80;
    kernel[0x80..0x86].copy_from_slice(b"PE\0\0\x64\xAA");
    let text: String = (0..40_000).map(|n| format!("{n} bottles, {} left\n", n % 97)).collect();
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("Windows/System32/kernel32.dll".into(), kernel),
        ("code.bin".into(), code.clone()),
        ("noise.bin".into(), noise.take(300_000).collect()),
        ("zeros.bin".into(), vec![0; 5_000_000]),
        ("text.txt".into(), text.clone().into_bytes()),
        ("empty".into(), Vec::new()),
        ("name with ümläut.txt".into(), b"x".to_vec()),
        ("code then zeros".into(), [&code[..100_000], &[0; 70_000], &code[..9]].concat()),
    ];
    // Around the ends of chunks of every size.
    for order in [12, 15, 16, 17, 21] {
        for (n, len) in [(1 << order) - 1, 1 << order, (1 << order) + 1].into_iter().enumerate() {
            files.push((format!("sizes/{order}-{n}"), code[n * 1000..n * 1000 + len].to_vec()));
        }
    }
    for n in 0..60 {
        files.push((format!("many/{n}"), text.as_bytes()[n * 37..n * 997 + 40].to_vec()));
    }
    for (path, data) in &files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, data).unwrap();
    }
    files.into_iter().map(|(path, data)| (format!("\\{}", path.replace('/', "\\")), data)).collect()
}

pub(crate) fn capture(tree: &Path, wim: &Path, options: &[&str]) {
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"capture", &tree, &wim, &"Captured"];
    arguments.extend(options.iter().map(|option| option as &dyn AsRef<OsStr>));
    run("wimlib-imagex", &arguments);
}

#[test]
#[ignore = "needs wimlib-imagex"]
fn captures_of_every_codec_and_chunk_size() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("tree");
    let expected = tree(&root);
    let cases: &[(Compression, u32, &[&str])] = &[
        (Compression::None, 0, &["--compress=none"]),
        (Compression::Xpress, 0x1000, &["--compress=XPRESS", "--chunk-size=4K"]),
        (Compression::Xpress, 0x8000, &["--compress=XPRESS", "--chunk-size=32K"]),
        (Compression::Xpress, 0x1_0000, &["--compress=XPRESS", "--chunk-size=64K"]),
        (Compression::Lzx, 0x8000, &["--compress=LZX:20", "--chunk-size=32K"]),
        (Compression::Lzx, 0x1_0000, &["--compress=LZX:20", "--chunk-size=64K"]),
        (Compression::Lzx, 0x2_0000, &["--compress=LZX:60", "--chunk-size=128K"]),
        (Compression::Lzx, 0x8_0000, &["--compress=LZX:20", "--chunk-size=512K"]),
        (Compression::Lzx, 0x20_0000, &["--compress=LZX:60", "--chunk-size=2M"]),
    ];
    for (n, (compression, chunk_size, options)) in cases.iter().enumerate() {
        let path = scratch.path().join(format!("{n}.wim"));
        capture(&root, &path, &[options, &["--check", "--boot"][..]].concat());
        let wim = open(&path).unwrap();
        assert_eq!((wim.compression(), wim.chunk_size()), (*compression, *chunk_size));
        assert_eq!((wim.boot_index(), wim.has_integrity_table()), (Some(1), true));
        let info = wim.info(1).unwrap();
        assert_eq!(info.architecture().unwrap().name(), "arm64");
        assert_eq!(info.name.as_deref(), Some("Captured"));
        let image = wim.image(1).unwrap();
        let found = contents(&wim, &image);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, data) in &expected {
            assert!(found[name] == *data, "{options:?} {name}");
        }
        assert_eq!(verify(&wim).len(), 0, "{options:?}");
        for entry in image.walk() {
            let on_disk = root.join(entry.path().trim_start_matches('\\').replace('\\', "/"));
            let time = fs::metadata(on_disk).unwrap().modified().unwrap();
            let ticks = Timestamp::from_system_time(time).filetime();
            assert_eq!(entry.modified().filetime(), ticks, "{entry:?}");
        }
    }
}

#[test]
#[ignore = "needs wimlib-imagex"]
fn solid_split_and_pipable_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("tree");
    tree(&root);
    let at = |name: &str| scratch.path().join(name);
    capture(&root, &at("solid.esd"), &["--solid", "--compress=LZMS:20"]);
    assert!(matches!(open(&at("solid.esd")), Err(OpenError::Solid { version: 0xE00 })));
    capture(&root, &at("lzms.wim"), &["--compress=LZMS:20"]);
    assert!(matches!(open(&at("lzms.wim")), Err(OpenError::Solid { .. })));
    capture(&root, &at("pipable.wim"), &["--pipable", "--compress=XPRESS"]);
    assert!(matches!(open(&at("pipable.wim")), Err(OpenError::Pipable)));
    capture(&root, &at("whole.wim"), &["--compress=XPRESS"]);
    run("wimlib-imagex", &[&"split", &at("whole.wim"), &at("part.swm"), &"2"]);
    let total = fs::read_dir(scratch.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension() == Some(OsStr::new("swm")))
        .count();
    assert!(total >= 2);
    for (name, k) in [("part.swm", 1), ("part2.swm", 2)] {
        let found = open(&at(name)).unwrap_err();
        let OpenError::Split { part, total: m } = found else { panic!("{found}") };
        assert_eq!((part, usize::from(m)), (k, total));
    }
}

#[test]
#[ignore = "needs wimlib-imagex and 7z"]
fn what_we_write_is_accepted() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let root = at("tree");
    let mut expected = tree(&root);
    let mut image = ImageBuilder::new("From files", Timestamp::from_unix_seconds(1_709_164_801));
    for (path, data) in &expected {
        image = image.with_bytes(path, data.clone()).unwrap();
    }
    let large = WimBuilder::new().with_image(image).with_integrity_table();
    for (name, builder) in [
        ("sample.wim", sample()),
        ("large.wim", large.clone().with_boot_index(1)),
        ("empty.wim", WimBuilder::new()),
    ] {
        let path = at(name);
        let len = builder.write_to(fs::File::create(&path).unwrap()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), len);
        run("wimlib-imagex", &[&"verify", &path]);
        run("7z", &[&"t", &path]);
    }
    let info = run("wimlib-imagex", &[&"info", &at("sample.wim")]);
    for line in ["Boot Index:     1", "Architecture:           x86_64", "Sample <&>"] {
        assert!(info.contains(line), "{info}");
    }
    run("wimlib-imagex", &[&"apply", &at("large.wim"), &"1", &at("applied")]);
    for (path, data) in std::mem::take(&mut expected) {
        let applied = at("applied").join(path.trim_start_matches('\\').replace('\\', "/"));
        assert!(fs::read(&applied).unwrap() == data, "{path}");
        let time = fs::metadata(&applied).unwrap().modified().unwrap();
        assert_eq!(Timestamp::from_system_time(time).unix_seconds(), 1_709_164_801);
    }

    // The header patch alone makes it bootable.
    let mut bytes = large.to_vec().unwrap();
    let wim = crate::support::open(&*bytes).unwrap();
    bytes[..208].copy_from_slice(&wim.header_with_boot_index(1).unwrap());
    fs::write(at("patched.wim"), bytes).unwrap();
    run("wimlib-imagex", &[&"verify", &at("patched.wim")]);
    let info = run("wimlib-imagex", &[&"info", &at("patched.wim")]);
    assert!(info.contains("Boot Index:     1"), "{info}");
}

fn sha1(data: &[u8]) -> [u8; 20] {
    use sha1::Digest as _;
    sha1::Sha1::digest(data).into()
}

/// Replaces every occurrence of `from`, which must occur.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let mut count = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
            count += 1;
        }
    }
    assert!(count > 0);
}

/// The hand-made chunk inside a WIM: a plain WIM of the packed bytes, turned into an LZX one.
#[test]
#[ignore = "needs wimlib-imagex and 7z"]
fn type_3_block_is_read_alike() {
    let packed = include_bytes!("../fixtures/lzx-type-3.bin");
    let mut plain = vec![0; 400];
    Lzx::new(32_768).unwrap().decode(packed, &mut plain).unwrap();
    assert!(plain.starts_with(b"capture mediaZ\xE8"));

    let image = ImageBuilder::new("type 3", Timestamp::FAT_EPOCH)
        .with_bytes("file", packed.as_slice())
        .unwrap();
    let mut bytes = WimBuilder::new().with_image(image).to_vec().unwrap();
    bytes[0x10..0x18].copy_from_slice(&[0x82, 0, 4, 0, 0, 0x80, 0, 0]);
    let table = u64::from_le_bytes(bytes[0x38..0x40].try_into().unwrap()) as usize;
    // The blob is compressed and has another size and hash; so has, then, the metadata.
    bytes[table + 7] = 4;
    bytes[table + 16..table + 24].copy_from_slice(&400_u64.to_le_bytes());
    let metadata = 208 + packed.len()..table;
    let old = sha1(&bytes[metadata.clone()]);
    replace(&mut bytes, &sha1(packed), &sha1(&plain));
    let new = sha1(&bytes[metadata]);
    replace(&mut bytes, &old, &new);

    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("type3.wim");
    fs::write(&path, bytes).unwrap();
    let wim = open(&path).unwrap();
    assert_eq!(verify(&wim).len(), 0);
    let file = wim.file(wim.image(1).unwrap().lookup("file").unwrap()).unwrap();
    assert_eq!(file.read_verified().unwrap(), plain);
    assert_eq!(file.sha1(), Some(Sha1(sha1(&plain))));
    run("wimlib-imagex", &[&"verify", &path]);
    run("wimlib-imagex", &[&"apply", &path, &"1", &scratch.path().join("applied")]);
    assert_eq!(fs::read(scratch.path().join("applied/file")).unwrap(), plain);
    run("7z", &[&"t", &path]);
    run("7z", &[&"x", &format!("-o{}", scratch.path().join("7z").display()), &path]);
    assert_eq!(fs::read(scratch.path().join("7z/file")).unwrap(), plain);
}

/// About 500 MB of content, LZX in chunks of 32 KiB, as a boot image has.
#[test]
#[ignore = "needs wimlib-imagex"]
fn boot_files_out_of_500_mb() {
    const FILES: usize = 250;
    const LEN: usize = 2 << 20;
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("tree");
    for folder in ["Windows/System32", "Windows/Boot/EFI", "Windows/Boot/PCAT"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let code = program();
    let numbered = |n: usize, len: usize| {
        // Each file differs from all others in every chunk.
        let mut data: Vec<u8> = code.iter().copied().cycle().skip(n * 4099).take(len).collect();
        for chunk in data.chunks_mut(32_768) {
            chunk[..8].copy_from_slice(&(n as u64).to_le_bytes());
        }
        data
    };
    for n in 0..FILES {
        let path: PathBuf = root.join(format!("Windows/System32/{n}.dll"));
        fs::write(path, numbered(n, LEN)).unwrap();
    }
    let boot = [
        ("Windows/Boot/EFI/bootmgfw.efi", numbered(1000, 2_900_000)),
        ("Windows/Boot/EFI/bootmgr.efi", numbered(1001, 2_800_000)),
        ("Windows/Boot/PCAT/bootmgr", numbered(1002, 400_000)),
        ("Windows/Boot/PCAT/bootmgr.small", numbered(1003, 20_000)),
    ];
    for (path, data) in &boot {
        fs::write(root.join(path), data).unwrap();
    }
    let path = scratch.path().join("boot.wim");
    capture(&root, &path, &["--compress=LZX:20", "--chunk-size=32K", "--boot"]);

    let (counting, reads) = Counting::new(OpenFile::open(&path).unwrap());
    let wim = Wim::open(Arc::new(counting)).unwrap();
    let image = wim.image(wim.boot_index().unwrap()).unwrap();
    let opening = reads.take();
    let unpacked: u64 = image.walk().map(|entry| entry.size()).sum();
    assert!(unpacked > 500_000_000);
    println!("opening {} of {} bytes: {opening:?}", bytes_of(&opening), wim.file_len());
    assert!(opening.len() <= 4, "header, blob table, XML, metadata: {opening:?}");
    assert!(bytes_of(&opening) < 64 << 10);

    for (path, data) in &boot {
        let file = wim.file(image.lookup(path).unwrap()).unwrap();
        let _ = file.read_head(pe::HEAD).unwrap();
        let head = reads.take();
        assert!(head.len() == 1 && bytes_of(&head) <= 64 << 10, "{head:?}");
        assert!(file.read_verified().unwrap() == *data);
        let whole = reads.take();
        println!("{path}: {} bytes from {whole:?}", file.len());
        assert!(whole.len() <= 6);
        // Contiguous: no byte twice, none of another resource.
        for pair in whole.windows(2) {
            assert_eq!(pair[0].0 + pair[0].1 as u64, pair[1].0);
        }
        assert!(bytes_of(&whole) < data.len());
    }
}
