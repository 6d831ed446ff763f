//! The checker judges volumes that others made.

use std::fs;
use std::path::Path;
use std::process::Command;

use fat32_image::FatType;
use fat32_image::check::{Fault, FaultKind, OpenError, Volume};
use tempfile::TempDir;

use crate::model::content;
use crate::oracles::run;

/// A folder as people have them: deep, with names of every kind.
fn source(at: &Path) -> usize {
    let deep = at.join("Sub folder/deeper/and deeper still/d/e/f/g/h");
    fs::create_dir_all(&deep).unwrap();
    let files = [
        ("Sub folder/some file.text", 70_000),
        ("Sub folder/deeper/UPPER.TXT", 1),
        ("Sub folder/deeper/lower.txt", 4096),
        ("Sub folder/deeper/Mixed.Txt", 511),
        ("Sub folder/deeper/Größe 日本.txt", 5),
        ("Sub folder/deeper/and deeper still/d/e/f/g/h/.hidden file", 20_000),
        ("a name of more than one slot, and of more than two (thirteen units each).bin", 3),
        ("empty", 0),
    ];
    for (path, len) in files {
        fs::write(at.join(path), content(len, len)).unwrap();
    }
    let many = at.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..300 {
        fs::write(many.join(format!("a similar name {n}.txt")), content(n, n)).unwrap();
    }
    // Folders: the source itself, the eight of the deep path, and that of many files.
    files.len() + 300 + 1 + 8 + 1
}

fn mtools(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C.UTF-8").env("MTOOLS_SKIP_CHECK", "1");
    command
}

#[test]
#[ignore = "needs mkfs.fat and mtools"]
fn volumes_of_mkfs_and_mcopy_are_clean() {
    let folder = TempDir::new().unwrap();
    let image = folder.path().join("other.img");
    let tree = folder.path().join("Source");
    let count = source(&tree);
    let mut judged = 0;
    for (mib, options, fat_type, label) in [
        (40, "-F 32", FatType::Fat32, None),
        (300, "-F 32 -n OTHER", FatType::Fat32, Some("OTHER")),
        (300, "-F 32 -S 4096 -n BIG", FatType::Fat32, Some("BIG")),
        (300, "-F 32 -S 2048", FatType::Fat32, None),
        (300, "-F 32 -S 1024 -s 2", FatType::Fat32, None),
        (2200, "-F 32 -s 64", FatType::Fat32, None),
        (4400, "-F 32 -s 128", FatType::Fat32, None),
        (600, "-F 32 -s 8 -f 1", FatType::Fat32, None),
        (600, "-F 32 -s 8 -f 4", FatType::Fat32, None),
        (300, "-F 32 -s 4 -R 64 -b 10", FatType::Fat32, None),
        (300, "-F 32 -s 8 -h 2048 -i 1234ABCD -M 0xF0 -D 0x00", FatType::Fat32, None),
        (300, "-F 32 -a -r 512 -g 64/32", FatType::Fat32, None),
        (300, "-F 32 --mbr=n -m -", FatType::Fat32, None),
        (64_000, "-F 32 -n LARGE", FatType::Fat32, Some("LARGE")),
        (20, "-F 16", FatType::Fat16, None),
        (100, "-F 16 -n OTHER -s 4 -r 1024", FatType::Fat16, Some("OTHER")),
    ] {
        let file = fs::File::create(&image).unwrap();
        file.set_len(mib << 20).unwrap();
        let mut mkfs = Command::new("mkfs.fat");
        // `-m -` takes the text of the dummy boot code from here.
        mkfs.args(options.split(' '))
            .arg(&image)
            .stdin(fs::File::open(tree.join("empty")).unwrap());
        let made = mkfs.output().unwrap();
        assert!(made.status.success(), "{options}: {made:?}");
        run(mtools("mcopy").args(["-s", "-i"]).arg(&image).arg(&tree).arg("::"));
        let mut volume = Volume::open(fs::File::open(&image).unwrap(), 0, mib << 20).unwrap();
        let faults = volume.check().unwrap();
        // Windows takes one FAT or two.
        match options.contains("-f 4") {
            true => assert!(matches!(
                faults.iter().map(Fault::kind).collect::<Vec<_>>()[..],
                [FaultKind::BootField { field: "number of FATs", found: 4, .. }]
            )),
            false => assert!(faults.is_empty(), "{options}: {faults:#?}"),
        }
        assert_eq!(volume.label().unwrap().as_deref(), label, "{options}");
        assert_eq!(volume.walk().unwrap().len(), count, "{options}");
        assert_eq!(volume.facts().fat_type, fat_type);
        judged += 1;
    }
    assert_eq!(judged, 16);
    let mut mkfs = Command::new("mkfs.fat");
    fs::File::create(&image).unwrap().set_len(100 << 20).unwrap();
    run(mkfs.args(["-F", "12", "-s", "64"]).arg(&image));
    let error = Volume::open(fs::File::open(&image).unwrap(), 0, 100 << 20).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Fat12 { .. }), "{error}");
}

