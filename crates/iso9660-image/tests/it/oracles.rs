//! Outside readers on our images, and our checker on theirs. A missing tool is a failure.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Output};

use extent_image::Tree;
use iso9660_image::check::{FaultKind, Image};
use iso9660_image::{Format, ImageOptions, ImagePlan, TreeKind, plan};
use tempfile::TempDir;

use crate::build::{
    LONG, assert_clean, bytes, expected, format, medium, options, pattern, read_back, tree,
    with_a_long_file,
};

/// Runs a tool; fails when it is missing or fails.
#[track_caller]
pub(crate) fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {output:#?}");
    output
}

pub(crate) fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// An image in a folder of its own.
pub(crate) struct Disc {
    folder: TempDir,
    pub(crate) tree: Tree,
    pub(crate) plan: ImagePlan,
    has_udf: bool,
}

impl Disc {
    pub(crate) fn new((tree, options): (Tree, ImageOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(&tree, &options).unwrap();
        let image = bytes(&plan);
        assert_clean(&image);
        let has_udf = Image::open(std::io::Cursor::new(&image)).unwrap().udf().is_some();
        std::fs::write(folder.path().join("disc.iso"), image).unwrap();
        Self { folder, tree, plan, has_udf }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn iso(&self) -> String {
        self.path("disc.iso")
    }

    /// The folder `name` must hold what one of the trees does.
    #[track_caller]
    pub(crate) fn assert_same(&self, name: &str, kind: TreeKind) {
        let found = folder(&self.folder.path().join(name));
        let expected = expected(&self.tree, &self.plan, kind);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        assert!(found == expected, "contents differ");
    }
}

/// All discs: a bootable medium, and one with everything that is hard to name; each without and
/// with UDF.
fn discs() -> Vec<Disc> {
    bridges("漢字/𝄞 music 💿.txt", &[false, true])
}

fn bridges(outside_latin: &str, udf: &[bool]) -> Vec<Disc> {
    let both = |udf: &bool| [(medium(), *udf), ((hard_names(outside_latin), options()), *udf)];
    let all = udf.iter().flat_map(both);
    all.map(|((tree, options), udf)| Disc::new((tree, options.with_format(format(udf))))).collect()
}

pub(crate) fn hard_names(outside_latin: &str) -> Tree {
    let long = "n".repeat(60);
    let many: Vec<String> = (0..300).map(|n| format!("many/Päth {n:03} of häny.txt")).collect();
    let mut files: Vec<(String, Vec<u8>)> =
        many.into_iter().map(|name| (name, pattern(40))).collect();
    for (name, len) in [
        (format!("{long}.text"), 2048),
        (format!("{long}more.text"), 1),
        ("a b.txt".into(), 3),
        ("a_b.txt".into(), 4),
        ("no extension".into(), 0),
        (".hidden".into(), 5),
        ("two.dots.tar.gz".into(), 6),
        (outside_latin.into(), 70_000),
        ("1/2/3/4/5/6/7/8/9/10/deep.txt".into(), 10),
    ] {
        files.push((name, pattern(len)));
    }
    let files: Vec<_> = files.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    tree(&files)
}

pub(crate) fn folder(path: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    fn add(at: &Path, prefix: &str, found: &mut BTreeMap<String, Option<Vec<u8>>>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                add(&entry.path(), &format!("{name}/"), found);
                found.insert(name, None);
            } else {
                found.insert(name, Some(std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    let mut found = BTreeMap::new();
    add(path, "", &mut found);
    found
}

#[test]
#[ignore = "needs xorriso"]
fn xorriso_is_clean_and_reads_every_file() {
    // It warns of surrogate pairs, which UCS-2 does not have and Windows reads.
    for disc in bridges("漢字/music.txt", &[false, true]) {
        let args = ["-abort_on", "NEVER", "-return_with", "WARNING", "32", "-indev"];
        let iso = disc.iso();
        let checks = ["-check_media", "--", "-toc", "-pvd_info", "-report_el_torito", "plain"];
        let output = run("xorriso", &[&args[..], &[&iso], &checks[..]].concat());
        let all = text(&output.stdout) + &text(&output.stderr);
        let good = format!("Media region :          0 , {:>10} , + good", disc.plan.sectors());
        assert!(all.contains(&good), "{all}");
        for bad in ["WARNING", "SORRY", "FAILURE", "FATAL"] {
            assert!(!all.contains(bad), "{all}");
        }
        let out = disc.path("out");
        run("xorriso", &["-osirrox", "on", "-indev", &iso, "-extract", "/", &out]);
        disc.assert_same("out", TreeKind::Joliet);
    }
}

#[test]
#[ignore = "needs isovfy and isoinfo"]
fn isovfy_and_isoinfo_are_clean() {
    for disc in discs() {
        let iso = disc.iso();
        let output = run("isovfy", &[&iso]);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(all.contains("No errors found"), "{all}");
        run("isoinfo", &["-d", "-debug", "-i", &iso]);
        run("isoinfo", &["-p", "-i", &iso]);
        for (flags, kind) in [(&["-f"][..], TreeKind::Primary), (&["-f", "-J"], TreeKind::Joliet)] {
            let output = run("isoinfo", &[flags, &["-i", &iso]].concat());
            let found = text(&output.stdout).lines().count();
            assert_eq!(found, expected(&disc.tree, &disc.plan, kind).len());
        }
        // Byte-identical through isoinfo, for the primary tree.
        for (path, content) in expected(&disc.tree, &disc.plan, TreeKind::Primary) {
            let Some(content) = content else { continue };
            let dot = if path.rsplit('/').next().unwrap().contains('.') { "" } else { "." };
            let path = format!("/{path}{dot};1");
            let output = run("isoinfo", &["-i", &iso, "-x", &path]);
            assert!(output.stdout == content, "{path}");
        }
    }
}

#[test]
#[ignore = "needs 7z"]
fn seven_zip_is_clean_and_reads_every_file() {
    for disc in discs() {
        let iso = disc.iso();
        let output = run("7z", &["t", "-tiso", &iso]);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(all.contains("Everything is Ok"), "{all}");
        assert!(!all.contains("WARNING") && !all.contains("ERROR"), "{all}");
        let out = format!("-o{}", disc.path("out"));
        run("7z", &["x", "-tiso", &out, &iso]);
        // 7z shows the boot images again in a folder of its own.
        let _ = std::fs::remove_dir_all(disc.path("out/[BOOT]"));
        disc.assert_same("out", TreeKind::Joliet);
    }
}

#[test]
#[ignore = "needs 7z"]
fn seven_zip_reads_the_udf_tree() {
    for disc in bridges("漢字/𝄞 music 💿.txt", &[true]) {
        let iso = disc.iso();
        let output = run("7z", &["t", "-tudf", &iso]);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(all.contains("Everything is Ok"), "{all}");
        assert!(!all.contains("WARNING") && !all.contains("ERROR"), "{all}");
        let out = format!("-o{}", disc.path("out"));
        run("7z", &["x", "-tudf", &out, &iso]);
        disc.assert_same("out", TreeKind::Udf);
    }
}

#[test]
#[ignore = "needs udfinfo"]
fn udfinfo_finds_a_closed_volume() {
    for disc in bridges("漢字/𝄞 music 💿.txt", &[true]) {
        let output = run("udfinfo", &[&disc.iso()]);
        let all = text(&output.stdout) + &text(&output.stderr);
        for line in ["integrity=closed", "udfrev=1.02", "label=Test Disc", "accesstype=readonly"] {
            assert!(all.lines().any(|found| found == line), "{line}: {all}");
        }
        assert!(!all.contains("Warning") && !all.contains("Error"), "{all}");
        let folders = disc.tree.walk().filter(|node| disc.tree.is_folder(*node)).count();
        let files = disc.tree.len() - folders;
        for line in [format!("numfiles={files}"), format!("numdirs={folders}")] {
            assert!(all.lines().any(|found| found == line), "{line}: {all}");
        }
        let last = disc.plan.sectors() - 1;
        for anchor in [256, last] {
            let line = format!("start={anchor}, blocks=1, type=ANCHOR");
            assert!(all.contains(&line), "{line}: {all}");
        }
        let line = format!("start=257, blocks={}, type=PSPACE", last - 257);
        assert!(all.contains(&line), "{line}: {all}");
    }
}

/// A file of 5 GiB, mostly a hole on disk.
#[test]
#[ignore = "needs 7z and xorriso"]
fn a_long_file_is_whole_in_every_tree() {
    let tree = with_a_long_file();
    let plan = plan(&tree, &options().with_format(Format::Bridge)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disc.iso");
    let iso = path.to_str().unwrap();
    write_sparse(&plan, &path);
    for format in ["-tiso", "-tudf"] {
        let output = run("7z", &["l", "-slt", format, iso]);
        let all = text(&output.stdout);
        let size = format!("Size = {LONG}");
        assert!(all.lines().any(|line| line == size), "{all}");
        assert!(!all.contains("WARNING") && !all.contains("ERROR"), "{all}");
    }
    let args = ["-return_with", "WARNING", "32", "-indev", iso, "-find", "/", "-type", "f"];
    let output = run("xorriso", &[&args[..], &["-exec", "report_lba"]].concat());
    assert!(text(&output.stdout).contains(&format!(" {LONG} ")), "{output:?}");
}

/// Writes all but the long file, whose zeros become a hole.
fn write_sparse(plan: &ImagePlan, path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let mut reader = plan.plan().reader();
    file.set_len(plan.plan().len()).unwrap();
    for extent in plan.plan().extents().iter().filter(|extent| extent.len() < 1 << 30) {
        let mut bytes = vec![0; extent.len() as usize];
        reader.seek(SeekFrom::Start(extent.start())).unwrap();
        reader.read_exact(&mut bytes).unwrap();
        file.seek(SeekFrom::Start(extent.start())).unwrap();
        file.write_all(&bytes).unwrap();
    }
}

#[test]
#[ignore = "needs bsdtar"]
fn bsdtar_is_silent_and_reads_every_file() {
    for disc in discs() {
        let iso = disc.iso();
        for (option, kind) in [
            ("iso9660:!joliet,!rockridge", TreeKind::Primary),
            ("iso9660:!rockridge", TreeKind::Joliet),
        ] {
            let out = disc.path("out");
            std::fs::create_dir(&out).unwrap();
            let locale = ("LC_ALL", "C.UTF-8");
            let output = Command::new("bsdtar")
                .args(["--options", option, "-xf", &iso, "-C", &out])
                .env(locale.0, locale.1)
                .output()
                .expect("cannot run bsdtar");
            assert!(output.status.success() && output.stderr.is_empty(), "{output:#?}");
            disc.assert_same("out", kind);
            std::fs::remove_dir_all(&out).unwrap();
        }
    }
}

/// Every path of all trees with its content, as lines `tree path hex`.
const PYCDLIB: &str = r#"
import io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for kind in ("iso_path", "joliet_path", "udf_path")[:3 if iso.has_udf() else 2]:
    for folder, folders, files in iso.walk(**{kind: "/"}):
        folder = "" if folder == "/" else folder
        for name in folders:
            print(kind, folder + "/" + name, "-", sep="\t")
        for name in files:
            path = folder + "/" + name
            content = io.BytesIO()
            iso.get_file_from_iso_fp(content, **{kind: path})
            print(kind, path, "=" + content.getvalue().hex(), sep="\t")
iso.close()
"#;

#[test]
#[ignore = "needs pycdlib"]
fn pycdlib_opens_and_reads_every_file() {
    for disc in discs() {
        let args = ["-c", PYCDLIB, &disc.iso()];
        let output = Command::new("python3").args(args).env("PYTHONIOENCODING", "utf-8").output();
        let output = output.expect("cannot run python3");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        let udf = [("udf_path", TreeKind::Udf)];
        let trees = [("iso_path", TreeKind::Primary), ("joliet_path", TreeKind::Joliet)];
        let udf = if disc.has_udf { &udf[..] } else { &[] };
        for (name, kind) in trees.iter().chain(udf).copied() {
            let mut found = BTreeMap::new();
            for line in text(&output.stdout).lines() {
                let row: Vec<&str> = line.split('\t').collect();
                let [of, path, content] = row[..] else { panic!("{line}") };
                if of != name {
                    continue;
                }
                let path = path.trim_start_matches('/');
                let path =
                    path.strip_suffix(";1").map_or(path, |p| p.strip_suffix('.').unwrap_or(p));
                found.insert(path.to_owned(), content.to_owned());
            }
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            let row = |content: &Option<Vec<u8>>| match content {
                Some(content) => format!("={}", hex(content)),
                None => "-".to_owned(),
            };
            let expected: BTreeMap<_, _> = expected(&disc.tree, &disc.plan, kind)
                .iter()
                .map(|(path, content)| (path.clone(), row(content)))
                .collect();
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
            assert!(found == expected, "contents differ");
        }
    }
}

/// A folder on disk for other tools to make an image of.
fn source_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, len) in [("README.TXT", 100), ("BOOT/BCD.DAT", 5000), ("BOOT/LOADER.BIN", 2048)] {
        let path = folder.path().join("src").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, pattern(len)).unwrap();
    }
    for n in 0..100 {
        let name = format!("src/BOOT/FILE{n:03}.DAT");
        std::fs::write(folder.path().join(name), pattern(n)).unwrap();
    }
    folder
}

fn foreign_image(program: &str, args: &[&str]) -> Vec<u8> {
    let folder = source_folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, src) = (path("out.iso"), path("src"));
    run(program, &[args, &["-o", &out, &src]].concat());
    std::fs::read(out).unwrap()
}

/// An image that another tool made of a folder, with the faults our checker finds in it.
fn checked_foreign_image(program: &str, args: &[&str]) -> Vec<FaultKind> {
    let boot = ["-b", "BOOT/LOADER.BIN", "-c", "BOOT.CAT", "-no-emul-boot", "-boot-info-table"];
    let image = foreign_image(program, &[args, &boot[..]].concat());
    for kind in [TreeKind::Primary, TreeKind::Joliet] {
        assert_eq!(read_back(&image, kind)["BOOT/FILE099.DAT"], Some(pattern(99)));
    }
    let mut image = Image::open(std::io::Cursor::new(&image)).unwrap();
    assert_eq!(image.boot_entries().len(), 1);
    image.check().unwrap().into_iter().map(|fault| fault.kind).collect()
}

/// Its Joliet directories all name themselves as their parent (1.5.4).
#[test]
#[ignore = "needs xorriso"]
fn our_checker_finds_only_true_faults_in_an_image_of_xorriso() {
    let args = ["-as", "mkisofs", "-quiet", "-V", "FOREIGN", "-J", "-R"];
    let mut faults = checked_foreign_image("xorriso", &args);
    let is_known = |kind: &FaultKind| {
        matches!(kind, FaultKind::Dot { what: "record of the parent directory", .. })
    };
    faults.retain(|kind| !is_known(kind));
    assert_eq!(faults, []);
}

/// It gives an empty file the LBA of the boot catalog. With UDF (1.1.11), the boot catalog is empty
/// in that tree, and each of the two volume descriptor sequences has a volume set identifier of its
/// own.
#[test]
#[ignore = "needs genisoimage"]
fn our_checker_finds_only_true_faults_in_an_image_of_genisoimage() {
    let catalog = |name: &str| name.trim_end_matches(";1") == "BOOT.CAT";
    let is_known = |kind: &FaultKind| match kind {
        FaultKind::EmptyOnCatalog { .. } => true,
        FaultKind::Udf { what } => what.starts_with("the reserve volume descriptor sequence"),
        // FILE000.DAT is empty too, and the last of its kind: one is too many.
        FaultKind::OnlyIn { name, .. } => catalog(name) || name == "FILE000.DAT",
        FaultKind::OtherFile { name, .. } => catalog(name),
        _ => false,
    };
    for (args, udf) in
        [(&["-quiet", "-V", "FOREIGN", "-J", "-R"][..], false), (&["-quiet", "-J", "-udf"], true)]
    {
        let mut faults = checked_foreign_image("genisoimage", args);
        assert!(faults.len() <= 7, "{faults:#?}");
        faults.retain(|kind| !is_known(kind));
        assert_eq!(faults, []);
        if udf {
            let image = foreign_image("genisoimage", args);
            assert_eq!(read_back(&image, TreeKind::Udf)["BOOT/FILE099.DAT"], Some(pattern(99)));
            let mut image = Image::open(std::io::Cursor::new(&image)).unwrap();
            assert_eq!(image.udf().unwrap().label, "CDROM");
            let faults = image.check().unwrap();
            // The volume set identifier alone.
            assert!(faults.len() == 1 && is_known(&faults[0].kind), "{faults:#?}");
        }
    }
}

const FOREIGN_BRIDGE: &str = r#"
import io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.new(interchange_level=3, joliet=3, udf="2.60")
iso.add_directory(iso_path="/SUB", joliet_path="/sub", udf_path="/sub")
for n in range(60):
    data = bytes([n]) * (n * 100)
    path = "/sub/file%02d.dat" % n
    iso.add_fp(io.BytesIO(data), len(data), iso_path=path.upper() + ";1", joliet_path=path, udf_path=path)
iso.write(sys.argv[1])
iso.close()
"#;

/// Its application identifier (1.22.0) has small letters, and the primary volume descriptor of its
/// reserve sequence is not that of the main one; the unique id of the root is not 0.
#[test]
#[ignore = "needs pycdlib"]
fn our_checker_finds_only_true_faults_in_a_bridge_of_pycdlib() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bridge.iso");
    run("python3", &["-c", FOREIGN_BRIDGE, path.to_str().unwrap()]);
    let image = std::fs::read(path).unwrap();
    assert_eq!(read_back(&image, TreeKind::Udf)["sub/file59.dat"], Some(vec![59; 5900]));
    let mut image = Image::open(std::io::Cursor::new(&image)).unwrap();
    let mut faults = image.check().unwrap();
    faults.retain(|fault| match fault.kind {
        FaultKind::Text { what, .. } => what != "application identifier",
        FaultKind::Value { what, .. } => what != "unique id of the root",
        FaultKind::Udf { what } => !what.starts_with("the reserve volume descriptor sequence"),
        _ => true,
    });
    assert_eq!(faults, []);
}
