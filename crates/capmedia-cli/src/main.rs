//! `capmedia`: Configuration Manager capture media from a boot image, on any machine.
//!
//! One file per verb, each with its `Args` and `run`. What the library knows is not known again
//! here: this crate reads arguments, shows progress and prints.

#[cfg(test)]
mod command_lines;
mod completions;
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
mod events;
mod examples;
mod exit;
mod help;
mod inspect;
mod inspect_sequence;
mod inspect_wim;
mod join;
mod leftovers;
mod log;
mod log_place;
mod man;
mod meant;
mod meter;
mod offered;
mod page;
mod picture;
mod plan;
mod print;
mod progress;
mod refreshed;
mod request;
mod secret;
mod signals;
mod terminal;
mod told;
mod topics;
mod unicode;
mod usage;
mod verify;
mod wizard;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Makes Configuration Manager capture media: bootable ISO and USB images from a boot image.
#[derive(Parser)]
#[command(name = "capmedia", version, disable_help_subcommand = true, after_help = below_help())]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// What stands below the list of verbs.
fn below_help() -> String {
    let topics = topics::names();
    format!("{}\n\nTopics of capmedia help: {topics}.", exit::in_a_sentence())
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
    /// Make capture media page by page, on a terminal.
    Wizard(wizard::Args),
    /// Make a sample boot image and capture media from it, to see that all works here.
    Demo(demo::Args),
    /// Print a script that lets a shell complete verbs, options and their values.
    #[command(long_about = completions::ABOUT)]
    Completions(completions::Args),
    /// Write manual pages into a folder.
    Man(man::Args),
    /// Tell about a verb, or about a topic such as media-sizes.
    Help(help::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(error),
    };
    #[cfg(target_os = "linux")]
    signals::leave_ignored();
    let (outcome, json) = match cli.verb {
        Verb::Create(args) => (create::run(&args), args.options.json),
        Verb::Plan(args) => (plan::run(&args), args.json),
        Verb::Inspect(args) => (inspect::run(&args), args.json),
        Verb::Verify(args) => (verify::run(&args), args.json),
        Verb::Join(args) => (join::run(&args), args.json),
        Verb::Content(args) => (content::run(&args), args.json()),
        Verb::Drives(args) => (drives::run(&args), args.json),
        Verb::Wizard(args) => (wizard::run(&args), false),
        Verb::Demo(args) => (demo::run(&args), false),
        Verb::Completions(args) => (completions::run(&args), false),
        Verb::Man(args) => (man::run(&args), false),
        Verb::Help(args) => (help::run(&args), false),
    };
    match outcome {
        Ok(code) => events::end(code),
        Err(failure) => failure.report(json),
    }
}
