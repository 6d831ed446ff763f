//! `cargo xtask tidy`: house rules that the compiler does not know. Each rule is a pure function
//! from text to findings, with tests that show it can fail.

mod edges;
mod records;
mod rules;
mod rust_text;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::tidy::rust_text::RustText;

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// From the repository's root, with `/`.
    path: String,
    /// 1-based; 0 for the whole file.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// A Rust source file as the rules see it.
struct SourceFile<'a> {
    /// From the repository's root, with `/`.
    path: &'a str,
    text: &'a str,
    /// The same text with comments and literals blanked.
    code: RustText,
}

impl<'a> SourceFile<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        Self { path, text, code: RustText::new(text) }
    }
}

type Rule = fn(&SourceFile<'_>) -> Vec<Finding>;

const RULES: &[Rule] = &[
    rules::no_unsafe,
    rules::no_left_overs,
    rules::exceptions_have_reasons,
    rules::crates_have_docs,
    rules::not_too_long,
    records::sizes_and_offsets_are_asserted,
];

pub(crate) fn run(context: &Context) -> Result<()> {
    let mut findings = edges::check(context.metadata());
    let mut count = 0;
    // Tracked files, and new ones that would be.
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let list = context.command("git").args(args).read()?;
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        let Some(text) = read_text(&context.root().join(path))? else { continue };
        count += 1;
        findings.extend(rules::no_machine_paths(path, &text));
        if path.ends_with(".rs") {
            let file = SourceFile::new(path, &text);
            findings.extend(RULES.iter().flat_map(|rule| rule(&file)));
            if let Some(hint) = rules::getting_long(&file) {
                eprintln!("hint: {hint}");
            }
        }
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} house rules are broken", findings.len());
    }
    println!("tidy: {count} files and {} crates in order", context.metadata().packages.len());
    Ok(())
}

/// `None` for what is no text, and for a file that git still lists but that is gone.
fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
