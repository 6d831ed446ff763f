//! Rust source with its comments and literals blanked, so that a rule meets code only.

/// Code of a file. Every line has the length and place it has in the file.
pub(super) struct RustText {
    code: String,
}

impl RustText {
    pub(super) fn new(source: &str) -> Self {
        let mut scanner = Scanner { rest: source, code: String::with_capacity(source.len()) };
        while scanner.step() {}
        Self { code: scanner.code }
    }

    /// The whole code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// 1-based number of the line that holds the byte at `offset`.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.code.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    /// Offsets of `word` where it stands alone, not as part of a longer name.
    pub(super) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let in_name = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let (before, from) = self.code.split_at(*at);
            let after = from.get(word.len()..).unwrap_or_default();
            !before.ends_with(in_name) && !after.starts_with(in_name)
        })
    }
}

struct Scanner<'a> {
    rest: &'a str,
    code: String,
}

impl<'a> Scanner<'a> {
    /// Takes one piece off the rest; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return false };
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment(rest));
        } else if let Some(len) = raw_string(rest) {
            self.blank(len);
        } else if first == '"' {
            self.blank(quoted(rest, '"'));
        } else if first == '\'' && is_char_literal(rest) {
            self.blank(quoted(rest, '\''));
        } else if first.is_alphanumeric() || first == '_' {
            // A whole name at once: the `r` of `for` opens no raw string. A prefix of a literal
            // stops the name, so that the literal is met on its own.
            let in_name = |c: char| c.is_alphanumeric() || c == '_';
            self.keep(rest.find(|c| !in_name(c)).unwrap_or(rest.len()));
        } else {
            self.keep(first.len_utf8());
        }
        true
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (piece, rest) = self.rest.split_at(len);
        self.rest = rest;
        piece
    }

    fn keep(&mut self, len: usize) {
        let piece = self.take(len);
        self.code.push_str(piece);
    }

    /// Lines stay lines and bytes stay bytes.
    fn blank(&mut self, len: usize) {
        let piece = self.take(len);
        self.code.extend(piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
}

/// Length of the block comment that `text` begins with; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the raw string that `text` begins with: `r"`, `br#"`, `cr##"` and so on.
fn raw_string(text: &str) -> Option<usize> {
    let after = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let close = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + close)
}

/// Length of the literal between two `quote`s that `text` begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same_len(source: &str, expected: &str) {
        let text = RustText::new(source);
        assert_eq!(text.code().len(), source.len());
        let squeezed: Vec<_> = text.code().split_whitespace().collect();
        assert_eq!(squeezed.join(" "), expected);
    }

    #[test]
    fn comments_and_literals_vanish() {
        same_len("a // b\nc", "a c");
        same_len("a /* b /* c */ d */ e", "a e");
        same_len("a /* never closed", "a");
        same_len(r#"f("x \" y", b"z")"#, "f( , b )");
        same_len(r###"f(r#"x " y"#, br"z\", r"w")"###, "f( , , )");
        same_len(r"f('a', '\'', '\u{1F600}', 'é')", "f( , , , )");
        same_len("fn f<'a>(x: &'a str) { 'b: loop {} }", "fn f<'a>(x: &'a str) { 'b: loop {} }");
        same_len("for x in r { r#fn(\"y\") }", "for x in r { r#fn( ) }");
        same_len("let é = \"ü\"; // ö", "let é = ;");
    }

    #[test]
    fn words_stand_alone_and_lines_count() {
        let text = RustText::new("/*\n*/ todo\nmytodo todo_x todo!");
        let lines: Vec<_> = text.words("todo").map(|at| text.line_of(at)).collect();
        assert_eq!(lines, [2, 3]);
    }
}
