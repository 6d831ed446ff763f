//! "Summary": the plan, and what may be done with it. Behind it media is made.

use std::fmt;
use std::io;

use capmedia::{Error, PublishError, map_text};
use media_model::{Problem, Shell};

use crate::consent::{Connected, Prompt};
use crate::exit::{Code, Failure};
use crate::print;
use crate::refreshed;
use crate::unicode;
use crate::wizard::ask::{self, Answer, cancelled, discard_input, select};
use crate::wizard::media_file::may_be_replaced;
use crate::wizard::overview::{self, ALL};
use crate::wizard::planned::{self, Job, Place};
use crate::wizard::prompt::rows;
use crate::wizard::wait::look;
use crate::wizard::{PAGES, SUMMARY, Wizard, drives as choice_of_drives, page_of, save, screen};

/// Where the summary leads.
pub(super) enum Chosen {
    Create(Box<Job>),
    /// A page to go back to.
    Page(usize),
}

/// The page before.
const LAST: Chosen = Chosen::Page(PAGES.len() - 1);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Create,
    CommandLine,
    Save,
    All,
    Map,
    Again,
    Page(usize),
    Cancel,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("Create the media"),
            Self::CommandLine => f.write_str("Show this job as one command line"),
            Self::Save => f.write_str("Save this job as a request file"),
            Self::All => f.write_str(ALL),
            Self::Map => f.write_str("Show the map"),
            Self::Again => f.write_str("Try again"),
            Self::Page(at) => {
                write!(f, "Go back to the page: {}", PAGES.get(*at).map_or("", |page| page.name))
            }
            Self::Cancel => f.write_str("Cancel"),
        }
    }
}

pub(super) fn show(wizard: &mut Wizard) -> Result<Chosen, Failure> {
    loop {
        screen::header(PAGES.len() + 1, SUMMARY);
        let request = match wizard.request.check() {
            Ok(checked) => checked,
            Err(problems) => return with_problems(wizard, &problems),
        };
        let text = match wizard.request.to_toml() {
            Ok(text) => text,
            Err(problems) => return with_problems(wizard, &problems),
        };
        let request = match &wizard.file {
            Some(file) => request.with_read_file(file),
            None => request,
        };
        if !choice_of_drives::may_still_be_written(wizard)? {
            return Ok(Chosen::Page(page_of("path").unwrap_or_default()));
        }
        let job = match planned::plan(wizard, request, text)? {
            Answer::Back => return Ok(LAST),
            Answer::Given(Ok(job)) => job,
            Answer::Given(Err(failure)) => match without_plan(wizard, &failure)? {
                Some(chosen) => return Ok(chosen),
                None => continue,
            },
        };
        match may_begin(wizard, &job)? {
            May::Begin => {}
            May::PlanAgain => continue,
            May::GoTo(chosen) => return Ok(chosen),
        }
        show_job(&job);
        if let Some((failure, is_told)) = &mut wizard.failed
            && !std::mem::replace(is_told, true)
        {
            show_failed(failure);
        }
        return menu(wizard, job);
    }
}

/// What can be done with media that is planned.
fn menu(wizard: &mut Wizard, job: Job) -> Result<Chosen, Failure> {
    use Choice::{All, Cancel, CommandLine, Create, Map, Save};
    let mut choices = vec![Create, CommandLine, Save, All, Map, Cancel];
    let map = overview::map(&job);
    choices.retain(|choice| *choice != Map || map.is_some());
    // Enter that is pressed once too often makes nothing.
    let mut at = 1;
    loop {
        discard_input()?;
        let Answer::Given(choice) = select("What is to be done?", choices.clone(), at)? else {
            return Ok(LAST);
        };
        at = choices.iter().position(|it| *it == choice).unwrap_or(1).max(1);
        match choice {
            CommandLine => show_command_line(wizard)?,
            Save => save::ask(wizard)?,
            All => {
                screen::paged(&all(&job)?)?;
                show_again(&job);
            }
            Map => {
                let is_unicode = unicode::is_shown(&io::stderr());
                let text = map.as_ref().map(|map| map_text(map, print::WIDTH, is_unicode));
                screen::paged(&screen::folded_text(&text.unwrap_or_default()))?;
                show_again(&job);
            }
            Create if agreed(wizard, &job)? => return Ok(Chosen::Create(Box::new(job))),
            Create => {}
            _ if save::may_leave(wizard)? => return Err(cancelled()),
            _ => {}
        }
    }
}

