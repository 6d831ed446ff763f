//! `cargo xtask dist`: what is handed out. A `.tar.gz` and a `.deb` for Linux, a `.zip` for Windows where
//! that can be built here, and their SHA-256.
//!
//! The same commit gives the same bytes, wherever it and the target folder lie: times are the commit's (or
//! `SOURCE_DATE_EPOCH`), owners and order are fixed, and no path of this machine is in any file, which
//! is looked for in the end.

mod archive;
mod build;
mod deb;
mod guide;
mod licences;
mod stage;
#[cfg(test)]
mod tests;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::context::Context;

use build::{Libc, Linux, Program};
pub(crate) use build::{Profile, static_linux};
use licences::Runtime;
use stage::Stage;

/// Who is written to about the package, unless `--maintainer` names somebody.
const MAINTAINER: &str = "The capmedia authors <capmedia@authors.invalid>";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the files are put [default: dist in the target folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave Windows out
    #[arg(long)]
    no_windows: bool,
    /// Fail where Windows would be left out for a missing tool, or the program for Linux would hold no musl
    #[arg(long)]
    strict: bool,
    /// Whom the Debian package names
    #[arg(long, value_name = "NAME <ADDRESS>", default_value = MAINTAINER)]
    maintainer: String,
}

/// What is known of all packages.
struct Release<'a> {
    context: &'a Context,
    version: String,
    /// Seconds since 1970: the time of every file.
    epoch: u64,
    maintainer: &'a str,
    /// Where they are put.
    out: &'a Path,
    /// How hard the packers try, from 1 to 9.
    level: u8,
}

/// What gzip, xz and zip choose themselves. With more xz takes 700 MB of memory.
const LEVEL: u8 = 6;

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| context.target().join("dist"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    // Tools are started in other folders.
    let out = &fs::canonicalize(out)?;
    let release = Release::new(context, &args.maintainer, out)?;
    let linux = build::linux(context, args.strict)?;
    let mut made = linux_packages(&release, &linux)?;
    if args.no_windows {
        println!("left out: Windows");
    } else if build::can_build_windows(context) {
        let program = build::windows(context, Profile::Dist)?;
        let [linux, _] = &linux;
        made.push(windows_package(&release, &program, &linux.program.path)?);
    } else if args.strict {
        bail!("Windows cannot be built here; `cargo xtask ci windows` says what is missing");
    } else {
        println!("left out: Windows; `cargo xtask ci windows` says what is missing");
    }
    sums(&release, &made)?;
    for name in made {
        println!("{}", out.join(name).display());
    }
    Ok(())
}

impl<'a> Release<'a> {
    fn new(context: &'a Context, maintainer: &'a str, out: &'a Path) -> Result<Self> {
        let program =
            context.metadata().packages.iter().find(|package| package.name == build::PACKAGE);
        let version = program.context("the workspace has no command")?.version.clone();
        let epoch = match env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => context.command("git").args(["log", "-1", "--format=%ct"]).read()?,
        };
        let epoch = epoch.trim().parse().context("SOURCE_DATE_EPOCH is no number of seconds")?;
        Ok(Self { context, version, epoch, maintainer, out, level: LEVEL })
    }

    /// A command that knows the time of the release.
    fn command(&self, program: &str) -> crate::context::Cmd {
        let command = self.context.command(program).env("LC_ALL", "C").env("TZ", "UTC");
        command.env("SOURCE_DATE_EPOCH", self.epoch.to_string())
    }
}

/// The archive and the Debian package for Linux. Their names.
fn linux_packages(
    release: &Release<'_>,
    [for_archive, for_deb]: &[Linux; 2],
) -> Result<Vec<String>> {
    let licences = |linux: &Linux| {
        let library = match linux.libc {
            Libc::Musl => Some(Runtime::Musl),
            Libc::Glibc => Some(Runtime::Glibc),
            Libc::System => None,
        };
        let runtimes: Vec<Runtime> = [Runtime::Rust].into_iter().chain(library).collect();
        let built = linux.program.crates.as_ref();
        licences::collect(release.context, linux.libc.target(), &runtimes, built)
    };
    let texts = Texts::of(release, &for_archive.program.path)?;

    let name = format!("capmedia-{}-x86_64-linux", release.version);
    let stage = Stage::new(release)?;
    stage.copy(&for_archive.program.path, &format!("{name}/capmedia"), 0o755)?;
    common_files(release, &stage, &name, &licences(for_archive)?, for_archive.libc.about())?;
    for (file, text) in &texts.pages {
        stage.put(&format!("{name}/man/{}/{file}", section(file)?), text, 0o644)?;
    }
    for (shell, text) in &texts.completions {
        stage.put(&format!("{name}/completions/{}", file_of(shell)?), text, 0o644)?;
    }
    stage.seal(release)?;
    let archive = archive::tar_gz(release, &stage, &name)?;

    let stage = Stage::new(release)?;
    let deb = deb::build(release, &stage, for_deb, &texts, &licences(for_deb)?)?;
    Ok(vec![archive, deb])
}

