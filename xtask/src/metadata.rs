//! The parts of `cargo metadata` that tasks use.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The workspace.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// A member of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// `None` when the manifest states none.
    pub(crate) rust_version: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a member depends on.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    /// Set for crates of this repository.
    pub(crate) path: Option<PathBuf>,
}

/// When the dependency is needed.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(from = "Option<NamedKind>")]
pub(crate) enum Kind {
    #[default]
    Normal,
    Dev,
    Build,
}

/// Cargo's form, where the ordinary kind is `null`.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum NamedKind {
    Dev,
    Build,
}

impl From<Option<NamedKind>> for Kind {
    fn from(kind: Option<NamedKind>) -> Self {
        match kind {
            None => Self::Normal,
            Some(NamedKind::Dev) => Self::Dev,
            Some(NamedKind::Build) => Self::Build,
        }
    }
}

impl Metadata {
    /// Reads the output of `cargo metadata --no-deps --format-version 1`.
    pub(crate) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).context("cannot read the output of `cargo metadata`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_paths() {
        let json = r#"{ "target_directory": "t", "packages": [{ "name": "a", "version": "0.1.0",
            "rust_version": "1.88", "dependencies": [
            { "name": "b", "kind": null, "path": "crates/b", "more": 1 },
            { "name": "c", "kind": "dev", "path": null }, { "name": "d", "kind": "build" }]}]}"#;
        let metadata = Metadata::parse(json).unwrap();
        let kinds: Vec<_> = metadata.packages[0].dependencies.iter().map(|d| d.kind).collect();
        assert_eq!(kinds, [Kind::Normal, Kind::Dev, Kind::Build]);
        assert!(metadata.packages[0].dependencies[0].path.is_some());
        assert!(metadata.packages[0].dependencies[1].path.is_none());
        assert!(Metadata::parse("{}").is_err());
    }
}
