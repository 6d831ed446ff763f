//! Everybody else's readers on our media: none complains, and all find the same bytes.
//!
//! What clean output looks like is from runs on images by other makers; several of the tools exit
//! with 0 whatever they find, so their text is looked at.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::Command;

use crate::command::{Bench, create};
use crate::winpe::{Files, WinPe, files_in, tool};

/// A command that runs in the folder of a bench, from words as they are typed.
fn typed(bench: &Bench, line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).current_dir(bench.path(""));
    command
}

fn unpack_into(bench: &Bench, folder: &str) -> PathBuf {
    let path = bench.path(folder);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir(&path).unwrap();
    path
}

fn contents(files: &Files) -> Vec<&Vec<u8>> {
    let mut contents: Vec<_> = files.values().flatten().collect();
    contents.sort();
    contents
}

/// What every reader of discs must read.
const DISCS: [&str; 2] = ["cd-dvd", "hybrid"];

/// A disc made of a WIM that was captured with LZX.
fn disc(kind: &str) -> WinPe {
    let winpe = WinPe::new();
    winpe.capture("LZX:20");
    winpe.bench.succeed(create(kind));
    winpe.bench.succeed("verify --quiet out/capture.iso");
    winpe
}

#[test]
#[ignore = "needs wimlib-imagex and 7z"]
fn seven_zip_reads_discs_and_sha256sum_agrees() {
    for kind in DISCS {
        let winpe = disc(kind);
        let bench = &winpe.bench;
        let told = tool(&mut typed(bench, "7z t -tiso out/capture.iso"));
        assert!(told.contains("Everything is Ok"), "{told}");
        assert!(!told.contains("WARNING") && !told.contains("ERROR"), "{told}");
        tool(&mut typed(bench, "7z x -tiso -ounpacked out/capture.iso"));
        // 7z shows the boot images a second time.
        fs::remove_dir_all(bench.path("unpacked/[BOOT]")).unwrap();
        winpe.assert_unpacked(kind, "unpacked");
        let mut sums = Command::new("sha256sum");
        sums.args(["--check", "--strict", "SHA256SUMS"]).current_dir(bench.path("unpacked"));
        let told = tool(&mut sums);
        assert_eq!(told.lines().count(), if kind == "hybrid" { 24 } else { 25 });
        assert!(told.lines().all(|line| line.ends_with(": OK")), "{told}");
    }
}

#[test]
#[ignore = "needs wimlib-imagex and xorriso"]
fn xorriso_reads_discs() {
    for kind in DISCS {
        let winpe = disc(kind);
        let bench = &winpe.bench;
        let told = tool(&mut typed(
            bench,
            "xorriso -abort_on NEVER -return_with WARNING 32 -indev out/capture.iso -check_media -- \
             -toc -pvd_info -report_el_torito plain -report_system_area plain",
        ));
        let sectors = fs::metadata(bench.path("out/capture.iso")).unwrap().len() / 2048;
        assert!(
            told.contains(&format!("Media region :          0 , {sectors:>10} , + good")),
            "{told}"
        );
        for bad in ["WARNING", "SORRY", "FAILURE", "FATAL"] {
            assert!(!told.contains(bad), "{told}");
        }
        for entry in
            ["El Torito boot img :   1  BIOS  y   none", "El Torito boot img :   2  UEFI  y   none"]
        {
            assert!(told.contains(entry), "{told}");
        }
        tool(&mut typed(bench, "xorriso -osirrox on -indev out/capture.iso -extract / unpacked"));
        winpe.assert_unpacked(kind, "unpacked");
    }
}

#[test]
#[ignore = "needs wimlib-imagex, isovfy and isoinfo"]
fn isovfy_and_isoinfo_read_discs() {
    for kind in DISCS {
        let winpe = disc(kind);
        let bench = &winpe.bench;
        let told = tool(&mut typed(bench, "isovfy out/capture.iso"));
        assert!(told.contains("No errors found"), "{told}");
        tool(&mut typed(bench, "isoinfo -d -debug -i out/capture.iso"));
        tool(&mut typed(bench, "isoinfo -p -i out/capture.iso"));
        for tree in ["", "-J"] {
            let listed = tool(&mut typed(bench, &format!("isoinfo {tree} -f -i out/capture.iso")));
            let mut found = Files::new();
            for path in listed.lines() {
                let path = path.trim_end_matches(";1").trim_end_matches('.');
                // It names folders and files alike, and extracts files alone.
                let is_folder = listed.lines().any(|other| other.starts_with(&format!("{path}/")));
                let name = path.trim_start_matches('/').to_owned();
                if is_folder {
                    found.insert(name, None);
                    continue;
                }
                let given = match tree {
                    "-J" => path.to_owned(),
                    _ if name.rsplit('/').next().unwrap().contains('.') => format!("{path};1"),
                    _ => format!("{path}.;1"),
                };
                let line = format!("isoinfo {tree} -i out/capture.iso -x {given}");
                let output = typed(bench, &line).output().unwrap();
                assert!(output.status.success(), "{line}");
                found.insert(name, Some(output.stdout));
            }
            if tree == "-J" {
                let expected = winpe.expected(kind, &found);
                assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
                assert!(found == expected, "contents differ");
            } else {
                let description = found.get("MEDIA.JSON").unwrap().clone();
                let with = Files::from([("media.json".to_owned(), description)]);
                let expected = winpe.expected(kind, &with);
                assert!(contents(&found) == contents(&expected));
            }
        }
    }
}