/// The archive for Windows. `linux` is the same program for this machine, which can say what it would.
fn windows_package(release: &Release<'_>, program: &Program, linux: &Path) -> Result<String> {
    let runtimes = [Runtime::Rust, Runtime::MinGw];
    let built = program.crates.as_ref();
    let licences = licences::collect(release.context, build::WINDOWS, &runtimes, built)?;
    let texts = Texts::of(release, linux)?;
    let name = format!("capmedia-{}-x86_64-windows", release.version);
    let stage = Stage::new(release)?;
    stage.copy(&program.path, &format!("{name}/capmedia.exe"), 0o755)?;
    let about = "The program is for 64-bit Windows and was tested under Wine alone.";
    common_files(release, &stage, &name, &licences, about)?;
    let shell = texts.completions.iter().find(|(shell, _)| shell == "powershell");
    let (shell, text) = shell.context("there is a script for PowerShell")?;
    stage.put(&format!("{name}/completions/{}", file_of(shell)?), text, 0o644)?;
    stage.seal(release)?;
    archive::zip(release, &stage, &name)
}

/// What stands in every archive; `about` tells of the program.
fn common_files(
    release: &Release<'_>,
    stage: &Stage,
    name: &str,
    licences: &str,
    about: &str,
) -> Result<()> {
    let own = ["LICENSE-APACHE", "LICENSE-MIT"];
    for file in own {
        stage.copy(&stage.root().join(file), &format!("{name}/{file}"), 0o644)?;
    }
    stage.put(&format!("{name}/{LICENCES}"), licences, 0o644)?;
    licences::put_rust_notices(release.context, stage, name)?;
    guide::put(stage, name, &own, about)
}

/// The list of licences.
const LICENCES: &str = "THIRD-PARTY-LICENSES.md";

/// What the program itself writes: manual pages and completions, by their names.
struct Texts {
    pages: Vec<(String, String)>,
    completions: Vec<(String, String)>,
}

impl Texts {
    fn of(release: &Release<'_>, program: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let command = || {
            let epoch = release.epoch.to_string();
            crate::context::Cmd::new(program).env("SOURCE_DATE_EPOCH", epoch)
        };
        command().arg("man").arg(folder.path()).read()?;
        let mut pages = Vec::new();
        for page in fs::read_dir(folder.path())? {
            let path = page?.path();
            pages.push((stage::name_of(&path)?, fs::read_to_string(path)?));
        }
        pages.sort();
        let mut completions = Vec::new();
        for (shell, _) in SHELLS {
            completions.push((shell.to_owned(), command().args(["completions", shell]).read()?));
        }
        Ok(Self { pages, completions })
    }
}

/// Shells, and what the script of each is called in an archive.
const SHELLS: [(&str, &str); 4] = [
    ("bash", "capmedia.bash"),
    ("zsh", "_capmedia"),
    ("fish", "capmedia.fish"),
    ("powershell", "capmedia.ps1"),
];

fn file_of(shell: &str) -> Result<&'static str> {
    let found = SHELLS.iter().find(|(known, _)| *known == shell);
    found.map(|(_, file)| *file).with_context(|| format!("no file is known for {shell}"))
}

/// The folder of a manual page.
fn section(page: &str) -> Result<&'static str> {
    match page.rsplit('.').next() {
        Some("1") => Ok("man1"),
        Some("7") => Ok("man7"),
        _ => bail!("{page} is in no section of the manual"),
    }
}

/// Writes `SHA256SUMS`.
fn sums(release: &Release<'_>, made: &[String]) -> Result<()> {
    let mut made = made.to_vec();
    made.sort();
    let sums = release.command("sha256sum").arg("--").args(&made).dir(release.out).read()?;
    fs::write(release.out.join("SHA256SUMS"), sums)?;
    Ok(())
}
