//! Wrong usage: what clap says, for people and for programs, without passwords.

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::anyhow;

use crate::exit::{Code, Failure};

/// Says what clap found; to programs, when `--json` is among the arguments, as one JSON object.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help and version, which were asked for.
        let _ = error.print();
        return Code::Done.into();
    }
    let args: Vec<String> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let plain = error.render().to_string();
    let told = without_passwords(&plain, &args);
    if args.iter().any(|arg| arg == "--json") {
        return Failure::new(Code::Request, anyhow!(in_one_line(&told))).report(true);
    }
    if told == plain {
        // With colours, where there is a terminal.
        let _ = error.print();
    } else {
        let _ = io::stderr().lock().write_all(told.as_bytes());
    }
    Code::Request.into()
}

/// The text without what stands at or behind an option for passwords: somebody may have given one,
/// and what is said here ends up in logs.
fn without_passwords(text: &str, args: &[String]) -> String {
    let mut text = text.to_owned();
    let behind = args.iter().skip(1).map(Some).chain([None]);
    for (arg, behind) in args.iter().zip(behind) {
        let (option, value) = match arg.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (arg.as_str(), behind.map(String::as_str).filter(|arg| !arg.starts_with('-'))),
        };
        if !option.starts_with('-') || !option.to_ascii_lowercase().contains("pass") {
            continue;
        }
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text = text.replace(&format!("'{value}'"), "(not shown)");
        }
    }
    text
}

/// What is wrong and what may have been meant, without the usage below.
fn in_one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let of_usage = |part: &&str| !part.starts_with("Usage:") && !part.starts_with("For more");
    let parts: Vec<String> = text
        .split("\n\n")
        .map(str::trim)
        .take_while(of_usage)
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let text = "error: unexpected argument '--pth' found\n\n  tip: a similar argument exists: \
                    '--path'\n\nUsage: capmedia create\n\nFor more information, try '--help'.\n";
        let expected =
            "unexpected argument '--pth' found; tip: a similar argument exists: '--path'";
        assert_eq!(in_one_line(text), expected);
        let text = "error: these are missing:\n  <FILES>...\n\nUsage: x\n";
        assert_eq!(in_one_line(text), "these are missing: <FILES>...");
    }

    #[test]
    fn passwords_are_left_out() {
        for args in [
            &["--store-password", "hunter2"][..],
            &["--capture-password=hunter2"],
            &["-x", "--PASSPHRASE", "hunter2"],
        ] {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            let text = without_passwords("unexpected value 'hunter2' found", &args);
            assert_eq!(text, "unexpected value (not shown) found", "{args:?}");
        }
        let args = ["--store-password", "--path", "x"].map(str::to_owned);
        assert_eq!(without_passwords("'--path' 'x'", &args), "'--path' 'x'");
    }
}
