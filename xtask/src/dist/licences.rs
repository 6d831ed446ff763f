//! What is in the program besides our own code, under which licences, and the texts of these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::build::{self, Crates, PACKAGE};
use super::stage::Stage;
use crate::context::Context;

/// What is linked in that is no crate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    /// The standard library.
    Rust,
    /// The C library of Linux, with what gcc brings.
    Glibc,
    /// Another, which comes with the standard library.
    Musl,
    /// The C library for Windows, with what gcc brings.
    MinGw,
}

/// A crate, or a runtime.
struct Part {
    name: String,
    version: String,
    licence: String,
    texts: Vec<String>,
}

/// The list, in Markdown. `built` is what cargo linked the program with, where that is known.
pub(super) fn collect(
    context: &Context,
    target: &str,
    runtimes: &[Runtime],
    built: Option<&Crates>,
) -> Result<String> {
    let mut parts = crates(context, target)?;
    if let Some(built) = built {
        compare(&parts, built)?;
    }
    for runtime in runtimes {
        parts.push(runtime.part(context)?);
    }
    Ok(markdown(target, &parts))
}

/// Nothing that was linked is missing, and nothing is listed that was not.
fn compare(parts: &[Part], built: &Crates) -> Result<()> {
    let listed: Crates =
        parts.iter().map(|part| (part.name.clone(), part.version.clone())).collect();
    let differing: Vec<_> = listed.symmetric_difference(built).collect();
    if !differing.is_empty() {
        bail!("only listed, or only linked: {differing:?}");
    }
    Ok(())
}

/// The part of `cargo metadata` that says where a crate lies.
#[derive(Deserialize)]
struct Packages {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    license_file: Option<PathBuf>,
    authors: Vec<String>,
    manifest_path: PathBuf,
    /// None for our own.
    source: Option<String>,
}

/// Those that are linked into the program: no macros, and nothing that only builds or tests.
fn crates(context: &Context, target: &str) -> Result<Vec<Part>> {
    let edges = ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
    let tree = context.cargo().args(["tree", "--locked", "--package", PACKAGE, "--target", target]);
    let linked = linked(&tree.args(edges).read()?);
    let metadata = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target];
    let packages: Packages = serde_json::from_str(&context.cargo().args(metadata).read()?)?;
    let own = |name: &str| fs::read_to_string(context.root().join(name));
    let standard = Standard { apache: own("LICENSE-APACHE")?, mit: own("LICENSE-MIT")? };
    let mut parts = Vec::new();
    for package in packages.packages {
        let id = (package.name.clone(), package.version.clone());
        if package.source.is_some() && linked.contains(&id) {
            parts.push(of_crate(package, &standard)?);
        }
    }
    parts.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(parts)
}

/// Names and versions in what `cargo tree` prints: `NAME vVERSION (...)`.
fn linked(tree: &str) -> Crates {
    let words = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    words.collect()
}

/// Texts that stand in for those that a crate says to have, and does not bring.
struct Standard {
    apache: String,
    /// One of its lines names who holds the copyright.
    mit: String,
}

impl Standard {
    /// For one of the licences that are offered as a choice.
    fn of(&self, licence: &str, name: &str, authors: &[String]) -> Option<String> {
        let has = |id: &str| licence.split(['/', ' ']).any(|word| word == id);
        if has("AND") {
            return None;
        }
        if has("Apache-2.0") {
            return Some(self.apache.clone());
        }
        // The crate's manifest says who wrote it.
        let holders = match authors {
            [] => format!("the authors of {name}"),
            authors => authors.join(", "),
        };
        let (before, own) = self.mit.split_once("Copyright (c) ")?;
        let (_, behind) = own.split_once('\n')?;
        has("MIT").then(|| format!("{before}Copyright (c) {holders}\n{behind}"))
    }
}

fn of_crate(package: Package, standard: &Standard) -> Result<Part> {
    let Package { name, version, license, license_file, authors, manifest_path, .. } = package;
    let folder = manifest_path.parent().context("a manifest lies in a folder")?;
    let mut files = BTreeSet::new();
    find_texts(folder, 3, &mut files)?;
    files.extend(license_file.map(|file| folder.join(file)));
    let mut texts = Vec::new();
    for file in &files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        texts.push(tidied(&String::from_utf8_lossy(&bytes)));
    }
    let licence = license.unwrap_or_else(|| "see its text".to_owned());
    if texts.is_empty() {
        let Some(text) = standard.of(&licence, &name, &authors) else {
            bail!(
                "{name} {version} ({licence}) has no text of its licence, and none stands in for it; \
                 ask its authors for one, or do without it"
            );
        };
        texts.push(tidied(&text));
    }
    Ok(Part { name, version, licence, texts })
}

