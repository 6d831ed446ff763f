//! The programs that are handed out.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::context::{self, Cmd, Context};

pub(super) const MUSL: &str = "x86_64-unknown-linux-musl";
const GLIBC: &str = "x86_64-unknown-linux-gnu";
pub(super) const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// It links, and compiles the C of `ring`.
const MINGW_COMPILER: &str = "x86_64-w64-mingw32-gcc";

pub(super) const PACKAGE: &str = "capmedia-cli";

/// How a program is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For tests.
    Dev,
    /// To be handed out.
    Dist,
}

/// What is known of the C library of a program for Linux.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Libc {
    /// It is in the program.
    Musl,
    /// It is in the program, but for the parts that look up names.
    Glibc,
    /// The system's.
    System,
}

impl Libc {
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Musl => MUSL,
            Self::Glibc | Self::System => GLIBC,
        }
    }

    pub(super) fn is_static(self) -> bool {
        self != Self::System
    }

    /// What its users should know.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Musl => {
                "The program holds its C library (musl) and needs nothing of the system's. Host names are \
                 looked up in\n/etc/hosts and by DNS; what else /etc/nsswitch.conf names (mDNS, LDAP, WINS) \
                 is not asked."
            }
            Self::Glibc => {
                "The program holds glibc, and is for Linux with the glibc that it was built with. To look up \
                 a host name\n(`http://dp`) glibc loads what /etc/nsswitch.conf names from the system, and \
                 with another version there the\nprogram may crash. Give addresses in place of names then, \
                 or take a build with musl."
            }
            Self::System => "The program uses the C library of the system.",
        }
    }
}

/// Names and versions of the crates of others.
pub(super) type Crates = BTreeSet<(String, String)>;

/// A program, and what cargo linked it with.
#[derive(Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// None for one that was built otherwise.
    pub(super) crates: Option<Crates>,
}

/// A program for Linux.
#[derive(Clone)]
pub(super) struct Linux {
    pub(super) program: Program,
    pub(super) libc: Libc,
}

/// The programs for the archive and for the Debian package: one with musl for both, where that can be
/// built. Otherwise glibc is in the former alone: in a program it is no whole, and the package can say
/// which it needs; with `strict` that is an error.
pub(super) fn linux(context: &Context, strict: bool) -> Result<[Linux; 2]> {
    let dist = |libc: Libc, flags: &[&str]| -> Result<Linux> {
        let Program { path, crates } =
            program(context, libc.target(), Profile::Dist, flags, "capmedia")?;
        // Both with glibc have one name.
        let copy = context.target().join(libc.target()).join("dist").join(match libc {
            Libc::Musl => "capmedia-musl",
            Libc::Glibc => "capmedia-static",
            Libc::System => "capmedia-dynamic",
        });
        fs::copy(&path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
        Ok(Linux { program: Program { path: copy, crates }, libc })
    };
    if can_build(context, MUSL) && MUSL_COMPILERS.iter().any(|name| context.has_program(name)) {
        let both = dist(Libc::Musl, &[])?;
        return Ok([both.clone(), both]);
    }
    let way_out = format!("rustup target add {MUSL}, and musl-gcc (Debian's musl-tools)");
    if strict {
        bail!("no musl here: {way_out}");
    }
    println!(
        "no musl here: the package depends on the system's glibc, and the archive holds glibc. {}\n\
         For musl: {way_out}",
        Libc::Glibc.about().replace('\n', " ")
    );
    Ok([dist(Libc::Glibc, &[STATIC])?, dist(Libc::System, &[])?])
}

const STATIC: &str = "-Ctarget-feature=+crt-static";

/// One of them compiles the C of `ring`.
const MUSL_COMPILERS: [&str; 2] = ["musl-gcc", "x86_64-linux-musl-gcc"];

/// `capmedia` for tests in machines that have none of our libraries: with glibc, as the standard library
/// for musl cannot be had everywhere that they must run.
pub(crate) fn static_linux(context: &Context, profile: Profile) -> Result<PathBuf> {
    Ok(program(context, GLIBC, profile, &[STATIC], "capmedia")?.path)
}

/// `capmedia.exe`; the linker leaves the time out.
pub(super) fn windows(context: &Context, profile: Profile) -> Result<Program> {
    let libraries = import_libraries(context)?;
    let flags = ["-Clink-arg=-Wl,--no-insert-timestamp", &format!("-Clink-arg=-L{libraries}")];
    program(context, WINDOWS, profile, &flags, "capmedia.exe")
}

/// Another path to the linker's libraries, below the target folder, to be searched first.
///
/// GNU ld puts import tables in the order of the paths of the archives that they come from. Some come from
/// crates, below the target folder, others from mingw-w64: with its own path they would stand before those
/// of a target folder in `/work`, and behind those of one in `/home`.
fn import_libraries(context: &Context) -> Result<String> {
    let library = context.command(MINGW_COMPILER).arg("-print-file-name=libkernel32.a").read()?;
    let folder = Path::new(library.trim()).parent().filter(|folder| folder.is_absolute());
    let folder = folder.with_context(|| format!("{MINGW_COMPILER} has no libkernel32.a"))?;
    // Behind the folders of both profiles.
    let link = context.target().join(WINDOWS).join("mingw");
    fs::create_dir_all(context.target().join(WINDOWS))?;
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link).with_context(|| format!("cannot replace {}", link.display()))?;
    }
    context::link(folder, &link)?;
    let link = link.into_os_string().into_string();
    link.map_err(|link| anyhow!("{} is not UTF-8", link.display()))
}

