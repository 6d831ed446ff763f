//! What the wizard shows beside its questions: plain lines on standard error, of at most 80 columns.

use std::io::{self, IsTerminal as _, Write as _};

use media_model::Problem;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::exit::{Code, Failure};
use crate::print::{self, WIDTH, steers};
use crate::wizard::STEPS;
use crate::wizard::ask::{self, Answer};
use crate::wizard::prompt::rows;

/// Begins a page.
pub(super) fn header(step: usize, name: &str) {
    let _ = writeln!(io::stderr(), "\n{}\n", header_line(step, name));
}

pub(super) fn header_line(step: usize, name: &str) -> String {
    format!("Create Capture Media - step {step} of {STEPS}: {name}")
}

/// Text in lines of its own.
pub(super) fn note(text: &str) {
    show(&folded(text, "  ", 2));
}

/// What is wrong with an answer, and what to do about it.
pub(super) fn problem(problem: &Problem) {
    show(&folded(&format!("{}; {}", problem.what(), problem.remedy()), "! ", 2));
}

/// An error with its causes.
pub(super) fn error(error: &anyhow::Error) {
    let mut start = "! ";
    for cause in error.chain() {
        for text in cause.to_string().lines() {
            show(&folded(text.trim_start(), start, 4));
            start = "    ";
        }
        start = "  because: ";
    }
}

/// Why something cannot be done.
pub(super) fn failure(failure: &Failure) {
    let mut start = "! ";
    for line in failure.lines().iter().flat_map(|line| line.lines()) {
        show(&folded(line.trim_start(), start, 4));
        start = "  ";
    }
}

/// How the wizard ends without having done what it was asked.
pub(super) fn end(failure: Failure) -> Code {
    for line in String::from_utf8_lossy(&failure.for_people()).lines() {
        let text = line.trim_start();
        let start = line.len().saturating_sub(text.len());
        show(&folded(text, &" ".repeat(start), start.saturating_add(4)));
    }
    failure.code()
}

pub(super) fn warning(text: &str) {
    show(&folded(text, "warning: ", 9));
}

/// The lines of a text, each cut to what fits into the width.
pub(super) fn folded_text(text: &str) -> Vec<String> {
    text.lines().flat_map(|line| folded(line, "", indent_of(line))).collect()
}

/// The same for what goes to standard output, too: as it is, where that is no terminal.
pub(super) fn for_terminal(text: Vec<u8>) -> Vec<u8> {
    if !io::stdout().is_terminal() {
        return text;
    }
    let lines = folded_text(&String::from_utf8_lossy(&text));
    lines.into_iter().flat_map(|line| line.into_bytes().into_iter().chain([b'\n'])).collect()
}

/// Lines that fit.
pub(super) fn written(lines: &[String]) {
    show(lines);
}

/// Lines that fit, as many at once as the screen has room for: not every console shows again what has
/// left it. What comes behind them may take the whole screen.
pub(super) fn paged(lines: &[String]) -> Result<(), Failure> {
    /// Of a question: itself, two choices and the keys.
    const QUESTION: usize = 4;
    let room = rows().saturating_sub(QUESTION).max(QUESTION);
    let mut rest = lines;
    while !rest.is_empty() {
        let (page, more) = rest.split_at(page_of(rest, room));
        show(page);
        let (question, choice) = match more {
            [] => ("That is all:", "To the Summary"),
            _ => ("There is more:", "Go on"),
        };
        if ask::select(question, vec![choice], 0)? == Answer::Back {
            break;
        }
        rest = more;
    }
    Ok(())
}

/// How many of the lines are shown together: up to an empty one, where one of them is.
pub(super) fn page_of(lines: &[String], room: usize) -> usize {
    let fits = lines.get(..room).filter(|_| lines.len() > room);
    let Some(fits) = fits else { return lines.len() };
    let end = fits.iter().rposition(String::is_empty).map(|at| at.saturating_add(1));
    end.unwrap_or(room).max(1)
}

