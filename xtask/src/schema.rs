//! `cargo xtask schema`: the JSON Schema of request files, compared with what the options say.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;

const PATH: &str = "crates/media-model/request.schema.json";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write down what there is now
    #[arg(long)]
    bless: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    if !args.bless {
        return check(context);
    }
    let path = context.root().join(PATH);
    fs::write(&path, made(context)?).with_context(|| format!("cannot write {}", path.display()))
}

/// Fails when the schema is not the one that the options make.
pub(crate) fn check(context: &Context) -> Result<()> {
    let path = context.root().join(PATH);
    let old = fs::read_to_string(&path);
    if old.with_context(|| format!("cannot read {}", path.display()))? != made(context)? {
        bail!("{PATH} is not what the options say; `cargo xtask schema --bless` makes it anew");
    }
    Ok(())
}

fn made(context: &Context) -> Result<String> {
    let example = ["--package", "media-model", "--example", "request_schema"];
    context.cargo().args(["run", "--quiet"]).args(example).read()
}
