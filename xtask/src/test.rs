//! `cargo xtask test`: everything a change must pass, on a machine that may have nothing but the
//! Rust toolchain.

use anyhow::Result;

use crate::context::Context;
use crate::{api, bootcode, oracles, tools};

pub(crate) fn run(context: &Context) -> Result<()> {
    tools::install(context)?;
    ordinary(context)?;
    context.cargo().args(["test", "--quiet", "--workspace", "--doc"]).run()?;
    bootcode::run(context.root(), true)?;
    api::check(context)?;
    // Last: what is printed last is a test runner's summary of what ran.
    oracles::run_tests(context, &oracles::Args::default())
}

/// Unit and integration tests.
fn ordinary(context: &Context) -> Result<()> {
    if has_nextest(context) {
        context.cargo().args(["nextest", "run", "--workspace"]).run()
    } else {
        eprintln!("cargo-nextest is not installed; plain cargo test does the same");
        let which = ["--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
        context.cargo().arg("test").args(which).run()
    }
}

/// True when `cargo nextest` can be run.
pub(crate) fn has_nextest(context: &Context) -> bool {
    context.cargo().args(["nextest", "--version"]).succeeds()
}
