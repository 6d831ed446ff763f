//! One large bridge before every judge there is: a file over 4 GiB, ten thousand files, hundreds of
//! names that are hard to write, folders eight deep.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Output};

use extent_image::{Data, Digest, Hasher, NodeId, Source, StreamOptions, Tree, TreeBuilder};
use iso9660_image::check::Image;
use iso9660_image::{Format, ImagePlan, RockRidge, TreeKind, plan};

use crate::build::{LONG, huge, meta, options, pattern};
use crate::linux::{PART, Seen, WHOLE, mount_in_linux};

const FILES: usize = 10_000;
const FOLDERS: usize = 100;
const HARD: usize = 300;
/// The root is level 1: seven folders below one another, a file in the eighth level.
const DEEP: usize = 7;

fn large_tree() -> Tree {
    let mut builder = TreeBuilder::new(meta());
    let short = |len: usize| Data::bytes("short", pattern(len));
    for folder in 0..FOLDERS {
        let name = format!("Folder {folder:03}");
        let parent = builder.folder(NodeId::ROOT, &name, meta()).unwrap();
        for file in 0..FILES / FOLDERS {
            let name = format!("file number {file:02} of {folder}.data");
            builder.file(parent, &name, meta(), short((folder * 7 + file * 31) % 3000)).unwrap();
        }
    }
    let hard = builder.folder(NodeId::ROOT, "Größen, 漢字", meta()).unwrap();
    for number in 0..HARD {
        let name = match number % 3 {
            0 => format!("Päth {number:03} of häny.txt"),
            1 => format!("文書 {number:03} について.docx"),
            _ => format!("Žluťoučký kůň {number:03}.κείμενο"),
        };
        builder.file(hard, &name, meta(), short(number)).unwrap();
    }
    let mut folder = NodeId::ROOT;
    for depth in 1..=DEEP {
        folder = builder.folder(folder, &format!("depth {depth}"), meta()).unwrap();
        builder.file(folder, "here.txt", meta(), short(depth * 1000)).unwrap();
    }
    let sources = builder.folder(NodeId::ROOT, "sources", meta()).unwrap();
    builder.file(sources, "install.wim", meta(), huge(LONG)).unwrap();
    builder.finish().unwrap()
}

struct Disc {
    tree: Tree,
    plan: ImagePlan,
    path: PathBuf,
    folder: tempfile::TempDir,
}

