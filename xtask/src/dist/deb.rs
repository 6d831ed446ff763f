//! The Debian package: the program with its manual, completions, guide and licences. It depends on what
//! the program is linked with, which is nothing or the C library, and runs no script.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::build::{Libc, Linux};
use super::stage::Stage;
use super::{LICENCES, Release, Texts, guide, licences, section};

/// What `apt show` says.
const DESCRIPTION: &str = "\
makes Configuration Manager capture media
 From a boot image (a Windows PE WIM, in a file or on a distribution point)
 capmedia writes a CD/DVD image or a set of them, a USB image or stick, or one
 image that is disc and stick; each boots under BIOS and UEFI. Nothing is
 mounted or staged, the same input gives the same bytes, and everything is
 verified.";

/// Why the check of lintian that it breaks does not hold for it.
const OVERRIDES: &str = "\
# It is a static program at no fixed address, which looks like a library.
capmedia: shared-library-lacks-prerequisites [usr/bin/capmedia]
";

const DOC: &str = "usr/share/doc/capmedia";

/// Builds it in `stage`; its name.
pub(super) fn build(
    release: &Release<'_>,
    stage: &Stage,
    linux: &Linux,
    texts: &Texts,
    licences: &str,
) -> Result<String> {
    stage.copy(&linux.program.path, "usr/bin/capmedia", 0o755)?;
    let mut compressed = Vec::new();
    for (page, text) in &texts.pages {
        let path = format!("usr/share/man/{}/{page}", section(page)?);
        stage.put(&path, text, 0o644)?;
        compressed.push(path);
    }
    for (shell, text) in &texts.completions {
        let path = match shell.as_str() {
            "bash" => "usr/share/bash-completion/completions/capmedia",
            "zsh" => "usr/share/zsh/vendor-completions/_capmedia",
            "fish" => "usr/share/fish/vendor_completions.d/capmedia.fish",
            // PowerShell has no folder for them.
            _ => continue,
        };
        stage.put(path, text, 0o644)?;
    }
    guide::put(stage, DOC, &[], linux.libc.about())?;
    licences::put_rust_notices(release.context, stage, DOC)?;
    stage.put(&format!("{DOC}/copyright"), copyright(release, stage, linux.libc)?, 0o644)?;
    for (file, text) in [(LICENCES, licences), ("changelog", &*changelog(release)?)] {
        let path = format!("{DOC}/{file}");
        stage.put(&path, text, 0o644)?;
        compressed.push(path);
    }
    release.command("gzip").args(["-9n", "--"]).args(&compressed).dir(stage.path()).run()?;
    if linux.libc.is_static() {
        stage.put("usr/share/lintian/overrides/capmedia", OVERRIDES, 0o644)?;
    }

    let files = stage.files()?;
    let sums = release.command("md5sum").arg("--").args(&files).dir(stage.path()).read()?;
    let mut bytes = 0;
    for file in &files {
        bytes += fs::metadata(stage.path().join(file))?.len();
    }
    stage.put("DEBIAN/md5sums", sums, 0o644)?;
    stage.put("DEBIAN/control", control(release, linux, bytes.div_ceil(1024))?, 0o644)?;
    stage.seal(release)?;
    let name = format!("capmedia_{}_amd64.deb", release.version);
    // One thread: how the work is divided shows in what xz writes.
    let level = format!("-z{}", release.level);
    let fixed = ["--root-owner-group", "-Zxz", &level, "--threads-max=1", "--build"];
    release.command("dpkg-deb").args(fixed).arg(stage.path()).arg(release.out.join(&name)).run()?;
    Ok(name)
}

fn control(release: &Release<'_>, linux: &Linux, kib: u64) -> Result<String> {
    let linked = match linux.libc {
        Libc::Musl => String::new(),
        // Parts of the C library are in the program.
        Libc::Glibc => {
            let glibc = release.command("dpkg-query");
            let format = "${source:Package} (= ${source:Version})";
            let glibc = glibc.args(["-W", "-f", format, "libc6-dev"]).read();
            let glibc = glibc.context("the package libc6-dev, whose libc.a is in the program")?;
            format!("Built-Using: {glibc}\n")
        }
        Libc::System => format!("Depends: {}\n", depends(release, &linux.program.path)?),
    };
    Ok(format!(
        "Package: capmedia\nVersion: {}\nArchitecture: amd64\nMaintainer: {}\nInstalled-Size: {kib}\n\
         {linked}Section: admin\nPriority: optional\nDescription: {DESCRIPTION}\n",
        release.version, release.maintainer
    ))
}

/// The packages, and their versions, that the symbols of the program are from.
fn depends(release: &Release<'_>, program: &Path) -> Result<String> {
    let folder = tempfile::tempdir()?;
    // It asks for the source of a package.
    fs::create_dir(folder.path().join("debian"))?;
    fs::write(
        folder.path().join("debian/control"),
        "Source: capmedia\n\nPackage: capmedia\nArchitecture: amd64\n",
    )?;
    let told = release.command("dpkg-shlibdeps").arg("-O").arg(program);
    let told = told.dir(folder.path()).read().context("dpkg-shlibdeps (the package dpkg-dev)")?;
    let depends = told.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    Ok(depends.context("dpkg-shlibdeps names no package")?.to_owned())
}

fn copyright(release: &Release<'_>, stage: &Stage, libc: Libc) -> Result<String> {
    let time = format!("@{}", release.epoch);
    let year = release.command("date").args(["--utc", "+%Y", "--date", &time]).read()?;
    let year = year.trim();
    let mit = fs::read_to_string(stage.root().join("LICENSE-MIT"))?;
    let glibc = match libc {
        Libc::Glibc => {
            "Among them is the GNU C Library (LGPL-2.1-or-later, in\n\
             /usr/share/common-licenses/LGPL-2.1); the source of all of capmedia can be had, so that it\n\
             can be linked with another version of that library.\n"
        }
        Libc::Musl | Libc::System => "",
    };
    Ok(format!(
        "Copyright (c) {year} The capmedia authors\n\n\
         capmedia may be used under the MIT licence or the Apache License, Version 2.0, at your\n\
         choice. On Debian systems the text of the latter is in\n\
         /usr/share/common-licenses/Apache-2.0. The former:\n\n{mit}\n\
         The program holds libraries of others. They, their licences and the texts of these are listed\n\
         in {LICENCES}.gz beside this file.\n{glibc}"
    ))
}

fn changelog(release: &Release<'_>) -> Result<String> {
    let time = format!("@{}", release.epoch);
    let date = release.command("date").args(["--utc", "--rfc-email", "--date", &time]).read()?;
    Ok(format!(
        "capmedia ({}) unstable; urgency=medium\n\n  * Built from the repository, whose history tells \
         what changed.\n\n -- {}  {}\n",
        release.version,
        release.maintainer,
        date.trim()
    ))
}
