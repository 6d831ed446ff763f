//! `cargo xtask windows`: the program for Windows, built here and run by Wine: its tests, and the
//! same requests as on this system, which must give the same bytes.
//!
//! Wine is no Windows: there are no drives to write in it, and docs/windows.md says what else nobody has
//! seen. Tests that cannot run in it are ignored in the source, with the reason.

mod cancel;
mod same_bytes;
mod wine;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::context::{Cmd, Context};
use crate::tools;

use wine::Wine;

pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

/// The packages whose tests run: all that are part of the program.
const PACKAGES: [&str; 12] = [
    "bcd-store",
    "boot-image",
    "capmedia",
    "capmedia-cli",
    "disk-image",
    "dp-content",
    "extent-image",
    "fat32-image",
    "iso9660-image",
    "media-device",
    "media-model",
    "wim-image",
];

/// The tests that are ignored elsewhere because they need `\\localhost\C$`, which Wine gets here.
const ON_WINDOWS: &str = "on_windows";

/// Seconds that the tests of one program may take.
const PATIENCE: &str = "600";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the tests out; compare images and cancel a run only
    #[arg(long)]
    no_tests: bool,
    /// Run the tests of these packages only, and nothing else
    #[arg(long, short, value_name = "NAME", value_parser = PACKAGES, conflicts_with = "no_tests")]
    package: Vec<String>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    tools::install_for_windows(context)?;
    add_target(context)?;
    let wine = Wine::start(context)?;
    if args.package.is_empty() {
        let program = program(context, Some(TARGET))?;
        same_bytes::run(&wine, &self::program(context, None)?, &program)?;
        cancel::run(&wine, &program)?;
    }
    if args.no_tests {
        return Ok(());
    }
    tests(context, &wine, &args.package)
}

fn tests(context: &Context, wine: &Wine, packages: &[String]) -> Result<()> {
    let packages = match packages {
        [] => PACKAGES.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    let cargo = || {
        // One program after the other, each with all its tests: a process of Wine's takes long to
        // start.
        let runner = format!("timeout --foreground {PATIENCE} {}", wine.program());
        let cargo = wine.environment(build(context)).args(["test", "--target", TARGET]);
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", runner)
    };
    let which = packages.iter().flat_map(|name| ["--package", *name]);
    // Those of libraries and programs are among them.
    let all = ["--tests", "--no-fail-fast"];
    let ordinary = cargo().args(which).args(all).args(["--", "--quiet"]).run();
    let on_windows = if packages.contains(&"capmedia-cli") {
        let which = ["--package", "capmedia-cli", "--tests"];
        cargo().args(which).args(["--", "--quiet", "--ignored", ON_WINDOWS]).run()
    } else {
        Ok(())
    };
    ordinary.and(on_windows)
}

/// `cargo`, without debug information: it doubles what is written.
fn build(context: &Context) -> Cmd {
    context.cargo().env("CARGO_PROFILE_DEV_DEBUG", "0")
}

/// `capmedia`, built for this system or another.
fn program(context: &Context, target: Option<&str>) -> Result<PathBuf> {
    let which = ["--package", "capmedia-cli", "--bin", "capmedia"];
    let target_args = target.iter().flat_map(|target| ["--target", *target]);
    build(context).args(["build", "--quiet"]).args(which).args(target_args).run()?;
    let folder = context.target().join(target.unwrap_or_default()).join("debug");
    Ok(folder.join(if target.is_some() { "capmedia.exe" } else { "capmedia" }))
}

/// The standard library for Windows.
pub(crate) fn add_target(context: &Context) -> Result<()> {
    if has_target(context) {
        return Ok(());
    }
    if !context.has_program("rustup") {
        bail!("Rust for {TARGET} is not installed, and there is no rustup to install it with");
    }
    context.command("rustup").args(["target", "add", TARGET]).run()
}

/// Whether Rust can build for Windows.
pub(crate) fn has_target(context: &Context) -> bool {
    let libraries = context.command("rustc").args(["--print", "target-libdir", "--target", TARGET]);
    libraries.read().is_ok_and(|folder| PathBuf::from(folder.trim()).is_dir())
}
