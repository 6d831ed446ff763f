//! Command lines that give values to variables: `tsenv.exe "Name=Value" /hiddenflag:False`, once or
//! several times in a line.
//!
//! Only what is surely such a call counts, as its value may be cut out of the line. Each character
//! is looked at a fixed number of times, however the line is made.

use std::ops::Range;

use super::secret_words::{FLAGS, is_no_secret, is_plain, is_secret_name, mentions_secret};
use super::unconfirmed::{SET_VARIABLE_PROGRAM, VALUE_IS_HIDDEN_SWITCH};

/// A command line, as far as it gives values.
pub(super) struct Line<'a> {
    text: &'a str,
    /// In the order they stand; none lies in another.
    assignments: Vec<Assignment<'a>>,
    /// The program's name and `=` stand in it otherwise.
    unclear: bool,
}

/// A value for a variable.
pub(super) struct Assignment<'a> {
    pub(super) name: &'a str,
    /// From the name to the end of the value.
    whole: Range<usize>,
    value: Range<usize>,
    /// Kept from the editor's view.
    hidden: bool,
    /// Another command stands behind it.
    followed: bool,
}

impl<'a> Line<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let (programs, others) = programs(text);
        let mut line = Self { text, assignments: Vec::new(), unclear: false };
        let last_equals = text.rfind('=');
        line.unclear = others.is_some_and(|first| last_equals.is_some_and(|at| at > first));
        let mut done = 0;
        for (index, program) in programs.iter().enumerate() {
            // Of the text of a value taken before.
            if program.start < done {
                continue;
            }
            let next = programs.get(index + 1).map_or(text.len(), |next| next.start);
            match Assignment::of(text, program.end, next) {
                Found::Assignment(assignment) => {
                    done = assignment.value.end;
                    line.assignments.push(assignment);
                }
                Found::Unclear => line.unclear = true,
                Found::Nothing => {}
            }
        }
        line
    }

    /// Those that give a variable a secret.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Assignment<'a>> {
        self.assignments.iter().filter(|a| a.is_secret() && !is_no_secret(a.value_in(self.text)))
    }

    /// Whether one gives a value, or none, to a variable whose value is secret.
    pub(super) fn sets_secret(&self) -> bool {
        self.assignments.iter().any(Assignment::is_secret)
    }

    /// The line with other text in place of each secret.
    pub(super) fn with_secrets_as(&self, instead: &str) -> String {
        let mut line = String::new();
        let mut from = 0;
        for assignment in self.secrets() {
            line.push_str(self.text.get(from..assignment.value.start).unwrap_or_default());
            line.push_str(instead);
            from = assignment.value.end;
        }
        line.push_str(self.text.get(from..).unwrap_or_default());
        line
    }

    /// Whether a word of it tells that there may be a secret, besides those that are known.
    pub(super) fn mentions_secret(&self) -> bool {
        // What follows may be the rest of a password that has such a character.
        if self.assignments.iter().any(|a| a.is_secret() && a.followed) {
            return true;
        }
        let mut rest = String::new();
        let mut from = 0;
        for assignment in &self.assignments {
            if assignment.is_secret() || assignment.is_plain(self.text) {
                rest.push_str(self.text.get(from..assignment.whole.start).unwrap_or_default());
                from = assignment.whole.end;
            }
        }
        rest.push_str(self.text.get(from..).unwrap_or_default());
        mentions_secret(&rest)
    }

    /// Whether there may be a secret in it besides those that are known.
    pub(super) fn is_doubtful(&self) -> bool {
        let gives = |a: &Assignment<'_>| !a.is_secret() && !a.is_plain(self.text);
        self.unclear || self.assignments.iter().any(gives) || self.mentions_secret()
    }
}

enum Found<'a> {
    Assignment(Assignment<'a>),
    /// Something else with `=`.
    Unclear,
    Nothing,
}

