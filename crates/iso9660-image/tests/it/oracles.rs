//! Outside readers on our images, and our checker on theirs. A missing tool is a failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use extent_image::Tree;
use iso9660_image::check::{FaultKind, Image};
use iso9660_image::{ImageOptions, ImagePlan, TreeKind, plan};
use tempfile::TempDir;

use crate::build::{assert_clean, bytes, expected, medium, options, pattern, read_back, tree};

/// Runs a tool; fails when it is missing or fails.
#[track_caller]
fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {output:#?}");
    output
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// An image in a folder of its own.
struct Disc {
    folder: TempDir,
    tree: Tree,
    plan: ImagePlan,
}

impl Disc {
    fn new((tree, options): (Tree, ImageOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(&tree, &options).unwrap();
        let image = bytes(&plan);
        assert_clean(&image);
        std::fs::write(folder.path().join("disc.iso"), image).unwrap();
        Self { folder, tree, plan }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn iso(&self) -> String {
        self.path("disc.iso")
    }

    /// The folder `name` must hold what one of the trees does.
    #[track_caller]
    fn assert_same(&self, name: &str, kind: TreeKind) {
        let found = folder(&self.folder.path().join(name));
        let expected = expected(&self.tree, &self.plan, kind);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        assert!(found == expected, "contents differ");
    }
}

/// All discs: a bootable medium, and one with everything that is hard to name.
fn discs() -> [Disc; 2] {
    [Disc::new(medium()), Disc::new((hard_names("漢字/𝄞 music 💿.txt"), options()))]
}

fn hard_names(outside_latin: &str) -> Tree {
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

fn folder(path: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
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
    let hard_names = hard_names("漢字/music.txt");
    for disc in [Disc::new(medium()), Disc::new((hard_names, options()))] {
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

/// Every path of both trees with its content, as lines `tree path hex`.
const PYCDLIB: &str = r#"
import io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for kind in ("iso_path", "joliet_path"):
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
        for (name, kind) in [("iso_path", TreeKind::Primary), ("joliet_path", TreeKind::Joliet)] {
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

/// It gives an empty file the LBA of the boot catalog.
#[test]
#[ignore = "needs genisoimage"]
fn our_checker_finds_only_true_faults_in_an_image_of_genisoimage() {
    for args in [&["-quiet", "-V", "FOREIGN", "-J", "-R"][..], &["-quiet", "-J", "-udf"]] {
        let mut faults = checked_foreign_image("genisoimage", args);
        faults.retain(|kind| !matches!(kind, FaultKind::EmptyOnCatalog { .. }));
        assert_eq!(faults, []);
    }
}
