//! `capmedia content`: packages of distribution points, without making media.

use clap::Subcommand;

use crate::exit::{Code, Failure};
use crate::{content_check, content_fetch, content_list};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List packages and versions of each location; of packages that are named, their files too.
    List(content_list::Args),
    /// Fetch packages into folders.
    Fetch(content_fetch::Args),
    /// See whether packages can be had; fetch nothing.
    Check(content_check::Args),
}

impl Args {
    pub(crate) fn json(&self) -> bool {
        match &self.verb {
            Verb::List(args) => args.common.json,
            Verb::Fetch(args) => args.common.json,
            Verb::Check(args) => args.common.json,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    match &args.verb {
        Verb::List(args) => content_list::run(args),
        Verb::Fetch(args) => content_fetch::run(args),
        Verb::Check(args) => content_check::run(args),
    }
}
