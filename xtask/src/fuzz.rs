//! `cargo xtask fuzz`: every fuzz target for a while, from seeds made here.

mod content_seeds;
mod seeds;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 30)]
    seconds: u32,
    /// Only this target; all without it
    target: Option<String>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    let all = targets(&context.root().join("fuzz"))?;
    let chosen = match &args.target {
        None => all,
        Some(one) if all.contains(one) => vec![one.clone()],
        Some(one) => bail!("no fuzz target is called {one}; there are {}", all.join(", ")),
    };
    let nightly = || context.command("rustup").args(["run", "nightly", "cargo"]);
    if !nightly().arg("--version").succeeds() {
        bail!("fuzzing needs nightly Rust: rustup toolchain install nightly --profile minimal");
    }
    if !nightly().args(["fuzz", "--version"]).succeeds() {
        bail!("cargo-fuzz is not installed: cargo install cargo-fuzz --locked");
    }
    seeds::make(context)?;
    for target in &chosen {
        let limit = format!("-max_total_time={}", args.seconds);
        // A single input may not take longer than this; a reader that loops is a finding.
        let limits = [limit.as_str(), "-timeout=20", "-rss_limit_mb=2048"];
        nightly().args(["fuzz", "run", target, "--"]).args(limits).run()?;
    }
    Ok(())
}

/// The targets, by their files.
fn targets(fuzz: &Path) -> Result<Vec<String>> {
    let folder = fuzz.join("fuzz_targets");
    let entries = fs::read_dir(&folder);
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_rust_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(targets(folder.path()).is_err());
        let inside = folder.path().join("fuzz_targets");
        fs::create_dir(&inside).unwrap();
        for name in ["b.rs", "a.rs", "note.txt"] {
            fs::write(inside.join(name), "").unwrap();
        }
        assert_eq!(targets(folder.path()).unwrap(), ["a", "b"]);
    }
}
