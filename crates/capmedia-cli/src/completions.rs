//! `capmedia completions`.

use std::io::{self, Write};

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, CommandFactory as _, ValueEnum};
use clap_complete::aot;

use crate::exit::{Code, Failure};
use crate::{Cli, help, topics};

/// What it is for, and where its output belongs.
pub(crate) const ABOUT: &str = "\
Print a script that lets a shell complete verbs, options and their values.

bash: capmedia completions bash > ~/.local/share/bash-completion/completions/capmedia
zsh: capmedia completions zsh > DIR/_capmedia, where DIR is a folder of $fpath
fish: capmedia completions fish > ~/.config/fish/completions/capmedia.fish
PowerShell: capmedia completions powershell | Out-String | Invoke-Expression, in $PROFILE";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell that the script is for: bash, zsh, fish or powershell.
    #[arg(hide_possible_values = true)]
    shell: Shell,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let mut to = io::stdout().lock();
    to.write_all(&script(args.shell))?;
    to.flush()?;
    Ok(Code::Done)
}

fn script(shell: Shell) -> Vec<u8> {
    let shell = match shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
        Shell::Powershell => aot::Shell::PowerShell,
    };
    let command = Cli::command();
    let verbs =
        command.get_subcommands().map(|verb| PossibleValue::new(verb.get_name().to_owned()));
    let topics = topics::ALL.iter().map(|topic| PossibleValue::new(topic.name));
    let words = PossibleValuesParser::new(verbs.chain(topics).collect::<Vec<_>>());
    let mut command = with_plain_switches(command).mut_subcommand(help::VERB, |help| {
        help.mut_arg(help::WORDS, |arg| arg.value_parser(words))
    });
    let mut script = Vec::new();
    aot::generate(shell, &mut command, "capmedia", &mut script);
    if shell == aot::Shell::Fish {
        script.extend(words_for_fish(&command).into_bytes());
    }
    script
}

/// The words that a verb takes in place of an option, which clap leaves out for fish.
fn words_for_fish(command: &Command) -> String {
    let mut lines = String::new();
    for verb in command.get_subcommands() {
        for arg in verb.get_positionals() {
            let words = arg.get_possible_values();
            let words: Vec<&str> = words.iter().map(PossibleValue::get_name).collect();
            if !words.is_empty() {
                lines.push_str(&format!(
                    "complete -c capmedia -n \"__fish_capmedia_using_subcommand {}\" -f -a \"{}\"\n",
                    verb.get_name(),
                    words.join(" ")
                ));
            }
        }
    }
    lines
}

/// `--force` takes `--force=false` too: to a shell it is a switch, or it would offer values, or files,
/// in place of the next option.
fn with_plain_switches(command: Command) -> Command {
    let plain = |arg: Arg| match arg.is_require_equals_set() {
        true => arg.num_args(0).require_equals(false).action(ArgAction::SetTrue),
        false => arg,
    };
    command.mut_args(plain).mut_subcommands(with_plain_switches)
}
