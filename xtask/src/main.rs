//! The project's own tasks: `cargo xtask --help`.
//!
//! Bare `cargo` and `rustc` are enough to start; a task that needs an outside tool names it, or
//! installs it. Nothing depends on this crate.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a task does")]

mod api;
mod bench;
mod bootcode;
mod ci;
mod context;
mod dist;
mod fixtures;
mod fuzz;
mod metadata;
mod oracles;
mod peers;
mod schema;
mod test;
mod tidy;
mod tools;
mod windows;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::context::Context;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own tasks")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Everything a change must pass: tools, unit, integration and doc tests, boot code, oracles
    Test,
    /// Run the tests that need an outside tool; a missing tool is a failure
    Oracles(oracles::Args),
    /// Run a command while the servers run that oracles read content from
    Peers(peers::Args),
    /// Make the checked-in fixtures anew, by the script beside each INDEX
    Fixtures,
    /// Time our images beside cp, tar and the writers of others
    Bench(bench::Args),
    /// Run a command and print its wall seconds, processor seconds and MiB of memory
    #[command(name = bench::MEASURE, hide = true)]
    Measure {
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// Run the fuzz targets (nightly and cargo-fuzz)
    Fuzz(fuzz::Args),
    /// Assemble the boot code anew
    Bootcode {
        /// Write nothing; fail when the checked-in bytes differ
        #[arg(long)]
        check: bool,
    },
    /// Make what is handed out: archives for Linux and Windows, a Debian package, and their SHA-256
    Dist(dist::Args),
    /// Compare the libraries' public interfaces with the text beside each
    Api(api::Args),
    /// Compare the JSON Schema of request files with the options
    Schema(schema::Args),
    /// Build for Windows and run the tests under Wine; the same requests must give the same bytes
    Windows(windows::Args),
    /// Check the house rules that the compiler does not know
    Tidy,
    /// What continuous integration runs: formatting, lints, docs, MSRV, tidy, licences, test
    Ci(ci::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &Verb) -> anyhow::Result<()> {
    if let Verb::Measure { command } = verb {
        return bench::run_measure(command);
    }
    let context = Context::find()?;
    match verb {
        Verb::Measure { command } => bench::run_measure(command),
        Verb::Test => test::run(&context),
        Verb::Oracles(args) => oracles::run(&context, args),
        Verb::Peers(args) => peers::run(&context, args),
        Verb::Fixtures => fixtures::run(&context),
        Verb::Bench(args) => bench::run(&context, args),
        Verb::Fuzz(args) => fuzz::run(&context, args),
        Verb::Bootcode { check } => bootcode::run(context.root(), *check),
        Verb::Dist(args) => dist::run(&context, args),
        Verb::Api(args) => api::run(&context, args),
        Verb::Schema(args) => schema::run(&context, args),
        Verb::Windows(args) => windows::run(&context, args),
        Verb::Tidy => tidy::run(&context),
        Verb::Ci(args) => ci::run(&context, args),
    }
}