/// Whether the standard library, a C compiler and the archiver are there.
pub(super) fn can_build_windows(context: &Context) -> bool {
    can_build(context, WINDOWS)
        && [MINGW_COMPILER, "zip"].iter().all(|name| context.has_program(name))
}

/// Whether the standard library is there.
fn can_build(context: &Context, target: &str) -> bool {
    let library = context.command("rustc").args(["--print", "target-libdir", "--target", target]);
    library.read().is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

fn program(
    context: &Context,
    target: &str,
    profile: Profile,
    flags: &[&str],
    name: &str,
) -> Result<Program> {
    // What is not downloaded yet has no path that could be replaced.
    context.cargo().args(["fetch", "--quiet", "--locked", "--target", target]).run()?;
    let mut all: Vec<OsString> = flags.iter().map(OsString::from).collect();
    for (from, to) in machine_paths(context)? {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        all.push(flag);
    }
    let (named, folder) = match profile {
        Profile::Dev => ("dev", "debug"),
        Profile::Dist => ("dist", "dist"),
    };
    let which = ["--package", PACKAGE, "--bin", "capmedia", "--target", target];
    let build = context.cargo().args(["build", "--locked", "--profile", named]).args(which);
    println!("building {name} for {target}");
    let messages = build
        .arg("--message-format=json-render-diagnostics")
        .env("CARGO_ENCODED_RUSTFLAGS", all.join(std::ffi::OsStr::new("\u{1f}")))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_STRIP", "true")
        // Not so that parts of an earlier build are put together with ours.
        .env("CARGO_INCREMENTAL", "0")
        .read()?;
    let folder = context.target().join(target).join(folder);
    Ok(Program { path: folder.join(name), crates: Some(crates(&messages, &folder)?) })
}

/// The part of what cargo says of a thing that it built.
#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    filenames: Vec<PathBuf>,
}

/// Crates of others among what cargo built into `folder`. What runs in the compiler is built elsewhere.
fn crates(messages: &str, folder: &Path) -> Result<Crates> {
    let mut crates = Crates::new();
    for line in messages.lines().filter(|line| line.contains("\"compiler-artifact\"")) {
        let artifact: Artifact = serde_json::from_str(line).context("a message of cargo")?;
        let ours = artifact.package_id.starts_with("path+");
        if !ours && artifact.filenames.iter().any(|file| file.starts_with(folder)) {
            let id = artifact.package_id.rsplit_once('#').and_then(|(_, id)| id.split_once('@'));
            let (name, version) = id.with_context(|| format!("the id {}", artifact.package_id))?;
            crates.insert((name.to_owned(), version.to_owned()));
        }
    }
    Ok(crates)
}

/// Folders of this machine whose names the compiler would write into the program, and what it writes
/// instead. The last that fits counts.
fn machine_paths(context: &Context) -> Result<Vec<(PathBuf, String)>> {
    let mut paths = vec![
        (context.root().to_path_buf(), "/capmedia".to_owned()),
        (context.target().to_path_buf(), "/target".to_owned()),
    ];
    let cargo = cargo_home()?;
    paths.push((cargo.clone(), "/cargo".to_owned()));
    // One for each registry, named after its host.
    for registry in fs::read_dir(cargo.join("registry/src")).into_iter().flatten() {
        paths.push((registry?.path(), "/crates".to_owned()));
    }
    // Where the sources of the standard library are installed, its own paths are replaced by these.
    let sysroot = context.command("rustc").args(["--print", "sysroot"]).read()?;
    let version = context.command("rustc").arg("-vV").read()?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    paths.push((library, format!("/rustc/{}", commit.unwrap_or("unknown"))));
    Ok(paths)
}

fn cargo_home() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    home.context("neither CARGO_HOME nor a home folder is known")
}

/// Texts that nothing handed out may hold: paths of this machine, and the hosts that crates came from.
pub(super) fn forbidden(context: &Context) -> Result<Vec<String>> {
    let mut texts: Vec<String> = Vec::new();
    for path in [context.root().to_path_buf(), context.target().to_path_buf(), cargo_home()?] {
        texts.push(path.display().to_string());
    }
    for registry in fs::read_dir(cargo_home()?.join("registry/src")).into_iter().flatten() {
        let name = registry?.file_name().to_string_lossy().into_owned();
        // A hash stands behind the host.
        texts.extend(name.rsplit_once('-').map(|(host, _)| host.to_owned()));
    }
    Ok(texts)
}

/// The version of the compiler.
pub(super) fn rustc_version(context: &Context) -> Result<String> {
    let version = Cmd::new("rustc").arg("--version").dir(context.root()).read()?;
    Ok(version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_those_for_the_target() {
        let line = |id: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{id}","target":{{"kind":["lib"]}},"filenames":["{file}"]}}"#
            )
        };
        let messages = [
            line("registry+https://x/index#linked@1.2.3+a", "/t/musl/dist/deps/liblinked.rlib"),
            line("registry+https://x/index#macros@1.0.0", "/t/dist/deps/libmacros.so"),
            line("path+file:///repo/crates/ours#0.1.0", "/t/musl/dist/deps/libours.rlib"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = crates(&messages.join("\n"), Path::new("/t/musl/dist")).unwrap();
        assert_eq!(found, [("linked".to_owned(), "1.2.3+a".to_owned())].into());
        let unknown = line("git+https://x/y#1.0.0", "/t/musl/dist/deps/liby.rlib");
        assert!(crates(&unknown, Path::new("/t/musl/dist")).is_err());
    }
}
