//! Names that Windows takes for something else than a file.

use std::path::Path;

/// Why an output at `path` would not be the file that it seems to name; `None` where it would.
pub(crate) fn fault(path: &Path) -> Option<&'static str> {
    if !cfg!(windows) {
        let is_of_windows = matches!(
            path.as_os_str().as_encoded_bytes(),
            [b'\\', b'\\', ..] | [b'A'..=b'Z' | b'a'..=b'z', b':', b'\\', ..]
        );
        return is_of_windows.then_some(
            "a path of Windows, and no place on this system; mount the share or drive here",
        );
    }
    if is_nul(path) {
        return None;
    }
    if path.to_str().is_some_and(|path| with_backslashes(path).starts_with(r"\\.\")) {
        return Some(
            "a device; drives are for --media-type usb, by the name `capmedia drives` shows",
        );
    }
    path.file_name().and_then(|name| fault_of(&name.to_string_lossy()))
}

/// Whether it is what swallows everything, as `/dev/null` does.
pub(crate) fn is_nul(path: &Path) -> bool {
    let path = path.to_str().map(with_backslashes).unwrap_or_default();
    cfg!(windows) && ["NUL", r"\\.\NUL"].iter().any(|name| path.eq_ignore_ascii_case(name))
}

/// As Windows reads the path: `//./PhysicalDrive1` is `\\.\PhysicalDrive1`.
fn with_backslashes(path: &str) -> String {
    path.replace('/', r"\")
}

/// The same for a bare name. "Naming Files, Paths, and Namespaces" of Microsoft's documentation.
fn fault_of(name: &str) -> Option<&'static str> {
    if name.ends_with(['.', ' ']) {
        return Some("a name with a dot or space at its end, which Windows drops; take it off");
    }
    if name.contains(':') {
        return Some("a stream inside another file; take the : out of the name");
    }
    if name.contains(['<', '>', '"', '|', '?', '*', '/', '\\']) {
        return Some("no name on Windows: it has one of < > \" | ? * in it");
    }
    // Whatever extension they have, in Windows before 11.
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    is_device(stem).then_some("the name of a device of Windows, whatever is behind it")
}

fn is_device(stem: &str) -> bool {
    const WHOLE: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let is_port = || {
        let (kind, number) = stem.split_at_checked(3)?;
        let is_kind = ["COM", "LPT"].iter().any(|known| kind.eq_ignore_ascii_case(known));
        let mut number = number.chars();
        let digit = number.next().filter(|_| number.next().is_none())?;
        Some(is_kind && matches!(digit, '1'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
    };
    WHOLE.iter().any(|known| stem.eq_ignore_ascii_case(known)) || is_port().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_files_are_known() {
        for name in
            ["CON", "nul", "Nul.iso", "aux.tar.gz", "com1", "LPT9.iso", "COM\u{b9}", "con .x"]
        {
            assert!(fault_of(name).unwrap().contains("device"), "{name}");
        }
        for (name, says) in [("a.iso.", "dot or space"), ("a ", "dot or space"), ("ab:c", "stream")]
        {
            assert!(fault_of(name).unwrap().contains(says), "{name}");
        }
        assert!(fault_of("a?.iso").unwrap().contains("no name"));
        for name in ["a.iso", "console.iso", "com0", "com10", "lpt", "COMé", "my.con", "nul-1.iso"]
        {
            assert_eq!(fault_of(name), None, "{name}");
        }
    }

    #[test]
    fn other_systems_have_no_such_names() {
        assert!(fault(Path::new(r"\\.\PhysicalDrive1")).is_some());
        for device in ["//./PhysicalDrive1", r"/\.\E:"] {
            assert_eq!(fault(Path::new(device)).is_some(), cfg!(windows), "{device}");
            assert!(with_backslashes(device).starts_with(r"\\.\"));
        }
        for share in [r"\\server\share\a.iso", r"C:\a.iso"] {
            assert_eq!(fault(Path::new(share)).is_some(), !cfg!(windows), "{share}");
        }
        for name in [r"a\b.iso", "C:a.iso", r"\a.iso"] {
            assert!(cfg!(windows) || fault(Path::new(name)).is_none(), "{name}");
        }
        for null in ["NUL", "nul", "//./NUL"].map(Path::new) {
            assert_eq!((fault(null), is_nul(null)), (None, cfg!(windows)));
        }
        assert_eq!(fault(Path::new("out/con.iso")).is_some(), cfg!(windows));
        assert!(!is_nul(Path::new("NUL.iso")));
    }
}