/// Files whose names say that they are a licence's text, down to `depth` folders.
fn find_texts(folder: &Path, depth: u32, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if depth > 0 {
                find_texts(&path, depth - 1, found)?;
            }
        } else if path.file_name().and_then(|name| name.to_str()).is_some_and(is_text) {
            found.insert(path);
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let starts = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
    let is_code = [".RS", ".TOML", ".C", ".H", ".PY", ".SH", ".JSON"];
    starts.iter().any(|start| name.starts_with(start))
        && !is_code.iter().any(|end| name.ends_with(end))
}

/// Lines without spaces at their ends; no empty ones around.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

impl Runtime {
    fn part(self, context: &Context) -> Result<Part> {
        let gcc = "libgcc is in it too (GPL-3.0-or-later WITH GCC-exception-3.1, which lets every \
                   program be linked with it).";
        let (name, version, licence, said, files) = match self {
            Self::Rust => {
                let sysroot = context.command("rustc").args(["--print", "sysroot"]).read()?;
                let texts = Path::new(sysroot.trim()).join("share/doc/rust");
                let version = build::rustc_version(context)?;
                let mut said =
                    "Copyright (c) The Rust Project contributors. Used under the MIT licence or \
                                the Apache License, Version 2.0."
                        .to_owned();
                if rust_notices(context)?.is_some() {
                    said.push_str(&format!(
                        " The notices of all its parts are in {RUST_NOTICES} beside this list."
                    ));
                }
                let names = ["COPYRIGHT", "LICENSE-MIT", "LICENSE-APACHE"];
                let names = names.iter().map(|name| texts.join(name));
                let others = ["MIT.txt", "Apache-2.0.txt", "LLVM-exception.txt"];
                let others = others.iter().map(|name| texts.join("licenses").join(name));
                let files: Vec<PathBuf> =
                    names.chain(others).filter(|file| file.is_file()).collect();
                ("Rust's standard library", version, "MIT OR Apache-2.0", said, files)
            }
            Self::Glibc => {
                let version = debian_version(context, "libc6-dev")?;
                let said = format!(
                    "The GNU C Library is part of this program. The whole source of capmedia can be had \
                     under the licences beside this list, so that anybody can link it with another \
                     version of the library. {gcc}"
                );
                let files =
                    ["/usr/share/doc/libc6/copyright", "/usr/share/common-licenses/LGPL-2.1"];
                let files = files.map(PathBuf::from).to_vec();
                ("GNU C Library", version, "LGPL-2.1-or-later", said, files)
            }
            Self::Musl => {
                let version = format!("of {}", build::rustc_version(context)?);
                let said = "The C library musl, as it comes with Rust's standard library, is part of this \
                            program, and LLVM's libunwind (Apache-2.0 WITH LLVM-exception)."
                    .to_owned();
                let files = vec![PathBuf::from("/usr/share/doc/musl/copyright")];
                ("musl", version, "MIT AND Apache-2.0 WITH LLVM-exception", said, files)
            }
            Self::MinGw => {
                let version = debian_version(context, "mingw-w64-common")?;
                let said = format!("The C library for Windows is part of this program. {gcc}");
                let files = vec![PathBuf::from("/usr/share/doc/mingw-w64-common/copyright")];
                ("mingw-w64", version, "ZPL-2.1 and others", said, files)
            }
        };
        let mut texts = vec![said];
        for file in &files {
            let text = fs::read(file);
            let text =
                text.with_context(|| format!("{name} has its text in {}", file.display()))?;
            texts.push(tidied(&String::from_utf8_lossy(&text)));
        }
        if files.is_empty() {
            bail!("the texts of {name}'s licences are not in this toolchain");
        }
        Ok(Part { name: name.to_owned(), version, licence: licence.to_owned(), texts })
    }
}

/// The notices of the standard library and of what it is made of.
const RUST_NOTICES: &str = "RUST-LIBRARY-COPYRIGHT.html";

/// Where this toolchain has them.
fn rust_notices(context: &Context) -> Result<Option<PathBuf>> {
    let sysroot = context.command("rustc").args(["--print", "sysroot"]).read()?;
    let path = Path::new(sysroot.trim()).join("share/doc/rust/COPYRIGHT-library.html");
    Ok(path.is_file().then_some(path))
}

/// Puts them into a folder, where this toolchain has them.
pub(super) fn put_rust_notices(context: &Context, stage: &Stage, folder: &str) -> Result<()> {
    match rust_notices(context)? {
        Some(path) => stage.copy(&path, &format!("{folder}/{RUST_NOTICES}"), 0o644),
        None => Ok(()),
    }
}

