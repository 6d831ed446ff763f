//! `cargo xtask oracles`: the ignored tests, which compare us with other people's tools. A missing
//! tool is a failure, never a test that passes without having looked.

use std::path::Path;

use anyhow::Result;

use crate::context::Context;
use crate::dist::{self, Profile};
use crate::peers::{self, Peers};
use crate::{test, tools};

/// Tests with this in their name, or their module's, take loop devices, which root alone may do.
const LOOPS: &str = "loops";
/// Tests with this in their name mount a file system that not every kernel has, so they run only when
/// they are asked for.
const MOUNTS: &str = "on_a_mounted";

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Run the tests that mount a file system, too; needs root, loop devices, XFS and mkfs.xfs
    #[arg(long)]
    mounts: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    tools::require(context)?;
    run_tests(context, args)
}

/// Runs the tests; the tools are known to be there.
pub(crate) fn run_tests(context: &Context, args: &Args) -> Result<()> {
    let loops = args.mounts || tools::is_root(context) && Path::new("/dev/loop-control").exists();
    let mut left_out = Vec::new();
    if !args.mounts {
        println!("left out: tests that mount; as root, `cargo xtask oracles --mounts` runs them");
        left_out.push(MOUNTS);
    }
    if !loops {
        println!(
            "left out: tests that write loop devices, which only root may, where there are any"
        );
        left_out.push(LOOPS);
    }
    // For the machines that tests start in QEMU, which have none of our libraries, and as what is packed.
    // Built here and once, for a test that takes minutes is ended.
    let program = dist::static_linux(context, Profile::Dev)?;
    let peers = Peers::start(context)?;
    let cargo = context
        .cargo()
        .env(peers::VARIABLE, peers.folder())
        .env("PYTHONPATH", tools::python_path(context))
        .env("CAPMEDIA_LINUX", tools::linux_root(context))
        .env("CAPMEDIA_STATIC", program);
    if test::has_nextest(context) {
        let which = ["--workspace", "--profile", "oracles", "--run-ignored", "only"];
        let all_but: Vec<String> =
            left_out.iter().map(|name| format!("not test({name})")).collect();
        let all_but = all_but.join(" and ");
        let filter = if all_but.is_empty() { vec![] } else { vec!["-E", &all_but] };
        cargo.args(["nextest", "run"]).args(which).args(filter).run()
    } else {
        let which = ["--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
        let skipped = left_out.iter().flat_map(|name| ["--skip", name]);
        cargo.arg("test").args(which).args(["--", "--ignored"]).args(skipped).run()
    }
}
