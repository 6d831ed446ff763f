//! The example program, through a pipe.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fat32_image::check::Volume;
use tempfile::TempDir;

use crate::model::content;
use crate::oracles::{fsck, label, run};

/// Cargo builds examples with all tests, not with one alone.
fn mkfat() -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let program =
        target.join("examples").join("mkfat").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{program:?} is missing: cargo build --example mkfat");
    Command::new(program)
}

/// What is in a folder, by path; `None` for folders.
fn files(folder: &Path, path: &str, found: &mut BTreeMap<String, Option<Vec<u8>>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{path}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &name, found);
            found.insert(name, None);
        } else {
            found.insert(name, Some(fs::read(entry.path()).unwrap()));
        }
    }
}

fn source(folder: &TempDir) -> PathBuf {
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("EFI/Boot")).unwrap();
    fs::create_dir(source.join("empty folder")).unwrap();
    fs::write(source.join("EFI/Boot/bootx64.efi"), content(123_456, 1)).unwrap();
    fs::write(source.join("EFI/Größe 日本 of more than thirteen units.txt"), content(5, 2))
        .unwrap();
    fs::write(source.join("BOOTMGR"), content(4096, 3)).unwrap();
    fs::write(source.join("empty"), []).unwrap();
    source
}

#[test]
#[ignore = "needs fsck.fat, mtools and the example"]
fn a_folder_through_a_pipe() {
    let folder = TempDir::new().unwrap();
    let source = source(&folder);
    let mut expected = BTreeMap::new();
    files(&source, "", &mut expected);
    for (options, len) in [
        (&["--label", "PIPED"][..], 258 << 20),
        (&["--label", "PIPED", "--size", "300M", "--cluster-size", "2K"], 300 << 20),
        (&["--label", "PIPED", "--sector-size", "4096", "--alignment", "4M"], 261 << 20),
    ] {
        let mut program = mkfat();
        program.args(options).arg(&source).stdout(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let image = folder.path().join("volume.img");
        let mut file = fs::File::create(&image).unwrap();
        let copied = std::io::copy(child.stdout.as_mut().unwrap(), &mut file).unwrap();
        assert!(child.wait().unwrap().success(), "{options:?}");
        assert_eq!(copied, len, "{options:?}");

        fsck(&image, expected.len() + 1);
        assert_eq!(label(&image), "PIPED");
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        let mut copy = Command::new("mcopy");
        copy.args(["-s", "-i"]).arg(&image).arg("::*").arg(&out).env("LC_ALL", "C.UTF-8");
        run(&mut copy);
        let mut found = BTreeMap::new();
        files(&out, "", &mut found);
        assert!(found == expected, "{options:?}: {:?}", found.keys());
        let mut volume = Volume::open(fs::File::open(&image).unwrap(), 0, len).unwrap();
        assert_eq!(volume.check().unwrap(), []);
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
#[ignore = "needs script of util-linux and the example"]
fn what_it_refuses() {
    let folder = TempDir::new().unwrap();
    let source = source(&folder);
    let said = |output: &Output| String::from_utf8(output.stderr.clone()).unwrap();
    for (arguments, reason) in [
        (&["--label"][..], "--label needs a value; usage: mkfat"),
        (&["--label", "lower"], "label \"lower\": 'l' at position 0 is not allowed"),
        (&["--size", "3X"], "\"3X\" is no number of bytes; write 4096, 4K or 32G"),
        (&["--size", "20000000T"], "is no number of bytes"),
        (&["--size", "32M"], "FAT32 needs 65541"),
        (&["--cluster-size", "3000"], "a cluster of 3000 bytes"),
        (&["--cluster-size", "64K"], "clusters of 65536 bytes in sectors of 512"),
        (&["--sector-size", "1024"], "sectors of 1024 bytes: they have 512 or 4096 bytes"),
        (&["--alignment", "3M"], "an alignment of 3145728 bytes"),
        (&["--frobnicate"], "--frobnicate is no option; usage: mkfat"),
        (&["elsewhere"], "a second folder, "),
    ] {
        let output = mkfat().arg(&source).args(arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(said(&output).contains(reason), "{arguments:?}: {}", said(&output));
    }
    let output = mkfat().output().unwrap();
    assert!(said(&output).starts_with("mkfat: usage: mkfat FOLDER"), "{}", said(&output));
    let output = mkfat().arg(folder.path().join("missing")).output().unwrap();
    assert!(!output.status.success() && said(&output).contains("missing"), "{}", said(&output));
    // `script` runs it on a terminal.
    let command = format!("'{}' '{}'", mkfat().get_program().display(), source.display());
    let output =
        Command::new("script").args(["-q", "-e", "-c", &command]).arg("/dev/null").output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("nothing for a terminal"), "{output:?}");
}
