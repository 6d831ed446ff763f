//! Rules about one file.

use super::{Finding, SourceFile};

/// A file above this length gets a hint to be divided.
const LONG: usize = 500;
/// A file above this length is an error.
const TOO_LONG: usize = 700;

/// The only folder where `unsafe` may stand: operating-system calls on raw drives.
const UNSAFE_FOLDER: &str = "crates/media-device/src/sys/";

/// `unsafe` only where DESIGN.md allows it.
pub(super) fn no_unsafe(file: &SourceFile<'_>) -> Vec<Finding> {
    if file.path.starts_with(UNSAFE_FOLDER) {
        return Vec::new();
    }
    let text = format!("`unsafe` is allowed in {UNSAFE_FOLDER} only");
    let lines = file.code.words("unsafe").map(|at| file.code.line_of(at));
    lines.map(|line| Finding::new(file.path, line, text.as_str())).collect()
}

/// Macros that say work was left undone.
pub(super) fn no_left_overs(file: &SourceFile<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ["todo", "unimplemented", "dbg"] {
        for at in file.code.words(name) {
            let after = file.code.code().get(at + name.len()..).unwrap_or_default();
            if after.starts_with('!') {
                let line = file.code.line_of(at);
                findings.push(Finding::new(file.path, line, format!("`{name}!` is left over")));
            }
        }
    }
    findings
}

/// An exception to a lint says why.
pub(super) fn exceptions_have_reasons(file: &SourceFile<'_>) -> Vec<Finding> {
    let code = file.code.code();
    let mut findings = Vec::new();
    for opening in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
        for (at, _) in code.match_indices(opening) {
            let attribute = code.get(at..).unwrap_or_default();
            // Lint names hold no bracket, and literals are blanked.
            let attribute = attribute.split_once(']').map_or(attribute, |(inside, _)| inside);
            if !attribute.contains("reason") {
                let line = file.code.line_of(at);
                let text = format!("`{opening}..)]` without `reason = \"..\"`");
                findings.push(Finding::new(file.path, line, text));
            }
        }
    }
    findings
}

/// Every crate begins by saying what it is.
pub(super) fn crates_have_docs(file: &SourceFile<'_>) -> Vec<Finding> {
    let root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
    if !root || file.text.trim_start().starts_with("//!") {
        return Vec::new();
    }
    vec![Finding::new(file.path, 1, "the crate does not begin with its docs, `//!`")]
}

/// Files above the hard limit.
pub(super) fn not_too_long(file: &SourceFile<'_>) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if lines <= TOO_LONG {
        return Vec::new();
    }
    let text = format!("{lines} lines; {TOO_LONG} are the limit, {LONG} the aim: divide it");
    vec![Finding::new(file.path, 0, text)]
}

/// A file between the aim and the limit.
pub(super) fn getting_long(file: &SourceFile<'_>) -> Option<Finding> {
    let lines = file.text.lines().count();
    let text = format!("{lines} lines; the aim is {LONG}");
    (LONG < lines && lines <= TOO_LONG).then(|| Finding::new(file.path, 0, text))
}

/// Folders that name one machine.
const MACHINE_FOLDERS: &[&str] = &["tmp", "home", "root", "work", "Users"];

/// A path into somebody's machine: absolute, into a folder of a user or a temporary one.
pub(super) fn no_machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            let wanted = format!("/{folder}/");
            let hit = line.match_indices(&wanted).any(|(at, _)| {
                let (before, from) = line.split_at(at);
                let after = from.get(wanted.len()..).unwrap_or_default();
                // Not the middle of a longer path, an address or a variable.
                let continues = |c: char| c.is_alphanumeric() || "_.-~}*)/".contains(c);
                let named = |c: char| c.is_alphanumeric() || "_.<{$".contains(c);
                !before.ends_with(continues) && after.starts_with(named)
            });
            if hit {
                let text = format!("an absolute path into {wanted} of some machine");
                findings.push(Finding::new(path, number + 1, text));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn lines(rule: fn(&SourceFile<'_>) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&SourceFile::new(path, text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unsafe_stays_in_its_folder() {
        let text = "// unsafe\nfn f() { unsafe { g() } }\nconst S: &str = \"unsafe\";\n#![deny(unsafe_code)]";
        assert_eq!(lines(no_unsafe, "crates/x/src/lib.rs", text), [2]);
        assert_eq!(lines(no_unsafe, "crates/media-device/src/lib.rs", text), [2]);
        assert_eq!(lines(no_unsafe, "crates/media-device/src/sys/linux.rs", text), [0; 0]);
    }

    #[test]
    fn left_overs_are_found() {
        let text =
            "fn a() { todo!() }\n// todo!()\nfn todo() {}\nfn b() { dbg!(1); unimplemented!() }";
        assert_eq!(lines(no_left_overs, "a.rs", text), [1, 4, 4]);
    }

    #[test]
    fn exceptions_need_reasons() {
        let text = "#[allow(dead_code)]\n#[allow(\n  dead_code,\n  reason = \"r]\"\n)]\n#![expect(x)]\n#[allowed]";
        let mut found = lines(exceptions_have_reasons, "a.rs", text);
        found.sort_unstable();
        assert_eq!(found, [1, 6]);
    }

    #[test]
    fn crate_docs_are_asked_of_crate_roots() {
        assert_eq!(lines(crates_have_docs, "crates/x/src/lib.rs", "mod a;"), [1]);
        assert_eq!(lines(crates_have_docs, "crates/x/src/lib.rs", "//! What."), [0; 0]);
        assert_eq!(lines(crates_have_docs, "crates/x/src/a.rs", "mod a;"), [0; 0]);
    }

    #[test]
    fn long_files_are_hinted_at_then_refused() {
        let text = |lines| "x\n".repeat(lines);
        for (len, hint, refused) in
            [(500, false, 0), (501, true, 0), (700, true, 0), (701, false, 1)]
        {
            let text = text(len);
            let file = SourceFile::new("a.rs", &text);
            assert_eq!(getting_long(&file).is_some(), hint, "{len}");
            assert_eq!(not_too_long(&file).len(), refused, "{len}");
        }
    }

    #[test]
    fn machine_paths_are_told_from_others() {
        let check = |line: &str| no_machine_paths("a", line).len();
        for bad in
            ["x = \"/@tmp/x\"", "cd /@home/me", "`/@root/.cargo`", "/@work/{name}", "/@Users/me"]
        {
            assert_eq!(check(&bad.replace('@', "")), 1, "{bad}");
        }
        for good in [
            "$OUT/@tmp/x",
            "crates/@work/x",
            "example.org/@home/x",
            "${DIR}/@tmp/x",
            "/@tmp",
            "/@tmp/ and more",
            "/usr/share/x",
        ] {
            assert_eq!(check(&good.replace('@', "")), 0, "{good}");
        }
    }
}