/// Lines that stay as they are, however long, to be copied.
pub(super) fn whole(lines: &[String]) {
    let mut to = io::stderr().lock();
    let _ = writeln!(to);
    for line in lines {
        let _ = print::line(&mut to, line);
    }
    let _ = writeln!(to);
}

/// The words of a command in lines that go on behind a backslash, as POSIX shells read them (POSIX.1-2024,
/// Shell Command Language, section 2.2.1). An option stays with its value.
pub(super) fn continued(words: &[String]) -> Vec<String> {
    const INDENT: &str = "    ";
    let width = columns().saturating_sub(2);
    let mut rows: Vec<String> = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let mut part = word.clone();
        if word.starts_with("--")
            && let Some(value) = words.next_if(|next| !next.starts_with("--"))
        {
            part.push(' ');
            part.push_str(value);
        }
        match rows.last_mut() {
            Some(row) if row.width().saturating_add(part.width()) < width => {
                row.push(' ');
                row.push_str(&part);
            }
            Some(row) => {
                row.push_str(" \\");
                rows.push(format!("{INDENT}{part}"));
            }
            None => rows.push(part),
        }
    }
    rows
}

/// Lines as they are, each cut to what fits into the width.
pub(super) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) {
    lines.into_iter().for_each(|line| show(&folded_text(line.as_ref())));
}

/// Where the further lines of a line begin: below its text, behind a heading of 14 columns.
fn indent_of(line: &str) -> usize {
    const HEADING: usize = 14;
    const WARNING: &str = "warning: ";
    if line.starts_with(WARNING) {
        return WARNING.len();
    }
    let has_heading = line.chars().take(HEADING).any(|c| c == ':') || line.starts_with("      ");
    if has_heading { HEADING } else { 4 }
}

/// The lines of `start` and `text`, none wider than the width: words go to the next line, and words
/// that are wider, such as paths, are cut.
pub(super) fn folded(text: &str, start: &str, indent: usize) -> Vec<String> {
    folded_to(columns(), text, start, indent)
}

/// The same in so many columns.
pub(super) fn folded_to(width: usize, text: &str, start: &str, indent: usize) -> Vec<String> {
    let mut bytes = Vec::new();
    // Into memory: nothing fails.
    let _ = print::wrapped_to(&mut bytes, width, start, indent, text);
    let rows = String::from_utf8_lossy(&bytes);
    let mut lines = Vec::new();
    for row in rows.lines() {
        let (mut line, mut columns) = (String::new(), 0_usize);
        for letter in row.graphemes(true) {
            if columns > indent && columns.saturating_add(letter.width()) > width {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                columns = indent;
            }
            line.push_str(letter);
            columns = columns.saturating_add(letter.width());
        }
        lines.push(line);
    }
    lines
}

/// Columns of the terminal that are used.
pub(super) fn columns() -> usize {
    /// What can be read at all; one that says less does not know.
    const LEAST: usize = 20;
    let size = crossterm::terminal::size().map(|(columns, _)| usize::from(columns));
    size.ok().filter(|columns| *columns >= LEAST).map_or(WIDTH, |columns| columns.min(WIDTH))
}

fn show(lines: &[String]) {
    let mut to = io::stderr().lock();
    for line in lines {
        // There is no third place to complain.
        let _ = print::line(&mut to, line);
    }
}

/// The start of a text, of so many columns at most.
pub(super) fn clipped(text: &str, columns: usize) -> String {
    let clean: String = text.chars().filter(|c| !steers(*c)).collect();
    if clean.width() <= columns {
        return clean;
    }
    let mut left = columns.saturating_sub(3);
    let fits = |letter: &&str| {
        let rest = left.checked_sub(letter.width());
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    let start: String = clean.graphemes(true).take_while(fits).collect();
    format!("{start}...")
}
