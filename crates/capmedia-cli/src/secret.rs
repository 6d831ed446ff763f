//! The password of `--user`: from a file, the environment or the terminal, never from an argument,
//! which everybody on the machine could read.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use capmedia::dp_content::{Credentials, Password};
use console::Term;

use crate::exit::{Code, Failure};
use crate::signals;

/// The environment variable that holds it.
pub(crate) const VARIABLE: &str = "CAPMEDIA_PASSWORD";

/// Longest password file that is read, in bytes.
const LONGEST: usize = 1024;

/// The file that is standard input.
const STDIN: &str = "-";

/// The account and its password, where that is in `file` or in the environment.
pub(crate) fn not_asked_for(
    user: &str,
    file: Option<&Path>,
) -> Result<Option<Credentials>, Failure> {
    let is_given = file.is_some() || env::var_os(VARIABLE).is_some_and(|value| !value.is_empty());
    if is_given { credentials(Some(user), file) } else { Ok(None) }
}

/// The account and its password, where one was given: from `file` (`-` is standard input, and
/// `/dev/fd/N` what the caller has opened), else from the environment, else asked for.
pub(crate) fn credentials(
    user: Option<&str>,
    file: Option<&Path>,
) -> Result<Option<Credentials>, Failure> {
    let Some(user) = user else { return Ok(None) };
    let found = match file {
        Some(file) => {
            return match from_file(file) {
                Ok(password) => Ok(Some(Credentials::new(user, Password::new(password)))),
                // As with --capture-password-file.
                Err(error) => Err(Failure::new(Code::Input, error)),
            };
        }
        None => match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            // What is no text is not repeated.
            Some(value) => {
                value.into_string().map_err(|_| anyhow!("{VARIABLE} is no text; set it right"))
            }
            None => ask(user, &Term::stderr()),
        },
    };
    let password = found.map_err(|error| Failure::new(Code::Request, error))?;
    Ok(Some(Credentials::new(user, Password::new(password))))
}

fn from_file(path: &Path) -> anyhow::Result<String> {
    let bytes = if path.as_os_str() == STDIN {
        read_some(io::stdin().lock()).context("cannot read the password from standard input")?
    } else {
        // A pipe is welcome here: it leaves no password on a disk.
        let read = File::open(path).and_then(read_some);
        read.with_context(|| format!("cannot read the password file {}", path.display()))?
    };
    only_line(&bytes).map_err(|fault| {
        anyhow!(
            "the password file {} {fault}; give one whose only line is the password, saved as UTF-8",
            path.display()
        )
    })
}

/// No more than is needed to see that it is too long.
fn read_some(from: impl Read) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    from.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The only line, with or without an end; or what is wrong with it.
fn only_line(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.len() > LONGEST {
        return Err("has more than 1024 bytes");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "has bytes that are no UTF-8")?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err("is empty"),
        line if line.contains(['\n', '\r']) => Err("has more than one line"),
        line if line.contains('\0') => Err("has a NUL character"),
        line => Ok(line.to_owned()),
    }
}

/// Asks on the terminal, which shows nothing of what is typed.
fn ask(user: &str, terminal: &Term) -> anyhow::Result<String> {
    if !terminal.is_term() {
        let open = if cfg!(unix) { ", /dev/fd/N for what is open there" } else { "" };
        return Err(anyhow!(
            "no password was given for --user, and there is no terminal to ask on; give it with \
             --password-file FILE (- for standard input{open}) or in the environment variable \
             {VARIABLE}"
        ));
    }
    // It may hold anything, and goes to the terminal.
    let shown: String = user.chars().filter(|c| !c.is_control()).collect();
    let asked = terminal
        .write_str(&format!("Password of {shown}: "))
        .and_then(|()| signals::ask(|| terminal.read_secure_line()))
        .context("cannot ask for the password; give it with --password-file")?;
    if asked.is_empty() {
        return Err(anyhow!("no password was given for --user"));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_a_password() {
        for bytes in ["p ä\u{20ac} ", "p ä\u{20ac} \n", "\u{FEFF}p ä\u{20ac} \r\n"] {
            assert_eq!(only_line(bytes.as_bytes()).as_deref(), Ok("p ä\u{20ac} "));
        }
        for (bytes, fault) in [
            (&b""[..], "is empty"),
            (b"\r\n", "is empty"),
            (b"hunter2\n\n", "has more than one line"),
            (b"hunter2\nhunter2", "has more than one line"),
            (b"hunter2\0", "has a NUL character"),
            (b"\xFF\xFEh\0", "has bytes that are no UTF-8"),
            (&[b'x'; 1025], "has more than 1024 bytes"),
        ] {
            assert_eq!(only_line(bytes), Err(fault));
        }
    }

    #[test]
    fn a_password_is_found_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let found = credentials(Some(r"LAB\reader"), Some(&file)).unwrap().unwrap();
        assert_eq!((found.domain(), found.user()), ("LAB", "reader"));
        assert!(!format!("{found:?}").contains("hunter2"));
        assert!(credentials(None, Some(&file)).unwrap().is_none(), "nobody is to log in");
        let missing = folder.path().join("missing");
        assert!(credentials(Some("reader"), Some(&missing)).is_err());
    }
}