impl Disc {
    fn new() -> Self {
        let tree = large_tree();
        let options = options().with_format(Format::Bridge).with_rock_ridge(RockRidge::ReadOnly);
        let plan = plan(&tree, &options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disc.iso");
        let file = File::create_new(&path).unwrap();
        write_with_hole(&plan, &file);
        Self { tree, plan, path, folder }
    }

    fn iso(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// What the tree of that kind must show, by path.
    fn expected(&self, kind: TreeKind) -> Vec<Seen> {
        let renames: BTreeMap<String, String> = self
            .plan
            .renames(&self.tree)
            .filter(|rename| rename.tree == kind)
            .map(|rename| (rename.path, rename.written))
            .collect();
        let tree = &self.tree;
        let name = |id: NodeId| {
            let name = renames.get(&tree.path(id)).map_or(tree.name(id), String::as_str);
            bare(name, kind)
        };
        let mut paths: BTreeMap<usize, String> = BTreeMap::new();
        let mut seen = Vec::new();
        for id in tree.walk().skip(1) {
            let parent = paths.get(&tree.parent(id).index()).cloned().unwrap_or_default();
            let path = format!("{parent}{}", name(id));
            match tree.data(id) {
                None => drop(paths.insert(id.index(), path + "/")),
                Some(Data::Source(source)) => {
                    let digest = digest(&**source).to_string();
                    seen.push(Seen { path, len: source.len(), digest });
                }
                Some(Data::Late(_)) => panic!("no late content here"),
            }
        }
        seen.sort();
        seen
    }
}

/// The name of a primary tree without its version and, where there is no extension, without a dot.
fn bare(name: &str, kind: TreeKind) -> String {
    if kind != TreeKind::Primary {
        return name.to_owned();
    }
    let name = name.strip_suffix(";1").unwrap_or(name);
    name.strip_suffix('.').unwrap_or(name).to_ascii_uppercase()
}

/// As the kernel in QEMU hashes.
fn digest(source: &dyn Source) -> Digest {
    let mut hasher = Hasher::new();
    let mut add = |from: u64, len: u64| {
        let mut bytes = Vec::new();
        source.open(from).unwrap().take(len).read_to_end(&mut bytes).unwrap();
        hasher.update(&bytes);
    };
    if source.len() < WHOLE {
        add(0, source.len());
    } else {
        add(0, PART);
        add(source.len() - PART, PART);
    }
    hasher.finish()
}

/// Writes all but the long file, whose zeros become a hole.
fn write_with_hole(plan: &ImagePlan, file: &File) {
    let mut builder = extent_image::PlanBuilder::new();
    for extent in plan.plan().extents() {
        match extent.content() {
            extent_image::Content::Source(source, _) if source.len() == LONG => {
                builder.zero("hole", extent.len()).unwrap();
            }
            extent_image::Content::Source(source, from) => {
                let part = std::sync::Arc::clone(source);
                builder.source_part(extent.role(), part, *from, extent.len()).unwrap();
            }
            extent_image::Content::Bytes(bytes) => {
                builder.bytes(extent.role(), bytes.clone()).unwrap();
            }
            _ => builder.zero(extent.role(), extent.len()).unwrap(),
        }
    }
    let _ = builder.finish().write_file(file, &StreamOptions::default(), &mut ()).unwrap();
}

#[track_caller]
fn run(program: &str, args: &[&str]) -> (Output, String) {
    let output = Command::new(program).args(args).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let all = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{program} {args:?}: {} {all}", output.status);
    (output, all)
}

#[track_caller]
fn assert_seen(judge: &str, found: &[Seen], expected: &[Seen]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{judge}");
    }
    assert_eq!(found.len(), expected.len(), "{judge}");
}

/// Every byte of every file, through our own reader.
fn our_reader(disc: &Disc, kind: TreeKind) -> Vec<Seen> {
    let mut image = Image::open(File::open(&disc.path).unwrap()).unwrap();
    let entries: Vec<_> = image.walk(kind).unwrap().map(Result::unwrap).collect();
    let mut seen = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is_dir()) {
        let mut content = image.open_file(entry);
        let digest = if entry.size() < WHOLE {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).unwrap();
            Digest::of(&bytes)
        } else {
            let mut content = io::BufReader::with_capacity(1 << 20, content);
            assert_zeros(&mut content, entry.size());
            Digest::of(&vec![0; 2 * PART as usize])
        };
        let path = entry.path().to_owned();
        seen.push(Seen { path, len: entry.size(), digest: digest.to_string() });
    }
    seen.sort();
    seen
}

/// Exactly `len` zeros.
fn assert_zeros(content: &mut impl Read, len: u64) {
    let mut buffer = vec![0; 1 << 20];
    let zeros = vec![0; 1 << 20];
    let mut passed = 0;
    loop {
        let count = content.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        assert!(buffer[..count] == zeros[..count], "not zero near {passed}");
        passed += count as u64;
    }
    assert_eq!(passed, len);
}

fn xorriso(disc: &Disc) {
    let args = ["-abort_on", "NEVER", "-return_with", "WARNING", "32", "-indev", disc.iso()];
    let checks = ["-check_media", "--", "-toc", "-pvd_info"];
    let (_, all) = run("xorriso", &[&args[..], &checks].concat());
    let good = format!("Media region :          0 , {:>10} , + good", disc.plan.sectors());
    assert!(all.contains(&good), "{all}");
    for bad in ["WARNING", "SORRY", "FAILURE", "FATAL"] {
        assert!(!all.contains(bad), "{all}");
    }
}

/// It knows no file of several sections and tells the flag of each; the rest is its progress.
fn isovfy(disc: &Disc) {
    let (_, all) = run("isovfy", &[disc.iso()]);
    assert!(all.starts_with("Root at extent"), "{all}");
    let rest = all.lines().skip(1).filter(|line| !line.starts_with('['));
    let bad: Vec<&str> = rest.filter(|line| !line.contains("Flags=(80)")).collect();
    assert!(bad.iter().all(|line| matches!(*line, "" | "No errors found")), "{all}");
}

fn seven_zip(disc: &Disc) {
    for format in ["-tiso", "-tudf"] {
        let (_, all) = run("7z", &["t", format, disc.iso()]);
        assert!(all.contains("Everything is Ok"), "{all}");
        assert!(!all.contains("WARNING") && !all.contains("ERROR"), "{all}");
        let files = FILES + HARD + DEEP + 1;
        assert!(all.contains(&format!("Files: {files}")), "{all}");
    }
}

fn bsdtar(disc: &Disc) {
    for trees in ["iso9660:!joliet,!rockridge", "iso9660:!rockridge", "iso9660:!joliet"] {
        let (output, all) = run("bsdtar", &["--options", trees, "-tf", disc.iso()]);
        assert!(output.stderr.is_empty(), "{all}");
        let files = FILES + HARD + DEEP + 1;
        let folders = FOLDERS + 1 + DEEP + 1;
        // The root is `.`.
        assert_eq!(all.lines().count(), files + folders + 1, "{all}");
    }
}