impl<'a> Assignment<'a> {
    /// What stands from `start` on; the next program at `next` ends it unless it is a secret.
    fn of(line: &'a str, start: usize, next: usize) -> Found<'a> {
        let Some(arguments) = line.get(start..next) else { return Found::Nothing };
        let Some((before, _)) = arguments.split_once('=') else { return Found::Nothing };
        let is_around = |c: char| is_quote(c) || c.is_whitespace();
        let name = before.trim_matches(is_around);
        let no_name = |c: char| c.is_whitespace() || "(){}$\\;&|<>".contains(c);
        if name.is_empty() || name.contains(no_name) {
            return Found::Unclear;
        }
        let name_start = start + (before.len() - before.trim_start_matches(is_around).len());
        let mut value_start = start + before.len() + 1;
        let end = if is_secret_name(name) { line.len() } else { next };
        let Some(mut rest) = line.get(value_start..end) else { return Found::Nothing };
        let quote = before.chars().find(|c| is_quote(*c)).unwrap_or('"');
        let mut quoted = before.matches(quote).count() % 2 == 1;
        if let Some(inner) = rest.trim_start().strip_prefix('"').filter(|i| i.contains('"'))
            && !quoted
        {
            value_start += rest.len() - inner.len();
            rest = inner;
            quoted = true;
        }
        let (length, hidden, followed) = value(rest, quoted, quote);
        let value = value_start..value_start + length;
        let whole = name_start..value.end;
        Found::Assignment(Self { name, whole, value, hidden, followed })
    }

    fn value_in<'l>(&self, line: &'l str) -> &'l str {
        line.get(self.value.clone()).unwrap_or_default()
    }

    /// Whether its value in the line is worth no doubt.
    fn is_plain(&self, line: &str) -> bool {
        let value = self.value_in(line);
        is_no_secret(value) || is_plain(value) && !mentions_secret(self.name)
    }

    fn is_secret(&self) -> bool {
        self.hidden || is_secret_name(self.name)
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// Calls of the program, each up to its arguments, and where its name first stands otherwise.
fn programs(line: &str) -> (Vec<Range<usize>>, Option<usize>) {
    // Same length, so places in one are places in the other.
    let lower = line.to_ascii_lowercase();
    let mut programs = Vec::new();
    let mut others = None;
    for (at, word) in lower.match_indices(SET_VARIABLE_PROGRAM) {
        let before = lower.get(..at).and_then(|before| before.chars().next_back());
        let begins = before.is_none_or(|c| {
            is_quote(c) || c.is_whitespace() || matches!(c, '\\' | '&' | '|' | '(')
        });
        let after = lower.get(at + word.len()..).unwrap_or_default();
        let after = after.strip_prefix(".exe").unwrap_or(after);
        let after = after.strip_prefix(is_quote).unwrap_or(after);
        if begins && (after.is_empty() || after.starts_with(char::is_whitespace)) {
            programs.push(at..lower.len() - after.len());
        } else {
            others = others.or(Some(at));
        }
    }
    (programs, others)
}

/// The length of the value at the start of `rest`, whether it is marked as hidden, and whether
/// another command follows. A quote ends it where only the switch or another command follows, as
/// quotes inside a value are not marked.
fn value(rest: &str, quoted: bool, quote: char) -> (usize, bool, bool) {
    let mut closing = None;
    let mut inside = quoted;
    for (at, c) in rest.char_indices() {
        if c == '"' || c == quote {
            closing = closing.or(Some(at));
            inside = quoted || !inside;
        } else if matches!(c, '&' | '|') && (closing.is_some() || !inside) {
            return (closing.unwrap_or(at), false, true);
        } else if let Some((hidden, followed)) = hidden_switch(rest.get(at..).unwrap_or_default()) {
            let before = rest.get(..at).unwrap_or_default().trim_end();
            return (closing.unwrap_or(before.len()), hidden, followed);
        } else if !c.is_whitespace() {
            closing = None;
        }
    }
    (closing.unwrap_or(rest.trim_end().len()), false, false)
}

/// The switch at the start of a text, if nothing but another command follows: what it says, and
/// whether one does. What is no flag belongs to the value.
fn hidden_switch(text: &str) -> Option<(bool, bool)> {
    let (switch, rest) = text.split_at_checked(VALUE_IS_HIDDEN_SWITCH.len())?;
    if !switch.eq_ignore_ascii_case(VALUE_IS_HIDDEN_SWITCH) {
        return None;
    }
    let between = |c: char| is_quote(c) || c.is_whitespace();
    let rest = rest.trim_start_matches(between);
    let (flag, rest) = FLAGS
        .iter()
        .filter_map(|flag| {
            rest.split_at_checked(flag.len()).filter(|(text, _)| is_called(text, flag))
        })
        .next()?;
    let rest = rest.trim_start_matches(between);
    let followed = rest.starts_with(['&', '|']);
    (followed || rest.is_empty()).then_some((is_called(flag, "true"), followed))
}

fn is_called(text: &str, name: &str) -> bool {
    text.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        Line::of(line).with_secrets_as("<secret>")
    }

    #[test]
    fn values_in_command_lines() {
        for (line, expected) in [
            (
                "tsenv.exe \"MyPassword=a \"b\" = c\" /hiddenflag:False",
                "tsenv.exe \"MyPassword=<secret>\" /hiddenflag:False",
            ),
            ("TSENV.EXE \"MyPwd = x\"", "TSENV.EXE \"MyPwd =<secret>\""),
            ("cmd /c \"C:\\a b\\tsenv\" MyToken=x y", "cmd /c \"C:\\a b\\tsenv\" MyToken=<secret>"),
            ("tsenv.exe \"X=v\" /hiddenflag:TRUE", "tsenv.exe \"X=<secret>\" /hiddenflag:TRUE"),
            ("tsenv.exe \"Pwd=x /hiddenflag:maybe\"", "tsenv.exe \"Pwd=<secret>\""),
            ("tsenv.exe \"Pwd=a\"b & c\"", "tsenv.exe \"Pwd=<secret>\""),
            ("tsenv Pwd=\"a & b\" & c", "tsenv Pwd=\"<secret>\" & c"),
            ("tsenv Pwd=é& c", "tsenv Pwd=<secret>& c"),
            (
                "cmd /c tsenv.exe \"A=1\" & tsenv.exe \"MyPassword=x\"",
                "cmd /c tsenv.exe \"A=1\" & tsenv.exe \"MyPassword=<secret>\"",
            ),
            (
                "cmd /c \"tsenv.exe \"APwd=x\" /hiddenflag:False&&tsenv BPwd=y||tsenv C=z\"",
                "cmd /c \"tsenv.exe \"APwd=<secret>\" /hiddenflag:False&&tsenv BPwd=<secret>||\
                 tsenv C=z\"",
            ),
            (
                "powershell \"tsenv 'A=1'; tsenv 'APwd=x'\"",
                "powershell \"tsenv 'A=1'; tsenv 'APwd=<secret>'\"",
            ),
            ("tsenv \"A=a tsenv \"APwd=x\"\"", "tsenv \"A=a tsenv \"APwd=<secret>\"\""),
        ] {
            assert_eq!(shown(line), expected);
        }
        for line in [
            "tsenv.exe \"Started=s3cret\" /hiddenflag:False",
            "tsenv.exe \"MyPassword=\" /hiddenflag:False",
            "tsenv.exe \"UsePassword=true\"",
            "tsenv.exe",
            "tsenv MyPwd=\"\"",
        ] {
            assert_eq!(shown(line), line);
            assert!(!Line::of(line).mentions_secret(), "{line}");
        }
    }

    #[test]
    fn other_lines_are_left_alone() {
        for line in [
            "setx MyPassword=x",
            r"powershell.exe -File C:\tsenv\set-password.ps1 -Mode=Fast -Domain lab.local",
            r#"powershell.exe -Command "if ($tsenv.Value('LocalPassword')) { $a=1; b }""#,
            "mytsenv.exe \"APassword=x\"",
            "tsenv.execute \"APassword=x\"",
            "tsenv.exe & set \"APassword=x\"",
            "tsenv.exe {APassword=x}",
        ] {
            assert_eq!(shown(line), line);
            assert!(Line::of(line).mentions_secret() && Line::of(line).is_doubtful(), "{line}");
        }
        let script = "powershell $tsenv.Value('A') = 'x'";
        assert!(Line::of(script).is_doubtful() && !Line::of(script).mentions_secret());
        assert!(!Line::of("cmd /c dir & exit").is_doubtful());
    }

    #[test]
    fn long_lines_take_no_time() {
        for piece in
            [" tsenv A=", " tsenv APwd=", "\" ", "/hiddenflag:", " tsenv ", "/hiddenflag:true "]
        {
            for name in ["A", "APwd"] {
                let line = format!("tsenv {name}={}", piece.repeat(100_000));
                assert!(shown(&line).len() <= line.len() + "<secret>".len());
            }
        }
    }
}
