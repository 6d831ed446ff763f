//! `capmedia help`: verbs, and topics.

use std::io::{self, Write};

use anyhow::anyhow;
use clap::{Command, CommandFactory as _, Parser as _};

use crate::Cli;
use crate::exit::{Code, Failure};
use crate::meant::nearest;
use crate::page;
use crate::topics::{self, Topic};

/// What it is called on the command line.
pub(crate) const VERB: &str = "help";

/// What clap calls its arguments.
pub(crate) const WORDS: &str = "words";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A topic, or a verb, such as content fetch; without one, what there is.
    #[arg(id = WORDS, value_name = "TOPIC|VERB")]
    words: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    if let [word] = &*args.words
        && let Some(topic) = topics::ALL.iter().find(|topic| topic.name == word)
    {
        print_topic(&mut io::stdout().lock(), topic)?;
        return Ok(Code::Done);
    }
    let mut command = Cli::command();
    command.build();
    let mut of = &command;
    for word in &args.words {
        let Some(found) = of.find_subcommand(word) else {
            let error = unknown(&args.words, word, &verbs_of(of));
            return Err(Failure::new(Code::Request, error));
        };
        of = found;
    }
    let words = args.words.iter().map(String::as_str);
    let line = ["capmedia"].into_iter().chain(words).chain(["--help"]);
    // It answers as an error.
    if let Err(help) = Cli::try_parse_from(line) {
        help.print()?;
    }
    Ok(Code::Done)
}

fn print_topic(to: &mut impl Write, topic: &Topic) -> io::Result<()> {
    writeln!(to, "{}: {}\n", topic.name, topic.about)?;
    page::print(to, &(topic.text)())?;
    to.flush()
}

fn verbs_of(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

/// There is no help on `asked`, because `word` is not one of the `verbs` there.
fn unknown(asked: &[String], word: &str, verbs: &[String]) -> anyhow::Error {
    let topics = topics::ALL.map(|topic| topic.name);
    let mut known: Vec<&str> = verbs.iter().map(String::as_str).collect();
    // Topics stand alone.
    let mut text =
        format!("there is no help on {:?}\nverbs: {}", asked.join(" "), known.join(", "));
    if asked.len() == 1 {
        text.push_str(&format!("\ntopics: {}", topics.join(", ")));
        known.extend(topics);
    }
    let before: Vec<&str> =
        asked.iter().map(String::as_str).take_while(|other| *other != word).collect();
    let before: String = before.iter().map(|verb| format!("{verb} ")).collect();
    match nearest(word, known) {
        Some(near) => anyhow!("{text}\ntry: capmedia {VERB} {before}{near}"),
        None => anyhow!("{text}\ntry one of these: capmedia {VERB} {before}..."),
    }
}