fn udfinfo(disc: &Disc) {
    let (_, all) = run("udfinfo", &[disc.iso()]);
    let (files, folders) = (FILES + HARD + DEEP + 1, FOLDERS + 1 + DEEP + 1 + 1);
    for line in [
        "integrity=closed".to_owned(),
        "udfrev=1.02".to_owned(),
        format!("numfiles={files}"),
        format!("numdirs={folders}"),
    ] {
        assert!(all.lines().any(|found| found == line), "{line}: {all}");
    }
    assert!(!all.contains("Warning") && !all.contains("Error"), "{all}");
}

/// Every path of all three trees with length and digest, as lines `tree path length digest`. Of the
/// long file the length alone: in Python, gibibytes take their time.
const PYCDLIB: &str = r#"
import hashlib, io, sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for kind in ("iso_path", "joliet_path", "udf_path"):
    for folder, folders, files in iso.walk(**{kind: "/"}):
        folder = "" if folder == "/" else folder
        for name in files:
            path = folder + "/" + name
            record = iso.get_record(**{kind: path})
            length = record.get_data_length()
            digest = "-"
            if length < 64 << 20:
                content = io.BytesIO()
                iso.get_file_from_iso_fp(content, **{kind: path})
                digest = hashlib.sha256(content.getvalue()).hexdigest()
            print(kind, path, length, digest, sep="\t")
iso.close()
"#;

fn pycdlib(disc: &Disc) {
    let script = disc.folder.path().join("walk.py");
    std::fs::write(&script, PYCDLIB).unwrap();
    let (output, _) = run("python3", &[script.to_str().unwrap(), disc.iso()]);
    let said = String::from_utf8(output.stdout).unwrap();
    for (name, kind) in [
        ("iso_path", TreeKind::Primary),
        ("joliet_path", TreeKind::Joliet),
        ("udf_path", TreeKind::Udf),
    ] {
        let mut found: Vec<Seen> = Vec::new();
        for line in said.lines() {
            let row: Vec<&str> = line.split('\t').collect();
            let [of, path, len, digest] = row[..] else { panic!("{line}") };
            if of == name {
                let path = bare(path.trim_start_matches('/'), kind);
                found.push(Seen { path, len: len.parse().unwrap(), digest: digest.to_owned() });
            }
        }
        let mut expected = disc.expected(kind);
        for seen in &mut expected {
            if seen.len >= WHOLE {
                seen.digest = "-".to_owned();
            }
        }
        found.sort();
        assert_seen(name, &found, &expected);
    }
}

fn linux(disc: &Disc) {
    let mounts = [
        ("iso9660 norock,nojoliet,map=off", TreeKind::Primary),
        ("iso9660 norock,iocharset=utf8", TreeKind::Joliet),
        ("iso9660 nojoliet", TreeKind::RockRidge),
        ("udf iocharset=utf8", TreeKind::Udf),
    ];
    let found = mount_in_linux(&disc.path, &mounts.map(|(mount, _)| mount));
    for ((mount, kind), mut found) in mounts.into_iter().zip(found) {
        for seen in &mut found {
            // Folders have no version; of the path, only the end has one.
            seen.path = bare(&seen.path, kind);
        }
        found.sort();
        assert_seen(mount, &found, &disc.expected(kind));
    }
}

type Judge = fn(&Disc);

#[test]
#[ignore = "needs qemu, a Debian kernel, xorriso, isovfy, 7z, bsdtar, udfinfo and pycdlib"]
fn a_large_bridge_is_clean_before_every_judge() {
    let disc = Disc::new();
    let mut image = Image::open(File::open(&disc.path).unwrap()).unwrap();
    let faults: Vec<String> = image.check().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(faults, [""; 0]);
    for kind in [TreeKind::Primary, TreeKind::Joliet, TreeKind::RockRidge, TreeKind::Udf] {
        assert_seen("our reader", &our_reader(&disc, kind), &disc.expected(kind));
    }
    let judges: [(&str, Judge); 7] = [
        ("Linux", linux),
        ("xorriso", xorriso),
        ("isovfy", isovfy),
        ("7z", seven_zip),
        ("bsdtar", bsdtar),
        ("udfinfo", udfinfo),
        ("pycdlib", pycdlib),
    ];
    for (name, judge) in judges {
        let start = std::time::Instant::now();
        judge(&disc);
        println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
    }
}
