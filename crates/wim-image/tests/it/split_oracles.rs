//! wimlib and 7-Zip as judges of parts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use extent_image::{FileSource, OpenFile, Plan, ReadAt, Source, StreamOptions};
use wim_image::{SplitError, Wim, frame, restore, split};

use crate::oracles::{capture, open, run, tree};
use crate::support::verify;

/// Writes the parts beside each other and tells their paths.
fn split_files(whole: &Path, limits: &[u64], stem: &str) -> Vec<PathBuf> {
    let source: Arc<dyn Source> = Arc::new(FileSource::new(whole).unwrap());
    let parts = split(&open(whole).unwrap(), &source, limits).unwrap();
    let write = |part: &wim_image::SwmPart| {
        let path = whole.with_file_name(part.file_name(stem));
        write_new(part.plan(), &path);
        path
    };
    parts.iter().map(write).collect()
}

fn write_new(plan: &Plan, path: &Path) {
    let mut file = File::create_new(path).unwrap();
    let report = plan.write_to(&mut file, &StreamOptions::default(), &mut ());
    let _ = report.unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), plan.len());
}

fn open_set(parts: &[PathBuf]) -> Wim {
    let source = |path: &PathBuf| -> Arc<dyn ReadAt> { Arc::new(OpenFile::open(path).unwrap()) };
    Wim::open_set(parts.iter().map(source).collect()).unwrap()
}

