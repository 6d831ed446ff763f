//! `cargo xtask fixtures`: makes the checked-in fixtures anew.
//!
//! A crate that has fixtures keeps them in `tests/fixtures/`, each described in the file `INDEX`
//! there, beside the script `make.sh` that makes them. The script is started in its own folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::context::Context;

/// What makes a folder of fixtures.
const SCRIPT: &str = "make.sh";

pub(crate) fn run(context: &Context) -> Result<()> {
    let folders = folders(context.root())?;
    for folder in &folders {
        if !folder.join(SCRIPT).is_file() {
            bail!("{} has an INDEX but no {SCRIPT} that makes its files", folder.display());
        }
        context.command("bash").arg(SCRIPT).dir(folder).run()?;
    }
    println!("{} folders of fixtures made; `git diff --stat` tells what changed", folders.len());
    Ok(())
}

/// The folders with an INDEX, in order.
fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let crates = root.join("crates");
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&crates).with_context(|| format!("cannot read {}", crates.display()))?
    {
        let folder = entry?.path().join("tests").join("fixtures");
        if folder.join("INDEX").is_file() {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_with_an_index_count() {
        let root = tempfile::tempdir().unwrap();
        let [a, b] =
            ["a", "b"].map(|name| root.path().join("crates").join(name).join("tests/fixtures"));
        fs::create_dir_all(&a).unwrap();
        fs::create_dir_all(&b).unwrap();
        fs::write(b.join("INDEX"), "").unwrap();
        assert_eq!(folders(root.path()).unwrap(), [b]);
        assert!(folders(&a).is_err());
    }
}