fn debian_version(context: &Context, package: &str) -> Result<String> {
    let query = context.command("dpkg-query").args(["-W", "-f", "${source:Version}", package]);
    query.read().with_context(|| format!("which version of {package} is linked in"))
}

/// A table of the parts, then each text once.
fn markdown(target: &str, parts: &[Part]) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts: Vec<(&str, Vec<String>)> = Vec::new();
    let mut rows = String::new();
    for part in parts {
        let mut links = Vec::new();
        for text in &part.texts {
            let number = *numbers.entry(text).or_insert_with(|| {
                texts.push((text, Vec::new()));
                texts.len()
            });
            if let Some((_, users)) = texts.get_mut(number - 1) {
                users.push(format!("{} {}", part.name, part.version));
            }
            links.push(format!("[{number}](#text-{number})"));
        }
        links.dedup();
        let Part { name, version, licence, .. } = part;
        let _ = writeln!(rows, "| {name} | {version} | {licence} | {} |", links.join(", "));
    }
    let mut out = format!(
        "# Licences of others\n\nWhat is in `capmedia` for {target} besides its own code: {} parts. Where a \
         licence is offered as a choice (OR), all texts that came with the part stand here.\n\n\
         | part | version | licence | texts |\n|---|---|---|---|\n{rows}",
        parts.len()
    );
    for (index, (text, users)) in texts.iter().enumerate() {
        let _ = write!(
            out,
            "\n## Text {}\n\nOf {}.\n\n~~~~text\n{text}\n~~~~\n",
            index + 1,
            users.join(", ")
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_texts() {
        for name in
            ["LICENSE", "license-mit", "LICENSE.Apache-2.0", "COPYING", "UNLICENSE", "NOTICE.md"]
        {
            assert!(is_text(name), "{name}");
        }
        for name in ["license.rs", "README.md", "Cargo.toml", "COPYING.h"] {
            assert!(!is_text(name), "{name}");
        }
    }

    #[test]
    fn trees_are_read() {
        let tree =
            "capmedia-cli v0.1.0 (/somewhere)\nanyhow v1.0.104\ntoml v1.2.1+spec-1.1.0 (*)\n\n";
        let names: Vec<_> =
            linked(tree).into_iter().map(|(name, version)| name + " " + &version).collect();
        assert_eq!(names, ["anyhow 1.0.104", "capmedia-cli 0.1.0", "toml 1.2.1+spec-1.1.0"]);
    }

    fn package(folder: &Path, license: &str) -> Package {
        Package {
            name: "one".to_owned(),
            version: "1.2.3".to_owned(),
            license: Some(license.to_owned()),
            license_file: None,
            authors: vec!["A. Uthor".to_owned()],
            manifest_path: folder.join("Cargo.toml"),
            source: Some("a registry".to_owned()),
        }
    }

    #[test]
    fn a_missing_text_is_an_error_unless_one_stands_in() {
        let folder = tempfile::tempdir().unwrap();
        let standard = Standard {
            apache: "the Apache text\n".to_owned(),
            mit: "MIT\n\nCopyright (c) us\n\nall of it\n".to_owned(),
        };
        let of = |license: &str| of_crate(package(folder.path(), license), &standard);
        assert_eq!(of("MIT OR Apache-2.0").unwrap().texts, ["the Apache text"]);
        assert_eq!(of("MIT/Apache-2.0").unwrap().texts.len(), 1);
        assert_eq!(of("MIT").unwrap().texts, ["MIT\n\nCopyright (c) A. Uthor\n\nall of it"]);
        for license in ["ISC", "Apache-2.0 AND ISC", "Apache-2.0-something"] {
            let error = of(license).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("one 1.2.3") && error.contains(license), "{error}");
        }
        fs::create_dir_all(folder.path().join("third_party/x")).unwrap();
        fs::write(folder.path().join("third_party/x/LICENSE"), "\u{feff}deep \r\n\r\n").unwrap();
        assert_eq!(of("MIT").unwrap().texts, ["deep"]);
    }

    #[test]
    fn each_text_stands_once() {
        let part = |name: &str, texts: &[&str]| Part {
            name: name.to_owned(),
            version: "1".to_owned(),
            licence: "MIT".to_owned(),
            texts: texts.iter().map(ToString::to_string).collect(),
        };
        let text = markdown("x", &[part("a", &["same"]), part("b", &["same", "own"])]);
        assert!(text.contains("| b | 1 | MIT | [1](#text-1), [2](#text-2) |\n"), "{text}");
        assert_eq!(text.matches("\nsame\n").count(), 1);
        assert!(text.contains("## Text 1\n\nOf a 1, b 1.\n"), "{text}");
    }
}
