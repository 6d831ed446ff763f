//! Outside readers on our Rock Ridge and long Joliet names, and our checker on the Rock Ridge of
//! others. A missing tool is a failure.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use iso9660_image::check::{FaultKind, Image};
use iso9660_image::{Format, ImageOptions, Joliet, RockRidge, TreeKind};
use tempfile::TempDir;

use crate::build::{expected, medium, options, pattern, read_back};
use crate::oracles::{Disc, hard_names, run, text};

/// With Rock Ridge: a bootable medium, and everything that is hard to name; alone, with Joliet, and
/// as a bridge with long Joliet names. (xorriso warns of surrogate pairs in Joliet.)
fn discs() -> Vec<Disc> {
    let rock_ridge = |options: ImageOptions| options.with_rock_ridge(RockRidge::ReadOnly);
    let (tree, medium_options) = medium();
    let hard = || hard_names("漢字/music.txt");
    let alone = options().with_joliet(Joliet::Off);
    let bridge = options().with_format(Format::Bridge).with_joliet(Joliet::Units103);
    vec![
        Disc::new((tree, rock_ridge(medium_options))),
        Disc::new((hard(), rock_ridge(alone))),
        Disc::new((hard(), rock_ridge(options()))),
        Disc::new((hard(), rock_ridge(bridge))),
    ]
}

#[test]
#[ignore = "needs xorriso"]
fn xorriso_is_clean_and_reads_every_file() {
    for disc in discs() {
        let args = ["-abort_on", "NEVER", "-return_with", "WARNING", "32", "-indev"];
        let iso = disc.iso();
        let checks = ["-check_media", "--", "-toc", "-find", "/", "-exec", "lsdl"];
        let output = run("xorriso", &[&args[..], &[&iso], &checks[..]].concat());
        let all = text(&output.stdout) + &text(&output.stderr);
        for bad in ["WARNING", "SORRY", "FAILURE", "FATAL"] {
            assert!(!all.contains(bad), "{all}");
        }
        let modes = |mode: &str| all.lines().filter(|line| line.starts_with(mode)).count();
        let folders = disc.tree.walk().filter(|node| disc.tree.is_folder(*node)).count();
        assert_eq!(modes("dr-xr-xr-x"), folders, "{all}");
        assert_eq!(modes("-r-xr-xr-x"), disc.tree.len() - folders, "{all}");
        let out = disc.path("out");
        run("xorriso", &["-osirrox", "on:auto_chmod_on", "-indev", &iso, "-extract", "/", &out]);
        disc.assert_same("out", TreeKind::RockRidge);
        make_writable(Path::new(&out));
    }
}

/// Folders that nobody may write to cannot be removed by their owner.
fn make_writable(folder: &Path) {
    run("chmod", &["-R", "u+w", folder.to_str().unwrap()]);
}

#[test]
#[ignore = "needs isovfy and isoinfo"]
fn isovfy_and_isoinfo_are_clean() {
    for disc in discs() {
        let iso = disc.iso();
        let output = run("isovfy", &[&iso]);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(all.contains("No errors found"), "{all}");
        let output = run("isoinfo", &["-R", "-f", "-i", &iso]);
        let mut found: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
        found.sort();
        let names = expected(&disc.tree, &disc.plan, TreeKind::RockRidge);
        assert_eq!(found, names.keys().map(|path| format!("/{path}")).collect::<Vec<_>>());
        let output = run("isoinfo", &["-R", "-l", "-i", &iso]);
        assert!(!text(&output.stdout).contains('?'), "{output:?}");
    }
}

