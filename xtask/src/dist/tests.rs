//! Packages, made of the static program that the oracles have anyway.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::context::Cmd;

/// The program of the oracles is large: it is packed quickly.
fn release<'a>(context: &'a Context, out: &'a Path) -> Release<'a> {
    Release { level: 1, ..Release::new(context, MAINTAINER, out).unwrap() }
}

/// Makes the packages for Linux in a folder.
fn packages(context: &Context, out: &Path) -> Vec<String> {
    let program = PathBuf::from(env::var("CAPMEDIA_STATIC").expect("cargo xtask oracles sets it"));
    let release = release(context, out);
    let [one, two] = [program.clone(), program]
        .map(|path| Linux { program: Program { path, crates: None }, libc: Libc::Glibc });
    let mut made = linux_packages(&release, &[one, two]).unwrap();
    sums(&release, &made).unwrap();
    made.push("SHA256SUMS".to_owned());
    made
}

/// A root folder that dpkg installs into.
fn dpkg_root(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    root
}

/// The crates of others that a list names, which are those of cargo's tree, each with a text.
fn assert_lists(list: &str, context: &Context, target: &str) {
    let rows = list.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with("| "));
    let mut listed = build::Crates::new();
    for row in rows {
        let [_, name, version, licence, texts, _] = *row.split('|').collect::<Vec<_>>() else {
            panic!("{row}");
        };
        assert!(licence.len() > 4 && texts.contains("](#text-"), "{row}");
        // The runtimes are no crates.
        if !name.contains('\'') && ![" musl ", " GNU C Library ", " mingw-w64 "].contains(&name) {
            listed.insert((name.trim().to_owned(), version.trim().to_owned()));
        }
    }
    // Told apart from macros here by how deep a line stands, so not as the list itself does.
    let tree = context.cargo().args(["tree", "--locked", "--package", build::PACKAGE]);
    let shape = ["--edges", "normal", "--prefix", "depth", "--no-dedupe", "--format", " {p}"];
    let tree = tree.args(["--target", target]).args(shape).read().unwrap();
    let mut linked = build::Crates::new();
    let mut of_a_macro = u32::MAX;
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let depth: u32 = words.next().unwrap().parse().unwrap();
        if depth > of_a_macro {
            continue;
        }
        of_a_macro = if line.contains("(proc-macro)") { depth } else { u32::MAX };
        if of_a_macro == u32::MAX && !line.contains(&*context.root().to_string_lossy()) {
            let version = |word: &str| word.strip_prefix('v').unwrap().to_owned();
            linked.insert((words.next().unwrap().to_owned(), version(words.next().unwrap())));
        }
    }
    assert!(linked.len() > 100);
    assert_eq!(listed, linked);
}

