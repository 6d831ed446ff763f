//! First inputs of the fuzz targets, made anew at every start: the corpora are not checked in.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::context::Context;

/// Of an ISO's system area only the first sector is read; the target `iso_check` puts the others
/// behind the first of its input.
const SYSTEM_AREA: std::ops::Range<usize> = 2048..16 * 2048;

/// Adds the seeds to the corpora.
pub(super) fn make(context: &Context) -> Result<()> {
    let corpus = context.root().join("fuzz").join("corpus");
    put(&corpus, "fat_check", "small.img", &shifted(&small_fat32()))?;
    // The target `fat_update` takes the rest for a volume when the first byte is even.
    put(&corpus, "fat_update", "small.img", &[&[2], small_fat32().as_slice()].concat())?;
    put(&corpus, "iso_check", "small.iso", &small_iso(context)?)?;
    for firmware in ["bios", "uefi"] {
        put(&corpus, "hive_read", firmware, &small_hive(context, firmware)?)?;
    }
    let fixtures = context.root().join("crates/wim-image/tests/fixtures");
    let entries = fs::read_dir(&fixtures);
    for entry in entries.with_context(|| format!("cannot read {}", fixtures.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wim")
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            let wim = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            put(&corpus, "wim_read", name, &wim)?;
            // The target `wim_split` takes the limits of the parts from the first eight bytes.
            let limits = [0_u32, 4096].map(u32::to_le_bytes).concat();
            put(&corpus, "wim_split", name, &[limits, wim].concat())?;
        }
    }
    for (name, text) in REQUESTS {
        put(&corpus, "request_toml", name, text.as_bytes())?;
    }
    signed_programs(context, &corpus)?;
    drivers(context, &corpus)?;
    task_sequences(context, &corpus)?;
    super::content_seeds::make(&mut |target, name, bytes| put(&corpus, target, name, bytes))
}

/// A request file without a mistake, and one with some of each sort.
const REQUESTS: [(&str, &str); 2] = [
    (
        "good.toml",
        "version = 1\nboot-image = 'boot.wim'\nmedia-type = \"usb\"\npath = \"a.img\"\n\
         add = [\"tools=\\\\Tools\", 'a=B']\nforce = true\nboot-index = 0x2\n",
    ),
    (
        "bad.toml",
        "version = 2\nlable = 'x'\nforce = True\nlabel\npath = \"C:\\x\"\nadd = ['a' 7]\n\
         label = 'x'\nlabel = 'y'\nhwids.a = 1\ncapture-password = ''\n[more]\nbcd = {a = 1}\n",
    ),
];

/// The fixtures themselves.
fn signed_programs(context: &Context, corpus: &Path) -> Result<()> {
    let fixtures = context.root().join("crates/boot-image/tests/fixtures/authenticode");
    for name in ["pca-2011-x64.efi", "ca-2023-ia32.efi", "nested-x64.efi", "two-entries-x64.efi"] {
        let path = fixtures.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        put(corpus, "authenticode", name, &bytes)?;
    }
    Ok(())
}

/// The fixtures themselves.
fn drivers(context: &Context, corpus: &Path) -> Result<()> {
    let fixtures = context.root().join("crates/boot-image/tests/fixtures/drivers");
    for (target, names) in [
        ("inf_read", &["net-utf16.inf", "storage-utf8.inf", "old-ansi.inf"][..]),
        ("device_list", &["pnputil-german.txt", "lspci-nnv.txt"]),
    ] {
        for name in names {
            let path = fixtures.join(name);
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            put(corpus, target, name, &bytes)?;
        }
    }
    let inf = |name: &str| {
        let path = fixtures.join(name);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let [utf8, ansi] = [inf("storage-utf8.inf")?, inf("old-ansi.inf")?];
    let system = small_hive(context, "bios")?;
    for (name, first) in [("storage", &utf8), ("old", &ansi)] {
        let parts = [
            first,
            &utf8,
            &b"a0.inf_amd64_0;oem0.inf;\xFF\xFF\x09\nb.inf_amd64_1;oem7.inf;"[..],
            &system,
            b"WinPE-WMI-Package~31bf3856ad364e35~amd64~~10.0.26100.1\nWinPE-Scripting-Package",
            b"[LaunchApp]\r\nAppPath=%SYSTEMROOT%\\System32\\cmd.exe\r\n",
            br"PCI\VEN_1AF4&DEV_1001",
            b"10.0.26100",
        ];
        put(corpus, "boot_image", name, &parts.join(&b"\n%%\n"[..]))?;
    }
    Ok(())
}

/// The fixtures themselves.
fn task_sequences(context: &Context, corpus: &Path) -> Result<()> {
    let fixtures = context.root().join("crates/media-model/tests/fixtures/task-sequence");
    for (target, names) in [
        (
            "sequence_xml",
            &["built-in.xml", "export-3.10.xml", "toolkit-3.00.xml", "unknown-parts.xml"][..],
        ),
        ("export_zip", &["export-stored.zip", "export-deflated.zip"]),
    ] {
        for name in names {
            let path = fixtures.join(name);
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            put(corpus, target, name, &bytes)?;
        }
    }
    Ok(())
}

fn put(corpus: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = corpus.join(target);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(name);
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// A disc by `mkiso`, without the part of its system area that nobody reads.
fn small_iso(context: &Context) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let content = folder.path().join("content");
    fs::create_dir_all(content.join("Folder with a long name"))?;
    fs::write(content.join("Folder with a long name").join("file.txt"), "some text")?;
    fs::write(content.join("EMPTY"), "")?;
    let image = folder.path().join("small.iso");
    context
        .cargo()
        .args(["run", "--quiet", "--package", "iso9660-image", "--example", "mkiso", "--"])
        .args([&content, &image])
        .run()?;
    let mut bytes = fs::read(&image)?;
    bytes.drain(SYSTEM_AREA);
    Ok(bytes)
}

/// The boot configuration of media, by the example `bcd`.
fn small_hive(context: &Context, firmware: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("BCD");
    context
        .cargo()
        .args(["run", "--quiet", "--package", "bcd-store", "--example", "bcd", "--", firmware])
        .args([&file])
        .run()?;
    Ok(fs::read(&file)?)
}

/// The target `fat_check` takes the place of the volume, in sectors, from the first byte: 3 mod 4.
fn shifted(volume: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 3 * SECTOR];
    bytes.extend_from_slice(volume);
    bytes.iter_mut().take(1).for_each(|first| *first = 3);
    bytes
}

