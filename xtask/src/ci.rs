//! `cargo xtask ci`: every check, one after the other, each with its name and the time it took.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::{api, schema, test, tidy};

type Step = (&'static str, fn(&Context) -> Result<()>);

/// Cheap ones first: a slip shows early.
const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("api", api::check),
    ("schema", schema::check),
    ("deny", deny),
    ("clippy", clippy),
    ("doc", doc),
    ("msrv", msrv),
    ("windows", windows),
    ("fuzz-targets", fuzz_targets),
    ("test", test::run),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these steps; all of them when none is named
    #[arg(value_name = "STEP", value_parser = STEPS.iter().map(|(name, _)| *name).collect::<Vec<_>>())]
    steps: Vec<String>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    let wanted = |name: &str| args.steps.is_empty() || args.steps.iter().any(|step| step == name);
    let steps: Vec<&Step> = STEPS.iter().filter(|(name, _)| wanted(name)).collect();
    let mut failed = Vec::new();
    for (name, step) in &steps {
        println!("==> {name}");
        let started = Instant::now();
        let result = step(context);
        let seconds = started.elapsed().as_secs_f64();
        match result {
            Ok(()) => println!("==> {name}: ok, {seconds:.1} s"),
            Err(error) => {
                println!("==> {name}: FAILED, {seconds:.1} s: {error:#}");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} steps failed: {}", failed.len(), steps.len(), failed.join(", "));
    }
    Ok(())
}

fn fmt(context: &Context) -> Result<()> {
    context.cargo().args(["fmt", "--all", "--check"]).run()
}

fn clippy(context: &Context) -> Result<()> {
    let args = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    context.cargo().args(args).run()
}

fn doc(context: &Context) -> Result<()> {
    let args = ["doc", "--quiet", "--workspace", "--no-deps"];
    context.cargo().env("RUSTDOCFLAGS", "-D warnings").args(args).run()
}

/// The version of Rust that the manifests promise, with a target folder of its own so that it does
/// not push out what the other steps have built.
/// Every package compiles with the version that it promises itself.
fn msrv(context: &Context) -> Result<()> {
    let metadata = context.metadata();
    let mut by_version: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &metadata.packages {
        let version = package.rust_version.as_deref();
        let version =
            version.with_context(|| format!("{} states no rust-version", package.name))?;
        by_version.entry(version).or_default().push(&package.name);
    }
    for (version, packages) in by_version {
        let cargo = || context.command("rustup").args(["run", version, "cargo"]);
        if !cargo().arg("--version").succeeds() {
            bail!(
                "Rust {version} is not installed: rustup toolchain install {version} --profile \
                 minimal"
            );
        }
        let packages = packages.iter().flat_map(|name| ["--package", *name]);
        cargo()
            .env("CARGO_TARGET_DIR", context.target().join("msrv"))
            .args(["check", "--quiet"])
            .args(packages)
            .run()?;
    }
    Ok(())
}

/// The crates and their tests compile for Windows, and leave nothing unused there. Checked from here:
/// `std` for that system is enough, and a C compiler for ring.
fn windows(context: &Context) -> Result<()> {
    const TARGET: &str = crate::windows::TARGET;
    if !crate::windows::has_target(context) {
        bail!("Rust for {TARGET} is not installed: rustup target add {TARGET}");
    }
    if !context.has_program("x86_64-w64-mingw32-gcc") {
        bail!("ring needs a C compiler for {TARGET}: Debian package gcc-mingw-w64-x86-64");
    }
    let all = ["clippy", "--quiet", "--target", TARGET, "--lib", "--bins", "--tests"];
    context.cargo().args(all).args(["--", "-D", "warnings"]).run()
}

/// They compile, with any toolchain; `cargo xtask fuzz` runs them.
fn fuzz_targets(context: &Context) -> Result<()> {
    context
        .cargo()
        .env("CARGO_TARGET_DIR", context.target().join("fuzz"))
        .args(["check", "--quiet", "--manifest-path", "fuzz/Cargo.toml"])
        .run()
}

fn deny(context: &Context) -> Result<()> {
    if !context.cargo().args(["deny", "--version"]).succeeds() {
        bail!("cargo-deny is not installed: cargo install cargo-deny --locked");
    }
    context.cargo().args(["deny", "check", "bans", "licenses", "sources"]).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the workflow runs, one command a line.
    const WORKFLOW: &str = include_str!("../../.github/workflows/ci.yml");

    #[test]
    fn the_workflow_runs_every_step() {
        let lines = WORKFLOW.lines().filter_map(|line| line.split_once("cargo xtask ci "));
        let run: Vec<&str> = lines.flat_map(|(_, steps)| steps.split_whitespace()).collect();
        for (step, _) in STEPS {
            assert!(run.contains(step) || *step == "test", "{step}: {run:?}");
        }
        let unknown = |name: &&&str| !STEPS.iter().any(|(step, _)| step == *name);
        assert_eq!(run.iter().find(unknown), None);
        // Which is the step `test`, and what a submission must pass.
        assert!(WORKFLOW.lines().any(|line| line.ends_with(" .ci/run")));
    }
}