#[test]
#[ignore = "needs bsdtar"]
fn bsdtar_is_silent_and_reads_every_file() {
    for disc in discs() {
        let out = disc.path("out");
        std::fs::create_dir(&out).unwrap();
        let output = Command::new("bsdtar")
            .args(["--options", "iso9660:!joliet", "-xf", &disc.iso(), "-C", &out])
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("cannot run bsdtar");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:#?}");
        disc.assert_same("out", TreeKind::RockRidge);
        make_writable(Path::new(&out));
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
        run("7z", &["x", "-tiso", &format!("-o{}", disc.path("out")), &iso]);
        let _ = std::fs::remove_dir_all(disc.path("out/[BOOT]"));
        let has_joliet = disc.plan.joliet_volume_id().is_some();
        let kind = if has_joliet { TreeKind::Joliet } else { TreeKind::RockRidge };
        disc.assert_same("out", kind);
        make_writable(Path::new(&disc.path("out")));
    }
}

/// Every path of the Rock Ridge tree with its mode and content, as lines.
const WALK: &str = r#"
import io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
assert iso.has_rock_ridge()
assert iso.rock_ridge == sys.argv[2], iso.rock_ridge
for folder, folders, files in iso.walk(rr_path="/"):
    folder = "" if folder == "/" else folder
    for name in folders:
        print(folder + "/" + name, "-", sep="\t")
    for name in files:
        path = folder + "/" + name
        content = io.BytesIO()
        iso.get_file_from_iso_fp(content, rr_path=path)
        print(path, "=" + content.getvalue().hex(), sep="\t")
iso.close()
"#;

#[test]
#[ignore = "needs pycdlib"]
fn pycdlib_opens_and_reads_every_file() {
    for disc in discs() {
        let args = ["-c", WALK, &disc.iso(), "1.12"];
        let output = Command::new("python3").args(args).env("PYTHONIOENCODING", "utf-8").output();
        let output = output.expect("cannot run python3");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        let mut found = BTreeMap::new();
        for line in text(&output.stdout).lines() {
            let (path, content) = line.split_once('\t').unwrap();
            found.insert(path.trim_start_matches('/').to_owned(), content.to_owned());
        }
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let row = |content: &Option<Vec<u8>>| {
            content.as_ref().map_or("-".to_owned(), |it| format!("={}", hex(it)))
        };
        let expected: BTreeMap<_, _> = expected(&disc.tree, &disc.plan, TreeKind::RockRidge)
            .iter()
            .map(|(path, content)| (path.clone(), row(content)))
            .collect();
        assert_eq!(found, expected);
    }
}

/// A folder for other tools: deep, with long names, links, and empty files.
fn source_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let src = folder.path().join("src");
    let deep = src.join("1/2/3/4/5/6/7/8/9/10");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir_all(src.join("many")).unwrap();
    std::fs::create_dir_all(src.join("1/2/3/4/5/6/7/other/x")).unwrap();
    std::fs::write(deep.join("deep file.txt"), pattern(3000)).unwrap();
    std::fs::write(src.join("1/2/3/4/5/6/7/other/x/y"), pattern(30)).unwrap();
    std::fs::write(src.join("empty"), "").unwrap();
    std::fs::write(src.join("Größe.txt"), pattern(10)).unwrap();
    for n in 0..120 {
        let name = format!("{n:03} {}.text", "name".repeat(1 + n % 55));
        std::fs::write(src.join("many").join(name), pattern(n)).unwrap();
    }
    std::os::unix::fs::symlink("/usr/bin/env", src.join("link")).unwrap();
    std::os::unix::fs::symlink(format!("../{}/b", "a".repeat(200)), src.join("long link")).unwrap();
    folder
}

/// The image that another tool makes of that folder; `{src}` and `{out}` stand for the paths.
fn foreign(program: &str, args: &[&str]) -> Vec<u8> {
    let folder = source_folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (src, out) = (path("src"), path("out.iso"));
    let args: Vec<String> =
        args.iter().map(|arg| arg.replace("{src}", &src).replace("{out}", &out)).collect();
    run(program, &args.iter().map(String::as_str).collect::<Vec<_>>());
    std::fs::read(out).unwrap()
}

