//! Images of other makers that are hard to judge: our checker finds what is wrong with them, and
//! nothing else. A missing tool is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use iso9660_image::check::{FaultKind, Image};
use tempfile::TempDir;

use crate::build::pattern;

/// A folder on disk with what images are hard to make of.
struct Sources {
    folder: TempDir,
}

impl Sources {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        this.put("src/loader.bin", &pattern(2048));
        this.put("src/empty one.txt", b"");
        this.put("src/sub/empty two.txt", b"");
        this.put("src/sub/a.b.c.txt", &pattern(3000));
        std::fs::create_dir(this.path("src/an empty folder")).unwrap();
        for n in 0..300 {
            this.put(&format!("src/many/file number {n}.txt"), &pattern(n));
        }
        let loader = this.path("src/loader.bin");
        std::fs::hard_link(loader, this.path("src/sub/hard link.bin")).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// An image of the folder `src`, which is the last argument.
    #[track_caller]
    fn image(&self, program: &str, args: &[&str]) -> PathBuf {
        let image = self.path("out.iso");
        let _ = std::fs::remove_file(&image);
        let output = Command::new(program)
            .args(args)
            .args(["-quiet", "-o", "out.iso", "src"])
            .current_dir(self.folder.path())
            .output();
        let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        assert!(output.status.success(), "{program} {args:?}: {output:#?}");
        image
    }
}

fn faults(image: &Path) -> Vec<FaultKind> {
    let mut image = Image::open(std::fs::File::open(image).unwrap()).unwrap();
    image.check().unwrap().into_iter().map(|fault| fault.kind).collect()
}

/// xorriso's Joliet directories all name themselves as their parent (1.5.4).
fn is_own_parent(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Dot { what: "record of the parent directory", .. })
}

#[track_caller]
fn assert_only(image: &Path, known: impl Fn(&FaultKind) -> bool, args: &[&str]) {
    let mut found = faults(image);
    found.retain(|kind| !known(kind));
    assert_eq!(found, [], "{args:?}");
}

const LOADER: &[&str] =
    &["-c", "boot.cat", "-b", "loader.bin", "-no-emul-boot", "-boot-load-size", "4"];
const INFO_TABLE: &[&str] = &["-boot-info-table"];

#[test]
#[ignore = "needs xorriso"]
fn forms_of_xorriso() {
    let sources = Sources::new();
    let xorriso = |args: &[&str]| sources.image("xorriso", &[&["-as", "mkisofs"], args].concat());
    for args in [
        &["-V", "PLAIN"][..],
        &["-V", "LEVEL1", "-iso-level", "1", "-R"],
        &["-V", "JOLIET", "-J", "-joliet-long", "-R"],
        &["-V", "OFFSET", "-J", "-partition_offset", "16"],
        &[&["-V", "BOOT", "-J", "-R"], LOADER].concat(),
    ] {
        assert_only(&xorriso(args), is_own_parent, args);
    }
    // With a boot info table and no second boot entry it leaves small letters as they are (1.5.4).
    let args = [&["-V", "TABLE", "-J", "-R"], LOADER, INFO_TABLE].concat();
    let small = |kind: &FaultKind| matches!(kind, FaultKind::Name { .. }) || is_own_parent(kind);
    assert_only(&xorriso(&args), small, &args);
    // Its links are in the tree of Rock Ridge alone.
    std::os::unix::fs::symlink("loader.bin", sources.path("src/link")).unwrap();
    // Deeper than eight levels, without and with Rock Ridge.
    sources.put("src/a/b/c/d/e/f/g/h/i/j/deep.txt", b"deep");
    for args in [&["-V", "DEEP"][..], &["-V", "DEEP", "-J"], &["-V", "DEEP", "-J", "-R"]] {
        assert_only(&xorriso(args), is_own_parent, args);
    }
}

/// A system partition behind the volume, which a boot entry leads to: in a master boot record, and
/// in GUID partition tables.
#[test]
#[ignore = "needs xorriso"]
fn hybrids_of_xorriso() {
    let sources = Sources::new();
    let mut esp = vec![0; 2 << 20];
    esp[..3].copy_from_slice(&[0xEB, 0x58, 0x90]);
    esp[11..17].copy_from_slice(&[0, 2, 8, 32, 0, 2]);
    esp[32..36].copy_from_slice(&4096u32.to_le_bytes());
    esp[510..512].copy_from_slice(&[0x55, 0xAA]);
    sources.put("esp.img", &esp);
    let appended = "--interval:appended_partition_2:all::";
    let esp_type = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
    for partition in [
        &["-append_partition", "2", "0xef", "esp.img"][..],
        &["-append_partition", "2", esp_type, "esp.img", "-appended_part_as_gpt"],
    ] {
        let own = ["-as", "mkisofs", "-V", "HYBRID", "-J", "-R"];
        let esp = ["-eltorito-alt-boot", "-e", appended, "-no-emul-boot"];
        let args = [&own[..], LOADER, INFO_TABLE, partition, &esp].concat();
        let image = sources.image("xorriso", &args);
        let opened = Image::open(std::fs::File::open(&image).unwrap()).unwrap();
        assert_eq!(opened.boot_entries().len(), 2);
        assert_only(&image, is_own_parent, &args);
    }
}

/// A file of 4.1 GiB in two sections, a hole on disk.
#[test]
#[ignore = "needs xorriso"]
fn a_long_file_of_xorriso() {
    let sources = Sources::new();
    let long = std::fs::File::create(sources.path("src/long.dat")).unwrap();
    long.set_len(4_402_341_478).unwrap();
    let args = ["-as", "mkisofs", "-V", "LONG", "-J", "-R", "-iso-level", "3"];
    let image = sources.image("xorriso", &args);
    assert_only(&image, is_own_parent, &args);
    let mut opened = Image::open(std::fs::File::open(&image).unwrap()).unwrap();
    let long = opened.walk(iso9660_image::TreeKind::Primary).unwrap().map(Result::unwrap);
    let long: Vec<_> = long.filter(|entry| entry.path() == "LONG.DAT").collect();
    assert_eq!(long.iter().map(|entry| entry.size()).collect::<Vec<_>>(), [4_402_341_478]);
}

#[test]
#[ignore = "needs genisoimage"]
fn forms_of_genisoimage() {
    let sources = Sources::new();
    // With UDF (1.1.11) each of the two sequences has a volume set identifier of its own.
    let known = |kind: &FaultKind| match kind {
        FaultKind::EmptyOnCatalog { .. } => true,
        FaultKind::Udf { what } => what.starts_with("the reserve volume descriptor sequence"),
        _ => false,
    };
    for args in [
        &["-V", "PLAIN"][..],
        &["-J"],
        &["-R"],
        &["-J", "-R"],
        &["-udf"],
        &["-J", "-R", "-udf"],
        &["-iso-level", "3", "-allow-limited-size", "-J", "-udf"],
        &[&["-J", "-R"], LOADER, INFO_TABLE].concat(),
    ] {
        assert_only(&sources.image("genisoimage", args), known, args);
    }
    std::os::unix::fs::symlink("loader.bin", sources.path("src/link")).unwrap();
    // Deeper than eight levels, left where it is.
    sources.put("src/a/b/c/d/e/f/g/h/i/j/deep.txt", b"deep");
    for args in [&["-D", "-J"][..], &["-D", "-J", "-R"], &["-D", "-J", "-R", "-udf"]] {
        assert_only(&sources.image("genisoimage", args), known, args);
    }
}
