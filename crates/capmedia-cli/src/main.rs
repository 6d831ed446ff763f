//! `capmedia`: Configuration Manager capture media from a boot image, on any machine.
//!
//! One file per verb, each with its `Args` and `run`. What the library knows is not known again
//! here: this crate reads arguments, shows progress and prints.

mod consent;
mod content;
mod content_args;
mod content_check;
mod content_fetch;
mod content_list;
mod create;
mod create_drives;
mod demo;
mod drive_progress;
mod drives;
mod exit;
mod inspect;
mod inspect_sequence;
mod inspect_wim;
mod join;
mod log;
mod log_place;
mod plan;
mod print;
mod progress;
mod refreshed;
mod request;
mod secret;
mod signals;
mod told;
mod usage;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Makes Configuration Manager capture media: bootable ISO and USB images from a boot image.
#[derive(Parser)]
#[command(name = "capmedia", version, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make capture media.
    Create(create::Args),
    /// Show what `create` would write; write nothing.
    Plan(plan::Args),
    /// Tell what a boot image, an ISO image, a disk image or a boot configuration holds.
    Inspect(inspect::Args),
    /// Read images back: their structure, and every file against the manifest on them; a set of discs
    /// as a whole too; or a WIM.
    Verify(verify::Args),
    /// Bring the discs of a set back into one folder.
    Join(join::Args),
    /// Packages of distribution points: list, fetch or check them, without making media.
    Content(content::Args),
    /// List the drives that media can be written to.
    Drives(drives::Args),
    /// Make a sample boot image and capture media from it, to see that all works here.
    Demo(demo::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
    };
    let (outcome, json) = match cli.verb {
        Verb::Create(args) => (create::run(&args), args.json),
        Verb::Plan(args) => (plan::run(&args), args.json),
        Verb::Inspect(args) => (inspect::run(&args), args.json),
        Verb::Verify(args) => (verify::run(&args), args.json),
        Verb::Join(args) => (join::run(&args), args.json),
        Verb::Content(args) => (content::run(&args), args.json()),
        Verb::Drives(args) => (drives::run(&args), args.json),
        Verb::Demo(args) => (demo::run(&args), false),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => failure.report(json),
    }
}