/// Used: files deleted, replaced and moved, so that slots and clusters are in no order.
#[test]
#[ignore = "needs mkfs.fat and mtools"]
fn a_volume_in_use_is_clean() {
    let folder = TempDir::new().unwrap();
    let image = folder.path().join("used.img");
    fs::File::create(&image).unwrap().set_len(300 << 20).unwrap();
    run(Command::new("mkfs.fat").args(["-F", "32"]).arg(&image));
    let tree = folder.path().join("Source");
    let count = source(&tree);
    let shell = |program: &str, arguments: &[&str]| {
        run(mtools(program).arg("-i").arg(&image).args(arguments));
    };
    let tree = tree.to_str().unwrap();
    shell("mcopy", &["-s", tree, "::"]);
    shell("mdeltree", &["::Source/many"]);
    shell("mdel", &["::Source/Sub folder/some file.text"]);
    shell("mmd", &["::System Volume Information"]);
    shell("mattrib", &["+h", "+s", "::System Volume Information"]);
    shell("mcopy", &["-o", &format!("{tree}/many/a similar name 7.txt"), "::Source/empty"]);
    shell("mcopy", &[&format!("{tree}/many/a similar name 9.txt"), "::System Volume Information"]);
    shell("mren", &["::Source/Sub folder/deeper/UPPER.TXT", "a longer name than before.txt"]);
    shell("mmove", &["::Source/Sub folder/deeper", "::"]);
    let mut volume = Volume::open(fs::File::open(&image).unwrap(), 0, 300 << 20).unwrap();
    let faults = volume.check().unwrap();
    assert!(faults.is_empty(), "{faults:#?}");
    // 300 files and their folder are gone, and one file; a folder and a file are new.
    assert_eq!(volume.walk().unwrap().len(), count - 302 + 2);
}

#[test]
#[ignore = "needs mtools"]
fn volumes_of_mtools_with_foreign_names_are_clean() {
    let folder = TempDir::new().unwrap();
    let image = folder.path().join("mtools.img");
    fs::File::create(&image).unwrap().set_len(40 << 20).unwrap();
    run(mtools("mformat").args(["-F", "-c", "1", "-T", "81920", "-i"]).arg(&image).arg("::"));
    // Short names of one length in a code page: their bytes differ, and nothing else tells them
    // apart.
    for name in ["фото.txt", "файл.txt", "Фото2.txt", "Файл2.txt"] {
        let file = folder.path().join(name);
        fs::write(&file, content(100, 3)).unwrap();
        run(mtools("mcopy").arg("-i").arg(&image).arg(&file).arg("::"));
    }
    let mut volume = Volume::open(fs::File::open(&image).unwrap(), 0, 40 << 20).unwrap();
    let faults = volume.check().unwrap();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(volume.walk().unwrap().len(), 4);
}
