//! Whether more than ASCII can be shown.

#[cfg(any(not(windows), test))]
use std::ffi::OsString;
use std::io::IsTerminal;

/// Whether standard output or standard error, whichever text goes to, shows Unicode, as far as can be
/// told.
pub(crate) fn is_shown(to: &impl IsTerminal) -> bool {
    // A console gets UTF-16 from Rust, whatever its code page is; what reads a pipe goes by the code
    // page.
    #[cfg(windows)]
    return to.is_terminal();
    #[cfg(not(windows))]
    {
        let _ = to;
        is_said_by(|name| std::env::var_os(name))
    }
}

/// By the locale for characters (POSIX, section 8.2: the first of these that is not empty), and not on
/// terminals that have 256 or 512 characters. Windows has no such variables.
#[cfg(any(not(windows), test))]
fn is_said_by(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_poor = variable("TERM").is_some_and(|term| term == "linux" || term == "dumb");
    let mut locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable);
    let locale = locale.find(|locale| !locale.is_empty()).unwrap_or_default();
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    !is_poor && (locale.contains("utf-8") || locale.contains("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        let said = |variables: &[(&str, &str)]| {
            is_said_by(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        assert!(!said(&[]));
        assert!(said(&[("LANG", "de_DE.UTF-8"), ("TERM", "xterm-256color")]));
        assert!(said(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!said(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(!said(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]));
        assert!(!said(&[("LANG", "en_US.ISO-8859-1")]));
    }
}
