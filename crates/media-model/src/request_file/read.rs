//! From the bytes of a file to values, and every mistake on the way.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error};

use super::RequestFile;
use super::suggest::nearest;
use super::text::{Text, first_word};
use crate::option::{RequestOption, Slot, WHOLE_NUMBER};
use crate::problem::{Problem, ProblemKind};
use crate::request::{CaptureMediaRequest, FormatVersion};
use crate::text::shown;

const VERSION: &str = "version";

pub(super) fn read(file: &mut RequestFile, bytes: &[u8]) {
    let max = RequestFile::MAX_BYTES;
    if bytes.len() > max {
        // No number, because whoever read the file may have stopped there.
        let what = format!("the file has more than {max} bytes");
        let remedy = "take out what is no request; add a folder instead of its files one by one";
        return unreadable(file, of_file(0, ProblemKind::OutOfRange, what, remedy));
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.valid_up_to();
            let before = bytes.get(..good).and_then(|good| str::from_utf8(good).ok());
            file.text = Text::new(before.unwrap_or_default());
            let what = format!("byte {good} of the file is not UTF-8");
            let problem = of_file(good, ProblemKind::Syntax, what, "save the file as UTF-8");
            return unreadable(file, problem);
        }
    };
    file.text = Text::new(text);
    let (text, mut slips) = without_lone_keys(text);
    let (table, errors) = DeTable::parse_recoverable(&text);
    let table = table.get_ref();
    slips.extend(errors);
    let errors = slips;

    let broken = syntax(file, table, &errors);
    version(file, table, !errors.is_empty());
    values(file, table, &broken);
    unknown_keys(file, table);
    // Behind a slip, a key may have become part of something else; it is not missing.
    let is_table = |value: &Spanned<DeValue<'_>>| value.get_ref().is_table();
    if !errors.is_empty() || table.values().any(is_table) {
        let named: BTreeSet<&str> = file.text.first_words().collect();
        let lost = RequestOption::all().into_iter().map(|option| option.name());
        let lost = lost.filter(|name| named.contains(name) && !table.contains_key(*name));
        file.unread.extend(lost.collect::<Vec<_>>());
    }
}

/// The text with spaces for lines that hold a key and no `=`, and what is wrong with those: the parser
/// would take the line behind such a one with it.
fn without_lone_keys(text: &str) -> (String, Vec<Error>) {
    // Each round finds those that the one before has hidden. Long files get fewer.
    const BYTES: usize = 32 << 20;
    let rounds = (BYTES / text.len().max(1)).min(RequestFile::LISTED);
    let mut kept = Text::new(text);
    let mut slips = Vec::new();
    for _ in 0..rounds {
        let (_, errors) = DeTable::parse_recoverable(kept.as_str());
        let mut lines: Vec<Range<usize>> = Vec::new();
        let mut looked_at = 0..0;
        for error in errors {
            let at = error.span().unwrap_or_default().start;
            if looked_at.contains(&at) || !error.message().contains("key with no value") {
                continue;
            }
            let line = kept.line_range(at);
            looked_at = line.start..line.end.saturating_add(1);
            // Behind a = it is part of a value.
            let before = kept.as_str().get(line.start..at);
            if before.is_some_and(|before| !before.contains('=')) {
                lines.push(line);
                slips.push(error);
            }
        }
        if lines.is_empty() {
            break;
        }
        kept = kept.blanked(&lines);
    }
    (kept.into_string(), slips)
}

/// Which options the file names is unknown, so none is missing.
fn unreadable(file: &mut RequestFile, problem: (usize, Problem)) {
    file.found.push(problem);
    file.unread = RequestOption::all().iter().map(RequestOption::name).collect();
}

/// The keys whose values are not what was written. One problem for each value and each other line:
/// further ones follow from the first.
fn syntax(file: &mut RequestFile, table: &DeTable<'_>, errors: &[Error]) -> BTreeSet<String> {
    let mut entries: Vec<(Range<usize>, &str)> = table
        .iter()
        .map(|(key, value)| (key.span().start..value.span().end, key.get_ref().as_ref()))
        .collect();
    entries.sort_by_key(|(range, _)| range.start);
    let mut broken = BTreeSet::new();
    // Behind the line that was told last.
    let mut next_line = 0;
    // A key of too many parts is told without a place.
    let deepest = LazyCell::new(|| file.text.line_of_most_dots());
    let place = |error: &Error| error.span().map_or_else(|| *deepest, |span| span.start);
    let mut told: Vec<(usize, &Error)> = errors.iter().map(|error| (place(error), error)).collect();
    told.sort_by_key(|(at, _)| *at);
    let mut lone_return = false;
    for (at, error) in told {
        let before = entries.partition_point(|(range, _)| range.start <= at);
        let entry = before.checked_sub(1).and_then(|index| entries.get(index));
        let key = entry.filter(|(range, _)| at <= range.end).map(|(_, key)| *key);
        let is_new = match key {
            Some(key) => broken.insert(key.to_owned()),
            None => at >= next_line,
        };
        // A file has the ends of lines that it was saved with, all alike.
        let is_return = error.message().contains("carriage return must be");
        let again = is_return && std::mem::replace(&mut lone_return, is_return);
        if is_new && !again {
            next_line = file.text.line_range(at).end.saturating_add(1);
            let problem = of_syntax(&file.text, key, at, error);
            file.found.push(problem);
        }
    }
    broken
}

