//! The guide: every command in README.md and docs/ is run, in order, by a shell, in a folder that holds what
//! the pages say one has. A page or a block that is added is run without a word here.
//!
//! A block of `sh` is run. What cannot be run here stands in [`NOT_RUN`]. A command succeeds, unless
//! `# exit code N` behind it says otherwise. Stand-ins: `dp01` is a server in this process, behind a proxy; `\\dp02` is a folder; discs of a set are small; drives are loop devices, in a test for root.

mod page;
mod place;
mod proxy;

use std::collections::BTreeSet;
use std::path::Path;

use self::page::{Block, Page};
use self::place::Place;
use crate::command::Bench;
use crate::loops::LoopLock;

/// Blocks of commands that are not run: page, first line, and why.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "cargo run --release -p capmedia-cli -- demo", "builds; verbs.rs runs `demo`"),
    ("README.md", "cargo xtask test", "runs this test"),
    (
        "docs/boot-images.md",
        "pnputil /enum-devices /connected /ids > devices.txt",
        "for Windows; the list is among what a page has",
    ),
    ("docs/wizard.md", "capmedia wizard", "asks; wizard.rs answers"),
    ("docs/wizard.md", "capmedia wizard --request media.toml", "asks; wizard.rs answers"),
    (
        "docs/windows.md",
        r"capmedia create --boot-image boot.wim --media-type cd-dvd --path C:\Media\capture.iso",
        "for Windows; `cargo xtask windows` makes the same kinds of media",
    ),
    (
        "docs/windows.md",
        "capmedia completions powershell | Out-String | Invoke-Expression",
        "for Windows; shells.rs looks at the script",
    ),
];

/// Runs the pages in folders of their own.
#[track_caller]
fn run(pages: &[Page], with_drives: Option<&LoopLock>) -> usize {
    let mut count = 0;
    for page in pages {
        let mut place = Place::new();
        if let Some(lock) = with_drives {
            place.plug_drives_in(lock);
        }
        for block in &page.blocks {
            if block.language == "toml"
                && let Some(name) = block.file_name()
            {
                place.bench.put(name, &block.text);
            }
            if block.language != "sh" || not_run(page, block).is_some() {
                continue;
            }
            for command in block.commands() {
                if with_drives.is_some() || !command.text.contains("/dev/") {
                    println!("{}:{}: {}", page.name, command.line, command.text);
                    place.run(&page.name, &command);
                    count += 1;
                }
            }
        }
    }
    count
}

fn not_run(page: &Page, block: &Block) -> Option<usize> {
    let first = block.text.lines().next().unwrap_or_default();
    NOT_RUN.iter().position(|(of, line, _)| *of == page.name && *line == first)
}

#[test]
fn every_command_is_run() {
    assert!(run(&Page::all(), None) > 30);
}

#[test]
#[ignore = "needs root, loop devices, partx"]
fn every_command_for_drives_is_run() {
    let has_drives = |page: &Page| page.commands().any(|command| command.text.contains("/dev/"));
    let pages: Vec<Page> = Page::all().into_iter().filter(has_drives).collect();
    assert!(pages.len() > 1);
    run(&pages, Some(&LoopLock::take()));
}

/// So that no command is overlooked, and nothing is run that could change this machine.
#[test]
fn every_block_is_of_a_known_kind() {
    let mut unused: BTreeSet<usize> = (0..NOT_RUN.len()).collect();
    for page in Page::all() {
        for block in &page.blocks {
            let place = format!("{}:{}", page.name, block.line);
            if let Some(number) = not_run(&page, block) {
                unused.remove(&number);
                continue;
            }
            match &*block.language {
                "sh" => {
                    for command in block.commands() {
                        let is_ours = command.text.starts_with("capmedia ");
                        assert!(is_ours, "{place}: {}: no command of ours: NOT_RUN?", command.text);
                    }
                }
                "toml" => assert!(block.file_name().is_some(), "{place}: begin with # NAME.toml"),
                // embedding.rs of the crate capmedia runs it.
                "rust" => assert_eq!(page.name, "docs/embedding.md", "{place}: nobody compiles it"),
                "text" => assert!(!block.text.contains("capmedia "), "{place}: is it sh?"),
                other => panic!("{place}: {other:?} is neither sh, toml, rust nor text: NOT_RUN?"),
            }
        }
    }
    assert!(unused.is_empty(), "NOT_RUN has blocks that are gone: {unused:?}");
}

#[test]
fn the_index_has_every_page_and_no_link_is_dead() {
    let pages = Page::all();
    let root = Path::new(page::ROOT);
    let index = pages.iter().find(|page| page.name == "docs/README.md").unwrap();
    for page in
        pages.iter().filter(|page| page.name.starts_with("docs/") && page.name != index.name)
    {
        let name = page.name.trim_start_matches("docs/");
        assert!(index.links().any(|link| link == name), "docs/README.md has no link to {name}");
    }
    for page in &pages {
        let folder = Path::new(&page.name).parent().unwrap();
        for link in page.links().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => page.name.clone(),
                file => folder.join(file).to_str().unwrap().to_owned(),
            };
            assert!(root.join(&file).exists(), "{}: {link} leads nowhere", page.name);
            if let (false, Some(other)) =
                (anchor.is_empty(), pages.iter().find(|it| it.name == file))
            {
                assert!(other.anchors().any(|it| it == anchor), "{}: {link}", page.name);
            }
        }
    }
}

#[test]
fn every_verb_is_told_of() {
    let guide: String = Page::all().into_iter().map(|page| page.text).collect();
    let bench = Bench::new();
    let verbs = |line: &str| -> Vec<String> {
        let help = String::from_utf8(bench.succeed(line)).unwrap();
        let (_, list) = help.split_once("Commands:\n").expect("verbs");
        let list = list.lines().take_while(|line| !line.is_empty());
        let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let content = verbs("content --help").into_iter().map(|verb| format!("content {verb}"));
    let all: Vec<String> = verbs("--help").into_iter().chain(content).collect();
    assert!(all.len() > 8, "{all:?}");
    for verb in all.iter().filter(|verb| !verb.ends_with("help")) {
        assert!(guide.contains(&format!("capmedia {verb}")), "no page tells of `capmedia {verb}`");
    }
}

#[test]
fn lines_are_at_most_120_columns_wide() {
    for page in Page::all() {
        for (number, line) in (1..).zip(page.text.lines()) {
            // A row of a table cannot be broken.
            let fits = line.chars().count() <= 120 || line.trim_start().starts_with('|');
            assert!(fits || page.name == "README.md", "{}:{number} is too wide", page.name);
        }
    }
}

/// What `capmedia help media-sizes` tells stands in the guide with the same numbers. (exit.rs compares the
/// exit codes.)
#[test]
fn help_and_guide_have_the_same_sizes() {
    let pages = Page::all();
    let page = pages.iter().find(|page| page.name == "docs/discs.md").unwrap();
    let sizes = String::from_utf8(Bench::new().succeed("help media-sizes")).unwrap();
    let words = sizes.split_whitespace().map(|word| word.trim_end_matches(','));
    let numbers: Vec<&str> = words.filter(|word| word.contains(',')).collect();
    assert!(numbers.len() > 6, "{sizes}");
    for number in numbers {
        assert!(page.text.contains(number), "{number} is not in {}", page.name);
    }
}
