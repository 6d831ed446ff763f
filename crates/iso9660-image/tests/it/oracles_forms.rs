//! Outside readers on the forms of a disc: stubs, sets, boot info tables, and images that are a disk
//! too. A missing tool is a failure.

use std::sync::Arc;

use extent_image::{BytesSource, Data, NodeId, PlanBuilder, Source, TreeBuilder};
use iso9660_image::{
    BootEntry, BootImage, BootInfoTable, Format, ImageOptions, Joliet, Lba, Platform, Region,
    RegionPlace, RockRidge, TreeKind, VolumeSet, VolumeSetId, check_efi_image, plan,
};
use tempfile::TempDir;

use crate::build::{assert_clean, bytes, expected, find, medium, meta, options, pattern, tree};
use crate::oracles::{folder, run, text};

struct Written {
    folder: TempDir,
    iso: String,
}

impl Written {
    fn new(image: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let iso = folder.path().join("disc.iso");
        std::fs::write(&iso, image).unwrap();
        let iso = iso.to_str().unwrap().to_owned();
        Self { folder, iso }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

/// 7-Zip takes the last place that the tree leads to for the end of the volume. Where no file has
/// content, or hidden content is last, that place is a directory.
#[test]
#[ignore = "needs 7z"]
fn seven_zip_finds_the_end_of_a_volume_without_files() {
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("shared", pattern(3000)));
    let mut shared = TreeBuilder::new(meta());
    shared.file(NodeId::ROOT, "loader", meta(), Data::Source(Arc::clone(&source))).unwrap();
    let empty_files: [(&str, &[u8]); 3] = [("a", b""), ("sub/b", b""), ("other/", b"")];
    let trees = [
        tree(&[]),
        tree(&[("one/two/", b""), ("three/", b"")]),
        tree(&empty_files),
        shared.finish().unwrap(),
        tree(&[("a", b"1")]),
    ];
    let boot = |data| BootEntry::new(Platform::Bios, BootImage::Hidden(data));
    let plain = options();
    let hidden = options()
        .with_boot_entry(boot(Data::Source(source)))
        .with_boot_entry(boot(Data::bytes("second", pattern(5000))));
    let deep = options().with_rock_ridge(RockRidge::ReadOnly).with_joliet(Joliet::Off);
    for (at, tree) in trees.iter().enumerate() {
        for options in [&plain, &hidden, &deep] {
            for format in [Format::Bridge, Format::UdfStub] {
                let image = bytes(&plan(tree, &options.clone().with_format(format)).unwrap());
                assert_clean(&image);
                let disc = Written::new(&image);
                let output = run("7z", &["t", "-tudf", &disc.iso]);
                let all = text(&output.stdout) + &text(&output.stderr);
                let is_clean = all.contains("Everything is Ok")
                    && !all.contains("WARNING")
                    && !all.contains("ERROR");
                assert!(is_clean, "tree {at}, {format:?}: {all}");
            }
        }
    }
}

const PYCDLIB_STUB: &str = r#"
import io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
assert iso.has_udf() and not iso.has_joliet()
for folder, folders, files in iso.walk(iso_path="/"):
    assert (folder, folders, files) == ("/", [], ["README.TXT;1"]), (folder, folders, files)
for folder, folders, files in iso.walk(udf_path="/"):
    folder = "" if folder == "/" else folder
    for name in files:
        content = io.BytesIO()
        iso.get_file_from_iso_fp(content, udf_path=folder + "/" + name)
        print(folder + "/" + name, len(content.getvalue()), sep="\t")
iso.close()
"#;

#[test]
#[ignore = "needs 7z, udfinfo, xorriso and pycdlib"]
fn a_stub_is_read_as_udf_and_shows_a_text_without() {
    let (tree, options) = medium();
    let plan = plan(&tree, &options.with_format(Format::UdfStub)).unwrap();
    let image = bytes(&plan);
    assert_clean(&image);
    let disc = Written::new(&image);
    let output = run("7z", &["t", "-tudf", &disc.iso]);
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(all.contains("Everything is Ok") && !all.contains("WARNING"), "{all}");
    run("7z", &["x", "-tudf", &format!("-o{}", disc.path("udf")), &disc.iso]);
    let wanted = expected(&tree, &plan, TreeKind::Udf);
    assert!(folder(&disc.folder.path().join("udf")) == wanted, "contents differ");

    let output = run("udfinfo", &[&disc.iso]);
    let all = text(&output.stdout) + &text(&output.stderr);
    for line in ["integrity=closed", "udfrev=1.02", "label=Test Disc"] {
        assert!(all.lines().any(|found| found == line), "{line}: {all}");
    }
    assert!(!all.contains("Warning") && !all.contains("Error"), "{all}");

    let out = disc.path("iso");
    run("xorriso", &["-osirrox", "on", "-indev", &disc.iso, "-extract", "/", &out]);
    let stub = folder(&disc.folder.path().join("iso"));
    assert_eq!(stub.keys().collect::<Vec<_>>(), ["README.TXT"]);

    let output = run("python3", &["-c", PYCDLIB_STUB, &disc.iso]);
    let found = text(&output.stdout).lines().count();
    assert_eq!(found, wanted.values().filter(|content| content.is_some()).count());
}

const PYCDLIB_SET: &str = r#"
import sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for descriptor in (iso.pvd, iso.joliet_vd):
    print(descriptor.set_size, descriptor.seqnum)
for child in iso.list_children(iso_path="/"):
    assert child.seqnum == 2, child.seqnum
iso.close()
"#;

#[test]
#[ignore = "needs isoinfo, xorriso and pycdlib"]
fn a_volume_of_a_set_says_so() {
    let (tree, options) = medium();
    let set = VolumeSet::new(VolumeSetId::new("CAPTURE_SET").unwrap(), 2, 3).unwrap();
    let options = options.with_format(Format::Bridge).with_volume_set(set);
    let disc = Written::new(&bytes(&plan(&tree, &options).unwrap()));
    let all = text(&run("isoinfo", &["-d", "-i", &disc.iso]).stdout);
    let wanted =
        ["Volume set id: CAPTURE_SET", "Volume set size is: 3", "Volume set sequence number is: 2"];
    for line in wanted {
        assert!(all.lines().any(|found| found.trim_end() == line), "{line}: {all}");
    }
    let all = text(&run("xorriso", &["-indev", &disc.iso, "-pvd_info"]).stdout);
    assert!(all.contains("CAPTURE_SET"), "{all}");
    let output = run("python3", &["-c", PYCDLIB_SET, &disc.iso]);
    assert_eq!(text(&output.stdout), "3 2\n3 2\n");
}

#[test]
#[ignore = "needs xorriso"]
fn xorriso_finds_the_boot_info_table() {
    let tree = tree(&[("isolinux/isolinux.bin", &pattern(24_577)), ("a", b"x")]);
    let loader = find(&tree, "isolinux/isolinux.bin");
    let Some(Data::Source(source)) = tree.data(loader) else { panic!() };
    let table = BootInfoTable::of(source.open(0).unwrap()).unwrap();
    let entry = BootEntry::new(Platform::Bios, BootImage::File(loader)).with_sector_count(4);
    let options = options().with_boot_entry(entry.with_boot_info_table(table));
    let plan = plan(&tree, &options).unwrap();
    let disc = Written::new(&bytes(&plan));
    let args = ["-indev", &disc.iso, "-report_el_torito", "plain"];
    let all = text(&run("xorriso", &args).stdout);
    // It reads the table, and its sum, out of the image.
    assert!(all.contains("boot-info-table"), "{all}");
}

/// A FAT volume as other tools make it, and the same as a plan whose files are those of the disc.
fn fat_volume(files: &[(&str, &[u8])]) -> (Vec<u8>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path().join("fat.img");
    std::fs::File::create(&volume).unwrap().set_len(20 << 20).unwrap();
    let volume = volume.to_str().unwrap();
    // Hidden sectors and no time of its own.
    run("mkfs.fat", &["-F", "16", "-s", "8", "-h", "2048", "-i", "12345678", volume]);
    for (path, content) in files {
        if let Some((parent, _)) = path.rsplit_once('/') {
            run("mmd", &["-i", volume, &format!("::{parent}")]);
        }
        let host = folder.path().join("file");
        std::fs::write(&host, content).unwrap();
        run("mcopy", &["-i", volume, host.to_str().unwrap(), &format!("::{path}")]);
    }
    (std::fs::read(volume).unwrap(), folder)
}

#[test]
#[ignore = "needs mkfs.fat, fsck.fat, mtools, 7z, xorriso and bsdtar"]
fn one_image_is_a_disc_and_a_disk() {
    // Each begins as no other part of the volume does.
    let content =
        |path: &'static str, len| (path, [b"This is ", path.as_bytes(), &pattern(len)].concat());
    let files = [
        content("BOOTMGR", 400_001),
        content("EFI/BOOTX64.EFI", 70_000),
        content("SOURCES/BOOT.WIM", 3_000_000),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(p, c)| (*p, c.as_slice())).collect();
    let (volume, _keep) = fat_volume(&files);
    check_efi_image(&volume[..512]).unwrap();
    let tree = tree(&files);
    // Where each file begins; none of them is in fragments.
    let mut places: Vec<_> = files
        .iter()
        .map(|(path, content)| {
            let at = volume.windows(content.len()).position(|part| part == *content).unwrap();
            (at, find(&tree, path), content.len())
        })
        .collect();
    places.sort_unstable();
    let rest: Arc<dyn Source> = Arc::new(BytesSource::new("fat.img", volume.clone()));
    let mut builder = PlanBuilder::new();
    for (at, file, _) in &places {
        let from = builder.position();
        builder.source_part("fat", Arc::clone(&rest), from, *at as u64 - from).unwrap();
        builder.data("file data", tree.data(*file).unwrap()).unwrap();
    }
    let from = builder.position();
    builder.source_part("fat", rest, from, volume.len() as u64 - from).unwrap();
    let region = Region::new(builder.finish(), RegionPlace::At(Lba::new(512)));
    let region = places.iter().fold(region, |r, (at, file, _)| r.with_file(*file, *at as u64));

    for format in [Format::Iso, Format::Bridge] {
        let entry = BootEntry::new(Platform::Efi, BootImage::Region { offset: 0 });
        let options: ImageOptions =
            options().with_format(format).with_region(region.clone()).with_boot_entry(entry);
        let plan = plan(&tree, &options).unwrap();
        let image = bytes(&plan);
        let start = 1 << 20;
        assert!(image[start..start + volume.len()] == volume);
        assert!(image.len() < start + volume.len() + (400 << 10));
        let disc = Written::new(&image);
        // As a disk.
        let partition = disc.path("partition.img");
        std::fs::write(&partition, &image[start..start + volume.len()]).unwrap();
        run("fsck.fat", &["-n", &partition]);
        for (path, content) in &files {
            let out = disc.path("out.bin");
            let at = format!("{}@@1M", disc.iso);
            run("mcopy", &["-n", "-o", "-i", &at, &format!("::{path}"), &out]);
            assert!(std::fs::read(out).unwrap() == *content, "{path}");
        }
        // As a disc.
        let wanted = expected(&tree, &plan, TreeKind::Joliet);
        let is_same = |name: &str| folder(&disc.folder.path().join(name)) == wanted;
        let kinds: &[&str] = if format.has_udf() { &["-tiso", "-tudf"] } else { &["-tiso"] };
        for kind in kinds {
            let out = disc.path(kind);
            run("7z", &["x", kind, &format!("-o{out}"), &disc.iso]);
            let _ = std::fs::remove_dir_all(format!("{out}/[BOOT]"));
            assert!(is_same(kind), "7z {kind}");
        }
        let out = disc.path("xorriso");
        run("xorriso", &["-osirrox", "on", "-indev", &disc.iso, "-extract", "/", &out]);
        assert!(is_same("xorriso"));
        let out = disc.path("bsdtar");
        std::fs::create_dir(&out).unwrap();
        run("bsdtar", &["-xf", &disc.iso, "-C", &out]);
        assert!(is_same("bsdtar"));
    }
}