fn of_syntax(text: &Text, key: Option<&str>, at: usize, error: &Error) -> (usize, Problem) {
    let line = text.line(at);
    let message = error.message();
    let key = key.unwrap_or_else(|| {
        let word = first_word(line);
        // What is no key may be a password, behind one on the line above.
        let is_key = line.contains('=') || RequestOption::all().iter().any(|o| o.name() == word);
        if is_key { word } else { "" }
    });
    let subject = if key.is_empty() { "this".to_owned() } else { shown(key) };
    // By the words of the parser; where they change, the last remedy is still true.
    let (what, remedy) = if message.contains("duplicate key") {
        let what = format!("{subject} is given a second time");
        (what, "give it once; what may be repeated takes a list: key = [\"one\", \"two\"]")
    } else {
        let what = format!("{subject} cannot be read: {}", shown(message));
        let remedy = if message.contains("carriage return must be") {
            "save the file with ends of lines as Windows (CR LF) or Unix (LF) has them"
        } else if line.contains('\\') && message.contains("value") {
            "put paths with \\ in single quotes: key = 'C:\\folder\\file'"
        } else if message.contains("must be quoted") {
            "put the text in quotes: key = \"text\""
        } else if message.contains("boolean") {
            "write true or false, in small letters"
        } else {
            "write one key = value on a line: \"text\", true, false, a number, or a list in [ ]"
        };
        (what, remedy)
    };
    of_file(at, ProblemKind::Syntax, what, remedy)
}

fn version(file: &mut RequestFile, table: &DeTable<'_>, is_broken: bool) {
    let number = FormatVersion::NUMBER;
    let remedy = format!("write version = {number}");
    let Some(value) = table.get(VERSION) else {
        if is_broken && file.text.first_words().any(|word| word == VERSION) {
            return;
        }
        let what = "the file does not say version = 1, the version of its form".to_owned();
        file.found.push(of_file(0, ProblemKind::Missing, what, remedy));
        return;
    };
    if whole_number(value.get_ref()) != Some(number) {
        let what = format!("the version is {}, and {number} is known", found(value.get_ref()));
        let remedy = format!("{remedy}, or use a newer capmedia");
        file.found.push(of_file(value.span().start, ProblemKind::Malformed, what, remedy));
    }
}

fn values(file: &mut RequestFile, table: &DeTable<'_>, broken: &BTreeSet<String>) {
    let mut request = CaptureMediaRequest::default();
    for (option, slot) in request.options_mut() {
        let name = option.name();
        let Some(value) = table.get(name) else { continue };
        if broken.contains(name) {
            file.unread.push(name);
            continue;
        }
        let mut places = Vec::new();
        let read = match (slot, value.get_ref()) {
            (Slot::Flag(flag), DeValue::Boolean(given)) => {
                *flag = *given;
                Ok(())
            }
            (Slot::Text(text), DeValue::String(given)) => {
                *text = Some(given.to_string());
                Ok(())
            }
            (Slot::Path(path), DeValue::String(given)) => {
                *path = Some(given.as_ref().into());
                Ok(())
            }
            (Slot::Number(number), given) => {
                *number = whole_number(given).and_then(|given| given.try_into().ok());
                if number.is_some() { Ok(()) } else { Err((WHOLE_NUMBER, format!("{name} = 1"))) }
            }
            (Slot::Paths(paths), DeValue::String(given)) => {
                *paths = vec![given.as_ref().into()];
                Ok(())
            }
            (Slot::List(list), DeValue::Array(given)) => {
                for (text, at) in texts(&option, given, &mut file.found) {
                    list.push(text);
                    places.push(at);
                }
                Ok(())
            }
            (Slot::Paths(paths), DeValue::Array(given)) => {
                for (text, at) in texts(&option, given, &mut file.found) {
                    paths.push(text.into());
                    places.push(at);
                }
                Ok(())
            }
            (Slot::Flag(_), _) => {
                Err(("true or false", format!("{name} = true or {name} = false")))
            }
            (Slot::List(_), DeValue::String(given)) => {
                Err(("a list", format!("{name} = [{}]", crate::print::quoted(&shown(given)))))
            }
            (Slot::List(_), _) => {
                Err(("a list", format!("{name} = [\"{}\"]", option.value_name())))
            }
            (Slot::Text(_) | Slot::Path(_) | Slot::Paths(_), given) => {
                Err(("text", format!("{name} = \"{}\"", as_text(given, &option))))
            }
        };
        match read {
            Ok(()) => {
                if places.is_empty() {
                    places.push(value.span().start);
                }
                file.places.insert(name, places);
            }
            Err((due, example)) => {
                file.found.push(wrong_type(&option, value, due, &example));
                file.unread.push(name);
            }
        }
    }
    file.request = request;
}

