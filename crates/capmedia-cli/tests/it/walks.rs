//! How a test walks the wizard: question by question, each answered when it is there to be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::command::Bench;
use crate::terminal::{BACKSPACE, DOWN, ENTER, ESCAPE, Left, Terminal};

/// What is done with a question.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// What stands there is taken.
    Accept,
    /// This choice of a list.
    Choose(&'static str),
    /// This text in place of what stands there.
    Type(&'static str),
}

/// Questions by how they begin, and what is done with them.
pub(crate) type Script = [(&'static str, Reply)];

/// The wizard at a terminal.
pub(crate) struct Walk {
    pub(crate) terminal: Terminal,
}

impl Walk {
    /// `capmedia wizard` in the folder of a bench.
    pub(crate) fn start(bench: &Bench, options: &str) -> Self {
        let words = ["wizard"].into_iter().chain(options.split_whitespace());
        Self { terminal: Terminal::start(&bench.command(words)) }
    }

    /// Waits until a question can be answered.
    #[track_caller]
    pub(crate) fn asked(&mut self, question: &str) {
        self.terminal
            .wait_until(&format!("the question {question:?}"), |screen| is_asked(screen, question));
    }

    /// The same, and nothing on the screen is wider than it.
    #[track_caller]
    pub(crate) fn asked_narrowly(&mut self, question: &str) {
        self.asked(question);
        self.terminal.is_narrow();
    }

    #[track_caller]
    pub(crate) fn reply(&mut self, question: &str, reply: Reply) {
        self.asked(question);
        match reply {
            Reply::Accept => {}
            Reply::Choose(choice) => self.mark(question, choice),
            Reply::Type(text) => self.fill(text),
        }
        self.terminal.keys(ENTER);
    }

    /// Replies to all questions of a script.
    #[track_caller]
    pub(crate) fn walk(&mut self, script: &Script) {
        for (question, reply) in script {
            self.reply(question, *reply);
        }
    }

    /// Moves the mark of a list to a choice.
    #[track_caller]
    pub(crate) fn mark(&mut self, question: &str, choice: &str) {
        let mut before = None;
        for _ in 0..32 {
            let next =
                |screen: &str| marked(screen, question).filter(|it| Some(it) != before.as_ref());
            self.terminal.wait_until("the next choice", |screen| next(screen).is_some());
            let now = next(&self.terminal.screen());
            if now.as_ref().is_some_and(|now| now.starts_with(choice)) {
                return;
            }
            before = now;
            self.terminal.keys(DOWN);
        }
        panic!("there is no choice {choice:?}:\n{}", self.terminal.screen());
    }

    /// Puts a text in the place of what stands there.
    pub(crate) fn fill(&mut self, text: &str) {
        self.terminal.keys(&BACKSPACE.repeat(200));
        self.terminal.keys(text);
    }

    /// Goes back from a question to the one before.
    #[track_caller]
    pub(crate) fn back(&mut self, from: &str, to: &str) {
        self.asked(from);
        self.terminal.keys(ESCAPE);
        self.asked(to);
    }

    #[track_caller]
    pub(crate) fn end(self) -> Left {
        self.terminal.end()
    }
}

/// Whether a question is the one that waits for an answer: behind it is the line that tells the keys.
pub(crate) fn is_asked(screen: &str, question: &str) -> bool {
    let of_question = of_question(screen, question);
    let is_last = screen.ends_with(&of_question);
    is_last && of_question.lines().last().is_some_and(|line| line.starts_with('['))
}

/// The choice of a list that Enter would take, once it is drawn whole.
fn marked(screen: &str, question: &str) -> Option<String> {
    let list = of_question(screen, question);
    let mut marks = list.lines().filter_map(|line| line.strip_prefix("> "));
    let mark = marks.next().filter(|_| is_asked(screen, question));
    mark.filter(|_| marks.next().is_none()).map(str::to_owned)
}

/// The last question on a screen, if it is this one, with what stands below.
fn of_question(screen: &str, question: &str) -> String {
    let lines: Vec<&str> = screen.lines().collect();
    let last = lines.iter().rposition(|line| line.starts_with("? "));
    let last = last.filter(|at| lines[*at][2..].starts_with(question));
    last.map_or_else(String::new, |at| lines[at..].join("\n"))
}

/// All that is in a folder.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = if path.is_dir() { None } else { Some(fs::read(&path).unwrap()) };
            found.insert(path.display().to_string(), bytes);
            if path.is_dir() {
                pending.push(path);
            }
        }
    }
    found
}
