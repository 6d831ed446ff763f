//! Wrong usage: what clap says, for people and for programs, without passwords.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::CommandFactory as _;
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::events;
use crate::exit::{Code, Failure};
use crate::{Cli, meant};

/// Says what clap found, and what may have been meant; to programs, when `--json` is among the
/// arguments, as one JSON object.
pub(crate) fn report(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help and version, which were asked for.
        let _ = error.print();
        return Code::Done.into();
    }
    let args = events::arguments();
    let (error, is_tip_ours) = with_tip(error, &args);
    let plain = error.render().to_string();
    let told = without_passwords(&plain, &args);
    events::begin_anyhow(&args);
    if events::is_on() {
        return Failure::new(Code::Request, anyhow!(in_one_line(&told))).report(true);
    }
    if args.iter().any(|arg| arg == "--json") {
        return Failure::new(Code::Request, anyhow!(in_one_line(&told))).report(true);
    }
    let styled = told == plain && console::colors_enabled_stderr();
    let shown = if styled { error.render().ansi().to_string() } else { told };
    let _ = io::stderr().lock().write_all(tips_last(&shown, &plain, is_tip_ours).as_bytes());
    Code::Request.into()
}

/// The error with a tip of ours, where there is one, and whether there is.
fn with_tip(mut error: clap::Error, args: &[String]) -> (clap::Error, bool) {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return (error, false),
    };
    let Some(ContextValue::String(found)) = error.get(kind) else { return (error, false) };
    let found = found.clone();
    let mut root = Cli::command();
    root.build();
    let given = args.iter().map(String::as_str);
    let verb = given.map_while({
        let mut of = &root;
        move |word| {
            of = of.find_subcommand(word)?;
            Some(of)
        }
    });
    let verb = verb.last();
    // Of -BootImage clap sees -B.
    let word = args.iter().find(|arg| arg.starts_with(&found)).unwrap_or(&found).clone();
    let tips = match verb {
        Some(verb) => tips(&word, args, verb),
        None => {
            let create = root.find_subcommand("create");
            let first = create.filter(|create| meant::is_option(&word, create)).map(|_| {
                let name = meant::name_of(&word);
                format!("a verb comes first, as in: capmedia create {name} ...")
            });
            meant::verb(&word).or(first).into_iter().collect()
        }
    };
    let is_tip_ours = !tips.is_empty();
    if is_tip_ours {
        let name = meant::name_of(&word).to_owned();
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(kind, ContextValue::String(name));
        let tips = tips.into_iter().map(Into::into).collect();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    (error, is_tip_ours)
}

/// A tip about the word that ended the run, and about others that would have.
fn tips(word: &str, args: &[String], verb: &clap::Command) -> Vec<String> {
    let Some(first) = meant::option(word, verb) else { return Vec::new() };
    let mut tips = vec![first];
    let is_known = |name: &str| {
        let long = name.strip_prefix("--");
        let mut longs = verb.get_arguments().filter_map(clap::Arg::get_long_and_visible_aliases);
        long.is_some_and(|long| longs.any(|longs| longs.contains(&long)))
    };
    let others = args.iter().filter(|arg| arg.starts_with('-') && *arg != word);
    for other in others.filter(|other| !is_known(meant::name_of(other))) {
        tips.extend(meant::option(other, verb).filter(|tip| !tips.contains(tip)));
    }
    tips
}

/// The paragraphs of `shown` in another order: the way out is what is read last. `plain` is the same
/// text without colours. A tip of ours stands without usage, which clap put together for the option
/// that it took for the nearest.
fn tips_last(shown: &str, plain: &str, is_tip_ours: bool) -> String {
    let is_tip = |plain: &str| plain.trim_start().starts_with("tip:");
    let is_told = |plain: &str| !is_tip_ours || !is_of_usage(plain);
    let paragraphs = shown.trim_end().split("\n\n").zip(plain.trim_end().split("\n\n"));
    let paragraphs = paragraphs.filter(|(_, plain)| is_told(plain));
    let (tips, others): (Vec<_>, Vec<_>) = paragraphs.partition(|(_, plain)| is_tip(plain));
    let shown: Vec<&str> = others.iter().chain(&tips).map(|(shown, _)| *shown).collect();
    format!("{}\n", shown.join("\n\n"))
}

/// The text without what stands at or behind an option for passwords: somebody may have given one,
/// and what is said here ends up in logs.
fn without_passwords(text: &str, args: &[String]) -> String {
    let mut text = text.to_owned();
    let behind = args.iter().skip(1).map(Some).chain([None]);
    for (arg, behind) in args.iter().zip(behind) {
        let (option, value) = match arg.split_once(['=', ':']) {
            Some((option, value)) => (option, Some(value)),
            None => (arg.as_str(), behind.map(String::as_str).filter(|arg| !arg.starts_with('-'))),
        };
        if !option.starts_with(['-', '/']) || !option.to_ascii_lowercase().contains("pass") {
            continue;
        }
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text = text.replace(&format!("'{value}'"), "(not shown)");
            text = text.replace(&format!("'{arg}'"), &format!("'{option}'"));
        }
    }
    text
}

/// Whether a paragraph tells how the command is used, and not what is wrong.
fn is_of_usage(paragraph: &str) -> bool {
    paragraph.starts_with("Usage:") || paragraph.starts_with("For more")
}

/// What is wrong and what may have been meant, without the usage below.
fn in_one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let parts: Vec<String> = text
        .split("\n\n")
        .map(str::trim)
        .take_while(|part| !is_of_usage(part))
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    parts.join("; ")
}

/// Reads the name of a file to look at. People of Windows ask for help by `/?`, which would be one.
pub(crate) fn file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        if path == Path::new("/?") { Err("for help write --help") } else { Ok(path) }
    })
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
    fn the_way_out_is_last() {
        let plain = "error: a\n\n  tip: b\n\nUsage: c\n\nFor more information, try '--help'.\n";
        let shown = plain.replace("tip:", "\u{1b}[32mtip:\u{1b}[0m");
        let expected = "error: a\n\nUsage: c\n\nFor more information, try '--help'.\n\n  \
                        \u{1b}[32mtip:\u{1b}[0m b\n";
        assert_eq!(tips_last(&shown, plain, false), expected);
        let expected = "error: a\n\n  \u{1b}[32mtip:\u{1b}[0m b\n";
        assert_eq!(tips_last(&shown, plain, true), expected);
        assert_eq!(tips_last("a\n", "a\n", false), "a\n");
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
        let args = ["/Password:hunter2".to_owned()];
        let text = without_passwords("unexpected argument '/Password:hunter2' found", &args);
        assert_eq!(text, "unexpected argument '/Password' found");
        let args = ["--store-password", "--path", "x"].map(str::to_owned);
        assert_eq!(without_passwords("'--path' 'x'", &args), "'--path' 'x'");
    }
}
