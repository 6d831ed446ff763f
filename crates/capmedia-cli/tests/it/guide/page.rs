//! Pages, their blocks, and the commands in these.

use std::fs;
use std::path::Path;

/// The repository.
pub(super) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(super) struct Page {
    /// `docs/disc.md`
    pub(super) name: String,
    pub(super) text: String,
    pub(super) blocks: Vec<Block>,
}

/// What stands between two fences.
pub(super) struct Block {
    /// The line of its first fence.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) text: String,
}

/// A line as a shell gets it.
pub(super) struct Command {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) exit_code: i32,
}

impl Page {
    /// The README and the guide.
    pub(super) fn all() -> Vec<Self> {
        let root = Path::new(ROOT);
        let mut names = vec!["README.md".to_owned()];
        for entry in fs::read_dir(root.join("docs")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.ends_with(".md"), "{name} in docs is no page");
            names.push(format!("docs/{name}"));
        }
        names.sort();
        let pages = names.into_iter().map(|name| {
            let text = fs::read_to_string(root.join(&name)).unwrap();
            let blocks = blocks(&text);
            Self { name, text, blocks }
        });
        pages.collect()
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = Command> {
        self.blocks.iter().filter(|block| block.language == "sh").flat_map(Block::commands)
    }

    /// Where its links lead.
    pub(super) fn links(&self) -> impl Iterator<Item = &str> {
        let after = self.text.split("](").skip(1);
        after.filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
    }

    /// What its headings are called in links.
    pub(super) fn anchors(&self) -> impl Iterator<Item = String> {
        let headings = self.text.lines().filter_map(|line| line.strip_prefix("##"));
        headings.map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
            kept.collect::<String>().replace(' ', "-")
        })
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in (1..).zip(text.lines()) {
        match (text.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { line, language: language.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{text}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

impl Block {
    /// Of a block that begins with `# NAME.toml`.
    pub(super) fn file_name(&self) -> Option<&str> {
        let name = self.text.strip_prefix("# ")?.split([':', ' ', '\n']).next()?;
        name.ends_with(".toml").then_some(name)
    }

    pub(super) fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let mut goes_on = false;
        for (line, text) in (self.line + 1..).zip(self.text.lines()) {
            let (part, more) = match text.strip_suffix('\\') {
                Some(part) => (part, true),
                None => (text, false),
            };
            match commands.last_mut() {
                Some(command) if goes_on => command.text += part.trim_start(),
                _ if part.trim().is_empty() || part.starts_with('#') => continue,
                _ => commands.push(Command { line, text: part.to_owned(), exit_code: 0 }),
            }
            goes_on = more;
        }
        for command in &mut commands {
            if let Some((_, code)) = command.text.split_once("# exit code ") {
                command.exit_code = code.trim().parse().unwrap();
            }
        }
        commands
    }
}