/// Every file below a folder.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|(inner, data)| (Path::new(path.file_name().unwrap()).join(inner), data)),
            );
        } else {
            found.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Image 2 as 7-Zip unpacks it. Its exit code says nothing: 7-Zip takes the length of the last part
/// for that of the first, and so finds the end of the archive too early or too late, with parts by
/// wimlib as well.
fn unpacked_by_7z(first: &Path, to: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut command = Command::new("7z");
    command.args(["x", "-y"]).arg(format!("-o{}", to.display())).arg(first);
    let output = command.output().unwrap_or_else(|error| panic!("cannot run 7z: {error}"));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let known = ["", "ERRORS:", "Unexpected end of archive"];
    assert!(text.lines().all(|line| known.contains(&line.trim())), "{text}");
    let found = files(&to.join("2"));
    fs::remove_dir_all(to).unwrap();
    found
}

#[test]
#[ignore = "needs wimlib-imagex and 7z"]
fn parts_of_every_codec() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let root = at("tree");
    tree(&root);
    let applied = |wim: &Path, image: &str, reference: &[&str]| {
        let to = at("applied");
        let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"apply", &wim, &image, &to];
        arguments.extend(reference.iter().map(|option| option as &dyn AsRef<std::ffi::OsStr>));
        run("wimlib-imagex", &arguments);
        let found = files(&to);
        fs::remove_dir_all(&to).unwrap();
        found
    };
    let one = files(&root);
    for codec in ["none", "XPRESS", "LZX:20"] {
        let name = codec.trim_end_matches(":20");
        let whole = at(&format!("{name}.wim"));
        let mut two = one.clone();
        capture(&root, &whole, &[&format!("--compress={codec}"), "--check", "--boot"]);
        fs::write(root.join("only in image 2"), "more").unwrap();
        run("wimlib-imagex", &[&"append", &root, &whole, &"Two", &"--check"]);
        fs::remove_file(root.join("only in image 2")).unwrap();
        two.insert("only in image 2".into(), b"more".to_vec());

        // The smallest part that can be, and a first one with room for little.
        let source: Arc<dyn Source> = Arc::new(FileSource::new(&whole).unwrap());
        let found = split(&open(&whole).unwrap(), &source, &[100_000, 1]).unwrap_err();
        let SplitError::LargeFile { needed, .. } = found else { panic!("{found}") };
        let len = fs::metadata(&whole).unwrap().len();
        let cases: [(&str, &[u64]); 4] = [
            ("smallest", &[100_003, needed]),
            ("half", &[(len / 2 + 4001).max(needed) | 1]),
            ("odd", &[needed + 777, needed + 70_001, needed + 33, needed + 1_000_001]),
            ("single", &[]),
        ];
        for (case, limits) in cases {
            let stem = format!("{name}-{case}");
            let parts = split_files(&whole, limits, &stem);
            assert!((parts.len() == 1) == (case == "single"), "{stem}: {}", parts.len());
            let first = &parts[0];
            let all = format!("--ref={}", at(&format!("{stem}*.swm")).display());
            run("wimlib-imagex", &[&"verify", first, &all]);
            let unpacked = unpacked_by_7z(first, &at("7z"));
            assert!(unpacked.iter().all(|(path, data)| two.get(path) == Some(data)), "{stem}");
            assert_eq!(unpacked.len(), two.len(), "{stem}");
            let info = run("wimlib-imagex", &[&"info", first]);
            let guid = run("wimlib-imagex", &[&"info", &whole]);
            let line = |text: &str, start: &str| {
                text.lines().find(|line| line.starts_with(start)).unwrap().to_owned()
            };
            assert_eq!(line(&info, "GUID:"), line(&guid, "GUID:"));
            assert_eq!(line(&info, "Boot Index:"), line(&guid, "Boot Index:"));
            assert!(line(&info, "Part Number:").ends_with(&format!(" 1/{}", parts.len())));
            assert!(applied(first, "1", &[&all]) == one, "{stem}");
            assert!(applied(first, "2", &[&all]) == two, "{stem}");

            if parts.len() > 1 {
                let joined = at(&format!("{stem}-joined.wim"));
                let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"join", &joined];
                arguments.extend(parts.iter().map(|part| part as &dyn AsRef<std::ffi::OsStr>));
                run("wimlib-imagex", &arguments);
                run("wimlib-imagex", &[&"verify", &joined]);
                assert!(applied(&joined, "1", &[]) == one, "{stem}");
                assert!(applied(&joined, "2", &[]) == two, "{stem}");
                assert_eq!(verify(&open(&joined).unwrap()).len(), 0);
            }
            let set = open_set(&parts);
            assert_eq!(verify(&set).len(), 0, "{stem}");
            assert_eq!(set.boot_index(), Some(1));

            let plan = frame(&open(&whole).unwrap(), &source).unwrap();
            let frame_path = at("frame");
            write_new(&plan, &frame_path);
            let file =
                |path: &PathBuf| -> Arc<dyn Source> { Arc::new(FileSource::new(path).unwrap()) };
            let parts: Vec<_> = parts.iter().map(file).collect();
            let restored = at("restored.wim");
            write_new(&restore(&file(&frame_path), &parts).unwrap(), &restored);
            assert!(fs::read(&restored).unwrap() == fs::read(&whole).unwrap(), "{stem}");
            assert!(plan.len() < 20_000, "{}", plan.len());
            for path in [frame_path, restored] {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

/// Its parts have integrity tables, which are checked too.
#[test]
#[ignore = "needs wimlib-imagex"]
fn parts_by_wimlib_are_read() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    tree(&at("tree"));
    capture(&at("tree"), &at("whole.wim"), &["--compress=XPRESS"]);
    run("wimlib-imagex", &[&"split", &at("whole.wim"), &at("part.swm"), &"1", &"--check"]);
    let numbers = 2..;
    let mut parts = vec![at("part.swm")];
    parts
        .extend(numbers.map(|n: u32| at(&format!("part{n}.swm"))).take_while(|path| path.exists()));
    assert!(parts.len() >= 2);
    let set = open_set(&parts);
    assert!(set.has_integrity_table());
    assert_eq!(usize::from(set.part_count()), parts.len());
    assert_eq!(verify(&set).len(), 0);

    // A byte of the last part: its integrity table and the data tell.
    let last = parts.last().unwrap();
    let mut bytes = fs::read(last).unwrap();
    bytes[1000] ^= 1;
    fs::write(last, bytes).unwrap();
    assert_eq!(verify(&open_set(&parts)).len(), 2);
}
