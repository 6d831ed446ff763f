//! Records with a fixed place for every field: their sizes and offsets are asserted, so that the
//! standard's own numbers can be read beside the struct.

use super::{Finding, SourceFile};

/// Every `#[repr(C)]` struct of a `disk` module has its size asserted, and one with more than one
/// field at least one offset.
pub(super) fn sizes_and_offsets_are_asserted(file: &SourceFile<'_>) -> Vec<Finding> {
    if !(file.path.contains("/disk/") || file.path.ends_with("/disk.rs")) {
        return Vec::new();
    }
    let code: String = file.code.code().split_whitespace().collect();
    let mut findings = Vec::new();
    for (name, fields, at) in records(file) {
        let mut ask = |asserted: bool, what: String| {
            if !asserted {
                let text = format!("no `const _: () = assert!({what} == ..)` for this record");
                findings.push(Finding::new(file.path, file.code.line_of(at), text));
            }
        };
        ask(code.contains(&format!("size_of::<{name}>()==")), format!("size_of::<{name}>()"));
        let asserted = code.contains(&format!("offset_of!({name},"));
        ask(fields < 2 || asserted, format!("offset_of!({name}, ..)"));
    }
    findings
}

/// Name, number of fields and place of each `#[repr(C)]` struct.
fn records<'a>(file: &'a SourceFile<'_>) -> Vec<(&'a str, usize, usize)> {
    let code = file.code.code();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("#[repr(C") {
        let after = code.get(at..).unwrap_or_default();
        // Other attributes and the visibility may come between.
        let Some((_, item)) = after.split_once("struct ") else { continue };
        let end = item.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(item.len());
        let (name, body) = item.split_at(end);
        let body = match (body.find('{'), body.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|at| open < at) => {
                body.get(open..).and_then(|body| body.split_once('}')).map_or("", |(b, _)| b)
            }
            _ => "",
        };
        // One colon for each field, two for each path.
        let fields = body.replace("::", "").matches(':').count();
        found.push((name, fields, at));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let found = sizes_and_offsets_are_asserted(&SourceFile::new(path, text));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn missing_assertions_are_found() {
        let text = "#[derive(Clone)]\n#[repr(C)]\npub(crate) struct A { a: le::U16, b: [u8; 2] }\n";
        assert_eq!(
            findings("crates/x/src/disk/a.rs", text),
            [
                "crates/x/src/disk/a.rs:2: no `const _: () = assert!(size_of::<A>() == ..)` for this record",
                "crates/x/src/disk/a.rs:2: no `const _: () = assert!(offset_of!(A, ..) == ..)` for this record",
            ]
        );
        // In a comment it asserts nothing.
        let commented = format!("{text}// size_of::<A>() == 4 offset_of!(A, b)\n");
        assert_eq!(findings("crates/x/src/disk/a.rs", &commented).len(), 2);
        assert!(findings("crates/x/src/plan.rs", text).is_empty());
        let asserted = format!(
            "{text}const _: () = assert!(size_of::<A>() == 4);\nconst _: () = assert!(offset_of!(A, b) == 2);"
        );
        assert!(findings("crates/x/src/disk/a.rs", &asserted).is_empty());
        assert!(findings("crates/x/src/disk.rs", &asserted).is_empty());
    }

    #[test]
    fn a_single_field_needs_its_size_only() {
        for body in ["struct A([u8; 4]);", "struct A { a: [u8; 4] }"] {
            let text = format!("#[repr(C)]\n{body}\nconst _: () = assert!(size_of::<A>() == 4);");
            assert!(findings("crates/x/src/disk/a.rs", &text).is_empty(), "{body}");
            let other = text.replace("<A>", "<B>");
            assert_eq!(findings("crates/x/src/disk/a.rs", &other).len(), 1, "{body}");
        }
    }
}
