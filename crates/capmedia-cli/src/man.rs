//! `capmedia man`: manual pages, made from the same texts as the help.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use extent_image::Timestamp;

use crate::Cli;
use crate::examples;
use crate::exit::{Code, Failure};
use crate::offered::hint;
use crate::page::{self, Block};
use crate::request::{SOURCE_DATE_EPOCH, source_date_epoch};
use crate::secret;
use crate::topics::{self, Topic, capital};

/// What the pages are part of.
const MANUAL: &str = "capmedia manual";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder that gets the pages, such as /usr/local/share/man/man1; made if it is not there.
    /// Pages of an earlier run are replaced.
    #[arg(value_hint = hint("DIR"))]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let date = date(source_date_epoch()?);
    let pages = pages(&date);
    write(&args.dir, &pages).map_err(|error| Failure::new(Code::Output, error))?;
    let mut to = io::stdout().lock();
    writeln!(to, "{}: {} manual pages", args.dir.display(), pages.len())?;
    Ok(Code::Done)
}

fn write(dir: &Path, pages: &[Page]) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    for page in pages {
        let path = dir.join(&page.file);
        fs::write(&path, &page.text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The date of the pages: no clock is asked, so there is none unless one is given.
fn date(source_date_epoch: Option<i64>) -> String {
    let day = |seconds| Timestamp::from_unix_seconds(seconds).to_string();
    source_date_epoch
        .map(day)
        .and_then(|day| Some(day.split_once('T')?.0.to_owned()))
        .unwrap_or_default()
}

/// A manual page.
struct Page {
    file: String,
    text: String,
}

fn pages(date: &str) -> Vec<Page> {
    let mut root = Cli::command();
    root.build();
    let mut pages = vec![of_verb(&root, &[], date)];
    let mut left: Vec<(&Command, Vec<&str>)> = vec![(&root, Vec::new())];
    while let Some((command, path)) = left.pop() {
        // clap's own "content help" has no page.
        let verbs =
            command.get_subcommands().filter(|verb| path.is_empty() || verb.get_name() != "help");
        for verb in verbs {
            let mut path = path.clone();
            path.push(verb.get_name());
            pages.push(of_verb(verb, &path, date));
            left.push((verb, path));
        }
    }
    pages.extend(topics::ALL.iter().map(|topic| of_topic(topic, date)));
    pages.sort_by(|a, b| a.file.cmp(&b.file));
    pages
}

/// The page of a verb, or of all where the path is empty.
fn of_verb(command: &Command, path: &[&str], date: &str) -> Page {
    let words: Vec<&str> = ["capmedia"].iter().chain(path).copied().collect();
    let name = words.join("-");
    let man = Man::new(command.clone());
    let mut roff = heading(&name, 1, date);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let about = about.trim_end_matches('.');
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", small(about)))]);
    roff.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let words = words.join(" ");
    roff.text([bold(&words), roman(usage.strip_prefix(&words).unwrap_or(usage))]);
    roff.control("SH", ["DESCRIPTION"]);
    let long = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    for (index, line) in
        long.unwrap_or_default().lines().filter(|line| !line.is_empty()).enumerate()
    {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(line)]);
    }
    let mut text = roff.render();
    // In our order, with headings.
    let mut options = Vec::new();
    // Writing to a Vec always works.
    let _ = man.render_options_section(&mut options);
    // An empty line between two breaks, before the words that an option takes, is said more plainly.
    let options = String::from_utf8_lossy(&options).replace("\n.br\n\n.br\n", "\n.sp\n");
    text.push_str(&without_preamble(&options));
    let mut roff = Roff::new();
    let verbs =
        command.get_subcommands().filter(|verb| path.is_empty() || verb.get_name() != "help");
    let mut verbs = verbs.peekable();
    if verbs.peek().is_some() {
        roff.control("SH", ["VERBS"]);
    }
    for verb in verbs {
        roff.control("TP", []);
        roff.text([bold(format!("{name}-{}", verb.get_name())), roman("(1)")]);
        roff.text([roman(verb.get_about().map(ToString::to_string).unwrap_or_default())]);
    }
    section(&mut roff, "EXAMPLES", &[Block::Commands(examples::of(&words))]);
    section(&mut roff, "EXIT STATUS", &topics::exit_codes());
    if path.is_empty() {
        section(&mut roff, "ENVIRONMENT", &environment());
        section(&mut roff, "FILES", &files());
    }
    let mut see: Vec<(String, u8)> = topics::ALL.iter().map(|topic| (page_of(topic), 7)).collect();
    if !path.is_empty() {
        see.insert(0, ("capmedia".to_owned(), 1));
    }
    see_also(&mut roff, &see);
    text.push_str(&without_preamble(&roff.render()));
    Page { file: format!("{name}.1"), text: with_named_backslashes(&text) }
}

fn of_topic(topic: &Topic, date: &str) -> Page {
    let name = page_of(topic);
    let mut roff = heading(&name, 7, date);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", topic.about))]);
    section(&mut roff, "DESCRIPTION", &(topic.text)());
    see_also(&mut roff, &[("capmedia".to_owned(), 1), ("capmedia-create".to_owned(), 1)]);
    Page { file: format!("{name}.7"), text: with_named_backslashes(&roff.render()) }
}

