//! `cargo xtask oracles`: the ignored tests, which compare us with other people's tools. A missing
//! tool is a failure, never a test that passes without having looked.

use anyhow::Result;

use crate::context::Context;
use crate::peers::{self, Peers};
use crate::{test, tools};

/// Tests with this in their name mount a file system: they need root, and a kernel that not every
/// machine has, so they run only when they are asked for.
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
    if !args.mounts {
        println!("left out: tests that mount; as root, `cargo xtask oracles --mounts` runs them");
    }
    let peers = Peers::start(context)?;
    let cargo = context
        .cargo()
        .env(peers::VARIABLE, peers.folder())
        .env("PYTHONPATH", tools::python_path(context))
        .env("CAPMEDIA_LINUX", tools::linux_root(context));
    if test::has_nextest(context) {
        let which = ["--workspace", "--profile", "oracles", "--run-ignored", "only"];
        let all_but = format!("not test({MOUNTS})");
        let left_out = if args.mounts { vec![] } else { vec!["-E", &all_but] };
        cargo.args(["nextest", "run"]).args(which).args(left_out).run()
    } else {
        let which = ["--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
        let left_out = if args.mounts { vec![] } else { vec!["--skip", MOUNTS] };
        cargo.arg("test").args(which).args(["--", "--ignored"]).args(left_out).run()
    }
}
