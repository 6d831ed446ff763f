//! `cargo xtask api`: the public interface of the libraries that are crates of their own, compared
//! with the text beside each, so that no change of it goes unnoticed.
//!
//! The text is read off the source, not off rustdoc's JSON, which needs an unstable flag and another
//! reader with every version of Rust. So it shows what is written: items with their types, derives
//! and traits, but neither traits a type has by itself (`Send`) nor what a macro makes. Glob
//! re-exports are refused.

mod items;
mod source;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::api::source::Crate;
use crate::context::Context;

/// The libraries that other people may build on.
const LIBRARIES: [&str; 5] =
    ["disk-image", "extent-image", "fat32-image", "iso9660-image", "wim-image"];
/// Its name in the crate's folder.
const SNAPSHOT: &str = "api.txt";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write down what there is now
    #[arg(long)]
    bless: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    if !args.bless {
        return check(context);
    }
    for library in LIBRARIES {
        let folder = context.root().join("crates").join(library);
        let path = folder.join(SNAPSHOT);
        fs::write(&path, interface(&folder)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Fails, with the lines that differ, when an interface is not what its text says.
pub(crate) fn check(context: &Context) -> Result<()> {
    let mut changed = Vec::new();
    for library in LIBRARIES {
        let folder = context.root().join("crates").join(library);
        let path = folder.join(SNAPSHOT);
        let old = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            old => old.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let lines = differences(&old, &interface(&folder)?);
        if !lines.is_empty() {
            eprintln!("{library}:\n{}", lines.join("\n"));
            changed.push(library);
        }
    }
    if !changed.is_empty() {
        bail!(
            "the public interface of {} is not what {SNAPSHOT} says; when that is meant, `cargo \
             xtask api --bless` writes it down",
            changed.join(", ")
        );
    }
    Ok(())
}

fn interface(folder: &Path) -> Result<String> {
    let library = Crate::load(&folder.join("src").join("lib.rs"))?;
    items::print(&library).with_context(|| format!("the interface of {}", folder.display()))
}

/// Lines of one text alone with `-` or `+` in front: what is left when equal lines at both ends, and
/// then those that come in the same order, are taken away.
fn differences(old: &str, new: &str) -> Vec<String> {
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    (old, new) = (old.split_off(same), new.split_off(same));
    let mut out = Vec::new();
    let mut rest = new.as_slice();
    for line in old {
        match rest.iter().position(|other| *other == line) {
            // A line such as `}` must not be taken for one far below.
            Some(at) if at == 0 || line.len() > 8 => {
                let (added, after) = rest.split_at(at);
                out.extend(added.iter().map(|line| format!("+ {line}")));
                rest = after.get(1..).unwrap_or_default();
            }
            _ => out.push(format!("- {line}")),
        }
    }
    out.extend(rest.iter().map(|line| format!("+ {line}")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_lines_that_only_one_has() {
        assert_eq!(differences("a\nb\nc\n", "a\nb\nc\n"), [""; 0]);
        let old = "fn one();\nfn number_two();\nfn three();\n";
        let new = "fn one();\nfn number_four();\nfn three();\nfn five();\n";
        let found = differences(old, new);
        assert_eq!(
            found,
            ["- fn number_two();", "+ fn number_four();", "+ fn five();"],
            "{found:?}"
        );
        assert_eq!(differences("", "x\n"), ["+ x"]);
        assert_eq!(differences("x\n", ""), ["- x"]);
    }

    #[test]
    fn the_interface_is_what_others_can_name() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("src");
        fs::create_dir(&source).unwrap();
        let write = |name: &str, text: &str| fs::write(source.join(name), text).unwrap();
        write(
            "lib.rs",
            "//! Docs.\nmod inside;\npub mod open;\npub use inside::{Shown, Same as Other, make};\n",
        );
        write(
            "inside.rs",
            "use std::fmt;\nuse crate::open::Way;\n\
             /// Shown.\n#[derive(Debug)]\npub struct Shown { pub a: u8, b: u8, c: u8 }\n\
             pub struct Same(u8);\nstruct Hidden;\ntrait Inner {}\n\
             impl Inner for Shown {}\nimpl Way for Shown { fn go(&self) {} }\n\
             impl Shown { pub fn new() -> Self { todo!() } fn own(&self) {} \
             pub(crate) fn ours(&self) {} }\n\
             impl Hidden { pub fn never(&self) {} }\n\
             impl fmt::Display for Same { fn fmt(&self) {} }\n\
             pub fn make<'a>(x: &'a [u8]) -> Option<&'a Shown> { None }\n\
             #[cfg(test)] mod tests { pub fn no() {} }\n",
        );
        write(
            "open.rs",
            "pub trait Way { fn go(&self); fn back(&self) { self.go() } }\n\
             impl<T: Clone> Way for Vec<T> { fn go(&self) {} }\n\
             #[non_exhaustive] pub enum Kind { A, B { x: u8 } }\nfn private() {}\n",
        );
        let text = interface(folder.path()).unwrap();
        let expected = "\
pub struct Other(_);
impl fmt::Display for Other {}
#[derive(Debug)]
pub struct Shown {
    pub a: u8,
    private: _,
}
impl Shown {
    pub fn new() -> Self {}
}
impl Way for Shown {}
pub fn make<'a>(x: &'a [u8]) -> Option<&'a Shown> {}
pub mod open {
    #[non_exhaustive]
    pub enum Kind {
        A,
        B { x: u8 },
    }
    pub trait Way {
        fn go(&self);
        fn back(&self) {}
    }
    impl<T: Clone> Way for Vec<T> {}
}
";
        assert_eq!(text, expected, "{text}");
    }
}