#[test]
#[ignore = "needs wimlib-imagex and bsdtar"]
fn bsdtar_reads_discs() {
    for kind in DISCS {
        let winpe = disc(kind);
        let bench = &winpe.bench;
        let unpack = |options: &str, folder: &str| {
            unpack_into(bench, folder);
            let mut tar = Command::new("bsdtar");
            tar.args(["--options", options, "-xf", "out/capture.iso", "-C", folder]);
            assert_eq!(tool(tar.current_dir(bench.path(""))), "");
        };
        unpack("iso9660:!rockridge", "joliet");
        winpe.assert_unpacked(kind, "joliet");
        unpack("iso9660:!joliet,!rockridge", "primary");
        let (joliet, primary) = (files_in(&bench.path("joliet")), files_in(&bench.path("primary")));
        assert_eq!(primary.len(), joliet.len());
        assert!(contents(&primary) == contents(&joliet));
    }
}

/// Unpacks both trees into folders beside each other.
const PYCDLIB: &str = r#"
import os, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for kind in ("iso_path", "joliet_path"):
    for folder, folders, files in iso.walk(**{kind: "/"}):
        at = os.path.join("unpacked", kind, folder.strip("/"))
        os.makedirs(at)
        for name in files:
            path = folder.rstrip("/") + "/" + name
            iso.get_file_from_iso(os.path.join(at, name.split(";")[0].rstrip(".")), **{kind: path})
iso.close()
"#;

#[test]
#[ignore = "needs wimlib-imagex and pycdlib"]
fn pycdlib_reads_discs() {
    for kind in DISCS {
        let winpe = disc(kind);
        let bench = &winpe.bench;
        let mut python = Command::new("python3");
        python.args(["-c", PYCDLIB, "out/capture.iso"]).current_dir(bench.path(""));
        assert_eq!(tool(&mut python), "");
        winpe.assert_unpacked(kind, "unpacked/joliet_path");
        let trees =
            ["iso_path", "joliet_path"].map(|tree| files_in(&bench.path("unpacked").join(tree)));
        assert_eq!(trees[0].len(), trees[1].len());
        assert!(contents(&trees[0]) == contents(&trees[1]));
    }
}

#[test]
#[ignore = "needs wimlib-imagex, sfdisk, fsck.fat, mtools and 7z"]
fn everyone_reads_sticks() {
    let winpe = WinPe::new();
    winpe.capture("LZX:20");
    let bench = &winpe.bench;
    let line = create("usb").replace("--image-size 40MiB ", "");
    bench.succeed(&line);
    bench.succeed("verify --quiet out/capture.img");

    let told = tool(&mut typed(bench, "sfdisk --verify out/capture.img"));
    assert!(told.contains("No errors detected.") && !told.contains("arning"), "{told}");
    let told = tool(&mut typed(bench, "sfdisk --dump out/capture.img"));
    assert!(told.contains("start=        2048") && told.contains("type=c, bootable"), "{told}");

    // fsck.fat reads whole volumes only.
    let mut image = File::open(bench.path("out/capture.img")).unwrap();
    image.seek(SeekFrom::Start(1 << 20)).unwrap();
    let mut volume = File::create(bench.path("volume.img")).unwrap();
    std::io::copy(&mut image, &mut volume).unwrap();
    let told = tool(&mut typed(bench, "fsck.fat -n volume.img"));
    let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("fsck.fat ")).collect();
    // 24 files, 12 folders, the label.
    assert!(lines.len() == 1 && lines[0].starts_with("volume.img: 37 files, "), "{told}");

    unpack_into(bench, "mtools");
    let mut copy = typed(bench, "mcopy -s -i out/capture.img@@1048576 ::* mtools");
    assert_eq!(tool(copy.env("MTOOLSRC", bench.path("no such file"))), "");
    winpe.assert_unpacked("usb", "mtools");

    let told = tool(&mut typed(bench, "7z x -tfat -oseven volume.img"));
    assert!(told.contains("Everything is Ok"), "{told}");
    winpe.assert_unpacked("usb", "seven");
    let mut sums = Command::new("sha256sum");
    tool(sums.args(["--check", "--strict", "SHA256SUMS"]).current_dir(bench.path("seven")));
}

