//! Paths as they are typed.

use std::fs;
use std::path::{Path, PathBuf};

/// Names in a folder that are looked at; of more, the rest is typed.
const LOOKED_AT: usize = 10_000;

/// A path that was typed; none where nothing was. Quotes around it, which shells and Explorer put
/// there, are no part of it.
pub(super) fn typed(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let quoted = |quote: char| {
        text.strip_prefix(quote)
            .and_then(|text| text.strip_suffix(quote))
            .filter(|text| !text.is_empty())
    };
    let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(text);
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// A path as it can be typed.
pub(super) fn shown(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}

/// The path as far as there is no choice; nothing where there is no more to say.
pub(super) fn completed(input: &str) -> Option<String> {
    let at = input.rfind(std::path::is_separator).map_or(0, |at| at.saturating_add(1));
    let (folder, start) = input.split_at_checked(at)?;
    let looked_at = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let mut same: Option<String> = None;
    let mut found = 0_usize;
    let mut is_folder = false;
    for entry in fs::read_dir(looked_at).ok()?.take(LOOKED_AT).flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A control character is nothing that could be typed.
        if !name.starts_with(start) || name.chars().any(char::is_control) {
            continue;
        }
        found = found.saturating_add(1);
        is_folder = entry.path().is_dir();
        same = Some(match same {
            None => name,
            Some(before) => {
                let both = before.chars().zip(name.chars()).take_while(|(a, b)| a == b);
                both.map(|(c, _)| c).collect()
            }
        });
    }
    let mut text = format!("{folder}{}", same?);
    if found == 1 && is_folder {
        text.push(std::path::MAIN_SEPARATOR);
    }
    (text != input).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        assert_eq!(typed("  "), None);
        assert_eq!(typed(" a b "), Some(PathBuf::from("a b")));
        for text in [r#""C:\a b""#, r"'C:\a b'", r"C:\a b"] {
            assert_eq!(typed(text), Some(PathBuf::from(r"C:\a b")), "{text}");
        }
        assert_eq!(typed("\""), Some(PathBuf::from("\"")));
    }

    #[test]
    fn tab_completes() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["boot-x64.wim", "boot-x86.wim", "other"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("packages")).unwrap();
        let path =
            |name: &str| format!("{}{}{name}", folder.path().display(), std::path::MAIN_SEPARATOR);
        assert_eq!(completed(&path("b")), Some(path("boot-x")));
        assert_eq!(completed(&path("boot-x")), None);
        assert_eq!(completed(&path("boot-x6")), Some(path("boot-x64.wim")));
        let packages = path(&format!("packages{}", std::path::MAIN_SEPARATOR));
        assert_eq!(completed(&path("pa")), Some(packages));
        assert_eq!(completed(&path("nothing")), None);
        assert_eq!(completed(&path(&format!("no{}x", std::path::MAIN_SEPARATOR))), None);
    }
}
