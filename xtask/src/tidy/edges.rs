//! Which crate may depend on which. The arrows never turn; a new edge needs a reason in DESIGN.md
//! and a word here.

use super::Finding;
use crate::metadata::{Kind, Metadata};

/// A crate and what it may depend on.
struct Edges {
    name: &'static str,
    /// In the library or program itself.
    normal: &'static [&'static str],
    /// In its tests and examples besides.
    tests: &'static [&'static str],
}

const fn edges(name: &'static str, normal: &'static [&'static str]) -> Edges {
    Edges { name, normal, tests: &[] }
}

const ALLOWED: &[Edges] = &[
    edges("extent-image", &[]),
    edges("media-model", &[]),
    edges("bcd-store", &[]),
    // An open drive is a `Storage`.
    edges("media-device", &["extent-image"]),
    edges("fat32-image", &["extent-image"]),
    edges("iso9660-image", &["extent-image"]),
    // Its tests put a real volume into the disk.
    Edges { name: "disk-image", normal: &["extent-image"], tests: &["fat32-image"] },
    edges("wim-image", &["extent-image"]),
    edges("boot-image", &["bcd-store", "extent-image", "wim-image"]),
    edges("dp-content", &["extent-image", "media-model"]),
    edges(
        "capmedia",
        &[
            "bcd-store",
            "boot-image",
            "disk-image",
            "dp-content",
            "extent-image",
            "fat32-image",
            "iso9660-image",
            "media-device",
            "media-model",
            "wim-image",
        ],
    ),
    // Its tests make boot images and look into the media made of them.
    Edges {
        name: "capmedia-cli",
        normal: &["capmedia", "extent-image", "media-model"],
        tests: &["disk-image", "fat32-image", "iso9660-image", "wim-image"],
    },
    // A boot image that is measured starts a computer as the sample does.
    // And writers of drives are measured on drives.
    edges(
        "benches",
        &[
            "capmedia",
            "disk-image",
            "extent-image",
            "fat32-image",
            "iso9660-image",
            "media-device",
            "wim-image",
        ],
    ),
    edges("xtask", &[]),
];

/// Edges that nobody allowed, and crates that nobody placed.
pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let mut found = |text: String| findings.push(Finding::new(&package.name, 0, text));
        let Some(allowed) = ALLOWED.iter().find(|edges| edges.name == package.name) else {
            found("the crate has no place among the crates; see xtask/src/tidy/edges.rs".into());
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let name = dependency.name.as_str();
            let in_tests = dependency.kind == Kind::Dev && allowed.tests.contains(&name);
            if !in_tests && !allowed.normal.contains(&name) {
                let when = match dependency.kind {
                    Kind::Normal => "",
                    Kind::Dev => " in its tests",
                    Kind::Build => " in its build script",
                };
                found(format!("depends on {name}{when}, which is not an allowed edge"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(name: &str, on: &str, kind: &str) -> Vec<String> {
        let json = format!(
            r#"{{ "target_directory": "t", "packages": [{{ "name": "{name}", "version": "1", "rust_version": null,
            "dependencies": [{{ "name": "{on}", "kind": {kind}, "path": "p" }},
            {{ "name": "serde", "kind": null, "path": null }}]}}]}}"#
        );
        let metadata = Metadata::parse(&json).unwrap();
        check(&metadata).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn turned_arrows_and_strangers_are_found() {
        assert!(check_one("capmedia", "fat32-image", "null").is_empty());
        assert_eq!(
            check_one("fat32-image", "capmedia", "null"),
            ["fat32-image: depends on capmedia, which is not an allowed edge"]
        );
        assert!(check_one("disk-image", "fat32-image", "\"dev\"").is_empty());
        assert_eq!(check_one("disk-image", "fat32-image", "null").len(), 1);
        assert_eq!(check_one("fat32-image", "iso9660-image", "\"dev\"").len(), 1);
        assert_eq!(check_one("helpers", "extent-image", "null").len(), 1);
    }

    /// The table is a list without loops: each crate may depend on earlier ones only.
    #[test]
    fn the_table_itself_has_one_direction() {
        for (at, edges) in ALLOWED.iter().enumerate() {
            for name in edges.normal.iter().chain(edges.tests) {
                let place = ALLOWED.iter().position(|other| other.name == *name);
                assert!(place.is_some_and(|place| place < at), "{} on {name}", edges.name);
            }
        }
    }
}