/// Answers that do not go together.
fn with_problems(wizard: &mut Wizard, problems: &[Problem]) -> Result<Chosen, Failure> {
    screen::note("There is no plan yet, because of these answers:");
    problems.iter().for_each(screen::problem);
    let mut pages: Vec<usize> =
        problems.iter().filter_map(|problem| page_of(problem.option())).collect();
    pages.sort_unstable();
    pages.dedup();
    if pages.is_empty() {
        screen::note("They are of the request file: correct it there, and run the wizard again.");
    }
    let choices = pages.into_iter().map(Choice::Page).chain([Choice::Save, Choice::Cancel]);
    let choices: Vec<Choice> = choices.collect();
    loop {
        discard_input()?;
        match select("What is to be done?", choices.clone(), 0)? {
            Answer::Given(Choice::Page(page)) => return Ok(Chosen::Page(page)),
            Answer::Given(Choice::Save) => save::ask(wizard)?,
            Answer::Given(_) if save::may_leave(wizard)? => return Err(cancelled()),
            Answer::Given(_) => {}
            Answer::Back => return Ok(LAST),
        }
    }
}

/// The answers are good, and the media cannot be made.
fn without_plan(wizard: &mut Wizard, failure: &Failure) -> Result<Option<Chosen>, Failure> {
    screen::note("The media cannot be made like this:");
    screen::failure(failure);
    use Choice::{Again, Cancel, CommandLine, Page, Save};
    let pages = [1, 2].map(Page);
    let choices: Vec<Choice> =
        { pages }.into_iter().chain([Again, CommandLine, Save, Cancel]).collect();
    loop {
        discard_input()?;
        match select("What is to be done?", choices.clone(), 0)? {
            Answer::Given(Page(page)) => return Ok(Some(Chosen::Page(page))),
            Answer::Given(Again) => return Ok(None),
            Answer::Given(CommandLine) => show_command_line(wizard)?,
            Answer::Given(Save) => save::ask(wizard)?,
            Answer::Given(_) if save::may_leave(wizard)? => return Err(cancelled()),
            Answer::Given(_) => {}
            Answer::Back => return Ok(Some(LAST)),
        }
    }
}

enum May {
    Begin,
    PlanAgain,
    GoTo(Chosen),
}

/// Whether each file that is there may be replaced.
fn may_begin(wizard: &mut Wizard, job: &Job) -> Result<May, Failure> {
    let Place::Images(_) = &job.place else { return Ok(May::Begin) };
    let there = &job.replaced;
    let mut asked = there.clone();
    asked.retain(|path| !wizard.replaced.contains(path));
    if !asked.is_empty() {
        discard_input()?;
        if !may_be_replaced(wizard, &asked)? {
            return Ok(May::GoTo(LAST));
        }
    }
    // What comes there meanwhile may not be replaced.
    let force = !there.is_empty();
    Ok(match wizard.request.force == force && asked.is_empty() {
        true => May::Begin,
        false => {
            wizard.request.force = force;
            May::PlanAgain
        }
    })
}

/// The plan, as far as it fits on the screen with the choices.
fn show_job(job: &Job) {
    let room = rows().saturating_sub(HEADER).saturating_sub(MENU);
    screen::written(&overview::lines(job, screen::columns(), room));
}

/// Rows of the heading.
const HEADER: usize = 2;
/// Rows of the question what is to be done: itself, the choices with the way back, and the keys.
const MENU: usize = 9;

/// The page again, after something long was shown.
fn show_again(job: &Job) {
    screen::header(PAGES.len() + 1, SUMMARY);
    show_job(job);
}

