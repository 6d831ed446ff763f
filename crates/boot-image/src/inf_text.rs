//! The syntax of INFs: sections, lines, quotes, tokens. What the lines mean is `inf`'s.
//!
//! ```text
//! ; comment                       [Strings]
//! [Version]                       Maker = "Grey ""Box"" Ltd."
//! Provider = %Maker%   ; comment
//! DriverVer = 05/17/2021, \       a line that goes on
//!     1.2.3.4
//! ```
//!
//! By Microsoft's "General Syntax Rules for INF Files" (learn.microsoft.com, windows-hardware,
//! drivers/install): sections of one name are one, names ignore case, a comment begins at a
//! semicolon outside quotes, two quotes inside quotes are one, `%%` is a percent sign.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::inf::InfError;
use crate::text::lines;

/// Lines of an INF that say something. The longest known have some 50,000.
pub(crate) const LINES: usize = 500_000;
/// Bytes of a value; the rest is cut off. Names and IDs are shorter, and one long string used again
/// and again would fill the memory.
pub(crate) const VALUE: usize = 512;

/// An INF cut into sections.
pub(crate) struct InfText<'t> {
    /// By name in upper case; lines without comments and ends.
    sections: HashMap<String, Vec<Cow<'t, str>>>,
    /// By name in upper case.
    strings: HashMap<String, String>,
}

impl<'t> InfText<'t> {
    pub(crate) fn new(text: &'t str) -> Result<Self, InfError> {
        let mut sections: HashMap<String, Vec<Cow<'t, str>>> = HashMap::new();
        let mut current = None;
        let mut count = 0_usize;
        let mut rest = lines(text).map(without_comment).filter(|line| !line.is_empty()).peekable();
        while let Some(line) = rest.next() {
            count = count.saturating_add(1);
            if count > LINES {
                return Err(InfError::TooManyLines { limit: LINES });
            }
            if let Some(header) = line.strip_prefix('[') {
                let name = header.split(']').next().unwrap_or_default().trim();
                current = Some(sections.entry(name.to_uppercase()).or_default());
                continue;
            }
            let mut line = Cow::Borrowed(line);
            while line.ends_with('\\') {
                let Some(next) = rest.next_if(|next| !next.starts_with('[')) else { break };
                count = count.saturating_add(1);
                let whole = line.to_mut();
                whole.pop();
                whole.push_str(next);
            }
            if let Some(section) = &mut current {
                section.push(line);
            }
        }
        let mut this = Self { sections, strings: HashMap::new() };
        let mut strings = HashMap::new();
        // English last: it replaces.
        for name in ["STRINGS", "STRINGS.0409"] {
            for line in this.lines(name) {
                if let (Some(key), value) = key_and_value(line) {
                    strings.insert(key.to_uppercase(), unquoted(value).replace("%%", "%"));
                }
            }
        }
        this.strings = strings;
        Ok(this)
    }

    pub(crate) fn has(&self, section: &str) -> bool {
        self.sections.contains_key(&section.to_uppercase())
    }

    /// The lines of a section; none if it is not there.
    pub(crate) fn lines<'s>(
        &'s self,
        section: &str,
    ) -> impl Iterator<Item = &'s str> + use<'s, 't> {
        self.sections.get(&section.to_uppercase()).into_iter().flatten().map(|line| &**line)
    }

    /// The names of all sections, in upper case and no order.
    pub(crate) fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// The values of a key in a section.
    pub(crate) fn values<'s>(
        &'s self,
        section: &str,
        key: &'s str,
    ) -> impl Iterator<Item = &'s str> + use<'s, 't> {
        self.lines(section).filter_map(move |line| match key_and_value(line) {
            (Some(found), value) if found.eq_ignore_ascii_case(key) => Some(value),
            _ => None,
        })
    }

    /// The value of a key in a section, the first of several; not empty.
    pub(crate) fn value(&self, section: &str, key: &str) -> Option<String> {
        let fields = self.values(section, key).next()?;
        self.fields(fields).next().filter(|value| !value.is_empty())
    }

    /// The values that commas separate, with quotes and tokens resolved.
    pub(crate) fn fields<'s>(&'s self, value: &'s str) -> impl Iterator<Item = String> {
        split_outside_quotes(value, ',').map(|field| self.expanded(field))
    }

    /// One value with quotes and tokens resolved, cut where it is long.
    pub(crate) fn expanded(&self, value: &str) -> String {
        let text = unquoted(value);
        let mut whole = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('%') {
            push(&mut whole, before);
            match after.split_once('%') {
                Some(("", after)) => {
                    push(&mut whole, "%");
                    rest = after;
                }
                Some((token, after)) => {
                    match self.strings.get(&token.to_uppercase()) {
                        Some(string) => push(&mut whole, string),
                        None => {
                            push(&mut whole, "%");
                            push(&mut whole, token);
                            push(&mut whole, "%");
                        }
                    }
                    rest = after;
                }
                None => {
                    push(&mut whole, "%");
                    rest = after;
                }
            }
        }
        push(&mut whole, rest);
        whole
    }
}

