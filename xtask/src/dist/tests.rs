//! Packages, made of the static program that the oracles have anyway.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::context::Cmd;

/// Makes the packages for Linux in a folder.
fn packages(context: &Context, out: &Path) -> Vec<String> {
    let program = PathBuf::from(env::var("CAPMEDIA_STATIC").expect("cargo xtask oracles sets it"));
    let release = Release::new(context, MAINTAINER, out).unwrap();
    let [one, two] = [program.clone(), program].map(|path| Linux { path, libc: Libc::Glibc });
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
    let page = Cmd::new("gzip").args(["-dc"]).arg(root.join("usr/share/man/man1/capmedia.1.gz"));
    assert!(page.read().unwrap().contains(".TH capmedia 1"));
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
        let release = Release::new(&context, MAINTAINER, &out).unwrap();
        let name = windows_package(&release, &program, &program).unwrap();
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
}

/// The package can be read without the repository.
#[test]
fn links_of_the_guide_lead_to_files_of_the_package() {
    let context = Context::find().unwrap();
    let (version, out) = ("0".to_owned(), Path::new(""));
    let release = Release { context: &context, version, epoch: 0, maintainer: MAINTAINER, out };
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