/// All of the plan: what is made, of what, what is lost by it, and what the operator should know.
fn all(job: &Job) -> Result<Vec<String>, Failure> {
    let summary = overview::summary(job);
    let mut text = Vec::new();
    print::summary(&mut text, summary)?;
    if let Place::Stick(planned, _) = &job.place {
        refreshed::show_planned(&mut text, planned)?;
    }
    let mut lines = screen::folded_text(&String::from_utf8_lossy(&text));
    for warning in &summary.warnings {
        lines.extend(screen::folded(warning.as_str(), "warning: ", 9));
    }
    lines.extend(overview::lost(job, true).iter().flat_map(|line| screen::folded(line, "", 4)));
    Ok(lines)
}

/// Why the media was not made when it was tried before.
fn show_failed(failure: &Failure) {
    screen::lines([""]);
    screen::note("The media was not made, and what was there is as it was:");
    let exists = failure.error().and_then(|error| match error.downcast_ref() {
        Some(Error::Publish(PublishError::Exists { path })) => Some(path),
        _ => None,
    });
    match exists {
        // Planned again, it was asked whether it may be replaced.
        Some(path) => screen::note(&format!("{} has come there meanwhile.", path.display())),
        None => screen::failure(failure),
    }
}

fn show_command_line(wizard: &Wizard) -> Result<(), Failure> {
    let line = match wizard.request.command_line() {
        Ok(line) => line,
        Err(problems) => {
            problems.iter().for_each(screen::problem);
            return Ok(());
        }
    };
    let shell = Shell::of_target();
    let options = wizard.consent().words();
    let with_options = |words: Vec<String>| -> Vec<String> {
        words.into_iter().chain(options.iter().map(ToString::to_string)).collect()
    };
    match line.quoted_words(shell).map(with_options) {
        Some(words) => {
            // The shells of Windows do not agree about how a line goes on: there the terminal breaks
            // it.
            match shell {
                Shell::Windows => screen::whole(&[words.join(" ")]),
                _ => screen::whole(&screen::continued(&words)),
            }
            if wizard.request.force {
                screen::note("--force replaces the media that exists, without a question.");
            }
            choice_of_drives::say_how_to_agree(wizard)?;
        }
        None => screen::note(
            "The answers hold characters that the shells here do not agree about; save a request \
             file, and give it to capmedia create --request.",
        ),
    }
    Ok(())
}

/// Whether what will be erased may be.
fn agreed(wizard: &mut Wizard, job: &Job) -> Result<bool, Failure> {
    let Place::Drives(drives) = &job.place else { return Ok(true) };
    // What is mounted now may not have been when it was planned.
    if !choice_of_drives::may_still_be_written(wizard)? {
        return Ok(false);
    }
    let drives_of_all = || capmedia::media_device::System::new().drives();
    let Answer::Given(all) = look("Looking for drives", drives_of_all)? else { return Ok(false) };
    let all = all.map_err(|error| Failure::new(Code::Output, anyhow::Error::from(error)))?;
    let connected = Connected { erased: drives.drives(), all: &all };
    let mut prompt = Asking::default();
    let given = wizard.consent().obtain(connected, job.request.force(), &mut prompt);
    if let Some(failure) = prompt.ended {
        return Err(failure);
    }
    match given {
        Ok(_) => Ok(true),
        Err(error) => {
            screen::error(&error);
            Ok(false)
        }
    }
}

/// Asks for the names of drives.
#[derive(Default)]
struct Asking {
    /// Ctrl-C, or a terminal that is gone.
    ended: Option<Failure>,
}

impl Prompt for Asking {
    fn is_there(&self) -> bool {
        true
    }

    fn show(&mut self, lines: &[String]) -> io::Result<()> {
        screen::lines(lines);
        Ok(())
    }

    fn way_out(&self) -> &'static str {
        "Create the media again, or go back and choose another drive"
    }

    fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        let asked = discard_input().and_then(|()| ask::text(question.trim_end(), "erases it", ""));
        match asked {
            Ok(Answer::Given(text)) => Ok(Some(text)),
            Ok(Answer::Back) => Ok(None),
            Err(failure) => {
                self.ended = Some(failure);
                Ok(None)
            }
        }
    }
}