#[test]
#[ignore = "needs dpkg and lintian"]
fn packages_are_the_same_twice_and_install() {
    let context = Context::find().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    fs::create_dir_all(&one).unwrap();
    fs::create_dir_all(&two).unwrap();
    let made = packages(&context, &one);
    assert_eq!(made, packages(&context, &two));
    for name in &made {
        assert!(fs::read(one.join(name)).unwrap() == fs::read(two.join(name)).unwrap(), "{name}");
    }
    let run = |program: &str| Cmd::new(program).dir(&one);
    run("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).read().unwrap();

    let [archive, deb, _] = &*made else { panic!("{made:?}") };
    let listed = run("tar").args(["--list", "--verbose", "--numeric-owner", "--file", archive]);
    let listed = listed.read().unwrap();
    for line in listed.lines() {
        assert!(line.contains(" 0/0 "), "{line}");
    }
    for name in [
        "/capmedia\n",
        "/man/man1/capmedia-create.1",
        "/man/man7/capmedia-media-sizes.7",
        "/completions/_capmedia",
        "/README.md",
        "/LICENSE-MIT",
        "/THIRD-PARTY-LICENSES.md",
        "/docs/README.md",
        "/docs/request.schema.json",
    ] {
        assert!(listed.contains(name), "{name} in\n{listed}");
    }

    let lintian =
        std::process::Command::new("lintian").arg(deb).current_dir(&one).output().unwrap();
    let found = String::from_utf8(lintian.stdout).unwrap();
    assert!(lintian.status.success() && found.is_empty(), "{found}");
    let info = run("dpkg-deb").args(["--info", deb]).read().unwrap();
    assert!(info.contains("Architecture: amd64") && !info.contains("Depends"), "{info}");
    let root = dpkg_root(folder.path());
    let install = run("dpkg").args(["--force-not-root", "--force-script-chrootless"]);
    install.arg(format!("--root={}", root.display())).args(["--install", deb]).read().unwrap();
    let program = root.join("usr/bin/capmedia");
    let version = Cmd::new(&program).arg("--version").read().unwrap();
    assert!(version.starts_with("capmedia "), "{version}");
    let bash = fs::read_to_string(root.join("usr/share/bash-completion/completions/capmedia"));
    let printed = Cmd::new(&program).args(["completions", "bash"]).read().unwrap();
    assert_eq!(bash.unwrap(), printed);
    let unpacked = |path: &str| Cmd::new("gzip").arg("-dc").arg(root.join(path)).read().unwrap();
    assert!(unpacked("usr/share/man/man1/capmedia.1.gz").contains(".TH capmedia 1"));
    let list = unpacked("usr/share/doc/capmedia/THIRD-PARTY-LICENSES.md.gz");
    assert_lists(&list, &context, Libc::Glibc.target());

    let purge = run("dpkg").args(["--force-not-root", "--force-script-chrootless"]);
    let purge = purge.arg(format!("--root={}", root.display()));
    purge.args(["--purge", "capmedia"]).read().unwrap();
    assert!(!root.join("usr").exists() && !root.join("var/lib/dpkg/info/capmedia.list").exists());
}

/// Another program stands in for ours: which packages it needs is all that differs.
#[test]
#[ignore = "needs dpkg-shlibdeps and lintian"]
fn a_program_without_musl_depends_on_the_c_library() {
    let context = Context::find().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = PathBuf::from(env::var("CAPMEDIA_STATIC").expect("cargo xtask oracles sets it"));
    let release = release(&context, folder.path());
    let texts = Texts::of(&release, &program).unwrap();
    let dynamic = Program { path: PathBuf::from("/bin/true"), crates: None };
    let linux = Linux { program: dynamic, libc: Libc::System };
    let stage = Stage::new(&release).unwrap();
    let deb = deb::build(&release, &stage, &linux, &texts, "A list.").unwrap();
    let run = |program: &str| Cmd::new(program).dir(folder.path());
    let info = run("dpkg-deb").args(["--info", &deb]).read().unwrap();
    assert!(info.contains(" Depends: libc6 (>= 2."), "{info}");
    let found = run("lintian").args(["--allow-root", &deb]).read().unwrap();
    assert_eq!(found, "");
}

/// The program is none for Windows here: what is shown is the archive around it.
#[test]
#[ignore = "needs zip and mingw-w64-common"]
fn the_archive_for_windows_is_the_same_twice() {
    let context = Context::find().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = PathBuf::from(env::var("CAPMEDIA_STATIC").expect("cargo xtask oracles sets it"));
    let [one, two] = ["one", "two"].map(|name| {
        let out = folder.path().join(name);
        fs::create_dir_all(&out).unwrap();
        let release = release(&context, &out);
        let windows = Program { path: program.clone(), crates: None };
        let name = windows_package(&release, &windows, &program).unwrap();
        out.join(name)
    });
    assert!(fs::read(&one).unwrap() == fs::read(&two).unwrap());
    let listed = Cmd::new("bsdtar").args(["--list", "--file"]).arg(&one).read().unwrap();
    for name in ["/capmedia.exe", "/completions/capmedia.ps1", "/THIRD-PARTY-LICENSES.md"] {
        assert!(listed.contains(name), "{name} in\n{listed}");
    }
    let name = listed.lines().find(|line| line.ends_with("LICENSES.md")).unwrap();
    let list = Cmd::new("bsdtar").args(["--to-stdout", "--extract", "--file"]).arg(&one).arg(name);
    let list = list.read().unwrap();
    assert!(list.contains("| windows-sys |") && !list.contains("| linux-raw-sys |"));
    assert!(list.contains("| mingw-w64 |") && list.contains("the mingw-w64 project"));
    assert_lists(&list, &context, build::WINDOWS);
}

/// A release that silently held glibc would be another than the one that is described.
#[test]
fn workflows_install_what_is_built_with() {
    for workflow in [
        include_str!("../../../.github/workflows/ci.yml"),
        include_str!("../../../.github/workflows/release.yml"),
    ] {
        let [musl, windows] = [build::MUSL, build::WINDOWS].map(|name| format!("--target {name}"));
        for text in
            [&*musl, &*windows, "musl-tools", "gcc-mingw-w64-x86-64", "cargo xtask dist --strict "]
        {
            assert!(workflow.contains(text), "{text}");
        }
    }
}

/// The package can be read without the repository.
#[test]
fn links_of_the_guide_lead_to_files_of_the_package() {
    let context = Context::find().unwrap();
    let (version, out) = ("0".to_owned(), Path::new(""));
    let release =
        Release { context: &context, version, epoch: 0, maintainer: MAINTAINER, out, level: 1 };
    let stage = Stage::new(&release).unwrap();
    common_files(&release, &stage, "x", "", "About it.").unwrap();
    let (mut links, mut pages) = (0, 0);
    for file in stage.files().unwrap().iter().filter(|file| file.ends_with(".md")) {
        let path = stage.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        pages += 1;
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').unwrap();
            let (link, _) = link.split_once('#').unwrap_or((link, ""));
            if link.is_empty() || link.contains(':') {
                continue;
            }
            links += 1;
            assert!(path.parent().unwrap().join(link).exists(), "{file}: {link}");
        }
    }
    assert!(links > 50 && pages > 10, "{links} {pages}");
    let readme = fs::read_to_string(stage.path().join("x/README.md")).unwrap();
    assert!(readme.ends_with("## This build\n\nAbout it.\n") && readme.contains("DESIGN.md tells"));
    assert!(stage.path().join("x/docs/events.schema.json").is_file());
}
