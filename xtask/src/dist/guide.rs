//! The guide as it is packed: beside fewer files than in the repository, so that links to others are
//! text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use anyhow::{Context as _, Result};

use super::stage::Stage;

/// Where files of the repository are packed, for those that lie elsewhere there.
const MOVED: [(&str, &str); 2] = [
    ("crates/media-model/request.schema.json", "docs/request.schema.json"),
    ("crates/capmedia-cli/events.schema.json", "docs/events.schema.json"),
];

/// Puts README.md, with a last section on this build, the guide and the schemas into `folder`, beside
/// `others` of the repository, which the caller puts there.
pub(super) fn put(stage: &Stage, folder: &str, others: &[&str], about: &str) -> Result<()> {
    let mut packed: BTreeMap<String, String> =
        MOVED.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    let docs = stage.docs()?.into_iter().map(|(file, _)| format!("docs/{file}"));
    let same = docs.chain(["README.md".to_owned()]);
    packed.extend(same.map(|path| (path.clone(), path)));
    let files = packed.clone();
    packed.extend(others.iter().map(|path| ((*path).to_owned(), (*path).to_owned())));
    for (from, to) in &files {
        let bytes = fs::read(stage.root().join(from)).with_context(|| format!("no {from}"))?;
        let path = format!("{folder}/{to}");
        if !from.ends_with(".md") {
            stage.put(&path, bytes, 0o644)?;
            continue;
        }
        let text = String::from_utf8(bytes).with_context(|| format!("{from} is no text"))?;
        let mut text = with_links(&text, from, &packed);
        if from == "README.md" {
            text.push_str(&format!("\n## This build\n\n{about}\n"));
        }
        stage.put(&path, text, 0o644)?;
    }
    Ok(())
}

/// The Markdown of `from` with links to where files are packed, and the mere text of links to others.
fn with_links(text: &str, from: &str, packed: &BTreeMap<String, String>) -> String {
    // What stands between fences is no text.
    let parts = text.split("```").enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        0 => in_text(part, from, packed),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("```")
}

fn in_text(text: &str, from: &str, packed: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (target, behind))) =
        rest.split_once("](").and_then(|(before, rest)| Some((before, rest.split_once(')')?)))
    {
        out.push_str(before);
        rest = behind;
        let (file, part) = match target.split_once('#') {
            Some((file, part)) => (file, format!("#{part}")),
            None => (target, String::new()),
        };
        if file.is_empty() || file.contains(':') {
            out.push_str(&format!("]({target})"));
        } else if let Some(to) = resolved(from, file).and_then(|path| packed.get(&path)) {
            out.push_str(&format!("]({}{part})", relative(from, to)));
        } else if let Some(open) = opening(&out) {
            out.remove(open);
        }
    }
    out + rest
}

/// Where the bracket stands that a `]` at the end would close.
fn opening(text: &str) -> Option<usize> {
    let mut open = 1u32;
    let brackets = text.char_indices().rev().filter(|(_, c)| matches!(c, '[' | ']'));
    for (at, bracket) in brackets {
        open = if bracket == ']' { open + 1 } else { open - 1 };
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// The path in the repository that a link in `from` leads to.
fn resolved(from: &str, link: &str) -> Option<String> {
    let folder = Path::new(from).parent()?;
    let mut names = Vec::new();
    for part in folder.join(link).components() {
        match part {
            Component::Normal(name) => names.push(name.to_str()?.to_owned()),
            Component::ParentDir => drop(names.pop()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(names.join("/"))
}

/// A link in `from` to a file, both by their paths in the package.
fn relative(from: &str, to: &str) -> String {
    match from.rsplit_once('/') {
        None => to.to_owned(),
        Some((folder, _)) => match to.strip_prefix(folder).and_then(|to| to.strip_prefix('/')) {
            Some(name) => name.to_owned(),
            None => format!("{}{to}", "../".repeat(folder.split('/').count())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_what_is_packed() {
        let packed = [("README.md", "README.md"), ("docs/a.md", "docs/a.md"), ("x/s", "docs/s")];
        let packed = packed.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        for (from, text, expected) in [
            ("README.md", "[a](docs/a.md#b), [b](#c), [c](https://d)", None),
            ("README.md", "see [D](D.md), [`x`](crates/x)!", Some("see D, `x`!")),
            ("README.md", "[two\nlines [1]](D.md) (e)", Some("two\nlines [1] (e)")),
            ("README.md", "```\na[0](b)\n``` [a](b)", Some("```\na[0](b)\n``` a")),
            (
                "docs/a.md",
                "[a](a.md) [s](../x/s) [r](../README.md) [u](../../u)",
                Some("[a](a.md) [s](s) [r](../README.md) u"),
            ),
        ] {
            assert_eq!(with_links(text, from, &packed), expected.unwrap_or(text));
        }
    }
}