/// The elements of a list that are text, each with its byte; a problem for each other one.
fn texts(
    option: &RequestOption,
    given: &DeArray<'_>,
    found: &mut Vec<(usize, Problem)>,
) -> Vec<(String, usize)> {
    let mut texts = Vec::new();
    for element in given {
        match element.get_ref().as_str() {
            Some(text) => texts.push((text.to_owned(), element.span().start)),
            None => {
                let example = format!("{} = [\"{}\"]", option.name(), option.value_name());
                found.push(wrong_type(option, element, "text", &example));
            }
        }
    }
    texts
}

fn unknown_keys(file: &mut RequestFile, table: &DeTable<'_>) {
    let names: Vec<&'static str> = RequestOption::all().iter().map(RequestOption::name).collect();
    let mut unknown: Vec<(usize, &str, &DeValue<'_>)> = table
        .iter()
        .map(|(key, value)| (key.span().start, key.get_ref().as_ref(), value.get_ref()))
        .filter(|(_, key, _)| *key != VERSION && !names.contains(key))
        .collect();
    unknown.sort_by_key(|(at, ..)| *at);
    for (number, (at, key, value)) in unknown.into_iter().enumerate() {
        // Nobody reads more, and looking takes its time.
        let near = if number < RequestFile::LISTED { nearest(key, &names) } else { None };
        let (kind, what, remedy) = match near {
            None if is_secret(key) => (
                ProblemKind::Secret,
                format!("{} would be a password in the request file", shown(key)),
                format!(
                    "take it out; give {} the path of a file that only you can read",
                    file_of(key)
                ),
            ),
            near => (
                ProblemKind::UnknownKey,
                format!("{} is no key of a request file", shown(key)),
                match near {
                    Some(name) => format!("did you mean {name}?"),
                    None if value.is_table() => {
                        "take it out; request files have no tables".to_owned()
                    }
                    None => {
                        "take it out; the keys are the long options of capmedia create".to_owned()
                    }
                },
            ),
        };
        file.found.push(of_file(at, kind, what, remedy));
    }
}

/// The option for a file with that password.
fn file_of(key: &str) -> &'static str {
    if key.to_ascii_lowercase().contains("capture") {
        "capture-password-file"
    } else {
        "password-file (to read content) or capture-password-file (to capture)"
    }
}

/// Whether a key that is no option looks like one for a password.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "secret", "credential"]
        .iter()
        .any(|word| key.contains(word))
}

fn wrong_type(
    option: &RequestOption,
    value: &Spanned<DeValue<'_>>,
    due: &str,
    example: &str,
) -> (usize, Problem) {
    let found = match value.get_ref() {
        DeValue::String(_) if option.is_secret() => "a text".to_owned(),
        DeValue::Integer(_) | DeValue::Float(_) if option.is_secret() => "a number".to_owned(),
        DeValue::Datetime(_) if option.is_secret() => "a time".to_owned(),
        value => found(value),
    };
    let what = format!("{found} stands where {due} is due");
    (
        value.span().start,
        Problem::new(option.name(), ProblemKind::Malformed, what, format!("write {example}")),
    )
}

/// A value in words.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text '{}'", shown(text)),
        DeValue::Integer(number) => format!("the number {}", shown(number.as_str())),
        DeValue::Float(number) => format!("the number {}", shown(number.as_str())),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => format!("the time {time}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// What may have been meant by a value that is no text.
fn as_text(value: &DeValue<'_>, option: &RequestOption) -> String {
    match value {
        _ if option.is_secret() => option.value_name().to_owned(),
        DeValue::Integer(number) if number.radix() == 10 => shown(number.as_str()),
        DeValue::Boolean(true) if option.words().contains(&"yes") => "yes".to_owned(),
        DeValue::Boolean(false) if option.words().contains(&"no") => "no".to_owned(),
        _ => option.words().first().copied().unwrap_or(option.value_name()).to_owned(),
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn of_file(
    at: usize,
    kind: ProblemKind,
    what: String,
    remedy: impl Into<String>,
) -> (usize, Problem) {
    (at, Problem::new(Problem::OF_FILE, kind, what, remedy))
}