fn page_of(topic: &Topic) -> String {
    format!("capmedia-{}", topic.name)
}

fn heading(name: &str, section: u8, date: &str) -> Roff {
    let mut roff = Roff::new();
    let version = concat!("capmedia ", env!("CARGO_PKG_VERSION"));
    // An empty word would not be written.
    let date = if date.is_empty() { " " } else { date };
    roff.control("TH", [name, &section.to_string(), date, version, MANUAL]);
    roff
}

fn section(roff: &mut Roff, title: &str, blocks: &[Block]) {
    roff.control("SH", [title]);
    page::render(roff, blocks);
}

fn see_also(roff: &mut Roff, pages: &[(String, u8)]) {
    roff.control("SH", ["SEE ALSO"]);
    let last = pages.len().saturating_sub(1);
    for (index, (page, section)) in pages.iter().enumerate() {
        let comma = if index < last { "," } else { "" };
        roff.text([bold(page), roman(format!("({section}){comma}"))]);
    }
}

/// Each piece that is rendered begins with the same definitions; a page needs them once.
fn without_preamble(text: &str) -> String {
    let preamble = Roff::new().render();
    text.strip_prefix(&preamble).unwrap_or(text).to_owned()
}

/// A backslash that is text as `\(rs`: `\\`, as it was written, is the escape character of the moment,
/// and some programs take it for an escape that they do not know.
fn with_named_backslashes(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, characters.clone().next()) {
            ('\\', Some('\\')) => {
                characters.next();
                out.push_str("\\(rs");
            }
            // Any other escape has a letter of its own behind it.
            ('\\', Some(letter)) => {
                characters.next();
                out.extend([c, letter]);
            }
            (c, _) => out.push(c),
        }
    }
    out
}

/// With a small first letter, as in the line that `apropos` shows.
fn small(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_lowercase).into_iter().flatten();
    first.chain(characters).collect()
}

fn terms(terms: &[(&str, &str)]) -> Vec<Block> {
    let owned = terms.iter().map(|(term, meaning)| ((*term).to_owned(), capital(meaning)));
    vec![Block::Terms(owned.collect())]
}

fn environment() -> Vec<Block> {
    terms(&[
        (
            secret::VARIABLE,
            "the password of --user, unless --password-file gives it. See capmedia-passwords(7).",
        ),
        (
            SOURCE_DATE_EPOCH,
            "seconds since 1970-01-01 UTC: no time on the media is later. Without it times are those \
             of what the media is made of, never the clock's.",
        ),
        (
            "http_proxy, https_proxy, all_proxy, no_proxy",
            "the proxy that a distribution point's web server is asked through; in capital letters too.",
        ),
        (
            "SSL_CERT_FILE, SSL_CERT_DIR",
            "certificate authorities that https trusts in place of this machine's.",
        ),
        ("NO_COLOR", "if it is set, no colours are shown."),
    ])
}

fn files() -> Vec<Block> {
    terms(&[
        (
            ".NAME.capmedia-part",
            "beside an image that is being made; it becomes the image when it is whole. One that a \
             killed run left is removed by the next run for the same image.",
        ),
        ("OUT.sha256", "with --checksum, the digest of the image, for sha256sum -c."),
        (
            r"\SHA256SUMS",
            "on the media: every file with its SHA-256. capmedia verify reads it, and sha256sum -c \
             does.",
        ),
        (r"\media.json", "on the media: its label, its set and its place in the set."),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_all_there_is() {
        let pages = pages("");
        let names: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
        for name in [
            "capmedia.1",
            "capmedia-create.1",
            "capmedia-content.1",
            "capmedia-content-fetch.1",
            "capmedia-help.1",
            "capmedia-media-sizes.7",
        ] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(!names.contains(&"capmedia-content-help.1"));
        let create = pages.iter().find(|page| page.file == "capmedia-create.1").unwrap();
        for part in
            [".SH OPTIONS", r"\-\-media\-size", ".SH EXAMPLES", "\"EXIT STATUS\"", ".SH DRIVES"]
        {
            assert!(create.text.contains(part), "{part}");
        }
        // Every page has the definitions once, and refers to the first.
        for page in &pages {
            assert_eq!(page.text.matches(".TH ").count(), 1, "{}", page.file);
            assert!(
                page.file == "capmedia.1" || page.text.contains(r"\fBcapmedia\fR(1)"),
                "{}",
                page.file
            );
        }
    }

    #[test]
    fn backslashes_have_names() {
        assert_eq!(with_named_backslashes(r"\\\\dp\-x \fB\\\fR"), r"\(rs\(rsdp\-x \fB\(rs\fR");
    }

    #[test]
    fn the_date_is_what_is_given() {
        assert_eq!(date(None), "");
        assert_eq!(date(Some(1_700_000_000)), "2023-11-14");
    }
}
