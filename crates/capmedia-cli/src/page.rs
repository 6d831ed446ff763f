//! Text that stands in a help topic and in manual pages: one form, shown both ways.

use std::io::{self, Write};

use clap_mangen::roff::{Roff, bold, roman};

use crate::print;

/// A piece of text.
pub(crate) enum Block {
    Paragraph(String),
    /// Words, each with what it means.
    Terms(Vec<(String, String)>),
    /// Command lines, each under what it does.
    Commands(Vec<(&'static str, &'static str)>),
}

/// Columns before a line that belongs to what stands above it.
const INDENT: usize = 6;

/// The widest term that its meaning stands beside.
const WIDEST: usize = 16;

/// Blocks as lines for a terminal, with an empty one between each two.
pub(crate) fn print(to: &mut impl Write, blocks: &[Block]) -> io::Result<()> {
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            writeln!(to)?;
        }
        match block {
            Block::Paragraph(text) => print::wrapped(to, "", 0, text)?,
            Block::Terms(terms) => print_terms(to, terms)?,
            Block::Commands(commands) => {
                for (command, what) in commands {
                    print::wrapped(to, "  ", 2, &format!("{what}:"))?;
                    // Whole, however long: it is there to be copied.
                    writeln!(to, "{:INDENT$}{command}", "")?;
                }
            }
        }
    }
    Ok(())
}

fn print_terms(to: &mut impl Write, terms: &[(String, String)]) -> io::Result<()> {
    let width = terms.iter().map(|(term, _)| term.chars().count()).max().unwrap_or(0);
    for (term, meaning) in terms {
        if width > WIDEST {
            writeln!(to, "  {term}")?;
            print::wrapped(to, &" ".repeat(INDENT), INDENT, meaning)?;
        } else {
            print::wrapped(to, &format!("  {term:width$}  "), width.saturating_add(4), meaning)?;
        }
    }
    Ok(())
}

/// Blocks as the text of a manual page.
pub(crate) fn render(roff: &mut Roff, blocks: &[Block]) {
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Paragraph(text) => {
                // Right below a heading it would say nothing.
                if index > 0 {
                    roff.control("PP", []);
                }
                roff.text([roman(text)]);
            }
            Block::Terms(terms) => {
                for (term, meaning) in terms {
                    roff.control("TP", []);
                    roff.text([bold(term)]);
                    roff.text([roman(meaning)]);
                }
            }
            Block::Commands(commands) => {
                for (command, what) in commands {
                    roff.control("TP", []);
                    roff.text([roman(format!("{what}:"))]);
                    roff.text([bold(*command)]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Vec<Block> {
        let term = |term: &str, meaning: &str| (term.to_owned(), meaning.to_owned());
        vec![
            Block::Paragraph("Some words.".to_owned()),
            Block::Terms(vec![term("a", "the first"), term("bcd", r".the \\second")]),
            Block::Terms(vec![term("a term that is longer", "its meaning")]),
            Block::Commands(vec![("capmedia drives", "what there is")]),
        ]
    }

    #[test]
    fn for_a_terminal() {
        let mut text = Vec::new();
        print(&mut text, &blocks()).unwrap();
        let expected = "Some words.\n\n  a    the first\n  bcd  .the \\\\second\n\n  \
                        a term that is longer\n      its meaning\n\n  what there is:\n      \
                        capmedia drives\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn for_a_manual() {
        let mut roff = Roff::new();
        render(&mut roff, &blocks());
        let text = roff.to_roff();
        assert!(text.starts_with("Some words.\n.TP\n\\fBa\\fR\nthe first\n.TP\n"), "{text}");
        // A dot at the start of a line and a backslash would be commands.
        assert!(text.contains(r"\&.the \\\\second"), "{text}");
    }
}