const SECTOR: usize = 512;
/// Of the small volume: boot sector and FSInfo.
const RESERVED: usize = 2;
/// Of the small volume: root folder, a folder in it, a file.
const CLUSTERS: usize = 3;

/// A volume with all parts of FAT32 in six sectors. It has far too few clusters, which the checker
/// reports and then goes on; the smallest true volume, 33 MiB, would be no seed.
fn small_fat32() -> Vec<u8> {
    let mut volume = vec![0; (RESERVED + 1 + CLUSTERS) * SECTOR];
    let mut put = |at: usize, bytes: &[u8]| {
        for (slot, byte) in volume.iter_mut().skip(at).zip(bytes) {
            *slot = *byte;
        }
    };
    let table = RESERVED * SECTOR;
    let [root, folder, file] = [1, 2, 3].map(|sector| table + sector * SECTOR);
    // Boot sector: sector size, cluster size, reserved sectors, FATs; then the fields of FAT32.
    put(0x00, b"\xEB\x58\x90MSWIN4.1\x00\x02\x01\x02\x00\x01");
    put(0x15, &[0xF8]);
    put(0x20, &[6, 0, 0, 0, 1, 0, 0, 0]);
    put(0x2C, &[2, 0, 0, 0, 1, 0, 0, 0]);
    put(0x42, b"\x29\x01\x02\x03\x04NO NAME    FAT32   ");
    put(0x1FE, &[0x55, 0xAA]);
    put(SECTOR, b"RRaA");
    put(SECTOR + 0x1E4, b"rrAa\x00\x00\x00\x00\xFF\xFF\xFF\xFF");
    put(SECTOR + 0x1FE, &[0x55, 0xAA]);
    // FAT: two reserved entries, then three chains of one cluster.
    put(table, &[0xF8, 0xFF, 0xFF, 0x0F]);
    for entry in 1..=4 {
        put(table + 4 * entry, &[0xFF, 0xFF, 0xFF, 0x0F]);
    }
    // Name, attributes at 0Bh, first cluster at 1Ah, size at 1Ch.
    put(root, b"FOLDER     \x10");
    put(root + 0x1A, &[3]);
    for (at, name) in [(folder, b".          \x10"), (folder + 0x20, b"..         \x10")] {
        put(at, name);
    }
    put(folder + 0x1A, &[3]);
    // A long name of one slot, with the checksum of the short name that follows.
    let short = b"ANAME~1 TXT";
    let sum = short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    put(folder + 0x40, b"\x41A\0 \0n\0a\0m\0\x0F\0\0e\0.\0t\0x\0t\0\0\0\0\0\xFF\xFF\xFF\xFF");
    put(folder + 0x4D, &[sum]);
    put(folder + 0x60, short);
    put(folder + 0x6B, &[0x20]);
    put(folder + 0x7A, &[4, 0, 6]);
    put(file, b"hello\n");
    volume
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_volume_has_its_parts_in_place() {
        let volume = small_fat32();
        assert_eq!(volume.len(), 6 * SECTOR);
        assert_eq!(volume[0x0B..0x11], [0x00, 0x02, 0x01, 0x02, 0x00, 0x01]);
        assert_eq!(volume[0x1FE..0x200], [0x55, 0xAA]);
        assert_eq!(volume[5 * SECTOR..][..6], *b"hello\n");
        let shifted = shifted(&volume);
        assert_eq!(usize::from(shifted[0] % 4) * SECTOR + volume.len(), shifted.len());
    }
}