#[test]
#[ignore = "needs wimlib-imagex, sfdisk, fsck.fat, mtools, 7z and udfinfo"]
fn everyone_reads_the_stick_in_a_hybrid() {
    let winpe = disc("hybrid");
    let bench = &winpe.bench;
    let told = tool(&mut typed(bench, "sfdisk --verify out/capture.iso"));
    assert!(told.contains("No errors detected."), "{told}");
    let told = tool(&mut typed(bench, "sfdisk --dump out/capture.iso"));
    assert!(told.contains("start=        2048") && told.contains("type=c, bootable"), "{told}");
    let (_, told) = told.split_once("size=").unwrap();
    let sectors: u64 = told.split(',').next().unwrap().trim().parse().unwrap();

    let mut image = File::open(bench.path("out/capture.iso")).unwrap();
    image.seek(SeekFrom::Start(1 << 20)).unwrap();
    let mut volume = File::create(bench.path("volume.img")).unwrap();
    std::io::copy(&mut image.take(sectors * 512), &mut volume).unwrap();
    let told = tool(&mut typed(bench, "fsck.fat -n volume.img"));
    let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("fsck.fat ")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("volume.img: 38 files, "), "{told}");

    unpack_into(bench, "mtools");
    let mut copy = typed(bench, "mcopy -s -i out/capture.iso@@1048576 ::* mtools");
    assert_eq!(tool(copy.env("MTOOLSRC", bench.path("no such file"))), "");
    winpe.assert_unpacked("hybrid", "mtools");

    let told = tool(&mut typed(bench, "7z t -tudf out/capture.iso"));
    assert!(told.contains("Everything is Ok") && !told.contains("WARNING"), "{told}");
    let told = tool(&mut typed(bench, "udfinfo out/capture.iso"));
    assert!(told.contains("integrity=closed") && told.contains("udfrev=1.02"), "{told}");
    assert!(!told.contains("Warning"), "{told}");
}

/// Boot files come out of a WIM right however it is compressed.
#[test]
#[ignore = "needs wimlib-imagex and 7z"]
fn every_compression() {
    let winpe = WinPe::new();
    let bench = &winpe.bench;
    for (compression, name) in [("none", "none"), ("XPRESS", "XPRESS"), ("LZX", "LZX")] {
        winpe.capture(compression);
        let wim = bench.json("inspect --json boot.wim");
        assert_eq!((&wim["compression"], &wim["architecture"]), (&name.into(), &"x64".into()));
        bench.succeed(&format!("{} --force", create("cd-dvd")));
        let line = create("usb").replace("40MiB", "64MiB");
        bench.succeed(&format!("{line} --force"));
        for image in ["out/capture.iso", "out/capture.img"] {
            bench.succeed(&format!("verify --quiet {image}"));
        }
        let folder = format!("-o{compression}");
        tool(&mut typed(bench, &format!("7z x -tiso {folder} out/capture.iso")));
        fs::remove_dir_all(bench.path(&format!("{compression}/[BOOT]"))).unwrap();
        winpe.assert_unpacked("cd-dvd", compression);
    }
}

#[test]
#[ignore = "needs wimlib-imagex"]
fn wims_of_other_kinds_are_refused_by_name() {
    let bench = Bench::new();
    tool(&mut typed(&bench, "wimlib-imagex apply boot.wim 1 tree"));
    let refused = |made: &str, says: &[&str]| {
        tool(&mut typed(&bench, made));
        let ended = bench.run(create("cd-dvd"));
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        for part in says {
            assert!(ended.stderr.contains(part), "{made}: no {part:?} in {}", ended.stderr);
        }
        assert!(bench.out().is_empty());
        let _ = fs::remove_file(bench.path("boot.wim"));
    };
    fs::remove_file(bench.path("boot.wim")).unwrap();
    let capture = "wimlib-imagex capture tree boot.wim PE";
    refused(&format!("{capture} --boot --compress=LZMS"), &["boot.wim", "LZMS"]);
    refused(&format!("{capture} --boot --solid"), &["boot.wim", "solid"]);
    refused(&format!("{capture} --boot --pipable"), &["boot.wim", "pipable"]);
    let says = ["none of its 1 image(s) is marked bootable", "--boot-index 1"];
    refused(capture, &says);
    tool(&mut typed(&bench, "wimlib-imagex capture tree whole.wim PE --boot --compress=none"));
    refused("wimlib-imagex split whole.wim boot.wim 1", &["boot.wim", "split"]);
}