/// Its faults, after a look at its names.
#[track_caller]
fn checked(image: &[u8]) -> Vec<FaultKind> {
    let found = read_back(image, TreeKind::RockRidge);
    let deep = "1/2/3/4/5/6/7/8/9/10/deep file.txt";
    assert_eq!(found[deep], Some(pattern(3000)), "{:?}", found.keys());
    assert_eq!(found["1/2/3/4/5/6/7/other/x/y"], Some(pattern(30)));
    let long = format!("many/054 {}.text", "name".repeat(55));
    assert_eq!(found[&long], Some(pattern(54)));
    let mut image = Image::open(Cursor::new(image)).unwrap();
    image.check().unwrap().into_iter().map(|fault| fault.kind).collect()
}

/// Its Joliet directories all name themselves as their parent (1.5.4). It puts moved folders behind
/// the sorted ones of the root, or into a folder that Joliet has too.
#[test]
#[ignore = "needs xorriso"]
fn our_checker_understands_xorriso() {
    let mkisofs = ["-as", "mkisofs", "-quiet", "-J", "-joliet-long", "-R", "-o", "{out}", "{src}"];
    let outdev = ["-outdev", "{out}", "-map", "{src}", "/"];
    let new = ["-compliance", "new_rr", "-joliet", "off"];
    let moved = ["-compliance", "deep_paths_off:joliet_long_names", "-joliet", "on"];
    let holder = ["-rr_reloc_dir", "rr_moved"];
    for (args, parts) in [
        (&mkisofs[..], &[][..]),
        (&new, &outdev[..]),
        (&moved, &outdev),
        (&[&moved[..], &holder].concat(), &outdev),
    ] {
        let mut faults = checked(&foreign("xorriso", &[args, parts].concat()));
        faults.retain(|kind| match kind {
            FaultKind::Dot { what, .. } => *what != "record of the parent directory",
            FaultKind::FolderOnlyIn { tree: TreeKind::Joliet, name, .. } => name != "rr_moved",
            FaultKind::Order { .. } | FaultKind::PathTableOrder { .. } => args.len() != 4,
            _ => true,
        });
        assert_eq!(faults, [], "{args:?}");
    }
}

#[test]
#[ignore = "needs genisoimage"]
fn our_checker_understands_genisoimage() {
    for more in [&["-J", "-joliet-long"][..], &[], &["-D"]] {
        let args = [&["-quiet", "-R"][..], more, &["-o", "{out}", "{src}"]].concat();
        assert_eq!(checked(&foreign("genisoimage", &args)), [], "{args:?}");
    }
}

const FOREIGN: &str = r#"
import io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.new(interchange_level=3, joliet=3, rock_ridge=sys.argv[2])
path, names = "", ""
for n in range(1, 11):
    path, names = path + "/DIR%d" % n, names + "/dir%d" % n
    iso.add_directory(iso_path=path, rr_name="dir%d" % n, joliet_path=names)
for n in range(60):
    data = bytes([n]) * (n * 10 + 1)
    name = "file %02d %s" % (n, "x" * (3 * n))
    iso.add_fp(io.BytesIO(data), len(data), iso_path=path + "/FILE%02d.;1" % n, rr_name=name, joliet_path=names + "/" + name[:60])
iso.add_symlink("/LINK.;1", "link", "dir1/dir2")
iso.write(sys.argv[1])
iso.close()
"#;

#[test]
#[ignore = "needs pycdlib"]
fn our_checker_understands_pycdlib() {
    for version in ["1.09", "1.10", "1.12"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.iso");
        run("python3", &["-c", FOREIGN, path.to_str().unwrap(), version]);
        let image = std::fs::read(path).unwrap();
        let folders: String = (1..11).map(|n| format!("dir{n}/")).collect();
        let found = read_back(&image, TreeKind::RockRidge);
        let last = format!("{folders}file 59 {}", "x".repeat(177));
        assert_eq!(found[&last], Some(vec![59; 591]), "{version}: {:?}", found.keys());
        let mut image = Image::open(Cursor::new(image)).unwrap();
        let mut faults: Vec<_> = image.check().unwrap();
        // Its application identifier has small letters (1.22.0).
        faults.retain(|fault| !matches!(fault.kind, FaultKind::Text { .. }));
        assert_eq!(faults, [], "{version}");
    }
}