/// Adds as much as a value may hold.
fn push(whole: &mut String, part: &str) {
    let room = VALUE.saturating_sub(whole.len());
    let end = (0..=room.min(part.len())).rev().find(|at| part.is_char_boundary(*at));
    whole.push_str(part.get(..end.unwrap_or(0)).unwrap_or_default());
}

/// A line up to its comment, without space around.
fn without_comment(line: &str) -> &str {
    split_outside_quotes(line, ';').next().unwrap_or_default().trim()
}

/// `key = value`; a line without an equals sign is all value.
pub(crate) fn key_and_value(line: &str) -> (Option<&str>, &str) {
    let mut halves = split_outside_quotes(line, '=');
    let key = halves.next().unwrap_or_default();
    match line.get(key.len()..).and_then(|rest| rest.strip_prefix('=')) {
        Some(value) => (Some(key.trim()), value.trim()),
        None => (None, line.trim()),
    }
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// A value without space and quotes around it; two quotes inside are one. A missing last quote is
/// overlooked, as Windows does.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let mut text = String::with_capacity(value.len());
    let mut quoted = false;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '"' {
            text.push(c);
        } else if quoted && chars.next_if_eq(&'"').is_some() {
            text.push('"');
        } else {
            quoted = !quoted;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_lines_that_go_on() {
        let text = InfText::new(concat!(
            "lost = before any section\n",
            "; [Version]\n",
            "[ver]\r\n",
            "a = \"x;y\" ; comment \"\n",
            "b = 1, \\ ; why\n",
            "   2,\\\n",
            "   3\n",
            "c = \"say \"\"hi\"\"\"\n",
            "[ VER ] ; again\n",
            "d = %one%%two% 100%% %none% %\n",
            "e = \"no end, no ; end\n",
            "f = \\",
            "\n[Strings]\none = \"1, \"\nTWO=2\n[strings.0409]\ntwo=II\n[strings.0407]\ntwo=zwei\n",
        ));
        let text = text.unwrap();
        let value = |key| text.value("Ver", key);
        assert_eq!(value("A").as_deref(), Some("x;y"));
        assert_eq!(text.lines("VER").nth(1), Some("b = 1, 2,3"));
        assert_eq!(text.fields("1, 2,3").collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(value("c").as_deref(), Some("say \"hi\""));
        assert_eq!(value("d").as_deref(), Some("1, II 100% %none% %"));
        assert_eq!(value("e").as_deref(), Some("no end, no ; end"));
        assert_eq!(value("lost"), None);
        let fields: Vec<_> = text.fields(r#""a,b" , ,%ONE%"#).collect();
        assert_eq!(fields, ["a,b", "", "1, "]);
    }

    #[test]
    fn tokens_do_not_make_values_without_end() {
        let long = "é".repeat(3000);
        let source = format!("[v]\na={}\n[strings]\ns={long}\n", "%s%".repeat(1000));
        let value = InfText::new(&source).unwrap().value("v", "a").unwrap();
        assert_eq!(value.len(), VALUE);
    }

    #[test]
    fn values_have_a_limit() {
        let source = format!("[v]\na={}\n", "x".repeat(3000));
        let value = InfText::new(&source).unwrap().value("v", "a").unwrap();
        assert_eq!(value.len(), VALUE);
    }

    #[test]
    fn percent_signs_are_doubled_in_strings_too() {
        let text = "[v]\na=%p%\n[strings]\np=\"100%% %x\"\n";
        assert_eq!(InfText::new(text).unwrap().value("v", "a").as_deref(), Some("100% %x"));
    }

    #[test]
    fn a_backslash_at_the_end_does_not_take_the_next_section() {
        let source = "[SourceDisksFiles]\nb.sys=1,\\amd64\\\n\n[Strings]\np=q\n";
        let text = InfText::new(source).unwrap();
        assert_eq!(text.lines("sourcedisksfiles").collect::<Vec<_>>(), [r"b.sys=1,\amd64\"]);
        assert_eq!(text.value("strings", "p").as_deref(), Some("q"));
    }

    #[test]
    fn lines_have_a_limit() {
        let many = "a\n".repeat(LINES + 1);
        assert_eq!(InfText::new(&many).err(), Some(InfError::TooManyLines { limit: LINES }));
    }
}
