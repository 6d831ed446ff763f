//! A request as the text of a request file.

use std::fmt::Write as _;
use std::path::Path;

use toml_writer::{ToTomlValue as _, TomlStringBuilder};

use crate::option::{RequestOption, Slot};
use crate::problem::{Problem, ProblemKind};
use crate::request::{CaptureMediaRequest, FormatVersion};
use crate::text::shown;

impl CaptureMediaRequest {
    /// The text of a request file that says the same: what is set, in the order of the options.
    /// [`RequestFile::read`](crate::RequestFile::read) gives an equal request, but for
    /// `source_date_epoch`, which no file holds.
    ///
    /// # Errors
    ///
    /// A problem for each path that is not Unicode, which a file cannot hold.
    pub fn to_toml(&self) -> Result<String, Vec<Problem>> {
        let mut text = format!("version = {}\n", FormatVersion::NUMBER);
        let mut problems = Vec::new();
        for (option, slot) in self.clone().options_mut() {
            let value = match slot {
                Slot::Flag(flag) => flag.then(|| "true".to_owned()),
                Slot::Text(text) => text.as_deref().map(quoted),
                Slot::Path(None) => None,
                Slot::Path(Some(path)) => match path.to_str() {
                    Some(path) => Some(quoted(path)),
                    None => {
                        problems.push(not_unicode(&option, path));
                        None
                    }
                },
                Slot::Paths(paths) => {
                    let texts: Vec<String> = paths
                        .iter()
                        .filter_map(|path| match path.to_str() {
                            Some(path) => Some(path.to_owned()),
                            None => {
                                problems.push(not_unicode(&option, path));
                                None
                            }
                        })
                        .collect();
                    match &*texts {
                        [] => None,
                        [one] => Some(quoted(one)),
                        several => Some(array(several)),
                    }
                }
                Slot::Number(number) => number.map(|number| number.to_string()),
                Slot::List(list) => (!list.is_empty()).then(|| array(list)),
            };
            if let Some(value) = value {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{} = {value}", option.name());
            }
        }
        if problems.is_empty() { Ok(text) } else { Err(problems) }
    }
}

/// One value on its line, several on lines of their own.
fn array(list: &[String]) -> String {
    match list {
        [one] => format!("[{}]", quoted(one)),
        several => {
            let lines: String =
                several.iter().map(|text| format!("    {},\n", quoted(text))).collect();
            format!("[\n{lines}]")
        }
    }
}

/// On one line, whatever the text: a reader may change the ends of lines in the other forms. Single
/// quotes where they save escaping, as for paths of Windows.
pub(crate) fn quoted(text: &str) -> String {
    let text = TomlStringBuilder::new(text);
    let form = text.as_basic_pretty().or_else(|| text.as_literal());
    form.unwrap_or_else(|| text.as_basic()).to_toml_value()
}

fn not_unicode(option: &RequestOption, path: &Path) -> Problem {
    Problem::new(
        option.name(),
        ProblemKind::Malformed,
        format!("{} is not Unicode, and a request file is", shown(&path.to_string_lossy())),
        "rename the file or folder, or give this option on the command line",
    )
}
